// What the reader chose: filters, order, thresholds, look. All of it is in the address, so a view can be bookmarked.

const DEFAULTS = {
  view: "all", theme: "auto", wall: "", search: "", queue: "", profile: "", hierarchy: "", activity: "",
  agents: "name", queues: "name", contacts: "", waiting: "60,180", contact: "900,1800", hold: "60,180", work: "60,180",
};

export const THRESHOLDS = [
  ["waiting", "Oldest contact in queue"],
  ["contact", "On contact"],
  ["hold", "On hold"],
  ["work", "After-contact work"],
];

export class Choices {
  constructor() {
    this.values = { ...DEFAULTS };
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (name in DEFAULTS) this.values[name] = value.slice(0, 300);
    }
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    if (this.values[name] === value) return false;
    this.values[name] = value;
    const shown = Object.entries(this.values).filter(([name, value]) => value !== DEFAULTS[name]);
    const query = new URLSearchParams(shown).toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    return true;
  }

  /** Two numbers of seconds. Anything else counts as the default. */
  threshold(name) {
    const read = (text) => text.split(",").map(Number);
    const chosen = read(this.values[name]);
    const isNumber = (seconds) => Number.isFinite(seconds) && seconds >= 0;
    const isValid = chosen.length === 2 && chosen.every(isNumber) && chosen[0] <= chosen[1];
    return isValid ? chosen : read(DEFAULTS[name]);
  }

  /** 0 below the thresholds, 1 above the first, 2 above the second. */
  level(name, milliseconds) {
    const [first, second] = this.threshold(name);
    if (milliseconds >= second * 1000) return 2;
    return milliseconds >= first * 1000 ? 1 : 0;
  }

  isFiltered() {
    return ["search", "queue", "profile", "hierarchy", "activity"].some((name) => this.values[name] !== "");
  }
}
