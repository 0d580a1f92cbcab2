"""An account or a source that fails half-way. Accounts that lie are in `test_lying_account`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.errors import ConnectorError, RefusedError, RetryableError
from connectors.memory import MemorySource
from connectors.memory_target import MemoryTarget
from connectors.model import Account, Record, Step
from syncd.core.diff import Ground
from syncd.core.leaving import Farewells
from syncd.core.report import Report
from syncd.core.rules import Rules
from syncd.core.safety import Policy
from syncd.core.shrinkage import Shrinkage
from syncd.errors import SyncdError
from syncd.run import make_plan, run
from syncd.store.audit import verify
from syncd.store.engine import open_engine, require_current
from syncd.store.journal import Journal
from syncd.sync import Request, Sync
from tests.house import Clock

CHANGES = 12
"""Steps of the first day: two groups and ten users."""


def person(number: int, **attributes: Any) -> Record:
    name = f"E{number:02d}"
    usual = {"email": f"{name.lower()}@x.example", "display_name": name, "active": True, "groups": ("Field", "Site")}
    return Record("person", name, {**usual, **attributes})


TEN = [person(number) for number in range(10)]


@dataclass
class Place:
    """A store, an account, and a clock."""

    store: Engine
    target: MemoryTarget = field(default_factory=MemoryTarget)
    clock: Clock = field(default_factory=Clock)

    def sync(self, *sources: MemorySource) -> Sync:
        return Sync(
            store=self.store,
            sources={source.name: source for source in sources},
            target=self.target,
            rules=Rules(),
            rules_digest="same",
            ground=Ground(self.clock(), grace=timedelta(0), certified_absences=1),
            farewells=Farewells("remove_first", "discard"),
            documents_to="",
            policy=Policy(shrink=Shrinkage(100.0)),
            adopt=True,
            approval_lasts=timedelta(hours=72),
            actor="test",
            clock=self.clock,
        )

    def run(self, *sources: MemorySource) -> Report:
        return run(self.sync(*sources), Request("run"))

    def emails(self) -> list[str]:
        return sorted(item.email for item in self.target.read() if isinstance(item, Account))

    def open_steps(self) -> int:
        return len(Journal(self.store, 0, "test", self.clock).open())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    store = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    require_current(store)
    return Place(store)


def hr(*records: Record, **how: Any) -> MemorySource:
    return MemorySource("hr", records, **how)


class BreaksAt:
    """Raises at the step of this place, once."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.met = 0

    def __call__(self, step: Step) -> None:
        self.met += 1
        if self.met == self.at:
            raise RetryableError("connection lost", where="Fluix")


@pytest.mark.parametrize("at", range(1, CHANGES + 1))
def test_an_account_that_breaks_off_at_any_step_is_finished_by_the_next_run(place: Place, at: int) -> None:
    place.target.before_step = BreaksAt(at)
    with pytest.raises(RetryableError):
        place.run(hr(*TEN))
    assert place.open_steps() > 0
    report = place.run(hr(*TEN))
    assert (report.outcome["failed"], place.open_steps()) == (0, 0)
    assert report.resumed > 0
    assert place.emails() == sorted(str(record.attributes["email"]) for record in TEN)
    assert sorted(place.target.invitations) == place.emails(), "nobody is invited twice, nobody never"
    assert place.run(hr(*TEN)).plan.changes == ()
    assert verify(place.store)[1] is None


LIFE = {
    "users": [{"email": "friend@x.example", "name": "Friend"}, {"email": "e09@x.example", "name": "E09"}],
    "workflows": [{"name": "W", "steps": [{"name": "S", "users": ["e09@x.example", "friend@x.example"]}]}],
    "documents": [{"title": "Form 7", "state": "draft", "user": "e09@x.example"}],
}


@pytest.fixture
def leaving(place: Place) -> Place:
    """E09 takes part in a workflow and has a document."""
    place.target = MemoryTarget(LIFE)
    place.run(hr(*TEN))
    return place


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("returned", [False, True])
def test_a_deletion_that_breaks_off_is_finished_unless_its_person_returned(
    leaving: Place, at: int, returned: bool
) -> None:
    """Documents, workflows, the account itself: wherever it broke off."""
    leaving.target.before_step = BreaksAt(at)
    with pytest.raises(RetryableError):
        leaving.run(hr(*TEN[:9]))
    assert leaving.open_steps() > 0
    assert "e09@x.example" in leaving.emails()
    if returned:
        make_plan(leaving.sync(hr(*TEN)), Request("plan"))
    report = leaving.run(hr(*TEN[: 10 if returned else 9]))
    assert (report.outcome["failed"], leaving.open_steps()) == (0, 0)
    assert ("e09@x.example" in leaving.emails()) is returned
    assert leaving.run(hr(*TEN[: 10 if returned else 9])).plan.changes == ()


class Refuses(MemoryTarget):
    """Cannot be reached at all."""

    down = False

    def read(self) -> Any:
        if self.down:
            raise RefusedError("the token has expired", cure="make a new one")
        return super().read()


def test_an_account_that_cannot_be_read_plans_nothing(place: Place) -> None:
    target = Refuses()
    place.target = target
    place.run(hr(*TEN))
    target.down = True
    with pytest.raises(RefusedError):
        place.run(hr())
    target.down = False
    assert len(place.emails()) == 10


class Half(MemoryTarget):
    """Its read ends without a certificate."""

    half = False

    def read(self) -> Any:
        items = list(super().read())
        return iter(items[:4] if self.half else items)


def test_an_account_read_by_half_plans_nothing_and_nobody_is_made_a_second_time(place: Place) -> None:
    target = Half()
    place.target = target
    place.run(hr(*TEN))
    target.half = True
    with pytest.raises(SyncdError, match="not read whole"):
        place.run(hr(*TEN))
    target.half = False
    assert place.run(hr(*TEN)).plan.changes == ()
    assert len(target.invitations) == 10


@pytest.mark.parametrize("after", [0, 3, 9])
def test_a_source_that_fails_half_way_deletes_nobody_and_keeps_what_it_brought(place: Place, after: int) -> None:
    place.run(hr(*TEN))
    married = [record._replace(attributes={**record.attributes, "display_name": "New"}) for record in TEN]
    with pytest.raises(ConnectorError):
        place.run(hr(*married, fail_after=after))
    assert len(place.emails()) == 10
    report = place.run(hr(*married[:9]))
    assert report.plan.counts() == {"delete_user": 1, "update_user": 9}


def test_one_of_two_sources_that_fails_lets_the_other_go_on(place: Place) -> None:
    ad = MemorySource("ad", [person(number) for number in range(20, 23)])
    place.run(hr(*TEN), ad)
    broken = MemorySource("ad", [person(20)], fail_after=1)
    report = place.run(hr(*TEN[:9], person(11)), broken)
    assert report.plan.counts() == {"delete_user": 1, "create_user": 1}
    assert len(place.emails()) == 13


def test_what_a_failed_read_took_in_is_not_trusted_by_a_run_of_another_source(place: Place) -> None:
    """The row that would have contradicted it was not read any more."""
    ad = MemorySource("ad", [person(20)])
    place.run(hr(*TEN), ad)
    with pytest.raises(ConnectorError):
        run(place.sync(hr(person(0, groups=()), *TEN, fail_after=1), ad), Request("run", ("hr",)))
    report = run(place.sync(hr(*TEN), ad), Request("run", ("ad",)))
    assert report.plan.changes == ()
    assert len(place.emails()) == 11
