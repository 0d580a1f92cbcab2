"""What an LDAP source is told: servers, bind, people, groups. Values only; the configuration file is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BindMethod = Literal["simple", "external", "ntlm", "kerberos", "anonymous"]

PERSON_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "email": ("mail",),
    "user_name": ("uid", "sAMAccountName"),
    "display_name": ("displayName", "cn"),
    "given_name": ("givenName",),
    "family_name": ("sn",),
    "title": ("title",),
    "department": ("department", "ou"),
    "manager": ("manager",),
}
"""Attribute of a record -> the LDAP attributes that may hold it; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Who we are to the server."""

    method: BindMethod = "anonymous"
    user: str = ""
    """A DN or, for Active Directory, `user@domain`; for NTLM `DOMAIN\\user`, for Kerberos `user@REALM`."""
    password: Callable[[], str] | None = field(default=None, repr=False)
    """Asked at each bind, so that a changed secret needs no restart."""
    keytab: str | None = None
    """For Kerberos: the file with the key of `user`; None: a ticket that is there already (KRB5CCNAME)."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the directory answers, and how we speak to it.

    Each of `urls` holds the whole directory; they are tried in their order, and a read stays with the one that answered.
    """

    urls: tuple[str, ...]
    """`ldaps://host[:port]`, `ldap://host[:port]`, which means StartTLS, or `ldapi://%2Fpath` for a socket."""
    bind: Bind = Bind()
    ca_file: str | None = None
    """The certificates of the authorities to trust, PEM; None: the system's."""
    certificate_file: str | None = None
    """Our own certificate, PEM, for SASL EXTERNAL."""
    key_file: str | None = None
    plain_text: bool = False
    """Speak to an `ldap://` server without TLS. A password then crosses the network in the clear."""
    connect_timeout: int = 10
    """Seconds until a connection must stand."""
    receive_timeout: int = 60
    """Seconds without a single byte until a server counts as gone."""
    page_timeout: int = 300
    """Seconds that a page, or any other answer, may be waited for altogether: bytes that only drip keep nobody waiting."""


@dataclass(frozen=True, slots=True)
class People:
    """Which entries are people, and what is read of them."""

    base: str
    filter: str | None = None
    """None: that of the kind of server."""
    key_attribute: str | None = None
    """The attribute with the immutable id; None: that of the kind of server."""
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """On top of `PERSON_ATTRIBUTES`; an empty tuple takes one of them out."""
    several: frozenset[str] = frozenset()
    """Attributes of the record that are tuples with every value, sorted. The others are one text, the first value."""

    def mapping(self) -> dict[str, tuple[str, ...]]:
        """Attribute of a record -> LDAP attributes, in small letters."""
        given = {name: (of,) if isinstance(of, str) else of for name, of in self.attributes.items()}
        both = {**PERSON_ATTRIBUTES, **given}
        return {name: tuple(part.lower() for part in of) for name, of in both.items() if of}


@dataclass(frozen=True, slots=True)
class Groups:
    """Which entries are groups."""

    base: str
    filter: str | None = None
    """None: that of the kind of server."""
    key_attribute: str | None = None
    """The attribute with the immutable id; None: that of the kind of server."""
    name: str = "cn"
    """The attribute that becomes `display_name`."""
    nested: bool = True
    """Whether the members of a group's groups are its members."""
    page_size: int = 100
    """Groups in a page; they are larger than people."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about one LDAP source."""

    servers: Servers
    people: People
    groups: Groups | None = None
    kind: str | None = None
    """The name of a kind of server; None: ask the server."""
    page_size: int = 1000
    lookup_size: int = 400
    """How many names or keys are asked for in one filter; below the 500 entries that OpenLDAP gives by default."""
    tells_changes: bool = True
    """Whether a full read asks where changes can be told from; else it asks nothing that it does not need."""
