"""Targets whose steps a person does: what is ordered is not done, and waits until a later read shows it.

The engine asks three things of such a target: what waits, what of it is still wanted, and to hand over what was collected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.model import normalise_email, normalise_name

_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Outstanding:
    """One thing that a person was asked to do, and that no read has shown yet."""

    order: str
    """The work order's name, as people read it: `w3`."""
    key: str
    identity: str
    """The same for the same wish, whichever plan it stands in; see `identity`."""
    ordered_at: datetime
    withdrawn: bool = False
    """Whether it is not wanted any more, or not at present: it must not be done."""
    contradiction: str = ""
    """Why a person's word that it was done cannot be believed, as a sentence."""


@runtime_checkable
class Ordering(Protocol):
    """The other half of such a target, beside `connectors.base.Target`. Its `apply` answers `ordered`."""

    def outstanding(self) -> Sequence[Outstanding]:
        """What waits, in the order in which it was ordered."""
        ...

    def withdraw(self, unwanted: Mapping[str, str]) -> None:
        """Say which of it is not wanted at present (identity -> why); everything else is wanted (again)."""
        ...

    def troubles(self) -> Sequence[str]:
        """What did not work when somebody was to be told of an order, as sentences."""
        ...

    def deliver(self) -> None:
        """Hand over what `apply` collected, whole, and what a killed run left of it. Called once after all steps of a run.

        Raises:
            ConnectorError: it could not be written; the next call tries again.
        """
        ...


def identity(verb: str, fluix_id: str | None, values: Mapping[str, object]) -> str:
    """What makes two wishes the same.

    A new person is known by the address alone: while the import waits, another name or group is no second person, and
    follows once the account is there.

    Args:
        verb: of the step.
        fluix_id: the user meant.
        values: of the step.
    """
    words: tuple[object, ...]
    match verb:
        case "create_group":
            words = (normalise_name(str(values["display_name"])),)
        case "rename_group":
            words = (normalise_name(str(values["display_name"])), values["new_name"])
        case "create_user":
            words = (normalise_email(str(values["email"])),)
        case "update_user":
            words = (fluix_id, normalise_email(str(values.get("email", ""))), values.get("display_name", ""))
        case "add_member" | "remove_member":
            words = (fluix_id, normalise_name(str(values["group"])))
        case _:
            words = (fluix_id,)
    return _BETWEEN.join((verb, *map(str, words)))
