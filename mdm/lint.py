"""What is wrong with an admin's file, or will not work as it is meant: every finding at once, with line, key and cure.

Never raises: a file that cannot be read is a finding as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, MAX_BYTES, Value
from mdm.reading import WHY_NO_PROFILE, Document, read
from mdm.types import not_taken, type_name
from mdm.values import email_problem, shown, text_problem, token_in, unwritable
from mdm.vendors import Form, Vendor, owners_of, writers_like

Level = Literal["error", "warning", "note"]

_FRAGMENT_ONLY: Final = frozenset({"intune", "jamf_pro", "soti"})
_PROFILE_KEYS: Final = frozenset({"PayloadContent", "PayloadType", "PayloadUUID"})
_COMMAND_KEYS: Final = frozenset({"Command", "CommandUUID", "RequestType"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing."""

    check: str
    level: Level
    where: str
    """The file and its line."""
    key: str
    message: str
    cure: str


def lint(content: bytes, where: str, vendor: Vendor | None = None, token: str = "") -> list[Finding]:
    """Look through a file.

    Args:
        content: the file; one byte more than `model.MAX_BYTES` is enough of it.
        where: its name, for messages.
        vendor: the product that it is for, when that is known.
        token: the variable that the operator gave for that product.

    Returns:
        What was found, in the order of the file.
    """
    try:
        document = read(content[: MAX_BYTES + 1], where)
    except MdmError as error:
        return [Finding("unreadable", "error", error.where, "", error.what, error.cure)]
    return list(_Look(document, where, vendor, token).findings())


