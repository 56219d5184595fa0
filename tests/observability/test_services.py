"""Services as labels: named, counted, and bounded."""

from gateway.observability.services import OTHER, gather, place


def test_what_no_rule_names_is_unknown() -> None:
    assert place(None, "", "prod") == ("unknown", "unknown", "prod")


def test_beyond_the_limit_the_smallest_are_other() -> None:
    items = ["a", "a", "b", "c", "c", "d"]
    gathered = gather(items, lambda name: place(name, "t", "prod"), limit=2)
    assert {where.service: len(found) for where, found in gathered.items()} == {"a": 2, "c": 2, "other": 2}
    assert gathered[OTHER] == ["b", "d"]
