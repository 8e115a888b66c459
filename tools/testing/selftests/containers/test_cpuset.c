// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset's control files: their names and formats, the rules between a
 * cpuset, its parent, its siblings and its members, and who may be attached.
 * What becomes of the members is in test_cpuset_members.c (CPUs) and
 * test_cpuset_mems.c (memory).
 */
#include <linux/sched.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"

#define A	MNT "/a"
#define B	MNT "/b"
#define AA	MNT "/a/aa"
#define AB	MNT "/a/ab"

#define PF_KTHREAD		0x00200000
#define PF_NO_SETAFFINITY	0x04000000

static const char * const set_files[] = { "cpuset.cpus", "cpuset.mems" };
static const char * const flag_files[] = {
	"cpuset.cpu_exclusive", "cpuset.mem_exclusive",
};
static const char * const effective_files[] = {
	"cpuset.effective_cpus", "cpuset.effective_mems",
};

/* The word that a file holds, without its newline; "?" where it has none. */
static const char *word(const char *cont, const char *file)
{
	static char buf[256];
	int len = ct_read(cont, file, buf, sizeof(buf) - 1);

	if (len < 1 || buf[len - 1] != '\n')
		return "?";
	buf[len - 1] = '\0';
	return buf;
}

/* Each test has the hierarchy "cpuset" to itself, without a container. */
FIXTURE(cpuset) {
	int unused;
};

FIXTURE_SETUP(cpuset)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
}

FIXTURE_TEARDOWN_PARENT(cpuset)
{
	EXPECT_EQ(0, ct_reset());
}

TEST_F(cpuset, files_of_root)
{
	struct stat st;

	EXPECT_STREQ("0-3", word(MNT, "cpuset.cpus"));
	EXPECT_STREQ("0-1", word(MNT, "cpuset.mems"));
	EXPECT_STREQ("0-3", word(MNT, "cpuset.effective_cpus"));
	EXPECT_STREQ("0-1", word(MNT, "cpuset.effective_mems"));
	EXPECT_STREQ("1", word(MNT, "cpuset.cpu_exclusive"));
	EXPECT_STREQ("1", word(MNT, "cpuset.mem_exclusive"));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, stat(ct_path(MNT "/%s", set_files[i]), &st));
		EXPECT_EQ(0644U, st.st_mode & 07777);
		ASSERT_EQ(0, stat(ct_path(MNT "/%s", flag_files[i]), &st));
		EXPECT_EQ(0644U, st.st_mode & 07777);
		ASSERT_EQ(0, stat(ct_path(MNT "/%s", effective_files[i]), &st));
		EXPECT_EQ(0444U, st.st_mode & 07777);
	}
}

/* The root's cpuset is what the machine has, and does not change. */
TEST_F(cpuset, root_is_constant)
{
	EXPECT_NE(0, ct_write(MNT, "cpuset.cpus", "0"));
	EXPECT_NE(0, ct_write(MNT, "cpuset.mems", "0"));
	EXPECT_NE(0, ct_write(MNT, "cpuset.cpus", "\n"));
	EXPECT_NE(0, ct_write(MNT, "cpuset.mems", "\n"));
	EXPECT_STREQ("0-3", word(MNT, "cpuset.cpus"));
	EXPECT_STREQ("0-1", word(MNT, "cpuset.mems"));
	EXPECT_EQ(ALL_CPUS, cpuset_affinity(0));
}

TEST_F(cpuset, new_container_is_empty)
{
	ASSERT_EQ(0, ct_mkdir(A));
	for (int i = 0; i < 2; i++) {
		EXPECT_STREQ("", word(A, set_files[i]));
		EXPECT_STREQ("0", word(A, flag_files[i]));
		EXPECT_NE(~0UL, cpuset_get(A, effective_files[i]));
	}
	/* Nor does it get its parent's later. */
	ASSERT_EQ(0, cpuset_set_both(A, 3, 1));
	ASSERT_EQ(0, ct_mkdir(AA));
	EXPECT_STREQ("", word(AA, "cpuset.cpus"));
	EXPECT_STREQ("", word(AA, "cpuset.mems"));
}

