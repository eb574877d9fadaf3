"""What the crash test does to the server, and the record of what was asked and what was acknowledged."""

import dataclasses
import random
import threading

from s3link_harness import pattern_bytes
from signed_client import Lost, SignedClient

INLINE_BYTES = 16 * 1024  # bodies up to this size lie in the database
PART_BYTES = 5 * 1024 * 1024
BLOCK = pattern_bytes(PART_BYTES + 200_000)


def body_of(rng, size):
    """`size` bytes that are no other object's."""
    return (b"%016x" % rng.getrandbits(64) + BLOCK)[:size]


@dataclasses.dataclass
class Version:
    """One write under a key. It was acknowledged if we know its sequencer."""

    body: bytes
    sequencer: str = None


@dataclasses.dataclass
class History:
    """All that was asked for under one key, in order."""

    versions: list = dataclasses.field(default_factory=list)
    delete_asked: bool = False
    delete_acknowledged: bool = False

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
    """One client that uploads, overwrites and deletes until the server is gone."""

    def __init__(self, server, name, seed, operations, moment, mix):
        super().__init__(name=name, daemon=True)
        self.histories = {}
        self.failure = None
        self._server = server
        self._rng = random.Random(seed)
        self._operations = operations
        self._moment = moment
        self._mix = mix

    def run(self):
        client = SignedClient(self._server)
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

    def _ask(self, key, body):
        version = Version(body)
        self.histories.setdefault(key, History()).versions.append(version)
        return version

    def _put(self, client, key, body):
        version = self._ask(key, body)
        self._moment.pass_by("put")
        version.sequencer = client.put(key, body)

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
        version = self._ask(key, b"".join(parts))
        self._moment.pass_by("complete")
        version.sequencer = client.complete_upload(key, upload_id, etags)

    def do_delete(self, client, _):
        present = [key for key, history in self.histories.items()
                   if not history.delete_asked and not key.endswith("/same")]
        if not present:
            return
        key = self._rng.choice(present)
        self.histories[key].delete_asked = True
        self._moment.pass_by("delete")
        client.delete(key)
        self.histories[key].delete_acknowledged = True
