"""Tests common S3 clients on the local S3: verify.py [-k PATTERN] [client ...]"""

import sys

from lake import STACK
from running import run_tests

from raw_paths import *  # noqa: F403, makes every test part of this program
from with_aws_cli import *  # noqa: F403
from with_boto3 import *  # noqa: F403
from with_duckdb import *  # noqa: F403
from with_pyarrow import *  # noqa: F403
from with_s3fs import *  # noqa: F403

del OnABucket  # noqa: F821, a base class without tests



if __name__ == "__main__":
    try:
        STACK.start()
        run_tests("clients of S3", sys.argv[1:])
    finally:
        STACK.stop()
