"""Compares content_hash.py, which was written from docs/contact-record.md alone, with the functions' own hashes: in the row of every
fixture, and in vectors.json, which a test of the functions also reads."""

import json
import pathlib
import sys

from content_hash import content_hash

HERE = pathlib.Path(__file__).resolve().parent
KEY = b"0123456789abcdef0123456789abcdef"


def cases():
    """For each case: its name, the expected hash, and the actual one."""
    fixtures = HERE.parent / "fixtures" / "contact-records"
    for row in sorted(fixtures.glob("*.row.json")):
        record = row.with_name(row.name.replace(".row.json", ".json")).read_bytes()
        yield row.name, json.loads(row.read_text())["content_hash"], content_hash(record, None)
    for number, vector in enumerate(json.loads((HERE / "vectors.json").read_text())):
        record = vector["record"].encode()
        yield f"vector {number}", vector["hash"], content_hash(record, None)
        yield f"vector {number} with a key", vector["keyed"], content_hash(record, KEY)


def main():
    found = list(cases())
    wrong = [case for case in found if case[1] != case[2]]
    for name, should, is_ in wrong:
        print(f"{name}: {is_} instead of {should}")
    if len(found) < 60:
        sys.exit(f"error: only {len(found)} cases were found")
    verdict = "FAILED" if wrong else "ok"
    print(f"test result: {verdict}. {len(found) - len(wrong)} passed; {len(wrong)} failed; 0 ignored")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
