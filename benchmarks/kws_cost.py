"""What the keyword spotter costs on real sound: CPU, time to a decision, events; and whether cuts matter.

python -m benchmarks.kws_cost --data DIR [--other-speech DIR]
"""

import argparse
import datetime
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from apps.assets import default_model
from apps.command_line import CommandParser, natural, positive_seconds
from apps.keyword_model import KeywordModel, load_keyword_model
from apps.spotter import NS_PER_S, KeywordSpotter
from benchmarks.exit_code import exit_code_of
from benchmarks.kws_cost_result import (
    Activity,
    BlockCost,
    CutInvariance,
    KwsCost,
    Model,
    SoundCost,
    Spread,
    print_cost,
    spread,
)
from benchmarks.kws_passes import SpotterPass, equal_blocks, n_differing, random_blocks, run_ungated, spot
from benchmarks.kws_sounds import Sound, load_sounds
from benchmarks.machine import this_machine
from benchmarks.result_file import write_result
from eventsim.errors import BundleError
from streams.speech_commands import RATE_HZ

BLOCKS_MS = (10, 100)
RANDOM_CUTS = 3
_LONGEST_RANDOM_BLOCK = 2 * RATE_HZ
# Narrower, as rich takes a pipe to be, the tables would be cut.
_MIN_WIDTH = 120
_RESULT = Path(__file__).resolve().parent / "results" / "kws_cost.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 0, 2 for a named error, 130 after Ctrl-C."""
    return exit_code_of("kws_cost", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    cost = measure(options.data, options.other_speech, options.model, options.seconds, options.seed)
    print_cost(cost, Console(highlight=False, width=max(_MIN_WIDTH, Console().width)))
    write_result(options.output, cost)
    return 0


def measure(
    data: Path,
    other_speech: Path | None = None,
    model_file: Path | None = None,
    seconds: float = 300.0,
    seed: int = 0,
) -> KwsCost:
    """Return the cost on streams of at most `seconds` of each kind of sound.

    Raises DataError or SourceError for the recordings, BundleError for the model.
    """
    model = load_keyword_model(model_file)
    spotter = KeywordSpotter(model)
    if spotter.rate_hz != RATE_HZ:
        raise BundleError(f"the model listens at {spotter.rate_hz} Hz; the recordings have {RATE_HZ} Hz")
    sounds = load_sounds(data, other_speech, seconds, seed)
    # All that the live command does before it listens; whatever is slow after that is measured.
    spotter.warm_up()
    measured = [_sound_cost(spotter, sound, seed) for sound in sounds]
    passes = [spotter_passes for _, spotter_passes in measured]
    return KwsCost(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seed=seed,
        seconds=seconds,
        machine=this_machine(),
        model=_model(model, default_model() if model_file is None else model_file),
        sounds=[cost for cost, _ in measured],
        all_decisions=[
            _block_cost(block_ms, [each[k] for each in passes]) for k, block_ms in enumerate(BLOCKS_MS)
        ],
    )


def _sound_cost(spotter: KeywordSpotter, sound: Sound, seed: int) -> tuple[SoundCost, list[SpotterPass]]:
    cut = {ms: equal_blocks(sound.samples, RATE_HZ * ms // 1000) for ms in BLOCKS_MS}
    passes = [spot(spotter, blocks) for blocks in cut.values()]
    rng = np.random.default_rng(seed)
    others = [
        spot(spotter, random_blocks(sound.samples, _LONGEST_RANDOM_BLOCK, rng)) for _ in range(RANDOM_CUTS)
    ]
    ungated = run_ungated(spotter.model, cut[BLOCKS_MS[0]])
    work, counters = passes[0].work, ungated.counters
    audio_s = sound.samples.size / RATE_HZ
    ticks_per_s = NS_PER_S / spotter.tick_ns
    dense_per_s = spotter.model.n_synapses * ticks_per_s

    def activity(network_share: float, spikes: int, synaptic_events: int) -> Activity:
        per_s = synaptic_events / audio_s
        return Activity(network_share, spikes / audio_s, per_s, per_s / dense_per_s)

    cost = SoundCost(
        name=sound.name,
        audio_s=audio_s,
        recordings=sound.recordings,
        input_events_per_s=work.input_events / audio_s,
        dense_synaptic_events_per_s=dense_per_s,
        gated=activity(work.window_ticks / (audio_s * ticks_per_s), work.spikes, work.synaptic_events),
        ungated=activity(1.0, sum(counters.spikes.values()), counters.synaptic_events),
        ungated_cpu_percent=100 * ungated.cpu_s / audio_s,
        blocks=[_block_cost(ms, [each]) for ms, each in zip(BLOCKS_MS, passes, strict=True)],
        cut_invariance=_cut_invariance(passes[0], [*passes[1:], *others]),
    )
    return cost, passes


def _block_cost(block_ms: int, passes: Sequence[SpotterPass]) -> BlockCost:
    audio_s = sum(each.work.samples for each in passes) / RATE_HZ
    latency_ms = [ms for each in passes for ms in each.latency_ms]
    push = spread(np.concatenate([each.push_ms for each in passes]))
    return BlockCost(
        block_ms=block_ms,
        cpu_percent=100 * sum(each.cpu_s for each in passes) / audio_s,
        push=push or Spread(0.0, 0.0, 0.0),
        decisions=len(latency_ms),
        decisions_at_end=sum(each.at_end for each in passes),
        in_later_block=sum(each.in_later_block for each in passes),
        latency=spread(latency_ms),
        latency_cpu=spread([ms for each in passes for ms in each.latency_cpu_ms]),
    )


def _cut_invariance(expected: SpotterPass, others: Sequence[SpotterPass]) -> CutInvariance:
    return CutInvariance(
        cuts=len(others),
        outcomes=len(expected.said),
        compared=len(expected.said) * len(others),
        differing=sum(n_differing(other.said, expected.said) for other in others),
        work_differing=sum(other.work != expected.work for other in others),
    )


def _model(model: KeywordModel, file: Path) -> Model:
    decision = model.bundle.decision
    return Model(
        # The name alone: where it lies says something of the machine and nothing of the model.
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        info=model.bundle.info,
        threshold=decision.get("threshold"),
        synapses=model.n_synapses,
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.kws_cost",
        description="CPU, time to a decision and events of the keyword spotter on real sound.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder in the Speech Commands layout"
    )
    parser.add_argument(
        "--other-speech", type=Path, metavar="DIR", help="folder of .flac or .wav speech without keywords"
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help="model bundle [the one that comes along]")
    parser.add_argument(
        "--seconds",
        type=positive_seconds,
        default=300.0,
        metavar="N",
        help="at most this much of each kind of sound [%(default)s]",
    )
    parser.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")
    parser.add_argument(
        "--output", type=Path, default=_RESULT, metavar="FILE", help="JSON result [benchmarks/results]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
