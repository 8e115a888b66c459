// SPDX-License-Identifier: GPL-2.0
/*
 * All that one can do to containers, at once and at random, until the time is over.
 * Afterwards everything is removed, and the kernel has to be as it was.
 *
 *   torture all SECONDS CALLS SEED	all workers, then the fuzzer alone until it has
 *					made so many calls
 *   torture fuzz CALLS SEED		the fuzzer alone
 *   agent PATH				what release agents are; a link to this program
 *
 * Time is cut into rounds. In each the subsystems are distributed anew: some are in
 * two hierarchies that stay, TOP/h0 and h1; others are mounted, unmounted and
 * remounted all the time, at TOP/m*. TOP/h2 has none. The first round only warms the
 * kernel up: what it leaves is what the others are compared with.
 *
 * A worker is a process that stays in the root containers and creates, one after the
 * other, children that do the work for some steps. These, and what they create, are
 * anybody's victims: moved, confined, refused files and forks, killed. Containers
 * are named c0 to c3; those that begin with "x-" belong to the worker that made
 * them, which can tell exactly what has to be true there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

/*
 * The table of workers
 */
static const struct worker {
	const char *name;
	void (*step)(void);
	int instances;
	/* Longest pause after a step, in us. */
	unsigned int pause;
	/* Works only while this subsystem stays where it is. */
	const char *needs;
	/* Its children are nobody's victims. */
	bool own;
} workers[] = {
	{ "storm",	storm,		2, 3000, NULL, false },
	{ "attacher",	attacher,	2, 2000, NULL, false },
	{ "directories", directories,	2, 2000, NULL, false },
	{ "mounter",	mounter,	2, 2000, NULL, false },
	{ "releases",	releases,	1, 5000, NULL, false },
	{ "writer",	writer,		2, 1000, NULL, false },
	{ "killer",	killer,		1, 50000, NULL, false },
	{ "reader",	reader,		2, 1000, NULL, false },
	{ "watcher",	watcher,	1, 2000, NULL, false },
	{ "mempolicy",	mempolicy,	1, 2000, NULL, false },
	{ "affinity",	affinity,	1, 3000, NULL, false },
	{ "unsharer",	unsharer,	1, 5000, NULL, false },
	{ "hotplug",	hotplug,	1, 0, NULL, true },
	{ "parameters",	parameters,	1, 20000, NULL, true },
	{ "passer",	passer,		1, 2000, NULL, false },
	{ "numtasks",	numtasks_cap,	1, 1000, "numtasks", true },
	{ "numfiles",	numfiles_limit,	1, 1000, "bc", true },
	{ "still",	still,		1, 1000, NULL, true },
	{ "cgrouper",	cgrouper,	1, 2000, NULL, true },
	{ "fuzz",	fuzz,		2, 0, NULL, false },
	/* Not one of them, but counted among them. */
	{ "agent",	NULL,		0, 0, NULL, false },
};

#define NR_WORKERS	ARRAY_SIZE(workers)
#define AGENT_KIND	(NR_WORKERS - 1)
#define FUZZ_KIND	(NR_WORKERS - 2)

/* Are there control groups? */
static bool with_cgroups;

static pid_t worker_pid[SLOTS];
static int worker_kind[SLOTS];

static void work(const struct worker *w)
{
	for (int n = 10 + below(w->own ? 10 : 500); n > 0 && !shared->stop; n--) {
		w->step();
		if (w->pause && one_in(3))
			sleep_us(below(w->pause));
	}
	_exit(0);
}

static void run_worker(int kind, int slot, uint64_t seed, pid_t parent)
{
	const struct worker *w = &workers[kind];

	my_kind = kind;
	my_slot = slot;
	my_name = w->name;
	begin_child(seed, parent);
	setpriority(PRIO_PROCESS, 0, 0);
	while (!shared->stop) {
		pid_t pid = w->own ? spawn_own() : spawn();
		int status = 0;

		if (!pid)
			work(w);
		if (pid < 0) {
			sleep_us(1000 + below(10000));
			continue;
		}
		if (waitpid(pid, &status, 0) < 0)
			fail("waitpid: %m");
		/* A victim may be killed, by "kill" or a cpuset without memory. */
		if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !w->own))
			fail("a child ended with %#x", status);
	}
	_exit(0);
}

