// SPDX-License-Identifier: GPL-2.0
/*
 * Hole 29: allocations that fail. Each of those that a system call makes, objects in
 * the kernel's slabs and pages, fails once, the first, the second, and so on, until
 * the call gets along without the one that would be next. When it fails everything is
 * as it was before; when it succeeds all the same, as after any success. What is lost
 * on the way is found by kmemleak at the end of the boot.
 *
 * kernel: debug
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../kselftest_harness.h"
#include "ns_util.h"

#define T	CT_DIR "/fault"
#define A	T "/a"
#define B	T "/b"
#define X	T "/x"

#define FAILSLAB	"/sys/kernel/debug/failslab"
#define FAIL_PAGES	"/sys/kernel/debug/fail_page_alloc"
#define LIST		"cpuset,cpuacct,numtasks,bc,sample"

#define LONG_TIMEOUT	300
/* More allocations than any of these calls makes. */
#define MOST		2000

/**
 * struct call - a system call whose allocations are to fail
 * @make: 0 or -errno
 * @undo: what has succeeded
 * @is_undone: is everything as it was before?
 * @also: an errno beside ENOMEM that it may fail with
 */
struct call {
	int (*make)(void);
	int (*undo)(void);
	bool (*is_undone)(void);
	int also;
};

static int nth_file;

/* The nth allocation of the calling thread from now on fails; 0: none. */
static int fail_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	return pwrite(nth_file, text, len, 0) == len ? 0 : -errno;
}

/* How many are left until the one that fails; 0: it has failed. */
static int nth_left(void)
{
	char text[16] = "";

	if (pread(nth_file, text, sizeof(text) - 1, 0) <= 0)
		return -errno;
	return atoi(text);
}

/*
 * Returns how many allocations the call makes, or -errno; -EPROTO if something was
 * left behind.
 */
static int fail_each(const struct call *call, int *failed)
{
	int n, left, ret;

	for (n = 1; n < MOST; n++) {
		if (fail_nth(n))
			return -EIO;
		ret = call->make();
		left = nth_left();
		fail_nth(0);
		if (left < 0)
			return left;
		if (ret && ret != -ENOMEM && ret != -call->also)
			return ret;
		/* Why should it, if nothing did? */
		if (ret && left)
			return -ECANCELED;
		*failed += ret != 0;
		if (!ret && call->undo())
			return -EBUSY;
		if (!call->is_undone())
			return -EPROTO;
		if (left)
			return n - 1;
	}
	return -E2BIG;
}

static const char *const faults[] = { FAILSLAB, FAIL_PAGES };

FIXTURE(fault)
{
	int failed;
};

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, ct_setup());
	for (unsigned int i = 0; i < ARRAY_SIZE(faults); i++) {
		ASSERT_EQ(0, ct_write(faults[i], "ignore-gfp-wait", "N"));
		/* Each would print where it failed. */
		ASSERT_EQ(0, ct_write(faults[i], "verbose", "0"));
	}
	ASSERT_EQ(0, ct_write(FAIL_PAGES, "min-order", "0"));
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, nth_file);
}

FIXTURE_TEARDOWN_PARENT(fault)
{
	EXPECT_EQ(0, ct_write(FAIL_PAGES, "min-order", "1"));
	for (unsigned int i = 0; i < ARRAY_SIZE(faults); i++) {
		EXPECT_EQ(0, ct_write(faults[i], "ignore-gfp-wait", "Y"));
	}
	EXPECT_EQ(0, ct_reset());
}

/* At least so many of its allocations can fail, and it fails so many times. */
#define EXPECT_FAULTS(call, least, fails) do {				\
	int __count = fail_each(call, &self->failed);			\
									\
	TH_LOG("%d allocations, %d failures", __count, self->failed);	\
	EXPECT_LE(least, __count);					\
	EXPECT_LE(fails, self->failed);					\
} while (0)

static int containers(const char *subsys)
{
	struct ct_subsys row;
	int ret = ct_subsys(subsys, &row);

	return ret ? ret : row.containers;
}

