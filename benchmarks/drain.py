"""Reading for thousands in C: a loop in Python is slower than most of what it reads from, and lets it be cheaper.

Who writes to somebody who doesn't read only appends to what the system holds for them, for a fourth of what sending
costs. So a server of single events costs the less, the further its subscribers are behind; browsers aren't.
"""

import atexit
import ctypes
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent / "drain.c"
ROOM = 1_024
WAITS = 8_192
"""How many connections and waits one look notes at most; as drain.c has it."""

MOST_CONNECTIONS = 65_536


class Tally(ctypes.Structure):
    """What came on a connection; as drain.c has it."""

    received: int
    marked: int
    """Bytes since the last mark, as ``events`` are."""
    events: int
    begun: int
    """Whether the head of the answer is there."""
    last: int
    """The last byte."""
    drained: int
    """Whether drain.c reads it."""

    _fields_ = tuple((name, ctypes.c_int64) for name in ("received", "marked", "events", "begun", "last", "drained"))


class Findings(ctypes.Structure):
    """What one look found; as drain.c has it."""

    arrived_at: int
    waits: int
    others: int
    wait: "ctypes.Array[ctypes.c_int64]"
    other: "ctypes.Array[ctypes.c_int64]"

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("arrived_at", "waits", "others")),
        ("wait", ctypes.c_int64 * WAITS),
        ("other", ctypes.c_int64 * ROOM),
    )


class Drain:
    """Reads from those of an epoll's connections whose tally says so."""

    def __init__(self, library: str, tallies: "ctypes.Array[Tally]") -> None:
        self._read_once = ctypes.CDLL(library).read_once
        self._read_once.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._read_once.restype = None
        self._tallies = tallies
        self._found = Findings()

    def read(self, poll: int, timeout: float) -> Findings:
        """Read what comes within so many seconds; what was found is good until the next time."""
        self._read_once(poll, self._tallies, round(timeout * 1e3), ctypes.byref(self._found))
        return self._found


@functools.cache
def find_drain() -> str | None:
    """Compile the library, once for a process; None where there is no compiler."""
    if (compiler := shutil.which("cc") or shutil.which("gcc")) is None:
        print("subscribers read in Python, and lag behind nchan in a burst: there is no C compiler", file=sys.stderr)
        return None
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    library = f"{folder.name}/drain.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, str(SOURCE)], check=True)
    return library
