# SPDX-License-Identifier: GPL-2.0
# What the scripts of this folder share. Sourced by bash with -eu.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../../.." && pwd)
QEMU_DIR=$TOP/tools/testing/selftests/containers/qemu
# series.sh builds elsewhere.
BUILD=${BUILD:-$TOP/build}
LINUX=${LINUX:-$BUILD/linux}
LOGS=${LOGS:-$BUILD/log}
JOBS=$(nproc)

say() { echo "== $*"; }
die() { echo "error: $*" >&2; exit 1; }

# The files of this repository that belong into the kernel tree; this folder
# does not.
overlay_files() {
	(cd "$TOP" && find kernel include samples Documentation \
		tools/testing/selftests/containers \
		\( -name qemu -o -path Documentation/bench \) -prune -o \
		-type f -print 2>/dev/null) |
		LC_ALL=C sort
}

# The object files of this repository.
our_objects() {
	(cd "$TOP" && find kernel samples -name '*.c') | sed 's/c$/o/'
}

series() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$TOP/patches/series" 2>/dev/null || true; }

# The files that the patches in directory $1 touch.
patched_files() {
	sed -n -e 's,^--- a/\([^	]*\).*,\1,p' -e 's,^+++ b/\([^	]*\).*,\1,p' \
		"$1"/0*.patch 2>/dev/null | LC_ALL=C sort -u
}

# Copy $1 to $2 unless it is there already with that content.
update() {
	cmp -s "$1" "$2" && return
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2"
}

# The user's variables, before anything is built for them.
check_variables() {
	local name

	for name in CPUS NODES TIMEOUT MINUTES; do
		[[ ${!name:-1} =~ ^[1-9][0-9]*$ ]] ||
			die "$name must be a number above 0, not '${!name}'"
	done
	[ "${CPUS:-1}" -le 8 ] || die "CPUS must be at most 8, not '$CPUS'"
	[[ ${MEM:-1G} =~ ^[1-9][0-9]*[GM]$ ]] ||
		die "MEM must be a size like 512M or 1G, not '$MEM'"
	[ -z "${SCRIPT:-}" ] || { [ -r "$SCRIPT" ] && [ ! -d "$SCRIPT" ]; } ||
		die "no script '$SCRIPT'"
}
check_variables
