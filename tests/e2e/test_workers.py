"""Workers: changes applied side by side, in order for each person, and none lost or done twice when a worker dies."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from syncd.bootstrap import App
from syncd.core.report import Report
from syncd.run import run
from syncd.store import queue
from syncd.store.audit import verify
from syncd.store.engine import reading
from syncd.store.journal import Journal
from syncd.store.lock import run_lock
from syncd.store.node_tables import parcels, terms
from syncd.store.tables import audit
from syncd.sync import Request
from tests.house import House, staff
from tests.postgres import needs_postgres, postgres
from tests.scim_services import TOKEN, OurService, our_service
from tests.serving import until
from tests.workers import DIES, LOSES, Worker, at_border, working

pytestmark = needs_postgres
PEOPLE = 30


@pytest.fixture
def service() -> Iterator[OurService]:
    with our_service() as made:
        yield made


@pytest.fixture
def company(tmp_path: Path, service: OurService) -> House:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    target = {"type": "scim", "url": service.url, "auth": {"token": {"file": "token"}}}
    made = House(tmp_path, {"store": postgres().new_store(), "target": target})
    made.hire(staff(PEOPLE))
    return made


@pytest.fixture
def app(company: House) -> Iterator[App]:
    made = company.app()
    yield made
    made.store.dispose()


def a_run(app: App) -> Report:
    with run_lock(app.store, "syncd run", app.clock()) as store:
        return run(app.on(store).sync(), Request("run"))


def some(company: House, stack: ExitStack, count: int, before: str = "") -> list[Worker]:
    return [stack.enter_context(working(company, before)) for _ in range(count)]


def settled(app: App, service: OurService, done: int) -> None:
    """Each change was done once, and nothing is left of the way there."""
    with reading(app.store) as connection:
        told = connection.execute(select(audit.c.action, audit.c.detail)).all()
        assert connection.execute(select(parcels)).all() == []
        assert {row.name for row in connection.execute(select(terms))} <= {"run", "lead"}
    once = Counter((action, detail["key"]) for action, detail in told if detail.get("state") == "done")
    assert (len(once), set(once.values())) == (done, {1})
    assert Journal(app.store, 0, "test", app.clock).open() == []
    assert verify(app.store)[1] is None
    emails = sorted(user["userName"] for user in service.users.values())
    assert emails == sorted(person.row()[2] for person in staff(PEOPLE))
    assert [len(group["members"]) for group in service.groups.values()] == [PEOPLE]


def test_two_workers_apply_what_one_run_planned(company: House, app: App, service: OurService) -> None:
    with ExitStack() as stack:
        workers = some(company, stack, 2)
        assert queue.live_workers(app.store, app.calling) == 2
        report = a_run(app)
        assert report.outcome == {"done": PEOPLE + 1, "failed": 0, "stale": 0, "skipped": 0}
        assert report.applied is not None
        assert report.applied.read_back > 0
        settled(app, service, PEOPLE + 1)
        company.hire([*staff(PEOPLE)[:-3], *(replace(one, name="Renamed") for one in staff(PEOPLE)[-3:])])
        assert a_run(app).outcome["done"] == 3
        workers[0].process.send_signal(signal.SIGTERM)
        assert workers[0].process.wait(60) == 0
        until(lambda: queue.live_workers(app.store, app.calling) == 1)
    assert all(not worker.tells("Traceback") for worker in workers), [worker.said for worker in workers]


@pytest.mark.parametrize("border", [1, 3, 5, 6, 7, 8, 9, 12])
def test_a_worker_that_dies_gives_its_changes_back(company: House, app: App, service: OurService, border: int) -> None:
    with ExitStack() as stack:
        (dies,) = some(company, stack, 1, at_border(border, DIES))
        some(company, stack, 1)
        assert a_run(app).outcome["done"] == PEOPLE + 1
        assert dies.process.poll() == -signal.SIGKILL
    settled(app, service, PEOPLE + 1)


@pytest.mark.parametrize("border", [1, 3, 5, 6, 8, 12])
def test_a_worker_that_loses_the_database_puts_its_changes_down_and_they_are_given_again(
    company: House, app: App, service: OurService, border: int
) -> None:
    with ExitStack() as stack:
        (loser,) = some(company, stack, 1, at_border(border, LOSES))
        assert a_run(app).outcome["done"] == PEOPLE + 1
        assert loser.process.poll() is None
    settled(app, service, PEOPLE + 1)
    assert not loser.tells("Traceback"), loser.said


@pytest.mark.parametrize("border", [2, 5])
def test_what_a_worker_never_gets_done_the_run_does_itself(
    company: House, app: App, service: OurService, border: int
) -> None:
    with ExitStack() as stack:
        some(company, stack, 1, at_border(border, LOSES, when=">="))
        assert a_run(app).outcome["done"] == PEOPLE + 1
    settled(app, service, PEOPLE + 1)


def test_when_the_last_worker_dies_the_run_goes_on_by_itself(company: House, app: App, service: OurService) -> None:
    with ExitStack() as stack:
        (dies,) = some(company, stack, 1, at_border(6, DIES))
        assert a_run(app).outcome["done"] == PEOPLE + 1
        assert dies.process.poll() == -signal.SIGKILL
    settled(app, service, PEOPLE + 1)


def test_a_target_that_cannot_be_reached_ends_the_run_and_the_next_one_goes_on(
    company: House, app: App, service: OurService
) -> None:
    from connectors.errors import ConnectorError
    from tests.scim_services import Given

    answered = 0

    def tired(asked: object) -> Given | None:
        nonlocal answered
        answered += getattr(asked, "method", "") == "POST"
        return Given(500, {}) if answered > 12 else None

    with ExitStack() as stack:
        some(company, stack, 2)
        service.before = tired
        with pytest.raises(ConnectorError):
            a_run(app)
        service.before = None
        assert a_run(app).outcome["failed"] == 0
    settled(app, service, PEOPLE + 1)


def test_a_worker_of_another_version_or_configuration_takes_nothing_and_says_so(
    company: House, app: App, service: OurService, store_of_leader: Engine
) -> None:
    with ExitStack() as stack:
        older = "import syncd.store.engine as e; e.REVISION = '0000'\n"
        (stranger,) = some(company, stack, 1, older)
        assert queue.live_workers(app.store, app.calling) == 0
        until(lambda: stranger.tells("takes no parcels: the leader"))
        assert stranger.tells("goes by version 0001 of the store, this worker by 0000")
        assert a_run(app).outcome["done"] == PEOPLE + 1
    settled(app, service, PEOPLE + 1)


@pytest.fixture
def store_of_leader(app: App) -> Engine:
    from syncd.store import nodes

    nodes.lead(app.store, app.calling, app.clock())
    return app.store


def test_on_sqlite_there_are_no_workers(house: House) -> None:
    refused = house.syncd("worker")
    assert refused.code == 2
    assert "workers need a store on PostgreSQL" in refused.err
    assert "syncd store copy" in refused.err