static int hierarchy(const char *subsys)
{
	struct ct_subsys row;
	int ret = ct_subsys(subsys, &row);

	return ret ? ret : row.hierarchy;
}

/*
 * mkdir
 */

static int make_x(void)
{
	return mkdir(X, 0755) ? -errno : 0;
}

static int remove_x(void)
{
	return rmdir(X) ? -errno : 0;
}

static bool no_x(void)
{
	return containers("cpuset") == 1 && containers("sample") == 1 &&
	       access(X, F_OK) && errno == ENOENT;
}

TEST_F_TIMEOUT(fault, mkdir, LONG_TIMEOUT)
{
	static const struct call call = { make_x, remove_x, no_x, 0 };

	ASSERT_EQ(0, ct_mount("all", T));
	/* A container, its directory, and a state of each of six subsystems. */
	EXPECT_FAULTS(&call, 8, 8);
}

#define FILES_OF_X	20

/*
 * Looking for all the files of a container, which are made then. Those that cannot
 * be made for the first piece of the list, which has the two dots, are for the next.
 */
static int list_x(void)
{
	static char buf[65536];
	int dir = open(X, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0, files = 0;
	long len, pos;

	if (dir < 0)
		return -errno;
	do {
		len = syscall(SYS_getdents64, dir, buf, sizeof(buf));
		if (len < 0)
			ret = -errno;
		for (pos = 0; pos < len; files++)
			pos += ((struct dirent64 *)(buf + pos))->d_reclen;
	} while (len > 0);
	close(dir);
	return ret || files > FILES_OF_X ? ret : -ENODATA;
}

/* Each file is there once, and those that are looked for are there, too. */
static bool is_complete(void)
{
	struct dirent *entry;
	DIR *dir = opendir(X);
	int files = 0, tasks = 0, cpus = 0;

	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		files += entry->d_type == DT_REG;
		tasks += !strcmp(entry->d_name, "tasks");
		cpus += !strcmp(entry->d_name, "cpuset.cpus");
	}
	closedir(dir);
	return files > FILES_OF_X && tasks == 1 && cpus == 1 &&
	       !access(X "/events", F_OK) && !ct_count(X, "procs") &&
	       !remove_x() && no_x() && !make_x();
}

static int nothing(void)
{
	return 0;
}

TEST_F_TIMEOUT(fault, files, LONG_TIMEOUT)
{
	static const struct call call = { list_x, nothing, is_complete, 0 };

	ASSERT_EQ(0, ct_mount("all", T));
	ASSERT_EQ(0, make_x());
	/* A node for each file; opening the directory is what can fail. */
	EXPECT_FAULTS(&call, FILES_OF_X, 1);
}

/*
 * mount
 */

static int mount_all(void)
{
	return mount("none", T, "container", 0,
		     "all,name=fault,release_agent=/bin/true") ? -errno : 0;
}

static int unmount(void)
{
	return ct_umount(T);
}

static bool nothing_mounted(void)
{
	static const char *const names[] = {
		"cpuset", "cpuacct", "numtasks", "bc", "ns", "sample",
	};
	char buf[256];

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (hierarchy(names[i]) || containers(names[i]) != 1)
			return false;
	return !ct_proc_read(getpid(), "container", buf, sizeof(buf));
}

TEST_F_TIMEOUT(fault, mount, LONG_TIMEOUT)
{
	static const struct call call = { mount_all, unmount, nothing_mounted, 0 };

	ct_mkdir(T);
	/* More than 20 files, each of which belongs to a subsystem. */
	EXPECT_FAULTS(&call, 40, 40);
}

static int remount_more(void)
{
	return ct_remount("cpuset,cpuacct,bc,sample,release_agent=/bin/true", T);
}

static int remount_less(void)
{
	return ct_remount("cpuset", T);
}

static bool only_cpuset(void)
{
	return hierarchy("cpuset") > 0 && !hierarchy("cpuacct") &&
	       !hierarchy("bc") && !hierarchy("sample") &&
	       !access(T "/cpuset.cpus", F_OK) &&
	       access(T "/cpuacct.usage", F_OK) && errno == ENOENT &&
	       access(T "/sample.members", F_OK) && errno == ENOENT;
}

