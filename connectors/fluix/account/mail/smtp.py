"""One connection to the mail server, for many mails: what is said, and what an answer or its absence means.

Decides nothing about rows. The one thing that must never be wrong here is whether a mail may have been taken.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

from connectors.errors import ConnectorError, PermanentError, RetryableError
from connectors.fluix.account.mail.texts import clean
from connectors.fluix.account.settings import Smtp

_OK, _TEMPORARY, _PERMANENT = 2, 4, 5
_GO_ON, _CLOSING = 354, 421
_LOGIN_WANTED = frozenset({530, 534, 535, 538})
_SAID_MAX = 500
_PATIENCE_AT_THE_END = 2.0
"""Seconds. Everything is settled by then."""

# RFC 3463: a policy. "Relaying denied" is said for every address alike, and is no address's fault.
_POLICY = re.compile(r"5\.7\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one mail.

    `sent`: taken · `refused`: never will be · `again`: not now · `against_us`: the server wants no mail from us, whoever it
    is for · `lost`: the connection broke before the mail was handed over · `unsure`: it broke after that.
    """

    kind: Literal["sent", "refused", "again", "against_us", "lost", "unsure"]
    said: str


class Session:
    """A connection that is opened when it is needed, and again when the server closed it between two mails.

    Args:
        settings: the server.
        sender: the address that bounces go to.
    """

    def __init__(self, settings: Smtp, sender: str) -> None:
        self._settings = settings
        self._sender = sender
        self._smtp: smtplib.SMTP | None = None
        self.handed_over = False
        """Whether the mail under way may have reached the server."""

    def open(self) -> None:
        """Connect, encrypt, log in.

        Raises:
            RetryableError: the server does not answer.
            PermanentError: it answers, and something in the settings does not fit.
        """
        if self._smtp is None:
            self._smtp = _connected(self._settings)

    def close(self) -> None:
        """Say goodbye, if anybody listens."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if self._smtp.sock is not None:
                    self._smtp.sock.settimeout(_PATIENCE_AT_THE_END)
                self._smtp.quit()
            self.drop()

    def drop(self) -> None:
        """Close without a word."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def send(self, address: str, content: bytes) -> Answer:
        """Send one mail to one address.

        Raises:
            ConnectorError: there was no connection, and none could be made; nothing was sent.
        """
        self.handed_over = False
        used = self._smtp is not None
        self.open()
        answer = self._dialogue(address, content)
        if answer.kind == "lost" and used:  # a server may close after so many mails or minutes
            self.open()
            answer = self._dialogue(address, content)
        return answer

    def _dialogue(self, address: str, content: bytes) -> Answer:
        smtp = self._smtp
        assert smtp is not None
        try:
            answer = self._envelope(smtp, address)
        except (OSError, smtplib.SMTPException) as error:
            answer = Answer("lost", _reason(error))
        if answer is None:
            self.handed_over = True
            answer = _hand_over(smtp, content)
        if answer.kind in {"lost", "unsure"}:
            self.drop()
        elif answer.kind != "sent":
            self._reset(smtp)
        return answer

    def _envelope(self, smtp: smtplib.SMTP, address: str) -> Answer | None:
        """None: the server waits for the mail itself."""
        options: list[str] = []
        if not address.isascii():
            if not smtp.has_extn("smtputf8"):
                return Answer("refused", "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)")
            options = ["SMTPUTF8"]
        code, said = smtp.mail(self._sender, options)
        if code // 100 != _OK:
            return _said_no(code, said, "against_us")
        code, said = smtp.rcpt(address)
        if code // 100 != _OK:
            return _said_no(code, said, "refused")
        code, said = smtp.docmd("DATA")
        return None if code == _GO_ON else _said_no(code, said, "refused")

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            code, _ = smtp.rset()
        except (OSError, smtplib.SMTPException):
            code = _CLOSING
        if code // 100 != _OK:
            self.drop()


