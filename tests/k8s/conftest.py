"""What is rendered: each overlay as it is, and those of people's own that docs/kubernetes.md shows."""

import re
import shutil
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S, OVERLAYS, ROOT, Manifest, render

GUIDE = ROOT / "docs" / "kubernetes.md"
SHOWN = {
    name: dict(re.findall(r"^```yaml\n# ([\w.-]+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    for name, section in re.findall(r"^### With (.+?)\n(.*?)(?=^##|\Z)", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
}
"""By its title: the files of an overlay that the guide shows."""


@pytest.fixture(params=[*OVERLAYS, *SHOWN])
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """One overlay, rendered."""
    name: str = request.param
    return render(K8S / "overlays" / name if name in OVERLAYS else _write(name, tmp_path_factory.getbasetemp()))


def _write(name: str, folder: Path) -> Path:
    """Write an overlay of the guide beside the project's own."""
    overlay = folder / "k8s" / "overlays" / name.replace(" ", "-").lower()
    if not overlay.exists():
        if not (folder / "k8s").exists():
            shutil.copytree(K8S, folder / "k8s")
            shutil.copytree(ROOT / "monitoring", folder / "monitoring", ignore=shutil.ignore_patterns("__pycache__"))
        overlay.mkdir(parents=True)
        for file, text in SHOWN[name].items():
            (overlay / file).write_text(text)
    return overlay
