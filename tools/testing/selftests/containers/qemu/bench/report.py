#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the benchmark measured, as a table, as CSV, and as the data of plots.

report.py RAW OUT VERSION: RAW holds what the guests printed (SETUP-PART.tsv, lines
of name, x, value, one for each run) and what attribute.py said of the traces
(trace-SETUP-OPERATION.txt). A number that is missing is an error, not a gap.
report.py --smoke RAW: are there numbers at all?
"""
import collections
import csv
import datetime
import pathlib
import statistics
import sys

SETUPS = ("bare", "cgroup", "v1", "v2", "none", "ours")


class Results:
    def __init__(self, raw):
        self.raw = raw
        # (setup, name, x) -> the runs
        self.runs = collections.defaultdict(list)
        self.locks = collections.defaultdict(dict)
        self.storms = {}
        for path in sorted(raw.glob("*-*.tsv")):
            setup = path.stem.split("-")[0]
            if setup == "trace":
                continue
            for line in path.read_text().splitlines():
                self.take(setup, line.split("\t"))

    def take(self, setup, words):
        if words[0] == "lock-stat":
            self.take_lock(setup, words[1], " ".join(words[2:]))
        elif len(words) == 3 and words[1] == "ops":
            self.storms[setup, words[0]] = int(words[2])
        elif len(words) == 3:
            self.runs[setup, words[0], int(words[1])].append(float(words[2]))

    def take_lock(self, setup, storm, line):
        """A class of locks: its name, contentions and acquisitions."""
        name, _, numbers = line.rpartition(":")
        numbers = numbers.split()
        if len(numbers) < 8:
            return
        # con-bounces contentions min max total avg acq-bounces acquisitions
        contentions, acquisitions = int(numbers[1]), int(numbers[7])
        name = name.strip().removesuffix("-R").removesuffix("-W")
        before = self.locks[setup, storm].get(name, (0, 0))
        self.locks[setup, storm][name] = (before[0] + contentions,
                                          before[1] + acquisitions)

    def value(self, setup, name, x=0):
        runs = self.runs.get((setup, name, x))
        if not runs:
            sys.exit(f"no results of {name} at {x} in {setup}")
        return statistics.median(runs)

    def spread(self, setup, name, x=0):
        runs = self.runs[setup, name, x]
        return min(runs), max(runs)

    def attributed(self, setup, name, what="grouping"):
        path = self.raw / f"trace-{setup}-{name}.txt"
        for line in path.read_text().splitlines():
            words = line.split("\t")
            if words[0] == what:
                return float(words[1])
        sys.exit(f"{path}: no {what}")

    def number(self, name):
        return int((self.raw / name).read_text())

    def curve(self, setup, name):
        return sorted(x for s, n, x in self.runs if (s, n) == (setup, name))


def rows(res):
    """Name of the row, values of v1, v2 and ours, what ours shall be at most."""
    def attributed(name, *setups):
        return [res.attributed(setup, name) for setup in setups]

    def plain(name, x=0):
        return [res.value(setup, name, x) for setup in ("v1", "v2", "ours")]

    def over_bare(name):
        return [res.value(setup, name) - res.value("bare", name)
                for setup in ("v1", "v2", "ours")]

    idle = ("cgroup", "cgroup", "none")
    busy = ("v1", "v2", "ours")
    yield ("fork+exit+wait, nothing mounted: attributed",
           attributed("fork", *idle), 200)
    yield ("fork+exit+wait, all mounted: attributed",
           attributed("fork", *busy), 700)
    yield ("thread create+join, nothing mounted: attributed",
           attributed("thread", *idle), 120)
    yield ("thread create+join, all mounted: attributed",
           attributed("thread", *busy), 350)
    yield "attach a thread, warm", plain("attach"), 2500
    warm = res.value("ours", "attach")
    yield "attach a thread after a second", plain("attach-cold"), warm * 1.1
    v1 = res.value("v1", "procs-100")
    yield "move a process of 100 threads", plain("procs-100"), v1 / 10
    v1 = res.value("v1", "procs-100-cold")
    yield ("move a process of 100 threads after a second",
           plain("procs-100-cold"), v1 / 10)
    yield "mkdir+rmdir, three subsystems", plain("mkdir"), 45000
    yield "read tasks, each of 1,000", plain("tasks-1000"), 300
    yield "read tasks, one beside 1,000", plain("tasks-beside"), 6000
    yield "open+close over bare", over_bare("open"), 100
    yield "open+close: attributed", attributed("open", *busy), 100
    half = min(attributed("switch", "v1", "v2")) / 2
    yield ("pipe round trip, two switches: attributed",
           attributed("switch", *busy), half)
    for name in ("fork", "thread", "open", "switch", "attach"):
        one = res.value("ours", "depth-" + name, 1)
        yield f"{name} at depth 16", plain("depth-" + name, 16), one * 1.01
    memory = [res.value(setup, "memory-slab") + res.value(setup, "memory-percpu")
              for setup in busy]
    yield "memory of a container, bytes", memory, 2500
    for what, most in (("size", 55000), ("task_struct", 40)):
        bare = res.number(what + "-bare")
        growth = [res.number(f"{what}-{kernel}") - bare
                  for kernel in ("cgroup", "cgroup", "containers")]
        yield {"size": "vmlinux.o, text+data, bytes more",
               "task_struct": "task_struct, bytes more"}[what], growth, most
    yield ("locks taken by grouping code, fork+exit+wait",
           [res.attributed(setup, "fork", "locks") for setup in busy], None)


def table(res, version):
    lines = [
        f"Linux {version}, {datetime.date.today()}, QEMU with -icount: instructions"
        " unless something else is said.",
        "",
        f"{'':52}{'v1':>12}{'v2':>12}{'here':>12}{'to reach':>12}",
    ]
    with_csv = []
    for name, values, most in rows(res):
        verdict = "" if most is None or values[2] <= most else "  missed"
        cells = "".join(f"{value:12,.0f}" for value in values)
        goal = " " * 12 if most is None else f"{most:12,.0f}"
        lines.append(f"{name:52}{cells}{goal}{verdict}")
        with_csv.append([name, *values, most])
    lines += ["", "Whole operations: the median of 12 perturbed runs, and the least"
              " and the most of them.", ""]
    for name in ("fork", "thread", "open", "switch"):
        for setup in SETUPS:
            least, most = res.spread(setup, name)
            lines.append(f"{name:12}{setup:12}{res.value(setup, name):12,.0f}"
                         f"{least:12,.0f}{most:12,.0f}")
    lines += ["", "Acquisitions of locks per operation, and contentions per 1,000,"
              " four processors.", ""]
    for (setup, storm), locks in sorted(res.locks.items()):
        ops = res.storms[setup, storm]
        for name, (contentions, acquisitions) in sorted(locks.items()):
            if is_grouping_lock(name):
                lines.append(f"{storm:14}{setup:6}{name:40}"
                             f"{acquisitions / ops:10.2f}"
                             f"{1000 * contentions / ops:10.2f}")
    return "\n".join(lines) + "\n", with_csv


GROUPING_LOCKS = ("cgroup", "css_set", "cpuset", "callback_lock", "container",
                  "attach_mutexes", "group->", "bucket->", "cont->", "ctl->", "pressure",
                  "rstat", "res_group", "numtasks")


def is_grouping_lock(name):
    return any(word in name for word in GROUPING_LOCKS)


def main():
    if sys.argv[1] == "--smoke":
        res = Results(pathlib.Path(sys.argv[2]))
        fork = res.value("none", "fork")
        ours = res.attributed("ours", "fork")
        if not 10000 < fork < 1000000 or not 0 < ours < fork / 10:
            sys.exit(f"fork: {fork} instructions, of which {ours} for grouping")
        print(f"fork: {fork:.0f} instructions; mounted, {ours:.0f} for grouping")
        return
    raw, out = map(pathlib.Path, sys.argv[1:3])
    res = Results(raw)
    text, lines = table(res, sys.argv[3])
    (out / "table.txt").write_text(text)
    with open(out / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["what", "v1", "v2", "here", "to reach"])
        writer.writerows(lines)
    # For each curve a file with a column for each setup, for gnuplot as well.
    for name in sorted({n for _, n, x in res.runs if x}):
        points = sorted({x for s in SETUPS for x in res.curve(s, name)})
        with open(out / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["x", "v1", "v2", "here"])
            for x in points:
                writer.writerow([x] + [
                    res.value(s, name, x) if (s, name, x) in res.runs else ""
                    for s in ("v1", "v2", "ours")])


main()
