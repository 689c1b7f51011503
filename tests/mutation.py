"""Mutation testing: ``python -m tests.mutation custody.verify.chain --sample 100 -- tests/test_token.py``.

One thing of a module is changed at a time, and the tests that pass there are run: a change that none of them
sees is a survivor. Everything is loaded once; for each change a fork of that process gets the changed code and
runs only the tests that ran through its line, the quick ones first. What runs while a module is loaded (tables,
limits, patterns, defaults) is changed before it is loaded, in a fork that loads custody and the tests afresh.

Left out: changes to words only (texts of errors and findings, ``where=``, docstrings, any text with a blank in
it), annotations, decorators, asserts. A sample is drawn with a stated seed, so that it can be drawn again. Not
part of the test suite; docs/reference/mutation.md has the figures and the survivors.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import contextlib
import functools
import gc
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

REPO = Path(__file__).resolve().parent.parent
KILLED, SURVIVED, NO_TEST, LATE, NOT_RUN = "killed", "survived", "no test", "ran out of time", "not run"
_CODES = {0: SURVIVED, 1: KILLED, 3: NOT_RUN}
_MEMORY = 3 << 30
_KEPT = {"_known"}
"""Dictionaries of modules that keep what was made once."""
_WALL = 240.0

# What to change into what

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
_METHODS = {
    "startswith": "endswith",
    "endswith": "startswith",
    "partition": "rpartition",
    "rpartition": "partition",
}
_WORD_NAMES = {"where", "what", "expected", "found", "hint", "detail", "text", "reason", "message", "label"}
_WORD_METHODS = {"failed", "passed", "not_checked", "error"}


def _is_word(text: str) -> bool:
    return " " in text.strip() and not text.startswith("custody/")


def _changes(node: ast.AST, words: bool) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                other = [*ops[:place], _COMPARE[type(op)](), *ops[place + 1 :]]
                yield ast.Compare(left=node.left, ops=other, comparators=node.comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(op=ast.Or() if isinstance(op, ast.And) else ast.And(), values=values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=op, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=op) if not words and type(op) in _BINARY:
            yield ast.BinOp(left=node.left, op=_BINARY[type(op)](), right=node.right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if not words and not _is_word(value):
            yield ast.Constant(f"XX{value}XX" if value else "XX")
        case ast.Constant(value=bytes(value)):
            yield ast.Constant(b"XX" + value)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            kept = [] if name == "sorted" else node.keywords
            yield ast.Call(func=ast.Name(_CALLS[name], ast.Load()), args=node.args, keywords=kept)
        case ast.Call(func=ast.Attribute(attr=name)) if name in _METHODS:
            func = ast.Attribute(node.func.value, _METHODS[name], ast.Load())  # type: ignore[attr-defined]
            yield ast.Call(func=func, args=node.args, keywords=node.keywords)
        case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()) | ast.Raise():
            yield ast.Pass()
        case ast.Return(value=value) if value is not None and not _is_constant(value, None):
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign(op=op):
            yield ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)
            if type(op) in _BINARY:
                yield ast.AugAssign(target=node.target, op=_BINARY[type(op)](), value=node.value)
        case ast.Assign(value=value) if not _is_constant(value, None):
            yield ast.Assign(targets=node.targets, value=ast.Constant(None), lineno=node.lineno)
        case ast.Break():
            yield ast.Return(ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
    if isinstance(node, ast.Call) and not words:
        for place, keyword in enumerate(node.keywords):
            if keyword.arg not in _WORD_NAMES:
                rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
                yield ast.Call(func=node.func, args=node.args, keywords=rest)
        for place, argument in enumerate(node.args):
            if not isinstance(argument, ast.Starred | ast.Constant):
                args = [*node.args[:place], ast.Constant(None), *node.args[place + 1 :]]
                yield ast.Call(func=node.func, args=args, keywords=node.keywords)


def _is_constant(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mutant:
    """One change: where it stands, and how to make it in the module's tree."""

    module: str
    function: str | None
    """The outermost function around it; None for what runs while the module is loaded."""
    statement: int
    """The number of the innermost statement around it."""
    first: int
    before: str
    after: str
    number: int
    put: Callable[[bool], None]

    @property
    def name(self) -> str:
        """How it is told to people."""
        return (
            f"{self.module}:{self.first} {self.function or ''} [{self.number}]: {self.before} -> {self.after}"
        )


