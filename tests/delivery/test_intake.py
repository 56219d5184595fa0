"""What senders post: believed, read, kept together with what comes at the same time, and only then acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.delivery import intake
from gateway.delivery.intake import OverloadedError, Secrets, UnknownSenderError
from gateway.delivery.storage.deliveries import Arrival, Stored
from gateway.delivery.webhooks.sender import PayloadError, SignatureError
from tests.delivery.desk import SECRET, Desk, make_push, open_desk, sign

pytestmark = pytest.mark.usefixtures("storage")


async def test_what_comes_at_once_is_one_transaction_and_each_has_its_own_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_desk(run=False) as desk:
        batches = watch_batches(desk, monkeypatch)
        receipts = await asyncio.gather(*(desk.push(f"{number + 1:040x}", guid=f"{number}") for number in range(50)))
        assert batches == [50]
        assert sorted(receipt.id for receipt in receipts) == list(range(1, 51))


async def test_the_same_delivery_twice_at_once_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_desk(run=False) as desk:
        receipts = await asyncio.gather(*(desk.push("a" * 40) for _ in range(3)))
        assert sorted((receipt.id, receipt.duplicate) for receipt in receipts) == [(1, False), (1, True), (1, True)]
        assert (await desk.push("a" * 40)).duplicate
        assert desk.intake.counts["github", "duplicate"] == 3
        (delivery,) = await desk.repository.browse()
        assert delivery["repeats"] == 3


async def test_whoever_goes_away_before_the_answer_has_posted_all_the_same() -> None:
    async with open_desk() as desk:
        posting = asyncio.create_task(desk.push("a" * 40))
        await asyncio.sleep(0)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        await desk.intake.close()
        await desk.settled()
        (delivery,) = await desk.repository.browse()
        assert delivery["outcome"] == "processed"


async def test_what_cannot_be_kept_is_not_acknowledged_and_the_next_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_desk(run=False) as desk:
        append, broken = desk.repository.append, [True]

        async def fail(arrivals: list[Arrival]) -> list[Stored]:
            if broken:
                broken.clear()
                raise OperationalError("insert", {}, OSError("the disk is full"))
            return await append(arrivals)

        monkeypatch.setattr(desk.repository, "append", fail)
        with pytest.raises(OperationalError):
            await desk.push("a" * 40)
        assert (await desk.push("a" * 40)).duplicate is False
        assert desk.intake.counts["github", "failed"] == 1


async def test_beyond_the_bytes_that_may_wait_senders_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "WAITING_BYTES", 2 * len(make_push("a" * 40)))
    async with open_desk(run=False) as desk:
        posts = (desk.push(f"{number + 1:040x}", guid=f"{number}") for number in range(5))
        answers = await asyncio.gather(*posts, return_exceptions=True)
        assert sum(isinstance(answer, OverloadedError) for answer in answers) == 3
        assert len(await desk.repository.browse()) == 2
        # There is room again.
        assert (await desk.push("f" * 40, guid="9")).duplicate is False


async def test_no_secret_and_no_proof_is_kept_with_a_delivery() -> None:
    async with open_desk(run=False) as desk:
        body = make_push("a" * 40)
        headers = {**sign(body), "authorization": "Bearer geheim", "cookie": "geheim", "x-gitlab-token": "geheim"}
        await desk.intake.take("github", headers, body)
        ((_, sender, request),) = await desk.repository.unprocessed(10)
        assert sender == "github"
        assert request.body == body
        assert set(request.headers) == {"content-type", "x-github-event", "x-github-delivery"}


async def test_the_refused_are_told_apart_counted_and_bounded_in_the_log() -> None:
    async with open_desk(run=False) as desk:
        body = make_push("a" * 40)
        for _ in range(100):
            with pytest.raises(SignatureError):
                await desk.intake.take("github", sign(body, secret="another-secret"), body)
        with pytest.raises(UnknownSenderError, match="GATEWAY_WEBHOOK_ARGO_WORKFLOWS_SECRET"):
            await desk.intake.take("argo-workflows", {}, b"{}")
        with pytest.raises(UnknownSenderError, match="github"):
            await desk.intake.take("nobody", {}, b"{}")
        desk.now += 1.0
        with pytest.raises(PayloadError):
            await desk.intake.take("github", sign(b"{"), b"{")
        assert desk.intake.counts == {
            ("github", "unsigned"): 100,
            ("github", "malformed"): 1,
            ("argo-workflows", "off"): 1,
            ("other", "unknown"): 1,
        }
        log = await desk.repository.browse(limit=200)
        assert len(log) == intake.REFUSALS + 1
        assert {entry["kept"] for entry in log} == {0}


def test_secrets_of_a_file_are_read_again_when_it_changes_and_stay_while_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    secrets = Secrets(file=file)
    assert secrets.use() == (SECRET,)
    file.unlink()
    assert secrets.use() == (SECRET,)
    file.write_text(f"{SECRET},another-{SECRET}")
    assert secrets.use() == (SECRET, f"another-{SECRET}")
    assert SECRET not in repr(secrets)
    assert not Secrets(None).given


def watch_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    batches: list[int] = []
    append = desk.repository.append

    async def counted(arrivals: list[Arrival]) -> list[Stored]:
        batches.append(len(arrivals))
        return await append(arrivals)

    monkeypatch.setattr(desk.repository, "append", counted)
    return batches
