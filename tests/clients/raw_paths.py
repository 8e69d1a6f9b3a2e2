"""Requests that no client sends: arbitrary paths, signed, over a raw connection. The local S3 must answer with an S3 error and survive."""

import http.client
import random
import unittest
import urllib.parse
import uuid
import xml.etree.ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from lake import LAKE, REGION, STACK
from running import figure

REQUESTS = 3000
PIECES = [
    "/", "//", "..", ".", "%2e%2e", "%2E", "%2f", "%00", "%0a", "%7f", "%ff", "%c3%28", "%", "%zz", "%u0041", "a", "lake", "A", "+", "%20",
    "~", ";", "=", ":", "@", "!", "$", "&", "'", "(", ")", "*", ",", "x" * 300, "%F0%9F%98%80", "\\", "logs", ".s3", "stack.json",
]  # fmt: skip
QUERIES = [
    "", "?", "?uploads", "?uploads=", "?uploadId=x&partNumber=1", "?partNumber=0", "?partNumber=99999999999999999999", "?versionId=", "?versionId=%00",
    "?versions", "?versioning", "?delete", "?tagging", "?list-type=2&max-keys=-1", "?list-type=2&continuation-token=%ff", "?list-type=2&delimiter=%00",
    "?prefix=..%2f..%2f", "?list-type=2&prefix=%2f&encoding-type=url", "?max-keys=x", "?acl", "?policy", "?location", "?x-id=%%%", "?a=b&a=b", "?attributes",
]  # fmt: skip
HEADERS = [
    {}, {"range": "bytes=9-1"}, {"range": "bytes=0-0,2-3"}, {"range": "lines=1-2"}, {"if-match": "\"*"}, {"if-none-match": "*"},
    {"x-amz-copy-source": "/lake/../../x"}, {"x-amz-copy-source": "%00"}, {"x-amz-copy-source": "lake/a?versionId=%ff"}, {"x-amz-copy-source": "lake/"},
    {"content-md5": "x"}, {"x-amz-checksum-crc32": "x"}, {"x-amz-tagging": "%%%&&&=="}, {"x-amz-meta-": "x"}, {"if-modified-since": "yesterday"},
    {"x-amz-decoded-content-length": "-1"}, {"x-amz-trailer": "x-amz-checksum-none"}, {"content-type": "multipart/form-data; boundary=x"},
    {"x-amz-storage-class": "CARDBOARD"}, {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, {"expires": "never"},
]  # fmt: skip
BODIES = [b"", b"x", b"<Delete>", b"<Delete><Object><Key></Key></Object></Delete>", b"<Tagging/>", b"<CompleteMultipartUpload/>", b"\xff\x00",
          b"--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--x--\r\n"]  # fmt: skip


class Auth(S3SigV4Auth):
    """Signs the normalized path, as S3 does, regardless of how it is written."""

    def _normalize_url_path(self, path):
        return urllib.parse.quote(urllib.parse.unquote_to_bytes(path), safe="/-_.~")


def ask(method, path, headers=(), body=b""):
    """Sends the path unchanged. Returns the status, the headers, and the body."""
    request = AWSRequest(method, STACK.endpoint + path, dict(headers), body)
    Auth(Credentials(*STACK.keys), "s3", REGION).add_auth(request)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(STACK.endpoint).netloc, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def error_code(body):
    root = xml.etree.ElementTree.fromstring(body)
    assert root.tag == "Error", body
    return root.findtext("Code")


class RawPaths(unittest.TestCase):
    def test_paths_that_lead_out_of_the_bucket_are_keys_or_refused(self):
        name = str(uuid.uuid4())
        before = STACK.outside()
        for path, status in [
            (f"/{LAKE}/../{name}", 200),
            (f"/{LAKE}/..%2f..%2f{name}", 200),
            (f"/{LAKE}//{name}", 200),
            (f"/{LAKE}/{name}%00", 200),
            (f"/../{name}", 400),
            (f"/..%2f{name}", 400),
            (f"/.s3/{name}", 400),
            (f"/stack.json/{name}", 404),
            (f"/logs/{name}", 404),
            (f"/{LAKE}/{'k' * 1025}", 400),
            (f"/{LAKE}/{'%20' * 8000}", 400),
            (f"/{LAKE}/{name}%ff", 400),
        ]:
            answered, _, body = ask("PUT", path, body=b"x")
            self.assertEqual(answered, status, (path[:80], body))
            if status != 200:
                error_code(body)
            else:
                self.assertEqual(ask("GET", path)[2], b"x")
                ask("DELETE", path)
        added = {path for path in STACK.outside() if "/.s3/" not in path} - set(before)
        self.assertEqual(added, set())

    def test_every_request_gets_a_response_or_error_of_s3(self):
        chance = random.Random(7)
        before = {path: content for path, content in STACK.outside().items() if "/.s3/" not in path}
        met = {}
        for number in range(REQUESTS):
            method = chance.choice(["GET", "PUT", "HEAD", "DELETE", "POST", "PATCH", "OPTIONS"])
            path = "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 6)))
            bucket = chance.choice(["/" + LAKE + "/", "/" + LAKE + "/", "/"])
            headers, body = chance.choice(HEADERS), chance.choice(BODIES)
            sent = (method, bucket + path + chance.choice(QUERIES), headers, body)
            if method == "DELETE" and bucket == "/":
                continue
            try:
                status, _, body = ask(*sent)
            except (http.client.HTTPException, OSError) as error:
                self.fail(f"request {number}, {sent}: {error!r}; {STACK.said()[-2000:]}")
            self.assertTrue(200 <= status < 500 or status == 501, (number, sent, status, body))
            if status >= 400 and method != "HEAD":
                code = error_code(body)
                met[code] = met.get(code, 0) + 1
        figure(f"{REQUESTS} requests, refused as {', '.join(sorted(met))}")
        self.assertTrue(STACK.is_alive())
        self.assertNotIn("panicked", STACK.said())
        after = {path: content for path, content in STACK.outside().items() if "/.s3/" not in path}
        self.assertEqual(after, before)
        # Not every request failed on its signature.
        self.assertLess(met.get("SignatureDoesNotMatch", 0), REQUESTS / 2, met)
        self.assertGreater(len(met), 8, met)
