"""The views in DuckDB's dialect, which differs from Athena's; and queries/duckdb/lake.sql, which is made of them.

    duckdb_dialect.py     `make generate` runs it; `verify.py` compares
"""

import functools
import os
import pathlib
import re

import sqlglot

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "queries" / "duckdb" / "lake.sql"
# Each after those that it reads.
VIEWS = [
    "contact_records_latest",
    "contact_records_received",
    "contact_metrics",
    "queue_intervals",
    "agent_contact_metrics_intervals",
    "agent_events",
    "agent_status_intervals",
    "agent_contact_intervals",
    "agent_state_intervals",
    "agent_segments",
    "agent_intervals",
]
# The copies of contact records are no text that DuckDB reads line by line.
LEFT_OUT = ["contact_records_received"]
MACROS = """-- Two functions of Athena's that DuckDB has under one other name.
CREATE OR REPLACE MACRO with_timezone(time, zone) AS timezone(zone, time);
CREATE OR REPLACE MACRO at_timezone(time, zone) AS timezone(zone, time);
"""
HEAD = f"""-- The lake's tables and views for DuckDB, generated from queries/views/ (make generate). A demo writes it with the place of its
-- result: duckdb -init lake.sql

SET TimeZone = 'UTC';
{MACROS}
-- {{contact_records}}
-- {{raw_agent_events}}
"""


@functools.cache
def columns_of_the_row():
    """The columns of the table and its partition key, from the template."""
    template = (ROOT / "template.yaml").read_text()
    section = template.split("# generated: contact record columns", 1)[1].split("# end of generated", 1)[0]
    return [*re.findall(r'"Name":"([a-z0-9_]+)"', section), "contact_date"]


def translate(sql, **options):
    """Athena's dialect as DuckDB's."""
    (sql,) = sqlglot.transpile(sql, read="athena", write="duckdb", comments=False, **options)
    # The one thing that it leaves alone: the name of a group in a replacement.
    return sql.replace("'$1'", "'\\1'")


@functools.cache
def view(name):
    """The statement that creates a view."""
    sql = (ROOT / "queries" / "views" / f"{name}.sql").read_text()
    body = translate(sql.replace("{columns}", ", ".join(columns_of_the_row())), pretty=True)
    return f"{sql.splitlines()[0]}\nCREATE OR REPLACE VIEW {name} AS\n{body};"


def lake_sql():
    return "\n\n".join([HEAD.rstrip(), *(view(name) for name in VIEWS if name not in LEFT_OUT)]) + "\n"


def main():
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(lake_sql())


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
