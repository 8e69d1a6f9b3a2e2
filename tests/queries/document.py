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

This page is a reference for the named queries, which use Amazon Connect's metric names and definitions. It explains how to run the queries
in Athena and DuckDB, what they read and cost, and what every metric means.

## Running a query

| environment | command |
|---|---|
| terminal, Athena | `contact-ledger query service_level --stack <name> --from 2026-03-02` |
| terminal, demo output | `contact-ledger query service_level --local` (needs DuckDB 1.3 or newer: its command line or its Python package) |
| Athena console | choose the workgroup, then *Saved queries*; the console asks for the parameters |
| DuckDB, demo output | `duckdb -init demo-output/lake.sql`, then `FROM service_level('2026-03-02', '2026-03-02', grain := '60')` |

- `contact-ledger query --list` lists the queries.
- If you do not specify `--from`, a query covers yesterday or, with `--local`, the last day that has data. If you do not specify
  `--time-zone`, it uses the system's time zone. A line above the output shows the days and the time zone. With `--format csv` or
  `--format json`, this line is written to standard error.
- If you call a query directly in DuckDB, the default time zone is UTC.
- The default output is a table. It omits IDs that have a name next to them, the instance ID if it is the same in all rows, and rows after
  the first 10,000. CSV and JSON contain every column and every row. In CSV, a text value that a spreadsheet would interpret as a formula
  begins with `'`.
- `--local` runs the queries from `lake.sql` in the output folder of a demo. In the repository, the folder `queries/` contains the SQL in
  separate parts. The complete SQL is in *Saved queries* and in `template.yaml`.

