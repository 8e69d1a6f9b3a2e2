"""Deploys the real template with the real tools to ministack, an AWS of another make on this machine, and sends the
streams of a generated contact centre through it. What is in the tables and in the lake afterwards is compared with what
our own local stack makes of the same files.

What ministack has not, parameters switch off: Glue and Athena, Amazon Connect, metric math in alarms. What it does not
do as AWS does is in docs/deploy.md.
"""

import collections
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
BUILT = ROOT / "target" / "sam" / "template.yaml"
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
STACK = "contact-ledger"
PATIENCE = 120.0

os.environ.update(
    AWS_ACCESS_KEY_ID="111122223333",
    AWS_SECRET_ACCESS_KEY="local",
    AWS_DEFAULT_REGION="eu-west-2",
    AWS_REGION="eu-west-2",
    AWS_EC2_METADATA_DISABLED="true",
    # Nothing of the user's own AWS set-up may be found: this must never reach an account.
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    SAM_CLI_TELEMETRY="0",
)
for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
    os.environ.pop(variable, None)

import boto3  # noqa: E402, the environment must be set before
from boto3.dynamodb.types import TypeDeserializer  # noqa: E402


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(what, condition):
    """Waits until `condition` gives something, and gives it on."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {PATIENCE:.0f} seconds")


def run(*command):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def batches(records, size):
    return [records[start : start + size] for start in range(0, len(records), size)]


def agent_of(event):
    """The partition key: an agent's events stay in order, as they do in our own stack."""
    try:
        return json.loads(event).get("AgentARN", "unknown")
    except (ValueError, AttributeError):
        return "unknown"


