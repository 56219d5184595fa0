"""The contract's documents, as they lie in the package, and what they say of an answer.

They are open for further fields, as readers must be. What is sent is held against a *strict* form of them, in which
whatever they don't mention is an error: so nothing goes out undocumented.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import gateway.web
from tests.e2e.harness import Answer

FOLDER = Path(gateway.web.__file__).parent / "contract"
EXAMPLES = FOLDER / "examples"

OPEN, STRICT, BRANCH = "https://open.test/api/", "https://strict.test/api/", "https://branch.test/api/"

PLACES = {
    "pipelines": "openapi.json#/components/schemas/Pipelines",
    "pipeline": "openapi.json#/components/schemas/Pipeline",
    "changes": "openapi.json#/components/schemas/Changes",
    "detail-snapshot": "openapi.json#/components/schemas/DetailSnapshot",
    "detail-delta": "openapi.json#/components/schemas/DetailDelta",
    "detail-removed": "openapi.json#/components/schemas/DetailDelta",
    "me": "openapi.json#/components/schemas/Me",
    "refreshed": "openapi.json#/components/schemas/Refreshed",
    "rollout": "schemas/detail.json#/$defs/rollout",
}
"""Where an example's schema is, if not in the schema that the first word of its name names."""

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None)


class Contract:
    """The documents by their paths, and validators for parts of them."""

    def __init__(self) -> None:
        paths = [FOLDER / "openapi.json", *sorted((FOLDER / "schemas").iterdir())]
        self.documents: dict[str, Any] = {
            path.relative_to(FOLDER).as_posix(): orjson.loads(path.read_bytes()) for path in paths
        }
        self.schemas = {path.stem: self.documents[f"schemas/{path.name}"] for path in paths[1:]}
        self.openapi = self.documents["openapi.json"]
        resources = []
        for path, document in self.documents.items():
            strict = make_strict(document)
            # A branch of allOf can't know what its siblings mention: at the top it is open.
            branch = {name: value for name, value in strict.items() if name != "unevaluatedProperties"}
            for base, content in ((OPEN, document), (STRICT, strict), (BRANCH, branch)):
                resources.append((base + path, DRAFT202012.create_resource(content)))
        registry: Registry[Any] = Registry().with_resources(resources)
        self.registry = registry
        self.offhand = jsonschema_rs.Registry([(uri, resource.contents) for uri, resource in resources])

    def validator(self, place: str, *, base: str = STRICT) -> Draft202012Validator:
        """Return the validator for a place in the documents, such as ``schemas/delta.json``."""
        return _validator(self, base + place)

    def check(self, place: str, data: Any, *, base: str = STRICT) -> None:
        """Raise jsonschema's ValidationError if the data isn't what is written there."""
        # In a fiftieth of the time; what is wrong is said by whom it is easier to read from.
        if not _offhand(self, base + place).is_valid(data):
            self.validator(place, base=base).validate(data)
            raise AssertionError(f"only one of two validators takes this for {place}: {data}")

    def check_event(self, name: str, data: Any) -> None:
        """Check an event of the stream; its name must be one of those documented."""
        content = self.openapi["paths"]["/api/stream/pipelines"]["get"]["responses"]["200"]["content"]
        assert name in content["text/event-stream"]["x-events"]
        self.check(f"schemas/{name}.json", data)

    def check_detail_event(self, name: str, data: Any) -> None:
        """Check an event of one application's stream."""
        content = self.openapi["paths"]["/api/stream/pipelines/{name}"]["get"]["responses"]["200"]["content"]
        place = content["text/event-stream"]["x-events"][name]["$ref"]
        self.check(f"openapi.json{place}", data)

    def check_answer(self, path: str, answer: Answer, *, method: str = "get") -> None:
        """Check an answer at a path of the contract: its status, headers, content type and body."""
        responses = self.openapi["paths"][path][method]["responses"]
        name = str(answer.status) if str(answer.status) in responses else "default"
        place = f"openapi.json#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}/responses/{name}"
        response = responses[name]
        if "$ref" in response:
            place = "openapi.json" + response["$ref"]
            response = self.resolve(response["$ref"])
        for header, described in response.get("headers", {}).items():
            described = self.resolve(described["$ref"]) if "$ref" in described else described
            assert header in answer.headers or not described["required"], (path, answer.status, header)
        if "content" not in response:
            assert answer.body == b"", (path, answer)
            return
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in response["content"], (path, answer.status, kind)
        if kind.endswith("json"):
            self.check(f"{place}/content/{kind.replace('/', '~1')}/schema", answer.json)

    def resolve(self, pointer: str) -> Any:
        """Return what a reference within ``openapi.json`` points at."""
        found: Any = self.openapi
        for step in pointer.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found


@cache
def _validator(contract: Contract, uri: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": uri}, registry=contract.registry, format_checker=_FORMATS)


@cache
def _offhand(contract: Contract, uri: str) -> jsonschema_rs.Draft202012Validator:
    reference = uri.replace("{", "%7B").replace("}", "%7D")
    return jsonschema_rs.Draft202012Validator(
        {"$ref": reference}, registry=contract.offhand, validate_formats=True, formats={"date-time": _is_right_time}
    )


def _is_right_time(value: str) -> bool:
    try:
        return _is_time(value)
    except ValueError:
        return False


def place_of(example: str) -> str:
    """Return the place of an example's schema."""
    return PLACES.get(example, f"schemas/{example.partition('-')[0]}.json")


def make_strict(node: Any) -> Any:
    """Return a schema in which only what it mentions is allowed: fields, and words where others may come one day."""
    if isinstance(node, list):
        return [make_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {name: make_strict(value) for name, value in node.items()}
    match strict:
        case {"anyOf": [{"enum": words}, {"type": "string"}]}:
            del strict["anyOf"]
            strict["enum"] = words
        case {"allOf": branches}:
            strict["allOf"] = [{"$ref": BRANCH + branch["$ref"]} for branch in branches]
    if isinstance(strict.get("properties"), Mapping) and "additionalProperties" not in strict:
        strict["unevaluatedProperties"] = False
    return strict


def parse_stream(text: str) -> list[tuple[str, str | None, Any]]:
    """Return each event of a stream's text: its name, its id and its data."""
    events = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], fields.get("id"), orjson.loads(fields["data"])))
    return events


def shape(schema: Any, root: Any, contract: Contract) -> Any:
    """Return fields, types and what is required; a type or null is that type, for an absent value is no field."""
    if "$ref" in schema:
        document, _, pointer = schema["$ref"].partition("#")
        if document:
            root = contract.documents[f"schemas/{document.removeprefix('schemas/')}"]
        return shape(reduce(getitem, pointer.split("/")[1:], root), root, contract)
    if "anyOf" in schema:
        (only,) = {orjson.dumps(shape(each, root, contract)) for each in schema["anyOf"] if each != {"type": "null"}}
        return orjson.loads(only)
    if "enum" in schema:
        return "string"
    match schema["type"]:
        case "array":
            return [shape(schema["items"], root, contract)]
        case "object":
            return {
                "required": sorted(schema.get("required", ())),
                "fields": {name: shape(each, root, contract) for name, each in schema.get("properties", {}).items()},
                "others": schema.get("additionalProperties", {}).get("type"),
            }
        case other:
            return other
