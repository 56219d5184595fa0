"""What every rendering keeps to: pods that can do little, settings that the gateway takes, ways that lead to it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway import __version__
from gateway.settings.environment import Settings, load, unknown_names
from gateway.settings.notation import parse_duration
from gateway.web.routes import add_routes
from tests.k8s.manifests import NAMESPACE, Manifest, of_kind, read_plain
from tests.k8s.pods import SECRETS, Pod
from tests.test_dockerfile import FINAL, rests

MARGIN = 10.0
"""Seconds for saving the state and ending the process, beyond what the settings say."""


def read_duration(pod: Pod, field: str) -> float:
    """Return a setting as it is in force, in seconds."""
    written = pod.read_environment().get(f"GATEWAY_{field.upper()}")
    seconds = Settings.model_fields[field].default if written is None else parse_duration(written)
    assert isinstance(seconds, float)
    return seconds


@pytest.fixture
def pod(rendered: list[Manifest]) -> Pod:
    return Pod(rendered)


# What a pod can do.


def test_no_pod_has_rights(pod: Pod) -> None:
    inside, container = pod.spec["securityContext"], pod.container["securityContext"]
    assert inside["runAsNonRoot"] is True
    assert inside["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.spec.keys()
    kinds = {next(key for key in volume if key != "name") for volume in pod.spec.get("volumes", ())}
    assert kinds <= {"secret", "emptyDir", "persistentVolumeClaim"}


def test_it_runs_as_who_the_image_is(pod: Pod) -> None:
    inside = pod.spec["securityContext"]
    assert [f"{inside['runAsUser']}:{inside['runAsGroup']}"] == rests(FINAL, "USER")
    assert inside["fsGroup"] == inside["runAsGroup"], "or it couldn't write to its volume, or read its secrets"


def test_it_can_ask_kubernetes_nothing(pod: Pod) -> None:
    assert pod.spec["automountServiceAccountToken"] is False
    for account in of_kind(pod.manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    kinds = {manifest["kind"] for manifest in pod.manifests}
    assert not kinds & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}


def test_it_gets_no_variables_that_look_like_settings(pod: Pod) -> None:
    assert pod.spec["enableServiceLinks"] is False


def test_memory_has_a_limit_and_nothing_slows_the_loop(pod: Pod) -> None:
    resources = pod.container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert "memory" in resources["limits"]
    assert "cpu" not in resources["limits"], "a throttled process writes to nobody"


def test_only_what_is_a_volume_is_written_to(pod: Pod) -> None:
    mounts = [mount["mountPath"] for mount in pod.container.get("volumeMounts", ()) if not mount.get("readOnly")]
    environment = pod.read_environment()
    written = [environment.get("GATEWAY_STATE_FILE", "")]
    if (url := environment.get("GATEWAY_DATABASE_URL", "")).startswith("sqlite"):
        written.append(url.removeprefix("sqlite:///"))
    for path in filter(None, written):
        assert any(path.startswith(f"{mount}/") for mount in mounts), path


def test_the_namespace_lets_no_pod_have_more(pod: Pod) -> None:
    (namespace,) = of_kind(pod.manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for manifest in pod.manifests:
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == NAMESPACE


# What it is told.


def test_its_settings_are_ones_that_the_gateway_takes(pod: Pod, tmp_path: Path) -> None:
    environment, files = pod.read_environment(), pod.read_files()
    # Its volume is there, as far as settings that name a file in it can tell.
    environment = {name: value.replace("/data/", f"{tmp_path}/") for name, value in environment.items()}
    assert unknown_names(environment) == []
    settings = load(environment, files_read=lambda path: files[str(path)].encode())
    assert settings.auth is not None, "without that it doesn't open its port to others"


def test_its_secrets_come_from_secrets_and_from_nowhere_else(pod: Pod) -> None:
    assert not of_kind(pod.manifests, "Secret"), "a Secret in a repository is none"
    secret = {name for name in pod.read_environment() if re.search("TOKEN$|SECRET$|KEYS$|PASSWORD|REDIS_URL", name)}
    for config in of_kind(pod.manifests, "ConfigMap"):
        assert not secret & config["data"].keys()
    assert not secret & {variable["name"] for variable in pod.container.get("env", ()) if "value" in variable}


def test_every_secret_that_is_made_by_an_operator_is_one_that_is_wanted() -> None:
    made = [manifest for _, manifest in read_plain() if manifest["kind"] == "ExternalSecret"]
    assert len(made) == 2
    for external in made:
        wanted = SECRETS[external["spec"]["target"]["name"]]
        assert {each["secretKey"] for each in external["spec"]["data"]} == wanted.keys()


def test_it_has_the_time_that_its_drain_takes(pod: Pod) -> None:
    needed = MARGIN + read_duration(pod, "drain_delay") + read_duration(pod, "drain")
    hook = pod.container.get("lifecycle", {}).get("preStop", {})
    assert hook.keys() <= {"sleep"}, "there is no shell in the image"
    needed += hook.get("sleep", {}).get("seconds", 0)
    assert pod.spec["terminationGracePeriodSeconds"] >= needed


def test_a_sidecar_stays_until_the_streams_have_left(pod: Pod) -> None:
    config = pod.template["metadata"].get("annotations", {}).get("proxy.istio.io/config", "")
    for seconds in re.findall(r"terminationDrainDuration: (\d+)s", config):
        assert read_duration(pod, "drain_delay") + read_duration(pod, "drain") < int(seconds)
        assert int(seconds) < pod.spec["terminationGracePeriodSeconds"]
    assert bool(config) == bool(of_kind(pod.manifests, "VirtualService"))


# What leads to it.


async def test_its_probes_ask_for_what_is_served(pod: Pod) -> None:
    served = web.Application()
    add_routes(served, base_path="", dashboard=True)
    paths = {}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        question = pod.container[probe]["httpGet"]
        assert pod.find_port(question["port"]) == Settings.model_fields["port"].default
        assert (await served.router.resolve(make_mocked_request("GET", question["path"]))).http_exception is None
        paths[probe] = question["path"]
    assert paths == {"startupProbe": "/startupz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_readiness_is_noticed_before_the_gateway_closes(pod: Pod) -> None:
    probe = pod.container["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < read_duration(pod, "drain_delay")


def test_its_ports_are_those_of_the_settings_and_of_the_image(pod: Pod) -> None:
    ports = {port["name"]: port["containerPort"] for port in pod.container["ports"]}
    fields = Settings.model_fields
    assert ports == {"http": fields["port"].default, "metrics": fields["metrics_port"].default}
    assert " ".join(rests(FINAL, "EXPOSE")).split() == [str(port) for port in ports.values()]


def test_every_selector_means_it(pod: Pod) -> None:
    selectors = [pod.deployment["spec"]["selector"]]
    selectors += [each["labelSelector"] for each in pod.spec["topologySpreadConstraints"]]
    selectors += [{"matchLabels": each["spec"]["selector"]} for each in of_kind(pod.manifests, "Service")]
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        selectors += [each["spec"]["selector"] for each in of_kind(pod.manifests, kind)]
    selectors += [each["spec"]["podSelector"] for each in of_kind(pod.manifests, "NetworkPolicy")]
    for selector in selectors:
        assert selector["matchLabels"], "nothing else in the namespace is meant"
        assert pod.is_meant(selector)


def test_prometheus_calls_it_what_the_alerts_are_about(pod: Pod) -> None:
    for monitor in of_kind(pod.manifests, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            assert pod.find_port(endpoint["port"]) == Settings.model_fields["metrics_port"].default
        job = pod.labels[monitor["spec"]["jobLabel"]]
        rules = str(of_kind(pod.manifests, "PrometheusRule"))
        assert set(re.findall(r'job="([^"]+)"', rules)) == {job}


def test_every_route_leads_to_its_service(pod: Pod) -> None:
    (service,) = of_kind(pod.manifests, "Service")
    (port,) = service["spec"]["ports"]
    assert pod.find_port(port["targetPort"]) == Settings.model_fields["port"].default
    backends: list[tuple[str, Any]] = []
    for ingress in of_kind(pod.manifests, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            backends += [(path["backend"]["service"]["name"], "name") for path in rule["http"]["paths"]]
            assert all(path["backend"]["service"]["port"] == {"name": port["name"]} for path in rule["http"]["paths"])
    for route in of_kind(pod.manifests, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            backends += [(backend["name"], backend["port"]) for backend in rule["backendRefs"]]
    for service_ in of_kind(pod.manifests, "VirtualService"):
        for rule in service_["spec"]["http"]:
            backends += [(to["destination"]["host"], to["destination"]["port"]["number"]) for to in rule["route"]]
    assert backends, "nobody could reach it"
    assert set(backends) <= {(service["metadata"]["name"], each) for each in (port["port"], "name")}


def test_no_route_ends_a_stream(pod: Pod) -> None:
    rules = [rule for route in of_kind(pod.manifests, "HTTPRoute") for rule in route["spec"]["rules"]]
    for rule in rules[:1]:
        assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/api/stream"}}]
        assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    rules = [rule for service in of_kind(pod.manifests, "VirtualService") for rule in service["spec"]["http"]]
    for rule in rules[:1]:
        assert rule["match"] == [{"uri": {"prefix": "/api/stream/"}}]
        assert (rule["timeout"], rule["retries"]) == ("0s", {"attempts": 0})


def test_no_value_was_forgotten(pod: Pod) -> None:
    assert "from-values" not in str(pod.manifests)
    assert not [each for each in of_kind(pod.manifests, "ConfigMap") if each["metadata"]["name"] == "values"]


# What may pass.


def test_the_network_lets_through_what_is_needed_and_nothing_else(pod: Pod) -> None:
    fields = Settings.model_fields
    http, metrics = fields["port"].default, fields["metrics_port"].default
    prometheus = {"app.kubernetes.io/name": "prometheus"}
    assert pod.may_be_reached(metrics, namespace="monitoring", pod=prometheus)
    assert not pod.may_be_reached(http, namespace="monitoring", pod=prometheus)
    notifications = {"app.kubernetes.io/name": "argocd-notifications-controller"}
    assert pod.may_be_reached(http, namespace="argocd", pod=notifications)
    for port in (http, metrics):
        assert not pod.may_be_reached(port, namespace="default", pod={"app.kubernetes.io/name": "anything"})
    for protocol in ("UDP", "TCP"):
        assert pod.may_reach(53, namespace="kube-system", pod={"k8s-app": "kube-dns"}, protocol=protocol)
    server = {"app.kubernetes.io/name": "argocd-server"}
    assert pod.may_reach(8080, namespace="argocd", pod=server)
    assert not pod.may_reach(443, namespace="default", pod={})


def test_the_network_lets_visitors_through(pod: Pod) -> None:
    http = Settings.model_fields["port"].default
    ways = {
        "Ingress": ("kube-system", {"app.kubernetes.io/name": "traefik"}),
        "HTTPRoute": ("envoy-gateway-system", {"app.kubernetes.io/name": "envoy"}),
        "VirtualService": ("istio-system", {"app": "istio-ingressgateway"}),
    }
    taken = [ways[kind] for kind in ways if of_kind(pod.manifests, kind)]
    assert taken
    for namespace, labels in taken:
        assert pod.may_be_reached(http, namespace=namespace, pod=labels)


def test_the_network_lets_it_reach_what_its_replicas_share(pod: Pod) -> None:
    environment = pod.read_environment()
    urls = [urlsplit(environment.get(name, "")) for name in ("GATEWAY_REDIS_URL", "GATEWAY_DATABASE_URL")]
    shared = [url for url in urls if url.hostname]
    assert bool(shared) == (pod.deployment["spec"]["replicas"] > 1), "what is shared, and only that, allows replicas"
    for url in shared:
        assert url.hostname is not None
        name, namespace, *_ = url.hostname.split(".")
        assert url.port is not None
        assert pod.may_reach(url.port, namespace=namespace, pod={"app.kubernetes.io/name": name}), url.hostname


def test_the_network_lets_traces_out_where_there_are_any(pod: Pod) -> None:
    environment = pod.read_environment()
    collector = urlsplit(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))
    assert bool(collector.hostname) == (environment.get("GATEWAY_TRACING") == "on")
    if collector.hostname and collector.port:
        namespace, labels = collector.hostname.split(".")[1], {"app.kubernetes.io/name": "opentelemetry-collector"}
        assert pod.may_reach(collector.port, namespace=namespace, pod=labels)


# What goes with it.


def test_an_update_never_runs_two_where_only_one_may_write(pod: Pod) -> None:
    spec = pod.deployment["spec"]
    claimed = any("persistentVolumeClaim" in volume for volume in pod.spec.get("volumes", ()))
    if spec["replicas"] == 1:
        assert not claimed or spec["strategy"] == {"type": "Recreate"}
    else:
        assert not claimed
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_node_can_be_drained(pod: Pod) -> None:
    (budget,) = of_kind(pod.manifests, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1


def test_the_image_is_this_version(pod: Pod) -> None:
    name, _, tag = pod.container["image"].rpartition(":")
    assert (name.rpartition("/")[2], tag) == ("argocd-sse-gateway", __version__)


def test_every_file_of_an_overlay_is_used() -> None:
    for folder in {path.parent for path in Path(__file__).parents[2].glob("k8s/**/kustomization.yaml")}:
        text = (folder / "kustomization.yaml").read_text()
        for file in folder.iterdir():
            assert file.name == "kustomization.yaml" or file.name in text, file
