"""Facts in the database: taken together with what was told of them before, and found by what deployments ask for."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from gateway.delivery.correlation.facts import identify, merge
from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.keys import Needs, builders_in, find_time, keys_of, needs, touched_by
from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.events import Commit, DeliveryEvent, Run, RunState
from gateway.delivery.storage.database import upsert
from gateway.delivery.storage.measured import keep_builds
from gateway.delivery.storage.tables import BUILDERS, DEPLOYMENT_KEYS, DEPLOYMENTS, FACT_KEYS, FACTS

ROUNDS = 60
"""How often facts are asked for that those found before led to: the most are the commits of a chain, one by one."""

FOUND = 2_000
"""Facts that one question may find; the newest. A tag that is pushed again and again has very many."""

LATE = 7 * 86_400.0
"""Seconds after a deployment in which a commit of its manifests may still come to be told."""

TOUCHED = 200
"""Deployments that one fact may touch by its image or by its repository; the newest."""

_decode = msgspec.json.Decoder(DeliveryEvent).decode
_encode = msgspec.json.Encoder().encode


class Touched(msgspec.Struct):
    """What facts change: the deployments that ask for them, and of each fact, whether any does."""

    deployments: set[str]
    matched: list[bool]


def name_identity(fact: DeliveryEvent) -> str:
    """Return a fact's identity as text."""
    return "\n".join(identify(fact))


def take(connection: Connection, facts: Sequence[DeliveryEvent], *, told_at: float) -> Touched:
    """Keep facts, each joined with what was told of it before; say what they change."""
    names = [name_identity(fact) for fact in facts]
    known = {
        row.identity: _decode(row.payload)
        for row in connection.execute(select(FACTS.c.identity, FACTS.c.payload).where(FACTS.c.identity.in_(set(names))))
    }
    told: dict[str, DeliveryEvent] = {}
    for name, fact in zip(names, facts, strict=True):
        before = told.get(name, known.get(name))
        told[name] = fact if before is None else merge(before, fact)
    changed = {name: fact for name, fact in told.items() if fact != known.get(name)}
    _keep(connection, changed, told_at)
    return _find_touched(connection, facts, names, changed, _keep_builders(connection, changed))


def _keep(connection: Connection, changed: dict[str, DeliveryEvent], told_at: float) -> None:
    rows = [
        {
            "identity": name,
            "kind": identify(fact)[0],
            "at": find_time(fact, told_at),
            "told_at": told_at,
            "repository": getattr(fact, "repository", None),
            "payload": _encode(fact),
        }
        for name, fact in changed.items()
    ]
    upsert(connection, FACTS, rows)
    keys = [{"key": key, "identity": name} for name, fact in changed.items() for key in keys_of(fact)]
    upsert(connection, FACT_KEYS, keys, keep=True)
    over = (RunState.SUCCEEDED, RunState.FAILED)
    runs = {
        name: (fact, find_time(fact, told_at))
        for name, fact in changed.items()
        if isinstance(fact, Run) and fact.parent is None and fact.state in over
    }
    keep_builds(connection, runs)


def _keep_builders(connection: Connection, changed: dict[str, DeliveryEvent]) -> set[str]:
    """Note what images are built from; return the images of which that is news."""
    told = {(image, home): name for name, fact in changed.items() for image, home in builders_in(fact)}
    if not told:
        return set()
    found = connection.execute(
        select(BUILDERS.c.image, BUILDERS.c.repository).where(BUILDERS.c.image.in_({image for image, _ in told}))
    )
    for row in found:
        told.pop((row.image, row.repository), None)
    rows = [{"image": image, "repository": home, "identity": name} for (image, home), name in told.items()]
    upsert(connection, BUILDERS, rows, keep=True)
    return {image for image, _ in told}


