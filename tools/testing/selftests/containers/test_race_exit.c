// SPDX-License-Identifier: GPL-2.0
/*
 * Exits, and execs, against those who read the lists of members, move them,
 * and remove what they have left.
 */
#include <fcntl.h>
#include <pthread.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MNT	CT_DIR "/exit"
#define A	MNT "/a"
#define B	MNT "/b"

#define STACK		(64 * 1024)
#define STATIONARY	20
#define CHURNERS	3
#define READERS		3

enum { COUNT_EXITED, COUNT_READ, COUNT_MOVED, COUNT_REMOVED, COUNT_EXECED };

FIXTURE(race_exit) {
	struct race *race;
};

FIXTURE_SETUP(race_exit)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuacct,numtasks,sample", MNT));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_exit)
{
	EXPECT_EQ(0, ct_reset());
}

static void *end_at_once(void *arg)
{
	return arg;
}

/* Children, some with threads, some that their parents do not wait for. */
static void churner(struct race *race, void *arg)
{
	(void)arg;
	if (ct_enter(A)) {
		race_fail(race, "cannot enter a");
		return;
	}
	while (!race_over(race)) {
		pid_t pids[4];

		for (int i = 0; i < 4; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				pthread_t threads[3];
				int n = race_random(4);

				for (int t = 0; t < n; t++)
					if (pthread_create(&threads[t], NULL,
							   end_at_once, NULL))
						n = t;
				/* The threads go first, or last, or at once. */
				for (int t = 0; i & 1 && t < n; t++)
					pthread_join(threads[t], NULL);
				if (i == 2)
					pthread_exit(NULL);
				_exit(0);
			}
		}
		for (int i = 0; i < 4; i++)
			if (pids[i] > 0)
				waitpid(pids[i], NULL, 0);
		race_count(race, COUNT_EXITED);
	}
}

/* Reads numbers piecemeal; returns how many, or -errno. */
static int read_pieces(int fd, size_t piece, unsigned int pause_us, int *num,
		       int max)
{
	char buf[4096];
	int count = 0, value = 0;
	bool digits = false;
	ssize_t len;

	while ((len = read(fd, buf, piece)) > 0) {
		for (ssize_t i = 0; i < len; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				value = value * 10 + buf[i] - '0';
				digits = true;
			} else if (buf[i] == '\n' && digits && count < max) {
				num[count++] = value;
				value = 0;
				digits = false;
			} else {
				return -EPROTO;
			}
		}
		if (pause_us)
			race_sleep_us(pause_us);
	}
	return len < 0 ? -errno : digits ? -EPROTO : count;
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static pid_t *stationary;

/* How many of the sorted numbers are this one? */
static int occurrences(const int *num, int count, int value)
{
	int found = 0;

	for (int i = 0; i < count; i++)
		found += num[i] == value;
	return found;
}

/*
 * Those who stay are in every full read, once. No thread is there twice, unless
 * it was carried away and back meanwhile; a process may be, for another thread's
 * sake, when its first one exits.
 */
static void reader(struct race *race, void *arg)
{
	static const size_t pieces[] = { 1, 7, 64, 4096 };
	static int num[65536];
	const char *file = (long)arg & 1 ? "procs" : "tasks";

	while (!race_over(race)) {
		unsigned long moves = race->count[COUNT_MOVED];
		unsigned int how = race_random(4);
		int fd = ct_open(A, file, O_RDONLY);
		int count;

		if (fd < 0) {
			race_fail(race, "open %s: %d", file, fd);
			return;
		}
		count = read_pieces(fd, pieces[how], how < 2 ? 200 : 0, num,
				    65536);
		close(fd);
		if (count < 0) {
			race_fail(race, "read %s: %d", file, count);
			return;
		}
		qsort(num, count, sizeof(*num), compare_ints);
		for (int i = 1; i < count; i++)
			if (num[i] == num[i - 1] && !((long)arg & 1) &&
			    moves == race->count[COUNT_MOVED])
				race_fail(race, "%d is twice in %s", num[i],
					  file);
		for (int i = 0; i < STATIONARY; i++) {
			int found = occurrences(num, count, stationary[i]);

			if (found != 1)
				race_fail(race, "%d is %d times in %s, read by %zu",
					  stationary[i], found, file,
					  pieces[how]);
		}
		race_count(race, COUNT_READ);
	}
}

/*
 * Carries others over and back, so that readers lose their places; not before
 * half of the time is over.
 */
