"""Tests of fold.py."""
import copy
import random
import unittest

from fold import board, difference, format_time, parse_time

INSTANCE = "10000000-0000-4000-8000-000000000001"
NOW = "2026-03-02T12:00:00.000Z"


def at(seconds, whole=False):
    """A timestamp that many seconds before NOW."""
    time = format_time(parse_time(NOW) - round(seconds * 1000))
    return time[:19] + "Z" if whole else time


def arn(rest="", region="eu-west-2"):
    return f"arn:aws:connect:{region}:111122223333:instance/{INSTANCE}{rest}"


def queue(queue_id, name=None):
    return {"ARN": arn("/queue/" + queue_id), "Name": name or queue_id.title(), "Channels": ["VOICE"]}


def listed(contact_id="c1", state="CONNECTED", method="INBOUND", since=60, queue_id="q1", **more):
    """A contact in an agent's list."""
    return {"ContactId": contact_id, "Channel": "VOICE", "InitiationMethod": method, "State": state,
            "StateStartTimestamp": at(since), "ConnectedToAgentTimestamp": None, "QueueTimestamp": at(since),
            "Queue": queue_id and queue(queue_id), **more}


def agent(contacts=(), age=30, agent_id="a1", status="Available", kind="ROUTABLE", event="STATE_CHANGE", region="eu-west-2",
          current_region=None, queues=("q1",), profile="p1", event_id=None, status_age=600, **more):
    """An agent event with a snapshot. `age` is in seconds before NOW."""
    snapshot = {
        "AgentStatus": {"ARN": arn("/agent-state/s"), "Name": status, "StartTimestamp": at(status_age), "Type": kind},
        "NextAgentStatus": None, "Contacts": list(contacts),
        "Configuration": {
            "FirstName": "Ann", "LastName": agent_id.upper(), "Username": agent_id + ".user", "AgentHierarchyGroups": None,
            "RoutingProfile": {"ARN": arn("/routing-profile/" + profile), "Name": profile.title(),
                               "InboundQueues": [queue(each) for each in queues], "DefaultOutboundQueue": queue("out"),
                               "Concurrency": [{"Channel": "VOICE", "AvailableSlots": 0, "MaximumSlots": 1}]}}}
    if kind is None:
        del snapshot["AgentStatus"]["Type"]
    if current_region:
        snapshot["AgentCrossRegionRoutingConfiguration"] = {"CurrentRegion": current_region}
    return {**bare(event, age, agent_id, region, event_id), "CurrentAgentSnapshot": snapshot | more}


def bare(event, age, agent_id="a1", region="eu-west-2", event_id=None):
    """An agent event without a snapshot."""
    return {"AWSAccountId": "111122223333", "AgentARN": arn("/agent/" + agent_id, region), "InstanceARN": arn(region=region),
            "EventId": event_id or f"{event}-{age}", "EventTimestamp": at(age), "EventType": event, "Version": "2017-10-01",
            "CurrentAgentSnapshot": None, "PreviousAgentSnapshot": None}


def contact(kind="QUEUED", age=60, contact_id="c1", channel="VOICE", queue_id="q1", enqueued=None, agent_id=None, connected=None,
            initiated=90, event_id=None, region="eu-west-2", **more):
    """A contact event. Ages are in seconds before NOW; a queue needs no `enqueued`."""
    detail = {"eventType": kind, "contactId": contact_id, "channel": channel, "instanceArn": arn(), "initiationMethod": "INBOUND"}
    if initiated is not None:
        detail["initiationTimestamp"] = at(initiated)
    if queue_id:
        detail["queueInfo"] = {"queueArn": arn("/queue/" + queue_id), "queueType": "STANDARD"}
        detail["queueInfo"] |= {"enqueueTimestamp": at(enqueued)} if enqueued is not None else {}
    if agent_id:
        detail["agentInfo"] = {"agentArn": arn("/agent/" + agent_id), "connectedToAgentTimestamp":
                               "1970-01-01T00:00:00.001Z" if connected is None else at(connected)}
        detail["agentInfo"] |= more.pop("agent_info", {})
    return {"version": "0", "id": event_id or f"{kind}-{age}-{contact_id}", "detail-type": "Amazon Connect Contact Event",
            "source": "aws.connect", "time": at(age, whole=True), "region": region, "resources": [], "detail": detail | more}


def waiting(contact_id="c1", **more):
    return contact("QUEUED", contact_id=contact_id, **{"enqueued": 60, **more})


def with_agent(contact_id="c1", agent_id="a1", age=40, **more):
    return contact("CONNECTED_TO_AGENT", age, contact_id, agent_id=agent_id, connected=age, **{"enqueued": 60, **more})


def document(agents=(), contacts=(), now=NOW, **options):
    return board(list(agents), list(contacts), now, **options)


def row(agents, **options):
    """The first agent's row."""
    return document(agents, **options)["agents"][0]


def counts(figures):
    """The figures that are not 0."""
    return {name: value for name, value in figures.items() if value and name not in ("queue_id", "name", "agent_queue")}


