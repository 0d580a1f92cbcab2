"""The LDAP source on a real slapd: the contract of sources, and what entries of people mean."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from connectors.ldap.settings import People
from connectors.model import Known
from tests.contracts import SourceContract
from tests.ldap_proxy import ENTRY, Proxy, operation
from tests.ldap_reads import Read, make
from tests.slapd import GROUPS, PEOPLE, SECRET, SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

MAPPING = {"email": "eaiAddress"}


def entries(people):
    """The contract's people and groups."""
    texts, members = [], {}
    for one in people:
        classes = ["inetOrgPerson", "eaiPerson"] + ["shadowAccount"] * (not one["active"])
        texts.append(
            person(
                one["external_id"],
                objectClass=classes,
                eaiAddress=one["email"],
                displayName=one["display_name"],
                shadowExpire="" if one["active"] else "1",
                mail="",
            )
        )
        for name in one["groups"]:
            members.setdefault(name, []).append(uid_dn(one["external_id"]))
    return texts + [group(name, dns) for name, dns in members.items()]


class TestContract(SourceContract):
    @pytest.fixture(autouse=True)
    def servers(self):
        self.open = []
        yield
        for one in self.open:
            one.__exit__() if isinstance(one, Proxy) else one.stop()

    def make_source(self, people, tmp_path, more=(), through=None):
        slapd = Slapd(tmp_path / "slapd").load(*entries(people), *more)
        self.open.append(slapd)
        slapd.start()
        url = slapd.url
        if through:
            self.open.append(through(slapd.port))
            url = self.open[-1].url
        return make(url, people=People(PEOPLE, key_attribute="uid", attributes=MAPPING), page_size=100)

    def make_incomplete(self, people, tmp_path):
        bad = person("E9", objectClass=["inetOrgPerson", "eaiPerson"], eaiAddress="nobody@", mail="")
        return self.make_source(people, tmp_path, more=[bad])

    def make_failing(self, people, tmp_path):
        def cut(message, met=[]):  # noqa: B006 - counts over all calls
            met.append(operation(message))
            return None if met.count(ENTRY) > len(people) + 3 else message

        return self.make_source(people, tmp_path, through=lambda port: Proxy(port, alter=cut))


def read(slapd, **options):
    return Read(make(slapd.url, **options))


def test_a_person_is_keyed_by_entry_uuid_and_never_by_name(slapd):
    slapd.load(person("anna")).start()
    before = read(slapd).people["anna"]
    assert before.external_id == slapd.uuids()[uid_dn("anna")]
    slapd.add(ldif(f"ou=moved,{PEOPLE}", objectClass="organizationalUnit", ou="moved"))
    slapd.change(
        f"dn: {uid_dn('anna')}\nchangetype: modrdn\nnewrdn: uid=berg\ndeleteoldrdn: 1\nnewsuperior: ou=moved,{PEOPLE}\n"
    )
    after = read(slapd)
    assert after.people["berg"].external_id == before.external_id
    assert after.certificate.certified


def test_the_usual_attributes(slapd):
    slapd.load(
        person(
            "anna",
            displayName="Anna Berg",
            givenName="Anna",
            sn="Berg",
            title="Fitter",
            departmentNumber="7",
            manager=uid_dn("bob"),
        ),
        person("bob"),
    ).start()
    found = read(
        slapd, people=People(PEOPLE, attributes={"department": ("department", "departmentNumber"), "title": ()})
    )
    assert found.people["anna"].attributes == {
        "email": "anna@example.com",
        "user_name": "anna",
        "display_name": "Anna Berg",
        "given_name": "Anna",
        "family_name": "Berg",
        "department": "7",
        "manager": found.people["bob"].external_id,
        "active": True,
    }


def test_a_manager_is_found_wherever_they_come_and_however_they_are_spelled(slapd):
    slapd.load(
        person("early", manager=f"UID=Late,  OU=People,{SUFFIX.upper()}"),
        person("lost", manager=f"cn=nobody,{SUFFIX}"),
        person("late", manager=uid_dn("early")),
    ).start()
    people = read(slapd).people
    assert people["early"].attributes["manager"] == people["late"].external_id
    assert people["late"].attributes["manager"] == people["early"].external_id
    assert "manager" not in people["lost"].attributes


def test_a_new_manager_under_an_old_name_is_a_change(slapd):
    slapd.load(person("anna", manager=uid_dn("bob")), person("bob")).start()
    before = read(slapd).people["anna"]
    slapd.delete(uid_dn("bob"))
    slapd.change(f"dn: {uid_dn('anna')}\nchangetype: modify\nreplace: manager\nmanager: {uid_dn('bob')}\n")
    slapd.add(person("bob"))
    after = read(slapd).people["anna"]
    assert after.attributes["manager"] != before.attributes["manager"]
    assert after.version != before.version


