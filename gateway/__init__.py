"""A real-time gateway between Argo CD and everyone who wants to see deployments live.

The packages are the stages that data flows through: upstream, store, log, hub, web. ``ARCHITECTURE.md`` has the map,
and ``lint-imports`` keeps it true.
"""

__version__ = "0.2.0"
