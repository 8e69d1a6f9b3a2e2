#!/usr/bin/env python3
"""The live board of docs/board.md, computed straight from the set of events.

Usage: fold.py AGENT-EVENTS.jsonl CONTACT-EVENTS.jsonl NOW

Times are integers inside: milliseconds since 1970. Comments that begin with "Assumed" mark what the documents do not settle.
"""
import json
import re
import sys
from datetime import datetime, timedelta
from itertools import islice

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

STALE_AFTER = 3 * MINUTE
LISTED_AFTER_LEAVING = 10 * MINUTE
LISTED = 24 * HOUR
SETTLES_AFTER = 5 * MINUTE      # an unsettled session
RECENT_SNAPSHOT = 5 * MINUTE    # a Region's snapshot that takes precedence
SNAPSHOT_NEWER = 10 * SECOND    # than a contact's last event
CONTACT_LIMITS = {"VOICE": 7 * DAY, "TASK": 7 * DAY, "CHAT": 25 * HOUR}
OTHER_CONTACT_LIMIT = 14 * DAY

RANKS = {"INITIATED": 0, "CONNECTED_TO_SYSTEM": 1, "QUEUED": 2, "CONNECTED_TO_AGENT": 3, "DISCONNECTED": 4, "COMPLETED": 5}

# Agent Activity: the first one that matches any contact of the agent.
ON_CONTACT = {"connected", "on_hold", "paused", "calling", "callback_dialing"}
ACTIVITIES = [("error", {"error"}), ("missed", {"missed"}), ("rejected", {"rejected"}), ("on_contact", ON_CONTACT),
              ("after_contact_work", {"after_contact_work"}), ("incoming", {"incoming", "callback_incoming"})]
STATUS_ACTIVITIES = {"ROUTABLE": "available", "CUSTOM": "custom", "OFFLINE": "offline"}
CONTACT_STATES = {"CONNECTED": "connected", "CONNECTED_ONHOLD": "on_hold", "PAUSED": "paused", "ENDED": "after_contact_work"}
KNOWN_STATES = set().union(*(states for _, states in ACTIVITIES))
NOT_TAKEN = {"missed", "rejected", "error"}

AGENT_FIGURES = ["agents_online", "agents_staffed", "agents_available", "agents_on_contact", "agents_error",
                 "agents_non_productive", "ghosts"]
CONTACT_FIGURES = ["contacts_in_conversation", "agents_after_contact_work"]
EVENT_FIGURES = ["contacts_in_queue", "contacts_scheduled", "contacts_unconfirmed"]   # need contact events

# How `difference` compares: what identifies an item of a list, fields that only the product has, and how much it prints.
LIST_KEYS = {"queues": ["queue_id"], "agents": ["agent_id"], "contacts": ["contact_id"],
             "routing_profiles": ["routing_profile_id", "region"]}
PRODUCT_FIELDS = {"generated_at", "read_milliseconds", "read_units", "problem", "schema"}
PRODUCT_VERSIONS = {"queues", "agents", "contacts", "routing_profiles"}   # lists of the document whose items have a version
MOST_DIFFERENCES = 40
MOST_CHARACTERS = 200
ABSENT = object()


# Values

def parse_time(value):
    """Return the milliseconds of an ISO timestamp with a time zone, or None."""
    match = isinstance(value, str) and re.fullmatch(
        r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)", value, re.ASCII)
    if not match:
        return None
    try:
        moment = datetime.fromisoformat(match[1] + match[3])
    except ValueError:
        return None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
    return (moment - epoch) // timedelta(milliseconds=1) + int((match[2] or "0")[:3].ljust(3, "0"))


def known_time(value):
    """Like parse_time, but a time on the first day of 1970 means "not yet"."""
    time = parse_time(value)
    return time if time is not None and time >= DAY else None


def format_time(ms):
    """Return `YYYY-MM-DDTHH:MM:SS.sssZ`, or None."""
    if ms is None:
        return None
    moment = datetime.fromisoformat("1970-01-01T00:00:00") + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds") + "Z"


