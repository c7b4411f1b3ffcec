"""Sound made into a stream of events by an encoder."""

from collections.abc import Iterator

from streams.audio_block import AudioSource
from streams.encoders.encoder import Encoder
from streams.encoders.event_rate import EventRate
from streams.event_block import EventBlock
from streams.resample import ResampledSource


class EncodedSource:
    """Yields the events of a source of sound, one block for each of its blocks, and counts them.

    source : any source of sound; at another rate than the encoder's it is resampled.
    encoder : is reset when the stream begins.
    rate : events per second so far and over the last second, also while iterating.

    A block ends at the encoder's horizon, the next starts there. Events that the end of the sound would only
    have completed are not made up.
    """

    def __init__(self, source: AudioSource, encoder: Encoder) -> None:
        self.source = source
        self.encoder = encoder
        self.rate = EventRate()

    @property
    def n_addresses(self) -> int:
        """Number of addresses of every block."""
        return self.encoder.n_addresses

    def __iter__(self) -> Iterator[EventBlock]:
        """Yield the blocks; ends when the sound does."""
        source, encoder = self.source, self.encoder
        if source.rate_hz != encoder.rate_hz:
            source = ResampledSource(source, encoder.rate_hz)
        self.rate = EventRate()
        start_ns: int | None = None
        for sound in source:
            if start_ns is None:
                start_ns = sound.start_ns
                encoder.reset(start_ns)
            events = encoder.push(sound.samples)
            block = EventBlock(events, start_ns, encoder.horizon_ns, encoder.n_addresses, sound.captured_ns)
            start_ns = block.end_ns
            self.rate.count(block)
            yield block
