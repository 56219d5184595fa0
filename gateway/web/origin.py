"""Which page sent a request: pages of other sites may have a browser send one, with its cookies, but may not act.

See https://datatracker.ietf.org/doc/html/rfc6454 and https://www.w3.org/TR/fetch-metadata/. What no browser sends can't
be forged by a page: no browser sends a POST of another site without ``Origin``.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_foreign(headers: Mapping[str, str], *, host: str | None, site: str | None) -> bool:
    """Whether a page of another site sent a request that changes something.

    ``host`` is what the request was sent to, ``site`` where browsers find the gateway, as in ``Origin``, if known. A
    browser that says ``Sec-Fetch-Site`` knows better than a comparison of names that a proxy may have changed.
    """
    said = headers.get("Sec-Fetch-Site")
    if said is not None:
        return said not in ("same-origin", "none")
    origin = headers.get("Origin")
    if origin is None or (site is not None and origin == site):
        return False
    try:
        return not host or urlsplit(origin).netloc != host
    except ValueError:
        return True
