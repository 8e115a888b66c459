// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: the files "tasks" and "procs", what moves when a number is
 * written there, which numbers are refused, and where new threads and
 * processes start. Who may move whom is in test_permission.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define U	CT_DIR "/u"

#define LONG_TIMEOUT	300

FIXTURE(attach)
{
	/* LIST in /proc/PID/container. */
	const char *list;
};

FIXTURE_VARIANT(attach)
{
	const char *options;
	const char *list;
};

FIXTURE_VARIANT_ADD(attach, no_subsystem)
{
	.options = "none,name=t",
	.list = "name=t",
};

FIXTURE_VARIANT_ADD(attach, subsystem)
{
	.options = "cpuacct",
	.list = "cpuacct",
};

/* The tree of all tests: T with the containers a and b. */
FIXTURE_SETUP(attach)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount(variant->options, T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/b"));
	self->list = variant->list;
}

FIXTURE_TEARDOWN_PARENT(attach)
{
	EXPECT_EQ(0, ct_reset());
}

/* Are these exactly the numbers in a file, each once? */
static bool members_are(const char *cont, const char *file, const pid_t *pids,
			size_t count)
{
	struct ct_pids seen;
	size_t i, j, found = 0;

	if (ct_read_pids(cont, file, &seen))
		return false;
	for (i = 0; i < count; i++)
		for (j = 0; j < seen.count; j++)
			found += pids[i] == seen.pid[j];
	i = seen.count;
	ct_free_pids(&seen);
	return found == count && i == count;
}

/* A process id that nobody has. */
static pid_t free_pid(void)
{
	pid_t pid = ct_sleeper(NULL);

	ct_kill(pid);
	return pid;
}

/*
 * Moving
 */

/* A number in "tasks" moves that thread alone; threads of a process differ. */
TEST_F(attach, tasks_moves_one_thread)
{
	pid_t tid[4], pid = ct_process(NULL, 4, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T "/a", tid[1]));
	ASSERT_EQ(0, ct_attach(T "/b", tid[2]));
	EXPECT_TRUE(members_are(T "/a", "tasks", &tid[1], 1));
	EXPECT_TRUE(members_are(T "/b", "tasks", &tid[2], 1));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[0]));
	EXPECT_EQ(0, ct_has(T, "tasks", tid[1]));
	EXPECT_EQ(0, ct_has(T, "tasks", tid[2]));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[3]));
	EXPECT_TRUE(ct_is_in(tid[0], self->list, "/"));
	EXPECT_TRUE(ct_is_in(tid[1], self->list, "/a"));
	EXPECT_TRUE(ct_is_in(tid[2], self->list, "/b"));
	EXPECT_TRUE(ct_is_in(tid[3], self->list, "/"));

	/* "procs": processes with at least one member thread, each once. */
	EXPECT_TRUE(members_are(T "/a", "procs", &pid, 1));
	EXPECT_TRUE(members_are(T "/b", "procs", &pid, 1));
	EXPECT_EQ(1, ct_has(T, "procs", pid));
	EXPECT_EQ(0, ct_has(T, "procs", tid[1]));

	/* The leader is a thread like any other. */
	ASSERT_EQ(0, ct_attach(T "/b", pid));
	EXPECT_TRUE(ct_is_in(tid[0], self->list, "/b"));
	EXPECT_TRUE(ct_is_in(tid[3], self->list, "/"));
	EXPECT_EQ(2, ct_count(T "/b", "tasks"));
	EXPECT_TRUE(members_are(T "/b", "procs", &pid, 1));
	ct_kill(pid);
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_EQ(0, ct_count(T "/b", "tasks"));
}

/* A number in "procs" moves all threads, wherever they have been. */
TEST_F(attach, procs_moves_all_threads)
{
	pid_t tid[5], pid = ct_process(NULL, 5, tid);
	int i;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_TRUE(members_are(T "/a", "tasks", tid, 5));
	EXPECT_TRUE(members_are(T "/a", "procs", &pid, 1));
	EXPECT_EQ(0, ct_has(T, "procs", pid));

	ASSERT_EQ(0, ct_attach(T, tid[1]));
	ASSERT_EQ(0, ct_attach(T "/b", tid[2]));
	ASSERT_EQ(0, ct_attach_process(T "/b", pid));
	EXPECT_TRUE(members_are(T "/b", "tasks", tid, 5));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, ct_has(T, "tasks", tid[i]));
		EXPECT_TRUE(ct_is_in(tid[i], self->list, "/b"));
	}
	ct_kill(pid);
}

