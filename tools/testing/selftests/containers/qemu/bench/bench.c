// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's side of the benchmark: bench FLAVOUR OPERATION...
 *
 * The machine runs under QEMU's -icount, where a nanosecond of CLOCK_MONOTONIC is
 * an instruction. A line "NAME X VALUE" of standard output, tabs between, is one
 * run: the median of its iterations. Each run is a process of its own, the
 * subject, in a kernel that the run before it and some random processes have left
 * in another state; so the spread of the runs says what the numbers are worth.
 * Whatever fails ends the program with status 1, and yields no number.
 *
 * The first process stays in the root of every hierarchy: it makes the groups and
 * moves the subjects, which in a hierarchy with "ns" only an ancestor may do.
 *
 * With TRACE in the environment there is one run without noise and without
 * clock, and an instruction that a plugin of QEMU knows stands before and after
 * each iteration.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../containers_util.h"

#define BASE		"/g"
#define HIERARCHIES	64
#define PATH_LEN	256

#define RUNS		12
#define WARMUPS		20
#define ITERATIONS	101
/* Of what takes long, and whose numbers hardly differ. */
#define COLD_RUNS	3
#define COLD_ITERATIONS	5
#define PROCS_ITERATIONS	4
#define MKDIR_ITERATIONS	20
#define TRACE_WARMUPS	8
#define TRACE_ITERATIONS	12
/* Longer than a grace period and what depends on one can take. */
#define QUIET_MS	1200

#define NOISE_CHILDREN	40
#define NOISE_PIPES	8
#define NOISE_REGIONS	16
#define NOISE_PAGES	64

#define WORKERS		4
#define STORM_OPS	2000

/* For how long control groups may be busy after the end of their members. */
#define LINGER_MS	1000
/* And hierarchies after being unmounted, and when to help. */
#define UNMOUNT_MS	10000
#define REMOUNT_MS	500
#define TICK_MS		10

#define READ_SIZE	(64 * 1024)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct flavour - how a kernel is used
 * @name: as given on the command line
 * @type: of the file system; NULL: there are no groups
 * @separate: options of the hierarchies in which each subsystem is alone, or
 *	nearly so
 * @joint: options of the one hierarchy with three subsystems
 * @named: are there hierarchies without subsystem?
 * @threads: the file that takes a thread
 * @procs: the file that takes a process
 * @fill: does a group take nobody before it has cpus and mems?
 * @enable: written to a group's subtree_control before it has children
 * @disable: written to the root's in the end
 * @threaded: are threads moved only between groups that have been told so?
 * @proc: file of /proc/self with a line for each active hierarchy
 * @lingers: do groups and hierarchies take time to go?
 */
struct flavour {
	const char *name;
	const char *type;
	const char *separate[4];
	const char *joint;
	bool named;
	const char *threads;
	const char *procs;
	bool fill;
	const char *enable;
	const char *disable;
	bool threaded;
	const char *proc;
	bool lingers;
};

static const struct flavour flavours[] = {
	{ .name = "bare" },
	{ .name = "none-cgroup" },
	{ .name = "none-ours" },
	{
		.name		= "v1",
		.type		= "cgroup",
		.separate	= { "cpuset", "cpuacct", "pids" },
		.joint		= "cpuset,cpuacct,pids",
		.named		= true,
		.threads	= "tasks",
		.procs		= "cgroup.procs",
		.fill		= true,
		.proc		= "cgroup",
		.lingers	= true,
	},
	{
		.name		= "v2",
		.type		= "cgroup2",
		/* There is only one. */
		.separate	= { "" },
		.joint		= "",
		.threads	= "cgroup.threads",
		.procs		= "cgroup.procs",
		.enable		= "+cpuset +pids",
		.disable	= "-cpuset -pids",
		.threaded	= true,
		.proc		= "cgroup",
		.lingers	= true,
	},
	{
		.name		= "ours",
		.type		= "container",
		.separate	= { "cpuset", "cpuacct", "numtasks,bc,ns" },
		.joint		= "cpuset,cpuacct,numtasks",
		.named		= true,
		.threads	= "tasks",
		.procs		= "procs",
		.fill		= true,
		.proc		= "container",
	},
};

static const struct flavour *fl;

/* In a worker of a storm: the word at which its parent waits. */
static int *told;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *fmt, ...)
{
	va_list args;
	char text[512];

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	dprintf(2, "bench: %s: %s\n", fl ? fl->name : "", text);
	if (told)
		ct_futex_wake(told, -1);
	_exit(1);
}

/* For functions that return -errno. */
static int check(int ret, const char *what)
{
	if (ret < 0)
		die("%s: %s", what, strerror(-ret));
	return ret;
}

/* For those that return -1. */
static int check_sys(int ret, const char *what)
{
	if (ret < 0)
		die("%s: %m", what);
	return ret;
}

