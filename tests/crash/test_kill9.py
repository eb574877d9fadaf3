"""kill -9 at random moments under load; after the restart the promises hold.

Every acknowledged object is there with its bytes, has its event, and its mail; what was not acknowledged is there whole
(with event and mail) or not at all; no file is left without a row.

Environment: S3LINK_CRASH_ROUNDS (default 200), S3LINK_SEED (default: a new one, printed). The order of requests among
threads and the moment of the kill are the machine's, so a seed repeats the load, not the crash.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import time
import urllib.parse

import pytest

import s3link_harness
from s3link_harness import wait_until
from signed_client import SignedClient
from workload import Moment, Worker

ROUNDS = int(os.environ.get("S3LINK_CRASH_ROUNDS", "200"))
SEED = os.environ.get("S3LINK_SEED") or str(random.SystemRandom().getrandbits(32))
SHARDS = 4
THREADS = 5
OPERATIONS = 12

MIXES = {
    "any": ["small"] * 4 + ["file"] * 3 + ["multipart"] * 2 + ["overwrite", "delete"],
    "put": ["small", "file", "overwrite"],
    "complete": ["multipart"] * 4 + ["small"],
    "delete": ["small", "file", "delete"],
}


class CrashTest:
    def __init__(self, server, rng, name):
        self._server = server
        self._rng = rng
        self._name = name
        self._kept = {}  # key → size of what later crashes must not touch
        self._mails = {}  # file name → Message-ID of mails already looked at
        self._acknowledged = 0
        self._killed_in_flight = 0

    # -- load and kill ------------------------------------------------------------------------------------------------

    def round(self, number):
        """Loads the server, kills it, starts it again and checks."""
        kind = self._rng.choice(["any", "any", "put", "complete", "delete", "start"])
        histories = self._load_and_kill(number, "any" if kind == "start" else kind)
        if kind == "start":
            self._server.start(wait=False)
            time.sleep(self._rng.uniform(0, 0.06))
            self._server.kill()
        self._server.start()
        client = SignedClient(self._server)
        self._check(client, histories)
        client.close()

    def _load_and_kill(self, number, kind):
        moment = Moment()
        moment.aim(kind)
        workers = [Worker(self._server, f"{self._name}-{number:03}-{index}", self._rng.getrandbits(64), OPERATIONS, moment,
                          MIXES[kind]) for index in range(THREADS)]
        for worker in workers:
            worker.start()
        self._wait_for(moment, kind)
        self._server.kill()
        return self._join(workers)

    def _wait_for(self, moment, kind):
        """Until shortly after the requests it aims at are sent."""
        if kind == "any":
            time.sleep(self._rng.uniform(0, 0.15))
        else:
            for _ in range(self._rng.randint(1, 8)):
                moment.aim(kind)
                moment.wait(0.2)
            time.sleep(self._rng.uniform(0, 0.006))

    def _join(self, workers):
        histories = {}
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive(), "a client hangs"
            if worker.failure:
                raise worker.failure
            histories |= worker.histories
        self._acknowledged += sum(version.sequencer is not None for h in histories.values() for version in h.versions)
        self._killed_in_flight += sum(h.versions[-1].sequencer is None for h in histories.values())
        return histories

    # -- promises -----------------------------------------------------------------------------------------------------

    def _check(self, client, histories):
        wait_until(lambda: not client.deliveries(state="pending"), 30, "an empty outbox")
        rows = {}
        for row in client.deliveries():
            rows.setdefault(row["key"], {}).setdefault(row["sequencer"], []).append(row)
        present = {}
        for key, history in histories.items():
            body = client.get(key)
            if body is not None:
                present[key] = len(body)
            version = self._version_there(key, history, body)
            self._check_events(key, history, version, rows.get(key, {}))
        self._check_mails(histories, rows)
        self._check_files()
        self._tidy(client, present)

    def _version_there(self, key, history, body):
        """Which of the versions the acknowledged requests allow the object is; None where it is gone."""
        acknowledged = [index for index, version in enumerate(history.versions) if version.sequencer]
        if body is None:
            assert history.delete_asked or not acknowledged, f"{key}: acknowledged, and gone"
            return None
        assert not history.delete_acknowledged, f"{key}: deleted, and there"
        allowed = history.versions[acknowledged[-1] if acknowledged else 0:]
        version = next((version for version in allowed if version.body == body), None)
        assert version, f"{key}: {len(body)} bytes that nobody wrote, or an older version"
        return version

    def _check_events(self, key, history, there, rows):
        """One event, with one outcome, for each version that was acknowledged or is there, and for nothing else."""
        acknowledged = {version.sequencer for version in history.versions if version.sequencer}
        assert acknowledged <= set(rows), f"{key}: no event for {acknowledged - set(rows)}"
        more = len(rows) - len(acknowledged)  # of the last write, which was in flight
        if there and not there.sequencer:
            assert more == 1, f"{key}: not acknowledged, there, and {more} events"
        elif there or not history.delete_asked:
            assert more == 0, f"{key}: events of a write that did not happen: {rows}"
        for outcomes in rows.values():
            assert len(outcomes) == 1, f"{key}: several outcomes of one event: {outcomes}"
            assert outcomes[0]["state"] in (("delivered", "dropped") if history.changed else ("delivered",)), outcomes

    def _check_mails(self, histories, rows):
        """Mails and ledger say the same: one mail for each event delivered."""
        folder = self._server.data_dir / "outbox"
        new = {}
        for path in folder.glob("*.eml"):
            if path.name not in self._mails:
                mail = s3link_harness.LinkMail.parse(path.read_bytes(), path)
                new[mail.message_id] = mail
                self._mails[path.name] = mail.message_id
        assert len(set(self._mails.values())) == len(self._mails), "one Message-ID in two files"
        delivered = {row["message_id"]: key for key in histories for settled in rows.get(key, {}).values()
                     for row in settled if row["state"] == "delivered"}
        assert set(delivered) <= set(self._mails.values()), "delivered, says the ledger, and there is no mail"
        for message_id, mail in new.items():
            key = urllib.parse.unquote(urllib.parse.urlsplit(mail.link).path).removeprefix(f"/{self._server.bucket}/")
            if message_id in delivered:
                assert delivered[message_id] == key
            else:  # sent just before the crash, and its object replaced or deleted before the repeat
                assert histories[key].changed, f"{key}: a mail the ledger does not know"

    def _check_files(self):
        """Each file under objects/ belongs to a row, and each row that needs one has it. Format: docs/formats/store.md."""
        database = sqlite3.connect(f"file:{self._server.data_dir / 's3link.db'}?mode=ro", uri=True, timeout=10)

        def difference():
            wanted = {row[0].hex() for row in database.execute("SELECT id FROM bodies WHERE small IS NULL")}
            garbage = database.execute("SELECT count(*) FROM garbage").fetchone()[0]
            files = {path.name for path in self._server.object_files()}
            return (files - wanted, wanted - files, garbage)

        try:
            wait_until(lambda: difference() == (set(), set(), 0), 10, "files and rows to agree (orphans, missing, garbage)")
        except AssertionError as error:
            raise AssertionError(f"{error}: {difference()}") from None
        finally:
            database.close()

    def _tidy(self, client, present):
        """Keeps a few objects to the end, removes the rest so that the folder stays small."""
        keep = set(self._rng.sample(sorted(present), min(5, len(present))))
        self._kept |= {key: present[key] for key in keep}
        gone = [key for key in present if key not in keep]
        if gone:
            client.delete_many(gone)
        for key, upload_id in client.uploads():
            client.abort_upload(key, upload_id)
        assert client.keys() == self._kept, "objects of earlier rounds changed"

    def finish(self):
        """Nothing is left on disk once everything is deleted."""
        client = SignedClient(self._server)
        while self._kept:
            some = list(self._kept)[:1000]
            client.delete_many(some)
            for key in some:
                del self._kept[key]
        client.close()
        logs = f"{self._server.bucket}-access-logs"
        self._server.stop()
        new_logs = f"{logs}-2"
        self._server.environment["S3LINK_BUCKET_LOGS_NAME"] = new_logs  # the first one is a bucket as any other now
        self._server.start()
        s3 = self._server.s3()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=logs):
            for row in page.get("Contents", []):
                s3.delete_object(Bucket=logs, Key=row["Key"])
        s3.close()
        self._check_files()
        self._server.stop()
        with contextlib.closing(sqlite3.connect(self._server.data_dir / "s3link.db")) as database:
            left = database.execute(
                "SELECT hex(id) FROM bodies WHERE body_set NOT IN (SELECT body_set FROM objects WHERE bucket="
                "(SELECT id FROM buckets WHERE name=?))", (new_logs,)).fetchall()
        assert left == [], "bodies of nothing"
        return self._acknowledged, self._killed_in_flight


@pytest.mark.parametrize("shard", range(min(SHARDS, ROUNDS)))
def test_kill9(make_server, tmp_path, shard):
    rounds = ROUNDS // SHARDS + (shard < ROUNDS % SHARDS)
    print(f"seed {SEED}, {rounds} rounds")  # pytest shows it when the test fails
    server = make_server(data_dir=tmp_path / "data", settings={"log.level": "info",
                                                                     "access_log.flush_interval": "1d"})
    test = CrashTest(server, random.Random(f"{SEED}/{shard}"), f"s{shard}")
    for number in range(rounds):
        try:
            test.round(number)
        except Exception as error:
            raise AssertionError(f"seed {SEED}, shard {shard}, round {number}: {error}") from error
    acknowledged, in_flight = test.finish()
    print(f"{acknowledged} writes acknowledged, {in_flight} in flight when the server was killed")
    if rounds >= 20:
        assert acknowledged > 0 and in_flight > 0, "the test did not test what it is for"
    shutil.rmtree(server.data_dir)
