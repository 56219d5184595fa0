"""Refreshes that somebody asks for, and what is told of whoever asks: by a gateway as it runs."""

import asyncio
from typing import Any

import pytest

from gateway.delivery.refresh import APART
from gateway.delivery.refresher import PATIENCE, WANTED_AT_ONCE
from tests.contract.documents import Contract
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Answer, Stage, run_gateway, write_token
from tests.e2e.test_access import ACCESS, HEADERS, files, filled
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

__all__ = ["files", "filled"]

OF, IN = "/api/pipelines/{name}/refresh", "/api/pipelines/{namespace}/{name}/refresh"
SHOP = ACCESS.replace('projects = ["shop"]', 'projects = ["shop"]\nverbs = ["view", "refresh"]')


@pytest.fixture
def granted(files: dict[str, Any]) -> dict[str, Any]:
    """An access in which `shop` may refresh what is theirs, and `pay` may only see."""
    files["access_file"].write_text(SHOP)
    return files


async def ask(stage: Stage, path: str, caller: str = "right", **headers: str) -> Answer:
    answer = await stage.get(f"/api/pipelines/{path}/refresh", method="POST", headers={**HEADERS[caller], **headers})
    Contract().check_answer(IN if "/" in path else OF, answer, method="post")
    return answer


def slug(answer: Answer) -> str:
    return str(answer.json["type"]).rpartition(":")[2]


def refreshed(argocd: FakeArgoCD) -> list[str]:
    return [
        f"{request.query['appNamespace']}/{request.path.rpartition('/')[2]}"
        for request in argocd.requests
        if request.query.get("refresh") == "normal"
    ]


def audited(logs: list[Any]) -> list[tuple[str, str, str]]:
    found = [each for each in logs if each["event"] == "audit.refresh"]
    return [(each["identity"], each["application"], each["outcome"]) for each in found]


async def test_who_may_has_argo_cd_compare_and_the_log_says_who_it_was(
    filled: FakeArgoCD, granted: dict[str, Any], logs: list[Any]
) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        answer = await ask(stage, "argocd/web")
        assert (answer.status, answer.json) == (202, {"application": "argocd/web", "outcome": "asked"})
        assert (await ask(stage, "till", "admin")).json["application"] == "argocd/till"
        assert refreshed(filled) == ["argocd/web", "argocd/till"]
        metrics = (await stage.get(stage.metrics_url)).body.decode()
        assert 'gateway_refreshes_total{outcome="asked"} 2.0' in metrics
    assert audited(logs) == [("shop", "argocd/web", "asked"), ("ops", "argocd/till", "asked")]


async def test_what_was_just_asked_for_is_not_asked_again(filled: FakeArgoCD, granted: dict[str, Any]) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        outcomes = [(await ask(stage, "argocd/web")).json["outcome"] for _ in range(3)]
        assert outcomes == ["asked", "recent", "recent"]
        await let_pass(APART)
        assert (await ask(stage, "argocd/web")).json["outcome"] == "asked"
        assert len(refreshed(filled)) == 2


async def test_who_may_only_see_is_refused_and_who_may_not_even_that_learns_nothing(
    filled: FakeArgoCD, granted: dict[str, Any], logs: list[Any]
) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        # One who has the right nowhere.
        assert slug(await ask(stage, "till", "other")) == "forbidden"
        # One who has it elsewhere: what they see is refused, what they don't see looks like what there is not.
        more = '\n[[groups.pay.rules]]\nprojects = ["public"]\nverbs = ["refresh"]\n'
        write_token(granted["access_file"], SHOP + more)
        await until(lambda: stage.gateway.entrance.keeper.counts["reloaded"] == 1)
        assert slug(await ask(stage, "till", "other")) == "forbidden"
        unseen, missing = await ask(stage, "argocd/web", "other"), await ask(stage, "argocd/nix", "other")
        assert (unseen.status, unseen.body) == (missing.status, missing.body)
        assert slug(unseen) == "unknown-application"
        # The right alone is enough: a program need not see what it has compared.
        assert (await ask(stage, "docs", "other")).status == 202
        assert (await stage.get("/api/pipelines/docs", headers=HEADERS["other"])).status == 404
        assert refreshed(filled) == ["argocd/docs"]
    assert [each["need"] for each in logs if each["event"] == "audit.denied"] == ["refresh"] * 2


async def test_a_name_that_several_have_is_ambiguous_only_among_what_is_granted(
    filled: FakeArgoCD, granted: dict[str, Any]
) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        answer = await ask(stage, "web")
        assert (answer.status, answer.json["candidates"]) == (409, ["apps/web", "argocd/web"])
        assert (await ask(stage, "web", "other")).status == 403
        assert (await ask(stage, "web", "nobody")).status == 401


