// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that are isolated at boot are in no scheduling domain, whatever the
 * cpusets say.
 *
 * boot: isolcpus=domain,3
 */
#include "../kselftest_harness.h"
#include "cpuset_util.h"

#define A	MNT "/a"

/* Hole 39 */
TEST(isolated)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	EXPECT_EQ(0x7UL, cpuset_domain(0));
	EXPECT_EQ(0UL, cpuset_domain(3));
	ASSERT_EQ(0, cpuset_make(A, 0xe, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, "cpuset.sched_load_balance", "0"));
	EXPECT_EQ(0UL, cpuset_domain(0));
	EXPECT_EQ(0x6UL, cpuset_domain(1));
	EXPECT_EQ(0x6UL, cpuset_domain(2));
	EXPECT_EQ(0UL, cpuset_domain(3));
	/* They can be used all the same. */
	ASSERT_EQ(0, ct_enter(A));
	EXPECT_EQ(0xeUL, cpuset_affinity(0));
	ASSERT_EQ(0, ct_enter(MNT));
	EXPECT_EQ(0, ct_reset());
	EXPECT_EQ(0x7UL, cpuset_domain(1));
	EXPECT_EQ(0UL, cpuset_domain(3));
}

TEST_HARNESS_MAIN
