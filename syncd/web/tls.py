"""HTTPS by a certificate in files."""

from __future__ import annotations

import ssl
from pathlib import Path

from syncd.errors import UsageError


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """What TLS is spoken with: TLS 1.2 and newer.

    Args:
        certificate: file with the certificate and those between it and its authority (PEM).
        key: file with its private key (PEM, without a password).

    Raises:
        UsageError: a file is missing or holds something else, or the key is not the certificate's.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            why = f"it cannot be read: {error.strerror}"
            raise UsageError(why, where=str(file), cure="correct `serve.tls`, or the file's rights") from None
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        cure = "give a PEM file with the certificate, and one with its own key, without a password"
        raise UsageError(f"the certificate cannot be used: {reason}", where=str(certificate), cure=cure) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
