"""The page of `matrix`, in a real Chromium: it decides as the artifact does, for everybody.

Whatever a test does, the browser must have nothing to complain about, and the page must ask for
nothing but itself. Screenshots of the states that people see are kept in tests/.artifacts/page.
"""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from codegen import matrix, pipeline, routing
from codegen.canonical import fingerprint
from codegen.ir import Protocol, Provider, Registry
from codegen.options import Options
from codegen.quote import visible
from codegen.vectors import vectors
from tests import toolchains
from tests.builds import EVERYTHING, MANIFEST, ROOT, options, registry_of
from tests.languages import Json, disagreements, needed
from tests.strategies import HOSTILE_PIECES, manifest, provider

SHOTS = ROOT / "tests" / ".artifacts" / "page"

# Texts that would leave the script, the style, an attribute, or their line, were they let.
_LEAVING = (
    "</script>",
    "</SCRIPT >",
    "<!--",
    "<!-- <script>",
    "-->",
    "</style>",
    "]]>",
    '" onclick="x',
    "'><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp;",
    "{{ x }}",
    "`${x}`",
    "\\u003c",
    "\u202eright to left\u202c",
    "\u05d0\u05d1\u05d2 \u0627\u0644",
    "a\u2028b\u2029c",
    "\u200f\u200e\u061c",
    "\U0001f600",
    "__proto__",
)


def _hostile() -> str:
    """Return a manifest whose every text tries to be something else."""
    pieces = [*_LEAVING, *HOSTILE_PIECES]
    ids = [f"{number}{piece}{number}" for number, piece in enumerate(pieces)]
    entries = [
        provider("platform", "^platform/", auth_env=["PLATFORM_KEY"], display_name="".join(pieces)),
        provider(
            "acme",
            "^(acme-|</script>|<!--)",
            display_name="</script><script>alert(1)</script>",
            tooltip="".join(pieces),
            base_url_anthropic="https://{host}.example/v1",
            endpoint_vars={"host": {"env": "ACME_HOST"}},
            upstream_vendor="</script>",
            examples=["acme-</script>"],
            wire_model_prefix="<!--",
            deprecated={"note": "</style>\u202e", "replacement": "platform"},
        ),
    ]
    gone = [{"id": "gone</script>", "reason": "<!--\u2028", "replacement": ids[0]}]
    arms = [
        {"name": "platform", "models": ids[::2]},
        {"name": "acme", "models": ids[1::2], "withdrawn_models": gone},
    ]
    return manifest(entries, {"agent": {"providers": arms, "default_model": ids[0]}})


def _many() -> str:
    """Return a manifest of hundreds of providers and a dozen runtimes."""
    entries = [provider(f"vendor-{n}", f"^v{n}/", auth_env=[f"V{n}_KEY"]) for n in range(300)]
    runtimes = {
        f"runtime-{number}": {
            "providers": [
                {"name": f"vendor-{n}", **({"models": [f"v{n}/a", f"v{n}/b"]} if n % 2 else {})}
                for n in range(number, 300, 12)
            ]
        }
        for number in range(12)
    }
    return manifest(entries, runtimes)


TEXTS = {
    "real": MANIFEST.read_text(encoding="utf-8"),
    "everything": EVERYTHING.read_text(encoding="utf-8"),
    "hostile": _hostile(),
    "many": _many(),
}
each_manifest = pytest.mark.parametrize("name", ["real", "everything", "hostile"])


@cache
def registry(name: str) -> Registry:
    return registry_of(TEXTS[name])


@cache
def page(name: str) -> str:
    found = registry(name)
    return pipeline.matrix_page(found, matrix.matrix(found), options(Path("generated")))


# the browser


