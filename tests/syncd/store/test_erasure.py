"""Erasing people from the whole store: who is found, what stays, and that the chain of the audit stays whole."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

from connectors.fluix.account.tables import activity, deleted, mails, operations
from syncd.bootstrap import App
from syncd.core.needles import Needles, Person
from syncd.core.returning import KEPT
from syncd.run import run
from syncd.store import wishes
from syncd.store.audit import ERASE, Event, append, erase, verify, walk
from syncd.store.engine import open_engine, reading, require_current, writing
from syncd.store.erasure import erase_due
from syncd.store.tables import accounts, audit, ledger, links, runs
from syncd.sync import Request
from tests.faults.processes import go, in_a_process
from tests.house import House, staff

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
LATER = NOW + KEPT


def rows_of(store: Engine, table: Any) -> list[Any]:
    with reading(store) as connection:
        return list(connection.execute(select(table)))


def gone(store: Engine, *people: int, at: datetime = NOW, state: str = "deleted") -> None:
    """People who were deleted, each with a line in the audit."""
    with writing(store) as connection:
        for number in people:
            email = f"p{number}@example.com"
            row = {
                "operation_id": f"1:delete_user:{email}:delete_user:{at}",
                "state": state,
                "fluix_id": str(number),
                "address": email,
                "setup": {"email": email.upper(), "display_name": f"Person Number{number}"},
                "deleted_at": at,
                "actor": "anna",
                "approvers": [],
            }
            connection.execute(ledger.insert().values(row))
        append(connection, [Event("anna", "delete_user", f"p{number}@example.com", {"n": 1}) for number in people], at)


# --- finding people in texts --------------------------------------------------------------------------------------

ANNA = Person("#1", frozenset({"Anna@Example.com"}), frozenset({"Anna Müller", "Anna"}))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("anna@example.com", "#1"),
        ("delete_user:ANNA@example.com:Field", "delete_user:#1:Field"),
        ("<anna@example.com>, 'anna@example.com'. anna@example.com.", "<#1>, '#1'. #1."),
        ('{"a":"anna@example.com"}', '{"a":"#1"}'),
        ("two\\nanna@example.com", "two\\n#1"),
        ("people/anna@example.com", "people/#1"),
        ("joanna@example.com", "joanna@example.com"),
        ("o'anna@example.com", "o'anna@example.com"),
        ("x.anna@example.com", "x.anna@example.com"),
        ("anna@example.com.au", "anna@example.com.au"),
        ("anna@example.community", "anna@example.community"),
        ("bob@example.com", "bob@example.com"),
        ("@example.com", "@example.com"),
        ("a@x", "a@x"),
        ("ANNA MÜLLER is", "#1 is"),
        ("Anna Müllers", "Anna Müllers"),
        ("Joanna Müller", "Joanna Müller"),
        ('"Anna M\\u00fcller"', '"#1"'),
        ("Anna is a word", "Anna is a word"),
        ("Straße anna@example.com", "erased"),
        ("Straße bob@example.com", "Straße bob@example.com"),
        ("", ""),
    ],
)
def test_people_are_found_whole_and_in_any_case(text: str, after: str) -> None:
    assert Needles([ANNA]).scrub(text) == after
    assert bool(Needles([ANNA]).met(text)) == (text != after)


def test_a_text_about_the_person_loses_the_first_name_as_well() -> None:
    assert Needles([ANNA]).scrub("Anna (anna@example.com)", {"#1"}) == "#1 (#1)"


def test_what_living_people_have_is_taken_only_from_what_is_about_the_person() -> None:
    needles = Needles([ANNA], {"anna müller"})
    assert needles.scrub("Anna Müller left") == "Anna Müller left"
    assert needles.scrub("Anna Müller left", {"#1"}) == "#1 left"
    assert Needles([ANNA], {"anna@example.com"}).scrub("anna@example.com") == "anna@example.com"


@pytest.mark.parametrize("name", ["", " ", "!!", "佐藤 太郎", 'A "B" C', "a\\b c", "a\\name b"])
def test_odd_names_are_found_or_left(name: str) -> None:
    import json

    needles = Needles([Person("#1", frozenset(), frozenset({name}))])
    said = json.dumps({"name": name}, ensure_ascii=False)
    assert needles.scrub(said) == ('{"name": "#1"}' if name.strip(" !") else said)


# --- the audit ----------------------------------------------------------------------------------------------------


def test_erased_rows_leave_the_chain_whole_and_are_counted(store: Engine) -> None:
    gone(store, 1, 2, 3)
    with writing(store) as connection:
        erase(connection, [1, 3], "anna", LATER)
    assert (walk(store).rows, walk(store).first_broken, walk(store).erased) == (4, None, 2)
    assert verify(store) == (4, None)
    with reading(store) as connection:
        rows = list(connection.execute(select(audit.c.subject, audit.c.detail, audit.c.salt).order_by(audit.c.place)))
    assert rows[0] == rows[2] == (None, None, None)
    assert rows[3].detail == {"places": [[1, 1], [3, 3]]}


@pytest.mark.parametrize(
    "change",
    [
        {"subject": None, "detail": None, "salt": None},
        {"salt": None},
        {"subject": None},
        {"salt": b"0" * 16},
        {"seal": None},
        {"seal": b"0" * 32},
    ],
    ids=str,
)
def test_a_row_that_was_not_due_and_is_blank_is_found(store: Engine, change: dict[str, Any]) -> None:
    gone(store, 1, 2, 3)
    with writing(store) as connection:
        erase(connection, [1], "anna", LATER)
        connection.execute(update(audit).where(audit.c.place == 2).values(change))
    assert walk(store).first_broken == 2


def test_an_erasure_cannot_be_erased(store: Engine) -> None:
    gone(store, 1)
    with writing(store) as connection:
        erase(connection, [1], "anna", LATER)
        erase(connection, [2], "eve", LATER)
    assert walk(store).first_broken is not None


def test_an_erasure_does_not_allow_for_later_rows(store: Engine) -> None:
    with writing(store) as connection:
        append(connection, [Event("eve", ERASE, "", {"places": [[2, 99]]})], NOW)
    gone(store, 1)
    with writing(store) as connection:
        connection.execute(update(audit).where(audit.c.place == 2).values(subject=None, detail=None, salt=None))
    assert walk(store).first_broken == 2


# --- what is due --------------------------------------------------------------------------------------------------


def test_nothing_due_writes_nothing(store: Engine) -> None:
    gone(store, 1)
    before = rows_of(store, ledger), rows_of(store, audit)
    done = erase_due(store, LATER - timedelta(microseconds=1))
    assert (done.people, done.rows, done.wiped) == (0, 0, True)
    assert (rows_of(store, ledger), rows_of(store, audit)) == before


def test_a_thousand_due_at_once(store: Engine) -> None:
    gone(store, *range(1, 1001))
    gone(store, *range(5000, 5010), at=NOW + timedelta(days=1))
    done = erase_due(store, LATER)
    assert (done.people, done.rows, done.wiped) == (1000, 1000, True)
    assert (walk(store).first_broken, walk(store).erased) == (None, 1000)
    states = [row.state for row in rows_of(store, ledger)]
    assert (states.count("erased"), states.count("deleted")) == (1000, 10)
    assert erase_due(store, LATER).people == 0


def wished(store: Engine, email: str | None, at: datetime, *, over: bool = True) -> int:
    number = wishes.ask(store, wishes.Wish("user_run" if email else "run", "anna", at, email=email))
    if over:
        wishes.conclude(store, number, "done", at, message=f"1 change planned for {email}")
    return number


def test_whom_a_wish_names_is_forgotten_after_thirty_days(store: Engine) -> None:
    old, late = wished(store, "x@example.com", NOW), wished(store, "y@example.com", LATER)
    nobody, still = wished(store, None, NOW), wished(store, "z@example.com", NOW, over=False)
    erase_due(store, LATER - timedelta(microseconds=1))
    assert len(wishes.newest(store)) == 4
    assert erase_due(store, LATER + timedelta(microseconds=1)).wiped
    assert [one.id for one in wishes.newest(store)] == [still, nobody, late]
    assert old not in {one.id for one in wishes.newest(store)}


def test_whom_a_wish_names_is_erased_with_the_person(store: Engine) -> None:
    gone(store, 1)
    number = wished(store, "p1@example.com", LATER - timedelta(days=2))
    other = wished(store, "p2@example.com", LATER - timedelta(days=2))
    assert erase_due(store, LATER).people == 1
    found = {one.id: one for one in wishes.newest(store)}
    assert "p1@example.com" not in f"{found[number].wish.email} {found[number].message}"
    assert found[other].wish.email == "p2@example.com"


def test_deleted_twice_both_due_is_one_person(store: Engine) -> None:
    gone(store, 1)
    gone(store, 1, at=NOW + timedelta(hours=1))
    assert erase_due(store, LATER + timedelta(days=1)).people == 1
    assert [row.address for row in rows_of(store, ledger)] == [None, None]


@pytest.mark.parametrize("state", ["intended", "begun"])
def test_what_was_never_confirmed_is_no_deletion(store: Engine, state: str) -> None:
    """The user may well be there: nothing of the history goes; what was begun in vain is forgotten."""
    gone(store, 1, state=state)
    with writing(store) as connection:
        values = {"fluix_id": "1", "digest": b"", "address": "p1@example.com", "attributes": {"display_name": "P"}}
        connection.execute(accounts.insert().values(values))
    assert erase_due(store, LATER).people == 0
    assert walk(store).erased == 0
    assert len(rows_of(store, ledger)) == (state == "intended")


def test_a_link_to_the_new_account_is_a_return(store: Engine) -> None:
    gone(store, 1)
    with writing(store) as connection:
        connection.execute(update(ledger).values(returned_id="9", returned_as="new@example.com"))
        row = {"source": "s", "external_id": "1", "fluix_id": "9", "given": {}, "leaving_reads": 0}
        connection.execute(links.insert().values(row))
    done = erase_due(store, LATER)
    assert (done.people, done.present) == (0, 1)
    assert rows_of(store, ledger)[0].returned_as is None


def test_only_the_texts_that_name_the_person_change_in_a_row_about_several(store: Engine) -> None:
    gone(store, 1)
    with writing(store) as connection:
        reads = [{"problems": ["p1@example.com twice", "p2@example.com twice, Person Number1"]}]
        row = {
            "command": "run",
            "actor": "a",
            "started_at": NOW,
            "state": "failed",
            "reads": reads,
            "error": "P1@EXAMPLE.com: x",
        }
        connection.execute(runs.insert().values(row))
    erase_due(store, LATER)
    (row,) = rows_of(store, runs)
    assert row.reads == [{"problems": ["erased-1 twice", "p2@example.com twice, erased-1"]}]
    assert row.error == "erased-1: x"
    assert row.started_at == NOW


def test_a_store_with_no_account_target_is_erased_as_well(store: Engine) -> None:
    """Its ledger is about another target; the account's own tables are empty."""
    gone(store, 1)
    assert erase_due(store, LATER).people == 1


