"""Runs every view and every named query on what the local stack makes of a generated contact center, and compares each
figure with `expected.py`: without duplicates and late records, with 5 % of them, and with 50 %.

    verify.py duckdb    fast
    verify.py trino     the engine behind Athena
"""

import collections
import contextlib
import datetime
import gzip
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import duckdb
import expected
import ties
from document import documentation, plain
from engines import DuckDb, Trino

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "content-hash"))

from content_hash import content_hash  # noqa: E402, it is another test's
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
CENTER = ["--agents", "8", "--hours", "4", "--contacts-per-hour", "60"]
DAY = "2026-03-02"
PERMILLE = (0, 50, 500)


def ledger(*arguments, **environment):
    command = [LEDGER, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    # Some of the records are broken on purpose, which is exit code 3.
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def readable(lines):
    """The records that are records: broken ones have no place in any figure."""
    for line in lines:
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record


def is_contact_record(record):
    return {"ContactId", "InitiationTimestamp", "LastUpdateTimestamp", "InstanceARN"} <= record.keys()


class Run:
    """A generated day: the story, and what the stack made of a disturbed delivery of it."""

    def __init__(self, folder, permille):
        story, sent = folder / "story", folder / "sent"
        quiet = ["--duplicated", 0, "--late", 0, "--malformed", 0]
        disturbed = ["--duplicated", permille, "--late", permille, "--malformed", 8]
        ledger("generate", *CENTER, *quiet, "--output", story)
        ledger("generate", *CENTER, *disturbed, "--output", sent)
        self.arrival = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        files = [f"--{kind}={sent / kind}.jsonl" for kind in ("contact-records", "agent-events")]
        ledger("demo", *files, "--output", folder / "made")
        self.lake, self.made = folder / "made" / "lake", folder / "made"
        self.sent_events = (sent / "agent-events.jsonl").read_bytes().splitlines()
        self.sent_records = (sent / "contact-records.jsonl").read_bytes().splitlines()
        archive = self.lake / "raw" / "agent-events" / f"arrival_date={DAY}"
        archive.mkdir(parents=True)
        # As Firehose writes it: several files, a line end after each event.
        for part in range(3):
            lines = (line + b"\n" for line in self.sent_events[part::3])
            (archive / f"{part}.gz").write_bytes(gzip.compress(b"".join(lines)))

        self.records = list(readable((story / "contact-records.jsonl").read_bytes().splitlines()))
        self.events = list(readable((story / "agent-events.jsonl").read_bytes().splitlines()))
        self.delivered = [record for record in readable(self.sent_records) if is_contact_record(record)]
        self.contacts = expected.newest(self.records)
        text = lambda record: json.dumps(record, sort_keys=True)  # noqa: E731
        assert {text(record) for record in self.delivered} == {text(record) for record in self.records}

    def questions(self):
        """Each query with its parameters, the rows it should answer, and how exact they are."""
        contacts, days = self.contacts, [DAY, DAY]
        exact = 1e-9
        yield "service_level", [60, *days], expected.service_level(contacts, 60), exact
        # Answered in exactly so many seconds is in time.
        reached = sorted(contact.answer for contact in contacts if contact.answer is not None)
        reached = int(reached[len(reached) // 2])
        yield "service_level", [reached, *days], expected.service_level(contacts, reached), exact
        yield "speed_of_answer", days, expected.speed_of_answer(contacts), exact
        yield "abandonment", days, expected.abandonment(contacts), exact
        yield "handle_time", days, expected.handle_time(contacts), exact
        yield "after_contact_work", days, expected.after_contact_work(contacts), exact
        yield "hold_and_transfer", days, expected.hold_and_transfer(contacts), exact
        yield "callbacks", days, expected.callbacks(contacts), exact
        yield "contact_chains", days, expected.contact_chains(contacts), exact
        yield "repeat_contacts", [1, *days], expected.repeat_contacts(contacts, 1), exact
        yield "disconnect_reasons", days, expected.disconnect_reasons(contacts), exact
        yield "time_in_status", days, expected.time_in_status(self.events), exact
        yield "occupancy", days, expected.occupancy(self.events), exact
        # Records arrive while the stack runs.
        versions = expected.record_versions(self.records, self.delivered, self.arrival)
        yield "record_versions", days, versions, 0.1

    def make_rows_anew(self):
        """The rows as an earlier schema made them, with fewer columns, and beside them those of a backfill."""
        (day,) = (self.lake / "contact_records").glob(f"contact_date={DAY}")
        rows = f"SELECT content_hash, arrival_timestamp FROM read_parquet('{day}/*') WHERE record_kind = 'contact_record'"
        arrivals = duckdb.sql(rows).fetchall()
        records = {}
        for line in self.sent_records:
            with contextlib.suppress(ValueError):
                records[content_hash(line, None)] = line
        lines = [f"{arrival.isoformat(timespec='milliseconds')}Z\t".encode() + records[hash] for hash, arrival in arrivals]
        for file in list(day.iterdir()):
            file.unlink()
        earlier = ROOT / "target" / "debug" / "rows-of-an-earlier-schema"
        subprocess.run([earlier, day / "earlier.parquet"], input=b"\n".join(lines), check=True)
        ledger("backfill", "--lake", self.lake, PII_POLICY="{}")

    def intervals(self, kind):
        """The intervals of AgentHistory, as the upserter wrote them. Those of a contact follow one another
        (docs/agent-state.md)."""
        items = map(json.loads, (self.made / "agent-history.jsonl").read_text().splitlines())
        items = [item for item in items if item["entry"].startswith(kind)]
        before = {}
        for item in sorted(items, key=lambda item: (item["end"], item["closed_by"])):
            instance, agent = item["agent_id"].split("#")
            item |= {"agent_id": agent, "instance_id": instance, "region": item["entry"].rsplit("#", 1)[1]}
            contact = (instance, agent, item["region"], item.get("contact_id"))
            if item.get("contact_id") and before.get(contact, "") > item["start"]:
                span = expected.seconds(expected.instant(before[contact]), expected.instant(item["end"]))
                item |= {"start": before[contact], "seconds": span}
                if not span:
                    continue
            before[contact] = item["end"]
            yield item

    @staticmethod
    def interval(item, names):
        """An interval as the views have it: these members, from when to when, how long, by which event."""
        span = [expected.instant(item["start"]), expected.instant(item["end"]), item["seconds"], item["closed_by"]]
        return [*(item.get(name) for name in names), *span]


def same(left, right, exact):
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other, exact) for one, other in zip(left, right))
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=exact, abs_tol=exact)
    return left == right