class Agents(unittest.TestCase):
    def test_row(self):
        event = agent([listed(ConnectedToAgentTimestamp=at(60))], NextAgentStatus={"Name": "Lunch", "EnqueuedTimestamp": at(10)})
        event["CurrentAgentSnapshot"]["Configuration"]["AgentHierarchyGroups"] = {
            "Level1": {"ARN": arn("/agent-group/g1"), "Name": "West"}, "Level2": {"ARN": None, "Name": None}, "Level3": None}
        self.assertEqual(row([bare("LOGIN", 900), event]), {
            "agent_id": "a1", "name": "Ann A1", "username": "a1.user", "region": "eu-west-2", "activity": "on_contact",
            "since": at(60), "status": "Available", "status_type": "ROUTABLE", "status_since": at(600),
            "next_status": "Lunch", "next_status_since": at(10), "session": "in",
            "contacts": [{"contact_id": "c1", "channel": "VOICE", "initiation_method": "INBOUND", "state": "connected",
                          "since": at(60), "queue_id": "q1", "queue": "Q1"}],
            "slots": {"VOICE": {"available": 0, "maximum": 1}}, "routing_profile_id": "p1", "routing_profile": "P1",
            "hierarchy": ["West"], "last_event": at(30)})

    def test_names(self):
        for first, last, username, name in [("Ann", "Lee", "u", "Ann Lee"), ("Ann", None, "u", "Ann"), (None, None, "u", "u"),
                                            (None, None, None, "a1")]:
            event = agent()
            event["CurrentAgentSnapshot"]["Configuration"] |= {"FirstName": first, "LastName": last, "Username": username}
            self.assertEqual(row([event])["name"], name)

    def test_states_and_activities(self):
        for state, method, expected, activity in [
                ("CONNECTED", "INBOUND", "connected", "on_contact"), ("CONNECTED_ONHOLD", "INBOUND", "on_hold", "on_contact"),
                ("PAUSED", "API", "paused", "on_contact"), ("ENDED", "INBOUND", "after_contact_work", "after_contact_work"),
                ("MISSED", "INBOUND", "missed", "missed"), ("REJECTED", "INBOUND", "rejected", "rejected"),
                ("ERROR", "INBOUND", "error", "error"), ("CONNECTING", "OUTBOUND", "calling", "on_contact"),
                ("CONNECTING", "CAMPAIGN_PREVIEW", "calling", "on_contact"),
                ("CONNECTING", "CALLBACK", "callback_dialing", "on_contact"),
                ("INCOMING", "CALLBACK", "callback_incoming", "incoming"), ("PENDING", "CALLBACK", "callback_incoming", "incoming"),
                ("CONNECTING", "INBOUND", "incoming", "incoming"), ("INCOMING", "INBOUND", "incoming", "incoming"),
                ("PENDING", "API", "incoming", "incoming"), ("INCOMING", "OUTBOUND", "incoming", "incoming"),
                ("FUTURE_STATE", "INBOUND", "future_state", "unknown")]:
            with self.subTest(state=state, method=method):
                found = row([agent([listed(state=state, method=method)])])
                self.assertEqual((found["contacts"][0]["state"], found["activity"]), (expected, activity))

    def test_precedence(self):
        states = ["ERROR", "MISSED", "REJECTED", "CONNECTED", "ENDED", "INCOMING"]
        activities = ["error", "missed", "rejected", "on_contact", "after_contact_work", "incoming"]
        for first, activity in enumerate(activities):
            contacts = [listed(f"c{number}", state, since=100 + number)
                        for number, state in reversed(list(enumerate(states))) if number >= first]
            found = row([agent(contacts, status="Lunch", kind="CUSTOM")])
            self.assertEqual((found["activity"], found["since"]), (activity, at(100 + first)))

    def test_activity_begins_with_its_earliest_contact(self):
        found = row([agent([listed("c1", since=60), listed("c2", "CONNECTED_ONHOLD", since=200), listed("c3", "ENDED", since=300)])])
        self.assertEqual(found["since"], at(200))

    def test_status_types(self):
        for name, kind, expected, activity in [("Available", "ROUTABLE", "ROUTABLE", "available"), ("Lunch", "CUSTOM", "CUSTOM", "custom"),
                                               ("Offline", "OFFLINE", "OFFLINE", "offline"), ("Available", None, "ROUTABLE", "available"),
                                               ("Offline", None, "OFFLINE", "offline"), ("Lunch", None, "CUSTOM", "custom"),
                                               ("Ready", "ROUTABLE", "ROUTABLE", "available")]:
            found = row([agent(status=name, kind=kind)])
            self.assertEqual((found["status_type"], found["activity"], found["since"]), (expected, activity, at(600)))

    def test_newest_snapshot_wins_in_any_order(self):
        events = [agent(age=30, status="Lunch", kind="CUSTOM"), agent(age=60), bare("LOGIN", 10), agent(age=60)]
        for seed in range(10):
            random.Random(seed).shuffle(events)
            found = row(events)
            self.assertEqual((found["status"], found["last_event"]), ("Lunch", at(10)))
        same = [agent(age=30, event_id="e1"), agent(age=30, event_id="e2", status="Lunch", kind="CUSTOM")]
        self.assertEqual(row(same)["status"], "Lunch")

    def test_login_only(self):
        found = row([bare("LOGIN", 5)])
        self.assertEqual((found["name"], found["activity"], found["session"]), ("a1", "unknown", "in"))
        self.assertEqual((found["contacts"], found["last_event"]), ([], at(5)))
        self.assertEqual(counts(document([bare("LOGIN", 5)])["totals"]), {})

    def test_unknown_status(self):
        event = agent([listed()], AgentStatus=None)
        self.assertEqual(row([event])["activity"], "on_contact")
        self.assertEqual(counts(document([event])["totals"]), {"agents_on_contact": 1, "contacts_in_conversation": 1})

    def test_channel_of_tasks(self):
        for channel, expected in [("TASKS", "TASK"), ("TASK", "TASK"), ("CHAT", "CHAT")]:
            self.assertEqual(row([agent([listed(Channel=channel)])])["contacts"][0]["channel"], expected)

    def test_queue_name_of_a_contact(self):
        def name(queue_id, own_name, **more):
            contact = listed(queue_id=queue_id)
            contact["Queue"]["Name"] = own_name
            found = document([agent([contact], **more), agent([listed("c2", queue_id="q7")], agent_id="a2")])
            return found["agents"][0]["contacts"][0].get("queue")

        self.assertEqual(name("q1", "Mine"), "Mine")
        for nothing in (None, "", "null"):
            self.assertEqual(name("q1", nothing), "Q1")
            self.assertEqual(name("out", nothing), "Out")
            self.assertIsNone(name("q7", nothing))
            self.assertIsNone(name("a1", nothing))

    def test_inbound_queue_has_its_name_before_the_default_outbound_queue(self):
        contact = listed(queue_id="out")
        contact["Queue"]["Name"] = None
        event = agent([contact], queues=["out"])
        inbound = event["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"]["InboundQueues"][0]
        for name, expected in [("Inbound", "Inbound"), ("null", "Out"), (None, "Out")]:
            inbound["Name"] = name
            found = document([event])
            self.assertEqual((found["agents"][0]["contacts"][0]["queue"], found["queues"][0]["name"]), (expected, expected))

    def test_invalid_records_are_ignored(self):
        no_id, bad_time, hash_id = agent(), agent(), agent(agent_id="a#1")
        del no_id["EventId"]
        bad_time["EventTimestamp"] = "yesterday"
        found = document([no_id, bad_time, hash_id, None, 7, [], {"hello": "world"}, waiting()], [{"id": 1}, None, agent(), {
            "id": "x", "time": at(1), "detail": {"contactId": "c1", "instanceArn": arn()}}])
        self.assertEqual((found["agents"], found["agents_not_listed"], found["contacts"], found["queues"]), ([], 0, [], []))
        self.assertNotIn("newest_agent_event", found)


