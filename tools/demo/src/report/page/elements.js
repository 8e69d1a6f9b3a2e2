// Elements of the page. Data is inserted only as text, never as HTML.

const $ = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/** Text with control characters and characters that change the text direction replaced. */
function safe(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

function element(name, attributes = {}, ...children) {
  const made = ["svg", "path", "text", "title"].includes(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined).map(child => (typeof child === "string" ? safe(child) : child)));
  return made;
}

const whole = new Intl.NumberFormat("en-US");
const tenth = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A value in its unit; a dash if there is no data. */
function shown(value, unit) {
  if (value === null || value === undefined || value === "") return "–";
  if (unit === "count") return whole.format(value);
  if (unit === "share") return `${tenth.format(value * 100)} %`;
  if (unit === "seconds") return duration(Math.round(value));
  return String(value);
}

function duration(seconds) {
  const two = number => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A name that can wrap after each underscore. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap(part => [part, element("wbr")]);
}

function counted(number, one, several) {
  return `${whole.format(number)} ${number === 1 ? one : several}`;
}

/** CSV, with text escaped that a spreadsheet would run as a formula. */
function csvOf(columns, rows) {
  const cell = value => {
    let text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string" && /^[=+\-@\t\r\n＝＋－＠]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map(column => column.name), ...rows].map(row => row.map(cell).join(",") + "\r\n").join("");
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

const FIRST_ROWS = 200;

/**
 * A table that sorts by its headings, with a CSV download. `columns`: name, title, unit, whether the name is a column of the
 * named queries, and whether it is only in the CSV. The first column is the row's heading. `rows`: values.
 */
function table({ caption, columns, rows, file, empty }) {
  if (!rows.length) return element("p", { class: "note" }, empty);
  let order = null, all = rows.length <= FIRST_ROWS;
  const body = element("tbody");
  const visible = [...columns.entries()].filter(([, column]) => !column.isHidden);
  const cells = row => visible.map(([place, column]) => {
    const text = shown(row[place], column.unit), number = column.unit && column.unit !== "text";
    return place ? element("td", { class: number ? "number" : column.isLong ? "long" : null }, text) : element("th", { scope: "row" }, text);
  });
  const compared = (one, other) => (typeof one === "number" ? one - other : String(one).localeCompare(String(other)));
  const sorted = () => {
    if (!order) return rows;
    const [place, sign] = order, is = row => row[place] !== null && row[place] !== undefined;
    // Missing values are last in both directions.
    return [...rows].sort((one, other) => is(other) - is(one) || (is(one) ? sign * compared(one[place], other[place]) : 0));
  };
  const more = element("button", { type: "button", onclick: () => ((all = true), fill()) }, `Show all ${whole.format(rows.length)} rows`);
  const fill = () => {
    body.replaceChildren(...(all ? sorted() : sorted().slice(0, FIRST_ROWS)).map(row => element("tr", {}, ...cells(row))));
    more.hidden = all;
  };
  const heads = visible.map(([place, column]) => {
    const number = column.unit && column.unit !== "text";
    const head = element("th", { scope: "col", class: number ? "number" : null, "aria-sort": "none" });
    const press = () => {
      const sign = order && order[0] === place ? -order[1] : number ? -1 : 1;
      order = [place, sign];
      for (const one of heads) one.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      fill();
    };
    // Printed headings, repeated on each page, have no buttons.
    head.append(element("button", { type: "button", onclick: press }, column.title), element("span", { class: "paper", "aria-hidden": "true" }, column.title));
    if (column.isOfQueries) head.append(element("span", { class: "code" }, ...breakable(column.name)));
    return head;
  });
  fill();
  const grid = element("table", {}, element("caption", {}, `${caption} (${counted(rows.length, "row", "rows")})`), element("thead", {}, element("tr", {}, ...heads)), body);
  const csv = file && element("button", { type: "button", "aria-label": `CSV: ${caption}`, onclick: () => download(`${file}.csv`, csvOf(columns, sorted())) }, "CSV");
  return element("div", {}, element("div", { class: "tools" }, csv, more),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, grid));
}

/** A table that is created when it is opened. */
function tableOnDemand(title, make) {
  const details = element("details", {}, element("summary", {}, title));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(make());
  });
  return details;
}

function legend(entries) {
  return element("ul", { class: "legend" }, ...entries.map(([name, text]) => element("li", {}, element("i", { class: name }), text)));
}

const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
