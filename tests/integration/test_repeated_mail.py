"""Which mails a mailbox takes for one: mail servers drop a second mail with the Message-ID of an earlier one."""

import email.utils
import re

import pytest
from cyrus import Cyrus, cyrus_unavailable
from test_backup import backup, put, restore


def mail_about(server, key):
    """Uploads, and returns the one new mail."""
    known = {mail.path for mail in server.mails()}
    put(server, key, b"content")
    server.settled()
    new = [mail for mail in server.mails() if mail.path not in known]
    assert len(new) == 1, [mail.subject for mail in new]
    return new[0]


@pytest.fixture
def lives_of_one_bucket(make_server, tmp_path):
    """A mail about the same key from each of three data folders: one, another, and the first as a backup had it."""
    first = make_server()
    backup_of_first = tmp_path / "backup"
    assert backup(first.data_dir, backup_of_first).returncode == 0
    mails = [mail_about(first, "a.txt")]
    first.stop()
    mails.append(mail_about(make_server(), "a.txt"))
    restore(backup_of_first, tmp_path / "restored", first.data_dir)
    mails.append(mail_about(make_server(data_dir=tmp_path / "restored"), "a.txt"))
    return mails


def test_mails_of_different_folders_are_different_mails(lives_of_one_bucket):
    assert len({mail.message_id for mail in lives_of_one_bucket}) == 3


@pytest.mark.skipif(bool(cyrus_unavailable()), reason=str(cyrus_unavailable()))
def test_cyrus_keeps_the_mails_of_different_folders(lives_of_one_bucket):
    # Cyrus looks at the Date as well: these are as alike as those of one second.
    date = email.utils.formatdate(1_800_000_000).encode()
    mails = [re.sub(rb"(?m)^Date: .*?\r?$", b"Date: " + date, mail.path.read_bytes(), count=1)
             for mail in lives_of_one_bucket]
    with Cyrus() as cyrus:
        cyrus.deliver(mails[0])
        cyrus.deliver(mails[0])
        assert len(cyrus.mails()) == 1, "it drops no repeats: this test says nothing"
        for mail in mails[1:]:
            cyrus.deliver(mail)
        assert len(cyrus.mails()) == 3
