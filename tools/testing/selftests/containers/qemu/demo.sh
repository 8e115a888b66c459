# SPDX-License-Identifier: GPL-2.0
# The demonstration of `make run`: every command is shown with what came of it,
# and a step that fails ends it.

step() {
	echo "# $*"
	eval "$@" || { echo "FAILED: $*"; exit 1; }
}

show() {
	echo "# $*"
}

field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status"; }

D=/dev/container/Charlie

echo "Linux $(uname -r), $(grep -c ^processor /proc/cpuinfo) processors"
step mkdir -p /dev/container
step mount -t container -o cpuset,cpuacct none /dev/container
step grep container /proc/mounts
step cat /proc/containers
step mkdir $D
step "echo 1 > $D/cpuset.cpus"
step "echo 0 > $D/cpuset.mems"

show "while :; do :; done &"
while :; do :; done &
PID=$!
step "echo $PID > $D/tasks"
step cat $D/tasks
show grep Cpus_allowed_list /proc/$PID/status
cpus=$(field Cpus_allowed_list $PID)
echo "$cpus"
[ "$cpus" = 1 ] || { echo "FAILED: allowed on $cpus, not 1"; exit 1; }
step cat /proc/$PID/container
grep -q ":cpuset,cpuacct:/Charlie\$" /proc/$PID/container || exit 1

show cat $D/cpuacct.usage "# twice, a second apart"
before=$(cat $D/cpuacct.usage)
sleep 1
after=$(cat $D/cpuacct.usage)
echo "$before"
echo "$after"
[ "$after" -gt "$before" ] || { echo "FAILED: usage does not rise"; exit 1; }

step kill $PID
wait $PID
step cat $D/events
step rmdir $D
echo "Containers work."

if [ -e /interactive ]; then
	echo
	echo "A shell in the guest; the hierarchy is at /dev/container. Try:"
	echo "  mkdir /dev/container/a; ls /dev/container/a"
	echo "  echo 0 > /dev/container/a/cpuset.cpus; echo 0 > /dev/container/a/cpuset.mems"
	echo "  echo \$\$ > /dev/container/a/tasks; cat /proc/self/container"
	echo "Leave it, and the guest, with: exit"
	sh -i
	exit 0
fi
