// Opens each address of standard input (one a line) in Chromium, at the width of a desktop and of a small phone, in
// light and in dark, and lets axe look at it. Prints one JSON array: what was found, page by page. Screenshots go to the
// folder that is named by the only argument.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const folder = process.argv[2];
const addresses = readFileSync(0, "utf8").split("\n").filter((line) => line);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"],
});
const results = [];
for (const width of [1280, 320]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height: 720 }, colorScheme, locale: "de-DE" });
    for (const [number, address] of addresses.entries()) {
      const page = await context.newPage();
      const complaints = [];
      const requests = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("request", (request) => requests.push(request.resourceType()));
      const response = await page.goto(address);
      await page.evaluate(axe);
      const { violations, incomplete } = await page.evaluate(() => axe.run());
      results.push({
        width, colorScheme, number, status: response.status(), complaints, requests,
        violations: violations.map((violation) => violation.id),
        incomplete: incomplete.map((check) => check.id),
        overflow: await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        heading: await page.textContent("h1"),
        background: await page.evaluate(() => getComputedStyle(document.querySelector("main, .page")).backgroundColor),
        language: await page.evaluate(() => document.documentElement.lang),
      });
      await page.screenshot({ path: `${folder}/${number}-${width}-${colorScheme}.png`, fullPage: true });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(results));
