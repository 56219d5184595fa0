"""``python -m benchmarks.soak [seconds] [subscribers]``: an hour of 500 by default; a table, and a JSON file."""

import asyncio
import json
import sys
from pathlib import Path

from benchmarks.soak.course import Plan, run, show, write

RESULTS = Path(__file__).parent.parent / "results"


def main(arguments: list[str]) -> int:
    """Soak, and say what is wrong; nothing is 0."""
    seconds = float(arguments[0]) if arguments else 3_600.0
    subscribers = int(arguments[1]) if len(arguments) > 1 else 500
    plan = Plan(seconds=seconds, warm_up=seconds / 3, subscribers=subscribers)
    course = asyncio.run(run(plan, lambda text: print(text, file=sys.stderr, flush=True)))
    RESULTS.mkdir(exist_ok=True)
    seen = write(course)
    (RESULTS / "soak.json").write_text(json.dumps(seen, indent=2) + "\n")
    print(show(course))
    verdict = seen["verdict"]
    for name in ("slope_mb_per_hour", "deviation_mb", "memory_mb", "lag_ms", "cpu_share", "left_over", "compared"):
        print(f"{name:20} {verdict[name]}")
    for wrong in verdict["wrong"]:
        print(f"WRONG: {wrong}")
    return 1 if verdict["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