/* Every form of a list, with a newline and without. */
TEST_F(cpuset, formats)
{
	static const struct {
		const char *in, *out;
	} lists[] = {
		{ "0", "0" }, { "3", "3" }, { "0-3", "0-3" }, { "0,2", "0,2" },
		{ "3,1,0", "0-1,3" }, { "0-1,1-2", "0-2" },
		{ "0-0", "0" }, { "0,1,2,3", "0-3" }, { "1,3", "1,3" },
		{ "", "" }, { "0-3:1/2", "0,2" },
	};

	ASSERT_EQ(0, ct_mkdir(A));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char line[64];

		if (lists[i].in[0]) {
			EXPECT_EQ(0, ct_write(A, "cpuset.cpus", lists[i].in));
			EXPECT_STREQ(lists[i].out, word(A, "cpuset.cpus"));
			EXPECT_STREQ(lists[i].out,
				     word(A, "cpuset.effective_cpus"));
			EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1\n"));
			EXPECT_STREQ("1", word(A, "cpuset.cpus"));
		}
		snprintf(line, sizeof(line), "%s\n", lists[i].in);
		EXPECT_EQ(0, ct_write(A, "cpuset.cpus", line));
		EXPECT_STREQ(lists[i].out, word(A, "cpuset.cpus"));
	}
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "0-1"));
	EXPECT_STREQ("0-1", word(A, "cpuset.mems"));
	EXPECT_STREQ("0-1", word(A, "cpuset.effective_mems"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "1\n"));
	EXPECT_STREQ("1", word(A, "cpuset.mems"));
	EXPECT_STREQ("1", word(A, "cpuset.effective_mems"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "\n"));
	EXPECT_STREQ("", word(A, "cpuset.mems"));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, ct_write(A, flag_files[i], "1"));
		EXPECT_STREQ("1", word(A, flag_files[i]));
		EXPECT_EQ(0, ct_write(A, flag_files[i], "0"));
		EXPECT_STREQ("0", word(A, flag_files[i]));
		EXPECT_EQ(0, ct_write(A, flag_files[i], "1\n"));
		EXPECT_STREQ("1", word(A, flag_files[i]));
		EXPECT_EQ(0, ct_write(A, flag_files[i], "0\n"));
		EXPECT_STREQ("0", word(A, flag_files[i]));
	}
}

/* What is not a list, or not a flag, is refused and changes nothing. */
TEST_F(cpuset, bad_values)
{
	static const char * const bad[] = {
		"x", "1x", "-1", "-", "1-", "2-1", "1 2x", "0x1", "1;2",
	};
	static const char * const bad_flags[] = { "x", "-1", "1x", "0 1", "yes" };

	ASSERT_EQ(0, cpuset_make(A, 2, 1));
	for (int f = 0; f < 2; f++) {
		const char *before = f ? "0" : "1";

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			EXPECT_EQ(-EINVAL, ct_write(A, set_files[f], bad[i]))
				TH_LOG("%s to %s", bad[i], set_files[f]);
			EXPECT_STREQ(before, word(A, set_files[f]));
		}
		/* None of these exists. */
		EXPECT_NE(0, ct_write(A, set_files[f], "1000000"));
		EXPECT_NE(0, ct_write(A, set_files[f], "64"));
		EXPECT_NE(0, ct_write(A, set_files[f], "0-99999999999"));
		EXPECT_STREQ(before, word(A, set_files[f]));
		for (size_t i = 0; i < sizeof(bad_flags) / sizeof(bad_flags[0]);
		     i++) {
			EXPECT_EQ(-EINVAL,
				  ct_write(A, flag_files[f], bad_flags[i]))
				TH_LOG("%s to %s", bad_flags[i], flag_files[f]);
			EXPECT_STREQ("0", word(A, flag_files[f]));
		}
		EXPECT_NE(0, ct_write(A, effective_files[f], "0"));
		EXPECT_STREQ(before, word(A, effective_files[f]));
	}
}

