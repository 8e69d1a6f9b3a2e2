"""The stack that `contact-ledger demo --serve` serves, for tests in Python. Uses the standard library only.

Requests are signed according to the definition of AWS Signature Version 4, so this is also a second implementation of it.
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from running import eventually

PATIENCE = 60.0
REGION = "eu-west-2"
RECORDS_PER_PUT = 500
BYTES_PER_PUT = 4_000_000


ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTIONS = ("contact-record-normalizer", "agent-event-upserter", "contact-event-upserter")


def ledger(binaries):
    """The command line in the folder of the functions, otherwise the debug build (for release functions)."""
    beside = pathlib.Path(binaries) / "contact-ledger"
    return beside if beside.is_file() else ROOT / "target" / "debug" / "contact-ledger"


def check_binaries(binaries):
    """Exits with an error message if a binary is missing."""
    for program in [*(pathlib.Path(binaries) / name for name in FUNCTIONS), ledger(binaries)]:
        if not program.is_file():
            sys.exit(f"error: {program} is missing; build it with `cargo build -p {program.name}`")


def generate(binaries, *options):
    """The records of a generated center, by stream."""
    with tempfile.TemporaryDirectory() as folder:
        command = [ledger(binaries), "generate", "--output", folder, *options]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        files = ("contact-records", "agent-events", "contact-events")
        return {name: (pathlib.Path(folder) / f"{name}.jsonl").read_bytes().splitlines() for name in files}


def encoded(data):
    return base64.b64encode(data).decode()


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def signature(keys, service, time, canonical):
    """Source: Create a signed AWS API request (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)."""
    scope = f"{time[:8]}/{REGION}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + keys["secret_access_key"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{keys['access_key_id']}/{scope}", hmac.digest(key, text.encode(), "sha256").hex()


def signed(keys, service, url, headers, body):
    """The headers of a signed POST request."""
    parts, time = urllib.parse.urlsplit(url), now()
    headers = {**headers, "host": parts.netloc, "x-amz-date": time}
    names = ";".join(sorted(headers))
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    path, body_hash = urllib.parse.quote(parts.path or "/"), hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", path, parts.query, canonical_headers, names, body_hash])
    credential, found = signature(keys, service, time, canonical)
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={found}"
    return {**headers, "authorization": authorization}


def presigned(keys, service, method, url, body=b"", seconds=600):
    """The presigned URL."""
    parts, time = urllib.parse.urlsplit(url), now()
    credential, _ = signature(keys, service, time, "")
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": credential, "X-Amz-Date": time,
        "X-Amz-Expires": str(seconds), "X-Amz-SignedHeaders": "host",
    }  # fmt: skip
    query = urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="")
    body_hash = "UNSIGNED-PAYLOAD" if service == "s3" else hashlib.sha256(body).hexdigest()
    canonical = "\n".join([method, urllib.parse.quote(parts.path), query, f"host:{parts.netloc}\n", "host", body_hash])
    _, found = signature(keys, service, time, canonical)
    return f"{url}?{query}&X-Amz-Signature={found}"


class ServedStack:
    """An empty stack: streams, functions, tables, and lake."""

    def __init__(self, binaries, folder=None):
        self.binaries = pathlib.Path(binaries)
        self.folder = folder

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.temporary.name)
        self.output = pathlib.Path(self.folder) if self.folder else root / "stack"
        # A demo needs a record. This one is skipped: it is of a known kind that changes no table.
        skipped = root / "skipped.json"
        skipped.write_text('{"detail-type": "Amazon Connect Contact Event", "detail": {}}')
        command = [ledger(self.binaries), "demo", "--serve", "--functions", self.binaries]
        command += ["--agent-events", skipped, "--output", self.output]
        self.log = open(root / "log", "w+")
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.log, stderr=self.log)
        try:
            self.endpoints = eventually("the local stack to start", self._served)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.temporary.cleanup()

    def _served(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"the local stack exited: {self.log.read()}")
        self.log.seek(0)
        # The message is printed when everything is ready.
        if "Everything keeps running" not in self.log.read():
            return None
        return json.loads((self.output / "stack.json").read_text())

    def credentials(self):
        """The environment of a program that uses this stack."""
        keys = self.endpoints["keys"]
        return {
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def call(self, service, target, request):
        """Sends one request in the JSON protocol."""
        version = "1.0" if service == "dynamodb" else "1.1"
        headers = {"x-amz-target": target, "content-type": f"application/x-amz-json-{version}"}
        url, body = self.endpoints[service], json.dumps(request).encode()
        scope = re.split("[_.]", target)[0].lower()
        scope = {"awsevents": "events", "amazonsqs": "sqs"}.get(scope, scope)
        headers = signed(self.endpoints["keys"], scope, url, headers, body)
        try:
            request = urllib.request.Request(url, body, headers)
            return json.loads(urllib.request.urlopen(request, timeout=PATIENCE).read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{target}: {error.read().decode()}") from error

    def invoke(self, function, event):
        url = f"{self.endpoints['streams']}/2015-03-31/functions/{function}/invocations"
        body = json.dumps(event).encode()
        request = urllib.request.Request(url, body, signed(self.endpoints["keys"], "lambda", url, {}, body))
        return json.loads(urllib.request.urlopen(request, timeout=PATIENCE).read())

    def put_agent_events(self, records):
        """Puts records (partition key, data) on the stream in order, in as few requests as Kinesis allows. Returns the
        sequence numbers."""
        numbers, waiting, size = [], [], 0
        for partition_key, data in records:
            if waiting and (len(waiting) == RECORDS_PER_PUT or size + len(data) > BYTES_PER_PUT):
                numbers += self._put(waiting)
                waiting, size = [], 0
            waiting.append({"PartitionKey": partition_key, "Data": encoded(data)})
            size += len(data)
        return numbers + (self._put(waiting) if waiting else [])

    def _put(self, records):
        request = {"StreamName": "agent-events", "Records": records}
        answer = self.call("streams", "Kinesis_20131202.PutRecords", request)
        assert answer["FailedRecordCount"] == 0, answer
        return [record["SequenceNumber"] for record in answer["Records"]]

    def put_contact_records(self, records):
        for start in range(0, len(records), RECORDS_PER_PUT):
            batch = [{"Data": encoded(data)} for data in records[start : start + RECORDS_PER_PUT]]
            request = {"DeliveryStreamName": "contact-records", "Records": batch}
            answer = self.call("streams", "Firehose_20150804.PutRecordBatch", request)
            assert answer["FailedPutCount"] == 0, answer

    def items(self, table, *key):
        """All items of a table, in DynamoDB JSON, sorted by key."""
        items, request = [], {"TableName": table}
        while True:
            page = self.call("dynamodb", "DynamoDB_20120810.Scan", request)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return sorted(items, key=lambda item: [item[part]["S"] for part in key])
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def agent_state(self):
        return self.items("AgentState", "board", "agent_id")

    def agent_history(self):
        return self.items("AgentHistory", "agent_id", "entry")

    def contact_state(self):
        return self.items("ContactState", "board", "contact_id")

    def lines(self, prefix):
        """The lines of JSON in the lake under a prefix."""
        files = sorted(path for path in (self.output / "lake" / prefix).rglob("*") if path.is_file())
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]

    def metrics(self, function):
        """The metrics of every invocation so far."""
        log = self.output / "logs" / f"{function}.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in map(json.loads, lines) if line.get("message") == "invocation"]

    def settle(self, records):
        """Waits until this number of agent events, including each one in a packed record, have an outcome. Returns the outcomes."""
        names = ("Applied", "Duplicate", "Stale", "Skipped", "Rejected")

        found = {}

        def is_settled():
            lines = [line for line in self.metrics("agent-event-upserter") if "BatchSize" in line]
            found.update({name: sum(line[f"Records{name}"] for line in lines) for name in names})
            # The record that the demo started with.
            found["Skipped"] -= 1
            return sum(found.values()) >= records

        try:
            eventually(f"{records} agent events to have an outcome", is_settled)
        except AssertionError as error:
            raise AssertionError(f"{error}; so far {found}") from None
        return found
