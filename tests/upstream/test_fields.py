"""What is asked for is what is read: no field too few, none too many, for every version of Argo CD."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.upstream.fields import WATCH_FIELDS, name_fields, parse_version
from tests.fakes.applications import application
from tests.fakes.fields import FieldsFilter, select_for_list
from tests.upstream.test_normalise import RICH, observe

VERSIONS = [(2, 14), (3, 0), (3, 4), (3, 5), (3, 6)]


def keep(document: Any, fields: list[str], path: str = "") -> Any:
    """Filter as the watch does, but by whole words: without the quirk that brings `revision` with `revisions`."""
    if isinstance(document, list):
        return [keep(item, fields, path) for item in document]
    if not isinstance(document, dict):
        return document
    kept = {}
    for name, value in document.items():
        full = f"{path}.{name}" if path else name
        if full in fields:
            kept[name] = value
        elif any(field.startswith(f"{full}.") for field in fields):
            kept[name] = keep(value, fields, full)
    return kept


def test_errors_and_types_are_always_asked_for() -> None:
    assert {"error", "result.type"} <= {*WATCH_FIELDS}
    body = {"error": {"http_code": 401, "message": "no"}}
    assert FieldsFilter(",".join(WATCH_FIELDS)).prune(body) == body


@pytest.mark.parametrize("field", WATCH_FIELDS)
def test_no_field_is_asked_for_in_vain(field: str) -> None:
    fewer = [other for other in WATCH_FIELDS if other != field]
    wholes: list[dict[str, Any]] = [{"result": {"type": "ADDED", "application": rich}} for rich in RICH]
    wholes.append({"error": {"http_code": 401}})
    assert any(observe(keep(whole, fewer)) != observe(whole) for whole in wholes)


def test_no_field_is_asked_for_twice() -> None:
    assert len({*WATCH_FIELDS}) == len(WATCH_FIELDS)
    inside = [(one, other) for one in WATCH_FIELDS for other in WATCH_FIELDS if other.startswith(f"{one}.")]
    assert not inside


def test_the_query_is_short_enough_for_any_proxy() -> None:
    assert len(",".join(WATCH_FIELDS)) < 3_000


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("patch", [0, 1, 9])
def test_the_names_come_with_their_project_wherever_the_list_can_tell_it(version: tuple[int, int], patch: int) -> None:
    listed = select_for_list(application("core", project="shop"), name_fields(version), (*version, patch))
    assert listed["metadata"] == {"name": "core", "namespace": "argocd"}
    assert listed.get("spec") == ({"project": "shop"} if version >= (3, 5) else None)


def test_of_an_unknown_version_only_the_names_are_asked_for() -> None:
    assert name_fields(None) == "items.metadata.name,items.metadata.namespace"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.5.1+1a2b3c4", (3, 5)),
        ("v3.6.0", (3, 6)),
        ("3.10.2", (3, 10)),
        ("v2.14.0-rc1", (2, 14)),
        ("v3.6.0-dev", (3, 6)),
        (" v3.5\n", (3, 5)),
        ("", None),
        ("v3", None),
        ("latest", None),
        ("unknown v3.5", None),
        ("v3.x", None),
        ("v" + "9" * 5_000 + ".1", None),
        ("v1." + "9" * 5_000, None),
    ],
)
def test_a_version_is_read_as_argo_cd_writes_it(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version