/* Values of all lengths, with what does not belong there. */
TEST_F(cpuset, bad_lengths)
{
	static char page[1 << 20];

	ASSERT_EQ(0, cpuset_make(A, 2, 1));
	memset(page, '1', sizeof(page));
	for (int f = 0; f < 2; f++) {
		const char *before = f ? "0" : "1";
		int ret;

		for (size_t len = 63; len <= sizeof(page); len = len * 2 + 1) {
			EXPECT_NE(0, ct_write_bytes(A, set_files[f], page, len));
		}
		EXPECT_NE(0, ct_write_bytes(A, set_files[f], "1\0", 3));
		EXPECT_NE(0, ct_write_bytes(A, set_files[f], "0\0000", 3));
		EXPECT_NE(0, ct_write_bytes(A, set_files[f], "\xc3\xa9", 2));
		EXPECT_NE(0, ct_write_bytes(A, flag_files[f], "1\0", 3));
		EXPECT_STREQ("0", word(A, flag_files[f]));
		EXPECT_STREQ(before, word(A, set_files[f]));
		ret = ct_write_bytes(A, set_files[f], "", 0);
		EXPECT_TRUE(ret == 0 || ret == -EINVAL);
		ret = ct_write_bytes(A, flag_files[f], "", 0);
		EXPECT_TRUE(ret == 0 || ret == -EINVAL);
	}
}

/* a holds aa and ab: all that a may not become, and they may not. */
TEST_F(cpuset, within_the_parent)
{
	ASSERT_EQ(0, cpuset_make(A, 7, 3));
	ASSERT_EQ(0, cpuset_make(AA, 3, 1));
	ASSERT_EQ(0, cpuset_make(AB, 4, 2));

	/* Beyond the parent. */
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.cpus", "3"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.cpus", "0-3"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.cpus", "2-3"));
	EXPECT_STREQ("0-1", word(AA, "cpuset.cpus"));
	/* Below a child. */
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "0-1"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "1-2"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "3"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "\n"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.mems", "0"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.mems", "1"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.mems", "\n"));
	EXPECT_STREQ("0-2", word(A, "cpuset.cpus"));
	EXPECT_STREQ("0-1", word(A, "cpuset.mems"));
	/* The parent grows, the child follows or not as it likes. */
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0-3"));
	EXPECT_STREQ("0-1", word(AA, "cpuset.cpus"));
	EXPECT_EQ(0, ct_write(AA, "cpuset.cpus", "0-3"));
	EXPECT_EQ(0, ct_write(AA, "cpuset.cpus", "0"));
	EXPECT_EQ(0, ct_write(AB, "cpuset.cpus", "0"));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0"));
	/* A child without any is no reason. */
	EXPECT_EQ(0, ct_write(AA, "cpuset.cpus", "\n"));
	EXPECT_EQ(0, ct_rmdir(AB));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.cpus", "0"));
	EXPECT_EQ(0, ct_write(AA, "cpuset.mems", "\n"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "1"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.mems", "0"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.mems", "0-1"));
	EXPECT_EQ(0, ct_write(AA, "cpuset.mems", "1"));
	/* Nor may a child have any where the parent has none. */
	EXPECT_EQ(0, ct_write(AA, "cpuset.mems", "\n"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "\n"));
	EXPECT_EQ(-EACCES, ct_write(AA, "cpuset.mems", "1"));
}

