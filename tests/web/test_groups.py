"""Groups, workflows and documents in the console."""

from __future__ import annotations

from tests.house import House
from tests.web.people_house import account_of
from tests.web_house import Console


def test_groups_with_their_counts(desk: Console) -> None:
    assert [(one["name"], one["members"]) for one in desk.json("/groups")["groups"]] == [("Field", 13), ("Office", 1)]
    assert desk.json("/groups?search=off")["total"] == 1


def test_a_group_that_a_source_rules_warns(desk: Console) -> None:
    assert desk.json("/groups/one?name=field")["ruled_by"] == "people"
    assert "The source people puts people into this group" in desk.page("/groups/one?name=Field")
    assert desk.json("/groups/one?name=Office")["ruled_by"] is None
    desk.page("/groups/one?name=Nowhere", 404)


def test_a_group_from_its_making_to_its_end(desk: Console) -> None:
    assert desk.do("/groups/create", name="Roads / North").location == "/console/groups/one?name=Roads+%2F+North"
    desk.do("/groups/join", name="Roads / North", emails="e001@example.com, e002@example.com\nhand@example.com")
    assert desk.json("/groups/one?name=Roads / North&size=2")["total"] == 3
    desk.do("/groups/leave", name="Roads / North", emails="e001@example.com")
    desk.do("/groups/join", 400, name="Roads / North", emails="nobody@example.com e001@example.com")
    desk.do("/groups/rename", name="Roads / North", new_name="Roads")
    assert [one["email"] for one in desk.json("/groups/one?name=Roads")["members"]] == [
        "e002@example.com",
        "hand@example.com",
    ]
    assert "typed differently" in desk.do("/groups/delete", 409, name="Roads", confirm="Road").text
    desk.do("/groups/delete", name="Roads", confirm="roads")
    desk.page("/groups/one?name=Roads", 404)


def test_a_group_on_which_a_step_rests_stays(desk: Console) -> None:
    assert "left without anyone" in desk.do("/groups/delete", 409, name="Office", confirm="Office").text


def test_who_takes_part_leaves_where_somebody_else_stays(desk: Console) -> None:
    assert [one["name"] for one in desk.json("/workflows")["workflows"]] == ["Permits"]
    first, second = desk.json("/workflows/one?name=Permits")["steps"]
    assert ([one["alone"] for one in first["users"]], second["groups"]) == ([False, False], ["Office"])
    desk.do("/workflows/leave", workflow="Permits", email="e002@example.com")
    (left,) = desk.json("/workflows/one?name=Permits")["steps"][0]["users"]
    assert (left["email"], left["alone"]) == ("owner@example.com", True)
    assert "left without anyone" in desk.do("/workflows/leave", 409, workflow="Permits", email="owner@example.com").text
    desk.page("/workflows/one?name=Nothing", 404)


def test_documents_are_given_away_and_deleted(desk: Console, company: House) -> None:
    assert desk.json("/documents?user=e001@example.com&size=1")["total"] == 2
    desk.do("/documents/reassign", user="e001@example.com", to="hand@example.com", state="draft")
    assert [one["title"] for one in desk.json("/documents?user=hand@example.com")["documents"]] == ["Form 7"]
    refused = desk.do("/documents/discard", 409, user="e001@example.com", confirm="yes")
    assert "typed differently" in refused.text
    desk.do("/documents/discard", user="e001@example.com", confirm="e001@example.com")
    assert account_of(company).show_user("e001@example.com")["documents"] == []
    desk.do("/documents/discard", 409, user="e001@example.com", confirm="e001@example.com")
    answer = desk.client.get("/console/documents/list.csv?user=hand@example.com")
    assert answer.get_data().decode("utf-8-sig").splitlines()[1] == "Form 7,draft,hand@example.com,Hanna Hand"
