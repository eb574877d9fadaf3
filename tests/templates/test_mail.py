"""The mail of the SES template: the server's words, its variables, and what mail programs and screen readers need."""

import html.parser
import re

import pytest

import cfn_stack

ROOT = cfn_stack.DEPLOY.parents[1]
MAIL = cfn_stack.mail_stack().resources()["LinkTemplate"]["Properties"]["Template"]
KNOWN = {"LINK", "FILE_NAME", "FILE_SIZE", "EXPIRES_AT", "REMOVED_AT", "BUCKET", "KEY", "FILE_NAME_TEXT", "KEY_TEXT"}


def variables(text):
    return set(re.findall(r"\{\{([A-Z_0-9]+)\}\}", text))


def english():
    """The server's English words by name."""
    source = (ROOT / "src/core/mail/built_in_words.cpp").read_text(encoding="utf-8")
    block = re.search(r"kEnglish = \{(.*?)\};", source, re.DOTALL)[1]
    found = re.findall(r"\.(\w+) =\s+((?:\"(?:[^\"\\]|\\.)*\"\s*)+)", block)
    return {name: "".join(re.findall(r"\"((?:[^\"\\]|\\.)*)\"", literals)).replace('\\"', '"')
            for name, literals in found}


def as_for_the_lambda(text):
    """With the sections as they come out for a mail of the Lambda: without a sender's name, without a checksum, the file
    removed later than the link ends; in English and UTC."""
    text = re.sub(r"\{\{#SENDER_NAME\}\}.*?\{\{/SENDER_NAME\}\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{\^SENDER_NAME\}\}(.*?)\{\{/SENDER_NAME\}\}", r"\1", text, flags=re.DOTALL)
    text = re.sub(r"\{\{[#/]REMOVED_LOCAL\}\}\n?", "", text)
    for ours, theirs in (("EXPIRES_LOCAL_SHORT", "EXPIRES_AT"), ("EXPIRES_LOCAL", "EXPIRES_AT"),
                         ("REMOVED_LOCAL", "REMOVED_AT"), ("FILE_SIZE_LOCAL", "FILE_SIZE"), ("{{LANGUAGE}}", "en")):
        text = text.replace(ours, theirs)
    return text


def built_in(name):
    """One of the server's built-in bodies in English."""
    source = (ROOT / "src/core/mail/built_in_template.cpp").read_text(encoding="utf-8")
    text = re.search(rf'{name} =\s+R"\((.*?)\)";', source, re.DOTALL)[1]
    words = english()
    words["until_plain"] = words["until"]
    words["until"] = words["until"].replace("{{EXPIRES_LOCAL}}", "<strong>{{EXPIRES_LOCAL}}</strong>")
    words.update({"file_label": words["file"] + " ", "size_label": words["size"] + " ", "sha256_label": "SHA-256: "})
    return as_for_the_lambda(re.sub(r"\[\[(\w+)\]\]", lambda found: words[found[1]], text))


def without_markup(text):
    text = re.sub(r"<style>.*?</style>|<div style=\"display:none.*?</div>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_words_are_those_of_the_server():
    html = re.sub(r"<p[^>]*>SHA-256: \{\{SHA256\}\}</p>\n", "", built_in("kHtml"))
    assert MAIL["HtmlPart"] == html
    text = re.sub(r"SHA-256: .*\n", "", built_in("kText")).replace("FILE_NAME", "FILE_NAME_TEXT")
    assert MAIL["TextPart"].split() == text.split()
    assert MAIL["SubjectPart"] == as_for_the_lambda(english()["subject"]).replace("FILE_NAME", "FILE_NAME_TEXT")


def test_only_known_variables_stand_in_it():
    for part in ("SubjectPart", "TextPart", "HtmlPart"):
        assert variables(MAIL[part]) <= KNOWN
        assert not re.search(r"\{\{[^A-Z]", MAIL[part]), "no sections, nothing unescaped on purpose"


def test_html_holds_escaped_values_and_the_rest_unescaped_ones():
    assert not any(name.endswith("_TEXT") for name in variables(MAIL["HtmlPart"]))
    for part in ("SubjectPart", "TextPart"):
        assert not variables(MAIL[part]) & {"FILE_NAME", "KEY", "BUCKET"}
    assert "LINK" not in variables(MAIL["SubjectPart"]), "relays log subjects"


def test_both_parts_say_everything():
    for part in ("TextPart", "HtmlPart"):
        assert {"LINK", "FILE_SIZE", "EXPIRES_AT", "REMOVED_AT"} <= variables(MAIL[part])
    assert re.search(r"^\{\{LINK\}\}$", MAIL["TextPart"], re.MULTILINE), "the link has a line of its own"


class Reader(html.parser.HTMLParser):
    VOID = {"meta", "br", "img", "hr", "link", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_well_formed_accessible_and_fetches_nothing():
    reader = Reader()
    reader.feed(MAIL["HtmlPart"])
    assert reader.open == []
    tags = [tag for tag, _ in reader.tags]
    assert not set(tags) & {"img", "link", "script", "iframe", "form", "input"}
    assert all(given.get("role") == "presentation" for tag, given in reader.tags if tag == "table")
    html_tag = dict(reader.tags)["html"]
    assert html_tag["lang"] == "en" and html_tag["dir"] == "ltr"
    assert tags.count("h1") == 1 and tags.count("title") == 1
    assert all(given["href"] == "{{LINK}}" for tag, given in reader.tags if tag == "a")
    assert "http" not in MAIL["HtmlPart"] and "url(" not in MAIL["HtmlPart"]
    assert len(MAIL["HtmlPart"].encode()) < 100_000


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("text", "ground"), [
    ("#1d2430", "#ffffff"), ("#566070", "#ffffff"), ("#1a56c4", "#ffffff"), ("#ffffff", "#1a56c4"),
    ("#f1f3f6", "#22252c"), ("#b4bac5", "#22252c"), ("#8fb8ff", "#22252c"), ("#10131a", "#8fb8ff"),
])
def test_colours_can_be_read(text, ground):
    assert text in MAIL["HtmlPart"] and ground in MAIL["HtmlPart"]
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
