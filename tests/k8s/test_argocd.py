"""What is put into Argo CD: an account that reads, an Application that may deploy the gateway and nothing else."""

from urllib.parse import urlsplit

import yaml

from gateway import __version__
from gateway.settings.variables import Settings
from tests.k8s.manifests import K8S, NAMESPACE, ROOT, Manifest, named, read

ACCOUNT = read((K8S / "argocd" / "account.yaml").read_text())
DEPLOYED = read((K8S / "argocd" / "application.yaml").read_text())
NOTIFICATIONS = read((K8S / "argocd" / "notifications-cm.yaml").read_text())


def test_the_account_reads_applications_and_nothing_else() -> None:
    (policy,) = named(ACCOUNT, "ConfigMap", "argocd-rbac-cm")["data"].values()
    assert policy == "p, gateway, applications, get, */*, allow\n"
    assert named(ACCOUNT, "ConfigMap", "argocd-cm")["data"] == {"accounts.gateway": "apiKey"}, "no password, no login"


def test_the_documents_show_the_same_account() -> None:
    (policy,) = named(ACCOUNT, "ConfigMap", "argocd-rbac-cm")["data"].values()
    for page in ("README.md", "docs/argocd.md"):
        text = (ROOT / page).read_text()
        assert policy.strip() in text
        assert "accounts.gateway: apiKey" in text


def test_the_application_keeps_itself_as_the_repository_has_it() -> None:
    policy = named(DEPLOYED, "Application", "argocd-sse-gateway")["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in policy["syncOptions"]


def test_the_application_deploys_an_overlay_of_this_version() -> None:
    spec = named(DEPLOYED, "Application", "argocd-sse-gateway")["spec"]
    assert (ROOT / spec["source"]["path"] / "kustomization.yaml").is_file()
    assert spec["source"]["targetRevision"] == f"v{__version__}"
    assert spec["destination"]["namespace"] == NAMESPACE


def test_its_project_allows_what_is_rendered_and_nothing_with_rights(rendered: list[Manifest]) -> None:
    spec = named(DEPLOYED, "AppProject", "argocd-sse-gateway")["spec"]
    application = named(DEPLOYED, "Application", "argocd-sse-gateway")["spec"]
    assert application["source"]["repoURL"] in spec["sourceRepos"]
    assert spec["destinations"] == [application["destination"]]
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    allowed = {(each["group"], each["kind"]) for each in spec["namespaceResourceWhitelist"]}
    for manifest in rendered:
        kind = (manifest["apiVersion"].rpartition("/")[0], manifest["kind"])
        assert kind in allowed or kind == ("", "Namespace"), kind
    assert not {kind for _, kind in allowed} & {"Role", "RoleBinding", "Secret", "Pod", "Job"}


def test_notifications_go_to_the_service(rendered: list[Manifest]) -> None:
    (config,) = NOTIFICATIONS
    url = urlsplit(yaml.safe_load(config["data"]["service.webhook.gateway"])["url"])
    service = named(rendered, "Service", "gateway")
    assert url.hostname == f"{service['metadata']['name']}.{NAMESPACE}.svc"
    assert [url.port] == [port["port"] for port in service["spec"]["ports"]]
    assert url.port == Settings.model_fields["port"].default
