"""The reflector: which requests to make so that the store equals Argo CD, whatever its stream loses.

A state machine, fed with reports and time; it returns commands. What it knows of the other side (argo-cd
server/application/application.go, server/broadcast/broadcaster.go): a watch sends its ADDED burst first and subscribes
*afterwards*, drops events without a word when its buffer is full, never repeats anything, and marks neither the end of
the burst nor its place in history. So:

1. *Bridge*: where no stream is live, a watch without burst is opened first; it subscribes at once.
2. *Content*: a moment later, a watch with burst. Its events and the bridge's are merged, newest version wins.
3. *Existence*: a list of names says when the content is complete, and what is gone.
4. *Switch*: the complete content becomes the live stream; the one before is closed a little later, and what it never
   announced was missed: repaired by now, and counted.

Steps 2 to 4 are repeated at every ``reconcile_interval``, after each loss, and on suspicion.
"""

from collections import Counter
from collections.abc import Callable

from gateway.model.upstream import Upstream
from gateway.observability.histogram import WAITS, Histogram
from gateway.store.state import Store
from gateway.upstream import messages as m
from gateway.upstream.books import Books
from gateway.upstream.connection import Connection
from gateway.upstream.content import Content, RestoreCheck
from gateway.upstream.existence import Existence
from gateway.upstream.intake import Intake
from gateway.upstream.liveness import Liveness
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.outbox import Outbox
from gateway.upstream.removal import Removal
from gateway.upstream.requests import About, Asked, Requests
from gateway.upstream.rereading import Rereading
from gateway.upstream.rollcall import RollCall
from gateway.upstream.schedule import Schedule
from gateway.upstream.streams import Streams
from gateway.upstream.timing import TOMBSTONE_AGE, Timing


