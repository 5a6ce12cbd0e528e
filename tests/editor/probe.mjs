// Asks the engines of real editors what a person would see. Reads {schemas, annotations, cases} as JSON on stdin, writes
// one answer for each case to stdout. A case is {engine: "yaml" | "json" | "toml" | "ajv" | "capabilities", schema, text,
// fix?}; `|>` in the text is the cursor, `fix` the title of a quick fix to apply to the first diagnostic.
import { loadEngines } from "./engines.mjs";

const CURSOR = "|>";

// yaml-language-server escapes what markdown would read as markup.
const words = (text) =>
  [text]
    .flat()
    .map((part) => (typeof part === "string" ? part : (part?.value ?? "")))
    .join("\n")
    .replace(/\\([\\`*_{}[\]()#+\-.!<>~|])/g, "$1");

const spoken = (doc, found) =>
  (found ?? []).map((d) => ({ message: words(d.message), text: doc.getText(d.range), line: d.range.start.line }));

async function look({ engine, schema, text }, engines) {
  const offset = text.indexOf(CURSOR);
  const asked = await engines.open(engine, schema, text.replace(CURSOR, ""));
  const answer = { diagnostics: spoken(asked.doc, await asked.diagnostics()) };
  if (offset < 0) return answer;
  const at = asked.doc.positionAt(offset);
  const offered = await asked.complete(at);
  answer.offers = (offered?.items ?? offered ?? []).map((item) => ({
    label: item.label.replace(/^"(.*)"$/, "$1"),
    words: words(item.documentation),
    inserts: item.textEdit?.newText ?? item.insertText ?? item.label,
  }));
  answer.hover = words((await asked.hover(at))?.contents);
  return answer;
}

async function mend({ engine, schema, text, fix }, engines) {
  const asked = await engines.open(engine, schema, text);
  const [fault] = await asked.diagnostics();
  const actions = (await asked.fixes(fault)) ?? [];
  const chosen = actions.find((action) => action.title === fix);
  const answer = { titles: actions.map((action) => action.title), text, diagnostics: [] };
  if (!chosen) return answer;
  answer.text = engines.applied(asked.doc, chosen.edit.changes[asked.doc.uri]);
  const mended = await engines.open(engine, schema, answer.text);
  answer.diagnostics = spoken(mended.doc, await mended.diagnostics());
  return answer;
}

async function capabilities(engines) {
  const json = engines.require("vscode-json-languageservice").getLanguageService({});
  return { json: Object.keys(json), toml: Object.keys(await engines.tomlCapabilities()) };
}

function compile(Ajv, schema, annotations) {
  try {
    new Ajv({ strict: true, keywords: annotations }).compile(schema);
    return { error: null };
  } catch (error) {
    return { error: String(error) };
  }
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { schemas, annotations, cases } = JSON.parse(Buffer.concat(chunks).toString());
const engines = loadEngines(process.env.QUARK_NODE_MODULES, schemas);
const Ajv = engines.require("ajv").default;
const answers = [];
for (const one of cases) {
  if (one.engine === "ajv") answers.push(compile(Ajv, schemas[one.schema], annotations));
  else if (one.engine === "capabilities") answers.push(await capabilities(engines));
  else answers.push(await (one.fix === undefined ? look(one, engines) : mend(one, engines)));
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
