"""Checks every page that people read: README, ARCHITECTURE, CHANGELOG, CONTRIBUTING, SECURITY, and docs/, in both languages.

- A page begins with what it is for: a paragraph under its title, before any heading, table, list or code.
- No walls of text: a paragraph, a list item or a table cell has a limit of words, and a list or a table follows within three screens.
- Links within the repository lead to a file and a heading that exist, and so do paths in the text.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS_PER_PARAGRAPH = 110
WORDS_PER_CELL = 110
WORDS_OF_PURPOSE = 8
# Three screens of 40 lines, in which a paragraph may be one line.
LINES_OF_TEXT = 120
WORDS_OF_TEXT = 1000
FENCE = re.compile(r"^\s*(```|~~~)")
# A path that begins with one of the repository's folders, or a file in one.
PATH = re.compile(r"(?<![\w./-])((?:functions|shared|tools|tests|queries|template|docs|benches|events|\.ci)/[\w./*…-]*[\w*…/])")
CODE = re.compile(r"`([^`]+)`")
MAKE = re.compile(r"`make ([a-z][\w-]*)")
LINK = re.compile(r"\]\(\s*([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)|(?:href|src)=\"([^\"]+)\"", re.MULTILINE)


def pages():
    return [
        *(ROOT / name for name in (
            "README.md", "README.pt-BR.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md",
            "tests/deploy/earlier/README.md",
        )),
        *sorted((ROOT / "docs").glob("**/*.md")),
    ]


def blocks(text):
    """Each block of lines with its first line's number and its kind: heading, code, table, list or text."""
    block, kind, start, fenced = [], None, 0, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if FENCE.match(line):
            fenced = not fenced
            of = "code"
        elif fenced:
            of = "code"
        elif not line.strip() or re.fullmatch(r"<!--.*-->", line.strip()):
            of = None
        elif line.startswith("#"):
            of = "heading"
        elif line.lstrip().startswith("|"):
            of = "table"
        elif re.match(r"\s*(?:[-*]|\d+\.)\s", line):
            of = "item"
        else:
            of = kind if kind in ("text", "item") else "text"
        if (of != kind or of in ("item", "heading") and re.match(r"\s*(?:[-*]|\d+\.|#+)\s", line)) and block:
            yield start, kind, block
            block = []
        if of:
            start = start if block else number
            block.append(line)
        kind = of


def words(text):
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


def shape(text):
    """What makes the page hard to read, with its line."""
    last_structure, count = 0, 0
    first = [(kind, words(" ".join(lines))) for _, kind, lines in blocks(text)][:2]
    if [kind for kind, _ in first] != ["heading", "text"] or first[1][1] < WORDS_OF_PURPOSE:
        yield 1, "it does not begin with what it is for: a title, then a paragraph"
    if len(re.findall(FENCE.pattern, text, re.MULTILINE)) % 2:
        yield 1, "a code fence is not closed"
    for start, kind, lines in blocks(text):
        length = words(" ".join(lines))
        if kind in ("table", "item", "code"):
            last_structure, count = start + len(lines), 0
        else:
            count += length
            if start - last_structure > LINES_OF_TEXT or count > WORDS_OF_TEXT:
                yield start, f"more than {LINES_OF_TEXT} lines or {WORDS_OF_TEXT} words without a list, a table or an example"
        if kind in ("text", "item", "heading") and length > WORDS_PER_PARAGRAPH:
            yield start, f"a paragraph of {length} words: split it, or make it a list"
        if kind == "table":
            for row, line in enumerate(lines):
                longest = max(words(cell) for cell in re.split(r"(?<!\\)\|", line))
                if longest > WORDS_PER_CELL:
                    yield start + row, f"a cell of {longest} words"


def without_code(text):
    """The text with empty lines instead of code blocks and comments, so that lines keep their numbers."""
    empty = lambda match: "\n" * match[0].count("\n")
    text = re.sub(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", empty, text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"<!--.*?-->", empty, text, flags=re.DOTALL)


def anchors(page):
    """The headings of a page as GitHub links to them: the second one of the same name ends in `-1`."""
    found = set()
    for heading in re.findall(r"^#{1,6} (.*)$", without_code(page.read_text()), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(name)
    return found


def references(page, text, known, targets):
    """Links, paths and make targets that lead nowhere. Only what is in the repository counts as there."""
    folders = {str(parent) for name in known for parent in pathlib.PurePath(name).parents}
    text = without_code(text)
    for match in LINK.finditer(text):
        number, target = text.count("\n", 0, match.start()) + 1, next(filter(None, match.groups()))
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        name = str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else None
        is_folder = name in folders
        if name not in known and not is_folder or path.endswith("/") and not is_folder:
            yield number, f"{target} leads to no file of the repository"
        elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
            yield number, f"{target}: {file.name} has no such heading"
    for number, line in enumerate(text.splitlines(), 1):
        for path in (path for code in CODE.findall(line) for path in PATH.findall(code)):
            if not any(mark in path for mark in "*…") and path.rstrip("/") not in known and path.rstrip("/") not in folders:
                yield number, f"{path} does not exist"
        for target in MAKE.findall(line):
            if target not in targets:
                yield number, f"make has no target {target}"


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    known = set(listed.stdout.decode().split("\0"))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    count = 0
    for page in pages():
        text = page.read_text()
        for number, problem in [*shape(text), *references(page, text, known, targets)]:
            count += 1
            print(f"{page.relative_to(ROOT)}:{number}: {problem}")
    print(f"pages: {len(pages())} read, {count} to correct")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
