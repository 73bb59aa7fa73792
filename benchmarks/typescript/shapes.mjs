// Shapes that the table of a runtime's prefixes could have. Each takes rows, sorted by their folded
// key: [key, [[literal, owners], …]], and returns what answers one id. All give the same answers.

const lowerCode = (code) => (0x41 <= code && code <= 0x5a ? code + 0x20 : code);

function foldedUnit(unit) {
    if (unit < 0x80) {
        return lowerCode(unit);
    }
    return unit === 0x212a ? 0x6b : unit === 0x17f ? 0x73 : unit;
}

function folded(text) {
    let isAscii = true;
    for (let index = 0; isAscii && index < text.length; index += 1) {
        isAscii = text.charCodeAt(index) < 0x80;
    }
    if (isAscii) {
        return text.toLowerCase();
    }
    let result = "";
    for (let index = 0; index < text.length; index += 1) {
        result += String.fromCharCode(foldedUnit(text.charCodeAt(index)));
    }
    return result;
}

function fitting(model, variants = []) {
    for (const [literal, owners] of variants) {
        if (model.startsWith(literal)) {
            return owners;
        }
    }
    return undefined;
}

/** A Map of all keys, and the lengths to try for each first character: one look-up a length. */
function lengths(rows) {
    const prefixes = new Map(rows);
    const byHead = new Map();
    for (const [key] of rows) {
        const known = byHead.get(key.charAt(0)) ?? new Set();
        byHead.set(key.charAt(0), known.add(key.length));
    }
    for (const [head, known] of byHead) {
        byHead.set(head, [...known].sort((one, other) => other - one));
    }
    return (model) => {
        const key = folded(model);
        for (const length of byHead.get(key.charAt(0)) ?? []) {
            const owners = fitting(model, prefixes.get(key.slice(0, length)));
            if (owners !== undefined) {
                return owners;
            }
        }
        return fitting(model, prefixes.get(""));
    };
}

/** Whether the key stands before the id (-1) or behind it (1), or is a prefix of it (0). */
function compared(key, model) {
    for (let index = 0; index < key.length; index += 1) {
        if (index === model.length) {
            return 1;
        }
        const difference = key.charCodeAt(index) - foldedUnit(model.charCodeAt(index));
        if (difference !== 0) {
            return difference < 0 ? -1 : 1;
        }
    }
    return 0;
}

