"""A company whose account, directory and process fail at any moment, and what is remembered of it to judge by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, event, select

from connectors.errors import RetryableError
from connectors.memory_target import MemoryTarget
from connectors.model import Certificate, Dossier, Outcome, Record, Step
from syncd.core.rules import Rules
from syncd.store.audit import verify
from syncd.store.engine import open_engine, reading
from syncd.store.journal import Journal
from syncd.store.tables import journal, ledger, ledger_records
from tests.property.world import Day, Faulty, World

PROTECTED = "a@x.example"
TROUBLES = ("away", "killed before", "killed after", "says no", "answers too late", "lies", "does it later")


class Killed(BaseException):
    """The process is gone: nothing in it runs any more."""


class Unsteady(MemoryTarget):
    """An account that does at one step what accounts and networks do, and writes down whom it deleted."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.trouble: tuple[str, int] | None = None
        self.asked: list[Step] = []
        self.gone: list[str] = []
        self.wrong: list[str] = []
        """Deletions that must not even be asked for."""
        self.promised: list[Step] = []

    def apply(self, steps: Sequence[Step]) -> list[Outcome]:
        return [self._one(step) for step in steps]

    def _one(self, step: Step) -> Outcome:
        self.asked.append(step)
        how = self.trouble[0] if self.trouble and self.trouble[1] == len(self.asked) else ""
        if step.verb == "delete_user":
            self._judge(step.fluix_id or "")
        if how == "away":
            raise RetryableError("connection lost", where="Fluix")
        if how == "killed before":
            raise Killed
        if how == "says no":
            return Outcome(step.operation_id, "failed", step.fluix_id, "not now")
        if how == "does it later":
            self.promised.append(step)
        if how in {"lies", "does it later"}:
            return Outcome(step.operation_id, "done", step.fluix_id)
        done = self._really(step)
        if how == "answers too late":
            raise RetryableError("no answer in time", where="Fluix")
        if how == "killed after":
            raise Killed
        return done

    def _really(self, step: Step) -> Outcome:
        there = step.fluix_id in self._users
        (done,) = super().apply([step])
        if there and step.fluix_id not in self._users:
            self.gone.append(str(step.fluix_id))
        return done

    def _judge(self, fluix_id: str) -> None:
        dossier = self.dossiers([fluix_id]).get(fluix_id)
        if fluix_id in self._users and self._users[fluix_id].email == PROTECTED:
            self.wrong.append(f"{fluix_id} is protected")
        if dossier and dossier.owner:
            self.wrong.append(f"{fluix_id} is the owner")
        if dossier and dossier.role and dossier.admins == 1:
            self.wrong.append(f"{fluix_id} is the last admin")
        if dossier and dossier.workflows:
            self.wrong.append(f"{fluix_id} takes part in a workflow")

    def catch_up(self) -> None:
        """Do what was only promised."""
        for step in self.promised:
            super().apply([step])
        self.promised.clear()


@dataclass(frozen=True, slots=True)
class Read:
    """What a source said, as the directory really was."""

    at: datetime
    whole: bool
    day: Day

    def without(self, key: str, rules: Rules) -> bool:
        """Whether it says for certain that this person left."""
        record = self.day.get(key)
        return self.whole and (record is None or bool(rules.shape(record.attributes).out))


@dataclass(slots=True)
class Watched(Faulty):
    """A source that tells when it was read."""

    told: Callable[[str, bool, Day], None] = lambda _name, _whole, _day: None

    def read(self, known: object = None) -> Iterator[Record | Certificate]:
        self.told(self.name, self.fault is None, dict(self.day))
        return Faulty.read(self, known)


