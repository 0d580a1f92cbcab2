"""The suite that every target passes. A target's own test is a subclass with `make_target`.

class TestMyTarget(TargetContract):
    def make_target(self, tmp_path, data): ...
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, get_args

import pytest

from connectors.base import Answering
from connectors.model import Account, AccountGroup, Certificate, Outcome, Step, Verb, WorkflowPart, normalise_email

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.base import Target

DATA: dict[str, Any] = {
    "users": [
        {"email": "Olga@example.com", "name": "Olga Owner", "state": "active", "role": None, "owner": True, "groups": []},
        {"email": "anna@example.com", "name": "Anna Berg", "state": "active", "role": "Admin", "owner": False, "groups": ["Office"]},
        {"email": "bob@example.com", "name": "Bob", "state": "active", "role": None, "owner": False, "groups": ["Field", "Office"]},
        {"email": "ida@example.com", "name": "Ida", "state": "invited", "role": None, "owner": False, "groups": []},
        {"email": "مريم@example.com", "name": "مریم علی‌زاده", "state": "active", "role": None, "owner": False, "groups": ["Field"]},
    ],
    "groups": [{"name": "Office"}, {"name": "Field"}, {"name": "Nobody"}],
    "workflows": [
        {"name": "Permits", "steps": [
            {"name": "Check", "users": ["anna@example.com", "bob@example.com"], "groups": []},
            {"name": "Sign", "users": ["anna@example.com"], "groups": []},
        ]},
        {"name": "Repairs", "steps": [{"name": "Report", "users": ["bob@example.com"], "groups": ["Field"]}]},
    ],
    "documents": [
        {"title": "Draft one", "state": "draft", "user": "bob@example.com"},
        {"title": "Draft two", "state": "draft", "user": "bob@example.com"},
        {"title": "Form", "state": "assigned", "user": "bob@example.com"},
        {"title": "Anna's", "state": "assigned", "user": "anna@example.com"},
    ],
}  # fmt: skip
GONE = "2147483647"
"""An id that nobody has."""


class Hand:
    """A target, with the questions that tests ask of it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._numbers = count(1)

    def step(self, verb: Verb, user: str | None = None, **values: Any) -> Step:
        """A step that no other is; its user by email or id."""
        if user is not None and "@" in user:
            user = self.id(user)
        return Step(f"op-{next(self._numbers)}", verb, user, values)

    def do(self, verb: Verb, user: str | None = None, **values: Any) -> Outcome:
        step = self.step(verb, user, **values)
        (outcome,) = self.target.apply([step])
        assert outcome.operation_id == step.operation_id
        return outcome

    def done(self, verb: Verb, user: str | None = None, **values: Any) -> Outcome:
        outcome = self.do(verb, user, **values)
        assert outcome.state == "done", outcome.message
        return outcome

    def refused(self, verb: Verb, user: str | None = None, **values: Any) -> str:
        """The message of a step that fails, and that changed nothing."""
        before = self.everything()
        outcome = self.do(verb, user, **values)
        assert outcome.state == "failed"
        assert outcome.message
        assert self.everything() == before
        return outcome.message

    def users(self) -> dict[str, Account]:
        return {normalise_email(item.email): item for item in self.target.read() if isinstance(item, Account)}

    def user(self, email: str) -> Account | None:
        return self.users().get(normalise_email(email))

    def id(self, email: str) -> str:
        return self.users()[normalise_email(email)].fluix_id

    def groups(self) -> set[str]:
        return {item.display_name for item in self.target.read() if isinstance(item, AccountGroup)}

    def members(self, group: str) -> set[str]:
        return {email for email, user in self.users().items() if group in user.groups}

    def dossier(self, email: str) -> Any:
        return self.target.dossiers([self.id(email)])[self.id(email)]

    def everything(self) -> Any:
        items = set(self.target.read())
        return items, self.target.dossiers([item.fluix_id for item in items if isinstance(item, Account)])


