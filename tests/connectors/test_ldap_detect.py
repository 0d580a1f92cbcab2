"""What `syncd ldap detect` finds in a directory, and the block that it writes: on a real Samba, and in a play."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import yaml

from connectors.errors import PermanentError, RefusedError
from connectors.ldap.addresses import email_of
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.detect import common_base, detect
from connectors.ldap.search import Searcher
from connectors.ldap.session import open_session
from connectors.ldap.settings import Bind, Servers
from connectors.ldap.suggest import source_block
from syncd.cli.ldap import ldap
from syncd.config_ldap import LdapSourceConfig
from syncd.errors import UsageError
from syncd.secrets import SecretError
from tests.samba import ADMIN, PASSWORD, Samba, samba
from tests.slapd import READER, SECRET, Slapd, needs_slapd
from tests.slapd import group as slapd_group
from tests.slapd import person as slapd_person
from tests.slapd import uid_dn as slapd_uid_dn

__all__ = ["samba"]  # the fixture

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Entry(NamedTuple):
    """As much of an entry as is looked at."""

    dn: bytes
    attributes: dict[str, list[bytes]]


class Play:
    """A searcher over a few entries that it was given, which takes pages of at most `most`."""

    session = SimpleNamespace(url="ldaps://dc.example.test")

    def __init__(self, dse: dict[str, list[bytes]], answers: dict[str, list[Entry]], most: int = 1000) -> None:
        self.dse, self.answers, self.most = dse, answers, most

    def read(self, dn, attributes, search_filter="(objectClass=*)"):
        if dn == "cn=Subschema":
            return Entry(b"", {"attributetypes": [b"( 1.2 NAME 'mail' )", b"( 1.3 NAME ( 'uid' 'userid' ) )"]})
        return Entry(b"", self.dse)

    def entries(self, base, search_filter, attributes, *, page_size):
        if page_size > self.most:
            raise IncompleteError(["the size limit was met"], 4)
        yield from self.answers.get(search_filter, [])


def person(dn: str, **attributes: str) -> Entry:
    return Entry(dn.encode(), {name: [value.encode()] for name, value in attributes.items()})


OPENLDAP = {
    "objectclass": [b"OpenLDAProotDSE"],
    "namingcontexts": [b"cn=accesslog", b"dc=example,dc=test"],
    "supportedcontrol": [b"1.2.840.113556.1.4.319"],
    "subschemasubentry": [b"cn=Subschema"],
}
KEYS = [f"3a4b7c01-5d6e-11ef-9f8a-c3d2e1f0000{number}" for number in range(5)]


def openldap(most=1000):
    people = [
        person("uid=anna,ou=it,ou=people,dc=example,dc=test", entryuuid=KEYS[0], mail="anna@example.test", cn="Anna"),
        person(
            "uid=ben,ou=hr,ou=people,dc=example,dc=test", entryuuid=KEYS[1], mail="ben@example.test", shadowexpire="1"
        ),
        person("uid=carl,ou=hr,ou=people,dc=example,dc=test", mail="carl@example.test", nsaccountlock="maybe"),
        person("cn=admin,dc=example,dc=test", entryuuid=KEYS[3]),
    ]
    groups = [person("cn=field,ou=groups,dc=example,dc=test", entryuuid=KEYS[4], cn="field")]
    filters = (
        "(objectClass=person)",
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=groupOfURLs))",
    )
    return Play(OPENLDAP, dict(zip(filters, (people, groups), strict=True)), most)


def test_the_first_filter_that_finds_people_is_taken():
    found = detect(openldap(), NOW)
    assert found.kind.name == "openldap"
    assert found.contexts == ("dc=example,dc=test",)
    assert (found.people.filter, found.people.count, found.groups.count) == ("(objectClass=person)", 4, 1)
    assert found.people.states == {"active": 2, "inactive": 1, "unknown": 1}
    assert found.people.problems == {
        "entryUUID, the key, is absent": 1,
        'nsAccountLock is "maybe", which is neither true nor false': 1,
    }
    assert [sample.email for sample in found.people.samples] == [f"{n}@example.test" for n in ("anna", "ben", "carl")]
    assert found.known == {"mail", "uid", "userid"}


def test_the_block_says_what_was_found_and_what_is_wrong():
    block = source_block(detect(openldap(), NOW), urls=["ldaps://dc.example.test"])
    (source,) = yaml.safe_load(block)
    config = LdapSourceConfig.model_validate(source)
    assert config.people.base == "ou=people,dc=example,dc=test"  # where those with an email are, not cn=admin
    assert config.groups is not None
    assert config.groups.base == "ou=groups,dc=example,dc=test"
    assert (config.key, config.page_size, config.kind) == ("entryUUID", 1000, "openldap")
    for line in (
        "# 4 people below dc=example,dc=test",
        "# 2 active, 1 inactive, 1 unknown",
        "# 2 in ou=hr,ou=people,dc=example,dc=test",
        "#   mail: 3 of 4",
        "#   uid: nobody has it, or it may not be read",
        "# PROBLEM: without a key a person is skipped",
        "#   Anna <anna@example.test>, active: the account is neither disabled nor expired",
    ):
        assert line in block, line


@pytest.mark.parametrize(("most", "taken"), [(1000, 1000), (999, 500), (100, 100)])
def test_the_largest_page_that_the_server_takes_is_written_down(most, taken):
    assert detect(openldap(most), NOW).page_size == taken


def test_a_server_that_takes_no_page_at_all_is_no_empty_directory():
    found = detect(openldap(50), NOW)
    assert found.people.incomplete == "the size limit was met"
    assert "PROBLEM: there may be more" in source_block(found, urls=["ldaps://x"])


def test_a_server_without_pages_is_asked_without():
    play = openldap()
    play.dse = {**OPENLDAP, "supportedcontrol": []}
    assert detect(play, NOW).page_size == 0


def test_freeipa_shows_everybody_twice_and_only_one_tree_is_read():
    play = Play({"vendorname": [b"389 Project"], "namingcontexts": [b"o=ipaca", b"dc=example,dc=test"]}, {})
    assert detect(play, NOW).people.base == "cn=accounts,dc=example,dc=test"


def test_a_server_that_names_no_base_is_told_how_to():
    with pytest.raises(PermanentError, match="names no base") as caught:
        detect(Play({}, {}), NOW)
    assert "--base" in caught.value.cure


def test_a_directory_cannot_write_into_the_configuration():
    play = openldap()
    evil = 'Anna\n  page_size: 1\n#" }'
    entry = person('cn="x\n",ou=people,dc=example,dc=test', entryuuid=KEYS[0], mail="a@example.test", displayname=evil)
    play.answers["(objectClass=person)"] = [entry]
    (source,) = yaml.safe_load(source_block(detect(play, NOW), urls=["ldaps://x"]))
    assert source["page_size"] == 1000
    assert set(source) == {"name", "type", "kind", "url", "key", "page_size", "people", "groups"}


@pytest.mark.parametrize(
    ("parents", "base"),
    [
        (["ou=a,dc=x", "ou=b,dc=x"], "dc=x"),
        (["ou=a,dc=x", "OU=A, DC=X"], "ou=a,dc=x"),
        ([r"ou=a\,b,dc=x", r"ou=c,ou=a\,b,dc=x"], r"ou=a\,b,dc=x"),
        (["dc=x", "dc=y"], None),
        ([], None),
    ],
)
def test_the_narrowest_base_that_holds_everybody(parents, base):
    found = common_base(Counter(parents))
    assert (found and found.lower()) == base


@pytest.mark.parametrize(
    ("attributes", "email"),
    [
        ({"mail": [b"b@x.test", b"a@x.test"]}, "a@x.test"),
        ({"mail": [b"a@x.test", b"b@x.test"]}, "a@x.test"),
        ({"mail": [b"a@x.test"], "proxyaddresses": [b"smtp:old@x.test", b"SMTP:new@x.test"]}, "a@x.test"),
        ({"mail": [b"a@x.test", b"b@x.test"], "proxyaddresses": [b"SMTP:new@x.test"]}, "new@x.test"),
        ({"mail": [b"a@x.test"], "proxyaddresses": [b"smtp:old@x.test", b"X500:/o=x"]}, "a@x.test"),
        ({"proxyaddresses": [b"SMTP:b@x.test", b"SMTP:a@x.test"]}, "a@x.test"),
        ({"mail": [b" "]}, None),
        ({}, None),
    ],
)
def test_one_of_several_addresses_always_the_same(attributes, email):
    assert email_of(attributes) == email


def test_an_address_that_is_no_text_is_named():
    with pytest.raises(ValueError, match="mail holds a value that is not UTF-8"):
        email_of({"mail": [b"\xff"]})


# --- a real Samba ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def company(samba: Samba) -> str:
    unit = samba.unit()
    people = samba.add(f"OU=people,{unit}", "organizationalUnit")
    groups = samba.add(f"OU=groups,{unit}", "organizationalUnit")
    anna, ben = (samba.person(people, name) for name in ("anna", "ben"))
    samba.person(people, "carl", userAccountControl="546")
    samba.group(groups, "field", [anna, ben])
    return unit


def test_a_real_directory_gives_a_ready_block(samba, company):
    servers = Servers((samba.ldaps_url,), Bind("simple", ADMIN, lambda: PASSWORD), ca_file=str(samba.ca_file))
    with open_session(servers) as session:
        found = detect(Searcher(session, lambda _: None), NOW, company)
    assert found.kind.name == "samba"
    assert found.page_size == 1000
    assert (found.people.count, found.groups.count) == (3, 1)
    assert found.people.states == {"active": 2, "inactive": 1}
    assert not found.people.problems
    assert found.people.readable["objectguid"] == 3
    assert "useraccountcontrol" in found.known
    (source,) = yaml.safe_load(source_block(found, urls=[samba.ldaps_url], ca_file=str(samba.ca_file)))
    config = LdapSourceConfig.model_validate(source)
    assert config.people.base == f"OU=people,{company}"
    assert config.key == "objectGUID"
    assert config.groups is not None
    assert config.groups.base == f"OU=groups,{company}"


def run(capsys, *words: str) -> str:
    assert ldap.main(["detect", *words], standalone_mode=False) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    return file


def test_the_command_prints_the_block_and_never_the_password(samba, company, capsys, password_file):
    words = ("--url", samba.ldaps_url, "--ca-file", str(samba.ca_file), "--base", company)
    out = run(capsys, *words, "--bind-user", ADMIN, "--password-file", str(password_file))
    (source,) = yaml.safe_load(out)
    assert source["bind"] == {"user": ADMIN, "password": {"file": str(password_file)}}
    assert PASSWORD not in out
    LdapSourceConfig.model_validate(source)


def test_the_command_as_a_document(samba, company, capsys, password_file):
    words = ("--url", samba.ldaps_url, "--ca-file", str(samba.ca_file), "--base", company, "--json")
    document = json.loads(run(capsys, *words, "--bind-user", ADMIN, "--password-file", str(password_file)))
    assert (document["kind"], document["people"]["count"], document["key"]) == ("samba", 3, "objectGUID")


def test_a_user_without_a_password_is_a_wrong_call(capsys):
    with pytest.raises(UsageError, match="--bind-user and --password-file go together"):
        run(capsys, "--url", "ldaps://x", "--bind-user", "sync")


def test_a_password_file_that_others_may_read_is_refused(samba, capsys, password_file):
    password_file.chmod(0o644)
    with pytest.raises(SecretError, match="open to others"):
        run(capsys, "--url", samba.ldaps_url, "--bind-user", ADMIN, "--password-file", str(password_file))


def test_a_wrong_password_is_refused_and_not_tried_without(samba):
    servers = Servers((samba.ldaps_url,), Bind("simple", ADMIN, lambda: "wrong"), ca_file=str(samba.ca_file))
    with pytest.raises(RefusedError, match="refused the bind"):
        open_session(servers)


def test_nobody_sees_nothing_in_active_directory_and_is_told_so(samba, company):
    servers = Servers((samba.ldaps_url,), ca_file=str(samba.ca_file))
    with open_session(servers) as session:
        found = detect(Searcher(session, lambda _: None), NOW, company)
    assert found.people.count == 0
    assert "PROBLEM" in source_block(found, urls=[samba.ldaps_url])


def test_the_administrator_is_not_needed(samba, company):
    user = samba.bind_user(samba.unit(), "reader")
    servers = Servers((samba.ldaps_url,), Bind("simple", user, lambda: PASSWORD), ca_file=str(samba.ca_file))
    with open_session(servers) as session:
        found = detect(Searcher(session, lambda _: None), NOW, company)
    assert (found.people.count, sum(found.people.problems.values())) == (3, 0)


# --- a real OpenLDAP ------------------------------------------------------------------------------------------------


@needs_slapd
def test_openldap_gives_a_ready_block(tmp_path):
    people = [slapd_person(f"p{number}") for number in range(3)]
    server = Slapd(tmp_path).load(*people, slapd_group("field", [slapd_uid_dn("p0")])).start()
    try:
        servers = Servers((server.tls_url,), Bind("simple", READER, lambda: SECRET), ca_file=server.ca_file)
        with open_session(servers) as session:
            found = detect(Searcher(session, lambda _: None), NOW)
    finally:
        server.stop()
    assert found.kind.name == "openldap"
    assert (found.people.count, found.groups.count, found.page_size) == (3, 1, 1000)
    assert not found.people.problems
    assert "mail" in found.known
    (source,) = yaml.safe_load(source_block(found, urls=[server.tls_url], ca_file=server.ca_file))
    config = LdapSourceConfig.model_validate(source)
    assert (config.people.base, config.key) == ("ou=people,dc=example,dc=com", "entryUUID")
    assert config.groups is not None
    assert config.groups.base == "ou=groups,dc=example,dc=com"
