"""The documents: what they show is run, and what they name exists."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import typer.main
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.registry import Collector

from gateway.cli import app
from gateway.observability.around import Around
from gateway.observability.histogram import Distribution
from gateway.observability.metrics import Flow, Readings, make_registry
from gateway.observability.role import Role
from gateway.observability.services import place
from gateway.settings.environment import unknown_names
from gateway.settings.variables import Settings
from gateway.web.routes import add_routes

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
OPERATE = (ROOT / "docs" / "operate.md").read_text()

MISSPELT = {"GATEWAY_PROT"}
"""Settings that don't exist, named to say what happens then."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


class Block(NamedTuple):
    language: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    """Return what stands between fences; ``…`` stands for something left out."""
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)]


def read_code(page: Path) -> str:
    """Return what people may type: shell blocks, and code within sentences."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    shell = [block.text for block in read_blocks(page) if block.language in ("sh", "console")]
    return "\n".join([*shell, *re.findall(r"`([^`\n]+)`", prose)])


# The client of the README.

# A page's world, as far as the client needs it, and what it must have made of it in the end.
PAGE = """
const listeners = {}; let urls = [], shown = [], drawn = 0, timers = [], watchdogs = [];
globalThis.EventSource = class {
  static CLOSED = 2;
  constructor(url) { urls.push(url); this.readyState = 1; }
  addEventListener(name, fn) { listeners[name] = fn; }
  close() { this.readyState = 2; }
};
globalThis.setTimeout = (fn) => { timers.push(fn); };
globalThis.setInterval = (fn) => { watchdogs.push(fn); };
let now = 0; Date.now = () => now;
globalThis.showUpstream = u => shown.push(u.state);
globalThis.showApplications = () => { drawn += 1; };
SNIPPET
const say = (name, id, data) => listeners[name]({ lastEventId: id, data: JSON.stringify(data) });
say("snapshot", "e-1-v", { applications: [{ key: "a/x", name: "x", health: { status: "Healthy" } }, { key: "a/y" }] });
say("delta", "e-2-v", { changed: { "a/x": { health: null, images: ["i"] }, "a/z": { key: "a/z" } }, removed: ["a/y"] });
say("heartbeat", "e-3-v", { upstream: { state: "stale" } });
source.readyState = 0; source.onerror();                        // the browser reconnects by itself
source.readyState = 2; source.onerror(); timers[0]();           // it gave up
now = 46_000; watchdogs[0](); now = 47_000; say("heartbeat", "", { upstream: { state: "live" } }); watchdogs[0]();
console.log(JSON.stringify({ apps: [...apps.values()], urls, shown, drawn, timers: timers.length }));
"""


def run_node(code: str, *options: str) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NO SCRIPT OF THE DOCUMENTS IS TRIED: node isn't installed")
    return subprocess.run([node, *options], input=code, capture_output=True, text=True, check=True).stdout


def test_the_client_of_the_readme_folds_resumes_comes_back_and_says_how_fresh_it_is() -> None:
    (snippet,) = re.findall(r"```js\n(.*?)```", README, re.DOTALL)
    again = "/api/stream/pipelines?lastEventId=e-3-v"
    assert json.loads(run_node(PAGE.replace("SNIPPET", snippet), "-")) == {
        "apps": [{"key": "a/x", "name": "x", "images": ["i"]}, {"key": "a/z"}],
        "urls": ["/api/stream/pipelines", again, again],
        "shown": ["stale", "disconnected", "disconnected", "disconnected", "live"],
        "drawn": 2,
        "timers": 1,
    }


# The README in Korean.


def test_the_korean_readme_has_the_headings_the_code_and_the_links_of_the_english_one() -> None:
    korean = (ROOT / "README.ko.md").read_text()
    assert (ROOT / "README.ko.md").name in README.partition("\n## ")[0]
    assert _outline(korean) == _outline(README)
    assert read_blocks(ROOT / "README.ko.md") == read_blocks(ROOT / "README.md")
    assert _links(korean.replace("(README.md)", "(README.ko.md)")) == _links(README)


def _outline(text: str) -> list[str]:
    return re.findall(r"^#+(?= )", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)


def _links(text: str) -> list[str]:
    # What is said in which order differs between languages, and the pictures do.
    return sorted(re.findall(r"\]\(([^)\s]+)\)", re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)))


# What stands in blocks.


@each_page
def test_every_block_can_be_read_by_what_it_is_meant_for(page: Path) -> None:
    for language, text in read_blocks(page):
        if language in ("sh", "bash"):
            done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)  # noqa: S607
            assert done.returncode == 0, done.stderr
        elif language in ("yaml", "yml"):
            yaml: Any = pytest.importorskip("yaml")
            assert all(isinstance(document, dict) for document in yaml.safe_load_all(text)), text
        elif language == "json" and "…" not in text:
            json.loads(text)
        elif language in ("js", "javascript") and "…" not in text:
            run_node(text, "--check", "--input-type=module", "-")


def test_the_grace_period_that_is_advised_covers_the_defaults() -> None:
    (seconds,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", OPERATE)
    fields = Settings.model_fields
    assert int(seconds) > fields["drain_delay"].default + fields["drain"].default + 3


# What is named.


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\b(?:GATEWAY|ARGOCD|PIPELINES)_[A-Z_]*[A-Z]\b", page.read_text())) - MISSPELT
    assert unknown_names(dict.fromkeys(named, "x")) == []


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in {_slug(line) for line in re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)}, target


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    for named in re.findall(r"`((?:tests|gateway|docs|benchmarks)/[\w/]+\.\w+)`", page.read_text()):
        assert (ROOT / named).exists(), named


@each_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    # `-n argocd-sse-gateway` is a namespace, `service=argocd-sse-gateway` a label: what follows is of others.
    meant = r"(?:^|[\s/-])(?<!-n argocd-sse-)(?<!=argocd-sse-)gateway ([a-z]+)\b"
    for command in re.findall(meant, read_code(page), re.MULTILINE):
        assert command in commands, f"gateway {command}"


@each_page
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^|\s)make ([a-z]+)", read_code(page), re.MULTILINE):
        assert target in targets, f"make {target}"


def read_metrics() -> dict[str, bool]:
    """Return the names under which metrics are served, and whether each is the gateway's own."""
    once = {"event_ADDED_changed": 1, "missed_update": 1, "failure_ended": 1, "join_new": 1, "end_drain": 1}
    spread = Distribution(buckets=[("+Inf", 1)], total=1.0)
    flow = Flow(
        reconciles=spread,
        fan_outs=spread,
        lags=spread,
        pauses=spread,
        ages=spread,
        frames={("applications", "delta"): 1},
        raw={"applications": 1},
        sent={"applications": 1},
    )
    here = place("store", "shop", "prod")
    readings = Readings(
        version="1",
        flow=flow,
        token_expires_at=1.0,
        services={(here, "Healthy"): 1},
        state="live",
        verified_age=1.0,
        applications={("Healthy", "Synced"): 1},
        upstream=once,
        hub=once,
        subscribers=1,
        lagging=0,
        views=1,
        watched=1,
        details={"fetch_tree": 1, "failure_tree": 1},
        webhooks={("github", "accepted"): 1},
        delivery={},
        delivery_waiting=0,
        delivery_listens=True,
        log_offset=1,
        tick_seconds=0.1,
        replica=Role(
            leading=True, connected=True, proof_age=1.0, waiting=0, append_seconds=0.1, counts={"error_timeout": 1}
        ),
        access=dict.fromkeys(
            ("refused_anonymous", "file_reloaded", "limit_query", "login_good", "bearer_good", "session_renewed"), 1
        ),
        around=Around(
            durations={("sync", "prod"): spread},
            detected={True: spread},
            outcomes={("failed", "prod"): 1},
            budgets={"sync": 1.0},
            deployments={here: 1},
            success={here: 1.0},
            kpis={(here, "lead", 0.5): 1.0},
            counts={"breach_sync": 1, "refresh_asked": 1, "checklist_ready": 1, "prometheus_empty": 1},
        ),
    )
    registry: Collector = make_registry(lambda: readings)
    names = {
        # A histogram is explained as one, its samples are Prometheus' own.
        metric.name if metric.type == "histogram" else sample.name
        for metric in registry.collect()
        for sample in metric.samples
    }
    return {name: name.startswith("gateway_") for name in names}


