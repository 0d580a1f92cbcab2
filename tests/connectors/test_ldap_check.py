"""`check` of a directory: every server, the certificate, the bind, limits, and what the bind user may read. On a real slapd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from tests.ldap_proxy import Proxy, operation
from tests.ldap_reads import Remembering, bind, make
from tests.slapd import GROUPS, PEOPLE, READER, SUFFIX, Slapd, free_port, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

TEAM = [
    person(uid, displayName=uid, givenName=uid, title="x", departmentNumber="1", ou="x", manager=uid_dn("anna"))
    for uid in ("anna", "bob")
]
FIELD = group("Field", [uid_dn("anna"), uid_dn("bob")])
BIND = 0x60


@pytest.fixture
def start(tmp_path):
    """Starts servers with this content."""
    servers = []

    def begin(*texts, **options):
        servers.append(Slapd(tmp_path / f"slapd{len(servers)}", **options).load(*texts))
        return servers[-1].start()

    yield begin
    for server in servers:
        server.stop()


def told(source, kind=None):
    """Sentences of a kind; all kinds: a list of both."""
    found = [(one.kind, one.sentence) for one in source.explain()]
    return [sentence for its_kind, sentence in found if its_kind == kind] if kind else found


def over_tls(*urls, ca_file, days_before=0):
    servers = Servers(urls, bind(), ca_file=ca_file)
    clock = lambda: datetime.now(UTC) - timedelta(days=days_before)  # noqa: E731 - as a clock is
    return LdapSource("ldap", Settings(servers, People(PEOPLE), Groups(GROUPS)), clock=clock)


def test_what_is_well_is_told_with_its_numbers(start):
    slapd = start(*TEAM, FIELD)
    source = over_tls(slapd.tls_url, ca_file=slapd.ca_file, days_before=100)
    assert told(source, "problem") == []
    assert told(source, "fact") == [
        f"{slapd.tls_url}: connected, and its certificate is good for 101 days",
        f"{slapd.tls_url}: bound as {READER}",
        f"{slapd.tls_url}: 2 people, 1 group",
    ]
    (note,) = told(source, "note")
    assert "shows an attribute that says which of its accounts are disabled" in note


@pytest.mark.parametrize("which", ["tls_url", "url"])
@pytest.mark.parametrize(("days_before", "kind"), [(0, "problem"), (12, "problem"), (20, "note"), (29, "fact")])
def test_a_certificate_that_ends_soon(start, which, days_before, kind):
    slapd = start(*TEAM, FIELD)
    source = over_tls(getattr(slapd, which), ca_file=slapd.ca_file, days_before=days_before)
    (found,) = [one for one in told(source) if "certificate is good for" in one[1]]
    assert found[0] == kind
    assert f"good for {days_before + 1} days" in found[1]


def test_every_server_is_asked_and_one_that_is_away_is_named(start):
    slapd = start(*TEAM, FIELD)
    away = f"ldap://127.0.0.1:{free_port()}"
    servers = Servers((away, slapd.url, away), bind(), plain_text=True)
    source = LdapSource("ldap", Settings(servers, People(PEOPLE), Groups(GROUPS)))
    problems = told(source, "problem")
    assert len(problems) == 2
    assert all(problem.startswith(f"{away}: the server cannot be reached") for problem in problems)
    assert f"{slapd.url}: 2 people, 1 group" in told(source, "fact")
    assert list(source.check()) == problems


def test_servers_that_do_not_hold_the_same(start):
    slapd, other = start(*TEAM, FIELD), start()
    servers = Servers((slapd.url, other.url), bind(), plain_text=True)
    (problem,) = told(LdapSource("ldap", Settings(servers, People(PEOPLE))), "problem")
    assert problem.startswith(f'{other.url}: nobody below "{PEOPLE}" matches')


def test_servers_that_hold_different_trees(start):
    slapd = start(*TEAM, FIELD)
    other = start(*TEAM, FIELD, before='moduleload back_null\ndatabase null\nsuffix "dc=other"\n')
    servers = Servers((slapd.url, other.url), bind(), plain_text=True)
    (problem,) = told(LdapSource("ldap", Settings(servers, People(PEOPLE))), "problem")
    assert problem.startswith(f"{other.url}: it holds other trees than {slapd.url}")


def test_a_refused_password_is_tried_at_one_server_only(start):
    slapd = start(*TEAM, FIELD)
    asked = []
    with Proxy(slapd.port, ask=lambda message: asked.append(operation(message)) or message) as proxy:
        servers = Servers((slapd.url, proxy.url), Bind("simple", READER, lambda: "wrong"), plain_text=True)
        found = told(LdapSource("ldap", Settings(servers, People(PEOPLE))))
    assert next(sentence for kind, sentence in found if kind == "problem").startswith(
        f"{slapd.url}: the server refused"
    )
    assert any("not bound there" in sentence for kind, sentence in found if kind == "note")
    assert BIND not in asked


@pytest.mark.parametrize(
    ("people", "groups", "what"),
    [
        (f"ou=nowhere,{SUFFIX}", GROUPS, "result 32, the base is not there"),
        (GROUPS, GROUPS, "matches (objectClass=inetOrgPerson)"),
        (PEOPLE, f"ou=nowhere,{SUFFIX}", "result 32, the base is not there"),
    ],
)
def test_a_wrong_base(start, people, groups, what):
    slapd = start(*TEAM, FIELD)
    (problem,) = make(slapd.url, people=People(people), groups=Groups(groups)).check()
    assert what in problem


def test_groups_that_are_none(start):
    slapd = start(*TEAM)
    source = make(slapd.url)
    assert list(source.check()) == []
    assert any(note.startswith(f'no group below "{GROUPS}" matches') for note in told(source, "note"))


def test_a_size_limit_that_cuts_the_people(start):
    many = [person(f"u{number}") for number in range(20)]
    slapd = start(*many, FIELD, limits=[f'limits dn.exact="{READER}" size.soft=10 size.hard=10 size.prtotal=10'])
    (problem,) = make(slapd.url).check()
    assert "result 4, the size limit" in problem
    assert "page_size" not in problem


def test_a_page_that_is_too_large(start):
    many = [person(f"u{number}") for number in range(120)]
    slapd = start(
        *many, FIELD, limits=[f'limits dn.exact="{READER}" size=unlimited size.pr=200 size.prtotal=unlimited']
    )
    problems = list(make(slapd.url, page_size=1000).check())
    assert any("it does in pages of 100: write `page_size: 100`" in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("attribute", "kind", "what"),
    [
        ("mail", "problem", "shows mail, and without an email nobody gets an account"),
        ("title", "note", "shows title (title): nobody has it, or it is hidden from the bind user"),
        ("entryUUID", "problem", "2 of 2 people below"),
        ("member", "problem", "shows no member, and its object class wants one"),
    ],
)
def test_an_attribute_that_is_hidden_from_us(start, attribute, kind, what):
    slapd = start(*TEAM, FIELD, access=[f"access to attrs={attribute} by * none"])
    sentences = told(make(slapd.url), kind)
    assert any(what in sentence for sentence in sentences), sentences


def test_an_attribute_that_was_seen_in_the_last_certified_read(start):
    slapd = start(*TEAM, FIELD)
    memory = Remembering()
    list(make(slapd.url, memory=memory).read())
    assert list(make(slapd.url, memory=memory).check()) == []
    slapd.access = ["access to attrs=title,member by * none"]
    slapd.restart()
    problems = list(make(slapd.url, memory=memory).check())
    assert any("shows title, as 2 did in the last read" in problem for problem in problems)
    assert any("shows member, as 1 did in the last read" in problem for problem in problems)


def test_somebody_beyond_the_handful_has_it(start):
    many = [person(f"u{number:03}", title="" if number < 210 else "Fitter") for number in range(215)]
    assert not any("title" in note for note in told(make(start(*many, FIELD).url), "note"))


def test_people_of_whom_a_read_would_complain(start):
    bad = [person(f"x{number}", mail="nobody@") for number in range(7)]
    problems = list(make(start(*TEAM, *bad, FIELD).url).check())
    assert len(problems) == 6
    assert "which is no email address" in problems[0]
    assert problems[-1] == "and 2 more of these"


@pytest.mark.parametrize(("minutes", "kind"), [(0, "fact"), (4, "fact"), (6, "problem"), (-6, "problem")])
def test_a_clock_that_is_wrong(start, minutes, kind):
    slapd = start(*TEAM, FIELD, before="moduleload back_monitor\ndatabase monitor\naccess to * by users read\n")
    clock = lambda: datetime.now(UTC) + timedelta(minutes=minutes)  # noqa: E731 - as a clock is
    (found,) = [one for one in told(make(slapd.url, clock=clock)) if "clock" in one[1]]
    assert found[0] == kind
    assert ("behind ours" in found[1]) is (minutes == 6)


def test_nothing_is_said_of_a_clock_that_nobody_shows(start):
    assert not any("clock" in sentence for _, sentence in told(make(start(*TEAM, FIELD).url)))


def test_no_whole_read_is_made(start):
    many = [person(f"u{number:03}", displayName="somebody") for number in range(300)]
    slapd = start(*many, FIELD)
    shown = []

    def count(message):
        shown.append(message)
        return message

    with Proxy(slapd.port, alter=count) as proxy:
        list(make(proxy.url).explain())
    assert sum(b"somebody" in message for message in shown) == 200


def test_a_group_without_a_name_is_a_problem(start):
    slapd = start(*TEAM, ldif(f"cn=Field,{GROUPS}", objectClass="groupOfNames", cn="Field", member=uid_dn("anna")))
    (problem,) = make(slapd.url, groups=Groups(GROUPS, name="description")).check()
    assert "description, its name, is absent" in problem
