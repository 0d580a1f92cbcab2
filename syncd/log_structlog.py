"""structlog without its coloured tracebacks, which we do not write: for them it loads rich's, and a highlighter of programs too.

That would be 2 MB in each process, held for nothing.
"""

from __future__ import annotations

import sys

_LOOKS = "rich.traceback"
_spared = _LOOKS not in sys.modules
if _spared:
    sys.modules[_LOOKS] = None  # type: ignore[assignment]
try:
    import structlog
finally:
    if _spared:
        del sys.modules[_LOOKS]

__all__ = ["structlog"]
