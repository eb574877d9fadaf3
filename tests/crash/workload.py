"""What the crash test does to the server, and the record of what was asked and what was acknowledged."""

import dataclasses
import random
import threading
import time

from s3link_harness import pattern_bytes
from signed_client import Lost, SignedClient

INLINE_BYTES = 16 * 1024  # bodies up to this size lie in the database
PART_BYTES = 5 * 1024 * 1024
SHARED = "-shared"
EXPIRING = ("brief/", "ruled/")  # prefixes: kept as long as the server keeps objects; as long as a rule says
BLOCK = pattern_bytes(PART_BYTES + 200_000)


def body_of(rng, size):
    """`size` bytes that are no other object's."""
    return (b"%016x" % rng.getrandbits(64) + BLOCK)[:size]


@dataclasses.dataclass
class Version:
    """One write under a key. It was acknowledged if we know its sequencer."""

    body: bytes
    sequencer: str = None
    asked: float = 0.0  # time.time()
    over: float = 0.0  # when it was acknowledged, or its connection broke


@dataclasses.dataclass
class History:
    """All that was asked for under one key, in order."""

    versions: list = dataclasses.field(default_factory=list)
    delete_asked: bool = False
    delete_acknowledged: float = 0.0  # time.time()

    @property
    def changed(self):
        """Whether a mail of this key may have been overtaken by another write or a delete."""
        return self.delete_asked or len(self.versions) > 1


class Moment:
    """Lets the killer wait for a request of the kind it aims at."""

    def __init__(self):
        self._happened = threading.Event()
        self.kind = None

    def aim(self, kind):
        self.kind = kind
        self._happened.clear()

    def pass_by(self, kind):
        if kind == self.kind:
            self._happened.set()

    def wait(self, timeout):
        return self._happened.wait(timeout)


class Worker(threading.Thread):
    """One client that uploads, overwrites and deletes until the server is gone. `histories`: of the objects there that
    only this one works on."""

    def __init__(self, server, name, seed, operations, moment, mix, histories=None):
        super().__init__(name=name, daemon=True)
        self.histories = histories or {}
        self.failure = None
        self._server = server
        self._rng = random.Random(seed)
        self._operations = operations
        self._moment = moment
        self._mix = mix
        self._client = SignedClient(server)  # now: the access key may change

    def run(self):
        client = self._client
        try:
            for number in range(self._operations):
                kind = self._rng.choice(self._mix)
                getattr(self, "do_" + kind)(client, f"{self.name}/{number}-{kind}")
        except Lost:
            pass
        except Exception as error:  # shown by the test's own thread
            self.failure = error
        finally:
            client.close()

    def _write(self, key, body, moment, write):
        """`write` sends it and returns the sequencer."""
        version = Version(body, asked=time.time())
        self.histories.setdefault(key, History()).versions.append(version)
        self._moment.pass_by(moment)
        try:
            version.sequencer = write()
        finally:
            version.over = time.time()

    def _put(self, client, key, body):
        self._write(key, body, "put", lambda: client.put(key, body))

    def _present(self, *excluded):
        """Keys with an object for sure, less those with one of these texts."""
        return [key for key, history in self.histories.items()
                if not history.delete_asked and not any(text in key for text in excluded)]

    def do_small(self, client, key):
        # An empty one is rare: its mail waits ten seconds for the content, and each round for every mail.
        empty = self._rng.random() < 0.002
        size = 0 if empty else self._rng.choice([1, 4096, self._rng.randint(2, INLINE_BYTES)])
        self._put(client, key, body_of(self._rng, size))

    def do_file(self, client, key):
        self._put(client, key, body_of(self._rng, self._rng.randint(INLINE_BYTES + 1, 120_000)))

    def do_overwrite(self, client, _):
        self._put(client, f"{self.name}/same", body_of(self._rng, self._rng.randint(16, 2 * INLINE_BYTES)))

    def do_multipart(self, client, key):
        parts = [body_of(self._rng, self._rng.randint(1, 60_000))]
        if self._rng.random() < 0.1:
            parts.insert(0, body_of(self._rng, PART_BYTES))
        upload_id = client.create_upload(key)
        etags = [client.put_part(key, upload_id, number, part) for number, part in enumerate(parts, 1)]
        if self._rng.random() < 0.1:
            return  # left for the test to find and abort
        self._write(key, b"".join(parts), "complete", lambda: client.complete_upload(key, upload_id, etags))

    def _remove(self, keys, remove):
        for key in keys:
            self.histories[key].delete_asked = True
        self._moment.pass_by("delete")
        remove()
        for key in keys:
            self.histories[key].delete_acknowledged = time.time()

    def do_delete(self, client, _):
        present = self._present("/same", SHARED)
        if present:
            key = self._rng.choice(present)
            self._remove([key], lambda: client.delete(key))

    # -- what test_mixed_work.py asks for besides -------------------------------------------------------------------

    def do_delete_many(self, client, _):
        present = self._present("/same", SHARED)
        keys = self._rng.sample(present, min(3, len(present)))
        if keys:
            self._remove(keys, lambda: client.delete_many(keys))

    def do_replace(self, client, key):
        """Overwrites any of its objects, those of earlier rounds, too."""
        present = self._present(SHARED)
        self._put(client, self._rng.choice(present or [key]), body_of(self._rng, self._rng.randint(16, 2 * INLINE_BYTES)))

    def do_shared(self, client, _):
        """The one key that all clients write."""
        key = self.name.partition("-")[0] + SHARED
        self._put(client, key, body_of(self._rng, self._rng.randint(16, 2 * INLINE_BYTES)))

    def do_abort(self, client, key):
        upload_id = client.create_upload(key)
        for number in range(1, self._rng.randint(1, 3)):
            client.put_part(key, upload_id, number, body_of(self._rng, self._rng.randint(1, 60_000)))
        self._moment.pass_by("delete")
        client.abort_upload(key, upload_id)

    def do_brief(self, client, key):
        self.do_file(client, EXPIRING[0] + key)

    def do_ruled(self, client, key):
        self._put(client, EXPIRING[1] + key, body_of(self._rng, self._rng.randint(16, 2 * INLINE_BYTES)))
