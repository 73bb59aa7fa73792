// Drives a page in Chromium: node driver.mjs CHROMIUM TASK_JSON, where the task is
// {"page": ADDRESS, "steps": [{"do": NAME, …}, …]}. It prints one line of JSON: what each step
// answers, what the browser complained about, and every address that the page asked for.

import { readFile } from "node:fs/promises";

import { chromium } from "playwright-core";

const ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const here = (path) => readFile(new URL(path, import.meta.url), "utf8");

/** What the cards say: who was chosen on which runtime and by which step, or why nobody was. */
function cardsOf() {
    return [...document.querySelectorAll("#cards > article")].map((card) => ({
        ...card.dataset,
        kind: card.classList[1],
        near: [...card.querySelectorAll(".near button")].map((button) => button.textContent),
    }));
}

const cards = (page) => page.evaluate(cardsOf);

/** Put a question into the form; what a form that holds `before` has already is left alone. */
async function fill(page, question, before = {}) {
    const { runtimes = [], model, auth_env: names = [], pinned = false } = question;
    if (String(runtimes) !== String(before.runtimes)) {
        for (const box of await page.locator("input[name=runtime]").all()) {
            await box.setChecked(runtimes.includes(await box.inputValue()));
        }
    }
    if (String(names) !== String(before.auth_env)) {
        await page.locator("#names").fill(names.join(" "));
    }
    if (pinned !== before.pinned) {
        await page.locator("#pinned").setChecked(pinned);
    }
    await page.locator("#query").fill(model);
}

const STEPS = {
    /** Ask the functions that the page uses itself. */
    async vectors(page, { cases }) {
        const source = await here("../drivers/typescript/answers.mjs");
        const functions = source.replace("export function", "function");
        await page.evaluate(`{${functions}; globalThis.answerCase = answer;}`);
        return page.evaluate(
            (asked) => asked.map((one) => globalThis.answerCase(globalThis.registry, one)),
            cases,
        );
    },

    /** Put questions into the form one after the other. */
    async typed(page, { questions }) {
        const answers = [];
        let before = {};
        for (const question of questions) {
            await fill(page, question, before);
            answers.push(await cards(page));
            before = question;
        }
        return answers;
    },

    /** Ask the same form in the page itself: no keys, but hundreds of questions a second. */
    async asked(page, { questions }) {
        await page.evaluate(`globalThis.cardsOf = ${cardsOf}`);
        return page.evaluate((all) => {
            const at = (id) => document.getElementById(id);
            const boxes = [...document.querySelectorAll("input[name=runtime]")];
            return all.map(({ runtimes, model, auth_env: names, pinned }) => {
                boxes.forEach((box) => (box.checked = runtimes.includes(box.value)));
                at("names").value = names.join(" ");
                at("pinned").checked = pinned;
                at("query").value = model;
                at("query").dispatchEvent(new Event("input"));
                return globalThis.cardsOf();
            });
        }, questions);
    },

    async fill(page, question) {
        await fill(page, question);
        return cards(page);
    },

    async keys(page, { keys = [], text = "" }) {
        for (const key of keys) {
            await page.keyboard.press(key);
        }
        await page.keyboard.type(text);
    },

    async focused(page) {
        return page.evaluate(() => {
            const { id, tagName, dataset, textContent } = document.activeElement;
            const outline = getComputedStyle(document.activeElement).outlineStyle;
            return { id, tag: tagName, ...dataset, text: textContent.trim().slice(0, 80), outline };
        });
    },

    /** Show each arm of the grid in turn; answer what its card says, term by term. */
    async arms(page) {
        const answers = [];
        for (const link of await page.locator("a.arm").all()) {
            await link.click();
            const card = page.locator("#cards > article");
            const terms = await card.locator("dl > div").evaluateAll((rows) =>
                rows.map((row) => [
                    row.querySelector("dt").textContent,
                    row.querySelector("dd").innerText,
                ]),
            );
            answers.push({ ...(await cards(page))[0], terms });
        }
        return answers;
    },

    async click(page, { selector }) {
        await page.locator(selector).first().click();
    },

    async goto(page, { address }) {
        await page.goto(address);
    },

    cards,

    async text(page, { selector }) {
        return page.locator(selector).allInnerTexts();
    },

    /** Wait until the answer is said aloud. */
    async said(page, { text }) {
        await page.locator("#status").filter({ hasText: text }).waitFor({ timeout: 5000 });
        return page.locator("#status").innerText();
    },

    /** Wait as long as the page waits for the typing to pause, and somewhat longer. */
    async pause(page) {
        await page.waitForTimeout(400);
    },

    /** A page hears of a changed scheme some frames later. Who listens last hears last. */
    async look(page, { width, height, scheme }) {
        await page.setViewportSize({ width, height });
        const heard = page.evaluate(
            (isDark) =>
                new Promise((resolve) => {
                    const darkness = matchMedia("(prefers-color-scheme: dark)");
                    darkness.addEventListener("change", () => resolve(), { once: true });
                    if (darkness.matches === isDark) {
                        resolve();
                    }
                }),
            scheme === "dark",
        );
        await page.emulateMedia({ colorScheme: scheme });
        await heard;
    },

    /** How far the page is wider than the window. */
    async overflow(page) {
        return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    },

    async value(page, { expression }) {
        return page.evaluate(expression);
    },

    async shot(page, { file, full = true }) {
        await page.screenshot({ path: file, fullPage: full });
    },

    /** Judge the accessibility of what is shown. */
    async axe(page) {
        await page.evaluate(await here("node_modules/axe-core/axe.min.js"));
        return page.evaluate(async () => {
            const { violations, incomplete, passes } = await globalThis.axe.run(document);
            const told = ({ id, help, nodes }) => ({ id, help, at: nodes.map((node) => node.html) });
            return {
                violations: violations.map(told),
                incomplete: incomplete.map(told),
                passes: passes.length,
            };
        });
    },
};

async function run(page, { page: address, steps }) {
    const complaints = [];
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
    page.on("console", (said) => {
        if (said.type() === "error" || said.type() === "warning") {
            complaints.push(said.text());
        }
    });
    await page.goto(address);
    const answers = [];
    for (const { do: name, ...arguments_ } of steps) {
        answers.push((await STEPS[name](page, arguments_)) ?? null);
    }
    return { answers, complaints, requests };
}

const [executablePath, file] = process.argv.slice(2);
const task = JSON.parse(await readFile(file, "utf8"));
// Playwright gives each browser a new, empty folder for its data, and leaves out the sandbox.
const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    process.stdout.write(JSON.stringify(await run(page, task)) + "\n");
} finally {
    await browser.close();
}
