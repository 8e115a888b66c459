// SPDX-License-Identifier: GPL-2.0
/*
 * bc: a file is charged once, to the container it was opened in, until it is
 * freed; up to the barrier or the limit, and not by one more.
 *
 * Those who look are in the root, where the files count that they open to do so.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MNT	CT_DIR "/bc"
#define A	MNT "/a"
#define B	MNT "/b"
#define X	MNT "/x"
#define AB	MNT "/a/b"

#define TRACING	"/sys/kernel/tracing"
#define REFUSED	TRACING "/events/container/container_charge_refused"

#define UNLIMITED	((long long)LONG_MAX)
#define BARRIER		256
#define LIMIT		512

static const char * const files[] = {
	"held", "maxheld", "minheld", "failcnt", "barrier", "limit",
};

#define FILES	((int)ARRAY_SIZE(files))

static long long num(const char *cont, const char *file)
{
	return ct_read_num(cont, ct_path("bc.numfiles.%s", file));
}

static int set(const char *cont, const char *file, const char *text)
{
	return ct_write(cont, ct_path("bc.numfiles.%s", file), text);
}

static long long held(const char *cont)
{
	return num(cont, "held");
}

static int set_limits(const char *cont, long long barrier, long long limit)
{
	int ret = set(cont, "barrier", "0");

	if (!ret)
		ret = set(cont, "limit", ct_path("%lld\n", limit));
	if (!ret)
		ret = set(cont, "barrier", ct_path("%lld\n", barrier));
	return ret;
}

/*
 * Workers: children that call functions when they are told to. The functions
 * return 0 (or a number) or -errno.
 */
struct worker {
	pid_t pid;
	int calls;
	struct worker_call {
		int (*fn)(int arg);
		int arg;
		int ret;
		int todo;
		int done;
	} *call;
};

static void work(struct worker_call *call)
{
	for (int i = 0;; i++) {
		ct_futex_wait(&call->todo, i);
		call->ret = call->fn(call->arg);
		ct_futex_wake(&call->done, i + 1);
	}
}

/* Where the caller is if @cont is NULL. It has no file that is charged there. */
static int worker_start(struct worker *worker, const char *cont)
{
	worker->calls = 0;
	worker->call = ct_shared(sizeof(*worker->call));
	worker->pid = ct_fork();
	if (worker->pid < 0)
		return -errno;
	if (!worker->pid)
		work(worker->call);
	return cont ? ct_attach_process(cont, worker->pid) : 0;
}

static int worker_do(struct worker *worker, int (*fn)(int arg), int arg)
{
	int n = worker->calls++;

	worker->call->fn = fn;
	worker->call->arg = arg;
	ct_futex_wake(&worker->call->todo, n + 1);
	ct_futex_wait(&worker->call->done, n);
	return worker->call->ret;
}

/* As many files are closed then as it has got. */
static void worker_end(struct worker *worker)
{
	ct_kill(worker->pid);
}

/*
 * What workers do
 */

static int fds[1024];
static int nfds;

static int keep(int fd)
{
	if (fd < 0)
		return -errno;
	fds[nfds++] = fd;
	return 0;
}

static int keep_both(int ret, const int *pair)
{
	if (ret < 0)
		return -errno;
	fds[nfds++] = pair[0];
	fds[nfds++] = pair[1];
	return 0;
}

static int do_close(int count)
{
	while (count-- > 0)
		if (!nfds || close(fds[--nfds]))
			return -EBADF;
	return 0;
}

static int do_close_all(int arg)
{
	return do_close(nfds);
}

static int make_open(int arg)
{
	return keep(open("/", O_RDONLY | O_DIRECTORY));
}

static int make_path(int arg)
{
	return keep(open("/", O_PATH));
}

static int make_tmpfile(int arg)
{
	return keep(open("/tmp", O_TMPFILE | O_RDWR, 0600));
}

static int make_dups(int arg)
{
	int ret = make_open(0);

	if (!ret)
		ret = keep(dup(fds[nfds - 1]));
	if (!ret)
		ret = keep(fcntl(fds[nfds - 1], F_DUPFD, 100));
	return ret;
}

static int make_pipe(int arg)
{
	int pair[2];

	return keep_both(pipe(pair), pair);
}

static int make_socketpair(int arg)
{
	int pair[2];

	return keep_both(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), pair);
}

static int make_socket(int arg)
{
	return keep(socket(AF_UNIX, SOCK_STREAM, 0));
}

