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

echo
step mkdir -p /dev/limits
step mount -t container -o numtasks,bc none /dev/limits
L=/dev/limits/Lucy
step mkdir $L
step "echo 100 > /sys/module/numtasks/parameters/total_numtasks"
step "echo max_shares=5 > $L/numtasks.shares"
step cat $L/numtasks.shares
show "sh -c 'echo 0 > $L/procs; for i in 1 2 3 4 5 6 7; do sleep 100 & done'"
sh -c "echo 0 > $L/procs; for i in 1 2 3 4 5 6 7; do sleep 100 & done" 2>&1
step cat $L/numtasks.stats
grep -q 'failures [1-9]' $L/numtasks.stats || { echo "FAILED: no fork was refused"; exit 1; }
step "echo 1 > $L/kill"
until grep -q 'populated 0' $L/events; do :; done

step "echo 6 > $L/bc.numfiles.barrier"
step "echo 6 > $L/bc.numfiles.limit"
show "sh -c 'echo 0 > $L/procs; exec 3</ 4</ 5</ 6</ 7</ 8</ 9</'"
sh -c "echo 0 > $L/procs; exec 3</ 4</ 5</ 6</ 7</ 8</ 9</" 2>&1
step "grep . $L/bc.numfiles.*"
[ "$(cat $L/bc.numfiles.failcnt)" -gt 0 ] || { echo "FAILED: no open was refused"; exit 1; }
step rmdir $L
step umount /dev/limits

echo
step mkdir -p /dev/servers
step mount -t container -o ns none /dev/servers
step mkfifo /tmp/go /tmp/done
show "unshare -u -p -m -f sh -c 'hostname snoopy; ...' &"
unshare -u -p -m -f sh -c 'hostname snoopy; echo > /tmp/go; read x < /tmp/done' &
read x < /tmp/go
step ls -d /dev/servers/*/
step cat /dev/servers/*/tasks
[ "$(cat /dev/servers/$!/tasks | wc -l)" = 2 ] || { echo "FAILED: no container"; exit 1; }
echo > /tmp/done
wait $!
step umount /dev/servers
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
