"""The real template on ministack, a third-party emulator of AWS, with both streams of a generated contact center sent
through it. What is in the tables and in the lake afterwards is compared with what our own local stack makes of the same
files.

What ministack has not, parameters switch off: Glue and Athena, Amazon Connect, metric math in alarms. What it does not
do as AWS does is in docs/deploy.md.
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
        # As the stack on this machine keeps them.
        parameters.update(HistoryRetentionDays="3650", StateRetentionDays="3650")
        cls.outputs = cls.deploy(STACK, **parameters)
        cls.s3 = boto3.client("s3")
        cls.make_day()

    @classmethod
    def make_day(cls):
        """A generated day, and what our own stack makes of it."""
        folder = cls.folder
        run(LEDGER, "generate", "--agents", 4, "--hours", 2, "--contacts-per-hour", 20, "--output", folder)
        files = ["--contact-records", folder / "contact-records.jsonl", "--agent-events", folder / "agent-events.jsonl"]
        # Some of the records are broken on purpose, which is exit code 3.
        run(LEDGER, "demo", *files, "--output", folder / "expected", codes=(3,))
        cls.contact_records = (folder / "contact-records.jsonl").read_bytes().splitlines()
        cls.agent_events = (folder / "agent-events.jsonl").read_bytes().splitlines()
        cls.summary = json.loads((folder / "expected" / "summary.json").read_text())

    def expected(self, name, key):
        lines = (self.folder / "expected" / name).read_text().splitlines()
        return sorted(map(json.loads, lines), key=lambda item: [item[part] for part in key])

    def send_agent_events(self):
        self.put_agent_events(self.outputs["AgentEventStreamName"], self.agent_events)

    def objects_below(self, prefix):
        return self.objects(self.outputs["LakeBucketName"], prefix)

    def test_agent_events_become_the_tables_that_our_own_stack_makes(self):
        state, history = ["board", "agent_id"], ["agent_id", "entry"]
        expected_state = self.expected("agent-state.jsonl", state)
        expected_history = self.expected("agent-history.jsonl", history)
        self.assertEqual((len(agents_of(expected_state)), len(self.agent_events) > 200), (4, True))
        for times in (1, 2):
            self.send_agent_events()
            self.await_outcomes(times * len(self.agent_events))
            self.assertEqual(self.items(self.outputs["AgentHistoryTableName"], *history), expected_history)
            self.assertEqual(self.items(self.outputs["AgentStateTableName"], *state), expected_state)

        # The second time nothing was new.
        outcomes, expected = self.outcomes(), self.summary["agent_events"]["outcomes"]
        self.assertEqual(sum(outcomes.values()), 2 * len(self.agent_events))
        self.assertEqual((outcomes["applied"], outcomes["retried"]), (expected["applied"], 0))
        self.assertEqual(outcomes["rejected"], 2 * expected["rejected"])
        # The archive has every event as it was put, twice.
        archived = self.objects_below("raw/agent-events/").values()
        self.assertEqual(sorted(archived), sorted(2 * self.agent_events))

        lines = [json.loads(line) for body in self.objects_below("rejected/").values() for line in body.splitlines()]
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
            "that all rows are there",
            lambda: (found := self.objects_below("contact_records/")) and len(found) >= rows and found,
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
        report = json.loads(run(LEDGER, "redrive", "--stack", STACK, "--json", codes=(0, 3)))
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
