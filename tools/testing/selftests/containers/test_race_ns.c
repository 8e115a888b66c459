// SPDX-License-Identifier: GPL-2.0
/*
 * Containers that come with namespaces and go by themselves, against moves,
 * kill, and umount: not one clone or unshare fails for it, and not one
 * container is left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "ns_util.h"
#include "race_util.h"

#define T	CT_DIR "/t"
#define U	CT_DIR "/u"
#define A	T "/a"
#define B	T "/b"

#define STACK		(64 * 1024)
#define STORMERS	4

enum { COUNT_UNSHARED, COUNT_CLONED, COUNT_MOVED, COUNT_ROUNDS };

FIXTURE(race_nsproxy)
{
	struct race *race;
};

FIXTURE_VARIANT(race_nsproxy)
{
	const char *options;
};

FIXTURE_VARIANT_ADD(race_nsproxy, alone)
{
	.options = "ns",
};

FIXTURE_VARIANT_ADD(race_nsproxy, last_of_four)
{
	.options = "cpuset,cpuacct,sample,ns",
};

/* T with ns and nothing in it; U, a hierarchy with a name, likewise. */
FIXTURE_SETUP(race_nsproxy)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount(variant->options, T));
	ASSERT_EQ(0, ct_mount("none,name=u", U));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_nsproxy)
{
	EXPECT_EQ(0, ct_reset());
}

/* Namespaces that are freed at once, so that one does not run out of them. */
static unsigned long long some_flags(void)
{
	static const unsigned long long flags[] = {
		CLONE_NEWUTS, CLONE_NEWUTS, CLONE_NEWPID,
		CLONE_NEWUTS | CLONE_NEWPID,
	};

	return flags[race_random(4)];
}

static void breathe(void)
{
	if (race_random(2))
		race_sleep_us(race_random(500));
}

/* Where a worker says who is its child just now, for those who move it. */
struct stormer {
	atomic_int pid;
	atomic_int child;
};

static struct stormer *stormers;

/* A child in a container of its own, that may make another one in it. */
static void storm_once(struct race *race, struct stormer *me)
{
	unsigned long long flags = some_flags();
	bool clone = race_random(2);
	pid_t pid = ns_clone(clone ? flags : 0);

	if (!pid) {
		breathe();
		if (!clone || race_random(4) == 0) {
			if (unshare(CLONE_NEWUTS))
				race_fail(race, "unshare: %d", errno);
			race_count(race, COUNT_UNSHARED);
		}
		breathe();
		_exit(0);
	}
	if (pid < 0) {
		race_fail(race, "clone: %d", pid);
		return;
	}
	me->child = pid;
	race_count(race, COUNT_CLONED);
	waitpid(pid, NULL, 0);
}

static void storm(struct race *race, void *n)
{
	struct stormer *me = &stormers[(long)n];

	me->pid = getpid();
	while (!race_over(race))
		storm_once(race, me);
}

static int start_storm(struct race *race)
{
	int ret = 0;

	stormers = ct_shared(STORMERS * sizeof(*stormers));
	for (long i = 0; ret >= 0 && i < STORMERS; i++)
		ret = race_worker(race, storm, (void *)i);
	for (long i = 0; ret >= 0 && i < STORMERS; i++)
		while (!stormers[i].pid && !race_over(race))
			race_sleep_us(1000);
	return ret < 0 ? ret : 0;
}

/* All have come and gone. */
TEST_F_TIMEOUT(race_nsproxy, storm, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_CLONED, 21);
	race_need(race, COUNT_UNSHARED, 6);
	ASSERT_EQ(0, start_storm(race));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu cloned, %lu unshared", race->count[COUNT_CLONED],
	       race->count[COUNT_UNSHARED]);
	EXPECT_EQ(0, ns_wait_containers(1));
}

