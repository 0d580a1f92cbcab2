import pytest

from syncd.core.saga import Verify, steps, tied
from tests.syncd.core.build import ANNA, change, deletion, dossier, part

TIED = {"documents": "boss@example.com", "workflows": "leave"}


def made(one, **how):
    return [(place, step.verb, step.fluix_id, dict(step.values)) for place, step in steps(7, one, **how)]


def test_a_deletion_gives_documents_away_leaves_workflows_is_verified_and_done_last():
    who = f"id of {ANNA}"
    assert made(deletion(after=TIED), receiver="b1") == [
        (0, "reassign_documents", who, {"to": "b1"}),
        (1, "leave_workflows", who, {}),
        (2, "verify", who, {}),
        (3, "delete_user", who, {}),
    ]


@pytest.mark.parametrize(("after", "verbs"), [(None, []), ({"documents": "discard"}, ["reassign_documents"])])
def test_a_deletion_without_ties_has_fewer_steps(after, verbs):
    assert [verb for _, verb, _, _ in made(deletion(after=after))] == [*verbs, "verify", "delete_user"]


def test_where_a_person_does_the_steps_nothing_is_verified_in_between():
    assert [verb for _, verb, _, _ in made(deletion(), verify=False)] == ["delete_user"]


NEW = {"email": ANNA, "display_name": "Anna", "groups": ["Field"]}


@pytest.mark.parametrize(
    ("one", "values"),
    [
        (change("create_user", ANNA, after=NEW), {**NEW, "groups": ("Field",)}),
        (change("update_user", ANNA, after={"email": "b@x.example"}), {"email": "b@x.example"}),
        (change("update_user", ANNA, after={"record": "people/E2"}), {}),
        (change("create_group", group="Field"), {"display_name": "Field"}),
        (
            change("rename_group", group="Field", after={"display_name": "Site"}),
            {"display_name": "Field", "new_name": "Site"},
        ),
        (change("add_member", ANNA, "Field"), {"group": "Field"}),
        (change("remove_member", ANNA, "Field"), {"group": "Field"}),
        (change("resend_invite", ANNA), {}),
    ],
)
def test_every_other_change_is_one_verb(one, values):
    assert made(one) == [(0, one.kind, one.fluix_id, values)]


def test_operation_ids_name_plan_change_and_step():
    ids = [step.operation_id for _, step in steps(7, deletion())]
    assert ids == [f"7:delete_user:{ANNA}:verify", f"7:delete_user:{ANNA}:delete_user"]
    assert isinstance(next(step for _, step in steps(7, deletion())), Verify)


ADMIN = dossier(role="Admin")


@pytest.mark.parametrize(
    ("planned", "now", "admins", "why"),
    [
        (dossier(), dossier(), 3, None),
        (dossier(), ADMIN, 3, "its role changed while it was being deleted"),
        (dossier(), dossier(owner=True), 3, "its role changed while it was being deleted"),
        (ADMIN, ADMIN, 2, None),
        (ADMIN, ADMIN, None, None),
        (ADMIN, ADMIN, 1, "it is the last admin of the account by now"),
        (dossier(owner=True), dossier(owner=True), 1, "it is the last admin of the account by now"),
        (dossier(), dossier(), 1, None),
        (dossier(workflows=(part(),)), dossier(workflows=(part(),)), 3, "it takes part in a workflow again"),
        (dossier(drafts=2), dossier(drafts=2), 3, "it has 2 drafts and 0 assigned documents by now"),
        (dossier(), dossier(assigned=1), 3, "it has 0 drafts and 1 assigned documents by now"),
        (dossier(drafts=None), dossier(drafts=None), 3, None),
    ],
)
def test_the_last_look_before_a_deletion(planned, now, admins, why):
    assert tied(deletion(of=planned), now, admins) == why
