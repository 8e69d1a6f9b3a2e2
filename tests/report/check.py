"""Tests the report in headless Chromium, for a demo's day, a week, one record, and 50,000 contacts: its figures match the queries
in DuckDB, axe finds no violations, no request leaves the page, and markup in names is shown as text. Screenshots are in
target/report/.

Usage: check.py [folder of the binaries]; Chromium is found through CHROMIUM, or on the PATH.
"""

import csv
import datetime
import io
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zoneinfo

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import chromium, install  # noqa: E402, the path comes before

BINARIES = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "debug").resolve()
LEFT = ROOT / "target" / "report"
DAY = datetime.date(2026, 3, 2)
MARKUP = "</script><script>window.stolen=1</script><img src=x onerror=alert(1)>"


def ledger(*arguments):
    command = [BINARIES / "contact-ledger", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    # Some of the records are malformed on purpose, which gives exit code 3.
    if done.returncode not in (0, 3):
        sys.exit(f"error: {' '.join(map(str, command))}\n{done.stderr}")


def shifted(text, days):
    """The same records on another day, with their own IDs."""
    text = re.sub(r"2026-03-\d\d", lambda day: str(datetime.date.fromisoformat(day[0]) + datetime.timedelta(days=days)), text)
    return text.replace("00000000-0000-4000-8000-", f"0000000{days}-0000-4000-8000-").replace('"EventId":"', f'"EventId":"{days}-')


def a_demo(folder):
    ledger("demo", "--output", folder / "made", "--chaos", 1)


def a_week(folder):
    with open(folder / "contact-records.jsonl", "w") as records, open(folder / "agent-events.jsonl", "w") as events:
        # The center is closed on Friday.
        for day in (0, 1, 2, 3, 5, 6):
            no_faults = ["--duplicated", 0, "--late", 0, "--malformed", 0]
            ledger("generate", "--agents", 40, "--hours", 12, "--seed", day + 1, *no_faults, "--output", folder / f"day{day}")
            for kind, file in (("contact-records", records), ("agent-events", events)):
                file.write(shifted((folder / f"day{day}" / f"{kind}.jsonl").read_text(), day))
    of = [f"--{kind}={folder / kind}.jsonl" for kind in ("contact-records", "agent-events")]
    ledger("demo", *of, "--output", folder / "made")


def one_record(folder):
    """One record whose names are markup, plus agent events and a record that fails."""
    ledger("generate", "--agents", 2, "--hours", 1, "--malformed", 0, "--output", folder / "day")
    records = [json.loads(line) for line in (folder / "day" / "contact-records.jsonl").read_text().splitlines()]
    record = next(record for record in records if record.get("Agent") and record["Queue"])
    record["Agent"]["Username"] = record["Queue"]["Name"] = MARKUP
    (folder / "records.jsonl").write_text(json.dumps(record) + '\n{"broken": "' + MARKUP + '"}\n')
    events = (folder / "day" / "agent-events.jsonl").read_text()
    for name in ("agent.0001", '"Available"', '"Lunch"'):
        events = events.replace(name, json.dumps(MARKUP) if name.startswith('"') else MARKUP)
    (folder / "events.jsonl").write_text(events)
    ledger("demo", "--contact-records", folder / "records.jsonl", "--agent-events", folder / "events.jsonl", "--output", folder / "made")


def many_contacts(folder):
    ledger("demo", "--agents", 800, "--contacts-per-hour", 6500, "--output", folder / "made")


# The reader's choices for each input: all of it, and parts of it.
UTC = {"zone": "UTC"}
CHOICES = {
    a_demo: [UTC, UTC | {"grain": "60", "threshold": "17"}, {"zone": "Asia/Kathmandu", "grain": "30"}, UTC | {"channel": "1"}],
    a_week: [
        UTC, UTC | {"from": "2026-03-03", "to": "2026-03-03"}, UTC | {"from": "2026-03-04", "to": "2026-03-06", "grain": "60"},
        {"zone": "America/New_York", "grain": "day"}, {"zone": "Pacific/Auckland", "grain": "week"}, UTC | {"from": "2026-03-06", "to": "2026-03-06"},
    ],
    one_record: [UTC, {"zone": "Pacific/Auckland"}],
    many_contacts: [UTC, {"zone": "Europe/London", "grain": "15", "threshold": "60"}],
}  # fmt: skip


class Lake:
    """The queries, in DuckDB."""

    def __init__(self, made):
        self.connection = duckdb.connect()
        self.connection.execute((made / "lake.sql").read_text())
        # Otherwise each query would select the latest versions again.
        self.connection.execute("CREATE TABLE kept AS FROM contact_metrics; CREATE OR REPLACE VIEW contact_metrics AS FROM kept")
        self.moments = None

    def extent(self, zone):
        """The local days of the first and the last moment with data."""
        if not self.moments:
            sql = (
                "SELECT min(instant), max(instant) FROM (SELECT disconnect_timestamp AS instant FROM contact_metrics UNION ALL "
                "SELECT start_timestamp FROM agent_status_intervals UNION ALL "
                "SELECT end_timestamp - INTERVAL 1 MILLISECOND FROM agent_status_intervals)"
            )
            self.moments = self.connection.execute(sql).fetchone()
        of = zoneinfo.ZoneInfo(zone)
        return [moment.replace(tzinfo=datetime.UTC).astimezone(of).date() for moment in self.moments]

    def rows(self, query, first, last, **given):
        named = ", ".join(f"{name} := {value!r}" for name, value in given.items())
        result = self.connection.execute(f"FROM {query}('{first}', '{last}', {named})")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row)) for row in result.fetchall()]

    def value(self, sql):
        return self.connection.execute(sql).fetchone()[0]


