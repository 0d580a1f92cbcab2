"""The web side as a process: `python -m syncd.web CONFIG FD`, which `syncd serve` starts. It ends when its starter does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from typing import Any

from gunicorn.app.base import BaseApplication

from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.web import GRACE
from syncd.web.whole import whole_app

_LOOKS_EVERY = 1.0


class _Server(BaseApplication):
    def __init__(self, config_file: Path, descriptor: int) -> None:
        self._config_file = config_file
        self._config = load_config(config_file)
        self._descriptor = descriptor
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's settings."""
        serve = self._config.serve
        settings: dict[str, Any] = {
            "bind": f"fd://{self._descriptor}",
            "worker_class": "gthread",
            "workers": serve.workers,
            "threads": serve.threads,
            "graceful_timeout": int(GRACE) - 5,
            "proc_name": "syncd web",
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """The application, with a store of its own for each worker."""
        return whole_app(open_app(self._config))


def _end_with(starter: int) -> None:
    """End when the process that started us is gone: nobody would keep us up, or stop us."""
    never = Event()
    while os.getppid() == starter:
        never.wait(_LOOKS_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until it is stopped."""
    config_file, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _Server(config_file, descriptor).run()


if __name__ == "__main__":
    main()