/* A socket that listens, and one that is connected to it. */
static int make_connected(int arg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int ret = make_socket(0);
	int fd;

	if (ret)
		return ret;
	fd = fds[nfds - 1];
	/* The kernel chooses a name. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr.sun_family)) ||
	    listen(fd, 1) || getsockname(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	ret = make_socket(0);
	if (!ret && connect(fds[nfds - 1], (struct sockaddr *)&addr, len))
		ret = -errno;
	return ret;
}

static int do_accept(int listener)
{
	return keep(accept(fds[listener], NULL, NULL));
}

static int make_accept(int arg)
{
	int listener = nfds;
	int ret = make_connected(0);

	return ret ? ret : do_accept(listener);
}

static int make_memfd(int arg)
{
	return keep(memfd_create("bc", 0));
}

static int make_epoll(int arg)
{
	return keep(epoll_create1(0));
}

static int make_eventfd(int arg)
{
	return keep(eventfd(0, 0));
}

static int make_timerfd(int arg)
{
	return keep(timerfd_create(CLOCK_MONOTONIC, 0));
}

static int make_signalfd(int arg)
{
	sigset_t set;

	sigemptyset(&set);
	return keep(signalfd(-1, &set, 0));
}

static int make_inotify(int arg)
{
	return keep(inotify_init1(0));
}

static int make_pidfd(int arg)
{
	return keep(syscall(SYS_pidfd_open, getpid(), 0));
}

static int make_io_uring(int arg)
{
	struct io_uring_params params = {};

	return keep(syscall(SYS_io_uring_setup, 4, &params));
}

static const struct {
	const char *name;
	int (*make)(int arg);
	int files;
} kinds[] = {
	{ "open", make_open, 1 },
	{ "O_PATH", make_path, 1 },
	{ "O_TMPFILE", make_tmpfile, 1 },
	{ "dup", make_dups, 1 },
	{ "pipe", make_pipe, 2 },
	{ "socketpair", make_socketpair, 2 },
	{ "socket", make_socket, 1 },
	{ "accept", make_accept, 3 },
	{ "memfd", make_memfd, 1 },
	{ "epoll", make_epoll, 1 },
	{ "eventfd", make_eventfd, 1 },
	{ "timerfd", make_timerfd, 1 },
	{ "signalfd", make_signalfd, 1 },
	{ "inotify", make_inotify, 1 },
	{ "pidfd", make_pidfd, 1 },
	{ "io_uring", make_io_uring, 1 },
};

#define KINDS	((int)ARRAY_SIZE(kinds))

/* Opens files one by one; stops at the first that is refused. */
static int do_open(int count)
{
	int ret = 0;

	while (!ret && count-- > 0)
		ret = make_open(0);
	return ret;
}

static int do_become(int uid)
{
	return ct_become(uid);
}

static int do_unshare(int flags)
{
	return unshare(flags) ? -errno : 0;
}

static int do_read_held(int arg)
{
	return held(A);
}

static int do_exec(int arg)
{
	execl("/proc/self/exe", "exec", "--exit", NULL);
	return -errno;
}

/* A child that does nothing, and outlives the worker. */
static int do_fork(int arg)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid < 0 ? -errno : pid;
}

static void *mapping;

/* A file without a descriptor. */
static int do_map(int arg)
{
	int ret = keep(open("/proc/self/exe", O_RDONLY));

	if (ret)
		return ret;
	mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[nfds - 1], 0);
	return mapping == MAP_FAILED ? -errno : do_close(1);
}

/* Memory that is shared is a file, too. */
static int do_share(int arg)
{
	mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return mapping == MAP_FAILED ? -errno : 0;
}

static int do_unmap(int arg)
{
	return munmap(mapping, 4096) ? -errno : 0;
}

static struct {
	pthread_t thread;
	int tid;
	int go;
	int ret;
} other;

static void *open_when_told(void *arg)
{
	ct_futex_wake(&other.tid, race_gettid());
	ct_futex_wait(&other.go, 0);
	other.ret = make_open(0);
	return arg;
}

/* A thread that waits; returns its id. */
static int do_start_thread(int arg)
{
	int ret = pthread_create(&other.thread, NULL, open_when_told, NULL);

	if (ret)
		return -ret;
	ct_futex_wait(&other.tid, 0);
	return other.tid;
}

/* It opens a file, and ends. */
static int do_thread_open(int arg)
{
	ct_futex_wake(&other.go, 1);
	pthread_join(other.thread, NULL);
	return other.ret;
}

union control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Pass on the file that was opened last, through an inherited socket. */
static int do_send(int sock)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control = {};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fds[nfds - 1], sizeof(int));
	return sendmsg(sock, &msg, 0) < 0 ? -errno : 0;
}

/* Returns the file that was passed. */
static int receive(int sock)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control = {};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, &msg, 0) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

/* Each test has the hierarchy "bc" to itself, with two containers. */
FIXTURE(bc) {
	int unused;
};

FIXTURE_SETUP(bc)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("bc", MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
}

FIXTURE_TEARDOWN_PARENT(bc)
{
	EXPECT_EQ(0, ct_reset());
}

/*
 * The control files
 */

TEST_F(bc, files)
{
	struct stat st;

	for (int i = 0; i < FILES; i++) {
		unsigned int mode = i ? 0644 : 0444;

		ASSERT_EQ(0, stat(ct_path(MNT "/bc.numfiles.%s", files[i]),
				  &st))
			TH_LOG("%s", files[i]);
		EXPECT_EQ(mode, st.st_mode & 0777);
		ASSERT_EQ(0, stat(ct_path(A "/bc.numfiles.%s", files[i]), &st));
		EXPECT_EQ(mode, st.st_mode & 0777);
	}
	/* At least the one that is read. */
	EXPECT_LE(1, held(MNT));
	EXPECT_LE(1, num(MNT, "maxheld"));
	EXPECT_EQ(UNLIMITED, num(MNT, "barrier"));
	EXPECT_EQ(UNLIMITED, num(MNT, "limit"));
	/* Whatever the parent has. */
	ASSERT_EQ(0, set_limits(A, 3, 4));
	ASSERT_EQ(0, ct_mkdir(AB));
	EXPECT_EQ(3, num(A, "barrier"));
	EXPECT_EQ(4, num(A, "limit"));
	for (int i = 0; i < 2; i++) {
		const char *cont = i ? AB : B;

		EXPECT_EQ(0, held(cont));
		EXPECT_EQ(0, num(cont, "maxheld"));
		EXPECT_EQ(0, num(cont, "minheld"));
		EXPECT_EQ(0, num(cont, "failcnt"));
		EXPECT_EQ(BARRIER, num(cont, "barrier"));
		EXPECT_EQ(LIMIT, num(cont, "limit"));
	}
}