def plain(value):
    """An item as JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return [plain(element) for element in value] if isinstance(value, list) else value


class Deployed(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.start_ministack()
        parameters = dict(Architecture="x86_64", LakeTables="false", Alarms="false", DeletionProtection="false")
        parameters.update(StreamMode="Provisioned", ShardCount="2", BatchSize="100", BatchingWindowSeconds="1")
        # As the stack on this machine keeps them.
        parameters.update(HistoryRetentionDays="3650", StateRetentionDays="3650")
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        started = time.monotonic()
        deploy = ["deploy", "--config-file", ROOT / "samconfig.example.toml", "--template-file", BUILT]
        deploy += ["--no-confirm-changeset", "--stack-name", STACK, "--parameter-overrides", *overrides]
        try:
            run(BIN / "sam", *deploy)
        except AssertionError as error:
            stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
            if STACK not in (stack["StackName"] for stack in stacks):
                raise
            events = boto3.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
            reasons = [event["ResourceStatusReason"] for event in events if "FAILED" in event["ResourceStatus"]]
            raise AssertionError("\n".join(reasons)) from error
        print(f"sam deploy: {time.monotonic() - started:.1f} s", file=sys.stderr)
        stack = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatus"]
        cls.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        cls.s3 = boto3.client("s3")
        cls.make_day()

    @classmethod
    def start_ministack(cls):
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        environment = os.environ | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "TMPDIR": cls.folder.name,
            "FUNCTION_LOG": str(cls.function_log()),
        }
        cls.function_log().touch()
        cls.log = open(pathlib.Path(cls.folder.name) / "ministack.log", "w")
        cls.addClassCleanup(cls.log.close)
        ministack = subprocess.Popen([BIN / "python", ROOT / "tests/deploy/ministack_server.py"], env=environment, stdout=cls.log, stderr=cls.log)
        cls.addClassCleanup(ministack.wait)
        cls.addClassCleanup(ministack.terminate)

        def answers():
            assert ministack.poll() is None, (pathlib.Path(cls.folder.name) / "ministack.log").read_text()
            try:
                return urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).status == 200
            except OSError:
                return False

        eventually("ministack's start", answers)

    @classmethod
    def function_log(cls):
        return pathlib.Path(cls.folder.name) / "functions.jsonl"

    @classmethod
    def make_day(cls):
        """A generated day, and what our own stack makes of it."""
        folder = pathlib.Path(cls.folder.name)
        run(LEDGER, "generate", "--agents", 4, "--hours", 2, "--contacts-per-hour", 20, "--output", folder)
        files = ["--contact-records", folder / "contact-records.jsonl", "--agent-events", folder / "agent-events.jsonl"]
        run(LEDGER, "demo", *files, "--output", folder / "expected")
        cls.contact_records = (folder / "contact-records.jsonl").read_bytes().splitlines()
        cls.agent_events = (folder / "agent-events.jsonl").read_bytes().splitlines()
        cls.summary = json.loads((folder / "expected" / "summary.json").read_text())

    def expected(self, name, key):
        lines = (pathlib.Path(self.folder.name) / "expected" / name).read_text().splitlines()
        return sorted(map(json.loads, lines), key=lambda item: [item[part] for part in key])

    def items(self, output, key):
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs[output])
        deserialize = TypeDeserializer().deserialize
        items = [plain(deserialize({"M": item})) for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: [item[part] for part in key])

    def objects(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.outputs["LakeBucketName"], Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        bodies = (self.s3.get_object(Bucket=self.outputs["LakeBucketName"], Key=key)["Body"].read() for key in keys)
        return dict(zip(keys, bodies))

    def send_agent_events(self):
        kinesis = boto3.client("kinesis")
        stream = self.outputs["AgentEventStreamName"]
        for batch in batches(self.agent_events, 500):
            records = [{"Data": data, "PartitionKey": agent_of(data)} for data in batch]
            self.assertEqual(kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"], 0)

    def test_agent_events_become_the_tables_that_our_own_stack_makes(self):
        state, history = ["board", "agent_id"], ["agent_id", "entry"]
        expected_state = self.expected("agent-state.jsonl", state)
        expected_history = self.expected("agent-history.jsonl", history)
        self.assertEqual((len(expected_state), len(self.agent_events) > 200), (4, True))
        for times in (1, 2):
            self.send_agent_events()
            eventually(
                "that the function has dealt with all events",
                lambda: sum(self.outcomes().values()) >= times * len(self.agent_events),
            )
            self.assertEqual(self.items("AgentHistoryTableName", history), expected_history)
            self.assertEqual(self.items("AgentStateTableName", state), expected_state)

        # The second time nothing was new.
        outcomes, expected = self.outcomes(), self.summary["agent_events"]["outcomes"]
        self.assertEqual(sum(outcomes.values()), 2 * len(self.agent_events))
        self.assertEqual((outcomes["applied"], outcomes["retried"]), (expected["applied"], 0))
        self.assertEqual(outcomes["rejected"], 2 * expected["rejected"])
        # The archive has every event as it was put, twice.
        archived = self.objects("raw/agent-events/").values()
        self.assertEqual(sorted(archived), sorted(2 * self.agent_events))

        lines = [json.loads(line) for body in self.objects("rejected/").values() for line in body.splitlines()]
        self.assertEqual(len(lines), outcomes["rejected"])
        self.assertTrue(all(line["event_source_arn"] == self.outputs["AgentEventStreamArn"] for line in lines))

    def outcomes(self):
        """What the function says became of agent events so far."""
        outcomes = collections.Counter()
        for line in self.function_log().read_text().splitlines():
            summary = json.loads(line)
            # The metrics of a whole invocation: those of its parts have one dimension more.
            if "RecordsApplied" in summary:
                names = ("Applied", "Duplicate", "Stale", "Skipped", "Rejected", "Retried")
                outcomes.update({name.lower(): summary[f"Records{name}"] for name in names})
        return outcomes

    def test_contact_records_become_rows(self):
        firehose = boto3.client("firehose")
        name = self.outputs["ContactRecordFirehoseName"]
        for batch in batches(self.contact_records, 100):
            answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": data} for data in batch])
            self.assertEqual(answer["FailedPutCount"], 0)
        rows = self.summary["contact_records"]["rows"]
        self.assertGreater(rows, 30)
        found = eventually(
            "that all rows are there",
            lambda: (found := self.objects("contact_records/")) and len(found) >= rows and found,
        )
        found = [json.loads(line) for body in found.values() for line in body.splitlines()]
        self.assertEqual(len(found), rows)
        sent = set()
        for record in self.contact_records:
            try:
                sent.add(json.loads(record)["ContactId"])
            except (ValueError, KeyError):
                pass
        self.assertTrue({row["contact_id"] for row in found} <= sent)
        self.assertTrue(all(row["schema_version"] == 1 and len(row["content_hash"]) == 32 for row in found))

    def doctor(self):
        """What doctor finds, by check: ministack answers some questions in a form that no SDK reads."""
        done = subprocess.run([LEDGER, "doctor", "--stack", STACK, "--json"], cwd=ROOT, capture_output=True, text=True)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(found, done.stderr)
        looked_at = [finding for finding in found if finding["severity"] != "unknown"]
        return {(finding["check"], finding["severity"]): finding for finding in looked_at}, done.returncode

    def test_doctor_finds_what_is_wrong_and_names_the_fix(self):
        plain, _ = self.doctor()
        self.assertIn("not encrypted", plain["stream", "warning"]["says"])
        # ministack leaves the template's StreamEncryption out.
        stream = self.outputs["AgentEventStreamArn"].rsplit("/")[-1]
        encryption = dict(StreamName=stream, EncryptionType="KMS", KeyId=self.outputs["KeyArn"])
        boto3.client("kinesis").start_stream_encryption(**encryption)
        healthy, _ = self.doctor()
        for check in ("stack", "key", "stream", "function"):
            self.assertIn((check, "good"), healthy)
        self.assertNotIn("error", {severity for _, severity in healthy})

        kms, functions = boto3.client("kms"), boto3.client("lambda")
        key = self.outputs["KeyArn"]
        policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        without = json.loads(policy)
        without["Statement"] = [one for one in without["Statement"] if one["Sid"] != "AmazonConnectPutsRecords"]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(without))
        self.addCleanup(kms.put_key_policy, KeyId=key, PolicyName="default", Policy=policy)
        redrive = self.outputs["RedriveFunctionName"]
        functions.put_function_concurrency(FunctionName=redrive, ReservedConcurrentExecutions=0)
        self.addCleanup(functions.delete_function_concurrency, FunctionName=redrive)
        found, code = self.doctor()
        self.assertEqual(code, 4)
        self.assertIn("AmazonConnectPutsRecords", found["key", "error"]["fix"])
        self.assertIn("delete-function-concurrency", found["function", "error"]["fix"])

    def test_redrive_finds_the_stack_and_what_failed(self):
        report = json.loads(run(LEDGER, "redrive", "--stack", STACK, "--json"))
        self.assertEqual((report["dry_run"], report["finished"]), (True, True))
        # The function itself, as it is deployed, counts the same.
        invoked = boto3.client("lambda").invoke(FunctionName=self.outputs["RedriveFunctionName"], Payload=b"{}")
        self.assertEqual(json.loads(invoked["Payload"].read()), report)

    def test_tables_mapping_and_bucket_are_as_the_template_says(self):
        dynamodb = boto3.client("dynamodb")
        for output in ("AgentStateTableName", "AgentHistoryTableName"):
            table = dynamodb.describe_table(TableName=self.outputs[output])["Table"]
            self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        mapping = boto3.client("lambda").get_event_source_mapping(UUID=self.outputs["AgentEventMappingId"])
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        versioning = self.s3.get_bucket_versioning(Bucket=self.outputs["LakeBucketName"])
        self.assertEqual(versioning["Status"], "Enabled")


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    failed = len(outcome.failures) + len(outcome.errors)
    verdict = "FAILED" if failed else "ok"
    passed = max(outcome.testsRun - failed, 0)
    print(f"test result: {verdict}. {passed} passed; {failed} failed; {len(outcome.skipped)} ignored")
    sys.exit(bool(failed))
