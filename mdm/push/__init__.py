"""Giving an MDM product the config over its own interface, so that nobody has to paste it. Off until a target is configured.

    base        the one interface: what is there now (`get`), give it this (`put`)
    deliver     get, merge with what the admin has, put only what is different, get again
    track       where the answer comes later, from the device: what was asked, sent, acknowledged, is differing (pure)
    http, oauth     calls that end in time, keep to one host and tell no secret
    nanomdm, webhook    MDM commands for each device, and what devices answer;  kmfddm    declarations for each device
    intune, jamf, simplemdm, fleet    one config an app, with the product's own variable

None of it was tried on a real product: each was written after the vendor's published interface, against a stand-in of ours.
"""