class Reflector:
    """Keeps ``store`` equal to what Argo CD holds. Time is in Unix seconds; ``jitter`` returns 0 ≤ x < 1.

    ``counts`` and ``reconciles`` are those of a reflector before, to go on with.
    """

    def __init__(
        self,
        *,
        store: Store,
        timing: Timing,
        now: float,
        jitter: Callable[[], float],
        counts: Counter[str] | None = None,
        reconciles: Histogram | None = None,
    ) -> None:
        self.store = store
        self.liveness = Liveness(stale_after=timing.stale_after, now=now)
        self.counts: Counter[str] = Counter() if counts is None else counts
        """What happened, by name: ``missed_update``, ``missed_delete``, ``undecodable``, ``reconcile``, …"""
        self.reconciles = Histogram(WAITS) if reconciles is None else reconciles
        """How long contents took, from their request until they were complete."""
        self._timing = timing
        self._streams = Streams(keepalive=timing.keepalive)
        self._requests = Requests()
        self._existence = Existence(confirm_after=timing.removal_confirm)
        self._due = Schedule(timing, now=now, jitter=jitter)
        self._outbox = Outbox()
        books = Books(
            store=store,
            liveness=self.liveness,
            streams=self._streams,
            requests=self._requests,
            existence=self._existence,
            due=self._due,
            outbox=self._outbox,
            counts=self.counts,
        )
        self._connection = Connection(books)
        self._intake = Intake(books)
        self._removal = Removal(books)
        self._roll_call = RollCall(books, connection=self._connection, removal=self._removal)
        self._rereading = Rereading(books)
        self._restore_check = RestoreCheck(interval=timing.reconcile_interval)
        self._login_known = False

    def __repr__(self) -> str:
        return f"<Reflector {self._streams!r}, {self.store!r}>"

    def upstream(self, now: float) -> Upstream:
        """Return what subscribers are told of upstream."""
        return self.liveness.upstream(now)

    @property
    def waits_for_token(self) -> bool:
        """Whether Argo CD refused the token, so that a changed token file is worth a report at once."""
        return self._connection.refused

    @property
    def last_failure(self) -> tuple[float, Failure] | None:
        """What failed last, and when."""
        return self._connection.last_failure

    def deadline(self, now: float) -> float | None:
        """Return when to report ``TimePassed``, unless something else is reported before."""
        moments = [self._due.connect_at, self.liveness.deadline(now)]
        if self._streams.gathering is None:
            moments.append(self._due.content_at)
        if not self._requests.waiting(About.NAMES):
            moments.append(self._due.confirm_at)
            if (content := self._streams.content) is not None and not content.complete:
                moments += [self._roll_call.due(content), content.given_up_at()]
        moments += self._streams.moments()
        moments += self._rereading.moments()
        return min((moment for moment in moments if moment is not None), default=None)

    def handle(self, report: m.Report, now: float) -> list[m.Command]:
        """Take a report; return what to do, in order. The store's changes are ready to be taken afterwards."""
        match report:
            case m.StreamRead():
                self._read(report, now)
            case m.StreamOpened():
                self._opened(report.stream, now)
            case m.StreamEnded():
                self._ended(report.stream, report.failure, now)
            case m.TokenChanged() if self.waits_for_token:
                self._due.retry_token(now)
            case m.ChangeTold():
                self._rereading.told(report.key, now)
            case m.TokenChanged() | m.TimePassed():
                pass
            case _:
                self._answered(report, now)
        self._advance(now)
        return self._outbox.take()

    # What time brings.

    def _advance(self, now: float) -> None:
        for stream, retiring in list(self._streams.retiring.items()):
            if now >= retiring.close_at:
                self._outbox.close([stream])
                self._retire(stream)
        for watch in self._streams.watched():
            if now >= watch.silent_at():
                self._outbox.close([watch.stream])
                self._ended(watch.stream, Failure(Kind.SILENT, "no sign of life for 45 s"), now, at=watch.proof_at)
        if _has_come(self._due.connect_at, now):
            self._outbox.put(m.OpenWatch(stream=self._streams.bridge(now), burst=False))
            self._due.bridged(now)
        if _has_come(self._due.content_at, now) and self._streams.gathering is None:
            self._due.content_at, self._login_known = None, False
            self._outbox.put(m.OpenWatch(stream=self._streams.gather(now), burst=True))
            # A list that was asked for before says nothing about this content.
            self._requests.forget(About.NAMES)
        if (content := self._streams.content) is not None:
            self._look_after(content, now)
        if _has_come(self._due.confirm_at, now) and not self._requests.waiting(About.NAMES):
            self._roll_call.ask(now)
        self._rereading.step(now)
        for watch in self._streams.watched():
            if _has_come(watch.probe_at(), now):
                watch.probed_at = now
                request = self._requests.begin(Asked(about=About.HEALTH, at=now))
                self._outbox.put(m.FetchHealth(request=request))

    def _look_after(self, content: Content, now: float) -> None:
        """Complete a content, or ask what it lacks, or give it up for another."""
        if content.complete:
            self._complete(now)
        elif _has_come(content.given_up_at(), now):
            if len(content.lacking) <= content.put_aside:
                # What is lacking came, in lines that nobody can read; to wait for it would be to wait for ever.
                self._outbox.note("upstream.applications_unreadable", warning=True, keys=sorted(content.lacking)[:10])
                content.lacking.clear()
                self._complete(now)
            else:
                lack = f"the watch lacks {len(content.lacking)} applications that the list has"
                self._outbox.close([content.stream])
                self._ended(content.stream, Failure(Kind.ANSWERED_BADLY, lack), now)
        elif not self._requests.waiting(About.NAMES) and now >= self._roll_call.due(content):
            self._roll_call.ask(now)

    def _complete(self, now: float) -> None:
        """Take a complete content for the truth, and its watch for the live one."""
        gathering, first = self._streams.gathering, not self.store.published
        assert gathering is not None
        content, names = gathering.content, gathering.content.names
        assert names is not None
        if not names.names and not self._login_known:
            # Nothing at all: either there is nothing, or we are nobody, who is shown just the same.
            if not self._requests.waiting(About.PERMISSIONS):
                self._removal.ask((), held_back=(), now=now)
            return
        self.reconciles.add(now - content.opened_at)
        self._streams.switch(now)
        self.store.publish()
        self.store.expire_tombstones(before=now - TOMBSTONE_AGE)
        self.counts["reconcile"] += 1
        self._outbox.note("upstream.live" if first else "upstream.reconciled", applications=len(self.store.held))
        self.liveness.connected(now)
        self._due.reconciled(now)
        self._removal.judge(names, now=now)
        if self._restore_check.restored(content, now):
            self.counts["restore"] += 1
            self._outbox.note("upstream.restored", warning=True)
            self.store.forget_versions()
            self._existence.forget()
            self._due.content_soon(now)

    # What streams bring.

    def _opened(self, stream: int, now: float) -> None:
        if (watch := self._streams.find(stream)) is not None:
            watch.opened, watch.proof_at = True, now
            self._connection.accept(now)

    def _read(self, report: m.StreamRead, now: float) -> None:
        watch = self._streams.find(report.stream)
        if watch is not None:
            watch.proof_at = now
        elif report.stream not in self._streams.retiring:
            return
        if error := self._intake.read(report, now):
            kind = Kind.REFUSED if error.http_code in (401, 403) else Kind.ANSWERED_BADLY
            self._outbox.close([report.stream])
            self._ended(report.stream, Failure(kind, error.message), now)

    def _ended(self, stream: int, failure: Failure, now: float, at: float | None = None) -> None:
        """A watch is over, since ``at`` where that was earlier."""
        if stream in self._streams.retiring:
            self._retire(stream)
            return
        if (watch := self._streams.find(stream)) is None:
            return
        self._connection.failed(failure, now)
        live_goes_on = self._streams.established and watch is not self._streams.live
        if failure.kind is Kind.REFUSED:
            self._connection.refuse(now, live_goes_on=live_goes_on)
        elif live_goes_on:
            self._connection.abandon_content()
            self._due.content_at = self._due.retry_at(now)
        else:
            self._connection.lose(now if at is None else at, failure.kind)
            self._due.reconnect(self._due.retry_at(now))

    def _retire(self, stream: int) -> None:
        """Close the books on a stream that isn't live any more: what it never announced was missed."""
        self._rereading.missed(self._streams.retiring.pop(stream).content.missed)

    # What requests bring.

    def _answered(self, report: m.Answer, now: float) -> None:
        if (asked := self._requests.end(report.request)) is None:
            return
        match report:
            case m.NamesFetched():
                self._roll_call.answered(report, asked, now)
            case m.PermissionsFetched():
                self._permitted(report, asked, now)
            case m.ApplicationFetched():
                self._intake.reread(report.application, now=now)
            case m.HealthFetched():
                for watch in self._streams.watched():
                    if watch.vouched_for:
                        watch.proof_at = max(watch.proof_at, asked.at)
            case m.RequestFailed():
                self._failed(asked, report.failure, now)

    def _permitted(self, report: m.PermissionsFetched, asked: Asked, now: float) -> None:
        if report.logged_in:
            self._login_known = True
            self._connection.accept(now)
            self._removal.permitted(asked, report.denied, now=now)
        else:
            nobody = Failure(Kind.REFUSED, "Argo CD takes us for nobody: the token is missing or expired")
            self._connection.failed(nobody, now)
            self._connection.refuse(now, live_goes_on=self._streams.established)

    def _failed(self, asked: Asked, failure: Failure, now: float) -> None:
        if asked.about is About.APPLICATION:
            self._rereading.failed(now)
        if asked.about in (About.APPLICATION, About.HEALTH):
            return
        content = self._streams.content
        if asked.about is About.PERMISSIONS and content is not None and content.complete:
            # Without an answer, an empty content is no content.
            self._outbox.close([content.stream])
            self._ended(content.stream, failure, now)
            return
        self._connection.failed(failure, now)
        if failure.kind is Kind.REFUSED:
            self._connection.refuse(now, live_goes_on=self._streams.established)
            return
        self._roll_call.failed(asked, failure, now)


def _has_come(moment: float | None, now: float) -> bool:
    return moment is not None and now >= moment
