// SPDX-License-Identifier: GPL-2.0
/*
 * Cpusets when memory is short: how far the kernel's own memory may come from
 * outside (mem_hardwall, mem_exclusive), that who is to die gets what he needs,
 * and the meter of memory pressure.
 *
 * A hog takes memory of node 1; then vm.min_free_kbytes is set to more than
 * what is left there and less than what is free on node 0. From then on ordinary
 * allocations that may use node 1 only must reclaim, in vain.
 */
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"
#include "race_util.h"

#define A		MNT "/a"
#define B		MNT "/b"
#define NODE		"/sys/devices/system/node/node"
/* How far node 1 is below the mark. */
#define MARGIN_KB	(40 * 1024)
/* A hog takes its time under KASAN. */
#define LONG_TIMEOUT	300

static long node_kb(int node, const char *key)
{
	char buf[8192], *p;

	if (ct_read(ct_path(NODE "%d", node), "meminfo", buf, sizeof(buf)) < 0)
		return -1;
	p = strstr(buf, key);
	return p ? atol(p + strlen(key)) : -1;
}

static long hog(long kb)
{
	char *mem = mmap(NULL, kb * 1024, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return mem == MAP_FAILED ? -errno : 0;
}

/* Members of a get memory from node 1 only. */
FIXTURE(reclaim) {
	struct puppet hog;
	long long min_free_kb;
};

FIXTURE_SETUP(reclaim)
{
	long free0, free1;

	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, 2));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 1));
	self->min_free_kb = ct_read_num("/proc/sys/vm", "min_free_kbytes");
	ASSERT_LT(0, self->min_free_kb);
	ASSERT_EQ(0, puppet_start(&self->hog));
	ASSERT_EQ(0, ct_attach(A, self->hog.pid));
	free0 = node_kb(0, "MemFree:");
	free1 = node_kb(1, "MemFree:");
	/* Leave half of what node 0 has. */
	ASSERT_LT(free0 / 2, free1);
	ASSERT_EQ(0, puppet_call(&self->hog, hog, free1 - free0 / 2));
	ASSERT_EQ(0, ct_write(ct_path("/proc/%d", self->hog.pid),
			      "oom_score_adj", "-1000"));
}

FIXTURE_TEARDOWN_PARENT(reclaim)
{
	EXPECT_EQ(0, ct_write_num("/proc/sys/vm", "min_free_kbytes",
				  self->min_free_kb));
	EXPECT_EQ(0, ct_reset());
}

/* Set the mark between what the nodes have. */
static int make_short(void)
{
	long free0 = node_kb(0, "MemFree:"), free1 = node_kb(1, "MemFree:");
	long total = node_kb(0, "MemTotal:") + node_kb(1, "MemTotal:");
	/* Of node 1. The low mark of node 0 is a quarter above its own. */
	long min1 = free1 + MARGIN_KB;
	long min = (double)min1 * total / node_kb(1, "MemTotal:");

	if (min1 * 5 / 4 > free0)
		return -ENOSPC;
	return ct_write_num("/proc/sys/vm", "min_free_kbytes", min);
}

/*
 * A child that needs page tables, which are the kernel's memory, but no page of
 * its own: it reads zeros all over the place. Returns its exit status.
 */
