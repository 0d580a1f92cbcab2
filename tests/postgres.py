"""A real PostgreSQL below one temporary folder, on loopback and a free port, run by somebody who is not root."""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from syncd.store.engine import open_engine, require_current

_numbers = itertools.count(1)
_PLACES = "/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin"
INITDB, POSTGRES = (shutil.which(name, path=_PLACES) for name in ("initdb", "postgres"))

needs_postgres = pytest.mark.skipif(INITDB is None or POSTGRES is None, reason="PostgreSQL is not installed")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cluster that runs until this process ends."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://tester@127.0.0.1:{self.port}/postgres"

    def new_database(self, template: str = "template1") -> str:
        """The address of a database that nobody used."""
        import psycopg

        name = f"test_{next(_numbers)}"
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=tester dbname=postgres", autocommit=True) as maker:
            maker.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
        return self.url.removesuffix("postgres") + name

    def new_store(self) -> str:
        """The address of a new store, with its tables: copied, since making them takes a second."""
        return self.new_database(_store_template(self))


@cache
def postgres() -> Postgres:
    """The one cluster of this process."""
    assert INITDB
    assert POSTGRES
    folder = Path(tempfile.mkdtemp(prefix="syncd-postgres-"))
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if other:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    command = [INITDB, "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **other)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "fsync": "off",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "max_connections": 500,
    }
    process = subprocess.Popen(
        [
            POSTGRES,
            "-D",
            data,
            "-p",
            str(port),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **other,
    )

    def end() -> None:
        process.send_signal(signal.SIGINT)  # the fast way: it does not wait for clients to go
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "PostgreSQL ended as soon as it began"
        with socket.socket() as door:
            door.settimeout(1)
            if door.connect_ex(("127.0.0.1", port)) == 0 and _answers(port):
                return Postgres(port, folder)
        time.sleep(0.05)
    raise AssertionError("PostgreSQL does not answer")


@cache
def _store_template(postgres: Postgres) -> str:
    address = postgres.new_database()
    engine = open_engine(address)
    require_current(engine)
    engine.dispose()
    return address.rpartition("/")[2]


def _answers(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=tester dbname=postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
