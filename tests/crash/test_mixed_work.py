"""kill -9 of the server, of `s3link backup` and of `s3link key rotate`, one or several at a time, under mixed work.

Uploads, overwrites, multipart uploads, deletes, objects that expire by the server's time and by a lifecycle rule
that comes and goes; a relay that takes mails and says nothing now and then. After each round: nothing acknowledged is
lost or comes back, every event has one place, no mail is repeated but after a missing answer or a kill between the
relay's 250 and the ledger, no two uploads share a Message-ID, and a backup that said it was made is whole, restores,
and holds what was acknowledged before it began.

Environment: S3LINK_CRASH_ROUNDS (default 12), S3LINK_SEED (default: a new one, printed). As in test_kill9.py, a seed
repeats the load and who is killed, not the moment.
"""

import collections
import contextlib
import dataclasses
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.parse

import pytest
from relays import ScriptedRelay
from s3link_harness import BINARY, BUCKET, read_mails, wait_until
from signed_client import SignedClient
from test_kill9 import OPERATIONS, THREADS, CrashTest
from workload import EXPIRING, INLINE_BYTES, SHARED, History, Moment, Version, Worker, body_of

ROUNDS = int(os.environ.get("S3LINK_CRASH_ROUNDS", "12"))
SEED = os.environ.get("S3LINK_SEED") or str(random.SystemRandom().getrandbits(32))
ROUNDS_OF_A_FOLDER = 50
SHARDS = max(2, ROUNDS // ROUNDS_OF_A_FOLDER)
DRAINED_EVERY = 10  # rounds; and after the last
OBJECTS_KEPT = 40
TTL = 2.0  # seconds, of what no rule keeps
SILENT = 0.03  # share of the mails that the relay takes without an answer
RECIPIENTS = ("one", "two")

MIX = (["small"] * 3 + ["file"] * 2 + ["multipart"] * 2 + ["replace"] * 3 + ["shared"] * 2 + ["delete", "delete_many",
       "abort", "brief", "ruled"])
VICTIMS = [("server",)] * 4 + [("server", "backup"), ("server", "access"), ("server", "backup", "access"), ("backup",),
                               ("access",), ("stop",), ()]


@dataclasses.dataclass
class Tables:
    """What the database says at one moment (docs/formats/store.md). Numbers are those of commits: sequencers, events."""

    objects: dict  # key → number
    outbox: set
    dead: dict  # number → reason
    dropped: dict  # number → rule
    delivered: dict  # number → {recipient: Message-ID}
    keys: dict  # number → key, of every event
    overdue: int  # objects whose time is over

    @classmethod
    def read(cls, path):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            database.execute("BEGIN")

            def rows(sql):
                return database.execute(sql).fetchall()

            objects = rows(f"SELECT key, number FROM objects WHERE bucket=(SELECT id FROM buckets WHERE name='{BUCKET}')")
            events = {name: rows(f"SELECT id, key, {detail} FROM {name}") for name, detail in (
                ("outbox", "''"), ("dead_letters", "kind || ': ' || message"), ("dropped", "rule"))}
            ledger = rows("SELECT sequencer, key, recipient, message_id FROM ledger")
            (overdue,) = rows(f"SELECT count(*) FROM objects WHERE removed_at_ms<{int(time.time() * 1000)}")[0]
        delivered, keys = {}, {}
        for sequencer, key, recipient, message_id in ledger:
            delivered.setdefault(int(sequencer, 16), {})[recipient] = message_id
            keys[int(sequencer, 16)] = key.decode()
        for table in events.values():
            for number, key, _ in table:
                assert keys.setdefault(number, key.decode()) == key.decode(), f"one number, two events: {number:x}"
        return cls({key.decode(): number for key, number in objects}, {row[0] for row in events["outbox"]},
                   {row[0]: row[2] for row in events["dead_letters"]}, {row[0]: row[2] for row in events["dropped"]},
                   delivered, keys, overdue)


class Mails:
    """Every mail that anybody was handed, by the relay or as a file: which upload it is about, and under which
    Message-ID."""

    def __init__(self, bucket):
        self._bucket = bucket
        self._ids = {}  # (key, SHA-256, recipient) → Message-ID
        self._uploads = {}  # and back

    def add(self, recipient, mail):
        key = urllib.parse.unquote(urllib.parse.urlsplit(mail.link).path).removeprefix(f"/{self._bucket}/")
        digest = re.search(r"\b[0-9a-f]{64}\b", mail.text)
        upload = (key, digest and digest.group(), recipient)
        assert self._ids.setdefault(upload, mail.message_id) == mail.message_id, f"{upload}: mailed under two Message-IDs"
        assert self._uploads.setdefault(mail.message_id, upload) == upload, \
            f"{mail.message_id}: of {self._uploads[mail.message_id]} and of {upload}"

    def upload_of(self, message_id):
        return self._uploads[message_id]


class RepeatedMails:
    """Why mails reached the relay more than once. Any other reason is a fault."""

    def __init__(self, relay):
        self._relay = relay
        self._kills = []  # (how many mails the relay had taken, Message-IDs of those that the ledger did not know)
        self._last = {}  # Message-ID → where it was taken last
        self.answered = set()  # Message-IDs
        self.causes = collections.Counter()

    def killed(self, ledger):
        """With the server gone, and what its ledger holds."""
        wait_until(lambda: not self._relay.sessions, 10, "the relay to notice that the server is gone")
        taken = list(self._relay.taken)
        self._kills.append((len(taken), {mail.message_id for _, mail in taken} - ledger))

    def look_at(self, place, mail):
        earlier = self._last.get(mail.message_id)
        if earlier is not None:
            self.causes[self._cause(mail.message_id, earlier, place)] += 1
        self._last[mail.message_id] = place
        if place not in self._relay.silent:
            self.answered.add(mail.message_id)

    def _cause(self, message_id, earlier, place):
        if earlier in self._relay.silent:
            return "missing answer"
        assert any(earlier < taken <= place and message_id in unknown for taken, unknown in self._kills), \
            f"{message_id}: repeated without a reason"
        return "kill before the ledger"



class MixedCrashTest(CrashTest):
    def __init__(self, make_server, relay, folder, rng, name):
        super().__init__(make_server(data_dir=folder / "data", settings={
            "log.level": "info", "access_log.flush_interval": "5s", "bucket.object_ttl": f"{TTL:g}s",
            "link.expiration": f"{TTL:g}s", "email.transport": f"smtp://127.0.0.1:{relay.port}",
            "email.recipient": ",".join(relay.address(user) for user in RECIPIENTS), "email.recipient_rate": "none",
            "delivery.first_retry": "1s", "delivery.max_retry": "1s"}), rng, name)
        self._relay = relay
        self._folder = folder
        self._restored = make_server(data_dir=folder / "restored", start=False, settings={
            **self._server.settings, "email.transport": "outbox"})
        self._mails = Mails(self._server.bucket)
        self._looked_at = 0  # mails of the relay
        self._repeated = RepeatedMails(relay)
        self._events = {}  # number → key, of every write that was acknowledged
        self._settled = set()  # numbers of events with an outcome
        self._histories = {}  # of the objects that are there
        self._ruled_since = None  # since when the second of EXPIRING is kept by a rule, for sure
        self._ruled = False  # the rule that was acknowledged last
        self._master_keys = []  # every one there was
        self.counts = collections.Counter()
        self._set_rule(False)

    @property
    def _database(self):
        return self._server.data_dir / "s3link.db"

    # -- a round ------------------------------------------------------------------------------------------------------

    def round(self, number, last=False):
        victims = self._rng.choice(VICTIMS)
        processes = []
        histories = self._load(number, victims, processes)
        if self._server.process is None:
            self._work_without_a_server(processes)
            self._server.start()
        self.counts["rounds"] += 1
        for process in processes:
            process.end()
        made = [backup for backup in processes if self._end(backup)]
        client = SignedClient(self._server)
        self._check(client, histories, made)
        client.close()
        if last or number % DRAINED_EVERY == DRAINED_EVERY - 1:
            self._drain()

    def _load(self, number, victims, processes):
        """Everything at a time, until the victims are killed and the clients are done."""
        moment = Moment()
        kind = self._rng.choice(["any", "any", "put", "complete", "delete"])
        moment.aim(kind)
        own = sorted(key for key in self._histories if SHARED not in key)
        workers = [Worker(self._server, f"{self._name}-{number:03}-{index}", self._rng.getrandbits(64), OPERATIONS, moment, MIX,
                          {key: self._histories[key] for key in own[index::THREADS]}) for index in range(THREADS)]
        for worker in workers:
            worker.start()
        if self._rng.random() < 0.25:
            self._set_rule(not self._ruled)
        starts = [(name, self._rng.random() < 0.3) for name, share in (("backup", 0.25), ("access", 0.2))
                  if name in victims or self._rng.random() < share]
        self._start(processes, [name for name, early in starts if early])
        self._wait_for(moment, kind)
        self._start(processes, [name for name, early in starts if not early])
        self._kill(victims, processes)
        for worker in workers:
            worker.join(30)
        shared = [worker.histories.pop(self._name + SHARED) for worker in workers if self._name + SHARED in worker.histories]
        histories = self._join(workers)
        versions = [version for history in (self._histories.get(self._name + SHARED, History()), *shared)
                    for version in history.versions]
        if versions:  # in the order of their commits; those without an answer may have come between any of them
            versions.sort(key=lambda version: int(version.sequencer or "F" * 16, 16))
            histories[self._name + SHARED] = History(versions)
        return histories

    def _start(self, processes, names):
        for name in names:
            processes.append(Backup(self._server, self._folder / "backup") if name == "backup"
                             else AccessKeyRotation(self._server))

    def _kill(self, victims, processes):
        for victim in self._rng.sample(victims, len(victims)):
            if victim == "server":
                self._kill_server()
            elif victim == "stop":
                self._server.stop()
            else:
                for process in processes:
                    if process.name == victim:
                        time.sleep(self._rng.uniform(0, 0.03))
                        self.counts[f"{victim} killed"] += process.kill()

    def _kill_server(self):
        self._server.kill()
        self.counts["server killed"] += 1
        copy = self._folder / "at-kill"
        copy.mkdir()
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{self._database}{suffix}", copy)
        # Not opened in its place, where that would do some of the work of the next start.
        with contextlib.closing(sqlite3.connect(copy / "s3link.db")) as database:
            self._repeated.killed({row[0] for row in database.execute("SELECT message_id FROM ledger")})
        shutil.rmtree(copy)

    def _set_rule(self, kept):
        client = SignedClient(self._server)
        self._ruled_since, self._ruled = None, kept
        client.put_lifecycle({f"{self._name}-": 1} | ({EXPIRING[1]: 1} if kept else {}))
        if kept:
            self._ruled_since = time.time()
        client.close()

    def _work_without_a_server(self, processes):
        works = [(self._back_up_stopped, 0.2), (self._rotate_master_key, 0.4), (self._kill_while_it_starts, 0.2),
                 (self._change_access_key, 0.1)]
        for work, share in self._rng.sample(works, len(works)):
            if self._rng.random() < share:
                work(processes)

    def _back_up_stopped(self, processes):
        for process in processes:
            process.end()  # one at a time into one folder
        processes.append(Backup(self._server, self._folder / "backup"))
        if self._rng.random() < 0.5:
            time.sleep(self._rng.uniform(0, 0.03))
            self.counts["backup killed"] += processes[-1].kill()

    def _change_access_key(self, processes):
        """Beside whatever comes next: nothing, a start, or a start and a kill."""
        if all(process.name != "access" for process in processes):
            processes.append(AccessKeyRotation(self._server))

    def _kill_while_it_starts(self, _):
        self._server.start(wait=False)
        time.sleep(self._rng.uniform(0, 0.06))
        self._kill_server()

    def _rotate_master_key(self, processes):
        beside_a_backup = any(process.runs() for process in processes)
        self._remember_master_key()
        process = Command(self._server, "key", "rotate")
        if self._rng.random() < 0.7:
            time.sleep(self._rng.uniform(0, 0.06))
            self.counts["rotate killed"] += process.kill()
        status, output = process.end()
        assert process.killed or status == 0 or (beside_a_backup and "a backup of the data folder is being made" in output), \
            f"key rotate: {status}: {output}"
        self.counts["rotate done"] += status == 0
        self._remember_master_key()

    def _remember_master_key(self):
        for path in self._server.data_dir.glob("master.key*"):
            with contextlib.suppress(FileNotFoundError):
                text = path.read_text()
                whole = re.fullmatch("[0-9a-f]{64}\n", text)  # a rotation may have been killed while it wrote it
                if whole and text not in self._master_keys:
                    self._master_keys.append(text)

    # -- promises -----------------------------------------------------------------------------------------------------

    def _check(self, client, histories, backups):
        """Histories: of every object that was there before the round, and of what was asked for in it."""
        there = {}
        for key, history in histories.items():
            asked = time.time()
            version = self._version_there(key, history, client.get(key))
            if version:
                there[key] = version
                assert not key.startswith(EXPIRING[0]) or asked < version.over + TTL + 0.01, f"{key}: not expired"
        tables = Tables.read(self._database)
        for key, history in histories.items():
            for version in history.versions:
                if version.sequencer:
                    number = int(version.sequencer, 16)
                    self.counts["writes acknowledged"] += number not in self._events
                    assert self._events.setdefault(number, key) == key, f"{number:x} of {key} and of {self._events[number]}"
            if key in there and not there[key].sequencer and key in tables.objects:
                there[key].sequencer = f"{tables.objects[key]:016X}"
                self._events[tables.objects[key]] = key
        self._check_tables(tables, histories, there)
        self._check_relay(tables)
        for backup in backups:
            self._check_backup(backup, histories)
        self._check_files()
        self._keep_some(client, there)

    def _may_have_expired(self, key, history):
        acknowledged = [version for version in history.versions if version.sequencer]
        if not acknowledged or not key.startswith(EXPIRING):
            return False
        asked = acknowledged[-1].asked
        ruled = key.startswith(EXPIRING[1]) and self._ruled_since is not None and asked > self._ruled_since
        return not ruled and time.time() >= asked + TTL

    def _version_there(self, key, history, body):
        if body is None and self._may_have_expired(key, history):
            return None
        return super()._version_there(key, history, body)

    def _check_tables(self, tables, histories, there):
        """One event, with one place, for each write that was acknowledged or is there, and for nothing else."""
        for number, key in self._events.items():
            assert tables.keys.get(number) == key, f"{key}: no event {number:x}"
        for number, key in tables.keys.items():
            places = [name for name, of in (("outbox", tables.outbox), ("dead", tables.dead), ("dropped", tables.dropped))
                      if number in of]
            assert len(places) <= 1, f"{key}: the event {number:x} is in {places}"
            if not places:
                assert len(tables.delivered[number]) == len(RECIPIENTS), f"{key}: {tables.delivered[number]} and no event"
            if number in self._settled:
                assert places != ["outbox"], f"{key}: the event {number:x} came back"
            elif places != ["outbox"]:
                self._settled.add(number)
            current = key in there and tables.objects.get(key) == number
            if key.startswith(EXPIRING):
                continue
            assert number not in tables.dead, f"{key}: {tables.dead[number]}"
            assert not (current and number in tables.dropped), f"{key}: {tables.dropped[number]}"
        # What was not acknowledged has one where it was overwritten, or expired, by now.
        more = collections.Counter(tables.keys[number] for number in tables.keys.keys() - self._events.keys())
        for key, events in more.items():
            unanswered = [version for version in histories[key].versions if not version.sequencer] if key in histories else []
            assert events <= len(unanswered) and (key.endswith(SHARED) or key.startswith(EXPIRING)), \
                f"{key}: {events} events of writes that did not happen"
        self._events |= tables.keys

    def _check_relay(self, tables):
        taken = list(self._relay.taken)
        for place in range(self._looked_at, len(taken)):
            recipient, mail = taken[place]
            self._mails.add(recipient, mail)
            self._repeated.look_at(place, mail)
        self._looked_at = len(taken)
        known = {}
        for number, of_recipients in tables.delivered.items():
            for recipient, message_id in of_recipients.items():
                assert known.setdefault(message_id, number) == number, f"{message_id}: of {number:x} and {known[message_id]:x}"
                key, _, mailed = self._mails.upload_of(message_id)
                assert (key, mailed) == (tables.keys[number], recipient), f"{message_id}: another mail than the ledger says"
                assert message_id in self._repeated.answered, f"{message_id}: delivered, says the ledger, and there is no mail"

    def _keep_some(self, client, there):
        """Removes what is too much for the rounds to come, and looks whether the rest is all there is."""
        kept = [key for key in there if not key.startswith(EXPIRING) and not key.endswith(SHARED)]
        gone = self._rng.sample(kept, max(0, len(kept) - OBJECTS_KEPT))
        if gone:
            client.delete_many(gone)
        for key in gone:
            del there[key]
        for key, upload_id in client.uploads():
            client.abort_upload(key, upload_id)
        listed = client.keys()
        self._histories = {key: History([version]) for key, version in there.items()}
        expected = {key: len(version.body) for key, version in there.items()}
        lasting = {key for key in expected if not key.startswith(EXPIRING)}
        assert listed == {key: size for key, size in expected.items() if key in lasting or key in listed}, \
            f"not there: {lasting - listed.keys()}; back: {listed.keys() - expected.keys()}"

    # -- backups ------------------------------------------------------------------------------------------------------

    def _end(self, process):
        """Whether it is a backup that was made; one that was killed leaves that or the one before."""
        status, output = process.end()
        if process.name == "access":
            assert process.killed or status == 0, output
            self.counts["access rotated"] += status == 0
            if status != 0:  # the server may not know the key that is stored: run it again
                again, output = AccessKeyRotation(self._server).end()
                assert again == 0, output
            return False
        assert process.killed or status == 0, output
        self.counts["backup made"] += status == 0
        if self.counts["backup made"]:
            self._verify(self._folder / "backup")
        return status == 0

    def _verify(self, target):
        """That it is whole, under one of the master keys there were; returns that key's file."""
        self._remember_master_key()
        outputs = []
        for key in reversed(self._master_keys):
            path = self._folder / "key-to-verify"
            path.write_text(key)
            path.chmod(0o600)
            done = self._server.cli("backup", "--verify", target, check=False,
                                    environment={"S3LINK_AUTH_MASTER_KEY_FILE": str(path)})
            if done.returncode == 0:
                return path
            outputs.append(done.stdout + done.stderr)
            if "encrypted with" not in done.stderr:
                break
        raise AssertionError(f"{target} is not whole: {outputs}")

    def _check_backup(self, backup, histories):
        """Restores it, as docs/operations.md says, and looks at everything in it."""
        data_dir = self._restored.data_dir
        data_dir.mkdir(mode=0o700)
        target = self._folder / "backup"
        shutil.copy(target / "s3link.db", data_dir)
        shutil.copytree(target / "objects", data_dir / "objects")
        shutil.copy(self._verify(target), data_dir / "master.key")
        shutil.copy(self._server.data_dir / "credentials", data_dir)
        self._restored.start()
        client = SignedClient(self._restored)
        listed = client.keys()
        assert listed.keys() <= histories.keys(), f"restored, and not there before: {listed.keys() - histories.keys()}"
        for key, history in histories.items():
            body = client.get(key)
            before = [index for index, version in enumerate(history.versions)
                      if version.sequencer and version.over < backup.began]
            if body is None:
                assert not before or history.delete_asked or key.startswith(EXPIRING), f"{key}: not in the backup"
            else:
                assert not 0 < history.delete_acknowledged < backup.began, f"{key}: deleted, and in the backup"
                allowed = history.versions[before[-1] if before else 0:]
                assert any(version.body == body for version in allowed), f"{key}: another version in the backup"
        new = f"{self._name}-restored-{self.counts['backup restored']}"
        client.put(new, body_of(self._rng, 1000))
        wait_until(lambda: len(client.deliveries(key=new, state="delivered")) == len(RECIPIENTS), 30, "the mail after a restore")
        client.close()
        self._restored.stop()
        for mail in read_mails(data_dir / "outbox"):
            self._mails.add(mail.recipient, mail)
        shutil.rmtree(data_dir)
        self.counts["backup restored"] += 1

    # -- now and then -------------------------------------------------------------------------------------------------

    def _drain(self):
        """Everything is mailed, everything expired is gone, and the folder is whole."""
        keeps_silent, self._relay.keeps_silent = self._relay.keeps_silent, lambda mail: False
        self._server.stop()
        self._verify(self._server.data_dir)
        with contextlib.closing(sqlite3.connect(self._database)) as database, database:
            # What the relay may have taken waits for ten minutes.
            database.execute("UPDATE outbox SET due_ms=?", (int(time.time() * 1000),))
        self._server.start()
        wait_until(lambda: not (tables := Tables.read(self._database)).outbox and not tables.overdue, 60,
                   "an empty outbox, and the end of what has expired", interval=0.1)
        client = SignedClient(self._server)
        self._check(client, dict(self._histories), [])
        tables = Tables.read(self._database)
        for key, history in self._histories.items():
            number = int(history.versions[-1].sequencer, 16)
            assert key.startswith(EXPIRING) or set(tables.delivered.get(number, {})) == {
                self._relay.address(user) for user in RECIPIENTS}, f"{key}: no mail"
        client.close()
        self._relay.keeps_silent = keeps_silent

    def summary(self):
        counts = self.counts | collections.Counter({f"mails repeated after a {cause}": count
                                                    for cause, count in self._repeated.causes.items()})
        counts["mails"] = self._looked_at
        return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))

    def finish(self):
        self._kept = {key: len(history.versions[-1].body) for key, history in self._histories.items()}
        return super().finish()


