"""Small companies over a few days, with faults: what the properties are about."""

from __future__ import annotations

import copy
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.errors import RetryableError
from connectors.memory_target import MemoryTarget
from connectors.model import Certificate, Problem, Record, Step
from syncd.core.approval import Approval, choose
from syncd.core.budgets import Budgets, Limit
from syncd.core.change import Decision
from syncd.core.diff import Ground
from syncd.core.leaving import Farewells
from syncd.core.report import Report
from syncd.core.rules import GroupRule, Rules
from syncd.core.safety import Policy
from syncd.core.shrinkage import Shrinkage
from syncd.run import apply_plan, make_plan, run
from syncd.store import plans
from syncd.store.engine import open_engine, reading, require_current
from syncd.store.tables import links, memberships, records, sizes
from syncd.sync import Request, Sync

NOW = datetime(2026, 11, 2, tzinfo=UTC)
FOREIGN = {"email": "foreign@x.example", "name": "Foreign", "state": "active", "groups": ["A"]}
ADMIN = {"email": "b@x.example", "name": "B", "state": "active", "role": "Admin", "groups": ["Hand"]}
BUSY = {"email": "c@x.example", "name": "C", "state": "active", "groups": ["A"]}
SEED = {
    "users": [FOREIGN, ADMIN, BUSY],
    "groups": [{"name": "A"}, {"name": "Hand"}],
    "workflows": [{"name": "W", "steps": [{"name": "S", "users": [BUSY["email"], FOREIGN["email"]]}]}],
    "documents": [{"title": "Form 7", "state": "draft", "user": BUSY["email"]}],
}

Day = dict[str, Record]
"""External id -> record."""

FAULTS = ("cut", "problem", "nameless problem", "uncertified", "fails", "twice")


def _person(key: str, email: str, groups: frozenset[str], active: bool) -> Record:
    attributes = {"email": f"{email}@x.example", "display_name": key, "active": active, "groups": tuple(sorted(groups))}
    return Record("person", key, attributes)


people = st.builds(
    _person,
    st.sampled_from(["E1", "E2", "E3", "E4", "E5", "E6"]),
    st.sampled_from("abcdefg"),
    st.frozensets(st.sampled_from(["A", "B", "b", "C"]), max_size=3),
    st.sampled_from([True, True, True, False]),
)
days = st.lists(people, max_size=7).map(lambda found: {record.external_id: record for record in found})
faults = st.tuples(st.sampled_from(FAULTS), st.integers(0, 6))


@st.composite
def several(draw: st.DrawFn, of: st.SearchStrategy[Any], least: int = 2) -> list[Any]:
    """Some days, of which each is another one altogether, or the day before with a few records changed or taken out."""
    found = [draw(of)]
    for _ in range(draw(st.integers(least, 4)) - 1):
        new = draw(of)
        keys = sorted({*new, *found[-1]})
        if keys and draw(st.integers(0, 3)):
            edits = draw(st.lists(st.sampled_from(keys), max_size=3, unique=True))
            changed = {**found[-1], **{key: new.get(key) for key in edits}}
            new = {key: record for key, record in changed.items() if record}
        found.append(new)
    return found


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A random configuration, as `Sync` takes it."""
    count = draw(st.sampled_from([None, 0, 1, 3]))
    return {
        "rules": Rules(
            draw(st.sampled_from([None, None, "'C' not in groups", "display_name != 'E6'", "active and missing == 1"])),
            groups=draw(st.sampled_from([None, None, (GroupRule(re.compile("(?P<name>[ABC])"), "{name}"),)])),
        ),
        "ground": Ground(
            NOW,
            create_groups=draw(st.booleans()),
            on_drift=draw(st.sampled_from(["repair", "report"])),
            grace=timedelta(days=draw(st.sampled_from([0, 0, 1]))),
            certified_absences=draw(st.sampled_from([1, 1, 2])),
            strip_groups=draw(st.booleans()),
        ),
        "farewells": Farewells(
            draw(st.sampled_from(["hold", "remove_first"])), draw(st.sampled_from(["hold", "discard"]))
        ),
        "policy": Policy(
            Budgets(
                {"delete": Limit(count=count)} if count is not None else {},
                block=draw(st.sampled_from(["deletes", "kind", "all"])),
            ),
            Shrinkage(draw(st.sampled_from([30.0, 100.0])), draw(st.sampled_from([1, 10]))),
        ),
        "adopt": draw(st.booleans()),
    }


@dataclass(slots=True)
class Faulty:
    """A source that reads a day, with a fault."""

    name: str
    day: Day
    fault: tuple[str, int] | None = None

    def read(self, known: object = None) -> Iterator[Record | Certificate]:
        """What a source with this fault hands over."""
        del known
        everybody = list(self.day.values())
        kind, at = self.fault or ("", 0)
        if kind == "cut":
            yield from everybody[:at]
            return
        if kind == "fails":
            yield from everybody[:at]
            raise RetryableError("connection lost", where=self.name)
        if kind.endswith("problem") and at < len(everybody):
            bad = everybody.pop(at)
            yield from everybody
            problem = Problem("bad", external_id=bad.external_id, email=str(bad.attributes["email"]))
            problem = Problem("bad") if "nameless" in kind else problem
            yield Certificate(len(everybody), problems=(problem,))
            return
        yield from everybody
        if kind == "twice" and at < len(everybody):
            yield replace_name(everybody[at])
        yield Certificate(
            len(everybody), reasons=() if not kind or (kind == "twice" and at < len(everybody)) else ("cut",)
        )

    def check(self) -> Sequence[str]:
        """Nothing."""
        return ()


def replace_name(record: Record) -> Record:
    """The same record with another name: given twice."""
    return record._replace(attributes={**record.attributes, "display_name": "other"})


def _by_name(sources: Sequence[Faulty]) -> tuple[str, ...]:
    """Sources that are asked for by name are read in any case: a quarantine is nothing that these properties are about."""
    return tuple(source.name for source in sources)


@cache
def _empty_store() -> bytes:
    """A store as it is made once: a thousand worlds begin with it."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/syncd.db")
        require_current(engine)
        engine.dispose()
        return (Path(folder) / "syncd.db").read_bytes()


