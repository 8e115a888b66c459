// SPDX-License-Identifier: GPL-2.0
/*
 * The workers. Each of their functions is one step.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

static void *thread_exits(void *arg)
{
	rng = (uintptr_t)arg;
	note_victim(syscall(SYS_gettid));
	if (one_in(2))
		sleep_us(below(500));
	return NULL;
}

static void *thread_execs(void *arg)
{
	char *const argv[] = { "/torture", "exit", NULL };

	rng = (uintptr_t)arg;
	did(OP_EXEC, execv(argv[0], argv), " ");
	return NULL;
}

static void *thread_forks(void *arg)
{
	rng = (uintptr_t)arg;
	for (int n = below(3); n >= 0; n--) {
		pid_t pid = spawn();

		if (!pid)
			_exit(0);
		reap(pid);
	}
	return NULL;
}

static void make_threads(void *(*fn)(void *arg), int n)
{
	pthread_t thread[16];
	pthread_attr_t attr;
	int made = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	while (made < n) {
		errno = pthread_create(&thread[made], &attr, fn,
				       (void *)(uintptr_t)next_random());
		if (did(OP_THREAD, errno ? -1 : 0, " "))
			break;
		made++;
	}
	while (made)
		pthread_join(thread[--made], NULL);
}

void storm(void)
{
	char *const argv[] = { "/torture", "exit", NULL };
	pthread_t thread;
	int status;
	pid_t pid;

	if (one_in(2))
		enter();
	switch (below(7)) {
	case 0:
	case 1:
		for (int n = below(6); n >= 0; n--) {
			pid = spawn();
			if (!pid)
				_exit(0);
		}
		break;
	case 2:
		for (int n = below(3); n >= 0; n--) {
			pid = spawn();
			if (!pid) {
				enter();
				make_threads(thread_exits, below(4));
				_exit(0);
			}
		}
		break;
	case 3:
		make_threads(thread_exits, 1 + below(6));
		break;
	case 4:
		pid = spawn();
		if (!pid) {
			if (one_in(2))
				make_threads(thread_execs, 1 + below(2));
			did(OP_EXEC, execv(argv[0], argv), " ");
			_exit(1);
		}
		if (pid > 0 && waitpid(pid, &status, __WALL) == pid && !status)
			did(OP_EXEC, 0, " ");
		break;
	case 5:
		pid = vfork();
		if (!pid) {
			execv(argv[0], argv);
			_exit(0);
		}
		did(OP_FORK, pid, "vfork");
		break;
	default:
		pid = spawn();
		if (!pid) {
			/* The first thread ends before another one that forks. */
			if (!pthread_create(&thread, NULL, thread_forks,
					    (void *)(uintptr_t)next_random()))
				syscall(SYS_exit, 0);
			_exit(0);
		}
	}
	reap_all();
}

void attacher(void)
{
	struct place p;

	/* For good, but it does not live long. */
	if (one_in(200) && setresuid(NOBODY, NOBODY, NOBODY))
		fail("setresuid: %m");
	pick(&p);
	attach(p.path, one_in(2) ? "tasks" : "procs", pick_victim());
}

void directories(void)
{
	char to[600], *slash;
	struct place p;

	pick_below(&p);
	switch (below(6)) {
	case 0:
	case 1:
	case 2:
		if (!did(OP_MKDIR, mkdir(p.path, 0755), "%s", p.path) && !one_in(4))
			furnish(p.path);
		break;
	case 3:
	case 4:
		did(OP_RMDIR, rmdir(p.path), "%s", p.path);
		break;
	default:
		snprintf(to, sizeof(to), "%s", p.path);
		slash = strrchr(to, '/');
		if (one_in(8))
			snprintf(slash, 32, "/c%u/c%u", below(4), below(4));
		else
			snprintf(slash, 32, "/c%u", below(4));
		did(OP_RENAME, rename(p.path, to), "%s to %s", p.path, to);
	}
}

