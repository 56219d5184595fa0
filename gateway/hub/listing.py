"""A listing: all that a view shows, made once for everybody who asks for the whole."""

from typing import NamedTuple

from gateway.hub.frame import Form, Frame, Private


class Listing(NamedTuple):
    """The documents at an offset, as the shared end of a snapshot event and of ``/api/pipelines``."""

    offset: int
    frame: Frame
    beginnings: dict[tuple[Form, bytes, str], Private]
    """What goes before it in a snapshot event, by form, by what goes before that, and by reason."""
