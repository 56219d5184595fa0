"""Logins from beginning to end against a provider that answers as a test wants, faults and attacks included."""

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import encode_basic_auth
from structlog.testing import capture_logs

from gateway.auth.identity import Identity
from tests.auth.oidc.conftest import KEY, Site, make_settings, open_site
from tests.auth.oidc.fake import CLIENT_ID, CLIENT_SECRET, Clock, FakeProvider, forge, sign

HTML = {"Accept": "text/html"}


async def test_a_login_asks_for_a_code_with_pkce_state_and_nonce(site: Site, provider: FakeProvider) -> None:
    response = await site.get("/auth/login")
    url = urlsplit(response.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.path, asked["response_type"], asked["code_challenge_method"]) == ("/authorize", "code", "S256")
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == str(site.client.make_url("/auth/callback"))
    assert asked["scope"] == "openid profile email offline_access"
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("gateway-login=ey")
    assert all(flag in cookie for flag in ("HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"))
    assert not any(secret in cookie for secret in (asked["state"], asked["nonce"]))


async def test_whoever_logs_in_is_known_afterwards_and_led_back(site: Site, provider: FakeProvider) -> None:
    response = await site.log_in("/auth/login?return_to=/%3Fteam%3Dstore")
    assert (response.status, response.headers["Location"]) == (303, "/?team=store")
    assert response.headers["Cache-Control"] == "no-store"
    assert await site.whoami() == {"subject": "alice", "name": "Alice", "groups": ["developers"]}
    assert provider.authorizations == [encode_basic_auth("gateway", "a%2Bsecret%2Fof%3Athe-client")]
    assert CLIENT_SECRET not in str(provider.forms)


async def test_the_cookies_of_a_public_site_are_host_cookies_over_tls_only(
    provider: FakeProvider, clock: Clock
) -> None:
    settings = make_settings(provider.issuer, public_url="https://gw.example.org", base_path="/gw")
    async for site in open_site(settings, provider, clock):
        response = await site.get("/gw/auth/login?return_to=/gw/x")
        asked = parse_qs(urlsplit(response.headers["Location"]).query)
        assert asked["redirect_uri"] == ["https://gw.example.org/gw/auth/callback"]
        sealed = response.cookies["__Host-gateway-login"].value
        answer = provider.authorize(response.headers["Location"])
        response = await site.get(
            "/gw/auth/callback", params=answer, headers={"Cookie": f"__Host-gateway-login={sealed}"}
        )
        assert (response.status, response.headers["Location"]) == (303, "/gw/x")
        for morsel in response.cookies.values():
            assert morsel.key.startswith("__Host-gateway")
            assert (morsel["secure"], morsel["httponly"], morsel["path"], morsel["samesite"], morsel["domain"]) == (
                True,
                True,
                "/",
                "Lax",
                "",
            )


async def test_without_a_public_url_only_this_machine_logs_in(site: Site) -> None:
    response = await site.get("/auth/login", headers={"Host": "evil.example"})
    assert response.status == 503
    assert "GATEWAY_PUBLIC_URL" in (await response.json())["detail"]


@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "/%0d%0a/../..",
        "/a//evil.example",
        "/..//evil.example",
        "/%2e%2e//evil.example",
        "/.//evil.example",
        "evil.example",
        "",
        "/auth/login",
        "/auth/logout",
        "/" + "x" * 2_000,
        "/ä",
    ],
)
async def test_no_login_leads_to_another_site(site: Site, return_to: str) -> None:
    response = await site.get("/auth/login", params={"return_to": return_to})
    answer = site.provider.authorize(response.headers["Location"])
    response = await site.get("/auth/callback", params=answer)
    assert response.headers["Location"] == "/"


