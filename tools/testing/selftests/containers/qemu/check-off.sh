#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compare the object code of a kernel without CONFIG_CONTAINERS, built from the
# patched source, with one from the source as it was; and say what the option
# costs.
set -eu
. "$(dirname "$0")/lib.sh"

compare=$BUILD/off
cc=gcc
! command -v ccache >/dev/null || cc="ccache gcc"

# build SOURCE OUT FRAGMENT...: object files, no image.
build() {
	local source=$1 out=$2
	shift 2

	mkdir -p "$out"
	(cd "$QEMU_DIR" && cat "$@") >"$out/.wanted"
	{
		make -C "$source" O="$out" CC="$cc" HOSTCC="$cc" \
			KCONFIG_ALLCONFIG="$out/.wanted" allnoconfig &&
		make -C "$source" O="$out" CC="$cc" HOSTCC="$cc" -j"$JOBS" vmlinux.o
	} >"$LOGS/check-off.log" 2>&1 || {
		tail -n 30 "$LOGS/check-off.log" >&2
		die "$out does not build"
	}
}

# The code and the sizes of the sections of an object file. The lines that
# WARN() records are not code.
code() {
	objdump -d "$1" | sed 1,3d
	size -A "$1" | sed 1,2d
}

mkdir -p "$compare" "$LOGS"
say "the source without the series"
rm -rf "$compare/linux"
cp -a "$LINUX" "$compare/linux"
while read -r file; do
	if [ -f "$BUILD/pristine/$file" ]; then
		cp -p "$BUILD/pristine/$file" "$compare/linux/$file"
	else
		rm -f "$compare/linux/$file"
	fi
done <"$BUILD/pristine/.list"

say "building it"
build "$compare/linux" "$compare/before" base.config
say "building the patched source without CONFIG_CONTAINERS"
build "$LINUX" "$compare/after" base.config
say "building the patched source with it"
build "$LINUX" "$compare/with" base.config containers.config

differ=0 count=0
while read -r object; do
	count=$((count + 1))
	cmp -s <(code "$compare/before/$object") <(code "$compare/after/$object") ||
		{ echo "differs: $object"; differ=$((differ + 1)); }
done < <(cd "$compare/before" && find kernel init fs/proc mm drivers/base \
	drivers/acpi -name '*.o' ! -name built-in.o | LC_ALL=C sort)
for object in kernel/fork.o kernel/exit.o; do
	cmp -s <(code "$compare/before/$object") <(code "$compare/after/$object") &&
		echo "the same: $object"
done
echo "$count object files compared, $differ differ"
echo "vmlinux.o, text and data:"
for build in before after with; do
	size "$compare/$build/vmlinux.o" |
		awk -v b="$build" 'NR == 2 { printf "  %-7s %d\n", b, $1 + $2 }'
done
[ "$differ" = 0 ]
