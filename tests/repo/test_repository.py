"""What holds for the repository as a whole: it works on any machine, and its parts agree."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ballast

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("openai-agents", "langchain", "pydantic-ai", "llama-index", "uv")
LOCKS = (
    "requirements/runtime.txt",
    "requirements/dev.txt",
    *(f"requirements/clients-{one}.txt" for one in LIBRARIES),
)
LONGEST_FILE = 500

# Written so that neither pattern finds itself. CoinGecko's prices have a path like an index's.
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9._/-])/(?:wor[k]|far[m]|roo[t]|tm[p]|op[t])/")
INDEX_HOST = re.compile(
    r"(?:^|\s)--(?:extra-)?index[-]url|(?:^|\s)--find[-]links|files\.python[h]osted|"
    r"/simpl[e]/(?!(?:token_)?price(?![\w.-]))|//[^\s\"'`]+/simpl[e](?![\w/-])|"
    r'"resolved":\s*"htt[p]'
)


def tracked_texts() -> dict[str, str]:
    """Every tracked text file that is there, by its name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        raw = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in raw:
            texts[name] = raw.decode("utf-8")
    return texts


def lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def settings() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked(name: str) -> dict[str, list[tuple[Requirement, list[str]]]]:
    """The requirements of one locked file with their hashes, by package."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    packages: dict[str, list[tuple[Requirement, list[str]]]] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement = Requirement(line.partition("--hash")[0].strip())
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
            packages.setdefault(canonicalize_name(requirement.name), []).append(
                (requirement, hashes)
            )
    return packages


def asked_for_by(library: str) -> list[str]:
    """What the environment of a library in docs/clients.md is made from."""
    text = (ROOT / f"requirements/clients-{library}.in").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def pins(name: str) -> set[str]:
    return {f"{one.name}{one.specifier}" for rows in locked(name).values() for one, _ in rows}


@pytest.mark.parametrize(
    "line", ["see /wor" + "k/notes", "HOME=/roo" + "t/x", '"/tm' + 'p/x"', "(/op" + "t/y/z)"]
)
def test_a_path_of_one_machine_would_be_found(line):
    assert lines_with(MACHINE_PATH, {"sample": line})


@pytest.mark.parametrize(
    "line",
    [
        "--extra-" + "index-url x",
        "  --index" + "-url=x",
        "x/simp" + "le/y",
        "x/simp" + "le/price-parser/",
        "https://mirror.example/simp" + "le",
        "files.python" + "hosted.org",
        "--find" + "-links x",
    ],
)
def test_an_index_host_would_be_found(line):
    assert lines_with(INDEX_HOST, {"sample": line})


@pytest.mark.parametrize("path", ["price", "price?ids=bitcoin", "token_price/ethereum"])
def test_a_price_is_not_taken_for_a_package(path):
    line = "https://api.coingecko.com/api/v3/simp" + f"le/{path}"

    assert lines_with(INDEX_HOST, {"sample": line}) == []


def test_no_tracked_file_names_a_path_of_one_machine():
    assert lines_with(MACHINE_PATH, tracked_texts()) == []


def test_no_tracked_file_names_a_package_index():
    assert lines_with(INDEX_HOST, tracked_texts()) == []


def test_no_python_file_is_too_long_to_read():
    long = {
        name: len(text.splitlines())
        for name, text in tracked_texts().items()
        if name.endswith(".py") and len(text.splitlines()) > LONGEST_FILE
    }

    assert long == {}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_is_pinned_and_hashed(name):
    for rows in locked(name).values():
        for requirement, hashes in rows:
            assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
            assert hashes, requirement
            assert requirement.url is None


def test_the_locked_files_hold_what_the_project_asks_for():
    project = settings()
    wanted = {
        "requirements/runtime.txt": project["dependencies"],
        "requirements/dev.txt": project["dependencies"] + project["optional-dependencies"]["dev"],
        **{f"requirements/clients-{one}.txt": asked_for_by(one) for one in LIBRARIES},
    }
    for name, requirements in wanted.items():
        packages = locked(name)
        for requirement in map(Requirement, requirements):
            rows = packages.get(canonicalize_name(requirement.name), [])
            assert rows, f"{requirement.name} is not in {name}: run make lock"
            for row, _ in rows:
                (pin,) = row.specifier
                assert pin.version in requirement.specifier, f"{row} in {name}: run make lock"


def test_development_runs_on_the_same_versions_as_the_product():
    assert pins("requirements/runtime.txt") <= pins("requirements/dev.txt")


def test_the_build_tools_are_locked_as_well():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    listed = (ROOT / "requirements/build.in").read_text(encoding="utf-8").splitlines()

    assert [line for line in listed if line and not line.startswith("#")] == asked["requires"]


@pytest.mark.parametrize("program", ["inspector", "conformance", "typescript", "mcpb"])
def test_every_npm_package_is_locked_by_its_hash_and_not_by_where_it_is(program):
    file = ROOT / "tests/e2e" / program / "package-lock.json"
    lock = json.loads(file.read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}

    assert packages
    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert [name for name, one in packages.items() if "integrity" not in one] == []


def test_the_changelog_tells_of_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[{re.escape(ballast.__version__)}\]", changelog, re.MULTILINE)


def test_the_version_is_written_in_one_place():
    assert "version" in settings()["dynamic"]
    assert "version" not in settings()


def test_every_decision_is_in_the_list_of_decisions():
    pages = sorted(
        page.name for page in (ROOT / "docs/decisions").glob("[0-9]*.md") if page.stem[:4] != "0001"
    )
    index = (ROOT / "docs/decisions/0001-record-decisions.md").read_text(encoding="utf-8")

    assert pages
    assert [name for name in pages if f"({name})" not in index] == []
