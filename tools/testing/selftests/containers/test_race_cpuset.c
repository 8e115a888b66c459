// SPDX-License-Identifier: GPL-2.0
/*
 * Cpusets that change while CPUs go and come back, while members fork, are
 * moved, set their own masks and fault pages in. Whenever all stops, what is in
 * force for each thread is what its cpuset says.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"
#include "race_util.h"

#define A	MNT "/a"
#define B	MNT "/b"

enum { COUNT_FORKED, COUNT_MOVED, COUNT_WRITTEN, COUNT_HOTPLUG, COUNT_MASKS,
       COUNT_CHECKED, COUNT_FAULTS };

FIXTURE(race_cpuset) {
	struct race *race;
};

FIXTURE_SETUP(race_cpuset)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_cpuset)
{
	EXPECT_EQ(0, cpus_restore());
	EXPECT_EQ(0, ct_reset());
}

/*
 * The pool: processes, each with a thread, that fork children that stay for a
 * while. They know the masks that they have set for themselves, if any.
 */

#define POOL		6
#define POOL_LIVE	32
#define POOL_SLOTS	(4 * POOL_LIVE)
#define MASK_UNKNOWN	(~0UL)

struct pool {
	struct race *race;
	atomic_int live;
	atomic_int stopped;
	struct {
		pid_t tid;
		unsigned long mask;
	} slot[POOL_SLOTS];
};

static struct pool *pool;

/* The mask that the calling thread has set or inherited; 0: none. */
static __thread unsigned long own_mask;

static void pool_checkpoint(void)
{
	int slot;

	if (!pool->race->paused)
		return;
	slot = atomic_fetch_add(&pool->stopped, 1);
	if (slot < POOL_SLOTS) {
		pool->slot[slot].tid = race_gettid();
		pool->slot[slot].mask = own_mask;
	}
	race_checkpoint(pool->race);
}

static void pool_breathe(unsigned int us)
{
	pool_checkpoint();
	race_sleep_us(race_random(us));
	pool_checkpoint();
}

/* A mask of its own; refused where the cpuset shares nothing with it. */
static void change_mask(void)
{
	unsigned long mask = 1 + race_random(15);
	int ret;

	if (own_mask == MASK_UNKNOWN)
		return;
	ret = cpuset_set_affinity(0, mask);
	if (!ret)
		own_mask = mask;
	else if (ret != -EINVAL)
		race_fail(pool->race, "sched_setaffinity: %d", ret);
	race_count(pool->race, COUNT_MASKS);
}

static void pool_child(void)
{
	for (unsigned int i = race_random(8); i && !pool->race->stop; i--)
		pool_breathe(20000);
	pool->live--;
	_exit(0);
}

static void pool_fork(void)
{
	pid_t pid;

	if (pool->race->stop || pool->race->paused)
		return;
	if (atomic_fetch_add(&pool->live, 1) >= POOL_LIVE) {
		pool->live--;
		return;
	}
	pid = fork();
	if (!pid)
		pool_child();
	if (pid < 0)
		pool->live--;
	race_count(pool->race, COUNT_FORKED);
}

static void *pool_thread(void *mask)
{
	own_mask = (unsigned long)mask;
	while (!pool->race->stop) {
		pool_breathe(20000);
		if (race_random(8) == 0)
			change_mask();
		if (race_random(4) == 0)
			pool_fork();
	}
	pool->live--;
	return NULL;
}

/* Pids of those whose masks others set as they like. */
static pid_t *victims;
#define VICTIMS		2

static void pool_worker(struct race *race, void *arg)
{
	long number = (long)arg;
	pthread_t thread;

	signal(SIGCHLD, SIG_IGN);
	if (number < VICTIMS) {
		own_mask = MASK_UNKNOWN;
		victims[number] = getpid();
	}
	if (ct_enter(number & 1 ? A : B)) {
		race_fail(race, "cannot enter");
		return;
	}
	pool->live += 2;
	if (pthread_create(&thread, NULL, pool_thread, (void *)own_mask)) {
		race_fail(race, "no thread");
		return;
	}
	while (!race->stop) {
		pool_fork();
		pool_breathe(20000);
		if (race_random(16) == 0)
			change_mask();
	}
	pool->live--;
	pthread_join(thread, NULL);
	while (wait(NULL) > 0 || errno != ECHILD)
		continue;
}

