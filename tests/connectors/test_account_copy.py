"""The account as one plain structure: out, in, and everything that is wrong with it at once."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from connectors.errors import PermanentError
from connectors.fluix.account import EmbeddedAccount, account_metadata
from syncd.store.engine import open_engine
from tests.target_contract import DATA, Hand


@pytest.fixture
def account(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/account.db")
    account_metadata.create_all(engine)
    return EmbeddedAccount(engine, lambda: datetime(2026, 11, 2, tzinfo=UTC))


@pytest.fixture
def full(account):
    account.load(DATA)
    return account


def ids(account):
    return {email: user.fluix_id for email, user in Hand(account).users().items()}


def user(account, email):
    (found,) = [one for one in account.dump()["users"] if one["email"] == email]
    return found


def problems(account, data, *, replace=False):
    """The lines of what is wrong; nothing was written."""
    before = account.dump()
    with pytest.raises(PermanentError) as caught:
        account.load(data, replace=replace)
    assert account.dump() == before
    return caught.value.what.splitlines()


def test_an_empty_account_is_four_empty_lists(account):
    assert account.dump() == {"users": [], "groups": [], "workflows": [], "documents": []}


def test_a_dump_is_sorted_and_the_same_for_every_order_of_the_file(account):
    backwards = {part: list(reversed(entries)) for part, entries in DATA.items()}
    account.load(DATA)
    first = account.dump()
    account.load(backwards, replace=True)
    assert account.dump() == first
    assert [group["name"] for group in first["groups"]] == ["Field", "Nobody", "Office"]
    assert [one["email"] for one in first["users"]][:4] == [
        "anna@example.com",
        "bob@example.com",
        "ida@example.com",
        "Olga@example.com",
    ]
    assert {one["email"]: one for one in first["users"]} == {one["email"]: one for one in DATA["users"]}


def test_a_dump_loaded_again_is_the_same_dump_and_the_same_ids(full):
    first, before = full.dump(), ids(full)
    full.load(deepcopy(first), replace=True)
    assert (full.dump(), ids(full)) == (first, before)
    full.load(deepcopy(first))
    assert (full.dump(), ids(full)) == (first, before)


def test_a_dump_fills_another_account(full, tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/other.db")
    account_metadata.create_all(engine)
    other = EmbeddedAccount(engine, lambda: datetime(2026, 11, 2, tzinfo=UTC))
    other.load(full.dump())
    assert other.dump() == full.dump()


def test_two_documents_of_one_title_are_two(account):
    papers = [{"title": "Form", "state": "draft", "user": "a@example.com"}] * 2
    for replace in (False, True, False):
        account.load({"users": [{"email": "a@example.com"}], "documents": papers}, replace=replace)
        assert account.dump()["documents"] == papers


def test_what_a_new_user_leaves_out_has_its_default(account):
    account.load({"users": [{"email": "anna.berg@example.com"}]})
    assert account.dump()["users"] == [
        {
            "email": "anna.berg@example.com",
            "name": "anna.berg",
            "state": "active",
            "role": None,
            "owner": False,
            "groups": [],
        }
    ]


def test_loading_invites_nobody(full):
    full.load({"users": [{"email": "new@example.com", "state": "invited"}]})
    assert full.show_user("new@example.com")["invitations"] == []


# merging


def test_merging_touches_nothing_that_the_file_does_not_name(full):
    before, known = full.dump(), ids(full)
    full.load({})
    full.load({"users": [{"email": "new@example.com", "groups": ["Office"]}]})
    now = full.dump()
    assert [one for one in now["users"] if one["email"] != "new@example.com"] == before["users"]
    assert {part: now[part] for part in ("groups", "workflows", "documents")} == {
        part: before[part] for part in ("groups", "workflows", "documents")
    }
    assert known.items() <= ids(full).items()


def test_merging_keeps_what_the_entry_of_a_user_leaves_out(full):
    full.load({"users": [{"email": "ANNA@example.com", "name": "Anna Hill"}, {"email": "olga@example.com"}]})
    assert user(full, "ANNA@example.com") == {
        "email": "ANNA@example.com",
        "name": "Anna Hill",
        "state": "active",
        "role": "Admin",
        "owner": False,
        "groups": ["Office"],
    }
    assert user(full, "olga@example.com")["owner"] is True
    assert user(full, "olga@example.com")["name"] == "Olga Owner"


def test_merging_brings_a_user_to_what_the_entry_says(full):
    full.load({"users": [{"email": "anna@example.com", "role": None, "groups": ["Field"], "state": "invited"}]})
    now = user(full, "anna@example.com")
    assert (now["role"], now["groups"], now["state"]) == (None, ["Field"], "invited")


def test_merging_can_hand_the_account_to_another_owner(full):
    told = [{"email": "bob@example.com", "owner": True}, {"email": "olga@example.com", "owner": False}]
    full.load({"users": told})
    assert [one["email"] for one in full.dump()["users"] if one["owner"]] == ["bob@example.com"]


@pytest.mark.parametrize("others", [[], [{"email": "olga@example.com"}]])
def test_merging_a_second_owner_is_refused(full, others):
    (line,) = problems(full, {"users": [{"email": "bob@example.com", "owner": True}, *others]})
    assert "one owner" in line


def test_merging_brings_a_workflow_to_the_steps_of_the_file(full):
    steps = [{"name": "Only", "users": ["ida@example.com"], "groups": ["office"]}]
    full.load({"workflows": [{"name": "PERMITS", "steps": steps}, {"name": "Repairs"}]})
    permits, repairs = full.dump()["workflows"]
    assert permits == {
        "name": "PERMITS",
        "steps": [{"name": "Only", "users": ["ida@example.com"], "groups": ["Office"]}],
    }
    assert repairs == DATA["workflows"][1]


def test_merging_twice_is_the_same_as_once(full):
    told = {
        "users": [{"email": "new@example.com", "groups": ["North"]}],
        "workflows": [{"name": "New", "steps": [{"name": "S", "groups": ["North"]}]}],
        "documents": [{"title": "Form", "user": "new@example.com"}],
    }
    full.load(told)
    first = full.dump()
    full.load(told)
    assert full.dump() == first


# replacing


def test_replacing_makes_the_account_exactly_the_file(full):
    known = ids(full)
    told = {"users": [{"email": "anna@example.com", "groups": ["Field"]}], "groups": [{"name": "Field"}]}
    full.load(told, replace=True)
    assert full.dump() == {
        "users": [
            {
                "email": "anna@example.com",
                "name": "anna",
                "state": "active",
                "role": None,
                "owner": False,
                "groups": ["Field"],
            }
        ],
        "groups": [{"name": "Field"}],
        "workflows": [],
        "documents": [],
    }
    assert ids(full) == {"anna@example.com": known["anna@example.com"]}


def test_an_id_of_a_removed_user_is_never_given_again(full):
    gone = set(ids(full).values())
    full.load({}, replace=True)
    full.load({"users": [{"email": f"u{number}@example.com"} for number in range(10)]})
    assert not gone & set(ids(full).values())


def test_replacing_knows_only_the_users_of_the_file(full):
    told = {"documents": [{"title": "Form", "user": "anna@example.com"}]}
    assert problems(full, told, replace=True) == ["documents: Form: there is no user anna@example.com"]


def test_replacing_thousands_is_one_load(account):
    users = [{"email": f"u{number}@example.com", "groups": ["All"]} for number in range(3000)]
    account.load({"users": users})
    before = ids(account)
    account.load({"users": users[:1500]}, replace=True)
    assert ids(account) == {email: before[email] for email in (one["email"] for one in users[:1500])}


# what is wrong


def test_every_problem_is_told_at_once_and_nothing_is_written(full):
    told = {
        "users": [
            {"email": "a@example.com", "colour": "red"},
            {"email": "A@example.com", "owner": True},
            {"email": "no address"},
            {"email": "b@example.com", "state": "gone"},
            {"email": "c@example.com", "name": 5},
            {"name": "Nobody"},
            "text",
        ],
        "groups": [{"name": "One"}, {"name": " ONE"}],
        "workflows": [{"name": "W", "steps": [{"name": "S", "users": ["x@example.com"], "groups": ["Unknown"]}]}],
        "documents": [
            {"title": "D", "user": "y@example.com"},
            {"title": "E", "state": "lost", "user": "a@example.com"},
        ],
        "more": [],
    }
    text = "\n".join(problems(full, told))
    for sign in ("`colour`", "no address", "`gone`", "entry 5: `name`", "entry 6", "entry 7", "A@example.com stands", "ONE stands", "x@example.com", "Unknown", "y@example.com", "`lost`", "`more`", "one owner"):  # fmt: skip
        assert sign in text


def test_two_owners_are_refused(account):
    told = [{"email": "a@example.com", "owner": True}, {"email": "b@example.com", "owner": True}]
    (line,) = problems(account, {"users": told})
    assert "a@example.com, b@example.com" in line


@pytest.mark.parametrize(
    "data",
    [None, [], "text", 5, {"users": 5}, {"users": "text"}, {"users": {"email": "a@example.com"}}, {"users": [None]},
     {"users": [{"email": ["a"]}]}, {"users": [{"email": "a@example.com", "groups": "Office"}]},
     {"users": [{"email": "a@example.com", "owner": "yes"}]}, {"workflows": [{"name": "W", "steps": 1}]},
     {"workflows": [{"name": "W", "steps": [{"users": []}]}]}, {"documents": [{"title": "D"}]}],
)  # fmt: skip
@pytest.mark.parametrize("replace", [False, True])
def test_a_file_of_another_shape_is_a_problem_and_no_crash(full, data, replace):
    assert problems(full, data, replace=replace)
