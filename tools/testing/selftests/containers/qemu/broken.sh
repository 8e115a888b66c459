#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Do the tests catch what they are for? Each patch in broken/ breaks one thing, and names
# the tests of which at least one has to fail on the debug kernel that is broken so.
#
# broken.sh [NAME...]: those alone
set -eu
. "$(dirname "$0")/lib.sh"

# The tree is as it was in the end, whatever happens.
restore() {
	"$QEMU_DIR/tree.sh"
	"$QEMU_DIR/build.sh" debug
}
trap 'restore >"$LOGS/broken-restore.log" 2>&1' EXIT

# Does a test of the kernel that is there fail? The first that does is enough.
caught() {
	local log=$LOGS/broken-tests.log job
	local failure='not ok|^FAILURE'

	: >"$log"

	if [ "$1" = torture ]; then
		setsid "$QEMU_DIR/torture.sh" debug 30 >"$log" 2>&1 &
	else
		TESTS="$*" setsid "$QEMU_DIR/kselftest.sh" debug >"$log" 2>&1 &
	fi
	job=$!
	while kill -0 $job 2>/dev/null && ! grep -qE "$failure" "$log"; do
		sleep 1
	done
	kill -- -$job 2>/dev/null || :
	wait $job || :
	grep -m 1 -E "$failure" "$log" && return
	# Or have there been no tests?
	grep -qE "[0-9] passed, 0 failed|^torture: .* 0 failures" "$log" ||
		tail -n 20 "$log" >&2
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
	patch -d "$LINUX" -p1 -F0 -s --no-backup-if-mismatch <"$patch"
	"$QEMU_DIR/build.sh" debug >"$LOGS/broken-build.log" 2>&1 || {
		tail -n 20 "$LOGS/broken-build.log" >&2
		die "$name does not build"
	}
	# shellcheck disable=SC2086
	if failure=$(caught $tests); then
		echo "ok $name is caught: $failure"
		passed=$((passed + 1))
	else
		echo "not ok $name is not caught by $tests"
		missed="$missed $name"
	fi
done
[ -z "$missed" ] || echo "missed:$missed"
say "$passed were caught"
[ -z "$missed" ] && [ "$passed" != 0 ]
