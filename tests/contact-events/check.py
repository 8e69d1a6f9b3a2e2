#!/usr/bin/env python3
"""Compares the contacts in flight with fold.py, which was written from Amazon's documentation alone.

Usage: check.py BINARIES [CONTACTS [SEED]]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter

HERE = pathlib.Path(__file__).parent


def lines(text):
    """The rows by contact, the counts by queue, and the totals."""
    rows = [json.loads(line) for line in text.splitlines()]
    kinds = {"contact_id": {}, "queue_id": {}, "contacts": {}}
    for row in rows:
        kind = next(name for name in kinds if name in row)
        assert row[kind] not in kinds[kind], row
        kinds[kind][row[kind]] = row
    return kinds


def main():
    binaries, *more = sys.argv[1:]
    contacts, seed = [*more, *["3000", "1"][len(more):]]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([f"{binaries}/contacts-in-flight", folder, contacts, seed], check=True)
        command = [sys.executable, HERE / "fold.py", folder / "events.jsonl", "--now", (folder / "now").read_text()]
        theirs = lines(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ours = lines((folder / "contacts.jsonl").read_text())
    different = [
        (ours[kind].get(key), theirs[kind].get(key))
        for kind in ours
        for key in ours[kind].keys() | theirs[kind].keys()
        if ours[kind].get(key) != theirs[kind].get(key)
    ]
    for one, other in different[:10]:
        print("ours:  ", json.dumps(one))
        print("theirs:", json.dumps(other))
    rows = ours["contact_id"].values()
    stages = Counter(row["stage"] for row in rows)
    print(f"compared with fold.py: {len(rows)} contacts in flight ({dict(stages)}) and",
          f"{len(ours['queue_id'])} queues, {len(different)} different")
    if different or not stages["queued"] or not stages["with_agent"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
