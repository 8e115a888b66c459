// SPDX-License-Identifier: GPL-2.0
/*
 * The files in /proc: containers, PID/container, PID/cpuset.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define U	CT_DIR "/u"
#define V	CT_DIR "/v"

FIXTURE(proc)
{
	char text[8192];
	char line[PATH_MAX];
};

FIXTURE_SETUP(proc)
{
	ASSERT_EQ(0, ct_setup());
}

FIXTURE_TEARDOWN_PARENT(proc)
{
	EXPECT_EQ(0, ct_reset());
}

static int hierarchy(const char *subsys)
{
	struct ct_subsys row;

	return ct_subsys(subsys, &row) ? -1 : row.hierarchy;
}

static int containers(const char *subsys)
{
	struct ct_subsys row;

	return ct_subsys(subsys, &row) ? -1 : row.containers;
}

/* cpus and mems, so that a cpuset can have members. */
static int set_cpuset(const char *cont)
{
	int ret = ct_write(cont, "cpuset.cpus", "0");

	return ret ? ret : ct_write(cont, "cpuset.mems", "0");
}

/*
 * /proc/containers
 */

/* The header, and a row of four fields with tabs for each subsystem. */
TEST_F(proc, containers_format)
{
	static const char *const order[] = { "cpuset", "cpuacct", "sample" };
	char name[64], end, *line, *save;
	int hierarchy, count, enabled, pos;
	unsigned int known = 0;

	ASSERT_LT(0, ct_read("/proc", "containers", self->text,
			     sizeof(self->text)));
	line = strtok_r(self->text, "\n", &save);
	ASSERT_NE(NULL, line);
	EXPECT_STREQ("#subsys_name\thierarchy\tnum_containers\tenabled", line);
	while ((line = strtok_r(NULL, "\n", &save))) {
		pos = strcspn(line, "\t");
		ASSERT_EQ(4, sscanf(line, "%63[^\t]\t%d\t%d\t%d%c", name,
				    &hierarchy, &count, &enabled, &end))
			TH_LOG("'%s'", line);
		EXPECT_EQ('\t', line[pos]);
		snprintf(self->line, sizeof(self->line), "%s\t%d\t%d\t%d", name,
			 hierarchy, count, enabled);
		EXPECT_STREQ(self->line, line);
		EXPECT_EQ(0, hierarchy);
		EXPECT_EQ(1, enabled);
		/* In the order of their ids; others may be in between. */
		if (known < ARRAY_SIZE(order) && !strcmp(name, order[known]))
			known++;
	}
	EXPECT_EQ(ARRAY_SIZE(order), known);
}

/* hierarchy is that of /proc/PID/container; num_containers is exact. */
TEST_F(proc, containers_counts)
{
	int id, i;

	ASSERT_EQ(0, ct_mount("cpuset,cpuacct", T));
	ASSERT_EQ(0, ct_mount("sample", U));
	id = hierarchy("cpuset");
	EXPECT_LT(0, id);
	EXPECT_EQ(id, hierarchy("cpuacct"));
	EXPECT_NE(id, hierarchy("sample"));
	EXPECT_EQ(1, containers("cpuset"));
	ASSERT_LT(0, ct_proc_read(getpid(), "container", self->text,
				  sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text,
			       ct_path("%d:cpuset,cpuacct:/\n", id)));
	EXPECT_NE(NULL, strstr(self->text,
			       ct_path("%d:sample:/\n", hierarchy("sample"))));

	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, ct_mkdir(ct_path(T "/%d", i)));
		ASSERT_EQ(0, ct_mkdir(ct_path(T "/%d/x", i)));
		EXPECT_EQ(1 + 2 * i, containers("cpuset"));
		EXPECT_EQ(1 + 2 * i, containers("cpuacct"));
		EXPECT_EQ(1, containers("sample"));
	}
	/* A failure counts nothing. */
	EXPECT_EQ(-EEXIST, ct_mkdir(T "/1"));
	EXPECT_EQ(-EINVAL, ct_mkdir(T "/a\nb"));
	EXPECT_EQ(-EBUSY, ct_rmdir(T "/1"));
	EXPECT_EQ(21, containers("cpuset"));
	ASSERT_EQ(0, ct_umount(T));
	EXPECT_EQ(21, containers("cpuset"));
	ASSERT_EQ(0, ct_mount("cpuset,cpuacct", T));
	for (i = 1; i <= 10; i++)
		ASSERT_EQ(0, ct_rmtree(ct_path(T "/%d", i)));
	EXPECT_EQ(1, containers("cpuset"));
	EXPECT_EQ(id, hierarchy("cpuset"));
}