class Browser:
    """Pages in Chromium, each in a browser of its own."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def address(self, name: str, text: str | None = None) -> str:
        path = self.work / f"{name}.html"
        path.write_text(page(name) if text is None else text, encoding="utf-8")
        return path.as_uri()

    def raw(self, address: str, steps: Sequence[Json]) -> Json:
        how = "`make test` takes it from PATH, or as root from the packages of Debian"
        chromium = needed(toolchains.chromium(), "Chromium", how)
        driver = needed(toolchains.chromium_driver(), "what drives Chromium")
        task = self.work / "task.json"
        task.write_text(json.dumps({"page": address, "steps": steps}), encoding="utf-8")
        command = [needed(toolchains.node(), "node"), driver, chromium, str(task)]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr[-4000:]
        told: Json = json.loads(done.stdout)
        return told

    def ask(self, name: str, *steps: Json) -> list[Any]:
        """Take steps on a page, which must be quiet and keep to itself."""
        address = self.address(name)
        told = self.raw(address, steps)
        assert told["complaints"] == []
        assert {asked.partition("#")[0] for asked in told["requests"]} == {address}
        answers: list[Any] = told["answers"]
        assert len(answers) == len(steps)
        return answers


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


def shot(name: str, *, full: bool = False) -> Json:
    SHOTS.mkdir(parents=True, exist_ok=True)
    return {"do": "shot", "file": str(SHOTS / f"{name}.png"), "full": full}


def look(width: int, height: int, scheme: str = "light") -> Json:
    return {"do": "look", "width": width, "height": height, "scheme": scheme}


# what it decides


@each_manifest
def test_page_answers_every_vector_as_the_reference_does(
    name: str, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: list[Json] = json.loads(json.dumps(list(vectors(registry(name)))))
    (answers,) = browser.ask(name, {"do": "vectors", "cases": cases})
    assert disagreements(cases, answers) == []
    with capsys.disabled():
        print(f"\npage in Chromium: {len(answers):,} of {len(cases):,} answers agree ({name})")


def _is_typable(case: Json, known: set[str]) -> bool:
    """Tell whether the form can ask a case: an input has one line, and names are words."""
    args = case["args"]
    is_decision = case["fn"] in ("derive_provider", "derive_provider_for_pin")
    if not is_decision or args["runtime"] not in known or not args["model"]:
        return False
    is_one_line = not re.search("[\r\n]", args["model"])
    return is_one_line and all(re.fullmatch(r"\w+", each) for each in args["auth_env"])


def _wanted_card(found: Registry, case: Json) -> Json:
    """Return what a card must say: by the expected answer, and the step by the reference."""
    args, want = case["args"], case["want"]
    if "error" in want:
        near = want["error"].get("suggestions", [])
        return {
            "runtime": args["runtime"],
            "code": want["error"]["code"],
            "kind": "refused",
            "near": [visible(model) for model in near],
        }
    is_pinned = case["fn"].endswith("pin")
    trace = routing.trace(found, args["runtime"], args["model"], args["auth_env"], pinned=is_pinned)
    is_new = routing.validate_model(found, args["runtime"], args["model"]).verdict
    step = "withdrawn" if is_new == "withdrawn" else "listed" if trace.listed else "pattern"
    chosen = found.provider(want["value"])
    assert chosen is not None
    kind = "platform" if chosen.is_platform else "byok"
    return {
        "runtime": args["runtime"],
        "provider": chosen.name,
        "step": step,
        "kind": kind,
        "near": [],
    }


@each_manifest
def test_search_box_answers_what_is_typed_as_the_reference_does(
    name: str, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    found = registry(name)
    known = {str(runtime.name) for runtime in found.runtimes}
    all_cases: list[Json] = json.loads(json.dumps(list(vectors(found))))
    cases = [case for case in all_cases if _is_typable(case, known)]
    cases.sort(key=lambda case: (case["fn"], case["args"]["runtime"], case["args"]["auth_env"]))
    questions = [
        {
            "runtimes": [case["args"]["runtime"]],
            "model": case["args"]["model"],
            "auth_env": case["args"]["auth_env"],
            "pinned": case["fn"].endswith("pin"),
        }
        for case in cases
    ]
    # Keys take their time: some hundred questions, spread over all, are typed.
    typed = questions[:: max(1, len(questions) // 300)]
    keyed, answers = browser.ask(
        name, {"do": "typed", "questions": typed}, {"do": "asked", "questions": questions}
    )
    wanted = [[_wanted_card(found, case)] for case in cases]
    triples = zip(questions, answers, wanted, strict=True)
    assert [triple for triple in triples if triple[1] != triple[2]] == []
    assert keyed == wanted[:: max(1, len(questions) // 300)]
    assert len(typed) >= (300 if name == "real" else 100)
    with capsys.disabled():
        print(f"\nsearch box: {len(cases):,} questions agree, {len(typed)} of them typed ({name})")


def test_search_box_asks_all_runtimes_where_none_is_chosen(browser: Browser) -> None:
    (cards,) = browser.ask("real", {"do": "fill", "model": "  moonshot/kimi-k2.6\u3000"})
    routed = {card["runtime"]: card["provider"] for card in cards if "provider" in card}
    refused = {card["runtime"]: card["code"] for card in cards if "code" in card}
    assert routed == dict.fromkeys(("claude-code", "hermes", "openclaw"), "platform")
    assert refused == dict.fromkeys(("codex", "google-adk"), "unregistered_model")


_TIE = "Listed by the arm of openai-subscription and openai-api."
REASONS = [
    ({"model": "gpt-5.5"}, f"{_TIE} No variable is set, so the first declared stands."),
    (
        {"model": "gpt-5.5", "auth_env": ["OPENAI_API_KEY"]},
        f"{_TIE} Of them only openai-api takes OPENAI_API_KEY, which is set.",
    ),
    (
        {"model": "gpt-5.5", "auth_env": ["OPENAI_API_KEY", "CODEX_AUTH_JSON"]},
        f"{_TIE} The variables do not tell them apart, so the first declared stands.",
    ),
    (
        {"model": "gpt-9"},
        "On no menu here; it matches the pattern ^gpt- of openai-subscription.",
    ),
]


@pytest.mark.parametrize(("question", "sentence"), REASONS)
def test_panel_says_why(question: Json, sentence: str, browser: Browser) -> None:
    steps = ({"do": "fill", "runtimes": ["codex"], **question}, _text("#cards > article > p"))
    assert browser.ask("real", *steps)[1] == [sentence]


def _text(selector: str) -> Json:
    return {"do": "text", "selector": selector}


def test_refusal_says_what_would_help_and_a_click_asks_for_it(browser: Browser) -> None:
    ambiguous = {"do": "fill", "runtimes": ["ties"], "model": "tie-thing"}
    gone = {"do": "fill", "runtimes": ["ties"], "model": "gone-told"}
    said = browser.ask(
        "everything",
        ambiguous,
        _text("#cards p"),
        {"do": "click", "selector": "#cards p:nth-of-type(2) button"},
        {"do": "cards"},
        gone,
        _text("#cards p"),
        {"do": "click", "selector": "#cards button"},
        {"do": "cards"},
    )
    assert said[1] == [
        'model "tie-thing" is ambiguous on runtime "ties": tie-one, tie-two.',
        "For tie-one set TIE_ONE_KEY or TIE_SHARED_KEY",
        "For tie-two set TIE_TWO_KEY, TIE_SHARED_KEY, VENDOR_TOKEN or VENDOR_KEY",
    ]
    assert said[3][0]["provider"] == "tie-one"
    assert said[5][:3] == [
        'model "gone-told" is withdrawn on runtime "ties"; use "both" instead.',
        'Because: it "left"',
        "Use instead both",
    ]
    assert said[7][0]["provider"] == "tie-one"


# what it says of an arm


def _surfaces(found: Provider) -> list[str]:
    with_url = [each.value for each in Protocol if found.base_url(each) is not None]
    return with_url or [found.protocol.value]


def _endpoint_text(registry_: Registry, found: Provider) -> list[str]:
    lines = []
    for protocol in Protocol:
        url = found.base_url(protocol)
        if url is None:
            continue
        try:
            lines.append(f"{protocol} {routing.endpoint(registry_, found.name, protocol, {})}")
        except routing.RefusalError as refusal:
            lines.append(f"{protocol} {url} needs {' and '.join(refusal.names)}")
    lines = lines or ["None in the manifest: the workspace or the runtime brings its own."]
    for variable in found.endpoint_vars:
        known = f", else {variable.default or 'nothing'}"
        known = ", which must be set" if variable.default is None else known
        lines.append(f"{{{variable.placeholder}}} from {variable.env}{known}")
    return lines


def _credential_text(registry_: Registry, found: Provider) -> list[str]:
    lines, along = [], dict[str, None]()
    for name in found.auth_env:
        lines.append(str(name))
        headers: dict[str, list[str]] = {}
        for protocol in _surfaces(found):
            try:
                sent = routing.select_credential(registry_, found.name, protocol, [[name]])
            except routing.RefusalError as refusal:
                along[f"{refusal.message}."] = None
                continue
            headers.setdefault(f"{sent.header}: {sent.prefix}…", []).append(protocol)
            for header, value in sent.extra_headers:
                along[f"With it {header}: {value} on {protocol}"] = None
        lines += [f"{header} on {' and '.join(on)}" for header, on in headers.items()]
    return [*lines, *along]


@pytest.mark.parametrize("name", ["real", "everything"])
def test_panel_says_of_each_arm_what_the_reference_says(name: str, browser: Browser) -> None:
    found = registry(name)
    (cards,) = browser.ask(name, {"do": "arms"})
    by_place = {(card["arm"], card["provider"]): card for card in cards}
    places = [(runtime, *pair) for runtime in found.runtimes for pair in found.arms(runtime)]
    assert set(by_place) == {(runtime.name, owner.name) for runtime, _, owner in places}
    for runtime, arm, owner in places:
        card = by_place[(runtime.name, owner.name)]
        terms = {term: text.split("\n") for term, text in card["terms"]}
        assert card["kind"] == ("platform" if owner.is_platform else "byok")
        listed = [ids for term, ids in terms.items() if "listed id" in term]
        gone = [ids for term, ids in terms.items() if "withdrawn id" in term]
        assert listed == ([[visible(model) for model in arm.models]] if arm.models else [])
        assert gone == ([[visible(each.id) for each in arm.withdrawn]] if arm.withdrawn else [])
        pattern = "And what matches" if arm.models else "Only what matches"
        assert terms[pattern] == [owner.pattern.text]
        assert terms["Endpoint"] == _endpoint_text(found, owner)
        told = terms["Accepted credentials, the best first"]
        assert told == _credential_text(found, owner)


# what it is made of


class Reader(HTMLParser):
    """What a page holds, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside][-1] += data
        else:
            self.words.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [
            value
            for name, attributes in self.attributes
            if name == tag and (value := attributes.get(attribute)) is not None
        ]

    @property
    def policy(self) -> str:
        return next(
            attributes["content"] or ""
            for _, attributes in self.attributes
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )


