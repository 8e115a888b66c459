// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of the callbacks, seen through the subsystem of
 * samples/containers: sample.members counts the threads of a container,
 * and beyond sample.limit attach and fork fail with EAGAIN. The root is neither
 * counted nor limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"
#include "race_util.h"

#define T	CT_DIR "/t"
#define A	T "/a"
#define B	T "/b"

#define LONG_TIMEOUT	300

FIXTURE(sample)
{
	const char *list;
	bool cpuset;
};

FIXTURE_VARIANT(sample)
{
	const char *options;
	const char *list;
};

FIXTURE_VARIANT_ADD(sample, alone)
{
	.options = "sample",
	.list = "sample",
};

FIXTURE_VARIANT_ADD(sample, last_of_three)
{
	.options = "cpuset,cpuacct,sample",
	.list = "cpuset,cpuacct,sample",
};

static int make(const char *cont, bool cpuset)
{
	int ret = ct_mkdir(cont);

	if (!ret && cpuset)
		ret = ct_write(cont, "cpuset.cpus", "0-3");
	if (!ret && cpuset)
		ret = ct_write(cont, "cpuset.mems", "0-1");
	return ret;
}

/* The tree of all tests: T with a and b. */
FIXTURE_SETUP(sample)
{
	self->list = variant->list;
	self->cpuset = strstr(variant->options, "cpuset");
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount(variant->options, T));
	ASSERT_EQ(0, make(A, self->cpuset));
	ASSERT_EQ(0, make(B, self->cpuset));
}

FIXTURE_TEARDOWN_PARENT(sample)
{
	EXPECT_EQ(0, ct_reset());
}

static long long members(const char *cont)
{
	return ct_read_num(cont, "sample.members");
}

static int set_limit(const char *cont, int limit)
{
	return ct_write_num(cont, "sample.limit", limit);
}

/* The errno of a fork in the calling process; 0 if it succeeds. */
static int try_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

static int fork_once(void *cont)
{
	int ret = ct_enter(cont);

	return ret ? ret : -try_fork();
}

static void *no_thread(void *unused)
{
	return unused;
}

static int thread_once(void *cont)
{
	int ret = ct_enter(cont);
	pthread_t thread;

	if (ret)
		return ret;
	ret = pthread_create(&thread, NULL, no_thread, NULL);
	if (!ret)
		pthread_join(thread, NULL);
	return -ret;
}

/* Wait for all children, and for orphans where the test is a subreaper. */
static void reap_all(void)
{
	while (wait(NULL) > 0)
		;
}

/*
 * Counting
 */

/* After every move, fork, new thread and exit the number is exact. */
TEST_F(sample, members)
{
	pid_t tid[4], pid, other;

	EXPECT_EQ(0, members(T));
	EXPECT_EQ(0, members(A));
	pid = ct_process(A, 4, tid);
	ASSERT_LT(0, pid);
	EXPECT_EQ(4, members(A));
	EXPECT_EQ(0, members(T));
	ASSERT_EQ(0, ct_attach(B, tid[2]));
	EXPECT_EQ(3, members(A));
	EXPECT_EQ(1, members(B));
	/* To where it is: nothing is charged. */
	ASSERT_EQ(0, ct_attach(B, tid[2]));
	EXPECT_EQ(1, members(B));
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_EQ(0, members(A));
	EXPECT_EQ(4, members(B));
	other = ct_sleeper(B);
	ASSERT_LT(0, other);
	EXPECT_EQ(5, members(B));
	ASSERT_EQ(0, ct_attach_process(T, pid));
	EXPECT_EQ(1, members(B));
	EXPECT_EQ(0, members(T));
	ct_kill(pid);
	ct_kill(other);
	EXPECT_EQ(0, members(A));
	EXPECT_EQ(0, members(B));

	/* Forks and threads that have come and gone. */
	EXPECT_EQ(0, ct_call(fork_once, A));
	EXPECT_EQ(0, ct_call(thread_once, A));
	EXPECT_EQ(0, members(A));
}

/* A zombie is no member, whatever it was charged is given back. */
TEST_F(sample, zombie)
{
	pid_t pid = ct_process(A, 3, NULL);
	siginfo_t info;

	ASSERT_LT(0, pid);
	ASSERT_EQ(3, members(A));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, members(A));
	ct_wait(pid);
	EXPECT_EQ(0, members(A));
}

