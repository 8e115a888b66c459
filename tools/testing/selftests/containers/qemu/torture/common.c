// SPDX-License-Identifier: GPL-2.0
/*
 * What all parts of the torture use: random numbers, the count of what was done and
 * whether it may fail like that, places, and texts for control files.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

#define E(...)		((const short[]){ __VA_ARGS__, 0 })

/*
 * Control files: what is written to them, and which errors that may give. ENODEV,
 * for a container that is gone, is possible with all.
 */
const struct control_file files[NR_FILES] = {
#define MOVE_ERRORS	E(EINVAL, ESRCH, EACCES, EPERM, ENOSPC, EAGAIN, EBUSY)
	{ "tasks", PID, MOVE_ERRORS },
	{ "procs", PID, MOVE_ERRORS },
	{ "notify_on_release", FLAG, E(EINVAL) },
	{ "auto_delete", FLAG, E(EINVAL) },
	{ "events", READ_ONLY, NULL },
	{ "kill", ONE, E(EINVAL) },
	{ "release_agent", AGENT, E(EINVAL, EPERM, ENAMETOOLONG) },
#define LIST_ERRORS	E(EINVAL, EACCES, EBUSY, ENOSPC)
#define CONFIG_ERRORS	E(EINVAL, EACCES, EBUSY)
	{ "cpuset.cpus", CPULIST, LIST_ERRORS },
	{ "cpuset.mems", NODELIST, LIST_ERRORS },
	{ "cpuset.effective_cpus", READ_ONLY, NULL },
	{ "cpuset.effective_mems", READ_ONLY, NULL },
	{ "cpuset.cpu_exclusive", FLAG, CONFIG_ERRORS },
	{ "cpuset.mem_exclusive", FLAG, CONFIG_ERRORS },
	{ "cpuset.mem_hardwall", FLAG, CONFIG_ERRORS },
	{ "cpuset.memory_migrate", FLAG, CONFIG_ERRORS },
	{ "cpuset.memory_spread_page", FLAG, CONFIG_ERRORS },
	{ "cpuset.memory_spread_slab", FLAG, CONFIG_ERRORS },
	{ "cpuset.memory_pressure", READ_ONLY, NULL },
	{ "cpuset.memory_pressure_enabled", FLAG, E(EINVAL) },
	{ "cpuset.sched_load_balance", FLAG, CONFIG_ERRORS },
	{ "cpuset.sched_relax_domain_level", LEVEL, CONFIG_ERRORS },
	{ "cpuacct.usage", ZERO, E(EINVAL) },
	{ "cpuacct.usage_percpu", READ_ONLY, NULL },
	{ "cpuacct.stat", READ_ONLY, NULL },
	{ "cpuacct.load", READ_ONLY, NULL },
	{ "cpuacct.subtree_usage", READ_ONLY, NULL },
	{ "numtasks.shares", SHARES, E(EINVAL) },
	{ "numtasks.stats", STATS, E(EINVAL) },
	{ "bc.numfiles.held", READ_ONLY, NULL },
	{ "bc.numfiles.maxheld", ZERO, E(EINVAL) },
	{ "bc.numfiles.minheld", ZERO, E(EINVAL) },
	{ "bc.numfiles.barrier", LIMIT, E(EINVAL) },
	{ "bc.numfiles.limit", LIMIT, E(EINVAL) },
	{ "bc.numfiles.failcnt", ZERO, E(EINVAL) },
	{ "sample.members", READ_ONLY, NULL },
	{ "sample.limit", LIMIT, E(EINVAL) },
};

/*
 * Operations. Opening anything fails with EMFILE for members of a full container,
 * and with EACCES for those that have become nobody.
 */
/* What a path that changes may give. */
#define PATH_ERRORS	ENOENT, ENODEV, ENOTDIR, EACCES

