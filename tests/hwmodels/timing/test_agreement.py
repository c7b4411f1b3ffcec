"""The compiled models and the readable one on SimPy agree in every number."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import cases
from hypothesis import given
from hypothesis import strategies as st

from hwmodels.messages import build_messages
from hwmodels.timing import time_activity
from hwmodels.timing_simpy import time_activity_simpy


def in_order(messages):
    """Return the messages as rows, sorted: which of them comes first in the arrays means nothing."""
    table = np.stack([messages.row, messages.core, messages.sent_ps, messages.served_ps])
    return table[:, np.lexsort(table[::-1])]


def assert_equal(found, truth):
    for field in dataclasses.fields(truth):
        a, b = getattr(found, field.name), getattr(truth, field.name)
        if field.name == "counts":
            assert a.keys() == b.keys()
            for name in b:
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        elif field.name == "messages":
            np.testing.assert_array_equal(in_order(a), in_order(b))
        elif field.name in ("latencies", "groups"):
            if b is None:
                assert a is None
                continue
            for part in dataclasses.fields(b):
                np.testing.assert_array_equal(getattr(a, part.name), getattr(b, part.name), err_msg=part.name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


def compare(case, contention, live=True):
    net, placement, costs, activity, entrance = case
    table = build_messages(net, placement)
    found = time_activity(
        activity, table, costs, contention=contention, entrance=entrance, live=live, keep_messages=True
    )
    truth = time_activity_simpy(
        activity, net, placement, costs, queues=contention == "queues", entrance=entrance, live=live
    )
    assert_equal(found, truth)


@pytest.mark.parametrize("contention", ["none", "queues"])
@given(case=cases("barrier"))
def test_barrier(case, contention):
    compare(case, contention)


@pytest.mark.parametrize("contention", ["none", "queues"])
@given(case=cases("asynchronous"), live=st.booleans())
def test_asynchronous(case, contention, live):
    compare(case, contention, live)
