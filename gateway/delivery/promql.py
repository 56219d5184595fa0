"""Queries for a Prometheus about one service, and what its answers mean. Pure.

Answers are those of its HTTP API (prometheus.io/docs/prometheus/latest/querying/api, instant queries).
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.errors import GatewayError

_PLACEHOLDER = re.compile(r"\{(service|environment|namespace|application|window)\}")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "'": r"\'", "\n": r"\n"})
_SAID = 300


class NothingError(GatewayError):
    """There is no number; the message says why, for people. With ``final``, asking again would be in vain."""

    def __init__(self, why: str, *, final: bool = True) -> None:
        super().__init__(why)
        self.final = final


class _Data(msgspec.Struct, rename="camel"):
    result_type: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Answer(msgspec.Struct, rename="camel"):
    status: str = ""
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""


class _Series(msgspec.Struct):
    value: tuple[float, str]


def fill(template: str, names: Mapping[str, str | None], *, window: float) -> str:
    """Return a query: each placeholder filled with a name, escaped for a string within quotes (PromQL's are Go's).

    ``window`` is in seconds. Raises NothingError where a name isn't known.
    """

    def find(match: re.Match[str]) -> str:
        if match[1] == "window":
            return f"{round(window)}s"
        if not (name := names.get(match[1])):
            raise NothingError(f"the deployment has no {match[1]}")
        return name.translate(_ESCAPES)

    return _PLACEHOLDER.sub(find, template)


def read_answer(status: int, body: bytes) -> float:
    """Return the number that an answer holds. Raises NothingError."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NothingError(f"Prometheus answers {status} with something else than JSON", final=False) from None
    if answer.status != "success":
        # 400 and 422 are about the query (the API's own words); all others may pass.
        said = answer.error[:_SAID] or str(status)
        raise NothingError(f"Prometheus can't answer the query: {said}", final=status in (400, 422))
    try:
        values = _read_values(answer.data)
    except (msgspec.DecodeError, ValueError):
        raise NothingError("Prometheus answers with no number: let the query give one") from None
    if len(values) > 1:
        raise NothingError(f"the query gives {len(values)} series: sum or average them")
    if not values or math.isnan(values[0]):
        raise NothingError("Prometheus has nothing of that time")
    if math.isinf(values[0]):
        raise NothingError("the query divides by nothing")
    return values[0]


def _read_values(data: _Data) -> list[float]:
    if data.result_type == "scalar":
        return [float(msgspec.json.decode(data.result, type=tuple[float, str])[1])]
    if data.result_type != "vector":
        raise ValueError(data.result_type)
    return [float(series.value[1]) for series in msgspec.json.decode(data.result, type=list[_Series])]


def compare(before: float | str, after: float | str) -> dict[str, Any]:
    """Return what is shown of one measurement: the two numbers, as far as there are any, and why there aren't."""
    shown: dict[str, Any] = {}
    for name, found in (("before", before), ("after", after)):
        if isinstance(found, str):
            shown["why"] = found
        else:
            shown[name] = float(f"{found:.6g}")
    return shown
