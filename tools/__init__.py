"""What builds a release and the documentation. Not installed, imported by nobody but tests."""
