"""The words of a plan: what a change is, what a check finds, and how decisions are ordered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal[
    "rename_group",
    "create_group",
    "create_user",
    "update_user",
    "add_member",
    "remove_member",
    "resend_invite",
    "delete_user",
]
"""The kinds of changes, in the order in which they are applied: a group is there before its members, and what takes
away comes last."""

KINDS: tuple[Kind, ...] = get_args(Kind)


class RecordKey(NamedTuple):
    """What a record is known by: its source's name and the source's immutable id."""

    source: str
    external_id: str

    def __str__(self) -> str:
        """As people read it in messages: `people/E17`."""
        return f"{self.source}/{self.external_id}"


class Decision(IntEnum):
    """What may be done with a change, or with a run: the worst finding counts."""

    PROCEED = 0
    HOLD = 1
    """Waits for a person's approval."""
    REFUSE = 2
    """Is not done, whoever approves."""

    @property
    def word(self) -> str:
        """The word of the interface: `proceed`, `hold` or `refuse`."""
        return self.name.lower()


Fields = Mapping[str, Any]
"""A change's `before` or `after`: attribute name -> value, as JSON can hold it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step wanted."""

    kind: Kind
    user: str | None
    """The email under which the account is known now; for create_user the one it gets."""
    group: str | None = None
    before: Fields | None = None
    after: Fields | None = None
    reason: str = ""
    """Why, in half a sentence: `people/E17 is new`."""
    fluix_id: str | None = None
    records: tuple[RecordKey, ...] = ()
    """Whose change it is: the person's records, primary first."""
    admin: bool = False
    """Whether the user holds a role or owns the account, as far as the target tells."""

    @property
    def key(self) -> str:
        """Names the change inside its plan: `delete_user:anna@example.com`, `add_member:anna@example.com:Field`."""
        return ":".join(part for part in (self.kind, self.user, self.group) if part is not None)

    @property
    def taken_from(self) -> frozenset[str]:
        """Names of the sources that gave what this takes away: on their absences it rests."""
        return frozenset((self.before or {}).get("given_by") or (key.source for key in self.records))

    @property
    def changes_email(self) -> bool:
        """Whether this gives a present account another address."""
        return self.kind == "update_user" and "email" in (self.after or {})


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, with numbers and names."""

    check: str
    decision: Decision
    message: str
    changes: tuple[str, ...] = ()
    """Keys of the changes that it is about; none when it is about something that is not in the plan."""


def worst(decisions: Iterable[Decision]) -> Decision:
    """The worst of these; PROCEED when there are none."""
    return max(decisions, default=Decision.PROCEED)
