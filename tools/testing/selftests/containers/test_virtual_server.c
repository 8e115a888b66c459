// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual server: processes with namespaces of their own, and with that,
 * without anyone doing more, a container in which they are placed, counted and
 * limited by all subsystems at once. It ends, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"
#include "ns_util.h"
#include "numtasks_util.h"

#define T	CT_DIR "/t"
#define SITE	T "/site"
#define INSIDE	CT_DIR "/inside"

#define HELD	"bc.numfiles.held"
#define FAILCNT	"bc.numfiles.failcnt"

#define SERVER_FLAGS	(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS |	\
			 CLONE_NEWIPC | CLONE_NEWNET)

#define MS		1000000LL
#define MOST_FILES	64

/**
 * struct server - the first process of a virtual server; memory shared with it
 * @pid: its number outside; its container's name
 * @cont: its container's path
 * @turn: futex word, 1 while the server has the word
 * @what: what it does then
 * @result: what came of it: a number, or -errno
 * @error: errno of what it could not do any more
 */
struct server {
	pid_t pid;
	char cont[64];
	int turn;
	int what;
	long result;
	int error;
};

enum {
	DO_LOOK, DO_NAME, DO_MOUNT, DO_CPUS, DO_FORK, DO_OPEN, DO_CLOSE,
	DO_OPEN_AS_USER, DO_BURN, DO_ESCAPE, DO_RAISE, DO_NEST, DO_END,
};

static int files[MOST_FILES], nr_files;

/* As many as there may be. */
static int open_files(struct server *server)
{
	while (nr_files < MOST_FILES) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0) {
			server->error = errno;
			break;
		}
		files[nr_files++] = fd;
	}
	return nr_files;
}

static int close_files(void)
{
	while (nr_files)
		close(files[--nr_files]);
	return 0;
}

static int open_as_user(struct server *server)
{
	pid_t pid = fork();

	if (!pid) {
		if (ct_become(CT_UID))
			_exit(255);
		_exit(open_files(server));
	}
	return pid < 0 ? -errno : ct_wait(pid);
}

static int fork_all(struct server *server)
{
	int count = 0;
	pid_t pid;

	while (count < NT_MAX && (pid = nt_sleeper()) > 0)
		count++;
	server->error = pid < 0 ? -pid : 0;
	return count;
}

static long long thread_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static int burn(int ms)
{
	long long end = thread_time() + ms * MS;

	while (thread_time() < end)
		continue;
	return 0;
}

static long cpus_inside(void)
{
	cpu_set_t cpus;
	long mask = 0;
	int i;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -errno;
	for (i = 0; i < 32; i++)
		if (CPU_ISSET(i, &cpus))
			mask |= 1L << i;
	return mask;
}

/* What is mounted in here nobody outside sees. */
static int mount_inside(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", INSIDE, "tmpfs", 0, NULL) ||
	    mkdir(INSIDE "/x", 0755))
		return -errno;
	return 0;
}

/* By all ways out that there could be: the error, if it is always the same. */
static int escape(struct server *server)
{
	int ret = ct_write(T, "tasks", "0");

	if (ct_write(T, "procs", "0") != ret ||
	    ct_write(SITE, "tasks", "0") != ret ||
	    ct_write(SITE, "procs", "0") != ret)
		return -EPROTO;
	return ret;
}

/* Without privilege outside: to be allowed more. */
static int raise_limits(struct server *server)
{
	int ret = ct_write(server->cont, "bc.numfiles.limit", "100000");

	if (ct_write(server->cont, "numtasks.shares", "max_shares=-3") != ret ||
	    ct_write(server->cont, "cpuset.cpus", "0-3") != ret ||
	    ct_write(server->cont, "auto_delete", "0") != ret ||
	    ct_mkdir(ct_path("%s/own", server->cont)) != ret)
		return -EPROTO;
	return ret;
}

