from dataclasses import replace

import pytest

from syncd.core.change import Decision, Finding
from syncd.core.diff import diff
from syncd.core.plan import Plan
from syncd.core.report import Applied, Report
from syncd.core.resolve import resolve
from syncd.core.safety import Review
from syncd.core.standing import Standing, after, standings
from tests.syncd.core.build import ANNA, account, cluster, entry, ground, key, link, waited

GIVEN = {"email": ANNA, "display_name": "Anna", "groups": ["Field"]}


def look(*parts, on=None):
    """How it stands before anything is done, by record."""
    found = cluster(*parts)
    pairs = [(verdict, diff(verdict, on or ground("Field"))) for verdict in resolve(found)]
    return {str(record): standing for record, standing in standings(found, pairs)}


def end(standing, decision=Decision.PROCEED, *, applied=None, says=""):
    """How it stands after a run that decided so of all its changes."""
    changes = standing.changes
    findings = (Finding("check", decision, says, tuple(change.key for change in changes)),) if says else ()
    decisions = {change.key: decision for change in changes}
    return after(standing, Report(1, 1, Plan.of(changes), Review(findings, decisions), (), decisions, applied))


def short(standing):
    return standing.state, standing.reason, standing.fluix_id, standing.invitation


def test_somebody_new_is_pending_until_it_is_done():
    (new,) = look(entry("push/E1", groups=["Field"])).values()
    assert short(new) == ("pending", "", None, None)
    assert short(end(new)) == ("pending", "planned, and not done yet", None, None)
    assert short(end(new, applied=Applied())) == ("provisioned", "", None, "sent")


@pytest.mark.parametrize(
    ("decision", "state", "says"),
    [(Decision.HOLD, "held", "over the budget"), (Decision.REFUSE, "refused", "no seat is left")],
)
def test_what_is_not_let_through_says_why(decision, state, says):
    (new,) = look(entry("push/E1")).values()
    assert short(end(new, decision, applied=Applied(), says=says)) == (state, says, None, None)
    assert end(new, decision).reason == "waits for approval"


def test_what_failed_or_dropped_out_says_why():
    (new,) = look(entry("push/E1")).values()
    (change,) = new.changes
    assert short(end(new, applied=Applied(failed=[(change, "no")])))[:2] == ("failed", "no")
    assert short(end(new, applied=Applied(unproven=[(change, "is not there")])))[:2] == ("failed", "is not there")
    assert short(end(new, applied=Applied(stale=[(change, "is there by now")])))[:2] == ("pending", "is there by now")


def test_what_a_person_was_asked_to_do_is_not_done():
    (new,) = look(entry("push/E1")).values()
    applied = Applied()
    applied.ordered["create_user"] += 1
    assert end(new, applied=applied).state == "pending"
    apart = after(new, Report(1, 1, Plan.of(()), Review((), {}), (), {}, Applied()))
    assert short(apart)[:2] == ("pending", "asked for earlier, and not done yet")


@pytest.mark.parametrize(("state", "invitation"), [("invited", "sent"), ("active", "accepted")])
def test_who_has_an_account_is_provisioned(state, invitation):
    (there,) = look(
        entry("push/E1", groups=["Field"]), link("push/E1", **GIVEN), account(groups=["Field"], state=state)
    ).values()
    assert short(there) == ("provisioned", "", "f1", invitation)
    assert end(there, applied=Applied()) == there


def test_what_waits_of_somebody_with_an_account_is_told_beside_it():
    (there,) = look(entry("push/E1", groups=["Field"]), link("push/E1", **GIVEN), account()).values()
    (change,) = there.changes
    told = end(there, Decision.HOLD, applied=Applied(), says="too many")
    assert short(told)[:2] == ("provisioned", f"{change.key}: too many")
    assert end(there, applied=Applied()).reason == ""


def test_a_leaver_waits_and_then_has_none():
    parts = (entry("push/E1", out="is not active"), account(groups=["Field"]))
    (waiting,) = look(*parts, link("push/E1", **GIVEN)).values()
    assert (waiting.state, waiting.fluix_id, waiting.changes) == ("leaving", "f1", ())
    assert "the account waits" in waiting.reason
    assert end(waiting, applied=Applied()) == waiting
    (due,) = look(*parts, waited("push/E1", **GIVEN)).values()
    assert short(end(due, Decision.HOLD, says="holds a role")) == ("held", "holds a role", "f1", None)
    assert short(end(due, applied=Applied())) == ("deprovisioned", "", "f1", None)


def test_stripping_the_groups_of_a_leaver_is_no_deletion():
    stripped = replace(ground("Field"), strip_groups=True)
    parts = (entry("push/E1", out="is not active"), link("push/E1", **GIVEN), account(groups=["Field"]))
    (waiting,) = look(*parts, on=stripped).values()
    assert waiting.changes
    assert end(waiting, applied=Applied()).state == "leaving"


def test_who_asks_for_nothing_and_has_nothing_is_excluded():
    assert look(entry("push/E1", out="is out of scope")) == {
        "push/E1": Standing("excluded", "push/E1 is out of scope"),
    }


def test_what_cannot_be_decided_says_so_for_each_record():
    found = look(entry("push/E1"), entry("push/E2"))
    assert {standing.state for standing in found.values()} == {"undecided"}
    assert set(found) == {"push/E1", "push/E2"}
    assert "share the address" in found["push/E1"].reason


def test_somebody_whose_key_changed_waits_for_a_persons_answer():
    parts = (entry("push/E2"), entry("push/E1", gone=True), link("push/E1", **GIVEN), account(groups=["Field"]))
    found = look(*parts)
    assert found[str(key("push/E2"))].state == "pending"
    assert end(found["push/E2"], Decision.HOLD, says="the key changed").state == "held"


def test_the_worst_of_several_counts():
    (new,) = look(entry("push/E1")).values()
    (change,) = new.changes
    other = replace(change, kind="add_member", group="Field", user=ANNA)
    both = replace(new, changes=(change, other))
    decisions = {change.key: Decision.HOLD, other.key: Decision.REFUSE}
    report = Report(1, 1, Plan.of(both.changes), Review((), decisions), (), decisions, Applied())
    assert after(both, report).state == "refused"
