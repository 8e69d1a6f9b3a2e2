"""Tests the figures that Amazon Connect showed for a real center, on records built to match its counts, and small cases of one rule each.

Everything but the counts is invented. Connect averages milliseconds and exported records have whole seconds, so averages are
compared to the third decimal.
"""

import collections
import contextlib
import datetime
import json
import pathlib
import tempfile

from engines import DuckDb, archive_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/10000000-0000-4000-8000-000000000001"
ZONE = "America/New_York"
HANDLED_BY_DAY = [1799, 1695, 1639, 129]
# 12 August 2026, 00:00 in New York.
BEGIN = datetime.datetime(2026, 8, 12, 4)


def stamp(moment):
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


class Records:
    """Builds contact records from the given fields."""

    def __init__(self):
        self.records = []

    def add(self, count=1, method="INBOUND", wait=None, queued=None, agent=None, reason="CUSTOMER_DISCONNECT", at=None, **fields):
        """Adds `count` contacts that ended in the window; `wait` is the time in the queue."""
        for _ in range(count):
            number = len(self.records)
            end = at or BEGIN + datetime.timedelta(seconds=3600 + number % 80_000)
            record = {
                "AWSAccountId": "111122223333",
                "AWSContactTraceRecordFormatVersion": "2017-03-10",
                "InstanceARN": INSTANCE,
                "ContactId": f"c{number}",
                "Channel": "VOICE",
                "InitiationMethod": method,
                "InitiationTimestamp": stamp(end - datetime.timedelta(seconds=60)),
                "DisconnectTimestamp": stamp(end),
                "DisconnectReason": reason,
                "LastUpdateTimestamp": stamp(end + datetime.timedelta(seconds=60)),
            }
            if wait is not None or queued:
                record["Queue"] = {"ARN": f"{INSTANCE}/queue/q1", "Name": "Orders", "EnqueueTimestamp": stamp(end - datetime.timedelta(seconds=50))}
                if wait is not None:
                    record["Queue"]["Duration"] = wait
            if agent is not None:
                connected = {"ARN": f"{INSTANCE}/agent/a1", "ConnectedToAgentTimestamp": stamp(end - datetime.timedelta(seconds=40))}
                record["Agent"] = connected | {"NumberOfHolds": 0, "CustomerHoldDuration": 0} | agent
            self.records.append(record | fields)


