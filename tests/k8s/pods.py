"""What a pod of ours would find when it starts: its environment, its files, its ports, who may reach it."""

from typing import Any, NamedTuple

import yaml

from tests.k8s.manifests import K8S, Manifest, named, of_kind

SECRETS = {
    manifest["metadata"]["name"]: manifest["stringData"]
    for manifest in yaml.safe_load_all((K8S / "secret.example.yaml").read_text())
}
"""By its name: what a Secret has to hold."""


class Pod(NamedTuple):
    """The pod of a Deployment, among everything else that is applied."""

    manifests: list[Manifest]

    @property
    def deployment(self) -> Manifest:
        return named(self.manifests, "Deployment", "gateway")

    @property
    def template(self) -> Manifest:
        template: Manifest = self.deployment["spec"]["template"]
        return template

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.template["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        (container,) = self.spec["containers"]
        assert isinstance(container, dict)
        return container

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.template["metadata"]["labels"]
        return labels

    def read_environment(self) -> dict[str, str]:
        """Return its variables, as Kubernetes would put them together. Raises KeyError where one refers to nothing."""
        environment: dict[str, str] = {}
        for source in self.container.get("envFrom", ()):
            if "secretRef" in source:
                environment |= SECRETS[source["secretRef"]["name"]]
            else:
                environment |= named(self.manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in self.container.get("env", ()):
            if "value" in variable:
                environment[variable["name"]] = variable["value"]
            else:
                reference = variable["valueFrom"]["secretKeyRef"]
                environment[variable["name"]] = SECRETS[reference["name"]][reference["key"]]
        return environment

    def read_files(self) -> dict[str, str]:
        """Return the files that Secrets put into it, by path."""
        volumes = {volume["name"]: volume for volume in self.spec.get("volumes", ())}
        files: dict[str, str] = {}
        for mount in self.container.get("volumeMounts", ()):
            if "secret" in volumes[mount["name"]]:
                secret = SECRETS[volumes[mount["name"]]["secret"]["secretName"]]
                files |= {f"{mount['mountPath']}/{key}": value for key, value in secret.items()}
        return files

    def find_port(self, port: int | str) -> int:
        """Return a port by its name or number. Raises KeyError where no port is called so."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        number: int = port if isinstance(port, int) else ports[port]
        return number

    def is_meant(self, selector: dict[str, Any]) -> bool:
        """Whether a selector means it. One of no labels means everything."""
        assert selector.keys() <= {"matchLabels"}, selector
        wanted: dict[str, str] = selector.get("matchLabels", {})
        return wanted.items() <= self.labels.items()

    def may_be_reached(self, port: int, *, namespace: str, pod: dict[str, str]) -> bool:
        """Whether the network policies let another pod in."""
        return any(
            _allows(rule, "from", namespace, pod)
            and any(self.find_port(each["port"]) == port for each in rule["ports"])
            for policy in self._policies("Ingress")
            for rule in policy["spec"]["ingress"]
        )

    def may_reach(self, port: int, *, namespace: str, pod: dict[str, str], protocol: str = "TCP") -> bool:
        """Whether the network policies let it out to another pod."""
        return any(
            _allows(rule, "to", namespace, pod)
            and any((each["port"], each.get("protocol", "TCP")) == (port, protocol) for each in rule["ports"])
            for policy in self._policies("Egress")
            for rule in policy["spec"]["egress"]
        )

    def _policies(self, way: str) -> list[Manifest]:
        policies = of_kind(self.manifests, "NetworkPolicy")
        return [
            policy
            for policy in policies
            if way in policy["spec"]["policyTypes"] and self.is_meant(policy["spec"]["podSelector"])
        ]


def _allows(rule: dict[str, Any], way: str, namespace: str, pod: dict[str, str]) -> bool:
    return way not in rule or any(_is_peer(peer, namespace, pod) for peer in rule[way])


def _is_peer(peer: dict[str, Any], namespace: str, pod: dict[str, str]) -> bool:
    if "ipBlock" in peer:
        return False
    named = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    labels: dict[str, str] = peer.get("podSelector", {}).get("matchLabels", {})
    return bool(named == namespace) and labels.items() <= pod.items()
