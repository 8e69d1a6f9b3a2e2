"""Writes docs/queries.md: the description of every view and query from its SQL file, and its answer for a generated center.

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

Reference of the named queries, with Amazon Connect's metric names and definitions: how to run them in Athena and in DuckDB, what they read and
cost, and what every metric means.

| where | how |
|---|---|
| terminal, Athena | `contact-ledger query service_level --stack <name> --from 2026-03-02` |
| terminal, demo output | `contact-ledger query service_level --local` (needs DuckDB 1.3 or newer: its command line or its Python package) |
| Athena console | choose the workgroup, then *Saved queries*; the console asks for the parameters |
| DuckDB, demo output | `duckdb -init demo-output/lake.sql`, then `FROM service_level('2026-03-02', '2026-03-02', grain := '60')` |

[data-dictionary.md](data-dictionary.md) has the meaning of every column. `contact-ledger query --list` lists the queries. Without
`--from` they cover yesterday, or with `--local` the last day that has data. Without `--time-zone` they use the system's time zone.
A line above the answer (on standard error with `--format csv` and `json`) shows both. In DuckDB the default is UTC.
`--format csv` and `json` output every column and every row. In CSV, text that a spreadsheet would interpret as a formula begins
with `'`. `--local` runs the queries in the folder's `lake.sql`. `queries/` has the SQL in parts; *Saved queries* and
`template.yaml` have the complete SQL.

| parameter | values |
|---|---|
| time zone | IANA name, `'America/New_York'`. Intervals follow local time: days of 23 and 25 hours are correct, and an hour that occurs twice gives two rows with different offsets |
| grain | `'15'`, `'30'`, `'60'` minutes, `'day'`, `'week'` (whole weeks that start on Monday) |
| first day, last day | `'2026-03-02'`, local, both inclusive |
| queue, routing profile | name or ID, `'*'` for all |
| include simulated contacts | `false` leaves out [simulated contacts](https://docs.aws.amazon.com/connect/latest/adminguide/testing-simulation.html). Amazon counts them unless filtered: use `true` for Amazon's figures. Assistant contacts are always left out, as in Amazon's reports |
| look-back | number of days to read before the first day: 8, for tasks and email 91 |

Text needs quotation marks in the Athena console. On the command line every parameter is an option, with a default. Values are bound
as parameters, never pasted into SQL. Rates are fractions from 0 to 1. Times are in seconds. Records have whole seconds where Connect
averages milliseconds, so sums differ by up to one second per contact. GetMetricDataV2 covers standard queues only: to compare, leave
out rows with `agent_queue`.

## Which data the queries read

A contact counts when it ends but is stored by the day on which it began, so the queries read `look-back` more days. Contacts that
began even earlier are missing in the answer; `beyond_look_back` counts them. Agent events are read from one day before to two days
after, by the day of arrival: events that arrive later are missing. The views read everything; filter them by `contact_date`.

Rows with a schema version below 3 follow other rules: run `contact-ledger backfill` first. A `ContactRecordPiiPolicy` that
drops, masks, or hashes `initiation_method`, `disconnect_reason`, `next_contact_id`, or `queue_duration_seconds` changes the metrics
that need them.

A second partition, by the day on which contacts ended, would read less. On a year's lake in Trino (160 MB of rows, 3 % of the contacts
end on another day; `make measure-look-back`):

| | one day | one week | files |
|---|---|---|---|
| look-back of 8 days | 3.94 MB, 1.1 s | 6.57 MB, 0.9 s | 365 |
| second partition | 0.62 MB, 0.6 s | 4.36 MB, 0.8 s | 1,825 |

We use the look-back. Athena bills at least 10 MB per query, so both cost the same at this size, and at a hundred times the size a
query for one day costs $0.002. The second partition would multiply the number of files that Firehose writes, move every row, and
split the versions of a contact over several partitions when its end is corrected.

## Cost, limits, and permissions

Athena bills by the bytes that a query reads, at least 10 MB. `contact-ledger query` shows how many. Athena stops a query of the
workgroup after `QueryScanLimit` bytes (100 GB, $0.50); `--max-bytes` cancels a query earlier, when Athena reports more than that.
Ctrl-C stops the query in Athena and waits until it is canceled.

To run a query you need `cloudformation:DescribeStacks` and `cloudformation:ListStackResources` on the stack, and:

| actions | on |
|---|---|
| `athena:StartQueryExecution`, `athena:GetQueryExecution`, `athena:GetQueryResults`, `athena:StopQueryExecution`, `athena:GetWorkGroup` (to show the limit) | the workgroup |
| `glue:GetDatabase`, `glue:GetTable`, `glue:GetTables`, `glue:GetPartition`, `glue:GetPartitions` | the catalog, the database and its tables |
| `s3:GetObject`, `s3:ListBucket`, `s3:GetBucketLocation` | the lake bucket |
| `s3:PutObject`, `s3:AbortMultipartUpload`, `s3:ListMultipartUploadParts` | `athena-results/*` in the bucket |
| `kms:Decrypt`, `kms:GenerateDataKey` | the stack's KMS key |

Source: [Athena's managed policies](https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html).

## Base views

Counts, sums, and maximums in 15-minute intervals in UTC. For any time zone and any larger grain, add the counts and sums, and take the
maximum of the maximums. Do not add rates and averages: divide the sums.

| name | content |
|---|---|
"""


