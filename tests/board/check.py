"""Tests the live board: the document and the page equal an independent fold of the events (fold.py), at every step of a script
and at moments of a generated center; who may see it; accessibility; the page with 10,000 agents. Screenshots are in target/board/.

Usage: check.py [folder of the binaries]; Chromium is found through CHROMIUM, or on the PATH.
"""

import datetime
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import fold  # noqa: E402, the path comes before
from browser import chromium, install  # noqa: E402
from running import eventually, figure, run_tests  # noqa: E402
from served_stack import ServedStack, check_binaries, generate, ledger  # noqa: E402

BINARIES = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and "/" in sys.argv[1] else ROOT / "target" / "debug").resolve()
LEFT = ROOT / "target" / "board"
INSTANCE = "10000000-0000-4000-8000-000000000001"
ARN = f"arn:aws:connect:eu-west-2:111122223333:instance/{INSTANCE}"
MARKUP = "</script><script>window.stolen=true</script><img src=x onerror=window.stolen=true>\"'&amp;\u001b[31m\u202e"
QUEUES = {"sales": "Sales", "help": MARKUP}
PROFILES = {"both": ["sales", "help"], "sales": ["sales"]}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def ago(seconds):
    return stamp(now() - datetime.timedelta(seconds=seconds))


class Center:
    """A stack, the events that were sent to it, and the board."""

    def __init__(self, folder=None):
        self.stack = ServedStack(BINARIES, folder).__enter__()
        self.agent_events, self.contact_events, self.numbers = [], [], 0
        self.board = None

    def close(self):
        if self.board:
            self.board.terminate()
            self.board.wait()
        self.stack.__exit__()

    def serve(self):
        command = [ledger(BINARIES), "board", "--local", self.stack.output, "--instance", INSTANCE]
        self.board = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        for line in self.board.stdout:
            if line.strip().startswith("http://"):
                self.url = line.strip()
                return
        raise AssertionError("the board exited")

    def document(self):
        with urllib.request.urlopen(f"{self.url}board.json", timeout=30) as reply:
            return json.loads(reply.read())

    def send_agent_event(self, event):
        self.agent_events.append(event)
        self.stack.put_agent_events([(event["AgentARN"], json.dumps(event).encode())])

    def send_contact_event(self, event):
        self.contact_events.append(event)
        entry = {
            "Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"]),
            "Resources": event["resources"], "Time": datetime.datetime.fromisoformat(event["time"]).timestamp(),
        }  # fmt: skip
        answer = self.stack.call("streams", "AWSEvents.PutEvents", {"Entries": [entry]})
        # EventBridge gives each event its own ID.
        event["id"] = answer["Entries"][0]["EventId"]

    def fold(self, document):
        return fold.board(self.agent_events, self.contact_events, document["generated_at"])

    def equals_fold(self):
        """The document, once it is the fold of all events."""
        found = {}

        def is_equal():
            found["document"] = document = self.document()
            # Silence is computed when the reading ends, some milliseconds later.
            found["differences"] = fold.difference(document, self.fold(document))
            return not found["differences"]

        try:
            eventually("the board to equal the fold", is_equal, 15, 0.3)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *found["differences"]])) from None
        return found["document"]