class Sessions(unittest.TestCase):
    offline = {"status": "Offline", "kind": "OFFLINE"}

    def test_later_one_decides(self):
        self.assertEqual(row([bare("LOGIN", 100), bare("LOGOUT", 50)])["session"], "out")
        found = row([bare("LOGIN", 50), bare("LOGOUT", 100)])
        self.assertEqual(found["session"], "in")
        self.assertNotIn("session", row([agent()]))

    def test_unsettled(self):
        tie = [bare("LOGIN", 100), bare("LOGOUT", 100)]
        self.assertEqual(row(tie)["session"], "unsettled")
        self.assertEqual(row(tie + [agent(age=200)])["session"], "unsettled")
        self.assertEqual(row(tie + [agent(age=50)])["session"], "in")
        self.assertEqual(row(tie + [agent(age=50, **self.offline)])["session"], "out")
        self.assertEqual(row([bare("LOGIN", 301), bare("LOGOUT", 301)])["session"], "out")

    def test_doubtful_contacts(self):
        ended = listed(state="ENDED", since=5000)
        found = document([bare("LOGOUT", 100), agent([ended], **self.offline)])
        shown = found["agents"][0]
        self.assertEqual((shown["activity"], shown["contacts_doubtful"], shown["since"]), ("offline", True, at(600)))
        self.assertEqual(shown["contacts"][0]["state"], "after_contact_work")
        self.assertEqual(counts(found["totals"]), {})
        logged_in = row([bare("LOGIN", 100), agent([ended], **self.offline)])
        self.assertEqual(logged_in["activity"], "after_contact_work")
        self.assertNotIn("contacts_doubtful", logged_in)

    def test_contacts_are_doubtful_only_if_all_have_ended(self):
        contacts = [listed(state="ENDED"), listed("c2", "MISSED")]
        found = document([bare("LOGOUT", 100), agent(contacts, **self.offline)])
        self.assertNotIn("contacts_doubtful", found["agents"][0])
        self.assertEqual(found["agents"][0]["activity"], "missed")
        self.assertEqual(counts(found["totals"]), {"agents_after_contact_work": 1})
        self.assertNotIn("contacts_doubtful", row([bare("LOGOUT", 100), agent(**self.offline)]))

    def test_doubtful_contact_is_nobodys(self):
        found = document([bare("LOGOUT", 100), agent([listed(state="ENDED")], **self.offline)], [waiting()])
        self.assertEqual(found["contacts"][0]["state"], "queued")
        self.assertEqual(counts(found["totals"]), {"contacts_in_queue": 1, "oldest_contact_since": at(60)})


