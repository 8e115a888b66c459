// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when a container becomes empty or populated: the file "events"
 * with poll() and inotify, the release agent, and auto_delete.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define LIST	"name=t"

#define LONG_TIMEOUT	300

FIXTURE(release)
{
	struct ct_agent agent;
	char line[PATH_MAX];
	char seen[200];
};

/* The tree of all tests: T with the chain a/b/c, and d. */
FIXTURE_SETUP(release)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b/c"));
	ASSERT_EQ(0, ct_mkdir(T "/d"));
	ASSERT_EQ(0, ct_agent_start(&self->agent, "agent", ""));
}

FIXTURE_TEARDOWN_PARENT(release)
{
	EXPECT_EQ(0, ct_reset());
	/* Its descriptor was the test's. */
	self->agent.fd = -1;
	ct_agent_end(&self->agent);
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static int populated(const char *cont)
{
	return ct_read_key(cont, "events", "populated");
}

/*
 * events
 */

/* "populated" is that of the subtree, at every moment at which one reads. */
TEST_F(release, populated)
{
	pid_t tid[2], pid;

	EXPECT_EQ(1, populated(T));
	EXPECT_EQ(0, populated(T "/a"));
	EXPECT_EQ(0, populated(T "/a/b/c"));

	pid = ct_process(NULL, 2, tid);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T "/a/b/c", tid[0]));
	EXPECT_EQ(1, populated(T "/a/b/c"));
	EXPECT_EQ(1, populated(T "/a/b"));
	EXPECT_EQ(1, populated(T "/a"));
	EXPECT_EQ(0, populated(T "/d"));
	ASSERT_EQ(0, ct_attach(T "/d", tid[1]));
	EXPECT_EQ(1, populated(T "/d"));

	/* The last thread of a container counts, not the process. */
	ASSERT_EQ(0, ct_attach(T "/d", tid[0]));
	EXPECT_EQ(0, populated(T "/a/b/c"));
	EXPECT_EQ(0, populated(T "/a"));
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_EQ(1, populated(T "/a"));
	EXPECT_EQ(0, populated(T "/a/b"));
	EXPECT_EQ(0, populated(T "/d"));
	ct_kill(pid);
	EXPECT_EQ(0, populated(T "/a"));
	EXPECT_EQ(1, populated(T));
}

/* The file's whole text. */
TEST_F(release, events_format)
{
	pid_t pid;

	ASSERT_LT(0, ct_read(T "/a", "events", self->line, PATH_MAX));
	EXPECT_STREQ("populated 0\n", self->line);
	pid = ct_sleeper(T "/a");
	ASSERT_LT(0, pid);
	ASSERT_LT(0, ct_read(T "/a", "events", self->line, PATH_MAX));
	EXPECT_STREQ("populated 1\n", self->line);
	ct_kill(pid);
}

/* Open "events" and read it, so that poll() tells of later changes. */
static int watch(const char *cont)
{
	int fd = ct_open(cont, "events", O_RDONLY);
	char buf[64];

	if (fd >= 0 && read(fd, buf, sizeof(buf)) < 0)
		return -errno;
	return fd;
}