static const struct {
	const char *name;
	const short *errors;
} ops[OP_WRITE] = {
	[OP_FORK]	= { "fork", E(EAGAIN) },
	[OP_THREAD]	= { "thread", E(EAGAIN) },
	[OP_EXEC]	= { "exec", E(EMFILE) },
	/* ENOSPC: nested too deep, here or in user namespaces, or no CPU is free. */
	[OP_UNSHARE]	= { "unshare", E(ENOSPC, EPERM, EUSERS, EMFILE, EINVAL) },
	[OP_CLONE]	= { "clone", E(EAGAIN, ENOSPC, EPERM, EUSERS, EMFILE) },
	[OP_MKDIR]	= { "mkdir", E(PATH_ERRORS, EEXIST, EROFS) },
	[OP_RMDIR]	= { "rmdir", E(PATH_ERRORS, EBUSY, EROFS) },
	/* EXDEV: something else has been mounted since the first path was looked up. */
	[OP_RENAME]	= { "rename", E(PATH_ERRORS, EEXIST, ENOTEMPTY, EIO, EINVAL, EROFS,
					EXDEV) },
	/* ENOENT: what it was to be mounted on has just been unmounted. */
	[OP_MOUNT]	= { "mount", E(EBUSY, EINVAL, ENOENT, EPERM, EMFILE) },
	[OP_REMOUNT]	= { "remount", E(EBUSY, EINVAL, EPERM, EMFILE) },
	[OP_UMOUNT]	= { "umount", E(EBUSY, EINVAL, EPERM) },
	/* The fuzzer makes directories of a file's name where there is no such file. */
	[OP_OPEN]	= { "open", E(PATH_ERRORS, EISDIR, EMFILE, EROFS) },
	[OP_READ]	= { "read", E(ENODEV, EISDIR) },
	[OP_PROC]	= { "read /proc", E(ENOENT, ESRCH, ENAMETOOLONG, EMFILE) },
	[OP_EVENT]	= { "wait for events", E(PATH_ERRORS, EMFILE) },
	/* ENOMEM: the nodes to migrate to have just been taken from who migrates. */
	[OP_MEMPOLICY]	= { "mempolicy", E(EINVAL, EIO, EPERM, ESRCH, EACCES, ENOMEM) },
	[OP_AFFINITY]	= { "affinity", E(EINVAL, ESRCH, EPERM, EBUSY) },
	[OP_DEADLINE]	= { "deadline", E(EBUSY, EPERM) },
	[OP_HOTPLUG]	= { "hotplug", E(EBUSY, EMFILE, EACCES) },
	[OP_PARAMETER]	= { "parameter", E(EINVAL, ERANGE, EMFILE, EACCES) },
	[OP_PASS]	= { "pass a file", E(EMFILE, EBADF, ECONNRESET, EPIPE, ETOOMANYREFS) },
	[OP_HOLD]	= { "hold a file", E(EMFILE) },
	[OP_AGENT]	= { "agent", E(PATH_ERRORS, EBUSY, EMFILE, EROFS) },
	[OP_CG_DIRECTORY] = { "cgroup mkdir or rmdir", E(ENOENT, EEXIST, EBUSY, EOPNOTSUPP) },
	/* ENOENT: not a controller of the parent's, too. */
	[OP_CG_WRITE]	= { "cgroup write", E(ENOENT, ENODEV, EBUSY, EINVAL, ESRCH,
					      EOPNOTSUPP) },
	[OP_CG_FORK]	= { "fork into a cgroup", E(ENODEV, EBUSY, EOPNOTSUPP, EAGAIN) },
	[OP_F_OPEN]	= { "fuzz open", E(PATH_ERRORS, EISDIR, EMFILE, EINVAL, ENXIO,
					   ELOOP, EEXIST, EROFS, ENAMETOOLONG,
					   EPERM, EOPNOTSUPP) },
	[OP_F_READ]	= { "fuzz read", E(ENODEV, EBADF, EISDIR, EINVAL, EFAULT) },
	/* ESPIPE: at an offset, to what cannot be sought in. */
	[OP_F_WRITE]	= { "fuzz write", E(ENODEV, EBADF, ESPIPE, EINVAL, EFAULT, E2BIG, ESRCH,
					    EACCES, EPERM, ENOSPC, EAGAIN, EBUSY,
					    ENAMETOOLONG, EISDIR) },
	[OP_F_SEEK]	= { "fuzz lseek", E(ENODEV, EINVAL, EBADF, ENXIO) },
	[OP_F_POLL]	= { "fuzz poll", E(EINVAL) },
	[OP_F_STAT]	= { "fuzz stat", E(PATH_ERRORS, EBADF, ENAMETOOLONG) },
	[OP_F_DENTS]	= { "fuzz getdents", E(ENODEV, ENOENT, EBADF, ENOTDIR, EINVAL, EFAULT) },
	[OP_F_MKDIR]	= { "fuzz mkdir", E(PATH_ERRORS, EEXIST, EINVAL, ENAMETOOLONG, EROFS,
					    EPERM) },
	[OP_F_RMDIR]	= { "fuzz rmdir", E(PATH_ERRORS, EBUSY, EINVAL, ENAMETOOLONG, EROFS,
					    ENOTEMPTY, EPERM) },
	[OP_F_RENAME]	= { "fuzz rename", E(PATH_ERRORS, EBUSY, EINVAL, ENAMETOOLONG, EEXIST,
					     EIO, ENOTEMPTY, EISDIR, EPERM, EXDEV, EROFS) },
	[OP_F_UNLINK]	= { "fuzz unlink", E(PATH_ERRORS, EPERM, EISDIR, EBUSY, ENAMETOOLONG,
					     EROFS) },
	[OP_F_LINK]	= { "fuzz link", E(PATH_ERRORS, EPERM, EEXIST, EXDEV, ENAMETOOLONG,
					   EROFS) },
	[OP_F_CHMOD]	= { "fuzz chmod", E(PATH_ERRORS, EPERM, EBADF, ENAMETOOLONG, EROFS) },
	[OP_F_CHOWN]	= { "fuzz chown", E(PATH_ERRORS, EPERM, EBADF, ENAMETOOLONG, EROFS) },
	[OP_F_XATTR]	= { "fuzz xattr", E(PATH_ERRORS, EPERM, EOPNOTSUPP, ENODATA, EEXIST,
					    ERANGE, EINVAL, E2BIG, ENOSPC, EBADF,
					    ENAMETOOLONG, EROFS) },
	[OP_F_STATFS]	= { "fuzz statfs", E(PATH_ERRORS, EBADF, ENAMETOOLONG) },
	[OP_F_HANDLE]	= { "fuzz handle", E(PATH_ERRORS, EOPNOTSUPP, EOVERFLOW, EINVAL,
					     ESTALE, EBADF, EPERM, ENAMETOOLONG) },
	[OP_F_INOTIFY]	= { "fuzz inotify", E(PATH_ERRORS, EINVAL, EMFILE, ENOSPC, EBADF,
					      ENAMETOOLONG) },
	[OP_F_SPLICE]	= { "fuzz splice", E(ENODEV, EINVAL, EBADF, EAGAIN, EISDIR, ESRCH,
					     EACCES, EPERM, ENOSPC, EBUSY, EMFILE, E2BIG,
					     ENAMETOOLONG, ESPIPE, EOVERFLOW) },
	[OP_F_MMAP]	= { "fuzz mmap", E(ENODEV, EACCES, EINVAL, EBADF, EPERM) },
	[OP_F_IOCTL]	= { "fuzz ioctl", E(ENOTTY, EBADF, EFAULT, EINVAL, EOPNOTSUPP, EISDIR,
					    EPERM) },
	[OP_F_FLOCK]	= { "fuzz flock", E(EAGAIN, EBADF, EINVAL) },
	[OP_F_TRUNCATE]	= { "fuzz truncate", E(PATH_ERRORS, EINVAL, EFBIG, EBADF, EISDIR, EPERM,
					       ENAMETOOLONG, EROFS) },
	[OP_F_CLOSE]	= { "fuzz close", E(EBADF) },
	[OP_F_UTIMES]	= { "fuzz utimes", E(PATH_ERRORS, EPERM, EBADF, ENAMETOOLONG, EROFS) },
	[OP_F_ACCESS]	= { "fuzz access", E(PATH_ERRORS, ENAMETOOLONG, EROFS) },
};

