"""From the settings to everything that a login needs. Secrets in files are read again when they change."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from gateway.auth.oidc.authenticator import BearerRules, OidcAuthenticator
from gateway.auth.oidc.cookie import Jar
from gateway.auth.oidc.logins import Logins
from gateway.auth.oidc.provider import Client, Provider
from gateway.auth.oidc.session import Sealer
from gateway.auth.oidc.sessions import Rules, Sessions
from gateway.settings.environment import Settings
from gateway.settings.login import decode_session_key, read_client_secret, read_session_keys
from gateway.settings.secret import split_secrets

LOOK_INTERVAL = 2.0
"""Seconds between looks at a secret's file."""

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """What a file holds, looked at again every few seconds; one that can't be read for a moment leaves the last."""

    def __init__(self, path: Path, read: Callable[[Path], _T], *, clock: Callable[[], float]) -> None:
        self._path = path
        self._read = read
        self._clock = clock
        self._looked_at = clock()
        self._content = read(path)

    def __call__(self) -> _T:
        """Return what it holds now."""
        now = self._clock()
        if now - self._looked_at >= LOOK_INTERVAL:
            self._looked_at = now
            try:
                self._content = self._read(self._path)
            except (OSError, ValueError):
                return self._content
        return self._content


def make_logins(settings: Settings, *, clock: Callable[[], float]) -> Logins:
    """Return what logs people in; its ``authenticator`` is what recognises them. Raises ValueError for a bad file."""
    assert settings.oidc_issuer is not None, "the settings were checked"
    assert settings.oidc_client_id is not None, "the settings were checked"
    client = Client(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret=_find_secret(settings, clock),
        algorithms=settings.oidc_algorithms,
        ca_file=settings.oidc_ca_file,
    )
    provider = Provider(client, clock=clock)
    sealer = _find_sealer(settings, clock)
    rules = Rules(groups_claim=settings.oidc_groups_claim, lifetime=settings.session_lifetime)
    authenticator = OidcAuthenticator(
        provider,
        Sessions(provider, rules=rules, sealer=sealer, clock=clock),
        bearer=BearerRules(audiences=settings.oidc_audience, groups_claim=settings.oidc_groups_claim),
        jar=Jar(secure=settings.public_url is not None and settings.public_url.startswith("https://")),
        clock=clock,
    )
    return Logins(authenticator, scopes=settings.oidc_scopes, sealer=sealer, clock=clock)


def _find_secret(settings: Settings, clock: Callable[[], float]) -> Callable[[], str | None]:
    given, file = settings.oidc_client_secret, settings.oidc_client_secret_file
    if file is not None:
        return Kept(file, lambda path: read_client_secret(path).get_secret_value(), clock=clock)
    return lambda: None if given is None else given.get_secret_value()


def _find_sealer(settings: Settings, clock: Callable[[], float]) -> Callable[[], Sealer]:
    if settings.session_keys_file is not None:
        return Kept(
            settings.session_keys_file,
            lambda path: _make_sealer(read_session_keys(path).get_secret_value(), settings),
            clock=clock,
        )
    assert settings.session_keys is not None, "the settings were checked"
    sealer = _make_sealer(settings.session_keys.get_secret_value(), settings)
    return lambda: sealer


def _make_sealer(keys: str, settings: Settings) -> Sealer:
    scope = f"{settings.oidc_issuer} {settings.oidc_client_id}"
    return Sealer([decode_session_key(key) for key in split_secrets(keys)], scope=scope)
