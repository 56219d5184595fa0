"""A real PostgreSQL of a test's own: Debian's, on a free port and in a folder that goes away."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.ports import find_port

PASSWORD = "geheim/of:the@owner"
"""With everything in it that has a meaning in a URL."""

QUICK = ("fsync=off", "full_page_writes=off")
"""What a test doesn't need that never kills the machine."""

START_WITHIN = 60.0


def find_programs() -> Path | None:
    """Return where PostgreSQL's programs are; None if it isn't installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parents[1].name))
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    return Path(program).parent if program else None


class Postgres:
    """A server: ``start`` and ``stop`` it, ``kill`` it as a failing machine would; it keeps what it had."""

    def __init__(self, programs: Path, folder: Path, *, options: tuple[str, ...] = QUICK) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self.ca = folder / "ca.pem"
        self.port = find_port()
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            # It doesn't run as root.
            user = next(one for one in pwd.getpwall() if one.pw_name in ("postgres", "nobody"))
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def prepare(self) -> None:
        """Make the files of a new server."""
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(str(self.ca))
        certificate.private_key_and_cert_chain_pem.write_to_path(str(self._folder / "server.pem"))
        password = self._folder / "password"
        password.write_text(PASSWORD)
        for file in (self.ca, password, self._folder / "server.pem"):
            shutil.chown(file, *self._owner())
            file.chmod(0o600 if file != self.ca else 0o644)
        self._run(
            "initdb", "-D", str(self._data), "-U", "owner", f"--pwfile={password}", "--auth-local=trust",
            "--auth-host=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [
            f"port={self.port}", "listen_addresses=localhost", f"unix_socket_directories={self._folder}", "ssl=on",
            f"ssl_cert_file={self._folder}/server.pem", f"ssl_key_file={self._folder}/server.pem",
            "max_connections=60", *self._options,
        ]  # fmt: skip
        command = [*self._prefix, str(self._programs / "postgres"), "-D", str(self._data)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(word for option in options for word in ("-c", option))],
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        end = time.monotonic() + START_WITHIN
        while not self.answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2_000:]
            assert time.monotonic() < end, "PostgreSQL doesn't start"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it takes connections."""
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self) -> None:
        """Stop it in an orderly way, whoever is connected."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill all its processes at once, in the midst of whatever they do."""
        process = self._process
        if process is None:
            return
        # Stopped, it has no more children: one that is left would hold the shared memory.
        process.send_signal(signal.SIGSTOP)
        children = self._children()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._end(signal.SIGKILL)
        end = time.monotonic() + START_WITHIN
        while any(map(_lives, children)) and time.monotonic() < end:
            time.sleep(0.01)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(timeout=START_WITHIN)

    def pause(self) -> None:
        """Have it answer nothing, though it accepts."""
        assert self._process is not None
        for number in [*self._children(), self._process.pid]:
            os.kill(number, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        assert self._process is not None
        for number in [self._process.pid, *self._children()]:
            os.kill(number, signal.SIGCONT)

    def _children(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def query(self, statement: str, database: str = "postgres") -> str:
        """Do something as the owner; return what it says."""
        command = ["psql", "-h", str(self._folder), "-p", str(self.port), "-U", "owner", "-d", database]
        return self._run(*command, "-XAtqc", statement).strip()

    def create(self, *, template: str = "template1") -> str:
        """Make an empty database; return its name."""
        self._databases += 1
        name = f"history_{self._databases}"
        self.query(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, database: str) -> str:
        """Return a database's URL over the local socket, as the storage takes it."""
        return f"postgresql+asyncpg://owner@/{database}?host={self._folder}&port={self.port}"

    def _owner(self) -> tuple[int, int]:
        status = self._folder.stat()
        return status.st_uid, status.st_gid

    def _run(self, program: str, *arguments: str) -> str:
        command = [*self._prefix, str(self._programs / program), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, cwd=self._folder)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


def _lives(pid: int) -> bool:
    """Whether a process holds anything; nobody may be there to bury the dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def run_postgres(*, options: tuple[str, ...] = QUICK) -> Iterator[Postgres]:
    """Run a server; skip the test where there is none."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here; `make programs` installs it")
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-") as folder:
        server = Postgres(programs, Path(folder), options=options)
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a process; each makes a database of its own."""
    with run_postgres() as server:
        yield server
