"""What Amazon Connect showed of a real center, from records built to its counts; and small cases that used to give wrong figures.

The center has about 95 queues; its figures were published. Everything but the counts is invented. Connect averages milliseconds and
exported records have whole seconds, so averages are compared to the third decimal.
"""

import datetime
import gzip
import json
import pathlib
import tempfile

from engines import DuckDb

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/10000000-0000-4000-8000-000000000001"
ZONE = "America/New_York"
# 12 August 2026, 00:00 in New York.
BEGIN = datetime.datetime(2026, 8, 12, 4)


def stamp(moment):
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


class Records:
    """Contact records, by what they have."""

    def __init__(self):
        self.records = []

    def add(self, count=1, method="INBOUND", wait=None, queued=None, agent=None, reason="CUSTOMER_DISCONNECT", at=None, **fields):
        """So many contacts that ended in the window; `wait` is the time in the queue."""
        for _ in range(count):
            number = len(self.records)
            end = at or BEGIN + datetime.timedelta(seconds=3600 + number % 300_000)
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
    """Whole numbers that add up to the total."""
    return [total // count + (place < total % count) for place in range(count)]


def cumulative(counts, total, longest):
    """How many contacts waited how long: below each threshold so many in all, and the rest for the longest time."""
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
    # Left the queue another way: 3,752 - 2,519 - 984.
    records.add(249, wait=45, NextContactId="next")
    transfer = {"TransferCompletedTimestamp": stamp(BEGIN + datetime.timedelta(hours=2)), "NextContactId": "next"}
    records.add(182, agent={}, **transfer)
    records.add(15, agent={}, TransferredToEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+441632960100"}, **transfer)
    # Handled, by day: 1,799 + 1,695 + 1,639 + 129 = 5,262.
    records.add(5262 - 2519 - 197, method="OUTBOUND", agent={})
    return records.records


def window_of_a_month():
    """1 to 26 August: the parts of the handle time, over 33,146 contacts, and the times in the queue of 25,050."""
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


def activity_of_four_days():
    """Agents who were on contact for 987,376.583 s and idle for 5,475,223.395 s; and 3,054 offers, 2,619 of them accepted."""
    events = []

    def event(agent, at, contacts, status="Available"):
        type = "ROUTABLE" if status == "Available" else "OFFLINE"
        snapshot = {
            "AgentStatus": {"Name": status, "Type": type, "StartTimestamp": stamp(BEGIN if type == "ROUTABLE" else at)},
            "Configuration": {"RoutingProfile": {"ARN": f"{INSTANCE}/routing-profile/r1", "Name": "General"}},
            "Contacts": contacts,
        }
        events.append(
            {
                "AgentARN": f"{INSTANCE}/agent/{agent}",
                "InstanceARN": INSTANCE,
                "EventId": f"e{len(events):06}",
                "EventType": "STATE_CHANGE",
                "EventTimestamp": stamp(at),
                "PreviousAgentSnapshot": None,
                "CurrentAgentSnapshot": snapshot,
                "Version": "2017-10-01",
            }
        )

    def contact(id, state, since, connected=None):
        return {
            "ContactId": id, "Channel": "VOICE", "InitiationMethod": "INBOUND", "State": state, "StateStartTimestamp": stamp(since),
            "ConnectedToAgentTimestamp": connected and stamp(connected), "Queue": {"ARN": f"{INSTANCE}/queue/q1"},
        }  # fmt: skip

    milliseconds = lambda count: datetime.timedelta(milliseconds=count)  # noqa: E731
    present = zip(shared_out(987_376_583, 20), shared_out(5_475_223_395, 20))
    for number, (on_contact, idle) in enumerate(present):
        agent, end = f"a{number}", BEGIN + milliseconds(on_contact + idle)
        event(agent, BEGIN, [contact(f"long{number}", "CONNECTED", BEGIN, BEGIN)])
        event(agent, BEGIN + milliseconds(on_contact), [])
        event(agent, end, [], "Offline")
    # Offers to an agent who is offline count as offers, and take no idle time.
    rings, now = f"a{20}", BEGIN
    event(rings, now, [], "Offline")
    for number in range(3054):
        now += datetime.timedelta(seconds=30)
        event(rings, now, [contact(f"o{number}", "CONNECTING", now)], "Offline")
        now += datetime.timedelta(seconds=20)
        state = "CONNECTED" if number < 2619 else ["MISSED", "REJECTED", "ERROR"][number % 3]
        event(rings, now, [contact(f"o{number}", state, now, now)], "Offline")
        event(rings, now + datetime.timedelta(seconds=1), [], "Offline")
    records = Records()
    # Of 435 that were not answered all but 49 were given up while it rang.
    for number in range(2619 + 49, 3054):
        records.add(ContactId=f"o{number}", wait=10)
    return records.records, events


def lake(ledger, folder, records, events=()):
    """What the stack makes of them."""
    file = folder / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    ledger("demo", f"--contact-records={file}", "--output", folder / "made")
    archive = folder / "made" / "lake" / "raw" / "agent-events" / f"arrival_date={BEGIN:%Y-%m-%d}"
    archive.mkdir(parents=True)
    (archive / "0.gz").write_bytes(gzip.compress("".join(json.dumps(event) + "\n" for event in events).encode() or b"{}\n"))
    return folder / "made" / "lake"


class Figures:
    def __init__(self, verification, engine, ledger):
        self.verification, self.engine, self.ledger = verification, engine, ledger

    def open(self, records, events=()):
        with tempfile.TemporaryDirectory() as folder:
            self.engine.open(lake(self.ledger, pathlib.Path(folder), records, events))
            yield

    def answer(self, name, days=("2026-08-12", "2026-08-15"), grain="week", *more, zone=ZONE, of="*", simulated=False):
        """The rows of a query, as one: what is a number is added up, so ask for one group when it is a rate."""
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
    for _ in figures.open(window_of_four_days()):
        def added(name, column, *more):
            return sum(row[column] for row in figures.answer(name, ("2026-08-12", "2026-08-15"), "week", *more))

        queued, removed = (added("service_level", column, 30, "LT") for column in ("contacts_queued", "contacts_removed_from_queue_in_x"))
        # Outbound contacts have no queue, and no service level.
        rows = figures.answer("service_level", ("2026-08-12", "2026-08-15"), "week", 30, "LT")
        level = one([row for row in rows if row["queue_id"]])
        check("service level, 30 s, percent", round(level["service_level"] * 100, 4), 66.6045)
        check("… and its parts", [queued, removed, level["sum_contacts_answered_in_x"], level["sum_contacts_abandoned_in_x"]], [3752, 2499, 1928, 571])
        check("… answered in time is another figure", round(level["answered_in_time_rate"] * 100, 2), 51.39)
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
        by_day = sum(row["contacts_handled"] for row in figures.answer("contact_volume", grain="day"))
        check("handled, by day", by_day, 5262)
        methods = figures.engine.ask("SELECT initiation_method, sum(contacts_abandoned) FROM queue_intervals GROUP BY 1")
        methods = sorted((method, int(count)) for method, count in methods if count)
        check("abandoned, by method", methods, [("API", 288), ("CALLBACK", 2), ("INBOUND", 612), ("TRANSFER", 82)])
    for _ in figures.open(window_of_a_month()):
        rows = figures.answer("handle_time")
        handled, total = (sum(row[column] for row in rows) for column in ("contacts_handled", "sum_handle_time"))
        check("handle time is the sum of its parts", [handled, total], [33_146, 4_682_697 + 720_712 + 5_029_764])
        sums = "sum(sum_interaction_time), sum(sum_hold_time), sum(hold_time_contacts), sum(sum_after_contact_work_time), sum(after_contact_work_time_contacts)"
        talk, hold, held, work, worked = map(int, figures.engine.ask(f"SELECT {sums} FROM queue_intervals")[0])
        check("average handle time", round(total / handled, 3), 314.764)
        check("average hold time, of those held", round(hold / held, 3), 148.6)
        check("… of all contacts", round(hold / handled, 2), 21.74)
        check("average after-contact work, zeros in", [round(work / worked, 3), worked], [151.746, 33_146])
        row = one([row for row in figures.answer("service_level", ("2026-08-12", "2026-08-15"), "week", 30, "LT") if row["queue_id"]])
        check("queued", row["contacts_queued"], 25_050)
        row = one([row for row in figures.answer("abandonment") if row["queue_id"]])
        check("abandonment rate, percent", round(row["abandonment_rate"] * 100, 6), 27.560878)
        check("average abandon time, of those that have one", round(row["avg_abandon_time"], 3), 1188.927)
        row = one([row for row in figures.answer("speed_of_answer") if row["queue_id"]])
        check("average queue answer time", [round(row["avg_queue_answer_time"], 3), row["answered"]], [433.51, 16_594])
    for _ in figures.open(*activity_of_four_days()):
        row = one(figures.answer("occupancy"))
        check("occupancy", round(row["agent_occupancy"], 10), 0.1527831811)
        check("on contact and idle, seconds", [row["sum_contact_time_agent"], row["sum_idle_time_agent"]], [987_376.583, 5_475_223.395])
        row = one([row for row in figures.answer("agent_answer_rate") if row["agent_id"] == "a20"])
        check("offers", [row["offers_accepted"], row["agent_non_response"]], [2619, 435])
        check("agent answer rate, percent", round(row["agent_answer_rate"] * 100, 6), 85.756385)
        row = one(figures.answer("agent_non_response"))
        found = [row["agent_non_response"], row["agent_non_response_without_customer_abandons"]]
        check("non-response, and without those who hung up", found, [435, 49])


def small_cases(figures):
    """One thing each; every one of them gave a wrong figure once."""
    check, day = figures.check, ("2026-08-12", "2026-08-12")

    def rows(records, name, *more, **asked):
        for _ in figures.open(records):
            return figures.answer(name, asked.pop("days", day), "day", *more, **asked)

    records = Records()
    records.add(wait=10, agent={})
    records.add(wait=45, agent={})
    records.add(wait=5)
    records.add(wait=20, NextContactId="callback")
    row = one(rows(records.records, "service_level", 30, "LT"))
    check("answered after 10 and 45 s, left after 5, called back after 20: service level, 30 s", row["service_level"], 0.75)

    records = Records()
    records.add(agent={}, wait=1, NextContactId="survey")
    row = one(rows(records.records, "hold_and_transfer"))
    check("a survey after the call is no transfer", [row["contacts_transferred_out"], row["contacts_continued"]], [0, 1])
    for _ in figures.open(records.records):
        check("… and no chain", len(figures.engine.answer("contact_chains", [ZONE, *day, False])[1]), 0)

    records = Records()
    records.add(agent={"NumberOfHolds": 1}, wait=1, NextContactId="consult")
    records.add(method="TRANSFER", agent={}, wait=1, PreviousContactId="c0")
    row = one(rows(records.records, "hold_and_transfer"))
    check("a consultation that came back is no transfer", row["contacts_transferred_out"], 0)

    records = Records()
    records.add(wait=30, reason="OTHER")
    records.add(wait=30, reason="CONTACT_FLOW_DISCONNECT")
    records.add(wait=30, method="CALLBACK")
    row = one(rows(records.records, "abandonment"))
    check("whatever the reason, callbacks too: queued, abandoned", [row["contacts_queued"], row["contacts_abandoned"]], [3, 3])
    check("… of which customers hung up", row["contacts_customer_gave_up"], 1)

    records = Records()
    records.add(agent={"NumberOfHolds": 1, "CustomerHoldDuration": 0}, wait=1)
    row = one(rows(records.records, "hold_and_transfer"))
    check("a hold below a second: put on hold, average", [row["contacts_put_on_hold"], row["avg_hold_time"]], [1, 0])

    records = Records()
    dialed = "CALLBACK_CUSTOMER_FIRST_DIALED"
    records.add(NextContactId="c1")
    records.add(method="CALLBACK_CUSTOMER_FIRST_QUEUED", wait=300, NextContactId="c2")
    records.add(method=dialed, wait=15, agent={})
    records.records[-1]["Queue"]["CallbackTotalQueueDuration"] = 315
    found = rows(records.records, "callbacks")
    row = one([row for row in found if row["queue_id"]])
    names = ["callbacks_asked_for", "customer_first_callbacks_dialed", "customer_first_callbacks_handled", "callbacks_abandoned"]
    check("a customer-first callback: asked for, dialed, handled, abandoned", [row[name] for name in names], [1, 1, 1, 0])
    check("… waited in both queues", row["avg_queue_answer_time_customer_first_callback"], 315)
    row = one([row for row in rows(records.records, "service_level", 20, "LT") if row["queue_id"]])
    check("… service level, 20 s", [row["contacts_queued"], row["service_level"]], [2, 0.5])

    records = Records()
    # 21:30 on the 12th in New York.
    records.add(wait=10, agent={}, at=datetime.datetime(2026, 8, 13, 1, 30))
    found = [one(rows(records.records, "contact_volume"))["local_start"]]
    found.append(one(rows(records.records, "contact_volume", zone="UTC", days=("2026-08-13", "2026-08-13")))["local_start"])
    check("a late call counts for the local day", found, ["2026-08-12", "2026-08-13"])

    records = Records()
    test = {"connect:ValidationTestType": {"ValueString": "EXPERIENCE_VALIDATION"}}
    records.add(wait=10, agent={}, SegmentAttributes=test)
    records.add(wait=10, agent={})
    records.add(wait=10, agent={}, SegmentAttributes={"connect:Subtype": {"ValueString": "connect:Assistant"}})
    found = [one(rows(records.records, "contact_volume", simulated=included)) for included in (False, True)]
    check("simulated contacts count if asked for, assistants never", [row["contacts_handled"] for row in found], [1, 2])
    check("… and are counted", found[1]["simulated_contacts"], 1)

    records = Records()
    records.add(method="MONITOR", agent={"AgentInteractionDuration": 100})
    check("a supervisor who listens handles nothing", one(rows(records.records, "handle_time"))["contacts_handled"], 0)


def verify(verification, ledger):
    with DuckDb(ROOT) as engine:
        figures = Figures(verification, engine, ledger)
        real_center(figures)
        small_cases(figures)