class Source:
    """A module's tree and every change of it."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.path = REPO / (module.replace(".", "/") + ".py")
        self.tree = ast.parse(self.path.read_bytes())
        self.mutants: list[Mutant] = []
        self.statements = {
            id(node): n for n, node in enumerate(ast.walk(self.tree)) if isinstance(node, ast.stmt)
        }
        self._inside = 0
        for node in self.tree.body:
            self._statement(node, self.tree, "body", (), None)

    def compile(self, mutant: Mutant | None) -> types.CodeType:
        """The module's code with one change, or with none."""
        if mutant is not None:
            mutant.put(True)
        try:
            return compile(ast.fix_missing_locations(self.tree), str(self.path), "exec", dont_inherit=True)
        finally:
            if mutant is not None:
                mutant.put(False)

    def marked(self) -> types.CodeType:
        """The module's code that says of each statement in a function that it was reached."""
        tree = ast.parse(self.path.read_bytes())
        numbers = {id(node): n for n, node in enumerate(ast.walk(tree))}
        for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]:
            for holder in [n for n in ast.walk(function) if not isinstance(n, ast.ClassDef)]:
                for field in ("body", "orelse", "finalbody"):
                    found = getattr(holder, field, None)
                    if isinstance(found, list) and found and id(found) not in numbers:
                        numbers[id(found)] = -1
                        mark = [(self._mark(numbers[id(one)]), one) for one in found]
                        found[:] = [statement for pair in mark for statement in pair]
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec", dont_inherit=True)

    def _mark(self, number: int) -> ast.stmt:
        return ast.parse(f"__reached__.add(({self.module!r}, {number}))").body[0]

    def _statement(
        self, node: ast.AST, parent: ast.AST, field: str, names: tuple[str, ...], function: str | None
    ) -> None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.Global() | ast.Nonlocal():
                return
            case ast.Expr(value=ast.Constant()):
                return  # a docstring
            case ast.FunctionDef() | ast.AsyncFunctionDef() if function is None:
                for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
                    fields = node.args.defaults if default in node.args.defaults else node.args.kw_defaults
                    self._add(default, fields, fields.index(default), None, words=False)
                inner = ".".join((*names, node.name))
                for child in node.body:
                    self._statement(child, node, "body", names, inner)
                return
            case ast.ClassDef() if function is None:
                for child in node.body:
                    self._statement(child, node, "body", (*names, node.name), None)
                return
        place = getattr(parent, field)
        self._visit(node, place, place.index(node), function, words=False)

    def _visit(self, node: ast.AST, holder: Any, key: Any, function: str | None, *, words: bool) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        around = self._inside
        self._inside = self.statements.get(id(node), around)
        self._within(node, holder, key, function, words=words)
        self._inside = around

    def _within(self, node: ast.AST, holder: Any, key: Any, function: str | None, *, words: bool) -> None:
        self._add(node, holder, key, function, words=words)
        if isinstance(node, ast.If | ast.IfExp | ast.comprehension) and not words:
            # A guard that never, and one that always holds.
            tests = (
                [(node, "test")]
                if not isinstance(node, ast.comprehension)
                else [(node.ifs, i) for i in range(len(node.ifs))]
            )
            for inner, name in tests:
                old = inner[name] if isinstance(inner, list) else getattr(inner, name)  # type: ignore[index]
                if "TYPE_CHECKING" not in ast.unparse(old):
                    for value in (False, True):
                        self._note(old, ast.Constant(value), inner, name, function)
        for field, value in ast.iter_fields(node):
            if field in (
                "annotation",
                "returns",
                "decorator_list",
                "type_comment",
                "ctx",
                "op",
                "ops",
                "names",
            ):
                continue
            if (
                isinstance(node, ast.Call)
                and field == "func"
                and not isinstance(value, ast.Attribute | ast.Call)
            ):
                continue
            if isinstance(node, ast.ExceptHandler) and field == "type":
                continue
            for inner, name, child in _children(node, field, value):
                if isinstance(child, ast.AST):
                    self._visit(child, inner, name, function, words=words or _wordy(node, field, name))

    def _add(self, node: ast.AST, holder: Any, key: Any, function: str | None, *, words: bool) -> None:
        if words and isinstance(node, ast.expr):
            return
        for other in _changes(node, words):
            self._note(node, other, holder, key, function)

    def _note(self, old: Any, new: Any, holder: Any, key: Any, function: str | None) -> None:
        def put(on: bool) -> None:
            value = new if on else old
            if isinstance(holder, list):
                holder[key] = value
            else:
                setattr(holder, key, value)

        before, after = ast.unparse(old), ast.unparse(new)
        if before == after:
            return
        self.mutants.append(
            Mutant(
                module=self.module,
                function=function,
                statement=self._inside,
                first=old.lineno,
                before=_short(before),
                after=_short(after),
                number=len(self.mutants),
                put=put,
            )
        )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 110 else text[:107] + "..."


