"""Finds a Chromium on this machine."""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chrome")


def chromium():
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found or not shutil.which(found):
        sys.exit("error: Chromium was not found; install it, or set CHROMIUM=/path/to/chromium")
    return shutil.which(found)
