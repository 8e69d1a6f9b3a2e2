"""Starts ministack, with what the pipeline needs and ministack lacks:

- log streams in CloudFormation;
- PartiQL's `UPDATE` with a SET or REMOVE for each attribute, which is the documented form (DynamoDB Developer Guide,
  "PartiQL update statements for DynamoDB"); ministack reads lists with commas only, and takes quotes for part of a name;
- the functions' logs, which ministack throws away: they go to the file that FUNCTION_LOG names.
"""

import os
import subprocess

from ministack.app import main
from ministack.services import cloudwatch_logs, dynamodb
from ministack.services.cloudformation import provisioners


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
    return read_update(f"{clauses} WHERE {where}", parameters)


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
subprocess.Popen = LoggedPopen
main()