def test_a_user_whom_only_the_account_kept_is_erased_everywhere(store: Engine) -> None:
    """Deleted by another program, which knew of no ledger."""
    with writing(store) as connection:
        connection.execute(
            deleted.insert().values(
                user_id=7,
                account="main",
                email_key="p7@example.com",
                deleted_at=NOW,
                setup='{"email": "P7@example.com", "name": "Person Seven"}',
            )
        )
        connection.execute(
            activity.insert().values(account="main", at=NOW, user_id=7, kind="deleted", text="Person Seven")
        )
        connection.execute(
            activity.insert().values(account="main", at=NOW, user_id=8, kind="x", text="saw Person Seven")
        )
        mail = {"account": "main", "user_id": 8, "kind": "x", "state": "sent", "tries": 1, "queued_at": NOW}
        connection.execute(mails.insert().values(**mail, email="p7@example.com", subject="Hi Person Seven", text=""))
        connection.execute(operations.insert().values(operation_id="1:x:p7@example.com:x", done_at=NOW))
        append(connection, [Event("anna", "users delete", "p7@example.com", {})], NOW)
    assert erase_due(store, LATER).people == 1
    assert sorted(row.text for row in rows_of(store, activity)) == ["", "saw erased-u7"]
    assert [(row.email, row.subject) for row in rows_of(store, mails)] == [("erased-u7", "Hi erased-u7")]
    assert rows_of(store, operations) == []
    assert [(row.setup, row.email_key, row.erased_at) for row in rows_of(store, deleted)] == [(None, None, LATER)]
    assert (walk(store).first_broken, walk(store).erased) == (None, 1)


