"""Every kind of damage is one BundleError line that names the file; a bundle is right or refused."""

import contextlib
import copy
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventsim.bundle import Bundle, archive, load_bundle, save_bundle
from eventsim.errors import BundleError
from eventsim.events import Events
from eventsim.models import ALIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, SumPool2d

Entries = dict[str, bytes]


def small_bundle() -> Bundle:
    network = Network(tick_ns=10)
    network.add_input("in", 2)
    network.add_population("hidden", 2, ALIF(20.0, 90.0, np.array([0.5, 1.0]), 1.8))
    network.add_population("out", 2, LeakyIntegrator(np.inf))
    network.connect("in", "hidden", Dense(np.array([[1.0, 2.0], [-3.0, 0.5]], dtype=np.float32)), delay_ns=30)
    sparse = Csr(np.array([0, 1, 2]), np.array([1, 0]), np.array([0.5, 0.25]))
    network.connect("hidden", "out", sparse, delay_ns=np.array([10, 20]))
    network.add_poisson("noise", 2, 1e6, seed=3, stop_ns=70)
    network.add_spikes("told", 2, Events.of([0, 30], [1, 0]))
    network.connect("noise", "out", SumPool2d((2, 1, 1), 1))
    kernel = np.ones((1, 1, 1, 3), np.float32)
    network.connect("told", "out", Conv2d(kernel, (1, 1, 2), (1, 1), (0, 1), (1, 1)))
    return Bundle(network, ("no", "yes"), {"n": 1}, {"kind": "first-to-fire"}, {"by": "test"})


def facts(bundle: Bundle) -> str:
    """Everything in a bundle, as one comparable text."""
    held: list[object] = [bundle.labels, bundle.encoder, bundle.decision, bundle.info, bundle.network.tick_ns]
    held.append(dict(bundle.network.inputs))
    for name, source in bundle.network.sources.items():
        held += [name, *((k, repr(v)) for k, v in vars(source).items())]
    for population in bundle.network.populations.values():
        held.append([population.name, population.size, population.model.kind])
        held += [(k, np.asarray(v).tolist()) for k, v in population.model.parameters().items()]
    for projection in bundle.network.projections:
        held += [projection.pre, projection.post, np.asarray(projection.delay_ns).tolist()]
        held += [(k, np.asarray(v).tolist()) for k, v in vars(projection.synapses).items()]
    return repr(held)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("damage")
    save_bundle(made / "good", small_bundle())
    return made


def refused(path: Path) -> str:
    """Return the error line that `path` earns, without the file's name, after checking its form."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < len(str(path)) + 300
    return line.removeprefix(f"{path}: ")


def outcome(path: Path) -> Bundle | str:
    """Return what `path` loads as, or the line that refuses it; any other error is the test's failure."""
    try:
        return load_bundle(path)
    except BundleError as error:
        return str(error)


def loads_right_or_is_refused(folder: Path, data: bytes) -> bool:
    """Return whether `data` still loads; if so it must be the original, and otherwise a BundleError."""
    path = folder / "fuzzed"
    path.write_bytes(data)
    found = outcome(path)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
        assert "\n" not in found
        return False
    assert facts(found) == facts(small_bundle())
    return True


