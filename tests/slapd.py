"""A real slapd below one temporary folder, on loopback and free ports: TLS, memberOf, limits, a bind user who may only read.

`Slapd.start(folder)` begins it, `load(ldif)` before that fills it offline. Nothing outside of the folder is touched.
"""

from __future__ import annotations

import atexit
import base64
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

SUFFIX = "dc=example,dc=com"
ADMIN = f"cn=admin,{SUFFIX}"
READER = f"cn=sync,{SUFFIX}"
SECRET = "s3cret of sync"  # with spaces, as real ones
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/libexec:/usr/lib/openldap")
SLAPADD = shutil.which("slapadd", path="/usr/sbin:/usr/local/sbin:/usr/bin")

needs_slapd = pytest.mark.skipif(
    SLAPD is None or SLAPADD is None or shutil.which("ldapsearch") is None or shutil.which("openssl") is None,
    reason="slapd, ldap-utils or openssl is not installed",
)

_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
attributeoptions lang- range-
attributetype ( 1.3.6.1.4.1.55555.1.1 NAME 'eaiAddress' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.1.2 NAME 'eaiNote' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'eaiPerson' SUP top AUXILIARY MAY ( eaiAddress $ eaiNote ) )
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload syncprov
moduleload retcode
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {folder}/ca.pem
TLSVerifyClient try
authz-regexp "cn=sync,o=client" "{reader}"
sortvals member memberOf
{before}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw admin
directory {folder}/db
maxsize 8589934592
envflags nosync
multival member 1000,100
index objectClass,entryUUID,uid eq
{database}
{limits}
{access}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by users read by anonymous auth
overlay syncprov
syncprov-sessionlog 100000
overlay memberof
memberof-dangling ignore
overlay refint
refint_attributes member uniqueMember manager
{overlays}
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ldif(dn: str, **attributes: str | bytes | Iterable[str | bytes]) -> str:
    """One entry, its values in base64, so that any bytes may be in them."""

    def line(name: str, value: str | bytes) -> str:
        raw = value.encode() if isinstance(value, str) else value
        return f"{name}:: {base64.b64encode(raw).decode()}"

    lines = [line("dn", dn)]
    for name, values in attributes.items():
        several = [values] if isinstance(values, str | bytes) else values
        lines += [line(name, value) for value in several]
    return "\n".join(lines) + "\n\n"


def person(uid: str, base: str = PEOPLE, **attributes: str | bytes | Iterable[str | bytes]) -> str:
    """A person with what an inetOrgPerson must have; anything may be given otherwise."""
    usual = {"objectClass": "inetOrgPerson", "uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@example.com"}
    wanted = {name: value for name, value in {**usual, **attributes}.items() if value}
    return ldif(f"uid={uid},{base}", **wanted)


def group(
    cn: str, members: Iterable[str | bytes], base: str = GROUPS, **attributes: str | bytes | Iterable[str]
) -> str:
    """A groupOfNames."""
    return ldif(f"cn={cn},{base}", **{"objectClass": "groupOfNames", "cn": cn, "member": list(members), **attributes})


def uid_dn(uid: str, base: str = PEOPLE) -> str:
    """Where `person` puts somebody."""
    return f"uid={uid},{base}"


BASE = "".join(
    [
        ldif(SUFFIX, objectClass=["dcObject", "organization"], dc="example", o="Example"),
        ldif(PEOPLE, objectClass="organizationalUnit", ou="people"),
        ldif(GROUPS, objectClass="organizationalUnit", ou="groups"),
        ldif(READER, objectClass=["organizationalRole", "simpleSecurityObject"], cn="sync", userPassword=SECRET),
    ]
)


