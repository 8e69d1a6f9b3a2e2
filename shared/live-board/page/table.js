// A table of which only the rows in the window exist. It scrolls with the page.

import { element } from "./format.js";

const SPARE = 8;

export class Table {
  /**
   * `columns`: objects with `key`, `title`, `hint`, `number`, `order` (a function of a row, absent if it cannot be sorted), and
   * `draw(cell, row, now)`. `open(row)` is called when a row is activated.
   */
  constructor(place, { label, columns, keyOf, open, sorted, sort }) {
    Object.assign(this, { columns, keyOf, open, sorted, sort, rows: [], shown: new Map(), focused: null });
    this.root = element("div", "table");
    this.root.setAttribute("role", "table");
    this.root.setAttribute("aria-label", label);
    const head = element("div", "head");
    head.setAttribute("role", "rowgroup");
    this.header = element("div", "row");
    this.header.setAttribute("role", "row");
    this.header.setAttribute("aria-rowindex", "1");
    this.header.append(...columns.map((column) => this.heading(column)));
    head.append(this.header);
    this.body = element("div", "body");
    this.body.setAttribute("role", "rowgroup");
    // Its height is that of a row, in whatever unit the style sheet gives it.
    this.probe = element("div", "probe");
    this.root.append(head, this.body, this.probe);
    place.append(this.root);
    this.body.addEventListener("keydown", (event) => this.pressed(event));
    this.body.addEventListener("click", (event) => this.activate(event.target.closest("[data-index]")));
    const again = () => this.draw();
    addEventListener("scroll", again, { passive: true });
    addEventListener("resize", again, { passive: true });
  }

  heading(column) {
    const cell = element("div", `cell ${column.key}${column.number ? " number" : ""}`);
    cell.setAttribute("role", "columnheader");
    if (!column.order) {
      cell.textContent = column.title;
      return cell;
    }
    const button = element("button", "", column.title);
    button.type = "button";
    if (column.hint) button.title = column.hint;
    button.addEventListener("click", () => {
      const [key, isDown] = this.order();
      // Of numbers and times, the greatest are of most interest.
      const isFirst = key !== column.key;
      const toDown = isFirst ? Boolean(column.number) : !isDown;
      this.sort(toDown ? `-${column.key}` : column.key);
    });
    cell.append(button);
    return cell;
  }

  /** The column that the rows are ordered by, and whether downward. */
  order() {
    const text = this.sorted();
    const isDown = text.startsWith("-");
    return [isDown ? text.slice(1) : text, isDown];
  }

  /** Shows these rows. They are in the order of the document, which decides between equal ones. */
  show(rows, now) {
    const [key, isDown] = this.order();
    const column = this.columns.find((column) => column.key === key && column.order);
    this.rows = rows;
    if (column) {
      const ordered = rows.map((row) => [column.order(row), row]);
      const less = (left, right) => (left < right ? -1 : left > right ? 1 : 0);
      // What is not known comes last in either direction.
      ordered.sort(([left], [right]) => {
        if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
        return isDown ? less(right, left) : less(left, right);
      });
      this.rows = ordered.map(([, row]) => row);
    }
    for (const [index, column] of this.columns.entries()) {
      const heading = this.header.children[index];
      if (column.order) {
        heading.setAttribute("aria-sort", column.key !== key ? "none" : isDown ? "descending" : "ascending");
      }
    }
    this.root.setAttribute("aria-rowcount", String(rows.length + 1));
    this.now = now;
    this.draw(true);
  }

  /** Draws the rows in the window; those that are drawn already only if they changed, or if the time did. */
  draw(isNew = false) {
    if (!this.root.offsetParent) return;
    const height = this.probe.getBoundingClientRect().height;
    this.body.style.height = `${this.rows.length * height}px`;
    const top = -this.body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / height) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((top + innerHeight) / height) + SPARE);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.keyOf(this.rows[index]), index);
    // A row with the focus stays, so that the keyboard does not lose its place.
    const focused = document.activeElement?.closest?.("[data-index]");
    const kept = focused && [...this.shown].find(([, row]) => row === focused)?.[0];
    if (kept !== undefined && kept !== null && !wanted.has(kept)) {
      const index = this.rows.findIndex((row) => this.keyOf(row) === kept);
      if (index >= 0) wanted.set(kept, index);
    }
    for (const [key, row] of this.shown) {
      if (!wanted.has(key)) {
        row.remove();
        this.shown.delete(key);
      }
    }
    for (const [key, index] of wanted) {
      let row = this.shown.get(key);
      const isMade = !row;
      if (isMade) {
        row = this.made();
        this.shown.set(key, row);
        this.body.append(row);
      }
      const place = `translateY(${index * height}px)`;
      if (row.dataset.index !== String(index)) row.setAttribute("aria-rowindex", String(index + 2));
      if (row.style.transform !== place) row.style.transform = place;
      row.dataset.index = index;
      if (isMade || isNew) this.fill(row, this.rows[index]);
    }
    if (!this.body.querySelector('[tabindex="0"]')) this.body.firstElementChild?.setAttribute("tabindex", "0");
  }

  made() {
    const row = element("div", "row");
    row.setAttribute("role", "row");
    row.tabIndex = -1;
    for (const column of this.columns) {
      const cell = element("div", `cell ${column.key}${column.number ? " number" : ""}`);
      cell.setAttribute("role", "cell");
      // On a phone, where the header is not above the cell.
      cell.dataset.title = column.title;
      row.append(cell);
    }
    return row;
  }

  fill(row, value) {
    this.columns.forEach((column, index) => column.draw(row.children[index], value, this.now));
  }

  /** Lets times go on. */
  tick(now) {
    this.now = now;
    for (const row of this.shown.values()) {
      const value = this.rows[Number(row.dataset.index)];
      if (value) this.fill(row, value);
    }
  }

  pressed(event) {
    const row = event.target.closest("[data-index]");
    if (!row) return;
    const index = Number(row.dataset.index);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -index, End: this.rows.length };
    if (event.key in steps) {
      event.preventDefault();
      this.focus(index + steps[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.activate(row);
    }
  }

  focus(index) {
    const to = Math.min(this.rows.length - 1, Math.max(0, index));
    const height = this.probe.getBoundingClientRect().height;
    const top = this.body.getBoundingClientRect().top + to * height;
    const above = this.header.getBoundingClientRect().bottom;
    if (top < above) scrollBy(0, top - above);
    if (top + height > innerHeight) scrollBy(0, top + height - innerHeight);
    this.draw();
    const row = this.shown.get(this.keyOf(this.rows[to]));
    this.body.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    row?.setAttribute("tabindex", "0");
    row?.focus({ preventScroll: true });
  }

  activate(row) {
    const value = row && this.rows[Number(row.dataset.index)];
    if (value && this.open) this.open(value);
  }
}
