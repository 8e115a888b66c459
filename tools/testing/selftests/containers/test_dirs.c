// SPDX-License-Identifier: GPL-2.0
/*
 * Directories are containers: making, removing and renaming them, their names,
 * and trees of any shape. Who may is in test_permission.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define LIST	"name=t"

#define LONG_TIMEOUT	300

FIXTURE(dirs)
{
	char name[NAME_MAX + 2];
};

FIXTURE_SETUP(dirs)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
}

FIXTURE_TEARDOWN_PARENT(dirs)
{
	EXPECT_EQ(0, ct_reset());
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static int ct_rename(const char *from, const char *to)
{
	return rename(from, to) ? -errno : 0;
}

/*
 * mkdir
 */

/* mkdir creates a container, empty, with its files; anywhere in the tree. */
TEST_F(dirs, mkdir)
{
	struct stat st;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b/c"));
	EXPECT_EQ(-EEXIST, ct_mkdir(T "/a"));
	EXPECT_EQ(-EEXIST, ct_mkdir(T "/a/b"));
	EXPECT_EQ(-ENOENT, ct_mkdir(T "/x/y"));
	EXPECT_EQ(0, ct_count(T "/a/b/c", "tasks"));
	EXPECT_EQ(0, ct_read_key(T "/a/b/c", "events", "populated"));
	ASSERT_EQ(0, stat(T "/a/b", &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	EXPECT_EQ(0755, st.st_mode & 07777);
	/* Its own, its parent's, one child's. */
	EXPECT_EQ(3, st.st_nlink);
}

/* Hole 12: no newline in a name, be it made or given later. */
TEST_F(dirs, newline_in_name)
{
	static const char *const wrong[] = {
		T "/a\nb", T "/\n", T "/a\n", T "/\na",
	};
	unsigned int i;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, ct_mkdir(wrong[i]));
		EXPECT_EQ(-EINVAL, ct_rename(T "/a", wrong[i]));
		EXPECT_FALSE(exists(wrong[i]));
		EXPECT_TRUE(exists(T "/a"));
	}
}

/* All other names will do, up to 255 bytes, and are shown as they are. */
TEST_F(dirs, other_names)
{
	static const char *const right[] = {
		"a b", "a:b", "a,b", "\xc3\xa9", "a\\b", "...", "-", "\t", "\"",
		"a (deleted)", "\x01", "\xff", "%s%n",
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(right); i++) {
		const char *cont = ct_path(T "/%s", right[i]);

		ASSERT_EQ(0, ct_mkdir(cont)) TH_LOG("name %u", i);
		pid = ct_sleeper(cont);
		ASSERT_LT(0, pid);
		EXPECT_TRUE(ct_is_in(pid, LIST, ct_path("/%s", right[i])))
			TH_LOG("name %u", i);
		ct_kill(pid);
		ASSERT_EQ(0, ct_rmdir(cont));
	}
	memset(self->name, 'n', sizeof(self->name));
	self->name[NAME_MAX + 1] = '\0';
	EXPECT_GT(0, ct_mkdir(ct_path(T "/%s", self->name)));
	self->name[NAME_MAX] = '\0';
	EXPECT_EQ(0, ct_mkdir(ct_path(T "/%s", self->name)));
	EXPECT_EQ(0, ct_rmdir(ct_path(T "/%s", self->name)));
}

