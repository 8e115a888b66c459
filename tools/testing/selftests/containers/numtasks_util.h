/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the numtasks tests share: the module parameters, shares, counts, the
 * number of threads that there are, and forkers: processes that fork on
 * demand.
 */
#ifndef NUMTASKS_UTIL_H
#define NUMTASKS_UTIL_H

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "containers_util.h"

#define NT_PARAMS	"/sys/module/numtasks/parameters"
/* Sleepers or threads that a forker can have. */
#define NT_MAX		256
/* A total at which no test arrives unless it wants to. */
#define NT_PLENTY	10000
/* An interval of the fork rate that has not been over since boot. */
#define NT_FOREVER	100000000

static inline int nt_set_param(const char *name, long long value)
{
	return ct_write_num(NT_PARAMS, name, value);
}

static inline long long nt_param(const char *name)
{
	return ct_read_num(NT_PARAMS, name);
}

/* The parameters as they are after boot. */
static inline int nt_defaults(void)
{
	int ret = nt_set_param("total_numtasks", INT_MAX);

	if (!ret)
		ret = nt_set_param("forkrate", INT_MAX);
	if (!ret)
		ret = nt_set_param("forkrate_interval", 1);
	return ret;
}

/* One of the numbers in a container's numtasks.stats. */
static inline long long nt_stat(const char *cont, const char *text)
{
	return ct_read_key(cont, "numtasks.stats",
			   ct_path("numtasks: %s", text));
}

static inline long long nt_usage(const char *cont)
{
	return nt_stat(cont, "Current usage");
}

/* Set one of a container's shares. */
static inline int nt_set(const char *cont, const char *field, int value)
{
	return ct_write(cont, "numtasks.shares",
			ct_path("res=numtasks,%s=%d\n", field, value));
}

/* Mount, with the root's divisor as it is after boot. */
static inline int nt_mount(const char *options, const char *dir)
{
	int ret = ct_mount(options, dir);

	return ret ? ret : nt_set(dir, "child_shares_divisor", 100);
}

/*
 * Let the root have this many tasks, and shares of it be tasks: a child's
 * max_shares is its cap, its min_shares what it is guaranteed.
 */
static inline int nt_set_total(const char *root, int total)
{
	int ret = nt_set_param("total_numtasks", total);

	return ret ? ret : nt_set(root, "child_shares_divisor", total);
}

/* The same, with room for this many more. */
static inline int nt_set_room(const char *root, int room)
{
	long long usage = nt_usage(root);

	return usage < 0 ? usage : nt_set_total(root, usage + room);
}

/*
 * How many threads of a process are a user's and have not exited, as /proc
 * shows them? Those among them that are about to exit are added to *leaving.
 */
static inline int nt_count_process(pid_t pid, int *leaving)
{
	DIR *tasks = pid ? opendir(ct_path("/proc/%d/task", pid)) : NULL;
	char buf[1024], state, *p;
	struct dirent *entry;
	unsigned long flags;
	int count = 0;

	if (!tasks)
		return 0;
	while ((entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);

		if (!tid || ct_proc_read(tid, "stat", buf, sizeof(buf)) <= 0)
			continue;
		p = strrchr(buf, ')');
		if (!p || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %lu", &state,
				 &flags) != 2)
			continue;
		/* PF_KTHREAD; exited. */
		if (flags & 0x00200000 || state == 'Z' || state == 'X')
			continue;
		count++;
		/* PF_EXITING */
		*leaving += !!(flags & 4);
	}
	closedir(tasks);
	return count;
}

/* The number of user threads, once those that are exiting have done so. */
static inline int nt_user_threads(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	int count = 0, leaving = 1, tries;

	for (tries = 0; leaving && tries < CT_WAIT_MS; tries++) {
		struct dirent *entry;
		DIR *proc = opendir("/proc");

		if (!proc)
			return -errno;
		if (tries)
			nanosleep(&tick, NULL);
		count = 0;
		leaving = 0;
		while ((entry = readdir(proc)))
			count += nt_count_process(atoi(entry->d_name),
						  &leaving);
		closedir(proc);
	}
	return leaving ? -ETIMEDOUT : count;
}

