"""Sessions: made from what the provider says, renewed shortly before that expires, and ended.

A renewal is asked for once, however many requests want it, and sees group changes. While the provider is away a session
goes on for as long as what it said holds.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from gateway.auth.identity import Identity
from gateway.auth.oidc.claims import Person, check_hash, check_id_token, describe, find_claim
from gateway.auth.oidc.cookie import Jar
from gateway.auth.oidc.errors import GrantRefusedError, LoginError, ProviderDownError, ProviderError, TokenError
from gateway.auth.oidc.freshness import RETRY
from gateway.auth.oidc.memory import Memory
from gateway.auth.oidc.provider import Provider, Tokens
from gateway.auth.oidc.session import Sealer, Session

PATIENCE = 2.0
"""Seconds that a request waits for a renewal while its session still holds."""

SHORTEST = 30.0
"""Seconds that a session holds at least, whatever the provider says: or every request would ask it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How sessions are made: which claim has the groups, and how long one lasts at most, in seconds."""

    groups_claim: str
    lifetime: float


class Sessions:
    """All sessions. ``sealer`` returns what seals them, with the keys as they are now."""

    def __init__(
        self, provider: Provider, *, rules: Rules, sealer: Callable[[], Sealer], clock: Callable[[], float]
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``renewed``, ``refused``, ``unavailable``, ``ended``."""
        self._provider = provider
        self._rules = rules
        self._sealer = sealer
        self._clock = clock
        self._memory = Memory()
        self._renewing: dict[str, asyncio.Task[None]] = {}
        self._failed_at = float("-inf")
        self._followers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<Sessions, {self._memory!r}>"

    def follow(self, follower: Callable[[], None]) -> None:
        """Have a function called whenever a session has ended, or has other groups than before."""
        self._followers.append(follower)

    def read(self, cookies: Mapping[str, str], jar: Jar) -> Session | None:
        """Return the session in the cookies of a request, as the browser has it; None if there is none to be read."""
        sealed = jar.join(cookies, jar.session)
        return None if sealed is None else self._sealer().open(sealed, "session", Session)

    def write(self, session: Session, jar: Jar) -> dict[str, str]:
        """Return the cookies that hold a session. Raises CookieTooLargeError."""
        return jar.split(jar.session, self._sealer().seal(session, "session"))

    async def begin(self, tokens: Tokens, *, nonce: str, session_id: str) -> Session:
        """Return the session of somebody who has just logged in.

        Raises LoginError, TokenError, GrantRefusedError, ProviderError, ProviderDownError.
        """
        person, expires_at = await self._read_person(tokens, nonce=nonce)
        if person is None:
            raise LoginError("answer", "The provider gave no ID token; is the scope openid among the client's?")
        now = self._clock()
        return Session(
            id=session_id,
            subject=person.subject,
            name=person.name,
            groups=person.groups or (),
            checked_at=now,
            fresh_until=self._find_end(tokens, expires_at, now),
            ends_at=now + self._rules.lifetime,
            refresh_token=tokens.refresh_token,
        )

    async def keep(self, session: Session) -> Session | None:
        """Return a session as it is now, renewed where it is time; None if it has ended. Raises ProviderDownError."""
        newest = self._memory.newest(session)
        now = self._clock()
        if newest is None or now >= newest.ends_at:
            return None
        if now < newest.renew_at and now < newest.good_until:
            return newest
        if newest.refresh_token is not None:
            await self._renew(newest, patience=PATIENCE if now < newest.good_until else None)
            newest = self._memory.newest(newest)
        if newest is None or self._clock() < newest.good_until:
            return newest
        if newest.refresh_token is None:
            return None
        raise ProviderDownError("the login can't be renewed, for the provider is away; try again in a moment")

    async def end(self, session: Session) -> None:
        """End a session for good, here and at the provider, so that copies of its cookie soon open nothing anywhere."""
        newest = self._memory.newest(session) or session
        self._end(newest)
        if newest.refresh_token is not None:
            try:
                await self._provider.revoke(newest.refresh_token)
            except (ProviderError, ProviderDownError) as error:
                _log.warning("login.revoke_failed", reason=str(error))

    def recheck(self, identity: Identity, now: float) -> Identity | None:
        """Return who a session belongs to now; None if it has ended or wasn't renewed in time."""
        if self._memory.ended(identity.credential):
            return None
        renewed = self._memory.find(identity.credential)
        newest = identity if renewed is None else renewed.identify()
        if newest.expired(now):
            return None
        return identity if newest == identity else newest

    async def close(self) -> None:
        """Give up what is being asked."""
        for task in list(self._renewing.values()):
            task.cancel()
        await asyncio.gather(*self._renewing.values(), return_exceptions=True)

    async def _renew(self, session: Session, *, patience: float | None) -> None:
        """Renew a session, once for all who want it; wait for it so many seconds."""
        task = self._renewing.get(session.id)
        if task is None:
            if self._clock() - self._failed_at < RETRY:
                return
            task = asyncio.create_task(self._renew_once(session), name="oidc renewal")
            self._renewing[session.id] = task
            task.add_done_callback(lambda _: self._renewing.pop(session.id, None))
        # Whoever asked first may go away; the others still wait.
        await asyncio.wait([task], timeout=patience)

    async def _renew_once(self, session: Session) -> None:
        try:
            assert session.refresh_token is not None
            tokens = await self._provider.renew(session.refresh_token)
            # Kept before anything else can fail: the old one may have been good once only.
            session = replace(
                session,
                refresh_token=tokens.refresh_token or session.refresh_token,
                generation=session.generation + 1,
            )
            self._memory.renew(session)
            person, expires_at = await self._read_person(tokens, nonce=None, subject=session.subject)
        except GrantRefusedError:
            self._refuse(session)
        except TokenError as error:
            _log.warning("login.renewal_refused", reason=error.reason)
            self._refuse(session, at_once=True)
        except (ProviderError, ProviderDownError) as error:
            self._failed_at = self._clock()
            self.counts["unavailable"] += 1
            _log.warning("login.renewal_failed", reason=str(error))
        else:
            self._take(session, person, self._find_end(tokens, expires_at, self._clock()))

    def _take(self, session: Session, person: Person | None, fresh_until: float) -> None:
        # Many a provider leaves the claim out for whoever is in no group any more.
        groups = session.groups if person is None else person.groups or ()
        changed = groups != session.groups
        self.counts["renewed"] += 1
        self._memory.renew(
            replace(
                session,
                name=session.name if person is None or person.name == person.subject else person.name,
                groups=groups,
                generation=session.generation + 1,
                checked_at=self._clock(),
                fresh_until=fresh_until,
            )
        )
        if changed:
            self._tell()

    def _refuse(self, session: Session, *, at_once: bool = False) -> None:
        """Take a provider's no. Another replica may just have used the token, so what was said before still holds."""
        self.counts["refused"] += 1
        if at_once or self._clock() >= session.good_until:
            self._end(session)
        else:
            self._memory.renew(replace(session, refresh_token=None))

    def _end(self, session: Session) -> None:
        self.counts["ended"] += 1
        self._memory.end(session, self._clock())
        self._tell()

    def _tell(self) -> None:
        for follower in self._followers:
            follower()

    def _find_end(self, tokens: Tokens, expires_at: float | None, now: float) -> float:
        """Return how long what the provider says holds: its access token's time, or else its ID token's."""
        if tokens.refresh_token is not None and tokens.expires_in is not None:
            expires_at = now + tokens.expires_in
        if expires_at is None:
            expires_at = now + (tokens.expires_in or 0.0)
        return min(max(expires_at, now + SHORTEST), now + self._rules.lifetime)

    async def _read_person(
        self, tokens: Tokens, *, nonce: str | None, subject: str | None = None
    ) -> tuple[Person | None, float | None]:
        """Return who tokens are about and when the ID token expires; neither where there is nothing that says it."""
        claims: dict[str, Any] = {}
        if tokens.id_token is not None:
            claims, header = await self._provider.verify(tokens.id_token)
            client = self._provider.client
            check_id_token(
                claims, header, issuer=client.issuer, client_id=client.client_id, nonce=nonce, now=self._clock()
            )
            check_hash(claims, header, tokens.access_token)
        subject = subject or claims.get("sub")
        if subject is None:
            return None, None
        more = {}
        if find_claim(claims, self._rules.groups_claim) is None:
            more = await self._provider.describe(tokens.access_token)
        if any(said and said.get("sub") != subject for said in (claims, more)):
            # Section 5.3.2: what is said of somebody else must not be used.
            raise TokenError("subject", "the provider speaks of somebody else than before")
        person = describe({**claims, **more}, self._rules.groups_claim) if claims or more else None
        return person, claims.get("exp")