def differences(found, wanted, exact):
    order = lambda row: json.dumps([part for part in row if not isinstance(part, float)], default=str)  # noqa: E731
    found, wanted = (sorted(map(plain, map(list, rows)), key=order) for rows in (found, wanted))
    if len(found) != len(wanted):
        yield f"{len(found)} rows instead of {len(wanted)}"
    for one, other in zip(found, wanted):
        if not same(one, other, exact):
            yield f"{one}\n      instead of {other}"


class Verification:
    def __init__(self, engine):
        self.engine, self.passed, self.failed = engine, 0, 0

    def check(self, name, found, wanted, exact=1e-9):
        wanted = list(wanted)
        wrong = list(differences(found, wanted, exact))
        if not wanted:
            wrong.append("nothing was expected, so nothing was tested")
        self.passed, self.failed = self.passed + (not wrong), self.failed + bool(wrong)
        print(f"  {name}: {len(wanted)} rows {'differ' if wrong else 'ok'}")
        for line in wrong[:5]:
            print(f"    {line}")

    def verify(self, run):
        engine = self.engine
        # The newest schema's row stands for every contact: one of an earlier schema has no attributes and no user name.
        columns = "contact_id, contact_date, last_update_timestamp, channel, element_at(attributes, 'language'), agent_username"
        rows = engine.ask(f"SELECT {columns} FROM contact_records_latest")
        wanted = [
            (contact.id, contact.date, contact.updated, contact.channel, "en", contact.agent) for contact in run.contacts
        ]
        self.check("contact_records_latest", rows, wanted)

        rows = engine.ask("SELECT event_id, event_type, event_timestamp, version FROM agent_events")
        wanted = [
            (
                event["EventId"],
                event["EventType"],
                expected.instant(event["EventTimestamp"]),
                f"{event['EventTimestamp']}#{event['EventId']}",
            )
            for event in run.events
        ]
        self.check("agent_events", rows, wanted)

        for view, kind, names in [
            ("agent_status_intervals", "status#", ["name", "status_type"]),
            ("agent_contact_intervals", "contact#", ["contact_id", "state", "channel", "queue_name"]),
        ]:
            names = ["instance_id", "region", "agent_id", *names]
            rows = engine.ask(
                f"SELECT {', '.join(names)}, start_timestamp, end_timestamp, seconds, closed_by FROM {view}"
            )
            self.check(view, rows, [run.interval(item, names) for item in run.intervals(kind)])

        rows = engine.ask("SELECT record FROM contact_records_received")
        text = lambda record: (json.dumps(record, sort_keys=True),)  # noqa: E731
        found = [text(record) for record in readable(record for (record,) in rows) if is_contact_record(record)]
        self.check("contact_records_received", found, map(text, run.delivered))

        asked = collections.Counter()
        for name, parameters, wanted, exact in run.questions():
            asked[name] += 1
            self.check(f"{name} {parameters}", engine.query(name, parameters), wanted, exact)
        unasked = {path.stem for path in (ROOT / "queries").glob("*.sql")} - set(asked)
        if unasked:
            sys.exit(f"queries that nothing is asked of: {', '.join(sorted(unasked))}")




