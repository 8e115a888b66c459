#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compile the selftests, run them on a kernel with 4 CPUs and 2 memory nodes,
# and count: kselftest.sh KIND. TESTS= names some, or nothing for all.
#
# A program whose source has a line " * boot: WORDS" runs in a boot of its own
# with these words on the kernel's command line.
set -eu
. "$(dirname "$0")/lib.sh"

kind=$1
src=$LINUX/tools/testing/selftests/containers
bin=$BUILD/selftests
out=$BUILD/$kind
export CPUS=4 NODES=2 MEM=2G

say "compiling the selftests"
mkdir -p "$bin" "$LOGS"
{
	make -C "$LINUX" O="$out" headers &&
	make -C "$src" OUTPUT="$bin" KHDR_INCLUDES="-isystem $out/usr/include"
} >"$LOGS/selftests.log" 2>&1 || {
	tail -n 30 "$LOGS/selftests.log" >&2
	die "the selftests do not compile"
}

all=$(cd "$src" && ls test_*.c | sed 's/\.c$//')
tests=${TESTS:-$all}
for test in $tests; do
	[ -f "$src/$test.c" ] || die "no selftest '$test'"
done

boot_words() { sed -n 's/^ \* boot: //p' "$src/$1.c" | head -n 1; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Run programs "${@:2}" in one boot with kernel command line words $1. Their TAP
# is on standard output, each line with the program's name before it.
run() {
	local words=$1 files=$tmp/files
	shift

	rm -rf "$files"
	mkdir -p "$files/tests"
	(cd "$bin" && cp "$@" "$files/tests/")
	{
		echo "[ \$(cat /sys/devices/system/cpu/online) = 0-3 ] || exit 1"
		echo "[ \$(cat /sys/devices/system/node/online) = 0-1 ] || exit 1"
		# The others are much faster, and not where races are looked for.
		[ "$kind" = debug ] || echo "export CONTAINERS_RACE_SECONDS=4"
		echo "cd /tests"
		for test; do
			echo "{ timeout -s KILL 900 ./$test 2>&1; echo exit \$?; } | awk '{ print \"$test: \" \$0; fflush() } /^exit [0-9]+\$/ { exit }'"
		done
	} >"$tmp/job"
	APPEND="$words ${APPEND:-}" TIMEOUT=4000 \
		LOG="$LOGS/kselftest-$kind${words:+-$1}.log" \
		"$QEMU_DIR/boot.sh" "$kind" "$tmp/job" "$files" ||
		echo "machine: not ok the machine (see build/log)"
}

{
	together=
	for test in $tests; do
		[ -n "$(boot_words "$test")" ] || together="$together $test"
	done
	# shellcheck disable=SC2086
	[ -z "$together" ] || run "" $together
	for test in $tests; do
		words=$(boot_words "$test")
		[ -z "$words" ] || run "$words" "$test"
	done
} | sed -u 's,\r,,' | tee "$tmp/output" | sed -u "s/^/$kind: /"

# The plan of each program must have come true. What is skipped has failed.
awk -v tests="$tests" '
	function finish(t) {
		if (!plan[t] || seen[t] != plan[t]) {
			printf "%s: not ok planned %d tests, %d came\n", t, plan[t], seen[t]
			failed++
		} else if (!ended[t] || (status[t] && !bad[t])) {
			printf "%s: not ok exit status %s\n", t, status[t]
			failed++
		}
	}
	{ t = $1; sub(/:$/, "", t) }
	$2 ~ /^1\.\.[0-9]+$/ { plan[t] = substr($2, 4) }
	$2 == "ok" { seen[t]++; if (/# SKIP/) failed++; else passed++ }
	$2 == "not" && $3 == "ok" { seen[t]++; failed++; bad[t]++ }
	$2 == "exit" { ended[t] = 1; status[t] = $3 }
	END {
		n = split(tests, list, " ")
		for (i = 1; i <= n; i++)
			finish(list[i])
		printf "%d passed, %d failed\n", passed, failed
		exit failed || !passed
	}
' "$tmp/output"
