"""The last look before a deletion (`syncd.apply`): what its core rechecks cannot see, because it changes meanwhile."""

from contextlib import nullcontext

from connectors.model import AccountGroup, Outcome
from syncd.apply import Worker
from tests.syncd.core.build import account, change, deletion, dossier, part

ADMIN = dossier(role="Admin")


class Account:
    """A target that tells more the second time that it is asked about somebody."""

    def __init__(self, *dossiers):
        self.told = iter(dossiers)
        self.deleted = []

    def read(self):
        return iter([AccountGroup("g1", "Field")])

    def get(self, ids):
        return {name: account(name, name.removeprefix("id of ")) for name in ids if name not in self.deleted}

    def dossiers(self, ids):
        told = next(self.told)
        return dict.fromkeys(ids, told)

    def apply(self, steps):
        self.deleted += [step.fluix_id for step in steps if step.verb == "delete_user"]
        return [Outcome(step.operation_id, "done", step.fluix_id) for step in steps]


class Journal:
    def intend(self, plan_id, steps):
        pass

    def conclude(self, ended, doubted):
        pass

    def drop(self, plan_id, stale):
        pass


def applied(target, *changes):
    worker = Worker(
        target,
        Journal(),
        lambda keys: {},
        lambda keys: {change.fluix_id for change in changes},
        lambda email: "boss",
        critical=nullcontext,
    )
    return worker.apply(1, changes)


def test_a_deletion_of_what_has_become_the_last_admin_is_not_done():
    """Planned and approved as one of three admins; the two others were demoted since."""
    for last in (1, 0):
        target = Account(dossier(role="Admin", admins=last), dossier(role="Admin", admins=last))
        done = applied(target, deletion(of=ADMIN))
        assert target.deleted == []
        assert [why for _, why in done.failed] == ["it is the last admin of the account by now"]


def test_an_owner_counts_as_an_admin():
    owner = dossier(owner=True, admins=1)
    assert applied(Account(owner, owner), deletion(of=dossier(owner=True))).failed


def test_two_approved_admins_do_not_both_go_when_only_one_other_is_left_of_them():
    target = Account(dossier(role="Admin", admins=2), dossier(role="Admin", admins=2))
    done = applied(target, deletion("a@x.example", of=ADMIN), deletion("b@x.example", of=ADMIN))
    assert target.deleted == ["id of a@x.example"]
    assert [made.user for made, _ in done.failed] == ["b@x.example"]


def test_while_another_admin_stays_an_approved_admin_goes():
    target = Account(ADMIN, ADMIN)
    assert applied(target, deletion(of=ADMIN)).done == {"delete_user": 1}


def test_who_got_a_role_or_a_workflow_or_documents_meanwhile_stays():
    plain = dossier()
    gone = deletion(of=dossier(drafts=1), after={"documents": "discard"})
    for made, before, now in (
        (deletion(), plain, ADMIN),
        (deletion(), plain, dossier(workflows=(part(),))),
        (gone, dossier(drafts=1), dossier(assigned=1)),
    ):
        target = Account(before, now)
        assert applied(target, made).failed
        assert target.deleted == []


def test_a_change_that_deletes_nobody_is_not_asked_about():
    assert applied(Account(), change("create_group", None, "Field")).done == {"create_group": 1}
