"""pyarrow's own S3 client, which is the AWS SDK for C++."""

import unittest
import uuid

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from lake import LAKE, REGION, STACK
from pyarrow import fs


def file_system():
    access, secret = STACK.keys
    return fs.S3FileSystem(
        access_key=access, secret_key=secret, endpoint_override=STACK.endpoint, region=REGION, allow_bucket_creation=True, allow_bucket_deletion=True
    )


class WithPyarrow(unittest.TestCase):
    def setUp(self):
        self.s3 = file_system()
        self.bucket = f"arrow-{uuid.uuid4()}"
        self.s3.create_dir(self.bucket)

    def test_a_partitioned_dataset_is_written_and_read(self):
        table = pa.table({"day": ["1", "1", "2"], "n": [1, 2, 3]})
        pq.write_to_dataset(table, f"{self.bucket}/set", partition_cols=["day"], filesystem=self.s3)
        read = ds.dataset(f"{self.bucket}/set", filesystem=self.s3, partitioning="hive").to_table().sort_by("n")
        self.assertEqual(read.column("n").to_pylist(), [1, 2, 3])
        self.assertEqual([str(day) for day in read.column("day").to_pylist()], ["1", "1", "2"])
        # The same files, without S3.
        self.assertEqual(ds.dataset(STACK.output / self.bucket / "set", exclude_invalid_files=True).count_rows(), 3)

    def test_a_prefix_is_a_directory_and_a_missing_one_is_not_found(self):
        with self.s3.open_output_stream(f"{self.bucket}/a/b/c") as stream:
            stream.write(b"c")
        kinds = [info.type for info in self.s3.get_file_info([f"{self.bucket}/{key}" for key in ("a", "a/b", "a/b/c", "a/x")])]
        self.assertEqual(kinds, [fs.FileType.Directory, fs.FileType.Directory, fs.FileType.File, fs.FileType.NotFound])
        below = self.s3.get_file_info(fs.FileSelector(self.bucket, recursive=True))
        self.assertEqual(sorted(info.path.partition("/")[2] for info in below), ["a", "a/b", "a/b/c"])

    def test_files_are_copied_moved_and_deleted(self):
        path = lambda name: f"{self.bucket}/{name}"  # noqa: E731
        with self.s3.open_output_stream(path("d/one")) as stream:
            stream.write(b"1" * 11_000_000)
        self.s3.copy_file(path("d/one"), path("d/two"))
        self.s3.move(path("d/two"), path("three"))
        with self.s3.open_input_file(path("three")) as file:
            file.seek(10_999_990)
            self.assertEqual(file.read(), b"1" * 10)
        self.s3.create_dir(path("empty"))
        self.assertEqual(self.s3.get_file_info(path("empty")).type, fs.FileType.Directory)
        self.s3.delete_dir(path("d"))
        self.assertEqual(self.s3.get_file_info(path("d/one")).type, fs.FileType.NotFound)
        self.s3.delete_dir(path("empty"))
        self.s3.delete_file(path("three"))
        self.s3.delete_dir_contents(self.bucket)
        self.s3.delete_dir(self.bucket)

    def test_the_lake_s_rows_are_read(self):
        rows = ds.dataset(f"{LAKE}/contact_records", filesystem=self.s3, partitioning="hive").count_rows()
        self.assertEqual(rows, ds.dataset(STACK.output / LAKE / "contact_records").count_rows())
        self.assertGreater(rows, 0)