def _children(node: ast.AST, field: str, value: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, list):
        yield from ((value, place, child) for place, child in enumerate(list(value)))
    else:
        yield node, field, value


def _wordy(node: ast.AST, field: str, name: Any) -> bool:
    """Whether what stands in this field of a node is for people only."""
    match node:
        case ast.Raise():
            return True
        case ast.keyword(arg=arg):
            return arg in _WORD_NAMES
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
            if called.endswith(("Error", "CheckFailed", "Refused", "Truncated", "Mismatch", "show")):
                return field in ("args", "keywords")
            return called in _WORD_METHODS and (field == "keywords" or (field == "args" and name != 0))
        case ast.Assign(targets=[ast.Name(id=target)]):
            return target in _WORD_NAMES and field == "value"
    return False


# Putting a change in


def _functions(holder: object, names: Sequence[str]) -> types.FunctionType:
    """The function of a name as it lies in memory, whatever wraps it."""
    found: Any = holder
    for name in names:
        found = found.__dict__[name]
    seen = 0
    while not isinstance(found, types.FunctionType) or hasattr(found, "__wrapped__"):
        for attribute in ("__wrapped__", "fget", "__func__", "func"):
            if hasattr(found, attribute):
                found = getattr(found, attribute)
                break
        seen += 1
        if seen > 5:
            raise LookupError(names)
    return found


def _code(code: types.CodeType, names: Sequence[str]) -> types.CodeType:
    for name in names:
        # The last of a name is the one that stays.
        code = [c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name][-1]
    return code


def put_in(source: Source, name: str, code: types.CodeType) -> None:
    """Give the function in memory another code. Raises where that can't be done."""
    names = name.split(".")
    _functions(sys.modules[source.module], names).__code__ = _code(code, names)


