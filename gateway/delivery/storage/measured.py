"""Measures as they are kept: a year of them is read in one piece, put together by the database.

A row of theirs in Python would cost more than all that is calculated from it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.delivery.events import Run, RunState
from gateway.delivery.kpi import DURATIONS, BuildMeasure, Measure
from gateway.delivery.storage.database import upsert
from gateway.delivery.storage.tables import BUILDS, MEASURES


class _Measure(Measure, frozen=True, kw_only=True, gc=False, array_like=True):
    """A measure as a list of its fields."""


class _Build(BuildMeasure, frozen=True, kw_only=True, gc=False, array_like=True):
    """A run as a list of its fields."""


_encode = msgspec.json.Encoder().encode
_decode_measures = msgspec.json.Decoder(list[_Measure]).decode
_decode_applications = msgspec.json.Decoder(list[str]).decode


class _Told(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is kept of a run, but for where what it built was deployed to."""

    id: str
    at: float
    succeeded: bool
    repository: str | None
    duration: int | None


class _Row(msgspec.Struct, frozen=True, gc=False, array_like=True):
    told: _Told
    applications: tuple[str, ...]


_decode_rows = msgspec.json.Decoder(list[_Row]).decode


def keep_measures(connection: Connection, measures: list[Measure]) -> None:
    """Keep measures, each instead of an earlier one of its deployment."""
    rows = []
    for one in measures:
        row = _Measure(**{name: getattr(one, name) for name in one.__struct_fields__})
        rows.append({"id": one.id, "at": one.at, "payload": _encode(row).decode()})
    upsert(connection, MEASURES, rows)


def keep_builds(connection: Connection, runs: dict[str, tuple[Run, float]]) -> None:
    """Keep what is measured of whole runs that are over, by their identities; each with its place in time."""
    rows = []
    for name, (run, at) in runs.items():
        told = _Told(name, at, run.state is RunState.SUCCEEDED, run.repository, _duration(run))
        rows.append({"id": name, "at": at, "payload": _encode(told).decode()})
    upsert(connection, BUILDS, rows)


def _duration(run: Run) -> int | None:
    if run.started_at is None or run.finished_at is None or run.finished_at < run.started_at:
        return None
    return round(run.finished_at - run.started_at)


def keep_built(connection: Connection, built: set[tuple[str, str]]) -> None:
    """Keep where what runs built was deployed to: pairs of a run's identity and an application's key."""
    names = {name for name, _ in built}
    query = select(BUILDS.c.id, BUILDS.c.applications).where(BUILDS.c.id.in_(names))
    for row in connection.execute(query).all():
        known = set(_decode_applications(row.applications))
        told = known | {key for name, key in built if name == row.id}
        if told != known:
            values = {"applications": _encode(sorted(told)).decode()}
            connection.execute(update(BUILDS).where(BUILDS.c.id == row.id).values(values))


def find_oldest(connection: Connection) -> float | None:
    """Return from when the oldest measure is, of deployments or of runs; None where there is none."""
    oldest = [connection.execute(select(func.min(table.c.at))).scalar() for table in (MEASURES, BUILDS)]
    return min((at for at in oldest if at is not None), default=None)


def read_measures(connection: Connection, since: float, until: float) -> str:
    """Return the measures of a time as JSON, for ``decode_measures``."""
    column = MEASURES.c
    query = select(func.aggregate_strings(column.payload, ",")).where(column.at >= since, column.at < until)
    return f"[{connection.execute(query).scalar() or ''}]"


def read_some(connection: Connection, identities: Sequence[str]) -> str:
    """Return the measures of some deployments as JSON, for ``decode_measures``."""
    query = select(func.aggregate_strings(MEASURES.c.payload, ",")).where(MEASURES.c.id.in_(identities))
    return f"[{connection.execute(query).scalar() or ''}]"


def read_builds(connection: Connection, since: float, until: float) -> str:
    """Return the runs of a time as JSON, for ``decode_builds``."""
    column = BUILDS.c
    row = "[" + column.payload + "," + column.applications + "]"
    query = select(func.aggregate_strings(row, ",")).where(column.at >= since, column.at < until)
    return f"[{connection.execute(query).scalar() or ''}]"


_SHARED: dict[object, Any] = {}
"""Names and durations of measures that are held: of very many there are few different ones."""

_MOST = 50_000
"""Different values that are shared."""

_NAMES = ("key", "project", "service", "environment", "team", *DURATIONS)


def _share(value: Any) -> Any:
    if len(_SHARED) > _MOST:
        _SHARED.clear()
    return value if value is None else _SHARED.setdefault(value, value)


def decode_measures(text: str, *, share: bool = False) -> list[Measure]:
    """Return measures as they were kept; with ``share``, equal values are one."""
    measures: list[Measure] = list(_decode_measures(text))
    if share:
        for one in measures:
            for name in _NAMES:
                # They are nobody else's yet, and equal afterwards.
                msgspec.structs.force_setattr(one, name, _share(getattr(one, name)))
    return measures


def decode_builds(text: str, *, share: bool = False) -> list[BuildMeasure]:
    """Return runs as they were kept; with ``share``, equal values are one."""
    told = _decode_rows(text)
    if share:
        for row in told:
            msgspec.structs.force_setattr(row, "applications", _share(row.applications))
            for name in ("repository", "duration"):
                msgspec.structs.force_setattr(row.told, name, _share(getattr(row.told, name)))
    return [
        BuildMeasure(
            id=row.told.id,
            at=row.told.at,
            succeeded=row.told.succeeded,
            repository=row.told.repository,
            applications=row.applications,
            duration=row.told.duration,
        )
        for row in told
    ]
