"""A row of the database that was altered: 500 and a log line that names it, and nobody else notices."""

import contextlib
import sqlite3

from raw_s3 import request


def edit(server, *statements):
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data_dir / "s3link.db")) as database, database:
        for statement in statements:
            assert database.execute(*statement).rowcount == 1, statement
    server.start()


def test_a_damaged_row_is_told_and_disturbs_nobody(make_server):
    server = make_server()
    for key in ("one", "two", "three"):
        assert request(server, "PUT", f"/{server.bucket}/{key}", key.encode() * 10_000).status == 200
    server.wait_mails(3)
    sets = "SELECT body_set FROM objects WHERE key=?"
    edit(server, (f"UPDATE objects SET body_set=({sets}) WHERE key=?", (b"two", b"one")))
    for method in ("GET", "HEAD"):
        assert request(server, method, f"/{server.bucket}/one").status == 500
    answer = request(server, "GET", f"/{server.bucket}/one")
    assert answer.code == "InternalError" and b"damaged" not in answer.body
    assert f"the object {server.bucket}/one cannot be read: its row in the database is damaged; restore it" in server.log()
    for key in ("two", "three"):
        assert request(server, "GET", f"/{server.bucket}/{key}").body == key.encode() * 10_000
    assert request(server, "PUT", f"/{server.bucket}/four", b"4").status == 200
    server.wait_mails(4)
    assert request(server, "PUT", f"/{server.bucket}/one", b"again").status == 200
    assert request(server, "GET", f"/{server.bucket}/one").body == b"again"
    assert request(server, "GET", f"/{server.bucket}/two").body == b"two" * 10_000
