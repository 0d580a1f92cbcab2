"""A signal ends a run at once, but never in the middle of a batch."""

from __future__ import annotations

import os
import signal

import pytest

from syncd.errors import Exit, Interrupted
from syncd.stopper import Stopper

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_at_once(number: signal.Signals) -> None:
    with Stopper().listening(), pytest.raises(Interrupted, match=number.name) as caught:
        send(number)
    assert caught.value.exit_code == Exit.INTERRUPTED
    assert caught.value.cure


@pytest.mark.parametrize("number", SIGNALS)
def test_a_critical_block_is_finished_first(number: signal.Signals) -> None:
    stopper, done = Stopper(), []

    def work() -> None:
        with stopper.critical():
            send(number)
            send(number)
            with stopper.critical():
                done.append("inside")
            done.append("after the inner one")
        done.append("after the block")

    with stopper.listening(), pytest.raises(Interrupted):
        work()
    assert done == ["inside", "after the inner one"]


def test_between_two_blocks_it_is_heard_at_once() -> None:
    stopper = Stopper()
    with stopper.listening():
        with stopper.critical():
            pass
        with pytest.raises(Interrupted):
            send(signal.SIGTERM)
        with stopper.critical():
            pass  # heard once, and not again


def test_an_error_in_a_critical_block_stays_that_error() -> None:
    stopper = Stopper()

    def work() -> None:
        with stopper.critical():
            send(signal.SIGINT)
            raise ValueError("mine")

    with stopper.listening(), pytest.raises(ValueError, match="mine"):
        work()


def test_the_handlers_of_before_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Stopper().listening():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
