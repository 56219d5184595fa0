"""Asks the real Argo CD, step by step, and says for each what was found, and the cause and the cure of what wasn't."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from gateway.upstream.argocd import ArgoCD
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.fields import parse_version
from gateway.upstream.messages import Kind

OLDEST = (2, 14)
"""The oldest version of Argo CD that the gateway is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One step's outcome. ``cure`` says what to do where it is not well."""

    step: str
    well: bool
    found: str
    cure: str = ""


async def check(client: ArgoCD, *, projects: Iterable[str], token_given: bool) -> AsyncIterator[Finding]:
    """Yield what each step finds; those that a failed one makes pointless are left out."""
    try:
        await client.health()
        yield Finding(step="reachable", well=True, found="/healthz is well")
    except ArgoCDError as error:
        yield Finding(step="reachable", well=False, found=error.failure.message, cure=_cure(error))
        return
    try:
        version = await client.ask_version()
    except ArgoCDError as error:
        yield Finding(step="version", well=False, found=error.failure.message, cure=_cure(error))
        return
    parsed = parse_version(version)
    if parsed is not None and parsed < OLDEST:
        cure = "It may work; upgrade Argo CD to 2.14 or newer to be sure."
        yield Finding(step="version", well=False, found=version, cure=cure)
    else:
        yield Finding(step="version", well=True, found=version)
    async for finding in _check_identity(client, token_given=token_given):
        yield finding
        if not finding.well:
            return
    async for finding in _check_sight(client, list(projects)):
        yield finding


async def _check_identity(client: ArgoCD, *, token_given: bool) -> AsyncIterator[Finding]:
    if not token_given:
        found = "no token: Argo CD shows what it shows to anybody"
        yield Finding(step="token", well=True, found=found)
        return
    try:
        username = await client.username()
    except ArgoCDError as error:
        yield Finding(step="token", well=False, found=error.failure.message, cure=_cure(error))
        return
    if username is None:
        cure = "Make a new one: argocd account generate-token --account gateway; then set ARGOCD_AUTH_TOKEN(_FILE)."
        yield Finding(step="token", well=False, found="Argo CD takes the token for nobody's", cure=cure)
    else:
        yield Finding(step="token", well=True, found=f"logged in as {username}")


async def _check_sight(client: ArgoCD, projects: list[str]) -> AsyncIterator[Finding]:
    try:
        _, denied = await client.permissions(projects or ["*"])
        names, _ = await client.names()
    except ArgoCDError as error:
        yield Finding(step="applications", well=False, found=error.failure.message, cure=_cure(error))
        return
    allow = "Allow it in argocd-rbac-cm: p, gateway, applications, get, */*, allow."
    if missing := sorted(denied - {"*"}):
        yield Finding(step="permission", well=False, found=f"may not see: {', '.join(missing)}", cure=allow)
    elif denied and not names:
        yield Finding(step="permission", well=False, found="may see no application", cure=allow)
    elif denied:
        found = "may see some projects only"
        yield Finding(step="permission", well=True, found=found)
    else:
        yield Finding(step="permission", well=True, found="may see all that is asked for")
    yield Finding(step="applications", well=True, found=f"{len(names)} to be seen")


def _cure(error: ArgoCDError) -> str:
    message = error.failure.message
    if error.failure.kind is Kind.REFUSED:
        return "Give a valid token: ARGOCD_AUTH_TOKEN, or ARGOCD_AUTH_TOKEN_FILE."
    if error.failure.kind is Kind.UNHEALTHY:
        return "If that is 404, ARGOCD_ROOT_PATH may be wrong, or a proxy hides it; else wait until Argo CD is up."
    if "certificate" in message:
        return "Name the CA that signed it: ARGOCD_CA_FILE. For a trial only: ARGOCD_INSECURE=on."
    if "SSL" in message or "TLS" in message:
        return "That doesn't look like TLS: does Argo CD run with --insecure? Then use http:// in ARGOCD_BASE_URL."
    if error.failure.kind is Kind.UNREACHABLE:
        return "Check ARGOCD_BASE_URL, and that nothing (network policy, proxy) is between here and there."
    return "Check ARGOCD_BASE_URL and ARGOCD_ROOT_PATH."
