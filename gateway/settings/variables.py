"""The variables that make up the settings: name, type, default and meaning of each, and what holds between two.

One field of ``Settings`` is one environment variable; its description is the only one there is (``docs/settings.md``
repeats it, and a test compares them). How a value is written belongs to ``notation``, reading an environment to
``environment``. Never belongs here: files, ``os.environ``, or acting on a setting.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.model.naming import DEFAULT_RULES, parse_rules
from gateway.settings import notation
from gateway.settings.access import AccessVariables
from gateway.settings.delivery import DeliveryVariables
from gateway.settings.login import LoginVariables
from gateway.settings.notation import (
    Count,
    EnvironmentRules,
    Host,
    Notation,
    Origins,
    PathPrefix,
    Port,
    Projects,
    Seconds,
    ServiceRules,
    Size,
    Switch,
    TeamRules,
)
from gateway.settings.replicas import ReplicaVariables
from gateway.settings.secret import SecretFile, name_variable

SYNONYMS = {"argocd_base_url": "ARGOCD_SERVER", "pipelines_cache_ttl": "GATEWAY_STALE_AFTER"}
"""The fields that a second variable may set as well."""

_Level: TypeAlias = Literal["debug", "info", "warning", "error"]
_Format: TypeAlias = Literal["auto", "json", "console"]
_Framing: TypeAlias = Literal["sse", "ndjson"]
_Loop: TypeAlias = Literal["auto", "asyncio", "uvloop"]
_Auth: TypeAlias = Literal["none", "tokens", "proxy", "oidc"]


def _name_variables(field: str) -> str | AliasChoices:
    variable = name_variable(field)
    return AliasChoices(variable, SYNONYMS[field]) if field in SYNONYMS else variable


def _list_choices(choices: object) -> Notation:
    return Notation(unit=", ".join(get_args(choices)))


_LOWER = BeforeValidator(str.lower)


class Settings(AccessVariables, LoginVariables, DeliveryVariables, ReplicaVariables, BaseSettings):
    """All settings, valid and frozen. Durations are seconds, sizes are bytes.

    Made by ``load`` from an environment, or by keyword arguments in tests; it reads neither ``os.environ`` nor files.
    A field stands after those that its check looks at. A new secret is two fields: ``x`` of a ``SecretStr``, and
    ``x_file`` as a ``SecretFile`` with a ``check``; whoever uses the secret reads the file, whenever it changes.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        alias_generator=AliasGenerator(validation_alias=_name_variables),
        validate_by_name=True,
        validate_default=True,
        enable_decoding=False,
        hide_input_in_errors=True,
    )

    argocd_root_path: PathPrefix = Field(
        default="",
        description="The path that Argo CD is served under (`--rootpath`); appended to the URL if not yet its end.",
    )
    argocd_base_url: Annotated[notation.Url, Notation(unit="URL")] = Field(
        description="Where Argo CD's API server is; without a scheme it means https. `ARGOCD_SERVER` is the same."
    )
    argocd_auth_token: Annotated[notation.Token | None, Notation(unit="secret")] = Field(
        default=None, description="The token for Argo CD, with or without `bearer ` in front."
    )
    argocd_auth_token_file: Annotated[SecretFile | None, Notation(unit="path", check=notation.read_token)] = Field(
        default=None, description="A file with the token, instead of the value; it is read again when it changes."
    )
    argocd_projects: Projects = Field(
        default=(), description="Only applications of these Argo CD projects; unset means all."
    )
    argocd_ca_file: Annotated[Path | None, Notation(unit="path", check=notation.check_certificates)] = Field(
        default=None, description="Certificates (PEM) to trust for Argo CD, instead of the system's."
    )
    argocd_insecure: Switch = Field(default=False, description="Don't verify Argo CD's certificate. For trials only.")
    argocd_public_url: Annotated[notation.Url | None, Notation(unit="URL")] = Field(
        default=None, description="Where people's browsers find Argo CD, for links."
    )
    upstream_framing: Annotated[_Framing, _LOWER, _list_choices(_Framing)] = Field(
        default="sse", description="How Argo CD frames its stream: `sse` has keep-alives, `ndjson` can be compressed."
    )
    max_line: Size = Field(
        default=32 << 20, ge=1024, description="The longest line accepted from Argo CD (one event is one line)."
    )
    retry_max: Seconds = Field(
        default=30, gt=0, description="The longest wait before Argo CD is tried again; waits grow up to it."
    )
    auth_retry: Seconds = Field(
        default=15,
        gt=0,
        le=300,
        description="The wait after Argo CD refused the token (401, 403); it doubles up to 5m.",
    )

    pipelines_cache_ttl: Seconds = Field(
        default=15,
        description="How old the state may get without Argo CD until it is stale. `GATEWAY_STALE_AFTER` is the same.",
    )
    reconcile_interval: Seconds = Field(
        default=300,
        gt=0,
        description="How often everything is compared with Argo CD, ± 20 %, to repair what its stream lost.",
    )
    removal_confirm: Seconds = Field(
        default=10, gt=0, description="How far apart two lists must lack an application before it counts as removed."
    )
    state_file: Annotated[Path | None, Notation(unit="path", check=notation.check_folder)] = Field(
        default=None,
        description="Where to keep the last state, to serve it as stale after a restart; unset keeps none.",
    )

    service_rules: ServiceRules = Field(
        default=parse_rules("service", DEFAULT_RULES["service"]),
        description="What tells an application's `service`; the first rule that yields a value wins.",
    )
    environment_rules: EnvironmentRules = Field(
        default=parse_rules("environment", DEFAULT_RULES["environment"]),
        description="The same for its `environment`.",
    )
    team_rules: TeamRules = Field(
        default=parse_rules("team", DEFAULT_RULES["team"]), description="The same for its `team`."
    )

    host: Host = Field(
        default="127.0.0.1", description="The address to listen on; another than loopback needs `GATEWAY_AUTH`."
    )
    auth: Annotated[Annotated[_Auth, _LOWER] | None, _list_choices(_Auth)] = Field(
        default=None,
        description="How people and programs are told apart: by `tokens`, by the headers of a `proxy`, by a login "
        "(`oidc`), or not at all: `none` opens it to everybody who can reach it. Unset, it listens on loopback only.",
    )
    port: Port = Field(default=8090, description="The port to listen on; 0 takes any free one.")
    metrics_host: Host = Field(default="127.0.0.1", description="The address to serve `/metrics` on.")
    metrics_port: Port = Field(default=9464, description="The port to serve `/metrics` on; 0 takes any free one.")
    base_path: PathPrefix = Field(default="", description="The path that the gateway is served under, behind a proxy.")
    dashboard: Switch = Field(default=True, description="Serve the page at `/`; `off` leaves only the API.")
    tracing: Switch = Field(
        default=False,
        description="Send traces by OTLP over HTTP. Where to is said by `OTEL_EXPORTER_OTLP_ENDPOINT` and its like.",
    )
    cors_origins: Origins = Field(
        default=(), description="The other sites whose pages may read, exactly as in `Origin`."
    )
    compression: Switch = Field(default=True, description="Compress streams and answers for clients that accept gzip.")
    loop: Annotated[_Loop, _LOWER, _list_choices(_Loop)] = Field(
        default="auto", description="The event loop; `auto` takes uvloop where it is installed."
    )

    tick: Seconds = Field(
        default=0.1,
        ge=0.001,
        le=10,
        description="How long changes gather before they go out together; in a burst to many up to four times as long.",
    )
    heartbeat: Seconds = Field(default=15, ge=1, description="The longest silence on a stream before a heartbeat.")
    stream_lifetime: Seconds = Field(
        default=1800,
        ge=1,
        description="The longest life of a stream; each ends after 80-100 % of it, and its client resumes.",
    )
    slow_limit: Seconds = Field(
        default=30, gt=0, description="How long a subscriber may take nothing before it is cut off."
    )
    max_subscribers: Count = Field(default=10_000, description="How many streams may be open at once.")
    max_views: Count = Field(default=1000, description="How many different selections may be served at once.")
    log_capacity: Count = Field(default=10_000, description="How many changes are kept for clients that resume.")
    log_bytes: Size = Field(default=64 << 20, ge=1, description="How large the kept changes may be in all.")

    ready_after: Seconds = Field(
        default=60,
        description="After this, `/readyz` is 200 even without Argo CD; clients are told `connecting` or `down`.",
    )
    drain_delay: Seconds = Field(default=5, description="After SIGTERM: how long to serve on as before, but not ready.")
    drain: Seconds = Field(
        default=25, description="After that: the time over which the ends of all streams are spread."
    )
    log_level: Annotated[_Level, _LOWER, _list_choices(_Level)] = Field(
        default="info", description="The least that is logged."
    )
    log_format: Annotated[_Format, _LOWER, _list_choices(_Format)] = Field(
        default="auto", description="How log lines look; `auto` is `console` on a terminal, else `json`."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave keyword arguments as the only source, for an environment is ``load``'s to read."""
        return (init_settings,)

    @field_validator("argocd_base_url")
    @classmethod
    def _append_root_path(cls, url: str, info: ValidationInfo) -> str:
        return notation.append_path(url, info.data.get("argocd_root_path", ""))

    @field_validator("argocd_insecure")
    @classmethod
    def _trust_one_way(cls, insecure: bool, info: ValidationInfo) -> bool:
        if insecure and info.data.get("argocd_ca_file") is not None:
            raise ValueError("ARGOCD_CA_FILE would go unused; turn this off, or unset that")
        return insecure

    @field_validator("auth")
    @classmethod
    def _stay_private_when_unset(cls, auth: _Auth | None, info: ValidationInfo) -> _Auth | None:
        if auth is None and not notation.is_loopback(info.data.get("host", "localhost")):
            raise ValueError(
                "is unset, but GATEWAY_HOST is an address that others can reach; set GATEWAY_AUTH=none to open the "
                "gateway to anyone who can reach it, or keep GATEWAY_HOST on loopback, such as 127.0.0.1"
            )
        return auth

    @field_validator("auth")
    @classmethod
    def _say_who_may_what(cls, auth: _Auth | None, info: ValidationInfo) -> _Auth | None:
        needed = {"tokens": ("access_file", "tokens_file"), "proxy": ("access_file", "proxy_trusted")}
        # What was set and is wrong isn't here: it has a problem of its own.
        lacking = [
            name_variable(name) for name in needed.get(auth or "", ()) if info.data.get(name, auth) in (None, ())
        ]
        if lacking:
            raise ValueError(f"needs {' and '.join(lacking)}: without, nobody could see anything")
        return auth

    @field_validator("metrics_port")
    @classmethod
    def _keep_ports_apart(cls, port: int, info: ValidationInfo) -> int:
        hosts = info.data.get("host"), info.data.get("metrics_host")
        if port and port == info.data.get("port") and None not in hosts and notation.share_address(*map(str, hosts)):
            raise ValueError("GATEWAY_PORT is the same on the same host; give the metrics another port")
        return port

    @field_validator("heartbeat")
    @classmethod
    def _beat_slower_than_ticks(cls, heartbeat: float, info: ValidationInfo) -> float:
        if heartbeat <= info.data.get("tick", 0):
            raise ValueError("must be longer than GATEWAY_TICK, or the stream would be nothing but heartbeats")
        return heartbeat


def find_fields() -> dict[str, FieldInfo]:
    """Find the field of each variable; synonyms come last."""
    fields = {name_variable(field): info for field, info in Settings.model_fields.items()}
    return fields | {synonym: Settings.model_fields[field] for field, synonym in SYNONYMS.items()}


def find_notation(info: FieldInfo) -> Notation:
    """Find how the values of a field are written."""
    return next(mark for mark in info.metadata if isinstance(mark, Notation))