/* What is written to the limit, and what is not. */
TEST_F(sample, limit_values)
{
	static const char *const wrong[] = {
		"-1", "x", "1x", "2147483648", "18446744073709551616", "\n",
	};
	unsigned int i;

	EXPECT_EQ(INT_MAX, ct_read_num(A, "sample.limit"));
	EXPECT_EQ(0, ct_write(A, "sample.limit", "5"));
	EXPECT_EQ(5, ct_read_num(A, "sample.limit"));
	EXPECT_EQ(0, ct_write(A, "sample.limit", "7\n"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, ct_write(A, "sample.limit", wrong[i]));
	EXPECT_EQ(7, ct_read_num(A, "sample.limit"));
	EXPECT_GT(0, ct_write(A, "sample.members", "0"));
	EXPECT_EQ(INT_MAX, ct_read_num(B, "sample.limit"));
}

/*
 * can_fork and cancel_fork
 */

/* Beyond the limit fork and clone fail, and the number is what it was. */
TEST_F(sample, fork_above_limit)
{
	pid_t pid = ct_process(A, 2, NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, set_limit(A, 3));
	EXPECT_EQ(-EAGAIN, ct_call(fork_once, A));
	EXPECT_EQ(-EAGAIN, ct_call(thread_once, A));
	EXPECT_EQ(2, members(A));
	ASSERT_EQ(0, set_limit(A, 4));
	EXPECT_EQ(0, ct_call(fork_once, A));
	EXPECT_EQ(0, ct_call(thread_once, A));
	EXPECT_EQ(2, members(A));
	/* Below what there is: they stay, others may not come. */
	ASSERT_EQ(0, set_limit(A, 1));
	EXPECT_EQ(2, members(A));
	EXPECT_EQ(-EAGAIN, ct_call(fork_once, A));
	ct_kill(pid);
	EXPECT_EQ(0, members(A));
}

/* Elsewhere, and in the root, nothing is limited. */
TEST_F(sample, limit_is_the_containers)
{
	ASSERT_EQ(0, set_limit(A, 0));
	EXPECT_EQ(0, ct_call(fork_once, B));
	EXPECT_EQ(0, ct_call(fork_once, T));
	ASSERT_EQ(0, set_limit(T, 0));
	EXPECT_EQ(0, ct_call(fork_once, T));
	EXPECT_EQ(0, ct_call(thread_once, T));
}

static int failing_clones(void *cont)
{
	const struct rlimit none = { 0, 0 };
	int ret = ct_enter(cont), i;

	if (!ret)
		ret = ct_failing_clones(100);
	for (i = 0; !ret && i < 100; i++) {
		/* Flags that contradict each other. */
		if (syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0) >= 0 ||
		    errno != EINVAL)
			ret = -EPROTO;
	}
	if (!ret && setrlimit(RLIMIT_NPROC, &none))
		ret = -errno;
	if (!ret)
		ret = ct_become(CT_UID);
	for (i = 0; !ret && i < 100; i++)
		if (try_fork() != EAGAIN)
			ret = -EPROTO;
	return ret;
}

/* Forks that fail for other reasons, before or after, charge nothing. */
TEST_F_TIMEOUT(sample, fork_that_fails, LONG_TIMEOUT)
{
	EXPECT_EQ(0, ct_call(failing_clones, A));
	EXPECT_EQ(0, members(A));
	EXPECT_EQ(0, ct_count(A, "tasks"));
}

/*
 * A process is killed while it forks: some of the forks are abandoned after
 * they were charged.
 */
TEST_F_TIMEOUT(sample, fork_that_is_killed, LONG_TIMEOUT)
{
	int i, *word = ct_shared(sizeof(int));
	pid_t pid;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < 300; i++) {
		*word = 0;
		pid = ct_fork();
		if (!pid) {
			if (ct_enter(A))
				_exit(1);
			ct_futex_wake(word, 1);
			for (;;)
				try_fork();
		}
		ct_futex_wait(word, 0);
		/* Within some forks, however long they take. */
		usleep(i * 50);
		ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
		reap_all();
		ASSERT_EQ(0, members(A)) TH_LOG("round %d", i);
	}
	EXPECT_EQ(0, ct_count(A, "tasks"));
}

