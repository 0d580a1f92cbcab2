"""The configuration's `type: ldap`: every key, what it means, and what follows from it.

May not: connect. What only the server can tell (whether a base exists, what its kind is) is `syncd check`'s and
`syncd ldap detect`'s affair.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from syncd.config_daemon import OWN_SCHEDULE, ScheduleConfig
from syncd.config_file import Fault, Located, Section, faults, shorten
from syncd.config_values import NOT_EMPTY, Attribute, Name, Text, matches
from syncd.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_PORTS = 65535


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _server_address(url: str) -> str:
    """The address of a server, and nothing else: no password, no base, no filter."""
    example = "write ldaps://dc1.example.com, with :PORT behind it where it is not 636"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise faults(f"is no server's address: {example}") from None
    if parts.username is not None or parts.password is not None:
        # The address may hold a password: no message repeats it.
        raise faults("a user or password does not stand in the address: give them under `bind`")
    shown = shorten(url)
    if parts.scheme == "ldapi" and parts.netloc:
        return url
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or re.search(r"\s", url):
        raise faults(f'"{shown}" is no server\'s address: {example}')
    if port is not None and not 0 < port <= _PORTS:
        raise faults(f'"{shown}" has no port from 1 to {_PORTS}: {example}')
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise faults(f'"{shown}" holds more than a server: give the base under `people` and `groups`')
    return url.rstrip("/")


def _filter(text: str) -> str:
    """A search filter (RFC 4515) whose brackets and comparisons are in order."""
    # ldap3 takes a tenth of a second to import, which only who reads LDAP shall wait for.
    from connectors.ldap.library import LDAPExceptionError  # noqa: PLC0415, I001 - before the rest of it
    from ldap3.operation.search import parse_filter  # noqa: PLC0415

    if not (text.startswith("(") and text.endswith(")")):
        raise faults(f'"{shorten(text)}" is no filter: put it into brackets, as (objectClass=person)')
    try:
        parse_filter(text, None, True, False, None, False)  # type: ignore[no-untyped-call, unused-ignore]
    except (LDAPExceptionError, ValueError, IndexError, RecursionError) as error:
        raise faults(f'"{shorten(text)}" is no filter ({error}): see RFC 4515, and count the brackets') from None
    return text


def _base_dn(text: str) -> str:
    """A distinguished name (RFC 4514)."""
    from connectors.ldap.library import LDAPExceptionError  # noqa: PLC0415, I001 - as above
    from ldap3.utils.dn import parse_dn  # noqa: PLC0415

    try:
        parse_dn(text, strip=True)  # type: ignore[no-untyped-call, unused-ignore]
    except (LDAPExceptionError, ValueError, IndexError) as error:
        raise faults(
            f'"{shorten(text)}" is no distinguished name ({error}): write ou=people,dc=example,dc=com'
        ) from None
    return text


Address = Annotated[str, AfterValidator(_server_address)]
Filter = Annotated[str, AfterValidator(_filter)]
BaseDn = Annotated[str, AfterValidator(_base_dn)]
LdapName = Annotated[
    str, matches(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+", "the name of an LDAP attribute (letters, digits and -)")
]
LdapNames = Annotated[tuple[LdapName, ...], Field(strict=False), BeforeValidator(_one_or_several)]


class LdapBindConfig(Section):
    """Who we are to the directory: an account that may read, and nothing more."""

    method: Literal["simple", "external", "ntlm", "kerberos"] = Field(
        default="simple",
        description="How we prove who we are. `simple`: a name and a password. `external`: by our certificate "
        "(`certificate_file`). `ntlm`: Active Directory's older way, with `DOMAIN\\user`; prefer `simple` over ldaps. "
        "`kerberos`: a ticket, by `keytab` or one that is there already (the extra `kerberos`).",
    )
    user: Text | None = Field(
        default=None,
        description="The account: a DN (`cn=sync,dc=example,dc=com`), or for Active Directory `sync@example.com`; for `ntlm` "
        "`EXAMPLE\\sync`, for `kerberos` the principal `sync@EXAMPLE.COM`.",
    )
    password: Secret | None = Field(
        default=None, description="The password that goes with `user`; read anew at every bind."
    )
    certificate_file: Text | None = Field(
        default=None, description="Our own certificate for `external`, PEM, relative to the configuration file."
    )
    key_file: Text | None = Field(
        default=None, description="The private key of `certificate_file`, PEM; without it the key is in the same file."
    )

    keytab: Text | None = Field(
        default=None,
        description="The file with the key of `user` for `kerberos`, relative to the configuration file. Without it the ticket "
        "that the process finds (KRB5CCNAME).",
    )

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        given = {"user": self.user, "password": self.password, "certificate_file": self.certificate_file}
        needed = {"external": ("certificate_file",), "kerberos": ("user",) if self.keytab else ()}.get(
            self.method, ("user", "password")
        )
        found = [f"`{key}` is missing, which `{self.method}` needs" for key in needed if given[key] is None]
        if self.method in {"external", "kerberos"} and self.password is not None:
            found.append(f"`{self.method}` has no password: remove it, or write `method: simple`")
        if self.method != "kerberos" and self.keytab is not None:
            found.append("`keytab` is for `method: kerberos`: remove it, or write that")
        if self.method == "ntlm" and self.user is not None and "\\" not in self.user:
            found.append("`ntlm` wants the user as DOMAIN\\user")
        if found:
            raise faults(*found)
        return self


class LdapPeopleConfig(Section):
    """Which entries are people, and what is read of them."""

    base: BaseDn = Field(description="The DN below which the people are. Whoever is moved out of it counts as gone.")
    filter: Filter | None = Field(
        default=None,
        description="Which entries below `base` are people (RFC 4515). Without it the usual one of the kind of server. Do "
        "not filter out disabled people: that they are disabled is read, and tells more than their absence.",
    )
    attributes: dict[Attribute, LdapNames] = Field(
        default={},
        description="On top of the usual ones: which LDAP attribute holds which attribute (`attribute: ldapName`, or a list "
        "of which the first that is there counts, or `[]` for none). Usual are email: mail, user_name: uid or "
        "sAMAccountName, display_name: displayName or cn, given_name, family_name, title, department, manager.",
    )
    several: Annotated[tuple[Attribute, ...], Field(strict=False)] = Field(
        default=(),
        description="Attributes that hold several texts and are to be read as a list; of the others one counts.",
    )

    @field_validator("attributes")
    @classmethod
    def _ours_stay_ours(cls, attributes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        reserved = {
            "active": "it follows from the directory's own marks of disabled and expired accounts",
            "groups": "memberships are read from the groups (`groups:`)",
            "id": "write `key: ATTRIBUTE` beside `people`",
        }
        found = [
            Fault(f"`{name}` is not mapped: {why}", (name,)) for name, why in reserved.items() if name in attributes
        ]
        if attributes.get("email") == ():
            found.append(
                Fault("nobody can have an account without an email: name the attribute that holds it", ("email",))
            )
        if found:
            raise faults(*found)
        return attributes


class LdapGroupsConfig(Section):
    """Which entries are groups."""

    base: BaseDn = Field(description="The DN below which the groups are.")
    filter: Filter | None = Field(
        default=None,
        description="Which entries below `base` are groups (RFC 4515). Without it the usual one of the kind of server.",
    )
    key: LdapName | None = Field(
        default=None,
        description="The attribute that names a group for good. Without it that of the kind of server.",
    )
    name: LdapName = Field(default="cn", description="The LDAP attribute that is the group's name.")
    nested: bool = Field(
        default=True,
        description="Whether who is in a group's group counts as a member, at any depth; circles do no harm.",
    )
    page_size: int = Field(
        default=100, ge=1, le=10000, description="How many groups are asked for at once; they are larger than people."
    )

    @property
    def settings(self) -> Groups:
        """As the source takes it."""
        return Groups(
            base=self.base,
            filter=self.filter,
            key_attribute=self.key,
            name=self.name,
            nested=self.nested,
            page_size=self.page_size,
        )


class LdapSourceConfig(Located):
    """A directory that speaks LDAP: OpenLDAP, Active Directory, Samba, FreeIPA, 389 Directory Server and others."""

    name: Name = Field(
        description="The source's name. It is part of every record's key: renaming it is a migration, since every link to "
        "an account hangs on it.",
    )
    type: Literal["ldap"] = Field(description="What kind of source it is.")
    schedule: ScheduleConfig | None = Field(default=None, description=OWN_SCHEDULE)
    url: Annotated[tuple[Address, ...], Field(strict=False), NOT_EMPTY, BeforeValidator(_one_or_several)] = Field(
        description="The server (`ldaps://dc1.example.com`), or a list of servers that hold the same: they are tried in their "
        "order, and one read stays with the one that answered. `ldap://` is encrypted with StartTLS.",
    )
    starttls: bool = Field(
        default=True,
        description="Whether an `ldap://` address is encrypted before anything is said. `false` sends everything, the "
        "password too, in the clear: only for a server on this machine.",
    )
    ca_file: Text | None = Field(
        default=None,
        description="The certificate of the authority that signed the server's, PEM, relative to the configuration file. "
        "Without it those that the system trusts. It is always checked.",
    )
    bind: LdapBindConfig | None = Field(
        default=None,
        description="Who we are to the directory. Without it we ask as nobody, and see what everybody may see.",
    )
    kind: Literal["openldap", "active_directory", "samba", "ds389", "freeipa", "edirectory", "other"] | None = Field(
        default=None,
        description="What kind of server it is; it decides the key, the usual filters and where members stand. Without it "
        "the server is asked. `syncd ldap detect` tells.",
    )
    key: LdapName | None = Field(
        default=None,
        description="The attribute that names a person for good, and never changes. Without it that of the kind of server: "
        "entryUUID, objectGUID, ipaUniqueID, nsUniqueId, GUID. Changing it is a migration.",
    )
    people: LdapPeopleConfig = Field(description="Which entries are people.")
    groups: LdapGroupsConfig | None = Field(
        default=None, description="Which entries are groups. Without it nobody is in a group."
    )
    page_size: int = Field(
        default=1000,
        ge=0,
        le=100000,
        description="How many people are asked for at once. Active Directory gives 1000 at most; 0 asks without pages.",
    )
    full_every_hours: float = Field(
        default=24,
        ge=0,
        le=24 * 30,
        description="Between full reads the server is only asked what changed, where it can tell. So often everything is "
        "read, which also shows what no server tells: rights that were taken from us, members without an entry. 0: always.",
    )
    connect_timeout_seconds: int = Field(
        default=10, ge=1, le=600, description="How long a connection may take, before the next server is tried."
    )
    timeout_seconds: int = Field(
        default=60,
        ge=1,
        le=3600,
        description="How long the server may say nothing in the middle of a read, before the read counts as broken.",
    )
    page_timeout_seconds: int = Field(
        default=300,
        ge=1,
        le=86400,
        description="How long one page may be waited for altogether, before the read counts as broken: a server that sends a "
        "byte a minute never says nothing.",
    )

    @model_validator(mode="after")
    def _encrypts_one_way(self) -> Self:
        plain = [url for url in self.url if url.startswith("ldap://")]
        if not self.starttls and not plain:
            raise faults(Fault("`starttls: false` says nothing, as no address is ldap://: remove it", ("starttls",)))
        if self.bind is not None and self.bind.method == "external" and plain and not self.starttls:
            cure = "write ldaps://, or remove `starttls: false`"
            raise faults(
                Fault(f"`external` proves who we are inside TLS, and there is none: {cure}", ("bind", "method"))
            )
        return self

    def place(self, path: str | None) -> Path | None:
        """A path of this section, absolute when the configuration was read from a file."""
        return self._base / path if path else None

    @property
    def settings(self) -> Settings:
        """As the source takes it."""
        bind = self.bind
        files = {
            "ca_file": self.ca_file,
            "certificate_file": bind and bind.certificate_file,
            "key_file": bind and bind.key_file,
        }
        keytab = self.place(bind.keytab) if bind else None
        return Settings(
            servers=Servers(
                urls=self.url,
                bind=Bind(
                    bind.method,
                    bind.user or "",
                    bind.password.reveal if bind.password else None,
                    str(keytab) if keytab else None,
                )
                if bind
                else Bind(),
                plain_text=not self.starttls,
                connect_timeout=self.connect_timeout_seconds,
                receive_timeout=self.timeout_seconds,
                page_timeout=self.page_timeout_seconds,
                **{key: str(self.place(path)) for key, path in files.items() if path},
            ),
            people=People(
                base=self.people.base,
                filter=self.people.filter,
                key_attribute=self.key,
                attributes=self.people.attributes,
                several=frozenset(self.people.several),
            ),
            groups=self.groups.settings if self.groups else None,
            kind=self.kind,
            page_size=self.page_size,
            tells_changes=self.full_every_hours > 0,
        )
