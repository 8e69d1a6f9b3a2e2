"""Common clients of S3 on the local S3, each at its own version: verify.py [-k PATTERN] [client ...]"""

import sys

from lake import STACK
from running import run_tests

from raw_paths import *  # noqa: F403, every test is one of this program's
from with_aws_cli import *  # noqa: F403
from with_boto3 import *  # noqa: F403
from with_duckdb import *  # noqa: F403
from with_pyarrow import *  # noqa: F403
from with_s3fs import *  # noqa: F403

del OnABucket  # noqa: F821, it only prepares



if __name__ == "__main__":
    try:
        STACK.start()
        run_tests("clients of S3", sys.argv[1:])
    finally:
        STACK.stop()