/* Wait for a change, and read what it is now. */
static int next_change(int fd)
{
	char buf[64] = "";

	if (!(ct_poll(fd, POLLPRI, CT_WAIT_MS) & POLLPRI))
		return -ETIMEDOUT;
	if (pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		return -errno;
	return !strcmp(buf, "populated 1\n") ? 1 :
	       !strcmp(buf, "populated 0\n") ? 0 : -EIO;
}

/* poll() reports each change, for the container and those above it. */
TEST_F(release, poll)
{
	static const char *const conts[] = { T "/a/b/c", T "/a/b", T "/a" };
	int fd[3], other = watch(T "/d"), i, round;
	pid_t pid;

	ASSERT_LE(0, other);
	for (i = 0; i < 3; i++) {
		fd[i] = watch(conts[i]);
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(0, ct_poll(fd[i], POLLPRI, 0));
	}
	for (round = 0; round < 20; round++) {
		pid = ct_sleeper(T "/a/b/c");
		ASSERT_LT(0, pid);
		for (i = 0; i < 3; i++)
			EXPECT_EQ(1, next_change(fd[i]));
		/* By its end, and by a move. */
		if (round % 2)
			ASSERT_EQ(0, ct_attach(T, pid));
		ct_kill(pid);
		for (i = 0; i < 3; i++)
			EXPECT_EQ(0, next_change(fd[i]));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, ct_poll(fd[i], POLLPRI, CT_IDLE_MS));
	EXPECT_EQ(0, ct_poll(other, POLLPRI, 0));
	for (i = 0; i < 3; i++)
		close(fd[i]);
	close(other);
}

/* A second member, and its end, are no change; nor is a move within. */
TEST_F(release, poll_no_change)
{
	pid_t first = ct_sleeper(T "/a/b"), second;
	int fd;

	ASSERT_LT(0, first);
	ASSERT_EQ(0, ct_wait_populated(T "/a", 1));
	fd = watch(T "/a");
	ASSERT_LE(0, fd);
	/* What was under way when the file was read. */
	while (ct_poll(fd, POLLPRI, CT_IDLE_MS) & POLLPRI)
		ASSERT_EQ(1, next_change(fd));
	second = ct_sleeper(T "/a/b/c");
	ASSERT_LT(0, second);
	ASSERT_EQ(0, ct_attach(T "/a/b", second));
	ct_kill(second);
	EXPECT_EQ(0, ct_poll(fd, POLLPRI, CT_IDLE_MS));
	ct_kill(first);
	EXPECT_EQ(0, next_change(fd));
	close(fd);
}

/* It does not matter how the container had come to what it is by the first look. */
TEST_F(release, poll_of_late)
{
	pid_t pid = ct_sleeper(T "/a/b/c"), other = ct_sleeper(T "/d");
	int fd[2];

	ASSERT_LT(0, pid);
	ASSERT_LT(0, other);
	ct_kill(other);
	fd[0] = watch(T "/a");
	ASSERT_LE(0, fd[0]);
	EXPECT_EQ(1, populated(T "/a"));
	EXPECT_EQ(0, populated(T "/d"));
	EXPECT_EQ(0, ct_poll(fd[0], POLLPRI, CT_IDLE_MS) & POLLPRI);
	fd[1] = watch(T "/a/b");
	ASSERT_LE(0, fd[1]);
	ct_kill(pid);
	EXPECT_EQ(0, next_change(fd[0]));
	EXPECT_EQ(0, next_change(fd[1]));
	pid = ct_sleeper(T "/a/b");
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, next_change(fd[0]));
	EXPECT_EQ(1, next_change(fd[1]));
	ct_kill(pid);
	close(fd[0]);
	close(fd[1]);
}

/* Two that wait at different descriptors are told both. */
TEST_F(release, poll_by_two)
{
	int one = watch(T "/a"), two = watch(T "/a");
	pid_t pid;

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	pid = ct_sleeper(T "/a");
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, next_change(one));
	EXPECT_EQ(1, next_change(two));
	ct_kill(pid);
	EXPECT_EQ(0, next_change(two));
	EXPECT_EQ(0, next_change(one));
	close(one);
	close(two);
}

/* inotify reports each change as a modification of the file. */
TEST_F(release, inotify)
{
	int fd = inotify_init1(IN_CLOEXEC), i, wd_a, wd_c, a, c;
	char buf[4096] __attribute__((aligned(8)));
	pid_t pid;

	ASSERT_LE(0, fd);
	wd_a = inotify_add_watch(fd, T "/a/events", IN_MODIFY);
	wd_c = inotify_add_watch(fd, T "/a/b/c/events", IN_MODIFY);
	ASSERT_LT(0, wd_a);
	ASSERT_LT(0, wd_c);
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, ct_attach(i % 2 ? T : T "/a/b/c", pid));
		a = 0;
		c = 0;
		while (!a || !c) {
			struct inotify_event *event;
			ssize_t len, pos;

			ASSERT_EQ(POLLIN, ct_poll(fd, POLLIN, CT_WAIT_MS))
				TH_LOG("change %d: a %d, c %d", i, a, c);
			len = read(fd, buf, sizeof(buf));
			ASSERT_LT(0, len);
			for (pos = 0; pos < len;
			     pos += sizeof(*event) + event->len) {
				event = (void *)(buf + pos);
				a += event->wd == wd_a;
				c += event->wd == wd_c;
			}
		}
	}
	ct_kill(pid);
	close(fd);
}

