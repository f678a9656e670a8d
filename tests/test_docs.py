"""What the documents name is there: files of the repository, and the targets of links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FOLDERS = ("qwenlab", "tests", "recipes", "docs", "bench", "tools")
EXAMPLES = {"qwenlab/show.py", "qwenlab/evaluation/suites/sums.py"}
"""Files that the documents tell how to add."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_are_there(document: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)", document.read_text(encoding="utf-8"))
    assert [path for path in named if path not in EXAMPLES and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if not _leads_somewhere(link, document)] == []


def _leads_somewhere(link: str, document: Path) -> bool:
    """Whether the file is there, and the heading in it; what lies in the web is not asked."""
    if "://" in link:
        return True
    name, _, heading = link.partition("#")
    file = document.parent / name if name else document
    if file.relative_to(ROOT).as_posix() in EXAMPLES:
        return True
    return file.exists() and (not heading or heading in _headings(file))


def _headings(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_tree_of_the_package_names_every_module_of_a_room() -> None:
    tree = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = [*(ROOT / "qwenlab").glob("*.py"), *(ROOT / "qwenlab").glob("*/*.py")]
    names = {path.stem for path in files if path.parent.name != "ui"} - {"__init__"}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", tree)) == []
