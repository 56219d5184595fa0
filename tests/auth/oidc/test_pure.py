"""The parts by themselves: whatever goes in, what has to hold holds."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.oidc.claims import MAX_TOKEN, describe, find_claim, read_header
from gateway.auth.oidc.cookie import MAX_PARTS, PART, CookieTooLargeError, Jar
from gateway.auth.oidc.errors import LoginError, TokenError
from gateway.auth.oidc.flow import LIFETIME, UsedStates, challenge, choose_return, choose_scopes
from gateway.auth.oidc.memory import Memory
from gateway.auth.oidc.session import Sealer, Session
from gateway.settings.login import decode_session_key, parse_issuer, parse_scopes, parse_session_keys

PARTS = st.sampled_from(["/", "\\", "//", "..", ".", "%2e", "%2f", "%5c", ":", "@", "evil.example", "https:", "a", "?",
                         "#", "\t", "\r\n", " ", "auth/login", "gw", "\x00", "ä"])  # fmt: skip


@given(st.lists(PARTS, max_size=8).map("".join), st.sampled_from(["/", "/gw/"]))
def test_whatever_is_asked_for_a_login_leads_back_to_this_very_site(text: str, root: str) -> None:
    chosen = choose_return(text, root=root)
    seen = urlsplit(urljoin("https://gw.example.org/gw/auth/callback", chosen))
    assert (seen.scheme, seen.netloc) == ("https", "gw.example.org")
    assert seen.path.startswith(root)
    assert not set(chosen) & set("\r\n\t\\ \x00")
    assert choose_return(chosen, root=root) == chosen


def test_ordinary_paths_are_led_back_to() -> None:
    for path in ("/", "/?team=store#x", "/application/argocd/store-auth?tab=tree", "/a%2Fb", "/a:b@c"):
        assert choose_return(path, root="/") == path
    assert choose_return("/other", root="/gw/") == "/gw/"


def test_a_challenge_is_that_of_the_specification() -> None:
    # RFC 7636, appendix B.
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_token_that_is_too_long_is_never_looked_at() -> None:
    with pytest.raises(TokenError, match="too long"):
        read_header("x" * (MAX_TOKEN + 1), ["RS256"])


def test_openid_is_always_asked_for_and_offline_access_only_where_it_is_known() -> None:
    assert choose_scopes(("email",), None) == ("openid", "email")
    assert choose_scopes(("offline_access", "openid"), ("openid",)) == ("openid",)
    assert choose_scopes(("offline_access",), ("offline_access",)) == ("openid", "offline_access")


def test_used_states_are_bounded_and_forgotten_in_time() -> None:
    used = UsedStates(limit=3)
    for number in range(10):
        used.use(str(number), 0.0)
    assert len(used) == 3
    with pytest.raises(LoginError):
        used.use("9", LIFETIME - 1)
    used.use("9", LIFETIME)
    assert len(used) == 1


@given(st.integers(0, PART * MAX_PARTS + 100), st.booleans())
def test_what_cookies_hold_comes_out_as_it_went_in(size: int, secure: bool) -> None:
    jar, text = Jar(secure=secure), "x" * size
    if size > PART * MAX_PARTS:
        with pytest.raises(CookieTooLargeError):
            jar.split(jar.session, text)
        return
    cookies = jar.split(jar.session, text)
    assert len(cookies) == MAX_PARTS
    assert all(len(value) + len(name) < 3_800 for name, value in cookies.items())
    assert (jar.join({name: value for name, value in cookies.items() if value}, jar.session) or "") == text


@given(st.text(), st.text())
def test_cookies_that_somebody_wrote_never_fail(first: str, second: str) -> None:
    jar = Jar(secure=True)
    sealed = jar.join({jar.session: first, f"{jar.session}-1": second}, jar.session)
    assert Sealer([b"k" * 32], scope="x").open(sealed or first, "session", Session) is None


def session(**changes: object) -> Session:
    given = {"id": "s", "subject": "a", "name": "A", "checked_at": 0.0, "fresh_until": 300.0, "ends_at": 1_000.0}
    return Session(**{**given, **changes})  # type: ignore[arg-type]


def test_what_is_sealed_opens_with_the_same_key_as_the_same_kind_only() -> None:
    one, two = b"1" * 32, b"2" * 32
    sealed = Sealer([one], scope="x").seal(session(groups=("x",)), "session")
    assert Sealer([two, one], scope="x").open(sealed, "session", Session) == session(groups=("x",))
    assert Sealer([two], scope="x").open(sealed, "session", Session) is None
    assert Sealer([one], scope="x").open(sealed, "login", Session) is None
    assert Sealer([one], scope="y").open(sealed, "session", Session) is None
    assert Sealer([one], scope="x").seal(session(), "session") != Sealer([one], scope="x").seal(session(), "session")


@given(st.floats(1, 100_000), st.floats(60, 100_000))
def test_a_session_is_renewed_before_it_expires_and_never_at_once(fresh: float, lifetime: float) -> None:
    made = session(fresh_until=fresh, ends_at=lifetime, refresh_token="r")
    assert made.renew_at > made.checked_at
    if fresh < lifetime:
        assert made.renew_at < made.good_until
    assert session(fresh_until=fresh, ends_at=lifetime).renew_at > 1e300


def test_an_older_cookie_is_understood_as_the_renewed_session_until_that_ends() -> None:
    memory = Memory(max_renewed=2, max_ended=2)
    memory.renew(session(generation=2))
    assert memory.newest(session(generation=1)) == session(generation=2)
    assert memory.newest(session(generation=3)) == session(generation=3), "another replica knows more"
    memory.end(session(), now=0)
    memory.renew(session(generation=4))
    assert memory.newest(session(generation=4)) is None
    for number in range(5):
        memory.renew(session(id=str(number)))
        memory.end(session(id=f"e{number}"), now=0)
    assert repr(memory) == "<Memory: 2 renewed, 2 ended>"


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["b", "a", "b"]}, ("a", "b")),
        ({"groups": "one"}, ("one",)),
        ({"groups": []}, ()),
        ({"groups": [1, None, ["x"], "ok"]}, ("ok",)),
        ({"groups": {"x": 1}}, ()),
        ({}, None),
    ],
)
def test_groups_are_what_can_be_a_group(claims: dict[str, object], groups: tuple[str, ...] | None) -> None:
    assert describe({"sub": "a", **claims}, "groups").groups == groups


def test_far_too_many_groups_are_refused() -> None:
    with pytest.raises(TokenError, match="more than 1000 groups"):
        describe({"sub": "a", "groups": [str(number) for number in range(1_001)]}, "groups")


def test_a_claim_may_lie_within_others_or_have_dots_in_its_name() -> None:
    claims = {"realm_access": {"roles": ["x"]}, "https://example.org/groups": ["y"]}
    assert find_claim(claims, "realm_access.roles") == ["x"]
    assert find_claim(claims, "https://example.org/groups") == ["y"]
    assert find_claim(claims, "realm_access.roles.x") is None


@pytest.mark.parametrize(
    "text", ["6b" * 32, "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"]
)
def test_a_key_is_32_bytes_in_hex_or_base64(text: str) -> None:
    assert decode_session_key(text) == b"k" * 32


@pytest.mark.parametrize("text", ["", ",", "k" * 32, "6b" * 31, "6b" * 33, "zz" * 32, "a secret"])
def test_another_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand") as caught:
        parse_session_keys(text)
    assert not text.strip(",") or text not in str(caught.value)


def test_several_keys_come_separated_by_commas_or_lines() -> None:
    assert parse_session_keys(f"{'6b' * 32},\n{'6c' * 32}\n").get_secret_value() == f"{'6b' * 32},{'6c' * 32}"


def test_an_issuer_stays_to_the_letter_and_is_tls_but_on_this_machine() -> None:
    for issuer in ("https://tenant.example.org/", "https://id.example.org/realms/x", "http://localhost:8080/realms/x"):
        assert parse_issuer(issuer) == issuer
    for issuer in ("http://id.example.org", "id.example.org", "https://id.example.org/?x=1", "ftp://x"):
        with pytest.raises(ValueError, match=r"http|begin|leave"):
            parse_issuer(issuer)


def test_scopes_come_with_spaces_or_commas() -> None:
    assert parse_scopes("openid  email,groups email") == ("openid", "email", "groups")
    with pytest.raises(ValueError, match="separated by spaces"):
        parse_scopes('a"b')
