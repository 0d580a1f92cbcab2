"""worker: one more apply worker, on whatever machine."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.bootstrap import open_app, open_log
from syncd.cli.common import config_option, out, show_note, verbose_option
from syncd.config import load_config
from syncd.daemon import systemd
from syncd.daemon.working import Working, refuse_sqlite
from syncd.errors import Exit
from syncd.spans import tracing
from syncd.store.engine import open_engine


@click.command()
@config_option
@verbose_option
def worker(config_file: Path) -> int:
    """Stay: apply what the leading `syncd serve` gives, side by side with other workers. Needs a store on PostgreSQL.

    Ends with 0 when it is stopped (SIGINT, SIGTERM), once what was begun is done.
    """
    config = load_config(config_file)
    refuse_sqlite(open_engine(config.store_url))
    app = open_app(config)
    open_log(app)

    def note(sentence: str) -> None:
        systemd.notify(systemd.READY)
        show_note(sentence)

    with tracing(config.tracing):
        Working(app, note).stay()
    out.print("stopped")
    return Exit.DONE
