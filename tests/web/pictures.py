"""Pictures of the console for the documentation: `make screenshots` writes docs/images.

They are small on purpose: a page is shown at 1,120 by 700 with one pixel each, in 128 colours. Four sheets show every page as it begins, on a desktop
and on a phone, light and dark: to be looked at before a release.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from syncd.web import pages
from tests.house import House, Person, staff
from tests.web.people_house import MDM, account_of
from tests.web_house import PHONE, browser, console_of, listening

FOLDER = Path(__file__).parents[2] / "docs/images"
SIZE = {"width": 1120, "height": 700}
LARGEST = 100_000
"""Bytes of one picture."""
PAGES = {
    "overview": ("/", "light"),
    "plan": ("/plans/2?decision=hold", "light"),
    "plan-dark": ("/plans/2?decision=hold", "dark"),
    "why": ("/why?email=e055@example.com", "light"),
    "people": ("/people", "light"),
    "person": ("/people/{person}", "dark"),
    "groups": ("/groups", "light"),
    "run": ("/runs/1", "dark"),
    "mdm": ("/mdm", "light"),
    "audit": ("/audit", "dark"),
}
"""Name of the picture -> page, and theme."""
SHEETS: dict[str, tuple[dict[str, int], int, float]] = {"desktop": (SIZE, 5, 0.4), "phone": (PHONE, 12, 0.45)}
"""Device -> its size, pages in a row, and how small each is shown."""
THEMES = ("light", "dark")
LARGEST_SHEET = 500_000


def everything() -> list[str]:
    """The address of every page, and of the examples of pages of one thing."""
    lists = [entry.path for entry in pages.ALL if entry.kind == "page" and not entry.parts() and entry.template]
    ones = [
        "/plans/2/findings",
        "/people/{person}/delete",
        "/groups/one?name=Field",
        *(path for path, _ in PAGES.values()),
    ]
    return [path for path in dict.fromkeys([*lists, *ones]) if not path.endswith("/one")]


def company(folder: Path) -> House:
    """Sixty people, of whom ten left: more than may go unasked."""
    house = House(folder)
    house.hire(staff(60))
    house.configure(
        budgets={"run": {"delete": {"count": 3}}, "day": {"delete": {"count": 20}}, "week": {"create": {"count": 200}}},
        mdm=MDM,
    )
    house.syncd("run")
    house.hire([*staff(50), *(Person(f"N{number}", groups=("Workshop",)) for number in range(3))])
    house.syncd("plan")
    return house


def small(picture: bytes) -> bytes:
    """The same in 128 colours."""
    to = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        to, "PNG", optimize=True
    )
    return to.getvalue()


def take(page: Page, address: str, folder: Path) -> None:
    """All of them."""
    for name, (path, theme) in PAGES.items():
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(address + path, wait_until="networkidle")
        (folder / f"console-{name}.png").write_bytes(small(page.screenshot(scale="css")))


def sheet(page: Page, address: str, paths: list[str], columns: int, scale: float) -> Image.Image:
    """Every page side by side."""
    small = []
    for path in paths:
        page.goto(address + path, wait_until="networkidle")
        small.append(Image.open(io.BytesIO(page.screenshot(scale="css"))).convert("RGB"))
    width, height = (round(side * scale) for side in small[0].size)
    whole = Image.new("RGB", (columns * (width + 8), -(-len(small) // columns) * (height + 8)), "gray")
    for number, one in enumerate(small):
        row, column = divmod(number, columns)
        whole.paste(one.resize((width, height), Image.Resampling.LANCZOS), (column * (width + 8), row * (height + 8)))
    return whole


def main() -> None:
    """Take them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        house = company(Path(folder))
        person = str(account_of(house).show_user("e003@example.com")["fluix_id"])
        PAGES["person"] = (PAGES["person"][0].format(person=person), PAGES["person"][1])
        with listening(console_of(house)) as address, browser() as started:
            take(started.new_page(viewport=SIZE), address, FOLDER)  # type: ignore[arg-type]
            paths = [path.format(person=person) for path in everything()]
            for device, (size, columns, scale) in SHEETS.items():
                for theme in THEMES:
                    page = started.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
                    whole = sheet(page, address, paths, columns, scale)
                    whole.save(FOLDER / f"every-page-{device}-{theme}.webp", quality=55, method=6)
    sys.stdout.write(f"{len(PAGES)} pictures and {len(SHEETS) * len(THEMES)} sheets in {FOLDER}\n")


if __name__ == "__main__":
    main()
