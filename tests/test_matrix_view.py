"""The matrix as a value, as text, as data and as a command; its page has a file of its own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import emit, pipeline
from codegen.canonical import plain as plain_registry
from codegen.columns import table, wrapped
from codegen.ir import Registry
from codegen.matrix import Payer, counts, matrix, payer, plain, text
from codegen.quote import unseen_class, visible, width
from codegen.routing import missing_credentials, offered_models, resolve_billing_mode
from tests.builds import EVERYTHING, MANIFEST, ROOT, options, registry_of
from tests.languages import Json
from tests.strategies import HOSTILE, manifest, provider
from tests.test_cli import cli

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "matrix.schema.json").read_text("utf-8"))
REGISTRIES = [registry_of(path.read_text(encoding="utf-8")) for path in (MANIFEST, EVERYTHING)]
each_registry = pytest.mark.parametrize("registry_", REGISTRIES, ids=["real", "everything"])


# the value


@each_registry
def test_matrix_says_of_each_listed_id_what_the_reference_says(registry_: Registry) -> None:
    """Who pays, and what opens it, for the arm that the reference chooses."""
    for column in matrix(registry_).columns:
        runtime = column.runtime.name
        by_provider = {str(place.provider.name): place for place in column.places}
        for offered in offered_models(registry_, runtime):
            place = by_provider[offered.provider]
            assert offered.id in place.arm.models
            is_platform = payer(place.provider) is Payer.PLATFORM
            assert is_platform == offered.is_platform
            mode = resolve_billing_mode(registry_, runtime, offered.id).mode
            assert mode == ("platform_managed" if is_platform else "byok")
            missing = missing_credentials(registry_, runtime, offered.id)
            if missing is not None:
                assert missing.names == tuple(place.provider.auth_env)


def test_counts_are_those_of_the_manifest(registry: Registry) -> None:
    found = counts(*matrix(registry).columns)
    assert (found.runtimes, found.arms, found.providers) == (5, 43, 29)
    assert (found.listed_ids, found.name_only_arms, found.withdrawn_ids) == (53, 29, 0)


@each_registry
def test_rows_and_columns_meet_in_the_same_places(registry_: Registry) -> None:
    shown = matrix(registry_)
    by_row = {(n, place.provider.name) for row in shown.rows for n, place in enumerate(row.places)
              if place is not None}  # fmt: skip
    by_column = {
        (n, place.provider.name)
        for n, column in enumerate(shown.columns)
        for place in column.places
    }
    assert by_row == by_column
    assert [row.provider.name for row in shown.rows] == [p.name for p in registry_.providers]


def test_runtimes_that_were_asked_for_stay_in_order_of_declaration(registry: Registry) -> None:
    shown = matrix(registry, ["openclaw", "claude-code"])
    assert [column.runtime.name for column in shown.columns] == ["claude-code", "openclaw"]
    assert all(len(row.places) == 2 for row in shown.rows)
    assert shown.fingerprint == matrix(registry).fingerprint


# the data


@each_registry
def test_data_is_as_the_schema_says(registry_: Registry) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(json.dumps(plain(matrix(registry_)))), SCHEMA)


@each_registry
def test_data_agrees_with_the_dump_of_the_registry(registry_: Registry) -> None:
    dump: Json = json.loads(json.dumps(plain_registry(registry_)))
    told: Json = json.loads(json.dumps(plain(matrix(registry_))))
    keys = ("auth_env", "model_prefix_match")
    for said, dumped in zip(told["runtimes"], dump["runtimes"], strict=True):
        assert (said["name"], said["default_model"]) == (dumped["name"], dumped["default_model"])
        for arm, other in zip(said["arms"], dumped["providers"], strict=True):
            assert arm["provider"] == other["name"]
            assert arm["models"] == other["models"]
            assert arm["withdrawn_models"] == other["withdrawn_models"]
            owner = next(each for each in dump["providers"] if each["name"] == other["name"])
            assert [arm[key] for key in keys] == [owner[key] for key in keys]
    for said, dumped in zip(told["providers"], dump["providers"], strict=True):
        assert {key: said[key] for key in ("name", "display_name", *keys)} == {
            key: dumped[key] for key in ("name", "display_name", *keys)
        }


# the text


@each_registry
@pytest.mark.parametrize("room", [24, 40, 60, 80, 100, 132, 200, 1000])
def test_text_fits_and_says_everything(registry_: Registry, room: int) -> None:
    lines = list(text(matrix(registry_), room))
    assert max(map(width, lines)) <= room
    said = "".join("".join(lines).split())
    for runtime in registry_.runtimes:
        for arm, owner in registry_.arms(runtime):
            texts = (*arm.models, *owner.auth_env, *(gone.id for gone in arm.withdrawn))
            seen = [each for each in texts if each.isprintable() and each.isascii()]
            assert [each for each in seen if room >= 200 and each not in said] == []


def test_wide_table_has_one_line_for_an_arm(registry: Registry) -> None:
    lines = list(text(matrix(registry, ["codex"]), 400))
    assert lines[2].split() == ["PROVIDER", "PAYER", "CREDENTIALS", "IDS"]
    columns = [lines[2].index(head) for head in ("PAYER", "CREDENTIALS", "IDS")]
    rows = [line for line in lines[3:] if line and not line.startswith((" ", "1 runtime"))]
    assert [line[: columns[0]].strip() for line in rows] == [
        "openai-subscription",
        "openai-api",
        "platform",
        "byok-minimax",
    ]
    assert [line[columns[0] : columns[1]].strip() for line in rows] == [
        "BYOK",
        "BYOK",
        "platform",
        "BYOK",
    ]


_CELLS = st.lists(st.text(max_size=40) | HOSTILE, min_size=1, max_size=3).map(tuple)
_ROWS = st.lists(st.tuples(_CELLS, _CELLS, _CELLS), min_size=1, max_size=4)


@given(_ROWS, st.integers(min_value=8, max_value=120))
@settings(max_examples=300, deadline=None)
def test_table_of_any_texts_fits_and_hides_nothing(
    rows: list[tuple[tuple[str, ...], ...]], room: int
) -> None:
    lines = list(table(("ONE", "TWO", "THREE"), rows, room))
    assert all(width(line) <= max(room, 8) for line in lines)
    assert all(visible(line) == line and "\n" not in line for line in lines)


@given(st.text(max_size=60) | HOSTILE, st.integers(min_value=2, max_value=30))
@settings(max_examples=300, deadline=None)
def test_wrapping_loses_no_letter(text_: str, room: int) -> None:
    from codegen.quote import without_hidden

    shown = without_hidden(text_, "\ufffd")
    assert "".join(wrapped(text_, room)).replace(" ", "") == shown.replace(" ", "")


def test_what_a_browser_does_not_draw_is_the_same_in_both_languages() -> None:
    import re

    unseen = re.compile("[" + re.sub(r"\\u\{(\w+)\}", _char, unseen_class()) + "]")
    for code in (*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFE00, 0x10000), 0xE0001, 0x1F600):
        assert bool(unseen.match(chr(code))) == (visible(chr(code)) != chr(code)), hex(code)


def _char(match: object) -> str:
    import re

    assert isinstance(match, re.Match)
    return re.escape(chr(int(match[1], 16)))


# the command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    return tmp_path


def test_json_is_the_answer_of_the_document(project: Path) -> None:
    done = cli(project, "matrix", "--runtime", "codex", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], done.stderr) == (0, 0, "")
    jsonschema.validate(document["answer"], SCHEMA)
    assert [runtime["name"] for runtime in document["answer"]["runtimes"]] == ["codex"]


def test_page_on_standard_output_is_the_page_in_a_file(project: Path) -> None:
    printed = cli(project, "matrix", "--format", "html")
    written = cli(project, "matrix", "--format", "html", "--output", "build/deep/report.html")
    assert (written.returncode, written.stdout) == (0, "")
    assert written.stderr == "build/deep/report.html: written\n"
    target = project / "build" / "deep" / "report.html"
    assert target.read_text(encoding="utf-8") == printed.stdout
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert os.listdir(target.parent) == ["report.html"]


def test_page_is_the_same_bytes_in_every_environment(project: Path) -> None:
    pages = set()
    for environment in (
        {"PYTHONHASHSEED": "0", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "COLUMNS": "40"},
    ):
        done = subprocess.run(
            [sys.executable, "-m", "codegen", "matrix", "--format", "html"],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            check=True,
            capture_output=True,
        )
        pages.add(done.stdout)
    (page,) = pages
    assert page.startswith(b"<!doctype html>")


def test_second_page_touches_nothing_and_a_changed_one_is_replaced(project: Path) -> None:
    target = project / "report.html"
    command = ("matrix", "--format", "html", "--output", "report.html")
    cli(project, *command)
    before = target.stat().st_mtime_ns
    assert cli(project, *command).stderr == "report.html: already up to date\n"
    assert target.stat().st_mtime_ns == before
    target.chmod(0o600)
    assert cli(project, *command, "--runtime", "codex").stderr == "report.html: written\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert b"hermes: " not in target.read_bytes()


def test_file_of_somebody_else_is_one_and_stays(project: Path) -> None:
    (project / "mine.html").write_text("mine\n", encoding="utf-8")
    done = cli(project, "matrix", "--format", "html", "--output", "mine.html")
    assert done.returncode == 1
    assert done.stderr == (
        "error: mine.html was not written by providers-codegen\n"
        "help: move it away or remove it; nothing was written\n"
    )
    assert (project / "mine.html").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize("target", ["build", "fifo", "dangling"])
def test_what_is_no_file_is_never_replaced(target: str, project: Path) -> None:
    (project / "build").mkdir()
    os.mkfifo(project / "fifo")
    (project / "dangling").symlink_to("nowhere")
    done = cli(project, "matrix", "--format", "html", "--output", target)
    assert done.returncode == 1
    assert f"{target} was not written by providers-codegen" in done.stderr


def test_folder_that_cannot_be_made_is_three(project: Path) -> None:
    done = cli(project, "matrix", "--format", "html", "--output", "providers.yaml/report.html")
    assert done.returncode == 3
    assert done.stderr == (
        "error: providers.yaml/report.html cannot be written: Not a directory; "
        "nothing was changed\n"
    )


def test_disk_that_is_full_leaves_the_old_page_whole(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry_of(MANIFEST.read_text(encoding="utf-8"))
    old = pipeline.matrix_page(found, matrix(found), options(project))
    target = project / "report.html"
    assert emit.publish(target, old)

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(emit, "_fill", full)
    for place in (target, project / "new.html"):
        with pytest.raises(OSError, match="No space left"):
            emit.publish(place, old.replace("codex", "codec"))
    assert target.read_text(encoding="utf-8") == old
    assert sorted(path.name for path in project.iterdir()) == ["providers.yaml", "report.html"]


def test_output_is_for_a_page(project: Path) -> None:
    done = cli(project, "matrix", "--output", "report.txt")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: --output is for --format html\nhelp: redirect standard output instead\n"
    )


@pytest.mark.parametrize(
    ("name", "help_"),
    [("codx", 'did you mean "codex"?'), ("nothing-like-it", "the runtimes are: claude-code, ")],
)
def test_runtime_that_is_not_there_is_three_and_a_hint(
    name: str, help_: str, project: Path
) -> None:
    done = cli(project, "matrix", "--runtime", name)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f'error: the manifest has no runtime "{name}"\nhelp: {help_}')


def test_faulty_manifest_writes_no_page(project: Path) -> None:
    (project / "providers.yaml").write_text("schema_version: 1\n", encoding="utf-8")
    done = cli(project, "matrix", "--format", "html", "--output", "report.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert not (project / "report.html").exists()


@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["--format", "html"]])
def test_closed_pipe_is_quiet(arguments: list[str], project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "matrix", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (141, "")


def test_command_in_the_head_cannot_leave_the_script(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.providers-codegen]\ncommand = '</script><!-- */ make it'\n", encoding="utf-8"
    )
    done = cli(project, "matrix", "--format", "html")
    assert done.returncode == 0
    assert done.stdout.count("</script>") == 1
    assert "< /script>" in done.stdout


def test_manifest_without_runtimes_has_a_page_and_a_table(tmp_path: Path) -> None:
    text_ = manifest([provider("acme", "^acme-", auth_env=["ACME_KEY"])], {})
    (tmp_path / "providers.yaml").write_text(text_, encoding="utf-8")
    assert cli(tmp_path, "matrix").stdout == (
        "0 runtimes, 0 arms, 0 providers, 0 listed ids, 0 name-only arms\n"
    )
    page = cli(tmp_path, "matrix", "--format", "html")
    assert (page.returncode, "acme" in page.stdout) == (0, True)
