"""One measured process: a property list for each person into one ZIP, checked, read back, with table and manifest."""

from __future__ import annotations

import sys
import tempfile
import time

from mdm.bundle import Order, write_bundle
from mdm.model import Person
from tests.bench.measure import say

if __name__ == "__main__":
    count = int(sys.argv[1])
    people = (Person(str(number), f"person{number:07d}@example.com") for number in range(count))
    with tempfile.TemporaryFile() as stream:
        began = time.perf_counter()
        report = write_bundle(stream, Order("com.example.app", (), literal=True), people)
        seconds = time.perf_counter() - began
    say(seconds, people=report.people)
