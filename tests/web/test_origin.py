"""Pages of other sites: they may not act, whatever name a proxy gives the gateway."""

import pytest

from gateway.web.origin import is_foreign

HOST, SITE = "gateway.svc:8090", "https://gateway.example.org"


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": SITE}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": SITE}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, True),
        ({"Sec-Fetch-Site": ""}, True),
        ({"Origin": SITE}, False),
        ({"Origin": f"http://{HOST}"}, False),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "https://gateway.example.org.evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://[broken"}, True),
        ({}, False),
    ],
)
def test_only_its_own_pages_may_have_a_browser_act(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(headers, host=HOST, site=SITE) is foreign


def test_without_a_host_no_page_is_its_own() -> None:
    assert is_foreign({"Origin": "https://evil.example"}, host=None, site=None)
