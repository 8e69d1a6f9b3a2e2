"""Tests that a page in a browser can neither read nor change anything in the local stack.

A real Chromium opens a page from another origin, under three names: another port of this machine, `localhost`, and a separate name
that resolves to 127.0.0.1, as in DNS rebinding. The page gets requests that it could never make itself, signed with the access keys of
the run, and tries to send them in every way that a page can. Then a client that is not a browser sends the same requests, and is
served. The test uses the standard library only: the page reports to its own server.

Usage: pages.py [folder of the binaries]; Chromium is found through CHROMIUM, or on the PATH.
"""

import base64
import http.server
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import chromium  # noqa: E402, the path comes before
from served_stack import ServedStack, check_binaries, presigned  # noqa: E402, the path comes before

BINARIES = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "debug")
PATIENCE = 60
REBOUND = "rebound.test"
SCRIPT = "window.stolen = true;"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
INVOCATIONS = "/2015-03-31/functions/agent-event-upserter/invocations"


def event_of(agent):
    """A Kinesis event that adds this agent to the tables, in the format that a form of type text/plain sends."""
    login = {
        "AgentARN": f"arn:aws:connect:eu-west-2:111122223333:instance/i/agent/{agent}",
        "EventId": "e", "EventTimestamp": "2026-03-02T08:00:00.000Z", "EventType": "LOGIN",
    }  # fmt: skip
    record = {
        "eventID": "shardId-000000000000:1",
        "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/agent-events",
        "kinesis": {
            "sequenceNumber": "1", "partitionKey": "k", "approximateArrivalTimestamp": 1772438400,
            "data": base64.b64encode(json.dumps(login).encode()).decode(),
        },
    }  # fmt: skip
    # A form sends `name=value`: the equals sign is in a member that is ignored.
    return json.dumps({"Records": [record], "sign": "="}).encode() + b"\r\n"


def requests(stack, page, name):
    """The requests that a page may send: how, method, URL, body. `name` is the browser's name for this machine."""

    def url(service, path, method, body=b""):
        host = stack.endpoints["s3" if service == "s3" else "streams"].replace("127.0.0.1", name)
        return presigned(stack.endpoints["keys"], service, method, host + path, body)

    def anonymous(server):
        return stack.endpoints[server].replace("127.0.0.1", name) + "/"

    scan = json.dumps({"TableName": "AgentState"})
    for how in ("cors", "no-cors"):
        yield how, "GET", url("s3", "/lake/secret.txt", "GET"), ""
        yield how, "GET", anonymous("s3") + "lake/secret.txt", ""
        event = event_of(f"{page}-{how}")
        yield how, "POST", url("lambda", INVOCATIONS, "POST", event), event.decode()
        for server in ("dynamodb", "s3", "streams"):
            yield how, "POST", anonymous(server), scan
    # These need a preflight request.
    yield "cors", "PUT", url("s3", f"/lake/{page}.txt", "PUT"), "mallory"
    yield "cors", "DELETE", url("s3", "/lake/secret.txt", "DELETE"), ""
    event = event_of(f"{page}-form")
    yield "form", "POST", url("lambda", INVOCATIONS, "POST", event), event.decode()
    yield "form", "POST", anonymous("dynamodb"), scan
    yield "script", "GET", url("s3", "/lake/script.js", "GET"), ""
    yield "image", "GET", url("s3", "/lake/pixel.png", "GET"), ""
    yield "frame", "GET", url("s3", "/lake/secret.txt", "GET"), ""


class Attacker(http.server.ThreadingHTTPServer):
    """Serves the page, and receives its report."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Page)
        self.tries, self.reports = [], queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/tries":
            return self.answer("application/json", json.dumps(self.server.tries).encode())
        self.answer("text/html", (pathlib.Path(__file__).parent / "page.html").read_bytes())

    def do_POST(self):
        self.server.reports.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.answer("text/plain", b"")


def report(browser, attacker, name, tries):
    """The page's report on what it could read, with Chromium at http://<name>."""
    attacker.tries = [dict(zip(("how", "method", "url", "body"), one)) for one in tries]
    # Chromium's child processes may still write there for a moment.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-first-run"]
        command += [f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1", "--remote-debugging-port=0"]
        # Chromium has no sandbox for root, as in a container.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        command += [f"http://{name}:{attacker.server_address[1]}/"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return attacker.reports.get(timeout=PATIENCE)
        except queue.Empty:
            sys.exit(f"error: {browser} did not open the page within {PATIENCE} s")
        finally:
            process.terminate()
            process.wait()


def files(stack):
    lake = stack.output / "lake"
    return {path.relative_to(lake): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def ask(url, method, body):
    request = urllib.request.Request(url, body or None, method=method)
    return urllib.request.urlopen(request, timeout=PATIENCE).read()


def check_client(stack):
    """Checks that the same requests are served to a client that is not a page."""
    sent = [one for one in requests(stack, "client", "127.0.0.1") if one[0] == "no-cors" and "X-Amz-Signature" in one[2]]
    answers = [ask(url, method, body.encode()) for _, method, url, body in sent]
    assert answers[0] == b"of the lake", answers
    agents = [item["agent_id"]["S"] for item in stack.agent_state()]
    assert agents == ["client-no-cors#eu-west-2#login"], agents


def main():
    browser = chromium()
    check_binaries(BINARIES)
    attacker = Attacker()
    with ServedStack(BINARIES) as stack:
        lake = stack.output / "lake"
        (lake / "secret.txt").write_text("of the lake")
        (lake / "script.js").write_text(SCRIPT)
        (lake / "pixel.png").write_bytes(PIXEL)
        before = files(stack)
        # The page's host name, and the host name that it uses for the stack.
        for page, target in [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), (REBOUND, REBOUND)]:
            tries = list(requests(stack, page, target))
            found = report(browser, attacker, page, tries)
            assert len(found) == len(tries), found
            read = [one for one in found if one["read"]]
            assert not read, f"a page at {page} reads {json.dumps(read, indent=1)}"
            assert files(stack) == before, f"a page at {page} changed the lake"
            tables = stack.agent_state() + stack.agent_history()
            assert not tables, f"a page at {page} changed the tables: {tables}"
            print(f"a page at {page}: {len(tries)} requests, nothing read, nothing changed")
        check_client(stack)
        print("a client: the same requests, served")


main()
