"""What a user can call, set, see or script is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from syncd.cli import COMMANDS, cli, main
from syncd.config import Config, config_keys
from syncd.core.change import KINDS
from syncd.errors import Exit
from tests.house import House, staff
from tests.web.pictures import LARGEST, LARGEST_SHEET, PAGES, SHEETS, THEMES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
BOTH = README + OPERATIONS
EXAMPLE = (ROOT / "config.example.yaml").read_text(encoding="utf-8")


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from leaves(found, (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves(cli))


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_and_option_is_documented(path: tuple[str, ...]) -> None:
    named = re.findall(r"`([^`\n]+)`", README[README.index("## Commands") : README.index("## What it promises")])
    assert any(name.split()[0] == path[0] and all(word in re.split(r"[ ,]+", name) for word in path) for name in named)
    for parameter in LEAVES[path].params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            if option.startswith("--"):
                assert option in options_of(" ".join(path)), f"{option} of {' '.join(path)}"


def options_of(command: str) -> set[str]:
    """What the table of options says of a command."""
    found: set[str] = set()
    table = OPERATIONS[OPERATIONS.index("## Options") : OPERATIONS.index("## JSON")]
    for line in table.splitlines()[3:]:
        names, _, options = line.strip("| ").partition(" | ")
        of = {re.sub(r" [A-Z].*", "", name) for name in re.findall(r"`([^`]+)`", names)}
        if command in of or names == "every one":
            found |= set(re.findall(r"--[a-z-]+", options))
    return found


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    assert command.help
    assert all(not isinstance(parameter, click.Option) or parameter.help for parameter in command.params)


def test_the_short_list_of_commands_is_the_real_one() -> None:
    """`--help` lists them without importing them."""
    for name, (_, short) in COMMANDS.items():
        command = next(found for path, found in LEAVES.items() if path[0] == name)
        assert short.endswith(".")
        if len(command.params) > 1 and isinstance(cli.commands.get(name), click.Command):
            assert command.help


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert re.search(rf"^\| {code.value} \|", README, re.MULTILINE)


def test_every_check_is_documented_and_every_documented_check_exists() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "syncd").rglob("*.py"))
    used = set(re.findall(r'(?:Finding|Doubt)\(\s*"([a-z_]+)"', source)) | set(
        re.findall(r'yield "([a-z_]+)", Decision', source)
    )
    used |= set(re.findall(r'(?:_isolated|Isolated)\(\s*"([a-z_]+)"', source))
    table = OPERATIONS[OPERATIONS.index("## Checks") : OPERATIONS.index("## The store")]
    documented = set(
        re.findall(r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )
    assert used == documented


def keys_of(document: object) -> Iterator[str]:
    """Every key of a JSON document, but for those that are data: a kind, a name."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            if key not in {"counts", "held", "before", "after", "headers", "values"}:
                yield from keys_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from keys_of(value)