def text(value, most=None):
    """Return a string that is not empty and has at most `most` bytes, or None."""
    if not isinstance(value, str) or not value or (most and len(value.encode("utf-8", "replace")) > most):
        return None
    return value


def queue_name(queue):
    """Return the name of a queue in an agent event. The text `null` is no name."""
    name = text(at(queue, "Name"))
    return None if name == "null" else name


def at(value, *names):
    """Follow names into nested objects. Anything missing is None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def folded(value, *names):
    """Like `at`, in any case of letters. The spelling in lower camel case comes first, even if it is null."""
    for name in names:
        if not isinstance(value, dict):
            return None
        if name not in value:
            name = next((key for key in value if key.lower() == name.lower()), name)
        value = value.get(name)
    return value


def objects(value):
    """Return the objects in a list. Anything else is an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def id_in(arn, kind):
    """Return the ID after `/<kind>/` in an ARN, or None."""
    match = re.search(f"[:/]{kind}/([^/]+)(/|$)", arn) if isinstance(arn, str) else None
    return match[1] if match else None


def queue_in(arn):
    """Return (ID, whether it is an agent's own queue). The ID of an agent's own queue is the agent's."""
    own = id_in(arn, "queue/agent")
    return (own, True) if own else (id_in(arn, "queue"), False)


def known(**fields):
    """Return the fields without those that are unknown."""
    return {name: value for name, value in fields.items() if value is not None}


# Agent events

def read_agent_event(event):
    """Return what the fold needs of an agent event, or None if the record is not a valid one."""
    arn = text(at(event, "AgentARN"))
    agent_id, instance_id = text(id_in(arn, "agent"), 256), text(id_in(arn, "instance"), 256)
    event_id, kind = text(at(event, "EventId"), 256), text(at(event, "EventType"))
    time = parse_time(at(event, "EventTimestamp"))
    if None in (agent_id, instance_id, event_id, kind, time) or any("#" in part for part in (agent_id, instance_id, event_id)):
        return None
    parts = arn.split(":")
    if len(parts) < 6 or parts[0] != "arn" or not parts[3]:
        return None
    snapshot = at(event, "CurrentAgentSnapshot")
    return {"agent_id": agent_id, "instance_id": instance_id, "region": parts[3], "kind": kind, "time": time,
            "version": f"{format_time(time)}#{event_id}", "snapshot": snapshot if isinstance(snapshot, dict) else None}


def pick_routing_profiles(events):
    """Return the routing profiles by (ID, Region): those in the newest event of each.

    The ten-minute periods of agent-state.md are not modeled. This is the one place that decides.
    """
    profiles = {}
    for event in sorted(events, key=lambda event: event["version"]):
        profile = at(event["snapshot"], "Configuration", "RoutingProfile")
        profile_id = id_in(at(profile, "ARN"), "routing-profile")
        if profile_id and isinstance(at(profile, "InboundQueues"), list):
            queues = [(*queue_in(at(queue, "ARN")), queue_name(queue)) for queue in objects(profile["InboundQueues"])]
            queues = [queue for queue in queues if not queue[1]]    # an agent's own queue is not one of the profile
            if not any(queue_id for queue_id, _, _ in queues):
                continue
            default = at(profile, "DefaultOutboundQueue")
            profiles[profile_id, event["region"]] = {
                "version": event["version"], "name": text(at(profile, "Name")),
                "queues": {queue_id: name for queue_id, _, name in queues if queue_id},
                "default": (queue_in(at(default, "ARN"))[0], queue_name(default))}
    return profiles


def profile_queue_names(profiles):
    """Return the names of queues by ID that routing profiles have, the newest ones. Default outbound queues come last."""
    names = {}
    ordered = sorted(profiles.values(), key=lambda profile: profile["version"])
    names.update(profile["default"] for profile in ordered if None not in profile["default"])
    for profile in ordered:
        names.update((queue_id, name) for queue_id, name in profile["queues"].items() if name)
    return names


def newest(events):
    """Return the event with the greatest version, or None."""
    return max(events, key=lambda event: event["version"], default=None)


