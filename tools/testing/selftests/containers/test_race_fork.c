// SPDX-License-Identifier: GPL-2.0
/*
 * Forks and new threads against moves: nobody is lost, left behind, counted
 * twice, or in a mixture of containers that its creator never was in.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define H1	CT_DIR "/h1"
#define H2	CT_DIR "/h2"

#define STACK	(64 * 1024)

/* A detached thread; false where there is none to be had just now. */
static bool start_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return !ret;
}

/*
 * One line of /proc/PID/container for each of the two hierarchies: the paths.
 * Returns the number of lines, or -errno.
 */
static int two_paths(const char *file, char paths[2][64])
{
	char buf[512], *line, *save;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int lines = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, sizeof(buf) - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return len;
	buf[len] = '\0';
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), lines++) {
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;
		int h = list && !strncmp(list, ":name=", 6);

		if (!path || lines == 2)
			return -EPROTO;
		snprintf(paths[h], 64, "%s", path + 1);
	}
	return lines;
}

/* Two hierarchies: cpuacct and sample in the first, a named one. */
FIXTURE(race_fork) {
	struct race *race;
};

FIXTURE_SETUP(race_fork)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("cpuacct,sample", H1));
	ASSERT_EQ(0, ct_mount("none,name=storm", H2));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_fork)
{
	EXPECT_EQ(0, ct_reset());
}

/*
 * The storm: processes and threads, all in a or b of each hierarchy, that come
 * and go. Movers carry them to and fro. From time to time all stop, and then
 * each of them must be in exactly one container of each hierarchy.
 */

#define STORM_ROOTS	4
#define STORM_LIVE	40
#define STORM_MOVERS	2

enum { COUNT_STARTED, COUNT_MOVED, COUNT_PAUSES, COUNT_SEEN, COUNT_REFUSED };

struct storm {
	struct race *race;
	atomic_int entered;
	atomic_int live;
	atomic_int stopped;
	pid_t tid[2 * STORM_LIVE];
};

static const char * const dirs[2][2] = {
	{ H1 "/a", H1 "/b" }, { H2 "/a", H2 "/b" },
};

static struct storm *storm;
static atomic_int own_threads;

/* Where the storm's processes and threads wait while all is stopped. */
static void storm_checkpoint(void)
{
	int slot;

	if (!storm->race->paused)
		return;
	slot = atomic_fetch_add(&storm->stopped, 1);
	storm->tid[slot] = race_gettid();
	race_checkpoint(storm->race);
}

/* One more, unless there are enough. */
static bool storm_enter(void)
{
	if (storm->race->stop || storm->race->paused)
		return false;
	if (atomic_fetch_add(&storm->live, 1) >= STORM_LIVE) {
		storm->live--;
		return false;
	}
	race_count(storm->race, COUNT_STARTED);
	return true;
}

static void storm_breathe(void)
{
	storm_checkpoint();
	race_sleep_us(race_random(20000));
	storm_checkpoint();
}

static void storm_process(int turns);

static void *storm_thread(void *arg)
{
	for (unsigned int i = race_random(6); i && !storm->race->stop; i--) {
		storm_breathe();
		if (race_random(2) || !storm_enter())
			continue;
		own_threads++;
		if (!start_thread(storm_thread, NULL)) {
			own_threads--;
			storm->live--;
		}
	}
	storm->live--;
	own_threads--;
	return arg;
}

static void storm_spawn(void)
{
	if (!storm_enter())
		return;
	if (race_random(2)) {
		own_threads++;
		if (start_thread(storm_thread, NULL))
			return;
		own_threads--;
	} else {
		pid_t pid = fork();

		if (!pid) {
			own_threads = 0;
			storm_process(1 + race_random(8));
		}
		if (pid > 0)
			return;
	}
	storm->live--;
}

/* Spawns this often, or until the end, and ends when its threads have. */
static void storm_process(int turns)
{
	while (turns-- && !storm->race->stop) {
		storm_spawn();
		storm_breathe();
	}
	while (own_threads)
		storm_breathe();
	storm->live--;
	_exit(0);
}

