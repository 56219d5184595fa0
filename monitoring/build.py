"""Writes what is made by code: ``python -m monitoring.build`` makes dashboards/*.json and prometheus-rule.yaml."""

import json
from collections.abc import Iterator
from pathlib import Path

from monitoring.delivery import DELIVERY
from monitoring.fanout import FANOUT
from monitoring.grafana import render
from monitoring.overview import OVERVIEW
from monitoring.upstream import UPSTREAM

HERE = Path(__file__).parent
DASHBOARDS = {"overview": OVERVIEW, "upstream": UPSTREAM, "fanout": FANOUT, "delivery": DELIVERY}

_HEAD = """\
# Made of rules.yaml by `python -m monitoring.build`: the same for the Prometheus operator.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: argocd-sse-gateway
spec:
"""


def build() -> Iterator[tuple[Path, str]]:
    """Yield each file with what belongs into it."""
    for name, dashboard in DASHBOARDS.items():
        text = json.dumps(render(dashboard), indent=2, ensure_ascii=False)
        yield HERE / "dashboards" / f"{name}.json", text + "\n"
    rules = (HERE / "rules.yaml").read_text()
    groups = rules[rules.index("groups:\n") :]
    yield HERE / "prometheus-rule.yaml", _HEAD + "".join(f"  {line}".rstrip() + "\n" for line in groups.splitlines())


def main() -> None:
    """Write all files."""
    for path, text in build():
        path.write_text(text)


if __name__ == "__main__":
    main()
