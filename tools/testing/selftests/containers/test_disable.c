// SPDX-License-Identifier: GPL-2.0
/*
 * The boot option container_disable=: what it names cannot be mounted. What it does
 * not know is passed over.
 *
 * The harness boots once more for this program, with the words of the next
 * line on the kernel's command line.
 *
 * boot: container_disable=nonesuch,cpuacct,bc
 */
#include <errno.h>
#include <fcntl.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"

FIXTURE(disable)
{
	char text[4096];
};

FIXTURE_SETUP(disable)
{
	ASSERT_LT(0, ct_read("/proc", "cmdline", self->text,
			     sizeof(self->text)));
	ASSERT_NE(NULL, strstr(self->text, "container_disable=nonesuch,cpuacct,bc"));
	ASSERT_EQ(0, ct_setup());
}

FIXTURE_TEARDOWN_PARENT(disable)
{
	EXPECT_EQ(0, ct_reset());
}

/* Its row is there and says so; those of others are as ever. */
TEST_F(disable, row)
{
	struct ct_subsys row;

	ASSERT_EQ(0, ct_subsys("cpuacct", &row));
	EXPECT_EQ(0, row.enabled);
	EXPECT_EQ(0, row.hierarchy);
	ASSERT_EQ(0, ct_subsys("bc", &row));
	EXPECT_EQ(0, row.enabled);
	ASSERT_EQ(0, ct_subsys("cpuset", &row));
	EXPECT_EQ(1, row.enabled);
	ASSERT_EQ(0, ct_subsys("sample", &row));
	EXPECT_EQ(1, row.enabled);
}

/* Named, alone or with others, by mount or remount: EINVAL, and the word. */
TEST_F(disable, mount)
{
	EXPECT_EQ(-EINVAL, ct_mount("cpuacct", T));
	EXPECT_EQ(-EINVAL, ct_mount("bc", T));
	EXPECT_EQ(-EINVAL, ct_mount("cpuset,cpuacct", T));
	EXPECT_EQ(-EINVAL, ct_mount("all,cpuacct", T));
	EXPECT_EQ(-EINVAL, ct_fsmount("cpuset,cpuacct", T, self->text,
				      sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, "cpuacct"));
	EXPECT_LE(0, ct_proc_read(getpid(), "container", self->text,
				  sizeof(self->text)));
	EXPECT_STREQ("", self->text);

	ASSERT_EQ(0, ct_mount("cpuset", T));
	EXPECT_EQ(-EINVAL, ct_remount("cpuset,cpuacct", T));
	EXPECT_EQ(0, ct_remount("cpuset,sample", T));
}

/* "all", and no name at all, leave it out. */
TEST_F(disable, all)
{
	static const char *const options[] = { "all", NULL, "" };
	struct ct_subsys cpuset, cpuacct, sample;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, ct_mount(options[i], T));
		ASSERT_EQ(0, ct_subsys("cpuset", &cpuset));
		ASSERT_EQ(0, ct_subsys("cpuacct", &cpuacct));
		ASSERT_EQ(0, ct_subsys("sample", &sample));
		EXPECT_LT(0, cpuset.hierarchy);
		EXPECT_EQ(cpuset.hierarchy, sample.hierarchy);
		EXPECT_EQ(0, cpuacct.hierarchy);
		EXPECT_EQ(-1, access(T "/cpuacct.usage", F_OK));
		EXPECT_EQ(0, access(T "/cpuset.cpus", F_OK));
		EXPECT_TRUE(ct_is_in(getpid(), "cpuset,numtasks,ns,sample", "/"));
		ASSERT_EQ(0, ct_umount(T));
	}
	ASSERT_EQ(0, ct_mount("all", T));
	EXPECT_EQ(0, ct_remount("all", T));
	ASSERT_EQ(0, ct_show_options(T, self->text, sizeof(self->text)));
	EXPECT_STREQ("cpuset,numtasks,ns,sample", self->text);
}

TEST_HARNESS_MAIN