@given(st.data())
def test_flipped_bits(folder: Path, data: st.DataObject) -> None:
    content = bytearray((folder / "good").read_bytes())
    for bit in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=4, unique=True)):
        content[bit // 8] ^= 1 << bit % 8
    loads_right_or_is_refused(folder, bytes(content))


@given(st.data())
def test_truncation(folder: Path, data: st.DataObject) -> None:
    content = (folder / "good").read_bytes()
    assert not loads_right_or_is_refused(folder, content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.data(), st.binary(max_size=40))
def test_overwritten_stretches(folder: Path, data: st.DataObject, junk: bytes) -> None:
    content = (folder / "good").read_bytes()
    at = data.draw(st.integers(0, len(content)))
    removed = data.draw(st.integers(0, 40))
    loads_right_or_is_refused(folder, content[:at] + junk + content[at + removed :])


@given(st.binary(max_size=300))
@example(b"")
@example(b"PK\x05\x06" + bytes(18))
def test_any_bytes(folder: Path, junk: bytes) -> None:
    assert not loads_right_or_is_refused(folder, junk)


@pytest.mark.slow
def test_every_single_bit(folder: Path) -> None:
    good = (folder / "good").read_bytes()
    for bit in range(8 * len(good)):
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        loads_right_or_is_refused(folder, bytes(content))


def replaced(folder: Path, change: Callable[[dict[str, Any], Entries], None]) -> Path:
    """Write a sound archive whose manifest and entries `change` has altered; return its path."""
    entries = archive.unpack((folder / "good").read_bytes())
    manifest = json.loads(entries["manifest.json"])
    change(manifest, entries)
    if "manifest.json" in entries:
        entries["manifest.json"] = json.dumps(manifest).encode()
    path = folder / "altered"
    path.write_bytes(archive.pack(entries))
    return path


def put(manifest: dict[str, Any], entries: Entries, name: str, array: np.ndarray[Any, Any]) -> None:
    """Replace an array and its record consistently, as a hostile writer would."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    entries[name] = buffer.getvalue()
    digest = hashlib.sha256(entries[name]).hexdigest()
    manifest["arrays"][name] = {"dtype": array.dtype.str, "shape": array.shape, "sha256": digest}


def put_bytes(manifest: dict[str, Any], entries: Entries, name: str, content: bytes, **record: Any) -> None:
    """Replace an entry's bytes, with a digest that fits them."""
    entries[name] = content
    manifest["arrays"][name].update(sha256=hashlib.sha256(content).hexdigest(), **record)


def npy(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


W, BIAS = "projections/0/weights.npy", "populations/hidden/bias.npy"
CHANGES: dict[str, tuple[Callable[[dict[str, Any], Entries], object], str]] = {
    "foreign": (lambda m, e: m.update(format="other"), "is a 'other' file"),
    "newer": (lambda m, e: m.update(version=3), "has format version 3: this eventsim reads 1 to 2"),
    "version 0": (lambda m, e: m.update(version=0), "has format version 0"),
    "no manifest": (lambda m, e: e.pop("manifest.json"), "a zip archive without manifest.json"),
    "entry missing": (lambda m, e: e.pop(W), f"entry '{W}' is missing"),
    "entry extra": (lambda m, e: e.update(note=b"hello"), "entry 'note' is not in the manifest"),
    "record missing": (lambda m, e: (m["arrays"].pop(W), e.pop(W)), f"the manifest has no array '{W}'"),
    "other content": (lambda m, e: e.update({W: e[BIAS]}), f"entry '{W}' is damaged: its SHA-256"),
    "wrong dtype": (
        lambda m, e: m["arrays"][W].update(dtype="<f8"),
        f"entry '{W}' holds <f4 (2, 2), the manifest says <f8 (2, 2)",
    ),
    "wrong shape": (
        lambda m, e: m["arrays"][W].update(shape=[4, 1]),
        "holds <f4 (2, 2), the manifest says <f4 (4, 1)",
    ),
    "integer weights": (
        lambda m, e: put(m, e, BIAS, np.zeros(2, dtype=np.int16)),
        "has dtype '<i2': allowed are <f4, <f8, <i4, <i8",
    ),
    "pickled objects": (lambda m, e: put(m, e, BIAS, np.array([{}, {}])), "has dtype '|O'"),
    "Fortran order": (
        lambda m, e: put(m, e, W, np.asfortranarray(np.eye(2, dtype=np.float32)[:, ::-1])),
        "holds Fortran <f4",
    ),
    "no npy": (lambda m, e: put_bytes(m, e, W, b"hello"), f"entry '{W}' is not a .npy array of version 1.0"),
    "newer npy": (lambda m, e: put_bytes(m, e, W, b"\x93NUMPY\x02\x00" + bytes(200)), "is not a .npy array"),
    "npy header no dict": (lambda m, e: put_bytes(m, e, W, npy("(((((")), "is not a .npy array"),
    "npy data too short": (
        lambda m, e: put_bytes(m, e, W, e[W][:-4]),
        f"entry '{W}' holds 12 bytes of data, not 16",
    ),
    "npy data too long": (lambda m, e: put_bytes(m, e, W, e[W] + b"...."), "holds 20 bytes of data, not 16"),
    "shape larger than memory": (
        lambda m, e: put_bytes(
            m,
            e,
            W,
            npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({2**39}, {2**39})}}"),
            shape=[2**39, 2**39],
        ),
        "holds 0 bytes of data, not",
    ),
    "empty shape larger than memory": (
        lambda m, e: put_bytes(
            m,
            e,
            W,
            npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {2**39}, {2**39})}}"),
            shape=[0, 2**39, 2**39],
        ),
        "has an impossible shape",
    ),
    "weights shape": (lambda m, e: put(m, e, W, np.zeros((3, 2))), "must have shape (2, 2), got (3, 2)"),
    "parameter shape": (
        lambda m, e: put(m, e, BIAS, np.zeros(3)),
        "population 'hidden': bias has shape (3,), 2 neurons need (2,)",
    ),
    "parameter spread over a huge population": (
        lambda m, e: (put(m, e, BIAS, np.array(0.0)), m["populations"][0].update(size=2**31 - 1)),
        "2147483647 neurons need (2147483647,)",
    ),
    "weights not finite": (lambda m, e: put(m, e, W, np.full((2, 2), np.nan)), "must be finite"),
    "parameter NaN": (lambda m, e: put(m, e, BIAS, np.full(2, np.nan)), "bias holds NaN"),
    "unknown model": (
        lambda m, e: m["populations"][0].update(model="izhikevich"),
        "model 'izhikevich' is unknown: allowed are lif, alif, leaky_integrator",
    ),
    "unknown parameter": (
        lambda m, e: m["populations"][0]["arrays"].update(gamma=BIAS),
        "model 'alif' has no parameter 'gamma'",
    ),
    "option for array": (
        lambda m, e: m["populations"][0]["options"].update(bias=True),
        "has no option 'bias' that can be True",
    ),
    "array for option": (
        lambda m, e: m["populations"][0]["arrays"].update(normalised=BIAS),
        "has no parameter 'normalised'",
    ),
    "parameter missing": (
        lambda m, e: m["populations"][0]["arrays"].pop("beta"),
        "a parameter of model 'alif' is missing",
    ),
    "unknown synapses": (
        lambda m, e: m["projections"][0].update(synapses="conv"),
        "synapses 'conv' are unknown: allowed are dense, csr",
    ),
    "synapse arrays": (
        lambda m, e: m["projections"][1]["arrays"].pop("indptr"),
        "csr synapses need exactly indices, indptr, weights",
    ),
    "shape of synapses without one": (
        lambda m, e: m["projections"][0].update(shape={"groups": [1]}),
        "dense synapses need exactly no whole numbers",
    ),
    "shape missing": (
        lambda m, e: m["projections"][3]["shape"].pop("stride"),
        "conv2d synapses need exactly input_shape (3), stride (2), padding (2), dilation (2), groups (1)",
    ),
    "shape of a wrong length": (
        lambda m, e: m["projections"][2]["shape"].update(padding=[0]),
        "sum_pool2d synapses need exactly",
    ),
    "stride of zero": (
        lambda m, e: m["projections"][3]["shape"].update(stride=[0, 1]),
        "Conv2d stride must be whole numbers of at least 1",
    ),
    "more addresses than int64 counts": (
        lambda m, e: m["projections"][3]["shape"].update(input_shape=[2, 2**31, 2**32]),
        "input_shape (2, 2147483648, 4294967296) has too many addresses",
    ),
    "window larger than memory": (
        lambda m, e: m["projections"][2]["shape"].update(kernel_size=[2**30, 2**30]),
        "kernel_size (1073741824, 1073741824) is too large",
    ),
    "synapses of other sizes": (
        lambda m, e: m["projections"][3]["shape"].update(input_shape=[1, 1, 3]),
        "that is 3 to 3 addresses, not 2 to 2",
    ),
    "kind of source": (
        lambda m, e: m["sources"][0].update(kind="gamma"),
        "source 'noise': kind 'gamma' is unknown: allowed are poisson, spikes",
    ),
    "seed": (lambda m, e: m["sources"][0].update(seed="-1"), "$.sources[0].seed"),
    "arrays of a source": (
        lambda m, e: m["sources"][1]["arrays"].pop("value"),
        "source 'told': spikes needs exactly address, time_ns, value",
    ),
    "rate": (
        lambda m, e: put(m, e, "sources/noise/rate_hz.npy", np.array(-1.0)),
        "source 'noise': rate_hz must be finite and not negative",
    ),
    "address of a source": (
        lambda m, e: put(m, e, "sources/told/address.npy", np.array([0, 2], np.int32)),
        "source 'told': addresses must be in 0..1, got 0..2",
    ),
    "events of unequal length": (
        lambda m, e: put(m, e, "sources/told/value.npy", np.ones(3, np.float32)),
        "differ",
    ),
    "csr beyond the end": (
        lambda m, e: put(m, e, "projections/1/indices.npy", np.array([1, 2])),
        "Csr index 2 is beyond the 2 neurons",
    ),
    "falling indptr": (
        lambda m, e: put(m, e, "projections/1/indptr.npy", np.array([0, 3, 2])),
        "projection hidden -> out: Csr indptr must rise",
    ),
    "delay off the grid": (lambda m, e: m["projections"][0].update(delay_ns=5), "5 ns is no multiple"),
    "negative delay": (lambda m, e: m["projections"][0].update(delay_ns=-10), "$.projections[0].delay_ns"),
    "unknown population": (lambda m, e: m["projections"][0].update(pre="ear"), "'ear' is unknown"),
    "zero tick": (lambda m, e: m.update(tick_ns=0), "$.tick_ns"),
    "labels": (lambda m, e: m.update(labels=["a"]), "1 labels fit no population"),
    "label type": (lambda m, e: m.update(labels=[1, 2]), "Expected `str`, got `int` - at `$.labels[0]`"),
    "decision": (lambda m, e: m.update(decision={"kind": "oracle"}), "decision rule 'oracle' does not exist"),
    "unknown field": (lambda m, e: m.update(surprise=1), "unknown field `surprise`"),
    "field missing": (lambda m, e: m.pop("labels"), "missing required field `labels`"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_inconsistent_content(
    folder: Path, change: Callable[[dict[str, Any], Entries], None], message: str
) -> None:
    assert message in refused(replaced(folder, change))


LEAVES = st.sampled_from([None, True, 0, -1, 2**62, 2**80, 1e308, "", "alif", "\n", W, [], [[]], {}, {"": 0}])


def replace_a_field(folder: Path, data: st.DataObject) -> None:
    """Check that whatever a field is replaced by, the file loads or is refused; nothing else escapes."""

    def change(manifest: dict[str, Any], entries: Entries) -> None:
        place: Any = manifest
        while True:
            key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
                break
            place = inner
        replacement = copy.deepcopy(data.draw(LEAVES))
        if isinstance(place, dict) and data.draw(st.booleans()):
            del place[key]
        else:
            place[key] = replacement

    found = outcome(replaced(folder, change))
    assert isinstance(found, Bundle) or "\n" not in found


@given(st.data())
def test_any_one_field_of_the_manifest_replaced(folder: Path, data: st.DataObject) -> None:
    replace_a_field(folder, data)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=10_000)
