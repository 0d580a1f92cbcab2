"""The SCIM 2.0 service provider. Imports nobody of ours."""
