"""Compares each page in Portuguese with its English original: the same headings, commands, names in code, and links, in the same places.

Prose may differ, and so may comments in commands. A link within the translated pages leads to the translated page, and an anchor to the
heading in the same place.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from pages import FENCE, ROOT  # noqa: E402, the path comes before

# English page, Portuguese page.
PAGES = {
    "README.md": "README.pt-BR.md",
    **{f"docs/{name}.md": f"docs/pt-BR/{name}.md" for name in ("deploy", "operations", "guide")},
}
# A page of its own: the terms in both languages. Links lead to it.
GLOSSARY = {"docs/glossary.md": "docs/pt-BR/glossary.md"}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
# A list that `make generate` writes in English.
GENERATED = re.compile(r"<!-- (\w+) -->\n.*?<!-- end of \1 -->", re.DOTALL)
# Text in code that is not a name: placeholders in angle brackets, and comments after a command.
PLACEHOLDER = re.compile(r"<[^<>]*>")
COMMENT = re.compile(r"\s+#.*$")


def slug(heading):
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"[`*]", "", LINK.sub(r"\1", heading)).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def sections(text):
    """The sections of a page: level, heading, and text, without generated parts. The first one is before any heading."""
    found, fenced = [(0, "", [])], False
    for line in GENERATED.sub("", text).splitlines():
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else re.match(r"(#+)\s+(.*)", line)
        if heading:
            found.append((len(heading[1]), heading[2], []))
        else:
            found[-1][2].append(line)
    return [(level, heading, "\n".join(lines)) for level, heading, lines in found]


def code_of(text):
    """The lines of commands and other code, and the names in code within the text."""
    blocks, prose, fenced = [], [], False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif fenced:
            line = PLACEHOLDER.sub("<>", COMMENT.sub("", line)).strip()
            blocks.extend([line] if line else [])
        else:
            prose.append(line)
    names = CODE.findall(LINK.sub(r"\1", " ".join(prose)))
    return blocks, sorted(" ".join(PLACEHOLDER.sub("<>", name).split()) for name in names)


def targets(page, text, anchors):
    """Where the links of a section lead: a file, and the number of a heading if the page is translated."""
    found = []
    for _, target in LINK.findall(re.sub(r"`[^`]*`", "", text)):
        if re.match(r"\w+:", target):
            # A page of AWS that exists in Portuguese.
            found.append(target.replace("://repost.aws/pt/", "://repost.aws/"))
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent.joinpath(path).resolve().relative_to(ROOT).as_posix() if path else page
        found.append((original(file), anchors[file].get(anchor, f"#{anchor} does not exist") if anchor and file in anchors else anchor))
    return sorted(found, key=str)


def original(file):
    """The English page of a translated one."""
    return next((english for english, translated in (PAGES | GLOSSARY).items() if translated == file), file)


def numbers(text):
    """The number of each heading, by its anchor."""
    return {slug(heading): number for number, (_, heading, _) in enumerate(sections(text))}


def first_difference(left, right):
    missing = [one for one in left if left.count(one) > right.count(one)]
    more = [one for one in right if right.count(one) > left.count(one)]
    return f"missing {missing[:3]}, not in English {more[:3]}"


def main():
    problems = []
    texts = {page: (ROOT / page).read_text() for pair in PAGES.items() for page in pair}
    anchors = {page: numbers(text) for page, text in texts.items()}
    for english, translated in PAGES.items():
        both = [sections(texts[page]) for page in (english, translated)]
        shapes = [[level for level, _, _ in one] for one in both]
        if shapes[0] != shapes[1]:
            place = next((number for number, pair in enumerate(zip(*shapes)) if pair[0] != pair[1]), min(map(len, shapes)) - 1)
            problems.append(f"{translated}: {len(both[1])} headings, not {len(both[0])}; the first difference is at {both[0][place][1]!r}")
            continue
        for (_, heading, one), (_, _, other) in zip(*both):
            (commands, names), (their_commands, their_names) = code_of(one), code_of(other)
            for what, left, right in (
                ("commands", commands, their_commands),
                ("names in code", names, their_names),
                ("links", targets(english, one, anchors), targets(translated, other, anchors)),
            ):
                if left != right:
                    problems.append(f"{translated}, {heading or 'start'}: {what} differ: {first_difference(left, right)}")
    print("\n".join(problems), file=sys.stderr) if problems else None
    print(f"translations: {len(PAGES)} pages compared, {len(problems)} differences")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
