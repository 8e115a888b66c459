#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The patch series and the tree it is made from.
#
#   series.sh patches  regenerate patches/: new files from this repository,
#			changes to the kernel's own files from build/linux
#   series.sh verify   that would change nothing, and every patch applies
#   series.sh check    build and boot every step
#
# A file may be touched by several patches. Its edits go into the first patch
# that has the lines concerned: each patch's version is merged with the
# difference between what the series ends with and what the tree has, and keeps
# its own lines where both differ. A file that no patch has goes where
# patches/layout says, a list of lines "PATCH PATTERN"; the first match counts.
# To begin a patch, put one with a header and an empty diff into patches/ and its
# name into patches/series.
set -eu
. "$(dirname "$0")/lib.sh"

# "git apply" leaves out what is not below the current folder.
cd "$TOP"
PRISTINE=$BUILD/pristine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t PATCHES < <(series)
last=${#PATCHES[@]}

# $work/old/K: all files concerned as they are after patch K; 0: pristine.
make_states() {
	local k file

	mkdir -p "$work/old/0"
	for file in "${FILES[@]}"; do
		[ -f "$PRISTINE/$file" ] || continue
		mkdir -p "$work/old/0/$(dirname "$file")"
		cp "$PRISTINE/$file" "$work/old/0/$file"
	done
	for ((k = 1; k <= last; k++)); do
		cp -r "$work/old/$((k - 1))" "$work/old/$k"
		grep -q '^diff ' "$TOP/patches/${PATCHES[k-1]}" || continue
		patch -d "$work/old/$k" -p1 -F0 -s --no-backup-if-mismatch \
			<"$TOP/patches/${PATCHES[k-1]}" ||
			die "patches/${PATCHES[k-1]} does not apply"
		find "$work/old/$k" -name '*.orig' -delete
	done
}

same() {
	if [ -f "$1" ] && [ -f "$2" ]; then
		cmp -s "$1" "$2"
	else
		[ ! -f "$1" ] && [ ! -f "$2" ]
	fi
}

put() {
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2"
}

# The number of the patch that patches/layout gives file $1.
layout() {
	local patch pattern k

	while read -r patch pattern; do
		# shellcheck disable=SC2254
		case $1 in
		$pattern)
			for ((k = 1; k <= last; k++)); do
				[ "${PATCHES[k-1]}" != "$patch" ] || { echo "$k"; return; }
			done ;;
		esac
	done < <(grep -v '^#' "$TOP/patches/layout")
	die "patches/layout has no place for $1"
}

# Make all versions of file $1 in $work/new; $2 is what it is to be in the end.
distribute() {
	local file=$1 new=$2 k final=0 before after target

	for ((k = 1; k <= last; k++)); do
		same "$work/old/$((k - 1))/$file" "$work/old/$k/$file" || final=$k
	done
	if [ "$final" = 0 ]; then
		same "$new" "$work/old/$last/$file" || final=$(layout "$file")
	fi
	for ((k = 1; k <= last; k++)); do
		before=$work/old/$((k - 1))/$file
		after=$work/old/$k/$file
		target=$work/new/$k/$file
		if [ "$final" != 0 ] && [ "$k" -ge "$final" ]; then
			[ ! -f "$new" ] || put "$new" "$target"
		elif same "$before" "$after"; then
			before=$work/new/$((k - 1))/$file
			[ ! -f "$before" ] || put "$before" "$target"
		elif [ -f "$after" ]; then
			put "$after" "$target"
			[ ! -f "$new" ] || git merge-file -q --ours "$target" \
				"$work/old/$last/$file" "$new"
		fi
	done
}

