"""What mails say: five languages, the owner's own templates, and names that try to be more than names."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from connectors.errors import PermanentError
from connectors.fluix.account.mail import texts
from connectors.fluix.account.mail.message import Letter, Sender, build, header_text
from connectors.fluix.account.mail.texts import SAMPLES, Texts, clean
from connectors.fluix.account.settings import MailSettings
from tests.mail_house import MailHouse, StandingClock
from tests.mail_servers import Inbox, smtp_server

LANGUAGES = ["de", "en", "es", "fr", "nl"]
OURS = Path(texts.__file__).parent / "templates"


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def test_every_template_is_there_in_every_language_and_no_other():
    assert {file.name for file in OURS.iterdir()} == {
        f"{kind}.{language}.txt" for kind in SAMPLES for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SAMPLES)
def test_every_template_uses_every_value(kind, language):
    subject, text = Texts(MailSettings(language=language)).render(kind, SAMPLES[kind])
    assert subject
    assert "\n" not in subject
    for value in SAMPLES[kind].values():
        assert value in text
    assert "{{" not in subject + text


def test_all_languages_differ():
    said = {
        Texts(MailSettings(language=language)).render("invitation", SAMPLES["invitation"]) for language in LANGUAGES
    }
    assert len(said) == len(LANGUAGES)


def test_an_own_template_stands_before_ours_and_the_others_stay(own):
    (own / "invitation.de.txt").write_text("\ufeffWillkommen, {{ name }}\r\nHier: {{ link }}\r\n", encoding="utf-8")
    mine = Texts(MailSettings(language="de", templates=own))
    mine.check()
    assert mine.render("invitation", SAMPLES["invitation"])[0] == "Willkommen, Anna Berg"
    assert mine.render("user_data", SAMPLES["user_data"])[0] == "Ihre Aktivitäten in Fluix"


BROKEN = {
    "syntax": "Hello {{ name\n{{ link }}",
    "unknown value": "Hello\n{{ link }} {{ nmae }}",
    "no such filter": "Hello\n{{ link | shout }}",
    "empty": "",
    "no text": "Hello {{ link }}\n\n",
    "no subject": "\nHello\n{{ link }}",
    "no link": "Hello\nyou are invited\n",
    "escape from the sandbox": "Hello\n{{ link }}{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "without end": "Hello\n{{ link }}{% for a in range(10**9) %}x{% endfor %}",
    "division": "Hello\n{{ link }}{{ 1 / 0 }}",
    "includes a file": "Hello\n{{ link }}{% include '../../../../../../etc/passwd' %}",
    "includes itself": "Hello\n{{ link }}{% include 'invitation.en.txt' %}",
    "not UTF-8": b"Hello \xff\n{{ link }}",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_own_template_is_a_clear_error_that_loses_nothing(tmp_path, own, content):
    (own / "invitation.en.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    house = MailHouse(tmp_path)
    house.invite("a@example.com")
    inbox = Inbox()
    with smtp_server(inbox) as port:
        good = house.settings
        house.settings = type(good)(mail=MailSettings(sender=good.mail.sender, templates=own))
        with pytest.raises(PermanentError, match="template of a mail is broken") as caught:
            house.through(port).deliver()
        assert caught.value.where.endswith("invitation.en.txt")
        assert caught.value.cure
        assert (house.mail(1).state, house.mail(1).tries, inbox.mails) == ("queued", 0, [])
        house.settings = good
        assert house.through(port).deliver().sent == 1


@pytest.mark.parametrize("path", ["none", "file"])
def test_a_folder_of_templates_that_is_none(tmp_path, path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(PermanentError, match="folder of the mails' templates is not there"):
        Texts(MailSettings(templates=tmp_path / path)).check()


NAMES = {
    "header": "Anna\r\nBcc: everybody@example.com\r\n\r\nbody",
    "line feeds": "Anna\n\n\nThe admin asks for your password",
    "other line ends": "A\u2028B\u2029C\x85D\x0bE\x0cF",
    "backwards": "Anna\u202egreB\u202c",
    "NUL": "An\0na",
    "template": "{{ link }}{% raw %}",
    "encoded word": "=?utf-8?q?=0d=0aBcc:_x@example.com?=",
    "angle brackets": 'Anna <script>" & <x@example.com>',
    "long": "A" * 5000,
    "persian": "مریم علی\u200cزاده",
    "emoji": "👩\u200d💻",
    "dot": ".",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_never_more_than_a_name(own, name):
    (own / "invitation.en.txt").write_text("Welcome {{ name }}\nDear {{ name }},\n{{ link }}\n")
    subject, text = Texts(MailSettings(templates=own)).render("invitation", {**SAMPLES["invitation"], "name": name})
    assert text == f"Dear {clean(name)},\n{SAMPLES['invitation']['link']}\n"
    content = build(
        Letter("anna@example.com", subject, text, f"{name}.csv", "a,b"),
        Sender(clean(name), "fluix@example.com"),
        "<1.a@example.com>",
        StandingClock().now,
    )
    read = message_from_bytes(content.replace(b"\r\n", b"\n"), policy=default)
    assert read.keys() == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ]
    assert read["Subject"] == header_text(f"Welcome {name}")
    body, attached = read.iter_parts()
    assert body.keys() == ["Content-Type", "Content-Transfer-Encoding"]
    assert sorted(attached.keys()) == [
        "Content-Disposition",
        "Content-Transfer-Encoding",
        "Content-Type",
        "MIME-Version",
    ]
    assert [address.addr_spec for address in read["From"].addresses] == ["fluix@example.com"]
    assert body.get_content() == text
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_names_with_joiners_keep_them():
    assert clean("مریم علی\u200cزاده") == "مریم علی\u200cزاده"
    assert clean("  a \t b\u202e\r\n") == "a b"
