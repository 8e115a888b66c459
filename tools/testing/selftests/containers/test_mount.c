// SPDX-License-Identifier: GPL-2.0
/*
 * Mounting: the options of the file system "container", which hierarchies may
 * be at the same time, how long they live, remounting, and who may do it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define A	CT_DIR "/a"
#define B	CT_DIR "/b"

#define LONG_TIMEOUT	300

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* Do two paths lead to the same directory of the same superblock? */
static bool same_directory(const char *a, const char *b)
{
	struct stat st_a, st_b;

	return !stat(a, &st_a) && !stat(b, &st_b) &&
	       st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

/* Id of the hierarchy that a subsystem is in; 0 for none, or -errno. */
static int hierarchy(const char *subsys)
{
	struct ct_subsys row;
	int ret = ct_subsys(subsys, &row);

	return ret ? ret : row.hierarchy;
}

/* What can be seen from outside of all hierarchies, for comparisons. */
struct state {
	char containers[2048];
	char own[2048];
	char mounts[8192];
};

static int read_state(struct state *state)
{
	int ret;

	memset(state, 0, sizeof(*state));
	ret = ct_read("/proc", "containers", state->containers,
		      sizeof(state->containers));
	if (ret >= 0)
		ret = ct_proc_read(getpid(), "container", state->own,
				   sizeof(state->own));
	if (ret >= 0)
		ret = ct_proc_read(getpid(), "mounts", state->mounts,
				   sizeof(state->mounts));
	return ret < 0 ? ret : 0;
}

static bool same_state(const struct state *state)
{
	struct state now;

	return !read_state(&now) &&
	       !strcmp(now.containers, state->containers) &&
	       !strcmp(now.own, state->own) &&
	       !strcmp(now.mounts, state->mounts);
}

FIXTURE(mount)
{
	struct state before;
	char log[4096];
	char options[8192];
};

FIXTURE_SETUP(mount)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, read_state(&self->before));
}

FIXTURE_TEARDOWN_PARENT(mount)
{
	EXPECT_EQ(0, ct_reset());
}

/*
 * The table of options
 */

/* A list of subsystems: the hierarchy has exactly these, in any order. */
TEST_F(mount, list_of_subsystems)
{
	ASSERT_EQ(0, ct_mount("cpuset", A));
	EXPECT_LT(0, hierarchy("cpuset"));
	EXPECT_EQ(0, hierarchy("cpuacct"));
	EXPECT_EQ(0, hierarchy("sample"));
	EXPECT_TRUE(exists(A "/cpuset.cpus"));
	EXPECT_FALSE(exists(A "/cpuacct.usage"));
	EXPECT_FALSE(exists(A "/sample.members"));
	ASSERT_EQ(0, ct_umount(A));

	ASSERT_EQ(0, ct_mount("cpuacct,cpuset", A));
	EXPECT_LT(0, hierarchy("cpuset"));
	EXPECT_EQ(hierarchy("cpuset"), hierarchy("cpuacct"));
	EXPECT_EQ(0, hierarchy("sample"));
	EXPECT_TRUE(exists(A "/cpuset.cpus"));
	EXPECT_TRUE(exists(A "/cpuacct.usage"));
	EXPECT_EQ(0, ct_mount("cpuset,cpuacct", B));
	EXPECT_TRUE(same_directory(A, B));
}

/* Two hierarchies with disjoint sets are there at the same time. */
TEST_F(mount, disjoint_sets)
{
	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, ct_mount("cpuacct", B));
	EXPECT_FALSE(same_directory(A, B));
	EXPECT_LT(0, hierarchy("cpuset"));
	EXPECT_LT(0, hierarchy("cpuacct"));
	EXPECT_NE(hierarchy("cpuset"), hierarchy("cpuacct"));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	EXPECT_FALSE(exists(B "/x"));
}

/* "all", or no subsystem named: every subsystem that is not disabled. */
TEST_F(mount, all)
{
	static const char *const options[] = {
		"all", NULL, "", ",", "release_agent=/x", "name=every"
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, ct_mount(options[i], A))
			TH_LOG("options '%s'", options[i]);
		EXPECT_LT(0, hierarchy("cpuset"));
		EXPECT_EQ(hierarchy("cpuset"), hierarchy("cpuacct"));
		EXPECT_EQ(hierarchy("cpuset"), hierarchy("sample"));
		EXPECT_EQ(0, ct_mount("all", B));
		EXPECT_TRUE(same_directory(A, B));
		EXPECT_EQ(0, ct_umount(B));
		ASSERT_EQ(0, ct_umount(A));
		EXPECT_EQ(0, hierarchy("cpuset"));
	}
}

/* The core's first file, of those in every container, that is not there. */
static const char *missing_file(const char *cont)
{
	static const char *const files[] = {
		"tasks", "procs", "notify_on_release", "auto_delete", "events",
		"kill",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!exists(ct_path("%s/%s", cont, files[i])))
			return files[i];
	return "";
}

/* "none,name=ID": no subsystem, and the core's files alone. */
TEST_F(mount, none)
{
	ASSERT_EQ(0, ct_mount("none,name=grouping", A));
	EXPECT_EQ(0, hierarchy("cpuset"));
	EXPECT_EQ(0, hierarchy("cpuacct"));
	EXPECT_EQ(0, hierarchy("sample"));
	EXPECT_STREQ("", missing_file(A));
	EXPECT_TRUE(exists(A "/release_agent"));
	EXPECT_FALSE(exists(A "/cpuset.cpus"));
	EXPECT_TRUE(ct_is_in(getpid(), "name=grouping", "/"));

	/* In all but the root container there is no release_agent. */
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	EXPECT_STREQ("", missing_file(A "/x"));
	EXPECT_FALSE(exists(A "/x/release_agent"));
}

/* "name=ID" with subsystems names their hierarchy. */
TEST_F(mount, name_with_subsystems)
{
	ASSERT_EQ(0, ct_mount("cpuset,name=placement", A));
	ASSERT_EQ(0, ct_show_options(A, self->options, sizeof(self->options)));
	EXPECT_STREQ("cpuset,name=placement", self->options);
	ASSERT_EQ(0, ct_mount("none,name=other", B));
	EXPECT_FALSE(same_directory(A, B));
}

