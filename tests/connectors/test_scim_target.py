"""The target's contract over an independent service, by PATCH and by PUT, with bulk and without."""

from __future__ import annotations

import pytest

from connectors.model import Account, Dossier
from connectors.scim.features import Features
from connectors.scim.settings import TargetSettings
from connectors.scim_target import ScimTarget
from tests.scim_services import access, group, node_service, user
from tests.target_contract import DATA, GONE, TargetContract

VERBS = {"create_group", "rename_group", "create_user", "update_user", "add_member", "remove_member", "delete_user"}


@pytest.fixture(scope="module")
def node():
    with node_service() as service:
        yield service


def seed(service, data):
    users = [user(f"U{number}", one["email"], one["name"]) for number, one in enumerate(data.get("users", ()))]
    keys = {one["userName"]: one["id"] for one in users}
    groups = [
        group(f"G{number}", one["name"], [keys[u["email"]] for u in data["users"] if one["name"] in u["groups"]])
        for number, one in enumerate(data.get("groups", ()))
    ]
    service.seed(users, groups)


class ScimContract(TargetContract):
    """What a SCIM endpoint can keep of the contract; what it cannot tell or do has its own test here."""

    # Roles, owners, workflows, documents and invitations are nothing that SCIM has.
    test_get_and_dossiers_tell_what_is_now = None
    test_a_dossier_tells_of_workflows_and_documents = None
    test_alone_is_who_has_neither_another_user_nor_a_group_in_the_step = None
    test_whoever_takes_part_through_a_group_only_is_in_no_dossier = None
    test_a_dossier_of_nothing_says_so_and_not_that_it_is_unknown = None
    test_admins_are_those_with_a_role_and_the_owner = None
    test_someone_with_a_role_who_also_owns_the_account_counts_once = None
    test_who_never_logged_in_is_invited_again = None
    test_documents_go_to_the_receiver = None
    test_documents_are_discarded_when_nobody_is_to_have_them = None
    test_who_has_no_documents_has_none_to_reassign = None
    test_who_leaves_the_workflows_is_in_no_step_any_more = None
    test_a_step_is_never_left_without_anyone_and_then_none_is_left_at_all = None
    test_of_the_last_two_in_a_step_one_can_leave = None
    test_the_owner_is_not_deleted = None
    test_who_takes_part_in_a_workflow_is_not_deleted = None
    test_a_deleted_admin_counts_no_more = None
    test_a_whole_farewell_in_one_call = None

    def test_it_can_do_every_verb_and_knows_the_dossiers(self, target):
        assert target.capabilities.verbs == VERBS
        assert target.capabilities.knows_dossier is False

    def test_of_who_is_there_the_dossier_says_that_nothing_is_known(self, hand):
        anna = hand.id("anna@example.com")
        assert hand.target.dossiers([anna, GONE]) == {anna: Dossier(anna)}

    def test_everyone_is_handed_over_as_they_are(self, hand):
        users = hand.users()
        for wanted in DATA["users"]:
            found = users[wanted["email"].lower()]
            assert (found.email, found.display_name) == (wanted["email"], wanted["name"])
            assert (found.state, found.groups) == ("active", frozenset(wanted["groups"]))

    def test_outcomes_come_in_the_order_of_the_steps_and_a_failure_stops_no_other(self, hand):
        steps = [
            hand.step("create_group", display_name="New"),
            hand.step("update_user", GONE, display_name="X"),
            hand.step("create_user", email="new@example.com", display_name="New", groups=("New",)),
            hand.step("resend_invite", GONE),
            hand.step("add_member", "ida@example.com", group="New"),
            hand.step("create_group", display_name="Newer"),
        ]
        outcomes = hand.target.apply(steps)
        assert [outcome.operation_id for outcome in outcomes] == [step.operation_id for step in steps]
        assert [outcome.state for outcome in outcomes] == ["done", "failed", "done", "failed", "done", "done"]
        assert hand.members("New") == {"new@example.com", "ida@example.com"}
        assert "Newer" in hand.groups()

    def whole_call(self, hand):
        anna, bob = hand.id("anna@example.com"), hand.id("bob@example.com")
        return [
            hand.step("create_group", display_name="New"),
            hand.step("rename_group", display_name="Nobody", new_name="Somebody"),
            hand.step("create_user", email="new@example.com", display_name="New", groups=("New", "Somebody")),
            hand.step("update_user", anna, display_name="Anna Hill", email="anna.hill@example.com"),
            hand.step("add_member", anna, group="Field"),
            hand.step("remove_member", anna, group="Office"),
            hand.step("delete_user", bob),
        ]

    def test_a_new_user_is_invited_and_in_the_groups(self, hand):
        outcome = hand.done("create_user", email="New@Example.com", display_name="Zoë New", groups=("office", "Field"))
        assert hand.user("new@example.com") == Account(
            outcome.fluix_id, "New@Example.com", "Zoë New", "active", frozenset({"Office", "Field"})
        )

    def test_a_deleted_user_is_gone_with_memberships_and_documents_and_nobody_else_is(self, hand):
        bob, others = hand.id("bob@example.com"), {k: v for k, v in hand.users().items() if k != "bob@example.com"}
        hand.done("delete_user", bob)
        assert hand.users() == others
        assert not hand.target.get([bob])
        assert not hand.target.dossiers([bob])

    def test_a_later_process_that_repeats_all_steps_does_nothing_twice(self, hand):
        steps = self.whole_call(hand)[:6]
        first = hand.target.apply(steps)
        after = hand.everything()
        again = self.another().apply(steps)
        assert [(o.operation_id, o.state, o.fluix_id) for o in again] == [
            (o.operation_id, o.state, o.fluix_id) for o in first
        ]
        assert hand.everything() == after

    def test_many_are_created_together_and_one_that_is_taken_fails_alone(self, hand):
        steps = [
            hand.step("create_user", email=f"new{n}@example.com", display_name=f"New {n}", groups=("Field",))
            for n in range(30)
        ]
        steps.insert(7, hand.step("create_user", email="anna@example.com", display_name="Twin", groups=()))
        outcomes = hand.target.apply(steps)
        assert [n for n, outcome in enumerate(outcomes) if outcome.state == "failed"] == [7]
        assert len(hand.members("Field")) == 2 + 30
        there = hand.users()
        assert all(there[f"new{n}@example.com"].display_name == f"New {n}" for n in range(30))


class TestOverScimmy(ScimContract):
    @pytest.fixture(autouse=True)
    def _service(self, node):
        self.node = node

    def another(self):
        return ScimTarget(TargetSettings(access(self.node.url)), sleep=lambda _: None)

    def make_target(self, tmp_path, data):
        seed(self.node, data)
        return self.another()


class TestByPut(TestOverScimmy):
    """As an endpoint without PATCH, bulk and ETags wants it."""

    def another(self):
        target = super().another()
        target._accounts.features = Features(told=True, filter=True)
        return target
