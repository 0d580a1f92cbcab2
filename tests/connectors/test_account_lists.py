"""The list of users: search, filters and pages, each by what an admin sees; and that it reads no more than it needs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from connectors.errors import RefusedError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.admin.lists import Filter
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.tables import users
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
LOGINS = {
    "anna@example.com": NOW - timedelta(hours=23),
    "bob@example.com": NOW - timedelta(days=31),
    "Olga@example.com": NOW - timedelta(days=2),
}


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    logins = [{"email": email, "last_login": at.isoformat()} for email, at in LOGINS.items()]
    account.load({"users": [*logins, {"email": "ida@example.com", "refused": "550 no such user"}]})
    return account


def emails(account, **wanted):
    listed = [user["email"] for user in account.list_users(**wanted)]
    page = account.page_of_users(Filter(**wanted), 1, 100)
    assert [user["email"] for user in page.users] == listed
    assert (page.total, page.number, page.pages) == (len(listed), 1, 1)
    return listed


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"last_login": "day"}, ["anna@example.com"]),
        ({"last_login": "month"}, ["bob@example.com"]),
        ({"last_login": "never"}, ["ida@example.com", "مريم@example.com"]),
        ({"role": "ADMIN"}, ["anna@example.com"]),
        ({"role": "Owner"}, ["Olga@example.com"]),
        ({"role": "none", "state": "active"}, ["bob@example.com", "مريم@example.com"]),
        ({"role": "Nobody's"}, []),
        ({"role": ""}, []),
        ({"refused": True}, ["ida@example.com"]),
        ({"refused": True, "state": "active"}, []),
        ({"search": "  BoB  "}, ["bob@example.com"]),
        ({"search": "a/b"}, []),
        ({"search": "\\"}, []),
        ({"search": "'; DROP TABLE account_users; --"}, []),
        ({"group": ""}, []),
        ({"group": "field", "last_login": "never"}, ["مريم@example.com"]),
    ],
    ids=str,
)
def test_users_are_narrowed_by_login_role_and_refused_address(account, asked, found):
    assert emails(account, **asked) == found


def test_a_search_for_nothing_but_spaces_finds_everybody(account):
    assert len(emails(account, search="   ")) == len(DATA["users"])


@pytest.mark.parametrize("sign", ["%", "_", "/", "\\"])
def test_signs_that_a_database_takes_for_wildcards_are_found_as_they_are(account, sign):
    assert emails(account, search=sign) == []
    account.add_user(f"Sign {sign} here", "sign@example.com")
    assert emails(account, search=sign) == emails(account, search=f"sign {sign} HERE") == ["sign@example.com"]


def test_the_bounds_of_a_last_login_are_exact(account, engine):
    def logged_in(at):
        with engine.begin() as connection:
            connection.execute(update(users).where(users.c.email == "bob@example.com").values(last_login_at=at))

    logged_in(NOW - timedelta(hours=24))
    assert "bob@example.com" in emails(account, last_login="day")
    logged_in(NOW - timedelta(hours=24, microseconds=1))
    assert "bob@example.com" not in emails(account, last_login="day")
    logged_in(NOW - timedelta(days=30))
    assert "bob@example.com" not in emails(account, last_login="month")
    logged_in(NOW - timedelta(days=30, microseconds=1))
    assert "bob@example.com" in emails(account, last_login="month")


def test_pages_are_the_whole_list_in_its_order_and_tell_more_of_each(account):
    whole = account.list_users()
    pages = [account.page_of_users(Filter(), number, 2) for number in (1, 2, 3)]
    assert [(page.total, page.number, page.pages, len(page.users)) for page in pages] == [
        (5, 1, 3, 2),
        (5, 2, 3, 2),
        (5, 3, 3, 1),
    ]
    paged = [user for page in pages for user in page.users]
    assert [{key: user[key] for key in whole[0]} for user in paged] == whole
    assert paged[0]["last_login"] == LOGINS["anna@example.com"].isoformat()
    assert [user["refused"] for user in paged if user["refused"]] == ["550 no such user"]


def test_a_page_that_is_just_full_is_the_last(account):
    page = account.page_of_users(Filter(), 1, 5)
    assert (page.total, page.pages, len(page.users)) == (5, 1, 5)


@pytest.mark.parametrize(("number", "size"), [(4, 2), (10**12, 1000), (0, 2), (-1, 2), (1, 0)])
def test_a_page_beyond_the_end_is_refused_with_the_numbers(account, number, size):
    with pytest.raises(RefusedError, match=str(number)) as caught:
        account.page_of_users(Filter(), number, size)
    assert caught.value.cure


def test_an_empty_list_is_one_empty_page(account):
    page = account.page_of_users(Filter(search="nobody"), 1, 50)
    assert (page.users, page.total, page.number, page.pages) == ([], 0, 1, 1)


def test_the_owner_of_another_account_is_no_admin_of_this_one(account, engine):
    other = EmbeddedAccount(engine, lambda: NOW, Settings(name="other"))
    other.load({"users": [{"email": "a@example.com", "owner": True}, {"email": "b@example.com", "role": "Admin"}]})
    assert Hand(account).dossier("bob@example.com").admins == 2
    assert Hand(other).dossier("b@example.com").admins == 2


def test_a_list_holds_only_its_own_account(account, engine):
    other = EmbeddedAccount(engine, lambda: NOW, Settings(name="other"))
    other.load({"users": [{"email": "bob@example.com", "name": "Other Bob", "role": "Admin", "groups": ["Field"]}]})
    assert [user["name"] for user in other.page_of_users(Filter(group="Field"), 1, 9).users] == ["Other Bob"]
    assert emails(other, role="admin") == ["bob@example.com"]
    assert [user["name"] for user in account.list_users(search="bob")] == ["Bob"]


# What is read. Without statistics, as in every new store, SQLite judges an index by its columns alone.


@pytest.fixture
def plans(engine):
    """How the statements that read users were answered."""
    found = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(connection, _cursor, statement, parameters, *rest):
        executemany = rest[-1]
        if statement.startswith("SELECT") and "account_users" in statement and not executemany:
            plan = connection.connection.cursor()
            plan.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(row[3] for row in plan.fetchall() if re.search(r"\baccount_users\b", row[3]))

    return found


def test_users_asked_for_by_id_are_looked_up_and_the_others_are_not_read(account, plans):
    many = [str(number) for number in range(1, 400)]
    account.get(many)
    account.dossiers(many)
    hand = Hand(account)
    account.apply([hand.step("add_member", number, group="Nobody") for number in many])
    account.apply([hand.step("update_user", number, display_name="New") for number in many[10:]])
    lookups = [plan for plan in plans if "ix_account_users_admins" not in plan]
    assert len(lookups) >= 3
    assert [plan for plan in lookups if "INTEGER PRIMARY KEY" not in plan and "email_key=?" not in plan] == []


@pytest.mark.parametrize(
    "asked",
    [{}, {"search": "b"}, {"state": "active"}, {"last_login": "never"}, {"role": "none"}, {"role": "admin"}],
    ids=str,
)
def test_a_list_is_answered_from_an_index_alone(account, plans, asked):
    account.page_of_users(Filter(**asked), 1, 2)
    by_index = ("COVERING INDEX", "INTEGER PRIMARY KEY", "ix_account_users_admins", "uq_account_users_owner")
    assert [plan for plan in plans if not any(index in plan for index in by_index)] == []


def test_refused_addresses_have_an_index_of_their_own(account, plans):
    account.page_of_users(Filter(refused=True), 1, 2)
    assert "ix_account_users_refused" in plans[0]