/* Mount options, mostly such as are taken. */
static int make_options(char *buf, size_t size)
{
	int len = 0;

	buf[0] = '\0';
	if (one_in(5)) {
		len = snprintf(buf, size, "none,name=n%u", below(4));
	} else if (one_in(10)) {
		len = snprintf(buf, size, "all");
	} else if (one_in(6)) {
		len = snprintf(buf, size, "cpuset,noprefix");
	} else {
		for (int i = 0; i < shared->nr_subsys; i++)
			if (one_in(shared->subsys[i].place < 0 ? 2 : 12))
				len += snprintf(buf + len, size - len, "%s%s", len ? "," : "",
						shared->subsys[i].name);
		if (one_in(4))
			len += snprintf(buf + len, size - len, "%sname=n%u", len ? "," : "",
					below(4));
	}
	if (one_in(6))
		len += snprintf(buf + len, size - len, ",release_agent=/agent");
	if (one_in(12))
		len += snprintf(buf + len, size - len, ",%s",
				one_in(2) ? "none" : one_in(2) ? "name=" : "bogus=1");
	return len;
}

/* Without a release agent that is neither ours nor absent. */
static bool options_are_safe(const char *options)
{
	const char *agent = strstr(options, "release_agent=");

	return !agent || !strncmp(agent + 14, "/agent", 6);
}

static int fsmount_at(const char *dir, const char *options)
{
	char copy[4096], *rest = copy, *word;
	int fs = fsopen("container", FSOPEN_CLOEXEC), fd = -1, error;

	if (fs < 0)
		return -1;
	snprintf(copy, sizeof(copy), "%s", options);
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		if (fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value,
			     0))
			goto out;
	}
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd >= 0 && move_mount(fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH)) {
		error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
out:
	error = errno;
	close(fs);
	errno = error;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

void mounter(void)
{
	char dir[32], options[4096];
	int i = below(3), len, ret;

	snprintf(dir, sizeof(dir), TOP "/m%d", i);
	len = make_options(options, sizeof(options));
	if (one_in(8))
		options[mutate(options, len, sizeof(options) - 1)] = '\0';
	if (!options_are_safe(options))
		return;
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		if (atomic_load(&shared->stacked[i]) > 2)
			break;
		if (one_in(3))
			ret = fsmount_at(dir, options);
		else
			ret = mount("none", dir, one_in(8) ? "cpuset" : "container", 0,
				    options);
		atomic_fetch_add(&shared->inputs, 1);
		if (!did(OP_MOUNT, ret, "\"%s\"", options))
			atomic_fetch_add(&shared->stacked[i], 1);
		break;
	case 3:
	case 4:
		if (!atomic_load(&shared->stacked[i]) && !one_in(8))
			break;
		atomic_fetch_add(&shared->inputs, 1);
		did(OP_REMOUNT, mount("none", dir, "container", MS_REMOUNT, options), "\"%s\"",
		    options);
		break;
	default:
		if (!atomic_load(&shared->stacked[i]) && !one_in(8))
			break;
		if (!did(OP_UMOUNT, umount2(dir, one_in(3) ? MNT_DETACH : 0), "%s", dir))
			atomic_fetch_sub(&shared->stacked[i], 1);
		else if (errno == EINVAL)
			atomic_store(&shared->stacked[i], 0);
	}
	sleep_us(below(1000));
}

void releases(void)
{
	struct place p, root;
	char path[600];
	pid_t pid;

	if (one_in(10)) {
		pick_root(&root);
		write_file(&root, file_index("release_agent"), false);
	}
	pick_below(&p);
	if (!did(OP_MKDIR, mkdir(p.path, 0755), "%s", p.path))
		furnish(p.path);
	if (one_in(2)) {
		snprintf(path, sizeof(path), "%s/notify_on_release", p.path);
		put(path, "1");
	} else {
		snprintf(path, sizeof(path), "%s/auto_delete", p.path);
		put(path, "1");
	}
	pid = spawn();
	if (!pid) {
		attach(p.path, "procs", 0);
		_exit(0);
	}
	reap(pid);
}

