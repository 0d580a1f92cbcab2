"""What belongs together, by values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.change import RecordKey
from syncd.core.humans import Link
from syncd.core.parts import Parts


def _link(number: int) -> Link:
    return Link(RecordKey("hr", str(number)), "u1")


def test_what_shares_nothing_stays_apart() -> None:
    parts = Parts()
    parts.joined("a").links.append(_link(1))
    parts.joined("b").links.append(_link(2))
    assert [part.links for part in parts] == [[_link(1)], [_link(2)]]


def test_two_parts_become_one_with_all_that_they_hold() -> None:
    parts = Parts()
    parts.joined("a").links.append(_link(1))
    parts.joined("b").links.append(_link(2))
    parts.joined("b", "a").links.append(_link(3))
    assert [part.links for part in parts] == [[_link(2), _link(1), _link(3)]]


def test_a_chain_of_parts_is_followed_to_its_end() -> None:
    parts = Parts()
    for node in "abc":
        parts.joined(node)
    parts.joined("b", "a")
    parts.joined("c", "b")
    assert parts.joined("a") is parts.joined("c")
    assert len(list(parts)) == 1


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=12))
def test_the_parts_are_the_connected_ones(joins: list[list[int]]) -> None:
    parts = Parts()
    groups: list[set[int]] = []
    for nodes in joins:
        parts.joined(*nodes)
        touched = [group for group in groups if group & set(nodes)]
        groups = [group for group in groups if group not in touched] + [set(nodes).union(*touched)]
    for one in {node for group in groups for node in group}:
        for other in {node for group in groups for node in group}:
            together = any({one, other} <= group for group in groups)
            assert (parts.joined(one) is parts.joined(other)) == together
    assert len(list(parts)) == len(groups)
