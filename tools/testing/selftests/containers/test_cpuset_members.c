// SPDX-License-Identifier: GPL-2.0
/*
 * The members of a cpuset: they follow it at once whatever they are doing,
 * and so do threads that io_uring makes for them, their own sched_setaffinity()
 * is kept, and CPUs may go and come back.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"

#define A	MNT "/a"
#define B	MNT "/a/b"
#define C	MNT "/a/b/c"
#define D	MNT "/d"

/* Each test has the hierarchy "cpuset" to itself, and all CPUs. */
FIXTURE(members) {
	int unused;
};

FIXTURE_SETUP(members)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
}

FIXTURE_TEARDOWN_PARENT(members)
{
	EXPECT_EQ(0, cpus_restore());
	EXPECT_EQ(0, ct_reset());
}

/*
 * A process with a thread of each kind
 */

enum { ZOO_PAUSES, ZOO_SPINS, ZOO_READS, ZOO_FUTEX, ZOO_VFORKS, ZOO_THREADS };

static void *spin(void *arg)
{
	for (;;)
		atomic_signal_fence(memory_order_seq_cst);
	return arg;
}

static void *read_nothing(void *arg)
{
	int fds[2];
	char c;

	if (!pipe(fds) && read(fds[0], &c, 1) < 0)
		perror("read");
	return arg;
}

static void *wait_at_futex(void *arg)
{
	int word = 0;

	ct_futex_wait(&word, 0);
	return arg;
}

