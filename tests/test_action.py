"""The action for GitHub and Gitea: its own shell steps on a pull request, and its comment."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from action.comment import LIMIT, bounded, marker
from tests.builds import ROOT
from tests.invocations import BROKEN, MANIFEST

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SHELL_STEPS = [step for step in STEPS if "run" in step]
TOKEN = "s3cret-of-the-job"
KEY = "providers.yaml"
IDENTITY = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com"]


# a forge

_PATH = re.compile(r"/repos/owner/name/issues/(?:(\d+)/comments|comments/(\d+))")


@dataclass
class Forge:
    """What a forge holds, how it answers, and what it was asked.

    GitHub gives a hundred comments a page, Gitea all of them on every page. `answers` are status
    codes for the next calls, before it does what it is asked.
    """

    has_pages: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delay: float = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, method: str, path: str, body: Mapping[str, str]) -> tuple[int, object]:
        if self.answers and (code := self.answers.pop(0)) != 200:
            return code, {"message": "no"}
        parts = urlsplit(path)
        match = _PATH.fullmatch(parts.path)
        assert match is not None, path
        if method == "GET":
            page = int(parse_qs(parts.query)["page"][0])
            first = (page - 1) * 100
            return 200, self.comments[first : first + 100] if self.has_pages else self.comments
        if method == "POST":
            self.comments.append({"id": 1_000 + len(self.comments), **body})
            return 201, self.comments[-1]
        found = next(c for c in self.comments if c["id"] == int(match[2]))
        found.update(body)
        return 200, found

    @property
    def written(self) -> list[str]:
        return [method for method, _ in self.asked if method != "GET"]


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            forge.asked.append((self.command, self.path))
            forge.tokens.add(self.headers.get("Authorization", ""))
            time.sleep(forge.delay)
            code, answer = forge.answer(self.command, self.path, json.loads(body or b"{}"))
            text = json.dumps(answer).encode()
            self.send_response(code)
            if code == 302:
                self.send_header("Location", forge.url.replace("127.0.0.1", "localhost"))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def _serving(made: Forge) -> Iterator[Forge]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["GitHub", "Gitea"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with _serving(Forge(has_pages=request.param == "GitHub")) as made:
        yield made


# the comment


def _where(forge: Forge) -> dict[str, str]:
    return {
        "COMMENT_API": forge.url,
        "COMMENT_REPOSITORY": "owner/name",
        "COMMENT_NUMBER": "7",
        "COMMENT_TOKEN": TOKEN,
        "COMMENT_KEY": KEY,
        "COMMENT_TIMEOUT": "0.5",
    }


@pytest.fixture
def comment(forge: Forge, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Give a function that posts a text, and returns what was said and what was summarised."""

    def post(text: str, *flags: str, **changed: str) -> tuple[str, str]:
        body, summary = tmp_path / "diff.md", tmp_path / "summary.md"
        body.write_text(text, encoding="utf-8")
        summary.write_text("", encoding="utf-8")
        machine = {name: v for name, v in os.environ.items() if name != "GITEA_ACTIONS"}
        environment = machine | _where(forge) | {"GITHUB_STEP_SUMMARY": str(summary)} | changed
        done = subprocess.run(
            [sys.executable, str(ROOT / "action" / "comment.py"), str(body), *flags],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert TOKEN not in done.stdout
        return done.stdout, summary.read_text(encoding="utf-8")

    return post


Comment = Callable[..., tuple[str, str]]


def test_one_comment_is_created_and_then_updated(forge: Forge, comment: Comment) -> None:
    assert comment("# First\n") == ("the comment is posted\n", "")
    assert comment("# Second\n") == ("the comment is up to date\n", "")
    assert [c["body"] for c in forge.comments] == [f"{marker(KEY)}\n# Second\n"]
    assert forge.written == ["POST", "PATCH"]
    assert forge.tokens == {f"token {TOKEN}"}


def test_comment_is_found_behind_those_of_others(forge: Forge, comment: Comment) -> None:
    quoted = {"id": 1, "body": f"> {marker(KEY)}\nwhat is this?"}
    others = [{"id": n, "body": f"comment {n}"} for n in range(2, 251)]
    other_manifest = {"id": 251, "body": f"{marker('other.yaml')}\n"}
    ours = {"id": 252, "body": f"{marker(KEY)}\r\nold"}
    forge.comments = [quoted, *others, other_manifest, ours, {"id": 253, "body": None}]
    comment("new\n")
    assert forge.comments[251]["body"] == f"{marker(KEY)}\nnew\n"
    assert forge.written == ["PATCH"]


def test_no_comment_is_made_where_nothing_changes(forge: Forge, comment: Comment) -> None:
    said, summary = comment("nothing\n", "--only-update")
    assert (said, summary, forge.written) == (
        "nothing changes, so there is nothing to comment\n",
        "",
        [],
    )
    comment("something\n")
    comment("nothing any more\n", "--only-update")
    assert forge.comments[0]["body"].endswith("\nnothing any more\n")


@pytest.mark.parametrize("code", [401, 403, 404, 422])
def test_refusal_leads_into_the_summary_at_once(forge: Forge, comment: Comment, code: int) -> None:
    forge.answers = [200, code]
    said, summary = comment("# What changes\n")
    assert said.startswith("::notice title=providers-codegen::no comment, see the summary: ")
    assert f"answered with {code}" in said
    assert summary == "# What changes\n\n"
    assert len(forge.asked) == 2


def test_failure_that_passes_is_tried_again(forge: Forge, comment: Comment) -> None:
    forge.answers = [500, 200, 503]
    assert comment("text\n") == ("the comment is posted\n", "")
    assert len(forge.comments) == 1


def test_failure_that_stays_leads_into_the_summary(forge: Forge, comment: Comment) -> None:
    forge.answers = [500] * 9
    said, summary = comment("text\n")
    assert "answered with 500" in said
    assert (summary, len(forge.asked)) == ("text\n\n", 3)


def test_silence_leads_into_the_summary(forge: Forge, comment: Comment) -> None:
    forge.delay = 2
    said, summary = comment("text\n")
    assert "the API does not answer: " in said
    assert summary == "text\n\n"
    assert forge.comments == []


def test_redirect_is_not_followed_with_the_token(forge: Forge, comment: Comment) -> None:
    forge.answers = [302]
    said, summary = comment("text\n")
    assert "answered with 302" in said
    assert (summary, len(forge.asked)) == ("text\n\n", 1)


@pytest.mark.parametrize(
    ("name", "what"), [("TOKEN", "token"), ("NUMBER", "pull request"), ("API", "API")]
)
def test_without_a_token_or_a_pull_request_the_summary_has_it(
    forge: Forge, comment: Comment, name: str, what: str
) -> None:
    said, summary = comment("text\n", **{f"COMMENT_{name}": ""})
    assert f"there is no {what}\n" in said
    assert (summary, forge.asked) == ("text\n\n", [])


def test_without_a_summary_the_log_has_it(comment: Comment) -> None:
    said, _ = comment("text\n", COMMENT_TOKEN="", GITHUB_STEP_SUMMARY="")
    assert said.endswith("\ntext\n\n")


def test_gitea_which_may_show_no_summary_has_it_in_the_log_too(comment: Comment) -> None:
    said, summary = comment("text\n", COMMENT_TOKEN="", GITEA_ACTIONS="true")
    assert said.endswith("\ntext\n\n")
    assert summary == "text\n\n"


def test_text_that_is_too_long_is_cut_and_whole_in_the_summary(
    forge: Forge, comment: Comment
) -> None:
    text = "a line of some length\n" * 10_000
    _, summary = comment(text)
    body = forge.comments[0]["body"]
    assert len(body) < 65_536
    assert "the summary of the job has all of it" in body
    assert summary == text + "\n"


def test_cut_is_at_the_end_of_a_line() -> None:
    assert bounded("a" * LIMIT) == "a" * LIMIT
    assert bounded("line\n" * LIMIT).partition("\n\n")[0].endswith("line")


def test_marker_is_a_comment_whatever_the_manifest_is_called() -> None:
    assert marker("") == "<!-- providers-codegen diff -->"
    for key in ("a-->b", "--", "x\n<script>", "config/llm.yaml"):
        assert re.fullmatch(r"<!-- providers-codegen diff( [\w./]+(-[\w./]+)*)? -->", marker(key))


# the action

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def test_nothing_from_outside_is_pasted_into_a_script() -> None:
    assert [step["name"] for step in SHELL_STEPS if "${{" in step["run"]] == []


def test_every_step_names_its_shell_and_every_input_is_described_and_used() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert all(step["shell"] == "bash" for step in SHELL_STEPS)
    for name, described in ACTION["inputs"].items():
        assert described["description"]
        assert f"inputs.{name}" in text


class Runner:
    """Runs the shell steps of the action one after the other, as a runner of CI does."""

    def __init__(self, project: Path, home: Path, inputs: Mapping[str, str], forge: Forge) -> None:
        self.project = project
        self.home = home
        self.codes: dict[str, int] = {}
        self.log = ""
        self.values = {f"inputs.{name}": str(i["default"]) for name, i in ACTION["inputs"].items()}
        self.values |= {
            "inputs.token": TOKEN,
            "github.action_path": str(ROOT),
            "github.api_url": forge.url,
            "github.repository": "owner/name",
            "github.event.pull_request.number": "7",
        }
        self.values |= {f"inputs.{name}": value for name, value in inputs.items()}
        for name in ("temp", "bin"):
            (home / name).mkdir(parents=True)
        self.summary = home / "summary.md"
        self._add_commands()

    def _add_commands(self) -> None:
        """Put this copy of the program, and its Python, where the first steps would have."""
        for name, words in (("providers-codegen", ["-m", "codegen"]), ("python", [])):
            path = self.home / "bin" / name
            command = shlex.join([sys.executable, *words])
            root = shlex.quote(str(ROOT))
            path.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {command} "$@"\n', "utf-8")
            path.chmod(0o755)

    def _value(self, expression: str) -> str:
        if expression.startswith("steps."):
            return self.values.get(expression, "")
        return self.values[expression]

    def _is_wanted(self, condition: str) -> bool:
        """Work out the one form of condition that the action uses: comparisons and their sums."""
        told = re.sub(r"([a-z][\w.-]+\.[\w.-]+)", lambda m: repr(self._value(m[1])), condition)
        python = told.replace("&&", " and ").replace("||", " or ")
        assert re.fullmatch(r"(?:'[^']*'|==|!=|and|or|[()\s])*", python), python
        return bool(eval(python))

    def run(self) -> int:
        """Run all steps but the installation; return the code of the one that fails the job."""
        for step in SHELL_STEPS[1:]:
            if not self._is_wanted(step.get("if", "'' == ''")):
                continue
            code = self._run(step)
            if code:
                return code
        return 0

    def _run(self, step: Mapping[str, Any]) -> int:
        output = self.home / "output.txt"
        output.write_text("", encoding="utf-8")
        given = {
            name: _EXPRESSION.sub(lambda match: self._value(match[1]), text)
            for name, text in step.get("env", {}).items()
        }
        environment = {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "COMMENT_TIMEOUT": "2",
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.project,
            env=environment | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        return done.returncode


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class PullRequest:
    """A repository with a pull request: what stands at the base, and what is proposed."""

    folder: Path
    home: Path
    forge: Forge

    def begin(self, text: str | None) -> None:
        git(self.folder, "init", "--quiet", "--initial-branch=main")
        self._commit("base", text)
        git(self.folder, "checkout", "--quiet", "-b", "proposal")

    def _commit(self, message: str, text: str | None) -> None:
        (self.folder / "README.md").write_text(f"{message}\n", encoding="utf-8")
        if text is not None:
            (self.folder / "providers.yaml").write_text(text, encoding="utf-8")
            if text != BROKEN:
                subprocess.run(
                    [sys.executable, "-m", "codegen", "generate"],
                    cwd=self.folder,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    check=True,
                    capture_output=True,
                )
        git(self.folder, "add", ".")
        git(self.folder, "commit", "--quiet", "-m", message)

    @property
    def bodies(self) -> list[str]:
        """The comments as people read them: `diff` escapes what Markdown would act on."""
        return [html.unescape(comment["body"]) for comment in self.forge.comments]

    def propose(self, text: str) -> None:
        self._commit("proposal", text)

    def judged(self, **inputs: str) -> tuple[int, Runner]:
        """Run the action on what is proposed."""
        home = self.home / str(len(list(self.home.iterdir())) if self.home.exists() else 0)
        if "base" not in inputs:
            inputs["base"] = git(self.folder, "rev-parse", "main")
        runner = Runner(self.folder, home, inputs, self.forge)
        return runner.run(), runner


@pytest.fixture
def pull_request(tmp_path: Path) -> Iterator[PullRequest]:
    folder = tmp_path / "repository"
    folder.mkdir()
    with _serving(Forge()) as forge:
        yield PullRequest(folder=folder, home=tmp_path / "homes", forge=forge)


MENU = MANIFEST.replace("          - acme-1\n", "          - acme-1\n          - acme-2\n")


def test_changes_are_annotated_and_commented_once(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    code, runner = pull_request.judged()
    assert code == 0, runner.log
    (body,) = pull_request.bodies
    assert body.startswith("<!-- providers-codegen diff -->\n")
    assert "acme-2" in body
    assert re.search(r"^::notice .*acme-2", runner.log, flags=re.MULTILINE)
    pull_request.propose(MENU.replace("acme-2", "acme-3"))
    assert pull_request.judged()[0] == 0
    (body,) = pull_request.bodies
    assert "acme-3" in body
    assert "acme-2" not in body


def test_change_that_is_graver_than_asked_fails_the_job(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    code, runner = pull_request.judged(**{"fail-on": "compatible"})
    assert code == 1
    assert '--fail-on is "compatible"' in runner.log
    assert len(pull_request.forge.comments) == 1
    assert pull_request.judged(**{"fail-on": "billing"})[0] == 0


def test_proposal_without_changes_of_decisions_is_left_without_a_comment(
    pull_request: PullRequest,
) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(f"# a comment\n{MANIFEST}")
    code, runner = pull_request.judged()
    assert code == 0, runner.log
    assert pull_request.forge.written == []


def test_broken_manifest_is_annotated_once_and_fails_the_job(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(BROKEN)
    code, runner = pull_request.judged()
    assert code == 2
    assert len(re.findall(r"^::error .*providers\.yaml", runner.log, flags=re.MULTILINE)) == 1
    assert pull_request.forge.asked == []


def test_files_that_were_not_generated_fail_the_job(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    (pull_request.folder / "generated" / "go" / "go.mod").write_text("edited\n", encoding="utf-8")
    code, runner = pull_request.judged()
    assert code == 1
    assert "it was edited by hand" in runner.log
    assert len(pull_request.forge.comments) == 1


@pytest.mark.parametrize("base", [None, BROKEN], ids=["no manifest", "a broken manifest"])
def test_proposal_that_begins_or_mends_a_manifest_may_pass(
    pull_request: PullRequest, base: str | None
) -> None:
    pull_request.begin(base)
    pull_request.propose(MANIFEST)
    code, runner = pull_request.judged()
    assert code == 0, runner.log
    assert "there is no sound manifest at the base" in runner.log
    assert pull_request.forge.asked == []


def test_proposal_is_compared_with_where_it_began(pull_request: PullRequest) -> None:
    """What has come to main since is none of its changes."""
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    git(pull_request.folder, "checkout", "--quiet", "main")
    pull_request.propose(MENU.replace("acme-2", "acme-of-main"))
    git(pull_request.folder, "checkout", "--quiet", "proposal")
    assert pull_request.judged()[0] == 0
    (body,) = pull_request.bodies
    assert "acme-2" in body
    assert "acme-of-main" not in body


def test_shallow_checkout_fetches_the_base_or_says_what_it_needs(
    pull_request: PullRequest, tmp_path: Path
) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    base = git(pull_request.folder, "rev-parse", "main")
    source = pull_request.folder.as_uri()
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=proposal", source, str(shallow))
    pull_request.folder, origin = shallow, pull_request.folder
    code, runner = pull_request.judged(base=base)
    assert code == 0, runner.log
    assert "acme-2" in pull_request.bodies[0]
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=proposal", source, str(again))
    origin.rename(tmp_path / "gone")
    pull_request.folder = again
    code, runner = pull_request.judged(base=base)
    assert code == 3
    assert "give actions/checkout fetch-depth: 0" in runner.log


def test_push_without_a_base_checks_and_verifies(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    code, runner = pull_request.judged(base="")
    assert (code, pull_request.forge.asked) == (0, [])
    assert "all as generated" in runner.log


def test_fork_without_a_right_to_comment_passes_with_a_summary(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    pull_request.forge.answers = [200, 403]
    code, runner = pull_request.judged()
    assert code == 0, runner.log
    assert "acme-2" in html.unescape(runner.summary.read_text(encoding="utf-8"))
    assert TOKEN not in runner.log
    code, runner = pull_request.judged(token="")
    assert (code, "there is no token" in runner.log) == (0, True)
    assert "acme-2" in html.unescape(runner.summary.read_text(encoding="utf-8"))


def test_comment_can_be_refused(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU)
    assert pull_request.judged(comment="false")[0] == 0
    assert pull_request.forge.asked == []


def test_manifest_of_another_name_is_named_in_the_comment(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    (pull_request.folder / "my llm.yaml").write_text(MANIFEST, encoding="utf-8")
    git(pull_request.folder, "add", ".")
    git(pull_request.folder, "commit", "--quiet", "-m", "another")
    base = git(pull_request.folder, "rev-parse", "HEAD")
    (pull_request.folder / "my llm.yaml").write_text(MENU, encoding="utf-8")
    git(pull_request.folder, "commit", "--quiet", "-am", "change it")
    code, runner = pull_request.judged(base=base, manifest="my llm.yaml")
    assert code == 1, runner.log
    assert "differ from what the manifest gives" in runner.log
    (body,) = pull_request.bodies
    assert body.startswith("<!-- providers-codegen diff my_llm.yaml -->\n")


HOSTILE = "acme-2'; touch hit; echo $(touch hit) `touch hit` ${{ github.token }} ::error::x"


def test_text_of_a_proposal_is_never_run(pull_request: PullRequest) -> None:
    pull_request.begin(MANIFEST)
    pull_request.propose(MENU.replace("acme-2", json.dumps(HOSTILE)))
    code, runner = pull_request.judged(manifest="$(touch hit)'\";touch hit.yaml")
    assert code == 2
    code, runner = pull_request.judged()
    assert code == 0, runner.log
    assert not (pull_request.folder / "hit").exists()
    assert not re.search(r"^::error::x", runner.log, flags=re.MULTILINE)


# the installation


def test_first_step_installs_the_program(tmp_path: Path) -> None:
    from tests.test_install import _environment

    bin_folder, temp, path = tmp_path / "bin", tmp_path / "temp", tmp_path / "path.txt"
    bin_folder.mkdir()
    temp.mkdir()
    (bin_folder / "python").symlink_to(sys.executable)
    environment = _environment(tmp_path)
    environment |= {
        "PATH": f"{bin_folder}{os.pathsep}{os.defpath}",
        "SOURCE": str(ROOT),
        "RUNNER_TEMP": str(temp),
        "GITHUB_PATH": str(path),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", SHELL_STEPS[0]["run"]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not os.environ.get("CI") and "No matching" in done.stderr:
        pytest.skip("SKIPPED: no package registry can be reached")
    assert done.returncode == 0, done.stderr
    program = Path(path.read_text(encoding="utf-8").strip()) / "providers-codegen"
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("providers-codegen, version ")


# this repository


def test_own_workflow_uses_the_action_with_what_it_needs() -> None:
    text = (ROOT / ".github" / "workflows" / "pull-request.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    checkout, action = job["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert action["uses"] == "./"
    assert set(action.get("with", {})) <= set(ACTION["inputs"])


# the page


def _examples(*keys: str) -> list[Any]:
    """Return the examples of docs/ci.md in YAML that have some keys."""
    from tests.test_docs import blocks

    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    found = [yaml.safe_load(block.text) for block in blocks(page, "yaml")]
    return [example for example in found if isinstance(example, dict) and set(keys) <= set(example)]


def test_page_shows_the_action_as_it_is() -> None:
    (workflow,) = _examples("jobs")
    (job,) = workflow["jobs"].values()
    checkout, action = job["steps"]
    own = yaml.safe_load((ROOT / ".github/workflows/pull-request.yml").read_text("utf-8"))
    (own_job,) = own["jobs"].values()
    assert workflow["permissions"] == own["permissions"]
    assert checkout == own_job["steps"][0]
    assert set(action["with"]) <= set(ACTION["inputs"])


def test_page_lists_every_input_with_its_default() -> None:
    from tests.test_docs import bare, rows, sections

    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    listed = {bare(row[0]): bare(row[1]) for row in rows(sections(page)["On a pull request"])}
    assert set(listed) == set(ACTION["inputs"])
    for name, described in ACTION["inputs"].items():
        default = str(described["default"])
        assert listed[name] == default or not default or "${{" in default, name
