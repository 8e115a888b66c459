// SPDX-License-Identifier: GPL-2.0
/*
 * A cpuset's memory nodes: where the pages of its members come from, and what
 * becomes of their memory policies.
 */
#include <linux/mempolicy.h>
#include <pthread.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"

#define A	MNT "/a"
#define B	MNT "/b"

#define PAGES		256
#define MASK_BITS	1024

/* A nodemask as the system calls take it. */
struct nodes {
	unsigned long bits[MASK_BITS / 8 / sizeof(long)];
};

static int set_policy(int mode, unsigned long mask)
{
	struct nodes nodes = { { mask } };

	return syscall(SYS_set_mempolicy, mode, mask ? &nodes : NULL,
		       mask ? MASK_BITS : 0) ? -errno : 0;
}

static int bind_pages(void *addr, int mode, unsigned long mask)
{
	struct nodes nodes = { { mask } };

	return syscall(SYS_mbind, addr, PAGES * sysconf(_SC_PAGESIZE), mode,
		       &nodes, MASK_BITS, 0) ? -errno : 0;
}

/* The nodes of the caller's policy, or of the one at an address. */
static long get_policy(void *addr)
{
	struct nodes nodes = {};
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, &nodes, MASK_BITS, addr,
		    addr ? MPOL_F_ADDR : 0))
		return -errno;
	return nodes.bits[0];
}

static void *map_pages(void)
{
	void *mem = mmap(NULL, PAGES * sysconf(_SC_PAGESIZE),
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static void unmap_pages(void *mem)
{
	munmap(mem, PAGES * sysconf(_SC_PAGESIZE));
}

/* The set of nodes that the pages lie on after they have been touched. */
static long nodes_of(void *mem)
{
	static __thread void *pages[PAGES];
	static __thread int status[PAGES];
	unsigned long mask = 0;
	long size = sysconf(_SC_PAGESIZE);

	for (int i = 0; i < PAGES; i++) {
		pages[i] = (char *)mem + i * size;
		*(volatile char *)pages[i] = 1;
	}
	if (syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0))
		return -errno;
	for (int i = 0; i < PAGES; i++) {
		if (status[i] < 0)
			return status[i];
		mask |= 1UL << status[i];
	}
	return mask;
}

/* The same for new pages. */
static long nodes_of_new(long arg)
{
	void *mem = map_pages();
	long ret;

	(void)arg;
	if (!mem)
		return -ENOMEM;
	ret = nodes_of(mem);
	unmap_pages(mem);
	return ret;
}

/* Functions for a puppet, which has one kept mapping. */

static void *kept;

static long keep(long arg)
{
	(void)arg;
	kept = map_pages();
	return kept ? 0 : -ENOMEM;
}

static long nodes_of_kept(long arg)
{
	(void)arg;
	return nodes_of(kept);
}

static long set_policy_to(long arg)
{
	return set_policy(arg >> 8, arg & 0xff);
}

static long bind_kept_to(long arg)
{
	return bind_pages(kept, arg >> 8, arg & 0xff);
}

static long own_policy(long arg)
{
	(void)arg;
	return get_policy(NULL);
}

static long policy_of_kept(long arg)
{
	(void)arg;
	return get_policy(kept);
}

static long run_on(long cpus)
{
	return cpuset_set_affinity(0, cpus);
}

#define POLICY(mode, mask)	((long)(mode) << 8 | (mask))

/* A puppet in a, which has all CPUs and both nodes; b has node 1 only. */
FIXTURE(mems) {
	struct puppet puppet;
};

FIXTURE_SETUP(mems)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 2));
	ASSERT_EQ(0, puppet_start(&self->puppet));
	ASSERT_EQ(0, ct_attach_process(A, self->puppet.pid));
}

FIXTURE_TEARDOWN_PARENT(mems)
{
	EXPECT_EQ(0, cpus_restore());
	EXPECT_EQ(0, ct_reset());
}

/* Wherever a member runs, its pages come from its cpuset's nodes. */
TEST_F(mems, pages)
{
	struct puppet *p = &self->puppet;

	for (unsigned long cpu = 0; cpu < CPUS; cpu++) {
		ASSERT_EQ(0, puppet_call(p, run_on, 1UL << cpu));
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
		EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
		EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
	}
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, ct_attach(B, p->pid));
	EXPECT_IN_FORCE(p->pid, 1, 8, 2);
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, ct_attach(A, p->pid));
	EXPECT_IN_FORCE(p->pid, 1, 8, 1);
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
}

/* What a member has already stays where it is: there is no memory_migrate. */
TEST_F(mems, old_pages)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
}

/* A policy's nodes are within the cpuset's when it is set... */
TEST_F(mems, policy_is_bounded)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	EXPECT_EQ(-EINVAL, puppet_call(p, set_policy_to,
				       POLICY(MPOL_BIND, 2)));
	EXPECT_EQ(0, puppet_call(p, set_policy_to, POLICY(MPOL_BIND, 3)));
	EXPECT_EQ(1, puppet_call(p, own_policy, 0));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	EXPECT_EQ(-EINVAL, puppet_call(p, bind_kept_to, POLICY(MPOL_BIND, 2)));
	EXPECT_EQ(0, puppet_call(p, bind_kept_to, POLICY(MPOL_BIND, 1)));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
}