/* Uninterruptible until its child, which is another process, ends. */
static void *wait_for_vfork(void *arg)
{
	if (!vfork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return arg;
}

/* Number of threads of a process that /proc shows in this state. */
static int in_state(pid_t pid, const char *states)
{
	char path[64], buf[512];
	struct dirent *entry;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char *p;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/stat", entry->d_name);
		if (ct_proc_read(pid, path, buf, sizeof(buf)) < 0)
			continue;
		p = strrchr(buf, ')');
		found += p && strchr(states, p[2]);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Waits until this many threads are in one of these states. */
static int wait_for_state(pid_t pid, const char *states, int threads)
{
	for (int i = 0; i < CT_WAIT_MS; i++) {
		if (in_state(pid, states) == threads)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

static pid_t zoo(void)
{
	static void *(* const threads[])(void *arg) = {
		[ZOO_SPINS] = spin,
		[ZOO_READS] = read_nothing,
		[ZOO_FUTEX] = wait_at_futex,
		[ZOO_VFORKS] = wait_for_vfork,
	};
	pid_t pid = ct_fork();
	pthread_t thread;

	if (pid < 0)
		return -errno;
	if (!pid) {
		for (int i = 1; i < ZOO_THREADS; i++)
			if (pthread_create(&thread, NULL, threads[i], NULL))
				_exit(1);
		for (;;)
			pause();
	}
	if (wait_for_state(pid, "SD", ZOO_THREADS - 1)) {
		ct_kill(pid);
		return -ETIMEDOUT;
	}
	return pid;
}

/* The one in a vfork cannot be stopped, nor then the process be waited for. */
static int stop_zoo(pid_t pid)
{
	if (kill(pid, SIGSTOP))
		return -errno;
	return wait_for_state(pid, "T", ZOO_THREADS - 1);
}

/* Running, sleeping, in a vfork, and then all of them stopped. */
TEST_F(members, follow_in_every_state)
{
	pid_t pid = zoo();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_make(A, 3, 1));
	for (int stopped = 0; stopped < 2; stopped++) {
		ASSERT_EQ(0, ct_attach_process(A, pid));
		EXPECT_IN_FORCE(pid, ZOO_THREADS, 3, 1);
		for (int i = 0; i < 20; i++) {
			unsigned long cpus = 1 + i % 15;
			unsigned long mems = 1 + i % 3;

			ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", cpus));
			ASSERT_EQ(0, cpuset_set(A, "cpuset.mems", mems));
			EXPECT_IN_FORCE(pid, ZOO_THREADS, cpus, mems);
		}
		ASSERT_EQ(0, ct_attach_process(MNT, pid));
		EXPECT_IN_FORCE(pid, ZOO_THREADS, ALL_CPUS, ALL_MEMS);
		ASSERT_EQ(0, cpuset_set_both(A, 3, 1));
		ASSERT_EQ(0, stop_zoo(pid));
	}
	ct_kill(pid);
}

/* Where a thread runs, and not only where it is said to be allowed. */
TEST_F(members, run_where_allowed)
{
	pid_t pid = ct_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		spin(NULL);
	ASSERT_EQ(0, cpuset_make(A, 1, 1));
	ASSERT_EQ(0, ct_attach(A, pid));
	for (int cpu = 0; cpu < 3 * CPUS; cpu++) {
		char buf[1024];
		char *p;
		int on = -1;

		ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 1UL << cpu % CPUS));
		ASSERT_LT(0, ct_proc_read(pid, "stat", buf, sizeof(buf)));
		p = strrchr(buf, ')') + 1;
		/* Field 39 is the CPU; what follows the name is field 3. */
		for (int field = 3; field < 39; field++)
			p = strchr(p + 1, ' ') ?: p;
		on = atoi(p);
		EXPECT_EQ(cpu % CPUS, on);
	}
	ct_kill(pid);
}

/* One thread of three, and the others stay where they are. */
TEST_F(members, single_thread)
{
	char why[400] = "";
	pid_t tids[3];
	pid_t pid = ct_process(NULL, 3, tids);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_make(A, 4, 2));
	ASSERT_EQ(0, cpuset_make(D, 8, 1));
	ASSERT_EQ(0, ct_attach(A, tids[1]));
	ASSERT_EQ(0, ct_attach(D, tids[2]));
	EXPECT_TRUE(cpuset_in_force(pid, tids[0], ALL_CPUS, ALL_MEMS, why,
				    sizeof(why)))
		TH_LOG("%s", why);
	EXPECT_TRUE(cpuset_in_force(pid, tids[1], 4, 2, why, sizeof(why)))
		TH_LOG("%s", why);
	EXPECT_TRUE(cpuset_in_force(pid, tids[2], 8, 1, why, sizeof(why)))
		TH_LOG("%s", why);
	/* Each follows its own, and then all are together. */
	ASSERT_EQ(0, cpuset_set(D, "cpuset.cpus", 3));
	EXPECT_TRUE(cpuset_in_force(pid, tids[1], 4, 2, why, sizeof(why)))
		TH_LOG("%s", why);
	EXPECT_TRUE(cpuset_in_force(pid, tids[2], 3, 1, why, sizeof(why)))
		TH_LOG("%s", why);
	ASSERT_EQ(0, ct_attach_process(A, pid));
	EXPECT_IN_FORCE(pid, 3, 4, 2);
	ct_kill(pid);
}

static long fork_sleeper(long arg)
{
	(void)arg;
	return ct_sleeper(NULL);
}

static long start_thread(long arg)
{
	static struct ct_threads threads[8];

	return ct_threads_start(&threads[arg], 1) ?: threads[arg].tid[0];
}

