"""serve: the daemon. It runs by itself, and serves SCIM.

Whatever one of its processes needs is loaded here, before they are forked: a process that loads by itself writes to so many pages
that were shared that all together take more memory.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Final

import click

from syncd import log_pipe  # noqa: F401 - every process writes a log
from syncd.bootstrap import App, open_app, open_log
from syncd.cli.access import first_link
from syncd.cli.common import config_option, out, show_error, show_note, verbose_option
from syncd.config import Config, load_config
from syncd.config_target import has_mail_server
from syncd.core.report import Report
from syncd.daemon.listening import listen, shown
from syncd.daemon.running import Telling
from syncd.daemon.staying import Staying
from syncd.daemon.supervisor import Role, Sign, Supervisor
from syncd.errors import Exit, Interrupted, SyncdError, advice
from syncd.metrics import counting_together
from syncd.notify.courier import Courier
from syncd.render import counted
from syncd.spans import tracing
from syncd.store import wishes
from syncd.web.server import Answering
from syncd.web.tls import context_of
from syncd.web.whole import served, warm

_SILENT: Final = 60.0
"""Seconds without a sign of life after which a process is held to hang; it gives one every second."""
_MAILS: Final = 120.0
"""Seconds that mails may take after a run: a mail server that hangs keeps no run waiting for longer."""


@click.command()
@config_option
@verbose_option
def serve(config_file: Path) -> int:
    """Stay: run as often as `schedule` says and when a source changes, and answer over HTTP.

    Ends with 0 when it is stopped (SIGINT, SIGTERM), once what was begun is done. SIGHUP reads the configuration again.
    """
    house = _House(config_file)
    with house.listener, counting_together():
        out.print(f"serving {house.address}", soft_wrap=True)
        if address := house.first_link():
            out.print(f"make the first admin of the console, within an hour: {address}", markup=False, soft_wrap=True)
        Supervisor(house.roles(), house.reload, show_note, lambda: house.config.serve.drain_seconds).run()
    out.print("stopped")
    return Exit.DONE


class _House:
    """The configuration, as long as the daemon lives."""

    def __init__(self, config_file: Path) -> None:
        self._file = config_file.resolve()
        self.config = _proven(load_config(self._file))
        self.listener = listen(self.config.serve.listen)
        scheme = "https" if self.config.serve.tls else "http"
        self.address = f"{scheme}://{shown(self.listener)}"

    def first_link(self) -> str | None:
        """The address at which the first admin of the console is made; None where there is somebody."""
        app = open_app(self.config)
        try:
            return first_link(app, self.address)
        finally:
            app.store.dispose()

    def roles(self) -> list[Role]:
        """What each process does."""
        config, listener = self.config, self.listener
        answering = [
            Role(f"web {number}", lambda sign: _told(lambda: _answer(config, listener, sign)), _SILENT)
            for number in range(1, config.serve.workers + 1)
        ]
        running = Role("runs", lambda sign: _told(lambda: _run(config, listener, sign)), _SILENT, finishes=True)
        return [*answering, running]

    def reload(self) -> Sequence[Role] | None:
        """The same with the configuration as it stands in its file now; None, and what is wrong is told, if it cannot be used."""
        before = self.config
        try:
            found = load_config(self._file)
            stays = {"store": before.store} if found.store != before.store else {}
            serve = found.serve.model_copy(update={"listen": before.serve.listen})
            self.config = _proven(found.model_copy(update={**stays, "serve": serve}))
        except SyncdError as error:
            if told := advice(error):
                show_error(told)
            show_note("the configuration is as it was: the new one cannot be used")
            return None
        kept = [
            name
            for name, differs in (("store", bool(stays)), ("serve.listen", found.serve.listen != before.serve.listen))
            if differs
        ]
        if kept:
            show_note(
                f"{' and '.join(f'`{name}`' for name in kept)} changed: that needs a restart, and is as it was until then"
            )
        show_note("the configuration was read again")
        return self.roles()


def _proven(config: Config) -> Config:
    """The configuration, once it is seen that what it names is there. What this loads and builds, all processes share.

    Raises:
        SyncdError: the store cannot be opened, or the certificate cannot be used.
    """
    if config.serve.tls:
        context_of(*config.serve.tls.files)
    app = open_app(config)
    wishes.waiting(app.store)
    app.sync()
    app.store.dispose()
    warm(config)
    return config


def _told(work: Callable[[], None]) -> None:
    """What a process does; what a person can mend is told as everywhere, and the supervisor starts it again later."""
    try:
        work()
    except SyncdError as error:
        if told := advice(error):
            show_error(told)
        raise SystemExit(1) from None


def _answer(config: Config, listener: socket.socket, sign: Sign) -> None:
    """A process that answers."""
    serve = config.serve
    tls = context_of(*serve.tls.files) if serve.tls else None
    app = open_app(config)
    open_log(app)
    Answering(served(app), listener, serve.threads, tls, serve.drain_seconds).stay(sign)


def _run(config: Config, listener: socket.socket, sign: Sign) -> None:
    """The process that runs."""
    listener.close()
    Thread(target=_pulse, args=(sign, config.serve.drain_seconds), name="pulse", daemon=True).start()
    app = open_app(config)
    open_log(app)

    def done(report: Report) -> None:
        if report.plan.changes or report.resumed:
            out.print(f"[dim]{app.clock():%Y-%m-%d %H:%M:%S}[/] {_line(report)}", soft_wrap=True)

    try:
        with tracing(config.tracing), Courier(app):
            Staying(app, Telling(show_note, show_error, done, _mails(app))).stay()
    except (KeyboardInterrupt, Interrupted):
        return


def _mails(app: App) -> Callable[[], None]:
    """Sends what a run put into the outbox, where a mail server is configured; elsewhere nothing is loaded for it."""
    if not has_mail_server(app.config.target):
        return lambda: None
    from syncd.cli.mail import send_waiting  # noqa: PLC0415 - as said

    return lambda: send_waiting(app, _MAILS)


def _pulse(sign: Sign, drain_seconds: float) -> None:
    """A sign of life every second; when nobody hears it, nobody would stop us: end as if it had asked."""
    while sign():
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(drain_seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _line(report: Report) -> str:
    outcome = {name: count for name, count in report.outcome.items() if count}
    told = ", ".join(f"{count} {name}" for name, count in outcome.items()) or "nothing done"
    return f"r{report.run_id}: {counted(len(report.plan.changes), 'change')}, {told} (syncd show p{report.plan_id})"
