#!/usr/bin/env python3
"""Fold Amazon Connect contact events (EventBridge envelopes, JSON lines) into the contacts in flight.

Usage: contact_fold.py EVENTS.jsonl --now 2026-03-02T18:00:00Z [--instance ID]
"""
import argparse
import json
import re
import sys
from datetime import datetime, timedelta

HOUR = 3_600_000
DAY = 24 * HOUR
LIMITS = {"VOICE": 7 * DAY, "TASK": 7 * DAY, "CHAT": 25 * HOUR}
OTHER_LIMIT = 14 * DAY
CHANNELS = ("VOICE", "CHAT", "TASK", "EMAIL")
SYSTEM, QUEUED, AGENT, DISCONNECTED = 1, 2, 3, 4
RANKS = {"INITIATED": 0, "CONNECTED_TO_SYSTEM": SYSTEM, "QUEUED": QUEUED,
         "CONNECTED_TO_AGENT": AGENT, "DISCONNECTED": DISCONNECTED, "COMPLETED": 5}
MILESTONES = (  # name, block of the detail (or none), key
    ("initiated", None, "initiationTimestamp"),
    ("system", None, "connectedToSystemTimestamp"),
    ("scheduled", None, "scheduledTimestamp"),
    ("disconnected", None, "disconnectTimestamp"),
    ("enqueued", "queueInfo", "enqueueTimestamp"),
    ("agent", "agentInfo", "connectedToAgentTimestamp"),
    ("acw_start", "agentInfo", "afterContactWorkStartTimestamp"),
    ("acw_end", "agentInfo", "afterContactWorkEndTimestamp"),
)
ENDED = None  # what is kept of a contact that has ended

EPOCH = datetime(1970, 1, 1)
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
                  r"(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))")
INSTANCE = re.compile(r"arn:[^:]*::?connect:[^:]*:[^:]*:instance/([^/]+)")


