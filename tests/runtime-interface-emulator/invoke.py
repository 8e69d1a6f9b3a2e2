"""Tests the functions under Amazon's Lambda Runtime Interface Emulator: their responses against the documentation of the services
that invoke them, and the runtime's reports when there is no response.

Contracts:

- Required parameters for data transformation (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html)
- Understand partitioning keys, of a Lambda function (https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html)
- Configuring partial batch response (https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
- Handling errors for an SQS event source in Lambda (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html)
- Lambda quotas (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)

Usage: invoke.py <emulator> <folder of the binaries>
"""

import base64
import bisect
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from running import agents_of, eventually, figure, run_tests  # noqa: E402, the path comes before
from served_stack import REGION, ServedStack, check_binaries, encoded, generate  # noqa: E402

INVOCATIONS = "/2015-03-31/functions/function/invocations"
PAYLOAD_BYTES = 6 * 1024 * 1024
# A longer wait counts as a hang.
HANG_SECONDS = 60
# An error is reported immediately, except on a loaded machine.
ERROR_SECONDS = 5
TIMEOUT_SECONDS = 30
STREAM = "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events"
NORMALIZER, UPSERTER, CONTACT_EVENT_UPSERTER = "contact-record-normalizer", "agent-event-upserter", "contact-event-upserter"
# Events that no service sends, and that no function can process. The second is complete JSON but not an event.
BROKEN_EVENTS = [b"", b"[]", b"{", b'{"records": 5, "Records": 5}', b"\xff\xfe", b'{"records": [{}], "Records": [{}]}']

Answer = collections.namedtuple("Answer", "status body seconds")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """The emulator with one function. It listens on 127.0.0.1 only."""

    def __init__(self, function, environment, timeout=TIMEOUT_SECONDS):
        self.binary = BINARIES / function
        self.environment = {
            "PATH": os.environ["PATH"],
            # Dummy keys. A test that uses a served stack overrides them.
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nobody",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            **environment,
        }

    def __enter__(self):
        self.port = free_port()
        self.log = tempfile.NamedTemporaryFile("w+", prefix="emulator-")
        command = [EMULATOR, "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{free_port()}", self.binary]
        self.process = subprocess.Popen(
            [str(part) for part in command], env=self.environment, stdout=self.log, stderr=self.log
        )
        self.seen = set()
        try:
            eventually("the emulator to start", self._listens)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # On SIGTERM the emulator stops the function.
        functions = self.functions()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in functions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.log.close()

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator exited: {self.output()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def output(self):
        """The output of the emulator and the function."""
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def functions(self):
        """The processes of the function."""
        found = []
        for children in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
        return found

    def invoke(self, payload):
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        assert len(payload) <= PAYLOAD_BYTES, f"an event of {len(payload)} bytes exceeds Lambda's limit"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_SECONDS)
        begin = time.monotonic()
        try:
            connection.request("POST", INVOCATIONS, payload)
            response = connection.getresponse()
            return Answer(response.status, response.read(), time.monotonic() - begin)
        except TimeoutError:
            raise AssertionError(f"the invocation hangs: no response in {HANG_SECONDS} s") from None
        finally:
            connection.close()


def firehose_event(records):
    """An event in Firehose's format: times in milliseconds, and IDs of 56 digits with a suffix."""
    return {
        "invocationId": "00000000-0000-4000-8000-000000000001",
        "deliveryStreamArn": "arn:aws:firehose:eu-west-2:111122223333:deliverystream/contact-records",
        "region": "eu-west-2",
        "records": [
            {
                "recordId": f"4954{place:052}000000",
                "approximateArrivalTimestamp": 1772438400251,
                "data": encoded(data),
            }
            for place, data in enumerate(records)
        ],
    }