async def test_a_state_works_once(site: Site, provider: FakeProvider) -> None:
    response = await site.get("/auth/login")
    cookie = {"Cookie": f"gateway-login={response.cookies['gateway-login'].value}"}
    answer = provider.authorize(response.headers["Location"])
    assert (await site.get("/auth/callback", params=answer, headers=cookie)).status == 303
    again = {**answer, "code": next(iter(provider.codes), "code-9")}
    site.client.session.cookie_jar.clear()
    response = await site.get("/auth/callback", params=again, headers=cookie)
    assert response.status == 400
    assert "works once" in (await response.json())["detail"]
    assert provider.asked["/token"] == 1


async def test_an_answer_to_another_browsers_login_is_refused(site: Site, provider: FakeProvider) -> None:
    mine = await site.go_to_provider()
    site.client.session.cookie_jar.clear()
    assert (await site.get("/auth/callback", params=mine)).status == 400
    theirs = await site.go_to_provider()
    response = await site.get("/auth/callback", params={**mine, "code": theirs["code"]})
    assert response.status == 400
    assert provider.asked["/token"] == 0


async def test_a_login_that_took_too_long_is_refused(site: Site, clock: Clock) -> None:
    answer = await site.go_to_provider()
    clock.now += 601
    assert (await site.get("/auth/callback", params=answer)).status == 400


async def test_who_is_logged_in_already_comes_to_the_page_and_not_to_an_error(site: Site) -> None:
    answer = await site.go_to_provider()
    assert (await site.get("/auth/callback", params=answer)).status == 303
    response = await site.get("/auth/callback", params=answer, headers=HTML)
    assert (response.status, response.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"error": "access_denied", "error_description": "<script>x</script>"}, 403, "turned back"),
        ({"error": "<script>alert(1)</script>"}, 400, "refuses the login"),
        ({"code": ""}, 400, "no code"),
        ({"iss": "https://evil.example", "code": "x"}, 400, "Another provider"),
    ],
)
async def test_what_the_provider_refuses_is_explained(
    site: Site, answer: dict[str, str], status: int, text: str
) -> None:
    state = (await site.go_to_provider())["state"]
    response = await site.get("/auth/callback", params={**answer, "state": state}, headers=HTML)
    page = await response.text()
    assert response.status == status
    assert text in page
    assert "script" not in page
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another-client"}, "audience"),
        ({"aud": [CLIENT_ID, "another"], "azp": None}, "audience"),
        ({"azp": "another-client"}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "claims"),
        ({"iat": 4_000_000_000}, "claims"),
        ({"iat": None}, "claims"),
        ({"sub": None}, "claims"),
        ({"sub": ""}, "claims"),
        ({"sub": "a\r\nb"}, "subject"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at-hash"),
    ],
)
async def test_an_id_token_that_isnt_right_logs_nobody_in(
    site: Site, provider: FakeProvider, wrong: dict[str, Any], reason: str
) -> None:
    provider.id_claims = wrong
    response = await site.log_in()
    assert response.status == 400
    assert site.logins.counts == {reason: 1}
    assert (await site.whoami())["subject"] == ""


async def test_an_access_token_is_compared_with_its_hash_where_there_is_one(site: Site, provider: FakeProvider) -> None:
    # OpenID Connect Core 1.0, section 3.1.3.6: the left half of the hash.
    half = hashlib.sha256(b"access").digest()[:16]
    provider.id_claims = {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}
    assert (await site.log_in()).status == 303


async def test_a_token_that_nobody_signed_logs_nobody_in(site: Site, provider: FakeProvider) -> None:
    provider.sign = lambda claims: forge({"alg": "none", "typ": "JWT"}, claims)
    assert (await site.log_in()).status == 400
    assert site.logins.counts == {"algorithm": 1}


async def test_groups_that_only_userinfo_has_are_asked_for(site: Site, provider: FakeProvider) -> None:
    provider.groups = None
    provider.userinfo = {"sub": "alice", "groups": ["operators"]}
    await site.log_in()
    assert await site.whoami() == {"subject": "alice", "name": "Alice", "groups": ["operators"]}


async def test_userinfo_about_somebody_else_is_refused(site: Site, provider: FakeProvider) -> None:
    provider.groups = None
    provider.userinfo = {"sub": "mallory", "groups": ["operators"]}
    assert (await site.log_in()).status == 400