def plain(value):
    """A value in one form where the engines and Python have several."""
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
# Columns that are not figures.
DIMENSIONS = {
    "contact_date", "local_start", "local_date", "instance_id", "queue_id", "queue_name", "agent_queue", "channel",
    "initiation_method", "disconnect_reason", "simulated", "interval_start", "agent_id", "agent_username", "routing_profile_id",
    "routing_profile_name", "level1_id", "level2_id", "level3_id", "level4_id", "level5_id", "status_name", "status_class",
}  # fmt: skip
# Queries without an Amazon metric; their heads say so.
WITHOUT_AMAZON = {
    "handle_time_percentiles", "contact_chains", "repeat_contacts", "record_versions", "beyond_look_back", "forecasting_csv",
}  # fmt: skip


def columns_of(sql):
    """The columns that the head of a query names."""
    (text,) = (part for part in paragraphs(sql) if part.startswith("Columns: "))
    text = re.sub(r"\([^()]*\)", "", text.removeprefix("Columns: ").split(" Parameters: ")[0])
    return [column.split()[0] for column in text.split(",")]


def with_noted_columns_only(part):
    """The columns with a unit or a note: the table of rows below shows all of them."""
    columns, _, parameters = part.removeprefix("Columns: ").partition(" Parameters: ")
    noted = [f"`{name}` {note}" for name, note in re.findall(r"(\w+) (\([^()]*\))", columns)]
    return f"Units and notes: {', '.join(noted)}. Parameters: {parameters}"


def numbered(column):
    """Replaces the threshold in a column name by X."""
    return re.sub(r"_in_(\d+|x)$", "_in_X", column)


def lower(names):
    """The API's metric names, written as column names."""
    return [name.strip() for name in names.lower().split(" by ")[0].split(",")]