/* Children and threads of members are members, from their first moment on. */
TEST_F(members, new_children_and_threads)
{
	struct puppet puppet = {};
	pid_t children[8];

	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, cpuset_make(A, 1, 1));
	ASSERT_EQ(0, ct_attach_process(A, puppet.pid));
	for (int i = 0; i < 8; i++) {
		unsigned long cpus = 1 + i, mems = 1 + i % 3;
		char why[400] = "";
		pid_t tid;

		ASSERT_EQ(0, cpuset_set_both(A, cpus, mems));
		children[i] = puppet_call(&puppet, fork_sleeper, 0);
		ASSERT_LT(0, children[i]);
		EXPECT_IN_FORCE(children[i], 1, cpus, mems);
		EXPECT_TRUE(ct_is_in(children[i], "cpuset", "/a"));
		tid = puppet_call(&puppet, start_thread, i);
		ASSERT_LT(0, tid);
		EXPECT_TRUE(cpuset_in_force(puppet.pid, tid, cpus, mems, why,
					    sizeof(why)))
			TH_LOG("%s", why);
		EXPECT_IN_FORCE(puppet.pid, i + 2, cpus, mems);
		for (int old = 0; old < i; old++) {
			EXPECT_IN_FORCE(children[old], 1, cpus, mems);
		}
	}
	/* The children stay when their parent leaves. */
	ASSERT_EQ(0, ct_attach_process(MNT, puppet.pid));
	EXPECT_IN_FORCE(puppet.pid, 9, ALL_CPUS, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set_both(A, 6, 2));
	for (int i = 0; i < 8; i++) {
		EXPECT_IN_FORCE(children[i], 1, 6, 2);
	}
	puppet_end(&puppet);
}

/* A kernel thread that is bound to nothing is a member like any other. */
TEST_F(members, kernel_thread)
{
	pid_t pid;
	char name[64] = "";

	for (pid = 3; pid < 300; pid++) {
		if (ct_proc_read(pid, "comm", name, sizeof(name)) > 0 &&
		    !strcmp(name, "oom_reaper\n"))
			break;
	}
	ASSERT_STREQ("oom_reaper\n", name);
	ASSERT_EQ(0, cpuset_make(A, 2, ALL_MEMS));
	EXPECT_EQ(0, ct_attach(A, pid));
	EXPECT_IN_FORCE(pid, 1, 2, ALL_MEMS);
	EXPECT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xc));
	EXPECT_IN_FORCE(pid, 1, 0xc, ALL_MEMS);
	EXPECT_EQ(0, ct_attach(MNT, pid));
	EXPECT_IN_FORCE(pid, 1, ALL_CPUS, ALL_MEMS);
}

/*
 * Threads that io_uring makes
 */

/* The puppet's. */
static struct ring {
	int fd;
	struct io_uring_params params;
	void *sq;
	struct io_uring_sqe *sqes;
} ring;