| parameter | values |
|---|---|
| time zone | IANA name, such as `'America/New_York'`. Intervals follow local time: days with 23 or 25 hours are handled correctly, and an hour that occurs twice produces two rows with different offsets |
| grain | `'15'`, `'30'`, or `'60'` minutes, `'day'`, or `'week'` (whole weeks that start on Monday) |
| first day, last day | dates in local time, such as `'2026-03-02'`; both are inclusive |
| queue, routing profile | name or ID; `'*'` for all |
| include simulated contacts | `false` excludes [simulated contacts](https://docs.aws.amazon.com/connect/latest/adminguide/testing-simulation.html). Amazon includes them unless you filter them out, so use `true` to get the same figures as Amazon. Assistant contacts are always excluded, as in Amazon's reports |
| look-back | number of days to read before the first day. The default is 8; use 91 if you have tasks or email |

- In the Athena console, enclose strings in single quotation marks (`'`). On the command line, every parameter is an option with a default
  value.
- Values are passed as bind parameters and are never inserted into the SQL text.
- Rates are fractions from 0 to 1. Times are in seconds. Contact records contain whole seconds, whereas Connect averages milliseconds, so
  our sums can differ from Connect's by up to one second per contact.
- GetMetricDataV2 covers only standard queues. To compare results with it, exclude rows in which `agent_queue` is true.

The columns of the results:

- `local_start` is the start of the interval, as local time with UTC offset; for days and weeks, the date.
- Metrics are in the table [Amazon Connect metrics](#amazon-connect-metrics).
- Columns that only one query has are explained in its section below.
- All other columns have the same meaning as in the views ([data-dictionary.md](data-dictionary.md)).

## What data the queries read

Most counts are made when a contact ends, but a contact is stored under the day on which it began. The queries therefore read additional
days before the first day (the look-back). Contacts that began even earlier are missing from the results. The query `beyond_look_back`
counts them.

Agent events are read by day of arrival, from one day before the first day until two days after the last day. Events that arrive later are
missing from the results.

The views read all of the data, so filter the views of contacts by `contact_date`. The views of agents have no such column and always read
the whole archive.

Rows with a schema version below 3 were computed with different rules. Run `contact-ledger backfill` before you query them. A
`ContactRecordPiiPolicy` that drops, masks, or hashes `initiation_method`, `disconnect_reason`, `next_contact_id`, or
`queue_duration_seconds` changes the metrics that need them.

### Why there is a look-back

We considered a second partition key, the day on which a contact ended. Queries would then read less data. Measurements in Trino
(`make measure-look-back`), on a lake with one year of data (160 MB of rows; 3% of the contacts end on a different day than they began):

| design | one day | one week | files |
|---|---|---|---|
| look-back of 8 days | 3.94 MB, 1.1 s | 6.57 MB, 0.9 s | 365 |
| second partition key | 0.62 MB, 0.6 s | 4.36 MB, 0.8 s | 1,825 |

We chose the look-back. Athena bills at least 10 MB per query, so both designs cost the same at this size. At 100 times the size, a
one-day query with the look-back costs $0.002. The second partition key would multiply the number of files that Firehose writes, require
moving every row, and spread the versions of a contact record across several partitions if its end time is corrected.

## Cost, limits, and permissions

Athena bills for the bytes that a query reads, with a minimum of 10 MB. `contact-ledger query` shows this number. Athena cancels a query
in the workgroup once it has read `QueryScanLimit` bytes (by default 100 GB, which costs $0.50). To cancel earlier, use `--max-bytes`: the
command cancels the query when Athena reports that it has read more bytes than this. Ctrl-C stops the query in Athena and waits until it
is canceled.

To run a query, you need `cloudformation:DescribeStacks` and `cloudformation:ListStackResources` on the stack, and:

| actions | on |
|---|---|
| `athena:StartQueryExecution`, `athena:GetQueryExecution`, `athena:GetQueryResults`, `athena:StopQueryExecution`, `athena:GetWorkGroup` (to show the limit) | the workgroup |
| `glue:GetDatabase`, `glue:GetTable`, `glue:GetTables`, `glue:GetPartition`, `glue:GetPartitions` | the catalog, the database, and its tables |
| `s3:GetObject`, `s3:ListBucket`, `s3:GetBucketLocation` | the lake bucket |
| `s3:PutObject`, `s3:AbortMultipartUpload`, `s3:ListMultipartUploadParts` | `athena-results/*` in the bucket |
| `kms:Decrypt`, `kms:GenerateDataKey` | the stack's KMS key |

Source: [Athena's managed policies](https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html).

## Interval views

These views contain counts, sums, and maximums for 15-minute intervals in UTC. For any time zone and any larger grain, add the counts and
sums, and take the maximum of the maximums. Do not add rates or averages; instead, divide the sums.

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


# The number of rows that an example shows.
SHOWN = 4
# Notes of columns that the page says once for all queries.
COMMON_NOTES = {None, "seconds", "0 to 1"}
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


def split(text):
    """The parts of a list, which is separated by commas outside parentheses."""
    return re.split(r", (?![^()]*\))", text)


def code(text):
    """Prose with the column names in it as code. Code and links stay unchanged."""
    return "".join(
        part if index % 2 else re.sub(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b", r"`\g<0>`", part)
        for index, part in enumerate(re.split(r"(`[^`]*`|https?://[^\s)]+)", text))
    )


def described(part, shows_columns):
    """A paragraph of a query's head. `shows_columns`: an example with every column follows, so only columns with a note are listed,
    without those that the page says once."""
    if part.startswith("Columns: "):
        columns, _, parameters = part.removeprefix("Columns: ").partition(" Parameters: ")
        columns = [re.fullmatch(r"(\w+)(?: \((.*)\))?", column).groups() for column in split(columns)]
        is_listed = lambda name, note: not shows_columns or name != "local_start" and note not in COMMON_NOTES  # noqa: E731
        listed = [f"- `{name}`" + (f": {code(note)}" if note else "") for name, note in columns if is_listed(name, note)]
        if listed:
            yield from ("", "Columns:" if not shows_columns else "Units and notes:", "", *listed)
        yield from ("", "Parameters:", "")
        yield from (re.sub(r"^(\d+) ", r"\1. ", parameter) for parameter in split(parameters))
    else:
        yield from ("", code(re.sub(r"^Amazon Connect: ", "Corresponding Amazon Connect metrics: ", part)))


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
            cells = [metric["name"], metric["console"], metric["unit"], HOW[metric["how"]], here, code(metric.get("note", ""))]
            yield f"| {' | '.join(cells)} |"

    def our_table(self):
        yield from ("| columns | meaning |", "|---|---|")
        for entry in self.ours:
            here = entry["here"]
            shown = ", ".join(f"`{column}`" for column in here[:6]) + (f" and {len(here) - 6} more" if len(here) > 6 else "")
            yield f"| {shown} | {code(entry['note'])} |"


def documentation(engine, run):
    """The text of docs/queries.md, from the head of every query and its answer for `run`."""
    views = {file.stem: file.read_text() for file in sorted((ROOT / "queries" / "views").glob("*.sql"))}
    first = lambda name: f"| `{name}` | {paragraphs(views[name])[0]} [SQL](../queries/views/{name}.sql) |"  # noqa: E731
    names = Names()
    text = [HEAD.rstrip(), *map(first, BASE_VIEWS)]
    text += [
        "",
        "The underlying views, and the other tables and views:",
        "",
        "| name | content |",
        "|---|---|",
        "| `contact_records` | Every version of every contact record, as delivered, partitioned by `contact_date`, the day on which the "
        "contact began. [Columns](contact-record.md#columns) |",
        "| `raw_contact_records` | Raw copies of contact records, as lines of text. One line usually contains all records of a file. "
        "Partitioned by `arrival_date` |",
        "| `raw_agent_events` | Raw copies of agent events, one event per line. Partitioned by `arrival_date` |",
        "| `raw_contact_events` | Raw copies of contact events, one event per line. Exists only with `ContactEvents`. Partitioned by "
        "`arrival_date` |",
        *(first(name) for name in views if name not in BASE_VIEWS),
        "",
        "## Amazon Connect metrics",
        "",
        "This table lists Amazon Connect's historical metrics for contacts, contact times, and agent activity "
        "([definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html), "
        "[API](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html)). It does not include real-time metrics, "
        "or those of Contact Lens, campaigns, cases, and flows. A test compares the table with the columns of the queries. The status is one of:",
        "",
        "- *computed*: by Amazon's rule, under Amazon's name. Where Amazon's pages contradict each other, the note says which interpretation "
        "we use.",
        "- *substitute*: computed by a different rule, under a different name.",
        "- *missing*: not computed.",
        "",
        *names.table(),
        "",
        "These columns are not Amazon metrics and have names that Amazon does not use:",
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
            text += described(part, shows_columns=bool(rows))
        given = ", ".join(map(literal, parameters))
        if not rows:
            text += ["", f"Example: with {given}, there are no rows."]
            continue
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        text += ["", f"Example: with {given}, {f'the first {SHOWN} of ' if len(rows) > SHOWN else ''}{count}:", ""]
        text += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in rows[:SHOWN]:
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
