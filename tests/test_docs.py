# SPDX-License-Identifier: MIT
"""README and docs: the code blocks run as they stand, the links lead somewhere, and every page is in the table of contents.

Each block runs in a process of its own; those of a page one after the other, in the same folder, so that one may use what another
has written. A block marked ``text`` right behind one is what that must print. The router that the texts tell to start runs
meanwhile; only its port is another one, so that nothing else on the machine is in the way. Two pages run at a time.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import select
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^(```+)(\S*)[^\n]*\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8080"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
WORKERS = 2


class Block(NamedTuple):
    """A code block of a page, and what it must print, if the page says so."""

    page: Path
    line: int
    language: str
    code: str
    output: str | None

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The code blocks of a page, without directives and without what others print."""
    text = page.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    found = []
    for fence, following in itertools.zip_longest(fences, fences[1:]):
        if fence[2].startswith("{") or (fence[2] == "text" and found):
            continue
        is_next = following is not None and following[2] == "text" and not text[fence.end() : following.start()].strip()
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(page, line, fence[2], fence[3], following[3] if is_next and following is not None else None))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


# --- how blocks are run ----------------------------------------------------------------------------------------------


class Failed(Exception):
    """What is wrong with a block."""


def expect(good: bool, text: str) -> None:
    if not good:
        raise Failed(text)


def finish(command: list[str], folder: Path, timeout: float = 60) -> str:
    """Run a command to its end. :returns: what it printed."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, env=ENVIRONMENT, cwd=folder
    )
    expect(done.returncode == 0, f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr}")
    expect("Warning" not in done.stderr and "Traceback" not in done.stderr, done.stderr)
    return done.stdout


def run_python(block: Block, folder: Path, address: str) -> str | None:
    file = folder / "program.py"
    file.write_text(block.code.replace(ADDRESS, address), encoding="utf-8")
    return finish([sys.executable, str(file)], folder)


def run_json(block: Block, folder: Path, _address: str) -> str | None:
    """A file of the name that the paragraph above ends with, if it does; for the commands behind it."""
    json.loads(block.code)
    before = block.page.read_text(encoding="utf-8").splitlines()[block.line - 3]
    if name := re.search(r"`(\w+\.json)`:$", before):
        (folder / name[1]).write_text(block.code, encoding="utf-8")
    return None


def run_router(words: list[str], folder: Path) -> None:
    """It gets ready, on other ports than the text says, and ends cleanly."""
    words = [re.sub(r":80\d\d\b", ":0", word).replace("unix:/tmp/", f"unix:{folder}/") for word in words]
    if not {"--listen", "--config"} & set(words):
        words += ["--listen", "ws://127.0.0.1:0/ws"]
    with started(words, folder) as router:
        router.terminate()
        expect(router.wait(10) == 0, f"{shlex.join(words)} ended with {router.returncode}")


def run_package(words: list[str], folder: Path) -> None:
    if words[1:3] == ["-m", "venv"]:
        return
    command = words[words.index("autobahn_fast") + 1]
    words = [sys.executable, *words[1:]]
    harmless = command.startswith("-") or "--help" in words or words[-2:] == ["dropin", "status"]
    if harmless:
        finish(words, folder)
    elif command == "router":
        run_router(words, folder)
    else:  # takes too long or changes the environment: there is such a command, and it has these options
        told = finish([*words[: words.index(command) + 1], "--help"], folder)
        for word in words if command != "run" else ():  # what is behind "run" is another program's
            expect(not word.startswith("--") or word in told, f"{command} has no {word}")


def run_make(words: list[str], _folder: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in (word for word in words[1:] if "=" not in word):
        expect(re.search(rf"^{target}:", makefile, re.MULTILINE) is not None, f"no target {target}")


def run_pip(words: list[str], _folder: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words:
        if named := re.fullmatch(r"autobahn_fast\[(.*)\]", word):
            expect(set(named[1].split(",")) <= set(extras), f"{word}: there are {', '.join(extras)}")


def run_crossbar(words: list[str], _folder: Path) -> None:
    """What tests/crossbar does for real."""
    expect(words[1:3] in (["install", "crossbar"], ["start", "--cbdir"]), f"no way to try {shlex.join(words)}")


COMMANDS: dict[str, Callable[[list[str], Path], object]] = {
    "make": run_make,
    "pip": run_pip,
    "openssl": finish,
    "crossbar/bin/pip": run_crossbar,
    "crossbar/bin/crossbar": run_crossbar,
    "python": run_package,
    ".venv/bin/python": run_package,
}


def run_shell(block: Block, folder: Path, _address: str) -> str | None:
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            expect(words[0] in COMMANDS, f"no way to try {line!r}")
            COMMANDS[words[0]](words, folder)
    return None


LANGUAGES = {"python": run_python, "sh": run_shell, "json": run_json}


class started:
    """A router, for as long as the context lasts. :raises Failed: it does not start."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder)

    def __enter__(self) -> subprocess.Popen[str]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], 60)
        self.line = self._process.stdout.readline() if ready else ""
        if "router ready" not in self.line:
            self.__exit__()
            raise Failed(f"the router did not start; it said {self.line!r}")
        return self._process

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._process.communicate()


