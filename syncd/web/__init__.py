"""What is served over HTTP: whether it is well, and SCIM."""

from typing import Final

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks, when it is imported, for the folder in which processes count together."""
GRACE: Final = 30.0
"""Seconds in which the web side answers what it has begun, once it is asked to stop."""
