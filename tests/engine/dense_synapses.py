"""The synapses of one source address, by the definition of each form."""

from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d


def row(projection, address, delay_ns):
    """Return the destinations and weights of one address, those of one delay."""
    synapses = projection.synapses
    if isinstance(synapses, Dense):
        weights = synapses.weights[address]
        return range(len(weights)), weights
    if isinstance(synapses, OneToOne):
        weights = synapses.weights
        return [address], [weights[0] if len(weights) == 1 else weights[address]]
    if isinstance(synapses, Conv2d):
        return _convolution(synapses, address)
    if isinstance(synapses, SumPool2d):
        return _pooling(synapses, address)
    assert isinstance(synapses, Csr)
    part = slice(synapses.indptr[address], synapses.indptr[address + 1])
    targets, weights = synapses.indices[part], synapses.weights[part]
    if isinstance(projection.delay_ns, int):
        return targets, weights
    chosen = projection.delay_ns[part] == delay_ns
    return targets[chosen], weights[chosen]


def _position(address, shape):
    return address // (shape[1] * shape[2]), address // shape[2] % shape[1], address % shape[2]


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def _convolution(conv, address):
    """Try every output position and every place in its window."""
    stride, padding, dilation = (_pair(v) for v in (conv.stride, conv.padding, conv.dilation))
    channel, y, x = _position(address, conv.input_shape)
    out_channels, height, width = conv.output_shape
    _, per_group, kernel_height, kernel_width = conv.weights.shape
    targets, weights = [], []
    for out in range(out_channels):
        first = out // (out_channels // conv.groups) * per_group
        if not first <= channel < first + per_group:
            continue
        for oy in range(height):
            for ox in range(width):
                for ky in range(kernel_height):
                    for kx in range(kernel_width):
                        iy = oy * stride[0] - padding[0] + ky * dilation[0]
                        ix = ox * stride[1] - padding[1] + kx * dilation[1]
                        if (iy, ix) == (y, x):
                            targets.append((out * height + oy) * width + ox)
                            weights.append(conv.weights[out, channel - first, ky, kx])
    return targets, weights


def _pooling(pool, address):
    kernel, padding = _pair(pool.kernel_size), _pair(pool.padding)
    stride = kernel if pool.stride is None else _pair(pool.stride)
    channel, y, x = _position(address, pool.input_shape)
    _, height, width = pool.output_shape
    targets = [
        (channel * height + oy) * width + ox
        for oy in range(height)
        for ox in range(width)
        if 0 <= y - (oy * stride[0] - padding[0]) < kernel[0]
        and 0 <= x - (ox * stride[1] - padding[1]) < kernel[1]
    ]
    return targets, [1.0] * len(targets)