class Silence(unittest.TestCase):
    def test_stale_and_ghost(self):
        for age, expected in [(180, None), (180.001, "stale"), (300, "stale"), (300.001, "ghost")]:
            self.assertEqual(row([agent(age=age)]).get("silence"), expected)
        self.assertEqual(row([agent(age=400)], ghost_minutes=10)["silence"], "stale")

    def test_agent_who_left_is_never_silent(self):
        self.assertNotIn("silence", row([agent(age=400, status="Offline", kind="OFFLINE")]))
        self.assertNotIn("silence", row([bare("LOGOUT", 400)]))

    def test_ghost_counts_only_as_ghost(self):
        found = document([agent([listed()], age=301), agent(agent_id="a2")])
        self.assertEqual(counts(found["totals"]), {"ghosts": 1, "agents_online": 1, "agents_staffed": 1, "agents_available": 1})
        self.assertEqual(counts(found["queues"][0]), counts(found["totals"]))

    def test_ghost_has_no_contact(self):
        found = document([agent([listed(state="INCOMING")], age=301)], [waiting()])
        self.assertEqual((found["contacts"][0]["state"], found["totals"]["contacts_in_queue"]), ("queued", 1))
        self.assertNotIn("agent_id", found["contacts"][0])

    def test_contact_of_a_ghost_counts_by_its_own_events(self):
        ghost = agent([listed(state="ENDED")], age=301)
        found = document([ghost], [with_agent()])
        self.assertEqual([(each["state"], each["agent_id"]) for each in found["contacts"]], [("with_agent", "a1")])
        self.assertEqual(counts(found["totals"]), {"ghosts": 1, "contacts_in_conversation": 1})
        self.assertEqual(counts(document([ghost])["totals"]), {"ghosts": 1})

    def test_listing(self):
        gone = {"status": "Offline", "kind": "OFFLINE"}
        for age, more, expected in [(600, gone, 1), (600.001, gone, 0), (86400, {}, 1), (86400.001, {}, 0)]:
            found = document([agent(age=age, **more)])
            self.assertEqual((len(found["agents"]), found["agents_not_listed"]), (expected, 1 - expected))
            self.assertEqual(len(found["routing_profiles"]), expected)
            self.assertEqual(found["newest_agent_event"], at(age))
        self.assertEqual(document([bare("LOGOUT", 601)])["agents"], [])
        self.assertEqual(document([agent(age=90000)])["totals"]["ghosts"], 0)

    def test_agent_who_is_not_listed_has_no_contact(self):
        for age, state in [(600, "connected"), (601, "with_agent")]:
            found = document([agent([listed()], age=age), bare("LOGOUT", age)], [with_agent()])
            self.assertEqual((len(found["agents"]), found["contacts"][0]["state"]), (int(age == 600), state))

    def test_agents_are_ordered_by_name(self):
        found = document([agent(agent_id=agent_id) for agent_id in ("b", "c", "a")])
        self.assertEqual([each["agent_id"] for each in found["agents"]], ["a", "b", "c"])
        events = [agent(agent_id=agent_id) for agent_id in ("b", "c", "a")]
        for event, first in zip(events, ("Zoe", "Ann", "Zoe")):
            event["CurrentAgentSnapshot"]["Configuration"] |= {"FirstName": first, "LastName": "Lee"}
        self.assertEqual([each["agent_id"] for each in document(events)["agents"]], ["c", "a", "b"])


class Regions(unittest.TestCase):
    def shown(self, *events):
        found = document(events)
        self.assertEqual(len(found["agents"]), 1)
        return found["agents"][0]["region"]

    def test_newest_current_region_decides(self):
        self.assertEqual(self.shown(agent(age=100, region="r1", current_region="r1"), agent(age=50, region="r2", current_region="r1")), "r1")
        self.assertEqual(self.shown(agent(age=50, region="r1", current_region="r2"), agent(age=100, region="r2", current_region="r1")), "r2")
        self.assertEqual(self.shown(agent(age=100, region="r1", current_region="r1"), agent(age=50, region="r2")), "r1")

    def test_current_region_needs_a_snapshot_from_it(self):
        events = [agent(age=50, region="r1", current_region="r2"), bare("LOGIN", 20, region="r2")]
        self.assertEqual(self.shown(*events), "r1")
        self.assertEqual(self.shown(*events, agent(age=900, region="r2")), "r2")
        self.assertEqual(self.shown(agent(age=900, region="r1", current_region="r9"), agent(age=50, region="r2")), "r2")

    def test_last_event_of_any_region(self):
        found = document([agent(age=400, region="r1", current_region="r1"), bare("LOGIN", 20, region="r2")])
        shown = found["agents"][0]
        self.assertEqual((shown["region"], shown["last_event"]), ("r1", at(20)))
        self.assertEqual((shown["snapshot_at"], shown["silence"]), (at(400), "ghost"))
        gone = {"status": "Offline", "kind": "OFFLINE"}
        self.assertEqual(len(document([agent(age=900, region="r1", current_region="r1", **gone),
                                       bare("LOGOUT", 20, region="r2")])["agents"]), 1)

    def test_without_current_region(self):
        offline = {"status": "Offline", "kind": "OFFLINE"}
        self.assertEqual(self.shown(agent(age=100, region="r1"), agent(age=50, region="r2", **offline)), "r1")
        self.assertEqual(self.shown(agent(age=301, region="r1"), agent(age=50, region="r2", **offline)), "r2")
        self.assertEqual(self.shown(agent(age=300, region="r1"), agent(age=50, region="r2", **offline)), "r1")
        self.assertEqual(self.shown(agent(age=100, region="r1"), agent(age=50, region="r2")), "r2")
        self.assertEqual(self.shown(agent(age=600, region="r1", **offline), agent(age=50, region="r2", **offline)), "r2")

    def test_logged_in_to_any_region(self):
        found = row([agent(age=30, region="r1"), bare("LOGOUT", 40, region="r1"), bare("LOGIN", 500, region="r2")])
        self.assertEqual((found["region"], found["session"]), ("r1", "in"))

    def test_profile_of_the_region(self):
        found = document([agent(age=30, region="r1", queues=["q1"]), agent(age=20, region="r2", queues=["q2"], agent_id="a2"),
                          agent(age=60, region="r2", queues=["q3"], agent_id="a2")])
        self.assertEqual(found["routing_profiles"], [
            {"routing_profile_id": "p1", "region": "r1", "name": "P1", "queues": ["q1"]},
            {"routing_profile_id": "p1", "region": "r2", "name": "P1", "queues": ["q2"]}])
        self.assertEqual(difference(found, found), [])
        self.assertEqual([(each["queue_id"], each["agents_online"]) for each in found["queues"]], [("q1", 1), ("q2", 1)])

    def test_order_of_routing_profiles(self):
        events = [agent(agent_id=agent_id, profile=profile, region=region, queues=["q2", "q1"])
                  for agent_id, profile, region in [("a1", "p2", "r1"), ("a2", "p1", "r2"), ("a3", "p1", "r1")]]
        events[2]["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"]["Name"] = "Zero"
        found = document(events)["routing_profiles"]
        self.assertEqual([(each["routing_profile_id"], each["region"], each["queues"]) for each in found],
                         [("p1", "r1", ["q1", "q2"]), ("p1", "r2", ["q1", "q2"]), ("p2", "r1", ["q1", "q2"])])

    def test_one_contact_of_two_regions(self):
        home = with_agent(region="r1", globalResiliencyMetadata={"activeRegion": "r1"}, event_id="a")
        copy = with_agent(region="r2", queue_id="q2", globalResiliencyMetadata={"activeRegion": "r1"}, event_id="b")
        for events in ([home, copy], [copy, home]):
            found = document(contacts=events)["contacts"]
            self.assertEqual([each["queue_id"] for each in found], ["q1"])


