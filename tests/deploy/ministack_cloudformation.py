"""Adds the CloudFormation features that this template needs and ministack lacks:

- Glue, Athena, and Amazon Connect as resource types, and alarms on metric math: stubs that create nothing;
- dynamic references to Secrets Manager;
- AllowedPattern of parameters, and rules;
- dependencies from references in a resource's metadata: intrinsic functions can be used there, too
  (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html), and no
  dependencies from a branch of `Fn::If` that is not chosen;
- updates in place, and replacement when a property changes that the schema of the resource type lists as create-only. ministack
  re-creates most types on any change, under the same name and empty;
- Connect allows one association per type and instance, and refuses a second one. Once it has an association, it sends records: the
  first one, from the file named by FIRST_RECORDS, before anything else is created.

Every resource that is created, updated, replaced, or deleted is logged, with its properties, as a line in the file named by
RESOURCE_LOG.
"""

import base64
import contextvars
import functools
import importlib.util
import json
import os
import pathlib
import re
import threading
import uuid

from ministack.services import firehose, kinesis, secretsmanager
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

HANDLERS = provisioners._RESOURCE_HANDLERS
# Types that ministack would re-create, empty, on any change of a property.
IN_PLACE = {"AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::Logs::LogGroup"}


def record(action, stack, logical_id, resource_type, physical_id, properties):
    line = {"action": action, "stack": stack, "id": logical_id, "type": resource_type, "physical_id": physical_id}
    with open(os.environ["RESOURCE_LOG"], "a") as log:
        log.write(json.dumps(line | {"properties": properties}) + "\n")


# ── Stubs ──


def stub(name):
    """A resource type that creates nothing; `name` returns the physical ID."""
    return {
        "create": lambda logical_id, properties, stack: (name(logical_id, properties, stack), {}),
        "update": lambda physical_id, _old, _new, _stack: (physical_id, {}),
        "delete": lambda _physical_id, _properties: None,
    }


associations = {}


def associate(_logical_id, properties, _stack):
    instance, kind = properties["InstanceArn"], properties["ResourceType"]
    if (instance, kind) in associations:
        raise ValueError(
            "Instance storage config already exists (Service: Connect, Status Code: 409, ResourceConflictException)"
        )
    associations[instance, kind] = str(uuid.uuid4())
    # In a thread: delivery to S3 needs its own event loop, and this one is creating the stack.
    context = contextvars.copy_context()
    sender = threading.Thread(target=context.run, args=(send_first_record, kind, properties))
    sender.start()
    sender.join()
    return f"{instance}|{associations[instance, kind]}|{kind}", {"AssociationId": associations[instance, kind]}


def send_first_record(kind, properties):
    first = json.loads(pathlib.Path(os.environ["FIRST_RECORDS"]).read_text()).get(kind)
    if first is None:
        return
    data = base64.b64encode(first.encode()).decode()
    if "KinesisStreamConfig" in properties:
        stream = properties["KinesisStreamConfig"]["StreamArn"].rsplit("/")[-1]
        status, _, body = kinesis._put_record({"StreamName": stream, "PartitionKey": kind, "Data": data})
    else:
        name = properties["KinesisFirehoseConfig"]["FirehoseArn"].rsplit("/")[-1]
        status, _, body = firehose._put_record({"DeliveryStreamName": name, "Record": {"Data": data}})
    if status != 200:
        raise ValueError(body)


def disassociate(_physical_id, properties):
    associations.pop((properties["InstanceArn"], properties["ResourceType"]))


create_alarm = HANDLERS["AWS::CloudWatch::Alarm"]["create"]


def alarm(logical_id, properties, stack):
    if "Metrics" in properties:
        return provisioners._physical_name(stack, logical_id), {}
    return create_alarm(logical_id, properties, stack)


HANDLERS["AWS::CloudWatch::Alarm"]["create"] = alarm
HANDLERS["AWS::Glue::Database"] = stub(lambda _id, properties, _stack: properties["DatabaseInput"]["Name"])
HANDLERS["AWS::Glue::Table"] = stub(lambda _id, properties, _stack: properties["TableInput"]["Name"])
HANDLERS["AWS::Athena::WorkGroup"] = stub(lambda _id, properties, _stack: properties["Name"])
HANDLERS["AWS::Athena::NamedQuery"] = stub(lambda logical_id, _properties, stack: f"{stack}-{logical_id}")
HANDLERS["AWS::Connect::InstanceStorageConfig"] = stub(None) | {"create": associate, "delete": disassociate}


