"""The SCIM 2.0 service provider: identity providers push people and groups in. Imports nobody of ours.

What is written stands in tables that the engine reads with `scim.feed`; what became of a person is told back with
`scim.provisioning`. Nothing here decides about a Fluix account.
"""