/* An exclusive cpuset shares with none of its siblings. */
TEST_F(cpuset, exclusive_siblings)
{
	for (int f = 0; f < 2; f++) {
		const char *set = set_files[f], *flag = flag_files[f];

		ASSERT_EQ(0, cpuset_make(A, 1, 1));
		ASSERT_EQ(0, cpuset_make(B, 3, 3));
		/* Neither can be made exclusive while they overlap. */
		EXPECT_EQ(-EINVAL, ct_write(A, flag, "1"));
		EXPECT_EQ(-EINVAL, ct_write(B, flag, "1"));
		EXPECT_STREQ("0", word(A, flag));
		EXPECT_EQ(0, ct_write(B, set, "1"));
		EXPECT_EQ(0, ct_write(A, flag, "1"));
		/* Nor made to overlap when one is. */
		EXPECT_EQ(-EINVAL, ct_write(B, set, "0"));
		EXPECT_EQ(-EINVAL, ct_write(B, set, "0-1"));
		EXPECT_EQ(-EINVAL, ct_write(A, set, "0-1"));
		EXPECT_EQ(-EINVAL, ct_write(A, set, "1"));
		EXPECT_STREQ("0", word(A, set));
		EXPECT_STREQ("1", word(B, set));
		/* Both, apart. */
		EXPECT_EQ(0, ct_write(B, flag, "1"));
		EXPECT_EQ(-EINVAL, ct_write(A, set, "0-1"));
		EXPECT_EQ(0, ct_write(A, flag, "0"));
		EXPECT_EQ(-EINVAL, ct_write(A, set, "0-1"));
		EXPECT_EQ(0, ct_write(B, flag, "0"));
		EXPECT_EQ(0, ct_write(A, set, "0-1"));
		/* The other set may overlap all the time. */
		EXPECT_EQ(0, cpuset_set(A, set_files[!f], 3));
		EXPECT_EQ(0, ct_rmdir(A));
		EXPECT_EQ(0, ct_rmdir(B));
	}
}

/* An exclusive cpuset needs an exclusive parent. */
TEST_F(cpuset, exclusive_parent)
{
	ASSERT_EQ(0, cpuset_make(A, 3, 3));
	ASSERT_EQ(0, cpuset_make(AA, 1, 1));
	ASSERT_EQ(0, cpuset_make(AB, 2, 2));
	for (int f = 0; f < 2; f++) {
		EXPECT_EQ(-EACCES, ct_write(AA, flag_files[f], "1"));
		EXPECT_STREQ("0", word(AA, flag_files[f]));
		EXPECT_EQ(0, ct_write(A, flag_files[f], "1"));
		EXPECT_EQ(0, ct_write(AA, flag_files[f], "1"));
		EXPECT_EQ(-EBUSY, ct_write(A, flag_files[f], "0"));
		EXPECT_STREQ("1", word(A, flag_files[f]));
		EXPECT_EQ(-EINVAL, cpuset_set(AB, set_files[f], 3));
		EXPECT_EQ(0, ct_write(AA, flag_files[f], "0"));
		EXPECT_EQ(0, ct_write(A, flag_files[f], "0"));
	}
}

/* First writes in this order: bits 0-1 the first file, 2-3 the second... */
static int first_writes(struct __test_metadata *_metadata, unsigned int order,
			pid_t pid)
{
	static const char * const files[] = {
		"cpuset.cpus", "cpuset.mems",
		"cpuset.cpu_exclusive", "cpuset.mem_exclusive",
	};
	static const char * const values[] = { "1-2", "1", "1", "1" };
	unsigned int done = 0;

	for (int i = 0; i < 4; i++, order >>= 2) {
		int f = order & 3;

		if ((done & 3) != 3) {
			EXPECT_EQ(-ENOSPC, ct_attach(A, pid));
		}
		EXPECT_EQ(0, ct_write(A, files[f], values[f]))
			TH_LOG("write %d: %s", i, files[f]);
		EXPECT_STREQ(values[f], word(A, files[f]));
		done |= 1 << f;
	}
	return 0;
}