/* Sets the masks of threads that may be forking just then. */
static void pest(struct race *race, void *arg)
{
	(void)arg;
	while (!race_stopped(race)) {
		pid_t pid = victims[race_random(VICTIMS)];
		int ret = pid ? cpuset_set_affinity(pid, 1 + race_random(15)) :
				0;

		if (ret && ret != -EINVAL)
			race_fail(race, "affinity of %d: %d", pid, ret);
		race_count(race, COUNT_MASKS);
		race_checkpoint(race);
	}
}

static void pool_mover(struct race *race, void *arg)
{
	static const char * const places[] = { A, B, MNT };

	(void)arg;
	while (!race_stopped(race)) {
		const char *from = race_random(2) ? A : B;
		struct ct_pids pids;

		if (ct_read_pids(from, "tasks", &pids)) {
			race_fail(race, "cannot read %s", from);
			return;
		}
		for (size_t i = 0; i < pids.count; i++) {
			const char *to = places[race_random(3)];
			int ret = race_random(4) ?
				ct_attach(to, pids.pid[i]) :
				ct_attach_process(to, pids.pid[i]);

			if (ret && ret != -ESRCH)
				race_fail(race, "%d to %s: %d", pids.pid[i],
					  to, ret);
			race_count(race, COUNT_MOVED);
			race_checkpoint(race);
		}
		ct_free_pids(&pids);
		race_checkpoint(race);
	}
}

/* Those in the root come back, or all would end there. */
static void pool_collector(struct race *race, void *arg)
{
	(void)arg;
	while (!race_stopped(race)) {
		for (int i = 0; i < race->workers && i < POOL; i++) {
			pid_t pid = race->worker[i];
			int ret = ct_attach_process(race_random(2) ? A : B,
						    pid);

			if (ret && ret != -ESRCH)
				race_fail(race, "%d: %d", pid, ret);
			race_count(race, COUNT_MOVED);
			race_checkpoint(race);
		}
		race_sleep_us(5000);
		race_checkpoint(race);
	}
}

/* EINVAL: the other one is exclusive, or would overlap. */
static void pool_writer(struct race *race, void *arg)
{
	static const char * const flags[] = {
		"cpuset.sched_load_balance", "cpuset.memory_migrate",
		"cpuset.memory_spread_page",
	};

	(void)arg;
	while (!race_stopped(race)) {
		const char *cont = race_random(2) ? A : B;
		unsigned int what = race_random(14);
		int ret;

		if (what < 5)
			ret = cpuset_set(cont, "cpuset.cpus",
					 1 + race_random(15));
		else if (what < 7)
			ret = cpuset_set(cont, "cpuset.mems",
					 1 + race_random(3));
		else if (what == 7)
			ret = ct_write_num(cont, "cpuset.cpu_exclusive",
					   race_random(4) == 0);
		else if (what < 11)
			ret = ct_write_num(cont, flags[what - 8],
					   race_random(2));
		else
			ret = ct_write_num(MNT, flags[0], race_random(2));
		if (ret && ret != -EINVAL)
			race_fail(race, "write %u: %d", what, ret);
		race_count(race, COUNT_WRITTEN);
		race_checkpoint(race);
	}
}

static void hotplugger(struct race *race, void *arg)
{
	bool off[CPUS] = {};

	(void)arg;
	while (!race_stopped(race)) {
		int cpu = 1 + race_random(CPUS - 1);
		int ret = cpu_online(cpu, off[cpu]);

		/* The scheduler keeps the last CPU of a domain. */
		if (ret == -EBUSY && !off[cpu]) {
			race_checkpoint(race);
			continue;
		}
		if (ret)
			race_fail(race, "CPU %d %s: %d", cpu,
				  off[cpu] ? "on" : "off", ret);
		off[cpu] = !off[cpu];
		race_count(race, COUNT_HOTPLUG);
		/* Who stops all has brought all CPUs back. */
		if (race->paused) {
			race_checkpoint(race);
			memset(off, 0, sizeof(off));
		}
	}
}

/* Where a thread is, by /proc/PID/container: its container's directory. */
static const char *directory_of(pid_t tid)
{
	char path[64];

	if (ct_container_of(tid, "cpuset", path, sizeof(path)))
		return NULL;
	return ct_path(MNT "%s", strcmp(path, "/") ? path : "");
}

