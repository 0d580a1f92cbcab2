"""A push whose process is killed at any of its calls: the next one goes on with it, and nothing is queued twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mdm.model import EMAIL_KEY
from tests.house import House, staff
from tests.mdm.push.devices import Device, Nano
from tests.mdm.push.server import Asked, Reply
from tests.mdm.push.stand_ins import APP, SECRET

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("done", [True, False], ids=["the call was done", "the call was not done"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_killed_at_a_call(house: House, number: int, done: bool) -> None:
    house.hire(staff(2))
    (house.folder / "devices.csv").write_text("id,email\nD1,e001@example.com\nD2,e002@example.com\n")
    with Nano() as nano:
        target = {"name": "ipads", "type": "nanomdm", "url": nano.url, "key": {"env": "KEY"}, "ask_first": False}
        house.configure(
            mdm={"bundle_id": APP, "vendors": ["intune"], "push": [{**target, "devices": {"path": "devices.csv"}}]}
        )
        assert house.syncd("run").code == 0
        devices = [Device(nano, place, APP).enrol() for place in ("D1", "D2")]
        words = [sys.executable, "-m", "syncd", "mdm", "push", "--send"]
        environment = {**os.environ, "KEY": SECRET, "SYNCD_CONFIG": str(house.config), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def kills(asked: Asked) -> Reply | None:
            if sum(one.path.startswith("/v1/enqueue") for one in nano.asked) != number:
                return None
            process.send_signal(signal.SIGKILL)
            process.wait()
            return nano.answer(asked) if done else Reply(503)

        nano.faults.append(kills)
        assert process.wait(timeout=60) == -signal.SIGKILL
        assert house.syncd("mdm", "push", "--send", env={"KEY": SECRET}).code == 0
        assert house.syncd("mdm", "push", "--send", env={"KEY": SECRET}).code == 0
        assert sorted(nano.queued) == sorted(
            (place, kind) for place in ("D1", "D2") for kind in ("Settings", "ManagedApplicationConfiguration")
        )
        for device in devices:
            device.poll()
        assert [device.holds[EMAIL_KEY] for device in devices] == ["e001@example.com", "e002@example.com"]
        assert house.syncd("audit", "verify").code == 0
