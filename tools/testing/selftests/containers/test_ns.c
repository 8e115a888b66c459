// SPDX-License-Identifier: GPL-2.0
/*
 * ns: who gets a namespace of its own gets a container of its own, below the
 * one it comes from, and nobody is moved out of such a tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"
#include "ns_util.h"
#include "numtasks_util.h"

#define T	CT_DIR "/t"
#define U	CT_DIR "/u"
#define A	T "/a"
#define AX	A "/x"
#define AB	T "/ab"
#define B	T "/b"
#define E	T "/e"

/* Containers of the tree of all tests: T with a and b. */
#define BASE	3
/* So many levels below the root can be made by clone and unshare. */
#define LEVELS	64

#define SYS_USER	"/proc/sys/user"
#define PID_MAX		"/proc/sys/kernel"
#define CAP_ADMIN	21 /* CAP_SYS_ADMIN */
#define STACK		(64 * 1024)
#define LONG_TIMEOUT	300

FIXTURE(nsproxy)
{
	bool cpuset;
	long long max_uts;
	long long pid_max;
	char cpus[64];
	char mems[64];
	char buf[256];
};

FIXTURE_VARIANT(nsproxy)
{
	const char *options;
};

FIXTURE_VARIANT_ADD(nsproxy, alone)
{
	.options = "ns",
};

FIXTURE_VARIANT_ADD(nsproxy, last_of_three)
{
	.options = "cpuset,cpuacct,ns",
};

FIXTURE_SETUP(nsproxy)
{
	self->cpuset = strstr(variant->options, "cpuset");
	self->max_uts = ct_read_num(SYS_USER, "max_uts_namespaces");
	/* A test that was killed may have left these. */
	if (self->max_uts < 1000)
		self->max_uts = 10000;
	self->pid_max = ct_read_num(PID_MAX, "pid_max");
	if (self->pid_max < 32768)
		self->pid_max = 32768;
	ASSERT_EQ(0, ct_write_num(SYS_USER, "max_uts_namespaces",
				  self->max_uts));
	ASSERT_EQ(0, ct_write_num(PID_MAX, "pid_max", self->pid_max));
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount(variant->options, T));
	ASSERT_EQ(0, ns_make(T, A));
	ASSERT_EQ(0, ns_make(T, B));
	ASSERT_EQ(BASE, ns_containers());
}

FIXTURE_TEARDOWN_PARENT(nsproxy)
{
	EXPECT_EQ(0, ct_write_num(SYS_USER, "max_uts_namespaces",
				  self->max_uts));
	EXPECT_EQ(0, ct_write_num(PID_MAX, "pid_max", self->pid_max));
	EXPECT_EQ(0, ct_reset());
}

/* Kinds of namespaces; by @link one can see that unshare has made one. */
static const struct {
	const char *name;
	const char *link;
	unsigned long long flag;
} kinds[] = {
	{ "mnt", "mnt", CLONE_NEWNS },
	{ "uts", "uts", CLONE_NEWUTS },
	{ "ipc", "ipc", CLONE_NEWIPC },
	{ "user", "user", CLONE_NEWUSER },
	{ "pid", NULL, CLONE_NEWPID },
	{ "net", "net", CLONE_NEWNET },
	{ "time", "time_for_children", CLONE_NEWTIME },
	{ "cgroup", NULL, CLONE_NEWCGROUP },
};

#define ALL_KINDS	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |	\
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |	\
			 CLONE_NEWTIME)

/* What /proc/PID/ns/NAME links to; "" where there is none. */
static void ns_link(pid_t pid, const char *name, char *buf, size_t len)
{
	ssize_t ret = readlink(ct_path("/proc/%d/ns/%s", pid, name), buf,
			       len - 1);

	buf[ret < 0 ? 0 : ret] = '\0';
}

static bool same_link(pid_t pid, const char *name)
{
	char own[64], others[64];

	ns_link(getpid(), name, own, sizeof(own));
	ns_link(pid, name, others, sizeof(others));
	return !strcmp(own, others);
}

/**
 * struct actor - a process that does something, tells what came of it, and then
 * waits for being killed; in memory shared with it
 * @cont: where it goes first, if anywhere
 * @flags: for clone or unshare
 * @times: how often
 * @done: futex word, set when it has been done
 * @stop: futex word for its threads
 * @ret: the result
 * @pid: its child or thread
 */
struct actor {
	const char *cont;
	unsigned long long flags;
	int times;
	int done;
	int stop;
	int ret;
	pid_t pid;
	pid_t other;
};

static struct actor *actor_new(const char *cont, unsigned long long flags)
{
	struct actor *actor = ct_shared(sizeof(*actor));

	actor->cont = cont;
	actor->flags = flags;
	actor->times = 1;
	return actor;
}

/* Returns the actor's pid when it has done its part. */
static pid_t act(void (*fn)(struct actor *actor), struct actor *actor)
{
	pid_t pid = ct_fork();

	if (!pid) {
		actor->ret = actor->cont ? ct_enter(actor->cont) : 0;
		if (!actor->ret)
			fn(actor);
		ct_futex_wake(&actor->done, 1);
		for (;;)
			pause();
	}
	if (pid > 0)
		ct_futex_wait(&actor->done, 0);
	return pid;
}

static void act_unshare(struct actor *actor)
{
	while (actor->times-- && !actor->ret)
		if (unshare(actor->flags))
			actor->ret = -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void act_clone(struct actor *actor)
{
	actor->pid = ns_sleeper(actor->flags);
	actor->ret = actor->pid < 0 ? actor->pid : 0;
}

static void act_unshare_and_clone(struct actor *actor)
{
	act_unshare(actor);
	if (!actor->ret)
		act_clone(actor);
}

/*
 * A container for each
 */

/* clone3, for each kind: the child starts there, the caller stays. */
TEST_F_TIMEOUT(nsproxy, clone, LONG_TIMEOUT)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		pid = ns_sleeper(kinds[i].flag);
		if (kinds[i].flag == CLONE_NEWCGROUP && pid == -EINVAL) {
			/* There is no such thing in this kernel. */
			EXPECT_EQ(BASE, ns_containers());
			continue;
		}
		ASSERT_LT(0, pid)
			TH_LOG("%s", kinds[i].name);
		EXPECT_TRUE(ns_is_in(pid, "/%d", pid))
			TH_LOG("%s", kinds[i].name);
		EXPECT_TRUE(ns_is_in(getpid(), "/"));
		EXPECT_EQ(1, ct_has(ct_path(T "/%d", pid), "tasks", pid));
		EXPECT_EQ(1, ct_count(ct_path(T "/%d", pid), "tasks"));
		EXPECT_EQ(0, ct_has(T, "tasks", pid));
		EXPECT_EQ(BASE + 1, ns_containers());
		if (kinds[i].flag != CLONE_NEWCGROUP)
			EXPECT_FALSE(same_link(pid, kinds[i].name));
		EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
		EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, ns_wait_containers(BASE));
	}
}