/* Starts the first ones, and takes care of all that their parents leave. */
static void storm_nursery(struct race *race, void *arg)
{
	(void)arg;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < STORM_ROOTS; i++) {
		storm->live++;
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int h = 0; h < 2; h++)
			if (ct_enter(dirs[h][i & 1]))
				race_fail(race, "cannot enter %s",
					  dirs[h][i & 1]);
		storm->entered++;
		storm_process(INT_MAX);
	}
	while (wait(NULL) > 0 || errno != ECHILD)
		continue;
}

/* Carries whom it finds in one container to the other, in any hierarchy. */
static void storm_mover(struct race *race, void *arg)
{
	(void)arg;
	while (!race_stopped(race)) {
		unsigned int h = race_random(2), from = race_random(2);
		bool whole = race_random(3) == 0;
		struct ct_pids pids;

		if (ct_read_pids(dirs[h][from], whole ? "procs" : "tasks",
				 &pids)) {
			race_fail(race, "cannot read %s", dirs[h][from]);
			return;
		}
		for (size_t i = 0; i < pids.count; i++) {
			int ret = whole ?
				ct_attach_process(dirs[h][!from], pids.pid[i]) :
				ct_attach(dirs[h][!from], pids.pid[i]);

			if (ret && ret != -ESRCH)
				race_fail(race, "moving %d to %s: %d",
					  pids.pid[i], dirs[h][!from], ret);
			race_checkpoint(race);
			race_count(race, COUNT_MOVED);
		}
		ct_free_pids(&pids);
		race_checkpoint(race);
	}
}

/* Has this thread left, or is it about to? */
static bool is_exiting(pid_t tid)
{
	unsigned long flags;
	char buf[1024];
	char state;
	char *p;

	if (ct_proc_read(tid, "stat", buf, sizeof(buf)) <= 0)
		return true;
	p = strrchr(buf, ')');
	if (!p || sscanf(p + 2, "%c %*d %*d %*d %*d %*d %lu", &state,
			 &flags) != 2)
		return false;
	return state == 'Z' || state == 'X' || flags & 4;
}

/* Looks, in the middle of it all, where they say that they are. */
static void storm_observer(struct race *race, void *arg)
{
	(void)arg;
	while (!race_stopped(race)) {
		unsigned int h = race_random(2), c = race_random(2);
		char paths[2][64] = { "", "" };
		struct ct_pids pids;

		if (ct_read_pids(dirs[h][c], "tasks", &pids)) {
			race_fail(race, "cannot read %s", dirs[h][c]);
			return;
		}
		/* Twice is allowed to who is moved elsewhere meanwhile. */
		for (size_t i = 0; i < pids.count; i++) {
			pid_t tid = pids.pid[i];
			int lines = two_paths(ct_path("/proc/%d/container",
						      tid), paths);

			if (lines == -ENOENT || lines == -ESRCH)
				continue;
			if (lines != 2)
				race_fail(race, "%d: %d lines", tid, lines);
			for (int j = 0; j < 2; j++)
				if (strcmp(paths[j], "/a") &&
				    strcmp(paths[j], "/b") && !is_exiting(tid))
					race_fail(race, "%d is in %s", tid,
						  paths[j]);
			race_count(race, COUNT_SEEN);
		}
		ct_free_pids(&pids);
		race_checkpoint(race);
	}
}

