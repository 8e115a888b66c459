// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: the threads of a container and of those below it, how many there
 * may be, how many are promised to whom, and how many may be forked in a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"
#include "numtasks_util.h"

#define T	CT_DIR "/t"
#define A	T "/a"
#define B	T "/b"
#define C	T "/c"
#define AX	A "/x"
#define AY	A "/y"
#define AXZ	AX "/z"

#define SHARES	"numtasks.shares"
#define STATS	"numtasks.stats"
#define FORMAT	"res=numtasks,min_shares=%d,max_shares=%d,child_shares_divisor=%d\n"

#define STACK		(64 * 1024)
#define LONG_TIMEOUT	300

FIXTURE(numtasks)
{
	char buf[512];
};

/* The tree of all tests: T with a and b. */
FIXTURE_SETUP(numtasks)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, nt_settle());
	ASSERT_EQ(0, nt_defaults());
	ASSERT_EQ(0, nt_mount("numtasks", T));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
}

FIXTURE_TEARDOWN_PARENT(numtasks)
{
	EXPECT_EQ(0, nt_defaults());
	EXPECT_EQ(0, ct_reset());
}

static int set_min(const char *cont, int shares)
{
	return nt_set(cont, "min_shares", shares);
}

static int set_max(const char *cont, int shares)
{
	return nt_set(cont, "max_shares", shares);
}

static int set_divisor(const char *cont, int divisor)
{
	return nt_set(cont, "child_shares_divisor", divisor);
}

static bool shares_are(const char *cont, int min, int max, int divisor)
{
	char buf[128];

	return ct_read(cont, SHARES, buf, sizeof(buf)) > 0 &&
	       !strcmp(buf, ct_path(FORMAT, min, max, divisor));
}

static bool stats_are(const char *cont, int usage, int successes, int failures,
		      int forkrate_failures)
{
	char buf[512];

	return ct_read(cont, STATS, buf, sizeof(buf)) > 0 &&
	       !strcmp(buf, ct_path("numtasks: Current usage %d\n"
				    "numtasks: Number of successes %d\n"
				    "numtasks: Number of failures %d\n"
				    "numtasks: Number of forkrate failures %d\n",
				    usage, successes, failures,
				    forkrate_failures));
}

static int reset_stats(const char *cont)
{
	return ct_write(cont, STATS, "res=numtasks\n");
}

/*
 * Ways to make a thread. The new one looks how many there are in a container;
 * that is the result, or -errno.
 */
static int see_usage(void *cont)
{
	return nt_usage(cont);
}

static int by_fork(void *cont)
{
	pid_t pid = fork();

	if (!pid)
		_exit(see_usage(cont));
	return pid < 0 ? -errno : ct_wait(pid);
}

static int by_vfork(void *cont)
{
	char *stack = ct_shared(STACK);
	pid_t pid = clone(see_usage, stack + STACK,
			  CLONE_VM | CLONE_VFORK | SIGCHLD, cont);

	return pid < 0 ? -errno : ct_wait(pid);
}

static int by_clone3(void *cont)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(see_usage(cont));
	return pid < 0 ? -errno : ct_wait(pid);
}

static void *thread_usage(void *cont)
{
	return (void *)(long)see_usage(cont);
}

static int by_thread(void *cont)
{
	pthread_t thread;
	void *usage;
	int ret = pthread_create(&thread, NULL, thread_usage, cont);

	if (ret)
		return -ret;
	pthread_join(thread, &usage);
	nt_wait_threads(1);
	return (long)usage;
}

static int (*const ways[])(void *cont) = {
	by_fork, by_vfork, by_clone3, by_thread,
};

struct make {
	const char *cont;
	int (*way)(void *cont);
};

static int enter_and_make(void *arg)
{
	struct make *make = arg;
	int ret = ct_enter(make->cont);

	return ret ? ret : make->way((void *)make->cont);
}

/* The usage of a container with one that enters it and what that one makes. */
static int usage_with(const char *cont, int way)
{
	struct make make = { .cont = cont, .way = ways[way] };

	return ct_call(enter_and_make, &make);
}

/* Move members, save one, to another container. */
static int move_some(const char *from, const char *to, pid_t not, int count)
{
	struct ct_pids pids;
	int ret = ct_read_pids(from, "tasks", &pids);
	size_t i;

	for (i = 0; !ret && count && i < pids.count; i++) {
		if (pids.pid[i] == not)
			continue;
		ret = ct_attach(to, pids.pid[i]);
		count--;
	}
	ct_free_pids(&pids);
	return count ? -ENOENT : ret;
}

/*
 * Files
 */

TEST_F(numtasks, files)
{
	static const char *const conts[] = { T, A };
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, stat(ct_path("%s/" SHARES, conts[i]), &st));
		EXPECT_EQ(0644U, st.st_mode & 0777);
		ASSERT_EQ(0, stat(ct_path("%s/" STATS, conts[i]), &st));
		EXPECT_EQ(0644U, st.st_mode & 0777);
	}
	ASSERT_LT(0, ct_read(T, SHARES, self->buf, sizeof(self->buf)));
	EXPECT_STREQ("res=numtasks,min_shares=-2,max_shares=-2,child_shares_divisor=100\n",
		     self->buf);
	ASSERT_LT(0, ct_read(A, SHARES, self->buf, sizeof(self->buf)));
	EXPECT_STREQ("res=numtasks,min_shares=-3,max_shares=-3,child_shares_divisor=100\n",
		     self->buf);
	ASSERT_LT(0, ct_read(A, STATS, self->buf, sizeof(self->buf)));
	EXPECT_STREQ("numtasks: Current usage 0\n"
		     "numtasks: Number of successes 0\n"
		     "numtasks: Number of failures 0\n"
		     "numtasks: Number of forkrate failures 0\n", self->buf);
	/* What is said of a parent is not inherited. */
	ASSERT_EQ(0, ct_write(A, SHARES,
			      "min_shares=1,max_shares=2,child_shares_divisor=3"));
	ASSERT_EQ(0, ct_mkdir(AX));
	EXPECT_TRUE(shares_are(AX, -3, -3, 100));
}

