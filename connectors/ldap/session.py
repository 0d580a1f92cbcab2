"""One bound connection to one server: which server, TLS, who we are.

May not: fall back. A StartTLS that the server refuses, a certificate that is not good or a password that is wrong is an
error, never a reason to try less. Only a server that cannot be reached makes the next one be asked.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from connectors.errors import ConnectorError, PermanentError, RefusedError, RetryableError
from connectors.ldap.kerberos import credentials, is_refusal, no_ticket
from connectors.ldap.library import (
    LDAPExceptionError,
    LDAPPackageUnavailableError,
    LDAPSessionTerminatedByServerError,
    ldap3,
)
from connectors.ldap.stream import EntryStrategy, install
from connectors.ldap.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.ldap.settings import Servers

_SUCCESS = 0
_TRY_ELSEWHERE = frozenset({3, 51, 52})
"""timeLimitExceeded, busy, unavailable: another server may do."""
_METHODS = {
    "simple": ldap3.SIMPLE,
    "external": ldap3.SASL,
    "ntlm": ldap3.NTLM,
    "anonymous": ldap3.ANONYMOUS,
    "kerberos": ldap3.SASL,
}
_MECHANISMS = {"external": ldap3.EXTERNAL, "kerberos": ldap3.KERBEROS}
_MISSING = {
    "kerberos": "install it with `pip install 'fluix-syncd[kerberos]'`, for which Debian's gcc and libkrb5-dev are needed",
    "ntlm": "use `method: simple` over ldaps://, or install pycryptodome: OpenSSL 3 left out MD4, of which NTLM is made",
}


class _Tls(ldap3.Tls):  # type: ignore[misc, unused-ignore]
    """ldap3's TLS, with the name checked by OpenSSL in the handshake, IP addresses included."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = ssl.create_default_context(cafile=servers.ca_file)
        if servers.certificate_file:
            self._context.load_cert_chain(servers.certificate_file, servers.key_file)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002 - always done here
        if connection.strategy.buffered:
            # Whoever sits in between could put answers of their own before the encrypted ones.
            raise ssl.SSLError("the server sent more than its answer before TLS began")
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)


class Session:
    """A bound connection. Not for several threads; one server for its whole life."""

    def __init__(self, connection: Any, strategy: EntryStrategy, url: str, servers: Servers) -> None:
        self.connection = connection
        self.strategy = strategy
        self.url = url
        self.servers = servers

    def close(self) -> None:
        """End the connection; never raises."""
        # An unbind may be written into a connection that is not there any more.
        opened = self.connection.socket
        with suppress(LDAPExceptionError, OSError, AttributeError):
            self.connection.unbind()
        # ldap3 leaves a socket open into which it could not write, or on which TLS did not come about.
        if opened is not None:
            with suppress(OSError):
                opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_session(servers: Servers) -> Session:
    """Connect to the first server that can be reached, and bind.

    Raises:
        RetryableError: no server can be reached, or none is free.
        RefusedError: the bind or StartTLS was refused. The other servers are not asked: a wrong password that is tried
            at each of them locks the account sooner.
        PermanentError: the settings cannot work, or a server's certificate is not good.
    """
    if not servers.urls:
        raise PermanentError("no server is named", cure="give at least one url")
    tried: list[RetryableError] = []
    for url in servers.urls:
        try:
            return _open(servers, url)
        except RetryableError as error:
            tried.append(error)
    if len(tried) == 1:
        raise tried[0]
    reasons = "; ".join(f"{error.where}: {error.what}" for error in tried)
    raise RetryableError(
        f"none of {len(tried)} servers can be used: {reasons}", where=", ".join(servers.urls), cure=tried[0].cure
    )


def failure(error: Exception, url: str) -> ConnectorError:
    """What broke in the middle of something, as an error of this house."""
    if isinstance(error, WireError):
        return RetryableError(
            f"the answer is no LDAP: {error}", where=url, cure="ask what stands between us and the server"
        )
    return RetryableError(
        f"the connection to the server was lost: {error}", where=url, cure="see whether the server runs, and read again"
    )


def _open(servers: Servers, url: str) -> Session:
    session = connect(servers, url)
    try:
        bind(session)
    except BaseException:
        session.close()
        raise
    return session


def connect(servers: Servers, url: str) -> Session:
    """A connection to this server, encrypted as it shall be, and not bound yet.

    Raises:
        RetryableError: the server cannot be reached.
        RefusedError: it refused StartTLS.
        PermanentError: the settings cannot work, or the server's certificate is not good.
    """
    scheme = url.partition("://")[0].lower()
    if scheme not in {"ldap", "ldaps", "ldapi"}:
        raise PermanentError(
            f"{url} is no address of an LDAP server", where=url, cure="write ldaps://host or ldap://host"
        )
    connection, strategy = _connection(servers, url)
    session = Session(connection, strategy, url, servers)
    try:
        _connect(connection, url)
        if scheme == "ldap" and not servers.plain_text:
            _start_tls(connection, url)
    except BaseException:
        session.close()
        raise
    return session


def _wants_tls(servers: Servers, url: str) -> bool:
    scheme = url.partition("://")[0].lower()
    return scheme == "ldaps" or (scheme == "ldap" and not servers.plain_text) or servers.certificate_file is not None