/* ID is 1 to 63 characters... */
TEST_F(mount, name_length)
{
	char name[65];

	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	EXPECT_EQ(-EINVAL, ct_mount(ct_path("none,name=%s", name), A));
	name[63] = '\0';
	ASSERT_EQ(0, ct_mount(ct_path("none,name=%s", name), A));
	EXPECT_TRUE(ct_is_in(getpid(), ct_path("name=%s", name), "/"));
	ASSERT_EQ(0, ct_umount(A));
	ASSERT_EQ(0, ct_mount("none,name=n", A));
	ASSERT_EQ(0, ct_umount(A));
	EXPECT_EQ(-EINVAL, ct_mount("none,name=", A));
	EXPECT_EQ(-EINVAL, ct_mount("none,name", A));
	EXPECT_TRUE(same_state(&self->before));
}

/* ...of [A-Za-z0-9._-], each of which may stand anywhere; no others may. */
TEST_F(mount, name_characters)
{
	int c;

	for (c = 1; c < 256; c++) {
		bool good = strchr("._-", c) || (c < 128 && isalnum(c));
		int fs, ret;

		fs = ct_fsopen("container", "none", NULL, 0);
		ASSERT_LE(0, fs);
		ret = fsconfig(fs, FSCONFIG_SET_STRING, "name",
			       ct_path("a%cb%c", c, c), 0) ? -errno : 0;
		EXPECT_EQ(good ? 0 : -EINVAL, ret)
			TH_LOG("character %d", c);
		close(fs);
		if (!good)
			continue;
		ASSERT_EQ(0, ct_mount(ct_path("none,name=%c", c), A));
		ASSERT_EQ(0, ct_umount(A));
	}
}

/* "release_agent=PATH" sets the hierarchy's agent, however long a path. */
TEST_F(mount, release_agent)
{
	char path[3001], seen[PATH_MAX + 1];

	ASSERT_EQ(0, ct_mount("none,name=t,release_agent=/sbin/agent -x", A));
	ASSERT_LT(0, ct_read(A, "release_agent", seen, sizeof(seen)));
	EXPECT_STREQ("/sbin/agent -x\n", seen);
	ASSERT_EQ(0, ct_umount(A));

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ASSERT_EQ(0, ct_mount(ct_path("none,name=t,release_agent=%s", path),
			      A));
	ASSERT_EQ(3001, ct_read(A, "release_agent", seen, sizeof(seen)));
	EXPECT_EQ(0, memcmp(path, seen, 3000));

	/* A mount of the same hierarchy sets it too. */
	ASSERT_EQ(0, ct_mount("none,name=t,release_agent=/other", B));
	ASSERT_LT(0, ct_read(A, "release_agent", seen, sizeof(seen)));
	EXPECT_STREQ("/other\n", seen);
	/* One that does not name an agent leaves it. */
	ASSERT_EQ(0, ct_umount(B));
	ASSERT_EQ(0, ct_mount("none,name=t", B));
	ASSERT_LT(0, ct_read(A, "release_agent", seen, sizeof(seen)));
	EXPECT_STREQ("/other\n", seen);
}

#ifndef FSCONFIG_CMD_CREATE_EXCL
#define FSCONFIG_CMD_CREATE_EXCL	8
#endif

/* A mount that fails does not change the agent. */
TEST_F(mount, release_agent_of_failed_mount)
{
	char seen[PATH_MAX];
	int fs;

	ASSERT_EQ(0, ct_mount("none,name=t,release_agent=/first", A));
	fs = ct_fsopen("container", "none,name=t,release_agent=/second", NULL, 0);
	ASSERT_LE(0, fs);
	ASSERT_EQ(-1, fsconfig(fs, FSCONFIG_CMD_CREATE_EXCL, NULL, NULL, 0));
	EXPECT_EQ(EBUSY, errno);
	close(fs);
	ASSERT_LT(0, ct_read(A, "release_agent", seen, sizeof(seen)));
	EXPECT_STREQ("/first\n", seen);
}

/* "noprefix": names without "cpuset.", with cpuset alone. */
TEST_F(mount, noprefix)
{
	ASSERT_EQ(0, ct_mount("cpuset,noprefix", A));
	EXPECT_TRUE(exists(A "/cpus"));
	EXPECT_TRUE(exists(A "/mems"));
	EXPECT_FALSE(exists(A "/cpuset.cpus"));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	EXPECT_TRUE(exists(A "/x/cpus"));
	EXPECT_FALSE(exists(A "/x/cpuset.cpus"));
	EXPECT_EQ(0, ct_write(A "/x", "cpus", "0"));
}

/*
 * Errors
 */

/*
 * Each wrong combination is EINVAL, tells in one line of the context's log
 * which word was wrong, and changes nothing; mount(2) agrees.
 */
