"""One run at a time: who holds the lock is said, and it is let go however the holder ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from syncd.errors import LockedError, StoreError
from syncd.store.engine import open_engine
from syncd.store.lock import run_lock

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    yield engine
    engine.dispose()


def lock_file(store: Engine) -> Path:
    return Path(f"{store.url.database}.lock")


def test_the_second_is_told_who_holds_it_and_since_when(store: Engine) -> None:
    with run_lock(store, "syncd run", NOW):
        with pytest.raises(LockedError) as caught, run_lock(store, "syncd plan", NOW):
            pytest.fail("two held the lock")
        said = caught.value.what
        assert f"`syncd run` (process {os.getpid()}" in said
        assert "since 2026-11-02T08:30:00+00:00" in said
        assert "--wait" in caught.value.cure


def test_it_is_free_again_and_names_nobody_afterwards(store: Engine) -> None:
    for _ in range(2):
        with run_lock(store, "syncd run", NOW):
            assert json.loads(lock_file(store).read_text())["command"] == "syncd run"
        assert lock_file(store).read_text() == ""


def test_it_is_free_again_after_an_error(store: Engine) -> None:
    with pytest.raises(ValueError, match="mine"), run_lock(store, "syncd run", NOW):
        raise ValueError("mine")
    with run_lock(store, "syncd run", NOW):
        pass


def test_a_holder_that_was_killed_holds_nothing(store: Engine) -> None:
    """What it wrote stays in the file, and is nobody's word any more."""
    child = os.fork()
    if not child:
        with run_lock(store, "syncd old", NOW):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert "syncd old" in lock_file(store).read_text()
    with run_lock(store, "syncd run", NOW):
        assert json.loads(lock_file(store).read_text())["command"] == "syncd run"


def test_waiting_ends_when_the_time_is_over(store: Engine) -> None:
    ticks = iter([0.0, 0.0, 5.0])
    with (
        run_lock(store, "syncd run", NOW),
        pytest.raises(LockedError),
        run_lock(store, "syncd plan", NOW, wait_seconds=3, monotonic=lambda: next(ticks)),
    ):
        pytest.fail("two held the lock")
    assert list(ticks) == []


def test_waiting_ends_with_the_lock_once_it_is_free(store: Engine) -> None:
    first = run_lock(store, "syncd run", NOW)
    first.__enter__()
    asked = 0

    def monotonic() -> float:
        nonlocal asked
        asked += 1
        if asked == 2:  # after the first try
            first.__exit__(None, None, None)
        return 0.0

    with run_lock(store, "syncd plan", NOW, wait_seconds=60, monotonic=monotonic):
        assert json.loads(lock_file(store).read_text())["command"] == "syncd plan"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "7"])
def test_a_file_that_says_nothing_is_still_a_lock(store: Engine, text: str) -> None:
    with run_lock(store, "syncd run", NOW):
        lock_file(store).write_text(text)
        with pytest.raises(LockedError, match="another process holds it"), run_lock(store, "syncd plan", NOW):
            pytest.fail("two held the lock")


def test_a_lock_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "syncd.db.lock").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    with pytest.raises(StoreError, match="cannot be taken"), run_lock(engine, "syncd run", NOW):
        pytest.fail("it was held")


def test_a_store_in_memory_is_nobody_elses(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with run_lock(engine, "a", NOW), run_lock(engine, "b", NOW):
        pass
