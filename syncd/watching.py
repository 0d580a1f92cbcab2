"""Waiting for the sources that announce changes, so that a change need not wait for the next turn.

A file announces nothing: it is looked at every second, by size, times and place, which works on network drives as well. Once it
stands still for a second it counts as changed; whether it has arrived whole is found out by who reads it.

May not: read or conclude anything. What changed, the run that follows finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Self

from connectors.base import Incremental, Source, Stamped
from connectors.errors import ConnectorError, PermanentError

LOOK: Final = 1.0
"""Seconds between two looks at files."""

LISTEN: Final = 5.0
"""Seconds of one call to `watch`: so long a stop may take."""

PAUSE: Final = 30.0
"""Seconds after which a source that broke off is listened to again."""

SETTLE: Final = 0.3
"""Seconds after the first announcement: who is made a person is put into groups a moment later."""


class Watcher:
    """Listens to each source in a thread of its own, as long as the `with` lasts.

    Args:
        sources: all of them; those that tell no changes are left alone.
        note: told once, in a sentence, why a source is not listened to.
    """

    def __init__(self, sources: Mapping[str, Source], note: Callable[[str], None]) -> None:
        self._note = note
        self._heard = Event()
        self._stopped = Event()
        self._lock = Lock()
        self._names: set[str] = set()
        self._threads = [
            Thread(target=self._listen, args=(name, source), name=f"watch {name}", daemon=True)
            for name, source in sources.items()
            if isinstance(source, Incremental)
        ]
        self._files = {
            name: source
            for name, source in sources.items()
            if isinstance(source, Stamped) and not isinstance(source, Incremental)
        }
        if self._files:
            self._threads.append(Thread(target=self._look, name="watch files", daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def wait(self, seconds: float) -> frozenset[str]:
        """Until something changed, and so long at most.

        Returns:
            The names of the sources that announced something since the last call.
        """
        if self._heard.wait(seconds):
            self._stopped.wait(SETTLE)
        with self._lock:
            self._heard.clear()
            names, self._names = frozenset(self._names), set()
        return names

    def _listen(self, name: str, source: Incremental) -> None:
        told = False
        while not self._stopped.is_set():
            try:
                changed = source.watch(LISTEN)
            except ConnectorError as error:
                if not told:
                    self._note(f"{name} is not listened to, and asked in turn: {error.what}")
                told = True
                if isinstance(error, PermanentError):
                    return
                self._stopped.wait(PAUSE)
                changed = True  # whatever happened meanwhile was not heard
            else:
                told = False
            if changed:
                self._tell(name)

    def _look(self) -> None:
        """At the files, which cannot be asked to tell."""
        told = seen = {name: source.stamp() for name, source in self._files.items()}
        while not self._stopped.wait(LOOK):
            now = {name: source.stamp() for name, source in self._files.items()}
            for name, stamp in now.items():
                if stamp is not None and stamp == seen[name] and stamp != told[name]:
                    told = {**told, name: stamp}
                    self._tell(name)
            seen = now

    def _tell(self, name: str) -> None:
        with self._lock:
            self._names.add(name)
            self._heard.set()
