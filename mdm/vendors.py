"""The one table of MDM products: which form each takes, which variable stands for the user's email, and how sure that is.

`verified` means: seen in the vendor's own text or code for managed app config. A variable that was seen elsewhere (in
configuration profiles, in mail templates) is not verified for an app: the operator has to give it, and every place that
uses it shows the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Final

from mdm.errors import MdmError
from mdm.values import email_problem, shown, text_problem


class Form(Enum):
    """How an admin gives a product the config."""

    FRAGMENT = "a bare <dict>…</dict>, pasted"
    PLIST = "a whole property list, uploaded"
    KEYS = "keys and values, typed in"
    TYPED_KEYS = "keys, values and types, typed in"
    COMMANDS = "MDM commands, one a device"
    DECLARATIONS = "declarations, one set a device"
    UNKNOWN = "not known: whichever of the files its page takes"


class Types(Enum):
    """Which types of a property list a form can hold."""

    ALL = frozenset({"string", "integer", "real", "boolean", "array", "dict", "date", "data"})
    NO_DATE_NO_DATA = frozenset({"string", "integer", "real", "boolean", "array", "dict"})
    FLAT = frozenset({"string", "integer", "real", "boolean"})


class Known(Flag):
    """What is verified of a product."""

    TOKEN = auto()
    FORM = auto()


class Style(Enum):
    """How a product writes its variables."""

    DOUBLE_BRACES = r"\{\{[^{}]{1,200}\}\}"
    DOLLAR = r"\$[A-Za-z_][A-Za-z0-9_]*(?![A-Za-z0-9_$])"
    DOLLARS = r"\$[A-Za-z_][A-Za-z0-9_]*\$"
    DOLLAR_BRACES = r"\$\{[^{}]*\}"
    BRACES = r"(?<![{$])\{[A-Za-z][A-Za-z0-9_]*\}(?!\})"
    PERCENT = r"%[A-Za-z_][A-Za-z0-9_]*%"


_SIGN = re.compile(r"[$%{\[<#]").search
_DOCS: Final = "the vendor's documentation"
_LIST: Final = "the vendor's list of variables"
_REPOSITORY: Final = "its repository, and Apple's"


_NOTHING: Final = Known(0)


@dataclass(frozen=True, slots=True)
class Vendor:
    """One product."""

    name: str
    """As it stands in the configuration."""
    title: str
    form: Form
    style: Style | None
    """None: it replaces no variables, or how it writes them is not known."""
    token: str
    """The variable for the user's email; empty where none is known."""
    source: str
    """Where the token was seen."""
    known: Known = _NOTHING
    types: Types = Types.ALL
    other_tokens: tuple[str, ...] = ()
    """Further variables that may stand for the email."""
    note: str = ""

    @property
    def token_verified(self) -> bool:
        """Whether the token was seen in the vendor's own text or code for what it is used for here."""
        return Known.TOKEN in self.known

    @property
    def form_verified(self) -> bool:
        """The same of the form."""
        return Known.FORM in self.known

    @property
    def per_device(self) -> bool:
        """Whether it sends commands itself, so that each device gets its own text and no variable is needed."""
        return self.form in {Form.COMMANDS, Form.DECLARATIONS}

    @property
    def offered(self) -> str:
        """The token that may be used without an operator's word."""
        return self.token if self.token_verified else ""

    def own(self, text: str) -> bool:
        """Whether a text holds a variable in this product's way of writing."""
        return self.style is not None and re.search(self.style.value, text) is not None


