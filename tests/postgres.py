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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from syncd.store.engine import open_engine, require_current

_numbers = itertools.count(1)
_PLACES = "/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin"
INITDB, POSTGRES = (shutil.which(name, path=_PLACES) for name in ("initdb", "postgres"))

_FOR_TESTS: Final = {"fsync": "off", "max_connections": "500"}

needs_postgres = pytest.mark.skipif(INITDB is None or POSTGRES is None, reason="PostgreSQL is not installed")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cluster that runs.

    Args:
        port: where it listens.
        folder: all that it has, and its Unix socket.
        pid: of its first process.
        host: where tests find it: an address, or the folder of the socket.
    """

    port: int
    folder: Path
    pid: int
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return self.address("postgres")

    def address(self, name: str) -> str:
        """The address of this database."""
        where = f"127.0.0.1:{self.port}" if self.host == "127.0.0.1" else ""
        more = "" if where else f"?host={self.host}&port={self.port}"
        return f"postgresql+psycopg://tester@{where}/{name}{more}"

    def new_database(self, template: str = "template1") -> str:
        """The address of a database that nobody used."""
        import psycopg

        name = f"test_{next(_numbers)}"
        with psycopg.connect(self._words, autocommit=True) as maker:
            maker.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def new_store(self) -> str:
        """The address of a new store, with its tables: copied, since making them takes a second."""
        return self.new_database(_store_template(self))

    @property
    def _words(self) -> str:
        return f"host={self.host} port={self.port} user=tester dbname=postgres connect_timeout=2"

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._words).close()
        except psycopg.OperationalError:
            return False
        return True


@cache
def postgres() -> Postgres:
    """The one cluster of this process, which runs until the process ends."""
    stack = ExitStack()
    made = stack.enter_context(cluster())
    atexit.register(stack.close)
    return made


@contextmanager
def cluster(
    listen: str = "127.0.0.1",
    on: Sequence[str] = (),
    place: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Postgres]:
    """A cluster of its own.

    Args:
        listen: the address at which it listens. Where that is not this machine's, tests find it by its Unix socket.
        on: words before the server's call, which put it on another host.
        place: the folder in which its own is made; None: the system's for temporary ones.
        settings: the server's; None: as tests want it, since nothing of theirs has to outlive a power cut.
    """
    assert INITDB
    assert POSTGRES
    folder = Path(tempfile.mkdtemp(prefix="syncd-postgres-", dir=place))
    owner = pwd.getpwnam("postgres") if os.getuid() == 0 else None
    other: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if owner else {}
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    command = [INITDB, "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **other)
    if listen != "127.0.0.1":
        with (data / "pg_hba.conf").open("a", encoding="ascii") as rights:
            rights.write(f"host all all {listen}/24 trust\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"listen_addresses": listen, "unix_socket_directories": folder, **(settings or _FOR_TESTS)}
    words = [POSTGRES, "-D", str(data), "-p", str(port)]
    words += [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    become = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"] if owner and on else []
    process = subprocess.Popen(
        [*on, *become, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **({} if on else other),
    )
    try:
        made = Postgres(port, folder, process.pid, "127.0.0.1" if listen == "127.0.0.1" else str(folder))
        deadline = time.monotonic() + 30
        while not made.answers():
            assert process.poll() is None, "PostgreSQL ended as soon as it began"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        yield made
    finally:
        process.send_signal(signal.SIGINT)  # the fast way: it does not wait for clients to go
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _store_template(postgres: Postgres) -> str:
    address = postgres.new_database()
    engine = open_engine(address)
    require_current(engine)
    engine.dispose()
    return database_of(address)


def database_of(address: str) -> str:
    """The database's name in an address."""
    return address.partition("?")[0].rpartition("/")[2]
