"""Measures two ways to count contacts on the day they end, on a year's lake in Trino: bytes read, and time.

Contacts are stored by the day on which they began. One way is to read some earlier days too (`look_back`), the other is a second
partition by the day on which they ended. `make measure-look-back` runs it; docs/queries.md has the figures.
"""

import datetime
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import duckdb
from duckdb_dialect import columns_of_the_row
from engines import Trino, with_parameters

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
FIRST, DAYS = datetime.date(2025, 3, 3), 365
# Days from the start of a contact to its end, for 1,000 contacts.
ENDS_AFTER = [0] * 970 + [1] * 20 + [2] * 5 + [4] * 3 + [7] * 2


def rows(folder):
    """A day of rows, written by the function."""
    subprocess.run(
        [LEDGER, "demo", "--agents", "40", "--hours", "10", "--contacts-per-hour", "400", "--output", folder], check=True,
        capture_output=True,
    )
    return folder / "lake" / "contact_records" / "*" / "*"


def build(folder, source):
    """Writes the same rows for every day, in both layouts."""
    lake = duckdb.connect()
    lake.execute(f"CREATE TABLE day AS SELECT * FROM read_parquet('{source}', hive_partitioning = true)")
    ends = random.Random(7)
    ids = [row[0] for row in lake.execute("SELECT DISTINCT contact_id FROM day ORDER BY 1").fetchall()]
    lake.execute("CREATE TABLE ends (contact_id VARCHAR, later INTEGER)")
    lake.executemany("INSERT INTO ends VALUES (?, ?)", [(id, ends.choice(ENDS_AFTER)) for id in ids])
    (begins,) = lake.execute("SELECT min(CAST(initiation_timestamp AS DATE)) FROM day").fetchone()
    kept = [name for name in columns_of_the_row() if name != "contact_date"]
    moved = {"contact_id": "contact_id || '-' || {number}"}
    for name in ("initiation_timestamp", "queue_enqueue_timestamp", "last_update_timestamp"):
        moved[name] = name + " + INTERVAL ({shift}) DAY"
    moved["disconnect_timestamp"] = "disconnect_timestamp + INTERVAL ({shift}) DAY + INTERVAL (later) DAY"
    columns = ", ".join(f"{moved[name]} AS {name}" if name in moved else f'"{name}"' for name in kept)
    for number in range(DAYS):
        date = FIRST + datetime.timedelta(days=number)
        select = columns.format(number=number, shift=(date - begins).days)
        one = folder / "one" / "contact_records" / f"contact_date={date}"
        one.mkdir(parents=True)
        lake.execute(f"CREATE OR REPLACE TABLE moved AS SELECT {select} FROM day JOIN ends USING (contact_id)")
        lake.execute(f"COPY moved TO '{one}/rows.parquet' (COMPRESSION zstd)")
        for (end,) in lake.execute("SELECT DISTINCT CAST(disconnect_timestamp AS DATE) FROM moved").fetchall():
            two = folder / "two" / "contact_records" / f"contact_date={date}" / f"disconnect_date={end or 'none'}"
            two.mkdir(parents=True)
            condition = f"CAST(disconnect_timestamp AS DATE) = DATE '{end}'" if end else "disconnect_timestamp IS NULL"
            lake.execute(f"COPY (SELECT * FROM moved WHERE {condition}) TO '{two}/rows.parquet' (COMPRESSION zstd)")


def two_partitions(engine):
    """The tables as deployed, with a second partition."""
    for table in engine.deployed["tables"]:
        if table["Name"] == "contact_records":
            table["PartitionKeys"].append({"Name": "disconnect_date", "Type": "string"})
            table["Parameters"] |= {
                "projection.disconnect_date.type": "date",
                "projection.disconnect_date.format": "yyyy-MM-dd",
                "projection.disconnect_date.range": table["Parameters"]["projection.contact_date.range"],
            }
            location = "storage.location.template"
            table["Parameters"][location] = table["Parameters"][location].rstrip("/") + "/disconnect_date=${disconnect_date}"


def measure(engine, sql):
    scanned, times = engine.scanned(sql), []
    for _ in range(5):
        started = time.monotonic()
        rows = engine.ask(sql)
        times.append(time.monotonic() - started)
    return scanned, statistics.median(times), rows


def main():
    first, last = FIRST + datetime.timedelta(days=200), FIRST + datetime.timedelta(days=206)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        build(folder, rows(folder / "made"))
        for lake in ("one", "two"):
            for raw in ("contact-records", "agent-events"):
                (folder / lake / "raw" / raw / f"arrival_date={first}").mkdir(parents=True)
        size = sum(file.stat().st_size for file in (folder / "one").rglob("*.parquet"))
        split = [sum(1 for _ in (folder / lake).rglob("*.parquet")) for lake in ("one", "two")]
        print(f"a year: {size:,} bytes in {split[0]} files; with a second partition {split[1]} files")
        for lake in ("one", "two"):
            with Trino(ROOT) as engine:
                if lake == "two":
                    two_partitions(engine)
                engine.open(folder / lake)
                for days, until in (("one day", first), ("one week", last)):
                    sql = with_parameters(engine.queries["service_level"], ["UTC", "day", str(first), str(until), "*", False, 8, 20, "LT"])
                    if lake == "two":
                        # Filter the table itself: a filter on the end would not pass through the window over a contact's versions.
                        table = f"(SELECT * FROM contact_records WHERE disconnect_date BETWEEN '{first}' AND '{until}')"
                        latest = engine.view("contact_records_latest").replace("FROM contact_records\n", f"FROM {table}\n")
                        view = engine.view("contact_metrics").replace("FROM contact_records_latest", f"FROM ({latest})")
                        sql = sql.replace("FROM contact_metrics", f"FROM ({view})")
                    scanned, seconds, answer = measure(engine, sql)
                    queued = sum(row[5] for row in answer)
                    print(f"{lake} partition(s), {days}: {scanned:,} bytes, {seconds:.2f} s, {queued} queued")


if __name__ == "__main__":
    main()