/** Sorted keys and a binary search; each key knows the longest other key that is a prefix of it. */
function sorted(rows) {
    const keys = rows.map(([key]) => key).sort((one, other) => (one < other ? -1 : 1));
    const byKey = new Map(rows);
    const variants = keys.map((key) => byKey.get(key));
    const shorter = new Int32Array(keys.length).fill(-1);
    const open = [];
    keys.forEach((key, index) => {
        while (open.length > 0 && !key.startsWith(keys[open.at(-1)])) {
            open.pop();
        }
        shorter[index] = open.at(-1) ?? -1;
        open.push(index);
    });
    return (model) => {
        let low = 0;
        let high = keys.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (compared(keys[middle], model) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (let index = low - 1; index >= 0; index = shorter[index]) {
            if (compared(keys[index], model) === 0) {
                const owners = fitting(model, variants[index]);
                if (owners !== undefined) {
                    return owners;
                }
            }
        }
        return undefined;
    };
}

/** The claims of rows, in a chain: the row that is tried first knows the one to try next. */
function chained(variants, next) {
    return variants.reduceRight((chain, [literal, owners]) => ({ literal, owners, next: chain }), next);
}

function claimed(model, claim) {
    for (let one = claim; one !== undefined; one = one.next) {
        if (model.startsWith(one.literal)) {
            return one.owners;
        }
    }
    return undefined;
}

/** A tree of Maps, from a code unit to the node below. */
function mapTree(rows) {
    const root = { below: new Map(), claim: undefined };
    for (const [key, variants] of rows) {
        let node = root;
        for (let index = 0; index < key.length; index += 1) {
            const unit = key.charCodeAt(index);
            let next = node.below.get(unit);
            if (next === undefined) {
                next = { below: new Map(), claim: node.claim };
                node.below.set(unit, next);
            }
            node = next;
        }
        node.claim = chained(variants, node.claim);
    }
    return (model) => {
        let node = root;
        for (let index = 0; index < model.length; index += 1) {
            const next = node.below.get(foldedUnit(model.charCodeAt(index)));
            if (next === undefined) {
                break;
            }
            node = next;
        }
        return claimed(model, node.claim);
    };
}

/** A tree of objects: each node knows the first node below it, and the next one beside it. */
function siblingTree(rows) {
    const node = (unit, claim) => ({ unit, claim, below: undefined, beside: undefined });
    const root = node(0, undefined);
    const child = (parent, unit) => {
        let one = parent.below;
        while (one !== undefined && one.unit !== unit) {
            one = one.beside;
        }
        return one;
    };
    for (const [key, variants] of rows) {
        let at = root;
        for (let index = 0; index < key.length; index += 1) {
            const unit = key.charCodeAt(index);
            let next = child(at, unit);
            if (next === undefined) {
                next = node(unit, at.claim);
                next.beside = at.below;
                at.below = next;
            }
            at = next;
        }
        at.claim = chained(variants, at.claim);
    }
    return (model) => {
        let at = root;
        for (let index = 0; index < model.length; index += 1) {
            const next = child(at, foldedUnit(model.charCodeAt(index)));
            if (next === undefined) {
                break;
            }
            at = next;
        }
        return claimed(model, at.claim);
    };
}

/** The same tree as a table: a row for each node, a column for each code unit that any key has. */
function denseArray(rows) {
    const columns = new Map();
    const ascii = new Uint8Array(128);
    let size = 1;
    for (const [key] of rows) {
        size += key.length;
        for (let index = 0; index < key.length; index += 1) {
            const unit = key.charCodeAt(index);
            if (!columns.has(unit)) {
                columns.set(unit, columns.size + 1);
            }
        }
    }
    for (let unit = 0; unit < 128; unit += 1) {
        ascii[unit] = columns.get(foldedUnit(unit)) ?? 0;
    }
    const column = (unit) => (unit < 128 ? ascii[unit] : (columns.get(foldedUnit(unit)) ?? 0));
    const width = columns.size + 1;
    let nodes = new Int32Array(size * width);
    const claims = [undefined];
    let end = width;
    for (const [key, variants] of rows) {
        let at = 0;
        for (let index = 0; index < key.length; index += 1) {
            const place = at + column(key.charCodeAt(index));
            if (nodes[place] === 0) {
                nodes[place] = end;
                nodes[end] = nodes[at];
                end += width;
            }
            at = nodes[place];
        }
        claims.push(chained(variants, claims[nodes[at]]));
        nodes[at] = claims.length - 1;
    }
    nodes = nodes.slice(0, end);
    return (model) => {
        let at = 0;
        for (let index = 0; index < model.length; index += 1) {
            const unit = column(model.charCodeAt(index));
            const next = unit === 0 ? 0 : nodes[at + unit];
            if (next === 0) {
                break;
            }
            at = next;
        }
        return claimed(model, claims[nodes[at]]);
    };
}

/** The same tree in a hash table: from a node and a code unit to the node below. */
function hashedTree(rows) {
    let bits = 4;
    const size = rows.reduce((sum, [key]) => sum + key.length, 0);
    while (1 << bits < 2 * size) {
        bits += 1;
    }
    // Three numbers a slot: the node above, the code unit, the node below, which is never 0.
    const slots = new Int32Array(3 << bits);
    const mask = (1 << bits) - 1;
    const claimOf = [undefined];
    const place = (node, unit) => {
        let at = (Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)) >>> 7 & mask;
        while (slots[3 * at + 2] !== 0 && (slots[3 * at] !== node || slots[3 * at + 1] !== unit)) {
            at = (at + 1) & mask;
        }
        return 3 * at;
    };
    for (const [key, variants] of rows) {
        let node = 0;
        for (let index = 0; index < key.length; index += 1) {
            const unit = key.charCodeAt(index);
            const at = place(node, unit);
            if (slots[at + 2] === 0) {
                slots.set([node, unit, claimOf.length], at);
                claimOf.push(claimOf[node]);
            }
            node = slots[at + 2];
        }
        claimOf[node] = chained(variants, claimOf[node]);
    }
    return (model) => {
        let node = 0;
        for (let index = 0; index < model.length; index += 1) {
            const next = slots[place(node, foldedUnit(model.charCodeAt(index))) + 2];
            if (next === 0) {
                break;
            }
            node = next;
        }
        return claimed(model, claimOf[node]);
    };
}

