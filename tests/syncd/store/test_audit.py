"""The audit is a chain: no row can be changed, taken out, added or moved unnoticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, update

from syncd.store.audit import Event, Mark, append, erase, retire, stream, verify, walk
from syncd.store.engine import snapshot, writing
from syncd.store.tables import audit, meta

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


def write(store: Engine, count: int = 1, now: datetime = NOW) -> None:
    with writing(store) as connection:
        append(connection, [Event("anna", "run", "later", {}) for _ in range(count)], now)


@pytest.mark.parametrize("first", [6, 5, 1])
@pytest.mark.parametrize("later", [0, 1, 4])
def test_rows_taken_off_the_end_are_missed_however_many_are_written_after(
    chain: Engine, first: int, later: int
) -> None:
    with writing(chain) as connection:
        connection.execute(delete(audit).where(audit.c.place >= first))
    if later:
        write(chain, later)
    assert verify(chain) == (first - 1 + later, first)


def test_a_spoiled_note_of_the_head_is_found(chain: Engine) -> None:
    for value in ("6:00", "nonsense", f"5:{'0' * 64}"):
        with writing(chain) as connection:
            connection.execute(update(meta).where(meta.c.name == "audit_head").values(value=value))
        assert verify(chain)[1] == 7
    with writing(chain) as connection:
        connection.execute(delete(meta))
    assert verify(chain)[1] == 7


def test_after_a_row_that_somebody_made_up_the_chain_goes_on_and_names_it(chain: Engine) -> None:
    with writing(chain) as connection:
        row = {"place": 7, "at": NOW, "actor": "eve", "action": "x", "subject": "", "detail": {}, "hash": b"0" * 32}
        connection.execute(audit.insert().values(row))
    write(chain)
    assert verify(chain) == (8, 7)


def test_a_row_that_was_written_down_elsewhere_is_looked_for(chain: Engine) -> None:
    with snapshot(chain) as connection:
        marks = [Mark(row["place"], bytes.fromhex(row["hash"])) for row in stream(connection)]
    assert walk(chain).marked is None
    assert walk(chain).head == marks[-1] == Mark.parse(str(marks[-1]))
    write(chain)
    assert all(walk(chain, mark).marked for mark in (*marks, Mark()))
    assert walk(chain, Mark(3, b"0" * 32)).marked is False
    assert walk(chain, Mark(9, marks[-1].hash)).marked is False
    with writing(chain) as connection:  # all of it is written anew, with a chain and a head of its own
        connection.execute(delete(audit))
        connection.execute(delete(meta))
    write(chain, 7)
    assert verify(chain)[1] is None
    assert walk(chain, marks[-1]).marked is False


@pytest.mark.parametrize(
    "text", ["", "6", "6:", "6:zz", "x:" + "0" * 64, "-6:" + "0" * 64, "6:" + "0" * 63, "6:" + "x" * 64]
)
def test_what_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Mark.parse(text)


def days(store: Engine, count: int) -> None:
    """Two rows on each of so many days."""
    for day in range(count):
        write(store, 2, NOW + timedelta(days=day))


def test_old_rows_go_from_the_beginning_and_a_row_says_so(store: Engine) -> None:
    days(store, 4)
    old = walk(store).head
    with writing(store) as connection:
        assert retire(connection, NOW + timedelta(days=2), "syncd", NOW + timedelta(days=9)) == 4
    found = walk(store)
    assert (found.rows, found.begins, found.first_broken) == (5, 5, None)
    assert walk(store, old).marked
    with writing(store) as connection:
        assert retire(connection, NOW + timedelta(days=2), "syncd", NOW + timedelta(days=9)) == 0
    write(store)
    with writing(store) as connection:
        assert retire(connection, NOW + timedelta(days=3), "syncd", NOW + timedelta(days=10)) == 2
    found = walk(store)
    assert (found.rows, found.begins, found.first_broken) == (5, 7, None)


def test_everything_may_be_old(store: Engine) -> None:
    days(store, 2)
    with writing(store) as connection:
        assert retire(connection, NOW + timedelta(days=50), "syncd", NOW + timedelta(days=90)) == 4
    assert (walk(store).rows, walk(store).begins, walk(store).first_broken) == (1, 5, None)


@pytest.mark.parametrize("place", [5, 6, 9])
def test_what_is_missing_beside_what_was_retired_is_found(store: Engine, place: int) -> None:
    days(store, 4)
    with writing(store) as connection:
        retire(connection, NOW + timedelta(days=2), "syncd", NOW + timedelta(days=9))
    with writing(store) as connection:
        connection.execute(delete(audit).where(audit.c.place == place))
    assert verify(store)[1] == (1 if place == 9 else place)


def test_the_row_that_retires_is_never_blank_and_not_believed_when_it_was_changed(store: Engine) -> None:
    days(store, 4)
    with writing(store) as connection:
        retire(connection, NOW + timedelta(days=2), "syncd", NOW + timedelta(days=9))
    with writing(store) as connection:
        erase(connection, [9], "syncd", NOW)
    assert verify(store)[1] == 1
    with writing(store) as connection:
        connection.execute(update(audit).where(audit.c.place == 9).values(detail={"through": "4:12"}))
    assert verify(store)[1] == 1


def test_erased_and_retired_rows_go_together(store: Engine) -> None:
    days(store, 4)
    with writing(store) as connection:
        erase(connection, [2, 6], "syncd", NOW + timedelta(days=5))
        retire(connection, NOW + timedelta(days=2), "syncd", NOW + timedelta(days=9))
    found = walk(store)
    assert (found.first_broken, found.erased) == (None, 1)
