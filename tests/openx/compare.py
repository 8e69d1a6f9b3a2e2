"""Compares Trino's OpenX JSON deserializer, on the lines that contact-record-normalizer returns, with the Parquet that the
local stack writes for the same records, value by value, with the columns, types, and SerDe settings in the template.

Firehose reads rows with the OpenX JSON SerDe. The local stack reads them with arrow-json, so it would not notice a line that OpenX
reads differently.
"""

import argparse
import base64
import collections
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import duckdb
import yaml
from records import hard_records
from runtime_api import Function

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ROOT / "target" / "debug"
OUTPUT = ROOT / "target" / "openx"
FIXTURES = ROOT / "tests" / "fixtures" / "contact-records"
# The size of the batches that Firehose passes to the function, from the template.
BATCH_BYTES = 1_000_000
STREAM = "arn:aws:firehose:eu-west-2:111122223333:deliverystream/contact-records"
# Firehose's names for properties of the SerDe, and whether they are on by default.
# Source: OpenXJsonSerDe (https://docs.aws.amazon.com/firehose/latest/APIReference/API_OpenXJsonSerDe.html).
PROPERTIES = {
    "CaseInsensitive": ("case.insensitive", True),
    "ConvertDotsInJsonKeysToUnderscores": ("dots.in.keys", False),
}
SHOWN = 20
EPOCH = datetime.datetime(1970, 1, 1)


# ── The template ─────────────────────────────────────────────────────────────────────────────────────────────────────


class TemplateLoader(yaml.SafeLoader):
    """Keeps CloudFormation's short forms unresolved: their values are not needed here."""


def short_form(loader, tag, node):
    construct = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    # Deep, because a mapping inside it would otherwise be filled in later.
    arguments = {"deep": True} if not isinstance(node, yaml.ScalarNode) else {}
    return {tag: construct.get(type(node), loader.construct_mapping)(node, **arguments)}


TemplateLoader.add_multi_constructor("!", short_form)