@pytest.mark.parametrize("name", list(TEXTS))
def test_page_lets_exactly_its_own_program_and_style_run(name: str) -> None:
    read = Reader(page(name))
    (program,), (style,) = (read.raw["script"], read.raw["style"])
    hashes = [
        b64encode(sha256(text.encode("utf-8")).digest()).decode() for text in (program, style)
    ]
    assert read.policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("name", list(TEXTS))
def test_page_has_no_handler_no_style_of_an_element_and_no_address_but_its_own(name: str) -> None:
    read = Reader(page(name))
    names = {key for _, attributes in read.attributes for key in attributes}
    assert not [key for key in names if key.startswith("on") or key in ("style", "src", "action")]
    assert all(address.startswith("#") for address in read.all("a", "href"))
    assert {tag for tag, _ in read.attributes} <= {
        *("html", "head", "meta", "title", "style", "body", "a", "header", "div", "h1", "p"),
        *("bdi", "code", "dl", "dt", "dd", "button", "main", "section", "h2", "noscript", "form"),
        *("label", "input", "span", "fieldset", "legend", "ul", "li", "table", "caption"),
        *("thead", "tbody", "tr", "th", "td", "small", "details", "summary", "h3", "article"),
        *("h4", "script"),
    }


def test_page_carries_the_artifact_as_it_is_checked_in() -> None:
    artifact = (ROOT / "generated" / "typescript" / "registry.js").read_text(encoding="utf-8")
    settings = Options(
        manifest=MANIFEST, out=ROOT / "generated", targets=("typescript",), command="make generate"
    )
    found = registry("real")
    made = pipeline.matrix_page(found, matrix.matrix(found), settings)
    (program,) = Reader(made).raw["script"]
    assert program.startswith(artifact)


