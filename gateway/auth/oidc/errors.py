"""What can go wrong with a login or a token. Messages are for people: what to do, and never a secret or a token."""

from gateway.errors import GatewayError


class TokenError(GatewayError):
    """A token that isn't believed. ``reason`` is a short word for counts and logs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LoginError(GatewayError):
    """A login that can't go on; another attempt may well succeed. ``reason`` is a short word for counts and logs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ProviderError(GatewayError):
    """The provider says something that can't be used: a mistake in its settings, or in ours."""


class ProviderDownError(GatewayError):
    """The provider can't be reached, or fails; it is tried again soon."""


class GrantRefusedError(GatewayError):
    """The provider refuses a code or a refresh token: what it once gave has ended (RFC 6749, section 5.2)."""
