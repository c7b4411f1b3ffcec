"""Calls and arrays by address, as compiled code makes them: a few loads, no reference counts."""

from __future__ import annotations

from typing import Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

N_ARGUMENTS: Final = 4


@intrinsic
def call(typing_context, address, a, b, c, d):
    """Call the entry at `address`; an exception in it (an index out of bounds) goes on to the caller."""
    arguments = [types.int64] * N_ARGUMENTS

    def generate(context, builder, signature, values):
        convention = context.call_conv
        function_type = convention.get_function_type(types.int64, arguments)
        pointer = builder.inttoptr(values[0], function_type.as_pointer())
        status, result = convention.call_function(builder, pointer, types.int64, arguments, values[1:])
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(types.int64, *arguments), generate


def _array(context, builder, array_type, address, length):
    array = context.make_array(array_type)(context, builder)
    itemsize = context.get_constant(types.intp, array_type.dtype.bitwidth // 8)
    data = builder.inttoptr(address, array.data.type)
    arrayobj.populate_array(
        array, data=data, shape=[length], strides=[itemsize], itemsize=itemsize, meminfo=None
    )
    return array._getvalue()


def _array_at(scalar):
    array_type = types.Array(scalar, 1, "C")

    @intrinsic
    def at(typing_context, address, length):
        """Return the array of `length` numbers at `address`, which its owner keeps alive."""

        def generate(context, builder, signature, values):
            return _array(context, builder, array_type, values[0], values[1])

        return array_type(types.int64, types.int64), generate

    return at


def _field(scalar):
    handle_type, array_type = types.Array(types.int64, 1, "C"), types.Array(scalar, 1, "C")

    @intrinsic
    def field(typing_context, handle, place):
        """Return the array whose address and length stand at `place` of the handle."""

        def generate(context, builder, signature, values):
            data = context.make_array(handle_type)(context, builder, values[0]).data
            address = builder.gep(data, [values[1]])
            length = builder.gep(address, [context.get_constant(types.intp, 1)])
            return _array(context, builder, array_type, builder.load(address), builder.load(length))

        return array_type(handle_type, types.int64), generate

    return field


ints_at, words_at, floats_at = _array_at(types.int64), _array_at(types.uint64), _array_at(types.float64)
indices_at, singles_at = _array_at(types.int32), _array_at(types.float32)
positions_at = _array_at(types.uint32)  # indices known to be valid: no test for negative ones
ints, words, floats = _field(types.int64), _field(types.uint64), _field(types.float64)
indices, singles = _field(types.int32), _field(types.float32)


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line that holds `array[index]`, which need not exist."""

    def generate(context, builder, signature, values):
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        byte = ir.IntType(8).as_pointer()
        pointer = builder.bitcast(builder.gep(data, [values[1]]), byte)
        i32 = ir.IntType(32)
        fetch = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32]), "llvm.prefetch.p0"
        )
        # For reading, to be kept, data.
        builder.call(fetch, [pointer, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def copy_eight(typing_context, target, at, source, start):
    """Copy eight words, those from `start` of `source` to `at` of `target`, in one or two instructions."""

    def generate(context, builder, signature, values):
        eight = ir.VectorType(ir.IntType(64), 8).as_pointer()
        places = []
        for array, index in ((0, 1), (2, 3)):
            data = context.make_array(signature.args[array])(context, builder, values[array]).data
            places.append(builder.bitcast(builder.gep(data, [values[index]]), eight))
        builder.store(builder.load(places[1], align=8), places[0], align=8)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64), generate


@intrinsic
def fill_eight(typing_context, target, at, value):
    """Write `value` to the eight numbers from `at` on, in one or two instructions."""
    i32 = ir.IntType(32)

    def generate(context, builder, signature, values):
        eight = ir.VectorType(ir.DoubleType(), 8)
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        place = builder.bitcast(builder.gep(data, [values[1]]), eight.as_pointer())
        one = builder.insert_element(ir.Constant(eight, ir.Undefined), values[2], i32(0))
        every = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(i32, 8), [i32(0)] * 8))
        builder.store(every, place, align=8)
        return context.get_dummy_value()

    return types.void(target, types.int64, types.float64), generate


@intrinsic
def hidden(typing_context, value):
    """Return `value`, of which the compiler then knows nothing; a loop that counts by it stays as it is."""

    def generate(context, builder, signature, values):
        kind = ir.FunctionType(ir.IntType(64), [ir.IntType(64)])
        return builder.call(ir.InlineAsm(kind, "", "=r,0"), values)

    return types.int64(types.int64), generate
