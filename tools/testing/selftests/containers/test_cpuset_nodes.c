// SPDX-License-Identifier: GPL-2.0
/*
 * Memory nodes that come and go: what is configured is kept, and what is in force
 * follows, for members too. Node 1 of this machine has one memory module, which is
 * taken into use as memory that can be moved, so that it can be given back. The
 * kernel itself cannot allocate there.
 *
 * kernel: cgroups
 * machine: -m slots=2,maxmem=4G -object memory-backend-ram,id=ram0,size=2G
 * machine: -numa node,nodeid=0,cpus=0-3,memdev=ram0 -numa node,nodeid=1
 * machine: -object memory-backend-ram,id=ram1,size=256M -device pc-dimm,memdev=ram1,node=1
 */
#include <dirent.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"
#include "race_util.h"

#define A	MNT "/a"
#define B	MNT "/b"
#define NODE1	"/sys/devices/system/node/node1"
#define PAGES	64

/* Every block of memory of node 1 that is not in that state already. */
static int set_node1(const char *state)
{
	struct dirent *entry;
	DIR *dir = opendir(NODE1);
	int ret = dir ? 0 : -errno;

	while (!ret && (entry = readdir(dir))) {
		const char *block = ct_path(NODE1 "/%s", entry->d_name);
		char now[32] = "";

		if (strncmp(entry->d_name, "memory", 6) ||
		    ct_read(block, "state", now, sizeof(now)) < 0 ||
		    !strncmp(now, state, strcspn(now, "\n")))
			continue;
		ret = ct_write(block, "state", state);
	}
	if (dir)
		closedir(dir);
	return ret;
}

static char *kept;

static long touch(long arg)
{
	void *pages[PAGES];
	int status[PAGES];
	unsigned long mask = 0;

	(void)arg;
	if (!kept)
		kept = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAGES; i++) {
		pages[i] = kept + i * 4096;
		kept[i * 4096] = 1;
	}
	if (syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0))
		return -errno;
	for (int i = 0; i < PAGES; i++)
		mask |= status[i] < 0 ? 1UL << 63 : 1UL << status[i];
	return mask;
}

/* The nodes of new pages. */
static long touch_new(long arg)
{
	if (kept)
		munmap(kept, PAGES * 4096);
	kept = NULL;
	return touch(arg);
}

static long bind_to_both(long arg)
{
	unsigned long nodes[16] = { 3 };

	return syscall(SYS_set_mempolicy, arg, nodes, 1024) ? -errno : 0;
}

/*
 * a has node 1, and a member that does not ask for memory; b has both nodes, and a
 * member that does.
 */
FIXTURE(nodes) {
	pid_t a;
	struct puppet b;
};

FIXTURE_SETUP(nodes)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	ASSERT_EQ(0, set_node1("online_movable"));
	ASSERT_EQ(3UL, cpuset_get(MNT, "cpuset.effective_mems"));
	EXPECT_EQ(3UL, cpuset_get(MNT, "cpuset.mems"));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, 2));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 3));
	self->a = ct_sleeper(NULL);
	ASSERT_LT(0, self->a);
	ASSERT_EQ(0, puppet_start(&self->b));
	ASSERT_EQ(0, ct_attach(A, self->a));
	ASSERT_EQ(0, ct_attach(B, self->b.pid));
}

FIXTURE_TEARDOWN_PARENT(nodes)
{
	EXPECT_EQ(0, ct_reset());
	EXPECT_EQ(0, set_node1("offline"));
}

