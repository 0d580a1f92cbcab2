"""What the tests of the LDAP source share: settings for a test's server, and a read that is looked at."""

from __future__ import annotations

from typing import Any

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from connectors.model import Certificate, Record
from tests.slapd import GROUPS, PEOPLE, READER, SECRET

_GROUPS = Groups(GROUPS, page_size=2)


def bind() -> Bind:
    """As the user who may read."""
    return Bind("simple", READER, lambda: SECRET)


def make(url: str, *, people: People | None = None, groups: Groups | None = _GROUPS, **options: Any) -> LdapSource:
    """A source over plain text, read at `url`: a page ends, and a look-up, wherever it can end."""
    own = {name: options.pop(name) for name in ("log", "memory", "clock") if name in options}
    connect = {"plain_text": True, "bind": bind(), "receive_timeout": 20} | options.pop("servers", {})
    servers = Servers((url,), **connect)
    small = {"page_size": 3, "lookup_size": 2} | options
    return LdapSource("ldap", Settings(servers, people or People(PEOPLE), groups, **small), **own)


class Read:
    """One read, looked at."""

    def __init__(self, source: LdapSource, known: Any = None) -> None:
        items = list(source.read(known) if known else source.read())
        self.certificate: Certificate = items[-1]  # type: ignore[assignment]
        assert isinstance(self.certificate, Certificate)
        records: list[Record] = items[:-1]  # type: ignore[assignment]
        self.people = {r.attributes.get("user_name", r.external_id): r for r in records if r.kind == "person"}
        names = {r.external_id: name for name, r in self.people.items()}
        self.groups = {
            r.attributes["display_name"]: [names.get(m, m) for m in r.attributes["members"]]  # type: ignore[union-attr]
            for r in records
            if r.kind == "group"
        }
        groups = (r for r in records if r.kind == "group")
        self.owners = {r.attributes["display_name"]: names.get(r.attributes.get("owner")) for r in groups}  # type: ignore[arg-type]

    def members(self) -> dict[str, set[str]]:
        """Group -> user names."""
        return {name: set(members) for name, members in self.groups.items()}


class Remembering:
    """A memory."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.kept = 0

    def recall(self) -> dict[str, int]:
        """What was kept last."""
        return self.seen

    def keep(self, seen: Any) -> None:
        """Keep it."""
        self.seen = dict(seen)
        self.kept += 1
