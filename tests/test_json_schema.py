"""The JSON Schema says of every manifest's shape what the parser says, and names its providers.

Shape is what `parse` reports under a code of the S family. What YAML itself is about comes
before that and is not for any schema to say: keys that are no texts (also S007) and keys that
stand twice (Y004) are found while composing, and JSON data has neither.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, ValidationError

from codegen import pipeline, schema
from codegen.canonical import fingerprint
from codegen.json_schema import json_schema
from codegen.parse import parse
from codegen.rules import RULES
from codegen.source import Source, UnreadableError, read
from codegen.syntax import Mapping, Node, Scalar, Sequence, compose
from tests import test_docs
from tests.builds import MANIFEST, ROOT, artifacts, options, registry_of
from tests.strategies import HIDDEN, Json, Plain, flow, manifest, provider
from tests.test_cli import cli
from tests.test_rejects import is_template

NAME = "providers.schema.json"
REAL = registry_of(MANIFEST.read_text(encoding="utf-8"))
SCHEMA: Json = json.loads(
    pipeline.json_schema((p.name for p in REAL.providers), options(Path("generated"))).text
)
VALIDATOR = Draft7Validator(SCHEMA)

Place = tuple[str | int, ...]


# the two judges


def _plain_scalar(node: Scalar) -> object:
    """Read a scalar by its kind; a date and the signs of YAML's own are texts, as in editors."""
    is_json = node.kind in {"bool", "int", "float", "null"}
    return yaml.safe_load(node.text) if is_json else node.text


def _plain(node: Node) -> object:
    """Return the JSON data of a node; of two equal keys the first one stands, as in `parse`."""
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: _plain(value) for key, value in reversed(node.entries)}
    return _plain_scalar(node)


def _composed(text: str) -> tuple[Source, Node]:
    source = Source(path="m.yaml", text=text)
    root, findings = compose(source)
    assert root is not None, findings
    return source, root


def _judged(text: str) -> tuple[set[str], list[str]]:
    """Return the codes under which the parser refuses a manifest's shape, and the schema's."""
    source, root = _composed(text)
    _, findings = parse(source, root)
    codes = {found.code for found in findings if found.code.startswith("S")}
    return codes, [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(_plain(root))]


def _is_refused(text: str) -> bool:
    """Tell whether both judges refuse a manifest; fail where they disagree."""
    codes, faults = _judged(text)
    assert bool(codes) == bool(faults), (codes, faults, text)
    return bool(codes)


# every manifest that is at hand


def _files() -> Iterator[tuple[str, str]]:
    tests = ROOT / "tests"
    rejects = (path for path in tests.glob("rejects/*.yaml") if not is_template(path))
    for path in [MANIFEST, *tests.glob("manifests/*.yaml"), *rejects]:
        try:
            source = read(path)
        except UnreadableError:
            continue
        if compose(source)[0] is not None:
            yield path.relative_to(ROOT).as_posix(), source.text


def _shown() -> Iterator[tuple[str, str]]:
    for page in test_docs.PAGES:
        for block in test_docs.blocks(test_docs.read(page), "yaml"):
            name = block.argument("file")
            # A page may also show a template of a runtime, which no schema of ours describes.
            if name is not None and "schema_version:" in block.text:
                yield f"{page.name}:{name}", block.text


AT_HAND = dict([*sorted(_files()), *_shown()])


@pytest.mark.parametrize("name", AT_HAND)
def test_schema_and_parser_agree_on_every_manifest_at_hand(name: str) -> None:
    codes, faults = _judged(AT_HAND[name])
    assert bool(codes) == bool(faults), (codes, faults)


def test_manifests_at_hand_are_good_and_bad_ones() -> None:
    refused = {name for name, text in AT_HAND.items() if _is_refused(text)}
    codes = {Path(name).stem[:4] for name in refused if name.startswith("tests/rejects/")}
    assert codes == {rule.code for rule in RULES if rule.code.startswith("S")}
    assert {name for name in refused if ".md:" in name} == {"README.md:faulty.yaml"}
    assert {"providers.yaml", "tests/manifests/everything.yaml"} <= set(AT_HAND) - refused
    assert len(AT_HAND) > 40


