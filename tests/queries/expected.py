"""The expected answer of every named query, computed from the contact center's own records and events.

Amazon's metrics come from `second_implementation.py`, which knows neither the lake nor the SQL: its 15-minute figures are summed over
the requested local intervals. Our own metrics are computed here, from the records as Connect sends them.
"""

import bisect
import collections
import datetime
import fractions
import math
import zoneinfo

import second_implementation as second

HOUR = 3600.0
CALLBACKS = ("CALLBACK", "CALLBACK_CUSTOMER_FIRST_QUEUED", "CALLBACK_CUSTOMER_FIRST_DIALED")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None) if text else None


def seconds(start, end):
    return None if start is None or end is None else (end - start).total_seconds()


def grouped(items, key):
    groups = collections.defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def greatest(numbers):
    return max((number for number in numbers if number is not None), default=None)


def ratio(numerator, denominator):
    return float(fractions.Fraction(numerator) / denominator) if denominator else None


def name_of(record, place, member="Name"):
    return (record.get(place) or {}).get(member)


class Asked:
    """The parameters of a query: time zone, grain, days, and a queue or routing profile."""

    def __init__(self, zone, grain, first, last, of="*", include_simulated=False, look_back=8):
        self.zone, self.grain, self.first, self.last = zone, grain, first, last
        self.of, self.include_simulated, self.look_back = of, include_simulated, look_back
        self.intervals = [tuple(map(second.ms, span)) for span in second.local_intervals(zone, grain, first, last)]
        self.starts = [start for start, _ in self.intervals]

    def start(self, moment):
        """The label of the interval that contains a moment, or None if that interval was not requested."""
        place = bisect.bisect_right(self.starts, moment) - 1
        if place < 0 or moment >= self.intervals[place][1]:
            return None
        begin = datetime.datetime.fromtimestamp(self.starts[place] / 1000, zoneinfo.ZoneInfo(self.zone))
        return f"{begin:%Y-%m-%d}" if self.grain in ("day", "week") else begin.isoformat(timespec="minutes")

    @property
    def grain_of_csv(self):
        return "daily" if self.grain == "day" else f"{self.grain}mins"

    def of_contacts(self):
        return [self.zone, self.grain, self.first, self.last, self.of, self.include_simulated, self.look_back]

    def of_agents(self):
        return self.of_contacts()[:5]

    def days(self):
        return [self.zone, self.first, self.last, self.include_simulated]


