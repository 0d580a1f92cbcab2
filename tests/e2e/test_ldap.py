"""From an OpenLDAP directory to the embedded account: a first day, and people who join, leave and are not to be seen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.house import House
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd, group, needs_slapd, person, uid_dn

pytestmark = needs_slapd


@pytest.fixture
def slapd(tmp_path) -> Iterator[Slapd]:
    people = [person(f"u{number}", mail=f"u{number}@example.com", displayName=f"U {number}") for number in range(8)]
    made = Slapd(tmp_path / "slapd").load(*people, group("Field", [uid_dn("u1"), uid_dn("u2")]))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def company(house: House, slapd: Slapd) -> House:
    secret = house.folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    source = {
        "name": "directory",
        "type": "ldap",
        "url": slapd.url,
        "starttls": False,
        "bind": {"user": READER, "password": {"file": "secret"}},
        "people": {"base": PEOPLE},
        "groups": {"base": GROUPS},
    }
    house.configure(
        sources=[source], leavers={"grace_days": 0, "certified_absences": 1}, budgets={"run": {"delete": {"count": 2}}}
    )
    return house


def users(house: House) -> dict[str, list[str]]:
    return {user["email"]: user["groups"] for user in house.syncd("users", "list", "--json").json}


def test_people_get_their_account_and_lose_it_only_when_they_are_gone_for_certain(company: House, slapd: Slapd) -> None:
    checked = company.syncd("check", "--json")
    assert (checked.code, checked.json["problems"]) == (0, [])
    assert f"source directory: {slapd.url}: 8 people, 1 group" in checked.json["facts"]
    assert "8 people, 1 group" in company.syncd("check").out
    first = company.syncd("run", "--json")
    assert (first.code, first.json["counts"]["create_user"]) == (0, 8)
    assert users(company)["u1@example.com"] == ["Field"]
    again = company.syncd("run", "--json")
    assert (again.code, again.json["changes"]) == (0, [])
    slapd.delete(uid_dn("u7"))
    slapd.add(person("new", mail="new@example.com", displayName="New"))
    second = company.syncd("run", "--json")
    assert (second.code, second.json["counts"]) == (0, {"create_user": 1, "delete_user": 1})
    assert "u7@example.com" not in users(company)
    assert "new@example.com" in users(company)


def test_a_member_who_is_left_out_is_told_with_the_plan(company: House, slapd: Slapd) -> None:
    slapd.add(group("Night", [uid_dn("u1"), "cn=far,dc=other,dc=org"]))
    planned = company.syncd("plan", "--json")
    (source,) = planned.json["sources"]
    assert source["certified"]
    (note,) = source["notes"]
    assert 'group "Night": 1 member is not there' in note
    assert company.syncd("show", planned.json["plan_id"], "--json").json["sources"] == [source]
    assert note in company.syncd("plan").out


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_what_was_asked_can_be_asked_again_by_hand(company: House, command: str) -> None:
    asked = company.syncd(command, "-v", "--json")
    assert asked.code == 0
    assert asked.json
    searches = [line for line in asked.err.splitlines() if line.startswith("ldapsearch ")]
    assert SECRET not in asked.err
    assert len(searches) >= 4
    assert company.syncd(command, "--json").err == ""
    (people,) = [line for line in searches if f"-b {PEOPLE}" in line and line.endswith(" entryUUID")]
    done = subprocess.run(
        ["sh", "-c", people.replace(" -W ", f" -w '{SECRET}' ")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("dn: uid=") == 8


def test_a_server_that_is_away_deletes_nobody(company: House, slapd: Slapd) -> None:
    company.syncd("run")
    slapd.stop()
    away = company.syncd("run", "--json")
    assert away.code == 1
    assert away.json["error"]["what"]
    assert len(users(company)) == 8


def test_the_owner_of_a_group_gets_the_documents_of_its_leavers(company: House, slapd: Slapd) -> None:
    company.configure(
        leavers={"grace_days": 0, "certified_absences": 1, "documents": {"reassign": "group_owner"}},
        shrink={"max_percent": 100},
    )
    slapd.change(f"dn: cn=Field,{GROUPS}\nchangetype: modify\nadd: owner\nowner: {uid_dn('u5')}\n\n")
    assert company.syncd("run").code == 0
    documents = "users: []\ndocuments: [{title: Form 7, state: draft, user: u1@example.com}]\n"
    (company.folder / "copy.yaml").write_text(documents)
    assert company.syncd("account", "load", "copy.yaml").code == 0
    slapd.delete(uid_dn("u1"))
    plan = company.syncd("plan", "--json").json
    (deletion,) = (change for change in plan["changes"] if change["kind"] == "delete_user")
    assert (deletion["user"], deletion["after"]["documents"]) == ("u1@example.com", "u5@example.com")
    slapd.delete(uid_dn("u5"))
    said = [found["message"] for found in company.syncd("plan", "--json").json["findings"]]
    assert any("who owns Field, leaves as well" in message for message in said), said
