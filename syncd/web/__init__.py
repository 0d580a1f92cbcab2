"""What is served over HTTP: whether it is well, SCIM, and calls that ask for a run."""
