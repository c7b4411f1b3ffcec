"""Live and recorded sound and light as blocks and events."""

import eventsim as _eventsim  # noqa: F401  (directs the kernel cache before numba is imported)
