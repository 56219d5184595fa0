"""Work on many at once that spares the others where one of them is at fault."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.storage.database import DatabaseError, blames_data

T = TypeVar("T")


async def spare_others(
    several: Sequence[T], work: Callable[[Sequence[T]], Awaitable[None]], give_up: Callable[[T], None]
) -> None:
    """Do work on several together; where that fails, on each alone, and give up those on which it fails.

    ``give_up`` is called while the error is handled. What is the database's fault, and not theirs, is raised.
    """
    try:
        await work(several)
    except Exception as error:
        if isinstance(error, (SQLAlchemyError, DatabaseError)) and not blames_data(error):
            raise
        if len(several) == 1:
            give_up(several[0])
            return
        for one in several:
            await spare_others([one], work, give_up)