/* The old system call does the same; what the child sees first is that, too. */
TEST_F(nsproxy, old_clone)
{
	int *seen = ct_shared(sizeof(int));
	pid_t pid;

	pid = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		*seen = ns_is_in(getpid(), "/%d", getpid());
		_exit(7);
	}
	ASSERT_LT(0, pid);
	EXPECT_EQ(7, ct_wait(pid));
	EXPECT_EQ(1, *seen);
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));
}

/* unshare, for each kind: the caller is moved. */
TEST_F_TIMEOUT(nsproxy, unshare, LONG_TIMEOUT)
{
	struct actor *actor;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		actor = actor_new(NULL, kinds[i].flag);
		pid = act(act_unshare, actor);
		ASSERT_LT(0, pid);
		if (kinds[i].flag == CLONE_NEWCGROUP && actor->ret == -EINVAL) {
			EXPECT_EQ(BASE, ns_containers());
			EXPECT_TRUE(ns_is_in(pid, "/"));
			ct_kill(pid);
			continue;
		}
		ASSERT_EQ(0, actor->ret)
			TH_LOG("%s", kinds[i].name);
		EXPECT_TRUE(ns_is_in(pid, "/%d", pid))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(1, ct_has(ct_path(T "/%d", pid), "tasks", pid));
		EXPECT_EQ(1, ct_count(ct_path(T "/%d", pid), "tasks"));
		EXPECT_EQ(BASE + 1, ns_containers());
		if (kinds[i].link)
			EXPECT_FALSE(same_link(pid, kinds[i].link));
		EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
		EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, ns_wait_containers(BASE));
	}
}

/* Move the process when it waits for the page, and let it go on then. */
static void *move_who_waits(void *fd)
{
	struct uffdio_zeropage zero = { .range.len = sysconf(_SC_PAGESIZE) };
	struct uffd_msg msg;
	bool moved;

	if (read(*(int *)fd, &msg, sizeof(msg)) != sizeof(msg))
		return "read";
	moved = !ct_attach_process(A, getpid());
	zero.range.start = msg.arg.pagefault.address & -zero.range.len;
	if (ioctl(*(int *)fd, UFFDIO_ZEROPAGE, &zero))
		return "page";
	return moved ? NULL : "attach";
}

/* A clone that waits where it writes the pidfd, which is in the middle. */
static void act_clone_and_wait(struct actor *actor)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.len = sysconf(_SC_PAGESIZE),
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct clone_args args = {
		.flags = actor->flags | CLONE_PIDFD,
		.exit_signal = SIGCHLD,
	};
	pthread_t mover;
	void *failed;
	pid_t pid;

	args.pidfd = (unsigned long)mmap(NULL, reg.range.len, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = args.pidfd;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg) ||
	    pthread_create(&mover, NULL, move_who_waits, &fd)) {
		actor->ret = -EPROTO;
		return;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	actor->pid = pid;
	if (pid < 0)
		actor->ret = -errno;
	if (pthread_join(mover, &failed) || failed)
		actor->ret = -EIO;
}

