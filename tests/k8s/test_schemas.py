"""Every manifest is what the API server will accept: no unknown field, no wrong value, in any supported version."""

import copy
import re
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.k8s.manifests import ROOT, Manifest, read, read_plain
from tests.k8s.models import find_faults, is_custom

GUIDE = ROOT / "docs" / "k3d.md"
INGRESS_NGINX = ROOT / "docs" / "ingress-nginx.md"

VERSIONS = ("1.31", "1.37")
"""The oldest and the newest Kubernetes that docs/kubernetes.md names."""


def validate(manifests: list[Manifest]) -> None:
    core = [manifest for manifest in manifests if not is_custom(manifest)]
    assert core
    for manifest in core:
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_plain_file_is_valid() -> None:
    validate([manifest for _, manifest in read_plain()])


def test_the_annotated_ingress_of_the_documents_is_valid() -> None:
    shown, patch = re.findall(r"^```yaml\n(.*?)^```", INGRESS_NGINX.read_text(), re.MULTILINE | re.DOTALL)
    (ingress,) = read(shown)
    validate([ingress])
    (step,) = yaml.safe_load(yaml.safe_load(patch)["patches"][0]["patch"])
    assert step["value"] == ingress["metadata"]["annotations"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_manifest_that_the_documents_show_is_valid(page: Path, tmp_path: Path) -> None:
    found = re.findall(r"^```yaml\n(apiVersion: .+\nkind: .*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    shown = [manifest for text in found for manifest in read(text)]
    if core := [manifest for manifest in shown if not is_custom(manifest)]:
        validate(core)
    if custom := [manifest for manifest in shown if is_custom(manifest)]:
        assert find_faults(custom, work=tmp_path) == []


def test_everything_that_is_rendered_is_valid(rendered: list[Manifest]) -> None:
    validate(rendered)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    (deployment,) = [manifest for _, manifest in read_plain() if manifest["kind"] == "Deployment"]
    wrong = copy.deepcopy(deployment)
    wrong["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(kubernetes_validate.ValidationError, match="enableServiceLink"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_custom_resource_is_what_its_project_accepts(tmp_path: Path) -> None:
    custom = [manifest for _, manifest in read_plain() if is_custom(manifest)]
    for shown in re.findall(r"<<'MANIFEST'\n(.*?)^MANIFEST", GUIDE.read_text(), re.MULTILINE | re.DOTALL):
        custom += read(shown)
    assert {manifest["kind"] for manifest in custom} >= {
        "Application",
        "AppProject",
        "DestinationRule",
        "ExternalSecret",
        "HTTPRoute",
        "PodMonitor",
        "PrometheusRule",
        "SecretStore",
        "VirtualService",
    }
    assert find_faults(custom, work=tmp_path) == []


def test_what_its_project_would_not_accept_is_found(tmp_path: Path) -> None:
    custom = {manifest["kind"]: copy.deepcopy(manifest) for _, manifest in read_plain() if is_custom(manifest)}
    custom["Application"]["spec"]["syncPolicy"]["automated"]["prunes"] = True
    custom["HTTPRoute"]["spec"]["rules"][0]["timeouts"]["request"] = "never"
    faults = "\n".join(find_faults([custom["Application"], custom["HTTPRoute"]], work=tmp_path))
    assert "'\"prunes\"' does not exist" in faults
    assert "HTTPRoute gateway: data/spec/rules/0/timeouts/request must match pattern" in faults