/*
 * /proc/PID/container
 */

/* One line per active hierarchy, and none where there is none. */
TEST_F(proc, container_format)
{
	int id_t, id_u, id_v, lines = 0, seen = 0, id;
	char list[64], path[64], end, *line, *save;
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_proc_read(pid, "container", self->text,
				  sizeof(self->text)));

	ASSERT_EQ(0, ct_mount("cpuacct,cpuset", T));
	ASSERT_EQ(0, ct_mount("none,name=grouping", U));
	ASSERT_EQ(0, ct_mount("sample,name=limits", V));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b c"));
	ASSERT_EQ(0, ct_mkdir(U "/x:y"));
	ASSERT_EQ(0, set_cpuset(T "/a"));
	ASSERT_EQ(0, set_cpuset(T "/a/b c"));
	ASSERT_EQ(0, ct_attach(T "/a/b c", pid));
	ASSERT_EQ(0, ct_attach(U "/x:y", pid));
	id_t = hierarchy("cpuset");
	id_v = hierarchy("sample");

	ASSERT_LT(0, ct_proc_read(pid, "container", self->text,
				  sizeof(self->text)));
	EXPECT_EQ('\n', self->text[strlen(self->text) - 1]);
	for (line = strtok_r(self->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		lines++;
		ASSERT_EQ(3, sscanf(line, "%d:%63[^:]:%63[^\n]%c", &id, list,
				    path, &end)) TH_LOG("'%s'", line);
		if (!strcmp(list, "cpuset,cpuacct")) {
			EXPECT_EQ(id_t, id);
			EXPECT_STREQ("/a/b c", path);
			seen |= 1;
		} else if (!strcmp(list, "name=grouping")) {
			id_u = id;
			EXPECT_LT(0, id_u);
			EXPECT_STREQ("/x:y", path);
			seen |= 2;
		} else if (!strncmp(list, "sample", 6)) {
			EXPECT_EQ(id_v, id);
			EXPECT_STREQ("/", path);
			seen |= 4;
		}
	}
	EXPECT_EQ(3, lines);
	EXPECT_EQ(7, seen);
	ct_kill(pid);
}

/* Of each thread its own. */
TEST_F(proc, container_of_threads)
{
	pid_t tid[2], pid = ct_process(NULL, 2, tid);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_attach(T "/a", tid[1]));
	ASSERT_LT(0, ct_read(ct_path("/proc/%d/task/%d", pid, tid[0]),
			     "container", self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, ":name=t:/\n"));
	ASSERT_LT(0, ct_read(ct_path("/proc/%d/task/%d", pid, tid[1]),
			     "container", self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, ":name=t:/a\n"));
	ASSERT_LT(0, ct_proc_read(pid, "container", self->text,
				  sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, ":name=t:/\n"));
	ct_kill(pid);
}

static int read_as_user(void *pid)
{
	char text[1024];
	int ret = ct_become(CT_UID);

	if (ret)
		return ret;
	ret = ct_proc_read(*(pid_t *)pid, "container", text, sizeof(text));
	if (ret < 0)
		return ret;
	return strstr(text, ":name=t:/a\n") ? 0 : -ENOMSG;
}

