"""For random grants and histories: nothing that anybody ever receives, on whatever route, is outside of their grant.

Two properties of a gateway as it runs. In the first, everything that is told of an application carries a mark of the
place where it was when that was told, and whatever anybody receives is searched for marks that they may not see: in
lists, streams, resumes, details, timelines, changes, figures, badges and errors, while grants change. In the second,
two worlds differ by what somebody may not see, and each answer that they get is the same in both.
"""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.auth.access import Access, parse_access
from gateway.auth.grant import Grant, Spot
from gateway.auth.tokens import make_token, write_entry
from tests.e2e.fastloop import FastLoop, let_pass, until
from tests.e2e.harness import UNIX_OFFSET, Answer, Stage, run_gateway, write_token
from tests.e2e.subscriber import STREAM, Subscriber
from tests.effort import examples
from tests.fakes.applications import FINISHED, STARTED, application
from tests.fakes.argocd import FakeArgoCD
from tests.hub.client import Event

WHO = ("ann", "bob")
TOKENS = {name: make_token(name.encode() * 11) for name in WHO}
GITHUB = "first-secret-of-github"
NAMES = (("argocd", "web"), ("apps", "web"), ("argocd", "till"), ("argocd", "docs"))
PROJECTS = ("shop", "pay")
FOLLOWS = 6.0
"""Seconds in which an access file is read and every stream has moved."""

MARK = re.compile(r"\b(say|who|has|tell|by)([0-9]+)x\b")
HIDDEN_BY = {"say": "messages", "tell": "messages", "who": "initiators", "by": "initiators"}
"""Which marks may be hidden where the rest is seen; `has` is on what never is, such as an image."""


# What happens.


@dataclass(frozen=True, kw_only=True)
class Put:
    """An application is as it hadn't been before."""

    namespace: str
    name: str
    project: str
    health: str
    told: bool
    """Whether CI says where it comes from."""

    @property
    def team(self) -> str:
        # It stays: of labels the history follows those of now, which a mark of then doesn't know.
        return "red" if self.name == "web" else "blue"

    @property
    def spot(self) -> Spot:
        return Spot(self.project, self.namespace, {"team": self.team})


@dataclass(frozen=True, kw_only=True)
class Delete:
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Regrant:
    text: str


globs = st.lists(st.sampled_from(["shop", "pay", "p*", "*"]), min_size=1, max_size=2, unique=True)


def write_rule(
    projects: list[str] | None, namespaces: list[str] | None, labels: str, verbs: list[str], hide: list[str]
) -> str:
    lines = [f"projects = {orjson.dumps(projects or ['*']).decode()}"]
    lines += [f"namespaces = {orjson.dumps(namespaces).decode()}"] if namespaces else []
    lines += [f'labels = "{labels}"'] if labels else []
    lines += [f"verbs = {orjson.dumps(verbs).decode()}"]
    lines += [f"hide = {orjson.dumps(hide).decode()}"] if hide and "view" in verbs else []
    return "\n".join(lines) + "\n"


rules = st.builds(
    write_rule,
    st.none() | globs,
    st.none() | st.lists(st.sampled_from(["argocd", "apps", "a*"]), min_size=1, max_size=1),
    st.sampled_from(["", "", "team=red", "team!=red"]),
    st.sampled_from([["view"], ["view"], ["view", "refresh"], ["refresh"]]),
    st.sampled_from([[], [], ["messages"], ["initiators"], ["messages", "initiators"]]),
)


def write_access(given: Mapping[str, list[str]]) -> str:
    return "".join(f"[[groups.{who}.rules]]\n{rule}\n" for who, rules in given.items() for rule in rules)


