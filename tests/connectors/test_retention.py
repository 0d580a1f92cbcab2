"""What the embedded account keeps of a deleted user, for how long, and what goes at once. After the Users guide (S)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from connectors.errors import RefusedError
from connectors.fluix.account import EmbeddedAccount, account_metadata, retention
from connectors.fluix.account.connection import writing
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.tables import (
    activity,
    deleted,
    devices,
    groups,
    login_guards,
    mails,
    passwords,
    role_groups,
    users,
)
from connectors.model import Step
from syncd.store.engine import open_engine
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
BOB = "bob@example.com"
KEPT = timedelta(days=30)


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/account.db")
    account_metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    return account


def number(account, email=BOB):
    return int(account.show_user(email)["fluix_id"])


def go(account, email=BOB):
    Hand(account).done("leave_workflows", email)
    account.delete_user(email)


def rows(engine, table):
    with engine.connect() as connection:
        return list(connection.execute(select(table)))


def add(engine, table, **values):
    with engine.begin() as connection:
        connection.execute(table.insert().values(values))


def kept(engine, user_id):
    with writing(engine, "main") as connection:
        return retention.kept(connection, user_id)


def test_deleted_data_is_kept_30_days(account, engine):
    """S: deleted data is kept 30 days (GDPR)."""
    bob = number(account)
    titles = sorted(one["title"] for one in account.show_user(BOB)["documents"])
    add(
        engine,
        devices,
        user_id=bob,
        identifier="i1",
        name="iPad",
        platform="iOS",
        app_version="1",
        signed_in_at=NOW,
        seen_at=NOW,
    )
    field = next(row.group_id for row in rows(engine, groups) if row.name == "Field")
    add(engine, role_groups, user_id=bob, group_id=field)
    go(account)
    setup = kept(engine, bob)
    assert titles
    assert sorted(one["title"] for one in setup["documents"]) == titles
    assert (setup["email"], setup["role"], setup["owner"], setup["state"]) == (BOB, "", False, "active")
    assert (setup["groups"], setup["role_groups"]) == (["Field", "Office"], ["Field"])
    assert setup["devices"] == [{"name": "iPad", "platform": "iOS"}]
    assert [(one["kind"], one["text"]) for one in setup["given_away"]] == [("left workflows", "Permits, Repairs")]


def test_what_belongs_to_the_user_goes_with_the_user(account, engine):
    bob = number(account)
    add(
        engine,
        devices,
        user_id=bob,
        identifier="i1",
        name="x",
        platform="y",
        app_version="1",
        signed_in_at=NOW,
        seen_at=NOW,
    )
    add(engine, role_groups, user_id=bob, group_id=rows(engine, groups)[0].group_id)
    add(engine, passwords, email_key=BOB, hash="h", set_at=NOW)
    add(engine, login_guards, email_key=BOB, failures=1, blocks=0)
    go(account)
    assert [rows(engine, table) for table in (devices, role_groups, passwords, login_guards)] == [[], [], [], []]
    assert BOB not in str(account.dump())


def test_a_user_of_several_accounts_keeps_the_one_password(account, engine):
    """S: a user of several accounts has one password for all of them."""
    other = EmbeddedAccount(engine, lambda: NOW, Settings(name="other"))
    other.add_user("Bob", BOB)
    add(engine, passwords, email_key=BOB, hash="h", set_at=NOW)
    go(account)
    assert len(rows(engine, passwords)) == 1
    other.delete_user(BOB)
    assert rows(engine, passwords) == []


def test_a_refused_deletion_keeps_nothing(account, engine):
    with pytest.raises(RefusedError):
        account.delete_user(BOB)
    assert rows(engine, deleted) == []


def test_a_deletion_made_twice_is_kept_once(account, engine):
    bob = number(account)
    go(account)
    assert [one.state for one in account.apply([Step("again", "delete_user", str(bob))])] == ["done"]
    assert [row.user_id for row in rows(engine, deleted)] == [bob]


def test_recreating_the_person_is_a_new_user_and_nothing_comes_back(account, engine):
    """S: recreate the person as a new user; there is no self-service restore."""
    bob = number(account)
    go(account)
    account.add_user("Bob", BOB)
    new = account.show_user(BOB)
    assert int(new["fluix_id"]) != bob
    assert (new["groups"], new["documents"], new["workflows"], new["state"]) == ([], [], [], "invited")
    assert kept(engine, bob)


@pytest.mark.parametrize(("age", "due"), [(KEPT - timedelta(microseconds=1), 0), (KEPT, 1), (timedelta(days=-9), 0)])
def test_nobody_is_due_before_30_days(account, engine, age, due):
    go(account)
    with writing(engine, "main") as connection:
        assert len(retention.due(connection, NOW + age)) == due


def test_after_30_days_nothing_personal_is_left_of_the_user(account, engine):
    bob = number(account)
    account.invite("ida@example.com")
    with engine.begin() as connection:  # Bob was Robert when he was invited
        row = {"account": "main", "user_id": bob, "kind": "invitation", "email": "Robert@old.example", "subject": "s"}
        connection.execute(mails.insert().values(**row, text="t", state="sent", tries=1, queued_at=NOW))
        connection.execute(mails.insert().values(**row, text="t", state="queued", tries=0, queued_at=NOW))
    go(account)
    later = NOW + KEPT
    with writing(engine, "main") as connection:
        (one,) = retention.due(connection, later)
        assert (one.user_id, one.address) == (bob, BOB)
        assert {"Robert@old.example", BOB} <= set(one.emails)
        retention.erase(connection, [bob], later)
        assert retention.due(connection, later) == []
        assert retention.kept(connection, bob) is None
    (row,) = rows(engine, deleted)
    assert (row.setup, row.email_key, row.erased_at) == (None, None, later)
    about = [row for row in rows(engine, mails) if row.user_id == bob]
    assert [(row.email, row.subject, row.text, row.state) for row in about] == [("", "", "", "sent")]
    happened = [row for row in rows(engine, activity) if row.user_id == bob]
    assert {row.text for row in happened} == {""}
    assert "deleted" in {row.kind for row in happened}, "that it was, and when, stays"
    assert [row.email for row in rows(engine, mails) if row.user_id != bob] == ["ida@example.com"]
    assert any(row.text for row in rows(engine, activity) if row.user_id != bob)


def test_the_store_is_erased_account_by_account_where_users_are_deleted(account, engine):
    """An id is never given to a second person, in whatever account: erasing one leaves every other."""
    other = EmbeddedAccount(engine, lambda: NOW, Settings(name="other"))
    other.add_user("Bob", BOB)
    bob = number(account)
    go(account)
    with writing(engine, "other") as connection:
        retention.erase(connection, [one.user_id for one in retention.due(connection, NOW + KEPT)], NOW + KEPT)
    assert kept(engine, bob) is None
    assert other.show_user(BOB)["invitations"]
    assert any(row.email_key == BOB for row in rows(engine, users))


def test_a_thousand_are_deleted_and_kept_in_one_call(account, engine):
    new = [{"email": f"u{n}@example.com", "name": f"U{n}", "groups": ["Field"]} for n in range(1000)]
    account.load({"users": new})
    hand = [row.user_id for row in rows(engine, users) if row.email.startswith("u")]
    account.apply([Step(f"x{one}", "delete_user", str(one)) for one in hand])
    assert len(rows(engine, deleted)) == 1000
    assert all('"groups": ["Field"]' in row.setup for row in rows(engine, deleted))
    with engine.begin() as connection:
        connection.execute(update(deleted).values(deleted_at=NOW - KEPT))
    with writing(engine, "main") as connection:
        assert len(retention.due(connection, NOW)) == 1000
