// Opens a report in headless Chromium, makes choices as a reader would, and reports what the page shows.
//
// Standard input: {file, chromium, pictures, choices}; standard output: the observations, as JSON.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

// The packages are in a folder outside the repository's source.
const require = createRequire(`${process.env.PACKAGES}/`);
const puppeteer = (await import(require.resolve("puppeteer-core"))).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const { file, chromium, pictures, choices } = JSON.parse(readFileSync(0, "utf8"));
const WIDTHS = [390, 768, 1280, 1920];
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const seen = { requests: [], errors: [], violations: [], contrast: {}, overflow: [], observations: [] };

const page = await browser.newPage();
page.on("request", request => {
  // Chromium draws its own controls with data: URLs. Apart from those, the page is the only allowed request.
  if (!request.url().startsWith("data:")) seen.requests.push(request.url());
});
page.on("pageerror", error => seen.errors.push(error.message));
page.on("console", message => message.type() === "error" && seen.errors.push(message.text()));
page.on("dialog", dialog => {
  seen.errors.push(`a dialog: ${dialog.message()}`);
  dialog.dismiss();
});
// Captures the file that the CSV button saves.
await page.evaluateOnNewDocument(() => {
  window.saved = [];
  const make = URL.createObjectURL;
  URL.createObjectURL = blob => (window.saved.push(blob), make(blob));
});
const open = () => page.goto(`file://${file}`);

async function violations(what) {
  // Through the debugger: the page's own policy blocks all other scripts.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const one of found) seen.violations.push(`${what}: ${one.id}, ${one.help}: ${one.nodes[0].html}`);
}

for (const scheme of ["light", "dark"]) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  for (const width of WIDTHS) {
    await page.setViewport({ width, height: 900 });
    await open();
    const inner = await page.evaluate(() => document.documentElement.scrollWidth);
    if (inner > width) seen.overflow.push(`${scheme}, ${width} pixels: the page is ${inner} wide`);
    if (pictures) await page.screenshot({ path: `${pictures}/${scheme}-${width}.png`, fullPage: true });
    // Expand everything, so that it is checked, too.
    await page.evaluate(() => document.querySelectorAll("details").forEach(details => (details.open = true)));
    await page.evaluate(() => document.querySelector(".days button")?.click());
    await violations(`${scheme}, ${width} pixels`);
  }
  seen.contrast[scheme] = await page.evaluate(() => {
    const style = getComputedStyle(document.documentElement), names = [...document.styleSheets[0].cssRules].flatMap(rule =>
      rule.selectorText === ":root" ? [...rule.style].filter(name => name.startsWith("--")) : []);
    return Object.fromEntries(names.map(name => [name.slice(2), style.getPropertyValue(name).trim()]));
  });
}

await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
await page.setViewport({ width: 1280, height: 900 });
await open();
seen.drawn = Number(await page.evaluate(() => document.body.dataset.drawn));

// Keyboard only: every control is reachable, a heading sorts, and a name opens its list.
const reached = new Set();
for (let presses = 0; presses < 150; presses++) {
  await page.keyboard.press("Tab");
  const at = await page.evaluate(() => {
    const active = document.activeElement;
    return active.id || active.closest("section")?.querySelector("h2, h3").id + " " + active.tagName;
  });
  reached.add(at);
}
seen.reached = [...reached];
const press = async selector => {
  const found = await page.$(selector);
  if (!found) return null;
  await found.focus();
  await page.keyboard.press("Enter");
  return true;
};
if (await press("#queues thead button")) seen.sorted = await page.evaluate(() => document.querySelector("#queues th[aria-sort]").getAttribute("aria-sort"));
if (await press(".days button")) seen.expanded = await page.evaluate(() => document.querySelector(".days button").getAttribute("aria-expanded"));

const csv = async section => {
  if (!(await page.$(`#${section} .tools button:not([hidden])`))) return null;
  return page.evaluate(async section => {
    window.saved.length = 0;
    [...document.querySelectorAll(`#${section} .tools button`)].find(button => button.textContent === "CSV").click();
    return window.saved[0].text();
  }, section);
};

for (const choice of choices) {
  await open();
  await page.evaluate(choice => {
    for (const [id, value] of Object.entries(choice)) {
      const field = document.getElementById(id);
      if (id === "zone" && ![...field.options].some(option => option.value === value)) field.append(new Option(value, value));
      if (field.type === "checkbox") field.checked = value;
      else field.value = value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, choice);
  const observation = await page.evaluate(() => {
    const totals = Object.fromEntries([...document.querySelectorAll("#totals dd")].map(dd => [dd.dataset.metric, dd.dataset.value === "" ? null : Number(dd.dataset.value)]));
    const intervals = id => {
      const details = document.querySelector(`#${id} details`);
      if (!details) return [];
      if (details.children.length === 1) details.open = true;
      details.dispatchEvent(new Event("toggle"));
      [...details.querySelectorAll(".tools button:not([hidden])")].forEach(button => button.click());
      return [...details.querySelectorAll("tbody tr")].map(row => [...row.children].map(cell => cell.textContent));
    };
    return { period: document.getElementById("period").textContent, totals, contacts: intervals("contacts"), level: intervals("level"), handle: intervals("handle") };
  });
  observation.queues = await csv("queues");
  observation.agents = await csv("agents");
  observation.choice = choice;
  seen.observations.push(observation);
}
seen.text = await page.evaluate(() => document.body.innerText);
seen.stolen = await page.evaluate(() => window.stolen ?? null);
seen.elements = await page.evaluate(() => document.querySelectorAll("main img, main b, main script").length);
// Printed pages are light in any color scheme.
await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
await open();
if (pictures) await page.pdf({ path: `${pictures}/paper.pdf`, format: "A4", margin: { top: "15mm", bottom: "15mm", left: "15mm", right: "15mm" } });
await browser.close();
process.stdout.write(JSON.stringify(seen));