class Contacts(unittest.TestCase):
    def state(self, *events, agents=()):
        found = document(agents, events)["contacts"][0]
        return found["state"], found.get("since")

    def test_states(self):
        gone = {"disconnectTimestamp": at(20)}
        started = {"afterContactWorkStartTimestamp": at(19)}
        self.assertEqual(self.state(contact("INITIATED", queue_id=None)), ("initiated", at(90)))
        self.assertEqual(self.state(contact("INITIATED", queue_id=None, channel="TASK", scheduledTimestamp=at(-900))), ("scheduled", at(90)))
        self.assertEqual(self.state(contact("INITIATED", queue_id=None, connectedToSystemTimestamp=at(80))), ("in_system", at(80)))
        self.assertEqual(self.state(waiting()), ("queued", at(60)))
        self.assertEqual(self.state(waiting(), with_agent()), ("with_agent", at(40)))
        self.assertEqual(self.state(with_agent(), contact("PAUSED", 30)), ("paused", at(30)))
        self.assertEqual(self.state(with_agent(), contact("PAUSED", 30), contact("RESUMED", 25)), ("with_agent", at(40)))
        self.assertEqual(self.state(with_agent(), contact("PAUSED", 30), contact("DISCONNECTED", 20, **gone)), ("disconnected", at(20)))
        acw = contact("DISCONNECTED", 19, agent_id="a1", connected=40, agent_info=started, **gone)
        self.assertEqual(self.state(acw), ("after_contact_work", at(19)))
        over = contact("CONTACT_DATA_UPDATED", 10, agent_id="a1", connected=40,
                       agent_info=started | {"afterContactWorkEndTimestamp": at(11)}, **gone)
        self.assertEqual(self.state(acw, over), ("disconnected", at(20)))
        self.assertEqual(document(contacts=[waiting(), contact("COMPLETED", 10)])["contacts"], [])

    def test_rank_without_times(self):
        for kind, expected in [("CONNECTED_TO_SYSTEM", "in_system"), ("QUEUED", "queued"), ("CONNECTED_TO_AGENT", "with_agent"),
                               ("DISCONNECTED", "disconnected")]:
            self.assertEqual(self.state(contact(kind, queue_id=None)), (expected, None))

    def test_placeholder_is_not_a_time(self):
        self.assertEqual(self.state(waiting(), contact("CONTACT_DATA_UPDATED", 30, agent_id="a1",
                                                       disconnectTimestamp="1970-01-01T00:00:00.001Z")), ("queued", at(60)))

    def test_capital_names(self):
        event = with_agent()
        event["detail"] = {name[0].upper() + name[1:]: value for name, value in event["detail"].items()}
        event["detail"]["AgentInfo"] = {"AgentArn": arn("/agent/a1"), "ConnectedToAgentTimestamp": at(40)}
        self.assertEqual(self.state(event), ("with_agent", at(40)))
        event["detail"]["eventType"] = None
        self.assertEqual(document(contacts=[event])["contacts"], [])

    def test_row(self):
        found = document([agent(age=90, contacts=[])], [waiting(channel="Voice"), with_agent()])["contacts"]
        self.assertEqual(found, [{
            "contact_id": "c1", "channel": "VOICE", "initiation_method": "INBOUND", "initiated": at(90), "enqueued": at(60),
            "connected_to_agent": at(40), "last_event": at(40), "state": "with_agent", "since": at(40), "queue_id": "q1",
            "queue": "Q1", "agent_id": "a1", "agent": "Ann A1"}])

    def test_fold_keeps_what_newer_events_lack(self):
        found = document(contacts=[contact("CONTACT_DATA_UPDATED", 10, queue_id=None, initiated=None), waiting()])["contacts"][0]
        self.assertEqual((found["queue_id"], found["enqueued"], found["initiated"], found["last_event"]), ("q1", at(60), at(90), at(10)))

    def test_contact_of_an_agent_is_never_waiting(self):
        for state in ("INCOMING", "CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED", "FUTURE"):
            found = document([agent([listed(state=state, since=20)])], [waiting()])
            shown = found["contacts"][0]
            self.assertNotIn(shown["state"], ("queued", "with_agent"))
            self.assertEqual((shown["since"], shown["agent_id"], shown["agent"]), (at(20), "a1", "Ann A1"))
            self.assertEqual(found["totals"]["contacts_in_queue"], 0)
            self.assertNotIn("oldest_contact_since", found["totals"])

    def test_missed_contact_waits_again(self):
        for state in ("MISSED", "REJECTED", "ERROR"):
            found = document([agent([listed(state=state)])], [waiting()])
            self.assertEqual((found["contacts"][0]["state"], found["totals"]["contacts_in_queue"]), ("queued", 1))
            self.assertNotIn("agent_id", found["contacts"][0])

    def test_newer_snapshot_has_the_contact(self):
        agents = [agent([listed(state="CONNECTED", queue_id="q1")], age=50), agent([listed(state="ENDED", queue_id="q2")], age=30, agent_id="a2")]
        found = document(agents, [with_agent()])
        self.assertEqual((found["contacts"][0]["agent_id"], found["contacts"][0]["state"]), ("a2", "after_contact_work"))
        self.assertEqual(counts(found["totals"]), {"agents_online": 2, "agents_staffed": 2, "agents_on_contact": 2,
                                                   "agents_after_contact_work": 1})
        agents[1] = agent([listed(state="MISSED")], age=30, agent_id="a2")
        self.assertEqual(document(agents, [with_agent()])["contacts"][0]["agent_id"], "a1")

    def test_unconfirmed_by_age(self):
        for channel, hours in [("VOICE", 168), ("TASK", 168), ("CHAT", 25), ("EMAIL", 336), ("FUTURE", 336), (None, 336)]:
            for more, expected in [(0, None), (0.001, True)]:
                found = document(contacts=[waiting(channel=channel, initiated=hours * 3600 + more)])
                self.assertEqual(found["contacts"][0].get("unconfirmed"), expected)
                self.assertEqual(found["totals"]["contacts_in_queue"], 0 if expected else 1)
                self.assertEqual(found["totals"]["contacts_unconfirmed"], 1 if expected else 0)

    def test_age_counts_from_first_seen(self):
        old = contact("QUEUED", 25 * 3600 + 1, channel="CHAT", initiated=None, enqueued=60)
        new = contact("CONTACT_DATA_UPDATED", 10, channel="CHAT", initiated=None)
        self.assertTrue(document(contacts=[new, old])["contacts"][0]["unconfirmed"])
        self.assertNotIn("unconfirmed", document(contacts=[new])["contacts"][0])

    def test_unconfirmed_by_newer_snapshot(self):
        for age, contacts, expected in [(29.999, [], True), (30, [], None), (60, [], None), (10, [], None), (10.001, [listed("c2")], True),
                                        (10, [listed(state="MISSED")], None), (10, [listed()], None)]:
            found = document([agent(contacts, age=age)], [with_agent(age=40)])
            self.assertEqual(found["contacts"][0].get("unconfirmed"), expected, (age, contacts))
        self.assertNotIn("unconfirmed", document([agent(age=10, agent_id="a2")], [with_agent()])["contacts"][0])
        self.assertNotIn("unconfirmed", document([agent(age=10)], [waiting(agent_id="a1")])["contacts"][0])
        gone = contact("DISCONNECTED", 30, agent_id="a1", connected=40, disconnectTimestamp=at(30))
        self.assertTrue(document([agent(age=11)], [gone])["contacts"][0]["unconfirmed"])
        unknown = contact("CONNECTED_TO_AGENT", 40, agent_id="a1")
        self.assertEqual(self.state(unknown), ("with_agent", None))
        self.assertNotIn("unconfirmed", document([agent(age=10)], [unknown])["contacts"][0])
        self.assertTrue(document([agent(age=10), bare("LOGOUT", 5), agent(age=90000, agent_id="a2")],
                                 [with_agent(agent_id="a2", age=90011)])["contacts"][0]["unconfirmed"])
        abandoned = contact("DISCONNECTED", 30, agent_id="a1", disconnectTimestamp=at(30))
        self.assertNotIn("unconfirmed", document([agent(age=10)], [abandoned])["contacts"][0])

    def test_contact_of_an_agent_is_confirmed(self):
        found = document([agent([listed()])], [with_agent(initiated=8 * 86400)])
        self.assertNotIn("unconfirmed", found["contacts"][0])
        self.assertEqual(found["totals"]["contacts_in_conversation"], 1)

    def test_simulated(self):
        test = {"segmentAttributes": {"connect:ValidationTestType": {"valueString": "EXPERIENCE_VALIDATION"}}}
        found = document(contacts=[waiting(**test)])
        self.assertTrue(found["contacts"][0]["simulated"])
        self.assertEqual((counts(found["totals"]), found["queues"]), ({}, []))
        self.assertEqual([each["queue_id"] for each in document(contacts=[waiting(**test), waiting("c2")])["queues"]], ["q1"])
        found = document([agent([listed()])], [with_agent(**test)])
        self.assertEqual(found["totals"]["contacts_in_conversation"], 0)

    def test_flags_are_never_false(self):
        found = document([agent([listed()])], [with_agent(), waiting("c2")])
        self.assertNotIn("contacts_doubtful", found["agents"][0])
        for each in found["contacts"]:
            self.assertFalse({"unconfirmed", "simulated"} & set(each))
        self.assertNotIn("agent_queue", found["queues"][0])

    def test_order(self):
        found = document([agent([listed("c1", since=5), listed("c5", "ENDED", since=9), listed("c9", since=30), listed("c8", since=30)])],
                         [*map(waiting, ("c1", "c5", "c9", "c8")), waiting("c2", enqueued=30), waiting("c3", enqueued=70),
                          waiting("c7", enqueued=70), waiting("c4", initiated=8 * 86400, enqueued=99),
                          contact("INITIATED", contact_id="c6", queue_id=None, initiated=500)])
        self.assertEqual([each["contact_id"] for each in found["contacts"]], ["c3", "c7", "c2", "c5", "c8", "c9", "c1", "c6", "c4"])


