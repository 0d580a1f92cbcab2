"""What an admin clicks: for each product, in words that need no knowledge of this program.

Where the vendor's documentation tells the way, it is told; everywhere else the steps say what to look for, and that the
names of menus were not verified. Nothing is invented. `docs/mdm-admins.md` is made from these texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mdm.model import EMAIL_KEY
from mdm.vendors import Chosen, Form, Vendor

FILES: Final[Mapping[Form, tuple[str, ...]]] = {
    Form.FRAGMENT: ("fragment.xml",),
    Form.PLIST: ("config.plist",),
    Form.KEYS: ("keys.csv",),
    Form.TYPED_KEYS: ("keys.csv",),
    Form.UNKNOWN: ("fragment.xml", "config.plist", "keys.csv"),
    Form.COMMANDS: (),
    Form.DECLARATIONS: (),
}
"""The files of each form; a table of keys and values only where the settings fit into one."""

INTERFACES: Final[Mapping[str, tuple[str, str]]] = {
    "intune": (
        "graph.json",
        (
            "POST /deviceAppManagement/mobileAppConfigurations of Microsoft Graph; "
            "put Intune's id of the app into targetedMobileApps"
        ),
    ),
    "jamf_pro": (
        "classic.xml",
        (
            "PUT /JSSResource/mobiledeviceapplications/bundleid/BUNDLE_ID of Jamf's Classic API; "
            "it replaces the config that is there"
        ),
    ),
    "simplemdm": (
        "managed_configs.txt",
        (
            "one POST /api/v1/apps/APP_ID/managed_configs a line (form data), "
            "then POST /api/v1/apps/APP_ID/managed_configs/push"
        ),
    ),
    "fleet": ("app_store_app.json", "PATCH /api/v1/fleet/software/titles/TITLE_ID/app_store_app"),
}
"""For those who script it: the file, and the call that takes it."""

_REPLACES: Final = (
    "If the app has a config already, do not paste over it: a push replaces the whole dictionary. Save the present one "
    "to a file, run `syncd mdm merge FILE --out NEW --vendor {vendor}`, and use NEW."
)
_STAYS: Final = (
    "Leave the keys that are there already: a push replaces the whole dictionary, so all of them must be listed."
)
_TRY: Final = (
    "Try it on one device of your own first: open Fluix there, signed out. "
    "The login page shows the email of the device's user. If it shows {token} itself, the variable is not the right one, "
    "or the device has no user assigned."
)
_CLICKS: Final[Mapping[str, tuple[str, ...]]] = {
    "intune": (
        (
            "In the Intune admin center open Apps, then Configuration (App configuration policies), and choose Create, "
            "then Managed devices."
        ),
        "Give it a name, set Platform to iOS/iPadOS, and choose Fluix as the targeted app.",
        "On the page Settings set Configuration settings format to Enter XML data, and paste the text of fragment.xml.",
        "Assign it to the groups that have the app, and create it.",
    ),
    "jamf_pro": (
        "Open Devices, then Mobile Device Apps, click Fluix, then Edit.",
        "On the tab App Configuration paste the text of fragment.xml into Preferences.",
        "Save.",
    ),
}
_LOOK_FOR: Final[Mapping[Form, str]] = {
    Form.FRAGMENT: "Paste the text of fragment.xml into its box.",
    Form.PLIST: "Upload config.plist there.",
    Form.KEYS: "Add each line of keys.csv: the key, and the value exactly as it is written. "
    "A leading apostrophe is not part of a value.",
    Form.TYPED_KEYS: "Add each line of keys.csv: key, value and type. A leading apostrophe is not part of a value.",
    Form.UNKNOWN: "If the page takes XML, paste fragment.xml, or upload config.plist; if it has lines for keys and values, "
    "add those of keys.csv (a leading apostrophe is not part of a value).",
}


def steps(vendor: Vendor, token: str) -> Iterator[str]:
    """What to do, one step each.

    Args:
        vendor: the product.
        token: the variable that the files hold; empty for a product that sends commands.
    """
    if vendor.form is Form.COMMANDS:
        yield "Render with each person's email written out (`literal: true`); people.csv says which file is whose."
        yield (
            "For each device, enqueue commands/settings/NAME.plist (the app is installed) or commands/install/NAME.plist "
            "(it is not): PUT /v1/enqueue/DEVICE_ID with the file as the body."
        )
        yield "To prove it, enqueue commands/read-back.plist: the device answers with the config that it has."
        return
    if vendor.form is Form.DECLARATIONS:
        yield (
            "Put the files of people/ on a web server of yours that devices reach by https, and give its address as "
            "`assets_url`."
        )
        yield (
            "For each device, PUT /v1/declarations with the three files of declarations/NAME, and add them to the device's "
            "set (PUT /v1/set-declarations/SET)."
        )
        yield "Do not use commands for the same app beside them: they fail for an app that is managed by declarations."
        return
    if vendor.name in _CLICKS:
        yield from _CLICKS[vendor.name]
    else:
        yield (
            f"In {vendor.title} open the page of the app Fluix (iOS), where the app is assigned or edited, "
            "and look for a part called App Configuration, Managed App Configuration or AppConfig. "
            "(The names of its menus were not verified.)"
        )
        yield _LOOK_FOR[vendor.form]
        yield "Save, and assign it to the devices that have the app."
    typed = vendor.form in {Form.KEYS, Form.TYPED_KEYS}
    yield _STAYS if typed else _REPLACES.format(vendor=vendor.name)
    yield _TRY.format(token=token or "the variable")


def page(chosen: Chosen, files: tuple[str, ...]) -> str:
    """The instructions that lie beside a product's files."""
    vendor = chosen.vendor
    said = [f"{vendor.title}", "=" * len(vendor.title), ""]
    said += [f"! {mark}" for mark in chosen.marks] or ["Verified against the vendor's own text, or code."]
    if chosen.token:
        said += [
            "",
            f"The key {EMAIL_KEY} holds {chosen.token},",
            f"which {vendor.title} replaces by the email of the device's user.",
        ]
    if vendor.note:
        said += ["", vendor.note]
    said += ["", "What to do"]
    said += [f"{number}. {step}" for number, step in enumerate(steps(vendor, chosen.token), 1)]
    if vendor.name in INTERFACES and INTERFACES[vendor.name][0] in files:
        name, call = INTERFACES[vendor.name]
        said += ["", f"For those who script it: {name} is the body of", f"  {call}."]
    return "\n".join(said) + "\n"
