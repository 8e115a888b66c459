# SPDX-License-Identifier: GPL-2.0
# stress-ng and trinity in containers of every hierarchy, $seconds for each part. In the
# end nothing of them is left.

die() { echo "FAILED: $*"; exit 1; }

C=/dev/container

mkdir $C
for options in cpuset,cpuacct,sample numtasks,bc ns none,name=x; do
	dir=$C/${options##*[,=]}
	mkdir $dir
	mount -t container -o $options none $dir || die "mount $options"
	mkdir $dir/a $dir/a/b
	for cont in $dir/a $dir/a/b; do
		[ ! -f $cont/cpuset.cpus ] || echo 0-3 >$cont/cpuset.cpus
		[ ! -f $cont/cpuset.mems ] || echo 0-1 >$cont/cpuset.mems
		for limit in limit barrier; do
			[ ! -f $cont/bc.numfiles.$limit ] ||
				echo 20000 >$cont/bc.numfiles.$limit
		done
	done
	chown -R nobody $dir/a
done
mkdir -m 777 /tmp/work
cd /tmp/work || exit 1

# Who is in a or a/b goes to the other one.
move() {
	while [ -f /tmp/moving ]; do
		for dir in $C/*; do
			for pid in $(cat $dir/a/tasks 2>/dev/null); do
				echo $pid >$dir/a/b/tasks
			done
			for pid in $(cat $dir/a/b/procs 2>/dev/null); do
				echo $pid >$dir/a/procs
			done
		done
	done 2>/dev/null
}

# Run "$@" in the containers, and kill what it leaves there.
stress() {
	>/tmp/moving
	move &
	mover=$!
	sh -c "for dir in $C/*; do echo 0 >\$dir/a/tasks || exit 100; done; exec \"\$@\"" \
		- "$@" >/tmp/output 2>&1
	status=$?
	rm /tmp/moving
	wait $mover
	for dir in $C/*; do
		# Trinity may have taken this permission away.
		chmod 600 $dir/a/kill
		echo 1 >$dir/a/kill
		for i in $(seq 100); do
			grep -q 'populated 0' $dir/a/events && break
			sleep 0.1
		done
	done
	return $status
}

# stress-ng "$@", as user $1
stress_ng() {
	user=$1
	shift
	echo "# stress-ng as $user"
	stress su $user -c \
		"exec stress-ng --timeout ${seconds}s --metrics-brief --pathological $*"
	status=$?
	sed -n '/stressor  *bogo/,/misc/s/^.*metrc: \[[0-9]*\] \(.\{40\}\).*/\1/p' /tmp/output
	[ $status = 0 ] || { cat /tmp/output; die "stress-ng exited with $status"; }
}

stress_ng root --clone 2 --open 1 --cpu-online 1 --numa 1 --unshare 1 --sysfs 1
stress_ng nobody --fork 2 --vfork 1 --clone 1 --open 1 --unshare 1 --procfs 1
# With this one the others have nothing to do.
stress_ng nobody --exec 2

echo "# trinity"
# There are no sockets of the kinds that it wants to have from the beginning. An option
# of mount that is gone is a warning.
stress timeout -s INT $seconds \
	su nobody -c "exec trinity -q -l off -a 64 -C 8 --disable-fds=sockets -x mount -V $C/sample/a"
grep 'Added\|Ran [0-9]* syscalls' /tmp/output ||
	{ cat /tmp/output; die "trinity did nothing"; }

# Shared memory stays when all have gone that used it, and is a file.
ipcrm --all=shm || die "ipcrm"
cd /
for dir in $C/*; do
	find $dir -mindepth 1 -depth -type d -exec rmdir {} + || die "rmdir in $dir"
	umount $dir || die "umount $dir"
done
awk '!/^#/ && ($2 != 0 || $3 != 1) { exit 1 }' /proc/containers ||
	die "$(cat /proc/containers)"
