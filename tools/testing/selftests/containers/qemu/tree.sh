#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make build/linux: the kernel source with the series applied and the files of
# this repository on top. build/pristine keeps what the series replaces.
set -eu
. "$(dirname "$0")/lib.sh"

PRISTINE=$BUILD/pristine
APPLIED=$BUILD/applied
TARBALL=/usr/src/linux-source-6.12.tar.xz

unpack() {
	rm -rf "$LINUX" "$PRISTINE" "$APPLIED" "$BUILD/source" "$BUILD/hooks"
	# The files of another source may be older than these objects.
	rm -rf "$BUILD"/{plain,debug,cgroups,kcsan,rt,bench*,lockstat*,matrix-*,series,off}
	mkdir -p "$LINUX" "$PRISTINE" "$APPLIED"
	if [ -n "${KERNEL_SRC:-}" ]; then
		say "copying $KERNEL_SRC"
		tar -C "$KERNEL_SRC" --exclude=.git -cf - . | tar -C "$LINUX" -xf -
		# It may have been built in place.
		make -C "$LINUX" mrproper >/dev/null
	else
		say "unpacking $TARBALL"
		tar -C "$LINUX" --strip-components=1 -xJf "$TARBALL"
	fi
	echo "$wanted" >"$BUILD/source"
}

# Before the first change to a file, keep it. Files that are not in the source
# leave no copy.
keep() {
	local file

	for file; do
		grep -qxF "$file" "$PRISTINE/.list" 2>/dev/null && continue
		if [ -f "$LINUX/$file" ]; then
			mkdir -p "$PRISTINE/$(dirname "$file")"
			cp -p "$LINUX/$file" "$PRISTINE/$file"
		fi
		echo "$file" >>"$PRISTINE/.list"
	done
}

# Bring files $@ back to what the source has.
restore() {
	local file

	for file; do
		if [ -f "$PRISTINE/$file" ]; then
			mkdir -p "$LINUX/$(dirname "$file")"
			cp -p "$PRISTINE/$file" "$LINUX/$file"
		else
			rm -f "$LINUX/$file"
		fi
	done
}

# Changes to the kernel's own files that "make patches" has not taken up yet would
# be lost.
refuse_lost_hooks() {
	local file

	[ -f "$BUILD/hooks" ] || return 0
	while read -r sum file; do
		[ -f "$LINUX/$file" ] || continue
		[ "$(cksum <"$LINUX/$file")" = "${sum/-/ }" ] ||
			die "build/linux/$file has changes that are in no patch; put the old patches/ back and run make patches"
	done <"$BUILD/hooks"
}

# Remember the kernel's own files as the series makes them.
note_hooks() {
	local file

	for file in $(patched_files "$TOP/patches"); do
		[ -f "$PRISTINE/$file" ] && [ -f "$LINUX/$file" ] && [ ! -f "$TOP/$file" ] || continue
		echo "$(cksum <"$LINUX/$file" | tr ' ' -) $file"
	done >"$BUILD/hooks"
}

# Apply the series anew. Files that end up as they were keep their times, so
# that they are not compiled again.
apply() {
	local files file patch old

	say "applying the series"
	refuse_lost_hooks
	mapfile -t files < <({ patched_files "$APPLIED"
			       patched_files "$TOP/patches"
			       cat "$PRISTINE/.list" 2>/dev/null
			       overlay_files; } | LC_ALL=C sort -u)
	keep "${files[@]}"
	old=$(mktemp -d)
	for file in "${files[@]}"; do
		[ -f "$LINUX/$file" ] || continue
		mkdir -p "$old/$(dirname "$file")"
		cp -p "$LINUX/$file" "$old/$file"
	done
	restore "${files[@]}"
	for patch in $(series); do
		# A patch that is only begun has no differences.
		grep -q '^diff ' "$TOP/patches/$patch" || continue
		patch -d "$LINUX" -p1 -F0 --no-backup-if-mismatch -s \
			<"$TOP/patches/$patch" ||
			die "patches/$patch does not apply to this source"
	done
	for file in "${files[@]}"; do
		if cmp -s "$old/$file" "$LINUX/$file"; then
			cp -p "$old/$file" "$LINUX/$file"
		elif [ -f "$LINUX/$file" ]; then
			touch "$LINUX/$file"
		fi
	done
	rm -rf "$old" "$APPLIED"
	mkdir -p "$APPLIED"
	cp -r "$TOP/patches/." "$APPLIED/"
	note_hooks
}

mkdir -p "$BUILD" "$LOGS"
exec 9>"$BUILD/.lock"
flock 9
if [ -n "${KERNEL_SRC:-}" ]; then
	[ -f "$KERNEL_SRC/Makefile" ] || die "KERNEL_SRC=$KERNEL_SRC is not a kernel tree"
	makefile=$KERNEL_SRC/Makefile
	wanted="$(cd "$KERNEL_SRC" && pwd) $(sed -n 's/^SUBLEVEL = //p' "$makefile")"
	version=$(sed -n -e 's/^VERSION = //p' -e 's/^PATCHLEVEL = //p' "$makefile" | paste -sd.)
	[ "$version" = 6.12 ] || die "KERNEL_SRC is Linux $version; this is for 6.12"
else
	[ -f "$TARBALL" ] || die "no $TARBALL; install linux-source-6.12 or give KERNEL_SRC="
	wanted="$TARBALL $(stat -L -c %Y "$TARBALL")"
fi
[ "$(cat "$BUILD/source" 2>/dev/null)" = "$wanted" ] || unpack

diff -rq "$TOP/patches" "$APPLIED" >/dev/null 2>&1 || apply

while read -r file; do
	keep "$file"
	update "$TOP/$file" "$LINUX/$file"
done < <(overlay_files)
