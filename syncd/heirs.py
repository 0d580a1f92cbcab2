"""Who gets a leaver's documents, by the directory as it was last read: never somebody who leaves as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache

from connectors.model import normalise_email, normalise_name
from syncd.core.change import RecordKey
from syncd.core.humans import Entry, Leaver, Present
from syncd.core.ownership import gave_groups
from syncd.core.resolve import resolve
from syncd.core.succession import Manager, Owner, Succession, owner_of, successor
from syncd.store import accounts, clusters, groups, runs
from syncd.sync import Sync


class Heirs:
    """Looks up managers, each once.

    Args:
        sync: see there.
        leaving: ids of the accounts that leave by this plan, or wait to.
    """

    def __init__(self, sync: Sync, leaving: Collection[str]) -> None:
        self._sync = sync
        self._leaving = leaving
        self._trust: clusters.Trust | None = None
        self._owned = cache(lambda: groups.owned(sync.store))
        self._known: dict[tuple[str, str], Manager | None] = {}

    def of(self, leaver: Leaver) -> Succession:
        """Who takes over from this leaver."""
        to = self._sync.documents_to
        if self._sync.farewells.documents != "reassign":
            return Succession(None)
        if "@" in to:
            found = self.find("", to)
            if found and found.taker:
                return Succession(to)
            return Succession(None, (f"{to} {found.why_not if found else 'has no account'}",))
        if to == "group_owner":
            return owner_of(self._owners(leaver))
        entry = next((entry for entry in leaver.entries if entry.manager), None)
        if entry is None:
            return Succession(None)
        return successor(entry.manager, lambda manager: self.find(entry.key.source, manager))

    def _owners(self, leaver: Leaver) -> Iterator[Owner]:
        """Who owns the groups that its sources gave: the leaver itself is nobody's heir."""
        given = {normalise_name(name) for link in leaver.links for name in gave_groups(link.given)}
        mine = {entry.key for entry in leaver.entries}
        for name, key, owner in self._owned():
            if normalise_name(name) in given and RecordKey(key.source, owner) not in mine:
                yield Owner(owner, name, self.find(key.source, owner))

    def find(self, source: str, manager: str) -> Manager | None:
        """What is known of whoever this source writes so: an external id of its own, or an address."""
        if (source, manager) not in self._known:
            self._known[source, manager] = self._look(source, manager)
        return self._known[source, manager]

    def _look(self, source: str, manager: str) -> Manager | None:
        sync = self._sync
        trust = self._trust = self._trust or runs.trust_of(runs.last_reads(sync.store, sync.sources).values())
        by_email = "@" in manager
        if by_email:
            found = clusters.clusters_of(sync.store, manager, sync.rules, trust)
        else:
            found = clusters.gather(sync.store, [RecordKey(source, manager)], sync.rules, trust)
        for cluster in found:
            above = next((entry.manager for entry in cluster.entries if self._is_meant(entry, source, manager)), None)
            for verdict in resolve(cluster, adopt=sync.adopt, precedence=tuple(sync.sources)):
                if not isinstance(verdict, Present | Leaver) or verdict.account is None:
                    continue
                mine = any(self._is_meant(entry, source, manager) for entry in _entries(verdict))
                if mine or (by_email and normalise_email(verdict.account.email) == normalise_email(manager)):
                    stays = isinstance(verdict, Present) and verdict.account.fluix_id not in self._leaving
                    own = above if above is not None else next((entry.manager for entry in _entries(verdict)), "")
                    return Manager(verdict.account.email, stays, own)
            if above is not None:
                return Manager(None, stays=False, manager=above)
        fluix_id = accounts.id_of(sync.store, manager) if by_email else None
        return Manager(manager, fluix_id not in self._leaving) if fluix_id else None

    def _is_meant(self, entry: Entry, source: str, manager: str) -> bool:
        if "@" in manager:
            return normalise_email(entry.shaped.email or "") == normalise_email(manager)
        return entry.key == RecordKey(source, manager)


def leaves(sync: Sync, email: str) -> bool:
    """Whether the person with this address leaves, or is to, by the directory as it was last read."""
    found = Heirs(sync, ()).find("", email)
    return found is not None and not found.stays


def _entries(verdict: Present | Leaver) -> Iterable[Entry]:
    return (*verdict.entries, *(verdict.past if isinstance(verdict, Present) else ()))
