"""The soak's course: start everything, let people come and go, take samples, let all leave, and judge."""

import asyncio
import contextlib
import json
import os
import random
import resource
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.soak.trend import (
    LARGEST_SLOPE,
    LONGEST_LAG,
    SHORTEST_FOR_SLOPE,
    Sample,
    find_left_over,
    fit,
    percentile,
)
from benchmarks.soak.visitors import DETAILS, STREAM, Habit, Visitor, choose_habits

ASKED = (
    "/api/status",
    "/api/pipelines",
    "/api/pipelines?projects=store",
    "/api/changes?since=10m",
    *(f"/api/pipelines/{name}/timeline" for name in DETAILS),
    "/api/timeline?limit=50",
    "/api/kpis?since=5m",
    "/api/pipelines/astrago-core",
)
"""What is asked besides, by turns."""

BEGINS_LAST = {"judging", "budgets", "sweeping"}
"""Tasks that a gateway has all the time, once its history is open."""

PATIENCE = 180.0
"""Seconds for all to agree at the end, and for the last traces to go: idle connections are kept for 75."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done. Seconds; ``speed`` is how many times faster than recorded; ``stay`` is a visit's mean.

    ``linger`` is how long the gateway keeps what nobody looks at any more, if not as long as it always does; ``spare``
    how many idle connections to Argo CD, which stay for 15 s, may be left where a short soak doesn't wait for that.
    """

    seconds: float = 3_600.0
    warm_up: float = 1_200.0
    alone: float = 20.0
    every: float = 5.0
    subscribers: int = 500
    followed: int = 60
    speed: float = 200.0
    stay: float = 60.0
    lifetime: str = "5m"
    linger: float | None = None
    spare: int = 0
    seed: int = 8


@dataclass(slots=True, kw_only=True)
class Course:
    """What was seen."""

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    before: list[dict[str, int]] = field(default_factory=list)
    """Tasks, descriptors, views and the like, before anybody came."""
    after: dict[str, int] = field(default_factory=dict)
    """The same, after all had left."""
    lags: "array[float]" = field(default_factory=lambda: array("f"))
    """Milliseconds, after the warm-up."""
    seen: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    differing: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0

    def judge(self) -> dict[str, Any]:
        """Return the verdict: figures, and what is ``wrong``."""
        line = fit(self.samples, after=self.plan.warm_up)
        lags = sorted(self.lags)
        left_over = find_left_over(self.before, self.after)
        wrong = [f"left over: {name}: {number}" for name, number in left_over.items()]
        wrong += [f"not what /api/pipelines shows: {what}" for what in self.differing]
        if not self.compared:
            wrong.append("nobody's fold was compared")
        slope = None if line is None or line.seconds < SHORTEST_FOR_SLOPE else line.per_hour / 1e6
        if slope is not None and slope >= LARGEST_SLOPE:
            wrong.append(f"memory grows by {slope:.2f} MB an hour")
        lag = percentile(lags, 0.99)
        if slope is not None and lag >= LONGEST_LAG:
            wrong.append(f"the loop is {lag:.1f} ms late at the 99th percentile")
        memories = [sample.memory / 1e6 for sample in self.samples if sample.at >= self.plan.warm_up]
        return {
            "wrong": wrong,
            "slope_mb_per_hour": slope,
            "deviation_mb": None if line is None else line.deviation / 1e6,
            "memory_mb": [min(memories), max(memories)] if memories else [],
            "lag_ms": {name: percentile(lags, share) for name, share in LAGS},
            "left_over": left_over,
            "compared": self.compared,
            "cpu_share": self.cpu,
            "seen": dict(self.seen),
            "story": self.told,
            "metrics": self.metrics,
        }


LAGS = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("most", 1.0))


class Watched:
    """The gateway's process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, metrics_port: int) -> None:
        self.pid = process.pid
        self.address = ("127.0.0.1", port)
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self.url = f"http://127.0.0.1:{port}"
        self.tasks: dict[str, int] = {}
        self.reports = 0
        self.lag_into: array[float] | None = None
        self._process = process

    async def listen(self) -> None:
        """Take what it tells of itself, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            self.tasks = said["tasks"]
            self.reports += 1
            if self.lag_into is not None:
                self.lag_into.extend(said["lags"])

    def count(self) -> dict[str, int]:
        """Return its tasks by name, and its descriptors."""
        return {**self.tasks, "descriptors": len(list(Path(f"/proc/{self.pid}/fd").iterdir()))}

    def memory(self) -> int:
        """Return its resident memory, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def cpu(self) -> float:
        """Return its user and system time, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run(plan: Plan, say: Callable[[str], None]) -> Course:
    """Soak a gateway. ``say`` is told how it goes."""
    make_room(plan.subscribers + 500)
    course = Course(plan=plan)
    with tempfile.TemporaryDirectory() as folder:
        async with start_story(plan) as story, start_gateway(plan, story, Path(folder)) as gateway:
            await story.begin(gateway.url)
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
                asking = group.create_task(_ask(session, gateway, course))
                await _wait_alone(plan, session, gateway, course)
                visitors = await _receive_all(plan, group, session, gateway, course, say)
                asking.cancel()
                course.told = await story.halt()
                say("the story is halted; all settle")
                for visitor in visitors:
                    visitor.settle()
                await _compare(visitors, session, gateway, course)
                say(f"{course.compared} folds compared, {len(course.differing)} differ; all leave")
                for visitor in visitors:
                    visitor.leave()
            async with aiohttp.ClientSession() as session:
                await _see_off(session, gateway, course)
                course.metrics = await _read_metrics(session, gateway)
    for visitor in visitors:
        course.seen.update(visitor.seen)
    return course


