"""Dynamic groups, whose members an URL finds: on a real slapd with dyngroup.schema, and the URLs by values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.member_urls import MemberUrl, parse_url
from connectors.ldap.settings import People
from tests.ldap_reads import Read, Remembering, make
from tests.slapd import GROUPS, PEOPLE, SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

ELSEWHERE = f"ou=elsewhere,{SUFFIX}"
FITTERS = f"ldap:///{PEOPLE}??sub?(title=Fitter)"
TEAM = [
    person("anna", title="Fitter"),
    person("bob", title="Fitter"),
    person("carl", title="Clerk"),
    ldif(ELSEWHERE, objectClass="organizationalUnit", ou="elsewhere"),
    person("guest", ELSEWHERE, title="Fitter"),
]


@pytest.fixture
def slapd(tmp_path):
    """A server that knows groupOfURLs, to be filled and started."""
    server = Slapd(tmp_path / "slapd", before="include /etc/ldap/schema/dyngroup.schema\n")
    yield server
    server.stop()


def dynamic(cn, *urls, base=GROUPS):
    return ldif(f"cn={cn},{base}", objectClass="groupOfURLs", cn=cn, memberURL=list(urls))


def read(slapd, *texts, **options):
    slapd.load(*TEAM, *texts).start()
    return Read(make(slapd.url, **options))


@needs_slapd
def test_an_url_finds_the_members(slapd):
    found = read(
        slapd,
        dynamic("Fitters", FITTERS),
        dynamic("Both", FITTERS, f"ldap:///{uid_dn('carl')}??base"),
        dynamic("Everywhere", f"ldap:///{SUFFIX}??sub?(title=Fitter)"),
        dynamic("One", f"ldap:///{PEOPLE}??one?(uid=carl)"),
        dynamic("Nobody", f"ldap:///{PEOPLE}??sub?(title=Cook)"),
        ldif(f"cn=Empty,{GROUPS}", objectClass="groupOfURLs", cn="Empty"),
        group("Outer", [f"cn=Fitters,{GROUPS}", f"cn=Far,{ELSEWHERE}"]),
        dynamic("Far", f"ldap:///{PEOPLE}??sub?(title=Clerk)", base=ELSEWHERE),
    )
    assert found.certificate.certified
    assert not found.certificate.frozen_groups
    assert found.members() == {
        "Fitters": {"anna", "bob"},
        "Both": {"anna", "bob", "carl"},
        "Everywhere": {"anna", "bob"},
        "One": {"carl"},
        "Nobody": set(),
        "Empty": set(),
        "Outer": {"anna", "bob", "carl"},
    }


@needs_slapd
@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"ldap://dc2.example.com/{PEOPLE}??sub?(title=Fitter)", "goes to another server"),
        (f"ldap:///{PEOPLE}??sub?(title=Fitter", "cannot be read"),
        (f"ldap:///{PEOPLE}??everything?(title=Fitter)", "its scope"),
        (f"ldap:///{PEOPLE}?mail?sub?(title=Fitter)", "it names attributes"),
        (f"ldap:///{PEOPLE}??sub?(title=Fitter)?!x", "wants an extension"),
        (f"ldap:///ou=nowhere,{SUFFIX}??sub?(title=Fitter)", "result 32"),
        ("https://example.com/", "no ldap:/// address"),
    ],
)
def test_an_url_that_cannot_be_followed_freezes_its_group_alone(slapd, url, why):
    found = read(slapd, dynamic("Odd", FITTERS, url), dynamic("Fitters", FITTERS), group("Outer", [f"cn=Odd,{GROUPS}"]))
    assert found.certificate.certified
    assert found.certificate.frozen_groups == {"Odd", "Outer"}
    assert found.members() == {"Fitters": {"anna", "bob"}}
    assert all(why in note for note in found.certificate.notes)
    assert len(found.certificate.notes) == 2


@needs_slapd
def test_a_size_limit_freezes_the_group(slapd, tmp_path):
    slapd.limits = [f'limits dn.exact="cn=sync,{SUFFIX}" size=3 size.prtotal=3']
    slapd._configure()
    found = read(
        slapd,
        dynamic("All", f"ldap:///{SUFFIX}??sub?(objectClass=*)"),
        dynamic("Fitters", FITTERS),
        people=People(PEOPLE, filter="(uid=*)"),
    )
    assert found.certificate.certified
    assert found.certificate.frozen_groups == {"All"}
    assert found.members() == {"Fitters": {"anna", "bob"}}


@needs_slapd
def test_somebody_whose_key_is_hidden_freezes_the_group(slapd):
    slapd.access = [f'access to dn.exact="{uid_dn("anna")}" attrs=entryUUID by * none']
    slapd._configure()
    found = read(slapd, dynamic("Fitters", FITTERS), dynamic("Clerks", f"ldap:///{PEOPLE}??sub?(title=Clerk)"))
    assert found.certificate.frozen_groups == {"Fitters"}
    assert found.members() == {"Clerks": {"carl"}}


@needs_slapd
def test_urls_that_were_hidden_since_the_last_certified_read(slapd):
    memory = Remembering()
    assert read(slapd, dynamic("Fitters", FITTERS), memory=memory).members() == {"Fitters": {"anna", "bob"}}
    slapd.access = ["access to attrs=memberURL by * none"]
    slapd.restart()
    found = Read(make(slapd.url, memory=memory))
    assert "memberurl (then 1 entries)" in " ".join(found.certificate.reasons)
    assert found.groups == {}


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("ldap:///ou=x", MemberUrl("ou=x", "base", "(objectClass=*)")),
        ("LDAP:///ou=a%20b%3f??SUB?(cn=%C3%A9)", MemberUrl("ou=a b?", "sub", "(cn=é)")),
        ("ldap:///ou=x??one?(cn=a)?x-optional", MemberUrl("ou=x", "one", "(cn=a)")),
        ("ldap:///", MemberUrl("", "base", "(objectClass=*)")),
    ],
)
def test_the_parts_of_an_url(url, meant):
    assert parse_url(url) == meant


@pytest.mark.parametrize(
    "url", ["", "ou=x", "ldaps:///ou=x", "ldap://h:389/ou=x", "ldap:///a?b?c?d?e?f", "ldap:///%ff"]
)
def test_an_url_that_is_none(url):
    with pytest.raises(ValueError, match=r"it |decode"):
        parse_url(url)


@given(st.text(max_size=60))
def test_whatever_stands_in_an_url_is_read_or_refused(text):
    for url in (text, f"ldap:///{text}"):
        try:
            found = parse_url(url)
        except ValueError:
            continue
        assert found.scope in {"base", "one", "sub"}
