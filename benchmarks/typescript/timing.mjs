// Times contenders in turn, in one process, so that a machine whose speed wanders slows all of
// them. It needs nothing of Node: a browser can run it too.

/** How long one measured run is to take, in ms: few are interrupted, and a clock can tell them. */
const RUN = 2;

/** How many runs each contender has before they count. */
const WARM = 20;

/**
 * In Node, the ms that the process worked: what it waited for a busy machine does not count. A
 * browser has only the clock on the wall.
 */
function clock() {
    if (globalThis.process === undefined) {
        return performance.now();
    }
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
}

let made = 0;

/**
 * A new function for each use: an engine learns of each apart, as long as no two have one text,
 * for equal texts are compiled once, and share what was learnt.
 */
export function own(...parts) {
    made += 1;
    const body = parts.pop();
    return new Function(...parts, `/* ${made} */ ${body}`);
}

function loop() {
    return own(
        "ask",
        "texts",
        "passes",
        `let found = 0;
        for (let pass = 0; pass < passes; pass += 1) {
            for (let index = 0; index < texts.length; index += 1) {
                found += ask(texts[index]) === undefined ? 0 : 1;
            }
        }
        return found;`,
    );
}

export function shuffled(values) {
    const result = [...values];
    for (let index = result.length - 1; index > 0; index -= 1) {
        const other = Math.floor(Math.random() * (index + 1));
        [result[index], result[other]] = [result[other], result[index]];
    }
    return result;
}

/** The same text as a new string: the engine has not hashed it, nor met it as a key. */
export function anew(text) {
    const units = [];
    for (let index = 0; index < text.length; index += 1) {
        units.push(text.charCodeAt(index));
    }
    return String.fromCharCode(...units);
}

function timed(run, ask, texts, passes) {
    const started = clock();
    const found = run(ask, texts, passes);
    const took = clock() - started;
    if (found !== passes * texts.length) {
        throw new Error(`${passes * texts.length - found} of ${texts.length} had no answer`);
    }
    return took;
}

/** Return how many passes fill a run, once the engine has had the time of several to optimise. */
function passesFor(run, ask, texts) {
    let passes = 1;
    for (let warm = 0; warm < WARM * RUN; ) {
        const took = timed(run, ask, texts, passes);
        warm += took;
        passes *= took < RUN ? 2 : 1;
    }
    return Math.max(1, Math.ceil((passes * RUN) / timed(run, ask, texts, passes)));
}

/** Ask the same texts again and again; return the ns of a question in each round, by name. */
export function again(contenders, rounds) {
    const found = contenders.map(({ name, ask, texts }) => {
        const run = loop();
        return { name, ask, texts, run, passes: passesFor(run, ask, texts), times: [] };
    });
    for (let round = -WARM; round < rounds; round += 1) {
        for (const { ask, texts, run, passes, times } of shuffled(found)) {
            const took = timed(run, ask, texts, passes);
            if (round >= 0) {
                times.push((took * 1e6) / (passes * texts.length));
            }
        }
    }
    return Object.fromEntries(found.map(({ name, times }) => [name, times]));
}

/** Ask each text once, as a string that is new in each of the passes of a round. */
export function once(contenders, rounds, passes) {
    const found = contenders.map((contender) => ({ ...contender, run: loop(), times: [] }));
    for (let round = -1; round < rounds; round += 1) {
        for (const { ask, texts, run, times } of shuffled(found)) {
            let took = 0;
            for (let pass = 0; pass < passes; pass += 1) {
                took += timed(run, ask, shuffled(texts).map(anew), 1);
            }
            if (round >= 0) {
                times.push((took * 1e6) / (passes * texts.length));
            }
        }
    }
    return Object.fromEntries(found.map(({ name, times }) => [name, times]));
}

/** Repeat texts until there are enough of them for a clock. */
export function repeated(texts, count) {
    return Array.from({ length: Math.max(count, texts.length) }, (_, at) => texts[at % texts.length]);
}