/* Are just these threads in the two containers of a hierarchy, each once? */
static bool storm_complete(int h, char *why, size_t len)
{
	struct ct_pids pids[2] = {};
	bool found[2 * STORM_LIVE] = {};
	bool right = false;
	int live = storm->live;

	for (int c = 0; c < 2; c++)
		if (ct_read_pids(dirs[h][c], "tasks", &pids[c]))
			goto out;
	snprintf(why, len, "%zu + %zu members of %s are %d", pids[0].count,
		 pids[1].count, h ? H2 : H1, live);
	if ((int)(pids[0].count + pids[1].count) != live)
		goto out;
	for (int c = 0; c < 2; c++) {
		for (size_t i = 0; i < pids[c].count; i++) {
			char paths[2][64];
			int slot = 0;

			while (slot < live && storm->tid[slot] != pids[c].pid[i])
				slot++;
			snprintf(why, len, "%d in %s: %s", pids[c].pid[i],
				 dirs[h][c], slot == live ? "a stranger" :
				 "again");
			if (slot == live || found[slot])
				goto out;
			found[slot] = true;
			if (two_paths(ct_path("/proc/%d/container",
					      pids[c].pid[i]), paths) != 2 ||
			    strcmp(paths[h], c ? "/b" : "/a")) {
				snprintf(why, len, "%d in %s says it is in %s",
					 pids[c].pid[i], dirs[h][c], paths[h]);
				goto out;
			}
		}
		snprintf(why, len, "%s: %lld counted, %zu there", dirs[h][c],
			 ct_read_num(dirs[h][c], "sample.members"),
			 pids[c].count);
		if (!h && ct_read_num(dirs[h][c], "sample.members") !=
		    (long long)pids[c].count)
			goto out;
	}
	right = true;
out:
	ct_free_pids(&pids[0]);
	ct_free_pids(&pids[1]);
	return right;
}

/* Stops everyone: the storm, whatever its size, the movers, the observer. */
static void storm_stop(struct race *race)
{
	uint64_t end = race_now() + RACE_JOIN_MS * 1000000ULL;

	storm->stopped = 0;
	race->paused = 1;
	while (storm->stopped != storm->live ||
	       race->waiting != storm->live + STORM_MOVERS + 1) {
		if (race->failures)
			return;
		if (race_now() >= end) {
			race_fail(race, "%d of %d stopped", storm->stopped,
				  storm->live);
			return;
		}
		race_sleep_us(1000);
	}
}

/* With everyone stopped. Those who are on their way out get time for it. */
static void storm_check(struct race *race)
{
	uint64_t end = race_now() + RACE_JOIN_MS * 1000000ULL;
	char why[256] = "";

	for (int h = 0; h < 2; h++) {
		while (!storm_complete(h, why, sizeof(why))) {
			if (race_now() >= end) {
				race_fail(race, "%s", why);
				return;
			}
			race_sleep_us(1000);
		}
	}
	race_count(race, COUNT_PAUSES);
}

TEST_F_TIMEOUT(race_fork, storm, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_STARTED, 6);
	race_need(race, COUNT_MOVED, 6);
	race_need(race, COUNT_PAUSES, 1);
	storm = ct_shared(sizeof(*storm));
	storm->race = race;
	for (int h = 0; h < 2; h++) {
		for (int c = 0; c < 2; c++) {
			ASSERT_EQ(0, ct_mkdir(dirs[h][c]));
		}
	}
	ASSERT_LT(0, race_worker(race, storm_nursery, NULL));
	/* Until then they are in the root of one hierarchy or the other. */
	while (storm->entered < STORM_ROOTS && !race_over(race))
		race_sleep_us(1000);
	for (int i = 0; i < STORM_MOVERS; i++) {
		ASSERT_LT(0, race_worker(race, storm_mover, NULL));
	}
	ASSERT_LT(0, race_worker(race, storm_observer, NULL));
	while (!race_over(race)) {
		race_sleep_us(1000000);
		storm_stop(race);
		if (race->failures)
			break;
		storm_check(race);
		race_resume(race);
	}
	race_join(race);
	EXPECT_RACE(race);
	/* All have been waited for: nobody is left, at once. */
	EXPECT_EQ(0, storm->live);
	for (int c = 0; c < 2; c++) {
		EXPECT_EQ(0, ct_read_num(dirs[0][c], "sample.members"));
	}
	for (int h = 0; h < 2; h++) {
		for (int c = 0; c < 2; c++) {
			EXPECT_EQ(0, ct_count(dirs[h][c], "tasks"));
			EXPECT_EQ(0, ct_rmdir(dirs[h][c]));
		}
	}
	TH_LOG("%lu started, %lu moves, %lu seen, %lu stops",
	       race->count[COUNT_STARTED], race->count[COUNT_MOVED],
	       race->count[COUNT_SEEN], race->count[COUNT_PAUSES]);
}