/* Nothing can be made in a container that is removed. */
TEST_F(dirs, mkdir_in_removed)
{
	int dir;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	dir = open(T "/a", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	ASSERT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(-1, mkdirat(dir, "b", 0755));
	EXPECT_TRUE(errno == ENOENT || errno == ENODEV);
	EXPECT_EQ(-1, openat(dir, "tasks", O_RDONLY));
	close(dir);
}

/*
 * rmdir
 */

/* Members or children: EBUSY, and the container is as usable as before. */
TEST_F(dirs, rmdir_busy)
{
	pid_t tid[2], pid;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a"));

	/* One thread of a process is enough. */
	pid = ct_process(NULL, 2, tid);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T "/a/b", tid[1]));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a/b"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a"));
	EXPECT_EQ(1, ct_count(T "/a/b", "tasks"));
	EXPECT_EQ(0, ct_attach_process(T "/a/b", pid));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a/b"));

	/* As soon as it has moved on. */
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_EQ(0, ct_rmdir(T "/a/b"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a"));
	ASSERT_EQ(0, ct_attach_process(T, pid));
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(-ENOENT, ct_rmdir(T "/a"));
	ct_kill(pid);
}

/* Open files and directories do not keep a container. */
TEST_F(dirs, rmdir_with_open_files)
{
	int dir, tasks, events;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	dir = open(T "/a", O_RDONLY | O_DIRECTORY);
	tasks = ct_open(T "/a", "tasks", O_RDWR);
	events = ct_open(T "/a", "events", O_RDONLY);
	ASSERT_LE(0, dir);
	ASSERT_LE(0, tasks);
	ASSERT_LE(0, events);
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_EQ(0, ct_mkdir(T "/a"));
	close(dir);
	close(tasks);
	close(events);
	EXPECT_TRUE(exists(T "/a/tasks"));
}

/* Half-read files neither; after what was buffered they end in ENODEV. */
TEST_F(dirs, rmdir_with_half_read_file)
{
	int fd, ret;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	pid = ct_process(T "/a", 10, NULL);
	ASSERT_LT(0, pid);
	fd = ct_open(T "/a", "tasks", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, read(fd, &byte, 1));
	ct_kill(pid);
	EXPECT_EQ(0, ct_rmdir(T "/a"));
	do {
		ret = read(fd, &byte, 1);
	} while (ret == 1);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(ENODEV, errno);
	close(fd);
}

/*
 * Hole 54: as soon as the last member has been waited for, rmdir succeeds.
 * 1,000 times on two kernels: killed, ended by itself, with threads.
 */
TEST_F_TIMEOUT(dirs, rmdir_after_wait, LONG_TIMEOUT)
{
	pid_t pid;
	int i;

	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		switch (i % 4) {
		case 0:
			pid = ct_sleeper(T "/a");
			ASSERT_LT(0, pid);
			ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
			break;
		case 1:
			pid = ct_process(T "/a", 4, NULL);
			ASSERT_LT(0, pid);
			ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
			break;
		default:
			pid = ct_fork();
			if (!pid)
				_exit(ct_enter(T "/a") ? 1 : 0);
			ASSERT_EQ(0, ct_wait(pid));
		}
		ASSERT_EQ(0, ct_rmdir(T "/a")) TH_LOG("round %d", i);
	}
}

static void *last_one(void *unused)
{
	(void)unused;
	/* The leader is gone by then, or not. */
	exit(0);
}

/* The same where the first thread ends before the last one. */
TEST_F_TIMEOUT(dirs, rmdir_after_wait_leaderless, LONG_TIMEOUT)
{
	pthread_t thread;
	pid_t pid;
	int i;

	for (i = 0; i < 250; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		pid = ct_fork();
		if (!pid) {
			if (ct_enter(T "/a") ||
			    pthread_create(&thread, NULL, last_one, NULL))
				_exit(1);
			syscall(SYS_exit, 0);
		}
		ASSERT_EQ(0, ct_wait(pid));
		ASSERT_EQ(0, ct_rmdir(T "/a")) TH_LOG("round %d", i);
	}
}

