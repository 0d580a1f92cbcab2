"""From a real Active Directory controller (Samba) to a plan: people who join, leave, get another name and move."""

from __future__ import annotations

import pytest

from connectors.ldap.library import ldap3
from tests.house import House
from tests.samba import PASSWORD, Samba, samba

__all__ = ["samba"]  # the fixture


class Company:
    """A unit of the domain with eight people and a group of two, and the program set up for it."""

    def __init__(self, house: House, samba: Samba) -> None:
        self.house, self.samba = house, samba
        self.unit = samba.unit()
        self.people = [samba.person(self.unit, f"p{number}") for number in range(8)]
        self.field = samba.group(self.unit, "Field", self.people[:2])
        secret = house.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        source = {
            "name": "ad",
            "type": "ldap",
            "url": samba.ldaps_url,
            "ca_file": str(samba.ca_file),
            "bind": {"user": samba.bind_user(samba.unit()), "password": {"file": "secret"}},
            "people": {"base": self.unit},
            "groups": {"base": self.unit},
        }
        house.configure(sources=[source], budgets={"run": {"delete": {"count": 3}}})

    def plan(self, *more: str) -> dict[str, int]:
        """What is to do."""
        ran = self.house.syncd("plan", "--json", *more)
        assert ran.code == 0, ran.json["findings"]
        assert all(source["certified"] for source in ran.json["sources"]), ran.json["sources"]
        return ran.json["counts"]

    def users(self) -> dict[str, tuple[str, list[str]]]:
        """Email -> name and groups."""
        listed = self.house.syncd("users", "list", "--json").json
        return {user["email"]: (user["name"], user["groups"]) for user in listed}


@pytest.fixture
def company(house: House, samba: Samba) -> Company:
    made = Company(house, samba)
    assert made.house.syncd("check").code == 0
    assert made.plan()["create_user"] == 8
    assert made.house.syncd("run").code == 0
    assert made.plan() == {}
    return made


def test_who_joins_leaves_and_gets_another_name(company: Company) -> None:
    samba, unit = company.samba, company.unit
    samba.modify(company.field, member=(ldap3.MODIFY_ADD, [samba.person(unit, "new")]))
    assert samba.connection.delete(company.people[7])
    samba.modify(company.people[6], userAccountControl=(ldap3.MODIFY_REPLACE, ["546"]))
    assert samba.connection.modify_dn(company.people[0], "CN=p0 berg")
    changes = {
        "displayName": (ldap3.MODIFY_REPLACE, ["Anna Berg"]),
        "mail": (ldap3.MODIFY_REPLACE, ["berg@example.test"]),
    }
    samba.modify(f"CN=p0 berg,{unit}", **changes)
    seen = {"create_user": 1, "update_user": 1, "delete_user": 1}
    assert (
        company.plan() == seen
    )  # the bind user is shown no deleted entries: who is disabled is told, who is deleted is not
    assert company.plan("--full") == {**seen, "delete_user": 2}
    assert company.house.syncd("run").code == 0
    users = company.users()
    assert users.keys() == {"berg@example.test", "new@example.test", *(f"p{n}@example.test" for n in (1, 2, 3, 4, 5))}
    assert users["berg@example.test"] == ("Anna Berg", ["Field"])
    assert users["new@example.test"] == ("New", ["Field"])
    assert company.plan() == {}


def test_who_moves_within_the_directory_stays(company: Company) -> None:
    inner = company.samba.add(f"OU=inner,{company.unit}", "organizationalUnit")
    for person in company.people:
        company.samba.move(person, inner)
    assert company.plan() == {}


def test_who_moves_out_of_the_base_leaves(company: Company) -> None:
    company.samba.move(company.people[3], company.samba.unit())
    assert company.plan() == {"delete_user": 1}
