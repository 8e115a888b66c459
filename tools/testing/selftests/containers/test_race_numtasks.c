// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks against concurrent forks, exits, moves, changes of shares, and
 * mounts: caps hold and promises are kept at every moment, and afterwards
 * everything is as it was before.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "cpuset_util.h"
#include "numtasks_util.h"
#include "race_util.h"

#define T	CT_DIR "/t"
#define A	T "/a"
#define B	T "/b"
#define AX	A "/x"
#define AY	A "/y"
#define AXZ	AX "/z"

#define STACK		(64 * 1024)
#define STORMERS	4
#define MOST_CHILDREN	8

enum { COUNT_FORKED, COUNT_REFUSED, COUNT_READ, COUNT_MOVED, COUNT_SET };

FIXTURE(race_numtasks)
{
	struct race *race;
};

/* The tree of all tests: T with a and b. */
FIXTURE_SETUP(race_numtasks)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, nt_defaults());
	ASSERT_EQ(0, nt_mount("numtasks", T));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_numtasks)
{
	EXPECT_EQ(0, nt_defaults());
	EXPECT_EQ(0, ct_reset());
}

/* How many workers are where they belong, and whether they may begin. */
struct gate {
	atomic_int ready;
	atomic_int open;
};

static struct gate *gate;

static void gate_new(void)
{
	gate = ct_shared(sizeof(*gate));
}

/* A worker goes to its container, and waits until all have. */
static bool gate_pass(struct race *race, const char *cont)
{
	int ret = cont ? ct_enter(cont) : 0;

	if (ret)
		race_fail(race, "enter %s: %d", cont, ret);
	gate->ready++;
	while (!gate->open && !race->stop)
		race_sleep_us(1000);
	return !ret;
}

static void gate_wait(struct race *race)
{
	while (gate->ready < race->workers && !race_over(race))
		race_sleep_us(1000);
}

static void *short_thread(void *arg)
{
	race_sleep_us((long)arg);
	return NULL;
}

/* A thread that nobody waits for; errno, or 0. */
static int short_lived_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, short_thread,
			     (void *)(long)race_random(1000));
	pthread_attr_destroy(&attr);
	return ret;
}

/* What a fork or a new thread came to: only EAGAIN is a refusal. */
static bool came_to(struct race *race, int error)
{
	if (error && error != EAGAIN)
		race_fail(race, "fork: %d", error);
	race_count(race, error ? COUNT_REFUSED : COUNT_FORKED);
	return !error;
}

/*
 * As many children and threads as there may be, until all have ended. Most children
 * stay to the end: so there are many at a time however slow forks are.
 */
static void burst(struct race *race)
{
	pid_t pids[MOST_CHILDREN];
	int i;

	for (i = 0; i < MOST_CHILDREN; i++) {
		pids[i] = ct_fork();
		if (!pids[i]) {
			if (race_random(2))
				came_to(race, short_lived_thread());
			race_sleep_us(race_random(3000));
			while (race_random(4))
				pause();
			_exit(0);
		}
		if (!came_to(race, pids[i] < 0 ? errno : 0))
			break;
		if (!race_random(4))
			came_to(race, short_lived_thread());
	}
	while (i-- > 0)
		ct_kill(pids[i]);
	nt_wait_threads(1);
}

/* A worker that forks as fast as it can in a container; NULL: in the root. */
static void stormer(struct race *race, void *cont)
{
	if (!gate_pass(race, cont))
		return;
	while (!race_over(race)) {
		race_checkpoint(race);
		burst(race);
	}
}

/* How many are in both? Those were there together, between the readings. */
static int in_both(struct ct_pids *a, struct ct_pids *b)
{
	size_t i = 0, j = 0;
	int count = 0;

	while (i < a->count && j < b->count) {
		if (a->pid[i] == b->pid[j])
			count++;
		if (a->pid[i] <= b->pid[j])
			i++;
		else
			j++;
	}
	return count;
}

/*
 * Is there one too many, now? Readings of "tasks" take time, in which members
 * come and go, hence two.
 */