TEST_F(bc, barrier_and_limit_values)
{
	static const struct {
		const char *file, *text;
		int ret;
		long long barrier, limit;
	} writes[] = {
		{ "barrier", "513", -EINVAL, 256, 512 },
		{ "limit", "255", -EINVAL, 256, 512 },
		{ "barrier", "512", 0, 512, 512 },
		{ "limit", "511", -EINVAL, 512, 512 },
		{ "limit", "600\n", 0, 512, 600 },
		{ "barrier", " 0x10\n", 0, 16, 600 },
		{ "limit", "16", 0, 16, 16 },
		{ "limit", "9223372036854775808", -EINVAL, 16, 16 },
		{ "limit", "18446744073709551615", -EINVAL, 16, 16 },
		{ "limit", "18446744073709551632", -EINVAL, 16, 16 },
		{ "limit", "9223372036854775807", 0, 16, UNLIMITED },
		{ "barrier", "9223372036854775808", -EINVAL, 16, UNLIMITED },
		{ "barrier", "9223372036854775807", 0, UNLIMITED, UNLIMITED },
		{ "limit", "0", -EINVAL, UNLIMITED, UNLIMITED },
		{ "barrier", "0", 0, 0, UNLIMITED },
		{ "limit", "0\n", 0, 0, 0 },
		{ "barrier", "1", -EINVAL, 0, 0 },
		{ "limit", "-1", -EINVAL, 0, 0 },
		{ "limit", "x", -EINVAL, 0, 0 },
		{ "limit", "5x", -EINVAL, 0, 0 },
		{ "limit", "5 6", -EINVAL, 0, 0 },
		{ "limit", "\n", -EINVAL, 0, 0 },
		{ "limit", "0x", -EINVAL, 0, 0 },
		{ "limit", "7", 0, 0, 7 },
		{ "barrier", "-1", -EINVAL, 0, 7 },
		{ "barrier", "1.0", -EINVAL, 0, 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		EXPECT_EQ(writes[i].ret,
			  set(A, writes[i].file, writes[i].text))
			TH_LOG("%s = '%s'", writes[i].file, writes[i].text);
		EXPECT_EQ(writes[i].barrier, num(A, "barrier"));
		EXPECT_EQ(writes[i].limit, num(A, "limit"));
	}
	EXPECT_NE(0, ct_write_bytes(A, "bc.numfiles.limit", "8\0", 3));
	EXPECT_EQ(7, num(A, "limit"));
	/* Nobody else's have changed. */
	EXPECT_EQ(BARRIER, num(B, "barrier"));
	EXPECT_EQ(LIMIT, num(B, "limit"));
	EXPECT_EQ(UNLIMITED, num(MNT, "limit"));
}

TEST_F(bc, only_0_is_written_to_counts)
{
	static const char * const bad[] = { "1", "-1", "x", "0 0", "0x", "\n" };
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 3, 3));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(-EMFILE, worker_do(&worker, do_open, 4));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, set(A, "maxheld", bad[i]));
		EXPECT_EQ(-EINVAL, set(A, "minheld", bad[i]));
		EXPECT_EQ(-EINVAL, set(A, "failcnt", bad[i]));
		EXPECT_NE(0, set(A, "held", bad[i]));
	}
	EXPECT_NE(0, set(A, "held", "0"));
	EXPECT_EQ(2, held(A));
	EXPECT_EQ(3, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "minheld"));
	EXPECT_EQ(1, num(A, "failcnt"));
	worker_end(&worker);
}

TEST_F(bc, maxheld_and_minheld)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 5));
	ASSERT_EQ(0, worker_do(&worker, do_close, 2));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(5, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "minheld"));
	EXPECT_EQ(0, set(A, "maxheld", "0"));
	EXPECT_EQ(3, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "minheld"));
	EXPECT_EQ(0, set(A, "minheld", "0\n"));
	EXPECT_EQ(3, num(A, "minheld"));
	ASSERT_EQ(0, worker_do(&worker, do_open, 4));
	EXPECT_EQ(7, num(A, "maxheld"));
	EXPECT_EQ(3, num(A, "minheld"));
	ASSERT_EQ(0, worker_do(&worker, do_close, 6));
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(7, num(A, "maxheld"));
	EXPECT_EQ(1, num(A, "minheld"));
	EXPECT_EQ(0, set(A, "maxheld", "0"));
	EXPECT_EQ(1, num(A, "maxheld"));
	worker_end(&worker);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(1, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "minheld"));
	EXPECT_EQ(0, num(B, "maxheld"));
}

TEST_F(bc, removed)
{
	int open_files[FILES];
	char buf[64];

	for (int i = 0; i < FILES; i++) {
		open_files[i] = ct_open(A, ct_path("bc.numfiles.%s", files[i]),
					i ? O_RDWR : O_RDONLY);
		ASSERT_LE(0, open_files[i]);
	}
	ASSERT_EQ(0, ct_rmdir(A));
	for (int i = 0; i < FILES; i++) {
		EXPECT_EQ(-1, read(open_files[i], buf, sizeof(buf)));
		EXPECT_EQ(ENODEV, errno);
		if (i) {
			EXPECT_EQ(-ENODEV, ct_fd_write(open_files[i], "0"));
		}
		close(open_files[i]);
	}
}

/*
 * What is counted
 */

