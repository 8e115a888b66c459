// SPDX-License-Identifier: GPL-2.0
/*
 * Who may move whom: permission is judged with the credentials that opened
 * the file, and numbers are those of the opener's pid namespace; what a
 * reader sees are the numbers of the reader's. Delegation of a directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define LIST	"name=t"
#define SUID	CT_DIR "/suid"

FIXTURE(permission)
{
	char buf[4096];
};

/* The tree of all tests: T with a, which CT_UID may use, and b, root's. */
FIXTURE_SETUP(permission)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/b"));
	ASSERT_EQ(0, chown(T "/a", CT_UID, CT_UID));
	ASSERT_EQ(0, chown(T "/a/tasks", CT_UID, CT_UID));
	ASSERT_EQ(0, chown(T "/a/procs", CT_UID, CT_UID));
}

FIXTURE_TEARDOWN_PARENT(permission)
{
	unlink(SUID);
	EXPECT_EQ(0, ct_reset());
}

/* A child process with these user ids that waits; it can be killed. */
static pid_t user_sleeper(uid_t real, uid_t effective, uid_t saved)
{
	int *ready = ct_shared(sizeof(int));
	pid_t pid = ct_fork();

	if (!pid) {
		if (setresuid(real, effective, saved))
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ct_futex_wake(ready, 1);
		for (;;)
			pause();
	}
	ct_futex_wait(ready, 0);
	return pid;
}

struct attach {
	uid_t opener;
	uid_t writer;
	const char *cont;
	const char *file;
	pid_t pid;
};

/* Open with one effective user id, write with another. */
static int open_and_write(void *arg)
{
	struct attach *attach = arg;
	int fd;

	if (setgroups(0, NULL) || setresuid(-1, attach->opener, -1))
		return -errno;
	fd = ct_open(attach->cont, attach->file, O_WRONLY);
	if (fd < 0)
		return fd;
	if (setresuid(-1, 0, -1) || setresuid(-1, attach->writer, -1))
		return -errno;
	return ct_fd_write(fd, ct_path("%d", attach->pid));
}

/*
 * Hole 6, the whole matrix: the opener is root, or the target's real or saved
 * user id is the opener's effective one. The target's effective id is no
 * reason.
 */
TEST_F(permission, matrix)
{
	static const struct {
		uid_t opener;
		uid_t real, effective, saved;
		int result;
	} cases[] = {
		{ 0, 0, 0, 0, 0 },
		{ 0, CT_UID, CT_UID, CT_UID, 0 },
		{ 0, CT_UID, CT_UID2, CT_UID2, 0 },
		{ CT_UID, CT_UID, CT_UID, CT_UID, 0 },
		{ CT_UID, CT_UID, 0, 0, 0 },
		{ CT_UID, CT_UID, CT_UID2, CT_UID2, 0 },
		{ CT_UID, CT_UID2, CT_UID2, CT_UID, 0 },
		{ CT_UID, 0, 0, CT_UID, 0 },
		{ CT_UID, CT_UID2, CT_UID, CT_UID2, -EACCES },
		{ CT_UID, 0, CT_UID, 0, -EACCES },
		{ CT_UID, CT_UID2, CT_UID2, CT_UID2, -EACCES },
		{ CT_UID, 0, 0, 0, -EACCES },
	};
	static const char *const files[] = { "tasks", "procs" };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t pid = user_sleeper(cases[i].real, cases[i].effective,
					 cases[i].saved);

		ASSERT_LT(0, pid);
		for (j = 0; j < ARRAY_SIZE(files); j++) {
			struct attach attach = {
				.opener = cases[i].opener,
				.writer = cases[i].opener,
				.cont = T "/a",
				.file = files[j],
				.pid = pid,
			};

			EXPECT_EQ(cases[i].result,
				  ct_call(open_and_write, &attach))
				TH_LOG("%s, case %u", files[j], i);
			EXPECT_EQ(!cases[i].result,
				  ct_is_in(pid, LIST, "/a"));
			ASSERT_EQ(0, ct_attach(T, pid));
		}
		ct_kill(pid);
	}
}

/* Hole 6: kernel threads are root's, and no user may move one. */
TEST_F(permission, kernel_thread)
{
	struct attach attach = {
		.opener = CT_UID,
		.writer = CT_UID,
		.cont = T "/a",
		.file = "tasks",
		.pid = 3,
	};
	int ret;

	/* Of pid 2's children the first; any has no executable. */
	EXPECT_EQ(-1, readlink("/proc/3/exe", self->buf, sizeof(self->buf)));
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	attach.pid = 2;
	ret = ct_call(open_and_write, &attach);
	EXPECT_TRUE(ret == -EACCES || ret == -EINVAL);
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
}

