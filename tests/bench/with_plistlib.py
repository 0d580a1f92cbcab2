"""The peer: the same people by bare plistlib.dumps and zipfile, and nothing else."""

from __future__ import annotations

import plistlib
import sys
import tempfile
import time
import zipfile

from tests.bench.measure import say

if __name__ == "__main__":
    count = int(sys.argv[1])
    with tempfile.TemporaryFile() as stream:
        began = time.perf_counter()
        with zipfile.ZipFile(stream, "w") as bundle:
            for number in range(count):
                email = f"person{number:07d}@example.com"
                bundle.writestr(f"people/{email}.plist", plistlib.dumps({"com.fluix.mdm.userEmail": email}))
        seconds = time.perf_counter() - began
    say(seconds, people=count)
