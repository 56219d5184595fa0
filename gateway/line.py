"""The line to Argo CD: what is known of it, and what asks it.

Alone, a process holds it from beginning to end. Of many, the one that leads does, and each time one begins to lead, its
line is made anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from gateway.model.application import Observed, Tombstone
from gateway.model.naming import Naming
from gateway.observability.histogram import WAITS, Histogram
from gateway.store.state import Store
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.driver import Driver
from gateway.upstream.prepared import PreparedWatch
from gateway.upstream.proof import Life
from gateway.upstream.reflector import Reflector
from gateway.upstream.timing import Timing
from gateway.upstream.token import Token


class Line:
    """A store and a reflector, and their driver while it runs. ``moved`` is called after each step.

    ``clock`` returns Unix time, ``jitter`` 0 ≤ x < 1.
    """

    def __init__(
        self,
        *,
        naming: Naming,
        timing: Callable[[bool], Timing],
        client: ArgoCD,
        token: Token,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        moved: Callable[[], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened upstream, by name, over all leaderships of this process."""
        self.reconciles = Histogram(WAITS)
        """How long its contents took."""
        self._naming = naming
        self._timing = timing
        self._client = client
        self._token = token
        self._clock = clock
        self._jitter = jitter
        self._moved = moved
        self._driver: Driver | None = None
        self._prepared: PreparedWatch | None = None
        self.store, self.reflector = self._make(takeover=False)

    def _make(self, *, takeover: bool) -> tuple[Store, Reflector]:
        store = Store(self._naming)
        store.watch_sightings()
        reflector = Reflector(
            store=store,
            timing=self._timing(takeover),
            now=self._clock(),
            jitter=self._jitter,
            counts=self.counts,
            reconciles=self.reconciles,
        )
        return store, reflector

    @property
    def open(self) -> bool:
        """Whether Argo CD is being watched."""
        return self._driver is not None

    def take_over(
        self, held: Iterable[Observed], graves: Mapping[str, Tombstone], life: Life | None, *, as_of: float
    ) -> None:
        """Begin anew where another process ended, whose line was like that until a moment."""
        self.store, self.reflector = self._make(takeover=True)
        self.store.take_over(held, graves)
        verified_at = None if life is None else life.verified_at
        if life is not None and life.state == "live":
            self.reflector.liveness.taken_over(life.since, verified_at, as_of)
        else:
            self.reflector.liveness.restored(verified_at, as_of)

    @property
    def prepared(self) -> bool:
        """Whether Argo CD is listened to already, although this process doesn't lead."""
        return self._prepared is not None and not self._prepared.over

    def prepare(self) -> None:
        """Listen to Argo CD from now on, and keep what it says until this process leads."""
        if self._driver is None and not self.prepared:
            self._prepared = PreparedWatch(self._client)

    def unprepare(self) -> None:
        """Listen no more; what leads goes on."""
        if self._prepared is not None:
            self._prepared.close()
            self._prepared = None

    def begin(self) -> None:
        """Begin anew with nothing."""
        self.store, self.reflector = self._make(takeover=False)

    async def run(self) -> None:
        """Watch Argo CD until cancelled. Raises whatever breaks the reflector."""
        prepared, self._prepared = self._prepared, None
        self._driver = driver = Driver(
            reflector=self.reflector,
            client=self._client,
            token=self._token,
            clock=self._clock,
            moved=self._moved,
            prepared=prepared,
        )
        try:
            await driver.run()
        finally:
            self._driver = None

    def look_again(self, key: str) -> None:
        """Have Argo CD asked about one application: its stream may have lost what changed."""
        if self._driver is not None:
            self._driver.look_again(key)

    def life(self) -> Life:
        """Return what is to be said of upstream now."""
        now = self._clock()
        liveness = self.reflector.liveness
        state, since, reason = liveness.state(now)
        return Life(
            state=state,
            since=since,
            reason=reason,
            verified_at=liveness.verified_at,
            age=max(0.0, now - liveness.as_of(now)),
        )
