"""What losses and penalties have in common: tables that a generated module fills in, a constructor made of
them, configuration, formulas, and the plan that leads to the kernels.
"""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, ClassVar, Self

from lossgen.errors import ConfigError, NoGradientError
from lossgen.runtime.configuration import (
    carries_declaration,
    check_config,
    class_and_arguments,
    plain,
    with_declaration,
)
from lossgen.runtime.construction import (
    BASE_ARGUMENTS,
    check_names,
    constructor_signature,
    make_constructor,
)
from lossgen.runtime.digest import check_digest
from lossgen.runtime.parameters import Option, Parameter
from lossgen.runtime.plan import Plan
from lossgen.runtime.route import Routes
from lossgen.runtime.variant import Variant

DERIVED = frozenset({"_plan", "_routes", "_key"})
"""Attributes that are made when they are first needed, and not copied or pickled."""

IN_MEMORY = "lossgen_compiled"
"""The package of the modules that `lg.compile` makes: no file of that name can be imported elsewhere."""


class Plot:
    """`Huber.plot(delta=[0.5, 1.0])` of a class, `Huber(delta=2).plot()` of an instance: the same method.

    Its arguments are those of `lossgen.plot`, and `against`: other losses to compare with.
    """

    def __get__(self, instance: "Compiled | None", owner: "type[Compiled]") -> Callable[..., Any]:
        """The method, which reaches matplotlib when it is called."""

        def plot(path: Any = None, *, against: Any = None, **options: Any) -> Any:
            """Loss, gradient and Hessian over one number as a matplotlib figure, see `lossgen.plot`."""
            from lossgen.inspection.curves.plot import plot_against

            return plot_against(owner if instance is None else instance, path, against=against, **options)

        return plot


