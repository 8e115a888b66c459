// SPDX-License-Identifier: GPL-2.0
/*
 * A cpuset's memory nodes: where the pages of its members come from, and what
 * becomes of their memory policies.
 */
#include <linux/fuse.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"

#define A	MNT "/a"
#define B	MNT "/b"
#define C	MNT "/c"

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
 * Hole 40: CPUs come and go while a container without nodes exists and a mapping has a
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

/* Each mode, with and without each flag: rebound, and back. */
TEST_F(mems, every_policy_is_rebound)
{
	static const int modes[] = { MPOL_BIND, MPOL_PREFERRED, MPOL_INTERLEAVE };
	static const int flags[] = { 0, MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES };
	struct puppet *p = &self->puppet;

	for (int m = 0; m < 3; m++) {
		for (int f = 0; f < 3; f++) {
			int mode = modes[m] | flags[f];
			/* What else named only one node has lost the other. */
			long later = flags[f] || mode == MPOL_PREFERRED ? 2 : 1;

			ASSERT_EQ(0, puppet_call(p, set_policy_to, POLICY(mode, 2)));
			EXPECT_EQ(2, puppet_call(p, nodes_of_new, 0));
			ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
			EXPECT_EQ(1, puppet_call(p, nodes_of_new, 0))
				TH_LOG("mode %x", mode);
			ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
			EXPECT_EQ(later, puppet_call(p, nodes_of_new, 0))
				TH_LOG("mode %x", mode);
		}
	}
}

static long mems_allowed(long arg)
{
	struct nodes nodes = {};

	(void)arg;
	if (syscall(SYS_get_mempolicy, NULL, &nodes, MASK_BITS, NULL,
		    MPOL_F_MEMS_ALLOWED))
		return -errno;
	return nodes.bits[0];
}

TEST_F(mems, mems_allowed)
{
	struct puppet *p = &self->puppet;

	EXPECT_EQ(3, puppet_call(p, mems_allowed, 0));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(2, puppet_call(p, mems_allowed, 0));
	ASSERT_EQ(0, ct_attach(MNT, p->pid));
	EXPECT_EQ(3, puppet_call(p, mems_allowed, 0));
}

/*
 * memory_migrate
 */

/* Pages of a process on each node, as numa_maps has them. */
static long numa_maps(pid_t pid, int node)
{
	static char buf[1 << 16];
	char key[8];
	long sum = 0;
	int len = ct_proc_read(pid, "numa_maps", buf, sizeof(buf) - 1);

	if (len < 0)
		return len;
	buf[len] = '\0';
	snprintf(key, sizeof(key), " N%d=", node);
	for (char *p = buf; (p = strstr(p, key)); p++)
		sum += atol(p + strlen(key));
	return sum;
}

/* When the write returns the pages have moved. */
TEST_F(mems, migrate_on_change)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
		EXPECT_LE(PAGES, numa_maps(p->pid, 1));
		EXPECT_EQ(2, puppet_call(p, nodes_of_kept, 0));
		ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
		EXPECT_LE(PAGES, numa_maps(p->pid, 0));
		EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	}
	/* What stays allowed stays. */
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "0"));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
}

/* The flag of the cpuset that is entered counts. */
TEST_F(mems, migrate_on_attach)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, ct_attach_process(B, p->pid));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, ct_attach_process(A, p->pid));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, ct_attach_process(B, p->pid));
	EXPECT_LE(PAGES, numa_maps(p->pid, 1));
	EXPECT_EQ(2, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, ct_attach(A, p->pid));
	EXPECT_LE(PAGES, numa_maps(p->pid, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
}

static void *lodge_quietly(void *arg)
{
	struct lodger *lodger = arg;

	lodger->moved = ct_write(lodger->cont, "tasks", "0");
	return NULL;
}

static long send_thread_to_b(long arg)
{
	struct lodger lodger = { .cont = B };
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, lodge_quietly, &lodger))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return lodger.moved;
}

/* Hole 71: one memory, threads in two cpusets. It is with the first thread. */
TEST_F(mems, migrate_with_the_leader)
{
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, puppet_call(p, send_thread_to_b, 0));
	EXPECT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, ct_attach(B, p->pid));
	EXPECT_EQ(2, puppet_call(p, nodes_of_kept, 0));
}

struct user_move {
	const char *cont;
	pid_t pid;
};

