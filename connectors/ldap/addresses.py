"""Which of several addresses is a person's: always the same one, whatever order the server gives them in.

Values of an LDAP attribute have no order (RFC 4511, 4.1.7), and an email that changes by itself is a login that changes.
Pure. May not: judge an address; `connectors.email` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_PRIMARY = "SMTP:"
"""In capitals, before the one address with which Exchange writes; the others have `smtp:`."""


def email_of(attributes: Mapping[str, Sequence[bytes]], names: Sequence[str] = ("mail",)) -> str | None:
    """The email of an entry.

    Exchange's primary address counts first. Where there is none, the first of the attributes that has values, and of
    several values one that does not depend on their order.

    Args:
        attributes: the entry's attributes, their names in small letters.
        names: where addresses stand, the best first, in any case.

    Returns:
        The address as it is written, trimmed, or None when there is none.

    Raises:
        ValueError: a value is not UTF-8; the message names the attribute.
    """
    proxies = _texts(attributes, "proxyAddresses")
    primary = [text.removeprefix(_PRIMARY).strip() for text in proxies if text.startswith(_PRIMARY)]
    for found in (primary, *(_texts(attributes, name) for name in names)):
        # Capitals only decide between two spellings of one address.
        if written := sorted(filter(None, found), key=lambda text: (text.casefold(), text)):
            return written[0]
    return None


def _texts(attributes: Mapping[str, Sequence[bytes]], name: str) -> list[str]:
    try:
        return [value.decode("utf-8").strip() for value in attributes.get(name.lower(), ())]
    except UnicodeDecodeError:
        raise ValueError(f"{name} holds a value that is not UTF-8") from None
