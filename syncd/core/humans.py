"""The words of resolving: what is known of people who might be one, and what is decided of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.model import Account
from syncd.core.change import RecordKey
from syncd.core.rules import Shaped, Wanted


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it was last read, with what the rules made of it."""

    key: RecordKey
    shaped: Shaped
    gone_since: datetime | None = None
    """When a certified read first missed it; None while it is there, or while nobody can say."""
    trusted: bool = True
    """Whether its source's last read was certified, and whole enough to say what was made of it here: only then do an absence,
    being out of scope, and the groups that it no longer names mean anything."""
    pinned: bool = False
    """Whether a skipped row might have meant it."""
    manager: str = ""
    """The manager's external id or email, as the source gives it."""

    @property
    def live(self) -> bool:
        """Whether this record asks for an account."""
        return self.gone_since is None and self.shaped.wanted is not None

    @property
    def unclear(self) -> bool:
        """Whether it is there, and nobody can say what it asks for."""
        return self.gone_since is None and bool(self.shaped.problem)

    @property
    def why_dead(self) -> str:
        """Why it asks for none, in half a sentence."""
        return f"{self.key} is gone from its source" if self.gone_since else f"{self.key} {self.shaped.out}"


@dataclass(frozen=True, slots=True)
class Link:
    """What we own: which record an account was made from, and what we last gave it."""

    key: RecordKey
    fluix_id: str
    given: Mapping[str, Any] = field(default_factory=dict)
    """`email` and `display_name` as we last set or confirmed them, and the `groups` that this record's source gave."""
    leaving_since: datetime | None = None
    leaving_reads: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything that might concern the same people."""

    entries: Sequence[Entry]
    links: Sequence[Link] = ()
    accounts: Sequence[Account] = ()
    pinned_addresses: frozenset[str] = frozenset()
    """Addresses (as compared) that a skipped row might have meant."""


@dataclass(frozen=True, slots=True)
class Present:
    """A person who should have an account."""

    wanted: Wanted
    entries: tuple[Entry, ...]
    """The live records, primary first."""
    links: tuple[Link, ...] = ()
    """All links of the account, those of the live records first."""
    account: Account | None = None
    adopt: tuple[RecordKey, ...] = ()
    """Records that are to be linked to `account`."""
    replaces: tuple[RecordKey, ...] = ()
    """Dead records from which the account would be taken over: the source's key changed, which a person must confirm."""
    past: tuple[Entry, ...] = ()
    """Dead records that are linked to the account as well: what they gave is at stake, too."""
    unsure: bool = False
    """Whether a dead record that would come first was not read whole: attributes of another source do not replace its own."""
    vanished: str | None = None
    """Id of the account that was linked, and was deleted in Fluix by hand."""

    @property
    def records(self) -> tuple[RecordKey, ...]:
        """The keys of the live records, primary first."""
        return tuple(entry.key for entry in self.entries)

    @property
    def all_records(self) -> tuple[RecordKey, ...]:
        """The keys of all records behind the account, live ones first."""
        return (*self.records, *(entry.key for entry in self.past))


@dataclass(frozen=True, slots=True)
class Leaver:
    """A linked account whose person is gone, inactive or out of scope."""

    account: Account
    links: tuple[Link, ...]
    entries: tuple[Entry, ...]
    reason: str

    @property
    def certain(self) -> bool:
        """Whether the last reads of all its sources were whole enough to say so: else the account waits for one."""
        return all(entry.trusted for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Isolated:
    """People who cannot be decided by a program. The accounts named stay as they are."""

    check: Literal["conflict", "unreadable", "pinned", "taken", "not_ours"]
    message: str
    records: tuple[RecordKey, ...] = ()
    accounts: tuple[str, ...] = ()


Verdict = Present | Leaver | Isolated
