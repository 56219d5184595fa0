"""Grafana's JSON model of a dashboard, as far as ours need it, from a few words a panel.

The model is that of Grafana 10 and later (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/
view-dashboard-json-model/). Panels are laid out in the order in which they are given, in rows of 24 columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 39
WIDTH = 24
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

Kind = Literal["timeseries", "stat", "table", "heatmap", "state-timeline", "bargauge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture: PromQL by legend, a unit of Grafana's, and ``steps`` that colour values from them on."""

    title: str
    description: str
    queries: Mapping[str, str]
    unit: str
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    steps: Sequence[tuple[float | None, str]] = ((None, "green"),)
    stacked: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """What values are called: for states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading, and the panels under it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A dashboard; ``variables`` are queries of label values by name, each with the label that people read."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Mapping[str, tuple[str, str]]


def render(dashboard: Dashboard) -> dict[str, Any]:
    """Return a dashboard's JSON model."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in dashboard.rows:
        place = {"h": 1, "w": WIDTH, "x": 0, "y": top}
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": []})
        panels[-1]["gridPos"] = place
        left, top, tallest = 0, top + 1, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_render_panel(panel)})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["argocd-sse-gateway"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [
            {
                "asDropdown": False,
                "icon": "dashboard",
                "includeVars": True,
                "keepTime": True,
                "tags": ["argocd-sse-gateway"],
                "targetBlank": False,
                "title": "Gateway",
                "type": "dashboards",
                "url": "",
            }
        ],
        "templating": {"list": [_choose_source(), *_render_variables(dashboard.variables)]},
        "panels": panels,
    }


def _choose_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "options": [],
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _render_variables(variables: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": _DATASOURCE,
            "definition": query,
            "query": {"query": query, "refId": f"variable-{name}"},
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "allValue": ".*",
            "includeAll": True,
            "multi": True,
            "options": [],
            "hide": 0,
            "refresh": 2,
            "regex": "",
            "skipUrlSync": False,
            "sort": 1,
        }
        for name, (label, query) in variables.items()
    ]


def _render_panel(panel: Panel) -> dict[str, Any]:
    instant = panel.kind in ("table", "bargauge")
    targets = [
        {
            "refId": chr(ord("A") + number),
            "datasource": _DATASOURCE,
            "expr": query,
            "legendFormat": legend,
            "instant": instant,
            "range": not instant,
            "format": {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series"),
        }
        for number, (legend, query) in enumerate(panel.queries.items())
    ]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        **({} if panel.kind == "bargauge" else {"min": 0}),
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": colour, "value": value} for value, colour in panel.steps],
        },
    }
    if panel.names:
        options = {value: {"text": text, "index": n} for n, (value, text) in enumerate(panel.names.items())}
        defaults["mappings"] = [{"type": "value", "options": options}]
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 20 if panel.stacked else 5,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS[panel.kind],
        **({"transformations": _MERGED} if panel.kind == "table" else {}),
    }


_MERGED = [
    {"id": "merge", "options": {}},
    {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}}},
]

_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}

_OPTIONS: Mapping[Kind, dict[str, Any]] = {
    "timeseries": {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": _REDUCED,
        "textMode": "auto",
    },
    "table": {"cellHeight": "sm", "showHeader": True},
    "heatmap": {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64},
        "yAxis": {"unit": "s"},
        "tooltip": {"mode": "single", "yHistogram": False},
    },
    "state-timeline": {
        "mergeValues": True,
        "showValue": "never",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    },
    "bargauge": {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": _REDUCED,
        "showUnfilled": True,
    },
}
