"""why: one person, from the record to the outcome, now or in a past run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.fluix.account import EmbeddedAccount
from tests.house import Person, staff

GOLDEN = Path(__file__).parent / "golden"
PEOPLE = {"scope": '"Temps" not in groups', "map": {"display_name": "{{ display_name }} of {{ email }}"}}
GROUPS = {"map": [{"from": "Field", "to": "Field staff"}, {"from": "(?P<night>N.*)", "to": "{night}"}]}


def steps(ran, person=0):
    """`{"read": ["…"], …}` of one person."""
    return {step["step"]: [fact["says"] for fact in step["facts"]] for step in ran.json["people"][person]["steps"]}


def settled(text):
    """Without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-02 08:00", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


TEMP = Person("T005", groups=("Temps",))
LATER = [Person("E002", groups=("Night", "Odd")), *staff(6, groups=("Field", "Night"))[2:]]


@pytest.fixture
def company(house, call):
    """Six people with rules of their own; a day later one left, and one was moved."""
    house.configure(people=PEOPLE, groups=GROUPS)
    house.hire([*staff(6, groups=("Field", "Night")), TEMP])
    assert call("run").code == 0
    house.hire([*LATER, TEMP])
    assert call("plan").code == 0
    return house


def test_the_text_is_as_it_was_looked_at(company, call):
    told = "".join(settled(call("why", name).out) for name in ("E002@example.com", "e001@example.com", "people:T005"))
    expected = GOLDEN / "why.txt"
    assert told == expected.read_text(encoding="utf-8")


def test_it_fits_into_80_columns(company, call):
    assert max(len(line.rstrip()) for line in call("why", "e002@example.com").out.splitlines()[1:]) <= 80


def test_every_step_stands_in_the_document_with_values_and_lines(company, call):
    ran = call("why", "e002@example.com", "--json")
    (person,) = ran.json["people"]
    assert (ran.json["asked"], ran.json["run_id"], ran.json["not_kept"]) == ("e002@example.com", None, [])
    assert [step["step"] for step in person["steps"]] == [
        *("read", "scope", "map", "match", "merge", "diff", "policy", "approval", "outcome"),
    ]
    (scope,) = person["steps"][1]["facts"]
    assert scope["values"] == {"expression": '"Temps" not in groups', "groups": ["Night", "Odd"]}
    (rule,) = scope["rules"]
    line = company.config.read_text().splitlines()[rule["line"] - 1]
    assert (rule["key"], line.strip().split(":")[0]) == ("people.scope", "scope")


def test_neither_source_nor_target_is_asked(company, call, monkeypatch):
    def never(*_):
        raise AssertionError("it was asked")

    for name in ("read", "get", "find", "every_group", "dossiers", "seats"):
        monkeypatch.setattr(EmbeddedAccount, name, never)
    company.people.unlink()
    assert call("why", "e002@example.com").code == 0
    assert call("why", "e002@example.com", "--run", "r1").code == 0


def test_a_held_deletion_tells_its_budget_and_approval_and_then_its_end(company, call):
    company.configure(budgets={"run": {"delete": {"count": 0}}})
    assert call("plan", "--full").code == 3
    held = call("why", "e001@example.com", "--json")
    assert "budget: 1 deletion in this plan" in " ".join(steps(held)["policy"])
    (budget,) = [fact for fact in held.json["people"][0]["steps"][6]["facts"] if "budget:" in fact["says"]]
    assert budget["rules"][0]["key"] == "budgets.run.delete.count"
    plan_id = re.search(r"syncd approve (p\d+) --only delete_user:e001@example.com", steps(held)["approval"][0])[1]
    assert call("approve", plan_id, "--comment", "left").code == 0
    assert "was approved by" in steps(call("why", "e001@example.com", "--json"))["approval"][0]
    assert call("apply", plan_id).code == 0
    after = call("why", "E001@example.com", "--json")
    assert after.json["people"][0]["says"] == "is not in any source any more"
    assert "delete_user:e001@example.com done" in " ".join(steps(after)["outcome"])
    assert "e001@example.com was deleted by" in steps(after)["outcome"][-1]


def test_an_address_that_somebody_had_leads_to_them(company, call):
    company.hire([replace(LATER[0], email="married@example.com"), *LATER[1:], TEMP])
    assert call("run").code == 0
    for name in ("e002@example.com", "married@example.com", "people:E002", "people/E002"):
        ran = call("why", name, "--json")
        assert ran.json["people"][0]["who"] == "married@example.com"
        assert "update_user:e002@example.com done" in " ".join(steps(ran)["outcome"])


def test_a_past_run_tells_what_is_kept_and_says_what_is_not(company, call):
    ran = call("why", "e002@example.com", "--run", "r1", "--json")
    assert steps(ran)["diff"] == ["create_user:e002@example.com: people/E002 is new"]
    assert steps(ran)["outcome"][0].endswith("r1 create_user:e002@example.com done")
    assert "scope" not in steps(ran)
    assert [sentence.split(",")[0] for sentence in ran.json["not_kept"]] == [
        "what the records said then",
        "the configuration of then: lines and defaults are those of the present file",
    ]
    later = call("why", "e002@example.com", "--run", "r2", "--json")
    assert steps(later)["diff"] == [
        "remove_member:e002@example.com:Field staff: people/E002 is in Field staff no longer"
    ]
    assert "not kept what the records said then" in call("why", "e002@example.com", "--run", "r1").out


def test_a_past_run_without_anything_for_this_person_says_so(company, call):
    assert steps(call("why", "people:T005", "--run", "r1", "--json"))["diff"] == [
        "nothing was to be changed for this person"
    ]
    lost = call("why", "e002@example.com", "--run", "r77")
    assert (lost.code, "there is no run r77" in lost.err) == (2, True)


def test_findings_of_a_past_run_that_name_the_person_are_told(house, call):
    house.hire([*staff(2), Person("E009", email="e002@example.com")])
    assert call("run").code == 3
    policy = steps(call("why", "people:E009", "--run", "r1", "--json"))["policy"]
    assert policy[0].startswith("hold, conflict: people/E002, people/E009 share the address")


def test_who_is_unknown_is_told_the_nearest_and_the_reasons(company, call):
    ran = call("why", "e0002@example.com")
    assert ran.code == 2
    assert "nobody is known by e0002@example.com" in ran.err
    assert "did you mean e00" in ran.err
    assert "people: read whole, r2" in ran.err
    assert "its filter, search base or file leaves them out" in ran.err


def test_before_the_first_read_it_says_that_nothing_was_read(house, call):
    house.hire(staff(1))
    assert "people: never read" in call("why", "e001@example.com").err


def test_an_account_that_is_not_ours_is_told_as_such(company, call):
    assert call("users", "add", "--name", "X", "--email", "x@example.com").code == 0
    assert call("plan").code == 0
    assert call("why", "x@example.com", "--json").json["people"][0]["says"] == (
        "has an account that is not ours: no record has this address"
    )


def test_a_cut_read_is_told(company, call):
    company.people.write_text("Employee,User Name,Email,Group Name,Active,Manager\n")
    assert call("plan").code == 3
    (read,) = steps(call("why", "e002@example.com", "--json"))["read"]
    assert "was not whole, the last whole one was on" in read
    assert "has a header and no rows" in read
