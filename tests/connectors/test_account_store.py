"""The account over its store: transactions, faults of the database, and large reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, event, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from connectors.errors import PermanentError, RetryableError
from connectors.fluix.account import EmbeddedAccount, account_metadata, reading
from connectors.fluix.account.ids import as_number
from connectors.fluix.account.tables import ADMIN_CONDITION, activity, groups, operations, step_users, users
from connectors.model import Account, Step
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    return account


def rows(engine, statement):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def adding(number):
    values = {"email": f"u{number}@example.com", "display_name": f"U {number}", "groups": ("Office", "Field")}
    return Step(f"add-{number}", "create_user", None, values)


def test_a_call_that_raises_has_done_nothing_and_can_be_repeated(account, engine):
    steps = [Step("new", "create_group", None, {"display_name": "New"}), adding(1)]

    def broken(connection, cursor, statement, *rest):
        if "account_operations" in statement and statement.startswith("INSERT"):
            raise RuntimeError("killed")

    event.listen(engine, "before_cursor_execute", broken)
    before = account.dump()
    with pytest.raises(RuntimeError):
        account.apply(steps)
    event.remove(engine, "before_cursor_execute", broken)
    assert account.dump() == before
    assert {outcome.state for outcome in account.apply(steps)} == {"done"}
    assert len(account.show_user("u1@example.com")["invitations"]) == 1


def test_calls_longer_than_one_list_of_ids_keep_their_order(account):
    steps = [adding(number) for number in range(1201)]
    outcomes = account.apply(steps)
    assert [outcome.operation_id for outcome in outcomes] == [step.operation_id for step in steps]
    by_id = account.get(outcome.fluix_id for outcome in outcomes)
    assert [by_id[outcome.fluix_id].email for outcome in outcomes] == [step.values["email"] for step in steps]
    assert {user.groups for user in by_id.values()} == {frozenset({"Office", "Field"})}
    assert len(account.dossiers(by_id)) == len(by_id) == 1201
    leaving = [Step(f"del-{one}", "delete_user", one) for one in by_id]
    assert {outcome.state for outcome in account.apply(leaving)} == {"done"}
    assert account.get(by_id) == {}


def test_a_step_done_twice_under_two_names_is_told_once_in_the_activity(account, engine):
    ida = Hand(account).id("ida@example.com")
    account.apply([Step("one", "delete_user", ida), Step("two", "delete_user", ida)])
    told = select(activity.c.kind).where(activity.c.user_id == int(ida))
    assert rows(engine, told) == [("deleted",)]


def test_every_step_done_is_an_operation_and_no_failed_one_is(account, engine):
    account.apply([adding(1), Step("no", "resend_invite", "999")])
    assert [row[0] for row in rows(engine, select(operations.c.operation_id))] == ["add-1"]


def test_a_read_pages_through_many_users_with_shared_groups(account, monkeypatch):
    account.apply([adding(number) for number in range(40)])
    whole = list(account.read())
    monkeypatch.setattr(reading, "PAGE", 7)
    monkeypatch.setattr(reading, "DISTINCT", 2)
    assert list(account.read()) == whole
    both = [item.groups for item in account.read() if isinstance(item, Account) and len(item.groups) == 2]
    assert len(both) == 41
    assert len({id(one) for one in both}) < len(both)


def test_a_read_is_one_view_and_does_not_keep_the_writer_waiting(account):
    stream = account.read()
    first = next(stream)
    account.apply([adding(1), Step("g", "create_group", None, {"display_name": "Later"})])
    *_, certificate = [first, *stream]
    assert (certificate.records, certificate.groups) == (5, 3)
    assert Hand(account).user("u1@example.com")


def test_a_read_that_is_given_up_leaves_nothing_open(account, engine):
    stream = account.read()
    next(stream)
    stream.close()
    assert engine.pool.checkedout() == 0


def test_missing_tables_are_told_by_check_and_raise(tmp_path):
    account = EmbeddedAccount(create_engine(f"sqlite:///{tmp_path}/empty.db"), lambda: NOW)
    (sentence,) = account.check()
    assert "account_users" in sentence
    assert "syncd store upgrade" in sentence
    with pytest.raises(PermanentError) as caught:
        list(account.read())
    assert caught.value.cure == "Run `syncd store upgrade`."


def test_a_store_that_cannot_be_opened_is_told_by_check_and_raises(tmp_path):
    account = EmbeddedAccount(create_engine(f"sqlite:///{tmp_path}/none/account.db"), lambda: NOW)
    assert len(list(account.check())) == 1
    with pytest.raises(RetryableError):
        account.apply([adding(1)])


def test_a_writer_that_meets_a_lock_may_be_tried_again(account, engine):
    other = create_engine(engine.url, connect_args={"timeout": 0})
    with engine.begin() as busy:
        busy.execute(insert(groups), {"account": "main", "name": "Busy", "name_key": "busy"})
        with pytest.raises(RetryableError, match="locked"):
            EmbeddedAccount(other, lambda: NOW).apply([adding(1)])
    assert {outcome.state for outcome in account.apply([adding(1)])} == {"done"}


def test_the_database_itself_refuses_to_delete_who_takes_part_in_a_workflow(account, engine):
    with engine.begin() as connection:
        (user_id,) = connection.execute(select(step_users.c.user_id).limit(1)).one()
        with pytest.raises(IntegrityError):
            connection.execute(users.delete().where(users.c.user_id == user_id))


def test_the_admins_are_counted_from_their_index(account, engine):
    plan = rows(
        engine,
        text(f"EXPLAIN QUERY PLAN SELECT count(*) FROM account_users WHERE account = 'main' AND ({ADMIN_CONDITION})"),
    )
    assert "ix_account_users_admins" in plan[0][-1]


@pytest.mark.parametrize(
    ("fluix_id", "number"),
    [("1", 1), ("2147483647", 2147483647), ("2147483648", None), ("9" * 5000, None), ("01", None), ("0", None),
     ("-1", None), ("+1", None), (" 1", None), ("1.0", None), ("١", None), ("²", None), ("", None), (None, None)],
)  # fmt: skip
def test_only_an_id_as_the_account_writes_it_names_somebody(fluix_id, number):
    assert as_number(fluix_id) == number


def test_every_table_can_be_made_on_postgresql():
    for table in account_metadata.sorted_tables:
        assert table.name.startswith("account_")
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert "INDEX" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))
