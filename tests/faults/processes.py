"""Work in a process of its own, that may be killed, starved or stopped."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syncd.bootstrap import App, open_app
from syncd.config import load_config
from syncd.errors import advice
from tests.stores import real_upgrades

Work = Callable[[App], Any]


def go(folder: Path, work: Work) -> Any:
    """Work on the house in this folder, in this process."""
    app = open_app(load_config(folder / "config.yaml"))
    try:
        return work(app)
    finally:
        app.store.dispose()


def in_a_process(folder: Path, work: Work, prepare: Callable[[], None]) -> tuple[int, str]:
    """Work on the house in this folder, in a process of its own, after `prepare` was called there.

    Returns:
        How it ended: the exit code that the program would have ended with (a signal's number, negative, when it was killed),
        and what it would have said.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 99
        try:
            os.close(reader)
            real_upgrades()
            prepare()
            go(folder, work)
            code = 0
        except BaseException as error:  # noqa: BLE001 - whatever it was is told to the parent
            told = advice(error)
            code = int(told.exit_code) if told else 98
            said = f"{told.what}: {told.cure}" if told else traceback.format_exc()
            os.write(writer, said.encode()[-4000:])
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said
