// node shapes_in_node.mjs TABLES_JSON: times the shapes of shapes.mjs on the rows of tables, after
// asking all of them the same. The tables are {name: {rows: […], questions: {kind: [id, …]}}}.
// Prints the ns of a question in each round, by table and kind and by shape, as JSON.

import { readFile } from "node:fs/promises";

import { SHAPES } from "./shapes.mjs";
import { again } from "./timing.mjs";

const ROUNDS = 31;

const answers = ({ ask, texts }) => JSON.stringify(texts.map((id) => ask(id) ?? null));

const times = {};
for (const [table, { rows, questions }] of Object.entries(
    JSON.parse(await readFile(process.argv[2], "utf8")),
)) {
    for (const [kind, texts] of Object.entries(questions)) {
        const contenders = [...SHAPES].map(([name, shape]) => {
            const match = shape(rows);
            return { name, texts, ask: (id) => match(id) ?? null };
        });
        if (new Set(contenders.map(answers)).size !== 1) {
            throw new Error(`${table}, ${kind}: the shapes differ`);
        }
        times[`${table}: ${kind}`] = again(contenders, ROUNDS);
    }
}
process.stdout.write(JSON.stringify(times));
