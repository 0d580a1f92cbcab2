import pytest

from syncd.core.leaving import Farewells, farewell, known, leaving_admins
from tests.syncd.core.build import ANNA, change, checks, deletion, dossier, part

DELETE = change("delete_user", ANNA, before={"groups": ["Field"]}, reason="gone", records=["people/E1"])
BOSS = "boss@example.com"


def said(of=None, policy=None, receiver=None, made=DELETE):
    whole, findings = farewell(made, of, policy or Farewells(), receiver)
    assert all(finding.changes == (whole.key,) for finding in findings)
    assert all(finding.message.startswith(f"{made.user} ") for finding in findings)
    return whole, checks(findings)


def test_nothing_speaks_against_a_deletion_of_somebody_without_ties():
    whole, findings = said(dossier())
    assert findings == []
    assert whole.before == {
        "groups": ["Field"],
        "owner": False,
        "role": "",
        "workflows": [],
        "drafts": 0,
        "assigned": 0,
    }
    assert whole.after is None
    assert (whole.reason, whole.records, whole.key) == (DELETE.reason, DELETE.records, DELETE.key)


def test_of_whom_nothing_is_known_every_unknown_is_held():
    whole, findings = said(None)
    assert findings == [("unknown", "hold")] * 4
    assert {whole.before[name] for name in ("owner", "role", "workflows", "drafts", "assigned")} == {None}


@pytest.mark.parametrize("name", ["owner", "role", "workflows", "drafts", "assigned"])
def test_one_unknown_is_enough_to_hold(name):
    for policy in (Farewells(), Farewells("remove_first", "discard"), Farewells("remove_first", "reassign")):
        assert ("unknown", "hold") in said(dossier(**{name: None}), policy, BOSS)[1]


def test_a_deletion_without_a_before_gets_one():
    assert said(dossier(), made=change("delete_user", ANNA))[0].before == known(dossier())


def test_the_owner_is_refused():
    assert said(dossier(owner=True))[1] == [("owner", "refuse")]


def test_an_admin_is_held():
    assert said(dossier(role="Admin"))[1] == [("admin", "hold")]


def test_whoever_is_protected_is_refused_in_any_case():
    policy = Farewells(protected=frozenset({ANNA}))
    assert said(dossier(), policy)[1] == [("protected", "refuse")]
    assert said(dossier(), policy, made=change("delete_user", "ANNA@Example.com"))[1] == [("protected", "refuse")]
    assert said(dossier(), Farewells(protected=frozenset({BOSS})))[1] == []


def test_who_takes_part_in_a_workflow_is_held():
    whole, findings = said(dossier(workflows=(part(),)))
    assert findings == [("workflow", "hold")]
    assert whole.after == {"workflows": "leave"}
    assert whole.before["workflows"] == [{"workflow": "Permits", "step": "Approve", "alone": False}]


def test_with_remove_first_who_takes_part_in_a_workflow_leaves_it():
    whole, findings = said(dossier(workflows=(part(),)), Farewells("remove_first"))
    assert (findings, whole.after) == ([], {"workflows": "leave"})


@pytest.mark.parametrize("workflows", ["hold", "remove_first"])
def test_who_is_alone_in_a_step_is_refused_and_the_step_is_named(workflows):
    of = dossier(workflows=(part("Permits", "Check"), part("Permits", "Sign", alone=True)))
    _, (finding,) = farewell(DELETE, of, Farewells(workflows))
    assert (finding.check, finding.decision.word) == ("workflow_alone", "refuse")
    assert "the only one in Permits / Sign:" in finding.message


@pytest.mark.parametrize("has", [{"drafts": 2}, {"assigned": 3}, {"drafts": 2, "assigned": 3}])
def test_documents_are_held(has):
    whole, findings = said(dossier(**has))
    assert (findings, whole.after) == ([("documents", "hold")], {"documents": "discard"})


def test_with_discard_documents_go_with_the_account():
    whole, findings = said(dossier(drafts=2), Farewells(documents="discard"))
    assert (findings, whole.after) == ([], {"documents": "discard"})


def test_with_reassign_the_receiver_gets_the_documents():
    whole, findings = said(dossier(assigned=1), Farewells(documents="reassign"), BOSS)
    assert (findings, whole.after) == ([], {"documents": BOSS})


def test_with_reassign_and_nobody_to_take_them_documents_are_held():
    whole, findings = said(dossier(assigned=1), Farewells(documents="reassign"))
    assert (findings, whole.after) == ([("documents", "hold")], {"documents": "discard"})


def test_a_receiver_counts_only_when_documents_are_reassigned():
    assert said(dossier(drafts=1), Farewells(documents="hold"), BOSS)[0].after == {"documents": "discard"}


def test_all_that_speaks_against_it_is_said_at_once():
    of = dossier(owner=True, role="Admin", workflows=(part(alone=True),), drafts=1)
    assert said(of, Farewells(protected=frozenset({ANNA})))[1] == [
        ("protected", "refuse"),
        ("owner", "refuse"),
        ("admin", "hold"),
        ("workflow_alone", "refuse"),
        ("documents", "hold"),
    ]


def admins(total, *deletions):
    return leaving_admins({made.key: made for made in deletions}, total)


ADMIN = deletion(of=dossier(role="Admin"))
OTHER = deletion("b@x.example", of=dossier(role="Editor"))
OWNER = deletion("o@x.example", of=dossier(owner=True))
PLAIN = deletion("p@x.example")


def test_the_last_admin_is_refused():
    finding = admins(1, ADMIN, PLAIN)
    assert (finding.check, finding.decision.word, finding.changes) == ("last_admin", "refuse", (ADMIN.key,))


def test_all_admins_leaving_in_one_plan_are_refused_together():
    assert set(admins(2, ADMIN, OTHER, PLAIN).changes) == {ADMIN.key, OTHER.key}
    assert set(admins(2, ADMIN, OWNER).changes) == {ADMIN.key, OWNER.key}


def test_while_one_admin_stays_the_others_may_go():
    assert admins(3, ADMIN, OTHER) is None
    assert admins(2, ADMIN, PLAIN) is None


def test_where_no_admin_leaves_or_their_number_is_unknown_there_is_nothing_to_say():
    assert admins(1, PLAIN) is None
    assert admins(1) is None
    assert admins(None, ADMIN) is None