static void check_cap(struct race *race, const char *cont, int cap)
{
	struct ct_pids first = {}, second = {};
	long long usage = nt_usage(cont);
	int there;

	if (usage < 0 || usage > cap)
		race_fail(race, "usage of %s is %lld", cont, usage);
	if (ct_read_pids(cont, "tasks", &first) ||
	    ct_read_pids(cont, "tasks", &second))
		race_fail(race, "cannot read %s", cont);
	there = in_both(&first, &second);
	if (there > cap)
		race_fail(race, "%d threads in %s", there, cont);
	ct_free_pids(&first);
	ct_free_pids(&second);
	race_count(race, COUNT_READ);
}

/* A container can be filled up to its cap, exactly: nothing was lost. */
static int fills(const char *cont)
{
	struct nt_forker forker;
	int ret = nt_forker_start(&forker, cont);

	if (ret)
		return ret;
	ret = nt_fill(&forker);
	nt_forker_end(&forker);
	return ret;
}

/* Never one above the cap, by no number that is to be had. */
#define CAP	20

TEST_F_TIMEOUT(race_numtasks, cap, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 51);
	race_need(race, COUNT_REFUSED, 1);
	race_need(race, COUNT_READ, 6);
	gate_new();
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, nt_set(A, "max_shares", CAP));
	for (int i = 0; i < STORMERS; i++)
		ASSERT_LT(0, race_worker(race, stormer, A));
	gate_wait(race);
	gate->open = 1;
	while (!race_over(race))
		check_cap(race, A, CAP);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forked, %lu refused, %lu looks", race->count[COUNT_FORKED],
	       race->count[COUNT_REFUSED], race->count[COUNT_READ]);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(CAP - 1, fills(A));
	EXPECT_EQ(0, nt_usage(A));
}

/* Caps within caps, each with a storm of its own. */
TEST_F_TIMEOUT(race_numtasks, nested_caps, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 51);
	race_need(race, COUNT_REFUSED, 1);
	gate_new();
	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, ct_mkdir(AY));
	ASSERT_EQ(0, ct_mkdir(AXZ));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, nt_set(A, "max_shares", 20));
	/* Of 20 in hundredths: 10 and 6. */
	ASSERT_EQ(0, nt_set(AX, "max_shares", 50));
	ASSERT_EQ(0, nt_set(AXZ, "max_shares", 60));
	ASSERT_LT(0, race_worker(race, stormer, A));
	ASSERT_LT(0, race_worker(race, stormer, AX));
	ASSERT_LT(0, race_worker(race, stormer, AY));
	ASSERT_LT(0, race_worker(race, stormer, AXZ));
	gate_wait(race);
	gate->open = 1;
	while (!race_over(race)) {
		check_cap(race, A, 20);
		check_cap(race, AX, 10);
		check_cap(race, AXZ, 6);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forked, %lu refused", race->count[COUNT_FORKED],
	       race->count[COUNT_REFUSED]);
	EXPECT_EQ(0, nt_usage(AXZ));
	EXPECT_EQ(0, nt_usage(AX));
	EXPECT_EQ(0, nt_usage(AY));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(5, fills(AXZ));
	EXPECT_EQ(9, fills(AX));
	EXPECT_EQ(19, fills(AY));
	EXPECT_EQ(19, fills(A));
	EXPECT_EQ(0, nt_usage(A));
}

/*
 * One is promised so many, and has all but one of them. The last one is there
 * whenever it wants it, whatever a storm around it takes.
 */
#define PROMISE	8
#define ROOM	12

static void promised(struct race *race, void *cont)
{
	pid_t pids[PROMISE - 2], pid;

	for (int i = 0; i < PROMISE - 2; i++)
		pids[i] = nt_sleeper();
	for (int i = 0; i < PROMISE - 2; i++)
		if (pids[i] < 0 || ct_attach(cont, pids[i]))
			race_fail(race, "no sleeper %d", i);
	if (!gate_pass(race, cont))
		return;
	while (!race_over(race)) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0) {
			race_fail(race, "the promise: %d", errno);
			break;
		}
		waitpid(pid, NULL, 0);
		race_count(race, COUNT_MOVED);
	}
	for (int i = 0; i < PROMISE - 2; i++)
		ct_kill(pids[i]);
}

