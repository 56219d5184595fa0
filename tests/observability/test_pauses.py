"""How long the garbage collector stopped everything is known."""

import gc

from gateway.observability.pauses import Pauses


def test_pauses_are_measured_until_told_to_stop() -> None:
    pauses = Pauses()
    pauses.start()
    gc.collect()
    pauses.stop()
    measured = len(pauses.times)
    assert measured >= 1
    assert 0.0 < pauses.times.total < 60.0
    gc.collect()
    assert len(pauses.times) == measured
