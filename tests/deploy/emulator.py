"""A ministack for each test class, and the operations that the tests need."""

import collections
import functools
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

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = ROOT / ".venv" / "bin"
# The output of `sam build`: the template, and a folder with `bootstrap` for each function, named by its logical ID.
BUILT = ROOT / "target" / "sam" / "template.yaml"
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
CONFIG = ROOT / "samconfig.example.toml"
# Output to read after the tests.
KEPT = ROOT / "target" / "deploy"
INSTANCE = "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001"
PATIENCE = 120.0

os.environ.update(
    AWS_ACCESS_KEY_ID="111122223333",
    AWS_SECRET_ACCESS_KEY="local",
    AWS_DEFAULT_REGION="eu-west-2",
    AWS_REGION="eu-west-2",
    AWS_EC2_METADATA_DISABLED="true",
    # Hides the user's own AWS configuration: the tests must never reach an account.
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    SAM_CLI_TELEMETRY="0",
    SAM_CLI_POLL_DELAY="1",
)
for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
    os.environ.pop(variable, None)

sys.path.append(str(ROOT / "tests" / "support"))

import boto3  # noqa: E402, the environment must be set before
import running  # noqa: E402, the path comes before
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer  # noqa: E402


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


eventually = functools.partial(running.eventually, patience=PATIENCE, pause=0.2)


def run(*command, codes=(0,)):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in codes:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def say(line):
    print(line, file=sys.stderr, flush=True)


def batches(records, size):
    return [records[start : start + size] for start in range(0, len(records), size)]


def agents_of(state):
    return running.agents_of(state)


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


class EmulatorTest(unittest.TestCase):
    maxDiff = 4000
    # Whether the functions come from `sam build`.
    needs_build = True

    @classmethod
    def setUpClass(cls):
        if cls.needs_build and not BUILT.exists():
            raise AssertionError(f"{BUILT} is missing; `make test-deploy` builds the functions first")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.function_log, cls.resource_log = cls.folder / "functions.jsonl", cls.folder / "resources.jsonl"
        cls.first_records = cls.folder / "first-records.json"
        for file in (cls.function_log, cls.resource_log):
            file.touch()
        cls.first_records.write_text("{}")
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        environment = os.environ | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "TMPDIR": str(cls.folder),
            "FUNCTION_LOG": str(cls.function_log),
            "RESOURCE_LOG": str(cls.resource_log),
            "FIRST_RECORDS": str(cls.first_records),
        }
        log = open(cls.folder / "ministack.log", "w")
        cls.addClassCleanup(log.close)
        ministack = subprocess.Popen([BIN / "python", HERE / "ministack_server.py"], env=environment, stdout=log, stderr=log)
        cls.addClassCleanup(ministack.wait)
        cls.addClassCleanup(ministack.terminate)

        def answers():
            assert ministack.poll() is None, (cls.folder / "ministack.log").read_text()
            try:
                return urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).status == 200
            except OSError:
                return False

        eventually("ministack to start", answers)

    @classmethod
    def deploy(cls, stack, template=BUILT, **parameters):
        """Runs `sam deploy`. If it fails, raises CloudFormation's reasons."""
        started = time.monotonic()
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        command = ["deploy", "--config-file", CONFIG, "--template-file", template, "--stack-name", stack]
        command += ["--parameter-overrides", *overrides] if overrides else []
        try:
            run(BIN / "sam", *command)
        except AssertionError as error:
            client = boto3.client("cloudformation")
            if stack not in (one["StackName"] for one in client.describe_stacks()["Stacks"]):
                raise
            events = client.describe_stack_events(StackName=stack)["StackEvents"]
            reasons = [event["ResourceStatusReason"] for event in events if "FAILED" in event["ResourceStatus"]]
            raise AssertionError("\n".join(reasons) or str(error)) from error
        say(f"sam deploy of {stack}: {time.monotonic() - started:.1f} s")
        return cls.outputs_of(stack)

    @classmethod
    def status(cls, stack):
        return boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]

    @classmethod
    def outputs_of(cls, stack):
        stack = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack["StackStatus"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @classmethod
    def log_of(cls, stack):
        """CloudFormation's actions for a stack, in order."""
        lines = map(json.loads, cls.resource_log.read_text().splitlines())
        return [line for line in lines if line["stack"] == stack]

    @classmethod
    def resources_of(cls, stack):
        """Type and physical ID of every resource of a stack, by logical ID."""
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"]) for one in resources}

    @classmethod
    def objects(cls, bucket, prefix=""):
        s3 = boto3.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    @classmethod
    def items(cls, table, *key):
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        deserialize = TypeDeserializer().deserialize
        items = [plain(deserialize({"M": item})) for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: [item[part] for part in key])

    @classmethod
    def put_agent_events(cls, stream, events):
        kinesis = boto3.client("kinesis")
        for batch in batches(events, 500):
            records = [{"Data": data, "PartitionKey": agent_of(data)} for data in batch]
            answer = kinesis.put_records(StreamName=stream, Records=records)
            assert answer["FailedRecordCount"] == 0, answer

    @classmethod
    def outcomes(cls):
        """The outcomes of agent events so far, as reported by the function."""
        outcomes = collections.Counter()
        for line in cls.function_log.read_text().splitlines():
            summary = json.loads(line)
            # The metrics of a whole invocation; metrics of its parts have one more dimension.
            if "RecordsApplied" in summary:
                names = ("Applied", "Duplicate", "Stale", "Skipped", "Rejected", "Retried")
                outcomes.update({name.lower(): summary[f"Records{name}"] for name in names})
        return outcomes

    @classmethod
    def await_outcomes(cls, count):
        eventually(f"the function to handle {count} events", lambda: sum(cls.outcomes().values()) >= count)
        return cls.outcomes()


def typed(item):
    """JSON as a DynamoDB item."""
    return TypeSerializer().serialize(json.loads(json.dumps(item), parse_float=Decimal))["M"]
