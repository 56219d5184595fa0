"""Globs over names, as selectors have them (fnmatch, case-sensitive); and which of two covers the other."""

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache

ANYTHING = "*"

_RUN = re.compile(r"[*?]{2,}")
# As in fnmatch, a ']' that comes first is a member. Possessive: a hostile text can't make it try twice.
_CLOSED = re.compile(r"(?:[^\[]|\[!?+\]?+[^\]]*+\])*+")
MAX_LENGTH = 253


def find_problem(glob: str) -> str | None:
    """Return what is wrong with a text as a glob, and what to write; None if nothing is."""
    if not glob:
        return "is empty; write a name, or * for all"
    if len(glob) > MAX_LENGTH:
        return f"has {len(glob)} characters; at most {MAX_LENGTH} are allowed"
    if not glob.isprintable() or glob != glob.strip():
        return "has spaces around it, or a character that can't be printed; write the name alone"
    if "," in glob:
        return 'has a comma in it; write each name as a text of its own: ["a", "b"]'
    if not _CLOSED.fullmatch(glob):
        return "lacks the ']' of a '['; 'a or b' is [ab]"
    return None


def normalise(glob: str) -> str:
    """Return the one way to write a glob whose wildcards stand together: ``**`` is ``*``, ``*?`` is ``?*``."""
    if "[" in glob:
        return glob
    return _RUN.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), glob)


def compile_globs(globs: Iterable[str]) -> re.Pattern[str]:
    """Return an expression that matches what any of the globs does."""
    # fnmatch.translate puts all between two stars into an atomic group: no glob can backtrack across a star.
    return re.compile("|".join(map(fnmatch.translate, globs)) or r"(?!)")


def is_exact(glob: str) -> bool:
    """Whether a glob has no wildcard, and so matches itself alone."""
    return not any(wildcard in glob for wildcard in "*?[")


@lru_cache(maxsize=4096)
def covers(wide: str, narrow: str) -> bool:
    """Whether everything that ``narrow`` matches is matched by ``wide``; with character sets, False where unsure."""
    if wide in (ANYTHING, narrow):
        return True
    if is_exact(narrow):
        return fnmatch.fnmatchcase(narrow, wide)
    if "[" in wide or "[" in narrow:
        return False
    # A star of the narrow one stands for any text, which nothing but a star covers; its ? for any one character.
    pieces = {"*": ".*", "?": r"[^*]"}
    return re.fullmatch("".join(pieces.get(each, re.escape(each)) for each in wide), narrow, re.DOTALL) is not None
