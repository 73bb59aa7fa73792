"""The table of the manifest's keys -> a JSON Schema, for editors to complete and check with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen import schema

Json = dict[str, object]

# Of the dialects the one that editors know best.
DIALECT = "http://json-schema.org/draft-07/schema#"

_OPEN_LIST = (
    "A name that is not among these may be new: whether it exists is the compiler's to say."
)


def _text(shape: schema.TextShape) -> Json:
    text: Json = {"type": ["string", "null"] if shape.nullable else "string"}
    if shape.non_empty:
        text["minLength"] = 1
    if shape.examples:
        text["examples"] = list(shape.examples)
    return text


def _reference(shape: schema.TextShape, names: list[str]) -> Json:
    """Offer the providers that there are, and take any other name.

    The schema is as old as the last `generate`. With a closed list an editor would mark the
    name of a provider that was added a minute ago, and somebody would believe it. A name that
    is nowhere is what the rule `unknown_provider` finds, which reads the manifest itself.
    """
    offered: list[Json] = [{"enum": names}] if names else []
    return {"$comment": _OPEN_LIST, "anyOf": [*offered, _text(shape)]}


def _choice(shape: schema.ChoiceShape) -> Json:
    """Return a branch for each word: `enum` has no room for what the words mean.

    The type says nothing new; without one, editors complete the key without its colon.
    """
    words = zip(shape.values, shape.docs, strict=True)
    branches = [{"const": word.value, "description": doc} for word, doc in words]
    return {"type": "string", "oneOf": branches}


def _definition(record: schema.RecordShape) -> str:
    return record.title.replace(" ", "_")


def _scalar(shape: schema.Scalar, names: list[str]) -> Json:
    match shape:
        case schema.TextShape():
            return _reference(shape, names) if shape.is_provider_name else _text(shape)
        case schema.ChoiceShape():
            return _choice(shape)
        case schema.NumberShape():
            return {"const": shape.value}
        case schema.TrueShape():
            return {"const": True}


def _shape(shape: schema.Shape, names: list[str]) -> Json:
    match shape:
        case schema.ListShape():
            return {"type": "array", "items": _shape(shape.items, names)}
        case schema.TableShape():
            return {"type": "object", "additionalProperties": _shape(shape.values, names)}
        case schema.EitherShape():
            return {"anyOf": [_shape(shape.short, names), _shape(shape.full, names)]}
        case schema.RecordShape():
            return {"$ref": f"#/definitions/{_definition(shape)}"}
        case _:
            return _scalar(shape, names)


def _key(key: schema.Key, names: list[str]) -> Json:
    if key.default is None:
        return {"description": key.doc, **_shape(key.shape, names)}
    # Said in words too: on hover, editors show the description alone.
    doc = f"{key.doc} By default {key.default}."
    return {"description": doc, **_shape(key.shape, names), "default": key.default}


def _record(record: schema.RecordShape, names: list[str]) -> Json:
    needed = [key.name for key in record.keys if key.required]
    written: Json = {"title": record.title.capitalize(), "description": record.doc}
    written["type"] = "object"
    if needed:
        written["required"] = needed
    written["properties"] = {key.name: _key(key, names) for key in record.keys}
    if record.extensible:
        own = {"description": "A key of your own, which is carried into registry.json."}
        written["patternProperties"] = {f"^{schema.EXTENSION_PREFIX}": own}
    written["additionalProperties"] = False
    return written


def _inside(shape: schema.Shape) -> Iterator[schema.RecordShape]:
    """Yield the records that a shape leads to, each before those that it leads to itself."""
    match shape:
        case schema.RecordShape():
            yield shape
            for key in shape.keys:
                yield from _inside(key.shape)
        case schema.ListShape():
            yield from _inside(shape.items)
        case schema.TableShape():
            yield from _inside(shape.values)
        case schema.EitherShape():
            yield from _inside(shape.short)
            yield from _inside(shape.full)


def json_schema(provider_names: Iterable[str]) -> Json:
    """Return the draft-07 schema of the manifest, as JSON data in the order to print it in.

    It takes and refuses what the parser does for its shape: keys, types, words, and texts that
    must not be empty. It knows nothing of names, references and patterns. `provider_names` are
    offered where an arm names its provider. Everything comes from the table in `schema`; a
    `$ref` always stands alone, because draft-07 ignores what stands beside it.
    """
    names = list(dict.fromkeys(provider_names))
    root, *records = dict.fromkeys(_inside(schema.MANIFEST))
    definitions = {_definition(record): _record(record, names) for record in records}
    return {"$schema": DIALECT, **_record(root, names), "definitions": definitions}
