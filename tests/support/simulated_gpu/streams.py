"""Streams with vector clocks: an operation that does not wait for what it reads or overwrites is a race."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Set

Storages = Set[int]  # memory, by the number of its storage
NOTHING: Storages = frozenset()


class Clocks:
    """How much of every stream each stream, and the host, has waited for.

    Attributes:
        clocks: by stream, how many operations of each stream are before its next one.
        host: the same for the host, whose launches come after what it has waited for.
        written: by storage, the stream that wrote last, and its time then.
        read: by storage, the time of the last read in each stream.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report, self.streams = report, 0
        self.clocks: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.host: Counter[int] = Counter()
        self.written: dict[int, tuple[int, int]] = {}
        self.read: defaultdict[int, dict[int, int]] = defaultdict(dict)

    def launch(self, stream: int, reads: Storages, writes: Storages, born: Storages = NOTHING) -> None:
        """Note an operation, and report what it does not wait for; memory that is born had no other use."""
        clock = self.clocks[stream]
        clock |= self.host
        clock[stream] += 1
        for storage in (reads | writes) - born:
            writer, time = self.written.get(storage, (stream, 0))
            if clock[writer] < time:
                self.report(f"uses what stream {writer} writes")
        for storage in writes - born:
            for reader, time in self.read[storage].items():
                if clock[reader] < time:
                    self.report(f"overwrites what stream {reader} reads")
        for storage in writes | born:
            self.forget(storage)
            self.written[storage] = stream, clock[stream]
        for storage in reads:
            self.read[storage][stream] = clock[stream]

    def forget(self, storage: int) -> None:
        """Begin the history of a piece of memory anew."""
        self.written.pop(storage, None)
        self.read.pop(storage, None)

    def is_now(self, clock: Counter[int]) -> bool:
        """Tell whether nothing was launched since a time of the streams."""
        return all(clock[stream] >= own[stream] for stream, own in self.clocks.items())

    def wait_on_host(self) -> None:
        """Let the host wait for all streams."""
        for clock in self.clocks.values():
            self.host |= clock


class Stream:
    """A stream of the simulated GPU."""

    def __init__(self, clocks: Clocks, wait: Callable[[str], None]) -> None:
        self.clocks, self.wait = clocks, wait
        clocks.streams += 1
        self.number = clocks.streams

    def wait_stream(self, other: Stream) -> None:
        """Let what follows here come after what was launched there."""
        self.clocks.clocks[self.number] |= self.clocks.clocks[other.number]

    def synchronize(self) -> None:
        """Let the host wait."""
        self.wait("stream.synchronize")
