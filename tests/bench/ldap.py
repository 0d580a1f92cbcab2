"""Reading a directory from a real slapd beside `ldapsearch`, OpenLDAP's own client in C (goal: entries at 60 % of its speed)."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.measure import Measured, once, say
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd, group, person, uid_dn

ATTRIBUTES = (
    "uid",
    "cn",
    "sn",
    "givenName",
    "displayName",
    "mail",
    "title",
    "departmentNumber",
    "employeeNumber",
    "entryUUID",
)
FILTER = "(objectClass=inetOrgPerson)"
IN_GROUP = 1000


def ldap(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """People with ten attributes in pages of 1,000: the entries alone, and a whole certified read with its groups."""
    from rich.console import Console
    from rich.table import Table

    count = 20_000 if quick else 100_000
    slapd = Slapd(scratch / "slapd").load(
        *(_person(n) for n in range(count)), *(_group(n, count) for n in range(count // IN_GROUP))
    )
    slapd.start()
    try:
        runs: dict[str, list[Measured]] = {"ldapsearch": [], "ours, entries": [], "ours, whole read": []}
        for _ in range(1 if quick else 3):
            runs["ldapsearch"].append(_ldapsearch(slapd.url, scratch))
            runs["ours, entries"].append(once("tests.bench.ldap", "entries", slapd.url))
            runs["ours, whole read"].append(once("tests.bench.ldap", "read", slapd.url))
    finally:
        slapd.stop()
    name = f"LDAP, {count:,} people with {len(ATTRIBUTES)} attributes"
    table = Table("side", "seconds", "x ldapsearch", "entries/s", "MB", "said", title=name, title_justify="left")
    results = []
    first = statistics.median(run.said["seconds"] for run in runs["ldapsearch"])
    for side, measured in runs.items():
        seconds = statistics.median(run.said["seconds"] for run in measured)
        memory = statistics.median(run.memory for run in measured)
        counts = {key: value for key, value in measured[-1].said.items() if key != "seconds"}
        assert counts["people"] == count, f"{side} read {counts['people']} of {count}"
        table.add_row(
            side,
            f"{seconds:.2f}",
            f"{seconds / first:.2f}",
            f"{count / seconds:,.0f}",
            f"{memory:.0f}",
            json.dumps(counts),
        )
        results.append(
            {
                "bench": name,
                "side": side,
                "wall": measured[-1].wall,
                "cpu": measured[-1].cpu,
                "memory_mb": memory,
                "seconds": seconds,
                **counts,
            }
        )
    console = Console(width=110)
    console.print(table)
    console.print()
    return results


def _person(n: int) -> str:
    return person(
        f"p{n:06}",
        cn=f"Person Number {n}",
        sn=f"Number {n}",
        givenName="Person",
        displayName=f"Person Number {n}",
        mail=f"person{n}@example.com",
        title="Fitter",
        departmentNumber=str(n % 100),
        employeeNumber=str(n),
    )


def _group(number: int, count: int) -> str:
    return group(f"Team {number}", [uid_dn(f"p{(number * 7 + n * 11) % count:06}") for n in range(IN_GROUP)])


def _ldapsearch(url: str, scratch: Path) -> Measured:
    out = scratch / "ldapsearch.ldif"
    command = [
        "ldapsearch",
        "-LLL",
        "-x",
        "-H",
        url,
        "-D",
        READER,
        "-w",
        SECRET,
        "-b",
        PEOPLE,
        "-E",
        "pr=1000/noprompt",
        FILTER,
    ]
    start = time.perf_counter()
    with out.open("wb") as stream:
        process = subprocess.Popen([*command, *ATTRIBUTES], stdout=stream, stderr=subprocess.DEVNULL)
        # What wait4 says of memory counts us too, as we were when we forked; the kernel's own count begins with exec.
        peak, status = 0, Path(f"/proc/{process.pid}/status")
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            lines = status.read_text(encoding="ascii").splitlines()
            peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
            time.sleep(0.02)
    _, code, usage = ended
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == 0
    with out.open("rb") as stream:
        people = sum(line.startswith(b"dn:") for line in stream)
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak / 1024, {"seconds": wall, "people": people})


def _entries(url: str) -> None:
    from connectors.ldap.search import Searcher
    from connectors.ldap.session import open_session
    from connectors.ldap.settings import Bind, Servers

    start = time.perf_counter()
    with open_session(Servers((url,), Bind("simple", READER, lambda: SECRET), plain_text=True)) as session:
        people = sum(1 for _ in Searcher(session, lambda _: None).entries(PEOPLE, FILTER, ATTRIBUTES))
    say(time.perf_counter() - start, people=people)


def _read(url: str) -> None:
    from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
    from connectors.ldap.source import LdapSource
    from connectors.model import Certificate

    servers = Servers((url,), Bind("simple", READER, lambda: SECRET), plain_text=True)
    people = People(PEOPLE, attributes={"department": "departmentNumber", "number": "employeeNumber"})
    start = time.perf_counter()
    memberships = 0
    for item in LdapSource("ldap", Settings(servers, people, Groups(GROUPS))).read():
        if isinstance(item, Certificate):
            assert item.certified, item
            say(time.perf_counter() - start, people=item.records, groups=item.groups, memberships=memberships)
        elif item.kind == "group":
            memberships += len(item.attributes["members"])


if __name__ == "__main__":
    {"entries": _entries, "read": _read}[sys.argv[1]](sys.argv[2])
