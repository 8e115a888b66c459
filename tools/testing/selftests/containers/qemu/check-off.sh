#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compare the object code of a kernel without CONFIG_CONTAINERS, built from the
# patched source, with one from the source as it was, control groups and their
# cpusets built in; and say what the option costs without them.
#
# WARN(), might_sleep() and the like compile line numbers in. So the source as it
# was gets an empty line wherever the series adds one.
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
		make -C "$source" O="$out" CC="$cc" HOSTCC="$cc" -j"$JOBS" vmlinux
	} >"$LOGS/check-off.log" 2>&1 || {
		tail -n 30 "$LOGS/check-off.log" >&2
		die "$out does not build"
	}
}

# File $1 with an empty line for each line that $2 has more at that place.
with_lines_of() {
	diff --unchanged-line-format='=%L' --old-line-format='-%L' \
		--new-line-format='+%L' "$1" "$2" |
		awk '/^=/ { replaced = 0 }
		     /^-/ { replaced++ }
		     /^\+/ { if (replaced-- <= 0) print ""; next }
		     { print substr($0, 2) }'
}

# The code and the sizes of the sections of an object file, but for debugging
# information, which has the path of the source.
code() {
	objdump -d "$1" | sed 1,3d
	size -A "$1" | sed '1,2d; /^\.debug/d; /^\.rela\.debug/d; /^Total/d'
}

mkdir -p "$compare" "$LOGS"
echo CONFIG_CPUSETS=y >"$compare/cpusets.config"
say "the source without the series"
rm -rf "$compare/linux"
cp -a "$LINUX" "$compare/linux"
while read -r file; do
	old=$BUILD/pristine/$file new=$LINUX/$file
	if [ ! -f "$old" ]; then
		rm -f "$compare/linux/$file"
	elif [[ $file =~ \.[ch]$ ]] && [ -f "$new" ]; then
		with_lines_of "$old" "$new" >"$compare/linux/$file"
	else
		cp -p "$old" "$compare/linux/$file"
	fi
done <"$BUILD/pristine/.list"

say "building it, with control groups"
build "$compare/linux" "$compare/before" base.config cgroups.config acpi.config "$compare/cpusets.config"
say "building the patched source likewise"
build "$LINUX" "$compare/after" base.config cgroups.config acpi.config "$compare/cpusets.config"
say "building the patched source with neither"
build "$LINUX" "$compare/without" base.config
say "building the patched source with containers"
build "$LINUX" "$compare/with" base.config containers.config

differ=0 count=0
while read -r object; do
	count=$((count + 1))
	cmp -s <(code "$compare/before/$object") <(code "$compare/after/$object") ||
		{ echo "differs: $object"; differ=$((differ + 1)); }
done < <(cd "$compare/before" && { find kernel init fs mm drivers/base drivers/acpi net io_uring \
	arch/x86/kernel -name '*.o' ! -name built-in.o; echo vmlinux.o; } | LC_ALL=C sort)
for object in kernel/fork.o kernel/exit.o; do
	cmp -s <(code "$compare/before/$object") <(code "$compare/after/$object") &&
		echo "the same: $object"
done
echo "$count object files compared, $differ differ"
echo "vmlinux.o, text and data:"
for build in without with; do
	size "$compare/$build/vmlinux.o" |
		awk -v b="$build containers" 'NR == 2 { printf "  %-19s %d\n", b, $1 + $2 }'
done
[ "$differ" = 0 ]
