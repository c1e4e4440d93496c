"""The launcher that runs inside a child and confines it, before any uploaded byte is touched.

Owns resource limits, death with the parent, Landlock, the system-call filter, and the scrubbed
process state; then it becomes the tool (exec) or calls one function of this package. Refuses to
import anything but the standard library's quick modules: it is run by path with `python -I -S` and
costs about 30 ms. Every layer is used where the kernel has it, and missed quietly where not
(`landlock_abi`, `has_syscall_filter` tell the doctor). Read `process` next: it writes the orders.

Orders are one JSON object on standard input (a file, never a pipe): parent, argv or call with
`each` (the arguments of every call), reads, system, scratch, paths, environment, limits {name of an
RLIMIT_: value}, input (the descriptor that becomes standard input, where there is one).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Orders = dict[str, Any]

CANNOT_CONFINE = 126
"""Exit status when the confinement itself, or the exec, failed: never the file's fault."""

_LIBC = ctypes.CDLL(None, use_errno=True)

# prctl(2); numbers from linux/prctl.h.
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38


def main() -> NoReturn:
    """Confine this process after the orders on standard input, then do what they say."""
    try:
        orders = json.load(sys.stdin)
        confine(orders)
        if "call" not in orders:
            _become(orders)
    except OSError as error:
        sys.stderr.write(f"confine: {error}\n")
        os._exit(CANNOT_CONFINE)
    _answer(orders)


def confine(orders: Orders) -> None:
    """Apply every layer to this process; nothing of it can be undone."""
    _die_with(orders["parent"])
    os.nice(orders["nice"])
    _scrub(orders["scratch"], orders["input"])
    _drop_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _landlock(orders["reads"], orders["system"], orders["scratch"])
    _filter_system_calls()
    for name, value in orders["limits"].items():
        _limit(getattr(resource, f"RLIMIT_{name}"), value)


def _become(orders: Orders) -> NoReturn:
    """Exec the tool. Python ignores SIGPIPE and SIGXFSZ, and exec would hand that on."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execve(orders["argv"][0], orders["argv"], orders["environment"])  # noqa: S606  (the point)


def _prctl(option: int, value: int) -> bool:
    return bool(_LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0)


def _die_with(parent: int) -> None:
    """SIGKILL us when the parent's forking thread ends; leave now if it already has.

    The signal survives exec. It is tied to the *thread* that forked, not to the process.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(CANNOT_CONFINE)


def _scrub(scratch: str, given: int | None) -> None:
    """No inherited descriptors but what was given to read, the scratch folder as the only place."""
    entrance = os.open(os.devnull, os.O_RDONLY) if given is None else given
    os.dup2(entrance, 0)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(scratch)
    os.umask(0o022)


def _limit(kind: int, value: int) -> None:
    """Lower both limits, so that the child cannot raise them again."""
    _, hard = resource.getrlimit(kind)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


# --- capabilities ----------------------------------------------------------------------------

_CAP_DAC_OVERRIDE = 1
_CAP_VERSION_3 = 0x20080522


def _drop_capabilities() -> None:
    """Where a worker runs as root, its children keep only the right to open others' files."""
    for capability in range(64):
        if capability != _CAP_DAC_OVERRIDE:
            _prctl(_PR_CAPBSET_DROP, capability)
    header, held = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if _LIBC.capget(header, held) == 0:
        keep = held[1] & (1 << _CAP_DAC_OVERRIDE)
        _LIBC.capset(header, (ctypes.c_uint32 * 6)(keep, keep, 0, 0, 0, 0))


# --- Landlock: what may be read, and the one place that may be written ------------------------

# Numbers and rights from linux/landlock.h; the same system-call numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
# No symbolic links, pipes, sockets or devices: what we later upload from scratch is plain files.
_SCRATCH = (
    _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
)
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_ABI, _SCOPE_ABI = 4, 6
_TCP, _SCOPES = 0b11, 0b11

_DEVICES = ("/dev/zero", "/dev/urandom", "/dev/random")


def landlock_abi() -> int:
    """Version of the kernel's Landlock interface; 0 where there is none."""
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)))


