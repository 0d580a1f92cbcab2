"""The bench of a directory on another host: slapd at the other end of a cable, which is pulled before, during and after the read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cells import Cell, Deeds
from tests.lab.company import Company, Ran
from tests.lab.directory import PAGE, Directory, serving
from tests.lab.hosts import SERVER, ip, possible, two_hosts
from tests.serving import until
from tests.slapd import GROUPS

READS: dict[str, list[Any]] = {
    "the first page": ["says", PAGE.decode(), 1],
    "the middle of the pages": ["says", PAGE.decode(), 2],
    "the people's second page": ["says", PAGE.decode(), 5],
    "the groups": ["says", GROUPS, 1],
}
"""Moment of the read -> the search that is about to be asked then."""
MOMENTS: dict[str, list[Any]] = {
    "before the run": [],
    **READS,
    "between read and apply": ["at", "planning"],
    "while applying": ["at", "applying"],
}


class FarDirectory(Directory):
    """People and groups by LDAP, from another host."""

    name = "far_ldap"
    title = "Two hosts: the cable between the program and the directory server"

    def cells(self) -> list[Cell]:
        deeds = {
            "the cable is pulled": ["part", "cable", "server"],
            "our network is down": ["part", "cable", "program"],
            "the cable is out for a second": ["flicker", "cable", "server", 1.0],
        }
        short = ("the cable is pulled", "the people's second page")
        return [
            Cell(self.name, fault, moment, [*when, *deed], (fault, moment) == short)
            for fault, deed in deeds.items()
            for moment, when in MOMENTS.items()
            if deed[0] == "part" or moment in READS
        ]

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        if not possible():
            pytest.skip("two hosts need root and `ip`")
        with two_hosts() as (ours, theirs):
            self.hosts = {"program": ours, "server": theirs}
            with serving(folder, host=SERVER, on=("ip", "netns", "exec", theirs)) as self.server:
                self.first_day(folder, self.server, self.server.url, [["enter", ours]])
                self.second_day(folder)
                yield

    def befall(self, cell: Cell, company: Company) -> Deeds:
        self.changes = self._changes()
        return [[self.hosts.get(one, one) for one in cell.how]]

    def heal(self, company: Company) -> None:
        self.struck = self._changes() > self.changes
        for host in self.hosts.values():
            ip("-n", host, "link", "set", "cable", "up")
            ip("-n", host, "neigh", "flush", "dev", "cable")
        until(self._reached)

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.struck

    def _reached(self) -> bool:
        """Whether the program's host reaches the server: links and neighbours take their time."""
        connect = f"exec 3<>/dev/tcp/{SERVER}/{self.server.port}"
        call = ["ip", "netns", "exec", self.hosts["program"], "timeout", "1", "bash", "-c", connect]
        return subprocess.run(call, check=False, capture_output=True).returncode == 0

    def _changes(self) -> int:
        """How often our end of the cable was cut off or connected, by now."""
        return int(ip("netns", "exec", self.hosts["program"], "cat", "/sys/class/net/cable/carrier_changes"))