/* Hole 83: who is moved while it clones has its child below where it is then. */
TEST_F(nsproxy, moved_while_cloning)
{
	struct actor *actor = actor_new(NULL, CLONE_NEWUTS);
	pid_t pid = act(act_clone_and_wait, actor);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_TRUE(ns_is_in(actor->pid, "/a/%d", actor->pid));
	EXPECT_EQ(BASE + 1, ns_containers());
	/* It may not have come to asking to end with its creator. */
	kill(actor->pid, SIGKILL);
	ct_kill(pid);
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* All kinds at once are one container. */
TEST_F(nsproxy, one_for_all_flags)
{
	struct actor *actor = actor_new(NULL, ALL_KINDS);
	pid_t pid = ns_sleeper(ALL_KINDS);

	ASSERT_LT(0, pid);
	EXPECT_TRUE(ns_is_in(pid, "/%d", pid));
	EXPECT_EQ(BASE + 1, ns_containers());
	ct_kill(pid);
	EXPECT_EQ(0, ns_wait_containers(BASE));
	pid = act(act_unshare, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(pid, "/%d", pid));
	EXPECT_EQ(BASE + 1, ns_containers());
	ct_kill(pid);
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

static void act_without_flags(struct actor *actor)
{
	struct ct_threads threads;

	actor->pid = ns_sleeper(0);
	actor->other = ns_sleeper(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
	if (actor->pid < 0 || actor->other < 0)
		actor->ret = -EPROTO;
	else if (unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM) || unshare(0))
		actor->ret = -errno;
	else
		actor->ret = ct_threads_start(&threads, 2);
}

/* Without a new namespace there is no new container. */
TEST_F(nsproxy, no_flags)
{
	struct actor *actor = actor_new(A, 0);
	pid_t pid = act(act_without_flags, actor);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_EQ(BASE, ns_containers());
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_TRUE(ns_is_in(actor->pid, "/a"));
	EXPECT_TRUE(ns_is_in(actor->other, "/a"));
	EXPECT_EQ(5, ct_count(A, "tasks"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_populated(A, 0));
}

static void act_setns(struct actor *actor)
{
	int fd = syscall(SYS_pidfd_open, actor->other, 0);

	if (setns(fd, actor->flags))
		actor->ret = -errno;
	else
		actor->pid = ns_sleeper(0);
}

/* setns joins a namespace that there is: nobody is moved. */
TEST_F(nsproxy, setns)
{
	unsigned long long flags = CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNET;
	struct actor *actor = actor_new(A, flags);
	pid_t pid, other = ns_sleeper(flags);

	ASSERT_LT(0, other);
	actor->other = other;
	pid = act(act_setns, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	ASSERT_LT(0, actor->pid);
	EXPECT_FALSE(same_link(pid, "uts"));
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_EQ(2, ct_count(A, "tasks"));
	EXPECT_EQ(BASE + 1, ns_containers());
	EXPECT_EQ(1, ct_count(ct_path(T "/%d", other), "tasks"));
	/* The first process of the namespace ends when all others have. */
	ct_kill(pid);
	ct_kill(other);
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* The container is below that of whoever calls; who stays there stays. */
TEST_F(nsproxy, below_the_caller)
{
	struct actor *actor = actor_new(A, CLONE_NEWUTS);
	pid_t pid = act(act_clone, actor);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_TRUE(ns_is_in(actor->pid, "/a/%d", actor->pid));
	EXPECT_EQ(1, ct_count(A, "tasks"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", actor->pid)));
	EXPECT_EQ(0, ct_wait_populated(A, 0));
}

/* One in the other, by unshare and by clone, and all of them go. */
TEST_F(nsproxy, nested)
{
	struct actor *actor = actor_new(NULL, CLONE_NEWUTS);
	pid_t pid, child;

	actor->times = 3;
	pid = act(act_unshare_and_clone, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	child = actor->pid;
	EXPECT_TRUE(ns_is_in(pid, "/%d/%d/%d", pid, pid, pid));
	EXPECT_TRUE(ns_is_in(child, "/%d/%d/%d/%d", pid, pid, pid, child));
	EXPECT_EQ(BASE + 4, ns_containers());
	EXPECT_EQ(0, ct_count(ct_path(T "/%d", pid), "tasks"));
	EXPECT_EQ(1, ct_read_key(ct_path(T "/%d", pid), "events", "populated"));
	/* Not as long as there is someone below. */
	ASSERT_EQ(0, ct_attach(B, pid));
	usleep(CT_IDLE_MS * 1000);
	EXPECT_EQ(BASE + 4, ns_containers());
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* What the container is like: root's, and no wider than its parent. */
TEST_F(nsproxy, attributes)
{
	struct actor *actor = actor_new(A, CLONE_NEWUTS | CLONE_NEWUSER);
	char cont[64];
	struct stat st;
	cpu_set_t cpus;
	pid_t pid;

	if (self->cpuset) {
		ASSERT_EQ(0, ct_write(A, "cpuset.cpus", "1-2"));
		ASSERT_EQ(0, ct_write(A, "cpuset.mems", "0"));
		ASSERT_EQ(0, ct_write(A, "cpuset.sched_load_balance", "0"));
	}
	ASSERT_EQ(0, ct_write(A, "notify_on_release", "1"));
	umask(0777);
	pid = act(act_clone, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	snprintf(cont, sizeof(cont), A "/%d", actor->pid);
	ASSERT_EQ(0, stat(cont, &st));
	EXPECT_EQ(0U, st.st_uid);
	EXPECT_EQ(0U, st.st_gid);
	EXPECT_EQ(S_IFDIR | 0755U, st.st_mode);
	ASSERT_EQ(0, stat(ct_path("%s/tasks", cont), &st));
	EXPECT_EQ(0U, st.st_uid);
	EXPECT_EQ(S_IFREG | 0644U, st.st_mode);
	EXPECT_EQ(1, ct_read_num(cont, "auto_delete"));
	EXPECT_EQ(1, ct_read_num(cont, "notify_on_release"));
	EXPECT_EQ(0, ct_read_num(A, "auto_delete"));
	if (self->cpuset) {
		ASSERT_LT(0, ct_read(cont, "cpuset.cpus", self->buf,
				     sizeof(self->buf)));
		EXPECT_STREQ("1-2\n", self->buf);
		ASSERT_LT(0, ct_read(cont, "cpuset.mems", self->buf,
				     sizeof(self->buf)));
		EXPECT_STREQ("0\n", self->buf);
		EXPECT_EQ(0, ct_read_num(cont, "cpuset.cpu_exclusive"));
		/* Else it would be a scheduling domain. */
		EXPECT_EQ(0, ct_read_num(cont, "cpuset.sched_load_balance"));
		ASSERT_EQ(0, sched_getaffinity(actor->pid, sizeof(cpus), &cpus));
		EXPECT_EQ(2, CPU_COUNT(&cpus));
		EXPECT_TRUE(CPU_ISSET(1, &cpus) && CPU_ISSET(2, &cpus));
		EXPECT_EQ(0, access(ct_path("%s/cpuacct.usage", cont), F_OK));
	}
	/* It is an ordinary one otherwise. */
	EXPECT_EQ(0, ct_mkdir(ct_path("%s/own", cont)));
	EXPECT_EQ(0, ct_rmdir(ct_path("%s/own", cont)));
	EXPECT_EQ(-EBUSY, ct_rmdir(cont));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", actor->pid)));
}

/* It goes when its last member has left, by whatever way; unless it shall not. */
TEST_F(nsproxy, auto_delete)
{
	pid_t pid = ns_sleeper(CLONE_NEWUTS);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(A, pid));
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	ct_kill(pid);

	pid = ns_sleeper(CLONE_NEWUTS);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_write(ct_path(T "/%d", pid), "auto_delete", "0"));
	ct_kill(pid);
	usleep(CT_IDLE_MS * 1000);
	EXPECT_EQ(BASE + 1, ns_containers());
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%d", pid)));
	EXPECT_EQ(BASE, ns_containers());
}

/* Other hierarchies do not notice. */
TEST_F(nsproxy, other_hierarchy)
{
	struct actor *actor = actor_new(U "/x", CLONE_NEWUTS);
	pid_t pid;

	ASSERT_EQ(0, ct_mount("none,name=u", U));
	ASSERT_EQ(0, ct_mkdir(U "/x"));
	pid = act(act_unshare_and_clone, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ct_is_in(pid, "name=u", "/x"));
	EXPECT_TRUE(ct_is_in(actor->pid, "name=u", "/x"));
	EXPECT_TRUE(ns_is_in(actor->pid, "/%d/%d", pid, actor->pid));
	EXPECT_EQ(2, ct_count(U "/x", "tasks"));
	ct_kill(pid);
	EXPECT_EQ(0, ns_wait_containers(BASE));
	EXPECT_EQ(0, ct_rmdir(U "/x"));
}

/* Where ns is not mounted, or not any more, nothing happens. */
TEST_F(nsproxy, not_mounted)
{
	struct actor *actor;
	struct ct_subsys row;
	pid_t pid, child;

	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_remount("cpuacct", T));
	ASSERT_EQ(0, ct_subsys("ns", &row));
	EXPECT_EQ(0, row.hierarchy);
	actor = actor_new(NULL, CLONE_NEWUTS | CLONE_NEWNET);
	pid = act(act_unshare_and_clone, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ct_is_in(pid, "cpuacct", "/"));
	EXPECT_TRUE(ct_is_in(actor->pid, "cpuacct", "/"));
	ASSERT_EQ(0, ct_subsys("cpuacct", &row));
	EXPECT_EQ(1, row.containers);
	ASSERT_EQ(0, ct_umount(T));
	child = ns_sleeper(CLONE_NEWUTS);
	ASSERT_LT(0, child);
	/* Who has a namespace before is in the root, and is no exception. */
	ASSERT_EQ(0, ct_mount(variant->options, T));
	EXPECT_TRUE(ns_is_in(pid, "/"));
	EXPECT_TRUE(ns_is_in(child, "/"));
	EXPECT_EQ(1, ns_containers());
	ct_kill(child);
	child = ns_sleeper(CLONE_NEWUTS);
	ASSERT_LT(0, child);
	EXPECT_TRUE(ns_is_in(child, "/%d", child));
	ct_kill(child);
	ct_kill(pid);
	EXPECT_EQ(0, ns_wait_containers(1));
}

/*
 * Threads and vfork
 */

static int thread_body(void *arg)
{
	struct actor *actor = arg;

	ct_futex_wait(&actor->stop, 0);
	return 0;
}

/* Without libc's knowledge: it does no more than wait. */
static void act_clone_thread(struct actor *actor)
{
	char *stack = ct_shared(STACK);

	actor->pid = clone(thread_body, stack + STACK,
			   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			   CLONE_THREAD | CLONE_NEWUTS, actor);
	actor->ret = actor->pid < 0 ? -errno : 0;
}

/* A new thread: it alone is in the new container. */
TEST_F(nsproxy, clone_thread)
{
	struct actor *actor = actor_new(A, 0);
	pid_t pid = act(act_clone_thread, actor), tid = actor->pid;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(tid, "/a/%d", tid));
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_EQ(1, ct_has(ct_path(A "/%d", tid), "tasks", tid));
	EXPECT_EQ(1, ct_count(ct_path(A "/%d", tid), "tasks"));
	EXPECT_EQ(1, ct_has(ct_path(A "/%d", tid), "procs", pid));
	EXPECT_EQ(1, ct_count(A, "tasks"));
	EXPECT_EQ(BASE + 1, ns_containers());
	ct_futex_wake(&actor->stop, 1);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", tid)));
	EXPECT_EQ(1, ct_has(A, "tasks", pid));
	EXPECT_EQ(0, ns_wait_containers(BASE));
	ct_kill(pid);
}

static void *unshare_and_wait(void *arg)
{
	struct actor *actor = arg;

	if (unshare(actor->flags))
		actor->ret = -errno;
	ct_futex_wake(&actor->pid, syscall(SYS_gettid));
	ct_futex_wait(&actor->stop, 0);
	return NULL;
}

static void act_unshare_thread(struct actor *actor)
{
	struct ct_threads threads;
	pthread_t thread;

	actor->ret = ct_threads_start(&threads, 2);
	if (!actor->ret)
		actor->ret = -pthread_create(&thread, NULL, unshare_and_wait,
					     actor);
	if (!actor->ret)
		ct_futex_wait(&actor->pid, 0);
}

/* unshare by one of four threads: it alone is moved. */
TEST_F(nsproxy, unshare_thread)
{
	struct actor *actor = actor_new(A, CLONE_NEWUTS | CLONE_NEWNS);
	pid_t pid = act(act_unshare_thread, actor), tid = actor->pid;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(tid, "/a/%d", tid));
	EXPECT_TRUE(ns_is_in(pid, "/a"));
	EXPECT_EQ(3, ct_count(A, "tasks"));
	EXPECT_EQ(1, ct_count(ct_path(A "/%d", tid), "tasks"));
	/* The whole process is gathered by "procs". */
	ASSERT_EQ(0, ct_attach_process(B, pid));
	EXPECT_EQ(4, ct_count(B, "tasks"));
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", tid)));
	ct_kill(pid);
}

static char seen_path[PATH_MAX];

static int see_path(void *unused)
{
	if (ns_path(getpid(), seen_path, sizeof(seen_path)))
		seen_path[0] = '\0';
	return 0;
}

/* With the parent's memory, and the parent waiting. */
TEST_F(nsproxy, vfork)
{
	char *stack = ct_shared(STACK);
	pid_t pid = clone(see_path, stack + STACK, CLONE_VM | CLONE_VFORK |
			  CLONE_NEWUTS | SIGCHLD, NULL);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_wait(pid));
	EXPECT_STREQ(ct_path("/%d", pid), seen_path);
	EXPECT_TRUE(ns_is_in(getpid(), "/"));
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));
}

/*
 * Names
 */

/**
 * struct inner - what the first process of a pid namespace sees
 * @outer: its number outside, filled in by its parent
 * @tasks: the tasks file of its own container
 * @children: and that of its child
 */
struct inner {
	int outer;
	int done;
	char tasks[64];
	pid_t child;
};

/* Named by the number that the initial namespace knows; inside it is 1. */
TEST_F(nsproxy, pid_namespace)
{
	struct inner *inner = ct_shared(sizeof(*inner));
	char path[PATH_MAX];
	struct ct_pids pids;
	pid_t pid, child;

	pid = ns_clone(CLONE_NEWPID);
	if (!pid) {
		ct_futex_wait(&inner->outer, 0);
		ct_read(ct_path(T "/%d", inner->outer), "tasks", inner->tasks,
			sizeof(inner->tasks));
		inner->child = ns_sleeper(CLONE_NEWUTS);
		ct_futex_wake(&inner->done, 1);
		for (;;)
			pause();
	}
	ASSERT_LT(0, pid);
	ct_futex_wake(&inner->outer, pid);
	ct_futex_wait(&inner->done, 0);
	EXPECT_STREQ("1\n", inner->tasks);
	EXPECT_EQ(2, inner->child);
	EXPECT_TRUE(ns_is_in(pid, "/%d", pid));
	EXPECT_EQ(BASE + 2, ns_containers());
	/* The child's number outside is the next, or one of the next. */
	for (child = pid + 1; child < pid + 1000; child++)
		if (!access(ct_path(T "/%d/%d", pid, child), F_OK))
			break;
	snprintf(path, sizeof(path), T "/%d/%d", pid, child);
	ASSERT_EQ(0, ct_read_pids(path, "tasks", &pids));
	ASSERT_EQ(1UL, pids.count);
	EXPECT_EQ(child, pids.pid[0]);
	EXPECT_TRUE(ns_is_in(child, "/%d/%d", pid, child));
	ct_free_pids(&pids);
	/* The end of the namespace is that of all containers. */
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* A sleeper with a number of one's choice. */
static pid_t sleeper_with_pid(pid_t want)
{
	struct clone_args args = {
		.flags = CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
		.set_tid = (unsigned long)&want,
		.set_tid_size = 1,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid < 0 ? -errno : pid;
}

static void act_unshare_taken(struct actor *actor)
{
	actor->ret = ct_mkdir(ct_path(T "/%d", getpid()));
	if (!actor->ret)
		act_unshare(actor);
}

/* Names that are taken, by whomsoever. */
TEST_F(nsproxy, name_taken)
{
	struct actor *actor = actor_new(NULL, CLONE_NEWUTS);
	const pid_t want = 31234;
	pid_t pid;

	ASSERT_EQ(-1, kill(want, 0));
	ASSERT_EQ(0, ct_mkdir(ct_path(T "/%d", want)));
	pid = sleeper_with_pid(want);
	ASSERT_EQ(want, pid);
	EXPECT_TRUE(ns_is_in(want, "/%d.1", want));
	EXPECT_EQ(BASE + 2, ns_containers());
	ct_kill(want);
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d.1", want)));

	ASSERT_EQ(0, ct_mkdir(ct_path(T "/%d.1", want)));
	ASSERT_EQ(0, ct_mkdir(ct_path(T "/%d.3", want)));
	ASSERT_EQ(want, sleeper_with_pid(want));
	EXPECT_TRUE(ns_is_in(want, "/%d.2", want));
	ct_kill(want);
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d.2", want)));
	/* What was there is there. */
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%d", want)));
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%d.1", want)));
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%d.3", want)));

	pid = act(act_unshare_taken, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_TRUE(ns_is_in(pid, "/%d.1", pid));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d.1", pid)));
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%d", pid)));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/*
 * Hole 69: numbers are used again sooner than containers are removed. Not one
 * of 600 unshares fails.
 */
TEST_F_TIMEOUT(nsproxy, few_pids, LONG_TIMEOUT)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, ct_write(PID_MAX, "pid_max", "400"));
	for (i = 0; i < 600; i++) {
		pid = fork();
		if (!pid)
			_exit(unshare(CLONE_NEWUTS) ? errno : 0);
		ASSERT_LT(0, pid)
			TH_LOG("fork %d", i);
		ASSERT_EQ(0, ct_wait(pid))
			TH_LOG("unshare %d", i);
	}
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/*
 * Failures
 */

#define LINKS	10

static const char *const links[LINKS] = {
	"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
	"time_for_children", "user", "uts",
};

/**
 * struct attempt - a call that must fail
 * @clone: clone3, else unshare
 * @args: its arguments
 * @prepare: what to do before
 * @want: the errno
 */
struct attempt {
	bool clone;
	struct clone_args args;
	int (*prepare)(void);
	int want;
};

enum { PREPARED = 1000, SUCCEEDED, NAMESPACE_CHANGED, MOVED, CONTAINER_LEFT };

/*
 * Returns 0, or what is wrong: an errno that was not wanted or one of the
 * above.
 */
static int attempt(void *arg)
{
	char before[LINKS][64], after[64], home[PATH_MAX], path[PATH_MAX];
	struct attempt *attempt = arg;
	int i, containers;
	long ret;

	if (attempt->prepare && attempt->prepare())
		return PREPARED;
	for (i = 0; i < LINKS; i++)
		ns_link(getpid(), links[i], before[i], sizeof(before[i]));
	ns_path(getpid(), home, sizeof(home));
	containers = ns_containers();

	attempt->args.exit_signal = attempt->args.flags & CLONE_THREAD ?
				    0 : SIGCHLD;
	ret = attempt->clone ?
	      syscall(SYS_clone3, &attempt->args, sizeof(attempt->args)) :
	      unshare(attempt->args.flags);
	if (!ret && attempt->clone)
		_exit(0);
	if (ret >= 0)
		return SUCCEEDED;
	if (errno != attempt->want)
		return errno;

	for (i = 0; i < LINKS; i++) {
		ns_link(getpid(), links[i], after, sizeof(after));
		if (strcmp(before[i], after))
			return NAMESPACE_CHANGED;
	}
	ns_path(getpid(), path, sizeof(path));
	if (strcmp(path, home))
		return MOVED;
	return ns_containers() == containers ? 0 : CONTAINER_LEFT;
}

static int fails(bool clone, unsigned long long flags, int (*prepare)(void),
		 int want)
{
	struct attempt what = {
		.clone = clone,
		.args.flags = flags,
		.prepare = prepare,
		.want = want,
	};

	return ct_call(attempt, &what);
}

static int become_user(void)
{
	int ret = ct_become(CT_UID);

	/* /proc/self is the user's own. */
	return ret ? ret : prctl(PR_SET_DUMPABLE, 1);
}

static int become_poor_user(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_NPROC, &none) ? -errno : become_user();
}

/* In a user namespace with all capabilities there, and a container of its own. */
static int become_root_of_a_user(void)
{
	int ret = become_user();

	return ret || unshare(CLONE_NEWUSER);
}

static int start_threads(void)
{
	static struct ct_threads threads;

	return ct_threads_start(&threads, 1);
}

/* Refused before anything was made. */
TEST_F_TIMEOUT(nsproxy, refused, LONG_TIMEOUT)
{
	struct attempt taken = {
		.clone = true,
		.args.flags = CLONE_NEWUTS,
		.args.set_tid_size = 1,
		.want = EEXIST,
	};
	struct attempt no_place = {
		.clone = true,
		.args.flags = CLONE_NEWUTS | CLONE_PIDFD,
		.args.pidfd = 8,
		.want = EFAULT,
	};
	pid_t first = 1;

	EXPECT_EQ(0, fails(true, CLONE_NEWUTS, become_user, EPERM));
	EXPECT_EQ(0, fails(false, CLONE_NEWUTS, become_user, EPERM));
	EXPECT_EQ(0, fails(false, CLONE_NEWNET | CLONE_NEWNS, become_user,
			   EPERM));
	EXPECT_EQ(0, fails(true, CLONE_NEWUSER, become_poor_user, EAGAIN));
	EXPECT_EQ(0, fails(true, CLONE_NEWNS | CLONE_FS, NULL, EINVAL));
	EXPECT_EQ(0, fails(true, CLONE_NEWUSER | CLONE_FS, NULL, EINVAL));
	EXPECT_EQ(0, fails(true, CLONE_NEWIPC | CLONE_SYSVSEM, NULL, EINVAL));
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS | CLONE_THREAD, NULL, EINVAL));
	EXPECT_EQ(0, fails(false, CLONE_NEWUTS | CLONE_NEWUSER, start_threads,
			   EINVAL));
	EXPECT_EQ(0, fails(false, CLONE_NEWUTS | CLONE_VM, start_threads,
			   EINVAL));
	taken.args.set_tid = (unsigned long)&first;
	EXPECT_EQ(0, ct_call(attempt, &taken));
	EXPECT_EQ(0, ct_call(attempt, &no_place));
	EXPECT_EQ(BASE, ns_containers());
}

/* A namespace that cannot be made, with others that can. */
TEST_F(nsproxy, no_namespace)
{
	int i;

	ASSERT_EQ(0, ct_write(SYS_USER, "max_uts_namespaces", "0"));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, fails(i, CLONE_NEWUTS, NULL, ENOSPC));
		EXPECT_EQ(0, fails(i, CLONE_NEWUTS | CLONE_NEWNS, NULL,
				   ENOSPC));
		EXPECT_EQ(0, fails(i, ALL_KINDS, NULL, ENOSPC));
		EXPECT_EQ(0, fails(i, CLONE_NEWUSER | CLONE_NEWUTS, become_user,
				   ENOSPC));
	}
	EXPECT_EQ(BASE, ns_containers());
	ASSERT_EQ(0, ct_write_num(SYS_USER, "max_uts_namespaces",
				  self->max_uts));
	EXPECT_EQ(SUCCEEDED, fails(false, CLONE_NEWUTS, NULL, ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/*
 * Hole 38: containers that come with namespaces count as those of who made the
 * namespace, in the user namespace in which he did and in all above.
 */
TEST_F(nsproxy, containers_of_a_user)
{
	long long old = ct_read_num(SYS_USER, "max_containers");
	int i;

	ASSERT_LT(0, old);
	ASSERT_EQ(0, ct_write(SYS_USER, "max_containers", "0"));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, fails(i, CLONE_NEWUSER, become_user, ENOSPC));
	/* Root has CAP_SYS_RESOURCE. */
	EXPECT_EQ(SUCCEEDED, fails(true, CLONE_NEWUTS, NULL, ENOSPC));
	ASSERT_EQ(0, ct_write(SYS_USER, "max_containers", "1"));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, fails(i, CLONE_NEWUTS, become_root_of_a_user,
				   ENOSPC));
		EXPECT_EQ(0, ns_wait_containers(BASE));
		EXPECT_EQ(SUCCEEDED, fails(i, CLONE_NEWUSER, become_user, ENOSPC));
		EXPECT_EQ(0, ns_wait_containers(BASE));
	}
	ASSERT_EQ(0, ct_write_num(SYS_USER, "max_containers", old));
}