class Center:
    """Records and events, and their 15-minute figures."""

    def __init__(self, records, events):
        self.records, self.events = second.newest_records(records), events
        self.contacts = {simulated: second.queue_intervals(records, simulated) for simulated in (False, True)}
        # A group whose only count is of excluded simulated contacts has no row.
        self.contacts[False] = {
            key: figures
            for key, figures in self.contacts[False].items()
            if any(value for name, value in figures.items() if name != "simulated") or figures["max_queued_time"] == 0
        }
        self.agent_contacts = {
            simulated: second.agent_contact_metrics_intervals(records, simulated) for simulated in (False, True)
        }
        self.agents = second.agent_intervals(events, records)
        self.queue_names = collections.defaultdict(set)
        for record in self.records:
            queue = second.queue_id(name_of(record, "Queue", "ARN"))
            if name_of(record, "Queue"):
                self.queue_names[queue].add(name_of(record, "Queue"))
        self.profile_names = {}
        for record in self.records:
            profile = name_of(record, "Agent", "RoutingProfile") or {}
            self.profile_names[second.routing_profile_id(profile.get("ARN"))] = profile.get("Name")
        self.agent_names = {}
        for record in self.records:
            arn = name_of(record, "Agent", "ARN")
            self.agent_names[second.agent_id(arn)] = name_of(record, "Agent", "Username") or self.agent_names.get(second.agent_id(arn))

    def group(self, start, record):
        """The key of a contact's group in the answers."""
        queue = second.queue_id(name_of(record, "Queue", "ARN"))
        return start, second.instance_of(record), *self.queue_key(queue), record.get("Channel")

    def queue_key(self, queue):
        """The queue's ID and name, and whether it is an agent's own queue."""
        id = queue.removeprefix("agent/") if queue else None
        return id, self.queue_name(queue), (queue or "").startswith("agent/")

    def queue_name(self, queue):
        return greatest(self.queue_names[queue]) if self.queue_names[queue] else None

    def by_queue(self, asked, more=lambda key: (), contacts=None):
        """Figures by local interval, instance, queue, and channel, in total and for each initiation method."""
        groups = collections.defaultdict(lambda: collections.defaultdict(list))
        for key, figures in (contacts or self.contacts[asked.include_simulated]).items():
            instance, queue, channel, method, _, quarter = key
            start = asked.start(second.ms(quarter))
            if start is None or asked.of not in ("*", queue, self.queue_name(queue)):
                continue
            groups[(start, instance, *self.queue_key(queue), channel, *more(key))][method].append(figures)
        for key, methods in groups.items():
            methods = {method: second.add(figures) for method, figures in methods.items()}
            yield list(key), second.add(methods.values()), methods

    def by_agent(self, asked):
        groups = collections.defaultdict(list)
        for (instance, agent, profile, channel, quarter), figures in self.agent_contacts[asked.include_simulated].items():
            start = asked.start(second.ms(quarter))
            if start is not None and asked.of in ("*", profile, self.profile_names.get(profile)):
                names = self.agent_names[agent], profile, self.profile_names.get(profile)
                groups[(start, instance, agent, *names, channel)].append(figures)
        for key, figures in groups.items():
            yield list(key), second.add(figures)

    def by_activity(self, asked):
        groups = collections.defaultdict(list)
        for (instance, agent, profile, _, quarter), figures in self.agents.items():
            start = asked.start(second.ms(quarter))
            if start is not None and asked.of in ("*", profile, self.profile_names.get(profile)):
                groups[(start, instance, agent, profile)].append(figures)
        for (start, instance, agent, profile), figures in groups.items():
            yield [start, instance, agent, profile], second.add(figures)

    def asked_for(self, asked, moment_of=second.disconnect_time):
        """The contacts of the requested queue, with the interval in which each counts."""
        for record in self.records:
            moment = moment_of(record)
            queue = second.queue_id(name_of(record, "Queue", "ARN"))
            if second.is_assistant(record) or (second.is_simulated(record) and not asked.include_simulated):
                continue
            if moment is None or asked.of not in ("*", queue, name_of(record, "Queue")):
                continue
            start = asked.start(moment)
            if start is not None:
                yield start, record


def of_methods(methods, name, *wanted):
    return sum(figures[name] for method, figures in methods.items() if method in wanted)


def fraction(percent):
    return None if percent is None else float(percent / 100)


def number(value):
    return None if value is None else float(value)


def average(figures, name):
    return number(second.metric("avg_" + name, figures))


CREATED = (
    "contacts_incoming", "contacts_transferred_in", "contacts_transferred_in_by_agent", "contacts_transferred_in_from_queue",
    "api_contacts", "callback_contacts", "customer_first_callback_contacts",
)  # fmt: skip
HANDLED = ("contacts_handled_incoming", "contacts_handled_outbound", "callback_contacts_handled", "api_contacts_handled")


def with_methods(methods, name):
    """A count that the console shows for some initiation methods only."""
    count, wanted = second.WITH_METHODS[name]
    return of_methods(methods, count, *wanted)


def contact_volume(center, asked):
    for key, all, methods in center.by_queue(asked):
        yield [
            *key, all["contacts_created"], *(with_methods(methods, name) for name in CREATED), all["contacts_queued"],
            all["contacts_queued_by_enqueue"], all["contacts_handled"], all["contacts_handled_by_connected_to_agent"],
            *(with_methods(methods, name) for name in HANDLED), all["count_contact_duration"],
            all["simulated"] if asked.include_simulated else 0,
        ]  # fmt: skip


def service_level(center, asked, threshold, comparison):
    contacts = second.queue_intervals(center.records, asked.include_simulated, comparison, (threshold,))
    for key, all, _ in center.by_queue(asked, contacts=contacts):
        # Only contacts that ended count.
        if not all["count_contact_duration"]:
            continue
        removed, answered, abandoned = (
            all[f"{name}_{threshold}"]
            for name in ("contacts_removed_from_queue_in", "sum_contacts_answered_in", "sum_contacts_abandoned_in")
        )
        queued = all["contacts_queued"]
        rates = (second.metric(name, all, threshold) for name in ("service_level", "answered_in_x_rate"))
        yield [*key, queued, removed, answered, abandoned, *map(fraction, rates)]


