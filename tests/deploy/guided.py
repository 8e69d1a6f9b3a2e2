"""Runs `sam deploy --guided` through a terminal, as a person who follows docs/deploy.md would. The transcripts are kept in
target/deploy/guided-*.txt.
"""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time

import boto3
import yaml

from emulator import BIN, BUILT, CONFIG, INSTANCE, KEPT, ROOT, EmulatorTest, eventually, say

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# A last line without a line end, with the default in brackets. A question without brackets does not accept an empty answer.
QUESTION = re.compile(r"(?:^|\n)[ \t]*([^\n]+?)(?: \[([^\n]*)\])?: $")
SILENCE = 60.0
BEFORE = ["Stack Name", "AWS Region"]
AFTER = [
    "Confirm changes before deploy",
    "Allow SAM CLI IAM role creation",
    "Disable rollback",
    "Save arguments to configuration file",
    "SAM configuration file",
    "SAM configuration environment",
]
HASH_KEY = "c3ludGhldGljIGtleSBmb3IgdGVzdHMsIDMyIGJ5dGVzLi4="


class Cloudformation(yaml.SafeLoader):
    """Reads a template. Intrinsic functions are replaced by their arguments."""


Cloudformation.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_yaml_str(node) if isinstance(node, yaml.ScalarNode) else None)


def declared_parameters():
    """The template's parameters with their defaults, in template order."""
    parameters = yaml.load((ROOT / "template.yaml").read_text(), Loader=Cloudformation)["Parameters"]
    return {name: str(parameter["Default"]) for name, parameter in parameters.items()}


class Conversation:
    """A command on a terminal, with its questions. Each is answered with Enter, or with the entry in `answers`."""

    def __init__(self, command, folder, answers):
        self.shown, self.asked, self.answers = "", [], dict(answers)
        terminal, other_end = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
        ends = dict(stdin=other_end, stdout=other_end, stderr=other_end)
        process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **ends)
        os.close(other_end)
        try:
            self.talk(terminal)
        except BaseException:
            process.terminate()
            raise
        finally:
            self.code = process.wait()
            os.close(terminal)
        assert not self.answers, f"SAM did not ask for {', '.join(self.answers)}"

    def talk(self, terminal):
        answered_up_to, heard = 0, time.monotonic()
        while True:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    data = os.read(terminal, 65536)
                except OSError:
                    # On Linux this means that the other end is closed.
                    return
                if not data:
                    return
                self.shown += ANSI.sub("", data.decode(errors="replace")).replace("\r\n", "\n")
                heard = time.monotonic()
                continue
            # No more output: SAM waits for an answer, or is working.
            if question := QUESTION.search(self.shown, answered_up_to):
                os.write(terminal, f"{self.answer(*question.groups())}\n".encode())
                answered_up_to = len(self.shown)
            assert time.monotonic() - heard < SILENCE, f"no output from SAM for {SILENCE:.0f} s:\n{self.tail()}"

    def answer(self, question, default):
        assert question not in self.asked, f"SAM rejected the answer to {question}:\n{self.tail()}"
        answer = self.answers.pop(question, "")
        assert answer or default is not None, f"SAM does not accept an empty answer to {question}:\n{self.tail()}"
        self.asked.append(question)
        return answer

    def tail(self):
        return self.shown[-2000:]


def created(log):
    """The position at which each resource was created, by logical ID."""
    return {line["id"]: place for place, line in enumerate(log) if line["action"] == "create"}


def users_config():
    config = ROOT / "samconfig.toml"
    return config.read_bytes() if config.exists() else None


