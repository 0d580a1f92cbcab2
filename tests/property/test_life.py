"""Days in the life of a company in which anything may break between any two calls: the promises of docs/safety.md hold."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from connectors.errors import RetryableError
from connectors.memory_target import _Document
from connectors.model import Account, Step
from syncd.core.approval import Approval, choose
from syncd.core.budgets import Budgets, Limit
from syncd.core.change import Decision
from syncd.core.report import Report
from syncd.core.safety import Policy
from syncd.core.shrinkage import Shrinkage
from syncd.errors import SyncdError
from syncd.run import apply_plan, make_plan, run
from syncd.store import plans
from syncd.sync import Request
from tests.depth import examples
from tests.property.life import PROTECTED, TROUBLES, Killed, Town, Unsteady
from tests.property.world import FOREIGN, SEED, Day, days, faults, people, policies

sources = st.sampled_from(["hr", "hr", "hr", "ad"])
places = st.integers(0, 5)
rarely_faults = st.one_of(st.none(), st.none(), faults)
troubles = st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(TROUBLES), st.integers(1, 8)))
kills = st.one_of(st.just(0), st.just(0), st.integers(1, 160))


class Life(RuleBasedStateMachine):
    """One company."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.made: list[Report] = []

    @initialize(
        policy=policies(),
        week=st.sampled_from([0, 1, 3, None]),
        hr=days,
        ad=days,
        shrink=st.sampled_from([100.0, 100.0, 30.0]),
    )
    def begin(self, policy: dict[str, Any], week: int | None, hr: Day, ad: Day, shrink: float) -> None:
        budgets: Budgets = policy["policy"].budgets
        if week is not None:
            budgets = replace(budgets, week={"delete": Limit(count=week)})
        policy["policy"] = Policy(budgets, Shrinkage(shrink, 10))
        policy["farewells"] = replace(policy["farewells"], protected=frozenset({PROTECTED}))
        self.town = Town(self.folder, policy, Unsteady(copy.deepcopy(SEED)))
        self.town.days.update(hr=dict(hr), ad=dict(ad))
        self.runs(None, None, None, 0)

    # --- the directory ---------------------------------------------------------------------------------------------

    @rule(source=sources, record=people)
    def comes_returns_moves_or_is_renamed(self, source: str, record: Any) -> None:
        self.town.days[source][record.external_id] = record

    @rule(source=sources, place=places)
    def leaves(self, source: str, place: int) -> None:
        day = self.town.days[source]
        if day:
            del day[sorted(day)[place % len(day)]]

    @rule(source=sources)
    def everybody_leaves(self, source: str) -> None:
        self.town.days[source].clear()

    @rule(hours=st.sampled_from([1, 13, 30, 80, 200]))
    def time_passes(self, hours: int) -> None:
        self.town.now += timedelta(hours=hours)

    # --- people in Fluix -------------------------------------------------------------------------------------------

    @rule(place=places, what=st.sampled_from(["role", "owner", "workflow", "documents", "nothing"]))
    def is_given_something_in_fluix(self, place: int, what: str) -> None:
        users = self._ours()
        if not users:
            return
        user = users[place % len(users)]
        if what == "owner":
            for other in self.town.target._users.values():
                other.owner = False
            user.owner = True
        elif what == "workflow":
            self.town.target._parts[0].users.add(user.fluix_id)
        elif what == "documents":
            self.town.target._documents.append(_Document("Form 8", "draft", user.fluix_id))
        else:
            user.role = "Admin" if what == "role" else ""

    @rule(place=places)
    def is_put_into_a_group_by_hand(self, place: int) -> None:
        users = self._ours()
        if users:
            user = users[place % len(users)]
            self.town.target.apply([Step(f"hand {self.town.clock()}", "add_member", user.fluix_id, {"group": "Hand"})])
            self.town.by_hand.add(user.fluix_id)

    @rule(place=places)
    def is_changed_by_hand(self, place: int) -> None:
        self.town.meddle(place)

    @rule()
    def what_was_promised_is_done(self) -> None:
        self.town.target.catch_up()

    # --- the program -----------------------------------------------------------------------------------------------

    @rule(hr=rarely_faults, ad=rarely_faults, trouble=troubles, statement=kills)
    def runs(self, hr: Any, ad: Any, trouble: Any, statement: int) -> None:
        read = self.town.sources({"hr": hr, "ad": ad})
        self._step(lambda: run(self.town.sync(*read), Request("run")), trouble, statement)

    @rule(source=sources, place=places, hours=st.sampled_from([1, 13, 30]))
    def somebody_leaves_and_quiet_days_follow(self, source: str, place: int, hours: int) -> None:
        self.leaves(source, place)
        for pause in (0, hours):
            self.time_passes(pause)
            self.runs(None, None, None, 0)

    @rule(hr=rarely_faults, statement=kills)
    def plans(self, hr: Any, statement: int) -> None:
        read = self.town.sources({"hr": hr})
        report = self._step(lambda: make_plan(self.town.sync(*read), Request("plan")), None, statement)
        self.made += [report] if report and report.plan.changes else []

    @precondition(lambda self: self.made)
    @rule(which=places)
    def somebody_approves(self, which: int) -> None:
        report, now = self.made[-1 - which % len(self.made)], self.town.clock()
        keys, until = choose(report.review.decisions), now + timedelta(hours=72)
        plans.approve(self.town.engine, report.plan_id, Approval(report.plan.digest, keys, "test", "", now, until))
        for change in report.plan.of_kind("delete_user"):
            if change.key in keys:
                self.town.approved[str(change.fluix_id)] = until

    @precondition(lambda self: self.made)
    @rule(which=places, trouble=troubles, statement=kills)
    def applies_a_plan(self, which: int, trouble: Any, statement: int) -> None:
        report = self.made[-1 - which % len(self.made)]
        read = self.town.sources({})
        self._step(lambda: apply_plan(self.town.sync(*read), report.plan_id), trouble, statement)

    # --- what is promised ------------------------------------------------------------------------------------------

    def _step(self, call: Callable[[], Report], trouble: Any, statement: int) -> Report | None:
        town, target = self.town, self.town.target
        before, opened, done = town.dossiers(), town.open_deletions(), town.done()
        known = {name: len(reads) for name, reads in town.reads.items()}
        target.trouble = trouble
        target.asked.clear()
        target.gone.clear()
        report, clean = None, True
        try:
            with town.killed_at(statement):
                report = call()
        except Killed:
            clean = False
            town.reopen()
        except RetryableError:
            clean = False
        except SyncdError:  # a plan that is too old, or both sources in quarantine
            clean = False
        target.trouble = None
        town.note_absences()
        fresh = {name: reads[known[name] :] or reads for name, reads in town.reads.items()}
        for fluix_id in target.gone:
            self._deleted(fluix_id, before, fresh if fluix_id not in opened else town.reads, resumed=fluix_id in opened)
        self._limits([one for one in target.gone if one not in opened])
        assert not target.wrong
        assert not {step.operation_id for step in target.asked} & done, "done again"
        self._always(clean=clean and report is not None)
        town.settle_reads(clean=clean)
        return report

    def _deleted(self, fluix_id: str, before: Any, reads: Any, *, resumed: bool) -> None:
        """Gone for certain, long enough, with a row in the ledger; and approved, where something spoke against it."""
        town, ground, policy = self.town, self.town.settings["ground"], self.town.settings["farewells"]
        states, records = town.ledger_of(fluix_id)
        assert states, "no row in the ledger"
        assert records, "of nobody"
        for source, key in records:
            assert any(read.without(key, town.settings["rules"]) for read in reads[source]), (source, key)
        if resumed:
            return
        for source, key in records:
            times = town.runs_without[f"{source}/{key}"]
            assert town.now - times[0] >= ground.grace, (source, key, "grace")
            assert len(times) >= ground.certified_absences, (source, key, "absences")
        dossier = before[fluix_id]
        assert not any(part.alone for part in dossier.workflows)
        held = dossier.role or (policy.workflows == "hold" and dossier.workflows)
        held = held or (policy.documents == "hold" and (dossier.drafts or dossier.assigned))
        assert not held or self._approved(fluix_id), "held, and not approved"

    def _limits(self, gone: list[str]) -> None:
        """Whoever goes without an approval goes within the budgets."""
        self.town.deletions += [self.town.now] * len(gone)
        if all(map(self._approved, gone)):
            return
        budgets: Budgets = self.town.settings["policy"].budgets
        for limit, count in (
            (budgets.run.get("delete"), len(gone)),
            (budgets.week.get("delete"), self.town.deleted_lately(timedelta(days=7))),
        ):
            assert limit is None or limit.count is None or count <= limit.count, "over the budget"

    def _approved(self, fluix_id: str) -> bool:
        return fluix_id in self.town.approved and self.town.now <= self.town.approved[fluix_id] + timedelta(seconds=1)

    def _always(self, *, clean: bool) -> None:
        """What holds between any two calls."""
        town = self.town
        assert town.is_audited()
        there = {item.fluix_id: item for item in town.target.read() if isinstance(item, Account)}
        assert all("Hand" in there[one].groups for one in town.by_hand if one in there), "taken, and was given by hand"
        (foreign,) = [item for item in there.values() if item.email == FOREIGN["email"]]
        assert (foreign.display_name, set(foreign.groups)) == (FOREIGN["name"], {"A"})
        if clean:
            assert all("deleted" in town.ledger_of(one)[0] for one in town.target.gone)
            assert not town.open_deletions()

    def _ours(self) -> list[Any]:
        return [self.town.target._users[one] for one in sorted(self.town.owners()) if one in self.town.target._users]

    def teardown(self) -> None:
        """In the end everything heals: after some days without a fault nothing is left to do but what waits for a person."""
        self.town.target.catch_up()
        for pause in (2, 8, 0, 0, 0):  # quarantine, grace and the windows of the budgets are over
            self.town.now += timedelta(days=pause)
            last = self._step(lambda: run(self.town.sync(*self.town.sources({})), Request("run")), None, 0)
        assert last is not None
        assert (last.outcome["done"], last.outcome["failed"]) == (0, 0), last.plan.changes
        assert all(last.decisions[change.key] is not Decision.PROCEED for change in last.plan.changes)
        self.town.engine.dispose()
        shutil.rmtree(self.folder)


@pytest.mark.search
def test_whatever_happens_the_promises_hold() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=examples(12, 60), stateful_step_count=20))
