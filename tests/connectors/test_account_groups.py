"""Groups, workflows and documents as an admin keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import PermanentError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.settings import Settings
from tests.target_contract import DATA

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, lambda: NOW)
    account.load(DATA)
    return account


def refused(account, deed, said):
    """A deed that is refused with a sentence and a cure, and changed nothing."""
    before = account.dump()
    with pytest.raises(PermanentError, match=said) as caught:
        deed()
    assert caught.value.cure
    assert account.dump() == before


def names(account):
    return [group["name"] for group in account.list_groups()]


# Groups


def test_groups_are_listed_with_their_members_and_workflows(account):
    account.give_workflow("Permits", adding=["Office"])
    assert account.list_groups() == [
        {"name": "Field", "members": 2, "workflows": []},
        {"name": "Nobody", "members": 0, "workflows": []},
        {"name": "Office", "members": 2, "workflows": ["Permits"]},
    ]


def test_each_account_has_its_own_groups_and_workflows(account, engine):
    other = EmbeddedAccount(engine, lambda: NOW, Settings(name="other"))
    assert (other.list_groups(), other.list_workflows()) == ([], [])
    assert other.create_group("Field") == "Field"
    assert [group["members"] for group in other.list_groups()] == [0]
    refused(account, lambda: other.show_workflow("Permits"), "no workflow Permits")


def test_groups_can_be_created_and_a_name_is_trimmed(account):
    assert account.create_group("  Night   ") == "Night"
    assert "Night" in names(account)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("   ", "needs a name"),
        ("", "needs a name"),
        ("FIELD", "a group FIELD already"),
        (" field ", "a group field already"),
        ("Fie\u200bld", "U\\+200B"),
        ("x" * 201, "201 characters"),
    ],
)
def test_a_group_that_does_not_fit_is_not_made(account, name, said):
    refused(account, lambda: account.create_group(name), said)
    refused(account, lambda: account.rename_group("Nobody", name), said)


def test_groups_can_be_renamed_and_keep_their_members(account):
    account.rename_group("field", "Outside")
    assert names(account) == ["Nobody", "Office", "Outside"]
    assert account.show_user("bob@example.com")["groups"] == ["Office", "Outside"]


def test_a_group_can_be_renamed_onto_itself_in_another_case_but_not_to_what_it_is(account):
    account.rename_group("Field", "FIELD")
    assert names(account)[0] == "FIELD"
    refused(account, lambda: account.rename_group("field", "FIELD"), "called FIELD already")


@pytest.mark.parametrize("deed", ["rename_group", "delete_group", "add_members", "remove_members"])
def test_a_group_that_is_not_there_is_named(account, deed):
    further = {"rename_group": ["Field"], "delete_group": []}.get(deed, [["bob@example.com"]])
    refused(account, lambda: getattr(account, deed)("Unknown", *further), "no group Unknown")


def test_being_added_to_a_group_gives_access_to_the_groups_workflows(account):
    account.give_workflow("Permits", adding=["Nobody"])
    assert account.add_members("nobody", ["IDA@example.com", "ida@example.com"]) == ["ida@example.com"]
    assert account.show_user("ida@example.com")["workflows_by_group"] == [
        {"workflow": "Permits", "step": None, "group": "Nobody"}
    ]
    assert account.remove_members("Nobody", ["ida@example.com"]) == ["ida@example.com"]
    assert account.show_user("ida@example.com")["workflows_by_group"] == []


def test_who_stands_in_a_step_through_a_group_is_told_so(account):
    (part,) = account.show_user("مريم@example.com")["workflows_by_group"]
    assert part == {"workflow": "Repairs", "step": "Report", "group": "Field"}


def test_members_are_added_all_or_nobody(account):
    refused(
        account, lambda: account.add_members("Field", ["ida@example.com", "x@example.com"]), "no user x@example.com"
    )


def test_groups_can_be_deleted_and_their_members_stay(account):
    account.give_workflow("Permits", adding=["Office"])
    assert account.delete_group("OFFICE") == 2
    assert names(account) == ["Field", "Nobody"]
    user = account.show_user("bob@example.com")
    assert (user["groups"], user["workflows_by_group"][0]["group"]) == (["Field"], "Field")
    assert [(one["kind"], one["text"]) for one in user["activity"]] == [("left", "Office")]


def test_a_group_on_which_a_step_relies_alone_is_not_deleted(account):
    account.leave_workflows("bob@example.com", "Repairs")
    refused(account, lambda: account.delete_group("Field"), "Repairs / Report would be left without anyone")
    steps = [{"name": "Report", "groups": ["Field", "Office"]}]
    account.load({"workflows": [{"name": "Repairs", "steps": steps}]})
    assert account.delete_group("Field") == 2
    refused(account, lambda: account.delete_group("Office"), "Repairs / Report would be left without anyone")


def test_a_group_for_which_alone_a_role_is_is_not_deleted(account):
    account.set_role("bob@example.com", "Manager", ["Office"])
    refused(account, lambda: account.delete_group("Office"), "the role of bob@example.com is for Office only")
    account.set_role("bob@example.com", "Manager", ["Office", "Nobody"])
    account.delete_group("Office")
    assert account.show_user("bob@example.com")["role_groups"] == ["Nobody"]


# Workflows


def test_workflows_are_listed_and_shown(account):
    assert account.list_workflows() == [
        {"name": "Permits", "steps": 2, "users": 2, "groups": []},
        {"name": "Repairs", "steps": 1, "users": 1, "groups": []},
    ]
    assert account.show_workflow("PERMITS") == {
        "name": "Permits",
        "groups": [],
        "steps": [
            {"name": "Check", "users": ["anna@example.com", "bob@example.com"], "groups": []},
            {"name": "Sign", "users": ["anna@example.com"], "groups": []},
        ],
    }


def test_a_workflow_is_given_by_groups_once_each_and_withdrawn(account):
    assert account.give_workflow("permits", adding=["Field", "FIELD", "Office"]) == ["Field", "Office"]
    assert account.give_workflow("Permits", adding=["Field", "Nobody"], removing=["Office"]) == ["Field", "Nobody"]
    refused(account, lambda: account.give_workflow("Permits", adding=["Office"], removing=["office"]), "at once")
    refused(account, lambda: account.give_workflow("Permits", adding=["Office", "Unknown"]), "no group Unknown")
    refused(account, lambda: account.give_workflow("Unknown", adding=["Office"]), "no workflow Unknown")


def test_a_user_is_taken_out_of_one_workflow_or_of_all(account):
    assert account.leave_workflows("bob@example.com", "repairs") == ["Repairs / Report"]
    assert account.leave_workflows("bob@example.com") == ["Permits / Check"]
    refused(account, lambda: account.leave_workflows("bob@example.com"), "takes part in no workflow by name")
    assert account.show_user("bob@example.com")["workflows"] == []


def test_nobody_leaves_a_step_without_anyone(account):
    refused(account, lambda: account.leave_workflows("anna@example.com", "Permits"), "Permits / Sign would be left")
    refused(account, lambda: account.leave_workflows("anna@example.com"), "Permits / Sign would be left")


def test_who_takes_part_only_through_a_group_is_told_so(account):
    refused(account, lambda: account.leave_workflows("مريم@example.com", "Repairs"), "no step of Repairs by name")


# Documents


def test_documents_are_listed_by_user_for_a_download(account):
    with account.documents() as listed:
        every = list(listed)
    assert [(one["user"], one["title"], one["state"]) for one in every] == [
        ("anna@example.com", "Anna's", "assigned"),
        ("bob@example.com", "Draft one", "draft"),
        ("bob@example.com", "Draft two", "draft"),
        ("bob@example.com", "Form", "assigned"),
    ]
    with account.documents("BOB@example.com", "draft") as listed:
        assert [one["title"] for one in listed] == ["Draft one", "Draft two"]


def test_documents_are_reassigned_all_or_of_one_kind(account):
    assert account.reassign_documents("bob@example.com", "ida@example.com", "draft") == 2
    assert account.reassign_documents("bob@example.com", "olga@example.com") == 1
    with account.documents("ida@example.com") as listed:
        assert [one["title"] for one in listed] == ["Draft one", "Draft two"]
    told = [one["text"] for one in account.show_user("bob@example.com")["activity"]]
    assert [text.split(" to ")[0] for text in told] == ["2 (draft)", "1"]


@pytest.mark.parametrize(
    ("email", "to", "state", "said"),
    [
        ("bob@example.com", "BOB@example.com", None, "own documents"),
        ("bob@example.com", "nobody@example.com", None, "no user nobody@example.com"),
        ("nobody@example.com", "bob@example.com", None, "no user nobody@example.com"),
        ("ida@example.com", "bob@example.com", None, "has no documents"),
        ("anna@example.com", "bob@example.com", "draft", "has no drafts"),
    ],
)
def test_documents_that_cannot_be_given_stay(account, email, to, state, said):
    refused(account, lambda: account.reassign_documents(email, to, state), said)


# The rehearsal copy


def test_a_copy_keeps_scoped_roles_logins_refusals_and_what_groups_give(account):
    account.set_role("bob@example.com", "Manager", ["Field"])
    account.give_workflow("Permits", adding=["Office"])
    account.load({"users": [{"email": "ida@example.com", "refused": "550", "last_login": "2026-11-01T10:00:00+02:00"}]})
    copy = account.dump()
    ida, bob = (next(u for u in copy["users"] if u["email"] == e) for e in ("ida@example.com", "bob@example.com"))
    assert (ida["refused"], ida["last_login"]) == ("550", "2026-11-01T08:00:00+00:00")
    assert bob["role_groups"] == ["Field"]
    assert copy["workflows"][0]["groups"] == ["Office"]
    account.load({"users": [{"email": "a@example.com", "role": "Admin"}]}, replace=True)
    account.load(copy, replace=True)
    assert account.dump() == copy


def test_a_copy_that_says_nothing_of_them_keeps_them_and_who_loses_the_role_loses_its_groups(account):
    account.set_role("bob@example.com", "Manager", ["Field"])
    account.give_workflow("Permits", adding=["Office"])
    account.load({"users": [{"email": "bob@example.com", "role": "Operator"}], "workflows": [{"name": "Permits"}]})
    assert account.show_user("bob@example.com")["role_groups"] == ["Field"]
    assert account.show_workflow("Permits")["groups"] == ["Office"]
    account.load({"users": [{"email": "bob@example.com", "role": None}]})
    assert account.show_user("bob@example.com")["role_groups"] == []


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"role": "Manager", "role_groups": ["Unknown"]}, "no group Unknown"),
        ({"role_groups": ["Field"]}, "`role_groups` without a role"),
        ({"role": "Manager", "role_groups": "Field"}, "`role_groups` is not a list of texts"),
        ({"last_login": "yesterday"}, "`last_login` is no moment"),
        ({"last_login": "2026-11-01T08:00:00"}, "`last_login` is no moment"),
        ({"last_login": 5}, "`last_login` is not a text"),
        ({"refused": True}, "`refused` is not a text"),
    ],
    ids=str,
)
def test_a_copy_with_wrong_further_keys_is_refused(account, user, said):
    refused(account, lambda: account.load({"users": [{"email": "bob@example.com", **user}]}), said)
    refused(
        account, lambda: account.load({"workflows": [{"name": "Permits", "groups": ["Unknown"]}]}), "no group Unknown"
    )