/*
 * Hole 67: a creator is led round in both hierarchies, so that of the 16 pairs of
 * containers it passes through 8: (n, n) and (n + 1, n). What it creates, and
 * what is not moved itself, must be in one of those.
 */

#define RING		4
#define CREATORS	3

static bool pair_is_possible(const char *file, char *why, size_t len)
{
	char paths[2][64] = { "", "" };
	int lines = two_paths(file, paths);
	int first, second;

	snprintf(why, len, "%d lines, in %s and %s", lines, paths[0], paths[1]);
	if (lines != 2 || sscanf(paths[0], "/ring%d", &first) != 1 ||
	    sscanf(paths[1], "/ring%d", &second) != 1)
		return false;
	return first == second || first == (second + 1) % RING;
}

static atomic_int ring_threads;

static void *ring_thread(void *arg)
{
	struct race *race = arg;
	char why[256];

	if (!pair_is_possible("/proc/thread-self/container", why, sizeof(why)))
		race_fail(race, "thread: %s", why);
	race_count(race, COUNT_SEEN);
	ring_threads--;
	return NULL;
}

/* Where the creators' pids are, for those who lead them. */
static atomic_int *creator_pids;

static void ring_creator(struct race *race, void *arg)
{
	int n = (long)arg;
	char why[256];

	if (ct_enter(H1 "/ring0") || ct_enter(H2 "/ring0")) {
		race_fail(race, "cannot enter ring0");
		return;
	}
	creator_pids[n] = getpid();
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			if (!pair_is_possible("/proc/self/container", why,
					      sizeof(why)))
				race_fail(race, "child: %s", why);
			race_count(race, COUNT_SEEN);
			_exit(0);
		}
		if (ring_threads < 4) {
			ring_threads++;
			if (!start_thread(ring_thread, race))
				ring_threads--;
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	while (ring_threads)
		race_sleep_us(1000);
}

static void ring_leader(struct race *race, void *arg)
{
	int n = (long)arg;
	int fds[2][RING];

	for (int h = 0; h < 2; h++)
		for (int i = 0; i < RING; i++)
			fds[h][i] = ct_open(ct_path("%s/ring%d", h ? H2 : H1, i),
					    "tasks", O_WRONLY);
	while (!creator_pids[n] && !race_over(race))
		race_sleep_us(1000);
	for (int i = 0; !race_over(race); i = (i + 1) % RING) {
		for (int h = 0; h < 2; h++) {
			int ret = ct_fd_write(fds[h][(i + 1) % RING],
					      ct_path("%d", creator_pids[n]));

			if (ret && ret != -ESRCH)
				race_fail(race, "move: %d", ret);
			race_count(race, COUNT_MOVED);
		}
	}
}

TEST_F_TIMEOUT(race_fork, same_instant, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_SEEN, 6);
	race_need(race, COUNT_MOVED, 6);
	creator_pids = ct_shared(CREATORS * sizeof(*creator_pids));
	for (int i = 0; i < RING; i++) {
		ASSERT_EQ(0, ct_mkdir(ct_path(H1 "/ring%d", i)));
		ASSERT_EQ(0, ct_mkdir(ct_path(H2 "/ring%d", i)));
	}
	for (long i = 0; i < CREATORS; i++) {
		ASSERT_LT(0, race_worker(race, ring_creator, (void *)i));
		ASSERT_LT(0, race_worker(race, ring_leader, (void *)i));
	}
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu created, %lu moves", race->count[COUNT_SEEN],
	       race->count[COUNT_MOVED]);
	for (int i = 0; i < RING; i++) {
		EXPECT_EQ(0, ct_read_num(ct_path(H1 "/ring%d", i),
					 "sample.members"));
	}
}

/*
 * A process that creates threads, which create threads, without pause, and is
 * moved as a whole.
 */

#define BREEDER_THREADS	8

static atomic_int breeder_live;

