// node growth.mjs QUESTIONS_JSON: asks catalogs of several sizes in one process, each as many
// distinct questions as the others. The questions are
// {size: {module, runtime, listed: […], prefix: […], miss: […]}}.
// Prints the ns of a question in each round, by kind and size, as JSON.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { again, once, own, repeated } from "./timing.mjs";

const ROUNDS = 61;
// New texts are asked about in passes of so many: few enough for the nearest caches.
const TEXTS = 1000;
const PASSES = 10;
const SWEEPS = 7;

async function catalog([size, { module, runtime, listed, prefix, miss }]) {
    const registry = await import(pathToFileURL(module).href);
    const asking = own("derive", "runtime", "return (id) => derive(runtime, id);");
    const derive = asking(registry.tryDeriveProvider, runtime);
    const all = registry.modelsForRuntime(runtime);
    const kinds = { listed, prefix, miss };
    judge(size, kinds, derive, new Set(all));
    const known = new Map(all.map((id) => [id, registry.deriveProvider(runtime, id)]));
    const get = own("known", "return (id) => known.get(id);")(known);
    return { size, kinds, derive, all, get };
}

/** Fail where a question is not of its kind: then another path would be measured. */
function judge(size, kinds, derive, all) {
    const isOf = {
        listed: (id) => derive(id).ok && all.has(id),
        prefix: (id) => derive(id).ok && !all.has(id),
        miss: (id) => !derive(id).ok,
    };
    for (const [kind, isIt] of Object.entries(isOf)) {
        const odd = kinds[kind].find((id) => !isIt(id));
        if (odd !== undefined || new Set(kinds[kind]).size < kinds[kind].length) {
            throw new Error(`${size}, ${kind}: ${odd ?? "some question stands there twice"}`);
        }
    }
}

const asked = JSON.parse(await readFile(process.argv[2], "utf8"));
const catalogs = await Promise.all(Object.entries(asked).map(catalog));

const of = (ask, texts) =>
    catalogs.map((each) => ({ name: each.size, ask: each[ask], texts: texts(each) }));

const listed = ({ kinds }) => repeated(kinds.listed, TEXTS);
const sweep = ({ all }) => repeated(all, TEXTS);

process.stdout.write(
    JSON.stringify({
        listed: again(of("derive", ({ kinds }) => kinds.listed), ROUNDS),
        prefix: again(of("derive", ({ kinds }) => kinds.prefix), ROUNDS),
        miss: again(of("derive", ({ kinds }) => kinds.miss), ROUNDS),
        "listed: one Map.get": again(of("get", ({ kinds }) => kinds.listed), ROUNDS),
        "listed, new text": once(of("derive", listed), ROUNDS, PASSES),
        "all ids, new text": once(of("derive", sweep), SWEEPS, 1),
        "all ids, new text: one Map.get": once(of("get", sweep), SWEEPS, 1),
    }),
);
