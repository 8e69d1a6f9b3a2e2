"""Turns contact events on for a stack that has data, sends events through the deployed rule, and updates the stack again.

boto3 puts the events on the event bus. The rule sends them to the queue, whose function writes the table, and to the archive. The
contacts in flight are compared with those of fold.py, the second implementation, from the events in the archive.
"""

import datetime
import json
import re
import sys

import boto3

from emulator import INSTANCE, LEDGER, ROOT, EmulatorTest, batches, eventually, run, say

STACK = "contact-events"
PARAMETERS = dict(
    Architecture="x86_64",
    LakeTables="false",
    Alarms="false",
    DeletionProtection="false",
    ConnectInstanceArn=INSTANCE,
)
TABLES = {"AgentStateTableName": ("board", "agent_id"), "AgentHistoryTableName": ("agent_id", "entry")}


def moved(lines):
    """The events of the generated day, as if it was yesterday: an event that is too old creates nothing."""
    text = b"\n".join(lines).decode(errors="replace")
    day = datetime.date(2026, 3, 2)
    ahead = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=1) - day
    date = re.compile(r"2026-03-\d\d(?=T)")
    return date.sub(lambda found: str(datetime.date.fromisoformat(found[0]) + ahead), text).split("\n")


def entry(event):
    """An event as it is put; the event bus adds the rest."""
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Time": event["time"],
        "Resources": event.get("resources", []),
    }


def entries(lines):
    for line in lines:
        try:
            yield entry(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            # Malformed on purpose; the event bus would not have it.
            continue


class ContactEvents(EmulatorTest):
    def holders(self):
        return {name: one for name, one in self.resources_of(STACK).items() if one[0] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue")}

    def contents(self, outputs):
        return {name: self.items(outputs[name], *key) for name, key in TABLES.items()}

    def contacts(self):
        """The contacts in flight that the command line shows."""
        shown = run(LEDGER, "contacts", "--stack", STACK, "--simulated", "--json").splitlines()
        return {contact["contact_id"]: contact for contact in map(json.loads, shown)}

    def expected(self, archived):
        """The contacts in flight that fold.py computes."""
        file = self.folder / "archived.jsonl"
        file.write_bytes(b"\n".join(archived) + b"\n")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        fold = ROOT / "tests" / "contact-events" / "fold.py"
        shown = run(sys.executable, "-B", fold, file, "--now", now, "--instance", INSTANCE.rsplit("/")[-1])
        rows = [json.loads(line) for line in shown.splitlines()]
        return {row["contact_id"]: row for row in rows if "contact_id" in row}, rows[-1]

    def test_contact_events_are_turned_on_for_a_stack_with_data(self):
        folder = self.folder
        run(LEDGER, "generate", "--agents", 4, "--hours", 2, "--lost", 100, "--output", folder)
        agent_events = (folder / "agent-events.jsonl").read_bytes().splitlines()
        outputs = self.deploy(STACK, **PARAMETERS)
        self.assertNotIn("ContactStateTableName", outputs)
        self.put_agent_events(outputs["AgentEventStreamName"], agent_events)
        self.await_outcomes(len(agent_events))
        before, holders = self.contents(outputs), self.holders()
        self.assertGreater(min(map(len, before.values())), 0)

        updated = self.deploy(STACK, **PARAMETERS, ContactEvents="true")
        self.assertEqual({name: updated[name] for name in outputs}, outputs)
        self.assertEqual(self.contents(updated), before)
        with_events = self.holders()
        self.assertEqual({name: with_events[name] for name in holders}, holders)
        self.assertEqual(len(with_events), len(holders) + 4, "a table and three queues")

        events = list(entries(moved((folder / "contact-events.jsonl").read_bytes().splitlines())))
        bus = boto3.client("events")
        for batch in batches(events, 10):
            self.assertEqual(bus.put_events(Entries=batch)["FailedEntryCount"], 0)
        foreign = dict(events[0], DetailType="Contact Lens Analysis State Change")
        self.assertEqual(bus.put_events(Entries=[foreign])["FailedEntryCount"], 0)
        # Not an event: it is rejected with its bytes.
        boto3.client("sqs").send_message(QueueUrl=updated["ContactEventQueueUrl"], MessageBody="{")
        total = len(agent_events) + len(events) + 1
        self.await_outcomes(total)
        self.assertEqual(sum(self.outcomes().values()), total, "the rule does not match the other event")

        bucket = updated["LakeBucketName"]
        archived = eventually(
            "the archive to have every event",
            lambda: (lines := [line for body in self.objects(bucket, "raw/contact-events/").values() for line in body.splitlines()])
            and len(lines) >= len(events)
            and lines,
        )
        self.assertEqual(len(archived), len(events))
        rejected = [json.loads(line) for body in self.objects(bucket, "rejected/contact-events/").values() for line in body.splitlines()]
        self.assertIn(("not_json", "ew=="), [(line["reason"], line["data"]) for line in rejected])

        rows, totals = self.expected(archived)
        shown = self.contacts()
        self.assertEqual(shown.keys(), rows.keys())
        self.assertGreater(totals["ended"], 20)
        self.assertGreater(len(rows), 3, "no end was lost")
        names = dict(stage="state", since="since", channel="channel", queue_id="queue_id", agent_id="agent_id")
        for contact_id, row in rows.items():
            self.assertEqual({name: shown[contact_id].get(name) for name in names.values()}, {names[name]: row[name] for name in names})
        items = self.items(updated["ContactStateTableName"], "board", "contact_id")
        self.assertEqual(len(items), totals["contacts"])

        # An update of the stack keeps every item.
        done = len(self.log_of(STACK))
        again = self.deploy(STACK, **PARAMETERS | dict(ContactEvents="true", EndedContactDays="31", UnendedContactDays="92"))
        self.assertEqual((again, self.holders()), (updated, with_events))
        log = self.log_of(STACK)[done:]
        self.assertIn("ContactEventUpserter", {line["id"] for line in log if line["action"] == "update"})
        self.assertEqual([line["id"] for line in log if line["action"] in ("replace", "delete")], [])
        self.assertEqual(self.items(updated["ContactStateTableName"], "board", "contact_id"), items)
        say(f"{len(events)} contact events: {len(items)} contacts, {len(rows)} in flight like those of fold.py; {len(archived)} archived")