/* Holes 39, 64: cpus, mems and the two flags are written first in all 24 orders. */
TEST_F(cpuset, first_writes_in_every_order)
{
	pid_t pid = ct_sleeper(NULL);
	int orders = 0;

	ASSERT_LT(0, pid);
	for (unsigned int order = 0; order < 256; order++) {
		unsigned int seen = 0;

		for (int i = 0; i < 4; i++)
			seen |= 1 << (order >> 2 * i & 3);
		if (seen != 0xf)
			continue;
		ASSERT_EQ(0, ct_mkdir(A));
		first_writes(_metadata, order, pid);
		EXPECT_EQ(0, ct_attach(A, pid));
		EXPECT_IN_FORCE(pid, 1, 6, 2);
		EXPECT_EQ(0, ct_attach(MNT, pid));
		EXPECT_IN_FORCE(pid, 1, ALL_CPUS, ALL_MEMS);
		EXPECT_EQ(0, ct_rmdir(A));
		orders++;
	}
	EXPECT_EQ(24, orders);
	ct_kill(pid);
}

/* Holes 39, 64: exclusive before it has any: it comes into force with the first CPU. */
TEST_F(cpuset, exclusive_before_cpus)
{
	for (int f = 0; f < 2; f++) {
		ASSERT_EQ(0, ct_mkdir(A));
		ASSERT_EQ(0, ct_mkdir(B));
		EXPECT_EQ(0, ct_write(A, flag_files[f], "1"));
		EXPECT_EQ(0, ct_write(B, flag_files[f], "1"));
		EXPECT_EQ(0, ct_write(B, set_files[f], "0-1"));
		EXPECT_EQ(-EINVAL, ct_write(A, set_files[f], "1"));
		EXPECT_EQ(-EINVAL, ct_write(A, set_files[f], "0"));
		EXPECT_EQ(0, ct_write(B, set_files[f], "\n"));
		EXPECT_EQ(0, ct_write(A, set_files[f], "1"));
		EXPECT_EQ(0, ct_write(B, set_files[f], "0"));
		EXPECT_EQ(0, ct_rmdir(A));
		EXPECT_EQ(0, ct_rmdir(B));
	}
}

/* Hole 39 */
TEST_F(cpuset, attach_to_empty)
{
	pid_t tids[3];
	pid_t pid = ct_process(NULL, 3, tids);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_mkdir(A));
	EXPECT_EQ(-ENOSPC, ct_attach(A, pid));
	EXPECT_EQ(-ENOSPC, ct_attach_process(A, pid));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1"));
	EXPECT_EQ(-ENOSPC, ct_attach(A, pid));
	EXPECT_EQ(-ENOSPC, ct_attach_process(A, pid));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "\n"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "0"));
	EXPECT_EQ(-ENOSPC, ct_attach(A, pid));
	EXPECT_EQ(-ENOSPC, ct_attach_process(A, pid));
	/* It was left as it was. */
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_TRUE(ct_is_in(pid, "cpuset", "/"));
	EXPECT_IN_FORCE(pid, 3, ALL_CPUS, ALL_MEMS);
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1"));
	EXPECT_EQ(0, ct_attach_process(A, pid));
	EXPECT_IN_FORCE(pid, 3, 2, 1);
	ct_kill(pid);
}

/* Hole 39 */
TEST_F(cpuset, empty_with_members)
{
	pid_t tids[2];
	pid_t pid = ct_process(NULL, 2, tids);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, cpuset_make(A, 6, 1));
	ASSERT_EQ(0, ct_attach(A, tids[1]));
	for (int f = 0; f < 2; f++) {
		EXPECT_EQ(-ENOSPC, ct_write(A, set_files[f], "\n"));
		EXPECT_EQ(-ENOSPC, ct_write(A, set_files[f], " \n"));
	}
	EXPECT_STREQ("1-2", word(A, "cpuset.cpus"));
	EXPECT_STREQ("0", word(A, "cpuset.mems"));
	/* Not with members that have left. */
	EXPECT_EQ(0, ct_attach(MNT, tids[1]));
	for (int f = 0; f < 2; f++) {
		EXPECT_EQ(0, ct_write(A, set_files[f], "\n"));
	}
	EXPECT_EQ(-ENOSPC, ct_attach(A, tids[1]));
	ct_kill(pid);
}