def kinesis_event(records):
    """An event in the event source mapping's format: times in seconds, and the sequence number repeated in the event ID."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "agent",
                    "sequenceNumber": sequence_number(place),
                    "data": encoded(data),
                    "approximateArrivalTimestamp": 1772438400.25,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{sequence_number(place)}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::111122223333:role/agent-event-upserter",
                "awsRegion": "eu-west-2",
                "eventSourceARN": STREAM,
            }
            for place, data in enumerate(records)
        ]
    }


def sqs_event(bodies):
    """An event in the format of a queue's event source mapping."""
    return {
        "Records": [
            {
                "messageId": message_id(place),
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body.decode(),
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1772438400250",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1772438400300",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-2:111122223333:contact-events",
                "awsRegion": "eu-west-2",
            }
            for place, body in enumerate(bodies)
        ]
    }


def message_id(place):
    return f"059f36b4-87a3-44ab-83d2-{place:012}"


def sequence_number(place):
    return f"4959{place:052}"


class Contracts(unittest.TestCase):
    """Checks the documented responses."""

    maxDiff = 2000

    def json(self, answer, what):
        self.assertEqual(answer.status, 200, f"{what}: {answer.body[:300]}")
        self.assertLessEqual(len(answer.body), PAYLOAD_BYTES, f"{what}: the response exceeds Lambda's limit")
        return self.parsed(answer)

    def parsed(self, answer):
        try:
            return json.loads(answer.body)
        except ValueError:
            self.fail(f"the answer is not JSON: {answer.body[:300]}")

    def firehose_answers(self, event, answer):
        """Checks the response against the contract, and returns (result, row) for each record."""
        response = self.json(answer, "the transformation")
        self.assertEqual(set(response), {"records"})
        ids = [record["recordId"] for record in event["records"]]
        answered = [record["recordId"] for record in response["records"]]
        self.assertEqual(answered, ids, "every recordId must be answered once and in order")
        found = []
        for record in response["records"]:
            result, row = record["result"], None
            self.assertIn(result, ("Ok", "Dropped", "ProcessingFailed"))
            if result == "Ok":
                self.assertEqual(set(record), {"recordId", "result", "data", "metadata"})
                try:
                    line = base64.b64decode(record["data"], validate=True)
                except ValueError as error:
                    self.fail(f"data is not base64: {error}")
                self.assertTrue(line.endswith(b"\n") and line.count(b"\n") == 1, "a row is one line")
                row = json.loads(line)
                self.assertEqual(set(record["metadata"]), {"partitionKeys"})
                self.assertEqual(
                    record["metadata"]["partitionKeys"],
                    {"contact_date": row["initiation_timestamp"][:10]},
                    "metadata.partitionKeys must name the day that the contact began",
                )
            found.append((result, row))
        return found

    def failed_items(self, event, answer):
        """Checks the response against the contract, and returns the identifiers of the records to retry."""
        response = self.json(answer, "the batch")
        self.assertEqual(set(response), {"batchItemFailures"})
        failures = response["batchItemFailures"]
        self.assertTrue(all(set(failure) == {"itemIdentifier"} for failure in failures), failures)
        numbers = [failure["itemIdentifier"] for failure in failures]
        known = {record["messageId"] if "messageId" in record else record["kinesis"]["sequenceNumber"] for record in event["Records"]}
        # An unknown identifier makes the mapping resend the whole batch forever.
        self.assertLessEqual(set(numbers), known, "only a record of the batch can be reported")
        return numbers

    def error(self, answer):
        """The error that was reported to the Runtime API, or that it created itself."""
        error = self.parsed(answer)
        self.assertLessEqual({"errorType", "errorMessage"}, set(error), f"not an error of the Runtime API: {error}")
        self.assertTrue(error["errorType"] and error["errorMessage"], error)
        return error

    def refuses_broken_events(self, emulator, good):
        """Each gives an immediate error, and ends neither the process nor the next invocation."""
        self.assertEqual(emulator.invoke(good).status, 200)
        before = emulator.functions()
        self.assertEqual(len(before), 1)
        for event in BROKEN_EVENTS:
            answer = emulator.invoke(event)
            error = self.error(answer)
            self.assertLess(answer.seconds, ERROR_SECONDS, f"{event}: {error}")
            self.assertEqual(emulator.invoke(good).status, 200, f"after {event}")
        self.assertEqual(emulator.functions(), before, "an unreadable event must not end the function's process")

    def stays_down(self, emulator, event, sentence):
        """With a wrong setting, every invocation gives an init error, and the log has the fix."""
        for _ in range(2):
            answer = emulator.invoke(event)
            # If the process just exits, the body may be empty; otherwise it must have the reason.
            self.assertEqual(answer.status, 502, answer.body)
            self.assertIn(sentence if answer.body else "", answer.body.decode())
            self.assertLess(answer.seconds, ERROR_SECONDS)
        self.assertEqual(emulator.functions(), [], "the function must have exited")
        output = emulator.output()
        self.assertIn("INIT RTDONE(status: error)", output)
        self.assertIn("Runtime exited with error: exit status 1", output)
        said = [line for line in output.splitlines() if line.startswith("{")]
        said = [line for line in map(json.loads, said) if line["level"] == "ERROR"]
        self.assertTrue(said, "the function must say why it cannot start")
        for line in said:
            self.assertIn(sentence, line["error"])

    def survives_a_hang(self, function, environment, event):
        """A process that hangs is stopped at the timeout, and the next one responds."""
        with Emulator(function, environment, timeout=2) as emulator:
            good = emulator.invoke(event)
            self.assertEqual(good.status, 200)
            (before,) = emulator.functions()
            os.kill(before, signal.SIGSTOP)
            answer = emulator.invoke(event)
            self.assertEqual(answer.body, b"Task timed out after 2.00 seconds")
            after = emulator.invoke(event)
            self.assertEqual((after.status, after.body), (good.status, good.body))
            self.assertNotIn(before, emulator.functions())


