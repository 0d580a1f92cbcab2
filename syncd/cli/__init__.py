"""The command line. Each command group is a file, imported only when it is called, so that `--help` is quick."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from syncd.errors import advice

COMMANDS = {
    "check": ("syncd.cli.check:check", "Find every problem of the configuration and its surroundings, with its cure."),
    "plan": ("syncd.cli.runs:plan", "Compute and show what would be done. Writes nothing to Fluix."),
    "run": ("syncd.cli.runs:run", "Plan, then apply what may proceed."),
    "approve": ("syncd.cli.runs:approve", "Say yes to what a plan holds."),
    "apply": ("syncd.cli.runs:apply", "Apply a plan: what needs no approval, and what is approved."),
    "runs": ("syncd.cli.history:runs", "List the last runs."),
    "show": ("syncd.cli.history:show", "Show a run or a plan."),
    "users": ("syncd.cli.users:users", "The users of the embedded Fluix account."),
    "account": ("syncd.cli.account:account", "Put a rehearsal copy of an account in, or take it out."),
    "audit": ("syncd.cli.audit:audit", "Who did what, as a chain that cannot be changed unnoticed."),
    "store": ("syncd.cli.store:store", "Look after the store."),
    "completion": ("syncd.cli.completion:completion", "Print the completion script for your shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a person needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fluix-syncd", prog_name="syncd")
def cli() -> None:
    """Keep a Fluix account equal to your directory, safely.

    Begin with `syncd check`, then `syncd plan`: nothing is changed until `syncd run`.
    """


def main() -> None:
    """The console script: runs a command, and turns whatever goes wrong into advice and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(_tell(KeyboardInterrupt()))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (Exception, KeyboardInterrupt) as error:
        code = _tell(error)
        if code is None:
            raise
        sys.exit(code)


def _tell(error: BaseException) -> int | None:
    """Show an error; None when it is a mistake of the program itself."""
    told = advice(error)
    if told is None:
        return None
    from syncd.cli.common import show_error  # noqa: PLC0415 - only when something went wrong

    show_error(told)
    return int(told.exit_code)