/* Any of the fields, in any order; the others stay. */
TEST_F(numtasks, set_shares)
{
	EXPECT_EQ(0, ct_write(A, SHARES,
			      "res=numtasks,min_shares=10,max_shares=50,child_shares_divisor=200"));
	EXPECT_TRUE(shares_are(A, 10, 50, 200));
	EXPECT_EQ(0, ct_write(A, SHARES, "max_shares=60\n"));
	EXPECT_TRUE(shares_are(A, 10, 60, 200));
	EXPECT_EQ(0, ct_write(A, SHARES, "child_shares_divisor=300,min_shares=20"));
	EXPECT_TRUE(shares_are(A, 20, 60, 300));
	EXPECT_EQ(0, ct_write(A, SHARES,
			      "min_shares=-1,max_shares=-1,child_shares_divisor=-1"));
	EXPECT_TRUE(shares_are(A, 20, 60, 300));
	EXPECT_EQ(0, ct_write(A, SHARES, "res=numtasks,min_shares=-1,max_shares=20"));
	EXPECT_TRUE(shares_are(A, 20, 20, 300));
	EXPECT_EQ(0, ct_write(A, SHARES, "max_shares=-3"));
	EXPECT_TRUE(shares_are(A, 20, -3, 300));
	EXPECT_EQ(0, ct_write(A, SHARES, "res=numtasks,min_shares=-3\n"));
	EXPECT_TRUE(shares_are(A, -3, -3, 300));
	/* The limits of what there may be. */
	EXPECT_EQ(0, ct_write(A, SHARES,
			      "min_shares=0,max_shares=1,child_shares_divisor=1"));
	EXPECT_TRUE(shares_are(A, 0, 1, 1));
	EXPECT_EQ(0, ct_write(A, SHARES,
			      "min_shares=100,max_shares=100,child_shares_divisor=2147483647"));
	EXPECT_TRUE(shares_are(A, 100, 100, INT_MAX));
	/* What it read can be written again. */
	ASSERT_LT(0, ct_read(A, SHARES, self->buf, sizeof(self->buf)));
	ASSERT_EQ(0, ct_write(A, SHARES, "min_shares=1"));
	EXPECT_EQ(0, ct_write(A, SHARES, self->buf));
	EXPECT_TRUE(shares_are(A, 100, 100, INT_MAX));
	EXPECT_TRUE(shares_are(B, -3, -3, 100));
}

/* EINVAL, and what was right in it is not done either. */
TEST_F(numtasks, wrong_shares)
{
	static const char *const wrong[] = {
		"res=other,min_shares=1", "res=,min_shares=1", "res",
		"res=numtasksx,min_shares=1", "res=numtask,min_shares=1",
		"min_shares", "min_shares=", "min_shares=\n", "min_shares=x",
		"min_shares=1x", "min_shares=1 2", "min_shares=1,max_shares=",
		"min_shares=1,min_shares=1", "res=numtasks,res=numtasks",
		"max_shares=20,min_shares=1,max_shares=20",
		"min_shares=1,child_shares_divisor=9,child_shares_divisor=9",
		"shares=1", "min=1", "min_shares=1,bogus=2", "bogus", "7",
		"min_shares=1;max_shares=20", "=1", "min_shares==1",
		"min_shares=-2", "min_shares=-4", "max_shares=0",
		"max_shares=-2", "max_shares=-4", "child_shares_divisor=0",
		"child_shares_divisor=-2", "child_shares_divisor=-3",
		"min_shares=2147483648", "min_shares=4294967297",
		"max_shares=99999999999999999999",
		"child_shares_divisor=18446744073709551616",
		"min_shares=30,max_shares=20", "max_shares=9", "min_shares=51",
		"max_shares=101", "min_shares=101,max_shares=-3",
		"min_shares=20,max_shares=101",
		"child_shares_divisor=500,max_shares=101",
		"min_shares=20,max_shares=60,child_shares_divisor=0",
	};
	unsigned int i;

	ASSERT_EQ(0, ct_write(A, SHARES, "min_shares=10,max_shares=50"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, ct_write(A, SHARES, wrong[i]))
			TH_LOG("'%s'", wrong[i]);
		EXPECT_TRUE(shares_are(A, 10, 50, 100))
			TH_LOG("'%s'", wrong[i]);
	}
}

/* What siblings are promised is not more than there is to promise. */
TEST_F(numtasks, sum_of_min_shares)
{
	ASSERT_EQ(0, ct_mkdir(C));
	EXPECT_EQ(0, set_min(A, 60));
	EXPECT_EQ(-EINVAL, set_min(B, 41));
	EXPECT_EQ(0, set_min(B, 40));
	EXPECT_EQ(-EINVAL, set_min(A, 61));
	EXPECT_EQ(-EINVAL, set_min(C, 1));
	EXPECT_EQ(0, set_min(C, 0));
	EXPECT_EQ(0, set_min(A, 59));
	EXPECT_EQ(0, set_min(C, 1));
	EXPECT_EQ(0, set_min(B, -3));
	EXPECT_EQ(0, set_min(C, 41));
	EXPECT_EQ(-EINVAL, set_min(B, 1));
	/* What a removed one was promised is free. */
	EXPECT_EQ(0, ct_rmdir(C));
	EXPECT_EQ(0, set_min(B, 41));
	EXPECT_TRUE(shares_are(A, 59, -3, 100));
	EXPECT_TRUE(shares_are(B, 41, -3, 100));
	/* Each parent's children have a sum of their own. */
	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AY));
	EXPECT_EQ(0, set_min(AX, 100));
	EXPECT_EQ(-EINVAL, set_min(AY, 1));
	/* A sum beyond all integers. */
	EXPECT_EQ(0, set_divisor(A, INT_MAX));
	EXPECT_EQ(0, set_min(AX, INT_MAX));
	EXPECT_EQ(-EINVAL, set_min(AY, INT_MAX));
	EXPECT_TRUE(shares_are(AY, -3, -3, 100));
}

/* A divisor is not lowered below what the children have. */
TEST_F(numtasks, divisor)
{
	EXPECT_EQ(0, set_divisor(T, 500));
	EXPECT_TRUE(shares_are(T, -2, -2, 500));
	EXPECT_EQ(0, set_min(A, 60));
	EXPECT_EQ(0, set_min(B, 50));
	EXPECT_EQ(-EINVAL, set_divisor(T, 109));
	EXPECT_EQ(0, set_divisor(T, 110));
	EXPECT_EQ(-EINVAL, set_max(B, 111));
	EXPECT_EQ(0, set_max(B, 110));
	EXPECT_EQ(0, set_min(A, 0));
	EXPECT_EQ(-EINVAL, set_divisor(T, 109));
	EXPECT_EQ(0, set_max(B, -3));
	EXPECT_EQ(0, set_divisor(T, 50));
	EXPECT_EQ(-EINVAL, set_divisor(T, 49));
	EXPECT_EQ(-EINVAL, set_divisor(T, 0));
	EXPECT_TRUE(shares_are(T, -2, -2, 50));
	EXPECT_EQ(0, ct_rmdir(B));
	EXPECT_EQ(0, set_divisor(T, 1));
}

/* The root has no shares: there is nothing that it could have them of. */
TEST_F(numtasks, root_shares)
{
	EXPECT_EQ(-EINVAL, set_min(T, 1));
	EXPECT_EQ(-EINVAL, set_max(T, 1));
	EXPECT_EQ(-EINVAL, set_min(T, -3));
	EXPECT_EQ(-EINVAL, set_max(T, -3));
	EXPECT_EQ(-EINVAL, ct_write(T, SHARES,
				    "child_shares_divisor=200,max_shares=1"));
	EXPECT_TRUE(shares_are(T, -2, -2, 100));
	EXPECT_EQ(0, ct_write(T, SHARES,
			      "res=numtasks,child_shares_divisor=200"));
	EXPECT_TRUE(shares_are(T, -2, -2, 200));
}