/*
 * Hole 26: waiting for a container's events while it is removed: the waiter
 * wakes up, or finds out when it looks; reading tells ENODEV.
 */
TEST_F(release, poll_removed)
{
	int fd = watch(T "/d");
	char byte;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_rmdir(T "/d"));
	EXPECT_NE(0, ct_poll(fd, POLLPRI, CT_WAIT_MS) & (POLLERR | POLLPRI));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
}

/*
 * The release agent
 */

static int set_agent(struct ct_agent *agent)
{
	int ret = ct_write(T, "release_agent", agent->path);

	return ret ? ret : ct_write(T "/a/b/c", "notify_on_release", "1");
}

/* Have a member in a container for a moment. */
static int visit(const char *cont)
{
	pid_t pid = ct_sleeper(cont);

	if (pid < 0)
		return pid;
	return ct_kill(pid) == 256 + SIGKILL ? 0 : -EIO;
}

/*
 * Have the agent called for @cont, and keep it from being started as long as the file
 * that is returned has a lease.
 */
static int hold_back_agent(const struct ct_agent *agent, const char *cont)
{
	const struct timespec limit = { .tv_sec = CT_WAIT_MS / 1000 };
	int fd, ret;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = open(agent->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK))
		return -errno;
	ret = visit(cont);
	if (ret)
		return ret;
	/* It is to be given back. */
	return sigtimedwait(&set, NULL, &limit) == SIGIO ? fd : -ETIMEDOUT;
}

/* The next line an agent has told; "" if there is none in time. */
static const char *next_call(struct ct_agent *agent, char *line, int timeout_ms)
{
	return ct_agent_next(agent, line, PATH_MAX, timeout_ms) ? "" : line;
}

/* It is called with the path from the hierarchy's root, and nothing else. */
TEST_F(release, agent)
{
	struct ct_agent agent;
	pid_t pid;

	ASSERT_EQ(0, ct_agent_start(&agent, "args", "echo $#"));
	ASSERT_EQ(0, set_agent(&agent));
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "1"));

	/* After the end of the last member... */
	ASSERT_EQ(0, visit(T "/a/b/c"));
	EXPECT_STREQ("1", next_call(&agent, self->line, CT_WAIT_MS));
	EXPECT_STREQ("/a/b/c", next_call(&agent, self->line, CT_WAIT_MS));
	/* ...or when it has moved on, as thread or process. */
	pid = ct_sleeper(T "/d");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T, pid));
	EXPECT_STREQ("1", next_call(&agent, self->line, CT_WAIT_MS));
	EXPECT_STREQ("/d", next_call(&agent, self->line, CT_WAIT_MS));
	ASSERT_EQ(0, ct_attach_process(T "/d", pid));
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_STREQ("1", next_call(&agent, self->line, CT_WAIT_MS));
	EXPECT_STREQ("/d", next_call(&agent, self->line, CT_WAIT_MS));
	/* Once each. */
	EXPECT_STREQ("", next_call(&agent, self->line, CT_IDLE_MS));
	ct_kill(pid);
	ct_agent_end(&agent);
}

/*
 * No lock is held when it is started: while a lease on its file keeps that from being
 * opened, for longer than this test may take, others go on. What happens meanwhile to
 * the container that it is started for is not forgotten.
 */
TEST_F(release, agent_that_cannot_start)
{
	int fd;

	ASSERT_EQ(0, set_agent(&self->agent));
	fd = hold_back_agent(&self->agent, T "/a/b/c");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ct_mkdir(T "/e"));
	EXPECT_EQ(0, visit(T "/e"));
	EXPECT_EQ(0, ct_rmdir(T "/e"));
	EXPECT_EQ(0, ct_mount("none,name=u", CT_DIR "/u"));
	EXPECT_EQ(0, ct_umount(CT_DIR "/u"));
	EXPECT_EQ(0, visit(T "/a/b/c"));
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	close(fd);
	EXPECT_STREQ("/a/b/c", next_call(&self->agent, self->line, CT_WAIT_MS));
	EXPECT_STREQ("/a/b/c", next_call(&self->agent, self->line, CT_WAIT_MS));
}

/*
 * What was read is followed by a change if it is not so any more, though before that,
 * and since, it has been what was announced last: in the container itself, above it,
 * and where others keep what is above populated.
 */
