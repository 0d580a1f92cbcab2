"""A real Active Directory controller (Samba) behind free ports of 127.0.0.1, shared by a whole test session.

It is provisioned once (about 4 s) by whichever test process comes first. Each process holds a shared lock on one file, and
a keeper that waits for the exclusive one (`tests/samba_keeper.py`) stops Samba when the last process is gone, even if that
one was killed. Everything is below one temporary folder.

Tests share the controller and so work in an organisational unit of their own (`Samba.unit`).
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.ldap.library import ldap3

REALM = "EXAMPLE.TEST"
BASE = "DC=example,DC=test"
ADMIN = f"CN=Administrator,CN=Users,{BASE}"
PASSWORD = "Loopback-only-1"  # of a server that lives for the length of a test session

ENABLED_WITHOUT_PASSWORD = "544"
"""userAccountControl: a normal account (0x200) that needs no password (0x20), as tests have no use for one."""

_WAIT_SECONDS = 60
# `nosync`, because nothing of it outlives the session: waiting for the disk would take 40 ms for each entry.
_CONFIG = """
[global]
realm = {realm}
workgroup = EXAMPLE
netbios name = DC1
server role = active directory domain controller
server services = ldap cldap kdc rpc
interfaces = {address}/8
bind interfaces only = yes
ldap server require strong auth = no
vfs objects =
ldb:nosync = yes
log file = {folder}/log
private dir = {folder}/private
lock dir = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/pid
binddns dir = {folder}/binddns
ncalrpc dir = {folder}/ncalrpc
winbindd socket directory = {folder}/winbindd
ntp signd socket directory = {folder}/ntp
tls keyfile = {folder}/tls/key.pem
tls certfile = {folder}/tls/cert.pem
tls cafile = {folder}/tls/cert.pem
tls dh params file =
[sysvol]
path = {folder}/sysvol
[netlogon]
path = {folder}/sysvol/example.test/scripts
"""
_KEEPER = Path(__file__).with_name("samba_keeper.py")
_FOLDERS = (
    "private lock state cache pid binddns ncalrpc winbindd ntp tls sysvol/example.test/scripts".split()  # noqa: SIM905
)


@dataclass
class Samba:
    """The running controller, as its administrator."""

    port: int
    tls_port: int
    ca_file: Path
    connection: ldap3.Connection

    base = BASE

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldaps_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def unit(self) -> str:
        """A new organisational unit; the test has it for itself."""
        return self.add(f"OU=t{uuid.uuid4().hex[:12]},{BASE}", "organizationalUnit")

    def add(self, dn: str, object_class: str, **attributes: object) -> str:
        self._done(self.connection.add(dn, object_class, attributes or None), dn)
        return dn

    def person(self, unit: str, name: str, **attributes: object) -> str:
        """An account that is enabled, unless the attributes say otherwise; an empty text leaves one out."""
        usual = {
            "sAMAccountName": f"{name}-{uuid.uuid4().hex[:8]}",
            "userAccountControl": ENABLED_WITHOUT_PASSWORD,
            "displayName": name.title(),
            "mail": f"{name.replace(' ', '.')}@example.test",
        }
        wanted = {key: value for key, value in {**usual, **attributes}.items() if value != ""}
        return self.add(f"CN={name},{unit}", "user", **wanted)

    def group(self, unit: str, name: str, members: list[str] = (), **attributes: object) -> str:  # type: ignore[assignment]
        dn = self.add(f"CN={name},{unit}", "group", sAMAccountName=f"{name}-{uuid.uuid4().hex[:8]}", **attributes)
        if members:
            self.modify(dn, member=(ldap3.MODIFY_ADD, list(members)))
        return dn

    def modify(self, dn: str, **changes: tuple[str, list[object]]) -> None:
        self._done(self.connection.modify(dn, {name: [change] for name, change in changes.items()}), dn)

    def move(self, dn: str, unit: str) -> str:
        rdn = dn.partition(",")[0]
        self._done(self.connection.modify_dn(dn, rdn, new_superior=unit), dn)
        return f"{rdn},{unit}"

    def bind_user(self, unit: str, name: str = "sync") -> str:
        """An account with no rights of its own, and the password `PASSWORD`."""
        dn = self.person(unit, name, userAccountControl="546")
        with self.bound(ADMIN, PASSWORD, tls=True) as connection:
            quoted = f'"{PASSWORD}"'.encode("utf-16-le")
            changes = {"unicodePwd": [(ldap3.MODIFY_REPLACE, [quoted])]}
            self._done(connection.modify(dn, changes), dn, connection)
        self.modify(dn, userAccountControl=(ldap3.MODIFY_REPLACE, ["512"]))
        return dn

    def read(self, dn: str, *attributes: str) -> Mapping[str, list[bytes]]:
        """One entry's attributes as bytes, their names in small letters."""
        found = self.search(dn, "(objectClass=*)", *attributes, scope=ldap3.BASE)
        assert found, f"{dn}: {self.connection.result}"
        return found[0][1]

    def search(
        self, base: str, filter_text: str, *attributes: str, scope: str = ldap3.SUBTREE
    ) -> list[tuple[str, dict[str, list[bytes]]]]:
        self.connection.search(base, filter_text, scope, attributes=list(attributes) or ["*"])
        return [
            (entry["dn"], {name.lower(): list(values) for name, values in entry["raw_attributes"].items()})
            for entry in self.connection.response
            if entry["type"] == "searchResEntry"
        ]

    @contextmanager
    def bound(self, user: str, password: str, *, tls: bool = False) -> Iterator[ldap3.Connection]:
        connection = _connect(self.tls_port if tls else self.port, user, password, tls=tls)
        try:
            yield connection
        finally:
            _close(connection)

    def _done(self, done: bool, dn: str, connection: ldap3.Connection | None = None) -> None:
        assert done, f"{dn}: {(connection or self.connection).result}"


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """The controller. Skipped where Samba is not installed, or where it cannot have port 389."""
    _can_run()
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "samba"
    folder.mkdir(exist_ok=True)
    with (folder / "users").open("w") as users:
        with (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not _running(folder):
                _start(folder)
            port, tls_port = map(int, (folder / "ports").read_text().split())
        controller = Samba(port, tls_port, folder / "tls" / "cert.pem", _answering(port, folder))
        yield controller
        _close(controller.connection)


def _can_run() -> None:
    missing = [tool for tool in ("samba", "samba-tool", "openssl") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: samba-ad-dc, samba-ad-provision, openssl)")
    if _free_address() is None and not _may_be_apart():
        pytest.skip("port 389 is taken or forbidden, and so is a network of our own: run as root")


def _free_address() -> str | None:
    for _ in range(20):
        address = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        with socket.socket() as probe, suppress(OSError):
            probe.bind((address, 389))
            return address
    return None


def _may_be_apart() -> bool:
    trial = "from tests.samba_keeper import own_network; own_network()"
    words = [sys.executable, "-c", trial]
    return subprocess.run(words, cwd=_KEEPER.parents[1], capture_output=True, check=False).returncode == 0


def _running(folder: Path) -> bool:
    """Whether another process has started it, and it has not ended meanwhile."""
    with suppress(OSError):
        port = int((folder / "ports").read_text().split()[0])
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        return True
    return False


def _start(folder: Path) -> None:
    address = _free_address()
    network = "apart" if address is None else "together"
    address = address or "127.77.0.1"
    config = folder / "smb.conf"
    (folder / "ports").unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True, exist_ok=True)
    config.write_text(_CONFIG.format(realm=REALM, address=address, folder=folder))
    _certificate(folder / "tls")
    _run(
        *("samba-tool", "domain", "provision", f"--configfile={config}", f"--realm={REALM}", "--domain=EXAMPLE"),
        *("--server-role=dc", "--use-rfc2307", "--dns-backend=NONE", f"--adminpass={PASSWORD}"),
        *("--host-name=dc1", f"--host-ip={address}"),
    )
    samba = [str(shutil.which("samba")), f"--configfile={config}", "--foreground", "--no-process-group"]
    words = [sys.executable, str(_KEEPER), str(folder), address, network, *samba, "--model=single", "--debug-stdout"]
    # Not subprocess: the process that starts the keeper need not be there any more when the keeper ends.
    os.posix_spawn(sys.executable, words, os.environ, setsid=True)
    _until(lambda: _running(folder), folder)