def test_every_key_of_the_json_documents_is_documented(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house.folder)
    monkeypatch.setenv("SYNCD_CONFIG", str(house.config))
    called: dict[str, set[str]] = {}

    def call(*words: str) -> None:
        with pytest.raises(SystemExit):
            main([*words, "--json"])
        path = next(path for path in LEAVES if words[: len(path)] == path)
        called.setdefault(" ".join(path), set()).update(keys_of(json.loads(capsys.readouterr().out)))

    house.hire(staff(2))
    call("check")
    call("run")
    (house.folder / "copy.yaml").write_text(
        "users: [{email: e001@example.com, owner: true}]\ndocuments: [{title: F, user: e002@example.com}]\n"
        "workflows: [{name: W, steps: [{name: S, users: [e002@example.com, e001@example.com]}]}]\n"
    )
    for words in (["account", "load", "copy.yaml"], ["account", "dump"], ["account", "dump", "--out", "x.yaml"]):
        call(*words)
    (house.folder / "new.csv").write_text("User Name,Email,Group Name\nA,a@x.example,\nB,b,\n")
    call("users", "import", "new.csv")
    call("users", "add", "--name", "C", "--email", "c@x.example")
    for words in (
        ["list"],
        ["show", "e002@example.com"],
        ["invite", "c@x.example"],
        ["export"],
        ["export", "--out", "x"],
    ):
        call("users", *words)
    call("groups", "create", "Night")
    for words in (
        ["groups", "add", "Night", "c@x.example"],
        ["groups", "list"],
        ["groups", "rename", "Night", "Late"],
        ["workflows", "give", "W", "--add", "Late"],
        ["users", "list", "--page", "1"],
        ["users", "show", "c@x.example"],
        ["users", "edit", "c@x.example", "--name", "Cc"],
        ["users", "role", "e002@example.com", "admin"],
        ["users", "role", "e002@example.com", "none"],
        ["users", "activity"],
        ["users", "devices", "e002@example.com"],
        ["users", "request-data", "e002@example.com"],
        ["users", "reset-password", "e002@example.com"],
        ["users", "early-access"],
        ["users", "accept", "none"],
        ["users", "sign-in", "c@x.example", "--device", "iPad"],
        ["groups", "remove", "Late", "c@x.example"],
        ["groups", "delete", "Late"],
        ["workflows", "list"],
        ["workflows", "show", "W"],
        ["workflows", "leave", "e002@example.com"],
        ["documents", "list"],
        ["documents", "reassign", "e002@example.com", "--to", "e001@example.com"],
        ["account", "outbox"],
        ["account", "outbox", "--show", "1"],
        ["account", "deliver"],
        ["account", "bounces", "copy.yaml"],
        ["account", "requeue", "1"],
        ["workorders", "list"],
        ["workorders", "show", "w1"],
        ["workorders", "export", "w1", "--out", "x"],
        ["workorders", "confirm", "w1", "--item", "1"],
    ):
        call(*words)
    call("users", "delete", "c@x.example", "e001@example.com", "--yes")
    house.hire(staff(1))
    call("plan")
    call("approve", "p2", "--comment", "left")
    call("apply", "p2")
    for words in (["list"], ["ticket", "e002@example.com"], ["close", "e002@example.com"]):
        call("restore", *words)
    for words in (["why", "e002@example.com"], ["why", "e002@example.com", "--run", "r1"]):
        call(*words)
    call("whatif", "--with", str(house.config))
    for words in (
        ["runs"],
        ["show", "r1"],
        ["show", "p1"],
        ["show", "p9"],
        ["audit", "verify"],
        ["audit", "export", "--out", "a"],
        ["store", "upgrade"],
        ["store", "copy", "--to", "sqlite:///copy.db"],
    ):
        call(*words)
    (house.folder / "devices.csv").write_text("id,email\nD1,e001@example.com\nD2,nobody@example.com\n")
    nano = {"name": "ipads", "type": "nanomdm", "url": "https://mdm.example.com", "key": {"env": "NO_SUCH"}}
    nano |= {"devices": {"path": "devices.csv"}, "ask_first": False}
    house.configure(mdm={"bundle_id": "com.example.app", "vendors": ["intune"], "literal": True, "push": [nano]})
    (house.folder / "app.xml").write_text("<dict><key>com.fluix.mdm.useremail</key><string>x</string></dict>")
    (house.folder / "good.xml").write_text("<dict><key>a</key><string>x</string></dict>")
    for words in (
        ["render", "--out", "mdm"],
        ["delta", "--out", "delta"],
        ["lint", "app.xml", "--vendor", "intune"],
        ["merge", "good.xml", "--out", "new.xml"],
        ["push"],
    ):
        call("mdm", *words)

    monkeypatch.setenv("TELL", "nobody://")
    house.configure(notifications=[{"name": "admins", "to": {"env": "TELL"}}])
    house.people.unlink()
    for words in (["run"], ["notify", "test"], ["notify", "list"]):
        call(*words)

    (house.folder / "push.yaml").write_text(
        "version: 1\nsources: [{name: okta, type: scim_push}]\nstore: sqlite:///syncd.db\n"
    )
    for words in (
        ["create", "--tenant", "okta"],
        ["create", "--tenant", "okta", "--client"],
        ["list"],
        ["revoke", "1"],
    ):
        call("token", *words, "--config", "push.yaml")
    call("scim", "calls")
    call("access", "link")
    for words in (["create", "robot", "--role", "viewer"], ["list"], ["revoke", "1"]):
        call("access", "token", *words)
    call("pause", "--until", "2h")
    call("resume")

    # They need a directory and a server: tests/connectors/test_ldap_detect.py, tests/syncd/cli/test_scim.py.
    silent = {"completion", "ldap detect", "scim doctor", "serve", "worker"}
    assert called.keys() == {" ".join(path) for path in LEAVES} - silent
    documented = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", OPERATIONS))))
    assert {key: sorted(keys - documented) for key, keys in called.items() if keys - documented} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_change_is_documented(kind: str) -> None:
    assert f"`{kind}`" in OPERATIONS


@pytest.mark.parametrize("key", [key for key, _ in config_keys(Config)])
def test_every_configuration_key_is_in_the_example(key: str) -> None:
    last = key.rsplit(".", maxsplit=1)[-1].removesuffix("[]")
    assert re.search(rf"[\s#{{`-]{re.escape(last)}:", EXAMPLE), key


def test_no_document_names_a_file_that_is_not_there() -> None:
    for document in (
        ROOT / "README.md",
        ROOT / "ARCHITECTURE.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
    ):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_picture_is_small_and_shown() -> None:
    shown = (ROOT / "docs/console.md").read_text(encoding="utf-8") + README
    pictures = list((ROOT / "docs/images").iterdir())
    sheets = {f"every-page-{device}-{theme}.webp" for device in SHEETS for theme in THEMES}
    assert {f"console-{name}.png" for name in PAGES} | sheets == {picture.name for picture in pictures}
    for picture in pictures:
        assert picture.stat().st_size < (LARGEST_SHEET if picture.name in sheets else LARGEST)
        assert f"images/{picture.name})" in shown
    assert {theme for _, theme in PAGES.values()} == {"light", "dark"}