/* Concurrent forks never overshoot the limit, not by one. */
TEST_F_TIMEOUT(sample, concurrent_forks, LONG_TIMEOUT)
{
	const int limit = 12, workers = 8;
	pid_t pid[8];
	int i, *failures = ct_shared(sizeof(int));
	uint64_t end, give_up;
	long long now, most = 0;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, set_limit(A, limit));
	for (i = 0; i < workers; i++) {
		pid[i] = ct_fork();
		if (!pid[i]) {
			if (ct_enter(A))
				_exit(1);
			for (;;)
				if (try_fork())
					__atomic_fetch_add(failures, 1,
							   __ATOMIC_RELAXED);
		}
	}
	/* Forkers leave little time to others. */
	end = race_now() + 5000000000ULL;
	give_up = end + 60000000000ULL;
	while (race_now() < end ||
	       ((most <= workers || !*failures) && race_now() < give_up)) {
		now = members(A);
		ASSERT_LE(0, now);
		if (now > most)
			most = now;
		ASSERT_GE(limit, now);
	}
	/* It was worth something. */
	EXPECT_LT(workers, most);
	EXPECT_LT(0, *failures);
	for (i = 0; i < workers; i++)
		ct_kill(pid[i]);
	reap_all();
	EXPECT_EQ(0, members(A));
}

/*
 * can_attach and cancel_attach
 */

/* Refused: the thread stays where it is, in every subsystem. */
TEST_F(sample, attach_above_limit)
{
	pid_t first = ct_sleeper(A), second = ct_sleeper(B);

	ASSERT_LT(0, first);
	ASSERT_LT(0, second);
	ASSERT_EQ(0, set_limit(A, 1));
	EXPECT_EQ(-EAGAIN, ct_attach(A, second));
	EXPECT_EQ(-EAGAIN, ct_attach_process(A, second));
	EXPECT_TRUE(ct_is_in(second, self->list, "/b"));
	EXPECT_EQ(1, ct_count(A, "tasks"));
	EXPECT_EQ(1, ct_has(B, "tasks", second));
	EXPECT_EQ(1, members(A));
	EXPECT_EQ(1, members(B));
	/* What is there already needs no place. */
	EXPECT_EQ(0, ct_attach(A, first));
	EXPECT_EQ(0, ct_attach_process(A, first));
	/* A place that has become free is one. */
	ct_kill(first);
	EXPECT_EQ(0, ct_attach(A, second));
	EXPECT_EQ(1, members(A));
	EXPECT_EQ(0, members(B));
	ct_kill(second);
}

/*
 * Hole 68: a process of which not all threads fit. Not one of them moves, and
 * what was reserved for the first ones is given back, 10,000 times.
 */
TEST_F_TIMEOUT(sample, process_above_limit, LONG_TIMEOUT)
{
	pid_t tid[6], pid = ct_process(NULL, 6, tid);
	int i;

	ASSERT_LT(0, pid);
	/* Some come from elsewhere, one is there already. */
	ASSERT_EQ(0, ct_attach(B, tid[1]));
	ASSERT_EQ(0, ct_attach(B, tid[4]));
	ASSERT_EQ(0, ct_attach(A, tid[2]));
	ASSERT_EQ(0, set_limit(A, 5));
	for (i = 0; i < 10000; i++)
		ASSERT_EQ(-EAGAIN, ct_attach_process(A, pid))
			TH_LOG("attempt %d", i);
	EXPECT_EQ(1, members(A));
	EXPECT_EQ(2, members(B));
	EXPECT_TRUE(ct_is_in(tid[0], self->list, "/"));
	EXPECT_TRUE(ct_is_in(tid[1], self->list, "/b"));
	EXPECT_TRUE(ct_is_in(tid[2], self->list, "/a"));
	EXPECT_TRUE(ct_is_in(tid[3], self->list, "/"));
	EXPECT_TRUE(ct_is_in(tid[4], self->list, "/b"));
	EXPECT_TRUE(ct_is_in(tid[5], self->list, "/"));
	EXPECT_EQ(1, ct_count(A, "tasks"));
	EXPECT_EQ(2, ct_count(B, "tasks"));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[0]));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[5]));

	/* One more place, and all fit. */
	ASSERT_EQ(0, set_limit(A, 6));
	EXPECT_EQ(0, ct_attach_process(A, pid));
	EXPECT_EQ(6, members(A));
	EXPECT_EQ(0, members(B));
	EXPECT_EQ(6, ct_count(A, "tasks"));
	ct_kill(pid);
	EXPECT_EQ(0, members(A));
}