/* What a release agent does. It is all alone in the root containers. */
static int agent(const char *path)
{
	static const char *const roots[] = { "h0", "h1", "h2", "m0", "m1", "m2" };
	int fd = open(SHARED_FILE, O_RDWR | O_CLOEXEC);
	char cont[4300];

	if (fd < 0)
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return 1;
	my_kind = AGENT_KIND;
	my_slot = SLOTS - 1;
	my_name = "agent";
	for (unsigned int i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(cont, sizeof(cont), TOP "/%s%s", roots[i], path);
		did(OP_AGENT, rmdir(cont), "rmdir %s", cont);
	}
	return 0;
}

/*
 * The end of a round
 */
static struct {
	bool valid;
	long long percpu, kernfs, kmalloc, held;
} before;

/* All other processes that run this program. */
static int kill_all(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[64], exe[64];
	int count = 0;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		ssize_t len;

		if (!pid || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		len = readlink(path, exe, sizeof(exe));
		if (len == 8 && !strncmp(exe, "/torture", 8)) {
			kill(pid, SIGKILL);
			count++;
		}
	}
	if (proc)
		closedir(proc);
	return count;
}

/* What a process waits for, and its child, and so on. */
static void tell_where(pid_t pid)
{
	static const char *const what[] = { "wchan", "stack", "status", "syscall",
					    "stat", "sched" };
	char path[64], buf[4096];

	while (pid > 0) {
		for (unsigned int i = 0; i < ARRAY_SIZE(what); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid, what[i]);
			if (get(path, buf, sizeof(buf)) > 0)
				printf("# %s: %s\n", path, buf);
		}
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		pid = get_after(path, "");
	}
}

/* Orphans of workers, too, are the supervisor's children. */
static void reap_workers(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		for (int i = 0; i < SLOTS; i++) {
			if (worker_pid[i] != pid)
				continue;
			if (!shared->stop)
				fail("%s ended with %#x", workers[worker_kind[i]].name, status);
			worker_pid[i] = 0;
		}
}

static void stop_workers(bool at_once)
{
	unsigned long long end = now_ms() + SETTLE_MS;
	int left = 1;

	shared->stop = 1;
	/* They come to an end by themselves, or are all killed at the same time. */
	while (!at_once && left && now_ms() < end) {
		sleep_us(10000);
		reap_workers();
		left = 0;
		for (int i = 0; i < SLOTS; i++)
			left += worker_pid[i] > 0;
	}
	for (int i = 0; i < SLOTS && !at_once; i++)
		if (worker_pid[i] > 0) {
			fail("%s does not stop", workers[worker_kind[i]].name);
			tell_where(worker_pid[i]);
		}
	end = now_ms() + SETTLE_MS;
	while (kill_all()) {
		sleep_us(10000);
		reap_workers();
		if (now_ms() > end) {
			fail("processes that cannot be killed");
			break;
		}
	}
	memset(worker_pid, 0, sizeof(worker_pid));
	for (int i = 0; i < VICTIMS; i++)
		shared->victim[i] = 0;
}

static int cpus_online(void)
{
	char path[64], buf[16];
	int count = 1;

	for (int cpu = 1; cpu < CPUS; cpu++) {
		snprintf(path, sizeof(path), CPU_ONLINE, cpu);
		if (get(path, buf, sizeof(buf)) > 0)
			count += buf[0] == '1';
	}
	return count;
}

static void restore_machine(void)
{
	char path[64];
	int ret;

	for (int cpu = 1; cpu < CPUS; cpu++) {
		snprintf(path, sizeof(path), CPU_ONLINE, cpu);
		ret = put(path, "1");
		if (ret)
			fail("cpu%d: %s", cpu, strerror(-ret));
	}
	if (cpus_online() != CPUS)
		fail("%d CPUs are online", cpus_online());
	if (put(PARAMETERS "total_numtasks", "2147483647") ||
	    put(PARAMETERS "forkrate", "2147483647") ||
	    put(PARAMETERS "forkrate_interval", "1"))
		fail("parameters of numtasks: %m");
}