def test_console_has_every_function_of_the_artifact(browser: Browser) -> None:
    (program,) = Reader(page("real")).raw["script"]
    exported = re.findall(r"^export (?:const|class|function) (\w+)", program, flags=re.MULTILINE)
    keys = {"do": "value", "expression": "Object.keys(globalThis.registry)"}
    assert browser.ask("real", keys) == [sorted(exported)]


@pytest.mark.parametrize("name", list(TEXTS))
def test_page_lists_every_arm_and_id_without_scripts(name: str) -> None:
    """The addresses of the ids come back as what they were made from, however hostile."""
    found, read = registry(name), Reader(page(name))
    anchors = set(read.all("article", "id"))
    cells = [address.removeprefix("#") for address in read.all("a", "href") if "=" not in address]
    arms = [arm for runtime in found.runtimes for arm in runtime.arms]
    assert len(anchors) == len(arms)
    assert anchors | {"query", "grid"} == set(cells)
    queries = [parse_qs(address[1:]) for address in read.all("a", "href") if "=" in address]
    asked = {(query["on"][0], query["id"][0]) for query in queries}
    assert asked >= {
        (runtime.name, model)
        for runtime in found.runtimes
        for arm in runtime.arms
        for model in (*arm.models, *(gone.id for gone in arm.withdrawn))
    }