/* Someone who has exited, and is not waited for yet, is no member. */
TEST_F(cpuset, empty_with_zombie)
{
	siginfo_t info;
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, 2, 2));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	EXPECT_EQ(-ENOSPC, ct_write(A, "cpuset.cpus", "\n"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "\n"));
	EXPECT_EQ(0, ct_write(A, "cpuset.mems", "\n"));
	ct_wait(pid);
}

/* Flags (PF_*) of a thread; 0 where there is none. */
static unsigned long task_flags(pid_t pid)
{
	unsigned long flags = 0;
	char buf[1024];
	char *p;

	if (ct_proc_read(pid, "stat", buf, sizeof(buf)) < 0)
		return 0;
	p = strrchr(buf, ')');
	if (p)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %lu", &flags);
	return flags;
}

/* Those that are bound to their CPUs, and kthreadd, stay in the root. */
TEST_F(cpuset, kernel_threads)
{
	int bound = 0;

	ASSERT_EQ(0, cpuset_make(A, 2, 1));
	EXPECT_EQ(-EINVAL, ct_attach(A, 2));
	EXPECT_EQ(-EINVAL, ct_attach_process(A, 2));
	for (pid_t pid = 3; pid < 300; pid++) {
		unsigned long flags = task_flags(pid);
		char why[400];
		int ret;

		if (!(flags & PF_KTHREAD) || !(flags & PF_NO_SETAFFINITY))
			continue;
		ret = ct_attach(A, pid);
		/* A worker may have exited meanwhile. */
		if (ret == -ESRCH)
			continue;
		EXPECT_EQ(-EINVAL, ret)
			TH_LOG("kernel thread %d", pid);
		EXPECT_TRUE(ct_is_in(pid, "cpuset", "/") ||
			    access(ct_path("/proc/%d", pid), F_OK));
		EXPECT_FALSE(cpuset_in_force(pid, pid, 2, 1, why, sizeof(why)));
		bound++;
	}
	EXPECT_LT(4, bound);
	EXPECT_EQ(0, ct_count(A, "tasks"));
}

/* Hole 73: kernel threads that a member causes to be created are not members. */
TEST_F(cpuset, kernel_threads_of_members)
{
	struct ct_pids pids;

	ASSERT_EQ(0, cpuset_make(A, 1, 1));
	ASSERT_EQ(0, ct_enter(A));
	ASSERT_EQ(0, cpu_online(3, false));
	ASSERT_EQ(0, cpu_online(3, true));
	ASSERT_EQ(0, ct_mount("cpuacct", CT_DIR "/other"));
	ASSERT_EQ(0, ct_read_pids(A, "tasks", &pids));
	EXPECT_EQ(1U, pids.count);
	for (size_t i = 0; i < pids.count; i++) {
		EXPECT_EQ(getpid(), pids.pid[i]);
	}
	ct_free_pids(&pids);
	EXPECT_EQ(0, ct_umount(CT_DIR "/other"));
	EXPECT_EQ(0, ct_enter(MNT));
}

/* Three times 65 per cent: two CPUs are not enough, three are. */
FIXTURE(deadline) {
	pid_t pid[3];
};

FIXTURE_SETUP(deadline)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	cpuset_wait_counted(0, 65, 0);
	for (int i = 0; i < 3; i++) {
		self->pid[i] = ct_sleeper(NULL);
		ASSERT_LT(0, self->pid[i]);
		ASSERT_EQ(0, cpuset_set_deadline(self->pid[i], 65));
	}
}

FIXTURE_TEARDOWN_PARENT(deadline)
{
	EXPECT_EQ(0, ct_reset());
}

TEST_F(deadline, shrink)
{
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	ASSERT_EQ(0, ct_write(A, "cpuset.cpu_exclusive", "1"));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_attach(A, self->pid[i]));
	}
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "2-3"));
	EXPECT_STREQ("0-3", word(A, "cpuset.cpus"));
	EXPECT_IN_FORCE(self->pid[0], 1, ALL_CPUS, ALL_MEMS);
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1-3"));
	EXPECT_IN_FORCE(self->pid[0], 1, 0xe, ALL_MEMS);
	for (int i = 0; i < 3; i++)
		ct_kill(self->pid[i]);
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0"));
}