/* For a puppet that was started when @arg, a struct user_move, was there. */
static long attach_for_test(long arg)
{
	const struct user_move *move = (const void *)arg;

	return ct_attach(move->cont, move->pid);
}

static long keep_much(long size)
{
	kept = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return kept != MAP_FAILED ? 0 : -errno;
}

/*
 * Hole 81: pages are moved for as long as that takes. Their container is removed
 * meanwhile, and so are others, who have nothing to do with it.
 */
TEST_F_TIMEOUT(mems, migrate_holds_nothing_up, 120)
{
	struct puppet *p = &self->puppet;
	pid_t mover, member;
	int i, status;
	long pages;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, puppet_call(p, keep_much, 200 << 20));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, cpuset_make(C, ALL_CPUS, ALL_MEMS));
	member = ct_sleeper(C);
	ASSERT_LT(0, member);
	ASSERT_EQ(0, ct_write(B, "auto_delete", "1"));
	ASSERT_EQ(0, ct_write(C, "auto_delete", "1"));

	pages = numa_maps(p->pid, 1);
	ASSERT_LE(0, pages);
	mover = ct_fork();
	ASSERT_LE(0, mover);
	if (!mover)
		_exit(-ct_attach_process(B, p->pid));
	/* Some have been moved, but by far not all. */
	for (i = 0; i < CT_WAIT_MS && numa_maps(p->pid, 1) < pages + PAGES; i++)
		usleep(1000);
	ASSERT_GT(CT_WAIT_MS, i);
	/* Its memory stays while pages are moved. */
	EXPECT_EQ(SIGKILL + 256, ct_kill(p->pid));
	EXPECT_EQ(0, ct_wait_gone(B));
	EXPECT_EQ(SIGKILL + 256, ct_kill(member));
	EXPECT_EQ(0, ct_wait_gone(C));
	EXPECT_EQ(0, waitpid(mover, &status, WNOHANG));
	EXPECT_EQ(0, ct_wait(mover));
}

/*
 * A file system of one file, where writing a page back takes as long as is wanted. It is
 * the file that it is mounted on.
 */
#define SLOW	CT_DIR "/slow"

struct slow_file {
	int asked;
	int may_end;
};

static int answer(int dev, const struct fuse_in_header *in, const void *data, size_t len)
{
	struct {
		struct fuse_out_header header;
		char data[4096];
	} out = {
		.header = { .len = sizeof(out.header) + len, .unique = in->unique },
	};

	memcpy(out.data, data, len);
	return write(dev, &out, out.header.len) == (ssize_t)out.header.len ? 0 : -errno;
}

static int serve_request(int dev, const struct fuse_in_header *in, struct slow_file *slow)
{
	const struct fuse_write_in *write_in = (const void *)(in + 1);
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};
	struct fuse_attr_out attr = {
		.attr = { .ino = FUSE_ROOT_ID, .size = 4096, .mode = S_IFREG | 0600,
			  .nlink = 1 },
	};
	struct fuse_write_out written = {};
	struct fuse_open_out opened = {};
	char page[4096] = "";

	switch (in->opcode) {
	case FUSE_INIT:
		return answer(dev, in, &init, sizeof(init));
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return answer(dev, in, &attr, sizeof(attr));
	case FUSE_OPEN:
		return answer(dev, in, &opened, sizeof(opened));
	case FUSE_READ:
		return answer(dev, in, page, sizeof(page));
	case FUSE_WRITE:
		ct_futex_wake(&slow->asked, 1);
		ct_futex_wait(&slow->may_end, 0);
		written.size = write_in->size;
		return answer(dev, in, &written, sizeof(written));
	default:
		return answer(dev, in, NULL, 0);
	}
}

/* Mount it, and serve it in a child. */
static int serve_slowly(struct slow_file *slow)
{
	static char buf[FUSE_MIN_READ_BUFFER + 4096] __attribute__((aligned(8)));
	char options[80];
	int dev, file;
	pid_t pid;

	file = open(SLOW, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (file < 0 || dev < 0)
		return -errno;
	close(file);
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0", dev,
		 S_IFREG | 0600);
	if (mount("slow", SLOW, "fuse", 0, options))
		return -errno;
	pid = ct_fork();
	while (!pid) {
		if (read(dev, buf, sizeof(buf)) < 0 ||
		    serve_request(dev, (void *)buf, slow))
			_exit(0);
	}
	close(dev);
	return pid;
}

