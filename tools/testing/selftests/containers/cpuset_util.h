/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the cpuset tests share: sets as bit masks, what is in force for a
 * thread, CPUs off and on, and puppets: processes that run functions of the
 * test on demand. The machine has CPUs 0-3 and nodes 0-1.
 */
#ifndef CPUSET_UTIL_H
#define CPUSET_UTIL_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "containers_util.h"
#include "race_util.h"

#define MNT		CT_DIR "/cpuset"
#define CPUS		4
#define ALL_CPUS	0xfUL
#define ALL_MEMS	0x3UL

/* A set as a list, "0-1,3"; one of a few static buffers. */
static inline const char *cpuset_list(unsigned long mask)
{
	static char bufs[4][64];
	static int next;
	char *buf = bufs[next++ % 4];
	int len = 0;

	buf[0] = '\0';
	for (int i = 0; i < 64; i++) {
		int first = i;

		if (!(mask & 1UL << i))
			continue;
		while (i < 63 && mask & 1UL << (i + 1))
			i++;
		len += snprintf(buf + len, 64 - len, "%s%d", len ? "," : "",
				first);
		if (i > first)
			len += snprintf(buf + len, 64 - len, "-%d", i);
	}
	return buf;
}

/* A list as a set; ~0 where it cannot be read. */
static inline unsigned long cpuset_mask(const char *list)
{
	unsigned long mask = 0;
	char *end;

	while (*list && *list != '\n') {
		unsigned long first = strtoul(list, &end, 10);
		unsigned long last = first;

		if (end == list)
			return ~0UL;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list)
				return ~0UL;
		}
		for (unsigned long i = first; i <= last && i < 64; i++)
			mask |= 1UL << i;
		list = *end == ',' ? end + 1 : end;
	}
	return mask;
}

/* What a control file holds, as a set; ~0 where it cannot be read. */
static inline unsigned long cpuset_get(const char *cont, const char *file)
{
	char buf[256];

	if (ct_read(cont, file, buf, sizeof(buf)) < 0)
		return ~0UL;
	return cpuset_mask(buf);
}

/* Writes a set, as a list, to a control file. */
static inline int cpuset_set(const char *cont, const char *file,
			     unsigned long mask)
{
	return ct_write(cont, file, cpuset_list(mask));
}

static inline int cpuset_set_both(const char *cont, unsigned long cpus,
				  unsigned long mems)
{
	int ret = cpuset_set(cont, "cpuset.cpus", cpus);

	return ret ? ret : cpuset_set(cont, "cpuset.mems", mems);
}

/* A new container with these cpus and mems. */
static inline int cpuset_make(const char *cont, unsigned long cpus,
			      unsigned long mems)
{
	int ret = ct_mkdir(cont);

	return ret ? ret : cpuset_set_both(cont, cpus, mems);
}

static inline unsigned long cpuset_affinity(pid_t tid)
{
	unsigned long mask[16] = {};

	if (syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask) < 0)
		return ~0UL;
	return mask[0];
}

static inline int cpuset_set_affinity(pid_t tid, unsigned long mask)
{
	unsigned long bits[16] = { mask };

	return syscall(SYS_sched_setaffinity, tid, sizeof(bits), bits) ?
		-errno : 0;
}

/* Value of "KEY:\t" in a status file's text, to the end of its line. */
static inline const char *cpuset_status(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len) && text[len] == ':')
			return text + len + 2;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return "none";
}

/* "00000000,0000000f" as a mask of 64 bits. */
static inline unsigned long cpuset_hex(const char *text)
{
	unsigned long mask = 0;

	for (; *text && *text != '\n'; text++) {
		char digit[2] = { *text, '\0' };

		if (*text != ',')
			mask = mask << 4 | strtoul(digit, NULL, 16);
	}
	return mask;
}

/*
 * Is what all interfaces tell of a thread these CPUs and nodes? Where not,
 * why says what differs.
 */
