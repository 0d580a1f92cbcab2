"""Every revision after the other, from an empty store on, with rows in every table: a new revision is met here by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Column, DateTime, Engine, Integer, LargeBinary, MetaData, Table, inspect, select, text

import syncd.store.migrations
from syncd.errors import StoreError
from syncd.store.engine import REVISION, open_engine, reading, require_current, revision, upgrade, writing
from syncd.store.every_table import EVERY_TABLE
from tests.postgres import needs_postgres, postgres

SCRIPTS = ScriptDirectory(str(Path(syncd.store.migrations.__file__).parent))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty one."""
    address = f"sqlite:///{tmp_path}/syncd.db" if request.param == "sqlite" else postgres().new_database()
    engine = open_engine(address)
    yield engine
    engine.dispose()


def test_they_are_one_line_that_ends_where_the_program_is() -> None:
    assert SCRIPTS.get_heads() == [REVISION]
    assert [script.is_branch_point for script in SCRIPTS.walk_revisions()] == [False] * len(REVISIONS)
    for script in SCRIPTS.walk_revisions():
        assert not hasattr(script.module, "downgrade"), f"{script.revision}: a store goes forward only"


def test_each_keeps_what_was_there(store: Engine) -> None:
    filled: dict[str, dict[str, Any]] = {}
    for to in REVISIONS:
        upgrade(store, to)
        assert revision(store) == to
        there = _tables(store)
        for name, row in filled.items():
            assert name in there, f"{to} took the table {name} away: say here what became of its rows"
            _assert_kept(store, there[name], row, to)
        new = [table for name, table in there.items() if name not in filled]
        for table in new:
            words = _words(store, table)
            filled[table.name] = {one.name: words.get(one.name, _sample(one)) for one in table.columns}
        with writing(store) as connection:
            for table in new:
                connection.execute(table.insert(), filled[table.name])
    assert set(filled) == {table.name for metadata in EVERY_TABLE for table in metadata.sorted_tables}


def test_the_last_makes_the_tables_as_they_are_declared(store: Engine) -> None:
    upgrade(store)
    with reading(store) as connection:
        assert compare_metadata(MigrationContext.configure(connection), [*EVERY_TABLE]) == []


def _tables(store: Engine) -> dict[str, Table]:
    """The tables as they are by now, those that others point to first."""
    found = MetaData()
    with reading(store) as connection:
        for name in inspect(connection).get_table_names():
            if name != "alembic_version":
                Table(name, found, autoload_with=connection)
    return {table.name: table for table in found.sorted_tables}


def _sample(column: Column[Any]) -> Any:
    """The same in every column of a type, so that what points elsewhere finds it there; `1` is JSON as well."""
    kinds: list[tuple[type, Any]] = [
        (Boolean, True),
        (Integer, 1),
        (LargeBinary, b"1"),
        (DateTime, datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ]
    return next((value for kind, value in kinds if isinstance(column.type, kind)), "1")


def _words(store: Engine, table: Table) -> dict[str, str]:
    """A word for each column that takes only some: `state IN ('queued', …)`."""
    with reading(store) as connection:
        checks = [check["sqltext"] for check in inspect(connection).get_check_constraints(table.name)]
    found = ((one.name, re.match(rf"\W*{one.name}\b[^']*'(\w+)'", check)) for one in table.columns for check in checks)
    return {name: word[1] for name, word in found if word}


def _assert_kept(store: Engine, table: Table, row: dict[str, Any], to: str) -> None:
    with reading(store) as connection:
        found = dict(connection.execute(select(table)).mappings().one())
    for name, value in row.items():
        if name in found:  # a column may go; what stays keeps its value
            kept = found[name].replace(tzinfo=UTC) if isinstance(value, datetime) else found[name]
            assert kept == value, f"{to} changed {table.name}.{name}"


@pytest.mark.parametrize(("ahead", "goes"), [(1, True), (2, False)])
def test_a_program_goes_with_a_store_that_is_one_revision_ahead_on_postgresql_only(
    store: Engine, ahead: int, goes: bool
) -> None:
    upgrade(store)
    with writing(store) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": f"{int(REVISION) + ahead:04d}"})
    if goes and store.dialect.name == "postgresql":
        require_current(store)
    else:
        with pytest.raises(StoreError, match="newer version"):
            require_current(store)
