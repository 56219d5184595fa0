"""From the settings: keys and secrets in files are followed while the gateway runs."""

from pathlib import Path

from gateway.auth.oidc.setup import LOOK_INTERVAL, make_logins
from gateway.settings.environment import load
from tests.auth.oidc.conftest import KEY, make_settings, open_site
from tests.auth.oidc.fake import Clock, FakeProvider

NEW = "22" * 32


async def test_keys_in_a_file_are_followed_and_a_broken_file_changes_nothing(
    provider: FakeProvider, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n")
    settings = make_settings(provider.issuer, session_keys=None, session_keys_file=file)
    async for site in open_site(settings, provider, clock):
        await site.log_in()
        for content, subject in ((f"{NEW}\n{KEY}\n", "alice"), ("broken", "alice"), (NEW, "")):
            file.write_text(content)
            clock.now += LOOK_INTERVAL
            assert (await site.whoami())["subject"] == subject
        file.unlink()
        clock.now += LOOK_INTERVAL
        await site.log_in()
        assert (await site.whoami())["subject"] == "alice"


async def test_the_clients_secret_may_come_from_a_file_and_be_replaced(
    provider: FakeProvider, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    settings = make_settings(provider.issuer, oidc_client_secret=None, oidc_client_secret_file=file)
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    async for site in open_site(settings, provider, clock):
        await site.log_in()
        file.write_text("two\n")
        clock.now += LOOK_INTERVAL
        await site.log_in()
    assert [form["client_secret"] for form in provider.forms] == ["one", "two"]
    assert provider.authorizations == [None, None]


async def test_a_public_client_has_no_secret_but_its_verifier(provider: FakeProvider, clock: Clock) -> None:
    async for site in open_site(make_settings(provider.issuer, oidc_client_secret=None), provider, clock):
        assert (await site.log_in()).status == 303
    (form,) = provider.forms
    assert form["client_id"] == "gateway"
    assert "client_secret" not in form
    assert len(form["code_verifier"]) >= 43


def test_nothing_that_is_set_up_shows_a_secret(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "access.toml").write_text("")
    environ = {
        "ARGOCD_BASE_URL": "https://h",
        "GATEWAY_AUTH": "oidc",
        "GATEWAY_ACCESS_FILE": str(tmp_path / "access.toml"),
        "GATEWAY_OIDC_ISSUER": "https://id.example.org/",
        "GATEWAY_OIDC_CLIENT_ID": "gateway",
        "GATEWAY_OIDC_CLIENT_SECRET": "s3cr3t",
        "GATEWAY_SESSION_KEYS": KEY,
    }
    logins = make_logins(load(environ), clock=clock)
    authenticator = logins.authenticator
    shown = f"{logins!r} {authenticator!r} {authenticator.provider!r} {authenticator.sessions!r} {load(environ)!r}"
    assert "s3cr3t" not in shown
    assert KEY not in shown