/* Later processes cannot be made: the first one of their namespace has gone. */
static int lose_init(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = fork();
	if (!pid)
		_exit(0);
	return pid < 0 ? -errno : ct_wait(pid);
}

/* A process that cannot be made, after its namespaces. */
TEST_F(nsproxy, no_process)
{
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS, lose_init, ENOMEM));
	EXPECT_EQ(0, ns_wait_containers(BASE));
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS,
			   lose_init, ENOMEM));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* Other clones of a process that does not get to its end. */
TEST_F_TIMEOUT(nsproxy, clone_that_is_killed, LONG_TIMEOUT)
{
	int i, *word = ct_shared(sizeof(int)), spin;
	pid_t pid, child;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < 100; i++) {
		*word = 0;
		pid = ct_fork();
		if (!pid) {
			ct_futex_wake(word, 1);
			for (;;) {
				child = ns_clone(CLONE_NEWUTS);
				if (!child)
					_exit(0);
				waitpid(child, NULL, 0);
			}
		}
		ASSERT_LT(0, pid);
		ct_futex_wait(word, 0);
		for (spin = 0; spin < i * 2000; spin++)
			__asm__ volatile("" : : : "memory");
		ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
		while (wait(NULL) > 0)
			;
		ASSERT_EQ(0, ns_wait_containers(BASE))
			TH_LOG("round %d", i);
	}
}