# --- tests -----------------------------------------------------------------------------------------------------------


def run_page(blocks: list[Block], folder: Path, addresses: queue.Queue[str]) -> dict[Block, str | None]:
    """Run the blocks of a page. :returns: for each what is wrong with it, or None."""
    address = addresses.get()
    found: dict[Block, str | None] = {}
    try:
        for block in blocks:
            try:
                printed = LANGUAGES[block.language](block, folder, address)
                expect(block.output in (None, printed), f"it printed:\n{printed}\nnot:\n{block.output}")
                found[block] = None
            except Exception as exc:
                found[block] = str(exc)
    finally:
        addresses.put(address)
    return found


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[dict[Block, str | None]]]]:
    """What comes of the blocks of each page, as far as they are asked for: pages run two at a time."""
    items = [item for item in request.session.items if getattr(item, "originalname", "") == "test_block_runs"]
    wanted: dict[Path, list[Block]] = {}
    for block in [item.callspec.params["block"] for item in items]:  # type: ignore[attr-defined]
        wanted.setdefault(block.page, []).append(block)
    addresses: queue.Queue[str] = queue.Queue()
    command = [sys.executable, "-m", "autobahn_fast", "router", "--listen", "ws://127.0.0.1:0/ws"]
    routers = [started(command, ROOT) for _ in range(WORKERS)]
    pool = ThreadPoolExecutor(WORKERS)
    try:
        for router in routers:
            router.__enter__()
            addresses.put(re.findall(r"ws://([\d.]+:\d+)/ws", router.line)[0])
        yield {
            page: pool.submit(run_page, blocks, tmp_path_factory.mktemp(page.stem), addresses)
            for page, blocks in wanted.items()
        }
    finally:
        pool.shutdown(cancel_futures=True)
        for router in routers:
            router.__exit__()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language], ids=lambda block: block.name)
def test_block_runs(block: Block, outcomes: dict[Path, Future[dict[Block, str | None]]]) -> None:
    wrong = outcomes[block.page].result(110)[block]
    assert wrong is None, wrong


def test_there_are_blocks_and_all_are_run() -> None:
    """If none were found, all of them would run. What has no language is no code; only the design has such."""
    assert {block.page.name for block in BLOCKS if block.language == "python"} >= {"README.md", "start.md", "scram.md"}
    assert {block.page.name for block in BLOCKS if not block.language} == {"design.md"}
    assert {block.language for block in BLOCKS if block.language} <= set(LANGUAGES)


def anchors_of(page: Path) -> set[str]:
    """What a link to a heading of the page is called."""
    headings = re.findall(r"^#+ +(.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", text):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), f"{target}: there is no such file"
            assert not anchor or anchor in anchors_of(there), f"{target}: there is no such heading"


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {DOCS / "index.md"}
    for page in DOCS.rglob("*.md"):
        for fence in FENCE.finditer(page.read_text(encoding="utf-8")):
            if fence[2] == "{toctree}":
                lines = [line for line in fence[3].splitlines() if line and not line.startswith(":")]
                listed |= {found for line in lines for found in page.parent.glob(f"{line}.md")}
    assert listed == set(DOCS.rglob("*.md"))


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))))
def test_make_targets_in_the_readme_exist(command: str) -> None:
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


OF_OTHERS = ("Python's own", "Of the serializer's package")


def test_messages_of_troubleshooting_are_real_and_in_order() -> None:
    """Each is in the sources, in one string or in several in a row; what stands for the rest is left out."""
    sources = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "autobahn_fast").rglob("*.py*") if file.suffix != ".pyc"
    )
    sources = re.sub(r'"\s*\n\s*f?"', "", sources)
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)\n\n(.+)$", text, re.MULTILINE)
    assert len(sections) > 40
    for message, meaning in sections:
        for part in re.split(r"…|'…'", message):
            words = part.strip(" :;,")
            assert meaning.startswith(OF_OTHERS) or words in sources, f"no message says {words!r}"
    keys = [message.lower().replace("…", "").strip(" '") for message, _ in sections]
    assert keys == sorted(keys)