def status_type(snapshot):
    """Return the type of the agent's status. Without a type, the name decides."""
    kind, name = text(at(snapshot, "AgentStatus", "Type")), text(at(snapshot, "AgentStatus", "Name"))
    # Assumed: without a type, a name other than Available and Offline is a custom status.
    return kind or (name and {"Available": "ROUTABLE", "Offline": "OFFLINE"}.get(name, "CUSTOM"))


def region_session(region, now):
    """Return the session of an agent in one Region and when it began: (None, None) if unknown."""
    login, logout = region["LOGIN"], region["LOGOUT"]
    if login and logout and login["time"] == logout["time"]:
        start, snapshot = login["time"], region["snapshot"]
        if snapshot and snapshot["time"] > start:
            return ("out" if status_type(snapshot["snapshot"]) == "OFFLINE" else "in"), start
        return ("out" if now - start > SETTLES_AFTER else "unsettled"), start
    last = newest([event for event in (login, logout) if event])
    return ({"LOGIN": "in", "LOGOUT": "out"}[last["kind"]], last["time"]) if last else (None, None)


def pick_region(regions, now):
    """Return the Region whose row is shown."""
    def newest_of(names):
        return max(names, key=lambda name: regions[name]["row"]["version"])

    deciding = newest([region["snapshot"] for region in regions.values()
                       if region["snapshot"] and current_region(region["snapshot"])])
    if deciding and regions.get(current_region(deciding), {}).get("snapshot"):
        return current_region(deciding)
    # Assumed: if there is no snapshot from the Region in which the agent works, the other rules apply.
    recent = [name for name, region in regions.items() if region["snapshot"]
              and status_type(region["snapshot"]["snapshot"]) != "OFFLINE"
              and now - region["snapshot"]["time"] <= RECENT_SNAPSHOT]
    return newest_of(recent or regions)  # Assumed: of several, the newest of those, and not of all.


def current_region(event):
    """Return the Region in which the agent works, if the event says so."""
    return text(at(event["snapshot"], "AgentCrossRegionRoutingConfiguration", "CurrentRegion"))


def agent_contact(contact, names):
    """Return a contact of an agent as in the document, or None if it has no ID. `names` are those of routing profiles."""
    contact_id, state, method, channel = (text(contact.get(name))
                                          for name in ("ContactId", "State", "InitiationMethod", "Channel"))
    if not contact_id:
        return None
    if state == "CONNECTING" and method in ("OUTBOUND", "CAMPAIGN_PREVIEW"):
        state = "calling"
    elif state == "CONNECTING" and method == "CALLBACK":
        state = "callback_dialing"
    elif state in ("CONNECTING", "INCOMING", "PENDING"):
        state = "callback_incoming" if method == "CALLBACK" else "incoming"
    elif state:
        state = CONTACT_STATES.get(state, state.lower())
    queue_id = queue_in(at(contact, "Queue", "ARN"))[0]
    return known(contact_id=contact_id, channel="TASK" if channel == "TASKS" else channel, initiation_method=method, state=state,
                 since=format_time(known_time(contact.get("StateStartTimestamp"))),
                 queue_id=queue_id, queue=queue_name(contact.get("Queue")) or names.get(queue_id))