def test_hostile_texts_stay_texts(browser: Browser) -> None:
    """No element comes of a text, and what people see is what the manifest says."""
    count = "document.querySelectorAll('script, style, img, svg, iframe, object, b').length"
    shown = "document.querySelector('#table tbody tr:nth-child(2) th small bdi').textContent"
    own = "document.scripts[0].textContent"
    (program,) = Reader(page("hostile")).raw["script"]
    answers = browser.ask(
        "hostile",
        {"do": "value", "expression": count},
        {"do": "value", "expression": shown},
        {"do": "value", "expression": own},
        {"do": "fill", "model": "acme-</script><img src=x onerror=alert(1)>\u202e"},
        _text("#cards p"),
        {"do": "value", "expression": count},
        shot("hostile"),
    )
    assert answers[:3] == [2, "</script><script>alert(1)</script>", program]
    assert answers[3][0]["provider"] == "acme"
    assert answers[5] == 2


@pytest.mark.parametrize("text", ["</script>", "<!-- x", "</STYLE>", "a\rb", "\0"])
def test_what_would_not_be_read_as_written_is_never_put_in_a_page(text: str) -> None:
    from codegen.targets.matrix import page as matrix_page

    shown = matrix.matrix(registry("real"))
    settings = options(Path("generated"))
    with pytest.raises(ValueError, match="not be read as it is written"):
        matrix_page(shown, text, "", settings)
    with pytest.raises(ValueError, match="not be read as it is written"):
        matrix_page(shown, "", text, settings)


