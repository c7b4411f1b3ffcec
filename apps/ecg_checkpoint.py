"""The published ECG network and its recordings, read from plain arrays and checked."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import BundleError, DataError, EventSimError
from eventsim.events import Events
from eventsim.models import ALIF
from eventsim.network import Network
from eventsim.projections import Dense

Floats = NDArray[np.float64]

TICK_NS = 1_000_000
"""One step of the network is one tick; how long it lasts plays no role, as all times are counted in steps."""

BASE_THRESHOLD = 0.1
OUTPUT_BETA = 1.8
INITIAL_ADAPTATION = 0.01
"""Constants of the published code that the weight file does not hold; the hidden neurons do not adapt."""

ARRAYS = (
    "i2h.weight",
    "i2h.bias",
    "h2h.weight",
    "h2h.bias",
    "h2o.weight",
    "h2o.bias",
    "tau_m_h",
    "tau_adp_h",
    "tau_m_o",
    "tau_adp_o",
)


@dataclass(frozen=True, slots=True, eq=False)
class EcgCheckpoint:
    """Weights [post, pre], biases and time constants (in steps) of a recurrent network with one hidden layer.

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593), the ECG network as published with the paper.
    """

    input_weights: Floats
    input_bias: Floats
    recurrent_weights: Floats
    recurrent_bias: Floats
    output_weights: Floats
    output_bias: Floats
    tau_mem_hidden: Floats
    tau_adp_hidden: Floats
    tau_mem_output: Floats
    tau_adp_output: Floats

    @property
    def n_inputs(self) -> int:
        """Return the number of input channels."""
        return int(self.input_weights.shape[1])

    @property
    def n_hidden(self) -> int:
        """Return the number of hidden neurons."""
        return int(self.input_weights.shape[0])

    @property
    def n_outputs(self) -> int:
        """Return the number of labels."""
        return int(self.output_weights.shape[0])

    @property
    def n_synapses(self) -> int:
        """Return the number of weights: the multiply-accumulates of one dense step."""
        return int(self.input_weights.size + self.recurrent_weights.size + self.output_weights.size)

    def network(self) -> Network:
        """Return the network: input -> hidden (recurrent, one tick later) -> output, populations of ALIF.

        Both biases of the hidden layer act in every step, so that neurons fire without any input.
        """
        network = Network(TICK_NS)
        network.add_input("input", self.n_inputs)
        network.add_population(
            "hidden",
            self.n_hidden,
            ALIF(
                tau_mem_ns=self.tau_mem_hidden * TICK_NS,
                tau_adp_ns=self.tau_adp_hidden * TICK_NS,
                base_threshold=BASE_THRESHOLD,
                beta=0.0,
                bias=self.input_bias + self.recurrent_bias,
                initial_adaptation=INITIAL_ADAPTATION,
            ),
        )
        network.add_population(
            "output",
            self.n_outputs,
            ALIF(
                tau_mem_ns=self.tau_mem_output * TICK_NS,
                tau_adp_ns=self.tau_adp_output * TICK_NS,
                base_threshold=BASE_THRESHOLD,
                beta=OUTPUT_BETA,
                bias=self.output_bias,
                initial_adaptation=INITIAL_ADAPTATION,
            ),
        )
        network.connect("input", "hidden", Dense(np.ascontiguousarray(self.input_weights.T)))
        recurrent = np.ascontiguousarray(self.recurrent_weights.T)
        network.connect("hidden", "hidden", Dense(recurrent), delay_ns=TICK_NS)
        network.connect("hidden", "output", Dense(np.ascontiguousarray(self.output_weights.T)))
        return network


@dataclass(frozen=True, slots=True, eq=False)
class EcgRecordings:
    """Level-crossing coded recordings.

    x : float32[recordings, steps, channels], the value of the event in that step, 0 for none.
    labels : int64[recordings, steps]; where a step has none it is 0, as in the published evaluation.
    labelled : bool[recordings, steps], True where the step has a label.
    """

    x: NDArray[np.float32]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def steps(self) -> int:
        """Return the number of time steps of every recording."""
        return int(self.x.shape[1])

    def events(self, k: int) -> Events:
        """Return recording k as events, step s at tick s."""
        step, channel = np.nonzero(self.x[k])
        return Events.of(step * TICK_NS, channel, self.x[k][step, channel])


def load_checkpoint(file: Path) -> EcgCheckpoint:
    """Return the network in an .npz file with the arrays that `ARRAYS` names.

    Raises BundleError, one line, where the file or an array is missing, a shape does not fit, a value is not
    finite, or a time constant is not positive.
    """
    arrays = _read_npz(file, ARRAYS, BundleError)
    held = {name: _real(file, name, array, BundleError) for name, array in arrays.items()}
    hidden_by_input, output_by_hidden = held["i2h.weight"], held["h2o.weight"]
    for name in ("i2h.weight", "h2o.weight"):
        if held[name].ndim != 2 or not held[name].size:
            raise BundleError(f"{file}: {name} must be a matrix [post, pre], got shape {held[name].shape}")
    hidden, output = hidden_by_input.shape[0], output_by_hidden.shape[0]
    expected = {
        "h2o.weight": (output, hidden),
        "h2h.weight": (hidden, hidden),
        **dict.fromkeys(("i2h.bias", "h2h.bias", "tau_m_h", "tau_adp_h"), (hidden,)),
        **dict.fromkeys(("h2o.bias", "tau_m_o", "tau_adp_o"), (output,)),
    }
    for name, shape in expected.items():
        if held[name].shape != shape:
            raise BundleError(
                f"{file}: {name} must have shape {shape} beside i2h.weight of shape {hidden_by_input.shape}, "
                f"got {held[name].shape}"
            )
    for name in ("tau_m_h", "tau_adp_h", "tau_m_o", "tau_adp_o"):
        if not (held[name] > 0).all():
            raise BundleError(f"{file}: {name} must be positive, got {held[name].min():g}")
    return EcgCheckpoint(*(held[name] for name in ARRAYS))


def load_recordings(data: Path, checkpoint: EcgCheckpoint) -> EcgRecordings:
    """Return the recordings of an .npz file, or of `test.npz` in a folder, that the network can hear.

    The file holds x [recordings, steps, channels] and y, one-hot [recordings, steps, labels].

    Raises DataError, one line, where the file or an array is missing, or shapes or values do not fit.
    """
    file = data / "test.npz" if data.is_dir() else data
    arrays = _read_npz(file, ("x", "y"), DataError)
    x, y = (_real(file, name, arrays[name], DataError) for name in ("x", "y"))
    for name, array, last, what in (
        ("x", x, checkpoint.n_inputs, "inputs"),
        ("y", y, checkpoint.n_outputs, "outputs"),
    ):
        if array.ndim != 3 or array.shape[2] != last:
            raise DataError(
                f"{file}: {name} must have shape (recordings, steps, {last}) for the {last} {what} "
                f"of the network, got {array.shape}"
            )
    if x.shape[:2] != y.shape[:2]:
        raise DataError(f"{file}: x has {x.shape[:2]} recordings and steps, y has {y.shape[:2]}")
    if not x.size:
        raise DataError(f"{file}: holds no recordings")
    ones = y.sum(axis=2)
    if not (((y == 0) | (y == 1)).all() and (ones <= 1).all()):
        raise DataError(f"{file}: y must be one-hot: 0, but for at most one 1 at every step")
    return EcgRecordings(x.astype(np.float32), y.argmax(axis=2), ones == 1)


def _read_npz(
    file: Path, names: tuple[str, ...], error: type[EventSimError]
) -> Mapping[str, NDArray[np.generic]]:
    try:
        held = np.load(file, allow_pickle=False)
        if not isinstance(held, np.lib.npyio.NpzFile):
            raise error(f"{file}: is a single array, not an .npz file of several")
        with held:
            missing = [name for name in names if name not in held]
            if missing:
                raise error(f"{file}: lacks {', '.join(missing)}; it holds {', '.join(held) or 'nothing'}")
            return {name: held[name] for name in names}
    except OSError as reason:
        raise error(f"{file}: cannot be read: {reason.strerror or reason}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        raise error(f"{file}: is no .npz file, or a damaged one") from None


def _real(file: Path, name: str, array: NDArray[np.generic], error: type[EventSimError]) -> Floats:
    if array.dtype.kind not in "biuf":
        raise error(f"{file}: {name} must hold real numbers, got dtype {array.dtype}")
    held = np.asarray(array, np.float64)
    bad = np.argwhere(~np.isfinite(held))
    if bad.size:
        raise error(f"{file}: {name}{bad[0].tolist()} is {held[tuple(bad[0])]}, not a finite number")
    return held
