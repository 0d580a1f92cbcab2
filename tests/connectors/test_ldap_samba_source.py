"""The whole source on a real Active Directory controller (Samba): which email, members of other domains, NTLM."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import PermanentError
from connectors.ldap.kinds import SAMBA
from connectors.ldap.library import ldap3
from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from tests.ldap_reads import Read
from tests.samba import ADMIN, PASSWORD, Samba, samba

__all__ = ["samba"]  # the fixture


def source(samba: Samba, unit: str, bind: Bind | None = None, clock=lambda: datetime.now(UTC), **options) -> LdapSource:
    who = bind or Bind("simple", ADMIN, lambda: PASSWORD)
    servers = Servers((samba.ldaps_url,), who, ca_file=str(samba.ca_file), receive_timeout=60)
    return LdapSource("ad", Settings(servers, People(unit, **options), Groups(unit)), clock=clock)


@pytest.mark.parametrize(
    ("attributes", "email"),
    [
        ({"mail": "a@example.test", "proxyAddresses": ["smtp:old@example.test", "SMTP:new@example.test"]}, "a@example.test"),
        ({"mail": "", "proxyAddresses": ["smtp:old@example.test", "SMTP:new@example.test", "X500:/o=x"]}, "new@example.test"),
        ({"mail": "", "proxyAddresses": ["smtp:old@example.test"]}, None),
        ({"mail": ""}, None),
    ],
    ids=["mail", "the primary one", "only others", "none"],
)  # fmt: skip
def test_which_address_is_a_persons(samba, attributes, email):
    unit = samba.unit()
    samba.person(unit, "anna", **attributes)
    found = Read(source(samba, unit))
    assert found.certificate.certified
    (anna,) = found.people.values()
    assert anna.attributes.get("email") == email


def test_other_addresses_count_only_where_mail_is_asked_for(samba):
    unit = samba.unit()
    samba.person(unit, "anna", proxyAddresses="SMTP:new@example.test", userPrincipalName="upn@example.test")
    (anna,) = Read(source(samba, unit, attributes={"email": "userPrincipalName"})).people.values()
    assert anna.attributes["email"] == "upn@example.test"


def test_members_of_other_domains_are_counted_and_said_and_freeze_nothing(samba):
    unit = samba.unit()
    anna = samba.person(unit, "anna")
    key = SAMBA.key(samba.read(anna, "objectGUID"))
    groups = {name: samba.group(unit, name, [anna]) for name in ("mixed", "other")}
    for name, last in (("mixed", 1104), ("mixed", 1105), ("other", 1104)):
        samba.modify(groups[name], member=(ldap3.MODIFY_ADD, [f"<SID=S-1-5-21-1-2-3-{last}>"]))
    found = Read(source(samba, unit))
    assert found.certificate.certified
    assert not found.certificate.frozen_groups
    assert {name: len(members) for name, members in found.groups.items()} == {"mixed": 1, "other": 1}
    assert key in {person.external_id for person in found.people.values()}
    told = "and this source cannot name them: "
    assert [note.partition(told) for note in found.certificate.notes] == [
        (
            'group "mixed": 2 members are from other domains, or such as Windows computes, ',
            told,
            "S-1-5-21-1-2-3-1104, S-1-5-21-1-2-3-1105",
        ),
        ('group "other": 1 member is from other domains, or such as Windows computes, ', told, "S-1-5-21-1-2-3-1104"),
    ]


def test_a_check_tells_what_is_well(samba):
    unit = samba.unit()
    samba.group(unit, "Field", [samba.person(unit, "anna")])
    found = list(source(samba, unit).explain())
    assert [one.sentence for one in found if one.kind == "problem"] == []
    facts = [one.sentence for one in found if one.kind == "fact"]
    assert f"{samba.ldaps_url}: bound as {ADMIN}" in facts
    assert f"{samba.ldaps_url}: 1 person, 1 group" in facts
    assert any("its clock and ours are" in fact for fact in facts)


def test_a_check_sees_a_clock_that_is_wrong(samba):
    unit = samba.unit()
    samba.person(unit, "anna")
    late = source(samba, unit, clock=lambda: datetime.now(UTC) - timedelta(minutes=10))
    assert any("ahead of ours" in problem for problem in late.check())


def test_ntlm_which_samba_does_not_speak_is_refused_with_a_cure(samba):
    made = source(samba, samba.unit(), Bind("ntlm", "EXAMPLE\\Administrator", lambda: PASSWORD))
    with pytest.raises(PermanentError, match="when it was asked for a bind by NTLM") as caught:
        list(made.read())
    assert "method: simple" in caught.value.cure
    assert any("NTLM" in problem for problem in made.check())