/* No CPUs, or no memory, for one more beside an exclusive one. */
TEST_F(nsproxy, exclusive_sibling)
{
	int i;

	if (!self->cpuset)
		return;
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_mkdir(E));
	ASSERT_EQ(0, ct_write(E, "cpuset.cpus", "0-1"));
	ASSERT_EQ(0, ct_write(E, "cpuset.mems", "0"));
	ASSERT_EQ(0, ct_write(E, "cpuset.cpu_exclusive", "1"));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, fails(i, CLONE_NEWUTS, NULL, ENOSPC));
		EXPECT_EQ(0, fails(i, ALL_KINDS, NULL, ENOSPC));
		EXPECT_EQ(0, fails(i, CLONE_NEWUSER, become_user, ENOSPC));
	}
	ASSERT_EQ(0, ct_write(E, "cpuset.cpu_exclusive", "0"));
	EXPECT_EQ(SUCCEEDED, fails(true, CLONE_NEWUTS, NULL, ENOSPC));
	EXPECT_EQ(SUCCEEDED, fails(false, CLONE_NEWUTS, NULL, ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(2));
	ASSERT_EQ(0, ct_write(E, "cpuset.mem_exclusive", "1"));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, fails(i, CLONE_NEWUTS, NULL, ENOSPC));
		EXPECT_EQ(0, fails(i, ALL_KINDS, NULL, ENOSPC));
	}
	ASSERT_EQ(0, ct_write(E, "cpuset.mem_exclusive", "0"));
	EXPECT_EQ(SUCCEEDED, fails(true, CLONE_NEWUTS, NULL, ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(2));
}

