"""A mistake in the options names the help of the very command it was made in."""

import pytest

from apps.main import main


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "eventsim"),
        (["--loud", "devices"], "eventsim"),
        (["bake"], "eventsim"),
        (["kws", "--loud"], "eventsim kws"),
        (["keys", "here", "there"], "eventsim keys"),
        (["hw", "--loud"], "eventsim hw"),
        (["hw", "kws", "compare"], "eventsim hw"),
        (["hw", "compare", "--loud"], "eventsim hw compare"),
        (["hw", "compare", "--clips", "0"], "eventsim hw compare"),
        (["hw", "sweep", "grid.toml", "--loud"], "eventsim hw sweep"),
        (["hw", "chips", "loihi", "xylo"], "eventsim hw chips"),
        (["eval", "bake"], "eventsim eval"),
        (["eval", "kws", "--data", "here", "--loud"], "eventsim eval kws"),
        (["eval", "twin", "--data", "here", "there"], "eventsim eval twin"),
        (["train", "kws", "--data", "here", "--loud"], "eventsim train kws"),
    ],
)
def test_the_help_of_the_command_itself(
    arguments: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith(f" (see: {command} --help)\n")
