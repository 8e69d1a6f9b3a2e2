"""Contact records with values that are hard to pass through: every path of a record gets every odd value.

The paths come from a record that has every field, so that new fields are covered, too. Values are JSON text,
because some are indistinguishable from others after parsing: `1.50`, a repeated key, a lone surrogate.
"""

import itertools
import json

# The fields that a record needs to become a row. They keep their values.
REQUIRED = ("ContactId", "InstanceARN", "InitiationTimestamp", "LastUpdateTimestamp")

NUMBERS = """
    0 -0 7 -7 2147483648 9223372036854775807 -9223372036854775808 9223372036854775808 -9223372036854775809
    1234567890123456789012345678901234567890 0.0 -0.0 1.0 1.50 0.1 0.30000000000000004 123456789.123456789 1e3 1E+3 1e-7
    9007199254740993 9007199254740993.0 1.7976931348623157e308 1.7976931348623159e308 1e400 -1e400 4.9e-324
    2.2250738585072011e-308 1e-400 88.5 3.141592653589793238462643383279502884197
""".split()

TIMES = [
    "2026-03-02T08:00:00Z",
    *(f"2026-03-02T08:00:00.{'1234567891'[:digits]}Z" for digits in range(1, 10)),
    "2026-03-02T08:00:00.999999999Z",
    "2026-03-02T08:00:00.000Z",
    "2026-03-02T09:30:00.007+01:30",
    "2026-03-02T08:00:00-11:00",
    "2026-03-02t08:00:00z",
    "0001-01-01T00:00:00Z",
    "0099-12-31T23:59:59.999Z",
    "1582-10-10T12:00:00Z",
    "1883-11-18T12:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00.001Z",
    "2016-12-31T23:59:60Z",
    "2024-02-29T12:00:00Z",
    "2026-03-29T01:30:00Z",
    "2262-04-11T23:47:16.855Z",
    "2262-04-12T00:00:00Z",
    "9999-12-30T21:59:59.999Z",
    # Not times in the schema, but lenient readers accept them.
    "2026-03-02T08:00:00",
    "2026-03-02 08:00:00",
    "2026-03-02",
    "1772438400",
    "1772438400123",
    "1772438400.5",
]

TEXTS = [
    "",
    " ",
    "  two spaces on both sides  ",
    "null",
    "NULL",
    "true",
    "FALSE",
    "0",
    "7",
    "1.50",
    "007",
    "0x1F",
    "1e3",
    "NaN",
    "Infinity",
    "-Infinity",
    '"quoted"',
    "'single'",
    "back\\slash \\u0041 \\n",
    "# no comment // neither /* nor this */",
    "a = b => c; d, e: f",
    '{"json": [1, {"a": null}]}',
    "[1, 2]",
    "slash / and \\/",
    "".join(map(chr, range(0x20))) + "\x7f",
    "line one\r\nline two\u2028three\u2029four\u0085five",
    "\ufeffwith a byte order mark",
    "Zürich, Kraków, İstanbul, Łódź, ẞ, ﬁ, ǅ",
    "e\u0301 and \u00e9",
    "日本語 한국어 ภาษาไทย",
    "שלום مرحبا \u202eright to left\u202c",
    "👩\u200d👩\u200d👧 🇬🇧 𝔘𝔫𝔦",
    "\U0010ffff \ufffe \uffff \ue000",
    "x" * 33_000,
]

# Escapes that a JSON writer would not produce.
ESCAPES = [r'"\u0041\u00e9\/\b\f"', r'"\ud83d\ude00"', r'"\ud83d"', r'"\ude00\ud83d"', r'"\u0000\u001f\u007f"']

NESTED = r"""
    [] {} [[]] [{}] [null] {"":null} ["a"] ["a",null,"b"] ["a",1] [1,2] [true] [["a"],["b"]] [{"a":1},null,"x",[]]
    {"a":1} {"a":{"b":[1,{"c":null}]}}
    {"ValueString":"x"} {"ValueMap":{"k":{"ValueString":"v"}}} {"ValueString":"x","ValueInteger":1}
    [""] ["","b"] ["\u0020"] ["null"] [null,null] [{"Type":null}] [[],{}]
""".split()

