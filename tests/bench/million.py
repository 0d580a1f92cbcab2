"""A million people from a directory to their devices: slapd -> embedded account on PostgreSQL -> managed app config.

Five calls of the command as a user makes them: the first load, a run with nothing to do, one with 1 % changed, one with nothing
to do again, and `mdm render`. 100,000 people without `--million` (`--quick`: 10,000); one group for 20 people, each in five.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.bench.ldap import MILLION
from tests.bench.ldap_directory import dn, group, group_dn, people, person
from tests.bench.processes import Watched
from tests.postgres import Postgres, cluster
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd

EACH, TWENTY = 5, 20
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "jit": "off"}
"""What docs/scaling.md says of a store of a million."""
_CONFIG = """
version: 1
store: {store}
sources:
  - name: directory
    type: ldap
    url: {url}
    starttls: false
    bind: {{user: "{reader}", password: {{file: secret}}}}
    people: {{base: "{people}", attributes: {{department: departmentNumber, number: employeeNumber}}}}
    groups: {{base: "{groups}"}}
leavers: {{grace_days: 0, certified_absences: 1}}
budgets:
  run: {{delete: {{percent: 1}}, email_change: {{percent: 1}}, remove_member: {{percent: 20}}}}
  day: {{delete: {{percent: 1}}}}
  week: {{delete: {{percent: 1}}}}
mdm: {{bundle_id: com.example.app, vendors: [intune, jamf_pro], literal: true}}
"""
console = Console(width=110)


def million(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """See the module."""
    count = 10_000 if quick else 1_000_000 if MILLION in sys.argv else 100_000
    slapd = Slapd(scratch / "slapd")
    began = time.perf_counter()
    slapd.stream(directory(count)).start()
    console.print(
        f"slapd holds {count:,} people and {count // TWENTY:,} groups after {time.perf_counter() - began:,.0f} s"
    )
    try:
        with cluster(settings=SERVER) as postgres:
            rows = list(_day(scratch / "house", slapd, postgres, count))
    finally:
        slapd.stop()
    _print(rows, count)
    return [{"bench": f"directory to MDM, {count:,} people", **row} for row in rows]


def directory(count: int) -> Iterator[str]:
    """Everybody, and a group for each 20, as LDIF."""
    yield from people(count)
    for number in range(count // TWENTY):
        yield group(f"Group {number}", map(dn, members(number, count)))


def members(number: int, count: int) -> list[int]:
    """Who is in a group: five of each twentieth of the people, so that each is in five groups."""
    groups = count // TWENTY
    return [part * groups + (number + step * _stride(part)) % groups for part in range(TWENTY) for step in range(EACH)]


def groups_of(number: int, count: int) -> list[int]:
    """The groups in which somebody is."""
    part, place = divmod(number, count // TWENTY)
    return [(place - step * _stride(part)) % (count // TWENTY) for step in range(EACH)]


def _stride(part: int) -> int:
    return 13 * part + 1


def changed(count: int) -> str:
    """What happens to 1 % of the people: half are moved, 30 % are renamed, 10 % leave, 10 % join; as LDIF for ldapmodify."""
    return "".join(_changes(count))


def _changes(count: int) -> Iterator[str]:
    for place, number in enumerate(range(0, count, 100)):
        kind = place % 10
        if kind < 5:
            here = groups_of(number, count)
            there = next(one for one in range(number, number + 10) if one % (count // TWENTY) not in here)
            yield _membership(here[0], "delete", number)
            yield _membership(there % (count // TWENTY), "add", number)
        elif kind < 8:
            yield f"dn: {dn(number)}\nchangetype: modify\nreplace: displayName\ndisplayName: Newname {number}\n\n"
        elif kind == 8:
            yield f"dn: {dn(number)}\nchangetype: delete\n\n"
        else:
            yield person(count + number).replace("\n", "\nchangetype: add\n", 1)


def _membership(number: int, what: str, who: int) -> str:
    return f"dn: {group_dn(f'Group {number}')}\nchangetype: modify\n{what}: member\nmember: {dn(who)}\n\n"


def _day(folder: Path, slapd: Slapd, postgres: Postgres, count: int) -> Iterator[dict[str, Any]]:
    folder.mkdir()
    (folder / "secret").write_text(SECRET, encoding="ascii")
    (folder / "secret").chmod(0o600)
    store = postgres.new_database()
    told = _CONFIG.format(store=store, url=slapd.url, reader=READER, people=PEOPLE, groups=GROUPS)
    (folder / "config.yaml").write_text(told, encoding="utf-8")
    assert slapd.process
    servers = {"slapd": slapd.process.pid, "postgresql": postgres.pid}
    for what, words in {
        "first load": ["run"],
        "nothing changed": ["run"],
        "1 % changed": ["run"],
        "nothing changed, again": ["run"],
        "mdm render": ["mdm", "render", "--out", str(folder / "mdm")],
    }.items():
        if what == "1 % changed":
            slapd.change(changed(count))
        yield _measured(what, [*words, "--config", str(folder / "config.yaml"), "--json"], servers, store)


def _measured(what: str, words: list[str], servers: Mapping[str, int], store: str) -> dict[str, Any]:
    start, before = time.perf_counter(), _cpu()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with Watched({"syncd": process.pid, **servers}) as watched:
        out, complaint = process.communicate()
    seconds, cpu = time.perf_counter() - start, _cpu() - before
    if process.returncode not in {0, 5}:
        raise SystemExit(f"{what}: {process.returncode}\n{out[-3000:]}\n{complaint[-3000:]}")
    with psycopg.connect(store.replace("+psycopg", "")) as connection:
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size
    row = {
        "side": what,
        "seconds": seconds,
        "cpu": cpu,
        "memory_mb": watched.peaks,
        "store_mb": size[0] / 1e6,
        **_said(out),
    }
    console.print(f"{what}: {seconds:,.1f} s")
    return row


def _cpu() -> float:
    """Seconds of the processes that have ended, which are only those measured."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _said(out: str) -> dict[str, Any]:
    said = json.loads(out)
    return {key: said[key] for key in ("counts", "outcome", "files", "decision") if key in said}


def _print(rows: list[dict[str, Any]], count: int) -> None:
    columns = ("call", "seconds", "syncd's CPU s", "done", "syncd MB", "slapd MB", "PostgreSQL MB", "store MB")
    table = Table(*columns, title=f"{count:,} people, {count // TWENTY:,} groups", title_justify="left")
    for row in rows:
        done = row.get("outcome", {}).get("done", row.get("files", ""))
        memory = [f"{row['memory_mb'][name]:,.0f}" for name in ("syncd", "slapd", "postgresql")]
        table.add_row(
            row["side"], f"{row['seconds']:,.1f}", f"{row['cpu']:,.1f}", f"{done:,}", *memory, f"{row['store_mb']:,.0f}"
        )
    console.print(table)
