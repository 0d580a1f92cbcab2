"""A store is moved whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from syncd.errors import StoreError, UsageError
from syncd.store import copying
from syncd.store.engine import open_engine, require_current, writing
from syncd.store.tables import links
from tests.house import House, staff
from tests.postgres import needs_postgres, postgres


@pytest.fixture
def company(tmp_path: Path) -> House:
    made = House(tmp_path, {"store": "sqlite:///syncd.db"})
    made.hire(staff(30))
    assert made.syncd("run", "--json").json["outcome"]["done"] == 31
    return made


@needs_postgres
def test_a_company_moves_to_postgresql_and_goes_on_there(company: House) -> None:
    there = postgres().new_database()
    moved = company.syncd("store", "copy", "--to", there, "--json")
    assert moved.code == 0
    assert {one["name"]: one["rows"] for one in moved.json["tables"]}["links"] == 30
    company.configure(store=there)
    assert company.syncd("plan", "--check").code == 0
    assert company.syncd("audit", "verify").code == 0
    company.hire(staff(32))
    assert company.syncd("run", "--json").json["outcome"]["done"] == 2
    back = company.syncd("store", "copy", "--to", "sqlite:///back.db")
    assert (back.code, "read back the same" in back.out) == (0, True)
    company.configure(store="sqlite:///back.db")
    assert company.syncd("plan", "--check").code == 0


def test_nothing_is_written_over(company: House) -> None:
    refused = company.syncd("store", "copy", "--to", "sqlite:///syncd.db")
    assert refused.code == 1  # it is the store itself, which is locked
    assert company.syncd("store", "copy", "--to", "sqlite:///other.db").code == 0
    refused = company.syncd("store", "copy", "--to", "sqlite:///other.db")
    assert refused.code == 2
    assert "is not empty" in refused.err
    assert company.syncd("store", "copy", "--to", "mysql://x").code == 2


def test_what_arrives_otherwise_is_not_kept(company: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = open_engine(f"sqlite:///{tmp_path}/other.db")
    count_on = copying._count_on

    def spoil(connection, table):
        count_on(connection, table)
        if table is links.metadata.sorted_tables[0]:
            monkeypatch.setattr(copying, "_rows", lambda *_: iter([{"name": "other", "value": ""}]))

    monkeypatch.setattr(copying, "_count_on", spoil)
    rows = copying._rows
    monkeypatch.setattr(
        copying, "_rows", lambda reader, table: list(rows(reader, table))[: 1 if spoiled(reader) else None]
    )

    def spoiled(connection) -> bool:
        return connection.engine.url.database == str(tmp_path / "other.db")

    with pytest.raises(StoreError, match="they differ"):
        copying.copy_store(company.app().store, target)
    require_current(target)
    with writing(target) as connection:
        assert connection.execute(update(links).values(fluix_id="x")).rowcount == 0


def test_a_full_store_is_refused_in_python_too(company: House) -> None:
    with pytest.raises(UsageError, match="not empty"):
        copying.copy_store(company.app().store, company.app().store)
