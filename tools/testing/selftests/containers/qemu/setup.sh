#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages that are needed, and those named, where they are not
# there yet.
set -eu
. "$(dirname "$0")/lib.sh"

packages="gcc libc6-dev make flex bison bc perl libelf-dev libssl-dev cpio kmod
	xz-utils patch diffutils git ca-certificates qemu-system-x86
	busybox-static sparse ccache python3 $*"
[ -n "${KERNEL_SRC:-}" ] || packages="$packages linux-source-6.12"

command -v dpkg-query >/dev/null ||
	die "not a Debian system; install what corresponds to:" $packages

missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	die "as root: apt-get install --no-install-recommends$missing"
fi
say "installing$missing"
mkdir -p "$LOGS"
{
	$sudo apt-get update &&
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends $missing
} >"$LOGS/apt.log" 2>&1 || {
	tail -n 20 "$LOGS/apt.log" >&2
	die "apt-get failed; see build/log/apt.log"
}