/* Carries workers and their children, wherever they are, to a and b. */
static void mover(struct race *race, void *dir)
{
	while (!race_over(race)) {
		struct stormer *who = &stormers[race_random(STORMERS)];
		pid_t pid = race_random(2) ? who->pid : who->child;
		const char *cont = ct_path("%s/%s", (const char *)dir,
					   race_random(2) ? "a" : "b");
		int ret = -ESRCH;

		/* There may be no child yet, and 0 would be this process. */
		if (pid)
			ret = race_random(2) ? ct_attach(cont, pid) :
					       ct_attach_process(cont, pid);
		if (ret && ret != -ESRCH)
			race_fail(race, "%d to %s: %d", pid, cont, ret);
		race_count(race, COUNT_MOVED);
	}
}

/* The same, with workers and children being moved in both hierarchies. */
TEST_F_TIMEOUT(race_nsproxy, moves, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_CLONED, 21);
	race_need(race, COUNT_UNSHARED, 6);
	race_need(race, COUNT_MOVED, 21);
	ASSERT_EQ(0, ns_make(T, A));
	ASSERT_EQ(0, ns_make(T, B));
	ASSERT_EQ(0, ct_mkdir(U "/a"));
	ASSERT_EQ(0, ct_mkdir(U "/b"));
	ASSERT_EQ(0, start_storm(race));
	ASSERT_LT(0, race_worker(race, mover, T));
	ASSERT_LT(0, race_worker(race, mover, T));
	ASSERT_LT(0, race_worker(race, mover, U));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu cloned, %lu unshared, %lu moves",
	       race->count[COUNT_CLONED], race->count[COUNT_UNSHARED],
	       race->count[COUNT_MOVED]);
	EXPECT_EQ(0, ns_wait_containers(3));
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
	EXPECT_EQ(0, ct_rmdir(U "/a"));
	EXPECT_EQ(0, ct_rmdir(U "/b"));
}

/*
 * A process whose threads make threads, each of which has a container of its
 * own in one hierarchy, is moved as a whole in the other one.
 */
#define BREEDERS	3

static int short_thread(void *word)
{
	struct timespec ts = { .tv_nsec = *(int *)word * 1000 };

	/* It has no thread-local memory of its own: no more than this. */
	syscall(SYS_nanosleep, &ts, NULL);
	return 0;
}

static void *breed(void *arg)
{
	char *stack = ct_shared(STACK);
	struct race *race = arg;
	/* The kernel zeroes it when the thread has gone. */
	pid_t tid = 0;
	int us;

	while (!race->stop) {
		us = race_random(1000);
		__atomic_store_n(&tid, 1, __ATOMIC_SEQ_CST);
		if (clone(short_thread, stack + STACK,
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM | CLONE_NEWUTS |
			  CLONE_CHILD_CLEARTID, &us, NULL, NULL, &tid) < 0) {
			race_fail(race, "thread: %d", errno);
			break;
		}
		race_count(race, COUNT_CLONED);
		while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
			race_sleep_us(100);
	}
	munmap(stack, STACK);
	return NULL;
}

