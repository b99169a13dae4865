"""The built pages: nothing from another host, math that can be shown, no link that is dead."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

BUILT = Path(__file__).parents[2] / "build" / "docs"
LOADING = {"src", "srcset", "poster", "data", "action"}  # attributes that fetch, or send
FETCHED = ("stylesheet", "icon", "preload", "prefetch", "preconnect", "manifest", "modulepreload")


class Page(HTMLParser):
    """What one page loads, links to, and can be linked to at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.loads, self.links, self.anchors, self.math = path, [], [], set(), 0
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in given.items() if name in LOADING]
        if tag == "link" and set(given.get("rel", "").split()) & set(FETCHED):
            self.loads.append(given.get("href", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.math += "math" in given.get("class", "").split()


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    if not (BUILT / "index.html").is_file():
        pytest.skip("the pages are not built: `make docs` builds them and runs this test")
    return {
        path: Page(path) for path in sorted(BUILT.rglob("*.html")) if "_static" not in path.parts
    }


def outside(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme in (
        "http",
        "https",
        "ftp",
        "ws",
        "wss",
    )


def test_every_source_has_its_page(pages):
    root = BUILT.parents[1]
    sources = {path.stem for path in (root / "docs").glob("*.md")}
    assert sources <= {path.stem for path in pages}
    notebooks = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    assert notebooks <= {path.stem for path in pages if path.parent.name == "notebooks"}


def test_no_table_is_left_as_text(pages):
    assert not [page.path.name for page in pages.values() if "|:--" in page.text]


def test_no_page_loads_anything_from_another_host(pages):
    found = {(p.path.name, x) for p in pages.values() for x in p.loads if outside(x)}
    assert not found


def test_what_is_loaded_is_there(pages):
    for page in pages.values():
        for address in page.loads:
            if address and urlsplit(address).scheme != "data":
                file = page.path.parent / unquote(urlsplit(address).path)
                assert file.exists(), (page.path.name, address)


def test_no_style_sheet_loads_anything_from_another_host(pages):
    assert pages
    for sheet in BUILT.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        found = re.findall(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", text)
        assert not found, (sheet.name, found)


def test_no_script_written_into_a_page_names_another_host(pages):
    for page in pages.values():
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", page.text, re.DOTALL)
        assert not [s for s in scripts if re.search(r"https?://", s)], page.path.name


@pytest.mark.parametrize(("name", "least"), [("maths", 15), ("api", 10), ("index", 2)])
def test_math_is_there_and_can_be_shown(pages, name, least):
    page = pages[BUILT / f"{name}.html"]
    assert page.math >= least
    (script,) = [x for x in page.loads if "mathjax" in x]
    file = (page.path.parent / urlsplit(script).path).resolve()
    assert file.stat().st_size > 100_000
    fonts = list((file.parent / "output" / "chtml" / "fonts" / "woff-v2").glob("*.woff"))
    assert len(fonts) > 20


def test_every_internal_link_and_anchor_is_alive(pages):
    checked, dead = 0, []
    for page in pages.values():
        for address in page.links:
            parts = urlsplit(address)
            if outside(address) or parts.scheme:
                continue
            checked += 1
            file = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            anchor, target = unquote(parts.fragment), pages.get(file)
            if not file.is_file() or (anchor and target and anchor not in target.anchors):
                dead.append((page.path.name, address))
    assert not dead
    assert checked > 300
