"""From an environment to the settings: read, check all at once, explain, and warn of names that mean nothing.

The settings themselves are in ``variables``, how their values are written in ``notation``. Never
belongs here: ``os.environ`` (the caller passes the mapping), logging, or acting on a setting.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from gateway.errors import SettingsError
from gateway.settings import notation
from gateway.settings.notation import ReadFile
from gateway.settings.secret import name_variable
from gateway.settings.variables import SYNONYMS, Settings, find_fields, find_notation

__all__ = ["Explained", "Setting", "Settings", "describe", "explain", "load", "unknown_names"]

_MASK = "********"
_PREFIXES = ("GATEWAY_", "ARGOCD_")
# What `gateway tail` and the other commands show a gateway elsewhere (``consumer.credential``).
_OF_READERS = frozenset({"GATEWAY_TOKEN", "GATEWAY_TOKEN_FILE"})
# What Kubernetes adds for each Service of the namespace, unless `enableServiceLinks` is false: here for Services called
# `gateway`, `gateway-…`, `argocd-…`. https://kubernetes.io/docs/tutorials/services/connect-applications-service/
_INJECTED_NAME = re.compile(
    r"(?:GATEWAY|ARGOCD)(?:_[A-Z0-9_]+)?_"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)"
)
# `…_PORT` may be ours as well (a Service `gateway-metrics` makes a GATEWAY_METRICS_PORT), so there the value decides.
_INJECTED_PORT = re.compile(r"(?:tcp|udp|sctp)://")
_Problems: TypeAlias = set[tuple[str, str]]
_Reading: TypeAlias = Callable[[str, str | None], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What there is to know about a setting; ``default`` is as it would be written, or ``required`` or ``unset``."""

    name: str
    default: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A setting in force. ``source`` is ``default``, ``environment`` or ``file <path>``; a secret's value is masked."""

    name: str
    value: str
    source: str


def load(environ: Mapping[str, str], *, files_read: ReadFile = Path.read_bytes) -> Settings:
    """Read the settings from an environment and check them whole, with the files that they name.

    Raises SettingsError with all problems, none of which repeats a value.
    """
    values = _keep_meant(environ)
    settings, problems = _validate(values)
    problems |= _check_files(values, files_read) | _check_synonyms(values)
    if settings is None or problems:
        order = list(find_fields())
        raise SettingsError(sorted(problems, key=lambda problem: (order.index(problem[0]), problem[1])))
    return settings


def explain(environ: Mapping[str, str], *, files_read: ReadFile = Path.read_bytes) -> list[Explained]:
    """Tell the value in force of each setting and where it comes from. Raises SettingsError as ``load`` does."""
    settings = load(environ, files_read=files_read)
    given = Settings.model_fields.keys() & settings.model_fields_set
    explained = []
    for field, info in Settings.model_fields.items():
        file = getattr(settings, f"{field}_file", None)
        source = "environment" if field in given else "default" if file is None else f"file {file}"
        value = _MASK if file is not None else _show(info, getattr(settings, field))
        explained.append(Explained(name=name_variable(field), value=value, source=source))
    return explained


def describe() -> list[Setting]:
    """Describe all settings, in their order."""
    return [
        Setting(
            name=name_variable(field),
            default="required" if info.is_required() else _show(info, info.default),
            unit=find_notation(info).unit,
            description=info.description or "",
        )
        for field, info in Settings.model_fields.items()
    ]


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Warn of each name that looks like a setting but isn't.

    Kubernetes' own names are passed over, and those of the commands that read a gateway elsewhere.
    """
    variables = find_fields()
    known = {*variables, *_OF_READERS}
    unknown = [name for name in sorted(_keep_meant(environ)) if name.startswith(_PREFIXES) and name not in known]
    # Endings only: a shared GATEWAY_ would make any two names look alike, and a wrong prefix is a usual slip.
    by_ending = {name.partition("_")[2]: name for name in variables}
    messages = []
    for name in unknown:
        prefix, _, ending = name.partition("_")
        near = [by_ending[each] for each in difflib.get_close_matches(ending, by_ending, n=3)]
        # The same ending is the best sign, then the same prefix, then likeness.
        meant = min(near, key=lambda each: (not each.endswith(f"_{ending}"), not each.startswith(prefix)), default=None)
        messages.append(f"{name} isn't a setting" + (f"; did you mean {meant}?" if meant else " of the gateway"))
    return messages


def _keep_meant(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep what somebody set on purpose, stripped of whitespace: nothing that is empty or that Kubernetes added."""
    stripped = ((name, value.strip()) for name, value in environ.items())
    return {name: value for name, value in stripped if value and not _is_injected(name, value)}


