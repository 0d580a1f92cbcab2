"""A release of what is committed: wheel, source, list of contents, checksums, signature. `python -m tools.release [FOLDER]`.

Whoever builds the same commit again gets the same bytes: every date is the commit's, modes and owners are set, and what
is not committed is not there. The signature is made with the SSH key that the environment's SIGNING_KEY names; without one
there is none, and it says so.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

NAMESPACE: Final = "fluix-syncd"
"""What a signature is for, so that it is good for nothing else."""
SUMS: Final = "SHA256SUMS"
ROOT: Final = Path(__file__).parent.parent


def release(folder: Path, repository: Path = ROOT, key: str | None = None) -> list[Path]:
    """Build the commit that is checked out.

    Args:
        folder: where to; what is in it goes.
        repository: of git; its working tree is not read.
        key: file of an SSH key to sign with.

    Returns:
        every file that was made.

    Raises:
        subprocess.CalledProcessError: a part failed; it has said why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stamp = int(_told("git", "-C", repository, "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory(prefix="syncd-release-") as scratch:
        source = Path(scratch) / "source"
        _take_out(repository, source)
        wheel = _built(source, folder, stamp)
        _list(source, folder / f"{wheel.name.rpartition('-py3')[0]}.cdx.json")
    sums = _sums(folder)
    if key:
        _run("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, sums)
    return sorted(folder.iterdir())


def _take_out(repository: Path, source: Path) -> None:
    """What is committed; `data` leaves neither links out of the folder nor modes of this machine."""
    archive = subprocess.run(["git", "-C", repository, "archive", "HEAD"], check=True, stdout=subprocess.PIPE).stdout  # noqa: S603, S607 - our own words
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(source, filter="data")


def _built(source: Path, folder: Path, stamp: int) -> Path:
    """The source, and the wheel that is built from it."""
    dated = {**os.environ, "SOURCE_DATE_EPOCH": str(stamp), "PYTHONHASHSEED": "0"}
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source, environment=dated)
    for packed in folder.glob("*.tar.gz"):
        _set_dates(packed, stamp)
    return next(folder.glob("*.whl"))


def _set_dates(path: Path, stamp: int) -> None:
    """The same archive with the commit's date, nobody's names and files in order."""
    with tarfile.open(path) as packed:
        kept = [(member, packed.extractfile(member)) for member in packed]
        contents = {member.name: file.read() if file else b"" for member, file in kept}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as packed:
        for member in sorted((member for member, _ in kept), key=lambda one: one.name):
            same = tarfile.TarInfo(member.name)
            same.type, same.size, same.mtime = member.type, member.size, stamp
            same.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            packed.addfile(same, io.BytesIO(contents[member.name]))
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=stamp))


def _list(source: Path, to: Path) -> None:
    """What the lock brings, as CycloneDX: without a number and a date of its own, so that it is the same each time."""
    call = (
        "-W",
        "ignore",
        "-m",
        "cyclonedx_py",
        "requirements",
        "--output-reproducible",
        "--pyproject",
        source / "pyproject.toml",
    )
    _run(sys.executable, *call, "--output-file", to, source / "requirements.lock")


def _sums(folder: Path) -> Path:
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())]
    sums = folder / SUMS
    sums.write_text("".join(lines), encoding="ascii")
    return sums


def _run(*words: str | Path, environment: dict[str, str] | None = None) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment, umask=0o022)  # noqa: S603 - our own words


def _told(*words: str | Path) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own words


if __name__ == "__main__":
    signing = os.environ.get("SIGNING_KEY")
    for made in release(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"), key=signing):
        sys.stdout.write(f"{made}\n")
    if not signing:
        sys.stderr.write("not signed: give SIGNING_KEY, the file of an SSH key\n")
