"""store upgrade, copy."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import Engine

from syncd.bootstrap import utc_now
from syncd.cli.common import config_option, json_option, out, print_json
from syncd.config import load_config
from syncd.config_values import store_address
from syncd.errors import Exit, UsageError
from syncd.store.copying import copy_store
from syncd.store.engine import REVISION, open_engine, refuse_newer, require_current, revision
from syncd.store.engine import upgrade as upgrade_store
from syncd.store.lock import run_lock


@click.group()
def store() -> None:
    """Look after the store."""


@store.command()
@json_option
@config_option
def upgrade(config_file: Path, *, as_json: bool) -> int:
    """Bring the store to this program's version. Forward only: make a copy of the file before."""
    engine = _engine(config_file)
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


@store.command()
@click.option("--to", "address", required=True, help="The store to copy to: empty, as `store:` would name it.")
@json_option
@config_option
def copy(config_file: Path, *, address: str, as_json: bool) -> int:
    """Copy the store to an empty one, and prove that all arrived.

    A password of PostgreSQL is taken from PGPASSWORD or ~/.pgpass, as its own programs do. Afterwards name the new store in
    `store:`; the old one stays as it is.
    """
    try:
        store_address(address)
    except ValueError as error:
        raise UsageError(f"--to {error}", where="--to") from None
    source, target = _engine(config_file), open_engine(address)
    require_current(target)
    with run_lock(source, "syncd store copy", utc_now()), run_lock(target, "syncd store copy", utc_now()):
        copied = copy_store(source, target)
    if as_json:
        print_json({"tables": [{"name": one.name, "rows": one.rows, "digest": one.digest} for one in copied]})
    else:
        rows = sum(one.rows for one in copied)
        out.print(f"{rows:,} rows of {len(copied)} tables were copied, and read back the same")
        out.print("now name the new store in `store:`; the old one stays as it is", soft_wrap=True)
    return Exit.DONE


def _engine(config_file: Path) -> Engine:
    config = load_config(config_file)
    return open_engine(config.store_url, config.store_direct_url)
