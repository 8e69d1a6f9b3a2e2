"""What every Python referee needs: to wait, to say a figure, and to end with a line as that of Rust's tests."""

import sys
import time
import unittest


def eventually(what, condition, patience=60.0, pause=0.05):
    """Waits until `condition` returns something true, and returns it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {patience:.0f} seconds")


def agents_of(keys):
    """The agents of sort keys of AgentState, of which each agent has up to three in a Region: `<agent>#<Region>` and on."""
    return {key.split("#")[0] for key in keys}


def figure(text):
    print(f"  {text}", file=sys.stderr)


def finish(result):
    """Ends the program as its tests did, after a last line as that of Rust's tests."""
    failed = len(result.failures) + len(result.errors)
    verdict = "FAILED" if failed else "ok"
    print(f"test result: {verdict}. {max(result.testsRun - failed, 0)} passed; {failed} failed; {len(result.skipped)} ignored")
    sys.exit(bool(failed))


def run_tests(what, arguments):
    """Runs the tests of the program, those that the arguments name or all, and ends it."""
    begin = time.monotonic()
    program = unittest.main(argv=sys.argv[:1] + arguments, exit=False, verbosity=2)
    print(f"{what}: {time.monotonic() - begin:.1f} s", file=sys.stderr)
    finish(program.result)
