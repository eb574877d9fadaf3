"""What the function is sent: notifications, and what else can arrive. Whatever it is, the process lives on."""

import copy
import json

import pytest
from aws_peers import form_encoded
from function_harness import ROLE
from link_checks import check_link
from s3_events import event_of, notification, record, test_event

KEYS = [
    "plain.txt", "with blank.txt", "with+plus.txt", "with%percent.txt", "with%20escape.txt", "with%252Btwo.txt",
    "100 % + more & =?#.txt", "deep/er/folder/file.tar.gz", "//slashes//.x", "dots/.../.hidden",
    "ä ö ü ß.txt", "数据.csv", "😀/👩‍👩‍👧.png", "quote\"'`.txt", "semi;colon,comma.txt", "back\\slash.txt", "tilde~(paren)*!.txt",
    "<script>.html", "line\nbreak.txt", "tab\there.txt", "k" * 1020 + ".txt", "€" * 340 + ".txt",
]


def test_a_hundred_records_are_a_hundred_mails(function):
    keys = [f"folder/file {number}.txt" for number in range(100)]
    assert function.succeed(event_of(function.aws, *keys)) == {
        "delivered": 100, "dropped": 0, "duplicates": 0, "swept": 0}
    assert sorted(mail.data["KEY"] for mail in function.aws.mails) == sorted(keys)
    assert len({mail.data["LINK"] for mail in function.aws.mails}) == 100
    assert function.aws.ses.connection_count <= 4  # SES and its rate are not stormed


def test_keys_are_decoded_once(function):
    aws = function.aws
    assert all(len(key.encode()) <= 1024 for key in KEYS) and 1024 in {len(key.encode()) for key in KEYS}
    assert function.succeed(event_of(aws, *KEYS))["delivered"] == len(KEYS)
    links = {}
    for mail in aws.mails:
        key = next(key for key in KEYS if mail.tags["s3link-id"] and mail.data["LINK"].startswith(
            f"https://{aws.bucket}.s3.eu-central-1.amazonaws.com/{_uri_encoded(key)}?"))
        links[key] = check_link(aws, mail, key, ROLE)
    assert set(links) == set(KEYS)


def _uri_encoded(key):
    """As SigV4 writes paths: unreserved characters and '/' alone stand for themselves."""
    return "".join(chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "-._~/") else f"%{byte:02X}"
                   for byte in key.encode())


@pytest.mark.parametrize("encoded, key", [
    ("a%20b.txt", "a b.txt"), ("a+b.txt", "a b.txt"), ("a%2Bb.txt", "a+b.txt"), ("a%2520b.txt", "a%20b.txt"),
    ("%F0%9F%98%80.txt", "😀.txt"), ("a%2fb%3d.txt", "a/b=.txt"),
], ids=str)
def test_both_ways_of_encoding_are_read(function, encoded, key):
    function.succeed(notification(record(function.aws.bucket, "", encoded_key=encoded)))
    check_link(function.aws, function.aws.mails[0], key, ROLE)


@pytest.mark.parametrize("key", ["../up.txt", "a/../b.txt", "a/.", "./a.txt", ".."])
def test_a_key_that_no_browser_would_ask_for_fails(function, key):
    message = function.fail(event_of(function.aws, key), "s3link.UnlinkableKey")
    assert key in message and function.aws.mails == []


@pytest.mark.parametrize("make_event, rule", [
    (lambda bucket: test_event(bucket), "test_event"),
    (lambda bucket: notification(record(bucket, "folder/", size=0)), "folder_marker"),
    (lambda bucket: notification(record(bucket, "a.txt", name="ObjectRemoved:Delete")), "not_created"),
], ids=["test event", "folder marker", "removal"])
def test_what_is_not_a_new_file_is_dropped_with_a_line(function, make_event, rule):
    answer = function.succeed(make_event(function.aws.bucket))
    assert answer == {"delivered": 0, "dropped": 1, "duplicates": 0, "swept": 0}
    line, = function.logged("record dropped")
    assert line["rule"] == rule and line["request_id"] == function.runtime.invocations[0].request_id
    assert function.aws.mails == [] and function.aws.table.operations == []


def test_a_full_folder_and_an_empty_file_are_mailed(function):
    bucket = function.aws.bucket
    event = notification(record(bucket, "folder/", size=1), record(bucket, "empty.txt", size=0))
    assert function.succeed(event)["delivered"] == 2


@pytest.mark.parametrize("name", ["s3:ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy",
                                  "ObjectCreated:CompleteMultipartUpload"])
def test_every_way_of_upload_is_mailed(function, name):
    assert function.succeed(notification(record(function.aws.bucket, "a.txt", name=name)))["delivered"] == 1


