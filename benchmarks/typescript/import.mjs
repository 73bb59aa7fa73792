// node import.mjs MODULE RUNTIME ID: prints how many ms the import takes, and then the first
// question, which makes the runtime's table.

import { pathToFileURL } from "node:url";

const [path, runtime, id] = process.argv.slice(2);
const started = performance.now();
const registry = await import(pathToFileURL(path).href);
const imported = performance.now();
registry.deriveProvider(runtime, id);
const answered = performance.now();
process.stdout.write(JSON.stringify({ import: imported - started, first: answered - imported }));
