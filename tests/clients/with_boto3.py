"""boto3, the SDK that most scripts use: every operation, on every kind of key."""

import concurrent.futures
import hashlib
import io
import unittest
import uuid
from datetime import timedelta

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from lake import BEYOND_XML, LAKE, ODD_KEYS, REGION, STACK

MEBIBYTE = 1024 * 1024


def client():
    return boto3.client("s3", endpoint_url=STACK.endpoint, region_name=REGION, config=Config(s3={"addressing_style": "path"}))


class OnABucket(unittest.TestCase):
    """Each test has its own bucket."""

    def setUp(self):
        self.s3 = client()
        self.bucket = f"test-{uuid.uuid4()}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(self, key, body=b"x", **options):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def get(self, key, **options):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **options)

    def body(self, key, **options):
        return self.get(key, **options)["Body"].read()

    def listed(self, **options):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **options)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def refused(self, code, call, **options):
        with self.assertRaises(ClientError) as caught:
            call(Bucket=self.bucket, **options)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response


class Objects(OnABucket):
    def test_an_object_is_returned_with_its_metadata(self):
        body = b"a,b\n1,2\n"
        put = self.put(
            "a/b.csv", body, ContentType="text/csv", CacheControl="no-store", Metadata={"origin": "here"}, Tagging="a=1&b=2"
        )
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        self.assertEqual(put["ETag"], etag)
        got = self.get("a/b.csv")
        self.assertEqual(got["Body"].read(), body)
        self.assertEqual(
            (got["ETag"], got["ContentType"], got["CacheControl"], got["Metadata"], got["TagCount"], got["ContentLength"]),
            (etag, "text/csv", "no-store", {"origin": "here"}, 2, len(body)),
        )
        head = self.s3.head_object(Bucket=self.bucket, Key="a/b.csv")
        self.assertEqual(head["LastModified"], got["LastModified"])
        self.assertEqual((STACK.output / self.bucket / "a" / "b.csv").read_bytes(), body)

    def test_any_key_is_stored_listed_read_and_deleted_exactly(self):
        before = STACK.outside()
        for key in ODD_KEYS:
            self.put(key, key.encode())
        self.assertEqual(self.listed(), sorted(ODD_KEYS, key=str.encode))
        for key in ODD_KEYS:
            self.assertEqual(self.body(key), key.encode(), repr(key))
        for key in ODD_KEYS:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
            self.refused("NoSuchKey", self.s3.get_object, Key=key)
        self.assertEqual(self.listed(), [])
        after = {path: content for path, content in STACK.outside().items() if "/.s3/" not in path}
        self.assertEqual(after, {path: content for path, content in before.items() if "/.s3/" not in path})

    def test_a_key_of_more_than_1024_bytes_is_refused(self):
        self.refused("KeyTooLongError", self.s3.put_object, Key="k" * 1025, Body=b"")

    def test_a_folder_is_not_an_object(self):
        self.put("a/b/c")
        for key in ("a", "a/", "a/b"):
            self.refused("404", self.s3.head_object, Key=key)
            self.refused("NoSuchKey", self.s3.get_object, Key=key)

    def test_a_range_returns_part_of_the_object(self):
        self.put("r", b"0123456789")
        for asked, piece, said in [
            ("bytes=0-0", b"0", "bytes 0-0/10"),
            ("bytes=3-", b"3456789", "bytes 3-9/10"),
            ("bytes=-4", b"6789", "bytes 6-9/10"),
            ("bytes=8-99", b"89", "bytes 8-9/10"),
            ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ]:
            got = self.get("r", Range=asked)
            self.assertEqual((got["Body"].read(), got["ContentRange"]), (piece, said), asked)
            self.assertEqual(got["ResponseMetadata"]["HTTPStatusCode"], 206)
        for asked in ("bytes=10-", "bytes=-0"):
            self.refused("InvalidRange", self.s3.get_object, Key="r", Range=asked)
        self.put("empty", b"")
        self.refused("InvalidRange", self.s3.get_object, Key="empty", Range="bytes=0-")

    def test_conditions_of_reading(self):
        put = self.put("c", b"1")
        modified = self.get("c")["LastModified"]
        self.refused("304", self.s3.get_object, Key="c", IfNoneMatch=put["ETag"])
        self.refused("304", self.s3.head_object, Key="c", IfModifiedSince=modified)
        self.refused("PreconditionFailed", self.s3.get_object, Key="c", IfMatch='"other"')
        self.refused("PreconditionFailed", self.s3.get_object, Key="c", IfUnmodifiedSince=modified - timedelta(seconds=1))
        self.assertEqual(self.body("c", IfMatch=put["ETag"], IfUnmodifiedSince=modified - timedelta(seconds=1)), b"1")

    def test_conditions_of_writing(self):
        first = self.put("w", b"1", IfNoneMatch="*")
        self.refused("PreconditionFailed", self.s3.put_object, Key="w", Body=b"2", IfNoneMatch="*")
        self.put("w", b"2", IfMatch=first["ETag"])
        self.refused("PreconditionFailed", self.s3.put_object, Key="w", Body=b"3", IfMatch=first["ETag"])
        self.refused("NoSuchKey", self.s3.put_object, Key="none", Body=b"3", IfMatch=first["ETag"])
        self.assertEqual(self.body("w"), b"2")

    def test_one_of_several_concurrent_conditional_puts_wins(self):
        def put(number):
            try:
                client().put_object(Bucket=self.bucket, Key="once", Body=str(number).encode(), IfNoneMatch="*")
                return number
            except ClientError as error:
                self.assertEqual(error.response["Error"]["Code"], "PreconditionFailed")

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            winners = [number for number in threads.map(put, range(8)) if number is not None]
        self.assertEqual([str(number).encode() for number in winners], [self.body("once")])

    def test_a_body_that_does_not_match_its_checksum_is_refused(self):
        self.refused("BadDigest", self.s3.put_object, Key="d", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
        self.refused("BadDigest", self.s3.put_object, Key="d", Body=b"x", ChecksumSHA256="A" * 43 + "=")
        self.refused("NoSuchKey", self.s3.get_object, Key="d")

    def test_checksums_are_returned(self):
        for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
            put = self.put(f"sum/{algorithm}", b"sum", ChecksumAlgorithm=algorithm)
            got = self.get(f"sum/{algorithm}", ChecksumMode="ENABLED")
            self.assertEqual(got[f"Checksum{algorithm}"], put[f"Checksum{algorithm}"])
            self.assertEqual(got["ChecksumType"], "FULL_OBJECT")
            self.assertEqual(got["Body"].read(), b"sum")

    def test_tags(self):
        self.put("t", Tagging="a=1")
        tags = lambda: self.s3.get_object_tagging(Bucket=self.bucket, Key="t")["TagSet"]  # noqa: E731
        self.assertEqual(tags(), [{"Key": "a", "Value": "1"}])
        self.s3.put_object_tagging(Bucket=self.bucket, Key="t", Tagging={"TagSet": [{"Key": "ö", "Value": "2 3"}]})
        self.assertEqual(tags(), [{"Key": "ö", "Value": "2 3"}])
        self.s3.delete_object_tagging(Bucket=self.bucket, Key="t")
        self.assertEqual(tags(), [])
        same = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
        self.refused("InvalidTag", self.s3.put_object_tagging, Key="t", Tagging={"TagSet": same})

    def test_a_copy_keeps_or_replaces_the_metadata_of_its_source(self):
        self.put("from/ü", b"body", ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
        source = {"Bucket": self.bucket, "Key": "from/ü"}
        self.s3.copy_object(Bucket=self.bucket, Key="../to", CopySource=source)
        got = self.get("../to")
        self.assertEqual((got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]), (b"body", "text/plain", {"m": "1"}, 1))
        self.s3.copy_object(
            Bucket=self.bucket, Key="other", CopySource=source, MetadataDirective="REPLACE", Metadata={"m": "2"}, TaggingDirective="REPLACE"
        )
        got = self.get("other")
        self.assertEqual((got["Metadata"], got["ContentType"], got.get("TagCount")), ({"m": "2"}, "binary/octet-stream", None))
        self.refused("InvalidRequest", self.s3.copy_object, Key="from/ü", CopySource=source)
        self.s3.copy_object(Bucket=self.bucket, Key="from/ü", CopySource=source, MetadataDirective="REPLACE", Metadata={"m": "3"})
        self.assertEqual((self.get("from/ü")["Metadata"], self.body("from/ü")), ({"m": "3"}, b"body"))
        self.refused("PreconditionFailed", self.s3.copy_object, Key="x", CopySource=source, CopySourceIfMatch='"other"')
        self.refused("NoSuchKey", self.s3.copy_object, Key="x", CopySource={"Bucket": self.bucket, "Key": "none"})

    def test_many_objects_are_deleted_in_one_request(self):
        keys = [key for key in ODD_KEYS if key not in BEYOND_XML]
        for key in keys:
            self.put(key)
        asked = [{"Key": key} for key in [*keys, "never there"]]
        done = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": asked})
        self.assertEqual([item["Key"] for item in done["Deleted"]], [*keys, "never there"])
        self.assertNotIn("Errors", done)
        self.assertEqual(self.listed(), [])

    def test_unsupported_operations_are_not_implemented(self):
        self.refused("NotImplemented", self.s3.get_bucket_website)
        self.refused("NotImplemented", self.s3.put_object, Key="x", Body=b"", ObjectLockLegalHoldStatus="ON")


class Listings(OnABucket):
    def test_2500_keys_are_listed_in_pages(self):
        keys = [f"n/{number:04}" for number in range(2500)]
        folder = STACK.output / self.bucket / "n"
        folder.mkdir()
        for key in keys[:1250]:
            # Written directly into the folder.
            (STACK.output / self.bucket / key).write_text(key)
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(threads.map(self.put, keys[1250:]))
        pages = list(self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket))
        self.assertEqual([page["KeyCount"] for page in pages], [1000, 1000, 500])
        self.assertEqual([item["Key"] for page in pages for item in page["Contents"]], keys)
        self.assertEqual(pages[0]["Contents"][0]["ETag"], f'"{hashlib.md5(keys[0].encode()).hexdigest()}"')
        old = self.s3.get_paginator("list_objects").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 700})
        self.assertEqual([item["Key"] for page in old for item in page["Contents"]], keys)
        self.assertEqual(self.listed(StartAfter="n/2497"), keys[2498:])

    def test_a_delimiter_groups_keys_and_each_group_counts_as_one(self):
        for key in ("a", "b/1", "b/2", "c/1/2", "d", ".e/f"):
            self.put(key)
        found = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Delimiter="/", PaginationConfig={"PageSize": 2}):
            self.assertLessEqual(page["KeyCount"], 2)
            found += [item["Prefix"] for item in page.get("CommonPrefixes", [])] + [item["Key"] for item in page.get("Contents", [])]
        self.assertEqual(sorted(found), [".e/", "a", "b/", "c/", "d"])
        page = self.s3.list_objects_v2(Bucket=self.bucket, Delimiter="/", Prefix="c/")
        self.assertEqual(page["CommonPrefixes"], [{"Prefix": "c/1/"}])


