"""What a stream says of itself is said on the page in words, in each of its languages."""

import re
from pathlib import Path

import pytest

import gateway
from gateway.hub.subscriber import Ending
from gateway.observability.metrics import REASONS, STATES

LANGUAGES = sorted((Path(gateway.__file__).parent / "web/static/shell/languages").glob("*.js"))


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("about", "said"),
    [("goodbye", [ending.value for ending in Ending]), ("reason", REASONS), ("standing", STATES)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_a_stream_may_say_has_its_words(language: Path, about: str, said: list[str]) -> None:
    worded = set(re.findall(rf'"{about}\.([\w-]+)":', language.read_text()))
    assert set(said) <= worded
