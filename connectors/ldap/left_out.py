"""Members of groups who become nobody's membership, and the sentences that tell of them.

They are no reason to freeze a group: nobody of this source is among them. May not: ask a server, or leave somebody unsaid.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from connectors.ldap.active_directory import foreign_sid
from connectors.ldap.members import shown_bytes
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.ldap.members import Membership

_NAMED = 3
"""How many of several are named in a sentence."""


class LeftOut:
    """Whom the groups of one read name, and who is no person of it."""

    def __init__(self) -> None:
        self._foreign: dict[str, set[str]] = defaultdict(set)
        self._absent: dict[str, set[str]] = defaultdict(set)
        self._strangers: dict[str, set[str]] = defaultdict(set)

    def absent(self, dn: bytes, groups: Iterable[Membership]) -> None:
        """Nothing stands under this name, or we may not see it."""
        self._put(self._absent, dn, groups)

    def stranger(self, dn: bytes, groups: Iterable[Membership]) -> None:
        """What stands there is neither a group nor one of the people."""
        self._put(self._strangers, dn, groups)

    def notes(self) -> Iterator[str]:
        """One sentence a group; whoever is simply outside of the people's base, in one for all groups."""
        for group, sids in sorted(self._foreign.items()):
            who = "member is" if len(sids) == 1 else "members are"
            yield (
                f"group {shown(group)}: {len(sids)} {who} from other domains, or such as Windows computes, and this source "
                f"cannot name them: {_some(sids)}"
            )
        for group, names in sorted(self._absent.items()):
            who = "member is" if len(names) == 1 else "members are"
            yield f"group {shown(group)}: {len(names)} {who} not there, or hidden from the bind user: {_some(names)}"
        if self._strangers:
            names = set().union(*self._strangers.values())
            who, are = ("member", "is") if len(names) == 1 else ("members", "are")
            where = "1 group" if len(self._strangers) == 1 else f"{len(self._strangers)} groups"
            yield f"{len(names)} {who} of {where} {are} not among the people of this source: {_some(names)}"

    def _put(self, kind: dict[str, set[str]], dn: bytes, groups: Iterable[Membership]) -> None:
        sid = foreign_sid(dn)
        for group in groups:
            if sid:
                self._foreign[group.name].add(sid)
            else:
                kind[group.name].add(shown_bytes(dn))


def _some(names: set[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
