"""What the tests of the LDAP source on Samba share: a source for a test's own unit, and a server that cuts long values."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

from connectors.ldap.settings import Bind, Groups, People
from connectors.ldap.source import LdapSource
from tests.ldap_proxy import Proxy, ber
from tests.ldap_reads import Read, make
from tests.samba import ADMIN, PASSWORD, Samba

_SEARCH = 0x63
_RANGED = re.compile(rb"(?P<name>member)(;range=(?P<first>\d+)-(\d+|\*))?", re.IGNORECASE)


def source(samba: Samba, unit: str, *, user: str = ADMIN, url: str | None = None, **options: Any) -> LdapSource:
    """A source for what is below a unit, people and groups, as the domain's administrator or another user."""
    bind = Bind("simple", user, lambda: PASSWORD)
    options = {"people": People(unit), "groups": Groups(unit)} | options
    return make(url or samba.url, servers={"bind": bind}, **options)


def read(samba: Samba, unit: str, **options: Any) -> Read:
    """One read of it, looked at."""
    return Read(source(samba, unit, **options))


def named(found: Read) -> dict[str, set[str]]:
    """Group -> its members' names, as they are displayed."""
    names = {person.external_id: str(person.attributes["display_name"]) for person in found.people.values()}
    keys = {name: person.external_id for name, person in found.people.items()}
    return {
        group: {names.get(keys.get(member, member), member) for member in members}
        for group, members in found.groups.items()
    }


def unreadable(samba: Samba, dn: str, user: str, properties: str = "") -> None:
    """Take from a user the right to read an entry, or one property of it (the GUID of its schema)."""
    from connectors.ldap.kinds import sid_text

    sid = sid_text(samba.read(user, "objectSid")["objectsid"][0])
    right = f"(OD;;RP;{properties};;{sid})" if properties else f"(D;;RPLCLO;;;{sid})"
    private = samba.ca_file.parents[1] / "private"
    words = ["samba-tool", "dsacl", "set", f"--objectdn={dn}", f"--sddl={right}", "-H", str(private / "sam.ldb")]
    done = subprocess.run(
        [*words, f"--configfile={private.parent / 'smb.conf'}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def schema_guid(samba: Samba, attribute: str) -> str:
    """By which GUID an access rule names an attribute."""
    schema = f"CN=Schema,CN=Configuration,{samba.base}"
    ((_, found),) = samba.search(schema, f"(lDAPDisplayName={attribute})", "schemaIDGUID")
    return str(uuid.UUID(bytes_le=found["schemaidguid"][0]))


def cutting(samba: Samba, most: int, **options: Any) -> Proxy:
    """The controller with a MaxValRange of its own, as Active Directory has one and Samba has none."""
    return Proxy(samba.port, ask=lambda message: _ranged(message, most), **options)


def _ranged(request: bytes, most: int) -> bytes:
    """A search request that asks for ranges where it asked for members."""
    ((_, _, content),) = _elements(request)
    number, operation, *controls = _elements(content)
    if operation[0] != _SEARCH:
        return request
    *parts, (_, _, attributes) = _elements(operation[2])
    asked = [ber(4, _cut(name, most)) for _, _, name in _elements(attributes)]
    search = ber(_SEARCH, *(whole for _, whole, _ in parts), ber(0x30, *asked))
    return ber(0x30, number[1], search, *(whole for _, whole, _ in controls))


def _cut(name: bytes, most: int) -> bytes:
    found = _RANGED.fullmatch(name)
    if not found:
        return name
    first = int(found["first"] or 0)
    return b"%s;range=%d-%d" % (found["name"], first, first + most - 1)


def _elements(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Tag, the whole element, and its content."""
    at = 0
    while at < len(content):
        size, begin = content[at + 1], at + 2
        if size > 0x7F:
            begin += size & 0x7F
            size = int.from_bytes(content[at + 2 : begin], "big")
        yield content[at], content[at : begin + size], content[begin : begin + size]
        at = begin + size
