"""A reader that follows a source by its changes, and is compared with a full read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.ldap.source import LdapSource
from connectors.model import Certificate, Gone, Known, Record, RecordKind
from tests.ldap_reads import make
from tests.slapd import GROUPS, SUFFIX, Slapd, group, ldif, person, uid_dn

ELSEWHERE = f"ou=elsewhere,{SUFFIX}"
UNIT = ldif(ELSEWHERE, objectClass="organizationalUnit", ou="elsewhere")
TEAM = [person(name) for name in ("anna", "bob", "carl")]


class Follower(Known):
    """Holds what it was told."""

    def __init__(self, source: LdapSource) -> None:
        self.source = source
        self.records: dict[tuple[str, str], Record] = {}
        self.cursor: str | None = None
        self.read()

    def held(self, kind: RecordKind, external_ids: Collection[str]) -> set[str]:
        return {one for one in external_ids if (kind, one) in self.records}

    def every(self, kind: RecordKind) -> Iterator[str]:
        return iter([one for of, one in self.records if of == kind])

    def read(self) -> Certificate:
        """Everything."""
        *records, certificate = self.source.read()
        assert isinstance(certificate, Certificate)
        self.records = {(one.kind, one.external_id): one for one in records}  # type: ignore[union-attr]
        self.cursor = certificate.cursor
        return certificate

    def poll(self, cursor: str | None = None) -> Told:
        """What changed; kept when it is certified."""
        cursor = cursor or self.cursor
        assert cursor is not None
        told = Told()
        for item in self.source.changes(cursor, self):
            if isinstance(item, Certificate):
                told.certificate = item
            elif isinstance(item, Gone):
                told.gone.append(item)
            else:
                told.records.append(item)
        told.former = {one.external_id: name(self.records[one.kind, one.external_id]) for one in told.gone}
        if told.certificate is not None and told.certificate.certified:
            assert told.certificate.cursor is not None
            self.cursor = told.certificate.cursor
            for one in told.records:
                self.records[one.kind, one.external_id] = one
            for lost in told.gone:
                del self.records[lost.kind, lost.external_id]
        else:
            assert told.certificate is None or told.certificate.cursor is None
        return told

    def seen(self) -> dict[tuple[str, str], object]:
        """What it holds, without what points to somebody whom it does not: members and managers who are gone."""
        people = set(self.every("person"))
        found: dict[tuple[str, str], object] = {}
        for key, one in self.records.items():
            attributes: dict[str, object] = dict(one.attributes)
            if one.kind == "group":
                attributes["members"] = people.intersection(one.attributes["members"])  # type: ignore[arg-type]
            elif attributes.get("manager") not in people:
                attributes.pop("manager", None)
            found[key] = attributes
        return found

    def versions(self) -> dict[tuple[str, str], bytes | None]:
        """The versions of what it holds."""
        return {key: one.version for key, one in self.records.items()}

    def check(self, *, versions: bool = True) -> None:
        """It holds what a full read gives; versions too, where the server itself changed nobody behind our back (refint)."""
        whole = Follower(self.source)
        assert self.seen() == whole.seen()
        assert not versions or self.versions() == whole.versions()


@dataclass
class Told:
    """One poll."""

    records: list[Record] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    certificate: Certificate | None = None
    former: dict[str, str] = field(default_factory=dict)

    @property
    def certified(self) -> bool:
        return self.certificate is not None and self.certificate.certified

    @property
    def names(self) -> set[str]:
        """Who and what was handed over."""
        return {name(one) for one in self.records}

    @property
    def lost(self) -> set[str]:
        """Who and what is gone."""
        return set(self.former.values())


def name(record: Record) -> str:
    """A user name, or a group's name."""
    return str(record.attributes["user_name" if record.kind == "person" else "display_name"])


def follow(slapd: Slapd, *more: str, **options: Any) -> Follower:
    """A reader of a team and a group."""
    slapd.load(*TEAM, UNIT, group("Field", [uid_dn("anna"), uid_dn("guest", ELSEWHERE)]), *more).start()
    return Follower(make(slapd.url, **options))


def settle(slapd: Slapd, reader: Follower) -> None:
    """Have a cursor from the time of an entry that is there. The state of a database that was only loaded is nobody's."""
    slapd.change(modify(uid_dn("anna"), "sn", "Settled"))
    assert reader.poll().certified


def cn(name: str, base: str = GROUPS) -> str:
    """A group's name."""
    return f"cn={name},{base}"


def modify(dn: str, attribute: str, *values: str) -> str:
    """Other values for one attribute; none take it away."""
    lines = "".join(f"{attribute}: {value}\n" for value in values)
    return f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{lines}\n"


def move(dn: str, rdn: str, base: str) -> str:
    """Another name."""
    return f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {base}\n\n"
