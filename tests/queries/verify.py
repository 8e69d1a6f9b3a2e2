"""Runs every view and every named query on the lake that the local stack builds from a generated contact center, and compares each
figure with `expected.py`: without duplicates and late records, with 5 % of each, and with 50 %.

    verify.py duckdb    fast
    verify.py trino     the engine behind Athena
"""

import collections
import contextlib
import datetime
import fractions
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import command
import duckdb
import duckdb_dialect
import expected
import figures
import hard_center
import second_implementation as second
import ties
from document import DIMENSIONS, Names, columns_of, documentation, plain
from engines import DuckDb, Trino, archive_events, literal
from expected import Asked

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "content-hash"))

from content_hash import content_hash  # noqa: E402, it belongs to another test
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
CENTER = ["--agents", "8", "--hours", "4", "--contacts-per-hour", "60"]
DAY = "2026-03-02"
INSTANCE = "10000000-0000-4000-8000-000000000001"
PERMILLE = (0, 50, 500)


def ledger(*arguments, **environment):
    command = [LEDGER, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    # Some of the records are malformed on purpose, which gives exit code 3.
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def readable(lines):
    """The readable records: malformed ones do not count in any figure."""
    for line in lines:
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record


def is_contact_record(record):
    return {"ContactId", "InitiationTimestamp", "LastUpdateTimestamp", "InstanceARN"} <= record.keys()


def contact_event(event):
    """The row of a contact event. Amazon prints names in lower camel case and in Pascal case."""

    def at(*path):
        value = event
        for name in path:
            value = value and (value.get(name) or value.get(name[0].upper() + name[1:]))
        return value

    def time(*path):
        text = at("detail", *path)
        return None if not text or text.startswith("1970-01-01") else expected.instant(text)

    def last(*path):
        return (at("detail", *path) or "").rsplit("/", 1)[-1] or None

    return (
        event["id"],
        at("detail", "eventType"),
        at("detail", "contactId"),
        last("instanceArn"),
        expected.instant(event["time"]),
        at("detail", "channel").upper(),
        last("queueInfo", "queueArn"),
        time("queueInfo", "enqueueTimestamp"),
        last("agentInfo", "agentArn"),
        time("agentInfo", "connectedToAgentTimestamp"),
        time("initiationTimestamp"),
        time("disconnectTimestamp"),
    )


class Run:
    """A generated day: the story, and the lake that the stack built from its delivery with faults."""

    def __init__(self, folder, permille):
        story, sent = folder / "story", folder / "sent"
        no_faults = ["--duplicated", 0, "--late", 0, "--malformed", 0, "--lost", 0]
        faults = ["--duplicated", permille, "--late", permille, "--malformed", 8, "--lost", 0]
        ledger("generate", *CENTER, *no_faults, "--output", story)
        ledger("generate", *CENTER, *faults, "--output", sent)
        self.arrival = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        files = [f"--{kind}={sent / kind}.jsonl" for kind in ("contact-records", "agent-events", "contact-events")]
        ledger("demo", *files, "--output", folder / "made")
        self.lake, self.made, self.sent = folder / "made" / "lake", folder / "made", sent
        self.sent_events = (sent / "agent-events.jsonl").read_bytes().splitlines()
        self.sent_records = (sent / "contact-records.jsonl").read_bytes().splitlines()
        for part in range(3):
            archive_events(self.lake, DAY, self.sent_events[part::3], part)

        self.records = list(readable((story / "contact-records.jsonl").read_bytes().splitlines()))
        self.events = list(readable((story / "agent-events.jsonl").read_bytes().splitlines()))
        self.contact_events = list(readable((story / "contact-events.jsonl").read_bytes().splitlines()))
        self.delivered = [record for record in readable(self.sent_records) if is_contact_record(record)]
        self.center = expected.Center(self.records, self.events)
        text = lambda record: json.dumps(record, sort_keys=True)  # noqa: E731
        assert {text(record) for record in self.delivered} == {text(record) for record in self.records}

    def questions(self):
        """Each query with its parameters, its expected rows, the columns left out of them, and the tolerance."""
        yield from questions(self.center, [Asked("Europe/London", "15", DAY, DAY), Asked("Asia/Kathmandu", "60", DAY, DAY)])
        # Records arrive while the stack runs.
        versions = expected.record_versions(self.records, self.delivered, self.arrival)
        yield "record_versions", [DAY, DAY], versions, None, 0.1

    def rebuild_rows(self):
        """Replaces the rows with those of an earlier schema, which has fewer columns, and adds those of a backfill."""
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
        """The intervals of AgentHistory, as the upserter wrote them. Each interval of a contact starts at or after the end of the
        previous one (docs/agent-state.md)."""
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
        """An interval in the form of the views: these members, start, end, seconds, and the event that closed it."""
        span = [expected.instant(item["start"]), expected.instant(item["end"]), item["seconds"], item["closed_by"]]
        return [*(item.get(name) for name in names), *span]


# Columns left out of the comparison: names, which come from the records of these days, and columns that the second implementation
# does not have.
NOT_COMPARED = {
    "agent_activity": ["agent_username", "routing_profile_name"],
    "agent_answer_rate": ["agent_username", "routing_profile_name"],
    "occupancy": ["routing_profile_name"],
    "time_in_status": ["agent_username", "routing_profile_name", "status_class", "is_open"],
}


# A queue and a routing profile to query: by name, and by ID.
QUEUE_OF = ("Billing", "40000000-0000-4000-8000-000000000001")
PROFILE_OF = ("Back office", "50000000-0000-4000-8000-000000000000")


def questions(center, asked):
    """Each query that has a time zone, once per element of `asked`."""
    exact = 1e-9
    for one in asked:
        of_contacts, of_agents = one.of in ("*", *QUEUE_OF), one.of in ("*", *PROFILE_OF)
        for name in (
            "contact_volume", "abandonment", "speed_of_answer", "handle_time", "handle_time_percentiles", "hold_and_transfer",
            "callbacks", "contact_times", "disconnect_reasons", "agent_contacts", "after_contact_work", "occupancy",
        ):  # fmt: skip
            is_of_agents = name in ("agent_contacts", "after_contact_work", "occupancy")
            if of_agents if is_of_agents else of_contacts:
                yield name, one.of_contacts(), getattr(expected, name)(center, one), NOT_COMPARED.get(name), exact
        for threshold, comparison in ((20, "LT"), (20, "LTE"), (17, "LT")):
            if not of_contacts:
                continue
            wanted = expected.service_level(center, one, threshold, comparison)
            yield "service_level", [*one.of_contacts(), threshold, comparison], wanted, None, exact
        for name in ("agent_activity", "agent_answer_rate", "time_in_status") if of_agents else ():
            yield name, one.of_agents(), getattr(expected, name)(center, one), NOT_COMPARED[name], exact
        wanted = expected.agent_non_response(center, one)
        yield "agent_non_response", [*one.of_agents()[:4], one.look_back], wanted, "by agent", exact
        if of_contacts and one.grain in ("15", "30", "day"):
            # Two decimals, one side rounded from a double.
            yield "forecasting_csv", [*one.of_contacts(), INSTANCE], expected.forecasting_csv(center, one), None, 0.0101
        yield "contact_chains", one.days(), expected.contact_chains(center, one), None, exact
        yield "repeat_contacts", [*one.days(), 1], expected.repeat_contacts(center, one, 1), None, exact
        short = Asked(one.zone, one.grain, one.first, one.last, "*", one.include_simulated, 0)
        wanted = expected.beyond_look_back(center, short)
        yield "beyond_look_back", [*short.of_contacts()[:4], short.include_simulated, 0], wanted, None, exact


class HardRun:
    """A center with every case that the metrics distinguish, and the lake that the stack built from it."""

    # Days, weeks, and intervals down to 15 minutes, in several time zones, around clock changes.
    ASKED = [
        Asked("America/New_York", "60", "2025-03-08", "2025-03-10", look_back=30),
        Asked("America/New_York", "day", "2025-11-01", "2025-11-03", include_simulated=True, look_back=30),
        Asked("America/New_York", "15", "2025-11-02", "2025-11-02", of="Billing", look_back=30),
        Asked("Europe/London", "30", "2025-03-09", "2025-03-09", of="Back office", look_back=30),
        Asked("Asia/Kathmandu", "day", "2025-12-31", "2026-01-02", look_back=30),
        Asked("America/New_York", "day", "2025-11-01", "2025-11-02", of=QUEUE_OF[1], look_back=30),
        Asked("America/New_York", "30", "2025-11-02", "2025-11-02", of=PROFILE_OF[1], look_back=30),
        Asked("UTC", "week", "2025-10-31", "2025-11-04", include_simulated=True, look_back=30),
    ]

    def __init__(self, folder, seed, permille):
        self.made = hard_center.Center(seed)
        records, events = self.made.sent(permille)
        file = folder / "contact-records.jsonl"
        file.write_bytes(b"\n".join(records) + b"\n")
        ledger("demo", f"--contact-records={file}", "--output", folder / "made")
        self.lake = folder / "made" / "lake"
        days = collections.defaultdict(list)
        for number, line in enumerate(events):
            day = datetime.date.fromisoformat(json.loads(line)["EventTimestamp"][:10])
            # A few arrive the next day.
            days[day + datetime.timedelta(days=number % 50 == 0 and permille > 0)].append(line)
        for day, lines in days.items():
            archive_events(self.lake, day, lines)
        self.center = expected.Center(self.made.records, self.made.events)

    def questions(self):
        yield from questions(self.center, self.ASKED)


def same(left, right, tolerance):
    """Whether two values are equal. Numbers may differ by the tolerance and by the precision of a double."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other, tolerance) for one, other in zip(left, right))
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=tolerance)
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
        # The number of rows expected from each query so far, and of contacts beyond a look-back.
        self.answered, self.beyond = collections.Counter(), 0

    def check(self, name, found, wanted, exact=1e-9, may_be_empty=False):
        wanted = list(wanted)
        wrong = list(differences(found, wanted, exact))
        if not wanted and not may_be_empty:
            wrong.append("no rows were expected, so nothing was tested")
        self.passed, self.failed = self.passed + (not wrong), self.failed + bool(wrong)
        print(f"  {name}: {len(wanted)} rows {'differ' if wrong else 'ok'}")
        for line in wrong[:5]:
            print(f"    {line}")

    def verify(self, run):
        engine = self.engine
        # Every contact has the row of the latest schema: rows of an earlier schema have no attributes and no user name.
        columns = "contact_id, contact_date, last_update_timestamp, channel, element_at(attributes, 'language'), agent_username"
        rows = engine.ask(f"SELECT {columns} FROM contact_records_latest")
        wanted = [
            (
                record["ContactId"],
                record["InitiationTimestamp"][:10],
                expected.instant(record["LastUpdateTimestamp"]),
                record.get("Channel"),
                "en",
                expected.name_of(record, "Agent", "Username"),
            )
            for record in run.center.records
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

        columns = (
            "event_id, event_type, contact_id, instance_id, event_timestamp, channel, queue_id, enqueue_timestamp, agent_id, "
            "connected_to_agent_timestamp, initiation_timestamp, disconnect_timestamp"
        )
        rows = engine.ask(f"SELECT {columns} FROM contact_events WHERE instance_id <> 'another-instance'")
        self.check("contact_events", rows, map(contact_event, run.contact_events))

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

        asked = self.verify_queries(run)
        unasked = set(engine.queries) - set(asked)
        if unasked:
            sys.exit(f"queries that no question uses: {', '.join(sorted(unasked))}")

    def verify_queries(self, run):
        """Compares the base views, and every query as deployed, with the second implementation."""
        self.verify_base_views(run)
        asked = collections.Counter()
        for name, parameters, wanted, not_compared, tolerance in run.questions():
            asked[name] += 1
            wanted = list(wanted)
            self.answered[name] += len(wanted)
            answer = self.engine.answer(name, parameters)
            self.check_answer(f"{name} {parameters}", name, answer, wanted, not_compared, tolerance)
        return asked

    def check_answer(self, what, name, answer, wanted, not_compared, tolerance):
        """Compares an answer with the second implementation."""
        columns, rows = answer
        said = columns_of(self.engine.queries[name])
        # An answer without rows may have no columns.
        if columns != said and (rows or columns):
            sys.exit(f"the head of {name} names {said}, but the answer has {columns}")
        starts = [row[0] for row in rows] if said[0] == "local_start" else []
        if len(list(itertools.groupby(starts))) != len(set(starts)):
            sys.exit(f"the rows of an interval are not adjacent in {name}")
        if not_compared == "by agent":
            sums = collections.defaultdict(lambda: [0, 0])
            for start, instance, agent, _, *counts in rows:
                sums[(start, instance, agent)] = [one + other for one, other in zip(sums[(start, instance, agent)], counts)]
            rows = [[*key, *counts] for key, counts in sums.items()]
        elif not_compared:
            compared = [place for place, column in enumerate(said) if column not in not_compared]
            rows = [[row[place] for place in compared] for row in rows]
        self.check(what, rows, wanted, tolerance, may_be_empty=True)

    def verify_look_back(self, run):
        """`beyond_look_back` counts the contacts that a short look-back does not read."""
        days = ["UTC", "day", "2025-03-01", "2026-02-01"]

        def ended(look_back):
            columns, rows = self.engine.answer("contact_volume", [*days, "*", True, look_back])
            return sum(row[columns.index("contacts_ended")] for row in rows)

        for day in ("2025-03-12", "2025-03-17", "2025-11-04", "2026-01-03"):
            days[2:] = [day, day]
            for look_back in (1, 3):
                columns, rows = self.engine.answer("beyond_look_back", [*days, True, look_back])
                beyond = sum(row[columns.index("contacts_ended")] for row in rows)
                self.beyond += beyond
                found, wanted = ended(look_back) + beyond, ended(400)
                self.check(f"contacts that ended on {day}: look-back of {look_back} days, plus those beyond it", [[found]], [[wanted]])

    def verify_base_views(self, run):
        sums = lambda figures: {name: value for name, value in figures.items() if not isinstance(value, dict)}  # noqa: E731
        for name, figures, key, renamed in [
            ("queue_intervals", run.center.contacts[True], queue_key, QUEUE_NAMES),
            ("agent_contact_metrics_intervals", run.center.agent_contacts[True], agent_contact_key, AGENT_CONTACT_NAMES),
            ("agent_intervals", {key: activity(all) for key, all in run.center.agents.items()}, activity_key, {}),
        ]:
            columns = columns_of((ROOT / "queries" / "views" / f"{name}.sql").read_text())
            rows = [dict(zip(columns, row)) for row in self.engine.ask(f"SELECT {', '.join(columns)} FROM {name}")]
            # Rows that differ only in contact_date or simulated are added up.
            found = {
                group: second.add([{column: row[column] for column in columns if column in renamed or column in FIGURES[name]} for row in of])
                for group, of in expected.grouped(rows, key).items()
            }
            wanted = {group: sums(all) for group, all in figures.items()}
            names = sorted(FIGURES[name])
            self.check(
                name,
                [[*map(str, group), *(all[column] for column in names)] for group, all in found.items()],
                [[*map(str, group), *(number(all[renamed.get(column, column)]) for column in names)] for group, all in wanted.items()],
            )
            self.verify_sums(run, name, found, names)

    def verify_sums(self, run, name, found, names):
        """The sum of 15-minute intervals equals the directly computed total, over any interval."""
        kind = {"queue_intervals": "queue", "agent_contact_metrics_intervals": "agent_contact", "agent_intervals": "agent"}[name]
        quarters = sorted({group[-1] for group in found})
        picks = random.Random(len(quarters))
        for _ in range(3):
            first, last = sorted(picks.sample(quarters, 2))
            source = run.center.events if kind == "agent" else run.center.records
            total = second.total(kind, source, first, last, include_simulated=True)
            total = activity(total) if kind == "agent" else total
            renamed = {"queue": QUEUE_NAMES, "agent_contact": AGENT_CONTACT_NAMES, "agent": {}}[kind]
            added = second.add([all for group, all in found.items() if first <= group[-1] < last])
            self.check(
                f"{name} from {first} to {last}",
                [[added[column] for column in names if column != "is_open"]],
                [[number(total[renamed.get(column, column)]) for column in names if column != "is_open"]],
            )


METHODS = ["INBOUND", "OUTBOUND", "CALLBACK", "API", "CALLBACK_CUSTOMER_FIRST_DIALED"]
# Our names for figures that have another name in the second implementation.
QUEUE_NAMES = {
    "callbacks_retried": "retry_callback_attempts",
    "contacts_transferred_unanswered": "contacts_transferred_out_from_queue",
    "simulated_contacts": "simulated",
}
AGENT_CONTACT_NAMES = {"contacts_agent_hung_up_first": "contacts_agent_disconnect"}


def figures_of(name, renamed):
    """The columns of a base view that have a counterpart."""
    sql = (ROOT / "queries" / "views" / f"{name}.sql").read_text()
    for column in columns_of(sql):
        if column in OURS:
            continue
        if column.endswith("_contacts") and column not in renamed:
            renamed[column] = "count_" + column.removesuffix("_contacts")
        yield column


# Dimensions, and our own metrics.
OURS = DIMENSIONS | {
    "contacts_continued", "contacts_customer_gave_up", "contacts_ended", "contacts_with_after_contact_work",
    "max_after_contact_work_time", "max_handle_time",
}  # fmt: skip
FIGURES = {
    "queue_intervals": list(figures_of("queue_intervals", QUEUE_NAMES)),
    "agent_contact_metrics_intervals": list(figures_of("agent_contact_metrics_intervals", AGENT_CONTACT_NAMES)),
    "agent_intervals": list(figures_of("agent_intervals", {})),
}


def queue_key(row):
    queue = f"agent/{row['queue_id']}" if row["agent_queue"] else row["queue_id"]
    return row["instance_id"], queue, row["channel"], row["initiation_method"], row["disconnect_reason"], quarter_of(row)


def agent_contact_key(row):
    return row["instance_id"], row["agent_id"], row["routing_profile_id"], row["channel"], quarter_of(row)


def activity_key(row):
    levels = tuple(row[f"level{number}_id"] for number in range(1, 6))
    return row["instance_id"], row["agent_id"], row["routing_profile_id"], levels, quarter_of(row)


def quarter_of(row):
    return f"{row['interval_start']:%Y-%m-%dT%H:%M:%SZ}"


def activity(figures):
    """An agent's figures, in the columns of agent_intervals."""
    names = ("online_time", "contact_time", "idle_time", "non_productive_time", "error_status_time")
    row = {f"sum_{name}_agent": figures[name] / 1000 for name in names}
    row |= {"missed_or_rejected_time": figures["missed_rejected_time"] / 1000, "is_open": figures["open"]}
    row |= {"agent_non_response": figures["agent_non_response"], "offers_accepted": figures["answered_offers"]}
    connecting = figures["connecting"]
    attempts = lambda method: sum(connecting[method][outcome] for outcome in second.OUTCOMES.values())  # noqa: E731
    row["sum_connecting_time_agent"] = sum(of["time"] for of in connecting.values()) / 1000
    row["connecting_attempts"] = sum(map(attempts, connecting))
    for method in METHODS:
        is_there = method in connecting
        row[f"sum_connecting_time_agent_{method.lower()}"] = connecting[method]["time"] / 1000 if is_there else 0
        row[f"connecting_attempts_{method.lower()}"] = attempts(method) if is_there else 0
    return row


def number(value):
    return float(value) if isinstance(value, fractions.Fraction) else value


def check_names(engine):
    mistakes = list(Names().mistakes(engine.queries))
    print("  Amazon's names " + ("ok" if not mistakes else "and the queries differ:"))
    for mistake in mistakes:
        print(f"    {mistake}")
    return not mistakes


def check_lake_sql(verification, run):
    """Runs the file that a demo writes for DuckDB, unchanged."""
    is_current = duckdb_dialect.FILE.exists() and duckdb_dialect.FILE.read_text() == duckdb_dialect.lake_sql()
    verification.check("queries/duckdb/lake.sql is up to date (make generate)", [[is_current]], [[True]])

    def asked(output, sql):
        connection = duckdb.connect()
        connection.execute((output / "lake.sql").read_text())
        return [list(row) for row in connection.execute(sql).fetchall()]

    engine = verification.engine
    for sql in (
        "SELECT sum(contacts_queued), sum(contacts_removed_from_queue_in_20) FROM queue_intervals",
        "SELECT count(*), sum(sum_online_time_agent), sum(agent_non_response) FROM agent_intervals",
        "SELECT count(*) FROM agent_contact_metrics_intervals",
        "SELECT count(*) FROM agent_contact_intervals",
    ):
        # The demo's archive and the archive of this test have the same events.
        verification.check(f"lake.sql: {sql}", asked(run.made, sql), engine.ask(sql))
    lake = duckdb.connect()
    lake.execute((run.made / "lake.sql").read_text())
    for name, parameters, wanted, not_compared, tolerance in run.questions():
        names = [parameter["name"] for parameter in duckdb_dialect.named_queries()[name]["parameters"]]
        given = ", ".join(f"{name} := {literal(value)}" for name, value in zip(names, parameters, strict=True))
        result = lake.execute(f"FROM {name}({given})")
        answer = [column[0] for column in result.description], result.fetchall()
        verification.check_answer(f"lake.sql: {name}({given})", name, answer, wanted, not_compared, tolerance)
    for kind, sql in (
        ("contact-records", "SELECT count(*) FROM agent_intervals"),
        ("agent-events", "SELECT count(*) FROM queue_intervals"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "made"
            ledger("demo", f"--{kind}={run.sent / kind}.jsonl", "--output", output)
            verification.check(f"lake.sql of {kind} only: {sql}", asked(output, sql), [[0]])


def check_documentation(engine, run):
    file, should = ROOT / "docs" / "queries.md", documentation(engine, run)
    is_true = file.exists() and file.read_text() == should
    print("  docs/queries.md " + ("ok" if is_true else "is stale; run `make generate`"))
    return is_true


def scanned_bytes(engine, run):
    """Measures how much the engine reads for one day of a year's lake, with and without a filter on the day."""
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
                    print(f"{engine_name}, the same after a backfill, next to rows of an earlier schema:")
                    run.rebuild_rows()
                    engine.open(run.lake)
                    verification.verify(run)
                if permille == 50:
                    command.verify(verification, run)
                if engine_name == "duckdb" and permille == 50:
                    check_lake_sql(verification, run)
                    for is_true in (check_names(engine), check_documentation(engine, run)):
                        verification.passed += is_true
                        verification.failed += not is_true
                if engine_name == "trino" and permille == 0:
                    is_pruned = scanned_bytes(engine, run)
                    verification.passed += is_pruned
                    verification.failed += not is_pruned
                print(f"  {time.monotonic() - started:.1f} s")
            with tempfile.TemporaryDirectory() as folder:
                started = time.monotonic()
                run = HardRun(pathlib.Path(folder), permille + 1, permille)
                print(f"{engine_name}, a center with every case, {permille / 10:g} % duplicated and late:")
                engine.open(run.lake)
                verification.verify_queries(run)
                verification.verify_look_back(run)
                print(f"  {time.monotonic() - started:.1f} s")
        with tempfile.TemporaryDirectory() as folder:
            print(f"{engine_name}, two contents with the same timestamp:")
            ties.verify(verification, engine, pathlib.Path(folder))
        untested = [name for name in engine.queries if not verification.answered[name]]
        if untested or not verification.beyond:
            sys.exit(f"queries without any expected row: {untested}; contacts beyond the look-back: {verification.beyond}")
    if engine_name == "duckdb":
        print("duckdb, the figures of a real center, and small cases:")
        figures.verify(verification, ledger)
    verdict = "FAILED" if verification.failed else "ok"
    print(f"test result: {verdict}. {verification.passed} passed; {verification.failed} failed; 0 ignored")
    sys.exit(bool(verification.failed))


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1])
