"""Sweep files: what they mean, and that a wrong or damaged one is one line with file and key."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from apps.hw_data import Sample
from apps.hw_model import HwModel
from apps.hw_sweep_file import Sweep, sweep_from_toml
from apps.hw_sweep_point import sweep_context
from eventsim.errors import ParameterError
from tests.apps.hw.conftest import small_network
from tests.hwmodels.chips.damaged_toml import bytes_replaced, lines_replaced

WHOLE = b"""
[sweep]
model = "kws"
chip = "loihi"
data = ["a.wav", "b.wav"]
clips = 5
seed = 3
network = "queued"
pace = "live"
threshold = 0.8

[grid]
chip.name = ["loihi", "loihi-sanafe"]
chip.operations.synapse.energy_pj = [20, 23.6]
chip.static_power_mw = { from = 1, to = 100, steps = 3, scale = "log" }
placement.strategy = ["fill", "balance"]
placement.weight_bits = [4, 8]
network.threshold_scale = { from = 0.5, to = 1.5, steps = 5 }
"network.populations.hidden1.threshold_scale" = [1.0]
decision.threshold = [0.5, 0.9]
timing.updates = ["reached"]
"""


def test_spans_lists_and_dotted_names() -> None:
    sweep = sweep_from_toml(WHOLE, "whole.toml")
    assert sweep.grid["network.threshold_scale"] == (0.5, 0.75, 1.0, 1.25, 1.5)
    assert sweep.grid["chip.static_power_mw"] == pytest.approx((1, 10, 100))
    assert sweep.grid["network.populations.hidden1.threshold_scale"] == (1.0,)
    assert sweep.n_points == 2 * 2 * 3 * 2 * 2 * 5 * 2
    assert len({str(point) for point in sweep.points()}) == sweep.n_points
    assert sweep.fixed.pace == "live"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "key sweep: missing, and required"),
        ("[sweep]", "key grid: missing, and required"),
        ("[sweep]\n[grid]", "key grid: is empty"),
        ("[sweep", "no readable TOML"),
        ("[sweep]\nmodle = 'kws'\n[grid]", "key sweep.modle: unknown; there are model, chip"),
        ("[sweep]\nclips = 0\n[grid]", "key sweep.clips: must be from 1 to"),
        ("[sweep]\nclips = 'all'\n[grid]", "key sweep.clips: must be int"),
        ("[sweep]\npace = 'fast'\n[grid]", "key sweep.pace: 'fast' is not among chip, live"),
        ("[sweep]\nstrategy = 'best'\n[grid]", "key sweep.strategy: 'best' is not among fill, balance, hops"),
        ("[sweep]\nfull = true\nthreshold = 0.5\n[grid]", "key sweep.threshold: has no meaning"),
        ("[sweep]\nthreshold = nan\n[grid]", "key sweep.threshold: must be from 0 to 1"),
        ("[sweep]\n[grid]\ncolour = [1]", "key grid.colour: unknown; there are chip.name"),
        ("[sweep]\n[grid]\ntiming.pace = ['now']", "key grid.timing.pace[0]: 'now' is not among chip, live"),
        ("[sweep]\n[grid]\ntiming.pace = 'live'", "key grid.timing.pace: must be a list"),
        ("[sweep]\n[grid]\ntiming.pace = []", "key grid.timing.pace: must be a list"),
        ("[sweep]\n[grid]\nplacement.cores = [1.5]", "must be a whole number from 1 to 1.04858e+06, got 1.5"),
        ("[sweep]\n[grid]\nplacement.weight_bits = [0]", "must be a whole number from 1 to 64, got 0"),
        ("[sweep]\n[grid]\ndecision.threshold = [1.1]", "must be a number from 0 to 1, got 1.1"),
        ("[sweep]\n[grid]\nnetwork.weight_scale = [0]", "must be a number above 0 to 1e+06, got 0"),
        ("[sweep]\n[grid]\nnetwork.weight_scale = [1, 1]", "names a value twice"),
        ("[sweep]\n[grid]\nchip.static_power_mw = [-1]", "must be a number from 0 to 1e+12, got -1"),
        ("[sweep]\n[grid]\nchip.static_power_mw = [true]", "got True"),
        ("[sweep]\n[grid]\nchip.x = { from = 1, to = 2 }", "key grid.chip.x.steps: must be a number"),
        ("[sweep]\n[grid]\nchip.x = { from = 1, to = 2, steps = 1 }", "from 2 to 10000, got 1"),
        ("[sweep]\n[grid]\nchip.x = { from = 0, to = 2, steps = 3, scale = 'log' }", "must be above 0"),
        ("[sweep]\n[grid]\nchip.x = { from = 1, to = 2, steps = 3, by = 1 }", "key grid.chip.x.by: unknown"),
        (
            "[sweep]\n[grid]\nchip.x = { from = 1, to = 2, steps = 9999 }\n"
            "chip.y = { from = 1, to = 2, steps = 99 }",
            "makes 989901 points, at most 100000",
        ),
    ],
)
def test_a_wrong_file_names_file_and_key(text: str, said: str) -> None:
    with pytest.raises(ParameterError) as refused:
        sweep_from_toml(text.encode(), "wrong.toml")
    line = str(refused.value)
    assert line.startswith("wrong.toml: ")
    assert line.isprintable()
    assert said in line


def context_of(text: str) -> None:
    network = small_network()
    sweep = sweep_from_toml(text.encode(), "wrong.toml")
    sweep_context(sweep, HwModel("small", network), [Sample("s", {}, 0, 1_000_000)])


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("chip.name = ['nochip']", "there is no chip 'nochip'"),
        (
            "chip.operations.synapse.energy_nj = [1]",
            "key grid.chip.operations.synapse.energy_nj[0]: loihi: has no",
        ),
        ("chip.operations = [1]", "has no constant 'operations'"),
        (
            "chip.capacity.neurons_per_core = [1, 1.5]",
            "neurons_per_core[1]: loihi: key capacity.neurons_per_core",
        ),
        ("chip.name = ['xylo']\nchip.operations.synapse.energy_pj = [1]", "xylo: has no constant"),
        ("network.populations.c.threshold_scale = [1.5]", "population 'c' has no threshold to scale"),
        ("decision.threshold = [0.5]", "small: has no decision rule"),
    ],
)
def test_what_chip_or_network_lack_is_found_before_anything_runs(grid: str, said: str) -> None:
    with pytest.raises((ParameterError, ValueError)) as refused:
        context_of(f"[sweep]\n[grid]\n{grid}")
    assert said in str(refused.value)


OWN_WORDS = [b"grid", b"[sweep]", b"from"]


def holds_or_is_refused(data: bytes) -> None:
    try:
        sweep = sweep_from_toml(data, "damaged.toml")
    except ParameterError as refused:
        line = str(refused)
        assert line.startswith("damaged.toml: ")
        assert line.isprintable()
        return
    assert isinstance(sweep, Sweep)
    assert 1 <= sweep.n_points <= 100_000
    assert all(values for values in sweep.grid.values())


@settings(max_examples=300)
@given(bytes_replaced(WHOLE, OWN_WORDS))
def test_bytes_replaced(damaged: bytes) -> None:
    holds_or_is_refused(damaged)


@settings(max_examples=300)
@given(lines_replaced(WHOLE, OWN_WORDS))
def test_values_and_lines_replaced(damaged: bytes) -> None:
    holds_or_is_refused(damaged)


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    from apps.hw_sweep_file import load_sweep

    with pytest.raises(ParameterError, match="cannot be read: Is a directory"):
        load_sweep(tmp_path)
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ParameterError, match=r"large\.toml: larger than 1000000 bytes"):
        load_sweep(large)
