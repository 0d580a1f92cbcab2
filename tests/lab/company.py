"""The one small company of the laboratory: its two days, and all that must be the same however the second day went."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.tables import activity
from syncd.bootstrap import App
from syncd.store.audit import verify
from syncd.store.engine import reading
from syncd.store.journal import Journal
from syncd.store.tables import audit
from tests.faults.processes import go
from tests.forking import Program, begin
from tests.house import House, Person, staff

DAY_ONE = [*staff(8), *(Person(f"E{number:03d}", groups=("Office",)) for number in range(9, 13))]
LEAVERS = frozenset(person.row()[2] for person in DAY_ONE[-3:])
DAY_TWO = [
    replace(DAY_ONE[0], email="married@example.com", name="Married Now"),
    replace(DAY_ONE[1], groups=("Office",)),
    replace(DAY_ONE[2], groups=("Field", "Office")),
    *DAY_ONE[3:-3],
    Person("E100", "Nu Nguyen", "nu@example.com", ("Field", "Yard")),
    Person("E101", "Ola Berg", "ola@example.com", ("Office",)),
]
"""A new address, two moves, two joiners with a new group, and three leavers who are due at once."""

PATIENCE, HOPELESS = 120.0, 4.0
"""Seconds after which a call that does not end is killed: in any case, and where nobody will answer it any more."""
WIDE_OPEN = {"shrink": {"max_percent": 100}, "budgets": {"run": {"delete": None, "remove_member": None}}}
"""Nothing holds a deletion back: only that a source was read whole."""


@dataclass(frozen=True)
class State:
    """What an account came to, and by how many deeds."""

    account: Mapping[str, Any]
    deeds: Mapping[str, int]
    """What was done -> how often."""
    deleted: frozenset[str]
    """Of those of day one, by email."""


@dataclass
class Ran:
    """One call of the program."""

    code: int
    out: str
    err: str
    hung: bool = False
    """Whether it was killed since it did not end."""

    @property
    def document(self) -> Any:
        """What it printed; empty where it had no time to."""
        return json.loads(self.out) if self.out.strip() else {}

    def said(self) -> str:
        """What happened, in the program's own words; without places and numbers that chance gave."""
        found = self.document
        if "error" in found:
            words = [found["error"]["what"]]
        else:
            words = [problem for source in found.get("sources", ()) for problem in source["problems"]]
            words += [one["message"] for one in found.get("findings", ()) if one["check"] != "adoption"]
            words += [str(one.get("message", one)) for one in found.get("failures", ())]
        if not words and self.err:
            words = [line for line in self.err.splitlines() if line.strip()][:1]
        return _without_chance(words[0]) if words else ""


def _without_chance(text: str) -> str:
    text = re.sub(r"(127\.0\.0\.1|10\.231\.0\.\d|localhost)(:\d+)?", "SERVER", text)
    text = re.sub(r"/\S+/(?=[\w.-]+)", "", text)
    text = re.sub(r"\b(process|port|pid) \d+", r"\1 N", text)
    return " ".join(text.split())


@dataclass
class Company:
    """A house on the evening before day two, and what it is called with."""

    house: House
    env: dict[str, str] = field(default_factory=dict)
    before: Sequence[list[Any]] = ()
    """What its process does before each call; see `preparing`."""

    def call(self, *words: str, prepare: Sequence[list[Any]] = (), hopeless: Callable[[], bool] = lambda: False) -> Ran:
        """Call the program, in a process of its own."""
        return self.end(self.begin(*words, prepare=prepare), hopeless)

    def begin(self, *words: str, prepare: Sequence[list[Any]] = ()) -> Program:
        """Begin a call."""
        deeds = [*self.before, *prepare]
        deeds = ["tests.lab.preparing:prepare", *deeds] if deeds else []
        return begin([*words, "--json"], self.house.folder, self.house.environment(self.env), deeds)

    def end(self, program: Program, hopeless: Callable[[], bool] = lambda: False) -> Ran:
        """How a call ended. One that hangs is killed, with code -9: soon, once there is no hope."""
        left = PATIENCE
        while (code := program.ended(0.2)) is None and left > 0:
            left = min(left, HOPELESS) - 0.2 if hopeless() else left - 0.2
        if hung := code is None:
            program.kill()
            code = program.wait()
        ran = Ran(code, *program.said(), hung)
        assert "Traceback" not in ran.err, ran.err
        return ran

    def copy(self, folder: Path, **settings: Any) -> Company:
        """The same evening in another folder."""
        shutil.copytree(self.house.folder, folder, dirs_exist_ok=True)
        made = House(folder, dict(self.house.settings))
        made.configure(**settings)
        return Company(made, self.env, self.before)

    def state(self) -> State:
        """Of the embedded account."""
        found: State = go(self.house.folder, account_state)
        return found


def account_state(app: App) -> State:
    """The account, each verb that reached it, and each deed by the audit."""
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    dumped = account.dump()
    assert verify(app.store)[1] is None, "the audit is not whole"
    with reading(app.store) as connection:
        deeds = Counter(f"activity {row.kind}: {row.text}" for row in connection.execute(select(activity)))
        done = Counter(
            f"{row.action} {row.detail['key']}"
            for row in connection.execute(select(audit))
            if row.detail.get("state") == "done"
        )
    assert set(done.values()) <= {1}, f"done twice, by the audit: {done}"
    assert Journal(app.store, 0, "test", app.clock).open() == [], "something is still open"
    return State(dumped, deeds + done, gone({user["email"] for user in dumped["users"]}))


def gone(there: set[str]) -> frozenset[str]:
    """Who of day one has no account any more. A new address is nobody's end."""
    renamed = {"e001@example.com"} if "married@example.com" in there else set()
    return frozenset(person.row()[2] for person in DAY_ONE) - there - renamed
