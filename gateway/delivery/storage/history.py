"""What is asked of the delivery history: deployments of an application, of a commit, of an image, since a moment."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, or_, select

from gateway.delivery.correlation.keys import LONGEST, SHORTEST, WHOLE, name_beginning
from gateway.delivery.correlation.tags import parse_image
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.storage.chronicle import decode
from gateway.delivery.storage.tables import DEPLOYMENT_KEYS, DEPLOYMENTS, FACTS

CANDIDATES = 500
"""Deployments that may have to do with a commit or an image and are looked at; the newest."""

PAGE = 500
"""Rows of an export that are read at once."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deployments are asked for; all conditions hold. ``since`` and ``before`` are Unix times of their start."""

    key: str | None = None
    commit: str | None = None
    image: str | None = None
    since: float | None = None
    before: float | None = None
    kinds: tuple[str, ...] = ()
    limit: int = 50


def find(connection: Connection, wanted: Wanted) -> list[Deployment]:
    """Return the deployments that are, or may be, what is asked for, the newest first.

    Of a commit or an image they are those that ask for it: whether it belongs to them, correlation says.
    """
    conditions: list[ColumnElement[bool]] = []
    column = DEPLOYMENTS.c
    if wanted.key is not None:
        conditions.append(column.key == wanted.key)
    if wanted.kinds:
        conditions.append(column.kind.in_(wanted.kinds))
    if wanted.since is not None:
        conditions.append(column.started_at >= wanted.since)
    if wanted.before is not None:
        conditions.append(column.started_at < wanted.before)
    limit = wanted.limit
    for listening in _listening(wanted):
        limit = CANDIDATES
        conditions.append(column.id.in_(select(DEPLOYMENT_KEYS.c.deployment_id).where(or_(*listening))))
    query = select(column.payload).where(*conditions).order_by(column.started_at.desc(), column.id.desc()).limit(limit)
    return list(map(decode, connection.execute(query).scalars()))


def _listening(wanted: Wanted) -> Iterable[Sequence[ColumnElement[bool]]]:
    key = DEPLOYMENT_KEYS.c.key
    if wanted.commit is not None:
        commit = wanted.commit.lower()
        size = len(commit)
        conditions: list[ColumnElement[bool]] = [
            key.in_([name_beginning(commit[:known]) for known in range(SHORTEST, min(size, LONGEST) + 1)])
        ]
        if size >= WHOLE:
            conditions.append(key == f"sha:{commit}")
        else:
            longer = [f"sha{known}:{commit}" for known in range(size + 1, LONGEST + 1)]
            conditions += [(key >= begin) & (key < f"{begin}g") for begin in (f"sha:{commit}", *longer)]
        yield conditions
    if wanted.image is not None:
        image = parse_image(wanted.image)
        bare = "/" not in wanted.image.partition("@")[0]
        name = f"%/{_literal(image.short)}" if bare else _literal(image.name)
        if image.digest:
            yield [key == f"digest:{image.digest}"]
        elif image.tag:
            yield [key.like(f"tag:{name}:{_literal(image.tag)}", escape="\\")]
        else:
            yield [key.like(f"builder:{name}", escape="\\")]


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def export_page(connection: Connection, table: str, *, since: float, after: str) -> list[tuple[str, bytes]]:
    """Return a page of ``facts`` or ``deployments`` in the order of their names: name and JSON of each."""
    name, at, payload = {
        "facts": (FACTS.c.identity, FACTS.c.at, FACTS.c.payload),
        "deployments": (DEPLOYMENTS.c.id, DEPLOYMENTS.c.started_at, DEPLOYMENTS.c.payload),
    }[table]
    query = select(name, payload).where(at >= since, name > after).order_by(name).limit(PAGE)
    return [(row[0], bytes(row[1])) for row in connection.execute(query)]
