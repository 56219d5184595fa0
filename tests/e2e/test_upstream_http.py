"""How Argo CD is reached: certificates, paths, proxies, versions, and answers that aren't Argo CD's."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import WATCH, fill

LIST = "/api/v1/applications"


def failure(stage: Stage) -> tuple[str, str]:
    """Return the kind and the words of what failed last."""
    last = stage.gateway.reflector.last_failure
    return (last[1].kind.value, last[1].message) if last else ("", "")


@contextlib.asynccontextmanager
async def serve_tls(authority: trustme.CA, *names: str) -> AsyncIterator[FakeArgoCD]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    async with FakeArgoCD(ssl_context=context) as argocd:
        fill(argocd, "a", "b")
        yield argocd


async def test_a_certificate_of_the_ca_in_the_file_is_trusted(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    async with serve_tls(authority, "127.0.0.1") as argocd, run_gateway(argocd, argocd_ca_file=file) as stage:
        watcher = await stage.watch()
        await stage.live()
        argocd.put(application("a", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Degraded")


async def test_a_certificate_that_nobody_trusts_is_refused_with_words_that_say_so(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    async with serve_tls(trustme.CA(), "127.0.0.1") as argocd:
        for changes in ({}, {"argocd_ca_file": other}):
            async with run_gateway(argocd, **changes) as stage:
                await stage.counted("failure_unreachable")
                assert "the certificate isn't trusted" in failure(stage)[1]
                assert argocd.requests == []


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    async with serve_tls(authority, "argocd.example.org") as argocd, run_gateway(argocd, argocd_ca_file=file) as stage:
        await stage.counted("failure_unreachable")
        assert "the certificate isn't trusted" in failure(stage)[1]


async def test_the_insecure_switch_takes_any_certificate_and_warns(logs: list[Any]) -> None:
    async with serve_tls(trustme.CA(), "elsewhere") as argocd, run_gateway(argocd, argocd_insecure=True) as stage:
        await stage.live()
    assert [entry["log_level"] for entry in logs if entry["event"] == "gateway.insecure"] == ["warning"]


async def test_a_root_path_is_part_of_every_request() -> None:
    async with FakeArgoCD(root_path="/argo-cd") as argocd:
        fill(argocd, "a")
        address = argocd.url.removesuffix("/argo-cd")
        async with run_gateway(argocd, argocd_base_url=address, argocd_root_path="/argo-cd") as stage:
            await stage.live()
            await stage.assert_true(argocd)


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[str] = []
    relaying: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request of a connection on, as an HTTP proxy does, and then bytes both ways."""
        # Nobody else holds on to it while it waits for bytes: the loop's streams are only weakly tied to it.
        task = asyncio.current_task()
        assert task is not None
        relaying.add(task)
        line, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        method, target, version = line.split(b" ")
        passed.append(target.decode())
        path = b"/" + target.split(b"/", 3)[3]
        there, here = await asyncio.open_connection("127.0.0.1", port)
        # A connection for each request is all that a proxy so small can do.
        here.write(b" ".join((method, path, version)) + b"\r\nConnection: close\r\n" + rest)
        with contextlib.suppress(ConnectionError):
            while data := await there.read(65_536):
                writer.write(data)
                await writer.drain()
        here.close()
        writer.close()

    async with FakeArgoCD() as argocd:
        fill(argocd, "a", "b")
        port = int(argocd.url.rpartition(":")[2])
        proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        async with run_gateway(argocd, argocd_base_url="http://argocd.example.org:8080") as stage:
            await stage.live()
            assert set(await stage.listed()) == {"argocd/a", "argocd/b"}
        assert passed
        assert all(target.startswith("http://argocd.example.org:8080/") for target in passed)
        proxy.close()
        await proxy.wait_closed()
    async with asyncio.timeout(60):
        await asyncio.wait(relaying)


async def test_only_the_projects_asked_for_are_listed_and_watched(argocd: FakeArgoCD) -> None:
    for name, project in {"a": "blue", "b": "green", "c": "red"}.items():
        argocd.put(application(name, project=project))
    async with run_gateway(argocd, argocd_projects=("blue", "green")) as stage:
        await stage.live()
        assert set(await stage.listed()) == {"argocd/a", "argocd/b"}
        for request in [*argocd.requests_to(LIST), *argocd.requests_to(WATCH)]:
            assert request.query.getall("projects") == ["blue", "green"]


