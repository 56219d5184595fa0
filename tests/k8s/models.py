"""Whether custom resources are what their projects accept, asked of models made from those projects' own types.

A value that isn't allowed is found by the models' validators, a field that doesn't exist by TypeScript: an API server
wouldn't refuse that but drop it.
"""

import json
import shutil
import subprocess
from pathlib import Path

from tests import npm
from tests.k8s.manifests import Manifest

FOLDER = Path(__file__).parent / "models"

PACKAGES = {
    "argoproj.io": "argo-cd",
    "external-secrets.io": "external-secrets",
    "gateway.networking.k8s.io": "gateway-api",
    "monitoring.coreos.com": "prometheus-operator",
    "networking.istio.io": "istio",
}
"""By API group: the package that has its models."""


def is_custom(manifest: Manifest) -> bool:
    """Whether a manifest is of a kind that Kubernetes itself doesn't know."""
    return _group(manifest) in PACKAGES


def find_faults(manifests: list[Manifest], *, work: Path) -> list[str]:
    """Return what is wrong with custom resources. ``work`` is an empty folder."""
    place = npm.install(FOLDER, untried="NO CUSTOM RESOURCE IS VALIDATED HERE")
    (work / "node_modules").symlink_to(place / "node_modules")
    (work / "package.json").write_text('{"type": "module"}')
    imports, values, types = [], [], []
    for number, manifest in enumerate(manifests):
        kind, text = manifest["kind"], json.dumps(manifest)
        path = f"@kubernetes-models/{PACKAGES[_group(manifest)]}/{manifest['apiVersion']}/{kind}"
        imports.append(f'import {{ {kind} as K{number} }} from "{path}";')
        values.append(f"check(new K{number}({text}));")
        types.append(f'import type {{ I{kind} as I{number} }} from "{path}";\nconst m{number}: I{number} = {text};')
    (work / "values.js").write_text("\n".join([*imports, _CHECK, *values]))
    (work / "types.ts").write_text("\n".join(types))
    node = shutil.which("node")
    assert node is not None
    compiler = ["node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false"]
    faults = []
    for command in (["values.js"], [*compiler, "--module", "nodenext", "--target", "es2022", "types.ts"]):
        done = subprocess.run([node, *command], cwd=work, capture_output=True, text=True, check=False, timeout=100)
        faults += done.stdout.splitlines()
        assert done.returncode == 0 or done.stdout, done.stderr
    return faults


_CHECK = """
const check = one => {
  try { one.validate(); } catch (error) { console.log(`${one.kind} ${one.metadata.name}: ${error.message}`); }
};
"""


def _group(manifest: Manifest) -> str:
    group: str = manifest["apiVersion"].rpartition("/")[0]
    return group
