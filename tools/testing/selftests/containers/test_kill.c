// SPDX-License-Identifier: GPL-2.0
/*
 * The file "kill": SIGKILL to every process with a member thread in the
 * subtree, those being forked meanwhile included.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"

#define LONG_TIMEOUT	300

FIXTURE(kill)
{
	int unused;
};

/*
 * The tree of all tests: T with the chain a/b/c, and d. The test gets the
 * orphans, so that it can wait for every process.
 */
FIXTURE_SETUP(kill)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b/c"));
	ASSERT_EQ(0, ct_mkdir(T "/d"));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
}

FIXTURE_TEARDOWN_PARENT(kill)
{
	EXPECT_EQ(0, ct_reset());
}

static int kill_all(const char *cont)
{
	return ct_write(cont, "kill", "1");
}

/* Is a child process alive? */
static bool alive(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

/* Wait until there is no child left. */
static void reap_all(void)
{
	while (wait(NULL) > 0)
		;
}

/* The whole subtree, and nothing else. */
TEST_F(kill, subtree)
{
	pid_t a = ct_sleeper(T "/a"), b = ct_process(T "/a/b", 3, NULL);
	pid_t c = ct_sleeper(T "/a/b/c"), d = ct_sleeper(T "/d");
	pid_t top = ct_sleeper(NULL);

	ASSERT_LT(0, a);
	ASSERT_LT(0, b);
	ASSERT_LT(0, c);
	ASSERT_LT(0, d);
	ASSERT_LT(0, top);
	ASSERT_EQ(0, kill_all(T "/a/b"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(b));
	EXPECT_EQ(256 + SIGKILL, ct_wait(c));
	EXPECT_TRUE(alive(a));
	ASSERT_EQ(0, kill_all(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(a));
	EXPECT_TRUE(alive(d));
	EXPECT_TRUE(alive(top));
	EXPECT_EQ(0, ct_read_key(T "/a", "events", "populated"));
	/* Nothing of it lasts: who comes now lives. */
	a = ct_sleeper(T "/a");
	ASSERT_LT(0, a);
	EXPECT_TRUE(alive(a));
	ct_kill(a);
	ct_kill(d);
	ct_kill(top);
}

/* An empty container: nobody to kill, and that is all right. */
TEST_F(kill, empty)
{
	EXPECT_EQ(0, kill_all(T "/a"));
	EXPECT_EQ(0, kill_all(T "/a/b/c"));
	EXPECT_EQ(0, ct_rmdir(T "/a/b/c"));
}

/* One member thread is enough for the process, be it the leader or not. */
TEST_F(kill, one_thread)
{
	pid_t tid[4], pid;
	int i;

	for (i = 0; i < 4; i += 3) {
		pid = ct_process(T "/d", 4, tid);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, ct_attach(T "/a/b", tid[i]));
		ASSERT_EQ(0, kill_all(T "/a"));
		EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
		EXPECT_EQ(0, ct_count(T "/d", "tasks"));
	}
}

/* A process whose leader has exited already. */
TEST_F(kill, leaderless)
{
	pid_t tid, pid = ct_leaderless(T "/a", &tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill_all(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
	EXPECT_EQ(0, ct_rmdir(T "/a/b/c"));
}

/* Stopped, traced, ignoring all signals: killed. */
TEST_F(kill, unwilling)
{
	pid_t stopped = ct_sleeper(T "/a"), traced = ct_sleeper(T "/a");
	pid_t ignoring;
	int status, *ready = ct_shared(sizeof(int));

	ASSERT_LT(0, stopped);
	ASSERT_LT(0, traced);
	ignoring = ct_fork();
	if (!ignoring) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		ct_futex_wake(ready, ct_enter(T "/a") ? -1 : 1);
		for (;;)
			pause();
	}
	ct_futex_wait(ready, 0);
	ASSERT_EQ(1, *ready);
	ASSERT_EQ(0, kill(stopped, SIGSTOP));
	ASSERT_EQ(stopped, waitpid(stopped, &status, WUNTRACED));
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, traced, NULL, NULL));
	ASSERT_EQ(traced, waitpid(traced, &status, 0));

	ASSERT_EQ(0, kill_all(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(stopped));
	EXPECT_EQ(256 + SIGKILL, ct_wait(traced));
	EXPECT_EQ(256 + SIGKILL, ct_wait(ignoring));
	EXPECT_EQ(0, ct_read_key(T "/a", "events", "populated"));
}

/* The first process of a pid namespace, and with it all that is in there. */
TEST_F(kill, namespace_init)
{
	int *ready = ct_shared(sizeof(int));
	pid_t pid;

	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ct_futex_wake(ready, ct_enter(T "/a") ? -1 : 1);
		for (;;)
			pause();
	}
	ct_futex_wait(ready, 0);
	ASSERT_EQ(1, *ready);
	ASSERT_EQ(0, kill_all(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
}

/* Who writes from within the subtree goes with the others. */
TEST_F(kill, writer)
{
	pid_t other = ct_sleeper(T "/a/b/c"), pid;

	ASSERT_LT(0, other);
	pid = ct_fork();
	if (!pid) {
		ct_enter(T "/a/b");
		kill_all(T "/a");
		for (;;)
			pause();
	}
	EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
	EXPECT_EQ(256 + SIGKILL, ct_wait(other));
}

/* A file of a container that is removed: ENODEV. */
TEST_F(kill, removed)
{
	int fd = ct_open(T "/d", "kill", O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_rmdir(T "/d"));
	EXPECT_EQ(-ENODEV, ct_fd_write(fd, "1"));
	close(fd);
}

/* 1,000 processes at once. */
TEST_F_TIMEOUT(kill, many, LONG_TIMEOUT)
{
	int i;

	for (i = 0; i < 1000; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			if (i == 0 && ct_enter(T "/a"))
				_exit(1);
			for (;;)
				pause();
		}
		if (i)
			ASSERT_EQ(0, ct_attach(i % 2 ? T "/a" : T "/a/b", pid));
	}
	ASSERT_EQ(0, kill_all(T "/a"));
	reap_all();
	EXPECT_EQ(0, ct_read_key(T "/a", "events", "populated"));
	EXPECT_EQ(0, ct_rmdir(T "/a/b/c"));
	EXPECT_EQ(0, ct_rmdir(T "/a/b"));
	EXPECT_EQ(0, ct_rmdir(T "/a"));
}

/*
 * Fork bombs. Each is limited in number as an unprivileged user; who cannot
 * fork tries again for ever.
 */

static void *make_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	for (;;)
		if (!pthread_create(&thread, NULL, make_threads, NULL))
			pthread_detach(thread);
	return NULL;
}

static void explode(const char *kind)
{
	const struct rlimit limit = { 300, 300 };
	struct clone_args parent = { .flags = CLONE_PARENT };

	if (setrlimit(RLIMIT_NPROC, &limit) || ct_become(CT_UID))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, 0);
	if (!strcmp(kind, "threads"))
		make_threads(NULL);
	for (;;) {
		if (!strcmp(kind, "siblings"))
			syscall(SYS_clone3, &parent, sizeof(parent));
		else if (!strcmp(kind, "vfork"))
			syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
		else
			fork();
	}
}