def check_documentation(engine, run):
    file, should = ROOT / "docs" / "queries.md", documentation(engine, run)
    is_true = file.exists() and file.read_text() == should
    print("  docs/queries.md " + ("ok" if is_true else "is stale; `make generate` writes it"))
    return is_true


def scanned_bytes(engine, run):
    """A question about one day, on a lake of a year: how much the engine reads, with and without a filter on the day."""
    (day,) = (run.lake / "contact_records").glob(f"contact_date={DAY}")
    date = datetime.date.fromisoformat(DAY)
    for number in range(1, 365):
        shutil.copytree(day, day.with_name(f"contact_date={date - datetime.timedelta(days=number)}"))
    engine.open(run.lake)
    question = "SELECT channel, count(*), avg(handle_seconds) FROM contact_records_latest"
    without = engine.scanned(f"{question} WHERE date(initiation_timestamp) = DATE '{DAY}' GROUP BY channel")
    filtered = engine.scanned(f"{question} WHERE contact_date = '{DAY}' GROUP BY channel")
    everything = sum(file.stat().st_size for file in (run.lake / "contact_records").glob("*/*"))
    print(f"a year of rows, {everything:,} bytes: one day reads {filtered:,} with its filter, {without:,} without")
    return 0 < filtered * 300 < without


def main(engine_name):
    engines = {"duckdb": DuckDb, "trino": Trino}
    with engines[engine_name](ROOT) as engine:
        verification = Verification(engine)
        for permille in PERMILLE:
            with tempfile.TemporaryDirectory() as folder:
                started = time.monotonic()
                run = Run(pathlib.Path(folder), permille)
                print(f"{engine_name}, {permille / 10:g} % duplicated and late, {len(run.records)} contact records:")
                engine.open(run.lake)
                verification.verify(run)
                if permille == PERMILLE[-1]:
                    print(f"{engine_name}, the same after a backfill, beside rows of an older schema:")
                    run.make_rows_anew()
                    engine.open(run.lake)
                    verification.verify(run)
                if engine_name == "duckdb" and permille == 50:
                    is_true = check_documentation(engine, run)
                    verification.passed += is_true
                    verification.failed += not is_true
                if engine_name == "trino" and permille == 0:
                    is_pruned = scanned_bytes(engine, run)
                    verification.passed += is_pruned
                    verification.failed += not is_pruned
                print(f"  {time.monotonic() - started:.1f} s")
        with tempfile.TemporaryDirectory() as folder:
            print(f"{engine_name}, two contents with one time:")
            ties.verify(verification, engine, pathlib.Path(folder))
    verdict = "FAILED" if verification.failed else "ok"
    print(f"test result: {verdict}. {verification.passed} passed; {verification.failed} failed; 0 ignored")
    sys.exit(bool(verification.failed))


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1])
