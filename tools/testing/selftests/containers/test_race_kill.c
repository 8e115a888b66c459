// SPDX-License-Identifier: GPL-2.0
/*
 * "kill" against processes that fork as fast as they can: one write ends them
 * all, those being forked at that moment included, and nobody else.
 */
#include <pthread.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MNT	CT_DIR "/kill"
#define TOP	MNT "/top"
#define SUB	MNT "/top/sub"
#define OTHER	MNT "/other"

#define BOMBS		4
#define POPULATION	40

enum { COUNT_FORKED, COUNT_ROUNDS };

FIXTURE(race_kill) {
	struct race *race;
};

FIXTURE_SETUP(race_kill)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuacct,sample", MNT));
	ASSERT_EQ(0, ct_mkdir(OTHER));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_kill)
{
	EXPECT_EQ(0, ct_reset());
}

/* How many there are, more or less: those who are killed do not sign off. */
static atomic_int *population;
/* How many of the first ones are in their containers. */
static atomic_int *started;

/* Children that go on in their parent's stead: one, and sometimes two. */
static void bomb_fork(struct race *race)
{
	int children = *population < POPULATION && race_random(4) == 0 ? 2 : 1;

	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		if (!pid)
			return;
		if (pid < 0)
			continue;
		++*population;
		race_count(race, COUNT_FORKED);
	}
	--*population;
	_exit(0);
}

/* Each generation forks the next one and exits, some from a new thread. */
static void *bomb(void *arg)
{
	struct race *race = arg;
	pthread_t thread;

	for (;;) {
		unsigned int how = race_random(16);

		if (how == 0 && !pthread_create(&thread, NULL, bomb, race))
			pthread_exit(NULL);
		if (how < 4)
			race_sleep_us(race_random(500));
		bomb_fork(race);
	}
	return NULL;
}

/* Starts the bombs and waits until the last of what they have become ended. */
static void bomb_nursery(struct race *race, void *arg)
{
	(void)arg;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < BOMBS; i++) {
		pid_t pid = fork();

		if (pid)
			continue;
		if (ct_enter(i & 1 ? SUB : TOP))
			race_fail(race, "cannot enter");
		++*population;
		++*started;
		bomb(race);
	}
	while (wait(NULL) > 0 || errno != ECHILD)
		continue;
}

/* One round; returns false where something was wrong. */
static bool kill_round(struct race *race, char *why, size_t len)
{
	int nursery, status, ret = ct_mkdir(TOP) ?: ct_mkdir(SUB);

	snprintf(why, len, "mkdir: %d", ret);
	if (ret)
		return false;
	*population = 0;
	*started = 0;
	nursery = race_worker(race, bomb_nursery, NULL);
	race->workers = 0;
	/* Who comes in later is not meant. */
	for (int i = 0; i < RACE_JOIN_MS && *started < BOMBS; i++)
		race_sleep_us(1000);
	race_sleep_us(race_random(50000));
	ret = ct_write(TOP, "kill", race->count[COUNT_ROUNDS] & 1 ? "1" : "1\n");
	snprintf(why, len, "kill: %d", ret);
	if (ret)
		return false;
	ret = ct_wait_populated(TOP, 0);
	snprintf(why, len, "%d + %d are left, %d",
		 ct_count(TOP, "tasks"), ct_count(SUB, "tasks"), ret);
	if (ret || ct_count(TOP, "tasks") || ct_count(SUB, "tasks"))
		return false;
	status = race_wait(nursery, RACE_JOIN_MS);
	snprintf(why, len, "nursery: %d, members: %lld + %lld", status,
		 ct_read_num(TOP, "sample.members"),
		 ct_read_num(SUB, "sample.members"));
	if (status || ct_read_num(TOP, "sample.members") ||
	    ct_read_num(SUB, "sample.members"))
		return false;
	ret = ct_rmdir(SUB) ?: ct_rmdir(TOP);
	snprintf(why, len, "rmdir: %d", ret);
	race_count(race, COUNT_ROUNDS);
	return !ret;
}

TEST_F_TIMEOUT(race_kill, fork_bomb, RACE_TIMEOUT)
{
	struct race *race = self->race;
	pid_t bystanders[2];
	char why[256];

	race_need(race, COUNT_ROUNDS, 3);
	race_need(race, COUNT_FORKED, 6);
	population = ct_shared(sizeof(*population));
	started = ct_shared(sizeof(*started));
	bystanders[0] = ct_sleeper(NULL);
	bystanders[1] = ct_sleeper(OTHER);
	while (!race_over(race)) {
		ASSERT_TRUE(kill_round(race, why, sizeof(why)))
			TH_LOG("%s", why);
	}
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, %lu forks", race->count[COUNT_ROUNDS],
	       race->count[COUNT_FORKED]);
	for (int i = 0; i < 2; i++) {
		ASSERT_LT(0, bystanders[i]);
		EXPECT_EQ(0, waitpid(bystanders[i], NULL, WNOHANG));
		EXPECT_EQ(256 + SIGKILL, ct_kill(bystanders[i]));
	}
}