static void sleep_ms(int ms)
{
	const struct timespec time = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	check_sys(nanosleep(&time, NULL), "nanosleep");
}

static void end_child(pid_t pid)
{
	if (ct_kill(pid) != 256 + SIGKILL)
		die("a child had ended by itself");
}

/*
 * Hierarchies and groups
 */

/* The options of those that are mounted on BASE/0, BASE/1... */
static char mounted[HIERARCHIES][64];
static int nr_mounted;

static const char *top(int i)
{
	return ct_path(BASE "/%d", i);
}

static void enable(const char *group)
{
	if (fl->enable)
		check(ct_write(group, "cgroup.subtree_control", fl->enable),
		      group);
}

static void mount_one(const char *options)
{
	int i = nr_mounted++;

	snprintf(mounted[i], sizeof(mounted[i]), "%s", options);
	check(ct_mount_type(fl->type, options, top(i)), options);
	enable(top(i));
}

static void mount_separate(void)
{
	int i;

	for (i = 0; fl->separate[i]; i++)
		mount_one(fl->separate[i]);
}

/* Not the one of control groups version 2, which is always there. */
static bool is_hierarchy_active(void)
{
	char buf[16384], *line, *save;

	check(ct_read("/proc/self", fl->proc, buf, sizeof(buf)), fl->proc);
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "0:", 2))
			return true;
	return false;
}

/*
 * A hierarchy of version 1 takes a moment to go. If groups were still being
 * freed when it was unmounted it does not go, until it is unmounted once more.
 */
static void unmount_all(void)
{
	int i, waited = 0;

	for (i = 0; i < nr_mounted; i++) {
		if (fl->disable)
			check(ct_write(top(i), "cgroup.subtree_control",
				       fl->disable), "disable controllers");
		check(ct_umount(top(i)), "umount");
	}
	while (is_hierarchy_active()) {
		if (!fl->lingers || waited >= UNMOUNT_MS)
			die("a hierarchy stays active");
		sleep_ms(TICK_MS);
		waited += TICK_MS;
		for (i = 0; i < nr_mounted && waited % REMOUNT_MS == 0; i++)
			if (!ct_mount_type(fl->type, mounted[i], top(i)))
				check(ct_umount(top(i)), "umount");
	}
	nr_mounted = 0;
}

static void copy_from_parent(const char *group, const char *file)
{
	const char *parent = ct_path("%.*s",
				     (int)(strrchr(group, '/') - group), group);
	char value[256];

	/* A hierarchy without cpuset. */
	if (access(ct_path("%s/%s", parent, file), F_OK))
		return;
	check(ct_read(parent, file, value, sizeof(value)), file);
	check(ct_write(group, file, value), file);
}

/* Make a group that can have members. */
static void make_group(const char *group)
{
	check(ct_mkdir(group), group);
	if (fl->threaded)
		check(ct_write(group, "cgroup.type", "threaded"), group);
	if (fl->fill) {
		copy_from_parent(group, "cpuset.cpus");
		copy_from_parent(group, "cpuset.mems");
	}
}

static void remove_group(const char *group)
{
	int waited = 0, ret;

	while ((ret = ct_rmdir(group)) == -EBUSY && fl->lingers &&
	       waited < LINGER_MS) {
		sleep_ms(TICK_MS);
		waited += TICK_MS;
	}
	check(ret, group);
}

/* Groups for a process to be in, one in each hierarchy. */
struct place {
	int count;
	char group[HIERARCHIES][PATH_LEN];
};

/* Make a group in hierarchy @i so deep, 1 being a child of the root. */
static void make_at(struct place *place, int i, int depth, const char *name)
{
	char *path = place->group[place->count++];
	int len = snprintf(path, PATH_LEN, "%s", top(i));

	while (--depth) {
		len += snprintf(path + len, PATH_LEN - len, "/d");
		if (access(path, F_OK)) {
			make_group(path);
			enable(path);
		}
	}
	snprintf(path + len, PATH_LEN - len, "/%s", name);
	make_group(path);
}

/* Make a group in each hierarchy. @name is not from ct_path(), which forgets. */
static void make_place(struct place *place, int depth, const char *name)
{
	int i;

	place->count = 0;
	for (i = 0; i < nr_mounted; i++)
		make_at(place, i, depth, name);
}

static void remove_place(const struct place *place)
{
	int i;

	for (i = 0; i < place->count; i++)
		remove_group(place->group[i]);
}

/* Remove what make_at() made between a place's groups and the roots. */
static void remove_above(const struct place *place)
{
	char path[PATH_LEN];
	int i;

	for (i = 0; i < place->count; i++) {
		strcpy(path, place->group[i]);
		for (;;) {
			*strrchr(path, '/') = '\0';
			if (!strchr(path + strlen(BASE "/"), '/'))
				break;
			remove_group(path);
		}
	}
}

