"""Whatever is asked, in whatever form: never a 500, never an error that nobody caught, and the gateway goes on."""

import asyncio
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.e2e.fastloop import FastLoop, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.effort import examples
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import fill

PATHS = (
    "/api/pipelines",
    "/api/pipelines/a",
    "/api/pipelines/argocd/a",
    "/api/stream/pipelines",
    "/api/status",
    "/healthz",
    "/readyz",
    "/startupz",
    "/",
)
PARAMETERS = ("projects", "namespaces", "names", "selector", "health", "sync", "lastEventId", "x")
HEADERS = ("Accept", "Accept-Encoding", "Authorization", "Cookie", "If-None-Match", "Last-Event-ID", "Origin", "Host")

words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["*", "a=b", "a in (b,c)", "!a", "a notin (b", "[", ",", "=", "a" * 300, "1-1-1", 'W/"x"', "gzip;q=x"]
    ),
)
visible = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)
segments = words.map(lambda word: quote(word, safe=""))
targets = st.builds(
    lambda path, more, query: path + more + query,
    st.sampled_from(PATHS),
    st.one_of(
        st.just(""), segments.map(lambda segment: f"/{segment}"), st.sampled_from(["/..", "//", "/%", "/%00", ";x"])
    ),
    st.one_of(
        st.just(""),
        st.lists(st.tuples(st.sampled_from(PARAMETERS), segments), max_size=4).map(
            lambda pairs: "?" + "&".join(f"{name}={value}" for name, value in pairs)
        ),
        visible.map(lambda text: "?" + text.replace(" ", "+").replace("#", "%23")),
    ),
)
requests = st.builds(
    lambda method, target, version, headers: "\r\n".join(
        [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in headers), "", ""]
    ).encode("latin-1"),
    st.sampled_from(["GET"] * 8 + ["HEAD", "POST", "OPTIONS", "DELETE", "get", "BREW"]),
    targets,
    st.sampled_from(["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/0.9", "HTTP/9"]),
    st.lists(st.tuples(st.sampled_from(HEADERS), visible), max_size=4).map(
        lambda headers: [("Host", "localhost"), *headers]
    ),
)


async def ask(stage: Stage, request: bytes) -> tuple[int, bytes]:
    """Send a request as it is; return the status and as much of the answer as came with it."""
    reader, writer = await asyncio.open_connection(*stage.gateway.address)
    writer.write(request)
    try:
        async with asyncio.timeout(30.0):
            head = await reader.readuntil(b"\r\n\r\n")
            told = b"problem+json" in head and not request.startswith(b"HEAD")
            body = await reader.read(10_000) if told else b""
    except (asyncio.IncompleteReadError, TimeoutError):
        return 0, b""
    finally:
        writer.transport.abort()
    return int(head.split()[1]), body


async def ask_all(batch: list[bytes]) -> None:
    argocd = FakeArgoCD()
    async with argocd:
        fill(argocd, "a", "b")
        async with run_gateway(argocd) as stage:
            await stage.live()
            for request in batch:
                status, body = await ask(stage, request)
                assert status < 500, (request, status)
                if body:
                    assert json.loads(body)["status"] == status
            await settle()
            assert (await stage.get("/healthz")).status == 200
            assert len(await stage.listed()) == 2
            await until(lambda: len(stage.gateway.hub) == 0, within=5.0)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop)
    assert loop.failures == []


@settings(max_examples=examples(15))
@given(batch=st.lists(requests, min_size=1, max_size=40))
@example(batch=[b"GET /api/stream/pipelines?names=%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n"])
@example(batch=[b'GET /api/pipelines HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "\r\n\r\n'])
@example(batch=[b"GET http://[::1/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"])
@example(batch=[b"GET /api/pipelines HTTP/1.1\r\n\r\n", b"GET /api/pipelines HTTP/1.1\r\nHost: [\r\n\r\n"])
@example(batch=[b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"CONNECT a:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_no_request_whatever_it_says_makes_the_gateway_fail(batch: list[bytes]) -> None:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        runner.run(ask_all(batch))


async def test_a_credential_in_a_malformed_request_is_not_logged(
    argocd: FakeArgoCD, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway(argocd) as stage:
        for header in (b"Authorization: Bearer hush\x01hush", b"Cookie: session=hush\x00"):
            status, _ = await ask(stage, b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n")
            assert status == 400
    assert "hush" not in caplog.text
