"""What a source of camera events counted while it was read, and how it says so."""

from dataclasses import dataclass, field

from streams.dvs.time_order import OrderCounts


@dataclass(frozen=True, slots=True)
class DvsStatistics:
    """Events read so far, and what was out of the ordinary.

    events : given out, or waiting for their block to end; order : what was changed to keep time running.
    notes : other things met that are no errors, with their number.
    """

    events: int = 0
    order: OrderCounts = field(default_factory=OrderCounts)
    notes: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return what is worth saying, one line each; nothing when all was in order.

        >>> DvsStatistics(5, OrderCounts(1, 0, 2_000), {"clock wraps": 3}).lines()
        ['1 event stamped earlier than one before it (by up to 2 us): took its time', 'clock wraps: 3']
        """
        order, said = self.order, []
        back = f"by up to {order.largest_step_back_ns / 1000:g} us"
        if order.late_events:
            plural = "event" if order.late_events == 1 else "events"
            said.append(
                f"{order.late_events} {plural} stamped earlier than one before it ({back}): took its time"
            )
        if order.clock_resets:
            said.append(f"clock jumps: {order.clock_resets} ({back} back): later times moved to go on")
        return said + [f"{name}: {count}" for name, count in self.notes.items() if count]