static long make_ring(long flags)
{
	struct io_uring_params *params = &ring.params;

	params->flags = flags;
	params->sq_thread_idle = 1;
	ring.fd = syscall(SYS_io_uring_setup, 1, params);
	if (ring.fd < 0)
		return -errno;
	ring.sq = mmap(NULL, params->sq_off.array + params->sq_entries * sizeof(unsigned int),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	if (ring.sq == MAP_FAILED)
		return -errno;
	ring.sqes = mmap(NULL, params->sq_entries * sizeof(*ring.sqes),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	return ring.sqes == MAP_FAILED ? -errno : 0;
}

/* It has its name before its CPUs: only when it sleeps is it through its start. */
static long start_poller(long cpu)
{
	unsigned int *flags;
	long ret;

	if (cpu >= 0)
		ring.params.sq_thread_cpu = cpu;
	ret = make_ring(IORING_SETUP_SQPOLL | (cpu < 0 ? 0 : IORING_SETUP_SQ_AFF));
	if (ret)
		return ret;
	flags = ring.sq + ring.params.sq_off.flags;
	for (int i = 0; i < CT_WAIT_MS; i++) {
		if (__atomic_load_n(flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

/* Has a worker made, which stays. Returns 1, the number of requests submitted. */
static long submit_to_worker(long arg)
{
	unsigned int *array = ring.sq + ring.params.sq_off.array;
	unsigned int *tail = ring.sq + ring.params.sq_off.tail;
	static char c;
	int fds[2], ret;

	(void)arg;
	if (pipe(fds))
		return -errno;
	ring.sqes[0] = (struct io_uring_sqe) {
		.opcode = IORING_OP_READ,
		.flags = IOSQE_ASYNC,
		.fd = fds[0],
		.addr = (unsigned long)&c,
		.len = 1,
	};
	array[0] = 0;
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	ret = syscall(SYS_io_uring_enter, ring.fd, 1, 0, IORING_ENTER_SQ_WAKEUP,
		      NULL, 0);
	return ret < 0 ? -errno : ret;
}

/* The thread whose name begins like this, or 0. */
static pid_t find_thread(pid_t pid, const char *start)
{
	char path[64], name[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/comm", entry->d_name);
		if (ct_proc_read(pid, path, name, sizeof(name)) > 0 &&
		    !strncmp(name, start, strlen(start)))
			found = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static pid_t wait_for_worker(pid_t pid)
{
	pid_t worker = 0;

	for (int i = 0; !worker && i < CT_WAIT_MS; i++) {
		usleep(1000);
		worker = find_thread(pid, "iou-wrk-");
	}
	return worker;
}

/* The kernel's poller sets its own CPUs. */
TEST_F(members, io_uring_poller)
{
	struct puppet puppet = {};

	ASSERT_EQ(0, cpuset_make(A, 0x2, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(D, 0x4, ALL_MEMS));
	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, ct_attach_process(A, puppet.pid));
	ASSERT_EQ(0, puppet_call(&puppet, start_poller, -1));
	EXPECT_LT(0, find_thread(puppet.pid, "iou-sqp-"));
	EXPECT_IN_FORCE(puppet.pid, 2, 0x2, ALL_MEMS);
	ASSERT_EQ(0, ct_attach_process(D, puppet.pid));
	EXPECT_IN_FORCE(puppet.pid, 2, 0x4, ALL_MEMS);
	EXPECT_EQ(0, puppet_end(&puppet));
}

/* One that was told which CPU to use stays there as long as its cpuset lets it. */
TEST_F(members, io_uring_pinned_poller)
{
	struct puppet puppet = {};
	pid_t poller, worker;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(D, 0x6, ALL_MEMS));
	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, ct_attach_process(A, puppet.pid));
	ASSERT_EQ(0, puppet_call(&puppet, start_poller, 1));
	poller = find_thread(puppet.pid, "iou-sqp-");
	ASSERT_LT(0, poller);
	EXPECT_EQ(0x2UL, cpuset_affinity(poller));
	ASSERT_EQ(0, ct_write(A, "cpuset.memory_spread_page", "1"));
	EXPECT_EQ(0x2UL, cpuset_affinity(poller));
	/* What it has others do is not for that CPU. */
	ASSERT_EQ(1, puppet_call(&puppet, submit_to_worker, 0));
	worker = wait_for_worker(puppet.pid);
	ASSERT_LT(0, worker);
	EXPECT_EQ(0x3UL, cpuset_affinity(worker));
	ASSERT_EQ(0, ct_attach_process(D, puppet.pid));
	EXPECT_EQ(0x2UL, cpuset_affinity(poller));
	EXPECT_EQ(0x6UL, cpuset_affinity(worker));
	ASSERT_EQ(0, ct_attach_process(MNT, puppet.pid));
	EXPECT_EQ(0x2UL, cpuset_affinity(poller));
	EXPECT_EQ(ALL_CPUS, cpuset_affinity(worker));
	ASSERT_EQ(0, ct_attach_process(D, puppet.pid));
	ASSERT_EQ(0, cpuset_set(D, "cpuset.cpus", 0xc));
	EXPECT_EQ(0xcUL, cpuset_affinity(poller));
	ASSERT_EQ(0, cpuset_set(D, "cpuset.cpus", ALL_CPUS));
	EXPECT_EQ(ALL_CPUS, cpuset_affinity(poller));
	EXPECT_EQ(0, puppet_end(&puppet));
}

/* A ring keeps the CPUs its maker had: here all, and its workers get fewer. */
TEST_F(members, io_uring_workers)
{
	struct puppet puppet = {};
	pid_t worker;

	ASSERT_EQ(0, cpuset_make(A, 0x2, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(D, 0x4, ALL_MEMS));
	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, puppet_call(&puppet, make_ring, 0));
	ASSERT_EQ(0, ct_attach_process(A, puppet.pid));
	ASSERT_EQ(1, puppet_call(&puppet, submit_to_worker, 0));
	worker = wait_for_worker(puppet.pid);
	ASSERT_LT(0, worker);
	EXPECT_IN_FORCE(puppet.pid, 2, 0x2, ALL_MEMS);
	ASSERT_EQ(0, ct_attach_process(D, puppet.pid));
	EXPECT_IN_FORCE(puppet.pid, 2, 0x4, ALL_MEMS);
	EXPECT_EQ(0, puppet_end(&puppet));
}

/*
 * sched_setaffinity()
 */

/* In force is what a thread's own mask shares with its cpuset. */
TEST_F(members, own_mask_is_kept)
{
	static const struct {
		unsigned long cpuset, in_force;
	} steps[] = {
		{ 0xf, 0xa }, { 0x3, 0x2 }, { 0x1, 0x1 }, { 0x5, 0x5 },
		{ 0x8, 0x8 }, { 0xf, 0xa }, { 0x4, 0x4 }, { 0xe, 0xa },
		{ 0x5, 0x5 }, { 0xa, 0xa },
	};
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_set_affinity(pid, 0xa));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, ct_attach(A, pid));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", steps[i].cpuset));
		EXPECT_IN_FORCE(pid, 1, steps[i].in_force, ALL_MEMS);
	}
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x5));
	EXPECT_IN_FORCE(pid, 1, 0x5, ALL_MEMS);
	ASSERT_EQ(0, ct_attach(MNT, pid));
	EXPECT_IN_FORCE(pid, 1, 0xa, ALL_MEMS);
	/* Attaching is the same as changing. */
	ASSERT_EQ(0, cpuset_make(D, 0x3, ALL_MEMS));
	ASSERT_EQ(0, ct_attach(A, pid));
	EXPECT_IN_FORCE(pid, 1, 0x5, ALL_MEMS);
	ASSERT_EQ(0, ct_attach(D, pid));
	EXPECT_IN_FORCE(pid, 1, 0x2, ALL_MEMS);
	ASSERT_EQ(0, ct_attach(MNT, pid));
	EXPECT_IN_FORCE(pid, 1, 0xa, ALL_MEMS);
	ct_kill(pid);
}

/* A mask set by a member counts beyond what its cpuset has now. */
TEST_F(members, own_mask_set_inside)
{
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, cpuset_set_affinity(pid, 0x6));
	EXPECT_IN_FORCE(pid, 1, 0x2, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xf));
	EXPECT_IN_FORCE(pid, 1, 0x6, ALL_MEMS);
	/* One that was refused leaves the former one. */
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x7));
	EXPECT_EQ(-EINVAL, cpuset_set_affinity(pid, 0x8));
	EXPECT_EQ(-EINVAL, cpuset_set_affinity(pid, 0));
	EXPECT_EQ(-EINVAL, cpuset_set_affinity(pid, 1UL << 40));
	EXPECT_IN_FORCE(pid, 1, 0x6, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xf));
	EXPECT_IN_FORCE(pid, 1, 0x6, ALL_MEMS);
	/* The whole cpuset, and more than that. */
	EXPECT_EQ(0, cpuset_set_affinity(pid, ~0UL));
	EXPECT_IN_FORCE(pid, 1, 0xf, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x4));
	EXPECT_IN_FORCE(pid, 1, 0x4, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xd));
	EXPECT_IN_FORCE(pid, 1, 0xd, ALL_MEMS);
	ct_kill(pid);
}