static int rmdir_with_zombie(void *unused)
{
	siginfo_t info;
	pid_t pid, ns;
	int ret;

	(void)unused;
	if (unshare(CLONE_NEWPID))
		return -EPROTO;
	ns = fork();
	if (ns)
		return ct_wait(ns);
	/* The first process of a pid namespace: the reaper of its zombies. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid = fork();
	if (!pid) {
		ret = ct_enter(T "/a");
		_exit(ret ? 1 : 0);
	}
	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) || info.si_status)
		_exit(2);
	ret = ct_rmdir(T "/a");
	_exit(ret ? 3 : 0);
}

/*
 * Hole 23: the reaper of a pid namespace removes a container of a child that
 * is a zombie: no deadlock, and a zombie pins nothing.
 */
TEST_F(dirs, rmdir_by_reaper)
{
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	EXPECT_EQ(0, ct_call(rmdir_with_zombie, NULL));
	EXPECT_FALSE(exists(T "/a"));
}

struct removers {
	pthread_barrier_t barrier;
	int result[8];
	int next;
};

static void *remover(void *arg)
{
	struct removers *removers = arg;
	int i = __atomic_fetch_add(&removers->next, 1, __ATOMIC_SEQ_CST);

	pthread_barrier_wait(&removers->barrier);
	removers->result[i] = ct_rmdir(T "/a");
	return NULL;
}

/* Hole 24: of eight that remove one container at once, one succeeds. */
TEST_F_TIMEOUT(dirs, rmdir_by_many, LONG_TIMEOUT)
{
	struct removers removers;
	pthread_t thread[8];
	int i, j, removed;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		removers.next = 0;
		pthread_barrier_init(&removers.barrier, NULL, 8);
		for (j = 0; j < 8; j++)
			ASSERT_EQ(0, pthread_create(&thread[j], NULL, remover,
						    &removers));
		removed = 0;
		for (j = 0; j < 8; j++)
			pthread_join(thread[j], NULL);
		for (j = 0; j < 8; j++) {
			removed += !removers.result[j];
			if (removers.result[j])
				EXPECT_EQ(-ENOENT, removers.result[j]);
		}
		EXPECT_EQ(1, removed);
		pthread_barrier_destroy(&removers.barrier);
	}
}

/* The root container is removed by unmounting alone. */
TEST_F(dirs, rmdir_root)
{
	EXPECT_GT(0, ct_rmdir(T));
	EXPECT_TRUE(exists(T "/tasks"));
	ASSERT_EQ(0, chdir(T));
	EXPECT_GT(0, ct_rmdir("."));
	ASSERT_EQ(0, chdir("/"));
}

/*
 * rename
 */

/* Within one parent a container is renamed, with all that belongs to it. */
TEST_F(dirs, rename)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, ct_write(T "/a", "notify_on_release", "1"));
	pid = ct_sleeper(T "/a/b");
	ASSERT_LT(0, pid);
	fd = ct_open(T "/a/b", "tasks", O_RDWR);
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, ct_rename(T "/a", T "/z"));
	EXPECT_FALSE(exists(T "/a"));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/z/b"));
	EXPECT_EQ(1, ct_has(T "/z/b", "tasks", pid));
	EXPECT_EQ(1, ct_read_num(T "/z", "notify_on_release"));
	/* Files that were open are the same ones. */
	ASSERT_EQ(0, ct_attach(T, pid));
	EXPECT_EQ(0, ct_fd_write(fd, ct_path("%d", pid)));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/z/b"));
	close(fd);

	ASSERT_EQ(0, ct_rename(T "/z/b", T "/z/a longer name than before"));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/z/a longer name than before"));
	EXPECT_EQ(0, ct_rename(T "/z", T "/z"));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_rmdir(T "/z/a longer name than before"));
}