static void mover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race) &&
	       race_now() < race->end - race_seconds(RACE_SECONDS) * 500000000ULL)
		race_sleep_us(1000);
	while (!race_over(race)) {
		for (int back = 0; back < 2; back++) {
			struct ct_pids pids;

			if (ct_read_pids(back ? B : A, "tasks", &pids))
				continue;
			for (size_t i = 0; i < pids.count; i++) {
				int s = 0, ret;

				while (s < STATIONARY &&
				       stationary[s] != pids.pid[i])
					s++;
				if (s < STATIONARY)
					continue;
				race_count(race, COUNT_MOVED);
				ret = ct_attach(back ? A : B, pids.pid[i]);
				if (ret && ret != -ESRCH)
					race_fail(race, "move %d: %d",
						  pids.pid[i], ret);
			}
			ct_free_pids(&pids);
		}
		race_sleep_us(1000);
	}
}

/* Hole 22: slow readers and those who carry away what they are about to read. */
TEST_F_TIMEOUT(race_exit, readers, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_pids pids;
	int left;

	race_need(race, COUNT_READ, 3);
	race_need(race, COUNT_EXITED, 3);
	stationary = ct_shared(STATIONARY * sizeof(*stationary));
	for (int i = 0; i < STATIONARY; i++) {
		stationary[i] = ct_sleeper(A);
		ASSERT_LT(0, stationary[i]);
	}
	for (long i = 0; i < CHURNERS; i++) {
		ASSERT_LT(0, race_worker(race, churner, NULL));
	}
	for (long i = 0; i < READERS; i++) {
		ASSERT_LT(0, race_worker(race, reader, (void *)i));
	}
	ASSERT_LT(0, race_worker(race, mover, NULL));
	/* With a member a container cannot be removed, whatever goes on. */
	while (!race_over(race)) {
		int ret = ct_rmdir(A);

		if (ret != -EBUSY)
			race_fail(race, "rmdir: %d", ret);
		race_sleep_us(1000);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu exits times 4, %lu reads, %lu moves",
	       race->count[COUNT_EXITED], race->count[COUNT_READ],
	       race->count[COUNT_MOVED]);
	/* The workers have been waited for, and so the others are gone. */
	ASSERT_EQ(0, ct_read_pids(A, "tasks", &pids));
	EXPECT_EQ((size_t)STATIONARY, pids.count);
	ct_free_pids(&pids);
	EXPECT_EQ(STATIONARY, ct_read_num(A, "sample.members"));
	EXPECT_EQ(0, ct_read_num(B, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(B));
	for (int i = 0; i < STATIONARY; i++)
		ct_kill(stationary[i]);
	left = ct_read_num(A, "sample.members");
	EXPECT_EQ(0, left);
	EXPECT_EQ(0, ct_rmdir(A));
}

/*
 * Hole 54: the last member has been waited for: its container can be removed, at once,
 * whoever is reading its files.
 */

/* Reads what is there to be read of whatever container there is. */
static void prober(struct race *race, void *arg)
{
	static const char * const files[] = {
		"tasks", "procs", "events", "cpuacct.usage", "sample.members",
	};
	int dir = (long)arg;

	for (unsigned int i = 0; !race_over(race); i++) {
		char buf[4096];
		int fd = ct_open(ct_path(MNT "/r%d", dir),
				 files[i % 5], O_RDONLY);
		ssize_t len;

		if (fd < 0) {
			if (fd != -ENOENT && fd != -ENODEV)
				race_fail(race, "open: %d", fd);
			continue;
		}
		do {
			len = read(fd, buf, 16);
		} while (len > 0);
		if (len < 0 && errno != ENODEV)
			race_fail(race, "read %s: %d", files[i % 5], errno);
		close(fd);
		race_count(race, COUNT_READ);
	}
}

static void remover(struct race *race, void *arg)
{
	const char *dir = ct_path(MNT "/r%d", (int)(long)arg);
	char cont[64];

	snprintf(cont, sizeof(cont), "%s", dir);
	for (unsigned int i = 0; !race_over(race); i++) {
		int ret = ct_mkdir(cont);
		pid_t pid;

		if (ret) {
			race_fail(race, "mkdir: %d", ret);
			return;
		}
		pid = ct_process(cont, 1 + i % 3, NULL);
		if (pid < 0) {
			race_fail(race, "no process: %d", pid);
			return;
		}
		ret = ct_rmdir(cont);
		if (ret != -EBUSY)
			race_fail(race, "rmdir with members: %d", ret);
		ct_kill(pid);
		ret = ct_rmdir(cont);
		if (ret)
			race_fail(race, "rmdir without members: %d", ret);
		race_count(race, COUNT_REMOVED);
	}
}

TEST_F_TIMEOUT(race_exit, rmdir_after_last, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_REMOVED, 6);
	for (long i = 0; i < 2; i++) {
		ASSERT_LT(0, race_worker(race, remover, (void *)i));
		ASSERT_LT(0, race_worker(race, prober, (void *)i));
	}
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu removed, %lu reads", race->count[COUNT_REMOVED],
	       race->count[COUNT_READ]);
}