def make_room(files: int) -> None:
    """Let this process, and those that it starts, open as many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))


class Story:
    """The process that plays Argo CD and the senders."""

    def __init__(self, process: asyncio.subprocess.Process, said: dict[str, Any]) -> None:
        self.url: str = said["url"]
        self.token: str = said["token"]
        self.secrets: dict[str, str] = said["secrets"]
        self._process = process

    async def begin(self, url: str) -> None:
        """Have the webhooks sent there."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{url}\n".encode())
        await self._process.stdin.drain()

    async def halt(self) -> dict[str, Any]:
        """Let nothing more happen; return what was told."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"halt\n")
        await self._process.stdin.drain()
        told: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return told


@contextlib.asynccontextmanager
async def start_story(plan: Plan) -> AsyncIterator[Story]:
    """Run the process that plays."""
    command = [sys.executable, "-m", "benchmarks.soak.story", str(plan.speed)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    try:
        yield Story(process, json.loads(await process.stdout.readline()))
    finally:
        await _end(process)


@contextlib.asynccontextmanager
async def start_gateway(plan: Plan, story: Story, folder: Path) -> AsyncIterator[Watched]:
    """Run the gateway on that story."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "ARGOCD_"))}
    secrets = {f"GATEWAY_WEBHOOK_{name.upper().replace('-', '_')}_SECRET": each for name, each in story.secrets.items()}
    settings = {
        # As in the image.
        "MALLOC_ARENA_MAX": "2",
        "ARGOCD_BASE_URL": story.url,
        "ARGOCD_AUTH_TOKEN": story.token,
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_LOG_FORMAT": "json",
        "GATEWAY_STREAM_LIFETIME": plan.lifetime,
        "GATEWAY_STATE_FILE": str(folder / "state"),
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder / 'history.db'}",
        "GATEWAY_DRAIN_DELAY": "0",
        "GATEWAY_DRAIN": "0",
        # As much faster as the days pass.
        "GATEWAY_HEALTHY_WITHIN": f"{600 / plan.speed}",
        "GATEWAY_KEPT_FOR": f"{1_800 / plan.speed}",
    }
    command = [sys.executable, "-m", "benchmarks.soak.watched", *([] if plan.linger is None else [str(plan.linger)])]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, env={**clean, **secrets, **settings}, stdout=pipe, stderr=pipe, limit=1 << 22
    )
    assert process.stderr is not None
    async with asyncio.TaskGroup() as group:
        try:
            said: dict[str, Any] = {}
            while said.get("event") != "gateway.listening":
                said = json.loads(await process.stderr.readline())
            gateway = Watched(process, said["port"], said["metrics_port"])
            reading = group.create_task(gateway.listen()), group.create_task(_pass_on_trouble(process.stderr))
            yield gateway
        finally:
            await _end(process)
        for task in reading:
            await task


async def _pass_on_trouble(lines: asyncio.StreamReader) -> None:
    """Read the gateway's log, and show what is worse than information."""
    while line := await lines.readline():
        if b'"level": "info"' not in line and b'"level":"info"' not in line:
            print(line.decode().rstrip(), file=sys.stderr)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
    await process.wait()


# The stages.


async def _wait_alone(plan: Plan, session: aiohttp.ClientSession, gateway: Watched, course: Course) -> None:
    """Look at the gateway before anybody comes: what there is then may be there at the end."""
    end, begun = time.monotonic() + plan.alone, False
    while time.monotonic() < end or gateway.reports < 2 or not begun:
        begun = gateway.tasks.keys() >= BEGINS_LAST
        stock = await _take_stock(session, gateway)
        course.before.append({**stock, "descriptors": stock["descriptors"] + plan.spare})
        await asyncio.sleep(0.2)


async def _receive_all(
    plan: Plan,
    group: asyncio.TaskGroup,
    session: aiohttp.ClientSession,
    gateway: Watched,
    course: Course,
    say: Callable[[str], None],
) -> list[Visitor]:
    """Let people come and go for the time of the plan; take samples."""
    dice = random.Random(plan.seed)
    habits = choose_habits(plan.subscribers, plan.followed, dice)
    visitors = [Visitor(habit, gateway.address, stay=plan.stay, dice=dice) for habit in habits]
    began, cpu = time.monotonic(), gateway.cpu()
    for visitor in visitors:
        group.create_task(visitor.live())
    while (at := time.monotonic() - began) < plan.seconds:
        if at >= plan.warm_up and gateway.lag_into is None:
            gateway.lag_into = course.lags
        course.samples.append(await _sample(at, session, gateway))
        if len(course.samples) % 60 == 0:
            say(show(course))
        await asyncio.sleep(min(plan.every, plan.seconds - at))
    course.cpu = (gateway.cpu() - cpu) / (time.monotonic() - began)
    gateway.lag_into = None
    return visitors


