"""A company with something of everything that the pages about people show."""

from __future__ import annotations

import shutil
from pathlib import Path

from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.signing_in import SignIn
from syncd.by_hand import embedded
from syncd.run import run
from syncd.sync import Request
from tests.house import Clock, House, Person, staff
from tests.web_house import Console

COPY = {
    "users": [
        {"email": "e001@example.com", "name": "Person E001", "state": "active", "groups": ["Field"]},
        {"email": "e002@example.com", "name": "Person E002", "state": "active", "groups": ["Field"]},
        {"email": "e003@example.com", "name": "Person E003", "state": "active", "role": "admin", "groups": ["Field"]},
        {"email": "owner@example.com", "name": "Olga Owner", "state": "active", "role": "admin", "owner": True},
        {"email": "hand@example.com", "name": "Hanna Hand", "state": "invited", "groups": ["Office"]},
    ],
    "groups": [{"name": "Field"}, {"name": "Office"}],
    "workflows": [
        {
            "name": "Permits",
            "steps": [
                {"name": "Approve", "users": ["e002@example.com", "owner@example.com"], "groups": []},
                {"name": "File", "users": [], "groups": ["Office"]},
            ],
        }
    ],
    "documents": [
        {"title": "Form 7", "state": "draft", "user": "e001@example.com"},
        {"title": "Crane inspection", "state": "assigned", "user": "e001@example.com"},
    ],
}
MDM = {"bundle_id": "com.example.app", "vendors": ["intune", "jamf_pro"], "literal": True}
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PUSH = {"name": "acme", "type": "scim_push", "dialect": "entra"}


def furnished(house: House) -> House:
    """Twelve people from the directory, one made by hand, an owner, a workflow, documents, a device; MDM and SCIM set up."""
    house.hire([*staff(12), Person("E013", "Zoë O'Brien-Łukasiewicz", "zoe.obrien-lukasiewicz@subsidiary.example.com")])
    house.configure(mdm=MDM, sources=[house.settings["sources"][0], PUSH])
    account_of(house).load(COPY)
    run(house.app().sync(), Request("run"))
    return house


def copied(house: House, folder: Path) -> House:
    """The same company once more, in another folder."""
    shutil.copytree(house.folder, folder, dirs_exist_ok=True)
    return House(folder, dict(house.settings), Clock(house.clock.now))


def account_of(house: House) -> EmbeddedAccount:
    """The house's account."""
    return embedded(house.app())


def person_id(house: House, email: str) -> str:
    """The id of the user with this address."""
    return str(account_of(house).show_user(email)["fluix_id"])


def signing_in(house: House) -> SignIn:
    """Signing in to it."""
    app = house.app()
    settings = app.config.target.settings
    assert isinstance(settings, Settings)
    return SignIn(app.store, app.clock, settings)


def pushing(console: Console) -> None:
    """The identity provider of `acme` pushes two people, and makes one mistake."""
    token = console.json("/scim/tokens/create", sent={"tenant": "acme"})["secret"]
    bearer = {"Authorization": f"Bearer {token}"}
    for name in ("vera", "viktor"):
        body = {"schemas": [USER], "userName": f"{name}@example.com", "displayName": name.title(), "active": True}
        answer = console.client.post("/scim/v2/acme/Users", json=body, headers=bearer)
        assert answer.status_code == 201, answer.text
    assert console.client.post("/scim/v2/acme/Users", json={}, headers=bearer).status_code == 400