/* Move a process, by whoever may. */
static void enter(const struct place *place, pid_t pid)
{
	int i;

	for (i = 0; i < place->count; i++)
		check(ct_write_num(place->group[i], fl->procs, pid),
		      place->group[i]);
}

/* Processes that only have members in groups. */
static pid_t start_members(const struct place *place, int threads)
{
	pid_t pid = check(ct_process(NULL, threads, NULL), "threads");

	enter(place, pid);
	return pid;
}

/*
 * Operations. What they work on is in variables, which the first process fills in
 * and each subject has a copy of. All of them are called in subjects.
 */

/**
 * struct op - something to be measured
 * @setup: before the first iteration; may be NULL
 * @iterate: what is measured
 * @finish: after the last; may be NULL
 */
struct op {
	void (*setup)(void);
	void (*iterate)(void);
	void (*finish)(void);
};

static void fork_iterate(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("fork: %m");
}

static const struct op fork_op = {
	.iterate	= fork_iterate,
};

static void *return_at_once(void *arg)
{
	return arg;
}

static void thread_iterate(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, return_at_once, NULL) ||
	    pthread_join(thread, NULL))
		die("thread");
}

static const struct op thread_op = {
	.iterate	= thread_iterate,
};

static int kept_file;

static void open_setup(void)
{
	kept_file = check_sys(open("/dev/null", O_RDONLY), "/dev/null");
}

static void open_iterate(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0 || close(fd))
		die("/dev/null: %m");
}

static void open_finish(void)
{
	check_sys(close(kept_file), "close");
}

/* A file of a group that has others open. */
static const struct op open_op = {
	.setup		= open_setup,
	.iterate	= open_iterate,
	.finish		= open_finish,
};

/* The only one of its group. */
static const struct op open_sole_op = {
	.iterate	= open_iterate,
};

static struct {
	int to, from;
	pid_t child;
} echo;

static void echo_bytes(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static void switch_setup(void)
{
	int there[2], back[2];

	if (pipe(there) || pipe(back))
		die("pipe: %m");
	echo.child = check_sys(ct_fork(), "fork");
	if (!echo.child) {
		close(there[1]);
		close(back[0]);
		echo_bytes(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	echo.to = there[1];
	echo.from = back[0];
}

static void switch_iterate(void)
{
	char byte = 'x';

	if (write(echo.to, &byte, 1) != 1 || read(echo.from, &byte, 1) != 1)
		die("pipe: %m");
}

static void switch_finish(void)
{
	close(echo.to);
	if (ct_wait(echo.child))
		die("the other end of the pipe failed");
	close(echo.from);
}

static const struct op switch_op = {
	.setup		= switch_setup,
	.iterate	= switch_iterate,
	.finish		= switch_finish,
};

/*
 * Two files written to in turn: those of two groups, which move a child to and
 * fro, or twice the same with two values.
 */
static struct {
	char file[2][PATH_LEN + 32];
	char text[2][16];
	size_t len[2];
	int fd[2];
	int next;
	/* The child starts in here, with so many threads. */
	struct place home;
	int threads;
	pid_t child;
} alternate;

static void alternate_setup(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		alternate.fd[i] = check_sys(open(alternate.file[i], O_WRONLY),
					    alternate.file[i]);
		alternate.len[i] = strlen(alternate.text[i]);
	}
	alternate.next = 1;
}

static void alternate_iterate(void)
{
	int i = alternate.next;
	ssize_t len = alternate.len[i];

	if (pwrite(alternate.fd[i], alternate.text[i], len, 0) != len)
		die("%s: %m", alternate.file[i]);
	alternate.next = !i;
}

static void alternate_finish(void)
{
	close(alternate.fd[0]);
	close(alternate.fd[1]);
}

static const struct op alternate_op = {
	.setup		= alternate_setup,
	.iterate	= alternate_iterate,
	.finish		= alternate_finish,
};

static void move_setup(void)
{
	int i;

	alternate.child = start_members(&alternate.home, alternate.threads);
	for (i = 0; i < 2; i++)
		snprintf(alternate.text[i], sizeof(alternate.text[i]), "%d",
			 alternate.child);
	alternate_setup();
}

static void move_finish(void)
{
	alternate_finish();
	end_child(alternate.child);
}

static const struct op move_op = {
	.setup		= move_setup,
	.iterate	= alternate_iterate,
	.finish		= move_finish,
};

static struct {
	char file[PATH_LEN + 32];
	int threads;
	long size;
	char buf[READ_SIZE];
} list;

/* Read it all; @lines, if there are any, counts the lines. Returns the length. */
static long read_list(int *lines)
{
	int fd = check_sys(open(list.file, O_RDONLY), list.file);
	ssize_t n, i;
	long size = 0;

	while ((n = read(fd, list.buf, sizeof(list.buf))) > 0) {
		size += n;
		for (i = 0; lines && i < n; i++)
			*lines += list.buf[i] == '\n';
	}
	if (n < 0 || close(fd))
		die("%s: %m", list.file);
	return size;
}

static void read_setup(void)
{
	int lines = 0;

	list.size = read_list(&lines);
	if (lines != list.threads)
		die("%s: %d instead of %d threads", list.file, lines,
		    list.threads);
}

static void read_iterate(void)
{
	if (read_list(NULL) != list.size)
		die("%s: has changed", list.file);
}

static const struct op read_op = {
	.setup		= read_setup,
	.iterate	= read_iterate,
};

static char new_group[PATH_LEN];

static void mkdir_iterate(void)
{
	if (mkdir(new_group, 0755) || rmdir(new_group))
		die("%s: %m", new_group);
}

static const struct op mkdir_op = {
	.iterate	= mkdir_iterate,
};

/*
 * Noise: a process that holds children, pipes and memory, and nothing in the
 * groups that are being measured
 */

/* The same numbers for a run in every flavour. */
static unsigned int random_below(unsigned int *seed, unsigned int limit)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % limit;
}

static void hold_memory(unsigned int *seed)
{
	int regions = random_below(seed, NOISE_REGIONS);

	while (regions--) {
		size_t pages = 1 + random_below(seed, NOISE_PAGES);
		char *mem = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mem == MAP_FAILED)
			die("mmap: %m");
		memset(mem, 1, (pages + 1) / 2 * 4096);
	}
}

