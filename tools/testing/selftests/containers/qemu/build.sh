#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Configure and build a kernel: build.sh KIND
#
# In the environment for those of matrix.sh: ARCH, CROSS_COMPILE, COMPILER, and
# LENIENT=1: options that are not to be had do not matter.
set -eu
. "$(dirname "$0")/lib.sh"

kind=$1
out=$BUILD/$kind
image=bzImage-$kind
[ "$kind" != plain ] || image=bzImage
case $kind in
plain) fragments="base containers"; objects=870 ;;
debug) fragments="base containers test debug"; objects=1260 ;;
cgroups) fragments="base containers test cgroups acpi"; objects=1500 ;;
kcsan) fragments="base containers test kcsan"; objects=900 ;;
rt) fragments="base containers test debug cgroups rt"; objects=1500 ;;
bench-bare) fragments="base bench"; objects=1150 ;;
bench-cgroup) fragments="base bench bench-cgroup"; objects=1200 ;;
bench-containers) fragments="base containers bench"; objects=1200 ;;
lockstat-cgroup) fragments="base bench-cgroup lockstat"; objects=1200 ;;
lockstat-containers) fragments="base containers lockstat"; objects=1200 ;;
matrix-*) fragments="base containers test $BUILD/matrix/${kind#matrix-}"; objects=880 ;;
*) die "no kind of kernel '$kind'" ;;
esac

kmake() { make -C "$LINUX" O="$out" CC="$cc" HOSTCC="$hostcc" "$@" "${sanitize[@]}"; }
# The accesses that are looked at are those of our own files; others are found when they
# change what one of these is looking at.
sanitize=()
[ "$kind" != kcsan ] || mapfile -t sanitize < <(
	echo KCSAN_SANITIZE=n
	our_objects | sed 's,.*/,KCSAN_SANITIZE_,; s,$,=y,')
cc=${CROSS_COMPILE:-}${COMPILER:-gcc} hostcc=gcc
! command -v ccache >/dev/null || cc="ccache $cc" hostcc="ccache gcc"
boot=arch/x86/boot/bzImage
[ "${ARCH:-}" != arm64 ] || boot=arch/arm64/boot/Image
# A checkout in another folder finds the same objects.
export CCACHE_BASEDIR=$TOP CCACHE_NOHASHDIR=1

# Configure only if the fragments or a Kconfig file changed.
configure() {
	local wanted=$out/.wanted option symbol missing=

	(cd "$QEMU_DIR" && cat $(printf '%s.config ' $fragments)) >"$wanted.new"
	{ cat "$wanted.new"; find "$LINUX" -name 'Kconfig*' -newer "$out/.config" 2>/dev/null; } |
		cmp -s - "$wanted" && [ -f "$out/.config" ] && return
	say "configuring the $kind kernel"
	kmake KCONFIG_ALLCONFIG="$wanted.new" allnoconfig >"$LOGS/config-$kind.log" 2>&1 || {
		tail -n 20 "$LOGS/config-$kind.log" >&2
		die "configuring failed"
	}
	# The last word on an option counts.
	while IFS= read -r option; do
		symbol=${option%%=*}
		[ "$(grep "^$symbol=" "$wanted.new" | tail -n 1)" = "$option" ] || continue
		case $option in
		*=n) ! grep -q "^$symbol=" "$out/.config" || missing="$missing $option" ;;
		*) grep -qxF "$option" "$out/.config" || missing="$missing $option" ;;
		esac
	done < <(grep '^CONFIG_' "$wanted.new")
	# A step of the series does not have everything yet.
	[ -z "$missing" ] || [ -n "${LENIENT:-}" ] || { rm "$out/.config"; die "not to be had in this configuration:$missing"; }
	mv "$wanted.new" "$wanted"
}

# Print how far a build from nothing is, every ten seconds.
progress() {
	local started=$SECONDS

	trap 'kill $!; exit' TERM
	while sleep 10 & wait $!; do
		printf '   %3d s: %d objects of about %d\n' $((SECONDS - started)) \
			"$(grep -c '^  \(CC\|AS\|AR\|LD\)' "$1" || true)" "$objects"
	done
}

mkdir -p "$out"
exec 8>"$out/.lock"
flock 8
configure
log=$LOGS/build-$kind.log
say "building the $kind kernel (log: build/log/build-$kind.log)"
started=$SECONDS
progress "$log" 8>&- & watcher=$!
trap 'kill $watcher 2>/dev/null' EXIT
if ! kmake -j"$JOBS" "${boot##*/}" >"$log" 2>&1; then
	grep -E -A 5 'error:|Error |undefined reference' "$log" | tail -n 40 >&2
	die "the $kind kernel does not build"
fi
update "$out/$boot" "$BUILD/$image"
say "build/$image is ready ($((SECONDS - started)) s)"
