"""From the settings, which know every variable, to what each part asks for and no more."""

from gateway.hub.hub import Limits
from gateway.settings import Settings
from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.timing import Timing
from gateway.upstream.token import Token


def make_limits(settings: Settings) -> Limits:
    """Return what the hub goes by."""
    return Limits(
        heartbeat=settings.heartbeat,
        stream_lifetime=settings.stream_lifetime,
        slow_limit=settings.slow_limit,
        max_subscribers=settings.max_subscribers,
        max_views=settings.max_views,
    )


def make_timing(settings: Settings) -> Timing:
    """Return what the reflector goes by."""
    return Timing(
        reconcile_interval=settings.reconcile_interval,
        removal_confirm=settings.removal_confirm,
        retry_max=settings.retry_max,
        auth_retry=settings.auth_retry,
        stale_after=settings.pipelines_cache_ttl,
        keepalive=settings.upstream_framing == "sse",
    )


def make_client(settings: Settings) -> tuple[ArgoCD, Token]:
    """Return a client for Argo CD, and the token that it uses."""
    token = Token(settings.argocd_auth_token, file=settings.argocd_auth_token_file)
    endpoint = Endpoint(
        base_url=settings.argocd_base_url,
        projects=settings.argocd_projects,
        ca_file=settings.argocd_ca_file,
        insecure=settings.argocd_insecure,
        sse=settings.upstream_framing == "sse",
        max_line=settings.max_line,
    )
    return ArgoCD(endpoint, token), token
