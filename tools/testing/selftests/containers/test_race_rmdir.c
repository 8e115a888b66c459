// SPDX-License-Identifier: GPL-2.0
/*
 * The removal of containers against all that one may be doing with them: open
 * control files, attach, rename, fork in them, remove them too.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MNT	CT_DIR "/rmdir"
#define X	MNT "/x"
#define Y	MNT "/y"
#define LIST	"cpuset,cpuacct,sample"

enum { COUNT_REMOVED, COUNT_BUSY, COUNT_WRITTEN, COUNT_GONE, COUNT_ATTACHED,
       COUNT_RENAMED, COUNT_FORKED };

FIXTURE(race_rmdir) {
	struct race *race;
};

FIXTURE_SETUP(race_rmdir)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount(LIST, MNT));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_rmdir)
{
	EXPECT_EQ(0, ct_reset());
}

/* What happens to someone who comes too late. */
static bool too_late(int ret)
{
	return ret == -ENOENT || ret == -ENODEV;
}

/* Makes x, gives it CPUs and nodes, and removes it, or y if that is its name. */
static void remaker(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_mkdir(X);

		if (ret && ret != -EEXIST)
			race_fail(race, "mkdir: %d", ret);
		ret = ct_write(X, "cpuset.cpus", "0-3");
		if (!ret)
			ret = ct_write(X, "cpuset.mems", "0-1");
		if (ret && !too_late(ret))
			race_fail(race, "set up: %d", ret);
		race_sleep_us(race_random(300));
		for (int i = 0; i < 2; i++) {
			ret = ct_rmdir(i ? Y : X);
			if (ret == -EBUSY)
				race_count(race, COUNT_BUSY);
			else if (ret && ret != -ENOENT)
				race_fail(race, "rmdir: %d", ret);
			else if (!ret)
				race_count(race, COUNT_REMOVED);
		}
	}
}

/* Has files open that go away, and goes on using them. */
static void user(struct race *race, void *arg)
{
	static const struct {
		const char *name, *values[2];
	} files[] = {
		{ "cpuset.cpus", { "0-3", "0-1\n" } },
		{ "cpuset.mems", { "0-1", "0" } },
		{ "cpuset.cpu_exclusive", { "0", "0\n" } },
		{ "cpuset.mem_exclusive", { "0", "0\n" } },
		{ "cpuset.effective_cpus", { NULL, NULL } },
		{ "cpuset.effective_mems", { NULL, NULL } },
		{ "cpuacct.usage", { "0", "0\n" } },
		{ "cpuacct.usage_percpu", { NULL, NULL } },
		{ "cpuacct.stat", { NULL, NULL } },
		{ "cpuacct.load", { NULL, NULL } },
		{ "cpuacct.subtree_usage", { NULL, NULL } },
		{ "sample.members", { NULL, NULL } },
		{ "tasks", { NULL, NULL } },
		{ "procs", { NULL, NULL } },
		{ "events", { NULL, NULL } },
		{ "notify_on_release", { "0", "1" } },
		{ "auto_delete", { "0", "0\n" } },
		{ "kill", { "1", "1\n" } },
	};

	(void)arg;
	while (!race_over(race)) {
		unsigned int f = race_random(sizeof(files) / sizeof(files[0]));
		bool write_only = !strcmp(files[f].name, "kill");
		int flags = !files[f].values[0] ? O_RDONLY :
			    write_only ? O_WRONLY : O_RDWR;
		int fd = ct_open(race_random(4) ? X : Y, files[f].name, flags);

		if (fd < 0) {
			if (!too_late(fd))
				race_fail(race, "open %s: %d", files[f].name,
					  fd);
			continue;
		}
		for (int i = 0; i < 6; i++) {
			char buf[1024];
			int ret = 0;

			if (i & 1 && files[f].values[0])
				ret = ct_fd_write(fd, files[f].values[i & 2 ?
								     1 : 0]);
			else if (!write_only)
				ret = pread(fd, buf, sizeof(buf), 0) < 0 ?
					-errno : 0;
			if (ret && ret != -ENODEV)
				race_fail(race, "%s: %d", files[f].name, ret);
			race_count(race, ret ? COUNT_GONE : COUNT_WRITTEN);
			if (race_random(2))
				race_sleep_us(race_random(200));
		}
		close(fd);
	}
}