TEST_F(mount, wrong_options)
{
	static const struct {
		const char *options;
		const char *word;
	} wrong[] = {
		{ "bogus", "bogus" },
		{ "cpuset,bogus", "bogus" },
		{ "cpu", "cpu" },
		{ "cpusets", "cpusets" },
		{ "CPUSET", "CPUSET" },
		{ "bogus=1", "bogus" },
		{ "cpuset=1", "cpuset" },
		{ "all=1", "all" },
		{ "none=1,name=t", "none" },
		{ "noprefix=1,cpuset", "noprefix" },
		{ "none,cpuset,name=t", "none" },
		{ "cpuset,none,name=t", "none" },
		{ "none,all,name=t", "none" },
		{ "none", "none" },
		{ "none,release_agent=/x", "none" },
		{ "none,name=a,name=b", "name" },
		{ "cpuset,release_agent=/a,release_agent=/b", "release_agent" },
		{ "none,name=a/b", "name" },
		{ "none,name=a b", "name" },
		{ "none,name=", "name" },
		{ "name", "name" },
		{ "release_agent", "release_agent" },
		{ "noprefix", "noprefix" },
		{ "noprefix,all", "noprefix" },
		{ "cpuacct,noprefix", "noprefix" },
		{ "cpuset,cpuacct,noprefix", "noprefix" },
		{ "none,name=t,noprefix", "noprefix" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		char *newline;

		self->log[0] = '\0';
		EXPECT_EQ(-EINVAL, ct_fsmount(wrong[i].options, A, self->log,
					      sizeof(self->log)))
			TH_LOG("options '%s'", wrong[i].options);
		EXPECT_NE(NULL, strstr(self->log, wrong[i].word))
			TH_LOG("'%s' is not named for '%s': %s", wrong[i].word,
			       wrong[i].options, self->log);
		EXPECT_EQ(0, strncmp(self->log, "e ", 2));
		newline = strchr(self->log, '\n');
		EXPECT_TRUE(!newline || !newline[1])
			TH_LOG("more than one line for '%s': %s",
			       wrong[i].options, self->log);
		EXPECT_EQ(-EINVAL, ct_mount(wrong[i].options, A))
			TH_LOG("options '%s'", wrong[i].options);
		EXPECT_TRUE(same_state(&self->before))
			TH_LOG("'%s' has changed something", wrong[i].options);
	}
}

/* Hole 16: the same word again, and empty words, are no mistakes. */
TEST_F(mount, repeated_and_empty_words)
{
	static const char *const right[] = {
		"cpuset,cpuset", "cpuset,,cpuacct", ",cpuset,", "all,all",
		"all,cpuset", "cpuset,noprefix,noprefix",
		"none,none,name=a,name=a",
		"cpuset,release_agent=/a,release_agent=/a",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(right); i++) {
		EXPECT_EQ(0, ct_mount(right[i], A))
			TH_LOG("options '%s'", right[i]);
		EXPECT_EQ(0, ct_umount(A));
		EXPECT_EQ(0, ct_fsmount(right[i], A, self->log,
					sizeof(self->log)))
			TH_LOG("options '%s': %s", right[i], self->log);
		EXPECT_EQ(0, ct_umount(A));
		EXPECT_TRUE(same_state(&self->before));
	}
}

/* Hole 16: 200 options, good ones and unknown ones. */
TEST_F(mount, many_options)
{
	char *p = self->options;
	int i;

	for (i = 0; i < 200; i++)
		p += sprintf(p, "%scpuset", i ? "," : "");
	ASSERT_EQ(0, ct_mount(self->options, A));
	ASSERT_EQ(0, ct_umount(A));

	p = self->options;
	for (i = 0; i < 200; i++)
		p += sprintf(p, "%sunknown%d", i ? "," : "", i);
	EXPECT_EQ(-EINVAL, ct_mount(self->options, A));
	EXPECT_TRUE(same_state(&self->before));
}

/*
 * Hole 14: values of another type than a string or a flag are refused for
 * every key, and what was passed is left alone.
 */
TEST_F(mount, fsconfig_types)
{
	static const char *const keys[] = {
		"source", "name", "release_agent", "cpuset", "cpuacct", "all",
		"none", "noprefix", "bogus",
	};
	char byte;
	unsigned int i;
	int pipefd[2], fs;

	ASSERT_EQ(0, pipe(pipefd));
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		fs = ct_fsopen("container", NULL, NULL, 0);
		ASSERT_LE(0, fs);
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_FD, keys[i], NULL,
				       pipefd[1]));
		EXPECT_EQ(EINVAL, errno) TH_LOG("fd as '%s'", keys[i]);
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_BINARY, keys[i],
				       "abc", 3));
		EXPECT_EQ(EINVAL, errno) TH_LOG("blob as '%s'", keys[i]);
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_PATH, keys[i], "/tmp",
				       AT_FDCWD));
		EXPECT_EQ(EINVAL, errno) TH_LOG("path as '%s'", keys[i]);
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_PATH_EMPTY, keys[i],
				       "", pipefd[1]));
		EXPECT_EQ(EINVAL, errno) TH_LOG("empty path as '%s'", keys[i]);
		close(fs);
		/* The descriptor was not taken over. */
		EXPECT_EQ(1, write(pipefd[1], "x", 1));
		EXPECT_EQ(1, read(pipefd[0], &byte, 1));
	}
	fs = ct_fsopen("container", NULL, NULL, 0);
	ASSERT_LE(0, fs);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_FLAG, "source", NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "source", "one", 0));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, "source", "two", 0));
	EXPECT_EQ(EINVAL, errno);
	close(fs);
	close(pipefd[0]);
	close(pipefd[1]);
	EXPECT_TRUE(same_state(&self->before));
}

/* Hole 15: more bytes of options than fit a page, one fsconfig at a time. */
TEST_F(mount, fsconfig_many_bytes)
{
	char agent[250];
	int fs, i;

	memset(agent, 'g', sizeof(agent));
	agent[0] = '/';
	agent[sizeof(agent) - 1] = '\0';
	fs = ct_fsopen("container", "none,name=t", NULL, 0);
	ASSERT_LE(0, fs);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "release_agent",
				      agent, 0));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, agent, agent,
				       0));
		EXPECT_EQ(EINVAL, errno);
	}
	fs = ct_fscreate(fs, self->log, sizeof(self->log));
	ASSERT_LE(0, fs) TH_LOG("%s", self->log);
	close(fs);
	EXPECT_TRUE(same_state(&self->before));
}

/* A context that was opened and never used leaves nothing. */
TEST_F(mount, fsopen_alone)
{
	int i, fs;

	for (i = 0; i < 100; i++) {
		fs = ct_fsopen("container", "none,name=t,release_agent=/x",
			       NULL, 0);
		ASSERT_LE(0, fs);
		close(fs);
	}
	EXPECT_TRUE(same_state(&self->before));
}

/*
 * Sharing and overlap
 */

