"""Revisions are asked for a few at a time, once each, and remembered for everybody."""

from gateway.detail.revisions import FAILURE_MEMORY, Revisions, Wish
from gateway.upstream.inspector import Revision, Target
from gateway.upstream.parts import Commit


def wish(sha: str, *, app: str = "web", repository: str = "https://git.example.org/deploy.git") -> Wish:
    target = Target(name=app, namespace="argocd", project="shop")
    return Wish(repository=repository, target=target, revision=Revision(sha=sha))


def ask(revisions: Revisions, *wishes: Wish, now: float = 0.0) -> list[tuple[int, Wish]]:
    begun = list(enumerate(revisions.choose(wishes, now), start=len(revisions._asked)))
    for number, each in begun:
        revisions.begin(number, each)
    return begun


def test_so_many_are_under_way_at_once_and_the_first_come_first() -> None:
    revisions = Revisions(at_once=2)
    wishes = [wish(sha) for sha in "abc"]
    begun = ask(revisions, *wishes)
    assert [each for _, each in begun] == wishes[:2]
    assert ask(revisions, *wishes) == []
    revisions.succeed(begun[0][0], Commit(author="kim"))
    assert [each for _, each in ask(revisions, *wishes)] == wishes[2:]


def test_what_is_known_is_known_to_all_applications_of_the_repository() -> None:
    revisions = Revisions()
    ((number, _),) = ask(revisions, wish("a"), wish("a", app="api"))
    revisions.succeed(number, Commit(author="kim"))
    assert revisions.get(wish("a", app="api")) == Commit(author="kim")
    assert revisions.get(wish("a", repository="another")) is None
    assert ask(revisions, wish("a", app="api")) == []


def test_what_failed_is_asked_again_after_a_while() -> None:
    revisions = Revisions()
    ((number, _),) = ask(revisions, wish("a"))
    revisions.fail(number, "forbidden", 10.0)
    assert revisions.failure(wish("a")) == "forbidden"
    assert ask(revisions, wish("a"), now=10.0 + FAILURE_MEMORY - 1) == []
    assert revisions.deadline([wish("a")], 11.0) == 10.0 + FAILURE_MEMORY
    assert len(ask(revisions, wish("a"), now=10.0 + FAILURE_MEMORY)) == 1


def test_what_nobody_looked_at_longest_is_forgotten() -> None:
    revisions = Revisions(capacity=2)
    for sha in "ab":
        ((number, _),) = ask(revisions, wish(sha))
        revisions.succeed(number, Commit(author=sha))
    revisions.get(wish("a"))
    ((number, _),) = ask(revisions, wish("c"))
    revisions.succeed(number, Commit())
    assert [revisions.get(wish(sha)) is not None for sha in "abc"] == [True, False, True]


def test_an_answer_to_nothing_is_nothing() -> None:
    revisions = Revisions()
    assert revisions.succeed(7, Commit()) is None
    assert revisions.fail(7, "forbidden", 0.0) is None
