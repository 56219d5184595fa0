"""What all tests share: Hypothesis tries the same examples in each run; aioresponses works with today's aiohttp."""

from typing import Any
from unittest.mock import Mock

import aiohttp
from aioresponses import core as mocked
from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("default")


class _ClientResponse(aiohttp.ClientResponse):
    """aioresponses 0.7.9 doesn't know of the argument that aiohttp 3.14 requires."""

    def __init__(self, *args: Any, stream_writer: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=stream_writer or Mock(output_size=0), **kwargs)


def _make_stream_reader(loop: Any = None) -> aiohttp.StreamReader:
    return aiohttp.StreamReader(Mock(_reading_paused=False), limit=1 << 26, loop=loop)


vars(mocked).update(ClientResponse=_ClientResponse, stream_reader_factory=_make_stream_reader)