/* The root container is a destination like any other; so is where one is. */
TEST_F(attach, back_and_again)
{
	pid_t tid[3], pid = ct_process(T "/a", 3, tid);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_attach(T "/a", tid[1]));
	EXPECT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_TRUE(members_are(T "/a", "tasks", tid, 3));
	EXPECT_EQ(0, ct_attach(T, tid[1]));
	EXPECT_EQ(0, ct_attach_process(T, pid));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[0]));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[1]));
	EXPECT_EQ(1, ct_has(T, "tasks", tid[2]));
	EXPECT_EQ(1, ct_has(T, "procs", pid));
	ct_kill(pid);
}

struct enter {
	const char *file;
	int fd;
	int ret;
};

static void *write_zero(void *arg)
{
	struct enter *enter = arg;

	enter->ret = enter->fd >= 0 ? ct_fd_write(enter->fd, "0") :
		     ct_write(T "/a", enter->file, "0\n");
	return NULL;
}

static int enter_by_thread(void *arg)
{
	struct enter *enter = arg;
	pthread_t thread;

	if (pthread_create(&thread, NULL, write_zero, enter))
		return -EAGAIN;
	pthread_join(thread, NULL);
	if (enter->ret)
		return enter->ret;
	return ct_is_in(getpid(), "name=t", "/a") ||
	       ct_is_in(getpid(), "cpuacct", "/a");
}

/* 0 is the writing thread in "tasks", and its process in "procs". */
TEST_F(attach, zero_is_the_writer)
{
	struct enter tasks = { .file = "tasks", .fd = -1 };
	struct enter procs = { .file = "procs", .fd = -1 };

	EXPECT_EQ(0, ct_call(enter_by_thread, &tasks));
	EXPECT_EQ(1, ct_call(enter_by_thread, &procs));

	/* The writer, not the opener. */
	tasks.fd = ct_open(T "/a", "tasks", O_WRONLY);
	procs.fd = ct_open(T "/a", "procs", O_WRONLY);
	ASSERT_LE(0, tasks.fd);
	ASSERT_LE(0, procs.fd);
	EXPECT_EQ(0, ct_call(enter_by_thread, &tasks));
	EXPECT_EQ(1, ct_call(enter_by_thread, &procs));
	EXPECT_TRUE(ct_is_in(getpid(), self->list, "/"));
	close(tasks.fd);
	close(procs.fd);
}

/* Hierarchies are independent: a move in one is none in another. */
TEST_F(attach, two_hierarchies)
{
	pid_t tid[2], pid = ct_process(NULL, 2, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mount("none,name=u", U));
	ASSERT_EQ(0, ct_mkdir(U "/x"));
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_TRUE(ct_is_in(pid, "name=u", "/"));
	ASSERT_EQ(0, ct_attach(U "/x", tid[1]));
	EXPECT_TRUE(ct_is_in(tid[0], "name=u", "/"));
	EXPECT_TRUE(ct_is_in(tid[1], "name=u", "/x"));
	EXPECT_TRUE(ct_is_in(tid[1], self->list, "/a"));
	ASSERT_EQ(0, ct_attach_process(T "/b", pid));
	EXPECT_TRUE(ct_is_in(tid[0], "name=u", "/"));
	EXPECT_TRUE(ct_is_in(tid[1], "name=u", "/x"));
	EXPECT_TRUE(members_are(U "/x", "tasks", &tid[1], 1));
	EXPECT_TRUE(members_are(T "/b", "tasks", tid, 2));
	ct_kill(pid);
	ASSERT_EQ(0, ct_rmdir(U "/x"));
	ASSERT_EQ(0, ct_umount(U));
}

/* With or without a trailing newline. */
TEST_F(attach, newline)
{
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_write(T "/a", "tasks", ct_path("%d", pid)));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/a"));
	EXPECT_EQ(0, ct_write(T "/b", "tasks", ct_path("%d\n", pid)));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/b"));
	EXPECT_EQ(0, ct_write(T "/a", "procs", ct_path("%d", pid)));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/a"));
	EXPECT_EQ(0, ct_write(T "/b", "procs", ct_path("%d\n", pid)));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/b"));
	ct_kill(pid);
}

/* One open file takes one number after another, like a shell's loop. */
TEST_F(attach, many_writes_to_one_file)
{
	int fd = ct_open(T "/a", "tasks", O_WRONLY | O_TRUNC);
	pid_t tid[20], pid = ct_process(NULL, 20, tid);
	int i;

	ASSERT_LE(0, fd);
	ASSERT_LT(0, pid);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, ct_fd_write(fd, ct_path("%d\n", tid[i])));
	EXPECT_TRUE(members_are(T "/a", "tasks", tid, 20));
	close(fd);
	ct_kill(pid);
}

