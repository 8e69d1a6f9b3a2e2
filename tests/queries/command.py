"""Tests `contact-ledger query` as a process: on a stand-in for Athena that runs the engine under test, and in DuckDB, through its
command line and its Python package. The figures are compared with the second implementation.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from athena import STACK, Athena
from document import columns_of
from duckdb_dialect import named_queries

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
OPTIONS = {"first_day": "from", "last_day": "to"}
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3})Z")
DAY = ["--from", "2026-03-02", "--time-zone", "UTC"]
PATIENCE = 60
HOSTILE = ["x' OR '1'='1", "'; DROP TABLE contact_records; --", "*' --", "' UNION SELECT 1 --", "\\' OR 1=1 --", "?", "$(id)", "%', '*", '"*"']


def until(so):
    deadline = time.monotonic() + PATIENCE
    while not so() and time.monotonic() < deadline:
        time.sleep(0.02)


class Environment:
    """The environment of the process: dummy credentials, and one way to find DuckDB."""

    def __init__(self, folder, athena):
        self.folder = pathlib.Path(folder)
        self.stack = ["--stack", STACK, "--endpoint-url", athena.endpoint]
        for name, program in (("cli", "duckdb"), ("python", "python3"), ("none", "true")):
            (self.folder / name).mkdir()
            found = pathlib.Path(sys.executable).parent / program
            # A symbolic link to the interpreter would lose its virtual environment.
            text = f'#!/bin/sh\nexec "{found if found.exists() else shutil.which(program)}" "$@"\n'
            (self.folder / name / program).write_text(text)
            (self.folder / name / program).chmod(0o755)

    def of(self, path):
        keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "eu-west-2"}
        return {"HOME": str(self.folder), "TZ": "Asia/Kathmandu", "PATH": str(self.folder / path)} | keys

    def start(self, *arguments, path="none"):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([LEDGER, "query", *map(str, arguments)], env=self.of(path), **pipes)

    def run(self, *arguments, path="none"):
        process = self.start(*arguments, path=path)
        out, said = process.communicate(timeout=PATIENCE)
        return process.returncode, out, said


def options(name, parameters):
    for parameter, value in zip(named_queries()[name]["parameters"], parameters, strict=True):
        option = "--" + OPTIONS.get(parameter["name"], parameter["name"]).replace("_", "-")
        if value is not False:
            yield from [option] if value is True else [option, value]


def rows_of(out):
    """The column names and rows of the output, with times in the engines' format."""
    plain = lambda value: INSTANT.sub(r"\1 \2", value) if isinstance(value, str) else value  # noqa: E731
    objects = [json.loads(line) for line in out.splitlines()]
    return list(objects[0]) if objects else [], [list(map(plain, one.values())) for one in objects]