/* The same set again is the same superblock and the same tree. */
TEST_F(mount, sharing)
{
	struct state before;

	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, ct_mount("cpuset", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_TRUE(same_directory(A "/x", B "/x"));
	ASSERT_EQ(0, ct_rmdir(B "/x"));
	EXPECT_FALSE(exists(A "/x"));

	/* One mount goes, the other stays; and again with fsopen(). */
	ASSERT_EQ(0, read_state(&before));
	ASSERT_EQ(0, ct_umount(A));
	EXPECT_TRUE(exists(B "/cpuset.cpus"));
	EXPECT_LT(0, hierarchy("cpuset"));
	ASSERT_EQ(0, ct_fsmount("cpuset", A, self->log, sizeof(self->log)));
	EXPECT_TRUE(same_directory(A, B));
}

/* The same name, if one is given, has to go with the same set. */
TEST_F(mount, sharing_by_name)
{
	ASSERT_EQ(0, ct_mount("cpuset,name=n", A));
	EXPECT_EQ(0, ct_mount("cpuset,name=n", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_EQ(0, ct_umount(B));
	/* No name is given: the set decides. */
	EXPECT_EQ(0, ct_mount("cpuset", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_EQ(0, ct_umount(B));
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,name=m", B));
	EXPECT_EQ(-EBUSY, ct_mount("cpuacct,name=n", B));
	EXPECT_EQ(-EBUSY, ct_mount("none,name=n", B));
	ASSERT_EQ(0, ct_umount(A));

	ASSERT_EQ(0, ct_mount("cpuset", A));
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,name=n", B));
	ASSERT_EQ(0, ct_umount(A));

	ASSERT_EQ(0, ct_mount("none,name=n", A));
	EXPECT_EQ(0, ct_mount("none,name=n", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_EQ(0, ct_umount(B));
	EXPECT_EQ(0, ct_mount("none,name=m", B));
	EXPECT_FALSE(same_directory(A, B));
}

/* Any other overlap is EBUSY, and nothing has changed. */
TEST_F(mount, overlap)
{
	static const char *const overlapping[] = {
		"cpuset", "cpuacct", "all", "cpuset,sample", "cpuacct,sample",
		"cpuset,cpuacct,sample", "cpuset,noprefix", NULL,
	};
	struct state before;
	unsigned int i;

	ASSERT_EQ(0, ct_mount("cpuset,cpuacct", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, read_state(&before));
	for (i = 0; i < ARRAY_SIZE(overlapping); i++) {
		EXPECT_EQ(-EBUSY, ct_mount(overlapping[i], B))
			TH_LOG("options '%s'", overlapping[i]);
		EXPECT_EQ(-EBUSY, ct_fsmount(overlapping[i], B, self->log,
					     sizeof(self->log)));
		EXPECT_TRUE(same_state(&before))
			TH_LOG("'%s' has changed something", overlapping[i]);
	}
	EXPECT_TRUE(exists(A "/x/cpuset.cpus"));
	EXPECT_TRUE(exists(A "/x/cpuacct.usage"));
	EXPECT_FALSE(exists(A "/x/sample.members"));
	/* What does not overlap can be mounted all the same. */
	EXPECT_EQ(0, ct_mount("sample", B));
}

/*
 * Lifetime
 */

/*
 * With child containers a hierarchy stays active without a mount, and the
 * same set mounts it again: same tree, same values, same members.
 */
TEST_F(mount, persistence)
{
	static const struct {
		const char *options;
		const char *list;
	} kinds[] = {
		{ "cpuacct", "cpuacct" },
		{ "none,name=t", "name=t" },
		{ "cpuacct,sample,name=t", "cpuacct,sample" },
	};
	struct state before;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, ct_mount(kinds[i].options, A));
		ASSERT_EQ(0, ct_mkdir(A "/x"));
		ASSERT_EQ(0, ct_mkdir(A "/x/y"));
		ASSERT_EQ(0, ct_write(A "/x", "notify_on_release", "1"));
		ASSERT_EQ(0, ct_write(A, "release_agent", "/bin/true"));
		pid = ct_sleeper(A "/x/y");
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, ct_umount(A));

		EXPECT_TRUE(ct_is_in(pid, kinds[i].list, "/x/y"));
		EXPECT_TRUE(ct_is_in(getpid(), kinds[i].list, "/"));
		ASSERT_EQ(0, read_state(&before));
		EXPECT_EQ(-EBUSY, ct_mount("cpuset,cpuacct,name=t", B));
		EXPECT_TRUE(same_state(&before));

		ASSERT_EQ(0, ct_mount(kinds[i].options, B));
		EXPECT_EQ(1, ct_has(B "/x/y", "tasks", pid));
		EXPECT_EQ(1, ct_read_num(B "/x", "notify_on_release"));
		ASSERT_LT(0, ct_read(B, "release_agent", self->log,
				     sizeof(self->log)));
		EXPECT_STREQ("/bin/true\n", self->log);
		ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
		ASSERT_EQ(0, ct_rmdir(B "/x/y"));
		ASSERT_EQ(0, ct_rmdir(B "/x"));
		ASSERT_EQ(0, ct_umount(B));
		EXPECT_TRUE(same_state(&self->before));
	}
}

/*
 * Without children the last umount tears the hierarchy down: subsystems are
 * unbound, tasks in their root state, and files of processes gone.
 */
TEST_F(mount, tear_down)
{
	ASSERT_EQ(0, ct_mount("cpuset,cpuacct,name=t", A));
	ASSERT_EQ(0, ct_mount("none,name=u", B));
	EXPECT_FALSE(same_state(&self->before));
	ASSERT_EQ(0, ct_umount(A));
	ASSERT_EQ(0, ct_umount(B));
	EXPECT_TRUE(same_state(&self->before));
	EXPECT_STREQ("", self->before.own);
}

/* The last child goes while the hierarchy is not mounted: torn down then. */
TEST_F(mount, tear_down_by_auto_delete)
{
	int i;
	pid_t pid;

	ASSERT_EQ(0, ct_mount("cpuacct", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, ct_write(A "/x", "auto_delete", "1"));
	pid = ct_sleeper(A "/x");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_umount(A));
	EXPECT_LT(0, hierarchy("cpuacct"));
	ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
	for (i = 0; i < CT_WAIT_MS && hierarchy("cpuacct"); i++)
		usleep(1000);
	EXPECT_EQ(0, hierarchy("cpuacct"));
	EXPECT_TRUE(same_state(&self->before));
	ASSERT_EQ(0, ct_mount("cpuset,cpuacct", A));
}

/*
 * The last mount is detached while its root directory is held open: a
 * container made through that descriptor keeps the hierarchy active.
 */
TEST_F(mount, mkdir_through_open_directory)
{
	int fd;

	ASSERT_EQ(0, ct_mount("cpuacct", A));
	fd = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, ct_umount(A));
	ASSERT_EQ(0, umount2(A, MNT_DETACH));
	EXPECT_LT(0, hierarchy("cpuacct"));
	ASSERT_EQ(0, mkdirat(fd, "x", 0755));
	close(fd);
	EXPECT_LT(0, hierarchy("cpuacct"));
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,cpuacct", A));
	ASSERT_EQ(0, ct_mount("cpuacct", A));
	EXPECT_TRUE(exists(A "/x/tasks"));
}

/*
 * Hole 53: as soon as a hierarchy without children is unmounted its subsystems
 * can be mounted elsewhere. 1,000 times on two kernels, without a pause, never EBUSY.
 */
TEST_F_TIMEOUT(mount, elsewhere_at_once, LONG_TIMEOUT)
{
	int i;

	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, ct_mount(i % 2 ? "cpuset" : "cpuset,cpuacct", A))
			TH_LOG("round %d", i);
		ASSERT_EQ(0, ct_mkdir(A "/x"));
		ASSERT_EQ(0, ct_rmdir(A "/x"));
		ASSERT_EQ(0, ct_umount(A));
	}
	EXPECT_TRUE(same_state(&self->before));
}

/* The same after the container had a member until its end was waited for. */
TEST_F_TIMEOUT(mount, elsewhere_after_member, LONG_TIMEOUT)
{
	pid_t pid;
	int i;

	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, ct_mount(i % 2 ? "cpuacct" : "cpuacct,sample", A))
			TH_LOG("round %d", i);
		ASSERT_EQ(0, ct_mkdir(A "/x"));
		pid = ct_sleeper(A "/x");
		ASSERT_LT(0, pid);
		ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
		ASSERT_EQ(0, ct_rmdir(A "/x"));
		ASSERT_EQ(0, ct_umount(A));
	}
	EXPECT_TRUE(same_state(&self->before));
}

