"""Hostile files: one error type, with the line and what to do, and bounded work."""

from __future__ import annotations

import contextlib
import plistlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import MdmError
from mdm.lint import lint
from mdm.plist import full_plist
from mdm.reading import MAX_BYTES, read
from mdm.strict import MAX_DEPTH, MAX_NODES

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
APPLE = b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
BOMB = bytes.fromhex("62706c6973743030") + bytes(275)
"""283 bytes, as those that load as 2^60 leaves: refused before anything in it is looked at."""
ENTITIES = b'<!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def one(value: bytes) -> bytes:
    return b"<dict>\n<key>a</key>" + value + b"</dict>"


HOSTILE = {
    "empty": (b" \n", "it is empty", "f"),
    "binary": (plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY), "a binary property list", "f"),
    "binary bomb": (BOMB, "a binary property list", "f"),
    "too large": (b"<dict>" + b" " * MAX_BYTES + b"</dict>", "larger than 64 KiB", "f"),
    "200,000 deep": (b"<dict><key>a</key>" + b"<array>" * 200_000, "larger than 64 KiB", "f"),
    "9,000 deep": (b"<dict><key>a</key>" + b"<array>" * 9_000, f"nested deeper than {MAX_DEPTH}", "f:1"),
    "many": (one(b"<array>" + b"<true/>" * MAX_NODES + b"</array>"), f"more than {MAX_NODES} elements", "f:2"),
    "entity bomb": (ENTITIES + one(b"<string>&b;</string>"), "its document type is not Apple's", "f:1"),
    "entity in Apple's": (
        APPLE.replace(b">", b' [<!ENTITY x "y">]>') + one(b"<string>&x;</string>"),
        "document type",
        "f:1",
    ),
    "external DTD": (b'<!DOCTYPE plist SYSTEM "http://x.example/x.dtd">' + one(b"<true/>"), "its document type", "f:1"),
    "local file": (
        b'<!DOCTYPE plist SYSTEM "file:///etc/passwd">' + one(b"<string>&x;</string>"),
        "document type",
        "f:1",
    ),
    "undefined entity": (HEAD + APPLE + one(b"<string>a&gone;b</string>"), "undefined entity &gone;", "f:4"),
    "UTF-16": ('<?xml version="1.0" encoding="UTF-16"?><dict/>'.encode("utf-16"), "it is UTF-16", "f:1"),
    "UTF-16 without a mark": ("<dict/>".encode("utf-16-le"), "UTF-16", "f"),
    "says UTF-16": (b'<?xml version="1.0" encoding="UTF-16"?><dict/>', "its encoding is", "f:1"),
    "UTF-7": (b'<?xml version="1.0" encoding="utf-7"?><dict/>', "its encoding is", "f:1"),
    "Latin-1": (HEAD + b"<dict><key>\xe9</key><true/></dict>", "it is not UTF-8", "f:2"),
    "key twice": (b"<dict><key>a</key><true/>\n<key>a</key><true/></dict>", 'the key "a" stands twice', "f:2"),
    "loose text": (b"<dict>\nfoo<key>a</key><true/></dict>", 'the text "foo" stands loose', "f:2"),
    "value without key": (b"<dict>\n<true/></dict>", "<true> has no key before it", "f:2"),
    "key without value": (b"<dict><key>a</key>\n</dict>", 'the key "a" has no value', "f:2"),
    "two keys": (b"<dict><key>a</key>\n<key>b</key><true/></dict>", 'the key "a" has no value', "f:2"),
    "key in array": (one(b"<array><key>b</key></array>"), "a <key> stands in an <array>", "f:2"),
    "element in string": (one(b"<string>a<b/></string>"), "<b> is no element", "f:2"),
    "string in string": (one(b"<string><string>a</string></string>"), "<string> stands inside <string>", "f:2"),
    "comment in string": (one(b"<string>a<!-- b -->c</string>"), "a comment stands inside <string>", "f:2"),
    "instruction": (b"<?php echo 1 ?>" + one(b"<true/>"), "a processing instruction", "f:1"),
    "attribute": (one(b'<string x="1">a</string>'), 'an attribute "x"', "f:2"),
    "namespace": (b'<dict xmlns="x"/>', "is no element", "f:1"),
    "upper case": (b"<DICT/>", "<DICT> is no element", "f:1"),
    "array root": (b"<plist><array/></plist>", "<plist> holds <array>, and not <dict>", "f:1"),
    "string root": (b"<string>a</string>", "it begins with <string>", "f:1"),
    "two values": (b"<plist><dict/>\n<dict/></plist>", "more than one value", "f:2"),
    "empty plist": (b"<plist></plist>", "<plist> is empty", "f:1"),
    "plist in plist": (b"<plist><plist/></plist>", "once more", "f:1"),
    "bad base64": (one(b"<data>!!</data>"), "<data> is no base64", "f:2"),
    "hexadecimal": (one(b"<integer>0x10</integer>"), '"0x10" is no <integer>', "f:2"),
    "65 bits": (one(b"<integer>99999999999999999999</integer>"), "is no <integer>", "f:2"),
    "long number": (one(b"<integer>" + b"9" * 60_000 + b"</integer>"), "is no <integer>", "f:2"),
    "nan": (one(b"<real>nan</real>"), '"nan" is no <real>', "f:2"),
    "infinite": (one(b"<real>1e999</real>"), "too large", "f:2"),
    "no day": (one(b"<date>2026-02-30T00:00:00Z</date>"), "no day of the calendar", "f:2"),
    "true with text": (one(b"<true>x</true>"), "<true> holds a text", "f:2"),
    "cut": (b"<plist><dict>\n<key>a", "no well-formed XML", "f:2"),
    "two roots": (b"<dict/>\n<dict/>", "junk after document element", "f:2"),
    "JSON": (b'{"com.fluix.mdm.userEmail": "a@x.example"}', "no well-formed XML", "f:1"),
    "U+FFFE": (one("<string>\ufffe</string>".encode()), "no well-formed XML", "f:2"),
    "signed profile": (b"\x30\x82\x12\x34" + bytes(40), "it is signed (CMS)", "f"),
    "NUL": (b"<dict>\x00</dict>", "NUL", "f"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_the_place(name: str) -> None:
    content, what, where = HOSTILE[name]
    with pytest.raises(MdmError, match=re.escape(what)) as refused:
        read(content, "f")
    assert refused.value.where == where
    assert refused.value.cure
    (finding,) = lint(content, "f")
    assert (finding.check, finding.level, finding.where) == ("unreadable", "error", where)


def test_ordinary_files_are_read_with_lines() -> None:
    content = (
        HEAD
        + APPLE
        + b'<plist version="1.0">\n<dict>\n\t<key>a</key>\n\t<dict><key>b</key>\n<integer>1</integer></dict>\n</dict></plist>\n'
    )
    found = read(b"\xef\xbb\xbf" + content)
    assert found.settings == {"a": {"b": 1}}
    assert found.lines == {"a": 6, "a.b": 7}
    assert not found.fragment
    assert read(b"<dict><!-- mine --><key>a</key><string><![CDATA[<&]]></string></dict>").settings == {"a": "<&"}
    assert read(b"<dict/>").fragment


def test_types_stay_apart() -> None:
    values = {"i": 1, "r": 1.0, "t": True, "s": "1", "d": b"1"}
    found = read(full_plist(values)).settings
    assert [type(found[key]) for key in values] == [int, float, bool, str, bytes]


TAGS = b"dict key string array plist data date integer true DICT".split()
PIECES = st.sampled_from(
    [
        *(b"<%s>" % tag for tag in TAGS),
        *(b"</%s>" % tag for tag in TAGS),
        *(b"<true/>", b"&amp;", b"&x;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<!DOCTYPE plist", b"[", b"]>"),
        *(b'<!ENTITY x "y">', b"<?xml", b"?>", HEAD, APPLE, b"com.fluix.mdm.userEmail", b"$EMAIL", b"{{mail}}"),
        *(b"a@x.example", b"\xff\xfe", b"\x00", b"bplist00", b"1", b"\n"),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=8), max_size=60).map(b"".join))
def test_whatever_is_read_there_is_one_error_type_and_lint_has_none(content: bytes) -> None:
    with contextlib.suppress(MdmError):
        assert isinstance(read(content, "f").settings, dict)
    assert all(finding.message and finding.cure for finding in lint(content, "f"))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_good_file_with_something_else_in_it(place: int, something: bytes) -> None:
    content = full_plist({"com.fluix.mdm.userEmail": "a@x.example", "b": [1, {"c": b"d"}]})
    spoilt = content[:place] + something + content[place + len(something) :]
    with contextlib.suppress(MdmError):
        read(spoilt)
    lint(spoilt, "f")