/* What has been counted, and what zeroes it. */
TEST_F(numtasks, stats)
{
	static const char *const wrong[] = {
		"res=other", "res=", "res", "numtasks", "0", "\n",
		"res=numtasks,", "res=numtasks,min_shares=1", "res=numtasksx",
	};
	struct nt_forker forker;
	unsigned int i;

	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 4));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	ASSERT_EQ(0, reset_stats(A));
	EXPECT_TRUE(stats_are(A, 1, 0, 0, 0));
	EXPECT_EQ(2, nt_fork(&forker, 2));
	EXPECT_TRUE(stats_are(A, 3, 2, 0, 0));
	EXPECT_EQ(1, nt_fill_threads(&forker));
	EXPECT_TRUE(stats_are(A, 4, 3, 1, 0));
	EXPECT_EQ(0, nt_fill(&forker));
	EXPECT_TRUE(stats_are(A, 4, 3, 2, 0));
	nt_reap(&forker, 2);
	EXPECT_TRUE(stats_are(A, 2, 3, 2, 0));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, ct_write(A, STATS, wrong[i]))
			TH_LOG("'%s'", wrong[i]);
		EXPECT_TRUE(stats_are(A, 2, 3, 2, 0));
	}
	EXPECT_TRUE(stats_are(B, 0, 0, 0, 0));
	EXPECT_EQ(0, ct_write(A, STATS, "res=numtasks"));
	EXPECT_TRUE(stats_are(A, 2, 0, 0, 0));
	EXPECT_EQ(2, nt_fill(&forker));
	EXPECT_TRUE(stats_are(A, 4, 2, 1, 0));
	nt_forker_end(&forker);
	EXPECT_TRUE(stats_are(A, 0, 2, 1, 0));
}

/*
 * Counting
 */

/* Whatever comes and goes, the number is exact, up the tree. */
TEST_F(numtasks, counts)
{
	long long base = nt_usage(T);
	struct nt_forker a, x;
	unsigned int i;

	ASSERT_LT(0, base);
	ASSERT_EQ(0, ct_mkdir(AX));
	EXPECT_EQ(0, nt_usage(A));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	EXPECT_EQ(1, nt_usage(A));
	EXPECT_EQ(base + 1, nt_usage(T));
	EXPECT_EQ(5, nt_fork(&a, 5));
	EXPECT_EQ(6, nt_usage(A));
	EXPECT_EQ(3, nt_order(&a, NT_THREADS, 3));
	EXPECT_EQ(9, nt_usage(A));
	EXPECT_EQ(0, nt_usage(AX));
	EXPECT_EQ(0, nt_usage(B));
	EXPECT_EQ(base + 9, nt_usage(T));

	ASSERT_EQ(0, nt_forker_start(&x, AX));
	EXPECT_EQ(4, nt_fork(&x, 4));
	EXPECT_EQ(5, nt_usage(AX));
	EXPECT_EQ(14, nt_usage(A));
	EXPECT_EQ(base + 14, nt_usage(T));
	nt_join(&a, 1);
	nt_reap(&a, 2);
	nt_reap(&x, 4);
	EXPECT_EQ(1, nt_usage(AX));
	EXPECT_EQ(7, nt_usage(A));
	EXPECT_EQ(base + 7, nt_usage(T));
	nt_forker_end(&a);
	EXPECT_EQ(1, nt_usage(A));
	nt_forker_end(&x);
	EXPECT_EQ(0, nt_usage(AX));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(base, nt_usage(T));

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_EQ(2, usage_with(AX, i))
			TH_LOG("way %u", i);
		EXPECT_EQ(0, nt_usage(AX));
		EXPECT_EQ(0, nt_usage(A));
		EXPECT_EQ(base, nt_usage(T));
	}
}

/* What has exited does not count, although nobody has waited for it. */
TEST_F(numtasks, zombie)
{
	pid_t pid = ct_process(A, 3, NULL), tid;
	siginfo_t info;

	ASSERT_LT(0, pid);
	ASSERT_EQ(3, nt_usage(A));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, nt_usage(A));
	ct_wait(pid);
	EXPECT_EQ(0, nt_usage(A));
	/* A process is not its first thread. */
	pid = ct_leaderless(A, &tid);
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, nt_usage(A));
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(1, nt_usage(B));
	ct_kill(pid);
	EXPECT_EQ(0, nt_usage(B));
}

static void *exec_sleep(void *unused)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