class Normalizer(Contracts):
    @classmethod
    def setUpClass(cls):
        cls.records = DAY["contact-records"]
        cls.events = json.loads((ROOT / "events" / "contact-records.json").read_text())

    def emulator(self, **environment):
        return Emulator(NORMALIZER, environment)

    def rows(self, emulator, records):
        event = firehose_event(records)
        found = self.firehose_answers(event, emulator.invoke(event))
        for record, (result, row) in zip(records, found):
            self.assertEqual(result, "Ok")
            self.assertEqual(row["contact_id"], json.loads(record)["ContactId"], "the row is another record's")
        return [row for _, row in found]

    def test_one_bad_record_fails_alone(self):
        agent_event = DAY["agent-events"][0]
        good, other = self.records[:2]
        records = [good, b"{", other, agent_event, b"\xff", b"", good]
        event = firehose_event(records)
        del event["records"][5]["data"]
        failed, dropped = "ProcessingFailed", "Dropped"
        with self.emulator() as emulator:
            found = self.firehose_answers(event, emulator.invoke(event))
            self.assertEqual([result for result, _ in found], ["Ok", failed, "Ok", dropped, failed, failed, "Ok"])
            # The repository's event, for `sam local invoke`.
            found = self.firehose_answers(self.events, emulator.invoke(self.events))
            self.assertEqual([result for result, _ in found], ["Ok", dropped, failed])

    def test_an_event_with_a_kinesis_source_gets_the_same_response(self):
        event = firehose_event(self.records[:50])
        with self.emulator() as emulator:
            direct = emulator.invoke(event)
            event["sourceKinesisStreamArn"] = STREAM.replace("agent-events", "contact-records")
            for place, record in enumerate(event["records"]):
                record["kinesisRecordMetadata"] = {
                    "sequenceNumber": sequence_number(place),
                    "subsequenceNumber": place % 3,
                    "partitionKey": "contact",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": 1772438400251,
                }
            self.assertEqual(len(self.firehose_answers(event, direct)), 50)
            self.assertEqual(emulator.invoke(event).body, direct.body)

    def test_a_warm_function_gives_the_same_rows_as_a_cold_one(self):
        with self.emulator() as emulator:
            begin, rows, seconds = time.monotonic(), [], []
            for start in range(0, len(self.records), 100):
                rows += self.rows(emulator, self.records[start : start + 100])
                seconds.append(time.monotonic() - begin)
                self.assertEqual(len(emulator.functions()), 1)
                process = process if start else emulator.functions()
                self.assertEqual(emulator.functions(), process, "a warm invocation needs no new process")
            empty = firehose_event([])
            self.assertEqual(self.firehose_answers(empty, emulator.invoke(empty)), [])
        with self.emulator() as emulator:
            self.assertEqual(self.rows(emulator, self.records[-100:]), rows[-100:])
        figure(f"{len(rows)} contact records in {len(seconds)} warm invocations, {seconds[-1]:.2f} s")

    def test_a_response_stays_below_6_mb_and_the_template_s_buffer_fits(self):
        # The row of such a record is longer than the record, so the response does not have room for all rows.
        small = json.dumps({
            "ContactId": "00000000-0000-4000-8000-000000000001",
            "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001",
            "InitiationTimestamp": "2026-03-02T08:00:00Z",
            "LastUpdateTimestamp": "2026-03-02T08:05:00Z",
        }).encode()
        template = (ROOT / "template.yaml").read_text()
        buffer = int(re.search(r'BufferSizeInMBs, ParameterValue: "(\d+)"', template)[1]) * 1024 * 1024
        day = 100 * self.records

        def buffered(size):
            return sum(map(len, day[:size])) <= buffer

        def invocable(records):
            return lambda size: len(json.dumps(firehose_event(records[:size]))) <= PAYLOAD_BYTES

        most = 30_000 * [small]
        for name, records, fits, must_fit in [
            ("as many small contact records as Lambda accepts", most, invocable(most), False),
            ("as many generated contact records as Lambda accepts", day, invocable(day), False),
            ("as many generated contact records as the template buffers", day, buffered, True),
        ]:
            size = bisect.bisect_left(range(len(records)), True, key=lambda size: not fits(size)) - 1
            records = records[:size]
            event = firehose_event(records)
            with self.subTest(name), self.emulator() as emulator:
                answer = emulator.invoke(event)
                found = self.firehose_answers(event, answer)
                results = collections.Counter(result for result, _ in found)
                for record, (result, row) in zip(records, found):
                    self.assertIn(result, ("Ok", "ProcessingFailed"))
                    if result == "Ok":
                        self.assertEqual(row["contact_id"], json.loads(record)["ContactId"])
                self.assertEqual(results["ProcessingFailed"] == 0, must_fit, results)
                # Every row that fits is delivered.
                if not must_fit:
                    self.assertGreater(len(answer.body), 5_800_000)
                figure(
                    f"{name}: {size:,} in {len(json.dumps(event)):,} bytes, answered in {len(answer.body):,}: "
                    f"{results['Ok']:,} rows, {results['ProcessingFailed']:,} did not fit, {answer.seconds:.2f} s"
                )

    def test_an_unreadable_event_gives_an_error_and_does_not_hang(self):
        with self.emulator() as emulator:
            self.refuses_broken_events(emulator, firehose_event(self.records[:2]))

    def test_a_wrong_setting_gives_an_init_error_and_does_not_hang(self):
        with self.emulator(PII_POLICY="keep") as emulator:
            self.stays_down(emulator, firehose_event(self.records[:1]), "PII_POLICY is not a JSON object")

    def test_a_process_that_hangs_is_replaced(self):
        self.survives_a_hang(NORMALIZER, {}, firehose_event(self.records[:3]))


