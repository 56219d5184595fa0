"""The desk asks for what is needed when it is needed, and never twice."""

from typing import Any

import orjson
import pytest

from gateway.detail import messages as m
from gateway.detail.desk import LINGER, Desk
from gateway.detail.inspection import INVENTORY_INTERVAL, TREE_DELAY, TREE_INTERVAL, TREE_ROTATION
from gateway.detail.log import DetailLog, Document
from gateway.hub.hub import OverloadedError
from gateway.model.application import ApplicationStatus, Detail, Health, Observed
from gateway.upstream.parts import Inventory, Node, Tree

KEY = "argocd/web"


def observe(version: int = 1, *, key: str = KEY, uid: str = "u", **fields: Any) -> Observed:
    namespace, name = key.split("/")
    document = ApplicationStatus(key=key, name=name, namespace=namespace, project="shop", **fields)
    return Observed(version=version, uid=uid, document=document, detail=Detail())


class World:
    """A desk, what it holds to be true, and a clock."""

    def __init__(self, *, max_watched: int = 10) -> None:
        self.now = 1_000_000.0
        self.held = {KEY: observe()}
        self.log = DetailLog(epoch="9c1e55aa", capacity=100, max_bytes=10**9)
        self.desk = Desk(log=self.log, held=lambda: self.held, jitter=lambda: 0.5, max_watched=max_watched)

    @property
    def document(self) -> Document:
        return self.log.documents[KEY]

    def enter(self, key: str = KEY) -> list[m.Command]:
        self.desk.enter(key, self.now)
        return self.desk.take()

    def pass_time(self, seconds: float) -> list[m.Command]:
        """Let time pass, stepping whenever the desk wants it."""
        end = self.now + seconds
        while (due := self.desk.deadline(self.now)) is not None and due <= end:
            self.now = max(self.now, due)
            self.desk.step(self.now)
        self.now = end
        self.desk.step(end)
        return self.desk.take()

    def handle(self, report: m.Report) -> list[m.Command]:
        self.desk.handle(report, self.now)
        return self.desk.take()

    def hold(self, observed: Observed | None) -> list[m.Command]:
        if observed is None:
            del self.held[KEY]
        else:
            self.held[KEY] = observed
        return self.pass_time(0.0)

    def complete(self) -> int:
        """Answer everything that is asked at first; return the number of the tree's stream."""
        opened, inventory = self.enter()
        assert isinstance(opened, m.OpenTree)
        assert isinstance(inventory, m.FetchInventory)
        self.handle(m.Fetched(request=inventory.request, answer=Inventory()))
        (tree,) = self.pass_time(TREE_DELAY)
        assert isinstance(tree, m.FetchTree)
        self.handle(m.Fetched(request=tree.request, answer=Tree((Node(name="first"),))))
        self.pass_time(TREE_INTERVAL)
        return opened.stream


