"""Finds a Chromium on this machine, and installs what drives it."""

import os
import pathlib
import shutil
import subprocess
import sys

PACKAGES = pathlib.Path(__file__).resolve().parent / "browser"
NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chrome")


def chromium():
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found or not shutil.which(found):
        sys.exit("error: Chromium was not found; install it, or set CHROMIUM=/path/to/chromium")
    return shutil.which(found)


def install(folder):
    """Installs the driver of Chromium and the accessibility checker from npm."""
    if not shutil.which("npm"):
        sys.exit("error: npm is missing; install Node.js 20 or newer to run this")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