class Figures(unittest.TestCase):
    def figures(self, *args, **more):
        return counts(document([agent(*args, **more)])["totals"])

    def test_agents(self):
        online = {"agents_online": 1}
        staffed = online | {"agents_staffed": 1}
        busy, error = {"agents_on_contact": 1}, {"agents_error": 1}
        talking, acw = busy | {"contacts_in_conversation": 1}, busy | {"agents_after_contact_work": 1}
        lunch, off = {"status": "Lunch", "kind": "CUSTOM"}, {"status": "Offline", "kind": "OFFLINE"}
        npt = online | {"agents_non_productive": 1}
        for contacts, status, expected in [
                ([], {}, staffed | {"agents_available": 1}), ([listed()], {}, staffed | talking),
                ([listed(state="CONNECTED_ONHOLD")], {}, staffed | talking), ([listed(state="PAUSED")], {}, staffed | talking),
                ([listed(state="ENDED")], {}, staffed | acw), ([listed(state="INCOMING")], {}, staffed),
                ([listed(state="CONNECTING", method="OUTBOUND")], {}, staffed | busy),
                ([listed(state="CONNECTING", method="CALLBACK")], {}, staffed | busy),
                ([listed(state="MISSED")], {}, staffed | error), ([listed(state="REJECTED")], {}, staffed | error),
                ([listed(state="ERROR"), listed("c2")], {}, staffed | error | talking),
                ([], lunch, npt), ([listed()], lunch, npt | talking), ([], off, {}), ([listed()], off, talking),
                ([listed(state="ENDED"), listed("c2", "ENDED")], {}, staffed | busy | {"agents_after_contact_work": 2})]:
            self.assertEqual(self.figures(contacts, **status), expected)

    def test_logged_out_agent_is_not_online(self):
        self.assertEqual(counts(document([agent(), bare("LOGOUT", 10)])["totals"]), {})

    def test_contacts(self):
        found = document([], [waiting("c1", enqueued=50), waiting("c2", enqueued=70), waiting("c3", queue_id="q2"),
                              contact("INITIATED", contact_id="c4", queue_id=None, channel="TASK", scheduledTimestamp=at(-60)),
                              with_agent("c5"), with_agent("c6"), contact("PAUSED", 30, "c6"), contact("PAUSED", 30, "c7", enqueued=40)])
        self.assertEqual(counts(found["totals"]), {"contacts_in_queue": 3, "oldest_contact_since": at(70), "contacts_scheduled": 1,
                                                   "contacts_in_conversation": 2})
        rows = {each.get("queue_id"): counts(each) for each in found["queues"]}
        self.assertEqual(rows, {"q1": {"contacts_in_queue": 2, "oldest_contact_since": at(70), "contacts_in_conversation": 2},
                                "q2": {"contacts_in_queue": 1, "oldest_contact_since": at(60)}, None: {"contacts_scheduled": 1}})

    def test_after_contact_work_that_no_agent_has(self):
        work = {"agent_info": {"afterContactWorkStartTimestamp": at(19)}, "disconnectTimestamp": at(20)}
        events = [contact("DISCONNECTED", 19, agent_id="a1", connected=40, **work)]
        found = document([], events)
        self.assertEqual(counts(found["totals"]), {"agents_after_contact_work": 1})
        self.assertEqual(counts(found["queues"][0]), counts(found["totals"]))
        listed_too = document([agent([listed(state="ENDED")])], events)
        self.assertEqual(listed_too["totals"]["agents_after_contact_work"], 1)
        self.assertEqual(counts(document([agent(age=5)], events)["totals"])["agents_after_contact_work"], 1)
        events = [contact("DISCONNECTED", 40, agent_id="a1", connected=60, **work)]
        lost = document([agent(age=15)], events)
        self.assertEqual((lost["totals"]["agents_after_contact_work"], lost["totals"]["contacts_unconfirmed"]), (0, 1))

    def test_queues_by_routing_profile(self):
        found = document([agent(queues=["q1", "q2"]), agent(agent_id="a2", profile="p2", queues=["q2"]),
                          agent(agent_id="a3", profile="p3", queues=["q9"], age=90000)], [waiting(queue_id="q5")])
        self.assertEqual([(each["queue_id"], each.get("name"), each["agents_available"], each["contacts_in_queue"])
                          for each in found["queues"]], [("q1", "Q1", 1, 0), ("q2", "Q2", 2, 0), ("q5", None, 0, 1)])
        self.assertEqual(found["totals"]["agents_available"], 2)

    def test_contact_counts_in_the_queue_of_the_agents_list(self):
        found = document([agent([listed(queue_id="q2")])], [with_agent(queue_id="q1")])
        rows = {each["queue_id"]: each["contacts_in_conversation"] for each in found["queues"]}
        self.assertEqual(rows, {"q1": 0, "q2": 1})
        self.assertEqual(found["contacts"][0]["queue_id"], "q1")

    def test_contact_without_a_queue(self):
        found = document([agent([listed(queue_id=None)])])
        self.assertEqual([(each.get("queue_id"), each["contacts_in_conversation"], each["agents_on_contact"])
                          for each in found["queues"]], [("q1", 0, 1), (None, 1, 0)])

    def test_queue_of_the_events_if_the_list_has_none(self):
        found = document([agent([listed(queue_id=None)])], [with_agent(queue_id="q5")])
        self.assertEqual({each["queue_id"]: each["contacts_in_conversation"] for each in found["queues"]}, {"q1": 0, "q5": 1})

    def test_own_queue_of_an_agent(self):
        found = document([agent(), agent(agent_id="a2")], [waiting(queue_id="agent/a1"), waiting("c2", queue_id="zz")])
        self.assertEqual([(each["queue_id"], each.get("agent_queue"), each["agents_available"], each["contacts_in_queue"])
                          for each in found["queues"]], [("q1", None, 2, 0), ("zz", None, 0, 1), ("a1", True, 1, 1)])

    def test_own_queues_by_id_or_arn(self):
        def shown(queue_id, *agents):
            each = document(agents, [waiting(queue_id=queue_id)])["queues"][-1]
            return each["queue_id"], each.get("name"), each.get("agent_queue")

        self.assertEqual(shown("agent/a1", agent()), ("a1", "Ann A1", True))
        self.assertEqual(shown("a1", agent()), ("a1", "Ann A1", True))
        self.assertEqual(shown("a1", agent(age=90000)), ("a1", "Ann A1", True))
        self.assertEqual(shown("agent/a9"), ("a9", None, True))
        self.assertEqual(shown("a9"), ("a9", None, None))
        found = document([agent([listed(queue_id="agent/a1")])])["queues"][-1]
        self.assertEqual((found["name"], found["agent_queue"], found["contacts_in_conversation"], found["agents_on_contact"]),
                         ("Ann A1", True, 1, 1))

    def test_order_of_queues(self):
        agents = [agent([listed("c9", queue_id=None)], queues=["q2", "q1"]), agent(agent_id="a0", queues=["q2", "q1"])]
        found = document(agents, [waiting("c1", queue_id="agent/a1"), waiting("c2", queue_id="x2"), waiting("c3", queue_id="x1"),
                                  waiting("c4", queue_id="a0")])
        self.assertEqual([each.get("queue_id") for each in found["queues"]], ["q1", "q2", "x1", "x2", None, "a0", "a1"])

    def test_newest_routing_profile_counts(self):
        found = document([agent(age=60, queues=["q1"]), agent(age=50, queues=["q2"], agent_id="a2")])
        self.assertEqual([(each["queue_id"], each["agents_online"]) for each in found["queues"]], [("q2", 2)])

    def test_contact_events_off(self):
        found = document([agent([listed()])], [waiting("c9", queue_id="q9")], contact_events_on=False)
        self.assertIs(found["contact_events"], False)
        self.assertNotIn("contacts", found)
        self.assertEqual([each["queue_id"] for each in found["queues"]], ["q1"])
        for figures in [found["totals"], *found["queues"]]:
            self.assertFalse({"contacts_in_queue", "oldest_contact_since", "contacts_scheduled", "contacts_unconfirmed"} & set(figures))
            self.assertEqual((figures["agents_on_contact"], figures["contacts_in_conversation"]), (1, 1))

    def test_header(self):
        found = document([agent()], ghost_minutes=7)
        self.assertEqual((found["instance_id"], found["contact_events"], found["ghost_minutes"]), (INSTANCE, True, 7))