def find(value, name):
    """Every value with this name, at any depth: it may be in a branch of `!If`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            else:
                yield from find(inner, name)
    if isinstance(value, list):
        for inner in value:
            yield from find(inner, name)


def table_and_settings(template):
    """The columns of the rows' table, and the deserializer's settings."""
    resources = yaml.load(template.read_text(), TemplateLoader)["Resources"]
    try:
        columns = resources["ContactRecordTable"]["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
        found = list(find(resources["ContactRecordFirehose"], "OpenXJsonSerDe"))
    except KeyError as missing:
        sys.exit(f"error: {template} has no {missing} where the rows' table and its Firehose stream should be")
    if len(found) != 1:
        sys.exit(f"error: ContactRecordFirehose in {template} has {len(found)} OpenXJsonSerDe, not one")
    (settings,) = found
    properties = {name: str(default).lower() for name, default in PROPERTIES.values()}
    for setting, value in (settings or {}).items():
        if setting == "ColumnToJsonKeyMappings":
            properties |= {f"mapping.{column}": key for column, key in value.items()}
        elif setting in PROPERTIES:
            properties[PROPERTIES[setting][0]] = str(value).lower()
        else:
            sys.exit(f"error: unknown deserializer setting {setting}; add it to PROPERTIES")
    return columns, properties


# ── The two sides ────────────────────────────────────────────────────────────────────────────────────────────────────


def run(*command):
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"error: command failed: {' '.join(map(str, command[:3]))} …\n{done.stdout}{done.stderr}")
    return done.stdout


def records(folder):
    """The contact records, each as one line of bytes."""
    fixtures = [file for file in sorted(FIXTURES.glob("*.json")) if not file.name.endswith(".row.json")]
    if not fixtures:
        sys.exit(f"error: there are no contact records in {FIXTURES}")
    for file in fixtures:
        yield b" ".join(file.read_bytes().split(b"\n"))
    center = ["--agents", 8, "--hours", 4, "--contacts-per-hour", 60]
    no_faults = ["--duplicated", 0, "--late", 0, "--malformed", 0]
    run(BINARIES / "contact-ledger", "generate", *center, *no_faults, "--output", folder / "center")
    yield from (folder / "center" / "contact-records.jsonl").read_bytes().splitlines()
    # Firehose's demo records become rows without a contact.
    yield b'{"ticker_symbol":"QXZ","sector":"HEALTHCARE","change":-0.05,"price":84.51}'
    # A row of a backfill that is sent again: only these have an arrival_place.
    yield (
        b'{"contact_id":"came-back","initiation_timestamp":"2026-03-02T08:00:00Z",'
        b'"last_update_timestamp":"2026-03-02T09:00:00Z","schema_version":2,"content_hash":"0",'
        b'"arrival_timestamp":"2026-03-02T09:00:07Z","arrival_place":9223372036854775807}'
    )
    yield from hard_records(json.loads((FIXTURES / "every-field-set.json").read_text()))


def batches(records):
    batch, size = [], 0
    for record in records:
        if batch and size + len(record) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    yield batch


def transform(function, records, arrivals):
    """The lines that the function returns; `None` for a record without a line."""
    number = 0
    for batch in batches(records):
        event = {"invocationId": "i", "deliveryStreamArn": STREAM, "region": "eu-west-2", "records": []}
        for record in batch:
            one = {"recordId": f"record-{number}", "approximateArrivalTimestamp": arrivals[number]}
            event["records"].append(one | {"data": base64.b64encode(record).decode()})
            number += 1
        answered = function.invoke(event)["records"]
        assert [one["recordId"] for one in answered] == [one["recordId"] for one in event["records"]]
        for one in answered:
            yield base64.b64decode(one["data"]) if one["result"] == "Ok" else None


def deserialize(lines, columns, properties):
    """OpenX's result for each line: a row, or the reason why the line is refused."""
    columns = [{key: column[key] for key in ("Name", "Type")} for column in columns]
    table = {"columns": columns, "properties": properties}
    (OUTPUT / "table.json").write_text(json.dumps(table))
    (OUTPUT / "lines.jsonl").write_bytes(b"".join(lines))
    java = pathlib.Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    program = pathlib.Path(__file__).with_name("Deserialize.java")
    files = [OUTPUT / "table.json", OUTPUT / "lines.jsonl"]
    rows = run(java, "-Xmx2g", "-cp", (OUTPUT / "classpath").read_text(), program, *files)
    # Not splitlines: U+2028 and similar characters are part of strings.
    rows = [json.loads(row) for row in rows.split("\n") if row]
    if len(rows) != len(lines):
        sys.exit(f"error: the deserializer returned {len(rows)} rows for {len(lines)} lines")
    return rows


# ── One form of values ───────────────────────────────────────────────────────────────────────────────────────────────
#
# (type, value) on both sides. An absent value is None, and so is an absent field of a struct.


def of_openx(tagged):
    if tagged is None:
        return None
    ((kind, value),) = tagged.items()
    if kind == "array":
        value = list(map(of_openx, value))
    elif kind == "map":
        value = {key["string"]: of_openx(one) for key, one in value}
    elif kind == "struct":
        value = {name: of_openx(one) for name, one in value.items() if one is not None}
    elif kind == "double":
        # Exact: -0.0 is not 0.0.
        value = float(value).hex()
    elif kind == "timestamp":
        value = value[0] * 1_000_000 + value[1]
    return kind, value


SCALARS = {"varchar": "string", "bigint": "bigint", "integer": "int", "boolean": "boolean", "date": "date"}


def of_parquet(value, column_type):
    if value is None:
        return None
    kind = column_type.id
    if kind == "list":
        ((_, element),) = column_type.children
        return "array", [of_parquet(one, element) for one in value]
    if kind == "map":
        (_, _), (_, one_type) = column_type.children
        return "map", {key: of_parquet(one, one_type) for key, one in value.items()}
    if kind == "struct":
        fields = {name: of_parquet(value[name], field) for name, field in column_type.children}
        return "struct", {name: one for name, one in fields.items() if one is not None}
    if kind == "double":
        return "double", value.hex()
    if kind.startswith("timestamp"):
        picoseconds = (value - EPOCH) // datetime.timedelta(microseconds=1) * 1_000_000
        return "timestamp", picoseconds
    if kind not in SCALARS:
        sys.exit(f"error: no Glue type is known for Parquet's type {column_type}; add it to SCALARS")
    return SCALARS[kind], value