def agent_event(agent, kind="STATE_CHANGE", contacts=(), status="Available", age=0, profile="both", name=("Ada", "Example"), region="eu-west-2", **more):
    number = agent_event.number = getattr(agent_event, "number", 0) + 1
    arn = ARN.replace("eu-west-2", region)
    kinds = {"Available": "ROUTABLE", "Offline": "OFFLINE"}
    queue = lambda key: {"ARN": f"{arn}/queue/{key}", "Name": QUEUES[key], "Channels": ["VOICE", "CHAT"]}  # noqa: E731
    snapshot = {
        "AgentStatus": {"Name": status, "Type": kinds.get(status, "CUSTOM"), "StartTimestamp": ago(age + 60), "ARN": f"{arn}/agent-state/s"},
        "Configuration": {
            "FirstName": name[0], "LastName": name[1], "Username": agent,
            "AgentHierarchyGroups": {"Level1": {"ARN": f"{arn}/agent-group/g", "Name": "Europe"}, "Level2": {"ARN": f"{arn}/agent-group/h", "Name": MARKUP}},
            "RoutingProfile": {
                "ARN": f"{arn}/routing-profile/{profile}", "Name": profile.title(),
                # As in Amazon's example, the first one is the agent's own queue.
                "InboundQueues": [{"ARN": f"{arn}/queue/agent/{agent}", "Name": None, "Channels": ["VOICE"]}, *(queue(key) for key in PROFILES[profile])],
                "DefaultOutboundQueue": queue("sales"),
                "Concurrency": [{"Channel": "VOICE", "AvailableSlots": 1, "MaximumSlots": 1}],
            },
        },
        "Contacts": list(contacts),
        **more,
    }  # fmt: skip
    return {
        "AgentARN": f"{arn}/agent/{agent}", "EventId": f"30000000-0000-4000-8000-{number:012}", "EventTimestamp": ago(age), "EventType": kind,
        "InstanceARN": arn, "CurrentAgentSnapshot": None if kind == "LOGIN" else snapshot, "PreviousAgentSnapshot": None, "Version": "2017-10-01",
    }  # fmt: skip


def listed(contact, state, channel="VOICE", method="INBOUND", queue="sales", age=0):
    name = QUEUES[queue]
    return {
        "ContactId": contact, "Channel": channel, "InitiationMethod": method, "State": state, "StateStartTimestamp": ago(age),
        "Queue": {"ARN": f"{ARN}/queue/{queue}", "Name": name}, "QueueTimestamp": ago(age + 10), "ConnectedToAgentTimestamp": None,
    }  # fmt: skip


class Contact:
    """A contact, whose events have it so far."""

    def __init__(self, contact, channel="VOICE"):
        self.contact = contact
        self.detail = {"contactId": contact, "channel": channel, "instanceArn": ARN, "initiationMethod": "INBOUND", "initiationTimestamp": ago(5)}

    def event(self, kind, **more):
        self.detail |= more | {"eventType": kind}
        return {
            "id": "", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "time": stamp(now())[:19] + "Z", "region": "eu-west-2",
            "account": "111122223333", "version": "0", "resources": [ARN], "detail": dict(self.detail),
        }  # fmt: skip

    def queued(self, queue="sales"):
        return self.event("QUEUED", queueInfo={"queueArn": f"{ARN}/queue/{queue}", "queueType": "STANDARD", "enqueueTimestamp": ago(1)})

    def connected(self, agent):
        return self.event("CONNECTED_TO_AGENT", agentInfo={"agentArn": f"{ARN}/agent/{agent}", "connectedToAgentTimestamp": ago(0)})

    def disconnected(self):
        info = self.detail.get("agentInfo")
        work = {"agentInfo": info | {"afterContactWorkStartTimestamp": ago(0)}} if info else {}
        return self.event("DISCONNECTED", disconnectTimestamp=ago(0), **work)

    def completed(self):
        info = self.detail.get("agentInfo")
        work = {"agentInfo": info | {"afterContactWorkEndTimestamp": ago(0)}} if info else {}
        return self.event("COMPLETED", **work)