TEST_F_TIMEOUT(bc, kinds_of_files, 60)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	for (int i = 0; i < KINDS; i++) {
		EXPECT_EQ(0, set(A, "maxheld", "0"));
		EXPECT_EQ(0, set(A, "failcnt", "0"));
		EXPECT_EQ(0, worker_do(&worker, kinds[i].make, 0))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(kinds[i].files, held(A))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(kinds[i].files, num(A, "maxheld"));
		EXPECT_EQ(0, worker_do(&worker, do_close_all, 0));
		EXPECT_EQ(0, held(A))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, num(A, "failcnt"));

		/* It is refused, counted once, and leaves nothing behind. */
		EXPECT_EQ(0, set_limits(A, 0, kinds[i].files - 1));
		EXPECT_EQ(-EMFILE, worker_do(&worker, kinds[i].make, 0))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(1, num(A, "failcnt"))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, worker_do(&worker, do_close_all, 0));
		EXPECT_EQ(0, held(A))
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, set_limits(A, BARRIER, LIMIT));
	}
	worker_end(&worker);
	EXPECT_EQ(0, ct_rmdir(A));
}

/* Hole 20: a connection for which there was no file is still there afterwards. */
TEST_F(bc, accept_again)
{
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 2, 2));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, make_connected, 0));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_accept, 0));
	EXPECT_EQ(1, num(A, "failcnt"));
	ASSERT_EQ(0, set_limits(A, 3, 3));
	EXPECT_EQ(0, worker_do(&worker, do_accept, 0));
	EXPECT_EQ(3, held(A));
	worker_end(&worker);
	EXPECT_EQ(0, held(A));
}

/* A file that is mapped is in use without a descriptor. */
TEST_F(bc, mapped)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	EXPECT_EQ(0, worker_do(&worker, do_map, 0));
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(0, worker_do(&worker, do_unmap, 0));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, worker_do(&worker, do_share, 0));
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(0, worker_do(&worker, do_unmap, 0));
	EXPECT_EQ(0, held(A));
	ASSERT_EQ(0, set_limits(A, 0, 0));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_share, 0));
	EXPECT_EQ(1, num(A, "failcnt"));
	EXPECT_EQ(0, held(A));
	worker_end(&worker);
}

TEST_F(bc, fork_shares)
{
	struct worker worker;
	pid_t pid;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 3));
	pid = worker_do(&worker, do_fork, 0);
	ASSERT_LT(0, pid);
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(0, worker_do(&worker, do_close, 3));
	EXPECT_EQ(3, held(A));
	worker_end(&worker);
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(3, num(A, "maxheld"));
}

/* Who looks from inside sees himself. */
TEST_F(bc, looking_from_inside)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	EXPECT_EQ(1, worker_do(&worker, do_read_held, 0));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(1, num(A, "maxheld"));
	worker_end(&worker);
}

/* Containers are independent of those above and below. */
TEST_F(bc, flat)
{
	struct worker worker;

	ASSERT_EQ(0, ct_mkdir(AB));
	ASSERT_EQ(0, set_limits(A, 0, 0));
	ASSERT_EQ(0, worker_start(&worker, AB));
	EXPECT_EQ(0, worker_do(&worker, do_open, 3));
	EXPECT_EQ(3, held(AB));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "failcnt"));
	worker_end(&worker);
}

/*
 * Barrier and limit
 */

TEST_F(bc, barrier_for_users_limit_for_root)
{
	struct worker root, user;

	ASSERT_EQ(0, set_limits(A, 8, 12));
	ASSERT_EQ(0, worker_start(&root, A));
	ASSERT_EQ(0, worker_start(&user, A));
	ASSERT_EQ(0, worker_do(&user, do_become, CT_UID));

	EXPECT_EQ(0, worker_do(&user, do_open, 8));
	EXPECT_EQ(0, num(A, "failcnt"));
	for (int i = 1; i <= 3; i++) {
		EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
		EXPECT_EQ(i, num(A, "failcnt"));
		EXPECT_EQ(8, held(A));
	}
	EXPECT_EQ(0, worker_do(&user, do_close, 1));
	EXPECT_EQ(0, worker_do(&user, do_open, 1));
	EXPECT_EQ(3, num(A, "failcnt"));

	/* Beyond the barrier is no failure for root. */
	EXPECT_EQ(0, worker_do(&root, do_open, 4));
	EXPECT_EQ(12, held(A));
	EXPECT_EQ(3, num(A, "failcnt"));
	EXPECT_EQ(-EMFILE, worker_do(&root, do_open, 1));
	EXPECT_EQ(4, num(A, "failcnt"));
	EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
	EXPECT_EQ(5, num(A, "failcnt"));
	EXPECT_EQ(12, held(A));
	EXPECT_EQ(12, num(A, "maxheld"));

	/* A user gets nothing until it is below the barrier again. */
	EXPECT_EQ(0, worker_do(&root, do_close, 4));
	EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
	EXPECT_EQ(0, worker_do(&user, do_close, 2));
	EXPECT_EQ(0, worker_do(&user, do_open, 2));
	EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
	EXPECT_EQ(7, num(A, "failcnt"));
	EXPECT_EQ(0, set(A, "failcnt", "0"));
	EXPECT_EQ(0, num(A, "failcnt"));
	worker_end(&root);
	worker_end(&user);
	EXPECT_EQ(0, held(A));
}

/* CAP_SYS_ADMIN in a user namespace of one's own does not help. */
TEST_F(bc, user_namespace)
{
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 2, 10));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_become, CT_UID));
	ASSERT_EQ(0, worker_do(&worker, do_unshare, CLONE_NEWUSER));
	EXPECT_EQ(0, worker_do(&worker, do_open, 2));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 1));
	EXPECT_EQ(1, num(A, "failcnt"));
	EXPECT_EQ(2, held(A));
	worker_end(&worker);
}

