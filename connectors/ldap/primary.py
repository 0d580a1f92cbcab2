"""Who is in groups by `primaryGroupID`, asked for below the people's base.

May not: leave out a group when the answer is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.errors import UnreadableError
from connectors.ldap.active_directory import primary_members
from connectors.ldap.certificates import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.ldap.members import Membership
    from connectors.ldap.search import Searcher


def add_primary(searcher: Searcher, base: str, people_filter: str, groups: Sequence[Membership]) -> list[bytes]:
    """Put everybody's name into the group that is their primary one, as a member that is not found yet.

    Args:
        searcher: the server.
        base: where people are.
        people_filter: which entries they are.
        groups: with their SIDs; when the answer is not whole, each has a doubt (`why`) afterwards.

    Returns:
        The names.
    """
    sids = {str(number): group.sid for number, group in enumerate(groups) if group.sid}
    names = []
    try:
        for number, dn in primary_members(
            lambda f, asked: ((entry.dn, entry.attributes) for entry in searcher.entries(base, f, asked)),
            sids,
            people_filter,
        ):
            groups[int(number)].pending.append(dn)
            names.append(dn)
    except (IncompleteError, UnreadableError) as error:
        for group in groups:
            group.why = group.why or f"its members by primaryGroupID are unknown: {error}"
    return names
