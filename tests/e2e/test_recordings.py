"""Streams of a real Argo CD, played: at every event, everybody sees what Argo CD said last."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.hub.frame import Form
from gateway.store.state import Store
from tests.e2e.fastloop import until
from tests.e2e.harness import Documents, Stage, by_key, run_gateway, timeless, truth
from tests.e2e.subscriber import Subscriber
from tests.fakes import recordings
from tests.fakes.applications import key_of, version_of
from tests.fakes.argocd import FakeArgoCD

DEPLOY_DAY_CHANGES = 758 - 222
"""The events of the deploy day that change a document."""

LOST_DELETE, LOST_UPDATE = "argocd/fleet-0006-gateway", "argocd/astrago-batch"
"""What happened during the burst of `lost-in-burst`, and isn't in it."""

VIEWS = ("", "?projects=store", "?health=Progressing,Degraded")


class Comparison:
    """Compares what all subscribers hold with ``/api/pipelines``, whose answers are kept as a browser keeps them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._known: dict[str, tuple[str, Documents]] = {}

    async def watch_everything(self) -> None:
        for query in VIEWS:
            for form in (Form.CHUNKED, Form.GZIP):
                await self.stage.watch(query, form=form)

    async def compare(self, last: Mapping[str, Any]) -> None:
        """Compare every fold with its view, at one and the same position: behind the event that was played last."""
        gateway = self.stage.gateway
        await until(lambda: is_in(gateway.store, last), what=f"{last['type']} of {key_of(last['application'])}")
        everything = self.stage.subscribers[0]
        await everything.wait(lambda: everything.client.offset == gateway.log.ring.top)
        for query in VIEWS:
            documents = await self._list(query)
            for subscriber in self.stage.subscribers:
                if subscriber.query == query:
                    await subscriber.wait(lambda one=subscriber, shown=documents: one.documents == shown)  # type: ignore[misc]

    async def _list(self, query: str) -> Documents:
        tag, documents = self._known.get(query, ("", {}))
        answer = await self.stage.get(f"/api/pipelines{query}", headers={"If-None-Match": tag} if tag else {})
        if answer.status == 304:
            return documents
        assert answer.json["position"] == str(self.stage.gateway.log.position)
        self._known[query] = (answer.headers["ETag"], by_key(answer.json["applications"]))
        return self._known[query][1]


def is_in(store: Store, event: Mapping[str, Any]) -> bool:
    """Whether a store is as of an event, or later."""
    key, version = key_of(event["application"]), version_of(event["application"])
    one, stone = store.held.get(key), store.tombstones.get(key)
    return (one is not None and one.version >= version) or (stone is not None and stone.version >= version)


def deltas(subscriber: Subscriber) -> list[Any]:
    return [event for event in subscriber.events if event.name == "delta"]


@pytest.mark.parametrize("framing", ["sse", "ndjson"])
async def test_at_every_event_of_a_deploy_day_everyone_sees_what_argo_cd_said_last(
    argocd: FakeArgoCD, framing: str
) -> None:
    async with run_gateway(argocd, upstream_framing=framing) as stage:
        await stage.live()
        comparison = Comparison(stage)
        await comparison.watch_everything()
        await argocd.play(f"deploy-day/stream.{framing}", after_each=comparison.compare)
        await stage.assert_true(argocd)
        assert timeless(stage.subscribers[0].documents) == truth(recordings.final_word(f"deploy-day/stream.{framing}"))
        # What changes nothing that is shown is no entry of the log, and no frame for anybody.
        assert stage.gateway.log.ring.top == DEPLOY_DAY_CHANGES
        assert len(deltas(stage.subscribers[0])) == len(deltas(stage.subscribers[1])) == DEPLOY_DAY_CHANGES
        assert stage.count("missed_update") == stage.count("missed_delete") == stage.count("undecodable") == 0


async def test_at_every_event_of_a_promotion_everyone_sees_what_argo_cd_said_last(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        comparison = Comparison(stage)
        await comparison.watch_everything()
        await argocd.play("promotion/stream.sse", after_each=comparison.compare)
        await stage.assert_true(argocd)
        assert timeless(stage.subscribers[0].documents) == truth(recordings.final_word("promotion/stream.sse"))


async def test_a_fleet_of_a_thousand_comes_and_goes_and_everyone_follows(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        comparison = Comparison(stage)
        await comparison.watch_everything()
        for name in ("fleet/create.sse", "fleet/delete.sse"):
            seen = 0

            async def look_now_and_then(event: Mapping[str, Any]) -> None:
                nonlocal seen
                seen += 1
                if seen % 100 == 0:
                    await comparison.compare(event)

            await argocd.play(name, after_each=look_now_and_then)
            await stage.assert_true(argocd)
            final = recordings.final_word(name)
            assert len(argocd.applications) == len(final) > 20
            assert timeless(stage.subscribers[0].documents) == truth(final)
        assert stage.count("missed_update") == stage.count("missed_delete") == 0


def load_lost_in_burst(argocd: FakeArgoCD) -> None:
    """Let Argo CD hold what `lost-in-burst` began with, and change what was lost once its burst is under way."""
    after: dict[str, Any] = {
        key_of(item): item for item in orjson.loads(recordings.body("lost-in-burst/list-after.json"))["items"]
    }
    burst = recordings.events("lost-in-burst/stream.sse", namespace="argocd")
    for event in burst:
        # The recording's `fields` lacked these two.
        metadata = event["application"]["metadata"]
        whole = after.get(key_of(event["application"]), {"metadata": {}})["metadata"]
        metadata |= {name: whole[name] for name in ("creationTimestamp", "ownerReferences") if name in whole}
    before = {key_of(event["application"]): event["application"] for event in burst}
    held = {**after, LOST_DELETE: before[LOST_DELETE], LOST_UPDATE: before[LOST_UPDATE]}
    argocd.restore(held.values(), max(version_of(item) for item in held.values()))
    argocd.burst_script(b"data: " + orjson.dumps({"result": event}) + b" \n" for event in burst)

    def lose() -> None:
        argocd.put(after[LOST_UPDATE], except_for=lambda stream: stream.is_bridge)
        argocd.delete(LOST_DELETE, except_for=lambda stream: stream.is_bridge)

    argocd.on_burst_item(500, lose)


async def test_what_the_burst_lost_is_repaired_within_one_reconcile_interval_and_counted(argocd: FakeArgoCD) -> None:
    load_lost_in_burst(argocd)
    async with run_gateway(argocd, reconcile_interval=120.0) as stage:
        await stage.live()
        watcher = await stage.watch(form=Form.GZIP)
        removed = watcher.watch_removals()
        assert LOST_DELETE in watcher.documents
        assert "gap" not in watcher.documents[LOST_UPDATE]["labels"]
        await stage.reconciled(within=1.2 * 120.0)
        await stage.counted("missed_update", within=6.0)
        assert (stage.count("missed_update"), stage.count("missed_delete")) == (1, 1)
        after = orjson.loads(recordings.body("lost-in-burst/list-after.json"))["items"]
        await stage.assert_true(argocd)
        assert timeless(watcher.documents) == truth({key_of(item): item for item in after})
        assert removed == [LOST_DELETE]
        assert watcher.documents[LOST_UPDATE]["labels"]["gap"] == "1"