class Browser:
    """Chromium, driven by page.mjs."""

    def __init__(self):
        environment = os.environ | {"PACKAGES": str(LEFT), "CHROMIUM_PATH": chromium(), "TZ": "Europe/Lisbon"}
        command = ["node", str(ROOT / "tests" / "board" / "page.mjs")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def __call__(self, what, **more):
        self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser exited"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{what} {more}: {answer['error']}")
        return answer["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# What the page shows of a document, written from docs/board.md and the titles of the columns.

FIGURES = {
    "In queue": "contacts_in_queue", "In conversation": "contacts_in_conversation", "After-contact work": "agents_after_contact_work",
    "Staffed": "agents_staffed", "Available": "agents_available", "On contact": "agents_on_contact", "Non-productive": "agents_non_productive",
}  # fmt: skip
IN_A_QUEUE = {
    "In queue": "contacts_in_queue", "In conversation": "contacts_in_conversation", "After-contact work": "agents_after_contact_work", "Staffed": "agents_staffed",
    "Available": "agents_available", "On contact": "agents_on_contact",
}  # fmt: skip
SHOWN_IF_ANY = {"Error": "agents_error", "Scheduled": "contacts_scheduled", "Unconfirmed": "contacts_unconfirmed", "Ghosts": "ghosts"}


def seconds(text):
    """The seconds that a time on the page stands for."""
    text = text.strip("▲‼≤ ")
    if text.endswith(" s"):
        return int(text[:-2])
    parts = [int(part) for part in text.split(":")]
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))


def words(name):
    return (name[:1].upper() + name[1:]).replace("_", " ")


class Checks(unittest.TestCase):
    maxDiff = None

    def passes(self, text, since, moment, what):
        if since is None:
            return self.assertEqual(text, "–", what)
        passed = (moment - datetime.datetime.fromisoformat(since)).total_seconds()
        self.assertAlmostEqual(seconds(text), max(0, passed), delta=4, msg=f"{what}: {text}")

    def page_equals(self, browser, folded):
        """What the page shows is the document, as an independent fold has it."""
        seen, moment = browser("see"), now()
        self.assertFalse(seen["stolen"], "markup has run")
        for title, name in FIGURES.items():
            self.assertEqual(seen["figures"].get(title), str(folded["totals"][name]), title)
        for title, name in SHOWN_IF_ANY.items():
            value = folded["totals"][name]
            self.assertEqual(seen["figures"].get(title), str(value) if value else None, title)
        self.passes(seen["figures"]["Oldest"], folded["totals"].get("oldest_contact_since"), moment, "Oldest")
        self.assertEqual(seen["queues"]["count"], len(folded["queues"]))
        # The page orders by name, without regard to case.
        ordered = sorted(folded["queues"], key=lambda queue: (queue.get("agent_queue", False), (queue.get("name") or queue.get("queue_id") or "").lower()))
        for row, queue in zip(seen["queues"]["rows"], ordered, strict=True):
            own = " (own queue)" if queue.get("agent_queue") else ""
            self.assertEqual(row[self.column(row, "Queue")], queue["name"] + own)
            for title, name in IN_A_QUEUE.items():
                self.assertEqual(row[title], str(queue[name]), f"{queue['name']}: {title}")
            self.passes(row["Oldest"], queue.get("oldest_contact_since"), moment, queue["name"])
        self.assertEqual(seen["agents"]["count"], len(folded["agents"]))
        ordered = sorted(folded["agents"], key=lambda agent: agent["name"].lower())
        for row, agent in zip(seen["agents"]["rows"], ordered, strict=True):
            self.row_equals(row, agent, moment)
        return seen

    def column(self, row, title):
        return next(name for name in row if name.startswith(title))

    def row_equals(self, row, agent, moment):
        name = agent["name"]
        self.assertEqual(row[self.column(row, "Agent")], name)
        activity = agent["status"] if agent["activity"] == "custom" else words(agent["activity"])
        activity += ", hold" if agent["activity"] == "on_contact" and any(contact["state"] == "on_hold" for contact in agent["contacts"]) else ""
        self.assertEqual(row["For"].startswith("≤"), agent["activity"] == "available", name)
        mark = {"ghost": "Ghost, was ", "stale": "Stale, "}.get(agent.get("silence"), "")
        self.assertEqual(row["Activity"], mark + activity, name)
        held = [contact.get("since") for contact in agent["contacts"] if contact["state"] == "on_hold"]
        since = min(held) if held and agent["activity"] == "on_contact" else agent.get("since")
        self.passes(row["For"], since, moment, name)
        status = "Logged out" if agent.get("session") == "out" else agent.get("status", "")
        shown = re.sub(r" \([^)]*\)$", "", row["Status"])
        self.assertEqual(shown, status + (f", then {agent['next_status']}" if "next_status" in agent else ""), name)
        if "next_status_since" in agent:
            self.passes(row["Status"].rsplit("(", 1)[1][:-1], agent["next_status_since"], moment, name)
        shown = row["Contacts"].split(" · ") if row["Contacts"] else []
        self.assertEqual(len(shown), len(agent["contacts"]), name)
        for text, contact in zip(shown, agent["contacts"]):
            state = "" if contact["state"] == "connected" else words(contact["state"]).lower()
            parts = [words(contact["channel"].lower()), state, contact.get("queue")]
            start = ", ".join(part for part in parts if part)
            self.assertTrue(text.startswith(start + " "), f"{text!r} is not {start!r}")
            self.passes(text[len(start) + 1 :], contact["since"], moment, name)
        self.assertEqual(row["Routing profile"], agent.get("routing_profile", ""))
        self.assertEqual(row["Hierarchy"], " / ".join(agent.get("hierarchy", [])))

    def step(self, what):
        """The board, and then the page, equal the fold."""
        self.center.equals_fold()

        def is_shown():
            # Times go on, so silence may change between the two.
            document = self.center.document()
            try:
                return self.page_equals(self.browser, self.center.fold(document))
            except AssertionError as error:
                is_shown.error = error
                return None

        try:
            seen = eventually(f"the page to show: {what}", is_shown, 15, 0.3)
        except AssertionError:
            raise is_shown.error from None
        figure(what)
        return seen