# one manifest with every key, changed in one place in every way

WHOLE: Json = {
    "schema_version": 1,
    "x-own": {"any": [1, None, ""]},
    "providers": [
        {
            "name": "acme",
            "display_name": "Acme",
            "vendor_logo": "acme",
            "protocol": "openai",
            "auth_mode": "wif_adc",
            "base_url_template": "https://{region}.acme.example/v1",
            "base_url_anthropic": None,
            "auth_env": ["ACME_API_KEY"],
            "auth_token_env": "ACME_API_KEY",
            "model_prefix_match": "^acme-",
            "model_aliases": ["large"],
            "upstream_vendor": "acme",
            "endpoint_vars": {"region": {"env": "ACME_REGION", "default": "eu"}},
            "wire_model_prefix": "models/",
            "tooltip": "",
            "deprecated": {"since": "2026", "replacement": "acme-2", "note": ""},
            "examples": ["acme-large"],
            "x-own": True,
        }
    ],
    "runtimes": {
        "agent": {
            "providers": [
                {
                    "name": "acme",
                    "models": ["acme-large"],
                    "withdrawn_models": [
                        {"id": "acme-1", "reason": "", "replacement": "acme-2"},
                        "acme-0",
                    ],
                    "x-own": [],
                }
            ],
            "default_model": "acme-large",
            "x-own": None,
        }
    },
    "credential_headers": {"ACME_API_KEY": "x-api-key"},
}

# No number that is 1 in another spelling: of those a test below speaks.
WORDS = ["yes", "No", "~", "2026-01-31", "2026-01-31 10:00:00", "=", "<<", "a word", "4.6"]
NUMBERS = ["0x2", "1_000", "12:30:45", ".inf", ".nan", "1.5", "-1", "1e3", "2.0"]
VALUES: list[object] = [
    *[None, True, False, 0, 1, 2, "", " ", "text", "1", "openai", "bearer", "oauth", "acme"],
    *[Plain(word) for word in [*WORDS, *NUMBERS]],
    *[[], [None], [""], ["text"], [[]], [{}], [{"name": "acme"}], [{"id": "acme-1"}]],
    *[{}, {"text": "text"}, {"name": "acme"}, {"id": "a"}, {"env": "A"}, {"since": None}],
    *[{"env": "A", "default": None}, {"x-own": 1}, {"providers": []}, {"agent": {}}],
]
KEYS = ["unknown", "Name", "x-", "x-own-2", "X-own", "", "id", "env", "models", "deprecated"]

Edit = Callable[[Any, Any], None]


def _replace(value: object) -> Edit:
    def edit(container: Any, key: Any) -> None:
        container[key] = value

    return edit


def _drop(container: Any, key: Any) -> None:
    del container[key]


def _rename(name: str) -> Edit:
    def edit(container: Any, key: Any) -> None:
        if isinstance(container, dict):
            container[name] = container.pop(key)

    return edit


def _add(name: str) -> Edit:
    def edit(container: Any, key: Any) -> None:
        if isinstance(container[key], dict):
            container[key][name] = "text"

    return edit


def _deepen(container: Any, key: Any) -> None:
    container[key] = [container[key]]


def _name(container: Any, key: Any) -> None:
    container[key] = {"name": container[key]}


