"""Uses a release as somebody would who has only downloaded it: unpacks the archive into an empty folder, checks the checksums, deploys
from there, and runs the demo and the board from there.

`make test-release` tests the release in target/release-files. Otherwise, a release is put together from the builds of the other tests.
"""

import base64
import gzip
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time
import urllib.request
import zipfile

import boto3

import emulator
from emulator import BIN, BUILT, ROOT, EmulatorTest, eventually, say
from guided import AFTER, BEFORE, Conversation, declared_parameters

FUNCTIONS = {
    "ContactRecordNormalizer": "contact-record-normalizer",
    "AgentEventUpserter": "agent-event-upserter",
    "Redrive": "redrive",
}
# From unpacking until something moves on the board.
PATIENCE = 60.0


def assembled(folder):
    """A release of the builds that the other tests use: the functions in target/sam, under their logical IDs, and target/debug."""
    functions = folder / "functions"
    for logical_id, name in (FUNCTIONS | {"ContactEventUpserter": "contact-event-upserter"}).items():
        (functions / name).mkdir(parents=True)
        (functions / name / "bootstrap").symlink_to(BUILT.parent / logical_id / "bootstrap")
    output = folder / "release"
    command = [ROOT / "tools/release/assemble.py", "--programs", ROOT / "target/debug", "--functions", f"x86_64={functions}"]
    emulator.run("python3", "-B", *command, "--any-glibc", "--output", output)
    return output


class Released(EmulatorTest):
    needs_build = "RELEASE" not in os.environ

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        given = os.environ.get("RELEASE")
        cls.release = pathlib.Path(given) if given else assembled(cls.folder)
        cls.began = time.monotonic()
        [archive] = cls.release.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(cls.folder / "unpacked", filter="data")
        [cls.unpacked] = (cls.folder / "unpacked").iterdir()
        cls.unpacking = time.monotonic() - cls.began
        say(f"{archive.name}: {archive.stat().st_size / 1e6:.0f} MB, unpacked in {cls.unpacking:.1f} s")

    def test_checksums_and_contents(self):
        lines = dict(reversed(line.split("  ", 1)) for line in (self.unpacked / "SHA256SUMS").read_text().splitlines())
        files = {str(path.relative_to(self.unpacked)) for path in self.unpacked.rglob("*") if path.is_file()}
        self.assertEqual(files - {"SHA256SUMS", "samconfig.toml"}, set(lines))
        for name, checksum in lines.items():
            self.assertEqual(hashlib.sha256((self.unpacked / name).read_bytes()).hexdigest(), checksum, name)
        [archive] = self.release.glob("*.tar.gz")
        whole = (self.release / "SHA256SUMS").read_text().split()
        self.assertEqual(whole, [hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name])
        with gzip.open(archive) as packed:
            names = tarfile.open(fileobj=packed).getnames()
        self.assertEqual(names, sorted(names, key=pathlib.PurePath))
        for template in self.unpacked.glob("template*.yaml"):
            for zipped in re.findall(r"CodeUri: (\S+)", template.read_text()):
                with zipfile.ZipFile(self.unpacked / zipped) as archive:
                    [entry] = archive.infolist()
                    self.assertEqual((entry.filename, entry.external_attr >> 16 & 0o111), ("bootstrap", 0o111))
        for page in self.unpacked.rglob("*.md"):
            for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
                self.assertTrue(re.match(r"\w+:", target) or (page.parent / target).exists(), f"{page}: {target}")
        if "RELEASE" in os.environ:
            self.assertLessEqual({"sbom", "THIRD-PARTY-LICENSES.txt", "README.md", "LICENSE", "docs"}, {path.name for path in self.unpacked.iterdir()})
            self.assertIn("serde_json", (self.unpacked / "THIRD-PARTY-LICENSES.txt").read_text())

    def test_a_guided_deployment_needs_nothing_but_the_release(self):
        # The emulator runs functions on this machine.
        other = self.unpacked / "template-x86_64.yaml"
        options = ["--template-file", other.name] if other.exists() else []
        conversation = Conversation([BIN / "sam", "deploy", "--guided", *options], self.unpacked, {})
        self.assertEqual(conversation.code, 0, conversation.tail())
        self.assertEqual(conversation.asked, BEFORE + [f"Parameter {one}" for one in declared_parameters()] + AFTER)
        self.assertEqual(self.status("contact-ledger"), "CREATE_COMPLETE")
        outputs, resources = self.outputs_of("contact-ledger"), self.resources_of("contact-ledger")
        version = subprocess.run([self.unpacked / "bin/contact-ledger", "--version"], capture_output=True, text=True).stdout
        self.assertEqual(outputs["Version"], version.split()[1])
        client = boto3.client("lambda")
        for logical_id, name in FUNCTIONS.items():
            function = client.get_function_configuration(FunctionName=resources[logical_id][1])
            self.assertEqual(function["Architectures"], ["x86_64"])
            zipped = (self.unpacked / "functions/x86_64" / f"{name}.zip").read_bytes()
            self.assertEqual(function["CodeSha256"], base64.b64encode(hashlib.sha256(zipped).digest()).decode(), name)
        # The functions run: a record becomes a row.
        contact = (ROOT / "tests/fixtures/contact-records/agent-queue.json").read_bytes()
        boto3.client("firehose").put_record(DeliveryStreamName=outputs["ContactRecordFirehoseName"], Record={"Data": contact})
        rows = eventually("the contact record to become a row", lambda: self.objects(outputs["LakeBucketName"], "contact_records/"))
        self.assertEqual([json.loads(row)["contact_id"] for row in rows.values()], [json.loads(contact)["ContactId"]])

    def test_the_board_moves_within_a_minute(self):
        # Nothing else is on the PATH, and nothing of the repository is near.
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        programs, output = self.unpacked / "bin", self.folder / "live"
        began = time.monotonic()

        def start(*command):
            process = subprocess.Popen(list(map(str, command)), env=environment, cwd=self.folder, stdout=subprocess.PIPE, text=True)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            return process

        demo = start(programs / "contact-ledger", "demo", "--live", "--pace", "2", "--output", output)
        while "keeps running" not in (line := demo.stdout.readline()):
            self.assertTrue(line, "the demo ended")
        started = time.monotonic() - began
        board = start(programs / "contact-ledger", "board", "--local", output)
        while not (line := board.stdout.readline().strip()).endswith("board.json"):
            self.assertIsNone(board.poll(), "the board ended")

        def moving():
            with urllib.request.urlopen(line, timeout=5) as reply:
                document = json.load(reply)
            return {key: document[key] for key in ("totals", "agents", "contacts")}

        first = moving()
        self.assertGreater(first["totals"]["agents_online"], 0)
        eventually("the board to move", lambda: moving() != first)
        moved = time.monotonic() - began
        say(f"the demo is ready after {started:.1f} s, and the board moves after {moved:.1f} s; unpacking took {self.unpacking:.1f} s")
        self.assertLess(self.unpacking + moved, PATIENCE)