/* Threads without a reservation are no reason. */
TEST_F(deadline, others_may_shrink)
{
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, ALL_MEMS));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_IN_FORCE(pid, 1, 1, ALL_MEMS);
	ct_kill(pid);
}

/* Hole 58, to one CPU: the second does not fit at the latest, and nothing is lost. */
TEST_F(deadline, attach)
{
	int ret = 0, fit = 0;

	ASSERT_EQ(0, cpuset_make(A, 1, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xe, ALL_MEMS));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_attach(B, self->pid[i]));
	}
	ASSERT_EQ(3, cpuset_counted(0, 65));
	for (int i = 0; i < 3; i++) {
		ret = ct_attach(A, self->pid[i]);
		if (ret)
			break;
		fit++;
	}
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_GT(2, fit);
	EXPECT_EQ(fit, ct_count(A, "tasks"));
	EXPECT_EQ(3 - fit, ct_count(B, "tasks"));
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(-EBUSY, ct_attach(A, self->pid[2]));
	}
	EXPECT_EQ(3, cpuset_counted(0, 65));
	for (int i = 0; i < fit; i++) {
		EXPECT_EQ(0, ct_attach(B, self->pid[i]));
	}
	EXPECT_EQ(3, cpuset_counted(0, 65));
}

/* All files of a removed cpuset say ENODEV, whoever has them open. */
TEST_F(cpuset, removed)
{
	const char *files[6];
	int fds[6];
	char buf[64];

	for (int i = 0; i < 2; i++) {
		files[i] = set_files[i];
		files[2 + i] = flag_files[i];
		files[4 + i] = effective_files[i];
	}
	ASSERT_EQ(0, cpuset_make(A, 2, 2));
	for (int i = 0; i < 6; i++) {
		fds[i] = ct_open(A, files[i], i < 4 ? O_RDWR : O_RDONLY);
		ASSERT_LE(0, fds[i]);
		ASSERT_LT(0, read(fds[i], buf, sizeof(buf)));
	}
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_settle());
	for (int i = 0; i < 6; i++) {
		EXPECT_EQ(-1, pread(fds[i], buf, sizeof(buf), 0));
		EXPECT_EQ(ENODEV, errno);
		if (i < 4) {
			EXPECT_EQ(-ENODEV, ct_fd_write(fds[i], "1"));
		}
	}
	/* A new one of the same name is another one. */
	ASSERT_EQ(0, cpuset_make(A, 2, 2));
	EXPECT_EQ(-ENODEV, ct_fd_write(fds[0], "0"));
	EXPECT_STREQ("1", word(A, "cpuset.cpus"));
	for (int i = 0; i < 6; i++)
		close(fds[i]);
}

/* A removed sibling's exclusive CPUs are free, as are its parent's. */
TEST_F(cpuset, removed_exclusive)
{
	ASSERT_EQ(0, cpuset_make(A, 3, 3));
	ASSERT_EQ(0, ct_write(A, "cpuset.cpu_exclusive", "1"));
	ASSERT_EQ(0, cpuset_make(AA, 2, 1));
	ASSERT_EQ(0, ct_mkdir(B));
	EXPECT_EQ(-EINVAL, ct_write(B, "cpuset.cpus", "0"));
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_EQ(0, ct_rmdir(AA));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_write(B, "cpuset.cpus", "0"));
}

