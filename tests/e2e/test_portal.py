"""Days of a company whose Fluix is the real one: exports come in, work orders go out, an admin works in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from connectors.errors import ConnectorError
from syncd.core.approval import Approval
from syncd.core.report import Report
from syncd.run import apply_plan, make_plan, run
from syncd.store import plans
from syncd.store.audit import verify
from syncd.store.engine import reading
from syncd.store.tables import journal, links
from syncd.sync import Request
from tests.house import House, Person, staff
from tests.portal_server import COLUMNS, Portal, PortalRefusesError, User, checklist

SETTINGS: dict[str, Any] = {
    "type": "portal",
    "exports": "exports",
    "orders": "orders",
    "columns": COLUMNS,
    "groups_separator": "|",
    "active_states": ["Active"],
    "invited_states": ["Invited"],
    "settle_seconds": 0,
}


class Company:
    """A house, its real Fluix, and the admin between them."""

    def __init__(self, house: House, **settings: Any) -> None:
        self.house = house
        house.configure(target={**SETTINGS, **settings})
        self.portal = Portal(groups={"Field"})
        for number in range(1, 13):
            self.portal.users[f"old{number}@example.com"] = User(f"Old {number}", set(), "Active")
        self.export()

    @property
    def orders(self) -> Path:
        return self.house.folder / "orders"

    def order(self, number: int) -> Path:
        return self.orders / f"workorder-{number}"

    def written(self) -> list[str]:
        return sorted(path.name for path in self.orders.iterdir()) if self.orders.exists() else []

    def export(self) -> None:
        self.house.clock.advance(days=1)
        self.portal.export(self.house.folder / "exports", self.house.clock.now)
        self.house.clock.advance(minutes=5)

    def run(self) -> Report:
        return run(self.house.app().sync(), Request("run"))

    def apply_approved(self, report: Report) -> Report:
        app = self.house.app()
        now = app.clock()
        keys = frozenset(report.plan.counts() and [change.key for change in report.plan.changes])
        plans.approve(app.store, report.plan_id, Approval(report.plan.digest, keys, "eva", "left", now, now.replace(year=now.year + 1)))  # fmt: skip
        return apply_plan(app.sync(), report.plan_id)

    def given(self, external_id: str) -> Any:
        with reading(self.house.app().store) as connection:
            query = select(links.c.fluix_id, links.c.given).where(links.c.external_id == external_id)
            return connection.execute(query).first()

    def states(self) -> dict[str, str]:
        with reading(self.house.app().store) as connection:
            return dict(connection.execute(select(journal.c.key, journal.c.state)).all())


def found(report: Report, check: str) -> list[str]:
    return [finding.message for finding in report.review.findings if finding.check == check]


@pytest.fixture
def company(house: House) -> Company:
    return Company(house)


@pytest.fixture
def settled(company: Company) -> Company:
    """E001 to E003 are in Fluix, as the directory wants them."""
    company.house.hire(staff(3))
    company.run()
    company.portal.work_off(company.order(1))
    company.export()
    assert company.run().plan.changes == ()
    for user in company.portal.users.values():
        user.state = "Active"
    company.export()
    return company


def test_a_first_day_and_the_export_that_proves_it(company):
    company.house.hire([Person("E1"), Person("E2", groups=("Field", "Night")), Person("E3", "Zoë Ñandú", groups=())])
    report = company.run()
    assert report.outcome == {"done": 0, "failed": 0, "stale": 0, "skipped": 0, "ordered": 5}
    assert company.written() == ["workorder-1", "workorder-1.zip"]
    assert set(company.states().values()) == {"ordered"}
    assert company.given("E1") is None

    company.portal.work_off(company.order(1))
    assert company.portal.users["e2@example.com"].groups == {"Field", "Night"}
    assert company.portal.invitations == ["e1@example.com", "e2@example.com", "e3@example.com"]
    company.export()
    after = company.run()
    assert (after.plan.changes, after.review.findings) == ((), ())
    assert set(company.states().values()) == {"done"}
    assert company.given("E2").given["groups"] == ["Field", "Night"]
    assert company.written() == ["workorder-1", "workorder-1.zip"]
    assert verify(company.house.app().store)[1] is None


def test_one_work_order_a_run_whatever_is_in_it(settled):
    first, second, third = staff(3)
    settled.house.hire([replace(first, name="Anna Hill"), replace(second, groups=("Night",)), third, Person("E9")])
    report = settled.run()
    assert report.outcome["ordered"] == 5
    assert settled.written() == ["workorder-1", "workorder-1.zip", "workorder-2", "workorder-2.zip"]
    with ZipFile(settled.orders / "workorder-2.zip") as archive:
        for name in archive.namelist():
            assert archive.read(name) == (settled.orders / name).read_bytes()
    settled.portal.work_off(settled.order(2))
    settled.export()
    assert settled.run().plan.changes == ()
    assert settled.portal.users["e001@example.com"].name == "Anna Hill"
    assert settled.portal.users["e002@example.com"].groups == {"Night"}


def test_what_waits_is_not_ordered_again_and_is_said_with_its_age(company):
    company.house.hire(staff(2))
    company.run()
    company.house.clock.advance(days=3)
    for _ in range(2):
        again = company.run()
        assert again.plan.changes == ()
        assert again.decision.word == "proceed"
        (said,) = found(again, "ordered")
        assert said.startswith("work order w1 has waited for 3.0 days with 3 open items: ")
    assert company.written() == ["workorder-1", "workorder-1.zip"]


def test_an_admin_who_overlooks_something_is_not_believed(company):
    company.house.hire(staff(2, groups=("Field", "Night")))
    company.run()
    company.portal.work_off(company.order(1), leave_out=["e002@example.com to the group Night"])
    company.export()
    report = company.run()
    (said,) = found(report, "ordered")
    assert "with 1 open items: add_member:e002@example.com:Night" in said
    assert company.given("E002").given["groups"] == ["Field"]


def test_a_changed_email_is_the_same_account_and_its_link_follows(settled):
    first, *others = staff(3)
    settled.house.hire([replace(first, email="anna@example.com"), *others])
    before = settled.given("E001")
    report = settled.run()
    assert list(report.plan.counts()) == ["update_user"]
    assert settled.run().plan.changes == ()
    assert settled.portal.work_off(settled.order(2)) == ["Change the email of e001@example.com to anna@example.com"]
    settled.export()
    after = settled.run()
    assert (after.plan.changes, after.review.findings) == ((), ())
    now = settled.given("E001")
    assert now.fluix_id == before.fluix_id
    assert now.given == {**before.given, "email": "anna@example.com"}
    # The old address is free again, and whoever gets it is somebody else.
    settled.house.hire([replace(first, email="anna@example.com"), *others, Person("E100", "New", "e001@example.com")])
    settled.run()
    settled.portal.work_off(settled.order(3))
    settled.export()
    assert settled.run().plan.changes == ()
    assert settled.given("E100").fluix_id != now.fluix_id
    assert settled.given("E001").fluix_id == now.fluix_id


@pytest.mark.parametrize("adopt", ["matched", "never"])
def test_whom_we_asked_for_is_ours_whether_or_not_others_are_adopted(house, adopt):
    company = Company(house)
    house.configure(people={"adopt": adopt})
    house.hire([*staff(1), Person("E050", "Old 1", "old1@example.com", groups=())])
    company.run()
    company.portal.work_off(company.order(1))
    company.export()
    company.run()
    assert company.given("E001") is not None
    assert (company.given("E050") is not None) == (adopt == "matched")


def test_a_deletion_waits_for_an_approval_and_asks_for_what_the_export_does_not_tell(settled):
    settled.house.hire(staff(2))
    held = settled.run()
    assert held.decision.word == "hold"
    assert "e003@example.com may take part in workflows: the account does not tell" in found(held, "unknown")
    assert settled.written()[-1] == "workorder-1.zip"
    ordered = settled.apply_approved(held)
    assert ordered.outcome["ordered"] == 1
    text = (settled.order(2) / "checklist.md").read_text()
    assert "**1. Delete e003@example.com**" in text
    assert "See whether e003@example.com is the owner or holds a role" in text
    assert "Remove e003@example.com from every workflow" in text
    assert "In Document Status, look for drafts and assigned documents of e003@example.com" in text
    assert "approved by eva." in text
    # Nothing of it is asked again, or held again, while it waits.
    waiting = settled.run()
    assert (waiting.plan.changes, waiting.decision.word) == ((), "proceed")
    assert [finding.check for finding in waiting.review.findings] == ["ordered"]


def test_the_system_does_not_let_a_participant_be_deleted_until_removed_from_the_workflow(settled):
    settled.portal.workflows["Permits"] = {"e003@example.com", "old1@example.com"}
    settled.house.hire(staff(2))
    settled.apply_approved(settled.run())
    with pytest.raises(PortalRefusesError, match="takes part in"):
        settled.portal.work_off(settled.order(2), workflows=False)
    settled.portal.work_off(settled.order(2))
    settled.export()
    assert settled.run().plan.changes == ()
    assert settled.given("E003") is None


def test_who_comes_back_is_not_deleted(settled):
    settled.house.hire(staff(2))
    settled.apply_approved(settled.run())
    settled.house.hire(staff(3))
    report = settled.run()
    (said,) = found(report, "withdrawn")
    assert said == "delete_user:e003@example.com was asked for in work order w2, and must not be done any more"
    text = (settled.order(3) / "checklist.md").read_text()
    assert "## Do not do any more\n\n- Delete e003@example.com (item 1 of w2)" in text
    assert list(checklist(settled.order(3) / "checklist.md")) == []
    assert settled.states()["delete_user:e003@example.com"] == "stale"
    assert settled.run().review.findings == ()
    assert settled.written()[-1] == "workorder-3.zip"
    # Wanted once more, it is asked for once more.
    settled.house.hire(staff(2))
    settled.apply_approved(settled.run())
    assert list(checklist(settled.order(4) / "checklist.md")) == [("Delete users (1)", "Delete e003@example.com")]


def test_a_name_that_changes_again_while_it_waits_is_ordered_anew(settled):
    first, *others = staff(3)
    for number, name in enumerate(["Anna Hill", "Anna Lee"], 2):
        settled.house.hire([replace(first, name=name), *others])
        settled.run()
        assert f"Rename e001@example.com to {name}" in dict(checklist(settled.order(number) / "checklist.md")).values()
    assert "Rename e001@example.com to Anna Hill (item 1 of w2)" in (settled.order(3) / "checklist.md").read_text()


def test_a_person_whose_groups_change_while_the_import_waits_is_imported_once(company):
    company.house.hire([Person("E1")])
    company.run()
    company.house.hire([Person("E1", groups=("Field", "Night"))])
    later = company.run()
    assert [change.kind for change in later.plan.changes] == ["create_group"]
    company.portal.work_off(company.order(1))
    company.portal.work_off(company.order(2))
    company.export()
    assert list(company.run().plan.counts()) == ["add_member"]


def test_a_word_that_the_next_export_contradicts(settled):
    settled.house.hire(staff(2))
    settled.apply_approved(settled.run())
    portal = settled.house.app().target()
    (item,) = portal.book.order(2).items
    assert portal.confirm(item, "eva") is False
    assert found(settled.run(), "contradicted") == []
    settled.export()
    (said,) = found(settled.run(), "contradicted")
    assert said.startswith("delete_user:e003@example.com was confirmed on 2026-11-")
    assert "UTC by eva, but the export of 2026-11-" in said
    assert said.endswith("UTC still has the user")
    settled.portal.delete("e003@example.com")
    settled.export()
    assert settled.run().review.findings == ()


def test_a_deletion_is_not_believed_from_an_export_of_another_account(settled):
    settled.house.hire(staff(2))
    settled.apply_approved(settled.run())
    other = Portal({f"x{number}@other.example": User("X", set(), "Active") for number in range(20)})
    settled.house.clock.advance(days=1)
    other.export(settled.house.folder / "exports", settled.house.clock.now)
    with pytest.raises(ConnectorError, match="of another account"):
        settled.run()
    assert settled.given("E003") is not None
    settled.export()
    assert found(settled.run(), "ordered")


@pytest.mark.parametrize("cut", ["intend", "conclude", "deliver"])
def test_a_killed_run_leaves_one_whole_order_after_the_next(company, monkeypatch, cut):
    company.house.hire(staff(3))
    from connectors.fluix.portal.target import PortalTarget
    from syncd.store.journal import Journal

    class Killed(BaseException):
        pass

    def killed(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(PortalTarget if cut == "deliver" else Journal, cut, killed)
        with pytest.raises(Killed):
            company.run()
    assert company.written() == []
    company.run()
    assert company.written() == ["workorder-1", "workorder-1.zip"]
    assert len(list(checklist(company.order(1) / "checklist.md"))) == 4
    company.portal.work_off(company.order(1))
    company.export()
    assert company.run().plan.changes == ()
    assert set(company.states().values()) == {"done"}


def test_a_plan_orders_nothing(company):
    company.house.hire(staff(2))
    assert len(make_plan(company.house.app().sync(), Request("plan")).plan.changes) == 3
    assert company.written() == []


def test_a_plan_for_one_user_withdraws_nobody_elses_orders(settled):
    first, second, third = staff(3)
    settled.house.hire([replace(first, name="Anna Hill"), second, third])
    settled.run()
    run(settled.house.app().sync(), Request("run", user="e002@example.com"))
    assert settled.written()[-1] == "workorder-2.zip"
    assert found(settled.run(), "withdrawn") == []