/* unshare until it fails; how often it did not. */
static int unshare_often(void *unused)
{
	int i;

	for (i = 0; i < LEVELS + 10; i++)
		if (unshare(CLONE_NEWUTS))
			return errno == ENOSPC ? i : -errno;
	return i;
}

static int enter_deepest(void)
{
	char path[PATH_MAX] = T;
	int i;

	for (i = 0; i < LEVELS; i++)
		strcat(path, "/d");
	return ct_enter(path);
}

static int enter_last_but_one(void)
{
	char path[PATH_MAX] = T;
	int i;

	for (i = 0; i < LEVELS - 1; i++)
		strcat(path, "/d");
	return ct_enter(path);
}

static int unshare_to_deepest(void)
{
	int i;

	for (i = 0; i < LEVELS; i++)
		if (unshare(CLONE_NEWUTS))
			return -errno;
	return 0;
}

/* It does not go on for ever, whoever has made the levels. */
TEST_F_TIMEOUT(nsproxy, depth, LONG_TIMEOUT)
{
	char path[PATH_MAX] = T;
	int i;

	EXPECT_EQ(LEVELS, ct_call(unshare_often, NULL));
	EXPECT_EQ(0, ns_wait_containers(BASE));
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS, unshare_to_deepest, ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(BASE));
	EXPECT_EQ(0, fails(false, CLONE_NEWUSER, unshare_to_deepest, ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(BASE));
	for (i = 0; i < LEVELS; i++) {
		strcat(path, "/d");
		ASSERT_EQ(0, ns_make(T, path));
	}
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS, enter_deepest, ENOSPC));
	EXPECT_EQ(0, fails(false, CLONE_NEWUTS, enter_deepest, ENOSPC));
	EXPECT_EQ(SUCCEEDED, fails(true, CLONE_NEWUTS, enter_last_but_one,
				   ENOSPC));
	EXPECT_EQ(SUCCEEDED, fails(false, CLONE_NEWUTS, enter_last_but_one,
				   ENOSPC));
	EXPECT_EQ(0, ns_wait_containers(BASE + LEVELS));
	EXPECT_EQ(0, ct_rmtree(T "/d"));
}

/*
 * Who may move whom
 */

static const char *const files[] = { "tasks", "procs" };

struct order {
	const char *cont;
	const char *file;
	const char *home;
	pid_t pid;
	int fd;
};

static int write_order(struct order *order)
{
	return ct_write_num(order->cont, order->file, order->pid);
}

/* After going home. */
static int write_from_home(void *arg)
{
	struct order *order = arg;
	int ret = order->home ? ct_enter(order->home) : 0;

	return ret ? -EPROTO : write_order(order);
}

static int write_without_cap(void *arg)
{
	return ns_drop_cap(CAP_ADMIN) ? -EPROTO : write_order(arg);
}

static int open_and_drop(void *arg)
{
	struct order *order = arg;
	int fd = ct_open(order->cont, order->file, O_WRONLY);

	if (fd < 0 || ns_drop_cap(CAP_ADMIN))
		return -EPROTO;
	return ct_fd_write(fd, ct_path("%d", order->pid));
}

/* Root with all its capabilities. */
TEST_F(nsproxy, move)
{
	pid_t tid[2], pid = ct_process(NULL, 2, tid);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_attach(A, tid[1]));
	EXPECT_TRUE(ns_is_in(tid[1], "/a"));
	EXPECT_EQ(0, ct_attach_process(B, pid));
	EXPECT_TRUE(ns_is_in(tid[1], "/b"));
	EXPECT_EQ(0, ct_attach_process(T, pid));
	EXPECT_TRUE(ns_is_in(tid[1], "/"));
	ct_kill(pid);
}

/* User id 0 is not enough: the capability of who has opened the file counts. */
TEST_F(nsproxy, move_without_capability)
{
	pid_t pid = ct_sleeper(NULL);
	unsigned int i;

	ASSERT_LT(0, pid);
	for (i = 0; i < 2; i++) {
		struct order order = { .cont = A, .file = files[i] };

		EXPECT_EQ(-EPERM, ct_call(write_without_cap, &order));
		EXPECT_EQ(0, ct_call(open_and_drop, &order));
		order.pid = pid;
		EXPECT_EQ(-EPERM, ct_call(write_without_cap, &order));
		EXPECT_TRUE(ns_is_in(pid, "/"));
		EXPECT_EQ(0, ct_call(open_and_drop, &order));
		EXPECT_TRUE(ns_is_in(pid, "/a"));
		EXPECT_EQ(0, ct_attach(T, pid));
	}
	ct_kill(pid);
	EXPECT_EQ(0, ct_count(A, "tasks"));
}

