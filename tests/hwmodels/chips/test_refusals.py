"""Every wrong chip file ends in one line that names file, key and what is allowed."""

import pytest

from eventsim.errors import ChipError
from hwmodels.chip import load_chip
from hwmodels.chip_checks import chip_from_toml
from tests.hwmodels.chips.own_chip import own_chip

GOOD = own_chip(neurons_per_core=10, capacity="", barrier="")
ENERGY = 'energy_pj = { value = 1, source = "s", status = "measured" }'
BARRIER = '[[synchronisation.barrier]]\ntiles = {}\nlatency_ns = {{ status = "unknown" }}\n'


def refusal(text: str) -> str:
    with pytest.raises(ChipError) as refused:
        chip_from_toml(text.encode("utf-8", "surrogateescape"), "wrong.toml")
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith("wrong.toml: ")
    return line


def test_the_file_to_be_damaged_is_good() -> None:
    assert chip_from_toml(GOOD.encode(), "good.toml").limits.neurons_per_core == 10
    assert ENERGY in GOOD
    assert GOOD.count("value = 10,") == GOOD.count(X) == 1


def energy(table: str) -> str:
    return GOOD.replace(ENERGY, f"energy_pj = {table}")


def number(text: str) -> str:
    return energy(f'{{ {text}, source = "s", status = "measured" }}')


# Of the constant `energy`: what is written there, the key at fault, what the line must say of it.
WRONG_CONSTANTS = {
    "negative": (number("value = -1"), "value", "must be a number from 0 to 1e+12, got -1"),
    "nan": (number("value = nan"), "value", "must be a number from 0 to 1e+12, got nan"),
    "infinite": (number("value = inf"), "value", "must be a number from 0 to 1e+12, got inf"),
    "text": (number('value = "1"'), "value", "must be a number, got text"),
    "boolean": (number("value = true"), "value", "must be a number, got true or false"),
    "low above": (number("value = 1, low = 2"), "low", "must be at most the value, 1, got 2"),
    "high below": (number("value = 1, high = 0.5"), "high", "must be at least the value, 1, got 0.5"),
    "band of nan": (number("value = 1, high = nan"), "high", "must be a number from 0 to 1e+12, got nan"),
    "component": (
        number('value = 1, includes = ["weather"]'),
        "includes[0]",
        "'weather' is not among synapse, neuron, spike, network, static",
    ),
    "no value": (
        number('note = ""'),
        "value",
        'required of status "measured"; where none is known: "unknown"',
    ),
    "no source": (energy('{ value = 1, status = "measured" }'), "source", "missing"),
    "source": (
        energy('{ value = 1, source = "t", status = "measured" }'),
        "source",
        "'t' is not among [sources]: s",
    ),
    "no status": (energy('{ value = 1, source = "s" }'), "status", "missing, and required"),
    "status": (
        energy('{ value = 1, source = "s", status = "guessed" }'),
        "status",
        "'guessed' is not among measured, fitted, simulated, published, assumed, unknown",
    ),
    "unknown number": (energy('{ value = 1, status = "unknown" }'), "value", '"unknown" has no number'),
    "unknown band": (energy('{ high = 1, status = "unknown" }'), "high", '"unknown" has no number'),
    "unknown source": (energy('{ source = "t", status = "unknown" }'), "source", "is not among [sources]"),
}

X = 'tiles_x = { value = 1, source = "s", status = "measured" }'
MANY_CORES = {"tiles_x": 1000, "tiles_y": 1000, "cores_per_tile": 2}
TICK = 'tick_ns = { value = 0, source = "s", status = "measured" }'
SYNAPSE = "[operations.synapse]"

