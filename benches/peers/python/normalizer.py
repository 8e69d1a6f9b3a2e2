"""The normalizer in idiomatic Python: a Firehose transformation function for contact records.

    normalizer.py <json|orjson> <columns> <event> <response> <seconds>

handles the event repeatedly, writes the last response, and prints the median time.
"""

import base64
import hashlib
import sys
from datetime import datetime, timezone

import json

from measure import measure

UNION_MEMBERS = {"valuestring", "valueinteger", "valuearn", "valuemap", "valuelist"}


class Columns:
    """The columns of an object as a tree of source paths."""

    def __init__(self, columns):
        self.tree = {}
        for column in columns:
            for path in column["source"]:
                group = self.tree
                *groups, field = path.split(".")
                for name in groups:
                    group = group.setdefault(name, {})
                group[field] = (column["name"], column["kind"], Columns(column["fields"]) if "fields" in column else None)


def is_absent(value):
    if isinstance(value, dict):
        return all(is_absent(member) for member in value.values())
    return value is None or value == []


def timestamp(text):
    instant = datetime.fromisoformat(text).astimezone(timezone.utc)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"


def text_of(value):
    if isinstance(value, str):
        return value
    return json_text(value)


def json_text(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def text_of_union(value):
    if isinstance(value, dict):
        members = [(name, member) for name, member in value.items() if not is_absent(member)]
        if len(members) == 1 and members[0][0].lower() in UNION_MEMBERS:
            return text_of(members[0][1])
    return text_of(value)


def cell(kind, fields, value, path, extra):
    if kind == "Text" and isinstance(value, str):
        return value
    if kind == "Integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "Double" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if kind == "Boolean" and isinstance(value, bool):
        return value
    if kind == "Timestamp" and isinstance(value, str):
        try:
            return timestamp(value)
        except ValueError:
            pass
    if kind == "TextMap" and isinstance(value, dict):
        return {key: text_of(value[key]) for key in sorted(value) if not is_absent(value[key])}
    if kind == "UnionMap" and isinstance(value, dict):
        return {key: text_of_union(value[key]) for key in sorted(value) if not is_absent(value[key])}
    if kind == "TextList" and isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    if kind == "StructList" and isinstance(value, (list, dict)):
        elements = value if isinstance(value, list) else [value]
        structs = []
        for index, element in enumerate(elements):
            if isinstance(element, dict):
                struct = {}
                walk(fields.tree, element, f"{path}[{index}]", struct, extra)
                if struct:
                    structs.append(struct)
            elif not is_absent(element):
                extra[f"{path}[{index}]"] = element
        return structs or None
    if kind == "StructMap" and isinstance(value, dict):
        key_name = next(iter(fields.tree.values()))[0]
        structs = []
        for key in sorted(value):
            struct = {key_name: key}
            walk(fields.tree, value[key], f"{path}.{key}", struct, extra)
            structs.append(struct)
        return structs or None
    if kind == "Json":
        return json_text(value)
    extra[path] = value
    return None


def walk(tree, source, path, row, extra):
    for name, value in source.items():
        if is_absent(value):
            continue
        here = f"{path}.{name}" if path else name
        column = tree.get(name)
        if column is None:
            extra[here] = value
        elif isinstance(column, dict):
            if isinstance(value, dict):
                walk(column, value, here, row, extra)
            else:
                extra[here] = value
        else:
            held = cell(column[1], column[2], value, here, extra)
            if held is not None:
                row[column[0]] = held


def seconds_between(start, end):
    if start is None or end is None:
        return None
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() // 1)


def resource(arn, kind):
    if arn is None or f"/{kind}/" not in arn:
        return None
    name = arn.split(f"/{kind}/", 1)[1]
    return name.removeprefix("agent/") or None


def derive(row):
    get = row.get
    derived = {}
    if (arn := get("instance_arn")) and "instance/" in arn:
        derived["instance_id"] = arn.split("instance/", 1)[1].split("/")[0]
    derived["agent_id"] = resource(get("agent_arn"), "agent")
    derived["queue_id"] = resource(get("queue_arn"), "queue")

    def possible(seconds):
        return seconds if seconds is not None and seconds >= 0 else None

    derived["contact_duration_seconds"] = possible(seconds_between(get("initiation_timestamp"), get("disconnect_timestamp")))
    wait = get("queue_duration_seconds")
    if wait is None:
        wait = seconds_between(get("queue_enqueue_timestamp"), get("queue_dequeue_timestamp"))
    derived["queue_wait_seconds"] = possible(wait)
    derived["answer_seconds"] = possible(seconds_between(get("queue_enqueue_timestamp"), get("agent_connected_to_agent_timestamp")))
    derived["talk_seconds"] = talk = possible(get("agent_interaction_duration_seconds"))
    derived["hold_seconds"] = hold = possible(get("agent_customer_hold_duration_seconds"))
    work = get("agent_after_contact_work_duration_seconds")
    if work is None:
        work = seconds_between(get("agent_after_contact_work_start_timestamp"), get("agent_after_contact_work_end_timestamp"))
    derived["after_contact_work_seconds"] = work = possible(work)
    pause = possible(get("agent_pause_duration_seconds"))
    if talk is not None:
        derived["handle_seconds"] = talk + (hold or 0) + (work or 0) + (pause or 0)

    answered = "agent_connected_to_agent_timestamp" in row
    transferred = any(name in row for name in ("transferred_to_endpoint_address", "transfer_completed_timestamp", "next_contact_id"))
    reason, method = get("disconnect_reason"), get("initiation_method")
    abandoned, abandoned_in = False, None
    if not answered and not transferred and "disconnect_timestamp" in row:
        if "queue_enqueue_timestamp" in row:
            abandoned = reason in ("CUSTOMER_DISCONNECT", None) and method != "CALLBACK"
            if abandoned:
                abandoned_in = "ringing" if (get("agent_connection_attempts") or 0) > 0 else "queue"
        elif reason == "CUSTOMER_DISCONNECT" and method == "INBOUND":
            abandoned_in = "ivr"
    derived["answered"] = answered
    derived["abandoned"] = abandoned
    derived["abandoned_in"] = abandoned_in
    derived["transferred"] = transferred
    derived["recorded"] = "recording_location" in row or any("location" in one for one in row.get("recordings", ()))
    return {name: value for name, value in derived.items() if value is not None}


class Handler:
    def __init__(self, columns, loads, dumps):
        self.columns = Columns(columns)
        self.loads = loads
        self.dumps = dumps

    def row(self, data, arrival):
        record = self.loads(data)
        if "AgentARN" in record or "EventType" in record or "CurrentAgentSnapshot" in record:
            return None
        for name in ("ContactId", "InstanceARN"):
            if not isinstance(record[name], str) or not record[name]:
                raise ValueError(name)
        timestamp(record["InitiationTimestamp"]), timestamp(record["LastUpdateTimestamp"])
        row, extra = {}, {}
        walk(self.columns.tree, record, "", row, extra)
        if extra:
            row["extra"] = json.dumps(dict(sorted(extra.items())), separators=(",", ":"), ensure_ascii=False)
        content_hash = hashlib.md5(self.dumps(row)).hexdigest()
        row["record_kind"] = "contact_record"
        row.update(derive(row))
        row["schema_version"] = 1
        row["content_hash"] = content_hash
        if arrival is not None:
            instant = datetime.fromtimestamp(arrival / 1000, timezone.utc)
            row["arrival_timestamp"] = instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"
        return row

    def answer(self, record):
        record_id = record["recordId"]
        try:
            row = self.row(base64.b64decode(record["data"]), record.get("approximateArrivalTimestamp"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"recordId": record_id, "result": "ProcessingFailed"}
        if row is None:
            return {"recordId": record_id, "result": "Dropped"}
        return {
            "recordId": record_id,
            "result": "Ok",
            "data": base64.b64encode(self.dumps(row) + b"\n").decode(),
            "metadata": {"partitionKeys": {"contact_date": row["initiation_timestamp"][:10]}},
        }

    def __call__(self, event):
        return self.dumps({"records": [self.answer(record) for record in self.loads(event)["records"]]})


def main():
    library, columns, event, response, seconds = sys.argv[1:]
    if library == "orjson":
        import orjson

        loads, dumps = orjson.loads, orjson.dumps
    else:
        loads = json.loads

        def dumps(value):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    handler = Handler(json.load(open(columns)), loads, dumps)
    event = open(event, "rb").read()
    median, answer = measure(handler, event, seconds)
    open(response, "wb").write(answer)
    print(median)


if __name__ == "__main__":
    main()
