"""Every event injected three times, shuffled, and the server killed while it delivers: one mail for each upload.

Only a crash between the relay's acceptance and the ledger's commit may repeat a mail, and then with the same Message-ID.

Environment: S3LINK_DELIVERY_KILLS (default 10), S3LINK_SEED (default: a new one, printed).
"""

import collections
import concurrent.futures
import contextlib
import os
import random
import sqlite3
import time
import urllib.parse

from relays import DOMAIN, ScriptedRelay
from s3link_harness import wait_until
from signed_client import SignedClient

UPLOADS = 1000
KILLS = int(os.environ.get("S3LINK_DELIVERY_KILLS", "10"))
SEED = os.environ.get("S3LINK_SEED") or str(random.SystemRandom().getrandbits(32))
CONCURRENCY = 16


def upload_all(server, keys):
    def upload(some):
        client = SignedClient(server)
        for key in some:
            client.put(key, key.encode())
        client.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, [keys[start::8] for start in range(8)]))


def inject_twice_more(data_dir, rng):
    """Adds two copies of each event under ids of their own; all become due in random order. Format:
    docs/formats/store.md."""
    now = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(data_dir / "s3link.db")) as database, database:
        rows = database.execute("SELECT event_json, bucket, key, created_ms FROM outbox").fetchall()
        assert len(rows) == UPLOADS
        following = database.execute("SELECT value FROM meta WHERE name='next_number'").fetchone()[0]
        copies = [(following + number, *row, now) for number, row in enumerate(rows * 2)]
        database.executemany("INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms) VALUES(?,?,?,?,?,?)",
                             copies)
        database.execute("UPDATE meta SET value=? WHERE name='next_number'", (following + len(copies),))
        ids = [row[0] for row in database.execute("SELECT id FROM outbox")]
        rng.shuffle(ids)
        database.executemany("UPDATE outbox SET due_ms=?, leased_due_ms=NULL, attempts=0, first_failure_ms=NULL WHERE id=?",
                             [(now - place, event) for place, event in enumerate(ids)])
        assert database.execute("SELECT value FROM counters WHERE name='outbox'").fetchone()[0] == 3 * UPLOADS


def prepared_server(make_server, relay, rng):
    """A stopped server whose outbox holds every event of the uploads three times. The relay is down so far."""
    server = make_server(settings={
        "email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": f"you@{DOMAIN}", "log.level": "info",
        "delivery.first_retry": "1s", "delivery.max_retry": "1s", "delivery.max_attempts": "1000",
        "delivery.concurrency": str(CONCURRENCY)})
    keys = [f"file {number:04}" for number in range(UPLOADS)]
    upload_all(server, keys)
    server.stop()
    inject_twice_more(server.data_dir, rng)
    return server, keys


def wait_delivered(server):
    client = SignedClient(server)
    wait_until(lambda: not client.deliveries(state="pending", limit="1"), 120, "an empty outbox", interval=0.05)
    assert client.deliveries(state="dead") == client.deliveries(state="dropped") == []
    delivered = client.deliveries(state="delivered")
    client.close()
    return {row["key"]: row["message_id"] for row in delivered}, len(delivered)


def mails_by_key(server, relay):
    """Message-IDs of all mails the relay took, by the key their link names."""
    found = collections.defaultdict(list)
    for mail in relay.mails():
        key = urllib.parse.unquote(urllib.parse.urlsplit(mail.link).path).removeprefix(f"/{server.bucket}/")
        found[key].append(mail.message_id)
    return found


def test_three_times_injected_is_one_mail(make_server):
    rng = random.Random(SEED)
    print(f"seed {SEED}")  # pytest shows it when the test fails
    relay = ScriptedRelay()
    server, keys = prepared_server(make_server, relay, rng)
    with relay:
        server.start()
        ledger, rows = wait_delivered(server)
        server.stop()
        mails = mails_by_key(server, relay)
    assert rows == len(relay.mails()) == UPLOADS
    assert sorted(mails) == keys
    assert {key: [message_id] for key, message_id in ledger.items()} == mails


def test_killed_while_delivering(make_server):
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    relay = ScriptedRelay()
    server, keys = prepared_server(make_server, relay, rng)
    with relay:
        for kill in range(KILLS):
            # So that the last kill comes when most, and not all, is done.
            share = UPLOADS * (kill + 1) // (KILLS + 2)
            aim = rng.randint(min(len(relay.taken), share), share)
            server.start(wait=False)
            wait_until(lambda: len(relay.taken) > aim or server.process.poll() is not None, 60, "mails", interval=0.001)
            time.sleep(rng.uniform(0, 0.01))
            assert server.process.poll() is None, server.log()[-2000:]
            server.kill()
        assert KILLS == 0 or 0 < len(relay.taken) < 3 * UPLOADS, "the test did not test what it is for"
        server.start()
        ledger, rows = wait_delivered(server)
        server.stop()
        mails = mails_by_key(server, relay)
    assert sorted(mails) == keys, "a mail is missing"
    assert rows == UPLOADS
    for key, message_ids in mails.items():
        assert set(message_ids) == {ledger[key]}, f"{key}: repeated under another Message-ID"
    repeated = len(relay.mails()) - UPLOADS
    print(f"{KILLS} kills, {repeated} mails repeated")
    # What was under way at a kill, and nothing else.
    assert repeated <= KILLS * CONCURRENCY