static void make_noise(unsigned int seed, int ready)
{
	pid_t children[NOISE_CHILDREN];
	int i, count, fds[2], signal;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = random_below(&seed, NOISE_PIPES); i; i--)
		check_sys(pipe(fds), "pipe");
	hold_memory(&seed);
	count = random_below(&seed, NOISE_CHILDREN + 1);
	for (i = 0; i < count; i++) {
		children[i] = check_sys(ct_fork(), "fork");
		while (!children[i])
			pause();
	}
	/* Let them get there. */
	sleep_ms(TICK_MS);
	if (write(ready, "r", 1) != 1 || sigwait(&set, &signal))
		die("noise: %m");
	for (i = 0; i < count; i++)
		end_child(children[i]);
	_exit(0);
}

static pid_t start_noise(int run)
{
	int ready[2];
	pid_t pid;
	char byte;

	check_sys(pipe(ready), "pipe");
	pid = check_sys(ct_fork(), "fork");
	if (!pid) {
		close(ready[0]);
		make_noise(run * 2654435761U + 1, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("no noise");
	close(ready[0]);
	return pid;
}

static void end_noise(pid_t pid)
{
	check_sys(kill(pid, SIGTERM), "kill");
	if (ct_wait(pid))
		die("noise failed");
}

/*
 * Measuring
 */

/**
 * struct bench - runs of an operation
 * @name: printed
 * @x: printed
 * @op: the operation
 * @place: where the subjects are; NULL: in the roots
 * @runs: number of subjects; 0: RUNS
 * @warmups: iterations of each that are not measured; 0: WARMUPS
 * @iterations: those that are; 0: ITERATIONS
 * @quiet_ms: what nothing happens before each iteration
 * @units: an iteration is so many of what is counted; 0: one
 */
struct bench {
	const char *name;
	int x;
	const struct op *op;
	const struct place *place;
	int runs;
	int warmups;
	int iterations;
	int quiet_ms;
	int units;
};

static bool is_tracing(void)
{
	const char *trace = getenv("TRACE");

	return trace && *trace;
}

/* XCHG BX, BX, which compilers do not generate. */
static inline void mark(void)
{
	asm volatile("xchg %%bx, %%bx" ::: "memory");
}

static inline long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static double median(long long *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2.0;
}

static void print(const char *name, int x, double value)
{
	if (dprintf(1, "%s\t%d\t%.10g\n", name, x, value) < 0)
		die("stdout: %m");
	/* A serial line that sends disturbs who comes next. */
	tcdrain(1);
}

/* What reading the clock adds to an iteration. */
static double clock_cost(void)
{
	long long values[ITERATIONS], start;
	int i;

	for (i = 0; i < ITERATIONS; i++) {
		start = now();
		values[i] = now() - start;
	}
	return median(values, ITERATIONS);
}

static void run_timed(const struct bench *bench)
{
	int warmups = bench->warmups ? bench->warmups : WARMUPS;
	int iterations = bench->iterations ? bench->iterations : ITERATIONS;
	int units = bench->units ? bench->units : 1;
	long long values[ITERATIONS], start;
	int i;

	for (i = -warmups; i < iterations; i++) {
		if (bench->quiet_ms)
			sleep_ms(bench->quiet_ms);
		start = now();
		bench->op->iterate();
		values[i < 0 ? 0 : i] = now() - start;
	}
	print(bench->name, bench->x,
	      (median(values, iterations) - clock_cost()) / units);
}

static void run_traced(const struct bench *bench)
{
	int i;

	for (i = 0; i < TRACE_WARMUPS; i++)
		bench->op->iterate();
	for (i = 0; i < TRACE_ITERATIONS; i++) {
		mark();
		bench->op->iterate();
		mark();
	}
	if (dprintf(1, "%s\ttrace\t%d\n", bench->name, TRACE_ITERATIONS) < 0)
		die("stdout: %m");
}

/* In the subject, once its parent has put it into its groups. */
static void run_subject(const struct bench *bench, int *gate)
{
	ct_futex_wait(gate, 0);
	munmap(gate, sizeof(*gate));
	if (bench->op->setup)
		bench->op->setup();
	if (is_tracing())
		run_traced(bench);
	else
		run_timed(bench);
	if (bench->op->finish)
		bench->op->finish();
	_exit(0);
}

static void run_once(const struct bench *bench)
{
	int *gate = ct_shared(sizeof(*gate));
	pid_t pid = check_sys(ct_fork(), "fork");

	if (!pid)
		run_subject(bench, gate);
	if (bench->place)
		enter(bench->place, pid);
	ct_futex_wake(gate, 1);
	munmap(gate, sizeof(*gate));
	if (ct_wait(pid))
		die("%s at %d failed", bench->name, bench->x);
}

static void measure(const struct bench *bench)
{
	int runs = bench->runs ? bench->runs : RUNS;
	int run;

	if (is_tracing()) {
		run_once(bench);
		return;
	}
	for (run = 0; run < runs; run++) {
		pid_t noise = start_noise(run);

		run_once(bench);
		end_noise(noise);
	}
}

/* How often to do what takes time that is proportional to @x. */
static int iterations_at(int x)
{
	return x <= 100 ? ITERATIONS : x <= 1000 ? 21 : 11;
}

/*
 * What the command line names
 */

/**
 * struct entry - an operation as the user sees it
 * @name: its name, and mostly what is printed
 * @run: all its runs
 * @groups: is it about groups?
 * @op: for whoever serves several
 * @threads: of the child that is moved
 * @quiet_ms: as in struct bench
 * @attach: storms: with workers that move children
 */
struct entry {
	const char *name;
	void (*run)(const struct entry *entry);
	bool groups;
	const struct op *op;
	int threads;
	int quiet_ms;
	bool attach;
};

static const int powers[] = { 1, 10, 100, 1000, 10000 };
static struct place place, place2;

/* By a process that is in a group of each hierarchy, where there are any. */
static void do_plain(const struct entry *entry)
{
	struct bench bench = { .name = entry->name, .op = entry->op };

	if (fl->type) {
		mount_separate();
		make_place(&place, 1, "a");
		bench.place = &place;
	}
	measure(&bench);
	if (fl->type) {
		remove_place(&place);
		unmount_all();
	}
}

/* The child starts in @home and goes to and fro between two groups. */
static void prepare_move(const struct place *home, const char *from,
			 const char *to, const char *file, int threads)
{
	alternate.home = *home;
	alternate.threads = threads;
	snprintf(alternate.file[0], sizeof(alternate.file[0]), "%s/%s", from,
		 file);
	snprintf(alternate.file[1], sizeof(alternate.file[1]), "%s/%s", to,
		 file);
}

/* Between two siblings so deep in the hierarchies. */
static void measure_move(struct bench *bench, int depth, const char *file,
			 int threads)
{
	make_place(&place, depth, "a");
	place2.count = 0;
	make_at(&place2, 0, depth, "b");
	prepare_move(&place, place.group[0], place2.group[0], file, threads);
	bench->op = &move_op;
	measure(bench);
	remove_place(&place2);
	remove_place(&place);
	remove_above(&place);
}

static void do_move(const struct entry *entry)
{
	bool whole = entry->threads > 1;
	struct bench bench = { .name = entry->name, .quiet_ms = entry->quiet_ms };

	if (whole || entry->quiet_ms) {
		bench.runs = COLD_RUNS;
		bench.warmups = 2;
		bench.iterations = whole ? PROCS_ITERATIONS : COLD_ITERATIONS;
	}
	mount_one(fl->joint);
	measure_move(&bench, 1, whole ? fl->procs : fl->threads, entry->threads);
	unmount_all();
}

static void do_mkdir(const struct entry *entry)
{
	const struct bench bench = { .name = entry->name, .op = &mkdir_op };

	mount_one(fl->joint);
	snprintf(new_group, sizeof(new_group), "%s/new", top(0));
	measure(&bench);
	unmount_all();
}

static void measure_list(struct bench *bench, const struct place *of,
			 int threads)
{
	snprintf(list.file, sizeof(list.file), "%s/%s", of->group[0],
		 fl->threads);
	list.threads = threads;
	bench->op = &read_op;
	bench->warmups = 3;
	measure(bench);
}

/* Read the files of a group with many threads, and of one beside it with one. */
static void measure_lists(struct bench *many, struct bench *beside, int threads)
{
	pid_t one, crowd;

	mount_one(fl->joint);
	make_place(&place, 1, "one");
	make_place(&place2, 1, "crowd");
	one = start_members(&place, 1);
	crowd = start_members(&place2, threads);
	if (many)
		measure_list(many, &place2, threads);
	if (beside)
		measure_list(beside, &place, 1);
	end_child(crowd);
	end_child(one);
	remove_place(&place2);
	remove_place(&place);
	unmount_all();
}

static void do_tasks(const struct entry *entry)
{
	struct bench bench = {
		.name = entry->name,
		.iterations = iterations_at(entry->threads),
		.units = entry->threads,
	};

	measure_lists(&bench, NULL, entry->threads);
}

static void do_tasks_beside(const struct entry *entry)
{
	struct bench bench = { .name = entry->name };

	measure_lists(NULL, &bench, entry->threads);
}

/* 10,000 in one process are more than a small machine allows by itself. */
static void allow_threads(void)
{
	check(ct_write_num("/proc/sys/kernel", "pid_max", 131072), "pid_max");
	check(ct_write_num("/proc/sys/kernel", "threads-max", 100000),
	      "threads-max");
	check(ct_write_num("/proc/sys/vm", "max_map_count", 1000000),
	      "max_map_count");
}

static void do_tasks_curve(const struct entry *entry)
{
	size_t i;

	allow_threads();
	for (i = 0; i < ARRAY_SIZE(powers); i++) {
		struct bench many = {
			.name = "tasks-n",
			.x = powers[i],
			.iterations = iterations_at(powers[i]),
		};
		struct bench beside = {
			.name = "tasks-others",
			.x = powers[i],
		};

		measure_lists(&many, &beside, powers[i]);
	}
}

static void do_depth(const struct entry *entry)
{
	static const struct {
		const char *name;
		const struct op *op;
	} ops[] = {
		{ "depth-fork", &fork_op },
		{ "depth-thread", &thread_op },
		{ "depth-open", &open_op },
		{ "depth-switch", &switch_op },
	};
	struct bench bench = { .place = &place };
	int depth;
	size_t i;

	mount_separate();
	for (depth = 1; depth <= 32; depth *= 2) {
		make_place(&place, depth, "a");
		for (i = 0; i < ARRAY_SIZE(ops); i++) {
			bench.name = ops[i].name;
			bench.x = depth;
			bench.op = ops[i].op;
			measure(&bench);
		}
		remove_place(&place);
		remove_above(&place);
	}
	unmount_all();
	mount_one(fl->joint);
	for (depth = 1; depth <= 32; depth *= 2) {
		struct bench attach = { .name = "depth-attach", .x = depth };

		measure_move(&attach, depth, fl->threads, 1);
	}
	unmount_all();
}

static void do_hierarchies(const struct entry *entry)
{
	int count;

	if (!fl->named)
		die("there are no hierarchies without subsystem");
	for (count = 1; count <= HIERARCHIES; count *= 2) {
		struct bench fork = {
			.name = "hier-fork",
			.x = count,
			.op = &fork_op,
			.place = &place,
		};
		struct bench attach = { .name = "hier-attach", .x = count };

		while (nr_mounted < count)
			mount_one(ct_path("none,name=h%d", nr_mounted));
		make_place(&place, 1, "a");
		measure(&fork);
		remove_place(&place);
		measure_move(&attach, 1, fl->threads, 1);
	}
	unmount_all();
}

/* What the kernel uses, in bytes. */
struct memory {
	long long slab;
	long long percpu;
};

static struct memory read_memory(void)
{
	struct memory memory;

	/* What has been freed is gone, and what can be is. */
	sleep_ms(1000);
	check(ct_write("/proc/sys/vm", "drop_caches", "2"), "drop_caches");
	sleep_ms(1000);
	memory.slab = ct_read_key("/proc", "meminfo", "Slab:") * 1024;
	memory.percpu = ct_read_key("/proc", "meminfo", "Percpu:") * 1024;
	if (memory.slab <= 0 || memory.percpu <= 0)
		die("/proc/meminfo has not all there should be");
	return memory;
}

static void print_memory(const char *prefix, int x, int count,
			 const struct memory *before)
{
	struct memory after = read_memory();

	print(ct_path("%s-slab", prefix), x,
	      (double)(after.slab - before->slab) / count);
	print(ct_path("%s-percpu", prefix), x,
	      (double)(after.percpu - before->percpu) / count);
}

/* The parent of many groups; they and it never have members. */
static const char *make_parent(void)
{
	static char parent[PATH_LEN];

	mount_one(fl->joint);
	snprintf(parent, sizeof(parent), "%s/parent", top(0));
	check(ct_mkdir(parent), parent);
	enable(parent);
	return parent;
}

static void make_children(const char *parent, int from, int to)
{
	for (; from < to; from++)
		check(ct_mkdir(ct_path("%s/%d", parent, from)), "mkdir");
}

static void remove_parent(const char *parent, int children)
{
	while (children--)
		remove_group(ct_path("%s/%d", parent, children));
	remove_group(parent);
	unmount_all();
}

static void do_mkdir_curve(const struct entry *entry)
{
	const char *parent = make_parent();
	struct memory before = read_memory();
	int count = 0;
	size_t i;

	snprintf(new_group, sizeof(new_group), "%s/new", parent);
	for (i = 0; i < ARRAY_SIZE(powers); i++) {
		struct bench bench = {
			.name = "mkdir-n",
			.x = powers[i],
			.op = &mkdir_op,
			.warmups = 5,
			.iterations = MKDIR_ITERATIONS,
		};

		make_children(parent, count, powers[i]);
		count = powers[i];
		/* Few are less than what memory comes in. */
		if (count >= 100)
			print_memory("mem", count, count, &before);
		measure(&bench);
	}
	remove_parent(parent, count);
}

static void do_memory(const struct entry *entry)
{
	const int count = 1000;
	const char *parent = make_parent();
	struct memory before = read_memory();

	make_children(parent, 0, count);
	print_memory(entry->name, 0, count, &before);
	remove_parent(parent, count);
}

static void do_cpus_curve(const struct entry *entry)
{
	size_t i;
	int k;

	/* With one there is nothing to change. */
	if (ct_cpus() < 2)
		die("needs two processors");
	mount_separate();
	for (i = 0; i < ARRAY_SIZE(powers) && powers[i] <= 1000; i++) {
		struct bench bench = {
			.name = "cpus-n",
			.x = powers[i],
			.op = &alternate_op,
			.warmups = 4,
			.iterations = iterations_at(powers[i]),
		};
		pid_t crowd;

		/* In the cpuset's hierarchy alone. */
		place.count = 0;
		make_at(&place, 0, 1, "a");
		crowd = start_members(&place, powers[i]);
		for (k = 0; k < 2; k++) {
			snprintf(alternate.file[k], sizeof(alternate.file[k]),
				 "%s/cpuset.cpus", place.group[0]);
			sprintf(alternate.text[k], "%d", k);
		}
		measure(&bench);
		end_child(crowd);
		remove_place(&place);
	}
	unmount_all();
}

/*
 * Storms: how often locks are taken, and waited for, with all processors busy.
 * Everybody is ready before the counting starts, and nobody leaves before it ends.
 */

enum { STARTED, PLACED, READY, DONE };

struct worker {
	int state;
	pid_t pid;
};

static struct storm {
	int go;
	int end;
	struct worker worker[2 * WORKERS];
} *storm;
static int nr_workers;

static void work(struct worker *worker, const struct op *op)
{
	int i;

	told = &worker->state;
	ct_futex_wait(told, STARTED);
	if (op->setup)
		op->setup();
	ct_futex_wake(told, READY);
	ct_futex_wait(&storm->go, 0);
	for (i = 0; i < STORM_OPS; i++)
		op->iterate();
	ct_futex_wake(told, DONE);
	ct_futex_wait(&storm->end, 0);
	if (op->finish)
		op->finish();
	_exit(0);
}

static void await_worker(struct worker *worker, int before, int after)
{
	ct_futex_wait(&worker->state, before);
	/* It may be further already. */
	if (__atomic_load_n(&worker->state, __ATOMIC_SEQ_CST) < after)
		die("a worker failed");
}

static void start_worker(const struct op *op, const struct place *at)
{
	struct worker *worker = &storm->worker[nr_workers++];
	pid_t pid = check_sys(ct_fork(), "fork");

	if (!pid)
		work(worker, op);
	worker->pid = pid;
	if (at)
		enter(at, pid);
	ct_futex_wake(&worker->state, PLACED);
	await_worker(worker, PLACED, READY);
}

static void count_locks(int on)
{
	if (access("/proc/lock_stat", F_OK))
		return;
	if (on)
		check(ct_write("/proc", "lock_stat", "0"), "lock_stat");
	if (!access("/proc/sys/kernel/lock_stat", F_OK))
		check(ct_write_num("/proc/sys/kernel", "lock_stat", on),
		      "lock_stat");
}

/* The lines of classes; others have no colon. */
static void print_locks(const char *name)
{
	FILE *file = fopen("/proc/lock_stat", "r");
	char line[1024];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (strchr(line, ':') &&
		    dprintf(1, "lock-stat\t%s\t%s", name, line) < 0)
			die("stdout: %m");
	if (ferror(file))
		die("lock_stat: %m");
	fclose(file);
}

static void run_workers(const char *name)
{
	int i;

	count_locks(1);
	ct_futex_wake(&storm->go, 1);
	for (i = 0; i < nr_workers; i++)
		await_worker(&storm->worker[i], READY, DONE);
	count_locks(0);
	ct_futex_wake(&storm->end, 1);
	for (i = 0; i < nr_workers; i++)
		if (ct_wait(storm->worker[i].pid))
			die("%s: a worker failed", name);
	if (dprintf(1, "%s\tops\t%d\n", name, nr_workers * STORM_OPS) < 0)
		die("stdout: %m");
	print_locks(name);
}

/* Each worker in groups of its own, each child between two of its worker's. */
static void do_storm(const struct entry *entry)
{
	static struct place places[WORKERS], from[WORKERS], to[WORKERS];
	char name[16];
	int i;

	storm = ct_shared(sizeof(*storm));
	nr_workers = 0;
	if (entry->attach)
		mount_one(fl->joint);
	else
		mount_separate();
	for (i = 0; i < WORKERS && entry->op; i++) {
		snprintf(name, sizeof(name), "own%d", i);
		make_place(&places[i], 1, name);
		start_worker(entry->op, &places[i]);
	}
	for (i = 0; i < WORKERS && entry->attach; i++) {
		snprintf(name, sizeof(name), "from%d", i);
		make_place(&from[i], 1, name);
		snprintf(name, sizeof(name), "to%d", i);
		make_place(&to[i], 1, name);
		prepare_move(&from[i], from[i].group[0], to[i].group[0],
			     fl->threads, 1);
		start_worker(&move_op, NULL);
	}
	run_workers(entry->name);
	for (i = 0; i < WORKERS; i++) {
		if (entry->op)
			remove_place(&places[i]);
		if (entry->attach) {
			remove_place(&from[i]);
			remove_place(&to[i]);
		}
	}
	unmount_all();
	munmap(storm, sizeof(*storm));
}

#define OP(_name, _run, ...)	{ .name = _name, .run = _run, ##__VA_ARGS__ }
#define GROUP_OP(_name, _run, ...) \
	OP(_name, _run, .groups = true, ##__VA_ARGS__)

static const struct entry entries[] = {
	OP("fork", do_plain, .op = &fork_op),
	OP("thread", do_plain, .op = &thread_op),
	OP("open", do_plain, .op = &open_op),
	OP("open-sole", do_plain, .op = &open_sole_op),
	OP("switch", do_plain, .op = &switch_op),
	GROUP_OP("attach", do_move, .threads = 1),
	GROUP_OP("attach-cold", do_move, .threads = 1, .quiet_ms = QUIET_MS),
	GROUP_OP("procs-100", do_move, .threads = 100),
	GROUP_OP("procs-100-cold", do_move, .threads = 100,
		 .quiet_ms = QUIET_MS),
	GROUP_OP("mkdir", do_mkdir),
	GROUP_OP("tasks-1000", do_tasks, .threads = 1000),
	GROUP_OP("tasks-beside", do_tasks_beside, .threads = 1000),
	GROUP_OP("depth", do_depth),
	GROUP_OP("hierarchies", do_hierarchies),
	GROUP_OP("tasks-curve", do_tasks_curve),
	GROUP_OP("mkdir-curve", do_mkdir_curve),
	GROUP_OP("memory", do_memory),
	GROUP_OP("cpus-curve", do_cpus_curve),
	GROUP_OP("storm-fork", do_storm, .op = &fork_op),
	GROUP_OP("storm-open", do_storm, .op = &open_op),
	GROUP_OP("storm-attach", do_storm, .attach = true),
	GROUP_OP("storm-both", do_storm, .op = &fork_op, .attach = true),
};

static const struct entry *find_entry(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strcmp(entries[i].name, name)) {
			if (entries[i].groups && !fl->type)
				die("%s: there are no groups", name);
			return &entries[i];
		}
	die("%s: no such operation", name);
}

static void raise_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	check_sys(setrlimit(resource, &limit), "setrlimit");
}

/* With its memory at other addresses a process has other page tables to copy. */
static void fix_addresses(char **argv)
{
	int now = check_sys(personality(0xffffffff), "personality");

	if (now & ADDR_NO_RANDOMIZE)
		return;
	check_sys(personality(now | ADDR_NO_RANDOMIZE), "personality");
	execv("/proc/self/exe", argv);
	die("/proc/self/exe: %m");
}

int main(int argc, char **argv)
{
	size_t f;
	int i;

	for (f = 0; argc > 2 && f < ARRAY_SIZE(flavours); f++)
		if (!strcmp(flavours[f].name, argv[1]))
			fl = &flavours[f];
	if (!fl)
		die("usage: bench FLAVOUR OPERATION...");
	fix_addresses(argv);
	for (i = 2; i < argc; i++)
		find_entry(argv[i]);
	if (fl->type) {
		raise_limit(RLIMIT_NPROC, RLIM_INFINITY);
		raise_limit(RLIMIT_NOFILE, 65536);
		if (mkdir(BASE, 0755) && errno != EEXIST)
			die(BASE ": %m");
	}
	for (i = 2; i < argc; i++) {
		const struct entry *entry = find_entry(argv[i]);

		entry->run(entry);
	}
	return 0;
}
