"""The configuration of `type: ldap`: what is accepted, and that every problem is named at once, with line, key and cure."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from syncd.config_file import Section, config_keys, read_document
from syncd.config_ldap import LdapSourceConfig
from syncd.config_words import explain

MINIMAL = """\
sources:
  - name: directory
    type: ldap
    url: ldaps://dc1.example.com
    people:
      base: ou=people,dc=example,dc=com
"""
FULL = r"""
sources:
  - name: directory
    type: ldap
    url: [ldaps://dc1.example.com:3269, ldap://dc2.example.com/]
    starttls: false
    ca_file: ca.pem
    bind: {method: ntlm, user: 'EXAMPLE\sync', password: {env: SYNCD_TEST_LDAP}}
    kind: active_directory
    key: employeeNumber
    page_size: 500
    connect_timeout_seconds: 3
    timeout_seconds: 30
    people:
      base: OU=People,DC=example,DC=com
      filter: (&(objectClass=user)(!(memberOf=CN=Robots,DC=example,DC=com)))
      attributes: {email: userPrincipalName, phone: [mobile, telephoneNumber], title: []}
      several: [phone]
    groups:
      base: OU=Groups,DC=example,DC=com
      filter: (objectClass=group)
      key: objectSid
      name: displayName
      nested: false
      page_size: 50
"""


class Root(Section):
    """As much of a configuration as is needed."""

    sources: Annotated[tuple[LdapSourceConfig, ...], Field(strict=False)]


@pytest.fixture
def load(tmp_path):
    def _load(text: str) -> LdapSourceConfig:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        root = Root.model_validate(read_document(path).data, context={"base": tmp_path})
        return root.sources[0]

    return _load


@pytest.fixture
def problems(tmp_path):
    def _problems(text: str) -> list[tuple[int | None, str, str]]:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        document = read_document(path)
        with pytest.raises(ValidationError) as caught:
            Root.model_validate(document.data, context={"base": tmp_path})
        return [(found.line, found.key, found.message) for found in explain(caught.value.errors(), document, Root)]

    return _problems


def test_the_minimum(load):
    assert load(MINIMAL).settings == Settings(
        Servers(("ldaps://dc1.example.com",)), People("ou=people,dc=example,dc=com")
    )


def test_everything(load, tmp_path, monkeypatch):
    settings = load(FULL).settings
    bind = settings.servers.bind
    monkeypatch.setenv("SYNCD_TEST_LDAP", "first")
    assert bind.password is not None
    assert bind.password() == "first"
    monkeypatch.setenv("SYNCD_TEST_LDAP", "second")  # a changed secret needs no restart
    assert bind.password() == "second"
    assert settings == Settings(
        Servers(
            ("ldaps://dc1.example.com:3269", "ldap://dc2.example.com"),
            Bind("ntlm", "EXAMPLE\\sync", bind.password),
            ca_file=str(tmp_path / "ca.pem"),
            plain_text=True,
            connect_timeout=3,
            receive_timeout=30,
        ),
        People(
            "OU=People,DC=example,DC=com",
            "(&(objectClass=user)(!(memberOf=CN=Robots,DC=example,DC=com)))",
            "employeeNumber",
            {"email": ("userPrincipalName",), "phone": ("mobile", "telephoneNumber"), "title": ()},
            frozenset({"phone"}),
        ),
        Groups("OU=Groups,DC=example,DC=com", "(objectClass=group)", "objectSid", "displayName", False, 50),
        "active_directory",
        500,
    )


def test_a_certificate_of_ours(load, tmp_path):
    bind = "    bind: {method: external, certificate_file: sync.pem, key_file: /etc/sync.key}\n"
    servers = load(MINIMAL + bind).settings.servers
    assert servers.bind == Bind("external")
    assert (servers.certificate_file, servers.key_file) == (str(tmp_path / "sync.pem"), "/etc/sync.key")


def test_a_ticket(load, tmp_path):
    bind = "    bind: {method: kerberos, user: sync@EXAMPLE.COM, keytab: sync.keytab}\n"
    bound = load(MINIMAL + bind).settings.servers.bind
    assert bound == Bind("kerberos", "sync@EXAMPLE.COM", keytab=str(tmp_path / "sync.keytab"))
    assert load(MINIMAL + "    bind: {method: kerberos}\n").settings.servers.bind == Bind("kerberos")


def test_the_defaults_are_those_of_the_source(load):
    settings = load(MINIMAL + "    groups: {base: 'ou=groups,dc=example,dc=com'}\n").settings
    assert settings.groups == Groups("ou=groups,dc=example,dc=com")
    assert settings.page_size == Settings(settings.servers, settings.people).page_size
    assert settings.servers == Servers(settings.servers.urls)
    page = load(MINIMAL + "    page_timeout_seconds: 20\n").settings.servers.page_timeout
    assert page == 20


def test_every_key_is_described():
    for path, found in config_keys(Root):
        if path != "sources":
            assert found.description, path
            assert found.description.endswith("."), path


def test_every_problem_at_once(problems):
    found = problems(
        """\
sources:
  - name: Directory
    type: ldap
    url: [ldaps://u:geheim@dc1.example.com, http://dc2.example.com, "ldap://dc3.example.com/dc=x"]
    pagesize: 5
    key: "a b"
    bind: {user: sync, password: geheim}
    people: {base: people, filter: objectClass=person, attributes: {active: x, groups: y, email: []}}
    groups: {filter: "(cn=x"}
"""
    )
    assert [key for _, key, _ in found] == [
        "sources[0].name",
        "sources[0].url[0]",
        "sources[0].url[1]",
        "sources[0].url[2]",
        "sources[0].bind.password",
        "sources[0].key",
        "sources[0].people.base",
        "sources[0].people.filter",
        "sources[0].people.attributes.active",
        "sources[0].people.attributes.groups",
        "sources[0].people.attributes.email",
        "sources[0].groups.base",
        "sources[0].groups.filter",
        "sources[0].pagesize",
    ]
    told = "\n".join(message for _, _, message in found)
    assert "geheim" not in told
    for words in (
        "a user or password does not stand in the address",
        "holds more than a server: give the base under `people`",
        "did you mean `page_size`?",
        "put it into brackets, as (objectClass=person)",
        "write ou=people,dc=example,dc=com",
        "`active` is not mapped",
    ):
        assert words in told
    assert all(line for line, _, _ in found)


def change(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (MINIMAL + "    starttls: false\n", "starttls", "no address is ldap://"),
        (MINIMAL + "    bind: {user: sync}\n", "bind", "`password` is missing, which `simple` needs"),
        (MINIMAL + "    bind: {method: external}\n", "bind", "`certificate_file` is missing"),
        (MINIMAL + "    bind: {method: kerberos, keytab: x}\n", "bind", "`user` is missing"),
        (MINIMAL + "    bind: {method: kerberos, password: {env: A}}\n", "bind", "`kerberos` has no password"),
        (
            MINIMAL + "    bind: {user: x, password: {env: A}, keytab: y}\n",
            "bind",
            "`keytab` is for `method: kerberos`",
        ),
        (MINIMAL + "    bind: {method: ntlm, user: sync, password: {env: A}}\n", "bind", r"DOMAIN\user"),
        (MINIMAL + "    kind: ad\n", "kind", "write `openldap`, `active_directory`"),
        (MINIMAL + "    page_size: -1\n", "page_size", "must be at least 0"),
        (MINIMAL + "    page_size: '1000'\n", "page_size", "remove the quotes"),
        (MINIMAL + "    timeout_seconds: 0\n", "timeout_seconds", "must be at least 1"),
        (change("ldaps://dc1.example.com", "[]"), "url", "is an empty list"),
        (change("ldaps://dc1.example.com", "dc1.example.com"), "url[0]", "is no server's address: write ldaps://"),
        (change("ldaps://dc1.example.com", "ldaps://dc1.example.com:0"), "url[0]", "has no port from 1 to 65535"),
        (change("ldaps://dc1.example.com", "ldaps://dc1:99999"), "url[0]", "is no server's address"),
        (change("ldaps://dc1.example.com", "12"), "url", "expects a list"),
        (MINIMAL + "      filter: (a=b)(c=d)\n", "people.filter", "count the brackets"),
        (MINIMAL + "      filter: ((a=b))\n", "people.filter", "is no filter"),
        (MINIMAL + "      attributes: {id: uid}\n", "people.attributes.id", "write `key: ATTRIBUTE`"),
        (
            MINIMAL + "      attributes: {title: 'a b'}\n",
            "people.attributes.title[0]",
            "is not the name of an LDAP attribute",
        ),
        (
            change("ldaps:", "ldap:") + "    starttls: false\n    bind: {method: external, certificate_file: x}\n",
            "bind.method",
            "write ldaps://",
        ),
    ],
)
def test_a_problem_is_named_with_its_cure(problems, text, key, words):
    ((line, where, message),) = problems(text)
    assert line is not None
    assert where == f"sources[0].{key}"
    assert words in message


def test_the_password_in_an_address_is_not_repeated(problems):
    for url in ("ldaps://sync:geheim@dc", "ldaps://geheim@[dc", "ldaps://x:geheim"):
        ((_, _, message),) = problems(change("ldaps://dc1.example.com", url))
        assert "geheim" not in message


@pytest.mark.parametrize(
    "text",
    [
        "(objectClass=person)",
        r"(&(|(mail=*)(cn=a\2ab))(!(memberOf:1.2.840.113556.1.4.1941:=CN=x,DC=y)))",
        "(cn=Jürgen*)",
        "(userAccountControl:1.2.840.113556.1.4.803:=2)",
    ],
)
def test_filters_that_are_in_order(load, text):
    assert load(MINIMAL + f"      filter: '{text}'\n").people.filter == text


@pytest.mark.parametrize("dn", [r"ou=a\,b,dc=x", "OU=Mitarbeiter:innen, DC=example, DC=com", "o=Ünion"])
def test_bases_that_are_in_order(load, dn):
    assert load(change("ou=people,dc=example,dc=com", f"'{dn}'")).people.base == dn
