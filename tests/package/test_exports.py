"""The public names: all there, each from where the type checker thinks it comes."""

import ast
import importlib
from pathlib import Path

import pytest

import eventsim

INIT = ast.parse(Path(eventsim.__file__).read_text())


def names_for_the_type_checker() -> dict[str, str]:
    (block,) = [node for node in INIT.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("name", eventsim.__all__)
def test_each_name_is_the_object_of_its_module(name: str) -> None:
    module = importlib.import_module(names_for_the_type_checker()[name])
    assert getattr(eventsim, name) is getattr(module, name)


def test_the_list_the_checker_and_the_lazy_import_agree() -> None:
    assert sorted(eventsim.__all__) == sorted(names_for_the_type_checker())
    assert names_for_the_type_checker() == eventsim._MODULE_OF
    assert set(eventsim.__all__) <= set(dir(eventsim))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'eventsim' has no attribute 'Sesion'"):
        eventsim.Sesion  # noqa: B018