/*
 * Hole 3: an unprivileged opener has a privileged process do the write, of
 * its own number, of 0, and of somebody else's.
 */
TEST_F(permission, unprivileged_opener)
{
	pid_t other = user_sleeper(CT_UID2, CT_UID2, CT_UID2);
	struct attach attach = {
		.opener = CT_UID,
		.writer = 0,
		.cont = T "/a",
		.file = "tasks",
	};

	ASSERT_LT(0, other);
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	attach.file = "procs";
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	attach.pid = getpid();
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	attach.pid = other;
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	attach.file = "tasks";
	EXPECT_EQ(-EACCES, ct_call(open_and_write, &attach));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
	ct_kill(other);
}

/* The other way round: what root has opened is written with root's rights. */
TEST_F(permission, privileged_opener)
{
	pid_t other = user_sleeper(CT_UID2, CT_UID2, CT_UID2);
	struct attach attach = {
		.opener = 0,
		.writer = CT_UID,
		.cont = T "/b",
		.file = "tasks",
		.pid = other,
	};

	ASSERT_LT(0, other);
	EXPECT_EQ(0, ct_call(open_and_write, &attach));
	EXPECT_TRUE(ct_is_in(other, LIST, "/b"));
	ct_kill(other);
}

/*
 * Set-uid programs. The test program itself, installed set-uid root, prints
 * its second argument to its standard output if that is how it is called.
 */
static void __attribute__((constructor)) suid_print(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "--print"))
		return;
	if (geteuid())
		_exit(255);
	_exit(write(1, argv[2], strlen(argv[2])) < 0 ? errno : 0);
}

struct suid {
	pid_t pid;
	const char *file;
};

static int redirect_suid(void *arg)
{
	struct suid *suid = arg;
	const char *num = ct_path("%d", suid->pid);
	pid_t pid;
	int fd;

	if (ct_become(CT_UID))
		return -EPROTO;
	fd = ct_open(T "/a", suid->file, O_WRONLY);
	if (fd < 0)
		return fd;
	pid = ct_fork();
	if (!pid) {
		dup2(fd, 1);
		execl(SUID, SUID, "--print", num, NULL);
		_exit(255);
	}
	return -ct_wait(pid);
}

/*
 * Hole 5: a set-uid program prints a number to a tasks file which the user
 * has opened: EACCES, and nothing moves.
 */
TEST_F(permission, set_uid_program)
{
	struct suid suid = { .pid = user_sleeper(0, 0, 0), .file = "tasks" };

	ASSERT_LT(0, suid.pid);
	ASSERT_EQ(0, system("cp /proc/$PPID/exe " SUID));
	ASSERT_EQ(0, chmod(SUID, 04755));
	EXPECT_EQ(-EACCES, ct_call(redirect_suid, &suid));
	suid.file = "procs";
	EXPECT_EQ(-EACCES, ct_call(redirect_suid, &suid));
	ct_kill(suid.pid);
	suid.pid = 0;
	/* The program itself has the user's real id, and may be moved. */
	EXPECT_EQ(0, ct_call(redirect_suid, &suid));
	EXPECT_EQ(0, ct_count(T "/a", "tasks"));
}

/*
 * User namespaces: root there is nobody here
 */

static int map_root(uid_t uid)
{
	int ret;

	/* After a change of user /proc/self is root's without this. */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		return -errno;
	ret = ct_write("/proc/self", "setgroups", "deny");
	if (!ret)
		ret = ct_write("/proc/self", "uid_map",
			       ct_path("0 %d 1", uid));
	return ret;
}

static int attach_in_user_namespace(void *arg)
{
	struct attach *attach = arg;
	int ret = ct_become(CT_UID);

	if (!ret)
		ret = map_root(CT_UID);
	if (ret || geteuid())
		return -EPROTO;
	return ct_write_num(attach->cont, attach->file, attach->pid);
}

