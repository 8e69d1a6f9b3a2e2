"""What every named query should answer, computed from the contact center's own records and events.

Nothing here looks at the lake, at a derived column or at the SQL: contact records are read as Connect sends them, each
contact's newest version is taken, and agents' intervals are rebuilt from the sequence of their current snapshots (the
views read them off previous against current snapshot). The input has neither duplicates nor late records.
"""

import collections
import datetime
import math

HOUR = 3600.0


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None) if text else None


def seconds(start, end):
    return None if start is None or end is None else (end - start).total_seconds()


def mean(numbers):
    numbers = [number for number in numbers if number is not None]
    return sum(numbers) / len(numbers) if numbers else None


def nearest_rank(share, numbers):
    return sorted(numbers)[math.ceil(share * len(numbers)) - 1]


def grouped(items, key):
    groups = collections.defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def greatest(numbers):
    return max((number for number in numbers if number is not None), default=None)


class Contact:
    """One contact as its newest record tells it."""

    def __init__(self, record):
        queue, agent = record.get("Queue") or {}, record.get("Agent") or {}
        endpoint = record.get("CustomerEndpoint") or {}
        self.id = record["ContactId"]
        self.initial = record.get("InitialContactId")
        self.began = instant(record["InitiationTimestamp"])
        self.ended = instant(record.get("DisconnectTimestamp"))
        self.date = record["InitiationTimestamp"][:10]
        self.updated = instant(record["LastUpdateTimestamp"])
        self.channel, self.method = record.get("Channel"), record.get("InitiationMethod")
        self.reason = record.get("DisconnectReason")
        self.customer = (endpoint.get("Type"), endpoint["Address"]) if endpoint.get("Address") else None
        self.queue = queue.get("Name")
        self.enqueued, self.wait = instant(queue.get("EnqueueTimestamp")), queue.get("Duration")
        self.agent, self.agent_arn = agent.get("Username"), agent.get("ARN")
        connected = instant(agent.get("ConnectedToAgentTimestamp"))
        self.answered = connected is not None
        self.answer = seconds(self.enqueued, connected)
        self.talk, self.hold = agent.get("AgentInteractionDuration"), agent.get("CustomerHoldDuration")
        self.work, pause = agent.get("AfterContactWorkDuration"), agent.get("AgentPauseDuration")
        parts = [part for part in (self.talk, self.hold, self.work, pause) if part is not None]
        self.handle = sum(parts) if parts else None
        self.transferred = record.get("TransferCompletedTimestamp") is not None
        self.abandoned = (
            self.enqueued is not None
            and not self.answered
            and not self.transferred
            and record.get("NextContactId") is None
        )


def newest(records):
    versions = grouped(records, lambda record: record["ContactId"]).values()
    return [Contact(max(records, key=lambda record: record["LastUpdateTimestamp"])) for records in versions]


def service_level(contacts, threshold):
    for key, group in grouped(contacts, lambda c: (c.date, c.queue, c.channel)).items():
        queued = [contact for contact in group if contact.enqueued]
        if queued:
            in_time = sum(contact.answered and contact.answer <= threshold for contact in queued)
            yield *key, len(queued), sum(contact.answered for contact in queued), in_time, in_time / len(queued)


def speed_of_answer(contacts):
    answered = [contact for contact in contacts if contact.answer is not None]
    for key, group in grouped(answered, lambda c: (c.date, c.queue, c.channel)).items():
        times = [contact.answer for contact in group]
        yield *key, len(group), mean(times), max(times)


