// SPDX-License-Identifier: GPL-2.0
/*
 * Mounts, unmounts and remounts of overlapping sets of subsystems, against
 * each other and against those who read what there is.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MOUNTERS	4

enum { COUNT_MOUNTED, COUNT_BUSY, COUNT_REMOUNTED, COUNT_READ, COUNT_FORKED };

static const char * const subsystems[] = {
	"cpuset", "cpuacct", "sample", "numtasks", "bc", "ns",
};
#define SUBSYSTEMS	6

/*
 * The first file of each subsystem, by which one can tell that it is there; ns has
 * none.
 */
static const char * const subsystem_files[] = {
	"cpuset.cpus", "cpuacct.usage", "sample.members", "numtasks.shares",
	"bc.numfiles.held",
};
#define SUBSYSTEM_FILES	5

static const char * const sets[] = {
	"cpuset", "cpuacct", "sample", "cpuset,cpuacct", "cpuset,sample",
	"cpuacct,numtasks,bc", "none,name=race_a", "none,name=race_b",
	"cpuset,noprefix", "cpuacct,name=race_c", "numtasks,sample", "bc,ns", "all",
};
#define SETS	(sizeof(sets) / sizeof(sets[0]))

FIXTURE(race_mount) {
	struct race *race;
};

FIXTURE_SETUP(race_mount)
{
	ASSERT_EQ(0, ct_setup());
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_mount)
{
	EXPECT_EQ(0, ct_reset());
}

/* Nothing is mounted, everything is unbound and can be mounted at once. */
static void expect_nothing_mounted(struct __test_metadata *_metadata)
{
	struct ct_subsys row;
	char buf[4096];

	for (int i = 0; i < SUBSYSTEMS; i++) {
		EXPECT_EQ(0, ct_subsys(subsystems[i], &row));
		EXPECT_EQ(0, row.hierarchy)
			TH_LOG("%s", subsystems[i]);
		EXPECT_EQ(1, row.containers);
		EXPECT_EQ(1, row.enabled);
	}
	EXPECT_EQ(0, ct_proc_read(getpid(), "container", buf, sizeof(buf)));
	EXPECT_EQ(0, ct_proc_read(1, "container", buf, sizeof(buf)));
	EXPECT_LT(0, ct_read("/proc", "mounts", buf, sizeof(buf)));
	EXPECT_EQ(NULL, strstr(buf, " container "));
	EXPECT_EQ(NULL, strstr(buf, " cpuset "));
	EXPECT_EQ(0, ct_mount("all", CT_DIR "/all"));
	EXPECT_EQ(0, ct_umount(CT_DIR "/all"));
	for (int i = 0; i < SUBSYSTEMS; i++) {
		EXPECT_EQ(0, ct_mount(subsystems[i], ct_path(CT_DIR "/all%d",
							     i)));
	}
	for (int i = 0; i < SUBSYSTEMS; i++) {
		EXPECT_EQ(0, ct_umount(ct_path(CT_DIR "/all%d", i)));
	}
}

/* Without its prefix too, as it may have been there with noprefix before. */
static bool has_file(const char *dir, int subsystem)
{
	const char *file = subsystem_files[subsystem];

	return !access(ct_path("%s/%s", dir, file), F_OK) ||
	       !access(ct_path("%s/%s", dir, strchr(file, '.') + 1), F_OK);
}

/*
 * A mounter. Nobody else changes what it has mounted unless remounts are
 * part of it: then it has its own set's files, and no other's.
 */
static void check_files(struct race *race, const char *dir, const char *set)
{
	bool all = !strcmp(set, "all");

	for (int i = 0; i < SUBSYSTEM_FILES; i++) {
		bool want = all || strstr(set, subsystems[i]);
		bool have = has_file(dir, i);

		if (want != have)
			race_fail(race, "%s %s in a hierarchy of %s",
				  subsystem_files[i], have ? "is" : "is not",
				  set);
	}
}

static const char *used;

/* There and back; in a hierarchy with ns there is no way back. */
static int enter_and_leave(void *dir)
{
	int ret = ct_enter(used);

	if (ret)
		return ret == -ENOSPC ? 0 : ret;
	ret = ct_enter(dir);
	return ret == -EPERM ? 0 : ret;
}