def _double(container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.append(copy.deepcopy(container[key]))


def _flatten(container: Any, key: Any) -> None:
    value = container[key]
    if isinstance(value, list | dict) and value:
        container[key] = next(iter(value.values() if isinstance(value, dict) else value))


EDITS: list[Edit] = [
    *map(_replace, VALUES),
    *map(_rename, KEYS),
    *map(_add, KEYS),
    *[_drop, _deepen, _name, _double, _flatten],
]


def _places(value: object) -> Iterator[Place]:
    """Yield the path of everything below a value."""
    if not isinstance(value, dict | list):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (key,)
        yield from ((key, *path) for path in _places(item))


def _edited(data: Json, path: Place, edit: Edit) -> Json:
    """Return a copy that is edited in one place; the empty path is the whole."""
    holder = {"root": copy.deepcopy(data)}
    container: Any = holder
    *outer, last = ("root", *path)
    for key in outer:
        container = container[key]
    edit(container, last)
    return holder


def _root(holder: Json) -> str:
    return flow(holder["root"]) if "root" in holder else "null"


def _single_edits() -> list[str]:
    paths = [(), *_places(WHOLE)]
    return sorted({_root(_edited(WHOLE, path, edit)) for path in paths for edit in EDITS})


def _records(value: object, shape: schema.Shape) -> Iterator[tuple[schema.RecordShape, Json]]:
    """Yield the records of a manifest, each with its shape."""
    if isinstance(shape, schema.EitherShape):
        shape = shape.full if isinstance(value, dict) else shape.short
    if isinstance(shape, schema.RecordShape) and isinstance(value, dict):
        yield shape, value
        for key in shape.keys:
            yield from _records(value.get(key.name), key.shape)
    elif isinstance(shape, schema.ListShape) and isinstance(value, list):
        for item in value:
            yield from _records(item, shape.items)
    elif isinstance(shape, schema.TableShape) and isinstance(value, dict):
        for item in value.values():
            yield from _records(item, shape.values)


def test_whole_manifest_has_every_key() -> None:
    assert not _is_refused(flow(WHOLE))
    found = list(_records(WHOLE, schema.MANIFEST))
    assert {shape.title for shape, _ in found} == {shape.title for shape in RECORDS}
    for shape, record in found:
        own = {"x-own"} if shape.extensible else set()
        assert set(record) == {key.name for key in shape.keys} | own


def test_schema_and_parser_agree_on_every_single_edit() -> None:
    texts = _single_edits()
    refused = sum(map(_is_refused, texts))
    assert 1_000 < refused < len(texts) - 500


# the same at random, in several places at once

ANY_VALUE = st.recursive(
    st.one_of(
        st.sampled_from([*VALUES]),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != 1),
        st.dates().map(lambda day: Plain(day.isoformat())),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYS, "name", "providers"]), inner, max_size=3),
    ),
    max_leaves=4,
)
ANY_KEY = st.one_of(st.sampled_from(KEYS), st.text(max_size=4).filter(str.isprintable))
ANY_EDIT = st.one_of(
    ANY_VALUE.map(_replace),
    ANY_KEY.map(_rename),
    ANY_KEY.map(_add),
    st.sampled_from([_drop, _deepen, _name, _double, _flatten]),
)
BASES = [WHOLE, _plain(_composed(AT_HAND["tests/manifests/everything.yaml"])[1])]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a manifest that was whole, with up to four things wrong, or not."""
    data: Any = draw(st.sampled_from(BASES))
    for _ in range(draw(st.integers(1, 4))):
        paths = list(_places(data))
        if not paths:
            break
        data = _edited(data, draw(st.sampled_from(paths)), draw(ANY_EDIT))["root"]
    return flow(data)


@given(mutated())
@settings(max_examples=2_000, deadline=None)
def test_schema_and_parser_agree_on_mutated_manifests(text: str) -> None:
    codes, faults = _judged(text)
    assert bool(codes) == bool(faults), (codes, faults)


# what no schema can say


@pytest.mark.parametrize("version", ["1.0", "0x1", "01", "+1", "0b1"])
def test_one_in_another_spelling_is_left_to_the_parser(version: str) -> None:
    """To JSON Schema these are the number 1; the manifest has one spelling of it."""
    text = flow(WHOLE | {"schema_version": Plain(version)})
    assert _judged(text) == ({"S006"}, [])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"agent":', "on:", "S007"),
        ('"any":', "2026-01-31:", "S007"),
        ('"tooltip": ""', '"tooltip": "", "tooltip": 5', "Y004"),
    ],
)
def test_keys_that_yaml_itself_is_about_are_left_to_the_compiler(
    old: str, new: str, code: str
) -> None:
    text = flow(WHOLE).replace(old, new, 1)
    assert new in text
    assert not _is_refused(text)
    loaded = pipeline.load_source(Source(path="m.yaml", text=text))
    assert code in {found.code for found in loaded.diagnostics}


# the schema as a document

RECORDS = [value for value in vars(schema).values() if isinstance(value, schema.RecordShape)]


def _subschemas(part: Any) -> Iterator[Json]:
    """Yield a schema and all that stand inside it, by the places where draft-07 has some."""
    yield part
    for keyword in ("properties", "patternProperties", "definitions"):
        for inner in part.get(keyword, {}).values():
            yield from _subschemas(inner)
    for keyword in ("items", "additionalProperties"):
        if isinstance(part.get(keyword), dict):
            yield from _subschemas(part[keyword])
    for keyword in ("anyOf", "oneOf"):
        for inner in part.get(keyword, []):
            yield from _subschemas(inner)


ALL = list(_subschemas(SCHEMA))


def test_schema_is_draft_07_and_has_no_keyword_of_its_own() -> None:
    Draft7Validator.check_schema(SCHEMA)
    standard = set(Draft7Validator.META_SCHEMA["properties"])
    assert {keyword for part in ALL for keyword in part} <= standard


def test_reference_stands_alone_and_leads_somewhere() -> None:
    """Beside a `$ref`, draft-07 ignores everything."""
    references = [part for part in ALL if "$ref" in part]
    assert [part for part in references if len(part) > 1] == []
    used = {part["$ref"].removeprefix("#/definitions/") for part in references}
    assert used == set(SCHEMA["definitions"])


def test_every_record_stands_there_once_with_every_key_described() -> None:
    written = {part["title"]: part for part in ALL if "title" in part}
    assert len(written) == len([part for part in ALL if "title" in part]) == len(RECORDS)
    for record in RECORDS:
        properties = written[record.title.capitalize()]["properties"]
        assert list(properties) == [key.name for key in record.keys]
        for key in record.keys:
            assert properties[key.name]["description"].startswith(key.doc)


CONSTRAINTS = {"type", "minLength", "const", "required", "additionalProperties", "enum"}


def _weakened() -> Iterator[tuple[str, Json]]:
    """Yield the schema without one of its constraints, for each of them in turn."""
    for index, part in enumerate(ALL):
        # Beside `oneOf` the type is there for editors, and constrains nothing.
        for keyword in CONSTRAINTS & set(part) - ({"type"} if "oneOf" in part else set()):
            weak = copy.deepcopy(SCHEMA)
            del list(_subschemas(weak))[index][keyword]
            yield f"{keyword} of {part}", weak


def _reasons(errors: Iterable[ValidationError]) -> Iterator[str]:
    for error in errors:
        yield str(error.absolute_schema_path)
        yield from _reasons(error.context)


def test_no_constraint_of_the_schema_could_be_left_out() -> None:
    """So the agreement above is not for want of manifests that would tell."""
    data = [_plain(_composed(text)[1]) for text in _single_edits()]
    by_reasons = {tuple(sorted(_reasons(VALIDATOR.iter_errors(value)))): value for value in data}
    refused = [value for reasons, value in by_reasons.items() if reasons]
    weakened = dict(_weakened())
    assert len(weakened) > 50
    idle = [
        name
        for name, weak in weakened.items()
        if not any(map(Draft7Validator(weak).is_valid, refused))
    ]
    assert idle == []


def test_examples_fit_where_they_stand() -> None:
    shown = [part for part in ALL if "examples" in part]
    assert shown
    for part in shown:
        assert [e for e in part["examples"] if not Draft7Validator(part).is_valid(e)] == []
        assert len(part["examples"]) > 1


def _texts(shape: schema.Shape) -> Iterator[tuple[str, object]]:
    """Yield the examples of a text, or of the texts of a list, each as a value of the shape."""
    if isinstance(shape, schema.TextShape):
        yield from ((example, example) for example in shape.examples)
    if isinstance(shape, schema.ListShape):
        yield from ((example, [value]) for example, value in _texts(shape.items))


EXAMPLES = [
    pytest.param(key.name, value, id=f"{key.name}: {example}")
    for key in schema.PROVIDER.keys
    for example, value in _texts(key.shape)
]


@pytest.mark.parametrize(("key", "value"), EXAMPLES)
def test_example_of_a_provider_compiles(key: str, value: object) -> None:
    variables = {"region": {"env": "ACME_REGION"}}
    entry = provider("acme", "^acme-", endpoint_vars=variables) | {key: value}
    assert registry_of(manifest([entry], {})).providers


def test_leaving_a_key_out_is_writing_its_default() -> None:
    defaults = [(r, key) for r in RECORDS for key in r.keys if key.default is not None]
    assert defaults
    for record, key in defaults:
        assert record is schema.PROVIDER
        without = manifest([provider("acme", "^acme-")], {})
        written = manifest([provider("acme", "^acme-", **{key.name: key.default})], {})
        assert without != written
        assert fingerprint(registry_of(without)) == fingerprint(registry_of(written))


# the names


def _offered(document: Json) -> list[str]:
    branches = document["definitions"]["arm"]["properties"]["name"]["anyOf"]
    names: list[str] = next((branch["enum"] for branch in branches if "enum" in branch), [])
    return names


LETTERS = st.text("abcdefghij", min_size=1, max_size=6)


@given(st.lists(LETTERS, max_size=8, unique=True))
@settings(max_examples=200, deadline=None)
def test_names_offered_are_exactly_the_providers_in_order(names: list[str]) -> None:
    text = manifest([provider(name, f"^{name}-") for name in names], {})
    loaded = pipeline.load_source(Source(path="m.yaml", text=text))
    document = json.loads(pipeline.json_schema(loaded.provider_names, options(Path("out"))).text)
    assert _offered(document) == names
    Draft7Validator.check_schema(document)


def test_schema_alone_is_the_artifact_of_a_whole_build() -> None:
    assert _offered(SCHEMA) == [provider.name for provider in REAL.providers]
    built = {artifact.path: artifact.text for artifact in artifacts(REAL, options(Path("out")))}
    assert json.loads(built[NAME]) == SCHEMA


def test_name_that_is_not_offered_is_taken_but_an_empty_one_is_not() -> None:
    arm = {"$ref": "#/definitions/arm", "definitions": SCHEMA["definitions"]}
    verdicts = [Draft7Validator(arm).is_valid({"name": name}) for name in ("new", "", 5)]
    assert verdicts == [True, False, False]


def test_name_that_stands_twice_is_offered_once() -> None:
    assert _offered(json_schema(["b", "a", "b"])) == ["b", "a"]


# the command, and the line for editors


def test_command_prints_the_generated_file_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    assert cli(tmp_path, "generate").returncode == 0
    done = cli(tmp_path, "schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode("utf-8") == (tmp_path / "generated" / NAME).read_bytes()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (manifest([provider("b", "no anchor"), provider("a", "^a")], {}), ["b", "a"]),
        (manifest([provider("b", "^b"), {"name": "a"}, {"nmae": "c"}], {}), ["b", "a"]),
        (manifest([provider("\u202e\x1b[31m</é>", "^b")], {}), ["\u202e\x1b[31m</é>"]),
        (manifest([provider("b", "^b")], {"agent": {"providers": [{"name": "a"}]}}), ["b"]),
        ("providers: 5", []),
        ("providers: [", []),
        ("", []),
    ],
)
def test_command_prints_a_schema_for_a_faulty_manifest_too(
    text: str, names: list[str], tmp_path: Path
) -> None:
    (tmp_path / "providers.yaml").write_text(text, encoding="utf-8")
    done = cli(tmp_path, "schema")
    assert done.returncode == 2
    assert "error[" in done.stderr
    assert HIDDEN.search(done.stdout) is None
    document = json.loads(done.stdout)
    assert _offered(document) == names
    own = {key: document[key] for key in ("$comment", "definitions")}
    assert document == SCHEMA | own


def test_manifest_names_its_schema_for_editors() -> None:
    first = MANIFEST.read_text(encoding="utf-8").partition("\n")[0]
    line = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert line is not None
    assert (MANIFEST.parent / line[1]).read_text(encoding="utf-8").count(SCHEMA["$schema"]) == 1
    assert MANIFEST.parent / line[1] == ROOT / "generated" / NAME