/* Hole 60: all subsystems are bound while other CPUs are idle and tick. */
TEST_F_TIMEOUT(mount, bind_while_idle, LONG_TIMEOUT)
{
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, ct_mount("all", A));
		ASSERT_EQ(0, ct_umount(A));
	}
}

/* There is no limit to the number of hierarchies: 300 at a time. */
TEST_F_TIMEOUT(mount, many_hierarchies, LONG_TIMEOUT)
{
	char *lines = malloc(1 << 16);
	const int count = 300;
	int i, found = 0;
	pid_t pid;

	for (i = 0; i < count; i++) {
		const char *dir = ct_path(CT_DIR "/m%d", i);

		ASSERT_EQ(0, ct_mount(ct_path("none,name=many%d", i), dir));
		ASSERT_EQ(0, ct_mkdir(ct_path("%s/x", dir)));
	}
	/* One process is a member of a container in each. */
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, ct_attach(ct_path(CT_DIR "/m%d/x", i), pid));
	for (i = 0; i < count; i++)
		EXPECT_TRUE(ct_is_in(pid, ct_path("name=many%d", i), "/x"))
			TH_LOG("hierarchy %d", i);
	ASSERT_LT(0, ct_proc_read(pid, "container", lines, 1 << 16));
	for (i = 0; lines[i]; i++)
		found += lines[i] == '\n';
	EXPECT_EQ(count, found);
	ASSERT_EQ(256 + SIGKILL, ct_kill(pid));
	for (i = 0; i < count; i++) {
		const char *dir = ct_path(CT_DIR "/m%d", i);

		ASSERT_EQ(0, ct_rmdir(ct_path("%s/x", dir)));
		ASSERT_EQ(0, ct_umount(dir));
		ASSERT_EQ(0, rmdir(dir));
	}
	EXPECT_TRUE(same_state(&self->before));
	free(lines);
}

/*
 * Remounting
 */