static void act_open_without_cap(struct actor *actor)
{
	actor->ret = ns_drop_cap(CAP_ADMIN);
	if (!actor->ret)
		actor->pid = ct_open(A, "tasks", O_WRONLY);
}

/* And not of who writes, though that one may do it all. */
TEST_F(nsproxy, move_by_opener)
{
	struct actor *actor = actor_new(NULL, 0);
	pid_t pid = act(act_open_without_cap, actor), other;
	int pidfd, fd;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	ASSERT_LE(0, actor->pid);
	other = ct_sleeper(NULL);
	ASSERT_LT(0, other);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, actor->pid, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, ct_fd_write(fd, ct_path("%d", other)));
	EXPECT_EQ(-EPERM, ct_fd_write(fd, "0"));
	EXPECT_TRUE(ns_is_in(other, "/"));
	EXPECT_TRUE(ns_is_in(getpid(), "/"));
	close(fd);
	close(pidfd);
	ct_kill(pid);
	ct_kill(other);
}

static int write_as_user(void *arg)
{
	struct order *order = arg;
	int ret = ct_become(CT_UID);

	return ret ? -EPROTO : ct_write(order->cont, order->file, "0");
}

/* The owner of the file, who elsewhere may move what is his. */
TEST_F(nsproxy, move_by_owner)
{
	unsigned int i;

	ASSERT_EQ(0, ct_mount("none,name=u", U));
	ASSERT_EQ(0, ct_mkdir(U "/a"));
	for (i = 0; i < 2; i++) {
		struct order order = { .cont = A, .file = files[i] };

		ASSERT_EQ(0, chown(ct_path(A "/%s", files[i]), CT_UID, CT_UID));
		ASSERT_EQ(0, chown(ct_path(U "/a/%s", files[i]), CT_UID,
				   CT_UID));
		EXPECT_EQ(-EPERM, ct_call(write_as_user, &order));
		order.cont = U "/a";
		EXPECT_EQ(0, ct_call(write_as_user, &order));
	}
	EXPECT_EQ(0, ct_count(A, "tasks"));
}

static int map_root(void)
{
	int ret = ct_write("/proc/self", "setgroups", "deny");

	return ret ? ret : ct_write("/proc/self", "uid_map",
				    ct_path("0 %d 1", CT_UID));
}

/* A file opened before, by the user, or by root. */
static int write_inherited(void *arg)
{
	struct order *order = arg;
	int fd = -1;

	if (order->home)
		fd = ct_open(order->cont, order->file, O_WRONLY);
	if (become_user())
		return -EPROTO;
	if (!order->home)
		fd = ct_open(order->cont, order->file, O_WRONLY);
	if (fd < 0 || unshare(CLONE_NEWUSER) || map_root() || geteuid())
		return -EPROTO;
	return ct_fd_write(fd, "0");
}

/* A file opened inside, where its user has all capabilities. */
static int write_inside(void *arg)
{
	struct order *order = arg;

	if (become_user() || unshare(CLONE_NEWUSER) || map_root() || geteuid())
		return -EPROTO;
	return ct_write(order->cont, order->file, "0");
}

/* Root in a user namespace of its own. */
TEST_F(nsproxy, move_in_user_namespace)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct order order = { .cont = A, .file = files[i] };

		ASSERT_EQ(0, chmod(ct_path(A "/%s", files[i]), 0666));
		EXPECT_EQ(-EPERM, ct_call(write_inherited, &order));
		EXPECT_EQ(-EPERM, ct_call(write_inside, &order));
		/* Root's file, but it is in a container of its own now. */
		order.home = "";
		EXPECT_EQ(-EPERM, ct_call(write_inherited, &order));
	}
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/* Nobody is moved out of what whoever moves is in. */
TEST_F_TIMEOUT(nsproxy, move_only_down, LONG_TIMEOUT)
{
	static const struct {
		const char *home;
		const char *cont;
		int ret;
	} orders[] = {
		{ A, T, -EPERM }, { A, B, -EPERM }, { A, AB, -EPERM },
		{ A, A, 0 }, { A, AX, 0 }, { AX, A, -EPERM }, { AX, T, -EPERM },
		{ AX, AX, 0 }, { AB, A, -EPERM }, { T, AX, 0 }, { T, T, 0 },
	};
	unsigned int i, j;
	const char *there;
	pid_t pid;

	ASSERT_EQ(0, ns_make(T, AX));
	ASSERT_EQ(0, ns_make(T, AB));
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (j = 0; j < 2; j++) {
			struct order order = {
				.cont = orders[i].cont,
				.file = files[j],
				.home = orders[i].home,
			};

			EXPECT_EQ(orders[i].ret, ct_call(write_from_home, &order))
				TH_LOG("itself, in %s to %s", orders[i].home,
				       orders[i].cont);
			pid = ct_sleeper(orders[i].home);
			ASSERT_LT(0, pid);
			order.pid = pid;
			EXPECT_EQ(orders[i].ret, ct_call(write_from_home, &order))
				TH_LOG("another, in %s to %s", orders[i].home,
				       orders[i].cont);
			there = orders[i].ret ? orders[i].home : orders[i].cont;
			EXPECT_EQ(1, ct_has(there, "tasks", pid));
			ct_kill(pid);
		}
	}
}

static int write_inherited_from_a(void *arg)
{
	struct order *order = arg;
	int fd = ct_open(order->cont, order->file, O_WRONLY);

	if (fd < 0 || ct_enter(A))
		return -EPROTO;
	return ct_fd_write(fd, "0");
}

/* It is the writer's container that counts, whoever has opened the file. */
TEST_F(nsproxy, move_by_inherited_file)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct order order = { .cont = B, .file = files[i] };

		EXPECT_EQ(-EPERM, ct_call(write_inherited_from_a, &order));
		order.cont = T;
		EXPECT_EQ(-EPERM, ct_call(write_inherited_from_a, &order));
		order.cont = A;
		EXPECT_EQ(0, ct_call(write_inherited_from_a, &order));
	}
}

/* In another hierarchy there is no such rule. */
TEST_F(nsproxy, move_elsewhere)
{
	struct order order = { .cont = U, .file = "procs", .home = A };
	pid_t pid;

	ASSERT_EQ(0, ct_mount("none,name=u", U));
	ASSERT_EQ(0, ct_mkdir(U "/a"));
	pid = ct_sleeper(U "/a");
	ASSERT_LT(0, pid);
	order.pid = pid;
	EXPECT_EQ(0, ct_call(write_from_home, &order));
	EXPECT_TRUE(ct_is_in(pid, "name=u", "/"));
	order.cont = U "/a";
	EXPECT_EQ(0, ct_call(write_without_cap, &order));
	EXPECT_TRUE(ct_is_in(pid, "name=u", "/a"));
	ct_kill(pid);
}

/*
 * Without privilege
 */