class Command:
    """Another s3link process on the folder of the server."""

    name = "rotate"

    def __init__(self, server, *arguments):
        self.began = time.time()
        self.killed = False
        self._output = None
        self._process = subprocess.Popen([BINARY, *arguments, "--data-dir", server.data_dir],
                                         env=server.environment | {"NO_PROXY": "*", "no_proxy": "*"},
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def runs(self):
        return self._process.poll() is None

    def kill(self):
        """Whether it ran."""
        if not self.runs():
            return False
        self._process.kill()
        self.killed = self._process.wait() < 0
        return self.killed

    def end(self):
        """Its status, and what it printed."""
        if self._output is None:
            self._output, _ = self._process.communicate(timeout=60)
        return self._process.returncode, self._output


class Backup(Command):
    name = "backup"

    def __init__(self, server, target):
        super().__init__(server, "backup", target)


class AccessKeyRotation(Command):
    name = "access"

    def __init__(self, server):
        super().__init__(server, "key", "rotate", "--access", "--keep-old", "1d")


@pytest.mark.timeout(120 + 20 * ROUNDS_OF_A_FOLDER)
@pytest.mark.parametrize("shard", range(min(SHARDS, ROUNDS)))
def test_mixed_work(make_server, tmp_path, shard):
    rounds = ROUNDS // SHARDS + (shard < ROUNDS % SHARDS)
    print(f"seed {SEED}, {rounds} rounds")  # pytest shows it when the test fails
    rng = random.Random(f"{SEED}/mixed/{shard}")
    silence = random.Random(rng.getrandbits(64))
    with ScriptedRelay(users=RECIPIENTS, keeps_silent=lambda mail: silence.random() < SILENT) as relay:
        test = MixedCrashTest(make_server, relay, tmp_path, rng, f"m{shard}")
        for number in range(rounds):
            try:
                test.round(number, last=number == rounds - 1)
            except Exception as error:
                raise AssertionError(f"seed {SEED}, shard {shard}, round {number}: {error}") from error
        test.finish()
    print(test.summary())
    shutil.rmtree(tmp_path / "data")