# The differences that patch $1 makes, in the order of file names.
diffs() {
	local k=$1 file from to

	for file in "${FILES[@]}"; do
		from=$work/new/$((k - 1))/$file to=$work/new/$k/$file
		! same "$from" "$to" || continue
		echo "diff --git a/$file b/$file"
		if [ ! -f "$from" ]; then
			if [ -x "$TOP/$file" ]; then
				echo "new file mode 100755"
			else
				echo "new file mode 100644"
			fi
			diff -up --label /dev/null --label "b/$file" /dev/null "$to" || true
		elif [ ! -f "$to" ]; then
			echo "deleted file mode 100644"
			diff -up --label "a/$file" --label /dev/null "$from" /dev/null || true
		else
			diff -up --label "a/$file" --label "b/$file" "$from" "$to" || true
		fi
	done
}

# All patches anew, into directory $1.
generate() {
	local k file new

	mapfile -t FILES < <({ patched_files "$TOP/patches"
			       overlay_files; } | LC_ALL=C sort -u)
	make_states
	mkdir -p "$work/new"
	cp -r "$work/old/0" "$work/new/0"
	for file in "${FILES[@]}"; do
		# The kernel's own files, with our changes, are in its tree.
		new=$TOP/$file
		if [ ! -f "$new" ] && [ -f "$PRISTINE/$file" ]; then
			new=$LINUX/$file
		fi
		distribute "$file" "$new"
	done
	mkdir -p "$1"
	for ((k = 1; k <= last; k++)); do
		diffs "$k" >"$work/diff"
		{
			sed '/^---$/q' "$TOP/patches/${PATCHES[k-1]}"
			[ ! -s "$work/diff" ] || git apply --stat <"$work/diff" | sed "s,[[:space:]]*$,,"
			echo
			cat "$work/diff"
		} >"$1/${PATCHES[k-1]}"
	done
}

# A change to a file of the kernel that no patch touches would go unnoticed.
refuse_unknown_hooks() {
	local file

	while read -r file; do
		[ -f "$TOP/$file" ] || grep -qxF "$file" "$PRISTINE/.list" ||
			die "build/linux/$file is changed; put a first difference into a patch by hand"
	done < <(cd "$LINUX" && find . -type f -newer "$BUILD/source" \
		! -name '.checkpatch-*' ! -name '*.orig' ! -name '*.rej' \
		! -name '*~' ! -name '.*.sw?' -printf '%P\n')
}

case $1 in
patches)
	refuse_unknown_hooks
	generate "$work/patches"
	for patch in "${PATCHES[@]}"; do
		cmp -s "$work/patches/$patch" "$TOP/patches/$patch" && continue
		echo "patches/$patch"
		cp "$work/patches/$patch" "$TOP/patches/$patch"
	done
	# What the tree has is in the series now.
	rm -rf "$BUILD/applied" "$BUILD/hooks"
	"$QEMU_DIR/tree.sh"
	;;
verify)
	generate "$work/patches"
	for patch in "${PATCHES[@]}"; do
		diff -u "$TOP/patches/$patch" "$work/patches/$patch"
	done
	;;
check)
	steps=$BUILD/series
	echo 'echo "booted $(uname -r)"' >"$work/job"
	rm -rf "$steps/linux"
	mkdir -p "$steps" "$LOGS"
	say "copying the source"
	cp -a "$LINUX" "$steps/linux"
	mapfile -t FILES < <({ patched_files "$TOP/patches"; overlay_files; } |
			     LC_ALL=C sort -u)
	make_states
	for ((k = 1; k <= last; k++)); do
		say "step $k: ${PATCHES[k-1]}"
		for file in "${FILES[@]}"; do
			if [ -f "$work/old/$k/$file" ]; then
				update "$work/old/$k/$file" "$steps/linux/$file"
			else
				rm -f "$steps/linux/$file"
			fi
		done
		LENIENT=1 LINUX=$steps/linux BUILD=$steps LOGS=$LOGS \
			"$QEMU_DIR/build.sh" plain
		! grep 'warning:' "$LOGS/build-plain.log" ||
			die "${PATCHES[k-1]} brings compiler warnings"
		BUILD=$steps LOGS=$LOGS "$QEMU_DIR/boot.sh" plain "$work/job"
	done
	say "every step builds and boots"
	;;
*)
	die "series.sh patches, verify or check"
	;;
esac
