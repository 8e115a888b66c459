// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of very many threads: that all of them are seen, and that nobody else
 * has to wait for long while they are read, moved, or exit. The debug kernel has no
 * memory for so many stacks.
 *
 * kernel: cgroups
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "../kselftest_harness.h"
#include "ns_util.h"
#include "race_util.h"

#define T	CT_DIR "/crowd"
#define A	T "/a"
#define B	T "/b"

#define LONG_TIMEOUT	300
#define KERNEL		"/proc/sys/kernel"

/* Of each thread, which calls one function. */
#define STACK		1024
#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)

/*
 * A CPU that is kept from its work for so long, by the kernel or by whoever else uses
 * the machine. One step for each thread takes a thousandth of it; one step for each pair
 * of threads many times as much.
 */
#define MAX_GAP_MS	6000

FIXTURE(crowd)
{
	long long pid_max;
	long long threads_max;
};

FIXTURE_SETUP(crowd)
{
	ASSERT_EQ(0, ct_setup());
	self->pid_max = ct_read_num(KERNEL, "pid_max");
	self->threads_max = ct_read_num(KERNEL, "threads-max");
	ASSERT_LT(0, self->pid_max);
	ASSERT_LT(0, self->threads_max);
	ASSERT_EQ(0, ct_write_num(KERNEL, "pid_max", 131072));
	ASSERT_EQ(0, ct_write_num(KERNEL, "threads-max", 100000));
	ASSERT_EQ(0, ct_mount("cpuset,cpuacct,numtasks,bc,sample", T));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	ASSERT_EQ(0, ct_write(A, "cpuset.cpus", "0-3"));
	ASSERT_EQ(0, ct_write(A, "cpuset.mems", "0-1"));
	ASSERT_EQ(0, ct_write(B, "cpuset.cpus", "0-3"));
	ASSERT_EQ(0, ct_write(B, "cpuset.mems", "0-1"));
}

FIXTURE_TEARDOWN_PARENT(crowd)
{
	EXPECT_EQ(0, ct_reset());
	EXPECT_EQ(0, ct_write_num(KERNEL, "threads-max", self->threads_max));
	EXPECT_EQ(0, ct_write_num(KERNEL, "pid_max", self->pid_max));
}

static int wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_pause);
	return 0;
}

/*
 * A child process of so many threads, whose ids are put into shared memory. Without
 * libc's knowledge, for whose stacks there is no room.
 */
