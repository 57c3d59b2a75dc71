// Runs compile_archives.py in the very Python that the site ships: only that one writes bytecode which it will read.
// node compile_archives.mjs PYODIDE_FOLDER FOLDER_OF_ARCHIVES
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, archives] = process.argv.slice(2).map((folder) => resolve(folder));
const { loadPyodide } = await import(pathToFileURL(`${runtime}/pyodide.mjs`).href);
const pyodide = await loadPyodide({ indexURL: `${runtime}/` });
pyodide.mountNodeFS("/archives", archives);
try {
  pyodide.runPython(readFileSync(new URL("compile_archives.py", import.meta.url), "utf8"));
} catch (error) {
  console.error(error.message); // node would print all of Pyodide's source with it
  process.exit(1);
}
