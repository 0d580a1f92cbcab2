"""Reading for one person: of a source that changed only the records that concern them, where the source can be searched.

What is found is true by itself; nothing is concluded from what is not found. So where somebody's record is not there any more,
or asks for no account any more, the source is read whole: only that can count as an absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.base import Searchable
from connectors.model import normalise_email
from syncd.core.humans import Entry
from syncd.store import clusters, runs
from syncd.store.changes import take_some
from syncd.store.runs import ReadLine
from syncd.sync import Sync


def searched(sync: Sync, before: Mapping[str, ReadLine], email: str) -> set[str]:
    """Search sources for one person, and everybody who has to do with them, and take in what is found.

    Args:
        sync: what a run needs.
        before: the sources' last reads.
        email: the person's.

    Returns:
        The sources for which that was enough.

    Raises:
        ConnectorError: a source could not be read.
    """
    if not sync.rules.reads_email or runs.recall(sync.store, "rules") != sync.rules_digest:
        return set()  # an address that is worked out from other columns stands nowhere
    sources = {name for name, line in before.items() if line.certified and isinstance(sync.sources[name], Searchable)}
    concerned = set[str]()
    entries = _entries(sync, email)
    while sources and (new := {normalise_email(email)}.union(*map(_told_apart_by, entries)) - concerned):
        concerned |= new
        sources = {name for name in sources if _take(sync, name, new, concerned)}
        entries = _entries(sync, email)
    return {name for name in sources if all(entry.live for entry in entries if entry.key.source == name)}


def _take(sync: Sync, name: str, new: set[str], concerned: set[str]) -> bool:
    """Take in whom a source holds of these; False where somebody is missing, or that is not certain."""
    source = sync.sources[name]
    found = source.find(new) if isinstance(source, Searchable) else None
    if found is None:
        return False
    theirs = [
        record
        for record in found
        if record.external_id in concerned or sync.rules.address(record.attributes) in concerned
    ]
    return take_some(sync.store, name, theirs, sync.rules.address, expected=new)


def _entries(sync: Sync, email: str) -> list[Entry]:
    trust = clusters.Trust(frozenset())
    return [e for cluster in clusters.clusters_of(sync.store, email, sync.rules, trust) for e in cluster.entries]


def _told_apart_by(entry: Entry) -> Iterable[str]:
    return filter(None, (entry.key.external_id, entry.shaped.email))