TEST_F(release, poll_of_what_was_read)
{
	static const char *const conts[] = { T "/a/b/c", T "/a/b", T "/a" };
	pid_t pid = ct_sleeper(T "/a/b/c"), next = ct_sleeper(NULL);
	struct ct_agent agents[2] = { self->agent };
	unsigned int i, round;
	int fd[3], held;

	ASSERT_LT(0, pid);
	ASSERT_LT(0, next);
	/* The first is still busy when the second round begins. */
	ASSERT_EQ(0, ct_agent_start(&agents[1], "other", ""));
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "1"));
	ASSERT_EQ(0, ct_mkdir(T "/a/s"));
	for (i = 0; i < 3; i++) {
		fd[i] = watch(conts[i]);
		ASSERT_LE(0, fd[i]);
		/* What was under way when the file was read. */
		while (ct_poll(fd[i], POLLPRI, CT_IDLE_MS) & POLLPRI)
			ASSERT_EQ(1, next_change(fd[i]));
	}
	/* Nothing is announced while the agent is to be started. */
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, ct_write(T, "release_agent", agents[round].path));
		held = hold_back_agent(&agents[round], T "/d");
		ASSERT_LE(0, held);
		ct_kill(pid);
		for (i = 0; i < 3; i++)
			ASSERT_EQ(0, populated(conts[i]));
		/* Once where the first was, once where only what is above has them. */
		ASSERT_EQ(0, ct_attach(round ? T "/a/s" : T "/a/b/c", next));
		pid = next;
		next = ct_sleeper(NULL);
		ASSERT_LT(0, next);
		ASSERT_EQ(0, fcntl(held, F_SETLEASE, F_UNLCK));
		close(held);
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(!round || i == 2, next_change(fd[i]))
				TH_LOG("round %u, %s", round, conts[i]);
		}
		for (i = 0; i < 3; i++)
			while (ct_poll(fd[i], POLLPRI, CT_IDLE_MS) & POLLPRI)
				ASSERT_LE(0, next_change(fd[i]));
	}
	ct_kill(pid);
	ct_kill(next);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	ct_agent_end(&agents[1]);
}

/* Somebody who was there for a moment only, before anything was announced. */
TEST_F(release, poll_short_visit)
{
	int fd = watch(T "/a"), held;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_write(T, "release_agent", self->agent.path));
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "1"));
	held = hold_back_agent(&self->agent, T "/d");
	ASSERT_LE(0, held);
	ASSERT_EQ(0, visit(T "/a/b/c"));
	EXPECT_EQ(0, ct_poll(fd, POLLPRI, 0));
	ASSERT_EQ(0, fcntl(held, F_SETLEASE, F_UNLCK));
	EXPECT_EQ(0, next_change(fd));
	close(held);
	close(fd);
}

/* With the mount option too, and with the name that the container has now. */
TEST_F(release, agent_of_mount_option)
{
	ASSERT_EQ(0, ct_mount(ct_path("none,name=t,release_agent=%s",
				      self->agent.path), CT_DIR "/u"));
	ASSERT_EQ(0, ct_write(T "/a/b/c", "notify_on_release", "1"));
	ASSERT_EQ(0, rename(T "/a/b/c", T "/a/b/z"));
	ASSERT_EQ(0, visit(T "/a/b/z"));
	EXPECT_STREQ("/a/b/z", next_call(&self->agent, self->line, CT_WAIT_MS));
}

/* When the last child of an empty container is removed, that is empty too. */
TEST_F(release, agent_after_rmdir_of_child)
{
	ASSERT_EQ(0, set_agent(&self->agent));
	ASSERT_EQ(0, ct_write(T "/a/b/c", "notify_on_release", "0"));
	ASSERT_EQ(0, ct_write(T "/a/b", "notify_on_release", "1"));
	ASSERT_EQ(0, ct_rmdir(T "/a/b/c"));
	EXPECT_STREQ("/a/b", next_call(&self->agent, self->line, CT_WAIT_MS));
}

/*
 * It is not called where notify_on_release is 0, for what has children or
 * members left, for one that was never used, or for the root.
 */