async def test_no_page_of_another_site_has_anything_refreshed(filled: FakeArgoCD, granted: dict[str, Any]) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        assert slug(await ask(stage, "argocd/web", **{"Sec-Fetch-Site": "cross-site"})) == "foreign-origin"
        assert slug(await ask(stage, "argocd/web", Origin="https://evil.example.org")) == "foreign-origin"
        assert refreshed(filled) == []


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [(403, 502, "argocd-refused"), (401, 502, "argocd-refused"), (404, 502, "argocd-refused"),
     (500, 503, "argocd-unavailable")],
)  # fmt: skip
async def test_where_argo_cd_refuses_whoever_asked_is_told_and_may_ask_again(
    filled: FakeArgoCD, granted: dict[str, Any], logs: list[Any], status: int, answer: int, kind: str
) -> None:
    filled.details.part_status["application"] = status
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        for _ in range(2):
            refused = await ask(stage, "argocd/web")
            assert (refused.status, slug(refused)) == (answer, kind)
        filled.details.part_status.clear()
        assert (await ask(stage, "argocd/web")).json["outcome"] == "asked"
    assert len(audited(logs)) == 3


async def test_where_argo_cd_takes_its_time_nobody_waits_for_long_and_not_too_many_ask(
    filled: FakeArgoCD, granted: dict[str, Any]
) -> None:
    for number in range(WANTED_AT_ONCE + 1):
        filled.put(application(f"slow-{number}", project="shop"))
    async with run_gateway(filled, **granted, max_refreshes_per_minute=1_000) as stage:
        await stage.live()
        filled.details.hold("application")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answers = await asyncio.gather(*(ask(stage, f"argocd/slow-{number}") for number in range(WANTED_AT_ONCE)))
        assert {answer.status for answer in answers} == {202}
        assert loop.time() - begun < 2 * PATIENCE
        busy = await ask(stage, f"argocd/slow-{WANTED_AT_ONCE}")
        assert (busy.status, slug(busy)) == (503, "overloaded")
        filled.details.release("application")
        await until(lambda: stage.gateway.errands.counts["refresh_asked"] == WANTED_AT_ONCE)


async def test_who_asks_for_too_many_refreshes_is_told_when_to_come_back(
    filled: FakeArgoCD, granted: dict[str, Any]
) -> None:
    async with run_gateway(filled, **granted, max_refreshes_per_minute=3) as stage:
        await stage.live()
        answers = [await ask(stage, "argocd/web") for _ in range(4)]
        assert [answer.status for answer in answers[:2]] == [202, 202]
        assert (answers[-1].status, slug(answers[-1])) == (429, "too-many")
        assert (await ask(stage, "argocd/web", "admin")).status == 202, "another's share"
        assert stage.gateway.entrance.turnstile.limits.counts["refreshes_identity"] >= 1
        await let_pass(int(answers[-1].headers["Retry-After"]))
        assert (await ask(stage, "argocd/web")).status == 202


# Who asks.


async def me(stage: Stage, caller: str, query: str = "") -> Answer:
    answer = await stage.get(f"/api/me{query}", headers=HEADERS[caller])
    Contract().check_answer("/api/me", answer)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


async def test_everybody_is_told_who_they_are_and_what_they_may(filled: FakeArgoCD, granted: dict[str, Any]) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        assert (await me(stage, "nobody")).json == {"anonymous": True, "verbs": []}
        assert (await me(stage, "right")).json == {
            "anonymous": False,
            "name": "shop",
            "subject": "shop",
            "method": "token",
            "groups": ["shop"],
            "verbs": ["view", "refresh"],
        }
        assert (await me(stage, "admin")).json["verbs"] == ["view", "webhooks", "refresh", "admin"]
        for caller in ("expired", "unknown"):
            answer = await stage.get("/api/me", headers=HEADERS[caller])
            assert (answer.status, slug(answer)) == (401, "unauthenticated")


async def test_what_may_be_done_to_one_application_tells_nothing_of_one_that_is_not_seen(
    filled: FakeArgoCD, granted: dict[str, Any]
) -> None:
    async with run_gateway(filled, **granted) as stage:
        await stage.live()
        seen = (await me(stage, "right", "?application=argocd/web")).json
        assert (seen["application"], seen["verbs"]) == ("argocd/web", ["view", "refresh"])
        unseen = await me(stage, "right", "?application=argocd/till")
        missing = await me(stage, "right", "?application=argocd/nix1")
        assert unseen.body.replace(b"till", b"nix1") == missing.body
        assert unseen.json["verbs"] == []
        for query in ("?application=web", "?x=1", "?application=a/b&application=c/d"):
            answer = await stage.get(f"/api/me{query}", headers=HEADERS["right"])
            assert (answer.status, slug(answer)) == (400, "bad-parameters")
