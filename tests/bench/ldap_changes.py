"""Changes of a directory beside a full read of it, on a real slapd (goal: 100 changed of 100,000 people in 2 % of the full read)."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from connectors.model import Certificate, Known
from tests.bench.ldap_directory import dn, people, person, teams
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd

IN_GROUP = 1000


CHANGED = 100
ROUNDS = 7


class _Held(Known):
    """Holds everybody who was read."""

    def __init__(self) -> None:
        self.keys: set[tuple[str, str]] = set()

    def held(self, kind: str, external_ids: Collection[str]) -> set[str]:
        return {one for one in external_ids if (kind, one) in self.keys}

    def every(self, kind: str) -> Iterator[str]:
        return iter([one for of, one in self.keys if of == kind])


def ldap_changes(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Full read, polls with nothing, people, members and newcomers changed, and how long a change takes to be announced."""
    from rich.console import Console
    from rich.table import Table

    count = 20_000 if quick else 100_000
    slapd = Slapd(scratch / "slapd-changes", database="index member,manager,memberUid,entryCSN eq")
    slapd.load(*people(count), *teams(count // IN_GROUP, of=count, size=IN_GROUP)).start()
    try:
        seconds = _measure(slapd, count)
    finally:
        slapd.stop()
    name = f"LDAP changes, {count:,} people in {count // IN_GROUP} groups of {IN_GROUP}"
    table = Table("what", "milliseconds", "% of a full read", title=name, title_justify="left")
    for what, took in seconds.items():
        table.add_row(what, f"{1000 * took:,.1f}", f"{100 * took / seconds['full read']:.2f}")
    console = Console(width=110)
    console.print(table)
    console.print()
    return [{"bench": name, "side": what, "seconds": took} for what, took in seconds.items()]


def _measure(slapd: Slapd, count: int) -> dict[str, float]:
    servers = Servers((slapd.url,), Bind("simple", READER, lambda: SECRET), plain_text=True)
    source = LdapSource("ldap", Settings(servers, People(PEOPLE), Groups(GROUPS)))
    held = _Held()
    start = time.perf_counter()
    cursor = ""
    for item in source.read():
        if isinstance(item, Certificate):
            assert item.cursor is not None
            cursor = item.cursor
        else:
            held.keys.add((item.kind, item.external_id))
    found = {"full read": time.perf_counter() - start}

    def polls(what: str, change: Callable[[int], None], people: int) -> None:
        nonlocal cursor
        took = []
        for round_ in range(ROUNDS):
            change(round_)
            start = time.perf_counter()
            *items, certificate = source.changes(cursor, held)
            took.append(time.perf_counter() - start)
            assert isinstance(certificate, Certificate)
            assert certificate.certified, certificate
            assert certificate.records == people, certificate
            assert certificate.cursor is not None
            cursor = certificate.cursor
            held.keys.update((item.kind, item.external_id) for item in items if not isinstance(item, Certificate))
        found[what] = statistics.median(took)

    polls("poll, nothing changed", lambda _: None, 0)
    polls(f"poll, {CHANGED} people changed", lambda n: slapd.change(_titles(n)), CHANGED)
    polls("poll, 10 members of one group changed", lambda n: slapd.change(_members(n, count)), 0)
    polls(f"poll, {CHANGED} people new", lambda n: slapd.add(*_newcomers(n, count)), CHANGED)
    found["change announced"] = _announced(slapd, source)
    return found


def _titles(round_: int) -> str:
    return "".join(
        f"dn: {dn(round_ * CHANGED + n)}\nchangetype: modify\nreplace: title\ntitle: Foreman {round_}\n\n"
        for n in range(CHANGED)
    )


def _members(round_: int, count: int) -> str:
    added = "".join(f"member: {dn(count - 1 - round_ * 10 - n)}\n" for n in range(10))
    return f"dn: cn=Team 0,{GROUPS}\nchangetype: modify\nadd: member\n{added}\n"


def _newcomers(round_: int, count: int) -> list[str]:
    return [person(count + round_ * CHANGED + n) for n in range(CHANGED)]


def _announced(slapd: Slapd, source: LdapSource) -> float:
    """From the moment before a change is sent until the wait for it ends; the sending (a connection of its own) included."""
    import ldap3

    from tests.slapd import ADMIN

    source.watch(5)
    took = []
    with ldap3.Connection(ldap3.Server(slapd.url, get_info=ldap3.NONE), ADMIN, "admin", auto_bind=True) as admin:
        for n in range(ROUNDS):
            start = time.perf_counter()
            admin.modify(dn(0), {"title": [(ldap3.MODIFY_REPLACE, [f"Head {n}"])]})  # type: ignore[no-untyped-call]
            assert source.watch(10)
            took.append(time.perf_counter() - start)
    source.close()
    return statistics.median(took)


if __name__ == "__main__":
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(ldap_changes(Path(folder), quick="--quick" in sys.argv)))
