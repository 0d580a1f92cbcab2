"""The journalled loop, against an account and a journal in memory: what is intended, done, written, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.memory_target import MemoryTarget
from connectors.model import Account, Step
from syncd import apply
from syncd.apply import Worker
from syncd.core.change import Change, RecordKey
from syncd.core.report import Applied
from syncd.core.rules import Wanted

KEY = RecordKey("hr", "E1")
LIFE = {
    "users": [
        {"email": f"{name}@x.example", "name": name, "groups": ["Field"]} for name in ("ann", "bob", "cyd", "dan")
    ],
    "workflows": [
        {"name": "W", "steps": [{"name": "S", "users": ["ann@x.example", "bob@x.example", "dan@x.example"]}]},
        {"name": "Alone", "steps": [{"name": "S", "users": ["bob@x.example"]}]},
    ],
    "documents": [{"title": "Form 7", "state": "draft", "user": "ann@x.example"}],
}
KNOWN = {"owner": False, "role": "", "drafts": 0, "assigned": 0, "workflows": []}


@dataclass
class Book:
    """A journal that keeps what happened, in its order."""

    told: list[tuple[str, str]] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def intend(self, plan_id: int, steps: Iterable[tuple[Change, int, Step]]) -> None:
        self.told += [("intended", step.operation_id) for _, _, step in steps]

    def conclude(self, ended: Sequence[Any], doubted: Mapping[str, str]) -> None:
        self.told += [
            ("unproven" if outcome.operation_id in doubted else outcome.state, outcome.operation_id)
            for _, _, outcome in ended
        ]
        self.why |= {outcome.operation_id: outcome.message for _, _, outcome in ended}

    def drop(self, plan_id: int, stale: Iterable[tuple[Change, Step, str]]) -> None:
        for _, step, why in stale:
            self.told.append(("stale", step.operation_id))
            self.why[step.operation_id] = why


@pytest.fixture
def target() -> MemoryTarget:
    return MemoryTarget(LIFE)


@pytest.fixture
def book() -> Book:
    return Book()


def ids(target: MemoryTarget) -> dict[str, str]:
    return {item.email.split("@")[0]: item.fluix_id for item in target.read() if isinstance(item, Account)}


def worker(target: MemoryTarget, book: Book, **how: Any) -> Worker:
    usual = {
        "asking": lambda keys: {},
        "leaving": lambda keys: set(ids(target).values()),
        "account_id": lambda email: ids(target).get(email.split("@")[0]),
    }
    return Worker(target, book, **{**usual, **how})


def deletion(target: MemoryTarget, name: str, **after: Any) -> Change:
    """As the review makes it: with all that is known of the account."""
    fluix_id = ids(target)[name]
    dossier = target.dossiers([fluix_id])[fluix_id]
    from syncd.core.leaving import known

    before = {"groups": ["Field"], **known(dossier)}
    return Change(
        "delete_user", f"{name}@x.example", None, before, after or None, "left", fluix_id, (RecordKey("hr", name),)
    )


def create(name: str, *groups: str) -> Change:
    after = {"email": f"{name}@x.example", "display_name": name, "groups": list(groups)}
    return Change("create_user", f"{name}@x.example", after=after, records=(RecordKey("hr", name),))


def asking(name: str, *groups: str) -> Any:
    return lambda keys: {RecordKey("hr", name): Wanted(f"{name}@x.example", name, groups)}


def test_a_deletion_is_a_saga_that_is_intended_whole_before_its_first_step(target: MemoryTarget, book: Book) -> None:
    change = deletion(target, "ann", documents="cyd@x.example", workflows=["W"])
    done = worker(target, book).apply(7, [change])
    steps = [f"7:{change.key}:{verb}" for verb in ("reassign_documents", "leave_workflows", "verify", "delete_user")]
    assert book.told == [("intended", step) for step in steps] + [("done", step) for step in steps]
    assert done.done == {"delete_user": 1}
    assert "ann" not in ids(target)


def test_after_a_step_that_failed_the_account_is_not_deleted(target: MemoryTarget, book: Book) -> None:
    """Bob is alone in a workflow: he cannot leave it."""
    change = deletion(target, "bob", workflows=["W", "Alone"])
    done = worker(target, book).apply(7, [change])
    assert [state for state, _ in book.told if state != "intended"] == ["failed", "failed", "failed"]
    assert [why for _, why in done.failed] == ["Alone / S would be left without anyone"]
    assert "bob" in ids(target)


def test_what_was_left_open_is_not_torn_apart(
    target: MemoryTarget, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small a batch is: a deletion whose first step fails does not reach its last one."""
    monkeypatch.setattr(apply, "BATCH", 1)
    change = deletion(target, "bob", workflows=["W", "Alone"])
    steps = [
        Step(f"7:{change.key}:leave_workflows", "leave_workflows", change.fluix_id),
        Step(f"7:{change.key}:delete_user", "delete_user", change.fluix_id),
    ]
    done = worker(target, book).resume((7, change, place, step) for place, step in enumerate(steps))
    assert book.told == [("failed", step.operation_id) for step in steps]
    assert len(done.failed) == 1


