"""Helpers for every Python referee: wait, print a figure, and end with a summary line like that of the Rust tests."""

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
    raise AssertionError(f"timed out after {patience:.0f} seconds, waiting for {what}")


def agents_of(items):
    """The agents in items of AgentState, with or without the types of DynamoDB JSON. Each agent has up to three in each Region. The items
    of routing profiles have a partition of their own."""
    text = lambda value: value["S"] if isinstance(value, dict) else value  # noqa: E731
    of_agents = [item for item in items if not text(item["board"]).endswith("#routing-profiles")]
    return {text(item["agent_id"]).split("#")[0] for item in of_agents}


def figure(text):
    print(f"  {text}", file=sys.stderr)


def finish(result):
    """Exits with the result of the tests, after a summary line like that of the Rust tests."""
    failed = len(result.failures) + len(result.errors)
    verdict = "FAILED" if failed else "ok"
    print(f"test result: {verdict}. {max(result.testsRun - failed, 0)} passed; {failed} failed; {len(result.skipped)} ignored")
    sys.exit(bool(failed))


def run_tests(what, arguments):
    """Runs the tests that the arguments name, or all, and exits."""
    begin = time.monotonic()
    program = unittest.main(argv=sys.argv[:1] + arguments, exit=False, verbosity=2)
    print(f"{what}: {time.monotonic() - begin:.1f} s", file=sys.stderr)
    finish(program.result)
