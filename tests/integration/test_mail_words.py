"""The mail in its readers' language and time zone: what it says, what mail programs make of it, what is refused."""

import datetime
import email.header
import json
import re
import signal
import subprocess
import urllib.parse
import zoneinfo

import pytest
from raw_s3 import Signer, amz_date, host_of, request
from s3link_harness import BINARY, clean_environment, wait_until

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "en": "January February March April May June July August September October November December".split(),
    "uk": ("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня").split(),
}
DAYS = {
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "uk": "понеділок вівторок середа четвер п’ятниця субота неділя".split(),
}
FORM = {
    "de": "{day}. {month}{year}, {clock} Uhr",
    "en": "{day} {month}{year}, {clock}",
    "uk": "{day} {month}{year}, {clock}",
}


def deadline_of(mail):
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(mail.link).query))
    signed = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    return signed + datetime.timedelta(seconds=int(query["X-Amz-Expires"]))


def in_words(moment, language, zone, sent):
    """The moment with its weekday, and without, as Python's time zones have it."""
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    minutes = int(local.utcoffset().total_seconds()) // 60
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    offset = "UTC" if size == 0 else f"UTC{sign}{size // 60}" + (f":{size % 60:02}" if size % 60 else "")
    year = "" if local.year == sent.astimezone(local.tzinfo).year else f" {local.year}"
    month = MONTHS[language][local.month - 1]
    date = FORM[language].format(day=local.day, month=month, year=year, clock=f"{local:%H:%M}")
    return f"{DAYS[language][local.weekday()]}, {date} ({offset})", f"{date} ({offset})"


def check_fields(mail):
    """RFC 5322 and RFC 2047: ASCII, folded, every encoded word whole in itself."""
    head = mail.path.read_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
    for line in head.split("\r\n"):
        assert len(line) <= 78, line
    words = re.findall(r"=\?utf-8\?B\?[^?]*\?=", head)
    for word in words:
        assert len(word) <= 75
        ((text, charset),) = email.header.decode_header(word)
        text.decode(charset)  # no character is cut in two
    return words


def mail_of(server, key):
    assert request(server, "PUT", f"/file-exchange/{urllib.parse.quote(key)}", b"x" * 1234).status == 200
    (mail,) = server.wait_mails(1)
    return mail


@pytest.mark.parametrize("language, zone, subject, sentence, size", [
    ("de", "Europe/Berlin", "acme hat Ihnen „Angebot Müller.pdf“ gesendet, verfügbar bis {}", "Der Link gilt bis {}.",
     "1,2 kB (1.234 Bytes)"),
    ("uk", "Asia/Kathmandu", "acme надсилає вам файл «Angebot Müller.pdf», доступний до {}", "Посилання діє до: {}.",
     "1,2 кБ (1\u00a0234 байти)"),
    ("en", "America/St_Johns", 'acme sent you "Angebot Müller.pdf", available until {}', "The link works until {}.",
     "1.2 kB (1,234 bytes)"),
])
def test_the_mail_is_in_its_readers_words(make_server, language, zone, subject, sentence, size):
    server = make_server(settings={"email.language": language, "email.time_zone": zone,
                                   "email.sender": "s3link@files.acme.co.uk"})
    mail = mail_of(server, "2026/Angebot Müller.pdf")
    words, brief = in_words(deadline_of(mail), language, zone, mail.message["Date"].datetime)
    assert mail.subject == subject.format(brief)
    assert str(mail.message["From"]) == "acme <s3link@files.acme.co.uk>"
    assert sentence.format(words) in mail.text.splitlines()
    assert sentence.format(f"<strong>{words}</strong>") in mail.html
    assert size in mail.text and size in mail.html
    assert mail.text.count(words) == 1, "the deadline is told once"
    assert f'<html lang="{language}" dir="ltr">' in mail.html
    assert f'<table role="presentation" lang="{language}" dir="ltr"' in mail.html
    assert mail.message.get_content_type() == "multipart/alternative"
    assert check_fields(mail), "such a subject is encoded"
    assert server.fetch(mail.link).status == 200


def test_without_a_zone_it_is_the_machines(make_server):
    server = make_server(environment={"TZ": "Asia/Kolkata"})
    mail = mail_of(server, "a.txt")
    words, brief = in_words(deadline_of(mail), "en", "Asia/Kolkata", mail.message["Date"].datetime)
    assert mail.subject == f's3link sent you "a.txt", available until {brief}'
    assert words in mail.text and words.endswith("(UTC+5:30)")