static void *breed(void *arg)
{
	struct race *race = arg;

	for (int i = 0; i < 2 && !race->stop; i++) {
		if (atomic_fetch_add(&breeder_live, 1) >= BREEDER_THREADS ||
		    !start_thread(breed, race))
			breeder_live--;
		else
			race_count(race, COUNT_STARTED);
	}
	breeder_live--;
	return NULL;
}

static void breeder(struct race *race, void *arg)
{
	(void)arg;
	while (!race->stop) {
		breeder_live++;
		breed(race);
		/* A few of them stay for a while. */
		if (race_random(4) == 0)
			race_sleep_us(100);
	}
	while (breeder_live)
		race_sleep_us(1000);
}

/* Nobody is left where the process was, and all of it is in another place. */
static bool moved_wholly(pid_t pid, const char *from, const char *to,
			 char *why, size_t len)
{
	int left = ct_count(from, "tasks");
	int procs = ct_count(from, "procs");
	int there = ct_has(to, "tasks", pid);

	snprintf(why, len, "%d threads and %d processes left in %s, %d in %s",
		 left, procs, from, there, to);
	return left == 0 && procs == 0 && there == 1;
}

TEST_F_TIMEOUT(race_fork, process_moves, RACE_TIMEOUT)
{
	static const char * const places[] = { H1 "/a", H1 "/b" };
	uint64_t enough = race_now() + 30000000000ULL;
	struct race *race = self->race;
	unsigned long members = 0;
	char why[256] = "";
	int moves = 0;
	pid_t pid;

	race_need(race, COUNT_MOVED, 100);
	race_need(race, COUNT_STARTED, 101);
	ASSERT_EQ(0, ct_mkdir(places[0]));
	ASSERT_EQ(0, ct_mkdir(places[1]));
	pid = race_worker(race, breeder, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ct_attach_process(places[0], pid));
	while (!race_over(race) || (moves < 1000 && race_now() < enough)) {
		const char *from = places[moves & 1];
		const char *to = places[~moves & 1];

		ASSERT_EQ(0, ct_attach_process(to, pid));
		ASSERT_TRUE(moved_wholly(pid, from, to, why, sizeof(why)))
			TH_LOG("move %d: %s", moves, why);
		if (moves % 8 == 0)
			members += ct_count(to, "tasks");
		moves++;
		race_count(race, COUNT_MOVED);
	}
	race_join(race);
	EXPECT_RACE(race);
	members /= (moves + 7) / 8;
	TH_LOG("%d moves of %lu threads on average, %lu started", moves,
	       members, race->count[COUNT_STARTED]);
	EXPECT_LT(1UL, members);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, ct_read_num(places[i], "sample.members"));
		EXPECT_EQ(0, ct_rmdir(places[i]));
	}
}

/*
 * Two movers pull at the same process. When both are done it is in one piece,
 * in one of the places.
 */
struct tug {
	struct race *race;
	pthread_barrier_t barrier;
	pid_t pid;
	bool end;
};

static const char * const places[] = { H1 "/a", H1 "/b", H1 "/c" };

static void *pull(void *arg, int place)
{
	struct tug *tug = arg;

	for (;;) {
		int ret;

		pthread_barrier_wait(&tug->barrier);
		if (tug->end)
			return NULL;
		ret = ct_attach_process(places[place], tug->pid);
		if (ret)
			race_fail(tug->race, "to %s: %d", places[place], ret);
		race_count(tug->race, COUNT_MOVED);
		pthread_barrier_wait(&tug->barrier);
	}
}

static void *pull_first(void *arg)
{
	return pull(arg, 1);
}

static void *pull_second(void *arg)
{
	return pull(arg, 2);
}

