"""Two engines that answer the queries of this repository."""

import gzip
import re
import pathlib

import duckdb
import sqlglot

VIEWS = [
    "contact_records_latest",
    "contact_records_received",
    "agent_events",
    "agent_status_intervals",
    "agent_contact_intervals",
]


def columns_of_the_row(root):
    """The columns of the view, which are those of the table, from the template."""
    template = (root / "template.yaml").read_text()
    section = template.split("# generated: view columns", 1)[1].split("# end of generated", 1)[0]
    return re.findall(r'"Name":"([a-z0-9_]+)"', section)


def view_sql(root, name):
    sql = (root / "queries" / "views" / f"{name}.sql").read_text()
    return sql.replace("{columns}", ", ".join(columns_of_the_row(root)))


class DuckDb:
    """Reads Parquet as Athena does, in this process. Its dialect differs; sqlglot translates."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def open(self, lake: pathlib.Path):
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        rows = lake / "contact_records" / "*" / "*"
        self.connection.execute(
            f"CREATE VIEW contact_records AS SELECT * FROM read_parquet('{rows}', hive_partitioning = true, "
            "hive_types_autocast = false)"
        )
        # Text that is not UTF-8 reaches Athena with a replacement character in its place.
        self.load("raw_agent_events", "event", lake / "raw" / "agent-events")
        self.load("raw_contact_records", "line", lake / "raw" / "contact-records")
        for name in VIEWS:
            self.connection.execute(f"CREATE VIEW {name} AS {self.translate(view_sql(self.root, name))}")

    def load(self, table, column, folder):
        self.connection.execute(f"CREATE TABLE {table} ({column} VARCHAR, arrival_date VARCHAR)")
        for file in folder.glob("arrival_date=*/*"):
            date = file.parent.name.split("=")[1]
            lines = gzip.decompress(file.read_bytes()).decode(errors="replace").split("\n")
            self.connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(line, date) for line in lines if line])

    def translate(self, sql):
        (sql,) = sqlglot.transpile(sql, read="athena", write="duckdb")
        # The one thing that it leaves alone: the name of a group in a replacement.
        return sql.replace("'$1'", "'\\1'")

    def ask(self, sql, parameters=()):
        return self.connection.execute(self.translate(sql), parameters).fetchall()

    def query(self, name, parameters):
        return self.ask((self.root / "queries" / f"{name}.sql").read_text(), parameters)


class Trino:
    pass