TEST_F(release, agent_not_called)
{
	pid_t pid;

	ASSERT_EQ(0, set_agent(&self->agent));
	ASSERT_EQ(0, ct_write(T, "notify_on_release", "1"));
	ASSERT_EQ(0, ct_write(T "/a", "notify_on_release", "1"));
	/* 0 */
	ASSERT_EQ(0, visit(T "/d"));
	/* A child */
	ASSERT_EQ(0, visit(T "/a"));
	/* A member */
	pid = ct_sleeper(T "/a/b/c");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, visit(T "/a/b/c"));
	/* Never used, and removed */
	ASSERT_EQ(0, ct_mkdir(T "/new"));
	EXPECT_EQ(1, ct_read_num(T "/new", "notify_on_release"));
	ASSERT_EQ(0, ct_rmdir(T "/new"));
	EXPECT_STREQ("", next_call(&self->agent, self->line, CT_IDLE_MS));
	/* And no agent: nothing to call, nothing to break. */
	ASSERT_EQ(0, ct_write(T, "release_agent", "\n"));
	ct_kill(pid);
	EXPECT_STREQ("", next_call(&self->agent, self->line, CT_IDLE_MS));
	ASSERT_EQ(0, ct_write(T, "release_agent", "/does/not/exist"));
	ASSERT_EQ(0, visit(T "/a/b/c"));
	EXPECT_EQ(0, ct_wait_populated(T "/a/b/c", 0));
	EXPECT_EQ(0, ct_rmdir(T "/a/b/c"));
}

/* It is told of what happens from the moment on at which that was asked for. */
TEST_F(release, agent_of_late)
{
	pid_t pid;

	ASSERT_EQ(0, set_agent(&self->agent));
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "0"));
	ASSERT_EQ(0, visit(T "/d"));
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "1"));
	EXPECT_STREQ("", next_call(&self->agent, self->line, CT_IDLE_MS));
	pid = ct_sleeper(T "/d");
	ASSERT_LT(0, pid);
	/* As it was: this does not begin anew. */
	ASSERT_EQ(0, ct_write(T "/d", "notify_on_release", "1"));
	ct_kill(pid);
	EXPECT_STREQ("/d", next_call(&self->agent, self->line, CT_WAIT_MS));
}

/* Each hierarchy has its own agent. */
TEST_F(release, agent_per_hierarchy)
{
	struct ct_agent other;

	ASSERT_EQ(0, ct_agent_start(&other, "other", ""));
	ASSERT_EQ(0, set_agent(&self->agent));
	ASSERT_EQ(0, ct_mount("none,name=u", CT_DIR "/u"));
	ASSERT_EQ(0, ct_write(CT_DIR "/u", "release_agent", other.path));
	ASSERT_EQ(0, ct_mkdir(CT_DIR "/u/x"));
	ASSERT_EQ(0, ct_write(CT_DIR "/u/x", "notify_on_release", "1"));
	ASSERT_EQ(0, visit(CT_DIR "/u/x"));
	EXPECT_STREQ("/x", next_call(&other, self->line, CT_WAIT_MS));
	ASSERT_EQ(0, visit(T "/a/b/c"));
	EXPECT_STREQ("/a/b/c", next_call(&self->agent, self->line, CT_WAIT_MS));
	EXPECT_STREQ("", next_call(&other, self->line, CT_IDLE_MS));
	ct_agent_end(&other);
}

/* Hole 75: it is called exactly once for each container that is emptied. */
TEST_F_TIMEOUT(release, agent_exactly_once, LONG_TIMEOUT)
{
	const int count = 100;
	int i, n, round;
	pid_t pid;

	ASSERT_EQ(0, set_agent(&self->agent));
	for (i = 0; i < count; i++) {
		const char *cont = ct_path(T "/n%d", i);

		ASSERT_EQ(0, ct_mkdir(cont));
		ASSERT_EQ(0, ct_write(cont, "notify_on_release", "1"));
	}
	for (round = 0; round < 2; round++) {
		memset(self->seen, 0, sizeof(self->seen));
		pid = ct_sleeper(NULL);
		ASSERT_LT(0, pid);
		/* Each is emptied when the next is entered. */
		for (i = 0; i < count; i++)
			ASSERT_EQ(0, ct_attach(ct_path(T "/n%d", i), pid));
		ct_kill(pid);
		for (i = 0; i < count; i++) {
			ASSERT_STRNE("", next_call(&self->agent, self->line,
						   CT_WAIT_MS))
				TH_LOG("%d of %d calls", i, count);
			ASSERT_EQ(1, sscanf(self->line, "/n%d", &n));
			ASSERT_TRUE(n >= 0 && n < count);
			EXPECT_EQ(1, ++self->seen[n]) TH_LOG("/n%d", n);
		}
		EXPECT_STREQ("", next_call(&self->agent, self->line,
					   CT_IDLE_MS));
	}
}