static void expect_node1(struct __test_metadata *_metadata, pid_t a, pid_t b,
			 bool there)
{
	unsigned long all = there ? 3 : 1;

	EXPECT_EQ(all, cpuset_get(MNT, "cpuset.effective_mems"));
	EXPECT_EQ(there ? 2UL : 1UL, cpuset_get(A, "cpuset.effective_mems"));
	EXPECT_EQ(all, cpuset_get(B, "cpuset.effective_mems"));
	EXPECT_EQ(2UL, cpuset_get(A, "cpuset.mems"));
	EXPECT_EQ(3UL, cpuset_get(B, "cpuset.mems"));
	EXPECT_EQ(3UL, cpuset_get(MNT, "cpuset.mems"));
	EXPECT_IN_FORCE(a, 1, ALL_CPUS, there ? 2UL : 1UL);
	EXPECT_IN_FORCE(b, 1, ALL_CPUS, all);
	EXPECT_IN_FORCE(getpid(), 1, ALL_CPUS, all);
}

TEST_F(nodes, off_and_on)
{
	pid_t a = self->a, b = self->b.pid;

	expect_node1(_metadata, a, b, true);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, set_node1("offline"));
		expect_node1(_metadata, a, b, false);
		EXPECT_EQ(1, puppet_call(&self->b, touch_new, 0));
		/* It can be entered, and left. */
		ASSERT_EQ(0, ct_attach(A, b));
		EXPECT_IN_FORCE(b, 1, ALL_CPUS, 1);
		EXPECT_EQ(1, puppet_call(&self->b, touch_new, 0));
		ASSERT_EQ(0, ct_attach(B, b));

		ASSERT_EQ(0, set_node1("online_movable"));
		expect_node1(_metadata, a, b, true);
	}
}

/* A policy finds the node again. */
TEST_F(nodes, policies)
{
	static const int modes[] = {
		MPOL_INTERLEAVE, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES,
		MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES,
	};

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, puppet_call(&self->b, bind_to_both, modes[i]));
		EXPECT_EQ(3, puppet_call(&self->b, touch_new, 0));
		ASSERT_EQ(0, set_node1("offline"));
		EXPECT_EQ(1, puppet_call(&self->b, touch, 0));
		EXPECT_EQ(1, puppet_call(&self->b, touch_new, 0));
		ASSERT_EQ(0, set_node1("online_movable"));
		/* One without flags has lost it. */
		EXPECT_EQ(i ? 3 : 1, puppet_call(&self->b, touch_new, 0));
	}
}

/* Offline and online against fork, attach and writes to mems. */
static void forker(struct race *race, void *arg)
{
	if (ct_enter(arg)) {
		race_fail(race, "enter");
		return;
	}
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			touch_new(0);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		race_count(race, 0);
	}
}

static void writer(struct race *race, void *arg)
{
	pid_t sleeper = *(pid_t *)arg;

	while (!race_over(race)) {
		int ret = cpuset_set(B, "cpuset.mems", race_random(2) ? 1 : 3);

		if (ret)
			race_fail(race, "write: %d", ret);
		ret = ct_attach(race_random(2) ? A : B, sleeper);
		if (ret)
			race_fail(race, "attach: %d", ret);
		race_sleep_us(race_random(1000));
	}
}

TEST_F_TIMEOUT(nodes, race, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS);

	race_need(race, 0, 11);
	race_need(race, 1, 1);
	ASSERT_NE(NULL, race);
	/* In b, which always has node 0. */
	for (int i = 0; i < 3; i++)
		ASSERT_LT(0, race_worker(race, forker, B));
	ASSERT_LT(0, race_worker(race, writer, &self->a));
	while (!race_over(race)) {
		int ret = set_node1("offline");

		/* EBUSY: a page is in use just then. */
		if (ret && ret != -EBUSY)
			race_fail(race, "offline: %d", ret);
		ret = set_node1("online_movable");
		if (ret)
			race_fail(race, "online: %d", ret);
		race_count(race, 1);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forks, %lu times off and on", race->count[0], race->count[1]);
	ASSERT_EQ(0, set_node1("online_movable"));
	ASSERT_EQ(0, ct_attach(A, self->a));
	ASSERT_EQ(0, cpuset_set(B, "cpuset.mems", 3));
	expect_node1(_metadata, self->a, self->b.pid, true);
}

TEST_HARNESS_MAIN
