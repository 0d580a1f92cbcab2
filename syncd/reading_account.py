"""Read and ingest the account and its groups. Nothing is concluded from a part of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Engine

from connectors.base import Answering
from connectors.model import AccountGroup, normalise_email, normalise_name
from syncd.core.change import Change, Finding
from syncd.core.diff import Ground
from syncd.core.groups import Renames, merged, renames
from syncd.core.rules import Rules
from syncd.errors import SyncdError
from syncd.store import accounts, clusters, groups, runs
from syncd.store.runs import ReadLine
from syncd.store.sql import chunks
from syncd.sync import Request, Sync


def read_account(sync: Sync, request: Request) -> Ground:
    """Read and ingest the account: for one person only whoever they concern, where the target can be asked.

    Returns:
        The policy of comparing, with the account's groups.

    Raises:
        ConnectorError, SyncdError: it could not be read, or not whole.
    """
    if request.user and isinstance(sync.target, Answering):
        return _ground(sync, _read_some(sync, sync.target, request.user))
    there, certificate = accounts.ingest_accounts(sync.store, sync.target.read())
    if not certificate.certified:
        reasons = [*certificate.reasons, *(problem.message for problem in certificate.problems)]
        raise SyncdError(
            f"the Fluix account was not read whole: {'; '.join(reasons)}",
            cure="nothing is planned from half an account: mend this, and run it again",
        )
    return _ground(sync, there)


def _read_some(sync: Sync, target: Answering, email: str) -> Sequence[AccountGroup]:
    """Read and ingest the accounts that one person concerns, now and as the store has it; returns the account's groups."""
    addresses, ids = {normalise_email(email)}, set[str]()
    asked_addresses, asked_ids = set[str](), set[str]()
    while addresses or ids:
        asked_addresses |= addresses
        asked_ids |= ids
        there = {**target.find(addresses), **target.get(ids)}
        accounts.ingest_some(sync.store, ids, there.values())
        asked_ids |= there.keys()
        addresses, ids = clusters.reach(sync.store, email, sync.rules)
        addresses -= asked_addresses
        ids -= asked_ids
    return target.every_group()


def note_changed(sync: Sync, fluix_ids: Iterable[str]) -> None:
    """Take in again the accounts that were just changed, so that what the store tells of them until the next read is true."""
    for part in chunks(fluix_ids):
        accounts.ingest_some(sync.store, part, sync.target.get(part).values())
    if isinstance(sync.target, Answering):
        _keep_groups(sync, sync.target.every_group())


def _keep_groups(sync: Sync, there: Iterable[AccountGroup]) -> None:
    runs.remember(sync.store, {"groups": json.dumps([group.display_name for group in there])})


def _ground(sync: Sync, there: Sequence[AccountGroup]) -> Ground:
    _keep_groups(sync, there)
    able = "create_group" in sync.target.capabilities.verbs
    return replace(
        sync.ground,
        create_groups=sync.ground.create_groups and able,
        groups={normalise_name(group.display_name): group.display_name for group in there},
    )


def known_groups(store: Engine) -> dict[str, str]:
    """The account's groups as they were last read: name as compared -> name."""
    return {normalise_name(name): name for name in json.loads(runs.recall(store, "groups") or "[]")}


def frozen_groups(rules: Rules, lines: Iterable[ReadLine]) -> frozenset[str]:
    """Fluix's group names (as compared) that a source did not read whole."""
    names = (rules.group_name(name) for line in lines for name in line.frozen_groups)
    return frozenset(normalise_name(name) for name in names if name)


def rename_groups(sync: Sync, ground: Ground) -> Renames:
    """The groups that were renamed in sources which give groups an immutable id."""
    if "rename_group" not in sync.target.capabilities.verbs:
        return Renames()
    renamed = renames_known(sync.store, sync.sources, sync.rules, ground.groups)
    groups.name_groups(sync.store, renamed.names)
    return renamed


def merge_groups(sync: Sync, request: Request, renamed: Renames, changes: Iterable[Change]) -> Sequence[Finding]:
    """What is held because a group got another one's name; once nothing of that is left to do, the name is remembered."""
    found = merged(renamed.merges, changes)
    if request.user is None:
        groups.name_groups(sync.store, found.names)
    return found.findings


def renames_known(store: Engine, sources: Iterable[str], rules: Rules, there: Mapping[str, str]) -> Renames:
    """The same, with nothing written.

    Args:
        store: the store.
        sources: the names of all sources.
        rules: which names groups get.
        there: the account's groups, name as compared -> name.
    """
    found = groups.group_records(store, sources)
    return renames(found, groups.group_names(store), there, rules.group_name) if found else Renames()
