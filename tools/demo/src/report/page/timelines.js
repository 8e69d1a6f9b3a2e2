// Agents' timelines of one day: contacts above, statuses below.

const ROWS_ON_A_PAGE = 25;
const STATUSES = ["available", "custom"];
// In drawing order: later kinds cover earlier ones.
const DRAWN = ["available", "custom", "after_contact_work", "ringing", "paused", "missed", "on_hold", "on_contact"];
const CALLED = {
  available: "available", custom: "custom status", after_contact_work: "after-contact work", ringing: "ringing", paused: "paused",
  missed: "missed", on_hold: "on hold", on_contact: "on contact",
};

/** The spans of an agent, with start and end times. */
function spansOf(flat, kinds) {
  const spans = [];
  let start = 0;
  for (let place = 0; place < flat.length; place += 3) {
    start += flat[place + 1];
    const [kind, name] = kinds[flat[place]];
    spans.push({ kind, name, start, end: start + flat[place + 2] });
  }
  return spans;
}

class Timelines {
  constructor(place, { kinds, agents }) {
    this.place = place;
    this.agents = agents.map(([instance, id, name, flat]) => ({ instance, id, name: name || id, spans: spansOf(flat, kinds) }));
    this.page = 0;
    this.search = "";
    this.opened = new Set();
    this.ends = [Infinity, -Infinity];
    for (const { spans } of this.agents) {
      for (const { start, end } of spans) this.ends = [Math.min(this.ends[0], start), Math.max(this.ends[1], end)];
    }
  }

  /** The days of the period with agent activity. */
  days(clock, from, until) {
    const days = new Set();
    for (const { spans } of this.agents) {
      for (const { start, end } of spans) {
        if (end <= from || start >= until) continue;
        const last = clock.day(Math.min(end, until) - 1);
        let day = clock.day(Math.max(start, from));
        for (days.add(day); day !== last; days.add(day)) day = later(day, 1);
      }
    }
    return [...days].sort();
  }

  show(clock, from, until) {
    const days = this.days(clock, from, until);
    if (!days.length) {
      this.place.replaceChildren(element("p", { class: "note" }, "No agent activity in this period."));
      return;
    }
    if (!days.includes(this.day)) this.day = days[0];
    const select = element("select", { onchange: () => ((this.day = select.value), (this.page = 0), this.draw(clock)) },
      ...days.map(day => element("option", { value: day, selected: day === this.day }, day)));
    const search = element("input", { type: "search", value: this.search, oninput: () => ((this.search = search.value), (this.page = 0), this.draw(clock)) });
    // A disabled button would lose the focus, so it only ignores the press.
    const turn = step => event => {
      if (event.currentTarget.getAttribute("aria-disabled") === "true") return;
      this.page += step;
      this.draw(clock);
    };
    this.before = element("button", { type: "button", onclick: turn(-1) }, "Previous");
    this.after = element("button", { type: "button", onclick: turn(1) }, "Next");
    this.counted = element("span", { role: "status", class: "note" });
    this.rows = element("div", {});
    this.about = element("h3", {});
    const tools = element("div", { class: "tools" }, element("label", {}, "Day", select), element("label", {}, "Agent", search), this.before, this.after, this.counted);
    this.place.replaceChildren(tools, this.about, this.rows);
    this.draw(clock);
  }

  draw(clock) {
    const start = clock.startOfDay(this.day), end = clock.startOfDay(later(this.day, 1));
    const cut = spans => spans.filter(span => span.end > start && span.start < end)
      .map(span => ({ ...span, start: Math.max(span.start, start), end: Math.min(span.end, end) }));
    const wanted = this.agents.filter(agent => agent.name.toLowerCase().includes(this.search.toLowerCase()))
      .map(agent => ({ ...agent, spans: cut(agent.spans) })).filter(agent => agent.spans.length);
    const pages = Math.max(1, Math.ceil(wanted.length / ROWS_ON_A_PAGE));
    this.page = Math.min(this.page, pages - 1);
    const agents = wanted.slice(this.page * ROWS_ON_A_PAGE, (this.page + 1) * ROWS_ON_A_PAGE);
    this.before.setAttribute("aria-disabled", String(this.page === 0));
    this.after.setAttribute("aria-disabled", String(this.page === pages - 1));
    this.counted.textContent = wanted.length ? `${counted(wanted.length, "agent", "agents")}, page ${this.page + 1} of ${pages}` : "No matching agent.";
    this.about.textContent = `${this.day}, ${clock.zone}`;
    if (!wanted.length) {
      this.rows.replaceChildren();
      return;
    }
    // Only hours with activity.
    let [first, last] = [Infinity, -Infinity];
    for (const { spans } of wanted) for (const span of spans) [first, last] = [Math.min(first, span.start), Math.max(last, span.end)];
    const scope = [Math.max(start, clock.start(first, 60)), Math.min(end, clock.start(last - 1, 60) + 3600)];
    const used = new Set(wanted.flatMap(agent => agent.spans.map(span => span.kind)));
    const grid = element("div", { class: "days" }, element("span", { class: "note" }, "Agent"), hours(clock, scope, this.place.clientWidth),
      ...agents.flatMap(agent => row(clock, agent, scope, this.place.clientWidth, this.opened)));
    this.rows.replaceChildren(legend(DRAWN.filter(kind => used.has(kind)).map(kind => [kind, CALLED[kind]])), grid);
  }
}

