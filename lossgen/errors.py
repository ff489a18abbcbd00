"""Every error a person can meet. Each says what was written, where, and what to write instead, in one line.

All are `ValueError`s, so code that catches what Keras raises also catches these. This module imports nothing.
"""

TYPE_CHECKING = False  # true for type checkers, which know it by its name
LONGEST = 1200  # characters of a message: what was received may be of any length


def readable(text: str) -> str:
    """A message that holds text of anybody's, as it may be shown."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 4 :]}"
    return visible(text)


def visible(text: str) -> str:
    """The text with escapes for what cannot be seen, or would steer a terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


class LossgenError(ValueError):
    """Base of every error that lossgen raises on purpose."""

    if not TYPE_CHECKING:
        # Inside tf.function TensorFlow raises an error of this type again only if it knows the constructor.
        __init__ = Exception.__init__

    def __str__(self) -> str:
        """The message, of bounded length; what cannot be seen, or would steer a terminal, is escaped."""
        return readable(super().__str__())


class DeclarationError(LossgenError):
    """A declared loss, parameter or option that cannot be compiled; raised before anything is."""


class ParseError(DeclarationError):
    """Expression text that is not part of the formula language; shows the place with a caret."""


class LimitError(DeclarationError):
    """A declaration beyond the limits: a formula too large or too deep, a number, name or text too long."""


class CompileError(LossgenError):
    """A declaration that is sound but that the compiler cannot turn into kernels."""


class ParameterError(LossgenError):
    """A constructor argument outside its range or not among its choices."""


class NoViewError(LossgenError):
    """A picture that a loss has not: no one-dimensional view of it, or not over this variable or range."""


class ReductionError(LossgenError):
    """A reduction that is none of the known ones."""


class ShapeError(LossgenError):
    """Arrays whose shapes do not fit each other."""


class WeightError(ShapeError):
    """Sample weights or a mask that do not broadcast to the losses."""


class LabelError(LossgenError):
    """An integer label that names no column."""


class DtypeError(LossgenError, TypeError):
    """An array or a dtype argument of a kind that losses are not computed in."""


class DeviceError(LossgenError):
    """Arrays of one call on different devices."""


class ObjectiveError(LossgenError):
    """A loss, or a use of one, that no booster can be trained with."""


class UnknownLossError(LossgenError):
    """An identifier that names no loss."""


class ConfigError(LossgenError):
    """A configuration from which no loss can be rebuilt."""


class PortableError(ConfigError):
    """A declaration as plain data that says what no loss may, or one that cannot be written as such."""


class FileError(LossgenError):
    """A file of losses that is missing or fails to run, or a file that stands where one would be written."""


class CommandError(ParameterError):
    """Arguments of the command line that say nothing together, or leave out what is needed."""


class StaleModuleError(LossgenError):
    """A generated module that was made with other templates or another runtime than the installed ones."""


class NoGradientError(LossgenError):
    """A derivative was asked of a loss that was written as code instead of declared as a formula."""


class CopyWarning(UserWarning):
    """More than one argument of a call had to be copied before it could be read."""


class CacheWarning(RuntimeWarning):
    """Compiled losses or their machine code cannot be kept for the next process; the results are the same."""


class MissingLibraryError(LossgenError, ImportError):
    """An optional library that a door or a command needs is not installed."""


class ExecutionError(LossgenError):
    """Kernels were demanded with `set_execution("kernels")` where no code of the host can run."""


class CurvatureError(LossgenError):
    """A Hessian policy that is unknown, or that a loss has not; says which to take."""


class TargetError(LossgenError):
    """Targets or sample weights that no constant can be fitted to: NaN, outside the domain, no weight."""


class ConstantError(LossgenError):
    """A loss without a best constant prediction that could be found."""
