"""The configuration: what is accepted, and that everything else is named with its line, its key and a cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from syncd.config import Config, ConfigError, ConfigProblem, Secret, SecretError, config_keys, load_config

MINIMAL = """\
version: 1
sources:
  - name: people
    type: csv
    path: people.csv
"""


@pytest.fixture
def load(tmp_path):
    def _load(text: str | bytes) -> Config:
        path = tmp_path / "config.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_config(path)

    return _load


@pytest.fixture
def problems(load):
    def _problems(text: str | bytes) -> list[tuple[int | None, str, str]]:
        with pytest.raises(ConfigError) as caught:
            load(text)
        return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]

    return _problems


@pytest.fixture
def problem(problems):
    """The one problem of a minimal configuration with these lines after it; it must be the only one."""

    def _problem(text: str) -> tuple[int | None, str, str]:
        found = problems(MINIMAL + text)
        assert len(found) == 1, found
        return found[0]

    return _problem


# --- what is accepted ---------------------------------------------------------------------------------------------


def test_the_minimum_has_the_documented_defaults(load, tmp_path):
    config = load(MINIMAL)
    source = config.sources[0]
    assert (source.name, source.columns, source.groups_separator, source.encoding, source.delimiter) == (
        "people",
        *[None] * 4,
    )
    assert (source.settle_seconds, source.marker) == (1.0, None)
    assert source.resolved_path == tmp_path / "people.csv"
    assert config.store_url == f"sqlite:///{tmp_path}/var/syncd.db"
    assert config.target.type == "account"
    assert (config.people.scope, config.people.map, config.people.adopt, config.people.on_drift) == (
        None,
        {},
        "matched",
        "repair",
    )
    assert (config.groups.create, config.groups.map) == (True, None)
    leavers = config.leavers
    assert (leavers.grace_days, leavers.certified_absences, leavers.on_leave, leavers.workflows) == (
        7,
        2,
        "keep",
        "hold",
    )
    assert (leavers.documents.mode, leavers.documents.to, leavers.protected) == ("hold", None, ())
    assert {kind: (limit.count, limit.percent) for kind, limit in config.budgets.run.limits.items()} == {
        "delete": (25, 5),
        "email_change": (25, None),
        "remove_member": (None, 20),
        "admin": (10, None),
    }
    assert {kind: limit.count for kind, limit in config.budgets.day.limits.items()} == {"delete": 50}
    assert {kind: limit.count for kind, limit in config.budgets.week.limits.items()} == {"delete": 100}
    assert (config.budgets.minimum_population, config.budgets.block) == (20, "deletes")
    assert (config.shrink.max_percent, config.shrink.group_minimum, config.approvals.expire_hours) == (30, 10, 72)
    assert (config.mdm, config.store_password) == (None, None)
    assert (config.schedule.every, config.schedule.cron, config.serve.listen) == ("5m", None, "127.0.0.1:8480")
    assert config.unused() == []
    assert config.secret_problems() == []


def test_a_configuration_cannot_be_changed_after_reading(load):
    config = load(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        config.store = "sqlite:///other.db"
    with pytest.raises(ValidationError, match="frozen"):
        config.leavers.grace_days = 0


def test_paths_are_relative_to_the_file_and_not_to_the_working_directory(load, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load(MINIMAL + "store: sqlite:///a b?timeout=5\n")
    assert config.store_url == f"sqlite:///{tmp_path}/a b?timeout=5"
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("config.yaml")).sources[0].resolved_path == tmp_path / "people.csv"


def test_absolute_paths_stay(load):
    config = load(MINIMAL.replace("people.csv", "/data/people.csv") + "store: sqlite:////data/syncd.db\n")
    assert config.sources[0].resolved_path == Path("/data/people.csv")
    assert config.store_url == "sqlite:////data/syncd.db"


def test_the_store_address_survives_a_folder_with_signs_in_its_name(tmp_path):
    folder = tmp_path / "50% a?b #c"
    folder.mkdir()
    (folder / "config.yaml").write_text(MINIMAL)
    url = load_config(folder / "config.yaml").store_url
    assert make_url(url).database == str(folder / "var/syncd.db")


def test_a_kind_that_is_given_replaces_only_its_own_default(load):
    run = load(
        MINIMAL + "budgets: {run: {delete: {count: 3}, email_change: null, create: {percent: 50}}}\n"
    ).budgets.run
    assert {kind: (limit.count, limit.percent) for kind, limit in run.limits.items()} == {
        "create": (None, 50),
        "delete": (3, None),
        "remove_member": (None, 20),
        "admin": (10, None),
    }


@pytest.mark.parametrize(
    ("written", "mode", "to"),
    [
        ("hold", "hold", None),
        ("discard", "discard", None),
        ("{reassign: manager}", "reassign", "manager"),
        ("{reassign: group_owner}", "reassign", "group_owner"),
        ("{reassign: anna@x.example}", "reassign", "anna@x.example"),
    ],
)
def test_documents(load, written, mode, to):
    documents = load(MINIMAL + f"leavers: {{documents: {written}}}\n").leavers.documents
    assert (documents.mode, documents.to) == (mode, to)


@pytest.mark.parametrize(
    ("written", "character"), [("comma", ","), ("semicolon", ";"), ("tab", "\t"), ('";"', ";"), ('"\\t"', "\t")]
)
def test_a_delimiter_is_a_word_or_the_character(load, written, character):
    assert load(MINIMAL + f"    delimiter: {written}\n").sources[0].delimiter == character


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(load):
    assert load(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode()).sources[0].name == "people"


def test_a_date_stays_the_text_it_is(load):
    assert load(MINIMAL.replace("people.csv", "2026-11-24")).sources[0].path == "2026-11-24"


def test_removals_can_be_limited_for_each_group_alone(load):
    day = load(MINIMAL + "budgets: {day: {remove_member: {per_group: {count: 3, percent: 50}}}}\n").budgets.day
    limit = day.limits["remove_member"]
    assert (limit.count, limit.percent) == (None, None)
    assert (limit.per_group.count, limit.per_group.percent) == (3, 50)


@pytest.mark.parametrize("limits", ["{remove_member: {}}", "{remove_member: {per_group: {}}}", "{admin: {}}"])
def test_an_empty_limit_is_refused(load, limits):
    with pytest.raises(ConfigError, match="an empty limit limits nothing"):
        load(MINIMAL + f"budgets: {{week: {limits}}}\n")


def test_only_removals_have_a_limit_for_each_group(load):
    with pytest.raises(ConfigError, match="per_group"):
        load(MINIMAL + "budgets: {run: {delete: {per_group: {count: 3}}}}\n")


def test_group_rules_are_read_in_order(load):
    rules = load(
        MINIMAL + 'groups: {map: [{from: "Field (?P<team>.+)", to: "{team}!"}, {from: X, to: "{{x}}"}]}\n'
    ).groups.map
    assert [(rule.regex.pattern, rule.to) for rule in rules] == [("Field (?P<team>.+)", "{team}!"), ("X", "{{x}}")]


def test_what_is_for_later_is_read_and_named(load):
    config = load(
        MINIMAL
        + "store_password: {env: X}\nschedule: {every: 5m}\nserve: {}\nmdm: {bundle_id: com.example.app, vendors: [intune]}\n"
    )
    assert config.unused() == ["store_password"]
    assert config.serve.listen == "127.0.0.1:8480"
    assert config.mdm.vendors == ("intune",)


# --- every problem, with line, key and cure -----------------------------------------------------------------------


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(problems):
    text = """\
