"""Contact records and agent events of a center with every case that the metrics distinguish: all channels, transfers of every kind,
conferences, callbacks of every kind, disconnect flows, holds, non-response, simulated and assistant contacts, contacts of several
days, sessions that end without a logout, and days of 23 and 25 hours in New York.

It is random, from a seed. It shares no code with the demo's generator, and it is not meant to be realistic.
"""

import datetime
import json
import random

UTC = datetime.UTC
INSTANCE = "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-00000000000"
QUEUES = {f"40000000-0000-4000-8000-00000000000{n}": name for n, name in enumerate(("Billing", "Orders", "Claims", "Billing"))}
PROFILES = {f"50000000-0000-4000-8000-00000000000{n}": name for n, name in enumerate(("General", "Back office"))}
# In the past, because Athena has no partitions in the future: around the clock changes in New York, and the turn of the year.
SEASONS = [datetime.datetime(2025, 3, 8, 18), datetime.datetime(2025, 11, 1, 20), datetime.datetime(2025, 12, 31, 20)]
METHODS = [
    "INBOUND", "INBOUND", "INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API", "DISCONNECT", "MONITOR",
    "CALLBACK_CUSTOMER_FIRST_QUEUED", "CALLBACK_CUSTOMER_FIRST_DIALED", "EXTERNAL_OUTBOUND", None,
]  # fmt: skip
REASONS = [
    "CUSTOMER_DISCONNECT", "AGENT_DISCONNECT", "CONTACT_FLOW_DISCONNECT", "TELECOM_PROBLEM", "EXPIRED", "OTHER", None,
]  # fmt: skip
STATUSES = [("Available", "ROUTABLE"), ("Available", "ROUTABLE"), ("Lunch", "CUSTOM"), ("Training", "CUSTOM"), ("Offline", "OFFLINE")]


def stamp(moment, milliseconds=False):
    return moment.isoformat(timespec="milliseconds" if milliseconds else "seconds") + "Z"


