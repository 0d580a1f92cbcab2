"""The checklist of a work order, as one printable HTML page and as Markdown. Pure, and the same for the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from connectors.fluix.portal.book import Item, Order
from connectors.fluix.portal.words import SECTIONS, section, steps, title

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: #1c2430; background: #fff;
  max-width: 50rem; margin: 2.5rem auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; padding-bottom: .3rem; border-bottom: 1px solid #c9d1dc; break-after: avoid; }
p { margin: .4rem 0; }
.quiet, .why { color: #56606e; font-size: .875rem; }
ul.items { list-style: none; margin: 0; padding: 0; }
ul.items > li { display: grid; grid-template-columns: 1.6rem 1fr; gap: .1rem .6rem; padding: .55rem 0;
  border-bottom: 1px solid #eceff3; break-inside: avoid; }
ul.items > li > * { grid-column: 2; }
ul.items > li > input { grid-column: 1; grid-row: 1; width: 1.1rem; height: 1.1rem; margin: .2rem 0 0; }
label { font-weight: 600; }
ol { margin: .25rem 0 .25rem 1.1rem; padding: 0; }
.stop { border: 2px solid #a61b1b; border-radius: 6px; padding: .4rem 1rem .8rem; margin-top: 1.5rem; break-inside: avoid; }
.stop h2 { border: 0; margin-top: .4rem; color: #a61b1b; }
.closed label { text-decoration: line-through; font-weight: 400; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } a { color: inherit; } }
""".strip()


def as_html(order: Order, files: Mapping[str, bytes]) -> str:
    """The checklist as one page that needs nothing else."""
    body = "\n".join(_html(order, files))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Work order {order.name}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html(order: Order, files: Mapping[str, bytes]) -> Iterator[str]:
    yield f"<h1>Work order {order.name}</h1>"
    yield f'<p class="quiet">{escape(_made(order))}</p>'
    yield from (f"<p>{escape(sentence)}</p>" for sentence in _opening(order))
    if order.stops:
        yield '<section class="stop">\n<h2>Do not do any more</h2>\n<ul>'
        yield from (f"<li>{escape(_stop(item))}</li>" for item in order.stops)
        yield "</ul>\n</section>"
    for key, items in _sections(order.items):
        yield f"<h2>{escape(SECTIONS[key][0])} ({len(items)})</h2>"
        if key == "import":
            yield from (f"<p>{escape(sentence)}</p>" for sentence in _importing(files))
        yield '<ul class="items">'
        yield from (_html_item(item) for item in items)
        yield "</ul>"


def _html_item(item: Item) -> str:
    name = f"item-{item.place}"
    ticked, state = (" checked", ' class="closed"') if not item.open else ("", "")
    told = "" if item.in_import else _html_steps(steps(item))
    return (
        f'<li{state}><input type="checkbox" id="{name}"{ticked}>'
        f'<label for="{name}">{item.place}. {escape(_line(item))}</label>{told}'
        f'<span class="why">{escape(_why(item))}</span></li>'
    )


def _html_steps(sentences: Sequence[str]) -> str:
    if len(sentences) == 1:
        return f"<span>{escape(sentences[0])}</span>"
    return f"<ol>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ol>"


def as_markdown(order: Order, files: Mapping[str, bytes]) -> str:
    """The same as Markdown."""
    return "\n".join(_markdown(order, files)) + "\n"


def _markdown(order: Order, files: Mapping[str, bytes]) -> Iterator[str]:
    yield f"# Work order {order.name}\n"
    yield f"{_plain(_made(order))}\n"
    yield from (f"{_plain(sentence)}\n" for sentence in _opening(order))
    if order.stops:
        yield "## Do not do any more\n"
        yield from (f"- {_plain(_stop(item))}" for item in order.stops)
        yield ""
    for key, items in _sections(order.items):
        yield f"## {SECTIONS[key][0]} ({len(items)})\n"
        if key == "import":
            yield from (f"{_plain(sentence)}\n" for sentence in _importing(files))
        for item in items:
            yield f"- [{' ' if item.open else 'x'}] **{item.place}. {_plain(_line(item))}**"
            if not item.in_import:
                yield from (f"  {number}. {_plain(step)}" for number, step in enumerate(steps(item), 1))
            yield f"  - {_plain(_why(item))}"
        yield ""


def _plain(text: str) -> str:
    """A text in which nothing is Markdown: names are other people's words."""
    return re.sub(r"([\\`*\[\]<|~&]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", " ".join(text.split()))


def _made(order: Order) -> str:
    return f"Made {order.created_at:%Y-%m-%d %H:%M} UTC by fluix-syncd. {len(order.items)} items."


def _opening(order: Order) -> Iterator[str]:
    if order.items:
        yield "Work from top to bottom in the Admin Portal, and tick each item when it is done."
        yield (
            "When all is done, choose Export All Users and put the file into the exports folder: the next run sees by it what "
            f"was done. What an export cannot show is reported with: syncd workorders confirm {order.name} --item NUMBER"
        )


def _importing(files: Mapping[str, bytes]) -> Iterator[str]:
    names = ", ".join(files)
    yield f"Import {names} one after the other. The portal shows the list: compare it with this one, then choose Import all."
    yield "Each imported person gets an invitation."


def _sections(items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    found: dict[str, list[Item]] = {key: [] for key in SECTIONS}
    for item in items:
        found[section(item)].append(item)
    return ((key, there) for key, there in found.items() if there)


def _line(item: Item) -> str:
    groups = item.values.get("groups", ())
    named = f" ({', '.join(groups)})" if isinstance(groups, tuple) and groups else ""
    return f"{title(item)}{named}"


def _why(item: Item) -> str:
    said = [f"Because {item.why.reason}" if item.why.reason else ""]
    said.append(f"approved by {item.why.approved_by}" if item.why.approved_by else "needed no approval")
    if item.withdrawn_at:
        said.append(f"do not do this any more: {item.withdrawn_why}")
    elif item.closed_at:
        said.append(f"done, as seen {item.closed_at:%Y-%m-%d %H:%M} UTC")
    return "; ".join(filter(None, said)) + "."


def _stop(item: Item) -> str:
    return f"{title(item)} (item {item.place} of w{item.order}): {item.withdrawn_why}."
