"""Updates from the earlier version in earlier/, with data in its tables and its bucket: nothing is replaced, and no item and no
object is lost or changed.
"""

import collections
import gzip
import json
import re

import boto3

from emulator import BUILT, HERE, INSTANCE, LEDGER, EmulatorTest, agents_of, batches, run, say, typed

STACK = "updated"
EARLIER = HERE / "earlier"
# Resource types that must never be replaced, because the replacement would be empty.
HOLDERS = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
}


class Update(EmulatorTest):
    def earlier_template(self):
        """The earlier template with the current functions: they are not under test here, and the update replaces them."""
        template = (EARLIER / "template.yaml").read_text()
        for logical_id, function in re.findall(r"\n  (\w+):\n    Type: AWS::Serverless::Function\n(?:    .*\n)*?      CodeUri: (\S+)", template):
            template = template.replace(f"CodeUri: {function}\n", f"CodeUri: {BUILT.parent / logical_id}\n")
        path = self.folder / "earlier.yaml"
        path.write_text(template)
        return path

    def holders(self):
        return {one: of for one, of in self.resources_of(STACK).items() if of[0] in HOLDERS}

    def contents(self, outputs):
        """Every item, every object, and every version of every object with the time it was written."""
        versions = boto3.client("s3").list_object_versions(Bucket=outputs["LakeBucketName"])
        self.assertFalse(versions.get("DeleteMarkers"))
        written = [(one["Key"], one["VersionId"], one["LastModified"]) for one in versions["Versions"]]
        return {
            "AgentState": self.items(outputs["AgentStateTableName"], "board", "agent_id"),
            "AgentHistory": self.items(outputs["AgentHistoryTableName"], "agent_id", "entry"),
            "objects": self.objects(outputs["LakeBucketName"]),
            "versions": sorted(written),
        }

    def shown(self, state):
        """The command line's output for the agents and for the history of each agent."""
        agents = [json.loads(line) for line in run(LEDGER, "agents", "--stack", STACK, "--all", "--json").splitlines()]
        self.assertEqual(sorted(agent["agent_id"] for agent in agents), sorted(agents_of(state)))
        plain = [[agent[name] for name in ("agent_id", "name", "activity", "status", "status_since")] for agent in agents]
        since = ("--from", "2026-01-01", "--to", "2026-12-31", "--json")
        histories = [run(LEDGER, "history", agent, "--stack", STACK, *since) for agent in sorted(agents_of(state))]
        lines = [[json.loads(line) for line in history.splitlines()] for history in histories]
        self.assertTrue(all(lines))
        # The earlier items have no Region.
        rows = [[{name: value for name, value in line.items() if name != "region"} for line in history] for history in lines]
        return sorted(plain), rows

    def fill(self, outputs):
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        recorded = {
            "AgentStateTableName": (EARLIER / "agent-state.jsonl").read_text(),
            "AgentHistoryTableName": gzip.decompress((EARLIER / "agent-history.jsonl.gz").read_bytes()).decode(),
        }
        for output, lines in recorded.items():
            requests = [{"PutRequest": {"Item": typed(json.loads(line))}} for line in lines.splitlines()]
            for batch in batches(requests, 25):
                answer = dynamodb.batch_write_item(RequestItems={outputs[output]: batch})
                self.assertFalse(answer.get("UnprocessedItems"))
        lake = EARLIER / "lake"
        for file in sorted(file for file in lake.rglob("*") if file.is_file()):
            key = str(file.relative_to(lake))
            s3.put_object(Bucket=outputs["LakeBucketName"], Key=key, Body=file.read_bytes())

    def test_an_update_from_the_earlier_version_keeps_everything(self):
        parameters = dict(ConnectInstanceArn=INSTANCE, HistoryRetentionDays=3650, StateRetentionDays=3650)
        outputs = self.deploy(STACK, self.earlier_template(), **parameters)
        self.fill(outputs)
        before, holders = self.contents(outputs), self.holders()
        self.assertEqual((len(before["AgentState"]), len(before["AgentHistory"]) > 300, len(before["objects"]) >= 5), (4, True, True))
        self.assertEqual({of for of, _ in holders.values()}, HOLDERS)
        done = len(self.log_of(STACK))

        # With the same parameters as before, as in `sam deploy` after `git pull`.
        updated = self.deploy(STACK, **parameters)
        self.assertEqual(self.status(STACK), "UPDATE_COMPLETE")
        log = self.log_of(STACK)[done:]
        actions = collections.Counter(line["action"] for line in log)
        self.assertGreater(actions["update"], 0, "there was nothing to update")
        # Saved queries hold no data, and CloudFormation always replaces them.
        saved = {one for one, (of, _) in self.resources_of(STACK).items() if of == "AWS::Athena::NamedQuery"}
        gone = {line["id"] for line in log if line["action"] in ("replace", "delete")}
        self.assertEqual(gone - saved, set())
        self.assertEqual(self.holders(), holders)
        # Outputs that other tools may read are unchanged.
        self.assertEqual({name: updated.get(name) for name in outputs}, outputs)
        after = self.contents(updated)
        for what, was in before.items():
            self.assertEqual(after[what], was, what)

        # The earlier items have other keys. When their events are delivered again, each agent has items of both kinds, but is still
        # one agent with one history.
        shown = self.shown(before["AgentState"])
        events = gzip.decompress((EARLIER / "agent-events.jsonl.gz").read_bytes()).splitlines()
        self.put_agent_events(updated["AgentEventStreamName"], events)
        outcomes = self.await_outcomes(len(events))
        self.assertEqual(outcomes["retried"], 0, outcomes)
        again = self.contents(updated)
        for table in ("AgentState", "AgentHistory"):
            missing = [item for item in before[table] if item not in again[table]]
            self.assertEqual(missing, [], f"missing in {table}")
            self.assertGreater(len(again[table]), len(before[table]))
        self.assertEqual(self.shown(before["AgentState"]), shown)
        say(
            f"compared: {len(holders)} resources that hold data, {len(outputs)} outputs, {len(before['AgentState'])} items of"
            f" AgentState, {len(before['AgentHistory'])} of AgentHistory, {len(before['objects'])} objects"
            f" ({sum(map(len, before['objects'].values()))} bytes, {len(before['versions'])} versions);"
            f" {actions['update']} resources updated, {actions['create']} created; {len(events)} events sent again: agents and histories unchanged"
        )
