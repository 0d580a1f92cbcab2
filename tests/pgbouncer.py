"""A real PgBouncer before the tests' PostgreSQL, in transaction mode, on loopback and a free port."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest

from tests.postgres import needs_postgres, postgres
from tests.slapd import free_port

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
_missing = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
needs_pgbouncer = [needs_postgres, _missing]

_CONFIG = """\
[databases]
* = host=127.0.0.1 port={server} user=tester
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
ignore_startup_parameters = {ignored}
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """One that runs until this process ends."""

    port: int

    def before(self, address: str) -> str:
        """The same database's address, through it."""
        return address.replace(f":{postgres().port}/", f":{self.port}/")


@cache
def pgbouncer(ignored: str = "extra_float_digits") -> PgBouncer:
    """The one of this process; so few sessions are shared that two clients meet on one.

    Args:
        ignored: what it swallows of the settings with which a session begins; it refuses others.
    """
    assert PGBOUNCER
    folder = Path(tempfile.mkdtemp(prefix="syncd-pgbouncer-"))
    port = free_port()
    (folder / "pgbouncer.ini").write_text(
        _CONFIG.format(server=postgres().port, port=port, folder=folder, ignored=ignored), encoding="ascii"
    )
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if other:
        owner = pwd.getpwnam("postgres")
        for path in (folder, folder / "pgbouncer.ini"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    process = subprocess.Popen(
        [PGBOUNCER, folder / "pgbouncer.ini"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **other
    )

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "pgbouncer.log").read_text(encoding="utf-8")
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=tester dbname=postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return PgBouncer(port)
    raise AssertionError("PgBouncer does not answer")
