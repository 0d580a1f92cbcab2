"""The daemon as a process: it runs by itself, keeps its web side up, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.house import House, staff
from tests.serving import PATIENCE, serving, until


@pytest.fixture
def company(house: House) -> House:
    house.configure(serve={"listen": "127.0.0.1:0"}, schedule={"every": "1s"})
    house.hire(staff(3))
    return house


def emails(house: House) -> set[str]:
    return {user["email"] for user in house.syncd("users", "list", "--json").json}


def loading_until(go: Path) -> str:
    """For `before`: every process loads until this file is there."""
    return f"""
import time, pathlib, syncd.cli.serve as s
def slowly(work):
    def loading(*given):
        while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)
        work(*given)
    return loading
s._answer, s._run = slowly(s._answer), slowly(s._run)
"""


def test_it_runs_by_itself_and_ends_when_it_is_asked_to(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        until(lambda: len(emails(company)) == 3)
        company.hire(staff(5))
        until(lambda: len(emails(company)) == 5)
        processes = [*daemon.part("web"), *daemon.part("runs")]
        assert len(processes) == 2
        assert daemon.stop() == 0
        until(lambda: daemon.tells("stopped"))
        assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


@pytest.mark.parametrize("part", ["web", "runs"])
def test_a_process_that_is_killed_is_started_again(company: House, part: str) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        until(lambda: daemon.part(part))
        before = daemon.part(part)
        os.killpg(before[0], signal.SIGKILL)
        until(lambda: daemon.part(part) not in ([], before))
        until(daemon.well)
        company.hire(staff(6))
        until(lambda: len(emails(company)) == 6)
        assert daemon.tells("ended (exit -9) and is started again")


@pytest.mark.parametrize("part", ["web", "runs"])
def test_a_process_without_a_sign_of_life_is_killed_and_started_again(company: House, part: str) -> None:
    with serving(company, before="import syncd.cli.serve as s; s._SILENT = 8") as daemon:
        until(daemon.well)
        before = daemon.part(part)
        os.kill(before[0], signal.SIGSTOP)
        until(lambda: daemon.tells("gave no sign of life"))
        until(lambda: daemon.part(part) not in ([], before))
        until(daemon.well)


def test_when_the_daemon_is_killed_everything_ends(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        processes = [*daemon.part("web"), *daemon.part("runs")]
        daemon.process.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
    assert company.syncd("run").code == 0


def test_when_the_daemon_is_killed_before_its_processes_are_ready_they_end_as_well(company: House) -> None:
    go = company.folder / "go"
    with serving(company, before=loading_until(go)) as daemon:
        until(lambda: daemon.part("web") and daemon.part("runs"))
        processes = [*daemon.part("web"), *daemon.part("runs")]
        daemon.process.kill()
        daemon.process.wait()
        go.touch()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def test_a_port_that_is_taken_is_told_at_once(company: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        company.configure(serve={"listen": f"127.0.0.1:{port}"})
        ran = company.syncd("serve")
    assert ran.code == 2
    assert f"127.0.0.1:{port} cannot be listened on" in ran.err


def test_a_second_daemon_on_the_same_store_waits_for_the_first_ones_run(company: House) -> None:
    with serving(company) as first, serving(company) as second:
        until(first.well)
        until(second.well)
        until(lambda: len(emails(company)) == 3)
        company.hire(staff(4))
        until(lambda: len(emails(company)) == 4)
        assert not first.tells("Traceback")
        assert not second.tells("Traceback")


def test_a_reload_takes_the_new_configuration_and_drops_no_request(company: House) -> None:
    company.configure(schedule={"every": "1h"}, people={"scope": "email != 'e003@example.com'"})
    with serving(company) as daemon:
        until(lambda: len(emails(company)) == 2)
        until(daemon.well)
        before = {*daemon.part("web"), *daemon.part("runs")}
        company.configure(people={}, serve={"listen": "127.0.0.1:1", "threads": 2})
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: daemon.tells("the configuration was read again"))
        until(lambda: not before & {*daemon.part("web"), *daemon.part("runs")})
        for _ in range(20):
            assert daemon.well()
        until(lambda: len(emails(company)) == 3)
        assert daemon.tells("`serve.listen` changed: that needs a restart")


def test_after_a_reload_the_old_process_answers_until_the_new_one_is_ready(company: House) -> None:
    go = company.folder / "go"
    go.touch()
    with serving(company, before=loading_until(go)) as daemon:
        until(daemon.well)
        before = daemon.part("web")
        go.unlink()
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: len(daemon.part("web")) == 2)
        for _ in range(20):
            assert daemon.well()
        assert set(before) < set(daemon.part("web"))
        go.touch()
        until(lambda: len(daemon.part("web")) == 1)
        assert daemon.part("web") != before
        until(daemon.well)


def test_a_reload_with_a_wrong_configuration_changes_nothing(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        before = {*daemon.part("web"), *daemon.part("runs")}
        kept = company.config.read_text(encoding="utf-8")
        company.config.write_text(kept + "shrunk: {}\n", encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: daemon.tells("the configuration is as it was"))
        assert daemon.tells("shrunk")
        company.config.write_text(kept, encoding="utf-8")
        company.hire(staff(5))
        until(lambda: len(emails(company)) == 5)
        assert {*daemon.part("web"), *daemon.part("runs")} == before


def test_the_systems_manager_is_told(company: House, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE)
        with serving(company, {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "3000000"}) as daemon:
            heard = [manager.recv(100).decode()]
            while heard.count("WATCHDOG=1") < 3 or "READY=1" not in heard:
                heard.append(manager.recv(100).decode())
            daemon.process.send_signal(signal.SIGHUP)
            while heard.count("READY=1") < 2:
                heard.append(manager.recv(100).decode())
            daemon.stop()
            while "STOPPING=1" not in heard:
                heard.append(manager.recv(100).decode())
    assert [one for one in heard if one != "WATCHDOG=1"] == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
