"""Login by an identity provider: OpenID Connect's code flow with PKCE, state and nonce (OpenID Connect Core 1.0, section 3.1).

Authlib makes the requests' parameters and checks the claims, joserfc the signature. Knows no person and no session of ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

import httpx
from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from syncd.config_access import OidcConfig
from syncd.sayings import Said
from syncd.web.access.errors import NoRoleError, NotBelievedError, OidcError
from syncd.web.access.keys import new_key
from syncd.web.roles import Role

_ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
"""Signatures with a key of the provider's own. Never `none`, and none made with a secret that two share."""
_DESCRIBED_FOR: Final = timedelta(hours=1)
_LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""
_TIMEOUT: Final = 10.0
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Trip:
    """What the browser keeps while it is at the provider's."""

    state: str
    nonce: str
    verifier: str
    back: str
    at: str

    def as_dict(self) -> dict[str, str]:
        """For a cookie that is signed."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    name: str
    role: Role
    id_token: str
    """As the provider wrote it: it is told by this whom to log out."""


class Provider:
    """One identity provider.

    Args:
        config: where it is, and what its groups may do.
        client: for requests to it.
    """

    def __init__(self, config: OidcConfig, client: httpx.Client | None = None) -> None:
        self.issuer = config.issuer
        self._config = config
        self._client = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._lock = Lock()
        self._description: tuple[datetime, dict[str, Any]] | None = None

    def begin(self, redirect_uri: str, back: str, now: datetime) -> tuple[str, Trip]:
        """The address that a browser is sent to, and what it keeps meanwhile.

        Raises:
            OidcError: the provider cannot be reached, or is another one.
        """
        trip = Trip(new_key(), new_key(), secrets.token_urlsafe(48), back, now.isoformat())
        address = prepare_grant_uri(
            self._described(now)["authorization_endpoint"],
            client_id=self._config.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=" ".join(self._config.scopes),
            state=trip.state,
            nonce=trip.nonce,
            code_challenge=create_s256_code_challenge(trip.verifier),
            code_challenge_method="S256",
        )
        return str(address), trip

    def finish(self, answer: Mapping[str, str], trip: Trip, redirect_uri: str, now: datetime) -> Vouched:
        """Whom the provider vouches for, by what the browser came back with.

        Raises:
            OidcError: the provider cannot be reached.
            NotBelievedError: for nobody; or it is the answer to another question, or from somebody else.
            NoRoleError: for somebody who may do nothing here.
        """
        issuer = self._config.issuer
        if not secrets.compare_digest(answer.get("state", "").encode(), trip.state.encode()):
            raise NotBelievedError(Said("this login was not begun in this browser"), cure=Said("begin anew"))
        if answer.get("iss", issuer) != issuer:  # RFC 9207: another provider's answer is not taken to this one
            raise NotBelievedError(
                Said("another identity provider answered"), where=answer["iss"], cure=Said("begin anew")
            )
        if error := answer.get("error"):
            said = answer.get("error_description", "")[:300]
            raise NotBelievedError(
                Said("the identity provider refused the login: %(error)s", error=error),
                where=said,
                cure=Said("ask whoever runs it"),
            )
        described = self._described(now)
        sent = self._exchange(described, answer.get("code", ""), trip.verifier, redirect_uri)
        claims = self._claims(described, sent, trip.nonce, now)
        return self._vouched({**self._more(described, sent, claims), **claims}, str(sent["id_token"]))

    def logout_address(self, id_token: str, back_to: str, now: datetime) -> str | None:
        """Where a browser is sent to be logged out there as well (OpenID Connect RP-Initiated Logout 1.0, section 2).

        None: the provider offers no such page, or cannot be reached; here the person is logged out all the same.
        """
        try:
            page = self._described(now).get("end_session_endpoint")
        except OidcError:
            return None
        said = {"id_token_hint": id_token, "post_logout_redirect_uri": back_to, "client_id": self._config.client_id}
        return str(add_params_to_uri(page, list(said.items()))) if page else None

    def _described(self, now: datetime) -> dict[str, Any]:
        with self._lock:
            if self._description and now < self._description[0] + _DESCRIBED_FOR:
                return self._description[1]
        described = self._asked("GET", self._config.issuer.rstrip("/") + _WELL_KNOWN)
        if described.get("issuer") != self._config.issuer:
            raise OidcError(
                Said(
                    "the identity provider calls itself %(name)s, and `access.oidc.issuer` calls it %(issuer)s",
                    name=described.get("issuer"),
                    issuer=self._config.issuer,
                ),
                cure=Said("write it as the provider does, to the last slash"),
            )
        missing = [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if not described.get(name)]
        if missing:
            said = Said("the identity provider does not say its %(missing)s", missing=", ".join(missing))
            raise OidcError(said, where=self._config.issuer)
        with self._lock:
            self._description = (now, described)
        return described

    def _exchange(self, described: Mapping[str, Any], code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        config = self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        secret = config.client_secret.reveal() if config.client_secret else ""
        ways = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret and "client_secret_basic" in ways:  # RFC 6749, section 2.3.1: both parts form-encoded first
            basic = httpx.BasicAuth(quote(config.client_id, safe=""), quote(secret, safe=""))
            return self._asked("POST", described["token_endpoint"], data=form, auth=basic)
        form |= {"client_id": config.client_id, **({"client_secret": secret} if secret else {})}
        return self._asked("POST", described["token_endpoint"], data=form)

    def _claims(
        self, described: Mapping[str, Any], sent: Mapping[str, Any], nonce: str, now: datetime
    ) -> dict[str, Any]:
        config = self._config
        try:
            keys = KeySet.import_key_set(self._asked("GET", described["jwks_uri"]))  # type: ignore[arg-type]
            token = jwt.decode(sent.get("id_token", ""), keys, algorithms=_ALGORITHMS)
            wanted = {"iss": config.issuer, "aud": config.client_id}
            options = {name: {"essential": True, "value": value} for name, value in wanted.items()}
            params = {"nonce": nonce, "client_id": config.client_id, "access_token": sent.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            said = Said("what the identity provider says of you cannot be believed: %(error)s", error=str(error))
            raise NotBelievedError(said, cure=Said("begin anew")) from None
        return dict(claims)

    def _more(self, described: Mapping[str, Any], sent: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """What only its page about the person says, where the token does not have the groups or the name."""
        config = self._config
        if {config.groups_claim, config.name_claim} <= claims.keys() or not described.get("userinfo_endpoint"):
            return {}
        bearer = {"Authorization": f"Bearer {sent.get('access_token', '')}"}
        more = self._asked("GET", described["userinfo_endpoint"], headers=bearer)
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
            raise NotBelievedError(Said("the identity provider speaks of two people at once"), cure=Said("begin anew"))
        return more

    def _vouched(self, claims: Mapping[str, Any], id_token: str) -> Vouched:
        config = self._config
        name, said = claims.get(config.name_claim), claims.get(config.groups_claim, [])
        if not isinstance(name, str) or not name.strip():
            raise NotBelievedError(
                Said("the identity provider does not say your name (claim %(claim)s)", claim=config.name_claim),
                cure=Said("ask whoever runs this to name another claim in `access.oidc.name_claim`"),
            )
        groups = [said] if isinstance(said, str) else [one for one in said if isinstance(one, str)]
        roles = [Role.of(config.roles[group]) for group in groups if group in config.roles]
        if not roles:
            many = Said(" (it has too many to say)") if config.groups_claim in claims.get("_claim_names", {}) else ""
            raise NoRoleError(
                Said(
                    "%(name)s may do nothing here: of %(count)s groups that the identity provider says%(many)s, none has a role",
                    name=name,
                    count=len(groups),
                    many=many,
                ),
                cure=Said("ask whoever runs this to put you into a group that has one"),
            )
        return Vouched(config.issuer, str(claims["sub"]), name.strip(), max(roles), id_token)

    def _asked(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, url, **more)
            document = answer.json() if answer.content else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise OidcError(
                Said("the identity provider cannot be reached"), where=url, cure=Said("try again later")
            ) from error
        if answer.status_code != httpx.codes.OK or not isinstance(document, dict):
            said = document.get("error", "") if isinstance(document, dict) else ""
            refused = NotBelievedError if answer.is_client_error else OidcError
            answered = f"{answer.status_code} {said}".rstrip()
            what = Said("the identity provider answered %(answered)s", answered=answered)
            raise refused(what, where=url, cure=Said("begin anew"))
        return document
