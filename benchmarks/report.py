"""What came out: a table for people, JSON for programs, and a plot."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a scenario's figure may be at most. ``read`` returns None where there is nothing to compare with."""

    scenario: str
    what: str
    read: Callable[[Mapping[str, Any]], float | None]
    unit: str
    most: float


def at_most(
    most: float, unit: str, scenario: str, what: str, read: Callable[[Mapping[str, Any]], float | None]
) -> Budget:
    """Return a budget."""
    return Budget(scenario=scenario, what=what, read=read, unit=unit, most=most)


def judge(results: Results, budgets: Sequence[Budget]) -> int:
    """Print a table of all budgets that were measured; return how many are exceeded."""
    exceeded = 0
    print(f"{'what':62} {'measured':>12} {'budget':>12}")
    for budget in budgets:
        if budget.scenario not in results:
            continue
        value = budget.read(results[budget.scenario])
        if value is None:
            print(f"{budget.what:62} {'not measured: a peer is not installed':>25}")
            continue
        kept = value <= budget.most
        exceeded += not kept
        print(
            f"{budget.what:62} {value:>9.3g} {budget.unit:<2} {budget.most:>9.3g} {budget.unit:<2}"
            f"{'' if kept else '  EXCEEDED'}"
        )
    return exceeded


def show_servers(results: Results) -> None:
    """Print what each server cost and how late it was, in the scenario of one change at a time."""
    servers: Mapping[str, Mapping[str, float]] = results.get("isolated-change", {}).get("servers", {})
    if servers:
        print(
            f"\n{'one change at a time':22} {'CPU/delivery':>14} {'to the limit':>13} {'p50':>8} {'p99':>8} {'RSS':>8}"
        )
    for name, one in servers.items():
        print(
            f"{name:22} {one['microseconds']:>11.1f} µs {one['ratio']:>11.2f} × {one['p50_ms']:>5.0f} ms"
            f" {one['p99_ms']:>5.0f} ms {one['rss_mb']:>5.0f} MB"
        )


def show_parts(results: Results) -> None:
    """Print what joins and bursts cost beside their limits, what a subscriber is made of, and the two loops."""
    joins = results.get("joins", {})
    for coding in ("identity", "gzip"):
        if (one := joins.get(coding)) is not None:
            limit = f"{one['limit_ms']:.3f} ms, {one['to_limit']:.1f} ×" if "limit_ms" in one else "not measured"
            print(
                f"join, {coding:8} {one['bytes'] / 1000:>6.0f} kB {one['cpu_ms']:>7.3f} ms,"
                f" and {one['leave_ms']:.3f} ms to leave; a bare join: {limit}"
            )
    if "alone_s" in (burst := results.get("burst", {})):
        print(
            f"burst {burst['cpu_s']:.3f} s in {burst['frames']:g} frames; without anybody {burst['alone_s']:.3f} s;"
            f" a bare loop for such frames {burst['sending_limit_s']:.3f} s; history later {burst['history_s']:.3f} s"
        )
    if (scale := results.get("scale")) is not None:
        sizes = ", ".join(f"{int(size):,}" for size in scale["points"])
        costs = ", ".join(f"{point['microseconds']:.1f}" for point in scale["points"].values())
        ratios = ", ".join(f"{point['ratio']:.2f}" for point in scale["points"].values())
        print(
            f"a delivery to {sizes} takes {costs} µs (spread {scale['raw_spread'] * 100:.0f} %), {ratios} × the bare"
            f" loop's; a change to one alone {scale['once_ms']:.2f} ms"
        )
    if (objects := results.get("objects")) is not None:
        print(
            f"a subscriber is {objects['objects']:.1f} objects of {objects['bytes']:.0f} bytes; a look at all takes"
            f" {objects['gc_all_ms']:.1f} ms"
        )
    for name in ("uvloop", "asyncio"):
        if (one := results.get("loops", {}).get(name)) is not None:
            print(
                f"{name:8} {one['microseconds']:>6.1f} µs a delivery ({one['ratio']:.2f} × the bare loop),"
                f" {one['join_ms']:.3f} ms a join, {one['idle_bytes'] / 1000:.1f} kB idle"
            )


def machine() -> dict[str, Any]:
    """Say what all this was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "",
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def write(results: Results) -> None:
    """Write ``results/latest.json`` and ``results/latest.svg``."""
    FOLDER.mkdir(exist_ok=True)
    content = {"machine": machine(), **results}
    (FOLDER / "latest.json").write_text(json.dumps(content, indent=2) + "\n")
    (FOLDER / "latest.svg").write_text(plot(results))


def plot(results: Results) -> str:
    """Draw what a delivery costs: by server, and by number of subscribers."""
    servers = results.get("isolated-change", {}).get("servers", {})
    points = results.get("scale", {}).get("points", {})
    bars = [(name, one["microseconds"]) for name, one in servers.items()]
    parts = [_text(20, 26, "CPU of one delivery, in microseconds", size=15)]
    widest = max((value for _, value in bars), default=1.0)
    y = 46
    for name, value in bars:
        width = 300 * value / widest
        colour = "#2563eb" if name == "gateway" else "#94a3b8"
        parts.append(f'<rect x="150" y="{y}" width="{width:.1f}" height="18" fill="{colour}"/>')
        parts += [_text(142, y + 14, name, anchor="end"), _text(156 + width, y + 14, f"{value:.1f}")]
        y += 26
    if points:
        y += 30
        parts.append(_text(20, y, "by number of subscribers, beside the bare loop", size=15))
        parts.append(_lines(points, y + 20))
        y += 240
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 {y + 10}" font-family="system-ui, sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _lines(points: Mapping[str, Mapping[str, float]], top: float) -> str:
    sizes = [int(size) for size in points]
    most = 1.25 * max(max(point["microseconds"], point["bare"]) for point in points.values())
    parts = [f'<path d="M60 {top} v180 h440" fill="none" stroke="#64748b"/>']
    for key, colour in (("microseconds", "#2563eb"), ("bare", "#94a3b8")):
        places = [
            (60 + 430 * int(size) / max(sizes), top + 180 - 180 * point[key] / most) for size, point in points.items()
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = places[-1]
        parts.append(_text(x, y - 8, "gateway" if key == "microseconds" else "bare loop", anchor="end"))
    parts += [_text(60 + 430 * size / max(sizes), top + 198, f"{size:,}", anchor="middle") for size in sizes[1:]]
    parts += [_text(52, top + 184, "0", anchor="end"), _text(52, top + 8, f"{most:.0f}", anchor="end")]
    return "".join(parts)


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{text}</text>'
