"""eventsim: exact, deterministic, streaming event-driven simulation of spiking networks."""

from eventsim._cache import direct_numba_cache

direct_numba_cache()

__version__ = "0.1.0"
