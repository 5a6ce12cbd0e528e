// Asks the engines of real editors what a person would see. Reads {schema, cases} as JSON on stdin, writes one answer
// for each case to stdout. A case is {engine: "yaml" | "json" | "ajv", text, schema?}; `|>` in the text is the cursor.
import { createRequire } from "node:module";

const require = createRequire(process.env.QUARK_NODE_MODULES + "/");
const Ajv = require("ajv").default;
const json = require("vscode-json-languageservice");
const yaml = require("yaml-language-server");
const { TextDocument } = require("vscode-languageserver-textdocument");

const CURSOR = "|>";
const client = {
  textDocument: {
    completion: { completionItem: { documentationFormat: ["markdown", "plaintext"], snippetSupport: true } },
  },
};
const offline = async (uri) => {
  throw new Error(`offline: ${uri}`);
};
const context = { resolveRelativePath: (relative, base) => new URL(relative, base).toString() };
let serial = 0;

function service(engine, schema) {
  const shared = { schemaRequestService: offline, workspaceContext: context, clientCapabilities: client };
  // Both engines write into the schema that they are given.
  const schemas = [{ uri: "file:///quark.schema.json", fileMatch: ["*"], schema: structuredClone(schema) }];
  if (engine === "json") {
    const made = json.getLanguageService(shared);
    made.configure({ validate: true, schemas });
    return {
      diagnostics: (doc) => made.doValidation(doc, made.parseJSONDocument(doc)),
      complete: (doc, at) => made.doComplete(doc, at, made.parseJSONDocument(doc)),
      hover: (doc, at) => made.doHover(doc, at, made.parseJSONDocument(doc)),
    };
  }
  const made = yaml.getLanguageService(shared);
  made.configure({ validate: true, hover: true, completion: true, customTags: [], hoverSchemaSource: false, schemas });
  return {
    diagnostics: (doc) => made.doValidation(doc, false),
    complete: (doc, at) => made.doComplete(doc, at, false),
    hover: (doc, at) => made.doHover(doc, at),
  };
}

// yaml-language-server escapes what markdown would read as markup.
const words = (text) =>
  [text]
    .flat()
    .map((part) => (typeof part === "string" ? part : (part?.value ?? "")))
    .join("\n")
    .replace(/\\([\\`*_{}[\]()#+\-.!<>~|])/g, "$1");

async function ask({ engine, text }, schema) {
  const offset = text.indexOf(CURSOR);
  // A fresh name for each document, since yaml-language-server keeps parsed ones by name.
  const doc = TextDocument.create(`file:///${++serial}.${engine}`, engine, 1, text.replace(CURSOR, ""));
  const asked = service(engine, schema);
  const found = (await asked.diagnostics(doc)) ?? [];
  const answer = {
    diagnostics: found.map((d) => ({ message: words(d.message), text: doc.getText(d.range), line: d.range.start.line })),
  };
  if (offset >= 0) {
    const at = doc.positionAt(offset);
    const offered = (await asked.complete(doc, at))?.items ?? [];
    answer.offers = offered.map((item) => ({
      label: item.label.replace(/^"(.*)"$/, "$1"),
      words: words(item.documentation),
      inserts: item.textEdit?.newText ?? item.insertText ?? item.label,
    }));
    answer.hover = words((await asked.hover(doc, at))?.contents);
  }
  return answer;
}

function compile(schema, annotations) {
  try {
    const ajv = new Ajv({ strict: true, keywords: annotations });
    ajv.compile(schema);
    return { error: null };
  } catch (error) {
    return { error: String(error) };
  }
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { schemas, annotations, cases } = JSON.parse(Buffer.concat(chunks).toString());
const answers = [];
for (const one of cases) {
  const schema = schemas[one.schema];
  answers.push(one.engine === "ajv" ? compile(schema, annotations) : await ask(one, schema));
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
