#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compile the selftests, run them on a kernel with 4 CPUs and 2 memory nodes,
# and count: kselftest.sh KIND. TESTS= names some, or nothing for all.
#
# A program whose source has a line " * boot: WORDS" runs in a boot of its own
# with these words on the kernel's command line; with " * machine: ARGUMENTS" on a
# machine of its own, with these, from all such lines, for QEMU. With " * kernel: KIND" it is for that
# kernel alone.
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

# What the source of test $2 says of $1.
says() { sed -n "s/^ \* $1: //p" "$src/$2.c" | paste -sd' '; }

all=
for test in $(cd "$src" && ls test_*.c | sed 's/\.c$//'); do
	only=$(says kernel "$test")
	[ "${only:-$kind}" != "$kind" ] || all="$all $test"
done
tests=${TESTS:-$all}
for test in $tests; do
	[ -f "$src/$test.c" ] || die "no selftest '$test'"
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Run programs "${@:3}" in one boot with kernel command line words $1 and arguments
# for QEMU $2. Their TAP is on standard output, each line with the program's name
# before it.
run() {
	local words=$1 machine=$2 own=$1$2 files=$tmp/files
	shift 2

	rm -rf "$files"
	mkdir -p "$files/tests"
	(cd "$bin" && cp "$@" "$files/tests/")
	{
		echo "[ \$(cat /sys/devices/system/cpu/online) = 0-3 ] || exit 1"
		[ -n "$machine" ] ||
			echo "[ \$(cat /sys/devices/system/node/online) = 0-1 ] || exit 1"
		# The others are much faster, and not where races are looked for.
		[ "$kind" = debug ] || echo "export CONTAINERS_RACE_SECONDS=4"
		echo "cd /tests"
		for test; do
			echo "{ /init 1800 ./$test 2>&1; echo exit \$?; } | awk '{ print \"$test: \" \$0; fflush() } /^exit [0-9]+\$/ { exit }'"
		done
	} >"$tmp/job"
	[ -z "$machine" ] || local NODES=1
	APPEND="$words ${APPEND:-}" QEMU_ARGS=$machine TIMEOUT=8000 \
		LOG="$LOGS/kselftest-$kind${own:+-$1}.log" \
		"$QEMU_DIR/boot.sh" "$kind" "$tmp/job" "$files" ||
		echo "machine: not ok the machine (see build/log)"
}

{
	together=
	for test in $tests; do
		[ -n "$(says boot "$test")$(says machine "$test")" ] ||
			together="$together $test"
	done
	# shellcheck disable=SC2086
	[ -z "$together" ] || run "" "" $together
	for test in $tests; do
		words=$(says boot "$test") machine=$(says machine "$test")
		[ -z "$words$machine" ] || run "$words" "$machine" "$test"
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