# What is replaced in the good file (or the whole file), the key at fault, what the line must say of it.
WRONG = {
    "a number alone": (energy("1"), "operations.synapse.energy_pj", "must be a table, got a whole number"),
    "unit": (
        GOOD.replace("energy_pj =", "energy_nj ="),
        "operations.synapse.energy_nj",
        "the unit is in the key's name: energy_pj",
    ),
    "no unit": (
        GOOD.replace("latency_ns =", "latency ="),
        "operations.synapse.latency",
        "the unit is in the key's name: latency_ns",
    ),
    "key": (GOOD.replace(SYNAPSE, f"{SYNAPSE}\ncolour = 1"), "operations.synapse.colour", "unknown"),
    "operation": (GOOD.replace(SYNAPSE, "[operations.synpase]"), "operations.synpase", "unknown"),
    "section": (f"colour = 1\n{GOOD}", "colour", "unknown"),
    "half a neuron": (
        GOOD.replace("value = 10,", "value = 10.5,"),
        "capacity.neurons_per_core.value",
        "must be a whole number of at least 1, got 10.5",
    ),
    "no neurons": (
        GOOD.replace("value = 10,", "value = 0,"),
        "capacity.neurons_per_core.value",
        "must be a whole number of at least 1, got 0",
    ),
    "no mesh": (GOOD.replace(X, 'tiles_x = { status = "unknown" }'), "capacity.tiles_x.value", "missing"),
    "cores": (own_chip(**MANY_CORES), "capacity", "must be at most 1048576, got 2000000"),
    "width": (own_chip(weight_bits_max=65), "capacity.weight_bits_max.value", "must be from 1 to 64, got 65"),
    "widths": (
        own_chip(weight_bits_min=9, weight_bits_max=8),
        "capacity.weight_bits_min.value",
        "must be at most weight_bits_max, 8, got 9",
    ),
    "barrier of no tiles": (
        own_chip(barrier=BARRIER.format(0)),
        "synchronisation.barrier[0].tiles",
        "must be above 0, got 0",
    ),
    "barrier out of order": (
        own_chip(barrier=BARRIER.format(2) * 2),
        "synchronisation.barrier[1].tiles",
        "must be above 2, got 2",
    ),
    "barrier without barriers": (
        own_chip(barrier=BARRIER.format(1), mode="asynchronous"),
        "synchronisation.barrier",
        'has no place in mode "asynchronous"',
    ),
    "mode": (own_chip(mode="lockstep"), "synchronisation.mode", "is not among barrier, asynchronous"),
    "tick": (own_chip(barrier=TICK), "synchronisation.tick_ns.value", "must be above 0"),
    "format": (GOOD.replace("format = 1", "format = 2"), "format", "must be 1, got 2"),
    "name": (GOOD.replace('"own"', '"My Chip"'), "name", "must be lower-case letters, digits and '-'"),
    "kind": (GOOD.replace('"mesh"', '"ring"'), "kind", "'ring' is not among mesh, cycles, macs"),
    "boundary": (
        GOOD.replace('"core"', '"room"'),
        "boundary",
        "'room' is not among core, chip, board, system",
    ),
    "other sections": (
        GOOD.replace('"mesh"', '"macs"'),
        "capacity",
        "no place in kind 'macs', which takes macs",
    ),
    "no section": (GOOD.partition("[capacity]")[0], "capacity", "missing, and required of kind 'mesh'"),
    "no citation": (GOOD.replace("Measured here", " "), "sources.s.citation", "must not be empty"),
    "from memory": (GOOD.replace("first hand", "memory"), "capacity.tiles_x.status", 'must be "assumed"'),
    "how seen": (
        GOOD.replace("first hand", "dreamt"),
        "sources[...].seen",
        "'dreamt' is not among first hand",
    ),
    "no chip": ("", "format", "missing, and required"),
}


@pytest.mark.parametrize("case", WRONG_CONSTANTS)
def test_a_wrong_constant_names_key_and_what_is_allowed(case: str) -> None:
    text, key, what = WRONG_CONSTANTS[case]
    line = refusal(text)
    assert line.startswith(f"wrong.toml: key operations.synapse.energy_pj.{key}: ")
    assert what in line


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_names_key_and_what_is_allowed(case: str) -> None:
    text, key, what = WRONG[case]
    line = refusal(text)
    assert line.startswith(f"wrong.toml: key {key}: ")
    assert what in line


@pytest.mark.parametrize(
    "text", ["a = = 1", "[a", "a = 1\na = 2", "\x00", "a = 1979-99-99", "\udcff", "x = " + "[" * 2000]
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    assert "no readable TOML" in refusal(text)


def test_a_key_from_a_file_commands_no_terminal() -> None:
    line = refusal('"\\u001b[31m\\n" = 1\n' + GOOD)
    assert "\x1b" not in line
    assert "unknown" in line


def test_the_name_of_a_chip_reaches_no_other_file() -> None:
    for name in ("../chip", "chips/loihi", "loihi.toml"):
        with pytest.raises(ChipError, match="cannot be read"):
            load_chip(name)
