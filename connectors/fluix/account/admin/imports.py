"""Adding the new ones of an import: all of them, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection

from connectors.errors import RefusedError
from connectors.fluix.account import applying, seats
from connectors.fluix.account.admin.changes import operation
from connectors.fluix.account.admin.people import some
from connectors.fluix.account.connection import chunks
from connectors.fluix.account.groups import group_ids
from connectors.fluix.csv_files import ImportRow
from connectors.model import Step, normalise_name

Progress = Callable[[int], None]
"""Told how many more steps were done."""


def missing_groups(connection: Connection, rows: Iterable[ImportRow]) -> list[str]:
    """The groups that the new ones of an import name, and that are not there; each once, sorted."""
    names = {normalise_name(name): name for row in rows if row.verdict == "new" for name in row.groups}
    there = group_ids(connection, names.values())
    return sorted(name for key, name in names.items() if key not in there)


def require_seats(connection: Connection, count: int) -> None:
    """Refuse to add more users than there are seats.

    Raises:
        RefusedError: with the numbers.
    """
    free = seats.free(connection)
    if free is not None and count > free:
        what = f"{count} users are to be added, and {free} of {seats.limit(connection)} seats are free"
        raise RefusedError(what, cure=seats.CURE)


def import_users(
    connection: Connection,
    rows: Iterable[ImportRow],
    *,
    create_groups: bool,
    now: datetime,
    progress: Progress = lambda _count: None,
) -> int:
    """Add the new ones of an import, in batches of one transaction.

    Raises:
        RefusedError: a group is missing, there are not enough seats, or the file is older than the account.
    """
    new = [row for row in rows if row.verdict == "new"]
    missing = missing_groups(connection, new)
    if missing and not create_groups:
        cure = "create them first, or import with --create-groups"
        raise RefusedError(f"{len(missing)} groups of the file are not in Fluix: {some(missing)}", cure=cure)
    require_seats(connection, len(new))
    steps = [Step(operation(), "create_group", None, {"display_name": name}) for name in missing]
    for row in new:
        values = {"email": row.email, "display_name": row.name}
        steps.append(Step(operation(), "create_user", None, {**values, "groups": row.groups}))
    failed = []
    for part in chunks(steps):
        failed += [outcome.message for outcome in applying.apply(connection, part, now) if outcome.state == "failed"]
        progress(len(part))
    if failed:
        raise RefusedError("; ".join(failed[:5]), cure="look at the file again: somebody else changed the account")
    return len(new)
