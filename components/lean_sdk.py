"""Import only the part of `pulumi_aws` that a program names. The numbers, and what remains different: `docs/speed.md`.

`import pulumi_aws as aws; aws.ec2.Vpc(...)` executes all of `pulumi_aws.ec2`: 183 files, with 1,231 nested types. After
`install()` it executes `vpc.py`, and the statement of a nested type when something asks for the type.
"""

import builtins
import contextvars
import functools
import importlib
import re
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypedDict, cast

_SUBMODULE = ModuleType("stands for a submodule while the statements of its package are recorded")

# The strings of the resource module that is being executed, or None outside of one.
_referring: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar("_referring", default=None)


def install() -> None:
    """Make every later import of a `pulumi_aws` service load its resources and nested types on first use.

    Call it before the first `import pulumi_aws`: a service that is loaded already stays as it is. A second call does
    nothing. A file whose layout is not the expected one is imported as if this had not been called.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds what `PathFinder` finds, and exchanges the loader of a service's source files."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        sdk, service, module, *deeper = [*fullname.split("."), "", ""]
        ours = sdk == "pulumi_aws" and service and not any(deeper)
        spec = PathFinder.find_spec(fullname, path, target) if ours else None
        if spec is None or type(spec.loader) is not SourceFileLoader or not (module or spec.submodule_search_locations):
            return None
        loaders = {"": _ServiceLoader, "_inputs": _NestedTypesLoader, "outputs": _NestedTypesLoader}
        spec.loader = loaders.get(module, _ResourceLoader)(fullname, spec.loader.path)
        return spec


def _strings(code: CodeType) -> set[str]:
    """Every name and string constant of a piece of code, at any depth: among them all that its annotations name."""
    found = set(code.co_names)
    constants: list[object] = [*code.co_consts]
    for constant in constants:
        if isinstance(constant, str):
            found.add(constant)
        elif isinstance(constant, CodeType):
            found |= _strings(constant)
        elif isinstance(constant, tuple):
            constants.extend(cast(tuple[object, ...], constant))
    return found


class _Resource(ModuleType):
    """A module whose star import of the nested types has brought those that its own file names, and brings the rest."""

    def __getattr__(self, name: str) -> Any:
        inputs = importlib.import_module(f"{self.__package__}._inputs")
        return getattr(inputs, name) if name in inputs.__all__ else super().__getattribute__(name)


class _ResourceLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        code = cast(CodeType, self.get_code(self.name))
        token = _referring.set(_strings(code) if "_inputs" in code.co_names else None)
        try:
            exec(code, vars(module))  # noqa: S102 - as `SourceFileLoader` does
            if _referring.get():
                module.__class__ = _Resource
        finally:
            _referring.reset(token)


class _DeferringLoader(SourceFileLoader):
    """Executes a module's own statements in a namespace apart, and exchanges what some of them do."""

    module_class: type[ModuleType]
    names: set[str]  # what the module has besides what is in its namespace from the start

    def exec_module(self, module: ModuleType) -> None:
        try:
            namespace = self.take_apart(module)
        except Exception:  # noqa: BLE001 - whatever is wrong, the ordinary import is the one to say so
            super().exec_module(module)
        else:
            vars(module).update(namespace, __builtins__=vars(builtins))
            module.__class__ = self.module_class

    def take_apart(self, module: ModuleType) -> dict[str, Any]:
        """What is in the module's namespace from the start; any exception means an unexpected layout."""
        raise NotImplementedError

    def record(self, module: ModuleType, **replaced: object) -> dict[str, Any]:
        """What the module's statements add to its namespace with these builtins replaced."""
        namespace = vars(module) | {"__builtins__": vars(builtins) | replaced}
        exec(cast(CodeType, self.get_code(self.name)), namespace)  # noqa: S102 - as `SourceFileLoader` does
        namespace = {name: value for name, value in namespace.items() if name not in {"__builtins__", *vars(module)}}
        for name, value in namespace.items():
            # A function made here would keep the wrong globals, and a list could hold what is not made yet.
            imported = isinstance(value, ModuleType) or getattr(value, "__module__", self.name) != self.name
            if name != "__all__" and not imported:
                raise ImportError(f"{self.name}.{name} is neither imported nor a nested type")
        return namespace


class _DeferredModule(ModuleType):
    def __dir__(self) -> list[str]:
        for name in (names := {*vars(self), *cast(_DeferringLoader, self.__loader__).names}):
            getattr(self, name)
        return sorted(names)


class _Service(_DeferredModule):
    """A service's package whose members are imported on first use."""

    def __getattr__(self, name: str) -> Any:
        loader = cast(_ServiceLoader, self.__loader__)
        if name in loader.owners:
            owner = importlib.import_module(f"{self.__name__}.{loader.owners[name]}")
            return vars(self).setdefault(name, getattr(owner, name))
        if name in loader.names:
            return importlib.import_module(f"{self.__name__}.{name}")
        if name == "__all__":
            # `from pulumi_aws.ec2 import *` asks for this first and then reads the namespace, which must be whole.
            dir(self)
        return super().__getattribute__(name)  # which raises what it always raises

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds the submodule get_ami; in the whole package the function of that name hides it.
        submodule = sys.modules.get(f"{self.__name__}.{name}")
        if value is not submodule or name not in cast(_ServiceLoader, self.__loader__).owners:
            super().__setattr__(name, value)


