// Drives the board in headless Chromium, and reports what it shows, by roles and texts.
//
// Each line of standard input is a command as JSON, and each line of standard output the answer.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

// The packages are in a folder outside the repository's source.
const require = createRequire(`${process.env.PACKAGES}/`);
const puppeteer = (await import(require.resolve("puppeteer-core"))).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM_PATH, headless: true, args });
const page = await browser.newPage();
const log = { requests: [], errors: [] };
page.on("request", (request) => log.requests.push(request.url()));
page.on("pageerror", (error) => log.errors.push(error.message));
page.on("console", (message) => message.type() === "error" && log.errors.push(message.text()));
page.on("dialog", (dialog) => {
  log.errors.push(`a dialog: ${dialog.message()}`);
  dialog.dismiss();
});

/** What a table shows: an object per row, with the texts of its cells by the names of the columns. */
const table = (name) =>
  page.evaluate((name) => {
    const root = document.querySelector(`[role="table"][aria-label="${name}"]`);
    if (!root?.offsetParent) return null;
    const titles = [...root.querySelectorAll('[role="columnheader"]')].map((cell) => cell.textContent);
    const rows = [...root.querySelectorAll('[role="row"][aria-rowindex]')].filter((row) => row.querySelector('[role="cell"]'));
    rows.sort((left, right) => left.getAttribute("aria-rowindex") - right.getAttribute("aria-rowindex"));
    const texts = (row) => [...row.querySelectorAll('[role="cell"]')].map((cell, index) => [titles[index], cell.textContent]);
    return { count: Number(root.getAttribute("aria-rowcount")) - 1, rows: rows.map((row) => Object.fromEntries(texts(row))) };
  }, name);

const commands = {
  async open({ url, width = 1280, height = 900, scheme = "light" }) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width, height });
    await page.goto(url);
    await page.waitForFunction(() => !document.querySelector('[role="status"]').textContent.startsWith("Loading"));
  },
  async see() {
    const shown = await page.evaluate(() => {
      const alert = document.querySelector('[role="alert"]');
      const tiles = [...document.querySelectorAll("#figures > div")].filter((tile) => !tile.hidden);
      return {
        state: document.querySelector('[role="status"]').textContent,
        alert: alert.hidden ? "" : alert.textContent,
        figures: Object.fromEntries(tiles.map((tile) => [tile.querySelector("dt").textContent, tile.querySelector("dd").textContent])),
        headings: [...document.querySelectorAll("h2")].filter((heading) => heading.offsetParent).map((heading) => heading.textContent),
        notes: [...document.querySelectorAll(".note")].filter((note) => !note.hidden).map((note) => note.textContent),
        stolen: window.stolen === true,
      };
    });
    return { ...shown, agents: await table("Agents"), queues: await table("Queues"), contacts: await table("Contacts") };
  },
  // The accessible name of a control, as a screen reader has it.
  async click({ name }) {
    await page.locator(`::-p-aria(${name})`).click();
  },
  async choose({ name, value }) {
    const control = await page.waitForSelector(`::-p-aria(${name})`);
    const chosen = await control.select(value);
    if (chosen.length === 0) throw new Error(`${name} has no ${value}`);
  },
  async type({ name, text }) {
    await page.locator(`::-p-aria(${name})`).fill(text);
  },
  async press({ keys }) {
    for (const key of keys) await page.keyboard.press(key);
    return page.evaluate(() => {
      const row = document.activeElement?.closest('[role="row"]');
      const dialog = document.querySelector("dialog[open]");
      return {
        focus: document.activeElement?.id || document.activeElement?.tagName,
        row: row ? Number(row.getAttribute("aria-rowindex")) : null,
        dialog: dialog ? dialog.textContent : "",
      };
    });
  },
  async address() {
    return page.url();
  },
  async axe() {
    // Through the debugger: the page's own policy blocks all other scripts.
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    return { violations: violations.map((one) => `${one.id}, ${one.help}: ${one.nodes[0].html}`), wide };
  },
  async picture({ path }) {
    await page.screenshot({ path });
  },
  async scroll({ to }) {
    // Frames that take long while the page scrolls through all of its rows.
    return page.evaluate(async (to) => {
      const frames = [];
      const height = document.documentElement.scrollHeight - innerHeight;
      let last = performance.now();
      for (let step = 1; step <= 60; step += 1) {
        scrollTo(0, (height * to * step) / 60);
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        frames.push(now - last);
        last = now;
      }
      frames.sort((left, right) => left - right);
      return { median: frames[30], longest: frames[59], rows: document.querySelectorAll('[role="row"]').length };
    }, to);
  },
  async updates() {
    const measures = await page.evaluate(() => performance.getEntriesByName("update").map((one) => one.duration));
    const { JSHeapUsedSize } = await page.metrics();
    return { measures, heap: JSHeapUsedSize };
  },
  async log() {
    return log;
  },
  // Another site tries to read and to embed the board.
  async attack({ from, url }) {
    const other = await browser.newPage();
    await other.goto(from);
    const seen = await other.evaluate(async (url) => {
      const found = {};
      for (const mode of ["cors", "no-cors"]) {
        found[mode] = await fetch(`${url}board.json`, { mode }).then((reply) => reply.text(), () => "");
      }
      found.script = await new Promise((resolve) => {
        const script = document.createElement("script");
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve("");
        script.src = `${url}board.js`;
        document.head.append(script);
      });
      const frame = document.createElement("iframe");
      frame.src = url;
      document.body.append(frame);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return found;
    }, url);
    const frame = other.frames().find((frame) => frame !== other.mainFrame());
    seen.frame = await frame.evaluate(() => document.body?.textContent ?? "").catch(() => "");
    await other.close();
    return seen;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { answer: (await commands[command.do](command)) ?? null };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