/* Is in force for a thread what its container and its own mask say? */
static void check_slot(struct race *race, pid_t tid, unsigned long mask,
		       bool root_too)
{
	const char *dir = directory_of(tid);
	unsigned long cpus, mems;
	char why[400];

	if (!dir) {
		race_fail(race, "%d is nowhere", tid);
		return;
	}
	if (!strcmp(dir, MNT) && !root_too)
		return;
	cpus = cpuset_get(dir, "cpuset.effective_cpus");
	mems = cpuset_get(dir, "cpuset.effective_mems");
	if (mask == MASK_UNKNOWN) {
		mask = cpuset_affinity(tid);
		if (!mask || mask & ~cpus)
			race_fail(race, "%d has %lx, its cpuset %lx", tid, mask,
				  cpus);
	}
	cpus = cpus & mask ?: cpus;
	if (!cpuset_in_force(tid, tid, cpus, mems, why, sizeof(why)))
		race_fail(race, "in %s, mask %lx: %s", dir, mask, why);
	race_count(race, COUNT_CHECKED);
}

/* The pool and these others stop. */
static void pool_stop(struct race *race, int others)
{
	uint64_t end = race_now() + RACE_JOIN_MS * 1000000ULL;

	pool->stopped = 0;
	race->paused = 1;
	while (pool->stopped != pool->live ||
	       race->waiting != pool->live + others) {
		if (race->failures)
			return;
		if (race_now() >= end) {
			race_fail(race, "%d of %d stopped, %d wait",
				  pool->stopped, pool->live, race->waiting);
			return;
		}
		race_sleep_us(1000);
	}
}

/*
 * Holes 43, 44, 46, 50, 57: whatever was at work at the same time, what is in force
 * fits together in the end, and lockdep has seen all orders of the locks.
 */
TEST_F_TIMEOUT(race_cpuset, hotplug, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int others = 0;

	race_need(race, COUNT_FORKED, 2);
	race_need(race, COUNT_MOVED, 2);
	race_need(race, COUNT_WRITTEN, 2);
	race_need(race, COUNT_HOTPLUG, 2);
	race_need(race, COUNT_CHECKED, 2);
	pool = ct_shared(sizeof(*pool));
	pool->race = race;
	victims = ct_shared(VICTIMS * sizeof(*victims));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 2, 1));
	for (long i = 0; i < POOL; i++) {
		ASSERT_LT(0, race_worker(race, pool_worker, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, pool_mover, NULL));
	ASSERT_LT(0, race_worker(race, pool_collector, NULL));
	ASSERT_LT(0, race_worker(race, pool_writer, NULL));
	ASSERT_LT(0, race_worker(race, hotplugger, NULL));
	ASSERT_LT(0, race_worker(race, pest, NULL));
	others = 5;
	while (!race_over(race)) {
		int live;

		race_sleep_us(2000000);
		pool_stop(race, others);
		live = pool->live;
		/* As it is now, and then with all CPUs back. */
		for (int i = 0; i < live && !race->failures; i++)
			check_slot(race, pool->slot[i].tid, pool->slot[i].mask,
				   false);
		if (cpus_restore())
			race_fail(race, "a CPU does not come back");
		for (int i = 0; i < live && !race->failures; i++)
			check_slot(race, pool->slot[i].tid, pool->slot[i].mask,
				   true);
		if (!race->failures)
			race_resume(race);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forks, %lu moves, %lu writes, %lu CPUs off or on, %lu masks, %lu checks",
	       race->count[COUNT_FORKED], race->count[COUNT_MOVED],
	       race->count[COUNT_WRITTEN], race->count[COUNT_HOTPLUG],
	       race->count[COUNT_MASKS], race->count[COUNT_CHECKED]);
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
	EXPECT_EQ(0, cpus_restore());
	EXPECT_EQ(0, ct_write(A, "cpuset.cpu_exclusive", "0"));
	EXPECT_EQ(0, ct_write(B, "cpuset.cpu_exclusive", "0"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
	EXPECT_EQ(ALL_CPUS, cpuset_affinity(0));
}

#define BREEDERS	3

static const struct {
	const char *dir;
	const char *path;
	unsigned long cpus;
	unsigned long mems;
} places[] = {
	{ MNT, "/", ALL_CPUS, ALL_MEMS },
	{ A, "/a", 3, 1 },
	{ B, "/b", 0xc, 2 },
};

/* Only its creator is moved. */
static void check_child(struct race *race)
{
	char path[64], why[400];

	if (ct_container_of(getpid(), "cpuset", path, sizeof(path))) {
		race_fail(race, "%d is nowhere", getpid());
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(path, places[i].path) &&
		    !cpuset_in_force(getpid(), getpid(), places[i].cpus,
				     places[i].mems, why, sizeof(why)))
			race_fail(race, "born in %s: %s", path, why);
	race_count(race, COUNT_CHECKED);
}

static void breeder(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			check_child(race);
			_exit(0);
		}
		if (pid < 0)
			race_fail(race, "fork: %d", errno);
		else
			waitpid(pid, NULL, 0);
	}
}

