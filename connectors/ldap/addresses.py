"""Which of several addresses is a person's: always the same one, whatever order the server gives them in.

Values of an LDAP attribute have no order (RFC 4511, 4.1.7), and an email that changes by itself is a login that changes.
Pure. May not: judge an address; `connectors.email` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

PROXIES = "proxyAddresses"
_PRIMARY = "SMTP:"
"""In capitals, before the one address with which Exchange writes; the others have `smtp:`."""


def email_of(attributes: Mapping[str, Sequence[bytes]], names: Sequence[str] = ("mail",)) -> str | None:
    """The email of an entry.

    The first of the attributes that has one value. Where it has none or several, Exchange's primary address; where there
    is none of these either, one of the several that does not depend on their order.

    Args:
        attributes: the entry's attributes, their names in small letters.
        names: where addresses stand, the best first, in any case.

    Returns:
        The address as it is written, trimmed, or None when there is none.

    Raises:
        ValueError: a value is not UTF-8; the message names the attribute.
    """
    for name in names:
        found = list(filter(None, _texts(attributes, name)))
        if len(found) == 1:
            return found[0]
        if written := primary_address(attributes) or _first(found):
            return written
    return primary_address(attributes)


def primary_address(attributes: Mapping[str, Sequence[bytes]]) -> str | None:
    """The address with which Exchange writes for this person, trimmed; None when there is none.

    Raises:
        ValueError: a value is not UTF-8; the message names the attribute.
    """
    found = (text.removeprefix(_PRIMARY) for text in _texts(attributes, PROXIES) if text.startswith(_PRIMARY))
    return _first(filter(None, map(str.strip, found)))


def _first(found: Iterable[str]) -> str | None:
    # Capitals only decide between two spellings of one address.
    return min(found, key=lambda text: (text.casefold(), text), default=None)


def _texts(attributes: Mapping[str, Sequence[bytes]], name: str) -> list[str]:
    try:
        return [value.decode("utf-8").strip() for value in attributes.get(name.lower(), ())]
    except UnicodeDecodeError:
        raise ValueError(f"{name} holds a value that is not UTF-8") from None