@dataclass(slots=True)
class World:
    """One store and one account, that live through days."""

    folder: Path
    settings: dict[str, Any]
    target: MemoryTarget = field(default_factory=lambda: MemoryTarget(copy.deepcopy(SEED)))
    now: datetime = NOW
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        if not (self.folder / "syncd.db").exists():
            (self.folder / "syncd.db").write_bytes(_empty_store())
        self.engine = open_engine(f"sqlite:///{self.folder}/syncd.db")

    def twin(self, name: str) -> World:
        """A world that has been the same until now."""
        folder = self.folder.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        self.engine.dispose()
        shutil.copytree(self.folder, folder)
        return World(folder, self.settings, copy.deepcopy(self.target), self.now)

    def sync(self, *sources: Faulty) -> Sync:
        """A day's parts."""
        return Sync(
            store=self.engine,
            sources={source.name: source for source in sources},
            target=self.target,
            rules_digest="same",
            documents_to="",
            approval_lasts=timedelta(hours=72),
            actor="test",
            clock=self.clock,
            **{**self.settings, "ground": replace(self.settings["ground"])},
        )

    def clock(self) -> datetime:
        """A moment later each time."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def plan(self, *sources: Faulty, full: bool = False) -> Report:
        """A plan; fails as the program does when no source can be read."""
        return make_plan(self.sync(*sources), Request("plan", _by_name(sources), full=full))

    def run(self, *sources: Faulty, hours: int = 9) -> Report | None:
        """A run, some hours after the last; None when no source could be read."""
        self.now += timedelta(hours=hours)
        try:
            return run(self.sync(*sources), Request("run", _by_name(sources)))
        except RetryableError:
            return None

    def approve(self, report: Report | None, *sources: Faulty) -> Report | None:
        """A person says yes to all that can be approved of a plan, and applies it."""
        if report is None or not report.plan.changes:
            return None
        now = self.clock()
        keys = choose(report.review.decisions)
        approval = Approval(report.plan.digest, keys, "test", "", now, now + timedelta(hours=72))
        plans.approve(self.engine, report.plan_id, approval)
        try:
            return apply_plan(self.sync(*sources), report.plan_id)
        except RetryableError:
            return None

    def break_at(self, step: int) -> None:
        """The account cannot be reached any more at this step from now on, once; 0 is never."""
        met = 0

        def before(_step: Step) -> None:
            nonlocal met
            met += 1
            if met == step:
                raise RetryableError("connection lost", where="Fluix")

        self.target.before_step = before if step else None

    def owners(self) -> dict[str, set[str]]:
        """Fluix id -> the records that own it."""
        found: dict[str, set[str]] = {}
        with reading(self.engine) as connection:
            for source, external_id, fluix_id in connection.execute(
                select(links.c.source, links.c.external_id, links.c.fluix_id)
            ):
                found.setdefault(fluix_id, set()).add(f"{source}/{external_id}")
        return found

    def give_by_hand(self, place: int) -> None:
        """An admin puts somebody into a group that no directory knows."""
        ids = sorted(self.owners())
        if ids:
            step = Step(f"hand {place} {self.now}", "add_member", ids[place % len(ids)], {"group": "Hand"})
            self.target.apply([step])

    def meddle(self, place: int) -> None:
        """An admin changes what we gave: a name, and who is in a group."""
        for fluix_id in sorted(self.owners())[place % 2 :: 2]:
            name = Step(f"name {fluix_id} {self.now}", "update_user", fluix_id, {"display_name": "By Hand"})
            out = Step(f"out {fluix_id} {self.now}", "remove_member", fluix_id, {"group": "A"})
            self.target.apply([name, out])

    def counted(self) -> dict[str, int]:
        """The members of groups, as the store counts them."""
        with reading(self.engine) as connection:
            return {name: now for name, now in connection.execute(select(sizes.c.group_name, sizes.c.now)) if now}

    def recounted(self) -> dict[str, int]:
        """The members of groups, counted anew."""
        counts: Counter[str] = Counter()
        with reading(self.engine) as connection:
            query = select(records.c.source, records.c.external_id, records.c.kind, records.c.attributes)
            rows = list(connection.execute(query.where(records.c.gone_since.is_(None))))
            names = {
                (source, key): attributes["display_name"] for source, key, kind, attributes in rows if kind == "group"
            }
            for row in rows:
                counts.update(row.attributes.get("groups", ()))
            for source, group_id in connection.execute(select(memberships.c.source, memberships.c.group_id)):
                counts[names[source, group_id]] += 1
        return dict(counts)


def deleted(report: Report | None) -> set[str]:
    """Whom a run deleted: the records behind each account."""
    if report is None or report.applied is None:
        return set()
    failed = {change.key for change, _ in (*report.applied.failed, *report.applied.stale)}
    return {
        str(key)
        for change in report.plan.of_kind("delete_user")
        if report.decisions[change.key] is Decision.PROCEED and change.key not in failed
        for key in change.records
    }


def wanted(day: Day, configuration: dict[str, Any]) -> set[str]:
    """Who should have an account on this day, as the directory really is."""
    rules: Rules = configuration["rules"]
    return {f"hr/{key}" for key, record in day.items() if rules.shape(record.attributes).wanted}
