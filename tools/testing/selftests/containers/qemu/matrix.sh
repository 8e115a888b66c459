#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The matrix: each option of ours off in turn, what our code depends on off or
# different, another compiler, other processors. Each of the kernels has to build, our
# files without a warning with W=1, and to boot and have containers with the subsystems
# that it has.
#
# matrix.sh [NAME...]: those alone
set -eu
. "$(dirname "$0")/lib.sh"

matrix=$BUILD/matrix

# How arm64 differs.
arm64='ARM64=y PCI=y PCI_HOST_GENERIC=y SERIAL_8250_PCI=y'

# A name, and how the kernel differs from the plain one. On x86 HOTPLUG_CPU cannot be
# switched off where there is SMP.
table="
no-cpuset	CPUSETS=n
no-cpuacct	CONTAINER_CPUACCT=n
no-numtasks	CONTAINER_NUMTASKS=n
no-bc		CONTAINER_BC=n
no-ns		CONTAINER_NS=n
no-sample	SAMPLE_CONTAINER=n
core		CPUSETS=n CONTAINER_CPUACCT=n CONTAINER_NUMTASKS=n CONTAINER_BC=n CONTAINER_NS=n SAMPLE_CONTAINER=n
cgroup-cpuset	CGROUPS=y CPUSETS_CONTAINER=n CPUSETS_CGROUP=y
up		SMP=n
no-numa		NUMA=n
no-sysctl	PROC_SYSCTL=n
no-namespaces	NAMESPACES=n
modules		MODULES=y
preempt-none	PREEMPT=n PREEMPT_NONE=y
preempt-rt	PREEMPT_RT=y
many-cpus	NR_CPUS=512 MAXSMP=n
clang		CC_IS_CLANG=y
i386		64BIT=n X86_32=y COMPAT_32BIT_TIME=y
arm64		$arm64
no-hotplug	$arm64 HOTPLUG_CPU=n MEMORY_HOTPLUG=n
"

# Debian's busybox for architecture $1, without making it one of this machine's.
foreign_busybox() {
	local dir=$matrix/busybox-$1
	local apt="-o APT::Architectures=$1 -o APT::Architecture=$1
		-o Dir::State::lists=$dir/lists -o Dir::Cache=$dir/cache
		-o Dir::State::status=$dir/status -o Debug::NoLocking=1
		-o APT::Sandbox::User=root"

	BUSYBOX=$(echo "$dir"/root/*bin/busybox)
	[ ! -x "$BUSYBOX" ] || return 0
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	touch "$dir/status"
	# shellcheck disable=SC2086
	# Not every list has to be there.
	(cd "$dir" && { apt-get $apt update || :; } &&
	 apt-get $apt download busybox-static &&
	 dpkg-deb -x busybox-static_*.deb root) >"$LOGS/matrix-busybox.log" 2>&1 || {
		tail -n 20 "$LOGS/matrix-busybox.log" >&2
		die "no busybox for $1"
	}
	BUSYBOX=$(echo "$dir"/root/*bin/busybox)
}

# What it takes to build kernel $1, in the environment.
toolchain() {
	unset ARCH CROSS_COMPILE COMPILER BUSYBOX
	case $1 in
	clang)
		"$QEMU_DIR/setup.sh" clang
		export COMPILER=clang ;;
	i386)
		"$QEMU_DIR/setup.sh" gcc-i686-linux-gnu libc6-dev-i386-cross
		foreign_busybox i386
		export ARCH=i386 CROSS_COMPILE=i686-linux-gnu- BUSYBOX ;;
	arm64|no-hotplug)
		"$QEMU_DIR/setup.sh" gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
			qemu-system-arm
		foreign_busybox arm64
		export ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- BUSYBOX ;;
	esac
}

# Our object files of kernel $1, which are there.
objects() {
	our_objects | while read -r object; do
		[ ! -f "$BUILD/matrix-$1/$object" ] || echo "$object"
	done
}

# Compile them once more, as strictly as it gets.
compile_strictly() {
	local out=$BUILD/matrix-$1 list compiler

	list=$(objects "$1")
	compiler=${CROSS_COMPILE:-}${COMPILER:-gcc}
	# shellcheck disable=SC2086
	(cd "$out" && rm -f $list)
	# shellcheck disable=SC2086
	make -C "$LINUX" O="$out" CC="$compiler" HOSTCC=gcc W=1 KCFLAGS=-Werror -j"$JOBS" \
		$list >"$LOGS/matrix-$1-strict.log" 2>&1 || {
		tail -n 30 "$LOGS/matrix-$1-strict.log" >&2
		return 1
	}
}

# One kernel: NAME OPTION...
test_one() {
	local name=$1 option subsystems=
	shift

	printf 'CONFIG_%s\n' "$@" >"$matrix/$name.config"
	toolchain "$name"
	LENIENT=1 "$QEMU_DIR/build.sh" "matrix-$name" || return 1
	for option; do
		case $option in
		*=n) ! grep -q "^CONFIG_${option%n}" "$BUILD/matrix-$name/.config" ;;
		*) grep -qx "CONFIG_$option" "$BUILD/matrix-$name/.config" ;;
		esac || { echo "not to be had: $option" >&2; return 1; }
	done
	compile_strictly "$name" || return 1
	for option in CPUSETS_CONTAINER:cpuset CONTAINER_CPUACCT:cpuacct \
		CONTAINER_NUMTASKS:numtasks CONTAINER_BC:bc CONTAINER_NS:ns \
		SAMPLE_CONTAINER:sample; do
		! grep -qx "CONFIG_${option%:*}=y" "$BUILD/matrix-$name/.config" ||
			subsystems="$subsystems ${option#*:}"
	done
	{
		echo "SUBSYSTEMS='$subsystems'"
		cat "$QEMU_DIR/matrix-job.sh"
	} >"$matrix/$name.job"
	LOG=$LOGS/matrix-$name.log "$QEMU_DIR/boot.sh" "matrix-$name" "$matrix/$name.job"
}

mkdir -p "$matrix" "$LOGS"
passed=0 failed=
while read -r name options; do
	[ -n "$name" ] || continue
	[ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
	# shellcheck disable=SC2086
	if (test_one "$name" $options) </dev/null; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		echo "not ok $name"
		failed="$failed $name"
	fi
done <<<"$table"
[ -z "$failed" ] || echo "failed:$failed"
say "$passed of the matrix passed"
[ -z "$failed" ] && [ "$passed" != 0 ]
