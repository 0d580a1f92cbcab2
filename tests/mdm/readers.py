"""Readers of property lists that none of ours had a hand in: what each makes of files, as plain values to compare.

A process start is dear, so that each reads many files at once. Where one is missing, its tests are skipped (and fail with
CI=true, tests/conftest.py).
"""

from __future__ import annotations

import base64
import json
import math
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NPM = Path(sys.prefix) / "mdm/npm/node_modules"
DD_PLIST = Path("/usr/share/java/dd-plist.jar")
DTD = Path("/usr/share/xml/gnustep/plist-0_9.dtd")


def plain(value: Any) -> Any:
    """A value of ours as the readers tell it: numbers as numbers, data and moments as text."""
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case bytes():
            return {"data": base64.b64encode(value).decode()}
        case datetime():
            return {"date": value.strftime("%Y-%m-%dT%H:%M:%SZ")}
        case bool() | str():
            return value
        case int() | float():
            return {"number": float(value)}
    raise TypeError(type(value))


def plistutil(files: Sequence[Path]) -> list[Any]:
    """libplist: XML to its own binary, which plistlib reads. It exits with 0 whatever happens: only the values count."""
    return [plain(plistlib.loads(_binary(file), fmt=plistlib.FMT_BINARY)) for file in files]


def bplist_parser(files: Sequence[Path]) -> list[Any]:
    """The same binary, read by npm's bplist-parser."""
    binaries = []
    for file in files:
        binary = file.with_name(f"{file.name}.bin")
        binary.write_bytes(_binary(file))
        binaries.append(binary)
    return _node("bplist", binaries)


def npm_plist(files: Sequence[Path]) -> list[Any]:
    """npm's plist, which many tools for Apple's devices are written with."""
    return _node("plist", files)


def dd_plist(files: Sequence[Path]) -> list[Any]:
    """dd-plist, Java. It refuses fragments."""
    _require("java", "javac")
    if not DD_PLIST.exists():
        pytest.skip(f"{DD_PLIST} is missing: install libdd-plist-java")
    command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(DD_PLIST), str(HERE / "ReadPlists.java")]
    return _lines([*command, *map(str, files)])


def xmllint(files: Sequence[Path], *options: str) -> str:
    """What libxml2 says against the files; empty when they are valid."""
    _require("xmllint")
    command = ["xmllint", "--nonet", "--noout", *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def dtd() -> tuple[str, str]:
    """The options that have property lists validated."""
    if not DTD.exists():
        pytest.skip(f"{DTD} is missing: install gnustep-base-common")
    return "--dtdvalid", str(DTD)


READERS: dict[str, Callable[[Sequence[Path]], list[Any]]] = {
    "plistutil": plistutil,
    "bplist-parser": bplist_parser,
    "npm plist": npm_plist,
    "dd-plist": dd_plist,
}


def _binary(file: Path) -> bytes:
    _require("plistutil")
    command = ["plistutil", "-i", str(file), "-o", "-", "-f", "bin"]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).stdout


def _node(kind: str, files: Sequence[Path]) -> list[Any]:
    _require("node")
    if not NPM.is_dir():
        pytest.skip(f"{NPM} is missing: make .venv/.tests-installed")
    return _lines(["node", str(HERE / "read_plists.js"), str(NPM), kind, *map(str, files)])


def _lines(command: Sequence[str]) -> list[Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [_numbers(json.loads(line)) for line in done.stdout.splitlines()]


def _numbers(value: Any) -> Any:
    """`{"number": "1e3"}` -> a float: JSON's own numbers would be rounded by whoever prints them."""
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    if isinstance(value, dict):
        if value.keys() == {"number"}:
            number = float(value["number"])
            assert math.isfinite(number)
            return {"number": number}
        return {key: _numbers(inner) for key, inner in value.items()}
    return value


def _require(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: see DEBIAN in the Makefile")
