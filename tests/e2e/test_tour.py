"""The README's tour, run as it is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """The lines of the tour's shell blocks, without what only prepares a shell."""
    tour = README[README.index("## A tour") : README.index("## Commands")]
    lines = [line for block in re.findall(r"```sh\n(.*?)```", tour, re.DOTALL) for line in block.splitlines()]
    return [line for line in lines if not line.startswith(". .venv")]


def test_the_tour_runs_as_written(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.example.yaml", tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}
    outputs: dict[str, list[tuple[int, str]]] = {}
    for line in ["syncd run --config config.example.yaml", *commands()]:
        if line.startswith("export "):
            name, value = line.removeprefix("export ").split("=")
            environment[name] = value
            continue
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert "Traceback" not in done.stderr
        outputs.setdefault(" ".join(line.split()[:2]), []).append((done.returncode, done.stdout + done.stderr))

    (first, second, third), plans = outputs["syncd run"], outputs["syncd plan"]
    assert (first[0], second[0], third[0]) == (0, 4, 4)
    assert "Create user (196)" in first[1]
    (loaded,) = outputs["syncd account"]
    assert loaded[0] == 0

    assert plans[0][0] == 0
    assert "nothing to do" in plans[0][1]
    assert plans[1][0] == 3
    assert "anabelen.munoz(at)nordlys.example" in plans[1][1]
    assert "Delete user" not in plans[1][1]

    assert "Delete user (12)" in second[1]
    assert "6.12 % is over the budget of 5 % (12/196" in " ".join(second[1].split())
    assert "12 done, 12 not let through" in second[1]
    assert outputs["syncd show"][0][0] == 0
    approved, applied = outputs["syncd approve"][0], outputs["syncd apply"][0]
    assert "approved 10 changes" in approved[1]
    assert "10 done" in applied[1]
    assert "Delete user (2)" in third[1]
    assert "refuse" in third[1]
    assert "klaus.schafer" in third[1]
    assert outputs["syncd audit"][0][0] == 0
    assert "whole" in outputs["syncd audit"][0][1]
