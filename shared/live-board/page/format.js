// How values are shown. Everything is plain text: it is only ever set as the text of an element.

const SECOND = 1000;

/** Milliseconds as `12 s`, `4:05`, `1:04:05`, or `2 d 3 h`. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / SECOND));
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** A name of the document, such as `after_contact_work`, as words. */
export function words(name) {
  const text = (name ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A time of the document, in the reader's time zone. */
export function clock(time) {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? "" : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** `1 agent`, `2 agents`. */
export function counted(number, one, many) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}

/** A new element with this class and text. */
export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