class Versions(OnABucket):
    def setUp(self):
        super().setUp()
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def versions(self, **options):
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, **options)
        pages = list(pages)
        versions = [item for page in pages for item in page.get("Versions", [])]
        return versions, [item for page in pages for item in page.get("DeleteMarkers", [])]

    def test_the_lake_has_versions_as_in_the_template(self):
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=LAKE)["Status"], "Enabled")

    def test_overwritten_and_deleted_versions_are_kept(self):
        for key in ("v", "../v"):
            one, two = (self.put(key, body)["VersionId"] for body in (b"1", b"2"))
            deleted = self.s3.delete_object(Bucket=self.bucket, Key=key)
            self.assertTrue(deleted["DeleteMarker"])
            gone = self.refused("NoSuchKey", self.s3.get_object, Key=key)
            self.assertEqual(gone["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"], "true")
            self.assertEqual((self.body(key, VersionId=one), self.body(key, VersionId=two)), (b"1", b"2"))
            self.refused("MethodNotAllowed", self.s3.get_object, Key=key, VersionId=deleted["VersionId"])
            # Without the delete marker the object is visible again.
            self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=deleted["VersionId"])
            self.assertEqual(self.body(key), b"2")
            self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=two)
            self.assertEqual(self.body(key), b"1")
        self.assertEqual((STACK.output / self.bucket / "v").read_bytes(), b"1")

    def test_an_old_version_becomes_the_current_one_by_a_copy(self):
        one = self.put("v", b"1")["VersionId"]
        self.put("v", b"2")
        copied = self.s3.copy_object(Bucket=self.bucket, Key="v", CopySource={"Bucket": self.bucket, "Key": "v", "VersionId": one})
        self.assertEqual(copied["CopySourceVersionId"], one)
        self.assertEqual(self.body("v"), b"1")

    def test_versions_are_listed_newest_first_and_in_pages(self):
        wanted = []
        for key in ("a", "b", "c"):
            ids = [self.put(key, str(number).encode())["VersionId"] for number in range(3)]
            ids.append(self.s3.delete_object(Bucket=self.bucket, Key=key)["VersionId"])
            wanted += [(key, version) for version in reversed(ids)]
        for size in (1, 2, 5, 1000):
            versions, markers = self.versions(PaginationConfig={"PageSize": size})
            self.assertEqual([(item["Key"], item["VersionId"]) for item in versions], [one for place, one in enumerate(wanted) if place % 4])
            self.assertEqual([(item["Key"], item["VersionId"]) for item in markers], wanted[::4])
            self.assertTrue(all(item["IsLatest"] for item in markers))
        page = self.s3.list_object_versions(Bucket=self.bucket, KeyMarker=wanted[1][0], VersionIdMarker=wanted[1][1], MaxKeys=1)
        self.assertEqual([item["VersionId"] for item in page["Versions"]], [wanted[2][1]])

    def test_with_suspended_versioning_one_null_version_is_kept(self):
        kept = self.put("s", b"1")["VersionId"]
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Suspended"})
        for body in (b"2", b"3"):
            self.assertEqual(self.put("s", body)["VersionId"], "null")
        versions, _ = self.versions()
        self.assertEqual([item["VersionId"] for item in versions], ["null", kept])
        self.assertEqual((self.body("s"), self.body("s", VersionId=kept)), (b"3", b"1"))

    def test_a_bucket_can_be_deleted_only_without_versions(self):
        self.put("v")
        self.s3.delete_object(Bucket=self.bucket, Key="v")
        self.refused("BucketNotEmpty", self.s3.delete_bucket)
        boto3.resource("s3", endpoint_url=STACK.endpoint).Bucket(self.bucket).object_versions.delete()
        self.s3.delete_bucket(Bucket=self.bucket)
        self.refused("404", self.s3.head_bucket)
        self.assertFalse((STACK.output / self.bucket).exists())

    def test_unknown_versions_are_refused(self):
        self.put("v")
        self.refused("NoSuchVersion", self.s3.get_object, Key="v", VersionId="0" * 32)
        self.refused("InvalidArgument", self.s3.get_object, Key="v", VersionId="no such id")


