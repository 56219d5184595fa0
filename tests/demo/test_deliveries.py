"""What senders post in the demo: believed and understood by the real adapters, of today, and never twice the same."""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import orjson
import pytest
from aiohttp import web

from gateway.delivery.correlation.facts import identify
from gateway.delivery.events import Commit, Deployed, Run
from gateway.delivery.webhooks.sender import SENDERS, Reading, Request, SignatureError
from gateway.demo.courier import Courier
from gateway.demo.happening import ApplicationHappening, DeliveryHappening, Happening
from gateway.demo.notifications import Notifications
from gateway.demo.recording import Recording
from gateway.demo.signing import SENDERS as SIGNERS
from gateway.demo.signing import make_secret, sign
from gateway.demo.timetable import Timetable
from tests.demo.cut_deliveries import cut_deliveries
from tests.e2e.fastloop import until

NOW = 1_800_000_000.25
LOOPS = 3
SPEEDS = (1.0, 7.5)
Telling = Callable[[float], Iterator[Happening]]
_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')


def parts_of(timetable: Timetable) -> Iterator[list[Happening]]:
    """Go through some loops: the opening with the first telling, then what comes back with each further one."""
    now = NOW
    first: list[Telling] = [lambda at: iter(timetable.open(at)), timetable.tell]
    further: list[Telling] = [timetable.bring_back, timetable.tell]
    for pair in [first, *[further] * (LOOPS - 1)]:
        together: list[Happening] = []
        for part in pair:
            happenings = list(part(now))
            now = happenings[-1].at
            together += happenings
        yield together


@pytest.fixture(scope="module", params=SPEEDS)
def tellings(request: pytest.FixtureRequest, recorded: Recording) -> list[list[DeliveryHappening]]:
    """What is sent in each telling, notifications too."""
    notifications = Notifications()
    tellings = []
    for part in parts_of(Timetable(recorded, speed=request.param)):
        sent = [[each, *notifications.hear(each)] for each in part]
        tellings.append([each for each in itertools.chain.from_iterable(sent) if isinstance(each, DeliveryHappening)])
    return tellings


def request_of(delivery: DeliveryHappening, secret: str) -> Request:
    headers = {**delivery.headers, **sign(delivery, secret, now=delivery.at)}
    lower = {name.lower(): value for name, value in headers.items()}
    return Request(headers=lower, body=delivery.body, received_at=delivery.at)


def read(delivery: DeliveryHappening) -> Reading:
    return SENDERS[delivery.sender].read(request_of(delivery, make_secret(delivery.sender, bytes)))


def test_the_deliveries_are_those_that_the_plot_writes(recorded: Recording) -> None:
    lines = [orjson.loads(line) for line in cut_deliveries(recorded).splitlines()]
    kept = [
        {"at": each.at, "sender": each.sender, "event": each.event, "body": orjson.loads(each.body)}
        for each in recorded.deliveries
    ]
    assert kept == lines, "python -m tests.demo.cut writes them"


def test_every_sender_sends_and_proves_itself(tellings: list[list[DeliveryHappening]]) -> None:
    random = iter(range(256))
    secrets = {sender: make_secret(sender, lambda size: bytes([next(random)] * size)) for sender in SIGNERS}
    assert {each.sender for each in tellings[0]} == set(SIGNERS) == set(SENDERS)
    for delivery in tellings[0]:
        sender = SENDERS[delivery.sender]
        sender.verify(request_of(delivery, secrets[delivery.sender]), [secrets[delivery.sender]])
        another = make_secret(delivery.sender, lambda size: b"\xff" * size)
        with pytest.raises(SignatureError):
            sender.verify(request_of(delivery, another), [secrets[delivery.sender]])


def test_everything_that_is_sent_tells_something(tellings: list[list[DeliveryHappening]]) -> None:
    for delivery in itertools.chain(*tellings):
        reading = read(delivery)
        assert reading.ignored is None
        assert reading.events, delivery


def test_nothing_is_told_twice_over_all_loops(tellings: list[list[DeliveryHappening]]) -> None:
    ids = Counter((each.sender, read(each).delivery_id) for telling in tellings for each in telling)
    assert ids.most_common(1)[0][1] == 1
    known: set[tuple[str, ...]] = set()
    for telling in tellings:
        facts = [fact for each in telling for fact in read(each).events]
        mine = {identify(fact) for fact in facts if not isinstance(fact, Deployed)}
        runs = {(fact.sender, fact.id, fact.sha) for fact in facts if isinstance(fact, Run)}
        assert len({run[:2] for run in runs}) == len(runs), "a run is of one commit"
        assert not known & mine
        known |= mine