/*
 * Errors
 */

/* No such thread: ESRCH. */
TEST_F(attach, no_such_thread)
{
	pid_t pid = free_pid();

	EXPECT_EQ(-ESRCH, ct_attach(T "/a", pid));
	EXPECT_EQ(-ESRCH, ct_attach_process(T "/a", pid));
	/* Beyond the largest that there can be, but not beyond an int. */
	EXPECT_EQ(-ESRCH, ct_attach(T "/a", 0x7fffffff));
	EXPECT_EQ(-ESRCH, ct_attach_process(T "/a", 0x7fffffff));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
}

/* A thread's id is no process id. */
TEST_F(attach, thread_id_in_procs)
{
	pid_t tid[2], pid = ct_process(NULL, 2, tid);

	ASSERT_LT(0, pid);
	EXPECT_EQ(-ESRCH, ct_attach_process(T "/a", tid[1]));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	ct_kill(pid);
}

/* Not a number, or trailing garbage: EINVAL, and nobody has moved. */
TEST_F(attach, not_a_number)
{
	static const struct {
		const char *text;
		size_t len;
	} wrong[] = {
#define WRONG(text) { text, sizeof(text) - 1 }
		WRONG("\n"), WRONG(" "), WRONG("abc"), WRONG("x1"),
		WRONG("1x"), WRONG("1 x"), WRONG("1 1"), WRONG("1\n1\n"),
		WRONG("1,1"), WRONG("1.0"), WRONG("1e0"), WRONG("0x"),
		WRONG("--1"), WRONG("-"), WRONG("+"), WRONG("\xc3\xa9"),
		WRONG("1\xc2\xa0"), WRONG("\0"), WRONG("1\0"), WRONG("1\0\n"),
		WRONG("1\n\0"), WRONG("\0001"), WRONG("1\0001"),
		WRONG("99999999999999999999999999"),
#undef WRONG
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, ct_write_bytes(T "/a", "tasks", wrong[i].text,
						  wrong[i].len))
			TH_LOG("'%s' of %zu bytes", wrong[i].text,
			       wrong[i].len);
		EXPECT_EQ(-EINVAL, ct_write_bytes(T "/a", "procs", wrong[i].text,
						  wrong[i].len))
			TH_LOG("'%s' of %zu bytes", wrong[i].text,
			       wrong[i].len);
		EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	}
}

/* Numbers that would be those of a process if they were cut to 32 bits. */
TEST_F(attach, number_out_of_range)
{
	static const long long wrong[] = {
		-1, -2, 1LL << 31, (1LL << 32) + 1, 1LL << 32, -(1LL << 32),
		(1LL << 62) + 1, -(1LL << 62),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		int ret = ct_write_num(T "/a", "tasks", wrong[i]);

		EXPECT_TRUE(ret == -EINVAL || ret == -ESRCH)
			TH_LOG("%lld: %d", wrong[i], ret);
		ret = ct_write_num(T "/a", "procs", wrong[i]);
		EXPECT_TRUE(ret == -EINVAL || ret == -ESRCH)
			TH_LOG("%lld: %d", wrong[i], ret);
		EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	}
}

