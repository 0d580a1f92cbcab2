"""Groups that were renamed in their source, where a source gives groups an immutable id. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.model import normalise_name
from syncd.core.change import Change, Decision, Finding, RecordKey


@dataclass(frozen=True, slots=True)
class Renames:
    """What became of the groups' names since they were last met."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    names: Mapping[RecordKey, str] = field(default_factory=dict)
    """What is to be remembered at once, for it needs no change in Fluix."""

    @property
    def moved(self) -> dict[str, str]:
        """Groups that the plan renames: present name as compared -> new name."""
        return {normalise_name(str(change.group)): (change.after or {})["display_name"] for change in self.changes}


def renames(
    groups: Mapping[RecordKey, str],
    known: Mapping[RecordKey, str],
    there: Mapping[str, str],
    group_name: Callable[[str], str | None],
) -> Renames:
    """Compare the names of group records with what they were called in Fluix.

    Args:
        groups: group record -> its name in the source now.
        known: group record -> what it was called in Fluix when it was last met.
        there: the account's groups, name as compared -> name as written.
        group_name: what a source's group is called in Fluix; None when it is left out.
    """
    changes: list[Change] = []
    findings: list[Finding] = []
    names: dict[RecordKey, str] = {}
    was = Counter(normalise_name(name) for name in known.values())
    becomes = Counter(normalise_name(name) for name in map(group_name, groups.values()) if name)
    for key, name in sorted(groups.items()):
        new, old = group_name(name), known.get(key)
        if not new or new == old:
            continue
        if old is None or normalise_name(old) not in there:
            names[key] = new
        elif normalise_name(new) in there and normalise_name(new) != normalise_name(old):
            message = f"{key} was renamed from {old} to {new}, which is there already: its members are moved one by one"
            findings.append(Finding("group_name_taken", Decision.PROCEED, message))
            names[key] = new
        elif was[normalise_name(old)] > 1 or becomes[normalise_name(new)] > 1:
            message = f"{key} was renamed from {old} to {new}, but shares a group with others: its members are moved one by one"
            findings.append(Finding("group_name_taken", Decision.PROCEED, message))
            names[key] = new
        else:
            before, after = {"display_name": there[normalise_name(old)]}, {"display_name": new}
            reason = f"{key} was renamed in its source"
            changes.append(Change("rename_group", None, before["display_name"], before, after, reason))
    return Renames(tuple(changes), tuple(findings), names)
