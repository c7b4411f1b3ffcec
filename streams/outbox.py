"""What waits to be sent: a bounded queue from the thread that makes blocks to the one that owns sockets."""

import socket
import threading
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """A bounded queue whose reader may sleep on a file descriptor together with its sockets.

    capacity : entries it holds at most.

    >>> box = Outbox[str](1)
    >>> box.offer("a"), box.offer("b"), box.take_all()
    (True, False, ['a'])
    >>> box.dispose()
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: deque[T] = deque()
        self._room = threading.Condition()
        self._rung = False
        self._abandoned = False
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when something was offered or the bell rung."""
        return self._bell.fileno()

    def offer(self, entry: T) -> bool:
        """Put an entry into the queue, or return False where it is full or nobody reads it any more."""
        with self._room:
            if self._abandoned or len(self._entries) >= self._capacity:
                return False
            self._entries.append(entry)
            self._ring()
        return True

    def put(self, entry: T) -> bool:
        """Put an entry into the queue when there is room; False where the reader has given up."""
        with self._room:
            while len(self._entries) >= self._capacity and not self._abandoned:
                self._room.wait()
            if self._abandoned:
                return False
            self._entries.append(entry)
            self._ring()
        return True

    def ring(self) -> None:
        """Wake the reader."""
        with self._room:
            self._ring()

    def __len__(self) -> int:
        return len(self._entries)

    def take_all(self, *, last: bool = False) -> list[T]:
        """Return all entries and silence the bell; after the `last` time nothing can be put in any more."""
        with self._room:
            with suppress(BlockingIOError):
                self._bell.recv(64)
            self._rung = False
            entries = list(self._entries)
            self._entries.clear()
            self._abandoned |= last
            self._room.notify_all()
        return entries

    def abandon(self) -> None:
        """Tell writers that nobody reads any more."""
        with self._room:
            self._abandoned = True
            self._room.notify_all()

    def dispose(self) -> None:
        """Give back the descriptors."""
        self._bell.close()
        self._ringer.close()

    def _ring(self) -> None:
        if not self._rung:
            with suppress(OSError):
                self._ringer.send(b"\0")
            # Only now: Ctrl-C in between must not leave a bell that is thought to have rung.
            self._rung = True
