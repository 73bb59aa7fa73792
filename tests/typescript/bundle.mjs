// Bundles and minifies a module: node bundle.mjs FOLDER FORMAT, with the esbuild that is installed
// in the folder. It reads the module from the standard input, and prints the bundle.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const [folder, format] = process.argv.slice(2);
const { build } = createRequire(`${folder}/`)("esbuild");
const { outputFiles } = await build({
    stdin: { contents: await text(process.stdin), resolveDir: folder },
    bundle: true,
    minify: true,
    format,
    write: false,
});
process.stdout.write(outputFiles[0].text);
