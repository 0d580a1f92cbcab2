"""The values that cross the border: what a source says, what an account holds, what a target is asked to do.

Attribute names are those of RFC 7643 in snake_case (`user_name`, `display_name`, `external_id`, `active`).
Only values live here: no I/O, no decisions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

Value = str | bool | tuple[str, ...]
"""One attribute of a record: text, a truth, or several texts (groups, members)."""

RecordKind = Literal["person", "group"]


class Record(NamedTuple):
    """One person or group as one source gave it.

    A person's usual attributes: `email`, `user_name`, `display_name`, `active` (bool), `manager` (external id or email),
    `groups` (tuple of the source's group names). A group's: `display_name`, `members` (tuple of the persons' external
    ids) and, where the source knows it, `owner` (external id). Any further attribute is free for scope and mapping.

    A NamedTuple and not a dataclass, because a million of them stream by in a run.
    """

    kind: RecordKind
    external_id: str
    """The source's immutable id (objectGUID, entryUUID, SCIM id, a CSV id column); never a DN, and an email only where
    the source has nothing better."""
    attributes: Mapping[str, Value]
    version: bytes | None = None
    """16 bytes that change whenever the attributes do (of a row's text, an ETag, an entryCSN), where a source has something
    cheaper than the attributes themselves. See `Known`."""


class Gone(NamedTuple):
    """A record of which a source says for certain that it is not there any more (see `base.Incremental`)."""

    kind: RecordKind
    external_id: str


class Passages(Protocol):
    """What a reader remembers of the stretches in which a source's last certified read lay (the lines of a file).

    A stretch that is met again, byte by byte, stands for its records: they count as met, and are not read again. Where
    anything is unclear the source gives the passages up, and reads everything.
    """

    whole: bool
    """Whether every record that the reader holds stands in a passage. If not, there is nothing to be met yet."""

    def met(self, digest: bytes) -> int | None:
        """How many records stand in this passage, which are met then; None when it is not remembered.

        Asked for every passage, before `settle`.
        """
        ...

    def settle(self) -> None:
        """All passages were asked for. From now on `Known` knows the records of those that were not met."""
        ...

    def clash(self) -> bool:
        """Whether a record that `Known` was asked for stands in a passage that was met: then it is there twice."""
        ...

    def keep(self, digest: bytes, records: Sequence[tuple[str, bytes]]) -> None:
        """Remember a passage with its records (id, version); it counts once the read is certified."""
        ...

    def give_up(self) -> None:
        """Forget what was met and kept in this read: everything is read."""
        ...


class Known:
    """Asked with kind, external id and version: whether the reader holds this record already, just so.

    It need not be handed over then, and counts as met. This one is the `Known` of a reader that holds nothing yet.
    """

    passages: Passages | None = None
    """None: the reader remembers none."""

    def __call__(self, kind: RecordKind, external_id: str, version: bytes) -> bool:
        """Whether it is held."""
        del kind, external_id, version
        return False

    def held(self, kind: RecordKind, external_ids: Collection[str]) -> set[str]:
        """Which of these records the reader holds, in whatever version; those that went away are not held."""
        del kind, external_ids
        return set()

    def every(self, kind: RecordKind) -> Iterator[str]:
        """The external ids of all records of a kind that the reader holds."""
        del kind
        return iter(())


nothing_known = Known()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a source could not read, and whom it might have meant.

    `external_id` and `email` hold what could still be made out; they pin what they might mean: nothing is changed there.
    """

    message: str
    """A whole sentence for a person, with what and where: `people.csv line 7, column Email: "anna@" is no email address`."""
    line: int | None = None
    column: str | None = None
    external_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A source's statement about a read that ended. Absence means something only in a certified read.

    A stream that ends without a certificate was cut, and counts as not certified.
    """

    records: int
    """How many persons were met: handed over, or known already."""
    groups: int = 0
    """How many different groups were seen among what was handed over (as group records, or in the persons' `groups`)."""
    problems: tuple[Problem, ...] = ()
    """Records that were skipped. One is enough to take the certificate away."""
    reasons: tuple[str, ...] = ()
    """Other causes why the read was not complete (a size limit, a file still being written), as sentences."""
    frozen_groups: frozenset[str] = frozenset()
    """Groups (the source's names) that were not read whole: only their absences mean nothing."""
    notes: tuple[str, ...] = ()
    """What a person should know and that takes nothing away (why a group is frozen, who was left out), as sentences."""
    cursor: str | None = None
    """From where `base.Incremental.changes` goes on; None when only a full read can follow."""

    @property
    def certified(self) -> bool:
        """Whether what was not seen is really not there."""
        return not self.problems and not self.reasons


AccountState = Literal["invited", "active"]


@dataclass(frozen=True, slots=True)
class Account:
    """One user as the target holds it."""

    fluix_id: str
    email: str
    display_name: str
    state: AccountState = "active"
    groups: frozenset[str] = frozenset()
    """Names of the account's groups, as the account writes them."""


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """One group as the target holds it, with or without members."""

    group_id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class WorkflowPart:
    """One step of a workflow in which a user takes part by name (not through a group)."""

    workflow: str
    step: str
    alone: bool
    """True when nobody else, and no group, would be left in this step."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """What the target knows of a user that makes deletion dangerous. `None` means unknown, and unknown is never safe."""

    fluix_id: str
    owner: bool | None = None
    role: str | None = None
    """The admin role's name; an empty string means: has none."""
    admins: int | None = None
    """How many users of the whole account hold a role or own it, this one included."""
    workflows: tuple[WorkflowPart, ...] | None = None
    drafts: int | None = None
    assigned: int | None = None
    """How many documents are assigned to the user."""


Verb = Literal[
    "create_group",
    "rename_group",
    "create_user",
    "update_user",
    "add_member",
    "remove_member",
    "resend_invite",
    "reassign_documents",
    "leave_workflows",
    "delete_user",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One verb for the target. Idempotent: doing it twice leaves the same as doing it once.

    Values by verb (all texts, but `groups`):
        create_group: display_name
        rename_group: display_name (the present name), new_name
        create_user: email, display_name, groups (tuple of names that exist by then)
        update_user: email and / or display_name (what shall become of them)
        add_member, remove_member: group (a name)
        resend_invite: -
        reassign_documents: to (the receiver's fluix id, or an empty string: discard)
        leave_workflows: -
        delete_user: -
    """

    operation_id: str
    """The idempotency key: the same step tried again carries the same one, and no other step ever does."""
    verb: Verb
    fluix_id: str | None = None
    """The user meant; None for create_group, rename_group and create_user."""
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step. `done` is said only when the target acknowledged it (or it had been so already)."""

    operation_id: str
    state: Literal["done", "failed", "ordered"]
    """`ordered`: a person was asked to do it; a later read shows whether it was done (`connectors.ordering`)."""
    fluix_id: str | None = None
    """The user's id; for create_user the new (or the present) one."""
    message: str = ""
    """Why it failed, as a sentence."""


def normalise_email(email: str) -> str:
    """The form in which two addresses are compared: trimmed, NFC, case folded (`Anna@X.example` is `anna@x.example`).

    Only for comparing: what is shown and stored stays as it was written.
    """
    return unicodedata.normalize("NFC", email.strip()).casefold()


@lru_cache(maxsize=65_536)
def normalise_name(name: str) -> str:
    """The form in which two group names are compared: NFC, white space collapsed, case folded.

    Remembered, because there are few groups, and each is compared once for every member.
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()
