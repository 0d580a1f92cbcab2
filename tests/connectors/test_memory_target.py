from __future__ import annotations

import pytest

from connectors.errors import RetryableError
from connectors.memory_target import MemoryTarget
from connectors.model import AccountGroup
from tests.target_contract import DATA, Hand, TargetContract


class TestContract(TargetContract):
    def make_target(self, tmp_path, data):
        return MemoryTarget(data)

    def invitations(self, target):
        return target.invitations


def failing_at(place):
    """A `before_step` that raises at the step of this place, once."""
    met = []

    def before_step(step):
        met.append(step)
        if len(met) == place:
            raise RetryableError("the connection was lost")

    return before_step


def test_it_is_empty_without_data():
    (certificate,) = MemoryTarget().read()
    assert certificate.certified


def test_groups_that_only_users_and_workflows_name_are_there():
    data = {
        "users": [{"email": "a@x.example", "name": "A", "groups": ["One"]}],
        "workflows": [{"name": "W", "steps": [{"name": "S", "groups": ["Two", "ONE"]}]}],
    }
    assert Hand(MemoryTarget(data)).groups() == {"One", "Two"}


def test_the_data_are_not_changed_and_not_shared():
    one, other = Hand(MemoryTarget(DATA)), Hand(MemoryTarget(DATA))
    before = other.everything()
    one.target.apply(TestContract().whole_call(one))
    assert other.everything() == before == Hand(MemoryTarget(DATA)).everything()


def test_before_step_is_told_every_step_in_order_even_one_done_already():
    met = []
    hand = Hand(MemoryTarget(DATA, met.append))
    steps = TestContract().whole_call(hand)
    hand.target.apply(steps)
    hand.target.apply(steps[:2])
    assert met == [*steps, *steps[:2]]


@pytest.mark.parametrize("place", range(1, 11))
def test_after_a_call_that_raised_repeating_it_does_everything_once(place):
    whole = Hand(MemoryTarget(DATA))
    whole.target.apply(TestContract().whole_call(whole))
    hand = Hand(MemoryTarget(DATA, failing_at(place)))
    steps = TestContract().whole_call(hand)
    with pytest.raises(RetryableError):
        hand.target.apply(steps)
    assert len(hand.target.operations) == place - 1
    assert {outcome.state for outcome in hand.target.apply(steps)} == {"done"}
    assert hand.everything() == whole.everything()
    assert hand.target.invitations == whole.target.invitations


def test_a_read_shows_the_account_as_it_was_when_it_began():
    hand = Hand(MemoryTarget(DATA))
    stream = hand.target.read()
    assert isinstance(next(stream), AccountGroup)
    hand.done("create_group", display_name="New")
    hand.done("delete_user", "ida@example.com")
    *_, certificate = stream
    assert (certificate.records, certificate.groups) == (5, 3)


def test_a_failed_step_is_no_operation_done():
    target = MemoryTarget()
    assert Hand(target).do("resend_invite", "1").state == "failed"
    assert target.operations == {}
