"""Do work in the background, now or later, with threads that exist only while there is any."""

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
class _Task:
    due_at: float
    number: int
    work: Callable[[], None] = field(compare=False)
    is_awaited: bool = field(compare=False)


class BackgroundQueue:
    """A queue of work, each with the time when it is due."""

    def __init__(self, name: str) -> None:
        """Start without any work, and without a thread."""
        self._name = name
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._numbers = itertools.count()
        self._awaited = 0
        self._is_stopped = False
        self._clock: threading.Thread | None = None
        self._workers: ThreadPoolExecutor | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the queue drops all work."""
        return self._is_stopped

    def add(self, work: Callable[[], None], seconds: float = 0.0, *, is_awaited: bool = True) -> None:
        """Do `work` in `seconds`; `wait` does not wait for it unless it `is_awaited`."""
        with self._changed:
            if self._is_stopped:
                return
            if self._clock is None:
                self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix=self._name)
                self._clock = threading.Thread(target=self._run, name=f"{self._name}-clock", daemon=True)
                self._clock.start()
            heapq.heappush(self._tasks, _Task(time.monotonic() + seconds, next(self._numbers), work, is_awaited))
            self._awaited += is_awaited
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until all awaited work is done, and the work that it has added.

        Raises:
            TimeoutError: it takes longer than `seconds`.

        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._awaited, seconds):
                raise TimeoutError(f"{self._awaited} {self._name} are still under way after {seconds} seconds")

    def stop(self) -> None:
        """Drop the work that is not yet due, and all that is added from now on; running work goes on."""
        with self._changed:
            self._is_stopped = True
            self._tasks.clear()
            self._changed.notify_all()

    def restart(self) -> None:
        """Wait until running work and the threads have ended, and accept work again."""
        if self._clock is not None and self._workers is not None:
            self._clock.join()
            self._workers.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._clock = self._workers = None
            self._awaited = 0
            self._is_stopped = False

    def _run(self) -> None:
        with self._changed:
            while not self._is_stopped:
                now = time.monotonic()
                if self._tasks and self._tasks[0].due_at <= now:
                    self._submit(heapq.heappop(self._tasks))
                else:
                    self._changed.wait(self._tasks[0].due_at - now if self._tasks else None)

    def _submit(self, task: _Task) -> None:
        if self._workers is not None:
            self._workers.submit(task.work).add_done_callback(lambda future: self._finish(future, task))

    def _finish(self, future: "Future[None]", task: _Task) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            _log.error("%s ended unexpectedly", self._name, exc_info=error)
        with self._changed:
            self._awaited -= task.is_awaited
            self._changed.notify_all()
