"""Bounces: which reports count, and mailboxes of three kinds, a real IMAP server among them."""

from __future__ import annotations

import mailbox
import os
import shutil
from datetime import timedelta

import pytest

from connectors.errors import ConnectorError, PermanentError, RetryableError, UnreadableError
from connectors.fluix.account.mail.box_settings import BounceSettings, Imap
from connectors.fluix.account.mail.mailing import Mailing
from connectors.fluix.account.mail.reports import read_report
from connectors.fluix.account.settings import Settings
from tests.mail_house import MailHouse
from tests.mail_servers import Faulty, Inbox, bounce, dovecot, faulty_server, free_port, smtp_server

SAID = "550 5.1.1 no such user"


@pytest.fixture
def house(tmp_path):
    """Ida and Bob were invited."""
    house = MailHouse(tmp_path)
    house.invite("ida@example.com", "Ida")
    house.invite("bob@example.com", "Bob")
    with smtp_server(Inbox()) as port:
        assert house.through(port).deliver().sent == 2
    return house


def mbox(tmp_path, *messages):
    file = tmp_path / "bounces.mbox"
    file.write_bytes(
        b"".join(b"From MAILER-DAEMON Mon Nov  2 08:30:00 2026\n" + message + b"\n" for message in messages)
    )
    return BounceSettings(file)


def counts(done):
    return {name: count for name in ("refused", "known", "other", "strange", "junk") if (count := getattr(done, name))}


def test_a_bounce_makes_the_address_refused_and_the_admin_is_told(house, tmp_path):
    box = mbox(tmp_path, bounce(house.mail(1).message_id))
    assert counts(house.mailing(None).bounces(box)) == {"refused": 1}
    assert (house.mail(1).state, house.mail(1).error) == ("refused", SAID)
    assert (house.mail(2).state, house.user("bob@example.com").refused) == ("sent", None)
    assert house.user("ida@example.com").refused == SAID
    (told,) = house.mails("refused_address")
    assert (told.email, told.subject) == ("olga@example.com", "Fluix: the address ida@example.com was not accepted")
    assert SAID in told.text
    assert house.activity("address refused") == [f"invitation to ida@example.com: {SAID}"]


def test_the_same_bounce_twice_does_nothing_more(house, tmp_path):
    one = bounce(house.mail(1).message_id)
    box = mbox(tmp_path, one, one)
    assert counts(house.mailing(None).bounces(box)) == {"refused": 1, "known": 1}
    assert counts(house.mailing(None).bounces(box)) == {"known": 2}
    assert len(house.mails("refused_address")) == 1


def test_an_old_bounce_says_nothing_of_a_mail_that_was_sent_again(house, tmp_path):
    box = mbox(tmp_path, bounce(house.mail(1).message_id))
    mailing = house.mailing(None)
    mailing.bounces(box)
    mailing.requeue(1)
    assert counts(mailing.bounces(box)) == {"strange": 1}
    with smtp_server(Inbox()) as port:
        house.through(port).deliver()
    assert counts(mailing.bounces(box)) == {"strange": 1}
    assert (house.mail(1).state, house.user("ida@example.com").refused) == ("sent", None)
    again = mbox(tmp_path, bounce(house.mail(1).message_id))
    assert counts(mailing.bounces(again)) == {"refused": 1}


def test_a_bounce_settles_what_was_unsure(house, tmp_path):
    house.set_mail(1, state="unsure")
    assert counts(house.mailing(None).bounces(mbox(tmp_path, bounce(house.mail(1).message_id)))) == {"refused": 1}


@pytest.mark.parametrize(
    "different",
    [
        {"returned": "text/rfc822-headers"},
        {"action": "Failed", "status": " 5.7.1 (delivery not authorized)"},
        {"action": "FAILED ", "status": "5.0.0"},
        {"report_type": '"Delivery-Status"'},
        {"recipient": "somebody.else@example.com"},  # it was forwarded; the Message-ID knows whose mail it was
    ],
    ids=str,
)
def test_reports_as_servers_write_them(house, tmp_path, different):
    assert counts(house.mailing(None).bounces(mbox(tmp_path, bounce(house.mail(1).message_id, **different)))) == {
        "refused": 1
    }
    assert house.user("ida@example.com").refused == SAID


def test_a_report_without_words_is_told_by_its_status(house, tmp_path):
    house.mailing(None).bounces(mbox(tmp_path, bounce(house.mail(1).message_id, diagnostic="", status="5.1.10")))
    assert house.user("ida@example.com").refused == "status 5.1.10"


