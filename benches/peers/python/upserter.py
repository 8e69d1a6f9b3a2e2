"""The upserter as it is usually written in Python: the batch processor of Powertools, and one conditional put per
record. It keeps the newest state of an agent, and no history.

    upserter.py <columns> <event> <response> <seconds>
"""

import base64
import json
import os
import sys

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "upserter")
os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "1")

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from measure import measure

table = boto3.resource(
    "dynamodb", region_name="eu-west-2", aws_access_key_id="local", aws_secret_access_key="local"
).Table("AgentState")
processor = BatchProcessor(event_type=EventType.KinesisDataStreams)


def handle_record(record):
    event = json.loads(base64.b64decode(record.kinesis.data))
    snapshot = event.get("CurrentAgentSnapshot") or {}
    status = snapshot.get("AgentStatus") or {}
    configuration = snapshot.get("Configuration") or {}
    table.put_item(
        Item={
            "agent_id": event["AgentARN"].rsplit("/", 1)[1],
            "version": event["EventTimestamp"],
            "event_id": event["EventId"],
            "status_name": status.get("Name"),
            "status_since": status.get("StartTimestamp"),
            "username": configuration.get("Username"),
            "routing_profile": (configuration.get("RoutingProfile") or {}).get("Name"),
            "contacts": [
                {"contact_id": contact["ContactId"], "state": contact["State"]} for contact in snapshot.get("Contacts") or []
            ],
        },
        ConditionExpression="attribute_not_exists(version) OR version < :version",
        ExpressionAttributeValues={":version": event["EventTimestamp"]},
    )


def handler(event):
    return process_partial_response(event=event, record_handler=handle_record, processor=processor, context=None)


def main():
    _, event, response, seconds = sys.argv[1:]
    event = json.load(open(event))
    median, answer = measure(handler, event, seconds)
    json.dump(answer, open(response, "w"))
    print(median)


if __name__ == "__main__":
    main()
