"""Everything that is served, with the real doors: what a process of the web side answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from syncd.bootstrap import App
from syncd.config import Config
from syncd.web.access.doors import Doors
from syncd.web.access.house import ConsoleAccess
from syncd.web.app import web_app
from syncd.web.proxies import TrustedProxies

if TYPE_CHECKING:
    from syncd.web.access.oidc import Provider


def whole_app(app: App) -> Flask:
    """The web application, its console behind a login.

    Args:
        app: the program, with a store that is this process's own.
    """
    access = ConsoleAccess(app)
    web = web_app(app, access)
    web.register_blueprint(Doors(access, _provider(app)).blueprint())
    return web


def served(app: App) -> TrustedProxies:
    """The same, behind the proxies that are trusted."""
    return TrustedProxies(whole_app(app), app.config.serve.trusted_proxies)


def warm(config: Config) -> None:
    """Load and build what every process that answers needs and none changes: those that are forked share it."""
    if any(source.type == "scim_push" for source in config.sources):
        from scim.limits import Limits  # noqa: PLC0415 - only where somebody pushes
        from scim.provider import build_provider  # noqa: PLC0415 - as above

        limits = Limits()
        build_provider(limits.bulk_body, limits.bulk_operations, limits.page)


def _provider(app: App) -> Provider | None:
    if (oidc := app.config.access.oidc) is None:
        return None
    from syncd.web.access.oidc import Provider  # noqa: PLC0415 - a tenth of a second, where there is a provider

    return Provider(oidc)
