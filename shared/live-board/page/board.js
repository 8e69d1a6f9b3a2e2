// The page: joins the document, the reader's choices, and the tables.

import { Choices, THRESHOLDS } from "./choices.js";
import { Feed, OLD } from "./feed.js";
import { clock, counted, duration, element, words } from "./format.js";
import { Table } from "./table.js";

/** A wall shows the next part of the page after this time. */
const WALL_SECONDS = 12;
const ACTIVITIES = [
  "error", "missed", "rejected", "on_contact", "after_contact_work", "incoming", "custom", "available", "offline", "unknown",
];
/** Contacts of an agent that a row shows, and that the details show. Nobody has as many. */
const ON_A_LINE = 12;
const IN_DETAILS = 200;
const SIGNS = ["", "▲", "‼"];
const FIGURES = [
  ["contacts_in_queue", "In queue", "contacts that wait and have not been offered to an agent"],
  ["oldest_contact_since", "Oldest", "how long the contact that waits longest has waited"],
  ["contacts_in_conversation", "In conversation", "contacts connected to an agent, on hold, or paused"],
  ["agents_after_contact_work", "After-contact work", "contacts that have ended and whose agent does after-contact work"],
  ["agents_staffed", "Staffed", "agents in Available or another routable status, on a contact or not"],
  ["agents_available", "Available", "agents who can get a contact now: staffed, and without any contact"],
  ["agents_on_contact", "On contact", "agents with a contact, also on hold, dialed, or in after-contact work"],
  ["agents_non_productive", "Non-productive", "agents in a custom status, such as a break"],
  ["agents_error", "Error", "agents with a missed or rejected contact, or one in error"],
  ["contacts_scheduled", "Scheduled", "contacts that are to start later"],
  ["contacts_unconfirmed", "Unconfirmed", "contacts whose last event was probably lost; they count in no other figure"],
  ["ghosts", "Ghosts", "agents who are logged in, but of whom no event arrives any more; they count in no other figure"],
];
const HINTS = Object.fromEntries(FIGURES.map(([key, , hint]) => [key, hint]));
// Without a value, these are left out.
const OPTIONAL = new Set(["agents_error", "contacts_scheduled", "contacts_unconfirmed", "ghosts"]);

const $ = (id) => document.getElementById(id);
const choices = new Choices();
const memo = new WeakMap();

/** Sets the text of an element, if it changed: unchanged cells cost nothing. */
function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A time that passes, with its threshold as color and sign. */
function passing(cell, since, now, threshold) {
  const milliseconds = since === undefined ? undefined : now - Date.parse(since);
  const level = threshold && milliseconds !== undefined ? choices.level(threshold, milliseconds) : 0;
  say(cell, milliseconds === undefined ? "–" : `${SIGNS[level]}${level ? " " : ""}${duration(milliseconds)}`);
  cell.classList.toggle("warn", level === 1);
  cell.classList.toggle("alarm", level === 2);
  cell.title = level ? `above ${choices.threshold(threshold)[level - 1]} s` : "";
}

function thresholdOf(agent) {
  if (agent.activity === "after_contact_work") return "work";
  if (agent.activity !== "on_contact") return undefined;
  return isOnHold(agent) ? "hold" : "contact";
}

/** When the activity began; of an agent with a contact on hold, when the hold began: beside a chat of an hour, a call may be
 * on hold for a second. */
function shownSince(agent) {
  if (agent.activity !== "on_contact" || !isOnHold(agent)) return agent.since;
  const times = agent.contacts.filter((contact) => contact.state === "on_hold").map((contact) => contact.since);
  return times.filter(Boolean).sort()[0];
}

function isOnHold(agent) {
  return agent.contacts.some((contact) => contact.state === "on_hold");
}

function mark(agent) {
  if (agent.silence === "ghost") return "Ghost, was ";
  return agent.silence === "stale" ? "Stale, " : "";
}