def read_agent(agent_id, events, names, now, ghost_minutes):
    """Combine the events of one agent to a row of the document, and what the figures need of it.

    `names` are the names of queues in routing profiles.
    """
    regions = {}
    for name in {event["region"] for event in events}:
        here = [event for event in events if event["region"] == name]
        region = {kind: newest([event for event in here if event["kind"] == kind]) for kind in ("LOGIN", "LOGOUT")}
        region["snapshot"] = newest([event for event in here if event["snapshot"] is not None])
        region["row"] = newest([event for event in region.values() if event])
        if region["row"]:
            regions[name] = region
    if not regions:
        return None
    name = pick_region(regions, now)
    last, shown = newest([region["row"] for region in regions.values()]), regions[name]["snapshot"]
    snapshot = shown["snapshot"] if shown else None

    # Assumed: an agent who is logged in nowhere has the session of the shown Region, or else the newest one.
    # Assumed: an unsettled session in any Region comes before one that ended.
    sessions = [region_session(regions[other], now) for other in
                sorted(regions, key=lambda other: (other == name, regions[other]["row"]["version"]), reverse=True)]
    session, _ = next((found for wanted in ("in", "unsettled", "out") for found in sessions if found[0] == wanted),
                                  (None, None))

    status = status_type(snapshot)
    listed = objects(at(snapshot, "Contacts"))
    contacts = [found for contact in listed if (found := agent_contact(contact, names))]
    doubtful = (bool(contacts) and session == "out" and status == "OFFLINE"
                and all(contact.get("state") == "after_contact_work" for contact in contacts))
    activity, since = STATUS_ACTIVITIES.get(status, "unknown"), known_time(at(snapshot, "AgentStatus", "StartTimestamp"))
    for candidate, states in [] if doubtful else ACTIVITIES:
        deciding = [contact for contact in contacts if contact.get("state") in states]
        if deciding:
            activity = candidate
            since = min((parse_time(contact["since"]) for contact in deciding if "since" in contact), default=None)
            break
    if activity == "available" and any(contact.get("state") not in KNOWN_STATES for contact in contacts):
        activity = "unknown"

    left = session == "out" or activity == "offline"
    age, silent = now - last["time"], now - (shown or last)["time"]
    silence = None
    if not left and silent > STALE_AFTER:
        silence = "stale"
    if not left and silent > ghost_minutes * MINUTE:
        silence = "ghost"

    configuration = at(snapshot, "Configuration")
    profile_id = id_in(at(configuration, "RoutingProfile", "ARN"), "routing-profile")
    full_name = " ".join(filter(None, (text(at(configuration, part)) for part in ("FirstName", "LastName"))))
    username = text(at(configuration, "Username"))
    groups = [text(at(configuration, "AgentHierarchyGroups", f"Level{level}", "Name")) for level in range(1, 6)]
    slots = {slot["Channel"]: known(available=slot.get("AvailableSlots"), maximum=slot.get("MaximumSlots"))
             for slot in objects(at(configuration, "RoutingProfile", "Concurrency")) if text(slot.get("Channel"))}
    next_status = at(snapshot, "NextAgentStatus")
    row = known(
        agent_id=agent_id, name=full_name or username or agent_id, username=username, region=name,
        activity=activity, since=format_time(since),
        status=text(at(snapshot, "AgentStatus", "Name")), status_type=status,
        status_since=format_time(known_time(at(snapshot, "AgentStatus", "StartTimestamp"))),
        next_status=text(at(next_status, "Name")),
        next_status_since=format_time(known_time(at(next_status, "EnqueuedTimestamp"))
                                      or known_time(at(next_status, "EnqueueTimestamp"))),
        session=session,
        contacts=contacts, contacts_doubtful=doubtful or None, slots=slots or None,
        routing_profile_id=profile_id, routing_profile=text(at(configuration, "RoutingProfile", "Name")),
        hierarchy=[group for group in groups if group] or None,
        last_event=format_time(last["time"]), snapshot_at=format_time(shown["time"]) if shown and shown["time"] != last["time"] else None, silence=silence)
    queues = [queue_in(at(contact, "Queue", "ARN")) for contact in listed]
    return {"row": row, "left": left, "ghost": silence == "ghost", "session": session, "status": status,
            "listed": age <= (LISTED_AFTER_LEAVING if left else LISTED), "contacts": contacts, "doubtful": doubtful,
            "snapshot_time": shown["time"] if shown else None, "snapshot_version": shown["version"] if shown else "",
            "last_event": last["time"], "profile": (profile_id, name),
            "own_queues": {queue_id for queue_id, own in queues if own}}


# Contact events

