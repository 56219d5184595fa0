"""The documents: what they show is run, what they name exists."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

# A page's world, as far as the client of the README needs it, and what it must have made of it in the end.
PAGE = """
const listeners = {}; let urls = [], shown = [], timers = [];
globalThis.EventSource = class {
  constructor(url) { urls.push(url); this.readyState = 1; globalThis.source = this; }
  addEventListener(name, fn) { listeners[name] = fn; }
};
globalThis.setTimeout = (fn) => { timers.push(fn); };
globalThis.showUpstream = u => shown.push(u.state);
SNIPPET
const say = (name, id, data) => listeners[name]({ lastEventId: id, data: JSON.stringify(data) });
say("snapshot", "e-1-v", { applications: [{ key: "a/x", name: "x", health: { status: "Healthy" } }, { key: "a/y" }] });
say("delta", "e-2-v", { changed: { "a/x": { health: null, images: ["i"] }, "a/z": { key: "a/z" } }, removed: ["a/y"] });
say("heartbeat", "e-3-v", { upstream: { state: "stale" } });
source.readyState = 2; source.onerror(); timers[0]();
console.log(JSON.stringify({ apps: [...apps.values()], urls, shown }));
"""


def test_the_client_of_the_readme_folds_resumes_and_comes_back() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node isn't installed")
    (snippet,) = re.findall(r"```js\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([node, "-e", PAGE.replace("SNIPPET", snippet)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "apps": [{"key": "a/x", "name": "x", "images": ["i"]}, {"key": "a/z"}],
        "urls": ["/api/stream/pipelines", "/api/stream/pipelines?lastEventId=e-3-v"],
        "shown": ["stale"],
    }


def test_every_command_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)", README)) - {"is"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for command in re.findall(r"gateway (serve|check|config)\b", README):
        assert (
            f"def {command}" in (ROOT / "gateway" / "cli.py").read_text()
            or f'name="{command}"' in (ROOT / "gateway" / "cli.py").read_text()
        )


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/settings.md"])
def test_every_link_and_every_named_file_exists(page: str) -> None:
    path = ROOT / page
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), target
    for named in re.findall(r"`((?:tests|gateway|docs)/[\w/]+\.\w+)`", text):
        assert (ROOT / named).exists(), named