/* remount,LIST adds subsystems and removes them, files included. */
TEST_F(mount, remount)
{
	int id, fd;
	char byte;

	ASSERT_EQ(0, ct_mount("cpuset,name=t", A));
	id = hierarchy("cpuset");

	ASSERT_EQ(0, ct_remount("cpuset,cpuacct", A));
	EXPECT_EQ(id, hierarchy("cpuset"));
	EXPECT_EQ(id, hierarchy("cpuacct"));
	EXPECT_TRUE(exists(A "/cpuset.cpus"));
	EXPECT_TRUE(exists(A "/cpuacct.usage"));
	EXPECT_TRUE(ct_is_in(getpid(), "cpuset,cpuacct", "/"));
	ASSERT_EQ(0, ct_show_options(A, self->options, sizeof(self->options)));
	EXPECT_STREQ("cpuset,cpuacct,name=t", self->options);

	/* An open file of what is removed tells so. */
	fd = ct_open(A, "cpuset.cpus", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_remount("cpuacct", A));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
	EXPECT_EQ(0, hierarchy("cpuset"));
	EXPECT_EQ(id, hierarchy("cpuacct"));
	EXPECT_FALSE(exists(A "/cpuset.cpus"));
	EXPECT_TRUE(exists(A "/cpuacct.usage"));
	EXPECT_TRUE(exists(A "/tasks"));

	/* The one that was removed is free for others. */
	ASSERT_EQ(0, ct_mount("cpuset", B));
	ASSERT_EQ(0, ct_umount(B));

	/* Everything, then nothing, with the other system call. */
	ASSERT_EQ(0, ct_fsremount("all", A, self->log, sizeof(self->log)));
	EXPECT_EQ(id, hierarchy("sample"));
	EXPECT_EQ(id, hierarchy("cpuset"));
	EXPECT_EQ(id, hierarchy("cpuacct"));
	EXPECT_TRUE(exists(A "/sample.members"));
	ASSERT_EQ(0, ct_fsremount("none", A, self->log, sizeof(self->log)));
	EXPECT_EQ(0, hierarchy("cpuset"));
	EXPECT_EQ(0, hierarchy("cpuacct"));
	EXPECT_EQ(0, hierarchy("sample"));
	EXPECT_FALSE(exists(A "/cpuset.cpus"));
	EXPECT_TRUE(ct_is_in(getpid(), "name=t", "/"));

	/* Containers made afterwards have the files of the new set. */
	ASSERT_EQ(0, ct_remount("cpuacct", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	EXPECT_TRUE(exists(A "/x/cpuacct.usage"));
	EXPECT_FALSE(exists(A "/x/cpuset.cpus"));
}

/* With children a change is EBUSY; what is no change of the set is not. */
TEST_F(mount, remount_with_children)
{
	static const char *const changes[] = {
		"cpuset", "cpuset,cpuacct", "all", "none", "sample",
	};
	struct state before;
	unsigned int i;

	ASSERT_EQ(0, ct_mount("cpuacct,name=t", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, read_state(&before));
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		EXPECT_EQ(-EBUSY, ct_remount(changes[i], A))
			TH_LOG("to '%s'", changes[i]);
		EXPECT_EQ(-EBUSY, ct_fsremount(changes[i], A, self->log,
					       sizeof(self->log)));
		EXPECT_TRUE(same_state(&before));
		EXPECT_FALSE(exists(A "/cpuset.cpus"));
		EXPECT_TRUE(exists(A "/cpuacct.usage"));
	}
	EXPECT_EQ(0, ct_remount("cpuacct", A));
	EXPECT_EQ(0, ct_remount("cpuacct,name=t", A));
	EXPECT_EQ(0, ct_remount(NULL, A));
	EXPECT_TRUE(same_state(&before));
	ASSERT_EQ(0, ct_rmdir(A "/x"));
	EXPECT_EQ(0, ct_remount("cpuset", A));
}

/* A subsystem in use elsewhere: EBUSY, and none of the others is added. */
TEST_F(mount, remount_all_or_nothing)
{
	struct state before;

	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, ct_mount("sample", B));
	ASSERT_EQ(0, read_state(&before));
	EXPECT_EQ(-EBUSY, ct_remount("cpuset,cpuacct,sample", A));
	EXPECT_EQ(-EBUSY, ct_remount("cpuacct,sample", A));
	EXPECT_EQ(-EBUSY, ct_remount("all", A));
	EXPECT_EQ(-EBUSY, ct_fsremount("sample", A, self->log,
				       sizeof(self->log)));
	/* Nor is an agent set that came with it. */
	EXPECT_EQ(-EBUSY, ct_remount("sample,release_agent=/x", A));
	EXPECT_TRUE(same_state(&before));
	EXPECT_FALSE(exists(A "/cpuacct.usage"));
	EXPECT_TRUE(exists(A "/cpuset.cpus"));
	EXPECT_EQ(0, ct_remount("cpuset,cpuacct", A));
}

/* Wrong words are EINVAL and named, and nothing has changed. */
TEST_F(mount, remount_wrong_options)
{
	static const struct {
		const char *options;
		const char *word;
	} wrong[] = {
		{ "bogus", "bogus" },
		{ "cpuacct,bogus", "bogus" },
		{ "none,cpuset", "none" },
		{ "cpuset,cpuacct,noprefix", "noprefix" },
		{ "cpuset,name=a,name=b", "name" },
	};
	struct state before;
	unsigned int i;

	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, read_state(&before));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->log[0] = '\0';
		EXPECT_EQ(-EINVAL, ct_fsremount(wrong[i].options, A, self->log,
						sizeof(self->log)))
			TH_LOG("options '%s'", wrong[i].options);
		EXPECT_NE(NULL, strstr(self->log, wrong[i].word))
			TH_LOG("'%s' is not named: %s", wrong[i].word,
			       self->log);
		EXPECT_EQ(-EINVAL, ct_remount(wrong[i].options, A));
		EXPECT_TRUE(same_state(&before));
	}
}

/* remount sets the release agent too. */
TEST_F(mount, remount_release_agent)
{
	ASSERT_EQ(0, ct_mount("cpuset,release_agent=/a", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, ct_remount("cpuset,release_agent=/b", A));
	ASSERT_LT(0, ct_read(A, "release_agent", self->log,
			     sizeof(self->log)));
	EXPECT_STREQ("/b\n", self->log);
	ASSERT_EQ(0, ct_show_options(A, self->options, sizeof(self->options)));
	EXPECT_STREQ("cpuset,release_agent=/b", self->options);
}

/* Hole 63: the directory of a removed container is open during a remount. */
TEST_F(mount, remount_with_open_removed_directory)
{
	int dir, fd;
	char byte;

	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	dir = open(A "/x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, dir);
	fd = ct_open(A "/x", "cpuset.cpus", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ct_rmdir(A "/x"));
	EXPECT_EQ(0, ct_remount("cpuacct", A));
	ASSERT_EQ(0, ct_settle());
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, mkdirat(dir, "y", 0755));
	EXPECT_EQ(-1, openat(dir, "tasks", O_RDONLY));
	close(dir);
	close(fd);
	EXPECT_EQ(0, hierarchy("cpuset"));
	EXPECT_LT(0, hierarchy("cpuacct"));
}

/* A member in the root container is no obstacle, and stays a member. */
TEST_F(mount, remount_with_members)
{
	pid_t pid = ct_sleeper(NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mount("cpuset", A));
	EXPECT_EQ(1, ct_has(A, "tasks", pid));
	ASSERT_EQ(0, ct_remount("cpuset,cpuacct", A));
	EXPECT_EQ(1, ct_has(A, "tasks", pid));
	EXPECT_EQ(1, ct_has(A, "tasks", 1));
	EXPECT_TRUE(ct_is_in(pid, "cpuset,cpuacct", "/"));
	ct_kill(pid);
}

/*
 * Who may
 */

static int mount_in_user_namespace(void *type)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return ct_mount_type(type, NULL, A);
}