/*
 * Processes of several threads, one of which, not the first, executes a
 * program, or exits, or exits with all, while they are moved.
 */

/* The program that is executed. Its parent waits for 0. */
static void __attribute__((constructor)) end_if_told(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);
}

static void *do_exec(void *arg)
{
	race_sleep_us(race_random(2000));
	/* Not /proc/self: the first thread may be gone. */
	execl("/proc/thread-self/exe", "exec", "--exit", NULL);
	_exit(1);
	return arg;
}

static void *do_exit_all(void *arg)
{
	race_sleep_us(race_random(2000));
	_exit(0);
	return arg;
}

static void *do_nothing(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void execer(struct race *race, void *arg)
{
	(void)arg;
	if (ct_enter(race_random(2) ? A : B)) {
		race_fail(race, "cannot enter");
		return;
	}
	while (!race_over(race)) {
		unsigned int what = race_random(4);
		pid_t pid = fork();
		int status;

		if (pid < 0)
			continue;
		if (!pid) {
			pthread_t thread;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pthread_create(&thread, NULL, do_nothing, NULL);
			pthread_create(&thread, NULL, end_at_once, NULL);
			if (pthread_create(&thread, NULL, what ? do_exec :
					   do_exit_all, NULL))
				_exit(2);
			/* The first thread may be gone by then. */
			if (what == 1)
				pthread_exit(NULL);
			do_nothing(NULL);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			race_fail(race, "exec ended with %x", status);
		race_count(race, COUNT_EXECED);
	}
}

static void exec_mover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		const char *from = race_random(2) ? A : B;
		const char *to = race_random(4) ? (from[sizeof(A) - 2] == 'a' ?
						   B : A) : from;
		bool whole = race_random(2);
		struct ct_pids pids;

		if (ct_read_pids(from, whole ? "procs" : "tasks", &pids)) {
			race_fail(race, "cannot read");
			return;
		}
		for (size_t i = 0; i < pids.count; i++) {
			int ret = whole ? ct_attach_process(to, pids.pid[i]) :
					  ct_attach(to, pids.pid[i]);

			if (ret && ret != -ESRCH)
				race_fail(race, "move: %d", ret);
			race_count(race, COUNT_MOVED);
		}
		ct_free_pids(&pids);
	}
}

/* Hole 51: what ends between being found and being moved. */
TEST_F_TIMEOUT(race_exit, exec, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_EXECED, 3);
	race_need(race, COUNT_MOVED, 6);
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, execer, NULL));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_LT(0, race_worker(race, exec_mover, NULL));
	}
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu execs and exits, %lu moves", race->count[COUNT_EXECED],
	       race->count[COUNT_MOVED]);
	EXPECT_EQ(0, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_count(B, "tasks"));
	EXPECT_EQ(0, ct_read_num(A, "sample.members"));
	EXPECT_EQ(0, ct_read_num(B, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(A));
	EXPECT_EQ(0, ct_rmdir(B));
}

#define DOOMED	50

/* Move a process to and fro until it is gone. */
static pid_t carrier(struct race *race, pid_t pid)
{
	pid_t child = ct_fork();

	if (!child) {
		for (int i = 0;; i++) {
			int ret = ct_attach_process(i & 1 ? A : B, pid);

			if (ret == -ESRCH)
				_exit(0);
			if (ret)
				_exit(1);
			race_count(race, COUNT_MOVED);
		}
	}
	return child;
}

/* What numtasks and sample count, if that is the same, as nobody comes or goes. */
static int counted(const char *cont)
{
	int members = ct_read_num(cont, "sample.members");

	return ct_read_key(cont, "numtasks.stats", "numtasks: Current usage") ==
	       members ? members : -EPROTO;
}

/*
 * Threads that exit while they are part of a move. Subsystems see the move first, so
 * that what they count for a thread goes where the thread goes, and then away.
 */
TEST_F_TIMEOUT(race_exit, killed_while_moved, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_EXITED, 1);
	race_need(race, COUNT_MOVED, 3);
	while (!race_over(race)) {
		pid_t pid = ct_process(A, DOOMED, NULL), child;

		ASSERT_LT(0, pid);
		ASSERT_EQ(DOOMED, counted(A));
		child = carrier(race, pid);
		ASSERT_LT(0, child);
		race_sleep_us(race_random(20000));
		EXPECT_EQ(256 + SIGKILL, ct_kill(pid));
		EXPECT_EQ(0, ct_wait(child));
		ASSERT_EQ(0, counted(A));
		ASSERT_EQ(0, counted(B));
		race_count(race, COUNT_EXITED);
	}
	TH_LOG("%lu killed, %lu moves", race->count[COUNT_EXITED],
	       race->count[COUNT_MOVED]);
}

TEST_HARNESS_MAIN
