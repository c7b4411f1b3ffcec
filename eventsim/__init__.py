"""eventsim: exact, deterministic, streaming event-driven simulation of spiking networks.

Names are imported when first used: `import eventsim` alone loads neither numba nor numpy.

>>> import eventsim
>>> network = eventsim.Network(tick_ns=1_000_000)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from eventsim._cache import direct_numba_cache

if TYPE_CHECKING:
    from eventsim.bundle import Bundle, load_bundle, load_network, save_bundle, save_network
    from eventsim.connectivity import fixed_in_degree, fixed_out_degree, fixed_probability
    from eventsim.decisions import (
        Decision,
        EndOfInput,
        FirstToFire,
        FixedTime,
        RankOrder,
        Rule,
        SoftmaxThreshold,
        rule_from,
    )
    from eventsim.errors import (
        BundleError,
        CausalityError,
        ChipError,
        DataError,
        EventError,
        EventSimError,
        GridError,
        NetworkError,
        NirError,
        OutputError,
        ParameterError,
        PlacementError,
        SourceError,
        WireError,
    )
    from eventsim.events import Events
    from eventsim.models import (
        ALIF,
        LIF,
        CubaLI,
        CubaLIF,
        InputGated,
        LeakyIntegrator,
        NeuronModel,
        SigmaDelta,
    )
    from eventsim.network import Network
    from eventsim.nir import from_nir, to_nir
    from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d
    from eventsim.session import Counters, Session

__version__ = "0.1.0"

__all__ = [
    "ALIF",
    "LIF",
    "Bundle",
    "BundleError",
    "CausalityError",
    "ChipError",
    "Conv2d",
    "Counters",
    "Csr",
    "CubaLI",
    "CubaLIF",
    "DataError",
    "Decision",
    "Dense",
    "EndOfInput",
    "EventError",
    "EventSimError",
    "Events",
    "FirstToFire",
    "FixedTime",
    "GridError",
    "InputGated",
    "LeakyIntegrator",
    "Network",
    "NetworkError",
    "NeuronModel",
    "NirError",
    "OneToOne",
    "OutputError",
    "ParameterError",
    "PlacementError",
    "RankOrder",
    "Rule",
    "Session",
    "SigmaDelta",
    "SoftmaxThreshold",
    "SourceError",
    "SumPool2d",
    "WireError",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "from_nir",
    "load_bundle",
    "load_network",
    "rule_from",
    "save_bundle",
    "save_network",
    "to_nir",
]

_NAMES_OF_MODULES = {
    "eventsim.bundle": "Bundle load_bundle load_network save_bundle save_network",
    "eventsim.connectivity": "fixed_in_degree fixed_out_degree fixed_probability",
    "eventsim.decisions": (
        "Decision EndOfInput FirstToFire FixedTime RankOrder Rule SoftmaxThreshold rule_from"
    ),
    "eventsim.errors": (
        "BundleError CausalityError ChipError DataError EventError EventSimError GridError NetworkError "
        "NirError OutputError ParameterError PlacementError SourceError WireError"
    ),
    "eventsim.events": "Events",
    "eventsim.models": "ALIF LIF CubaLI CubaLIF InputGated LeakyIntegrator NeuronModel SigmaDelta",
    "eventsim.network": "Network",
    "eventsim.nir": "from_nir to_nir",
    "eventsim.projections": "Conv2d Csr Dense OneToOne SumPool2d",
    "eventsim.session": "Counters Session",
}
_MODULE_OF = {name: module for module, names in _NAMES_OF_MODULES.items() for name in names.split()}

# Before any module of the package can define a kernel.
direct_numba_cache()


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'eventsim' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
