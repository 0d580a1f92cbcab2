"""What the program is made of, and what is committed: locks with hashes, no secret, checks that ask for security."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCKS = ("requirements.lock", "requirements-container.lock", "requirements-dev.lock")

SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=\n]{64}",
    "a key of a cloud": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b",
    "a token of a code host": r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{60}|glpat-[0-9A-Za-z_-]{20})\b",
    "a token of a chat": r"\bxox[abprs]-[0-9A-Za-z-]{20}|hooks\.slack\.com/services/T\w{8}",
    "a token of a package index": r"\b(?:pypi-AgEI|npm_)[0-9A-Za-z_-]{30}",
    "a token of ours": r"\bfx[as]_[0-9A-Za-z_-]{40}",
    "a signed token": r"\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20}",
    "a password in an address": r"\b(?:https?|ldaps?|postgresql(?:\+\w+)?)://[^\s/:@{}<>'\"$]+:(?!secret\b)[^\s/@{}<>'\"$]{12,}@",
}
MADE_UP: dict[str, set[str]] = {}
"""File -> kinds of secrets that stand there and open nothing."""


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def found(text: str) -> set[str]:
    return {kind for kind, pattern in SECRETS.items() if re.search(pattern, text)}


def test_no_secret_stands_in_the_repository() -> None:
    where = {
        str(file.relative_to(ROOT)): found(file.read_text(encoding="utf-8", errors="replace")) for file in tracked()
    }
    assert {name: kinds for name, kinds in where.items() if kinds - MADE_UP.get(name, set())} == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXk" * 6),
        ("a key of a cloud", "AKIA" + "ABCDEFGH" * 2),
        ("a token of a code host", "ghp_" + "a1B2c3" * 6),
        ("a token of a chat", "xoxb-" + "1234567890" * 2),
        ("a token of a package index", "pypi-AgEI" + "cHlwaS5v" * 5),
        ("a token of ours", "fxs_" + "abcdefgh" * 6),
        ("a signed token", ".".join(["eyJ" + "abcde" * 6] * 3)),
        ("a password in an address", "https://syncd:" + "abcdefgh" * 2 + "@example.com"),
    ],
)
def test_a_secret_would_be_found(kind: str, text: str) -> None:
    assert found(f"before {text} after") == {kind}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_the_locks_has_its_hash_and_none_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 40
    assert [one.split()[0] for one in packages if "==" not in one or "--hash=sha256:" not in one] == []
    assert "://" not in text


def test_the_locks_are_installed_by_their_hashes_alone() -> None:
    container = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    for line in (MAKEFILE + container).splitlines():
        if re.search(r"pip install.*-r \S+\.lock", line):
            assert "--require-hashes" in line


def test_the_checks_ask_for_security() -> None:
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert check
    assert "bandit" in check[1]
    assert "ruff check" in check[1]
    ruff = PROJECT["tool"]["ruff"]["lint"]
    assert ruff["select"] == ["ALL"]
    assert [rule for rule in ruff["ignore"] if re.match(r"S($|\d)", rule)] == ["S101"]
    assert all("S" not in rules for rules in ruff["per-file-ignores"].values())


def test_the_audit_reads_every_lock() -> None:
    audit = re.search(r"^audit:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert audit
    for lock in LOCKS:
        assert re.search(rf"pip-audit .*--require-hashes -r {lock}$", audit[1], re.MULTILINE)