def parquet_rows(lake):
    """The types of the columns, and the rows, by column name."""
    files = sorted(map(str, (lake / "contact_records").glob("*/*")))
    if not files:
        sys.exit("error: the local stack wrote no Parquet file")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    relation = connection.from_parquet(files, hive_partitioning=False)
    names, types = relation.columns, relation.types
    rows = relation.fetchall()
    return dict(zip(names, types)), [
        {name: of_parquet(value, column) for name, column, value in zip(names, types, row)} for row in rows
    ]


def key(row):
    return row.get("contact_id"), row.get("last_update_timestamp")


def by_key(rows, side):
    found = {}
    for row in rows:
        if key(row) in found:
            twice = ", ".join(map(short, key(row)))
            sys.exit(f"error: {side} has two rows of {twice}; the input must not have two records of one contact and update")
        found[key(row)] = row
    return found


def leaves(value, path):
    """The path and the type of each value that contains no others."""
    if value is None:
        return
    kind, inner = value
    if kind == "array" and inner:
        for one in inner:
            yield from leaves(one, f"{path}[]")
    elif kind == "struct":
        for name, one in inner.items():
            yield from leaves(one, f"{path}.{name}")
    elif kind == "map" and inner:
        for one in inner.values():
            yield from leaves(one, f"{path}{{}}")
    else:
        yield path, kind


def type_paths(column_type, path):
    """The paths at which a column can have values."""
    kind = column_type.id
    if kind == "list":
        ((_, element),) = column_type.children
        yield from type_paths(element, f"{path}[]")
    elif kind == "struct":
        for name, field in column_type.children:
            yield from type_paths(field, f"{path}.{name}")
    elif kind == "map":
        yield f"{path}{{}}"
    else:
        yield path


def differences(openx, parquet, path):
    """The paths at which two values differ, as deep as possible, with both values."""
    if openx == parquet:
        return
    if openx is not None and parquet is not None and openx[0] == parquet[0]:
        (kind, left), (_, right) = openx, parquet
        if kind == "array" and len(left) == len(right):
            for place, (one, other) in enumerate(zip(left, right)):
                yield from differences(one, other, f"{path}[{place}]")
            return
        if kind in ("struct", "map"):
            for name in sorted(left.keys() | right.keys()):
                yield from differences(left.get(name), right.get(name), f"{path}.{name}")
            return
    yield path, openx, parquet


def short(value):
    """A value in readable form, truncated."""
    if value is None:
        return "nothing"
    kind, plain = value
    if kind == "timestamp":
        plain = f"{EPOCH + datetime.timedelta(microseconds=plain // 1_000_000)} and {plain % 1_000_000} picoseconds"
    if kind == "double":
        plain = float.fromhex(plain)
    text = f"the {kind} {plain!r}"
    return text if len(text) <= 120 else f"{text[:120]}… ({len(text)} characters)"


# ── The comparison ───────────────────────────────────────────────────────────────────────────────────────────────────