class Center:
    def __init__(self, seed, contacts=700, agents=10, hours=30):
        self.random, self.hours, self.began = random.Random(seed), hours, {}
        self.agents = [f"20000000-0000-4000-8000-{n:012}" for n in range(agents)]
        self.records = [version for number in range(contacts) for version in self.contact(number)]
        self.events = [event for season in SEASONS for agent in self.agents for event in self.shift(agent, season)]

    def chance(self, share):
        return self.random.random() < share

    def span(self, longest):
        """A number of seconds: often short, often a round number, sometimes 0."""
        return self.random.choice([0, 5, 10, 19, 20, 21, 30, 60, 90, self.random.randint(0, longest)])

    def contact(self, number):
        """The record of a contact, sometimes with an earlier version of it."""
        pick, chance = self.random.choice, self.chance
        after = lambda moment, longest: moment + datetime.timedelta(seconds=self.span(longest))  # noqa: E731
        began = SEASONS[number % len(SEASONS)] + datetime.timedelta(seconds=self.random.randint(0, self.hours * 3600))
        instance = INSTANCE + ("2" if number % 10 == 0 else "1")
        method, channel = pick(METHODS), pick(["VOICE", "VOICE", "CHAT", "TASK", "EMAIL"])
        self.began[number] = began
        agent, queue, profile = pick(self.agents), pick(list(QUEUES)), pick(list(PROFILES))
        record = {
            "AWSAccountId": "111122223333",
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "InstanceARN": instance,
            "ContactId": f"c0000000-0000-4000-8000-{number:012}",
            "Channel": channel,
            "InitiationMethod": method,
            "InitiationTimestamp": stamp(began),
            "CustomerEndpoint": {
                "Type": "TELEPHONE_NUMBER",
                "Address": "anonymous" if chance(0.1) else f"+44163296{self.random.randint(0, 150):04}",
            },
        }
        if chance(0.3):
            record["InitialContactId"] = f"c0000000-0000-4000-8000-{self.random.randint(0, number):012}"
        now = began
        if chance(0.9):
            now = after(now, 60)
            record["ConnectedToSystemTimestamp"] = stamp(now)
        is_queued, is_answered = chance(0.8), chance(0.6)
        if is_queued:
            now = after(now, 300)
            name = f"queue/agent/{agent}" if chance(0.05) else f"queue/{queue}"
            entry = {"ARN": f"{instance}/{name}", "EnqueueTimestamp": stamp(now)}
            if "agent" not in name:
                entry["Name"] = QUEUES[queue]
            wait = self.span(900)
            now += datetime.timedelta(seconds=wait)
            if chance(0.95):
                entry["Duration"] = wait
                entry["DequeueTimestamp"] = stamp(now)
            if method == "CALLBACK_CUSTOMER_FIRST_DIALED" and chance(0.8):
                entry["CallbackTotalQueueDuration"] = wait + self.span(900)
            record["Queue"] = entry
            if method == "CALLBACK_CUSTOMER_FIRST_DIALED" and "CallbackTotalQueueDuration" not in entry and chance(0.5):
                record["CallbackTotalQueueDurationMillis"] = self.random.randint(0, 900_000)
        if method == "CALLBACK_CUSTOMER_FIRST_DIALED":
            record["AnsweringMachineDetectionStatus"] = pick(["HUMAN_ANSWERED", "HUMAN_ANSWERED", "VOICEMAIL_BEEP"])
            if chance(0.8):
                greeting = now - datetime.timedelta(milliseconds=self.random.randint(0, 20_000))
                record["CustomerVoiceActivity"] = {"GreetingEndTimestamp": stamp(greeting, True)}
        if is_answered:
            now = after(now, 5)
            work = {
                "ARN": f"{instance}/agent/{agent}",
                "Username": f"agent.{agent[-4:]}",
                "ConnectedToAgentTimestamp": stamp(now),
                "RoutingProfile": {"ARN": f"{instance}/routing-profile/{profile}", "Name": PROFILES[profile]},
                "NumberOfHolds": pick([0, 0, 0, 1, 2]),
            }
            talk, hold = self.span(1200), self.span(200)
            now += datetime.timedelta(seconds=talk + hold)
            if chance(0.95):
                work["AgentInteractionDuration"] = talk
            if work["NumberOfHolds"] or chance(0.5):
                work["CustomerHoldDuration"] = hold if work["NumberOfHolds"] else 0
            if chance(0.8):
                work["AfterContactWorkDuration"] = self.span(300)
                work["AfterContactWorkEndTimestamp"] = stamp(after(now, 300))
            if channel == "TASK":
                work[pick(["AgentPauseDurationInSeconds", "AgentPauseDuration"])] = self.span(3600)
            if chance(0.02):
                work.pop("NumberOfHolds")
            record["Agent"] = work
            if channel == "CHAT" and chance(0.8):
                first = now - datetime.timedelta(milliseconds=self.random.randint(0, 3000))
                record["ChatMetrics"] = {"ContactMetrics": {"AgentFirstResponseTimestamp": stamp(first, True)}}
                if is_queued and stamp(first, True) < record["Queue"]["EnqueueTimestamp"]:
                    record.pop("ChatMetrics")
        if chance(0.15):
            # Long contacts: tasks and emails that wait for days.
            now += datetime.timedelta(days=pick([1, 1, 2, 5, 8]), seconds=self.span(3600))
        if chance(0.97):
            record["DisconnectTimestamp"] = stamp(now)
            record["DisconnectReason"] = pick(REASONS)
        if chance(0.15):
            record["TransferCompletedTimestamp"] = stamp(now)
        if chance(0.1):
            record["TransferredToEndpoint"] = {"Type": "TELEPHONE_NUMBER", "Address": "+441632960999"}
        if chance(0.2):
            record["NextContactId"] = f"c0000000-0000-4000-8000-{number + 1:012}"
        attributes = {"connect:Subtype": {"ValueString": "connect:Telephony"}}
        if chance(0.05):
            attributes["connect:Subtype"]["ValueString"] = "connect:Assistant"
        if chance(0.08):
            attributes["connect:ValidationTestType"] = {"ValueString": "EXPERIENCE_VALIDATION"}
        record["SegmentAttributes"] = attributes
        changed = now + datetime.timedelta(seconds=60)
        record["LastUpdateTimestamp"] = stamp(changed)
        if chance(0.2):
            earlier = {**record, "LastUpdateTimestamp": stamp(changed - datetime.timedelta(seconds=30)), "NextContactId": None}
            yield earlier | {"TransferCompletedTimestamp": None, "DisconnectReason": "OTHER"}
        yield record

    def shift(self, agent, season):
        """The events of an agent: each snapshot follows from the previous one, and no state starts after its event."""
        pick, chance, ms = self.random.choice, self.chance, lambda n: datetime.timedelta(milliseconds=n)
        instance = INSTANCE + "1"
        now = season + ms(self.random.randint(0, 3 * 3600_000))
        end = season + datetime.timedelta(hours=self.hours) - ms(self.random.randint(0, 12 * 3600_000))
        profile, level = pick(list(PROFILES)), pick(["1", "2"])
        status, since, contacts, numbers, previous = None, None, {}, 0, None
        events, logged_in = [], False

        def configuration():
            group = lambda n: {"ARN": f"{instance}/agent-group/6000000{level}-{n}", "Name": f"Group {level}"}  # noqa: E731
            levels = {f"Level{n}": group(n) if n <= int(level) else None for n in range(1, 6)}
            arn = f"{instance}/routing-profile/{profile}"
            return {"AgentHierarchyGroups": levels, "RoutingProfile": {"ARN": arn, "Name": PROFILES[profile]}}

        def event(kind, snapshot):
            nonlocal previous
            identity = f"{self.random.getrandbits(128):032x}"
            events.append(
                {
                    "AWSAccountId": "111122223333",
                    "AgentARN": f"{instance}/agent/{agent}",
                    "InstanceARN": instance,
                    "EventId": identity,
                    "EventType": kind,
                    "EventTimestamp": stamp(now, True),
                    "PreviousAgentSnapshot": previous,
                    "CurrentAgentSnapshot": snapshot,
                    "Version": "2017-10-01",
                }
            )
            previous = json.loads(json.dumps(snapshot))

        def elsewhere():
            """An event of the Region in which the agent does not work, in the same millisecond."""
            nonlocal previous
            routing = {"ConfiguredRegions": ["eu-west-2", "eu-central-1"], "CurrentRegion": "eu-west-2"}
            offline = {"Name": "Offline", "Type": "OFFLINE", "StartTimestamp": stamp(now, True)}
            shown = {"AgentStatus": offline, "Contacts": [], "AgentCrossRegionRoutingConfiguration": routing}
            kind, before = pick(["HEART_BEAT", "STATE_CHANGE", "LOGOUT"]), previous
            event(kind, shown)
            foreign = events[-1]
            foreign["AgentARN"] = foreign["AgentARN"].replace("eu-west-2", "eu-central-1")
            foreign["PreviousAgentSnapshot"] = shown
            if kind == "LOGOUT":
                foreign["CurrentAgentSnapshot"] = None
            previous = before

        def snapshot():
            name, type = status
            shown = {"Name": name, "Type": type, "StartTimestamp": stamp(since, True)}
            if season.month == 12:
                # Older events have no status type.
                shown.pop("Type")
            return {"AgentStatus": shown, "Configuration": configuration(), "Contacts": [dict(c) for c in contacts.values()]}

        def enter(contact, state, keeps=False):
            contact["State"] = state
            if not keeps:
                contact["StateStartTimestamp"] = stamp(now - ms(self.random.randint(0, 300)), True)

        while now < end:
            if not logged_in:
                if chance(0.95) or not events:
                    event("LOGIN", None)
                    now += ms(self.random.randint(1, 2000))
                status, since, contacts, logged_in = pick(STATUSES), now, {}, True
                event("STATE_CHANGE", snapshot())
            now += ms(self.random.choice([self.random.randint(400, 3000), self.random.randint(1000, 600_000), 900_000]))
            step = self.random.random()
            if step < 0.12:
                status, since = pick(STATUSES), now - ms(self.random.randint(0, 300))
            elif step < 0.15:
                profile, level = pick(list(PROFILES)), pick(["1", "2"])
            elif step < 0.18:
                logged_in = False
                if chance(0.7):
                    event("LOGOUT", snapshot() if chance(0.5) else None)
                    if chance(0.3):
                        now += ms(60_000)
                        event("HEART_BEAT", snapshot())
                previous = None
                now += ms(self.random.randint(60_000, 5 * 3600_000))
                continue
            elif step < 0.45 and len(contacts) < 3:
                numbers += 1
                method = pick(["INBOUND", "INBOUND", "OUTBOUND", "CALLBACK", "API", "TRANSFER", "MONITOR"])
                # Often a contact of this instance that has a record and has begun.
                id = f"{agent[-4:]}-{season:%m}-{numbers}"
                number = len(SEASONS) * self.random.randint(0, 230) + SEASONS.index(season)
                if number % 10 and self.began.get(number, end) <= now and chance(0.9):
                    id = f"c0000000-0000-4000-8000-{number:012}"
                if id not in contacts:
                    arn = f"{instance}/queue/{pick(list(QUEUES))}"
                    contact = {"ContactId": id, "Channel": pick(["VOICE", "CHAT", "TASK"]), "InitiationMethod": method}
                    contact |= {"Queue": {"ARN": arn, "Name": None}, "ConnectedToAgentTimestamp": None}
                    enter(contact, pick(["CONNECTING", "CONNECTING", "INCOMING", "PENDING"]))
                    contacts[id] = contact
            elif step < 0.9 and contacts:
                id = pick(list(contacts))
                contact, state = contacts[id], contacts[id]["State"]
                if state in ("CONNECTING", "INCOMING", "PENDING"):
                    following = pick(
                        ["CONNECTED", "CONNECTED", "MISSED", "REJECTED", "ERROR", "CONNECTING", "gone", "ENDED", "CONNECTED_ONHOLD", "PAUSED"]
                    )
                elif state in ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED"):
                    following = pick(["CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED", "ENDED", "gone"])
                else:
                    following = "gone"
                if following == "gone":
                    contacts.pop(id)
                elif following != state:
                    is_connected = following in ("CONNECTED", "CONNECTED_ONHOLD") or (following == "ENDED" and chance(0.5))
                    if is_connected and not contact["ConnectedToAgentTimestamp"]:
                        contact["ConnectedToAgentTimestamp"] = stamp(now, True)
                    # A hold, or its end, may keep the timestamp of the connection.
                    held = {"CONNECTED", "CONNECTED_ONHOLD"}
                    enter(contact, following, keeps={state, following} == held and chance(0.5))
            event("HEART_BEAT" if step >= 0.9 else "STATE_CHANGE", snapshot())
            if chance(0.02):
                elsewhere()
        # In the last season a session may still be open at the end.
        if season != SEASONS[-1] or (logged_in and chance(0.5)):
            now += ms(1000)
            event("LOGOUT", snapshot() if logged_in else None)
        # Some events are lost; the previous snapshot of the next event still shows their state.
        return [event for event in events if event is events[-1] or not chance(0.03)]

    def sent(self, permille):
        """Records and events in order of arrival. Of 1,000, `permille` are duplicated and `permille` are late."""

        def with_faults(items):
            items = [item for item in items for _ in range(2 if self.chance(permille / 1000) else 1)]
            late = [self.random.randint(0, 400) if self.chance(permille / 1000) else 0 for _ in items]
            order = sorted(range(len(items)), key=lambda place: place + late[place])
            return [json.dumps(items[place]).encode() for place in order]

        return with_faults(self.records), with_faults(self.events)