void writer(void)
{
	unsigned int f;
	struct place p;

	do {
		f = below(NR_FILES);
	} while (files[f].kind == READ_ONLY || files[f].kind == ONE);
	pick_for(&p, f);
	if (files[f].kind == AGENT)
		pick_root(&p);
	write_file(&p, f, one_in(4));
}

void killer(void)
{
	struct place p;

	pick_below(&p);
	write_file(&p, file_index("kill"), one_in(8));
	sleep_us(below(50000));
}

void reader(void)
{
	static const char *const odd[] = { "/proc/containers", "/proc/self/container",
					   "/proc/self/cpuset", "/proc/self/mounts" };
	unsigned int f = below(NR_FILES);
	char path[600], buf[16384];
	int fd, n, id, ret;
	struct place p;

	if (one_in(3)) {
		if (one_in(2))
			snprintf(path, sizeof(path), "%s", odd[below(ARRAY_SIZE(odd))]);
		else
			snprintf(path, sizeof(path), "/proc/%d/%s", pick_victim(),
				 one_in(3) ? "cpuset" : "container");
		ret = get(path, buf, sizeof(buf));
		errno = -ret;
		if (did(OP_PROC, ret < 0 ? -1 : 0, "%s", path))
			return;
		if (!strcmp(path, "/proc/containers")) {
			n = 0;
			for (char *line = buf; (line = strchr(line, '\n')); line++)
				n++;
			if (n != shared->nr_subsys + 1)
				fail("%d lines in /proc/containers", n);
		} else if (strstr(path, "/container") && ret &&
			   (sscanf(buf, "%d:%*[^:\n]:%n", &id, &n) != 1 || buf[n] != '/')) {
			fail("%s: %s", path, buf);
		}
		return;
	}
	if (files[f].kind == ONE)
		return;
	pick_for(&p, f);
	snprintf(path, sizeof(path), "%s/%s", p.path, files[f].name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (did(OP_OPEN, fd, "%s", path))
		return;
	do {
		n = read(fd, buf, 1 + below(one_in(2) ? 10 : sizeof(buf) - 1));
		if (one_in(50))
			sleep_us(below(500));
	} while (!did(OP_READ, n, "%s", path) && n > 0);
	close(fd);
}

void watcher(void)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int epoll = epoll_create1(EPOLL_CLOEXEC), inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[600], buf[512];
	struct pollfd pfd;
	struct place p;

	pick(&p);
	snprintf(path, sizeof(path), "%s/events", p.path);
	pfd = (struct pollfd){ .fd = open(path, O_RDONLY | O_CLOEXEC), .events = POLLPRI };
	if (!did(OP_EVENT, pfd.fd, "%s", path)) {
		did(OP_READ, read(pfd.fd, buf, sizeof(buf)), "%s", path);
		if (epoll >= 0 && !epoll_ctl(epoll, EPOLL_CTL_ADD, pfd.fd, &event))
			epoll_wait(epoll, &event, 1, below(4));
		if (inotify >= 0)
			did(OP_EVENT, inotify_add_watch(inotify, path, IN_MODIFY), "inotify %s",
			    path);
		poll(&pfd, 1, below(4));
		did(OP_READ, pread(pfd.fd, buf, sizeof(buf), 0), "%s", path);
		close(pfd.fd);
	}
	close(epoll);
	close(inotify);
}

