"""The model file of the keyword network: where it lies, and whether a bundle is one."""

from dataclasses import dataclass
from pathlib import Path

from apps.assets import default_model
from eventsim.bundle import Bundle, load_bundle
from eventsim.errors import BundleError, EventSimError
from streams.encoders import MelDeltaEncoder, encoder_from_config

NOT_A_KEYWORD = frozenset({"unknown", "silence"})


@dataclass(frozen=True, slots=True)
class KeywordModel:
    """A bundle whose parts fit each other: one input for the encoder, one readout, a label per output."""

    bundle: Bundle
    input_name: str
    output_name: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each output."""
        return self.bundle.labels

    @property
    def n_synapses(self) -> int:
        """Synapses of the network: the work of one time step of a dense evaluation."""
        return sum(projection.synapses.n_synapses for projection in self.bundle.network.projections)

    def new_encoder(self) -> MelDeltaEncoder:
        """Return a fresh encoder of the kind the network was trained with."""
        return _mel_delta(self.bundle)


def keyword_model(bundle: Bundle, name: str = "bundle") -> KeywordModel:
    """Return `bundle` as a keyword model.

    Raises BundleError, with `name` in front, when encoder, network and labels do not fit each other.
    """
    network = bundle.network
    try:
        encoder = _mel_delta(bundle)
    except EventSimError as error:
        raise BundleError(f"{name}: is no keyword model ({error})") from None
    problem = None
    if list(network.inputs.values()) != [encoder.n_addresses]:
        problem = f"its inputs {dict(network.inputs)} are not one of {encoder.n_addresses} addresses"
    elif len(network.outputs) != 1:
        problem = f"it has {len(network.outputs)} output populations instead of one"
    elif network.populations[network.outputs[0]].size != len(bundle.labels):
        problem = f"{network.populations[network.outputs[0]].size} outputs have {len(bundle.labels)} labels"
    elif network.tick_ns != encoder.tick_ns:
        problem = f"its tick is {network.tick_ns} ns, its encoder's {encoder.tick_ns} ns"
    if problem:
        raise BundleError(f"{name}: is no keyword model ({problem})")
    return KeywordModel(bundle, next(iter(network.inputs)), network.outputs[0])


def _mel_delta(bundle: Bundle) -> MelDeltaEncoder:
    encoder = encoder_from_config(bundle.encoder)
    # The gate that opens windows reads steps of band energies: only this encoder's events are such.
    if not isinstance(encoder, MelDeltaEncoder):
        raise BundleError(f"its encoder is {encoder.kind!r}, not {MelDeltaEncoder.kind!r}")
    return encoder


def load_keyword_model(path: Path | None = None) -> KeywordModel:
    """Return the keyword model in `path`, or the one that comes with the package.

    Raises BundleError when the file is missing, damaged, foreign, or no keyword model.
    """
    file = path if path is not None else default_model()
    return keyword_model(load_bundle(file), str(file))
