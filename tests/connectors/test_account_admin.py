"""What an admin does by hand in the embedded account, each rule named after what the Users guide says of it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.csv_files import ImportRow
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    return account


def new(email, *groups, verdict="new"):
    return ImportRow(email, email.partition("@")[0], groups, verdict, "" if verdict == "new" else "because")


def test_adding_a_user_sends_an_email_invitation(account):
    fluix_id = account.add_user("Zoë New", "Zoe@example.com", ["office"])
    user = account.show_user("zoe@EXAMPLE.com")
    assert user["fluix_id"] == fluix_id
    assert (user["email"], user["name"], user["state"], user["groups"]) == (
        "Zoe@example.com",
        "Zoë New",
        "invited",
        ["Office"],
    )
    assert user["invitations"] == [{"to": "Zoe@example.com", "sent_at": NOW.isoformat()}]
    assert [one["kind"] for one in user["activity"]] == ["added"]
    assert user["created_at"] == NOW.isoformat()


@pytest.mark.parametrize(
    ("name", "email", "groups"),
    [
        ("Anna", "ANNA@example.com", []),
        ("A", "a@example.com", ["Unknown"]),
        ("A", "a at example", []),
        ("A", "", []),
        (" ", "a@example.com", []),
    ],
)
def test_a_user_who_does_not_fit_is_not_added(account, name, email, groups):
    before = account.dump()
    with pytest.raises(RefusedError) as caught:
        account.add_user(name, email, groups)
    assert caught.value.what
    assert caught.value.where == email
    assert caught.value.cure
    assert account.dump() == before


def test_resend_invite_exists_only_for_a_user_who_never_logged_in(account):
    account.invite("ida@example.com")
    assert [mail["to"] for mail in account.show_user("ida@example.com")["invitations"]] == ["ida@example.com"]
    with pytest.raises(RefusedError, match="logged in") as caught:
        account.invite("bob@example.com")
    assert caught.value.cure
    assert account.show_user("bob@example.com")["invitations"] == []


def test_a_user_who_takes_part_in_a_workflow_cannot_be_deleted_until_removed(account):
    with pytest.raises(RefusedError, match="Permits, Repairs"):
        account.delete_user("bob@example.com")
    Hand(account).done("leave_workflows", "bob@example.com")
    account.delete_user("bob@example.com")
    assert account.list_users("bob") == []


def test_the_owner_cannot_be_deleted(account):
    with pytest.raises(RefusedError, match="owner"):
        account.delete_user("olga@example.com")


def test_the_last_admin_cannot_be_deleted(account):
    account.load({"users": [{"email": "a@example.com", "role": "Admin"}, {"email": "b@example.com"}]}, replace=True)
    with pytest.raises(RefusedError, match="last admin"):
        account.delete_user("a@example.com")
    account.delete_user("b@example.com")
    assert [user["email"] for user in account.list_users()] == ["a@example.com"]


def test_one_of_two_admins_can_be_deleted(account):
    users = [{"email": "a@example.com", "role": "Admin"}, {"email": "b@example.com", "role": "Admin"}]
    account.load({"users": users}, replace=True)
    account.delete_user("a@example.com")
    assert [user["email"] for user in account.list_users()] == ["b@example.com"]


@pytest.mark.parametrize("ask", ["show_user", "invite", "delete_user"])
def test_who_is_not_there_is_named(account, ask):
    with pytest.raises(PermanentError, match=r"nobody@example\.com"):
        getattr(account, ask)("nobody@example.com")


def test_user_details_tell_everything(account):
    user = account.show_user("bob@example.com")
    assert (user["role"], user["owner"], user["groups"]) == (None, False, ["Field", "Office"])
    assert user["workflows"] == [
        {"workflow": "Permits", "step": "Check", "alone": False},
        {"workflow": "Repairs", "step": "Report", "alone": False},
    ]
    assert [(one["title"], one["state"]) for one in user["documents"]] == [
        ("Draft one", "draft"),
        ("Draft two", "draft"),
        ("Form", "assigned"),
    ]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Anna Berg", "Bob", "Ida", "Olga Owner", "مریم علی‌زاده"]),
        ({"search": "BERG"}, ["Anna Berg"]),
        ({"search": "olga@"}, ["Olga Owner"]),
        ({"search": "مریم"}, ["مریم علی‌زاده"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"state": "invited"}, ["Ida"]),
        ({"group": "OFFICE"}, ["Anna Berg", "Bob"]),
        ({"group": "Unknown"}, []),
        ({"search": "b", "group": "Field"}, ["Bob"]),
    ],
)
def test_users_are_listed_by_search_state_and_group(account, asked, names):
    assert [user["name"] for user in account.list_users(**asked)] == names


def test_an_import_adds_the_new_ones_with_invitations_and_nobody_else(account):
    rows = [new("a@example.com", "Office", "Field"), new("bob@example.com", verdict="exists"), new("b@example.com")]
    assert account.import_users(rows) == 2
    added = [account.show_user(email) for email in ("a@example.com", "b@example.com")]
    assert [(user["groups"], len(user["invitations"])) for user in added] == [(["Field", "Office"], 1), ([], 1)]
    assert account.show_user("bob@example.com")["invitations"] == []


def test_an_import_with_an_unknown_group_adds_nobody(account):
    before = account.dump()
    with pytest.raises(RefusedError, match="1 groups of the file are not in Fluix: Unknown"):
        account.import_users([new("a@example.com", "Office"), new("b@example.com", "Unknown", "office")])
    assert account.dump() == before


def test_an_import_makes_unknown_groups_only_when_told(account):
    rows = [new("a@example.com", "North"), new("b@example.com", "NORTH", "office")]
    assert account.import_users(rows, create_groups=True) == 2
    assert account.show_user("a@example.com")["groups"] == account.show_user("b@example.com")["groups"][:1]
    assert len(account.dump()["groups"]) == len(DATA["groups"]) + 1


def test_an_import_that_is_out_of_date_adds_nobody(account):
    before = account.dump()
    with pytest.raises(RefusedError, match=r"bob@example\.com already exists"):
        account.import_users([new("a@example.com"), new("bob@example.com")])
    assert account.dump() == before


def test_an_import_larger_than_one_batch_is_added_whole(account):
    assert account.import_users([new(f"u{number}@example.com", "Field") for number in range(1201)]) == 1201
    assert len(account.list_users(group="Field")) == 1201 + 2


def test_an_import_tells_how_far_it_is(account):
    told = []
    account.import_users([new(f"u{number}@example.com") for number in range(1201)], progress=told.append)
    assert told == [500, 500, 201]


def test_the_groups_that_an_import_would_miss_are_named_each_once(account):
    rows = [
        *(new("a@example.com", "Office", "North"), new("b@example.com", "NORTH", "East")),
        new("bob@example.com", "West", verdict="exists"),
    ]
    assert account.missing_groups(rows) == ["East", "NORTH"]


def test_an_export_is_streamed_by_email_whole_or_only_the_selected(account):
    def exported(*select):
        stream = io.StringIO(newline="")
        count = account.export_users(stream, select)
        return count, [tuple(row) for row in csv.reader(io.StringIO(stream.getvalue(), newline=""))][1:]

    assert exported("BOB@example.com", "bob@example.com", "ida@example.com") == (
        2,
        [("Bob", "bob@example.com", "Field"), ("Bob", "bob@example.com", "Office"), ("Ida", "ida@example.com", "")],
    )
    count, rows = exported()
    assert count == len(DATA["users"])
    told = [(user["name"], user["email"], group) for user in account.list_users() for group in user["groups"] or [""]]
    assert rows == told
    with pytest.raises(PermanentError, match=r"x@example\.com"):
        exported("bob@example.com", "x@example.com")


def test_addresses_are_as_they_are_compared(account):
    assert "olga@example.com" in account.addresses()
    assert len(account.addresses()) == len(DATA["users"])