def abandonment(contacts):
    def quarter(contact):
        return contact.enqueued.replace(minute=contact.enqueued.minute // 15 * 15, second=0, microsecond=0)

    queued = [contact for contact in contacts if contact.enqueued and contact.method != "CALLBACK"]
    for key, group in grouped(queued, lambda c: (c.queue, quarter(c))).items():
        gone = [contact for contact in group if contact.abandoned]
        yield *key, len(group), len(gone), len(gone) / len(group), mean(contact.wait for contact in gone)


def handle_time(contacts):
    handled = [contact for contact in contacts if contact.answered and contact.handle is not None]
    for key, group in grouped(handled, lambda c: (c.agent, c.queue, c.channel)).items():
        times = [contact.handle for contact in group]
        parts = [mean(part or 0 for part in column) for column in zip(*((c.talk, c.hold, c.work) for c in group))]
        yield *key, len(group), mean(times), nearest_rank(0.5, times), nearest_rank(0.9, times), max(times), *parts


def after_contact_work(contacts):
    handled = [contact for contact in contacts if contact.answered]
    for key, group in grouped(handled, lambda c: (c.agent, c.channel)).items():
        times = [contact.work for contact in group if contact.work]
        longest = greatest(contact.work for contact in group)
        yield *key, len(group), len(times), mean(times), longest, sum(times) / HOUR


def hold_and_transfer(contacts):
    handled = [contact for contact in contacts if contact.answered]
    for key, group in grouped(handled, lambda c: (c.queue, c.channel)).items():
        held = [contact.hold for contact in group if contact.hold]
        moved = sum(contact.transferred for contact in group)
        yield *key, len(group), len(held), len(held) / len(group), mean(held), moved, moved / len(group)


def callbacks(contacts):
    requested = [contact for contact in contacts if contact.method == "CALLBACK"]
    for key, group in grouped(requested, lambda c: (c.date, c.queue)).items():
        handled = [contact for contact in group if contact.answered]
        yield *key, len(group), len(handled), len(handled) / len(group), mean(c.answer for c in handled)


def contact_chains(contacts):
    for initial, group in grouped(contacts, lambda c: c.initial or c.id).items():
        if len(group) > 1:
            group.sort(key=lambda contact: (contact.began, contact.id))
            agents = {contact.agent_arn for contact in group if contact.agent_arn}
            handle = [contact.handle for contact in group if contact.handle is not None]
            yield (
                initial,
                len(group),
                [contact.id for contact in group],
                [contact.method for contact in group],
                len(agents),
                group[0].began,
                greatest(contact.ended for contact in group),
                sum(handle) if handle else None,
            )


def repeat_contacts(contacts, days):
    within = datetime.timedelta(days=days)
    firsts = [c for c in contacts if c.method == "INBOUND" and c.customer]
    followed = {}
    for group in grouped(firsts, lambda contact: contact.customer).values():
        group.sort(key=lambda contact: (contact.began, contact.id))
        for contact, following in zip(group, group[1:]):
            followed[contact.id] = following.began - contact.began <= within
    for key, group in grouped(firsts, lambda c: (c.date, c.channel)).items():
        repeated = sum(followed.get(contact.id, False) for contact in group)
        yield *key, len(group), repeated, repeated / len(group)


def disconnect_reasons(contacts):
    totals = collections.Counter(contact.channel for contact in contacts)
    for key, group in grouped(contacts, lambda c: (c.channel, c.reason)).items():
        yield *key, len(group), len(group) / totals[key[0]]


def record_versions(records, delivered, arrival):
    """Of what was delivered, about at one moment."""
    of_contact = grouped(delivered, lambda record: record["ContactId"])
    by_date = grouped(records, lambda record: record["InitiationTimestamp"][:10])
    for date, of_date in by_date.items():
        contacts = grouped(of_date, lambda record: record["ContactId"])
        late = []
        for contact in contacts:
            late.append(greatest(seconds(instant(r.get("DisconnectTimestamp")), arrival) for r in of_contact[contact]))
        versions = [len({record["LastUpdateTimestamp"] for record in group}) for group in contacts.values()]
        deliveries = sum(len(of_contact[contact]) for contact in contacts)
        several = sum(count > 1 for count in versions)
        hours = greatest(late)
        yield date, len(contacts), sum(versions), deliveries, several, None if hours is None else int(hours) / HOUR


class Agent:
    """What an agent did: statuses and contacts' states, from one current snapshot to the next."""

    def __init__(self, events):
        self.statuses, self.contacts = [], []
        status, held = None, {}
        for event in sorted(events, key=lambda event: (event["EventTimestamp"], event["EventId"])):
            snapshot = event["CurrentAgentSnapshot"]
            if snapshot is None:
                # A login: what was before it has no end in any event.
                status, held = None, {}
                continue
            at, now = instant(event["EventTimestamp"]), snapshot["AgentStatus"]
            since = instant(now["StartTimestamp"])
            if status and instant(status["StartTimestamp"]) != since:
                self.statuses.append((status, instant(status["StartTimestamp"]), since))
            status = now
            now_held = {}
            for contact in snapshot["Contacts"]:
                id, shown = contact["ContactId"], instant(contact["StateStartTimestamp"])
                before, began = held.get(id, (None, None))
                if before and before["State"] == contact["State"] and before["StateStartTimestamp"] == contact["StateStartTimestamp"]:
                    now_held[id] = before, began
                    continue
                # A new state without a new start, as hold may have: it began with the event that shows it.
                keeps = before and before["State"] != contact["State"] and shown <= instant(before["StateStartTimestamp"])
                now_held[id] = contact, at if keeps else shown
            for id, (contact, began) in held.items():
                successor, since = now_held.get(id, (None, at))
                if successor is not contact and began < since:
                    self.contacts.append((contact, began, since))
            held = now_held


def agents(events):
    """By instance id and agent id."""
    by_agent = grouped(events, lambda event: tuple(event["AgentARN"].split("/")[1::2]))
    return {agent: Agent(of_agent) for agent, of_agent in by_agent.items()}


def time_in_status(events):
    for agent, did in agents(events).items():
        key = lambda one: (one[1].date().isoformat(), *agent, one[0]["Name"], one[0].get("Type"))  # noqa: E731
        for group, spans in grouped(did.statuses, key).items():
            yield *group, len(spans), sum(seconds(start, end) for _, start, end in spans) / HOUR


def occupancy(events):
    """By the millisecond: whoever has two contacts at once is on contact once."""
    worked_in = ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED")
    for agent, did in agents(events).items():
        by_date = grouped(
            [span for span in did.statuses if span[0].get("Type") == "ROUTABLE"], lambda span: span[1].date()
        )
        for date, spans in by_date.items():
            present = sum(seconds(start, end) for _, start, end in spans)
            busy = 0.0
            for _, start, end in spans:
                edges = []
                for contact, began, ended in did.contacts:
                    began, ended = max(began, start), min(ended, end)
                    if contact["State"] in worked_in and began < ended:
                        edges += [(began, 1), (ended, -1)]
                held, since = 0, None
                for at, step in sorted(edges):
                    if held:
                        busy += seconds(since, at)
                    held, since = held + step, at
            yield date.isoformat(), *agent, busy / HOUR, (present - busy) / HOUR, busy / present
