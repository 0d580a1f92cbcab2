"""Directories of any size on a real slapd, and what reads them: `ldapsearch`, and the source in a process of its own.

`python -m tests.bench.ldap_directory entries|read URL [BASE]` is the measured process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.measure import Measured, say
from tests.slapd import GROUPS, PEOPLE, READER, SECRET

if TYPE_CHECKING:
    from connectors.ldap.source import LdapSource

ATTRIBUTES = (
    *("uid", "cn", "sn", "givenName", "displayName", "mail", "title", "departmentNumber", "employeeNumber"),
    "entryUUID",
)
PEOPLE_FILTER = "(objectClass=inetOrgPerson)"
GROUP_ATTRIBUTES = ("entryUUID", "cn", "objectClass", "member")
GROUP_FILTER = "(objectClass=groupOfNames)"


def people(count: int) -> Iterator[str]:
    """The first people, as LDIF."""
    return map(person, range(count))


def person(number: int) -> str:
    """Somebody with ten attributes, as LDIF."""
    n = number
    return (
        f"dn: {dn(n)}\nobjectClass: inetOrgPerson\nuid: p{n:07}\ncn: Person Number {n}\nsn: Number {n}\n"
        f"givenName: Person\ndisplayName: Person Number {n}\nmail: person{n}@example.com\ntitle: Fitter\n"
        f"departmentNumber: {n % 100}\nemployeeNumber: {n}\n\n"
    )


def group(name: str, members: Iterable[str], base: str = GROUPS) -> str:
    """A groupOfNames, as LDIF."""
    listed = "".join(f"member: {member}\n" for member in members)
    return f"dn: {group_dn(name, base)}\nobjectClass: groupOfNames\ncn: {name}\n{listed}\n"


def teams(count: int, *, of: int, size: int) -> Iterator[str]:
    """So many groups of so many of the people."""
    for number in range(count):
        yield group(f"Team {number}", (dn((number * 7919 + n * 11) % of) for n in range(min(size, of))))


def dn(number: int) -> str:
    """A person's name."""
    return f"uid=p{number:07},{PEOPLE}"


def group_dn(name: str, base: str = GROUPS) -> str:
    """A group's name."""
    return f"cn={name},{base}"


def unit(name: str) -> str:
    """An organisational unit below the groups, as LDIF."""
    return f"dn: ou={name},{GROUPS}\nobjectClass: organizationalUnit\nou: {name}\n\n"


def ldapsearch(url: str, scratch: Path, *, groups: bool = False) -> Measured:
    """OpenLDAP's own client in C, which writes everything into a file; with `groups` a second call reads them."""
    found = _ldapsearch(url, scratch, PEOPLE, PEOPLE_FILTER, ATTRIBUTES)
    said = {"people": found.said}
    if groups:
        more = _ldapsearch(url, scratch, GROUPS, GROUP_FILTER, GROUP_ATTRIBUTES)
        said["groups"] = more.said
        found = Measured(found.wall + more.wall, found.cpu + more.cpu, max(found.memory, more.memory), None)
    return Measured(found.wall, found.cpu, found.memory, {"seconds": found.wall, **said})


def _ldapsearch(url: str, scratch: Path, base: str, search_filter: str, attributes: tuple[str, ...]) -> Measured:
    out = scratch / "ldapsearch.ldif"
    command = ["ldapsearch", "-LLL", "-x", "-H", url, "-D", READER, "-w", SECRET, "-b", base]
    start = time.perf_counter()
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "-E", "pr=1000/noprompt", search_filter, *attributes], stdout=stream, stderr=subprocess.DEVNULL
        )
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
        entries = sum(line.startswith(b"dn:") for line in stream)
    out.unlink()
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak / 1024, entries)


def source(url: str, groups: str = GROUPS, **options: object) -> LdapSource:
    """The source, with people of ten attributes and their groups, those below a base."""
    from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
    from connectors.ldap.source import LdapSource

    servers = Servers((url,), Bind("simple", READER, lambda: SECRET), plain_text=True)
    mapped = People(PEOPLE, attributes={"department": "departmentNumber", "number": "employeeNumber"})
    return LdapSource("ldap", Settings(servers, mapped, Groups(groups)), **options)  # type: ignore[arg-type]


def _entries(url: str) -> None:
    """The people's entries alone: nothing is made of them."""
    from connectors.ldap.search import Searcher
    from connectors.ldap.session import open_session
    from connectors.ldap.settings import Bind, Servers

    start = time.perf_counter()
    with open_session(Servers((url,), Bind("simple", READER, lambda: SECRET), plain_text=True)) as session:
        met = sum(1 for _ in Searcher(session, lambda _: None).entries(PEOPLE, PEOPLE_FILTER, ATTRIBUTES))
    say(time.perf_counter() - start, people=met)


def _read(url: str, groups: str = GROUPS) -> None:
    """A whole certified read."""
    from connectors.model import Certificate

    searches: list[str] = []
    start = time.perf_counter()
    memberships = 0
    for item in source(url, groups, log=searches.append).read():
        if isinstance(item, Certificate):
            assert item.certified, item
            say(
                time.perf_counter() - start,
                people=item.records,
                groups=item.groups,
                memberships=memberships,
                searches=sum(not search.startswith("#") for search in searches),
            )
        elif item.kind == "group":
            members = item.attributes["members"]
            assert isinstance(members, tuple)
            memberships += len(members)


if __name__ == "__main__":
    {"entries": _entries, "read": _read}[sys.argv[1]](*sys.argv[2:])
