"""How the values of settings are written: text to value, and back to text.

Durations, sizes, URLs, paths, hosts, lists, tokens: one ``parse_…`` for each, which raises ``ValueError`` that tells
what to write instead and never repeats the value (it might be a secret in the wrong place); what the files that
settings name have to hold; and the types of fields that all this makes. Never belongs here: the name, the default or
the meaning of a setting, or anything that holds between two of them.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, PlainSerializer, SecretStr

from gateway.model.naming import NamedField, Rules, parse_rules

_DURATION = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?")
_SECONDS = {"d": Decimal(86400), "h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
_SIZE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(?:([kmg])(i)?)?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
_HOST_NAME = re.compile(r"(?![0-9.]+\Z)(?!-)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_PATH_PARTS = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~%-]+)*")
# AppProjects are Kubernetes objects: their names are DNS subdomains (RFC 1123).
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound

ReadFile = Callable[[Path], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How values of one kind are shown, and what has to hold on disk for those that are paths.

    ``unit`` is what the documentation calls the kind; ``check`` raises ValueError when the file isn't as it has to be.
    """

    unit: str
    show: Callable[[Any], str] = str
    check: Callable[[Path, ReadFile], object] | None = None


def parse_word(text: str) -> str:
    """Check a word of letters, digits and ``-_.:/``. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9._:/-]{1,64}", text):
        raise ValueError("write letters, digits and . _ : / - only, 64 characters at most")
    return text


def parse_duration(text: object) -> object:
    """Turn ``15``, ``15s``, ``100ms``, ``5m``, ``2h`` or ``30d`` into seconds; a number passes as it is, in seconds."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("write a duration, such as 15s, 100ms, 5m, 2h or 30d; a bare number is seconds")
    return float(Decimal(match[1]) * _SECONDS[match[2] or "s"])


def show_duration(seconds: float) -> str:
    """Write a duration so that ``parse_duration`` gives exactly the same back, in the largest whole unit."""
    exact = Decimal(repr(seconds))
    for unit, length in _SECONDS.items():
        if exact % length == 0 and (exact or unit == "s"):
            return f"{exact / length:.0f}{unit}"
    return f"{exact:f}s"


def parse_size(text: object) -> object:
    """Turn ``1000000``, ``64MB`` (decimal) or ``64MiB`` (binary) into bytes; a number passes as it is."""
    if not isinstance(text, str):
        return text
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("write a size, such as 64MiB, 64MB or a number of bytes")
    return int(Decimal(match[1]) * (1024 if match[3] else 1000) ** _POWERS[(match[2] or "").lower()])


