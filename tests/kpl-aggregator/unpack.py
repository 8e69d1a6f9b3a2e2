"""Tests that our functions unpack records packed by Amazon's KPL aggregator: tables and rejected records must be the same as if
every record had been sent on its own. Damaged records are compared with the result of Amazon's Kinesis Client Library.

Contract: the KPL Aggregated Record Format of the Kinesis Producer Library
(https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md); for who unpacks contact records,
Understand data delivery in Amazon Data Firehose (https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html).

Usage: unpack.py <class path> <folder of the binaries>
"""

import base64
import collections
import hashlib
import itertools
import json
import pathlib
import random
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from running import agents_of, eventually, figure, run_tests  # noqa: E402, the path comes before
from served_stack import ServedStack, check_binaries, encoded, generate  # noqa: E402

MAGIC = bytes.fromhex("f3899ac2")
ARRIVAL = 1772438400251
UserRecord = collections.namedtuple("UserRecord", "partition_key data explicit_hash_key", defaults=["-"])
# A record of the stream. `parts`: the user records in it, or None if it is not packed.
Record = collections.namedtuple("Record", "partition_key data parts", defaults=[None])


def java(requests):
    """The answers of Pack.java, split at tabs."""
    lines = "".join("\t".join(request) + "\n" for request in requests)
    command = ["java", "-cp", CLASSPATH, "Pack"]
    done = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"Pack.java failed: {done.stderr}"
    # Not splitlines: a partition key may contain other characters that it treats as line ends.
    return [line.split("\t") for line in done.stdout.removesuffix("\n").split("\n")]


def pack(groups):
    """Packs each group with Amazon's aggregator. A group that is too large for one record becomes several."""
    requests = []
    for group in groups:
        requests += [["add", part.partition_key, part.explicit_hash_key, encoded(part.data)] for part in group]
        requests.append(["end"])
    parts = itertools.chain.from_iterable(groups)
    packed = []
    for kind, size, partition_key, _, data in java(requests):
        assert kind == "packed"
        data = base64.b64decode(data)
        assert data.startswith(MAGIC), "a packed record must begin with the magic bytes"
        packed.append(Record(partition_key, data, list(itertools.islice(parts, int(size)))))
    assert not list(parts), "the aggregator did not pack every record"
    return packed


def unpack_as_amazon_does(records):
    """Unpacks each record with Amazon's client library. Returns partition key, sub-sequence number, whether it was packed, and
    data of every user record in it."""
    answers, found = java([["unpack", record.partition_key, encoded(record.data)] for record in records]), [[]]
    for kind, *rest in answers:
        if kind == "unpacked":
            found.append([])
            continue
        partition_key, number, is_packed, data = rest
        found[-1].append((partition_key, int(number), is_packed == "true", base64.b64decode(data)))
    assert len(found) == len(records) + 1
    return found[:-1]


def checked(message):
    """A record with a correct checksum for any message."""
    return MAGIC + message + hashlib.md5(message).digest()


def chunks(sequence, size):
    return [sequence[start : start + size] for start in range(0, len(sequence), size)]


def agent_of(event):
    """Amazon Connect's partition key is the agent's ARN. A record without an ARN needs another key."""
    try:
        arn = json.loads(event)["AgentARN"]
    except (ValueError, KeyError, TypeError):
        return "unknown"
    return arn if isinstance(arn, str) and 1 <= len(arn) <= 256 else "unknown"


def plain(parts):
    return [Record(part.partition_key, part.data) for part in parts]


class Outcome:
    """The outcome of records on the agent event stream of a new stack."""

    def __init__(self, records):
        with ServedStack(BINARIES) as stack:
            numbers = stack.put_agent_events([record[:2] for record in records])
            size = sum(1 if record.parts is None else len(record.parts) for record in records)
            counts = stack.settle(size)
            assert sum(counts.values()) == size, f"{size} events have {counts} outcomes"
            self.state, self.history = stack.agent_state(), stack.agent_history()
            self.rejected = stack.lines("rejected")
        self.by_number = dict(zip(numbers, records))

    def reasons(self):
        """The rejected records with their reasons, without their position in the stream."""
        return collections.Counter((line["reason"], line["path"], line["data"]) for line in self.rejected)


