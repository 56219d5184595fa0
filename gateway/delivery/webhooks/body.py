"""A request's body: JSON or a form into typed structs, and an identity for those that carry none."""

import hashlib
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

from gateway.delivery.webhooks.request import PayloadError, Request

T = TypeVar("T")

_FORM = "application/x-www-form-urlencoded"
_FORM_FIELDS = 16


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A part of a sender's JSON, as far as it is read: what isn't named is skipped, nearly anything may be null."""


ABSENT = msgspec.Raw(b"")
"""What isn't there, in place of JSON to be decoded later."""


def is_there(part: msgspec.Raw) -> bool:
    """Tell whether a part to be decoded later is there, and isn't null."""
    return bytes(part) not in (b"", b"null")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode JSON; raise PayloadError that names the place and the type, or the byte, never the content."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise PayloadError(f"a field isn't as the sender documents it: {error}") from None
    except msgspec.DecodeError as error:
        raise PayloadError(f"the body isn't JSON: {error}") from None
    except UnicodeDecodeError:
        raise PayloadError("the body isn't JSON: it isn't UTF-8") from None
    except RecursionError:
        raise PayloadError("the body is nested too deeply") from None


def unwrap_form(request: Request) -> bytes:
    """Return the JSON of a body that may be a form with the JSON in its field ``payload``, as GitHub can send it."""
    if not request.headers.get("content-type", "").strip().lower().startswith(_FORM):
        return request.body
    try:
        fields = parse_qs(request.body.decode(), max_num_fields=_FORM_FIELDS, errors="strict")
    except ValueError:
        raise PayloadError("the body isn't a form in UTF-8: send application/json instead") from None
    if "payload" not in fields:
        raise PayloadError("the form has no field payload, which holds the JSON")
    return fields["payload"][0].encode()


def identify(sender: str, *parts: str | bytes) -> str:
    """Return the identity of a delivery that has none: the same for the same content of the same sender."""
    digest = hashlib.sha256(sender.encode())
    for part in parts:
        digest.update(b"\0" + (part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")))
    return digest.hexdigest()[:32]
