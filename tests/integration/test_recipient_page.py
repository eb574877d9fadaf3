"""What a recipient sees whose link does not open: a page for browsers, S3's XML for everybody else."""

import base64
import hashlib
import html
import re

import pytest
from page_check import check_pages, needs_chromium
from raw_s3 import Connection, Signer, amz_date, head_bytes, host_of, request

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
KEY = "/file-exchange/Angebot.pdf"
HEADINGS = {
    "en": ("This link has expired", "This file is no longer here"),
    "de": ("Dieser Link ist abgelaufen", "Diese Datei ist nicht mehr da"),
    "fr": ("Ce lien a expiré", "Ce fichier n’est plus là"),
    "es": ("Este enlace ha caducado", "Este archivo ya no está aquí"),
    "it": ("Questo link è scaduto", "Questo file non c’è più"),
    "nl": ("Deze link is verlopen", "Dit bestand is er niet meer"),
    "pl": ("Ten link wygasł", "Tego pliku już tu nie ma"),
    "uk": ("Термін дії цього посилання минув", "Цього файлу тут більше немає"),
}


def targets(server):
    """For each state: a target in it, and what S3 answers there."""
    signer, host = Signer.of(server), host_of(server)
    good = signer.presign(host, KEY)
    stranger = Signer("AKIAIOSFODNN7STRANGE", signer.secret_access_key)
    return {
        "expired": (signer.presign(host, KEY, expires=60, date=amz_date(-3600)), 403, "AccessDenied"),
        "removed": (signer.presign(host, "/file-exchange/none"), 404, "NoSuchKey"),
        "cut": (good[:good.index("X-Amz-Expires")], 400, "AuthorizationQueryParametersError"),
        "cut in the signature": (good[:-7], 403, "SignatureDoesNotMatch"),
        "cut off": (KEY, 403, "AccessDenied"),
        "changed": (good.replace("Angebot", "angebot"), 403, "SignatureDoesNotMatch"),
        "garbled": (good.replace("&", "&amp;"), 400, "AuthorizationQueryParametersError"),
        "key gone": (stranger.presign(host, KEY), 403, "InvalidAccessKeyId"),
    }


def get(server, target, method="GET", **headers):
    fields = {"Host": host_of(server), **{name.replace("_", "-"): value for name, value in headers.items()}}
    with Connection(server) as connection:
        connection.send(head_bytes(method, target, fields))
        answer = connection.read_answer(method)
        # The connection goes on, as after any other answer.
        connection.send(head_bytes(method, target, fields))
        again = connection.read_answer(method)
    assert (answer.status, answer.code) == (again.status, again.code)
    return answer


def check_page(answer, language):
    field = {name.lower(): value for name, value in answer.headers.items()}
    assert field["content-type"] == "text/html; charset=utf-8"
    assert field["content-language"] == language
    assert field["cache-control"] == "no-store"
    assert field["vary"] == "Accept, Accept-Language"
    assert field["x-robots-tag"] == "noindex, nofollow"
    assert field["referrer-policy"] == "no-referrer"
    assert field["x-content-type-options"] == "nosniff"
    text = answer.body.decode()
    style = re.search("<style>(.*?)</style>", text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert field["content-security-policy"] == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
                                                "form-action 'none'; frame-ancestors 'none'")
    assert f'<html lang="{language}" dir="ltr">' in text
    for secret in ("X-Amz", "Angebot", "file-exchange", "AKIA", "<script"):
        assert secret not in text
    return html.unescape(re.search("<h1>(.*?)</h1>", text).group(1))


@pytest.fixture
def with_file(server):
    assert request(server, "PUT", KEY, b"offer").status == 200
    server.wait_mails(1)
    return server


def test_a_browser_gets_a_page_and_a_client_xml_in_every_state(with_file):
    headings = {}
    for state, (target, status, code) in targets(with_file).items():
        for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/xml, text/html;q=0.9"}):
            answer = get(with_file, target, **accept)
            assert (answer.status, answer.code) == (status, code), state
            assert answer.headers["content-type"] == "application/xml", state
        answer = get(with_file, target, Accept=BROWSER)
        assert answer.status == status, state
        headings[state] = check_page(answer, "en")
    assert headings == {
        "expired": "This link has expired",
        "removed": "This file is no longer here",
        "cut": "This link is incomplete",
        "cut in the signature": "This link is incomplete",
        "cut off": "This link is incomplete",
        "changed": "This link does not work",
        "garbled": "This link does not work",
        "key gone": "This link is no longer valid",
    }


@pytest.mark.parametrize("language", sorted(HEADINGS))
def test_the_page_speaks_the_language_of_the_browser(with_file, language):
    states = targets(with_file)
    for state, heading in zip(("expired", "removed"), HEADINGS[language]):
        answer = get(with_file, states[state][0], Accept=BROWSER, Accept_Language=f"sv,{language}-XX;q=0.8,en;q=0.1")
        assert check_page(answer, language) == heading


def test_the_page_names_the_sender(with_file):
    answer = get(with_file, targets(with_file)["expired"][0], Accept=BROWSER)
    sender = str(with_file.mails()[0].message["From"].addresses[0].addr_spec)
    assert f'<a href="mailto:{sender}">' in answer.body.decode()


def test_head_has_the_fields_of_get_and_no_body(with_file):
    signer = Signer.of(with_file)
    target = signer.presign(host_of(with_file), "/file-exchange/none", method="HEAD")
    head = get(with_file, target, method="HEAD", Accept=BROWSER)
    page = get(with_file, signer.presign(host_of(with_file), "/file-exchange/none"), Accept=BROWSER)
    ours = ("content-type", "content-language", "content-length", "content-security-policy", "cache-control", "vary")
    assert (head.status, head.body) == (404, b"")
    assert {name: head.headers[name] for name in ours} == {name: page.headers[name] for name in ours}


def test_a_link_that_is_right_opens_in_a_browser(with_file):
    target = Signer.of(with_file).presign(host_of(with_file), KEY)
    answer = get(with_file, target, Accept=BROWSER)
    assert (answer.status, answer.body) == (200, b"offer")


@needs_chromium
def test_axe_finds_nothing_on_any_page_at_any_width_in_light_and_dark(with_file, tmp_path):
    states = targets(with_file)
    for result in check_pages([with_file.endpoint + target for target, _, _ in states.values()], tmp_path):
        assert result["language"] == "de", result
        assert all("status of 40" in complaint for complaint in result["complaints"]), result
