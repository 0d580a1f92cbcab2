"""The bench of two hosts: network namespaces with a cable between them, PostgreSQL on one and the program on the other; the cable is pulled."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests import postgres
from tests.house import House
from tests.lab.cells import Bench, Cell, Deeds
from tests.lab.company import WIDE_OPEN, Company
from tests.serving import until

PROGRAM, SERVER = "10.231.0.1", "10.231.0.2"
"""Addresses inside of the namespaces: nobody else can reach them, and they reach nobody else."""
NOTICED = 6
"""Seconds after which both sides take a connection whose other end is gone for lost."""

_numbers = itertools.count(1)


def ip(*words: str) -> str:
    """Call `ip`. Returns what it said."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def possible() -> bool:
    """Whether we may make namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode == 0


@contextmanager
def two_hosts() -> Iterator[tuple[str, str]]:
    """Two hosts with a cable between them: the namespace of the program (its device is called `cable`), and the server's."""
    number = next(_numbers)  # several benches of one process are open at once
    ours, theirs = (f"lab-{side}-{os.getpid()}-{number}" for side in ("program", "server"))
    try:
        for name in (ours, theirs):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", ours, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", theirs)
        for name, address in ((ours, PROGRAM), (theirs, SERVER)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield ours, theirs
    finally:
        for name in (ours, theirs):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class Hosts(Bench):
    """The store is on another host."""

    name = "hosts"
    title = "Two hosts: the cable between the program and PostgreSQL"

    def cells(self) -> list[Cell]:
        moments = ("starting", "first record", "planning", "applying", "in the account", "concluding", "ending")
        return [Cell(self.name, "the cable is pulled", at, at) for at in moments]

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        if not possible() or postgres.POSTGRES is None:
            pytest.skip("two hosts need root, `ip` and PostgreSQL")
        with (
            two_hosts() as (self.ours, theirs),
            postgres.cluster(SERVER, ("ip", "netns", "exec", theirs)) as self.server,
        ):
            (folder / "evening").mkdir()
            self.template = self.server.new_store()
            house = House(folder / "evening", {**WIDE_OPEN, "store": self.template})
            self.live_day_one(self._from_afar(Company(house)))
            self.foresee_day_two(folder)
            yield

    def _from_afar(self, company: Company) -> Company:
        """Called on the program's host, with the server's address there; tests look at the store by its socket."""
        house = company.house
        name = postgres.database_of(house.settings["store"])
        patience = f"tcp_user_timeout={NOTICED * 1000}&connect_timeout={NOTICED}"
        server_too = f"-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count={NOTICED - 2} -c tcp_user_timeout={NOTICED}s"
        address = (
            f"postgresql+psycopg://tester@{SERVER}:{self.server.port}/{name}?{patience}&options={quote(server_too)}"
        )
        far = house.folder / "far.yaml"
        far.write_text(yaml.safe_dump({**house.settings, "store": address}), encoding="utf-8")
        return Company(house, {"SYNCD_CONFIG": str(far)}, [["enter", self.ours]])

    def another(self, folder: Path) -> Company:
        store = self.server.new_database(postgres.database_of(self.template))
        return self._from_afar(self.evening.copy(folder, store=store))

    def befall(self, cell: Cell, company: Company) -> Deeds:
        return [["at", cell.how, "part", "cable"]]

    def heal(self, company: Company) -> None:
        ip("-n", self.ours, "link", "set", "cable", "up")
        until(lambda: company.call("plan").code != 1)  # the server holds the lost run's lock until it notices, too
