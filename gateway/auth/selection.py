"""What somebody asks to see, within what they may: the selection that the hub is given.

Whoever asks for the same within the same grant shares one view, whatever else each may do. A grant over everything
leaves a selection as it is.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from gateway.auth.grant import Grant, spot
from gateway.hub.feed import Selection


class GrantedSelection:
    """A selection within a grant. ``sees`` and ``show`` are the grant's, for the feed's documents."""

    def __init__(
        self,
        selection: Selection,
        grant: Grant,
        *,
        sees: Callable[[Any], bool],
        show: Callable[[Any], Any],
    ) -> None:
        asked = selection.sees
        self.show: Callable[[Any], Any] | None = show if grant.hides else None
        # What is cheaper comes first: a selector mostly asks for less than the grant has.
        self.sees: Callable[[Any], bool] = lambda document: asked(document) and sees(document)
        # A grant goes by where a document belongs and by its labels.
        covers = selection.covers
        self.covers: Callable[[Any], bool] | None = (
            sees if covers is None else lambda document: covers(document) and sees(document)
        )
        # No other selection's text begins so, and the scope has no line end in it.
        self.canonical = f"granted {grant.scope}\n{selection.canonical}"
        self.view_id = hashlib.sha256(self.canonical.encode()).hexdigest()[:12]


def narrow(selection: Selection, grant: Grant) -> Selection:
    """Return a selection of applications within a grant."""
    if grant.everything:
        return selection
    return GrantedSelection(selection, grant, sees=grant.sees, show=grant.show)


def narrow_detail(selection: Selection, grant: Grant) -> Selection:
    """Return a selection of details within a grant."""
    if grant.everything:
        return selection

    def sees(detail: Mapping[str, Any]) -> bool:
        return grant.sees(spot(detail))

    return GrantedSelection(selection, grant, sees=sees, show=grant.show_detail)