/* The fuzzer may have taken all permissions, which a file here wants of root, too. */
static int open_file(int dir, const char *name, int flags)
{
	fchmodat(dir, name, 0644, 0);
	return openat(dir, name, flags | O_CLOEXEC);
}

/* Everybody who is in @dir goes to the root, whose tasks file is @root. */
static void move_out(int dir, int root)
{
	int fd = open_file(dir, "tasks", O_RDONLY), n;
	char buf[4096], *p, *end;
	long tid;

	if (fd < 0)
		return;
	do {
		n = pread(fd, buf, sizeof(buf) - 1, 0);
		if (n <= 0)
			break;
		buf[n] = '\0';
		for (p = buf; (tid = strtol(p, &end, 10)), end != p; p = end) {
			char text[16];

			snprintf(text, sizeof(text), "%ld", tid);
			if (write(root, text, strlen(text)) < 0 && errno != ESRCH)
				fail("moving %ld to the root: %m", tid);
		}
	} while (n > 0 && !shared->failures);
	close(fd);
}

static void remove_tree(int dir, int root, unsigned long long end)
{
	struct dirent *entry;
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	while (d && (entry = readdir(d))) {
		int child;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child < 0)
			continue;
		remove_tree(child, root, end);
		move_out(child, root);
		/*
		 * Files and dead processes go a little later. With auto_delete it may be
		 * gone, or going.
		 */
		while (unlinkat(dir, entry->d_name, AT_REMOVEDIR) && errno != ENOENT &&
		       errno != ENODEV) {
			if (errno != EBUSY || now_ms() > end) {
				fail("%s cannot be removed: %m", entry->d_name);
				break;
			}
			move_out(child, root);
			sleep_us(2000);
		}
		close(child);
	}
	if (d)
		closedir(d);
}

