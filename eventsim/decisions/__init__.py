"""Decision rules: when output events are answer enough, and what the answer is."""

from eventsim.decisions.decision import Decision
from eventsim.decisions.end_of_input import EndOfInput
from eventsim.decisions.first_to_fire import FirstToFire
from eventsim.decisions.fixed_time import FixedTime
from eventsim.decisions.kinds import rule_from
from eventsim.decisions.rank_order import RankOrder
from eventsim.decisions.rule import Rule
from eventsim.decisions.softmax_threshold import SoftmaxThreshold

__all__ = [
    "Decision",
    "EndOfInput",
    "FirstToFire",
    "FixedTime",
    "RankOrder",
    "Rule",
    "SoftmaxThreshold",
    "rule_from",
]
