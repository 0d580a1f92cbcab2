"""Where deleted people stand in the store, and what stands there without them. Every text of every table is searched."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, String, Table, column, delete, select, table, update

from syncd.core.needles import Needles
from syncd.store.audit import ERASE, RETIRE
from syncd.store.engine import reading
from syncd.store.every_table import EVERY_TABLE
from syncd.store.sql import many_rows_of
from syncd.store.tables import Json, journal, plan_changes

_PRESENT: Final = frozenset(
    {
        "records",
        "passages",
        "memberships",
        "sizes",
        "links",
        "group_links",
        "accounts",
        "meta",
        "portal_exports",
        "portal_users",
    }
    | {"account_users", "account_groups", "account_memberships", "account_workflows", "account_workflow_groups"}
    | {"account_role_groups", "account_workflow_steps", "account_step_users", "account_step_groups"}
    | {"account_documents", "account_devices", "account_keys", "account_deleted", "ledger", "ledger_records", "audit"}
    | {"scim_credentials", "scim_buckets", "scim_event_keys"}
    | {"scim_tenants", "scim_resources", "scim_values", "scim_members", "scim_provisioning"}
    | {"console_users", "console_codes", "console_links", "console_sessions", "console_tokens", "console_attempts"}
)
"""Tables that hold what is there now, or are looked after by name."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A row in which something is to be erased."""

    table: Table
    key: Mapping[str, Any]
    before: Mapping[str, str]
    after: Mapping[str, str]
    """The same columns; none when the row itself goes."""


def search(engine: Engine, needles: Needles, by_id: Mapping[str, str]) -> Iterator[Spot]:
    """Every row of every table, but those that hold what is there now, in which these people stand.

    Args:
        engine: the store's.
        needles: whom to find.
        by_id: their Fluix ids, with their marks.
    """
    for searched in (one for metadata in EVERY_TABLE for one in metadata.sorted_tables):
        if searched.name not in _PRESENT:
            yield from _search_table(engine, searched, needles, by_id)


def _search_table(engine: Engine, searched: Table, needles: Needles, by_id: Mapping[str, str]) -> Iterator[Spot]:
    texts = [one.name for one in searched.columns if isinstance(one.type, String | Json)]
    keys = [one.name for one in searched.primary_key.columns]
    names = list(dict.fromkeys([*keys, *texts]))
    query: Any = select(*map(column, names)).select_from(table(searched.name))
    rewrite = _REWRITE.get(searched.name, _plain)
    with reading(engine) as connection:
        rows: Any = many_rows_of(connection, query)  # no conversion of what is only searched
        for row in rows:
            said = [value for value in row if value.__class__ is str]
            whole = "\0".join(said)
            about = needles.met(whole)
            about |= {by_id[one] for one in _ids(searched.name, row, whole) if one in by_id}
            if about:
                values = dict(zip(names, row, strict=True))
                before = {name: values[name] for name in texts if values[name] is not None}
                after = rewrite(before, needles, about)
                if after != before:
                    goes = any(after[name] != before.get(name) for name in keys if name in after)
                    key = {name: values[name] for name in keys}
                    yield Spot(searched, key, before, {} if goes and searched is not journal else after)


def _ids(name: str, row: Sequence[Any], whole: str) -> Iterable[str]:
    """The Fluix ids of whom a row is about, where it is about one user."""
    if name == journal.name:
        return (value for value in row if value.__class__ is str and value.isalnum())
    return _FLUIX_ID.findall(whole) if name == plan_changes.name else ()


_FLUIX_ID = re.compile(r'"fluix_id":"([^"]+)"')

_Rewrite = Callable[[Mapping[str, str], Needles, set[str]], dict[str, str]]


def _plain(before: Mapping[str, str], needles: Needles, about: set[str]) -> dict[str, str]:
    """A row about one person."""
    return {name: needles.scrub(value, about) for name, value in before.items()}


def _change(before: Mapping[str, str], needles: Needles, about: set[str]) -> dict[str, str]:
    """A planned change: what it says of the set-up goes as well."""
    after = _plain(before, needles, about)
    change = {**orjson.loads(after["change"]), "before": None, "after": None}
    return {**after, "change": orjson.dumps(change).decode()}


def _step(before: Mapping[str, str], needles: Needles, about: set[str]) -> dict[str, str]:
    """A step of the journal; its operation will never be asked for again."""
    after = _plain(before, needles, about)
    operation = f"erased:{secrets.token_hex(12)}"
    step = {**orjson.loads(after["step"]), "operation_id": operation, "values": {}}
    return {**after, "operation_id": operation, "step": orjson.dumps(step).decode()}


def _several(before: Mapping[str, str], needles: Needles, about: set[str]) -> dict[str, str]:
    """A row about several people: each text inside is about whom it names."""
    del about

    def leaves(value: Any) -> Any:
        if isinstance(value, str):
            return needles.scrub(value, needles.met(value))
        if isinstance(value, list):
            return [leaves(one) for one in value]
        if isinstance(value, dict):
            return {leaves(name): leaves(one) for name, one in value.items()}
        return value

    after = {}
    for name, value in before.items():
        try:
            after[name] = orjson.dumps(leaves(orjson.loads(value))).decode()
        except orjson.JSONDecodeError:
            after[name] = leaves(value)
    return after


_REWRITE: Final[dict[str, _Rewrite]] = {
    "plan_changes": _change,
    "journal": _step,
    "plans": _several,
    "runs": _several,
    "approvals": _several,
    "notification_outbox": _several,
}


def audit_places(engine: Engine, needles: Needles) -> Iterator[int]:
    """The rows of the audit that tell of these people."""
    told = table("audit", column("place"), column("subject"), column("detail"), column("action"), column("salt"))
    query = select(told.c.place, told.c.subject, told.c.detail)
    query = query.where(told.c.salt.is_not(None), told.c.action.not_in([ERASE, RETIRE]))
    with reading(engine) as connection:
        rows: Any = many_rows_of(connection, query)
        for place, subject, detail in rows:
            if needles.met(f"{subject}\0{detail}"):
                yield place


def replace(connection: Connection, row: Spot) -> None:
    """Write a row anew, or take it away; unless somebody else wrote it since."""
    names = {*row.key, *row.before}
    raw = table(row.table.name, *map(column, names))
    same = [raw.c[name] == value for name, value in {**row.key, **row.before}.items()]
    if row.after:
        changed = {name: value for name, value in row.after.items() if value != row.before[name]}
        connection.execute(update(raw).where(*same).values(changed))
    else:
        connection.execute(delete(raw).where(*same))