accesses = st.builds(write_access, st.fixed_dictionaries({who: st.lists(rules, max_size=2) for who in WHO}))
places = st.sampled_from(NAMES)
puts = st.builds(
    lambda place, **more: Put(namespace=place[0], name=place[1], **more),
    places,
    project=st.sampled_from(PROJECTS),
    health=st.sampled_from(["Healthy", "Degraded"]),
    told=st.booleans(),
)
deletes = st.builds(lambda place: Delete(namespace=place[0], name=place[1]), places)


# A gateway, and what is known of what it was told.


@dataclass(frozen=True)
class Told:
    """What one step said: where the application was, and its commit."""

    spot: Spot
    sha: str


class World:
    """An Argo CD, its gateway, and those who ask it."""

    def __init__(self, argocd: FakeArgoCD, stage: Stage, access_file: Path) -> None:
        self.argocd = argocd
        self.stage = stage
        self.told: dict[int, Told] = {}
        self.access: Access = parse_access(access_file.read_text())
        self._file = access_file

    def grant(self, who: str) -> Grant:
        (entry,) = [token for token in [self.stage.gateway.entrance.keeper.tokens.find(TOKENS[who])] if token]
        return self.access.grant_of(entry.identify())

    async def put(self, number: int, step: Put) -> None:
        sha = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
        self.told[number] = Told(step.spot, sha)
        if step.told:
            await self._tell(number, step, sha)
        at = {"startedAt": _moment(STARTED, number), "finishedAt": _moment(FINISHED, number)}
        self.argocd.details.commits[sha] = {"author": f"by{number}x", "date": FINISHED, "message": f"tell{number}x"}
        self.argocd.put(
            application(
                step.name,
                namespace=step.namespace,
                project=step.project,
                labels={"team": step.team},
                health=step.health,
                message=f"say{number}x",
                revision=sha,
                images=[f"ghcr.io/example/{step.name}/has{number}x:stage-{sha[:8]}"],
                operation_state={"operation": {"initiatedBy": {"username": f"who{number}x"}}, **at},
            )
        )

    async def _tell(self, number: int, step: Put, sha: str) -> None:
        repository = f"example/{step.name}"
        commit = {
            "id": sha,
            "message": f"tell{number}x",
            "timestamp": STARTED,
            "url": f"https://github.com/{repository}/commit/{sha}",
            "author": {"name": f"by{number}x", "username": f"by{number}x"},
            "added": [],
            "removed": [],
            "modified": [],
        }
        push = {
            "ref": "refs/heads/main",
            "before": "0" * 40,
            "after": sha,
            "repository": {"full_name": repository, "html_url": f"https://github.com/{repository}"},
            "head_commit": commit,
            "commits": [commit],
        }
        body = orjson.dumps(push)
        signature = hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": sha[:16],
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        assert (await self.stage.send("/api/webhooks/github", body, headers)).status == 202

    async def settle(self) -> None:
        await until(lambda: self.stage.gateway.office.runner.idle)
        await let_pass(1.0)

    async def regrant(self, text: str) -> None:
        reloaded = self.stage.gateway.entrance.keeper.counts["reloaded"]
        write_token(self._file, text)
        self.access = parse_access(text)
        await let_pass(FOLLOWS)
        assert self.stage.gateway.entrance.keeper.counts["reloaded"] <= reloaded + 1

    async def ask(self, who: str, path: str, method: str = "GET") -> Answer:
        return await self.stage.get(path, method=method, headers={"Authorization": f"Bearer {TOKENS[who]}"})


def _moment(text: str, number: int) -> str:
    """Let each deployment have a time of its own."""
    return re.sub(r"T(\d\d):(\d\d)", lambda match: f"T{match[1]}:{(int(match[2]) + number) % 60:02}", text)