class Checks:
    def __init__(self, verification, environment, athena, run):
        self.verification, self.environment, self.athena, self.run = verification, environment, athena, run
        self.local = ["--local", run.made]

    def true(self, what, is_so, said):
        self.verification.check(f"query: {what}", [[bool(is_so)]], [[True]])
        if not is_so:
            print(f"    output: {said}")

    def says(self, what, arguments, code, *parts, path="none"):
        """The command exits with this code, and its message contains these parts."""
        returned, out, said = self.environment.run(*arguments, path=path)
        self.true(what, returned == code and all(part in said for part in parts), f"{returned}: {out}{said}")

    def figures(self, where, place, path, questions):
        for name, parameters, wanted, not_compared, tolerance in questions:
            code, out, said = self.environment.run(name, *place, "--json", *options(name, parameters), path=path)
            if code:
                self.true(f"{name} {parameters} {where}", False, said)
                continue
            self.verification.check_answer(f"query {name} {parameters} {where}", name, rows_of(out), wanted, not_compared, tolerance)

    def pages(self):
        self.athena.page = 3
        before = self.athena.asked["GetQueryResults"]
        code, out, said = self.environment.run("service_level", *self.environment.stack, *DAY, "--json")
        pages, self.athena.page = self.athena.asked["GetQueryResults"] - before, 1000
        rows = out.count("\n")
        self.athena.empty_first_page = True
        _, same, _ = self.environment.run("service_level", *self.environment.stack, *DAY, "--json")
        self.athena.empty_first_page, self.athena.without_columns = False, True
        self.says("an answer without columns", ["service_level", *self.environment.stack, *DAY], 1, "a result without columns")
        self.athena.without_columns = False
        self.true("an empty page does not end the answer", same == out, same)
        self.true("an answer of several pages", code == 0 and rows > 6 and pages == -(-(rows + 1) // 3), f"{pages} pages, {rows} rows: {said}")

    def forms(self):
        stack = self.environment.stack
        _, csv, said = self.environment.run("service_level", *stack, *DAY, "--format", "csv")
        self.true("CSV output has every column", csv.splitlines()[0].split(",") == columns_of(self.verification.engine.queries["service_level"]), csv)
        parts = ["service_level: 2026-03-02, UTC, grain day, every queue", "rows; Athena read ", "B in 1.2 s; the workgroup stops a query at 20.0 GB"]
        self.true("the message has the question, the bytes read, and the limit", all(part in said for part in parts), said)
        _, table, _ = self.environment.run("service_level", *stack, *DAY)
        lines = table.splitlines()
        self.true("a table has a heading line and no ID columns", lines[0].startswith("service_level: 2026-03-02") and "queue_id" not in lines[2], table)
        _, table, said = self.environment.run("contact_volume", *stack)
        self.true("yesterday, in the system's time zone", "(yesterday), Asia/Kathmandu (the time zone of this system)" in table, table)

    def throttled(self):
        self.athena.refusals["StartQueryExecution"] = [("TooManyRequestsException", "Rate exceeded")]
        self.athena.refusals["GetQueryExecution"] = [("ThrottlingException", "Rate exceeded")]
        self.athena.refusals["GetQueryResults"] = [("InternalServerException", "We are sorry", 500)]
        self.says("a throttled query is retried", ["service_level", *self.environment.stack, *DAY], 0)
        left = sum(map(len, self.athena.refusals.values()))
        self.true("every refusal was used", left == 0, f"{left} were not")

    def failed(self):
        asked = ["service_level", *self.environment.stack, *DAY]
        for failure, advice in (
            ("COLUMN_NOT_FOUND: line 3:9: Column 'queued' cannot be resolved", "update the stack"),
            ("Query exhausted resources at this scale factor", "query fewer days"),
            ("Query cancelled! : Bytes scanned limit was exceeded", "the workgroup's limit, 20.0 GB (parameter QueryScanLimit)"),
        ):
            self.athena.failure = failure
            self.says(f"query fails with {failure}", asked, 1, failure, advice)
        self.athena.failure = None
        self.athena.refusals["StartQueryExecution"] = [("AccessDeniedException", "not authorized to perform: athena:StartQueryExecution")]
        self.says("access to the query is denied", asked, 1, "athena:StartQueryExecution")
        for resource, advice in (("WorkGroup", "LakeTables=true"), ("AgentIntervalsView", "AgentEventArchive=true")):
            left_out = self.athena.resources.pop(resource)
            self.says(f"a stack without {resource}", ["time_in_status", *self.environment.stack, *DAY], 1, advice)
            self.athena.resources[resource] = left_out

    def canceled(self):
        asked = ["service_level", *self.environment.stack, *DAY]
        self.athena.endless = 1_000_000
        self.says("a query that reads more than --max-bytes fails", [*asked, "--max-bytes", "3MB"], 1, "more than --max-bytes 3.0 MB")
        *_, query = self.athena.queries.values()
        self.true("it is canceled in Athena", query.state == "CANCELLED", query.state)
        for number in (signal.SIGINT, signal.SIGTERM):
            code, said, query = self.interrupted(asked, number)
            so = code == 130 and query.state == "CANCELLED" and "CANCELLED in Athena" in said
            self.true(f"{number.name} cancels the query in Athena", so, f"{code}, {query.state}: {said}")
        self.athena.start_takes = 1.5
        code, said, query = self.interrupted(asked, signal.SIGINT)
        self.true("a query that is still being started is canceled, too", code == 130 and query.state == "CANCELLED", f"{code}, {query.state}: {said}")
        self.athena.start_takes = None
        self.says("the response to a start is lost", asked, 1, "may be running", "ledger-workgroup")
        self.athena.start_takes, self.athena.stops = 0, False
        code, said, query = self.interrupted(asked, signal.SIGINT, again=True)
        so = code == 130 and f"Stopping the query {query.id} in Athena; press Ctrl-C again to leave it" in said
        self.true("the message for a second interrupt names the query that is left running", so, f"{code}: {said}")
        self.athena.stops = True
        self.athena.refusals["StopQueryExecution"] = [("AccessDeniedException", "not authorized")]
        code, said, query = self.interrupted(asked, signal.SIGINT)
        so = code == 130 and f"aws athena stop-query-execution --region eu-west-2 --query-execution-id {query.id}" in said
        self.true("the message for a refused stop shows the AWS CLI command", so, f"{code}: {said}")
        self.athena.endless = None

    def interrupted(self, asked, number, again=False):
        """Runs the command and interrupts it as soon as Athena has the query."""
        known = set(self.athena.queries)
        process = self.environment.start(*asked)
        until(lambda: self.athena.queries.keys() - known)
        time.sleep(0.3)
        stops = self.athena.asked["StopQueryExecution"]
        process.send_signal(number)
        if again:
            until(lambda: self.athena.asked["StopQueryExecution"] > stops)
            process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        (query,) = (self.athena.queries[id] for id in self.athena.queries.keys() - known)
        return process.returncode, said, query

    def hostile(self):
        """Hostile values stay values: the answer is empty for an unknown queue, and correct for a queue with that name."""
        record = next(record for record in self.run.records if (record.get("Queue") or {}).get("Name"))
        ways = (("Athena", self.environment.stack, "none"), ("DuckDB", self.local, "cli"), ("DuckDB in Python", self.local, "python"))
        for where, place, path in ways:
            for name in HOSTILE:
                code, out, said = self.environment.run("service_level", *place, *DAY, "--json", "--queue", name, path=path)
                self.true(f"the queue {name} on {where}", code == 0 and not out and f"queue {name}," in said, f"{code}: {out}{said}")
            asked = ["service_level", *place, *DAY, "--json", "--queue", record["Queue"]["Name"]]
            code, out, said = self.environment.run(*asked, path=path)
            self.true(f"the lake is intact afterwards on {where}", code == 0 and out, said)
        with tempfile.TemporaryDirectory() as folder:
            names = [f"O'Brien {number} {name}" for number, name in enumerate(HOSTILE)]
            records = [
                record | {"ContactId": f"hostile-{number}", "InitialContactId": None, "Queue": record["Queue"] | {"Name": name}}
                for number, name in enumerate(names)
            ]
            file, made = pathlib.Path(folder) / "records.jsonl", pathlib.Path(folder) / "made"
            file.write_text("\n".join(map(json.dumps, records)))
            subprocess.run([LEDGER, "demo", f"--contact-records={file}", "--output", made], capture_output=True, check=True)
            for path in ("cli", "python"):
                for name in names:
                    asked = ["service_level", "--local", made, "--time-zone", "UTC", "--json", "--queue", name]
                    code, out, said = self.environment.run(*asked, path=path)
                    found = [json.loads(line)["queue_name"] for line in out.splitlines()]
                    self.true(f"the queue {name} is found ({path})", code == 0 and found == [name], f"{code}: {out}{said}")

    def local_failures(self):
        self.says("DuckDB is not installed", ["service_level", *self.local], 1, "pip install duckdb")
        with tempfile.TemporaryDirectory() as folder:
            asked = ["service_level", "--local", folder]
            self.says("the folder has no demo output", asked, 1, "contact-ledger demo", path="cli")
            (pathlib.Path(folder) / "lake.sql").write_text("SELECT 1;")
            self.says("the lake is from another version", asked, 1, "written by another version", path="cli")
        for text, parts in (
            ("exit 0", ["exited without an error message"]),
            ("sleep 60", None),
            ('[ "$1" = --version ] || { head -c 9000000 /dev/zero | tr "\\0" x >&2; exit 3; }', ["could not run"]),
        ):
            file = self.environment.folder / "none" / "duckdb"
            file.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\n[ "$1" = --version ] && exit 0\n{text}\n')
            file.chmod(0o755)
            if parts:
                self.says(f"DuckDB does {text}", ["service_level", *self.local], 1, *parts)
            else:
                process = self.environment.start("service_level", *self.local)
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=10)
                self.true("Ctrl-C ends DuckDB", process.returncode == 130, f"{process.returncode}: {said}")
            file.unlink()
        with tempfile.TemporaryDirectory() as folder:
            moved = pathlib.Path(folder) / "o'dd [x]* channel=TASK"
            shutil.copytree(self.run.made, moved, ignore=shutil.ignore_patterns("logs"))
            for is_there in (True, False):
                for path in ("cli", "python"):
                    code, out, said = self.environment.run("service_level", "--local", moved, "--json", path=path)
                    same = self.environment.run("service_level", *self.local, "--json", path=path)[1]
                    so = out == same if is_there else code == 1 and "No files found" in said
                    self.true(f"a copied result is read in its new place ({path})", so, f"{code}: {out}{said}")
                for file in moved.glob("lake/contact_records/*/*.parquet"):
                    file.unlink()
        for path in ("cli", "python"):
            code, out, said = self.environment.run("service_level", *self.local, path=path)
            so = code == 0 and "2026-03-02 (the last day that has data), Asia/Kathmandu" in out and "; DuckDB " in said
            self.true(f"the default is the last day that has data ({path})", so, out + said)

    def usage(self):
        for what, arguments, *parts in (
            ("unknown time zone", ["service_level", "--local", "--time-zone", "Mars/Olympus"], "such as Europe/London"),
            ("invalid day", ["service_level", "--local", "--from", "2026-02-30"], "2026-03-02"),
            ("days in the wrong order", ["service_level", "--local", "--from", "2026-03-02", "--to", "2026-03-01"], "is before"),
            ("unknown grain", ["forecasting_csv", "--local", "--grain", "week"], "15, 30, day"),
            ("invalid threshold", ["service_level", "--local", "--threshold", "20; DROP"], "a whole number from 0 to 604800"),
            ("no lake", ["service_level"], "--stack"),
            ("two lakes", ["service_level", "--local", "--stack", "x"], "cannot be used with"),
            ("unknown query", ["service-levle", "--local"], "service_level"),
        ):
            self.says(what, arguments, 2, *parts)
        code, out, _ = self.environment.run("--list")
        so = all(name in out for name in named_queries()) and "Amazon Connect: service level X, contacts removed from queue in X" in re.sub(r"\s+", " ", out)
        self.true("--list shows every query, with Amazon Connect's names", code == 0 and so, out)
        for name in named_queries():
            code, out, _ = self.environment.run(name, "--help")
            self.true(f"{name} --help explains the query", code == 0 and "Amazon Connect" in out and ("--time-zone" in out or name == "record_versions"), out)


def verify(verification, run):
    engine = verification.engine
    is_fast = type(engine).__name__ == "DuckDb"
    questions = [(name, parameters, list(wanted), *how) for name, parameters, wanted, *how in run.questions()]
    # The fast run asks each query once: its parameters are tested in process.
    once = list({question[0]: question for question in reversed(questions)}.values())
    with Athena(engine) as athena, tempfile.TemporaryDirectory() as folder:
        checks = Checks(verification, Environment(folder, athena), athena, run)
        checks.figures("on Athena", checks.environment.stack, "none", once if is_fast else questions)
        checks.pages()
        checks.forms()
        if is_fast:
            # The DuckDB command line takes four seconds for each of these.
            slow = {"agent_activity", "agent_answer_rate", "occupancy"}
            checks.figures("in DuckDB", checks.local, "cli", [question for question in once if question[0] not in slow])
            checks.figures("in DuckDB, by Python", checks.local, "python", once)
            checks.throttled()
            checks.failed()
            checks.canceled()
            checks.local_failures()
            checks.usage()
        checks.hostile()
