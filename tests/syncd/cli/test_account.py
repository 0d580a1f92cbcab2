"""account: a rehearsal copy, out and in; and the plain YAML that it is."""

from __future__ import annotations

import pytest
import yaml

from syncd.plain_yaml import PlainYamlError, parse

COPY = """\
users:
- {email: a@x.example, name: "佐藤 😀: x", state: active, role: admin, owner: true, groups: [No, "yes", "007"]}
- {email: b@x.example, name: B, state: invited, owner: false, groups: []}
groups:
- name: Empty
workflows:
- name: Permits
  steps:
  - {name: Sign, users: [a@x.example], groups: ["yes"]}
documents:
- {title: Form 7, state: draft, user: a@x.example}
"""


def test_a_copy_goes_in_and_out_again(small, call):
    (small.folder / "copy.yaml").write_text(COPY.replace("[No,", '["No",'), encoding="utf-8")
    counts = {"users": 2, "groups": 1, "workflows": 1, "documents": 1}
    assert call("account", "load", "copy.yaml", "--replace", "--json").json == counts
    ran = call("account", "dump")
    assert (ran.code, ran.err) == (0, "")
    assert "佐藤 " in ran.out
    data = call("account", "dump", "--json").json
    assert yaml.safe_load(ran.out) == parse(ran.out) == data
    assert list(data) == ["users", "groups", "workflows", "documents"]
    assert list(data["users"][0]) == ["email", "name", "state", "role", "owner", "groups"]
    assert data["users"][0]["groups"] == ["007", "No", "yes"]

    assert call("account", "dump", "--out", "again.yaml", "--json").json == {
        **counts,
        "groups": 4,
        "file": "again.yaml",
    }
    assert (small.folder / "again.yaml").read_text(encoding="utf-8") == ran.out
    told = call("account", "load", "again.yaml", "--replace").out
    assert told == "loaded 2 users, 4 groups, 1 workflows, 1 documents\n"
    assert call("account", "dump").out == ran.out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: [", "(line "),
        ("", "not a mapping"),
        ("- a", "not a mapping"),
        ("users: {a: 1}", "`users` is not a list"),
        ("users: [{email: x}]", "no email address"),
        ("users: [{email: 5}]", "put it into quotes"),
        ("users: []\nusers: []", "given twice (line 2)"),
        ("users: [{email: a@x.example, email: b@x.example}]", "given twice"),
        ("a: &a [*a]", "aliases"),
        ("users: !!python/object:os.system {}", "tags"),
        ("users: []\n---\nusers: []", "second document (line 2)"),
        ("? [a]\n: b", "a key is not a text"),
        ("[" * 100_000, "nested too deep"),
        ("users: \0", "control character"),
        (b"users: \xff", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_copy_that_is_none_changes_nothing(small, call, text, told):
    before = call("account", "dump").out
    if text is not None:
        (small.folder / "bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = call("account", "load", "bad.yaml", "--replace", "--json")
    assert ran.code == ran.json["exit_code"]
    assert ran.code in {1, 2}
    assert told in ran.json["error"]["what"]
    assert call("account", "dump").out == before


def test_a_folder_is_no_copy(small, call):
    assert call("account", "load", ".").code == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: ~\nb: [yes, 1, 1.5, 'no', !  x]", None),
        ("d: 2026-01-01\nm: {<<: x, =: y}", {"d": "2026-01-01", "m": {"<<": "x", "=": "y"}}),
        (f"n: {'9' * 5000}", {"n": "9" * 5000}),
        ("n: 0b\nx: {}", {"n": "0b", "x": {}}),
        ("\ufeffa: b", {"a": "b"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
    ],
)
def test_plain_yaml(text, value):
    assert parse(text) == (yaml.safe_load(text) if value is None else value)


def test_plain_yaml_says_where():
    with pytest.raises(PlainYamlError, match=r"aliases .* \(line 3\)"):
        parse("a:\n- b\n- &c d\n")