def abandonment(center, asked):
    by_customer = collections.Counter()
    for start, record in center.asked_for(asked):
        if second.contacts_abandoned(record) and record.get("DisconnectReason") == "CUSTOMER_DISCONNECT":
            by_customer[center.group(start, record)] += 1
    for key, all, _ in center.by_queue(asked):
        rate = fraction(second.metric("abandonment_rate", all))
        yield [*key, all["contacts_queued"], all["contacts_abandoned"], rate, average(all, "abandon_time"), by_customer[tuple(key)]]


def speed_of_answer(center, asked):
    for key, all, _ in center.by_queue(asked):
        yield [
            *key, all["count_queue_answer_time"], average(all, "queue_answer_time"), all["count_queue_answer_time_by_enqueue"],
            average(all, "queue_answer_time_by_enqueue"), all["max_queued_time"],
        ]  # fmt: skip


def handle_time(center, asked):
    for key, all, _ in center.by_queue(asked):
        hold = average(all, "hold_time_all_contacts")
        yield [
            *key, all["contacts_handled"], all["sum_handle_time"], average(all, "handle_time"), average(all, "interaction_time"),
            hold, average(all, "interaction_and_hold_time"), average(all, "after_contact_work_time"),
            average(all, "active_time"), average(all, "agent_pause_time"),
        ]  # fmt: skip


def nearest_rank(share, numbers):
    return sorted(numbers)[math.ceil(share * len(numbers)) - 1]