void mempolicy(void)
{
	static const int modes[] = { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE,
				     MPOL_LOCAL, MPOL_PREFERRED_MANY };
	unsigned long nodes = below(1 << NODES), other = below(1 << NODES);
	int mode = modes[below(ARRAY_SIZE(modes))];
	size_t size = (1 + below(64)) * 4096;
	char *mem;

	mode |= one_in(3) ? MPOL_F_STATIC_NODES : one_in(3) ? MPOL_F_RELATIVE_NODES : 0;
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		nodes = 0;
	if (one_in(2))
		enter();
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_ANONYMOUS | (one_in(4) ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	if (mem == MAP_FAILED) {
		/* Shared memory is a file. */
		if (errno != EMFILE)
			fail("mmap: %m");
		return;
	}
	if (one_in(3))
		did(OP_MEMPOLICY, syscall(SYS_set_mempolicy, mode, &nodes, NODES + 1),
		    "set %#x %#lx", mode, nodes);
	else
		did(OP_MEMPOLICY, syscall(SYS_mbind, mem, size, mode, &nodes, NODES + 1,
					  below(4)), "mbind %#x %#lx", mode, nodes);
	for (size_t i = 0; i < size; i += 4096)
		mem[i] = i;
	if (one_in(4))
		did(OP_MEMPOLICY, syscall(SYS_migrate_pages, one_in(2) ? 0 : pick_victim(),
					  NODES + 1, &nodes, &other), "migrate");
	for (size_t i = 0; i < size; i += 4096)
		if (mem[i] != (char)i)
			fail("memory has changed");
	munmap(mem, size);
}

/* As glibc does not have it. */
struct dl_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * Linux 6.12 divides by the number of CPUs that are left, which may be none, when a
 * SCHED_DEADLINE thread has ended on a CPU that has gone. So it is one or the other.
 */
static bool round_of_hotplug(void)
{
	return shared->round % 2;
}

/*
 * A process that is SCHED_DEADLINE for a while, once. Linux 6.12 never runs one again
 * that has another policy when its runtime is to be replenished, and then comes back.
 */
static void deadline(void)
{
	const struct dl_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.flags = 1, /* SCHED_FLAG_RESET_ON_FORK */
		.runtime = 1000000,
		.deadline = 100000000,
		.period = 100000000,
	};
	const struct sched_param none = { 0 };
	const unsigned long mask = (1 << CPUS) - 1;
	pid_t pid = spawn();

	if (!pid) {
		/* It must be allowed on all of the root domain. */
		did(OP_AFFINITY, syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask),
		    "all");
		if (!did(OP_DEADLINE, syscall(SYS_sched_setattr, 0, &attr, 0), " ")) {
			enter();
			sleep_us(below(3000));
			if (one_in(2))
				sched_setscheduler(0, SCHED_OTHER, &none);
		}
		_exit(0);
	}
	reap(pid);
}

void affinity(void)
{
	unsigned long mask = 1 + below((1 << CPUS) - 1);

	did(OP_AFFINITY, syscall(SYS_sched_setaffinity, one_in(3) ? 0 : pick_victim(),
				 sizeof(mask), &mask), "%#lx", mask);
	if (!round_of_hotplug() && one_in(20))
		deadline();
}

void unsharer(void)
{
	static const int flags[] = { CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID,
				     CLONE_NEWUSER, CLONE_NEWTIME, CLONE_NEWCGROUP,
				     CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWPID | CLONE_NEWNS };
	int flag = one_in(30) ? CLONE_NEWNET : flags[below(ARRAY_SIZE(flags))];
	pid_t parent = getpid(), pid = spawn();
	uint64_t seed;

	if (!pid) {
		if (one_in(2))
			enter();
		for (int n = below(one_in(20) ? 70 : 3); n >= 0; n--)
			did(OP_UNSHARE, unshare(flag), "%#x", flag);
		_exit(0);
	}
	reap(pid);
	if (one_in(2))
		return;
	/* For a time namespace there is no flag of clone(). */
	flag &= ~CLONE_NEWTIME;
	seed = next_random();
	pid = syscall(SYS_clone, flag | SIGCHLD, NULL, NULL, NULL, 0);
	if (!pid) {
		begin_child(seed, parent);
		if (one_in(2))
			sleep_us(below(1000));
		_exit(0);
	}
	did(OP_CLONE, pid, "%#x", flag);
	if (pid > 0)
		note_victim(pid);
	reap(pid);
}

