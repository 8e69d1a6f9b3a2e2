"""Refuses the words in `AVOID`, in every file of the repository, identifiers included. The terms to use are in docs/glossary.md.

The published interface may contain them, and so may the earlier template that a test updates: `INTERFACE` and `EXEMPT`. Metric names,
reasons, outcomes, S3 keys, columns and environment variables are the published interface and stay as they are.

Also avoid, although they can be right elsewhere and are not checked: "told" and "tells" (is reported, is shown, says), "goes on" (resumes,
keeps running), "side by side" (concatenated), and "for good" (permanently).
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Each with what to write instead.
AVOID = {
    r"so many": "the number of, N",
    r"(?:is|are|was|were|be|been|being|not) (?:\w+ )?told": "reported, shown",
    r"(?:of|by) another make": "third-party",
    r"anew": "again, rebuild",
    r"weather\w*": "fault injection, faults",
    r"(?:sets?|setting) (?:\w+ ){0,5}aside": "rejected, discarded, sent to the on-failure destination",
    r"centre\w*|centring": "center",
    r"(?:given|gave|gives?|giving) (?:it |them )?up": "discarded, retries exhausted",
    r"as (?:it|they) (?:came|comes?)": "raw, unchanged, as it arrives",
    r"(?:became|becomes?) of": "the outcome of",
    r"looks? (?:\w+ ){0,2}over": "diagnose, check",
    r"makes? (?:\w+ ){0,2}right": "fix",
    r"(?:comes?|came) twice": "is duplicated, arrives twice",
    r"heard of": "seen, received",
    r"for ever": "forever",
    r"one behind the other": "concatenated",
    r"whoever|whatever became": "anyone who",
    r"\w*colour\w*|behaviour\w*|licenc\w*|catalogue\w*|grey\w*": "American spelling",
    r"(?:un)?disturb(?:s|ed|ing|ances?)?": "fault injection, faults",
}
# Keys, columns and ids that are published.
INTERFACE = [
    r"\bgiven_up\b",
    r"\b(?:contacts_)?customer_gave_up\b",
    r"\bAgentEventsGivenUp\b|\bAgent Events Given Up\b|\bagent-events-given-up\b",
    r"\bId: GivenUp\b",
]
EXEMPT = {
    "tests/docs/words.py": "the list itself",
    "tests/deploy/earlier/template.yaml": "a template as it was deployed once",
}
PATTERN = re.compile("|".join(rf"\b(?P<w{number}>{words})\b" for number, words in enumerate(AVOID)).replace(" ", " +"), re.IGNORECASE)
# What separates words: also in an identifier, in markup, and between an HTML tag or entity and its neighbors.
SEPARATOR = re.compile(r"&nbsp;|<br ?/?>|<!--[^\n]*?-->|[-_*`~\[\]\u00a0\u200b\t]|(?<=[a-z])(?=[A-Z])")
# A line end, with what marks the next line as a comment or a quotation, is a space.
LINE_END = re.compile(r"[ \t]*\n[ \t]*(?://[/!]?|#+|--|\*|>|\|)?[ \t]*")
LOCKED = re.compile(r"(^|/)(Cargo\.lock|package-lock\.json|requirements\.txt)$|/vendor/|/LICENSE|\.(gz|bin|parquet|png|snap)$")


def flattened(text):
    """The text on one line, and the line of every character in it."""
    pieces, lines, at, line = [], [], 0, 1
    for end in [*LINE_END.finditer(text), None]:
        piece = text[at : end.start() if end else None]
        pieces += [piece, " "]
        lines += [line] * (len(piece) + 1)
        line += 1
        at = end.end() if end else at
    return "".join(pieces), lines


def found_in(text):
    """Line, words and advice for each place."""
    for allowed in INTERFACE:
        text = re.sub(allowed, lambda match: "·" * len(match[0]), text)
    flat, lines = flattened(SEPARATOR.sub(" ", text))
    for match in PATTERN.finditer(flat):
        advice = list(AVOID.values())[int(match.lastgroup.removeprefix("w"))]
        yield lines[match.start()], match[0], advice


def files():
    names = subprocess.run(["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [name for name in names if name and name not in EXEMPT and not LOCKED.search(name)]


def main():
    examples = ["it is told", "is then told", "set_aside", "// was set\n    // aside", "in the Centre", "what\nbecame of it", "made anew"]
    examples += ["set-aside", "setAside", "so **many**", "so `many`", "gave *up*", "so&nbsp;many", "so\u00a0many", "so  many", "colours", "centred"]
    missed = [example for example in examples if not list(found_in(example))]
    missed += [example for example in ["given_up", "customer_gave_up", "untold", "renewed"] if list(found_in(example))]
    if missed:
        sys.exit(f"error: the check itself is wrong about {missed}")
    count, read = 0, 0
    for name in files():
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        read += 1
        for line, words, advice in found_in(text):
            count += 1
            print(f"{name}:{line}: “{words}”: write {advice}")
    print(f"words: {read} files read, {count} to rewrite")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