/* Hole 57: children of who is moved have what their cpuset says from the beginning. */
TEST_F_TIMEOUT(race_cpuset, newborn, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_CHECKED, 100);
	race_need(race, COUNT_MOVED, 100);
	for (unsigned int i = 1; i < ARRAY_SIZE(places); i++) {
		ASSERT_EQ(0, cpuset_make(places[i].dir, places[i].cpus, places[i].mems));
	}
	for (int i = 0; i < BREEDERS; i++) {
		ASSERT_LT(0, race_worker(race, breeder, NULL));
	}
	for (int i = 0; !race_over(race); i++) {
		int ret = ct_attach(places[race_random(ARRAY_SIZE(places))].dir,
				    race->worker[i % BREEDERS]);

		/* At the end they exit. */
		if (ret && (ret != -ESRCH || !race_over(race)))
			race_fail(race, "attach: %d", ret);
		race_count(race, COUNT_MOVED);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu children, %lu moves", race->count[COUNT_CHECKED],
	       race->count[COUNT_MOVED]);
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
}

/*
 * Holes 41, 42: members fault pages in, with policies of all kinds, while their
 * nodes change.
 */

#define PAGES	64

static void hog(struct race *race, void *arg)
{
	static const int modes[] = {
		MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED,
		MPOL_BIND | MPOL_F_RELATIVE_NODES,
		MPOL_BIND | MPOL_F_STATIC_NODES,
		MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES,
	};
	long size = sysconf(_SC_PAGESIZE);

	if (ct_enter((long)arg & 1 ? A : B)) {
		race_fail(race, "cannot enter");
		return;
	}
	while (!race_over(race)) {
		unsigned long nodes[16] = { 1 + race_random(3) };
		char *mem = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int mode = modes[race_random(6)];

		if (mem == MAP_FAILED) {
			race_fail(race, "mmap: %d", errno);
			return;
		}
		/* EINVAL: of these nodes the cpuset has none. */
		if (race_random(2) &&
		    syscall(SYS_mbind, mem, PAGES * size, mode, nodes, 1024,
			    0) && errno != EINVAL)
			race_fail(race, "mbind: %d", errno);
		if (race_random(4) == 0 &&
		    syscall(SYS_set_mempolicy, mode, nodes, 1024) &&
		    errno != EINVAL)
			race_fail(race, "set_mempolicy: %d", errno);
		for (int i = 0; i < PAGES; i++)
			mem[i * size] = 1;
		if (syscall(SYS_get_mempolicy, &mode, nodes, 1024, mem,
			    MPOL_F_ADDR))
			race_fail(race, "get_mempolicy: %d", errno);
		if (race_random(8) == 0) {
			unsigned long from[16] = { 1 }, to[16] = { 2 };

			/* EINVAL, EPERM: not within the cpuset. */
			syscall(SYS_migrate_pages, 0, 1024, from, to);
		}
		munmap(mem, PAGES * size);
		race_count(race, COUNT_FAULTS);
	}
	/* In the end node 0 is all there is, and no policy is in the way. */
	while (!race->stop)
		race_sleep_us(1000);
}

static void mems_writer(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = cpuset_set(race_random(2) ? A : B, "cpuset.mems",
				     1 + race_random(3));

		if (ret)
			race_fail(race, "write: %d", ret);
		race_count(race, COUNT_WRITTEN);
	}
}