function contactText(contact) {
  // A connected contact is what is expected.
  const state = contact.state === "connected" ? "" : words(contact.state).toLowerCase();
  return [words(contact.channel?.toLowerCase()), state, contact.queue ?? contact.queue_id].filter(Boolean).join(", ");
}

/** As on Amazon Connect's page, a custom status has its own name. */
function activityOf(agent) {
  if (agent.activity === "custom" && agent.status) return agent.status;
  return agent.activity === "on_contact" && isOnHold(agent) ? "On contact, hold" : words(agent.activity);
}

/** The agent's contacts on one line; times tick. */
function drawContacts(cell, agent, now) {
  const shown = agent.contacts.slice(0, ON_A_LINE).map((contact) => {
    const since = contact.since ? ` ${duration(now - Date.parse(contact.since))}` : "";
    return `${contactText(contact)}${since}`;
  });
  const others = agent.contacts.length - shown.length;
  if (others > 0) shown.push(`${others} more`);
  say(cell, (agent.contacts_doubtful ? "Doubtful: " : "") + shown.join(" · "));
}

const agentColumns = [
  { key: "name", title: "Agent", order: (agent) => lower(agent), draw: (cell, agent) => say(cell, visible(agent.name) ?? agent.agent_id) },
  {
    key: "activity", title: "Activity", order: (agent) => ACTIVITIES.indexOf(agent.activity),
    draw: (cell, agent) => {
      say(cell, `${mark(agent)}${activityOf(agent)}`);
      cell.parentElement.dataset.activity = agent.activity;
      cell.parentElement.dataset.silence = agent.silence ?? "";
    },
  },
  {
    key: "since", title: "For", number: true, order: (agent) => lasting(shownSince(agent)),
    hint: "how long the agent has been in this activity; with a contact on hold, how long it has been on hold",
    draw: (cell, agent, now) => {
      passing(cell, shownSince(agent), now, agent.silence === "ghost" ? undefined : thresholdOf(agent));
      // The events do not say when the last contact ended, only when the status began.
      if (agent.activity === "available" && agent.since) {
        say(cell, `≤ ${cell.textContent}`);
        cell.title = "The status began then; the last contact may have ended later.";
      }
    },
  },
  {
    key: "status", title: "Status", order: (agent) => agent.status,
    draw: (cell, agent, now) => {
      const since = agent.next_status_since ? ` (${duration(now - Date.parse(agent.next_status_since))})` : "";
      const next = agent.next_status ? `, then ${agent.next_status}${since}` : "";
      say(cell, `${agent.session === "out" ? "Logged out" : agent.status ?? ""}${next}`);
    },
  },
  { key: "contacts", title: "Contacts", order: (agent) => -agent.contacts.length, hint: "those with most contacts first", draw: drawContacts },
  {
    key: "profile", title: "Routing profile", order: (agent) => agent.routing_profile,
    draw: (cell, agent) => say(cell, agent.routing_profile ?? ""),
  },
  {
    key: "hierarchy", title: "Hierarchy", order: (agent) => pathOf(agent),
    draw: (cell, agent) => say(cell, pathOf(agent) ?? ""),
  },
  {
    key: "heard", title: "Last event", number: true, order: (agent) => lasting(heard(agent)),
    hint: "the last event that told status and contacts; heartbeats arrive every two minutes",
    draw: (cell, agent, now) => say(cell, heard(agent) ? `${duration(now - Date.parse(heard(agent)))} ago` : ""),
  },
];

/** The last event that told status and contacts: how old what the row shows is. */
function heard(agent) {
  return agent.snapshot_at ?? agent.last_event;
}

/** Times as how long they have lasted, for sorting. */
function lasting(since) {
  return since === undefined ? undefined : -Date.parse(since);
}

const number = (key, title) => ({
  key, title, number: true, hint: HINTS[key],
  order: (queue) => queue[key],
  draw: (cell, queue) => say(cell, queue[key] === undefined ? "" : queue[key].toLocaleString("en-US")),
});