def read_contact_event(event):
    """Return (contact ID, version, fields) of a contact event, or None if the record is not a valid one."""
    detail = folded(event, "detail")
    contact_id, kind = text(folded(detail, "contactId"), 256), text(folded(detail, "eventType"))
    event_id, time = text(folded(event, "id"), 128), parse_time(folded(event, "time"))
    resources = folded(event, "resources")
    instance_id = id_in(folded(detail, "instanceArn"), "instance") or next(
        filter(None, (id_in(arn, "instance") for arn in (resources if isinstance(resources, list) else []))), None)
    if None in (contact_id, kind, event_id, time) or not text(instance_id, 256):
        return None
    channel, method = text(folded(detail, "channel")), text(folded(detail, "initiationMethod"))
    queue, own = queue_in(folded(detail, "queueInfo", "queueArn"))
    agent = id_in(folded(detail, "agentInfo", "agentArn"), "agent")
    if any(value and len(value.encode("utf-8", "replace")) > 256 for value in (channel, method, queue, agent)):
        return None

    rank = RANKS.get(kind, -1)
    active, here = text(folded(detail, "globalResiliencyMetadata", "activeRegion")), folded(event, "region")
    home = 1 if active is None or active == here else 0
    simulated = folded(detail, "segmentAttributes", "connect:ValidationTestType") is not None

    def moment(*names):
        return known_time(folded(detail, *names))

    fields = known(
        channel=channel and channel.upper(), initiation_method=method, initiated=moment("initiationTimestamp"),
        connected_to_system=moment("connectedToSystemTimestamp"), scheduled=moment("scheduledTimestamp"),
        queue=(queue, own) if queue else None, enqueued=moment("queueInfo", "enqueueTimestamp"),
        agent_id=agent, connected_to_agent=moment("agentInfo", "connectedToAgentTimestamp"),
        paused=(kind == "PAUSED", time) if kind in ("PAUSED", "RESUMED") else None,
        disconnected=moment("disconnectTimestamp"),
        after_contact_work_started=moment("agentInfo", "afterContactWorkStartTimestamp"),
        after_contact_work_ended=moment("agentInfo", "afterContactWorkEndTimestamp"),
        simulated=True if simulated else None, instance_id=instance_id)
    return contact_id, (time, rank, home, event_id), fields


def fold_contacts(events):
    """Return the contacts by ID. The newest event that carries a field decides it.

    Of events with the same version, the first one in the list counts: `sorted` keeps their order.
    """
    contacts = {}
    for contact_id, version, fields in sorted(filter(None, map(read_contact_event, events)),
                                              key=lambda event: event[1], reverse=True):
        contact = contacts.setdefault(contact_id, {"contact_id": contact_id, "rank": -1, "last_event": version[0]})
        contact["rank"] = max(contact["rank"], version[1])
        for name, value in fields.items():
            contact.setdefault(name, value)
        if "initiated" not in fields:
            contact["first_seen"] = version[0]   # the events come in descending order, so the earliest one remains
    return contacts


def was_connected(contact):
    """Whether a contact that is not disconnected was connected to an agent."""
    return "connected_to_agent" in contact or contact["rank"] >= RANKS["CONNECTED_TO_AGENT"]


def contact_state(contact):
    """Return (state, since) of a contact in flight by its events: the first state that applies."""
    rank = contact["rank"]
    if "disconnected" in contact or rank >= RANKS["DISCONNECTED"]:
        if "after_contact_work_started" in contact and "after_contact_work_ended" not in contact:
            return "after_contact_work", contact["after_contact_work_started"]
        return "disconnected", contact.get("disconnected")
    if contact.get("paused", (False,))[0]:
        return "paused", contact["paused"][1]
    if was_connected(contact):
        return "with_agent", contact.get("connected_to_agent")
    if "enqueued" in contact or rank >= RANKS["QUEUED"]:
        return "queued", contact.get("enqueued")
    if "connected_to_system" in contact or rank >= RANKS["CONNECTED_TO_SYSTEM"]:
        return "in_system", contact.get("connected_to_system")
    return ("scheduled" if "scheduled" in contact else "initiated"), contact.get("initiated")