function hours(clock, [start, end], width) {
  const room = Math.max(width - 180, 200), all = Math.round((end - start) / 3600), step = Math.max(1, Math.ceil(all / (room / 44)));
  const marks = [];
  for (let at = start; at < end; at += 3600 * step) {
    const x = ((at - start) / (end - start)) * 1000;
    marks.push(element("text", { x: `${x / 10}%`, y: 13 }, clock.time(at).slice(0, 5)));
  }
  return element("svg", { class: "hours", "aria-hidden": "true" }, ...marks);
}

function row(clock, agent, [start, end], width, opened) {
  const paths = new Map(), sums = new Map();
  const room = Math.max(width - 180, 200), x = at => ((at - start) / (end - start)) * 1000, pixel = 1000 / room;
  for (const { kind, name, start: from, end: to } of agent.spans) {
    // A gap between neighbors, if the span is wide enough.
    const length = Math.max(x(to) - x(from) - (x(to) - x(from) > 3 * pixel ? pixel : 0), 0.6 * pixel);
    const [top, height] = STATUSES.includes(kind) ? [13, 6] : [1, 11];
    paths.set(kind, `${paths.get(kind) ?? ""}M${x(from).toFixed(2)} ${top}h${length.toFixed(2)}v${height}h-${length.toFixed(2)}z`);
    const called = STATUSES.includes(kind) && name ? name : CALLED[kind];
    sums.set(called, (sums.get(called) ?? 0) + to - from);
  }
  const description = `${agent.name}: ${[...sums].map(([name, seconds]) => `${name} ${duration(seconds)}`).join(", ")}`;
  const drawn = DRAWN.filter(kind => paths.has(kind)).map(kind => element("path", { class: kind, d: paths.get(kind) }));
  const svg = element("svg", { role: "img", "aria-label": safe(description), viewBox: "0 0 1000 20", preserveAspectRatio: "none" }, ...drawn);
  const title = element("title", {});
  svg.append(title);
  svg.addEventListener("mousemove", event => {
    const box = svg.getBoundingClientRect(), at = start + ((event.clientX - box.left) / box.width) * (end - start);
    const here = agent.spans.filter(span => span.start <= at && at < span.end);
    title.textContent = safe([clock.time(at), ...here.map(span => `${span.name}, ${clock.time(span.start)} for ${duration(span.end - span.start)}`)].join("\n"));
  });
  const key = `${agent.instance}/${agent.id}`;
  const list = element("div", { class: "list", hidden: true });
  const name = element("button", { type: "button", title: safe(agent.name) }, agent.name);
  const open = isOpen => {
    list.hidden = !isOpen;
    name.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && !list.children.length) list.append(listed(clock, agent));
  };
  name.addEventListener("click", () => {
    if (list.hidden) opened.add(key);
    else opened.delete(key);
    open(list.hidden);
  });
  open(opened.has(key));
  return [name, svg, list];
}

function listed(clock, agent) {
  const columns = [{ name: "start", title: "Start" }, { name: "what", title: "Activity" }, { name: "name", title: "Name" }, { name: "seconds", title: "Duration", unit: "seconds" }];
  const rows = agent.spans.map(span => [clock.local(span.start).slice(0, 19).replace("T", " "), CALLED[span.kind], span.name, span.end - span.start]);
  return table({ caption: `${agent.name}, ${clock.zone}`, columns, rows, file: `timeline-${agent.id}`, empty: "" });
}