const queueColumns = [
  {
    key: "name", title: "Queue", order: (queue) => placeOf(queue) + nameOf(queue).toLowerCase(),
    draw: (cell, queue) => say(cell, queue.agent_queue ? `${nameOf(queue)} (own queue)` : nameOf(queue)),
  },
  number("contacts_in_queue", "In queue"),
  {
    key: "oldest", title: "Oldest", number: true, order: (queue) => lasting(queue.oldest_contact_since),
    hint: HINTS.oldest_contact_since,
    draw: (cell, queue, now) => passing(cell, queue.oldest_contact_since, now, "waiting"),
  },
  number("contacts_in_conversation", "In conversation"),
  number("agents_after_contact_work", "After-contact work"),
  number("agents_staffed", "Staffed"),
  number("agents_available", "Available"),
  number("agents_on_contact", "On contact"),
];

function nameOf(queue) {
  return visible(queue.name) ?? queue.queue_id ?? "(no queue)";
}

/** A name, unless it is nothing but spaces. */
function visible(name) {
  return name?.trim() ? name : undefined;
}

/** Agents' own queues, and contacts without a queue, come last. */
function placeOf(queue) {
  if (queue.queue_id === undefined) return "\uffff";
  return queue.agent_queue ? "\uffff\uffff" : "";
}

function pathOf(agent) {
  return agent.hierarchy?.join(" / ");
}

function lower(agent) {
  return cached(agent, "lower", () => agent.name.toLowerCase());
}

/** A value computed once per row of a document. */
function cached(row, name, make) {
  let values = memo.get(row);
  if (!values) memo.set(row, (values = {}));
  return (values[name] ??= make());
}

const contactColumns = [
  { key: "contact", title: "Contact", order: (contact) => contact.contact_id, draw: (cell, contact) => say(cell, contact.contact_id) },
  {
    key: "channel", title: "Channel", order: (contact) => contact.channel,
    draw: (cell, contact) => say(cell, words(contact.channel?.toLowerCase())),
  },
  {
    key: "state", title: "State", order: (contact) => stateOf(contact),
    draw: (cell, contact) => {
      say(cell, stateOf(contact));
      cell.parentElement.dataset.silence = contact.unconfirmed ? "ghost" : "";
    },
  },
  {
    key: "since", title: "For", number: true, order: (contact) => lasting(contact.since), hint: "how long the contact has been in this state",
    draw: (cell, contact, now) => passing(cell, contact.since, now, contact.state === "queued" && !contact.unconfirmed ? "waiting" : undefined),
  },
  {
    key: "queue", title: "Queue", order: (contact) => contact.queue ?? contact.queue_id,
    draw: (cell, contact) => say(cell, contact.queue ?? contact.queue_id ?? ""),
  },
  {
    key: "agent", title: "Agent", order: (contact) => contact.agent ?? contact.agent_id,
    draw: (cell, contact) => say(cell, contact.agent ?? contact.agent_id ?? ""),
  },
  {
    key: "age", title: "Age", number: true, order: (contact) => lasting(contact.initiated), hint: "how long ago the contact began",
    draw: (cell, contact, now) => passing(cell, contact.initiated, now),
  },
];

function stateOf(contact) {
  const mark = contact.unconfirmed ? " (unconfirmed)" : contact.simulated ? " (simulated)" : "";
  return words(contact.state) + mark;
}

const agentTable = new Table($("agent-table"), {
  label: "Agents", columns: agentColumns, keyOf: (agent) => agent.agent_id, open: openAgent,
  sorted: () => choices.get("agents"), sort: (order) => choose("agents", order),
});
const queueTable = new Table($("queue-table"), {
  label: "Queues", columns: queueColumns, keyOf: (queue) => queue.queue_id ?? "",
  open: (queue) => queue.queue_id && choose("queue", choices.get("queue") === queue.queue_id ? "" : queue.queue_id),
  sorted: () => choices.get("queues"), sort: (order) => choose("queues", order),
});