class Script(Checks):
    """Events of a few agents and contacts, one step after the other."""

    @classmethod
    def setUpClass(cls):
        cls.center, cls.browser = Center(), Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.center.close()

    def agent(self, *arguments, **more):
        self.center.send_agent_event(agent_event(*arguments, **more))

    def test_script(self):
        center, browser = self.center, self.browser
        center.serve()
        browser("open", url=center.url)
        seen = browser("see")
        self.assertTrue(seen["state"].startswith("Live"), seen)
        self.assertEqual(seen["notes"], ["Nobody is logged in. No agent event has arrived yet; run contact-ledger doctor if there should be agents."])

        self.agent("ada", "LOGIN")
        self.agent("ada")
        self.agent("bob", name=(MARKUP, MARKUP), profile="sales")
        self.agent("cy", status="Lunch", name=("Cy", "Example"))
        self.step("an agent is available, another one in a custom status")
        call = Contact("call")
        center.send_contact_event(call.event("INITIATED"))
        center.send_contact_event(call.queued())
        seen = self.step("a contact waits")
        self.assertEqual(seen["figures"]["In queue"], "1")
        self.agent("ada", contacts=[listed("call", "CONNECTING")])
        seen = self.step("it is offered to an agent, and no longer waits")
        self.assertEqual((seen["figures"]["In queue"], seen["agents"]["rows"][1]["Activity"]), ("0", "Incoming"))
        self.agent("ada", contacts=[listed("call", "CONNECTED")])
        center.send_contact_event(call.connected("ada"))
        seen = self.step("the agent is on contact")
        self.assertEqual((seen["figures"]["In conversation"], seen["agents"]["rows"][1]["Activity"]), ("1", "On contact"))
        self.agent("ada", contacts=[listed("call", "CONNECTED_ONHOLD")], NextAgentStatus={"Name": "Lunch", "EnqueuedTimestamp": ago(0)})
        seen = self.step("the contact is on hold, and the agent has chosen the next status")
        self.assertIn("on hold", seen["agents"]["rows"][1]["Contacts"])
        self.agent("ada", contacts=[listed("call", "ENDED")])
        center.send_contact_event(call.disconnected())
        seen = self.step("after-contact work")
        self.assertEqual((seen["figures"]["After-contact work"], seen["figures"]["Available"]), ("1", "1"))
        self.agent("ada")
        center.send_contact_event(call.completed())
        seen = self.step("the agent is available again")
        self.assertEqual((seen["figures"]["Available"], seen["figures"]["In conversation"]), ("2", "0"))

        chat, missed = Contact("chat", "CHAT"), Contact("missed", "CHAT")
        for contact in (chat, missed):
            center.send_contact_event(contact.queued("help"))
        self.agent("ada", contacts=[listed("chat", "CONNECTED", "CHAT", "API", "help"), listed("missed", "MISSED", "CHAT", "API", "help")])
        seen = self.step("a missed chat beside a running one waits again")
        self.assertEqual((seen["figures"]["Error"], seen["figures"]["In queue"], seen["agents"]["rows"][1]["Activity"]), ("1", "1", "Missed"))
        self.agent("bob", contacts=[listed("out", "CONNECTING", "VOICE", "OUTBOUND")], name=(MARKUP, MARKUP), profile="sales")
        seen = self.step("an agent dials")
        self.assertEqual(seen["figures"]["On contact"], "2")
        center.send_contact_event(missed.disconnected())
        center.send_contact_event(missed.completed())
        seen = self.step("the waiting contact is abandoned")
        self.assertEqual(seen["figures"]["In queue"], "0")
        self.agent("dot", age=295, name=("Dot", "Example"), contacts=[listed("old", "CONNECTED", age=295)])
        seen = self.step("an agent is silent")
        self.assertEqual(seen["agents"]["rows"][3]["Activity"], "Stale, On contact")
        time.sleep(6)
        seen = self.step("and becomes a ghost")
        self.assertEqual((seen["figures"]["Ghosts"], seen["agents"]["rows"][3]["Activity"]), ("1", "Ghost, was On contact"))
        self.agent("cy", region="us-east-1", name=("Cy", "Example"), AgentCrossRegionRoutingConfiguration={"CurrentRegion": "us-east-1"})
        seen = self.step("an agent switches the Region")
        self.assertEqual(seen["agents"]["count"], 4)
        self.agent("cy", "LOGOUT", region="us-east-1", status="Offline", name=("Cy", "Example"), AgentCrossRegionRoutingConfiguration={"CurrentRegion": "us-east-1"})
        self.step("and logs out")
        own = Contact("own")
        center.send_contact_event(own.event("QUEUED", queueInfo={"queueArn": f"{ARN}/queue/agent/ada", "queueType": "AGENT", "enqueueTimestamp": ago(1)}))
        self.step("a contact waits in an agent's own queue")

        self.contacts(center.fold(center.document()))
        self.pictures_and_accessibility("script")
        self.filters()
        self.keyboard()
        self.others()
        self.focus()
        self.interruptions()
        log = browser("log")
        foreign = [url for url in log["requests"] if not url.startswith(center.url)]
        self.assertEqual(foreign, [], "requests to elsewhere")
        # The last part cuts the connection on purpose.
        self.assertEqual([error for error in log["errors"] if "ERR_CONNECTION_REFUSED" not in error and "Failed to load" not in error], [])

    def pictures_and_accessibility(self, name):
        for scheme in ("light", "dark"):
            for width, height in ((1920, 1080), (1200, 900), (390, 844)):
                for look in ("", "?wall=1", "?view=contacts"):
                    self.browser("open", url=self.center.url + look, width=width, height=height, scheme=scheme)
                    self.browser("picture", path=str(LEFT / f"{name}-{scheme}-{width}-{look[1:5] or 'all'}.png"))
                    found = self.browser("axe")
                    self.assertEqual(found["violations"], [], f"{scheme}, {width} {look}")
                    self.assertLessEqual(found["wide"], 0, f"{scheme}, {width} {look}: wider than the screen")
        self.browser("open", url=self.center.url)

    def contacts(self, folded):
        """The contacts in flight, in a view of their own."""
        self.browser("open", url=f"{self.center.url}?view=contacts")
        seen = self.browser("see")
        self.assertEqual((seen["agents"], seen["queues"]), (None, None))
        shown = [(row["Contact"], row["Channel"], row["State"], row["Queue"], row["Agent"]) for row in seen["contacts"]["rows"]]
        mark = lambda contact: " (unconfirmed)" if contact.get("unconfirmed") else " (simulated)" if contact.get("simulated") else ""  # noqa: E731
        expected = [
            (each["contact_id"], words(each["channel"].lower()), words(each["state"]) + mark(each), each.get("queue") or each.get("queue_id", ""), each.get("agent") or each.get("agent_id", ""))
            for each in folded["contacts"]
        ]  # fmt: skip
        self.assertEqual(shown, expected)
        self.browser("open", url=self.center.url)

    def names(self):
        return [row[self.column(row, "Agent")] for row in self.browser("see")["agents"]["rows"]]

    def filters(self):
        browser, url = self.browser, self.center.url
        everyone = [MARKUP + " " + MARKUP, "Ada Example", "Cy Example", "Dot Example"]
        self.assertEqual(self.names(), everyone)
        browser("choose", name="Queue", value="help")
        self.assertEqual(self.names(), everyone[1:])
        browser("choose", name="Queue", value="")
        browser("choose", name="Routing profile", value="sales")
        self.assertEqual(self.names(), everyone[:1])
        self.assertEqual([row[self.column(row, "Queue")] for row in browser("see")["queues"]["rows"]], ["Sales"])
        # The filter is in the address: a new page has it.
        address = browser("address")
        self.assertEqual(address, f"{url}?profile=sales")
        browser("open", url=address)
        self.assertEqual(self.names(), everyone[:1])
        browser("click", name="Clear filters")
        browser("choose", name="Activity", value="ghost")
        self.assertEqual(self.names(), ["Dot Example"])
        browser("choose", name="Activity", value="on_hold")
        self.assertEqual(self.names(), [])
        browser("choose", name="Activity", value="missed")
        self.assertEqual(self.names(), ["Ada Example"])
        browser("click", name="Clear filters")
        browser("choose", name="Hierarchy", value=f"Europe / {MARKUP}")
        self.assertEqual(self.names(), everyone)
        browser("type", name="Search", text="dot")
        self.assertEqual(self.names(), ["Dot Example"])
        browser("type", name="Search", text="nobody has this name")
        self.assertEqual(browser("see")["notes"], ["No agent matches the filters."])
        browser("click", name="Clear filters")
        browser("click", name="Agent")
        self.assertEqual(self.names(), everyone[::-1])
        browser("click", name="Agent")
        self.assertEqual(self.names(), everyone)
        for hostile in ("?search=<script>alert(1)</script>", "?queue=%22%3E%3Cscript%3E", "?view=<b>&theme=x&waiting=a,b&agents=zzz"):
            browser("open", url=url + hostile)
            self.assertFalse(browser("see")["stolen"])
        browser("open", url=url)

    def keyboard(self):
        browser = self.browser
        self.assertEqual(browser("press", keys=["/"])["focus"], "search")
        browser("open", url=self.center.url)
        self.assertEqual(browser("press", keys=["2"])["row"], 2)
        self.assertEqual(browser("press", keys=["ArrowDown", "ArrowDown"])["row"], 4)
        self.assertEqual(browser("press", keys=["Home"])["row"], 2)
        opened = browser("press", keys=["ArrowDown", "Enter"])
        self.assertIn("Ada Example", opened["dialog"])
        self.assertIn("chat", opened["dialog"])
        closed = browser("press", keys=["Escape"])
        self.assertEqual((closed["dialog"], closed["row"]), ("", 3))
        self.assertEqual(browser("press", keys=["1"])["row"], 2)
        self.assertTrue(browser("press", keys=["w"]) and browser("address").endswith("wall=1"))
        self.assertTrue(browser("press", keys=["Escape"]) and browser("address") == self.center.url)

    def focus(self):
        """The focus stays with the agent when other agents sort in between, and no row is there twice."""
        browser, center = self.browser, self.center
        for number in range(80):
            center.send_agent_event(agent_event(f"many-{number:02}", name=("Many", f"Agent {number:02}")))
        center.equals_fold()
        browser("open", url=f"{center.url}?search=many+agent&agents=status", height=600)
        eventually("all agents to be shown", lambda: browser("see")["agents"]["count"] == 80, 15, 0.3)
        self.assertEqual(browser("press", keys=["2", "ArrowDown"])["row"], 3)
        center.send_agent_event(agent_event("many-01", name=("Many", "Agent 01"), status="Zumba"))
        eventually("the agent to be the last one", lambda: browser("press", keys=[])["row"] == 81, 15, 0.3)
        rows = [row[self.column(row, "Agent")] for row in browser("see")["agents"]["rows"]]
        self.assertEqual(len(rows), len(set(rows)))
        self.assertIn("Many Agent 01", browser("press", keys=["Enter"])["dialog"])
        browser("press", keys=["Escape"])

    def others(self):
        """A page of another site can neither read nor embed the board."""

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>another site</title>")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("127.0.0.1", "localhost"):
            seen = self.browser("attack", url=self.center.url, **{"from": f"http://{name}:{server.server_port}/"})
            self.assertEqual((seen["cors"], seen["no-cors"], seen["script"]), ("", "", ""), name)
            self.assertNotIn("Ada", seen["frame"], name)
            self.assertNotIn("Live board", seen["frame"], name)
        server.shutdown()

    def interruptions(self):
        """Data that is old, and no connection, each have a clear state."""
        browser, center = self.browser, self.center
        browser("open", url=center.url)
        stack = center.stack.process
        children = [int(pid) for pid in subprocess.run(["pgrep", "-P", str(stack.pid)], capture_output=True, text=True).stdout.split()]
        for pid in (stack.pid, *children):
            os.kill(pid, signal.SIGSTOP)
        try:
            seen = eventually("the page to say that its data is old", lambda: (s := browser("see"))["state"] == "Not current" and "old" in s["alert"] and s, 60, 0.5)
        finally:
            for pid in (*children, stack.pid):
                os.kill(pid, signal.SIGCONT)
        figure(f"old data: {seen['alert']}")
        self.assertEqual(seen["agents"]["count"], 84)
        eventually("the page to be live again", lambda: browser("see")["state"].startswith("Live"), 60, 0.5)
        center.board.send_signal(signal.SIGINT)
        self.assertEqual(center.board.wait(), 0)
        seen = eventually("the page to say that there is no connection", lambda: (s := browser("see"))["state"] == "No connection" and s, 30, 0.5)
        figure(f"no connection: {seen['alert']}")
        self.assertEqual(seen["agents"]["count"], 84)


