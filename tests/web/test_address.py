"""Where a request comes from: a proxy that is believed may say so, nobody else."""

import pytest

from gateway.web.address import find_address

PROXY, INNER, CLIENT, LIE = "10.0.0.1", "10.0.0.2", "192.0.2.7", "203.0.113.9"


def trusts(address: str) -> bool:
    return address.startswith("10.")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, [LIE], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"{LIE}, {CLIENT}"], CLIENT),
        (PROXY, [LIE, CLIENT], CLIENT),
        (PROXY, [f"{LIE},{CLIENT},{INNER}"], CLIENT),
        (PROXY, [f"{CLIENT}:4711"], CLIENT),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        (PROXY, ["unknown"], PROXY),
        (PROXY, [f"{LIE}, nonsense"], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, [",".join([LIE] + [INNER] * 30)], INNER),
        (None, [CLIENT], None),
    ],
)
def test_a_forwarded_address_counts_as_far_as_each_that_added_one_is_believed(
    peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    assert find_address(peer, forwarded, trusts=trusts) == expected
