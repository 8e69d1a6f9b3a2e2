import itertools
import json
import random
import unittest

from fold import fold, format_time, parse_time, report

I1, I2 = "11111111-2222-3333-4444-555555555555", "22222222-2222-3333-4444-555555555555"
NOW = "2026-10-05T12:00:00Z"


def arn(rest="", instance=I1, region="us-east-1"):
    return f"arn:aws:connect:{region}:111122223333:instance/{instance}{rest}"


def event(kind, time, contact="c1", ident="e1", region="us-east-1", instance=I1, **detail):
    return {"id": ident, "time": f"2026-10-05T{time}Z", "region": region, "source": "aws.connect", "resources": [],
            "detail": {"eventType": kind, "contactId": contact, "instanceArn": arn(instance=instance), **detail}}


def at(time):
    return f"2026-10-05T{time}Z"


def run(*items, now=NOW, instance=None):
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in items]
    return report(fold(lines, instance), parse_time(now))


def one(*items, **options):
    return run(*items, **options)[0]


QUEUE = {"queueArn": arn("/queue/q1"), "enqueueTimestamp": at("09:00:06.480")}
START = {"initiationTimestamp": at("09:00:00.120"), "channel": "VOICE"}
NOT_YET = "1970-01-01T00:00:00.001Z"


class Times(unittest.TestCase):
    def test_forms(self):
        for value, expected in (("2026-10-05T09:00:07Z", "2026-10-05T09:00:07.000Z"),
                                ("2026-10-05T09:00:07.1Z", "2026-10-05T09:00:07.100Z"),
                                ("2026-10-05T09:00:07.123999Z", "2026-10-05T09:00:07.123Z"),
                                ("2026-10-05T11:30:07+02:30", "2026-10-05T09:00:07.000Z"),
                                ("2026-10-05T23:00:07-02:00", "2026-10-06T01:00:07.000Z")):
            self.assertEqual(format_time(parse_time(value)), expected)

    def test_none(self):
        for value in (None, 5, "", "2026-10-05", "2026-10-05T09:00:07", "2026-02-30T09:00:07Z", NOT_YET,
                      "2026-10-05 09:00:07Z", "2026-10-05T24:00:00Z", "2026-10-05T09:00:07.Z", "2026-10-05T09:00:07Z\n",
                      "1970-01-01T23:59:59Z", "9999-12-31T23:59:59-01:00", "2026-10-05T09:00:07+24:00"):
            self.assertIsNone(parse_time(value))