/* Of two files there is room for one. */
TEST_F(bc, half_a_pipe)
{
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 4, 4));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 3));
	EXPECT_EQ(-EMFILE, worker_do(&worker, make_pipe, 0));
	EXPECT_EQ(1, num(A, "failcnt"));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(-EMFILE, worker_do(&worker, make_socketpair, 0));
	EXPECT_EQ(2, num(A, "failcnt"));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(4, num(A, "maxheld"));
	worker_end(&worker);
}

/* exec opens the program. */
TEST_F(bc, exec_refused)
{
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 0, 0));
	ASSERT_EQ(0, worker_start(&worker, A));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_exec, 0));
	EXPECT_EQ(1, num(A, "failcnt"));
	EXPECT_EQ(0, held(A));
	worker_end(&worker);
}

/* A limit below what is held takes nothing away. */
TEST_F(bc, limit_below_held)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 5));
	ASSERT_EQ(0, set_limits(A, 3, 3));
	EXPECT_EQ(5, held(A));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, worker_do(&worker, do_close, 2));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, worker_do(&worker, do_open, 1));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(2, num(A, "failcnt"));
	worker_end(&worker);
}

/* In the root users can be kept below a barrier, too; until it is mounted anew. */
TEST_F(bc, root)
{
	struct worker worker;
	long long failed = num(MNT, "failcnt");

	ASSERT_EQ(0, worker_start(&worker, NULL));
	ASSERT_EQ(0, worker_do(&worker, do_become, CT_UID));
	EXPECT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, set(MNT, "barrier", "0"));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 1));
	EXPECT_EQ(failed + 1, num(MNT, "failcnt"));
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(MNT));
	EXPECT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, ct_mount("bc", MNT));
	EXPECT_EQ(0, worker_do(&worker, do_open, 1));
	EXPECT_EQ(UNLIMITED, num(MNT, "barrier"));
	EXPECT_EQ(UNLIMITED, num(MNT, "limit"));
	worker_end(&worker);
}

/*
 * Whose it is
 */

TEST_F(bc, moved)
{
	struct worker worker;

	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 3));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	ASSERT_EQ(0, ct_attach_process(B, worker.pid));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(0, held(B));
	ASSERT_EQ(0, worker_do(&worker, do_open, 2));
	EXPECT_EQ(3, held(A));
	EXPECT_EQ(2, held(B));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	ASSERT_EQ(0, worker_do(&worker, do_close, 4));
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(0, held(B));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, ct_rmdir(A));
	worker_end(&worker);
	EXPECT_EQ(0, ct_rmdir(B));
}

/* Of a process, the thread that opens. */
TEST_F(bc, single_thread)
{
	struct worker worker;
	int tid;

	ASSERT_EQ(0, worker_start(&worker, A));
	tid = worker_do(&worker, do_start_thread, 0);
	ASSERT_LT(0, tid);
	ASSERT_EQ(0, ct_attach(B, tid));
	EXPECT_EQ(0, worker_do(&worker, do_thread_open, 0));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(1, held(B));
	/* Whoever joins a thread may be faster than its exit. */
	ASSERT_EQ(0, ct_wait_populated(B, 0));
	EXPECT_EQ(-EBUSY, ct_rmdir(B));
	EXPECT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, held(B));
	EXPECT_EQ(0, ct_rmdir(B));
	worker_end(&worker);
}

/* Hole 20: a child somewhere else has what it inherited when the opener is gone. */
TEST_F(bc, inherited)
{
	struct worker worker;
	pid_t pid;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 2));
	pid = worker_do(&worker, do_fork, 0);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(B, pid));
	worker_end(&worker);
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(2, held(A));
	EXPECT_EQ(0, held(B));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
}

/* Hole 20: a file that is on its way from one process to another. */
TEST_F(bc, passed)
{
	struct worker worker;
	int pair[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, worker_do(&worker, do_send, pair[1]));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	/* On its way. */
	EXPECT_EQ(1, held(A));
	worker_end(&worker);
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	fd = receive(pair[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, held(A));
	EXPECT_EQ(1, num(A, "maxheld"));
	EXPECT_EQ(-EBUSY, ct_rmdir(A));
	close(fd);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, ct_rmdir(A));

	/* Nobody takes it. */
	ASSERT_EQ(0, worker_start(&worker, B));
	ASSERT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, worker_do(&worker, do_send, pair[1]));
	worker_end(&worker);
	EXPECT_EQ(1, held(B));
	close(pair[1]);
	close(pair[0]);
	EXPECT_EQ(0, held(B));
	EXPECT_EQ(0, ct_rmdir(B));
}

/* A container without members is in use, until its last file is closed. */
TEST_F(bc, auto_delete)
{
	struct worker worker;
	struct stat st;

	ASSERT_EQ(0, ct_write(A, "auto_delete", "1"));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, ct_attach_process(B, worker.pid));
	usleep(CT_IDLE_MS * 1000);
	EXPECT_EQ(0, stat(A, &st));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, ct_wait_gone(A));
	worker_end(&worker);
}

/*
 * It becomes empty when its last file is closed, so an agent that was asked for
 * after its last member had left is told.
 */
TEST_F(bc, agent)
{
	struct ct_agent agent;
	struct worker worker;
	char line[256];

	ASSERT_EQ(0, ct_agent_start(&agent, "agent", ""));
	ASSERT_EQ(0, ct_write(MNT, "release_agent", agent.path));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, worker_do(&worker, do_open, 1));
	ASSERT_EQ(0, ct_attach_process(B, worker.pid));
	ASSERT_EQ(0, ct_write(A, "notify_on_release", "1"));
	EXPECT_NE(0, ct_agent_next(&agent, line, sizeof(line), CT_IDLE_MS));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, ct_agent_next(&agent, line, sizeof(line), CT_WAIT_MS));
	EXPECT_STREQ("/a", line);
	worker_end(&worker);
	ct_agent_end(&agent);
}