/* exec by a thread that is not the first ends all others. */
TEST_F(numtasks, exec)
{
	struct ct_threads threads;
	pthread_t thread;
	int fd[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	pid = ct_fork();
	if (!pid) {
		close(fd[0]);
		if (ct_enter(A) || ct_threads_start(&threads, 3) ||
		    pthread_create(&thread, NULL, exec_sleep, NULL))
			_exit(1);
		for (;;)
			pause();
	}
	ASSERT_LT(0, pid);
	close(fd[1]);
	/* The end of the file: the others are dead by then. */
	EXPECT_EQ(0, read(fd[0], &c, 1));
	EXPECT_EQ(1, nt_usage(A));
	EXPECT_EQ(1, ct_count(A, "tasks"));
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	EXPECT_EQ(0, nt_usage(A));
}

/* A move takes along what is counted, of a thread and of a process. */
TEST_F(numtasks, attach)
{
	long long base = nt_usage(T);
	pid_t tid[4], pid = ct_process(NULL, 4, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AY));
	EXPECT_EQ(base + 4, nt_usage(T));
	ASSERT_EQ(0, ct_attach(A, tid[2]));
	EXPECT_EQ(1, nt_usage(A));
	ASSERT_EQ(0, ct_attach(A, tid[2]));
	EXPECT_EQ(1, nt_usage(A));
	ASSERT_EQ(0, ct_attach(AX, tid[0]));
	EXPECT_EQ(1, nt_usage(AX));
	EXPECT_EQ(2, nt_usage(A));
	/* Down, within a, up, and out of it. */
	ASSERT_EQ(0, ct_attach(AX, tid[2]));
	EXPECT_EQ(2, nt_usage(AX));
	EXPECT_EQ(2, nt_usage(A));
	ASSERT_EQ(0, ct_attach(AY, tid[0]));
	EXPECT_EQ(1, nt_usage(AX));
	EXPECT_EQ(1, nt_usage(AY));
	EXPECT_EQ(2, nt_usage(A));
	ASSERT_EQ(0, ct_attach(A, tid[0]));
	EXPECT_EQ(0, nt_usage(AY));
	EXPECT_EQ(2, nt_usage(A));
	ASSERT_EQ(0, ct_attach(B, tid[0]));
	EXPECT_EQ(1, nt_usage(A));
	EXPECT_EQ(1, nt_usage(B));
	/* All of them, wherever they are. */
	ASSERT_EQ(0, ct_attach_process(AX, pid));
	EXPECT_EQ(4, nt_usage(AX));
	EXPECT_EQ(4, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_EQ(0, nt_usage(AX));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(4, nt_usage(B));
	EXPECT_EQ(base + 4, nt_usage(T));
	ASSERT_EQ(0, ct_attach_process(T, pid));
	EXPECT_EQ(0, nt_usage(B));
	EXPECT_EQ(base + 4, nt_usage(T));
	/* Moves that fail. */
	EXPECT_EQ(-EINVAL, ct_write(A, "tasks", "x"));
	EXPECT_EQ(-ESRCH, ct_attach(A, 0x3fffff));
	EXPECT_EQ(0, nt_usage(A));
	ct_kill(pid);
	EXPECT_EQ(base, nt_usage(T));
}

/* Mounted, it counts who is there; not mounted, nobody; and again. */
TEST_F_TIMEOUT(numtasks, mount, LONG_TIMEOUT)
{
	struct nt_forker forker;
	struct ct_subsys row;
	int round, all;

	all = nt_user_threads();
	ASSERT_LT(3, all);
	EXPECT_EQ(all, nt_usage(T));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	EXPECT_EQ(3, nt_fork(&forker, 3));
	EXPECT_EQ(all + 4, nt_usage(T));
	EXPECT_EQ(all + 4, nt_user_threads());
	ASSERT_EQ(0, move_some(A, T, 0, 4));
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	for (round = 1; round <= 5; round++) {
		ASSERT_EQ(0, ct_umount(T));
		ASSERT_EQ(0, ct_subsys("numtasks", &row));
		EXPECT_EQ(0, row.hierarchy);
		EXPECT_EQ(7, nt_fork(&forker, 7));
		EXPECT_EQ(2, nt_order(&forker, NT_THREADS, 2));
		ASSERT_EQ(0, ct_mount(round % 2 ? "cpuacct,numtasks" :
						  "numtasks", T));
		EXPECT_EQ(all + 4 + 6 * round + 3, nt_usage(T));
		EXPECT_EQ(nt_user_threads(), nt_usage(T));
		nt_reap(&forker, 1);
		nt_join(&forker, 1);
		EXPECT_EQ(all + 4 + 6 * round + 1, nt_usage(T));
		/* Some that were counted go when nobody counts. */
		ASSERT_EQ(0, ct_umount(T));
		nt_join(&forker, 1);
		ASSERT_EQ(0, ct_mount("numtasks", T));
		EXPECT_EQ(all + 4 + 6 * round, nt_usage(T));
		EXPECT_EQ(nt_user_threads(), nt_usage(T));
		/* By remounting, too. */
		ASSERT_EQ(0, ct_remount("cpuacct", T));
		EXPECT_EQ(1, nt_fork(&forker, 1));
		ASSERT_EQ(0, ct_remount("numtasks", T));
		EXPECT_EQ(all + 4 + 6 * round + 1, nt_usage(T));
		nt_reap(&forker, 1);
		EXPECT_EQ(all + 4 + 6 * round, nt_usage(T));
	}
	nt_forker_end(&forker);
	EXPECT_EQ(all, nt_usage(T));
	EXPECT_EQ(all, nt_user_threads());
}

/* A new tree knows nothing of the one before. */
TEST_F(numtasks, mount_forgets)
{
	ASSERT_EQ(0, set_divisor(T, 500));
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, ct_mount("numtasks", T));
	EXPECT_TRUE(shares_are(T, -2, -2, 100));
	ASSERT_EQ(0, set_divisor(T, 500));
	/* With children it is the same one. */
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, ct_mount("numtasks", T));
	EXPECT_TRUE(shares_are(T, -2, -2, 500));
}

/* 30 levels: all count, and the cap of the first is that of the last. */
TEST_F(numtasks, deep)
{
	const int depth = 30;
	long long base = nt_usage(T);
	struct nt_forker forker;
	char path[PATH_MAX] = T;
	int i;

	for (i = 0; i < depth; i++) {
		strcat(path, "/d");
		ASSERT_EQ(0, ct_mkdir(path));
	}
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(T "/d", 10));
	ASSERT_EQ(0, nt_forker_start(&forker, path));
	EXPECT_EQ(9, nt_fill(&forker));
	for (i = 0; i < depth; i++) {
		EXPECT_EQ(10, nt_usage(path));
		*strrchr(path, '/') = '\0';
	}
	EXPECT_EQ(base + 10, nt_usage(T));
	nt_reap(&forker, 9);
	EXPECT_EQ(1, nt_usage(T "/d"));
	EXPECT_EQ(1, nt_usage(T "/d/d/d"));
	EXPECT_EQ(9, nt_fill(&forker));
	nt_forker_end(&forker);
	EXPECT_EQ(0, nt_usage(T "/d"));
	EXPECT_EQ(base, nt_usage(T));
	EXPECT_EQ(0, ct_rmtree(T "/d"));
}

/*
 * Caps
 */

/* Up to the cap, not one less and not one more, in every way. */
TEST_F(numtasks, cap)
{
	struct nt_forker forker;
	unsigned int i;

	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 5));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	EXPECT_EQ(4, nt_fill(&forker));
	EXPECT_EQ(5, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&forker));
	EXPECT_EQ(0, nt_fill_threads(&forker));
	EXPECT_EQ(5, nt_usage(A));
	/* What has gone leaves room, at once. */
	nt_reap(&forker, 2);
	EXPECT_EQ(2, nt_fill_threads(&forker));
	EXPECT_EQ(0, nt_fill(&forker));
	EXPECT_EQ(5, nt_usage(A));
	nt_join(&forker, 1);
	EXPECT_EQ(1, nt_fill(&forker));
	EXPECT_EQ(5, nt_usage(A));
	nt_join(&forker, 1);
	nt_reap(&forker, 1);
	EXPECT_EQ(3, nt_usage(A));
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_EQ(5, usage_with(A, i));
	EXPECT_EQ(1, nt_fork(&forker, 1));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_EQ(-EAGAIN, usage_with(A, i))
			TH_LOG("way %u", i);
	}
	EXPECT_EQ(4, nt_usage(A));
	/* It is not the others'. */
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_EQ(2, usage_with(B, i));
	nt_forker_end(&forker);
	EXPECT_EQ(0, nt_usage(A));
}