/* User id 0 in a namespace is not 0, and own processes are own ones. */
TEST_F(permission, user_namespace)
{
	pid_t own = user_sleeper(CT_UID, CT_UID, CT_UID);
	pid_t other = user_sleeper(CT_UID2, CT_UID2, CT_UID2);
	struct attach attach = {
		.cont = T "/a",
		.file = "tasks",
		.pid = other,
	};

	ASSERT_LT(0, own);
	ASSERT_LT(0, other);
	EXPECT_EQ(-EACCES, ct_call(attach_in_user_namespace, &attach));
	attach.pid = own;
	EXPECT_EQ(0, ct_call(attach_in_user_namespace, &attach));
	EXPECT_TRUE(ct_is_in(own, LIST, "/a"));
	attach.cont = T "/b";
	EXPECT_EQ(-EACCES, ct_call(attach_in_user_namespace, &attach));
	ct_kill(own);
	ct_kill(other);
}

/*
 * Release agent: CAP_SYS_ADMIN in the initial user namespace, by the opener
 */

static int agent_in_user_namespace(void *unused)
{
	(void)unused;
	/* The file's owner is mapped, so that it can be opened. */
	if (map_root(0))
		return -EPROTO;
	return ct_write(T, "release_agent", "/tmp/evil");
}

static int agent_after_drop(void *before)
{
	int fd = before ? ct_open(T, "release_agent", O_WRONLY) : -1;

	/* Capabilities go with the user id; the file is made writable to all. */
	if (ct_become(CT_UID))
		return -EPROTO;
	if (!before)
		fd = ct_open(T, "release_agent", O_WRONLY);
	return fd < 0 ? fd : ct_fd_write(fd, "/tmp/late");
}

/* Opened by who may not, written by who may. */
static int agent_by_privileged_writer(void *unused)
{
	int fd;

	(void)unused;
	if (seteuid(CT_UID))
		return -EPROTO;
	fd = ct_open(T, "release_agent", O_WRONLY);
	if (seteuid(0))
		return -EPROTO;
	return fd < 0 ? -EPROTO : ct_fd_write(fd, "/tmp/evil");
}

static int agent_without_capability(void *unused)
{
	(void)unused;
	/* Root without CAP_SYS_ADMIN: dropped from the bounding set. */
	if (prctl(PR_CAPBSET_DROP, 21 /* CAP_SYS_ADMIN */) ||
	    prctl(PR_SET_SECUREBITS, 0))
		return -EPROTO;
	execl("/bin/sh", "sh", "-c",
	      "echo /tmp/evil 2>/dev/null >" T "/release_agent", NULL);
	return -EPROTO;
}

/* Holes 1, 2: refused with EPERM, and the agent stays what it was. */
TEST_F(permission, release_agent)
{
	pid_t pid;

	ASSERT_EQ(0, ct_write(T, "release_agent", "/bin/true"));
	EXPECT_EQ(-EPERM, ct_call(agent_in_user_namespace, NULL));
	ASSERT_EQ(0, chmod(T "/release_agent", 0666));
	EXPECT_EQ(-EPERM, ct_call(agent_after_drop, NULL));
	EXPECT_EQ(-EPERM, ct_call(agent_by_privileged_writer, NULL));
	pid = ct_fork();
	if (!pid)
		_exit(agent_without_capability(NULL));
	EXPECT_EQ(1, ct_wait(pid));
	ASSERT_LT(0, ct_read(T, "release_agent", self->buf,
			     sizeof(self->buf)));
	EXPECT_STREQ("/bin/true\n", self->buf);

	/* By the opener: who writes may have less. */
	EXPECT_EQ(0, ct_call(agent_after_drop, self));
	ASSERT_LT(0, ct_read(T, "release_agent", self->buf,
			     sizeof(self->buf)));
	EXPECT_STREQ("/tmp/late\n", self->buf);
}

/*
 * Pid namespaces
 */

/**
 * struct inside - the first process of a pid namespace
 * @pid: its number outside
 * @child: its child's number outside
 * @fd: its descriptor of a tasks file
 * @word: to wait at, inside and outside
 */
struct inside {
	pid_t pid;
	pid_t child;
	int fd;
	int ready;
};

/*
 * Start a process with a child in a new pid namespace. It opens @file of T/a,
 * if there is one. In there they are 1 and 2.
 */
static struct inside *start_inside(const char *file)
{
	struct inside *in = ct_shared(sizeof(*in));
	pid_t pid, child;

	if (unshare(CLONE_NEWPID))
		abort();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		child = fork();
		if (!child)
			for (;;)
				pause();
		in->fd = file ? ct_open(T "/a", file, O_RDWR) : -1;
		ct_futex_wake(&in->ready, getpid() == 1 && child == 2 ? 1 : -1);
		for (;;)
			pause();
	}
	/* Later children are born where the caller is. */
	if (setns(syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWPID))
		abort();
	in->pid = pid;
	ct_futex_wait(&in->ready, 0);
	return in;
}