/*
 * Mounts
 */

/* Files from before are nobody's. */
TEST_F(bc, opened_before_mount)
{
	struct worker worker;
	long long before;

	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, worker_start(&worker, NULL));
	ASSERT_EQ(0, worker_do(&worker, do_open, 3));
	ASSERT_EQ(0, ct_mount("bc", MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	before = held(MNT);
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(before, held(MNT));
	ASSERT_EQ(0, ct_attach_process(A, worker.pid));
	EXPECT_EQ(0, held(A));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, num(A, "maxheld"));
	ASSERT_EQ(0, worker_do(&worker, do_open, 1));
	EXPECT_EQ(1, held(A));
	worker_end(&worker);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(before, held(MNT));
}

/* The root's files stay charged when it is unmounted. */
TEST_F(bc, open_over_umount)
{
	struct worker worker;
	long long before;

	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, worker_start(&worker, NULL));
	before = held(MNT);
	ASSERT_EQ(0, worker_do(&worker, do_open, 3));
	EXPECT_EQ(before + 3, held(MNT));
	ASSERT_EQ(0, ct_umount(MNT));
	/* One that counts is closed, two that do not are opened. */
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	ASSERT_EQ(0, worker_do(&worker, do_open, 2));
	ASSERT_EQ(0, ct_mount("bc", MNT));
	EXPECT_EQ(before + 2, held(MNT));
	ASSERT_EQ(0, worker_do(&worker, do_close, 2));
	EXPECT_EQ(before + 2, held(MNT));
	ASSERT_EQ(0, worker_do(&worker, do_close, 1));
	EXPECT_EQ(before + 1, held(MNT));
	worker_end(&worker);
	EXPECT_EQ(before, held(MNT));
}

/* Unmounted with a child it goes on counting. */
TEST_F(bc, unmounted_with_child)
{
	struct worker worker;

	ASSERT_EQ(0, set_limits(A, 4, 4));
	ASSERT_EQ(0, worker_start(&worker, A));
	ASSERT_EQ(0, ct_umount(MNT));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 5));
	ASSERT_EQ(0, ct_mount("bc", MNT));
	EXPECT_EQ(4, held(A));
	EXPECT_EQ(4, num(A, "limit"));
	EXPECT_EQ(1, num(A, "failcnt"));
	worker_end(&worker);
	EXPECT_EQ(0, held(A));
}

/*
 * Namespaces
 */

/* A process in a new namespace, made in @a: the container is named by its pid. */
static pid_t unsharer(void)
{
	int *word = ct_shared(sizeof(int));
	pid_t pid = ct_fork();

	if (!pid) {
		if (ct_enter(A) || unshare(CLONE_NEWUTS))
			_exit(1);
		ct_futex_wake(word, 1);
		for (;;)
			pause();
	}
	ct_futex_wait(word, 0);
	munmap(word, sizeof(int));
	return pid;
}

/* Who makes a namespace gets no higher limits by that, nor higher than usual. */
TEST_F(bc, namespaces)
{
	pid_t pid;

	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, ct_mount("bc,ns", MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_write_num(A, "bc.numfiles.barrier", 10));
	ASSERT_EQ(0, ct_write_num(A, "bc.numfiles.limit", 20));
	pid = unsharer();
	ASSERT_LT(0, pid);
	EXPECT_EQ(10, num(ct_path(A "/%d", pid), "barrier"));
	EXPECT_EQ(20, num(ct_path(A "/%d", pid), "limit"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(ct_path(A "/%d", pid)));

	ASSERT_EQ(0, ct_write_num(A, "bc.numfiles.limit", 2000));
	ASSERT_EQ(0, ct_write_num(A, "bc.numfiles.barrier", 1000));
	pid = unsharer();
	ASSERT_LT(0, pid);
	EXPECT_EQ(256, num(ct_path(A "/%d", pid), "barrier"));
	EXPECT_EQ(512, num(ct_path(A "/%d", pid), "limit"));
	ct_kill(pid);
}

/*
 * The tracepoint
 */

/* How many lines of the trace have this. */
static int traced(const char *what)
{
	static char text[65536];
	const char *line;
	int count = 0;

	if (ct_read(TRACING, "trace", text, sizeof(text)) < 0)
		return -1;
	for (line = text; (line = strstr(line, what)); line++)
		count++;
	return count;
}

/* How many events there are with these fields. */
static int refused(int hierarchy, pid_t pid, const char *comm, int held,
		   int limit)
{
	char who[64];

	snprintf(who, sizeof(who), "pid=%d comm=%s held=%d limit=%d\n", pid,
		 comm, held, limit);
	return traced(ct_path("container_charge_refused: hierarchy=%d %s %s",
			      hierarchy, "path=/a/b resource=numfiles", who));
}

TEST_F(bc, trace)
{
	struct worker worker, user;
	struct ct_subsys row;
	char comm[32];
	int fd;

	ASSERT_EQ(0, ct_subsys("bc", &row));
	ASSERT_EQ(0, ct_mkdir(AB));
	ASSERT_EQ(0, set_limits(AB, 2, 4));
	ASSERT_EQ(0, worker_start(&worker, AB));
	ASSERT_EQ(0, worker_start(&user, AB));
	ASSERT_EQ(0, worker_do(&user, do_become, CT_UID));
	ASSERT_LT(0, ct_proc_read(worker.pid, "comm", comm, sizeof(comm)));
	comm[strcspn(comm, "\n")] = '\0';
	ASSERT_EQ(0, ct_write(TRACING, "tracing_on", "1"));
	fd = ct_open(TRACING, "trace", O_WRONLY | O_TRUNC);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, ct_write(REFUSED, "enable", "1"));

	/* What is granted is no event. */
	EXPECT_EQ(0, worker_do(&worker, do_open, 3));
	EXPECT_EQ(0, traced("container_charge_refused:"));
	EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
	EXPECT_EQ(1, refused(row.hierarchy, user.pid, comm, 3, 2));
	EXPECT_EQ(0, worker_do(&worker, do_open, 1));
	EXPECT_EQ(-EMFILE, worker_do(&worker, do_open, 1));
	EXPECT_EQ(1, refused(row.hierarchy, worker.pid, comm, 4, 4));
	/* In the root. */
	ASSERT_EQ(0, ct_attach_process(MNT, user.pid));
	ASSERT_EQ(0, set(MNT, "barrier", "0"));
	EXPECT_EQ(-EMFILE, worker_do(&user, do_open, 1));
	ASSERT_EQ(0, set_limits(MNT, UNLIMITED, UNLIMITED));
	EXPECT_EQ(1, traced(ct_path("hierarchy=%d path=/ resource=numfiles pid=%d comm=%s ",
				    row.hierarchy, user.pid, comm)));
	EXPECT_EQ(3, traced("container_charge_refused:"));
	EXPECT_EQ(0, ct_write(REFUSED, "enable", "0"));
	worker_end(&worker);
	worker_end(&user);
}

