// SPDX-License-Identifier: GPL-2.0
/*
 * The first mount after boot, which makes all threads that there are members of the
 * root containers, while processes and threads come and go. It happens once, so the
 * machine is one of its own.
 *
 * boot: loglevel=7
 */
#include <pthread.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define T		CT_DIR "/first"
#define STAYERS		200
#define LONG_TIMEOUT	120

static struct {
	atomic_int count;
	atomic_int mounted;
	pid_t pid[STAYERS];
} *stayers;

static void *end_thread(void *arg)
{
	return arg;
}

FIXTURE(first_mount)
{
};

FIXTURE_SETUP(first_mount)
{
	ASSERT_EQ(0, ct_setup());
}

FIXTURE_TEARDOWN_PARENT(first_mount)
{
	EXPECT_EQ(0, ct_reset());
}

/* Processes and threads that end as soon as they can. */
static void storm(struct race *race, void *arg)
{
	while (!race->stop) {
		pthread_t thread;
		pid_t pid;

		if ((long)arg % 2) {
			if (!pthread_create(&thread, NULL, end_thread, NULL))
				pthread_join(thread, NULL);
			continue;
		}
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		race_count(race, 0);
	}
}

/* Processes that stay, some of which are created while it happens. */
static void populate(struct race *race, void *arg)
{
	(void)arg;
	while (!race->stop && stayers->count < STAYERS) {
		pid_t parent = getpid(), pid;

		/* The last quarter in any case. */
		if (stayers->count == STAYERS * 3 / 4 && !stayers->mounted) {
			race_sleep_us(1000);
			continue;
		}
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (getppid() == parent)
				pause();
			_exit(0);
		}
		if (pid < 0)
			race_fail(race, "fork: %d", errno);
		else
			stayers->pid[stayers->count++] = pid;
		race_sleep_us(race_random(10000));
	}
	while (!race->stop)
		race_sleep_us(1000);
	for (int i = 0; i < stayers->count; i++) {
		kill(stayers->pid[i], SIGKILL);
		waitpid(stayers->pid[i], NULL, 0);
	}
}

/* How often it is in "tasks". */
static int times_listed(const struct ct_pids *pids, pid_t pid)
{
	int times = 0;

	for (size_t i = 0; i < pids->count; i++)
		times += pids->pid[i] == pid;
	return times;
}

/*
 * Hole 61: whoever is there is a member, once, be he older or newer; and whoever has
 * gone is not.
 */
TEST_F_TIMEOUT(first_mount, threads_join, LONG_TIMEOUT)
{
	struct race *race = race_new(60);
	struct ct_pids pids;
	struct ct_subsys row;
	int count;

	/* Nothing has been mounted, so there are no members whom anybody could see. */
	ASSERT_EQ(0, ct_subsys("sample", &row));
	ASSERT_EQ(0, row.hierarchy);
	stayers = ct_shared(sizeof(*stayers));
	for (long i = 0; i < 6; i++) {
		ASSERT_LT(0, race_worker(race, storm, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, populate, NULL));
	while (stayers->count < STAYERS / 4 && !race_stopped(race))
		race_sleep_us(1000);
	ASSERT_EQ(0, ct_mount("all", T));
	count = stayers->count;
	stayers->mounted = 1;
	while (stayers->count < STAYERS && !race_stopped(race))
		race_sleep_us(1000);
	TH_LOG("%d before and %d after it, and %lu processes that ended", count,
	       stayers->count - count, race->count[0]);
	EXPECT_LE(STAYERS / 4, count);
	EXPECT_LT(count, stayers->count);

	ASSERT_EQ(0, ct_read_pids(T, "tasks", &pids));
	for (int i = 0; i < stayers->count; i++) {
		EXPECT_EQ(1, times_listed(&pids, stayers->pid[i]));
	}
	ct_free_pids(&pids);
	race_join(race);
	EXPECT_RACE(race);

	/* Those that are left are there, and are the kernel's, and we. */
	ASSERT_EQ(0, ct_read_pids(T, "tasks", &pids));
	for (size_t i = 0; i < pids.count; i++) {
		EXPECT_EQ(0, access(ct_path("/proc/%d", pids.pid[i]), F_OK))
			TH_LOG("%d", pids.pid[i]);
	}
	for (int i = 0; i < stayers->count; i++) {
		EXPECT_EQ(0, times_listed(&pids, stayers->pid[i]));
	}
	EXPECT_EQ(1, times_listed(&pids, getpid()));
	ct_free_pids(&pids);
	EXPECT_EQ(0, ct_umount(T));
}

TEST_HARNESS_MAIN