def _find_touched(
    connection: Connection,
    facts: Sequence[DeliveryEvent],
    names: Sequence[str],
    changed: dict[str, DeliveryEvent],
    images: set[str],
) -> Touched:
    keys = {name: touched_by(fact) for name, fact in zip(names, facts, strict=True)}
    for name, fact in changed.items():
        keys[name] |= touched_by(fact)
    wanted = {key for some in keys.values() for key in some if not key.startswith("repository:")}
    listening: dict[str, set[str]] = defaultdict(set)
    column = DEPLOYMENT_KEYS.c
    for row in connection.execute(select(column.key, column.deployment_id).where(column.key.in_(wanted))):
        listening[row.key].add(row.deployment_id)
    matched = [any(key in listening for key in keys[name]) for name in names]
    touched = {one for name in changed for key in keys[name] for one in listening.get(key, ())}
    if images:
        touched.update(_listeners(connection, {f"builder:{image}" for image in images}, None))
    commits = [fact for fact in changed.values() if isinstance(fact, Commit)]
    for repository in {commit.repository for commit in commits}:
        times = [find_time(commit, 0.0) for commit in commits if commit.repository == repository]
        span = (min(times) - 300.0, max(times) + LATE)
        touched.update(_listeners(connection, {f"repository:{repository}"}, span))
    return Touched(touched, matched)


def _listeners(connection: Connection, keys: set[str], span: tuple[float, float] | None) -> Iterable[str]:
    joined = DEPLOYMENT_KEYS.join(DEPLOYMENTS, DEPLOYMENTS.c.id == DEPLOYMENT_KEYS.c.deployment_id)
    query = select(DEPLOYMENTS.c.id).select_from(joined).where(DEPLOYMENT_KEYS.c.key.in_(keys))
    if span is not None:
        query = query.where(DEPLOYMENTS.c.started_at.between(*span))
    return connection.execute(query.order_by(DEPLOYMENTS.c.started_at.desc()).limit(TOUCHED)).scalars().all()


def gather(
    connection: Connection, deployments: Sequence[Deployment], patterns: TagPatterns
) -> tuple[Index, dict[str, Needs]]:
    """Return an index of all facts that may belong to deployments, and by their ids what each of them asks for."""
    known: dict[str, DeliveryEvent] = {}
    done = Needs(keys=set(), prefixes=set(), images=set(), spans=set(), shown=set())
    asked: dict[str, Needs] = {}
    index = Index(())
    for _ in range(ROUNDS):
        asked = {deployment.id: needs(deployment, index, patterns) for deployment in deployments}
        fresh = Needs(
            keys=set[str]().union(*(one.keys for one in asked.values())) - done.keys,
            prefixes=set[str]().union(*(one.prefixes for one in asked.values())) - done.prefixes,
            images=set[str]().union(*(one.images for one in asked.values())) - done.images,
            spans=set[tuple[str, float, float]]().union(*(one.spans for one in asked.values())) - done.spans,
            shown=set(),
        )
        before = len(known)
        _find(connection, fresh, known)
        for name in ("keys", "prefixes", "images", "spans"):
            getattr(done, name).update(getattr(fresh, name))
        if len(known) == before:
            break
        index = Index(known.values())
    return index, asked


def _find(connection: Connection, fresh: Needs, known: dict[str, DeliveryEvent]) -> None:
    named: list[ColumnElement[bool]] = [FACT_KEYS.c.key.in_(fresh.keys)] if fresh.keys else []
    named += [
        and_(FACT_KEYS.c.key >= f"sha:{prefix}", FACT_KEYS.c.key < f"sha:{prefix}g")
        for prefix in sorted(fresh.prefixes)
    ]
    columns = (FACTS.c.identity, FACTS.c.payload)
    queries = []
    if named:
        joined = FACT_KEYS.join(FACTS, FACTS.c.identity == FACT_KEYS.c.identity)
        queries.append(select(*columns).select_from(joined).where(or_(*named)))
    if fresh.images:
        joined = BUILDERS.join(FACTS, FACTS.c.identity == BUILDERS.c.identity)
        queries.append(select(*columns).select_from(joined).where(BUILDERS.c.image.in_(fresh.images)))
    queries += [
        select(*columns).where(
            FACTS.c.repository == repository, FACTS.c.kind == "commit", FACTS.c.at.between(begin - 1.0, end + 1.0)
        )
        for repository, begin, end in sorted(fresh.spans)
    ]
    for query in queries:
        for row in connection.execute(query.order_by(FACTS.c.at.desc()).limit(FOUND)):
            if row.identity not in known:
                known[row.identity] = _decode(row.payload)


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete facts that nobody told of since a moment; return how many."""
    names = connection.execute(select(FACTS.c.identity).where(FACTS.c.told_at < before).limit(limit)).scalars().all()
    if names:
        for table in (FACT_KEYS, BUILDERS, FACTS):
            connection.execute(delete(table).where(table.c.identity.in_(names)))
    return len(names)
