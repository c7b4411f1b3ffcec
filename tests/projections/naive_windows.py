"""Convolution and pooling written as the loops that define them."""

import numpy as np


def convolution(weights, input_shape, stride, padding, dilation, groups):
    """Return float64[n_pre, n_post], and how often each pair is connected.

    output[o, y, x] = sum over c, j, i of weights[o, c, j, i] input[start of group + c, at_y, at_x],
    with at_y = y stride_y - padding_y + j dilation_y, and at_x alike.
    """
    channels, height, width = input_shape
    out, within, kernel_height, kernel_width = weights.shape
    out_height = (height + 2 * padding[0] - dilation[0] * (kernel_height - 1) - 1) // stride[0] + 1
    out_width = (width + 2 * padding[1] - dilation[1] * (kernel_width - 1) - 1) // stride[1] + 1
    shape = (channels, height, width, out, out_height, out_width)
    matrix, pairs = np.zeros(shape), np.zeros(shape, int)
    for o in range(out):
        group = o // (out // groups)
        for y in range(out_height):
            for x in range(out_width):
                for c in range(within):
                    for j in range(kernel_height):
                        for i in range(kernel_width):
                            at_y = y * stride[0] - padding[0] + j * dilation[0]
                            at_x = x * stride[1] - padding[1] + i * dilation[1]
                            if 0 <= at_y < height and 0 <= at_x < width:
                                place = (group * within + c, at_y, at_x, o, y, x)
                                matrix[place] += float(weights[o, c, j, i])
                                pairs[place] += 1
    n_pre = channels * height * width
    return matrix.reshape(n_pre, -1), pairs.reshape(n_pre, -1), (out, out_height, out_width)


def pooling(input_shape, window, stride, padding):
    """Return the same for sums over windows."""
    channels = input_shape[0]
    ones = np.ones((channels, 1, *window))
    return convolution(ones, input_shape, stride, padding, (1, 1), channels)


def matrix_of(rows):
    """Return float64[n_pre, n_post] of sparse rows, and how often each pair is connected."""
    matrix = np.zeros((rows.n_pre, rows.n_post))
    pairs = np.zeros((rows.n_pre, rows.n_post), int)
    source = np.repeat(np.arange(rows.n_pre), np.diff(rows.indptr))
    np.add.at(matrix, (source, rows.indices), rows.weights.astype(np.float64))
    np.add.at(pairs, (source, rows.indices), 1)
    return matrix, pairs