def test_a_record_that_is_there_twice_is_mailed_once(make_function):
    function = make_function(parameters={"Ledger": "Disabled", "Sweep": "Disabled"})
    one = record(function.aws.bucket, "a.txt")
    answer = function.succeed(notification(one, one, record(function.aws.bucket, "b.txt")))
    assert (answer["delivered"], answer["duplicates"]) == (2, 1) and len(function.aws.mails) == 2


def test_an_event_without_records_does_nothing(function):
    assert set(function.succeed({"Records": []}).values()) == {0}


# -- what is wrong ------------------------------------------------------------------------------------------------------


def _changed(path, value):
    """A notification with one member changed, or taken away where the value is None."""
    def make(bucket):
        one = record(bucket, "a.txt")
        *parents, last = path.split(".")
        part = one
        for name in parents:
            part = part[name]
        if value is None:
            del part[last]
        else:
            part[last] = copy.deepcopy(value)
        return notification(one)
    return make


INVALID = {
    "not JSON": (lambda _: b"{\"Records\": [", "JSON"),
    "not UTF-8": (lambda _: b"\xff\xfe{}", "JSON"),
    "empty": (lambda _: b"", "JSON"),
    "nested too deep": (lambda _: b"[" * 100000, "JSON"),
    "a list": (lambda _: [], "not an object"),
    "a text": (lambda _: "Records", "not an object"),
    "null": (lambda _: None, "not an object"),
    "of another service": (lambda _: {"detail-type": "Object Created", "source": "aws.s3", "detail": {}}, "Records"),
    "records are no list": (lambda _: {"Records": {"a": 1}}, "Records"),
    "a record is null": (lambda _: {"Records": [None]}, "Records[0]"),
    "no key": (_changed("s3.object.key", None), "s3.object.key"),
    "empty key": (_changed("s3.object.key", ""), "s3.object.key"),
    "key is a number": (_changed("s3.object.key", 7), "s3.object.key"),
    "key with half an escape": (_changed("s3.object.key", "a%2"), "s3.object.key"),
    "key that is not UTF-8": (_changed("s3.object.key", "a%FF"), "s3.object.key"),
    "key too long": (_changed("s3.object.key", "k" * 1025), "s3.object.key"),
    "no bucket": (_changed("s3.bucket.name", None), "s3.bucket.name"),
    "a bucket that cannot be": (_changed("s3.bucket.name", "not/a bucket"), "s3.bucket.name"),
    "negative size": (_changed("s3.object.size", -1), "s3.object.size"),
    "size is a text": (_changed("s3.object.size", "1024"), "s3.object.size"),
    "no time": (_changed("eventTime", None), "eventTime"),
    "a wrong time": (_changed("eventTime", "yesterday"), "eventTime"),
    "version 3": (_changed("eventVersion", "3.0"), "eventVersion"),
    "no name": (_changed("eventName", None), "eventName"),
}


def test_an_invalid_event_is_an_error_that_names_what_is_wrong(function):
    aws = function.aws
    for make_event, member in INVALID.values():
        message = function.fail(make_event(aws.bucket), "s3link.InvalidEvent")
        assert member in message, message
    assert aws.mails == [] and aws.table.operations == []
    ended = function.logged("invocation ended")
    assert [line["outcome"] for line in ended] == ["s3link.InvalidEvent"] * len(INVALID)
    assert [line["level"] for line in ended] == ["ERROR"] * len(INVALID)
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1


def test_a_record_that_fails_does_not_stop_the_others(function):
    aws = function.aws
    event = event_of(aws, "a.txt", "../b.txt", "c.txt", "d/../e.txt", "f.txt")
    message = function.fail(event, "s3link.UnlinkableKey")
    assert "2 of 5 records failed" in message and "../b.txt" in message and "d/../e.txt" in message
    assert sorted(mail.data["KEY"] for mail in aws.mails) == ["a.txt", "c.txt", "f.txt"]
    assert "2 of 5" in function.fail(event, "s3link.UnlinkableKey")
    assert len(aws.mails) == 3


def _padded(event, size):
    """The event as a document of exactly that many bytes."""
    head = json.dumps({**event, "padding": ""})[:-2]
    return (head + "x" * (size - len(head) - 2) + '"}').encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_event_of_six_mebibytes_is_read(function, chunked):
    aws = function.aws
    payload = _padded(event_of(aws, "a.txt"), 6 * 1024 * 1024)
    assert function.succeed(payload, chunked=chunked)["delivered"] == 1


def test_a_larger_event_is_refused_and_the_next_is_served(function):
    aws = function.aws
    message = function.fail(_padded(event_of(aws, "a.txt"), 6 * 1024 * 1024 + 101), "s3link.EventTooLarge")
    assert "6 MiB" in message and aws.mails == []
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert "xxxxxxxxxx" not in function.log()


def test_the_encoding_of_the_events_is_that_of_s3():
    assert form_encoded("a b+c/ü.txt") == "a+b%2Bc/%C3%BC.txt"