def parse_time(value):
    """Milliseconds since 1970 (UTC), or None if absent, malformed or a placeholder."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return None
    *date, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime(*map(int, date))
        if sign:
            if int(hours) > 23 or int(minutes) > 59:
                return None
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    if moment.date() == EPOCH.date():
        return None
    return (moment - EPOCH) // timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])


def format_time(ms):
    if ms is None:
        return None
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def get(obj, name):
    """The member of a JSON object, without regard to ASCII case; the exact spelling wins."""
    if not isinstance(obj, dict):
        return None
    if name in obj:
        return obj[name]
    size, lower = len(name), name.lower()
    for key in obj:
        if len(key) == size and key.isascii() and key.lower() == lower:
            return obj[key]
    return None


def text(obj, name):
    value = get(obj, name)
    return value if isinstance(value, str) and value else None


def arn_id(arn):
    """The last part of an ARN, None for anything else."""
    if arn is None or not arn.startswith("arn:") or "/" not in arn:
        return None
    return arn.rsplit("/", 1)[1] or None


def instance_of(event, detail):
    resources = get(event, "resources")
    for arn in [get(detail, "instanceArn"), *(resources if isinstance(resources, list) else [])]:
        match = INSTANCE.match(arn) if isinstance(arn, str) else None
        if match:
            return match[1]
    return None


def reject_constant(name):
    raise ValueError(name)


DECODE = json.JSONDecoder(parse_constant=reject_constant).decode


def events(lines):
    """(instance, contact id, event type, version, detail) of each line that is a contact event."""
    for number, line in enumerate(lines):
        try:
            event = DECODE(line.decode("utf-8-sig" if number == 0 else "utf-8"))
        except (ValueError, RecursionError):
            continue
        detail = get(event, "detail")
        contact, kind, ident = text(detail, "contactId"), text(detail, "eventType"), text(event, "id")
        instance, time = instance_of(event, detail), parse_time(get(event, "time"))
        if None in (contact, kind, ident, instance, time):
            continue
        active = text(get(detail, "globalResiliencyMetadata"), "activeRegion")
        home = int(active is None or active == get(event, "region"))
        yield instance, contact, kind, (time, RANKS.get(kind, -1), home, ident), detail


class Contact:
    __slots__ = ("rank", "earliest", "fields")

    def __init__(self):
        self.rank, self.earliest, self.fields = -1, None, {}

    def keep(self, name, version, value):
        """The value with the greatest version wins; an absent one never does."""
        if value is not None and (name not in self.fields or (version, value) > self.fields[name]):
            self.fields[name] = (version, value)

    def get(self, name):
        return self.fields[name][1] if name in self.fields else None

    def add(self, kind, version, detail):
        self.rank = max(self.rank, version[1])
        self.earliest = version[0] if self.earliest is None else min(self.earliest, version[0])
        blocks = {None: detail, "queueInfo": get(detail, "queueInfo"), "agentInfo": get(detail, "agentInfo")}
        for name, block, key in MILESTONES:
            self.keep(name, version, parse_time(get(blocks[block], key)))
        if kind in ("PAUSED", "RESUMED"):
            self.keep("paused", version, kind == "PAUSED")
        self.keep("channel", version, text(detail, "channel"))
        self.keep("queue", version, arn_id(text(blocks["queueInfo"], "queueArn")))
        self.keep("agent_id", version, arn_id(text(blocks["agentInfo"], "agentArn")))
        attributes = get(detail, "segmentAttributes")
        if isinstance(attributes, dict):
            test = get(attributes, "connect:ValidationTestType")
            self.keep("simulated", version, test is not None and test not in ("", {}, []))

    def stage(self):
        """The stage and the time since when, None if no event told it."""
        def reached(name, rank):
            return self.get(name) is not None or self.rank >= rank

        if reached("disconnected", DISCONNECTED):
            if self.get("acw_start") is not None and self.get("acw_end") is None:
                return "after_contact_work", self.get("acw_start")
            return "disconnected", self.get("disconnected")
        if self.get("paused"):
            return "paused", self.fields["paused"][0][0]
        if reached("agent", AGENT):
            return "with_agent", self.get("agent")
        if reached("enqueued", QUEUED):
            return "queued", self.get("enqueued")
        if reached("system", SYSTEM):
            return "in_system", self.get("system")
        return "initiated" if self.get("scheduled") is None else "scheduled", self.get("initiated")

    def row(self, contact_id, now):
        stage, since = self.stage()
        channel = self.get("channel")
        if channel is not None and channel.isascii() and channel.upper() in CHANNELS:
            channel = channel.upper()
        begin = self.earliest if self.get("initiated") is None else self.get("initiated")
        return {"contact_id": contact_id, "stage": stage, "since": format_time(since), "channel": channel,
                "queue_id": self.get("queue"), "agent_id": self.get("agent_id"),
                "unconfirmed": now - begin > LIMITS.get(channel, OTHER_LIMIT),
                "simulated": bool(self.get("simulated"))}


def fold(lines, instance=None):
    contacts = {}
    for where, contact_id, kind, version, detail in events(lines):
        if instance is not None and where != instance:
            continue
        key = (where, contact_id)
        if kind == "COMPLETED":
            contacts[key] = ENDED
            continue
        contact = contacts.get(key)
        if contact is None:
            if key in contacts:
                continue
            contact = contacts[key] = Contact()
        contact.add(kind, version, detail)
    return contacts


def queue_rows(rows):
    queues = {}
    for row in rows:
        if row["simulated"]:
            continue
        queue = queues.setdefault(row["queue_id"], {
            "queue_id": row["queue_id"], "waiting": 0, "oldest": None, "with_agent": 0,
            "after_contact_work": 0, "other": 0, "unconfirmed": 0})
        if row["unconfirmed"]:
            queue["unconfirmed"] += 1
        elif row["stage"] == "queued":
            queue["waiting"] += 1
            times = [time for time in (queue["oldest"], row["since"]) if time is not None]
            queue["oldest"] = min(times, default=None)
        elif row["stage"] in ("with_agent", "after_contact_work"):
            queue[row["stage"]] += 1
        else:
            queue["other"] += 1
    return [queues[key] for key in sorted(queues, key=lambda key: (key is not None, key or ""))]


def report(contacts, now):
    rows = [contact.row(key[1], now) for key, contact in
            sorted((item for item in contacts.items() if item[1] is not ENDED), key=lambda item: item[0])]
    return [*rows, *queue_rows(rows), {"contacts": len(contacts), "ended": len(contacts) - len(rows)}]


def main():
    parser = argparse.ArgumentParser(description="Contacts in flight from contact events.")
    parser.add_argument("events")
    parser.add_argument("--now", required=True)
    parser.add_argument("--instance")
    args = parser.parse_args()
    now = parse_time(args.now)
    if now is None:
        parser.error("--now: not a time")
    with open(args.events, "rb") as lines:
        contacts = fold(lines, args.instance)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    for row in report(contacts, now):
        print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