def is_unconfirmed(contact, state, agent, now):
    """Whether the end of a contact that no agent has was probably lost. `agent` is the agent in its events, or None."""
    # Assumed: of an agent's snapshots, the one of the shown Region counts.
    start = contact.get("initiated", contact.get("first_seen", contact["last_event"]))
    if now - start > CONTACT_LIMITS.get(contact.get("channel"), OTHER_CONTACT_LIMIT):
        return True
    return (state in ("with_agent", "paused", "disconnected", "after_contact_work") and "connected_to_agent" in contact
            and agent is not None and agent["snapshot_time"] is not None
            and agent["snapshot_time"] - contact["last_event"] > SNAPSHOT_NEWER
            and now - agent["snapshot_time"] > SNAPSHOT_NEWER
            and all(listed["contact_id"] != contact["contact_id"] for listed in agent["contacts"]))


# The document

def figures_of_agent(agent):
    """Return the figures in which a listed agent counts once."""
    if agent["ghost"]:
        return ["ghosts"]
    states = set() if agent["doubtful"] else {contact.get("state") for contact in agent["contacts"]}
    online = agent["status"] not in (None, "OFFLINE") and agent["session"] != "out"
    counts = {
        "agents_online": online,
        "agents_staffed": online and agent["status"] == "ROUTABLE",
        "agents_available": online and agent["row"]["activity"] == "available" and not agent["contacts"],
        "agents_on_contact": agent["session"] != "out" and states & (ON_CONTACT | {"after_contact_work"}),
        "agents_error": agent["session"] != "out" and states & NOT_TAKEN,
        "agents_non_productive": online and agent["status"] == "CUSTOM",
    }
    return [name for name, count in counts.items() if count]


def contacts_of_agents(agents):
    """Return {contact ID: (agent, contact in its list)}: which agent has which contact."""
    has = {}
    for agent in sorted(agents, key=lambda agent: agent["snapshot_version"]):   # the newest snapshot remains
        if agent["listed"] and not agent["ghost"] and not agent["doubtful"]:
            has.update((contact["contact_id"], (agent, contact)) for contact in agent["contacts"]
                       if contact.get("state") not in NOT_TAKEN)
    return has


def queue_names(agents, profile_names):
    """Return the names of queues by ID. Routing profiles come first, then agents' contacts; of several, the newest."""
    names = {}
    # Assumed: the contacts of all agents have names, also those of ghosts and of agents who are not listed.
    for agent in sorted(agents, key=lambda agent: agent["snapshot_version"]):
        names.update((contact["queue_id"], contact["queue"]) for contact in agent["contacts"]
                     if "queue_id" in contact and "queue" in contact)
    return names | profile_names


def contact_row(contact, has, agents, names, now):
    """Return the row of a contact in flight."""
    agent, listed = has.get(contact["contact_id"], (None, None))
    state, since = contact_state(contact)
    if agent:
        state, since = listed.get("state"), known_time(listed.get("since"))
    agent_id = agent["row"]["agent_id"] if agent else contact.get("agent_id")
    # Assumed: a contact whose events have no queue is in that of the agent's list.
    queue_id = contact["queue"][0] if "queue" in contact else (listed or {}).get("queue_id")
    return known(
        contact_id=contact["contact_id"], channel=contact.get("channel"), initiation_method=contact.get("initiation_method"),
        initiated=format_time(contact.get("initiated")), connected_to_agent=format_time(contact.get("connected_to_agent")),
        enqueued=format_time(contact.get("enqueued")), last_event=format_time(contact["last_event"]),
        state=state, since=format_time(since), queue_id=queue_id, queue=names.get(queue_id),
        agent_id=agent_id, agent=agents[agent_id]["row"]["name"] if agent_id in agents else None,
        unconfirmed=(not agent and is_unconfirmed(contact, state, agents.get(agent_id), now)) or None,
        simulated=contact.get("simulated"))


def contact_order(row, has):
    """Return the sort key of a contact in flight."""
    waits = row.get("state") == "queued" and row["contact_id"] not in has
    # Assumed: unconfirmed contacts have the order of the others, and what is unknown comes last.
    return 2 if "unconfirmed" in row else 0 if waits else 1, row.get("state", "~"), row.get("since", "~"), row["contact_id"]