def test_an_open_deletion_whose_person_is_back_is_dropped(target: MemoryTarget, book: Book) -> None:
    change = deletion(target, "cyd")
    step = Step("op", "delete_user", change.fluix_id)
    worker(target, book, leaving=lambda keys: set()).resume([(7, change, 0, step)])
    assert book.told == [("stale", "op")]
    assert "cyd" in ids(target)


def test_an_open_deletion_that_was_done_is_only_written_down(target: MemoryTarget, book: Book) -> None:
    change = deletion(target, "cyd")
    step = Step("op", "delete_user", change.fluix_id)
    target.apply([step])
    worker(target, book, leaving=lambda keys: set()).resume([(7, change, 0, step)])
    assert book.told == [("done", "op")]


def test_documents_go_to_nobody_who_is_not_there(target: MemoryTarget, book: Book) -> None:
    change = deletion(target, "ann", documents="eve@x.example")
    done = worker(target, book).apply(7, [change])
    assert [why for _, why in done.stale] == ["eve@x.example, who would take its documents, is not in Fluix any more"]
    assert "ann" in ids(target)


@pytest.mark.parametrize("fresh", [True, False])
def test_only_a_plan_of_before_is_compared_with_the_directory_again(
    target: MemoryTarget, book: Book, fresh: bool
) -> None:
    done = worker(target, book, fresh=fresh).apply(7, [create("new")])
    assert (len(done.stale), done.done.total()) == ((0, 1) if fresh else (1, 0))


@pytest.mark.parametrize("still", [True, False])
def test_an_account_goes_on_under_a_new_key_only_while_a_plan_would_say_so(
    target: MemoryTarget, book: Book, still: bool
) -> None:
    fluix_id = ids(target)["ann"]
    before = {"record": "hr/old", "replaces": [["hr", "old"]]}
    change = Change("update_user", "ann@x.example", None, before, {"record": "hr/E1"}, "", fluix_id, (KEY,))
    taking = {(KEY, fluix_id)} if still else {(RecordKey("hr", "E2"), fluix_id), (KEY, "other")}
    wanted = {KEY: Wanted("ann@x.example", "ann", ())}
    made = worker(target, book, asking=lambda keys: wanted, taking_over=lambda keys: taking)
    done = made.apply(7, [change])
    assert (done.done.total(), len(done.stale)) == ((1, 0) if still else (0, 1))


def test_the_worker_takes_nothing_over_unless_it_is_told_how_to_ask(target: MemoryTarget, book: Book) -> None:
    before = {"record": "hr/old", "replaces": [["hr", "old"]]}
    change = Change("update_user", "ann@x.example", None, before, {"record": "hr/E1"}, "", ids(target)["ann"], (KEY,))
    assert len(worker(target, book, fresh=True).apply(7, [change]).stale) == 1


def test_changes_of_one_kind_go_in_batches_each_intended_before_it_is_done(
    target: MemoryTarget, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "BATCH", 2)
    told: list[int] = []
    inside: list[int] = []

    @contextmanager
    def critical() -> Any:
        inside.append(len(book.told))
        yield
        assert len(book.told) - inside[-1] in {2, 4}, "a batch was not ended inside its block"

    made = worker(target, book, fresh=True, critical=critical, progress=told.append)
    done = made.apply(7, [create(name) for name in ("e", "f", "g")])
    assert done.done == {"create_user": 3}
    assert told == [2, 1]
    assert [state for state, _ in book.told] == ["intended", "intended", "done", "done", "intended", "done"]


def test_a_change_that_fails_does_not_keep_the_others_back(target: MemoryTarget, book: Book) -> None:
    done = worker(target, book, fresh=True).apply(7, [create("e"), create("f", "No such group"), create("g")])
    assert (done.done.total(), len(done.failed)) == (2, 1)
    assert {"e", "g"} < ids(target).keys()


def test_nothing_is_asked_and_written_for_nothing(target: MemoryTarget, book: Book) -> None:
    assert worker(target, book).apply(7, []) == Applied()
    assert worker(target, book).resume([]) == Applied()
    assert book.told == []
