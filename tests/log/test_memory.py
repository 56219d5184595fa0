"""The log in memory: its followers read a log that has already moved."""

from gateway.log.memory import MemoryLog
from gateway.model.position import Position
from tests.hub.documents import State, application, chain, upserts


def make_log(capacity: int = 10) -> MemoryLog:
    return MemoryLog(epoch="5f2c81d0", capacity=capacity, max_bytes=10**9)


def test_a_position_is_the_epoch_and_the_number_of_changes() -> None:
    log = make_log()
    assert log.position == Position("5f2c81d0", 0)
    log.append(upserts({}, application("argocd/a"), application("argocd/b")))
    assert log.position == Position("5f2c81d0", 2)


def test_the_documents_are_those_at_the_top() -> None:
    log, state = make_log(), State()
    log.append(upserts(state, application("argocd/a"), application("argocd/b")))
    log.append(chain(state, [("argocd/a", None), ("argocd/b", application("argocd/b", project="shop"))]))
    assert log.documents == state == {"argocd/b": application("argocd/b", project="shop")}


def test_the_documents_outlive_the_history() -> None:
    log, state = make_log(capacity=1), State()
    log.append(upserts(state, *(application(f"argocd/{number}") for number in range(5))))
    assert log.ring.trimmed == 4
    assert log.documents == state


def test_followers_are_called_once_for_each_append_when_all_of_it_is_there() -> None:
    log, state = make_log(), State()
    heard: list[object] = []
    log.follow(lambda: heard.append((log.position.offset, len(log.documents), len(log.ring.between(0, log.ring.top)))))
    log.follow(lambda: heard.append("second"))
    log.append(upserts(state, application("argocd/a"), application("argocd/b")))
    log.append(upserts(state, application("argocd/b", project="shop")))
    assert heard == [(2, 2, 2), "second", (3, 2, 3), "second"]


def test_changes_are_dated_from_the_moment_at_which_the_log_begins() -> None:
    log, state = make_log(), State()
    log.append(upserts(state, application("argocd/a")))
    log.begin(100.0)
    log.append(upserts(state, application("argocd/b")), at=101.0)
    assert log.ring.dated_from == 100.0
    assert [(each.at, each.change.key) for each in log.ring.news(0.0)] == [(101.0, "argocd/b")]
