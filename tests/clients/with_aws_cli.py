"""The AWS CLI, version 1 and version 2."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

from lake import LAKE, ROOT, STACK

MEBIBYTE = 1024 * 1024


class WithTheAwsCli:
    """Tests that both versions share."""

    def aws(self, *arguments, fails=False):
        done = subprocess.run([str(self.PROGRAM), *arguments], env=STACK.environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode != 0, fails, done.stderr)
        return done.stderr if fails else done.stdout

    def setUp(self):
        self.bucket = f"cli-{uuid.uuid4()}"
        self.aws("s3", "mb", f"s3://{self.bucket}")
        self.temporary = tempfile.TemporaryDirectory()
        self.here = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def test_the_version_is_the_expected_one(self):
        self.assertTrue(self.aws("--version").startswith(f"aws-cli/{self.VERSION}."))

    def test_files_are_uploaded_listed_moved_and_downloaded(self):
        large = self.here / "large"
        large.write_bytes(os.urandom(20 * MEBIBYTE))
        self.aws("s3", "cp", str(large), f"s3://{self.bucket}/in/large")
        self.aws("s3", "mv", f"s3://{self.bucket}/in/large", f"s3://{self.bucket}/out/ü +large")
        self.assertIn("ü +large", self.aws("s3", "ls", f"s3://{self.bucket}/out/"))
        self.assertIn("PRE out/", self.aws("s3", "ls", f"s3://{self.bucket}"))
        self.aws("s3", "cp", f"s3://{self.bucket}/out/ü +large", str(self.here / "back"))
        self.assertEqual((self.here / "back").read_bytes(), large.read_bytes())

    def test_a_folder_is_synced_both_ways(self):
        folder = self.here / "folder"
        for name in ("a", "b/c", "b/.d"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
            # S3 times have whole seconds: a file written in this second would seem newer than its object.
            os.utime(folder / name, (time.time() - 60, time.time() - 60))
        self.aws("s3", "sync", str(folder), f"s3://{self.bucket}/f")
        self.assertEqual(self.aws("s3", "sync", str(folder), f"s3://{self.bucket}/f"), "")
        (folder / "a").unlink()
        self.assertIn("delete:", self.aws("s3", "sync", "--delete", str(folder), f"s3://{self.bucket}/f"))
        self.aws("s3", "sync", f"s3://{self.bucket}/f", str(self.here / "back"))
        self.assertEqual(sorted(str(it.relative_to(self.here / "back")) for it in (self.here / "back").rglob("*") if it.is_file()), ["b/.d", "b/c"])
        self.aws("s3", "rm", "--recursive", f"s3://{self.bucket}")
        self.aws("s3", "rb", f"s3://{self.bucket}")

    def test_the_lake_lists_the_files_in_its_folder(self):
        listed = {line.split(maxsplit=3)[3] for line in self.aws("s3", "ls", "--recursive", f"s3://{LAKE}/contact_records/").splitlines()}
        folder = STACK.output / LAKE
        files = {str(path.relative_to(folder)) for path in (folder / "contact_records").rglob("*") if path.is_file()}
        self.assertTrue(files)
        self.assertEqual(listed, files)

    def test_versions_and_conditions(self):
        call = lambda operation, *arguments, **options: self.aws("s3api", operation, "--bucket", self.bucket, *arguments, **options)  # noqa: E731
        call("put-bucket-versioning", "--versioning-configuration", "Status=Enabled")
        body = self.here / "body"
        for text in ("one", "two"):
            body.write_text(text)
            call("put-object", "--key", "v", "--body", str(body))
        versions = json.loads(call("list-object-versions"))["Versions"]
        self.assertEqual([version["IsLatest"] for version in versions], [True, False])
        call("get-object", "--key", "v", "--version-id", versions[1]["VersionId"], str(self.here / "old"))
        self.assertEqual((self.here / "old").read_text(), "one")
        self.assertIn("PreconditionFailed", call("put-object", "--key", "v", "--body", str(body), "--if-none-match", "*", fails=True))
        self.assertIn("NoSuchKey", call("get-object", "--key", "none", str(self.here / "none"), fails=True))


class AwsCli1(WithTheAwsCli, unittest.TestCase):
    VERSION = 1
    PROGRAM = pathlib.Path(sys.executable).parent / "aws"


@unittest.skipUnless(platform.machine() == "x86_64", "the AWS CLI 2 package is for x86_64 only")
class AwsCli2(WithTheAwsCli, unittest.TestCase):
    VERSION = 2

    @property
    def PROGRAM(self):
        (program,) = (ROOT / "target" / "aws-cli-2").glob("awscli/v2/*/dist/aws")
        return program