FIXTURE(bomb)
{
	int unused;
};

FIXTURE_VARIANT(bomb)
{
	const char *kind;
};

FIXTURE_VARIANT_ADD(bomb, fork) { .kind = "fork" };
FIXTURE_VARIANT_ADD(bomb, vfork) { .kind = "vfork" };
FIXTURE_VARIANT_ADD(bomb, siblings) { .kind = "siblings" };
FIXTURE_VARIANT_ADD(bomb, threads) { .kind = "threads" };

FIXTURE_SETUP(bomb)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
}

FIXTURE_TEARDOWN_PARENT(bomb)
{
	EXPECT_EQ(0, ct_reset());
}

/*
 * kill 1 once, while the number is anything from one to the limit: afterwards
 * "events" says populated 0 and rmdir works. Not one escapes in 8 rounds.
 */
TEST_F_TIMEOUT(bomb, killed, LONG_TIMEOUT)
{
	int *go = ct_shared(sizeof(int)), i;
	pid_t pid;

	for (i = 0; i < 8; i++) {
		*go = 0;
		pid = ct_fork();
		if (!pid) {
			if (ct_enter(T "/a/b"))
				_exit(1);
			ct_futex_wake(go, 1);
			explode(variant->kind);
		}
		ct_futex_wait(go, 0);
		/* Let it grow, by another amount each time. */
		while (ct_count(T "/a/b", "tasks") < i * 12 + 1)
			sched_yield();
		ASSERT_EQ(0, kill_all(T "/a"));
		EXPECT_EQ(0, ct_wait_populated(T "/a", 0))
			TH_LOG("%d survive round %d",
			       ct_count(T "/a/b", "tasks"), i);
		while (wait(NULL) > 0)
			;
		EXPECT_EQ(0, ct_count(T "/a/b", "tasks"));
		ASSERT_EQ(0, ct_rmdir(T "/a/b"));
		ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	}
}

TEST_HARNESS_MAIN
