"""`make release`: the same bytes each time, all of the program, a list of what it needs, and a signature that can be checked."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tools.release import SUMS, release

ROOT = Path(__file__).parent.parent
COMMANDS = re.findall(r"```sh\n(.+?)```", (ROOT / "docs/security.md").read_text(encoding="utf-8"), re.DOTALL)

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this working tree's files, as one commit, and nothing of this machine around it."""
    folder = tmp_path_factory.mktemp("release") / "repository"
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    dated = {**os.environ, "GIT_AUTHOR_DATE": "@1700000000 +0000", "GIT_COMMITTER_DATE": "@1700000000 +0000"}
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", "-C", folder, *words], check=True, env=dated)
    return folder


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "release"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def first(made: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "dist"
    release(folder, made, str(key))
    return folder


@needs_ssh
def test_two_builds_have_one_hash(made: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (made / "syncd/not_committed.py").write_text("X = 1\n", encoding="utf-8")
    umask = os.umask(0o077)
    try:
        release(tmp_path / "second", made)
    finally:
        os.umask(umask)
    assert (tmp_path / "second" / SUMS).read_text() == (first / SUMS).read_text()
    assert len((first / SUMS).read_text().splitlines()) == 3
    # Without its date the same would differ: a wheel says when its files were written, by two seconds.
    assert {one.date_time[0] for one in zipfile.ZipFile(next(first.glob("*.whl"))).infolist()} == {2023}
    assert time.gmtime().tm_year > 2023


@needs_ssh
def test_the_wheel_holds_every_file_of_the_program_and_no_other(made: Path, first: Path) -> None:
    listed = subprocess.run(["git", "-C", made, "ls-files"], check=True, capture_output=True, text=True).stdout
    ours = {name for name in listed.splitlines() if name.split("/")[0] in {"connectors", "scim", "mdm", "syncd"}}
    inside = set(zipfile.ZipFile(next(first.glob("*.whl"))).namelist())
    packed = {name for name in inside if ".dist-info/" not in name}
    assert packed == ours


@needs_ssh
def test_the_list_names_what_the_lock_brings(first: Path) -> None:
    listed = json.loads(next(first.glob("*.cdx.json")).read_text(encoding="utf-8"))
    lock = re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==(\S+) ", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert listed["bomFormat"] == "CycloneDX"
    assert {(one["name"], one["version"]) for one in listed["components"]} == set(lock)
    assert listed["metadata"]["component"]["name"] == "fluix-syncd"
    assert "serialNumber" not in listed
    assert "timestamp" not in listed["metadata"]


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    (commands,) = [text for text in COMMANDS if "ssh-keygen -Y verify" in text]
    return subprocess.run(["sh", "-ec", commands], cwd=folder, check=False, capture_output=True, text=True)


@pytest.fixture
def given(first: Path, key: Path, tmp_path: Path) -> Path:
    """What somebody downloaded, beside the public key."""
    shutil.copytree(first, tmp_path / "given")
    shutil.copy(key.with_suffix(".pub"), tmp_path / "given/release.pub")
    return tmp_path / "given"


@needs_ssh
def test_the_signature_is_checked_as_the_documents_say(given: Path) -> None:
    ran = checked(given)
    assert ran.returncode == 0, ran.stderr
    assert 'Good "fluix-syncd" signature' in ran.stdout


@needs_ssh
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz", "*.cdx.json"])
def test_a_file_that_was_changed_is_found(given: Path, kind: str) -> None:
    file = next(given.glob(kind))
    file.write_bytes(file.read_bytes() + b" ")
    assert checked(given).returncode != 0


@needs_ssh
def test_a_sum_that_was_changed_too_is_found(given: Path) -> None:
    file = next(given.glob("*.whl"))
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes() + b" ")
    sums = (given / SUMS).read_text(encoding="ascii")
    (given / SUMS).write_text(sums.replace(before, hashlib.sha256(file.read_bytes()).hexdigest()), encoding="ascii")
    ran = checked(given)
    assert ran.returncode != 0
    assert "OK" in ran.stdout
    assert "incorrect signature" in ran.stderr + ran.stdout


@needs_ssh
def test_another_key_is_found(given: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", tmp_path / "other"], check=True)
    shutil.copy(tmp_path / "other.pub", given / "release.pub")
    assert checked(given).returncode != 0


def test_make_release_is_this() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-m tools.release dist" in makefile
    assert "dist/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert Path(sys.modules["tools.release"].__file__ or "").is_relative_to(ROOT)