def shared_out(total, count):
    """Splits the total into `count` nearly equal whole numbers."""
    return [total // count + (place < total % count) for place in range(count)]


def cumulative(counts, total, longest):
    """Counts of contacts and their waits, from the counts below each threshold; the rest waited longest."""
    before, below = 0, 0
    for threshold, count in counts:
        yield count - below, before
        below, before = count, threshold
    yield total - below, longest


def window_of_four_days():
    """12 to 15 August: 3,752 queued."""
    records = Records()
    answered = [(5, 10), (15, 1622), (30, 1928), (60, 2065), (120, 2248)]
    for count, wait in cumulative(answered, 2519, 200):
        records.add(count, wait=wait, agent={})
    abandoned = [(5, 246), (10, 444), (15, 513), (20, 536), (30, 571), (60, 712), (120, 821)]
    methods = ["INBOUND"] * 612 + ["TRANSFER"] * 82 + ["API"] * 288 + ["CALLBACK"] * 2
    reasons = ["CUSTOMER_DISCONNECT", "OTHER", "EXPIRED", None]
    for count, wait in cumulative(abandoned, 984, 604_791):
        for _ in range(count):
            number = len(methods)
            records.add(wait=wait, method=methods.pop(), reason=reasons[number % len(reasons)])
    # Left the queue in another way: 3,752 - 2,519 - 984.
    records.add(249, wait=45, NextContactId="next")
    transfer = {"TransferCompletedTimestamp": stamp(BEGIN + datetime.timedelta(hours=2)), "NextContactId": "next"}
    records.add(182, agent={}, **transfer)
    records.add(15, agent={}, TransferredToEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+441632960100"}, **transfer)
    records.add(5262 - 2519 - 197, method="OUTBOUND", agent={})
    handled = (record for record in records.records if "Agent" in record)
    for day, count in enumerate(HANDLED_BY_DAY):
        for _ in range(count):
            end = BEGIN + datetime.timedelta(days=day, hours=12)
            next(handled)["DisconnectTimestamp"] = stamp(end)
    return records.records


def window_of_a_month():
    """1 to 26 August: the parts of the handle time of 33,146 contacts, and the time in the queue of 25,050."""
    records = Records()
    talk, hold, work = shared_out(4_682_697, 33_146), shared_out(720_712, 4850), shared_out(5_029_764, 33_000)
    answer = shared_out(round(433.510415 * 16_594), 16_594)
    for number in range(33_146):
        agent = {"AgentInteractionDuration": talk[number]}
        if number < 4850:
            agent |= {"NumberOfHolds": 1, "CustomerHoldDuration": hold[number]}
        if number < 33_000:
            agent["AfterContactWorkDuration"] = work[number]
        if number < 16_594:
            records.add(agent=agent, wait=answer[number])
        else:
            records.add(agent=agent, method="OUTBOUND")
    for wait in shared_out(round(1188.927018 * 6900), 6900):
        records.add(wait=wait)
    # Four had no Duration.
    records.add(4, queued=True)
    records.add(25_050 - 16_594 - 6904, wait=700, NextContactId="next")
    return records.records


class Agents:
    """Builds a sequence of agent events."""

    def __init__(self):
        self.events = []

    def event(self, agent, at, contacts=(), status="Available", since=None, kind="STATE_CHANGE", region="us-east-1", **fields):
        instance = INSTANCE.replace("us-east-1", region)
        snapshot = {
            "AgentStatus": {"Name": status, "Type": TYPES.get(status, "CUSTOM"), "StartTimestamp": stamp(since or at)},
            "Configuration": {"RoutingProfile": {"ARN": f"{instance}/routing-profile/{fields.pop('profile', 'r1')}", "Name": "General"}},
            "Contacts": list(contacts),
        }
        event = {
            "AgentARN": f"{instance}/agent/{agent}",
            "InstanceARN": instance,
            "EventId": f"e{len(self.events):06}",
            "EventType": kind,
            "EventTimestamp": stamp(at),
            "PreviousAgentSnapshot": None,
            "CurrentAgentSnapshot": None if kind in ("LOGIN", "LOGOUT") else snapshot,
            "Version": "2017-10-01",
        }
        self.events.append(event | fields)

    def beats(self, agent, first, last, contacts=(), **more):
        """Adds heartbeats, every half hour between two moments."""
        while (first := first + datetime.timedelta(minutes=30)) < last:
            self.event(agent, first, contacts, kind="HEART_BEAT", **more)


TYPES = {"Available": "ROUTABLE", "Offline": "OFFLINE"}


def contact(id, state, since, connected=None, method="INBOUND"):
    return {
        "ContactId": id, "Channel": "VOICE", "InitiationMethod": method, "State": state, "StateStartTimestamp": stamp(since),
        "ConnectedToAgentTimestamp": connected and stamp(connected), "Queue": {"ARN": f"{INSTANCE}/queue/q1"},
    }  # fmt: skip


def activity_of_four_days():
    """Agents on contact for 987,376.583 s and idle for 5,475,223.395 s, and 3,054 offers, 2,619 of them accepted."""
    agents = Agents()
    milliseconds = lambda count: datetime.timedelta(milliseconds=count)  # noqa: E731
    present = zip(shared_out(987_376_583, 20), shared_out(5_475_223_395, 20))
    for number, (on_contact, idle) in enumerate(present):
        agent, free, end = f"a{number}", BEGIN + milliseconds(on_contact), BEGIN + milliseconds(on_contact + idle)
        call = [contact(f"long{number}", "CONNECTED", BEGIN, BEGIN)]
        agents.event(agent, BEGIN, call)
        agents.beats(agent, BEGIN, free, call, since=BEGIN)
        agents.event(agent, free, since=BEGIN)
        agents.beats(agent, free, end, since=BEGIN)
        agents.event(agent, end, status="Offline")
    # Offers to an agent who is offline count as offers, and take no idle time.
    rings, now = "a20", BEGIN
    agents.event(rings, now, status="Offline")
    for number in range(3054):
        now += datetime.timedelta(seconds=30)
        agents.event(rings, now, [contact(f"o{number}", "CONNECTING", now)], "Offline", BEGIN)
        now += datetime.timedelta(seconds=20)
        state = "CONNECTED" if number < 2619 else ["MISSED", "REJECTED", "ERROR"][number % 3]
        agents.event(rings, now, [contact(f"o{number}", state, now, now)], "Offline", BEGIN)
        agents.event(rings, now + datetime.timedelta(seconds=1), (), "Offline", BEGIN)
    records = Records()
    # Of the 435 unanswered offers, the customer abandoned all but 49 during ringing.
    for number in range(2619 + 49, 3054):
        records.add(ContactId=f"o{number}", wait=10)
    return records.records, agents.events


def lake(ledger, folder, records, events=()):
    """The lake that the stack builds from the records and events."""
    file = folder / "records.jsonl"
    # A lake needs a row; the date of this one is never queried.
    long_ago = Records()
    long_ago.add(ContactId="long ago", at=datetime.datetime(2020, 1, 1))
    file.write_text("".join(json.dumps(record) + "\n" for record in records or long_ago.records))
    ledger("demo", f"--contact-records={file}", "--output", folder / "made")
    lake = folder / "made" / "lake"
    days = {BEGIN.date().isoformat(): [b"{}"]}
    for event in events:
        days.setdefault(event["EventTimestamp"][:10], []).append(json.dumps(event).encode())
    for day, lines in days.items():
        archive_events(lake, day, lines)
    return lake


class Figures:
    def __init__(self, verification, engine, ledger):
        self.verification, self.engine, self.ledger = verification, engine, ledger

    @contextlib.contextmanager
    def open(self, records, events=()):
        with tempfile.TemporaryDirectory() as folder:
            self.engine.open(lake(self.ledger, pathlib.Path(folder), records, events))
            yield

    def answer(self, name, days=("2026-08-12", "2026-08-15"), grain="week", *more, zone=ZONE, of="*", simulated=False):
        """The rows of a query's answer, as dictionaries by column."""
        agents = name in ("agent_activity", "agent_answer_rate", "time_in_status")
        parameters = [zone, grain, *days, of]
        if name == "agent_non_response":
            parameters = [zone, grain, *days, 8]
        elif not agents:
            parameters += [simulated, 8, *more]
        columns, rows = self.engine.answer(name, parameters)
        return [dict(zip(columns, row)) for row in rows]

    def check(self, what, found, wanted):
        self.verification.check(what, [[found]], [[wanted]], 1e-9)


def one(rows):
    (row,) = rows
    return row


def real_center(figures):
    check = figures.check
    with figures.open(window_of_four_days()):
        def added(name, column, *more):
            return sum(row[column] for row in figures.answer(name, ("2026-08-12", "2026-08-15"), "week", *more))

        queued, removed = (added("service_level", column, 30, "LT") for column in ("contacts_queued", "contacts_removed_from_queue_in_x"))
        # Outbound contacts have no queue, and no service level.
        rows = figures.answer("service_level", ("2026-08-12", "2026-08-15"), "week", 30, "LT")
        level = one([row for row in rows if row["queue_id"]])
        check("service level, 30 s, percent", round(level["service_level"] * 100, 4), 66.6045)
        check("… numerator and denominator", [queued, removed, level["sum_contacts_answered_in_x"], level["sum_contacts_abandoned_in_x"]], [3752, 2499, 1928, 571])
        check("… the rate answered in time is a different figure", round(level["answered_in_time_rate"] * 100, 2), 51.39)
        for threshold, answered in ((5, 10), (15, 1622), (30, 1928), (60, 2065), (120, 2248)):
            check(f"answered in {threshold} s", added("service_level", "sum_contacts_answered_in_x", threshold, "LT"), answered)
        for threshold, abandoned in ((5, 246), (10, 444), (15, 513), (20, 536), (30, 571), (60, 712), (120, 821)):
            check(f"abandoned in {threshold} s", added("service_level", "sum_contacts_abandoned_in_x", threshold, "LT"), abandoned)
        row = one([row for row in figures.answer("abandonment") if row["queue_id"]])
        check("abandoned", row["contacts_abandoned"], 984)
        check("abandonment rate, percent", round(row["abandonment_rate"] * 100, 4), 26.226)
        longest = max(row["max_queued_time"] or 0 for row in figures.answer("speed_of_answer"))
        check("maximum queued time", longest, 604_791)
        transfers = [added("hold_and_transfer", f"contacts_transferred_out{kind}") for kind in ("", "_by_agent", "_internal", "_external")]
        check("transferred out, by agent, internal, external", transfers, [197, 197, 182, 15])
        check("transferred out from queue", added("hold_and_transfer", "contacts_transferred_unanswered"), 0)
        check("handled", added("contact_volume", "contacts_handled"), 5262)
        by_day = collections.Counter()
        for row in figures.answer("contact_volume", grain="day"):
            by_day[row["local_start"]] += row["contacts_handled"]
        check("handled, by day", [by_day[day] for day in sorted(by_day)], HANDLED_BY_DAY)
        methods = figures.engine.ask("SELECT initiation_method, sum(contacts_abandoned) FROM queue_intervals GROUP BY 1")
        methods = sorted((method, int(count)) for method, count in methods if count)
        check("abandoned, by method", methods, [("API", 288), ("CALLBACK", 2), ("INBOUND", 612), ("TRANSFER", 82)])
    with figures.open(window_of_a_month()):
        rows = figures.answer("handle_time")
        handled, total = (sum(row[column] for row in rows) for column in ("contacts_handled", "sum_handle_time"))
        check("handle time is the sum of its parts", [handled, total], [33_146, 4_682_697 + 720_712 + 5_029_764])
        sums = "sum(sum_interaction_time), sum(sum_hold_time), sum(hold_time_contacts), sum(sum_after_contact_work_time), sum(after_contact_work_time_contacts)"
        talk, hold, held, work, worked = map(int, figures.engine.ask(f"SELECT {sums} FROM queue_intervals")[0])
        check("average handle time", round(total / handled, 3), 314.764)
        check("average hold time, over contacts with a hold", round(hold / held, 3), 148.6)
        check("… over all contacts", round(hold / handled, 2), 21.74)
        check("average after-contact work, including zeros", [round(work / worked, 3), worked], [151.746, 33_146])
        row = one([row for row in figures.answer("service_level", ("2026-08-12", "2026-08-15"), "week", 30, "LT") if row["queue_id"]])
        check("queued", row["contacts_queued"], 25_050)
        row = one([row for row in figures.answer("abandonment") if row["queue_id"]])
        check("abandonment rate, percent", round(row["abandonment_rate"] * 100, 6), 27.560878)
        check("average abandon time, over contacts that have one", round(row["avg_abandon_time"], 3), 1188.927)
        row = one([row for row in figures.answer("speed_of_answer") if row["queue_id"]])
        check("average queue answer time", [round(row["avg_queue_answer_time"], 3), row["answered"]], [433.51, 16_594])
    with figures.open(*activity_of_four_days()):
        row = one(figures.answer("occupancy"))
        check("occupancy", round(row["agent_occupancy"], 10), 0.1527831811)
        check("on contact and idle, seconds", [row["sum_contact_time_agent"], row["sum_idle_time_agent"]], [987_376.583, 5_475_223.395])
        row = one([row for row in figures.answer("agent_answer_rate") if row["agent_id"] == "a20"])
        check("offers", [row["offers_accepted"], row["agent_non_response"]], [2619, 435])
        check("agent answer rate, percent", round(row["agent_answer_rate"] * 100, 6), 85.756385)
        row = one(figures.answer("agent_non_response"))
        found = [row["agent_non_response"], row["agent_non_response_without_customer_abandons"]]
        check("non-response, and without customer abandons", found, [435, 49])


def small_cases(figures):
    """Small cases of one rule each."""
    check, day = figures.check, ("2026-08-12", "2026-08-12")

    def rows(records, name, *more, **asked):
        with figures.open(records):
            return figures.answer(name, asked.pop("days", day), "day", *more, **asked)

    records = Records()
    records.add(wait=10, agent={})
    records.add(wait=45, agent={})
    records.add(wait=5)
    records.add(wait=20, NextContactId="callback")
    row = one(rows(records.records, "service_level", 30, "LT"))
    check("answered after 10 and 45 s, left after 5, called back after 20: service level, 30 s", row["service_level"], 0.75)

    records = Records()
    records.add(agent={}, wait=1, NextContactId="c1")
    records.add(method="DISCONNECT", InitialContactId="c0", PreviousContactId="c0")
    with figures.open(records.records):
        check("a survey after the call is not part of a chain", figures.engine.answer("contact_chains", [ZONE, *day, False])[1], [])
    records = Records()
    records.add(agent={}, wait=1, NextContactId="survey")
    row = one(rows(records.records, "hold_and_transfer"))
    check("a survey after the call is not a transfer", [row["contacts_transferred_out"], row["contacts_continued"]], [0, 1])

    records = Records()
    records.add(wait=30, TransferCompletedTimestamp=stamp(BEGIN), NextContactId="next")
    row = one(rows(records.records, "hold_and_transfer"))
    found = [row["contacts_transferred_out"], row["contacts_transferred_out_by_agent"], row["contacts_transferred_unanswered"]]
    check("transferred out of the queue: transferred out, by agent, unanswered", found, [1, 0, 1])

    records = Records()
    records.add(agent={"NumberOfHolds": 1}, wait=1, NextContactId="consult")
    records.add(method="TRANSFER", agent={}, wait=1, PreviousContactId="c0")
    row = one(rows(records.records, "hold_and_transfer"))
    check("a consultation that returns to the first agent is not a transfer", row["contacts_transferred_out"], 0)

    records = Records()
    records.add(wait=30, reason="OTHER")
    records.add(wait=30, reason="CONTACT_FLOW_DISCONNECT")
    records.add(wait=30, method="CALLBACK")
    row = one(rows(records.records, "abandonment"))
    check("for any reason, including callbacks: queued, abandoned", [row["contacts_queued"], row["contacts_abandoned"]], [3, 3])
    check("… disconnected by the customer", row["contacts_customer_gave_up"], 1)

    records = Records()
    records.add(agent={"NumberOfHolds": 1, "CustomerHoldDuration": 0}, wait=1)
    row = one(rows(records.records, "hold_and_transfer"))
    check("a hold of less than a second: put on hold, average", [row["contacts_put_on_hold"], row["avg_hold_time"]], [1, 0])

    records = Records()
    dialed = "CALLBACK_CUSTOMER_FIRST_DIALED"
    records.add(NextContactId="c1")
    records.add(method="CALLBACK_CUSTOMER_FIRST_QUEUED", wait=300, NextContactId="c2")
    records.add(method=dialed, wait=15, agent={})
    records.records[-1]["Queue"]["CallbackTotalQueueDuration"] = 315
    found = rows(records.records, "callbacks")
    row = one([row for row in found if row["queue_id"]])
    names = ["callbacks_asked_for", "customer_first_callbacks_dialed", "customer_first_callbacks_handled", "callbacks_abandoned"]
    check("a customer-first callback: requested, dialed, handled, abandoned", [row[name] for name in names], [1, 1, 1, 0])
    check("… waited in both queues", row["avg_queue_answer_time_customer_first_callback"], 315)
    row = one([row for row in rows(records.records, "service_level", 20, "LT") if row["queue_id"]])
    check("… service level, 20 s", [row["contacts_queued"], row["service_level"]], [2, 0.5])

    records = Records()
    # 21:30 on the 12th in New York.
    records.add(wait=10, agent={}, at=datetime.datetime(2026, 8, 13, 1, 30))
    found = [one(rows(records.records, "contact_volume"))["local_start"]]
    found.append(one(rows(records.records, "contact_volume", zone="UTC", days=("2026-08-13", "2026-08-13")))["local_start"])
    check("a call late in the evening counts on the local day", found, ["2026-08-12", "2026-08-13"])

    records = Records()
    test = {"connect:ValidationTestType": {"ValueString": "EXPERIENCE_VALIDATION"}}
    records.add(wait=10, agent={}, SegmentAttributes=test)
    records.add(wait=10, agent={})
    records.add(wait=10, agent={}, SegmentAttributes={"connect:Subtype": {"ValueString": "connect:Assistant"}})
    found = [one(rows(records.records, "contact_volume", simulated=included)) for included in (False, True)]
    check("simulated contacts count if requested, assistant contacts never", [row["contacts_handled"] for row in found], [1, 2])
    check("… and are counted", found[1]["simulated_contacts"], 1)

    # A queue that is renamed.
    records = Records()
    records.add(wait=10, agent={})
    records.add(2, wait=10, agent={})
    for record in records.records[1:]:
        record["Queue"]["Name"] = "Sales"
    for name, count in (("Orders", 1), ("Sales", 2), ("q1", 3)):
        found = [one(rows(records.records, query, *more, of=name))[column] for query, column, *more in (
            ("contact_volume", "contacts_handled"), ("service_level", "contacts_queued", 20, "LT"),
        )]  # fmt: skip
        check(f"a renamed queue, queried as {name}", found, [count, count])

    # Began long before, queued on one day, ended on the next.
    records = Records()
    records.add(wait=10, at=BEGIN + datetime.timedelta(hours=30))
    records.records[0] |= {"InitiationTimestamp": stamp(BEGIN - datetime.timedelta(days=20))}
    records.records[0]["Queue"]["EnqueueTimestamp"] = stamp(BEGIN + datetime.timedelta(hours=9))
    with figures.open(records.records):
        columns, found = figures.engine.answer("beyond_look_back", [ZONE, "day", *day, False, 8])
    found = [dict(zip(columns, row))["contacts_queued_by_enqueue"] for row in found]
    check("a contact queued in the queried days that began before the look-back", found, [1])

    records = Records()
    records.add(method="MONITOR", agent={"AgentInteractionDuration": 100})
    check("a supervisor who listens handles nothing", one(rows(records.records, "handle_time"))["contacts_handled"], 0)


def small_cases_of_agents(figures):
    """Small cases of one rule each, on agent events."""
    check, hours = figures.check, lambda count: BEGIN + datetime.timedelta(hours=count)
    second = datetime.timedelta(seconds=1)

    def activity(agents, day="2026-08-12", query="agent_activity"):
        with figures.open([], agents.events):
            return figures.answer(query, (day, day), "day")

    # Available on a Wednesday, the browser is closed at 17:00, and the agent is back on Friday.
    agents = Agents()
    agents.event("a1", hours(9), kind="LOGIN")
    agents.event("a1", hours(9))
    agents.beats("a1", hours(9), hours(17), since=hours(9))
    agents.event("a1", hours(17), since=hours(9), kind="HEART_BEAT")
    agents.event("a1", hours(56), kind="LOGIN")
    agents.event("a1", hours(56))
    agents.beats("a1", hours(56), hours(57), since=hours(56))
    agents.event("a1", hours(57), kind="LOGOUT")
    row = one(activity(agents))
    check("a session without a logout ends at its last event, and is_open is true", [row["sum_online_time_agent"], row["is_open"]], [8 * 3600, True])
    check("… nothing is counted on the day between", activity(agents, "2026-08-13"), [])
    check("… and the next session counts", one(activity(agents, "2026-08-14"))["sum_online_time_agent"], 3600)
    with figures.open([], agents.events):
        ((whole,),) = figures.engine.ask("SELECT sum(sum_online_time_agent) FROM agent_intervals")
    check("… as in the view over all days", whole, 9 * 3600)

    # Heartbeats after the logout, the logout on a day that the query does not read, and a lost login.
    agents = Agents()
    agents.event("a1", hours(-2), status="Offline")
    agents.event("a1", hours(-2), kind="LOGOUT")
    agents.beats("a1", hours(-2), hours(-1), status="Offline", since=hours(-2))
    agents.event("a1", hours(32))
    agents.beats("a1", hours(32), hours(34), since=hours(32))
    agents.event("a1", hours(34), status="Offline")
    found = [(row["status_name"], row["hours"]) for row in activity(agents, "2026-08-13", "time_in_status")]
    check("a late shift and a day off: no offline hours, and a lost login loses nothing", found, [("Available", 2)])

    # A contact state that begins after its event.
    agents = Agents()
    agents.event("a1", hours(9))
    agents.event("a1", hours(9) + second, [contact("c1", "CONNECTED", hours(9000))], since=hours(9))
    agents.event("a1", hours(9) + 2 * second, since=hours(9))
    agents.event("a1", hours(9) + 60 * second, status="Offline")
    check("a state from the future takes no time away", one(activity(agents))["sum_online_time_agent"], 60)

    # The other Region of an instance with a replica sends its own login and offline events.
    agents = Agents()
    agents.event("a1", hours(9), kind="LOGIN")
    agents.event("a1", hours(9))
    call = [contact("c1", "CONNECTED", hours(9), hours(9))]
    agents.event("a1", hours(9), call, since=hours(9))
    other = {"region": "us-west-2"}
    agents.event("a1", hours(9) + 10 * second, status="Offline", **other)
    agents.event("a1", hours(9) + 20 * second, kind="HEART_BEAT", status="Offline", since=hours(9) + 10 * second, **other)
    agents.event("a1", hours(9) + 30 * second, kind="LOGOUT", **other)
    agents.event("a1", hours(9) + 600 * second, call, since=hours(9), kind="HEART_BEAT")
    agents.event("a1", hours(9) + 900 * second, since=hours(9))
    agents.event("a1", hours(9) + 900 * second, status="Offline")
    row = one(activity(agents))
    check("the other Region's offline events take nothing away", [row["sum_online_time_agent"], row["sum_contact_time_agent"]], [900, 900])

    # Two configurations in one millisecond: the one of the later event counts.
    agents = Agents()
    agents.event("a1", hours(9), profile="r9")
    agents.event("a1", hours(10), since=hours(9), profile="r9")
    agents.event("a1", hours(10), since=hours(9), profile="r2")
    agents.event("a1", hours(11), since=hours(9), profile="r2")
    found = sorted((row["routing_profile_id"], row["sum_online_time_agent"]) for row in activity(agents))
    check("the later of two routing profiles in one millisecond counts", found, [("r2", 3600), ("r9", 3600)])

    # A ringing contact that is next seen on hold was accepted; only attempts that ended in one of the four states have a connecting time.
    agents = Agents()
    agents.event("a1", hours(9), [contact("c1", "CONNECTING", hours(9))])
    agents.event("a1", hours(9) + 10 * second, [contact("c1", "CONNECTED_ONHOLD", hours(9) + 10 * second)], since=hours(9))
    agents.event("a1", hours(9) + 20 * second, [contact("c2", "CONNECTING", hours(9) + 20 * second)], since=hours(9))
    agents.event("a1", hours(9) + 40 * second, [contact("c2", "CONNECTED", hours(9) + 40 * second)], since=hours(9))
    row = one(activity(agents, query="agent_answer_rate"))
    check("accepted, average connecting time", [row["offers_accepted"], row["avg_agent_incoming_connecting_time"]], [2, 20])

    # Paused tasks count as on contact.
    agents = Agents()
    agents.event("a1", hours(9), [contact("c1", "PAUSED", hours(9), hours(9))])
    agents.event("a1", hours(9) + 300 * second, status="Offline")
    check("a paused task is time on contact", one(activity(agents))["sum_contact_time_agent"], 300)


def wrong_parameters(figures):
    """An invalid parameter gives an error, not a figure."""
    with figures.open([]):
        for what, name, parameters in [
            ("a grain of 20 minutes", "abandonment", [ZONE, "20", "2026-08-12", "2026-08-12", "*", False, 8]),
            ("a grain in capitals", "abandonment", [ZONE, "DAY", "2026-08-12", "2026-08-12", "*", False, 8]),
            ("a last day before the first", "abandonment", [ZONE, "day", "2026-08-12", "2026-08-11", "*", False, 8]),
            ("an unknown comparison", "service_level", [ZONE, "day", "2026-08-12", "2026-08-12", "*", False, 8, 20, "lte"]),
            ("a week for the forecast", "forecasting_csv", [ZONE, "week", "2026-08-12", "2026-08-12", "*", False, 8, "*"]),
        ]:
            try:
                found = figures.engine.answer(name, parameters)[1]
            except figures.engine.Error as error:
                found = "error" if "grain" in str(error) or "comparison" in str(error) or "day" in str(error) else str(error)
            figures.check(what, found, "error")


def verify(verification, ledger):
    with DuckDb(ROOT) as engine:
        figures = Figures(verification, engine, ledger)
        real_center(figures)
        small_cases(figures)
        small_cases_of_agents(figures)
        wrong_parameters(figures)