/* The descriptor of a process inside, duplicated. */
static int get_fd(struct inside *in)
{
	int pidfd = syscall(SYS_pidfd_open, in->pid, 0);
	int fd = syscall(SYS_pidfd_getfd, pidfd, in->fd, 0);

	close(pidfd);
	return fd;
}

/* Hole 8: numbers are those of the opener's pid namespace. */
TEST_F(permission, pid_namespace_of_opener)
{
	struct inside *in = start_inside("tasks");
	pid_t outside = ct_sleeper(NULL);
	struct ct_pids pids;
	int fd;

	ASSERT_EQ(1, in->ready);
	ASSERT_LT(0, outside);
	fd = get_fd(in);
	ASSERT_LE(0, fd);
	/* 1 is the first process in there, never init. */
	EXPECT_EQ(0, ct_fd_write(fd, "1"));
	EXPECT_TRUE(ct_is_in(in->pid, LIST, "/a"));
	EXPECT_TRUE(ct_is_in(1, LIST, "/"));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, ct_path("%d", outside)));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, ct_path("%d", getpid())));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, ct_path("%d", in->pid)));
	EXPECT_TRUE(ct_is_in(outside, LIST, "/"));

	/* Read out here it shows the numbers out here. */
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_EQ(0, ct_fd_read_pids(fd, &pids));
	EXPECT_EQ(1, pids.count);
	EXPECT_EQ(in->pid, pids.count ? pids.pid[0] : 0);
	ct_free_pids(&pids);
	close(fd);
	ct_kill(in->pid);
	ct_kill(outside);
}

/* Hole 8: the same for "procs", where 0 still is the writer. */
TEST_F(permission, pid_namespace_of_opener_procs)
{
	struct inside *in = start_inside("procs");
	int fd;

	ASSERT_EQ(1, in->ready);
	fd = get_fd(in);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ct_fd_write(fd, "2"));
	EXPECT_EQ(1, ct_count(T "/a", "procs"));
	EXPECT_EQ(0, ct_has(T "/a", "procs", in->pid));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, ct_path("%d", getpid())));
	EXPECT_EQ(0, ct_fd_write(fd, "0"));
	EXPECT_TRUE(ct_is_in(getpid(), LIST, "/a"));
	ASSERT_EQ(0, ct_enter(T));
	close(fd);
	ct_kill(in->pid);
}

/* Hole 4: the opener's namespace has ended. */
TEST_F(permission, pid_namespace_gone)
{
	struct inside *in = start_inside("tasks");
	struct ct_pids pids;
	int fd;

	ASSERT_EQ(1, in->ready);
	fd = get_fd(in);
	ASSERT_LE(0, fd);
	ct_kill(in->pid);
	/* It is freed after two grace periods. */
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, "1"));
	EXPECT_EQ(-ESRCH, ct_fd_write(fd, "2"));
	EXPECT_EQ(0, ct_fd_write(fd, "0"));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(0, ct_fd_read_pids(fd, &pids));
	EXPECT_EQ(1, pids.count);
	ct_free_pids(&pids);
	ASSERT_EQ(0, ct_enter(T));
	close(fd);
}

static int read_inside(void *arg)
{
	int *fds = arg;
	struct ct_pids pids;
	size_t i;
	int ret = 0;

	/* In another pid namespace, with a file that was opened outside. */
	if (ct_fd_read_pids(fds[0], &pids))
		return -EPROTO;
	for (i = 0; i < pids.count; i++)
		if (pids.pid[i] < 1 || pids.pid[i] > 2)
			ret = -ERANGE;
	if (!ret)
		ret = pids.count;
	ct_free_pids(&pids);
	return ret;
}

/*
 * Hole 9: each reader sees the processes of its own namespace under their
 * numbers there, none as 0, and none of those outside.
 */
TEST_F(permission, pid_namespace_of_reader)
{
	int *ret = ct_shared(sizeof(int)), *done = ct_shared(sizeof(int));
	pid_t outside = ct_sleeper(T "/a"), pid;
	int fds[1], i;

	ASSERT_LT(0, outside);
	for (i = 0; i < 2; i++) {
		fds[0] = ct_open(T "/a", i ? "procs" : "tasks", O_RDONLY);
		ASSERT_LE(0, fds[0]);
		*done = 0;
		ASSERT_EQ(0, unshare(CLONE_NEWPID));
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (!fork()) {
				for (;;)
					pause();
			}
			*ret = ct_enter(T "/a") ? -EPROTO : read_inside(fds);
			ct_futex_wake(done, 1);
			for (;;)
				pause();
		}
		ASSERT_EQ(0, setns(syscall(SYS_pidfd_open, getpid(), 0),
				   CLONE_NEWPID));
		ct_futex_wait(done, 0);
		/* Itself alone: its child stayed in the root. */
		EXPECT_EQ(1, *ret);
		EXPECT_EQ(1, ct_has(T "/a", "tasks", outside));
		EXPECT_EQ(1, ct_has(T "/a", "tasks", pid));
		EXPECT_EQ(2, ct_count(T "/a", "procs"));
		ct_kill(pid);
		close(fds[0]);
	}
	ct_kill(outside);
}