def forget() -> None:
    """What the code before the change has made and keeps would hide the change."""
    for module in [m for name, m in sys.modules.items() if name.startswith("custody")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()
            elif name in _KEPT and isinstance(value, dict):
                value.clear()


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module with a change."""

    def __init__(self, source: Source, mutant: Mutant) -> None:
        self.source, self.mutant = source, mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        if fullname != self.source.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self.source.path, loader=self)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self.source.compile(self.mutant), module.__dict__)  # our own source


# Running


def fork(work: Callable[[], int], seconds: float, scratch: Path) -> int:
    """Start a child that does the work in at most so many seconds of its own time; gives its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        os.setpgid(0, 0)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        scratch.mkdir()
        tempfile.tempdir = str(scratch)
        os.environ["TMPDIR"] = str(scratch)
        quiet = os.open(os.devnull, os.O_WRONLY)
        if not os.environ.get("MUTATION_LOUD"):
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
        code = work()
    except BaseException as error:  # noqa: BLE001 — a child never comes back into the parent's loop
        code = 1 if isinstance(error, MemoryError) else 3
        if os.environ.get("MUTATION_LOUD"):
            sys.excepthook(type(error), error, error.__traceback__)
    os._exit(code)


class Pool:
    """Children side by side, each with a scratch folder that is removed behind it."""

    def __init__(self, jobs: int, folder: Path) -> None:
        self.jobs, self.folder, self.count = jobs, folder, 0
        self.running: dict[int, tuple[Callable[[str, int | None], None], float, Path]] = {}

    def start(self, work: Callable[[], int], seconds: float, then: Callable[[str, int | None], None]) -> None:
        while len(self.running) >= self.jobs:
            self._wait()
        self.count += 1
        scratch = self.folder / str(self.count)
        pid = fork(work, seconds, scratch)
        self.running[pid] = (then, time.monotonic() + max(_WALL, 4 * seconds), scratch)

    def finish(self) -> None:
        while self.running:
            self._wait()

    def _wait(self) -> None:
        while True:
            for pid, (then, end, scratch) in list(self.running.items()):
                done, status = os.waitpid(pid, os.WNOHANG)
                late = time.monotonic() > end
                if not done and not late:
                    continue
                # The child's own children too, whether it ended or not.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                if not done:
                    _, status = os.waitpid(pid, 0)
                del self.running[pid]
                killer = scratch / "killer"
                by = int(killer.read_text()) if killer.exists() else None
                shutil.rmtree(scratch, ignore_errors=True)
                code = os.waitstatus_to_exitcode(status)
                then(LATE if late or code < 0 else _CODES.get(code, NOT_RUN), by)
                return
            time.sleep(0.005)


class Runner:
    """A pytest plugin that runs the collected tests once, and then again for every change."""

    def __init__(
        self, sources: dict[str, Source], chosen: Sequence[Mutant], options: argparse.Namespace
    ) -> None:
        self.sources, self.chosen, self.options = sources, chosen, options
        self.results: dict[Mutant, str] = {}
        self.hits: dict[tuple[str, int], list[int]] = defaultdict(list)
        self.kills: Counter[int] = Counter()
        self.rare: dict[tuple[str, str | None], dict[int, int]] = {}
        self.cost: dict[int, float] = {}
        self.plain: dict[tuple[str, str], types.CodeType] = {}
        self.factory: Any = None

    def pytest_sessionstart(self) -> None:
        import hypothesis  # pytest wants to be first

        hypothesis.settings.register_profile(
            "mutation", deadline=None, derandomize=True, database=None, max_examples=40,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        )  # fmt: skip
        hypothesis.settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = self._baseline(session)
        self.factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        folder = Path(tempfile.mkdtemp(prefix="custody-mutation-"))
        pool = Pool(self.options.jobs, folder)
        try:
            for mutant in self.chosen:
                tests = self._tests_for(mutant)
                if not tests:
                    self._result(mutant, NO_TEST)
                    continue
                seconds = 3 + 4 * sum(self.cost[t] for t in tests)
                work = functools.partial(self._child, mutant, [items[t] for t in tests])
                pool.start(work, seconds, functools.partial(self._done, mutant, tests))
            pool.finish()
            seconds = 60 + 20 * sum(self.cost.values())
            pool.start(functools.partial(self._child, None, list(items)), seconds, self._afterwards)
            pool.finish()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def _afterwards(self, result: str, _: int | None) -> None:
        if result != SURVIVED:
            print(f"\nUNSOUND: the unchanged code no longer passes afterwards: {result}", file=sys.__stderr__)

    def _baseline(self, session: pytest.Session) -> list[pytest.Item]:
        reached: set[tuple[str, int]] = set()
        builtins.__reached__ = reached  # type: ignore[attr-defined]
        for source in self.sources.values():
            code, plain = source.marked(), source.compile(None)
            for name in {m.function for m in source.mutants if m.function is not None}:
                self.plain[source.module, name] = _code(plain, name.split("."))
                put_in(source, name, code)
        good: list[pytest.Item] = []
        for place, item in enumerate(session.items):
            reached.clear()
            last = place + 1 == len(session.items)
            started = time.process_time()
            reports = runtestprotocol(item, log=False, nextitem=None if last else session.items[place + 1])
            if any(r.failed for r in reports):
                print(f"\nfails without any change, left out: {item.nodeid}", file=sys.__stderr__)
                if self.options.verbose:
                    print(next(r for r in reports if r.failed).longreprtext, file=sys.__stderr__)
                continue
            if any(r.skipped for r in reports):
                continue
            self.cost[len(good)] = time.process_time() - started
            for at in reached:
                self.hits[at].append(len(good))
            good.append(item)
        for (module, name), code in self.plain.items():
            _functions(sys.modules[module], name.split(".")).__code__ = code
        total = sum(self.cost.values())
        print(
            f"\n{len(good)} tests, {total:.1f} s; {len(self.chosen)} changes", file=sys.__stderr__, flush=True
        )
        gc.collect()
        gc.freeze()
        return good

    def _tests_for(self, mutant: Mutant) -> list[int]:
        found = self.hits.get((mutant.module, mutant.statement), ())
        rarest = self._rarest(mutant)
        spent, chosen = 0.0, []
        for test in sorted(found, key=lambda t: (self.cost[t] * rarest[t]) / (1 + self.kills[t])):
            spent += self.cost[test]
            if chosen and spent > self.options.most:
                break
            chosen.append(test)
        return chosen

    def _rarest(self, mutant: Mutant) -> dict[int, int]:
        """For each test, how few go where it goes in the same function.

        A changed condition is most likely seen by the test that reaches what the condition guards.
        """
        place = mutant.module, mutant.function
        if place not in self.rare:
            statements = {
                m.statement for m in self.sources[mutant.module].mutants if m.function == mutant.function
            }
            rare = self.rare[place] = defaultdict(lambda: len(self.cost))
            for statement in statements:
                tests = self.hits.get((mutant.module, statement), ())
                for test in tests:
                    rare[test] = min(rare[test], len(tests))
        return self.rare[place]

    def _child(self, mutant: Mutant | None, tests: Sequence[pytest.Item]) -> int:
        self.factory._basetemp = Path(tempfile.mkdtemp())
        if mutant is not None and mutant.function is not None:
            source = self.sources[mutant.module]
            put_in(source, mutant.function, source.compile(mutant))
        forget()
        for place, item in enumerate(tests):
            following = tests[place + 1] if place + 1 < len(tests) else None
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(r.failed for r in reports):
                if os.environ.get("MUTATION_LOUD"):
                    print(next(r for r in reports if r.failed).longreprtext, file=sys.__stderr__)
                Path(tempfile.gettempdir(), "killer").write_text(str(place))
                return 1
        return 0

    def _done(self, mutant: Mutant, tests: Sequence[int], result: str, killer: int | None) -> None:
        if killer is not None:
            self.kills[tests[killer]] += 1
        self._result(mutant, result)

    def _result(self, mutant: Mutant, result: str) -> None:
        self.results[mutant] = result
        tell(mutant, result, self.options)


def tell(mutant: Mutant, result: str, options: argparse.Namespace) -> None:
    """A line for people unless it was killed, and one for the file of results."""
    if result != KILLED:
        print(f"{result}: {mutant.name}", file=sys.__stderr__, flush=True)
    if options.json:
        row = [
            mutant.module,
            mutant.number,
            mutant.function,
            mutant.first,
            mutant.before,
            mutant.after,
            result,
        ]
        with options.json.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def run_loaded(
    sources: dict[str, Source], chosen: Sequence[Mutant], options: argparse.Namespace
) -> dict[Mutant, str]:
    """Changes inside functions."""
    runner = Runner(sources, chosen, options)
    pytest.main([*_PYTEST, *options.tests], plugins=[runner])
    return runner.results


_PYTEST = (
    "-q",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "--no-header",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


def run_loading(
    sources: dict[str, Source], chosen: Sequence[Mutant], options: argparse.Namespace
) -> dict[Mutant, str]:
    """Changes to what runs while a module is loaded: every fork loads custody and the tests afresh."""
    for name in (
        "cryptography.x509",
        "sqlalchemy",
        "jsonschema",
        "hypothesis",
        "click",
        "asn1crypto.cms",
        "pyzipper",
    ):
        importlib.import_module(name)
    assert not any(name.startswith("custody") for name in sys.modules)
    results: dict[Mutant, str] = {}

    def done(mutant: Mutant, result: str, _: int | None) -> None:
        results[mutant] = result
        tell(mutant, result, options)

    def child(mutant: Mutant | None) -> int:
        if mutant is not None:
            sys.meta_path.insert(0, Loader(sources[mutant.module], mutant))
        try:
            code = pytest.main([*_PYTEST, "-x", *options.tests])
        except Exception:  # noqa: BLE001 — the change made the tests fall over
            return 1
        return 0 if code == 0 else 1

    folder = Path(tempfile.mkdtemp(prefix="custody-mutation-"))
    pool = Pool(options.jobs, folder)
    try:
        pool.start(
            lambda: child(None), 600, lambda r, _: print(f"without a change: {r}", file=sys.__stderr__)
        )
        pool.finish()
        for mutant in chosen:
            pool.start(functools.partial(child, mutant), 120, functools.partial(done, mutant))
        pool.finish()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


# The table


def runs_while_loading(mutant: Mutant, options: argparse.Namespace) -> bool:
    """True for what stands in no function, and in those that the module itself calls and are named."""
    return mutant.function is None or mutant.function in options.called


def table(sources: dict[str, Source], results: dict[Mutant, str], options: argparse.Namespace) -> list[str]:
    """A row for each module: how many there are, how many were run, and what came of them."""
    rows = [
        "| Module | Changes | Run | Killed | Survived | No test | Ran out of time | Killed of those run |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, source in sources.items():
        all_ = [m for m in source.mutants if runs_while_loading(m, options) is options.loading]
        counts = Counter(r for m, r in results.items() if m.module == name)
        run = sum(counts.values()) - counts[NOT_RUN]
        share = f"{100 * counts[KILLED] // run} %" if run else "–"
        cells = (
            name.removeprefix("custody."),
            len(all_),
            run,
            counts[KILLED],
            counts[SURVIVED],
            counts[NO_TEST],
            counts[LATE],
            share,
        )
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return rows


def draw(source: Source, options: argparse.Namespace) -> list[Mutant]:
    """The changes to run: all of them, or a sample drawn with the seed and the module's name."""
    changes = [m for m in source.mutants if runs_while_loading(m, options) is options.loading]
    if options.again:
        rows = [json.loads(line) for line in options.again.read_text("utf-8").splitlines()]
        left = {(row[0], row[3], row[4], row[5]) for row in rows if row[6] != KILLED}
        return [m for m in changes if (m.module, m.first, m.before, m.after) in left]
    if options.sample and len(changes) > options.sample:
        drawn = random.Random(f"{options.seed} {source.module}").sample(changes, options.sample)
        changes = sorted(drawn, key=lambda m: m.number)
    return changes


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--sample", type=int, default=0, help="how many changes of a module at most; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--most", type=float, default=60.0, help="seconds of tests for a change at most")
    parser.add_argument("--loading", action="store_true", help="change what runs while a module is loaded")
    parser.add_argument(
        "--called", action="append", default=[], help="a function that the module calls while it is loaded"
    )
    parser.add_argument(
        "--again", type=Path, help="only what was not killed, by the file of an earlier --json"
    )
    parser.add_argument("--json", type=Path, help="a file to which each result is added, a line each")
    parser.add_argument("--verbose", action="store_true")
    arguments = sys.argv[1:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:at])
    options.tests = arguments[at + 1 :]
    sources = {name: Source(name) for name in options.modules}
    chosen = [m for source in sources.values() for m in draw(source, options)]
    results = (run_loading if options.loading else run_loaded)(sources, chosen, options)
    print("\n" + "\n".join(table(sources, results, options)))


if __name__ == "__main__":
    main()
