"""Values in ranges, primary groups, foreign members and filters, with values in and values out."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError, RetryableError, UnreadableError
from connectors.ldap.active_directory import (
    MANY_GROUPS,
    Range,
    all_values,
    foreign_sid,
    guid_base,
    guid_filter,
    parse_range,
    primary_group_filter,
    primary_members,
    range_name,
)
from connectors.ldap.kinds import guid_mixed


def sid(rid: int, domain: int = 7) -> bytes:
    numbers = (21, domain, 8, 9, rid)
    return b"\x01\x05\x00\x00\x00\x00\x00\x05" + b"".join(number.to_bytes(4, "little") for number in numbers)


class Server:
    """Hands out at most `most` values, as Active Directory does."""

    def __init__(self, values: list[bytes], most: int) -> None:
        self.values, self.most, self.usn, self.asked = values, most, b"1", 0

    def first(self) -> dict[str, list[bytes]]:
        if len(self.values) <= self.most:
            return {"member": self.values, "usnchanged": [self.usn]}
        return {"member": [], **self.read(("member;range=0-*", "uSNChanged"))}

    def read(self, names: tuple[str, ...]) -> dict[str, list[bytes]]:
        self.asked += 1
        wanted = parse_range(names[0])
        assert wanted is not None
        end = wanted.first + self.most if wanted.last is None else min(wanted.last + 1, wanted.first + self.most)
        values = self.values[wanted.first : end]
        last = "*" if end >= len(self.values) else str(end - 1)
        return {f"member;range={wanted.first}-{last}": values, "usnchanged": [self.usn]}


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 15))
def test_every_value_comes_once_and_in_order(count, most, step):
    values = [b"cn=%d" % number for number in range(count)]
    server = Server(values, most)
    assert list(all_values("member", server.first(), server.read, count=step)) == values
    assert list(all_values("member", server.first(), server.read)) == values


def test_the_limit_of_a_real_controller():
    server = Server([b"%d" % number for number in range(4501)], 1500)
    assert len(list(all_values("member", server.first(), server.read))) == 4501
    assert server.asked == 4


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({}, "the server gave no range"),
        ({"member": [b"x"]}, "the server gave no range"),
        ({"member;range=3-*": [b"x"]}, "the server gave values from 3 on"),
        ({"member;range=1-*": [b"x"]}, "the server gave values from 1 on"),
        ({"member;range=2-3": []}, "member;range=2-3 came with 0 values"),
        ({"member;range=2-4": [b"x"]}, "member;range=2-4 came with 1 values"),
    ],
)
def test_ranges_that_do_not_join_are_not_the_whole_group(answer, told):
    entry = {"member": [], "member;range=0-1": [b"a", b"b"]}
    with pytest.raises(UnreadableError) as caught:
        list(all_values("member", entry, lambda _: answer, where="cn=big"))
    assert told in caught.value.what
    assert caught.value.where == "cn=big"


def test_a_group_that_changes_between_two_ranges_is_read_again():
    server = Server([b"%d" % number for number in range(9)], 3)
    first = server.first()
    server.usn = b"2"
    with pytest.raises(RetryableError, match="changed while it was read"):
        list(all_values("member", first, server.read))


def test_another_attributes_range_is_not_taken_for_this_ones():
    entry = {"memberof;range=0-0": [b"x"], "member": [b"a"]}
    assert list(all_values("member", entry, lambda _: {})) == [b"a"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("member;range=0-1499", Range("member", 0, 1499)),
        ("Member;Range=1500-*", Range("member", 1500, None)),
        ("member", None),
        ("member;range=0", None),
        ("member;range=a-b", None),
        ("member;lang-de", None),
    ],
)
def test_names_with_a_range(name, found):
    assert parse_range(name) == found


def test_a_range_is_asked_for_in_the_same_words():
    assert range_name("member", 1500) == "member;range=1500-*"
    assert parse_range(range_name("member", 1500, 500)) == Range("member", 1500, 1999)


def test_primary_members_of_all_groups_take_one_search():
    asked = []
    people = [
        (b"cn=anna", {"objectsid": [sid(1104)], "primarygroupid": [b"513"]}),
        (b"cn=ben", {"objectsid": [sid(1105)], "primarygroupid": [b"1200"]}),
        (b"cn=carl", {"objectsid": [sid(1106, domain=99)], "primarygroupid": [b"513"]}),
    ]

    def search(text, attributes):
        asked.append((text, attributes))
        return people

    found = list(primary_members(search, {"users": sid(513), "field": sid(1200), "empty": sid(1300)}))
    assert found == [("users", b"cn=anna"), ("field", b"cn=ben")]  # carl's 513 is another domain's
    assert len(asked) == 1
    assert "(|(primaryGroupID=513)(primaryGroupID=1200)(primaryGroupID=1300))" in asked[0][0]


def test_without_groups_nothing_is_asked():
    assert list(primary_members(lambda *_: pytest.fail("asked"), {})) == []


@pytest.mark.parametrize(
    "attributes",
    [{"objectsid": [sid(1)]}, {"primarygroupid": [b"513"]}, {"objectsid": [b"x"], "primarygroupid": [b"513"]}],
)
def test_a_primary_group_that_is_withheld_is_no_empty_group(attributes):
    with pytest.raises(UnreadableError, match="primary group is unknown") as caught:
        list(primary_members(lambda *_: [(b"cn=anna", attributes)], {"users": sid(513)}))
    assert caught.value.where == "cn=anna"


def test_a_filter_stays_short_however_many_groups_there_are():
    assert primary_group_filter([sid(513)]) == "(primaryGroupID=513)"
    many = [sid(number) for number in range(1, MANY_GROUPS + 2)]
    assert primary_group_filter(many) == "(primaryGroupID=*)"


def test_a_foreign_member_is_named_by_its_sid():
    told = foreign_sid(b"cn=S-1-5-21-7-8-9-1104,CN=ForeignSecurityPrincipals,DC=example,DC=test")
    assert told == "S-1-5-21-7-8-9-1104"
    assert foreign_sid(b"CN=Anna,OU=People,DC=example,DC=test") is None


@given(st.binary(min_size=16, max_size=16))
def test_a_filter_for_a_key_holds_the_bytes_and_nothing_that_a_filter_reads(value):
    text = guid_filter(guid_mixed(value))
    escaped = text.removeprefix("(objectGUID=").removesuffix(")")
    assert bytes.fromhex(escaped.replace("\\", "")) == value
    assert escaped.count("\\") == 16


def test_what_is_no_key_makes_no_filter():
    for text in ("*", "cn=x)(objectClass=*", ""):
        with pytest.raises(ValueError, match="UUID"):
            guid_filter(text)
        with pytest.raises(ValueError, match="UUID"):
            guid_base(text)
    key = str(uuid.uuid4())
    assert guid_base(key) == f"<GUID={key}>"


def test_an_unwhole_group_is_an_error_of_the_outside():
    assert issubclass(UnreadableError, ConnectorError)