static inline bool cpuset_in_force(pid_t pid, pid_t tid, unsigned long cpus,
				   unsigned long mems, char *why, size_t len)
{
	unsigned long affinity = cpuset_affinity(tid);
	unsigned long got[4];
	char text[4096];
	char file[64];
	int ret;

	snprintf(file, sizeof(file), "task/%d/status", tid);
	ret = ct_proc_read(pid, file, text, sizeof(text));
	if (ret < 0) {
		snprintf(why, len, "/proc/%d/%s: error %d", pid, file, ret);
		return false;
	}
	got[0] = cpuset_hex(cpuset_status(text, "Cpus_allowed"));
	got[1] = cpuset_mask(cpuset_status(text, "Cpus_allowed_list"));
	got[2] = cpuset_hex(cpuset_status(text, "Mems_allowed"));
	got[3] = cpuset_mask(cpuset_status(text, "Mems_allowed_list"));
	snprintf(why, len,
		 "thread %d/%d: affinity %lx, Cpus_allowed %lx, list %lx, want %lx; Mems_allowed %lx, list %lx, want %lx",
		 pid, tid, affinity, got[0], got[1], cpus, got[2], got[3],
		 mems);
	return affinity == cpus && got[0] == cpus && got[1] == cpus &&
	       got[2] == mems && got[3] == mems;
}

/* The same for all threads of a process; returns how many it has right. */
static inline int cpuset_all_in_force(pid_t pid, unsigned long cpus,
				      unsigned long mems, char *why, size_t len)
{
	struct dirent *entry;
	char path[64];
	int right = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir) {
		snprintf(why, len, "%s: error %d", path, errno);
		return -1;
	}
	while ((entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (!tid)
			continue;
		if (!cpuset_in_force(pid, tid, cpus, mems, why, len)) {
			right = -1;
			break;
		}
		right++;
	}
	closedir(dir);
	return right;
}

/* Every thread of the process, and there is this number of them. */
#define EXPECT_IN_FORCE(pid, threads, cpus, mems) do {			\
	char __why[400] = "";						\
									\
	EXPECT_EQ(threads, cpuset_all_in_force(pid, cpus, mems, __why,	\
					       sizeof(__why)))		\
		TH_LOG("%s", __why);					\
} while (0)

static inline int cpu_online(int cpu, bool online)
{
	const char *dir = ct_path("/sys/devices/system/cpu/cpu%d", cpu);

	return ct_write(dir, "online", online ? "1" : "0");
}

/* All CPUs on, whatever was done to them. */
static inline int cpus_restore(void)
{
	int ret = 0;

	for (int cpu = 1; cpu < CPUS; cpu++) {
		const char *dir = ct_path("/sys/devices/system/cpu/cpu%d", cpu);

		if (ct_read_num(dir, "online") != 1)
			ret = cpu_online(cpu, true) ?: ret;
	}
	return ret;
}

/* As glibc does not have it. */
struct dl_attr {
	__u32 size;
	__u32 sched_policy;
	__u64 sched_flags;
	__s32 sched_nice;
	__u32 sched_priority;
	__u64 sched_runtime;
	__u64 sched_deadline;
	__u64 sched_period;
};

/* Reserves this many per cent of one CPU for a thread. */
static inline int cpuset_set_deadline(pid_t pid, int percent)
{
	struct dl_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_DEADLINE,
		.sched_runtime = percent * 100000ULL,
		.sched_deadline = 10000000,
		.sched_period = 10000000,
	};

	return syscall(SYS_sched_setattr, pid, &attr, 0) ? -errno : 0;
}

/*
 * How many threads with that many per cent are counted in the root domain of a
 * CPU, by the debug files; ~0 where it cannot be read. What the scheduler keeps
 * for itself, and forgets when it counts anew, is less than 20 per cent.
 */
