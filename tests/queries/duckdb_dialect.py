"""The views and named queries in DuckDB's dialect, which differs from Athena's. Writes queries/duckdb/lake.sql from them.

    duckdb_dialect.py     `make generate` runs it; `verify.py` compares
"""

import functools
import json
import os
import pathlib
import subprocess

import sqlglot

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "queries" / "duckdb" / "lake.sql"
# Each view after the views that it reads.
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
    "contact_events",
]
# The raw copies of contact records are not text that DuckDB can read line by line.
LEFT_OUT = ["contact_records_received"]
MACROS = """-- Two Athena functions that DuckDB has under another name.
CREATE OR REPLACE MACRO with_timezone(instant, zone) AS timezone(zone, instant);
CREATE OR REPLACE MACRO at_timezone(instant, zone) AS timezone(zone, instant);
"""
HEAD = f"""-- The lake's tables, views, and named queries for DuckDB 1.3 or newer, generated from queries/ (make generate). A demo adds the
-- path of its output. Named queries are table macros: pass the first and the last day, then other parameters by name.
--
--     duckdb -init lake.sql -c "FROM service_level('2026-03-02', '2026-03-02', grain := '60')"

-- The path of the lake. If you move the lake, change this line.
-- {{lake}}
SET TimeZone = 'UTC';
{MACROS}
-- {{contact_records}}
-- {{raw_agent_events}}
-- {{raw_contact_events}}
"""


@functools.cache
def columns_of_the_row():
    """The columns of the table and its partition key, from the template."""
    table = next(table for table in as_deployed()["tables"] if table["Name"] == "contact_records")
    columns = [*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"]]
    return [column["Name"] for column in columns]


def translate(sql, **options):
    """Translates Athena's dialect to DuckDB's."""
    return as_duckdb(sqlglot.parse_one(sql, read="athena"), **options)


def as_duckdb(tree, **options):
    # sqlglot does not translate group references in replacements.
    return tree.sql(dialect="duckdb", comments=False, **options).replace("'$1'", "'\\1'")


@functools.cache
def view(name):
    """The statement that creates a view."""
    sql = (ROOT / "queries" / "views" / f"{name}.sql").read_text()
    body = translate(sql.replace("{columns}", ", ".join(columns_of_the_row())), pretty=True)
    return f"{sql.splitlines()[0]}\nCREATE OR REPLACE VIEW {name} AS\n{body};"


def without_comments(sql):
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))


def macro(name, query):
    """The statement that creates the macro of a named query: parameters by name, with their defaults."""
    parameters = query["parameters"]
    names = {parameter["name"] for parameter in parameters}
    pieces = without_comments(query["sql"]).split("?")
    placed = [f"the_parameter_{parameter['name']}" for parameter in parameters]
    tree = sqlglot.parse_one("".join(piece + name for piece, name in zip(pieces, [*placed, ""], strict=True)), read="athena")
    # DuckDB would mistake a column for the parameter of the same name.
    for identifier in tree.find_all(sqlglot.exp.Identifier):
        if identifier.name in names:
            identifier.set("this", f"{identifier.name}_given")
    body = as_duckdb(tree, pretty=True).replace("the_parameter_", "")

    def signature(parameter):
        default = parameter["default"]
        value = f"'{default}'" if parameter["is_text"] else default
        return parameter["name"] if default is None else f"{parameter['name']} := {value}"

    # Parameters without a default have to be first.
    ordered = sorted(parameters, key=lambda parameter: parameter["default"] is not None)
    first = query["sql"].splitlines()[0]
    return f"{first}\nCREATE OR REPLACE MACRO {name}({', '.join(map(signature, ordered))}) AS TABLE\n{body};"


@functools.cache
def as_deployed():
    """The tables, views, and named queries of the template, and the named queries written on the views."""
    output = subprocess.run([ROOT / "target" / "debug" / "lake-as-deployed"], capture_output=True, check=True).stdout
    return json.loads(output)


def named_queries():
    return as_deployed()["on_views"]


def lake_sql():
    views = (view(name) for name in VIEWS if name not in LEFT_OUT)
    queries = (macro(name, query) for name, query in sorted(named_queries().items()))
    return "\n\n".join([HEAD.rstrip(), *views, *queries]) + "\n"


def main():
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(lake_sql())


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