class Uploads(OnABucket):
    def begin(self, key, **options):
        return self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **options)["UploadId"]

    def part(self, key, upload, number, body):
        put = self.s3.upload_part(Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": put["ETag"]}

    def complete(self, key, upload, parts, **options):
        return self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **options
        )

    def test_parts_become_an_object_with_a_multipart_etag(self):
        for key in ("m/parts", "../parts"):
            upload = self.begin(key, ContentType="text/plain", Tagging="a=1")
            bodies = [b"a" * 5 * MEBIBYTE, b"b" * 5 * MEBIBYTE, b"c"]
            parts = [self.part(key, upload, number, body) for number, body in enumerate(bodies, 3)]
            listed = self.s3.list_parts(Bucket=self.bucket, Key=key, UploadId=upload, MaxParts=2)
            self.assertEqual(([part["PartNumber"] for part in listed["Parts"]], listed["IsTruncated"]), ([3, 4], True))
            self.assertEqual([it["Key"] for it in self.s3.list_multipart_uploads(Bucket=self.bucket)["Uploads"]], [key])
            self.refused("NoSuchKey", self.s3.get_object, Key=key)
            done = self.complete(key, upload, parts)
            digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
            self.assertEqual(done["ETag"], f'"{digest}-3"')
            got = self.get(key)
            self.assertEqual((got["Body"].read(), got["ContentType"], got["TagCount"]), (b"".join(bodies), "text/plain", 1))
            self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key=key, PartNumber=3)["ContentLength"], 1)
            self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=self.bucket))

    def test_invalid_parts_are_refused(self):
        upload = self.begin("x")
        one, two = self.part("x", upload, 1, b"1"), self.part("x", upload, 2, b"2")
        complete = {"Key": "x", "UploadId": upload}
        for code, parts in [("InvalidPartOrder", [two, one]), ("EntityTooSmall", [one, two]), ("InvalidPart", [{**one, "ETag": '"x"'}])]:
            self.refused(code, self.s3.complete_multipart_upload, MultipartUpload={"Parts": parts}, **complete)
        self.refused("InvalidArgument", self.s3.upload_part, Key="x", UploadId=upload, PartNumber=10_001, Body=b"")
        self.put("x", b"there")
        self.refused("PreconditionFailed", self.s3.complete_multipart_upload, MultipartUpload={"Parts": [one]}, IfNoneMatch="*", **complete)
        self.s3.abort_multipart_upload(Bucket=self.bucket, Key="x", UploadId=upload)
        self.refused("NoSuchUpload", self.s3.upload_part, Key="x", UploadId=upload, PartNumber=1, Body=b"")
        self.assertEqual(self.body("x"), b"there")

    def test_a_part_can_be_a_range_of_another_object(self):
        self.put("source", b"0123456789" * MEBIBYTE)
        upload = self.begin("joined")
        source = {"Bucket": self.bucket, "Key": "source"}
        copied = self.s3.upload_part_copy(
            Bucket=self.bucket, Key="joined", UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=5-{5 * MEBIBYTE + 4}"
        )
        parts = [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}, self.part("joined", upload, 2, b"end")]
        self.complete("joined", upload, parts)
        self.assertEqual(self.body("joined"), (b"0123456789" * MEBIBYTE)[5 : 5 * MEBIBYTE + 5] + b"end")

    def test_a_large_file_is_uploaded_and_downloaded(self):
        content = bytes(range(256)) * 4096 * 20
        self.s3.upload_fileobj(io.BytesIO(content), self.bucket, "large")
        back = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "large", back)
        self.assertEqual(back.getvalue(), content)
        self.assertRegex(self.get("large")["ETag"], '^"[0-9a-f]{32}-3"$')


class Buckets(OnABucket):
    def test_buckets_are_created_listed_and_deleted(self):
        self.assertIn(self.bucket, [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]])
        self.assertEqual(self.s3.get_bucket_location(Bucket=self.bucket)["LocationConstraint"], REGION)
        self.refused("BucketAlreadyOwnedByYou", self.s3.create_bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.put("a/b")
        self.refused("BucketNotEmpty", self.s3.delete_bucket)
        self.s3.delete_object(Bucket=self.bucket, Key="a/b")
        self.s3.delete_bucket(Bucket=self.bucket)
        self.refused("NoSuchBucket", self.s3.list_objects_v2)
        self.refused("NoSuchBucket", self.s3.put_object, Key="a", Body=b"")
