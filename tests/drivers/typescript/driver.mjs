// Answers conformance cases: node driver.mjs REGISTRY_JS CASES_JSON [REGISTRY_JS CASES_JSON …]
// One JSON line a case, in order, in the encoding of codegen/vectors.py.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { answer } from "./answers.mjs";

const paths = process.argv.slice(2);
if (paths.length === 0 || paths.length % 2 !== 0) {
    throw new Error("usage: node driver.mjs REGISTRY_JS CASES_JSON [REGISTRY_JS CASES_JSON …]");
}
for (let index = 0; index < paths.length; index += 2) {
    const registry = await import(pathToFileURL(resolve(paths[index])).href);
    const { cases } = JSON.parse(await readFile(paths[index + 1], "utf8"));
    const lines = cases.map((asked) => JSON.stringify(answer(registry, asked)) + "\n");
    process.stdout.write(lines.join(""));
}