void hotplug(void)
{
	int cpu = 1 + below(CPUS - 1), fd;
	bool on = one_in(2);
	char path[64];

	if (!round_of_hotplug()) {
		sleep_us(1000000);
		return;
	}
	snprintf(path, sizeof(path), CPU_ONLINE, cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (did(OP_HOTPLUG, fd, "open"))
		return;
	did(OP_HOTPLUG, write(fd, on ? "1" : "0", 1), "cpu%d: %d", cpu, on);
	close(fd);
	/* All others wait meanwhile, mostly. */
	sleep_us(below(1000000));
}

void parameters(void)
{
	static const char *const names[] = { "total_numtasks", "forkrate", "forkrate_interval" };
	int which = below(3), fd;
	char path[128], text[32];

	if (one_in(4))
		snprintf(text, sizeof(text), "%s", number());
	else if (which == 0)
		snprintf(text, sizeof(text), "%u", TOTAL - below(TOTAL / 2));
	else if (which == 1)
		snprintf(text, sizeof(text), "%u", one_in(2) ? INT_MAX : 50 + below(1000));
	else
		snprintf(text, sizeof(text), "%u", 1 + below(2));
	/* No more than that, so that a cap is a cap; and some forks are let through. */
	if (strtoll(text, NULL, 0) > 0 &&
	    (which == 0 ? strtoll(text, NULL, 0) > TOTAL :
	     which == 1 ? strtoll(text, NULL, 0) < 50 : strtoll(text, NULL, 0) > 2))
		return;
	snprintf(path, sizeof(path), PARAMETERS "%s", names[which]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (did(OP_PARAMETER, fd, "open"))
		return;
	did(OP_PARAMETER, write(fd, text, strlen(text)), "%s: %s", names[which], text);
	close(fd);
	sleep_us(below(20000));
}

static int send_fd(int sock, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Returns the descriptor; -1 if there was none, or nothing more comes. */
static int receive_fd(int sock, bool *end)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header;
	int fd = -1;

	*end = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) <= 0;
	header = *end ? NULL : CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Passes control files to another process, elsewhere, which uses them. */
void passer(void)
{
	int sock[2], fd, n;
	char path[600], buf[256];
	struct place p;
	bool end;
	pid_t pid;

	if (did(OP_PASS, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), "socketpair"))
		return;
	pid = spawn();
	if (!pid) {
		close(sock[0]);
		if (one_in(2))
			enter();
		for (n = below(20); n >= 0; n--) {
			fd = receive_fd(sock[1], &end);
			if (end)
				break;
			if (fd < 0)
				continue;
			did(OP_READ, read(fd, buf, sizeof(buf)), "a file that was passed");
			if (one_in(2))
				close(fd);
		}
		/* What has not been received is still open. */
		_exit(0);
	}
	close(sock[1]);
	for (n = pid > 0 ? (int)below(20) : -1; n >= 0; n--) {
		pick(&p);
		snprintf(path, sizeof(path), "%s/%s", p.path, one_in(2) ? "tasks" :
			 one_in(2) ? "cpuacct.usage" : "bc.numfiles.held");
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
		if (did(OP_PASS, fd, "open") || did(OP_PASS, send_fd(sock[0], fd), "send"))
			n = 0;
		if (fd >= 0)
			close(fd);
	}
	close(sock[0]);
	reap(pid);
}

/*
 * Workers that have a container of their own, and can tell what must be true there.
 */

/* Waits until it can be removed, which is as soon as nothing is held. */
static void remove_own(const char *cont)
{
	unsigned long long end = now_ms() + SETTLE_MS;

	/* With auto_delete it may be on its way, or gone. */
	while (rmdir(cont) && errno != ENOENT && errno != ENODEV) {
		if (errno != EBUSY || now_ms() > end) {
			fail("rmdir %s: %m", cont);
			return;
		}
		did(OP_RMDIR, -1, "%s", cont);
		sleep_us(1000);
	}
}

/*
 * A container in which nobody but its members' children comes and goes. Its name is new:
 * an agent may only now be told of the last one.
 */
static bool make_own(char *cont, size_t size, const char *root, const char *name)
{
	snprintf(cont, size, "%s/x-%s.%08x", root, name, (unsigned int)next_random());
	if (mkdir(cont, 0755)) {
		fail("mkdir %s: %m", cont);
		return false;
	}
	furnish(cont);
	return true;
}

static int *shared_word(void)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (word == MAP_FAILED)
		abort();
	return word;
}

