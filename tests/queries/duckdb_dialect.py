"""Writes queries/duckdb/lake.sql: the views for DuckDB, whose dialect differs from Athena's.

    duckdb_dialect.py     `make generate` runs it; `verify.py` compares
"""

import os
import pathlib
import re

from engines import VIEWS, columns_of_the_row, translate

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "queries" / "duckdb" / "lake.sql"
# The copies of contact records are no text that DuckDB reads line by line.
LEFT_OUT = ["contact_records_received"]
HEAD = """-- The lake's tables and views for DuckDB, generated from queries/views/ (make generate). A demo writes it with the place of its
-- result: duckdb -init lake.sql

SET TimeZone = 'UTC';
-- Two functions of Athena's that DuckDB has under one other name.
CREATE OR REPLACE MACRO with_timezone(time, zone) AS timezone(zone, time);
CREATE OR REPLACE MACRO at_timezone(time, zone) AS timezone(zone, time);

-- {contact_records}
-- {raw_agent_events}
"""


def lake_sql():
    text = [HEAD.rstrip()]
    for name in VIEWS:
        if name in LEFT_OUT:
            continue
        sql = (ROOT / "queries" / "views" / f"{name}.sql").read_text()
        head = re.match(r"(?:--[^\n]*\n)*", sql).group(0).splitlines()[0]
        body = translate(sql.replace("{columns}", ", ".join(columns_of_the_row(ROOT))), pretty=True)
        text += ["", head, f"CREATE OR REPLACE VIEW {name} AS", f"{body};"]
    return "\n".join(text) + "\n"


def main():
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(lake_sql())


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