/* EBUSY where a child is, as another mounter may have the same hierarchy. */
static void use_container(struct race *race, char *dir)
{
	const char *cont = ct_path("%s/%d", dir, getpid());
	int ret = ct_mkdir(cont);

	if (ret) {
		race_fail(race, "mkdir: %d", ret);
		return;
	}
	if (!ct_write(cont, "cpuset.cpus", "0-1"))
		ct_write(cont, "cpuset.mems", "0");
	used = cont;
	ret = ct_call(enter_and_leave, dir);
	if (ret)
		race_fail(race, "attach: %d", ret);
	ret = ct_rmdir(cont);
	if (ret)
		race_fail(race, "rmdir: %d", ret);
}

static void mounter(struct race *race, bool remounts, int number)
{
	char dir[64];

	snprintf(dir, sizeof(dir), CT_DIR "/mount%d", number);
	while (!race_over(race)) {
		const char *set = sets[race_random(SETS)];
		int ret = ct_mount(set, dir);

		if (ret == -EBUSY) {
			race_count(race, COUNT_BUSY);
			continue;
		}
		if (ret) {
			race_fail(race, "mount %s: %d", set, ret);
			return;
		}
		race_count(race, COUNT_MOUNTED);
		if (!remounts)
			check_files(race, dir, set);
		if (race_random(3) == 0)
			use_container(race, dir);
		if (remounts && race_random(2)) {
			const char *other = sets[race_random(6)];

			ret = ct_remount(other, dir);
			if (!ret)
				race_count(race, COUNT_REMOUNTED);
			/* EINVAL: a name or noprefix cannot be changed. */
			else if (ret != -EBUSY && ret != -EINVAL)
				race_fail(race, "remount %s to %s: %d", set,
					  other, ret);
		}
		ret = ct_umount(dir);
		if (ret)
			race_fail(race, "umount: %d", ret);
	}
}

static void plain_mounter(struct race *race, void *arg)
{
	mounter(race, false, (long)arg);
}

static void remounter(struct race *race, void *arg)
{
	mounter(race, true, (long)arg);
}

/* One line of /proc/PID/container; true if it is as it should be. */
static bool check_line(char *line, unsigned int *ids, int count,
		       unsigned int *seen)
{
	char *list = strchr(line, ':');
	char *path = list ? strchr(list + 1, ':') : NULL;
	char *word, *save;

	if (!path || path[1] != '/')
		return false;
	*path = '\0';
	ids[count] = strtoul(line, NULL, 10);
	if (!ids[count])
		return false;
	for (int i = 0; i < count; i++)
		if (ids[i] == ids[count])
			return false;
	list++;
	if (!strncmp(list, "name=race_", 10))
		return true;
	if (!*list)
		return false;
	for (word = strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		int i = 0;

		while (i < SUBSYSTEMS && strcmp(word, subsystems[i]))
			i++;
		if (i == SUBSYSTEMS || *seen & 1 << i)
			return false;
		*seen |= 1 << i;
	}
	return true;
}

/* Each hierarchy once, and each subsystem in one of them at most. */
static void check_container_file(struct race *race, pid_t pid)
{
	char buf[4096], copy[4096], *line, *save;
	unsigned int ids[64], seen = 0;
	int ret = ct_proc_read(pid, "container", buf, sizeof(buf));
	int count = 0;

	if (ret == -ENOENT || ret == -ESRCH)
		return;
	if (ret < 0) {
		race_fail(race, "/proc/%d/container: %d", pid, ret);
		return;
	}
	memcpy(copy, buf, sizeof(copy));
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (count == 64 || !check_line(line, ids, count, &seen)) {
			race_fail(race, "/proc/%d/container: %s", pid, buf);
			return;
		}
		count++;
	}
}

static void check_cpuset_file(struct race *race, pid_t pid)
{
	char buf[4096];
	int ret = ct_proc_read(pid, "cpuset", buf, sizeof(buf));

	if (ret == -ENOENT || ret == -ESRCH)
		return;
	if (ret < 2 || buf[0] != '/' || buf[ret - 1] != '\n')
		race_fail(race, "/proc/%d/cpuset: %d, %s", pid, ret, buf);
}