/* Takes what there is, and keeps it for a while. */
static void taker(struct race *race, void *cont)
{
	pid_t pids[ROOM * 2];
	int taken;

	if (!gate_pass(race, cont))
		return;
	while (!race_over(race)) {
		for (taken = 0; taken < ROOM * 2; taken++) {
			pids[taken] = fork();
			if (!pids[taken])
				for (;;)
					pause();
			if (!came_to(race, pids[taken] < 0 ? errno : 0))
				break;
		}
		if (race_random(2))
			race_sleep_us(race_random(2000));
		while (taken-- > 0)
			ct_kill(pids[taken]);
	}
}

TEST_F_TIMEOUT(race_numtasks, guarantee, RACE_TIMEOUT)
{
	struct race *race = self->race;
	long long total, usage;

	race_need(race, COUNT_MOVED, 6);
	race_need(race, COUNT_FORKED, 6);
	race_need(race, COUNT_REFUSED, 1);
	gate_new();
	ASSERT_LT(0, race_worker(race, promised, A));
	ASSERT_LT(0, race_worker(race, taker, B));
	ASSERT_LT(0, race_worker(race, taker, B));
	ASSERT_LT(0, race_worker(race, taker, NULL));
	gate_wait(race);
	ASSERT_EQ(PROMISE - 1, nt_usage(A));
	total = nt_usage(T) + ROOM;
	ASSERT_EQ(0, nt_set_room(T, ROOM));
	ASSERT_EQ(0, nt_set(A, "min_shares", PROMISE));
	gate->open = 1;
	while (!race_over(race)) {
		usage = nt_usage(T);
		if (usage < 0 || usage > total)
			race_fail(race, "%lld of %lld", usage, total);
		race_count(race, COUNT_READ);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu kept promises, %lu others, %lu refused",
	       race->count[COUNT_MOVED], race->count[COUNT_FORKED],
	       race->count[COUNT_REFUSED]);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
	/* All of it, less what a is promised, to b, but for b's forker. */
	EXPECT_EQ(total - nt_usage(T) - PROMISE - 1, fills(B));
}

/*
 * Forks against moves to and fro and shares that change. Afterwards nothing
 * is left, nothing is missing.
 */
static pid_t *carried;

static void carried_stormer(struct race *race, void *n)
{
	carried[(long)n] = getpid();
	stormer(race, (long)n % 2 ? A : AX);
}

/* Carries forkers as processes or threads, and what it finds in a container. */
static void carrier(struct race *race, void *unused)
{
	static const char *const conts[] = { A, AX, B };

	gate_pass(race, NULL);
	while (!race_over(race)) {
		const char *to = conts[race_random(3)];
		const char *from = conts[race_random(3)];
		struct ct_pids pids = {};
		pid_t pid = carried[race_random(2)];
		int ret = race_random(2) ? ct_attach(to, pid) :
					   ct_attach_process(to, pid);

		if (ret && ret != -ESRCH)
			race_fail(race, "move to %s: %d", to, ret);
		race_count(race, COUNT_MOVED);
		if (ct_read_pids(from, "tasks", &pids))
			race_fail(race, "cannot read %s", from);
		for (size_t i = 0; i < pids.count; i++) {
			ret = ct_attach(to, pids.pid[i]);
			if (ret && ret != -ESRCH)
				race_fail(race, "move to %s: %d", to, ret);
			race_count(race, COUNT_MOVED);
		}
		ct_free_pids(&pids);
	}
}