def kinds(commands: list[m.Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


def line(name: str) -> bytes:
    return orjson.dumps({"result": {"nodes": [{"name": name}]}})


def shown(world: World) -> str:
    return str(world.document["tree"]["nodes"][0]["name"])


def test_the_stream_of_the_tree_is_opened_first_and_the_tree_asked_for_a_second_later() -> None:
    world = World()
    assert kinds(world.enter()) == ["OpenTree", "FetchInventory"]
    assert world.pass_time(TREE_DELAY * 0.9) == []
    assert kinds(world.pass_time(TREE_DELAY * 0.2)) == ["FetchTree"]


def test_a_second_viewer_asks_for_nothing() -> None:
    world = World()
    world.complete()
    assert world.enter() == []


def test_an_answer_older_than_a_tree_of_the_stream_is_passed_over() -> None:
    world = World()
    opened, _ = world.enter()
    assert isinstance(opened, m.OpenTree)
    (asked,) = world.pass_time(TREE_DELAY)
    assert isinstance(asked, m.FetchTree)
    world.handle(m.TreeRead(stream=opened.stream, line=line("newer")))
    world.handle(m.Fetched(request=asked.request, answer=Tree((Node(name="older"),))))
    world.pass_time(TREE_INTERVAL)
    assert shown(world) == "newer"
    assert world.document["parts"]["tree"] == {"state": "ready"}


def test_of_many_trees_the_last_is_shown_at_most_twice_a_second() -> None:
    world = World()
    stream = world.complete()
    before = world.log.ring.top
    for number in range(100):
        world.handle(m.TreeRead(stream=stream, line=line(str(number))))
        world.pass_time(0.01)
    world.pass_time(TREE_INTERVAL)
    assert shown(world) == "99"
    assert world.log.ring.top - before <= 4


def test_a_tree_that_looks_the_same_is_no_change() -> None:
    world = World()
    stream = world.complete()
    before = world.log.ring.top
    world.handle(m.TreeRead(stream=stream, line=line("first")))
    world.pass_time(TREE_INTERVAL)
    assert world.log.ring.top == before


def test_a_lost_stream_is_opened_again_and_what_it_missed_is_asked_for() -> None:
    world = World()
    stream = world.complete()
    assert world.handle(m.TreeEnded(stream=stream, reason="ended")) == []
    opened, asked = world.pass_time(5.0)
    assert isinstance(opened, m.OpenTree)
    assert isinstance(asked, m.FetchTree)
    assert opened.stream != stream
    world.handle(m.TreeRead(stream=stream, line=line("of the dead")))
    world.pass_time(5.0)
    assert shown(world) == "first"


def test_the_stream_is_opened_anew_now_and_then() -> None:
    world = World()
    stream = world.complete()
    commands = world.pass_time(TREE_ROTATION * 1.1)
    assert kinds(commands) == ["CloseTree", "OpenTree", "FetchTree"]
    assert commands[0] == m.CloseTree(stream=stream)


def test_resources_are_asked_for_when_the_application_moves_but_not_more_than_once_a_second() -> None:
    world = World()
    world.complete()
    world.pass_time(10.0)
    first = world.hold(observe(2))
    assert kinds(first) == ["FetchInventory"]
    assert isinstance(first[0], m.FetchInventory)
    assert world.hold(observe(3)) == []
    world.handle(m.Fetched(request=first[0].request, answer=Inventory()))
    assert world.hold(observe(4)) == []
    assert kinds(world.pass_time(INVENTORY_INTERVAL)) == ["FetchInventory"]


def test_a_part_that_fails_is_tried_again_ever_more_slowly_and_logged_once() -> None:
    world = World()
    _, asked = world.enter()
    asks, notes = 0, 0
    commands: list[m.Command] = [asked]
    for _ in range(200):
        for command in commands:
            notes += isinstance(command, m.PartFailed) and command.part == "resources"
            if isinstance(command, m.FetchInventory):
                asks += 1
                notes += len(world.handle(m.FetchFailed(request=command.request, reason="forbidden")))
        commands = world.pass_time(3.0)
    assert 5 <= asks <= 20
    assert notes == 1
    assert world.document["parts"]["resources"] == {"state": "failed", "reason": "forbidden"}


def test_another_life_of_an_application_begins_with_nothing_of_the_last() -> None:
    world = World()
    stream = world.complete()
    assert world.hold(None) == [m.CloseTree(stream=stream)]
    assert KEY not in world.log.documents
    assert kinds(world.hold(observe(9, uid="another"))) == ["OpenTree", "FetchInventory"]
    assert "tree" not in world.document
    assert world.document["parts"]["tree"] == {"state": "loading"}


def test_after_the_last_viewer_all_is_kept_for_a_while_and_then_let_go() -> None:
    world = World()
    stream = world.complete()
    world.enter()
    world.desk.leave(KEY, world.now)
    assert world.pass_time(LINGER * 2) == []
    world.desk.leave(KEY, world.now)
    assert world.pass_time(LINGER * 0.9) == []
    assert world.pass_time(LINGER * 0.2) == [m.CloseTree(stream=stream)]
    assert (dict(world.log.documents), dict(world.desk.watched)) == ({}, {})
    assert world.desk.deadline(world.now) is None


def test_only_so_many_are_watched_and_one_that_nobody_looks_at_makes_room() -> None:
    world = World(max_watched=1)
    world.enter()
    with pytest.raises(OverloadedError):
        world.desk.enter("argocd/other", world.now)
    world.desk.leave(KEY, world.now)
    world.enter("argocd/other")
    assert list(world.desk.watched) == ["argocd/other"]


def test_other_parts_add_fields_of_their_own_and_are_told_when_to_look() -> None:
    world = World()
    told: list[str] = []
    world.desk.follow(told.append)
    world.desk.contribute(KEY, "rollout", {"step": 1})
    world.enter()
    assert "rollout" not in world.document
    world.desk.contribute(KEY, "rollout", {"step": 2})
    world.desk.step(world.now)
    assert world.document["rollout"] == {"step": 2}
    assert told == [KEY, KEY]
    world.desk.contribute(KEY, "rollout", None)
    world.desk.step(world.now)
    assert "rollout" not in world.document


def test_what_is_progressing_for_long_is_explained_when_it_is_and_not_before() -> None:
    world = World()
    since = "1970-01-12T13:46:40Z"  # the world's beginning
    world.held[KEY] = observe(health=Health(status="Progressing", since=since))
    world.complete()
    world.pass_time(590.0)
    assert world.document["explanations"] == []
    world.pass_time(10.0)
    assert [each["code"] for each in world.document["explanations"]] == ["progressing"]
