"""The configuration of the managed app config: which app, which MDM products, what goes into it. Opens no file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from mdm.errors import MdmError
from mdm.values import bundle_id_problem
from syncd.config_file import Fault, Located, faults, shorten
from syncd.config_mdm_push import IntunePush, KmfddmPush, NanoMdmPush, PushTargetConfig
from syncd.config_values import NOT_EMPTY, Attribute, Text

if TYPE_CHECKING:
    from typing import Self

    from mdm.bundle import Order
    from mdm.model import Value
    from mdm.vendors import Chosen


def _bundle_id(text: str) -> str:
    if problem := bundle_id_problem(text):
        raise faults(f'"{shorten(text)}" is not a bundle identifier, as com.example.app: {problem}')
    return text


class MdmConfig(Located):
    """The managed app config that pre-fills each person's email on the login page."""

    bundle_id: Annotated[str, AfterValidator(_bundle_id)] = Field(
        description="The app's bundle identifier, as your MDM shows it. It is never guessed.",
    )
    vendors: Annotated[tuple[Attribute, ...], Field(strict=False), NOT_EMPTY] = Field(
        description="The MDM products to write a config for (`intune`, `jamf_pro`).",
    )
    tokens: dict[Attribute, Text] = Field(
        default={},
        description="Product -> its variable for the user's email. Needed where the variable is not verified; it also goes "
        "before a verified one. Try it on one device first.",
    )
    literal: bool = Field(
        default=False,
        description="Whether each person also gets a file with the email written out; otherwise only the MDM's own variable "
        "stands for it.",
    )
    extra: Text | None = Field(
        default=None,
        description="A property list (XML) with further keys for the app, the same for everybody; relative to the "
        "configuration file. A push replaces the whole dictionary, so everything that the app needs must be in it.",
    )
    assets_url: Text | None = Field(
        default=None,
        description="The https address of the folder on your web server where devices fetch their config, for declarations "
        "(`kmfddm`; experimental).",
    )

    push: Annotated[tuple[PushTargetConfig, ...], Field(strict=False)] = Field(
        default=(),
        description="The products that `syncd mdm push` gives the config to over their own interfaces. None: it is off.",
    )

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        found = [Fault(str(error), at) for at, error in self._refused()]
        found += [
            Fault("is a product that `vendors` does not name", ("tokens", name))
            for name in self.tokens
            if name not in self.vendors
        ]
        found += self._push_refused()
        if found:
            raise faults(*found)
        return self

    def _refused(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        from mdm.bundle import Order  # noqa: PLC0415 - only who renders, or has the section, waits for it
        from mdm.vendors import choose  # noqa: PLC0415 - the same

        for place, name in enumerate(self.vendors):
            at: tuple[str | int, ...] = ("tokens", name) if name in self.tokens else ("vendors", place)
            try:
                one = choose(name, self.tokens)
                Order(self.bundle_id, (one,), literal=self.literal, assets_url=self.assets_url or "")
            except MdmError as error:
                yield at, f"{error.what}: {error.cure}"

    def _push_refused(self) -> Iterator[Fault]:
        from mdm.vendors import choose  # noqa: PLC0415 - as above

        names: set[str] = set()
        for place, one in enumerate(self.push):
            if one.name in names:
                yield Fault("another target is named so already: give each its own name", ("push", place, "name"))
            names.add(one.name)
            try:
                choose(one.type, self.tokens)
            except MdmError as error:
                yield Fault(f"{error.what}: {error.cure}", ("push", place, "type"))
            match one:
                case KmfddmPush() if not self.assets_url:
                    yield Fault("needs `mdm.assets_url`, where devices fetch their files", ("push", place, "type"))
                case IntunePush() if one.oauth.token_url is None:
                    yield Fault("`token_url` is missing: give your tenant's", ("push", place, "oauth"))
                case NanoMdmPush(ask_first=True, webhook=None):
                    cure = "give `webhook`, or set `ask_first: false` where the admin gives the app no other key"
                    yield Fault(f"devices cannot be asked first without their answers: {cure}", ("push", place))
                case _:
                    pass

    @property
    def extra_path(self) -> Path | None:
        """The file with further keys, absolute when the configuration was read from a file."""
        return self._base / self.extra if self.extra else None

    def chosen(self, names: tuple[str, ...] = ()) -> tuple[Chosen, ...]:
        """The products with their tokens.

        Args:
            names: these instead of the configured ones.

        Raises:
            MdmError: one is unknown, or its token is not verified and not given.
        """
        from mdm.vendors import choose  # noqa: PLC0415 - as above

        return tuple(choose(name, self.tokens) for name in names or self.vendors)

    def order(self, extra: dict[str, Value], names: tuple[str, ...] = (), *, literal: bool = False) -> Order:
        """What is to be rendered.

        Args:
            extra: what `extra_path` holds.
            names: as `chosen`.
            literal: as if `literal` were set.

        Raises:
            MdmError: something in it must not be written, or a product does not take it.
        """
        from mdm.bundle import Order  # noqa: PLC0415 - as above

        return Order(self.bundle_id, self.chosen(names), extra, self.literal or literal, self.assets_url or "")