/*
 * Forks and threads, as many as there may be, in a few processes that are in before
 * they begin: nobody is moved here while they do, so the cap is never exceeded.
 */
void numtasks_cap(void)
{
	int shares = 1 + below(3), cap = shares * TOTAL / 100, *go = shared_word();
	unsigned long long end;
	char cont[64], path[96], text[32];
	long long usage;
	pid_t pid[4];
	int n, i;

	if (!make_own(cont, sizeof(cont), place_of("numtasks"), "cap"))
		return;
	snprintf(path, sizeof(path), "%s/numtasks.shares", cont);
	snprintf(text, sizeof(text), "max_shares=%d", shares);
	if (put(path, text))
		fail("%s: %s: %m", path, text);
	for (n = 0; n < 4; n++) {
		pid[n] = spawn_own();
		if (pid[n] < 0)
			break;
		if (pid[n])
			continue;
		while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
			sleep_us(500);
		for (;;) {
			pid_t child = spawn_own();

			if (!child) {
				make_threads(thread_exits, below(4));
				sleep_us(below(2000));
				_exit(0);
			}
			if (child < 0 || one_in(8)) {
				reap_all();
				sleep_us(below(5000));
			}
		}
	}
	/* Those that are in are left to "kill". */
	for (i = 0; i < n; i++)
		if (attach(cont, "procs", pid[i]))
			kill(pid[i], SIGKILL);
	__atomic_store_n(go, 1, __ATOMIC_RELEASE);
	snprintf(path, sizeof(path), "%s/numtasks.stats", cont);
	for (end = now_ms() + below(3000); now_ms() < end && !shared->stop; sleep_us(500)) {
		usage = get_after(path, "Current usage ");
		did(OP_READ, 0, " ");
		if (usage > cap)
			fail("%lld tasks, the cap is %d", usage, cap);
	}
	snprintf(path, sizeof(path), "%s/kill", cont);
	if (n && put(path, "1"))
		fail("kill: %m");
	for (i = 0; i < n; i++)
		reap(pid[i]);
	remove_own(cont);
	munmap(go, 4096);
}

/* Opens what it can, in many ways, and passes some of it out. */
static void hold_files(int sock)
{
	int fd[64], pair[2], n = 0;

	for (;;) {
		int ret = -1;

		if (one_in(20))
			sleep_us(below(1000));
		if (n + 2 > 64 || (n && one_in(3))) {
			close(fd[--n]);
			continue;
		}
		switch (below(6)) {
		case 0:
			ret = open("/dev/null", O_RDWR | O_CLOEXEC);
			break;
		case 1:
			ret = eventfd(0, EFD_CLOEXEC);
			break;
		case 2:
			ret = memfd_create("x", MFD_CLOEXEC);
			break;
		case 3:
			ret = n ? dup(fd[below(n)]) : epoll_create1(0);
			break;
		case 4:
			ret = one_in(2) ? pipe(pair) : socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
			if (!ret) {
				fd[n++] = pair[0];
				ret = pair[1];
			}
			break;
		default:
			if (!n)
				continue;
			did(OP_PASS, send_fd(sock, fd[below(n)]) < 0 && errno != EAGAIN ? -1 : 0,
			    "out");
			continue;
		}
		if (!did(OP_HOLD, ret, " "))
			fd[n++] = ret;
	}
}