/* Each of these is right whatever the others are just now. */
static void changer(struct race *race, void *unused)
{
	static const struct {
		const char *cont;
		const char *field;
		int value[2];
	} changes[] = {
		{ A, "max_shares", { 5, 60 } },
		{ A, "min_shares", { 0, 4 } },
		{ A, "child_shares_divisor", { 10, 100 } },
		{ AX, "max_shares", { 4, -3 } },
		{ AX, "min_shares", { -3, 3 } },
		{ B, "max_shares", { 6, -3 } },
		{ B, "min_shares", { 0, 5 } },
		{ T, "child_shares_divisor", { NT_PLENTY, NT_PLENTY / 2 } },
	};

	gate_pass(race, NULL);
	while (!race_over(race)) {
		int i = race_random(ARRAY_SIZE(changes));
		int ret = nt_set(changes[i].cont, changes[i].field,
				 changes[i].value[race_random(2)]);

		if (ret)
			race_fail(race, "%s of %s: %d", changes[i].field,
				  changes[i].cont, ret);
		race_count(race, COUNT_SET);
	}
}

TEST_F_TIMEOUT(race_numtasks, attach_and_shares, RACE_TIMEOUT)
{
	long long base = nt_usage(T);
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 6);
	race_need(race, COUNT_MOVED, 6);
	race_need(race, COUNT_SET, 21);
	gate_new();
	carried = ct_shared(2 * sizeof(*carried));
	ASSERT_EQ(0, ct_mkdir(AX));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_LT(0, race_worker(race, carried_stormer, (void *)0L));
	ASSERT_LT(0, race_worker(race, carried_stormer, (void *)1L));
	ASSERT_LT(0, race_worker(race, carrier, NULL));
	ASSERT_LT(0, race_worker(race, changer, NULL));
	gate_wait(race);
	gate->open = 1;
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forked, %lu refused, %lu moved, %lu changes",
	       race->count[COUNT_FORKED], race->count[COUNT_REFUSED],
	       race->count[COUNT_MOVED], race->count[COUNT_SET]);
	EXPECT_EQ(0, nt_usage(AX));
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
	EXPECT_EQ(base, nt_usage(T));
	/* Exact as ever: caps, promises, the room there is. */
	ASSERT_EQ(0, ct_write(A, "numtasks.shares",
			      "min_shares=0,max_shares=12,child_shares_divisor=100"));
	ASSERT_EQ(0, ct_write(AX, "numtasks.shares",
			      "min_shares=-3,max_shares=50"));
	ASSERT_EQ(0, ct_write(B, "numtasks.shares",
			      "min_shares=0,max_shares=-3"));
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	EXPECT_EQ(11, fills(A));
	EXPECT_EQ(5, fills(AX));
	ASSERT_EQ(0, nt_set_room(T, 20));
	EXPECT_EQ(19, fills(B));
	ASSERT_EQ(0, nt_set(A, "min_shares", 7));
	EXPECT_EQ(12, fills(B));
	EXPECT_EQ(base, nt_usage(T));
}

/*
 * Containers that are promised something, have a member, and go, while others
 * storm in the parent.
 */
static void comer(struct race *race, void *n)
{
	char cont[64];
	int ret = 0;

	snprintf(cont, sizeof(cont), A "/%ld", (long)n);
	gate_pass(race, NULL);
	while (!race_over(race) && !ret) {
		pid_t pid;

		ret = ct_mkdir(cont);
		if (!ret)
			ret = nt_set(cont, "min_shares", 20);
		pid = ret ? -1 : nt_sleeper();
		if (pid > 0) {
			ret = ct_attach(cont, pid);
			if (!ret && nt_usage(cont) != 1)
				ret = -EPROTO;
			ct_kill(pid);
		}
		/* At once. */
		if (!ret)
			ret = ct_rmdir(cont);
		race_count(race, COUNT_SET);
	}
	if (ret)
		race_fail(race, "%s: %d", cont, ret);
}

TEST_F_TIMEOUT(race_numtasks, mkdir_rmdir, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 6);
	race_need(race, COUNT_SET, 6);
	gate_new();
	ASSERT_EQ(0, nt_set_total(T, NT_PLENTY));
	ASSERT_EQ(0, nt_set(A, "max_shares", 30));
	ASSERT_EQ(0, nt_set(A, "min_shares", 30));
	ASSERT_LT(0, race_worker(race, stormer, A));
	ASSERT_LT(0, race_worker(race, stormer, A));
	ASSERT_LT(0, race_worker(race, comer, (void *)1L));
	ASSERT_LT(0, race_worker(race, comer, (void *)2L));
	gate_wait(race);
	gate->open = 1;
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu forked, %lu refused, %lu came and went",
	       race->count[COUNT_FORKED], race->count[COUNT_REFUSED],
	       race->count[COUNT_SET]);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(29, fills(A));
	EXPECT_EQ(0, nt_usage(A));
}