class Join(unittest.TestCase):
    def test_any_order(self):
        items = [
            event("INITIATED", "09:00:00", ident="a", **START),
            event("QUEUED", "09:00:07", ident="b", queueInfo=QUEUE, **START),
            event("CONTACT_DATA_UPDATED", "09:00:09", ident="c", channel="Voice", connectedToSystemTimestamp=NOT_YET,
                  agentInfo={"agentArn": arn("/agent/a1"), "connectedToAgentTimestamp": NOT_YET}),
            event("CONNECTED_TO_AGENT", "09:00:42", ident="d",
                  agentInfo={"agentArn": arn("/agent/a2"), "connectedToAgentTimestamp": at("09:00:41.300")}),
            event("DISCONNECTED", "09:05:30", ident="e", disconnectTimestamp=at("09:05:30.010"),
                  agentInfo={"afterContactWorkStartTimestamp": at("09:05:30.010"),
                             "afterContactWorkEndTimestamp": NOT_YET})]
        expected = run(*items)
        self.assertEqual(expected[0], {
            "contact_id": "c1", "stage": "after_contact_work", "since": at("09:05:30.010"), "channel": "VOICE",
            "queue_id": "q1", "agent_id": "a2", "unconfirmed": False, "simulated": False})
        for order in itertools.permutations(items):
            self.assertEqual(run(*order, random.choice(items)), expected)
        for order in itertools.permutations([*items, event("COMPLETED", "09:06:02", ident="f")]):
            self.assertEqual(run(*order), [{"contacts": 1, "ended": 1}])

    def test_stages(self):
        for items, stage, since in (
                ([event("INITIATED", "09:00:00", **START)], "initiated", "09:00:00.120"),
                ([event("X", "09:00:00")], "initiated", None),
                ([event("INITIATED", "09:00:00", scheduledTimestamp=at("15:00:00"), **START)], "scheduled", "09:00:00.120"),
                ([event("CONNECTED_TO_SYSTEM", "09:00:00")], "in_system", None),
                ([event("X", "09:00:00", connectedToSystemTimestamp=at("09:00:01"))], "in_system", "09:00:01.000"),
                ([event("QUEUED", "09:00:00")], "queued", None),
                ([event("X", "09:00:00", queueInfo=QUEUE)], "queued", "09:00:06.480"),
                ([event("CONNECTED_TO_AGENT", "09:00:00")], "with_agent", None),
                ([event("PAUSED", "09:10:00"), event("CONNECTED_TO_AGENT", "09:11:00")], "paused", "09:10:00.000"),
                ([event("PAUSED", "09:10:00"), event("RESUMED", "09:10:00", ident="e2"),
                  event("CONNECTED_TO_AGENT", "09:00:00")], "with_agent", None),
                ([event("PAUSED", "09:10:00"), event("DISCONNECTED", "09:00:00")], "disconnected", None),
                ([event("X", "09:10:00", agentInfo={"afterContactWorkStartTimestamp": at("09:00:00")})], "initiated", None)):
            row = one(*items)
            self.assertEqual((row["stage"], row["since"]), (stage, since and at(since)))

    def test_versions(self):
        def queued(ident, queue, **more):
            return event(more.pop("kind", "QUEUED"), "09:00:00", ident=ident, queueInfo={"queueArn": arn(queue)}, **more)
        away = {"globalResiliencyMetadata": {"activeRegion": "us-west-2"}}
        for low, high in ((queued("z", "/queue/low", kind="X"), queued("a", "/queue/high")),
                          (queued("a", "/queue/low"), queued("b", "/queue/agent/high")),
                          (queued("z", "/queue/low", **away), queued("a", "/queue/high", region="us-west-2", **away)),
                          (queued("z", "/queue/low", **away), queued("a", "/queue/high"))):
            for order in ([low, high], [high, low]):
                self.assertEqual(one(*order)["queue_id"], "high")

    def test_key_case(self):
        upper = {"Id": "e", "TIME": at("09:00:00"), "Detail": {
            "EventType": "INITIATED", "ContactId": "wrong", "contactId": "right", "InstanceArn": arn(),
            "QueueInfo": {"QueueArn": arn("/queue/q9"), "EnqueueTimestamp": at("09:00:00")}}}
        row = one(upper)
        self.assertEqual((row["contact_id"], row["queue_id"], row["stage"]), ("right", "q9", "queued"))

    def test_instances(self):
        other = event("INITIATED", "09:00:00")
        del other["detail"]["instanceArn"]
        other["resources"] = ["contactArn", 5, arn("/contact/c1", I2).replace("aws:", "aws::", 1)]
        second = event("QUEUED", "09:01:00", region="us-west-2")
        second["detail"]["instanceArn"] = arn(region="us-west-2")
        items = [event("INITIATED", "09:00:00"), other, second]
        self.assertEqual([row["stage"] for row in run(*items)[:2]], ["queued", "initiated"])
        self.assertEqual(run(*items, instance=I2)[-1], {"contacts": 1, "ended": 0})

    def test_skipped(self):
        bad = [b"\n", b"{", b"[]\n", b"null", b'"x"', b"\xff\xfe", b'{"detail":5}', b'{"detail":NaN}', b"[" * 100_000]
        for path in (("id",), ("time",), ("detail",), ("detail", "contactId"), ("detail", "eventType"), ("detail", "instanceArn")):
            for value in (None, 7, ""):
                item = event("QUEUED", "09:00:00")
                target = item if len(path) == 1 else item[path[0]]
                target[path[-1]] = value
                bad.append(item)
        self.assertEqual(run(*bad), [{"contacts": 0, "ended": 0}])

    def test_unconfirmed(self):
        for channel, limit in (("voice", "2026-10-12T09:00:00"), ("Task", "2026-10-12T09:00:00"), ("CHAT", "2026-10-06T10:00:00"),
                               ("EMAIL", "2026-10-19T09:00:00"), ("Fax", "2026-10-19T09:00:00"), (None, "2026-10-19T09:00:00")):
            items = [event("QUEUED", "09:30:00", channel=channel), event("X", "09:00:00", ident="2", initiationTimestamp=NOT_YET)]
            row = one(*items, now=limit + "Z")
            self.assertEqual((row["channel"], row["unconfirmed"]), (channel and (channel if channel == "Fax" else channel.upper()), False))
            self.assertTrue(one(*items, now=limit + ".001Z")["unconfirmed"])

    def test_simulated(self):
        for value, expected in ((None, False), ("", False), ({}, False), ({"valueString": "EXPERIENCE"}, True), ("x", True)):
            item = event("QUEUED", "09:00:00", segmentAttributes={"CONNECT:validationTestType": value})
            self.assertEqual(one(item)["simulated"], expected)

    def test_queues(self):
        def item(contact, kind="QUEUED", queue="q1", enqueued="09:00:00", **more):
            return event(kind, "09:00:00", contact, **{"channel": "VOICE", **more},
                         queueInfo={"queueArn": queue and arn("/queue/" + queue), "enqueueTimestamp": at(enqueued)})
        result = run(
            item("1"), item("2", enqueued="08:00:00"), item("3", "CONNECTED_TO_AGENT"), item("4", "DISCONNECTED"),
            item("5", "PAUSED"), item("6", initiationTimestamp="2026-09-01T00:00:00Z", enqueued="07:00:00"),
            item("7", segmentAttributes={"connect:ValidationTestType": {"valueString": "x"}}), item("8", "COMPLETED"),
            item("9", "DISCONNECTED", agentInfo={"afterContactWorkStartTimestamp": at("09:00:00")}),
            event("INITIATED", "09:00:00", "10"), event("QUEUED", "09:00:00", "11"))
        self.assertEqual(result[-3:], [
            {"queue_id": None, "waiting": 1, "oldest": None, "with_agent": 0, "after_contact_work": 0, "other": 1, "unconfirmed": 0},
            {"queue_id": "q1", "waiting": 2, "oldest": at("08:00:00.000"), "with_agent": 1, "after_contact_work": 1, "other": 2,
             "unconfirmed": 1},
            {"contacts": 11, "ended": 1}])


if __name__ == "__main__":
    unittest.main()
