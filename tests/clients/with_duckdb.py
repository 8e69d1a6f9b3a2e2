"""DuckDB, through its own S3 extension and through s3fs. The extension is signed by DuckDB, which checks the signature on load."""

import pathlib
import unittest
import urllib.parse
import uuid

import duckdb
import duckdb_extension_httpfs
from lake import LAKE, REGION, STACK
from with_s3fs import file_system

EXTENSION = pathlib.Path(duckdb_extension_httpfs.__file__).parent / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
ROWS = f"read_parquet('s3://{LAKE}/contact_records/**/*.parquet', hive_partitioning = true)"


def with_httpfs():
    database = duckdb.connect()
    database.execute(f"LOAD '{EXTENSION}'")
    access, secret = STACK.keys
    endpoint = urllib.parse.urlsplit(STACK.endpoint).netloc
    database.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{access}', SECRET '{secret}', REGION '{REGION}', ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"
    )
    return database


def with_s3fs():
    database = duckdb.connect()
    database.register_filesystem(file_system())
    return database


def files_rows():
    """The number of rows in the lake's folder."""
    return duckdb.execute(f"SELECT count(*) FROM read_parquet('{STACK.output / LAKE}/contact_records/**/*.parquet')").fetchone()[0]


class WithDuckdb(unittest.TestCase):
    def test_the_lake_s_rows_are_read_in_both_ways(self):
        for database in (with_httpfs(), with_s3fs()):
            rows, days = database.execute(f"SELECT count(*), count(DISTINCT contact_date) FROM {ROWS}").fetchone()
            self.assertEqual(rows, files_rows())
            self.assertGreater(min(rows, days), 0)

    def test_a_partitioned_copy_is_written_and_read(self):
        for database in (with_httpfs(), with_s3fs()):
            target = f"s3://{LAKE}/test/{uuid.uuid4()}"
            database.execute("CREATE TABLE numbers AS SELECT n, n % 3 AS part FROM range(300000) AS r(n)")
            database.execute(f"COPY numbers TO '{target}' (FORMAT parquet, PARTITION_BY part)")
            read = database.execute(f"SELECT part, count(*), sum(n) FROM read_parquet('{target}/*/*.parquet') GROUP BY part ORDER BY part").fetchall()
            self.assertEqual([(int(part), count) for part, count, _ in read], [(0, 100000), (1, 100000), (2, 100000)])
            self.assertEqual(sum(total for _, _, total in read), 299999 * 300000 // 2)

    def test_a_multipart_file_is_written(self):
        target = f"s3://{LAKE}/test/{uuid.uuid4()}.csv"
        database = with_httpfs()
        database.execute(f"COPY (SELECT n, hash(n) AS h FROM range(3000000) AS r(n)) TO '{target}' (FORMAT csv, HEADER)")
        self.assertEqual(database.execute(f"SELECT count(*), max(n) FROM read_csv('{target}')").fetchone(), (3000000, 2999999))
