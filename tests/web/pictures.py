"""Pictures of the console for the documentation: `python -m tests.web.pictures` writes docs/images/*.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.house import House, Person, staff
from tests.web_house import DESKTOP, browser, console_of, listening

FOLDER = Path(__file__).parents[2] / "docs/images"
PAGES = {"overview": "/", "plan": "/plans/2?decision=hold", "why": "/why?email=e055@example.com"}


def company(folder: Path) -> House:
    """Sixty people, of whom ten left: more than may go unasked."""
    house = House(folder)
    house.hire(staff(60))
    house.configure(
        budgets={"run": {"delete": {"count": 3}}, "day": {"delete": {"count": 20}}, "week": {"create": {"count": 200}}}
    )
    house.syncd("run")
    house.hire([*staff(50), *(Person(f"N{number}", groups=("Workshop",)) for number in range(3))])
    house.syncd("plan")
    return house


def main() -> None:
    """Take them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        console = console_of(company(Path(folder)))
        with listening(console) as address, browser() as started:
            page = started.new_page(viewport=DESKTOP, color_scheme="light")
            for name, path in PAGES.items():
                page.goto(address + path, wait_until="load")
                page.screenshot(path=FOLDER / f"console-{name}.png", scale="css")


if __name__ == "__main__":
    main()
