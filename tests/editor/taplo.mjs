// taplo's language server, the one inside VS Code's Even Better TOML, run in this process: each question is a message
// to it. Schemas come from memory; it can read and fetch nothing else.
const ROOT = "file:///quark";
const PATIENCE_MS = 60_000;
const client = {
  textDocument: { completion: { completionItem: { documentationFormat: ["markdown"], snippetSupport: true } } },
  workspace: { configuration: true },
};

function environment(schemas) {
  // The example configs name this file in their first line.
  const known = { ...schemas, "quark.schema": schemas.published };
  const read = (uri) => {
    const schema = known[uri.slice(`${ROOT}/`.length).replace(/\.json$/, "")];
    if (schema === undefined) throw new Error(`offline: ${uri}`);
    return new TextEncoder().encode(JSON.stringify(schema));
  };
  return {
    now: () => new Date(),
    envVar: () => undefined,
    envVars: () => [],
    stdErrAtty: () => false,
    stdin: async () => new Uint8Array(),
    stdout: async (bytes) => bytes.length,
    stderr: async (bytes) => bytes.length,
    glob: () => [],
    readFile: async (path) => read(`file://${path}`),
    writeFile: async () => {},
    urlToFilePath: (url) => new URL(url).pathname,
    isAbsolute: (path) => path.startsWith("/"),
    cwd: () => "/quark",
    findConfigFile: () => undefined,
    fetch: { fetch: async (asked) => new Response(read(asked.url ?? asked)), Headers, Request, Response },
  };
}

function configuration(schemas) {
  const tie = (name) => [`^${ROOT}/${name}/.*\\.toml$`, `${ROOT}/${name}.json`];
  const associations = Object.fromEntries(Object.keys(schemas).map(tie));
  return { schema: { enabled: true, associations, catalogs: [] }, taplo: { configFile: { enabled: false } } };
}

/** Speaks the protocol: requests with their replies, and what is published about documents. */
async function connect(TaploLsp, schemas) {
  const waiting = new Map();
  const published = new Map();
  let serial = 0;
  const receive = (message) => {
    if (message.method === "workspace/configuration") {
      const result = message.params.items.map(() => configuration(schemas));
      queueMicrotask(() => server.send({ jsonrpc: "2.0", id: message.id, result }));
    } else if (message.method === "textDocument/publishDiagnostics") {
      published.get(message.params.uri)?.(message.params.diagnostics);
    } else if (waiting.has(message.id)) {
      waiting.get(message.id)(message);
      waiting.delete(message.id);
    }
  };
  const server = await TaploLsp.initialize(environment(schemas), { onMessage: receive });
  const notify = (method, params) => server.send({ jsonrpc: "2.0", method, params });
  const request = async (method, params) => {
    const id = ++serial;
    const reply = new Promise((resolve) => waiting.set(id, resolve));
    server.send({ jsonrpc: "2.0", id, method, params });
    const { result, error } = await reply;
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  };
  return { notify, request, published };
}

/** Starts a server that knows `schemas` by name; `open` gives it a document that belongs to one of them. */
export async function startTaplo(TaploLsp, schemas) {
  const { notify, request, published } = await connect(TaploLsp, schemas);
  const folders = { rootUri: ROOT, workspaceFolders: [{ uri: ROOT, name: "quark" }] };
  const initializationOptions = { configurationSection: "evenBetterToml" };
  const asked = { processId: null, ...folders, initializationOptions, capabilities: client };
  const { capabilities } = await request("initialize", asked);
  notify("initialized", {});
  const first = `${ROOT}/${Object.keys(schemas)[0]}/first.toml`;
  // It asks for its settings and says nothing when it has taken them in.
  while (!(await request("taplo/associatedSchema", { documentUri: first }))?.schema) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  let serial = 0;

  /** Resolves with what is finally said of a document: faults of syntax end the report, else the schema's come third. */
  const report = (uri) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`taplo said nothing of ${uri}`)), PATIENCE_MS);
      let parts = 0;
      published.set(uri, (diagnostics) => {
        parts += 1;
        if (diagnostics.length === 0 && parts < 3) return;
        clearTimeout(late);
        published.delete(uri);
        resolve(diagnostics);
      });
    });

  function open(name, text) {
    const uri = `${ROOT}/${name}/${++serial}.toml`;
    const textDocument = { uri };
    const said = report(uri);
    notify("textDocument/didOpen", { textDocument: { uri, languageId: "toml", version: 1, text } });
    return {
      diagnostics: () => said,
      complete: (position) => request("textDocument/completion", { textDocument, position }),
      hover: (position) => request("textDocument/hover", { textDocument, position }),
    };
  }
  return { open, capabilities };
}
