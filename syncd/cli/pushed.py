"""The source that a command about SCIM names."""

from __future__ import annotations

from syncd.config import Config
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.errors import UsageError


def push_source(config: Config, name: str) -> ScimPushSourceConfig:
    """The source of this name, to which an identity provider pushes.

    Raises:
        UsageError: there is none; with those that there are.
    """
    known = {source.name: source for source in config.sources if isinstance(source, ScimPushSourceConfig)}
    if name in known:
        return known[name]
    cure = f"there are: {', '.join(known)}" if known else "give the configuration a source with `type: scim_push`"
    raise UsageError(f'no source of type scim_push is named "{name}"', where="--tenant", cure=cure)
