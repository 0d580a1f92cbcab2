"""Whatever the key, its row and the key itself come back as they were."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.keys import NOBODY, Keys

ODD = ["", "u", "t", "0" * 32, "0" * 36, "é" * 36, "\ud800", "ABCDEF00-0000-0000-0000-000000000000"]
ODD += [
    "abcdef00-0000-0000-0000-000000000000",
    "abcdef0000000000-0000-000000000000-0",
    "0 1 2 3 4-0000-0000-0000-000000000000",
]
keys = st.lists(st.sampled_from(ODD) | st.uuids().map(str) | st.text(max_size=40), max_size=60)


@given(keys, st.integers(-2, 5))
def test_every_key_has_one_row_and_comes_back_as_it_was(found, guess):
    held, rows = Keys(), {}
    for key in found:
        row, new = held.add(key, guess)
        assert new == (key not in rows)
        assert rows.setdefault(key, row) == row
    assert sorted(rows.values()) == list(range(len(held)))
    assert all(held.key(row) == key and held.row(key) == row for key, row in rows.items())
    assert held.row("nobody has this") == NOBODY


def test_it_grows():
    held = Keys()
    rows = [held.add(f"k{n}")[0] for n in range(5000)]
    assert rows == list(range(5000)) == [held.row(f"k{n}") for n in range(5000)]
    assert held.marks == bytes(5000)
