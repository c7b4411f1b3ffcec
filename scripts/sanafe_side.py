"""The SANA-FE side of `python -m benchmarks.sanafe`: runs what it is given, in SANA-FE's environment.

python scripts/sanafe_side.py CASE.npz ARCH.yaml STEPS MODEL [trace]

CASE.npz holds, per population k in order: size_k, core_k (core of each neuron), bias_k, threshold_k, reset_k,
leak_k, form_k (name of the synapse unit); per projection j: pre_j, post_j (numbers of populations), source_j,
target_j, weight_j. Prints one JSON object. Every neuron is updated in every step.
"""

import json
import resource
import sys
import time

import numpy as np
import sanafe


def build(case, arch):
    """Return the network mapped onto the chip, as SANA-FE has it."""
    net, cores, groups = sanafe.Network(), list(arch.cores()), []
    for k in range(int(case["populations"])):
        group = net.create_neuron_group(
            f"p{k}",
            int(case[f"size_{k}"]),
            {
                "threshold": float(case[f"threshold_{k}"]),
                "reset": float(case[f"reset_{k}"]),
                "leak_decay": float(case[f"leak_{k}"]),
                "force_update_every_timestep": True,
            },
            soma_hw_name="loihi_lif",
            default_synapse_hw_name=str(case[f"form_{k}"]),
            default_dendrite_hw_name="loihi_dendrites",
            log_spikes=True,
        )
        bias, core = case[f"bias_{k}"], case[f"core_{k}"]
        for i, neuron in enumerate(group.neurons):
            neuron.map_to_core(cores[int(core[i])])
            if bias[i]:
                neuron.set_attributes(model_attributes={"bias": float(bias[i])})
        groups.append(group)
    for j in range(int(case["projections"])):
        pairs = list(zip(case[f"source_{j}"].tolist(), case[f"target_{j}"].tolist(), strict=True))
        weights = {"weight": case[f"weight_{j}"].astype(float).tolist()}
        groups[int(case[f"pre_{j}"])].connect_neurons_sparse(groups[int(case[f"post_{j}"])], weights, pairs)
    return net


def main():
    """Build, run, and print what came out."""
    case, arch_file, steps, model = np.load(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    trace = "trace" in sys.argv[5:]
    before = time.perf_counter()
    arch = sanafe.load_arch(arch_file)
    chip = sanafe.SpikingChip(arch)
    chip.load(build(case, arch))
    build_s = time.perf_counter() - before
    before, cpu = time.perf_counter(), time.process_time()
    result = chip.sim(
        steps,
        timing_model=model,
        processing_threads=1,
        scheduler_threads=0,
        spike_trace=trace or None,
        perf_trace=trace or None,
    )
    said = {
        "build_s": build_s,
        "wall_s": time.perf_counter() - before,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "energy_j": {name: float(value) for name, value in result["energy"].items()},
        "sim_time_s": float(result["sim_time"]),
        "synaptic_events": int(result["spikes"]),
        "messages": int(result["packets_sent"]),
        "fired": int(result["neurons_fired"]),
    }
    if trace:
        said["step_time_s"] = [float(t) for t in result["perf_trace"]["sim_time"]]
        said["hops"] = [int(n) for n in result["perf_trace"]["hops"]]
        said["spikes"] = [
            [[int(n.group_name[1:]), int(n.neuron_offset)] for n in step] for step in result["spike_trace"]
        ]
    print(json.dumps(said))


main()
