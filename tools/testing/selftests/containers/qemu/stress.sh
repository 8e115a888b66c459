#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What others have written to break kernels, while every hierarchy is mounted and who
# runs is moved about: stress.sh KIND. stress-ng and trinity take MINUTES (10).
set -eu
. "$(dirname "$0")/lib.sh"

kind=$1
: "${MINUTES:=10}"
# Each of the four parts of the job.
seconds=$((MINUTES * 15))

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/files/bin"
for program in stress-ng trinity ipcrm; do
	path=$(command -v "$program") || die "no $program; run make stress"
	cp "$path" "$tmp/files/bin/"
	# With the libraries.
	ldd "$path" | grep -o '/[^ ]*' | while read -r library; do
		(cd "$tmp/files" && cp -L --parents "$library" .)
	done
done
{
	echo "seconds=$seconds"
	cat "$QEMU_DIR/stress-job.sh"
} >"$tmp/job"
CPUS=4 NODES=2 MEM=3G TIMEOUT=$((seconds * 6 + 600)) LOG=$LOGS/stress.log \
	"$QEMU_DIR/boot.sh" "$kind" "$tmp/job" "$tmp/files"
