"""Gunicorn's log, through the one pipe of the program."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger


class GunicornLog(Logger):
    """No handlers of its own."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn, with its settings."""
        self.cfg = cfg
        for logger in (self.error_log, self.access_log):
            logger.handlers = []
            logger.propagate = True
        self.error_log.setLevel(cfg.loglevel.upper())
