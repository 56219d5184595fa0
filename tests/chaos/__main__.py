"""``python -m tests.chaos``: five minutes, 300 clients, 50 events a second, a fault every ten seconds."""

import argparse
import asyncio
import sys

import uvloop

from tests.chaos.campaign import campaign
from tests.replicas.server import PROGRAM


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    if PROGRAM is None:
        sys.stderr.write("redis-server isn't installed; `make programs` installs it where it can\n")
        return 2
    running = campaign(
        seconds=arguments.seconds,
        clients=arguments.clients,
        rate=arguments.rate,
        every=arguments.every,
        only=tuple(arguments.only),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(running)
    sys.stdout.write("\n".join(report.lines()) + "\n")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