/* Nobody gets out of his cpuset, for himself or for another. */
TEST_F(members, own_mask_is_bounded)
{
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_make(A, 0x6, ALL_MEMS));
	ASSERT_EQ(0, ct_attach(A, pid));
	for (unsigned long mask = 1; mask <= ALL_CPUS; mask++) {
		if (mask & 0x6) {
			EXPECT_EQ(0, cpuset_set_affinity(pid, mask));
			EXPECT_IN_FORCE(pid, 1, mask & 0x6, ALL_MEMS);
		} else {
			EXPECT_EQ(-EINVAL, cpuset_set_affinity(pid, mask));
			EXPECT_IN_FORCE(pid, 1, (mask - 1) & 0x6 ?: 0x6,
					ALL_MEMS);
		}
	}
	/* A root task is bounded by what there is. */
	ASSERT_EQ(0, ct_attach(MNT, pid));
	for (unsigned long mask = 1; mask <= ALL_CPUS; mask++) {
		EXPECT_EQ(0, cpuset_set_affinity(pid, mask));
		EXPECT_EQ(mask, cpuset_affinity(pid));
	}
	ct_kill(pid);
}

static long fork_execs(long arg)
{
	pid_t pid = ct_fork();

	(void)arg;
	if (!pid) {
		execl("/proc/self/exe", "sleeper", "--sleep", NULL);
		_exit(1);
	}
	return pid;
}