/*
 * Races
 */

#define OPENERS		4
/* Of one worker. */
#define MAX_OPEN	12
#define RACE_LIMIT	20

enum { COUNT_OPENED, COUNT_REFUSED, COUNT_MOVED, COUNT_REMOVED, COUNT_LOOKED };

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Opens some, which may be refused, and closes them all. */
static void opener(struct race *race, void *arg)
{
	pin((long)arg % ct_cpus());
	if (ct_enter(A)) {
		race_fail(race, "cannot enter a");
		return;
	}
	while (!race_over(race)) {
		for (int n = 1 + race_random(MAX_OPEN); n; n--) {
			int ret = make_eventfd(0);

			race_count(race, ret ? COUNT_REFUSED : COUNT_OPENED);
			if (ret && ret != -EMFILE)
				race_fail(race, "open: %d", ret);
		}
		if (do_close_all(0))
			race_fail(race, "close: %d", errno);
	}
}

TEST_F_TIMEOUT(bc, race_limit, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS);

	race_need(race, COUNT_OPENED, 11);
	race_need(race, COUNT_REFUSED, 1);
	ASSERT_EQ(0, set_limits(A, RACE_LIMIT / 2, RACE_LIMIT));
	for (long i = 0; i < OPENERS; i++) {
		ASSERT_LT(0, race_worker(race, opener, (void *)i));
	}
	while (!race_over(race)) {
		long long now = held(A);

		if (now < 0 || now > RACE_LIMIT)
			race_fail(race, "held: %lld", now);
		race_count(race, COUNT_LOOKED);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu opened, %lu refused, %lu looks", race->count[COUNT_OPENED],
	       race->count[COUNT_REFUSED], race->count[COUNT_LOOKED]);
	EXPECT_EQ((long long)race->count[COUNT_REFUSED], num(A, "failcnt"));
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(RACE_LIMIT, num(A, "maxheld"));
	EXPECT_EQ(0, num(A, "minheld"));
	EXPECT_EQ(0, ct_rmdir(A));
}

/* Everybody at once takes what is there: it is all taken, and no more. */
static pthread_barrier_t *gate;

static void taker(struct race *race, void *arg)
{
	pin((long)arg % ct_cpus());
	for (;;) {
		pthread_barrier_wait(gate);
		if (race_stopped(race))
			return;
		for (int i = 0; i < RACE_LIMIT; i++)
			race_count(race, make_eventfd(0) ? COUNT_REFUSED :
							   COUNT_OPENED);
		pthread_barrier_wait(gate);
		/* They are counted now. */
		pthread_barrier_wait(gate);
		do_close_all(0);
	}
}

static void take_all(struct race *race)
{
	race->count[COUNT_OPENED] = 0;
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	if (race->count[COUNT_OPENED] != RACE_LIMIT)
		race_fail(race, "%lu opened", race->count[COUNT_OPENED]);
	if (held(A) != RACE_LIMIT)
		race_fail(race, "held: %lld", held(A));
	if (num(A, "failcnt") != (long long)race->count[COUNT_REFUSED])
		race_fail(race, "failcnt: %lld, not %lu", num(A, "failcnt"),
			  race->count[COUNT_REFUSED]);
	pthread_barrier_wait(gate);
}

TEST_F_TIMEOUT(bc, race_exact, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS / 2);
	pthread_barrierattr_t attr;

	race_need(race, RACE_ROUNDS, 3);
	gate = ct_shared(sizeof(*gate));
	ASSERT_EQ(0, pthread_barrierattr_init(&attr));
	ASSERT_EQ(0, pthread_barrierattr_setpshared(&attr,
						    PTHREAD_PROCESS_SHARED));
	ASSERT_EQ(0, pthread_barrier_init(gate, &attr, OPENERS + 1));
	ASSERT_EQ(0, set_limits(A, RACE_LIMIT, RACE_LIMIT));
	for (long i = 0; i < OPENERS; i++) {
		pid_t pid = race_worker(race, taker, (void *)i);

		ASSERT_LT(0, pid);
		ASSERT_EQ(0, ct_attach_process(A, pid));
	}
	/* What they still have of one round is closed before the next. */
	for (; !race_over(race); race_count(race, RACE_ROUNDS))
		take_all(race);
	race->stop = 1;
	pthread_barrier_wait(gate);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu rounds", race->count[RACE_ROUNDS]);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(RACE_LIMIT, num(A, "maxheld"));
}

