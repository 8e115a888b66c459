#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Do the tests catch what they are for? Each patch in broken/ breaks one thing, and names
# the tests of which at least one has to fail on the debug kernel that is broken so.
#
# broken.sh [NAME...]: those alone
set -eu
. "$(dirname "$0")/lib.sh"

# The tests that run, a process group of their own.
job=

# The tree is as it was in the end, whatever happens.
restore() {
	[ -z "$job" ] || { kill -- "-$job" && wait "$job"; } || :
	"$QEMU_DIR/tree.sh"
	"$QEMU_DIR/build.sh" debug
}
trap 'restore >"$LOGS/broken-restore.log" 2>&1' EXIT

# Does one of tests $* fail on the kernel that is there? The first that does is enough.
caught() {
	local log=$LOGS/broken-tests.log

	: >"$log"
	TESTS="$*" setsid "$QEMU_DIR/kselftest.sh" debug >"$log" 2>&1 &
	job=$!
	while kill -0 "$job" 2>/dev/null && ! grep -q 'not ok' "$log"; do
		sleep 1
	done
	kill -- "-$job" 2>/dev/null || :
	wait "$job" || :
	job=
	grep -m 1 'not ok' "$log" >"$LOGS/broken-failure.log" && return
	# Or have there been no tests?
	grep -q ' passed, 0 failed' "$log" || tail -n 20 "$log" >&2
	return 1
}

mkdir -p "$LOGS"
passed=0 missed=
for patch in "$QEMU_DIR"/broken/*.patch; do
	name=$(basename "$patch" .patch)
	[ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
	say "$(head -n 1 "$patch")"
	tests=$(sed -n 's/^Tests: //p' "$patch")
	"$QEMU_DIR/tree.sh"
	patch -d "$LINUX" -p1 -F0 -s -f --no-backup-if-mismatch <"$patch"
	"$QEMU_DIR/build.sh" debug >"$LOGS/broken-build.log" 2>&1 || {
		tail -n 20 "$LOGS/broken-build.log" >&2
		die "$name does not build"
	}
	# shellcheck disable=SC2086
	if caught $tests; then
		echo "ok $name is caught: $(cat "$LOGS/broken-failure.log")"
		passed=$((passed + 1))
	else
		echo "not ok $name is not caught by $tests"
		missed="$missed $name"
	fi
done
[ -z "$missed" ] || echo "missed:$missed"
say "$passed were caught"
[ -z "$missed" ] && [ "$passed" != 0 ]
