"""Why: what was decided, taken apart into facts with their values and rules."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from syncd.core.approval import Approval
from syncd.core.change import Decision, Finding
from syncd.core.diff import diff
from syncd.core.explain import Reading, Rule, Seen, Ways, humans, of_finding
from syncd.core.explain_deeds import Deed, History, PastRun, Planned, headline, of_deeds, past
from syncd.core.explain_records import of_records
from syncd.core.humans import Entry
from syncd.core.resolve import resolve
from syncd.core.returning import Departure
from syncd.core.rules import GroupRule, Rules
from tests.syncd.core.build import (
    ANNA,
    LONG_AGO,
    NOW,
    account,
    change,
    cluster,
    deletion,
    entry,
    ground,
    key,
    link,
    waited,
)

WHOLE = Reading(7, NOW, certified=True)
CUT = Reading(8, NOW, certified=False, problems=("the read was cut",))


def ways(rules=None, sources=("people", "ad"), **lines):
    return Ways(rules or Rules(), lambda name: Rule(name, lines.get(name.replace(".", "_"))), sources)


def record(text="people/E1", rules=None, *, gone=False, pinned=False, **attributes):
    """A record and the entry that these rules make of it."""
    attributes = {"email": ANNA, "display_name": "Anna", **attributes}
    shaped = (rules or Rules()).shape(attributes)
    return Entry(key(text), shaped, LONG_AGO if gone else None, pinned=pinned), Seen(attributes, last=WHOLE)


def told(parts, *, seen=None, by=None, history=None, on=None):
    """The facts of every human of a cluster, by step: {"read": ["…"], …}."""
    by = by or ways()
    whole = cluster(*parts)
    found = []
    for human in humans(whole.entries, whole.links, resolve(whole, precedence=by.precedence)):
        difference = diff(human.verdict, on or ground("Field")) if human.verdict else None
        steps = [*of_records(human, seen or {}, by), *of_deeds(human, difference, history or History(), by, NOW)]
        found.append((headline(human, difference), {step.name: step.facts for step in steps}))
    return found


def alone(parts, **more):
    (one,) = told(parts, **more)
    return one


def says(facts):
    return [fact.says for fact in facts]


# --- read ---------------------------------------------------------------------------------------------------------


def test_a_record_is_told_with_its_values_its_groups_and_the_line_of_its_source():
    one, seen = record(groups=("Field",))
    seen = Seen(seen.attributes, ("More",), WHOLE)
    _, steps = alone([one], seen={one.key: seen}, by=ways(**{"sources[0]": 12}))
    (fact,) = steps["read"]
    assert fact.says == "people/E1, read whole on 2026-03-10 12:00 UTC (r7)"
    assert fact.values == {"email": ANNA, "display_name": "Anna", "groups": ["Field", "More"]}
    assert fact.rules == (Rule("sources[0]", 12),)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen({}, last=CUT, certified=WHOLE), r"was not whole, the last whole one was on .* \(r7\): the read was cut$"),
        (Seen({}, last=Reading(8, NOW, certified=False)), r"; the last read, on .* \(r8\), was not whole$"),
        (Seen({}), "from a source that this configuration does not read$"),
    ],
)
def test_it_is_told_how_sure_the_last_read_is(seen, expected):
    one, _ = record("old/E1")
    (fact,) = alone([one], seen={one.key: seen})[1]["read"]
    assert re.search(expected, fact.says)
    assert fact.rules == ()


def test_a_gone_and_a_pinned_record_are_told_as_such():
    gone, seen = record(gone=True)
    headed, steps = alone([gone, waited("people/E1"), account()], seen={gone.key: seen})
    assert headed == "left: the account f1 is due to be deleted"
    assert says(steps["read"]) == ["people/E1 is gone: a whole read missed it first on 2026-02-08 12:00 UTC"]
    assert steps["scope"] == steps["map"] == ()
    pinned, seen = record(pinned=True)
    assert (
        "a row that could not be read might have meant it"
        in says(alone([pinned], seen={pinned.key: seen})[1]["read"])[0]
    )


def test_of_whom_no_record_is_left_is_said():
    (fact,) = alone([entry("people/E1")])[1]["read"]
    assert fact.says == "no record of this person is in the store any more"


# --- scope and map ------------------------------------------------------------------------------------------------


def test_scope_shows_the_expression_and_the_values_that_it_used():
    rules = Rules(scope='department != "Temps" and city is defined')
    one, seen = record(rules=rules, department="Temps")
    headed, steps = alone([one], seen={one.key: seen}, by=ways(rules, people_scope=31))
    assert headed == "has no account: people/E1 is out of scope"
    (fact,) = steps["scope"]
    assert fact.says == "people/E1 is out of scope"
    assert fact.values == {"expression": rules.scope, "city": None, "department": "Temps"}
    assert fact.rules == (Rule("people.scope", 31),)
    assert says(steps["match"]) == ["no record asks for an account, and none was made: nothing is done"]


def test_scope_may_be_in_unset_unworkable_or_not_even_asked():
    def scope(rules, **attributes):
        one, seen = record(rules=rules, **attributes)
        (fact,) = alone([one], seen={one.key: seen}, by=ways(rules))[1]["scope"]
        return fact.says, dict(fact.values)

    assert scope(Rules(scope="active")) == ("people/E1 is in scope", {"expression": "active", "active": True})
    assert scope(Rules()) == ("people/E1 is in scope: people.scope is not set", {})
    assert scope(Rules(scope="nothing")) == (
        "people/E1 cannot be judged: people.scope or people.map cannot be worked out: 'nothing' is undefined",
        {"expression": "nothing", "nothing": None},
    )
    assert scope(Rules(scope="active"), active=False) == ("people/E1 is not active", {"active": False})


def test_what_is_mapped_shows_its_template_and_its_line():
    rules = Rules(None, {"display_name": "{{ display_name }}, {{ city }}"}, (GroupRule(re.compile("F(.*)"), "Field"),))
    one, seen = record(rules=rules, city="Oslo", groups=("Fx", "Odd"))
    _, steps = alone([one], seen={one.key: seen}, by=ways(rules, people_map_display_name=9))
    email, name, field, odd = steps["map"]
    assert (email.says, email.rules) == (f"email = {ANNA}, as people/E1 gives it", ())
    assert name.says == "display_name = Anna, Oslo"
    assert name.values == {"template": "{{ display_name }}, {{ city }}", "city": "Oslo", "display_name": "Anna"}
    assert name.rules == (Rule("people.map.display_name", 9),)
    assert (field.says, field.values, field.rules) == (
        "group Fx = Field",
        {"pattern": "F(.*)"},
        (Rule("groups.map[0]"),),
    )
    assert odd.says == "group Odd is left out: no line of groups.map names it"


def test_groups_without_a_map_stay_as_they_are():
    one, seen = record(groups=("Field",))
    assert says(alone([one], seen={one.key: seen})[1]["map"])[-1] == "group Field, as people/E1 gives it"


# --- match and merge ----------------------------------------------------------------------------------------------


def test_matching_tells_whose_account_it_is():
    headed, steps = alone([entry("people/E1")])
    assert headed == "should have an account, and has none"
    assert says(steps["match"]) == ["no account is linked, and none has this address: a new one is needed"]
    headed, steps = alone([entry("people/E1"), link("people/E1", email=ANNA), account()])
    assert headed == "has the account f1: as the directory wants it"
    assert says(steps["match"]) == ["people/E1 owns the account f1"]
    _, steps = alone([entry("people/E1"), account()])
    assert says(steps["match"]) == ["the account f1 has the address of people/E1, and becomes its own"]
    assert steps["match"][0].rules == (Rule("people.adopt"),)
    _, steps = alone([entry("people/E1"), link("people/E1")])
    assert "the account f1 that was linked is not in Fluix any more" in says(steps["match"])
    headed, steps = alone([entry("people/E2"), entry("people/E1", gone=True), link("people/E1"), account()])
    assert headed == "has the account f1: 1 change due"
    assert "the account f1 was made from people/E1, whose address people/E2 has now" in says(steps["match"])


def test_a_leaver_is_told_since_when_and_after_how_many_reads():
    left = [entry("people/E1", gone=True), link("people/E1", since=NOW, reads=1), account()]
    headed, steps = alone(left)
    assert headed == "left: the account f1 waits"
    assert says(steps["match"])[0] == "people/E1 owns the account f1, leaving since 2026-03-10 12:00 UTC"
    assert steps["match"][0].values == {"certified_reads": 1}
    assert steps["policy"][0].rules == (Rule("leavers.grace_days"), Rule("leavers.certified_absences"))
    assert steps["policy"][0].says.startswith("note, waiting: ")


def test_who_cannot_be_told_apart_is_one_human_with_the_reason():
    headed, steps = alone([entry("people/E1"), entry("people/E2"), link("people/E1"), account()])
    assert headed == "no program can decide this: nothing is changed until a person mends it"
    assert says(steps["match"])[0] == "people/E1 owns the account f1"
    assert says(steps["match"])[1].startswith("conflict: people/E1, people/E2 share the address")
    assert says(steps["policy"]) == ["nothing to check"]


def test_two_humans_of_one_cluster_are_told_apart_and_a_record_of_nobody_stands_alone():
    out = entry("people/E3", out="is out of scope")
    found = told([entry("people/E1"), link("people/E1"), account(), out])
    assert [headed for headed, _ in found] == [
        "has the account f1: as the directory wants it",
        "has no account: people/E3 is out of scope",
    ]


def test_a_record_of_nobody_may_still_be_linked():
    unowned = told([entry("people/E1", gone=True), link("people/E1")])
    assert [headed for headed, _ in unowned] == ["has no account: people/E1 is gone from its source"]


def test_merging_tells_which_source_won():
    parts = [entry("people/E1", groups=["Field"]), entry("ad/x", name="A. Berg", groups=["Field", "Office"])]
    _, steps = alone(parts, by=ways(**{"sources[0]": 4}))
    assert says(steps["merge"]) == [
        f"email = {ANNA}, from people/E1, whose source stands first",
        "display_name = Anna, from people/E1, whose source stands first",
        "group Field, from people/E1 and ad/x",
        "group Office, from ad/x",
    ]
    assert steps["merge"][0].rules == (Rule("sources[0]", 4),)
    assert says(alone([entry("people/E1")])[1]["merge"]) == ["one record alone, people/E1: nothing to merge"]


# --- diff ---------------------------------------------------------------------------------------------------------


def test_each_attribute_and_group_is_compared_three_ways():
    given = {"email": ANNA, "display_name": "Anna", "groups": ["Field", "Lost", "Past"]}
    parts = [
        entry("people/E1", groups=["Field", "Lost", "New"]),
        link("people/E1", **given),
        account(name="By hand", groups=["Field", "Past", "Theirs"]),
    ]
    _, steps = alone(parts, on=ground("Field", "Lost", "New"))
    facts = steps["diff"]
    assert says(facts)[:7] == [
        "email is as wanted",
        "display_name was changed in Fluix by hand",
        "group Field is there, as wanted",
        "group Lost is wanted, and was taken away in Fluix by hand",
        "group New is wanted, and not there",
        "group Past is there because we gave it, and is not wanted any more",
        "group Theirs is there, and we did not give it: left alone",
    ]
    assert facts[1].values == {"account": "By hand", "wanted": "Anna", "given": "Anna"}
    assert facts[1].rules == (Rule("people.on_drift"),)
    update = facts[7]
    assert update.says == f"update_user:{ANNA}: changed in Fluix by hand"
    assert update.values == {"before": {"display_name": "By hand"}, "after": {"display_name": "Anna"}}


def test_what_the_directory_changed_is_no_drift():
    parts = [entry("people/E1", name="New"), link("people/E1", display_name="Anna"), account()]
    fact = alone(parts)[1]["diff"][1]
    assert (fact.says, fact.rules) == ("display_name is not as wanted", ())


# --- policy, approval, outcome ------------------------------------------------------------------------------------

LEFT = [entry("people/E1", gone=True), waited("people/E1"), account()]
DELETE = deletion()


def planned(decision=Decision.HOLD, findings=(), approvals=()):
    return Planned(12, 9, NOW, ((DELETE, decision),), tuple(findings), tuple(approvals))


def yes(**more):
    plain = {
        "digest": "d",
        "keys": frozenset({DELETE.key}),
        "approver": "bob",
        "comment": "left",
        "approved_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return Approval(**{**plain, **more})


def test_what_no_plan_holds_yet_is_not_decided():
    steps = alone(LEFT)[1]
    assert says(steps["policy"]) == ["no plan holds these changes yet: the next one checks them, with its budgets"]
    other = Planned(12, 9, NOW, ((change("create_user", ANNA), Decision.PROCEED),))
    assert alone(LEFT, history=History(other))[1]["policy"] == steps["policy"]


def test_findings_of_the_plan_stand_with_their_line_and_what_was_decided():
    message = "27 deletions in this plan: 27 is over the budget of 25 a run (budgets.run.delete.count)"
    budget = Finding("budget", Decision.HOLD, message, (DELETE.key,))
    steps = alone(LEFT, history=History(planned(findings=[budget])), by=ways(budgets_run_delete_count=44))[1]
    assert steps["policy"][0].says == f"hold, budget: {budget.message}"
    assert steps["policy"][0].rules == (Rule("budgets.run.delete.count", 44),)
    assert says(steps["policy"])[1] == "plan p12 of 2026-03-10 12:00 UTC decided hold"
    assert says(steps["approval"]) == [f"{DELETE.key} waits for one: syncd approve p12 --only {DELETE.key}"]


def test_where_nothing_speaks_against_it_that_is_said():
    steps = alone(LEFT, history=History(planned(Decision.PROCEED)))[1]
    assert says(steps["policy"]) == ["plan p12 of 2026-03-10 12:00 UTC decided proceed, nothing speaks against it"]
    assert says(steps["approval"]) == ["none was needed"]


def test_a_budget_finding_that_names_no_key_and_a_check_without_one():
    place = ways().place
    assert of_finding(Finding("budget", Decision.HOLD, "too much"), place).rules == ()
    assert of_finding(Finding("owner", Decision.REFUSE, "no"), place).rules == ()


def test_an_approval_is_told_with_its_comment_and_whether_it_lapsed():
    lapsed = yes(expires_at=NOW)
    steps = alone(LEFT, history=History(planned(approvals=[yes(), lapsed, yes(keys=frozenset())])))[1]
    assert says(steps["approval"]) == [
        f"{DELETE.key} was approved by bob on 2026-03-10 12:00 UTC",
        f"{DELETE.key} was approved by bob on 2026-03-10 12:00 UTC, which has lapsed",
    ]
    assert steps["approval"][0].values == {"comment": "left", "expires_at": "2026-03-10T13:00:00+00:00"}


def departure(**more):
    return Departure(1, "f1", ANNA, {}, NOW, actor="bob", **more)


def test_the_outcome_lists_deeds_and_departures():
    deeds = [
        Deed(9, 12, DELETE.key, "reassign_documents", "failed", NOW, "no such user"),
        Deed(9, 12, DELETE.key, "delete_user", "intended", NOW),
    ]
    history = History(planned(), deeds, [departure(), departure(returned_as="b@x.example")])
    facts = alone(LEFT, history=history)[1]["outcome"]
    assert says(facts) == [
        f"2026-03-10 12:00 UTC r9 {DELETE.key} failed: no such user",
        f"2026-03-10 12:00 UTC r9 {DELETE.key} was begun, and has no end yet: the next run finishes it",
        f"2026-03-10 12:00 UTC {ANNA} was deleted by bob",
        f"2026-03-10 12:00 UTC {ANNA} was deleted by bob",
    ]
    assert facts[0].values == {"plan": "p12", "step": "reassign_documents"}
    assert facts[3].values == {"returned_as": "b@x.example"}
    assert says(alone(LEFT)[1]["outcome"]) == ["nothing was done for this person so far"]


# --- a past run ---------------------------------------------------------------------------------------------------


def then(history, **readings):
    found = past(ANNA, PastRun(9, "run", "bob", NOW, "done", readings), history, ways(), NOW)
    return found.says, {step.name: says(step.facts) for step in found.steps}


def test_a_past_run_tells_what_was_kept_of_it_and_no_more():
    headed, steps = then(History(planned()), people=WHOLE, ad=CUT)
    assert headed == "in run r9 (run by bob, 2026-03-10 12:00 UTC: done)"
    assert steps["read"] == ["people was read whole", "ad was not read whole"]
    assert steps["diff"] == [f"{DELETE.key}: gone"]
    assert steps["policy"] == ["plan p12 of 2026-03-10 12:00 UTC decided hold, nothing speaks against it"]
    assert steps["outcome"] == ["nothing was done for this person by this plan"]
    assert not steps.keys() & {"scope", "map", "match", "merge"}


def test_a_past_run_without_a_plan_or_without_this_person():
    assert then(History())[1]["diff"] == ["this run made no plan"]
    assert then(History())[1]["read"] == ["this run read no source"]
    assert then(History(Planned(12, 9, NOW)))[1]["diff"] == ["nothing was to be changed for this person"]
