"""Managed app config for MDM. Imports nobody of ours."""