def _landlock(reads: Iterable[str], system: Iterable[str], scratch: str) -> None:
    abi = landlock_abi()
    if not abi:
        return
    handled = (1 << _RIGHTS_BY_ABI[min(abi, 5)]) - 1
    ruleset = _ruleset(handled, abi)
    for path in reads:
        _allow(ruleset, path, _READ & handled)
    _allow(ruleset, scratch, _SCRATCH & handled)
    with suppress(FileNotFoundError):
        _allow(ruleset, os.devnull, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
    for path in (*system, *_DEVICES):
        with suppress(FileNotFoundError):
            _allow(ruleset, path, (_READ | _EXECUTE) & handled)
    if _LIBC.syscall(_RESTRICT_SELF, ruleset, 0):
        raise _failure("landlock_restrict_self")
    os.close(ruleset)


def _ruleset(handled: int, abi: int) -> int:
    """A ruleset without rules: all of `handled`, TCP, foreign signals and abstract sockets shut."""
    fields = [handled, _TCP if abi >= _NET_ABI else 0, _SCOPES if abi >= _SCOPE_ABI else 0]
    size = 8 * (3 if abi >= _SCOPE_ABI else 2 if abi >= _NET_ABI else 1)
    ruleset = _LIBC.syscall(_CREATE_RULESET, struct.pack("=3Q", *fields), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        raise _failure("landlock_create_ruleset")
    return int(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Allow `rights` on a file or on everything below a folder."""
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112  (pathlib would cost 5 ms of import)
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, place)
        if _LIBC.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0):
            raise _failure(f"landlock_add_rule {path}")
    finally:
        os.close(place)


def _failure(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


# --- the system-call filter: what Landlock does not cover (UDP, forking, other processes) -----

# socket, ptrace, io_uring_setup, bpf, perf_event_open, userfaultfd, keyctl, add_key, request_key,
# mount, unshare, setns, process_vm_readv, process_vm_writev, open_by_handle_at, fork, vfork
_REFUSED = {
    "x86_64": (41, 101, 425, 321, 298, 323, 250, 248, 249, 165, 272, 308, 310, 311, 304, 57, 58),
    "aarch64": (198, 117, 425, 280, 241, 282, 219, 217, 218, 40, 97, 268, 270, 271, 265),
}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3, _X32 = 435, 0x40000000
_CLONE_THREAD = 0x00010000
_SECCOMP_MODE_FILTER = 2
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
# Classic BPF: load a word, jump if equal / greater-or-equal / any bit set, return.
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16


def has_syscall_filter() -> bool:
    """True where this machine's architecture has a system-call filter written for it."""
    return os.uname().machine in _REFUSED


def _filter_system_calls() -> None:
    """Refuse sockets of any kind, new processes (threads are fine), and meddling with others."""
    machine = os.uname().machine
    if machine not in _REFUSED:
        return
    code = b"".join(struct.pack("=HBBI", *line) for line in _program(machine))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(_pinned(code)))
    _LIBC.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), program, 0, 0)


def _pinned(code: bytes) -> ctypes.Array[ctypes.c_char]:
    """Keep the program's memory alive until the kernel has copied it."""
    global _BUFFER  # noqa: PLW0603  (an address outlives no local)
    _BUFFER = ctypes.create_string_buffer(code, len(code))
    return _BUFFER


_BUFFER: ctypes.Array[ctypes.c_char] = ctypes.create_string_buffer(0)


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """Filter lines (code, jump if true, jump if false, value); each refusal is two lines."""
    lines = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),  # a 32-bit call would slip past the numbers below
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),  # its flags are out of sight; libc falls back
    ]
    for number in _REFUSED[machine]:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    return [
        *lines,
        (_EQUAL, 0, 3, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_BITS, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


# --- a function of this package, instead of a tool --------------------------------------------


def _answer(orders: Orders) -> NoReturn:
    """Call the function, each answer a line of JSON; prints of libraries go to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    os.environ.clear()
    os.environ.update(orders["environment"])
    sys.dont_write_bytecode = True
    sys.path[:0] = orders["paths"]
    with os.fdopen(answers, "wb") as stream:
        for line in _called(orders):
            stream.write(line + b"\n")
            stream.flush()  # what is answered stays answered, should a later call end us all
    sys.stderr.flush()
    os._exit(0)  # no clean-up of half-broken native libraries: the answer is out


def _called(orders: Orders) -> Iterator[bytes]:
    errors = _package()
    for arguments in orders["each"]:
        yield _outcome(functools.partial(_call, orders["call"], arguments), errors)


def _call(function: str, arguments: dict[str, Any]) -> Any:
    return _function(function)(**arguments)


def _outcome(work: Callable[[], Any], errors: Any) -> bytes:
    """The value of `work`, or the failure it raised, as JSON."""
    try:
        return json.dumps({"value": _plain(work())}).encode()
    except errors.NewsreelError as error:
        failure = error
    except MemoryError:
        failure = errors.Hostile("The file wants more memory than is allowed to read it.")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        failure = errors.DiskFull("The disk is full.") if full else _bug(errors)
    except Exception:  # noqa: BLE001  (whatever it is, the parent must hear of it)
        failure = _bug(errors)
    return json.dumps({"failure": [failure.code, failure.public, failure.evidence]}).encode()


def _bug(errors: Any) -> Any:
    import traceback  # noqa: PLC0415  (slow to import, seldom needed)

    return errors.ToolBug("Something went wrong inside Newsreel.", evidence=traceback.format_exc())


def _function(name: str) -> Any:
    import importlib  # noqa: PLC0415  (tools do without)

    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _package() -> Any:
    """Register this package by this file's place (its parent folder stays unreadable).

    Returns its `errors`.
    """
    import importlib.util  # noqa: PLC0415  (tools do without)

    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  (no pathlib)
    spec = importlib.util.spec_from_file_location(
        "pipeline", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise FileNotFoundError(errno.ENOENT, "the package's own folder")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pipeline"] = module
    spec.loader.exec_module(module)
    return importlib.import_module("pipeline.errors")


def _plain(value: Any) -> Any:
    """Plain data for JSON; a value of the model becomes what `model.from_json` reads."""
    if not hasattr(value, "__dataclass_fields__"):
        return value
    from pipeline import model  # noqa: PLC0415  (only where a value comes back)

    return json.loads(model.to_json(value))


if __name__ == "__main__":
    main()
