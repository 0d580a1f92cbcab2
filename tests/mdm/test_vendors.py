"""The table: what is verified is offered, everything else needs the operator's word, and the mark is shown."""

from __future__ import annotations

import pytest

from mdm.bundle import Order
from mdm.errors import MdmError
from mdm.steps import page
from mdm.vendors import VENDORS, Form, choose, owners_of

OFFERED = {
    "intune": "{{mail}}",
    "jamf_pro": "$EMAIL",
    "jamf_school": "%Email%",
    "workspace_one": "{EmailAddress}",
    "ivanti_epmm": "$EMAIL$",
    "ivanti_neurons": "${userEmailAddress}",
    "maas360": "%email%",
    "addigy": '{{.User "emails_primary"}}',
    "fleet": "$FLEET_VAR_HOST_END_USER_IDP_USERNAME",
}
UNVERIFIED = {"kandji", "simplemdm", "meraki", "soti", "citrix", "sophos", "blackberry_uem", "manageengine"} | {
    *("hexnode", "mosyle", "miradore", "scalefusion", "google")
}
SURE = {"intune", "jamf_pro", "ivanti_epmm", "ivanti_neurons", "addigy", "fleet"}


def test_only_what_was_seen_in_the_vendors_own_text_is_offered() -> None:
    assert {name: vendor.offered for name, vendor in VENDORS.items() if vendor.offered} == OFFERED
    assert OFFERED.keys() | UNVERIFIED | {"nanomdm", "kmfddm"} == VENDORS.keys()


@pytest.mark.parametrize("name", sorted(UNVERIFIED))
def test_an_unverified_variable_has_to_be_given_and_is_marked_everywhere(name: str) -> None:
    with pytest.raises(MdmError, match="is not verified") as refused:
        choose(name)
    assert (refused.value.where, "tokens" in refused.value.cure) == (f"tokens.{name}", True)
    assert VENDORS[name].token in refused.value.cure
    one = choose(name, {name: "%Mine%"})
    assert one.marks[0].startswith("UNVERIFIED token")
    assert "! UNVERIFIED token" in page(one, ())


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_the_mark_is_missing_only_where_form_and_variable_are_sure(name: str) -> None:
    assert (choose(name).marks == ()) == (name in SURE)
    assert choose(name, {name: "%Mine%"}).marks[0].startswith("UNVERIFIED token")
    assert choose(name, {name: OFFERED[name]}).marks == choose(name).marks


@pytest.mark.parametrize("token", ["", " $X", "anna@x.example", "email", "$X\u200b", "${x}\n"])
def test_a_token_of_the_operators_must_look_like_a_variable(token: str) -> None:
    with pytest.raises(MdmError, match="is no token"):
        choose("meraki", {"meraki": token})


def test_a_way_of_writing_that_nobody_here_knows_is_taken() -> None:
    assert choose("google", {"google": "[user.email]"}).token == "[user.email]"


def test_an_unknown_product_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MdmError, match='"jamf" is no MDM product') as refused:
        choose("jamf")
    assert "jamf_pro" in refused.value.cure


def test_products_that_send_commands_need_emails_written_out() -> None:
    with pytest.raises(MdmError, match="NanoMDM replaces no variables"):
        Order("com.example.app", (choose("nanomdm"),))
    with pytest.raises(MdmError, match="NanoMDM replaces no variables"):
        choose("nanomdm", {"nanomdm": "$X"})
    with pytest.raises(MdmError, match="needs a web server"):
        Order("com.example.app", (choose("kmfddm"),), literal=True)
    for bad in ("http://x.example", "https://x.example/a b", "https://", "ftp://x"):
        with pytest.raises(MdmError, match="no address for assets"):
            Order("com.example.app", (choose("kmfddm"),), literal=True, assets_url=bad)


def test_one_token_can_be_that_of_several() -> None:
    assert [vendor.name for vendor in owners_of("$EMAIL")] == ["jamf_pro", "kandji"]
    assert owners_of("") == ()


def test_every_product_has_a_form_and_steps() -> None:
    for vendor in VENDORS.values():
        assert vendor.form in Form
        assert vendor.source
        one = choose(vendor.name, {} if vendor.offered or vendor.per_device else {vendor.name: "$X"})
        assert "1. " in page(one, ())
