"""completion SHELL."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from syncd.errors import Exit


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for your shell: `eval "$(syncd completion bash)"`."""
    from syncd.cli import cli  # noqa: PLC0415 - the group imports its commands, not the other way round

    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(cli, {}, "syncd", "_SYNCD_COMPLETE").source())
    return Exit.DONE
