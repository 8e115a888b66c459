#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The torture: the program in torture/ with 4 CPUs and 4 memory nodes.
#
#   torture.sh KIND		MINUTES (10) of everything at once, and then the fuzzer
#				alone until it has made 1,000,000 calls
#   torture.sh KIND SECONDS	so many seconds
#
# SEED, a number, repeats the choices of a run, though not its timing.
set -eu -o pipefail
. "$(dirname "$0")/lib.sh"

: "${MINUTES:=10}" "${SEED:=}"
[[ $SEED =~ ^[0-9]{0,18}$ ]] || die "SEED must be a number, not '$SEED'"
kind=$1 seconds=${2:-$((MINUTES * 60))} calls=0
[ -n "${2:-}" ] || calls=1000000
: "${SEED:=$((RANDOM << 30 | RANDOM << 15 | RANDOM))}"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/files"
gcc -static -O2 -Wall -Wextra -pthread -o "$tmp/files/torture" "$QEMU_DIR"/torture/*.c
ln -s torture "$tmp/files/agent"
echo "/torture all $seconds $calls $SEED || exit" >"$tmp/job"
# It can be there and not look.
[ "$kind" != kcsan ] ||
	echo "cat /sys/kernel/debug/kcsan && ! grep -q '^setup_watchpoints: 0\$' /sys/kernel/debug/kcsan" >>"$tmp/job"

# KASAN sees what poison is for, and checking that costs three quarters of all time.
export APPEND="slab_debug=FZ ${APPEND:-}"
# All data races, not the first alone.
[ "$kind" != kcsan ] || APPEND="panic_on_warn=0 $APPEND"
# Rounds are taken down and looked at, too, and a million calls take their time.
export CPUS=4 NODES=4 MEM=3G TIMEOUT=$((seconds * 2 + 600 + calls / 200))
export LOG=$LOGS/torture.log
say "the torture: $seconds s, seed $SEED (log: build/log/torture.log)"
status=0
"$QEMU_DIR/boot.sh" "$kind" "$tmp/job" "$tmp/files" | sed -u 's,\r,,' |
	tee "$tmp/output" || status=$?
[ "$status" = 0 ] || {
	# Again, where they are seen.
	grep '^FAILURE' "$tmp/output" | head -n 20
	echo "not ok, with SEED=$SEED"
}
exit "$status"
