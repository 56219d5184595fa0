"""How people and programs come in: from the settings to the guard at the routes and the audience of the streams."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.auth.authenticator import Authenticator, OpenDoor, ProxyAuthenticator, TokenAuthenticator
from gateway.auth.keeper import AccessKeeper
from gateway.auth.lines import FileError
from gateway.auth.oidc.setup import make_logins
from gateway.auth.proxy import ProxyHeaders
from gateway.errors import SettingsError
from gateway.hub.hub import Hub
from gateway.settings.environment import Settings
from gateway.web.audience import Audience
from gateway.web.guard import Guard
from gateway.web.limits import Bounds, Limits
from gateway.web.login import LoginRoutes
from gateway.web.turnstile import Turnstile


class Entrance:
    """The files that say who may what, the guard, and the audience. ``clock`` returns Unix time.

    ``nudge`` has the hub look after those who are behind. Raises SettingsError with every fault of the files.
    """

    def __init__(self, settings: Settings, hub: Hub, *, clock: Callable[[], float], nudge: Callable[[], None]) -> None:
        self.keeper = _open_files(settings)
        self.logins = make_logins(settings, clock=clock) if settings.auth == "oidc" else None
        """What logs people in; None where there is nothing to log in to."""
        self.authenticator: Authenticator = (
            self.logins.authenticator if self.logins else make_authenticator(settings, self.keeper, clock=clock)
        )
        # Without a way to tell people apart, everybody is everybody.
        access = None if isinstance(self.authenticator, OpenDoor) else lambda: self.keeper.access
        self.guard = Guard(self.authenticator, access, base_path=settings.base_path)
        self.turnstile = _make_turnstile(settings, clock=clock, jitter=hub.retry_ms)
        self.audience = Audience(hub, self.guard, clock=clock, nudge=nudge)
        self.keeper.follow(self.audience.recheck)
        if self.logins is not None:
            self.logins.authenticator.sessions.follow(self.audience.recheck)

    def make_middlewares(self) -> list[Middleware]:
        """Return what every request comes past, in this order."""
        before, behind = self.turnstile.make_middlewares()
        return [before, self.guard.make_middleware(), behind]

    def add_routes(self, app: web.Application, *, public_url: str | None, base_path: str) -> None:
        """Add the routes of a login, where there is one."""
        if self.logins is not None:
            routes = LoginRoutes(self.logins, public_url=public_url, base_path=base_path)
            routes.add(app)
            app.middlewares.append(routes.make_middleware(self.guard.grant))

    async def close(self) -> None:
        """Let the provider of logins go."""
        if self.logins is not None:
            await self.logins.authenticator.close()

    @property
    def counts(self) -> dict[str, int]:
        """What happened, by name: ``refused_expired``, ``file_reloaded`` and the like."""
        refused = {f"refused_{why}": number for why, number in self.guard.counts.items()}
        files = {f"file_{outcome}": number for outcome, number in self.keeper.counts.items()}
        limits = {f"limit_{name}": number for name, number in self.turnstile.limits.counts.items()}
        return refused | files | limits | ({} if self.logins is None else self.logins.tally())

    async def run(self) -> None:
        """Look at the files, and at who is here, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run(), name="access")
            group.create_task(self.audience.run(), name="audience")


def _make_turnstile(settings: Settings, *, clock: Callable[[], float], jitter: Callable[[], int]) -> Turnstile:
    bounds = Bounds(
        streams_per_identity=settings.max_streams_per_identity,
        streams_per_address=settings.max_streams_per_address,
        requests_per_second=settings.max_requests_per_second,
        refreshes_per_minute=settings.max_refreshes_per_minute,
        views_per_identity=settings.max_views_per_identity,
        # Where everybody is anonymous, there is nobody whom they could leave without room.
        views_of_anonymous=max(1, settings.max_views // 2) if settings.auth not in (None, "none") else None,
    )
    parts = urlsplit(settings.public_url or "")
    return Turnstile(
        Limits(bounds),
        trusts=_make_headers(settings).trusts,
        site=f"{parts.scheme}://{parts.netloc}" if settings.public_url else None,
        base_path=settings.base_path,
        clock=clock,
        jitter=jitter,
    )


def _make_headers(settings: Settings) -> ProxyHeaders:
    return ProxyHeaders(
        trusted=settings.proxy_trusted, user=settings.proxy_user_header, groups=settings.proxy_groups_header
    )


def make_authenticator(settings: Settings, keeper: AccessKeeper, *, clock: Callable[[], float]) -> Authenticator:
    """Return what tells people and programs apart."""
    match settings.auth:
        case "tokens":
            return TokenAuthenticator(lambda: keeper.tokens, clock=clock)
        case "proxy":
            return ProxyAuthenticator(_make_headers(settings))
        case _:
            return OpenDoor()


def _open_files(settings: Settings) -> AccessKeeper:
    tokens_file = settings.tokens_file if settings.auth == "tokens" else None
    problems: list[tuple[str, str]] = []
    for variable, access_file, its_tokens_file in (
        ("GATEWAY_ACCESS_FILE", settings.access_file, None),
        ("GATEWAY_TOKENS_FILE", None, tokens_file),
    ):
        try:
            AccessKeeper(access_file=access_file, tokens_file=its_tokens_file)
        except FileError as error:
            problems += [(variable, str(fault)) for fault in error.faults]
    if problems:
        raise SettingsError(problems)
    return AccessKeeper(access_file=settings.access_file, tokens_file=tokens_file)