def _certificate(folder: Path) -> None:
    """A certificate of our own: Samba would take 2 s to make one."""
    key = folder / "key.pem"
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(folder / "cert.pem"), "-days", "90", "-subj", "/CN=dc1.example.test"),
        *("-addext", "subjectAltName=DNS:dc1.example.test,IP:127.0.0.1"),
    )
    key.chmod(0o600)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_WAIT_SECONDS)
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _answering(port: int, folder: Path) -> ldap3.Connection:
    found: list[ldap3.Connection] = []

    def bound() -> bool:
        with suppress(ldap3.core.exceptions.LDAPException):
            found.append(_connect(port, ADMIN, PASSWORD))
        return bool(found)

    _until(bound, folder)
    return found[0]


def _until(happened: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            out = folder / "samba.out"
            told = out.read_text(errors="replace")[-2000:] if out.exists() else "it did not start"
            raise AssertionError(f"Samba does not answer after {_WAIT_SECONDS} s: {told}")
        time.sleep(0.05)


def _close(connection: ldap3.Connection) -> None:
    """Unbind, and close the socket: ldap3 leaves it open when the server was quicker."""
    used = connection.socket
    connection.unbind()
    used.close()


def _connect(port: int, user: str, password: str, *, tls: bool = False) -> ldap3.Connection:
    # Not checked: for that ldap3 calls what Python has deprecated. What reads the directory has its own TLS, and checks.
    encryption = ldap3.Tls(validate=ssl.CERT_NONE) if tls else None
    server = ldap3.Server("127.0.0.1", port, use_ssl=tls, tls=encryption, get_info=ldap3.NONE, connect_timeout=10)
    return ldap3.Connection(
        server,
        user,
        password,
        auto_bind=True,
        auto_range=False,
        receive_timeout=60,
        check_names=False,
        return_empty_attributes=False,
    )
