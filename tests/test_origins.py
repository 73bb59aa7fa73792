"""What a user may name as a source, and what must never be written down."""

from __future__ import annotations

import pytest

from codegen.origins import Folder, Git, Origin, OriginError, Url, check_path, named


@pytest.mark.parametrize(
    ("where", "file", "revision", "token_env", "wanted"),
    [
        ("../registry", "a/b.json", None, None, Folder(folder="../registry", file="a/b.json")),
        ("/srv/a b", "a.json", None, None, Folder(folder="/srv/a b", file="a.json")),
        (".", "a.json", "v1", None, Git(repository=".", revision="v1", file="a.json")),
        (
            "https://git.example/raw/main",
            "a/b c.json",
            None,
            "TOKEN",
            Url(url="https://git.example/raw/main/a/b%20c.json", token_env="TOKEN"),
        ),
        (
            "HTTPS://git.example:8443/raw/?ref=v1",
            "a.json",
            None,
            None,
            Url(url="https://git.example:8443/raw/a.json?ref=v1", token_env=None),
        ),
    ],
)
def test_place_and_file_make_an_origin(
    where: str, file: str, revision: str | None, token_env: str | None, wanted: Origin
) -> None:
    assert named(where, file, revision, token_env) == wanted


@pytest.mark.parametrize(
    ("where", "revision", "token_env", "message"),
    [
        ("http://git.example/raw", None, None, "http:// is not read: anybody on the way could"),
        ("HTTP://git.example/raw", None, None, "http:// is not read: anybody on the way could"),
        ("git@git.example:a/b.git", "v1", None, "a repository of another machine is not read"),
        ("ssh://git.example/a", "v1", None, "a repository of another machine is not read"),
        ("file:///srv/registry", None, None, "a repository of another machine is not read"),
        ("https://git.example/a.git", "v1", None, "a URL takes no --revision"),
        ("../registry", None, "TOKEN", "only a URL takes --token-env"),
        ("https://user@git.example/", None, None, "a URL with a user or a password would be"),
        ("https://u:s3cr3t@git.example/", None, None, "a URL with a user or a password would be"),
        ("https://git.example/?token=s3cr3t", None, None, "a URL with a token in it would be"),
        ("https://git.example/?private_token=s3cr3t", None, None, "a URL with a token in it"),
        ("https://git.example/?X-Amz-Signature=s3cr3t", None, None, "a URL with a token in it"),
        ("https://git.example/?a=b#c", None, None, "that is no URL of a file"),
        ("https:///raw", None, None, "that is no URL of a file"),
        ("https://git.example:port/", None, None, "that is no URL"),
        ("https://[::1/", None, None, "that is no URL"),
        ("https://git.example/é", None, None, "a URL has neither blanks nor letters beyond"),
        ("https://git.example/a b", None, None, "a URL has neither blanks nor letters beyond"),
        ("https://git.example/\n", None, None, "a URL has neither blanks nor letters beyond"),
        ("https://git.example/", None, "ghp_s3cr3t", "that is no name of a variable"),
        ("https://git.example/", None, "", "that is no name of a variable"),
        ("", None, None, "'' is no path"),
        ("a\x00b", None, None, "'a\\x00b' is no path"),
        (".", "", None, "'' is no revision"),
    ],
)
def test_what_is_no_origin_is_said_without_its_secret(
    where: str, revision: str | None, token_env: str | None, message: str
) -> None:
    with pytest.raises(OriginError) as refused:
        named(where, "a.json", revision, token_env)
    assert refused.value.message.startswith(message)
    assert refused.value.hint
    assert "s3cr3t" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "path",
    ["a", "a/b.json", ".hidden/b", "a b", "模型/é.json", "...a", "a.gitignore", ".gitignore"],
)
def test_path_below_the_folder_is_fine(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a/./b",
        "a//b",
        "a/",
        "a\\..\\b",
        "C:/a",
        "C:a",
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "a./b",
        "a /b",
        " a",
        "a*",
        ".git/config",
        "vendor/.GIT/hooks/post-checkout",
    ],
)
def test_path_that_leads_elsewhere_on_any_system_is_refused(path: str) -> None:
    with pytest.raises(OriginError):
        check_path(path)