class Guided(EmulatorTest):
    def setUp(self):
        mine = users_config()
        self.addCleanup(lambda: self.assertEqual(users_config(), mine, "the user's samconfig.toml was changed"))

    def guide(self, name, answers):
        """Deploys in a separate folder with .aws-sam and samconfig.toml, like the one that `make build` creates."""
        folder = self.folder / name
        (folder / ".aws-sam").mkdir(parents=True)
        (folder / ".aws-sam" / "build").symlink_to(BUILT.parent, target_is_directory=True)
        shutil.copy(ROOT / "template.yaml", folder)
        shutil.copy(CONFIG, folder / "samconfig.toml")
        started = time.monotonic()
        conversation = Conversation([BIN / "sam", "deploy", "--guided"], folder, answers)
        KEPT.mkdir(parents=True, exist_ok=True)
        # The path of the folder is different in every run.
        (KEPT / f"guided-{name}.txt").write_text(conversation.shown.replace(str(folder), "."))
        say(f"sam deploy --guided ({name}): {len(conversation.asked)} questions, {time.monotonic() - started:.1f} s")
        self.assertEqual(conversation.code, 0, conversation.tail())
        self.assertEqual(conversation.asked, BEFORE + [f"Parameter {one}" for one in declared_parameters()] + AFTER)
        return folder

    def parameters_of(self, stack):
        stack = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}

    def test_enter_at_every_question_deploys_the_defaults(self):
        self.guide("defaults", {})
        self.assertEqual(self.status("contact-ledger"), "CREATE_COMPLETE")
        self.assertEqual(self.parameters_of("contact-ledger"), declared_parameters())
        types = {resource_type for resource_type, _ in self.resources_of("contact-ledger").values()}
        self.assertNotIn("AWS::Connect::InstanceStorageConfig", types)
        everything = {"Glue::Table", "Athena::NamedQuery", "CloudWatch::Alarm", "CloudWatch::Dashboard", "DynamoDB::Table"}
        self.assertLessEqual({f"AWS::{one}" for one in everything}, types)

    def test_answers_turn_streaming_on_and_the_first_record_is_not_lost(self):
        boto3.client("secretsmanager").create_secret(Name="ledger/hash-key", SecretString=HASH_KEY)
        contact = (ROOT / "tests/fixtures/contact-records/agent-queue.json").read_text()
        event = {
            "AgentARN": f"{INSTANCE}/agent/20000000-0000-4000-8000-000000000001",
            "EventId": "30000000-0000-4000-8000-000000000001",
            "EventTimestamp": "2026-03-02T09:00:00.000Z",
            "EventType": "STATE_CHANGE",
            "CurrentAgentSnapshot": {
                "AgentStatus": {"Name": "Lunch", "StartTimestamp": "2026-03-02T09:00:00.000Z"},
                "Configuration": {"Username": "amara"},
            },
        }
        first = {"CONTACT_TRACE_RECORDS": contact, "AGENT_EVENTS": json.dumps(event)}
        self.first_records.write_text(json.dumps(first))
        answers = {
            "Stack Name": "ledger",
            "Parameter ConnectInstanceArn": INSTANCE,
            "Parameter ContactRecordSource": "Kinesis",
            "Parameter AgentPiiPolicy": '{"username": "hash"}',
            "Parameter PiiHashKeySecret": "ledger/hash-key",
            # Otherwise this event would be expired.
            "Parameter HistoryRetentionDays": "3650",
            "Parameter DatabaseName": "ledger",
            "Parameter AlarmEmail": "operator@example.com",
        }
        folder = self.guide("answers", answers)
        self.assertEqual(self.status("ledger"), "CREATE_COMPLETE")
        given = {name.removeprefix("Parameter "): answer for name, answer in answers.items() if name != "Stack Name"}
        self.assertEqual(self.parameters_of("ledger"), declared_parameters() | given)
        outputs, log = self.outputs_of("ledger"), self.log_of("ledger")

        # Streaming from Connect was turned on after all consumers existed, and before the tables.
        order = created(log)
        for before, after in [
            ("ContactRecordFirehose", "ContactRecordStreaming"),
            ("AgentEventFirehose", "AgentEventStreaming"),
            ("ContactRecordStreaming", "AgentStateTable"),
            ("AgentEventStreaming", "AgentHistoryTable"),
        ]:
            self.assertLess(order[before], order[after], f"{after} before {before}")
        associations = {line["properties"]["ResourceType"]: line["properties"] for line in log if line["id"].endswith("Streaming")}
        for kind, output in (("CONTACT_TRACE_RECORDS", "ContactRecordTarget"), ("AGENT_EVENTS", "AgentEventStreamArn")):
            self.assertEqual(associations[kind]["InstanceArn"], INSTANCE)
            self.assertEqual(associations[kind]["KinesisStreamConfig"]["StreamArn"], outputs[output])

        # The records that Connect sent immediately became a row, an entry, and a line in the archive.
        bucket = outputs["LakeBucketName"]
        rows = eventually("the first contact record to become a row", lambda: self.objects(bucket, "contact_records/"))
        self.assertEqual([json.loads(row)["contact_id"] for row in rows.values()], [json.loads(contact)["ContactId"]])
        self.assertEqual([json.loads(one) for one in self.objects(bucket, "raw/agent-events/").values()], [event])
        history = eventually("the first agent event to become an entry", lambda: self.items(outputs["AgentHistoryTableName"], "entry"))
        region = event["AgentARN"].split(":")[3]
        entries = [f"event#{event['EventTimestamp']}#{event['EventId']}#{region}"]
        self.assertEqual([entry["entry"] for entry in history], entries)

        # The functions have the value of the secret; the template and its parameters only have the name.
        for function in ("ContactRecordNormalizer", "AgentEventUpserter"):
            name = self.resources_of("ledger")[function][1]
            variables = boto3.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            self.assertEqual(variables["PII_HASH_KEY"], HASH_KEY)
        template = boto3.client("cloudformation").get_template(StackName="ledger")["TemplateBody"]
        self.assertNotIn(HASH_KEY, json.dumps(template) + json.dumps(log) + (folder / "samconfig.toml").read_text())
        [topic] = [physical_id for kind, physical_id in self.resources_of("ledger").values() if kind == "AWS::SNS::Topic"]
        [subscription] = boto3.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        self.assertEqual((subscription["Protocol"], subscription["Endpoint"]), ("email", "operator@example.com"))

        # The next deployment asks no questions.
        again = subprocess.run([BIN / "sam", "deploy"], cwd=folder, capture_output=True, text=True)
        self.assertIn("No changes to deploy", again.stdout + again.stderr)

        # Connect allows one association per type, so a second stack fails before it has a table. (docs/deploy.md, "If
        # the first deployment fails")
        with self.assertRaisesRegex(AssertionError, "Instance storage config already exists"):
            self.deploy("second", ConnectInstanceArn=INSTANCE, DatabaseName="second")
        self.assertEqual(self.status("second"), "ROLLBACK_COMPLETE")
        self.assertNotIn("AWS::DynamoDB::Table", {line["type"] for line in self.log_of("second")})
        client = boto3.client("cloudformation")
        client.delete_stack(StackName="second")
        client.get_waiter("stack_delete_complete").wait(StackName="second", WaiterConfig={"Delay": 1})
        self.deploy("second", DatabaseName="second")

    def test_invalid_parameters_are_refused_with_a_reason(self):
        key = "arn:aws:kms:eu-west-2:111122223333:key/40000000-0000-4000-8000-000000000001"
        for parameters, sentence in [
            (
                {"ExistingAgentEventStreamKeyArn": key},
                "ExistingAgentEventStreamKeyArn requires ExistingAgentEventStreamArn, which is empty. Set ExistingAgentEventStreamArn, or leave both empty.",
            ),
            ({"PiiHashKeySecret": "{{resolve:ssm-secure:key}}"}, "PiiHashKeySecret failed to satisfy constraint: must be empty, or the name"),
        ]:
            with self.assertRaises(AssertionError) as refused:
                self.deploy("refused", **parameters)
            self.assertIn(sentence, " ".join(str(refused.exception).split()))
            self.assertEqual(self.log_of("refused"), [])
