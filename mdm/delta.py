"""Only what changed between two states: who is new, whose email changed, who left. Costs what changed, not what exists.

Variables need no delta: a product replaces them by itself. This is for configs with the email written out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mdm import commands
from mdm.archive import MANIFEST, Archive, File, row, spool
from mdm.bundle import Order, Report, people_files
from mdm.model import Change, Person

TABLE: Final = "delta.csv"
HEADER: Final = ("Change", "Email", "Email Before", "File", "SHA-256")
REMOVAL: Final = "commands/removal.plist"


@dataclass(slots=True)
class DeltaReport:
    """What one delta came to."""

    report: Report = field(default_factory=Report)
    new: list[Person] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)


def write_delta(stream: BinaryIO, order: Order, changes: Iterable[Change], occasion: str) -> DeltaReport:
    """Write the ZIP: a file for each who is new or has another email, one removal for all who left, and a table.

    Args:
        stream: where to; it can be seeked.
        order: the same as when everything was rendered.
        changes: in the order of their emails, upper and lower case alike.
        occasion: tells this delta from every other of the same app.

    Raises:
        MdmError: a file did not read back; then what was written is worth nothing.
    """
    told = DeltaReport()
    wanted = [change for change in changes if change.kind]
    by_id = {change.person.id: change for change in wanted}
    told.left = [change for change in wanted if change.left]
    with Archive(stream) as bundle, spool() as table:
        table.write(row(HEADER, mark=True))
        removed = ""
        if told.left:
            removed = bundle.add(File(REMOVAL, commands.removal(order.bundle_id, occasion)))
        people = (change.person for change in wanted if not change.left)
        for person, made in people_files(order, people, told.report, occasion):
            change = by_id[person.id]
            if change.before is None:
                told.new.append(person)
            else:
                told.changed.append(change)
            digests = [bundle.add(file) for file in made]
            table.write(row((change.kind, person.email, change.before or "", made[0].name, digests[0])))
        for change in told.left:
            table.write(row(("left", "", change.before or "", REMOVAL, removed)))
        bundle.add_stream(TABLE, table)
        bundle.add(File("README.txt", _readme(order, told).encode()))
    told.report.files = bundle.files
    return told


def _readme(order: Order, told: DeltaReport) -> str:
    said = [
        "What changed since the last time: managed app config for Fluix.",
        f"App: {order.bundle_id}",
        "",
        f"{len(told.new)} new, {len(told.changed)} with another email, {len(told.left)} left.",
        "",
        f"{TABLE}         each of them, with the file",
        "people/           a property list for each who is new or has another email",
        f"{MANIFEST}   sha256sum -c {MANIFEST} checks that every file is whole",
    ]
    if told.left:
        said.append(f"{REMOVAL}   takes the whole config off the devices of those who left, other keys too")
    return "\n".join(said) + "\n"
