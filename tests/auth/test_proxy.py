"""A proxy's headers are believed from its addresses alone, and only where they name one user."""

from ipaddress import ip_network

import pytest

from gateway.auth.identity import ANONYMOUS
from gateway.auth.proxy import HeaderError, ProxyHeaders

HEADERS = ProxyHeaders(
    trusted=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")), user="X-Forwarded-User", groups="X-Forwarded-Groups"
)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "::ffff:10.1.2.3", "fd00::1%eth0"])
def test_a_trusted_proxy_names_a_user_and_groups(address: str) -> None:
    identity = HEADERS.identify(address, ["alice"], ["shop, core", "ops"])
    assert (identity.subject, identity.method) == ("alice", "proxy")
    assert identity.groups == {"shop", "core", "ops"}
    assert identity.expires_at is None


@pytest.mark.parametrize("address", ["192.0.2.1", "::1", "::ffff:192.0.2.1", "", None, "nonsense", "10.1.2.3:80"])
def test_from_anyone_else_the_headers_are_ignored(address: str | None) -> None:
    assert HEADERS.identify(address, ["alice"], ["platform"]) is ANONYMOUS


def test_a_proxy_that_names_nobody_means_the_anonymous_whatever_groups_it_names() -> None:
    assert HEADERS.identify("10.0.0.1", [], ["platform"]) is ANONYMOUS
    assert HEADERS.identify("10.0.0.1", [" "], ["platform"]) is ANONYMOUS


@pytest.mark.parametrize(
    ("users", "groups"),
    [
        (["alice", "mallory"], []),
        (["alice", ""], []),
        (["ali\x00ce"], []),
        (["alice\r\nX-Forwarded-Groups: platform"], []),
        (["a" * 254], []),
        (["\udcff"], []),
        (["alice"], ["a\tb"]),
        (["alice"], [",".join(map(str, range(501)))]),
    ],
)
def test_headers_that_were_smuggled_or_broken_let_nobody_in(users: list[str], groups: list[str]) -> None:
    with pytest.raises(HeaderError) as error:
        HEADERS.identify("10.0.0.1", users, groups)
    assert "mallory" not in str(error.value)
