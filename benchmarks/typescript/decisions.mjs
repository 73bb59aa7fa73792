// How long one decision takes beside others' ways to find a provider: the real manifest.

import { again, once, repeated } from "./timing.mjs";

const RUNTIME = "claude-code";
const ROUNDS = 101;
// New texts are asked about in passes of so many: few enough for the nearest caches.
const TEXTS = 1000;
const PASSES = 10;

// Ids that no menu has, as vendors write them; those that a prefix takes, and those that nothing does.
const UNLISTED = [
    "claude-3-7-sonnet-latest",
    "claude-3-5-haiku-20241022",
    "claude-2.1",
    "deepseek-chat",
    "deepseek-reasoner",
    "glm-4.6",
    "kimi-k2-thinking",
    "MiniMax-M2.1",
    "no-such-model",
    "my-own-finetune-7b",
    "zephyr:latest",
    "claud",
];

const throwing = (registry) => (id) => {
    try {
        return registry.deriveProvider(RUNTIME, id);
    } catch (error) {
        return error;
    }
};

/** The ids of each kind on which both sides agree that they know them, or do not. */
function questions(registry, findProvider) {
    const knows = (id) => findProvider({ modelId: id }) !== undefined;
    const derives = (id) => registry.tryDeriveProvider(RUNTIME, id).ok;
    const kinds = {
        listed: registry.modelsForRuntime(RUNTIME).filter(knows),
        prefix: UNLISTED.filter((id) => derives(id) && knows(id)),
        miss: UNLISTED.filter((id) => !derives(id) && !knows(id)),
    };
    for (const [kind, ids] of Object.entries(kinds)) {
        if (ids.length < 3) {
            throw new Error(`${kind}: only ${ids}`);
        }
    }
    return kinds;
}

const of = (texts, contenders) => contenders.map(([name, ask]) => ({ name, ask, texts }));

/** Return the ns of a question in each round, by kind and contender, and how many ids there are. */
export function measured(registry, findProvider) {
    const ids = questions(registry, findProvider);
    const known = new Map(
        registry.modelsForRuntime(RUNTIME).map((id) => [id, registry.deriveProvider(RUNTIME, id)]),
    );
    const derive = ["deriveProvider", (id) => registry.deriveProvider(RUNTIME, id)];
    const thrown = ["deriveProvider", throwing(registry)];
    const tried = ["tryDeriveProvider", (id) => registry.tryDeriveProvider(RUNTIME, id)];
    const get = ["one Map.get", (id) => known.get(id) ?? null];
    const find = ["findProvider", (id) => findProvider({ modelId: id }) ?? null];
    const texts = repeated(ids.listed, TEXTS);
    return {
        ids: Object.fromEntries(Object.entries(ids).map(([kind, found]) => [kind, found.length])),
        times: {
            "listed id": again(of(ids.listed, [derive, tried, get, find]), ROUNDS),
            "listed id, new text": once(of(texts, [derive, tried, get]), ROUNDS, PASSES),
            prefix: again(of(ids.prefix, [derive, tried, find]), ROUNDS),
            miss: again(of(ids.miss, [thrown, tried, find]), ROUNDS),
        },
    };
}
