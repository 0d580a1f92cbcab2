"""Real mail servers on this machine, good and faulty, for the tests of mails."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

DEADLINE = 20.0


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 and localhost, signed by itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


def context(folder: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS; the folder has `cert.pem`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


class Inbox:
    """A handler of aiosmtpd that keeps what it takes and answers as told."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str, str, list[str]]] = []
        self.rcpt: dict[str, str] = {}
        """Address -> what is said to it."""
        self.data: dict[str, list[str]] = {}
        """Address -> what is said to the mail, one answer after another."""
        self.connections = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        to = envelope.rcpt_tos[0]
        if self.data.get(to):
            said = self.data[to].pop(0)
            if not said.startswith("2"):
                return said
        self.raw.append(envelope.original_content)
        self.envelopes.append((envelope.mail_from, to, envelope.mail_options))
        self.mails.append((to, message_from_bytes(envelope.original_content.replace(b"\r\n", b"\n"), policy=default)))
        return "250 OK"

    @property
    def to(self) -> list[str]:
        """To whom mails came, in their order."""
        return [to for to, _ in self.mails]


@contextlib.contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


@contextlib.contextmanager
def smtp_server(
    inbox: Inbox,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    smtputf8: bool = True,
) -> Iterator[int]:
    """aiosmtpd on a free port, which is given."""

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=False)

    def make() -> SMTP:
        inbox.connections += 1
        rights: dict[str, Any] = {}
        if login is not None:
            rights = {"authenticator": authenticator, "auth_required": True, "auth_require_tls": False}
        return SMTP(
            inbox, hostname="127.0.0.1", enable_SMTPUTF8=smtputf8, tls_context=starttls, require_starttls=starttls is not None, loop=loop, **rights,
        )  # fmt: skip

    with _loop() as loop:

        async def serve() -> asyncio.AbstractServer:
            return await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=tls)

        server = asyncio.run_coroutine_threadsafe(serve(), loop).result(DEADLINE)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)


_USUAL = {"GREETING": "220 hello", "DATA": "354 go on", "QUIT": "221 bye"}


class Faulty:
    """An SMTP server of a few lines that does at each word what the test says.

    Args:
        does: word (GREETING, EHLO, MAIL, RCPT, DATA, DOT, RSET, …) and how many connections there were -> the answer;
            None: the usual one; "": silence for as long as the client waits; "close": the connection is cut.
    """

    def __init__(self, does: Callable[[str, int], str | None]) -> None:
        self.does = does
        self.connections = 0
        self.words: list[str] = []
        self.taken: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        word = "GREETING"
        content = b""
        try:
            while True:
                self.words.append(word)
                answer = self.does(word, number)
                if answer is None:
                    answer = _USUAL.get(word, "250 OK")
                if answer == "close":
                    return
                if answer == "":
                    await reader.read()
                    return
                if word == "DOT" and answer.startswith("2"):
                    self.taken.append(content)
                writer.write(answer.encode() + b"\r\n")
                await writer.drain()
                if word == "QUIT":
                    return
                if word == "DATA" and answer.startswith("354"):
                    content = await reader.readuntil(b"\r\n.\r\n")
                    word = "DOT"
                    continue
                line = await reader.readline()
                if not line:
                    return
                word = line.split()[0].decode().upper() if line.split() else "NOTHING"
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@contextlib.contextmanager
def faulty_server(server: Faulty) -> Iterator[int]:
    """The faulty server on a free port, which is given."""
    with _loop() as loop:
        made = asyncio.run_coroutine_threadsafe(asyncio.start_server(server.serve, "127.0.0.1", 0), loop).result(
            DEADLINE
        )
        try:
            yield made.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(made.close)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(0.02)


_DOVECOT = """
base_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{home}/Maildir
first_valid_uid = 1
mailbox_list_index = no
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = {home}/passwd
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
"""


@contextlib.contextmanager
def dovecot(password: str) -> Iterator[tuple[int, int, Path, Path]]:
    """A real IMAP server for one mailbox: port, port for TLS, the Maildir, the certificate."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("dovecot is not installed (apt-get install dovecot-imapd)")
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    group = subprocess.run(["id", "-gn", user.pw_name], check=True, capture_output=True, text=True).stdout.strip()
    home = Path(tempfile.mkdtemp(prefix="syncd-imap-"))  # not tmp_path, where nobody may look
    try:
        home.chmod(0o755)
        key, cert = certificate(home)
        for name in ("new", "cur", "tmp"):
            (home / "Maildir" / name).mkdir(parents=True)
        (home / "Maildir" / ".Zur&APw-ck &- mehr" / "new").mkdir(parents=True)
        for path in [home, *home.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)
        port, tls_port = free_port(), free_port()
        (home / "passwd").write_text(f"fluix:{{PLAIN}}{password}\n", encoding="utf-8")
        file = home / "dovecot.conf"
        file.write_text(
            _DOVECOT.format(home=home, user=user.pw_name, group=group, cert=cert, key=key, port=port, tls_port=tls_port)
        )
        process = subprocess.Popen([program, "-F", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            until(lambda: process.poll() is not None or _greets(port))
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            yield port, tls_port, home / "Maildir", cert
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as there:
            return there.recv(4) == b"* OK"
    except OSError:
        return False


def bounce(
    message_id: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 no such user",
    returned: str = "message/rfc822",
    report_type: str = "delivery-status",
    recipient: str = "ida@example.com",
) -> bytes:
    """A delivery report as mail servers write it."""
    said = f"Diagnostic-Code: {diagnostic}\n" if diagnostic else ""
    headers = f"From: Fluix <fluix@example.com>\nTo: {recipient}\nSubject: hello\nMessage-ID: {message_id}\n"
    body = "\nThe text.\n" if returned == "message/rfc822" else ""
    text = f"""From: MAILER-DAEMON@mx.example.com
To: fluix@example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type={report_type}; boundary="BOUND"

--BOUND
Content-Type: text/plain; charset=utf-8

I'm sorry.

--BOUND
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Mon, 2 Nov 2026 08:30:00 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
{said}
--BOUND
Content-Type: {returned}

{headers}{body}
--BOUND--
"""
    return text.encode()
