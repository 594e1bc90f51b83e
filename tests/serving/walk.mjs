// Walks through the pages as a person would, and prints what it saw as JSON.
// The page that opens the browser is in OPENED, if there is one.
// node walk.mjs ADDRESS ADDRESS-WHERE-AN-LLM-WRITES CHROMIUM [FOLDER FOR SCREENSHOTS]
import { createRequire } from "node:module";
import path from "node:path";

const [address, writing, executablePath, shots] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");
const WHEN = process.env.QUESTION;
const seen = { errors: [], outside: [], serious: [] };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 960, height: 600 }, bypassCSP: true });
const page = await context.newPage();
page.on("pageerror", (error) => seen.errors.push(String(error)));

async function shot(name, on = page) {
  if (shots) await on.screenshot({ path: path.join(shots, `${name}.png`) });
}
async function check(name, on = page) {
  await on.addScriptTag({ path: axe });
  const found = await on.evaluate(() => window.axe.run());
  seen.serious.push(...found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${name}: ${one.id}: ${one.nodes[0].html}`));
}

await page.goto(process.env.OPENED ?? address);
await page.waitForSelector("#q");
page.on("request", (request) => {
  if (!request.url().startsWith(new URL(address).origin)) seen.outside.push(request.url());
});
seen.focused = await page.evaluate(() => document.activeElement.id);
await check("home");
await shot("home");
await page.keyboard.type(WHEN);
await page.keyboard.press("Enter");
await page.waitForSelector("#c1");
seen.excerpt = await page.textContent("#c1");
seen.cited = await page.textContent("#cited");
seen.visible = await page.locator("#cited").isVisible();
const paints = [];
for (let round = 0; round < 5; round++) {
  await page.reload();
  paints.push(await page.evaluate(() => new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [load] = performance.getEntriesByType("navigation");
      for (const paint of list.getEntriesByName("first-contentful-paint")) {
        resolve(paint.startTime - load.responseEnd);
      }
    }).observe({ type: "paint", buffered: true });
  })));
}
seen.paint = paints.sort((one, other) => one - other)[2];
await check("ask");
await shot("ask");
await page.emulateMedia({ colorScheme: "dark" });
await check("dark");
await shot("ask-dark");
await page.emulateMedia({ colorScheme: "light" });

await page.click("h1", { force: true }).catch(() => {});
await page.evaluate(() => document.activeElement.blur());
await page.keyboard.press("?");
seen.keys = await page.locator("dialog").innerText();
await check("keys");
await page.keyboard.press("Escape");
await page.keyboard.press("j");
await page.waitForSelector(".excerpt.chosen");
seen.chosen = await page.textContent(".excerpt.chosen .number");
await page.keyboard.press("s");
seen.exactBeside = await page.locator("#beside .exact").isVisible();
await page.keyboard.press("s");
await page.keyboard.press("o");
await page.waitForURL("**/note/**");
seen.note = await page.title();
await page.keyboard.press("s");
seen.source = await page.locator(".exact").isVisible();
await check("note");
await shot("note");
await page.goBack();
await page.waitForSelector("#c1");
await page.keyboard.press("/");
seen.slash = await page.evaluate(() => document.activeElement.id);

await page.click("summary:text('Filters')");
for (const value of ["rag", "fine-tuning"]) {
  await page.fill("input[name=path][data-several]", value);
  await page.keyboard.press("Tab");
}
seen.chips = await page.locator(".chip").allInnerTexts();
await check("filters");
await page.click("button[type=submit]");
await page.waitForURL("**path=rag&path=fine-tuning**");
seen.kept = await page.locator("input[name=path][checked]").count();

await page.goto(new URL("/about", address).href);
await check("about");

const phone = await browser.newContext({
  viewport: { width: 375, height: 700 }, colorScheme: "dark", isMobile: true, hasTouch: true,
  bypassCSP: true, storageState: await context.storageState(),
});
const small = await phone.newPage();
await small.goto(`${new URL("/", address).href}?q=${encodeURIComponent(WHEN)}`);
seen.overflow = await small.evaluate(() => document.documentElement.scrollWidth - innerWidth);
await check("phone", small);
await shot("phone", small);

const lost = await (await browser.newContext({ bypassCSP: true })).newPage();
await lost.goto(new URL("/", address).href);
seen.lost = await lost.textContent("h1");
await check("lost", lost);

const bare = await browser.newContext({
  javaScriptEnabled: false, storageState: await context.storageState(),
});
const plain = await bare.newPage();
await plain.goto(`${new URL("/", address).href}?q=${encodeURIComponent(WHEN)}`);
await plain.click("a.cite");
seen.withoutScript = await plain.textContent("#cited");
const written = await (await browser.newContext({
  viewport: { width: 960, height: 600 }, bypassCSP: true,
})).newPage();
written.on("pageerror", (error) => seen.errors.push(String(error)));
await written.goto(writing);
await written.goto(`${new URL("/", writing).href}?q=${encodeURIComponent(WHEN)}`);
seen.excerptsFirst = await written.locator("#c1").count();
await written.waitForSelector("#answer > .written");
seen.written = await written.textContent("#answer > .written");
seen.injected = await written.locator("#answer script, #answer img").count();
await check("written", written);
await shot("written", written);
await browser.close();
console.log(JSON.stringify(seen));