@pytest.mark.parametrize("name", list(TEXTS))
def test_page_is_the_same_text_each_time(name: str) -> None:
    found = registry_of(TEXTS[name])
    shown = matrix.matrix(found)
    again = pipeline.matrix_page(found, shown, options(Path("elsewhere") / "generated"))
    assert again == page(name)
    assert fingerprint(found) in again


# that these tests would notice


def test_a_changed_program_does_not_run_and_is_complained_about(browser: Browser) -> None:
    changed = page("real").replace("const LONGEST = 200;", "const LONGEST = 201;")
    assert changed != page("real")
    probe = {"do": "value", "expression": "typeof globalThis.registry"}
    told = browser.raw(browser.address("changed", changed), [probe])
    assert told["answers"] == ["undefined"]
    assert any("Content Security Policy" in complaint for complaint in told["complaints"])


def test_page_cannot_reach_a_network(browser: Browser) -> None:
    fetch = "fetch('https://example.invalid/').then(() => 'reached', (error) => error.message)"
    told = browser.raw(browser.address("real"), [{"do": "value", "expression": fetch}])
    assert "reached" not in told["answers"]
    assert any("violates" in complaint for complaint in told["complaints"])
    assert all(asked.startswith("file:") for asked in told["requests"])


# how it looks, and to whom

