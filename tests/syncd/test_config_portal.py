"""The portal's section: what is needed, and that each problem is named with its own keys and lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.config import Config, ConfigError, config_keys, load_config
from syncd.config_target import AccountTargetConfig, PortalTargetConfig

BASE = "version: 1\nsources: [{name: people, type: csv, path: people.csv}]\n"
PORTAL = """\
target:
  type: portal
  exports: in
  orders: out
  columns: {email: E, display_name: N, groups: G}
"""


def load(tmp_path, text: str) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(BASE + text)
    return load_config(path)


def problems(tmp_path, text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def problem(tmp_path, text: str) -> tuple[int | None, str, str]:
    (found,) = problems(tmp_path, text)
    return found


def test_the_least_that_is_needed(tmp_path):
    settings = load(tmp_path, PORTAL).target.settings
    assert (settings.export.folder, settings.orders) == (tmp_path / "in", tmp_path / "out")
    assert settings.export.columns == {"email": "E", "display_name": "N", "groups": "G"}
    assert settings.export.max_age == timedelta(days=14)
    assert (settings.imports.groups_separator, settings.imports.one_row_per_group) == (None, False)


def test_without_a_type_it_is_the_embedded_account(tmp_path):
    assert isinstance(load(tmp_path, "target: {name: other}\n").target, AccountTargetConfig)
    assert isinstance(Config.model_validate({"version": 1, "sources": [{"name": "p", "type": "csv", "path": "x"}], "target": {}}).target, AccountTargetConfig)  # fmt: skip


def test_every_problem_at_once_with_line_and_key(tmp_path):
    text = (
        "target:\n  type: portal\n  exports: in\n  order: out\n  columns: {email: E, name: N}\n  max_age_days: soon\n"
    )
    found = problems(tmp_path, text)
    assert [(line, key) for line, key, _ in found] == [
        (3, "target.orders"),
        (6, "target.order"),
        (7, "target.columns.name"),
        (8, "target.max_age_days"),
    ]
    assert found[1][2] == "unknown key `order`; did you mean `orders`?"


def test_the_keys_of_the_other_target_are_unknown_here(tmp_path):
    line, key, message = problem(tmp_path, PORTAL + "  devices: 3\n")
    assert (line, key) == (8, "target.devices")
    assert message.startswith("unknown key `devices`")
    assert "exports" not in problem(tmp_path, "target: {xyz: 1}\n")[2]
    assert problem(tmp_path, "target: {exports: in}\n")[2].startswith("unknown key `exports`")


def test_a_type_that_nobody_knows(tmp_path):
    assert problem(tmp_path, "target: {type: portl}\n") == (
        3, "target.type", '`type` is the text "portl": write `account` or `portal` or `scim`',
    )  # fmt: skip


def test_the_columns_that_are_needed(tmp_path):
    text = PORTAL.replace(", display_name: N, groups: G", "")
    assert problem(tmp_path, text)[2] == (
        "`display_name`, `groups` missing among the columns: add `display_name: HEADER`"
    )


def test_a_state_column_needs_its_words(tmp_path):
    text = PORTAL.replace("groups: G}", "groups: G, state: S}")
    assert "`active_states` and `invited_states`" in problem(tmp_path, text)[2]
    load(tmp_path, text + "  active_states: [A]\n  invited_states: [I]\n")


def test_two_ways_to_write_several_groups_are_one_too_many(tmp_path):
    found = problem(tmp_path, PORTAL + '  imports: {groups_separator: ";", one_row_per_group: true}\n')
    assert found[:2] == (8, "target.imports")


@pytest.mark.parametrize(
    ("fields", "key", "said"),
    [
        ('{"a{b": x}', "target.webhook.fields.a{b", "prohibited symbol {"),
        ("{a: '<x>'}", "target.webhook.fields.a", "prohibited symbol <"),
        ("{a: '{user}'}", "target.webhook.fields.a", "only {order}, {items} and {created}"),
        ("{a: '{'}", "target.webhook.fields.a", "only {order}, {items} and {created}"),
    ],
)
def test_a_field_that_fluix_would_not_take_is_named(tmp_path, fields, key, said):
    line, at, message = problem(tmp_path, f"{PORTAL}  webhook:\n    url: {{env: X}}\n    fields: {fields}\n")
    assert (line, at) == (10, key)
    assert said in message


def test_the_webhooks_address_does_not_stand_in_the_file(tmp_path):
    address = "https://admin.fluix.example/incoming-webhooks/start-event/123"
    _, key, message = problem(tmp_path, f"{PORTAL}  webhook: {{url: '{address}'}}\n")
    assert key == "target.webhook.url"
    assert "123" not in message


def test_a_missing_secret_is_told_by_check(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_HOOK", raising=False)
    config = load(tmp_path, PORTAL + "  webhook: {url: {env: NO_HOOK}}\n")
    (told,) = config.secret_problems()
    assert told.startswith("target.webhook.url: ")


def test_the_keys_of_every_target_are_listed_once():
    paths = [path for path, _ in config_keys(Config)]
    assert len(paths) == len(set(paths))
    for kind, section in (("account", AccountTargetConfig), ("portal", PortalTargetConfig)):
        assert {path for path, _ in config_keys(section, "target.")} <= set(paths), kind
    assert {"target.mail.host", "target.webhook.url", "target.webhook.url.env", "target.imports.layout"} <= set(paths)