def counted_contacts(has, contacts, rows):
    """Yield (figure, queue ID or None, when it was put in the queue) for every contact that counts."""
    for contact_id, (_, listed) in has.items():
        contact = contacts.get(contact_id, {})
        queue_id = listed.get("queue_id") or contact.get("queue", (None,))[0]
        if contact.get("simulated"):
            continue
        if listed.get("state") in ("connected", "on_hold", "paused"):
            yield "contacts_in_conversation", queue_id, None
        elif listed.get("state") == "after_contact_work":
            yield "agents_after_contact_work", queue_id, None
    for row in rows:
        if row["contact_id"] in has or row.get("simulated"):
            continue
        contact = contacts[row["contact_id"]]
        queue_id, state = row.get("queue_id"), row["state"]
        if row.get("unconfirmed"):
            yield "contacts_unconfirmed", queue_id, None
        elif state == "queued":
            yield "contacts_in_queue", queue_id, contact.get("enqueued")
        elif state == "scheduled":
            yield "contacts_scheduled", queue_id, None
        elif state == "with_agent" or (state == "paused" and was_connected(contact)):
            yield "contacts_in_conversation", queue_id, None
        elif state == "after_contact_work":
            yield "agents_after_contact_work", queue_id, None


def board(agent_events, contact_events, now, *, ghost_minutes=5, contact_events_on=True):
    """Return the document of board.md at `now`, without the fields of the reading and of the storage."""
    now = parse_time(now)
    if now is None:
        raise ValueError("now is not an ISO timestamp with a time zone")
    events = [event for event in map(read_agent_event, agent_events) if event]
    profiles = pick_routing_profiles(events)
    profile_names = profile_queue_names(profiles)
    by_agent = {}
    for event in events:
        by_agent.setdefault(event["agent_id"], []).append(event)
    agents = {agent_id: agent for agent_id, of_agent in by_agent.items()
              if (agent := read_agent(agent_id, of_agent, profile_names, now, ghost_minutes))}
    listed = sorted((agent for agent in agents.values() if agent["listed"]),
                    key=lambda agent: (agent["row"]["name"], agent["row"]["agent_id"]))
    names = queue_names(agents.values(), profile_names)
    has = contacts_of_agents(agents.values())

    contacts = fold_contacts(contact_events) if contact_events_on else {}
    contact_rows = [contact_row(contact, has, agents, names, now) for contact in contacts.values()
                    if contact["rank"] < RANKS["COMPLETED"]]
    contact_rows.sort(key=lambda row: contact_order(row, has))

    figures = AGENT_FIGURES + CONTACT_FIGURES + (EVENT_FIGURES if contact_events_on else [])
    totals, queues = dict.fromkeys(figures, 0), {}

    def queue(queue_id):
        return queues.setdefault(queue_id, dict.fromkeys(figures, 0))

    for row in contact_rows:
        if "queue_id" in row and not row.get("simulated"):
            queue(row["queue_id"])
    for figure, queue_id, enqueued in counted_contacts(has, contacts, contact_rows):
        for counts in (totals, queue(queue_id)):
            counts[figure] += 1
            if enqueued is not None:
                counts["oldest_contact_since"] = min(counts.get("oldest_contact_since", "~"), format_time(enqueued))
    for agent in listed:
        for queue_id in profiles.get(agent["profile"], {}).get("queues", ()):
            queue(queue_id)
    for agent in listed:
        of_agent = {agent["row"]["agent_id"], *profiles.get(agent["profile"], {}).get("queues", ())}
        for figure in figures_of_agent(agent):
            for counts in [totals] + [queues[queue_id] for queue_id in of_agent if queue_id in queues]:
                counts[figure] += 1

    own_queues = set(agents).union(*(each["own_queues"] for each in agents.values()))
    own_queues.update(contact["queue"][0] for contact in contacts.values() if contact.get("queue", (None, False))[1])
    own_names = {agent_id: agent["row"]["name"] for agent_id, agent in agents.items()}
    queue_rows = [known(queue_id=queue_id, name=own_names.get(queue_id, names.get(queue_id)),
                        agent_queue=queue_id in own_queues or None) | counts for queue_id, counts in queues.items()]
    # Assumed: agents' own queues have the order of the others.
    queue_rows.sort(key=lambda row: ("agent_queue" in row, "queue_id" not in row, "name" not in row, row.get("name", ""),
                                     row.get("queue_id", "")))
    shown_profiles = [known(routing_profile_id=key[0], region=key[1], name=profiles[key]["name"],
                            queues=sorted(profiles[key]["queues"]))
                      for key in sorted({agent["profile"] for agent in listed} & set(profiles))]
    instances = [event["instance_id"] for event in events] + [contact["instance_id"] for contact in contacts.values()]
    return known(
        instance_id=instances[0] if instances else None, contact_events=contact_events_on, ghost_minutes=ghost_minutes,
        newest_agent_event=format_time(max((agent["last_event"] for agent in agents.values() if agent["last_event"] <= now + MINUTE), default=None)),
        agents_not_listed=len(agents) - len(listed), totals=totals, queues=queue_rows,
        agents=[agent["row"] for agent in listed], contacts=contact_rows if contact_events_on else None,
        routing_profiles=shown_profiles)


