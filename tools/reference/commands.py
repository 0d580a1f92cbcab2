"""Every command with its words and options, from the command line's own tree."""

from __future__ import annotations

from collections.abc import Iterator

import click

from syncd.cli import cli
from tools.reference.markdown import code, sentences, table

_INTRODUCTION = """# Commands

Every command, from the command line's own description. What `--json` prints, and how the commands go together:
[operations](../docs/operations.md). Each ends with one of the [exit codes](exit-codes.md).
"""


def page() -> str:
    """The page."""
    return "\n".join([_INTRODUCTION, *_of(cli, ("syncd",))])


def _of(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    with click.Context(command, info_name=" ".join(path)) as context:
        if isinstance(command, click.Group):
            if len(path) > 1:
                yield f"## {' '.join(path)}\n\n{sentences(command.help or '')}\n"
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from _of(found, (*path, name))
            return
        yield f"{'#' * min(len(path), 3)} {' '.join(path)}\n"
        yield f"{sentences(command.help or '')}\n"
        yield f"```text\n{context.get_usage().removeprefix('Usage: ')}\n```\n"
        if options := [_option(one, context) for one in command.params if isinstance(one, click.Option)]:
            yield table(("option", "meaning"), options)


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag or option.count else f" {code(option.make_metavar(context))}"
    notes = [
        word
        for word, said in (
            ("required", option.required),
            ("again for more", option.multiple and "again" not in (option.help or "")),
        )
        if said
    ]
    return names + value, " ".join([option.help or "", *(f"({word})" for word in notes)])