/* held is never more than may be, and 0 when all is closed. */
void numfiles_limit(void)
{
	int barrier = 10 + below(30), limit = barrier + below(20), most = barrier, sock[2], n, i;
	char cont[64], path[96], text[32];
	unsigned long long end;
	long long held;
	pid_t pid[5];
	bool over;

	if (!make_own(cont, sizeof(cont), place_of("bc"), "full"))
		return;
	/* The lower barrier first. */
	snprintf(path, sizeof(path), "%s/bc.numfiles.barrier", cont);
	snprintf(text, sizeof(text), "%d", barrier);
	if (put(path, text))
		fail("%s: %m", path);
	snprintf(path, sizeof(path), "%s/bc.numfiles.limit", cont);
	snprintf(text, sizeof(text), "%d", limit);
	if (put(path, text))
		fail("%s: %m", path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock)) {
		fail("socketpair: %m");
		return;
	}
	for (n = 0; n < 5; n++) {
		bool nobody = one_in(2);

		if (!nobody && n)
			most = limit;
		pid[n] = spawn_own();
		if (pid[n] < 0)
			break;
		if (pid[n])
			continue;
		if (!n) {
			/* Who receives, in the root. */
			close(sock[0]);
			for (over = false; !over; ) {
				i = receive_fd(sock[1], &over);
				if (i >= 0 && one_in(2))
					sleep_us(below(500));
				close(i);
			}
			_exit(0);
		}
		close(sock[1]);
		if (attach(cont, "procs", 0))
			_exit(0);
		if (nobody && (setresuid(NOBODY, NOBODY, NOBODY) ||
			       prctl(PR_SET_PDEATHSIG, SIGKILL)))
			_exit(1);
		hold_files(sock[0]);
	}
	close(sock[0]);
	close(sock[1]);
	snprintf(path, sizeof(path), "%s/bc.numfiles.held", cont);
	for (end = now_ms() + below(3000); now_ms() < end && !shared->stop; sleep_us(500)) {
		held = get_after(path, "");
		did(OP_READ, 0, " ");
		if (held > most)
			fail("%lld files held, %d may be", held, most);
	}
	for (i = 1; i < n; i++)
		kill(pid[i], SIGKILL);
	for (i = 0; i < n; i++)
		reap(pid[i]);
	/* Files are freed a little after they are closed. */
	for (end = now_ms() + SETTLE_MS; (held = get_after(path, "")) > 0; sleep_us(1000)) {
		did(OP_READ, 0, " ");
		if (now_ms() < end)
			continue;
		fail("%lld files still held", held);
		break;
	}
	remove_own(cont);
}

static int compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void *thread_stays(void *arg)
{
	int *tids = arg;

	int i = __atomic_add_fetch(&tids[0], 1, __ATOMIC_RELAXED);

	__atomic_store_n(&tids[i], syscall(SYS_gettid), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

/* Reads "tasks": those that stay are in it once, and nobody is twice. */
static void check_tasks(const char *path, const int *tids, int nr)
{
	static char buf[1 << 16];
	int listed[4096], n = 0, seen;
	char *p = buf, *end;

	if (get(path, buf, sizeof(buf)) < 0) {
		fail("%s: %m", path);
		return;
	}
	while (n < 4096 && (listed[n] = strtol(p, &end, 10), end != p)) {
		n++;
		p = end;
	}
	qsort(listed, n, sizeof(int), compare_numbers);
	for (int i = 1; i < n; i++)
		if (listed[i] == listed[i - 1])
			fail("%s: %d twice", path, listed[i]);
	for (int i = 1; i <= nr; i++) {
		seen = 0;
		for (int k = 0; k < n; k++)
			seen += listed[k] == __atomic_load_n(&tids[i], __ATOMIC_ACQUIRE);
		if (seen != 1)
			fail("%s: %d is in it %d times", path, tids[i], seen);
	}
}

void still(void)
{
	int *tids = shared_word(), nr = 1 + below(20);
	unsigned long long end;
	char cont[64], path[96];
	pthread_t thread;
	pid_t pid, forker;

	if (!make_own(cont, sizeof(cont), one_in(2) ? TOP "/h0" : TOP "/h2", "still"))
		return;
	pid = spawn_own();
	if (!pid) {
		/* A sibling may have the CPUs or nodes for itself. */
		if (attach(cont, "procs", 0)) {
			__atomic_store_n(&tids[0], -1, __ATOMIC_RELEASE);
			_exit(0);
		}
		for (int i = 0; i < nr; i++)
			while (pthread_create(&thread, NULL, thread_stays, tids))
				sleep_us(1000);
		for (;;)
			pause();
	}
	forker = spawn_own();
	if (!forker) {
		if (attach(cont, "procs", 0))
			_exit(1);
		for (;;) {
			pid = spawn_own();
			if (!pid) {
				make_threads(thread_exits, below(4));
				_exit(0);
			}
			if (one_in(3)) {
				reap_all();
				sleep_us(below(10000));
			}
		}
	}
	end = now_ms() + SETTLE_MS;
	for (int i = 1; pid > 0 && i <= nr; i++)
		while (!__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE) && !shared->stop) {
			bool refused = __atomic_load_n(&tids[0], __ATOMIC_ACQUIRE) < 0;

			sleep_us(1000);
			if (now_ms() < end && !refused)
				continue;
			if (!refused)
				fail("%d threads of %d have come", tids[0], nr);
			nr = i - 1;
			break;
		}
	snprintf(path, sizeof(path), "%s/tasks", cont);
	for (end = now_ms() + below(3000); now_ms() < end && !shared->stop; sleep_us(500)) {
		if (pid > 0)
			check_tasks(path, tids, nr);
		did(OP_READ, 0, " ");
	}
	snprintf(path, sizeof(path), "%s/kill", cont);
	if (put(path, "1"))
		fail("kill: %m");
	/* They may not have been in yet. */
	if (pid > 0)
		kill(pid, SIGKILL);
	if (forker > 0)
		kill(forker, SIGKILL);
	reap(pid);
	reap(forker);
	remove_own(cont);
	munmap(tids, 4096);
}

/*
 * Control groups, beside
 */
static void write_cgroup(const char *cgroup, const char *file, const char *text)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	errno = -put(path, text);
	did(OP_CG_WRITE, errno ? -1 : 0, "%s: %s", path, text);
}