/*
 * Hole 49: the agent removes what it was told of. A chain of three levels
 * goes from below, each by a call of its own. An agent's first act is what starts the
 * next one, so that its line may come later.
 */
TEST_F_TIMEOUT(release, agent_that_removes, LONG_TIMEOUT)
{
	static const char * const chain[] = { "/a/b/c", "/a/b", "/a" };
	struct ct_agent agent;
	int i, line, told[3];

	ASSERT_EQ(0, ct_agent_start(&agent, "rmdir", "rmdir " T "\"$1\""));
	ASSERT_EQ(0, set_agent(&agent));
	ASSERT_EQ(0, ct_write(T "/a/b", "notify_on_release", "1"));
	ASSERT_EQ(0, ct_write(T "/a", "notify_on_release", "1"));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, visit(T "/a/b/c"));
		EXPECT_EQ(0, ct_wait_gone(T "/a"));
		memset(told, 0, sizeof(told));
		/* An error message of rmdir would come in between. */
		for (line = 0; line < 3; line++) {
			const char *got = next_call(&agent, self->line, CT_WAIT_MS);

			for (int c = 0; c < 3; c++)
				told[c] += !strcmp(got, chain[c]);
		}
		for (int c = 0; c < 3; c++) {
			EXPECT_EQ(1, told[c])
				TH_LOG("%s", chain[c]);
		}
		ASSERT_EQ(0, ct_write(T, "notify_on_release", "1"));
		ASSERT_EQ(0, ct_mkdir(T "/a"));
		ASSERT_EQ(0, ct_mkdir(T "/a/b"));
		ASSERT_EQ(0, ct_mkdir(T "/a/b/c"));
	}
	ct_agent_end(&agent);
}

/*
 * Hole 55: containers that are new and not entered yet are never told of, so
 * that an agent that removes does not take one away from who made it.
 */
TEST_F_TIMEOUT(release, agent_leaves_new_ones, LONG_TIMEOUT)
{
	struct ct_agent agent;
	pid_t pid;
	int i;

	ASSERT_EQ(0, ct_agent_start(&agent, "rmdir", "rmdir " T "\"$1\""));
	ASSERT_EQ(0, set_agent(&agent));
	ASSERT_EQ(0, ct_write(T, "notify_on_release", "1"));
	for (i = 0; i < 200; i++) {
		const char *cont = ct_path(T "/n%d", i);

		ASSERT_EQ(0, ct_mkdir(cont));
		EXPECT_EQ(1, ct_read_num(cont, "notify_on_release"));
		pid = ct_sleeper(cont);
		ASSERT_LT(0, pid) TH_LOG("container %d has gone", i);
		ct_kill(pid);
	}
	for (i = 0; i < 200; i++)
		EXPECT_EQ(0, ct_wait_gone(ct_path(T "/n%d", i)));
	ct_agent_end(&agent);
}

/*
 * auto_delete
 */

/* Without members and children, after there has been a member: removed. */
TEST_F(release, auto_delete)
{
	pid_t tid[2], pid;

	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "1"));
	ASSERT_EQ(0, visit(T "/d"));
	EXPECT_EQ(0, ct_wait_gone(T "/d"));

	/* By moves, of threads one after the other. */
	ASSERT_EQ(0, ct_mkdir(T "/d"));
	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "1"));
	pid = ct_process(T "/d", 2, tid);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach(T, tid[0]));
	EXPECT_TRUE(exists(T "/d"));
	EXPECT_EQ(1, ct_count(T "/d", "tasks"));
	ASSERT_EQ(0, ct_attach(T, tid[1]));
	EXPECT_EQ(0, ct_wait_gone(T "/d"));
	ct_kill(pid);
}