/* Waits for events of what is removed meanwhile, in three ways. */
static void watcher(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		struct epoll_event event = { .events = EPOLLPRI };
		int fd = ct_open(X, "events", O_RDONLY);
		int epoll = epoll_create1(EPOLL_CLOEXEC);
		int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		char buf[256];

		if (fd < 0) {
			if (!too_late(fd))
				race_fail(race, "open events: %d", fd);
			goto close;
		}
		if (read(fd, buf, sizeof(buf)) < 0 && errno != ENODEV)
			race_fail(race, "read events: %d", errno);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
			race_fail(race, "epoll_ctl: %d", errno);
		if (inotify_add_watch(inotify, X "/events", IN_MODIFY) < 0 &&
		    errno != ENOENT && errno != ENODEV)
			race_fail(race, "inotify: %d", errno);
		epoll_wait(epoll, &event, 1, 1);
		ct_poll(fd, POLLPRI, 1);
		if (read(inotify, buf, sizeof(buf)) < 0 && errno != EAGAIN)
			race_fail(race, "read inotify: %d", errno);
		close(fd);
close:
		close(inotify);
		close(epoll);
	}
}

/* Goes in and out. While it is in, the container is there. */
static void attacher(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();
		char path[64];
		int ret;

		if (pid) {
			/* Somebody writes 1 to kill. */
			if (pid > 0)
				waitpid(pid, NULL, 0);
			continue;
		}
		ret = ct_enter(race_random(2) ? X : Y);
		if (!ret) {
			race_count(race, COUNT_ATTACHED);
			ret = ct_container_of(getpid(), LIST, path,
					      sizeof(path));
			if (ret || (strcmp(path, "/x") && strcmp(path, "/y")))
				race_fail(race, "%d: in %s", ret, path);
			ret = ct_enter(MNT);
			if (ret)
				race_fail(race, "out again: %d", ret);
		} else if (!too_late(ret) && ret != -ENOSPC) {
			race_fail(race, "attach: %d", ret);
		}
		_exit(0);
	}
}

static void renamer(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		bool back = race_random(2);
		int ret = rename(back ? Y : X, back ? X : Y) ? -errno : 0;

		if (ret && !too_late(ret) && ret != -EEXIST &&
		    ret != -ENOTEMPTY)
			race_fail(race, "rename: %d", ret);
		if (!ret)
			race_count(race, COUNT_RENAMED);
		race_sleep_us(race_random(1000));
	}
}

/*
 * Holes 25, 26, 76: writing to cpus and mems, waiting for events, and reading
 * what is charged without a lock, while it is being removed.
 */
TEST_F_TIMEOUT(race_rmdir, open_files, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_subsys row;

	race_need(race, COUNT_REMOVED, 4);
	race_need(race, COUNT_WRITTEN, 4);
	race_need(race, COUNT_GONE, 3);
	race_need(race, COUNT_ATTACHED, 3);
	ASSERT_LT(0, race_worker(race, remaker, NULL));
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, user, NULL));
	}
	ASSERT_LT(0, race_worker(race, watcher, NULL));
	ASSERT_LT(0, race_worker(race, attacher, NULL));
	ASSERT_LT(0, race_worker(race, attacher, NULL));
	ASSERT_LT(0, race_worker(race, renamer, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu removed, %lu busy, %lu used, %lu gone, %lu attached, %lu renamed",
	       race->count[COUNT_REMOVED], race->count[COUNT_BUSY],
	       race->count[COUNT_WRITTEN], race->count[COUNT_GONE],
	       race->count[COUNT_ATTACHED], race->count[COUNT_RENAMED]);
	/* Nothing is left behind. */
	ct_rmdir(X);
	ct_rmdir(Y);
	EXPECT_EQ(0, ct_subsys("sample", &row));
	EXPECT_EQ(1, row.containers);
	EXPECT_EQ(0, ct_umount(MNT));
	EXPECT_EQ(0, ct_subsys("sample", &row));
	EXPECT_EQ(0, row.hierarchy);
}