/* So many in all, by four at once. */
#define RATE	100

static void rate_forker(struct race *race, void *cont)
{
	int refused = 0;

	if (!gate_pass(race, cont))
		return;
	while (refused < 25 && !race->stop) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		refused += !came_to(race, pid < 0 ? errno : 0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

TEST_F_TIMEOUT(race_numtasks, forkrate, RACE_TIMEOUT)
{
	struct race *race = self->race;

	gate_new();
	for (int i = 0; i < STORMERS; i++)
		ASSERT_LT(0, race_worker(race, rate_forker, A));
	gate_wait(race);
	ASSERT_EQ(0, ct_write(A, "numtasks.stats", "res=numtasks"));
	ASSERT_EQ(0, nt_set_param("forkrate_interval", NT_FOREVER));
	ASSERT_EQ(0, nt_set_param("forkrate", RATE));
	gate->open = 1;
	for (int i = 0; i < race->workers; i++)
		/* All their work is yet to be done. */
		if (race_wait(race->worker[i], 2 * RACE_JOIN_MS))
			race_fail(race, "worker %d", i);
	race->workers = 0;
	EXPECT_RACE(race);
	EXPECT_EQ((unsigned long)RATE, race->count[COUNT_FORKED]);
	EXPECT_EQ(25UL * STORMERS, race->count[COUNT_REFUSED]);
	EXPECT_EQ(25 * STORMERS, nt_stat(A, "Number of forkrate failures"));
	EXPECT_EQ(0, nt_stat(A, "Number of failures"));
	EXPECT_EQ(RATE, nt_stat(A, "Number of successes"));
	EXPECT_EQ(0, nt_usage(A));
}

/*
 * Hole 78: children that are moved, by whoever guesses their pid, before their creator, who is
 * being moved himself, has ended creating them, and that exit at once.
 */
#define REGION	(2UL << 20)

static atomic_int *newest;

/* Attaching to another node waits for who changes the memory, for long here. */
static void *change_memory(void *arg)
{
	struct race *race = arg;
	char *mem = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	while (mem != MAP_FAILED && !race_over(race))
		if (mprotect(mem, REGION, PROT_READ) ||
		    mprotect(mem, REGION, PROT_READ | PROT_WRITE))
			race_fail(race, "mprotect: %d", errno);
	return NULL;
}

static int end_at_once(void *arg)
{
	return 0;
}

static void creator(struct race *race, void *arg)
{
	char *stack = malloc(STACK);
	pthread_t thread;
	pid_t pid;

	if (pthread_create(&thread, NULL, change_memory, race))
		race_fail(race, "no thread");
	while (!race_over(race)) {
		pid = clone(end_at_once, stack + STACK, CLONE_VM | SIGCHLD, NULL);
		if (pid < 0)
			race_fail(race, "clone: %d", errno);
		*newest = pid;
		waitpid(pid, NULL, 0);
		race_count(race, COUNT_FORKED);
	}
	pthread_join(thread, NULL);
}

static void guesser(struct race *race, void *cont)
{
	int fd = ct_open(cont, "tasks", O_WRONLY);
	char text[16];

	while (!race_over(race)) {
		int len = snprintf(text, sizeof(text), "%d", *newest + 1);

		if (pwrite(fd, text, len, 0) == len)
			race_count(race, COUNT_MOVED);
	}
}

TEST_F_TIMEOUT(race_numtasks, newborn, RACE_TIMEOUT)
{
	struct race *race = self->race;
	pid_t pid;

	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, nt_mount("cpuset,numtasks", T));
	ASSERT_EQ(0, cpuset_make(A, ALL_CPUS, 1));
	ASSERT_EQ(0, cpuset_make(B, ALL_CPUS, 2));
	race_need(race, COUNT_FORKED, 20);
	race_need(race, COUNT_MOVED, 20);
	race_need(race, RACE_ROUNDS, 20);
	newest = ct_shared(sizeof(*newest));
	pid = race_worker(race, creator, NULL);
	ASSERT_LT(0, pid);
	*newest = pid;
	ASSERT_LT(0, race_worker(race, guesser, A));
	ASSERT_LT(0, race_worker(race, guesser, B));
	while (!race_over(race)) {
		int ret = ct_attach_process(race->count[RACE_ROUNDS] & 1 ? A : B, pid);

		if (ret)
			race_fail(race, "attach: %d", ret);
		race_count(race, RACE_ROUNDS);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu created, %lu guessed, %lu moves", race->count[COUNT_FORKED],
	       race->count[COUNT_MOVED], race->count[RACE_ROUNDS]);
	EXPECT_EQ(0, nt_usage(A));
	EXPECT_EQ(0, nt_usage(B));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
}

/*
 * Mounted and unmounted while the root forks. Whenever all stand still, just
 * those that there are have been counted.
 */
static bool mount_stop(struct race *race)
{
	race->paused = 1;
	while (race->waiting < race->workers) {
		/* Workers that are through do not stop any more. */
		if (race_over(race))
			return false;
		race_sleep_us(1000);
	}
	return true;
}

TEST_F_TIMEOUT(race_numtasks, mount, RACE_TIMEOUT)
{
	struct race *race = self->race;
	long long usage = 0;
	int all = 0, ret = 0;

	race_need(race, COUNT_SET, 6);
	race_need(race, COUNT_READ, 1);
	race_need(race, COUNT_FORKED, 6);
	gate_new();
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	ASSERT_EQ(0, ct_umount(T));
	for (int i = 0; i < STORMERS; i++)
		ASSERT_LT(0, race_worker(race, stormer, NULL));
	gate_wait(race);
	gate->open = 1;
	while (!race_over(race) && !ret) {
		ret = ct_mount("numtasks", T);
		if (ret)
			break;
		race_sleep_us(race_random(20000));
		if (race->count[COUNT_SET] % 4 == 0 && mount_stop(race)) {
			all = nt_user_threads();
			usage = nt_usage(T);
			if (all != usage)
				race_fail(race, "%d threads, %lld counted", all,
					  usage);
			race_count(race, COUNT_READ);
			race_resume(race);
		}
		ret = ct_umount(T);
		race_sleep_us(race_random(2000));
		race_count(race, COUNT_SET);
	}
	if (ret)
		race_fail(race, "mount or umount: %d", ret);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu mounts, %lu stops, %lu forked", race->count[COUNT_SET],
	       race->count[COUNT_READ], race->count[COUNT_FORKED]);
	EXPECT_EQ(0UL, race->count[COUNT_REFUSED]);
	ASSERT_EQ(0, ct_mount("numtasks", T));
	EXPECT_EQ(nt_user_threads(), nt_usage(T));
	EXPECT_EQ(0, ct_umount(T));
}

/* The same with them coming while it is mounted, and gone at the end. */
TEST_F_TIMEOUT(race_numtasks, mount_once, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_FORKED, 6);
	gate_new();
	ASSERT_EQ(0, ct_rmdir(A));
	ASSERT_EQ(0, ct_rmdir(B));
	for (int round = 0; round < 5; round++) {
		ASSERT_EQ(0, ct_umount(T));
		gate->ready = 0;
		gate->open = 0;
		race->stop = 0;
		race->end = race_now() + race_seconds(10) * 1000000000ULL;
		for (int i = 0; i < STORMERS; i++)
			ASSERT_LT(0, race_worker(race, stormer, NULL));
		gate_wait(race);
		gate->open = 1;
		race_sleep_us(100000 + race_random(50000));
		ASSERT_EQ(0, ct_mount("numtasks", T));
		race_sleep_us(100000 + race_random(50000));
		race_join(race);
		EXPECT_RACE(race);
		EXPECT_EQ(nt_user_threads(), nt_usage(T))
			TH_LOG("round %d", round);
	}
}

TEST_HARNESS_MAIN
