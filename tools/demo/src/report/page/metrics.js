"use strict";
// Amazon Connect's contact metrics, computed from columns of `contact_metrics`. A contact counts at its end time.

const NOTHING = -1;

/** Contacts, stored as columns. */
class Contacts {
  constructor(data) {
    Object.assign(this, data);
    this.size = data.ended.length;
    let at = data.begin;
    this.ended = Float64Array.from(data.ended, step => (at += step));
  }

  has(contact, flag) {
    return (this.flags[contact] & this.flag[flag]) !== 0;
  }
}

/** The sum, count and maximum of values. */
class Sum {
  sum = 0;
  count = 0;
  most = null;

  add(value) {
    if (value === NOTHING) return;
    this.sum += value;
    this.count += 1;
    this.most = Math.max(this.most ?? value, value);
  }

  get average() {
    return this.count ? this.sum / this.count : null;
  }
}

/** Sums over contacts. */
class Sums {
  ended = 0; queued = 0; handled = 0; abandoned = 0; inTime = 0; transferred = 0; held = 0;
  queueAnswerTime = new Sum(); abandonTime = new Sum(); queuedTime = new Sum();
  handleTime = new Sum(); interactionTime = new Sum(); holdTime = new Sum(); afterContactWorkTime = new Sum();

  add(all, contact, threshold) {
    const queued = all.has(contact, "queued"), handled = all.has(contact, "handled"), abandoned = all.has(contact, "abandoned");
    const waited = all.queued_time[contact];
    this.ended += 1;
    this.queued += queued;
    this.handled += handled;
    this.abandoned += abandoned;
    this.transferred += all.has(contact, "transferred_out_by_agent");
    this.held += all.has(contact, "put_on_hold");
    // Counts however the contact left the queue.
    this.inTime += waited !== NOTHING && waited < threshold;
    this.queuedTime.add(waited);
    if (handled && queued) this.queueAnswerTime.add(waited);
    if (abandoned) this.abandonTime.add(waited);
    this.handleTime.add(all.handle_time[contact]);
    this.interactionTime.add(all.interaction_time[contact]);
    this.holdTime.add(all.hold_time[contact]);
    this.afterContactWorkTime.add(all.after_contact_work_time[contact]);
  }

  /** Contacts neither handled nor abandoned: left before the queue, called back, closed. */
  get other() {
    return this.ended - this.handled - this.abandoned;
  }
}

const share = (part, whole) => (whole ? part / whole : null);
/** By column name in the named queries: Amazon Connect's name, the unit, the value. */
const METRICS = {
  contacts_ended: ["Contacts ended", "count", sums => sums.ended],
  contacts_queued: ["Contacts queued", "count", sums => sums.queued],
  contacts_handled: ["Contacts handled", "count", sums => sums.handled],
  contacts_abandoned: ["Contacts abandoned", "count", sums => sums.abandoned],
  abandonment_rate: ["Abandonment rate", "share", sums => share(sums.abandoned, sums.queued)],
  contacts_removed_from_queue_in_x: ["Contacts removed from queue in X", "count", sums => sums.inTime],
  service_level: ["Service level X", "share", sums => share(sums.inTime, sums.queued)],
  avg_queue_answer_time: ["Average queue answer time", "seconds", sums => sums.queueAnswerTime.average],
  max_queued_time: ["Maximum queued time", "seconds", sums => sums.queuedTime.most],
  avg_abandon_time: ["Average queue abandon time", "seconds", sums => sums.abandonTime.average],
  avg_handle_time: ["Average handle time", "seconds", sums => sums.handleTime.average],
  avg_interaction_time: ["Average agent interaction time", "seconds", sums => sums.interactionTime.average],
  avg_hold_time: ["Average customer hold time", "seconds", sums => sums.holdTime.average],
  avg_after_contact_work_time: ["Average after contact work time", "seconds", sums => sums.afterContactWorkTime.average],
  contacts_put_on_hold: ["Contacts put on hold", "count", sums => sums.held],
  contacts_transferred_out_by_agent: ["Contacts transferred out by agent", "count", sums => sums.transferred],
};