/* A cap is one of all that are below. */
TEST_F(numtasks, nested_caps)
{
	struct nt_forker a, x, y;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AY));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 10));
	ASSERT_EQ(0, set_divisor(A, 10));
	ASSERT_EQ(0, set_max(AX, 5));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, nt_forker_start(&y, AY));
	EXPECT_EQ(4, nt_fill(&x));
	EXPECT_EQ(5, nt_usage(AX));
	EXPECT_EQ(3, nt_fill(&y));
	EXPECT_EQ(10, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&a));
	nt_reap(&x, 2);
	EXPECT_EQ(8, nt_usage(A));
	EXPECT_EQ(2, nt_fill(&a));
	/* Below its own cap, not below the parent's. */
	EXPECT_EQ(3, nt_usage(AX));
	EXPECT_EQ(0, nt_fill(&x));
	EXPECT_EQ(0, nt_fill_threads(&x));
	nt_reap(&y, 3);
	EXPECT_EQ(2, nt_fill(&x));
	EXPECT_EQ(1, nt_fill(&y));
	EXPECT_EQ(10, nt_usage(A));
	nt_forker_end(&a);
	nt_forker_end(&x);
	nt_forker_end(&y);
	EXPECT_EQ(0, nt_usage(A));
}

/* What a share is worth is rounded down, level by level. */
TEST_F(numtasks, rounding)
{
	struct nt_forker x;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 7));
	/* No shares of its own: the parent's cap. */
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	EXPECT_EQ(6, nt_fill(&x));
	nt_reap(&x, 6);
	/* 3.5 */
	ASSERT_EQ(0, set_max(AX, 50));
	EXPECT_EQ(2, nt_fill(&x));
	nt_reap(&x, 2);
	/* 6.93 */
	ASSERT_EQ(0, set_max(AX, 99));
	EXPECT_EQ(5, nt_fill(&x));
	nt_reap(&x, 5);
	/* 0.98 */
	ASSERT_EQ(0, set_max(AX, 14));
	EXPECT_EQ(0, nt_fill(&x));
	/* 1.05 is no better for the second, 2.03 is. */
	ASSERT_EQ(0, set_max(AX, 15));
	EXPECT_EQ(0, nt_fill(&x));
	ASSERT_EQ(0, set_max(AX, 29));
	EXPECT_EQ(1, nt_fill(&x));
	nt_forker_end(&x);
	EXPECT_EQ(0, nt_usage(A));
}

/* Lowered below what there is: that stays, and no more comes until it fits. */
TEST_F(numtasks, lower_cap)
{
	struct nt_forker forker;

	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 10));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	EXPECT_EQ(5, nt_fork(&forker, 5));
	EXPECT_EQ(0, set_max(A, 3));
	EXPECT_EQ(6, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&forker));
	nt_reap(&forker, 2);
	EXPECT_EQ(0, nt_fill(&forker));
	nt_reap(&forker, 1);
	EXPECT_EQ(3, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&forker));
	nt_reap(&forker, 1);
	EXPECT_EQ(1, nt_fill(&forker));
	EXPECT_EQ(3, nt_usage(A));
	EXPECT_EQ(0, set_max(A, 8));
	EXPECT_EQ(5, nt_fill(&forker));
	EXPECT_EQ(0, set_max(A, -3));
	EXPECT_EQ(20, nt_fork(&forker, 20));
	nt_forker_end(&forker);
	EXPECT_EQ(0, nt_usage(A));
}

/* A divisor says what the shares of all below are worth, at once. */
TEST_F(numtasks, divisor_changes_caps)
{
	struct nt_forker z;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AXZ));
	ASSERT_EQ(0, nt_set_total(T, 1000));
	ASSERT_EQ(0, set_max(A, 100));
	ASSERT_EQ(0, set_max(AX, 20));
	ASSERT_EQ(0, set_max(AXZ, 50));
	ASSERT_EQ(0, nt_forker_start(&z, AXZ));
	EXPECT_EQ(9, nt_fill(&z));
	nt_reap(&z, 9);
	/* 50, 10, 5 */
	EXPECT_EQ(0, set_divisor(T, 2000));
	EXPECT_EQ(4, nt_fill(&z));
	EXPECT_EQ(0, set_divisor(T, 1000));
	EXPECT_EQ(5, nt_fill(&z));
	/* 100, 10, 5: there are more. */
	EXPECT_EQ(0, set_divisor(A, 200));
	EXPECT_EQ(10, nt_usage(AXZ));
	EXPECT_EQ(0, nt_fill(&z));
	nt_reap(&z, 6);
	EXPECT_EQ(1, nt_fill(&z));
	/* 100, 10, 8 */
	EXPECT_EQ(0, set_divisor(AX, 62));
	EXPECT_EQ(3, nt_fill(&z));
	/* The total does the same: 200, 20, 16. */
	EXPECT_EQ(0, nt_set_param("total_numtasks", 2000));
	EXPECT_EQ(8, nt_fill(&z));
	EXPECT_EQ(0, nt_set_param("total_numtasks", 500));
	EXPECT_EQ(0, nt_fill(&z));
	/* 50, 5, 4 */
	nt_reap(&z, 13);
	EXPECT_EQ(1, nt_fill(&z));
	nt_forker_end(&z);
	EXPECT_EQ(0, nt_usage(A));
}

/* Who is moved need not ask; who forks then must. */
TEST_F(numtasks, attach_above_cap)
{
	struct nt_forker forker;
	pid_t pid;

	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 2));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	EXPECT_EQ(1, nt_fill(&forker));
	pid = ct_process(NULL, 3, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_attach(A, pid));
	EXPECT_EQ(3, nt_usage(A));
	EXPECT_EQ(0, ct_attach_process(A, pid));
	EXPECT_EQ(5, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&forker));
	nt_reap(&forker, 1);
	EXPECT_EQ(0, nt_fill(&forker));
	EXPECT_EQ(0, ct_attach_process(B, pid));
	EXPECT_EQ(1, nt_usage(A));
	EXPECT_EQ(1, nt_fill(&forker));
	/* Who is moved away can fork there. */
	EXPECT_EQ(0, ct_attach(B, forker.pid));
	EXPECT_EQ(4, nt_fork(&forker, 4));
	EXPECT_EQ(1, nt_usage(A));
	EXPECT_EQ(8, nt_usage(B));
	ct_kill(pid);
	nt_forker_end(&forker);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
}

/*
 * Guarantees. Shares are tasks, and there is room for so many.
 */

