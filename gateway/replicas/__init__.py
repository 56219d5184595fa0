"""This process as one of many: everybody follows the shared log, and whoever holds the lease leads.

The leader watches Argo CD and writes what it finds. Everybody, the leader too, shows only what was read back, so that
nobody ever sees what Redis hasn't taken. A browser never waits for Redis: without it, what is held is served on, and
called stale when its time is over. What is stored, and how, belongs to ``log``.
"""