TEST_F_TIMEOUT(fault, remount, LONG_TIMEOUT)
{
	static const struct call call = { remount_more, remount_less, only_cpuset, 0 };

	ASSERT_EQ(0, ct_mount("cpuset", T));
	EXPECT_FAULTS(&call, 15, 15);
}

static int remount_other(void)
{
	return ct_remount("cpuacct,bc,sample", T);
}

static int remount_back(void)
{
	int ret = ct_remount("cpuset", T);

	return ret ? ret : ct_write(T, "cpuset.sched_load_balance", "0");
}

static bool only_cpuset_as_it_was(void)
{
	return only_cpuset() && !ct_read_num(T, "cpuset.sched_load_balance");
}

/* What a subsystem has in the root is lost only when it goes. */
TEST_F_TIMEOUT(fault, remount_other, LONG_TIMEOUT)
{
	static const struct call call = {
		remount_other, remount_back, only_cpuset_as_it_was, 0
	};

	ASSERT_EQ(0, ct_mount("cpuset", T));
	ASSERT_EQ(0, ct_write(T, "cpuset.sched_load_balance", "0"));
	EXPECT_FAULTS(&call, 60, 25);
}

/*
 * attach, fork
 */

static pid_t process, tids[3];
static int procs_of_b;

/* One thread in the root, one in a, one in b, which is where they all go. */
static int attach(void)
{
	return ct_fd_write(procs_of_b, ct_path("%d", process));
}

static int scatter(void)
{
	int ret = ct_attach(T, tids[0]);

	return ret ? ret : ct_attach(A, tids[1]);
}

static bool is_scattered(void)
{
	return ct_has(T, "tasks", tids[0]) == 1 && ct_count(A, "tasks") == 1 &&
	       ct_has(A, "tasks", tids[1]) == 1 && ct_count(B, "tasks") == 1 &&
	       ct_has(B, "tasks", tids[2]) == 1 &&
	       ct_read_num(A, "sample.members") == 1 &&
	       ct_read_num(B, "sample.members") == 1;
}

/* Containers a and b that can have members. */
static int make_two(void)
{
	static const char *const conts[] = { A, B };
	int ret = 0;

	for (int i = 0; i < 2 && !ret; i++) {
		ret = ct_mkdir(conts[i]);
		if (!ret)
			ret = ct_write(conts[i], "cpuset.cpus", "0-3");
		if (!ret)
			ret = ct_write(conts[i], "cpuset.mems", "0-1");
	}
	return ret;
}

