// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: each fires once for what it stands for, with the right fields,
 * and not for what failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define TRACING	"/sys/kernel/tracing"
#define EVENTS	TRACING "/events/container"
#define T	CT_DIR "/t"
#define U	CT_DIR "/u"

#define MAX_TRACE	65536

FIXTURE(trace)
{
	int id;
	char text[MAX_TRACE];
};

/* The tree of all tests: T, a hierarchy with a name, not traced yet. */
FIXTURE_SETUP(trace)
{
	int ret;

	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ret = ct_proc_read(getpid(), "container", self->text, MAX_TRACE);
	ASSERT_LT(0, ret);
	self->id = atoi(self->text);
	ASSERT_LT(0, self->id);
	ASSERT_EQ(0, ct_write(TRACING, "tracing_on", "1"));
	/* Opening for writing with O_TRUNC empties it. */
	ret = ct_open(TRACING, "trace", O_WRONLY | O_TRUNC);
	ASSERT_LE(0, ret);
	close(ret);
	ASSERT_EQ(0, ct_write(EVENTS, "enable", "1"));
}

FIXTURE_TEARDOWN_PARENT(trace)
{
	EXPECT_EQ(0, ct_write(EVENTS, "enable", "0"));
	EXPECT_EQ(0, ct_reset());
}

/* How many lines of the trace have this event and these fields. */
static int traced(char *text, const char *event)
{
	const char *line;
	size_t len = strlen(event);
	int count = 0;

	if (ct_read(TRACING, "trace", text, MAX_TRACE) < 0)
		return -1;
	for (line = text; (line = strstr(line, event)); line++)
		if (line[len] == '\n' || line[len] == '\0')
			count++;
	return count;
}

/* How many lines of an event there are at all. */
static int lines_of(char *text, const char *event)
{
	const char *line;
	int count = 0;

	if (ct_read(TRACING, "trace", text, MAX_TRACE) < 0)
		return -1;
	for (line = text; (line = strstr(line, event)); line++)
		count++;
	return count;
}

/* All events are there, with the fields that tools will ask for. */
TEST_F(trace, formats)
{
	static const struct {
		const char *event;
		const char *fields[5];
	} formats[] = {
		{ "container_mkdir", { "hierarchy_id", "path" } },
		{ "container_rmdir", { "hierarchy_id", "path" } },
		{ "container_rename", { "hierarchy_id", "path" } },
		{ "container_release", { "hierarchy_id", "path" } },
		{ "container_attach",
		  { "hierarchy_id", "path", "pid", "comm", "whole" } },
		{ "container_fork_refused",
		  { "hierarchy_id", "path", "pid", "comm", "rate" } },
		{ "container_charge_refused",
		  { "hierarchy_id", "path", "resource", "held", "limit" } },
		{ "container_mount", { "hierarchy_id", "subsys_mask", "name" } },
		{ "container_umount",
		  { "hierarchy_id", "subsys_mask", "name" } },
		{ "container_remount",
		  { "hierarchy_id", "subsys_mask", "name" } },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		ASSERT_LT(0, ct_read(ct_path(EVENTS "/%s", formats[i].event),
				     "format", self->text, MAX_TRACE))
			TH_LOG("no %s", formats[i].event);
		for (j = 0; j < 5 && formats[i].fields[j]; j++)
			EXPECT_NE(NULL, strstr(self->text,
					       ct_path(" %s", formats[i].fields[j])))
				TH_LOG("%s lacks %s", formats[i].event,
				       formats[i].fields[j]);
	}
}

/* mkdir, rename and rmdir, with the path from the hierarchy's root. */
TEST_F(trace, directories)
{
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_mkdir: hierarchy=%d path=/a", self->id)));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_mkdir: hierarchy=%d path=/a/b", self->id)));
	ASSERT_EQ(0, rename(T "/a/b", T "/a/c d"));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_rename: hierarchy=%d path=/a/c d", self->id)));
	ASSERT_EQ(0, ct_rmdir(T "/a/c d"));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_rmdir: hierarchy=%d path=/a/c d", self->id)));

	/* Failures are no events. */
	EXPECT_EQ(-EEXIST, ct_mkdir(T "/a"));
	EXPECT_EQ(-EINVAL, ct_mkdir(T "/x\ny"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/a"));
	EXPECT_EQ(-1, rename(T "/a/b", T "/b"));
	EXPECT_EQ(3, lines_of(self->text, "container_mkdir:"));
	EXPECT_EQ(1, lines_of(self->text, "container_rename:"));
	EXPECT_EQ(1, lines_of(self->text, "container_rmdir:"));
}

/* Moves of threads and of processes. */
TEST_F(trace, attach)
{
	pid_t tid[2], pid = ct_process(NULL, 2, tid);
	char comm[32];

	ASSERT_LT(0, pid);
	ASSERT_LT(0, ct_proc_read(pid, "comm", comm, sizeof(comm)));
	comm[strcspn(comm, "\n")] = '\0';
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_attach(T "/a", tid[1]));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_attach: hierarchy=%d path=/a pid=%d comm=%s whole=0",
		self->id, tid[1], comm)));
	ASSERT_EQ(0, ct_attach_process(T "/a", pid));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_attach: hierarchy=%d path=/a pid=%d comm=%s whole=1",
		self->id, pid, comm)));
	ASSERT_EQ(0, ct_attach_process(T, pid));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_attach: hierarchy=%d path=/ pid=%d comm=%s whole=1",
		self->id, pid, comm)));
	ct_kill(pid);
	EXPECT_EQ(-ESRCH, ct_attach(T "/a", pid));
	EXPECT_EQ(3, lines_of(self->text, "container_attach:"));
}