def paths_of(keys: Iterable[tuple[str, str]], shas: Iterable[str]) -> list[tuple[str, str]]:
    """Return each route that shows anything, for each application and commit; streams are watched besides."""
    paths = [
        ("GET", "/api/pipelines"),
        ("GET", "/api/pipelines?health=Degraded&names=web,t*"),
        ("GET", "/api/changes?since=2h"),
        ("GET", "/api/changes?since=2h&projects=pay&limit=3"),
        ("GET", "/api/timeline?since=400d"),
        ("GET", "/api/status"),
        ("GET", "/api/me"),
        ("GET", "/api/deliveries"),
        ("GET", f"{STREAM}?nonsense"),
    ]
    paths += [("GET", f"/api/kpis?since=400d&by={by}") for by in ("all", "application", "project", "service", "team")]
    for namespace, name in keys:
        for one in (name, f"{namespace}/{name}"):
            paths += [("GET", f"/api/pipelines/{one}"), ("GET", f"/api/pipelines/{one}/timeline?since=400d")]
            paths += [("GET", f"/badge/{one}.svg?label=x"), ("POST", f"/api/pipelines/{one}/refresh")]
            paths += [("GET", f"{STREAM}/{one}?nonsense")]
        paths.append(("GET", f"/api/me?application={namespace}/{name}"))
    for sha in shas:
        paths += [("GET", f"/api/timeline?commit={sha}"), ("GET", f"/api/releases/{sha}/checklist")]
        paths += [("GET", f"/api/timeline?image=stage-{sha[:8]}")]
    return paths


# The first property: marks.

SEEN: Counter[tuple[str, str]] = Counter()
"""The marks that were found, by kind and by where: that there are any shows that the search finds them."""


@dataclass
class Witness:
    """Searches what somebody receives for marks that they may not see; ``grants`` are those in force."""

    world: World
    who: str
    grants: list[Grant] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        self.judge(orjson.dumps(event.data).decode(), f"event {event.name}")

    def judge(self, text: str, where: str) -> None:
        shas = {told.sha: number for number, told in self.world.told.items()}
        for kind, number in MARK.findall(text):
            self.expect(kind, int(number), where)
        for sha in re.findall(r"\b[0-9a-f]{40}\b", text):
            if sha in shas and sha not in where:
                self.expect("has", shas[sha], where)

    def expect(self, kind: str, number: int, where: str) -> None:
        spot, hideable = self.world.told[number].spot, HIDDEN_BY.get(kind)
        may = any(grant.sees(spot) and hideable not in grant.hidden(spot) for grant in self.grants)
        SEEN[kind, where.partition(" ")[0].partition("?")[0]] += 1
        assert may, f"{self.who} received {kind}{number}x of {spot} by {where}"


async def watch(witness: Witness, path: str, cursor: str = "") -> Subscriber:
    """Open a stream whose every event is judged; one that is refused has nothing to judge."""
    stage = witness.world.stage
    subscriber = Subscriber(stage.gateway.address, path=path)
    # What a client holds that comes with somebody else's cursor means nothing: only what it receives is judged.
    subscriber.heard.append(witness.hear)
    stage.subscribers.append(subscriber)
    await subscriber.connect(cursor=cursor, headers={"Authorization": f"Bearer {TOKENS[witness.who]}"})
    return subscriber