@each_page
def test_every_metric_that_is_named_exists(page: Path) -> None:
    metrics = read_metrics()
    for name in re.findall(r"\b(?:gateway|process|python)_[a-z_]*[a-z]\b", page.read_text()):
        assert name in metrics or re.sub(r"_(?:bucket|count|sum)$", "", name) in metrics, name


def test_every_metric_is_explained() -> None:
    assert {name for name, own in read_metrics().items() if own} <= set(re.findall(r"`(gateway_\w+)`", OPERATE))


def test_every_event_of_the_log_is_explained_and_none_else() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    calls = r"(?:_?log\.(?:debug|info|warning|error|exception)|\.note)\(\s*([^,)]+)"
    logged = {name for call in re.findall(calls, sources) for name in re.findall(r'"([a-z]+\.[a-z_]+)"', call)}
    (table,) = re.findall(r"^## Logs\n(.*?)^## ", OPERATE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) == logged


def read_paths(page: Path) -> set[str]:
    """Return the paths of ours that a page names; those of Argo CD's API begin alike."""
    ours = r"(?<![a-z.*])/(?:healthz|readyz|startupz|api(?!/v1/|/version)(?:/[\w{}.-]*[\w}])+)"
    return set(re.findall(ours, page.read_text()))


@each_page
async def test_every_path_that_is_named_is_served(page: Path) -> None:
    served = web.Application()
    add_routes(served, base_path="", dashboard=True)
    canonical = {resource.canonical for resource in served.router.resources()}
    for path in read_paths(page):
        found = await served.router.resolve(make_mocked_request("GET", path))
        begins = any(f"{each}/".startswith(f"{path}/") for each in canonical)
        # Some are for POST alone.
        assert begins or found.http_exception is None or found.http_exception.status == 405, path