struct shared *shared;
__thread uint64_t rng;
int my_kind, my_slot;
const char *my_name = "torture";

uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* splitmix64 */
uint64_t next_random(void)
{
	return mix(rng += 0x9e3779b97f4a7c15ULL);
}

unsigned int below(unsigned int n)
{
	return next_random() % n;
}

bool one_in(unsigned int n)
{
	return !below(n);
}

unsigned long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

void fail(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int len;

	if (atomic_fetch_add(&shared->failures, 1) >= FAILURES_TOLD)
		return;
	len = snprintf(buf, sizeof(buf), "FAILURE seed %llu round %d %s[%d]: ",
		       shared->seed, shared->round, my_name, getpid());
	va_start(ap, fmt);
	len += vsnprintf(buf + len, sizeof(buf) - len, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(buf) - 2)
		len = sizeof(buf) - 2;
	buf[len++] = '\n';
	if (write(1, buf, len) != len)
		_exit(1);
}

static bool listed(const short *errors, int error)
{
	while (errors && *errors)
		if (*errors++ == error)
			return true;
	return false;
}

const char *op_name(unsigned int op)
{
	return op < OP_WRITE ? ops[op].name : files[op - OP_WRITE].name;
}

/* Count a system call's result. An error that is not in the table is a failure. */
int did(unsigned int op, long ret, const char *fmt, ...)
{
	int error = ret < 0 ? errno : 0;
	char what[512];
	bool expected;
	va_list ap;

	atomic_fetch_add(&shared->operations, 1);
	atomic_fetch_add(&shared->count[my_kind][op][error < NR_ERRNO ? error : 0], 1);
	atomic_store(&shared->progress[my_slot], now_ms());
	if (!error)
		return 0;
	expected = op < OP_WRITE ? listed(ops[op].errors, error) :
		error == ENODEV || listed(files[op - OP_WRITE].errors, error);
	if (!expected) {
		va_start(ap, fmt);
		vsnprintf(what, sizeof(what), fmt, ap);
		va_end(ap);
		fail("%s %s: %s", op_name(op), what, strerror(error));
	}
	errno = error;
	return -error;
}

