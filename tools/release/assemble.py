#!/usr/bin/env python3
"""Puts a release together from what was built: one folder, and the same as an archive.

  contact-ledger-<version>/
    bin/                     the command line, the demo, and the functions for this machine
    functions/<arch>/*.zip   the functions for Lambda
    template.yaml            the packaged template: `sam deploy` uploads the ZIP files
    template-x86_64.yaml     the same for the other architecture
    samconfig.toml           defaults of `sam deploy`
    README.md, docs/, …      the documentation
    sbom/                    a software bill of materials for each function and program
    THIRD-PARTY-LICENSES.txt the license texts of all dependencies
    SHA256SUMS               checksums of all files but samconfig.toml, which the answers change

Beside the archive: SHA256SUMS of it, and release-notes.md from the changelog.

The files have the time of the commit, so that the same commit gives the same archive, if it is built with the same tools in the same
folder: programs contain the paths of the packages that they were built from.
"""

import argparse
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Package name of each function, and the name of its binary where that is another one.
FUNCTIONS = ("contact-record-normalizer", "agent-event-upserter", "contact-event-upserter", "redrive")
PROGRAMS = ("contact-ledger", "contact-ledger-demo", "contact-record-normalizer", "agent-event-upserter", "contact-event-upserter")
DOCUMENTS = ("README.md", "README.pt-BR.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "docs")
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
# The C library of Amazon Linux 2023, which Lambda runs. Many distributions of the last years have it, too.
NEWEST_GLIBC = (2, 34)
ARCHITECTURES = ("arm64", "x86_64")


def fail(sentence):
    sys.exit(f"error: {sentence}")


def version():
    """The version in Cargo.toml."""
    return re.search(r'^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def in_repository(path):
    """The address of a file at the tag of this version."""
    repository = re.search(r'^repository = "([^"]+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    return f"{repository}/blob/v{version()}/{path}"


def commit_time():
    """When the commit was made, in seconds since 1970; now, outside of a repository."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    shown = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return int(shown.stdout) if shown.returncode == 0 and shown.stdout.strip() else int(time.time())


def check_glibc(binary, is_any_allowed):
    """A program must not need a newer C library than Lambda and common distributions have."""
    symbols = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary.read_bytes())
    newest = max(((int(major), int(minor)) for major, minor in symbols), default=(0, 0))
    if newest > NEWEST_GLIBC and not is_any_allowed:
        fail(f"{binary} needs glibc {newest[0]}.{newest[1]}, and may need at most {NEWEST_GLIBC[0]}.{NEWEST_GLIBC[1]}; build it with `make release`")
    return newest


def machine(binary):
    """The architecture that an ELF file is for, by its header."""
    header = binary.read_bytes()[:20]
    names = {0x3E: "x86_64", 0xB7: "arm64"}
    return names.get(int.from_bytes(header[18:20], "little")) if header[:4] == b"\x7fELF" else None


def zip_function(bootstrap, target, seconds):
    """A ZIP file as Lambda accepts it: one executable file with the name bootstrap."""
    entry = zipfile.ZipInfo("bootstrap", time.gmtime(seconds)[:6])
    entry.external_attr, entry.compress_type = 0o100755 << 16, zipfile.ZIP_DEFLATED
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, bootstrap.read_bytes())


def packaged_template(text, architecture):
    """The template with the ZIP files of one architecture, and that architecture alone."""
    text, functions = re.subn(r"CodeUri: functions/([a-z-]+)$", rf"CodeUri: functions/{architecture}/\1.zip", text, flags=re.M)
    text, methods = re.subn(r"^ +Build(Method|Properties):.*\n", "", text, flags=re.M)
    allowed = "Default: arm64\n    AllowedValues: [arm64, x86_64]\n    Description: Architecture of the functions. Pass the same value to `sam build`."
    if (functions, methods, text.count(allowed)) != (4, 8, 1):
        fail("template.yaml has another form than tools/release/assemble.py expects")
    text = text.replace(allowed, f"Default: {architecture}\n    AllowedValues: [{architecture}]\n    Description: Architecture of the functions. The ZIP files of this template are for {architecture}.")
    head = f"# contact-ledger {version()}, packaged for {architecture}. `sam deploy` uploads the functions to a bucket of your own.\n#\n"
    return head + re.sub(r"\A# Generated by .*\n#\n", "", text)


def deploy_config(text):
    """The defaults of SAM without those of `sam build`: nothing is built in a release."""
    text, sections = re.subn(r"^\[default\.(build|validate)\.parameters\]\n(.+\n)+\n?", "", text, flags=re.M)
    text, comments = re.subn(r"\A(#.*\n)+", "# Defaults of the SAM command line; `sam deploy --guided` writes your answers here.\n", text)
    if (sections, comments) != (2, 1):
        fail("samconfig.example.toml has another form than tools/release/assemble.py expects")
    return text


def with_links(page, folder):
    """A page whose links to files that are only in the repository lead there, at the tag of this version."""

    def moved(link):
        before, target, after = link.groups()
        if re.match(r"\w+:", target) or (page.parent / target).exists():
            return link[0]
        path = os.path.relpath((page.parent / target).resolve(), folder.resolve())
        if not (ROOT / path).exists():
            fail(f"{page.relative_to(folder)} has a link to {target}, which does not exist")
        return f"{before}{in_repository(path)}{after}"

    return LINK.sub(moved, page.read_text())


def checksum(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def archive_of(folder, seconds):
    """The folder as a .tar.gz, with the same bytes each time."""

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = seconds
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    target = folder.parent / f"{folder.name}-linux-x86_64.tar.gz"
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, seconds) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.add(path, pathlib.PurePath(folder.name, path.relative_to(folder)), recursive=False, filter=plain)
    return target


def check_sources():
    """What is written twice must be equal: the version in the pages, and the licenses that are accepted."""
    for page in [ROOT / "README.md", ROOT / "README.pt-BR.md", *(ROOT / "docs").rglob("*.md")]:
        others = set(re.findall(r"contact-ledger-(\d+\.\d+\.\d+)", page.read_text())) - {version()}
        if others:
            fail(f"{page.relative_to(ROOT)} names version {', '.join(sorted(others))}, and the release is {version()}; correct it")
    lists = [re.search(r"^(?:accepted|allow) = \[(.*?)\]", (ROOT / name).read_text(), re.M | re.S) for name in ("tools/release/about.toml", "deny.toml")]
    accepted = [sorted(re.findall(r'"([^"]+)"', found[1])) for found in lists]
    if accepted[0] != accepted[1]:
        fail("tools/release/about.toml and deny.toml accept different licenses; make them equal")


def release_notes(folder):
    """The changelog's section of this version."""
    changelog = with_links(folder / "CHANGELOG.md", folder)
    found = re.search(rf"^## \[{re.escape(version())}\].*?\n(.*?)(?=^## |^\[|\Z)", changelog, re.M | re.S)
    if not found or not found[1].strip():
        fail(f"CHANGELOG.md has no section of version {version()}; write it")

    def absolute(link):
        before, target, after = link.groups()
        return link[0] if re.match(r"\w+:", target) else f"{before}{in_repository(target)}{after}"

    return LINK.sub(absolute, found[1].strip()) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder with the programs for this machine")
    parser.add_argument("--functions", action="append", required=True, metavar="ARCH=FOLDER", help="folder with <function>/bootstrap")
    parser.add_argument("--sbom", type=pathlib.Path, help="folder with the bills of materials")
    parser.add_argument("--licenses", type=pathlib.Path, help="file with the license texts of the dependencies")
    parser.add_argument("--any-glibc", action="store_true", help="for tests: accept programs that need a newer C library")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "target" / "release-files")
    arguments = parser.parse_args()
    check_sources()
    seconds = commit_time()
    folder = arguments.output / f"contact-ledger-{version()}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        program = folder / "bin" / name
        # cargo-lambda puts every program into a folder of its own.
        built = [arguments.programs / name / "bootstrap", arguments.programs / name]
        source = next((file for file in built if file.is_file()), None) or fail(f"{built[1]} is missing; build it first")
        shutil.copy(source, program)
        program.chmod(0o755)
        newest = check_glibc(program, arguments.any_glibc)
        print(f"bin/{name}: {program.stat().st_size / 1e6:.1f} MB, glibc {newest[0]}.{newest[1]}")
    shown = subprocess.run([folder / "bin" / "contact-ledger", "--version"], capture_output=True, text=True).stdout
    if f" {version()} " not in shown:
        fail(f"bin/contact-ledger is version {shown.strip()!r}, and the release is {version()}; build it again")
    architectures = dict(one.split("=", 1) for one in arguments.functions)
    for architecture, built in sorted(architectures.items()):
        if architecture not in ARCHITECTURES:
            fail(f"{architecture} is not one of {', '.join(ARCHITECTURES)}")
        for name in FUNCTIONS:
            bootstrap = pathlib.Path(built) / name / "bootstrap"
            if not bootstrap.is_file():
                fail(f"{bootstrap} is missing; build it first")
            if machine(bootstrap) != architecture:
                fail(f"{bootstrap} is for {machine(bootstrap)}, not for {architecture}")
            check_glibc(bootstrap, arguments.any_glibc)
            target = folder / "functions" / architecture / f"{name}.zip"
            zip_function(bootstrap, target, seconds)
            print(f"{target.relative_to(folder)}: {target.stat().st_size / 1e6:.1f} MB")
    template = (ROOT / "template.yaml").read_text()
    # The first one in this order is template.yaml: arm64, if it could be built.
    for number, architecture in enumerate(one for one in ARCHITECTURES if one in architectures):
        name = "template.yaml" if number == 0 else f"template-{architecture}.yaml"
        (folder / name).write_text(packaged_template(template, architecture))
    (folder / "samconfig.toml").write_text(deploy_config((ROOT / "samconfig.example.toml").read_text()))
    for name in DOCUMENTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder)
    for page in folder.rglob("*.md"):
        page.write_text(with_links(page, folder))
    if arguments.sbom:
        shutil.copytree(arguments.sbom, folder / "sbom")
    if arguments.licenses:
        shutil.copy(arguments.licenses, folder / "THIRD-PARTY-LICENSES.txt")
    # Answers are written to samconfig.toml, so it has no checksum.
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "samconfig.toml")
    (folder / "SHA256SUMS").write_text("".join(f"{checksum(file)}  {file.relative_to(folder)}\n" for file in files))
    archive = archive_of(folder, seconds)
    (arguments.output / "release-notes.md").write_text(release_notes(folder))
    (arguments.output / "SHA256SUMS").write_text(f"{checksum(archive)}  {archive.name}\n")
    print(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
