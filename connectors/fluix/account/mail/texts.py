"""What mails say: Jinja2 templates, sandboxed, text only; the first line is the subject.

A folder of the owner's stands before ours. Values are cleaned before they are put in: a name can break no line, and so
makes no header and no paragraph of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connectors.errors import PermanentError
from connectors.fluix.account.settings import MailSettings
from connectors.text import JOINERS

_OURS = Path(__file__).parent / "templates"

_SAMPLE_LINK = "https://fluix.example/sample?token=sample"

SAMPLES: dict[str, dict[str, str]] = {
    "invitation": {"name": "Anna Berg", "email": "anna@example.com", "link": _SAMPLE_LINK, "expires": "2026-11-16 08:30 UTC"},
    "password_reset": {"name": "Anna Berg", "email": "anna@example.com", "link": _SAMPLE_LINK, "expires": "2026-11-02 09:30 UTC"},
    "user_data": {"name": "Anna Berg", "email": "anna@example.com"},
    "refused_address": {"name": "Anna Berg", "email": "anna@example.com", "said": "550 5.1.1 no such user"},
}  # fmt: skip
"""Kind of mail -> what its template can use."""


class Texts:
    """The templates of one account.

    Args:
        settings: the language, and the owner's folder.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._language = settings.language
        self._own = settings.templates

    def render(self, kind: str, values: Mapping[str, str]) -> tuple[str, str]:
        """Subject and text of one mail.

        Raises:
            PermanentError: the template is missing or broken.
        """
        file = f"{kind}.{self._language}.txt"
        try:
            whole = self._environment.get_template(file).render({name: clean(value) for name, value in values.items()})
        except TemplateSyntaxError as error:
            raise self._broken(f"line {error.lineno}: {error.message}", error.filename or file) from error
        except TemplateNotFound as error:
            raise self._broken(f"there is no template {error.message}", file) from error
        except Exception as error:  # what an own template calls can raise anything
            raise self._broken(f"{type(error).__name__}: {error}", self._path(file)) from error
        subject, _, text = whole.lstrip("\ufeff").partition("\n")
        if not clean(subject) or not text.strip():
            raise self._broken("its first line has to be the subject, and a text has to follow", self._path(file))
        return clean(subject), text.strip() + "\n"

    def check(self) -> None:
        """Render every template once, before anything depends on it.

        Raises:
            PermanentError: the owner's folder is not there, or a template is broken, or leaves out the link.
        """
        if self._own is not None and not self._own.is_dir():
            cure = "make it, or leave `templates` out of the configuration"
            raise PermanentError("the folder of the mails' templates is not there", where=str(self._own), cure=cure)
        for kind, values in SAMPLES.items():
            _, text = self.render(kind, values)
            if values.get("link", "") not in text:
                raise self._broken("the text leaves out {{ link }}", self._path(f"{kind}.{self._language}.txt"))

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        folders = [self._own, _OURS] if self._own is not None else [_OURS]
        return ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder, encoding="utf-8") for folder in folders]),
            undefined=StrictUndefined,
            autoescape=False,
            auto_reload=False,
        )

    def _path(self, file: str) -> str:
        own = self._own / file if self._own is not None else None
        return str(own if own is not None and own.exists() else _OURS / file)

    @staticmethod
    def _broken(why: str, where: str) -> PermanentError:
        cure = "mend it, or take it out of the folder; every mail is still in the outbox"
        return PermanentError(f"the template of a mail is broken: {why}", where=where, cure=cure)


def clean(value: str) -> str:
    """A value as one line that reads in one direction, whatever it holds."""
    return " ".join("".join(c if c.isprintable() or c in JOINERS else " " for c in value).split())
