# SPDX-License-Identifier: GPL-2.0
# The curves: ours and control groups' in one plot each. Run in build/bench.
set terminal svg size 640,420 dynamic font "sans,12"
set datafile separator ","
set key top left
set logscale x
set grid
set style data linespoints
set ylabel "instructions"

draw = 'set output file.".svg"; \
	plot for [i=2:4] file.".csv" using 1:i title columnheader(i) lw 2'

set xlabel "hierarchies with a container of the thread's"
file = "hier-fork"; set title "fork+exit+wait"; eval draw
file = "hier-attach"; set title "attach of a thread"; eval draw
set xlabel "depth"
file = "depth-fork"; set title "fork+exit+wait"; eval draw
file = "depth-attach"; set title "attach of a thread"; eval draw
file = "depth-switch"; set title "pipe round trip"; eval draw
set logscale y
set xlabel "threads"
file = "tasks-n"; set title "read all of tasks"; eval draw
file = "tasks-others"; set title "read tasks of one, with so many elsewhere"; eval draw
set xlabel "members"
file = "cpus-n"; set title "change cpus"; eval draw
set xlabel "containers there are"
file = "mkdir-n"; set title "mkdir+rmdir"; eval draw
unset logscale y
set yrange [0:*]
set ylabel "bytes"
file = "mem-slab"; set title "slab memory of a container"; eval draw
file = "mem-percpu"; set title "per-CPU memory of a container"; eval draw