/* Fork one that is in @cgroup from the beginning. */
static void fork_into(const char *cgroup)
{
	int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = dir,
	};
	uint64_t seed = next_random();
	pid_t parent = getpid(), pid;

	if (dir < 0)
		return;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		begin_child(seed, parent);
		enter();
		make_threads(thread_exits, below(4));
		_exit(0);
	}
	did(OP_CG_FORK, pid, "%s", cgroup);
	close(dir);
	if (pid > 0)
		note_victim(pid);
	reap(pid);
}

/* Nobody's victim: it must thaw what it has frozen. */
void cgrouper(void)
{
	static const char *const controllers[] = { "+pids", "+cpu", "+memory", "-pids", "-cpu",
						   "-memory", "+pids +cpu +memory" };
	char path[64] = CGROUPS, text[16];
	unsigned int depth = below(4);

	for (unsigned int i = 0; i < depth; i++)
		snprintf(path + strlen(path), 4, "/c%u", below(4));
	switch (depth ? below(12) : 3 + below(9)) {
	case 0:
	case 1:
		did(OP_CG_DIRECTORY, mkdir(path, 0755), "%s", path);
		break;
	case 2:
		did(OP_CG_DIRECTORY, rmdir(path), "%s", path);
		break;
	case 3:
		write_cgroup(path, "cgroup.subtree_control",
			     controllers[below(ARRAY_SIZE(controllers))]);
		break;
	case 4:
		/* A limit for forks. */
		snprintf(text, sizeof(text), "%u", below(20));
		write_cgroup(path, "pids.max", one_in(2) ? text : "max");
		break;
	case 5:
		write_cgroup(path, "cgroup.freeze", "1");
		sleep_us(below(3000));
		write_cgroup(path, "cgroup.freeze", "0");
		break;
	case 6:
		if (one_in(8))
			write_cgroup(path, one_in(2) ? "cgroup.kill" : "cgroup.type",
				     one_in(2) ? "1" : "threaded");
		break;
	case 7:
		fork_into(path);
		break;
	default:
		snprintf(text, sizeof(text), "%d", pick_victim());
		write_cgroup(path, one_in(2) ? "cgroup.procs" : "cgroup.threads", text);
	}
}