/* Hole 51, threads that exit between being chosen and being moved: exact again. */
TEST_F_TIMEOUT(sample, attach_against_exit, LONG_TIMEOUT)
{
	int i, ret, *word = ct_shared(sizeof(int));
	pthread_t thread;
	pid_t pid;

	pid = ct_fork();
	if (!pid) {
		ct_futex_wake(word, 1);
		for (;;)
			if (!pthread_create(&thread, NULL, no_thread, NULL))
				pthread_join(thread, NULL);
	}
	ct_futex_wait(word, 0);
	for (i = 0; i < 1000; i++) {
		ret = ct_attach_process(i % 2 ? A : B, pid);
		ASSERT_EQ(0, ret) TH_LOG("move %d", i);
	}
	ct_kill(pid);
	EXPECT_EQ(0, members(A));
	EXPECT_EQ(0, members(B));
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
}

/*
 * Charged against one state, a member of another: forks during moves to and
 * fro. When all stand still, what is counted is what is there.
 */
TEST_F_TIMEOUT(sample, attach_against_fork, LONG_TIMEOUT)
{
	int i, *word = ct_shared(sizeof(int));
	struct ct_pids tasks;
	pid_t pid;
	size_t j;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = ct_fork();
	if (!pid) {
		const struct rlimit limit = { 60, 60 };

		ct_futex_wait(word, 0);
		if (setrlimit(RLIMIT_NPROC, &limit) || ct_become(CT_UID))
			_exit(1);
		for (;;) {
			pid_t child = fork();

			/* Half of them stay. */
			if (!child && getpid() % 2)
				_exit(0);
			if (!child)
				for (;;)
					pause();
			waitpid(-1, NULL, WNOHANG);
		}
	}
	/* None of its children is in the root. */
	ASSERT_EQ(0, ct_attach_process(A, pid));
	ct_futex_wake(word, 1);
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, ct_attach_process(i % 2 ? A : B, pid));
	/* Stop it, and end what it has made; only then itself. */
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	ASSERT_EQ(0, ct_read_pids(A, "tasks", &tasks));
	for (j = 0; j < tasks.count; j++)
		if (tasks.pid[j] != pid)
			kill(tasks.pid[j], SIGKILL);
	ct_free_pids(&tasks);
	ASSERT_EQ(0, ct_read_pids(B, "tasks", &tasks));
	for (j = 0; j < tasks.count; j++)
		if (tasks.pid[j] != pid)
			kill(tasks.pid[j], SIGKILL);
	ct_free_pids(&tasks);
	ct_kill(pid);
	reap_all();
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
	EXPECT_EQ(0, members(A));
	EXPECT_EQ(0, members(B));
}

/*
 * Hole 58: a thread with reserved bandwidth (SCHED_DEADLINE) moves to other
 * CPUs; cpuset reserves it there before sample refuses. If it were not given
 * back, a dozen attempts would use up all there is.
 */
TEST_F(sample, deadline_bandwidth)
{
	struct {
		unsigned int size, policy;
		unsigned long long flags;
		int nice;
		unsigned int priority;
		unsigned long long runtime, deadline, period;
	} attr = {
		.size = 48,
		.policy = 6, /* SCHED_DEADLINE */
		.runtime = 10000000,
		.deadline = 100000000,
		.period = 100000000,
	};
	pid_t pid;
	int i;

	if (!self->cpuset)
		return;
	ASSERT_EQ(0, ct_write(A, "cpuset.cpus", "0-1"));
	ASSERT_EQ(0, ct_write(B, "cpuset.cpus", "2-3"));
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, syscall(SYS_sched_setattr, pid, &attr, 0));
	ASSERT_EQ(0, ct_attach(A, pid));
	ASSERT_EQ(0, set_limit(B, 0));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(-EAGAIN, ct_attach(B, pid)) TH_LOG("attempt %d", i);
	EXPECT_TRUE(ct_is_in(pid, self->list, "/a"));
	ASSERT_EQ(0, set_limit(B, 1));
	EXPECT_EQ(0, ct_attach(B, pid));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/b"));
	ct_kill(pid);
}

/*
 * bind
 */

/* Bound and unbound with processes in the root: they are not counted. */
TEST_F(sample, remount)
{
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_remount("cpuacct", T));
	EXPECT_EQ(-1, access(T "/sample.members", F_OK));
	ASSERT_EQ(0, ct_remount("sample", T));
	EXPECT_EQ(0, members(T));
	ASSERT_EQ(0, make(A, false));
	EXPECT_EQ(0, members(A));
	ASSERT_EQ(0, ct_attach(A, pid));
	EXPECT_EQ(1, members(A));
	ct_kill(pid);
	EXPECT_EQ(0, members(A));
}

TEST_HARNESS_MAIN