/*
 * Hole 24: eight threads remove the same directory: one of them does. In every other
 * round the hierarchy is unmounted at the same time.
 */
#define REMOVERS	8

struct crowd {
	struct race *race;
	pthread_barrier_t barrier;
	bool end;
	atomic_int removed;
};

static void *remove_same(void *arg)
{
	struct crowd *crowd = arg;

	for (;;) {
		int ret;

		pthread_barrier_wait(&crowd->barrier);
		if (crowd->end)
			return NULL;
		ret = ct_rmdir(X);
		if (!ret)
			crowd->removed++;
		else if (ret != -ENOENT)
			race_fail(crowd->race, "rmdir: %d", ret);
		pthread_barrier_wait(&crowd->barrier);
	}
}

/* Once the removers have let go of the mount. */
static int unmount(void)
{
	int ret;

	do {
		ret = ct_umount(MNT);
	} while (ret == -EBUSY);
	return ret;
}

TEST_F_TIMEOUT(race_rmdir, same_directory, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct crowd crowd = { .race = race };
	unsigned long left = 0, rounds = 0;
	pthread_t threads[REMOVERS];
	int ret;

	race_need(race, RACE_ROUNDS, 21);
	ASSERT_EQ(0, pthread_barrier_init(&crowd.barrier, NULL, REMOVERS + 1));
	for (int i = 0; i < REMOVERS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, remove_same,
					    &crowd));
	}
	for (; !race_over(race); rounds++) {
		ret = ct_mkdir(X);
		if (ret)
			race_fail(race, "mkdir: %d", ret);
		crowd.removed = 0;
		pthread_barrier_wait(&crowd.barrier);
		if (rounds & 1) {
			ret = unmount();
			if (ret)
				race_fail(race, "umount: %d", ret);
		}
		pthread_barrier_wait(&crowd.barrier);
		if (rounds & 1) {
			ret = ct_mount(LIST, MNT);
			if (ret)
				race_fail(race, "mount: %d", ret);
		}
		/* It is there if it was unmounted before it was removed. */
		ret = ct_rmdir(X);
		if (ret != (crowd.removed ? -ENOENT : 0))
			race_fail(race, "%d removed it, then: %d",
				  crowd.removed, ret);
		if (crowd.removed > 1 || (crowd.removed != 1 && !(rounds & 1)))
			race_fail(race, "%d removed it", crowd.removed);
		left += !crowd.removed;
		race_count(race, RACE_ROUNDS);
	}
	crowd.end = true;
	pthread_barrier_wait(&crowd.barrier);
	for (int i = 0; i < REMOVERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, unmounted first in %lu", rounds, left);
}

/*
 * Hole 45: forks in a container that their creator is taken out of, and which is
 * removed as soon as the children have gone.
 */
static void forker(struct race *race, void *arg)
{
	(void)arg;
	setpgid(0, 0);
	/* As long as it may be attached. */
	while (!race_stopped(race)) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		/* A walk over the process group, new ones included. */
		setpriority(PRIO_PGRP, 0, 5);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		race_count(race, COUNT_FORKED);
	}
}

TEST_F_TIMEOUT(race_rmdir, parents_group, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 4);
	race_need(race, COUNT_REMOVED, 4);
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, forker, NULL));
	}
	for (unsigned int i = 0; !race_over(race); i++) {
		const char *cont = ct_path(MNT "/g%u", i % 3);
		uint64_t give_up;
		int ret;

		ret = ct_mkdir(cont);
		if (!ret)
			ret = ct_write(cont, "cpuset.cpus", "0-3");
		if (!ret)
			ret = ct_write(cont, "cpuset.mems", "0-1");
		for (int w = 0; w < 3 && !ret; w++)
			ret = ct_attach_process(cont, race->worker[w]);
		race_sleep_us(race_random(3000));
		for (int w = 0; w < 3 && !ret; w++)
			ret = ct_attach_process(MNT, race->worker[w]);
		if (ret)
			race_fail(race, "error %d", ret);
		/* Until the children, which do nothing, have gone too. */
		give_up = race_now() + CT_WAIT_MS * 1000000ULL;
		do {
			ret = ct_rmdir(cont);
			if (!ret)
				race_count(race, COUNT_REMOVED);
		} while (ret == -EBUSY && race_now() < give_up);
		if (ret)
			race_fail(race, "rmdir: %d", ret);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forks, %lu removed", race->count[COUNT_FORKED],
	       race->count[COUNT_REMOVED]);
}

