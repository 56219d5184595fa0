"""From the settings, which know every variable, to what each part asks for and no more."""

import asyncio
import secrets
from pathlib import Path

from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.errands import Wishes
from gateway.delivery.figures import Targets
from gateway.delivery.intake import Secrets
from gateway.delivery.kpi import Judgement, Slo
from gateway.delivery.prometheus import Questions
from gateway.delivery.webhooks.sender import SENDERS
from gateway.errors import SettingsError
from gateway.hub.hub import Limits
from gateway.log.memory import MemoryLog
from gateway.model.naming import Naming
from gateway.observability.trace import Trace
from gateway.settings.environment import Settings
from gateway.settings.replicas import read_redis
from gateway.settings.secret import read_database
from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.timing import Timing
from gateway.upstream.token import Token
from gateway.web.handover import choose_slice

GATHERING, LONGEST_GATHERING = 0.2, 0.05
"""The part of a tick, and the seconds at most, for which what Argo CD shows in quick succession is read together."""

REMEMBERING = 0.5
"""Seconds for which what Argo CD shows in quick succession waits until the delivery history looks at it."""


def make_log(settings: Settings) -> MemoryLog:
    """Return the log: with an epoch of its own, until it holds what replicas share."""
    return MemoryLog(
        epoch=secrets.token_hex(4),
        capacity=settings.log_capacity,
        max_bytes=settings.log_bytes,
        leeway=settings.log_capacity if find_redis(settings) is not None else 0,
    )


def make_limits(settings: Settings) -> Limits:
    """Return what the hub goes by, in the running event loop."""
    return Limits(
        slice_bytes=choose_slice(asyncio.get_running_loop()),
        heartbeat=settings.heartbeat,
        stream_lifetime=settings.stream_lifetime,
        slow_limit=settings.slow_limit,
        max_subscribers=settings.max_subscribers,
        max_views=settings.max_views,
    )


def make_naming(settings: Settings) -> Naming:
    """Return what the store names applications by."""
    return Naming(service=settings.service_rules, environment=settings.environment_rules, team=settings.team_rules)


def make_timing(settings: Settings, *, takeover: bool = False) -> Timing:
    """Return what the reflector goes by; ``takeover`` says that another process's state is gone on with."""
    return Timing(
        reconcile_interval=settings.reconcile_interval,
        removal_confirm=settings.removal_confirm,
        retry_max=settings.retry_max,
        auth_retry=settings.auth_retry,
        stale_after=settings.pipelines_cache_ttl,
        keepalive=settings.upstream_framing == "sse",
        takeover=takeover,
    )


def make_trace(settings: Settings) -> Trace | None:
    """Return what makes traces, if they are wanted. Raises SettingsError where what that needs isn't installed."""
    if not settings.tracing:
        return None
    try:
        from gateway.observability.tracing import make_tracing
    except ModuleNotFoundError as error:
        raise SettingsError([("GATEWAY_TRACING", "needs the extra argocd-sse-gateway[tracing]")]) from error
    return make_tracing()


def make_client(settings: Settings, *, trace: Trace | None = None) -> tuple[ArgoCD, Token]:
    """Return a client for Argo CD, and the token that it uses."""
    token = Token(settings.argocd_auth_token, file=settings.argocd_auth_token_file)
    endpoint = Endpoint(
        base_url=settings.argocd_base_url,
        projects=settings.argocd_projects,
        ca_file=settings.argocd_ca_file,
        insecure=settings.argocd_insecure,
        sse=settings.upstream_framing == "sse",
        max_line=settings.max_line,
        gather=min(LONGEST_GATHERING, GATHERING * settings.tick),
    )
    return ArgoCD(endpoint, token, trace=trace), token


def find_database(settings: Settings) -> str | None:
    """Return the URL of the delivery history's database; None for one in memory."""
    url = settings.database_url
    if settings.database_url_file is not None:
        url = read_database(settings.database_url_file)
    return None if url is None else url.get_secret_value()


def find_redis(settings: Settings) -> str | None:
    """Return the URL of the Redis that replicas share; None where this process is alone."""
    url = settings.redis_url
    if settings.redis_url_file is not None:
        url = read_redis(settings.redis_url_file)
    return None if url is None else url.get_secret_value()


def make_secrets(settings: Settings) -> dict[str, Secrets]:
    """Return what senders prove themselves by."""
    secrets = {}
    for name in SENDERS:
        field = f"webhook_{name.replace('-', '_')}_secret"
        given, file = getattr(settings, field), getattr(settings, f"{field}_file")
        secrets[name] = Secrets(given and given.get_secret_value(), file=file and Path(file))
    return secrets


def make_patterns(settings: Settings) -> TagPatterns:
    """Return what finds commits in image tags."""
    return TagPatterns(settings.tag_patterns) if settings.tag_patterns else TagPatterns()


def make_targets(settings: Settings) -> Targets:
    """Return what is aimed at."""
    times = {name: getattr(settings, f"slo_{name}") for name in ("build", "pipeline", "lead", "sync")}
    return Targets(
        slos=(
            *(Slo(name=name, objective=settings.slo_in_time, target=target) for name, target in times.items()),
            Slo(name="builds", objective=settings.slo_builds),
            Slo(name="deployments", objective=settings.slo_deployments),
        ),
        judgement=Judgement(healthy_within=settings.healthy_within, kept_for=settings.kept_for),
    )


def make_wishes(settings: Settings) -> Wishes:
    """Return what is wanted around the delivery history."""
    return Wishes(
        gate=dict(settings.scan_gate),
        waivers=settings.scan_exceptions_file,
        refresh=settings.refresh_on_push,
        questions=_make_questions(settings),
    )


def _make_questions(settings: Settings) -> Questions | None:
    """Return what a Prometheus is asked; None without one, or without a query."""
    queries = {"latency": settings.promql_latency, "errors": settings.promql_errors}
    given = {about: query for about, query in queries.items() if query is not None}
    if settings.prometheus_url is None or not given:
        return None
    token = Token(settings.prometheus_token, file=settings.prometheus_token_file)
    return Questions(url=settings.prometheus_url, queries=given, window=settings.prometheus_window, token=token.use)