TEST_F_TIMEOUT(fault, attach, LONG_TIMEOUT)
{
	static const struct call call = { attach, scatter, is_scattered, 0 };

	ASSERT_EQ(0, ct_mount(LIST, T));
	ASSERT_EQ(0, make_two());
	process = ct_process(NULL, 3, tids);
	ASSERT_LT(0, process);
	ASSERT_EQ(0, ct_attach(B, tids[2]));
	ASSERT_EQ(0, scatter());
	procs_of_b = ct_open(B, "procs", O_WRONLY);
	ASSERT_LE(0, procs_of_b);
	/* What was written, and one more container_move: the first is not allocated. */
	EXPECT_FAULTS(&call, 2, 2);
	close(procs_of_b);
	ct_kill(process);
	EXPECT_EQ(0, ct_read_num(A, "sample.members"));
	EXPECT_EQ(0, ct_read_num(B, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
}

static pid_t child;

static int fork_once(void)
{
	child = fork();
	if (!child)
		_exit(0);
	return child < 0 ? -errno : 0;
}

static int wait_once(void)
{
	return ct_wait(child);
}

/* Who looks has the file that he looks at. */
static bool is_alone(void)
{
	return ct_count(A, "tasks") == 1 && ct_read_num(A, "sample.members") == 1 &&
	       ct_read_key(A, "numtasks.stats", "numtasks: Current usage") == 1 &&
	       ct_read_num(A, "bc.numfiles.held") == 1;
}

TEST_F_TIMEOUT(fault, fork, LONG_TIMEOUT)
{
	static const struct call call = { fork_once, wait_once, is_alone, EAGAIN };
	unsigned long nodes = 1;

	ASSERT_EQ(0, ct_mount(LIST, T));
	ASSERT_EQ(0, make_two());
	ASSERT_EQ(0, ct_enter(A));
	/* The child gets a copy of that, too. */
	ASSERT_EQ(0, syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 3));
	EXPECT_FAULTS(&call, 11, 11);
	ASSERT_EQ(0, ct_enter(T));
	EXPECT_EQ(0, ct_read_num(A, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(A));
}

static int pair[2];

static int open_two(void)
{
	return pipe2(pair, O_CLOEXEC) ? -errno : 0;
}

static int close_two(void)
{
	return close(pair[0]) || close(pair[1]) ? -errno : 0;
}

/* Of two files the second one may have been the one that failed. */
static bool none_held(void)
{
	return ct_read_num(A, "bc.numfiles.held") == 1;
}

TEST_F_TIMEOUT(fault, open, LONG_TIMEOUT)
{
	static const struct call call = { open_two, close_two, none_held, ENFILE };

	ASSERT_EQ(0, ct_mount(LIST, T));
	ASSERT_EQ(0, make_two());
	ASSERT_EQ(0, ct_enter(A));
	/* Two files and what they are files of. */
	EXPECT_FAULTS(&call, 3, 3);
	ASSERT_EQ(0, ct_enter(T));
	EXPECT_EQ(0, ct_read_num(A, "bc.numfiles.held"));
	EXPECT_EQ(0, ct_rmdir(A));
}

/*
 * Namespaces
 */

static int clone_once(void)
{
	struct clone_args args = {
		.flags = CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
	};

	child = syscall(SYS_clone3, &args, sizeof(args));
	if (!child)
		_exit(0);
	return child < 0 ? -errno : 0;
}

static int wait_container(void)
{
	int ret = ct_wait(child);

	return ret ? ret : ns_wait_containers(1);
}

/* It has never been there, so there is nothing to wait for. */
static bool no_container(void)
{
	return ns_containers() == 1;
}

TEST_F_TIMEOUT(fault, clone, LONG_TIMEOUT)
{
	static const struct call call = {
		clone_once, wait_container, no_container, ENOSPC,
	};

	ASSERT_EQ(0, ct_mount("all", T));
	/* Those of fork and of mkdir. */
	EXPECT_FAULTS(&call, 18, 18);
}

/* What a child has to tell of unshare(2), which it can call once only. */
static struct {
	int ret;
	int left;
	int containers;
} *told;

static int unshare_at(void *n)
{
	/* The counter is that of a thread. */
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_file < 0 || fail_nth(*(int *)n))
		return -EPROTO;
	told->ret = unshare(CLONE_NEWUTS | CLONE_NEWIPC) ? -errno : 0;
	told->left = nth_left();
	fail_nth(0);
	told->containers = ns_containers();
	return ns_is_in(getpid(), "/%d", getpid());
}

TEST_F_TIMEOUT(fault, unshare, LONG_TIMEOUT)
{
	int n = 0;

	told = ct_shared(sizeof(*told));
	ASSERT_EQ(0, ct_mount("all", T));
	do {
		bool moved;
		int ret;

		n++;
		ASSERT_GT(MOST, n);
		ret = ct_call(unshare_at, &n);
		ASSERT_LE(0, ret);
		moved = ret;
		ASSERT_LE(0, told->left);
		ASSERT_TRUE(!told->ret ||
			    ((told->ret == -ENOMEM || told->ret == -ENOSPC) &&
			     !told->left))
			TH_LOG("allocation %d: %d", n, told->ret);
		EXPECT_EQ(!told->ret, moved) TH_LOG("allocation %d", n);
		EXPECT_EQ(told->ret ? 1 : 2, told->containers)
			TH_LOG("allocation %d", n);
		self->failed += told->ret != 0;
		ASSERT_EQ(0, ns_wait_containers(1));
	} while (!told->left);
	TH_LOG("%d allocations, %d failures", n - 1, self->failed);
	EXPECT_LE(8, self->failed);
}

TEST_HARNESS_MAIN
