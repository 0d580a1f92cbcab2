"""SCIM at both ends, run as a user runs it: pulled into the embedded account, and written as the Fluix side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.house import House, Person, staff
from tests.scim_services import TOKEN, error, group, node_service, our_service, seed_of, user

ROOT = Path(__file__).parents[2]
SECRET = {"SYNCD_TEST_TOKEN": TOKEN}
AUTH = {"auth": {"token": {"env": "SYNCD_TEST_TOKEN"}}}


@pytest.fixture(scope="module")
def node():
    with node_service() as running:
        yield running


@pytest.fixture
def service(node):
    node.seed([], [])
    return node


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def pulling(house, service):
    house.configure(sources=[{"name": "cloud", "type": "scim", "url": service.url, **AUTH}])


def writing(house, service):
    house.configure(target={"type": "scim", "url": service.url, **AUTH})
    house.hire(staff(8))


def people(count):
    return [
        {
            "external_id": f"E{n}",
            "email": f"e{n}@example.com",
            "display_name": f"Person {n}",
            "active": n != 3,
            "groups": ["Field"],
        }
        for n in range(count)
    ]


def test_people_are_pulled_into_the_account_once(house, service):
    service.seed(*seed_of(people(9)))
    pulling(house, service)
    assert house.syncd("check", env=SECRET).code == 0
    first = house.syncd("run", "--json", env=SECRET)
    assert first.code == 0, first.err
    assert first.json["outcome"]["done"] == 9  # 8 people and their group
    (source,) = first.json["sources"]
    assert (source["certified"], source["records"]) == (True, 9)
    again = house.syncd("run", "--json", env=SECRET)
    assert (again.code, again.json["counts"]) == (0, {})


def test_a_service_that_lets_nobody_in_is_no_empty_directory(house, service):
    service.seed(*seed_of(people(5)))
    pulling(house, service)
    assert house.syncd("run", env=SECRET).code == 0
    refused = house.syncd("plan", "--json", env={"SYNCD_TEST_TOKEN": "another"})
    assert refused.code == 1
    assert house.syncd("plan", "--json", env=SECRET).json["counts"] == {}
    checked = house.syncd("check", env={"SYNCD_TEST_TOKEN": "another"})
    assert checked.code != 0
    assert "check the token" in checked.out + checked.err


def test_the_directory_is_written_to_the_endpoint_once(house, service):
    service.seed([user("U0", "e001@example.com", "Person E001")], [group("G0", "Office", [])])
    writing(house, service)
    assert house.syncd("check", env=SECRET).code == 0
    first = house.syncd("run", "--json", env=SECRET)
    assert first.code == 0, first.err
    again = house.syncd("run", "--json", env=SECRET)
    assert (again.code, again.json["counts"]) == (0, {})


def test_a_deletion_waits_for_an_approval_because_nothing_is_known_of_the_user(house, service):
    service.seed([], [])
    writing(house, service)
    assert house.syncd("run", env=SECRET).code == 0
    house.hire([*staff(7), Person("E009", "Nu Nguyen", "nu@example.com")])
    held = house.syncd("run", "--json", env=SECRET)
    assert held.code == 3
    assert held.json["held"] == {"delete_user": 1}
    plan = held.json["plan_id"]
    assert house.syncd("approve", str(plan), "--comment", "left", env=SECRET).code == 0
    applied = house.syncd("apply", str(plan), "--json", env=SECRET)
    assert applied.code == 0, applied.out
    assert house.syncd("run", "--json", env=SECRET).json["counts"] == {}


@pytest.mark.parametrize("killed_at", [1, 4])
def test_a_run_that_is_killed_is_finished_by_the_next(house, killed_at):
    with our_service() as service:
        service.seed([], [])
        writing(house, service)
        reached, posts = threading.Event(), [0]

        def before(asked):
            posts[0] += asked.method == "POST"
            if asked.method == "POST" and posts[0] == killed_at:
                reached.set()
                process.send_signal(signal.SIGKILL)

        service.before = before
        environment = {**os.environ, **SECRET, "SYNCD_CONFIG": str(house.config), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-m", "syncd", "run"], cwd=house.folder, env=environment, stdout=subprocess.DEVNULL
        ) as process:
            assert reached.wait(60)
            assert process.wait(60) == -signal.SIGKILL
        service.before = None
        assert house.syncd("run", env=SECRET).code == 0
        names = sorted(one["userName"] for one in service.users.values())
        assert names == [f"e{n:03}@example.com" for n in range(1, 9)]
        assert [len(one["members"]) for one in service.groups.values()] == [8]
        assert house.syncd("run", "--json", env=SECRET).json["counts"] == {}


def test_half_an_endpoint_is_no_account_to_plan_on(house):
    with our_service() as service:
        service.seed([], [])
        writing(house, service)
        service.before = lambda asked: error(500, "no") if asked.path == "/Users" else None
        assert house.syncd("run", env=SECRET).code == 1
        assert service.users == {}
