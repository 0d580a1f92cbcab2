"""What every command shares: its options, how the program is opened, how output and errors are shown."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from syncd import by_hand as doing
from syncd import collector
from syncd.bootstrap import App, actor, open_app, open_log, utc_now
from syncd.config import load_config
from syncd.errors import Advice, Exit, Interrupted, UsageError
from syncd.render import labelled
from syncd.signs import Signs
from syncd.spans import tracing
from syncd.stopper import Stopper
from syncd.store.lock import run_lock
from syncd.sync import Sync

Command = TypeVar("Command", bound=Callable[..., Any])

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

_DIGITS = 18
"""No store counts further, and more do not fit into its integers."""

_WORDS = 20_000
"""Of a JSON document, that are written at once."""


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


class _OnStandardError(logging.Handler):
    """Above the progress bar, where there is one, and never wrapped: a command is to be copied."""

    def emit(self, record: logging.LogRecord) -> None:
        err.print(record.getMessage(), markup=False, soft_wrap=True)


def verbose_option(command: Command) -> Command:
    """`-v`: what a directory is asked, on standard error while the command runs."""

    def listen(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if not wanted:
            return
        for name in ("syncd.ldap", "syncd.scim"):
            logger, handler = logging.getLogger(name), _OnStandardError()
            context.call_on_close(functools.partial(logger.setLevel, logger.level))
            context.call_on_close(functools.partial(logger.removeHandler, handler))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)

    help_ = "Show each LDAP search and SCIM request."
    option = click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=listen, help=help_)
    return option(command)


def standard(command: Command) -> Command:
    """`--config` and `--json`: the command gets the open `app` and `as_json`."""

    @json_option
    @config_option
    @functools.wraps(command)
    def with_app(config_file: Path, **rest: Any) -> Any:
        app = open_app(load_config(config_file))
        if "log" in app.config.model_fields_set:
            open_log(app)
        with tracing(app.config.tracing):
            return command(app, **rest)

    return with_app  # type: ignore[return-value]


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    for part in in_parts(document):
        click.echo(part, nl=False)


def in_parts(document: object) -> Iterator[str]:
    """A JSON document as it is printed, made while it is written: of a million changes the text is never there at once."""
    words = json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(document)
    while part := list(islice(words, _WORDS)):
        yield "".join(part)
    yield "\n"


def say(sentence: str, document: object, *, as_json: bool) -> int:
    """What was done: a sentence for a person, or a document for a program."""
    if as_json:
        print_json(document)
    else:
        out.print(sentence, markup=False, soft_wrap=not out.is_terminal)
    return Exit.DONE


@contextmanager
def working(app: App, command: str, wait_seconds: float = 0.0) -> Iterator[Sync]:
    """The store's lock, the signals, signs of life, and a progress bar where somebody watches; afterwards people are told."""
    stopper = Stopper()
    try:
        with (
            run_lock(app.store, f"syncd {command}", utc_now(), wait_seconds=wait_seconds) as store,
            stopper.listening(),
            Signs(store, app.clock) as signs,
            progress_line() as progress,
        ):
            collector.rest()

            def both(stage: str, count: int) -> None:
                signs.progress(stage, count)
                progress(stage, count)

            yield app.on(store).sync(both, stopper.critical, signs.began)
    except Exception as error:
        if not isinstance(error, Interrupted):
            _tell_people(app)
        raise
    _tell_people(app)


def _tell_people(app: App) -> None:
    if app.config.notifications:
        from syncd.notify.courier import look_after  # noqa: PLC0415 - only where somebody is told

        look_after(app)


def by_hand(app: App, action: str, subject: str, **detail: Any) -> AbstractContextManager[dict[str, Any]]:
    """A change that whoever calls makes by hand; see `syncd.by_hand`."""
    return doing.by_hand(app, actor(), action, subject, **detail)


def write_whole(file: Path, write: Callable[[TextIO], object], encoding: str = "utf-8") -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if file.is_dir():
            raise UsageError("the file cannot be written: it is a folder", where=str(file), cure="name a file in it")
        if file.exists() and not file.is_file():  # a pipe or a device: nothing to put in its place
            with file.open("w", encoding=encoding, newline="") as stream:
                write(stream)
        else:
            _replace(file.resolve(), write, encoding)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
        reason = getattr(error, "strerror", None) or str(error)
        cure = "check its folder, its rights and the space on the disk"
        raise UsageError(f"the file cannot be written: {reason}", where=str(file), cure=cure) from error


def _replace(file: Path, write: Callable[[TextIO], object], encoding: str) -> None:
    part = file.with_name(f".syncd-{os.getpid()}.part")
    try:
        with part.open("x", encoding=encoding, newline="") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def progress_line() -> Iterator[Callable[[str, int], None]]:
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


def show_note(sentence: str) -> None:
    """What is worth a line while a command goes on, on standard error."""
    labelled(err, "[dim]note[/]", sentence)


def show_error(told: Advice) -> None:
    """What went wrong, where, and what to do, on standard error."""
    labelled(err, "[bold red]error[/]", told.what)
    if told.where:
        labelled(err, "  [dim]where[/]", told.where)
    if told.cure:
        labelled(err, "  [dim]to do[/]", told.cure)


def error_document(told: Advice) -> None:
    """The same for a program that asked for JSON; where it cannot be written, standard error has to do."""
    error = {"what": told.what, "where": told.where, "to_do": told.cure}
    with suppress(OSError):
        print_json({"error": error, "exit_code": int(told.exit_code)})


def number_of(text: str, letter: str) -> int:
    """The number in `p12` or `r7`, or in a bare `12`.

    Raises:
        UsageError: it is none.
    """
    digits = text.removeprefix(letter)
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS:
        raise UsageError(f'"{text}" is no number of a {"plan" if letter == "p" else "run"}', cure="see `syncd runs`")
    return int(digits)
