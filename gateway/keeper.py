"""Keeps the last state in its file while the gateway runs, and brings it back at the start."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.store.file import StateFileError, encode, load, save
from gateway.store.state import Store
from gateway.upstream.liveness import Liveness

SAVE_INTERVAL = 10.0
"""Seconds between looks whether there is something new to save."""

_log = structlog.get_logger(__name__)


class Keeper:
    """Restores and saves a store; does nothing without a ``path``."""

    def __init__(
        self, path: Path | None, *, source: str, store: Store, liveness: Liveness, clock: Callable[[], float]
    ) -> None:
        self.restored = False
        """Whether a stored state is what is shown at first."""
        self._path = path
        self._source = source
        self._store = store
        self._liveness = liveness
        self._clock = clock
        self._saved: tuple[int, float | None] | None = None

    def restore(self) -> None:
        """Bring the stored state back, before anything else comes."""
        if self._path is None:
            return
        try:
            stored = load(self._path, source=self._source)
        except StateFileError as error:
            _log.warning("state.unusable", path=str(self._path), reason=str(error), advice="starting without it")
            return
        if stored is not None:
            self._store.restore(stored.applications, stored.tombstones)
            self._liveness.restored(stored.verified_at, stored.as_of)
            self.restored = True
            _log.info("state.restored", applications=len(stored.applications))

    async def run(self) -> None:
        """Save whenever there is something new, at most every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL)
            if (data := self._encode()) is not None and self._path is not None:
                await asyncio.to_thread(self._write, self._path, data)

    def save(self) -> None:
        """Save now."""
        if (data := self._encode()) is not None and self._path is not None:
            self._write(self._path, data)

    def _encode(self) -> bytes | None:
        # Only what Argo CD confirmed in this process is worth more than what the file holds.
        if self._path is None or not self._store.published:
            return None
        state = (self._store.emitted, self._liveness.verified_at)
        if state == self._saved:
            return None
        self._saved = state
        return encode(
            source=self._source,
            as_of=self._liveness.as_of(self._clock()),
            verified_at=self._liveness.verified_at,
            applications=self._store.held,
            tombstones=self._store.tombstones,
        )

    def _write(self, path: Path, data: bytes) -> None:
        try:
            save(path, data)
        except OSError as error:
            self._saved = None
            _log.warning("state.not_saved", path=str(path), reason=error.strerror)
