"""The command line. Each command group is a file, imported only when it is called, so that `--help` is quick."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import cast

import click

from syncd import collector
from syncd.errors import Advice, Exit, UsageError, advice

COMMANDS = {
    "check": ("syncd.cli.check:check", "Find every problem of the configuration and its surroundings, with its cure."),
    "plan": ("syncd.cli.runs:plan", "Compute and show what would be done. Writes nothing to Fluix."),
    "run": ("syncd.cli.runs:run", "Plan, then apply what may proceed."),
    "approve": ("syncd.cli.runs:approve", "Say yes to what a plan holds."),
    "apply": ("syncd.cli.runs:apply", "Apply a plan: what needs no approval, and what is approved."),
    "runs": ("syncd.cli.history:runs", "List the last runs."),
    "show": ("syncd.cli.history:show", "Show a run or a plan."),
    "why": ("syncd.cli.why:why", "Explain one person: from the record to the outcome."),
    "whatif": ("syncd.cli.whatif:whatif", "Show what another configuration would plan for the same people."),
    "users": ("syncd.cli.users:users", "The users of the embedded Fluix account."),
    "groups": ("syncd.cli.groups:groups", "The groups of the embedded Fluix account."),
    "workflows": ("syncd.cli.workflows:workflows", "The workflows of the embedded Fluix account."),
    "documents": ("syncd.cli.documents:documents", "The documents of the embedded Fluix account's users."),
    "workorders": (
        "syncd.cli.workorders:workorders",
        "What an admin is asked to do in the portal, and what became of it.",
    ),
    "account": ("syncd.cli.account:account", "A rehearsal copy of an account, in and out; its mails."),
    "mdm": ("syncd.cli.mdm:mdm", "Managed app config for MDM: each person's email on the login page."),
    "audit": ("syncd.cli.audit:audit", "Who did what, as a chain that cannot be changed unnoticed."),
    "restore": ("syncd.cli.restore:restore", "Deleted users, whose set-ups Fluix support can recover for 30 days."),
    "token": ("syncd.cli.token:token", "Tokens with which identity providers call."),
    "access": ("syncd.cli.access:access", "Who may use the console: links that let somebody in, tokens of programs."),
    "scim": ("syncd.cli.scim:scim", "Identity providers that push people by SCIM."),
    "notify": ("syncd.cli.notify:notify", "What people are told by the program itself, and whether it arrives."),
    "store": ("syncd.cli.store:store", "Look after the store."),
    "ldap": ("syncd.cli.ldap:ldap", "Look at a directory, and print the source block for it."),
    "serve": ("syncd.cli.serve:serve", "The daemon: runs by itself, and answers over HTTP."),
    "worker": ("syncd.cli.worker:worker", "One more apply worker, on whatever machine (PostgreSQL)."),
    "pause": ("syncd.cli.pausing:pause", "Let the daemon begin nothing by itself."),
    "resume": ("syncd.cli.pausing:resume", "Let the daemon go on."),
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
        with _signals_wait(), collector.loading():
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


def main(argv: Sequence[str] | None = None) -> None:
    """The console script: runs a command, and turns whatever goes wrong into advice and an exit code.

    Args:
        argv: the words after `syncd`; the process's own by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # until a run listens by itself
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    _ready()
    code = _run(words)
    try:
        sys.stdout.flush()
    except OSError as error:  # a full disk, a reader that went away
        if not isinstance(error, BrokenPipeError):
            _tell(error, [])
        code = code or Exit.FAILED
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(int(code))


def _run(words: list[str]) -> int:
    try:
        _refuse_bytes(words)
        code = cli.main(words, prog_name="syncd", standalone_mode=False)
    except click.exceptions.Abort:
        return _tell(KeyboardInterrupt(), words) or Exit.INTERRUPTED
    except click.ClickException as error:
        return _tell_usage(error, words)
    except BrokenPipeError:
        return Exit.FAILED
    except (Exception, KeyboardInterrupt) as error:
        told = _tell(error, words)
        if told is None:
            raise
        return told
    return code if isinstance(code, int) else Exit.DONE


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back: a module that was interrupted while it loaded cannot be loaded again."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ready() -> None:
    """What goes to a file or a program is UTF-8, wherever we run; a terminal gets what it can show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            if isinstance(stream.buffer, io.RawIOBase):
                stream = _buffered(name, stream)
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _buffered(name: str, stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """With PYTHONUNBUFFERED nobody writes the rest of what a signal cut short: a document in a pipe would lose its middle."""
    encoding, errors = stream.encoding, stream.errors
    raw = cast("io.RawIOBase", stream.detach())
    made = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=True)
    setattr(sys, name, made)
    setattr(sys, f"__{name}__", made)
    return made


def _refuse_bytes(words: Sequence[str]) -> None:
    """A word of the call that is not UTF-8 arrives with lone surrogates, which no store and no document can hold."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError as error:
        raise UsageError("a word of the call is not UTF-8", cure="write it in UTF-8, or rename the file") from error


def _tell(error: BaseException, words: Sequence[str]) -> int | None:
    """Show an error; None when it is a mistake of the program itself."""
    told = advice(error)
    if told is None:
        return None
    with _signals_wait():
        from syncd.cli.common import error_document, show_error  # noqa: PLC0415 - only when something went wrong
    show_error(told)
    if "--json" in words:
        error_document(told)
    return told.exit_code


def _tell_usage(error: click.ClickException, words: Sequence[str]) -> int:
    """A wrong call, in click's words."""
    error.show()
    if "--json" in words:
        from syncd.cli.common import error_document  # noqa: PLC0415 - only when something went wrong

        context = getattr(error, "ctx", None)
        path = context.command_path if context else "syncd"
        error_document(Advice(error.format_message(), path, f"see `{path} --help`", Exit.USAGE))
    return Exit.USAGE