async def keep_to_the_grants(access: str, steps: list[Put | Delete | Regrant]) -> None:
    async with in_a_world(access) as world:
        witnesses = {who: Witness(world, who, [world.grant(who)]) for who in WHO}
        streams: list[Subscriber] = []
        for who, path in itertools.product(WHO, (STREAM, f"{STREAM}/argocd/web", f"{STREAM}/till")):
            streams.append(await watch(witnesses[who], path))
        for number, step in enumerate(steps):
            match step:
                case Put():
                    await world.put(number, step)
                case Delete():
                    if (key := f"{step.namespace}/{step.name}") in world.argocd.applications:
                        world.argocd.delete(key)
                case Regrant(text=text):
                    after = parse_access(text)
                    before, world.access = world.access, after
                    for who, witness in witnesses.items():
                        # While the streams move, what was granted before may still be on its way.
                        witness.grants = [witness.grants[-1], world.grant(who)]
                    world.access = before
                    await world.regrant(text)
                    for who, witness in witnesses.items():
                        witness.grants = [world.grant(who)]
                        streams.append(await watch(witness, STREAM))
            await world.settle()
            if number % 3 == 2:
                # Back with a cursor that was taken under another grant: one's own from before, or somebody else's.
                cursors = [stream.client.last_id for stream in streams if stream.client.last_id]
                for who, cursor in zip(WHO, [*cursors[-1:], *cursors[:1]], strict=False):
                    for path in (STREAM, f"{STREAM}/argocd/web"):
                        (await watch(witnesses[who], path, cursor)).leave()
        shas = [told.sha for told in world.told.values()]
        for who, witness in witnesses.items():
            for method, path in paths_of(NAMES, shas[-3:]):
                answer = await world.ask(who, path, method)
                assert answer.status < 500, (path, answer)
                witness.judge(answer.body.decode() + repr(dict(answer.headers)), path)
        for stream in streams:
            stream.check()


@contextlib.asynccontextmanager
async def in_a_world(access: str) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        files = {"access_file": Path(folder) / "access.toml", "tokens_file": Path(folder) / "tokens.toml"}
        files["access_file"].write_text(access)
        files["tokens_file"].write_text(
            "".join(
                write_entry(name=who, token=token, groups=[who], expires_at=UNIX_OFFSET + 10**9)
                for who, token in TOKENS.items()
            )
        )
        argocd = FakeArgoCD()
        async with (
            argocd,
            run_gateway(argocd, auth="tokens", webhook_github_secret=SecretStr(GITHUB), **files) as stage,
        ):
            await stage.live()
            yield World(argocd, stage, files["access_file"])


def run(play: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=FastLoop) as runner:

        async def whole() -> None:
            await play()

        runner.run(whole())
        loop = runner.get_loop()
        assert isinstance(loop, FastLoop)
        assert loop.failures == []


