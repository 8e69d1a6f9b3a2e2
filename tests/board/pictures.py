"""Takes the pictures of docs/board.md and the README, in docs/pictures/: the board over `demo --live`, and the report of a demo.

Usage: pictures.py [folder of the binaries]; Chromium is found through CHROMIUM, or on the PATH.
"""

import pathlib
import subprocess
import tempfile
import time

from check import BINARIES, LEFT, ROOT, Browser, chromium, install
from PIL import Image
from running import eventually
from served_stack import ledger

PICTURES = ROOT / "docs" / "pictures"
FRAMES = 24
FRAME_MILLISECONDS = 800


def started(command, log, ready):
    with open(log, "w") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
    eventually(f"{command[1]} to start", lambda: ready in pathlib.Path(log).read_text(), 300, 0.2)
    return process


def animated(browser, folder):
    """One picture per frame. The frames share a palette, so that colors do not flicker."""
    for frame in range(FRAMES):
        begin = time.monotonic()
        browser("picture", path=f"{folder}/{frame}.png")
        time.sleep(max(0, FRAME_MILLISECONDS / 1000 - (time.monotonic() - begin)))
    frames = [Image.open(f"{folder}/{frame}.png").convert("RGB") for frame in range(FRAMES)]
    palette = frames[-1].quantize(128, dither=Image.Dither.NONE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    frames[0].save(PICTURES / "board.gif", save_all=True, append_images=frames[1:], duration=FRAME_MILLISECONDS, loop=0, optimize=True)


def smaller(picture):
    """Fewer colors, so that the repository stays small."""
    Image.open(picture).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def report(folder):
    """The report that every demo writes."""
    demo = [ledger(BINARIES), "demo", "--agents", "30", "--output", f"{folder}/report"]
    subprocess.run([str(part) for part in demo], check=True, stdout=subprocess.DEVNULL)
    picture = PICTURES / "report.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile", "--window-size=1280,900", "--virtual-time-budget=4000"]
    shot = [chromium(), *options, f"--screenshot={picture}", f"file://{folder}/report/report.html"]
    subprocess.run(shot, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    smaller(picture)


def main():
    install(LEFT)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        report(folder)
        stack = f"{folder}/stack"
        demo = [ledger(BINARIES), "demo", "--live", "--pace", "3", "--agents", "16", "--output", stack]
        processes = [started(demo, f"{folder}/demo", "is live")]
        browser = Browser()
        try:
            processes.append(started([ledger(BINARIES), "board", "--local", stack], f"{folder}/board", "http://"))
            lines = pathlib.Path(f"{folder}/board").read_text().split()
            url = next(line for line in lines if line.startswith("http://"))
            # Some contacts begin and end in between.
            time.sleep(20)
            shots = [
                ("board-light", "", 1280, 900, "light"), ("board-dark", "", 1280, 900, "dark"), ("board-wall", "?wall=1&view=queues", 1280, 720, "dark"),
                ("board-phone", "?view=agents", 390, 844, "light"),
            ]  # fmt: skip
            for name, query, width, height, scheme in shots:
                browser("open", url=url + query, width=width, height=height, scheme=scheme)
                time.sleep(1)
                browser("picture", path=str(PICTURES / f"{name}.png"))
                smaller(PICTURES / f"{name}.png")
            browser("open", url=url, width=1000, height=720, scheme="light")
            time.sleep(1)
            animated(browser, folder)
        finally:
            browser.close()
            for process in reversed(processes):
                process.terminate()
                process.wait()
    for picture in sorted(PICTURES.iterdir()):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
