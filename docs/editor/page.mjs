// The page that is photographed: Monaco, the editor inside VS Code, with yaml-language-server behind it.
import * as monaco from "monaco-editor";
import { configureMonacoYaml } from "monaco-yaml";

self.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(label === "yaml" ? "yaml.js" : "editor.js", { type: "module" }),
};

const schema = await (await fetch("schema.json")).json();
configureMonacoYaml(monaco, {
  enableSchemaRequest: false,
  schemas: [{ uri: "file:///quark.schema.json", fileMatch: ["**/*.yaml"], schema }],
});

const editor = monaco.editor.create(document.getElementById("editor"), {
  model: monaco.editor.createModel("", "yaml", monaco.Uri.parse("file:///quark.yaml")),
  fontFamily: '"DejaVu Sans Mono", monospace',
  fontSize: 14,
  minimap: { enabled: false },
  scrollBeyondLastLine: false,
  occurrencesHighlight: "off",
  renderLineHighlight: "none",
  overviewRulerLanes: 0,
  cursorBlinking: "solid",
  fixedOverflowWidgets: true,
  quickSuggestions: false,
});

/** Shows `text` with the cursor where it has `|>`. */
window.show = (text) => {
  const offset = text.indexOf("|>");
  const model = editor.getModel();
  model.setValue(text.replace("|>", ""));
  editor.setPosition(model.getPositionAt(offset));
  editor.focus();
};
window.run = (command) => editor.trigger("page", command, {});
window.faults = () => monaco.editor.getModelMarkers({ owner: "yaml" }).map((marker) => marker.message);