/* Have a page written back, and then want to write to it: that waits in a fault. */
static int wait_in_fault(void)
{
	int fd = open(SLOW, O_RDWR | O_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct stat st;

	/* Before it has been asked for its size it has none. */
	if (page == MAP_FAILED || fstat(fd, &st))
		return -errno;
	*(volatile char *)page = 1;
	if (sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE))
		return -errno;
	*(volatile char *)page = 2;
	return 0;
}

static bool is_waiting(pid_t pid)
{
	char buf[512], *p;

	if (ct_proc_read(pid, "stat", buf, sizeof(buf)) < 0)
		return false;
	p = strrchr(buf, ')');
	return p && p[2] == 'D';
}

static int wait_until_waiting(pid_t pid)
{
	for (int i = 0; i < CT_WAIT_MS; i++) {
		if (is_waiting(pid))
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

/*
 * Hole 90: a member waits in a page fault for as long as a file system of his own
 * likes. Who attaches him waits for that, and nobody else: containers and cpusets can be
 * changed, and CPUs taken offline.
 */
TEST_F_TIMEOUT(mems, rebind_holds_nothing_up, 120)
{
	struct slow_file *slow = ct_shared(sizeof(*slow));
	int *may_look = ct_shared(sizeof(int)), status;
	pid_t server = serve_slowly(slow), pid, mover;

	ASSERT_LT(0, server);
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		kept = map_pages();
		if (!kept || bind_pages(kept, MPOL_BIND, ALL_MEMS) || wait_in_fault())
			_exit(99);
		ct_futex_wait(may_look, 0);
		_exit(get_policy(kept));
	}
	ASSERT_EQ(0, ct_attach_process(A, pid));
	ct_futex_wait(&slow->asked, 0);
	ASSERT_EQ(0, wait_until_waiting(pid));

	mover = ct_fork();
	ASSERT_LE(0, mover);
	if (!mover)
		_exit(-ct_attach_process(B, pid));
	ASSERT_EQ(0, wait_until_waiting(mover));

	EXPECT_TRUE(ct_is_in(pid, "cpuset", "/b"));
	EXPECT_EQ(0, cpuset_make(C, ALL_CPUS, ALL_MEMS));
	EXPECT_EQ(0, ct_attach_process(C, self->puppet.pid));
	EXPECT_EQ(0, ct_attach_process(A, self->puppet.pid));
	EXPECT_EQ(0, ct_rmdir(C));
	EXPECT_EQ(0, cpu_online(3, false));
	EXPECT_EQ(0, cpu_online(3, true));
	EXPECT_EQ(0, waitpid(mover, &status, WNOHANG));
	EXPECT_TRUE(is_waiting(pid));

	ct_futex_wake(&slow->may_end, 1);
	EXPECT_EQ(0, ct_wait(mover));
	ct_futex_wake(may_look, 1);
	EXPECT_EQ(2, ct_wait(pid));
	EXPECT_EQ(0, umount2(SLOW, MNT_DETACH));
	ct_kill(server);
	unlink(SLOW);
}

/* Who moves it may not use the nodes himself. */
TEST_F(mems, migrate_from_elsewhere)
{
	struct puppet *p = &self->puppet, mover = {};
	struct user_move move = { .cont = B, .pid = p->pid };

	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, puppet_call(p, keep, 0));
	ASSERT_EQ(1, puppet_call(p, nodes_of_kept, 0));
	ASSERT_EQ(0, puppet_start(&mover));
	ASSERT_EQ(0, ct_attach(A, mover.pid));
	EXPECT_EQ(0, puppet_call(&mover, attach_for_test, (long)&move));
	EXPECT_EQ(2, puppet_call(p, nodes_of_kept, 0));
	EXPECT_EQ(0, puppet_end(&mover));
}

/* All members. */
TEST_F_TIMEOUT(mems, migrate_many, 120)
{
	struct puppet many[50];

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, puppet_start(&many[i]));
		ASSERT_EQ(0, ct_attach(A, many[i].pid));
		ASSERT_EQ(0, puppet_call(&many[i], keep, 0));
		ASSERT_EQ(1, puppet_call(&many[i], nodes_of_kept, 0));
	}
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	for (int i = 0; i < 50; i++) {
		EXPECT_LE(PAGES, numa_maps(many[i].pid, 1));
		EXPECT_EQ(2, puppet_call(&many[i], nodes_of_kept, 0));
		ct_kill(many[i].pid);
	}
}