# Comparing documents

def printed(value):
    """Return a value as text of limited length."""
    line = "absent" if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return line if len(line) <= MOST_CHARACTERS else line[:MOST_CHARACTERS] + "…"


def by_label(items, keys):
    """Return the items of a list by what identifies them, or None if it is not such a list of objects."""
    if not keys or not isinstance(items, list) or len(objects(items)) < len(items):
        return None
    labeled = {}
    for item in items:
        label = "/".join(str(item.get(key, "none")) for key in keys)
        while label in labeled:
            label += "+"    # the same one again
        labeled[label] = item
    return labeled


def differences(path, one, other, keys=None):
    """Yield a line for each difference of two JSON values. `keys` identify the items of lists of objects."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one | other:
            yield from differences(f"{path}.{name}" if path else name, one.get(name, ABSENT), other.get(name, ABSENT),
                                   LIST_KEYS.get(name))
        return
    items, others = by_label(one, keys), by_label(other, keys)
    if items is not None and others is not None:
        for label in items | others:
            yield from differences(f"{path}[{label}]", items.get(label, ABSENT), others.get(label, ABSENT))
        pairs = zip([label for label in items if label in others], [label for label in others if label in items])
        moved = next(((first, second) for first, second in pairs if first != second), None)
        if moved:
            yield f"{path}, order: document {printed(moved[0])}, folded {printed(moved[1])}"
    elif type(one) is not type(other) or one != other:
        yield f"{path}: document {printed(one)}, folded {printed(other)}"


def comparable(document, ignored):
    """Return a document without the fields that are not compared."""
    document = {name: value for name, value in document.items() if name not in ignored}
    for name in PRODUCT_VERSIONS & document.keys():
        if isinstance(document[name], list):
            document[name] = [{field: value for field, value in item.items() if field != "version"}
                              if isinstance(item, dict) else item for item in document[name]]
    return document


def difference(document, folded, *, agents_not_listed=True):
    """Return lines that say where a document of the product differs from that of `board`, at most 40.

    Fields that depend on the reading or on the storage are ignored; `agents_not_listed` says whether that figure is compared.
    """
    ignored = PRODUCT_FIELDS | (set() if agents_not_listed else {"agents_not_listed"})
    return list(islice(differences("", comparable(document, ignored), comparable(folded, ignored)), MOST_DIFFERENCES))


# Files

def read_lines(path):
    """Return the JSON values of a file of JSON lines. Lines that are not JSON are ignored."""
    values = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                values.append(json.loads(line))
            except ValueError:
                pass
    return values


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(json.dumps(board(read_lines(sys.argv[1]), read_lines(sys.argv[2]), sys.argv[3]), indent=2, ensure_ascii=False))