static void server_main(struct server *server)
{
	for (;; ct_futex_wake(&server->turn, 0)) {
		ct_futex_wait(&server->turn, 0);
		server->error = 0;
		switch (server->what) {
		case DO_LOOK:
			server->result = getpid();
			break;
		case DO_NAME:
			server->result = sethostname("inside", 6) ? -errno : 0;
			break;
		case DO_MOUNT:
			server->result = mount_inside();
			break;
		case DO_CPUS:
			server->result = cpus_inside();
			break;
		case DO_FORK:
			server->result = fork_all(server);
			break;
		case DO_OPEN:
			server->result = open_files(server);
			break;
		case DO_CLOSE:
			server->result = close_files();
			break;
		case DO_OPEN_AS_USER:
			server->result = open_as_user(server);
			break;
		case DO_BURN:
			server->result = burn(100);
			break;
		case DO_ESCAPE:
			server->result = escape(server);
			break;
		case DO_RAISE:
			server->result = raise_limits(server);
			break;
		case DO_NEST:
			server->result = ns_sleeper(CLONE_NEWPID | CLONE_NEWUTS);
			break;
		default:
			_exit(3);
		}
	}
}

static long order(struct server *server, int what)
{
	server->what = what;
	ct_futex_wake(&server->turn, 1);
	ct_futex_wait(&server->turn, 1);
	return server->result;
}

/* Shared memory is a file that counts: it is there before what is compared. */
static struct server *servers;
static int nr_servers;

static struct server *server_new(void)
{
	return &servers[nr_servers++];
}

/* Start one; its container is below the caller's. */
static struct server *server_start(unsigned long long flags)
{
	struct server *server = server_new();
	pid_t pid = ns_clone(flags);

	if (!pid)
		server_main(server);
	server->pid = pid;
	snprintf(server->cont, sizeof(server->cont), T "/%d", pid);
	return server;
}

/* Its end, by its first process, and that of all others with it. */
static int server_end(struct server *server)
{
	server->what = DO_END;
	ct_futex_wake(&server->turn, 1);
	return ct_wait(server->pid);
}

/* What the root had before; it has the same afterwards. */
FIXTURE(virtual_server)
{
	long long held;
	char host[128];
};

FIXTURE_SETUP(virtual_server)
{
	struct utsname name;
	int ret = ct_mkdir(CT_DIR);

	ASSERT_TRUE(!ret || ret == -EEXIST);
	ret = ct_mkdir(INSIDE);
	ASSERT_TRUE(!ret || ret == -EEXIST);
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, nt_settle());
	ASSERT_EQ(0, nt_defaults());
	ASSERT_EQ(0, nt_mount("cpuset,cpuacct,numtasks,bc,ns", T));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(1, ns_containers());
	ASSERT_EQ(0, uname(&name));
	snprintf(self->host, sizeof(self->host), "%s", name.nodename);
	servers = ct_shared(4 * sizeof(*servers));
	/* Who is exiting is counted until it has done so. */
	ASSERT_EQ(nt_user_threads(), nt_usage(T));
	self->held = ct_read_num(T, HELD);
	ASSERT_LE(0, self->held);
}

FIXTURE_TEARDOWN_PARENT(virtual_server)
{
	EXPECT_EQ(0, nt_defaults());
	EXPECT_EQ(0, ct_reset());
}

