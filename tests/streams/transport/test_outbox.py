import threading

from hypothesis import given
from hypothesis import strategies as st

from streams.outbox import Outbox

LIMIT_S = 30.0


@given(st.integers(1, 4), st.lists(st.booleans(), max_size=40))
def test_entries_come_out_in_order_and_never_more_than_fit(capacity: int, steps: list[bool]) -> None:
    box: Outbox[int] = Outbox(capacity)
    held: list[int] = []
    for number, offer in enumerate(steps):
        if offer:
            assert box.offer(number) == (len(held) < capacity)
            held = [*held, number][:capacity]
        else:
            assert box.take_all() == held
            held = []
        assert len(box) == len(held)
    box.dispose()


def test_who_waits_for_room_goes_on_when_there_is_or_nobody_reads() -> None:
    box: Outbox[int] = Outbox(1)
    put: list[bool] = []
    writer = threading.Thread(target=lambda: put.extend(box.put(i) for i in range(3)))
    writer.start()
    taken: list[int] = []
    while len(taken) < 2:
        taken += box.take_all()
    assert taken == [0, 1]
    box.abandon()
    writer.join(LIMIT_S)
    assert put[:2] == [True, True]
    assert not box.put(9)
    assert not box.offer(9)
    box.dispose()


def test_the_last_taking_closes_the_box() -> None:
    box: Outbox[int] = Outbox(2)
    assert box.offer(1)
    assert box.take_all(last=True) == [1]
    assert not box.offer(2)
    assert not box.put(2)
    box.ring()
    box.ring()
    assert box.take_all() == []
    box.dispose()