/* Others take what they can; what is promised is there. */
TEST_F_TIMEOUT(numtasks, guarantee, LONG_TIMEOUT)
{
	struct nt_forker a, b, c;
	long long base;

	ASSERT_EQ(0, ct_mkdir(C));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_forker_start(&c, C));
	base = nt_usage(T);
	ASSERT_EQ(0, nt_set_room(T, 40));
	ASSERT_EQ(0, set_min(A, 20));
	/* a has one and may have 19 more. */
	EXPECT_EQ(21, nt_fill(&b));
	EXPECT_EQ(0, nt_fill(&c));
	EXPECT_EQ(-1, fork());
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(19, nt_fill(&a));
	EXPECT_EQ(20, nt_usage(A));
	EXPECT_EQ(base + 40, nt_usage(T));
	/* Beyond that it takes what is free. */
	nt_reap(&b, 5);
	EXPECT_EQ(5, nt_fill(&a));
	EXPECT_EQ(0, nt_fill(&b));
	EXPECT_EQ(base + 40, nt_usage(T));
	/* Of 10 that it gives back 5 are promised to it still. */
	nt_reap(&a, 10);
	EXPECT_EQ(5, nt_fill(&c));
	EXPECT_EQ(0, nt_fill(&b));
	EXPECT_EQ(5, nt_fill(&a));
	EXPECT_EQ(base + 40, nt_usage(T));
	nt_forker_end(&b);
	EXPECT_EQ(17, nt_fill(&a));
	/* The promise is taken back: it is everyone's. */
	nt_reap(&a, 30);
	EXPECT_EQ(0, set_min(A, -3));
	EXPECT_EQ(30, nt_fill(&c));
	EXPECT_EQ(0, nt_fill(&a));
	nt_forker_end(&a);
	nt_forker_end(&c);
}

/* Two that are promised something, and one that is not. */
TEST_F(numtasks, two_guarantees)
{
	struct nt_forker a, b, c;

	ASSERT_EQ(0, ct_mkdir(C));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_forker_start(&c, C));
	ASSERT_EQ(0, nt_set_room(T, 30));
	ASSERT_EQ(0, set_min(A, 11));
	ASSERT_EQ(0, set_min(B, 16));
	EXPECT_EQ(5, nt_fill(&c));
	EXPECT_EQ(10, nt_fill(&a));
	EXPECT_EQ(15, nt_fill(&b));
	nt_reap(&c, 5);
	EXPECT_EQ(5, nt_fill(&b));
	EXPECT_EQ(0, nt_fill(&c));
	EXPECT_EQ(0, nt_fill(&a));
	/* A cap at the promise. */
	nt_reap(&b, 20);
	EXPECT_EQ(0, set_max(B, 16));
	EXPECT_EQ(15, nt_fill(&b));
	EXPECT_EQ(5, nt_fill(&c));
	nt_forker_end(&a);
	nt_forker_end(&b);
	nt_forker_end(&c);
}

/* What a parent is promised it passes on: to one for sure, to others too. */
TEST_F_TIMEOUT(numtasks, guarantee_below, 120)
{
	struct nt_forker b, x, y;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AY));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, nt_forker_start(&y, AY));
	ASSERT_EQ(0, nt_set_room(T, 40));
	ASSERT_EQ(0, set_min(A, 20));
	ASSERT_EQ(0, set_min(AX, 50));
	/* 20 less two are promised to a, of those 10 less one to x. */
	EXPECT_EQ(22, nt_fill(&b));
	EXPECT_EQ(9, nt_fill(&y));
	EXPECT_EQ(9, nt_fill(&x));
	EXPECT_EQ(20, nt_usage(A));
	EXPECT_EQ(0, nt_fill(&b));
	/* What y gives back is a's, and so x's or y's, but not b's. */
	nt_reap(&y, 4);
	EXPECT_EQ(0, nt_fill(&b));
	EXPECT_EQ(4, nt_fill(&x));
	nt_reap(&x, 10);
	EXPECT_EQ(0, nt_fill(&b));
	EXPECT_EQ(4, nt_fill(&y));
	EXPECT_EQ(6, nt_fill(&x));
	nt_reap(&b, 3);
	EXPECT_EQ(3, nt_fill(&y));
	EXPECT_EQ(0, nt_fill(&x));
	nt_forker_end(&b);
	nt_forker_end(&x);
	nt_forker_end(&y);
}

/* The parent's own members cannot use what its child is promised. */
TEST_F(numtasks, guarantee_against_parent)
{
	struct nt_forker a, x;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, ct_write(A, SHARES,
			      "min_shares=12,max_shares=12,child_shares_divisor=12"));
	ASSERT_EQ(0, set_min(AX, 10));
	EXPECT_EQ(1, nt_fill(&a));
	EXPECT_EQ(0, nt_fill_threads(&a));
	EXPECT_EQ(9, nt_fill(&x));
	EXPECT_EQ(12, nt_usage(A));
	nt_reap(&x, 9);
	EXPECT_EQ(0, nt_fill(&a));
	nt_reap(&a, 1);
	EXPECT_EQ(10, nt_fill(&x));
	EXPECT_EQ(0, nt_fill(&a));
	nt_forker_end(&a);
	nt_forker_end(&x);
}

/* Of nothing, all is nothing. */
TEST_F(numtasks, guarantee_of_nothing)
{
	struct nt_forker b, x;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, nt_set_room(T, 10));
	ASSERT_EQ(0, set_min(AX, 100));
	EXPECT_EQ(10, nt_fill(&b));
	EXPECT_EQ(0, nt_fill(&x));
	nt_reap(&b, 10);
	ASSERT_EQ(0, set_min(A, 4));
	EXPECT_EQ(7, nt_fill(&b));
	EXPECT_EQ(3, nt_fill(&x));
	nt_forker_end(&b);
	nt_forker_end(&x);
}

/* It is of what the parent is guaranteed, not of what it can have. */
TEST_F(numtasks, guarantee_below_a_cap)
{
	struct nt_forker a, x;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 10));
	ASSERT_EQ(0, set_min(AX, 50));
	EXPECT_EQ(8, nt_fill(&a));
	EXPECT_EQ(0, nt_fill(&x));
	nt_reap(&a, 8);
	ASSERT_EQ(0, set_min(A, 6));
	EXPECT_EQ(6, nt_fill(&a));
	EXPECT_EQ(2, nt_fill(&x));
	nt_forker_end(&a);
	nt_forker_end(&x);
}

/* A storm in the root does not take it either. */
TEST_F(numtasks, guarantee_against_root)
{
	struct nt_forker a, r, s;

	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&r, NULL));
	ASSERT_EQ(0, nt_forker_start(&s, NULL));
	ASSERT_EQ(0, nt_set_room(T, 20));
	ASSERT_EQ(0, set_min(A, 6));
	EXPECT_EQ(10, nt_fork(&s, 10));
	EXPECT_EQ(5, nt_fill(&r));
	EXPECT_EQ(0, nt_fill(&s));
	EXPECT_EQ(0, nt_fill_threads(&r));
	EXPECT_EQ(5, nt_fill(&a));
	EXPECT_EQ(0, nt_fill(&r));
	nt_forker_end(&a);
	nt_forker_end(&r);
	nt_forker_end(&s);
}

