"""Changing, giving roles, and deleting by hand, each rule named after what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import EmbeddedAccount
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    return account


def refused(account, deed, *, error=RefusedError):
    """A deed that is refused with a sentence and a cure, and changed nothing. Returns the sentence."""
    before = account.dump()
    with pytest.raises(error) as caught:
        deed()
    assert caught.value.what
    assert caught.value.cure
    assert account.dump() == before
    return caught.value.what


# Editing


def test_a_users_name_email_and_groups_are_changed_at_once(account):
    account.edit_user(
        "bob@example.com",
        name=" Bob Stone ",
        new_email="Stone@example.com",
        add_groups=["nobody"],
        remove_groups=["OFFICE"],
    )
    user = account.show_user("stone@example.com")
    assert (user["name"], user["email"], user["groups"]) == ("Bob Stone", "Stone@example.com", ["Field", "Nobody"])
    assert account.list_users("bob@") == []
    assert [one["kind"] for one in user["activity"]] == ["changed", "joined", "left"]


def test_another_spelling_of_the_own_email_is_no_conflict(account):
    account.edit_user("bob@example.com", new_email="BOB@example.com")
    assert account.show_user("bob@example.com")["email"] == "BOB@example.com"


def test_an_address_that_was_refused_is_forgotten_with_the_address(account):
    account.load({"users": [{"email": "ida@example.com", "refused": "550 no such user"}]})
    account.edit_user("ida@example.com", new_email="IDA@example.com")
    assert account.show_user("ida@example.com")["refused"] == "550 no such user"
    account.edit_user("ida@example.com", new_email="ida.new@example.com")
    assert account.show_user("ida.new@example.com")["refused"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "   "}, "needs a name"),
        ({"name": "x" * 201}, "201"),
        ({"name": "Bob\u202eenots"}, "U\\+202E"),
        ({"new_email": "bob at example"}, "no email address"),
        ({"new_email": ""}, "no email address"),
        ({"new_email": "ANNA@example.com"}, "another user"),
        ({"name": "New", "add_groups": ["Unknown"]}, "no group Unknown"),
        ({"name": "New", "remove_groups": ["Unknown"]}, "no group Unknown"),
        ({"add_groups": ["Nobody"], "remove_groups": ["NOBODY"]}, "joined and left"),
    ],
    ids=str,
)
def test_an_edit_that_does_not_fit_changes_nothing(account, changes, said):
    what = refused(account, lambda: account.edit_user("bob@example.com", **changes), error=PermanentError)
    with pytest.raises(PermanentError, match=said):
        account.edit_user("bob@example.com", **changes)
    assert what


# Roles


def test_any_role_makes_a_user_an_admin_and_a_user_has_one_role(account):
    account.set_role("bob@example.com", "Manager")
    account.set_role("bob@example.com", "Operator")
    user = account.show_user("bob@example.com")
    assert (user["role"], user["role_groups"]) == ("Operator", [])
    assert Hand(account).dossier("bob@example.com").admins == 3
    assert [one["text"] for one in user["activity"]] == ["none to Manager", "Manager to Operator"]


def test_roles_can_be_scoped_to_groups(account):
    account.set_role("bob@example.com", "Manager", ["FIELD", "Office", "field"])
    assert account.show_user("bob@example.com")["role_groups"] == ["Field", "Office"]
    account.set_role("bob@example.com", "Manager", ["Office"])
    assert account.show_user("bob@example.com")["role_groups"] == ["Office"]
    account.set_role("bob@example.com", None)
    user = account.show_user("bob@example.com")
    assert (user["role"], user["role_groups"]) == (None, [])


@pytest.mark.parametrize(
    ("email", "role", "groups", "said"),
    [
        ("olga@example.com", "Manager", [], "changed by Fluix support only"),
        ("olga@example.com", None, [], "changed by Fluix support only"),
        ("bob@example.com", "OWNER", [], "changed by Fluix support only"),
        ("ida@example.com", "Manager", [], "never logged in"),
        ("bob@example.com", " ", [], "needs a name"),
        ("bob@example.com", "Man\u200bager", [], "U\\+200B"),
        ("bob@example.com", "Manager", ["Field", "Unknown"], "no group Unknown"),
        ("bob@example.com", None, ["Field"], "without a role"),
        ("nobody@example.com", "Manager", [], "no user nobody@example.com"),
    ],
)
def test_the_owner_is_changed_by_support_only_and_a_role_that_does_not_fit_is_refused(
    account, email, role, groups, said
):
    refused(account, lambda: account.set_role(email, role, groups), error=PermanentError)
    with pytest.raises(PermanentError, match=said):
        account.set_role(email, role, groups)


def test_the_last_admins_role_is_not_taken(account):
    account.load({"users": [{"email": "a@example.com", "role": "Admin"}, {"email": "b@example.com"}]}, replace=True)
    assert "last admin" in refused(account, lambda: account.set_role("a@example.com", None))
    account.set_role("a@example.com", "Manager")
    account.set_role("b@example.com", "Admin")
    account.set_role("a@example.com", None)
    assert [user["email"] for user in account.list_users(role="none")] == ["a@example.com"]


# Deleting


def test_before_users_are_deleted_their_documents_rights_and_workflows_are_told(account):
    told = account.before_deletion(["BOB@example.com", "olga@example.com", "ida@example.com", "anna@example.com"])
    by_email = {case["email"]: case for case in told}
    assert list(by_email) == ["bob@example.com", "Olga@example.com", "ida@example.com", "anna@example.com"]
    bob = by_email["bob@example.com"]
    assert (bob["drafts"], bob["assigned"], bob["workflows"]) == (2, 1, ["Permits", "Repairs"])
    assert bob["refused"] == "takes part in workflows (Permits, Repairs)"
    assert (by_email["Olga@example.com"]["role"], by_email["Olga@example.com"]["refused"]) == (
        "owner",
        "the owner of the account",
    )
    assert by_email["anna@example.com"]["role"] == "Admin"
    assert by_email["ida@example.com"] == {
        "email": "ida@example.com",
        "role": None,
        "drafts": 0,
        "assigned": 0,
        "workflows": [],
        "refused": None,
    }


def test_who_is_not_there_is_named_before_anything_is_asked(account):
    with pytest.raises(PermanentError, match=r"x@example\.com, y@example\.com"):
        account.before_deletion(["bob@example.com", "x@example.com", "y@example.com"])


def test_a_user_with_documents_is_deleted_when_they_are_not_needed(account):
    account.leave_workflows("bob@example.com")
    account.delete_user("bob@example.com")
    assert [document["user"] for document in account.dump()["documents"]] == ["anna@example.com"]


def test_a_users_documents_are_reassigned_first(account):
    account.leave_workflows("bob@example.com")
    account.delete_user("bob@example.com", documents_to="IDA@example.com")
    titles = [one["title"] for one in account.show_user("ida@example.com")["documents"]]
    assert titles == ["Draft one", "Draft two", "Form"]


@pytest.mark.parametrize("to", ["bob@example.com", "nobody@example.com"])
def test_documents_go_to_somebody_else_who_is_there_or_nobody_is_deleted(account, to):
    account.leave_workflows("bob@example.com")
    refused(account, lambda: account.delete_user("bob@example.com", documents_to=to), error=PermanentError)


def test_a_deletion_that_is_refused_leaves_the_documents_where_they_are(account):
    refused(account, lambda: account.delete_user("bob@example.com", documents_to="ida@example.com"))


def test_an_admin_with_a_scoped_role_and_devices_is_deleted_with_them(account):
    account.load({"users": [{"email": "ida@example.com", "role": "Manager", "role_groups": ["Field"]}]})
    account.delete_user("ida@example.com")
    assert account.list_users("ida") == []
    assert account.delete_group("Nobody") == 0