#define BC	CT_DIR "/kept"
#define KEPT	BC "/x"

static void removing(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_rmdir(KEPT);

		if (ret != -EBUSY)
			race_fail(race, "rmdir: %d", ret);
		race_count(race, COUNT_BUSY);
	}
}

static void visiting(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_enter(KEPT);

		if (!ret)
			ret = ct_enter(BC);
		if (ret)
			race_fail(race, "attach: %d", ret);
		race_count(race, COUNT_ATTACHED);
	}
}

/* What cannot be removed, for a file is charged there, does not look removed. */
TEST_F_TIMEOUT(race_rmdir, kept_by_a_file, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int fd;

	race_need(race, COUNT_BUSY, 100);
	race_need(race, COUNT_ATTACHED, 100);
	ASSERT_EQ(0, ct_mount("bc", BC));
	ASSERT_EQ(0, ct_mkdir(KEPT));
	ASSERT_EQ(0, ct_enter(KEPT));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_enter(BC));
	ASSERT_LT(0, race_worker(race, removing, NULL));
	ASSERT_LT(0, race_worker(race, visiting, NULL));
	ASSERT_LT(0, race_worker(race, visiting, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu times busy, %lu visits", race->count[COUNT_BUSY],
	       race->count[COUNT_ATTACHED]);
	close(fd);
	EXPECT_EQ(0, ct_rmdir(KEPT));
}

#define CROWD	30

/* Goes in and out with all of its threads, for each of which a place is reserved. */
static void crowd_mover(struct race *race, void *arg)
{
	static struct ct_threads threads;
	int fd, ret;

	(void)arg;
	if (ct_threads_start(&threads, CROWD)) {
		race_fail(race, "threads");
		return;
	}
	while (!race_over(race)) {
		fd = ct_open(X, "procs", O_WRONLY);
		if (too_late(fd))
			continue;
		if (fd < 0) {
			race_fail(race, "open: %d", fd);
			break;
		}
		ret = ct_fd_write(fd, "0");
		close(fd);
		if (ret == -ENODEV) {
			race_count(race, COUNT_GONE);
			continue;
		}
		race_count(race, COUNT_ATTACHED);
		if (ret || ct_read_num(X, "sample.members") != CROWD + 1)
			race_fail(race, "attach: %d", ret);
		if (ct_attach_process(MNT, getpid()))
			race_fail(race, "out again");
	}
	ct_threads_stop(&threads);
}

/*
 * A process on its way to a container that is removed meanwhile. The kernel warns if
 * what sample has reserved for it is not given back.
 */
TEST_F_TIMEOUT(race_rmdir, reserved, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int ret;

	race_need(race, COUNT_REMOVED, 100);
	race_need(race, COUNT_GONE, 30);
	race_need(race, COUNT_ATTACHED, 10);
	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, ct_mount("sample", MNT));
	ASSERT_LT(0, race_worker(race, crowd_mover, NULL));
	while (!race_over(race)) {
		ASSERT_EQ(0, ct_mkdir(X));
		race_sleep_us(race_random(500));
		do {
			ret = ct_rmdir(X);
		} while (ret == -EBUSY);
		ASSERT_EQ(0, ret);
		race_count(race, COUNT_REMOVED);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu removed, %lu gone, %lu attached", race->count[COUNT_REMOVED],
	       race->count[COUNT_GONE], race->count[COUNT_ATTACHED]);
}

/*
 * The states of bc and numtasks, which are charged without a lock, against the
 * removal of their container. They are in a hierarchy of their own.
 */
#define S	CT_DIR "/states"
#define SX	S "/x"