const contactTable = new Table($("contact-table"), {
  label: "Contacts", columns: contactColumns, keyOf: (contact) => contact.contact_id,
  sorted: () => choices.get("contacts"), sort: (order) => choose("contacts", order),
});

/** Which queues an agent can get contacts from, by routing profile and Region. */
let queuesOf = new Map();
let opened = null;

function isWanted(agent) {
  const [queue, profile, hierarchy, activity] = ["queue", "profile", "hierarchy", "activity"].map((name) => choices.get(name));
  if (queue) {
    const has = queuesOf.get(`${agent.routing_profile_id}#${agent.region}`)?.has(queue) || agent.agent_id === queue;
    if (!has && !agent.contacts.some((contact) => contact.queue_id === queue)) return false;
  }
  if (profile && agent.routing_profile_id !== profile) return false;
  const path = pathOf(agent) ?? "";
  if (hierarchy && path !== hierarchy && !path.startsWith(`${hierarchy} / `)) return false;
  if (activity && !isIn(agent, activity)) return false;
  const text = choices.get("search").trim().toLowerCase();
  if (!text) return true;
  const searched = cached(agent, "searched", () => {
    const contacts = agent.contacts.flatMap((contact) => [contact.contact_id, contact.queue, contact.channel, words(contact.state)]);
    const all = [agent.name, agent.username, agent.agent_id, agent.status, agent.routing_profile, pathOf(agent), ...contacts];
    return all.filter(Boolean).join("\n").toLowerCase();
  });
  return searched.includes(text);
}

/** Whether an agent has an activity, is a ghost, or has a contact on hold. */
function isIn(agent, activity) {
  if (activity === "ghost") return agent.silence === "ghost";
  return activity === "on_hold" ? isOnHold(agent) : agent.activity === activity;
}

function wantedContacts(board) {
  const queue = choices.get("queue");
  const text = choices.get("search").trim().toLowerCase();
  const has = (contact) =>
    [contact.contact_id, contact.channel, words(contact.state), contact.queue, contact.queue_id, contact.agent, contact.agent_id]
      .some((value) => value?.toLowerCase().includes(text));
  return (board.contacts ?? []).filter((contact) => (!queue || contact.queue_id === queue) && (!text || has(contact)));
}

function wantedQueues(board) {
  const profile = choices.get("profile");
  const ids = board.routing_profiles.filter((one) => one.routing_profile_id === profile).flatMap((one) => one.queues);
  const queue = choices.get("queue");
  return board.queues.filter((one) => (!queue || one.queue_id === queue) && (!profile || ids.includes(one.queue_id)));
}

/** Shows the document with the reader's choices. */
function render() {
  const { board } = feed;
  if (!board) return;
  const now = feed.now();
  const agents = choices.isFiltered() ? board.agents.filter(isWanted) : board.agents;
  const queues = wantedQueues(board);
  agentTable.show(agents, now);
  queueTable.show(queues, now);
  const contacts = wantedContacts(board);
  contactTable.show(contacts, now);
  say($("contacts-title"), counted(contacts.length, "contact in flight", "contacts in flight"));
  say($("agents-title"), agents.length === board.agents.length ? counted(agents.length, "agent", "agents") : `${agents.length.toLocaleString("en-US")} of ${counted(board.agents.length, "agent", "agents")}`);
  say($("queues-title"), counted(queues.length, "queue", "queues"));
  notes(board, agents, queues);
  drawFigures(board, now);
  if (opened) drawAgent();
}

function note(place, text) {
  place.hidden = !text;
  say(place, text);
}

const NO_CONTACT_EVENTS =
  "What waits is not known: the stack does not process contact events. Deploy it with ContactEvents=true to see contacts in queue.";