@pytest.mark.parametrize(
    "different",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"action": "delayed", "status": "5.1.1"},
        {"action": "failed", "status": "4.4.7"},
        {"action": "delivered", "status": "2.0.0"},
        {"action": "relayed", "status": "2.0.0"},
        {"action": "failed", "status": "5"},
        {"action": "failed", "status": "5.1.1234567"},
        {"action": "failed", "status": "15.1.1"},
        {"action": "failed", "status": ""},
        {"action": "not failed", "status": "5.1.1"},
    ],
    ids=str,
)
def test_what_is_late_or_arrived_is_no_refusal(house, tmp_path, different):
    assert counts(house.mailing(None).bounces(mbox(tmp_path, bounce(house.mail(1).message_id, **different)))) == {
        "other": 1
    }
    assert house.mail(1).state == "sent"
    assert house.user("ida@example.com").refused is None


def test_an_address_alone_is_never_trusted(house, tmp_path):
    real = house.mail(1).message_id
    forged = [
        "<1.0123456789abcdef01234567@example.com>",
        "<1@example.com>",
        real.replace("<1.", "<2."),
        real.upper(),
        real[:-1],
        real + real,
        "",
        "<999999999999999999999999.a@example.com>",
        "<-1.a@example.com>",
        "<9223372036854775808.a@b>",
        "<99.a@example.com>",
        "<١.a@example.com>",
    ]
    done = house.mailing(None).bounces(mbox(tmp_path, *map(bounce, forged)))
    assert done.refused == 0
    assert done.read == len(forged)
    assert [house.mail(number).state for number in (1, 2)] == ["sent", "sent"]


def test_a_bounce_of_another_account_is_none_of_ours(house, tmp_path):
    other = Mailing(house.engine, house.clock, Settings("other"))
    assert counts(other.bounces(mbox(tmp_path, bounce(house.mail(1).message_id)))) == {"strange": 1}


def nested(depth):
    top = b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'
    head = top + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )
    return head + b"Content-Type: text/plain\n\nx\n"


JUNK = {
    "empty": b"",
    "no headers": b"\n\n\n",
    "only bytes": bytes(range(256)) * 20,
    "a reply": b"From: ida@example.com\nSubject: Re: invitation\nReferences: <1.a@example.com>\n\nwhat is this?\n",
    "a read receipt": bounce("<1.a@example.com>", report_type="disposition-notification"),
    "a report without parts": b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\nnothing\n",
    "a report that is one text": b"Content-Type: multipart/report; report-type=delivery-status\n\nAction: failed\nStatus: 5.1.1\n",
    "no report type": bounce("<1.a@example.com>").replace(b"report-type=delivery-status; ", b""),
    "an encoded report type": bounce("<1.a@example.com>").replace(
        b"report-type=delivery-status", b"report-type*=utf-8''x%00"
    ),
    "nested without end": nested(3000),
    "a header of a megabyte": b"Subject: " + b"x" * (1 << 20) + b"\n\n",
    "a hundred thousand headers": b"X: y\n" * 100_000 + b"\n",
    "strange charset": b"Content-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\n%%%\n",
    "nothing returned": bounce("<1.a@example.com>").replace(b"message/rfc822", b"text/plain"),
    "an address that breaks parsers": b"From: =?utf-8?q?=00?= <\nTo: ,;:<>\nContent-Type: ;;;\n\n",
    "a bounce inside of a mail": b"Content-Type: message/rfc822\n\n" + bounce("<1.a@example.com>"),
}


@pytest.mark.parametrize("content", JUNK.values(), ids=JUNK)
def test_junk_is_passed_over_and_counted(content):
    assert read_report(content).kind == "junk"


def test_junk_between_bounces_hides_none_of_them(house, tmp_path):
    lines = [content for content in JUNK.values() if b"\nFrom " not in content]
    box = mbox(tmp_path, *lines, bounce(house.mail(1).message_id), *lines, bounce(house.mail(2).message_id))
    assert counts(house.mailing(None).bounces(box)) == {"refused": 2, "junk": 2 * len(lines)}


def test_a_report_stands_before_a_long_returned_mail_and_is_read(house, tmp_path):
    long = bounce(house.mail(1).message_id).replace(b"The text.", b"line of text\n" * 400_000)
    assert counts(house.mailing(None).bounces(mbox(tmp_path, long))) == {"refused": 1}


def test_a_report_in_every_line_end(house, tmp_path):
    assert read_report(bounce("<1.a@example.com>").replace(b"\n", b"\r\n")).said == SAID