# ── Parameters and rules ──

resolve_parameters = engine._resolve_parameters


def checked_parameters(template, provided, previous=None):
    parameters = resolve_parameters(template, provided, previous)
    for name, definition in template.get("Parameters", {}).items():
        pattern = definition.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, parameters[name]["Value"]):
            raise ValueError(f"Parameter {name} failed to satisfy constraint: {definition['ConstraintDescription']}")
    for name, rule in template.get("Rules", {}).items():
        for assertion in rule["Assertions"]:
            conditions = {"applies": rule.get("RuleCondition", True), "holds": assertion["Assert"]}
            truth = engine._evaluate_conditions({"Conditions": conditions}, parameters)
            if truth["applies"] and not truth["holds"]:
                raise ValueError(f"Template error: rule {name} failed: {assertion['AssertDescription']}")
    return parameters


changesets._resolve_parameters = handlers._resolve_parameters = checked_parameters


# ── Order ──

sort = stacks._topological_sort


def chosen(value, conditions):
    """The value with every `Fn::If` resolved: a branch that is not chosen adds no dependency."""
    if isinstance(value, dict):
        if "Fn::If" in value:
            condition, yes, no = value["Fn::If"]
            return chosen(yes if conditions[condition] else no, conditions)
        return {name: chosen(member, conditions) for name, member in value.items()}
    return [chosen(element, conditions) for element in value] if isinstance(value, list) else value


def in_order(resources, conditions):
    seen = {}
    for logical_id, resource in resources.items():
        named = [resource.get("Properties", {}), resource.get("Metadata", {})]
        seen[logical_id] = resource | {"Properties": {"named": chosen(named, conditions)}}
    return sort(seen, conditions)


stacks._topological_sort = in_order


# ── Creation, update, and replacement ──


def with_secrets(value):
    """The properties with dynamic references resolved, as passed to a service; the stack keeps the references."""
    if isinstance(value, dict):
        return {name: with_secrets(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_secrets(element) for element in value]
    reference = isinstance(value, str) and re.fullmatch(r"\{\{resolve:secretsmanager:(.+)\}\}", value)
    if not reference:
        return value
    secret, _, member = reference[1].partition(":SecretString:")
    text = secretsmanager.resolve_secret_string(secret)
    if text is None:
        raise ValueError(f"Secrets Manager can't find the specified secret {secret} (ResourceNotFoundException)")
    return json.loads(text)[member] if member else text


@functools.cache
def create_only(resource_type):
    """The properties that cannot change without replacement, from AWS's schema of the type, which is part of cfn-lint."""
    schemas = pathlib.Path(importlib.util.find_spec("cfnlint").submodule_search_locations[0], "data/schemas")
    names = json.loads((schemas / f"providers/{os.environ['AWS_REGION']}.json").read_text())
    if resource_type not in names:
        return []
    schema = json.loads((schemas / f"resources/{names[resource_type]}.json").read_text())
    paths = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    return [path.removeprefix("/properties/").split("/") for path in paths]


def member(properties, path):
    for name in path:
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


provision_resource, update_resource, delete_resource = (
    stacks._provision_resource,
    stacks._update_resource,
    stacks._delete_resource,
)


def create(resource_type, logical_id, properties, stack):
    physical_id, attributes = provision_resource(resource_type, logical_id, with_secrets(properties), stack)
    record("create", stack, logical_id, resource_type, physical_id, properties)
    return physical_id, attributes


def update(resource_type, physical_id, old, new, stack, logical_id=None, attributes=None):
    if old == new:
        return physical_id, attributes or {}
    replacing = [path for path in create_only(resource_type) if member(old, path) != member(new, path)]
    if replacing:
        # Under a new name, as CloudFormation generates one. The old resource stays, so that the test can inspect it.
        physical_id, attributes = provision_resource(resource_type, f"{logical_id}Replacement", with_secrets(new), stack)
        record("replace", stack, logical_id, resource_type, physical_id, new)
        return physical_id, attributes
    record("update", stack, logical_id, resource_type, physical_id, new)
    if resource_type in IN_PLACE:
        return physical_id, attributes or {}
    return update_resource(resource_type, physical_id, old, with_secrets(new), stack, logical_id, attributes)


def delete(resource_type, physical_id, properties, stack=None, logical_id=None):
    record("delete", stack, logical_id, resource_type, physical_id, properties)
    return delete_resource(resource_type, physical_id, properties, stack, logical_id)


stacks._provision_resource, stacks._update_resource, stacks._delete_resource = create, update, delete
