"""store upgrade."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.common import config_option, json_option, out, print_json
from syncd.config import load_config
from syncd.errors import Exit
from syncd.store.engine import REVISION, open_engine, refuse_newer, revision
from syncd.store.engine import upgrade as upgrade_store


@click.group()
def store() -> None:
    """Look after the store."""


@store.command()
@json_option
@config_option
def upgrade(config_file: Path, *, as_json: bool) -> int:
    """Bring the store to this program's version. Forward only: make a copy of the file before."""
    engine = open_engine(load_config(config_file).store_url)
    before = revision(engine)
    refuse_newer(engine, before)
    if before != REVISION:
        upgrade_store(engine)
    if as_json:
        print_json({"before": before, "now": REVISION})
    else:
        out.print(
            f"the store is at revision {REVISION}"
            + (f", and was at {before}" if before not in {None, REVISION} else "")
        )
    return Exit.DONE