def joined(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def total(rows, name):
    return sum(row[name] for row in rows)


def share(part, whole):
    return part / whole if whole else None


def average(rows, sum_of, count):
    """The average of averages, weighted by their counts."""
    return share(math.fsum((row[sum_of] or 0) * row[count] for row in rows), total(rows, count))


class Wanted:
    """The expected figures of a choice, from the queries."""

    def __init__(self, lake, choice, channels, observed_grain):
        zone = choice["zone"]
        first, last = lake.extent(zone)
        self.days = choice.get("from", first), choice.get("to", last)
        given = {"time_zone": zone, "grain": observed_grain, "look_back": 400}
        asked = lambda query, **more: self.of_channel(lake.rows(query, *self.days, **given, **more), choice, channels)  # noqa: E731
        self.threshold = int(choice.get("threshold", 20))
        self.level = asked("service_level", threshold=self.threshold)
        self.volume, self.abandonment = asked("contact_volume"), asked("abandonment")
        self.answer, self.handle = asked("speed_of_answer"), asked("handle_time")
        self.agents = asked("agent_contacts")
        for rows in (self.abandonment, self.handle, self.agents):
            for row in rows:
                row["handle_time_contacts"] = round(row["sum_handle_time"] / row["avg_handle_time"]) if row.get("avg_handle_time") else 0

    @staticmethod
    def of_channel(rows, choice, channels):
        wanted = int(choice.get("channel", -1))
        return [row for row in rows if wanted < 0 or row["channel"] == channels[wanted]]

    def figures(self, of=lambda row: True):
        level, volume, abandonment, answer, handle = (
            [row for row in rows if of(row)] for rows in (self.level, self.volume, self.abandonment, self.answer, self.handle)
        )
        queued, in_time = total(level, "contacts_queued"), total(level, "contacts_removed_from_queue_in_x")
        longest = [row["max_queued_time"] for row in answer if row["max_queued_time"] is not None]
        return {
            "contacts_ended": total(volume, "contacts_ended"),
            "contacts_queued": queued,
            "contacts_handled": total(handle, "contacts_handled"),
            "contacts_abandoned": total(abandonment, "contacts_abandoned"),
            "service_level": share(in_time, queued),
            "abandonment_rate": share(total(abandonment, "contacts_abandoned"), total(abandonment, "contacts_queued")),
            "avg_queue_answer_time": average(answer, "avg_queue_answer_time", "answered"),
            "max_queued_time": max(longest, default=None),
            "avg_abandon_time": average(abandonment, "avg_abandon_time", "contacts_abandoned"),
            "avg_handle_time": average(handle, "avg_handle_time", "handle_time_contacts"),
        }


def same(found, wanted):
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


class Checks:
    passed, failed = 0, 0

    def __call__(self, what, is_so, said=""):
        self.passed, self.failed = self.passed + bool(is_so), self.failed + (not is_so)
        if not is_so:
            print(f"  {what}: FAILED\n    {said}")


def parsed(text):
    """A CSV file, parsed as by a spreadsheet."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))) if text else []


def number(text):
    return float(text) if text else None


def luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, "contrast ratio"."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def check_figures(check, lake, name, seen, channels):
    for found in seen["observations"]:
        choice = found["choice"]
        starts = [row[0] for row in found["contacts"]]
        grain = grain_of(choice, lake, starts)
        wanted = Wanted(lake, choice, channels, grain)
        figures = wanted.figures()
        differ = {metric: (value, figures[metric]) for metric, value in found["totals"].items() if not same(value, figures[metric])}
        check(f"{name} {choice}: totals", not differ and len(found["totals"]) == len(figures), f"{differ} of {figures}")
        # By queue. Queues without a contact have no row.
        rows = joined([row for row in wanted.volume if row["contacts_ended"]], lambda row: row["queue_id"] or "")
        shown = {row["queue_id"]: row for row in parsed(found["queues"])}
        check(f"{name} {choice}: queues", set(rows) == set(shown), f"{set(shown)} instead of {set(rows)}")
        for queue, row in shown.items():
            figures = wanted.figures(lambda one, queue=queue: (one["queue_id"] or "") == queue)
            differ = {metric: (row[metric], figures[metric]) for metric in figures if metric in row and not same(number(row[metric]), figures[metric])}
            check(f"{name} {choice}: queue {queue}", not differ, differ)
        agents = joined(wanted.agents, lambda row: row["agent_id"])
        shown = {row["agent_id"]: row for row in parsed(found["agents"])}
        check(f"{name} {choice}: agents", set(agents) == set(shown), f"{len(shown)} instead of {len(agents)}")
        differ = []
        for agent, rows in agents.items():
            row = shown.get(agent, {})
            for metric in ("contacts_handled", "contacts_put_on_hold", "contacts_transferred_out_by_agent"):
                if number(row.get(metric)) != total(rows, metric):
                    differ.append((agent, metric, row.get(metric), total(rows, metric)))
            if len(rows) == 1:
                # For one channel and routing profile, the query's own averages.
                for metric in ("avg_interaction_time", "avg_hold_time", "avg_after_contact_work_time"):
                    if not same(number(row.get(metric)), rows[0][metric]):
                        differ.append((agent, metric, row.get(metric), rows[0][metric]))
            of = average(rows, "avg_handle_time", "handle_time_contacts")
            if not same(number(row.get("avg_handle_time")), of):
                differ.append((agent, row.get("avg_handle_time"), of))
        check(f"{name} {choice}: agents' figures", not differ, differ[:5])
        # By interval, as in the charts. Intervals without a contact have no row in a query.
        intervals = joined(wanted.level, lambda row: row["local_start"])
        ended = joined(wanted.volume, lambda row: row["local_start"])
        shown = {row[0]: row[1:] for row in found["contacts"]}
        label = lambda start: start[:16].replace("T", " ") if "T" in start else start  # noqa: E731
        bars = {label(start): total(rows, "contacts_ended") for start, rows in ended.items() if total(rows, "contacts_ended")}
        drawn = {start: sum(int(part.replace(",", "")) for part in parts) for start, parts in shown.items()}
        check(f"{name} {choice}: contacts by interval", {start: n for start, n in drawn.items() if n} == bars, f"{drawn} instead of {bars}")
        levels = {row[0]: row[1] for row in found["level"]}
        differ = []
        for start, rows in intervals.items():
            of = share(total(rows, "contacts_removed_from_queue_in_x"), total(rows, "contacts_queued"))
            text = "–" if of is None else f"{round_half_up(of * 100)} %"
            # An interval without queued contacts may have no bar.
            if levels.get(label(start), "–") != text:
                differ.append((start, levels.get(label(start)), text))
        check(f"{name} {choice}: service level by interval", not differ, differ[:5])
        minutes = sum(int(row[1].replace(",", "")) for row in found["handle"])
        # A contact without any handle time is in no bar.
        check(f"{name} {choice}: every contact handled is in a bar", minutes == total(wanted.handle, "handle_time_contacts"), minutes)


def round_half_up(value):
    return f"{math.floor(value * 10 + 0.5) / 10:.1f}"


def grain_of(choice, lake, starts):
    if "grain" in choice:
        return choice["grain"]
    # Automatic grain: the labels show which one the page chose.
    if not starts or len(starts[0]) == 10:
        return "day"
    minutes = {start[14:16] for start in starts}
    return "15" if minutes - {"00", "30"} else "30" if minutes - {"00"} else "60"


def opened(asked, environment):
    command = ["node", ROOT / "tests" / "report" / "page.mjs"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"error: {done.stderr}")
    return json.loads(done.stdout)


def main():
    browser, check = chromium(), Checks()
    install(LEFT)
    for make, choices in CHOICES.items():
        name = make.__name__
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            make(folder)
            made = folder / "made"
            pictures = LEFT / name
            pictures.mkdir(exist_ok=True)
            asked = {"file": str(made / "report.html"), "chromium": browser, "pictures": str(pictures), "choices": choices}
            environment = os.environ | {"PACKAGES": str(LEFT), "TZ": "Europe/Lisbon"}
            seen = opened(asked, environment)
            if make is one_record:
                nowhere = opened(asked | {"choices": [UTC], "pictures": None}, environment | {"TZ": "Nonsense"})
                check("a browser without a time zone shows the same figures", not nowhere["errors"] and nowhere["observations"][0]["totals"]["contacts_ended"] == 1, nowhere)
            page = (made / "report.html").read_text()
            (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
            channels = [channel for (channel, _) in json.loads(data)["contacts"]["channels"]]
            lake = Lake(made)
            print(f"{name}: {len(page):,} bytes, drawn in {seen['drawn']} ms, {lake.value('SELECT count(*) FROM contact_metrics'):,} contacts")
            check(f"{name}: no request leaves the page", set(seen["requests"]) == {f"file://{made}/report.html"}, seen["requests"])
            check(f"{name}: no error", not seen["errors"], seen["errors"])
            check(f"{name}: axe finds no violations", not seen["violations"], "\n    ".join(seen["violations"]))
            check(f"{name}: nothing is wider than the screen", not seen["overflow"], seen["overflow"])
            check(f"{name}: a heading sorts and a name opens its list by keyboard", (seen.get("sorted"), seen.get("expanded")) == ("ascending", "true"), seen)
            controls = {"from", "to", "zone", "grain", "channel", "threshold", "whole"}
            check(f"{name}: every control is reachable by keyboard", controls <= set(seen["reached"]), seen["reached"])
            for scheme, colors in seen["contrast"].items():
                low = {text: contrast(colors[text], colors[ground]) for text in ("ink", "faint", "warn") for ground in ("card", "page")}
                check(f"{name}, {scheme}: text has a contrast of 4.5", min(low.values()) >= 4.5, low)
                areas = set(colors) - {"ink", "faint", "warn", "card", "page", "line"}
                low = {area: contrast(colors[area], colors["card"]) for area in areas}
                check(f"{name}, {scheme}: areas have a contrast of 3 to the card color", min(low.values()) >= 3 and len(low) > 10, low)
            if make is one_record:
                check("markup in names is shown as text", MARKUP in seen["text"] and not seen["stolen"] and not seen["elements"], (seen["stolen"], seen["elements"]))
            check_figures(check, lake, name, seen, channels)
    verdict = "FAILED" if check.failed else "ok"
    print(f"screenshots are in {LEFT.relative_to(ROOT)}")
    print(f"test result: {verdict}. {check.passed} passed; {check.failed} failed; 0 ignored")
    sys.exit(bool(check.failed))


if __name__ == "__main__":
    main()