class AgentEvents(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        day = generate(BINARIES, "--agents", 8, "--hours", 6, "--duplicated", 20, "--late", 50, "--malformed", 20)
        cls.parts = [UserRecord(agent_of(event), event) for event in day["agent-events"]]
        cls.expected = Outcome(plain(cls.parts))
        assert len(agents_of(cls.expected.state)) == 8
        assert len(cls.expected.history) > 500 and len(cls.expected.rejected) > 10

    def assert_same(self, outcome, expected, times=1):
        # Not compared as a list: a diff of thousands of items is unreadable.
        for name in ("state", "history"):
            have, want = getattr(outcome, name), getattr(expected, name)
            differs = [(a, b) for a, b in itertools.zip_longest(have, want) if a != b]
            self.assertEqual(differs[:1], [], f"{len(differs)} items of agent {name} differ from the plain events'")
        want = collections.Counter({line: times * count for line, count in expected.reasons().items()})
        besides, missing = outcome.reasons() - want, want - outcome.reasons()
        shown = [[(reason, path) for reason, path, _ in lines] for lines in (besides, missing)]
        self.assertEqual(shown, [[], []], "rejected events differ from the plain ones: additional, missing")
        for line in outcome.rejected:
            record = outcome.by_number[line["sequence_number"]]
            number = line.get("subsequence_number")
            self.assertEqual(number is None, record.parts is None, line)
            part = record if record.parts is None else record.parts[number]
            self.assertEqual((line["partition_key"], line["data"]), (part.partition_key, encoded(part.data)))

    def compare(self, name, records, times=1):
        outcome = Outcome(records)
        self.assert_same(outcome, self.expected, times)
        packed = [record for record in records if record.parts is not None]
        parts = [len(record.parts) for record in packed]
        figure(
            f"{name}: {len(records):,} records, {len(packed):,} packed with {min(parts)} to {max(parts):,} events, "
            f"largest {max(len(record.data) for record in packed):,} bytes; {len(outcome.rejected)} events rejected"
        )
        return packed

    def test_one_event_per_record(self):
        self.compare("one per record", pack([[part] for part in self.parts]))

    def test_many_agents_per_record(self):
        packed = self.compare("fifty per record", pack(chunks(self.parts, 50)))
        self.assertTrue(any(len({part.partition_key for part in record.parts}) > 4 for record in packed))

    def test_one_agent_per_record_with_explicit_hash_keys(self):
        rng = random.Random(5)
        by_agent = collections.defaultdict(list)
        for part in self.parts:
            by_agent[part.partition_key].append(part._replace(explicit_hash_key=str(rng.getrandbits(128))))
        groups = [group for parts in by_agent.values() for group in chunks(parts, 20)]
        self.compare("one agent per record, explicit hash keys", pack(groups))

    def test_full_records(self):
        # Amazon's aggregator fills a record's data up to 1 MiB. Kinesis also counts the partition key.
        groups = []
        for record in pack([self.parts]):
            fits = len(record.data) + len(record.partition_key) <= 1 << 20
            groups += [record.parts] if fits else [record.parts[:-1], record.parts[-1:]]
        packed = self.compare("full records", pack(groups))
        self.assertGreater(max(len(record.data) for record in packed), 1_000_000)
        self.assertGreater(len(packed), 2)

    def test_packed_and_plain_records_mixed_and_sent_twice(self):
        rng, groups, rest = random.Random(7), [], list(self.parts)
        while rest:
            size = rng.randint(1, 9)
            groups, rest = [*groups, rest[:size]], rest[size:]
        packed = pack(groups)
        mixed = [one for record in packed for one in (plain(record.parts) if rng.random() < 0.5 else [record])]
        # A producer that gets no response retries.
        self.compare("mixed with plain records", mixed)
        self.compare("the same twice", [*mixed, *mixed], times=2)

    def test_any_bytes_are_unpacked_as_by_amazons_client_library(self):
        rng = random.Random(11)
        keys = ["k", "a key of\u2028several \u00e9\u4e16\U0001f600", "x" * 256]
        keys += [f"agent-{number}" for number in range(40)]
        lengths = [1, 2, 127, 128, 16_383, 16_384, *(rng.randrange(1, 2000) for _ in range(300))]
        # None of this is JSON: every record is rejected, and its line has the unpacked data.
        parts = [UserRecord(rng.choice(keys), b"\xff" + rng.randbytes(length - 1)) for length in lengths]
        parts.append(UserRecord(rng.choice(keys), b""))
        inner = pack([parts[:5]])[0]
        # Packed twice: neither library unpacks the inner one.
        parts.append(UserRecord("twice", inner.data))
        records = pack([*chunks(parts, 60), parts[-1:]])
        outcome = Outcome(records)
        found = collections.defaultdict(list)
        for line in outcome.rejected:
            part = (line["partition_key"], line["subsequence_number"], True, base64.b64decode(line["data"]))
            found[line["sequence_number"]].append(part)
        for (number, record), amazons in zip(outcome.by_number.items(), unpack_as_amazon_does(records)):
            self.assertEqual(len(amazons), len(record.parts))
            self.assertEqual(found[number], amazons)
        figure(
            f"any bytes: {len(parts)} user records in {len(records)} packed records, "
            "the same as with Amazon's client library"
        )

    def test_damaged_records_are_rejected_whole_and_no_others(self):
        # The events in the damaged records are in no other record: any event unpacked from one would appear in the tables.
        sent, withheld = self.parts[:-200], self.parts[-200:]
        good, whole = pack(chunks(sent, 30)), pack([withheld])[0]
        data, key = whole.data, whole.partition_key
        message = data[4:-16]
        last = data[:-1] + bytes([data[-1] ^ 1])
        middle = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]
        # Records that Amazon's client library treats as plain, with unchanged bytes.
        plain_to_amazon = {
            "wrong checksum": last,
            "a flipped bit": middle,
            "no checksum": data[:-16],
            "cut in half": data[: len(data) // 2],
            "a byte short": data[:-1],
            "a byte too long": data + b"\0",
            "magic only": MAGIC,
            "magic and a byte": MAGIC + b"\x0a",
            "magic and room for a checksum": MAGIC + bytes(16),
            "magic and no message": checked(b""),
            "checked, but cut": checked(message[: len(message) // 2]),
            "checked, but no message": checked(b"\xff" * 40),
            "magic and JSON": MAGIC + withheld[-1].data,
        }
        # Records that it unpacks differently, with the number of user records that it returns: it drops and logs unreadable ones, and
        # accepts more of them than an invocation may have.
        key_table, user_record = b"\x0a\x01k", b"\x1a\x05\x08%c\x1a\x01x"
        otherwise_to_amazon = {
            "no user record": (checked(key_table), 0),
            "a partition key that is not there": (checked(key_table + user_record % 0 + user_record % 1), 1),
            "more than 10,000 user records": (checked(key_table + 10_001 * (user_record % 0)), 10_001),
        }
        damaged = {**plain_to_amazon, **{name: data for name, (data, _) in otherwise_to_amazon.items()}}
        amazons = unpack_as_amazon_does([Record(key, data) for data in damaged.values()])
        amazons = dict(zip(damaged, amazons))
        for name, data in plain_to_amazon.items():
            self.assertEqual(amazons[name], [(key, 0, False, data)], name)
        for name, (_, parts) in otherwise_to_amazon.items():
            self.assertEqual(len(amazons[name]), parts, name)

        records, broken = [], list(damaged.values())
        for place, record in enumerate(good):
            records.append(record)
            if place % 2 and broken:
                records.append(Record(key, broken.pop()))
        self.assertEqual(broken, [])
        outcome, expected = Outcome(records), Outcome(plain(sent))
        aggregated = [line for line in outcome.rejected if line["reason"] == "aggregated"]
        found = collections.Counter(base64.b64decode(line["data"]) for line in aggregated)
        differs = {name: found[data] for name, data in damaged.items() if found[data] != 1}
        self.assertEqual((differs, len(aggregated)), ({}, len(damaged)), "each must be rejected once, unchanged")
        for line in aggregated:
            self.assertNotIn("subsequence_number", line)
            self.assertEqual(line["data"], encoded(outcome.by_number[line["sequence_number"]].data))
        outcome.rejected = [line for line in outcome.rejected if line["reason"] != "aggregated"]
        self.assert_same(outcome, expected)
        figure(f"damaged: {len(damaged)} rejected unchanged, among {len(good)} good records with {len(sent):,} events")


class ContactRecords(unittest.TestCase):
    """Packed contact records. Firehose unpacks records that it reads from Kinesis, but not direct puts."""

    @classmethod
    def setUpClass(cls):
        day = generate(BINARIES, "--agents", 8, "--hours", 6, "--duplicated", 20, "--malformed", 20)
        cls.records = day["contact-records"]
        cls.packed = pack(chunks([UserRecord(f"contact-{place}", data) for place, data in enumerate(cls.records)], 25))

    def transform(self, stack, records):
        """The function's answers to a Firehose event, without their IDs."""
        event = {
            "invocationId": "00000000-0000-4000-8000-000000000001",
            "deliveryStreamArn": "arn:aws:firehose:eu-west-2:111122223333:deliverystream/contact-records",
            "region": "eu-west-2",
            "records": [
                {"recordId": f"4954{place:052}", "approximateArrivalTimestamp": ARRIVAL, **record}
                for place, record in enumerate(records)
            ],
        }
        answers = stack.invoke("contact-record-normalizer", event)["records"]
        self.assertEqual([answer["recordId"] for answer in answers], [record["recordId"] for record in event["records"]])
        return [{name: value for name, value in answer.items() if name != "recordId"} for answer in answers]

    def test_packed_records_from_kinesis_become_the_same_rows_as_plain_records(self):
        unpacked = []
        for place, parts in enumerate(unpack_as_amazon_does(self.packed)):
            for partition_key, number, is_packed, data in parts:
                self.assertTrue(is_packed)
                metadata = {
                    "sequenceNumber": f"4959{place:052}",
                    "subsequenceNumber": number,
                    "partitionKey": partition_key,
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": ARRIVAL,
                }
                unpacked.append({"data": encoded(data), "kinesisRecordMetadata": metadata})
        self.assertEqual(len(unpacked), len(self.records))
        with ServedStack(BINARIES) as stack:
            rows = self.transform(stack, [{"data": encoded(record)} for record in self.records])
            for place, batch in enumerate(chunks(unpacked, 60)):
                self.assertEqual(self.transform(stack, batch), rows[60 * place : 60 * place + 60])
        results = collections.Counter(row["result"] for row in rows)
        self.assertGreater(results["Ok"], 0.9 * len(rows))
        figure(f"contact records from Kinesis: {results['Ok']} rows of {len(rows)}, each as if sent on its own")

    def test_packed_records_put_directly_on_firehose_fail_with_their_bytes(self):
        # A direct put is not unpacked. Nothing is lost: the packed record is kept unchanged.
        packed = self.packed[:3]
        others = [record for record in self.records if self.is_whole(record)][75:125]
        with ServedStack(BINARIES) as stack:
            stack.put_contact_records([record.data for record in packed] + others)

            def counts():
                lines = [line for line in stack.metrics("contact-record-normalizer") if "RecordsOk" in line]
                ok, failed = (sum(line[name] for line in lines) for name in ("RecordsOk", "RecordsFailed"))
                return ok + failed >= len(packed) + len(others) and (ok, failed)

            self.assertEqual(eventually("all contact records to be processed", counts), (len(others), len(packed)))
            failed = eventually("the failed records to reach the lake", lambda: stack.lines("errors"))
            self.assertCountEqual([line["rawData"] for line in failed], [encoded(record.data) for record in packed])

    @staticmethod
    def is_whole(record):
        try:
            return {"ContactId", "InitiationTimestamp", "LastUpdateTimestamp", "InstanceARN"} <= set(json.loads(record))
        except (ValueError, TypeError):
            return False


def main():
    global CLASSPATH, BINARIES
    CLASSPATH, BINARIES = sys.argv[1], pathlib.Path(sys.argv[2])
    check_binaries(BINARIES)
    run_tests("records packed by Amazon's aggregator", sys.argv[3:])


if __name__ == "__main__":
    main()