def test_commits_are_told_in_the_order_of_their_parents(tellings: list[list[DeliveryHappening]]) -> None:
    known: set[str] = {"0" * 40}
    for delivery in itertools.chain(*tellings):
        for fact in read(delivery).events:
            if isinstance(fact, Commit) and fact.repository == "git.example.org/deploy":
                assert fact.parent is None or fact.parent in known
                known.add(fact.sha)


def test_no_time_is_later_than_its_delivery_and_none_is_of_another_day(
    tellings: list[list[DeliveryHappening]],
) -> None:
    for delivery in itertools.chain(*tellings):
        for text in _TIME.findall(delivery.body):
            assert NOW - 3_600 < datetime.fromisoformat(text.decode()).timestamp() <= delivery.at


def test_a_change_of_a_later_telling_is_of_that_telling(tellings: list[list[DeliveryHappening]]) -> None:
    """What is committed again is committed shortly before, and not as long ago as the demo is old."""
    for telling in tellings[1:]:
        begun = telling[0].at
        commits = [fact for each in telling for fact in read(each).events if isinstance(fact, Commit)]
        assert commits
        assert all(commit.committed_at and commit.committed_at > begun - 300 for commit in commits)


def test_runs_begin_wait_and_end_in_order(tellings: list[list[DeliveryHappening]]) -> None:
    ranks = {"queued": 0, "waiting": 0, "running": 1, "succeeded": 2, "failed": 2}
    last: dict[tuple[str, str], int] = {}
    for delivery in itertools.chain(*tellings):
        for fact in read(delivery).events:
            if isinstance(fact, Run):
                rank = ranks[fact.state]
                assert rank >= last.get((fact.sender, fact.id), 0)
                last[fact.sender, fact.id] = rank
    assert set(last.values()) == {2}


def test_argo_cd_notifies_once_of_each_operation(recorded: Recording) -> None:
    notifications = Notifications()
    sent: Counter[tuple[str, str, str]] = Counter()
    for part in parts_of(Timetable(recorded)):
        for happening in part:
            for delivery in notifications.hear(happening):
                assert isinstance(happening, ApplicationHappening)
                body = orjson.loads(delivery.body)
                state = body["application"]["operationState"]
                sent[body["trigger"], body["application"]["metadata"]["uid"], state["startedAt"]] += 1
                assert read(delivery).applications == (happening.key,)
    assert set(sent.values()) == {1}
    assert {trigger for trigger, _, _ in sent} == {
        "gateway-running",
        "gateway-deployed",
        "gateway-failed",
        "gateway-degraded",
    }


async def test_a_courier_tries_again_what_could_not_be_taken_until_it_is_ended(recorded: Recording) -> None:
    deliveries = [each for each in Timetable(recorded).open(NOW) if isinstance(each, DeliveryHappening)][:10]
    taken: list[bytes] = []
    answers = itertools.chain([503, 429, 500, 401], itertools.repeat(202))

    async def take(request: web.Request) -> web.Response:
        status = next(answers)
        if status in (202, 401):
            taken.append(await request.read())
        return web.Response(status=status)

    app = web.Application()
    app.add_routes([web.post("/api/webhooks/{sender}", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with Courier(clock=lambda: NOW) as courier:
            for delivery in deliveries:
                courier.hear(delivery)
            assert not courier.idle
            courier.begin("http://{}:{}".format(*runner.addresses[0]))
            await until(lambda: courier.idle)
            await courier.end()
            courier.hear(deliveries[0])
    finally:
        await runner.cleanup()
    assert sorted(taken) == sorted(each.body for each in deliveries)
    # Who is refused, isn't believed the next time either.
    assert sorted(status for _, status in courier.answers.elements()) == [*[202] * 9, 401]


async def test_a_courier_gives_up_on_what_nobody_takes(unused_tcp_port: int, recorded: Recording) -> None:
    delivery = next(each for each in Timetable(recorded).open(NOW) if isinstance(each, DeliveryHappening))
    async with Courier(clock=lambda: NOW) as courier:
        courier.hear(delivery)
        courier.begin(f"http://127.0.0.1:{unused_tcp_port}")
        await until(lambda: courier.answers[delivery.sender, 0] == 1)
        assert asyncio.get_running_loop().time() > 0


def test_secrets_are_other_ones_for_each_courier_and_never_shown() -> None:
    one, other = Courier(clock=lambda: NOW), Courier(clock=lambda: NOW)
    assert one.secrets.keys() == other.secrets.keys() == set(SIGNERS)
    assert not set(one.secrets.values()) & set(other.secrets.values())
    assert not [secret for secret in one.secrets.values() if secret in repr(one)]