static void breeder(struct race *race, void *unused)
{
	pthread_t threads[BREEDERS];
	int i, started = 0;

	for (i = 0; i < BREEDERS; i++) {
		if (pthread_create(&threads[i], NULL, breed, race))
			race_fail(race, "no thread %d", i);
		else
			started++;
	}
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

TEST_F_TIMEOUT(race_nsproxy, threads, RACE_TIMEOUT)
{
	static const char *const places[] = { U "/a", U "/b" };
	struct race *race = self->race;
	int moves = 0;
	pid_t pid;

	race_need(race, RACE_ROUNDS, 6);
	race_need(race, COUNT_CLONED, 21);
	ASSERT_EQ(0, ct_mkdir(places[0]));
	ASSERT_EQ(0, ct_mkdir(places[1]));
	pid = race_worker(race, breeder, NULL);
	ASSERT_LT(0, pid);
	while (!race_over(race)) {
		const char *from = places[~moves & 1], *to = places[moves & 1];
		int ret = ct_attach_process(to, pid);

		if (ret)
			race_fail(race, "move %d: %d", moves, ret);
		if (ct_count(from, "tasks") || ct_has(U, "procs", pid) ||
		    ct_has(to, "procs", pid) != 1)
			race_fail(race, "move %d: %d threads left in %s", moves,
				  ct_count(from, "tasks"), from);
		moves++;
		race_count(race, RACE_ROUNDS);
	}
	/* It has stopped moving: all of it is in one place still. */
	EXPECT_EQ(0, ct_count(places[moves & 1], "tasks"));
	EXPECT_LE(BREEDERS + 1, ct_count(places[~moves & 1], "tasks"));
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%d moves, %lu threads", moves, race->count[COUNT_CLONED]);
	EXPECT_EQ(0, ct_count(places[0], "tasks"));
	EXPECT_EQ(0, ct_count(places[1], "tasks"));
	EXPECT_EQ(0, ns_wait_containers(1));
}

/* All members of a subtree of depth 2; who exits meanwhile may be missing. */
static int count_below(const char *cont)
{
	int count = ct_count(cont, "tasks");
	struct dirent *entry;
	DIR *dir = opendir(cont);

	while (dir && (entry = readdir(dir))) {
		int more;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		more = ct_count(ct_path("%s/%s", cont, entry->d_name), "tasks");
		if (more > 0)
			count += more;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* The same in the hierarchy of the containers: they stay behind, empty. */
TEST_F_TIMEOUT(race_nsproxy, threads_here, RACE_TIMEOUT)
{
	static const char *const places[] = { A, B };
	struct race *race = self->race;
	int moves = 0;
	pid_t pid;

	race_need(race, RACE_ROUNDS, 6);
	race_need(race, COUNT_CLONED, 21);
	ASSERT_EQ(0, ns_make(T, A));
	ASSERT_EQ(0, ns_make(T, B));
	pid = race_worker(race, breeder, NULL);
	ASSERT_LT(0, pid);
	while (!race_over(race)) {
		const char *from = places[~moves & 1], *to = places[moves & 1];
		int ret = ct_attach_process(to, pid);

		if (ret)
			race_fail(race, "move %d: %d", moves, ret);
		if (count_below(from))
			race_fail(race, "move %d: %d threads left below %s",
				  moves, count_below(from), from);
		moves++;
		race_count(race, RACE_ROUNDS);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%d moves, %lu threads", moves, race->count[COUNT_CLONED]);
	EXPECT_EQ(0, ns_wait_containers(3));
}

static void unsharer_alone(struct race *race, void *unused)
{
	while (!race->stop) {
		pid_t pid = fork();

		if (!pid)
			_exit(unshare(CLONE_NEWUTS) || unshare(CLONE_NEWIPC));
		if (ct_wait(pid))
			race_fail(race, "unshare failed");
		race_count(race, COUNT_UNSHARED);
	}
}

/* Who is moved out of a container does not come back by an unshare on its way. */
TEST_F_TIMEOUT(race_nsproxy, no_way_back, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_pids pids;

	race_need(race, RACE_ROUNDS, 6);
	race_need(race, COUNT_UNSHARED, 6);
	ASSERT_EQ(0, ns_make(T, A));
	ASSERT_EQ(0, ns_make(T, B));
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, unsharer_alone, NULL));
		ASSERT_EQ(0, ct_attach_process(A, race->worker[i]));
	}
	while (!race_over(race)) {
		if (ct_read_pids(A, "procs", &pids)) {
			race_fail(race, "procs");
			break;
		}
		for (size_t i = 0; i < pids.count; i++) {
			char path[PATH_MAX];

			if (ct_attach_process(B, pids.pid[i]))
				continue;
			if (!ns_path(pids.pid[i], path, sizeof(path)) &&
			    !strncmp(path, "/a", 2))
				race_fail(race, "%d is in %s", pids.pid[i],
					  path);
			race_count(race, RACE_ROUNDS);
		}
		ct_free_pids(&pids);
		if (ct_read_pids(B, "procs", &pids)) {
			race_fail(race, "procs");
			break;
		}
		for (size_t i = 0; i < pids.count; i++)
			ct_attach_process(A, pids.pid[i]);
		ct_free_pids(&pids);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu moves, %lu unshared", race->count[RACE_ROUNDS],
	       race->count[COUNT_UNSHARED]);
	EXPECT_EQ(0, ns_wait_containers(3));
}

/*
 * kill against a storm of clones in the subtree: nobody escapes into a
 * container that is made just then.
 */

/* A child does the same, but ends at some time. */
static void bomb(struct race *race)
{
	int depth = 0;

	for (;;) {
		pid_t pid = ns_clone(race_random(3) ? CLONE_NEWUTS : 0);

		if (!pid && depth++ < 4)
			continue;
		if (!pid) {
			breathe();
			_exit(0);
		}
		if (pid > 0)
			race_count(race, COUNT_CLONED);
		if (race_random(3) == 0 && unshare(CLONE_NEWUTS))
			_exit(1);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		if (depth && race_random(3) == 0)
			_exit(0);
	}
}

TEST_F_TIMEOUT(race_nsproxy, kill, RACE_TIMEOUT)
{
	struct race *race = self->race;
	pid_t pid[STORMERS];
	int *ready, i;

	race_need(race, RACE_ROUNDS, 3);
	race_need(race, COUNT_CLONED, 21);
	ready = ct_shared(sizeof(*ready));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	while (!race_over(race)) {
		*ready = 0;
		ASSERT_EQ(0, ns_make(T, A));
		for (i = 0; i < STORMERS; i++) {
			pid[i] = ct_fork();
			if (!pid[i]) {
				if (ct_enter(A))
					_exit(1);
				__atomic_fetch_add(ready, 1, __ATOMIC_SEQ_CST);
				bomb(race);
			}
			ASSERT_LT(0, pid[i]);
		}
		while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < STORMERS)
			race_sleep_us(100);
		race_sleep_us(race_random(20000));
		ASSERT_EQ(0, ct_write(A, "kill", "1"))
			TH_LOG("round %lu", race->count[RACE_ROUNDS]);
		/* All have been waited for, those they have left too. */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		ASSERT_EQ(0, ct_read_key(A, "events", "populated"))
			TH_LOG("round %lu", race->count[RACE_ROUNDS]);
		ASSERT_EQ(0, ct_count(A, "tasks"));
		ASSERT_EQ(0, ns_wait_containers(2))
			TH_LOG("round %lu", race->count[RACE_ROUNDS]);
		ASSERT_EQ(0, ct_rmdir(A));
		race_count(race, RACE_ROUNDS);
	}
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, %lu clones", race->count[RACE_ROUNDS],
	       race->count[COUNT_CLONED]);
}

