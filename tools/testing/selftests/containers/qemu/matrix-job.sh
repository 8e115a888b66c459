# SPDX-License-Identifier: GPL-2.0
# What a kernel of the matrix has to do: have just the subsystems $SUBSYSTEMS, a
# hierarchy of each and one of all, members that fork and are moved, and nothing left in
# the end.
set -e

die() { echo "FAILED: $*"; exit 1; }

D=/tmp/container
mkdir $D
mkfifo $D.pid
found=$(awk '!/^#/ { print $1 }' /proc/containers)
[ "$(echo $found)" = "$(echo $SUBSYSTEMS)" ] || die "subsystems: $found"

# In hierarchy $D of $1: a container with a child in it, and everything empty again.
use() {
	mount -t container -o "$1" none $D
	mkdir $D/a $D/a/b
	for cont in $D/a $D/a/b; do
		[ ! -f $cont/cpuset.cpus ] || cat $D/cpuset.cpus >$cont/cpuset.cpus
		[ ! -f $cont/cpuset.mems ] || cat $D/cpuset.mems >$cont/cpuset.mems
	done
	# With ns nobody gets out again, so it is not this shell that enters.
	sh -c "echo 0 >$D/a/tasks; sleep 1000 & echo \$! >$D.pid; wait" &
	parent=$!
	read pid <$D.pid
	grep -q "^[0-9]*:.*:/a\$" /proc/$pid/container || die "$1: the child is elsewhere"
	[ "$(grep -cx $pid $D/a/tasks)" = 1 ] || die "$1: it is not listed"
	echo $pid >$D/a/b/procs
	[ "$(cat $D/a/b/procs)" = $pid ] || die "$1: it has not been moved"
	rmdir $D/a/b 2>/dev/null && die "$1: removed with a member"
	# Its parent, which waits for it, is not there.
	echo 1 >$D/a/b/kill
	wait $parent || true
	rmdir $D/a/b $D/a
	umount $D
}

for subsystem in $SUBSYSTEMS none,name=x all; do
	[ "$subsystem" != all ] || [ -n "$SUBSYSTEMS" ] || continue
	use "$subsystem"
done
case " $SUBSYSTEMS " in
*" numtasks "*)
	mount -t container -o numtasks none $D
	mkdir $D/a $D/b
	echo child_shares_divisor=2147483647 >$D/numtasks.shares
	echo min_shares=1500000000 >$D/a/numtasks.shares
	# Their sum is more than 32 bits hold.
	! echo min_shares=1500000000 >$D/b/numtasks.shares 2>/dev/null ||
		die "two guarantees of more than half"
	rmdir $D/a $D/b
	umount $D ;;
esac

awk '!/^#/ && ($2 != 0 || $3 != 1) { exit 1 }' /proc/containers || die "$(cat /proc/containers)"
echo "containers with: $(echo $found)"
