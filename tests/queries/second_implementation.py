"""A second, independent implementation of Amazon Connect's metrics (Python 3.11, standard library only).

Written from Amazon's definitions; it shares no code with the SQL:

- Metric definitions (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html)
- Contact records data model (https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html)
- Agent event streams data model (https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html)

Where the pages are ambiguous, docs/queries.md says which reading we use.

  queue_intervals(records, include_simulated=False)                   counts and times of contacts, by queue
  agent_contact_metrics_intervals(records, include_simulated=False)   the same for handled contacts, by agent
  agent_intervals(events, records=None)                               agent time
  total(kind, records_or_events, start, end, **filters)               the same figures over any half-open UTC interval
  metric(name, figures, ...)                                          rates and averages; METRICS has unit and rule
  local_intervals(zone, grain, first_day, last_day)                   local intervals as UTC intervals
  forecasting_csv(records, zone, duration)                            the file that Connect imports for forecasts

All time is kept in integer milliseconds. Sums of contact metrics are returned in seconds (int, or Fraction if not whole), agent
time in integer milliseconds.
"""
import csv
import io
import json
import math
import re
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = 15 * 60 * 1000                      # ms
THRESHOLDS = (5, 10, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


# ---------------------------------------------------------------------------------------------------------------------
# Parsing

def _objects(lines):
    """JSON objects from dicts or text lines; everything else is skipped."""
    for line in lines:
        if isinstance(line, (str, bytes)):
            try:
                line = json.loads(line)
            except ValueError:
                continue
        if isinstance(line, dict):
            yield line


def get(obj, *path):
    """A nested field; None if it is missing, null or the empty string (null = missing)."""
    for name in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(name)
    return None if obj == '' else obj


@lru_cache(maxsize=200_000)
def _parse(text):
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def text(obj, *path):
    """A nested text field; None if it is anything else."""
    value = get(obj, *path)
    return value if isinstance(value, str) else None


def ms(stamp):
    """A timestamp in milliseconds since 1970, None if absent or unreadable (a fraction is optional)."""
    return _parse(stamp) if isinstance(stamp, str) else None


def when(value):
    """A moment passed by the caller, in ms: timestamp text, aware datetime, or ms."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, str):
        result = ms(value)
        if result is None:
            raise ValueError('not a timestamp: %r' % value)
        return result
    return value


def iso(milliseconds):
    return (EPOCH + timedelta(milliseconds=milliseconds)).strftime('%Y-%m-%dT%H:%M:%SZ')


def quarter(milliseconds):
    """Start of the quarter hour (UTC)."""
    return milliseconds - milliseconds % QUARTER


def number(value):
    """A finite number, which may be written as text, or None."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


def duration(value):
    """A duration of the record (seconds) in ms, or None."""
    value = number(value)
    return None if value is None else round(value * 1000)


def seconds(milliseconds):
    """Exact seconds: int if whole, else Fraction."""
    return milliseconds // 1000 if milliseconds % 1000 == 0 else Fraction(milliseconds, 1000)


def _part(arn, pattern):
    found = re.search(pattern, arn) if isinstance(arn, str) else None
    return found.group(1) if found else None


def instance_id(arn):
    return _part(arn, r'instance/([^/]+)')


def queue_id(arn):
    """The part after `queue/`; for an agent queue, `agent/<id>`."""
    return _part(arn, r'/queue/(.+)$')


def is_agent_queue(arn):
    """True for an agent queue (`.../queue/agent/<agentId>`), False for a standard queue or none."""
    return (queue_id(arn) or '').startswith('agent/')


def agent_id(arn):
    return _part(arn, r'/agent/(.+)$')


def routing_profile_id(arn):
    return _part(arn, r'/routing-profile/(.+)$')


def group_id(arn):
    return _part(arn, r'/agent-group/(.+)$')


def region(arn):
    """The Region inside an ARN."""
    parts = arn.split(':') if isinstance(arn, str) else []
    return parts[3] if len(parts) > 3 else None


def newest_records(lines):
    """One record per contact: the newest by LastUpdateTimestamp; among equals, the one later in the file."""
    newest = {}
    for record in _objects(lines):
        contact = record.get('ContactId')
        if not isinstance(contact, str) or contact == '':
            continue
        key = (instance_of(record), contact)
        version = ms(record.get('LastUpdateTimestamp'))
        version = float('-inf') if version is None else version
        if key not in newest or version >= newest[key][0]:
            newest[key] = (version, record)
    return [record for _, record in newest.values()]


def instance_of(record):
    """Instance ID from InstanceARN, otherwise from the ARN of the queue or the agent."""
    return (instance_id(get(record, 'InstanceARN')) or instance_id(get(record, 'Queue', 'ARN'))
            or instance_id(get(record, 'Agent', 'ARN')))


# ---------------------------------------------------------------------------------------------------------------------
# Contact records: predicates

def segment_attribute(record, name):
    value = get(record, 'SegmentAttributes', name)
    if isinstance(value, dict):
        value = next((v for v in value.values() if v is not None and v != ''), None)
    return value


def is_assistant(record):
    """Manager assist contacts, always left out."""
    return segment_attribute(record, 'connect:Subtype') == 'connect:Assistant'


def is_simulated(record):
    """`connect:ValidationTestType` present."""
    return segment_attribute(record, 'connect:ValidationTestType') is not None


def method(record):
    return text(record, 'InitiationMethod')


def enqueue_time(record):
    return ms(get(record, 'Queue', 'EnqueueTimestamp'))


def connected_time(record):
    return ms(get(record, 'Agent', 'ConnectedToAgentTimestamp'))


def disconnect_time(record):
    return ms(get(record, 'DisconnectTimestamp'))


def initiation_time(record):
    return ms(get(record, 'InitiationTimestamp'))


def enq(record):
    """Queue.EnqueueTimestamp present."""
    return enqueue_time(record) is not None


def dur(record):
    """Queue.Duration in ms, or None."""
    return duration(get(record, 'Queue', 'Duration'))


def connected(record):
    """Agent.ConnectedToAgentTimestamp present, for any contact."""
    return connected_time(record) is not None


def monitor(record):
    """MONITOR is not a customer contact and does not count as handled."""
    return method(record) == 'MONITOR'


def con(record):
    """Agent.ConnectedToAgentTimestamp present, except for a supervisor's monitoring contact."""
    return connected(record) and not monitor(record)


def next_(record):
    """NextContactId present."""
    return get(record, 'NextContactId') is not None


def tct(record):
    """TransferCompletedTimestamp present."""
    return ms(get(record, 'TransferCompletedTimestamp')) is not None


def number_of_holds(record):
    return number(get(record, 'Agent', 'NumberOfHolds')) or 0


def interaction(record):
    return duration(get(record, 'Agent', 'AgentInteractionDuration'))


def hold(record):
    return duration(get(record, 'Agent', 'CustomerHoldDuration'))


def after_contact_work(record):
    return duration(get(record, 'Agent', 'AfterContactWorkDuration'))


def pause(record):
    """Records have AgentPauseDurationInSeconds, Amazon's page says AgentPauseDuration; we read both."""
    value = duration(get(record, 'Agent', 'AgentPauseDurationInSeconds'))
    return duration(get(record, 'Agent', 'AgentPauseDuration')) if value is None else value


# ---------------------------------------------------------------------------------------------------------------------
# Counts: whether a record counts

def contacts_created(r):
    """one per record, by InitiationTimestamp."""
    return True


def contacts_queued(r):
    """enq."""
    return enq(r)


def contacts_queued_by_enqueue(r):
    """enq, by the time of enqueue."""
    return enq(r)


def contacts_handled(r):
    """con."""
    return con(r)


def contacts_handled_by_connected_to_agent(r):
    """con, by the time of connection."""
    return con(r)


def contacts_abandoned(r):
    """enq, no agent, no next contact, not (tct and not con). DisconnectReason is ignored, and
    CALLBACK and API count."""
    return enq(r) and not connected(r) and not next_(r) and not (tct(r) and not connected(r))


def contacts_transferred_out(r):
    """tct, connected or not."""
    return tct(r)


def contacts_transferred_out_by_agent(r):
    """tct and con."""
    return tct(r) and con(r)


def _transferred_to_endpoint(r):
    endpoint = get(r, 'TransferredToEndpoint')
    return isinstance(endpoint, dict) and any(v is not None and v != '' for v in endpoint.values())


def contacts_transferred_out_external(r):
    """by agent, TransferredToEndpoint set."""
    return contacts_transferred_out_by_agent(r) and _transferred_to_endpoint(r)


def contacts_transferred_out_internal(r):
    """by agent, TransferredToEndpoint not set."""
    return contacts_transferred_out_by_agent(r) and not _transferred_to_endpoint(r)


def contacts_transferred_out_from_queue(r):
    """approximated by tct, enq, not connected."""
    return tct(r) and enq(r) and not connected(r)


def contacts_put_on_hold(r):
    """NumberOfHolds > 0."""
    return number_of_holds(r) > 0


def retry_callback_attempts(r):
    """method = CALLBACK, not connected, next."""
    return method(r) == 'CALLBACK' and not connected(r) and next_(r)


def contacts_agent_disconnect(r):
    """handled, DisconnectReason = AGENT_DISCONNECT."""
    return con(r) and get(r, 'DisconnectReason') == 'AGENT_DISCONNECT'


# ---------------------------------------------------------------------------------------------------------------------
# Times in ms: None = "skip", in neither numerator nor denominator

def queue_answer_time(r):
    """con, enq, dur -> D."""
    return dur(r) if con(r) and enq(r) else None


def queue_answer_time_by_enqueue(r):
    """same value, interval by enqueue."""
    return queue_answer_time(r)


def abandon_time(r):
    """abandoned, and dur -> D."""
    return dur(r) if contacts_abandoned(r) else None


def max_queued_time(r):
    """the maximum of D over all records with dur."""
    return dur(r)


def interaction_time(r):
    """AgentInteractionDuration present, con."""
    return interaction(r) if con(r) else None


def hold_time(r):
    """con, CustomerHoldDuration present, only records with a hold."""
    held = number_of_holds(r) > 0 or (hold(r) or 0) > 0
    return hold(r) if con(r) and held else None


def _sum_or_skip(parts):
    """Null parts are 0; skip if all are null."""
    return None if all(p is None for p in parts) else sum(p or 0 for p in parts)


def interaction_and_hold_time(r):
    """interaction + hold, skip if both are null."""
    return None if monitor(r) else _sum_or_skip([interaction(r), hold(r)])


def after_contact_work_time(r):
    """ACW duration, or 0 if con, else skip."""
    if monitor(r):
        return None
    work = after_contact_work(r)
    return work if work is not None else 0 if con(r) else None


def handle_time(r):
    """interaction + hold + ACW + pause; null parts are 0, skip if all four are null."""
    return None if monitor(r) else _sum_or_skip([interaction(r), hold(r), after_contact_work(r), pause(r)])


def active_time(r):
    """the same without pause, parts only if > 0."""
    parts = [interaction(r), hold(r), after_contact_work(r)]
    if monitor(r) or all(p is None for p in parts):
        return None
    return sum(p for p in parts if p is not None and p > 0)


def agent_pause_time(r):
    """pause > 0 only."""
    value = pause(r)
    return value if value is not None and value > 0 and not monitor(r) else None


def contact_duration(r):
    """Disconnect - Initiation, skip without initiation."""
    start, end = initiation_time(r), disconnect_time(r)
    return None if start is None or end is None else end - start


def resolution_time(r):
    """max(ACW end, Disconnect) - Initiation, at least 0."""
    start, end = initiation_time(r), disconnect_time(r)
    if start is None or end is None:
        return None
    work_end = ms(get(r, 'Agent', 'AfterContactWorkEndTimestamp'))
    if work_end is not None:
        end = max(end, work_end)
    return max(end - start, 0)


def contact_flow_time(r):
    """only four methods; 0 without ConnectedToSystem; end = Enqueue, else TransferCompleted, else Disconnect."""
    if method(r) not in ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API'):
        return None
    start = ms(get(r, 'ConnectedToSystemTimestamp'))
    if start is None:
        return 0
    for end in (enqueue_time(r), ms(get(r, 'TransferCompletedTimestamp')), disconnect_time(r)):
        if end is not None:
            return max(end - start, 0)
    return None


def holds(r):
    """NumberOfHolds or 0, over all records. A number, not a time."""
    return number_of_holds(r)


def queue_answer_time_customer_first_callback(r):
    """con and CallbackTotalQueueDuration; the pages contradict each other on spelling and unit."""
    if not con(r):
        return None
    for path in (('Queue', 'CallbackTotalQueueDuration'), ('CallbackTotalQueueDuration',)):
        value = duration(get(r, *path))
        if value is not None:
            return value
    for path in (('Queue', 'CallbackTotalQueueDurationMillis'), ('CallbackTotalQueueDurationMillis',)):
        value = number(get(r, *path))
        if value is not None:
            return round(value)
    return None


def wait_time_after_customer_first_callback_connection(r):
    """method CALLBACK_CUSTOMER_FIRST_DIALED, AMD = human, GreetingEnd: (ConnectedToAgent or else Disconnect) - it."""
    greeting = ms(get(r, 'CustomerVoiceActivity', 'GreetingEndTimestamp'))
    if (method(r) != 'CALLBACK_CUSTOMER_FIRST_DIALED' or greeting is None
            or get(r, 'AnsweringMachineDetectionStatus') != 'HUMAN_ANSWERED'):
        return None
    end = connected_time(r) if connected(r) else disconnect_time(r)
    return None if end is None else end - greeting


def _chat_contact(r, name):
    """A member of ContactMetrics, which the API calls ChatContactMetrics."""
    value = get(r, 'ChatMetrics', 'ContactMetrics', name)
    return get(r, 'ChatMetrics', 'ChatContactMetrics', name) if value is None else value


def contact_first_response_time_agent(r):
    """AgentFirstResponseTimestamp - Enqueue, both present."""
    answer, start = ms(_chat_contact(r, 'AgentFirstResponseTimestamp')), enqueue_time(r)
    return None if answer is None or start is None else answer - start


# ---------------------------------------------------------------------------------------------------------------------
# Thresholds: `<` by default, `<=` with LTE

def contacts_removed_from_queue_in(r):
    """dur, D < X, regardless of outcome."""
    return dur(r)


def sum_contacts_answered_in(r):
    """con, enq, dur, D < X."""
    return queue_answer_time(r)


def sum_contacts_abandoned_in(r):
    """abandoned, dur, D < X."""
    return abandon_time(r)


def contacts_resolved_in(r):
    """resolution time < X."""
    return resolution_time(r)


# The timestamp that determines the interval: Disconnect, except for these.
ATTRIBUTION = {
    'contacts_created': initiation_time,
    'contacts_queued_by_enqueue': enqueue_time,
    'queue_answer_time_by_enqueue': enqueue_time,
    'contacts_handled_by_connected_to_agent': connected_time,
}
COUNTS = (
    contacts_created, contacts_queued, contacts_queued_by_enqueue, contacts_handled,
    contacts_handled_by_connected_to_agent, contacts_abandoned, contacts_transferred_out,
    contacts_transferred_out_by_agent, contacts_transferred_out_internal, contacts_transferred_out_external,
    contacts_transferred_out_from_queue, contacts_put_on_hold, retry_callback_attempts,
)
TIMES = (                                                   # ms in, seconds out
    queue_answer_time, queue_answer_time_by_enqueue, abandon_time, interaction_time, hold_time, interaction_and_hold_time,
    after_contact_work_time, handle_time, active_time, agent_pause_time, contact_duration, resolution_time,
    contact_flow_time, queue_answer_time_customer_first_callback, wait_time_after_customer_first_callback_connection,
    contact_first_response_time_agent,
)
IN_X = (contacts_removed_from_queue_in, sum_contacts_answered_in, sum_contacts_abandoned_in, contacts_resolved_in)
AGENT_COUNTS = (contacts_handled, contacts_put_on_hold, contacts_transferred_out_by_agent, contacts_transferred_out_internal,
                contacts_transferred_out_external, contacts_agent_disconnect)
AGENT_TIMES = (interaction_time, hold_time, interaction_and_hold_time, after_contact_work_time, handle_time, active_time,
               agent_pause_time)


def _new_queue_figures(thresholds=THRESHOLDS):
    figures = {f.__name__: 0 for f in COUNTS}
    for f in TIMES + (holds,):
        figures['sum_' + f.__name__] = figures['count_' + f.__name__] = 0
    figures['max_queued_time'] = None
    for f in IN_X:
        for x in thresholds:
            figures['%s_%d' % (f.__name__, x)] = 0
    figures['simulated'] = 0
    return figures


def _new_agent_contact_figures():
    figures = {f.__name__: 0 for f in AGENT_COUNTS}
    for f in AGENT_TIMES:
        figures['sum_' + f.__name__] = figures['count_' + f.__name__] = 0
    return figures


def _to_seconds(figures):
    """Sums of times from ms to seconds."""
    for f in TIMES:
        name = 'sum_' + f.__name__
        if name in figures:
            figures[name] = seconds(figures[name])
    if figures.get('max_queued_time') is not None:
        figures['max_queued_time'] = seconds(figures['max_queued_time'])
    return figures


def _time_of(name, record):
    return ATTRIBUTION.get(name, disconnect_time)(record)


def _add_queue(record, bucket, include_simulated, comparison, thresholds=THRESHOLDS):
    """Adds one record. bucket(ms) returns the dict of the interval that contains the moment, or None if it is not wanted."""
    def place(name):
        moment = _time_of(name, record)
        return None if moment is None else bucket(moment)      # not counted without its timestamp

    if is_assistant(record):
        return
    if is_simulated(record):
        figures = place('simulated')
        if figures is not None:
            figures['simulated'] += 1
        if not include_simulated:
            return
    for f in COUNTS:
        if f(record):
            figures = place(f.__name__)
            if figures is not None:
                figures[f.__name__] += 1
    for f in TIMES + (holds,):
        value = f(record)
        if value is not None:
            figures = place(f.__name__)
            if figures is not None:
                figures['sum_' + f.__name__] += value
                figures['count_' + f.__name__] += 1
    figures = place('')                                        # everything else counts by Disconnect
    if figures is None:
        return
    waited = max_queued_time(record)
    if waited is not None:
        old = figures['max_queued_time']
        figures['max_queued_time'] = waited if old is None else max(old, waited)
    for f in IN_X:
        value = f(record)
        if value is not None:
            for x in thresholds:
                if value < x * 1000 or (comparison == 'LTE' and value == x * 1000):
                    figures['%s_%d' % (f.__name__, x)] += 1


def _add_agent_contact(record, bucket, include_simulated):
    """Adds one handled contact to the agent's figures."""
    moment = disconnect_time(record)
    if is_assistant(record) or (is_simulated(record) and not include_simulated) or not con(record) or moment is None:
        return
    figures = bucket(moment)
    if figures is None:
        return
    for f in AGENT_COUNTS:
        figures[f.__name__] += bool(f(record))
    for f in AGENT_TIMES:
        value = f(record)
        if value is not None:
            figures['sum_' + f.__name__] += value
            figures['count_' + f.__name__] += 1


QUEUE_GROUPS = ('instance_id', 'queue_id', 'channel', 'initiation_method', 'disconnect_reason')
AGENT_CONTACT_GROUPS = ('instance_id', 'agent_id', 'routing_profile_id', 'channel')
AGENT_GROUPS = ('instance_id', 'agent_id', 'routing_profile_id', 'hierarchy')


def queue_group(r):
    return (instance_of(r), queue_id(get(r, 'Queue', 'ARN')), text(r, 'Channel'), method(r), text(r, 'DisconnectReason'))


def agent_contact_group(r):
    return (instance_of(r), agent_id(get(r, 'Agent', 'ARN')), routing_profile_id(get(r, 'Agent', 'RoutingProfile', 'ARN')),
            text(r, 'Channel'))


def queue_intervals(records, include_simulated=False, comparison='LT', thresholds=THRESHOLDS):
    """{(instance_id, queue_id, channel, initiation_method, disconnect_reason, quarter): figures}."""
    result = {}
    for record in newest_records(records):
        group = queue_group(record)

        def bucket(moment):
            key = group + (iso(quarter(moment)),)
            if key not in result:
                result[key] = _new_queue_figures(thresholds)
            return result[key]
        _add_queue(record, bucket, include_simulated, comparison, thresholds)
    return {key: _to_seconds(figures) for key, figures in result.items()}


def agent_contact_metrics_intervals(records, include_simulated=False):
    """{(instance_id, agent_id, routing_profile_id, channel, quarter): figures}."""
    result = {}
    for record in newest_records(records):
        group = agent_contact_group(record)

        def bucket(moment):
            key = group + (iso(quarter(moment)),)
            if key not in result:
                result[key] = _new_agent_contact_figures()
            return result[key]
        _add_agent_contact(record, bucket, include_simulated)
    return {key: _to_seconds(figures) for key, figures in result.items()}


# ---------------------------------------------------------------------------------------------------------------------
# Agent events

ON_CONTACT = ('CONNECTED', 'CONNECTED_ONHOLD', 'ENDED', 'PAUSED')   # connected, on hold, in ACW, paused
RINGING = ('CONNECTING', 'INCOMING')
OUTCOMES = {'CONNECTED': 'connected', 'MISSED': 'missed', 'ERROR': 'error', 'REJECTED': 'rejected'}
NO_OFFER = ('OUTBOUND', 'EXTERNAL_OUTBOUND', 'MONITOR')             # not routed to the agent
NO_CONFIGURATION = (None, (None,) * 5)
SILENCE = 60 * 60 * 1000                    # ms without an event; heartbeats arrive every two minutes


def status_class(status):
    """ROUTABLE, CUSTOM or OFFLINE; old events have no Type."""
    kind = text(status, 'Type')
    if kind in ('ROUTABLE', 'CUSTOM', 'OFFLINE'):
        return kind
    name = text(status, 'Name')
    return {'Available': 'ROUTABLE', 'Offline': 'OFFLINE', 'Error': 'ROUTABLE'}.get(name, 'CUSTOM')


def configuration(snapshot):
    """(routing profile ID, IDs of the five hierarchy levels)."""
    settings = get(snapshot, 'Configuration')
    if settings is None:
        return None
    groups = get(settings, 'AgentHierarchyGroups')
    return (routing_profile_id(get(settings, 'RoutingProfile', 'ARN')),
            tuple(group_id(get(groups, 'Level%d' % n, 'ARN')) for n in range(1, 6)))


def contacts_of(snapshot):
    """The contacts of a snapshot that have an ID."""
    contacts = get(snapshot, 'Contacts')
    return [c for c in contacts if isinstance(c, dict) and text(c, 'ContactId')] if isinstance(contacts, list) else []


def is_foreign(event):
    """Whether the agent is active in a Region other than the one in AgentARN."""
    for name in ('CurrentAgentSnapshot', 'PreviousAgentSnapshot'):
        current = get(event, name, 'AgentCrossRegionRoutingConfiguration', 'CurrentRegion')
        if current is not None:
            return current != region(event['AgentARN'])
    return False


def agent_events(lines):
    """{(instance_id, agent_id): [(ms, event id, event)] in order}, each event once."""
    seen, agents = set(), {}
    for event in _objects(lines):
        arn, stamp, event_id = (event.get(n) for n in ('AgentARN', 'EventTimestamp', 'EventId'))
        moment = ms(stamp)
        if not arn or not event_id or moment is None or not event.get('EventType'):
            continue
        if not isinstance(arn, str) or not isinstance(event_id, str) or (arn, stamp, event_id) in seen:
            continue
        seen.add((arn, stamp, event_id))
        if is_foreign(event):
            continue
        key = (instance_id(event.get('InstanceARN')) or instance_id(arn), agent_id(arn))
        agents.setdefault(key, []).append((moment, event_id, event))
    for events in agents.values():
        events.sort(key=lambda e: e[:2])
    return agents


class Timeline:
    """The intervals of one agent, from the agent's events in order.

    A state lasts from its start to the start of the next one. It starts at its own timestamp if that is later than the start of
    the previous state, otherwise at the time of the event that shows it. A contact's last state ends with the event that no
    longer shows the contact. Nothing counts while the agent is logged out, before the first event, after the last event, or
    in a silence of more than an hour.
    """

    def __init__(self, events):
        self.statuses = []          # (start, end, name, class, open)
        self.contacts = []          # (start, end, contact dict, state, state after or None, open)
        self.offers = []            # (end, contact dict, state before the end, outcome)
        self.configurations = []    # (start, configuration)
        self.status = None          # [start, name, class, StartTimestamp]
        self.held = {}              # contact id -> [start, state, contact dict]
        self.floor = None           # the last login: nothing counts before it
        self.new_session = True     # the next configuration counts from the start of the session
        self.shown = None           # time of the last snapshot since the login
        logged_out, before = False, None
        for moment, _, event in events:
            kind = event['EventType']
            current, previous = get(event, 'CurrentAgentSnapshot'), get(event, 'PreviousAgentSnapshot')
            silence = before is None or moment - before > SILENCE
            if silence and before is not None and not logged_out:
                self.close(before, True)        # no heartbeat: the agent left at an unknown time
            before = moment
            if silence or (kind == 'LOGIN' and logged_out):
                logged_out, self.floor, self.new_session, self.shown = False, moment, True, None
            if logged_out:
                continue            # a heartbeat does not log the agent in again
            if isinstance(previous, dict):
                self.catch_up(previous, moment)
            if isinstance(current, dict):
                self.show(current, moment)
            if kind == 'LOGOUT':
                self.close(moment, False)
                logged_out = True
        self.last = events[-1][0]
        if not logged_out:
            self.close(self.last, True)

    def begin(self, stamp, held_start, moment):
        """The start of a state, never before the start of the previous state."""
        start = ms(stamp)
        if start is None:
            start = moment
        elif held_start is not None and start <= held_start:
            start = moment
        return max(x for x in (start, held_start, self.floor) if x is not None)

    def set_status(self, status, moment):
        name, stamp = text(status, 'Name'), text(status, 'StartTimestamp')
        if self.status is not None and (name, stamp) == (self.status[1], self.status[3]):
            return
        start = self.begin(stamp, self.status and self.status[0], moment)
        if self.status is not None:
            self.statuses.append((self.status[0], start, self.status[1], self.status[2], False))
        self.status = [start, name, status_class(status), stamp]

    def set_contact(self, contact, moment):
        key, state = contact['ContactId'], text(contact, 'State')
        held = self.held.get(key)
        if held is not None and held[1] == state:
            return
        start = self.begin(get(contact, 'StateStartTimestamp'), held and held[0], moment)
        if held is not None:
            self.end_state(held, start, state, contact)
        self.held[key] = [start, state, contact]

    def end_state(self, held, end, next_state, next_contact, open_=False):
        start, state, contact = held
        self.contacts.append((start, end, contact, state, next_state, open_))
        if state not in RINGING or next_state in RINGING or open_:
            return
        if next_state in OUTCOMES:
            outcome = OUTCOMES[next_state]
        elif next_state is None:
            outcome = 'gone'
        elif next_state in ON_CONTACT and (next_state != 'ENDED' or get(next_contact, 'ConnectedToAgentTimestamp')):
            outcome = 'connected'      # the event that showed CONNECTED is missing
        else:
            outcome = 'other'
        self.offers.append((end, contact, state, outcome, next_state in OUTCOMES))

    def show(self, snapshot, moment):
        """The current snapshot of an event."""
        settings = configuration(snapshot)
        if settings is not None:
            if not self.configurations:
                self.configurations.append((float('-inf'), settings))
            elif settings != self.configurations[-1][1]:
                # it has no timestamp: it counts from its event, the first one of a session from the login
                since = self.floor if self.new_session and self.floor is not None else moment
                self.configurations.append((since, settings))
            self.new_session = False
        if isinstance(get(snapshot, 'AgentStatus'), dict):
            self.set_status(snapshot['AgentStatus'], moment)
        shown = contacts_of(snapshot)
        for contact in shown:
            self.set_contact(contact, moment)
        self.shown = moment
        ids = {c['ContactId'] for c in shown}
        for key in [k for k in self.held if k not in ids]:
            held = self.held.pop(key)
            self.end_state(held, max(moment, held[0]), None, None)

    def catch_up(self, snapshot, moment):
        """Adds states of a previous snapshot that no earlier event has shown (first event of an agent, lost events). They
        count from their own start, if that is later than everything known."""
        settings = configuration(snapshot)
        if settings is not None and not self.configurations:
            self.configurations.append((float('-inf'), settings))
        status = get(snapshot, 'AgentStatus')
        if isinstance(status, dict) and self.is_newer(status.get('StartTimestamp'), self.status and self.status[0], moment):
            self.set_status(status, moment)
        for contact in contacts_of(snapshot):
            held = self.held.get(contact['ContactId'])
            if self.is_newer(contact.get('StateStartTimestamp'), held and held[0], moment):
                self.set_contact(contact, moment)

    def is_newer(self, stamp, held_start, moment):
        """Whether a state of the previous snapshot began after everything known."""
        start, known = ms(stamp), self.shown if held_start is None else held_start
        return start is not None and start <= moment and (known is None or start > known)

    def close(self, moment, open_):
        """Ends all states at a logout or at the end of the data."""
        if self.status is not None:
            self.statuses.append((self.status[0], max(moment, self.status[0]), self.status[1], self.status[2], open_))
        for held in self.held.values():
            self.end_state(held, max(moment, held[0]), None, None, open_)
        self.status, self.held = None, {}

    def configuration_at(self, moment):
        result = NO_CONFIGURATION
        for since, settings in self.configurations:
            if since <= moment:
                result = settings
        return result

    def pieces(self):
        """Periods without a change: (start, end, configuration, status name, status class, [contact intervals], open)."""
        statuses = [(s, min(e, self.last), *rest) for s, e, *rest in self.statuses if s < min(e, self.last)]
        contacts = [(s, min(e, self.last), *rest) for s, e, *rest in self.contacts if s < min(e, self.last)]
        points = {p for i in statuses + contacts for p in i[:2]}
        points.update(since for since, _ in self.configurations if since != float('-inf'))
        points = sorted(points)
        statuses.sort(key=lambda i: i[0])
        contacts.sort(key=lambda i: i[0])
        status_at, contact_at, active = 0, 0, []
        for start, end in zip(points, points[1:]):
            while status_at < len(statuses) and statuses[status_at][1] <= start:
                status_at += 1
            status = statuses[status_at] if status_at < len(statuses) and statuses[status_at][0] <= start else None
            active = [i for i in active if i[1] > start]
            while contact_at < len(contacts) and contacts[contact_at][0] <= start:
                active.append(contacts[contact_at])
                contact_at += 1
            if status is None and not active:
                continue
            yield (start, end, self.configuration_at(start), status and status[2], status and status[3], active,
                   bool(status and status[4]) or any(i[5] for i in active))


# The definitions, each for a period without a change: by status class and contact states.

def online_time(status, states):
    """any status that is not Offline."""
    return status in ('ROUTABLE', 'CUSTOM')


def contact_time(status, states):
    """at least one contact connected, on hold, in ACW, paused, while the status is Available; two count once."""
    return status == 'ROUTABLE' and any(s in ON_CONTACT for s in states)


def idle_time(status, states):
    """Available without a contact; ringing, error, missed and rejected are idle."""
    return status == 'ROUTABLE' and not contact_time(status, states)


def non_productive_time(status, states):
    """custom status, working or not."""
    return status == 'CUSTOM'


def error_status_time(status, states):
    """contacts in error; inside idle time."""
    return idle_time(status, states) and 'ERROR' in states


def missed_rejected_time(status, states):
    """Not an Amazon metric: the part of idle time with a missed or rejected contact, for comparison."""
    return idle_time(status, states) and ('MISSED' in states or 'REJECTED' in states)


AGENT_TIME = (online_time, contact_time, idle_time, non_productive_time, error_status_time, missed_rejected_time)


def _new_agent_figures():
    figures = {f.__name__: 0 for f in AGENT_TIME}
    figures.update(status={}, connecting={}, offers={}, answered_offers=0, agent_non_response=0,
                   agent_non_response_without_customer_abandons=0, open=False)
    return figures


def _new_connecting():
    return dict(time=0, connected=0, missed=0, error=0, rejected=0, gone=0, other=0, unfinished_time=0)


def _add_agent(timeline, spread, at, hung_up):
    """Adds an agent's timeline. spread(start, end, configuration) yields (start, end, figures) for the wanted intervals that overlap;
    at(moment, configuration) returns the figures of a moment, or None. hung_up: IDs of contacts that the customer abandoned, or None."""
    for start, end, settings, name, kind, active, open_ in timeline.pieces():
        states = [i[3] for i in active]
        for a, b, figures in spread(start, end, settings):
            for f in AGENT_TIME:
                if f(kind, states):
                    figures[f.__name__] += b - a
            if kind is not None:
                figures['status'][name] = figures['status'].get(name, 0) + b - a
            for _, _, contact, state, next_state, _ in active:
                if state == 'CONNECTING':       # summed over attempts that end in one of the four states
                    row = figures['connecting'].setdefault(text(contact, 'InitiationMethod'), _new_connecting())
                    row['time' if next_state in OUTCOMES else 'unfinished_time'] += b - a
            figures['open'] = figures['open'] or open_
    for end, contact, state, outcome, is_attempt in timeline.offers:
        figures = at(end, timeline.configuration_at(end)) if end <= timeline.last else None
        if figures is None:
            continue
        how = text(contact, 'InitiationMethod')
        # Connecting time is over attempts: CONNECTING that ended in one of the four states.
        if state == 'CONNECTING' and (is_attempt or outcome in ('gone', 'other')):
            figures['connecting'].setdefault(how, _new_connecting())[outcome] += 1
        offer = figures['offers'].setdefault(how, dict(answered=0, non_response=0))
        if outcome == 'connected':              # accepted
            offer['answered'] += 1
            figures['answered_offers'] += how not in NO_OFFER
        elif outcome != 'other':                # MISSED, REJECTED, ERROR or gone
            offer['non_response'] += 1
            figures['agent_non_response'] += how not in NO_OFFER
            if hung_up is not None and get(contact, 'Channel') == 'VOICE' and contact['ContactId'] not in hung_up:
                figures['agent_non_response_without_customer_abandons'] += how not in NO_OFFER


def _hung_up(records):
    """Contacts with reason CUSTOMER_DISCONNECT that were never connected."""
    if records is None:
        return None
    return {r['ContactId'] for r in newest_records(records)
            if get(r, 'DisconnectReason') == 'CUSTOMER_DISCONNECT' and not connected(r)}


def _finish_agent(figures, hung_up):
    if hung_up is None:
        figures['agent_non_response_without_customer_abandons'] = None      # needs the contact records
    return figures


def agent_intervals(events, records=None):
    """{(instance_id, agent_id, routing_profile_id, hierarchy, quarter): figures}, time in ms, split at quarter-hour boundaries."""
    result, hung_up = {}, _hung_up(records)
    for agent, list_ in agent_events(events).items():
        def at(moment, settings):
            key = agent + settings + (iso(quarter(moment)),)
            if key not in result:
                result[key] = _new_agent_figures()
            return result[key]

        def spread(start, end, settings):
            while start < end:
                border = min(end, quarter(start) + QUARTER)
                yield start, border, at(start, settings)
                start = border
        _add_agent(Timeline(list_), spread, at, hung_up)
    return {key: _finish_agent(figures, hung_up) for key, figures in result.items()}


# ---------------------------------------------------------------------------------------------------------------------
# The same figures over any interval

def _matches(group, names, filters):
    """A filter is a value, or a list, set, or tuple of values; `hierarchy` is one tuple, level1..level5 one group ID."""
    for name, wanted in filters.items():
        if re.fullmatch('level[1-5]', name) and 'hierarchy' in names:
            value = group[names.index('hierarchy')][int(name[5]) - 1]
        else:
            value = group[names.index(name)]
        if isinstance(wanted, (list, set, frozenset)) or (isinstance(wanted, tuple) and name != 'hierarchy'):
            if value not in wanted:
                return False
        elif value != wanted:
            return False
    return True


def total(kind, records_or_events, start, end, include_simulated=False, comparison='LT', records=None, **filters):
    """Figures over [start, end), computed directly. kind: 'queue', 'agent_contact', or 'agent'. filters: names of
    QUEUE_GROUPS, AGENT_CONTACT_GROUPS, AGENT_GROUPS (and level1..level5), each a value or a list of values."""
    start, end = when(start), when(end)
    names = {'queue': QUEUE_GROUPS, 'agent_contact': AGENT_CONTACT_GROUPS, 'agent': AGENT_GROUPS}[kind]
    for name in filters:
        if name not in names and not (kind == 'agent' and re.fullmatch('level[1-5]', name)):
            raise ValueError('not a filter of %s: %s' % (kind, name))
    if kind == 'agent':
        figures, hung_up = _new_agent_figures(), _hung_up(records)
        for agent, list_ in agent_events(records_or_events).items():
            def at(moment, settings):
                return figures if start <= moment < end and _matches(agent + settings, names, filters) else None

            def spread(a, b, settings):
                a, b = max(a, start), min(b, end)
                return [(a, b, figures)] if a < b and _matches(agent + settings, names, filters) else []
            _add_agent(Timeline(list_), spread, at, hung_up)
        return _finish_agent(figures, hung_up)
    figures = _new_queue_figures() if kind == 'queue' else _new_agent_contact_figures()

    def bucket(moment):
        return figures if start <= moment < end else None
    for record in newest_records(records_or_events):
        if kind == 'queue' and _matches(queue_group(record), names, filters):
            _add_queue(record, bucket, include_simulated, comparison)
        elif kind == 'agent_contact' and _matches(agent_contact_group(record), names, filters):
            _add_agent_contact(record, bucket, include_simulated)
    return _to_seconds(figures)


def add(figures):
    """Combines figures of one kind (disjoint intervals or groups): adds counts and sums, takes the maximum of maximums."""
    result = None
    for f in figures:
        if result is None:
            result = {}
        for name, value in f.items():
            if isinstance(value, dict):
                result[name] = add([result.get(name) or {}, value])
            elif name == 'max_queued_time':
                result[name] = max((v for v in (result.get(name), value) if v is not None), default=None)
            elif isinstance(value, bool):
                result[name] = bool(result.get(name)) or value
            elif value is None:
                result.setdefault(name, None)
            else:
                result[name] = (result.get(name) or 0) + value
    return result or {}


# ---------------------------------------------------------------------------------------------------------------------
# Rates and averages

def _ratio(numerator, denominator):
    """The exact ratio; None if the denominator is 0."""
    return None if not denominator else Fraction(numerator) / Fraction(denominator)


def _percent(numerator, denominator):
    result = _ratio(numerator, denominator)
    return None if result is None else 100 * result


METRICS = {     # name: (unit, rule)
    'service_level': ('PERCENT', 'contacts_removed_from_queue_in_X / contacts_queued * 100'),
    'answered_in_x_rate': ('PERCENT', 'sum_contacts_answered_in_X / contacts_queued * 100: the other page\'s service level'),
    'abandonment_rate': ('PERCENT', 'contacts_abandoned / contacts_queued * 100'),
    'agent_occupancy': ('RATIO', 'contact_time / (contact_time + idle_time)'),
    'agent_answer_rate': ('PERCENT', 'answered_offers / (answered_offers + agent_non_response) * 100'),
    'percent_agent_on_contact_time': ('PERCENT', 'contact_time / online_time * 100'),
    'percent_agent_idle_time': ('PERCENT', 'idle_time / online_time * 100'),
    'percent_non_productive_time': ('PERCENT', 'non_productive_time / online_time * 100'),
    'avg_agent_concurrency': ('COUNT', 'sum_handle_time of agent_contact / (contact_time + idle_time) of agent'),
    'avg_agent_connecting_time': ('SECONDS', 'connecting time / attempts ended, by method'),
    'sum_connecting_time_agent': ('SECONDS', 'connecting time, by method'),
    'avg_hold_time_all_contacts': ('SECONDS', 'sum_hold_time / contacts_handled'),
    'avg_holds': ('COUNT', 'sum_holds / count_holds, all records'),
    'max_queued_time': ('SECONDS', 'maximum'),
}
for _f in TIMES:
    METRICS['avg_' + _f.__name__] = ('SECONDS', 'sum_%s / count_%s' % (_f.__name__, _f.__name__))
    METRICS['sum_' + _f.__name__] = ('SECONDS', 'sum')
for _f in AGENT_TIME:
    METRICS['sum_' + _f.__name__ + '_agent'] = ('SECONDS', _f.__name__ + ' / 1000')
for _f in COUNTS + (contacts_agent_disconnect,):
    METRICS[_f.__name__] = ('COUNT', 'count')
for _f in IN_X:
    METRICS[_f.__name__ + '_x'] = ('COUNT', 'count below X seconds')
METRICS['agent_non_response'] = METRICS['answered_offers'] = ('COUNT', 'count')
METRICS['agent_non_response_without_customer_abandons'] = ('COUNT', 'count, voice')

# Metrics that the console shows for some initiation methods only: (metric, methods)
WITH_METHODS = {
    'contacts_incoming': ('contacts_created', ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')),
    'contacts_transferred_in': ('contacts_created', ('TRANSFER', 'QUEUE_TRANSFER')),
    'contacts_transferred_in_by_agent': ('contacts_created', ('TRANSFER',)),
    'contacts_transferred_in_from_queue': ('contacts_created', ('QUEUE_TRANSFER',)),
    'api_contacts': ('contacts_created', ('API',)),
    'callback_contacts': ('contacts_created', ('CALLBACK',)),
    'customer_first_callback_contacts': ('contacts_created', ('CALLBACK_CUSTOMER_FIRST_QUEUED',)),
    'contacts_handled_incoming': ('contacts_handled', ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')),
    'contacts_handled_outbound': ('contacts_handled', ('OUTBOUND',)),
    'callback_contacts_handled': ('contacts_handled', ('CALLBACK',)),
    'api_contacts_handled': ('contacts_handled', ('API',)),
}


def metric(name, figures, x=None, initiation_method=None, agent=None):
    """A metric of METRICS from the figures of `total`, of one interval, or of `add`. x: threshold in seconds;
    initiation_method: for connecting time, default all methods; agent: agent figures, for avg_agent_concurrency only."""
    if name not in METRICS:
        raise ValueError('unknown metric: ' + name)
    f = figures
    if name == 'service_level':
        return _percent(f['contacts_removed_from_queue_in_%d' % x], f['contacts_queued'])
    if name == 'answered_in_x_rate':
        return _percent(f['sum_contacts_answered_in_%d' % x], f['contacts_queued'])
    if name == 'abandonment_rate':
        return _percent(f['contacts_abandoned'], f['contacts_queued'])
    if name == 'agent_occupancy':
        return _ratio(f['contact_time'], f['contact_time'] + f['idle_time'])
    if name == 'agent_answer_rate':
        return _percent(f['answered_offers'], f['answered_offers'] + f['agent_non_response'])
    if name == 'percent_agent_on_contact_time':
        return _percent(f['contact_time'], f['online_time'])
    if name == 'percent_agent_idle_time':
        return _percent(f['idle_time'], f['online_time'])
    if name == 'percent_non_productive_time':
        return _percent(f['non_productive_time'], f['online_time'])
    if name == 'avg_agent_concurrency':
        return _ratio(f['sum_handle_time'] * 1000, agent['contact_time'] + agent['idle_time'])
    if name in ('avg_agent_connecting_time', 'sum_connecting_time_agent'):
        rows = [r for m, r in f['connecting'].items() if initiation_method in (None, m)]
        time = sum(r['time'] for r in rows)
        if name.startswith('sum'):
            return seconds(time)
        return _ratio(Fraction(time, 1000), sum(r[o] for r in rows for o in OUTCOMES.values()))
    if name == 'avg_hold_time_all_contacts':
        return _ratio(f['sum_hold_time'], f['contacts_handled'])
    if name in {'sum_' + t.__name__ + '_agent' for t in AGENT_TIME}:
        return seconds(f[name[4:-6]])
    if name.startswith('avg_'):
        return _ratio(f['sum_' + name[4:]], f['count_' + name[4:]])
    if name.endswith('_x'):
        return f[name[:-1] + str(x)]
    return f[name]


# ---------------------------------------------------------------------------------------------------------------------
# Local time

def _day(value):
    return date.fromisoformat(value) if isinstance(value, str) else value


def _midnight(zone, day):
    """The moment at which a local day begins, in ms."""
    return when(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc))


GRAINS = {'15': 15, '30': 30, '60': 60, '15min': 15, '30min': 30, '60min': 60, '15mins': 15, '30mins': 30, '60mins': 60,
          'quarter': 15, 'half_hour': 30, 'hour': 60}


def _local(zone, grain, first_day, last_day):
    """Half-open UTC intervals in ms."""
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    first_day, last_day, result = _day(first_day), _day(last_day), []
    if grain == 'week':             # every whole week, from Monday, that contains a day of the range
        monday = first_day - timedelta(days=first_day.weekday())
        while monday <= last_day:
            result.append((_midnight(zone, monday), _midnight(zone, monday + timedelta(days=7))))
            monday += timedelta(days=7)
        return result
    day = first_day
    while day <= last_day:
        start, end = _midnight(zone, day), _midnight(zone, day + timedelta(days=1))
        day += timedelta(days=1)
        if start >= end:
            continue                # a day that the zone skipped
        if grain == 'day':
            result.append((start, end))
            continue
        minutes = GRAINS[str(grain)]
        previous = None             # a new interval when the local block or the offset changes: 92, 96, or 100 quarters
        for moment in range(start, end, 5 * 60 * 1000):
            local = (EPOCH + timedelta(milliseconds=moment)).astimezone(zone)
            label = (local.date(), (local.hour * 60 + local.minute) // minutes, local.utcoffset())
            if label != previous:
                if previous is not None:
                    result.append((begun, moment))
                previous, begun = label, moment
        result.append((begun, end))
    return result


def local_intervals(zone, grain, first_day, last_day):
    """[(start, end)] half-open UTC timestamps of the local intervals of the days first_day..last_day (inclusive).
    grain: 15, 30, 60 (minutes), 'day', 'week' (from Monday). Days of 23 and 25 hours are correct."""
    return [(iso(a), iso(b)) for a, b in _local(zone, grain, first_day, last_day)]


# ---------------------------------------------------------------------------------------------------------------------
# Forecasting CSV

FORECAST_COLUMNS = ('QueueName', 'QueueId', 'ChannelType', 'TimeStamp', 'IntervalDuration', 'IncomingContactVolume',
                    'AverageHandleTime', 'ContactsHandled')
FORECAST_METHODS = ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'CALLBACK', 'CALLBACK_CUSTOMER_FIRST_DIALED')


def _local_start(zone, interval_duration, moment):
    """Start of the local interval that contains a moment."""
    day = (EPOCH + timedelta(milliseconds=moment)).astimezone(zone).date()
    grain = 'day' if interval_duration == 'daily' else GRAINS[interval_duration]
    for start, end in _day_intervals(zone, grain, day):
        if start <= moment < end:
            return start
    raise AssertionError('no interval')


@lru_cache(maxsize=10_000)
def _day_intervals(zone, grain, day):
    return _local(zone, grain, day, day)


def forecasting_csv(records, zone, interval_duration, include_simulated=False):
    """The text of the file. interval_duration: '15mins', '30mins', or 'daily'. By arrival: enqueue, otherwise initiation."""
    if interval_duration not in ('15mins', '30mins', 'daily'):
        raise ValueError(interval_duration)
    zone, rows, names = ZoneInfo(zone), {}, {}
    for r in newest_records(records):
        arn = get(r, 'Queue', 'ARN')
        arrival = enqueue_time(r) if enq(r) else initiation_time(r)
        if (is_assistant(r) or (is_simulated(r) and not include_simulated) or queue_id(arn) is None or is_agent_queue(arn)
                or method(r) not in FORECAST_METHODS or arrival is None):
            continue
        queue = queue_id(arn)
        names.setdefault(queue, (float('-inf'), ''))
        if text(r, 'Queue', 'Name') is not None and arrival >= names[queue][0]:
            names[queue] = (arrival, r['Queue']['Name'])       # the latest name of a renamed queue
        key = (queue, text(r, 'Channel') or '', _local_start(zone, interval_duration, arrival))
        row = rows.setdefault(key, [0, 0, 0])
        row[0] += 1
        if con(r):
            row[1] += handle_time(r) or 0                      # sum of handle time / handled, including zeros
            row[2] += 1
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(FORECAST_COLUMNS)
    for (queue, channel, start), (volume, handle, handled) in sorted(rows.items()):
        writer.writerow((names[queue][1], queue, channel, iso(start), interval_duration, volume,
                         hundredths(handle, handled), handled))
    return out.getvalue()


def hundredths(milliseconds, count):
    """Seconds with two decimals, rounded half up; 0.00 if nothing was handled."""
    if not count:
        return '0.00'
    cents = (2 * milliseconds + 10 * count) // (20 * count)
    return '%d.%02d' % divmod(cents, 100)
