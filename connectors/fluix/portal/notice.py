"""Telling a Taskstream that an order is ready, once. What is told is a setting, and holds numbers only, nobody's name.

The state is written before and after sending. A call that was begun and has no end may or may not have arrived: it is not
made again, and a person is asked to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from connectors.errors import ConnectorError, RetryableError
from connectors.fluix.portal.book import Book, Order
from connectors.fluix.webhook import UnclearError, Webhook

DEFAULT_FIELDS: Mapping[str, str] = MappingProxyType({"work-order": "{order}", "items": "{items}"})
UNCLEAR = "the call was begun and has no end: see in Fluix whether the Taskstream started"


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told, and what.

    Args:
        webhook: see there.
        fields: field name -> text, in which {order}, {items} and {created} stand for the order's.
    """

    webhook: Webhook
    fields: Mapping[str, str] = field(default_factory=lambda: DEFAULT_FIELDS)

    def send_due(self, book: Book, clock: Callable[[], datetime]) -> None:
        """Tell of every order that was not told of yet. What went wrong is kept with the order."""
        for order in book.notices("due"):
            whole = book.order(order.number)
            assert whole is not None
            book.note(order.number, "sending", UNCLEAR, clock())
            try:
                self.webhook.start(self.texts(whole))
            except UnclearError as error:
                book.note(order.number, "sending", f"{error.what}: {UNCLEAR}", clock())
            except RetryableError as error:
                book.note(order.number, "due", f"{error.what}; it is tried again by the next run", clock())
                return
            except ConnectorError as error:
                book.note(order.number, "refused", f"{error.what}: {error.cure}", clock())
            else:
                book.note(order.number, "sent", "", clock())

    def texts(self, order: Order) -> dict[str, str]:
        """The fields as they are sent."""
        known = {
            "order": order.name,
            "items": str(len(order.items)),
            "created": f"{order.created_at:%Y-%m-%d %H:%M} UTC",
        }
        return {name: text.format_map(known) for name, text in self.fields.items()}


def troubles(book: Book) -> Iterator[str]:
    """What did not work, as sentences."""
    for order in book.notices("due", "sending", "refused"):
        if order.notice_text:
            yield f"nobody was told of work order {order.name} for certain: {order.notice_text}"
