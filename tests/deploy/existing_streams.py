"""A stack with existing streams that Amazon Connect already fills: it creates neither streams nor associations, and reads those streams."""

import json

import boto3

from emulator import INSTANCE, LEDGER, EmulatorTest, agents_of, eventually, run, say

STACK = "beside"


class ExistingStreams(EmulatorTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kinesis = boto3.client("kinesis")
        cls.arns = {}
        for name in ("contact-records-of-others", "agent-events-of-others"):
            cls.kinesis.create_stream(StreamName=name, ShardCount=1)
            cls.arns[name] = cls.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        cls.contact_records, cls.agent_events = cls.arns.values()
        key = boto3.client("kms").create_key(Description="of others")["KeyMetadata"]["Arn"]
        run(LEDGER, "generate", "--agents", 4, "--hours", 1, "--malformed", 0, "--duplicated", 0, "--output", cls.folder)
        cls.records = {
            kind: (cls.folder / f"{kind}.jsonl").read_bytes().splitlines() for kind in ("contact-records", "agent-events")
        }
        # Half of the events are in the stream before the stack exists.
        cls.half = len(cls.records["agent-events"]) // 2
        cls.put_agent_events("agent-events-of-others", cls.records["agent-events"][: cls.half])
        cls.outputs = cls.deploy(
            STACK,
            ConnectInstanceArn=INSTANCE,
            ExistingContactRecordStreamArn=cls.contact_records,
            ExistingContactRecordStreamKeyArn=key,
            ExistingAgentEventStreamArn=cls.agent_events,
            HistoryRetentionDays=3650,
            StateRetentionDays=3650,
        )

    def test_the_stack_has_neither_streams_nor_associations(self):
        types = {kind for kind, _ in self.resources_of(STACK).values()}
        self.assertFalse(types & {"AWS::Kinesis::Stream", "AWS::Connect::InstanceStorageConfig"})
        self.assertIn("AWS::KinesisFirehose::DeliveryStream", types)
        expected = {
            "AgentEventStreamArn": self.agent_events,
            "AgentEventStreamName": "agent-events-of-others",
            "AgentEventStreamOwner": "existing",
            "ContactRecordStreamArn": self.contact_records,
            "ContactRecordStreamOwner": "existing",
            "ContactRecordTarget": self.contact_records,
        }
        self.assertEqual({name: self.outputs.get(name) for name in expected}, expected)

    def test_alarms_dashboard_and_redrive_name_the_existing_streams(self):
        created = {line["id"]: line["properties"] for line in self.log_of(STACK)}
        for alarm, name in (
            ("AgentEventsSilent", "agent-events-of-others"),
            ("AgentEventStreamThrottled", "agent-events-of-others"),
            ("ContactRecordStreamSilent", "contact-records-of-others"),
            ("ContactRecordStreamThrottled", "contact-records-of-others"),
        ):
            self.assertEqual(created[alarm]["Dimensions"], [{"Name": "StreamName", "Value": name}])
        watched = [query.get("MetricStat") for query in created["AgentEventStreamFailing"]["Metrics"]]
        names = {one["Metric"]["Dimensions"][0]["Value"] for one in watched if one}
        self.assertEqual(names, {"agent-events-of-others"})
        widgets = json.loads(created["Dashboard"]["DashboardBody"])["widgets"]
        shown = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
        streams = {metric[3] for metric in shown if metric[:1] == ["AWS/Kinesis"]}
        self.assertEqual(streams, {"agent-events-of-others"})
        variables = created["Redrive"]["Environment"]["Variables"]
        self.assertEqual(variables["CONTACT_RECORD_STREAM"], "contact-records-of-others")

    def test_records_of_the_existing_streams_reach_tables_archive_and_lake(self):
        events, records = self.records["agent-events"], self.records["contact-records"]
        self.put_agent_events("agent-events-of-others", events[self.half :])
        for record in records:
            self.kinesis.put_record(StreamName="contact-records-of-others", PartitionKey="1", Data=record)
        outcomes = self.await_outcomes(len(events))
        self.assertEqual(outcomes["rejected"], 0)
        self.assertEqual(len(agents_of(self.items(self.outputs["AgentStateTableName"], "agent_id"))), 4)
        self.assertGreater(len(self.items(self.outputs["AgentHistoryTableName"], "entry")), len(events) // 2)
        bucket = self.outputs["LakeBucketName"]
        found = eventually(
            "all contact records to become rows",
            lambda: len(found := self.objects(bucket, "contact_records/")) >= len(records) and found,
        )
        contacts = {json.loads(row)["contact_id"] for row in found.values()}
        self.assertEqual(contacts, {json.loads(record)["ContactId"] for record in records})
        # The archive starts with the Firehose stream; the event source mapping also reads the older records in the stream.
        self.assertEqual(sorted(self.objects(bucket, "raw/agent-events/").values()), sorted(events[self.half :]))
        say(f"{len(events)} events ({self.half} of them older than the stack) and {len(records)} contact records")