function notes(board, agents, queues) {
  let text = "";
  if (board.agents.length === 0) {
    const others = board.agents_not_listed;
    text = "Nobody is logged in.";
    if (others) text += ` ${counted(others, "agent is", "agents are")} logged out, or silent for more than a day.`;
    else text += " No agent event has arrived yet; run contact-ledger doctor if there should be agents.";
  } else if (agents.length === 0) {
    text = "No agent matches the filters.";
  }
  note($("agents-note"), text);
  const none = queues.length === 0 && choices.isFiltered() ? "No queue matches the filters." : "";
  note($("queues-note"), board.contact_events ? none : NO_CONTACT_EVENTS);
  note($("contacts-note"), board.contact_events ? "" : NO_CONTACT_EVENTS);
  const waiting = board.totals.contacts_in_queue;
  document.title = waiting === undefined ? "Live board" : `${waiting} in queue – Live board`;
  document.body.classList.toggle("without-contacts", !board.contact_events);
}

/** The same figures, all 0. */
function nothing(figures) {
  const isNumber = ([, value]) => typeof value === "number";
  return Object.fromEntries(Object.entries(figures).filter(isNumber).map(([key]) => [key, 0]));
}

function drawFigures(board, now) {
  const chosen = choices.get("queue");
  const queue = board.queues.find((one) => one.queue_id !== undefined && one.queue_id === chosen);
  // A queue without a row has no contact and no agent who is listed.
  const figures = queue ?? (chosen ? nothing(board.totals) : board.totals);
  say($("totals-of"), queue ? nameOf(queue) : chosen || "Instance");
  const list = $("figures");
  for (const [key, title, hint] of FIGURES) {
    let tile = list.querySelector(`[data-figure="${key}"]`);
    if (!tile) {
      tile = element("div", "tile");
      tile.dataset.figure = key;
      tile.title = hint;
      tile.append(element("dt", "", title), element("dd"));
      list.append(tile);
    }
    const value = figures[key];
    const isTime = key.endsWith("_since");
    tile.hidden = value === undefined ? !(isTime && board.contact_events) : OPTIONAL.has(key) && value === 0;
    if (isTime) passing(tile.lastElementChild, value, now, "waiting");
    else say(tile.lastElementChild, value === undefined ? "" : value.toLocaleString("en-US"));
  }
}

const PROBLEMS = {
  throttled: "DynamoDB throttles the reading of the tables.",
  unavailable: "DynamoDB does not answer. If the local stack was started again, start contact-ledger board again.",
  refused: "AWS refuses the reading of the tables. Check the credentials of the command.",
};

/** How current the board is, in words. */
function drawState() {
  const age = feed.milliseconds();
  const isOld = Boolean(feed.board) && age > OLD;
  let [text, problem] = [feed.board ? "Live" : "Loading …", ""];
  if (!feed.isConnected) {
    text = "No connection";
    problem = feed.isMoved
      ? "The board was started again and has another address now. Open the one that contact-ledger board printed."
      : `No connection to the board since ${clock(feed.lostAt)}. Is contact-ledger board still running?`;
  } else if (feed.problem) {
    text = "Not current";
    const why = PROBLEMS[feed.problem.code] ?? "The tables cannot be read.";
    problem = `${why} Since ${clock(feed.problem.since)}: ${feed.problem.error ?? feed.problem.code}.`;
  } else if (isOld) {
    text = "Not current";
  }
  if (feed.board && (isOld || problem)) problem += " The data is old, and its times stand still.";
  const newest = feed.board?.newest_agent_event;
  const silent = newest ? feed.now() - Date.parse(newest) : 0;
  const isSilent = feed.board?.agents.some((agent) => agent.silence) && silent > feed.board.ghost_minutes * 60000;
  if (!problem && isSilent) problem = `No agent event has arrived since ${clock(newest)}. Agent events may be delayed: run contact-ledger doctor.`;
  say($("state"), text);
  // The seconds change all the time. They are in no live region, so that a screen reader does not read them all the time.
  say($("data-age"), feed.board ? (text === "Live" ? `, ${duration(age)} ago` : `, ${duration(age)} old`) : "");
  $("currency").classList.toggle("bad", Boolean(problem));
  document.body.classList.toggle("old", feed.isOld());
  const box = $("problem");
  box.hidden = !problem;
  say(box, problem.trim());
}