static pid_t start_crowd(const char *cont, int count, pid_t *tid)
{
	int *word = ct_shared(sizeof(int));
	pid_t pid = ct_fork();
	int ret;

	if (!pid) {
		char *stacks = mmap(NULL, (size_t)count * STACK,
				    PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int i;

		ret = stacks == MAP_FAILED ? -errno : ct_enter(cont);
		tid[0] = getpid();
		for (i = 1; i < count && !ret; i++)
			if (clone(wait_for_ever, stacks + (size_t)(i + 1) * STACK,
				  THREAD_FLAGS, NULL, &tid[i]) < 0)
				ret = -errno;
		ct_futex_wake(word, ret ? ret : 1);
		wait_for_ever(NULL);
	}
	if (pid < 0)
		return -errno;
	ct_futex_wait(word, 0);
	ret = *word;
	munmap(word, sizeof(int));
	if (ret > 0)
		return pid;
	ct_kill(pid);
	return ret;
}

static int compare_tids(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* Are just these in "tasks"? They get sorted. */
static bool crowd_is_in(const char *cont, pid_t *tid, int count)
{
	struct ct_pids pids;
	bool same;

	if (ct_read_pids(cont, "tasks", &pids))
		return false;
	qsort(tid, count, sizeof(*tid), compare_tids);
	same = pids.count == (size_t)count &&
	       !memcmp(pids.pid, tid, count * sizeof(*tid));
	ct_free_pids(&pids);
	return same;
}

/*
 * Hearts: a thread on each CPU that nobody can keep from running but the kernel,
 * and that remembers for how long it was kept at most.
 */

struct heart {
	pthread_t thread;
	int cpu;
	uint64_t worst;
};

static struct heart hearts[8];
static bool hearts_stop;

static void *beat(void *arg)
{
	const struct sched_param param = { .sched_priority = 50 };
	struct heart *heart = arg;
	uint64_t last, now;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(heart->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_FIFO, &param)) {
		heart->worst = UINT64_MAX;
		return NULL;
	}
	for (last = race_now(); !__atomic_load_n(&hearts_stop, __ATOMIC_SEQ_CST);
	     last = now) {
		race_sleep_us(2000);
		now = race_now();
		if (now - last > heart->worst)
			heart->worst = now - last;
	}
	return NULL;
}

static void hearts_start(struct __test_metadata *_metadata)
{
	hearts_stop = false;
	for (int i = 0; i < ct_cpus(); i++) {
		hearts[i].cpu = i;
		hearts[i].worst = 0;
		ASSERT_EQ(0, pthread_create(&hearts[i].thread, NULL, beat,
					    &hearts[i]));
	}
}

static void hearts_check(struct __test_metadata *_metadata)
{
	__atomic_store_n(&hearts_stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < ct_cpus(); i++) {
		pthread_join(hearts[i].thread, NULL);
		TH_LOG("CPU %d: %llu us", i,
		       (unsigned long long)hearts[i].worst / 1000);
		EXPECT_GT(MAX_GAP_MS * 1000000ULL, hearts[i].worst);
	}
}

/*
 * Hole 66: more members than fit any buffer that a kernel would allocate, moved in
 * one step and read whole, each once.
 */
TEST_F_TIMEOUT(crowd, members, LONG_TIMEOUT)
{
	const int count = 40000;
	pid_t *tid = ct_shared(count * sizeof(*tid));
	pid_t pid = start_crowd(T, count, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(A, pid));
	EXPECT_TRUE(crowd_is_in(A, tid, count));
	EXPECT_EQ(1, ct_count(A, "procs"));
	EXPECT_EQ(1, ct_has(A, "procs", pid));
	EXPECT_EQ(count, ct_read_num(A, "sample.members"));
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_TRUE(crowd_is_in(B, tid, count));
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_read_num(A, "sample.members"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_count(B, "tasks"));
	EXPECT_EQ(0, ct_read_num(B, "sample.members"));
}

enum { COUNT_READ, COUNT_FORKED };

static const char *const stats[] = {
	"tasks", "procs", "cpuacct.usage", "cpuacct.stat", "cpuacct.usage_percpu",
	"cpuacct.subtree_usage", "numtasks.stats", "sample.members", "events",
};

static void read_stats(struct race *race)
{
	static char buf[65536];

	for (unsigned int i = 0; i < ARRAY_SIZE(stats) && !race_over(race); i++) {
		int fd = ct_open(A, stats[i], O_RDONLY);
		ssize_t len;

		do {
			len = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
		} while (len > 0 && !race_over(race));
		if (len < 0)
			race_fail(race, "%s: %d", stats[i], errno);
		close(fd);
	}
	race_count(race, COUNT_READ);
}

/* One of them in a pid namespace in which nobody of the crowd is. */
static void stat_reader(struct race *race, void *arg)
{
	pid_t pid = (long)arg ? 0 : ns_clone(CLONE_NEWPID);

	if (!pid) {
		do {
			read_stats(race);
		} while (!race_over(race));
		if (!(long)arg)
			_exit(0);
		return;
	}
	if (pid < 0 || ct_wait(pid))
		race_fail(race, "reader: %d", pid);
}

/*
 * Hole 47: every CPU reads all there is to be read of a process of 16,000 threads,
 * and each of them is still there for others.
 */
TEST_F_TIMEOUT(crowd, readers, LONG_TIMEOUT)
{
	const int count = 16000;
	pid_t *tid = ct_shared(count * sizeof(*tid));
	pid_t pid = start_crowd(A, count, tid);
	struct race *race;

	ASSERT_LT(0, pid);
	hearts_start(_metadata);
	race = race_new(4);
	race_need(race, COUNT_READ, 4);
	for (long i = 0; i < 4; i++) {
		ASSERT_LT(0, race_worker(race, stat_reader, (void *)i));
	}
	race_run(race);
	hearts_check(_metadata);
	EXPECT_RACE(race);
	TH_LOG("%lu reads", race->count[COUNT_READ]);
	EXPECT_TRUE(crowd_is_in(A, tid, count));
	ct_kill(pid);
}

/* Another member, who has nothing to do with the crowd. */
static void forker(struct race *race, void *arg)
{
	const struct sched_param param = { .sched_priority = 1 };
	int ret = ct_enter(arg);

	/* It is to wait for locks, but not for 30,000 others to have had their turn. */
	if (!ret && sched_setscheduler(0, SCHED_FIFO, &param))
		ret = -errno;
	if (ret)
		race_fail(race, "enter: %d", ret);
	while (!race_stopped(race)) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || ct_wait(pid))
			race_fail(race, "fork: %d", pid);
		race_count(race, COUNT_FORKED);
	}
}