static void hog_mover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		for (int i = 0; i < race->workers && i < 4; i++) {
			int ret = ct_attach_process(race_random(2) ? A : B,
						    race->worker[i]);

			if (ret && ret != -ESRCH)
				race_fail(race, "move: %d", ret);
			race_count(race, COUNT_MOVED);
		}
		race_sleep_us(2000);
	}
}

TEST_F_TIMEOUT(race_cpuset, page_faults, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FAULTS, 4);
	race_need(race, COUNT_WRITTEN, 4);
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 2));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	for (long i = 0; i < 4; i++) {
		ASSERT_LT(0, race_worker(race, hog, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, hog_mover, NULL));
	ASSERT_LT(0, race_worker(race, mems_writer, NULL));
	while (!race_over(race))
		race_sleep_us(10000);
	ASSERT_EQ(0, race_wait(race->worker[5], RACE_JOIN_MS));
	ASSERT_EQ(0, race_wait(race->worker[4], RACE_JOIN_MS));
	race->workers = 4;
	ASSERT_EQ(0, cpuset_set_both(A, 3, 1));
	ASSERT_EQ(0, cpuset_set_both(B, 0xc, 2));
	for (int i = 0; i < 4; i++) {
		bool in_a = ct_is_in(race->worker[i], "cpuset", "/a");

		EXPECT_IN_FORCE(race->worker[i], 1, in_a ? 3 : 0xc,
				in_a ? 1 : 2);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu times %d faults, %lu writes, %lu moves",
	       race->count[COUNT_FAULTS], PAGES, race->count[COUNT_WRITTEN],
	       race->count[COUNT_MOVED]);
}

/*
 * Hole 52: the first cpuset comes and the last one goes, which turns the machinery on
 * and off, while pages are faulted in on all CPUs.
 */
static void faulter(struct race *race, void *arg)
{
	const unsigned long nodes = ALL_MEMS;
	long size = sysconf(_SC_PAGESIZE);

	/* In and out, so that its sequence count is not as at the start. */
	if (ct_enter(A) || ct_enter(MNT) || cpuset_set_affinity(0, 1UL << (long)arg))
		race_fail(race, "affinity");
	/* Such a policy looks at the nodes for each page. */
	if (syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &nodes, 8 * sizeof(nodes)))
		race_fail(race, "set_mempolicy: %d", errno);
	race_count(race, COUNT_MOVED);
	while (!race_over(race)) {
		char *mem = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mem == MAP_FAILED) {
			race_fail(race, "mmap: %d", errno);
			return;
		}
		for (int i = 0; i < PAGES; i++)
			mem[i * size] = 1;
		munmap(mem, PAGES * size);
		race_count(race, COUNT_FAULTS);
	}
}

TEST_F_TIMEOUT(race_cpuset, first_and_last, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FAULTS, 4);
	race_need(race, COUNT_WRITTEN, 2);
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	for (long i = 0; i < CPUS; i++) {
		ASSERT_LT(0, race_worker(race, faulter, (void *)i));
	}
	while (race->count[COUNT_MOVED] < CPUS && !race_over(race))
		race_sleep_us(1000);
	ASSERT_EQ(0, ct_rmdir(A));
	/* Nobody is asked for their nodes while nothing is mounted. */
	while (!race_over(race)) {
		int ret = ct_umount(MNT);

		if (!ret)
			ret = ct_mount("cpuset", MNT);
		if (!ret)
			ret = cpuset_make(A, 3, 1 + race_random(3));
		if (!ret && race_random(2))
			ret = ct_enter(A) ?: ct_enter(MNT);
		if (!ret)
			ret = ct_rmdir(A);
		if (ret)
			race_fail(race, "error %d", ret);
		race_count(race, COUNT_WRITTEN);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu times %d faults, %lu cpusets", race->count[COUNT_FAULTS],
	       PAGES, race->count[COUNT_WRITTEN]);
}

/*
 * A thread sets its own mask just when its cpuset gets a CPU more, or is left for
 * one that has it.
 */
static struct {
	atomic_uint round;
	atomic_uint done;
	atomic_uint span_ns;
} *mask_setters;

#define MASK_SETTERS	3