def _is_injected(name: str, value: str) -> bool:
    if name.endswith("_PORT") and name.startswith(_PREFIXES) and _INJECTED_PORT.match(value):
        return True
    return _INJECTED_NAME.fullmatch(name) is not None


def _validate(values: Mapping[str, str]) -> tuple[Settings | None, _Problems]:
    source = EnvSettingsSource(Settings, case_sensitive=True)
    source.env_vars = values  # what it read of os.environ is dropped
    try:
        return Settings(**source()), set()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    problems = set()
    for detail in details:
        # A field's variable (the first, if there are two), or the field itself where its default is wrong.
        name = str(detail["loc"][0])
        name = name_variable(name) if name in Settings.model_fields else name
        problems.add((_name_used(name, values), _advise(detail, find_fields()[name])))
    return None, problems


def _name_used(name: str, values: Mapping[str, str]) -> str:
    others = (synonym for field, synonym in SYNONYMS.items() if name_variable(field) == name and synonym in values)
    return name if name in values else next(others, name)


def _advise(error: ErrorDetails, field: FieldInfo) -> str:
    context, kind = error.get("ctx", {}), find_notation(field)
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return f"must be set. {field.description}"
        case "literal_error":
            return f"write one of: {kind.unit}"
        case "bool_parsing" | "bool_type":
            return "write on or off"
        case "greater_than":
            return f"must be more than {kind.show(context['gt'])}"
        case "greater_than_equal":
            return f"must be at least {kind.show(context['ge'])}"
        case "less_than_equal":
            return f"must be at most {kind.show(context['le'])}"
        case other:
            return "write a whole number" if other.startswith("int_") else str(error["msg"])


def _check_files(values: Mapping[str, str], read: ReadFile) -> _Problems:
    problems = set()
    for name, info in find_fields().items():
        check = find_notation(info).check
        if check is not None and name in values:
            try:
                check(Path(values[name]), read)
            except ValueError as error:
                problems.add((name, str(error)))
    return problems


def _check_synonyms(values: Mapping[str, str]) -> _Problems:
    root_path = values.get("ARGOCD_ROOT_PATH", "").strip("/")
    root_path = root_path and f"/{root_path}"
    readings: dict[str, _Reading] = {
        "argocd_base_url": lambda text, like: notation.append_path(notation.parse_server(text, like), root_path),
        "pipelines_cache_ttl": lambda text, _: notation.parse_duration(text),
    }
    problems = set()
    for field, read in readings.items():
        name, synonym = name_variable(field), SYNONYMS[field]
        advice = _compare(name, values.get(name), values.get(synonym), read)
        problems |= {(synonym, advice)} if advice else set()
    return problems


def _compare(name: str, text: str | None, synonym_text: str | None, read: _Reading) -> str | None:
    if text is None or synonym_text is None:
        return None
    try:
        expected = read(text, None)
    except ValueError:
        text = expected = None  # reported with its field
    try:
        found = read(synonym_text, text)
    except ValueError as error:
        return str(error)
    return None if text is None or found == expected else f"says something else than {name}; unset one of the two"


def _show(info: FieldInfo, value: Any) -> str:
    if isinstance(value, SecretStr):
        return _MASK
    return "unset" if value in {None, "", ()} else find_notation(info).show(value)