@given(st.data())
def test_any_one_field_of_the_manifest_replaced_many_times(folder: Path, data: st.DataObject) -> None:
    replace_a_field(folder, data)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=10_000)
@given(st.data(), st.binary(max_size=40))
def test_damaged_bytes_many_times(folder: Path, data: st.DataObject, junk: bytes) -> None:
    content = bytearray((folder / "good").read_bytes())
    at, removed = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 40))
    content[at : at + removed] = junk
    for bit in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), max_size=4, unique=True)):
        content[bit // 8] ^= 1 << bit % 8
    loads_right_or_is_refused(folder, bytes(content))


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": 1}',
        b"\xff\xfe",
        b'{"format": "\xff", "version": 1}',
        b"[" * 10**5,
    ],
)
def test_manifest_that_is_no_manifest(folder: Path, manifest: bytes) -> None:
    path = folder / "altered"
    path.write_bytes(archive.pack({"manifest.json": manifest}))
    assert refused(path).startswith("the manifest cannot be read: ")


def test_a_zip_bomb_is_refused_unopened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "altered"
    path.write_bytes(archive.pack({"manifest.json": b"{}", "bomb": bytes(2**20)}))
    monkeypatch.setattr(archive, "MAX_CONTENT_BYTES", 2**20)
    monkeypatch.setattr(archive, "_content", lambda *_: pytest.fail("unpacked"))
    assert refused(path) == "unpacks to 1048578 bytes: at most 1048576 are allowed"