static void mask_setter(struct race *race, void *arg)
{
	unsigned int round = 0;

	(void)arg;
	if (ct_enter(A))
		race_fail(race, "cannot enter");
	while (!race_stopped(race)) {
		uint64_t end;
		int ret;

		if (mask_setters->round == round)
			continue;
		round++;
		end = race_now() + race_random(1 + mask_setters->span_ns);
		while (race_now() < end)
			continue;
		ret = cpuset_set_affinity(0, 0x3);
		if (ret)
			race_fail(race, "sched_setaffinity: %d", ret);
		mask_setters->done++;
	}
}

TEST_F_TIMEOUT(race_cpuset, own_mask, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_CHECKED, 10);
	mask_setters = ct_shared(sizeof(*mask_setters));
	ASSERT_EQ(0, cpuset_make(A, 0x1, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0x3, ALL_MEMS));
	for (int i = 0; i < MASK_SETTERS; i++)
		ASSERT_LT(0, race_worker(race, mask_setter, NULL));
	for (int i = 0; i < MASK_SETTERS; i++)
		for (int ms = 0; ms < RACE_JOIN_MS && !ct_has(A, "tasks", race->worker[i]);
		     ms++)
			race_sleep_us(1000);
	while (!race_over(race)) {
		bool move = race_random(2);
		uint64_t start;

		mask_setters->done = 0;
		mask_setters->round++;
		start = race_now();
		for (int i = 0; move && i < MASK_SETTERS; i++)
			ASSERT_EQ(0, ct_attach(B, race->worker[i]));
		if (!move)
			ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x3));
		mask_setters->span_ns = race_now() - start;
		while (mask_setters->done < MASK_SETTERS && !race_stopped(race))
			race_sleep_us(100);
		for (int i = 0; i < MASK_SETTERS; i++) {
			ASSERT_EQ(0x3UL, cpuset_affinity(race->worker[i]))
				TH_LOG("%s, check %lu", move ? "moved" : "written",
				       race->count[COUNT_CHECKED]);
			if (move)
				ASSERT_EQ(0, ct_attach(A, race->worker[i]));
		}
		ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x1));
		race_count(race, COUNT_CHECKED);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu checks", race->count[COUNT_CHECKED]);
}

/*
 * Hole 73: kernel threads are put into a cpuset as soon as they are there, while
 * CPUs go and come back, and agents are run, for which workers are created.
 */

#define R	CT_DIR "/agents"

/* All that are children of kthreadd. */
static void kthread_mover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		struct ct_pids pids;

		if (ct_read_pids(MNT, "tasks", &pids))
			continue;
		/* The newest come last. */
		for (size_t i = pids.count; i-- > 0 && !race_over(race); ) {
			char comm[64];

			if (ct_proc_read(pids.pid[i], "comm", comm, sizeof(comm)) <= 0 ||
			    strncmp(comm, "kworker/", 8))
				continue;
			if (!ct_attach(A, pids.pid[i]))
				race_count(race, COUNT_MOVED);
			race_count(race, COUNT_CHECKED);
		}
		ct_free_pids(&pids);
	}
}

/* What a work item waits for makes others wait for another worker. */
static void agent_caller(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = ct_sleeper(R "/x");

		if (pid < 0)
			race_fail(race, "sleeper: %d", pid);
		else
			ct_kill(pid);
		race_count(race, COUNT_FORKED);
	}
}

static unsigned long affinity_of(pid_t pid)
{
	unsigned long mask = 0;

	return syscall(SYS_sched_getaffinity, pid, sizeof(mask), &mask) < 0 ? 0 : mask;
}

