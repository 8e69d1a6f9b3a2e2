"""Writes docs/queries.md: what every view and query is, from its SQL file, and what it answers of a generated center.

    document.py     `make generate` runs it; `verify.py` compares
"""

import datetime
import decimal
import itertools
import os
import pathlib
import re
import tempfile
import tomllib

from engines import DuckDb, literal

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = """# Queries

Named queries with Amazon Connect's names and arithmetic, on Athena and in DuckDB.

| where | how |
|---|---|
| terminal, Athena | `contact-ledger query service_level --stack <name> --from 2026-03-02` |
| terminal, a demo's result | `contact-ledger query service_level --local` (needs a DuckDB, 1.3 or newer: its command line or its Python package) |
| Athena's console | choose the workgroup, then *Saved queries*; a query asks for its parameters |
| DuckDB, a demo's result | `duckdb -init demo-output/lake.sql`, then `FROM service_level('2026-03-02', '2026-03-02', grain := '60')` |

[data-dictionary.md](data-dictionary.md) says what every column means. `contact-ledger query --list` lists the queries. Without
`--from` they cover yesterday, with `--local` the last day that has data; without `--time-zone` the days are those of the system's
time zone. A line above the answer (on standard error with `--format csv` and `json`) says which. In DuckDB the default is UTC.
`--format csv` and `json` have every column and every row; in CSV, text that a spreadsheet would take for a formula begins with `'`.
`--local` runs what is in the folder's `lake.sql`. `queries/` has the SQL in parts; *Saved queries* and `template.yaml` have it
written out.

| parameter | |
|---|---|
| time zone | IANA name, `'America/New_York'`. Intervals follow its clock: days of 23 and 25 hours are right, and an hour that comes twice is two rows with different offsets |
| grain | `'15'`, `'30'`, `'60'` minutes, `'day'`, `'week'` (whole weeks from Monday) |
| first day, last day | `'2026-03-02'`, local, both inclusive |
| queue, routing profile | name or id, `'*'` for all |
| include simulated contacts | `false` leaves out [simulated contacts](https://docs.aws.amazon.com/connect/latest/adminguide/testing-simulation.html). Amazon counts them unless filtered: `true` makes the figures Amazon's. Assistant contacts are always left out, as in Amazon's reports |
| look-back | days that are read before the first day: 8, for tasks and email 91 |

Texts need quotation marks in Athena's console. On the command line every parameter is an option, with defaults. Values are bound
as parameters, never pasted into SQL. Rates are fractions from 0 to 1. Times are in seconds. Records have whole seconds where Connect
averages milliseconds, so sums differ by up to one second per contact. GetMetricDataV2 has standard queues only: leave out rows with
`agent_queue` to compare.

## What is read

A contact counts when it ends, and is stored by the day it began, so the queries read `look-back` days more. Contacts that began
before those are missing in the answer; `beyond_look_back` counts them. Agent events are read from one day before to two days after,
by the day of arrival: events that arrive later are missing. The views read everything; filter them by `contact_date`.

Rows that were made before schema version 3 follow other rules: run `contact-ledger backfill` first. A `ContactRecordPiiPolicy` that
drops, masks or hashes `initiation_method`, `disconnect_reason`, `next_contact_id` or `queue_duration_seconds` changes the metrics
that need them.

A second partition, by the day of the end, would read less. On a year's lake in Trino (160 MB of rows, 3 % of the contacts end on
another day; `make measure-look-back`):

| | one day | one week | files |
|---|---|---|---|
| look-back of 8 days | 3.94 MB, 1.1 s | 6.57 MB, 0.9 s | 365 |
| second partition | 0.62 MB, 0.6 s | 4.36 MB, 0.8 s | 1,825 |

We use the look-back. Athena bills at least 10 MB per query, so both cost the same at this size, and at a hundred times the size a
question about one day costs $0.002. The second partition would multiply the files that Firehose writes, move every row, and
split the versions of a contact over partitions when its end is corrected.

## Cost, limits and permissions

Athena bills by what a query reads, at least 10 MB. `contact-ledger query` says how much that was. Athena stops a query of the
workgroup after `QueryScanLimit` bytes (100 GB, $0.50); `--max-bytes` stops one earlier, once Athena reports more while it runs.
Ctrl-C stops the query at Athena and waits until it is canceled.

Whoever asks needs, beside `cloudformation:DescribeStacks` and `cloudformation:ListStackResources` on the stack:

| actions | on |
|---|---|
| `athena:StartQueryExecution`, `athena:GetQueryExecution`, `athena:GetQueryResults`, `athena:StopQueryExecution`, `athena:GetWorkGroup` (to show the limit) | the workgroup |
| `glue:GetDatabase`, `glue:GetTable`, `glue:GetTables`, `glue:GetPartition`, `glue:GetPartitions` | the catalog, the database and its tables |
| `s3:GetObject`, `s3:ListBucket`, `s3:GetBucketLocation` | the lake bucket |
| `s3:PutObject`, `s3:AbortMultipartUpload`, `s3:ListMultipartUploadParts` | `athena-results/*` in it |
| `kms:Decrypt`, `kms:GenerateDataKey` | the stack's key |

Source: [Athena's managed policies](https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html).

## Base views

Counts, sums and maxima in 15-minute intervals in UTC, so that any time zone and any larger grain is a sum, and of maxima a maximum.
Do not add up rates and averages: divide the sums.

| name | |
|---|---|
"""