/* Not before there has been one, and not with 0. */
TEST_F(release, auto_delete_waits_for_a_member)
{
	int fd = watch(T "/d");

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "1"));
	/* Neither does a child that comes and goes count. */
	ASSERT_EQ(0, ct_mkdir(T "/d/x"));
	ASSERT_EQ(0, ct_rmdir(T "/d/x"));
	EXPECT_EQ(0, ct_poll(fd, POLLPRI, CT_IDLE_MS));
	EXPECT_TRUE(exists(T "/d/tasks"));
	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "0"));
	ASSERT_EQ(0, visit(T "/d"));
	EXPECT_EQ(0, ct_wait_populated(T "/d", 0));
	while (ct_poll(fd, POLLPRI, CT_IDLE_MS) & POLLPRI)
		ASSERT_LE(0, next_change(fd));
	EXPECT_TRUE(exists(T "/d/tasks"));
	close(fd);

	/* It has had a member: 1 is enough now. */
	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "1"));
	EXPECT_EQ(0, ct_wait_gone(T "/d"));
}

/* Not while there are children; then after the last of them. */
TEST_F(release, auto_delete_waits_for_children)
{
	ASSERT_EQ(0, ct_write(T "/a", "auto_delete", "1"));
	ASSERT_EQ(0, visit(T "/a"));
	ASSERT_EQ(0, ct_wait_populated(T "/a", 0));
	ASSERT_EQ(0, ct_rmdir(T "/a/b/c"));
	EXPECT_TRUE(exists(T "/a/b/tasks"));
	ASSERT_EQ(0, ct_rmdir(T "/a/b"));
	EXPECT_EQ(0, ct_wait_gone(T "/a"));
}

/* A chain of such containers goes as a whole. */
TEST_F(release, auto_delete_chain)
{
	static const char *const conts[] = { T "/a", T "/a/b", T "/a/b/c" };
	pid_t pid = ct_sleeper(NULL);
	unsigned int i;

	ASSERT_LT(0, pid);
	for (i = 0; i < ARRAY_SIZE(conts); i++) {
		ASSERT_EQ(0, ct_write(conts[i], "auto_delete", "1"));
		ASSERT_EQ(0, ct_attach(conts[i], pid));
	}
	ct_kill(pid);
	EXPECT_EQ(0, ct_wait_gone(T "/a"));
}

/* Hole 55: what has been made and not entered is there when it is entered. */
TEST_F_TIMEOUT(release, auto_delete_leaves_new_ones, LONG_TIMEOUT)
{
	const char *cont;
	pid_t pid;
	int i;

	for (i = 0; i < 500; i++) {
		cont = ct_path(T "/n%d", i);
		ASSERT_EQ(0, ct_mkdir(cont));
		ASSERT_EQ(0, ct_write(cont, "auto_delete", "1"));
		ASSERT_EQ(0, ct_write(cont, "notify_on_release", "1"));
		pid = ct_fork();
		if (!pid)
			_exit(ct_enter(cont) ? 1 : 0);
		EXPECT_EQ(0, ct_wait(pid)) TH_LOG("container %d", i);
	}
	for (i = 0; i < 500; i++)
		EXPECT_EQ(0, ct_wait_gone(ct_path(T "/n%d", i)));
}

/* Who removes it at the same time succeeds, or finds that it is gone. */
TEST_F_TIMEOUT(release, auto_delete_and_rmdir, LONG_TIMEOUT)
{
	int i, ret;

	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, ct_mkdir(T "/x"));
		ASSERT_EQ(0, ct_write(T "/x", "auto_delete", "1"));
		ASSERT_EQ(0, visit(T "/x"));
		ret = ct_rmdir(T "/x");
		/* ENODEV: just being removed. */
		ASSERT_TRUE(!ret || ret == -ENOENT || ret == -ENODEV)
			TH_LOG("%d", ret);
		ASSERT_EQ(0, ct_wait_gone(T "/x"));
	}
}

/* Open files of a container that removed itself: as after rmdir. */
TEST_F(release, auto_delete_with_open_files)
{
	int tasks = ct_open(T "/d", "tasks", O_RDWR), events = watch(T "/d");
	char byte;

	ASSERT_LE(0, tasks);
	ASSERT_LE(0, events);
	ASSERT_EQ(0, ct_write(T "/d", "auto_delete", "1"));
	ASSERT_EQ(0, visit(T "/d"));
	ASSERT_EQ(0, ct_wait_gone(T "/d"));
	EXPECT_EQ(-ENODEV, ct_fd_write(tasks, "0"));
	EXPECT_EQ(-1, read(events, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	close(tasks);
	close(events);
}

TEST_HARNESS_MAIN