static void remove_hierarchy(const char *list)
{
	char options[300], buf[16];
	int dir, tasks, agent_file, events;

	snprintf(options, sizeof(options), "%s%s", strncmp(list, "name=", 5) ? "" : "none,", list);
	if (mount("none", TOP "/m0", "container", 0, options)) {
		fail("mounting \"%s\" once more: %m", options);
		return;
	}
	dir = open(TOP "/m0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = open_file(dir, "tasks", O_WRONLY);
	agent_file = open_file(dir, "release_agent", O_WRONLY);
	events = open_file(dir, "events", O_RDONLY);
	if (dir < 0 || tasks < 0 || agent_file < 0 || write(agent_file, "\n", 1) != 1)
		fail("files of \"%s\": %m", options);
	close(agent_file);
	remove_tree(dir, tasks, now_ms() + SETTLE_MS);
	/* Whoever still has it open will say so. */
	if (events < 0 || read(events, buf, sizeof(buf)) < 0)
		fail("events: %m");
	close(events);
	close(tasks);
	close(dir);
	if (umount2(TOP "/m0", 0))
		fail("umount \"%s\": %m", options);
}

static void unmount_all(void)
{
	char buf[65536], dir[256], type[64], *line;
	int tries = 100, found;

	do {
		found = 0;
		if (get("/proc/self/mounts", buf, sizeof(buf)) < 0) {
			fail("mounts: %m");
			return;
		}
		for (line = buf; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
			if (sscanf(line, "%*s %255s %63s", dir, type) != 2 ||
			    (strcmp(type, "container") && strcmp(type, "cpuset")))
				continue;
			found++;
			if (umount2(dir, MNT_DETACH))
				fail("umount %s: %m", dir);
		}
	} while (found && --tries);
}

static void remove_all(void)
{
	char buf[16384], last[256] = "", *list;
	unsigned long long end = 0;
	bool gone;

	if (with_cgroups) {
		int dir = open(CGROUPS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* Nobody is left to be moved out of these. */
		remove_tree(dir, -1, now_ms() + SETTLE_MS);
		close(dir);
	}
	unmount_all();
	while (get("/proc/self/container", buf, sizeof(buf)) > 0) {
		list = strchr(buf, ':') + 1;
		list[strcspn(list, ":")] = '\0';
		/*
		 * It may be held by a mount namespace that is just going. There is a
		 * time limit for each: with many containers they take long together.
		 */
		if (strcmp(list, last))
			end = now_ms() + SETTLE_MS;
		else
			sleep_us(20000);
		snprintf(last, sizeof(last), "%s", list);
		if (now_ms() > end) {
			fail("hierarchy %s does not go", list);
			break;
		}
		remove_hierarchy(list);
	}
	for (int i = 0; i < 3; i++)
		shared->stacked[i] = 0;
	end = now_ms() + SETTLE_MS;
	/* All subsystems are unbound, each with its one container. */
	do {
		char *line = buf;

		gone = get("/proc/containers", buf, sizeof(buf)) > 0;
		while ((line = strchr(line, '\n')) && *++line) {
			int id, count;

			if (sscanf(line, "%*s %d %d", &id, &count) != 2 || id || count != 1)
				gone = false;
		}
		if (!gone)
			sleep_us(20000);
	} while (!gone && now_ms() < end);
	if (!gone)
		fail("left: %s", buf);
}

/* Threads of users, those that numtasks counts. */
static int user_threads(void)
{
	char path[300], buf[1024], *p;
	DIR *proc = opendir("/proc"), *task;
	struct dirent *entry;
	int count = 0;

	while (proc && (entry = readdir(proc))) {
		unsigned int flags;
		char state;

		if (!atoi(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (get(path, buf, sizeof(buf)) <= 0)
			continue;
		p = strrchr(buf, ')');
		if (!p || sscanf(p, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2 ||
		    (flags & PF_KTHREAD) || state == 'Z' || state == 'X')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", entry->d_name);
		task = opendir(path);
		while (task && (entry = readdir(task)))
			count += entry->d_name[0] != '.';
		if (task)
			closedir(task);
	}
	if (proc)
		closedir(proc);
	return count;
}

/* Each subsystem alone can be mounted, has its files, and counts what there is. */
static void check_fresh(void)
{
	unsigned long long end = now_ms() + SETTLE_MS;
	long long usage, held;
	char buf[16384];

	for (int i = 0; i <= shared->nr_subsys; i++) {
		const char *name = i < shared->nr_subsys ? shared->subsys[i].name : "all";
		char path[128];
		DIR *dir;
		struct dirent *entry;

		if (mount("none", TOP "/m0", "container", 0, name)) {
			fail("mounting %s afresh: %m", name);
			continue;
		}
		if (mkdir(TOP "/m0/c0", 0755) || rmdir(TOP "/m0/c0"))
			fail("%s: a new container: %m", name);
		dir = opendir(TOP "/m0");
		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof(path), TOP "/m0/%.60s", entry->d_name);
			if (entry->d_type == DT_REG && strcmp(entry->d_name, "kill") &&
			    get(path, buf, sizeof(buf)) < 0)
				fail("reading %s: %m", path);
			if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
				fail("%s has %s", name, entry->d_name);
		}
		if (dir)
			closedir(dir);
		do {
			usage = get_after(TOP "/m0/numtasks.stats", "Current usage ");
		} while (usage >= 0 && usage != user_threads() && now_ms() < end);
		if (usage >= 0 && usage != user_threads())
			fail("%lld tasks are counted, %d are there", usage, user_threads());
		held = get_after(TOP "/m0/bc.numfiles.held", "");
		while (before.valid && held >= 0 && held != before.held && now_ms() < end) {
			sleep_us(20000);
			held = get_after(TOP "/m0/bc.numfiles.held", "");
		}
		if (held >= 0 && !strcmp(name, "bc")) {
			if (before.valid && held != before.held)
				fail("%lld files are held, %lld were", held, before.held);
			before.held = held;
		}
		if (umount2(TOP "/m0", 0))
			fail("umount %s: %m", name);
	}
}

/* The cache, without objects that KASAN keeps back. */
static void shrink(const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	put(path, "1");
}

static void measure(long long *percpu, long long *kernfs, long long *kmalloc)
{
	static char buf[1 << 16];
	char name[64], *line;
	long long active, size;

	put("/proc/sys/vm/drop_caches", "3");
	*percpu = *kernfs = *kmalloc = 0;
	for (int pass = 0; pass < 2; pass++) {
		if (get("/proc/slabinfo", buf, sizeof(buf)) < 0) {
			fail("slabinfo: %m");
			return;
		}
		for (line = buf; (line = strchr(line, '\n')); ) {
			if (sscanf(++line, "%63s %lld %*d %lld", name, &active, &size) != 3)
				continue;
			if (strncmp(name, "kmalloc-", 8) && strcmp(name, "kernfs_node_cache"))
				continue;
			if (!pass)
				shrink(name);
			else if (name[1] == 'e')
				*kernfs = active;
			else
				*kmalloc += active * size / 1024;
		}
	}
	/* Of a chunk the kernel may keep a quarter of the pages, in use or not. */
	*percpu = get_after("/sys/kernel/debug/percpu_stats", "nr_cur_alloc        :");
	if (*percpu < 0)
		fail("percpu_stats: %m");
}

/*
 * Is the kernel as it was? What others use, and what comes in the background, may
 * differ by so much; a leak for each of thousands of operations is more.
 */
#define PERCPU_AREAS	100
#define KERNFS_NODES	100
#define KMALLOC_KB	1024

static void compare(void)
{
	unsigned long long end = now_ms() + SETTLE_MS;
	long long percpu, kernfs, kmalloc;

	for (;;) {
		measure(&percpu, &kernfs, &kmalloc);
		if (!before.valid || now_ms() > end ||
		    (percpu <= before.percpu + PERCPU_AREAS &&
		     kernfs <= before.kernfs + KERNFS_NODES &&
		     kmalloc <= before.kmalloc + KMALLOC_KB))
			break;
		sleep_us(200000);
	}
	printf("# percpu areas %lld, kernfs nodes %lld, kmalloc %lld kB, files of the root %lld\n",
	       percpu, kernfs, kmalloc, before.held);
	if (!before.valid) {
		before.percpu = percpu;
		before.kernfs = kernfs;
		before.kmalloc = kmalloc;
		before.valid = true;
		return;
	}
	if (percpu > before.percpu + PERCPU_AREAS)
		fail("there were %lld percpu areas, are %lld", before.percpu, percpu);
	if (kernfs > before.kernfs + KERNFS_NODES)
		fail("kernfs had %lld nodes, has %lld", before.kernfs, kernfs);
	if (kmalloc > before.kmalloc + KMALLOC_KB)
		fail("kmalloc had %lld kB, has %lld", before.kmalloc, kmalloc);
}

/*
 * The supervisor
 */
static void read_subsystems(void)
{
	char buf[4096], *line = buf;
	int enabled;

	if (get("/proc/containers", buf, sizeof(buf)) < 0) {
		perror("/proc/containers");
		exit(1);
	}
	while ((line = strchr(line, '\n')) && *++line)
		if (shared->nr_subsys < MAX_SUBSYS &&
		    sscanf(line, "%31s %*d %*d %d", shared->subsys[shared->nr_subsys].name,
			   &enabled) == 2 && enabled)
			shared->nr_subsys++;
}

/* Two of five subsystems are in h0, two in h1, one is free to be mounted. */
static void mount_round(void)
{
	char options[2][256] = { "", "" }, dir[32];

	for (int i = 0; i < shared->nr_subsys; i++) {
		int place = below(5) / 2;

		shared->subsys[i].place = place < 2 ? place : -1;
		if (place == 2)
			continue;
		if (options[place][0])
			strcat(options[place], ",");
		strcat(options[place], shared->subsys[i].name);
	}
	for (int i = 0; i < 3; i++) {
		if (i == 2 || !options[i][0])
			snprintf(options[i % 2], sizeof(options[0]), "none,name=stays%d", i);
		printf("# h%d: %s\n", i, options[i % 2]);
		snprintf(dir, sizeof(dir), TOP "/h%d", i);
		if (mount("none", dir, "container", 0, options[i % 2]))
			fail("mounting \"%s\": %m", options[i % 2]);
		/* So that no remount changes the set. */
		strcat(dir, "/x-keep");
		if (mkdir(dir, 0755))
			fail("%s: %m", dir);
	}
	if (put(PARAMETERS "total_numtasks", "1000"))
		fail("total_numtasks: %m");
}

/* Guarantees to others must not keep the workers from forking for long. */
static void take_guarantees(void)
{
	const char *root = place_of("numtasks");
	struct dirent *entry;
	char path[600];
	DIR *dir;

	dir = root ? opendir(root) : NULL;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    !strncmp(entry->d_name, "x-", 2))
			continue;
		snprintf(path, sizeof(path), "%s/%s/numtasks.shares", root, entry->d_name);
		put(path, "min_shares=-3");
	}
	if (dir)
		closedir(dir);
}

static void start_workers(bool fuzz_only)
{
	int slot = 0;

	shared->stop = 0;
	for (unsigned int k = 0; k < NR_WORKERS; k++) {
		int instances = workers[k].instances;

		/* More of them wait for each other's locks, mostly. */
		if (fuzz_only)
			instances = k == FUZZ_KIND ? 2 : 0;
		else if (workers[k].needs && !place_of(workers[k].needs))
			instances = 0;
		else if (workers[k].step == cgrouper && !with_cgroups)
			instances = 0;
		for (int i = 0; i < instances && slot < SLOTS - 1; i++, slot++) {
			uint64_t seed = next_random();
			pid_t parent = getpid(), pid = fork();

			if (!pid)
				run_worker(k, slot, seed, parent);
			if (pid < 0)
				fail("starting %s: %m", workers[k].name);
			worker_pid[slot] = pid;
			worker_kind[slot] = k;
			shared->progress[slot] = now_ms();
		}
	}
}

static void tell_progress(unsigned long long began)
{
	printf("# %llu s, round %d: %lu operations, %lu inputs, %lu fuzzed calls, %d failures\n",
	       (now_ms() - began) / 1000, shared->round, shared->operations, shared->inputs,
	       shared->calls, shared->failures);
}

static void check_workers(void)
{
	unsigned long long now = now_ms();

	reap_workers();
	for (int i = 0; i < SLOTS; i++) {
		const char *name = workers[worker_kind[i]].name;

		if (worker_pid[i] <= 0)
			continue;
		if (now > shared->progress[i] + PROGRESS_MS) {
			fail("%s has done nothing for %d s", name, PROGRESS_MS / 1000);
			tell_where(worker_pid[i]);
			shared->progress[i] = now;
		}
	}
}

/* Until the time is over, or so many calls have been fuzzed. */
static void run_round(bool fuzz_only, unsigned int seconds, unsigned long calls,
		      unsigned long long began)
{
	unsigned long long now = now_ms(), end = now + seconds * 1000ULL, told = now, took = now;

	rng = mix(shared->seed + shared->round);
	mount_round();
	start_workers(fuzz_only);
	while (now < end && (!calls || shared->calls < calls)) {
		sleep_us(100000);
		check_workers();
		now = now_ms();
		if (now > took + 1000) {
			take_guarantees();
			took = now;
		}
		if (now > told + 10000) {
			tell_progress(began);
			told = now;
		}
	}
	now = now_ms();
	stop_workers(shared->round % 2);
	restore_machine();
	remove_all();
	/* Agents that had already been started. */
	stop_workers(true);
	check_fresh();
	compare();
	printf("# taken down and compared in %llu ms\n", now_ms() - now);
	tell_progress(began);
	shared->round++;
}

/* How often each operation succeeded, and with which errors it failed. */
static void tell_counts(void)
{
	for (unsigned int k = 0; k < NR_WORKERS; k++) {
		unsigned long total = 0, good = 0;

		for (unsigned int op = 0; op < NR_OPS; op++)
			for (int e = 0; e < NR_ERRNO; e++)
				total += shared->count[k][op][e];
		for (unsigned int op = 0; op < NR_OPS; op++)
			good += shared->count[k][op][0];
		printf("# %-12s %9lu operations, %9lu good\n", workers[k].name, total, good);
	}
	for (unsigned int op = 0; op < NR_OPS; op++) {
		unsigned long count[NR_ERRNO] = { 0 }, total = 0;

		for (unsigned int k = 0; k < NR_WORKERS; k++)
			for (int e = 0; e < NR_ERRNO; e++) {
				count[e] += shared->count[k][op][e];
				total += shared->count[k][op][e];
			}
		if (!total)
			continue;
		printf("# %s%-32s %8lu good %8lu", op < OP_WRITE ? "" : "write ", op_name(op),
		       total, count[0]);
		for (int e = 1; e < NR_ERRNO; e++)
			if (count[e])
				printf(" %s %lu", strerrorname_np(e), count[e]);
		printf("\n");
		/* Neither links nor handles are there. */
		if (total > 1000 && !count[0] && op != OP_F_LINK && op != OP_F_UNLINK &&
		    op != OP_F_HANDLE && op != OP_F_MMAP)
			fail("%s has never succeeded", op_name(op));
	}
}

static void prepare(unsigned long long seed)
{
	static const char *const dirs[] = { TOP "/h0", TOP "/h1", TOP "/h2", TOP "/m0", TOP "/m1",
					    TOP "/m2", CGROUPS };
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open(SHARED_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*shared))) {
		perror(SHARED_FILE);
		exit(1);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	shared->seed = seed;
	printf("seed %llu\n", seed);
	/* Read-only: what is not mounted has no directories. */
	mkdir(TOP, 0755);
	if (mount("none", TOP, "tmpfs", 0, NULL)) {
		perror(TOP);
		exit(1);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(dirs); i++)
		mkdir(dirs[i], 0755);
	if (mount("none", TOP, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL)) {
		perror(TOP);
		exit(1);
	}
	with_cgroups = !mount("none", CGROUPS, "cgroup2", 0, NULL);
	if (!with_cgroups && errno != ENODEV) {
		perror(CGROUPS);
		exit(1);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* The workers have the processors to themselves otherwise. */
	setpriority(PRIO_PROCESS, 0, -10);
	if (cpus_online() != CPUS) {
		printf("there are not %d CPUs\n", CPUS);
		exit(1);
	}
	read_subsystems();
}

int main(int argc, char **argv)
{
	unsigned long long began = now_ms();
	unsigned int seconds, longest;
	unsigned long calls;

	if (strstr(argv[0], "agent"))
		return argc > 1 ? agent(argv[1]) : 1;
	if (argc == 2 && !strcmp(argv[1], "exit"))
		return 0;
	if (argc == 4 && !strcmp(argv[1], "fuzz")) {
		calls = strtoul(argv[2], NULL, 0);
		prepare(strtoull(argv[3], NULL, 0));
		run_round(true, 3600, calls, began);
	} else if (argc == 5 && !strcmp(argv[1], "all")) {
		seconds = strtoul(argv[2], NULL, 0);
		calls = strtoul(argv[3], NULL, 0);
		prepare(strtoull(argv[4], NULL, 0));
		longest = seconds / 2 < 60 ? seconds / 2 : 60;
		run_round(false, seconds / 10 + 1, 0, began);
		while (now_ms() < began + seconds * 1000ULL)
			run_round(false, longest, 0, began);
		if (shared->calls < calls)
			run_round(true, 3600, calls, began);
	} else {
		fprintf(stderr, "torture all SECONDS CALLS SEED | fuzz CALLS SEED\n");
		return 2;
	}
	tell_counts();
	printf("torture: %lu operations, %lu inputs, %d failures\n", shared->operations,
	       shared->inputs + shared->calls, shared->failures);
	return shared->failures != 0;
}