def _hand_over(smtp: smtplib.SMTP, content: bytes) -> Answer:
    try:
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        code, said = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Answer("unsure", f"no answer came after the mail was handed over: {_reason(error)}")
    text = _text(code, said)
    if code // 100 == _OK:
        return Answer("sent", text)
    if code // 100 == _TEMPORARY:
        return Answer("again", text)
    if code // 100 == _PERMANENT:
        return _said_no(code, said, "refused")
    return Answer("unsure", f"the mail server's answer is none of SMTP's: {text}")


def _said_no(code: int, said: bytes, permanent: Literal["refused", "against_us"]) -> Answer:
    text = _text(code, said)
    if code == _CLOSING or code // 100 not in {_TEMPORARY, _PERMANENT}:
        return Answer("lost", text)
    if code // 100 == _TEMPORARY:
        return Answer("again", text)
    if code in _LOGIN_WANTED or _POLICY.match(said.decode("utf-8", "replace")):
        return Answer("against_us", text)
    return Answer(permanent, text)


def _text(code: int, said: bytes) -> str:
    return clean(f"{code} {said.decode('utf-8', 'replace')}")[:_SAID_MAX]


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return _text(error.smtp_code, said if isinstance(said, bytes) else str(said).encode())
    return clean(str(error))[:_SAID_MAX] or type(error).__name__


def _connected(settings: Smtp) -> smtplib.SMTP:
    where = f"{settings.host}:{settings.port}"
    password = settings.password() if settings.user is not None and settings.password else ""
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _greeted(settings)
        if settings.user is not None:
            _log_in(smtp, settings.user, password)
    except BaseException as error:
        if smtp is not None:
            smtp.close()
        if isinstance(error, ConnectorError) or not isinstance(error, (OSError, smtplib.SMTPException, UnicodeError)):
            raise
        raise _as_connector_error(error, where) from error
    return smtp


def _greeted(settings: Smtp) -> smtplib.SMTP:
    seconds = settings.timeout.total_seconds()
    name = socket.gethostname()
    # What smtplib would ask the DNS for, which can take longer than the whole delivery.
    hello = name if "." in name and name.isascii() else "[127.0.0.1]"
    context = ssl.create_default_context()
    if settings.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, local_hostname=hello, timeout=seconds, context=context
        )
    else:
        smtp = smtplib.SMTP(settings.host, settings.port, local_hostname=hello, timeout=seconds)
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            _encrypt(smtp, context)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _encrypt(smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
    code, said = smtp.starttls(context=context)
    if code // 100 != _OK:
        raise smtplib.SMTPResponseException(code, said)
    smtp.ehlo_or_helo_if_needed()


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    if f"{user}{password}".isascii():
        smtp.login(user, password)
        return
    # RFC 4616 has UTF-8 there, which smtplib cannot say.
    proof = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, said = smtp.docmd("AUTH", f"PLAIN {proof}")
    if code // 100 != _OK:
        raise smtplib.SMTPAuthenticationError(code, said)


def _as_connector_error(error: Exception, where: str) -> ConnectorError:
    reason = _reason(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        what, cure = f"the mail server's certificate is not trusted: {error.verify_message}", _CURES["certificate"]
    elif isinstance(error, ssl.SSLError):
        what, cure = f"the mail server cannot be reached encrypted: {reason}", _CURES["encryption"]
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        what, cure = f"the mail server does not offer what is needed: {reason}", _CURES["encryption"]
    elif isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == _PERMANENT:
        what, cure = f"the mail server does not take the user name and password: {reason}", _CURES["login"]
    elif isinstance(error, UnicodeError):
        what, cure = "the mail server's name is none", _CURES["name"]
    else:
        return RetryableError(f"the mail server does not answer: {reason}", where=where, cure=_CURES["silence"])
    return PermanentError(what, where=where, cure=cure)


_CURES = {
    "certificate": "use the name that the certificate has, or give this machine the authority that signed it",
    "encryption": "check `security` and `port`: starttls goes with 587, tls with 465",
    "login": "check `user` and `password`; every mail is still in the outbox",
    "name": "check `host`",
    "silence": "check `host` and `port` and the way there; every mail is still in the outbox, and is tried again",
}
