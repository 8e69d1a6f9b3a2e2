"""Deploys the real template to ministack, a third-party emulator of AWS, and sends contact records and agent events of a generated
contact center through it. The tables and the lake are compared with the output of our own local stack for the same files.

Parameters turn off what ministack lacks: Glue and Athena, Amazon Connect, and metric math in alarms. docs/deploy.md lists its
differences from AWS.
"""

import json
import subprocess

import boto3

from emulator import LEDGER, ROOT, EmulatorTest, agents_of, batches, eventually, run

STACK = "contact-ledger"


class Deployed(EmulatorTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        parameters = dict(Architecture="x86_64", LakeTables="false", Alarms="false", DeletionProtection="false")
        parameters.update(StreamMode="Provisioned", ShardCount="2", BatchSize="100", BatchingWindowSeconds="1")
        # The same retention as in the local stack.
        parameters.update(HistoryRetentionDays="3650", StateRetentionDays="3650")
        cls.outputs = cls.deploy(STACK, **parameters)
        cls.s3 = boto3.client("s3")
        cls.make_day()

    @classmethod
    def make_day(cls):
        """Generates a day, and runs it through our own stack."""
        folder = cls.folder
        run(LEDGER, "generate", "--agents", 4, "--hours", 2, "--contacts-per-hour", 20, "--output", folder)
        files = ["--contact-records", folder / "contact-records.jsonl", "--agent-events", folder / "agent-events.jsonl"]
        # Some of the records are malformed on purpose, which gives exit code 3.
        run(LEDGER, "demo", *files, "--output", folder / "expected", codes=(3,))
        cls.contact_records = (folder / "contact-records.jsonl").read_bytes().splitlines()
        cls.agent_events = (folder / "agent-events.jsonl").read_bytes().splitlines()
        cls.summary = json.loads((folder / "expected" / "summary.json").read_text())

    def expected(self, name, key):
        lines = (self.folder / "expected" / name).read_text().splitlines()
        return sorted(map(json.loads, lines), key=lambda item: [item[part] for part in key])

    def send_agent_events(self):
        self.put_agent_events(self.outputs["AgentEventStreamName"], self.agent_events)

    def objects_under(self, prefix):
        return self.objects(self.outputs["LakeBucketName"], prefix)

    def test_agent_events_produce_the_same_tables_as_in_our_own_stack(self):
        state, history = ["board", "agent_id"], ["agent_id", "entry"]
        expected_state = self.expected("agent-state.jsonl", state)
        expected_history = self.expected("agent-history.jsonl", history)
        self.assertEqual((len(agents_of(expected_state)), len(self.agent_events) > 200), (4, True))
        for times in (1, 2):
            self.send_agent_events()
            self.await_outcomes(times * len(self.agent_events))
            self.assertEqual(self.items(self.outputs["AgentHistoryTableName"], *history), expected_history)
            self.assertEqual(self.items(self.outputs["AgentStateTableName"], *state), expected_state)

        # The second time nothing changed.
        outcomes, expected = self.outcomes(), self.summary["agent_events"]["outcomes"]
        self.assertEqual(sum(outcomes.values()), 2 * len(self.agent_events))
        self.assertEqual((outcomes["applied"], outcomes["retried"]), (expected["applied"], 0))
        self.assertEqual(outcomes["rejected"], 2 * expected["rejected"])
        # The archive has every event unchanged, twice.
        archived = self.objects_under("raw/agent-events/").values()
        self.assertEqual(sorted(archived), sorted(2 * self.agent_events))

        lines = [json.loads(line) for body in self.objects_under("rejected/").values() for line in body.splitlines()]
        self.assertEqual(len(lines), outcomes["rejected"])
        self.assertTrue(all(line["event_source_arn"] == self.outputs["AgentEventStreamArn"] for line in lines))

    def test_contact_records_become_rows(self):
        firehose = boto3.client("firehose")
        name = self.outputs["ContactRecordFirehoseName"]
        for batch in batches(self.contact_records, 100):
            answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": data} for data in batch])
            self.assertEqual(answer["FailedPutCount"], 0)
        rows = self.summary["contact_records"]["rows"]
        self.assertGreater(rows, 30)
        found = eventually(
            "all rows to arrive",
            lambda: (found := self.objects_under("contact_records/")) and len(found) >= rows and found,
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
        self.assertTrue(all(row["schema_version"] == 3 and len(row["content_hash"]) == 32 for row in found))

    def doctor(self):
        """The findings of doctor, by check, except unknown ones: ministack answers some requests in a form that SDKs cannot read."""
        done = subprocess.run([LEDGER, "doctor", "--stack", STACK, "--json"], cwd=ROOT, capture_output=True, text=True)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(found, done.stderr)
        known = [finding for finding in found if finding["severity"] != "unknown"]
        return {(finding["check"], finding["severity"]): finding for finding in known}, done.returncode

    def test_doctor_reports_problems_with_their_fixes(self):
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
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
        # docs/operations.md, Contact Records Key Denied: the causes that a person can undo, and how.
        kms.disable_key(KeyId=key)
        found, _ = self.doctor()
        self.assertIn("enable-key", found["key", "error"]["fix"])
        kms.enable_key(KeyId=key)
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.assertIn(("key", "error"), self.doctor()[0])
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)
        self.assertIn(("key", "good"), self.doctor()[0])
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(without))
        redrive = self.outputs["RedriveFunctionName"]
        functions.put_function_concurrency(FunctionName=redrive, ReservedConcurrentExecutions=0)
        self.addCleanup(functions.delete_function_concurrency, FunctionName=redrive)
        found, code = self.doctor()
        self.assertEqual(code, 4)
        self.assertIn("AmazonConnectPutsRecords", found["key", "error"]["fix"])
        self.assertIn("delete-function-concurrency", found["function", "error"]["fix"])

    def test_redrive_finds_the_stack_and_its_dead_letters(self):
        report = json.loads(run(LEDGER, "redrive", "--stack", STACK, "--json", codes=(0, 3)))
        self.assertEqual((report["dry_run"], report["finished"]), (True, True))
        # The deployed function returns the same report.
        invoked = boto3.client("lambda").invoke(FunctionName=self.outputs["RedriveFunctionName"], Payload=b"{}")
        self.assertEqual(json.loads(invoked["Payload"].read()), report)

    def test_tables_mapping_and_bucket_are_configured_as_in_the_template(self):
        dynamodb = boto3.client("dynamodb")
        for output in ("AgentStateTableName", "AgentHistoryTableName"):
            table = dynamodb.describe_table(TableName=self.outputs[output])["Table"]
            self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        mapping = boto3.client("lambda").get_event_source_mapping(UUID=self.outputs["AgentEventMappingId"])
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        versioning = self.s3.get_bucket_versioning(Bucket=self.outputs["LakeBucketName"])
        self.assertEqual(versioning["Status"], "Enabled")