def plain(value):
    """One form for what engines and Python have several for."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return [plain(element) for element in value] if isinstance(value, (list, tuple)) else value


def paragraphs(sql):
    """The comment at the head of a query, paragraph by paragraph."""
    lines = [line[2:].strip() for line in itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())]
    return [" ".join(group) for is_text, group in itertools.groupby(lines, bool) if is_text]


def cell(value):
    value = plain(value)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    return "–" if value is None else str(value)


BASE_VIEWS = ["queue_intervals", "agent_contact_metrics_intervals", "agent_intervals"]
HOW = {"computed": "computed", "substitute": "**substitute**", "missing": "**missing**"}
# What a figure is of.
DIMENSIONS = {
    "contact_date", "local_start", "local_date", "instance_id", "queue_id", "queue_name", "agent_queue", "channel",
    "initiation_method", "disconnect_reason", "simulated", "interval_start", "agent_id", "agent_username", "routing_profile_id",
    "routing_profile_name", "level1_id", "level2_id", "level3_id", "level4_id", "level5_id", "status_name", "status_class",
}  # fmt: skip
# Queries without a metric of Amazon's: their heads say so.
WITHOUT_AMAZON = {
    "handle_time_percentiles", "contact_chains", "repeat_contacts", "record_versions", "beyond_look_back", "forecasting_csv",
}  # fmt: skip


def columns_of(sql):
    """The columns that the head of a query names."""
    (text,) = (part for part in paragraphs(sql) if part.startswith("Columns: "))
    text = re.sub(r"\([^()]*\)", "", text.removeprefix("Columns: ").split(" Parameters: ")[0])
    return [column.split()[0] for column in text.split(",")]


def numbered(column):
    """A threshold's column is one of its kind."""
    return re.sub(r"_in_(\d+|x)$", "_in_X", column)


def lower(names):
    """The names of the API as columns have them."""
    return [name.strip() for name in names.lower().split(" by ")[0].split(",")]