class Generated(Checks):
    """A generated center: at moments of its day, the board equals the fold."""

    def setUp(self):
        self.center = Center()
        self.addCleanup(self.center.close)

    def test_moments_of_a_generated_center(self):
        sent = generate(BINARIES, "--agents", "25", "--contacts-per-hour", "300", "--hours", "3", "--late", "0", "--malformed", "20", "--lost", "20", "--duplicated", "50")
        events = []
        for name in ("agent-events", "contact-events"):
            for line in sent[name]:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                moment = event.get("EventTimestamp") or event.get("time")
                if isinstance(moment, str) and isinstance(event.get("AgentARN") or event.get("detail"), (str, dict)):
                    events.append((moment, name, event))
        events.sort(key=lambda event: event[0])
        opening = datetime.datetime.fromisoformat(events[0][0])
        # Earlier ones see ghosts only; those of the last minutes see everybody.
        minutes = [20, 70, *(100 + step / 4 for step in range(16))]
        moments = [opening + datetime.timedelta(minutes=each) for each in minutes]
        # The last moment is now.
        shift = now() - moments[-1] + datetime.timedelta(seconds=20)
        later = lambda found: stamp(datetime.datetime.fromisoformat(found[0]) + shift)  # noqa: E731
        shifted = lambda event: json.loads(re.sub(r"2026-\d\d-\d\dT[\d:.]+Z", later, json.dumps(event)))  # noqa: E731
        self.center.serve()
        seen = []
        for moment in moments:
            batch = [event for event in events if event[0] <= stamp(moment)]
            events = events[len(batch) :]
            self.send([(name, shifted(event)) for _, name, event in batch])
            document = self.center.equals_fold()
            totals = document["totals"]
            seen.append([totals[name] for name in ("contacts_in_queue", "contacts_in_conversation", "agents_available", "ghosts", "contacts_unconfirmed")])
            figure(f"{moment:%H:%M:%S}: {len(document['agents'])} agents, {totals['contacts_in_queue']} in queue, {totals['contacts_in_conversation']} in conversation, {totals['ghosts']} ghosts, {totals['contacts_unconfirmed']} unconfirmed")
        # Every figure was something else than 0.
        self.assertTrue(all(map(any, zip(*seen))), seen)

    def send(self, events):
        agents = [event for name, event in events if name == "agent-events"]
        self.center.agent_events += agents
        self.center.stack.put_agent_events([(event.get("AgentARN", "k"), json.dumps(event).encode()) for event in agents])
        for name, event in events:
            if name == "contact-events":
                # EventBridge has whole seconds.
                event["time"] = event["time"][:19] + "Z"
                self.center.send_contact_event(event)