@pytest.mark.parametrize("version", ["v2.14.9+0a1b2c3", "v3.4.2", "v3.5.0", "v3.6.0+f00"])
async def test_every_version_from_2_14_on_is_understood_and_nothing_moves_for_want_of_a_project(version: str) -> None:
    async with FakeArgoCD(version=version) as argocd:
        argocd.keepalive_interval = 15.0
        for name in "abcdef":
            argocd.put(application(name, project="blue"))
        async with run_gateway(argocd, reconcile_interval=30.0) as stage:
            watcher = await stage.watch("?projects=blue")
            removed, versions = watcher.watch_removals(), watcher.watch_documents()
            await stage.live()
            await stage.reconciled(2)
            asked = "items.spec.project" in argocd.requests_to(LIST)[-1].query["fields"]
            assert asked == (version >= "v3.5")
            argocd.delete("argocd/f", announce=False)
            await watcher.wait(lambda: removed == ["argocd/f"], within=60.0)
            await stage.assert_true(argocd)
            assert versions == []
            assert len(watcher.documents) == 5


async def test_an_upgrade_of_argo_cd_is_noticed(argocd: FakeArgoCD) -> None:
    fill(argocd, "a")
    argocd.version = "v3.4.0"
    async with run_gateway(argocd) as stage:
        await stage.live()
        argocd.version = "v3.6.0"
        argocd.cut_all()
        await stage.reconciled()
        assert (await stage.get("/api/status")).json["upstream"]["version"] == "v3.6.0"


async def test_a_list_too_large_for_argo_cd_is_asked_for_project_by_project(argocd: FakeArgoCD) -> None:
    for name, project in {"a": "blue", "b": "green", "c": "green"}.items():
        argocd.put(application(name, project=project))
    argocd.list_status = 429
    async with run_gateway(argocd, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        assert len(watcher.documents) == 3
        argocd.delete("argocd/c", announce=False)
        await watcher.wait(lambda: "argocd/c" not in watcher.documents, within=120.0)
        asked = [tuple(request.query.getall("projects", [])) for request in argocd.requests_to(LIST)]
        assert {("blue",), ("green",)} <= set(asked)
        await stage.assert_true(argocd)


@contextlib.asynccontextmanager
async def serve_instead(answer: web.Response | str) -> AsyncIterator[str]:
    """Serve something that isn't Argo CD, with a healthy `/healthz`; yield its URL."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response(text="ok")
        if isinstance(answer, str):
            raise web.HTTPFound(answer)
        return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "https://argocd.example.org/applications?x=1",
            "redirects to https://argocd.example.org: use that as ARGOCD_BASE_URL",
        ),
        (web.Response(text="<html>login</html>", content_type="text/html"), "answers with a web page"),
        (web.Response(text="<html>no</html>", content_type="text/html", status=502), "answers 502"),
        (web.Response(text='{"message":"no such thing"}', status=404), "answers 404: no such thing"),
    ],
    ids=["redirect", "login", "bad gateway", "not found"],
)
async def test_what_answers_instead_of_argo_cd_is_explained(
    argocd: FakeArgoCD, answer: web.Response | str, words: str
) -> None:
    async with serve_instead(answer) as url, run_gateway(argocd, argocd_base_url=url) as stage:
        await stage.counted("failure_answered-badly")
        assert words in failure(stage)[1]
        status = (await stage.get("/api/status")).json["upstream"]
        assert words in status["lastError"]["message"]
        await stage.becomes("down", within=120.0)


async def test_the_token_is_in_no_log_no_answer_and_no_error(
    logs: list[Any], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    token, file = "hush-hush-hush", tmp_path / "state"
    async with FakeArgoCD(token=token) as argocd:
        fill(argocd, "a")
        async with run_gateway(argocd, argocd_auth_token=token, state_file=file) as stage:
            watcher = await stage.watch()
            await stage.live()
            answers = [await stage.get("/api/status"), await stage.get(stage.metrics_url)]
            argocd.unauthorized = True
            argocd.cut_all()
            await stage.becomes("down")
            argocd.unauthorized = False
            argocd.watch_status = 500
            await stage.counted("failure_answered-badly", within=200.0)
            await argocd.stop()
            await stage.counted("failure_unreachable", 2, within=400.0)
            answers += [await stage.get(path) for path in ("/api/status", "/api/pipelines", "/api/pipelines/a")]
            said = [repr(logs), caplog.text, repr(stage.gateway.reflector), repr(stage.gateway.settings)]
            said += [answer.body.decode() for answer in answers]
            said += [json.dumps(event.data) for event in watcher.events]
        said.append(file.read_text())
    assert not [text for text in said if token in text]


async def test_a_watch_that_is_refused_for_a_while_leaves_the_rest_in_peace(argocd: FakeArgoCD) -> None:
    fill(argocd, "a")
    async with run_gateway(argocd, reconcile_interval=60.0) as stage:
        await stage.live()
        argocd.watch_status = 500
        await let_pass(200.0)
        # The live watch goes on; only the proof that nothing is missing gets older.
        assert stage.state == "live"
        argocd.watch_status = None
        done = stage.count("reconcile")
        await until(lambda: stage.count("reconcile") > done, within=40.0)