async def _take_stock(session: aiohttp.ClientSession, gateway: Watched) -> dict[str, int]:
    """Return what there is that could be left over. A rollout under way is looked at by the gateway itself."""
    async with session.get(f"{gateway.url}/api/status") as response:
        subscribers = (await response.json())["subscribers"]
    return {**gateway.count(), **{name: subscribers[name] for name in ("open", "views", "details")}}


async def _sample(at: float, session: aiohttp.ClientSession, gateway: Watched) -> Sample:
    async with session.get(f"{gateway.url}/api/status") as response:
        status = await response.json()
    counts, subscribers = gateway.count(), status["subscribers"]
    return Sample(
        at=round(at, 2),
        memory=gateway.memory(),
        descriptors=counts.pop("descriptors"),
        tasks=sum(counts.values()),
        subscribers=subscribers["open"],
        behind=subscribers["behind"],
        views=subscribers["views"],
        details=subscribers["details"],
        position=int(status["position"].split("-")[1]),
    )


async def _ask(session: aiohttp.ClientSession, gateway: Watched, course: Course) -> None:
    """Ask for other things, four a second, several at once."""
    turn = 0
    while True:
        async with asyncio.TaskGroup() as group:
            for path in (*ASKED, *ASKED)[turn % len(ASKED) :][:4]:
                group.create_task(_ask_one(session, f"{gateway.url}{path}", course))
        turn += 4
        await asyncio.sleep(1.0)


async def _ask_one(session: aiohttp.ClientSession, url: str, course: Course) -> None:
    async with session.get(url) as response:
        await response.read()
        course.seen[f"asked {response.status}"] += 1


async def _compare(visitors: list[Visitor], session: aiohttp.ClientSession, gateway: Watched, course: Course) -> None:
    """Compare what each that is followed holds with what is shown to somebody new."""
    followed = [visitor for visitor in visitors if visitor.habit.followed]
    course.compared = len(followed)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        course.differing = []
        shown = {target: await _look(session, gateway, target) for target in {each.habit.target for each in followed}}
        for visitor in followed:
            held = visitor.detail if visitor.habit.target.startswith(f"{STREAM}/") else visitor.documents
            if not visitor.connected or held != shown[visitor.habit.target]:
                course.differing.append(f"{visitor.habit.target} {'gzip' if visitor.habit.gzip else 'plain'}")
        if not course.differing:
            return
        await asyncio.sleep(0.5)


async def _look(session: aiohttp.ClientSession, gateway: Watched, target: str) -> dict[str, Any]:
    """Return what is there: ``/api/pipelines`` for the same selection; of a detail, what a newcomer gets."""
    if not target.startswith(f"{STREAM}/"):
        async with session.get(gateway.url + target.replace("/stream", "", 1)) as response:
            return {document["key"]: document for document in (await response.json())["applications"]}
    habit = Habit(target=target, gzip=False, slow=False, followed=True)
    newcomer = Visitor(habit, gateway.address, stay=1.0, dice=random.Random(0))
    newcomer.settle()
    living = asyncio.create_task(newcomer.live())
    while not newcomer.detail:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.05)
    newcomer.leave()
    await living
    return newcomer.detail


async def _see_off(session: aiohttp.ClientSession, gateway: Watched, course: Course) -> None:
    """Wait until nothing is left of those who came; note what is, if it stays."""
    end = time.monotonic() + PATIENCE
    while True:
        course.after = await _take_stock(session, gateway)
        if not find_left_over(course.before, course.after) or time.monotonic() > end:
            return
        await asyncio.sleep(1.0)


async def _read_metrics(session: aiohttp.ClientSession, gateway: Watched) -> dict[str, float]:
    async with session.get(gateway.metrics_url) as response:
        lines = (await response.text()).splitlines()
    kept = ("gateway_joins", "gateway_stream_ends", "gateway_deliveries", "gateway_webhooks", "gateway_log_offset")
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(kept)}


# What is told.


def show(course: Course) -> str:
    """Return a line about the last sample."""
    last = course.samples[-1]
    line = fit(course.samples, after=course.plan.warm_up)
    slope = "" if line is None else f", {line.per_hour / 1e6:+.2f} MB/h since the warm-up"
    return (
        f"{last.at:5.0f} s: {last.memory / 1e6:.1f} MB{slope}, {last.descriptors} descriptors, {last.tasks} tasks, "
        f"{last.subscribers} subscribers, {last.behind} behind, {last.views} views, {last.details} details, "
        f"lag p99 {percentile(sorted(course.lags), 0.99):.1f} ms"
    )


def write(course: Course) -> dict[str, Any]:
    """Return everything that was seen, for a file."""
    return {
        "plan": asdict(course.plan),
        "verdict": course.judge(),
        "before": course.before[-1] if course.before else {},
        "after": course.after,
        "samples": [asdict(sample) for sample in course.samples],
    }
