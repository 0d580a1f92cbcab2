"""People of a real Active Directory controller (Samba), through the source: the contract, and what their entries mean."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.ldap.library import ldap3
from connectors.ldap.settings import Groups, People
from connectors.model import Known
from tests.contracts import SourceContract
from tests.ldap_proxy import ENTRY, Proxy, operation
from tests.samba import BASE, PASSWORD, Samba, samba
from tests.samba_reads import named, read, schema_guid, source, unreadable

__all__ = ["samba"]  # the fixture

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENABLED, DISABLED = "544", "546"
NEVER = str(0x7FFF_FFFF_FFFF_FFFF)


@pytest.fixture(scope="module")
def reader(samba: Samba) -> str:
    """An account without any rights of its own."""
    return samba.bind_user(samba.unit(), "reader")


class TestContract(SourceContract):
    few, more = 700, 1300
    """A controller takes 3 ms to make a user."""
    bytes_a_record = 150  # of so few, buffers still show

    @pytest.fixture(autouse=True)
    def controller(self, samba, reader):
        self.samba, self.reader = samba, reader
        self.proxies = []
        yield
        for proxy in self.proxies:
            proxy.close()

    def make_source(self, people, tmp_path, url=None):
        unit = self.unit = self.samba.unit()
        members = {}
        for one in people:
            dn = self.samba.person(
                unit,
                one["external_id"],
                mail=one["email"],
                displayName=one["display_name"],
                employeeID=one["external_id"],
                userAccountControl=ENABLED if one["active"] else DISABLED,
            )
            for name in one["groups"]:
                members.setdefault(name, []).append(dn)
        for name, dns in members.items():
            self.samba.group(unit, name, dns)
        options = {"people": People(unit, key_attribute="employeeID"), "page_size": 100}
        return source(self.samba, unit, user=self.reader, url=url, **options)

    def make_incomplete(self, people, tmp_path):
        made = self.make_source(people, tmp_path)
        self.samba.person(self.unit, "E9", employeeID="E9", mail="nobody@")
        return made

    def make_failing(self, people, tmp_path):
        def cut(message, met=[]):  # noqa: B006 - counts over all calls
            met.append(operation(message))
            return None if met.count(ENTRY) > len(people) + 3 else message

        self.proxies.append(Proxy(self.samba.port, alter=cut))
        return self.make_source(people, tmp_path, url=self.proxies[0].url)


def ticks(moment: datetime) -> str:
    """A Windows time."""
    return str((moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10)


def by_name(found):
    """Displayed name -> record."""
    return {person.attributes["display_name"]: person for person in found.people.values()}


def test_who_is_active(samba, reader):
    unit = samba.unit()
    samba.person(unit, "in use")
    samba.person(unit, "disabled", userAccountControl=DISABLED)
    samba.person(unit, "expired", accountExpires=ticks(NOW - timedelta(seconds=1)))
    samba.person(unit, "expires now", accountExpires=ticks(NOW))
    samba.person(unit, "expires soon", accountExpires=ticks(NOW + timedelta(seconds=1)))
    samba.person(unit, "never expires", accountExpires=NEVER)
    samba.person(unit, "must change", pwdLastSet="0")
    found = read(samba, unit, user=reader, clock=lambda: NOW)
    assert found.certificate.certified
    assert {name: person.attributes["active"] for name, person in by_name(found).items()} == {
        "In Use": True,
        "Disabled": False,
        "Expired": False,
        "Expires Now": False,
        "Expires Soon": True,
        "Never Expires": True,
        "Must Change": True,
    }


def test_who_is_locked_out_after_wrong_passwords_stays_active(samba, reader):
    unit = samba.unit()
    user = samba.bind_user(unit, "locked")
    samba.modify(BASE, lockoutThreshold=(ldap3.MODIFY_REPLACE, ["2"]))
    try:
        for _ in range(3):
            with pytest.raises(ldap3.core.exceptions.LDAPBindError), samba.bound(user, "wrong"):
                pass
        assert samba.read(user, "lockoutTime")["lockouttime"] != [b"0"]
        assert by_name(read(samba, unit, user=reader))["Locked"].attributes["active"] is True
    finally:
        samba.modify(BASE, lockoutThreshold=(ldap3.MODIFY_REPLACE, ["0"]))


def test_computers_and_contacts_are_no_people(samba, reader):
    unit = samba.unit()
    samba.person(unit, "anna")
    samba.add(f"CN=printer,{unit}", "contact", mail="printer@example.test")
    samba.add(f"CN=pc7,{unit}", "computer", sAMAccountName=f"pc{unit[4:10]}$", userAccountControl="4096")
    found = read(samba, unit, user=reader)
    assert set(by_name(found)) == {"Anna"}
    assert found.certificate.certified


def test_who_moves_and_is_renamed_stays_the_same(samba, reader):
    unit = samba.unit()
    berlin, paris = (samba.add(f"OU={name},{unit}", "organizationalUnit") for name in ("berlin", "paris"))
    anna = samba.person(berlin, "anna")
    samba.group(unit, "field", [anna])
    before = read(samba, unit, user=reader)
    moved = samba.move(anna, paris)
    assert samba.connection.modify_dn(moved, "CN=anna berg"), samba.connection.result
    samba.modify(f"CN=anna berg,{paris}", displayName=(ldap3.MODIFY_REPLACE, ["Anna Berg"]))
    after = read(samba, unit, user=reader)
    assert [person.external_id for person in after.people.values()] == [
        person.external_id for person in before.people.values()
    ]
    assert named(after) == {"field": {"Anna Berg"}}
    assert replace(before.certificate, cursor=None) == replace(after.certificate, cursor=None)
    assert after.certificate.certified


def test_the_case_of_a_base_makes_no_difference(samba, reader):
    unit = samba.unit()
    samba.group(unit, "field", [samba.person(unit, "anna")])
    odd = unit.swapcase().replace(",", " , ")
    found = read(samba, odd, user=reader)
    assert found.certificate.certified
    assert named(found) == {"field": {"Anna"}}
    assert found.groups == read(samba, unit, user=reader).groups


def test_a_whole_domain_is_whole(samba, reader):
    """Every search of a domain refers to its configuration, which holds nobody."""
    unit = samba.unit()
    anna = samba.person(unit, "anna", employeeType=unit)
    samba.group(unit, "field", [anna])
    everywhere = People(BASE, filter=f"(&(objectClass=user)(employeeType={unit}))")
    found = read(samba, BASE, user=reader, people=everywhere, groups=Groups(unit))
    assert found.certificate.certified
    assert named(found) == {"field": {"Anna"}}


def test_names_that_need_escapes_are_found_again(samba, reader):
    unit = samba.unit()
    strange = [r"Berg\, Anna", r"O'Neil \+ Co", r"\#7 \"Zoë\"", r"back\\slash", "مریم"]
    people = [samba.person(unit, name, sAMAccountName=f"s{unit[4:12]}{n}") for n, name in enumerate(strange)]
    samba.group(unit, "all", people)
    found = read(samba, unit, user=reader, people=People(unit, attributes={"email": ()}))
    assert found.certificate.certified
    assert len(found.groups["all"]) == len(strange)


def test_the_manager_is_named_by_key(samba, reader):
    unit = samba.unit()
    boss = samba.person(unit, "boss")
    elsewhere = samba.person(samba.unit(), "elsewhere")
    samba.person(unit, "anna", manager=boss)
    samba.person(unit, "bob", manager=elsewhere)
    people = by_name(read(samba, unit, user=reader))
    assert people["Anna"].attributes["manager"] == people["Boss"].external_id
    assert "manager" not in people["Bob"].attributes


def test_the_address_may_come_from_proxy_addresses(samba, reader):
    unit = samba.unit()
    samba.person(unit, "anna", proxyAddresses=["smtp:a.old@example.test", "SMTP:anna.berg@example.test", "X500:/o=X"])
    samba.person(unit, "bob", proxyAddresses=["smtp:bob.old@example.test"])
    people = People(unit, attributes={"email": ("proxyAddresses", "mail")})
    found = by_name(read(samba, unit, user=reader, people=people))
    assert found["Anna"].attributes["email"] == "anna.berg@example.test"
    assert found["Bob"].attributes["email"] == "bob@example.test"


def test_a_photo_that_was_asked_for_comes_as_base64(samba, reader):
    unit = samba.unit()
    photo = bytes(range(256)) * 20
    samba.person(unit, "anna", thumbnailPhoto=photo)
    people = People(unit, attributes={"photo": "thumbnailPhoto"})
    anna = by_name(read(samba, unit, user=reader, people=people))["Anna"]
    assert base64.b64decode(anna.attributes["photo"]) == photo


def test_a_state_that_may_not_be_read_is_a_problem_and_no_guess(samba):
    unit, reader = samba.unit(), samba.bind_user(samba.unit())
    samba.person(unit, "bob")
    unreadable(samba, samba.person(unit, "anna"), reader, schema_guid(samba, "userAccountControl"))
    found = read(samba, unit, user=reader)
    assert not found.certificate.certified
    (problem,) = found.certificate.problems
    assert problem.email == "anna@example.test"
    assert "the bind user may not read it" in problem.message
    assert set(by_name(found)) == {"Bob"}


def test_a_group_with_a_hidden_person_stays_as_it_is(samba):
    unit, reader = samba.unit(), samba.bind_user(samba.unit())
    anna, bob = samba.person(unit, "anna"), samba.person(unit, "bob")
    samba.group(unit, "field", [anna, bob])
    unreadable(samba, anna, reader)
    notes = []
    found = read(samba, unit, user=reader, log=notes.append)
    assert set(by_name(found)) == {"Bob"}
    assert found.certificate.frozen_groups == {"field"}
    assert any("field" in note and "objectGUID, the key, is absent" in note for note in notes)


def test_what_is_known_is_not_handed_over_again(samba, reader):
    unit = samba.unit()
    for name in ("anna", "bob", "carla"):
        samba.person(unit, name)
    first = read(samba, unit, user=reader)
    versions = {(person.external_id, person.version) for person in first.people.values()}

    class Holding(Known):
        def __call__(self, kind, external_id, version):
            return (external_id, version) in versions

    samba.modify(f"CN=bob,{unit}", title=(ldap3.MODIFY_REPLACE, ["Fitter"]))
    *records, certificate = source(samba, unit, user=reader).read(Holding())
    assert [record.attributes["display_name"] for record in records] == ["Bob"]
    assert certificate.certified
    assert certificate.records == 3


def test_over_ldaps_and_starttls_all_is_the_same(samba, reader):
    unit = samba.unit()
    samba.group(unit, "field", [samba.person(unit, "anna")])
    plain = list(source(samba, unit, user=reader).read())
    from connectors.ldap.settings import Bind, Servers, Settings
    from connectors.ldap.source import LdapSource

    for url in (samba.ldaps_url, samba.url):
        servers = Servers((url,), Bind("simple", reader, lambda: PASSWORD), ca_file=str(samba.ca_file))
        *records, certificate = LdapSource("ldap", Settings(servers, People(unit), Groups(unit))).read()
        assert records == plain[:-1]
        assert replace(certificate, cursor=None) == replace(plain[-1], cursor=None)
