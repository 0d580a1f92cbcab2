"""Examples in the documents: every call of `syncd` is one that the command line takes, every YAML one that is read.

What the README's tour shows is run as it stands by tests/e2e/test_tour.py, the commands of docs/security.md by tests/test_release.py.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml

from connectors.fluix.account.copy_problems import problems
from syncd.cli import cli
from syncd.config import Config, load_config

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "examples/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SOURCE = {"name": "people", "type": "csv", "path": "people.csv", "columns": {"id": "Id", "email": "Email"}}


class Example(NamedTuple):
    """A piece of a document."""

    where: str
    text: str


def blocks(language: str) -> Iterator[Example]:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            if found[2] == language:
                inside = "".join(line.removeprefix(found[1]) for line in found[3].splitlines(keepends=True))
                yield Example(f"{document.name}:{text.count(chr(10), 0, found.start()) + 1}", inside)


def calls() -> Iterator[Example]:
    """Lines of blocks, and indented ones, that call `syncd`."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\\n", " ")
        for found in re.finditer(r"^[ ]*(?:[A-Z_]+=\S+ )?(syncd [a-z].*)$", text, re.MULTILINE):
            yield Example(f"{document.name}:{text.count(chr(10), 0, found.start()) + 1}", found[1])


def mentions() -> Iterator[Example]:
    """`syncd …` in a sentence: the words may stand without their values."""
    for document in DOCUMENTS:
        for said in sorted(set(re.findall(r"`(syncd [a-z][^`\n]*)`", document.read_text(encoding="utf-8")))):
            yield Example(document.name, said)


def named(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """The command that words name, and what is left of them."""
    command: click.Command = cli
    context = click.Context(cli, info_name="syncd")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command {rest[0]}"
        command, context = found, click.Context(found, info_name=rest.pop(0), parent=context)
    return command, context, rest


CALLS = list(calls())
MENTIONS = list(mentions())
YAML = list(blocks("yaml"))


@pytest.mark.parametrize("example", CALLS, ids=[f"{one.where} {one.text[:40]}" for one in CALLS])
def test_a_call_is_one_that_the_command_line_takes(example: Example) -> None:
    command, context, rest = named(shlex.split(example.text, comments=True)[1:])
    assert not isinstance(command, click.Group), "a group alone does nothing"
    given, _, _ = command.make_parser(context).parse_args(rest)  # knows every option, and how many words each takes
    wanted = [one.name or "" for one in command.params if isinstance(one, click.Argument) and one.required]
    assert [name for name in wanted if not isinstance(given[name], str | tuple)] == []


@pytest.mark.parametrize("example", MENTIONS, ids=[f"{one.where} {one.text[:40]}" for one in MENTIONS])
def test_a_command_that_is_mentioned_is_there_with_its_options(example: Example) -> None:
    if re.search(r"COMMAND|…$", example.text):
        return  # not one command, but a form
    words = re.sub(r"[\[\]…|]", " ", example.text).split()[1:]
    command, _, rest = named(words)
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    assert [word for word in rest if word.startswith("-") and word not in known] == []


@pytest.mark.parametrize("example", YAML, ids=[one.where for one in YAML])
def test_yaml_is_read(example: Example, tmp_path: Path) -> None:
    """As configuration, as a part of one source, or as a copy of an account: nothing else is shown."""
    found = yaml.safe_load(example.text)
    if "users" in found:
        assert problems(found, (), (), owner_is_there=True) == []
        return
    if not found.keys() <= Config.keys().keys():
        kind = {"name": "ad", "type": "ldap", "url": ["ldaps://dc1.example.com"]}
        kind["people"] = {"base": "dc=example,dc=com"}  # type: ignore[assignment]
        found = {"sources": [kind | found]}
    path = tmp_path / "config.yaml"
    path.write_text(
        json.dumps({"version": 1, "store": "sqlite:///s.db", "sources": [SOURCE], **found}), encoding="utf-8"
    )
    assert load_config(path)


def test_there_are_such_examples() -> None:
    assert len(CALLS) > 12
    assert len(MENTIONS) > 30
    assert len(YAML) > 4


@pytest.mark.parametrize(
    "call", ["syncd plan --chek", "syncd planning", "syncd users", "syncd show", "syncd runs --limit"]
)
def test_a_wrong_call_would_be_found(call: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        test_a_call_is_one_that_the_command_line_takes(Example("here", call))


def test_json_is_json() -> None:
    for example in blocks("json"):
        json.loads(example.text)


def test_what_the_daemon_prints_is_shown_as_it_prints_it() -> None:
    shown = (ROOT / "docs/console.md").read_text(encoding="utf-8")
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "syncd").rglob("*.py"))
    (line,) = re.findall(r"^    (make the first admin.*): http", shown, re.MULTILINE)
    assert line in code
