"""s3fs, which pandas, dask, and many others use to read S3."""

import unittest
import uuid

import s3fs
from lake import LAKE, ODD_KEYS, REGION, STACK

MEBIBYTE = 1024 * 1024


def file_system(**options):
    access, secret = STACK.keys
    client = {"endpoint_url": STACK.endpoint, "region_name": REGION}
    return s3fs.S3FileSystem(key=access, secret=secret, client_kwargs=client, skip_instance_cache=True, use_listings_cache=False, **options)


class WithS3fs(unittest.TestCase):
    def setUp(self):
        self.fs = file_system()
        self.bucket = f"s3fs-{uuid.uuid4()}"
        self.fs.mkdir(self.bucket)

    def path(self, key):
        return f"{self.bucket}/{key}"

    def test_files_are_written_listed_read_and_removed(self):
        self.fs.pipe(self.path("a/one"), b"1" * 100)
        self.fs.pipe(self.path("a/b/two"), b"2")
        self.assertEqual(self.fs.ls(self.path("a")), [self.path("a/b"), self.path("a/one")])
        self.assertEqual(self.fs.find(self.bucket), [self.path("a/b/two"), self.path("a/one")])
        self.assertEqual((self.fs.du(self.bucket), self.fs.cat(self.path("a/b/two"))), (101, b"2"))
        self.assertTrue(self.fs.isdir(self.path("a")) and self.fs.isfile(self.path("a/one")) and not self.fs.exists(self.path("x")))
        self.fs.rm(self.path("a"), recursive=True)
        self.assertEqual(self.fs.find(self.bucket), [])
        self.fs.rmdir(self.bucket)

    def test_a_file_is_put_appended_to_and_copied(self):
        with self.fs.open(self.path("f"), "wb") as file:
            file.write(b"a" * 12 * MEBIBYTE)
        with self.fs.open(self.path("f"), "ab") as file:
            file.write(b"end")
        with self.fs.open(self.path("small"), "wb") as file:
            file.write(b"begin")
        with self.fs.open(self.path("small"), "ab") as file:
            file.write(b"end")
        self.fs.copy(self.path("f"), self.path("g"))
        with self.fs.open(self.path("g"), "rb") as file:
            file.seek(-5, 2)
            self.assertEqual(file.read(), b"aaend")
        self.assertEqual((self.fs.size(self.path("g")), self.fs.cat(self.path("small"))), (12 * MEBIBYTE + 3, b"beginend"))

    def test_odd_keys(self):
        # Without keys that s3fs treats as its own path syntax.
        keys = [key for key in ODD_KEYS if not key.startswith("/") and not key.endswith("/") and "?" not in key]
        for key in keys:
            self.fs.pipe(self.path(key), key.encode())
        for key in keys:
            self.assertEqual(self.fs.cat_file(self.path(key)), key.encode())
        self.assertEqual(self.fs.find(self.bucket, withdirs=False), [self.path(key) for key in sorted(keys, key=str.encode)])

    def test_versions(self):
        fs = file_system(version_aware=True)
        path = f"{LAKE}/test/{uuid.uuid4()}"
        fs.pipe(path, b"1")
        fs.pipe(path, b"22")
        versions = fs.object_version_info(path)
        self.assertEqual([version["Size"] for version in versions], [2, 1])
        self.assertEqual(fs.cat_file(path, version_id=versions[1]["VersionId"]), b"1")
        fs.rm(path)
        self.assertFalse(fs.exists(path))