/* Whether one may do anything to a container: what, if so. */
static int try_to_change(const char *cont)
{
	DIR *dir = opendir(cont);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const char *path = ct_path("%s/%s", cont, entry->d_name);

		if (entry->d_type != DT_REG)
			continue;
		if (open(path, O_WRONLY) >= 0 || errno != EACCES)
			return 1;
		if (!chmod(path, 0666) || !chown(path, 0, 0))
			return 2;
	}
	closedir(dir);
	if (ct_mkdir(ct_path("%s/own", cont)) != -EACCES)
		return 3;
	if (!chmod(cont, 0777) || !chown(cont, CT_UID, CT_UID))
		return 4;
	if (!rename(cont, ct_path("%s.new", cont)) || !rmdir(cont))
		return 5;
	return 0;
}

static void act_as_user(struct actor *actor)
{
	char cont[PATH_MAX] = T;

	if (become_user() || unshare(actor->flags) || map_root() ||
	    geteuid() || ns_path(getpid(), cont + strlen(T), PATH_MAX / 2))
		actor->ret = -EPROTO;
	else
		actor->ret = try_to_change(cont);
	actor->pid = ns_sleeper(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* A user gets a container, by a user namespace, but not into his hands. */
TEST_F_TIMEOUT(nsproxy, unprivileged, LONG_TIMEOUT)
{
	static const unsigned long long flags[] = {
		CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET,
	};
	struct stat st;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		struct actor *actor = actor_new(A, flags[i]);

		pid = act(act_as_user, actor);
		ASSERT_LT(0, pid);
		EXPECT_EQ(0, actor->ret);
		ASSERT_LT(0, actor->pid);
		EXPECT_TRUE(ns_is_in(pid, "/a/%d", pid));
		EXPECT_TRUE(ns_is_in(actor->pid, "/a/%d/%d", pid, actor->pid));
		ASSERT_EQ(0, stat(ct_path(A "/%d/%d", pid, actor->pid), &st));
		EXPECT_EQ(0U, st.st_uid);
		EXPECT_EQ(0U, st.st_gid);
		EXPECT_EQ(S_IFDIR | 0755U, st.st_mode);
		ct_kill(pid);
		EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", pid)));
	}
	EXPECT_EQ(0, ns_wait_containers(BASE));
}

/*
 * With numtasks: who is charged, and who is refused
 */

FIXTURE(ns_numtasks)
{
	int unused;
};

FIXTURE_SETUP(ns_numtasks)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, nt_settle());
	ASSERT_EQ(0, nt_defaults());
	ASSERT_EQ(0, nt_mount("numtasks,ns", T));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
}

FIXTURE_TEARDOWN_PARENT(ns_numtasks)
{
	EXPECT_EQ(0, nt_defaults());
	EXPECT_EQ(0, ct_reset());
}

/* Until a thread that is not this one's child has exited. */
static void wait_exited(pid_t tid)
{
	char stat[512];

	while (ct_proc_read(tid, "stat", stat, sizeof(stat)) > 0 &&
	       !strstr(stat, ") Z "))
		ns_tick();
}

/* The new one is counted where it is, from the beginning to its end. */
TEST_F(ns_numtasks, charge)
{
	long long base = nt_usage(T);
	struct actor *actor;
	char shares[128];
	pid_t pid;

	pid = ns_sleeper(CLONE_NEWUTS | CLONE_NEWPID);
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, nt_usage(ct_path(T "/%d", pid)));
	EXPECT_EQ(base + 1, nt_usage(T));
	ASSERT_LT(0, ct_read(ct_path(T "/%d", pid), "numtasks.shares", shares,
			     sizeof(shares)));
	EXPECT_STREQ("res=numtasks,min_shares=-3,max_shares=-3,child_shares_divisor=100\n",
		     shares);
	ct_kill(pid);
	EXPECT_EQ(base, nt_usage(T));
	EXPECT_EQ(0, ct_wait_gone(ct_path(T "/%d", pid)));

	actor = actor_new(A, CLONE_NEWUTS);
	pid = act(act_unshare_and_clone, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_EQ(2, nt_usage(A));
	EXPECT_EQ(2, nt_usage(ct_path(A "/%d", pid)));
	EXPECT_EQ(1, nt_usage(ct_path(A "/%d/%d", pid, actor->pid)));
	ASSERT_EQ(0, kill(actor->pid, SIGKILL));
	wait_exited(actor->pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d/%d", pid, actor->pid)));
	EXPECT_EQ(1, nt_usage(A));
	ct_kill(pid);
	EXPECT_EQ(0, nt_usage(A));

	actor = actor_new(A, 0);
	pid = act(act_clone_thread, actor);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, actor->ret);
	EXPECT_EQ(2, nt_usage(A));
	EXPECT_EQ(1, nt_usage(ct_path(A "/%d", actor->pid)));
	ct_futex_wake(&actor->stop, 1);
	wait_exited(actor->pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", actor->pid)));
	EXPECT_EQ(1, nt_usage(A));
	ct_kill(pid);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(base, nt_usage(T));
}

/* a has a cap of 2: one who calls, one sleeper. */
static int enter_full(void)
{
	return ct_enter(A) || ns_sleeper(CLONE_NEWUTS) < 0;
}

static int unshare_when_full(void *unused)
{
	char path[PATH_MAX];

	if (enter_full() || unshare(CLONE_NEWUTS))
		return -EPROTO;
	if (ns_path(getpid(), path, sizeof(path)) ||
	    strcmp(path, ct_path("/a/%d", getpid())))
		return -EPROTO;
	/* Here too it is a's cap. */
	return ns_clone(CLONE_NEWUTS);
}

/* Caps above refuse clone; unshare needs no more than there is. */
TEST_F(ns_numtasks, cap)
{
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, nt_set(A, "max_shares", 2));
	EXPECT_EQ(0, fails(true, CLONE_NEWUTS, enter_full, EAGAIN));
	EXPECT_EQ(0, ns_wait_containers(3));
	EXPECT_EQ(0, fails(true, ALL_KINDS, enter_full, EAGAIN));
	EXPECT_EQ(0, ns_wait_containers(3));
	EXPECT_EQ(0, fails(true, 0, enter_full, EAGAIN));
	EXPECT_EQ(0, ns_wait_containers(3));
	EXPECT_EQ(-EAGAIN, ct_call(unshare_when_full, NULL));
	EXPECT_EQ(0, ns_wait_containers(3));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
}

static int clone_and_wait(void *unused)
{
	pid_t pid;
	int i;

	if (ct_enter(A))
		return -EPROTO;
	for (i = 0; i < 10; i++) {
		pid = ns_clone(CLONE_NEWUTS);
		if (!pid)
			_exit(0);
		if (pid < 0)
			return pid == -EAGAIN ? i : pid;
		ct_wait(pid);
	}
	return i;
}

/* The rate and the counts are those of who clones, not of what becomes of it. */
TEST_F(ns_numtasks, rate)
{
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(10, nt_stat(A, "Number of successes"));
	ASSERT_EQ(0, nt_set_param("forkrate_interval", NT_FOREVER));
	ASSERT_EQ(0, nt_set_param("forkrate", 50));
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(10, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(0, ct_call(clone_and_wait, NULL));
	EXPECT_EQ(60, nt_stat(A, "Number of successes"));
	EXPECT_EQ(1, nt_stat(A, "Number of forkrate failures"));
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	ASSERT_EQ(0, nt_defaults());
}

TEST_HARNESS_MAIN
