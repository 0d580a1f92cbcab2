"""What every command shares: its options, how the program is opened, how output and errors are shown."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import App, actor, open_app, utc_now
from syncd.config import load_config
from syncd.errors import Advice, UsageError
from syncd.stopper import Stopper
from syncd.store.audit import Event, append
from syncd.store.engine import writing
from syncd.store.lock import run_lock
from syncd.sync import Sync

Command = TypeVar("Command", bound=Callable[..., Any])

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def config_option(command: Command) -> Command:
    """`--config FILE`."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        default="config.yaml",
        envvar="SYNCD_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")(command)


def standard(command: Command) -> Command:
    """`--config` and `--json`: the command gets the open `app` and `as_json`."""

    @json_option
    @config_option
    @functools.wraps(command)
    def with_app(config_file: Path, **rest: Any) -> Any:
        return command(open_app(load_config(config_file)), **rest)

    return with_app  # type: ignore[return-value]


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def embedded(app: App) -> EmbeddedAccount:
    """The embedded account.

    Raises:
        UsageError: the target is another one.
    """
    target = app.target()
    if not isinstance(target, EmbeddedAccount):
        raise UsageError(
            f"this command is about the embedded account, and the target is {app.config.target.type}",
            cure="set `target: {type: account}`, or use Fluix's Admin Portal",
        )
    return target


@contextmanager
def working(app: App, command: str, wait_seconds: float = 0.0) -> Iterator[Sync]:
    """The store's lock, the signals, and a progress bar where somebody watches."""
    stopper = Stopper()
    with (
        run_lock(app.store, f"syncd {command}", utc_now(), wait_seconds=wait_seconds),
        stopper.listening(),
        _progress() as progress,
    ):
        yield app.sync(progress, stopper.critical)


@contextmanager
def by_hand(app: App, action: str, subject: str, detail: Mapping[str, Any]) -> Iterator[None]:
    """A change that a person makes by hand: never in the middle of a run, and in the audit once it is done."""
    with run_lock(app.store, f"syncd {action}", app.clock()):
        yield
        with writing(app.store) as connection:
            append(connection, [Event(actor(), action, subject, detail)], app.clock())


def write_whole(file: Path, write: Callable[[TextIO], object], encoding: str = "utf-8") -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding=encoding, newline="") as stream:
            write(stream)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(
            f"the file cannot be written: {error.strerror}", where=str(file), cure="check its folder"
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """A line on the terminal that says what is under way; nothing when nobody watches."""
    if not err.is_terminal:
        yield lambda _stage, _count: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def advance(stage: str, count: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=None)
            bar.advance(tasks[stage], count)

        yield advance


def show_error(told: Advice) -> None:
    """What went wrong, where, and what to do: on standard error, and as JSON for a program that asked for it."""
    err.print(f"[bold red]error[/] {escape(told.what)}", soft_wrap=True)
    if told.where:
        err.print(f"  [dim]where[/] {escape(told.where)}", soft_wrap=True)
    if told.cure:
        err.print(f"  [dim]to do[/] {escape(told.cure)}", soft_wrap=True)
    if "--json" in sys.argv:
        error = {"what": told.what, "where": told.where, "to_do": told.cure}
        print_json({"error": error, "exit_code": int(told.exit_code)})


def number_of(text: str, letter: str) -> int:
    """The number in `p12` or `r7`, or in a bare `12`.

    Raises:
        UsageError: it is none.
    """
    digits = text.removeprefix(letter)
    if not digits.isascii() or not digits.isdigit():
        raise UsageError(f'"{text}" is no number of a {"plan" if letter == "p" else "run"}', cure="see `syncd runs`")
    return int(digits)
