"""One thread at a time makes a syntax tree, where Python needs that.

Before 3.11.8 the depth of a tree that is being made is kept for the whole process: when the collector lets another thread go on that makes
one too (a server that writes a traceback, beside a test that builds an application), both end in a SystemError (python/cpython#106905).
"""

from __future__ import annotations

import ast
import sys
from functools import wraps
from threading import RLock
from typing import Any, Final

_FIXED: Final = (3, 11, 8)


def one_parser() -> None:
    """Keep the others waiting."""
    if sys.version_info >= _FIXED:
        return
    parse, alone = ast.parse, RLock()

    @wraps(parse)
    def parse_alone(*args: Any, **how: Any) -> Any:
        with alone:
            return parse(*args, **how)

    ast.parse = parse_alone  # type: ignore[assignment]