STATES: dict[str, list[Json]] = {
    "start": [],
    "answer": [{"do": "fill", "runtimes": ["claude-code"], "model": "MiniMax-M2"}],
    "everywhere": [{"do": "fill", "model": "moonshot/kimi-k2.6"}],
    "refusal": [{"do": "fill", "runtimes": ["codex"], "model": "gpt5.5", "auth_env": ["NO_KEY"]}],
    "arm": [{"do": "click", "selector": "a.arm[data-provider=minimax]"}],
    "lists": [{"do": "click", "selector": f"details.runtime:nth-of-type({n}) > summary"}
              for n in range(1, 6)],
}  # fmt: skip
WINDOWS = {"phone": (320, 640), "tablet": (768, 1024), "desk": (1440, 900), "4k": (3840, 2160)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", ["phone", "desk"])
def test_page_is_accessible(window: str, scheme: str, browser: Browser) -> None:
    """axe finds nothing wrong, and nothing that it could not judge, in any state."""
    steps: list[Json] = []
    for state, doings in STATES.items():
        steps += [{"do": "goto", "address": browser.address("real")}]
        steps += [look(*WINDOWS[window], scheme), *doings]
        steps += [{"do": "pause"}, {"do": "axe"}, {"do": "overflow"}]
        steps += [shot(f"{state}-{window}-{scheme}")]
    answers = dict(
        zip(enumerate(step["do"] for step in steps), browser.ask("real", *steps), strict=True)
    )
    judged = [answer for (_, done), answer in answers.items() if done == "axe"]
    assert [each["violations"] for each in judged] == [[]] * len(STATES)
    assert [each["incomplete"] for each in judged] == [[]] * len(STATES)
    assert all(each["passes"] > 30 for each in judged)
    assert all(answer <= 0 for (_, done), answer in answers.items() if done == "overflow")


@pytest.mark.parametrize("name", ["everything", "hostile", "many"])
def test_other_manifests_are_as_accessible_and_fit_every_window(
    name: str, browser: Browser
) -> None:
    model = {"everything": "gone-told", "hostile": "acme-1", "many": "v7/a"}[name]
    steps: list[Json] = [{"do": "fill", "model": model}, {"do": "pause"}]
    for window, size in WINDOWS.items():
        steps += [look(*size), {"do": "overflow"}, shot(f"{name}-{window}")]
    answers = browser.ask(name, *steps, {"do": "axe"})
    assert answers[-1]["violations"] == []
    assert all(answer <= 0 for answer in answers[3::3] if isinstance(answer, int))


def test_page_fits_every_width_from_a_phone_to_a_wall(browser: Browser) -> None:
    widths = [320, 360, 414, 600, 800, 1023, 1024, 1100, 1280, 1600, 1920, 2559, 2560, 3840]
    steps = [step for width in widths for step in (look(width, 900), {"do": "overflow"})]
    filled = {"do": "fill", "model": "deepseek-v4"}
    answers = browser.ask("real", filled, *steps)
    assert [answer for answer in answers[2::2] if answer > 0] == []


def test_everything_can_be_done_by_keyboard(browser: Browser) -> None:
    def focused(*keys: str) -> list[Json]:
        return [{"do": "keys", "keys": list(keys)}, {"do": "focused"}]

    steps = [
        *focused("Tab"),
        *focused("Enter"),
        {"do": "keys", "text": "gpt-5.4"},
        {"do": "said", "text": "Routed on 1 of 5 runtimes; the tenant pays"},
        *focused("Tab"),
        *focused("Tab", "Tab", "Space"),
        {"do": "cards"},
        *focused("Tab", "Tab", "Tab"),
        {"do": "keys", "text": "OPENAI_API_KEY"},
        {"do": "cards"},
    ]
    answers = [answer for answer in browser.ask("real", *steps) if answer is not None]
    skip, query, said, chip, codex, by_runtime, names, by_name = answers
    assert skip["text"] == "Skip to the search"
    assert query["id"] == "query"
    assert said == "Routed on 1 of 5 runtimes; the tenant pays"
    assert chip["tag"] == "INPUT"
    assert codex["tag"] == "INPUT"
    assert [card["provider"] for card in by_runtime] == ["openai-subscription"]
    assert names["id"] == "names"
    assert [card["provider"] for card in by_name] == ["openai-api"]
    assert all(each["outline"] != "none" for each in (skip, query, names))


def test_arrows_walk_the_grid_which_is_one_stop_of_the_tabulator(browser: Browser) -> None:
    def arm(*keys: str) -> list[Json]:
        return [{"do": "keys", "keys": list(keys)}, {"do": "focused"}]

    start: Json = {"do": "value", "expression": "document.querySelector('.scroll').focus()"}
    walk = [
        *arm("Tab"),
        *arm("ArrowDown"),
        *arm("ArrowDown"),
        *arm("End"),
        *arm("ArrowLeft"),
        *arm("Home"),
        *arm("ArrowUp"),
        *arm("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"),
        *arm("Enter"),
    ]
    told = browser.ask("real", start, *walk, {"do": "cards"}, *arm("Tab"))
    *focused, (card,), after = [answer for answer in told if answer is not None]
    places = [(answer["runtime"], answer["provider"]) for answer in focused]
    assert places == [
        ("claude-code", "anthropic-api"),
        ("claude-code", "anthropic-oauth"),
        ("claude-code", "minimax"),
        ("openclaw", "groq"),
        ("openclaw", "groq"),
        ("claude-code", "anthropic-api"),
        ("claude-code", "anthropic-api"),
        ("hermes", "platform"),
        ("hermes", "platform"),
    ]
    assert all(answer["outline"] != "none" for answer in focused)
    assert (card["arm"], card["provider"]) == ("hermes", "platform")
    assert after["tag"] == "SUMMARY"


def test_answer_is_said_when_the_typing_pauses(browser: Browser) -> None:
    said = {"do": "value", "expression": "document.getElementById('status').textContent"}
    role = {"do": "value", "expression": "document.getElementById('status').role"}
    answers = browser.ask(
        "real",
        role,
        {"do": "fill", "model": "sonnet"},
        said,
        {"do": "said", "text": "Routed"},
    )
    assert answers[0] == "status"
    assert answers[2:] == ["", "Routed on 1 of 5 runtimes; the tenant pays"]


def test_theme_follows_the_system_until_the_button_is_pressed(browser: Browser) -> None:
    paper = {"do": "value", "expression": "getComputedStyle(document.body).backgroundColor"}
    pressed = {"do": "value", "expression": "document.getElementById('theme').ariaPressed"}
    press = {"do": "click", "selector": "#theme"}
    answers = browser.ask(
        "real",
        *(look(1280, 900, "light"), paper, pressed),
        *(look(1280, 900, "dark"), paper, pressed),
        *(press, paper, pressed),
        *(press, paper, pressed),
    )
    colours, states = answers[1::3], answers[2::3]
    assert states == ["false", "true", "false", "true"]
    assert colours[0] == colours[2] != colours[1] == colours[3]


def test_grid_marks_where_an_id_is_routed_and_sifts_what_is_looked_for(browser: Browser) -> None:
    marked = (
        "[...document.querySelectorAll('a.arm[aria-current]')]"
        ".map(({dataset}) => [dataset.runtime, dataset.provider])"
    )
    left = (
        "[...document.querySelectorAll('#table tbody tr')].filter((row) => !row.hidden)"
        ".map((row) => row.querySelector('bdi').textContent)"
    )
    sift = "filter.value = %s; filter.dispatchEvent(new Event('input'))"
    look_for = [
        {"do": "value", "expression": f"{sift % json.dumps(word)}; {left}"}
        for word in ("GROQ_API", "kimi-k2.6", "Claude Code sub", "^nvidia", "nothing like it")
    ]
    answers = browser.ask(
        "real",
        {"do": "fill", "model": "deepseek-x"},
        {"do": "value", "expression": marked},
        *look_for,
        _text("#sifted"),
    )
    assert answers[1] == [["claude-code", "deepseek"], ["hermes", "deepseek"]]
    assert answers[2:] == [
        ["groq"],
        ["platform", "kimi-coding"],
        ["anthropic-oauth"],
        ["nvidia"],
        [],
        ["0 of 32 providers"],
    ]


def test_address_of_a_question_can_be_sent_to_somebody(browser: Browser) -> None:
    address = browser.address("real")
    asked = f"{address}#id={quote('gpt-5.5')}&on=codex&env=OPENAI_API_KEY"
    where = {"do": "value", "expression": "location.hash"}
    answers = browser.ask(
        "real",
        {"do": "goto", "address": asked},
        {"do": "cards"},
        {"do": "fill", "model": "a b&c=d+e#f/模", "runtimes": ["hermes"], "pinned": True},
        {"do": "said", "text": "refused"},
        where,
    )
    assert [card["provider"] for card in answers[1]] == ["openai-api"]
    fields = parse_qs(answers[4][1:])
    assert fields == {"id": ["a b&c=d+e#f/模"], "on": ["hermes"], "pinned": ["yes"]}


def test_address_has_no_value_that_somebody_pasted(browser: Browser) -> None:
    pasted = {
        "do": "fill",
        "model": "gpt-5.5",
        "auth_env": ["OPENAI_API_KEY=sk-1", "OPENAI_API_KEY", "sk-2"],
    }
    answers = browser.ask(
        "real",
        pasted,
        {"do": "said", "text": "Routed"},
        {"do": "value", "expression": "location.hash"},
    )
    assert parse_qs(answers[2][1:]) == {"id": ["gpt-5.5"], "env": ["OPENAI_API_KEY"]}


def test_id_of_a_list_is_asked_for_by_a_click(browser: Browser) -> None:
    answers = browser.ask(
        "hostile",
        {"do": "click", "selector": "details.runtime > summary"},
        {"do": "click", "selector": "#arm-0-0 a.id"},
        {"do": "cards"},
        {"do": "value", "expression": "document.getElementById('query').value"},
    )
    first = registry("hostile").runtimes[0].arms[0].models[0]
    assert answers[2][0]["provider"] == "platform"
    assert answers[3] == first