def _table() -> Iterable[Vendor]:
    fragment, plist, keys, typed, unknown = Form.FRAGMENT, Form.PLIST, Form.KEYS, Form.TYPED_KEYS, Form.UNKNOWN
    both, flat = Known.TOKEN | Known.FORM, Types.FLAT
    braces, dollar, percent = Style.DOUBLE_BRACES, Style.DOLLAR, Style.PERCENT
    upn, note = ("{{userprincipalname}}",), "The user principal name serves only where it is the email."
    types = Types.NO_DATE_NO_DATA
    yield Vendor("intune", "Microsoft Intune", fragment, braces, "{{mail}}", _DOCS, both, types, upn, note)
    yield Vendor("jamf_pro", "Jamf Pro", fragment, dollar, "$EMAIL", _DOCS, both)
    yield Vendor("jamf_school", "Jamf School", unknown, percent, "%Email%", _LIST, Known.TOKEN)
    note = "It takes an XML upload, or keys and values."
    yield Vendor(
        "workspace_one", "Workspace ONE UEM", unknown, Style.BRACES, "{EmailAddress}", _LIST, Known.TOKEN, note=note
    )
    yield Vendor("kandji", "Kandji (Iru)", unknown, dollar, "$EMAIL", "its variables in configuration profiles")
    yield Vendor("ivanti_epmm", "Ivanti EPMM", plist, Style.DOLLARS, "$EMAIL$", _DOCS, both)
    neurons = ("ivanti_neurons", "Ivanti Neurons for MDM")
    yield Vendor(*neurons, keys, Style.DOLLAR_BRACES, "${userEmailAddress}", _DOCS, both, flat)
    yield Vendor("maas360", "IBM MaaS360", unknown, percent, "%email%", _LIST, Known.TOKEN)
    note = "A device without a user gets an empty text."
    yield Vendor("addigy", "Addigy", typed, braces, '{{.User "emails_primary"}}', _DOCS, both, flat, note=note)
    note = "It takes the fragment or a whole property list as XML, and refuses binary ones."
    idp = "$FLEET_VAR_HOST_END_USER_IDP_USERNAME"
    yield Vendor("fleet", "Fleet 4.86 or later", fragment, dollar, idp, _DOCS, both, note=note)
    yield Vendor("simplemdm", "SimpleMDM", typed, None, "", "no variable for the email was found", Known.FORM, flat)
    yield Vendor("meraki", "Cisco Meraki Systems Manager", keys, dollar, "$OWNEREMAIL", "hearsay", types=flat)
    note = "A variable that it cannot resolve goes to the device as it is written."
    yield Vendor(
        "soti", "SOTI MobiControl", fragment, percent, "%ENROLLEDUSER_EMAIL%", "hearsay", Known.FORM, note=note
    )
    citrix = ("citrix", "Citrix Endpoint Management")
    yield Vendor(*citrix, unknown, Style.DOLLAR_BRACES, "${user.mail}", "derived from its other variables")
    yield Vendor("sophos", "Sophos Mobile", unknown, percent, "%_EMAILADDRESS_%", "its variables in policies")
    berry = ("blackberry_uem", "BlackBerry UEM")
    yield Vendor(*berry, keys, percent, "%UserEmailAddress%", "its e-mail templates", Known.FORM, flat)
    note = "It takes XML, or keys and values. %upn% is documented, but the login matches on the email."
    manage = ("manageengine", "ManageEngine Mobile Device Manager Plus")
    yield Vendor(*manage, unknown, percent, "%email%", "hearsay", note=note)
    for name, title in _NOTHING_KNOWN:
        yield Vendor(name, title, unknown, None, "", "nothing was found")
    yield Vendor("nanomdm", "NanoMDM", Form.COMMANDS, None, "", _REPOSITORY, both)
    note = "Experimental: a report says that the app did not see the config."
    yield Vendor("kmfddm", "KMFDDM", Form.DECLARATIONS, None, "", _REPOSITORY, both, note=note)


_NOTHING_KNOWN: Final = (
    ("hexnode", "Hexnode UEM"),
    ("mosyle", "Mosyle"),
    ("miradore", "Miradore"),
    ("scalefusion", "Scalefusion"),
    ("google", "Google Workspace"),
)

VENDORS: Final[Mapping[str, Vendor]] = {vendor.name: vendor for vendor in _table()}
"""By name, in the table's order."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A product as an operator uses it."""

    vendor: Vendor
    token: str
    """Empty for a product that sends commands."""
    given: bool = False
    """Whether the operator gave the token."""

    @property
    def marks(self) -> tuple[str, ...]:
        """What is not verified, in words; nothing when everything is."""
        vendor, found = self.vendor, []
        if self.given and self.token not in {vendor.offered, *vendor.other_tokens}:
            found.append("UNVERIFIED token: given in the configuration, tried by nobody here")
        if not vendor.form_verified:
            found.append("UNVERIFIED form: whichever of the files its page takes")
        return tuple(found)


def vendor_named(name: str) -> Vendor:
    """The product of this name.

    Raises:
        MdmError: there is none.
    """
    if name not in VENDORS:
        cure = f"write one of: {', '.join(VENDORS)}"
        raise MdmError(f"{shown(name)} is no MDM product that is known here", where="vendors", cure=cure)
    return VENDORS[name]


def choose(name: str, tokens: Mapping[str, str] | None = None) -> Chosen:
    """A product with the token in force.

    Args:
        name: the product's.
        tokens: what the operator gave, by product; goes before the table's.

    Raises:
        MdmError: there is no such product, or its token is not verified and none was given, or is none.
    """
    vendor = vendor_named(name)
    given = (tokens or {}).get(name)
    where = f"tokens.{name}"
    if vendor.per_device:
        if given is not None:
            cure = "remove it: each device gets its own command"
            raise MdmError(f"{vendor.title} replaces no variables", where=where, cure=cure)
        return Chosen(vendor, "")
    if given is not None:
        if problem := _token_problem(given):
            cure = f"copy the variable for the user's email from {vendor.title}'s documentation"
            raise MdmError(f"{shown(given)} is no token: {problem}", where=where, cure=cure)
        return Chosen(vendor, given, given=True)
    if not vendor.offered:
        hint = f" (perhaps {vendor.token}: {vendor.source}, not verified)" if vendor.token else ""
        cure = f"look it up in {vendor.title}'s documentation{hint}, try it on one device, and give it as `tokens`"
        raise MdmError(f"the variable of {vendor.title} for the user's email is not verified", where=where, cure=cure)
    return Chosen(vendor, vendor.offered)


def _token_problem(text: str) -> str | None:
    """Why an operator's text is no variable; how a product writes them may be known to nobody here."""
    if problem := text_problem(text):
        return problem
    if email_problem(text) is None:
        return "it is somebody's email, which everybody would get"
    return None if _SIGN(text) else "it has none of the signs that variables are written with ($ % { [ < #)"


def owners_of(token: str) -> tuple[Vendor, ...]:
    """The products that know exactly this token for the email."""
    return tuple(vendor for vendor in VENDORS.values() if token and token in {vendor.token, *vendor.other_tokens})


def writers_like(text: str) -> tuple[Vendor, ...]:
    """The products that write variables as this text does."""
    return tuple(vendor for vendor in VENDORS.values() if vendor.own(text))
