"""A search as the `ldapsearch` command that does the same, to be pasted into a shell. Never a password: it asks for it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.ldap.settings import Servers


def command(
    servers: Servers,
    url: str,
    base: str,
    search_filter: str,
    attributes: Sequence[str],
    *,
    scope: str,
    page_size: int,
    most: int = 0,
    types_only: bool = False,
) -> str:
    """One line for a shell.

    Args:
        servers: how we speak to the server.
        url: the server that was asked.
        base: where the search begins.
        search_filter: what it looks for.
        attributes: what it asks for.
        scope: `base`, `one` or `sub`.
        page_size: entries in a page; 0: no pages.
        most: how many entries are enough; 0: all.
        types_only: attributes without their values.
    """
    words = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", url]
    if url.startswith("ldap://") and not servers.plain_text:
        words.append("-ZZ")
    bind = servers.bind
    if bind.method == "external":
        words += ["-Y", "EXTERNAL", "-Q"]
    elif bind.method == "kerberos":
        words += ["-Y", "GSSAPI", "-Q"]
    elif bind.method == "anonymous":
        words.append("-x")
    else:
        words += ["-x", "-D", bind.user, "-W"]
    words += ["-b", base, "-s", scope]
    if page_size:
        words += ["-E", f"pr={page_size}/noprompt"]
    if most:
        words += ["-z", str(most)]
    if types_only:
        words.append("-A")
    words += [search_filter, *attributes]
    trusted = {
        "LDAPTLS_CACERT": servers.ca_file,
        "LDAPTLS_CERT": servers.certificate_file,
        "LDAPTLS_KEY": servers.key_file,
    }
    return " ".join([*(f"{name}={shlex.quote(at)}" for name, at in trusted.items() if at), shlex.join(words)])
