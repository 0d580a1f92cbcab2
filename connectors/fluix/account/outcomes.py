"""How steps end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from connectors.fluix.account.connection import account_of
from connectors.fluix.account.tables import activity
from connectors.model import Outcome, Step


def done(step: Step, fluix_id: str | int | None = None) -> Outcome:
    """The step was done, or had been so already."""
    return Outcome(step.operation_id, "done", step.fluix_id if fluix_id is None else str(fluix_id))


def failed(step: Step, why: str) -> Outcome:
    """The step was not done; `why` is a sentence."""
    return Outcome(step.operation_id, "failed", step.fluix_id, why)


def gone(step: Step) -> Outcome:
    """The user is not there."""
    return failed(step, f"there is no user with the id {step.fluix_id}")


def text(step: Step, name: str) -> str:
    """A value of the step that is one text."""
    value = step.values[name]
    assert isinstance(value, str)
    return value


def record(connection: Connection, happenings: Iterable[tuple[int | None, str, str]], now: datetime) -> None:
    """Write what happened (user, kind, text) into the activity."""
    rows: list[dict[str, Any]] = [
        {"account": account_of(connection), "at": now, "user_id": user_id, "kind": kind, "text": what}
        for user_id, kind, what in happenings
    ]
    if rows:
        connection.execute(insert(activity), rows)