/* World-readable like /proc/PID/cpuset. */
TEST_F(proc, container_is_world_readable)
{
	pid_t pid = ct_sleeper(NULL);
	struct stat st;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_attach(T "/a", pid));
	ASSERT_EQ(0, stat(ct_path("/proc/%d/container", pid), &st));
	EXPECT_EQ(0444, st.st_mode & 07777);
	EXPECT_EQ(0, ct_call(read_as_user, &pid));
	ASSERT_EQ(0, stat(ct_path("/proc/%d/cpuset", pid), &st));
	EXPECT_EQ(0444, st.st_mode & 07777);
	ASSERT_EQ(0, stat("/proc/containers", &st));
	EXPECT_EQ(0444, st.st_mode & 07777);
	ct_kill(pid);
}

/* A kernel thread, init, and the reader itself are in the root. */
TEST_F(proc, container_of_others)
{
	static const char list[] = "cpuset,cpuacct,numtasks,bc,ns,sample";

	ASSERT_EQ(0, ct_mount("all", T));
	EXPECT_EQ(0, ct_container_of(1, list, self->line, sizeof(self->line)));
	EXPECT_STREQ("/", self->line);
	EXPECT_EQ(0, ct_container_of(2, list, self->line, sizeof(self->line)));
	EXPECT_STREQ("/", self->line);
	EXPECT_TRUE(ct_is_in(getpid(), list, "/"));
}

/*
 * Hole 31: of a zombie. It has left its container, which may even be gone;
 * what is shown is the root, or the old path and that it is deleted.
 */
TEST_F(proc, container_of_zombie)
{
	siginfo_t info;
	pid_t pid;

	ASSERT_EQ(0, ct_mount("none,name=t", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	pid = ct_sleeper(T "/a");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_FALSE(ct_is_in(pid, "name=t", "/a (deleted)"));
	ASSERT_EQ(0, ct_rmdir(T "/a"));
	EXPECT_TRUE(ct_is_in(pid, "name=t", "/") ||
		    ct_is_in(pid, "name=t", "/a (deleted)"));
	EXPECT_LE(0, ct_proc_read(pid, "cpuset", self->text,
				  sizeof(self->text)));
	ct_wait(pid);
}

/* A file that was opened before the process ended, read afterwards. */
TEST_F(proc, container_of_ended_process)
{
	pid_t pid = ct_sleeper(NULL);
	int container, cpuset;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mount("none,name=t", T));
	container = open(ct_path("/proc/%d/container", pid), O_RDONLY);
	cpuset = open(ct_path("/proc/%d/cpuset", pid), O_RDONLY);
	ASSERT_LE(0, container);
	ASSERT_LE(0, cpuset);
	ct_kill(pid);
	EXPECT_EQ(-1, read(container, self->text, 16));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(-1, read(cpuset, self->text, 16));
	EXPECT_EQ(ESRCH, errno);
	close(container);
	close(cpuset);
}

/*
 * /proc/PID/cpuset
 */

/* The path in the cpuset hierarchy; "/" where cpuset is unbound. */
TEST_F(proc, cpuset)
{
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", self->text,
				  sizeof(self->text)));
	EXPECT_STREQ("/\n", self->text);
	ASSERT_EQ(0, ct_mount("cpuacct", U));
	ASSERT_EQ(0, ct_mkdir(U "/elsewhere"));
	ASSERT_EQ(0, ct_attach(U "/elsewhere", pid));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", self->text,
				  sizeof(self->text)));
	EXPECT_STREQ("/\n", self->text);

	ASSERT_EQ(0, ct_mount("cpuset,sample", T));
	ASSERT_EQ(0, ct_mkdir(T "/a"));
	ASSERT_EQ(0, ct_mkdir(T "/a/b"));
	ASSERT_EQ(0, set_cpuset(T "/a"));
	ASSERT_EQ(0, set_cpuset(T "/a/b"));
	ASSERT_EQ(0, ct_attach(T "/a/b", pid));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", self->text,
				  sizeof(self->text)));
	EXPECT_STREQ("/a/b\n", self->text);
	ct_kill(pid);
	ASSERT_EQ(0, ct_rmtree(T "/a"));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_LT(0, ct_proc_read(getpid(), "cpuset", self->text,
				  sizeof(self->text)));
	EXPECT_STREQ("/\n", self->text);
}

TEST_HARNESS_MAIN
