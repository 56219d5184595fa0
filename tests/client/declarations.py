"""The client's types: those of the wire from the contract, those of the library as they are written here.

``python -m tests.client.declarations`` writes ``client/client.d.ts``; a test compares it with the contract.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gateway.web

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "client" / "client.d.ts"
LIBRARY = ROOT / "client" / "library.d.ts.in"
CONTRACT = Path(gateway.web.__file__).parent / "contract"

_HEAD = """\
// Made of the gateway's contract by `python -m tests.client.declarations`; not to be changed by hand.
"""

Schema = dict[str, Any]


class Declarations:
    """The documents of the contract, and the TypeScript that says the same."""

    def __init__(self) -> None:
        self._documents: dict[str, Schema] = {
            path.name: json.loads(path.read_text())
            for path in [CONTRACT / "openapi.json", *sorted((CONTRACT / "schemas").iterdir())]
        }
        self._library = LIBRARY.read_text()
        self._taken = set(re.findall(r"^export (?:interface|type|class) (\w+)", self._library, re.MULTILINE))
        self._names: dict[tuple[str, str], str] = {}
        for file, document in self._documents.items():
            if file != "openapi.json":
                title = document["title"]
                self._names[file, ""] = self._claim(title, title)
        for file, document in self._documents.items():
            for name in document.get("$defs", {}):
                self._names[file, f"/$defs/{name}"] = self._claim(_pascal(name), document["title"])
        for name, schema in self._documents["openapi.json"]["components"]["schemas"].items():
            if "$ref" not in schema:
                self._names["openapi.json", f"/components/schemas/{name}"] = self._claim(name, "Listed")

    def _claim(self, name: str, owner: str) -> str:
        """Return a name that nothing else has: what is part of a document may have to be called after it."""
        own = name if name not in self._taken and name != "Fields" else f"{owner}{name}"
        assert own not in self._taken, f"{own} would be two things"
        self._taken.add(own)
        return own

    def write(self) -> str:
        """Return the whole file."""
        said = "\n".join(self._declare(*place, name) for place, name in self._names.items())
        return f"{_HEAD}\n{self._library}\n{said}"

    def _declare(self, file: str, pointer: str, name: str) -> str:
        schema = self._find(file, pointer)
        if "properties" not in schema:
            return f"{_comment(schema)}export type {name} = {self._type(schema, file)};\n"
        bases = ", ".join(self._type(base, file) for base in schema.get("allOf", ()))
        extends = f" extends {bases}" if bases else ""
        fields = "".join(self._fields(schema, file, "  "))
        return f"{_comment(schema)}export interface {name}{extends} {{\n{fields}}}\n"

    def _fields(self, schema: Schema, file: str, indent: str) -> Iterator[str]:
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            mark = "" if name in required else "?"
            shown = name if name.isidentifier() else json.dumps(name)
            yield f"{_comment(field, indent)}{indent}readonly {shown}{mark}: {self._type(field, file, indent)};\n"

    def _type(self, schema: Schema, file: str, indent: str = "") -> str:
        match schema:
            case {"$ref": reference}:
                target, _, pointer = reference.partition("#")
                target = target.rpartition("/")[2] or file
                named = self._names.get((target, pointer))
                return named or self._type(self._find(target, pointer), target, indent)
            case {"allOf": branches}:
                return " & ".join(self._type(each, file, indent) for each in branches)
            case {"anyOf": [{"enum": words}, {"type": "string"}]}:
                # An editor still offers the known words.
                return " | ".join([*map(json.dumps, words), "(string & {})"])
            case {"anyOf": branches} | {"oneOf": branches}:
                return " | ".join(self._type(each, file, indent) for each in branches)
            case {"enum": words}:
                return " | ".join(map(json.dumps, words))
            case {"const": word}:
                return json.dumps(word)
            case {"type": "array", "items": items}:
                return f"ReadonlyArray<{self._type(items, file, indent)}>"
            case {"properties": _}:
                return f"{{\n{''.join(self._fields(schema, file, indent + '  '))}{indent}}}"
            case {"type": "object", "additionalProperties": dict(values)}:
                return f"Readonly<Record<string, {self._type(values, file, indent)}>>"
            case {"type": "object"}:
                return "Readonly<Record<string, unknown>>"
        kinds = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
        types = schema.get("type", ())
        return " | ".join(kinds[each] for each in ([types] if isinstance(types, str) else types)) or "unknown"

    def _find(self, file: str, pointer: str) -> Schema:
        found: Any = self._documents[file]
        for step in pointer.split("/")[1:]:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return dict(found)


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _comment(schema: Schema, indent: str = "") -> str:
    text = re.sub(r"\s+", " ", schema.get("description", "")).replace("*/", "* /")
    return f"{indent}/** {text} */\n" if text else ""


if __name__ == "__main__":
    TARGET.write_text(Declarations().write())
