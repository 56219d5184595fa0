"""``python -m benchmarks [quick] [SCENARIO …]``: the scenarios, a table, and a failure where a budget is exceeded."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import budgets, databases, fanout, history, joins, loops, many, objects, pipeline, webhooks
from benchmarks.report import judge, show_parts, show_servers, write

SCENARIOS: dict[str, Callable[[], dict[str, Any]]] = {
    "ingest": pipeline.ingest,
    "deploy-day": pipeline.deploy_day,
    "isolated-change": fanout.isolated_change,
    "burst": fanout.burst,
    "deploy-day-fast": fanout.deploy_day_fast,
    "joins": joins.joins,
    "reconnects": joins.reconnects,
    "slow-tenth": fanout.slow_tenth,
    "many-views": many.many_views,
    "many-applications": many.many_applications,
    "idle": joins.idle,
    "objects": objects.objects,
    "loops": loops.loops,
    "scale": fanout.scale,
    "webhooks": webhooks.webhooks,
    "kpis": history.kpis,
}
if databases.HAS_POSTGRESQL:
    SCENARIOS["webhooks-postgresql"] = partial(webhooks.webhooks, "postgresql")
    SCENARIOS["kpis-postgresql"] = partial(history.kpis, "postgresql")

# Medians of many short rounds: in one of them something may be done that changes bring about later.
QUICK: dict[str, Callable[[], dict[str, Any]]] = {
    "deploy-day": pipeline.deploy_day,
    "isolated-change": partial(fanout.isolated_change, rounds=5, changes=6, with_ordinary=False),
    "burst": partial(fanout.burst, subscribers=1_000, rounds=1, quick=True),
    "many-views": partial(many.many_views, applications=200, changes=5, rounds=5),
}


def main(arguments: list[str]) -> int:
    """Run what is asked for, print it, write it, and say whether everything is as it should be."""
    quick = "quick" in arguments
    chosen = [name for name in arguments if name != "quick"]
    scenarios, limits = (QUICK, budgets.QUICK) if quick else (SCENARIOS, budgets.BUDGETS)
    if unknown := [name for name in chosen if name not in scenarios]:
        print(f"no scenario: {', '.join(unknown)}; there are {', '.join(scenarios)}", file=sys.stderr)
        return 2
    results: dict[str, dict[str, Any]] = {}
    for name, scenario in scenarios.items():
        if not chosen or name in chosen:
            print(f"running {name} …", file=sys.stderr, flush=True)
            results[name] = scenario()
            write(results)
    exceeded = judge(results, limits)
    show_servers(results)
    show_parts(results)
    for name, result in results.items():
        if differing := result.get("fold_differs"):
            print(f"{name}: the fold of {differing} subscribers isn't what /api/pipelines shows")
            exceeded += 1
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
