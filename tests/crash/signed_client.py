"""A small S3 client that says exactly what it sent and what was acknowledged: one connection, no retries.

http.client sends, botocore signs. Not safe for several threads at a time: each thread makes its own.
"""

import base64
import hashlib
import http.client
import json
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials


class Lost(Exception):
    """The connection broke before a whole answer: the request was carried out, or not."""


class Refused(AssertionError):
    """The server answered with an error."""


class SignedClient:
    def __init__(self, server, timeout=20):
        self._bucket = server.bucket
        self._host = f"127.0.0.1:{server.port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
        credentials = botocore.credentials.ReadOnlyCredentials(server.access_key_id, server.secret_access_key, None)
        self._signer = botocore.auth.S3SigV4Auth(credentials, "s3", server.region)

    def close(self):
        self._connection.close()

    def request(self, method, path, query=None, body=b"", absent_ok=False, headers=None):
        """Headers (names in lower case) and body of the answer; None for 404 where `absent_ok`."""
        target = urllib.parse.quote(path)
        if query:
            target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        signed = botocore.awsrequest.AWSRequest(method=method, url=f"http://{self._host}{target}", data=body,
                                             headers=headers or {})
        self._signer.add_auth(signed)
        fields = dict(signed.headers.items())
        try:
            self._connection.request(method, target, body=body, headers=fields)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Lost(f"{method} {target}: {error!r}") from error
        if answer.status == 404 and absent_ok:
            return None
        if answer.status >= 300:
            raise Refused(f"{method} {target}: {answer.status} {content.decode(errors='replace')}")
        return {name.lower(): value for name, value in answer.getheaders()}, content

    # -- objects ----------------------------------------------------------------------------------------------------

    def _path(self, key):
        return f"/{self._bucket}/{key}"

    def put(self, key, body):
        """The sequencer of the object."""
        headers, _ = self.request("PUT", self._path(key), body=body)
        return headers["x-s3link-sequencer"]

    def get(self, key):
        """The body, or None where there is no such object."""
        answer = self.request("GET", self._path(key), absent_ok=True)
        return answer and answer[1]

    def delete(self, key):
        self.request("DELETE", self._path(key))

    def delete_many(self, keys):
        objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
        _, answer = self.request("POST", f"/{self._bucket}", {"delete": ""},
                                 f"<Delete><Quiet>true</Quiet>{objects}</Delete>".encode())
        assert b"<Error>" not in answer, answer.decode()

    def keys(self):
        """Every key of the bucket with its size."""
        found, token = {}, None
        while True:
            query = {"list-type": "2"} | ({"continuation-token": token} if token else {})
            _, page = self.request("GET", f"/{self._bucket}", query)
            for entry in re.findall(rb"<Contents>.*?</Contents>", page, re.DOTALL):
                key = re.search(rb"<Key>(.*?)</Key>", entry).group(1).decode()
                found[key] = int(re.search(rb"<Size>(\d+)</Size>", entry).group(1))
            more = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>", page)
            if not more:
                return found
            token = more.group(1).decode()

    # -- multipart --------------------------------------------------------------------------------------------------

    def create_upload(self, key):
        _, answer = self.request("POST", self._path(key), {"uploads": ""})
        return re.search(rb"<UploadId>(.*?)</UploadId>", answer).group(1).decode()

    def put_part(self, key, upload_id, number, body):
        headers, _ = self.request("PUT", self._path(key), {"partNumber": str(number), "uploadId": upload_id}, body)
        return headers["etag"]

    def complete_upload(self, key, upload_id, etags):
        """The sequencer of the object."""
        parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                        for number, etag in enumerate(etags, 1))
        headers, _ = self.request("POST", self._path(key), {"uploadId": upload_id},
                                  f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
        return headers["x-s3link-sequencer"]

    def abort_upload(self, key, upload_id):
        self.request("DELETE", self._path(key), {"uploadId": upload_id})

    def uploads(self):
        """(key, upload id) of every upload in progress; there are fewer than a page."""
        _, page = self.request("GET", f"/{self._bucket}", {"uploads": ""})
        return [(key.decode(), upload_id.decode())
                for key, upload_id in re.findall(rb"<Upload>.*?<Key>(.*?)</Key>.*?<UploadId>(.*?)</UploadId>", page,
                                                 re.DOTALL)]

    # -- lifecycle --------------------------------------------------------------------------------------------------

    def put_lifecycle(self, days):
        """Objects under each prefix are kept for its days; the others as the server's setting says."""
        rules = "".join(f"<Rule><ID>{prefix}</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>"
                        f"<Expiration><Days>{number}</Days></Expiration></Rule>" for prefix, number in days.items())
        body = f"<LifecycleConfiguration>{rules}</LifecycleConfiguration>".encode()
        self.request("PUT", f"/{self._bucket}", {"lifecycle": ""}, body,
                     headers={"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()})

    # -- deliveries -------------------------------------------------------------------------------------------------

    def deliveries(self, **filters):
        _, answer = self.request("GET", "/_/api/v1/deliveries", {"limit": "1000"} | filters)
        return json.loads(answer)["deliveries"]
