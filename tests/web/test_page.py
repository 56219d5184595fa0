"""The page over HTTP: its files, their validators and their policy. What it does in a browser is `tests/browser`."""

import asyncio
import gzip
import posixpath
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.web.page import CONTENT_SECURITY_POLICY, INDEX, leave_out_comments, read_assets
from tests.browser.stage import run_gateway, url_of
from tests.fakes.argocd import FakeArgoCD

ASSETS = read_assets()
FILES = sorted(ASSETS.keys() - {INDEX})


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as fake:
        yield fake


@pytest.fixture
async def gateway(argocd: FakeArgoCD) -> AsyncIterator[Gateway]:
    async with run_gateway(argocd) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    # As a plain client: it asks for no compression, and decodes none.
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as session:
        yield session


async def test_the_page_and_each_of_its_files_come_with_type_and_policy(
    gateway: Gateway, client: aiohttp.ClientSession
) -> None:
    types = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    for name, path in [(INDEX, "/"), *((name, f"/static/{name}") for name in FILES)]:
        async with client.get(url_of(gateway, path)) as response:
            assert response.status == 200
            assert response.content_type == types[name.rsplit(".", 1)[1]]
            assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Content-Encoding" not in response.headers
            assert await response.read() == ASSETS[name].plain


def test_the_policy_lets_nothing_in_but_our_own_files() -> None:
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


def test_the_page_keeps_to_its_policy_and_names_everything_relative_to_itself() -> None:
    markup = ASSETS[INDEX].plain.decode()
    assert " style=" not in markup
    assert "<style" not in markup
    assert re.search(r"\son\w+=", markup) is None
    assert 'src="/' not in markup
    assert 'href="/' not in markup
    assert "://" not in markup
    for name in FILES:
        if name.endswith(".js"):
            script = ASSETS[name].plain.decode()
            unsafe = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
            assert not any(word in script for word in unsafe), name


def imports_of(name: str) -> set[str]:
    """What a module of the page imports before it runs, as names of files."""
    script = ASSETS[name].plain.decode()
    found = re.findall(r"""^(?:import|export)\b[^;"']*?from "(\.[^"]+)";""", script, re.MULTILINE)
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in found}


def modules_from(*names: str) -> set[str]:
    """These modules, and all that they import."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {each for name in waiting for each in imports_of(name)} - found
    return found


FIRST = modules_from("shell/main.js", "overview/page.js")


def test_what_is_shown_first_is_preloaded_and_nothing_else() -> None:
    markup = ASSETS[INDEX].plain.decode()
    named = set(re.findall(r'(?:href|src)="static/([^"]+\.js)"', markup))
    assert named == FIRST


def test_the_first_page_is_light() -> None:
    styles = re.findall(r'href="static/([^"]+\.css)"', ASSETS[INDEX].plain.decode())
    languages = [name for name in FILES if name.startswith("shell/languages/")]
    assert len(languages) >= 2
    loaded = [INDEX, *styles, *FIRST, max(languages, key=lambda name: len(ASSETS[name].gzipped))]
    assert sum(len(ASSETS[name].gzipped) for name in loaded) <= 60_000


def test_each_page_has_its_style() -> None:
    for name in FILES:
        if name.endswith("/page.js"):
            assert name.replace("page.js", "style.css") in ASSETS


@pytest.mark.parametrize("path", ["/api/status", "/healthz", "/static/nothing.js"])
async def test_what_is_not_the_page_may_load_nothing_at_all(
    gateway: Gateway, client: aiohttp.ClientSession, path: str
) -> None:
    async with client.get(url_of(gateway, path)) as response:
        assert "-src 'self'" not in response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/static/shell/main.js"])
async def test_what_a_browser_has_isnt_sent_again(gateway: Gateway, client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(url_of(gateway, path)) as response:
        tag = response.headers["ETag"]
    assert tag.startswith('"'), "a strong one"
    async with client.get(url_of(gateway, path), headers={"If-None-Match": f'"other", {tag}'}) as response:
        assert response.status == 304
        assert response.headers["ETag"] == tag
        assert await response.read() == b""
    async with client.get(url_of(gateway, path), headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_gzip_is_another_form_with_a_tag_of_its_own(gateway: Gateway, client: aiohttp.ClientSession) -> None:
    url = url_of(gateway, "/static/shell/main.js")
    async with client.get(url) as response:
        plain, tag = await response.read(), response.headers["ETag"]
    async with client.get(url, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response.headers["Vary"]
        gzip_tag = response.headers["ETag"]
        assert gzip_tag != tag
        assert gzip.decompress(await response.read()) == plain
    async with client.get(url, headers={"Accept-Encoding": "gzip", "If-None-Match": gzip_tag}) as response:
        assert response.status == 304


async def test_without_compression_the_page_is_plain(argocd: FakeArgoCD, client: aiohttp.ClientSession) -> None:
    async with (
        run_gateway(argocd, compression=False) as gateway,
        client.get(url_of(gateway), headers={"Accept-Encoding": "gzip"}) as response,
    ):
        assert "Content-Encoding" not in response.headers


async def test_head_tells_the_size_without_the_page(gateway: Gateway, client: aiohttp.ClientSession) -> None:
    async with client.head(url_of(gateway)) as response:
        assert (response.status, response.content_length) == (200, len(ASSETS[INDEX].plain))


async def test_under_a_base_path_the_page_is_there_and_only_there(
    argocd: FakeArgoCD, client: aiohttp.ClientSession
) -> None:
    async with run_gateway(argocd, base_path="/live/v1") as gateway:
        statuses = {}
        for path in ("/live/v1/", "/live/v1/static/shell/main.js", "/", "/static/shell/main.js"):
            async with client.get(url_of(gateway, path)) as response:
                statuses[path] = response.status
        assert statuses == {
            "/live/v1/": 200,
            "/live/v1/static/shell/main.js": 200,
            "/": 404,
            "/static/shell/main.js": 404,
        }
        async with client.get(url_of(gateway, "/live/v1?a=b"), allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (307, "/live/v1/?a=b")


async def test_the_page_can_be_left_out(argocd: FakeArgoCD, client: aiohttp.ClientSession) -> None:
    async with run_gateway(argocd, dashboard=False) as gateway:
        for path, status in {"/": 404, "/static/shell/main.js": 404, "/api/status": 200}.items():
            async with client.get(url_of(gateway, path)) as response:
                assert response.status == status


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static",
        "/static/../page.py",
        "/static/..%2fpage.py",
        "/static/%2e%2e/page.py",
        "/static/..%5cpage.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/shell/main.js/",
        "/static/index.html",
    ],
)
async def test_no_path_leads_anywhere_else(gateway: Gateway, path: str) -> None:
    # Byte for byte, for a client library would tidy the path up.
    host, port = gateway.address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split(b" ")[1] == b"404"
    assert b"add_page" not in answer


def test_comments_are_left_out_but_never_code_and_lines_keep_their_numbers() -> None:
    script = b'/**\n * A.\n */\n// Why\nlet a; // b\n/** @type {any} */ (a);\n/* b */ b = "//";\n /* c\n */\nf();\n'
    left = leave_out_comments("a.js", script)
    assert left == b'\n\n\n\nlet a; // b\n/** @type {any} */ (a);\n/* b */ b = "//";\n\n\nf();\n'
    assert leave_out_comments("a.svg", script) == script
