"""The key that events are signed with, and its public half for whoever checks them. ES256 (RFC 7518, section 3.4), by joserfc."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine, insert, select

from scim.access.metadata import reading, writing
from scim.events.tables import keys

_ALGORITHM = "ES256"
_PUBLISHED = timedelta(days=400)
"""So long after it was made a key is shown: longer than any event is kept that it may have signed."""


class Signer:
    """The store's signing keys: the newest signs, the others are still published.

    Args:
        engine: the store's.
        clock: the present moment.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._key: ECKey | None = None

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A security event token: a JWS whose type is `secevent+jwt` (RFC 8417, section 2.3)."""
        key = self._newest()
        header = {"alg": _ALGORITHM, "typ": "secevent+jwt", "kid": key.thumbprint()}
        return jwt.encode(header, dict(claims), key, algorithms=[_ALGORITHM])

    def rotate(self) -> str:
        """Sign with a new key from now on; the earlier ones stay published.

        Returns:
            The new key's id.
        """
        key = ECKey.generate_key("P-256")
        kid = key.thumbprint()
        private = orjson.dumps(key.as_dict(private=True)).decode()
        with writing(self._engine) as connection:
            connection.execute(insert(keys).values(kid=kid, private=private, created_at=self._clock()))
        self._key = key
        return kid

    def published(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517, section 5)."""
        self._newest()
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(keys).where(keys.c.created_at > self._clock() - _PUBLISHED).order_by(keys.c.created_at.desc())
            ).all()
        public = [(row.kid, ECKey.import_key(orjson.loads(row.private)).as_dict(private=False)) for row in rows]
        return {"keys": [{**key, "kid": kid, "use": "sig", "alg": _ALGORITHM} for kid, key in public]}

    def _newest(self) -> ECKey:
        if self._key is not None:
            return self._key
        with reading(self._engine) as connection:
            row = connection.execute(select(keys).order_by(keys.c.created_at.desc(), keys.c.kid).limit(1)).one_or_none()
        if row is None:
            self.rotate()
        else:
            self._key = ECKey.import_key(orjson.loads(row.private))
        assert self._key is not None
        return self._key