TEST_F(cpuset, rename)
{
	char buf[64];
	pid_t pid;
	int fd;

	ASSERT_EQ(0, cpuset_make(A, 6, 2));
	ASSERT_EQ(0, cpuset_make(AA, 2, 2));
	pid = ct_sleeper(AA);
	ASSERT_LT(0, pid);
	fd = ct_open(A, "cpuset.cpus", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rename(A, B));
	EXPECT_STREQ("1-2", word(B, "cpuset.cpus"));
	EXPECT_STREQ("1", word(B, "cpuset.mems"));
	EXPECT_STREQ("1", word(MNT "/b/aa", "cpuset.cpus"));
	EXPECT_TRUE(ct_is_in(pid, "cpuset", "/b/aa"));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/b/aa\n", buf);
	EXPECT_IN_FORCE(pid, 1, 2, 2);
	/* What was open is still its file. */
	EXPECT_EQ(0, ct_fd_write(fd, "1-3"));
	EXPECT_STREQ("1-3", word(B, "cpuset.cpus"));
	EXPECT_EQ(-EBUSY, ct_fd_write(fd, "3"));
	ASSERT_EQ(0, ct_mkdir(A));
	EXPECT_STREQ("", word(A, "cpuset.cpus"));
	close(fd);
	ct_kill(pid);
}

TEST_F(cpuset, proc_cpuset)
{
	char buf[64];
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, 6, 2));
	ASSERT_EQ(0, cpuset_make(AA, 2, 2));
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/\n", buf);
	ASSERT_EQ(0, ct_attach(AA, pid));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/a/aa\n", buf);
	ASSERT_EQ(0, ct_attach(A, pid));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/a\n", buf);
	ASSERT_EQ(0, ct_attach(MNT, pid));
	EXPECT_EQ(0, ct_rmdir(AA));
	EXPECT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/\n", buf);
	/* Without cpuset beside it too. */
	ASSERT_EQ(0, ct_mount("cpuacct", MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_attach(A, pid));
	ASSERT_LT(0, ct_proc_read(pid, "cpuset", buf, sizeof(buf)));
	EXPECT_STREQ("/\n", buf);
	ct_kill(pid);
}

/* Unmounted with a child the cpusets stay, and stay in force. */
TEST_F(cpuset, unmounted_with_child)
{
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, 6, 2));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_umount(MNT));
	EXPECT_IN_FORCE(pid, 1, 6, 2);
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	EXPECT_STREQ("1-2", word(A, "cpuset.cpus"));
	EXPECT_EQ(1, ct_has(A, "tasks", pid));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "1"));
	EXPECT_IN_FORCE(pid, 1, 2, 2);
	ct_kill(pid);
}

/* The old file system: names without a prefix, and its release agent. */
TEST_F(cpuset, old_type)
{
	static const char * const names[] = {
		"cpus", "mems", "cpu_exclusive", "mem_exclusive",
		"effective_cpus", "effective_mems", "tasks",
		"notify_on_release",
	};
	pid_t pid;

	ASSERT_EQ(0, ct_umount(MNT));
	ASSERT_EQ(0, ct_mount_type("cpuset", NULL, MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_EQ(0, access(ct_path(MNT "/%s", names[i]), F_OK))
			TH_LOG("%s", names[i]);
		EXPECT_EQ(0, access(ct_path(A "/%s", names[i]), F_OK))
			TH_LOG("%s", names[i]);
	}
	EXPECT_EQ(-1, access(A "/cpuset.cpus", F_OK));
	EXPECT_STREQ("/sbin/cpuset_release_agent", word(MNT, "release_agent"));
	EXPECT_STREQ("0-3", word(MNT, "cpus"));
	EXPECT_EQ(0, ct_write(A, "cpus", "1-2"));
	EXPECT_EQ(-ENOSPC, ct_attach(A, getpid()));
	EXPECT_EQ(0, ct_write(A, "mems", "1"));
	pid = ct_sleeper(A);
	ASSERT_LT(0, pid);
	EXPECT_IN_FORCE(pid, 1, 6, 2);
	/* It is the same hierarchy by its other name. */
	ASSERT_EQ(0, ct_mount("cpuset,noprefix", CT_DIR "/other"));
	EXPECT_STREQ("1-2", word(CT_DIR "/other/a", "cpus"));
	EXPECT_EQ(0, ct_umount(CT_DIR "/other"));
	ct_kill(pid);
	EXPECT_EQ(0, ct_rmdir(A));
}

TEST_HARNESS_MAIN
