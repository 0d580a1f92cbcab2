"""ldap3, imported in one place: it uses names of pyasn1 that warn of their age, and nobody here can do anything about it."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import (
        LDAPExceptionError,
        LDAPPackageUnavailableError,
        LDAPSessionTerminatedByServerError,
        LDAPSocketReceiveError,
        LDAPStartTLSError,
    )
    from ldap3.operation.search import search_operation
    from ldap3.protocol.rfc2696 import paged_search_control
    from ldap3.strategy.sync import SyncStrategy
    from ldap3.utils.asn1 import decode_message_fast
    from ldap3.utils.conv import escape_filter_chars

__all__ = [
    "LDAPExceptionError",
    "LDAPPackageUnavailableError",
    "LDAPSessionTerminatedByServerError",
    "LDAPSocketReceiveError",
    "LDAPStartTLSError",
    "SyncStrategy",
    "decode_message_fast",
    "escape_filter_chars",
    "ldap3",
    "paged_search_control",
    "search_operation",
]