/*
 * Hole 70: those that share one memory are attached while others of them exit.
 */
static int share_memory(void *arg)
{
	(void)arg;
	usleep(1000);
	return 0;
}

TEST_F_TIMEOUT(mems, migrate_shared, 120)
{
	static char stacks[4][16384];
	struct puppet *p = &self->puppet;

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_migrate", "1"));
	ASSERT_EQ(0, ct_write(B, "cpuset.memory_migrate", "1"));
	for (int i = 0; i < 50; i++) {
		pid_t pid[4];

		for (int k = 0; k < 4; k++) {
			pid[k] = clone(share_memory, stacks[k] + 16384,
				       CLONE_VM | SIGCHLD, NULL);
			ASSERT_LT(0, pid[k]);
		}
		for (int k = 0; k < 4; k++) {
			int ret = ct_attach_process(i & 1 ? A : B, pid[k]);

			EXPECT_TRUE(!ret || ret == -ESRCH);
		}
		for (int k = 0; k < 4; k++)
			ASSERT_EQ(0, ct_wait(pid[k]));
	}
	ASSERT_EQ(0, ct_attach_process(B, p->pid));
}

/*
 * Pages that others have mapped, too
 */

/* Of the test, and of puppets that it starts later. */
static void *shared;

static long nodes_of_shared(long arg)
{
	(void)arg;
	return nodes_of(shared);
}

static long become(long uid)
{
	return ct_become(uid);
}

static int move_as_user(void *arg)
{
	struct user_move *move = arg;

	if (ct_become(CT_UID))
		return -EPROTO;
	return ct_attach(move->cont, move->pid);
}

/* As with migrate_pages(2), pages of others are moved by who has CAP_SYS_NICE alone. */
TEST_F(mems, migrate_not_of_others)
{
	static const char * const conts[] = { A, B };
	struct user_move move = {};
	struct puppet p = {};

	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 1));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, ct_write(conts[i], "cpuset.memory_migrate", "1"));
		ASSERT_EQ(0, chown(conts[i], CT_UID, CT_UID));
		ASSERT_EQ(0, chown(ct_path("%s/tasks", conts[i]), CT_UID, CT_UID));
	}
	shared = ct_shared(PAGES * sysconf(_SC_PAGESIZE));
	ASSERT_EQ(0, puppet_start(&p));
	move.pid = p.pid;
	ASSERT_EQ(0, ct_attach(A, p.pid));
	ASSERT_EQ(0, puppet_call(&p, become, CT_UID));
	ASSERT_EQ(0, puppet_call(&p, keep, 0));
	ASSERT_EQ(1, puppet_call(&p, nodes_of_kept, 0));
	ASSERT_EQ(1, puppet_call(&p, nodes_of_shared, 0));
	/* Now the test has them too. */
	ASSERT_EQ(1, nodes_of(shared));

	move.cont = B;
	ASSERT_EQ(0, ct_call(move_as_user, &move));
	EXPECT_IN_FORCE(p.pid, 1, ALL_CPUS, 2);
	EXPECT_LE(PAGES, numa_maps(p.pid, 1));
	EXPECT_EQ(2, puppet_call(&p, nodes_of_kept, 0));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_shared, 0));
	EXPECT_EQ(1, nodes_of(shared));

	/* Root, back and forth. */
	ASSERT_EQ(0, ct_attach(A, p.pid));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_kept, 0));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_shared, 0));
	ASSERT_EQ(0, ct_attach(B, p.pid));
	EXPECT_EQ(2, puppet_call(&p, nodes_of_kept, 0));
	EXPECT_EQ(2, puppet_call(&p, nodes_of_shared, 0));
	EXPECT_EQ(2, nodes_of(shared));

	/* The user again; then nobody else has them any more. */
	move.cont = A;
	ASSERT_EQ(0, ct_call(move_as_user, &move));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_kept, 0));
	EXPECT_EQ(2, puppet_call(&p, nodes_of_shared, 0));
	ASSERT_EQ(0, ct_attach(B, p.pid));
	unmap_pages(shared);
	ASSERT_EQ(0, ct_call(move_as_user, &move));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_kept, 0));
	EXPECT_EQ(1, puppet_call(&p, nodes_of_shared, 0));
	EXPECT_EQ(0, puppet_end(&p));
}