/* One server, from its start to its end, as seen from outside. */
TEST_F_TIMEOUT(virtual_server, life, 120)
{
	struct utsname name;
	struct server *server;
	struct ct_pids pids;
	long long before;
	int left = 0;
	size_t i;

	server = server_start(SERVER_FLAGS);
	ASSERT_LT(0, server->pid);
	EXPECT_TRUE(ns_is_in(server->pid, "/%d", server->pid));
	EXPECT_EQ(2, ns_containers());
	EXPECT_EQ(1, ct_read_num(server->cont, "auto_delete"));
	EXPECT_EQ(1, order(server, DO_LOOK));
	EXPECT_EQ(1, nt_usage(server->cont));
	EXPECT_EQ(0, ct_read_num(server->cont, HELD));
	EXPECT_EQ(256, ct_read_num(server->cont, "bc.numfiles.barrier"));
	EXPECT_EQ(512, ct_read_num(server->cont, "bc.numfiles.limit"));

	/* Names and mounts are its own. */
	EXPECT_EQ(0, order(server, DO_NAME));
	ASSERT_EQ(0, uname(&name));
	EXPECT_STREQ(self->host, name.nodename);
	EXPECT_EQ(0, order(server, DO_MOUNT));
	EXPECT_EQ(-1, access(INSIDE "/x", F_OK));

	/* Its CPU. */
	EXPECT_EQ(0xf, order(server, DO_CPUS));
	ASSERT_EQ(0, ct_write(server->cont, "cpuset.cpus", "2"));
	EXPECT_EQ(0x4, order(server, DO_CPUS));
	before = ct_read_num(server->cont, "cpuacct.usage");
	EXPECT_LE(0, before);
	EXPECT_EQ(0, order(server, DO_BURN));
	EXPECT_LE(before + 50 * MS,
		  ct_read_num(server->cont, "cpuacct.usage"));

	/* Its files: for root up to the limit, for others up to the barrier. */
	ASSERT_EQ(0, ct_write(server->cont, "bc.numfiles.barrier", "8"));
	ASSERT_EQ(0, ct_write(server->cont, "bc.numfiles.limit", "12"));
	EXPECT_EQ(8, order(server, DO_OPEN_AS_USER));
	EXPECT_EQ(EMFILE, server->error);
	EXPECT_EQ(0, ct_read_num(server->cont, HELD));
	EXPECT_EQ(1, ct_read_num(server->cont, FAILCNT));
	EXPECT_EQ(12, order(server, DO_OPEN));
	EXPECT_EQ(EMFILE, server->error);
	EXPECT_EQ(12, ct_read_num(server->cont, HELD));
	EXPECT_EQ(12, ct_read_num(server->cont, "bc.numfiles.maxheld"));
	EXPECT_EQ(2, ct_read_num(server->cont, FAILCNT));
	EXPECT_EQ(0, order(server, DO_CLOSE));
	EXPECT_EQ(0, ct_read_num(server->cont, HELD));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));

	/* Its processes. */
	ASSERT_EQ(0, nt_set(server->cont, "max_shares", 10));
	EXPECT_EQ(9, order(server, DO_FORK));
	EXPECT_EQ(EAGAIN, server->error);
	EXPECT_EQ(10, nt_usage(server->cont));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(10, ct_count(server->cont, "tasks"));
	ASSERT_EQ(0, ct_read_pids(server->cont, "procs", &pids));
	EXPECT_EQ(10UL, pids.count);
	/* They hold these to their end. */
	EXPECT_EQ(12, order(server, DO_OPEN));

	EXPECT_EQ(3, server_end(server));
	for (i = 0; i < pids.count; i++)
		left += !kill(pids.pid[i], 0);
	EXPECT_EQ(0, left);
	ct_free_pids(&pids);
	EXPECT_EQ(0, ct_wait_gone(server->cont));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
	ASSERT_EQ(0, uname(&name));
	EXPECT_STREQ(self->host, name.nodename);
}

