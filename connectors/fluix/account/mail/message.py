"""A mail as RFC 5322 has it. Nothing of a name, subject or address can become a header of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from pathlib import PurePath

from connectors.email import email_problem
from connectors.errors import PermanentError
from connectors.fluix.account.mail.texts import clean

_HEADER_MAX = 250
_SUBTYPES = {".json": ("application", "json"), ".csv": ("text", "csv")}


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, as it goes out."""

    email: str
    subject: str
    text: str
    attachment_name: str | None = None
    attachment: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes."""

    name: str
    address: str
    """ASCII."""

    @property
    def domain(self) -> str:
        """The part behind the @."""
        return self.address.rpartition("@")[2]


def sender_of(text: str) -> Sender:
    """The sender, from `Fluix <no-reply@example.com>`.

    Raises:
        PermanentError: it is no address that a mail can come from.
    """
    found = getaddresses([text])
    name, address = found[0] if found else ("", "")
    problem = email_problem(address)
    if len(found) != 1 or not text.isprintable():
        problem = "it has to be one address, on one line"
    if problem is None:
        try:
            return Sender(header_text(name), ascii_address(address).encode("ascii").decode())
        except UnicodeError:
            problem = "it is not ASCII before the @, or no domain follows"
    cure = "write `sender` as `Fluix <no-reply@example.com>`"
    raise PermanentError(f'"{clean(text)}" is no sender of mails ({problem})', where="sender", cure=cure)


def header_text(value: str) -> str:
    """A text that may stand in a header: one line, not without end, and nothing that `email` would decode.

    It reads `=?utf-8?q?=0d=0aBcc:…?=` in a text as an encoded word, and writes the line break in it as one (CPython 3.11).
    """
    return clean(value).replace("=?", "= ?")[:_HEADER_MAX]


def ascii_address(email: str) -> str:
    """The address with its domain as DNS knows it (`müller.example` is `xn--mller-kva.example`).

    Raises:
        UnicodeError: it is no domain.
    """
    local, _, domain = email.rpartition("@")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def new_message_id(mail_id: int, sender: Sender) -> str:
    """Begins with the mail's id, and cannot be guessed: a bounce that names it knows the mail."""
    return f"<{mail_id}.{secrets.token_hex(12)}@{sender.domain}>"


def build(letter: Letter, sender: Sender, message_id: str, now: datetime) -> bytes:
    """The mail in lines that end with CRLF.

    Raises:
        ValueError: the address cannot stand in a header.
    """
    address = ascii_address(letter.email)
    message = EmailMessage(SMTP.clone(utf8=not address.isascii()))
    local, _, domain = sender.address.rpartition("@")
    message["From"] = Address(header_text(sender.name), local, domain)
    local, _, domain = address.rpartition("@")
    message["To"] = Address("", local, domain)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
    message.set_content(letter.text, cte="quoted-printable")
    if letter.attachment is not None:
        name = header_text(letter.attachment_name or "attachment.txt")
        main, sub = _SUBTYPES.get(PurePath(name).suffix.lower(), ("text", "plain"))
        message.add_attachment(letter.attachment.encode(), maintype=main, subtype=sub, filename=name)
    return message.as_bytes()