/* ...and follow it: bound to the first of two nodes, then of one. */
TEST_F(mems, policy_is_rebound)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, puppet_call(p, set_policy_to, POLICY(MPOL_BIND, 1)));
	EXPECT_EQ(1, puppet_call(p, own_policy, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(2, puppet_call(p, own_policy, 0));
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	EXPECT_EQ(1, puppet_call(p, own_policy, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
	/* By attaching too, there and back. */
	ASSERT_EQ(0, ct_attach(B, p->pid));
	EXPECT_EQ(2, puppet_call(p, own_policy, 0));
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, ct_attach(A, p->pid));
	EXPECT_EQ(1, puppet_call(p, own_policy, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
}

TEST_F(mems, interleave_is_rebound)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, puppet_call(p, set_policy_to, POLICY(MPOL_INTERLEAVE, 3)));
	EXPECT_EQ(3, puppet_call(p, own_policy, 0));
	EXPECT_EQ(3, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	EXPECT_EQ(1, puppet_call(p, own_policy, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
}

static void bind_to_node_1(struct __test_metadata *_metadata, struct puppet *p,
			   int flags)
{
	ASSERT_EQ(0, puppet_call(p, set_policy_to, POLICY(MPOL_BIND | flags, 2)));
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
}

/* Static policies name nodes; they count while the cpuset has them. */
TEST_F(mems, static_policy)
{
	bind_to_node_1(_metadata, &self->puppet, MPOL_F_STATIC_NODES);
}

/* Relative ones name places in the cpuset's set. */
TEST_F(mems, relative_policy)
{
	bind_to_node_1(_metadata, &self->puppet, MPOL_F_RELATIVE_NODES);
}

/* The policies of mappings are rebound as well. */
TEST_F(mems, mapping_is_rebound)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(0, puppet_call(p, bind_kept_to, POLICY(MPOL_BIND, 1)));
	EXPECT_EQ(1, puppet_call(p, policy_of_kept, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(2, puppet_call(p, policy_of_kept, 0));
	EXPECT_EQ(2, puppet_call(p, nodes_of_kept, 0));
	/* By attaching. */
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	EXPECT_EQ(1, puppet_call(p, policy_of_kept, 0));
	ASSERT_EQ(0, ct_attach_process(B, p->pid));
	EXPECT_EQ(2, puppet_call(p, policy_of_kept, 0));
}

/*
 * CPUs come and go while a container without nodes exists and a mapping has a
 * policy that is relative to the nodes there are.
 */
TEST_F(mems, relative_policy_and_hotplug)
{
	struct puppet *p = &self->puppet;
	int mode = MPOL_BIND | MPOL_F_RELATIVE_NODES;

	ASSERT_EQ(0, ct_mkdir(A "/empty"));
	ASSERT_EQ(0, ct_write(A "/empty", "cpuset.cpus", "1"));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(0, puppet_call(p, bind_kept_to, POLICY(mode, 1)));
	for (int cpu = 1; cpu < CPUS; cpu++) {
		ASSERT_EQ(0, cpu_online(cpu, false));
	}
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	for (int cpu = 1; cpu < CPUS; cpu++) {
		ASSERT_EQ(0, cpu_online(cpu, true));
	}
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	EXPECT_STREQ("", cpuset_list(cpuset_get(A "/empty", "cpuset.mems")));
	EXPECT_EQ(-ENOSPC, ct_attach(A "/empty", p->pid));
}

/* What a thread does on its own, while another one sits in another cpuset. */
struct lodger {
	const char *cont;
	long moved;
	long nodes;
	unsigned long cpus;
};

static void *lodge(void *arg)
{
	struct lodger *lodger = arg;

	lodger->moved = ct_write(lodger->cont, "tasks", "0");
	lodger->nodes = nodes_of_new(0);
	lodger->cpus = cpuset_affinity(0);
	return NULL;
}

static long two_lodgers(long arg)
{
	struct lodger lodgers[2] = { { .cont = A }, { .cont = B } };
	pthread_t threads[2];

	(void)arg;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, lodge, &lodgers[i]))
			return -EAGAIN;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		if (lodgers[i].moved || lodgers[i].cpus != 1UL << i)
			return -EPROTO;
	return lodgers[0].nodes << 4 | lodgers[1].nodes;
}

/* Two threads of one process, with one memory, in two cpusets. */
TEST_F(mems, threads_apart)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set_both(A, 1, 1));
	ASSERT_EQ(0, cpuset_set_both(B, 2, 2));
	EXPECT_EQ(0x12, puppet_call(p, two_lodgers, 0));
	ASSERT_EQ(0, ct_attach_process(B, p->pid));
	ASSERT_EQ(0, cpuset_set_both(A, 1, 2));
	ASSERT_EQ(0, cpuset_set_both(B, 2, 1));
	EXPECT_EQ(0x21, puppet_call(p, two_lodgers, 0));
}

static long child_nodes(long arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(nodes_of_new(arg));
	return pid < 0 ? -errno : ct_wait(pid);
}

/* A child has its parent's nodes and policy. */
TEST_F(mems, children)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(2, puppet_call(p, child_nodes, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	EXPECT_EQ(1, puppet_call(p, child_nodes, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	ASSERT_EQ(0, puppet_call(p, set_policy_to, POLICY(MPOL_BIND, 2)));
	EXPECT_EQ(2, puppet_call(p, child_nodes, 0));
}

TEST_HARNESS_MAIN
