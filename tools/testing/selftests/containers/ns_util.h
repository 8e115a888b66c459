/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the namespace subsystem share: clones, where a thread is,
 * and waiting for containers that remove themselves.
 */
#ifndef NS_UTIL_H
#define NS_UTIL_H

#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "containers_util.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x00000080
#endif

static inline void ns_tick(void)
{
	const struct timespec tick = { .tv_nsec = 2000000 };

	nanosleep(&tick, NULL);
}

/* The path of a thread's container in the hierarchy that has ns. */
static inline int ns_path(pid_t pid, char *buf, size_t len)
{
	char lines[8192], *line, *save, *list, *path, *word;
	int ret = ct_proc_read(pid, "container", lines, sizeof(lines));

	if (ret < 0)
		return ret;
	for (line = strtok_r(lines, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			return -EIO;
		*list++ = '\0';
		*path++ = '\0';
		while ((word = strsep(&list, ","))) {
			if (strcmp(word, "ns"))
				continue;
			snprintf(buf, len, "%s", path);
			return 0;
		}
	}
	return -ENOENT;
}

/* Is a thread in this container of the hierarchy that has ns? */
static inline bool __attribute__((format(printf, 2, 3)))
ns_is_in(pid_t pid, const char *fmt, ...)
{
	char want[PATH_MAX], path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(want, sizeof(want), fmt, args);
	va_end(args);
	return !ns_path(pid, path, sizeof(path)) && !strcmp(path, want);
}

/* The number of containers in the hierarchy that has ns, its root included. */
static inline int ns_containers(void)
{
	struct ct_subsys row;
	int ret = ct_subsys("ns", &row);

	return ret ? ret : row.containers;
}

/* Wait until so many are left: they remove themselves when they are empty. */
static inline int ns_wait_containers(int count)
{
	int tries;

	for (tries = 0; tries < CT_WAIT_MS / 2; tries++) {
		if (ns_containers() == count)
			return 0;
		ns_tick();
	}
	return ns_containers() == count ? 0 : -ETIMEDOUT;
}

/* A container that can have members, where there is a cpuset with it. */
static inline int ns_make(const char *root, const char *cont)
{
	char cpus[64], mems[64];
	int ret = ct_mkdir(cont);

	if (ret || access(ct_path("%s/cpuset.cpus", root), F_OK))
		return ret;
	if (ct_read(root, "cpuset.cpus", cpus, sizeof(cpus)) < 0 ||
	    ct_read(root, "cpuset.mems", mems, sizeof(mems)) < 0)
		return -EIO;
	ret = ct_write(cont, "cpuset.cpus", cpus);
	return ret ? ret : ct_write(cont, "cpuset.mems", mems);
}

/*
 * clone3(2) with these flags, as fork(2). The child ends with its creator at the
 * latest; one that has lost it already cannot tell by getppid() in a new pid
 * namespace, but by the pipe.
 */
static inline pid_t ns_clone(unsigned long long flags)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
	};
	bool shared = flags & CLONE_FILES;
	int error, fds[2];
	pid_t pid;
	char c;

	if (pipe(fds))
		return -errno;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	error = errno;
	if (!pid) {
		if (!shared)
			close(fds[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(fds[1], "", 1) != 1)
			_exit(1);
		if (!shared)
			close(fds[1]);
		return 0;
	}
	if (!shared)
		close(fds[1]);
	if (pid > 0 && read(fds[0], &c, 1) < 0)
		perror("read");
	if (shared)
		close(fds[1]);
	close(fds[0]);
	return pid < 0 ? -error : pid;
}

/* A child in new namespaces that waits for being killed; its pid, or -errno. */
static inline pid_t ns_sleeper(unsigned long long flags)
{
	pid_t pid = ns_clone(flags);

	if (!pid)
		for (;;)
			pause();
	return pid;
}

/* Drop a capability for good, from all sets but the inheritable one. */
static inline int ns_drop_cap(int cap)
{
	struct {
		unsigned int version;
		int pid;
	} header = { 0x20080522, 0 };
	struct {
		unsigned int effective, permitted, inheritable;
	} data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

#endif