static int wait_for_kill(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* A member that creates other processes, who wait, with as little work as possible. */
static pid_t multiplier(void)
{
	static char stacks[POPULATION][8192];
	pid_t pid = ct_fork();

	if (pid)
		return pid;
	if (ct_enter(TOP))
		_exit(1);
	++*started;
	for (int i = 0; i < POPULATION; i++)
		clone(wait_for_kill, stacks[i] + sizeof(stacks[i]),
		      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD,
		      NULL);
	wait_for_kill(NULL);
	return 0;
}

/* Be on one CPU with those who are started from now on, and before them. */
static int go_first(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		return -errno;
	return 0;
}

/*
 * Who kills does it in the middle of a fork, now and then: it has the same CPU, and
 * goes first. Whether the new one is seen by then or not, it is killed.
 */
TEST_F_TIMEOUT(race_kill, halted_fork, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_ROUNDS, 6);
	ASSERT_EQ(0, go_first());
	started = ct_shared(sizeof(*started));
	while (!race_over(race)) {
		pid_t pid;

		ASSERT_EQ(0, ct_mkdir(TOP));
		*started = 0;
		pid = multiplier();
		ASSERT_LT(0, pid);
		for (int i = 0; i < RACE_JOIN_MS && !*started; i++)
			race_sleep_us(1000);
		ASSERT_EQ(1, *started);
		race_sleep_us(race_random(5000));
		ASSERT_EQ(0, ct_write(TOP, "kill", "1"));
		ASSERT_EQ(0, ct_wait_populated(TOP, 0))
			TH_LOG("%d are left in round %lu", ct_count(TOP, "tasks"),
			       race->count[COUNT_ROUNDS]);
		EXPECT_EQ(256 + SIGKILL, ct_wait(pid));
		ASSERT_EQ(0, ct_rmdir(TOP));
		race_count(race, COUNT_ROUNDS);
	}
	TH_LOG("%lu rounds", race->count[COUNT_ROUNDS]);
}

static void *end_at_once(void *arg)
{
	return arg;
}

/* A member that creates threads, one after the other. */
static pid_t threader(void)
{
	pthread_t thread;
	pid_t pid = ct_fork();

	if (pid)
		return pid;
	for (;;)
		if (!pthread_create(&thread, NULL, end_at_once, NULL))
			pthread_join(thread, NULL);
}

/*
 * Who was moved out before the kill, or comes in after it, is not meant, though it was
 * in the middle of a fork.
 */
TEST_F_TIMEOUT(race_kill, moved, RACE_TIMEOUT)
{
	static const char *const conts[] = { TOP, OTHER };
	struct race *race = self->race;
	pid_t pid, bystanders[2];

	race_need(race, COUNT_ROUNDS, 10);
	ASSERT_EQ(0, go_first());
	ASSERT_EQ(0, ct_mkdir(TOP));
	pid = threader();
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(TOP, pid));
	while (!race_over(race)) {
		int to = !(race->count[COUNT_ROUNDS] & 1);

		/* Those for whom the kill is; they have been in the same groups. */
		bystanders[0] = ct_sleeper(conts[!to]);
		ASSERT_LT(0, bystanders[0]);
		race_sleep_us(race_random(2000));
		ASSERT_EQ(0, ct_attach_process(conts[to], pid));
		ASSERT_EQ(0, ct_write(conts[!to], "kill", "1"));
		EXPECT_EQ(256 + SIGKILL, ct_wait(bystanders[0]));
		race_sleep_us(1000);
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG))
			TH_LOG("killed in round %lu", race->count[COUNT_ROUNDS]);
		/* The other one's group is killed, and then it comes in. */
		bystanders[1] = ct_sleeper(conts[!to]);
		ASSERT_LT(0, bystanders[1]);
		race_sleep_us(race_random(2000));
		ASSERT_EQ(0, ct_write(conts[!to], "kill", "1"));
		ASSERT_EQ(0, ct_attach_process(conts[!to], pid));
		EXPECT_EQ(256 + SIGKILL, ct_wait(bystanders[1]));
		race_sleep_us(1000);
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG))
			TH_LOG("killed in round %lu", race->count[COUNT_ROUNDS]);
		ASSERT_EQ(0, ct_attach_process(conts[to], pid));
		race_count(race, COUNT_ROUNDS);
	}
	TH_LOG("%lu rounds", race->count[COUNT_ROUNDS]);
	EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
}

/* Two writers, and a child that moves into the subtree just then. */
static void entrant(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			int ret = ct_enter(TOP);

			/* If this one is not killed the next kill gets it. */
			if (ret)
				race_fail(race, "enter: %d", ret);
			for (;;)
				pause();
		}
		if (pid > 0 && race_wait(pid, CT_WAIT_MS) != SIGKILL)
			race_fail(race, "not killed");
		race_count(race, COUNT_FORKED);
	}
}

static void killer(struct race *race, void *arg)
{
	(void)arg;
	/* Until the entrants have got their last. */
	while (!race->stop) {
		int ret = ct_write(TOP, "kill", "1");

		if (ret)
			race_fail(race, "kill: %d", ret);
		race_count(race, COUNT_ROUNDS);
	}
}

TEST_F_TIMEOUT(race_kill, entrants, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int status;

	race_need(race, COUNT_FORKED, 4);
	ASSERT_EQ(0, ct_mkdir(TOP));
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, entrant, NULL));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_LT(0, race_worker(race, killer, NULL));
	}
	for (int i = 0; i < 3; i++) {
		status = race_wait(race->worker[i], RACE_JOIN_MS +
				   race_seconds(RACE_SECONDS) * 1000);
		EXPECT_EQ(0, status);
	}
	race->stop = 1;
	for (int i = 3; i < 5; i++) {
		EXPECT_EQ(0, race_wait(race->worker[i], RACE_JOIN_MS));
	}
	EXPECT_RACE(race);
	TH_LOG("%lu kills, %lu killed", race->count[COUNT_ROUNDS],
	       race->count[COUNT_FORKED]);
	EXPECT_EQ(0, ct_read_num(TOP, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(TOP));
}

TEST_HARNESS_MAIN