class Large(Checks):
    """10,000 agents and 2,000 contacts in flight."""

    def test_large(self):
        program = BINARIES / "board-center"
        process = subprocess.Popen([program, "10000", "2000", LEFT / "large"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline().strip(), "ready")
        command = [ledger(BINARIES), "board", "--local", LEFT / "large", "--instance", INSTANCE]
        board = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(board.wait)
        self.addCleanup(board.terminate)
        url = next(line.strip() for line in board.stdout if line.strip().startswith("http://"))
        times, sizes = [], []
        for _ in range(5):
            time.sleep(2.1)
            begin = time.monotonic()
            with urllib.request.urlopen(urllib.request.Request(f"{url}board.json", headers={"accept-encoding": "gzip"}), timeout=60) as reply:
                sizes.append(len(reply.read()))
            times.append(time.monotonic() - begin)
        with urllib.request.urlopen(f"{url}board.json", timeout=60) as reply:
            whole = reply.read()
        document = json.loads(whole)
        memory = pathlib.Path(f"/proc/{board.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+)", memory)[1]) / 1024
        figure(f"{len(document['agents'])} agents, {len(document['contacts'])} contacts: {sorted(times)[2]:.2f} s, reading {document['read_milliseconds']} ms, {len(whole) / 1e6:.2f} MB, {sizes[0] / 1e6:.2f} MB gzipped, {document['read_units']:.0f} read units, {peak:.0f} MB at most")
        self.assertEqual((len(document["agents"]), len(document["contacts"])), (10000, 2000))
        self.assertLess(sizes[0], 1_000_000)
        self.assertLess(max(times), 2.0 if "release" in str(BINARIES) else 10.0)
        browser = Browser()
        self.addCleanup(browser.close)
        browser("open", url=url, width=1920, height=1080)
        eventually("three updates", lambda: len(browser("updates")["measures"]) >= 3, 120, 1)
        scrolled = browser("scroll", to=1)
        updates = browser("updates")
        figure(f"page: updates {', '.join(f'{one:.0f}' for one in updates['measures'])} ms, heap {updates['heap'] / 1e6:.0f} MB; scrolling {scrolled['median']:.0f} ms a frame, longest {scrolled['longest']:.0f} ms, {scrolled['rows']} rows in the page")
        self.assertLess(sorted(updates["measures"])[len(updates["measures"]) // 2], 100)
        self.assertLess(scrolled["rows"], 200)
        browser("picture", path=str(LEFT / "large.png"))


if __name__ == "__main__":
    check_binaries(BINARIES)
    install(LEFT)
    run_tests("board", sys.argv[1:])
