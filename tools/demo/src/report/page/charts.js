// Bar charts.

const HEIGHT = 230;
const charts = new Map();

/**
 * The rectangles of one part of stacked bars, with a gap to the part below. They are at least 2 pixels high, so that small values
 * stay visible. A share of 0 also has one, to distinguish it from no data.
 */
function rectangles(values, grounds, tops, isFigure) {
  return self => {
    const fill = new Path2D(), ratio = devicePixelRatio, column = self.bbox.width / values.length;
    const width = Math.max(1, Math.min(column * 0.86, column - ratio, 60 * ratio));
    for (const [bar, value] of values.entries()) {
      if (value === null || (value === 0 && !isFigure)) continue;
      const middle = self.valToPos(bar, "x", true), ground = self.valToPos(grounds[bar] ?? 0, "y", true);
      const top = self.valToPos(tops[bar], "y", true), gap = grounds[bar] ? ratio : 0;
      fill.rect(middle - width / 2, Math.min(top, ground - gap - 2 * ratio), width, Math.max(ground - gap - top, 2 * ratio));
    }
    return { fill };
  };
}

/**
 * Draws stacked bars. A null value draws no bar.
 * `labels`: one per bar; `ticks`: axis label per bar, or null; `parts`: name (also of its color), title, values.
 */
function bars(place, { alt, labels, ticks, parts, top, format, axisFormat = format, unit }) {
  charts.get(place)?.destroy();
  charts.delete(place);
  const wasOpen = place.querySelector("details")?.open ?? false;
  place.replaceChildren();
  if (!labels.length || !parts.some(part => part.values.some(value => value !== null))) {
    place.append(element("p", { class: "note" }, "No contacts in this period."));
    return;
  }
  const box = element("div", { class: "chart", role: "img", "aria-label": alt });
  const tip = element("div", { class: "tip", hidden: true });
  const table_ = tableOnDemand("As a table", () => table({
    caption: alt,
    columns: [{ name: "interval", title: "Interval" }, ...parts.map(part => ({ name: part.title, title: part.title, unit }))],
    rows: labels.map((label, bar) => [label, ...parts.map(part => part.values[bar])]),
    empty: "No contacts in this period.",
  }));
  place.append(box, tip, legend(parts.map(part => [part.name, part.title])), table_);
  table_.open = wasOpen;
  place.style.position = "relative";

  // Each part is stacked on the parts before it.
  let below = labels.map(() => null);
  const grounds = [], tops = [];
  for (const part of parts) {
    grounds.push(below);
    tops.push((below = part.values.map((value, bar) => (value === null ? below[bar] : (below[bar] ?? 0) + value))));
  }
  const x = labels.map((_, bar) => bar), [ink, line] = ["faint", "line"].map(color);
  const most = top ?? Math.max(1, ...below.map(value => value ?? 0));
  const axis = { stroke: ink, font: "12px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 5 } };
  const chart = new uPlot({
    width: Math.max(box.clientWidth, 200),
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: false, range: [-0.5, labels.length - 0.5] }, y: { range: [0, most * (top ? 1 : 1.05)] } },
    axes: [
      {
        ...axis, grid: { show: false }, size: 36,
        splits: self => {
          const room = self.bbox.width / devicePixelRatio, widest = Math.max(...ticks.map(tick => (tick ?? "").length)) * 7 + 14;
          const places = x.filter(bar => ticks[bar] !== null), step = Math.ceil((places.length * widest) / room);
          return places.filter((_, number) => number % Math.max(step, 1) === 0);
        },
        values: (_, splits) => splits.map(bar => ticks[bar]),
      },
      { ...axis, size: 56, incrs: top ? [0.25] : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000], values: (_, splits) => splits.map(axisFormat) },
    ],
    series: [
      {},
      ...parts.map((part, number) => ({
        fill: color(part.name), width: 0, points: { show: false }, paths: rectangles(part.values, grounds[number], tops[number], top !== undefined),
      })),
    ],
    hooks: {
      setCursor: [self => {
        const bar = self.cursor.idx;
        tip.hidden = bar === null || bar === undefined || self.cursor.left < 0;
        if (tip.hidden) return;
        const of = part => `${part.title}: ${part.values[bar] === null ? "–" : format(part.values[bar])}`;
        tip.textContent = [labels[bar], ...parts.map(of)].join("\n");
        const left = self.cursor.left + self.bbox.left / devicePixelRatio;
        tip.style.left = `${left > box.clientWidth / 2 ? left - tip.offsetWidth - 12 : left + 12}px`;
        tip.style.top = "8px";
      }],
    },
  }, [x, ...tops], box);
  charts.set(place, chart);
}