FEW = settings(
    max_examples=examples(6),
    derandomize=True,
    database=None,
    deadline=None,
    # A history is short, and each takes a second or two: making a failing one shorter would take minutes.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


WEB = Put(namespace="argocd", name="web", project="shop", health="Degraded", told=True)


@FEW
@example(access=write_access({"ann": [write_rule(None, None, "", ["view"], [])]}), steps=[WEB])
# What is gone has no labels any more: that isn't the same as none.
@example(
    access=write_access({"ann": [write_rule(["shop"], None, "team!=red", ["view"], [])]}),
    steps=[WEB, Delete(namespace="argocd", name="web")],
)
@given(
    access=accesses,
    steps=st.lists(st.one_of(puts, puts, puts, deletes, st.builds(Regrant, text=accesses)), min_size=4, max_size=12),
)
def test_nobody_receives_what_was_not_within_their_grant_at_that_moment(
    access: str, steps: list[Put | Delete | Regrant]
) -> None:
    run(lambda: keep_to_the_grants(access, steps))


def test_the_search_for_marks_finds_them_wherever_they_may_be() -> None:
    """It goes over what the property before it has seen, and so only behind it."""
    if not SEEN:
        pytest.skip("the property wasn't tried")
    found = {where for _, where in SEEN}
    assert {"event", "/api/pipelines", "/api/changes", "/api/timeline", "/api/pipelines/argocd/web"} <= found
    assert {kind for kind, _ in SEEN} == {"say", "who", "has", "tell", "by"}


# The second property: two worlds.

HOMES: Mapping[tuple[str, str], str] = {
    ("argocd", "web"): "shop",
    ("apps", "web"): "pay",
    ("argocd", "till"): "pay",
    ("argocd", "docs"): "shop",
}
"""Where each application stays: so whether it is seen, is so from first to last."""

grants = st.lists(rules, max_size=2).map(lambda given: write_access({"ann": given}))
settled = st.builds(
    lambda place, health, told: Put(namespace=place[0], name=place[1], project=HOMES[place], health=health, told=told),
    places,
    st.sampled_from(["Healthy", "Degraded"]),
    st.booleans(),
)

_OPAQUE = re.compile(
    r"\b[0-9a-f]{8}-[0-9]+(-[0-9a-f]{12})?"  # positions and cursors: that something changed may show there
    r'|"epoch":"[0-9a-f]{8}"|"offset":[0-9]+'
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"  # when something was, by the clock that both have
    r'|"retryMs":[0-9]+|retry: [0-9]+'
    r"|[0-9]{4,}\.[0-9]+"  # spans that end now
)


def plain(text: str) -> str:
    """Return what is told without what tells only when, and where in the log."""
    return _OPAQUE.sub("…", text)


def compare(one: Answer, other: Answer, what: str) -> None:
    assert one.status == other.status, (what, one, other)
    assert plain(one.body.decode()) == plain(other.body.decode()), what
    heads = [{name.lower(): value for name, value in answer.headers.items()} for answer in (one, other)]
    # Of a tag the view is compared; a position, and since when upstream is live, are another in each world.
    views = [re.findall(r"\b[0-9a-f]{12}\b", head.pop("etag", "")) for head in heads]
    assert views[0] == views[1], what
    for head in heads:
        for name in ("date", "retry-after", "content-length"):
            head.pop(name, None)
    assert [{name: plain(value) for name, value in head.items()} for head in heads[:1]] == [
        {name: plain(value) for name, value in head.items()} for head in heads[1:]
    ], what


async def tell_the_worlds_apart(access: str, steps: list[Put | Delete]) -> None:
    async with in_a_world(access) as whole, in_a_world(access) as seen:
        grant = whole.grant("ann")
        known: dict[tuple[str, str], Spot] = {}
        unseen = set(NAMES)
        shas: dict[str, bool] = {}
        for number, step in enumerate(steps):
            place = (step.namespace, step.name)
            if isinstance(step, Put):
                known[place] = step.spot
                visible = grant.sees(step.spot) or grant.allows("refresh", step.spot)
                unseen -= {place} if visible else set()
                shas[hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()] = visible
            worlds = (whole, seen) if place in known and place not in unseen else (whole,)
            for world in worlds:
                if isinstance(step, Put):
                    await world.put(number, step)
                elif (key := f"{step.namespace}/{step.name}") in world.argocd.applications:
                    world.argocd.delete(key)
            for world in (whole, seen):
                await world.settle()
        for method, path in paths_of(NAMES, list(shas)[-4:]):
            compare(await whole.ask("ann", path, method), await seen.ask("ann", path, method), f"{method} {path}")
        if grant.allows("view"):
            for path in (STREAM, *(f"{STREAM}/{namespace}/{name}" for namespace, name in NAMES)):
                texts = [plain(await listen(world, path)) for world in (whole, seen)]
                assert texts[0] == texts[1], path


async def listen(world: World, path: str) -> str:
    """Return what comes at first by a stream, with its headers; of one that is refused, all."""
    subscriber = Subscriber(world.stage.gateway.address, path=path)
    await subscriber.connect(headers={"Authorization": f"Bearer {TOKENS['ann']}"})
    await let_pass(5.0)
    events = [(event.name, event.data) for event in subscriber.events if event.name != "heartbeat"]
    headers = {name: value for name, value in subscriber.headers.items() if name.lower() not in ("date", "retry-after")}
    subscriber.leave()
    return repr((subscriber.status, sorted(headers.items()), subscriber.body, events, subscriber.documents))


@FEW
@given(
    access=grants,
    steps=st.lists(st.one_of(settled, settled, deletes), min_size=3, max_size=9),
)
def test_what_may_not_be_seen_changes_no_answer(access: str, steps: list[Put | Delete]) -> None:
    run(lambda: tell_the_worlds_apart(access, steps))