/*
 * Hole 77: 30,000 threads exit at once, while somebody is in the middle of reading
 * where they are, and another member of the same container forks.
 */
TEST_F_TIMEOUT(crowd, exit, LONG_TIMEOUT)
{
	const int count = 30000;
	pid_t *tid = ct_shared(count * sizeof(*tid));
	pid_t pid = start_crowd(A, count, tid);
	struct race *race;
	unsigned long forked;
	char byte;
	int fd;

	ASSERT_LT(0, pid);
	fd = ct_open(A, "tasks", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, read(fd, &byte, 1));
	race = race_new(240);
	ASSERT_LT(0, race_worker(race, forker, A));
	while (!race->count[COUNT_FORKED] && !race_over(race))
		race_sleep_us(1000);
	hearts_start(_metadata);
	forked = race->count[COUNT_FORKED];
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	forked = race->count[COUNT_FORKED] - forked;
	hearts_check(_metadata);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forks meanwhile", forked);
	EXPECT_LT(9UL, forked);
	/* The reader finds the rest of what was there, or its end. */
	while (read(fd, &byte, 1) == 1)
		;
	EXPECT_EQ(0, read(fd, &byte, 1));
	close(fd);
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_read_num(A, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(A));
}

/* What it takes a member of @cont at least to create a process and see it exit. */
static uint64_t shortest_life(const char *cont)
{
	uint64_t shortest = UINT64_MAX;

	if (ct_enter(cont))
		return 0;
	for (int i = 0; i < 100; i++) {
		uint64_t began = race_now(), took;
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		if (pid < 0 || ct_wait(pid))
			return 0;
		took = race_now() - began;
		if (took < shortest)
			shortest = took;
	}
	return ct_enter(T) ? 0 : shortest;
}

#define FILES	60000

/* A process that has "tasks" open so often, read to the middle. */
static pid_t half_reader(const char *cont)
{
	const struct rlimit limit = { FILES + 100, FILES + 100 };
	int *word = ct_shared(sizeof(int));
	pid_t pid = ct_fork();

	if (!pid) {
		int ret = setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
		char byte;

		for (int i = 0; i < FILES && !ret; i++) {
			int fd = ct_open(cont, "tasks", O_RDONLY);

			if (fd < 0 || read(fd, &byte, 1) != 1)
				ret = -errno;
		}
		ct_futex_wake(word, ret ? ret : 1);
		wait_for_ever(NULL);
	}
	if (pid < 0)
		return -errno;
	ct_futex_wait(word, 0);
	return *word < 0 ? *word : pid;
}

/*
 * Hole 77: who may read "tasks" has it open 60,000 times, each time in the middle of
 * the members. None of them has to be looked at when a member exits or moves.
 */
TEST_F_TIMEOUT(crowd, half_read_files, LONG_TIMEOUT)
{
	const int count = 2000;
	pid_t *tid = ct_shared(count * sizeof(*tid));
	pid_t pid = start_crowd(A, count, tid), reader;
	uint64_t before, after;

	ASSERT_LT(0, pid);
	before = shortest_life(A);
	ASSERT_LT(0UL, before);
	reader = half_reader(A);
	ASSERT_LT(0, reader);
	after = shortest_life(A);
	ASSERT_LT(0UL, after);
	TH_LOG("%llu us, %llu us beside them", (unsigned long long)before / 1000,
	       (unsigned long long)after / 1000);
	EXPECT_GT(4 * before, after);
	EXPECT_TRUE(crowd_is_in(A, tid, count));
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_TRUE(crowd_is_in(B, tid, count));
	EXPECT_EQ(0, ct_count(A, "tasks"));
	ct_kill(reader);
	ct_kill(pid);
}

TEST_HARNESS_MAIN
