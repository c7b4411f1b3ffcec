"""The differentiable twins of the neuron models, their losses and their training (needs the extra `train`)."""