def test_too_many_entries_and_too_large_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    assert "entries: at most 3 are allowed" in refused(folder / "good")
    monkeypatch.setattr("eventsim.bundle.bundle.MAX_FILE_BYTES", 10)
    assert refused(folder / "good") == "is larger than 10 bytes"


def test_doubled_entry_and_unknown_method(folder: Path) -> None:
    path = folder / "altered"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a", b"2")
    assert refused(path) == "holds entry 'a' twice"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("a", b"1")
    assert refused(path) == "entry 'a' is packed by an unknown method"


def test_what_is_no_file(folder: Path) -> None:
    assert refused(folder / "absent") == "no such file or directory"
    assert refused(folder) == "is a directory"
    assert refused(folder / "good" / "inside") == "not a directory"
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    assert refused(pipe) == "is not a regular file"
    pipe.unlink()
    (folder / "empty").touch()
    assert refused(folder / "empty") == "is empty"
    (folder / "text").write_text("label,time\n")
    assert refused(folder / "text") == "is not a zip archive"
    (folder / "cut").write_bytes((folder / "good").read_bytes()[:-30])
    assert refused(folder / "cut") == "is a damaged or truncated zip archive"
    with pytest.raises(BundleError, match="is no file name"):
        load_bundle("a\0b")


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "locked"
    path.write_bytes((folder / "good").read_bytes())
    path.chmod(0)
    with contextlib.suppress(OSError), open(path, "rb"):  # root reads everything: stand in for the refusal
        real_open = open

        def refuse(name: Any, *args: Any) -> Any:
            if name == path:
                raise PermissionError(13, "Permission denied")
            return real_open(name, *args)

        monkeypatch.setattr("builtins.open", refuse)
    assert refused(path) == "permission denied"
