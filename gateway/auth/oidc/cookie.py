"""Cookies: their names, flags and sizes. A sealed text that is too long for one cookie is spread over several.

``__Host-`` makes a browser take a cookie only over TLS, from this very host and for all of it (RFC 6265bis, section
4.1.3). Over plain http within one machine there is no such thing; those cookies have other names, so that neither kind
is ever taken for the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PART = 3_000
"""Characters in one cookie: browsers take 4,096 with name and flags."""

MAX_PARTS = 2
"""A header of more than 8 kB is refused by many a server, ours too; and other cookies want to be in it as well."""


class CookieTooLargeError(ValueError):
    """What was to be kept is too large for cookies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """How cookies are called and flagged; ``secure`` says that the browser comes over TLS."""

    secure: bool

    @property
    def session(self) -> str:
        """The name of a session's cookie."""
        return "__Host-gateway" if self.secure else "gateway"

    @property
    def login(self) -> str:
        """The name of the cookie of a login that has begun."""
        return f"{self.session}-login"

    def name_part(self, name: str, index: int) -> str:
        """Name a part of a cookie; the first has the name itself."""
        return name if index == 0 else f"{name}-{index}"

    def join(self, cookies: Mapping[str, str], name: str) -> str | None:
        """Return what the cookies of a request hold together; None if nothing, or not all of it."""
        count, _, first = cookies.get(name, "").partition(".")
        if not first or count not in {str(number + 1) for number in range(MAX_PARTS)}:
            return None
        others = [cookies.get(self.name_part(name, index)) for index in range(1, int(count))]
        return None if None in others else first + "".join(filter(None, others))

    def split(self, name: str, text: str) -> dict[str, str]:
        """Return the cookies that hold a text; an empty one means that a cookie is to be deleted.

        Raises CookieTooLargeError.
        """
        parts = [text[start : start + PART] for start in range(0, len(text), PART)]
        if len(parts) > MAX_PARTS:
            raise CookieTooLargeError
        if parts:
            parts[0] = f"{len(parts)}.{parts[0]}"
        parts += [""] * (MAX_PARTS - len(parts))
        return {self.name_part(name, index): part for index, part in enumerate(parts)}