/* Resets against charges: whenever it is quiet the values fit together. */
static void fluctuator(struct race *race, void *arg)
{
	pin((long)arg % ct_cpus());
	if (ct_enter(A)) {
		race_fail(race, "cannot enter a");
		return;
	}
	while (!race_over(race)) {
		race_checkpoint(race);
		if (nfds < MAX_OPEN && race_random(2))
			make_eventfd(0);
		else if (nfds)
			do_close(1);
		race_count(race, COUNT_OPENED);
	}
}

static void resetter(struct race *race, void *arg)
{
	const char *what = arg;

	while (!race_over(race)) {
		int ret = set(A, what, "0");

		if (ret)
			race_fail(race, "reset: %d", ret);
		race_checkpoint(race);
	}
}

/* All workers wait; false if the race is over before. */
static bool wait_all(struct race *race)
{
	while (race->waiting < race->workers && !race_over(race))
		race_sleep_us(500);
	return race->waiting == race->workers;
}

TEST_F_TIMEOUT(bc, race_reset, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS / 2);

	race_need(race, RACE_ROUNDS, 3);
	for (long i = 0; i < OPENERS; i++) {
		ASSERT_LT(0, race_worker(race, fluctuator, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, resetter, "maxheld"));
	ASSERT_LT(0, race_worker(race, resetter, "minheld"));
	while (!race_over(race)) {
		race_sleep_us(race_random(5000));
		race->paused = 1;
		if (wait_all(race)) {
			long long min = num(A, "minheld"), now = held(A);
			long long max = num(A, "maxheld");

			if (min < 0 || min > now || now > max ||
			    max > OPENERS * MAX_OPEN)
				race_fail(race, "min %lld, held %lld, max %lld",
					  min, now, max);
			race_count(race, RACE_ROUNDS);
		}
		race_resume(race);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, %lu changes", race->count[RACE_ROUNDS],
	       race->count[COUNT_OPENED]);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, num(A, "minheld"));
}

/*
 * Moves against charges, and containers that go and come back: what is opened in
 * one is closed in another.
 */
static void traveller(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		unsigned int what = race_random(4);
		int ret = 0;

		if (what == 3)
			ret = do_close_all(0);
		else if (nfds < MAX_OPEN)
			ret = what ? make_eventfd(0) : make_pipe(0);
		if (ret)
			race_fail(race, "open or close: %d", ret);
		race_count(race, COUNT_OPENED);
	}
}

static void carrier(struct race *race, void *arg)
{
	static const char * const conts[] = { A, B, X, MNT };

	(void)arg;
	while (!race_over(race)) {
		pid_t pid = race->worker[race_random(OPENERS)];
		const char *cont = conts[race_random(4)];
		int ret = ct_attach_process(cont, pid);

		if (!ret)
			race_count(race, COUNT_MOVED);
		else if (ret != -ESRCH && ret != -ENOENT && ret != -ENODEV)
			race_fail(race, "move: %d", ret);
	}
}

static void remover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_mkdir(X);

		if (ret && ret != -EEXIST)
			race_fail(race, "mkdir: %d", ret);
		race_sleep_us(race_random(500));
		ret = ct_rmdir(X);
		if (!ret)
			race_count(race, COUNT_REMOVED);
		else if (ret != -EBUSY)
			race_fail(race, "rmdir: %d", ret);
	}
}

/* Hole 20 */
TEST_F_TIMEOUT(bc, race_moves, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS);
	long long before = held(MNT);

	race_need(race, COUNT_OPENED, 11);
	race_need(race, COUNT_MOVED, 6);
	race_need(race, COUNT_REMOVED, 1);
	for (int i = 0; i < OPENERS; i++) {
		ASSERT_LT(0, race_worker(race, traveller, NULL));
	}
	ASSERT_LT(0, race_worker(race, carrier, NULL));
	ASSERT_LT(0, race_worker(race, remover, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu opened or closed, %lu moved, %lu removed",
	       race->count[COUNT_OPENED], race->count[COUNT_MOVED],
	       race->count[COUNT_REMOVED]);
	EXPECT_EQ(0, held(A));
	EXPECT_EQ(0, held(B));
	EXPECT_EQ(before, held(MNT));
	EXPECT_EQ(0, num(A, "failcnt"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
	/* It may have been left behind; if so, with nothing in it. */
	if (!access(X, F_OK)) {
		EXPECT_EQ(0, ct_rmdir(X));
	}
}

/* Mounts against charges: a file is taken back if it was charged, and only then. */
TEST_F_TIMEOUT(bc, race_mount, RACE_TIMEOUT)
{
	struct race *race = race_new(RACE_SECONDS);
	long long before;
	int ret;

	race_need(race, COUNT_OPENED, 11);
	race_need(race, RACE_ROUNDS, 3);
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	before = held(MNT);
	for (int i = 0; i < OPENERS; i++) {
		ASSERT_LT(0, race_worker(race, traveller, NULL));
	}
	while (!race_over(race)) {
		ret = ct_umount(MNT);
		if (ret)
			race_fail(race, "umount: %d", ret);
		race_sleep_us(race_random(1000));
		ret = ct_mount("bc", MNT);
		if (ret)
			race_fail(race, "mount: %d", ret);
		race_sleep_us(race_random(1000));
		race_count(race, RACE_ROUNDS);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu mounts, %lu opened or closed", race->count[RACE_ROUNDS],
	       race->count[COUNT_OPENED]);
	EXPECT_EQ(before, held(MNT));
}

TEST_HARNESS_MAIN