/*
 * memory_spread_page and memory_spread_slab
 */

/* New containers have their parent's spread flags and no other flags of it. */
TEST_F(mems, flags)
{
	static const char * const files[] = {
		"cpuset.memory_migrate", "cpuset.mem_hardwall",
		"cpuset.memory_spread_page", "cpuset.memory_spread_slab",
	};

	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, ct_read_num(MNT, files[i]));
		EXPECT_EQ(0, ct_read_num(A, files[i]));
		EXPECT_EQ(-EINVAL, ct_write(A, files[i], "2"));
		EXPECT_EQ(-EINVAL, ct_write(A, files[i], "yes"));
		EXPECT_EQ(0, ct_write(A, files[i], "1\n"));
		EXPECT_EQ(1, ct_read_num(A, files[i]));
	}
	ASSERT_EQ(0, ct_mkdir(A "/aa"));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(i >= 2, ct_read_num(A "/aa", files[i]));
		EXPECT_EQ(0, ct_write(A, files[i], "0"));
	}
	EXPECT_EQ(1, ct_read_num(A "/aa", files[2]));
}

#define SPREAD_DIR	"/tmp/ramfs"

/* The nodes that a new file's pages are on; they may go round both. */
static long nodes_of_file(long arg)
{
	static void *pages[PAGES];
	static int status[PAGES];
	long size = sysconf(_SC_PAGESIZE), mask = 0, count[2] = {};
	char page[4096] = {};
	char *mem;
	int fd = open(SPREAD_DIR "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return -errno;
	for (int i = 0; i < PAGES; i++)
		if (write(fd, page, size) != size)
			return -EIO;
	mem = mmap(NULL, PAGES * size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	for (int i = 0; i < PAGES; i++) {
		pages[i] = mem + i * size;
		*(volatile char *)pages[i];
	}
	if (syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0))
		return -errno;
	for (int i = 0; i < PAGES; i++) {
		if (status[i] < 0 || status[i] > 1)
			return -EPROTO;
		count[status[i]]++;
		mask |= 1L << status[i];
	}
	munmap(mem, PAGES * size);
	close(fd);
	unlink(SPREAD_DIR "/file");
	/* Evenly, if on both. */
	if (arg && mask == 3 && (count[0] < PAGES / 3 || count[1] < PAGES / 3))
		return -EDOM;
	return mask;
}

/* Of members, children of members included; when it is set, and by attaching. */
TEST_F(mems, spread_page)
{
	struct puppet *p = &self->puppet;

	mkdir(SPREAD_DIR, 0700);
	ASSERT_EQ(0, mount("none", SPREAD_DIR, "ramfs", 0, NULL));
	ASSERT_EQ(0, puppet_call(p, run_on, 1));
	long local = puppet_call(p, nodes_of_file, 0);

	ASSERT_TRUE(local == 1 || local == 2);
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_spread_page", "1"));
	EXPECT_EQ(3, puppet_call(p, nodes_of_file, 1));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 2));
	EXPECT_EQ(2, puppet_call(p, nodes_of_file, 1));
	ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", 3));
	EXPECT_EQ(3, puppet_call(p, nodes_of_file, 1));
	/* Anonymous memory is local all the same. */
	EXPECT_EQ(local, puppet_call(p, nodes_of_new, 0));
	ASSERT_EQ(0, ct_attach(MNT, p->pid));
	EXPECT_EQ(local, puppet_call(p, nodes_of_file, 1));
	ASSERT_EQ(0, ct_attach(A, p->pid));
	EXPECT_EQ(3, puppet_call(p, nodes_of_file, 1));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_spread_page", "0"));
	EXPECT_EQ(local, puppet_call(p, nodes_of_file, 1));
	/* The root's members too. */
	ASSERT_EQ(0, ct_attach(MNT, p->pid));
	ASSERT_EQ(0, ct_write(MNT, "cpuset.memory_spread_page", "1"));
	EXPECT_EQ(3, puppet_call(p, nodes_of_file, 1));
	ASSERT_EQ(0, ct_write(MNT, "cpuset.memory_spread_page", "0"));
	EXPECT_EQ(local, puppet_call(p, nodes_of_file, 1));
	EXPECT_EQ(0, umount(SPREAD_DIR));
}

TEST_HARNESS_MAIN
