#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The benchmark: what grouping costs, in instructions, on a kernel without any, with
# control groups and with containers, all of the same source and options.
# bench.sh: all of it, with a table and plots in build/bench and Documentation/bench;
# bench.sh smoke: one operation on one kernel.
set -eu
. "$(dirname "$0")/lib.sh"

src=$QEMU_DIR/bench
out=$BUILD/bench
raw=$out/raw
files=$out/files
export MEM=4G CPUS=1 NODES=1 TIMEOUT=1200

# What is compared: its name, kernel, and how bench.c is to use that.
setups="bare:bench-bare:bare
	cgroup:bench-cgroup:none-cgroup v1:bench-cgroup:v1 v2:bench-cgroup:v2
	none:bench-containers:none-ours ours:bench-containers:ours"
traced="fork thread open switch attach"

# Operations in boots of their own: one does not find what another has left.
basic="fork thread open switch"
groups="attach attach-cold procs-100 procs-100-cold mkdir tasks-1000 tasks-beside"
parts="basic groups depth memory tasks-curve mkdir-curve hierarchies"

compile() {
	mkdir -p "$raw" "$files"
	gcc -static -O2 -Wall -pthread -D_GNU_SOURCE -o "$files/bench" \
		"$src/bench.c" "$TOP/tools/testing/selftests/containers/containers_util.c"
	gcc -O2 -Wall -shared -fPIC -o "$out/insn_trace.so" "$src/insn_trace.c"
}

# measure NAME KERNEL ARGUMENTS: one boot; results in raw/NAME.
measure() {
	local name=$1 kernel=$2
	shift 2

	printf '%s\n' "export TRACE=$TRACE" "exec /bench $*" >"$out/$name.job"
	LOG=$LOGS/bench-$name.log "$QEMU_DIR/boot.sh" "$kernel" "$out/$name.job" \
		"$files" | tr -d '\r' >"$raw/$name.tsv.new" || {
		tail -n 20 "$raw/$name.tsv.new" "$LOGS/bench-$name.log" >&2
		die "$name failed"
	}
	mv "$raw/$name.tsv.new" "$raw/$name.tsv"
}

# count SETUP KERNEL FLAVOUR OPERATION: the same with what each instruction is for.
count() {
	local name=trace-$1-$4 trace=$out/$1-$4.trace

	TRACE=1 QEMU_ARGS="-plugin $out/insn_trace.so,out=$trace" \
		measure "$name" "$2" "$3" "$4"
	"$src/attribute.py" "$BUILD/$2/vmlinux" "$trace" --list \
		>"$raw/$name.txt" || die "$name: no instructions counted"
	rm "$trace"
}

# A boot has one processor, so two run at a time.
job() {
	local name=$1 setup kernel flavour

	shift
	IFS=: read -r setup kernel flavour <<<"$1"
	export ICOUNT=1 TRACE=
	case $name in
	trace-*) count "$setup" "$kernel" "$flavour" "${name#trace-}" ;;
	basic) measure "$setup-$name" "$kernel" "$flavour" $basic ;;
	groups) measure "$setup-$name" "$kernel" "$flavour" $groups ;;
	cpus-curve) CPUS=2 measure "$setup-$name" "$kernel" "$flavour" $name ;;
	storm) ICOUNT='' CPUS=4 measure "$setup-$name" "$kernel" "$flavour" \
		storm-fork storm-attach storm-both storm-open ;;
	*) measure "$setup-$name" "$kernel" "$flavour" "$name" ;;
	esac
	echo "   $setup: $name"
}

if [ "${1:-}" = job ]; then
	shift
	job "$@"
	exit
fi

if [ "${1:-}" = smoke ]; then
	# A kernel that is there already, and has line numbers.
	"$QEMU_DIR/build.sh" cgroups
	compile
	job basic none:cgroups:none-ours
	job trace-fork ours:cgroups:ours
	exec "$src/report.py" --smoke "$raw"
fi

for kernel in bare cgroup containers; do
	"$QEMU_DIR/build.sh" bench-$kernel
done
for kernel in cgroup containers; do
	"$QEMU_DIR/build.sh" lockstat-$kernel
done
rm -rf "$raw"
compile
say "counting instructions"
for setup in $setups; do
	flavour=${setup##*:}
	for operation in $traced; do
		case $flavour:$operation in
		bare:attach | none-*:attach) ;;
		*) echo "trace-$operation $setup" ;;
		esac
	done
	for part in $parts; do
		case $flavour:$part in
		bare:basic | none-*:basic) ;;
		bare:* | none-*:* | v2:hierarchies) continue ;;
		esac
		echo "$part $setup"
	done
	case $flavour in
	v1 | v2 | ours) echo "cpus-curve $setup" ;;
	esac
done >"$out/jobs"
xargs -P "$JOBS" -L 1 "$0" job <"$out/jobs"
say "contention, on four processors"
for setup in v1:lockstat-cgroup:v1 ours:lockstat-containers:ours; do
	"$0" job storm "$setup"
done

for kernel in bare cgroup containers; do
	size "$BUILD/bench-$kernel/vmlinux.o" | awk 'END { print $1 + $2 }' >"$raw/size-$kernel"
	readelf --debug-dump=info "$BUILD/bench-$kernel/init/init_task.o" | awk '
		/DW_TAG_/ { type = /DW_TAG_structure_type/ }
		/DW_AT_name/ && type { name = $NF }
		/DW_AT_byte_size/ && type && name == "task_struct" { print $NF; exit }
	' >"$raw/task_struct-$kernel"
done
results=$TOP/Documentation/bench
mkdir -p "$results"
"$src/report.py" "$raw" "$out" "$(make -s -C "$LINUX" kernelversion)"
(cd "$out" && gnuplot "$src/plots.gp")
cp "$out"/*.svg "$out/table.txt" "$results"
cat "$out/table.txt"
say "the table, CSV files and plots are in build/bench"