TEST_F_TIMEOUT(race_fork, two_movers, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct tug tug = { .race = race };
	pthread_t threads[2];

	race_need(race, COUNT_MOVED, 6);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_mkdir(places[i]));
	}
	ASSERT_EQ(0, pthread_barrier_init(&tug.barrier, NULL, 3));
	tug.pid = race_worker(race, breeder, NULL);
	ASSERT_LT(0, tug.pid);
	ASSERT_EQ(0, ct_attach_process(places[0], tug.pid));
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, pull_first, &tug));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, pull_second, &tug));
	while (!race_over(race)) {
		int there[3], home = 0;

		pthread_barrier_wait(&tug.barrier);
		/* They pull. */
		pthread_barrier_wait(&tug.barrier);
		for (int i = 0; i < 3; i++) {
			there[i] = ct_count(places[i], "tasks");
			home += there[i] > 0;
		}
		if (home != 1 || there[0])
			race_fail(race, "%d, %d, %d threads in a, b, c",
				  there[0], there[1], there[2]);
	}
	tug.end = true;
	pthread_barrier_wait(&tug.barrier);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu moves, %lu started", race->count[COUNT_MOVED],
	       race->count[COUNT_STARTED]);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, ct_read_num(places[i], "sample.members"));
	}
}

/*
 * Forks and moves that a subsystem refuses: what was counted for them is given
 * back, and there is never one member too many.
 */
#define LIMIT	10
#define LIMITED	H1 "/limited"

static void *end_at_once(void *arg)
{
	return arg;
}

/* Each of its children, and of their threads, may be one too many. */
static void limited_forker(struct race *race, void *arg)
{
	int ret;

	(void)arg;
	/* There may be ten already. */
	do {
		ret = ct_enter(LIMITED);
	} while (ret == -EAGAIN);
	if (ret) {
		race_fail(race, "enter: %d", ret);
		return;
	}
	while (!race_over(race)) {
		pid_t pids[4];

		for (int i = 0; i < 4; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				for (int t = 0; t < 3; t++)
					start_thread(end_at_once, NULL);
				_exit(0);
			}
			if (pids[i] < 0 && errno != EAGAIN)
				race_fail(race, "fork: %d", errno);
			race_count(race, pids[i] < 0 ? COUNT_REFUSED :
				   COUNT_STARTED);
		}
		for (int i = 0; i < 4; i++)
			if (pids[i] > 0)
				waitpid(pids[i], NULL, 0);
	}
}

/* A process of three threads wants in: all of them, or none. */
static void limited_mover(struct race *race, void *arg)
{
	pid_t pid = ct_process(NULL, 3, NULL);

	(void)arg;
	if (pid < 0) {
		race_fail(race, "no process: %d", pid);
		return;
	}
	while (!race_over(race)) {
		int ret = ct_attach_process(LIMITED, pid);
		int there = ct_has(LIMITED, "procs", pid);

		if (ret && ret != -EAGAIN)
			race_fail(race, "move: %d", ret);
		if (there != !ret)
			race_fail(race, "move: %d, and it is there %d times",
				  ret, there);
		race_count(race, ret ? COUNT_REFUSED : COUNT_MOVED);
		ret = ct_attach_process(H1, pid);
		if (ret)
			race_fail(race, "and back: %d", ret);
	}
	ct_kill(pid);
}

TEST_F_TIMEOUT(race_fork, refused, RACE_TIMEOUT)
{
	struct race *race = self->race;

	race_need(race, COUNT_STARTED, 6);
	race_need(race, COUNT_REFUSED, 6);
	ASSERT_EQ(0, ct_mkdir(LIMITED));
	ASSERT_EQ(0, ct_write_num(LIMITED, "sample.limit", LIMIT));
	for (int i = 0; i < 3; i++)
		ASSERT_LT(0, race_worker(race, limited_forker, NULL));
	ASSERT_LT(0, race_worker(race, limited_mover, NULL));
	while (!race_over(race)) {
		long long members = ct_read_num(LIMITED, "sample.members");

		if (members < 0 || members > LIMIT)
			race_fail(race, "%lld members", members);
		race_count(race, COUNT_SEEN);
	}
	race_join(race);
	EXPECT_RACE(race);
	TH_LOG("%lu started, %lu moved, %lu refused",
	       race->count[COUNT_STARTED], race->count[COUNT_MOVED],
	       race->count[COUNT_REFUSED]);
	EXPECT_EQ(0, ct_read_num(LIMITED, "sample.members"));
	EXPECT_EQ(0, ct_rmdir(LIMITED));
}

TEST_HARNESS_MAIN
