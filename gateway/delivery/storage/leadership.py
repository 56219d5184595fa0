"""Who works the history off: each change of that has a number, and whoever writes with an old one writes nothing.

A process that was stopped, and goes on after another has taken over, still believes that it leads. So each
transaction of a leader holds the row of the term, shared, and looks whether it is still its own; to take over is to
change that row, which waits for whoever holds it.
"""

from sqlalchemy import Connection, select, update

from gateway.delivery.storage.dialling import DatabaseError
from gateway.delivery.storage.tables import LEADERSHIP

_C = LEADERSHIP.c


class DeposedError(DatabaseError):
    """Another process has taken over; nothing was written."""


def take_over(connection: Connection, *, now: float) -> int:
    """Begin a new term; return its number."""
    statement = update(LEADERSHIP).where(_C.id == 1).values(term=_C.term + 1, since=now).returning(_C.term)
    return int(connection.execute(statement).scalar_one())


def stay(connection: Connection, term: int) -> None:
    """Make sure, until the end of the transaction, that nobody else has taken over. Raises DeposedError."""
    held = connection.execute(select(_C.term).where(_C.id == 1).with_for_update(read=True)).scalar()
    if held != term:
        raise DeposedError("another gateway works the delivery history off")
