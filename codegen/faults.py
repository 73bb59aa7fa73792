"""The rules that reading finds: one function a rule says what was found, and what to write.

The rules that look at the whole registry stand in `checks`. Of both, the docstring is the page
of the rule: a sentence, the reason, an example that fails, one that passes, and how to mend it.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.diagnostics import Diagnostic, Note
from codegen.rules import found
from codegen.source import Span

# YAML syntax


def unreadable_file(span: Span, reason: str, hint: str) -> Diagnostic:
    """The file cannot be read as text.

    It is not there, it is a folder or a pipe, it may not be read, it is not UTF-8, or it is so
    large that it cannot be meant. Nothing else can be said about it.

    Fails::

        $ providers-codegen check --manifest no-such-file.yaml

    Mend: check the path and its permissions; save the file as UTF-8.
    """
    return found("unreadable_file", span, f"the file cannot be read: {reason}", hint=hint)


def yaml_syntax(span: Span, problem: str) -> Diagnostic:
    """The text is not YAML.

    What the parser could not read may begin a little above the caret: a quote or a bracket that
    was never closed, a tab in the indentation, a colon inside an unquoted text.

    Fails::

        schema_version: 1
        providers: [
        runtimes: {}

    Passes::

        schema_version: 1
        providers: []
        runtimes: {}

    Mend: close what is open, indent with spaces, and quote texts with a colon or a hash.
    """
    hint = "mend the YAML; an editor with YAML support shows the place"
    return found("yaml_syntax", span, problem, hint=hint)


def explicit_tag(span: Span, tag: str) -> Diagnostic:
    """A tag says what a value is, in place of the value itself.

    Tags make YAML readers build objects, and two readers may build different ones. Here the
    key alone decides what a value is.

    Fails::

        providers:
          - name: !!str acme

    Passes::

        providers:
          - name: acme

    Mend: remove the tag; quote the value if it is a text that YAML would read otherwise.
    """
    message = f"the tag {tag!r} has no place in this file"
    hint = "remove it; quote the value if it is a string"
    return found("explicit_tag", span, message, hint=hint)


def duplicate_key(span: Span, key: str, earlier: Span) -> Diagnostic:
    """A mapping has the same key twice.

    Only one of the two can count. Many YAML readers keep the last one and say nothing, so an
    edit of the first has no effect.

    Fails::

        providers:
          - name: acme
            display_name: Acme
            display_name: Acme AI

    Passes::

        providers:
          - name: acme
            display_name: Acme AI

    Mend: keep one of the two.
    """
    notes = [Note(span=earlier, message="first here")]
    message = f'the key "{key}" is here twice'
    return found("duplicate_key", span, message, hint="keep one of the two", notes=notes)


def merge_key(span: Span) -> Diagnostic:
    """A merge key hides which keys an entry has.

    `<<` copies the keys of another entry. Who reads this entry no longer sees what it says, and
    who edits the other one does not see whom it changes.

    Fails::

        providers:
          - &acme
            name: acme
          - <<: *acme
            name: acme-eu

    Passes::

        providers:
          - name: acme
          - name: acme-eu

    Mend: write the entries out, each where it belongs.
    """
    message = "a merge key hides which keys an entry has"
    hint = "write the entries out, each where it belongs"
    return found("merge_key", span, message, hint=hint)


def second_document(span: Span) -> Diagnostic:
    """A second YAML document begins in the file.

    A file is one document. What stands behind a line `---` would be left unread by most tools.

    Fails::

        schema_version: 1
        providers: []
        runtimes: {}
        ---
        providers: []

    Passes::

        ---
        schema_version: 1
        providers: []
        runtimes: {}

    Mend: keep one document; what others contribute belongs into a file of its own, for --overlay.
    """
    hint = "keep one document in a file"
    return found("second_document", span, "a second document begins here", hint=hint)


def collection_key(span: Span) -> Diagnostic:
    """A key is itself a list or a mapping.

    YAML allows it, and no key that is looked for here is one. It is nearly always a brace too many.

    Fails::

        providers:
          - name: acme
            {endpoint_vars}: {}

    Passes::

        providers:
          - name: acme
            endpoint_vars: {}

    Mend: write a plain word as the key.
    """
    hint = "write a plain word as the key"
    return found("collection_key", span, "the key is a collection", hint=hint)


def endless_alias(span: Span, message: str) -> Diagnostic:
    """Aliases unfold to far more than anybody wrote, or without end.

    An anchor that contains itself never ends, and a few hundred bytes of nested aliases can
    stand for billions of values. Some aliases are fine: all of them together may unfold to
    10,000 nodes.

    Fails::

        x-loop: &loop
          again: *loop

    Passes::

        x-loop: &names [A_KEY, B_KEY]
        x-again: *names

    Mend: write the values out.
    """
    return found("endless_alias", span, message, hint="write the values out")


def deep_nesting(span: Span, levels: int) -> Diagnostic:
    """The data is nested deeper than anything a manifest holds.

    The deepest value of a manifest stands on its seventh level. Beyond a generous bound the
    nesting is a mistake, or an attempt to exhaust the reader.

    Fails::

        x-deep: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
          [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
          ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
          ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]

    Passes::

        x-flat: [[[]]]

    Mend: flatten it.
    """
    message = f"the nesting is deeper than {levels} levels"
    return found("deep_nesting", span, message, hint="flatten it")


def empty_manifest(span: Span) -> Diagnostic:
    """The file holds nothing but white space and comments.

    An empty manifest is never meant: it would compile to tables that refuse every model. It is
    what a failed download or a redirection into the file it reads leaves behind.

    Fails::

        # schema_version: 1

    Passes::

        schema_version: 1
        providers: []
        runtimes: {}

    Mend: begin with schema_version, providers and runtimes.
    """
    hint = "begin with schema_version: 1, providers and runtimes"
    return found("empty_manifest", span, "the manifest is empty", hint=hint)


def forbidden_character(span: Span, char: str) -> Diagnostic:
    r"""A character stands in the file that YAML does not allow there.

    Control characters such as NUL, and halves of surrogate pairs, cannot stand in YAML. They
    come from a broken editor or a binary file, and most viewers do not show them.

    Fails::

        $ printf 'x-bell: \a\n' > bell.yaml && providers-codegen check --manifest bell.yaml

    Passes::

        x-bell: "\a"

    Mend: remove it, or write it as an escape inside double quotes.
    """
    message = f"the character U+{ord(char):04X} cannot stand in a YAML file"
    hint = f'write it as an escape inside double quotes, like "\\x{ord(char):02x}"'
    return found("forbidden_character", span, message, hint=hint)


# the shape of the data


def unknown_key(span: Span, owner: str, key: str, hint: str) -> Diagnostic:
    """A key stands where schema version 1 has none of that name.

    A misspelt key would otherwise be ignored without a word: `depricated: true` deprecates
    nothing. Keys of your own begin with `x-`.

    Fails::

        providers:
          - name: acme
            depricated: true

    Passes::

        providers:
          - name: acme
            deprecated: true
            x-team: gateway

    Mend: correct the spelling, remove the key, or begin it with x- if it is your own.
    """
    return found("unknown_key", span, f'{owner} has no key "{key}"', hint=hint)


def missing_key(span: Span, owner: str, names: str) -> Diagnostic:
    """A needed key is not there.

    Nothing is guessed: a base URL that does not exist is written as null, so that leaving it
    out is seen to be an oversight.

    Fails::

        runtimes:
          agent:
            default_model: acme-1

    Passes::

        runtimes:
          agent:
            providers: []

    Mend: add the key; docs/manifest.md says what it takes.
    """
    return found("missing_key", span, f"this {owner} lacks {names}", hint=f"add {names}")


def wrong_type(span: Span, expected: str, actual: str, hint: str) -> Diagnostic:
    """A value is of another type than its key takes.

    Nothing is converted: a text where a list is needed stays wrong, however clear it may be to
    a person.

    Fails::

        providers:
          - name: acme
            auth_env: ACME_API_KEY

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: write the type that the message names.
    """
    return found("wrong_type", span, f"{expected}, not {actual}", hint=hint)


def unknown_value(span: Span, key: str, text: str, hint: str) -> Diagnostic:
    """A value is not one of the words that its key takes.

    `protocol`, `auth_mode` and the headers of credentials take one word out of a few.

    Fails::

        providers:
          - name: acme
            protocol: opneai

    Passes::

        providers:
          - name: acme
            protocol: openai

    Mend: take one of the words that the help names.
    """
    return found("unknown_value", span, f'{key} cannot be "{text}"', hint=hint)


def empty_text(span: Span, hint: str) -> Diagnostic:
    """A text that must say something is empty.

    An empty id, name or URL could match nothing, or everything.

    Fails::

        providers:
          - name: acme
            base_url_template: ""

    Passes::

        providers:
          - name: acme
            base_url_template: null

    Mend: write the text, write null where null is allowed, or remove the key.
    """
    return found("empty_text", span, "the text is empty", hint=hint)


def unknown_schema_version(span: Span, text: str, known: int) -> Diagnostic:
    """The manifest is written in a schema version that this compiler does not know.

    A newer version may give a key another meaning, so nothing else of the file is judged by it.

    Fails::

        schema_version: 2

    Passes::

        schema_version: 1

    Mend: write schema_version: 1, or use the compiler of that version.
    """
    message = f"this compiler reads schema version {known}, not {text}"
    hint = f"write schema_version: {known}, or use the compiler of that version"
    return found("unknown_schema_version", span, message, hint=hint)


_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "null": "nothing"}


def unquoted_word(span: Span, text: str, kind: str, place: str) -> Diagnostic:
    """A word without quotes stands for a text, and YAML reads something else.

    YAML reads `no`, `on` and `yes` as booleans, and `1.10` as the number 1.1. A model called
    `1.10` would silently become another one.

    Fails::

        providers:
          - name: acme
            display_name: no
            examples: [1.10]

    Passes::

        providers:
          - name: acme
            display_name: "no"
            model_prefix_match: '^1'
            examples: ["1.10"]

    Mend: put the word in quotes.
    """
    read_as = _KINDS.get(kind, f"a {kind}")
    message = f"{place} {text!r} is read as {read_as} by YAML"
    return found("unquoted_word", span, message, hint=f'quote it: "{text}"')


# patterns


def pattern_syntax(span: Span, message: str, hint: str) -> Diagnostic:
    r"""The pattern is not RE2.

    `model_prefix_match` is written in the syntax of Go's regular expressions, and means what
    Go's `regexp` means by it.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^(acme-|acme/'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^(acme-|acme/)'

    Mend: correct the pattern at the caret.
    """
    return found("pattern_syntax", span, message, hint=hint)


def unanchored_pattern(span: Span, message: str, hint: str) -> Diagnostic:
    """The pattern, or one of its alternatives, can match in the middle of an id.

    A pattern is searched in the id. Without an anchor `acme-` also owns `other/acme-1`, an id
    of somebody else's.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-|acme/'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^(acme-|acme/)'

    Mend: begin every alternative with ^.
    """
    return found("unanchored_pattern", span, message, hint=hint)


def unsupported_pattern(span: Span, message: str, hint: str) -> Diagnostic:
    """The pattern has a construct that no finite set of prefixes describes.

    The artifacts contain no regular expressions: each pattern becomes a list of prefixes and
    whole ids. A repeat without end, a dot, a look-ahead or a negated class has no such list.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-[a-z]+-'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-'

    Mend: write the prefixes out; docs/manifest.md lists what is accepted.
    """
    return found("unsupported_pattern", span, message, hint=hint)


def oversized_pattern(span: Span, message: str, hint: str) -> Diagnostic:
    r"""The pattern stands for too many prefixes.

    Each literal becomes a row of the tables in three languages. A pattern may stand for 1,024.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-\d{4}'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-\d'

    Mend: name fewer alternatives, or a shorter common prefix.
    """
    return found("oversized_pattern", span, message, hint=hint)


def unfoldable_letter(span: Span, message: str, hint: str) -> Diagnostic:
    """A letter outside ASCII stands where case is ignored.

    Languages disagree about the case of letters beyond ASCII, so the same id could be routed
    in two ways.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '(?i)^é-'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^é-'

    Mend: write this part outside of (?i).
    """
    return found("unfoldable_letter", span, message, hint=hint)


# overlays


def redefined_entry(span: Span, what: str, earlier: Span) -> Diagnostic:
    """An overlay defines what another file of the build defines already.

    An overlay adds. If it could replace a provider, a runtime, a header or an extension, then
    adding a file would change who is billed for the models of the others. Of two overlays
    neither comes first, so the order in which they are given never matters.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        # overlay.yaml
        providers:
          - name: acme

    Passes::

        # providers.yaml
        providers:
          - name: acme
        # overlay.yaml
        providers:
          - name: acme-labs

    Mend: give it another name, or change it in the file that defines it.
    """
    notes = [Note(span=earlier, message="defined here")]
    hint = "give it another name, or change it where it is defined"
    return found("redefined_entry", span, f"{what} is defined already", hint=hint, notes=notes)


def overlay_names_platform(span: Span, message: str) -> Diagnostic:
    """An overlay names the platform.

    What the platform pays for is decided in the core manifest alone. An overlay can neither
    define the platform, nor give one of its runtimes an arm that the platform pays for.

    Fails::

        # providers.yaml
        providers:
          - name: platform
        # overlay.yaml
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        # overlay.yaml
        runtimes:
          agent:
            providers:
              - name: acme

    Mend: name another provider, or make the change in the core manifest.
    """
    hint = "name another provider, or change the core manifest"
    return found("overlay_names_platform", span, message, hint=hint)


def overlay_claims_vendor(span: Span, vendor: str) -> Diagnostic:
    """An overlay claims an upstream vendor.

    The platform's proxy resolves `vendor/model` by `upstream_vendor`, and the platform pays for
    what it resolves. That is for the core manifest to decide.

    Fails::

        # providers.yaml
        providers: []
        # overlay.yaml
        providers:
          - name: acme
            upstream_vendor: acme

    Passes::

        # providers.yaml
        providers: []
        # overlay.yaml
        providers:
          - name: acme

    Mend: remove upstream_vendor, or move the provider into the core manifest.
    """
    message = f'an overlay cannot claim the upstream vendor "{vendor}"'
    hint = "remove upstream_vendor, or move the provider into the core manifest"
    return found("overlay_claims_vendor", span, message, hint=hint)


# suppressions


def suppression_without_reason(span: Span, codes: str) -> Diagnostic:
    """A finding is ignored, and nobody says why.

    The next reader cannot tell whether the finding was judged or only silenced.

    Fails::

        providers:
          # providers-codegen: ignore[R005]
          - name: acme

    Passes::

        providers:
          # providers-codegen: ignore[R005] announced; the runtime comes with the next release
          - name: acme

    Mend: write the reason behind the bracket.
    """
    message = f"{codes} is ignored without a reason"
    hint = "write the reason behind the bracket"
    return found("suppression_without_reason", span, message, hint=hint)


def unknown_suppression(span: Span, code: str, hint: str) -> Diagnostic:
    """A comment ignores a code that no rule has.

    It ignores nothing, while it looks as if it did.

    Fails::

        providers:
          # providers-codegen: ignore[R500] announced for the next release
          - name: acme

    Passes::

        providers:
          # providers-codegen: ignore[R005] announced for the next release
          - name: acme

    Mend: write a code that `providers-codegen rules` lists.
    """
    return found("unknown_suppression", span, f'no rule has the code "{code}"', hint=hint)


def unused_suppression(span: Span, code: str) -> Diagnostic:
    """A comment ignores a finding that is not there.

    What it excused was mended, or the comment stands in the wrong place. Left behind, it would
    silence the next finding of that kind.

    Fails::

        providers:
          # providers-codegen: ignore[R005] announced for the next release
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Mend: remove the comment, or put it right before the entry that it is about.
    """
    message = f"nothing here has the code {code}"
    hint = "remove the comment, or put it right before what it is about"
    return found("unused_suppression", span, message, hint=hint)


def suppressed_error(span: Span, code: str) -> Diagnostic:
    """A comment tries to ignore an error.

    Errors are manifests that would misroute, misbill or not compile. They are mended, not
    ignored; only warnings and notes can be.

    Fails::

        providers:
          # providers-codegen: ignore[N005] it works on my machine
          - name: acme
            auth_env: [ACME-KEY]

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_KEY]

    Mend: mend the error and remove the comment.
    """
    message = f"{code} is an error, which no comment can ignore"
    return found("suppressed_error", span, message, hint="mend the error; remove the comment")


def malformed_suppression(span: Span) -> Diagnostic:
    """A comment speaks to the compiler in words that it does not know.

    It was meant to ignore something, and ignores nothing.

    Fails::

        providers:
          # providers-codegen: ignore R005 announced for the next release
          - name: acme

    Passes::

        providers:
          # providers-codegen: ignore[R005] announced for the next release
          - name: acme

    Mend: write the code in brackets, and the reason behind it.
    """
    message = "a comment for providers-codegen that it does not understand"
    hint = "write # providers-codegen: ignore[CODE] reason"
    return found("malformed_suppression", span, message, hint=hint)


Fault = Callable[..., Diagnostic]

# The patterns' compiler names a rule before there is a place to point at.
PATTERN_FAULTS: dict[str, Callable[[Span, str, str], Diagnostic]] = {
    fault.__name__: fault
    for fault in (
        pattern_syntax,
        unanchored_pattern,
        unsupported_pattern,
        oversized_pattern,
        unfoldable_letter,
    )
}

FAULTS: tuple[Fault, ...] = (
    unreadable_file,
    yaml_syntax,
    explicit_tag,
    duplicate_key,
    merge_key,
    second_document,
    collection_key,
    endless_alias,
    deep_nesting,
    empty_manifest,
    forbidden_character,
    unknown_key,
    missing_key,
    wrong_type,
    unknown_value,
    empty_text,
    unknown_schema_version,
    unquoted_word,
    *PATTERN_FAULTS.values(),
    redefined_entry,
    overlay_names_platform,
    overlay_claims_vendor,
    suppression_without_reason,
    unknown_suppression,
    unused_suppression,
    suppressed_error,
    malformed_suppression,
)
