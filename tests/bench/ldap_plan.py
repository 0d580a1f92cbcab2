"""A company whose directory is on a slapd, and its unchanged day: `python -m tests.bench.ldap_plan ingest|plan FOLDER`.

`ingest` is the read alone with what is written of it; `plan` everything that the command does, without its start;
`command` is the command as a user calls it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.ldap_directory import dn, group, teams
from tests.bench.measure import Measured, say
from tests.slapd import GROUPS, PEOPLE, READER, SECRET

SMALL, BIG = 999, 50_000
_CONFIG = """
version: 1
store: sqlite:///syncd.db
sources:
  - name: directory
    type: ldap
    url: {url}
    starttls: false
    bind: {{user: "{reader}", password: {{file: secret}}}}
    people: {{base: "{people}", attributes: {{department: departmentNumber, number: employeeNumber}}}}
    groups: {{base: "{groups}"}}
"""


def groups(count: int) -> Iterator[str]:
    """999 groups of 50 people, and one of half of all people."""
    yield from teams(SMALL, of=count, size=50)
    yield group("Everybody", map(dn, range(min(BIG, count // 2))))


def prepare(folder: Path, url: str, count: int) -> Path:
    """A store in which everybody has their account, and nothing is left to do."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text(SECRET, encoding="ascii")
    (folder / "secret").chmod(0o600)
    told = _CONFIG.format(url=url, reader=READER, people=PEOPLE, groups=GROUPS)
    (folder / "config.yaml").write_text(told, encoding="utf-8")
    _syncd("run", folder)
    done = _syncd("plan", folder)
    assert b'"changes": []' in done.stdout, done.stdout[:2000]
    assert f'"records": {count}'.encode() in done.stdout, done.stdout[-2000:]
    return folder


def command(folder: Path) -> Measured:
    """`syncd plan`, its start included."""
    start = time.perf_counter()
    before = os.times()
    done = _syncd("plan", folder, measured=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(wall, cpu, int(done.stderr.split()[-1]) / 1024, {"seconds": wall, "people": _people(done.stdout)})


def _syncd(what: str, folder: Path, *, measured: bool = False) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "syncd", what, "--config", str(folder / "config.yaml"), "--json"]
    if measured:
        words = [sys.executable, "-c", _PEAK, *words[2:]]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module("syncd", run_name="__main__")
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(peak.split()[1], file=sys.stderr)
"""


def _people(told: bytes) -> int:
    import json

    return int(json.loads(told)["sources"][0]["records"])


def main(what: str, folder: Path) -> None:
    """Measure one part, on a copy of the store."""
    from syncd.bootstrap import open_app
    from syncd.config import load_config
    from syncd.run import make_plan
    from syncd.store.ingest import ingest
    from syncd.sync import Request

    copied = folder / "measured"
    shutil.rmtree(copied, ignore_errors=True)
    copied.mkdir()
    for file in (*folder.glob("syncd.db*"), folder / "config.yaml", folder / "secret"):
        shutil.copy(file, copied)
    app = open_app(load_config(copied / "config.yaml"))
    sync = app.sync(lambda *_: None)
    start = time.perf_counter()
    if what == "ingest":
        (source,) = sync.sources.values()
        now = datetime.now(UTC)
        taken = ingest(sync.store, source.name, source.read, now=now, shape=sync.rules.address)
        assert taken.certificate.certified
        assert not taken.changed
        say(time.perf_counter() - start, people=taken.certificate.records, groups=taken.certificate.groups)
    else:
        report = make_plan(sync, Request("plan"))
        (line,) = report.sources
        say(time.perf_counter() - start, people=line.records, groups=line.groups, changes=len(report.plan.changes))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
