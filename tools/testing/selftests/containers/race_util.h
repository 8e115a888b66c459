/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the concurrent tests share beyond containers_util.h: workers that run
 * until they are stopped and say what they found wrong, a clock, random
 * numbers.
 *
 * A race runs for RACE_SECONDS, or what CONTAINERS_RACE_SECONDS in the
 * environment says.
 */
#ifndef RACE_UTIL_H
#define RACE_UTIL_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "containers_util.h"

#define RACE_SECONDS	8
#define RACE_WORKERS	40
/* Time that workers get to come to an end, under the debug kernel. */
#define RACE_JOIN_MS	60000
/* How much longer a race goes on, at most, until enough has come about. */
#define RACE_MORE_NS	60000000000ULL
/* For the harness: the race, its beginning and end, under the debug kernel. */
#define RACE_TIMEOUT	180

/* What is counted: eight things of each test's own, and its rounds. */
#define RACE_ROUNDS	8
#define RACE_COUNTS	9

/**
 * struct race - one race, in memory shared by all that take part
 * @stop: the workers are to return
 * @paused: the workers are to wait in race_checkpoint()
 * @waiting: number of workers that wait there
 * @failures: number of things found wrong
 * @msg: the first of them
 * @count: what each test likes to count
 * @least: how much of that must have come about
 * @end: when the race is over, in ns, if it has
 * @worker: the workers' pids
 * @workers: their number
 */
struct race {
	atomic_int	stop;
	atomic_int	paused;
	atomic_int	waiting;
	atomic_int	failures;
	char		msg[512];
	atomic_ulong	count[RACE_COUNTS];
	unsigned long	least[RACE_COUNTS];
	uint64_t	end;
	pid_t		worker[RACE_WORKERS];
	int		workers;
};

static inline uint64_t race_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline void race_sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

/* Seconds that a race takes which normally takes this many. */
static inline unsigned int race_seconds(unsigned int seconds)
{
	const char *env = getenv("CONTAINERS_RACE_SECONDS");

	return env ? strtoul(env, NULL, 10) : seconds;
}

static inline struct race *race_new(unsigned int seconds)
{
	struct race *race = ct_shared(sizeof(*race));

	if (race)
		race->end = race_now() + race_seconds(seconds) * 1000000000ULL;
	return race;
}

/* Remembers the first failure of a race; each of the others is counted. */
static inline void __attribute__((format(printf, 2, 3)))
race_fail(struct race *race, const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&race->failures, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(race->msg, sizeof(race->msg), fmt, ap);
	va_end(ap);
}

static inline bool race_stopped(struct race *race)
{
	return race->stop || race->failures;
}

/* Before the race: it is over when @what has been counted so often, too. */
static inline void race_need(struct race *race, int what, unsigned long least)
{
	race->least[what] = least;
}

/* The first of what is needed that has not come about; -1 if all has. */
static inline int race_lacks(struct race *race)
{
	for (int what = 0; what < RACE_COUNTS; what++)
		if (race->count[what] < race->least[what])
			return what;
	return -1;
}

/* How much happens within so many seconds is up to the machine. */
static inline bool race_over(struct race *race)
{
	uint64_t now;

	if (race_stopped(race))
		return true;
	now = race_now();
	return now >= race->end &&
	       (race_lacks(race) < 0 || now >= race->end + RACE_MORE_NS);
}

static inline void race_count(struct race *race, int what)
{
	atomic_fetch_add_explicit(&race->count[what], 1, memory_order_relaxed);
}

/* Small, fast, and different in every thread and process. */
static inline unsigned int race_random(unsigned int below)
{
	static __thread uint32_t state;
	static __thread pid_t owner;
	pid_t tid = syscall(SYS_gettid);

	if (owner != tid) {
		owner = tid;
		state = tid * 2654435761U ^ (uint32_t)race_now();
		state |= 1;
	}
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

/*
 * Starts a worker: a process that ends with its creator at the latest.
 * Returns its pid, or -errno.
 */
static inline pid_t race_worker(struct race *race,
				void (*fn)(struct race *race, void *arg),
				void *arg)
{
	pid_t parent = getpid();
	pid_t pid;

	if (race->workers == RACE_WORKERS)
		return -E2BIG;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			fn(race, arg);
		_exit(0);
	}
	race->worker[race->workers++] = pid;
	return pid;
}

/* Waits for a child for at most this long; kills it then. */
static inline int race_wait(pid_t pid, unsigned int ms)
{
	uint64_t end = race_now() + ms * 1000000ULL;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (got < 0)
			return -errno;
		if (race_now() >= end)
			break;
		race_sleep_us(2000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -ETIMEDOUT;
}

/*
 * Stops the workers and waits for them. One that hangs or ends otherwise than
 * by returning is a failure.
 */
static inline void race_join(struct race *race)
{
	race->stop = 1;
	race->paused = 0;
	for (int i = 0; i < race->workers; i++) {
		int status = race_wait(race->worker[i], RACE_JOIN_MS);

		if (status)
			race_fail(race, "worker %d ended with %d", i, status);
	}
	race->workers = 0;
}

/* Workers and this process run until the race is over. */
static inline void race_run(struct race *race)
{
	while (!race_over(race))
		race_sleep_us(10000);
	race_join(race);
}

/* A place where a worker waits as long as the race is paused. */
static inline void race_checkpoint(struct race *race)
{
	if (!race->paused)
		return;
	race->waiting++;
	while (race->paused && !race->stop)
		race_sleep_us(1000);
	race->waiting--;
}

static inline void race_resume(struct race *race)
{
	race->paused = 0;
	while (race->waiting && !race->failures)
		race_sleep_us(1000);
}

static inline pid_t race_gettid(void)
{
	return syscall(SYS_gettid);
}

/* In tests, after it: fails with what the race found, or has too little of. */
#define EXPECT_RACE(race)						\
do {									\
	EXPECT_EQ(0, (race)->failures)					\
		TH_LOG("%s", (race)->msg);				\
	EXPECT_EQ(-1, race_lacks(race))					\
		TH_LOG("%lu of %lu", (race)->count[race_lacks(race)],	\
		       (race)->least[race_lacks(race)]);		\
} while (0)

#endif /* RACE_UTIL_H */
