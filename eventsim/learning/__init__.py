"""The differentiable twins of the neuron models, their losses and training (needs the extra `train`)."""