const QUARTER = 900, DAY = 86400;
/** Longer handle times count in the same bar. */
const LAST_MINUTE = 20;

/** The clock of a time zone. Offsets from UTC are multiples of 15 minutes at any time that matters here. */
class Clock {
  constructor(zone) {
    this.zone = zone;
    this.offsets = new Map();
    const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    this.format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...parts });
  }

  offset(second) {
    const quarter = Math.floor(second / QUARTER);
    let offset = this.offsets.get(quarter);
    if (offset === undefined) {
      const at = {};
      for (const { type, value } of this.format.formatToParts(quarter * QUARTER * 1000)) at[type] = Number(value);
      // `Date.UTC` maps years below 100 to 1900 and later.
      const local = new Date(Date.UTC(2000, at.month - 1, at.day, at.hour, at.minute, at.second)).setUTCFullYear(at.year);
      offset = local / 1000 - quarter * QUARTER;
      this.offsets.set(quarter, offset);
    }
    return offset;
  }

  /** The local time in ISO 8601, marked as UTC. */
  local(second) {
    return new Date((second + this.offset(second)) * 1000).toISOString();
  }

  day(second) {
    return this.local(second).slice(0, 10);
  }

  time(second) {
    return this.local(second).slice(11, 19);
  }

  offsetText(second) {
    const offset = this.offset(second), two = number => String(Math.floor(number)).padStart(2, "0");
    return ` ${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 3600)}:${two((Math.abs(offset) / 60) % 60)}`;
  }

  /** The instant at which a local day starts. */
  startOfDay(day) {
    const naive = Date.parse(`${day}T00:00:00Z`) / 1000;
    let start = naive - this.offset(naive);
    start = naive - this.offset(start);
    // If midnight does not exist, the day starts later.
    while (this.day(start) < day) start += QUARTER;
    return start;
  }

  /** The start of the interval that contains an instant. A repeated hour is two intervals. */
  start(second, grain) {
    if (typeof grain === "number") {
      const local = second + this.offset(second), length = grain * 60;
      return second - (local - Math.floor(local / length) * length);
    }
    return this.startOfDay(grain === "week" ? monday(this.day(second)) : this.day(second));
  }

  /** The start of the next interval. */
  next(start, grain) {
    if (typeof grain === "number") return this.start(start + grain * 60, grain);
    return this.startOfDay(later(this.day(start), grain === "week" ? 7 : 1));
  }
}

function later(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY * 1000).toISOString().slice(0, 10);
}

function monday(day) {
  return later(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** The selected contacts, counted in total, by interval, by queue, by agent and by minutes of handle time. */
function count(contacts, { from, until, channel, simulated, threshold, grain }, clock) {
  const total = new Sums(), byInterval = new Map(), byQueue = new Map(), byAgent = new Map();
  const byMinute = new Array(LAST_MINUTE + 1).fill(0);
  const starts = new Map();
  const at = (map, key) => map.get(key) ?? map.set(key, new Sums()).get(key);
  for (let contact = 0; contact < contacts.size; contact++) {
    const ended = contacts.ended[contact];
    if (ended < from || ended >= until) continue;
    if (channel !== NOTHING && contacts.channel[contact] !== channel) continue;
    if (!simulated && contacts.has(contact, "simulated")) continue;
    const quarter = Math.floor(ended / QUARTER);
    let start = starts.get(quarter);
    if (start === undefined) starts.set(quarter, (start = clock.start(quarter * QUARTER, grain)));
    const counted = [total, at(byInterval, start), at(byQueue, contacts.queue[contact])];
    // An agent's metrics count only contacts that the agent handled.
    if (contacts.has(contact, "handled")) counted.push(at(byAgent, contacts.agent[contact]));
    for (const sums of counted) sums.add(contacts, contact, threshold);
    const handled = contacts.has(contact, "handled") ? contacts.handle_time[contact] : NOTHING;
    if (handled !== NOTHING) byMinute[Math.min(Math.floor(handled / 60), LAST_MINUTE)] += 1;
  }
  return { total, byInterval, byQueue, byAgent, byMinute };
}
