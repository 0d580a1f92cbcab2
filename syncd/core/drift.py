"""What somebody changed in Fluix by hand, and what happens to it: set back, or only said. Pure.

Drift is where the account differs from what we gave *and* from what the directory wants. A membership that an admin added is
none: nothing contradicts it, and it is the admin's (`ownership`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from syncd.core.change import Decision, Finding, RecordKey
from syncd.core.ownership import as_compared

Attribute = Literal["email", "display_name", "groups"]
OnDrift = Literal["repair", "report"]

BY_HAND = "changed in Fluix by hand"


def on_drift(policy: OnDrift | Mapping[Attribute, OnDrift], attribute: Attribute) -> OnDrift:
    """What happens to drift of one attribute: what is not named is repaired."""
    return policy if isinstance(policy, str) else policy.get(attribute, "repair")


def drifted(given: Mapping[str, Any], attribute: str, now: str) -> bool:
    """Whether an account's attribute is not what we gave; nothing is said where nothing is known of that."""
    return attribute in given and as_compared(attribute, given[attribute]) != as_compared(attribute, now)


def attribute_finding(email: str, attribute: str, values: tuple[str, object, str], change: str | None) -> Finding:
    """That an attribute was changed by hand.

    Args:
        email: whose, as the account has it.
        attribute: which.
        values: as it is now, as we gave it, as the directory wants it.
        change: key of the change that sets it; None when it is only said.
    """
    now, given, wanted = values
    if change is None:
        becomes = "left as it is (people.on_drift: report)"
    elif as_compared(attribute, given) == as_compared(attribute, wanted):
        becomes = "set back"
    else:
        becomes = f'the directory has changed since and now says "{wanted}", which counts'
    message = f'{email}: {attribute} was {BY_HAND} to "{now}", we gave "{given}": {becomes}'
    return Finding("drift", Decision.PROCEED, message, (change,) if change else ())


def groups_finding(
    email: str, groups: Sequence[str], givers: Sequence[RecordKey], *, report: bool, changes: Sequence[str]
) -> Finding:
    """That somebody was taken out of groups by hand.

    Args:
        email: who, as the account has it.
        groups: the groups that we gave, and that are wanted still.
        givers: the records for which we gave them.
        report: whether it is only said.
        changes: keys of the changes that put the user back.
    """
    becomes = "left as it is (people.on_drift: report)" if report else "put back"
    message = (
        f"{email}: groups were {BY_HAND}, taken out of {', '.join(groups)}, which we gave for "
        f"{', '.join(map(str, dict.fromkeys(givers)))}: {becomes}"
    )
    return Finding("drift", Decision.PROCEED, message, tuple(changes))