/* Mounted and unmounted while they storm. */
TEST_F_TIMEOUT(race_nsproxy, umount, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_subsys row;
	int ret = 0;

	race_need(race, COUNT_ROUNDS, 6);
	race_need(race, COUNT_CLONED, 21);
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, start_storm(race));
	while (!race_over(race) && !ret) {
		ret = ct_mount(variant->options, T);
		if (ret)
			break;
		race_sleep_us(race_random(10000));
		ret = ct_umount(T);
		race_sleep_us(race_random(3000));
		race_count(race, COUNT_ROUNDS);
	}
	if (ret)
		race_fail(race, "mount or umount: %d", ret);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu rounds, %lu cloned, %lu unshared",
	       race->count[COUNT_ROUNDS], race->count[COUNT_CLONED],
	       race->count[COUNT_UNSHARED]);
	/* Whether it was mounted at the end or not, nothing stays. */
	ASSERT_EQ(0, ct_mount(variant->options, T));
	EXPECT_EQ(0, ns_wait_containers(1));
	EXPECT_EQ(1, ct_has(T, "tasks", getpid()));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, ct_subsys("ns", &row));
	EXPECT_EQ(0, row.hierarchy);
	EXPECT_EQ(0, ct_mount("ns", T));
}

TEST_HARNESS_MAIN
