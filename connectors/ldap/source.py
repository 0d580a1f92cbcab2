"""People and groups from an LDAP directory: the source that the configuration's `type: ldap` names.

Every read is whole over one connection to one server, or it is not certified.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connectors.errors import PermanentError, RetryableError
from connectors.ldap.certificates import Doubts, IncompleteError, Memory, NoMemory
from connectors.ldap.checking import Checking
from connectors.ldap.kinds import KINDS, Kind, kind_of
from connectors.ldap.reading import Reading
from connectors.ldap.search import Searcher
from connectors.ldap.session import open_session
from connectors.model import Certificate, Known, nothing_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from connectors.base import Told
    from connectors.ldap.settings import Settings
    from connectors.model import Record


def _silent(_: str) -> None:
    """For who wants no log."""


def _now() -> datetime:
    return datetime.now(UTC)


class LdapSource:
    """A source that reads an LDAP directory, and never writes to it.

    Args:
        name: the source's name in the configuration.
        settings: servers, bind, people, groups.
        log: told every search as an `ldapsearch` command, and as a comment (`# …`) what was cut, left out or frozen.
        memory: what the last certified read had seen, kept from read to read by the caller; without it an attribute
            that was hidden from us looks like one that nobody has.
        clock: the time; accounts expire.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        log: Callable[[str], None] = _silent,
        memory: Memory | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.name = name
        self._settings = settings
        self._log = log
        self._memory = memory or NoMemory()
        self._clock = clock

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream every person that is not known already, then every group, then the certificate.

        Raises:
            RetryableError: no server could be reached, or the connection broke.
            RefusedError: the server refused the bind or StartTLS.
            PermanentError: the settings cannot work, or the server's certificate is not good.
        """
        yield from self._read(known, Doubts(self._note))

    def check(self) -> Iterator[str]:
        """Every reason why a read would fail or not be whole, as far as a few quick searches tell."""
        yield from (told.sentence for told in self.explain() if told.kind == "problem")

    def explain(self) -> Iterator[Told]:
        """What every server of the list came to, and what is to be seen in the first that answers."""
        before = self._memory.recall()
        yield from Checking(self._settings, self._kind, before=before, log=self._log, clock=self._clock).told()

    def _read(self, known: Known, doubts: Doubts) -> Iterator[Record | Certificate]:
        settings = self._settings
        with open_session(settings.servers) as session:
            searcher = Searcher(session, self._log, settings.page_size)
            kind, contexts = self._server(searcher)
            reading = Reading(
                searcher,
                kind,
                contexts=contexts,
                settings=settings,
                known=known,
                doubts=doubts,
                memory=self._memory,
                now=self._clock(),
            )
            yield from reading.records()
            certificate = reading.certificate()
        yield certificate

    def _server(self, searcher: Searcher) -> tuple[Kind, list[str]]:
        """What kind of server it is, and which names it holds."""
        try:
            root = searcher.read("", ("*", "+"))
        except IncompleteError as error:
            # Without it we would take the server for another kind, and see less of its groups.
            raise RetryableError(
                f"the server does not say what it is: {error}",
                where=searcher.session.url,
                cure="let the bind user read the root DSE",
            ) from error
        told = root.attributes if root else {}
        kind = self._kind(told)
        contexts = [value.decode("utf-8", "replace") for value in told.get("namingcontexts", ())]
        return kind, contexts

    def _kind(self, root_dse: Mapping[str, Sequence[bytes]]) -> Kind:
        name = self._settings.kind
        if name is not None and name not in KINDS:
            cure = f"write one of {', '.join(KINDS)}, or nothing"
            raise PermanentError(f"{name} is no kind of server", where=self.name, cure=cure)
        return kind_of(root_dse) if name is None else KINDS[name]

    def _note(self, sentence: str) -> None:
        self._log(f"# {sentence}")