KEYS = [
    "", " ", "a", "A", "Aa", "aA", "a.b", "a_b", "A.B", "A_B", "a..b", ".", "..", "_", "a:b", "aws:connect:Subtype",
    "a b", "null", "NULL", "true", "1", "1.0", "01", "0x1", '"', "'", "\\", "/", "{", "}", "#", "a=b", "a=>b", ";", ",",
    "\u0000", "\n", "\t", "e\u0301", "\u00e9", "ß", "SS", "ss", "ẞ", "İ", "i", "I", "ı", "K", "k", "\u212a", "ﬁ", "fi",
    "\ufeff", "ключ", "κλειδί", "鍵", "🔑", "\U0010ffff", "k" * 1_000, "contact_id", "ContactId", "attributes", "extra",
]  # fmt: skip


def odd_values():
    """JSON texts, for any path."""
    yield from ("null", "true", "false")
    yield from NUMBERS
    yield from map(json.dumps, TIMES)
    yield from (json.dumps(text, ensure_ascii=False) for text in TEXTS)
    yield from map(json.dumps, TEXTS[:-1])
    yield from ESCAPES
    yield from NESTED


def odd_objects():
    """JSON texts for paths that have an object: nearly equal keys, and repeated keys."""
    member = "{}:{}".format
    keys = [json.dumps(key, ensure_ascii=False) for key in KEYS]
    yield "{" + ",".join(member(key, json.dumps(f"value {place}")) for place, key in enumerate(keys)) + "}"
    yield "{" + ",".join(member(json.dumps(key), place) for place, key in enumerate(KEYS)) + "}"
    yield r'{"\ud800":"first","\udfff":"second","\ufffd":"third"}'
    yield '{"a":"first","A":"other","a":"last"}'
    yield '{"a":null,"b":"","c":[],"d":{},"e":"null"}'
    yield "{" + ",".join(member(json.dumps(f"k{place}"), value) for place, value in enumerate(odd_values())) + "}"


class Raw:
    """JSON text in place of a value."""

    def __init__(self, text):
        self.text = text


def places(value, path=()):
    """The paths to every value of a record, containers first."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            if path or key not in REQUIRED:
                yield from places(value[key], (*path, key))
    if isinstance(value, list):
        for place, element in enumerate(value):
            yield from places(element, (*path, place))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def text(value):
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def hard_records(complete):
    """Variants of the complete record, each with its own ID."""
    number = itertools.count()

    def record(changes):
        copy = json.loads(json.dumps(complete))
        copy["ContactId"] = f"hard-{next(number)}"
        for path, value in changes.items():
            at(copy, path[:-1])[path[-1]] = Raw(value)
        return text(copy).encode()

    leaves = [path for path in places(complete) if not isinstance(at(complete, path), (dict, list))]
    containers = [path for path in places(complete) if isinstance(at(complete, path), (dict, list))]
    values = list(odd_values())
    # A Latin square: each record has different values in its leaves, and each leaf has every value in some record.
    for turn in range(len(values)):
        chosen = {path: values[(turn + place) % len(values)] for place, path in enumerate(leaves)}
        yield record(chosen)
    wholes = [*NESTED, "null", "true", "7", '"text"', '""', '" "', *odd_objects()]
    for path, value in itertools.product(containers, wholes):
        yield record({path: value})
    # Values of the required fields. The key of a record in the comparison is its ID and its last update.
    for moment in TIMES[:-6]:
        for name in ("InitiationTimestamp", "LastUpdateTimestamp"):
            yield record({(name,): json.dumps(moment)})
    for unusual in (*TEXTS[1:-1], "c" * 900):
        copy = text(complete | {"ContactId": Raw(json.dumps(f"{unusual} {next(number)}"))})
        yield copy.encode()
    # A repeated field, and a record with white space wherever JSON allows it.
    repeated = text(complete | {"ContactId": "repeated"})
    yield (repeated[:-1] + ',"Channel":"CHAT","Attributes":{"later":"1"}}').encode()
    yield json.dumps(complete | {"ContactId": "spacious"}, indent=4).replace("\n", " \r\t").encode()