class _ServiceLoader(_DeferringLoader):
    """Records which submodules the package star-imports, instead of importing them."""

    module_class = _Service

    def take_apart(self, module: ModuleType) -> dict[str, Any]:
        starred: list[str] = []

        def import_(name: str, scope: Any = None, local: Any = None, names: Sequence[str] = (), level: int = 0) -> Any:
            if level != 1:
                return builtins.__import__(name, scope, local, names, level)
            if "*" in names:
                starred.append(name)
            stand_in = ModuleType(name)
            vars(stand_in).update({"__all__": ()} if name else dict.fromkeys(names, _SUBMODULE))
            return stand_in

        namespace = self.record(module, __import__=import_)
        if not all(isinstance(value, ModuleType) for value in namespace.values()):
            raise ImportError(f"{self.name} does more than to collect its submodules")
        # As with the statements themselves, the last of two modules that export the same name has it.
        self.owners = {export: child for child in starred for export in self.exports(child)}
        self.names = {*self.owners, *starred, *namespace}
        return {name: value for name, value in namespace.items() if value is not _SUBMODULE}

    def exports(self, child: str) -> list[str]:
        source = self.get_data(f"{self.path.removesuffix('__init__.py')}{child}.py")
        match = re.search(rb"^__all__ = \[([^\]]*)\]", source, re.MULTILINE)
        return re.findall(r"'(\w+)'", cast(re.Match[bytes], match)[1].decode())


class _ClassStatement:
    """A class statement that has been reached and not yet carried out."""

    __slots__ = ("bases", "body", "decorators", "keywords", "name")

    def __init__(self, body: FunctionType, name: str, *bases: Any, **keywords: Any) -> None:
        self.body, self.name, self.bases, self.keywords = body, name, bases, keywords
        self.decorators: list[Callable[[Any], Any]] = []

    def execute(self, module: ModuleType) -> Any:
        # What the interpreter does for `class`, with the module's namespace for the body's globals.
        body = FunctionType(self.body.__code__, vars(module), self.name, None, self.body.__closure__)
        made = builtins.__build_class__(body, self.name, *self.bases, **self.keywords)
        for decorator in self.decorators:
            made = decorator(made)
        return made

    def decorated(self, decorator: Callable[[Any], Any]) -> "_ClassStatement":
        self.decorators.append(decorator)
        return self


class _NestedTypes(_DeferredModule):
    """A module of nested types that are made on first use."""

    def __getattr__(self, name: str) -> Any:
        loader = cast(_NestedTypesLoader, self.__loader__)
        if name == "__all__":
            # A resource's `from ._inputs import *` is there for the annotations in that resource's file, as far as
            # `pulumi._types` resolves them: it passes over the TypedDict that stands beside each class.
            referring = _referring.get()
            return loader.exports if referring is None else sorted(loader.resolved & referring)
        loader.make(name, self)
        return super().__getattribute__(name)


class _NestedTypesLoader(_DeferringLoader):
    """Records the class statements of `_inputs.py` or `outputs.py`, to carry out those that are asked for."""

    module_class = _NestedTypes

    def take_apart(self, module: ModuleType) -> dict[str, Any]:
        import pulumi  # here, for who installs this and then uses no service

        recorder = ModuleType(pulumi.__name__)
        vars(recorder).update(vars(pulumi))
        for real in (pulumi.input_type, pulumi.output_type):
            vars(recorder)[real.__name__] = functools.partial(_ClassStatement.decorated, decorator=real)

        def import_(name: str, scope: Any = None, local: Any = None, names: Sequence[str] = (), level: int = 0) -> Any:
            imported = builtins.__import__(name, scope, local, names, level)
            return recorder if imported is pulumi else imported

        namespace = self.record(module, __import__=import_, __build_class__=_ClassStatement)
        self.lock = threading.RLock()
        self.waiting = {name: value for name, value in namespace.items() if isinstance(value, _ClassStatement)}
        for name, statement in self.waiting.items():
            if statement.name != name or any(isinstance(base, _ClassStatement) for base in statement.bases):
                raise ImportError(f"{self.name}.{name} inherits from another nested type, or is its second name")
        self.exports: list[str] = namespace.pop("__all__")
        self.names = {*self.exports, "__all__"}
        self.resolved = {name for name, statement in self.waiting.items() if TypedDict not in statement.bases}
        return {name: value for name, value in namespace.items() if name not in self.waiting} | {"pulumi": pulumi}

    def make(self, wanted: str, module: ModuleType) -> None:
        # The SDK resolves an annotation in a copy of the module's namespace (`pulumi._types._globals_for_cls`), so what
        # a class names must be there before anyone can hold the class.
        with self.lock:
            made: dict[str, Any] = {}
            names = {wanted} & self.waiting.keys()
            while names:
                statement = self.waiting.pop(names.pop())
                made[statement.name] = statement.execute(module)
                names |= _strings(statement.body.__code__) & self.waiting.keys()
            vars(module).update(made)