/* What was borrowed and is given back is there for others, at once. */
TEST_F_TIMEOUT(numtasks, borrow_and_return, LONG_TIMEOUT)
{
	struct nt_forker a, b;
	int round;

	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_set_room(T, 15));
	ASSERT_EQ(0, set_min(A, 5));
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(11, nt_fill(&b))
			TH_LOG("round %d", round);
		nt_reap(&b, 11);
		ASSERT_EQ(15, nt_fill(&a))
			TH_LOG("round %d", round);
		ASSERT_EQ(0, nt_fill(&b));
		nt_reap(&a, 15);
	}
	/* The end of all of them. */
	ASSERT_EQ(11, nt_fill(&b));
	nt_forker_end(&b);
	EXPECT_EQ(16, nt_fill(&a));
	nt_forker_end(&a);
}

/* By a move, too, it changes who has it. */
TEST_F(numtasks, guarantee_and_attach)
{
	struct nt_forker b;

	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_set_room(T, 10));
	ASSERT_EQ(0, set_min(A, 5));
	EXPECT_EQ(5, nt_fill(&b));
	/* Three of them use what a is promised. */
	ASSERT_EQ(0, move_some(B, A, b.pid, 3));
	EXPECT_EQ(3, nt_usage(A));
	EXPECT_EQ(3, nt_fill(&b));
	ASSERT_EQ(0, ct_attach(A, b.pid));
	EXPECT_EQ(2, nt_fill(&b));
	nt_forker_end(&b);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
}

/* A container that is removed keeps nothing, whoever has its files open. */
TEST_F_TIMEOUT(numtasks, rmdir, LONG_TIMEOUT)
{
	struct nt_forker b;
	int fd, round;
	pid_t pid;

	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_set_room(T, 30));
	ASSERT_EQ(0, set_min(A, 20));
	EXPECT_EQ(10, nt_fill(&b));
	fd = ct_open(A, STATS, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(20, nt_fill(&b));
	EXPECT_EQ(-1, read(fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
	nt_reap(&b, 25);
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, ct_mkdir(A));
		EXPECT_TRUE(shares_are(A, -3, -3, 100));
		EXPECT_TRUE(stats_are(A, 0, 0, 0, 0));
		ASSERT_EQ(0, set_min(A, 20));
		pid = ct_sleeper(A);
		ASSERT_LT(0, pid);
		ASSERT_EQ(5, nt_fill(&b));
		EXPECT_EQ(-EBUSY, ct_rmdir(A));
		ct_kill(pid);
		ASSERT_EQ(0, ct_rmdir(A));
		ASSERT_EQ(20, nt_fill(&b))
			TH_LOG("round %d", round);
		nt_reap(&b, 25);
	}
	nt_forker_end(&b);
}

/*
 * Forks that fail
 */

static int failing_clones(void *cont)
{
	const struct rlimit none = { 0, 0 };
	int ret = ct_enter(cont), i;
	pid_t pid;

	if (!ret)
		ret = ct_failing_clones(50);
	/* A pid namespace whose first process has gone. */
	if (!ret && unshare(CLONE_NEWPID))
		ret = -errno;
	pid = ret ? -1 : fork();
	if (!pid)
		_exit(0);
	if (pid > 0)
		ct_wait(pid);
	for (i = 0; !ret && i < 50; i++)
		if (fork() >= 0 || errno != ENOMEM)
			ret = -EPROTO;
	/* Now it fails before that. */
	if (!ret && setrlimit(RLIMIT_NPROC, &none))
		ret = -errno;
	if (!ret)
		ret = ct_become(CT_UID);
	for (i = 0; !ret && i < 50; i++)
		if (fork() >= 0 || errno != EAGAIN)
			ret = -EPROTO;
	return ret;
}

/* What fails for other reasons is not counted. */
TEST_F_TIMEOUT(numtasks, fork_that_fails, 120)
{
	long long base = nt_usage(T);
	struct nt_forker forker;

	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, set_max(A, 5));
	EXPECT_EQ(0, ct_call(failing_clones, A));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(base, nt_usage(T));
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	ASSERT_EQ(0, nt_forker_start(&forker, A));
	EXPECT_EQ(4, nt_fill(&forker));
	nt_forker_end(&forker);
}

/*
 * A process is killed while it forks: some of the forks are abandoned after
 * they were counted.
 */
TEST_F_TIMEOUT(numtasks, fork_that_is_killed, LONG_TIMEOUT)
{
	int i, *word = ct_shared(sizeof(int));
	long long base = nt_usage(T);
	pid_t pid, child;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < 150; i++) {
		*word = 0;
		pid = ct_fork();
		if (!pid) {
			if (ct_enter(A))
				_exit(1);
			ct_futex_wake(word, 1);
			for (;;) {
				/* What takes most of the time of fork(2) comes too early. */
				child = vfork();
				if (!child)
					_exit(0);
				waitpid(child, NULL, 0);
			}
		}
		ct_futex_wait(word, 0);
		/* Within some forks, however long they take. */
		usleep(i * 100);
		ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
		while (wait(NULL) > 0)
			;
		ASSERT_EQ(0, nt_usage(A))
			TH_LOG("round %d", i);
	}
	EXPECT_EQ(base, nt_usage(T));
}

/*
 * Module parameters
 */

TEST_F(numtasks, parameters)
{
	static const char *const names[] = {
		"total_numtasks", "forkrate", "forkrate_interval",
	};
	static const char *const wrong[] = { "0", "-1", "-2147483648", "x" };
	unsigned int i, j;
	struct stat st;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_EQ(0, stat(ct_path(NT_PARAMS "/%s", names[i]), &st));
		EXPECT_EQ(0644U, st.st_mode & 0777);
		EXPECT_EQ(i < 2 ? INT_MAX : 1, nt_param(names[i]));
		EXPECT_EQ(0, nt_set_param(names[i], 12345));
		EXPECT_EQ(12345, nt_param(names[i]));
		for (j = 0; j < ARRAY_SIZE(wrong); j++) {
			EXPECT_EQ(-EINVAL, ct_write(NT_PARAMS, names[i], wrong[j]))
				TH_LOG("%s = %s", names[i], wrong[j]);
		}
		EXPECT_GT(0, ct_write(NT_PARAMS, names[i], "2147483648"));
		EXPECT_GT(0, ct_write(NT_PARAMS, names[i], "99999999999"));
		EXPECT_EQ(12345, nt_param(names[i]));
	}
}