class TargetContract:
    def make_target(self, tmp_path: Path, data: dict[str, Any]) -> Target:
        """A target that holds this account (the format of `DATA`), and can do and tell everything."""
        raise NotImplementedError

    def invitations(self, target: Target) -> list[str] | None:
        """The emails to which invitations were sent, in their order; None where a test cannot see them."""
        return None

    @pytest.fixture
    def target(self, tmp_path):
        return self.make_target(tmp_path, DATA)

    @pytest.fixture
    def hand(self, target):
        return Hand(target)

    def sent(self, hand: Hand, *emails: str) -> None:
        """Just these invitations went out."""
        assert self.invitations(hand.target) in (None, list(emails))

    # read, get, dossiers, check

    def test_it_can_do_every_verb_and_knows_the_dossiers(self, target):
        assert target.capabilities.verbs == frozenset(get_args(Verb))
        assert target.capabilities.knows_dossier is True

    def test_a_read_is_a_stream_of_groups_then_users_then_one_certificate(self, target):
        stream = target.read()
        assert iter(stream) is stream
        kinds = [type(item) for item in stream]
        assert kinds == [AccountGroup] * 3 + [Account] * 5 + [Certificate]

    def test_a_read_ends_certified_and_counted(self, target):
        *_, certificate = target.read()
        assert certificate.certified
        assert (certificate.records, certificate.groups) == (5, 3)

    def test_one_that_can_be_asked_finds_by_address_what_a_read_hands_over(self, target):
        if not isinstance(target, Answering):
            pytest.skip("it has to be read whole")
        *read, _ = target.read()
        assert [item for item in read if isinstance(item, AccountGroup)] == list(target.every_group())
        users = {item.fluix_id: item for item in read if isinstance(item, Account)}
        asked = ["ANNA@example.com ", "مريم@example.com", "nobody@example.com"]
        wanted = {"anna@example.com", "مريم@example.com"}
        assert target.find(asked) == {one: user for one, user in users.items() if user.email in wanted}
        assert target.find([]) == {}

    def test_everyone_is_handed_over_as_they_are(self, hand):
        users = hand.users()
        assert len(users) == len(DATA["users"])
        for wanted in DATA["users"]:
            user = users[normalise_email(wanted["email"])]
            assert (user.email, user.display_name) == (wanted["email"], wanted["name"])
            assert (user.state, user.groups) == (wanted["state"], frozenset(wanted["groups"]))

    def test_a_group_without_members_is_handed_over(self, hand):
        assert hand.groups() == {"Office", "Field", "Nobody"}

    def test_ids_are_texts_that_nobody_shares(self, target):
        items = list(target.read())
        for ids in ([i.fluix_id for i in items if isinstance(i, Account)], [i.group_id for i in items if isinstance(i, AccountGroup)]):  # fmt: skip
            assert all(isinstance(one, str) and one for one in ids)
            assert len(set(ids)) == len(ids)

    def test_two_reads_are_equal(self, target):
        assert list(target.read()) == list(target.read())

    def test_an_empty_account_is_read_whole(self, tmp_path):
        (certificate,) = self.make_target(tmp_path, {}).read()
        assert certificate == Certificate(0)

    def test_get_tells_the_same_as_a_read(self, hand):
        users = {user.fluix_id: user for user in hand.users().values()}
        assert hand.target.get(iter(users)) == users

    def test_get_and_dossiers_leave_out_who_is_not_there(self, hand):
        anna = hand.id("anna@example.com")
        asked = [GONE, anna, "no id at all", ""]
        assert set(hand.target.get(asked)) == set(hand.target.dossiers(asked)) == {anna}
        assert not hand.target.get([])
        assert not hand.target.dossiers([])

    def test_get_and_dossiers_tell_what_is_now(self, hand):
        bob = hand.id("bob@example.com")
        hand.done("update_user", bob, display_name="Robert")
        hand.done("leave_workflows", bob)
        assert hand.target.get([bob])[bob].display_name == "Robert"
        assert hand.target.dossiers([bob])[bob].workflows == ()

    def test_a_dossier_tells_of_workflows_and_documents(self, hand):
        dossier = hand.dossier("bob@example.com")
        assert dossier.fluix_id == hand.id("bob@example.com")
        assert (dossier.owner, dossier.role) == (False, "")
        assert (dossier.drafts, dossier.assigned) == (2, 1)
        assert set(dossier.workflows) == {
            WorkflowPart("Permits", "Check", alone=False),
            WorkflowPart("Repairs", "Report", alone=False),
        }

    def test_alone_is_who_has_neither_another_user_nor_a_group_in_the_step(self, hand):
        assert set(hand.dossier("anna@example.com").workflows) == {
            WorkflowPart("Permits", "Check", alone=False),
            WorkflowPart("Permits", "Sign", alone=True),
        }
        hand.done("leave_workflows", "bob@example.com")
        assert all(part.alone for part in hand.dossier("anna@example.com").workflows)

    def test_whoever_takes_part_through_a_group_only_is_in_no_dossier(self, hand):
        assert hand.dossier("مريم@example.com").workflows == ()

    def test_a_dossier_of_nothing_says_so_and_not_that_it_is_unknown(self, hand):
        dossier = hand.dossier("ida@example.com")
        assert (dossier.owner, dossier.role, dossier.workflows, dossier.drafts, dossier.assigned) == (
            False,
            "",
            (),
            0,
            0,
        )

    def test_admins_are_those_with_a_role_and_the_owner(self, hand):
        assert {hand.dossier(email).admins for email in hand.users()} == {2}
        assert hand.dossier("anna@example.com").role == "Admin"
        assert hand.dossier("olga@example.com").owner is True

    def test_someone_with_a_role_who_also_owns_the_account_counts_once(self, tmp_path):
        both = {"email": "a@example.com", "name": "A", "state": "active", "role": "Admin", "owner": True, "groups": []}
        assert Hand(self.make_target(tmp_path, {"users": [both]})).dossier("a@example.com").admins == 1

    def test_check_has_nothing_to_say_when_all_is_well(self, target):
        assert list(target.check()) == []

    # apply

    def test_nothing_to_do_is_done(self, target):
        assert list(target.apply([])) == []

    def test_outcomes_come_in_the_order_of_the_steps_and_a_failure_stops_no_other(self, hand):
        steps = [
            hand.step("create_group", display_name="New"),
            hand.step("delete_user", "olga@example.com"),
            hand.step("create_user", email="new@example.com", display_name="New", groups=("New",)),
            hand.step("resend_invite", GONE),
            hand.step("add_member", "ida@example.com", group="New"),
            hand.step("create_group", display_name="Newer"),
        ]
        outcomes = hand.target.apply(steps)
        assert [outcome.operation_id for outcome in outcomes] == [step.operation_id for step in steps]
        assert [outcome.state for outcome in outcomes] == ["done", "failed", "done", "failed", "done", "done"]
        assert [bool(outcome.message) for outcome in outcomes if outcome.state == "failed"] == [True, True]
        assert hand.members("New") == {"new@example.com", "ida@example.com"}
        assert "Newer" in hand.groups()

    def test_an_outcome_names_the_user(self, hand):
        anna = hand.id("anna@example.com")
        assert hand.done("add_member", anna, group="Field").fluix_id == anna
        assert hand.do("delete_user", anna).fluix_id == anna
        assert hand.done("create_group", display_name="X").fluix_id is None

    def whole_call(self, hand: Hand) -> list[Step]:
        """One step of every verb, all of which can be done."""
        anna, bob = hand.id("anna@example.com"), hand.id("bob@example.com")
        return [
            hand.step("create_group", display_name="New"),
            hand.step("rename_group", display_name="Nobody", new_name="Somebody"),
            hand.step("create_user", email="new@example.com", display_name="New", groups=("New", "Somebody")),
            hand.step("update_user", anna, display_name="Anna Hill", email="anna.hill@example.com"),
            hand.step("add_member", anna, group="Field"),
            hand.step("remove_member", anna, group="Office"),
            hand.step("resend_invite", "ida@example.com"),
            hand.step("reassign_documents", bob, to=anna),
            hand.step("leave_workflows", bob),
            hand.step("delete_user", bob),
        ]

    def test_the_same_whole_call_twice_does_everything_once(self, hand):
        steps = self.whole_call(hand)
        first = hand.target.apply(steps)
        assert {outcome.state for outcome in first} == {"done"}
        after = hand.everything()
        again = hand.target.apply(steps)
        assert [(o.operation_id, o.state, o.fluix_id) for o in again] == [
            (o.operation_id, o.state, o.fluix_id) for o in first
        ]
        assert hand.everything() == after
        self.sent(hand, "new@example.com", "ida@example.com")

    def test_the_same_steps_one_by_one_after_the_whole_call_do_nothing(self, hand):
        steps = self.whole_call(hand)
        hand.target.apply(steps[:6])
        hand.target.apply(steps)
        after = hand.everything()
        for step in reversed(steps):
            assert [outcome.state for outcome in hand.target.apply([step])] == ["done"]
        assert hand.everything() == after
        self.sent(hand, "new@example.com", "ida@example.com")

    def test_the_same_step_twice_in_one_call_is_done_once(self, hand):
        step = hand.step("create_user", email="new@example.com", display_name="New", groups=())
        one, other = hand.target.apply([step, step])
        assert one.state == other.state == "done"
        assert one.fluix_id == other.fluix_id == hand.id("new@example.com")
        self.sent(hand, "new@example.com")

    def test_a_step_done_once_stays_done_whatever_came_after(self, hand):
        join = hand.step("add_member", "anna@example.com", group="Field")
        hand.target.apply([join])
        hand.done("remove_member", "anna@example.com", group="Field")
        assert [outcome.state for outcome in hand.target.apply([join])] == ["done"]
        assert "anna@example.com" not in hand.members("Field")

    def test_a_user_created_once_and_deleted_is_not_created_again(self, hand):
        add = hand.step("create_user", email="new@example.com", display_name="New", groups=())
        (first,) = hand.target.apply([add])
        hand.done("delete_user", first.fluix_id)
        (again,) = hand.target.apply([add])
        assert (again.state, again.fluix_id) == ("done", first.fluix_id)
        assert hand.user("new@example.com") is None

    def test_a_step_that_failed_is_tried_again_and_may_be_done_then(self, hand):
        join = hand.step("add_member", "ida@example.com", group="New")
        assert [outcome.state for outcome in hand.target.apply([join])] == ["failed"]
        hand.done("create_group", display_name="New")
        assert [outcome.state for outcome in hand.target.apply([join])] == ["done"]
        assert hand.members("New") == {"ida@example.com"}

    # groups

    def test_a_new_group_is_there_without_members(self, hand):
        hand.done("create_group", display_name="Señor Team")
        assert "Señor Team" in hand.groups()
        assert hand.members("Señor Team") == set()

    @pytest.mark.parametrize("name", ["Office", "OFFICE", "  office "])
    def test_a_group_that_is_there_stays_as_it_is(self, hand, name):
        before = hand.everything()
        hand.done("create_group", display_name=name)
        assert hand.everything() == before

    def test_a_renamed_group_keeps_its_id_and_its_members(self, hand):
        ids = {g.display_name: g.group_id for g in hand.target.read() if isinstance(g, AccountGroup)}
        members = hand.members("Office")
        hand.done("rename_group", display_name="office", new_name="Bureau")
        now = {g.display_name: g.group_id for g in hand.target.read() if isinstance(g, AccountGroup)}
        assert now == {"Bureau": ids["Office"], "Field": ids["Field"], "Nobody": ids["Nobody"]}
        assert hand.members("Bureau") == members

    def test_a_group_can_be_renamed_to_another_spelling_of_its_name(self, hand):
        hand.done("rename_group", display_name="Office", new_name="OFFICE")
        assert hand.groups() == {"OFFICE", "Field", "Nobody"}

    def test_renaming_an_unknown_group_fails(self, hand):
        hand.refused("rename_group", display_name="Unknown", new_name="Also unknown")

    def test_renaming_to_the_name_of_another_group_fails(self, hand):
        hand.refused("rename_group", display_name="Office", new_name="FIELD")

    def test_a_group_that_was_renamed_already_is_done(self, hand):
        hand.done("rename_group", display_name="Office", new_name="Bureau")
        before = hand.everything()
        hand.done("rename_group", display_name="Office", new_name="Bureau")
        assert hand.everything() == before

    def test_the_old_name_of_a_group_is_free_again(self, hand):
        hand.done("rename_group", display_name="Office", new_name="Bureau")
        hand.done("create_group", display_name="Office")
        assert hand.groups() == {"Bureau", "Office", "Field", "Nobody"}
        assert hand.members("Office") == set()

    # users

    def test_a_new_user_is_invited_and_in_the_groups(self, hand):
        before = {user.fluix_id for user in hand.users().values()}
        outcome = hand.done("create_user", email="New@Example.com", display_name="Zoë New", groups=("office", "Field"))
        user = hand.user("new@example.com")
        assert user == Account(
            outcome.fluix_id, "New@Example.com", "Zoë New", "invited", frozenset({"Office", "Field"})
        )
        assert outcome.fluix_id not in before
        self.sent(hand, "New@Example.com")

    @pytest.mark.parametrize("email", ["anna@example.com", "ANNA@Example.com", "olga@example.com"])
    def test_a_user_whose_email_exists_fails(self, hand, email):
        assert "already exists" in hand.refused("create_user", email=email, display_name="Twin", groups=())
        self.sent(hand)

    def test_a_user_for_an_unknown_group_fails_and_nobody_is_invited(self, hand):
        hand.refused("create_user", email="new@example.com", display_name="New", groups=("Office", "Unknown"))
        self.sent(hand)

    def test_two_users_of_one_email_in_one_call_become_one(self, hand):
        steps = [
            hand.step("create_user", email=e, display_name="New", groups=())
            for e in ("new@example.com", "NEW@example.com")
        ]
        assert [outcome.state for outcome in hand.target.apply(steps)] == ["done", "failed"]
        self.sent(hand, "new@example.com")

    def test_a_deleted_user_can_be_added_again_and_is_another_user(self, hand):
        ida = hand.id("ida@example.com")
        hand.done("delete_user", ida)
        assert hand.done("create_user", email="ida@example.com", display_name="Ida", groups=()).fluix_id != ida

    @pytest.mark.parametrize("values", [{"email": "ab@example.com"}, {"display_name": "A B"}, {"email": "ab@example.com", "display_name": "A B"}])  # fmt: skip
    def test_an_update_changes_what_it_names_and_nothing_else(self, hand, values):
        before = hand.user("anna@example.com")
        hand.done("update_user", before.fluix_id, **values)
        (now,) = hand.target.get([before.fluix_id]).values()
        assert now == Account(before.fluix_id, values.get("email", before.email), values.get("display_name", before.display_name), before.state, before.groups)  # fmt: skip
        self.sent(hand)

    def test_an_update_of_nothing_is_done(self, hand):
        before = hand.everything()
        hand.done("update_user", "anna@example.com")
        assert hand.everything() == before

    def test_the_spelling_of_ones_own_email_can_be_changed(self, hand):
        hand.done("update_user", "anna@example.com", email="Anna@Example.com")
        assert hand.user("anna@example.com").email == "Anna@Example.com"

    def test_an_update_to_the_email_of_another_user_fails(self, hand):
        hand.refused("update_user", "anna@example.com", email="BOB@example.com", display_name="Anna Hill")

    def test_an_email_given_up_is_free_again(self, hand):
        anna = hand.id("anna@example.com")
        steps = [
            hand.step("update_user", anna, email="hill@example.com"),
            hand.step("create_user", email="anna@example.com", display_name="Other", groups=()),
        ]
        assert [outcome.state for outcome in hand.target.apply(steps)] == ["done", "done"]
        assert hand.id("anna@example.com") != anna

    def test_two_updates_of_one_user_in_one_call_add_up(self, hand):
        anna = hand.id("anna@example.com")
        steps = [
            hand.step("update_user", anna, display_name="Anna Hill"),
            hand.step("update_user", anna, email="hill@example.com"),
        ]
        assert [outcome.state for outcome in hand.target.apply(steps)] == ["done", "done"]
        (now,) = hand.target.get([anna]).values()
        assert (now.display_name, now.email) == ("Anna Hill", "hill@example.com")

    def test_an_email_given_up_can_be_taken_by_the_next_update(self, hand):
        anna, bob = hand.id("anna@example.com"), hand.id("bob@example.com")
        steps = [
            hand.step("update_user", anna, email="hill@example.com"),
            hand.step("update_user", bob, email="anna@example.com"),
        ]
        assert [outcome.state for outcome in hand.target.apply(steps)] == ["done", "done"]
        assert hand.id("anna@example.com") == bob

    # memberships

    def test_joining_and_leaving_a_group_by_any_spelling(self, hand):
        hand.done("add_member", "ida@example.com", group="OFFICE")
        assert hand.user("ida@example.com").groups == {"Office"}
        hand.done("remove_member", "ida@example.com", group=" office")
        assert hand.user("ida@example.com").groups == frozenset()

    def test_joining_and_leaving_twice_is_the_same_as_once(self, hand):
        before = hand.everything()
        hand.done("add_member", "anna@example.com", group="Office")
        hand.done("remove_member", "anna@example.com", group="Field")
        assert hand.everything() == before

    def test_joining_an_unknown_group_fails(self, hand):
        hand.refused("add_member", "anna@example.com", group="Unknown")

    def test_leaving_an_unknown_group_is_done(self, hand):
        before = hand.everything()
        hand.done("remove_member", "anna@example.com", group="Unknown")
        assert hand.everything() == before

    # who is gone

    @pytest.mark.parametrize(
        ("verb", "values"),
        [
            ("update_user", {"display_name": "X"}),
            ("add_member", {"group": "Office"}),
            ("resend_invite", {}),
            ("reassign_documents", {"to": ""}),
            ("leave_workflows", {}),
        ],
    )
    def test_a_step_for_who_is_gone_fails(self, hand, verb, values):
        hand.refused(verb, GONE, **values)

    def test_deleting_who_is_gone_is_done(self, hand):
        hand.done("delete_user", GONE)
        ida = hand.id("ida@example.com")
        hand.done("delete_user", ida)
        hand.done("delete_user", ida)

    # invitations

    def test_who_never_logged_in_is_invited_again(self, hand):
        before = hand.everything()
        hand.done("resend_invite", "ida@example.com")
        assert hand.everything() == before
        self.sent(hand, "ida@example.com")

    def test_who_logged_in_is_not_invited_again(self, hand):
        hand.refused("resend_invite", "anna@example.com")
        self.sent(hand)

    # leaving

    def test_documents_go_to_the_receiver(self, hand):
        hand.done("reassign_documents", "bob@example.com", to=hand.id("anna@example.com"))
        bob, anna = hand.dossier("bob@example.com"), hand.dossier("anna@example.com")
        assert (bob.drafts, bob.assigned, anna.drafts, anna.assigned) == (0, 0, 2, 2)

    def test_documents_are_discarded_when_nobody_is_to_have_them(self, hand):
        hand.done("reassign_documents", "bob@example.com", to="")
        bob, anna = hand.dossier("bob@example.com"), hand.dossier("anna@example.com")
        assert (bob.drafts, bob.assigned, anna.drafts, anna.assigned) == (0, 0, 0, 1)

    @pytest.mark.parametrize("receiver", [GONE, "nobody at all"])
    def test_documents_for_an_unknown_receiver_stay(self, hand, receiver):
        hand.refused("reassign_documents", "bob@example.com", to=receiver)

    def test_documents_are_not_reassigned_to_whose_they_are(self, hand):
        hand.refused("reassign_documents", "bob@example.com", to=hand.id("bob@example.com"))

    def test_who_has_no_documents_has_none_to_reassign(self, hand):
        hand.done("reassign_documents", "ida@example.com", to=hand.id("anna@example.com"))

    def test_who_leaves_the_workflows_is_in_no_step_any_more(self, hand):
        hand.done("leave_workflows", "bob@example.com")
        assert hand.dossier("bob@example.com").workflows == ()
        hand.done("leave_workflows", "bob@example.com")

    def test_a_step_is_never_left_without_anyone_and_then_none_is_left_at_all(self, hand):
        assert "Sign" in hand.refused("leave_workflows", "anna@example.com")

    def test_of_the_last_two_in_a_step_one_can_leave(self, tmp_path):
        users = [{"email": e, "name": e, "state": "active", "role": None, "owner": False, "groups": []} for e in ("a@x.example", "b@x.example")]  # fmt: skip
        flow = {"name": "W", "steps": [{"name": "S", "users": ["a@x.example", "b@x.example"], "groups": []}]}
        hand = Hand(self.make_target(tmp_path, {"users": users, "workflows": [flow]}))
        outcomes = hand.target.apply([hand.step("leave_workflows", e) for e in ("a@x.example", "b@x.example")])
        assert [outcome.state for outcome in outcomes] == ["done", "failed"]

    def test_the_owner_is_not_deleted(self, hand):
        hand.refused("delete_user", "olga@example.com")

    @pytest.mark.parametrize("email", ["anna@example.com", "bob@example.com"])
    def test_who_takes_part_in_a_workflow_is_not_deleted(self, hand, email):
        hand.refused("delete_user", email)

    def test_who_takes_part_through_a_group_only_is_deleted(self, hand):
        hand.done("delete_user", "مريم@example.com")
        assert hand.user("مريم@example.com") is None

    def test_a_deleted_user_is_gone_with_memberships_and_documents_and_nobody_else_is(self, hand):
        bob, others = hand.id("bob@example.com"), {k: v for k, v in hand.users().items() if k != "bob@example.com"}
        hand.done("leave_workflows", bob)
        hand.done("delete_user", bob)
        assert hand.users() == others
        assert hand.groups() == {"Office", "Field", "Nobody"}
        assert not hand.target.get([bob])
        assert not hand.target.dossiers([bob])
        assert (hand.dossier("anna@example.com").drafts, hand.dossier("anna@example.com").assigned) == (0, 1)
        again = hand.done("create_user", email="bob@example.com", display_name="Bob", groups=()).fluix_id
        assert hand.target.get([again])[again].groups == frozenset()
        assert hand.dossier("bob@example.com").drafts == 0

    def test_a_deleted_admin_counts_no_more(self, tmp_path):
        users = [{"email": e, "name": e, "state": "active", "role": "Admin", "owner": False, "groups": []} for e in ("a@x.example", "b@x.example")]  # fmt: skip
        hand = Hand(self.make_target(tmp_path, {"users": users}))
        hand.done("delete_user", "a@x.example")
        assert hand.dossier("b@x.example").admins == 1

    def test_a_whole_farewell_in_one_call(self, hand):
        bob, anna = hand.id("bob@example.com"), hand.id("anna@example.com")
        steps = [
            hand.step("leave_workflows", bob),
            hand.step("reassign_documents", bob, to=anna),
            hand.step("delete_user", bob),
        ]
        assert {outcome.state for outcome in hand.target.apply(steps)} == {"done"}
        assert hand.user("bob@example.com") is None
        assert (hand.dossier("anna@example.com").drafts, hand.dossier("anna@example.com").assigned) == (2, 2)