async def test_names_and_groups_that_would_break_lines_are_cleaned_or_left_out(
    site: Site, provider: FakeProvider
) -> None:
    provider.alice = {"sub": "alice", "name": "Alice\r\nSet-Cookie: x=y\u202e<b>"}
    provider.groups = ["ok", "bad\r\ngroup", " padded ", "", "x" * 300]
    await site.log_in()
    assert await site.whoami() == {"subject": "alice", "name": "Alice Set-Cookie: x=y <b>", "groups": ["ok"]}
    page = await (await site.get("/auth/logout", headers=HTML)).text()
    assert "x=y &lt;b&gt;" in page


async def test_a_session_of_many_groups_takes_two_cookies_and_of_too_many_says_so(
    site: Site, provider: FakeProvider
) -> None:
    provider.groups = [f"department-{number:04}/team" for number in range(150)]
    response = await site.log_in()
    assert response.cookies["gateway-1"].value
    assert len((await site.whoami())["groups"]) == 150
    provider.groups = provider.groups[:3]
    response = await site.log_in()
    assert response.cookies["gateway-1"]["max-age"] == "0"
    assert len((await site.whoami())["groups"]) == 3
    provider.groups = [f"department-{number:04}/team" for number in range(400)]
    response = await site.log_in()
    assert response.status == 403
    assert "400 groups" in (await response.json())["detail"]


async def test_a_cookie_that_was_changed_opens_nothing(site: Site) -> None:
    response = await site.log_in()
    sealed = response.cookies["gateway"].value
    site.client.session.cookie_jar.clear()
    for changed in (
        sealed[:-2] + "AA",
        sealed[2:],
        sealed.replace("1.", "2.", 1),
        "1." + "x" * 9_000,
        "1.a.b.c.d.e",
        "9.x",
    ):
        headers = {"Cookie": f"gateway={changed[:7_000]}"}
        assert (await site.whoami(headers=headers))["subject"] == ""
    assert (await site.whoami(headers={"Cookie": f"gateway={sealed}"}))["subject"] == "alice"


async def test_the_cookie_of_a_login_is_no_session(site: Site) -> None:
    response = await site.get("/auth/login")
    sealed = response.cookies["gateway-login"].value
    assert (await site.whoami(headers={"Cookie": f"gateway=1.{sealed}"}))["subject"] == ""


async def test_keys_can_be_replaced_while_sessions_go_on(provider: FakeProvider, clock: Clock) -> None:
    async for old in open_site(make_settings(provider.issuer), provider, clock):
        sealed = (await old.log_in()).cookies["gateway"].value
    headers = {"Cookie": f"gateway={sealed}"}
    for keys, subject in ((f"{'22' * 32},{KEY}", "alice"), ("22" * 32, "")):
        async for site in open_site(make_settings(provider.issuer, session_keys=keys), provider, clock):
            assert (await site.whoami(headers=headers))["subject"] == subject


async def test_a_session_of_another_client_is_none_here_though_the_key_is_the_same(
    provider: FakeProvider, clock: Clock
) -> None:
    async for staging in open_site(make_settings(provider.issuer), provider, clock):
        sealed = (await staging.log_in()).cookies["gateway"].value
    async for site in open_site(make_settings(provider.issuer, oidc_client_id="production"), provider, clock):
        assert (await site.whoami(headers={"Cookie": f"gateway={sealed}"}))["subject"] == ""


# Renewals.


