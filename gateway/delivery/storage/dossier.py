"""What the database knows of one commit: who told what of it, and what its repository is built to."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from gateway.delivery.checklist import Dossier
from gateway.delivery.correlation.index import image_keys
from gateway.delivery.correlation.keys import WHOLE
from gateway.delivery.correlation.tags import ImageName, name_image, parse_image
from gateway.delivery.events import Commit, DeliveryEvent, ImagePushed, Incident, Run, Scanned
from gateway.delivery.storage.tables import BUILDERS, FACT_KEYS, FACTS

CANDIDATES = 20
"""Commits of one beginning that are told apart."""

FOUND = 1_000
"""Facts about one commit that are read; the newest."""

_decode = msgspec.json.Decoder(DeliveryEvent).decode


def find_commits(connection: Connection, sha: str) -> list[str]:
    """Return the whole SHAs, known to somebody, that begin so."""
    key = FACT_KEYS.c.key
    query = select(key).where(_begins(sha)).distinct().order_by(key).limit(CANDIDATES)
    return [found.removeprefix("sha:") for found in connection.execute(query).scalars()]


def gather(connection: Connection, sha: str, images: Sequence[str] = ()) -> Dossier:
    """Return what was told of a whole SHA; ``images`` are references that are known to be of it, too."""
    facts = _read(connection, [FACT_KEYS.c.key == f"sha:{sha}"])
    commits = tuple(fact for fact in facts if isinstance(fact, Commit))
    runs = [fact for fact in facts if isinstance(fact, Run)]
    pushes = [fact for fact in facts if isinstance(fact, ImagePushed)]
    made = [parse_image(text) for text in (*images, *(artifact for run in runs for artifact in run.artifacts))]
    made += [ImageName(name_image(push.image), push.tag, push.digest) for push in pushes]
    keys = {key for image in made for key in image_keys(image)}
    keys |= {f"digest:{digest}" for push in pushes for digest in push.platforms}
    scans = {id(fact): fact for fact in facts if isinstance(fact, Scanned)}
    if keys:
        named = _read(connection, [FACT_KEYS.c.key.in_(keys), FACTS.c.kind == "scan"])
        scans |= {id(fact): fact for fact in named if isinstance(fact, Scanned)}
    repositories = {fact.repository for fact in facts if not isinstance(fact, Incident) and fact.repository}
    names = {image.name for image in made}
    if repositories:
        column = BUILDERS.c
        names.update(connection.execute(select(column.image).where(column.repository.in_(repositories))).scalars())
    return Dossier(
        sha=sha,
        commits=commits,
        runs=tuple(runs),
        pushes=tuple(pushes),
        scans=tuple(scans.values()),
        images=frozenset(names),
        repositories=frozenset(repositories),
    )


def _begins(sha: str) -> ColumnElement[bool]:
    key = FACT_KEYS.c.key
    if len(sha) >= WHOLE:
        return key == f"sha:{sha}"
    return (key >= f"sha:{sha}") & (key < f"sha:{sha}g")


def _read(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> list[DeliveryEvent]:
    joined = FACT_KEYS.join(FACTS, FACTS.c.identity == FACT_KEYS.c.identity)
    query = select(FACTS.c.identity, FACTS.c.payload).select_from(joined).where(*conditions)
    rows = connection.execute(query.order_by(FACTS.c.at.desc()).limit(FOUND))
    # One that several keys find is one.
    return [_decode(payload) for payload in {row.identity: row.payload for row in rows}.values()]
