"""An agenda says of many keys what is due, as a look at all of them would."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.agenda import SPARE, Agenda

keys = st.sampled_from("abcdefgh")
moments = st.integers(0, 20).map(float)
steps = st.lists(st.tuples(st.sampled_from(("put", "discard", "take")), keys, moments), max_size=60)


@given(steps)
def test_what_is_due_is_what_a_look_at_all_finds(steps: list[tuple[str, str, float]]) -> None:
    agenda, all_of_them = Agenda(), dict[str, float]()
    for step, key, at in steps:
        match step:
            case "put":
                agenda.put(key, at)
                all_of_them[key] = at
            case "discard":
                agenda.discard(key)
                all_of_them.pop(key, None)
            case "take":
                taken = agenda.take(at)
                assert sorted(taken) == sorted(key for key, moment in all_of_them.items() if moment <= at)
                due = [all_of_them.pop(key) for key in taken]
                assert due == sorted(due), "the longest due comes first"
        assert agenda.next() == min(all_of_them.values(), default=None)
        assert len(agenda) == len(all_of_them)


def test_what_is_put_off_again_and_again_takes_no_more_room() -> None:
    agenda = Agenda()
    for at in range(10_000):
        agenda.put(f"app-{at % 10}", float(at))
    assert len(agenda._heap) <= 2 * len(agenda) + SPARE + 1
    assert agenda.take(9_995.0) == [f"app-{number}" for number in range(6)]
