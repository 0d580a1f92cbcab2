"""The process that runs, as long as it lives: it leads whenever nobody else does, and waits for that meanwhile.

It ends when it is stopped, or, to be started with another configuration, between two runs.
"""

from __future__ import annotations

import signal
import time
from typing import Final

from syncd.bootstrap import App
from syncd.daemon.leading import Leading, leading
from syncd.daemon.running import Running, Telling
from syncd.errors import Interrupted, StoreError
from syncd.stopper import Stopper

_TRIES_EVERY: Final = 0.5
"""Seconds between two tries to lead."""


class Staying:
    """Stays.

    Args:
        app: the program, with a store that is this process's own.
        telling: see there.
    """

    def __init__(self, app: App, telling: Telling) -> None:
        self._app = app
        self._telling = telling
        self._stopper = Stopper()
        self._leave = False
        self._waited = ""
        """Why, or for whom, it waited; empty: it led at once, since nobody did."""

    def stay(self) -> None:
        """Lead, or wait to lead, until a new configuration is to be taken (SIGHUP).

        Raises:
            Interrupted: asked to stop.
        """
        signal.signal(signal.SIGHUP, self._on_hangup)
        with self._stopper.listening():
            while not self._leave:
                self._try()

    def _try(self) -> None:
        lead: Leading | None = None
        try:
            with leading(self._app, self._stopper.ask) as lead:
                if lead is not None:
                    self._lead(lead)
        except (Interrupted, StoreError) as error:
            lost = lead is not None and lead.lost
            away = lead is None and isinstance(error, StoreError) and self._app.store.dialect.name == "postgresql"
            if not (lost or away):
                raise
            self._wait(error.what)
        else:
            if lead is None:
                self._wait("another `syncd serve` leads")
            elif lead.lost:
                self._wait("the lead is lost")

    def _lead(self, lead: Leading) -> None:
        if self._waited:
            self._telling.note("leads from now on")
        running = Running(lead.app, self._telling, self._stopper)
        running.stay(lambda: self._leave or lead.lost, took_over=bool(self._waited))

    def _wait(self, why: str) -> None:
        if why != self._waited:
            self._telling.note(f"waits to lead: {why}")
        self._waited = why
        time.sleep(_TRIES_EVERY)

    def _on_hangup(self, number: int, frame: object) -> None:
        del number, frame
        self._leave = True
