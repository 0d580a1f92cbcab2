"""One form for every spelling of a distinguished name, and the table of everybody by name and key."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.keys import NOBODY
from connectors.ldap.index import GONE, MET, SEVERAL, Index
from connectors.ldap.names import normalise_dn, within
from connectors.ldap.search import any_of

SAME = [
    ["uid=anna,ou=people,dc=example,dc=com", "UID=Anna, OU=People , DC=Example,dc=com", "uid = anna;ou=people;dc=example;dc=com",
     "userid=anna,ou=people,0.9.2342.19200300.100.1.25=example,dc=com", r"uid=\61nna,ou=people,dc=example,dc=com",
     'uid="anna",ou=people,dc=example,dc=com'],
    [r"cn=Berg\, Anna,dc=x", r"CN=Berg\2C Anna,DC=X", 'cn="Berg, Anna",dc=x', r"cn=berg\,  anna,dc=x"],
    ["cn=Zoë,dc=x", r"cn=Zo\C3\AB,dc=x", "cn=ZOË,dc=x", "cn=Zoe\u0308,dc=x"],
    ["cn=a+uid=b,dc=x", "UID=b+CN=a,dc=x", "cn=a + uid=b, dc=x"],
    [r"cn=a\+b,dc=x", 'cn="a+b",dc=x'],
    [r"cn=\#5,dc=x", r"cn=\235,dc=x"],
    ["cn=Straße,dc=x", "cn=STRASSE,dc=x"],
    ["2.5.4.3=a,dc=x", "OID.2.5.4.3=a,dc=x", "commonName=A,dc=x"],
    ["", "  "],
]  # fmt: skip


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_name_are_equal(spellings):
    assert len({normalise_dn(spelled.encode()) for spelled in spellings}) == 1


def test_different_names_stay_different():
    different = [
        *(spellings[0] for spellings in SAME),
        r"cn=a\,dc=x", "cn=ab,dc=x", "cn=a b,dc=x", "uid=a,dc=x", r"cn=a\2Cdc=x,dc=y", "cn=a,dc=x,dc=y",
        r"cn=a\=b,dc=x", "cn=a+cn=b,dc=x", "cn=a,cn=b,dc=x", r"cn=a\5c,dc=x", "cn=,dc=x",
    ]  # fmt: skip
    assert len({normalise_dn(name.encode()) for name in different}) == len(different)


@pytest.mark.parametrize(
    "broken", [b"anna", b"cn=a,", b'cn="a,dc=x', b"cn=a\\", b"=a,dc=x", b"cn=a,b", b'cn="a"b,dc=x', b"\xff"]
)
def test_what_is_no_name_equals_only_itself(broken):
    assert normalise_dn(broken) == broken.lower()


@given(st.binary(max_size=60))
def test_any_bytes_have_a_form_and_it_is_stable(noise):
    once = normalise_dn(noise)
    assert normalise_dn(once) == once


@given(st.text(min_size=1).filter(str.strip), st.randoms(use_true_random=False))
def test_escaping_makes_no_difference(value, random):
    raw = value.encode("utf-8", "surrogatepass")
    hexed = "".join(f"\\{byte:02x}" for byte in raw)
    mixed = "".join(
        chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in '\\,+=;"<>#' and random.random() < 0.5 else f"\\{byte:02x}"
        for byte in raw
    )
    assert normalise_dn(f"cn={hexed},dc=x".encode()) == normalise_dn(f"CN={mixed},DC=X".encode())


def test_within():
    assert within(b"uid=a,dc=x", b"dc=x")
    assert within(b"dc=x", b"dc=x")
    assert within(b"dc=x", b"")
    assert not within(b"uid=a,dc=xx", b"dc=x")
    assert not within(b"uid=a,ddc=x", b"dc=x")


def test_everybody_is_found_by_key_by_name_and_by_user_name():
    index = Index()
    people = [(str(uuid.UUID(int=n * 7919)) if n % 2 else f"E{n}", f"uid=p{n},dc=x".encode()) for n in range(5000)]
    for number, (key, dn) in enumerate(people):
        assert index.add(key, dn) == (number, True)
        index.add_user(f"p{number}".encode(), number)
    for number, (key, dn) in enumerate(people):
        assert index.add(key, dn) == (number, False)
        assert index.key(number) == key
        assert index.row(key) == index.named(dn.upper()) == index.user(f"P{number}".encode()) == number
    assert index.row("nobody") == index.named(b"uid=nobody,dc=x") == index.user(b"nobody") == NOBODY
    assert len(index) == 5000


@given(st.lists(st.text(min_size=1), unique=True), st.uuids())
def test_a_key_comes_back_as_it_was(keys, one):
    index = Index()
    texts = list(dict.fromkeys([*keys, str(one), str(one).upper(), one.hex, str(one).replace("-", " ")]))
    rows = [index.add(key, f"cn={number}".encode())[0] for number, key in enumerate(texts)]
    assert [index.key(row) for row in rows] == texts
    assert [index.row(key) for key in texts] == rows


def test_a_name_of_two_people_is_nobodys():
    index = Index()
    index.add("a", b"uid=a,dc=x")
    index.add("b", b"uid=A, dc=x")
    index.doubtful(b"uid=c,dc=x")
    index.add_user(b"u", 0)
    index.add_user(b"U", 1)
    assert index.named(b"uid=a,dc=x") == index.named(b"uid=c,dc=x") == index.user(b"u") == SEVERAL


def test_who_was_not_met_is_told():
    index = Index()
    for key in "abcd":
        index.add(key, f"uid={key}".encode())
    index.mark(1, MET)
    index.mark(3, GONE)
    assert list(index.unmet()) == [0, 2]


@pytest.mark.parametrize("value", [b" \x0bkey in 16 byte\n", "\u00a0anna ", " ", b"plain", "(anna)*"])
def test_a_value_reaches_the_server_with_the_white_space_at_its_ends(value):
    from connectors.ldap.library import search_operation

    request = search_operation("", any_of("uid", [value]), "SUBTREE", "NEVER", ["1.1"], 0, 0, False, False, False)
    asserted = request["filter"]["or"][0]["equalityMatch"]["assertionValue"]
    assert bytes(asserted) == (value.encode() if isinstance(value, str) else value)
