"""Counts and readings into Prometheus' metric families.

Names are as https://prometheus.io/docs/practices/naming/ has them.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from gateway.observability.histogram import Distribution

Labels = TypeVar("Labels", bound=tuple[str, ...])

_NONE: tuple[str, ...] = ()


def count(
    name: str, text: str, label: str, counts: Mapping[str, int], prefix: str, known: Iterable[str] = ()
) -> CounterMetricFamily:
    """Return a counter of all counts whose names begin with a prefix; what follows it is the label's value.

    Those ``known`` beforehand begin with 0: a Prometheus sees no increase in a series that begins with 1.
    """
    family = CounterMetricFamily(name, text, labels=[label])
    for key, number in ({prefix + value: 0 for value in known} | dict(counts)).items():
        if key.startswith(prefix):
            family.add_metric([key.removeprefix(prefix)], number)
    return family


def count_by(name: str, text: str, labels: Iterable[str], counts: Mapping[Labels, int]) -> CounterMetricFamily:
    """Return a counter with several labels."""
    family = CounterMetricFamily(name, text, labels=list(labels))
    for values, number in counts.items():
        family.add_metric(list(values), number)
    return family


def measure_by(name: str, text: str, labels: Iterable[str], values: Mapping[Labels, float]) -> GaugeMetricFamily:
    """Return a gauge with labels."""
    family = GaugeMetricFamily(name, text, labels=list(labels))
    for labelled, value in values.items():
        family.add_metric(list(labelled), value)
    return family


def one_of(name: str, text: str, label: str, values: Iterable[str], current: str | None) -> GaugeMetricFamily:
    """Return a gauge that is 1 for the current of several values, and 0 for all others: so each has a past."""
    return measure_by(name, text, [label], {(value,): float(value == current) for value in values})


def spread(name: str, text: str, measured: Distribution | None) -> HistogramMetricFamily:
    """Return a histogram."""
    return spread_by(name, text, (), {} if measured is None else {_NONE: measured})


def spread_by(
    name: str, text: str, labels: Iterable[str], measured: Mapping[Labels, Distribution]
) -> HistogramMetricFamily:
    """Return a histogram with labels."""
    family = HistogramMetricFamily(name, text, labels=list(labels))
    for values, one in measured.items():
        family.add_metric(list(values), buckets=one.buckets, sum_value=one.total)
    return family
