"""An upload that stops half-way, for tests of what becomes of requests in flight."""


def begin_upload(peer, server, length, key="slow"):
    """Sends the head and five bytes of a body. On return the server is reading it: it has answered 100 Continue."""
    url = server.s3().generate_presigned_url("put_object", {"Bucket": server.bucket, "Key": key})
    target = url.removeprefix(server.endpoint)
    peer.settimeout(60)
    peer.sendall(f"PUT {target} HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {length}\r\n"
                 "Expect: 100-continue\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        piece = peer.recv(1000)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 100 "), answer
    peer.sendall(b"first")
