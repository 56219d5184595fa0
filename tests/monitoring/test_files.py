"""Rules, routes and dashboards as files: what promtool and amtool say of them; nothing that they name is missing."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.build import DASHBOARDS, build
from tests.monitoring.prometheus import JOB, MONITORING
from tests.monitoring.runbooks import RUNBOOKS, first_command
from tests.test_docs import read_metrics

RULES: Any = yaml.safe_load((MONITORING / "rules.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
FILES = sorted((MONITORING / "dashboards").glob("*.json"))
UNITS = {"short", "s", "bytes", "Bps", "ops", "percentunit"}
"""Of Grafana's units (grafana/packages/grafana-data/src/valueFormats/categories.ts), those that are used."""

OTHERS = {"up", "ALERTS"}
"""Series that Prometheus makes itself."""

each_dashboard = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def run(program: str, *arguments: str | Path) -> str:
    """Run one of Prometheus' tools where the files are."""
    if shutil.which(program) is None:
        pytest.skip(f"NO {program.upper()} HERE: make programs")
    done = subprocess.run([program, *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Rules.


def test_what_is_made_by_code_is_what_the_code_makes() -> None:
    for path, text in build():
        assert path.read_text() == text, "python -m monitoring.build writes it"


def test_promtool_finds_the_rules_good_and_its_tests_pass() -> None:
    run("promtool", "check", "rules", "rules.yaml")
    run("promtool", "test", "rules", "rules-test.yaml")
    run("promtool", "check", "config", "prometheus.yaml")


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests: Any = yaml.safe_load((MONITORING / "rules-test.yaml").read_text())["tests"]
    fired = {
        (sample["labels"], found["expr"])
        for test in tests
        for found in test.get("promql_expr_test", ())
        for sample in found["exp_samples"]
    }
    told = {tuple(re.findall(r'"(\w+)"', labels)) for labels, _ in fired}
    assert told == {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}


def test_the_operator_gets_the_same_rules() -> None:
    document: Any = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert document["spec"] == RULES


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{rule['alert']}.md")
    assert f'job="{JOB}"' in rule["expr"]


def read_names(text: str) -> set[str]:
    """Return the metrics that queries name."""
    bare = re.sub(r'\{[^}]*\}|"[^"]*"|\b(?:by|on|without|ignoring)\s*\([^)]*\)|\[[^\]]*\]', " ", text)
    words = set(re.findall(r"(?<![\w:$])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()", bare))
    return words - {"and", "or", "unless", "bool", "by", "e"}


def test_every_metric_that_is_asked_for_exists() -> None:
    served = read_metrics().keys()
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
    expressions = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    expressions += [query for file in FILES for _, query in read_queries(json.loads(file.read_text()))]
    named = set[str]().union(*map(read_names, expressions))
    assert len(named) > 50
    for name in named - OTHERS - recorded:
        assert name in served or re.sub(r"_(?:bucket|count|sum)$", "", name) in served, name


# Routes.


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["job=argocd-sse-gateway", "severity=page"], "pagerduty,slack"),
        (["job=argocd-sse-gateway", "severity=ticket"], "slack"),
        (["job=something-else", "severity=page"], "slack"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_pages_wake_somebody_and_tickets_nobody(labels: list[str], receivers: str) -> None:
    run("amtool", "check-config", "alertmanager.yaml")
    routes = ("config", "routes", "test", "--config.file=alertmanager.yaml", f"--verify.receivers={receivers}")
    assert receivers in run("amtool", *routes, *labels)


def test_no_secret_is_in_the_routes() -> None:
    config: Any = yaml.safe_load((MONITORING / "alertmanager.yaml").read_text())
    for receiver in config["receivers"]:
        for configured in [*receiver.get("slack_configs", ()), *receiver.get("pagerduty_configs", ())]:
            assert not {"api_url", "routing_key", "service_key"} & set(configured)


# Runbooks.


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("Gateway*.md")) == NAMES


@pytest.mark.parametrize("alert", NAMES)
def test_a_runbook_says_what_it_means_what_to_type_and_what_to_do(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [alert, "Impact", "First command", "Causes", "Cure"]
    assert len(first_command(alert).splitlines()) == 1


def test_the_page_for_incidents_sets_what_the_commands_use() -> None:
    text = (RUNBOOKS / "incident.md").read_text()
    for name in set(re.findall(r"\$([A-Z]+)", "".join(map(first_command, NAMES)))):
        assert f"{name}=http" in text


# Dashboards.


def read_panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def read_queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each query of a dashboard, with the title of its panel."""
    for panel in read_panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_the_component_for_kubernetes_has_every_file() -> None:
    component: Any = yaml.safe_load((MONITORING / "kustomization.yaml").read_text())
    (dashboards,) = component["configMapGenerator"]
    assert {MONITORING / file for file in dashboards["files"]} == set(FILES)
    assert len(FILES) == len(DASHBOARDS)
    for resource in component["resources"]:
        assert (MONITORING / resource).exists()


@each_dashboard
def test_a_dashboard_is_one_that_grafana_reads(file: Path) -> None:
    dashboard = json.loads(file.read_text())
    assert re.fullmatch(r"[a-z-]{1,40}", dashboard["uid"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert all(x < 24 for x, _ in cells), panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@each_dashboard
def test_a_panel_says_what_it_shows_and_in_which_unit(file: Path) -> None:
    for panel in read_panels(json.loads(file.read_text())):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert len({target["legendFormat"] for target in panel["targets"]}) == len(panel["targets"])


@each_dashboard
def test_every_variable_of_a_query_can_be_chosen(file: Path) -> None:
    dashboard = json.loads(file.read_text())
    chosen = [variable["name"] for variable in dashboard["templating"]["list"]]
    assert chosen[0] == "datasource"
    used = {name for _, query in read_queries(dashboard) for name in re.findall(r"\$(\w+)", query)}
    assert used - {"__rate_interval"} == set(chosen) - {"datasource"}
