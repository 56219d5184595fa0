"""What all tests share: Hypothesis tries the same examples in each run; aioresponses works with today's aiohttp.

Tests run in several processes, each file in one of them: more than there are cores, for many tests wait for something
outside. What takes long begins first, or the others would wait for it in the end.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import core as mocked
from hypothesis import settings

from tests.effort import EFFORT

settings.register_profile("default", deadline=None, derandomize=EFFORT == 1, print_blob=True)
settings.load_profile("default")

# Programs are started hundreds of times: none has to be compiled each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever runs in a shell's background begins so; what tests start has to heed it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _ClientResponse(aiohttp.ClientResponse):
    """aioresponses 0.7.9 doesn't know of the argument that aiohttp 3.14 requires."""

    def __init__(self, *args: Any, stream_writer: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=stream_writer or Mock(output_size=0), **kwargs)


def _make_stream_reader(loop: Any = None) -> aiohttp.StreamReader:
    return aiohttp.StreamReader(Mock(_reading_paused=False), limit=1 << 26, loop=loop)


vars(mocked).update(ClientResponse=_ClientResponse, stream_reader_factory=_make_stream_reader)

WAITING = 2
"""Processes beyond one for each core."""

LONG = (
    "monitoring/test_alerts.py",
    "chaos",
    "test_soak.py",
    "test_wheel.py",
    "delivery/test_repository.py",
    "balancer",
    "e2e/test_recordings.py",
    "proxies",
    "hub/test_convergence.py",
    "browser/test_timeline.py",
    "monitoring/test_replay.py",
    "e2e/test_cli.py",
    "contract/test_reality.py",
    "demo",
    "e2e/test_grants_everywhere.py",
    "test_dockerfile.py",
    "upstream/test_reflection.py",
    "consumer/test_commands.py",
    "contract",
    "replicas",
    "browser",
    "delivery/test_outage.py",
    "e2e/test_delivery",
    "e2e/test_faults",
    "client",
    "k8s",
    "delivery",
    "e2e",
)
"""Files and folders of tests that take long together, the longest first."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return (os.cpu_count() or 1) + WAITING


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent

    def find_place(path: Path) -> int:
        name = path.relative_to(folder).as_posix() if folder in path.parents else ""
        return next((place for place, begin in enumerate(LONG) if name.startswith(begin)), len(LONG))

    places = {path: find_place(path) for path in {item.path for item in items}}
    items.sort(key=lambda item: places[item.path])