class Compiled:
    """The base class of `Loss` and `Penalty`."""

    plot = Plot()

    inputs: ClassVar[tuple[str, ...]]  # the arrays that a call takes

    # What a generated module fills in.
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    options: ClassVar[Mapping[str, Option]] = {}
    arguments: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[Mapping[tuple, Variant | str]] = {}
    default_name: ClassVar[str | None] = None
    default_axis: ClassVar[int | tuple[int, ...] | None] = -1
    labels: ClassVar[bool | None] = None  # None: as the variants say
    target_preparation: ClassVar[str | None] = None
    formulas: ClassVar[Mapping[str, str]] = {}
    digest: ClassVar[str | None] = None
    generated_from: ClassVar[str | None] = None  # that of the variants which the table names

    # What `__init_subclass__` derives from it.
    signature: ClassVar[inspect.Signature | None] = None
    table_module: ClassVar[str] = __name__
    sealed: ClassVar[frozenset[str]] = frozenset()
    is_compiled: ClassVar[bool] = False  # values come from kernels; False where `call` is written by hand

    # What an instance has.
    name: str
    reduction: str | None
    dtype: str | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.is_compiled = bool(cls.variants) and not cls._is_written_by_hand()
        if "variants" not in cls.__dict__:
            return
        family = next(base for base in cls.__mro__ if not base.variants)
        check_digest(cls)
        check_names(cls, frozenset(dir(family)) | DERIVED)
        cls.table_module = cls.__module__
        if cls.labels is None:
            known = [entry for entry in cls.variants.values() if isinstance(entry, Variant)]
            cls.labels = "ignore_class" in cls.arguments or any(entry.labels for entry in known)
        cls.signature = constructor_signature(cls, cls._base_arguments())
        cls.sealed = frozenset(cls.signature.parameters) - {"name"}
        if "__init__" not in cls.__dict__:
            cls.__init__ = make_constructor(cls)

    @classmethod
    def _is_written_by_hand(cls) -> bool:
        """Whether the values come from a method that a person wrote."""
        return False

    @classmethod
    def _base_arguments(cls) -> dict[str, Any]:
        """Constructor arguments besides parameters and options, with their defaults."""
        raise NotImplementedError

    def _initialise(self, values: dict[str, Any]) -> None:
        """Checks and stores the constructor's arguments."""
        raise NotImplementedError

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; `from_config` makes an equal one of it.

        Args:
            portable: whether the configuration carries the declaration of the loss, `declaration`, so that
                it can be rebuilt where the program that declared it is missing; by default for losses that
                `lg.compile` made.

        Raises:
            ConfigError: the declaration is wanted and not known, or cannot be written down.
        """
        known = BASE_ARGUMENTS if self.signature is None else self.signature.parameters
        first = [name for name in ("name", "reduction", "dtype") if name in known]
        config = {name: plain(getattr(self, name)) for name in dict.fromkeys((*first, *known))}
        return with_declaration(config, type(self), portable) if self.is_compiled else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """What a configuration that `get_config` made describes.

        The base class reads those that carry their declaration, and makes an instance of the class that is
        compiled from it; a class of its own refuses the declaration of another one.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        if carries_declaration(config) and "declaration" not in inspect.signature(cls).parameters:
            found, config = class_and_arguments(config, cls if cls.variants else None)
            if not issubclass(found, cls):
                raise ConfigError(
                    f"The configuration describes {found.__name__}, which is no {cls.__name__}: a loss reads "
                    "target and prediction, a penalty one input."
                )
            return found(**check_config(found, config))
        return cls(**check_config(cls, config))

    @property
    def declaration(self) -> Any:
        """The declaration that the loss was compiled from.

        Raises:
            ConfigError: it is not known, because the loss was built as a module.
            NoGradientError: the loss is written by hand.
        """
        self._plan_for("declaration")
        from lossgen.compiler.carried import declaration_of

        return declaration_of(type(self))

    def formula(self) -> str:
        """The formula of one row's value as text."""
        return self._formula("value")

    def gradient_formula(self) -> str:
        """The derivative of one row's value with respect to an element as text."""
        return self._formula("gradient")

    def source(
        self,
        kind: str = "python",
        output: str = "value_and_gradient",
        dtype: str = "float32",
        schedule: str | None = None,
    ) -> str:
        """The generated module ("python"), or the kernel of one output as "llvm" code or hot loops in "asm".

        Args:
            kind: "python", "llvm" or "asm".
            output: "value", "value_and_gradient", "gradient_and_hessian" or "hessian_vector_product".
            dtype: "float32" or "float64".
            schedule: "flat", "rows" or "lanes"; None for the first of these that the loss has.
        """
        from lossgen.inspection.source import source_of

        self._plan_for("source")
        return source_of(self, kind, output, dtype, schedule)

    def _repr_latex_(self) -> str | None:
        latex = self._formulas().get("latex") if self.is_compiled else None
        return None if latex is None else f"$\\displaystyle {latex}$"

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in (*self.parameters, *self.options)}
        if self.signature is None:  # written by hand
            defaults = {"reduction": "sum_over_batch_size", "dtype": None}
        else:
            defaults = {name: each.default for name, each in self.signature.parameters.items()}
        for name in ("axis", "ignore_class", "axes", "reduction", "dtype"):
            if name in defaults and getattr(self, name) != defaults[name]:
                shown[name] = getattr(self, name)
        arguments = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({arguments})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.sealed and name in self.__dict__:
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # No other process can import the module of a loss compiled in memory: its declaration travels.
        if type(self).__module__.startswith(f"{IN_MEMORY}."):
            from lossgen.compiler.api import rebuilt
            from lossgen.compiler.cache import declaration_of

            return rebuilt, (declaration_of(type(self).__module__), self.__getstate__())
        return object.__new__, (type(self),), self.__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        new = object.__new__(type(self))
        new.__dict__.update(deepcopy(self.__getstate__(), memo))
        return new

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return type(self).__module__, type(self).__qualname__, sorted(self.__getstate__().items())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in DERIVED}

    def __getattr__(self, name: str) -> Any:
        # Reached once: plan and routes are made when they are first needed, and not copied or pickled.
        if name == "_routes" and self.variants:
            routes = Routes(self._plan, self.reduction)
            self.__dict__["_routes"] = routes
            return routes
        if name == "_plan" and self.variants:
            plan = Plan(self)
            self.__dict__["_plan"] = plan
            return plan
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _plan_for(self, output: str) -> Plan:
        """The plan.

        Raises:
            NoGradientError: the loss is written by hand.
        """
        if self.is_compiled:
            return self._plan
        raise NoGradientError(
            f"{type(self).__name__} is written as code, so it has no `{output}`. Declare it as a formula "
            "with @lg.loss and lg.compile, and lossgen derives it."
        )

    def _formulas(self) -> Mapping[str, str]:
        return self._plan.variant.formulas or self.formulas

    def _formula(self, kind: str) -> str:
        self._plan_for("formula")
        return self._formulas()[kind]
