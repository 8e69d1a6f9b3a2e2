"""The stack that the clients use: a small demo, served."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEDGER = ROOT / "target" / "debug" / "contact-ledger"
LAKE = "lake"
REGION = "eu-west-2"

sys.path.append(str(ROOT / "tests" / "support"))
from running import eventually  # noqa: E402, the path comes before

# Keys that S3 allows, but a file system does not, or interprets differently.
ODD_KEYS = [
    "odd/../../x",
    "../x",
    "..",
    ".",
    "/leading",
    "trailing/",
    "//",
    "double//slash",
    ".hidden/.name",
    "prefix",
    "prefix/of/another",
    "Case",
    "case",
    "new\nline",
    "control-\x01-\x7f",
    "nul-\x00",
    "percent-%2e%2e%2f",
    "plus + space & more?#",
    "quote-\"'<>&",
    "umlaut-ü",
    "umlaut-u\u0308",
    "emoji-😀",
    "s" * 256 + "/long",
    "k" * 1024,
]
# XML 1.0 cannot represent these, so a client cannot name them when it lists keys or deletes several at once, only in a single request.
BEYOND_XML = [key for key in ODD_KEYS if any(ord(character) < 32 and character not in "\t\n\r" for character in key)]


class Stack:
    """A demo of one hour, served until the tests end."""

    def start(self):
        if not LEDGER.is_file():
            sys.exit(f"error: {LEDGER} is missing; build it with `cargo build --workspace`")
        self.temporary = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.temporary.name)
        self.output = root / "stack"
        self.log = open(root / "log", "w+")
        command = [LEDGER, "demo", "--serve", "--agents", "2", "--hours", "1", "--output", self.output]
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.log, stderr=self.log)
        served = eventually("the local stack to start", self._served, patience=120)
        self.endpoint = served["s3"]
        self.keys = (served["keys"]["access_key_id"], served["keys"]["secret_access_key"])
        self._use_nothing_of_the_user()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.temporary.cleanup()

    def is_alive(self):
        return self.process.poll() is None

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def outside(self):
        """The contents of every file outside the buckets and the store's own folder."""
        buckets = {entry.name for entry in self.output.iterdir() if entry.is_dir()} - {"logs"}
        # The list of files that the demo has written grows with every file.
        files = [
            path
            for path in self.output.parent.rglob("*")
            if path.is_file() and path != self.output / ".contact-ledger-demo"
        ]
        inside = [self.output / bucket for bucket in buckets] + [self.output / "logs", self.output.parent / "log"]
        return {str(path): path.read_bytes() for path in files if not any(path.is_relative_to(folder) for folder in inside)}

    def environment(self):
        """The environment of a client that is a program."""
        return {**os.environ, "AWS_ENDPOINT_URL_S3": self.endpoint}

    def _served(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the local stack exited: {self.said()}")
        if "Everything keeps running" not in self.said():
            return None
        return json.loads((self.output / "stack.json").read_text())

    def _use_nothing_of_the_user(self):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(
            AWS_ACCESS_KEY_ID=self.keys[0],
            AWS_SECRET_ACCESS_KEY=self.keys[1],
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        )


STACK = Stack()