/* What a pid namespace calls it, like 1, is another's. */
void note_victim(pid_t pid)
{
	if (pid > 50)
		atomic_store(&shared->victim[below(VICTIMS)], pid);
}

pid_t pick_victim(void)
{
	return atomic_load(&shared->victim[below(VICTIMS)]);
}

static bool is_victim(pid_t pid)
{
	for (int i = 0; i < VICTIMS; i++)
		if (atomic_load(&shared->victim[i]) == pid)
			return true;
	return false;
}

/* In a child: its own random numbers, and an end with its creator at the latest. */
void begin_child(uint64_t seed, pid_t parent)
{
	rng = seed;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* 0: its creator is in another pid namespace. */
	if (getppid() != parent && getppid())
		_exit(0);
}

/* Fork one that is nobody's victim. */
pid_t spawn_own(void)
{
	uint64_t seed = next_random();
	pid_t parent = getpid(), pid = fork();

	if (!pid)
		begin_child(seed, parent);
	else
		did(OP_FORK, pid, " ");
	return pid;
}

pid_t spawn(void)
{
	pid_t pid = spawn_own();

	if (pid > 0)
		note_victim(pid);
	return pid;
}

void reap(pid_t pid)
{
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
}

void reap_all(void)
{
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

int get(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, size - 1 - len);
		len = n < 0 ? -errno : len + n;
	} while (n > 0 && (size_t)len < size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

/* The number after @key in a file; -1 if it is not there. */
long long get_after(const char *path, const char *key)
{
	static __thread char buf[1 << 16];
	char *p;

	if (get(path, buf, sizeof(buf)) < 0)
		return -1;
	p = strstr(buf, key);
	return p ? strtoll(p + strlen(key), NULL, 10) : -1;
}

/*
 * Places
 */
/* One of the directories there, if it is anybody's. */
static bool pick_child(const char *dir, char *name, size_t size)
{
	struct dirent *entry;
	unsigned int seen = 0;
	DIR *d = opendir(dir);

	if (!d)
		return false;
	while ((entry = readdir(d)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    strncmp(entry->d_name, "x-", 2) && one_in(++seen))
			snprintf(name, size, "%s", entry->d_name);
	closedir(d);
	return seen;
}

void pick_root(struct place *p)
{
	snprintf(p->path, sizeof(p->path), TOP "/%c%u", one_in(6) ? 'm' : 'h', below(3));
	p->root = true;
}

void append(struct place *p, const char *name)
{
	size_t len = strlen(p->path);

	snprintf(p->path + len, sizeof(p->path) - len, "/%s", name);
	p->root = false;
}

void pick_below(struct place *p)
{
	char name[NAME_MAX + 1];
	unsigned int depth = one_in(3) ? 1 + below(3) : 1;

	pick_root(p);
	while (depth--) {
		snprintf(name, sizeof(name), "c%u", below(4));
		append(p, name);
	}
	/* Seldom: whoever lists a container makes all its files. */
	if (one_in(32) && pick_child(p->path, name, sizeof(name)))
		append(p, name);
}

void pick(struct place *p)
{
	if (one_in(10))
		pick_root(p);
	else
		pick_below(p);
}

/* Where subsystem @name stays in this round; NULL if it does not. */
const char *place_of(const char *name)
{
	static char path[32];

	for (int i = 0; i < shared->nr_subsys; i++)
		if (!strcmp(shared->subsys[i].name, name) && shared->subsys[i].place >= 0) {
			snprintf(path, sizeof(path), TOP "/h%d", shared->subsys[i].place);
			return path;
		}
	return NULL;
}

/* Some place where there is, mostly, that file. */
void pick_for(struct place *p, unsigned int f)
{
	const char *dot = strchr(files[f].name, '.'), *place;
	char subsys[32];

	pick(p);
	snprintf(subsys, sizeof(subsys), "%.*s", dot ? (int)(dot - files[f].name) : 0,
		 files[f].name);
	place = place_of(subsys);
	if (place && !one_in(8))
		memcpy(p->path, place, strlen(place));
}

/*
 * What is written
 */
static const char *const numbers[] = {
	"0", "1", "2", "-1", "3", "10", "100", "255", "256", "1024", "32768", "-3", "-2",
	"2147483647", "2147483648", "4294967295", "4294967296", "-2147483648",
	"9223372036854775807", "9223372036854775808", "18446744073709551615",
	"18446744073709551616", "0x10", "010", "+1", "1e3", "", " ", "a", "0x", "00",
};

const char *number(void)
{
	return numbers[below(ARRAY_SIZE(numbers))];
}

static int text_list(char *buf, size_t size, unsigned int max)
{
	static const char *const odd[] = {
		"", "0-", "-", ",", "0,,1", "3-0", "0-3:1/2", "all", "0-3:0/0", "0-1000",
		"64", "4096", "0-3,", "1-1", "none", "0x1",
	};
	unsigned int mask = 1 + below((1 << max) - 1);
	int len = 0;

	if (one_in(6))
		return snprintf(buf, size, "%s", odd[below(ARRAY_SIZE(odd))]);
	if (one_in(2))
		return snprintf(buf, size, "0-%u", max - 1);
	for (unsigned int i = 0; i < max; i++)
		if (mask & 1U << i)
			len += snprintf(buf + len, size - len, "%s%u", len ? "," : "", i);
	return len;
}

/* Seen from the root one child has at most a twentieth for itself. */
static int text_shares(char *buf, size_t size)
{
	int len = 0;

	if (one_in(3))
		len += snprintf(buf + len, size - len, "res=numtasks,");
	if (one_in(2))
		len += snprintf(buf + len, size - len, "min_shares=%d,",
				one_in(3) ? -3 : (int)below(6));
	if (one_in(2))
		len += snprintf(buf + len, size - len, "max_shares=%d,",
				one_in(3) ? -3 : (int)below(120));
	if (!len || one_in(3))
		len += snprintf(buf + len, size - len, "child_shares_divisor=%u,",
				100 + below(100));
	buf[--len] = '\0';
	return len;
}

/* A text for a file of that kind, mostly one that it takes. */
int make_text(char *buf, size_t size, enum kind kind)
{
	if (one_in(8))
		return snprintf(buf, size, "%s", number());
	switch (kind) {
	case PID:
		return snprintf(buf, size, "%d", one_in(4) ? 0 : pick_victim());
	case FLAG:
		return snprintf(buf, size, "%u", below(2));
	case ONE:
		return snprintf(buf, size, "1");
	case AGENT:
		return snprintf(buf, size, "%s", one_in(4) ? "" : one_in(4) ? "/none" :
				"/agent");
	case CPULIST:
		return text_list(buf, size, CPUS);
	case NODELIST:
		return text_list(buf, size, NODES);
	case LEVEL:
		return snprintf(buf, size, "%d", (int)below(5) - 1);
	case ZERO:
		return snprintf(buf, size, "0");
	case SHARES:
		return text_shares(buf, size);
	case STATS:
		return snprintf(buf, size, "res=numtasks");
	case LIMIT:
		return snprintf(buf, size, "%u", one_in(4) ? below(40) : 100 + below(1000));
	default:
		return snprintf(buf, size, "%s", number());
	}
}

/* Make something similar of @len bytes. Returns how many there are then. */
int mutate(char *buf, int len, int size)
{
	int at = len ? (int)below(len) : 0, n;
	const char *num;

	switch (below(9)) {
	case 0:
		if (len)
			buf[at] ^= 1 << below(8);
		break;
	case 1:
		if (len)
			buf[at] = next_random();
		break;
	case 2:
		memmove(buf + at, buf + at + 1, len - at);
		return len ? len - 1 : 0;
	case 3:
		if (len + 1 >= size)
			break;
		memmove(buf + at + 1, buf + at, len - at);
		buf[at] = " \n\0,-=09a\xff"[below(10)];
		return len + 1;
	case 4:
		/* Once more what is there. */
		n = len - at;
		if (len + n >= size)
			break;
		memmove(buf + len, buf + at, n);
		return len + n;
	case 5:
		return at;
	case 6:
		num = number();
		n = strlen(num);
		if (at + n >= size)
			break;
		memcpy(buf + at, num, n);
		return len > at + n ? len : at + n;
	case 7:
		n = below(one_in(8) ? size : 80);
		if (n > size - len)
			n = size - len;
		memset(buf + len, "0 \n1,"[below(5)], n);
		return len + n;
	default:
		if (len + 1 >= size)
			break;
		buf[len] = '\n';
		return len + 1;
	}
	return len;
}

/*
 * The few things that must not be written, for they would end the torture and not
 * test anything: to kill, move or starve all of it, or those who do not take part.
 */
bool may_write(unsigned int f, bool root, const char *data, int len)
{
	char text[64];
	long long value;

	snprintf(text, sizeof(text), "%.*s", len, data);
	value = strtoll(text, NULL, 0);
	switch (files[f].kind) {
	case PID:
		return value <= 0 || value > 4194304 || is_victim(value);
	case ONE:
		return !root || value != 1;
	case SHARES:
		return !root || !strchr(text, '=') || !strncmp(text, "child_shares_divisor=1", 22);
	case LIMIT:
		return !root || value < 0 || value > 1000000 || (!value && text[0] != '0');
	case AGENT:
		/* What would be run is ours, or is not there. */
		return !len || text[0] != '/' || !strncmp(text, "/agent", 6) ||
		       !strncmp(text, "/none", 5);
	default:
		return true;
	}
}

void write_file(const struct place *p, unsigned int f, bool mutated)
{
	char path[600], buf[6000] = "";
	int fd, len;

	len = make_text(buf, sizeof(buf), files[f].kind);
	if (one_in(2))
		buf[len++] = '\n';
	if (mutated && (files[f].kind != SHARES || !p->root))
		len = mutate(buf, len, sizeof(buf) - 1);
	/* A guarantee for one child of the root must leave the others something. */
	if (!may_write(f, p->root, buf, len))
		return;
	snprintf(path, sizeof(path), "%s/%s", p->path, files[f].name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (did(OP_OPEN, fd, "%s", path))
		return;
	atomic_fetch_add(&shared->inputs, 1);
	/* More than a file takes is E2BIG. */
	if (write(fd, buf, len) < 0 && (errno != E2BIG || len <= 4096))
		did(OP_WRITE + f, -1, "%s: \"%.*s\"", path, len, buf);
	else
		did(OP_WRITE + f, 0, " ");
	close(fd);
}

unsigned int file_index(const char *name)
{
	for (unsigned int f = 0; f < NR_FILES; f++)
		if (!strcmp(files[f].name, name))
			return f;
	abort();
}

int attach(const char *cont, const char *file, pid_t pid)
{
	char path[600], text[16];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", cont, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = did(OP_OPEN, fd, "%s", path);
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%d", pid);
	ret = did(OP_WRITE + file_index(file), write(fd, text, strlen(text)), "%s to %s", text,
		  path);
	close(fd);
	return ret;
}

/* So that it takes members. */
void furnish(const char *cont)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/cpuset.cpus", cont);
	put(path, "0-3");
	snprintf(path, sizeof(path), "%s/cpuset.mems", cont);
	put(path, "0-3");
}

void enter(void)
{
	struct place p;

	pick(&p);
	attach(p.path, one_in(2) ? "tasks" : "procs", 0);
}
