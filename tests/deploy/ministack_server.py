"""Starts ministack with additions that the pipeline needs:

- log streams in CloudFormation;
- PartiQL's `UPDATE` with a SET or REMOVE for each attribute, which is the documented form
  (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html); ministack reads only lists
  with commas, and treats quotes as part of a name;
- an alternative in a condition (`"version" IS MISSING OR "version"<?`), and the item for which the condition of a batch
  statement failed (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html);
- Firehose streams as targets of EventBridge rules;
- the functions' logs, which ministack discards: they are written to the file named by FUNCTION_LOG;
- more of CloudFormation: ministack_cloudformation.py.
"""

import base64
import json
import os
import re
import subprocess

from ministack.app import main
from ministack.services import cloudwatch_logs, dynamodb, eventbridge, firehose
from ministack.services.cloudformation import provisioners

import ministack_cloudformation  # noqa: F401, imported for its side effects


def create_log_stream(_logical_id, properties, _stack_name):
    answer = cloudwatch_logs._create_log_stream(
        {"logGroupName": properties["LogGroupName"], "logStreamName": properties["LogStreamName"]}
    )
    if answer[0] != 200:
        raise ValueError(answer)
    return properties["LogStreamName"], {}


def parse_update(statement, parameters):
    clauses, where = statement.split(" WHERE ", 1)
    clauses, *removed = clauses.split(" REMOVE ")
    target, *assigned = clauses.split(" SET ")
    clauses = f"{target} SET {', '.join(assigned)}"
    if removed:
        clauses += f" REMOVE {', '.join(name.strip(chr(34)) for name in removed)}"
    # The only alternative that we write, with the last parameter.
    alternative = re.search(r' AND \("(\w+)" IS MISSING OR "\w+"<\?\)', where)
    if not alternative:
        return read_update(f"{clauses} WHERE {where}", parameters)
    where = where.replace(alternative[0], "")
    parsed = read_update(f"{clauses} WHERE {where}", parameters[:-1])
    parsed["conditions"].append((alternative[1], "missing or less", parameters[-1]["S"]))
    return parsed


def compare(held, operator, value):
    if operator == "missing or less":
        return held is None or held["S"] < value
    return compare_values(held, operator, value)


failed_on = []


def execute_statement(data):
    failed_on.append(None)
    return execute_one(data)


def conditional_check_failed(data, item):
    if failed_on:
        failed_on[-1] = item
    return refuse(data, item)


def batch_execute_statement(data):
    failed_on.clear()
    status, headers, body = execute_batch(data)
    answer = json.loads(body)
    for statement, response, item in zip(data["Statements"], answer.get("Responses", []), failed_on):
        if item is not None and statement.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            response["Error"]["Item"] = item
    return status, headers, json.dumps(answer).encode()


def invoke_target(target, event, rule, view=None):
    arn = target["Arn"]
    if ":firehose:" not in arn:
        return invoke_other_target(target, event, rule, view)
    event = (view or eventbridge._pattern_event_view(event)).event_with_detail()
    data = base64.b64encode(json.dumps(event).encode()).decode()
    answer = firehose._put_record({"DeliveryStreamName": arn.rsplit("/")[-1], "Record": {"Data": data}})
    if answer[0] != 200:
        raise ValueError(answer)


class LoggedPopen(subprocess.Popen):
    def __init__(self, command, **options):
        if os.path.basename(str(command[0])) == "bootstrap":
            options["stdout"] = options["stderr"] = open(os.environ["FUNCTION_LOG"], "a")
        super().__init__(command, **options)


provisioners._RESOURCE_HANDLERS["AWS::Logs::LogStream"] = {
    "create": create_log_stream,
    "delete": lambda _physical_id, _properties: None,
}
read_update = dynamodb._parse_partiql_update
dynamodb._parse_partiql_update = parse_update
compare_values, dynamodb._compare_ddb = dynamodb._compare_ddb, compare
execute_one, dynamodb._execute_statement = dynamodb._execute_statement, execute_statement
refuse, dynamodb._conditional_check_failed = dynamodb._conditional_check_failed, conditional_check_failed
execute_batch, dynamodb._batch_execute_statement = dynamodb._batch_execute_statement, batch_execute_statement
invoke_other_target, eventbridge._invoke_target = eventbridge._invoke_target, invoke_target
subprocess.Popen = LoggedPopen
main()
