"""Listening to sources that announce changes."""

from __future__ import annotations

import pytest

from connectors.errors import PermanentError, RetryableError
from connectors.memory import MemoryJournal, MemorySource
from connectors.model import Record
from syncd import watching
from syncd.watching import Watcher

LONG = 20.0


def anna() -> Record:
    return Record("person", "a", {"email": "a@x.example"})


def test_a_change_ends_the_waiting_and_is_told_once() -> None:
    hr, ad = MemoryJournal("hr"), MemoryJournal("ad")
    with Watcher({"hr": hr, "ad": ad, "csv": MemorySource("csv", [])}, print) as watcher:
        hr.put(anna())
        assert watcher.wait(LONG) == {"hr"}
        assert watcher.wait(0.01) == set()
        ad.put(anna())
        hr.put(anna())
        names = set(watcher.wait(LONG))
        while names != {"ad", "hr"}:
            names |= watcher.wait(LONG)


class Failing(MemoryJournal):
    error: Exception | None = None

    def watch(self, seconds: float) -> bool:
        if self.error:
            error, self.error = self.error, None
            raise error
        return super().watch(seconds)


def test_what_happened_while_a_source_could_not_be_heard_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.01)
    source, notes = Failing("hr"), list[str]()
    source.error = RetryableError("the connection broke")
    with Watcher({"hr": source}, notes.append) as watcher:
        assert watcher.wait(LONG) == {"hr"}
        source.put(anna())
        assert watcher.wait(LONG) == {"hr"}
    assert notes == ["hr is not listened to, and asked in turn: the connection broke"]


def test_a_source_that_cannot_announce_anything_is_left_alone() -> None:
    source, notes = Failing("hr"), list[str]()
    source.error = PermanentError("the server announces no changes")
    with Watcher({"hr": source}, notes.append) as watcher:
        assert watcher.wait(0.2) == set()
        assert notes == ["hr is not listened to, and asked in turn: the server announces no changes"]
