"""What is served over HTTP: whether it is well, and SCIM."""

from typing import Final

GRACE: Final = 30.0
"""Seconds in which the web side answers what it has begun, once it is asked to stop."""