def test_a_name_that_is_set_is_taken_and_none_is_none(make_server):
    named = mail_of(make_server(settings={"email.sender_name": "Müller & Söhne"}), "a.txt")
    assert named.message["From"].addresses[0].display_name == "Müller & Söhne"
    assert named.text.startswith("Müller & Söhne sent you a file.")
    assert "<bdi>Müller &amp; Söhne</bdi> sent you a file." in named.html
    anonymous = mail_of(make_server(settings={"email.sender_name": ""}), "a.txt")
    assert str(anonymous.message["From"]) == "s3link@localhost"
    assert anonymous.text.startswith("You were sent a file.")


def test_templates_of_ones_own_get_the_same_words(make_server, tmp_path):
    (tmp_path / "subject.txt").write_text("{{FILE_NAME}} ({{LANGUAGE}}) bis {{EXPIRES_LOCAL_SHORT}}")
    (tmp_path / "body.txt").write_text(
        "{{LINK}}\n{{FILE_SIZE_LOCAL}}|{{EXPIRES_LOCAL}}|{{REMOVED_LOCAL}}|{{EXPIRES_AT}}\n")
    server = make_server(settings={"email.language": "de", "email.time_zone": "Europe/Berlin",
                                   "email.template_dir": str(tmp_path)})
    mail = mail_of(server, "a.txt")
    deadline, sent = deadline_of(mail), mail.message["Date"].datetime
    words, brief = in_words(deadline, "de", "Europe/Berlin", sent)
    assert mail.subject == f"a.txt (de) bis {brief}"
    size, expires, removed, in_english = mail.text.splitlines()[1].split("|")
    assert (size, expires) == ("1,2 kB (1.234 Bytes)", words)
    assert removed.endswith((" Uhr (UTC+1)", " Uhr (UTC+2)")) and removed != expires
    assert in_english == f"{deadline:%A}, {deadline.day} {deadline:%B %Y, %H:%M:%S} UTC", "as it was before"
    assert "hat Ihnen eine Datei gesendet." in mail.html, "the file that is missing is the built-in one's"


def test_pages_for_links_that_do_not_open_speak_the_language_of_the_mail(make_server):
    server = make_server(settings={"email.language": "de"})
    target = Signer.of(server).presign(host_of(server), "/file-exchange/x", expires=60, date=amz_date(-3600))
    for accept_language, heading in ((None, "Dieser Link ist abgelaufen"), ("sv", "Dieser Link ist abgelaufen"),
                                     ("en", "This link has expired")):
        fields = {"Accept": BROWSER} | ({"Accept-Language": accept_language} if accept_language else {})
        answer = server.fetch(server.endpoint + target, headers=fields)
        assert answer.status == 403 and f"<h1>{heading}</h1>" in answer.body.decode()


def test_unknown_zones_and_languages_are_listed_with_all_other_problems(tmp_path):
    file = tmp_path / "s3link.toml"
    file.write_text('[email]\nlanguage = "sv"\ntime_zone = "Europe/Berln"\n[link]\nexpiration = "8d"\n')
    for command in (["config", "check"], ["serve", "--data-dir", tmp_path / "data"]):
        done = subprocess.run([BINARY, *command, "--config", file], env=clean_environment(), capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 2
        assert f"{file}:2: email.language: not one of en, de, fr, es, it, nl, pl, uk" in done.stderr
        assert (f'{file}:3: email.time_zone: "Europe/Berln" is not a time zone of /usr/share/zoneinfo '
                "(package tzdata); write it like Europe/Berlin, or UTC") in done.stderr
        assert f"{file}:5: link.expiration:" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_new_language_needs_a_restart_and_no_mail_is_in_two(make_server, tmp_path):
    file = tmp_path / "s3link.toml"
    file.write_text('[email]\nlanguage = "de"\n[alarm]\nemail = "admin@localhost"\n')
    server = make_server(environment={"S3LINK_CONFIG": str(file)})
    file.write_text('[email]\nlanguage = "fr"\ntime_zone = "UTC"\n[alarm]\nemail = "admin@localhost"\n')
    server.process.send_signal(signal.SIGHUP)
    lines = wait_until(lambda: [json.loads(line) for line in server.log().splitlines() if '"needs a restart"' in line],
                       what="the warning")
    assert lines[0]["settings"] == "email.language, email.time_zone"
    mail = mail_of(server, "a.txt")
    assert "hat Ihnen" in mail.subject and "Der Link gilt bis" in mail.text and " Uhr (" in mail.text
