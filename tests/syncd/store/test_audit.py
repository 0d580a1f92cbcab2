"""The audit is a chain: no row can be changed, taken out, added or moved unnoticed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, delete, update

from syncd.store.audit import Event, append, verify
from syncd.store.engine import writing
from syncd.store.tables import audit

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def chain(store: Engine) -> Engine:
    """Six rows, in three transactions."""
    for number in range(3):
        with writing(store) as connection:
            append(connection, [Event("anna", "run", f"{number}{part}", {"n": number}) for part in "ab"], NOW)
    return store


def test_an_untouched_chain_is_whole(chain: Engine, store: Engine) -> None:
    assert verify(chain) == (6, None)
    assert verify(store) == (6, None)


def test_an_empty_chain_is_whole(store: Engine) -> None:
    assert verify(store) == (0, None)


@pytest.mark.parametrize(
    "column",
    [{"actor": "eve"}, {"action": "nothing"}, {"subject": "x"}, {"detail": {"n": 9}}, {"at": NOW.replace(year=2025)}],
    ids=lambda column: next(iter(column)),
)
def test_a_changed_row_is_found(chain: Engine, column: dict[str, object]) -> None:
    with writing(chain) as connection:
        connection.execute(update(audit).where(audit.c.place == 3).values(column))
    assert verify(chain) == (6, 3)


def test_a_missing_row_is_found(chain: Engine) -> None:
    with writing(chain) as connection:
        connection.execute(delete(audit).where(audit.c.place == 4))
    assert verify(chain) == (5, 4)


def test_a_missing_first_row_is_found(chain: Engine) -> None:
    with writing(chain) as connection:
        connection.execute(delete(audit).where(audit.c.place == 1))
    assert verify(chain)[1] == 1


def test_two_swapped_rows_are_found(chain: Engine) -> None:
    with writing(chain) as connection:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(audit).where(audit.c.place == old).values(place=new))
    assert verify(chain) == (6, 2)


def test_a_row_made_up_at_the_end_is_found(chain: Engine) -> None:
    with writing(chain) as connection:
        row = {"place": 7, "at": NOW, "actor": "eve", "action": "x", "subject": "", "detail": {}, "hash": b"0" * 32}
        connection.execute(audit.insert().values(row))
    assert verify(chain) == (7, 7)