/** A base from which every unit leads to a free place, near the end of the row. */
function baseFor(taken, units) {
    let base = Math.max(1, taken.length - 64);
    while (units.some((unit) => taken[base + unit] !== undefined)) {
        base += 1;
    }
    return base;
}

/** The same tree in two rows of numbers: a step leads to the base of a place plus the unit. */
function packedTree(rows) {
    const root = { below: new Map(), claim: undefined };
    for (const [key, variants] of rows) {
        let node = root;
        for (let index = 0; index < key.length; index += 1) {
            const unit = key.charCodeAt(index);
            const next = node.below.get(unit) ?? { below: new Map(), claim: node.claim };
            node.below.set(unit, next);
            node = next;
        }
        node.claim = chained(variants, node.claim);
    }
    const [nodes, bases, befores, places] = [[root], [0], [0], [0]];
    for (const at of places) {
        const { below } = nodes[at];
        bases[at] = baseFor(nodes, [...below.keys()]);
        for (const [unit, node] of below) {
            const place = bases[at] + unit;
            nodes[place] = node;
            befores[place] = at;
            places.push(place);
        }
    }
    const baseOf = Int32Array.from(nodes, (_, at) => bases[at] ?? -1);
    const beforeOf = Int32Array.from(nodes, (_, at) => befores[at] ?? -1);
    return (model) => {
        let at = 0;
        for (let index = 0; index < model.length; index += 1) {
            const place = baseOf[at] + foldedUnit(model.charCodeAt(index));
            if (place >= beforeOf.length || beforeOf[place] !== at) {
                break;
            }
            at = place;
        }
        return claimed(model, nodes[at].claim);
    };
}

/** One pass that hashes the id as it goes; each key stands under the hash of its folded units. */
function rollingHash(rows) {
    let bits = 4;
    while (1 << bits < 2 * rows.length) {
        bits += 1;
    }
    const slots = new Array(1 << bits).fill(undefined);
    const mixed = (hash, unit) => Math.imul(hash ^ unit, 0x01000193);
    const slot = (hash) => Math.imul(hash, 0x9e3779b1) >>> (32 - bits);
    const ends = new Uint8Array(1 << 16);
    let longest = 0;
    for (const [key, variants] of rows) {
        let hash = 0x811c9dc5 | 0;
        for (let index = 0; index < key.length; index += 1) {
            hash = mixed(hash, key.charCodeAt(index));
        }
        const at = slot(hash);
        slots[at] = { hash, key, variants, next: slots[at] };
        longest = Math.max(longest, key.length);
        ends[key.length === 0 ? 0 : key.charCodeAt(key.length - 1)] = 1;
    }
    return (model) => {
        const size = Math.min(model.length, longest);
        let hash = 0x811c9dc5 | 0;
        let owners;
        for (let index = 0; index < size; index += 1) {
            const unit = foldedUnit(model.charCodeAt(index));
            hash = mixed(hash, unit);
            if (ends[unit] === 0) {
                continue;
            }
            for (let one = slots[slot(hash)]; one !== undefined; one = one.next) {
                const isIt =
                    one.hash === hash &&
                    one.key.length === index + 1 &&
                    compared(one.key, model) === 0;
                if (isIt) {
                    owners = fitting(model, one.variants) ?? owners;
                }
            }
        }
        return owners;
    };
}

export const SHAPES = new Map([
    ["a Map, one look-up per length", lengths],
    ["sorted keys, binary search", sorted],
    ["a rolling hash", rollingHash],
    ["a tree of Maps", mapTree],
    ["a tree of objects", siblingTree],
    ["a tree in a hash table", hashedTree],
    ["a tree as a table", denseArray],
    ["a tree in two rows (kept)", packedTree],
]);