@dataclass(slots=True)
class Town(World):
    """A world with two sources of people, that can be killed at any statement of its store."""

    days: dict[str, Day] = field(default_factory=lambda: {"hr": {}, "ad": {}})
    reads: dict[str, list[Read]] = field(default_factory=lambda: {"hr": [], "ad": []})
    """Of each source the reads since it was last known which of them the store holds."""
    runs_without: dict[str, list[datetime]] = field(default_factory=dict)
    """Record -> when whole reads were without it, since it was last there."""
    by_hand: set[str] = field(default_factory=set)
    """Who was put into the group Hand."""
    approved: dict[str, datetime] = field(default_factory=dict)
    """Whose deletion a person approved -> until when."""
    deletions: list[datetime] = field(default_factory=list)

    def sources(self, faults: dict[str, tuple[str, int] | None]) -> list[Watched]:
        """The sources as they are today."""
        return [Watched(name, dict(day), faults.get(name), self._told) for name, day in self.days.items()]

    def _told(self, name: str, whole: bool, day: Day) -> None:
        self.reads[name].append(Read(self.now, whole, day))

    @contextmanager
    def killed_at(self, statement: int) -> Iterator[None]:
        """The process ends right before this statement, or commit, of the store; 0 is never."""
        met = 0

        def meet(*_: Any) -> None:
            nonlocal met
            met += 1
            if statement and met >= statement:
                raise Killed

        def commit(_: Connection) -> None:
            meet()

        event.listen(self.engine, "before_cursor_execute", meet)
        event.listen(self.engine, "commit", commit)
        try:
            yield
        finally:
            event.remove(self.engine, "before_cursor_execute", meet)
            event.remove(self.engine, "commit", commit)

    def reopen(self) -> None:
        """As the next process finds it."""
        self.engine.dispose()
        self.engine = open_engine(f"sqlite:///{self.folder}/syncd.db")

    def settle_reads(self, *, clean: bool) -> None:
        """Which read the store holds is known after a run that ended well; before that it is one of those it had or tried."""
        for name, reads in self.reads.items():
            newest = reads[-1:]
            for read in newest if clean else []:
                self._count(name, read)
            if clean:
                self.reads[name] = newest

    def _count(self, name: str, read: Read) -> None:
        rules: Rules = self.settings["rules"]
        for key in {key.partition("/")[2] for key in self.runs_without if key.startswith(f"{name}/")}:
            if key in read.day and not rules.shape(read.day[key].attributes).out and read.whole:
                del self.runs_without[f"{name}/{key}"]

    def note_absences(self) -> None:
        """Count the whole reads of this step that were without somebody; a read that may not count is counted as well."""
        for name, reads in self.reads.items():
            for read in reads:
                for number in range(1, 7):
                    if read.without(f"E{number}", self.settings["rules"]):
                        times = self.runs_without.setdefault(f"{name}/E{number}", [])
                        if read.at not in times:
                            times.append(read.at)

    def dossiers(self) -> dict[str, Dossier]:
        """Of everybody."""
        return self.target.dossiers([account.fluix_id for account in self.target.find(_ADDRESSES).values()])

    def open_deletions(self) -> set[str]:
        """The accounts whose deletion was begun and has no end."""
        opened = Journal(self.engine, 0, "test", self.clock).open()
        return {str(change.fluix_id) for _, change, _, _ in opened if change.kind == "delete_user"}

    def done(self) -> set[str]:
        """Operations that the journal knows to be done."""
        with reading(self.engine) as connection:
            return set(connection.scalars(select(journal.c.operation_id).where(journal.c.state == "done")))

    def ledger_of(self, fluix_id: str) -> tuple[list[str], set[tuple[str, str]]]:
        """The states of an account's rows in the ledger, and the records that were behind it."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(ledger.c.id, ledger.c.state).where(ledger.c.fluix_id == fluix_id)).all()
            query = select(ledger_records.c.source, ledger_records.c.external_id)
            found = connection.execute(query.where(ledger_records.c.ledger_id.in_([row.id for row in rows]))).all()
        return [row.state for row in rows], {(row.source, row.external_id) for row in found}

    def is_audited(self) -> bool:
        """Whether the audit's chain is whole."""
        return verify(self.engine)[1] is None

    def deleted_lately(self, lasts: timedelta) -> int:
        """How many deletions there were in the last so and so long."""
        return sum(self.now - at < lasts for at in self.deletions)


_ADDRESSES = [f"{letter}@x.example" for letter in "abcdefg"]
