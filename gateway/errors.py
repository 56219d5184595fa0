"""The tree of errors that the gateway raises on purpose.

Here belong the root and the errors that a caller is expected to catch; each says what to do, and none holds a secret.
Never belongs here: errors of libraries, logging, or turning an error into an HTTP answer.
"""

from collections.abc import Iterable


class GatewayError(Exception):
    """The root of all errors that the gateway raises on purpose."""


class SettingsError(GatewayError):
    """The settings can't be used. ``problems`` holds *all* that is wrong, each as (variable name, what to do)."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems: tuple[tuple[str, str], ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        return "\n  ".join([f"{count} in the settings:", *(f"{name}: {message}" for name, message in self.problems)])


class ListenError(GatewayError):
    """An address can't be listened on; the message names it, says why and what to set."""
