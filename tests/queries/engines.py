"""Two engines that run the queries of this repository."""

import base64
import datetime
import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile

import duckdb
from athena import bound
from duckdb_dialect import MACROS, VIEWS, as_deployed, translate, view, without_comments


def archive_events(lake, day, lines, name="0"):
    """Writes agent events to the lake in Firehose's format: one per line."""
    folder = lake / "raw" / "agent-events" / f"arrival_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))


class DuckDb:
    """DuckDB, in this process. It reads Parquet like Athena, but its dialect differs; sqlglot translates."""

    Error = duckdb.Error

    def __init__(self, root):
        self.queries = as_deployed()["queries"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def open(self, lake: pathlib.Path):
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(MACROS)
        rows = lake / "contact_records" / "*" / "*"
        self.connection.execute(
            f"CREATE VIEW contact_records AS SELECT * FROM read_parquet('{rows}', hive_partitioning = true, "
            "hive_types_autocast = false)"
        )
        self.load("raw_agent_events", "event", lake / "raw" / "agent-events")
        self.load("raw_contact_events", "event", lake / "raw" / "contact-events")
        self.load("raw_contact_records", "line", lake / "raw" / "contact-records")
        for name in VIEWS:
            self.connection.execute(view(name))

    def load(self, table, column, folder):
        self.connection.execute(f"CREATE TABLE {table} ({column} VARCHAR, arrival_date VARCHAR)")
        for file in folder.glob("arrival_date=*/*"):
            date = file.parent.name.split("=")[1]
            # Athena shows a replacement character for bytes that are not UTF-8.
            lines = gzip.decompress(file.read_bytes()).decode(errors="replace").split("\n")
            self.connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(line, date) for line in lines if line])

    def ask(self, sql):
        return self.connection.execute(translate(sql)).fetchall()

    def answer(self, name, parameters):
        """The column names and the rows."""
        sql = with_parameters(self.queries[name], parameters)
        result = self.connection.execute(translate(sql))
        return [column[0] for column in result.description], result.fetchall()

    def executed(self, sql, literals):
        """Names and types of the columns, rows, and a made-up number of bytes read, which this engine does not report."""
        result = self.connection.execute(translate(bound(without_comments(sql), literals)))
        names, types = zip(*((column[0], ATHENA_TYPES.get(str(column[1]), "varchar")) for column in result.description))
        return list(names), list(types), result.fetchall(), 12_345_678


ATHENA_TYPES = {
    "BIGINT": "bigint", "HUGEINT": "bigint", "INTEGER": "integer", "DOUBLE": "double", "BOOLEAN": "boolean", "TIMESTAMP": "timestamp",
    "VARCHAR[]": "array",
}  # fmt: skip


def literal(value):
    return literal_of(value) if isinstance(value, str) else str(value).lower()


def literal_of(text):
    return "'" + text.replace("'", "''") + "'"


def with_parameters(sql, parameters):
    """The query with literals in place of its parameters, as Athena inserts them."""
    return bound(without_comments(sql), list(map(literal, parameters)))


class Trino:
    """The engine behind Athena, on the tables, partition projections, and views of the template as deployed."""

    class Error(Exception):
        """Trino's error message for a failed query."""

    def __init__(self, root):
        self.root, self.deployed = root, as_deployed()
        self.queries = self.deployed["queries"]

    def __enter__(self):
        folder = self.root / "target" / "trino"
        if "JAVA_HOME" not in os.environ or not (folder / "classpath").exists():
            raise SystemExit("error: Trino and its Java are not set up; run `make test-queries`, which sets them up")
        java = pathlib.Path(os.environ["JAVA_HOME"]) / "bin" / "java"
        # Trino compares and hashes with the vector module, which has to be added explicitly.
        options = ["-Xmx2g", "--add-modules=jdk.incubator.vector", "-cp", (folder / "classpath").read_text()]
        self.log = open(folder / "log", "w")
        command = [java, *options, self.root / "tests" / "queries" / "Engine.java"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.log}
        self.java = subprocess.Popen(command, text=True, **pipes)
        _, ((version, java),) = self.request({"version": True})
        print(f"Trino {version} on Java {java}")
        return self

    def __exit__(self, *_):
        self.java.stdin.close()
        self.java.wait()
        self.log.close()

    def open(self, lake: pathlib.Path):
        self.metastore = tempfile.TemporaryDirectory()
        # With any other scheme Trino finds local files but does not list them.
        tables = json.dumps(self.deployed["tables"]).replace("s3://LakeBucket/", f"local://{lake}/")
        self.request({"tables": json.loads(tables), "schema": "contact_ledger", "metastore": self.metastore.name})

    def request(self, request):
        print(json.dumps(request), file=self.java.stdin, flush=True)
        line = self.java.stdout.readline()
        if not line:
            raise SystemExit(f"error: Trino exited; see {self.log.name}")
        answer = json.loads(line)
        if "error" in answer:
            raise self.Error(answer["error"].splitlines()[0])
        self.types = answer["types"]
        return answer["columns"], [[plain(value) for value in row] for row in answer["rows"]]

    def ask(self, sql):
        return self.request({"sql": sql})[1]

    def executed(self, sql, literals):
        """Names and types of the columns, rows, and the number of bytes read. Trino binds the values, as Athena does."""
        execute = f"EXECUTE IMMEDIATE {literal_of(sql)}" + (f" USING {', '.join(literals)}" if literals else "")
        columns, rows = self.request({"sql": execute})
        types = [re.sub(r"\(.*", "", of) for of in self.types]
        return columns, types, rows, self.scanned(execute)

    def answer(self, name, parameters):
        """The column names and the rows."""
        return self.request({"sql": with_parameters(self.queries[name], parameters)})

    def view(self, name):
        """The SQL of a view, as deployed."""
        (view,) = (table for table in self.deployed["tables"] if table["Name"] == name)
        text = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        return json.loads(base64.b64decode(text))["originalSql"]

    def scanned(self, sql):
        """The number of bytes that the query reads from files."""
        return self.request({"scan": sql})[1][0][0]


def plain(value):
    if isinstance(value, dict):
        return datetime.datetime.fromisoformat(value["timestamp"])
    return [plain(element) for element in value] if isinstance(value, list) else value
