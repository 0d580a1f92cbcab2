"""A run that is killed: `python tests/faults/victim.py CONFIG N COMMAND…` dies by kill -9 at the N-th border of a transaction.

Borders are the beginning and the end of every write transaction, of the store and of the embedded account: before a commit
everything in it is lost, after it (which is before the next beginning) everything is there.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from syncd.bootstrap import App, open_app
from syncd.config import load_config
from syncd.run import apply_plan, run
from syncd.sync import Request


def killing(engine: Engine, at: int) -> None:
    """Die at the border number `at` (1 is the first)."""
    borders = 0

    def border(_connection: object) -> None:
        nonlocal borders
        borders += 1
        if borders == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "begin", border)
    event.listen(engine, "commit", border)


def main(config: Path, at: int, command: str, plan_id: str = "") -> None:
    """Run, and die if there are that many borders."""
    app: App = open_app(load_config(config))
    killing(app.store, at)
    if command == "apply":
        apply_plan(app.sync(), int(plan_id))
    else:
        run(app.sync(), Request("run"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