/*
 * Delegation
 */

static int use_own_directory(void *unused)
{
	struct stat st;
	int ret;

	(void)unused;
	if (ct_become(CT_UID))
		return -EPROTO;
	ret = ct_mkdir(T "/a/x");
	if (ret)
		return ret;
	/* All that is made there is the maker's. */
	if (stat(T "/a/x", &st) || st.st_uid != CT_UID || st.st_gid != CT_UID)
		return -EXDEV;
	if (stat(T "/a/x/tasks", &st) || st.st_uid != CT_UID ||
	    st.st_gid != CT_UID)
		return -EXDEV;
	if (stat(T "/a/x/notify_on_release", &st) || st.st_uid != CT_UID)
		return -EXDEV;
	ret = ct_write(T "/a/x", "notify_on_release", "1");
	if (!ret)
		ret = ct_enter(T "/a/x");
	if (!ret)
		ret = ct_mkdir(T "/a/x/y");
	if (!ret)
		ret = ct_enter(T "/a/x/y");
	if (!ret)
		ret = ct_enter(T "/a");
	if (!ret)
		ret = ct_rmdir(T "/a/x/y");
	if (!ret)
		ret = ct_rmdir(T "/a/x");
	return ret;
}

static int use_foreign_directory(void *unused)
{
	(void)unused;
	if (ct_become(CT_UID))
		return -EPROTO;
	if (ct_mkdir(T "/x") != -EACCES || ct_mkdir(T "/b/x") != -EACCES ||
	    ct_rmdir(T "/b") != -EACCES)
		return -EXDEV;
	if (ct_enter(T "/b") != -EACCES || ct_enter(T) != -EACCES ||
	    ct_write(T "/b", "tasks", "0") != -EACCES ||
	    ct_write(T "/b", "kill", "1") != -EACCES ||
	    ct_write(T "/b", "auto_delete", "1") != -EACCES ||
	    ct_write(T "/b", "notify_on_release", "1") != -EACCES ||
	    ct_write(T, "release_agent", "/x") != -EACCES)
		return -EXDEV;
	/* Of the directory that was handed over, only what was. */
	return ct_write(T "/a", "notify_on_release", "1") == -EACCES ? 0 :
	       -EXDEV;
}

/* Hole 7: a user works in what was given to him, and nowhere else. */
TEST_F(permission, delegation)
{
	EXPECT_EQ(0, ct_call(use_own_directory, NULL));
	EXPECT_EQ(0, ct_call(use_foreign_directory, NULL));
}

/*
 * Hole 7, as a matter of record: that a user may not write where his process
 * comes from does not keep him from moving it, as in V8.
 */
TEST_F(permission, source_does_not_matter)
{
	pid_t pid = user_sleeper(CT_UID, CT_UID, CT_UID);
	struct attach attach = {
		.opener = CT_UID,
		.writer = CT_UID,
		.cont = T "/a",
		.file = "procs",
		.pid = pid,
	};

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T "/b", pid));
	EXPECT_EQ(0, ct_call(open_and_write, &attach));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/a"));
	ct_kill(pid);
}

/* Another user can read, and sees, what the owner has there. */
TEST_F(permission, everybody_may_read)
{
	static const char *const files[] = {
		"tasks", "procs", "events", "notify_on_release", "auto_delete",
	};
	struct stat st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_EQ(0, stat(ct_path(T "/b/%s", files[i]), &st));
		EXPECT_EQ(0444, st.st_mode & 0444);
		EXPECT_EQ(0, st.st_mode & 0022);
	}
	ASSERT_EQ(0, stat(T "/b/kill", &st));
	EXPECT_EQ(0, st.st_mode & 0077);
	ASSERT_EQ(0, stat(T "/b/events", &st));
	EXPECT_EQ(0, st.st_mode & 0222);
}

TEST_HARNESS_MAIN
