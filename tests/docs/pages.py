"""Reads the pages in docs: their code blocks, and the files that some of these are."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *(DOCS / "contract").glob("*.md")])

_FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|toml))\n")


def name_of(page: Path) -> str:
    """Return how tests call a page, such as ``contract/modes``."""
    return page.relative_to(DOCS).with_suffix("").as_posix()


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of a page in these languages, in their order."""
    pattern = rf"^```(?:{'|'.join(languages)})\n(.*?)^```"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def path_of(block: str) -> str | None:
    """Return the path that the first line of a block gives to it, or None."""
    found = _FILE.match(block)
    return found[1] if found else None


def files(page: Path) -> dict[str, str]:
    """Return the files of a page by path; blocks of one path follow each other in one file."""
    made: dict[str, str] = {}
    for block in blocks(page, "python", "yaml", "toml"):
        if path := path_of(block):
            made[path] = made.get(path, "") + block
    return made


def write_files(page: Path, folder: Path) -> list[str]:
    """Write the files of a page into ``folder`` and return their paths."""
    made = files(page)
    for path, text in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return list(made)


def commands(page: Path) -> Iterator[str]:
    """Yield the commands of a page, without prompt and comment."""
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield line.removeprefix("$ ").partition("  #")[0].strip()
    for line in re.findall(r"^    (quark .*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield line.strip()
