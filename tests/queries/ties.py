"""Tests which of two contents of a contact `contact_records_latest` shows if they have the same LastUpdateTimestamp, in every order of
arrival, before and after a backfill, and after a backfill of only one of the days.

The rule, from docs/contact-record.md: rows with the same content_hash have the same content, which counts from its first arrival. Of
two contents, the one whose first arrival is later is the latest; if that is equal, the one with the greater content_hash.
"""

import datetime
import gzip
import itertools
import json
import os
import pathlib
import subprocess

from engines import archive_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBUG = ROOT / "target" / "debug"
DAY = "2026-06-01"
# Copies arrive from here on, over midnight, so that a backfill can leave out one of the two days.
ARRIVAL = datetime.datetime(2026, 6, 1, 23, 59, 50)


def record(contact, content):
    """A contact record; the contents differ in one attribute."""
    return json.dumps(
        {
            "AWSAccountId": "111122223333",
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "ContactId": contact,
            "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001",
            "InitiationTimestamp": f"{DAY}T10:00:00Z",
            "LastUpdateTimestamp": "2026-06-01T10:05:00Z",
            "Channel": "VOICE",
            "Attributes": {"content": content},
        }
    ).encode()


def story():
    """For each contact: its contents in their order of arrival, the seconds between them, and the one that must be shown."""
    orders = [["A", "B"], ["B", "A"], ["A", "B", "A"], ["B", "A", "B"], ["A", "A", "B"], ["A", "B", "B", "A"]]
    for number, (order, seconds) in enumerate(itertools.product(orders, (1, 7, 20))):
        first = {content: order.index(content) for content in order}
        yield f"c-{number:02}", order, seconds, max(first, key=first.get)


def deliver(lake):
    """Writes the rows of an earlier schema, and raw copies: one object per day, with the records in order of arrival."""
    rows, copies = [], {}
    for contact, order, seconds, _ in story():
        for place, content in enumerate(order):
            at = ARRIVAL + datetime.timedelta(seconds=place * seconds)
            rows.append(f"{at.isoformat()}.000Z\t".encode() + record(contact, content))
            copies.setdefault(at.date(), []).append((at, record(contact, content)))
    partition = lake / "contact_records" / f"contact_date={DAY}"
    partition.mkdir(parents=True)
    earlier = [DEBUG / "rows-of-an-earlier-schema", partition / "earlier.parquet"]
    subprocess.run(earlier, input=b"\n".join(rows), check=True)
    for day, arrived in copies.items():
        arrived.sort(key=lambda copy: copy[0])
        name = f"contact-records-1-{arrived[0][0]:%Y-%m-%d-%H-%M-%S}-0a1b2c3d.gz"
        folder = lake / "raw" / "contact-records" / f"arrival_date={day}"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(gzip.compress(b"".join(copy for _, copy in arrived)))
    # The agent event tables need a file.
    archive_events(lake, DAY, [b"{}"])


def backfill(lake, *days, policy="{}"):
    command = [DEBUG / "contact-ledger", "backfill", "--lake", lake, *days]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PII_POLICY": policy})


def rows_of_one_schema(folder):
    """A lake with rows written by the function and rows of a backfill with a stricter PII policy."""
    records = folder / "records.jsonl"
    records.write_bytes(b"\n".join(record(contact, "A") for contact, _, _, _ in story()))
    output = folder / "policy"
    demo = [DEBUG / "contact-ledger", "demo", "--contact-records", records, "--output", output]
    subprocess.run(demo, check=True, capture_output=True)
    archive_events(output / "lake", DAY, [b"{}"])
    backfill(output / "lake", policy='{"attributes": "drop"}')
    return output / "lake"


def rounds(folder):
    """A lake for each kind of backfill, and the rows it must show: contact, content, and whether the row has the new schema."""
    for name, days, is_new in [
        ("before a backfill", None, False),
        ("after a backfill", [], True),
        ("after a backfill of the second day", ["--since", "2026-06-02"], None),
        ("after a backfill of the first day", ["--until", "2026-06-01"], None),
        ("after the earlier rows are gone", [], True),
    ]:
        lake = folder / name.replace(" ", "-")
        deliver(lake)
        if days is not None:
            backfill(lake, *days)
        if "gone" in name:
            (lake / "contact_records" / f"contact_date={DAY}" / "earlier.parquet").unlink()
        yield name, lake, [(contact, content) for contact, _, _, content in story()], is_new


def verify(verification, engine, folder):
    engine.open(rows_of_one_schema(folder))
    rows = engine.ask("SELECT contact_id, element_at(attributes, 'content') IS NULL FROM contact_records_latest")
    shown = [(contact, True) for contact, _, _, _ in story()]
    verification.check("rows of the latest policy, after a backfill", rows, shown)
    for name, lake, wanted, is_new in rounds(folder):
        engine.open(lake)
        # Rows of an earlier schema have their attributes in extra.
        content = "coalesce(element_at(attributes, 'content'), json_extract_scalar(extra, '$.Attributes.content'))"
        rows = engine.ask(f"SELECT contact_id, {content} FROM contact_records_latest")
        verification.check(f"contents with the same last_update_timestamp, {name}", rows, wanted)
        if is_new is not None:
            rows = engine.ask("SELECT contact_id, element_at(attributes, 'content') IS NOT NULL FROM contact_records_latest")
            shown = [(contact, is_new) for contact, _, _, _ in story()]
            verification.check(f"rows of the latest schema, {name}", rows, shown)
