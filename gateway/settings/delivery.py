"""The variables of ``delivery``: where its history is kept and for how long, senders' secrets, and targets.

A part of ``gateway.settings.variables``, which has all others.
"""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from gateway.model.waiver import parse_waivers
from gateway.settings import notation
from gateway.settings.notation import Count, Notation, ReadFile, Seconds, Size, Switch, show_duration
from gateway.settings.secret import SecretFile, WebhookSecret, WebhookSecretFile, parse_database, read_database

_PLACEHOLDER = re.compile(r"\\\{([a-z]+)(?::([0-9]+))?\\\}")
_LIMIT = re.compile(r"([a-z]+)\s*=\s*([0-9]{1,6})", re.IGNORECASE)
PROMQL_NAMES = ("service", "environment", "namespace", "application", "window")
"""What may stand in braces in a query for Prometheus."""

_PROMQL_WORD = re.compile(r"\{([a-z_]*)\}")


def parse_share(text: object) -> object:
    """Turn ``95%`` or ``0.95`` into a share of one; a number passes as it is."""
    if not isinstance(text, str):
        return text
    try:
        number = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError("write a share, such as 95% or 0.95") from None
    return float(number / 100 if text.strip().endswith("%") else number)


def show_share(share: float) -> str:
    """Write a share so that ``parse_share`` gives the same back."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


def parse_tag_patterns(text: object) -> object:
    """Split patterns at whitespace and turn each into a regular expression with a group ``sha``.

    ``{sha}`` and ``{sha:8}`` stand for a commit's digits, any other word in braces for any text; what has a group
    ``(?P<sha>…)`` is a regular expression already. Raises ValueError.
    """
    if not isinstance(text, str):
        return text
    return tuple(_read_pattern(pattern) for pattern in text.split())


def _read_pattern(pattern: str) -> str:
    if "(?P<sha>" not in pattern:
        if "{sha}" not in pattern and "{sha:" not in pattern:
            raise ValueError("each pattern has {sha} in it, such as {component}-stage-{sha:8}, or a group (?P<sha>…)")
        written = _PLACEHOLDER.sub(_read_placeholder, re.escape(pattern).replace(r"\:", ":"))
        pattern = f"^{written}$"
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error:
        raise ValueError("one of the patterns isn't a regular expression; patterns are separated by spaces") from None
    if "sha" not in compiled.groupindex:
        raise ValueError("each pattern names the commit once: {sha}, {sha:8} or a group (?P<sha>…)")
    return pattern


def _read_placeholder(match: re.Match[str]) -> str:
    if match[1] != "sha":
        return ".+"
    return f"(?P<sha>[0-9a-f]{{{match[2] or '4,40'}}})"


def parse_gate(text: object) -> object:
    """Turn ``critical=0,high=10`` into how many findings of each severity may pass; ``none`` lets all pass.

    Raises ValueError.
    """
    if not isinstance(text, str):
        return text
    if text.strip().lower() == "none":
        return ()
    gate: dict[str, int] = {}
    for part in text.split(","):
        match = _LIMIT.fullmatch(part.strip())
        if match is None or match[1].upper() in gate:
            raise ValueError("write how many of each severity may pass, each once, such as critical=0,high=10; or none")
        gate[match[1].upper()] = int(match[2])
    return tuple(gate.items())


def show_gate(gate: Iterable[tuple[str, int]]) -> str:
    """Write a gate so that ``parse_gate`` gives the same back."""
    return ",".join(f"{severity.lower()}={count}" for severity, count in gate) or "none"


def check_waivers(path: Path, read: ReadFile = Path.read_bytes) -> None:
    """Read a file of exceptions as a whole. Raises ValueError with everything that is wrong with it."""
    try:
        parse_waivers(notation.read_file(path, read).decode())
    except UnicodeDecodeError:
        raise ValueError("the file isn't text in UTF-8") from None


def parse_promql(text: str) -> str:
    """Check a query for Prometheus with placeholders in braces. Raises ValueError."""
    words = [word for word in _PROMQL_WORD.findall(text) if word]
    if not words or any(word not in PROMQL_NAMES for word in words):
        known = ", ".join(f"{{{name}}}" for name in PROMQL_NAMES)
        raise ValueError(f"name in braces what the query is about; there are {known}, and no others")
    if "`" in text:
        raise ValueError("write text in double quotes, not in backquotes, within which nothing can be escaped")
    return text


Share = Annotated[
    float,
    BeforeValidator(parse_share),
    Field(gt=0, lt=1, allow_inf_nan=False),
    Notation(unit="share", show=show_share),
]
Age = Annotated[
    float,
    BeforeValidator(notation.parse_duration),
    Field(ge=3_600, le=10 * 366 * 86_400, allow_inf_nan=False),
    Notation(unit="duration", show=show_duration),
]
Gate = Annotated[
    tuple[tuple[str, int], ...], BeforeValidator(parse_gate), Notation(unit="severity=number", show=show_gate)
]
PromQL = Annotated[str, AfterValidator(parse_promql)]
TagPatternList = Annotated[
    tuple[str, ...], BeforeValidator(parse_tag_patterns), Notation(unit="patterns", show=" ".join)
]


class DeliveryVariables(BaseModel):
    """What ``delivery`` is set up by."""

    database_url: Annotated[Annotated[SecretStr, AfterValidator(parse_database)] | None, Notation(unit="secret")] = (
        Field(
            default=None,
            description="The database of the delivery history, such as `sqlite:////data/gateway.db`; unset, in memory.",
        )
    )
    database_url_file: Annotated[SecretFile | None, Notation(unit="path", check=read_database)] = Field(
        default=None, description="A file with that URL, instead of the value; it is read at the start."
    )
    database_pool: Count = Field(
        default=6, ge=3, le=100, description="Connections to PostgreSQL that a gateway may use, and one more to listen."
    )
    delivery_retention: Age = Field(
        default=400 * 86_400, description="How long the delivery history is kept; what is older is deleted."
    )
    webhook_max_body: Size = Field(
        default=5 << 20, ge=1024, le=256 << 20, description="The largest body that a webhook may send."
    )
    webhook_github_secret: WebhookSecret = Field(
        default=None, description="GitHub's secrets, comma-separated; without one, its webhooks are off."
    )
    webhook_github_secret_file: WebhookSecretFile = Field(
        default=None, description="A file with them, instead of the value; it is read again when it changes."
    )
    webhook_gitlab_secret: WebhookSecret = Field(default=None, description="The same for GitLab's.")
    webhook_gitlab_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    webhook_argocd_secret: WebhookSecret = Field(default=None, description="The same for Argo CD's notifications.")
    webhook_argocd_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    webhook_argo_workflows_secret: WebhookSecret = Field(
        default=None, description="The same for Argo Workflows and Argo Events."
    )
    webhook_argo_workflows_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    webhook_registry_secret: WebhookSecret = Field(default=None, description="The same for registries.")
    webhook_registry_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    webhook_trivy_secret: WebhookSecret = Field(default=None, description="The same for Trivy's reports.")
    webhook_trivy_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    webhook_cdevents_secret: WebhookSecret = Field(default=None, description="The same for CDEvents.")
    webhook_cdevents_secret_file: WebhookSecretFile = Field(default=None, description="A file with them.")
    tag_patterns: TagPatternList = Field(
        default=(), description="Where image tags name a commit, such as `{component}-stage-{sha:8}`; unset, as usual."
    )
    slo_build: Seconds = Field(default=300, gt=0, description="How long a build may take.")
    slo_pipeline: Seconds = Field(default=600, gt=0, description="How long it may take from a push to Healthy.")
    slo_lead: Seconds = Field(default=900, gt=0, description="How long it may take from a commit to Healthy.")
    slo_sync: Seconds = Field(
        default=120, gt=0, description="How long it may take from a manifest's commit to the end of its sync."
    )
    slo_in_time: Share = Field(default=0.95, description="The share of all that has to keep each of these times.")
    slo_builds: Share = Field(default=0.95, description="The share of builds that have to succeed.")
    slo_deployments: Share = Field(default=0.99, description="The share of deployments that have to succeed.")
    healthy_within: Seconds = Field(
        default=600, gt=0, description="How soon after its sync a deployment is Healthy, if it has succeeded."
    )
    kept_for: Seconds = Field(
        default=1800, gt=0, description="How long it isn't rolled back after its sync, if it has succeeded."
    )
    scan_gate: Gate = Field(
        default=(("CRITICAL", 0),), description="How many findings of each severity a release may have; `none` is any."
    )
    scan_exceptions_file: Annotated[Path | None, Notation(unit="path", check=check_waivers)] = Field(
        default=None, description="A TOML file of findings that are let through; it is read again when it changes."
    )
    refresh_on_push: Switch = Field(
        default=False, description="Have Argo CD compare an application at once when its manifests are pushed to."
    )
    prometheus_url: Annotated[notation.Url | None, Notation(unit="URL")] = Field(
        default=None, description="A Prometheus that knows how services did before and after a deployment."
    )
    prometheus_token: Annotated[notation.Token | None, Notation(unit="secret")] = Field(
        default=None, description="A bearer token for it."
    )
    prometheus_token_file: Annotated[SecretFile | None, Notation(unit="path", check=notation.read_token)] = Field(
        default=None, description="A file with that token; it is read again for each question."
    )
    prometheus_window: Seconds = Field(
        default=600, ge=30, le=86_400, description="How long before and after a deployment is looked at."
    )
    promql_latency: Annotated[PromQL | None, Notation(unit="PromQL")] = Field(
        default=None, description="The query for a service's latency in seconds, with placeholders in braces."
    )
    promql_errors: Annotated[PromQL | None, Notation(unit="PromQL")] = Field(
        default=None, description="The query for the share of a service's requests that failed, likewise."
    )