/** The choices that the document offers, with their number of agents. */
function options(board) {
  const fill = (id, all, entries) => {
    const select = $(id);
    const chosen = choices.get(id);
    const known = [...entries];
    if (chosen && !known.some(([value]) => value === chosen)) known.push([chosen, chosen]);
    const text = JSON.stringify(known);
    if (select.dataset.known === text) return;
    select.dataset.known = text;
    const option = ([value, label]) => Object.assign(element("option", "", label), { value });
    select.replaceChildren(option(["", all]), ...known.map(option));
    select.value = chosen;
  };
  fill("queue", "all", board.queues.filter((queue) => queue.queue_id).map((queue) => [queue.queue_id, nameOf(queue)]));
  const profiles = new Map();
  const groups = new Set();
  for (const agent of board.agents) {
    if (agent.routing_profile_id) profiles.set(agent.routing_profile_id, agent.routing_profile ?? agent.routing_profile_id);
    agent.hierarchy?.forEach((_, index) => groups.add(agent.hierarchy.slice(0, index + 1).join(" / ")));
  }
  const byName = (left, right) => left[1].localeCompare(right[1]);
  fill("profile", "all", [...profiles].sort(byName));
  fill("hierarchy", "all", [...groups].sort().map((group) => [group, group]));
  const activities = ACTIVITIES.flatMap((activity) => (activity === "on_contact" ? [activity, "on_hold"] : [activity]));
  fill("activity", "all", [...activities, "ghost"].map((activity) => [activity, words(activity)]));
}

function openAgent(agent) {
  opened = agent.agent_id;
  drawAgent();
  if (!$("agent").open) $("agent").showModal();
}

function drawAgent() {
  const agent = feed.board.agents.find((one) => one.agent_id === opened);
  if (!agent) return drawDetails([["Agent ID", opened], ["Activity", "not listed any more"]]);
  const now = feed.now();
  const ago = (time) => (time ? `${clock(time)} (${duration(now - Date.parse(time))})` : "");
  say($("agent-name"), visible(agent.name) ?? agent.agent_id);
  const slots = Object.entries(agent.slots ?? {}).map(([channel, { available, maximum }]) => `${words(channel.toLowerCase())} ${available} of ${maximum} free`);
  const facts = [
    ["Activity", `${mark(agent)}${activityOf(agent)}, since ${ago(agent.since)}`],
    ["Status", `${agent.status ?? "unknown"}, since ${ago(agent.status_since)}`],
    ["Next status", agent.next_status && `${agent.next_status}, chosen ${ago(agent.next_status_since)}`],
    ["Session", agent.session && `logged ${agent.session}`],
    ["Last event", ago(agent.last_event)],
    ["Status and contacts as of", ago(heard(agent))],
    ["Routing profile", agent.routing_profile],
    ["Hierarchy", pathOf(agent)],
    ["Slots", slots.join(", ")],
    ["Region", agent.region],
    ["Username", agent.username],
    ["Agent ID", agent.agent_id],
    ...agent.contacts.slice(0, IN_DETAILS).map((contact) => [
      "Contact", `${words(contact.state)}: ${contactText(contact)}, since ${ago(contact.since)}; ${words((contact.initiation_method ?? "").toLowerCase())} ${contact.contact_id}`,
    ]),
  ];
  drawDetails(facts.filter(([, value]) => value));
}

