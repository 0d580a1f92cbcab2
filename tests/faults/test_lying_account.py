"""An account that says yes and does nothing, does it late, twice, or answers after the time-out: found by reading back, and mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.errors import RetryableError
from connectors.memory_target import MemoryTarget
from connectors.model import Account, AccountGroup, Outcome, Record, Step, Verb
from syncd.core.proof import Sampling
from syncd.core.report import Report
from syncd.run import run
from syncd.store.audit import verify
from syncd.store.engine import open_engine, reading, require_current
from syncd.store.tables import audit, journal, ledger
from syncd.sync import Request
from tests.faults.test_outside import TEN, Place, hr, person, place

__all__ = ["place"]  # the fixture

DAYS: dict[Verb, Sequence[Record]] = {
    "create_group": [person(0, groups=("Field", "Site", "New")), *TEN[1:]],
    "create_user": [*TEN, person(50)],
    "update_user": [person(0, display_name="Married"), *TEN[1:]],
    "add_member": [person(0, groups=("Field", "Site", "Extra")), *TEN[1:]],
    "remove_member": [person(0, groups=("Field",)), *TEN[1:]],
    "delete_user": TEN[:9],
}
"""Verb -> a second day on which it is asked for."""


class Liar(MemoryTarget):
    """Says yes to everything; what it does with steps of some verbs is up to `how`."""

    verbs: frozenset[Verb] = frozenset()

    def __init__(self, how: Callable[[Liar, Step], object] | None = None) -> None:
        super().__init__({"groups": [{"name": "Extra"}]})
        self.how = how
        self.late: list[Step] = []

    def apply(self, steps: Sequence[Step]) -> list[Outcome]:
        return [self._lied(step) if step.verb in self.verbs else super(Liar, self).apply([step])[0] for step in steps]

    def _lied(self, step: Step) -> Outcome:
        done = self.how(self, step) if self.how else None
        return done if isinstance(done, Outcome) else Outcome(step.operation_id, "done", step.fluix_id or "99")

    def honestly(self, step: Step) -> Outcome:
        """As it should be."""
        return super().apply([step])[0]

    def catch_up(self) -> None:
        """Do what was only promised."""
        for step in self.late:
            super().apply([step])
        self.late.clear()


def first_day(place: Place, verb: Verb, how: Callable[[Liar, Step], object] | None = None) -> Liar:
    target = Liar(how)
    place.target = target
    place.run(hr(*TEN))
    target.verbs = frozenset({verb})
    return target


def held(target: MemoryTarget) -> tuple[list[Any], list[Any]]:
    """What the account holds: users and groups, without ids."""
    items = list(target.read())
    users = [(item.email, item.display_name, sorted(item.groups)) for item in items if isinstance(item, Account)]
    return sorted(users), sorted(item.display_name for item in items if isinstance(item, AccountGroup))


def wanted(tmp_path: Path, day: Sequence[Record]) -> tuple[list[Any], list[Any]]:
    """What an honest account comes to."""
    store = open_engine(f"sqlite:///{tmp_path}/honest.db")
    require_current(store)
    honest = Place(store, Liar())
    for records in (TEN, day):
        honest.run(hr(*records))
    return held(honest.target)


@pytest.mark.parametrize("drift", ["repair", "report"])
@pytest.mark.parametrize("verb", DAYS)
def test_what_it_says_and_does_not_do_is_unproven_and_mended_by_the_next_run(
    place: Place, tmp_path: Path, verb: Verb, drift: Any
) -> None:
    target = first_day(place, verb)

    def again() -> Report:
        sync = place.sync(hr(*DAYS[verb]))
        return run(replace(sync, ground=replace(sync.ground, on_drift=drift)), Request("run"))

    report = again()
    assert report.applied is not None
    (change, why) = report.applied.unproven[0]
    assert change.kind == verb
    assert why.startswith("Fluix acknowledged it, but ")
    assert report.outcome["unproven"] == 1
    assert report.outcome["failed"] >= 1
    assert report.applied.done[verb] == 0
    with reading(place.store) as connection:
        told = [row.detail for row in connection.execute(select(audit)) if row.detail.get("state") == "unproven"]
    assert [(row["key"], row["message"]) for row in told] == [(change.key, why)]

    target.verbs = frozenset()
    for _ in range(2):  # a membership in a group that is not there can only follow
        again()
    assert held(target) == wanted(tmp_path, DAYS[verb])
    assert again().plan.changes == ()
    assert verify(place.store)[1] is None


@pytest.mark.parametrize("verb", DAYS)
def test_what_it_does_late_is_proven_by_the_next_run_and_not_done_again(
    place: Place, tmp_path: Path, verb: Verb
) -> None:
    target = first_day(place, verb, lambda target, step: target.late.append(step))
    report = place.run(hr(*DAYS[verb]))
    assert report.outcome["unproven"] == 1
    # A new user's id is not what was said; so here it is only found again by the address.
    target.catch_up()
    target.verbs = frozenset()
    place.run(hr(*DAYS[verb]))
    assert held(target) == wanted(tmp_path, DAYS[verb])
    assert place.run(hr(*DAYS[verb])).plan.changes == ()
    assert len(target.invitations) == len(set(target.invitations))
    with reading(place.store) as connection:
        states = set(connection.execute(select(journal.c.state)).scalars())
        kept = list(connection.execute(select(ledger.c.state)).scalars())
    assert states <= {"done", "failed"}, "nothing stays in doubt"
    assert kept == ["deleted"] * (verb == "delete_user"), "a deletion that came late is in the ledger as well"


@pytest.mark.parametrize("verb", DAYS)
def test_what_it_does_twice_leaves_the_same_as_once(place: Place, tmp_path: Path, verb: Verb) -> None:
    def twice(target: Liar, step: Step) -> Outcome:
        outcome = target.honestly(step)
        assert target.honestly(step) == outcome
        target.honestly(replace(step, operation_id=f"{step.operation_id}:again"))
        return outcome

    target = first_day(place, verb, twice)
    report = place.run(hr(*DAYS[verb]))
    assert (report.outcome["failed"], report.outcome["stale"]) == (0, 0)
    assert held(target) == wanted(tmp_path, DAYS[verb])
    assert place.run(hr(*DAYS[verb])).plan.changes == ()
    assert len(target.invitations) == len(set(target.invitations))


@pytest.mark.parametrize("verb", DAYS)
def test_an_answer_after_the_time_out_is_no_second_deed(place: Place, tmp_path: Path, verb: Verb) -> None:
    def late(target: Liar, step: Step) -> None:
        target.honestly(step)
        raise RetryableError("no answer within 30 s", where="Fluix")

    target = first_day(place, verb, late)
    with pytest.raises(RetryableError):
        place.run(hr(*DAYS[verb]))
    assert place.open_steps() > 0
    target.verbs = frozenset()
    report = place.run(hr(*DAYS[verb]))
    assert (report.resumed, report.outcome["failed"]) == (1, 0)
    assert held(target) == wanted(tmp_path, DAYS[verb])
    assert place.run(hr(*DAYS[verb])).plan.changes == ()
    assert len(target.invitations) == len(set(target.invitations))


class Forgets(Liar):
    """Does not do what it is asked for this one person."""

    def apply(self, steps: Sequence[Step]) -> list[Outcome]:
        return [
            Outcome(step.operation_id, "done", "99")
            if step.values.get("email") == "e00@x.example"
            else super(Forgets, self).apply([step])[0]
            for step in steps
        ]


@pytest.mark.parametrize(
    ("sampling", "read_back", "found"), [(Sampling(None), 13, 1), (Sampling(0), 0, 0), (Sampling(None, 100), 13, 1)]
)
def test_how_much_is_read_back_is_configured(place: Place, sampling: Sampling, read_back: int, found: int) -> None:
    place.target = Forgets()
    report = run(replace(place.sync(hr(*TEN, person(11))), sampling=sampling), Request("run"))
    assert report.applied is not None
    assert (report.applied.read_back, len(report.applied.unproven)) == (read_back, found)


def test_one_of_a_sample_that_is_not_so_lets_all_of_them_be_read_back(place: Place) -> None:
    place.target = Liar()
    place.target.verbs = frozenset({"create_user"})
    report = run(replace(place.sync(hr(*TEN)), sampling=Sampling(1)), Request("run"))
    assert report.applied is not None
    assert len(report.applied.unproven) == 10


def test_deletions_are_all_read_back_whatever_the_sample(place: Place) -> None:
    target = first_day(place, "delete_user")
    report = run(replace(place.sync(hr(*TEN[:8])), sampling=Sampling(0)), Request("run"))
    assert report.outcome["unproven"] == 2
    target.verbs = frozenset()
    assert place.run(hr(*TEN[:8])).outcome["done"] == 2


def test_a_new_user_without_an_id_is_unproven(place: Place) -> None:
    def nameless(_target: Liar, step: Step) -> Outcome:
        return Outcome(step.operation_id, "done", None)

    target = first_day(place, "create_user", nameless)
    report = run(replace(place.sync(hr(*TEN, person(50))), sampling=Sampling(0)), Request("run"))
    assert report.outcome["unproven"] == 1
    target.verbs = frozenset()
    assert place.run(hr(*TEN, person(50))).outcome["done"] == 1
