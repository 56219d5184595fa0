"""The manifests of ``k8s/``: the plain files, and what kustomize makes of them."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
NAMESPACE = "argocd-sse-gateway"

Manifest: TypeAlias = dict[str, Any]

OVERLAYS = ("single", "ha")


def read(text: str) -> list[Manifest]:
    """Return the manifests in a text."""
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def read_plain() -> list[tuple[Path, Manifest]]:
    """Return every resource as it is written: neither kustomizations nor patches, which aren't whole."""
    resources = []
    for path in [*sorted(K8S.rglob("*.yaml")), ROOT / "monitoring" / "prometheus-rule.yaml"]:
        for manifest in read(path.read_text()):
            patched = path.name in ("deployment.yaml", "service-account.yaml") and path.parent.name != "base"
            if manifest["kind"] not in ("Kustomization", "Component") and not patched:
                resources.append((path, manifest))
    return resources


def find_kustomize() -> list[str]:
    """Return the command that renders a folder; skip the test where there is none."""
    if kustomize := shutil.which("kustomize"):
        return [kustomize, "build"]
    if kubectl := shutil.which("kubectl"):
        return [kubectl, "kustomize"]
    pytest.skip(
        "NO MANIFEST IS RENDERED HERE, only the plain files are read: neither kubectl nor kustomize is installed"
    )


@functools.cache
def render(folder: Path) -> list[Manifest]:
    """Return what ``kubectl apply -k`` would apply. Raises AssertionError with what kustomize says."""
    done = subprocess.run([*find_kustomize(), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower(), done.stderr
    return read(done.stdout)


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return those of a kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return one. Raises LookupError if it isn't there."""
    for manifest in of_kind(manifests, kind):
        if manifest["metadata"]["name"] == name:
            return manifest
    raise LookupError(f"there is no {kind} {name}")
