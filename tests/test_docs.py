"""What a user can call, set, see or script is documented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from syncd.cli import COMMANDS, cli
from syncd.config import Config, config_keys
from syncd.core.change import KINDS
from syncd.errors import Exit

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
    assert path[0] in README
    assert path[-1] in BOTH
    for parameter in LEAVES[path].params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            if option.startswith("--"):
                assert option in BOTH, f"{option} of {' '.join(path)}"


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
    used = set(re.findall(r'Finding\(\s*"([a-z_]+)"', source)) | set(re.findall(r'yield "([a-z_]+)", Decision', source))
    used |= set(re.findall(r'(?:_isolated|Isolated)\(\s*"([a-z_]+)"', source))
    table = OPERATIONS[OPERATIONS.index("## Checks") : OPERATIONS.index("## The store")]
    documented = set(
        re.findall(r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )
    assert used == documented


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


def test_every_test_that_the_safety_case_names_exists() -> None:
    for path in re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/safety.md").read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