/* What fork_execs() runs. */
static void __attribute__((constructor)) sleep_if_told(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--sleep"))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Children, new threads and programs have their creator's mask. */
TEST_F(members, own_mask_is_inherited)
{
	struct puppet puppet = {};
	pid_t child, program;

	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, cpuset_set_affinity(puppet.pid, 0xa));
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, ct_attach_process(A, puppet.pid));
	child = puppet_call(&puppet, fork_sleeper, 0);
	ASSERT_LT(0, child);
	program = puppet_call(&puppet, fork_execs, 0);
	ASSERT_LT(0, program);
	ASSERT_LT(0, puppet_call(&puppet, start_thread, 0));
	EXPECT_IN_FORCE(child, 1, 0x2, ALL_MEMS);
	EXPECT_IN_FORCE(program, 1, 0x2, ALL_MEMS);
	EXPECT_IN_FORCE(puppet.pid, 2, 0x2, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0x1));
	EXPECT_IN_FORCE(child, 1, 0x1, ALL_MEMS);
	EXPECT_IN_FORCE(program, 1, 0x1, ALL_MEMS);
	EXPECT_IN_FORCE(puppet.pid, 2, 0x1, ALL_MEMS);
	/* Those made while nothing is shared inherit it as well. */
	child = puppet_call(&puppet, fork_sleeper, 0);
	ASSERT_LT(0, child);
	EXPECT_IN_FORCE(child, 1, 0x1, ALL_MEMS);
	ASSERT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xf));
	EXPECT_IN_FORCE(child, 1, 0xa, ALL_MEMS);
	EXPECT_IN_FORCE(program, 1, 0xa, ALL_MEMS);
	EXPECT_IN_FORCE(puppet.pid, 2, 0xa, ALL_MEMS);
	puppet_end(&puppet);
}

/*
 * CPUs off and on
 */

/* a 0-3 > b 1-3 > c 3, with a member each. */
struct tree {
	pid_t pid[3];
};

static const char * const tree_dirs[] = { A, B, C };
static const unsigned long tree_cpus[] = { 0xf, 0xe, 0x8 };

static int tree_make(struct tree *tree)
{
	for (int i = 0; i < 3; i++) {
		int ret = cpuset_make(tree_dirs[i], tree_cpus[i], ALL_MEMS);

		if (ret)
			return ret;
		tree->pid[i] = ct_sleeper(tree_dirs[i]);
		if (tree->pid[i] < 0)
			return tree->pid[i];
	}
	return 0;
}