/** Changes only what differs, so that a text that the user is selecting stays selected. */
function drawDetails(facts) {
  const list = $("agent-details").querySelector("dl") ?? $("agent-details").appendChild(element("dl"));
  while (list.children.length > 2 * facts.length) list.lastChild.remove();
  while (list.children.length < 2 * facts.length) list.append(element("dt"), element("dd"));
  facts.flat().forEach((text, index) => say(list.children[index], text));
}

/** Takes a choice, and shows it. */
function choose(name, value) {
  if (!choices.set(name, value)) return;
  const control = $(name);
  if (control && "value" in control && control.value !== value) control.value = value;
  look();
  render();
}

function look() {
  const root = document.documentElement;
  root.dataset.theme = choices.get("theme");
  root.dataset.view = choices.get("view");
  // A small screen is no wall.
  root.classList.toggle("wall", choices.get("wall") === "1" && matchMedia("(min-width: 900px)").matches);
  $("wall").setAttribute("aria-pressed", String(choices.get("wall") === "1"));
}

function controls() {
  for (const name of ["view", "theme", "search", "queue", "profile", "hierarchy", "activity"]) {
    const control = $(name);
    control.value = choices.get(name);
    control.addEventListener("input", () => choose(name, control.value));
  }
  $("filter-box").open = matchMedia("(min-width: 761px)").matches || choices.isFiltered();
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    ["search", "queue", "profile", "hierarchy", "activity"].forEach((name) => choose(name, ""));
  });
  $("wall").addEventListener("click", () => choose("wall", choices.get("wall") ? "" : "1"));
  $("agent").addEventListener("close", () => (opened = null));
  for (const [name, title] of THRESHOLDS) {
    const label = element("label", "", `${title}, seconds `);
    const inputs = choices.threshold(name).map((seconds, index) => {
      const input = element("input");
      label.append(` ${SIGNS[index + 1]} `, input);
      Object.assign(input, { type: "number", min: "0", max: "86400", value: String(seconds) });
      input.setAttribute("aria-label", `${title}: ${index ? "second" : "first"} threshold in seconds`);
      return input;
    });
    const chosen = () => {
      const [first, second] = inputs.map((input) => Number(input.value));
      inputs[1].setCustomValidity(first > second ? "The second threshold must not be below the first." : "");
      if (inputs[1].reportValidity()) choose(name, `${first},${second}`);
    };
    inputs.forEach((input) => input.addEventListener("change", chosen));
    $("thresholds").append(label);
  }
  addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $("agent").open) return;
    if (event.key === "/") {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "1") queueTable.focus(0);
    else if (event.key === "2") agentTable.focus(0);
    else if (event.key === "3") contactTable.focus(0);
    else if (event.key === "w") choose("wall", choices.get("wall") ? "" : "1");
    else if (event.key === "Escape") choose("wall", "");
  });
}

controls();
look();
const feed = new Feed(
  (board) => {
    const begin = performance.now();
    queuesOf = new Map(board.routing_profiles.map((one) => [`${one.routing_profile_id}#${one.region}`, new Set(one.queues)]));
    options(board);
    render();
    performance.measure("update", { start: begin, end: performance.now() });
  },
  drawState,
);
setInterval(() => {
  drawState();
  if (!feed.board || document.hidden) return;
  const now = feed.now();
  agentTable.tick(now);
  queueTable.tick(now);
  contactTable.tick(now);
  drawFigures(feed.board, now);
  if (opened) drawAgent();
  turn();
}, 1000);

let seconds = 0;

/** A wall has nobody who scrolls: it shows one part of a long page after the other. */
function turn() {
  if (!document.documentElement.classList.contains("wall")) return;
  seconds += 1;
  if (seconds % WALL_SECONDS) return;
  const top = $("totals").getBoundingClientRect().bottom;
  const isAtEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  scrollTo(0, isAtEnd ? 0 : scrollY + Math.max(80, innerHeight - top - 60));
}
addEventListener("resize", look);
