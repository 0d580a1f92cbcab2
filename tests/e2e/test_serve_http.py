"""The daemon's HTTP side under people who are slow, call through a proxy, or want TLS."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syncd.web.proxies import TrustedProxies
from tests.house import House, staff
from tests.serving import PATIENCE, Serving, serving, until

SLOW = 200
DAYS = timedelta(days=1)


@pytest.fixture
def company(house: House) -> House:
    house.configure(serve={"listen": "127.0.0.1:0"}, schedule={"every": "1h"})
    house.hire(staff(2))
    return house


@pytest.fixture
def daemon(company: House) -> Iterator[Serving]:
    with serving(company) as one:
        until(one.well)
        yield one


def connect(url: str) -> socket.socket:
    host, _, port = url.split("//")[1].partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx",
    ],
    ids=["silent", "half a header", "half a body"],
)
def test_slow_connections_take_no_thread(daemon: Serving, first: bytes) -> None:
    """There are four threads."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(daemon.url)) for _ in range(SLOW)]
        for one in slow:
            one.sendall(first)
        for _ in range(3):
            assert daemon.well()
            for one in slow:
                one.sendall(b"x" if first else b"")
        assert daemon.well()
        slow[0].sendall(b"\r\n\r\n" + b"x" * 1000 if first else b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow[0].recv(12).startswith(b"HTTP/1.1 ")


def test_what_was_asked_before_the_daemon_stops_is_answered(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        with connect(daemon.url) as asked:
            asked.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nX-Half: ")
            assert daemon.well(), "one loop reads all: the half has been read by now"
            daemon.process.send_signal(signal.SIGTERM)
            asked.sendall(b"1\r\n\r\n")
            assert asked.recv(15) == b"HTTP/1.1 200 OK"
        assert daemon.process.wait(PATIENCE) == 0


# --- TLS ----------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> bytes:
    """A certificate for this machine, in files. Returns its serial number's digits."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAYS)
        .not_valid_after(now + DAYS)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made.public_bytes(serialization.Encoding.DER)


def shown(daemon: Serving) -> bytes | None:
    """The certificate that a client sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connect(daemon.url) as plain, context.wrap_socket(plain) as secured:
        return secured.getpeercert(binary_form=True)


def test_it_speaks_tls_and_takes_a_new_certificate(company: House) -> None:
    before = certificate(company.folder, "one")
    company.configure(serve={"listen": "127.0.0.1:0", "tls": {"certificate": "server.pem", "key": "server.key"}})
    with serving(company) as daemon:
        assert daemon.url.startswith("https://")
        until(daemon.well)
        assert shown(daemon) == before
        with ExitStack() as stack:  # handshakes that do not begin
            for _ in range(SLOW):
                stack.enter_context(connect(daemon.url))
            assert daemon.well()
        with connect(daemon.url) as plain, suppress(ConnectionResetError):
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP")
        after = certificate(company.folder, "two")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: shown(daemon) == after)
        (company.folder / "server.key").write_text("no key", encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: daemon.tells("the certificate cannot be used"))
        assert shown(daemon) == after


def test_a_long_answer_and_a_long_body_come_whole_over_tls(company: House) -> None:
    certificate(company.folder, "one")
    company.configure(
        sources=[*company.settings["sources"], {"name": "okta", "type": "scim_push"}],
        serve={"listen": "127.0.0.1:0", "tls": {"certificate": "server.pem", "key": "server.key"}},
    )
    token = company.syncd("token", "create", "--tenant", "okta", "--json").json["token"]
    with serving(company) as daemon, httpx.Client(verify=False, headers={"Authorization": f"Bearer {token}"}) as client:
        until(daemon.well)
        people = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": str(number),
                "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": f"u{number}@example.com",
                    "displayName": "x" * 500,
                },
            }
            for number in range(500)
        ]
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": people}
        assert client.post(f"{daemon.url}/scim/v2/okta/Bulk", json=bulk, timeout=60).status_code == 200
        answer = client.get(f"{daemon.url}/scim/v2/okta/Users?count=500", timeout=60).json()
        assert len(answer["Resources"]) == 500


@pytest.mark.parametrize("wrong", ["server.pem", "server.key"])
def test_a_certificate_that_cannot_be_used_is_told_at_once(company: House, wrong: str) -> None:
    certificate(company.folder, "one")
    (company.folder / wrong).unlink()
    company.configure(serve={"listen": "127.0.0.1:0", "tls": {"certificate": "server.pem", "key": "server.key"}})
    for command in ("serve", "check"):
        ran = company.syncd(command)
        assert ran.code != 0
        assert wrong in ran.err


# --- proxies ------------------------------------------------------------------------------------------------------


def peer(networks: list[str], remote: str, forwarded: str = "203.0.113.9") -> tuple[str, str]:
    seen: dict[str, str] = {}

    def app(environ: dict[str, str], start: object) -> list[bytes]:
        seen.update(address=environ["REMOTE_ADDR"], scheme=environ["wsgi.url_scheme"])
        assert ("HTTP_X_FORWARDED_FOR" in environ) == (remote in {"10.0.0.1", "::ffff:10.0.0.1"})
        return []

    environ = {"REMOTE_ADDR": remote, "wsgi.url_scheme": "http", "HTTP_HOST": "x", "HTTP_X_FORWARDED_FOR": forwarded}
    environ["HTTP_X_FORWARDED_PROTO"] = "https"
    TrustedProxies(app, networks)(environ, None)
    return seen["address"], seen["scheme"]


def test_only_a_trusted_proxy_says_for_whom_it_calls() -> None:
    assert peer(["10.0.0.0/8"], "10.0.0.1") == ("203.0.113.9", "https")
    assert peer(["10.0.0.0/8"], "::ffff:10.0.0.1") == ("203.0.113.9", "https")
    assert peer(["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, 203.0.113.9") == ("203.0.113.9", "https")
    assert peer(["10.0.0.0/8"], "192.0.2.1") == ("192.0.2.1", "http")
    assert peer([], "127.0.0.1") == ("127.0.0.1", "http")