class Names:
    """Amazon's metrics, and where to find them."""

    def __init__(self):
        table = tomllib.loads((ROOT / "queries" / "amazon" / "metrics.toml").read_text())
        self.metrics, self.ours = table["metric"], table["ours"]

    def mistakes(self, queries):
        """What the table says that is not so, and what it does not say. `queries`: the SQL as deployed, by name."""
        sources = {name: (ROOT / "queries" / "views" / f"{name}.sql").read_text() for name in BASE_VIEWS}
        sources |= {name: sql for name, sql in queries.items() if name not in WITHOUT_AMAZON}
        there = {
            f"{name}.{numbered(column)}" for name, sql in sources.items() for column in columns_of(sql) if column not in DIMENSIONS
        }
        said = [numbered(column) for entry in (*self.metrics, *self.ours) for column in entry.get("here", [])]
        yield from (f"{column} is in the table, but no column" for column in sorted(set(said) - there))
        yield from (f"{column} is a column, but not in the table" for column in sorted(there - set(said)))
        names = {name for metric in self.metrics for name in lower(metric["name"])}
        for metric in self.metrics:
            if metric["how"] not in HOW:
                yield f"{metric['name']}: {metric['how']}?"
            allowed = {re.sub(r"_x$", "_X", column) for column in (*lower(metric["name"]), *metric.get("also", []))}
            allowed |= {"_".join(re.findall(r"[a-z]+", words)) for words in re.split("[;,]", metric["console"].lower())}
            for column in metric.get("here", []) if metric["how"] == "computed" else []:
                if numbered(column.split(".")[1]) not in allowed:
                    yield f"{column} is {metric['name']}, under another name"
            if (metric["how"] == "missing") == bool(metric.get("here")) or (metric["how"] != "computed" and "note" not in metric):
                yield f"{metric['name']} is {metric['how']}, which needs a place or a reason"
        ours = [entry["here"] for entry in self.ours] + [m["here"] for m in self.metrics if m["how"] == "substitute"]
        for column in (column.split(".")[1] for here in ours for column in here):
            if column in names:
                yield f"{column} is our own, under a name that Amazon uses"

    def table(self):
        yield from ("| Amazon's name | console | unit | how | here |", "|---|---|---|---|---|")
        for metric in self.metrics:
            here = ", ".join(f"`{column}`" for column in metric.get("here", []))
            words = f"{here}. {metric['note']}" if here and "note" in metric else here or metric["note"]
            yield f"| {metric['name']} | {metric['console']} | {metric['unit']} | {HOW[metric['how']]} | {words} |"

    def our_table(self):
        yield from ("| here | |", "|---|---|")
        for entry in self.ours:
            here = entry["here"]
            shown = ", ".join(f"`{column}`" for column in here[:6]) + (f" and {len(here) - 6} more" if len(here) > 6 else "")
            yield f"| {shown} | {entry['note']} |"


def documentation(engine, run):
    """docs/queries.md: from the head of every query, and what it answers here."""
    views = {file.stem: file.read_text() for file in sorted((ROOT / "queries" / "views").glob("*.sql"))}
    first = lambda name: f"| `{name}` | {paragraphs(views[name])[0]} [More](../queries/views/{name}.sql) |"  # noqa: E731
    names = Names()
    text = [HEAD.rstrip(), *map(first, BASE_VIEWS)]
    text += [
        "",
        "Under them, and beside them:",
        "",
        "| name | |",
        "|---|---|",
        "| `contact_records` | Every version of every contact record, as delivered; partitioned by `contact_date`, the day on which the "
        "contact began. Columns: [contact-record.md](contact-record.md) |",
        "| `raw_contact_records`, `raw_agent_events` | Lines of text as they came, by `arrival_date` |",
        *(first(name) for name in views if name not in BASE_VIEWS),
        "",
        "## Amazon's names",
        "",
        "Amazon Connect's historical metrics on contacts, their times and agents' activity "
        "([definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html), "
        "[API](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html)): *computed* by Amazon's rule, "
        "*substitute* under another name because the rule is another, or *missing*. Where Amazon's pages contradict each other, the "
        "note says which reading we use. A test compares this table with the columns of the queries. Real-time metrics, and those of "
        "Contact Lens, campaigns, cases and flows, are not in it.",
        "",
        *names.table(),
        "",
        "Columns that are not Amazon's metrics, under names that Amazon does not use:",
        "",
        *names.our_table(),
    ]
    for name, parameters, *_ in run.questions():
        sql = (ROOT / "queries" / f"{name}.sql").read_text()
        title, *others = paragraphs(sql)
        heading, _, answer = title.partition(": ")
        if f"## {heading}" in text:
            continue
        text += ["", f"## {heading}", "", f"`{name}`: {answer}"]
        for part in others:
            text += ["", part.replace(" Parameters: ", "\n\nParameters: ")]
        columns, rows = engine.answer(name, parameters)
        given = ", ".join(map(literal, parameters))
        if not rows:
            continue
        text += ["", f"With {given}, {'the first of ' if len(rows) > 4 else ''}{len(rows)} rows:", ""]
        text += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in rows[:4]:
            # When records arrived is another time at every run.
            row = [None if column == "latest_arrival_hours" else value for column, value in zip(columns, row)]
            text.append("| " + " | ".join(map(cell, row)) + " |")
    return "\n".join(text) + "\n"


def main():
    from verify import Run

    with DuckDb(ROOT) as engine, tempfile.TemporaryDirectory() as folder:
        run = Run(pathlib.Path(folder), 50)
        engine.open(run.lake)
        (ROOT / "docs" / "queries.md").write_text(documentation(engine, run))


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
