"""How we connect: TLS checked, downgrades refused, binds, failover, time-outs. On a real slapd."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

from connectors.errors import ConnectorError, PermanentError, RefusedError, RetryableError
from connectors.ldap.library import ldap3
from connectors.ldap.session import connect
from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from tests.ldap_proxy import Proxy, ber, number, operation
from tests.ldap_reads import Read, bind, make
from tests.slapd import GROUPS, PEOPLE, READER, SECRET, Slapd, free_port, group, needs_slapd, person, uid_dn

pytestmark = needs_slapd

EXTENDED = 0x77
BIND = 0x60


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    """A server with TLS; read only."""
    server = Slapd(tmp_path_factory.mktemp("slapd")).load(person("anna"), group("Field", [uid_dn("anna")])).start()
    yield server
    server.stop()


@pytest.fixture
def no_tls(tmp_path):
    """A server that knows no TLS."""
    server = Slapd(tmp_path / "slapd", certificate=None).load(person("anna")).start()
    yield server
    server.stop()


def source(*urls, bind_=None, **options):
    servers = Servers(urls, **{"bind": bind_ or bind(), "receive_timeout": 20, **options})
    return LdapSource("ldap", Settings(servers, People(PEOPLE), Groups(GROUPS)))


def fails(source, kind):
    with pytest.raises(kind) as caught:
        list(source.read())
    assert caught.value.where
    assert caught.value.cure
    assert SECRET not in f"{caught.value.what}{caught.value.cure}{caught.value.__cause__!r}"
    return caught.value.what


@pytest.mark.parametrize("which", ["tls_url", "url"])
def test_tls_from_the_start_and_by_starttls(slapd, which):
    found = Read(source(getattr(slapd, which), ca_file=slapd.ca_file))
    assert found.certificate.certified
    assert found.members() == {"Field": {"anna"}}


@pytest.mark.parametrize("which", ["tls_url", "url"])
def test_by_name_as_well_as_by_address(slapd, which):
    url = getattr(slapd, which).replace("127.0.0.1", "localhost")
    assert Read(source(url, ca_file=slapd.ca_file)).certificate.certified


@pytest.mark.parametrize("which", ["tls_url", "url"])
def test_an_authority_that_nobody_named_is_not_trusted(slapd, which):
    assert "certificate is not good" in fails(source(getattr(slapd, which)), PermanentError)


@pytest.mark.parametrize("which", ["tls_url", "url"])
def test_a_certificate_for_another_name_is_refused(tmp_path, which):
    server = Slapd(tmp_path / "slapd", certificate="elsewhere").load(person("anna")).start()
    try:
        what = fails(source(getattr(server, which), ca_file=server.ca_file), PermanentError)
    finally:
        server.stop()
    assert "127.0.0.1" in what


def test_starttls_that_the_server_does_not_know_is_an_error_and_never_plain_text(no_tls):
    sent = []
    with Proxy(no_tls.port, ask=lambda message: sent.append(message) or message) as proxy:
        assert "refused StartTLS" in fails(source(proxy.url), RefusedError)
    assert SECRET.encode() not in b"".join(sent)
    assert BIND not in map(operation, sent)


def test_somebody_in_between_who_refuses_starttls_gets_nothing(slapd):
    def refuse(message):
        if operation(message) == 0x78:
            return ber(0x30, number(message), ber(0x78, ber(10, b"\2"), ber(4), ber(4)))
        return message

    sent = []
    with Proxy(slapd.port, alter=refuse, ask=lambda message: sent.append(message) or message) as proxy:
        fails(source(proxy.url, ca_file=slapd.ca_file), RefusedError)
    assert [operation(message) for message in sent if operation(message) != 0x42] == [EXTENDED]


def test_answers_slipped_in_before_tls_are_refused(slapd):
    def slip(message):
        if operation(message) == 0x78:
            forged = ber(0x30, ber(2, b"\2"), ber(0x61, ber(10, b"\0"), ber(4), ber(4)))
            return message + forged
        return message

    with Proxy(slapd.port, alter=slip) as proxy:
        what = fails(source(proxy.url, ca_file=slapd.ca_file), ConnectorError)
    assert "more than its answer" in what


def test_plain_text_has_to_be_asked_for(slapd):
    assert Read(make(slapd.url)).certificate.certified
    with Proxy(slapd.port) as proxy:
        assert "certificate" in fails(source(proxy.url), PermanentError)


def test_a_wrong_password_is_refused_and_tried_once(slapd):
    binds = []

    def ask(message):
        binds.extend([message] if operation(message) == BIND else [])
        return message

    with Proxy(slapd.port, ask=ask) as one, Proxy(slapd.port, ask=ask) as other:
        wrong = Bind("simple", READER, lambda: "wrong")
        what = fails(source(one.url, other.url, bind_=wrong, plain_text=True), RefusedError)
    assert "invalidCredentials" in what
    assert READER in what
    assert len(binds) == 1


def test_the_password_is_asked_for_at_each_bind(slapd):
    passwords = ["wrong", SECRET]
    reader = source(slapd.url, bind_=Bind("simple", READER, lambda: passwords.pop(0)), plain_text=True)
    fails(reader, RefusedError)
    assert Read(reader).certificate.certified


@pytest.mark.parametrize(
    "missing", [Bind("simple", READER, lambda: ""), Bind("simple", READER), Bind("simple", "", lambda: SECRET)]
)
def test_a_bind_without_a_password_is_none(slapd, missing):
    """A server answers it with success, and shows what anybody may see."""
    assert "no user or no password" in fails(source(slapd.url, bind_=missing, plain_text=True), PermanentError)


def test_an_anonymous_bind(slapd):
    found = Read(source(slapd.url, bind_=Bind(), plain_text=True))
    assert "result 50" in " ".join(found.certificate.reasons)


def test_sasl_external_by_a_certificate(slapd):
    folder = slapd.folder
    external = source(
        slapd.tls_url,
        bind_=Bind("external"),
        ca_file=slapd.ca_file,
        certificate_file=str(folder / "client.pem"),
        key_file=str(folder / "client.key"),
    )
    assert Read(external).certificate.certified


def test_sasl_external_over_a_socket(tmp_path):
    user = r"gidNumber=\d+\+uidNumber=\d+,cn=peercred,cn=external,cn=auth"
    server = Slapd(tmp_path / "slapd", before=f'authz-regexp "{user}" "{READER}"').load(person("anna")).start()
    try:
        found = Read(source(server.socket_url, bind_=Bind("external")))
    finally:
        server.stop()
    assert found.certificate.certified
    assert set(found.people) == {"anna"}


def test_sasl_external_without_a_certificate(slapd):
    assert "refused the bind" in fails(
        source(slapd.tls_url, bind_=Bind("external"), ca_file=slapd.ca_file), RefusedError
    )


def test_ntlm_against_a_server_without_it(slapd):
    assert fails(
        source(slapd.url, bind_=Bind("ntlm", "EXAMPLE\\sync", lambda: SECRET), plain_text=True), ConnectorError
    )


def test_the_next_server_is_asked_when_one_is_away(slapd):
    away = f"ldap://127.0.0.1:{free_port()}"
    lines = []
    servers = Servers((away, slapd.url), bind(), plain_text=True)
    found = Read(LdapSource("ldap", Settings(servers, People(PEOPLE)), log=lines.append))
    assert found.certificate.certified
    assert all(slapd.url in line for line in lines)


def test_when_all_are_away_all_are_named():
    urls = [f"ldap://127.0.0.1:{free_port()}" for _ in range(2)]
    what = fails(source(*urls, plain_text=True), RetryableError)
    assert all(url in what for url in urls)


def test_a_busy_server_sends_us_to_the_next(slapd):
    def busy(message):
        if operation(message) == 0x61:
            return ber(0x30, number(message), ber(0x61, ber(10, b"\x33"), ber(4), ber(4)))
        return message

    with Proxy(slapd.port, alter=busy) as proxy:
        assert Read(source(proxy.url, slapd.url, plain_text=True)).certificate.certified
        assert "busy" in fails(source(proxy.url, plain_text=True), RetryableError)


def test_a_read_stays_with_one_server(slapd, tmp_path):
    """8. and 9. Another server holds another state, and knows nothing of our page."""
    first = Slapd(tmp_path / "slapd").load(*[person(f"p{n}") for n in range(50)]).start()
    try:
        stream = LdapSource(
            "ldap", Settings(Servers((first.url, slapd.url), bind(), plain_text=True), People(PEOPLE), page_size=10)
        ).read()
        next(stream)
    finally:
        first.stop()
    with pytest.raises(RetryableError):
        list(stream)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_server_that_accepts_and_says_nothing(scheme, plain):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        assert (
            "timed out" in fails(source(url, receive_timeout=1, plain_text=plain), RetryableError) or scheme == "ldap"
        )


@pytest.mark.parametrize(
    "noise",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x80\x00\x00", b"\x30\x03\x02\x01", b"\x30\x05\x02\x01\x01\x99\x00"],
)
def test_whatever_is_no_ldap_is_an_error(noise):
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def answer():
            client, _ = odd.accept()
            with client:
                client.recv(1000)
                client.sendall(noise)

        thread = threading.Thread(target=answer)
        thread.start()
        fails(source(f"ldap://127.0.0.1:{odd.getsockname()[1]}", plain_text=True), ConnectorError)
        thread.join(5)


@pytest.mark.parametrize("url", ["http://x", "x", "", "ldap://x:port", "ldap://"])
def test_what_is_no_address(url):
    with pytest.raises(ConnectorError):
        list(source(url).read())


def test_no_server_at_all():
    with pytest.raises(PermanentError, match="no server"):
        list(source().read())


def test_a_file_of_authorities_that_is_not_there(slapd):
    assert "cannot be set up" in fails(source(slapd.tls_url, ca_file="/nowhere/ca.pem"), PermanentError)


def test_a_filter_that_cannot_be_read(slapd):
    broken = make(slapd.url, people=People(PEOPLE, filter="(cn=anna"))
    assert "(cn=anna" in fails(broken, PermanentError)


def test_a_kind_that_nobody_knows(slapd):
    assert "novell7" in fails(make(slapd.url, kind="novell7"), PermanentError)


def test_nothing_is_ever_written(slapd):
    """Only binds, searches, StartTLS and unbinds leave us."""
    sent = []
    with Proxy(slapd.port, ask=lambda message: sent.append(operation(message)) or message) as proxy:
        Read(make(proxy.url))
    assert set(sent) <= {BIND, 0x63, EXTENDED, 0x42}


def test_the_password_is_in_no_text_of_ours(slapd):
    assert SECRET not in repr(bind())
    assert SECRET not in repr(Servers((slapd.url,), bind()))


def test_a_session_does_not_outlive_its_read(slapd):
    with Proxy(slapd.port) as proxy:
        stream = make(proxy.url).read()
        next(stream)
        stream.close()
        for one in proxy._sockets:
            one.settimeout(5)
        proxy._threads[1].join(5)
        assert not proxy._threads[1].is_alive()


def test_kerberos_without_its_package_says_what_to_install(slapd, monkeypatch):
    """Where it is installed, too: that it works can only be seen by hand, for want of a ticket."""
    monkeypatch.setitem(sys.modules, "gssapi", None)
    monkeypatch.setitem(sys.modules, "winkerberos", None)
    monkeypatch.delitem(sys.modules, "ldap3.protocol.sasl.kerberos", raising=False)
    made = source(slapd.tls_url, bind_=Bind("kerberos", "sync@EXAMPLE.COM"), ca_file=slapd.ca_file)
    with pytest.raises(PermanentError, match="a bind by kerberos cannot be made here") as caught:
        list(made.read())
    assert "fluix-syncd[kerberos]" in caught.value.cure


@pytest.mark.parametrize(("mode", "told"), [(None, "cannot be read"), (0o640, "open to others (mode 0640)")])
def test_a_keytab_that_is_not_ours_alone(slapd, tmp_path, mode, told):
    keytab = tmp_path / "sync.keytab"
    if mode:
        keytab.touch()
        keytab.chmod(mode)
    assert told in fails(source(slapd.url, bind_=Bind("kerberos", "x@Y", keytab=str(keytab))), PermanentError)


def test_what_gssapi_says_is_an_error_of_ours(slapd, monkeypatch):
    refusal = type("GSSError", (Exception,), {"__module__": "gssapi.raw.misc"})

    def bind_(*_args, **_options):
        raise refusal("Major (1):\n no credentials")

    monkeypatch.setattr(ldap3.Connection, "bind", bind_)
    made = source(slapd.url, bind_=Bind("kerberos", "x@Y"), plain_text=True)
    assert "gave no ticket for this server: Major (1): no credentials" in fails(made, PermanentError)


def test_what_kerberos_is_told(slapd, monkeypatch, tmp_path):
    keytab = tmp_path / "sync.keytab"
    keytab.touch(0o600)
    told = {}
    before = ldap3.Connection.__init__

    def look(connection, *args, **options):
        told.update(options)
        before(connection, *args, **options)

    monkeypatch.setattr(ldap3.Connection, "__init__", look)
    bind_ = Bind("kerberos", "sync@EXAMPLE.COM", keytab=str(keytab))
    connect(Servers((slapd.url,), bind_, plain_text=True), slapd.url).close()
    assert told["user"] == "sync@EXAMPLE.COM"
    assert told["sasl_mechanism"] == "GSSAPI"
    assert told["cred_store"] == {"client_keytab": str(keytab), "ccache": "MEMORY:sync@EXAMPLE.COM"}
    assert told["password"] is None