class Difference(unittest.TestCase):
    def setUp(self):
        self.folded = document([agent([listed(queue_id="q1")]), agent(agent_id="a2", queues=["q1", "q2"])],
                               [with_agent(), waiting("c2"), waiting("c3", enqueued=50, queue_id="q2")])
        self.document = copy.deepcopy(self.folded)

    def lines(self, **options):
        return difference(self.document, self.folded, **options)

    def test_fields_of_the_product_are_ignored(self):
        self.document |= {"generated_at": NOW, "read_milliseconds": 7, "read_units": 1.5, "schema": 1, "problem": {"code": "throttled"}}
        for name in ("queues", "routing_profiles", "contacts"):
            for each in self.document[name]:
                each["version"] = "v"
        unchanged = copy.deepcopy(self.document)
        self.assertEqual(self.lines(), [])
        self.assertEqual(self.document, unchanged)

    def test_values(self):
        self.document["agents"][0] |= {"activity": "available", "version": "v", "contacts_doubtful": False}
        self.document["agents"][0]["contacts"][0]["state"] = "on_hold"
        self.document["totals"]["agents_online"] = True
        self.folded["totals"]["agents_online"] = 1
        del self.document["contacts"][0]["queue"]
        self.document["routing_profiles"][0]["queues"] = []
        self.document["newest_agent_event"] = None
        self.assertEqual(sorted(self.lines()), sorted([
            'agents[a1].activity: document "available", folded "on_contact"',
            "agents[a1].contacts_doubtful: document false, folded absent",
            'agents[a1].contacts[c1].state: document "on_hold", folded "connected"',
            "totals.agents_online: document true, folded 1",
            'contacts[c2].queue: document absent, folded "Q1"',
            'routing_profiles[p1/eu-west-2].queues: document [], folded ["q1", "q2"]',
            f'newest_agent_event: document null, folded "{at(30)}"']))

    def test_agents_not_listed(self):
        self.document["agents_not_listed"] = 3
        self.assertEqual(self.lines(), ["agents_not_listed: document 3, folded 0"])
        self.assertEqual(self.lines(agents_not_listed=False), [])

    def test_rows(self):
        removed = self.document["queues"].pop(0)
        self.assertEqual(len(self.lines()), 1)
        self.assertRegex(self.lines()[0], r'^queues\[q1\]: document absent, folded \{"queue_id": "q1"')
        self.document["queues"] += [removed, removed]
        self.assertEqual([line.split(":")[0] for line in self.lines()], ["queues[q1+]", "queues, order"])

    def test_order(self):
        self.document["contacts"].reverse()
        self.assertEqual(self.lines(), ['contacts, order: document "c1", folded "c2"'])

    def test_absent_list(self):
        del self.document["contacts"]
        self.assertEqual([line.split(", folded")[0] for line in self.lines()], ["contacts: document absent"])

    def test_length(self):
        self.document["totals"] |= {f"figure{number}": "x" * 1000 for number in range(50)}
        self.assertEqual(len(self.lines()), 40)
        self.assertLess(max(map(len, self.lines())), 300)


if __name__ == "__main__":
    unittest.main()