class DynamoDb(http.server.ThreadingHTTPServer):
    """A proxy for the stack's DynamoDB that refuses the given requests."""

    daemon_threads = True

    def __init__(self, stack, denies=False, throttles=None):
        self.stack, self.denies, self.throttles = stack, denies, throttles
        super().__init__(("127.0.0.1", 0), Refusing)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Refusing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.server.denies:
            role = "arn:aws:sts::111122223333:assumed-role/upserter/function"
            text = f"User: {role} is not authorized to perform: dynamodb:PartiQLInsert"
            kind = "com.amazon.coral.service#AccessDeniedException"
            return self.answer(400, {"__type": kind, "Message": text})
        if "Statements" not in request:
            if self.server.throttles and self.server.throttles in json.dumps(request):
                kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
                return self.answer(400, {"__type": kind, "message": "Throughput exceeds the current capacity"})
            return self.answer(200, self.server.stack.call("dynamodb", self.headers["x-amz-target"], request))
        statements = request["Statements"]
        refused = [self.server.throttles in json.dumps(statement) for statement in statements]
        passed = [statement for statement, is_refused in zip(statements, refused) if not is_refused]
        answers = iter(self.forward({**request, "Statements": passed}) if passed else [])
        throttled = {"Error": {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}}
        self.answer(200, {"Responses": [throttled if is_refused else next(answers) for is_refused in refused]})

    def forward(self, request):
        # Signed again: the function signed the original request, for this server.
        return self.server.stack.call("dynamodb", self.headers["x-amz-target"], request)["Responses"]

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Upserter(Contracts):
    @classmethod
    def setUpClass(cls):
        cls.events = DAY["agent-events"]

    def setUp(self):
        self.stack = self.enterContext(ServedStack(BINARIES))

    def environment(self, dynamodb=None, **others):
        return {
            **self.stack.credentials(),
            "AGENT_STATE_TABLE": "AgentState",
            "AGENT_HISTORY_TABLE": "AgentHistory",
            "REJECTED_BUCKET": "lake",
            # The generated day may be long ago.
            "HISTORY_RETENTION_DAYS": "3650",
            "STATE_RETENTION_DAYS": "3650",
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb or self.stack.endpoints["dynamodb"],
            "AWS_ENDPOINT_URL_S3": self.stack.endpoints["s3"],
            **others,
        }

    def emulator(self, dynamodb=None, timeout=TIMEOUT_SECONDS, **others):
        return Emulator(UPSERTER, self.environment(dynamodb, **others), timeout)

    def retried(self, emulator, records):
        event = kinesis_event(records)
        return self.failed_items(event, emulator.invoke(event))

    def are_recorded(self, events):
        """Checks that each event except heartbeats has its own entry, `event#<time>#<event ID>`."""
        entries = [item["entry"]["S"].split("#") for item in self.stack.agent_history()]
        recorded = {parts[2] for parts in entries if parts[0] == "event"}
        events = [event for event in map(json.loads, events) if event["EventType"] != "HEART_BEAT"]
        self.assertTrue(events)
        missing = [event["EventId"] for event in events if event["EventId"] not in recorded]
        self.assertEqual(missing[:3], [], f"{len(missing)} of {len(events)} events are not in the history")

    def test_a_good_batch_is_written_and_a_second_time_changes_nothing(self):
        with self.emulator() as emulator:
            process = None
            for start in range(0, len(self.events), 100):
                self.assertEqual(self.retried(emulator, self.events[start : start + 100]), [])
                process = process or emulator.functions()
                self.assertEqual(emulator.functions(), process, "a warm invocation needs no new process")
            state, history = self.stack.agent_state(), self.stack.agent_history()
            agents = {json.loads(event)["AgentARN"].rsplit("/")[-1] for event in self.events}
            self.assertEqual(agents_of(state), agents)
            self.are_recorded(self.events)
            self.assertEqual(self.retried(emulator, self.events[:500]), [])
            self.assertEqual((self.stack.agent_state(), self.stack.agent_history()), (state, history))
        # Another way to the same tables: the stack's own stream, mapping, and runtime.
        with ServedStack(BINARIES) as other:
            other.put_agent_events([(json.loads(event)["AgentARN"], event) for event in self.events])
            other.settle(len(self.events))
            self.assertEqual((other.agent_state(), other.agent_history()), (state, history))
        figure(
            f"{len(self.events)} agent events of {len(agents)} agents: {len(state)} items of state, {len(history)} entries, "
            "the same as through the local stack"
        )

    def test_an_empty_batch_is_a_success(self):
        with self.emulator() as emulator:
            self.assertEqual(self.retried(emulator, []), [])
            event = json.loads((ROOT / "events" / "agent-events.json").read_text())
            self.assertEqual(self.failed_items(event, emulator.invoke(event)), [])

    def test_a_bad_record_in_the_middle_is_rejected_and_the_rest_written(self):
        with self.emulator() as emulator:
            bad = b'{"EventId": '
            records = [*self.events[:20], bad, *self.events[20:40]]
            self.assertEqual(self.retried(emulator, records), [])
            (line,) = self.stack.lines("rejected")
            self.assertEqual((line["reason"], line["sequence_number"]), ("not_json", sequence_number(20)))
            self.assertEqual(base64.b64decode(line["data"]), bad)
            self.are_recorded(self.events[:40])

    def test_a_refused_write_is_reported_at_its_record(self):
        agents = [json.loads(event)["AgentARN"] for event in self.events]
        refused = next(agent for agent in agents if agent != agents[0])
        first = agents.index(refused)
        self.assertGreater(first, 0)
        with DynamoDb(self.stack, throttles=refused.rsplit("/")[-1]) as dynamodb:
            with self.emulator(dynamodb.url) as emulator:
                # The same batch twice, as the stream would retry it.
                for _ in range(2):
                    self.assertEqual(self.retried(emulator, self.events[:200]), [sequence_number(first)])
        self.are_recorded(self.events[:first])
        with self.emulator() as emulator:
            self.assertEqual(self.retried(emulator, self.events[first:200]), [])
        self.are_recorded(self.events[:200])

    def test_denied_and_unreachable_tables_are_reported_and_nothing_is_rejected(self):
        with DynamoDb(None, denies=True) as denying:
            unreachable = f"http://127.0.0.1:{free_port()}"
            for name, endpoint in [("denied", denying.url), ("unreachable", unreachable)]:
                with self.subTest(name), self.emulator(endpoint) as emulator:
                    event = kinesis_event([*self.events[:30], b"{", *self.events[30:60]])
                    answer = emulator.invoke(event)
                    self.assertEqual(self.failed_items(event, answer), [sequence_number(0)])
                    self.assertEqual(self.stack.lines("rejected"), [])
                    level = "ERROR" if name == "denied" else "WARN"
                    self.assertIn(f'"level":"{level}"', emulator.output())
                    figure(f"a batch with DynamoDB {name}: reported after {answer.seconds:.2f} s")
        self.assertEqual(self.stack.agent_history(), [])

    def test_an_unreachable_bucket_blocks_the_shard_at_the_bad_record(self):
        with self.emulator(AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{free_port()}") as emulator:
            records = [*self.events[:20], b"{", *self.events[20:40]]
            self.assertEqual(self.retried(emulator, records), [sequence_number(20)])

    def test_a_table_that_never_responds_is_reported_before_the_timeout(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with self.emulator(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=4) as emulator:
                event = kinesis_event(self.events[:60])
                answer = emulator.invoke(event)
                self.assertEqual(self.failed_items(event, answer), [sequence_number(0)])
                self.assertLess(answer.seconds, 4)
                figure(f"a batch with a DynamoDB that never responds, timeout 4 s: reported after {answer.seconds:.2f} s")

    def test_a_batch_of_almost_6_mb_is_written(self):
        records, size = [], 0
        for event in DAY["many-agent-events"]:
            size += len(json.dumps(kinesis_event([event]))) - len('{"Records": []}') + 2
            if size > PAYLOAD_BYTES - 10_000:
                break
            records.append(event)
        else:
            self.fail("the generated day is too small")
        event = kinesis_event(records)
        with self.emulator() as emulator:
            answer = emulator.invoke(event)
            self.assertEqual(self.failed_items(event, answer), [])
        self.are_recorded(records)
        size = len(json.dumps(event))
        figure(f"an event of {size:,} bytes, {len(records):,} agent events: written in {answer.seconds:.2f} s")

    def test_an_unreadable_event_gives_an_error_and_does_not_hang(self):
        with self.emulator() as emulator:
            self.refuses_broken_events(emulator, kinesis_event(self.events[:2]))
            # Without a sequence number no failure could be reported.
            for number in ("", None):
                event = kinesis_event(self.events[:2])
                event["Records"][1]["kinesis"]["sequenceNumber"] = number
                self.error(emulator.invoke(event))

    def test_a_wrong_setting_gives_an_init_error_and_does_not_hang(self):
        event = kinesis_event(self.events[:1])
        for setting, value, sentence in [
            ("PII_POLICY", "keep", "PII_POLICY is not a JSON object"),
            ("AGENT_STATE_TABLE", "", "environment variable AGENT_STATE_TABLE is not set"),
            ("HISTORY_RETENTION_DAYS", "ninety", "which is not a whole number of days"),
        ]:
            with self.subTest(setting), self.emulator(**{setting: value}) as emulator:
                self.stays_down(emulator, event, sentence)

    def test_a_process_that_hangs_is_replaced(self):
        self.survives_a_hang(UPSERTER, self.environment(), kinesis_event(self.events[:3]))


def contact_of(event):
    """The contact of an event, whose names may be in Pascal case; None for another kind of event."""
    event = {name.lower(): value for name, value in json.loads(event).items()}
    return {name.lower(): value for name, value in event["detail"].items()}.get("contactid")


class ContactEventUpserter(Contracts):
    @classmethod
    def setUpClass(cls):
        cls.events = DAY["contact-events"]
        first = {}
        for event in cls.events:
            first.setdefault(contact_of(event), event)
        first.pop(None, None)
        # Each of another contact.
        cls.different = list(first.values())
        cls.plain = next(event for event in cls.events if b'"contactId"' in event and b'"id"' in event)

    def setUp(self):
        self.stack = self.enterContext(ServedStack(BINARIES))

    def environment(self, dynamodb=None, **others):
        return {
            **self.stack.credentials(),
            "CONTACT_STATE_TABLE": "ContactState",
            "REJECTED_BUCKET": "lake",
            # The generated day may be long ago.
            "ENDED_RETENTION_DAYS": "3650",
            "UNENDED_RETENTION_DAYS": "3650",
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb or self.stack.endpoints["dynamodb"],
            "AWS_ENDPOINT_URL_S3": self.stack.endpoints["s3"],
            **others,
        }

    def emulator(self, dynamodb=None, timeout=TIMEOUT_SECONDS, **others):
        return Emulator(CONTACT_EVENT_UPSERTER, self.environment(dynamodb, **others), timeout)

    def retried(self, emulator, bodies):
        event = sqs_event(bodies)
        return self.failed_items(event, emulator.invoke(event))

    def stored(self):
        return {item["contact_id"]["S"] for item in self.stack.contact_state()}

    def contacts(self, events):
        return {contact_of(event) for event in events} - {None}

    def test_a_good_batch_is_written_in_any_order_and_a_second_time_changes_nothing(self):
        with self.emulator() as emulator:
            for start in range(0, len(self.events), 100):
                self.assertEqual(self.retried(emulator, self.events[start : start + 100]), [])
            items = self.stack.contact_state()
            self.assertEqual(self.stored(), self.contacts(self.events))
            self.assertEqual(self.retried(emulator, self.events), [])
            self.assertEqual(self.stack.contact_state(), items)
        with ServedStack(BINARIES) as other:
            self.stack = other
            with self.emulator() as emulator:
                self.assertEqual(self.retried(emulator, self.events[::-1]), [])
            self.assertEqual(other.contact_state(), items)
        figure(f"{len(self.events)} contact events of {len(items)} contacts: the same items forward and backward")

    def test_an_empty_batch_is_a_success(self):
        with self.emulator() as emulator:
            self.assertEqual(self.retried(emulator, []), [])

    def test_a_bad_message_is_rejected_and_the_rest_written(self):
        with self.emulator() as emulator:
            bad = b'{"detail": '
            self.assertEqual(self.retried(emulator, [*self.different[:20], bad, *self.different[20:40]]), [])
            (line,) = self.stack.lines("rejected")
            self.assertEqual((line["reason"], line["message_id"]), ("not_json", message_id(20)))
            self.assertEqual(base64.b64decode(line["data"]), bad)
            self.assertEqual(self.stored(), self.contacts(self.different[:40]))

    def test_only_the_message_whose_write_is_refused_is_reported(self):
        refused = contact_of(self.different[5])
        with DynamoDb(self.stack, throttles=refused) as dynamodb, self.emulator(dynamodb.url) as emulator:
            self.assertEqual(self.retried(emulator, self.different[:9]), [message_id(5)])
        self.assertEqual(self.stored(), self.contacts(self.different[:9]) - {refused})
        with self.emulator() as emulator:
            self.assertEqual(self.retried(emulator, self.different[5:6]), [])
        self.assertEqual(self.stored(), self.contacts(self.different[:9]))

    def test_denied_and_unreachable_tables_are_reported_and_nothing_is_rejected(self):
        with DynamoDb(None, denies=True) as denying:
            unreachable = f"http://127.0.0.1:{free_port()}"
            for name, endpoint in [("denied", denying.url), ("unreachable", unreachable)]:
                with self.subTest(name), self.emulator(endpoint) as emulator:
                    event = sqs_event(self.different[:30])
                    answer = emulator.invoke(event)
                    self.assertEqual(self.failed_items(event, answer), [message_id(place) for place in range(30)])
                    self.assertEqual(self.stack.lines("rejected"), [])
                    level = "ERROR" if name == "denied" else "WARN"
                    self.assertIn(f'"level":"{level}"', emulator.output())
                    figure(f"a batch of messages with DynamoDB {name}: reported after {answer.seconds:.2f} s")

    def test_an_unreachable_bucket_reports_the_bad_message(self):
        with self.emulator(AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{free_port()}") as emulator:
            bodies = [*self.different[:20], b"{", *self.different[20:40]]
            self.assertEqual(self.retried(emulator, bodies), [message_id(20)])
        self.assertEqual(self.stored(), self.contacts(self.different[:40]))

    def test_a_table_that_never_responds_is_reported_before_the_timeout(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with self.emulator(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=4) as emulator:
                event = sqs_event(self.different[:30])
                answer = emulator.invoke(event)
                self.assertEqual(len(self.failed_items(event, answer)), 30)
                self.assertLess(answer.seconds, 4)

    def test_a_batch_of_almost_6_mb_is_written(self):
        bodies, size = [], 0
        for number in range(100_000):
            body = json.loads(self.plain)
            body["detail"]["contactId"] = f"c-{number % 2000}"
            body["id"] = f"e-{number}"
            bodies.append(json.dumps(body).encode())
            size += len(json.dumps(sqs_event([bodies[-1]]))) - len('{"Records": []}') + 2
            if size > PAYLOAD_BYTES - 10_000:
                break
        event = sqs_event(bodies[:-1])
        with self.emulator() as emulator:
            answer = emulator.invoke(event)
            self.assertEqual(self.failed_items(event, answer), [])
        self.assertEqual(len(self.stored()), min(2000, len(bodies) - 1))
        figure(f"an event of {len(json.dumps(event)):,} bytes, {len(bodies) - 1:,} contact events: written in {answer.seconds:.2f} s")

    def test_an_unreadable_event_gives_an_error_and_does_not_hang(self):
        with self.emulator() as emulator:
            self.refuses_broken_events(emulator, sqs_event(self.events[:2]))

    def test_a_wrong_setting_gives_an_init_error_and_does_not_hang(self):
        event = sqs_event(self.events[:1])
        for setting, value, sentence in [
            ("PII_POLICY", "keep", "PII_POLICY is not a JSON object"),
            ("CONTACT_STATE_TABLE", "", "environment variable CONTACT_STATE_TABLE is not set"),
            ("ENDED_RETENTION_DAYS", "thirty", "which is not a whole number of days"),
            ("CONNECT_INSTANCE_ID", "arn:aws:connect:eu-west-2:111122223333:instance/i", "which is not the ID of an instance"),
        ]:
            with self.subTest(setting), self.emulator(**{setting: value}) as emulator:
                self.stays_down(emulator, event, sentence)

    def test_a_process_that_hangs_is_replaced(self):
        self.survives_a_hang(CONTACT_EVENT_UPSERTER, self.environment(), sqs_event(self.events[:3]))


def main():
    global EMULATOR, BINARIES, DAY
    EMULATOR, BINARIES = map(pathlib.Path, sys.argv[1:3])
    check_binaries(BINARIES)
    tidy = ("--duplicated", 0, "--malformed", 0)
    DAY = generate(BINARIES, *tidy, "--agents", 6, "--hours", 4, "--late", 50)
    DAY["many-agent-events"] = generate(BINARIES, *tidy, "--agents", 40, "--hours", 8)["agent-events"]
    run_tests("the functions under the emulator", sys.argv[3:])


if __name__ == "__main__":
    main()
