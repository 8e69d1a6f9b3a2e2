"""Checks every page that people read: README, ARCHITECTURE, CHANGELOG and docs/.

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
# Three screens of 40 lines.
LINES_OF_TEXT = 120
FENCE = re.compile(r"^\s*```")
# A path that begins with one of the repository's folders, or a file in one.
PATH = re.compile(r"`((?:functions|shared|tools|tests|queries|template|docs|benches|events)/[\w./*…-]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages():
    return [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def blocks(text):
    """Each block of lines with its first line's number and its kind: heading, code, table, list or text."""
    block, kind, start, fenced = [], None, 0, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if FENCE.match(line):
            fenced = not fenced
            of = "code"
        elif fenced:
            of = "code"
        elif not line.strip() or line.startswith("<!--"):
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
    last_structure = 0
    seen = [kind for _, kind, _ in blocks(text)][:2]
    if seen != ["heading", "text"]:
        yield 1, "it does not begin with what it is for: a title, then a paragraph"
    for start, kind, lines in blocks(text):
        if kind in ("table", "item", "code"):
            last_structure = start + len(lines)
        elif start - last_structure > LINES_OF_TEXT:
            yield start, f"more than {LINES_OF_TEXT} lines without a list, a table or an example"
        if kind in ("text", "item") and words(" ".join(lines)) > WORDS_PER_PARAGRAPH:
            yield start, f"a paragraph of {words(' '.join(lines))} words: split it, or make it a list"
        if kind == "table":
            for row, line in enumerate(lines):
                longest = max(words(cell) for cell in re.split(r"(?<!\\)\|", line))
                if longest > WORDS_PER_CELL:
                    yield start + row, f"a cell of {longest} words"


def anchors(page):
    """The headings of a page as GitHub links to them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def references(page, text, known):
    """Links and paths that lead nowhere."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                yield number, f"{target} leads to no file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                yield number, f"{target}: {file.name} has no such heading"
        for path in PATH.findall(line):
            if "*" not in path and "…" not in path and not any(name == path or name.startswith(f"{path.rstrip('/')}/") for name in known):
                yield number, f"{path} does not exist"


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    known = listed.stdout.decode().split("\0")
    count = 0
    for page in pages():
        text = page.read_text()
        for number, problem in [*shape(text), *references(page, text, known)]:
            count += 1
            print(f"{page.relative_to(ROOT)}:{number}: {problem}")
    print(f"pages: {len(pages())} read, {count} to correct")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
