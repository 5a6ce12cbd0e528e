// Photographs the schema at work in a real editor: writes docs/_static/editor-completion.png and editor-diagnostic.png.
//
//     npm ci --prefix docs/editor && node docs/editor/shoot.mjs
//
// CHROMIUM names the browser (default /usr/bin/chromium), QUARK the command whose `quark schema` is shown (default that
// of the virtual environment .venv).
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json" };
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const COMPLETION = `version: 1
weight: {dtype: int8, qscheme: per_channel}
input:
  dtype: uint8
  symmetric: false
  observer:
    name: |>
`;
const DIAGNOSTIC = `version: 1
weight: {dtype: int4, |>group_size: 32}
input: {dtype: int8}
layers:
  - match: type:Embedding
    skip: [input]
`;

/** Writes the page, its workers and the schema into `folder`. */
async function make(folder) {
  const entryPoints = {
    page: here("page.mjs"),
    editor: here("node_modules/monaco-editor/esm/vs/editor/editor.worker.js"),
    yaml: here("node_modules/monaco-yaml/yaml.worker.js"),
  };
  const loader = { ".ttf": "dataurl" };
  await build({ entryPoints, outdir: folder, bundle: true, format: "esm", loader, logLevel: "error" });
  writeFileSync(join(folder, "page.html"), readFileSync(here("page.html")));
  const quark = process.env.QUARK ?? here("../../.venv/bin/quark");
  writeFileSync(join(folder, "schema.json"), execFileSync(quark, ["schema"], { maxBuffer: 2 ** 26 }));
}

function serve(folder) {
  const server = createServer((asked, reply) => {
    const path = join(folder, new URL(asked.url, "http://localhost").pathname);
    if (!existsSync(path)) return reply.writeHead(404).end();
    return reply.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "text/plain" }).end(readFileSync(path));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function picture(page, name, height) {
  // Of a list or a box that unfolds, the last frame.
  await page.waitForTimeout(500);
  const path = here(`../_static/editor-${name}.png`);
  await page.screenshot({ path, clip: { x: 0, y: 0, width: 760, height } });
  console.log(`wrote ${path}`);
}

async function completion(page) {
  await page.evaluate((text) => window.show(text), COMPLETION);
  await page.evaluate(() => window.run("editor.action.triggerSuggest"));
  await page.getByRole("option", { name: /^percentile/ }).waitFor();
  await page.evaluate(() => window.run("toggleSuggestionDetails"));
  const words = page.getByText("Range that holds the given share").first();
  for (let step = 0; step < 20 && !(await words.isVisible()); step += 1) {
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(200);
  }
  await words.waitFor();
  await picture(page, "completion", 300);
  await page.keyboard.press("Escape");
}

async function diagnostic(page) {
  await page.evaluate((text) => window.show(text), DIAGNOSTIC);
  await page.waitForFunction(() => window.faults().length === 1);
  await page.locator(".squiggly-error, .squiggly-warning").first().waitFor();
  await page.evaluate(() => window.run("editor.action.marker.next"));
  await page.getByText("only applies to qscheme").first().waitFor();
  await picture(page, "diagnostic", 220);
}

const folder = mkdtempSync(join(tmpdir(), "quark-pictures-"));
await make(folder);
const server = await serve(folder);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 760, height: 400 }, deviceScaleFactor: 2 });
  page.on("pageerror", (error) => console.error(String(error)));
  await page.goto(`http://127.0.0.1:${server.address().port}/page.html`);
  await page.waitForFunction(() => window.show !== undefined);
  await completion(page);
  await diagnostic(page);
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}
