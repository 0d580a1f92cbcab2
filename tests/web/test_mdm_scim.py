"""MDM and SCIM in the console."""

from __future__ import annotations

import io
import time
import zipfile

from syncd.run import make_plan, run
from syncd.sync import Request
from tests.house import House
from tests.web.people_house import person_id, pushing
from tests.web_house import Console, console_of


def names(answer: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(answer)) as bundle:
        return bundle.namelist()


def test_a_rename_is_in_the_next_delta(desk: Console, company: House) -> None:
    assert desk.json("/mdm")["rendered"] is None
    everything = desk.do("/mdm/render", 200, literal="true")
    assert everything.headers["Content-Disposition"] == "attachment; filename=fluix-mdm.zip"
    assert "people/hand@example.com.plist" in names(everything.get_data())
    assert "nothing changed" in desk.do("/mdm/delta", 409).text
    desk.do(f"/people/{person_id(company, 'hand@example.com')}/edit", email="hanna@example.com")
    make_plan(company.app().sync(), Request("plan"))
    page = desk.json("/mdm")
    assert page["pending"] == {"new": 0, "changed": 1, "left": 0}
    assert page["pending_people"] == [{"kind": "changed", "email": "hanna@example.com", "before": "hand@example.com"}]
    assert "people/hanna@example.com.plist" in names(desk.do("/mdm/delta", 200).get_data())
    assert desk.json("/mdm")["pending"]["changed"] == 0
    assert [one["action"] for one in desk.json("/mdm")["past"]] == ["mdm delta", "mdm render"]


def test_each_product_has_its_files_and_what_to_do(desk: Console) -> None:
    (intune, jamf) = desk.json("/mdm")["vendors"]
    assert (intune["token"], jamf["token"]) == ("{{mail}}", "$EMAIL")
    assert "What to do" in intune["instructions"]
    file = desk.client.get(f"/console/mdm/files/{intune['files'][0]}")
    assert "com.fluix.mdm.userEmail" in file.text
    desk.page("/mdm/files/people.csv", 404)


def test_settings_that_changed_ask_for_everything(desk: Console, company: House) -> None:
    desk.do("/mdm/render", 200, literal="true")
    company.configure(mdm={"bundle_id": "com.example.other", "vendors": ["intune"]})
    assert "everybody needs a new file" in console_of(company).page("/mdm")


def test_a_file_is_looked_at_and_not_kept(desk: Console) -> None:
    wrong = b"<dict><key>com.fluix.mdm.userEmail</key><string>{{userprincipalname}}</string></dict>"
    html = desk.do("/mdm/lint", 200, file=(io.BytesIO(wrong), "mine.xml"), vendor="jamf_pro").text
    assert "What was found" in html
    assert '<span class="badge error">' in html
    nonsense = desk.do("/mdm/lint", 200, file=(io.BytesIO(b"\x00\x01"), "mine.xml")).text
    assert '<span class="badge error">' in nonsense


def test_without_mdm_the_page_says_so(house: House) -> None:
    desk = console_of(house)
    assert "no section for MDM" in desk.page("/mdm")
    assert "no `mdm`" in desk.do("/mdm/render", 400).text
    assert "No source of the type scim_push" in desk.page("/scim")
    assert "Nothing was pushed" in desk.page("/mdm/deliveries")


def test_a_token_is_shown_once_and_nowhere_again(desk: Console) -> None:
    answer = desk.do("/scim/tokens/create", 200, tenant="acme", label="Entra")
    assert answer.headers["Cache-Control"] == "no-store"
    secret = answer.text.partition('class="secret">')[2].partition("<")[0]
    assert secret.startswith("fxs_")
    everywhere = desk.page("/scim") + str(desk.json("/scim")) + desk.page("/scim/calls")
    assert secret not in everywhere
    assert secret[:12] in everywhere
    made = desk.json("/scim/tokens/create", sent={"tenant": "acme", "kind": "client"})
    assert made["client_id"].startswith("fxc_")


def test_one_token_follows_another(desk: Console) -> None:
    first = desk.json("/scim/tokens/create", sent={"tenant": "acme", "label": "Entra"})
    second = desk.json(f"/scim/tokens/{first['token']['token_id']}/rotate", sent={"hours": 2})
    assert second["token"]["label"] == "Entra"

    def status(made: dict[str, str]) -> int:
        bearer = {"Authorization": f"Bearer {made['secret']}"}
        return desk.client.get("/scim/v2/acme/Users", headers=bearer).status_code

    assert [status(first), status(second)] == [200, 200]
    ends = {one["token_id"]: one["expires_at"] for one in desk.json("/scim")["tokens"]}
    assert ends[first["token"]["token_id"]] == second["old_until"]
    desk.do(f"/scim/tokens/{first['token']['token_id']}/revoke")
    until = time.monotonic() + 20  # who was let in a moment ago is remembered for a moment
    while status(first) == 200 and time.monotonic() < until:
        time.sleep(0.05)
    assert [status(first), status(second)] == [401, 200]
    assert "not valid any more" in desk.do(f"/scim/tokens/{first['token']['token_id']}/rotate", 409).text


def test_whom_they_pushed_and_what_they_called(desk: Console, company: House) -> None:
    pushing(desk)
    (tenant,) = desk.json("/scim")["tenants"]
    assert (tenant["users"], tenant["path"]) == (2, "/scim/v2/acme")
    assert desk.json("/scim/people?search=VER")["people"][0]["state"] is None
    run(company.app().sync(), Request("run"))
    found = desk.json("/scim/people?state=provisioned")
    assert [one["user_name"] for one in found["people"]] == ["vera@example.com", "viktor@example.com"]
    assert found["people"][0]["fluix_id"] == person_id(company, "vera@example.com")
    until = time.monotonic() + 20
    while desk.json("/scim/calls")["total"] < 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert [one["status"] for one in desk.json("/scim/calls?failed=true")["calls"]] == [400]
    assert desk.json("/scim/calls?size=1&page=3")["calls"][0]["status"] == 201
    desk.page("/scim/people?tenant=other", 404)