def test_a_report_for_an_address_with_letters_beyond_ascii():
    content = bounce("<1.a@example.com>", returned="message/global-headers").replace(
        b"message/delivery-status", b"message/global-delivery-status"
    )
    report = read_report(content)
    assert (report.kind, report.message_id, report.said) == ("failed", "<1.a@example.com>", SAID)


def test_of_several_recipients_one_that_failed_is_enough():
    content = bounce("<1.a@example.com>").replace(
        b"Final-Recipient",
        b"Final-Recipient: rfc822; list@example.com\nAction: relayed\nStatus: 2.0.0\n\nFinal-Recipient",
        1,
    )
    assert read_report(content).kind == "failed"


def test_what_the_report_says_is_one_short_line():
    said = read_report(bounce("<1.a@example.com>", diagnostic="smtp; 550 a\n \x1b[31mb\u202e\n " + "c" * 2000)).said
    assert said.startswith("550 a [31mb")
    assert said.isprintable()
    assert len(said) == 500


@pytest.mark.parametrize("what", ["none", "folder", "text", "fifo"])
def test_what_is_no_mailbox(house, tmp_path, what):
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("Dear admin,\n")
    elif what == "fifo":
        os.mkfifo(path)
    with pytest.raises(PermanentError) as caught:
        house.mailing(None).bounces(BounceSettings(path))
    assert caught.value.where == str(path)
    assert caught.value.cure


def test_an_empty_mailbox(house, tmp_path):
    (tmp_path / "empty").touch()
    assert house.mailing(None).bounces(BounceSettings(tmp_path / "empty")).read == 0
    with pytest.raises(PermanentError, match="no mailbox"):
        house.mailing(None).bounces(BounceSettings())