@dataclass(frozen=True, slots=True)
class _Look:
    document: Document
    where: str
    vendor: Vendor | None
    token: str

    def findings(self) -> Iterator[Finding]:
        settings = self.document.settings
        if _PROFILE_KEYS & settings.keys():
            cure = "give the app's configuration to the MDM that manages the app; `syncd mdm render` says how"
            yield self._found(
                "profile",
                "error",
                "",
                f"this is a configuration profile (.mobileconfig), which cannot work: {WHY_NO_PROFILE}",
                cure,
            )
            return
        if _COMMAND_KEYS & settings.keys():
            cure = "take out the dictionary that stands at its key Configuration, and use that alone"
            yield self._found("command", "error", "", "this is a whole MDM command, and no app's configuration", cure)
            return
        yield from self._wrapper(settings)
        yield from self._keys(settings)
        if EMAIL_KEY in settings:
            yield from self._email(settings[EMAIL_KEY])
        yield from self._texts(settings)
        yield from self._form()

    def _found(self, check: str, level: Level, key: str, message: str, cure: str) -> Finding:
        line = self.document.lines.get(key.partition("[")[0])
        return Finding(check, level, f"{self.where}:{line}" if line else self.where, key, message, cure)

    def _wrapper(self, settings: Mapping[str, Value]) -> Iterator[Finding]:
        for key, value in settings.items():
            if key.lower() in {"configuration", "com.apple.configuration.managed"} and isinstance(value, Mapping):
                message = f"the settings stand below a key {shown(key)}, where the app does not look for them"
                yield self._found(
                    "wrapper", "error", key, message, "take the wrapper away: its content is the configuration"
                )

    def _keys(self, settings: Mapping[str, Value]) -> Iterator[Finding]:
        nearly = [key for key in settings if key != EMAIL_KEY and _like(key)]
        for key in nearly:
            message = f"the key {shown(key)} is not {EMAIL_KEY}: upper and lower case, and every character, count"
            yield self._found("key_case", "error", key, message, f"write {EMAIL_KEY}")
        if EMAIL_KEY not in settings and not nearly:
            cure = "add it by `syncd mdm merge FILE --out NEW`"
            yield self._found("key_missing", "error", "", f"there is no key {EMAIL_KEY}: nothing will be shown", cure)

    def _email(self, value: Value) -> Iterator[Finding]:
        if not isinstance(value, str):
            message = f"the email is written as {type_name(value)}, and the app reads a string"
            yield self._found("email_type", "error", EMAIL_KEY, message, "write it as <string>")
        elif not value.strip():
            yield self._found("email_empty", "error", EMAIL_KEY, "the email is empty", "write the product's variable")
        elif token_in(value):
            yield from self._token(value)
        elif problem := email_problem(value):
            cure = "write the product's variable, or one email"
            yield self._found("email_wrong", "error", EMAIL_KEY, f"{shown(value)} is no email: {problem}", cure)
        else:
            message = f"the email {shown(value)} is written out: everybody who gets this file gets it"
            cure = "use this file for one person's devices only, or write the product's variable"
            yield self._found("literal", "warning", EMAIL_KEY, message, cure)

    def _token(self, value: str) -> Iterator[Finding]:
        vendor, known = self.vendor, owners_of(value)
        if vendor is None:
            if known:
                message = f"{shown(value)} is the variable of {_titles(known)}; elsewhere it is shown as it is"
                yield self._found(
                    "token", "note", EMAIL_KEY, message, "give --vendor to have it checked for one product"
                )
            else:
                message = f"{shown(value)} looks like a variable, and no product is known that puts the email there"
                yield self._found(
                    "token_like", "error", EMAIL_KEY, message, "write the product's variable for the user's email"
                )
            return
        right = self.token or vendor.token
        if value == right or value in vendor.other_tokens:
            if not (self.token or vendor.token_verified):
                message = f"that {shown(value)} is {vendor.title}'s variable for the email is not verified"
                yield self._found("token_unverified", "warning", EMAIL_KEY, message, "try it on one device first")
            return
        write = f"write {right}" if right else f"look the variable up in {vendor.title}'s documentation"
        others = [other for other in known if other is not vendor]
        if others:
            message = f"{shown(value)} is the variable of {_titles(others)}, and not of {vendor.title}"
            yield self._found("foreign_token", "error", EMAIL_KEY, message, write)
        else:
            message = f"{shown(value)} looks like a variable, and not like {vendor.title}'s for the user's email"
            yield self._found("token_like", "error", EMAIL_KEY, message, write)

    def _texts(self, settings: Mapping[str, Value]) -> Iterator[Finding]:
        for path, key, value in _everything(settings):
            if problem := text_problem(key):
                yield self._found(
                    "text", "error", path, f"the key {shown(key)} is not what it seems: {problem}", "write it anew"
                )
            if not isinstance(value, str) or path == EMAIL_KEY:
                continue
            if problem := text_problem(value):
                level: Level = "error" if unwritable(value) else "warning"
                yield self._found(
                    "text", level, path, f"the value {shown(value)} is not what it seems: {problem}", "write it anew"
                )
            if self.vendor and (token := token_in(value)) and not self.vendor.own(value):
                likely = _titles(writers_like(token)) or "another product"
                message = f"{shown(token)} looks like a variable of {likely}; {self.vendor.title} leaves it as it is"
                yield self._found(
                    "foreign_token", "warning", path, message, f"write {self.vendor.title}'s variable, or a plain value"
                )
        if self.vendor:
            for path, name in not_taken(self.vendor, settings):
                cure = f"leave the key out, or write it as one of: {', '.join(sorted(self.vendor.types.value))}"
                yield self._found("type", "error", path, f"{self.vendor.title} takes no {name}", cure)

    def _form(self) -> Iterator[Finding]:
        if self.vendor is None:
            return
        title, form = self.vendor.title, self.vendor.form
        if self.vendor.name in _FRAGMENT_ONLY and not self.document.fragment:
            message = f"this is a whole property list, and {title}'s box takes the bare <dict>…</dict>"
            yield self._found("form", "warning", "", message, "paste only from <dict> to </dict>")
        elif form is Form.PLIST and self.document.fragment:
            message = f"this is a bare <dict>…</dict>, and {title} takes a whole property list"
            yield self._found("form", "warning", "", message, 'put it between <plist version="1.0"> and </plist>')
        elif form in {Form.KEYS, Form.TYPED_KEYS}:
            message = f"{title} takes no file: keys and values are typed in"
            yield self._found("form", "note", "", message, "type in each key and value")


def _like(key: str) -> bool:
    plain = "".join(c for c in key.lower() if c.isalnum())
    return plain in {"comfluixmdmuseremail", "useremail", "fluixuseremail", "mdmuseremail", "comfluixmdmemail"}


def _everything(value: Value, path: str = "") -> Iterator[tuple[str, str, Value]]:
    """Path, last key and value of everything."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in pairs:
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else key
        yield here, key if isinstance(key, str) else "", inner
        if isinstance(inner, Mapping | list):
            yield from _everything(inner, here)


def _titles(vendors: tuple[Vendor, ...] | list[Vendor]) -> str:
    return ", ".join(vendor.title for vendor in vendors)
