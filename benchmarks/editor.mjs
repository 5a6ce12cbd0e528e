// Times one engine of editors with one schema. Reads {engine, schema, text, rounds} as JSON on stdin, with `|>` for the
// cursor in the text. Writes {load, first, later: []} to stdout, in milliseconds.
import { loadEngines } from "../tests/editor/engines.mjs";

const CURSOR = "|>";
const SCHEMA = "quark";
const VERSION = { yaml: "version: 1\n", json: '{"version": 1}\n', toml: "version = 1\n" };

/** Asks for everything that an editor shows of a document, and returns how long that took. */
async function answer(engines, engine, text) {
  const offset = text.indexOf(CURSOR);
  const start = performance.now();
  const asked = await engines.open(engine, SCHEMA, text.replace(CURSOR, ""));
  const at = asked.doc.positionAt(offset);
  const found = await asked.diagnostics();
  const offered = await asked.complete(at);
  const hover = await asked.hover(at);
  const spent = performance.now() - start;
  const offers = (offered?.items ?? offered ?? []).length;
  // An engine that has not understood the schema is fast.
  if (found.length !== 1 || offers < 20 || !hover?.contents) {
    throw new Error(`${engine}: ${found.length} diagnostics, ${offers} offers, hover ${Boolean(hover)}`);
  }
  return spent;
}

/** Starts one engine and has it load a schema; the engine's own start is not counted. */
async function contestant({ engine, schema, text }) {
  const engines = loadEngines(process.env.QUARK_NODE_MODULES, { none: {}, [SCHEMA]: schema });
  await (await engines.open(engine, "none", "")).diagnostics();
  const start = performance.now();
  await (await engines.open(engine, SCHEMA, VERSION[engine])).diagnostics();
  const load = performance.now() - start;
  let serial = 0;
  // A new text each time, so that nothing is remembered of the last.
  const ask = () => answer(engines, engine, text.replace("LAYER", `layer${++serial}`));
  return { load, first: await ask(), later: [], ask };
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const request = JSON.parse(Buffer.concat(chunks).toString());
const { ask, ...figures } = await contestant(request);
for (let round = 0; round < request.rounds; round += 1) figures.later.push(await ask());
process.stdout.write(JSON.stringify(figures), () => process.exit(0));