/* The tree as it must be while just these CPUs are online. */
static void tree_check(struct __test_metadata *_metadata, struct tree *tree,
		       unsigned long online)
{
	unsigned long effective = online;

	EXPECT_EQ(online, cpuset_get(MNT, "cpuset.effective_cpus"))
		TH_LOG("online %lx", online);
	for (int i = 0; i < 3; i++) {
		/* What it lacks its nearest ancestor lends it. */
		effective = tree_cpus[i] & online ?: effective;
		EXPECT_EQ(tree_cpus[i], cpuset_get(tree_dirs[i], "cpuset.cpus"))
			TH_LOG("online %lx: %s", online, tree_dirs[i]);
		EXPECT_EQ(effective, cpuset_get(tree_dirs[i],
						"cpuset.effective_cpus"))
			TH_LOG("online %lx: %s", online, tree_dirs[i]);
		EXPECT_IN_FORCE(tree->pid[i], 1, effective, ALL_MEMS);
		EXPECT_EQ(1, ct_has(tree_dirs[i], "tasks", tree->pid[i]));
	}
}

/* Every set of the CPUs 1-3 after every other, one CPU at a time. */
TEST_F(members, hotplug)
{
	static const int order[] = { 3, 2, 3, 1, 2, 1, 3, 2, 3, 1, 2, 1 };
	unsigned long online = ALL_CPUS;
	struct tree tree;

	ASSERT_EQ(0, tree_make(&tree));
	tree_check(_metadata, &tree, online);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		online ^= 1UL << order[i];
		ASSERT_EQ(0, cpu_online(order[i], online >> order[i] & 1));
		tree_check(_metadata, &tree, online);
	}
	EXPECT_EQ(ALL_CPUS, online);
}

/* Hole 39, as for suspend: all but CPU 0 go and come back, in the same order. */
TEST_F(members, hotplug_all)
{
	unsigned long online = ALL_CPUS;
	struct tree tree;

	ASSERT_EQ(0, tree_make(&tree));
	for (int round = 0; round < 2; round++) {
		for (int cpu = 1; cpu < CPUS; cpu++) {
			online &= ~(1UL << cpu);
			ASSERT_EQ(0, cpu_online(cpu, false));
			tree_check(_metadata, &tree, online);
		}
		for (int cpu = 1; cpu < CPUS; cpu++) {
			online |= 1UL << cpu;
			ASSERT_EQ(0, cpu_online(cpu, true));
			tree_check(_metadata, &tree, online);
		}
	}
}

/* Own masks over a CPU that goes and comes back. */
TEST_F(members, hotplug_own_mask)
{
	pid_t pid, narrow;

	ASSERT_EQ(0, cpuset_make(A, 0xc, ALL_MEMS));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	narrow = ct_sleeper(A);
	ASSERT_LT(0, narrow);
	ASSERT_EQ(0, cpuset_set_affinity(narrow, 0x8));
	EXPECT_IN_FORCE(narrow, 1, 0x8, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(3, false));
	EXPECT_IN_FORCE(pid, 1, 0x4, ALL_MEMS);
	EXPECT_IN_FORCE(narrow, 1, 0x4, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(2, false));
	/* Lent from the root. */
	EXPECT_IN_FORCE(pid, 1, 0x3, ALL_MEMS);
	EXPECT_IN_FORCE(narrow, 1, 0x3, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(2, true));
	EXPECT_IN_FORCE(narrow, 1, 0x4, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(3, true));
	EXPECT_IN_FORCE(pid, 1, 0xc, ALL_MEMS);
	EXPECT_IN_FORCE(narrow, 1, 0x8, ALL_MEMS);
	ct_kill(pid);
	ct_kill(narrow);
}

