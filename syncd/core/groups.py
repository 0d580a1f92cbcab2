"""Groups that were renamed in their source, where a source gives groups an immutable id. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from connectors.model import normalise_name
from syncd.core.change import Change, Decision, Finding, Kind, RecordKey


@dataclass(frozen=True, slots=True)
class Renames:
    """What became of the groups' names since they were last met."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    names: Mapping[RecordKey, str] = field(default_factory=dict)
    """What is to be remembered at once, for it needs no change in Fluix."""
    merges: Mapping[RecordKey, tuple[str, str]] = field(default_factory=dict)
    """Groups that got the name of another one, old and new: their members change groups only when a person says so."""

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
    merges: dict[RecordKey, tuple[str, str]] = {}
    was = Counter(normalise_name(name) for name in known.values())
    becomes = Counter(normalise_name(name) for name in map(group_name, groups.values()) if name)
    for key, name in sorted(groups.items()):
        new, old = group_name(name), known.get(key)
        if not new or new == old:
            continue
        if old is None or normalise_name(old) not in there:
            names[key] = new
        elif normalise_name(new) in there and normalise_name(new) != normalise_name(old):
            merges[key] = (old, new)
        elif was[normalise_name(old)] > 1 or becomes[normalise_name(new)] > 1:
            message = f"{key} was renamed from {old} to {new}, but shares a group with others: its members are moved one by one"
            findings.append(Finding("group_name_taken", Decision.PROCEED, message))
            names[key] = new
        else:
            before, after = {"display_name": there[normalise_name(old)]}, {"display_name": new}
            reason = f"{key} was renamed in its source"
            changes.append(Change("rename_group", None, before["display_name"], before, after, reason))
    found = Renames(tuple(changes), tuple(findings), names, merges)
    # A name that its group gives up in the same plan is nobody's any more.
    free = {key: new for key, (_, new) in merges.items() if normalise_name(new) in found.moved}
    return replace(found, names=names | free, merges={key: pair for key, pair in merges.items() if key not in free})


def merged(merges: Mapping[RecordKey, tuple[str, str]], changes: Iterable[Change]) -> Renames:
    """What a plan would do because a group got another one's name: held; and remembered where nothing is left to do.

    Args:
        merges: of the same run.
        changes: its plan's, of everybody.
    """
    moving: dict[tuple[Kind, str], list[str]] = {}
    for change in changes:
        if change.kind in {"add_member", "remove_member"}:
            moving.setdefault((change.kind, normalise_name(change.group or "")), []).append(change.key)
    findings, names = [], {}
    for key, (old, new) in merges.items():
        joining = moving.get(("add_member", normalise_name(new)), [])
        parting = moving.get(("remove_member", normalise_name(old)), [])
        if not joining and not parting:
            names[key] = new
            continue
        message = (
            f"{key} was renamed from {old} to {new}, which is another group already: {len(joining)} would be put into {new}, "
            f"{len(parting)} taken out of {old}. Are the two one group now? Then approve. Otherwise give it another name"
        )
        findings.append(Finding("group_name_taken", Decision.HOLD, message, (*joining, *parting)))
    return Renames(findings=tuple(findings), names=names)