/* A container that is removed while its file is open: ENODEV. */
TEST_F(attach, removed_container)
{
	int tasks = ct_open(T "/a", "tasks", O_RDWR);
	int procs = ct_open(T "/a", "procs", O_RDWR);
	pid_t pid = ct_sleeper(NULL);
	char byte;

	ASSERT_LT(0, pid);
	ASSERT_LE(0, tasks);
	ASSERT_LE(0, procs);
	ASSERT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(-ENODEV, ct_fd_write(tasks, ct_path("%d", pid)));
	EXPECT_EQ(-ENODEV, ct_fd_write(procs, ct_path("%d", pid)));
	EXPECT_EQ(-ENODEV, ct_fd_write(tasks, "0"));
	EXPECT_EQ(-ENODEV, ct_fd_write(procs, "0"));
	EXPECT_EQ(-1, read(tasks, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, read(procs, &byte, 1));
	EXPECT_EQ(ENODEV, errno);

	/* A new one of that name is another. */
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	EXPECT_EQ(-ENODEV, ct_fd_write(tasks, ct_path("%d", pid)));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/"));
	close(tasks);
	close(procs);
	ct_kill(pid);
}

/* An exiting thread is ESRCH; as a zombie it is a member of nothing. */
TEST_F(attach, zombie)
{
	pid_t pid = ct_sleeper(T "/a");
	siginfo_t info;

	ASSERT_LT(0, pid);
	EXPECT_EQ(1, ct_count(T "/a", "tasks"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_EQ(0, ct_count(T "/a", "procs"));
	EXPECT_EQ(-ESRCH, ct_attach(T "/b", pid));
	EXPECT_EQ(-ESRCH, ct_attach_process(T "/b", pid));
	EXPECT_EQ(-ESRCH, ct_attach(T "/a", pid));
	EXPECT_EQ(0, ct_count(T "/b", "tasks"));
	/* It pins nothing. */
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
}

/* kthreadd, whose children belong in the root, stays there: EINVAL. */
TEST_F(attach, kthreadd)
{
	char comm[32];

	ASSERT_LT(0, ct_proc_read(2, "comm", comm, sizeof(comm)));
	ASSERT_STREQ("kthreadd\n", comm);
	EXPECT_EQ(-EINVAL, ct_attach(T "/a", 2));
	EXPECT_EQ(-EINVAL, ct_attach_process(T "/a", 2));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_EQ(1, ct_has(T, "tasks", 2));
}

/*
 * Those that are bound to their CPUs stay there, too, whatever the subsystems: the
 * workers among them create user mode helpers.
 */
TEST_F(attach, bound_kthreads)
{
	int bound = 0;
	char comm[32];

	for (pid_t pid = 3; pid < 300; pid++) {
		if (ct_proc_read(pid, "comm", comm, sizeof(comm)) <= 0 ||
		    (strncmp(comm, "kworker/R-", 10) && strncmp(comm, "migration/", 10)))
			continue;
		EXPECT_EQ(-EINVAL, ct_attach(T "/a", pid))
			TH_LOG("%d is %s", pid, comm);
		bound++;
	}
	EXPECT_LT(4, bound);
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
}

/*
 * A leader that has exited while threads live on
 */

/*
 * Hole 59: the process is listed once, can be moved, and the container is not
 * empty. The leader itself has left.
 */
TEST_F(attach, leader_has_exited)
{
	pid_t thread, pid = ct_leaderless(T "/a", &thread);

	ASSERT_LT(0, pid);
	EXPECT_TRUE(members_are(T "/a", "procs", &pid, 1));
	EXPECT_TRUE(members_are(T "/a", "tasks", &thread, 1));
	EXPECT_EQ(1, ct_read_key(T "/a", "events", "populated"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a"));
	EXPECT_EQ(-ESRCH, ct_attach(T "/b", pid));
	EXPECT_EQ(0, ct_attach_process(T "/b", pid));
	EXPECT_TRUE(members_are(T "/b", "procs", &pid, 1));
	EXPECT_TRUE(members_are(T "/b", "tasks", &thread, 1));
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(0, ct_attach(T, thread));
	EXPECT_EQ(1, ct_has(T, "procs", pid));
	EXPECT_EQ(0, ct_count(T "/b", "procs"));
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
}

/*
 * Where new ones start
 */

struct birth {
	int go;
	pid_t tid;
	pid_t thread;
	pid_t child;
	pid_t clone3_child;
	int done;
};

static void *birth_sleep(void *arg)
{
	struct birth *birth = arg;

	birth->thread = syscall(SYS_gettid);
	ct_futex_wake(&birth->done, 1);
	pause();
	return NULL;
}

/* A thread that makes another and children, when it is told to. */
static void *birth_main(void *arg)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct birth *birth = arg;
	pthread_t thread;
	pid_t pid;

	ct_futex_wake(&birth->tid, syscall(SYS_gettid));
	ct_futex_wait(&birth->go, 0);
	pid = ct_fork();
	if (!pid)
		for (;;)
			pause();
	birth->child = pid;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	birth->clone3_child = pid;
	if (pthread_create(&thread, NULL, birth_sleep, birth))
		ct_futex_wake(&birth->done, -1);
	pause();
	return NULL;
}

/*
 * A new thread or process starts in its creator's containers, the creating
 * thread's and not the process's, in every hierarchy at once.
 */
TEST_F(attach, new_ones_start_with_their_creator)
{
	struct birth *birth = ct_shared(sizeof(*birth));
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, ct_mount("none,name=u", U));
	ASSERT_EQ(0, ct_mkdir(U "/x"));
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (pthread_create(&thread, NULL, birth_main, birth))
			_exit(1);
		for (;;)
			pause();
	}
	ct_futex_wait(&birth->tid, 0);
	ASSERT_EQ(0, ct_attach(T "/a", pid));
	ASSERT_EQ(0, ct_attach(T "/b", birth->tid));
	ASSERT_EQ(0, ct_attach(U "/x", birth->tid));
	ct_futex_wake(&birth->go, 1);
	ct_futex_wait(&birth->done, 0);
	ASSERT_EQ(1, birth->done);

	EXPECT_TRUE(ct_is_in(birth->thread, self->list, "/b"));
	EXPECT_TRUE(ct_is_in(birth->thread, "name=u", "/x"));
	EXPECT_TRUE(ct_is_in(birth->child, self->list, "/b"));
	EXPECT_TRUE(ct_is_in(birth->child, "name=u", "/x"));
	EXPECT_TRUE(ct_is_in(birth->clone3_child, self->list, "/b"));
	EXPECT_TRUE(ct_is_in(birth->clone3_child, "name=u", "/x"));
	EXPECT_EQ(4, ct_count(T "/b", "tasks"));
	EXPECT_EQ(3, ct_count(T "/b", "procs"));
	EXPECT_EQ(4, ct_count(U "/x", "tasks"));
	EXPECT_EQ(1, ct_count(T "/a", "tasks"));
	EXPECT_TRUE(ct_is_in(pid, "name=u", "/"));

	/* One may not have asked yet to die with its creator. */
	EXPECT_EQ(0, kill(birth->child, SIGKILL));
	EXPECT_EQ(0, kill(birth->clone3_child, SIGKILL));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_populated(T "/b", 0));
	EXPECT_EQ(0, ct_rmdir(T "/b"));
	EXPECT_EQ(0, ct_rmdir(U "/x"));
}

static void *exec_sleep(void *cont)
{
	if (!ct_write(cont, "tasks", "0"))
		execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

/*
 * A thread that calls exec and is not the leader takes the leader's id; where
 * it was, the process is. The leader's place is empty.
 */
TEST_F(attach, exec_by_another_thread)
{
	pthread_t thread;
	int pipefd[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(pipefd, O_CLOEXEC));
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(pipefd[0]);
		if (ct_enter(T "/a") ||
		    pthread_create(&thread, NULL, exec_sleep, T "/b"))
			_exit(1);
		for (;;)
			pause();
	}
	close(pipefd[1]);
	/* Ends when exec has closed the other side. */
	ASSERT_EQ(0, read(pipefd[0], &byte, 1));
	EXPECT_TRUE(ct_is_in(pid, self->list, "/b"));
	EXPECT_TRUE(members_are(T "/b", "tasks", &pid, 1));
	EXPECT_TRUE(members_are(T "/b", "procs", &pid, 1));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	EXPECT_EQ(0, ct_rmdir(T "/b"));
}

/*
 * Many members
 */

FIXTURE(many)
{
	int unused;
};

FIXTURE_SETUP(many)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuacct", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
}