static void check_containers_file(struct race *race)
{
	char buf[4096], *line, *save;
	int rows = 0;

	if (ct_read("/proc", "containers", buf, sizeof(buf)) < 0) {
		race_fail(race, "/proc/containers");
		return;
	}
	line = strtok_r(buf, "\n", &save);
	if (!line || strcmp(line,
			    "#subsys_name\thierarchy\tnum_containers\tenabled"))
		race_fail(race, "/proc/containers: %s", line ? line : "empty");
	while ((line = strtok_r(NULL, "\n", &save))) {
		int hierarchy, count, enabled;
		char name[32];

		if (sscanf(line, "%31s\t%d\t%d\t%d", name, &hierarchy, &count,
			   &enabled) != 4 || hierarchy < 0 || count < 1 ||
		    (!hierarchy && count != 1) || enabled != 1)
			race_fail(race, "/proc/containers: %s", line);
		rows++;
	}
	if (rows < SUBSYSTEMS)
		race_fail(race, "%d rows in /proc/containers", rows);
}

static void proc_reader(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		struct dirent *entry;
		DIR *dir = opendir("/proc");

		while (dir && (entry = readdir(dir)) && !race_over(race)) {
			pid_t pid = atoi(entry->d_name);

			if (!pid)
				continue;
			check_container_file(race, pid);
			check_cpuset_file(race, pid);
			check_containers_file(race);
			race_count(race, COUNT_READ);
		}
		if (dir)
			closedir(dir);
	}
}

/* Children that come and go while what their creator is in is rebound. */
static void forker(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			check_container_file(race, getpid());
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		race_count(race, COUNT_FORKED);
	}
}

static void run_mounters(struct __test_metadata *_metadata, struct race *race,
			 void (*fn)(struct race *race, void *arg))
{
	race_need(race, COUNT_MOUNTED, 4);
	race_need(race, COUNT_READ, 4);
	for (long i = 0; i < MOUNTERS; i++) {
		ASSERT_LT(0, race_worker(race, fn, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, proc_reader, NULL));
	ASSERT_LT(0, race_worker(race, proc_reader, NULL));
	ASSERT_LT(0, race_worker(race, forker, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu mounts, %lu busy, %lu remounts, %lu reads, %lu forks",
	       race->count[COUNT_MOUNTED], race->count[COUNT_BUSY],
	       race->count[COUNT_REMOUNTED], race->count[COUNT_READ],
	       race->count[COUNT_FORKED]);
	expect_nothing_mounted(_metadata);
}

/*
 * Holes 17, 30, 62: readers of /proc/PID/cpuset, /proc/PID/container and
 * /proc/containers against mount, umount, mkdir and rmdir: what they see makes
 * sense, and no id is there twice.
 */
TEST_F_TIMEOUT(race_mount, mounts, RACE_TIMEOUT)
{
	run_mounters(_metadata, self->race, plain_mounter);
}

TEST_F_TIMEOUT(race_mount, remounts, RACE_TIMEOUT)
{
	race_need(self->race, COUNT_REMOUNTED, 1);
	run_mounters(_metadata, self->race, remounter);
}

/*
 * Holes 18, 19: disjoint sets come and go side by side, without an EBUSY, as does one
 * set that all of them mount: the hierarchy ends with the last of them.
 */
static void disjoint_mounter(struct race *race, void *arg)
{
	static const char * const own[] = {
		"cpuset", "cpuacct", "sample", "none,name=race_d",
	};
	int number = (long)arg;
	char dir[64], all[64];

	snprintf(dir, sizeof(dir), CT_DIR "/own%d", number);
	snprintf(all, sizeof(all), CT_DIR "/shared%d", number);
	while (!race_over(race)) {
		int ret = ct_mount(own[number], dir);

		if (!ret)
			ret = ct_mount("none,name=race_e", all);
		if (!ret)
			ret = ct_mkdir(ct_path("%s/%d", all, number));
		if (!ret)
			ret = ct_mkdir(ct_path("%s/x", dir));
		if (!ret)
			ret = ct_rmdir(ct_path("%s/x", dir));
		if (!ret)
			ret = ct_umount(dir);
		if (!ret)
			ret = ct_rmdir(ct_path("%s/%d", all, number));
		if (!ret)
			ret = ct_umount(all);
		if (ret) {
			race_fail(race, "%s: %d", own[number], ret);
			return;
		}
		race_count(race, COUNT_MOUNTED);
	}
}

TEST_F_TIMEOUT(race_mount, disjoint, RACE_TIMEOUT)
{
	run_mounters(_metadata, self->race, disjoint_mounter);
	EXPECT_EQ(0UL, self->race->count[COUNT_BUSY]);
}

/*
 * Hole 61: the first reader of a fresh hierarchy's tasks, in the middle of forks: those
 * who have been there all the time are there.
 */
static void storm(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pids[8];

		for (int i = 0; i < 8; i++) {
			pids[i] = fork();
			if (!pids[i])
				_exit(0);
		}
		for (int i = 0; i < 8; i++)
			if (pids[i] > 0)
				waitpid(pids[i], NULL, 0);
		race_count(race, COUNT_FORKED);
	}
}

TEST_F_TIMEOUT(race_mount, first_reader, RACE_TIMEOUT)
{
	struct race *race = self->race;
	pid_t pids[8];

	race_need(race, COUNT_FORKED, 4);
	race_need(race, RACE_ROUNDS, 3);
	for (int i = 0; i < 8; i++) {
		pids[i] = ct_sleeper(NULL);
		ASSERT_LT(0, pids[i]);
	}
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, storm, NULL));
	}
	while (!race_over(race)) {
		const char *set = sets[race_random(9)];
		struct ct_pids members;
		int ret = ct_mount(set, CT_DIR "/first");

		if (!ret)
			ret = ct_read_pids(CT_DIR "/first", "tasks", &members);
		if (ret) {
			race_fail(race, "%s: %d", set, ret);
			break;
		}
		for (int i = 0; i < 8; i++) {
			int found = 0;

			for (size_t j = 0; j < members.count; j++)
				found += members.pid[j] == pids[i];
			if (found != 1)
				race_fail(race, "%d is there %d times", pids[i],
					  found);
		}
		for (size_t j = 1; j < members.count; j++)
			if (members.pid[j] == members.pid[j - 1])
				race_fail(race, "%d is there twice",
					  members.pid[j]);
		ct_free_pids(&members);
		ret = ct_umount(CT_DIR "/first");
		if (ret)
			race_fail(race, "umount: %d", ret);
		race_count(race, RACE_ROUNDS);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu mounts, %lu forks times 8", race->count[RACE_ROUNDS],
	       race->count[COUNT_FORKED]);
	expect_nothing_mounted(_metadata);
}