@cache
def _authority() -> Path:
    """An authority, a server's certificate for localhost and 127.0.0.1, and a client's; made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-test-authority-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
    wanted = {
        "server": ("/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        "client": ("/O=client/CN=sync", "extendedKeyUsage=clientAuth"),
        "elsewhere": ("/CN=elsewhere.example", "subjectAltName=DNS:elsewhere.example"),
    }
    for name, (subject, extension) in wanted.items():
        (folder / f"{name}.ext").write_text(extension + "\n", encoding="ascii")
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext"),
        )
    return folder


@dataclass
class Slapd:
    """One server.

    Args:
        folder: where everything of it goes.
        limits: lines before every wider `limits` line: the first that matches wins.
        access: lines before the usual rules.
        before: lines before the database, as other databases.
        database: lines within it.
        overlays: lines at its end.
        certificate: which of the authority's certificates it shows: `server` or `elsewhere`; None: no TLS at all.
        host: the address at which it listens. Where that is not this machine's, tests reach it by its Unix socket.
        on: words before the server's call, which put it on another host.
    """

    folder: Path
    limits: Sequence[str] = ()
    access: Sequence[str] = ()
    before: str = ""
    database: str = ""
    overlays: str = ""
    certificate: str | None = "server"
    host: str = "127.0.0.1"
    on: Sequence[str] = ()
    port: int = 0
    tls_port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "db").mkdir(exist_ok=True)
        if self.certificate:
            made = _authority()
            for suffix in ("pem", "key"):
                shutil.copy(made / f"{self.certificate}.{suffix}", self.folder / f"server.{suffix}")
                shutil.copy(made / f"client.{suffix}", self.folder / f"client.{suffix}")
            shutil.copy(made / "ca.pem", self.folder / "ca.pem")
        self._configure()

    @property
    def url(self) -> str:
        """In plain text or by StartTLS."""
        return f"ldap://{self.host}:{self.port}"

    @property
    def tls_url(self) -> str:
        """LDAPS."""
        return f"ldaps://{self.host}:{self.tls_port}"

    @property
    def socket_url(self) -> str:
        """The Unix socket."""
        return f"ldapi://{str(self.folder / 'ldapi').replace('/', '%2F')}"

    @property
    def _near(self) -> str:
        """Where tests reach it."""
        return self.url if self.host == "127.0.0.1" else self.socket_url

    @property
    def ca_file(self) -> str:
        """Whom to trust."""
        return str(self.folder / "ca.pem")

    def _configure(self) -> None:
        settings = {
            "folder": self.folder,
            "suffix": SUFFIX,
            "admin": ADMIN,
            "reader": READER,
            "before": self.before,
            "database": self.database,
            "overlays": self.overlays,
            "access": "\n".join(self.access),
            "limits": "\n".join([*self.limits, f'limits dn.exact="{READER}" size=unlimited time=unlimited']),
        }
        text = _CONFIG.format_map(settings)
        if self.certificate is None:
            text = "\n".join(line for line in text.splitlines() if not line.startswith("TLS")) + "\n"
        (self.folder / "slapd.conf").write_text(text, encoding="utf-8")

    def load(self, *texts: str) -> Slapd:
        """Fill the stopped server."""
        return self.stream(texts)

    def stream(self, texts: Iterable[str]) -> Slapd:
        """The same with entries that are made one by one, so that a million are never in memory."""
        file = self.folder / "load.ldif"
        with file.open("w", encoding="utf-8") as written:
            written.write(BASE)
            written.writelines(texts)
        done = subprocess.run(
            [str(SLAPADD), "-q", "-f", str(self.folder / "slapd.conf"), "-b", SUFFIX, "-l", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        file.unlink()
        return self

    def start(self) -> Slapd:
        """Start it, and wait until it answers."""
        for _ in range(5):
            self.port = self.port or free_port()
            self.tls_port = self.tls_port or free_port()
            urls = (
                f"{self.url}/ {self.tls_url}/ {self.socket_url}"
                if self.certificate
                else f"{self.url}/ {self.socket_url}"
            )
            with (self.folder / "slapd.log").open("wb") as log:
                call = [*self.on, str(SLAPD), "-d", "0", "-f", str(self.folder / "slapd.conf"), "-h", urls]
                self.process = subprocess.Popen(call, stdout=log, stderr=log)
            if self._answers():
                return self
            self.stop()
            self.port = self.tls_port = 0  # somebody took one of them meanwhile
        raise AssertionError((self.folder / "slapd.log").read_text(encoding="utf-8", errors="replace")[-2000:])

    def _answers(self) -> bool:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                return False
            try:
                self._connect()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        return False

    def _connect(self) -> None:
        if self.host == "127.0.0.1":
            socket.create_connection((self.host, self.port), timeout=1).close()
            return
        with socket.socket(socket.AF_UNIX) as near:
            near.connect(str(self.folder / "ldapi"))

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def restart(self) -> Slapd:
        """Stop it, take `limits` and `access` as they are now, and start it on the same ports."""
        self.stop()
        self._configure()
        return self.start()

    def change(self, text: str) -> None:
        """Change the running server's content, as its administrator: an LDIF with changetypes."""
        self._tool("ldapmodify", text)

    def add(self, *texts: str) -> None:
        """Add entries to the running server."""
        self._tool("ldapadd", "".join(texts))

    def delete(self, *names: str) -> None:
        """Delete entries of the running server."""
        self._tool("ldapdelete", "\n".join(names) + "\n")

    def _tool(self, tool: str, text: str) -> None:
        done = subprocess.run(
            [tool, "-x", "-H", self._near, "-D", ADMIN, "-w", "admin"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def uuids(self, base: str = SUFFIX) -> Mapping[str, str]:
        """DN -> entryUUID of everything."""
        asked = (
            "ldapsearch",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-x",
            "-H",
            self._near,
            "-D",
            ADMIN,
            "-w",
            "admin",
            "-b",
            base,
        )
        done = subprocess.run([*asked, "(objectClass=*)", "entryUUID"], capture_output=True, text=True, check=True)
        found = {}
        for block in done.stdout.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "dn" in lines:
                found[lines["dn"]] = lines["entryUUID"]
        return found