/* Not elsewhere, not over another, not a file; then nothing has changed. */
TEST_F(dirs, rename_refused)
{
	pid_t pid;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, ct_mkdir(T "/c"));
	pid = ct_sleeper(T "/a/b");
	ASSERT_LT(0, pid);
	EXPECT_GT(0, ct_rename(T "/a/b", T "/b"));
	EXPECT_GT(0, ct_rename(T "/a/b", T "/c/b"));
	EXPECT_GT(0, ct_rename(T "/c", T "/a/c"));
	EXPECT_GT(0, ct_rename(T "/a", T "/a/b/a"));
	EXPECT_GT(0, ct_rename(T "/a", T "/c"));
	EXPECT_GT(0, ct_rename(T "/c", T "/a"));
	EXPECT_GT(0, ct_rename(T "/c", T "/tasks"));
	EXPECT_GT(0, ct_rename(T "/c/tasks", T "/c/members"));
	EXPECT_GT(0, ct_rename(T "/c/tasks", T "/c/procs"));
	EXPECT_GT(0, ct_rename(T "/c/tasks", T "/tasks"));
	EXPECT_EQ(-1, renameat2(AT_FDCWD, T "/a", AT_FDCWD, T "/c",
				RENAME_EXCHANGE));
	EXPECT_EQ(-1, renameat2(AT_FDCWD, T "/a", AT_FDCWD, T "/c",
				RENAME_NOREPLACE));
	EXPECT_TRUE(exists(T "/a/b/tasks"));
	EXPECT_TRUE(exists(T "/c/tasks"));
	EXPECT_TRUE(exists(T "/c/procs"));
	EXPECT_FALSE(exists(T "/b"));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/a/b"));
	ct_kill(pid);
}

/*
 * Trees
 */

/* A directory shows what is in it, each name once. */
TEST_F(dirs, list)
{
	int i, containers = 0, files = 0;
	struct dirent *entry;
	DIR *dir;

	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, ct_mkdir(ct_path(T "/c%d", i)));
	for (i = 0; i < 200; i += 2)
		ASSERT_EQ(0, ct_rmdir(ct_path(T "/c%d", i)));
	dir = opendir(T);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_REG)
			files++;
		if (entry->d_type != DT_DIR)
			continue;
		containers++;
		EXPECT_EQ(1, atoi(entry->d_name + 1) % 2);
	}
	closedir(dir);
	EXPECT_EQ(100, containers);
	EXPECT_EQ(7, files);
}

/* So many below the root can be made. */
#define LEVELS	1024

/* Go down @levels directories, making them, from the current one. */
static int make_chain(const char *name, int levels)
{
	int i;

	for (i = 0; i < levels; i++)
		if (mkdir(name, 0755) || chdir(name))
			return -errno;
	return 0;
}

/*
 * Holes 37, 35, 84: 1,024 levels and no more; forking, writing, and asking for the
 * path at their end. The path of 2,048 bytes is shown whole.
 */
TEST_F_TIMEOUT(dirs, deep, LONG_TIMEOUT)
{
	int i, *word = ct_shared(sizeof(int));
	char path[PATH_MAX];
	pid_t pid;

	ASSERT_EQ(0, chdir(T));
	ASSERT_EQ(0, make_chain("d", LEVELS));
	EXPECT_EQ(-ENOSPC, ct_mkdir("d"));
	EXPECT_EQ(0, ct_mkdir("../e"));
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (ct_write(".", "procs", "0"))
			_exit(1);
		ct_futex_wake(word, 1);
		for (;;) {
			pid = fork();
			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
	}
	ct_futex_wait(word, 0);
	EXPECT_EQ(0, ct_wait_populated(".", 1));
	EXPECT_EQ(1, ct_read_key(T "/d", "events", "populated"));
	ASSERT_EQ(0, ct_container_of(pid, LIST, path, sizeof(path)));
	EXPECT_EQ(2 * LEVELS, strlen(path));
	for (i = 0; i < 2 * LEVELS && path[i] == (i % 2 ? 'd' : '/'); i++)
		;
	EXPECT_EQ(2 * LEVELS, i);
	EXPECT_EQ(0, ct_write(".", "notify_on_release", "1"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_populated(".", 0));
	EXPECT_EQ(0, ct_read_key(T "/d", "events", "populated"));
	ASSERT_EQ(0, chdir("/"));
}

/*
 * Hole 35: a path longer than PATH_MAX is refused with ENAMETOOLONG or shown
 * whole; never a wrong one, and never a crash.
 */
TEST_F_TIMEOUT(dirs, long_path, LONG_TIMEOUT)
{
	const int size = 1 << 20, levels = 600;
	char *text = malloc(size);
	pid_t pid;
	int fd, len = 0, n;

	memset(self->name, 'n', NAME_MAX);
	ASSERT_EQ(0, chdir(T));
	ASSERT_EQ(0, make_chain(self->name, levels));
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(".", pid));
	fd = open(ct_path("/proc/%d/container", pid), O_RDONLY);
	ASSERT_LE(0, fd);
	do {
		n = read(fd, text + len, size - len - 1);
		len += n > 0 ? n : 0;
	} while (n > 0);
	if (n < 0) {
		EXPECT_EQ(ENAMETOOLONG, errno);
		EXPECT_EQ(0, len);
	} else {
		text[len] = '\0';
		EXPECT_EQ(levels * (NAME_MAX + 1),
			  strcspn(strchr(text, '/'), "\n"));
	}
	close(fd);
	/* Others, and the same one elsewhere, are not affected. */
	EXPECT_TRUE(ct_is_in(getpid(), LIST, "/"));
	ASSERT_EQ(0, ct_attach(T, pid));
	EXPECT_TRUE(ct_is_in(pid, LIST, "/"));
	ASSERT_EQ(0, ct_attach(".", pid));
	ct_kill(pid);
	ASSERT_EQ(0, chdir("/"));
	free(text);
}