static void state_remaker(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_mkdir(SX);

		if (ret && ret != -EEXIST)
			race_fail(race, "mkdir: %d", ret);
		race_sleep_us(race_random(300));
		ret = ct_rmdir(SX);
		if (!ret)
			race_count(race, COUNT_REMOVED);
		else if (ret == -EBUSY)
			race_count(race, COUNT_BUSY);
		else
			race_fail(race, "rmdir: %d", ret);
	}
}

/* Reads and writes files that go away, and goes on doing so. */
static void state_user(struct race *race, void *arg)
{
	static const struct {
		const char *name, *value;
	} files[] = {
		{ "bc.numfiles.held", NULL },
		{ "bc.numfiles.maxheld", "0" },
		{ "bc.numfiles.minheld", "0" },
		{ "bc.numfiles.barrier", "256" },
		{ "bc.numfiles.limit", "512" },
		{ "bc.numfiles.failcnt", "0" },
		{ "numtasks.shares", "min_shares=1,max_shares=90" },
		{ "numtasks.stats", "res=numtasks" },
	};

	(void)arg;
	while (!race_over(race)) {
		unsigned int f = race_random(sizeof(files) / sizeof(files[0]));
		int fd = ct_open(SX, files[f].name,
				 files[f].value ? O_RDWR : O_RDONLY);

		if (fd < 0) {
			if (!too_late(fd))
				race_fail(race, "open %s: %d", files[f].name, fd);
			continue;
		}
		for (int i = 0; i < 6; i++) {
			char buf[1024];
			int ret = 0;

			if (i & 1 && files[f].value)
				ret = ct_fd_write(fd, files[f].value);
			else if (pread(fd, buf, sizeof(buf), 0) < 0)
				ret = -errno;
			if (ret && ret != -ENODEV)
				race_fail(race, "%s: %d", files[f].name, ret);
			race_count(race, ret ? COUNT_GONE : COUNT_WRITTEN);
		}
		close(fd);
	}
}

/* Charges what is about to be removed: files, and a task. */
static void state_charger(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();
		int ret, fd;

		if (pid) {
			if (pid > 0)
				waitpid(pid, NULL, 0);
			continue;
		}
		ret = ct_enter(SX);
		if (!ret) {
			race_count(race, COUNT_ATTACHED);
			fd = eventfd(0, EFD_CLOEXEC);
			if (fd < 0)
				race_fail(race, "eventfd: %d", errno);
			pid = fork();
			if (!pid)
				_exit(0);
			if (pid < 0)
				race_fail(race, "fork: %d", errno);
			else
				waitpid(pid, NULL, 0);
			/* Sometimes it is closed elsewhere. */
			if (race_random(2) && ct_enter(S))
				race_fail(race, "out again");
		} else if (!too_late(ret)) {
			race_fail(race, "attach: %d", ret);
		}
		_exit(0);
	}
}

/* Hole 76: readers and chargers of states that are being removed. */
TEST_F_TIMEOUT(race_rmdir, states, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_subsys row;

	race_need(race, COUNT_REMOVED, 4);
	race_need(race, COUNT_WRITTEN, 4);
	race_need(race, COUNT_GONE, 1);
	race_need(race, COUNT_ATTACHED, 3);
	ASSERT_EQ(0, ct_mount("numtasks,bc", S));
	ASSERT_LT(0, race_worker(race, state_remaker, NULL));
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, state_user, NULL));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_LT(0, race_worker(race, state_charger, NULL));
	}
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu removed, %lu busy, %lu used, %lu gone, %lu attached",
	       race->count[COUNT_REMOVED], race->count[COUNT_BUSY],
	       race->count[COUNT_WRITTEN], race->count[COUNT_GONE],
	       race->count[COUNT_ATTACHED]);
	ct_rmdir(SX);
	EXPECT_EQ(0, ct_subsys("bc", &row));
	EXPECT_EQ(1, row.containers);
	EXPECT_EQ(0, ct_umount(S));
	EXPECT_EQ(0, ct_subsys("bc", &row));
	EXPECT_EQ(0, row.hierarchy);
}

TEST_HARNESS_MAIN
