"""Deploys the real template with the real tools to ministack, a third-party emulator of AWS on this machine:

- pipeline.py: sends contact records and agent events of a generated center through the deployed functions;
- guided.py: runs `sam deploy --guided` as a person would, and a first deployment that fails;
- existing_streams.py: deploys with existing streams;
- update.py: updates from the earlier version in earlier/, with data in it;
- released.py: deploys from a release folder alone, and runs its demo and its board;
- contact_events.py: turns contact events on for a stack that has data, and sends events through its rule.

`deploy.py guided update` runs only those two.
"""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from running import finish  # noqa: E402, the path comes before

MODULES = ("pipeline", "guided", "existing_streams", "update", "released", "contact_events")

if __name__ == "__main__":
    chosen = sys.argv[1:] or MODULES
    if unknown := set(chosen) - set(MODULES):
        sys.exit(f"error: unknown test: {', '.join(sorted(unknown))}; choose from {', '.join(MODULES)}")
    tests = unittest.defaultTestLoader.loadTestsFromNames(chosen)
    outcome = unittest.TextTestRunner(verbosity=2).run(tests)
    finish(outcome)
