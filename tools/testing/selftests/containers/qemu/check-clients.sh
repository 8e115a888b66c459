#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Programs written for the cpusets of old, on the plain kernel: Debian's cset,
# which is in Python, and the kernel's own test of v1 cpusets, which wants bash.
# Their packages are unpacked into the guest, not installed here.
set -eu
. "$(dirname "$0")/lib.sh"

packages="cpuset python3-cpuset python3-future python3-minimal
	python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
	bash coreutils libc6 libtinfo6 zlib1g libexpat1 libacl1 libattr1
	libselinux1 libpcre2-8-0 libgmp10 libssl3"
out=$BUILD/clients
root=$out/root

unpack() {
	local package

	rm -rf "$out"
	mkdir -p "$out/debs" "$root"
	say "fetching packages for the guest"
	# apt, if it is root, drops its rights to write here otherwise.
	(cd "$out/debs" && apt-get -o APT::Sandbox::User= download $packages) \
		>"$LOGS/clients.log" 2>&1 || {
		tail -n 20 "$LOGS/clients.log" >&2
		die "the packages cannot be fetched"
	}
	for package in "$out"/debs/*.deb; do
		dpkg -x "$package" "$root"
	done
	# In the guest /usr is a link to the root.
	cp -a "$root/usr/." "$root/"
	rm -rf "$root"/{usr,share/doc,share/man,share/locale,share/info}
	touch "$out/complete"
}

mkdir -p "$LOGS"
[ -f "$out/complete" ] || unpack

v1=$LINUX/tools/testing/selftests/cgroup/test_cpuset_v1_base.sh
mkdir -p "$root/tests"
# All that differs is how the file system is mounted.
sed 's/^CPUSET=.*/CPUSET=\/dev\/container/' "$v1" >"$root/tests/v1_base.sh"
! cmp -s "$v1" "$root/tests/v1_base.sh" || die "$v1 is not as expected"

CPUS=4 NODES=2 "$QEMU_DIR/boot.sh" plain "$QEMU_DIR/clients.sh" "$root"
