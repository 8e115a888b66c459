#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How much of what a guest executed is grouping code.

attribute.py VMLINUX TRACE [--list]: TRACE is what insn_trace.c wrote. Prints lines of
a name, a tab, and the median over the iterations:

    total       instructions
    kernel      those in the kernel
    grouping    those for grouping: of its files, inlined ones too, and of what
                those call, which includes the kernel's general functions
    locks       locks taken in those

and with --list, of an iteration with the median of grouping, by what entries into
grouping code and by what functions. An instruction is listed once as its function's
own; with callees, the same instruction counts for all that are on the stack.
"""
import bisect
import collections
import re
import statistics
import subprocess
import sys

GROUPING = re.compile(r"""/(
    kernel/(cgroup|res_group|bean_counters)/[\w-]+\.[ch]
    | kernel/(container|cpuset)\w*\.[ch]
    | kernel/(cpu_acct|ns_container|sched/cpuacct)\.c
    | include/linux/(cgroup|container(?!_of)|res_group)[-\w]*\.h
    | include/linux/(cpuset|cpu_acct|bean_counters)\.h
    )$""", re.VERBOSE)
LOCK = re.compile(r"(_raw_(spin|read|write)_lock|mutex_lock|percpu_down_|down_(read|write))")
# What an interrupt or a fault executes is not for the code that it interrupts.
INTERRUPT = re.compile(r"asm_(sysvec_|exc_|common_interrupt$)")
# A part that the compiler has moved away is jumped to, which is not a call.
COLD = re.compile(r"\.cold\b")
KERNEL = 1 << 63

Block = collections.namedtuple("Block", "kind addresses end")
Execution = collections.namedtuple("Execution", "addresses kind end")
# Where an instruction is from: @function is (name, file) of the outermost grouping
# function or inline, or of the outermost function; @inlined is the place of the call
# that the compiler has replaced by it, @lock the same of a function that locks.
Place = collections.namedtuple("Place", "function grouping inlined lock")
# A call to be returned from: to what address; what it was made by, and the entry into
# grouping code that this was for, or None.
Frame = collections.namedtuple("Frame", "to function entry")


def read_trace(path):
    """Each iteration as a list of executions."""
    blocks, cache, iterations, current = {}, {}, [], None
    with open(path) as lines:
        for line in lines:
            words = line.split()
            if words[0] == "m" and current is None:
                current = []
            elif words[0] == "m":
                iterations.append(current)
                current = None
            elif words[0] == "b":
                address, addresses = int(words[3], 16), []
                for size in words[4:]:
                    addresses.append(address)
                    address += int(size)
                blocks[words[1]] = Block(words[2], addresses, address)
            else:
                if line not in cache:
                    block, start = blocks[words[1]], int(words[2])
                    part = block.addresses[start:start + int(words[3])]
                    whole = part[-1] == block.addresses[-1]
                    cache[line] = Execution(part, block.kind if whole else "-",
                                            block.end)
                current.append(cache[line])
    return iterations


class Kernel:
    def __init__(self, vmlinux, addresses):
        self.names = collections.defaultdict(list)
        out = subprocess.run(["nm", vmlinux], check=True, capture_output=True,
                             text=True).stdout
        for line in out.splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in "tTwW":
                self.names[int(words[0], 16)].append(words[2])
        self.starts = sorted(self.names)
        self.interrupts = self.matching(INTERRUPT)
        self.locks = self.matching(LOCK)
        self.switch = next(iter(self.matching(re.compile("__switch_to_asm$"))))
        self.places = dict(self.find_places(vmlinux, addresses))

    def matching(self, pattern):
        return {address for address, names in self.names.items()
                if any(pattern.match(name) for name in names)}

    def symbol(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[self.starts[i]][0]

    def find_places(self, vmlinux, addresses):
        lines = iter(subprocess.run(
            ["addr2line", "-a", "-i", "-f", "-e", vmlinux], check=True,
            capture_output=True, text=True,
            input="".join(f"{address:x}\n" for address in addresses),
        ).stdout.splitlines())
        address, chain = None, []
        for line in lines:
            if line.startswith("0x"):
                if chain:
                    yield address, self.place(address, chain)
                address, chain = int(line, 16), []
            else:
                chain.append((line, next(lines).split(" ")[0]))
        if chain:
            yield address, self.place(address, chain)

    def place(self, address, chain):
        """@chain: (function, file:line), the innermost inline first."""
        files = [line.rpartition(":")[0] for _, line in chain]
        inside = [i for i, file in enumerate(files) if GROUPING.search(file)]
        at = inside[-1] if inside else len(chain) - 1
        name, file = chain[at][0], files[at]
        if name == "??":
            name = self.symbol(address)
        # Of two copies of an inline one can be told by its caller's line.
        calls = [(self.symbol(address), line) for _, line in chain[1:]]
        lock = next((call for (callee, _), call in zip(chain, calls)
                     if LOCK.match(callee)), None)
        return Place((name, file.rpartition("/../linux/")[2]), bool(inside),
                     calls[at] if at < len(calls) else None, lock)

    def is_call(self, address):
        return any(not COLD.search(name) for name in self.names.get(address, ()))


class Iteration:
    """
    Walks over the executions of an iteration. Simplified: the stack of calls is
    forgotten when the processor switches to another task, so that when the first
    one runs again its callees count only from their next call by grouping code on.
    """
    def __init__(self, kernel, executions):
        self.kernel = kernel
        self.total = self.in_kernel = self.grouping = self.locks = 0
        # By function; the last two by (from where, function).
        self.own, self.inclusive, self.calls, self.by_entry, self.entries = (
            collections.Counter() for _ in range(5))
        # Of each inline copy, the address that was executed first.
        self.first = {}
        self.forget()
        for execution in executions:
            self.total += len(execution.addresses)
            if execution.addresses[0] < KERNEL:
                self.forget()
            else:
                self.in_kernel += len(execution.addresses)
                self.enter(execution.addresses[0])
                for address in execution.addresses:
                    self.step(address)
                self.leave(execution)

    def forget(self):
        self.stack, self.suspended = [], []
        # The last instruction's function, and the entry it counts for if any; how
        # its block ended.
        self.function, self.entry, self.kind = ("user space", ""), None, "-"

    def enter(self, address):
        """At the start of a block: how did we get here?"""
        if address == self.kernel.switch:
            self.forget()
        elif address in self.kernel.interrupts:
            self.suspended.append((self.stack, self.function, self.entry, self.kind))
            self.stack, self.entry = [], None
        elif self.kind == "ret":
            # It is in none of the frames if its call was before a switch.
            while self.stack:
                frame = self.stack.pop()
                if frame.to == address:
                    self.function, self.entry = frame.function, frame.entry
                    return
            self.entry = None
        elif self.kind != "call" and self.entry and self.stack and (
                self.kernel.is_call(address)):
            # A call as a function's last act is a jump: its return is that of both.
            self.stack[-1] = Frame(self.stack[-1].to, self.function, self.entry)

    def step(self, address):
        place = self.kernel.places[address]
        if self.stack and self.stack[-1].entry:
            self.entry = self.stack[-1].entry
        elif not place.grouping:
            self.entry = None
        elif not self.entry or place.inlined and place.function != self.entry[1]:
            caller = place.inlined[0] if place.inlined else self.function[0]
            self.entry = caller, place.function
            # What the compiler has mixed with its surroundings is entered again.
            self.entries[self.entry] += not place.inlined or (
                self.is_first(place.function, place.inlined, address))
        self.function = place.function
        if not self.entry:
            return
        self.grouping += 1
        self.by_entry[self.entry] += 1
        self.own[self.function] += 1
        callers = {frame.function for frame in self.stack if frame.entry}
        for function in callers | {self.function}:
            self.inclusive[function] += 1
        # An inline has been called when its first address is executed.
        self.calls[self.function] += (
            self.is_first(place.function, place.inlined, address)
            if place.inlined else self.kernel.is_call(address))
        if address in self.kernel.locks or (
                place.lock and self.is_first("lock", place.lock, address)):
            self.locks += 1

    def is_first(self, what, where, address):
        return self.first.setdefault((what, where), address) == address

    def leave(self, execution):
        self.kind = execution.kind
        if self.kind == "call":
            self.stack.append(Frame(execution.end, self.function, self.entry))
        elif self.kind == "iret" and self.suspended:
            self.stack, self.function, self.entry, self.kind = self.suspended.pop()


def print_list(iteration):
    print("\nAn iteration with the median of grouping.\n")
    print(f"{'with callees':>12} {'calls':>6}  from -> entry into grouping code")
    for entry, count in iteration.by_entry.most_common():
        caller, (name, file) = entry
        print(f"{count:12} {iteration.entries[entry]:6}  {caller} -> {name}  {file}")
    print(f"\n{'own':>8} {'with callees':>12} {'calls':>6}  function")
    for function, count in iteration.inclusive.most_common():
        print(f"{iteration.own[function]:8} {count:12} {iteration.calls[function]:6}"
              f"  {function[0]}  {function[1]}")


def main(vmlinux, trace, *options):
    if options not in ((), ("--list",)):
        sys.exit(__doc__)
    traces = read_trace(trace)
    if not traces:
        sys.exit(f"{trace}: no markers")
    addresses = {address for executions in traces for execution in executions
                 for address in execution.addresses if address >= KERNEL}
    kernel = Kernel(vmlinux, sorted(addresses))
    iterations = [Iteration(kernel, executions) for executions in traces]
    for name, attribute in (("total", "total"), ("kernel", "in_kernel"),
                            ("grouping", "grouping"), ("locks", "locks")):
        median = statistics.median_low(getattr(i, attribute) for i in iterations)
        print(f"{name}\t{median}")
        if name == "grouping":
            middle = next(i for i in iterations if i.grouping == median)
    if options:
        print_list(middle)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
