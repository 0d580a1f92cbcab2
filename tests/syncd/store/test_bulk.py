"""Many rows at once on PostgreSQL: the same rows as one by one, and whatever could differ goes one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from connectors.fluix.account.tables import activity
from syncd.store import bulk
from syncd.store.engine import open_engine, reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import mdm_people, memberships, records, sizes
from tests.house import Clock
from tests.postgres import needs_postgres, postgres

pytestmark = needs_postgres
MANY = 2 * bulk.FEWEST
NASTY = 'tab\t, "quotes", \\N, \\, line\nbreak, ü 漢 🙂'


@pytest.fixture
def store() -> Iterator[Engine]:
    engine = open_engine(postgres().new_store())
    yield engine
    engine.dispose()


@pytest.fixture
def sent(store: Engine) -> list[str]:
    """Statements as SQLAlchemy hands them over, row by row or not."""
    told: list[str] = []

    def note(cursor: Any, statement: str, rows: Any, _context: Any) -> bool:
        del cursor, rows
        told.append(statement)
        return False

    event.listen(store, "do_executemany", note)  # asked only about what was not done at once
    return told


def _record(number: int, **other: Any) -> dict[str, Any]:
    usual = {"source": "s", "kind": "person", "external_id": f"E{number}", "digest": bytes([number % 256]) * 16}
    rest = {"attributes": {"name": NASTY, "n": number}, "address": None, "gone_since": None, "dirty": True}
    return {**usual, **rest, **other}


def _rows(store: Engine, table: Any) -> list[Any]:
    with reading(store) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)))


def test_rows_are_copied_as_they_are(store: Engine, sent: list[str]) -> None:
    rows = [{"source": "s", "group_id": NASTY, "person_id": f"E{number:03}"} for number in range(MANY)]
    with writing(store) as connection:
        connection.execute(insert(memberships), rows)
    assert not sent
    assert [dict(row._mapping) for row in _rows(store, memberships)] == rows


def test_times_are_copied_as_they_are(store: Engine, sent: list[str]) -> None:
    now = Clock().now
    with writing(store) as connection:
        one = {"account": "main", "at": now, "user_id": None, "kind": "x", "text": NASTY}
        connection.execute(insert(activity), [one] * MANY)
    assert not sent
    assert {(row.at, row.text) for row in _rows(store, activity)} == {(now, NASTY)}


def test_present_rows_are_replaced_and_new_ones_added(store: Engine, sent: list[str]) -> None:
    for digest, until in ((b"a" * 16, MANY), (b"b" * 16, 2 * MANY)):
        with writing(store) as connection:
            rows = [_record(number, digest=digest) for number in range(until)]
            connection.execute(upsert(connection, records), rows)
    assert not sent
    found = _rows(store, records)
    assert len(found) == 2 * MANY
    assert {row.digest for row in found} == {b"b" * 16}
    assert found[0].attributes == {"name": NASTY, "n": 0}
    assert found[0].address is None
    assert found[0].dirty is True


def test_columns_are_added_to_or_kept(store: Engine, sent: list[str]) -> None:
    grown = [{"source": "s", "group_name": f"G{number}", "now": number} for number in range(MANY)]
    noted = [{"fluix_id": str(number), "email": "a@example.com", "dirty": False} for number in range(MANY)]
    with writing(store) as connection:
        for _ in range(2):
            connection.execute(upsert(connection, sizes, add={"now"}), grown)
        connection.execute(insert(mdm_people), noted)
        dirty = [{**row, "email": None, "dirty": True} for row in noted]
        connection.execute(upsert(connection, mdm_people, keep={"email"}), dirty)
    assert not sent
    assert {row.group_name: row.now for row in _rows(store, sizes)}["G7"] == 14
    assert {(row.email, row.dirty) for row in _rows(store, mdm_people)} == {("a@example.com", True)}


def test_rows_are_changed_and_deleted_by_key(store: Engine, sent: list[str]) -> None:
    here = (records.c.source == bindparam("of"), records.c.kind == "person", records.c.external_id == bindparam("key"))
    with writing(store) as connection:
        connection.execute(insert(records), [_record(number) for number in range(2 * MANY)])
        keys = [{"of": "s", "key": f"E{number}"} for number in range(MANY)]
        changed = [{**key, "to": f"{key['key']}@example.com"} for key in keys]
        connection.execute(update(records).where(*here).values(address=bindparam("to"), dirty=False), changed)
        connection.execute(delete(records).where(*here, records.c.gone_since.is_(None)), keys[: bulk.FEWEST])
    assert not sent
    found = {row.external_id: (row.address, row.dirty) for row in _rows(store, records)}
    assert len(found) == 2 * MANY - bulk.FEWEST
    assert found[f"E{MANY - 1}"] == (f"E{MANY - 1}@example.com", False)
    assert found[f"E{MANY}"] == (None, True)


def test_of_a_row_named_twice_the_last_word_counts(store: Engine, sent: list[str]) -> None:
    twice = [_record(number % MANY, dirty=number < MANY) for number in range(2 * MANY)]
    key = records.c.external_id == bindparam("key")
    changes = [{"key": f"E{number % MANY}", "to": str(number)} for number in range(2 * MANY)]
    with writing(store) as connection:
        connection.execute(upsert(connection, records), twice)
        connection.execute(update(records).where(key).values(address=bindparam("to")), changes)
    assert len(sent) == 2
    assert {row.dirty for row in _rows(store, records)} == {False}
    assert {row.external_id: row.address for row in _rows(store, records)}["E3"] == str(MANY + 3)


def test_what_is_not_by_key_goes_row_by_row(store: Engine, sent: list[str]) -> None:
    with writing(store) as connection:
        connection.execute(insert(records), [_record(number, address=str(number)) for number in range(MANY)])
        below = update(records).where(records.c.address < bindparam("most")).values(address=bindparam("to"))
        connection.execute(below, [{"most": str(number), "to": "x"} for number in range(MANY)])
    assert len(sent) == 1


def test_a_row_that_is_there_is_an_error_as_ever(store: Engine) -> None:
    rows = [{"source": "s", "group_id": "g", "person_id": str(number)} for number in (*range(MANY), 0)]
    with pytest.raises(IntegrityError), writing(store) as connection:
        connection.execute(insert(memberships), rows)
    assert not _rows(store, memberships)