TEST_F_TIMEOUT(race_cpuset, kernel_threads, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_pids pids;
	int bound = 0;

	race_need(race, COUNT_CHECKED, 4);
	race_need(race, COUNT_FORKED, 4);
	race_need(race, COUNT_HOTPLUG, 2);
	ASSERT_EQ(0, cpuset_make(A, 1, 1));
	ASSERT_EQ(0, ct_mount("none,name=agents,release_agent=/bin/true", R));
	ASSERT_EQ(0, ct_mkdir(R "/x"));
	ASSERT_EQ(0, ct_write(R "/x", "notify_on_release", "1"));
	ASSERT_LT(0, race_worker(race, kthread_mover, NULL));
	ASSERT_LT(0, race_worker(race, agent_caller, NULL));
	ASSERT_LT(0, race_worker(race, hotplugger, NULL));
	race_run(race);
	EXPECT_RACE(race);
	EXPECT_EQ(0, cpus_restore());
	TH_LOG("%lu attempts, %lu moved, %lu agents, %lu CPUs off or on",
	       race->count[COUNT_CHECKED], race->count[COUNT_MOVED],
	       race->count[COUNT_FORKED], race->count[COUNT_HOTPLUG]);
	/* Whoever is bound to a CPU runs there, and is in no cpuset. */
	ASSERT_EQ(0, ct_read_pids(A, "tasks", &pids));
	EXPECT_EQ(0U, pids.count);
	ct_free_pids(&pids);
	ASSERT_EQ(0, ct_read_pids(MNT, "tasks", &pids));
	for (size_t i = 0; i < pids.count; i++) {
		unsigned long mask = 0;
		unsigned int cpu;
		char comm[64];

		if (ct_proc_read(pids.pid[i], "comm", comm, sizeof(comm)) <= 0 ||
		    sscanf(comm, "kworker/%u:", &cpu) != 1)
			continue;
		/* One that is new has its name before it is bound. */
		for (int tries = 0; tries < RACE_JOIN_MS; tries++) {
			mask = affinity_of(pids.pid[i]);
			if (!mask || mask == 1UL << cpu)
				break;
			race_sleep_us(1000);
		}
		/* Or it has gone. */
		if (!mask)
			continue;
		EXPECT_EQ(1UL << cpu, mask)
			TH_LOG("%s", comm);
		bound++;
	}
	ct_free_pids(&pids);
	EXPECT_LT(3, bound);
	EXPECT_EQ(0, ct_rmdir(A));
}

/*
 * Memory that comes and goes as a whole: processes that set policies, execute
 * another program and end, while their nodes change and their pages are moved.
 */

/* The program that is executed. Its parent waits for 0. */
static void __attribute__((constructor)) end_if_told(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);
}

static void set_policies(struct race *race)
{
	static const int modes[] = {
		MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED,
		MPOL_BIND | MPOL_F_RELATIVE_NODES,
		MPOL_INTERLEAVE | MPOL_F_STATIC_NODES,
	};
	unsigned long nodes[16] = { 1 + race_random(3) };
	long size = sysconf(_SC_PAGESIZE);
	int mode = modes[race_random(5)];
	char *mem;

	/* EINVAL: of these nodes the cpuset has none. */
	if (syscall(SYS_set_mempolicy, mode, nodes, 1024) && errno != EINVAL)
		race_fail(race, "set_mempolicy: %d", errno);
	mem = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		race_fail(race, "mmap: %d", errno);
		return;
	}
	if (syscall(SYS_mbind, mem, PAGES * size, mode, nodes, 1024,
		    MPOL_MF_MOVE) && errno != EINVAL && errno != EIO)
		race_fail(race, "mbind: %d", errno);
	for (int i = 0; i < PAGES; i += 8)
		mem[i * size] = 1;
}

static atomic_int *executing;

static void mm_execer(struct race *race, void *arg)
{
	int n = (long)arg;

	if (ct_enter(n & 1 ? A : B)) {
		race_fail(race, "cannot enter");
		return;
	}
	while (!race_over(race)) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			set_policies(race);
			execl("/proc/self/exe", "exec", "--exit", NULL);
			_exit(1);
		}
		if (pid < 0) {
			race_fail(race, "fork: %d", errno);
			return;
		}
		executing[n] = pid;
		if (waitpid(pid, &status, 0) != pid || status)
			race_fail(race, "exec ended with %x", status);
		race_count(race, COUNT_FORKED);
	}
}

/* Moves who executes, and his pages, which may just have gone. */
static void mm_mover(struct race *race, void *arg)
{
	unsigned long nodes[2][16] = { { 1 }, { 2 } };

	(void)arg;
	while (!race_over(race)) {
		pid_t pid = executing[race_random(3)];
		unsigned int from = race_random(2);
		int ret;

		if (!pid)
			continue;
		/* Not there any more, a number that is another's by now, no nodes. */
		syscall(SYS_migrate_pages, pid, 1024, nodes[from], nodes[!from]);
		ret = ct_attach_process(race_random(2) ? A : B, pid);
		if (ret && ret != -ESRCH)
			race_fail(race, "move: %d", ret);
		race_count(race, COUNT_MOVED);
	}
}

