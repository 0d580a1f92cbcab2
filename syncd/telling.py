"""Tells sources that want it how it stands with their people, once a run is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from syncd.core.change import RecordKey
from syncd.core.report import Report
from syncd.core.standing import Standing, after
from syncd.store import links
from syncd.sync import Sync


def tell_sources(sync: Sync, standings: Mapping[RecordKey, Standing], report: Report) -> None:
    """Tell each source of its own people; who was not looked at stands as before."""
    if not standings:
        return
    ended = {key: after(standing, report) for key, standing in standings.items()}
    new = [key for key, standing in ended.items() if standing.state == "provisioned" and standing.fluix_id is None]
    ids = links.accounts_of(sync.store, new)
    told: dict[str, dict[str, Standing]] = defaultdict(dict)
    for key, standing in ended.items():
        told[key.source][key.external_id] = replace(standing, fluix_id=standing.fluix_id or ids.get(key))
    for source, people in told.items():
        sync.tells[source](people)