/* Two do not disturb each other, and one is killed. */
TEST_F_TIMEOUT(virtual_server, two, 120)
{
	struct server *one = server_start(SERVER_FLAGS);
	struct server *two = server_start(SERVER_FLAGS);

	ASSERT_LT(0, one->pid);
	ASSERT_LT(0, two->pid);
	EXPECT_EQ(3, ns_containers());
	ASSERT_EQ(0, nt_set(one->cont, "max_shares", 5));
	ASSERT_EQ(0, nt_set(two->cont, "max_shares", 7));
	ASSERT_EQ(0, ct_write(one->cont, "cpuset.cpus", "0"));
	ASSERT_EQ(0, ct_write(two->cont, "cpuset.cpus", "1,3"));
	ASSERT_EQ(0, ct_write(one->cont, "bc.numfiles.barrier", "3"));
	ASSERT_EQ(0, ct_write(one->cont, "bc.numfiles.limit", "3"));
	EXPECT_EQ(3, order(one, DO_OPEN));
	EXPECT_EQ(EMFILE, one->error);
	EXPECT_EQ(4, order(one, DO_FORK));
	EXPECT_EQ(EAGAIN, one->error);
	EXPECT_EQ(MOST_FILES, order(two, DO_OPEN));
	EXPECT_EQ(6, order(two, DO_FORK));
	EXPECT_EQ(EAGAIN, two->error);
	EXPECT_EQ(0x1, order(one, DO_CPUS));
	EXPECT_EQ(0xa, order(two, DO_CPUS));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));

	ASSERT_EQ(0, ct_write(one->cont, "kill", "1"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(one->pid));
	EXPECT_EQ(0, ct_wait_gone(one->cont));
	EXPECT_EQ(0, ns_wait_containers(2));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(1, order(two, DO_LOOK));
	EXPECT_EQ(7, ct_count(two->cont, "tasks"));
	EXPECT_EQ(MOST_FILES, ct_read_num(two->cont, HELD));
	EXPECT_EQ(3, server_end(two));
	EXPECT_EQ(0, ct_wait_gone(two->cont));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

/* A server in a server has no more than that one. */
TEST_F_TIMEOUT(virtual_server, nested, 120)
{
	struct server *server = server_start(SERVER_FLAGS);
	char inner[128];
	char cpus[64];
	pid_t pid = 0;
	int i;

	ASSERT_LT(0, server->pid);
	ASSERT_EQ(0, ct_write(server->cont, "cpuset.cpus", "1"));
	ASSERT_EQ(0, nt_set(server->cont, "max_shares", 4));
	EXPECT_EQ(2, order(server, DO_NEST));
	EXPECT_EQ(3, ns_containers());
	EXPECT_EQ(1, ct_count(server->cont, "tasks"));
	/* By the name of its number outside. */
	for (i = 1; i < 1000 && !pid; i++)
		if (!access(ct_path("%s/%d", server->cont, server->pid + i),
			    F_OK))
			pid = server->pid + i;
	ASSERT_LT(0, pid);
	snprintf(inner, sizeof(inner), "%s/%d", server->cont, pid);
	EXPECT_TRUE(ns_is_in(pid, "/%d/%d", server->pid, pid));
	ASSERT_LT(0, ct_read(inner, "cpuset.cpus", cpus, sizeof(cpus)));
	EXPECT_STREQ("1\n", cpus);
	EXPECT_EQ(1, nt_usage(inner));
	EXPECT_EQ(2, nt_usage(server->cont));
	EXPECT_EQ(2, order(server, DO_FORK));
	EXPECT_EQ(EAGAIN, server->error);
	/* Nor a third one. */
	EXPECT_EQ(-EAGAIN, order(server, DO_NEST));
	EXPECT_EQ(3, ns_containers());
	EXPECT_EQ(3, server_end(server));
	EXPECT_EQ(0, ct_wait_gone(server->cont));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

/* Root inside, with all capabilities, does not get out. */
TEST_F_TIMEOUT(virtual_server, no_escape, 120)
{
	struct server *server;

	ASSERT_EQ(0, ct_mkdir(SITE));
	ASSERT_EQ(0, ct_write(SITE, "cpuset.cpus", "0-3"));
	ASSERT_EQ(0, ct_write(SITE, "cpuset.mems", "0"));
	server = server_start(SERVER_FLAGS);
	ASSERT_LT(0, server->pid);
	EXPECT_EQ(-EPERM, order(server, DO_ESCAPE));
	EXPECT_TRUE(ns_is_in(server->pid, "/%d", server->pid));
	EXPECT_EQ(0, ct_count(SITE, "tasks"));
	EXPECT_EQ(3, server_end(server));
	EXPECT_EQ(0, ct_wait_gone(server->cont));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(0, ct_read_num(SITE, HELD));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

/* A user's server, in a user namespace: limits are not the user's. */
TEST_F_TIMEOUT(virtual_server, unprivileged, 120)
{
	struct server *server = server_new();
	pid_t user, pid;

	user = ct_fork();
	if (!user) {
		pid = ct_become(CT_UID) ? -1 :
		      ns_clone(SERVER_FLAGS | CLONE_NEWUSER);
		if (!pid)
			server_main(server);
		ct_futex_wake(&server->pid, pid);
		for (;;)
			pause();
	}
	ASSERT_LT(0, user);
	ct_futex_wait(&server->pid, 0);
	ASSERT_LT(0, server->pid);
	snprintf(server->cont, sizeof(server->cont), T "/%d", server->pid);
	EXPECT_TRUE(ns_is_in(server->pid, "/%d", server->pid));
	ASSERT_EQ(0, ct_write(server->cont, "bc.numfiles.barrier", "6"));
	ASSERT_EQ(0, ct_write(server->cont, "bc.numfiles.limit", "20"));
	ASSERT_EQ(0, nt_set(server->cont, "max_shares", 3));
	EXPECT_EQ(-EACCES, order(server, DO_RAISE));
	EXPECT_EQ(0, order(server, DO_NAME));
	/* All capabilities inside are none for that. */
	EXPECT_EQ(6, order(server, DO_OPEN));
	EXPECT_EQ(EMFILE, server->error);
	EXPECT_EQ(2, order(server, DO_FORK));
	EXPECT_EQ(EAGAIN, server->error);
	ct_kill(user);
	EXPECT_EQ(0, ct_wait_gone(server->cont));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

/* As long as someone outside has one of its files, its container stays. */
TEST_F_TIMEOUT(virtual_server, file_outlives_server, 120)
{
	struct server *server = server_start(SERVER_FLAGS);
	int pidfd, fd, first;

	ASSERT_LT(0, server->pid);
	EXPECT_EQ(MOST_FILES, order(server, DO_OPEN));
	first = open("/dev/null", O_RDONLY);
	ASSERT_LE(0, first);
	close(first);
	pidfd = syscall(SYS_pidfd_open, server->pid, 0);
	ASSERT_LE(0, pidfd);
	/* The lowest number that is free here is the first one there. */
	fd = syscall(SYS_pidfd_getfd, pidfd, first, 0);
	ASSERT_LE(0, fd);
	close(pidfd);
	EXPECT_EQ(3, server_end(server));
	EXPECT_EQ(0, ct_wait_populated(server->cont, 0));
	usleep(CT_IDLE_MS * 1000);
	EXPECT_EQ(2, ns_containers());
	EXPECT_EQ(1, ct_read_num(server->cont, HELD));
	EXPECT_EQ(-EBUSY, ct_rmdir(server->cont));
	close(fd);
	EXPECT_EQ(0, ct_wait_gone(server->cont));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

static int start_in_full_site(void *unused)
{
	pid_t pid;
	int i;

	if (ct_enter(SITE))
		return -EPROTO;
	for (i = 0; i < 50; i++) {
		pid = ns_clone(SERVER_FLAGS);
		if (!pid)
			_exit(0);
		if (pid != -EAGAIN)
			return -EPROTO;
	}
	return ns_containers();
}

/* A server that there is no room for leaves nothing in any subsystem. */
TEST_F_TIMEOUT(virtual_server, refused, 120)
{
	struct server *server;

	ASSERT_EQ(0, ct_mkdir(SITE));
	ASSERT_EQ(0, ct_write(SITE, "cpuset.cpus", "0-3"));
	ASSERT_EQ(0, ct_write(SITE, "cpuset.mems", "0"));
	ASSERT_EQ(0, nt_set(SITE, "max_shares", 1));
	EXPECT_EQ(2, ct_call(start_in_full_site, NULL));
	EXPECT_EQ(2, ns_containers());
	EXPECT_EQ(0, nt_usage(SITE));
	EXPECT_EQ(0, ct_rmdir(SITE));
	/* In the root there is room. */
	server = server_start(SERVER_FLAGS);
	ASSERT_LT(0, server->pid);
	EXPECT_EQ(3, server_end(server));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(self->held, ct_read_num(T, HELD));
}

TEST_HARNESS_MAIN
