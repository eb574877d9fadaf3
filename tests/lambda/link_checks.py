"""What must be true of every mail's link."""

import datetime
import email.message
import html
import re
import urllib.parse

from aws_signature import read_presigned
from function_harness import REGION

TEMPLATE_DATA = {"LINK", "FILE_NAME", "FILE_SIZE", "EXPIRES_AT", "REMOVED_AT", "BUCKET", "KEY"}  # DESIGN.md, section 8
IN_WORDS = re.compile(r"\w+, (\d+ \w+ \d{4}, \d\d:\d\d:\d\d) UTC")


def instant_of(text):
    """The first instant in a text: "Tuesday, 8 December 2026, 14:00:05 UTC"."""
    found = IN_WORDS.search(text)
    assert found, f"no instant with its time zone in {text!r}"
    return datetime.datetime.strptime(found.group(1), "%d %B %Y, %H:%M:%S").replace(tzinfo=datetime.timezone.utc)


def file_name_of(disposition):
    """The name a browser saves under."""
    extended = re.search(r"filename\*=UTF-8''([^;\s]+)", disposition)
    if extended:
        return urllib.parse.unquote(extended.group(1), errors="strict")
    message = email.message.Message()
    message["Content-Disposition"] = disposition
    return message.get_param("filename", header="content-disposition")


def check_link(aws, mail, key, pair):
    """The link of a mail about aws.bucket/key, signed by `pair`: where it leads, what it saves as, when it ends."""
    data = mail.data
    assert TEMPLATE_DATA <= set(data), sorted(TEMPLATE_DATA - set(data))
    assert data["BUCKET"] == aws.bucket and html.unescape(data["KEY"]) == data["KEY_TEXT"]
    assert data["KEY_TEXT"] == key or not key.isprintable()
    link = read_presigned(data["LINK"], aws.link_keys, REGION)
    assert link.pair == pair
    if aws.s3:
        assert data["LINK"].startswith(aws.s3.url + "/") and link.path == f"/{aws.bucket}/{key}"
    else:
        assert data["LINK"].startswith(f"https://{aws.bucket}.s3.{REGION}.amazonaws.com/") and link.path == "/" + key
    name = re.sub(r"[\x00-\x1f\x7f]", "_", key.rpartition("/")[2])  # not seen in a name, so replaced
    disposition = link.query.pop("response-content-disposition")
    assert disposition.startswith("attachment")
    saved_as = file_name_of(disposition)
    if saved_as != name:  # cut before its extension, or left to the path: mail programs cut longer links
        assert len(data["LINK"]) + len(urllib.parse.quote(name)) * 2 > 2048, data["LINK"]
        stem, dot, extension = (saved_as or name).rpartition(".")
        assert name.startswith(stem) and name.endswith(dot + extension)
    disposition.encode("latin-1")
    assert not link.query, f"the link says more than it must: {link.query}"

    asked = int(aws.variables["LinkExpirationPeriod"])
    now = datetime.datetime.now(datetime.timezone.utc)
    assert link.expires_seconds <= asked and link.signed_at <= now < link.deadline
    assert (now - link.signed_at).total_seconds() < 600
    # P4: what the mail prints is what is so.
    assert instant_of(data["EXPIRES_AT"]) == link.deadline, (data["EXPIRES_AT"], link.deadline)
    return link
