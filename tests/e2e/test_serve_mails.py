"""Mails after a run of the daemon: a mail server that hangs keeps no run waiting for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from syncd.store import runs
from tests.house import House, staff
from tests.serving import serving, until

SHORT = "import syncd.cli.serve; syncd.cli.serve._MAILS = 1.0"


@contextmanager
def accepting(drips: bool) -> Iterator[int]:
    """A server that accepts and says nothing; or drips its greeting, so that no time-out for an answer ever ends."""
    over = Event()

    def drip() -> None:
        connected = []
        while not over.is_set():
            with suppress(TimeoutError):
                connected.append(listener.accept()[0])
            for one in [*connected] if drips else ():
                try:
                    one.send(b"2")
                except OSError:
                    connected.remove(one)
                    one.close()
        for one in connected:
            one.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = Thread(target=drip)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_mail_server_that_hangs_does_not_hang_the_runs(house: House, drips: bool) -> None:
    with accepting(drips) as port:
        mail = {"host": "127.0.0.1", "port": port, "security": "none"}
        house.configure(
            serve={"listen": "127.0.0.1:0"},
            schedule={"every": "1s"},
            target={"type": "account", "sender": "it@example.com", "mail": mail},
        )
        house.hire(staff(2))
        store = house.app().store
        with serving(house, before=SHORT) as daemon:
            until(lambda: daemon.tells("the mail server took longer than 1 seconds; 2 mails left"))
            until(lambda: sum(line.state == "done" for line in runs.history(store, 10)) > 2)
            assert daemon.stop() == 0
        store.dispose()
