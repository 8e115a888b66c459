#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boot a kernel with a job: boot.sh KIND JOB [FILES-DIRECTORY]
#
# JOB is a shell script. Its output is our standard output, its success ours.
# What is in FILES-DIRECTORY is in the guest's root. In the environment: CPUS,
# NODES, MEM, TIMEOUT, APPEND (more for the kernel's command line), QEMU_ARGS
# (more for QEMU), INTERACTIVE=1, LOG (the kernel's messages) and ICOUNT=1: a
# nanosecond of the guest is an instruction, and idle time takes none. For the
# kernels of matrix.sh also ARCH, CROSS_COMPILE and BUSYBOX, a program for these.
set -eu
. "$(dirname "$0")/lib.sh"

kind=$1 job=$2 files=${3:-}
: "${CPUS:=2}" "${NODES:=1}" "${MEM:=1G}" "${TIMEOUT:=300}" "${APPEND:=}"
: "${INTERACTIVE:=}" "${QEMU_ARGS:=}" "${ICOUNT:=}" "${LOG:=$LOGS/boot-$kind.log}"
: "${BUSYBOX:=$(command -v busybox)}"

case $kind in
plain) image=$BUILD/bzImage out=$BUILD/plain ;;
*) image=$BUILD/bzImage-$kind out=$BUILD/$kind ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat "$job" >"$tmp/job"
echo 'root:x:0:0:root:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/tmp:/bin/sh' >"$tmp/passwd"

# The initramfs: a list for the kernel's gen_init_cpio, so no root is needed.
list() {
	local dir file applet

	for dir in dev proc sys tmp bin sbin etc lib root; do
		echo "dir /$dir 755 0 0"
	done
	echo "nod /dev/console 600 0 0 c 5 1"
	echo "file /init $tmp/init 755 0 0"
	echo "file /job $tmp/job 755 0 0"
	echo "file /etc/passwd $tmp/passwd 644 0 0"
	echo "slink /usr / 777 0 0"
	echo "file /bin/busybox $BUSYBOX 755 0 0"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || echo "slink /bin/$applet busybox 777 0 0"
	done
	[ -z "$INTERACTIVE" ] || echo "file /interactive /dev/null 644 0 0"
	[ -n "$files" ] || return 0
	(cd "$files" && find . -mindepth 1 -type d) | sed 's,^\.\(.*\),dir \1 755 0 0,'
	(cd "$files" && find . -type f) | while read -r file; do
		echo "file ${file#.} $files/$file 755 0 0"
	done
	(cd "$files" && find . -type l -printf 'slink %P %l 777 0 0\n') |
		sed 's,^slink ,slink /,'
}

"${CROSS_COMPILE:-}gcc" -static -O2 -Wall -o "$tmp/init" "$QEMU_DIR/init.c"
accel="-accel tcg,thread=multi"
[ -z "$ICOUNT" ] || accel="-accel tcg -icount shift=0,sleep=off"
if [ "${ARCH:-}" = arm64 ]; then
	qemu="qemu-system-aarch64 -M virt -cpu cortex-a57"
	lines="-serial none -device pci-serial-4x,chardev1=console,chardev2=job,chardev3=verdict,chardev4=none"
else
	qemu="qemu-system-x86_64 -M pc -cpu max"
	lines="-serial chardev:console -serial chardev:job -serial chardev:verdict"
	gcc -O2 -Wall -o "$tmp/tsc" "$QEMU_DIR/tsc.c"
	khz=$("$tmp/tsc")
	[ -z "$ICOUNT" ] || khz=1000000
	APPEND="tsc_early_khz=$khz tsc=reliable $APPEND"
fi
command -v "${qemu%% *}" >/dev/null || die "no ${qemu%% *}; run make setup"
list >"$tmp/list"
"$out/usr/gen_init_cpio" "$tmp/list" >"$tmp/initramfs"

# A kernel without ACPI is smaller by half, and cuts memory into nodes itself.
[ "$NODES" = 1 ] || APPEND="numa=fake=$NODES $APPEND"

mkdir -p "$(dirname "$LOG")"
# Not a file: that would be truncated.
[ -n "$INTERACTIVE" ] || exec </dev/null
status=0
# shellcheck disable=SC2086
setpriv --pdeathsig TERM timeout --foreground -k 5 "$TIMEOUT" \
	setpriv --pdeathsig KILL $qemu \
	$accel -smp "$CPUS,sockets=$CPUS" -m "$MEM" \
	$QEMU_ARGS \
	-nodefaults -display none -monitor none -no-reboot \
	-kernel "$image" -initrd "$tmp/initramfs" \
	-chardev "file,id=console,path=$LOG" -chardev stdio,id=job,signal=off \
	-chardev "file,id=verdict,path=$tmp/verdict" -chardev null,id=none $lines \
	-append "console=ttyS0 panic=-1 oops=panic panic_on_warn=1 loglevel=7 $APPEND" || status=$?

verdict=$(tr -d '\r' <"$tmp/verdict" 2>/dev/null) || verdict=
job_status=$(sed -n 's/^job //p' <<<"$verdict")
leaks=$(sed -n 's/^leaks //p' <<<"$verdict")
taint=$(sed -n 's/^taint //p' <<<"$verdict")

fail() {
	{
		echo "error: $*; the end of $LOG:"
		tail -n 40 "$LOG" | tr -d '\r'
	} >&2
	exit 1
}

[ "$status" != 124 ] && [ "$status" != 137 ] || fail "no end within $TIMEOUT s"
[ "$status" = 0 ] || fail "qemu ended with status $status"
[ -n "$job_status" ] || fail "the guest died"
! "$QEMU_DIR/badness.sh" "$LOG" || fail "the kernel complained"
case $kind:$taint in
# Without sysctl it cannot be asked.
*:0|matrix-no-sysctl:-1) ;;
*) fail "the kernel is tainted: $taint" ;;
esac
case $kind:$leaks in
*:none) ;;
# Only these have a detector, and must have it.
debug:*|rt:*|*:some) fail "the kernel leaks memory: $leaks" ;;
esac
exit "$job_status"
