"""A badge: one application's health and sync as a small picture, for a README or a wiki.

Whatever is asked, a picture comes back that says in words what is known, also where that is nothing; only a query that
can't be understood is a problem document. A picture is never greener than the truth: what is stale is grey. Labels and
statuses are text that others wrote, so they are escaped and the picture may load and run nothing.
"""

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from gateway.model.application import ApplicationStatus
from gateway.model.upstream import Upstream
from gateway.web.context import CONTEXT
from gateway.web.guard import grant_of
from gateway.web.lookup import find_application, retry_after
from gateway.web.problem import ProblemError, bad_parameters

CACHE_CONTROL = "max-age=10, must-revalidate"

SHOWN = ("both", "health", "sync")
"""What ``show`` may ask for."""

MAX_LABEL = 100
"""Characters that a label may have; what is shown is cut to ``_SHOWN_CHARACTERS``."""

_SHOWN_CHARACTERS = 50
_HEIGHT, _PADDING, _BASELINE, _CORNER = 20, 7, 14, 3
_FONT_SIZE = 11

GREEN, BLUE, AMBER, RED, PURPLE, GREY = "#1a7f37", "#0969da", "#9a6700", "#cf222e", "#8250df", "#59636e"
LABEL = "#24292f"
"""White text on any of these has a contrast of 4.5 or more (WCAG 2.2, 1.4.3)."""

_COLOURS = {
    "Healthy": GREEN,
    "Progressing": BLUE,
    "Suspended": PURPLE,
    "Missing": AMBER,
    "Degraded": RED,
    "Synced": GREEN,
    "OutOfSync": AMBER,
}
_WORST_FIRST = (RED, AMBER, GREY, PURPLE, BLUE, GREEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """What a badge says: a label, a status in words and in colour, and the whole of it for those who hear it."""

    label: str
    status: str
    colour: str
    title: str


async def show_badge(request: web.Request) -> web.Response:
    """Serve ``/badge/{name}.svg`` and ``/badge/{namespace}/{name}.svg``."""
    context = request.app[CONTEXT]
    label, shown = _read_query(request)
    namespace, name = request.match_info.get("namespace"), request.match_info["name"]
    label = label or name
    if not context.hub.published:
        title = f"{label}: the gateway doesn't know Argo CD's applications yet"
        badge = Badge(label=label, status="connecting", colour=GREY, title=title)
        return _answer(request, badge, status=503, retry=retry_after(context))
    try:
        document = find_application(context, grant_of(request), namespace, name).document
    except ProblemError as error:
        status = error.problem.status
        word = "ambiguous" if status == 409 else "unknown"
        badge = Badge(label=label, status=word, colour=GREY, title=f"{label}: {error.problem.detail}")
        return _answer(request, badge, status=status)
    return _answer(request, describe(document, context.hub.upstream, label=label, shown=shown))


def describe(document: ApplicationStatus, upstream: Upstream | None, *, label: str, shown: str) -> Badge:
    """Return what a badge says of an application; what isn't live is grey, and says that it is stale."""
    health = document.health.status if document.health else "Unknown"
    sync = (document.sync.status if document.sync else None) or "Unknown"
    words = {"both": [health, sync], "health": [health], "sync": [sync]}[shown]
    title = f"{label}: {', '.join(words)}"
    if upstream is None or upstream.state != "live":
        since = f" since {upstream.since}" if upstream else ""
        title += f" when last seen; Argo CD hasn't been reached{since}"
        return Badge(label=label, status=" · ".join([*words, "stale"]), colour=GREY, title=title)
    colour = min((_COLOURS.get(word, GREY) for word in words), key=_WORST_FIRST.index)
    return Badge(label=label, status=" · ".join(words), colour=colour, title=title)


def draw(badge: Badge) -> str:
    """Return a badge as SVG, in one line."""
    label, status = _shorten(badge.label), _shorten(badge.status)
    title = _clean(badge.title)
    left, right = _measure(label), _measure(status)
    split, width = left + 2 * _PADDING, left + right + 4 * _PADDING
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" role="img" '
        f"aria-label={quoteattr(title)}><title>{escape(title)}</title>"
        f'<rect width="{width}" height="{_HEIGHT}" rx="{_CORNER}" fill="{badge.colour}"/>'
        f'<path d="M{split} 0H{_CORNER}a{_CORNER} {_CORNER} 0 0 0-{_CORNER} {_CORNER}v{_HEIGHT - 2 * _CORNER}'
        f'a{_CORNER} {_CORNER} 0 0 0 {_CORNER} {_CORNER}H{split}z" fill="{LABEL}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_FONT_SIZE}">'
        f"{_write(label, _PADDING, left)}{_write(status, split + _PADDING, right)}</g></svg>"
    )


def _write(text: str, x: int, width: int) -> str:
    # The width is estimated, so the text is fitted to it: whatever font there is, nothing sticks out.
    fitted = f' textLength="{width}" lengthAdjust="spacingAndGlyphs"' if text else ""
    return f'<text x="{x}" y="{_BASELINE}"{fitted}>{escape(text)}</text>'


def _shorten(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _clean(text: str) -> str:
    """Return a text without what XML can't hold, and without marks that turn the direction of what follows."""
    return "".join(character if _is_plain(character) else "\ufffd" for character in text)


def _is_plain(character: str) -> bool:
    # Joiners are formats too (Cf), but emoji and scripts need them.
    category = unicodedata.category(character)
    return character in "\u200c\u200d" or (category[0] != "C" and category not in ("Zl", "Zp"))


def _measure(text: str) -> int:
    """Return the width of a text in pixels, about: as in Verdana, which is wide."""
    return round(sum(map(_advance, text)) * _FONT_SIZE)


def _advance(character: str) -> float:
    """Return the width of a character in ems, about."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.2 if unicodedata.category(character) == "So" else 1.0
    if character in "iljI.,:;'|!·":
        return 0.36
    if character in 'ftr()[]{}-/ "':
        return 0.45
    if character in "mwMW@%":
        return 0.97
    return 0.76 if character.isupper() else 0.62


def _read_query(request: web.Request) -> tuple[str, str]:
    """Return the label, empty if there is none, and what to show. Raises ProblemError."""
    rules: dict[str, tuple[Callable[[str], bool], str]] = {
        "label": (lambda text: len(text) <= MAX_LABEL, f"label: at most {MAX_LABEL} characters are allowed"),
        "show": (SHOWN.__contains__, f"show: allowed are {', '.join(SHOWN)}"),
    }
    given = {"label": "", "show": SHOWN[0]}
    problems: dict[str, None] = {}
    for name, text in request.query.items():
        if name not in rules:
            problems[f"{name[:60]!r} is no parameter. Allowed are {', '.join(rules)}"] = None
        elif not rules[name][0](text):
            problems[rules[name][1]] = None
        else:
            given[name] = text
    if problems:
        raise bad_parameters(tuple(problems))
    return given["label"].strip(), given["show"]


def _answer(request: web.Request, badge: Badge, *, status: int = 200, retry: int | None = None) -> web.Response:
    body = draw(badge).encode()
    tag = hashlib.sha256(body).hexdigest()[:16]
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": CACHE_CONTROL,
    }
    if status == 200 and any(known.value in ("*", tag) for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if retry is not None:
        headers["Retry-After"] = str(retry)
    return web.Response(status=status, body=body, headers=headers, content_type="image/svg+xml", charset="utf-8")
