#!/usr/bin/env python3
"""content_hash of contact records: content_hash.py FILE... prints `<hash>  <file>` for each file with one JSON record.
PII_HASH_KEY (base64), if set, gives the keyed hash. Needs the package xxhash."""
import base64
import hmac
import json
import os
import re
import sys

import xxhash

NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")


class Number(str):
    """A number in canonical form; a separate type distinguishes it from strings."""


def number(written: str) -> Number:
    """Works on the text only: a float would round, and Python's int() refuses more than 4300 digits."""
    minus, whole, fraction, sign, exponent = (part or "" for part in NUMBER.fullmatch(written).groups())
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return Number("0")  # first, because -0 and a zero with a huge exponent are zero too
    exponent = exponent.lstrip("0")  # the length counts in the exponent as written, not in the resulting power
    if len(exponent) > 18:
        return Number(written)  # so that ports can add powers in 64 bits
    power = int(sign + (exponent or "0")) - len(fraction)
    significant = digits.rstrip("0")
    power += len(digits) - len(significant)
    return Number(minus + significant + (f"e{power}" if power else ""))


def characters(text: str) -> str:
    """The parser has joined surrogate pairs. The remaining ones are lone surrogates, which UTF-8 cannot represent."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def members(pairs: list) -> dict:
    """Names are compared after decoding. Nulls are removed after repeated names: a member whose last value is null is removed."""
    last = {characters(name): value for name, value in pairs}
    return {name: value for name, value in last.items() if value is not None}


def constant(name: str):
    raise ValueError(f"{name} is not JSON")  # Python's parser would accept NaN and Infinity


def string(text: str) -> str:
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in characters(text)) + '"'


def write(value) -> str:
    if isinstance(value, dict):  # sort by bytes, not by UTF-16 units, which put U+1F600 before U+FF5E
        names = sorted(value, key=lambda name: name.encode())
        return "{" + ",".join(string(name) + ":" + write(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        return string(value)
    return {True: "true", False: "false", None: "null"}[value]


def canonical(record: bytes) -> bytes:
    text = record.decode("utf-8-sig")  # skips a byte order mark; bytes that are not UTF-8 raise
    value = json.loads(text, parse_int=number, parse_float=number, parse_constant=constant, object_pairs_hook=members)
    if not isinstance(value, dict):
        raise ValueError("a record must be an object")
    return write(value).encode()


def content_hash(record: bytes, key: bytes | None) -> str:
    text = canonical(record)
    if key is None:
        return xxhash.xxh3_128_hexdigest(text)  # seed 0, high half first
    return hmac.new(key, b"\xffcontent_hash" + text, "sha256").hexdigest()[:32]


if __name__ == "__main__":
    secret = os.environ.get("PII_HASH_KEY")  # empty counts as not set, as in the function
    hash_key = base64.b64decode(secret, validate=True) if secret else None
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            print(f"{content_hash(file.read(), hash_key)}  {path}")
