#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All tests: what `make check` and CI run. The last line counts.
set -u
. "$(dirname "$0")/lib.sh"

passed=0 failed=0
# A line for each failure, told again at the end.
failures=

fail() {
	echo "not ok $1"
	failures+="  $1"$'\n'
	failed=$((failed + 1))
}

# gate DESCRIPTION COMMAND...: one test of its own.
gate() {
	local what=$1 log
	shift

	log=$LOGS/gate.log
	if "$@" >"$log" 2>&1; then
		echo "ok $what"
		passed=$((passed + 1))
	else
		sed 's/^/# /' "$log" | tail -n 40
		fail "$what"
	fi
}

# The compiler's and sparse's word on our own files.
lint() {
	local out=$BUILD/debug object objects

	objects=$(our_objects)
	for object in $objects; do
		rm -f "$out/$object"
	done
	# shellcheck disable=SC2086
	make -C "$LINUX" O="$out" W=1 C=1 KCFLAGS=-Werror CF=-Wsparse-error \
		$objects
}

# The differences of patch $2 in files that match $1, with the header.
part() {
	awk -v files="$1" '
		/^diff --git/ { body = 1; show = $3 ~ files }
		!body || show
	' "$2"
}

# Ignored is what every user of the macros concerned gets (iterators, SUBSYS(),
# TRACE_EVENT(), Kconfig choices, continued lines of a report), and, for programs,
# what is meant for the kernel.
style() {
	local kernel=FILE_PATH_CHANGES,MACRO_ARG_REUSE,COMPLEX_MACRO
	local status=0 patch part

	kernel=$kernel,TRAILING_SEMICOLON,CONFIG_DESCRIPTION,LOGGING_CONTINUATION
	# Runs in a pipe, whose status counts. No differences are none to judge.
	checkpatch() {
		part=$(cat)
		grep -q '^diff ' <<<"$part" || return 0
		perl "$LINUX/scripts/checkpatch.pl" --root="$LINUX" --strict \
			--no-summary --ignore "$1" - <<<"$part" 2>/dev/null
	}
	for patch in "$TOP"/patches/000[1-9]-*.patch; do
		part '^a/(Documentation/admin-guide|drivers|fs|include/linux|include/uapi|init|kernel|samples)/' \
			"$patch" | checkpatch $kernel || status=1
		part '^a/include/trace/' "$patch" |
			checkpatch $kernel,SPACING,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT || status=1
		part '^a/tools/' "$patch" |
			checkpatch $kernel,ARRAY_SIZE,BRACES,EMBEDDED_FUNCTION_NAME,PREFER_PRINTF,PREFER_ALIGNED,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE,NAKED_SSCANF,STRCPY,LINE_SPACING,QUOTED_WHITESPACE_BEFORE_NEWLINE,LEADING_SPACE,COMPARISON_TO_NULL,OPEN_ENDED_LINE || status=1
	done
	return $status
}

# The author's guide shows the whole sample.
sample_is_documented() {
	perl -0777 -e '
		open my $d, "<", $ARGV[0] or die; my $doc = <$d>;
		open my $s, "<", $ARGV[1] or die; my $src = <$s>;
		exit(index($doc, $src) < 0);
	' "$TOP/Documentation/containers.txt" \
		"$TOP/samples/containers/container_sample.c"
}

# Print "NUMBER PROGRAM SUITE.TEST" for each test that the table of holes names, with
# dashes for a hole that has none.
tests_of_holes() {
	awk '
		function finish() {
			if (hole && !named)
				print hole, "-", "-"
			named = program = 0
		}
		/^[0-9]+  +[^ ]/ { finish(); hole = $1; next }
		!NF { finish(); hole = 0; next }
		!hole { next }
		$1 ~ /^test_[a-z_]+:$/ { program = substr($1, 1, length($1) - 1); $1 = "" }
		program {
			n = split($0, tests, /[ \t,]+/)
			for (i = 1; i <= n; i++)
				if (tests[i] != "") {
					print hole, program, tests[i]
					named = 1
				}
			if ($0 !~ /,$/)
				program = 0
		}
		END { finish() }
	' "$TOP/Documentation/containers-security.txt"
}

