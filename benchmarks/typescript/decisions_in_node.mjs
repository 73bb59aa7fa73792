// node decisions_in_node.mjs REGISTRY_JS GENAI_PRICES_JS: prints what was measured, as JSON.

import { pathToFileURL } from "node:url";

import { measured } from "./decisions.mjs";

const [registry, prices] = await Promise.all(
    process.argv.slice(2).map((path) => import(pathToFileURL(path).href)),
);
process.stdout.write(JSON.stringify(measured(registry, prices.findProvider)));