version: 2
sources:
  - name: People
    type: csv
    columns: {id: Employee}
  - name: hr
    type: nis
    url: [ldaps://dc1]
leavers:
  grace_day: 3
  certified_absences: two
  workflows: remove
budgets:
  run:
    delete: {}
groups:
  map:
    - {from: "Field (", to: X}
"""
    found = problems(text)
    assert [(line, key) for line, key, _ in found] == [
        (1, "version"),
        (3, "sources[0].name"),
        (3, "sources[0].path"),
        (5, "sources[0].columns"),
        (7, "sources[1].type"),
        (10, "leavers.grace_day"),
        (11, "leavers.certified_absences"),
        (12, "leavers.workflows"),
        (15, "budgets.run.delete"),
        (18, "groups.map[0].from"),
    ]
    for _, _, message in found:
        assert "pydantic" not in message
        assert "Input should" not in message


def test_the_error_as_text_names_file_and_line(load, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(MINIMAL + "leavers: {grace_day: 3}\n")
    assert (
        str(caught.value)
        == f"{tmp_path}/config.yaml:6: leavers.grace_day: unknown key `grace_day`; did you mean `grace_days`?"
    )
    assert str(ConfigError((ConfigProblem("is empty"),))) == "configuration: is empty"


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("leaver: {}\n", 6, "leaver", "unknown key `leaver`; did you mean `leavers`?"),
        ("grace_days: 3\n", 6, "grace_days", "unknown key `grace_days` here; it is written as `leavers.grace_days`"),
        ("target: {xyz: 1}\n", 6, "target.xyz", "unknown key `xyz`; known here: type"),
        ("target: {type: acount}\n", 6, "target.type", '`type` is the text "acount": write `account`'),
        (
            "target: account\n",
            6,
            "target",
            '`target` expects keys of its own (`key: value`), but the text "account" is given',
        ),
        ("store: [a]\n", 6, "store", "`store` expects text, but a list is given"),
        (
            "leavers:\n",
            6,
            "leavers",
            "`leavers` has no value: give it keys of its own (`key: value`), or remove the line",
        ),
        (
            "leavers:\n\n  grace_days: soon\n",
            8,
            "leavers.grace_days",
            '`grace_days` expects a number, but the text "soon" is given',
        ),
        ("leavers: {grace_days: '3'}\n", 6, "leavers.grace_days", "is given; remove the quotes"),
        (
            "leavers: {grace_days: yes}\n",
            6,
            "leavers.grace_days",
            "expects a number, but `yes` (YAML reads it as true) is given",
        ),
        ("leavers: {grace_days: -1}\n", 6, "leavers.grace_days", "`grace_days` must be at least 0, but is -1"),
        ("leavers: {grace_days: .nan}\n", 6, "leavers.grace_days", "`grace_days` expects a number that ends"),
        ("leavers: {grace_days: 99999999}\n", 6, "leavers.grace_days", "must be at most 3650"),
        ("leavers: {certified_absences: 0}\n", 6, "leavers.certified_absences", "must be at least 1, but is 0"),
        (
            "leavers: {certified_absences: 2.5}\n",
            6,
            "leavers.certified_absences",
            "expects a whole number, but the number 2.5 is given",
        ),
        ("leavers: {on_leave: strip}\n", 6, "leavers.on_leave", "write `keep` or `strip_groups`"),
        ("leavers: {protected: anna@x.example}\n", 6, "leavers.protected", "expects a list"),
        ("leavers: {protected: [anna]}\n", 6, "leavers.protected[0]", '"anna" is no email address (there is no @)'),
        (
            "leavers: {protected: [no]}\n",
            6,
            "leavers.protected[0]",
            'item 1 of `protected` expects text, but `no` (YAML reads it as false) is given; put it in quotes: "no"',
        ),
        ("leavers: {documents: keep}\n", 6, "leavers.documents", "write hold, discard, or {reassign: WHO}"),
        (
            "leavers: {documents: {reassign: bob}}\n",
            6,
            "leavers.documents.reassign",
            '"bob" is nobody: write manager, group_owner or an email address',
        ),
        ("leavers: {documents: {mode: discard}}\n", 6, "leavers.documents", "write hold, discard"),
        ("groups: {create: 1}\n", 6, "groups.create", "expects `true` or `false`, but the number 1 is given"),
        ("groups: {map: []}\n", 6, "groups.map", "is an empty list: give it at least one entry"),
        ("groups: {map: [{from: no, to: X}]}\n", 6, "groups.map[0].from", "put it in quotes"),
        ("groups: {map: [{pattern: a, to: X, from: b}]}\n", 6, "groups.map[0].pattern", "unknown key `pattern`"),
        ('groups: {map: [{from: "(a)", to: "{1}"}]}\n', 6, "groups.map[0].to", "`{1}` is no named part of `from`"),
        (
            'groups: {map: [{from: "(?P<team>a)", to: "{tem}"}]}\n',
            6,
            "groups.map[0].to",
            "`{tem}` is no named part of `from`: `from` names team",
        ),
        ('groups: {map: [{from: "(?P<t>a)", to: "{t.__class__}"}]}\n', 6, "groups.map[0].to", "is no named part"),
        ('groups: {map: [{from: "(?P<t>a)", to: "{t!r:>9}"}]}\n', 6, "groups.map[0].to", "write `{t}` alone"),
        ('groups: {map: [{from: a, to: "{"}]}\n', 6, "groups.map[0].to", "has a brace without its partner"),
        ('groups: {map: [{from: a, to: " "}]}\n', 6, "groups.map[0].to", "empty"),
        (
            'groups: {map: [{from: "[[a]", to: b}]}\n',
            6,
            "groups.map[0].from",
            "is no regular expression (Possible nested set",
        ),
        ("people: {scope: yes}\n", 6, "people.scope", 'put it in quotes: "yes"'),
        ('people: {scope: "active and"}\n', 6, "people.scope", "the expression has an error"),
        ('people: {scope: "email | nosuch"}\n', 6, "people.scope", "No filter named 'nosuch'"),
        ("people:\n  scope: |\n    active\n    and (\n    groups\n", 10, "people.scope", "the expression has an error"),
        ('people: {map: {display_name: "{{ a "}}\n', 6, "people.map.display_name", "the template has an error"),
        ("people: {map: {Display: x}}\n", 6, "people.map.Display", '"Display" is not an attribute name'),
        ("budgets: {run: {deletes: {count: 1}}}\n", 6, "budgets.run.deletes", "did you mean `delete`?"),
        ("budgets: {run: {delete: 5}}\n", 6, "budgets.run.delete", "expects keys of its own"),
        (
            "budgets: {run: {delete: {percent: 120}}}\n",
            6,
            "budgets.run.delete.percent",
            "must be at most 100, but is 120",
        ),
        ("budgets: {run: {delete: {count: -1}}}\n", 6, "budgets.run.delete.count", "must be at least 0"),
        ("shrink: {max_percent: 101}\n", 6, "shrink.max_percent", "must be at most 100"),
        ("approvals: {expire_hours: 0}\n", 6, "approvals.expire_hours", "must be more than 0, but is 0"),
        ("schedule: {cron: '0 0 30 2 *'}\n", 6, "schedule.cron", "never happens"),
        ("schedule: {cron: '61 * * * *'}\n", 6, "schedule.cron", "is no cron line"),
        ("schedule: {every: 5m, cron: '* * * * *'}\n", 6, "schedule", "give one of"),
        ("schedule: {every: 5 minutes}\n", 6, "schedule.every", '"5 minutes" is not a duration'),
        ("schedule: {cron: '* * *'}\n", 6, "schedule.cron", "is not a cron line"),
        ("serve: {listen: localhost}\n", 6, "serve.listen", "is not HOST:PORT"),
        ("mdm: {vendors: [intune]}\n", 6, "mdm.bundle_id", "`bundle_id` is missing: The app's bundle identifier"),
        (
            "store: postgresql://sync@db/syncd\n",
            6,
            "store",
            "its driver is psycopg: write postgresql+psycopg://USER@HOST/DATABASE",
        ),
        ("store: postgresql+psycopg://sync@db\n", 6, "store", "it names no database"),
        ("store: mysql://db/x\n", 6, "store", "is no store that syncd knows"),
        ("store: syncd.db\n", 6, "store", "is no store address: write sqlite:///var/syncd.db"),
        ("store: sqlite://var/syncd.db\n", 6, "store", "the slashes are too few"),
        ("store: 'sqlite:///:memory:'\n", 6, "store", "a store in memory forgets"),
        ("store: 'sqlite://'\n", 6, "store", "a store in memory forgets"),
    ],
)
def test_a_problem_has_line_key_and_cure(problem, text, line, key, message):
    found = problem(text)
    assert found[:2] == (line, key)
    assert message in found[2]


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ("    columns: {id: Employee, User: x, email: E}", "columns.User", "is not an attribute name"),
        ("    columns: {id: Employee}", "columns", "add `email: HEADER`"),
        ("    columns: {email: no}", "columns.email", 'put it in quotes: "no"'),
        ("    columns: {email: ''}", "columns.email", "empty"),
        ("    columns: {email: E, on: X}", "columns.on", 'put it in quotes, "on"'),
        ("    groups_separator: '----'", "groups_separator", "is not a separator (1 to 3 characters)"),
        ("    groups_separator: ''", "groups_separator", "is not a separator"),
        ("    encoding: latin-one", "encoding", '"latin-one" is no text encoding'),
        ("    encoding: base64", "encoding", "is no text encoding"),
        ("    delimiter: '|'", "delimiter", "write comma, semicolon or tab"),
        ("    settle_seconds: -1", "settle_seconds", "must be at least 0"),
        ("    file: people.csv", "file", "unknown key `file`"),
    ],
)
def test_a_problem_of_a_source(problem, lines, key, message):
    found = problem(lines + "\n")
    assert found[:2] == (6, f"sources[0].{key}")
    assert message in found[2]


def test_a_source_of_an_unknown_type_is_one_problem_and_not_ten(problems):
    text = "version: 1\nsources:\n  - name: ad\n    type: nis\n    url: x\n    people: {base: y}\n"
    assert problems(text) == [
        (4, "sources[0].type", '`type` is the text "nis": write `csv` or `ldap` or `scim` or `scim_push`')
    ]


def test_sources_must_have_names_of_their_own_even_when_something_else_is_wrong(problems):
    twice = MINIMAL + "  - name: people\n    type: csv\n    path: b.csv\n"
    named = (6, "sources[1].name", 'another source is named "people" already: give each source its own name')
    assert problems(twice) == [named]
    assert named in problems(twice.replace("path: b.csv", "pth: b.csv"))


@pytest.mark.parametrize("sources", ["[]", "people", "[people]", "{name: people}", ""])
def test_sources_must_be_a_list_of_sources(problems, sources):
    found = problems(f"version: 1\nsources: {sources}\n")
    assert [(line, key.partition("[")[0]) for line, key, _ in found] == [(2, "sources")]


def test_version_and_sources_are_asked_for(problems):
    found = problems("store: sqlite:///a.db\n")
    assert [(line, key) for line, key, _ in found] == [(1, "version"), (1, "sources")]
    assert "`version` is missing: The version of this file's format: write `version: 1`." in found[0][2]


def test_an_expression_can_be_too_deep(problem):
    assert problem(f'people: {{scope: "{"(" * 3000}"}}\n')[1:] == (
        "people.scope",
        "the expression is nested too deep: write it with fewer brackets",
    )


def test_true_is_no_version(problems):
    assert problems(MINIMAL.replace("version: 1", "version: true"))[0][:2] == (1, "version")
    assert (
        problems(MINIMAL.replace("version: 1", "version: '1'"))[0][2]
        == '`version` is the text "1": write `1`; remove the quotes'
    )


# --- files that are no configuration ------------------------------------------------------------------------------


def test_a_key_given_twice_is_refused_with_both_lines(problem):
    found = problem("leavers: {grace_days: 1}\nleavers: {grace_days: 9}\n")
    assert found == (7, "leavers", "`leavers` is given twice, first in line 6: keep one of them")


def test_a_key_given_twice_does_not_hide_what_else_is_wrong(problems):
    found = problems(MINIMAL + "store: sqlite:///a\nstore: sqlite:///b\nleaver: {}\n")
    assert [(line, key) for line, key, _ in found] == [(7, "store"), (8, "leaver")]


def test_aliases_are_refused_and_never_followed(problems):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n"
    found = problems(bomb)
    assert len(found) == 72
    assert found[0] == (2, "", "YAML aliases (`*name`) are refused: write the value out, or quote it if it is text")


@pytest.mark.parametrize("tagged", ["!secret x", "!!python/object:os.system x", "!!binary aGk=", "!!set {a, b}"])
def test_tags_are_refused(problem, tagged):
    line, key, message = problem(f"store: {tagged}\n")[:3]
    assert (line, key) == (6, "store")
    assert "YAML tags" in message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "is empty: copy config.example.yaml"),
        ("# only a comment\n", 1, "is empty"),
        ("- a\n- b\n", 1, "must be made of `key: value` lines"),
        ("just text\n", 1, "must be made of `key: value` lines"),
        ("version: 1\nsources: [a\nstore: b\n", 3, "this is not valid YAML"),
        ("version: 1\n\tstore: x\n", 2, "indent with spaces, not with tabs"),
        ("version: 1\nstore: a: b\n", 2, "goes into quotes"),
        ("version: 1\nstore: @x\n", 2, "goes into quotes"),
        ("version: 1\n---\nversion: 1\n", 2, "a configuration is one document"),
        ("version: 1\nstore: \x07\n", 2, "holds a control character"),
        (b"version: 1\nstore: caf\xe9\n", 2, "save the file with the encoding UTF-8"),
        (b"\xff\xfev\x00e\x00", 1, "save the file with the encoding UTF-8"),
        ("a: " + "[" * 5000, None, "nested too deep"),
        ("a: " + "x" * (1 << 20), None, "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_configuration(problems, text, line, message):
    found = problems(text)
    assert len(found) == 1
    assert (found[0][0], found[0][1]) == (line, "")
    assert message in found[0][2]


@pytest.mark.parametrize("text", ["? [a]\n: b\n", "{{ template }}: 1\n"])
def test_a_key_that_is_no_text_is_named(problems, text):
    assert any("cannot be a key" in message for _, _, message in problems(MINIMAL + text))


@pytest.mark.parametrize("number", ["9" * 5000, "0x", "0b2", "1" + ":59" * 200])
def test_a_number_that_cannot_be_read_is_a_problem_and_no_crash(problems, number):
    assert problems(MINIMAL + f"leavers: {{certified_absences: {number}}}\n")[0][1] == "leavers.certified_absences"


def test_a_missing_file_a_folder_and_an_unreadable_file(tmp_path, monkeypatch):
    with pytest.raises(
        ConfigError, match=r"nosuch.yaml: cannot be read: No such file or directory; give its place with --config"
    ):
        load_config(tmp_path / "nosuch.yaml")
    with pytest.raises(ConfigError, match="name the file in it, not the folder") as caught:
        load_config(tmp_path)
    assert caught.value.problems[0].line is None

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "mine.yaml").write_text(MINIMAL)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="Permission denied; check the path and its rights"):
        load_config(tmp_path / "mine.yaml")


# --- secrets ------------------------------------------------------------------------------------------------------

HUNTER = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"store_password: {HUNTER}\n",
        f"store_password: [{HUNTER}]\n",
        f"store_password: {{password: {HUNTER}}}\n",
        f"store_password: {{env: {HUNTER}!}}\n",
        f"store_password: !{HUNTER}\n",
        f"store_password: *{HUNTER}\n",
        f"store_password: @{HUNTER}\n",
        f"store_password: {{env: A, file: {HUNTER}}}\n",
        f"store: postgresql+psycopg://sync:{HUNTER}@db/syncd\n",
        f"store: postgresql+psycopg://sync@db/syncd?password={HUNTER}\n",
        f"store: sqlite:///a.db?password={HUNTER}\n",
        f"store: postgresql+psycopg://sync:{HUNTER}@db:port/syncd\n",
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(load, text):
    with pytest.raises(ConfigError) as caught:
        load(MINIMAL + text)
    assert HUNTER not in str(caught.value)
    assert HUNTER not in repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert caught.value.problems[0].line == 6


def test_a_secret_in_the_file_is_refused_with_the_cure(problems):
    assert "write `{env: NAME}`" in problems(MINIMAL + "store_password: x\n")[0][2]
    assert "needs one of `env` and `file`" in problems(MINIMAL + "store_password: {}\n")[0][2]
    found = problems(MINIMAL + "store: postgresql+psycopg://sync:x@db/syncd\n")
    assert ["store_password: {env: NAME}" in one[2] for one in found] == [True]


def test_a_secret_of_the_environment_is_read_at_use(load, monkeypatch):
    config = load(MINIMAL + "store_password: {env: SYNCD_TEST_SECRET}\n")
    monkeypatch.delenv("SYNCD_TEST_SECRET", raising=False)
    assert config.secret_problems() == [
        "store_password: the environment variable SYNCD_TEST_SECRET is not set: set it where syncd is started"
    ]
    monkeypatch.setenv("SYNCD_TEST_SECRET", "")
    assert "is empty" in config.secret_problems()[0]
    monkeypatch.setenv("SYNCD_TEST_SECRET", HUNTER)
    assert config.secret_problems() == []
    assert config.store_password.reveal() == HUNTER
    for shown in (repr(config), str(config), repr(config.model_dump()), config.model_dump_json()):
        assert HUNTER not in shown


def test_a_secret_file_is_relative_to_the_configuration_and_loses_one_line_end(load, tmp_path):
    config = load(MINIMAL + "store_password: {file: secret}\n")
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_bytes(b" hunter2 \n\r\n")
    assert config.store_password.reveal() == " hunter2 \n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o644])
def test_a_secret_file_that_others_can_reach_is_refused_with_the_command(load, tmp_path, mode):
    file = tmp_path / "secret"
    file.write_text(HUNTER)
    file.chmod(mode)
    config = load(MINIMAL + "store_password: {file: secret}\n")
    assert config.secret_problems() == [
        f"store_password: the secret file {file} is open to others (mode {mode:04o}): chmod 600 '{file}'"
    ]
    with pytest.raises(SecretError, match="open to others"):
        config.store_password.reveal()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read \(No such file or directory\)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xff", "is not a text file"),
        (b"a\0b", "is not a text file"),
        (b"a" * 70000, "is not a text file"),
    ],
)
def test_a_secret_file_without_a_secret(tmp_path, content, message):
    file = tmp_path / "secret"
    if content is not None:
        file.touch(mode=0o600)
        file.write_bytes(content)
    secret = Secret.model_validate({"file": "secret"}, context={"base": tmp_path})
    with pytest.raises(SecretError, match=message):
        secret.reveal()


def test_a_secret_is_no_device_and_no_folder(tmp_path):
    for path in (os.devnull, str(tmp_path)):
        assert Secret(file=path).problems()


# --- the reference ------------------------------------------------------------------------------------------------


def test_every_key_is_described():
    keys = dict(config_keys(Config))
    assert [path for path, found in keys.items() if not (found.description or "").endswith(".")] == []
    assert {
        "version",
        "sources[].columns",
        "groups.map[].from",
        "leavers.documents.reassign",
        "budgets.run.delete.count",
    } <= set(keys)
    assert {"leavers.documents.mode", "leavers.documents.to", "groups.map[].pattern"} & set(keys) == set()