static inline unsigned long long cpuset_counted(int cpu, int percent)
{
	static char buf[1 << 18];
	char *p = buf;
	int len, i;

	len = ct_read("/sys/kernel/debug/sched", "debug", buf, sizeof(buf) - 1);
	if (len <= 0)
		return ~0ULL;
	buf[len] = '\0';
	for (i = 0; (p = strstr(p, "dl_bw->total_bw")); i++) {
		p = strchr(p, ':');
		if (!p || cpu == i)
			break;
	}
	/* One is 2^20. */
	return p ? strtoull(p + 1, NULL, 10) / ((percent << 20) / 100) : ~0ULL;
}

/*
 * Wait until that many are. The bandwidth of one that exits is in use for another
 * period; if it has been counted anew meanwhile it takes some seconds until it is right.
 */
static inline void cpuset_wait_counted(int cpu, int percent, unsigned long long want)
{
	uint64_t end = race_now() + CT_WAIT_MS * 1000000ULL;

	while (cpuset_counted(cpu, percent) != want && race_now() < end)
		race_sleep_us(1000);
}

/*
 * The CPUs that the scheduler balances a CPU with, itself included; 0 where it
 * is alone, ~0 where it cannot be told.
 */
static inline unsigned long cpuset_domain(int cpu)
{
	char buf[16384], *line, *next, name[16], mask[64];
	unsigned long found = 0;
	bool ours = false;

	if (ct_read("/proc", "schedstat", buf, sizeof(buf)) < 0)
		return ~0UL;
	for (line = buf; line; line = next ? next + 1 : NULL) {
		next = strchr(line, '\n');
		if (sscanf(line, "cpu%15s", name) == 1)
			ours = atoi(name) == cpu;
		else if (ours && sscanf(line, "domain%*d %63s", mask) == 1)
			found |= cpuset_hex(mask);
	}
	return found;
}

/* 0 where the machine is the one these tests are written for. */
static inline int cpuset_machine(void)
{
	if (cpus_restore())
		return -EIO;
	if (cpuset_get("/sys/devices/system/cpu", "online") != ALL_CPUS ||
	    cpuset_get("/sys/devices/system/node", "has_memory") != ALL_MEMS)
		return -ENODEV;
	return 0;
}

typedef long (*puppet_fn)(long arg);

/**
 * struct puppet - a process that runs functions of the test on demand
 * @pid: its pid
 * @to: where it gets its calls from
 * @from: where it puts their results
 */
struct puppet {
	pid_t pid;
	int to;
	int from;
};

struct puppet_call {
	puppet_fn fn;
	long arg;
};

static inline int puppet_start(struct puppet *puppet)
{
	struct puppet_call call;
	int to[2], from[2];
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return -errno;
	pid = ct_fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		close(to[1]);
		close(from[0]);
		while (read(to[0], &call, sizeof(call)) == sizeof(call)) {
			long ret = call.fn(call.arg);

			if (write(from[1], &ret, sizeof(ret)) != sizeof(ret))
				break;
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	/* Not in the child: *puppet may be shared with it. */
	puppet->pid = pid;
	puppet->to = to[1];
	puppet->from = from[0];
	return 0;
}

static inline void puppet_send(struct puppet *puppet, puppet_fn fn, long arg)
{
	struct puppet_call call = { fn, arg };

	if (write(puppet->to, &call, sizeof(call)) != sizeof(call))
		perror("puppet");
}

static inline long puppet_result(struct puppet *puppet)
{
	long ret;

	if (read(puppet->from, &ret, sizeof(ret)) != sizeof(ret))
		return -EPIPE;
	return ret;
}

static inline long puppet_call(struct puppet *puppet, puppet_fn fn, long arg)
{
	puppet_send(puppet, fn, arg);
	return puppet_result(puppet);
}

static inline int puppet_end(struct puppet *puppet)
{
	close(puppet->to);
	close(puppet->from);
	return ct_wait(puppet->pid);
}

#endif /* CPUSET_UTIL_H */