/* A wide one: 1,000 containers, each with its own state. */
TEST_F_TIMEOUT(dirs, wide, LONG_TIMEOUT)
{
	const int count = 1000;
	int i;

	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, ct_mkdir(ct_path(T "/w%d", i)));
		ASSERT_EQ(0, ct_write_num(ct_path(T "/w%d", i),
					  "notify_on_release", i % 2));
	}
	for (i = 0; i < count; i++) {
		ASSERT_EQ(i % 2, ct_read_num(ct_path(T "/w%d", i),
					     "notify_on_release"));
		ASSERT_EQ(0, ct_rmdir(ct_path(T "/w%d", i)));
	}
}

/*
 * Files, which are made when somebody looks for them
 */

/* Nodes of the kernel's pseudo file systems, some of which are not in use. */
static long nodes(void)
{
	char buf[65536], *p;

	if (ct_read("/proc", "slabinfo", buf, sizeof(buf)) < 0)
		return -1;
	p = strstr(buf, "kernfs_node_cache");
	return p ? atol(p + strlen("kernfs_node_cache")) : -1;
}

/* A container has no more of them than were looked for. */
TEST_F_TIMEOUT(dirs, files_on_demand, LONG_TIMEOUT)
{
	/*
	 * What a CPU keeps for itself is listed as in use, or is not, and so is
	 * what KASAN keeps from being used again; it may be less of that later.
	 */
	const int count = 2000, spare = 1500;
	long before;
	int i;

	before = nodes();
	ASSERT_LT(0, before);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, ct_mkdir(ct_path(T "/c%d", i)));
	EXPECT_GE(before + count + spare, nodes());
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, ct_count(ct_path(T "/c%d", i), "tasks"));
	EXPECT_GE(before + 2 * count + spare, nodes());
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, ct_rmdir(ct_path(T "/c%d", i)));
}

/* How often is @name listed in @dir? */
static int listed(const char *dir, const char *name)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int count = 0;

	if (!d)
		return -errno;
	while ((entry = readdir(d)))
		count += !strcmp(entry->d_name, name);
	closedir(d);
	return count;
}

/* Whichever came first, each is there once, and its name is taken. */
TEST_F(dirs, files_and_names)
{
	static const char *const files[] = {
		"tasks", "procs", "notify_on_release", "auto_delete", "kill",
		"events",
	};
	size_t i;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/x"));
	EXPECT_FALSE(exists(T "/a/release_agent"));
	EXPECT_FALSE(exists(T "/a/task"));
	EXPECT_FALSE(exists(T "/a/taskss"));
	EXPECT_FALSE(exists(T "/a/cpuset.cpus"));
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(-EEXIST, ct_mkdir(ct_path(T "/a/%s", files[i])));
		ASSERT_EQ(0, ct_mkdir(T "/b"));
		EXPECT_EQ(-ENOTDIR, ct_rename(T "/a/x", ct_path(T "/a/%s", files[i])))
			TH_LOG("%s", files[i]);
		EXPECT_TRUE(exists(ct_path(T "/b/%s", files[5 - i])));
		EXPECT_EQ(1, listed(T "/b", files[i]));
		EXPECT_EQ(1, listed(T "/b", files[5 - i]));
		EXPECT_TRUE(exists(ct_path(T "/b/%s", files[i])));
		EXPECT_EQ(1, listed(T "/b", files[i]));
		ASSERT_EQ(0, ct_rmdir(T "/b"));
	}
	ASSERT_EQ(0, ct_rename(T "/a/x", T "/a/y"));
}