def test_an_mbox_is_only_read(house, tmp_path):
    box = mbox(tmp_path, bounce(house.mail(1).message_id))
    before = box.path.read_bytes(), sorted(tmp_path.iterdir())
    house.mailing(None).bounces(box)
    assert (box.path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_a_maildir_is_read_once_and_nothing_is_deleted(house, tmp_path):
    folder = mailbox.Maildir(tmp_path / "Maildir")
    content = bounce(house.mail(1).message_id)
    folder.add(content)
    read = mailbox.MaildirMessage(b"Subject: read\n\n")
    read.set_subdir("cur")
    read.add_flag("S")
    folder.add(read)
    answered = mailbox.MaildirMessage(b"Subject: junk\n\n")
    answered.set_subdir("cur")
    answered.add_flag("R")
    folder.add(answered)
    box = BounceSettings(tmp_path / "Maildir")
    assert counts(house.mailing(None).bounces(box)) == {"refused": 1, "junk": 1}
    assert counts(house.mailing(None).bounces(box)) == {}
    there = mailbox.Maildir(tmp_path / "Maildir", create=False)
    assert len(there) == 3
    assert sorted("".join(sorted(message.get_flags())) for message in there) == ["RS", "S", "S"]
    assert content in {message.as_bytes() for message in there}


def test_a_message_is_marked_only_after_it_is_written(house, tmp_path, monkeypatch):
    mailbox.Maildir(tmp_path / "Maildir").add(bounce(house.mail(1).message_id))
    box = BounceSettings(tmp_path / "Maildir")
    monkeypatch.setattr(
        "connectors.fluix.account.mail.bounces._take", lambda *_: (_ for _ in ()).throw(RuntimeError("killed"))
    )
    with pytest.raises(RuntimeError):
        house.mailing(None).bounces(box)
    monkeypatch.undo()
    assert counts(house.mailing(None).bounces(box)) == {"refused": 1}


@pytest.fixture(scope="module")
def imap_server():
    with dovecot('pä ss"w\\örd') as server:
        yield server


@pytest.fixture
def imap(imap_server, request):
    """A folder of its own for each test."""
    port, tls_port, inbox, cert = imap_server
    folder = inbox / f".{abs(hash(request.node.name))}"
    for part in (folder, *(folder / name for name in ("new", "cur", "tmp"))):
        part.mkdir()
        shutil.chown(part, inbox.stat().st_uid, inbox.stat().st_gid)
    return port, tls_port, folder, cert


def put(folder, content, name):
    file = folder / "new" / name
    file.write_bytes(content)
    shutil.chown(file, folder.stat().st_uid, folder.stat().st_gid)


def imap_settings(port, security="none", folder="INBOX", password='pä ss"w\\örd', host="127.0.0.1"):
    return BounceSettings(imap=Imap(host, "fluix", lambda: password, port, security, folder, timedelta(seconds=20)))


def test_a_folder_on_a_real_imap_server(house, imap):
    port, _, maildir, _ = imap
    for number, content in enumerate(
        [bounce(house.mail(1).message_id), b"Subject: junk\n\n", bounce(house.mail(2).message_id)]
    ):
        put(maildir, content, f"{number}.a")
    mailing = house.mailing(None)
    assert counts(mailing.bounces(imap_settings(port, folder=maildir.name[1:]))) == {"refused": 2, "junk": 1}
    assert house.user("bob@example.com").refused == SAID
    assert counts(mailing.bounces(imap_settings(port, folder=maildir.name[1:]))) == {}
    assert all("S" in file.name.partition(":2,")[2] for file in (maildir / "cur").iterdir())
    put(maildir, b"Subject: more junk\n\n", "9.a")
    assert counts(mailing.bounces(imap_settings(port, folder=maildir.name[1:]))) == {"junk": 1}


def test_imap_marks_only_what_is_written(house, imap, monkeypatch):
    port, _, maildir, _ = imap
    put(maildir, bounce(house.mail(1).message_id), "1.a")
    monkeypatch.setattr(
        "connectors.fluix.account.mail.bounces._take", lambda *_: (_ for _ in ()).throw(RuntimeError("killed"))
    )
    with pytest.raises(RuntimeError):
        house.mailing(None).bounces(imap_settings(port, folder=maildir.name[1:]))
    monkeypatch.undo()
    assert counts(house.mailing(None).bounces(imap_settings(port, folder=maildir.name[1:]))) == {"refused": 1}


def test_imap_by_tls_and_starttls_with_the_certificate_checked(house, imap, monkeypatch):
    port, tls_port, maildir, cert = imap
    for at, security in ((tls_port, "tls"), (port, "starttls")):
        with pytest.raises(PermanentError, match="certificate is not trusted"):
            house.mailing(None).bounces(imap_settings(at, security))
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    put(maildir, bounce(house.mail(1).message_id), "1.a")
    assert counts(house.mailing(None).bounces(imap_settings(tls_port, "tls", maildir.name[1:]))) == {"refused": 1}
    put(maildir, bounce(house.mail(1).message_id), "2.a")
    assert counts(house.mailing(None).bounces(imap_settings(port, "starttls", maildir.name[1:]))) == {"known": 1}


def test_an_imap_folder_with_letters_beyond_ascii(house, imap):
    port, maildir = imap[0], imap[2].parent
    put(maildir / ".Zur&APw-ck &- mehr", bounce(house.mail(1).message_id), "1.a")
    assert counts(house.mailing(None).bounces(imap_settings(port, folder="Zurück & mehr"))) == {"refused": 1}


@pytest.mark.parametrize("folder", ["Nowhere", 'a"b', "a\\b", "", "a\r\nb"])
def test_an_imap_folder_that_is_not_there(house, imap, folder):
    with pytest.raises(ConnectorError) as caught:
        house.mailing(None).bounces(imap_settings(imap[0], folder=folder))
    assert caught.value.cure


def test_a_wrong_imap_password(house, imap):
    with pytest.raises(PermanentError, match="does not let us in") as caught:
        house.mailing(None).bounces(imap_settings(imap[0], password="wr0ng"))
    assert "wr0ng" not in caught.value.what
    assert "password" in caught.value.cure


def test_imap_tls_where_there_is_none(house, imap):
    with pytest.raises(PermanentError, match="encrypted"):
        house.mailing(None).bounces(imap_settings(imap[0], "tls"))


def test_an_imap_server_that_is_not_there_or_is_none(house):
    with pytest.raises(RetryableError, match="does not answer"):
        house.mailing(None).bounces(imap_settings(free_port()))
    with pytest.raises(ConnectorError):
        house.mailing(None).bounces(imap_settings(25, host="a" * 70 + ".example"))
    for does in ("close", "220 hello", "* OK hello"):
        with (
            faulty_server(Faulty(lambda word, _, does=does: does if word == "GREETING" else "close")) as port,
            pytest.raises(RetryableError),
        ):
            house.mailing(None).bounces(imap_settings(port))


def test_unreadable_is_told_apart_from_missing(house, tmp_path):
    (tmp_path / "text").write_text("x")
    with pytest.raises(UnreadableError):
        house.mailing(None).bounces(BounceSettings(tmp_path / "text"))