/* Hole 41: policies and pages of memory that is being replaced, or is gone. */
TEST_F_TIMEOUT(race_cpuset, exec, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 4);
	race_need(race, COUNT_WRITTEN, 4);
	race_need(race, COUNT_MOVED, 4);
	executing = ct_shared(3 * sizeof(*executing));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 2));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	for (long i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, mm_execer, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, mm_mover, NULL));
	ASSERT_LT(0, race_worker(race, mems_writer, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu execs, %lu writes, %lu moves", race->count[COUNT_FORKED],
	       race->count[COUNT_WRITTEN], race->count[COUNT_MOVED]);
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
}

/* What a process with two threads, and who changes its nodes, tell each other. */
static struct led {
	atomic_int	tid;
	atomic_int	go;
	atomic_int	gone;
	atomic_int	asked;
	unsigned int	delay;
	long		nodes;
	char		*mem;
} *led;

/* The other thread: tells the nodes of the policy for their memory. */
static void *led_thread(void *unused)
{
	unsigned long nodes[16] = {};

	(void)unused;
	led->tid = race_gettid();
	while (!led->asked)
		race_sleep_us(100);
	led->nodes = syscall(SYS_get_mempolicy, NULL, nodes, 1024, led->mem,
			     MPOL_F_ADDR) ? -errno : (long)nodes[0];
	led->asked = 0;
	for (;;)
		pause();
}

/* The leader, which exits alone when it is told to. */
static void led_process(void)
{
	unsigned long nodes[16] = { 1 };
	long size = sysconf(_SC_PAGESIZE);
	pthread_t thread;
	uint64_t end;

	led->mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (led->mem == MAP_FAILED ||
	    syscall(SYS_mbind, led->mem, size, MPOL_BIND, nodes, 1024, 0) ||
	    pthread_create(&thread, NULL, led_thread, NULL))
		_exit(1);
	/* No timer is as exact. */
	while (!led->go)
		sched_yield();
	end = race_now() + led->delay * 1000ULL;
	while (race_now() < end)
		sched_yield();
	led->gone = 1;
	syscall(SYS_exit, 0);
}

#define BETWEEN		60

/*
 * The leader of a process exits while its cpuset gets other nodes, after the other
 * thread has got them: those between them on the list of members take time.
 */
TEST_F_TIMEOUT(race_cpuset, leader_exits, RACE_TIMEOUT)
{
	struct race *race = self->race;
	uint64_t took = 1000000;
	pid_t between;

	race_need(race, COUNT_CHECKED, 5);
	led = ct_shared(sizeof(*led));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, 1));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, ALL_MEMS));
	between = ct_process(B, BETWEEN, NULL);
	ASSERT_LT(0, between);
	while (!race_over(race)) {
		uint64_t start;
		pid_t pid;

		memset(led, 0, sizeof(*led));
		led->delay = race_random(took / 1000);
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
		pid = ct_fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			led_process();
			_exit(1);
		}
		for (int i = 0; i < RACE_JOIN_MS && !led->tid; i++)
			race_sleep_us(1000);
		ASSERT_EQ(0, ct_attach(A, led->tid));
		ASSERT_EQ(0, ct_attach_process(A, between));
		ASSERT_EQ(0, ct_attach(A, pid));

		start = race_now();
		led->go = 1;
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
		took = race_now() - start;
		race_count(race, led->gone ? COUNT_CHECKED : COUNT_WRITTEN);
		led->asked = 1;
		for (int i = 0; i < RACE_JOIN_MS && led->asked; i++)
			race_sleep_us(1000);
		ASSERT_EQ(2, led->nodes)
			TH_LOG("gone: %d", led->gone);
		ct_kill(pid);
		ASSERT_EQ(0, ct_attach_process(B, between));
	}
	EXPECT_RACE(race);
	TH_LOG("%lu exits in time, %lu later", race->count[COUNT_CHECKED],
	       race->count[COUNT_WRITTEN]);
	ct_kill(between);
}

TEST_HARNESS_MAIN
