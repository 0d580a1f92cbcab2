"""The bench of a directory: LDAP from a real slapd, through a proxy that breaks off, falls silent, drips and repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import slapd
from tests.house import House, Person
from tests.lab.cells import Bench, Cell, Deeds
from tests.lab.company import DAY_ONE, DAY_TWO, WIDE_OPEN, Company, Ran
from tests.lab.proxy import Fault, Wire
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd, group, person, uid_dn

PAGE = b"1.2.840.113556.1.4.319"
"""The control that asks for a page (RFC 2696)."""
SILENCE = 3
"""Seconds after which the source takes a silent server for gone."""


def source(url: str) -> dict[str, Any]:
    """The directory as the configuration has it."""
    return {
        "name": "directory",
        "type": "ldap",
        "url": url,
        "starttls": False,
        "bind": {"user": READER, "password": {"env": "LAB_SECRET"}},
        "people": {"base": PEOPLE},
        "groups": {"base": GROUPS},
        "page_size": 4,
        "full_every_hours": 0,
        "timeout_seconds": SILENCE,
        "connect_timeout_seconds": SILENCE,
        "page_timeout_seconds": 2 * SILENCE,
    }


def names(people: list[Person]) -> list[str]:
    """The groups of these people."""
    return sorted({name for one in people for name in one.groups})


def members(name: str, people: list[Person]) -> list[str]:
    """Who is in this group, by DN."""
    return [uid_dn(one.id) for one in people if name in one.groups]


def entry(one: Person) -> str:
    """A person's entry."""
    _, name, email, *_ = one.row()
    return person(one.id, mail=email, displayName=name)


def load(server: Slapd, people: list[Person]) -> None:
    """The directory of day one."""
    server.load(*map(entry, people), *(group(name, members(name, people)) for name in names(people)))


def next_day(server: Slapd, before: list[Person], after: list[Person]) -> None:
    """Change the running directory."""
    old, new = ({one.id: one for one in people} for people in (before, after))
    server.delete(*(uid_dn(key) for key in old.keys() - new.keys()))
    server.add(*(entry(new[key]) for key in new.keys() - old.keys()))
    for key in old.keys() & new.keys():
        _, name, email, *_ = new[key].row()
        lines = f"replace: mail\nmail: {email}\n-\nreplace: displayName\ndisplayName: {name}\n-\n"
        server.change(f"dn: {uid_dn(key)}\nchangetype: modify\n{lines}\n")
    for name in names(after):
        if name not in names(before):
            server.add(group(name, members(name, after)))
            continue
        there = "\n".join(f"member: {dn}" for dn in members(name, after))
        server.change(f"dn: cn={name},{GROUPS}\nchangetype: modify\nreplace: member\n{there}\n-\n\n")


@contextmanager
def serving(folder: Path, **more: Any) -> Iterator[Slapd]:
    """A server with the directory of day one; `more` as `Slapd` takes it."""
    if slapd.SLAPD is None:
        pytest.skip("slapd is not installed")
    server = Slapd(folder / "slapd", certificate=None, **more)
    load(server, DAY_ONE)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Directory(Bench):
    """People and groups by LDAP."""

    name = "ldap"
    title = "LDAP: the directory server and the way to it"

    def cells(self) -> list[Cell]:
        moments = {
            "connecting": {},
            "first page": {"seen": PAGE},
            "middle page": {"seen": PAGE, "times": 2},
            "last page": {"seen": PAGE, "times": 3},
        }
        kinds = {
            "cut off": "cut",
            "reset": "reset",
            "silence": "silence",
            "a delay": "delay",
            "a byte at a time": "drip",
        }
        found = [
            Cell(
                self.name,
                fault,
                moment,
                Fault(kind, seconds=0.2, **where),
                (fault, moment) == ("silence", "middle page"),
            )  # type: ignore[arg-type]
            for fault, kind in kinds.items()
            for moment, where in moments.items()
            if not (kind == "drip" and where.get("times") != 3 and where)
        ]
        shares = {25: "within the first answers", 60: "within a page", 99: "before the last bytes"}
        found += [Cell(self.name, "cut off", moment, share, (share == 60)) for share, moment in shares.items()]
        found += [
            Cell(self.name, "the request arrives twice", moment, Fault("twice", lasting=False, **where))  # type: ignore[arg-type]
            for moment, where in moments.items()
            if where
        ]
        return found

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        with serving(folder) as server, Wire(server.port) as self.wire:
            self.first_day(folder, server, f"ldap://127.0.0.1:{self.wire.port}")
            self.wire.fault = None
            self.second_day(folder)
            self.bytes = self.wire.sent
            yield

    def first_day(self, folder: Path, server: Slapd, url: str, before: Sequence[list[Any]] = ()) -> None:
        """The evening, of a company that finds the directory at this address; then the directory is that of day two."""
        (folder / "evening").mkdir()
        house = House(folder / "evening", {**WIDE_OPEN, "sources": [source(url)]})
        self.evening = Company(house, {"LAB_SECRET": SECRET}, before)
        first = self.evening.call("run")
        assert first.code == 0, first
        next_day(server, DAY_ONE, DAY_TWO)

    def second_day(self, folder: Path) -> None:
        """What day two comes to without a fault."""
        calm = self.evening.copy(folder / "calm")
        self.whole_day(calm)
        self.undisturbed = self.state(calm)

    def befall(self, cell: Cell, company: Company) -> Deeds:
        how = cell.how
        self.wire.fault = how if isinstance(how, Fault) else Fault("cut", self.bytes * how // 100)
        return ()

    def heal(self, company: Company) -> None:
        self.struck = self.wire.struck
        self.wire.fault = None

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.struck
