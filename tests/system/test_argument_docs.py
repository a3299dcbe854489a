"""What is read of docstrings: arguments, with their text on one line, and those of a class's bases."""

from functools import partial

from skiprun.system.argument_docs import argument_docs


def both(first: int, second: int) -> int:
    """Add two numbers.

    Args:
        first: a number: any,
            also a negative one.
        second: another.

    Returns:
        their: sum.
    """
    return first + second


class Base:
    """A thing.

    Options:
        size: how large it is.
        kind: which kind it is.
    """


class Derived(Base):
    """Another thing.

    Some words.

    Options:
        kind: one of two.
    """


def test_the_arguments_are_those_of_the_section() -> None:
    assert argument_docs(both) == {"first": "a number: any, also a negative one.", "second": "another."}
    assert argument_docs(partial(both, 1)) == argument_docs(both)


def test_a_class_has_what_its_bases_say() -> None:
    assert argument_docs(Derived) == {"size": "how large it is.", "kind": "one of two."}


def test_nothing_said_is_nothing_found() -> None:
    assert argument_docs(lambda: None) == {} and argument_docs(int) == {}