def test_every_text_of_every_table_is_searched_or_left_for_a_reason(store: Engine) -> None:
    """A table that comes later is searched without anybody thinking of it."""
    from syncd.store import searching
    from syncd.store.every_table import EVERY_TABLE

    tables = {table.name for metadata in EVERY_TABLE for table in metadata.sorted_tables}
    assert tables >= searching._PRESENT
    assert tables - searching._PRESENT >= {
        "plans",
        "plan_changes",
        "journal",
        "runs",
        "approvals",
        "work_items",
        "work_orders",
        "account_mails",
        "account_activity",
        "account_operations",
        "account_passwords",
        "account_login_guards",
        "scim_calls",
        "scim_events",
        "notification_outbox",
    }


# --- the file -----------------------------------------------------------------------------------------------------


def test_the_file_and_its_log_hold_nothing_even_without_secure_delete(tmp_path: Path) -> None:
    """Some builds of SQLite leave what was deleted in free pages."""
    engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA secure_delete=OFF"))
    require_current(engine)
    gone(engine, *range(1, 400))
    erase_due(engine, LATER)
    said = b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    engine.dispose()
    assert b"@example.com" not in said
    assert b"person number" not in said


def prepared(folder: Path) -> None:
    house = House(folder, {"shrink": {"max_percent": 100}, "budgets": {"run": {"delete": None}}})
    house.hire(staff(4))
    for people in (4, 3, 3):
        house.hire(staff(people))
        app = house.app()
        run(app.sync(), Request("run"))
        app.store.dispose()


def erasing(app: App) -> None:
    erase_due(app.store, app.clock() + timedelta(days=3000))


def test_an_erasure_killed_at_any_border_is_finished_by_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    prepared(tmp_path / "before")
    border, died = 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(tmp_path / "before", folder)

        def die(number: int = border) -> None:
            met = 0

            def at_border(*_: object) -> None:
                nonlocal met
                met += 1
                if met == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            for name in ("begin", "commit"):
                event.listen(Engine, name, at_border)
            event.listen(
                Engine, "before_cursor_execute", lambda _c, _u, sql, *_: at_border() if "VACUUM" in sql else None
            )

        code, said = in_a_process(folder, erasing, die)
        assert code in {0, -signal.SIGKILL}, said
        died = code != 0
        go(folder, erasing)
        beside = [path for path in folder.glob("syncd.db*") if path.is_file()]
        assert b"e004@example.com" not in b"".join(path.read_bytes() for path in beside), f"killed at border {border}"
        assert go(folder, lambda app: walk(app.store).first_broken) is None
        assert go(folder, lambda app: count(app.store)) == 3
        border += 1
    assert border > 4


def count(store: Engine) -> int:
    with reading(store) as connection:
        return connection.execute(select(func.count()).select_from(accounts)).scalar_one()
