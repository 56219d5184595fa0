"""The commands of the guides, typed one after the other, as far as they need no cluster and no container engine."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.k8s import stand_in
from tests.k8s.manifests import K8S, OVERLAYS, ROOT, render
from tests.k8s.pods import SECRETS, Pod

GUIDES = ("argocd.md", "k3d.md", "kubernetes.md")
PROGRAMS = ("argocd", "curl", "docker", "k3d", "kubectl", "openssl")


class Call(NamedTuple):
    program: str
    arguments: list[str]
    stdin: str
    stdout: str

    @property
    def said(self) -> str:
        return " ".join([self.program, *self.arguments])


def read_commands(guide: str) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / guide).read_text(), re.MULTILINE | re.DOTALL)
    # What asks a running Argo CD is tried elsewhere.
    return "\n".join(block for block in blocks if "gateway check" not in block or "kubectl" in block)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Call]]:
    """By guide: what its commands called, in their order."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("NO COMMAND OF THE GUIDES TO KUBERNETES IS TRIED: kubectl isn't installed")
    calls = {}
    for guide in GUIDES:
        place = tmp_path_factory.mktemp(guide)
        for name in ("k8s", "monitoring", "gateway", "Makefile"):
            (place / name).symlink_to(ROOT / name)
        (place / "argocd-token").write_text("a-token")
        programs = place / "programs"
        programs.mkdir()
        for name in PROGRAMS:
            (programs / name).write_text(f"#!{sys.executable}\n{Path(stand_in.__file__).read_text()}")
            (programs / name).chmod(0o755)
        notes = place / "calls"
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "KUBECTL": kubectl, "CALLS": str(notes)}
        done = subprocess.run(
            ["bash", "-euo", "pipefail"],  # noqa: S607
            input=read_commands(guide),
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        calls[guide] = [Call(**json.loads(line)) for line in notes.read_text().splitlines()]
    return calls


def find(calls: list[Call], beginning: str) -> Call:
    (call,) = (call for call in calls if re.match(beginning, call.said))
    return call


@pytest.mark.parametrize("guide", ["k3d.md", "kubernetes.md"])
def test_the_secret_that_is_made_is_the_one_that_the_pods_want(typed: dict[str, list[Call]], guide: str) -> None:
    made: dict[str, Any] = yaml.safe_load(find(typed[guide], r"kubectl .*create secret").stdout)
    assert made["metadata"] == {
        "name": "gateway-argocd",
        "namespace": "argocd-sse-gateway",
        "creationTimestamp": None,
    }
    assert made["data"].keys() == SECRETS["gateway-argocd"].keys()
    assert base64.b64decode(made["data"]["ARGOCD_AUTH_TOKEN"]).decode().strip() == "a-token"


def test_the_image_that_is_built_is_the_one_that_is_imported_and_run(typed: dict[str, list[Call]]) -> None:
    calls = typed["k3d.md"]
    built, imported = find(calls, "docker build"), find(calls, "k3d image import")
    image = Pod(render(K8S / "overlays" / "single")).container["image"]
    assert image in built.arguments
    assert image in imported.arguments
    assert (
        calls.index(built) < calls.index(imported) < calls.index(find(calls, r"kubectl apply -k k8s/overlays/single"))
    )


def test_one_cluster_is_made_used_and_deleted(typed: dict[str, list[Call]]) -> None:
    calls = typed["k3d.md"]
    name = find(calls, "k3d cluster create").arguments[2]
    assert find(calls, "k3d image import").arguments[2:4] == ["--cluster", name]
    assert calls[-1].said == f"k3d cluster delete {name}"


def test_one_secret_is_given_to_both_sides_of_the_notifications(typed: dict[str, list[Call]]) -> None:
    calls = typed["k3d.md"]
    theirs = yaml.safe_load(find(calls, r"kubectl .*patch secret argocd-notifications-secret").stdout)
    ours = yaml.safe_load(find(calls, r"kubectl .*patch secret gateway-argocd").stdout)
    given = theirs["stringData"]["gateway-webhook-token"]
    assert given == ours["stringData"]["GATEWAY_WEBHOOK_ARGOCD_SECRET"] == stand_in.ANSWERS["openssl"]
    config = yaml.safe_load((K8S / "argocd" / "notifications-cm.yaml").read_text())
    assert "$gateway-webhook-token" in config["data"]["service.webhook.gateway"]


def test_an_account_that_is_patched_in_is_the_one_of_the_manifest(typed: dict[str, list[Call]]) -> None:
    manifests = yaml.safe_load_all((K8S / "argocd" / "account.yaml").read_text())
    wanted = {manifest["metadata"]["name"]: manifest["data"] for manifest in manifests}
    for name, data in wanted.items():
        assert yaml.safe_load(find(typed["argocd.md"], f"kubectl .*patch configmap {name}").stdout)["data"] == data


def test_every_folder_and_file_of_the_manifests_that_is_named_is_there() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]:
        for named in re.findall(r"(?<![\w/.])((?:k8s|monitoring)/[\w./-]*\w)", page.read_text()):
            assert (ROOT / named).exists(), f"{page.name}: {named}"
    assert {path.name for path in (K8S / "overlays").iterdir()} == set(OVERLAYS)
