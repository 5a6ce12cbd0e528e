// The engines of real editors behind one face: `open(engine, schema, text)` gives a document that can be asked for its
// diagnostics, and for completions, a hover text and quick fixes at a place.
import { createRequire } from "node:module";

import { startTaplo } from "./taplo.mjs";

const client = {
  textDocument: {
    completion: { completionItem: { documentationFormat: ["markdown", "plaintext"], snippetSupport: true } },
  },
};
const offline = async (uri) => {
  throw new Error(`offline: ${uri}`);
};
const context = { resolveRelativePath: (relative, base) => new URL(relative, base).toString() };
const shared = { schemaRequestService: offline, workspaceContext: context, clientCapabilities: client };

// Both engines write into the schema that they are given.
const tied = (schema) => [{ uri: "file:///quark.schema.json", fileMatch: ["*"], schema: structuredClone(schema) }];

function jsonService(json, schema) {
  const made = json.getLanguageService(shared);
  made.configure({ validate: true, schemas: tied(schema) });
  return (doc) => ({
    diagnostics: () => made.doValidation(doc, made.parseJSONDocument(doc)),
    complete: (at) => made.doComplete(doc, at, made.parseJSONDocument(doc)),
    hover: (at) => made.doHover(doc, at, made.parseJSONDocument(doc)),
  });
}

function yamlService(yaml, schema) {
  const made = yaml.getLanguageService(shared);
  const on = { validate: true, hover: true, completion: true, customTags: [], hoverSchemaSource: false };
  made.configure({ ...on, schemas: tied(schema) });
  return (doc) => ({
    diagnostics: () => made.doValidation(doc, false),
    complete: (at) => made.doComplete(doc, at, false),
    hover: (at) => made.doHover(doc, at),
    fixes: (diagnostic) => {
      const asked = { range: diagnostic.range, context: { diagnostics: [diagnostic] } };
      return made.getCodeAction(doc, { textDocument: { uri: doc.uri }, ...asked });
    },
  });
}

/** Loads the engines from `nodeModules`; each takes in a schema the first time that a document needs it. */
export function loadEngines(nodeModules, schemas) {
  const require = createRequire(`${nodeModules}/`);
  const { TextDocument } = require("vscode-languageserver-textdocument");
  const services = new Map();
  let taplo;
  let serial = 0;

  const service = (engine, name) => {
    const key = `${engine} ${name}`;
    if (!services.has(key)) {
      const made =
        engine === "json"
          ? jsonService(require("vscode-json-languageservice"), schemas[name])
          : yamlService(require("yaml-language-server"), schemas[name]);
      services.set(key, made);
    }
    return services.get(key);
  };
  const startedTaplo = () => (taplo ??= startTaplo(require("@taplo/lsp").TaploLsp, schemas));

  async function open(engine, name, text) {
    // A fresh name for each document, since yaml-language-server keeps parsed ones by name.
    const doc = TextDocument.create(`file:///${++serial}.${engine}`, engine, 1, text);
    const asked = engine === "toml" ? (await startedTaplo()).open(name, text) : service(engine, name)(doc);
    return { doc, ...asked };
  }
  const applied = (doc, edits) => TextDocument.applyEdits(doc, edits);
  return { require, open, applied, tomlCapabilities: async () => (await startedTaplo()).capabilities };
}
