"""What Python takes to begin: with the modules that are named, or to print the help. `python -m tests.bench.nothing [MODULE…|--help]`."""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__":
    for name in sys.argv[1:]:
        if name == "--help":
            import_module("syncd.cli").cli.main(["--help"], standalone_mode=False)
        else:
            import_module(name)
    import_module("tests.bench.measure").say(0.0)