static int create_in_user_namespace(void *unused)
{
	int fs;

	(void)unused;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	fs = fsopen("container", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? -errno : 0;
}

static int remount_in_user_namespace(void *options)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return ct_remount(options, A);
}

static int mount_as_user(void *type)
{
	int ret = ct_become(CT_UID);

	return ret ? ret : ct_mount_type(type, NULL, A);
}

static int remount_as_user(void *options)
{
	int ret = ct_become(CT_UID);

	return ret ? ret : ct_remount(options, A);
}

/* Holes 1, 13: never mountable without CAP_SYS_ADMIN in the initial one. */
TEST_F(mount, user_namespace)
{
	EXPECT_EQ(-EPERM, ct_call(mount_in_user_namespace, "container"));
	EXPECT_EQ(-EPERM, ct_call(mount_in_user_namespace, "cpuset"));
	EXPECT_EQ(-EPERM, ct_call(create_in_user_namespace, NULL));
	EXPECT_EQ(-EPERM, ct_call(mount_as_user, "container"));
	EXPECT_EQ(-EPERM, ct_call(mount_as_user, "cpuset"));
	EXPECT_TRUE(same_state(&self->before));

	/* Not even where it is active already. */
	ASSERT_EQ(0, ct_mount("all", B));
	EXPECT_EQ(-EPERM, ct_call(mount_in_user_namespace, "container"));
	ASSERT_EQ(0, ct_umount(B));
}

/* Hole 1: nor is a remount, which could set a release agent. */
TEST_F(mount, user_namespace_remount)
{
	struct state before;

	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, read_state(&before));
	EXPECT_EQ(-EPERM, ct_call(remount_in_user_namespace, "cpuset"));
	EXPECT_EQ(-EPERM, ct_call(remount_in_user_namespace,
				  "cpuset,release_agent=/tmp/evil"));
	EXPECT_EQ(-EPERM, ct_call(remount_as_user,
				  "cpuset,release_agent=/tmp/evil"));
	EXPECT_TRUE(same_state(&before));
}

static int open_new(void)
{
	return fsopen("container", 0);
}

static int open_active(void)
{
	int fs = fspick(AT_FDCWD, A, 0);

	if (fs >= 0 && (fsconfig(fs, FSCONFIG_SET_FLAG, "cpuset", NULL, 0) ||
			fsconfig(fs, FSCONFIG_SET_STRING, "release_agent",
				 "/tmp/evil", 0)))
		return -1;
	return fs;
}

/*
 * A descriptor of a context that root of another user namespace has got; 0 if he
 * could not get it.
 */
static int passed_context(int (*get)(void))
{
	int *step = ct_shared(sizeof(int)), *fs = ct_shared(sizeof(int));
	int pidfd, copy;
	pid_t pid = ct_fork();

	if (!pid) {
		if (!unshare(CLONE_NEWUSER | CLONE_NEWNS))
			*fs = get();
		ct_futex_wake(step, 1);
		pause();
	}
	ct_futex_wait(step, 0);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	copy = *fs > 0 ? syscall(SYS_pidfd_getfd, pidfd, *fs, 0) : 0;
	close(pidfd);
	ct_kill(pid);
	return copy;
}

/*
 * Holes 1, 13: a context opened in another user namespace is refused even when a
 * privileged process is brought to complete it.
 */
TEST_F(mount, user_namespace_context_passed)
{
	struct state before;
	int fs;

	fs = passed_context(open_new);
	ASSERT_LT(0, fs);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	EXPECT_EQ(EPERM, errno);
	close(fs);
	EXPECT_TRUE(same_state(&self->before));

	/* Nor does the agent of a hierarchy change so. */
	ASSERT_EQ(0, ct_mount("cpuset", A));
	ASSERT_EQ(0, read_state(&before));
	fs = passed_context(open_active);
	ASSERT_LT(0, fs);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(EPERM, errno);
	close(fs);
	EXPECT_TRUE(same_state(&before));
}

/*
 * What is shown
 */

/* The options in /proc/mounts mount the same hierarchy, and make it again. */
TEST_F(mount, proc_mounts)
{
	static const struct {
		const char *options;
		const char *shown;
	} kinds[] = {
		{ "cpuset", "cpuset" },
		{ "cpuacct,cpuset", "cpuset,cpuacct" },
		{ "cpuset,noprefix", "cpuset,noprefix" },
		{ "none,name=t", "none,name=t" },
		{ "cpuacct,name=A-z_0.9,release_agent=/sbin/agent",
		  "cpuacct,name=A-z_0.9,release_agent=/sbin/agent" },
		{ "cpuset,release_agent=/an agent\twith\nblanks",
		  "cpuset,release_agent=/an agent\twith\nblanks" },
		{ "all", NULL },
		{ NULL, NULL },
	};
	char again[4096];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, ct_mount(kinds[i].options, A));
		ASSERT_EQ(0, ct_show_options(A, self->options,
					     sizeof(self->options)));
		if (kinds[i].shown)
			EXPECT_STREQ(kinds[i].shown, self->options);
		EXPECT_EQ(0, ct_mount(self->options, B))
			TH_LOG("shown as '%s'", self->options);
		EXPECT_TRUE(same_directory(A, B));
		EXPECT_EQ(0, ct_umount(B));
		EXPECT_EQ(0, ct_remount(self->options, A));
		ASSERT_EQ(0, ct_umount(A));

		ASSERT_EQ(0, ct_mount(self->options, A));
		ASSERT_EQ(0, ct_show_options(A, again, sizeof(again)));
		EXPECT_STREQ(self->options, again);
		ASSERT_EQ(0, ct_umount(A));
	}
}

