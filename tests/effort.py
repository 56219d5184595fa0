"""How many examples of what may happen are tried: few in each run, many where somebody waits for them.

``EFFORT=20 make test`` tries twenty times as many, and others in each run.
"""

import os

EFFORT = max(1, int(os.environ.get("EFFORT", "1")))


def examples(few: int) -> int:
    """Return how many to try, where an ordinary run tries a few."""
    return few * EFFORT