async def test_a_session_is_renewed_shortly_before_it_expires_and_sees_other_groups(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    await site.log_in()
    told: list[int] = []
    site.logins.authenticator.sessions.follow(lambda: told.append(1))
    clock.now += 200
    await site.whoami()
    assert provider.asked["/token"] == 1
    provider.groups = ["operators"]
    clock.now += 50
    response = await site.get("/whoami")
    assert (await response.json())["groups"] == ["operators"]
    assert response.cookies["gateway"].value
    assert "private" in response.headers["Cache-Control"]
    assert (provider.asked["/token"], told) == (2, [1])
    assert "gateway" not in (await site.get("/whoami")).cookies


async def test_whoever_is_in_no_group_any_more_has_none_though_the_provider_says_nothing_of_groups(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    await site.log_in()
    provider.groups = None
    clock.now += 250
    assert await site.whoami() == {"subject": "alice", "name": "Alice", "groups": []}


async def test_an_open_stream_learns_what_a_renewal_brought_and_that_a_session_has_ended(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    response = await site.log_in()
    identity = await _identify(site, response.cookies["gateway"].value)
    recheck = site.logins.authenticator.recheck
    assert recheck(identity, clock.now) == identity
    assert recheck(identity, clock.now + 301) is None
    provider.groups = ["operators"]
    clock.now += 250
    await site.whoami()
    now = recheck(identity, clock.now + 100)
    assert now is not None
    assert now.groups == {"operators"}
    assert (now.credential, now.subject) == (identity.credential, "alice")
    assert (await site.client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})).status == 200
    assert recheck(identity, clock.now) is None


async def test_a_renewal_is_asked_for_once_however_many_want_it(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    sealed = (await site.log_in()).cookies["gateway"].value
    headers = {"Cookie": f"gateway={sealed}"}
    clock.now += 350
    provider.hold = asyncio.Event()
    waiting = [asyncio.ensure_future(site.get("/whoami", headers=headers)) for _ in range(20)]
    await provider.held.wait()
    provider.hold.set()
    for response in await asyncio.gather(*waiting):
        assert (await response.json())["subject"] == "alice"
    # Later ones still have the old cookie, whose refresh token is used up.
    assert (await site.whoami(headers=headers))["subject"] == "alice"
    assert provider.asked["/token"] == 2


async def test_a_session_that_the_provider_has_ended_ends(site: Site, provider: FakeProvider, clock: Clock) -> None:
    await site.log_in()
    provider.refresh_token = "revoked-0"
    clock.now += 250
    assert (await site.whoami())["subject"] == "alice", "another replica may have used the refresh token"
    clock.now += 51
    response = await site.get("/whoami")
    assert (await response.json())["error"] == "expired"
    assert response.cookies["gateway"]["max-age"] == "0"
    assert (await site.whoami())["subject"] == ""


async def test_a_renewal_for_somebody_else_ends_the_session(site: Site, provider: FakeProvider, clock: Clock) -> None:
    await site.log_in()
    provider.alice = {"sub": "mallory", "name": "Mallory"}
    clock.now += 250
    assert (await site.whoami())["error"] == "expired"


async def test_no_session_is_longer_than_its_lifetime(site: Site, provider: FakeProvider, clock: Clock) -> None:
    await site.log_in()
    end = clock.now + 43_200
    while clock.now + 250 < end:
        clock.now += 250
        assert (await site.whoami())["subject"] == "alice"
    clock.now = end
    assert (await site.whoami())["error"] == "expired"


async def test_without_a_refresh_token_a_session_ends_with_its_id_token(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    provider.gives_refresh_token = False
    provider.expires_in = 9_000
    await site.log_in()
    clock.now += 299
    assert (await site.whoami())["subject"] == "alice"
    clock.now += 1
    assert (await site.whoami())["error"] == "expired"


# The provider is away.


async def test_while_the_provider_is_away_sessions_go_on_and_logins_say_so(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    await site.log_in()
    provider.answers = {"/token": 503, "/.well-known/openid-configuration": 503}
    clock.now += 250
    assert (await site.whoami())["subject"] == "alice"
    clock.now += 51
    assert (await site.whoami())["error"] == "unavailable"
    asked = provider.asked["/token"]
    assert (await site.whoami())["error"] == "unavailable"
    assert provider.asked["/token"] == asked, "a provider that is away isn't asked by every request"
    provider.answers = {}
    clock.now += 6
    assert (await site.whoami())["subject"] == "alice"


async def test_a_login_without_a_provider_is_a_clear_page(site: Site, provider: FakeProvider) -> None:
    provider.answers = {"/.well-known/openid-configuration": 503}
    response = await site.get("/auth/login", headers=HTML)
    page = await response.text()
    assert (response.status, response.headers["Retry-After"]) == (503, "10")
    assert "Nobody can log in now" in page
    response = await site.get("/auth/login", headers={"Accept": "application/json"})
    assert (response.status, (await response.json())["type"][-17:]) == (503, "login-unavailable")
    assert provider.asked["/.well-known/openid-configuration"] == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": None},
        {"response_types_supported": ["id_token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
)
async def test_a_discovery_document_that_isnt_right_is_never_followed(
    site: Site, provider: FakeProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    assert (await site.get("/auth/login")).status == 503


async def test_a_provider_that_promised_its_name_in_answers_has_to_give_it(site: Site, provider: FakeProvider) -> None:
    provider.document = {"authorization_response_iss_parameter_supported": True}
    answer = await site.go_to_provider()
    assert (await site.get("/auth/callback", params=answer)).status == 400


# Logout.


async def test_a_logout_ends_the_session_here_and_at_the_provider(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    sealed = (await site.log_in()).cookies["gateway"].value
    response = await site.client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    location = urlsplit((await response.json())["location"])
    assert parse_qs(location.query) == {
        "hello": ["1"],
        "client_id": [CLIENT_ID],
        "post_logout_redirect_uri": [str(site.client.make_url("/auth/logout"))],
    }
    assert response.cookies["gateway"]["max-age"] == "0"
    assert provider.revoked == ["refresh-1"]
    assert (await site.whoami())["subject"] == ""
    assert (await site.whoami(headers={"Cookie": f"gateway={sealed}"}))["error"] == "expired", "a copy of the cookie"


async def test_a_copied_cookie_dies_with_its_refresh_token_even_at_a_gateway_that_knows_nothing_of_the_logout(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    sealed = (await site.log_in()).cookies["gateway"].value
    await site.client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    provider.refresh_token = "revoked-0"
    async for other in open_site(make_settings(provider.issuer), provider, clock):
        clock.now += 301
        assert (await other.whoami(headers={"Cookie": f"gateway={sealed}"}))["error"] == "expired"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
async def test_no_other_page_logs_anybody_out(site: Site, headers: dict[str, str]) -> None:
    await site.log_in()
    assert (await site.client.post("/auth/logout", headers=headers)).status == 403
    assert (await site.whoami())["subject"] == "alice"


async def test_a_link_to_the_logout_asks_first(site: Site) -> None:
    await site.log_in()
    page = await (await site.get("/auth/logout", headers=HTML)).text()
    assert "Log out?" in page
    assert (await site.whoami())["subject"] == "alice"
    response = await site.client.post(
        "/auth/logout", headers={**HTML, "Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    )
    assert response.status == 303
    assert "You are logged out" in await (await site.get("/auth/logout", headers=HTML)).text()


async def test_nothing_that_is_logged_holds_a_secret(site: Site, provider: FakeProvider, clock: Clock) -> None:
    with capture_logs() as logs:
        await site.log_in()
        clock.now += 250
        await site.whoami()
        await site.client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
        provider.id_claims = {"nonce": "x"}
        await site.log_in()
        await site.whoami(headers={"Authorization": f"Bearer {sign(provider.claims())}"})
    text = repr(logs)
    assert [log["event"] for log in logs] == [
        "audit.login",
        "audit.logout",
        "audit.login_failed",
        "audit.token_refused",
    ]
    assert not any(secret in text for secret in ("refresh-", "code-", "eyJ", CLIENT_SECRET, KEY, "access"))


async def _identify(site: Site, sealed: str) -> Identity:
    session = site.logins.authenticator.sessions.read({"gateway": sealed}, site.logins.authenticator.jar)
    assert session is not None
    assert "refresh-" not in repr(session)
    return session.identify()
