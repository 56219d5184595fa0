"""The contract's documents: valid, whole, and the same as the code's own words and types."""

import copy
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any, get_args

import msgspec
import orjson
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.exceptions import Unresolvable

from gateway import __version__
from gateway.hub.subscriber import Ending
from gateway.model.application import ApplicationStatus, Deployment
from gateway.model.selector import HEALTH, MAX_SELECTOR_LENGTH, MAX_VALUE_LENGTH, MAX_VALUES, PARAMETERS, SYNC
from gateway.model.upstream import State, Upstream
from gateway.upstream.messages import Kind
from gateway.upstream.removal import PERMISSION_LOST
from gateway.web import badge, changes
from gateway.web.contract import list_schemas
from gateway.web.query import CURSOR_PARAMETER
from gateway.web.routes import add_routes
from tests.contract.clients.v0_1 import Client
from tests.contract.documents import EXAMPLES, FOLDER, OPEN, PLACES, Contract, parse_stream, place_of, shape

JSON_EXAMPLES = sorted(EXAMPLES.glob("*.json"))


def nodes(node: Any) -> Iterator[Any]:
    """Walk through a document."""
    yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(value)


def test_the_documents_are_valid_openapi_3_1_and_json_schema_2020_12(contract: Contract) -> None:
    assert contract.openapi["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(contract.openapi, base_uri=(FOLDER / "openapi.json").as_uri()).validate()
    for schema in contract.schemas.values():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere_and_holds_under_any_base_path(contract: Contract) -> None:
    for path, document in contract.documents.items():
        resolver = contract.registry.resolver(OPEN + path)
        for node in nodes(document):
            if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                assert not node["$ref"].startswith(("/", "http")), node
                try:
                    resolver.lookup(node["$ref"])
                except Unresolvable:
                    pytest.fail(f"{path}: {node}")
    assert [server["url"] for server in contract.openapi["servers"]] == [".."]


def test_everything_in_the_documents_is_described(contract: Contract) -> None:
    for schema in contract.schemas.values():
        for node in nodes(schema):
            if isinstance(node, dict) and isinstance(node.get("properties"), dict):
                assert node["description"]
                for name, field in node["properties"].items():
                    assert "description" in field or "$ref" in field or "anyOf" in field, name
    for path, item in contract.openapi["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert operation["description"], path


def test_readers_are_told_to_expect_further_fields(contract: Contract) -> None:
    for document in contract.documents.values():
        assert not [
            node for node in nodes(document) if isinstance(node, dict) and node.get("additionalProperties") is False
        ]


@pytest.mark.parametrize("base_path", ["", "/gateway"])
def test_every_route_is_in_the_contract_and_the_contract_has_no_other(contract: Contract, base_path: str) -> None:
    app = web.Application()
    add_routes(app, base_path=base_path, dashboard=True)
    routes = set()
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        within = path.removeprefix(base_path)
        # Pages for people promise nothing to programs.
        if within.startswith(("/api/", "/badge/")) or within in ("/healthz", "/readyz", "/startupz"):
            assert path.startswith(base_path) or within in ("/healthz", "/readyz", "/startupz")
            routes.add((within, route.method.lower()))
    promised = {(path, method) for path, item in contract.openapi["paths"].items() for method in item}
    assert {(path, method) for path, method in routes if method != "head"} == promised


def test_every_schema_is_served_and_named_in_the_contract(contract: Contract) -> None:
    assert list(list_schemas()) == sorted(contract.schemas)
    assert contract.resolve("#/components/parameters/event")["schema"]["enum"] == sorted(contract.schemas)
    used = {node["$ref"] for node in nodes(contract.openapi) if isinstance(node, dict) and "$ref" in node}
    assert {f"schemas/{name}.json" for name in contract.schemas} <= used


@pytest.mark.parametrize(
    ("model", "place"),
    [
        (ApplicationStatus, "schemas/application.json"),
        (Upstream, "schemas/heartbeat.json#/$defs/upstream"),
        (Deployment, "openapi.json#/components/schemas/Deployment"),
    ],
)
def test_a_documents_schema_is_the_codes_own(contract: Contract, model: type, place: str) -> None:
    path, _, pointer = place.partition("#")
    root = contract.documents[path]
    written = reduce(getitem, pointer.split("/")[1:], root)
    coded = msgspec.json.schema(model)
    assert shape(written, root, contract) == shape(coded, coded, contract)


def test_a_delta_can_carry_each_field_of_an_application_and_null_for_those_that_may_be_absent(
    contract: Contract,
) -> None:
    application = contract.schemas["application"]
    fields = contract.schemas["delta"]["$defs"]["fields"]["properties"]
    for name in application["properties"]:
        reference = {"$ref": f"application.json#/properties/{name}"}
        always = name in application["required"]
        assert fields[name] == (reference if always else {"anyOf": [reference, {"type": "null"}]}), name
    assert list(fields) == list(application["properties"])


def test_a_detail_has_each_field_of_an_application_and_a_change_of_it_can_carry_each_of_its_own(
    contract: Contract,
) -> None:
    application, detail = contract.schemas["application"]["properties"], contract.schemas["detail"]["properties"]
    assert {name: detail[name] for name in application} == {
        name: {"$ref": f"application.json#/properties/{name}"} for name in application
    }
    changed = contract.openapi["components"]["schemas"]["DetailDelta"]["properties"]["changed"]["properties"]
    for name in detail:
        reference = {"$ref": f"schemas/detail.json#/properties/{name}"}
        always = name in ("key", "name", "namespace")
        assert changed[name] == (reference if always else {"anyOf": [reference, {"type": "null"}]}), name
    assert list(changed) == list(detail)


def test_a_side_of_a_change_can_carry_each_field_of_an_application(contract: Contract) -> None:
    fields = contract.openapi["components"]["schemas"]["Side"]["properties"]
    names = contract.schemas["application"]["properties"]
    assert fields == {name: {"$ref": f"schemas/application.json#/properties/{name}"} for name in names}


def test_the_documents_know_the_codes_words(contract: Contract) -> None:
    def known(schema: Any) -> set[str]:
        return set(schema["anyOf"][0]["enum"]) if "anyOf" in schema else set(schema["enum"])

    schemas, parameters = contract.schemas, contract.openapi["components"]["parameters"]
    kinds = {kind.value for kind in Kind}
    upstream = schemas["heartbeat"]["$defs"]["upstream"]["properties"]
    assert known(schemas["goodbye"]["properties"]["reason"]) == {ending.value for ending in Ending}
    assert known(upstream["state"]) == set(get_args(State))
    assert known(upstream["reason"]) == kinds | {"starting", PERMISSION_LOST}
    assert known(schemas["status"]["properties"]["upstream"]["properties"]["lastError"]["properties"]["kind"]) == kinds
    assert known(schemas["application"]["$defs"]["health"]["properties"]["status"]) == set(HEALTH)
    assert known(schemas["application"]["$defs"]["sync"]["properties"]["status"]) == set(SYNC)
    assert known(parameters["health"]["schema"]["items"]) == set(HEALTH)
    assert known(parameters["sync"]["schema"]["items"]) == set(SYNC)
    assert parameters["badgeShow"]["schema"]["enum"] == list(badge.SHOWN)
    assert contract.openapi["info"]["version"] == __version__


def test_the_documents_know_the_codes_parameters_and_limits(contract: Contract) -> None:
    for path, more in (
        ("/api/pipelines", set()),
        ("/api/stream/pipelines", {CURSOR_PARAMETER}),
        ("/api/changes", set(changes.PARAMETERS)),
    ):
        asked = [contract.resolve(each["$ref"]) for each in contract.openapi["paths"][path]["get"]["parameters"]]
        assert {each["name"] for each in asked if each["in"] == "query"} == {*PARAMETERS, *more}
    limit, label = (contract.resolve(f"#/components/parameters/{name}")["schema"] for name in ("limit", "badgeLabel"))
    assert (limit["maximum"], limit["default"]) == (changes.MAX_LIMIT, changes.DEFAULT_LIMIT)
    assert label["maxLength"] == badge.MAX_LABEL
    for name in PARAMETERS:
        schema = contract.resolve(f"#/components/parameters/{name}")["schema"]
        if name == "selector":
            assert schema["maxLength"] == MAX_SELECTOR_LENGTH
        else:
            assert schema["maxItems"] == MAX_VALUES
            assert schema["items"].get("maxLength", MAX_VALUE_LENGTH) == MAX_VALUE_LENGTH


@pytest.mark.parametrize("example", JSON_EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_what_its_schema_says(contract: Contract, example: Any) -> None:
    contract.check(place_of(example.stem), orjson.loads(example.read_bytes()))


def test_every_schema_has_an_example(contract: Contract) -> None:
    assert set(contract.schemas) == {path.stem.partition("-")[0] for path in JSON_EXAMPLES} - set(PLACES)


def test_the_examples_within_the_documents_are_what_their_schemas_say(contract: Contract) -> None:
    for name, response in contract.openapi["components"]["responses"].items():
        (media,) = response["content"].values()
        contract.check("schemas/problem.json", media["example"])
        assert media["example"]["type"].rpartition(":")[2] in response["description"], name
    stream = contract.openapi["paths"]["/api/stream/pipelines"]["get"]["responses"]["200"]["content"]
    for name, _, data in parse_stream(stream["text/event-stream"]["examples"]["short"]["value"]):
        contract.check_event(name, data)


def test_the_example_stream_holds_every_kind_of_event_and_can_be_folded(contract: Contract) -> None:
    raw = (EXAMPLES / "stream.txt").read_bytes()
    events = parse_stream(raw.decode())
    assert {name for name, _, _ in events} == {"snapshot", "delta", "heartbeat", "goodbye"}
    for name, _, data in events:
        contract.check_event(name, data)
    client = Client()
    client.feed(raw)
    assert sorted(client.applications) == ["argocd/swkoo-backend", "argocd/swkoo-frontend"]
    assert client.last_id == [cursor for _, cursor, _ in events if cursor][-1]
    assert (client.goodbye, client.upstream["state"]) == ("lifetime", "live")
    for application in client.applications.values():
        contract.check("schemas/application.json", application)


def objects(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects with fields of their own: not maps by key or SHA, and not labels."""
    for node in nodes(data):
        keyed = isinstance(node, dict) and any("/" in key or len(key) == 40 for key in node)
        if isinstance(node, dict) and not keyed and node and set(node) != {"team"}:
            yield node


@pytest.mark.parametrize("example", JSON_EXAMPLES, ids=lambda path: path.stem)
def test_an_undocumented_field_anywhere_is_found_here_and_passed_over_by_readers(
    contract: Contract, example: Any
) -> None:
    place, data = place_of(example.stem), orjson.loads(example.read_bytes())
    count = len(list(objects(data)))
    assert count
    for index in range(count):
        changed = copy.deepcopy(data)
        list(objects(changed))[index]["undocumented"] = 1
        contract.check(place, changed, base=OPEN)
        with pytest.raises(ValidationError):
            contract.check(place, changed)
