"""What builds a release and the documentation. Not installed; only tests import it."""