def _connection(servers: Servers, url: str) -> tuple[Any, EntryStrategy]:
    bind = servers.bind
    try:
        password = bind.password() if bind.password else None
        if bind.method in {"simple", "ntlm"} and not (bind.user and password):
            # RFC 4513, 5.1.2: a name without a password is no bind, and servers answer it with success.
            raise PermanentError("the bind has no user or no password", where=url, cure="set both, or bind anonymously")
        server = ldap3.Server(
            url,
            get_info=ldap3.NONE,
            # To load the system's authorities takes longer than a poll in which nothing changed.
            tls=_Tls(servers) if _wants_tls(servers, url) else None,
            connect_timeout=servers.connect_timeout,
            mode=ldap3.IP_SYSTEM_DEFAULT,
        )
        connection = ldap3.Connection(
            server,
            user=bind.user or None if bind.method != "external" else None,
            password=password if bind.method in {"simple", "ntlm"} else None,
            authentication=cast("Any", _METHODS[bind.method]),
            sasl_mechanism=_MECHANISMS.get(bind.method),
            sasl_credentials="" if bind.method == "external" else None,
            cred_store=credentials(bind),
            client_strategy=ldap3.SYNC,
            receive_timeout=servers.receive_timeout,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            read_only=True,
            raise_exceptions=False,
            auto_encode=False,
            auto_escape=False,
        )
    except (ssl.SSLError, OSError, LDAPExceptionError) as error:
        raise PermanentError(
            f"the connection cannot be set up: {error}",
            where=url,
            cure="correct the address, or the certificate's files",
        ) from error
    return connection, install(connection, servers.page_timeout)


def _connect(connection: Any, url: str) -> None:
    try:
        connection.open(read_server_info=False)
    except LDAPExceptionError as error:
        if problem := _certificate_problem(error):
            raise _bad_certificate(problem, url) from error
        raise RetryableError(
            f"the server cannot be reached: {error}",
            where=url,
            cure="see whether it runs and the network lets us through",
        ) from error


def _start_tls(connection: Any, url: str) -> None:
    try:
        done = connection.start_tls(read_server_info=False)
    except LDAPExceptionError as error:
        if problem := _certificate_problem(error):
            raise _bad_certificate(problem, url) from error
        result = connection.result or {}
        if result.get("type") != "extendedResp" or result.get("result") in {None, _SUCCESS}:
            raise failure(error, url) from error
        done = False
    except WireError as error:
        raise failure(error, url) from error
    if not done:
        said = (connection.result or {}).get("description", "no reason")
        raise RefusedError(
            f"the server refused StartTLS ({said}), and nothing is sent without it",
            where=url,
            cure="set the server up for TLS, or use ldaps://",
        )


def bind(session: Session) -> None:
    """Say who we are.

    Raises:
        RefusedError: the server refused it.
        RetryableError: the server has no time, or the connection broke.
        PermanentError: this kind of bind cannot be made here.
    """
    connection, servers, url = session.connection, session.servers, session.url
    method = servers.bind.method
    try:
        bound = connection.bind(read_server_info=False)
    except (ImportError, LDAPPackageUnavailableError, ValueError) as error:
        if isinstance(error, WireError):
            raise failure(error, url) from error
        cure = _MISSING.get(method, "use a simple bind over ldaps://")
        raise PermanentError(f"a bind by {method} cannot be made here: {error}", where=url, cure=cure) from error
    except LDAPSessionTerminatedByServerError as error:
        if method != "ntlm":
            raise failure(error, url) from error
        # ldap3 speaks NTLM as Microsoft's servers alone understand it (MS-ADTS 5.1.1.1.3), and Samba hangs up.
        what = "the server closed the connection when it was asked for a bind by NTLM"
        raise PermanentError(what, where=url, cure="use `method: simple` over ldaps://, or kerberos") from error
    except LDAPExceptionError as error:
        raise failure(error, url) from error
    except Exception as error:
        if not is_refusal(error):
            raise
        raise no_ticket(error, url) from error
    if bound:
        return
    result = cast("Mapping[str, Any]", connection.result or {})
    code, said = result.get("result"), result.get("description", "no reason")
    who = f" as {servers.bind.user}" if servers.bind.user else ""
    detail = f": {result['message']}" if result.get("message") else ""
    what = f"the server refused the bind{who} ({said}{detail})"
    if code in _TRY_ELSEWHERE:
        raise RetryableError(what, where=url, cure="read again later")
    raise RefusedError(what, where=url, cure="check the user, the password and how the server wants to be spoken to")


def certificate_ends(session: Session) -> datetime | None:
    """Until when the server's certificate is good; None without TLS."""
    opened = session.connection.socket
    shown = opened.getpeercert() if isinstance(opened, ssl.SSLSocket) else None
    if not shown:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _certificate_problem(error: BaseException) -> str | None:
    """What OpenSSL said about a certificate, wherever ldap3 has put it."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" not in text and "more than its answer" not in text:
        return None
    return text[text.find("certificate verify failed") :] if "certificate verify failed" in text else text


def _bad_certificate(problem: str, url: str) -> PermanentError:
    return PermanentError(
        f"the server's certificate is not good: {problem}",
        where=url,
        cure="name the authority that signed it (ca_file), and the server as its certificate does",
    )