FIXTURE_TEARDOWN_PARENT(many)
{
	EXPECT_EQ(0, ct_reset());
}

/* Hole 66: any number of members, read whole, each once; 2,000 here. */
TEST_F_TIMEOUT(many, members, LONG_TIMEOUT)
{
	const int count = 2000;
	pid_t *tid = calloc(count, sizeof(*tid));
	pid_t pid = ct_process(NULL, count, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_TRUE(members_are(T "/a", "tasks", tid, count));
	EXPECT_TRUE(members_are(T "/a", "procs", &pid, 1));
	EXPECT_EQ(0, ct_has(T, "procs", pid));
	ct_kill(pid);
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	free(tid);
}

/* 200 processes with two member threads each are in "procs" once each. */
TEST_F_TIMEOUT(many, processes, LONG_TIMEOUT)
{
	const int count = 200;
	pid_t *pid = calloc(count, sizeof(*pid));
	int i;

	for (i = 0; i < count; i++) {
		pid[i] = ct_process(T "/a", 2, NULL);
		ASSERT_LT(0, pid[i]);
	}
	EXPECT_TRUE(members_are(T "/a", "procs", pid, count));
	EXPECT_EQ(2 * count, ct_count(T "/a", "tasks"));
	for (i = 0; i < count; i++)
		ct_kill(pid[i]);
	EXPECT_EQ(0, ct_count(T "/a", "procs"));
	free(pid);
}

/* Hole 61: the first reader after a mount meets a process that forks. */
TEST_F_TIMEOUT(many, first_reader, LONG_TIMEOUT)
{
	pid_t pid, child;
	int i;

	pid = ct_fork();
	ASSERT_LE(0, pid);
	while (!pid) {
		child = fork();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, ct_mount("none,name=u", U));
		EXPECT_EQ(1, ct_has(U, "tasks", pid));
		EXPECT_EQ(1, ct_has(U, "procs", getpid()));
		ASSERT_EQ(0, ct_umount(U));
	}
	ct_kill(pid);
}

TEST_HARNESS_MAIN