/* A container that has become empty, once each time. */
TEST_F(trace, release)
{
	struct ct_agent agent;
	int i;

	ASSERT_EQ(0, ct_agent_start(&agent, "agent", ""));
	ASSERT_EQ(0, ct_write(T, "release_agent", agent.path));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_write(T "/a", "notify_on_release", "1"));
	for (i = 1; i <= 3; i++) {
		ct_kill(ct_sleeper(T "/a"));
		/* The agent is called after the event. */
		ASSERT_EQ(0, ct_agent_next(&agent, self->text, MAX_TRACE,
					   CT_WAIT_MS));
		EXPECT_EQ(i, traced(self->text, ct_path(
			"container_release: hierarchy=%d path=/a", self->id)));
	}
	ct_agent_end(&agent);
}

/* The bit of a subsystem in subsys_mask: its row in /proc/containers. */
static unsigned long bit(char *text, const char *subsys)
{
	unsigned long mask = 1;
	const char *line;

	if (ct_read("/proc", "containers", text, MAX_TRACE) < 0)
		return 0;
	for (line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		if (!strncmp(line + 1, subsys, strlen(subsys)))
			return mask;
		mask <<= 1;
	}
	return 0;
}

/* Mounts, remounts and umounts, with subsystems and name. */
TEST_F(trace, mounts)
{
	unsigned long cpuset = bit(self->text, "cpuset");
	unsigned long cpuacct = bit(self->text, "cpuacct");
	struct ct_subsys row;

	ASSERT_NE(0, cpuset);
	ASSERT_NE(0, cpuacct);
	ASSERT_EQ(0, ct_mount("cpuset,name=u", U));
	ASSERT_EQ(0, ct_subsys("cpuset", &row));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_mount: hierarchy=%d subsys_mask=0x%lx name=u",
		row.hierarchy, cpuset)));
	ASSERT_EQ(0, ct_remount("cpuset,cpuacct", U));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_remount: hierarchy=%d subsys_mask=0x%lx name=u",
		row.hierarchy, cpuset | cpuacct)));

	/* Refused: no event. */
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,sample", CT_DIR "/v"));
	EXPECT_EQ(-EINVAL, ct_mount("bogus", CT_DIR "/v"));
	EXPECT_EQ(-EINVAL, ct_remount("bogus", U));

	ASSERT_EQ(0, ct_umount(U));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_umount: hierarchy=%d subsys_mask=0x%lx name=u",
		row.hierarchy, cpuset | cpuacct)));
	ASSERT_EQ(0, ct_umount(T));
	EXPECT_EQ(1, traced(self->text, ct_path(
		"container_umount: hierarchy=%d subsys_mask=0x0 name=t",
		self->id)));
	EXPECT_EQ(1, lines_of(self->text, "container_mount:"));
	EXPECT_EQ(1, lines_of(self->text, "container_remount:"));
	EXPECT_EQ(2, lines_of(self->text, "container_umount:"));
}

static int fork_in(void *cont)
{
	int ret = ct_enter(cont);
	pid_t pid = ret ? 0 : fork();

	if (!ret && !pid)
		_exit(0);
	return pid < 0 && errno == EAGAIN ? getpid() : -1;
}

/* A fork that numtasks refuses, and none that it does not. */
TEST_F(trace, fork_refused)
{
	struct ct_subsys row;
	int pid;

	ASSERT_EQ(0, ct_mount("numtasks", U));
	ASSERT_EQ(0, ct_subsys("numtasks", &row));
	ASSERT_EQ(0, ct_mkdir(U "/a"));
	EXPECT_EQ(-1, ct_call(fork_in, U "/a"));
	EXPECT_EQ(0, lines_of(self->text, "container_fork_refused:"));
	ASSERT_EQ(0, ct_write_num("/sys/module/numtasks/parameters",
				  "total_numtasks", 1000));
	ASSERT_EQ(0, ct_write(U, "numtasks.shares", "child_shares_divisor=1000"));
	ASSERT_EQ(0, ct_write(U "/a", "numtasks.shares", "max_shares=1"));
	pid = ct_call(fork_in, U "/a");
	EXPECT_LT(0, pid);
	EXPECT_EQ(1, lines_of(self->text, ct_path(
		"container_fork_refused: hierarchy=%d path=/a pid=%d ",
		row.hierarchy, pid)));
	EXPECT_EQ(1, lines_of(self->text, "container_fork_refused:"));
	EXPECT_EQ(0, ct_write_num("/sys/module/numtasks/parameters",
				  "total_numtasks", INT_MAX));
}

TEST_HARNESS_MAIN
