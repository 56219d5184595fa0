"""Schemathesis reads the contract as it is served, and asks whatever it allows and whatever it doesn't: no 500, and no
answer that isn't documented.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import Gateway
from gateway.settings.environment import Settings
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

EXAMPLES = 5
"""Requests of each operation and each kind: the run is to stay within some twenty seconds."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
WITHIN = 90.0


async def serve(served: "Future[str]", end: asyncio.Event) -> None:
    async with FakeArgoCD() as argocd:
        for name in ("core", "web", "x", "0"):
            argocd.put(application(name, project="shop", labels={"team": "a"}))
        argocd.put(application("web", namespace="apps"))
        options: dict[str, Any] = {"webhook_github_secret": "a-secret-of-github", "argocd_auth_token": SECRET}
        options |= {"argocd_base_url": argocd.url, "port": 0, "metrics_port": 0, "drain": 0.0, "drain_delay": 0.0}
        gateway = Gateway(Settings(**options))
        published = asyncio.Event()
        gateway.hub.await_state(lambda _: published.set())
        running = asyncio.create_task(gateway.run())
        await published.wait()
        served.set_result("http://{}:{}".format(*gateway.address))
        await end.wait()
        gateway.stop()
        await running


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A gateway in real time, in a thread of its own: Schemathesis waits for its answers."""
    served: Future[str] = Future()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve(served, end))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield served.result(WITHIN)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(WITHIN)


@pytest.fixture(scope="module")
def contract(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/api/openapi.json")


def ask(session: requests.Session, case: Any, url: str) -> None:
    """Send a request and hold its answer against the contract; a stream ends when its headers have come."""
    asked = case.as_transport_kwargs(base_url=url)
    with session.request(**asked, stream=True, timeout=WITHIN) as response:
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            assert response.status_code == 200
            documented = case.operation.definition.raw["responses"]["200"]["content"]
            assert "text/event-stream" in documented
            return
        assert response.content is not None
        case.validate_response(response, checks=CHECKS)


# The gateway beside it draws random numbers, too; Hypothesis takes that for a strategy's.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
def test_no_answer_is_a_500_and_none_is_undocumented(url: str, contract: Any) -> None:
    asked = set()
    with requests.Session() as session:
        for found in contract.get_all_operations():
            operation = found.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                asked.add(operation.label)
                # Where nothing can be wrong, there is nothing wrong to ask for.
                with contextlib.suppress(Unsatisfiable):
                    hold(session, operation.as_strategy(generation_mode=mode), url)
    assert len(asked) >= 26


def hold(session: requests.Session, strategy: st.SearchStrategy[Any], url: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def every(case: Any) -> None:
        ask(session, case, url)

    every()