class Verdict:
    def __init__(self):
        self.wrong = []

    def check(self, what, problems):
        problems = list(problems)
        print(f"  {what}: {f'FAILED, {len(problems)}' if problems else 'ok'}")
        for problem in problems[:SHOWN]:
            print(f"    {problem}")
        if len(problems) > SHOWN:
            print(f"    and {len(problems) - SHOWN} more; {OUTPUT / 'differences.txt'} has all of them")
        self.wrong += [f"{what}: {problem}" for problem in problems]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    template = ROOT / "template.yaml"
    parser.add_argument("--template", type=pathlib.Path, default=template, help="the template to compare with")
    arguments = parser.parse_args()
    started = time.monotonic()
    if "JAVA_HOME" not in os.environ or not (OUTPUT / "classpath").exists():
        sys.exit("error: the deserializer and its Java are not set up; run `make test-openx`, which sets them up")
    columns, properties = table_and_settings(arguments.template)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sent = list(records(folder))
        (folder / "sent.jsonl").write_bytes(b"\n".join(sent) + b"\n")
        made = ["--contact-records", folder / "sent.jsonl", "--output", folder / "made"]
        run(BINARIES / "contact-ledger", "demo", *made)
        types, parquet = parquet_rows(folder / "made" / "lake")
    print(f"{len(sent)} contact records, in the local stack and through the function to OpenX, {properties}:")
    parquet = by_key(parquet, "Parquet")

    with Function(BINARIES / "contact-record-normalizer", OUTPUT / "function.log") as function:
        # The time at which a record arrived at the stack is only in its row. So the function is invoked twice: first to get the keys, then
        # with their arrival times.
        probe = list(transform(function, sent, [0] * len(sent)))
        refused = [record for record, line in zip(sent, probe) if line is None]
        sent = [record for record, line in zip(sent, probe) if line is not None]
        keys = [
            key({name: of_openx(value) for name, value in row.get("row", {}).items()})
            for row in deserialize([line for line in probe if line], columns, properties)
        ]
        arrivals = [parquet.get(one, {}).get("arrival_timestamp") for one in keys]
        arrivals = [arrival[1] // 1_000_000_000 if arrival else 0 for arrival in arrivals]
        lines = list(transform(function, sent, arrivals))
    openx = deserialize(lines, columns, properties)
    verdict = Verdict()
    verdict.check("records that become rows", (f"the function refuses {record[:300]!r}" for record in refused))
    errors = [(row["error"], line) for row, line in zip(openx, lines) if "error" in row]
    verdict.check("lines that OpenX reads", (f"{error}: {line[:300]!r}" for error, line in errors))
    openx = [{name: of_openx(value) for name, value in row["row"].items()} for row in openx if "row" in row]
    openx = by_key(openx, "OpenX")

    declared = [column["Name"] for column in columns]
    twice = [name for name, count in collections.Counter(declared).items() if count > 1]
    verdict.check(
        f"{len(declared)} columns in the template, {len(types)} in Parquet",
        [f"{name} is in the template twice" for name in twice]
        + [f"{name} is in the template only" for name in declared if name not in types]
        + [f"{name} is in Parquet only" for name in types if name not in declared],
    )
    verdict.check(
        f"{len(openx)} rows from OpenX, {len(parquet)} in Parquet",
        [f"{', '.join(map(short, one))} is in Parquet only" for one in parquet if one not in openx]
        + [f"{', '.join(map(short, one))} is in the lines only" for one in openx if one not in parquet],
    )

    compared, found, seen, types_seen = 0, [], set(), collections.Counter()
    for one in [one for one in openx if one in parquet]:
        for name in declared:
            left, right = openx[one].get(name), parquet[one].get(name)
            read, written = list(leaves(left, name)), list(leaves(right, name))
            compared += max(len(read), len(written))
            seen.update(path for path, _ in read)
            types_seen.update(kind for _, kind in read)
            for path, one_value, other in differences(left, right, name):
                text = f"{path} of {short(one[0])}: OpenX reads {short(one_value)}, Parquet has {short(other)}"
                found.append((name, text))
    verdict.check(f"{compared} values in {len(openx)} rows of {len(declared)} columns", [text for _, text in found])
    for name, count in collections.Counter(name for name, _ in found).most_common():
        print(f"    {count} in {name}")
    print(f"    of which {', '.join(f'{count} {kind}' for kind, count in types_seen.most_common())}")
    places = [path for name in declared if name in types for path in type_paths(types[name], name)]
    unseen = [f"no record has a value for {path}, so it is not tested" for path in places if path not in seen]
    verdict.check(f"each of {len(places)} paths has had a value", unseen)

    (OUTPUT / "differences.txt").write_text("".join(f"{problem}\n" for problem in verdict.wrong))
    print(f"  {time.monotonic() - started:.1f} s")
    result = "FAILED" if verdict.wrong else "ok"
    # This counts as one test in the totals.
    print(f"{compared} values compared; {len(verdict.wrong)} problems")
    print(f"test result: {result}. {int(not verdict.wrong)} passed; {int(bool(verdict.wrong))} failed; 0 ignored")
    sys.exit(bool(verdict.wrong))


if __name__ == "__main__":
    main()
