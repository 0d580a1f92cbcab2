"""What a bind by Kerberos needs beside ldap3: a keytab that nobody else reads, and what GSSAPI says in one line.

The extra `kerberos` brings the package `gssapi`; nothing here imports it. May not: write a ticket to the disk.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.ldap.settings import Bind


def credentials(bind: Bind) -> Mapping[str, str] | None:
    """Where GSSAPI finds the key, and keeps the ticket in memory; None: it uses the ticket that is there already.

    Raises:
        PermanentError: the keytab cannot be read, or others can read it.
    """
    if not bind.keytab:
        return None
    try:
        with Path(bind.keytab).open("rb"):
            mode = stat.S_IMODE(Path(bind.keytab).stat().st_mode)
    except OSError as error:
        why = error.strerror or type(error).__name__
        what = f"the keytab cannot be read ({why})"
        raise PermanentError(what, where=bind.keytab, cure="check the path and its owner") from error
    if mode & 0o077:
        what = f"the keytab is open to others (mode {mode:04o})"
        raise PermanentError(what, where=bind.keytab, cure=f"chmod 600 '{bind.keytab}'")
    return {"client_keytab": bind.keytab, "ccache": f"MEMORY:{bind.user}"}


def is_refusal(error: Exception) -> bool:
    """Whether it is one of GSSAPI's own."""
    return type(error).__module__.partition(".")[0] == "gssapi"


def no_ticket(error: Exception, url: str) -> PermanentError:
    """What GSSAPI said."""
    return PermanentError(
        f"Kerberos gave no ticket for this server: {' '.join(str(error).split())}",
        where=url,
        cure="name the server as its ticket does (its full name, no address), see `klist` and /etc/krb5.conf, and whether the "
        "keytab holds the key of the user",
    )
