"""Work that is done in the background, now or later, by threads that are there only while there is any."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)

WORKERS = 8


@dataclass(order=True)
class _Due:
    moment: float
    number: int
    work: Callable[[], None] = field(compare=False)
    awaited: bool = field(compare=False)


class Later:
    """A queue of work, each with its moment; `stop` forgets all of it."""

    def __init__(self, name: str) -> None:
        """Start without any work, and without a thread."""
        self._name = name
        self._changed = threading.Condition()
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._awaited = 0
        self._stopped = False
        self._clock: threading.Thread | None = None
        self._workers: ThreadPoolExecutor | None = None

    @property
    def stopped(self) -> bool:
        """Whether nothing is taken any more."""
        return self._stopped

    def add(self, work: Callable[[], None], seconds: float = 0.0, *, awaited: bool = True) -> None:
        """Have `work` done in `seconds`; nobody who settles waits for what is not `awaited`."""
        with self._changed:
            if self._stopped:
                return
            if self._clock is None:
                self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix=self._name)
                self._clock = threading.Thread(target=self._run, name=f"{self._name}-clock", daemon=True)
                self._clock.start()
            heapq.heappush(self._due, _Due(time.monotonic() + seconds, next(self._numbers), work, awaited))
            self._awaited += awaited
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until all awaited work is done, and what that work has added.

        Raises:
            TimeoutError: it takes longer than `seconds`.

        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._awaited, seconds):
                raise TimeoutError(f"{self._awaited} {self._name} are still under way after {seconds} seconds")

    def stop(self) -> None:
        """Forget what is due, and take nothing more; what is being done goes on."""
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify_all()

    def start(self) -> None:
        """Wait until what was being done has ended, with its threads, and be as new."""
        if self._clock is not None and self._workers is not None:
            self._clock.join()
            self._workers.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._clock = self._workers = None
            self._awaited = 0
            self._stopped = False

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._due and self._due[0].moment <= now:
                    self._begin(heapq.heappop(self._due))
                else:
                    self._changed.wait(self._due[0].moment - now if self._due else None)

    def _begin(self, due: _Due) -> None:
        if self._workers is not None:
            self._workers.submit(due.work).add_done_callback(lambda future: self._ended(future, due))

    def _ended(self, future: "Future[None]", due: _Due) -> None:
        failure = None if future.cancelled() else future.exception()
        if failure is not None:
            _log.error("%s ended unexpectedly", self._name, exc_info=failure)
        with self._changed:
            self._awaited -= due.awaited
            self._changed.notify_all()