static int page_table_eater(const char *cont)
{
	const size_t step = 2UL << 20, pages = 1024;
	pid_t pid = ct_fork();

	if (!pid) {
		char *mem;

		if (ct_write("/proc/self", "oom_score_adj", "1000"))
			_exit(2);
		/* All the rest is there already. */
		node_kb(0, "PageTables:");
		if (mlockall(MCL_CURRENT))
			_exit(3);
		mem = mmap(NULL, pages * step, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (mem == MAP_FAILED || ct_enter(cont))
			_exit(4);
		for (size_t i = 0; i < pages; i++)
			*(volatile char *)(mem + i * step);
		_exit(node_kb(0, "PageTables:") > 2048 ? 0 : 5);
	}
	return pid < 0 ? -errno : race_wait(pid, CT_WAIT_MS);
}

/* Without a wall, kernel memory comes from elsewhere when its own is short. */
TEST_F_TIMEOUT(reclaim, no_wall, LONG_TIMEOUT)
{
	ASSERT_EQ(0, make_short());
	EXPECT_EQ(0, page_table_eater(A));
	/* Who has memory is not concerned. */
	EXPECT_EQ(0, page_table_eater(B));
	EXPECT_EQ(0, page_table_eater(MNT));
}

static void expect_walled(struct __test_metadata *_metadata, const char *cont)
{
	ASSERT_EQ(0, make_short());
	/* The OOM killer's: nothing of node 0 could be had. */
	EXPECT_EQ(SIGKILL, page_table_eater(cont));
	EXPECT_EQ(0, page_table_eater(B));
}

TEST_F_TIMEOUT(reclaim, mem_hardwall, LONG_TIMEOUT)
{
	ASSERT_EQ(0, ct_write(A, "cpuset.mem_hardwall", "1"));
	expect_walled(_metadata, A);
	ASSERT_EQ(0, ct_write(A, "cpuset.mem_hardwall", "0"));
	EXPECT_EQ(0, page_table_eater(A));
}

TEST_F_TIMEOUT(reclaim, mem_exclusive, LONG_TIMEOUT)
{
	ASSERT_EQ(0, ct_write(A, "cpuset.mem_exclusive", "1"));
	expect_walled(_metadata, A);
}

/* The nearest wall above counts. */
TEST_F_TIMEOUT(reclaim, wall_above, LONG_TIMEOUT)
{
	ASSERT_EQ(0, ct_write(A, "cpuset.mem_hardwall", "1"));
	ASSERT_EQ(0, cpuset_make(A "/aa", ALL_CPUS, 2));
	expect_walled(_metadata, A "/aa");
}

/*
 * A child that allocates until it is killed, or has more than was missing: caches
 * may have shrunk meanwhile.
 */
static bool page_eater(const char *cont)
{
	pid_t pid = ct_fork();
	int status;

	if (!pid) {
		if (ct_write("/proc/self", "oom_score_adj", "1000") ||
		    ct_enter(cont))
			_exit(2);
		_exit(hog(MARGIN_KB) ? 3 : 0);
	}
	status = pid < 0 ? -errno : race_wait(pid, CT_WAIT_MS);
	return !status || status == SIGKILL;
}

/* What decay leaves of a rate, half of it in ten seconds. */
static long long decayed(long long rate, int seconds)
{
	while (seconds--)
		rate = rate * 93303 / 100000;
	return rate;
}

TEST_F_TIMEOUT(reclaim, pressure, LONG_TIMEOUT)
{
	long long first, later;
	uint64_t start;
	int seconds;

	EXPECT_EQ(0, ct_read_num(MNT, "cpuset.memory_pressure_enabled"));
	EXPECT_EQ(-ENOENT, ct_read_num(A, "cpuset.memory_pressure_enabled"));
	EXPECT_EQ(-EINVAL, ct_write(MNT, "cpuset.memory_pressure_enabled", "2"));
	EXPECT_EQ(-EACCES, ct_write(A, "cpuset.memory_pressure", "1"));
	/* Nothing is counted until somebody wants to know. */
	ASSERT_EQ(0, make_short());
	EXPECT_TRUE(page_eater(A));
	race_sleep_us(1100000);
	EXPECT_EQ(0, ct_read_num(A, "cpuset.memory_pressure"));

	ASSERT_EQ(0, ct_write(MNT, "cpuset.memory_pressure_enabled", "1"));
	EXPECT_EQ(1, ct_read_num(MNT, "cpuset.memory_pressure_enabled"));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, make_short());
		ASSERT_TRUE(page_eater(A));
	}
	race_sleep_us(1100000);
	start = race_now();
	first = ct_read_num(A, "cpuset.memory_pressure");
	EXPECT_LT(0, first);
	EXPECT_EQ(0, ct_read_num(B, "cpuset.memory_pressure"));
	EXPECT_EQ(0, ct_read_num(MNT, "cpuset.memory_pressure"));
	/* On a busy machine it is later than one thinks. */
	race_sleep_us(10000000);
	later = ct_read_num(A, "cpuset.memory_pressure");
	seconds = (race_now() - start) / 1000000000 + 2;
	EXPECT_GE(decayed(first, 10) + seconds, later);
	EXPECT_LE(decayed(first, seconds) - seconds, later);
	ASSERT_EQ(0, ct_write(MNT, "cpuset.memory_pressure_enabled", "0"));
}

#define RELEASES	10

/*
 * Hole 48: agents are started, which takes memory, while members of the same
 * hierarchy reclaim theirs, as they do whose end is told of. Each agent removes
 * what it was told of.
 */
TEST_F_TIMEOUT(reclaim, release, RACE_TIMEOUT)
{
	struct ct_agent agent;
	pid_t pid[RELEASES];

	ASSERT_EQ(0, ct_agent_start(&agent, "reclaim", "rmdir " MNT "\"$1\""));
	ASSERT_EQ(0, ct_write(MNT, "release_agent", agent.path));
	for (int i = 0; i < 6; i++) {
		pid_t eater;

		ASSERT_EQ(0, cpuset_make(A "/eater", ALL_CPUS, 2));
		ASSERT_EQ(0, ct_write(A "/eater", "notify_on_release", "1"));
		for (int k = 0; k < RELEASES; k++) {
			const char *cont = ct_path(B "/%d", k);

			ASSERT_EQ(0, cpuset_make(cont, ALL_CPUS, 1));
			ASSERT_EQ(0, ct_write(cont, "notify_on_release", "1"));
			pid[k] = ct_sleeper(cont);
			ASSERT_LT(0, pid[k]);
		}
		ASSERT_EQ(0, make_short());
		eater = ct_fork();
		ASSERT_LE(0, eater);
		if (!eater)
			_exit(page_eater(A "/eater") ? 0 : 1);
		for (int k = 0; k < RELEASES; k++)
			ct_kill(pid[k]);
		for (int k = 0; k < RELEASES; k++)
			EXPECT_EQ(0, ct_wait_gone(ct_path(B "/%d", k)));
		EXPECT_EQ(0, ct_wait(eater));
		EXPECT_EQ(0, ct_wait_gone(A "/eater"));
	}
	ct_agent_end(&agent);
}

TEST_HARNESS_MAIN