class Names:
    """Amazon's metrics, and where to find them."""

    def __init__(self):
        table = tomllib.loads((ROOT / "queries" / "amazon" / "metrics.toml").read_text())
        self.metrics, self.ours = table["metric"], table["ours"]

    def mistakes(self, queries):
        """Errors and omissions in the table. `queries`: the SQL as deployed, by name."""
        sources = {name: (ROOT / "queries" / "views" / f"{name}.sql").read_text() for name in BASE_VIEWS}
        sources |= {name: sql for name, sql in queries.items() if name not in WITHOUT_AMAZON}
        there = {
            f"{name}.{numbered(column)}" for name, sql in sources.items() for column in columns_of(sql) if column not in DIMENSIONS
        }
        said = [numbered(column) for entry in (*self.metrics, *self.ours) for column in entry.get("here", [])]
        yield from (f"{column} is in the table, but is not a column" for column in sorted(set(said) - there))
        yield from (f"{column} is a column, but not in the table" for column in sorted(there - set(said)))
        names = {name for metric in self.metrics for name in lower(metric["name"])}
        for metric in self.metrics:
            if metric["how"] not in HOW:
                yield f"{metric['name']}: unknown value of `how`: {metric['how']}"
            allowed = {re.sub(r"_x$", "_X", column) for column in (*lower(metric["name"]), *metric.get("also", []))}
            allowed |= {"_".join(re.findall(r"[a-z]+", words)) for words in re.split("[;,]", metric["console"].lower())}
            for column in metric.get("here", []) if metric["how"] == "computed" else []:
                if numbered(column.split(".")[1]) not in allowed:
                    yield f"{column} is {metric['name']} under another name"
            if (metric["how"] == "missing") == bool(metric.get("here")) or (metric["how"] != "computed" and "note" not in metric):
                yield f"{metric['name']} is {metric['how']}, which needs a column or a note"
        ours = [entry["here"] for entry in self.ours] + [m["here"] for m in self.metrics if m["how"] == "substitute"]
        for column in (column.split(".")[1] for here in ours for column in here):
            if column in names:
                yield f"{column} is our own metric under a name that Amazon uses"

    def table(self):
        yield from ("| Amazon's name | console | unit | status | columns | note |", "|---|---|---|---|---|---|")
        for metric in self.metrics:
            here = ", ".join(f"`{column}`" for column in metric.get("here", []))
            cells = [metric["name"], metric["console"], metric["unit"], HOW[metric["how"]], here, metric.get("note", "")]
            yield f"| {' | '.join(cells)} |"

    def our_table(self):
        yield from ("| columns | meaning |", "|---|---|")
        for entry in self.ours:
            here = entry["here"]
            shown = ", ".join(f"`{column}`" for column in here[:6]) + (f" and {len(here) - 6} more" if len(here) > 6 else "")
            yield f"| {shown} | {entry['note']} |"


def documentation(engine, run):
    """The text of docs/queries.md, from the head of every query and its answer for `run`."""
    views = {file.stem: file.read_text() for file in sorted((ROOT / "queries" / "views").glob("*.sql"))}
    first = lambda name: f"| `{name}` | {paragraphs(views[name])[0]} [More](../queries/views/{name}.sql) |"  # noqa: E731
    names = Names()
    text = [HEAD.rstrip(), *map(first, BASE_VIEWS)]
    text += [
        "",
        "The views under these, and the other tables and views:",
        "",
        "| name | content |",
        "|---|---|",
        "| `contact_records` | Every delivered version of every contact record, including duplicates; partitioned by `contact_date`, the day on which the "
        "contact began. Columns: [contact-record.md](contact-record.md) |",
        "| `raw_contact_records`, `raw_agent_events` | Raw lines of text, by `arrival_date` |",
        *(first(name) for name in views if name not in BASE_VIEWS),
        "",
        "## Amazon's names",
        "",
        "Amazon Connect's historical metrics on contacts, their times, and agents' activity "
        "([definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html), "
        "[API](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html)): *computed* by Amazon's rule, "
        "*substitute* by another rule and under another name, or *missing*. Where Amazon's pages contradict each other, the "
        "note says which reading we use. A test compares this table with the columns of the queries. Real-time metrics, and those of "
        "Contact Lens, campaigns, cases, and flows, are not included.",
        "",
        *names.table(),
        "",
        "Columns that are not Amazon metrics, under names that Amazon does not use:",
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
        columns, rows = engine.answer(name, parameters)
        for part in others:
            if rows and part.startswith("Columns: "):
                part = with_noted_columns_only(part)
            text += ["", part.replace(" Parameters: ", "\n\nParameters: ")]
        given = ", ".join(map(literal, parameters))
        if not rows:
            continue
        text += ["", f"With {given}, {'the first of ' if len(rows) > 4 else ''}{len(rows)} rows:", ""]
        text += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in rows[:4]:
            # The arrival time differs in every run.
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
