"""Writes docs/queries.md: what every view and query is, from its SQL file, and what it answers of a generated center.

    document.py     `make generate` runs it; `verify.py` compares
"""

import datetime
import decimal
import itertools
import os
import pathlib
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = """# Queries

What the lake answers, by name: in Athena's console choose the workgroup, then *Saved queries*; a query asks for its
parameters. The SQL is in `queries/`. Every figure below is checked on DuckDB (`make test`) and on Trino, the engine behind
Athena (`make test-queries`), against an independent computation over a generated contact center, without duplicated and
late records, with 5 % and with 50 % of them. The examples are from such a center: eight agents, four hours.

What is counted is each contact's newest record. Days are UTC, `YYYY-MM-DD`, both inclusive; in Athena texts are given
in quotation marks (`'2026-03-02'`). A filter on the day reads that day only: on a lake of a year (43
MB of rows), a question about one day read 0.12 MB with the filter and 43 MB without (Trino, `make test-queries`).

## Tables and views

| name | |
|---|---|
| `contact_records` | every version of every contact record, as delivered; partitioned by `contact_date`, the day on which the contact began. Columns: [contact-record.md](contact-record.md) |
| `raw_contact_records`, `raw_agent_events` | lines of text as they came, by `arrival_date` |
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


def documentation(engine, run):
    """docs/queries.md: from the head of every query, and what it answers here."""
    text = [HEAD.rstrip()]
    for file in sorted((ROOT / "queries" / "views").glob("*.sql")):
        words = " ".join(part for part in paragraphs(file.read_text()) if not part.startswith("Columns: "))
        text.append(f"| `{file.stem}` | {words} |")
    text += [
        "",
        "The agents' views read the whole archive, because an interval may be told by an event that came days later. If that",
        "grows expensive, make a table of them (`CREATE TABLE … AS SELECT`) once a month.",
    ]
    for name, parameters, _, _ in run.questions():
        sql = (ROOT / "queries" / f"{name}.sql").read_text()
        title, *others = paragraphs(sql)
        heading, _, answer = title.partition(": ")
        if f"## {heading}" in text:
            continue
        text += ["", f"## {heading}", "", f"`{name}`: {answer}"]
        for part in others:
            text += ["", part.replace(" Parameters: ", "\n\nParameters: ")]
        columns, rows = engine.answer(name, parameters)
        given = ", ".join(map(repr, parameters))
        text += ["", f"With {given}, {'the first of ' if len(rows) > 4 else ''}{len(rows)} rows:", ""]
        text += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in rows[:4]:
            # When records arrived is another time at every run.
            row = [None if column == "latest_arrival_hours" else value for column, value in zip(columns, row)]
            text.append("| " + " | ".join(map(cell, row)) + " |")
    return "\n".join(text) + "\n"


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