/* The total: not below what there is, and no more than that. */
TEST_F(numtasks, total)
{
	long long usage, failures;
	struct nt_forker forker;
	unsigned int i;

	ASSERT_EQ(0, nt_forker_start(&forker, A));
	usage = nt_usage(T);
	EXPECT_EQ(-EINVAL, nt_set_param("total_numtasks", usage - 1));
	EXPECT_EQ(-EINVAL, nt_set_param("total_numtasks", 1));
	EXPECT_EQ(INT_MAX, nt_param("total_numtasks"));
	EXPECT_EQ(0, nt_set_param("total_numtasks", usage));
	failures = nt_stat(T, "Number of failures");
	EXPECT_EQ(-1, fork());
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, by_clone3(T));
	EXPECT_EQ(-EAGAIN, by_vfork(T));
	EXPECT_EQ(-EAGAIN, by_thread(T));
	EXPECT_EQ(failures + 4, nt_stat(T, "Number of failures"));
	EXPECT_EQ(0, nt_fill(&forker));
	EXPECT_EQ(0, nt_fill_threads(&forker));
	EXPECT_EQ(usage, nt_usage(T));
	EXPECT_EQ(0, nt_set_param("total_numtasks", usage + 1));
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_EQ(1, ways[i](A));
	EXPECT_EQ(1, nt_fill(&forker));
	EXPECT_EQ(-EAGAIN, by_fork(T));
	EXPECT_EQ(-EINVAL, nt_set_param("total_numtasks", usage));
	EXPECT_EQ(usage + 1, nt_param("total_numtasks"));
	EXPECT_EQ(0, nt_set_param("total_numtasks", INT_MAX));
	nt_forker_end(&forker);

	/* Nobody counts. */
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(T));
	EXPECT_EQ(0, nt_set_param("total_numtasks", 1));
	EXPECT_LE(0, by_fork("/"));
	EXPECT_EQ(0, nt_set_param("total_numtasks", INT_MAX));
}

/* So many forks in so much time, by the members of each container. */
TEST_F(numtasks, forkrate)
{
	struct nt_forker a, b, x;

	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_forker_start(&a, A));
	ASSERT_EQ(0, nt_forker_start(&b, B));
	ASSERT_EQ(0, nt_forker_start(&x, AX));
	ASSERT_EQ(0, reset_stats(A));
	/* From here on this process cannot rely on being able to fork. */
	ASSERT_EQ(0, nt_set_param("forkrate_interval", NT_FOREVER));
	ASSERT_EQ(0, nt_set_param("forkrate", 5));
	EXPECT_EQ(5, nt_fill(&a));
	EXPECT_EQ(5, nt_stat(A, "Number of successes"));
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	EXPECT_EQ(1, nt_stat(A, "Number of forkrate failures"));
	/* Those that have exited have been forked. */
	nt_reap(&a, 4);
	EXPECT_EQ(0, nt_fill(&a));
	EXPECT_EQ(0, nt_fill_threads(&a));
	EXPECT_EQ(3, nt_stat(A, "Number of forkrate failures"));
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	/* Threads are forks; another container has a rate of its own. */
	EXPECT_EQ(3, nt_order(&b, NT_THREADS, 3));
	EXPECT_EQ(2, nt_fill(&b));
	EXPECT_EQ(5, nt_fill(&x));
	EXPECT_EQ(0, nt_fill(&x));
	/* Elsewhere it is another who forks. */
	ASSERT_EQ(0, ct_attach(B, a.pid));
	EXPECT_EQ(0, nt_fill(&a));
	ASSERT_EQ(0, ct_attach(A, a.pid));
	EXPECT_EQ(0, nt_set_param("forkrate", 8));
	EXPECT_EQ(3, nt_fill(&a));
	EXPECT_EQ(0, nt_set_param("forkrate", 2));
	EXPECT_EQ(0, nt_fill(&a));
	EXPECT_EQ(0, nt_set_param("forkrate", INT_MAX));
	EXPECT_EQ(10, nt_fork(&a, 10));
	nt_forker_end(&a);
	nt_forker_end(&b);
	nt_forker_end(&x);
	EXPECT_EQ(0, nt_usage(A));
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* One fork a second, second by second. */
TEST_F_TIMEOUT(numtasks, forkrate_interval, LONG_TIMEOUT)
{
	const struct timespec tick = { .tv_nsec = 10000000 };
	struct nt_forker forker;
	long long start, last, lost = 0;
	int made = 0, done;

	ASSERT_EQ(0, nt_forker_start(&forker, A));
	start = now_ms();
	last = start;
	ASSERT_EQ(0, nt_set_param("forkrate", 1));
	while (now_ms() < start + 4000) {
		done = nt_fork(&forker, 1);
		ASSERT_EQ(done ? 0 : EAGAIN, forker.order->error);
		made += done;
		nanosleep(&tick, NULL);
		/* Time in which nobody could try: this was not running. */
		if (now_ms() - last > 200)
			lost += now_ms() - last;
		last = now_ms();
	}
	EXPECT_LE((last - start - lost) / 1000 - 1, made);
	EXPECT_GE((last - start) / 1000 + 2, made);
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	EXPECT_EQ(0, nt_set_param("forkrate", INT_MAX));
	nt_forker_end(&forker);
}

/* The root's own members are limited as well. */
TEST_F(numtasks, forkrate_of_root)
{
	struct nt_forker r;
	long long failures;

	ASSERT_EQ(0, nt_forker_start(&r, NULL));
	ASSERT_EQ(0, nt_set_param("forkrate_interval", NT_FOREVER));
	failures = nt_stat(T, "Number of forkrate failures");
	ASSERT_EQ(0, nt_set_param("forkrate", 1));
	/* What was forked since the interval was set counts, too. */
	EXPECT_GE(1, nt_fill(&r));
	EXPECT_EQ(0, nt_fill(&r));
	EXPECT_EQ(-EAGAIN, by_clone3(T));
	EXPECT_EQ(failures + 3, nt_stat(T, "Number of forkrate failures"));
	EXPECT_EQ(0, nt_set_param("forkrate", INT_MAX));
	EXPECT_EQ(5, nt_fork(&r, 5));
	nt_forker_end(&r);
}

/* Who could be told that the kernel did not start it, and do it again? */
TEST_F(numtasks, agent_of_root_that_may_not_fork)
{
	char line[PATH_MAX] = "";
	struct ct_agent agent;
	struct nt_forker r;
	pid_t pid;

	ASSERT_EQ(0, ct_agent_start(&agent, "args", ""));
	ASSERT_EQ(0, ct_write(T, "release_agent", agent.path));
	ASSERT_EQ(0, ct_write(A, "notify_on_release", "1"));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, nt_forker_start(&r, NULL));
	ASSERT_EQ(0, nt_set_param("forkrate_interval", NT_FOREVER));
	ASSERT_EQ(0, nt_set_param("forkrate", 1));
	nt_fill(&r);
	EXPECT_EQ(0, nt_fill(&r));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_attach(B, pid));
		EXPECT_EQ(0, ct_agent_next(&agent, line, sizeof(line), CT_WAIT_MS));
		EXPECT_STREQ("/a", line);
		ASSERT_EQ(0, ct_attach(A, pid));
	}
	EXPECT_EQ(0, nt_set_param("forkrate", INT_MAX));
	ct_kill(pid);
	nt_forker_end(&r);
	ct_agent_end(&agent);
}

TEST_HARNESS_MAIN
