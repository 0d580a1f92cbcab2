"""All benches of the laboratory, in the order in which docs/faults.md has them."""

from __future__ import annotations

from tests.lab.cells import Bench, Cell
from tests.lab.crew import Crew
from tests.lab.directory import Directory
from tests.lab.far_directory import FarDirectory
from tests.lab.files import Files, Process
from tests.lab.hooks import Hooks
from tests.lab.hosts import Hosts
from tests.lab.messages import Mails
from tests.lab.nodes import Nodes
from tests.lab.pushes import Pushes
from tests.lab.services import Endpoint, Pulled
from tests.lab.stores import Served

_ALL = (
    Files(),
    Process(),
    Directory(),
    Pulled(),
    Pushes(),
    Endpoint(),
    Served(),
    Nodes(),
    Crew(),
    Hosts(),
    FarDirectory(),
    Mails(),
    Hooks(),
)
BENCHES: dict[str, Bench] = {bench.name: bench for bench in _ALL}
CELLS: list[Cell] = [cell for bench in BENCHES.values() for cell in bench.cells()]
