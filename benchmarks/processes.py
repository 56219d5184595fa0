"""What processes cost, as the system says it; and starting what is compared with the gateway."""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

FOLDER = Path(__file__).parent
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAccept-Encoding: identity\r\n\r\n"


def cpu_of(*pids: int) -> float:
    """Return the user and system time of processes, in seconds: of all threads that they have."""
    nanoseconds = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def memory_of(*pids: int) -> int:
    """Return the resident memory of processes, in bytes."""
    return sum(int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024 for pid in pids)


class Peer(Protocol):
    """A server that sends a line to all who subscribe."""

    name: str
    address: tuple[str, int]
    request: bytes
    pids: tuple[int, ...]
    overhead: int
    """Bytes of an event, and of what is around it on the wire, beside the line."""

    def publish(self, line: str) -> None:
        """Send a line to everybody."""


class Piped:
    """A peer that takes its lines from its standard input."""

    overhead = 8
    request = REQUEST

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.address = ("127.0.0.1", int(self.process.stdout.readline()))
        self.pids: tuple[int, ...] = (self.process.pid,)

    def publish(self, line: str) -> None:
        """Send a line to everybody."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def compiled(name: str) -> Iterator[str | None]:
    """Compile a program in C; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    with tempfile.TemporaryDirectory() as folder:
        if compiler is None:
            yield None
            return
        program = f"{folder}/{name}"
        subprocess.run([compiler, "-O2", "-o", program, str(FOLDER / f"{name}.c")], check=True)
        yield program


@contextlib.contextmanager
def bare(count: int) -> Iterator[Piped]:
    """Run the loop around ``send``: in C where there is a compiler, else in Python."""
    with compiled("bare") as program:
        if program is not None:
            peer = Piped("bare loop (C)", [program, str(count)])
        else:
            peer = Piped("bare loop (Python)", [sys.executable, "-m", "benchmarks.bare", str(count)])
        try:
            yield peer
        finally:
            peer.stop()


@contextlib.contextmanager
def joining(size: int) -> Iterator[Piped | None]:
    """Run what accepts, reads a request and sends so many bytes; None where there is no compiler."""
    with compiled("joining") as program:
        if program is None:
            print("the limit of a join isn't measured: there is no compiler", file=sys.stderr)
            yield None
            return
        peer = Piped("bare join (C)", [program, str(size)])
        try:
            yield peer
        finally:
            peer.stop()


@contextlib.contextmanager
def ordinary() -> Iterator[Piped]:
    """Run aiohttp-sse with a queue per subscriber."""
    peer = Piped("aiohttp-sse", [sys.executable, "-m", "benchmarks.ordinary"])
    try:
        yield peer
    finally:
        peer.stop()


class Nchan:
    """nginx with the nchan module: one worker, with its own configuration, on loopback only."""

    name = "nchan"
    overhead = 25
    request = REQUEST.replace(b"GET / ", b"GET /sub ")

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.address = ("127.0.0.1", port)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 10
        while not self._answers() or not children.read_text():
            if time.monotonic() > end or process.poll() is not None:
                raise TimeoutError("nginx doesn't come up")
            time.sleep(0.05)
        self.pids: tuple[int, ...] = (process.pid, *map(int, children.read_text().split()))

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=1):
            return True
        return False

    def publish(self, line: str) -> None:
        """Send a line to everybody."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.address[1]}/pub", data=line.encode()).close()


NCHAN = """
load_module {module};
daemon off; worker_processes 1; worker_rlimit_nofile 20000; user root;
pid nginx.pid; error_log error.log crit;
events {{ worker_connections 19000; }}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi; nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /sub {{ nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }}
    location = /pub {{ nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 5000; }}
  }}
}}
"""


def find_nchan() -> Path | None:
    """Return nchan's module for nginx; None where one of them isn't installed."""
    module = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
    return module if shutil.which("nginx") and module.exists() else None


@contextlib.contextmanager
def nchan() -> Iterator[Nchan | None]:
    """Run nchan; None where it isn't installed."""
    if (module := find_nchan()) is None:
        print("nchan isn't installed: apt-get install nginx libnginx-mod-nchan", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (Path(folder) / "nginx.conf").write_text(NCHAN.format(module=module, port=port))
        command = ["nginx", "-p", folder, "-e", "error.log", "-c", "nginx.conf"]
        process = subprocess.Popen(command)
        try:
            yield Nchan(process, port)
        finally:
            process.terminate()
            process.wait()