/*
 * The last mount goes while a container is made through a directory that is
 * still open: the container is there in the end, or was never made.
 */
static void late_maker(struct race *race, void *arg)
{
	int fd = (long)arg;
	int ret = mkdirat(fd, "late", 0755) ? -errno : 0;

	if (ret && ret != -ENODEV && ret != -ENOENT)
		race_fail(race, "late mkdir: %d", ret);
	if (!ret)
		race_count(race, COUNT_MOUNTED);
}

TEST_F_TIMEOUT(race_mount, late_mkdir, RACE_TIMEOUT)
{
	struct race *race = self->race;
	unsigned long made = 0;

	race_need(race, RACE_ROUNDS, 11);
	race_need(race, COUNT_MOUNTED, 1);
	while (!race_over(race)) {
		int ret = ct_mount("cpuacct,sample", CT_DIR "/late");
		int status, fd;
		pid_t pid;

		if (ret) {
			race_fail(race, "mount: %d", ret);
			break;
		}
		fd = open(CT_DIR "/late", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		pid = race_worker(race, late_maker, (void *)(long)fd);
		ASSERT_LT(0, pid);
		/* The child has the directory open as well. */
		close(fd);
		if (race->count[RACE_ROUNDS] & 1)
			race_sleep_us(race_random(1000));
		ret = umount2(CT_DIR "/late", MNT_DETACH);
		if (ret)
			race_fail(race, "umount: %d", errno);
		status = race_wait(pid, RACE_JOIN_MS);
		if (status)
			race_fail(race, "maker: %d", status);
		race->workers = 0;
		ret = ct_mount("cpuacct,sample", CT_DIR "/late");
		if (ret)
			race_fail(race, "mount again: %d", ret);
		ret = ct_rmdir(CT_DIR "/late/late");
		if (ret != (race->count[COUNT_MOUNTED] > made ? 0 : -ENOENT))
			race_fail(race, "rmdir after %lu: %d",
				  race->count[COUNT_MOUNTED] - made, ret);
		made = race->count[COUNT_MOUNTED];
		ret = ct_umount(CT_DIR "/late");
		if (ret)
			race_fail(race, "umount again: %d", ret);
		race_count(race, RACE_ROUNDS);
	}
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, %lu made", race->count[RACE_ROUNDS], made);
	expect_nothing_mounted(_metadata);
}

TEST_HARNESS_MAIN
