"""The token that a reader shows: where it is taken from, what is wrong with one, and that nobody else sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gateway.app import Gateway
from gateway.auth.tokens import make_token, write_entry
from gateway.cli import app
from gateway.consumer.credential import Credential, CredentialError, choose_credential
from gateway.settings.environment import Settings, unknown_names
from tests.e2e.test_cli import Outcome
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

SHOP, PAY = make_token(b"s" * 32), make_token(b"p" * 32)
ACCESS = '[[groups.shop.rules]]\nprojects = ["shop"]\nhide = ["messages"]\n'


def test_a_file_goes_before_the_environment_and_nothing_is_shown_without_either(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f" {SHOP}\n")
    environ = {"GATEWAY_TOKEN": PAY}
    assert choose_credential(file, environ).headers() == {"Authorization": f"Bearer {SHOP}"}
    assert choose_credential(None, environ).headers() == {"Authorization": f"Bearer {PAY}"}
    assert choose_credential(None, {"GATEWAY_TOKEN": ""}).headers() == {}
    assert PAY not in repr(choose_credential(None, environ))


def test_a_token_that_is_replaced_is_shown_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SHOP)
    credential = Credential(file=file)
    file.write_text(PAY)
    assert credential.headers() == {"Authorization": f"Bearer {PAY}"}


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"two words", b"a\x00b", b"\xff\xfe", "schlüssel".encode(), b"x" * 70_000]
)
def test_what_is_no_token_is_said_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(CredentialError, match="holds no token") as caught:
        choose_credential(file, {})
    assert "words" not in str(caught.value)
    with pytest.raises(CredentialError, match="can't be read: No such file"):
        choose_credential(tmp_path / "missing", {})


def test_a_gateway_takes_the_readers_variables_for_no_settings_of_its_own() -> None:
    assert unknown_names({"GATEWAY_TOKEN": "x", "GATEWAY_TOKEN_FILE": "y"}) == []


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "access.toml").write_text(ACCESS)
    entries = [("shop", SHOP, None), ("pay", PAY, None), ("old", make_token(b"o" * 32), 1.0)]
    (tmp_path / "tokens.toml").write_text(
        "".join(write_entry(name=name, token=token, groups=[name], expires_at=end) for name, token, end in entries)
    )
    async with FakeArgoCD() as argocd:
        argocd.put(application("core", project="shop", health="Degraded", message="why"))
        argocd.put(application("ledger", project="pay"))
        settings = Settings(
            argocd_base_url=argocd.url,
            argocd_auth_token=SecretStr(SECRET),
            port=0,
            metrics_port=0,
            drain=0.0,
            drain_delay=0.0,
            auth="tokens",
            access_file=tmp_path / "access.toml",
            tokens_file=tmp_path / "tokens.toml",
        )
        gateway = Gateway(settings)
        published = asyncio.Event()
        gateway.hub.await_state(lambda _: published.set())
        # The commands run in this process: what the gateway logs would be among what they say.
        with capture_logs():
            running = asyncio.create_task(gateway.run())
            await gateway.ready.wait()
            await published.wait()
            try:
                yield "http://{}:{}".format(*gateway.address)
            finally:
                gateway.stop()
                await running


async def test_every_command_shows_the_token_and_says_clearly_when_it_is_not_let_in(url: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SHOP)
    of_file, old = ("--token-file", str(file)), make_token(b"o" * 32)
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("tail", url, "--once", *of_file), {}),
        (("status", url), {"GATEWAY_TOKEN": SHOP}),
        (("report", "--url", url), {"GATEWAY_TOKEN_FILE": str(file)}),
        (("release", "check", "a" * 40, "--url", url, *of_file), {}),
        (("conformance", url, "--clients", "4", "--seconds", "2", *of_file), {}),
        (("tail", url, "--once"), {}),
        (("status", url), {"GATEWAY_TOKEN": old}),
        (("report", "--url", url), {"GATEWAY_TOKEN": PAY}),
        (("conformance", url), {"GATEWAY_TOKEN": "gwt_wrong"}),
        (("status", url, "--token-file", str(tmp_path / "missing")), {}),
    ]
    outcomes: list[Outcome] = []
    for arguments, environ in asked:
        # In a thread: a process for each would take a while.
        done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environ)
        outcomes.append(Outcome(done.exit_code, done.stdout, done.stderr))
    tail, status, report, release, conformance, *refused = outcomes
    assert (tail.code, [line.split()[0] for line in tail.out.splitlines()]) == (0, ["shop/core"]), tail
    assert status.code == 0, status
    assert report.code == 0, report
    assert conformance.code == 0, conformance
    assert "404" in release.err, release
    hint = "A token is shown by --token-file, or GATEWAY_TOKEN."
    for outcome, words in zip(
        refused,
        ("401: This isn't public: show who you are. " + hint, "401: This token has expired", "403: You are known here",
         "401: This token isn't known", "can't be read: No such file"),
        strict=True,
    ):  # fmt: skip
        assert (outcome.code, outcome.out) == (2, ""), outcome
        assert words in outcome.err, outcome
        assert len(outcome.err.splitlines()) == 1, outcome
    for outcome in outcomes:
        assert not {token for token in (SHOP, PAY, old, "gwt_wrong") if token in outcome.out + outcome.err}
