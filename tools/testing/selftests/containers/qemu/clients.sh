# SPDX-License-Identifier: GPL-2.0
# The guest's part of check-clients.sh.

fail() { echo "not ok $*"; exit 1; }
try() { echo "# $*"; "$@" || fail "$*"; }
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status"; }
cset() { /bin/python3 /bin/cset "$@"; }

grep -qx "nodev	cpuset" /proc/filesystems || fail "/proc/filesystems has no cpuset"

# The kernel's own test.
mkdir -p /dev/container
try mount -t container -o cpuset none /dev/container
try /bin/bash /tests/v1_base.sh
try umount /dev/container
echo "ok the kernel's test of v1 cpusets"

# cset mounts the file system itself.
try cset set -l
grep -q " /cpusets cpuset " /proc/mounts || fail "cset has not mounted"
[ "$(cat /cpusets/cpus)" = 0-3 ] || fail "cpus of the root"
try cset set -c 1-2 -s one
[ "$(cat /cpusets/one/cpus)" = 1-2 ] || fail "cpus of one"
try cset set -l -r
sleep 1000 &
PID=$!
try cset proc -m -p $PID -t one
grep -qx "$PID" /cpusets/one/tasks || fail "$PID has not moved"
[ "$(field Cpus_allowed_list $PID)" = 1-2 ] || fail "Cpus_allowed_list"
[ "$(cat /proc/$PID/cpuset)" = /one ] || fail "/proc/$PID/cpuset"
try cset proc -l -s one
try cset proc -m -p $PID -t root
try cset set -d one
[ ! -e /cpusets/one ] || fail "one is still there"
echo "ok cset set and cset proc"

try cset shield -c 1-2
[ "$(cat /cpusets/user/cpus)" = 1-2 ] || fail "cpus of the shield"
[ "$(cat /cpusets/system/cpus)" = 0,3 ] || fail "cpus outside the shield"
[ "$(field Cpus_allowed_list $PID)" = 0,3 ] || fail "$PID is not outside"
try cset shield
[ "$(cset shield --exec -- /bin/sh -c 'cat /proc/$$/cpuset' | tail -n 1)" = /user ] ||
	fail "cset shield --exec"
[ "$(cset shield --exec -- /bin/sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tail -n 1)" = 1-2 ] ||
	fail "CPUs of cset shield --exec"
try cset shield --shield --pid $PID
[ "$(cat /proc/$PID/cpuset)" = /user ] || fail "$PID is not shielded"
try cset shield --unshield --pid $PID
try cset shield --reset
[ ! -e /cpusets/user ] && [ ! -e /cpusets/system ] || fail "the shield is still there"
[ "$(cat /proc/$PID/cpuset)" = / ] || fail "$PID is not back"
[ "$(field Cpus_allowed_list $PID)" = 0-3 ] || fail "CPUs of $PID"
kill $PID
try umount /cpusets
echo "ok cset shield"