/* Threads in all states lose the only CPU they have, and get it back. */
TEST_F(members, hotplug_in_every_state)
{
	pid_t pid = zoo();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_make(A, 0x8, 1));
	ASSERT_EQ(0, ct_attach_process(A, pid));
	for (int stopped = 0; stopped < 2; stopped++) {
		EXPECT_IN_FORCE(pid, ZOO_THREADS, 0x8, 1);
		ASSERT_EQ(0, cpu_online(3, false));
		EXPECT_IN_FORCE(pid, ZOO_THREADS, 0x7, 1);
		ASSERT_EQ(0, cpu_online(3, true));
		EXPECT_IN_FORCE(pid, ZOO_THREADS, 0x8, 1);
		ASSERT_EQ(0, stop_zoo(pid));
	}
	ct_kill(pid);
}

/* Attaching, forking and configuring while a CPU is off. */
TEST_F(members, hotplug_meanwhile)
{
	struct puppet puppet = {};
	pid_t child;

	ASSERT_EQ(0, cpuset_make(A, 0xf, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0x8, ALL_MEMS));
	ASSERT_EQ(0, puppet_start(&puppet));
	ASSERT_EQ(0, cpu_online(3, false));
	/* Its CPUs are off, but it has some. */
	EXPECT_EQ(0, ct_attach(B, puppet.pid));
	EXPECT_IN_FORCE(puppet.pid, 1, 0x7, ALL_MEMS);
	child = puppet_call(&puppet, fork_sleeper, 0);
	ASSERT_LT(0, child);
	EXPECT_IN_FORCE(child, 1, 0x7, ALL_MEMS);
	/* The lender changes. */
	EXPECT_EQ(0, cpuset_set(A, "cpuset.cpus", 0xa));
	EXPECT_IN_FORCE(child, 1, 0x2, ALL_MEMS);
	EXPECT_EQ(0x2UL, cpuset_get(B, "cpuset.effective_cpus"));
	/* It may not lose the CPU that its child has, off as it is. */
	EXPECT_EQ(-EBUSY, cpuset_set(A, "cpuset.cpus", 0x3));
	/* What is off can be configured. */
	EXPECT_EQ(0, cpuset_set(B, "cpuset.cpus", 0xa));
	EXPECT_EQ(0xaUL, cpuset_get(B, "cpuset.cpus"));
	EXPECT_EQ(0x2UL, cpuset_get(B, "cpuset.effective_cpus"));
	ASSERT_EQ(0, cpuset_make(D, 0xc, ALL_MEMS));
	EXPECT_EQ(0x4UL, cpuset_get(D, "cpuset.effective_cpus"));
	EXPECT_EQ(0, ct_attach(D, child));
	EXPECT_IN_FORCE(child, 1, 0x4, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(3, true));
	EXPECT_IN_FORCE(child, 1, 0xc, ALL_MEMS);
	EXPECT_IN_FORCE(puppet.pid, 1, 0xa, ALL_MEMS);
	EXPECT_EQ(0xcUL, cpuset_get(D, "cpuset.effective_cpus"));
	puppet_end(&puppet);
}

/* Without a mount the cpusets that are left follow all the same. */
TEST_F(members, hotplug_unmounted)
{
	struct tree tree;

	ASSERT_EQ(0, tree_make(&tree));
	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, cpu_online(3, false));
	EXPECT_IN_FORCE(tree.pid[2], 1, 0x6, ALL_MEMS);
	ASSERT_EQ(0, cpu_online(3, true));
	EXPECT_IN_FORCE(tree.pid[2], 1, 0x8, ALL_MEMS);
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	tree_check(_metadata, &tree, ALL_CPUS);
}

/* Nor does a CPU that goes before the first container is made. */
TEST_F(members, hotplug_before)
{
	struct tree tree;

	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, cpu_online(3, false));
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	ASSERT_EQ(0, tree_make(&tree));
	tree_check(_metadata, &tree, 0x7);
	ASSERT_EQ(0, cpu_online(3, true));
	tree_check(_metadata, &tree, 0xf);
}

TEST_HARNESS_MAIN