/* Hole 12: blanks and commas in a path are escaped there. */
TEST_F(mount, proc_mounts_escapes)
{
	int fs = ct_fsopen("container", "none,name=t", NULL, 0);
	int fd;

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "release_agent",
			      "/a b,c\\d", 0));
	fd = ct_fscreate(fs, self->log, sizeof(self->log));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, move_mount(fd, "", AT_FDCWD, A, MOVE_MOUNT_F_EMPTY_PATH));
	close(fd);
	ASSERT_LT(0, ct_proc_read(getpid(), "mounts", self->options,
				  sizeof(self->options)));
	EXPECT_NE(NULL, strstr(self->options,
			       "name=t,release_agent=/a\\040b\\054c\\134d"))
		TH_LOG("%s", self->options);
}

/* f_type of both types is what V8 had. */
TEST_F(mount, magic)
{
	struct statfs fs;

	ASSERT_EQ(0, ct_mount("none,name=t", A));
	ASSERT_EQ(0, statfs(A, &fs));
	EXPECT_EQ(CT_MAGIC, fs.f_type);
	ASSERT_EQ(0, ct_mount_type("cpuset", NULL, B));
	ASSERT_EQ(0, statfs(B, &fs));
	EXPECT_EQ(CT_MAGIC, fs.f_type);
}

/* Hole 11: no address of the kernel's in what everybody may read. */
TEST_F(mount, no_addresses)
{
	const char *p;
	int digits = 0;

	ASSERT_EQ(0, ct_mount("all", A));
	ASSERT_LT(0, ct_read("/proc", "containers", self->log,
			     sizeof(self->log)));
	for (p = self->log; *p; p++) {
		digits = isxdigit(*p) ? digits + 1 : 0;
		EXPECT_GT(8, digits) TH_LOG("%s", self->log);
	}
}

/*
 * The old file system
 */

/* -t cpuset is cpuset,noprefix with its own release agent. */
TEST_F(mount, cpuset_type)
{
	ASSERT_EQ(0, ct_mount_type("cpuset", NULL, A));
	EXPECT_TRUE(exists(A "/cpus"));
	EXPECT_TRUE(exists(A "/mems"));
	EXPECT_TRUE(exists(A "/cpu_exclusive"));
	EXPECT_TRUE(exists(A "/tasks"));
	EXPECT_TRUE(exists(A "/notify_on_release"));
	EXPECT_FALSE(exists(A "/cpuset.cpus"));
	ASSERT_LT(0, ct_read(A, "release_agent", self->log,
			     sizeof(self->log)));
	EXPECT_STREQ("/sbin/cpuset_release_agent\n", self->log);
	EXPECT_LT(0, hierarchy("cpuset"));
	EXPECT_EQ(0, hierarchy("cpuacct"));
	EXPECT_EQ(0, ct_mount_type("container",
				   "cpuset,noprefix,release_agent=/sbin/cpuset_release_agent",
				   B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_EQ(0, ct_umount(B));
	EXPECT_EQ(0, ct_mount_type("cpuset", "", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_EQ(0, ct_umount(B));
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,cpuacct", B));
	ASSERT_EQ(0, ct_umount(A));
	EXPECT_EQ(-EINVAL, ct_mount_type("cpuset", "bogus", A));
	EXPECT_EQ(-EINVAL, ct_mount_type("cpuset", "cpuacct", A));
	EXPECT_EQ(-EINVAL, ct_mount_type("cpuset", "none", A));
	EXPECT_TRUE(same_state(&self->before));
}

/* Programs look for it in /proc/mounts, and may mount what they find there. */
TEST_F(mount, cpuset_type_shown)
{
	static const char shown[] =
		" cpuset rw,relatime,cpuset,noprefix,release_agent=/x ";
	char *line;

	ASSERT_EQ(0, ct_mount_type("cpuset", "release_agent=/x", A));
	ASSERT_LT(0, ct_proc_read(getpid(), "mounts", self->options,
				  sizeof(self->options)));
	line = strstr(self->options, A " ");
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line + strlen(A), shown, strlen(shown)))
		TH_LOG("%s", line);
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, ct_umount(A));
	ASSERT_EQ(0, ct_mount_type("cpuset",
				   "cpuset,noprefix,release_agent=/x", A));
	EXPECT_TRUE(exists(A "/x/cpus"));
	ASSERT_EQ(0, ct_mount_type("container", "cpuset,noprefix", B));
	EXPECT_TRUE(same_directory(A, B));
}

/* And it joins a hierarchy that was mounted as "container". */
TEST_F(mount, cpuset_type_second)
{
	ASSERT_EQ(0, ct_mount("cpuset,noprefix", A));
	ASSERT_EQ(0, ct_mkdir(A "/x"));
	ASSERT_EQ(0, ct_mount_type("cpuset", NULL, B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_TRUE(exists(B "/x/cpus"));
	/* Its agent is left alone. */
	ASSERT_LE(0, ct_read(B, "release_agent", self->log, sizeof(self->log)));
	EXPECT_STREQ("\n", self->log);
}

/* "noprefix" is not to be had where a hierarchy has prefixes. */
TEST_F(mount, other_prefix)
{
	ASSERT_EQ(0, ct_mount("cpuset", A));
	EXPECT_EQ(-EBUSY, ct_mount("cpuset,noprefix", B));
	EXPECT_EQ(-EBUSY, ct_mount_type("cpuset", NULL, B));
	ASSERT_EQ(0, ct_umount(A));
	EXPECT_TRUE(same_state(&self->before));
	/* Who does not say takes what there is. */
	ASSERT_EQ(0, ct_mount("cpuset,noprefix", A));
	EXPECT_EQ(0, ct_mount("cpuset", B));
	EXPECT_TRUE(same_directory(A, B));
	EXPECT_TRUE(exists(B "/cpus"));
}

TEST_HARNESS_MAIN