/* Is this an orphan of an earlier test, which has yet to die of that? */
static inline bool nt_is_orphan(pid_t pid)
{
	int parent, group, session;
	char buf[1024], state, *p;

	if (!pid || ct_proc_read(pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	p = strrchr(buf, ')');
	/* The leader of the session is a child of init, too. */
	return p && sscanf(p + 1, " %c %d %d %d", &state, &parent, &group,
			   &session) == 4 && parent == 1 && state != 'Z' &&
	       state != 'X' && session == getsid(0) && pid != session;
}

/* For FIXTURE_SETUP: wait until nobody is left that would be missing later. */
static inline int nt_settle(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	int orphans = 1, tries;

	for (tries = 0; orphans && tries < CT_WAIT_MS; tries++) {
		struct dirent *entry;
		DIR *proc = opendir("/proc");

		if (!proc)
			return -errno;
		if (tries)
			nanosleep(&tick, NULL);
		orphans = 0;
		while ((entry = readdir(proc)))
			orphans += nt_is_orphan(atoi(entry->d_name));
		closedir(proc);
	}
	return orphans ? -ETIMEDOUT : 0;
}

/* Return once the calling process has this many threads: all others have gone. */
static inline void nt_wait_threads(unsigned int count)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	struct stat st;

	/* A thread can be joined a little before it has exited. */
	while (!stat("/proc/self/task", &st) && st.st_nlink - 2 > count)
		nanosleep(&tick, NULL);
}

/*
 * Forkers
 */

enum { NT_FORK, NT_REAP, NT_THREADS, NT_JOIN, NT_END };

/**
 * struct nt_order - what a forker is told, in memory shared with it
 * @turn: futex word, 1 while the forker has the word
 * @what: NT_FORK and the like
 * @count: how many
 * @done: how many it were
 * @error: errno of the first one that failed; 0 if none did
 */
struct nt_order {
	int turn;
	int what;
	int count;
	int done;
	int error;
};

struct nt_forker {
	pid_t pid;
	struct nt_order *order;
};

static inline pid_t nt_sleeper(void)
{
	pid_t pid = ct_fork();

	if (!pid)
		for (;;)
			pause();
	return pid < 0 ? -errno : pid;
}

/* A forker has no other children and threads than those that it is told of. */
static inline void nt_forker_main(struct nt_order *order)
{
	static struct ct_threads threads[NT_MAX];
	static pid_t pids[NT_MAX];
	int children = 0, others = 0, ret;

	for (;; ct_futex_wake(&order->turn, 0)) {
		ct_futex_wait(&order->turn, 0);
		order->done = 0;
		order->error = 0;
		while (order->done < order->count && !order->error) {
			switch (order->what) {
			case NT_FORK:
				if (children == NT_MAX)
					ret = -E2BIG;
				else
					ret = nt_sleeper();
				if (ret > 0)
					pids[children++] = ret;
				break;
			case NT_REAP:
				ret = children ? ct_kill(pids[--children]) :
						 -ECHILD;
				break;
			case NT_THREADS:
				if (others == NT_MAX)
					ret = -E2BIG;
				else
					ret = ct_threads_start(&threads[others],
							       1);
				others += !ret;
				break;
			case NT_JOIN:
				ret = others ? 0 : -ESRCH;
				if (others)
					ct_threads_stop(&threads[--others]);
				break;
			default:
				while (children)
					ct_kill(pids[--children]);
				return;
			}
			if (ret < 0)
				order->error = -ret;
			else
				order->done++;
		}
		nt_wait_threads(others + 1);
	}
}

/* Returns the number that there were; forker->order->error says why not all. */
static inline int nt_order(struct nt_forker *forker, int what, int count)
{
	struct nt_order *order = forker->order;

	order->what = what;
	order->count = count;
	ct_futex_wake(&order->turn, 1);
	ct_futex_wait(&order->turn, 1);
	return order->done;
}

/* Make a forker: the first member of a container, or where the caller is. */
static inline int nt_forker_start(struct nt_forker *forker, const char *cont)
{
	pid_t pid;

	forker->order = ct_shared(sizeof(*forker->order));
	pid = ct_fork();
	if (!pid) {
		nt_forker_main(forker->order);
		_exit(0);
	}
	forker->pid = pid;
	if (pid < 0)
		return -errno;
	return cont ? ct_attach_process(cont, pid) : 0;
}

/* What it has forked or started, up to this many, before it was refused. */
static inline int nt_fork(struct nt_forker *forker, int count)
{
	return nt_order(forker, NT_FORK, count);
}

/* As many as it can, to be refused with EAGAIN; -errno where it is another. */
static inline int nt_fill(struct nt_forker *forker)
{
	int done = nt_order(forker, NT_FORK, NT_MAX);

	return forker->order->error == EAGAIN ? done : -forker->order->error;
}

static inline int nt_fill_threads(struct nt_forker *forker)
{
	int done = nt_order(forker, NT_THREADS, NT_MAX);

	return forker->order->error == EAGAIN ? done : -forker->order->error;
}

/* End the last ones of its children, or threads, and wait for that. */
static inline void nt_reap(struct nt_forker *forker, int count)
{
	nt_order(forker, NT_REAP, count);
}

static inline void nt_join(struct nt_forker *forker, int count)
{
	nt_order(forker, NT_JOIN, count);
}

/* End a forker and all of its children. */
static inline void nt_forker_end(struct nt_forker *forker)
{
	forker->order->what = NT_END;
	forker->order->count = 1;
	ct_futex_wake(&forker->order->turn, 1);
	ct_wait(forker->pid);
}

#endif