def show_size(size: int) -> str:
    """Write a size so that ``parse_size`` gives exactly the same back, in the largest binary unit that divides it."""
    for unit, power in (("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return str(size)


def parse_url(text: str) -> str:
    """Normalise an address to scheme, host, a port that isn't the scheme's own, and a path without a slash at its end.

    Without a scheme it means https, as Argo CD's CLI has it (argo-cd: pkg/apiclient/apiclient.go).
    """
    if not text.isprintable() or " " in text:
        raise ValueError("write the URL without spaces or line breaks")
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, port = url.hostname or "", url.port
    except ValueError:
        raise ValueError("write a URL such as https://argocd.example.org, or with a port: https://h:8443") from None
    if "@" in url.netloc:
        raise ValueError("leave user and password out of the URL; a token belongs in ARGOCD_AUTH_TOKEN")
    if "?" in text or "#" in text:
        raise ValueError("leave out what follows ? or # in the URL")
    if url.scheme not in _DEFAULT_PORTS:
        raise ValueError("begin the URL with https:// or http://")
    if (
        port == 0
        or url.netloc.endswith(":")
        or not _is_host(host)
        or (url.path.startswith("//") and url.path.strip("/"))
    ):
        raise ValueError("write a URL with a host, such as https://argocd.example.org")
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
    return f"{url.scheme}://{shown_host}{shown_port}{parse_path(url.path)}"


def append_path(url: str, path: str) -> str:
    """Append a normalised path, unless the normalised URL ends with it already."""
    return url if urlsplit(url).path.endswith(path) else url + path


def parse_server(text: str, like: str | None = None) -> str:
    """Normalise an ARGOCD_SERVER; one such as ``h:8080`` says nothing about TLS, so it takes the scheme of ``like``.

    (The CLI's ``--plaintext`` isn't part of the address.)
    """
    url = parse_url(text)
    if like is None or "://" in text or urlsplit(f"//{text}").port is None:
        return url
    return parse_url(f"{urlsplit(parse_url(like)).scheme}://{text}")


def parse_path(text: str) -> str:
    """Normalise a path prefix to ``""`` or ``/x/y``."""
    path = "/" + text.strip("/") if text.strip("/") else ""
    if not _PATH_PARTS.fullmatch(path):
        raise ValueError("write a path such as /x or /x/y, of letters, digits and . _ ~ - only")
    return path


def parse_host(text: str) -> str:
    """Normalise an address to listen on: a host name or an IP address, without a port; IPv6 loses its brackets."""
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not _is_host(host):
        raise ValueError("write a host name or an IP address, without a scheme or a port")
    return host.lower()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the host: 127.0.0.0/8, ::1 and localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def share_address(one: str, other: str) -> bool:
    """Tell whether two hosts to listen on can't both have the same port."""
    if one in _WILDCARDS or other in _WILDCARDS:
        return True
    names = {"localhost": {"127.0.0.1", "::1"}}
    return not names.get(one, {one}).isdisjoint(names.get(other, {other}))


def parse_list(text: object) -> object:
    """Split at commas, dropping blanks and what is named twice; a list that names nothing is refused."""
    if not isinstance(text, str):
        return text
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not parts:
        raise ValueError("name at least one, separated by commas, or unset it")
    return parts


def parse_project(text: str) -> str:
    """Take the name of one Argo CD project, exactly as it is: Argo CD knows no patterns here."""
    if not _PROJECT.fullmatch(text):
        raise ValueError("write the names of projects, separated by commas, without patterns; unset, it means all")
    return text


def make_rules_parser(field: NamedField) -> Callable[[object], object]:
    """Return what turns a text into the rules for a field of the status document; rules pass as they are."""
    return lambda text: parse_rules(field, text) if isinstance(text, str) else text


def parse_origin(text: str) -> str:
    """Normalise one origin to what a browser sends in ``Origin`` (RFC 6454 §6.2): no path, no default port."""
    if "*" in text or text == "null":
        raise ValueError("list the exact origins: a pattern or null would let any site read what its visitors may see")
    origin = parse_url(text)
    if "://" not in text or urlsplit(origin).path:
        raise ValueError("write each origin as scheme and host, such as https://portal.example.org")
    return origin


def parse_token(text: str | SecretStr) -> SecretStr:
    """Take a bearer token, with or without ``bearer `` in front (in any case) and whitespace around it."""
    text = text.get_secret_value() if isinstance(text, SecretStr) else text
    token = re.sub(r"\Abearer(?:\s+|\Z)", "", text.strip(), flags=re.IGNORECASE)
    if not token:
        raise ValueError("the token is empty; put a token of Argo CD there, or unset the variable")
    if not _TOKEN.fullmatch(token):
        raise ValueError("the token has a space, a line break or a non-ASCII character in it; put it there alone")
    return SecretStr(token)


def read_token(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read a bearer token from its file: at start to check it, and at run time again, for files change as tokens do.

    Raises ValueError, which repeats neither the path nor the content, when there is no usable token in it.
    """
    try:
        text = read_file(path, read).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file isn't text in UTF-8; put the token there, alone") from None
    return parse_token(text)


def check_certificates(path: Path, read: ReadFile) -> None:
    """Check that a file holds certificates in PEM form, without judging them."""
    if b"CERTIFICATE-----" not in read_file(path, read):
        raise ValueError("the file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")


def check_folder(path: Path, read: ReadFile) -> None:  # noqa: ARG001 - the same shape as the other checks
    """Check that a file can be created or replaced at the path."""
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise ValueError(f"the path can't be used ({error.strerror}); name another") from None
    if is_folder:
        raise ValueError("this is a folder; name a file in it")
    if not has_folder:
        raise ValueError("the folder doesn't exist; create it first, or mount a volume there")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError("the folder isn't writable; give it to the user that the gateway runs as")


def read_file(path: Path, read: ReadFile) -> bytes:
    """Read a file that a setting names. Raises ValueError that says what to do, without the path."""
    try:
        return read(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "no such path can exist"
    raise ValueError(f"the file can't be read ({reason}); check the path, the mount and who may read it")


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


_YEAR = 365 * 24 * 3600

Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0, le=_YEAR, allow_inf_nan=False),
    Notation(unit="duration", show=show_duration),
]
Size = Annotated[int, BeforeValidator(parse_size), Notation(unit="size", show=show_size)]
Count = Annotated[int, Field(ge=1), Notation(unit="number")]
Port = Annotated[int, Field(ge=0, le=65535), Notation(unit="number")]
Switch = Annotated[bool, Notation(unit="on/off", show=lambda on: "on" if on else "off")]
Host = Annotated[str, AfterValidator(parse_host), Notation(unit="host")]
PathPrefix = Annotated[str, AfterValidator(parse_path), Notation(unit="path prefix")]
Url = Annotated[str, AfterValidator(parse_url)]
Token = Annotated[SecretStr, AfterValidator(parse_token)]
Projects = Annotated[
    tuple[Annotated[str, AfterValidator(parse_project)], ...],
    BeforeValidator(parse_list),
    Notation(unit="list", show=",".join),
]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(parse_origin)], ...],
    BeforeValidator(parse_list),
    Notation(unit="list", show=",".join),
]
_RulesRead = Annotated[InstanceOf[Rules], PlainSerializer(str, when_used="json")]
ServiceRules = Annotated[_RulesRead, BeforeValidator(make_rules_parser("service")), Notation(unit="rules")]
EnvironmentRules = Annotated[_RulesRead, BeforeValidator(make_rules_parser("environment")), Notation(unit="rules")]
TeamRules = Annotated[_RulesRead, BeforeValidator(make_rules_parser("team")), Notation(unit="rules")]