/* They belong to who made the container, whoever looks, whoever has it by then. */
TEST_F(dirs, files_and_owner)
{
	struct stat st;

	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, stat(T "/a/procs", &st));
	EXPECT_EQ(0U, st.st_uid);
	ASSERT_EQ(0, chown(T "/a", CT_UID, CT_UID));
	ASSERT_EQ(0, stat(T "/a/tasks", &st));
	EXPECT_EQ(0U, st.st_uid);
	EXPECT_EQ(0U, st.st_gid);
	EXPECT_EQ(0644U, st.st_mode & 07777);
}

static int make_as_user(void *unused)
{
	if (ct_become(CT_UID))
		return -EPROTO;
	return ct_mkdir(T "/u/v");
}

TEST_F(dirs, files_of_a_user)
{
	struct stat st;

	ASSERT_EQ(0, ct_mkdir(T "/u"));
	ASSERT_EQ(0, chown(T "/u", CT_UID, CT_UID));
	ASSERT_EQ(0, ct_call(make_as_user, NULL));
	ASSERT_EQ(0, chown(T "/u/v", 0, 0));
	ASSERT_EQ(0, stat(T "/u/v/tasks", &st));
	EXPECT_EQ((uid_t)CT_UID, st.st_uid);
}

/* In a directory that is no more there are none. */
TEST_F(dirs, files_of_removed)
{
	int dir, i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		if (i == 1)
			EXPECT_TRUE(exists(T "/a/tasks"));
		dir = open(T "/a", O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, dir);
		if (i == 2) {
			/* Removed by the kernel. */
			ASSERT_EQ(0, ct_write(T "/a", "auto_delete", "1"));
			ct_kill(ct_sleeper(T "/a"));
			EXPECT_EQ(0, ct_wait_gone(T "/a"));
		} else {
			ASSERT_EQ(0, ct_rmdir(T "/a"));
		}
		EXPECT_EQ(-1, openat(dir, "tasks", O_RDONLY));
		EXPECT_EQ(ENOENT, errno);
		EXPECT_EQ(-1, openat(dir, "kill", O_WRONLY));
		EXPECT_EQ(ENOENT, errno);
		EXPECT_EQ(-1, mkdirat(dir, "b", 0755));
		close(dir);
	}
}

static volatile bool stop_looking;

static void *looker(void *arg)
{
	while (!stop_looking) {
		int dir = open(T "/a", O_RDONLY | O_DIRECTORY);
		char buf[4096];

		if (dir < 0)
			continue;
		sched_yield();
		close(openat(dir, arg, O_RDONLY));
		if (!*(char *)arg)
			syscall(SYS_getdents64, dir, buf, sizeof(buf));
		close(dir);
	}
	return NULL;
}

/* Those that look for a file and who removes the directory do not mind. */
TEST_F_TIMEOUT(dirs, look_and_remove, LONG_TIMEOUT)
{
	static char *const names[] = { "tasks", "events", "" };
	pthread_t threads[3];
	int i;

	stop_looking = false;
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, looker, names[i]));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		if (i % 3 == 0)
			ASSERT_EQ(0, ct_mkdir(T "/a/b"));
		sched_yield();
		if (i % 3 == 0)
			ASSERT_EQ(0, ct_rmdir(T "/a/b"));
		ASSERT_EQ(0, ct_rmdir(T "/a"));
	}
	stop_looking = true;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

TEST_HARNESS_MAIN