def test_several_mails_tags_and_many_values(slapd):
    german = {"displayName;lang-de": "Anna DE"}
    slapd.load(
        person(
            "anna", mail=["z@example.com", "a@example.com"], ou=["Field", "Office"], jpegPhoto=b"\xff\xd8\x00", **german
        ),
        person("bob", displayName="Bob", **german),
    )
    slapd.start()
    people = People(
        PEOPLE,
        attributes={"teams": "ou", "photo": "jpegPhoto", "emails": "mail"},
        several=frozenset({"teams", "emails"}),
    )
    found = read(slapd, people=people).people
    anna = found["anna"].attributes
    assert anna["email"] == "z@example.com"  # the first in the server's order
    assert anna["emails"] == ("a@example.com", "z@example.com")
    assert anna["teams"] == ("Field", "Office")
    assert anna["department"] == "Field"
    assert anna["display_name"] == "Anna DE"
    assert anna["photo"] == "/9gA"
    assert found["bob"].attributes["display_name"] == "Bob"
    assert "teams" not in found["bob"].attributes


def test_a_person_without_mail_is_handed_over_and_left_to_the_rules(slapd):
    slapd.load(person("anna", mail="")).start()
    found = read(slapd)
    assert "email" not in found.people["anna"].attributes
    assert found.certificate.certified


def test_a_bad_first_mail_gives_way_to_a_good_one(slapd):
    slapd.load(person("anna", mail=["anna@", "anna@example.com"])).start()
    found = read(slapd)
    assert found.people["anna"].attributes["email"] == "anna@example.com"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"mail": "anna@"}, 'mail is "anna@", which is no email address'),
        ({"eaiNote": b"\xff\xfe\x00", "objectClass": ["inetOrgPerson", "eaiPerson"]}, "no UTF-8 text"),
        ({"displayName": "An\u200bna"}, "ZERO WIDTH SPACE"),
        ({"shadowExpire": "9" * 40, "objectClass": ["inetOrgPerson", "shadowAccount"]}, "shadowExpire"),
    ],
)
def test_a_value_that_cannot_be_read_takes_the_certificate_away_and_pins_the_person(slapd, attributes, told):
    slapd.load(person("anna", **attributes), person("bob")).start()
    found = read(slapd, people=People(PEOPLE, attributes={"note": "eaiNote"}))
    assert set(found.people) == {"bob"}
    assert not found.certificate.certified
    (problem,) = found.certificate.problems
    assert told in problem.message
    assert uid_dn("anna") in problem.message
    assert problem.external_id == slapd.uuids()[uid_dn("anna")]


def test_an_account_that_expires_tomorrow_is_another_record_then(slapd):
    slapd.load(person("anna", objectClass=["inetOrgPerson", "shadowAccount"], shadowExpire="20000")).start()
    at = [datetime(2024, 10, 3, tzinfo=UTC), datetime(2024, 10, 6, tzinfo=UTC)]
    before, after = (read(slapd, clock=lambda now=now: now).people["anna"] for now in at)
    assert (before.attributes["active"], after.attributes["active"]) == (True, False)
    assert before.version != after.version


def test_what_is_known_is_counted_and_not_made(slapd):
    slapd.load(person("anna"), person("bob"), group("Field", [uid_dn("anna")])).start()
    source = make(slapd.url)
    held = Read(source).people["anna"].version

    class Holding(Known):
        def __call__(self, kind, external_id, version):
            return version == held

    again = Read(source, Holding())
    assert set(again.people) == {"bob"}
    assert again.certificate.records == 2
    slapd.change(f"dn: {uid_dn('anna')}\nchangetype: modify\nreplace: sn\nsn: Other\n")
    assert set(Read(source, Holding()).people) == {"anna", "bob"}


def test_two_ways_to_read_an_entry_are_two_versions(slapd):
    slapd.load(person("anna")).start()
    plain = read(slapd).people["anna"]
    other = read(slapd, people=People(PEOPLE, attributes={"note": "description"})).people["anna"]
    assert plain.version != other.version


def test_every_search_can_be_pasted_into_a_shell(slapd):
    people = [person(f"o'neil {n}", mail="") for n in range(3)]
    slapd.load(*people, group("Field", [f"cn=Down (here),{GROUPS}"]), group("Out", [f"cn=é*,{SUFFIX}"])).start()
    slapd.add(ldif(f"cn=é*,{SUFFIX}", objectClass="organizationalRole", cn="é*"))
    lines = []
    source = make(slapd.tls_url, servers={"ca_file": slapd.ca_file}, log=lines.append)
    assert Read(source).certificate.certified
    commands = [line for line in lines if not line.startswith("#")]
    assert len(commands) >= 5
    for command in commands:
        assert SECRET not in command
        done = subprocess.run(
            ["sh", "-c", command.replace(" -W ", f" -w '{SECRET}' ")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    people = next(command for command in commands if " displayname " in command)
    assert (
        "uid: o'neil 2"
        in subprocess.run(
            ["sh", "-c", people.replace(" -W ", f" -w '{SECRET}' ")], capture_output=True, text=True, check=True
        ).stdout
    )
