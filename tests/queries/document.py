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

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = """# Queries

What the lake answers, by name, with Amazon Connect's names and arithmetic: in Athena's console choose the workgroup, then *Saved
queries*; a query asks for its parameters. The SQL is in `queries/`.

Every figure is checked on DuckDB (`make test`) and on Trino, the engine behind Athena (`make test-queries`), against a second
implementation that was written from Amazon's definitions alone (`tests/queries/second_implementation.py`), over generated
contact centers without duplicated and late records, with 5 % and with 50 % of them. `tests/queries/figures.py` builds records to
the counts of a real center and compares with what Connect showed of it.

| asked for | |
|---|---|
| time zone | an IANA name, `'America/New_York'`. Days, weeks and hours are those of its clock: days of 23 and 25 hours are right, and an hour that comes twice is two rows, told apart by their offset |
| grain | `'15'`, `'30'`, `'60'` minutes, `'day'`, `'week'` (whole weeks from Monday) |
| first and last day | `'2026-03-02'`, local, both inclusive |
| queue, routing profile | name or id, `'*'` for all |
| include simulated contacts | `false` leaves out [simulated contacts](https://docs.aws.amazon.com/connect/latest/adminguide/testing-simulation.html). Amazon counts them unless filtered: `true` makes the figures Amazon's. Assistant contacts are always left out, as in Amazon's reports |
| look-back | days before the first day that are read, see below: 8, for tasks and email 91 |

In Athena texts are given in quotation marks. Rates are fractions from 0 to 1. Times are seconds: of whole seconds in the records,
where Connect averages milliseconds, so sums differ by up to a second per contact.

## What is read

A contact counts when it ends, and is stored by the day it began. The queries read `look-back` days before the first day that is
asked for. What ended and began before those is missing in them, never silently: `beyond_look_back` counts it.

A second partition by the day of the end was measured beside it, on a year's lake in Trino (160 MB of rows, 3 % of the contacts end on
another day; `make measure-look-back`):

| | one day | one week | files |
|---|---|---|---|
| look-back of 8 days | 3.94 MB, 1.1 s | 6.57 MB, 0.9 s | 365 |
| second partition | 0.62 MB, 0.6 s | 4.36 MB, 0.8 s | 1,825 |

The look-back is taken: Athena bills at least 10 MB a query, so at this size both cost the same, and at a hundred times of it a
question costs a fifth of a cent. The second partition would multiply the files that Firehose writes, change the place of every
row, and part the versions of a contact whose end is corrected.

Agent events are read from one day before to two after, by the day on which they arrived. The views read everything: they are
for smaller lakes, or to be filtered by `contact_date`.

## Base views

Additive, by quarters of an hour in UTC, so that any time zone and any larger grain is a sum; a maximum is a maximum of maxima. Rates
and averages are never added up: divide the sums.

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


class Names:
    """Amazon's metrics, and how they are had here."""

    def __init__(self):
        table = tomllib.loads((ROOT / "queries" / "amazon_metrics.toml").read_text())
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
        names = {name.strip() for metric in self.metrics for name in metric["name"].lower().split(" by ")[0].split(",")}
        for metric in self.metrics:
            if metric["how"] not in HOW:
                yield f"{metric['name']}: {metric['how']}?"
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
        "Every metric of Amazon Connect on contacts, their times and agents' activity "
        "([definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html), "
        "[API](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html)): *computed* by Amazon's rule, "
        "*substitute* under another name because the rule is another, or *missing*. Where Amazon's pages contradict each other, the "
        "note says which reading is taken. A test compares this table with the columns of the queries.",
        "",
        *names.table(),
        "",
        "What is our own has a name that Amazon does not use:",
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
        given = ", ".join(literal(value) for value in parameters)
        text += ["", f"With {given}, {'the first of ' if len(rows) > 4 else ''}{len(rows)} rows:", ""]
        text += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in rows[:4]:
            # When records arrived is another time at every run.
            row = [None if column == "latest_arrival_hours" else value for column, value in zip(columns, row)]
            text.append("| " + " | ".join(map(cell, row)) + " |")
    return "\n".join(text) + "\n"


def literal(value):
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def main():
    from engines import DuckDb
    from verify import Run

    with DuckDb(ROOT) as engine, tempfile.TemporaryDirectory() as folder:
        run = Run(pathlib.Path(folder), 50)
        engine.open(run.lake)
        (ROOT / "docs" / "queries.md").write_text(documentation(engine, run))


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