# The table has each number once, in order, and each has tests, which exist.
holes_are_tested() {
	local hole program test last=0 wanted status=0

	while read -r hole program test; do
		if [ "$hole" != "$last" ]; then
			last=$((last + 1))
			[ "$hole" = "$last" ] ||
				{ echo "hole $hole is not $last"; return 1; }
		fi
		# TEST(NAME), or a fixture's.
		wanted="^TEST\\($test\\)"
		[[ $test != *.* ]] ||
			wanted="^TEST_F(_TIMEOUT)?\\(${test%.*}, ${test#*.}[,)]"
		if ! grep -qsE "$wanted" "$QEMU_DIR/../$program.c"; then
			echo "hole $hole: there is no test $program: $test"
			status=1
		fi
	done < <(tests_of_holes)
	[ "$last" -ge 96 ] || { echo "there are $last holes"; return 1; }
	return $status
}

# What "make check-broken" breaks is still there to be broken.
broken_applies() {
	local patch status=0

	for patch in "$QEMU_DIR"/broken/*.patch; do
		patch -d "$LINUX" -p1 -F0 -s -f --dry-run <"$patch" || status=1
	done
	return $status
}

# What failed or was skipped, each after the first that the harness said of it: a test
# that fails in a loop must not hide the others.
failures_in() {
	awk '
		/: # .*:[0-9]+:[^ ]*:/ && lines++ < 3 { said = said "  " $0 "\n" }
		/: (not ok|ok .*# SKIP)/ { printf "%s  %s\n", said, $0 }
		/: (not )?ok/ { said = ""; lines = 0 }
	' "$1"
}

# selftests KIND: build, boot, count.
selftests() {
	local kind=$1 output=$BUILD/selftests-$1.txt counts

	if ! "$QEMU_DIR/build.sh" "$kind"; then
		fail "build of the $kind kernel"
		return
	fi
	"$QEMU_DIR/kselftest.sh" "$kind" | tee "$output"
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$output" | tail -n 1)
	if [ -n "$counts" ]; then
		passed=$((passed + ${counts% *}))
		failed=$((failed + ${counts#* }))
		failures+=$(failures_in "$output")$'\n'
	else
		fail "selftests on the $kind kernel"
	fi
}

mkdir -p "$LOGS"
# A part of the tests, or another machine, is not all of them.
unset TESTS APPEND
started=$SECONDS
gate "the series makes this tree, without fuzz" "$QEMU_DIR/series.sh" verify
gate "checkpatch --strict on the series" style
gate "the sample stands in Documentation/containers.txt" sample_is_documented
gate "each known hole has its test" holes_are_tested
gate "what is broken on purpose can be broken" broken_applies
# If it fails that counts below.
"$QEMU_DIR/build.sh" debug || :
# In the time that the tests leave idle.
chrt --idle 0 setpriv --pdeathsig TERM "$QEMU_DIR/build.sh" cgroups >"$LOGS/idle.log" 2>&1 &
selftests debug
gate "W=1 and sparse on our files" lint
gate "60 seconds of torture" "$QEMU_DIR/torture.sh" debug 60
sed -n 's/^torture:/  /p' "$LOGS/gate.log"
gate "the demonstration on the debug kernel" \
	env CPUS=4 NODES=2 "$QEMU_DIR/boot.sh" debug "$QEMU_DIR/demo.sh"
gate "a script that exits 3 makes make run fail" \
	bash -c "'$QEMU_DIR/boot.sh' debug '$QEMU_DIR/fail.sh'; [ \$? = 3 ]"
say "waiting for the build of the cgroups kernel"
wait
selftests cgroups
gate "the benchmark counts the instructions of fork" "$QEMU_DIR/bench.sh" smoke
say "took $((SECONDS - started)) s"
[ "$failed" = 0 ] || printf 'failed:\n%s' "$failures" | sed '/^$/d'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