def handle_time_percentiles(center, asked):
    times = collections.defaultdict(list)
    for start, record in center.asked_for(asked):
        if second.handle_time(record) is not None:
            times[center.group(start, record)].append(second.handle_time(record) // 1000)
    for key, numbers in times.items():
        shares = nearest_rank(fractions.Fraction(1, 2), numbers), nearest_rank(fractions.Fraction(9, 10), numbers)
        yield [*key, len(numbers), *shares, max(numbers)]


def hold_and_transfer(center, asked):
    continued = collections.Counter()
    for start, record in center.asked_for(asked):
        if second.next_(record) and not second.tct(record):
            continued[center.group(start, record)] += 1
    for key, all, _ in center.by_queue(asked):
        out = "contacts_transferred_out"
        yield [
            *key, all["contacts_handled"], all["contacts_put_on_hold"], ratio(all["contacts_put_on_hold"], all["contacts_handled"]),
            average(all, "hold_time"), average(all, "holds"), all[out], all[out + "_by_agent"], all[out + "_internal"],
            all[out + "_external"], all[out + "_from_queue"], continued[tuple(key)],
        ]  # fmt: skip


def callbacks(center, asked):
    dialed = "CALLBACK_CUSTOMER_FIRST_DIALED"
    for key, all, methods in center.by_queue(asked):
        of = lambda name, *wanted: of_methods(methods, name, *wanted)  # noqa: E731
        wait = ratio(of("sum_queue_answer_time", "CALLBACK"), of("count_queue_answer_time", "CALLBACK"))
        yield [
            *key, of("contacts_created", "CALLBACK", "CALLBACK_CUSTOMER_FIRST_QUEUED"), of("contacts_handled", "CALLBACK"),
            of("count_contact_duration", dialed), of("contacts_handled", dialed), of("contacts_abandoned", *CALLBACKS),
            all["retry_callback_attempts"], wait, average(all, "queue_answer_time_customer_first_callback"),
            average(all, "wait_time_after_customer_first_callback_connection"),
        ]  # fmt: skip


def contact_times(center, asked):
    for key, all, _ in center.by_queue(asked):
        yield [
            *key, average(all, "contact_duration"), average(all, "resolution_time"), all["sum_contact_flow_time"],
            average(all, "contact_flow_time"), average(all, "contact_first_response_time_agent"), all["contacts_resolved_in_60"],
            all["contacts_resolved_in_600"],
        ]  # fmt: skip


def disconnect_reasons(center, asked):
    for key, all, _ in center.by_queue(asked, lambda key: (key[4],)):
        yield [*key, all["count_contact_duration"], all["contacts_handled"], all["contacts_abandoned"]]


def agent_contacts(center, asked):
    for key, all in center.by_agent(asked):
        out = "contacts_transferred_out"
        yield [
            *key, all["contacts_handled"], all["contacts_agent_disconnect"], all["contacts_put_on_hold"], all[out + "_by_agent"],
            all[out + "_internal"], all[out + "_external"], all["sum_handle_time"], average(all, "handle_time"),
            average(all, "interaction_time"), average(all, "hold_time"), average(all, "hold_time_all_contacts"),
            average(all, "after_contact_work_time"), average(all, "active_time"), average(all, "agent_pause_time"),
        ]  # fmt: skip


def after_contact_work(center, asked):
    times = collections.defaultdict(list)
    for record in center.records:
        moment, work = second.disconnect_time(record), second.after_contact_work_time(record)
        is_left_out = second.is_assistant(record) or (second.is_simulated(record) and not asked.include_simulated)
        if moment is not None and second.con(record) and work is not None and not is_left_out:
            times[(asked.start(moment), *second.agent_contact_group(record))].append(work // 1000)
    for key, all in center.by_agent(asked):
        start, instance, agent, _, profile, _, channel = key
        of = times[(start, instance, agent, profile, channel)]
        some = [time for time in of if time > 0]
        yield [
            *key, all["contacts_handled"], average(all, "after_contact_work_time"), len(some), ratio(sum(some), len(some)),
            greatest(of),
        ]  # fmt: skip


SHARES = ("percent_agent_on_contact_time", "percent_agent_idle_time", "percent_non_productive_time")


def agent_activity(center, asked):
    for key, all in center.by_activity(asked):
        online, contact, idle, other = (all[f"{n}_time"] for n in ("online", "contact", "idle", "non_productive"))
        yield [
            *key, online / 1000, contact / 1000, idle / 1000, other / 1000, all["error_status_time"] / 1000,
            all["missed_rejected_time"] / 1000, *(fraction(second.metric(name, all)) for name in SHARES),
            number(second.metric("agent_occupancy", all)), all["open"],
        ]  # fmt: skip


CONNECTING = ("INBOUND", "OUTBOUND", "CALLBACK", "API")


def agent_answer_rate(center, asked):
    for key, all in center.by_activity(asked):
        ringing = [second.metric("avg_agent_connecting_time", all, initiation_method=method) for method in CONNECTING]
        yield [
            *key, all["answered_offers"], all["agent_non_response"], fraction(second.metric("agent_answer_rate", all)),
            float(second.metric("sum_connecting_time_agent", all)), *map(number, ringing),
        ]  # fmt: skip


def occupancy(center, asked):
    handled = collections.Counter()
    for (start, instance, _, _, profile, _, _), all in center.by_agent(asked):
        handled[(start, instance, profile)] += all["sum_handle_time"]
    groups = collections.defaultdict(list)
    for (start, instance, agent, profile), all in center.by_activity(asked):
        groups[(start, instance, profile)].append(all)
    for key, agents in groups.items():
        contact, idle = (sum(all[f"{n}_time"] for all in agents) for n in ("contact", "idle"))
        present = sum(all["contact_time"] + all["idle_time"] > 0 for all in agents)
        concurrency = ratio(handled[key] * 1000, contact + idle)
        yield [*key, present, contact / 1000, idle / 1000, ratio(contact, contact + idle), concurrency]


def time_in_status(center, asked):
    """Without is_open, which the second implementation does not have per status."""
    for key, all in center.by_activity(asked):
        for name, milliseconds in all["status"].items():
            yield [*key, name, milliseconds / 1000 / HOUR]


def agent_non_response(center, asked):
    """Counts per agent over all channels: the second implementation has no channels here."""
    groups = collections.defaultdict(list)
    for (start, instance, agent, _), all in center.by_activity(Asked(asked.zone, asked.grain, asked.first, asked.last)):
        groups[(start, instance, agent)].append(all)
    for key, parts in groups.items():
        names = ("agent_non_response", "agent_non_response_without_customer_abandons")
        counts = [sum(part[name] for part in parts) for name in names]
        if counts[0]:
            yield [*key, *counts]


def forecasting_csv(center, asked):
    records = [record for record in center.records if second.instance_of(record).endswith("1")]
    text = second.forecasting_csv(records, asked.zone, asked.grain_of_csv, asked.include_simulated)
    for line in text.splitlines()[1:]:
        name, queue, channel, start, duration, volume, handle, handled = line.split(",")
        if asked.start(second.ms(start)) is not None and asked.of in ("*", queue, name):
            yield [name, queue, channel or None, start, duration, int(volume), float(handle), int(handled)]


def beyond_look_back(center, asked):
    first = datetime.datetime.fromtimestamp(asked.starts[0] / 1000, datetime.UTC).date() - datetime.timedelta(days=asked.look_back)
    moments = [
        (second.disconnect_time, lambda record: True),
        (second.enqueue_time, second.contacts_queued_by_enqueue),
        (second.connected_time, second.contacts_handled_by_connected_to_agent),
    ]
    groups = collections.defaultdict(lambda: [0, 0, 0, [], []])
    for place, (moment_of, counts) in enumerate(moments):
        for start, record in center.asked_for(asked, moment_of):
            began = instant(record["InitiationTimestamp"]).date()
            if began < first and counts(record):
                group = groups[(start, record.get("Channel"))]
                group[place] += 1
                at = datetime.datetime.fromtimestamp(moment_of(record) / 1000, datetime.UTC).date()
                group[3].append((at - began).days)
                group[4].append(began)
    for key, (ended, queued, handled, spans, days) in groups.items():
        yield [*key, ended, queued, handled, max(spans), min(days).isoformat()]


def chain(record):
    return second.instance_of(record), record.get("InitialContactId") or record["ContactId"]


def contact_chains(center, asked):
    asked = Asked(asked.zone, "day", asked.first, asked.last, "*", asked.include_simulated)
    contacts = [record for _, record in center.asked_for(asked, second.initiation_time) if second.method(record) != "DISCONNECT"]
    for initial, group in grouped(contacts, chain).items():
        if len(group) > 1:
            group.sort(key=lambda record: (record["InitiationTimestamp"], record["ContactId"]))
            handle = [second.handle_time(record) // 1000 for record in group if second.handle_time(record) is not None]
            yield [
                *initial, len(group), [record["ContactId"] for record in group], [record["InitiationMethod"] for record in group],
                len({name_of(record, "Agent", "ARN") for record in group} - {None}), instant(group[0]["InitiationTimestamp"]),
                greatest(instant(record.get("DisconnectTimestamp")) for record in group), sum(handle) if handle else None,
            ]  # fmt: skip


def repeat_contacts(center, asked, days):
    within = days * 86_400_000
    asked = Asked(asked.zone, "day", asked.first, asked.last, "*", asked.include_simulated)
    firsts = [
        record
        for record in center.records
        if record.get("InitiationMethod") == "INBOUND"
        and name_of(record, "CustomerEndpoint", "Address") not in (None, "anonymous")
        and not second.is_assistant(record)
        and (asked.include_simulated or not second.is_simulated(record))
    ]
    followed = {}
    customer = lambda record: (second.instance_of(record), record["CustomerEndpoint"]["Type"], record["CustomerEndpoint"]["Address"])  # noqa: E731
    for group in grouped(firsts, customer).values():
        group.sort(key=lambda record: (record["InitiationTimestamp"], record["ContactId"]))
        for record, following in zip(group, group[1:]):
            followed[record["ContactId"]] = second.initiation_time(following) - second.initiation_time(record) <= within
    counts = collections.defaultdict(lambda: [0, 0])
    for record in firsts:
        start = asked.start(second.initiation_time(record))
        if start is not None:
            counts[(start, record.get("Channel"))][0] += 1
            counts[(start, record.get("Channel"))][1] += followed.get(record["ContactId"], False)
    for key, (count, repeated) in counts.items():
        yield [*key, count, repeated, repeated / count]


def record_versions(records, delivered, arrival):
    """From the delivered records, which all arrived at about the same moment."""
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
