// The page: reads the filters and draws the sections.

const loadStart = performance.now();
const data = JSON.parse($("data").textContent);
const contacts = new Contacts(data.contacts);
const timelines = new Timelines($("days"), data.timelines);
const GRAINS = [[15, "15 minutes"], [30, "30 minutes"], [60, "hour"], ["day", "day"], ["week", "week"]];
const MOST_BARS = 1000;
/** A width that fits A4 and Letter. */
const PAPER = "680px";

let clock, isWhole = true;

/** The first and the last local day with data. */
function extent() {
  const first = Math.min(contacts.size ? contacts.ended[0] : Infinity, timelines.ends[0]);
  const last = Math.max(contacts.size ? contacts.ended[contacts.size - 1] : -Infinity, timelines.ends[1] - 1);
  return first <= last ? [clock.day(first), clock.day(last)] : null;
}

function option(value, text) {
  return element("option", { value }, text);
}

/** The browser's time zone, or UTC if the browser does not report a valid one. */
function zoneOfBrowser() {
  try {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    new Clock(timeZone);
    return timeZone;
  } catch {
    return "UTC";
  }
}

function prepare() {
  const here = zoneOfBrowser();
  const zones = [...new Set([here, "UTC", ...Intl.supportedValuesOf("timeZone")])];
  $("zone").append(...zones.map(zone => option(zone, zone === here ? `${zone} (this browser)` : zone)));
  $("grain").append(option("", "automatic"), ...GRAINS.map(([grain, name]) => option(grain, name)));
  $("channel").append(option(NOTHING, "all"), ...contacts.channels.map(([, name], place) => option(place, name)));
  const hasSimulated = contacts.flags.some(flags => flags & contacts.flag.simulated);
  $("simulated-label").hidden = !hasSimulated;
  setZone();
  wholePeriod();
  $("controls").addEventListener("submit", event => event.preventDefault());
  $("controls").addEventListener("change", event => {
    if (event.target === $("zone")) {
      setZone();
      if (isWhole) wholePeriod();
      else putDaysInOrder($("from"));
    } else if (event.target.type === "date") {
      isWhole = false;
      putDaysInOrder(event.target);
    }
    show();
  });
  $("whole").addEventListener("click", () => (wholePeriod(), show()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  addEventListener("beforeprint", () => {
    // Paper is always light.
    document.documentElement.dataset.print = "";
    document.body.style.width = PAPER;
    show();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    document.body.style.width = "";
    show();
  });
  new ResizeObserver(() => {
    if (document.body.clientWidth === shownWidth) return;
    shownWidth = document.body.clientWidth;
    show();
  }).observe(document.body);
}

let shownWidth = document.body.clientWidth;

function setZone() {
  clock = new Clock($("zone").value);
  const days = extent();
  for (const id of ["from", "to"]) [$(id).min, $(id).max] = days ?? ["", ""];
}

function wholePeriod() {
  isWhole = true;
  [$("from").value, $("to").value] = extent() ?? ["", ""];
}

/** Keeps both days within the report, and the last not before the first. The changed day takes precedence. */
function putDaysInOrder(changed) {
  for (const { id, min, max } of [$("from"), $("to")]) {
    const day = $(id).value || (id === "from" ? min : max);
    $(id).value = day < min ? min : day > max ? max : day;
  }
  if ($("to").value < $("from").value) [$("from").value, $("to").value] = [changed.value, changed.value];
}

let threshold = 20;

/** The selected filters; null without data. */
function chosen() {
  const days = extent();
  if (!days) return null;
  let [first, last] = [$("from").value, $("to").value];
  const length = (Date.parse(last) - Date.parse(first)) / DAY / 1000 + 1;
  const automatic = length < 2 ? 15 : length < 4 ? 60 : length < 62 ? "day" : "week";
  const grain = GRAINS.find(([grain]) => String(grain) === $("grain").value)?.[0] ?? automatic;
  // Weeks are whole, as in the queries.
  if (grain === "week") [first, last] = [monday(first), later(monday(last), 6)];
  const from = clock.startOfDay(first), until = clock.startOfDay(later(last, 1));
  if ($("threshold").value && $("threshold").checkValidity()) threshold = Number($("threshold").value);
  else $("threshold").value = threshold;
  const channel = Number($("channel").value), simulated = $("simulated").checked;
  const parts = [
    first === last ? first : `${first} to ${last}`, grain === "week" ? "whole weeks" : null, clock.zone,
    channel === NOTHING ? null : `${contacts.channels[channel][1]} only`, simulated ? "with simulated contacts" : null,
  ];
  const about = parts.filter(Boolean).join(", ");
  const file = [first, first === last ? null : last, channel === NOTHING ? null : contacts.channels[channel][1]].filter(Boolean).join("-").replace(/[^\w-]/g, "_");
  return { about, file, first, last, from, until, grain, channel, simulated, threshold };
}

/** Every interval from the first to the last with a contact, including empty ones in between. */
function intervals(byInterval, grain) {
  const starts = [...byInterval.keys()].sort((one, other) => one - other);
  if (!starts.length) return [];
  const all = [];
  for (let start = starts[0]; start <= starts[starts.length - 1] && all.length <= MOST_BARS; start = clock.next(start, grain)) all.push(start);
  return all;
}

function show() {
  const choice = chosen();
  if (!choice) {
    $("period").textContent = "This run has no ended contacts and no agent activity.";
    for (const id of ["contacts", "level", "handle", "queues", "agents", "days"]) $(id).replaceChildren(element("p", { class: "note" }, "No data."));
    showTotals(new Sums(), 20);
    return;
  }
  const all = count(contacts, choice, clock);
  $("period").textContent = `${choice.about}: ${counted(all.total.ended, "contact", "contacts")} ended.`;
  showTotals(all.total, choice.threshold);
  showIntervals(all, choice);
  showHandleTime(all.byMinute, choice.about);
  showQueues(all.byQueue, choice);
  showAgents(all.byAgent, choice);
  timelines.show(clock, choice.from, choice.until);
}

function showTotals(total, threshold) {
  const names = ["contacts_ended", "contacts_queued", "contacts_handled", "contacts_abandoned", "service_level", "abandonment_rate",
    "avg_queue_answer_time", "max_queued_time", "avg_abandon_time", "avg_handle_time"];
  $("totals").replaceChildren(...names.map(name => {
    const [title, unit, of] = METRICS[name];
    return element("div", {}, element("dt", {}, title.replace(" X", ` ${threshold}`)), element("dd", { "data-metric": name, "data-value": of(total) ?? "" }, shown(of(total), unit)));
  }));
}

function showIntervals({ byInterval }, { grain, threshold, about }) {
  const starts = intervals(byInterval, grain);
  if (starts.length > MOST_BARS) {
    for (const id of ["contacts", "level"]) $(id).replaceChildren(element("p", { class: "note" }, `More than ${whole.format(MOST_BARS)} intervals. Choose a longer interval.`));
    return;
  }
  const at = start => byInterval.get(start), values = of => starts.map(start => (at(start) ? of(at(start)) : null));
  const local = starts.map(start => clock.local(start)), isTime = typeof grain === "number";
  // A repeated hour needs the UTC offset in its label.
  const hasOffsetChange = new Set(starts.map(start => clock.offset(start))).size > 1;
  const labels = local.map((text, bar) => (isTime ? text.slice(0, 16).replace("T", " ") + (hasOffsetChange ? clock.offsetText(starts[bar]) : "") : text.slice(0, 10)));
  const days = new Set(local.map(text => text.slice(0, 10))).size;
  const ticks = local.map((text, bar) => {
    if (!isTime) return text.slice(5, 10);
    if (days === 1) return text.slice(14, 16) === "00" ? text.slice(11, 16) : null;
    // With several days, the first bar of each day has the date.
    return bar === 0 || text.slice(0, 10) !== local[bar - 1].slice(0, 10) ? text.slice(5, 10) : null;
  });
  // A period without a full hour still needs one label.
  if (ticks.length && ticks.every(tick => tick === null)) ticks[0] = local[0].slice(11, 16);
  const each = GRAINS.find(([one]) => one === grain)[1], zero = value => value ?? 0;
  bars($("contacts"), {
    alt: `Contacts by outcome, per ${each}, ${about}`,
    labels, ticks, format: value => whole.format(value), unit: "count",
    parts: [
      { name: "handled", title: "Handled", values: values(sums => sums.handled).map(zero) },
      { name: "abandoned", title: "Abandoned", values: values(sums => sums.abandoned).map(zero) },
      { name: "other", title: "Neither (left before the queue, called back, closed)", values: values(sums => sums.other).map(zero) },
    ],
  });
  $("level-note").textContent = `Share of queued contacts that left the queue in less than ${threshold} seconds, as Amazon Connect defines it. Contacts abandoned within that time also count.`;
  bars($("level"), {
    alt: `Service level ${threshold}, per ${each}, ${about}`,
    labels, ticks, top: 1, format: value => shown(value, "share"), axisFormat: value => `${value * 100} %`, unit: "share",
    parts: [{ name: "level", title: `Service level ${threshold}`, values: values(METRICS.service_level[2]) }],
  });
}

function showHandleTime(byMinute, about) {
  const last = byMinute.findLastIndex(number => number > 0);
  const values = byMinute.slice(0, last + 1), labels = [], ticks = [];
  for (const minute of values.keys()) {
    const isLast = minute === LAST_MINUTE;
    labels.push(isLast ? `${minute} minutes or more` : `${minute} to ${minute + 1} minutes`);
    ticks.push(isLast ? `${minute}+` : String(minute));
  }
  bars($("handle"), {
    alt: `Contacts handled by minutes of handle time, ${about}`,
    labels, ticks, format: value => whole.format(value), unit: "count",
    parts: [{ name: "handled", title: last === LAST_MINUTE ? `Contacts handled (the last bar is ${LAST_MINUTE} minutes or more)` : "Contacts handled", values }],
  });
}

/** A table of metrics per queue or agent, by name. */
function metricsTable(map, names, head, identity, file, caption, threshold) {
  const columns = [...head, ...names.map(name => ({ name, title: METRICS[name][0].replace(" X", ` ${threshold}`), unit: METRICS[name][1], isOfQueries: true }))];
  // Contacts without a queue or an agent are last.
  const named = [...map].map(([place, sums]) => [place === NOTHING, [...identity(place), ...names.map(name => METRICS[name][2](sums))]]);
  named.sort(([isNone, one], [isNoneToo, other]) => isNone - isNoneToo || one[0].localeCompare(other[0]));
  const rows = named.map(([, row]) => row);
  return table({ caption, columns, rows, file, empty: "No contacts in this period." });
}

const isOneInstance = new Set([...contacts.queues, ...contacts.agents].map(([key]) => key[0])).size < 2;
const instance = isOneInstance ? [] : [{ name: "instance_id", title: "Instance" }];

function showQueues(byQueue, { about, file, threshold }) {
  const names = ["contacts_ended", "contacts_queued", "contacts_handled", "contacts_abandoned", "abandonment_rate", "service_level", "avg_queue_answer_time",
    "max_queued_time", "avg_handle_time", "avg_after_contact_work_time"];
  const identity = place => {
    if (place === NOTHING) return ["(no queue)", "", ...(isOneInstance ? [] : [""])];
    const [[of, id, isAgents], name] = contacts.queues[place];
    return [name || (isAgents ? `agent ${id}` : id), id, ...(isOneInstance ? [] : [of])];
  };
  const head = [{ name: "queue_name", title: "Queue", isOfQueries: true }, { name: "queue_id", title: "Queue ID", isHidden: true }, ...instance];
  $("queues").replaceChildren(metricsTable(byQueue, names, head, identity, `queues-${file}`, `Queues, ${about}`, threshold));
}

function showAgents(byAgent, { about, file }) {
  const names = ["contacts_handled", "avg_handle_time", "avg_interaction_time", "avg_hold_time", "avg_after_contact_work_time", "contacts_put_on_hold",
    "contacts_transferred_out_by_agent"];
  const identity = place => {
    if (place === NOTHING) return ["(no agent)", "", ...(isOneInstance ? [] : [""])];
    const [[of, id], name] = contacts.agents[place];
    return [name || id, id, ...(isOneInstance ? [] : [of])];
  };
  const head = [{ name: "agent_username", title: "Agent", isOfQueries: true }, { name: "agent_id", title: "Agent ID", isHidden: true }, ...instance];
  $("agents").replaceChildren(metricsTable(byAgent, names, head, identity, `agents-${file}`, `Agents, contacts handled, ${about}`));
}

/** Draws the sections that do not depend on the period. */
function showRun() {
  const { summary, failures, differences } = data, { outcomes } = summary.agent_events;
  const isWell = summary.as_expected;
  $("origin").textContent = data.is_synthetic ? "Synthetic data; no real people." : "Built from the records passed to contact-ledger demo.";
  $("verdict").textContent = data.verdict;
  $("verdict").classList.toggle("warn", !isWell);

  const text = (name, title) => ({ name, title, unit: "text" }), long = (name, title) => ({ ...text(name, title), isLong: true });
  const number = { name: "records", title: "Records", unit: "count" };
  const reasons = table({
    caption: "By reason", rows: failures.reasons, file: "failures-by-reason", empty: "No failed or rejected records.",
    columns: [text("stream", "Stream"), text("reason", "Reason"), text("path", "Path"), number],
  });
  const all = failures.reasons.reduce((sum, reason) => sum + reason[3], 0), first = failures.named.length;
  const one = failures.named.length && table({
    caption: first < all ? `Individual records: the first ${whole.format(first)} of ${whole.format(all)}` : "Individual records", rows: failures.named, file: "failures", empty: "",
    columns: [text("stream", "Stream"), text("reason", "Reason"), text("path", "Path"), long("message", "Cause"), long("place", "Location under lake/")],
  });
  const own = summary.own_failures && table({
    caption: `Your own records: the first ${whole.format(summary.own_failures.first.length)} of ${whole.format(summary.own_failures.records)}`, file: "own-failures", empty: "",
    columns: [long("file", "File"), { name: "line", title: "Line", unit: "count" }, text("reason", "Reason"), text("path", "Path"), long("message", "Cause")],
    rows: summary.own_failures.first.map(({ file, line, reason, path, message }) => [file, line, reason, path, message]),
  });
  const singly = [own, one].filter(Boolean);
  $("failures").replaceChildren(reasons, element("div", { class: "screen" }, ...singly));

  const records = summary.contact_records, inFlight = summary.contact_events, ofContacts = inFlight.outcomes;
  $("outcomes").replaceChildren(table({
    caption: `${counted(records.in, "contact record", "contact records")}, ${counted(summary.agent_events.in, "agent event", "agent events")}, and ${counted(inFlight.in, "contact event", "contact events")} received`, file: "outcomes", empty: "",
    columns: [text("outcome", "Outcome"), text("of", "Kind"), number, text("meaning", "Meaning")],
    rows: [
      ["row", "contact records", records.rows, "in the lake"],
      ["failed", "contact records", records.failed, "original bytes stored"],
      ["dropped", "contact records", records.dropped, "known record type that is not a contact record"],
      ["applied", "agent events", outcomes.applied, "new; the agent's state was updated"],
      ["duplicate", "agent events", outcomes.duplicate, "already processed; no change"],
      ["stale", "agent events", outcomes.stale, "older than the stored state; state unchanged"],
      ["skipped", "agent events", outcomes.skipped, "known record type that changes no table"],
      ["rejected", "agent events", outcomes.rejected, "stored with the reason"],
      ["retried", "agent events", outcomes.retried, "retried; also counted above"],
      ["discarded", "agent events", summary.agent_events.given_up, "retries exhausted; kept under aws/lambda/"],
      ["applied", "contact events", ofContacts.applied, "new; the contact's state was updated"],
      ["duplicate", "contact events", ofContacts.duplicate, "already processed; no change"],
      ["stale", "contact events", ofContacts.stale, "newer events contain all of it; no change"],
      ["too old", "contact events", ofContacts.too_old, "older than ended contacts are kept; no change"],
      ["skipped", "contact events", ofContacts.skipped, "of another instance, or another kind of event"],
      ["rejected", "contact events", ofContacts.rejected, "stored with the reason"],
      ["retried", "contact events", ofContacts.retried, "retried; also counted above"],
      ["agents", "tables", summary.agent_events.agents, "in AgentState"],
      ["history entries", "tables", summary.agent_events.history_entries, "in AgentHistory"],
      ["contacts", "tables", inFlight.contacts, "in ContactState"],
      ["contacts in flight", "tables", inFlight.in_flight, "without an end: not ended yet, or the end was lost"],
    ],
  }));

  const several = (count, what) => `${whole.format(count)} ${what}`;
  $("promises").replaceChildren(table({
    caption: "Guarantees", empty: "",
    columns: [text("case", "Case"), text("contact records", "Contact records"), text("agent events", "Agent events"), text("contact events", "Contact events")],
    rows: [
      ["same record delivered again", several(data.redelivered_rows, "redelivered rows, with the same hash"), several(outcomes.duplicate, "duplicate events"), several(ofContacts.duplicate, "duplicate events")],
      ["newer version of a contact", several(data.newer_versions, "newer rows, each in its contact's partition"), "–", "–"],
      ["older arrives after newer", "the row with the highest version stays the newest", several(outcomes.stale, "stale events"), several(ofContacts.stale, "stale events")],
      ["malformed, truncated, wrong kind", `${several(records.failed, "kept by Firehose")}, ${several(records.dropped, "dropped")}`, `${several(outcomes.rejected, "rejected and kept")}, ${several(outcomes.skipped, "skipped")}`, `${several(ofContacts.rejected, "rejected and kept")}, ${several(ofContacts.skipped, "skipped")}`],
      ["failed records are kept", several(data.bytes_kept, "bytes kept under errors/ and rejected/"), several(summary.agent_events.given_up, "records discarded"), "messages that fail five times go to a dead-letter queue"],
      ["events that never arrive", "–", "–", `${several(inFlight.in_flight, "contacts without an end")}; each is unconfirmed in time`],
      ["throttling, lost responses, crashes, denied access", "–", data.is_chaos ? `${several(outcomes.retried, "events retried")}, ${several(summary.agent_events.given_up, "discarded")}` : "no faults were injected in this run; try --chaos 1", data.is_chaos ? several(ofContacts.retried, "events retried") : "–"],
      ["every record counts exactly once", `${several(differences.rows, "rows")} and ${several(differences.failures, "failures")} differ from the records sent`, `${several(differences.agents, "agents")} and ${several(differences.history, "entries")} differ from the state computed from the events`, `${several(differences.contacts, "contacts")} differ from the state computed from the events`],
    ],
  }));

  const faults = Object.entries(summary.injected_faults ?? {}).flatMap(([part, kinds]) => Object.entries(kinds).map(([kind, times]) => [part, kind, times]));
  $("faults").replaceChildren(table({
    caption: "By part and kind", rows: faults, file: "faults", empty: "No faults were injected in this run; contact-ledger demo --chaos 1 injects some.",
    columns: [text("part", "Part"), text("kind", "Kind"), { name: "times", title: "Times", unit: "count" }],
  }));
}

prepare();
show();
showRun();
document.body.dataset.drawn = String(Math.round(performance.now() - loadStart));
