// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: CPU time is charged to the container a thread is in while it runs,
 * every nanosecond of it, once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define MNT	CT_DIR "/cpuacct"
#define A	MNT "/a"
#define B	MNT "/b"
#define C	MNT "/c"
#define AB	MNT "/a/b"
#define ABC	MNT "/a/b/c"

#define CPUS	4
#define MS	1000000LL

static const char * const files[] = {
	"cpuacct.usage", "cpuacct.usage_percpu", "cpuacct.stat",
	"cpuacct.load", "cpuacct.subtree_usage",
};
#define FILES	((int)(sizeof(files) / sizeof(files[0])))

static long long usage(const char *cont)
{
	return ct_read_num(cont, "cpuacct.usage");
}

static long long subtree(const char *cont)
{
	return ct_read_num(cont, "cpuacct.subtree_usage");
}

/* Numbers of usage_percpu; returns how many there are. */
static int usage_percpu(const char *cont, long long *percpu, int max)
{
	char buf[4096];
	char *p = buf, *end;
	int count = 0;

	if (ct_read(cont, "cpuacct.usage_percpu", buf, sizeof(buf)) < 0)
		return -1;
	while (count < max) {
		long long num = strtoll(p, &end, 10);

		if (end == p)
			break;
		percpu[count++] = num;
		p = end;
	}
	return strspn(p, " \n") == strlen(p) ? count : -1;
}

static long long percpu_sum(const char *cont)
{
	long long percpu[CPUS], sum = 0;

	if (usage_percpu(cont, percpu, CPUS) != CPUS)
		return -1;
	for (int i = 0; i < CPUS; i++)
		sum += percpu[i];
	return sum;
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* CPU time of a process by its own clock; -1 where it is gone. */
static long long cpu_time(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return -1;
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/*
 * Burners: children that sleep until they are told to burn, in user or in
 * system mode.
 */
enum { BURN_NOT, BURN_USER, BURN_SYSTEM, BURN_SHARE };

struct burner {
	pid_t pid;
	int *what;
	int share;
};

/* Until the time used is this many per cent of the time gone by. */
static void burn_share(int *what, int share)
{
	long long start = now();
	struct timespec ts;

	while (__atomic_load_n(what, __ATOMIC_RELAXED) == BURN_SHARE) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		if ((ts.tv_sec * 1000 * MS + ts.tv_nsec) * 100 >
		    (now() - start) * share)
			usleep(2000);
	}
}

static void burn(struct burner *burner)
{
	static char buf[1 << 16];
	int fd = open("/dev/zero", O_RDONLY);
	int *what = burner->what;

	for (;;) {
		ct_futex_wait(what, BURN_NOT);
		while (__atomic_load_n(what, __ATOMIC_RELAXED) == BURN_USER)
			continue;
		while (__atomic_load_n(what, __ATOMIC_RELAXED) == BURN_SYSTEM)
			if (read(fd, buf, sizeof(buf)) < 0)
				_exit(1);
		if (*what == BURN_SHARE)
			burn_share(what, burner->share);
	}
}

/* Creates a burner, asleep, pinned to a CPU if that is not negative. */
static int burner_start(struct burner *burner, const char *cont, int cpu)
{
	cpu_set_t cpus;

	burner->what = ct_shared(sizeof(int));
	burner->pid = ct_fork();
	if (burner->pid < 0)
		return -errno;
	if (!burner->pid)
		burn(burner);
	if (cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		if (sched_setaffinity(burner->pid, sizeof(cpus), &cpus))
			return -errno;
	}
	return cont ? ct_attach(cont, burner->pid) : 0;
}

static void burner_go(struct burner *burner, int what)
{
	ct_futex_wake(burner->what, what);
}

static bool is_sleeping(pid_t pid)
{
	char buf[1024];
	char *p;

	if (ct_proc_read(pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	p = strrchr(buf, ')');
	return p && p[2] == 'S';
}

/*
 * Waits until a process has come to rest; returns its CPU time. It is sleeping,
 * and has been off its CPU for long enough to have been charged for all.
 */
static long long at_rest(pid_t pid)
{
	long long before = -1, time = -1;

	for (int i = 0; i < 1000 && (time < 0 || time != before); i++) {
		before = time;
		usleep(5000);
		time = is_sleeping(pid) ? cpu_time(pid) : -1;
	}
	return time;
}

static long long burner_stop(struct burner *burner)
{
	burner_go(burner, BURN_NOT);
	return at_rest(burner->pid);
}

/* Burns this much CPU time; returns what it has used in all, at rest. */
static long long burner_burn(struct burner *burner, int what, int ms)
{
	long long end = cpu_time(burner->pid) + ms * MS;
	long long give_up = now() + 15000 * MS;

	burner_go(burner, what);
	while (cpu_time(burner->pid) < end && now() < give_up)
		usleep(2000);
	return burner_stop(burner);
}

static void burner_end(struct burner *burner)
{
	ct_kill(burner->pid);
}

/* Each test has the hierarchy "cpuacct" to itself, without a container. */
FIXTURE(cpuacct) {
	int unused;
};

FIXTURE_SETUP(cpuacct)
{
	char buf[64];

	ASSERT_EQ(0, ct_setup());
	ASSERT_LT(0, ct_read("/sys/devices/system/cpu", "possible", buf,
			     sizeof(buf)));
	ASSERT_STREQ("0-3\n", buf);
	ASSERT_EQ(0, ct_mount("cpuacct", MNT));
}

FIXTURE_TEARDOWN_PARENT(cpuacct)
{
	EXPECT_EQ(0, ct_reset());
}

TEST_F(cpuacct, files)
{
	static const unsigned int modes[FILES] = {
		0644, 0444, 0444, 0444, 0444,
	};
	long long percpu[CPUS + 1];
	struct stat st;
	char buf[256];

	ASSERT_EQ(0, ct_mkdir(A));
	for (int i = 0; i < FILES; i++) {
		ASSERT_EQ(0, stat(ct_path(MNT "/%s", files[i]), &st))
			TH_LOG("%s", files[i]);
		EXPECT_EQ(modes[i], st.st_mode & 0777);
		ASSERT_EQ(0, stat(ct_path(A "/%s", files[i]), &st));
		EXPECT_EQ(modes[i], st.st_mode & 0777);
	}
	EXPECT_EQ(0, usage(A));
	EXPECT_EQ(0, subtree(A));
	EXPECT_EQ(0, ct_read_num(A, "cpuacct.load"));
	EXPECT_EQ(CPUS, usage_percpu(A, percpu, CPUS + 1));
	EXPECT_EQ(0, percpu_sum(A));
	ASSERT_LT(0, ct_read(A, "cpuacct.stat", buf, sizeof(buf)));
	EXPECT_STREQ("user 0\nsystem 0\n", buf);
}

/* Before it is a member, while it is, and after. */
TEST_F(cpuacct, only_while_member)
{
	struct burner burner;
	long long start, end, killed;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, NULL, -1));
	start = burner_burn(&burner, BURN_USER, 100);
	EXPECT_LE(100 * MS, start);
	EXPECT_EQ(0, usage(A));
	ASSERT_EQ(0, ct_attach(A, burner.pid));
	EXPECT_EQ(0, usage(A));
	end = burner_burn(&burner, BURN_USER, 200);
	EXPECT_LE(200 * MS, end - start);
	EXPECT_EQ(end - start, usage(A));
	EXPECT_EQ(end - start, percpu_sum(A));
	EXPECT_EQ(end - start, subtree(A));
	ASSERT_EQ(0, ct_attach(MNT, burner.pid));
	burner_burn(&burner, BURN_USER, 100);
	EXPECT_EQ(end - start, usage(A));
	/* And on top of that when it comes again. */
	start += at_rest(burner.pid) - end;
	ASSERT_EQ(0, ct_attach(A, burner.pid));
	end = burner_burn(&burner, BURN_SYSTEM, 100);
	EXPECT_EQ(end - start, usage(A));
	killed = now();
	burner_end(&burner);
	/* And what it has run to exit. */
	EXPECT_LE(end - start, usage(A));
	EXPECT_GE(end - start + now() - killed, usage(A));
}

/* Moved at rest: each container has exactly what was used in it. */
TEST_F(cpuacct, split_at_rest)
{
	static const char * const conts[] = { A, B, C };
	long long want[3] = {};
	struct burner burner;
	long long last;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_mkdir(conts[i]));
	}
	ASSERT_EQ(0, burner_start(&burner, NULL, -1));
	last = at_rest(burner.pid);
	for (int i = 0; i < 30; i++) {
		int c = (i * 7 + i / 3) % 3;
		long long time;

		ASSERT_EQ(0, ct_attach(conts[c], burner.pid));
		time = burner_burn(&burner, i & 1 ? BURN_USER : BURN_SYSTEM,
				   5);
		want[c] += time - last;
		last = time;
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_LT(0, want[i]);
		EXPECT_EQ(want[i], usage(conts[i]));
		EXPECT_EQ(want[i], percpu_sum(conts[i]));
	}
	burner_end(&burner);
}

/*
 * Moved while it runs: what it had used before the move is in the old
 * container, what it uses after it in the new one, and nothing is lost.
 */
TEST_F(cpuacct, split_while_running)
{
	struct burner burner;
	long long start, before, after, end;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	ASSERT_EQ(0, burner_start(&burner, A, 3));
	start = at_rest(burner.pid) - usage(A);
	burner_go(&burner, BURN_USER);
	for (int i = 0; i < 50; i++) {
		long long a = usage(A), b = usage(B), old, new;

		usleep(5000 + i * 317);
		before = cpu_time(burner.pid) - start;
		ASSERT_EQ(0, ct_attach(i & 1 ? A : B, burner.pid));
		after = cpu_time(burner.pid) - start;
		old = i & 1 ? usage(B) : usage(A);
		EXPECT_LE(before, old + (i & 1 ? a : b));
		EXPECT_GE(after, old + (i & 1 ? a : b));
		/* The old one has got its last. */
		new = i & 1 ? usage(A) : usage(B);
		EXPECT_LE(i & 1 ? a : b, new);
		usleep(3000);
		EXPECT_EQ(old, i & 1 ? usage(B) : usage(A));
	}
	end = burner_stop(&burner) - start;
	EXPECT_LT(0, usage(A));
	EXPECT_LT(0, usage(B));
	EXPECT_EQ(end, usage(A) + usage(B));
	EXPECT_EQ(end, percpu_sum(A) + percpu_sum(B));
	burner_end(&burner);
}

/*
 * The scheduler charges at ticks, and a move falls between two of them: what
 * has been used since the last one is the old container's.
 */
TEST_F(cpuacct, charged_up_to_the_move)
{
	struct burner burner;
	int charged = 0;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	ASSERT_EQ(0, burner_start(&burner, A, 3));
	burner_go(&burner, BURN_USER);
	for (int i = 0; i < 40; i++) {
		const char *from = i & 1 ? B : A;
		long long before;

		/* At any moment of a tick. Its clock is not read: that counts. */
		usleep(20000 + i * 633);
		before = usage(from);
		ASSERT_EQ(0, ct_attach(i & 1 ? A : B, burner.pid));
		charged += usage(from) > before;
	}
	EXPECT_LT(30, charged);
	burner_end(&burner);
}

/* So does an exit, of members too short-lived for a tick to have met them. */
TEST_F(cpuacct, charged_up_to_the_exit)
{
	struct rusage ru;
	long long spent;
	int status;
	pid_t pid;

	ASSERT_EQ(0, ct_mkdir(A));
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (ct_enter(A))
			_exit(1);
		for (int i = 0; i < 200; i++) {
			long long end = now() + 3 * MS;

			pid = fork();
			if (pid) {
				ct_wait(pid);
				continue;
			}
			/* Its own clock is not read: that charges it. */
			while (now() < end)
				continue;
			_exit(0);
		}
		_exit(0);
	}
	ASSERT_EQ(pid, wait4(pid, &status, 0, &ru));
	EXPECT_EQ(0, status);
	/* Of all, and of what they waited for. */
	spent = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000 * MS +
		(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * MS / 1000;
	EXPECT_LT(spent * 3 / 4, usage(A));
}

/* Of a process, those threads that are members count. */
struct pair {
	int stop;
	pid_t tid;
	long long time[2];
};

static void *pair_burn(void *arg)
{
	struct pair *pair = arg;
	struct timespec ts;

	pair->tid = syscall(SYS_gettid);
	while (!__atomic_load_n(&pair->stop, __ATOMIC_RELAXED))
		continue;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	pair->time[1] = ts.tv_sec * 1000 * MS + ts.tv_nsec;
	return NULL;
}

TEST_F(cpuacct, single_thread)
{
	struct pair *pair = ct_shared(sizeof(*pair));
	long long used, began;
	pid_t pid;

	ASSERT_EQ(0, ct_mkdir(A));
	began = now();
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct timespec ts;
		pthread_t thread;

		if (pthread_create(&thread, NULL, pair_burn, pair))
			_exit(1);
		while (!__atomic_load_n(&pair->stop, __ATOMIC_RELAXED))
			continue;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		pair->time[0] = ts.tv_sec * 1000 * MS + ts.tv_nsec;
		pthread_join(thread, NULL);
		_exit(0);
	}
	while (!__atomic_load_n(&pair->tid, __ATOMIC_RELAXED))
		usleep(1000);
	ASSERT_EQ(0, ct_attach(A, pair->tid));
	/* Longer than it has been elsewhere. */
	usleep(400000 + (now() - began) / 1000);
	__atomic_store_n(&pair->stop, 1, __ATOMIC_RELAXED);
	EXPECT_EQ(0, ct_wait(pid));
	used = usage(A);
	/* The first thread's time, which is as much again, is not in it. */
	EXPECT_LT(pair->time[1] / 4, used);
	EXPECT_GT(pair->time[1] + pair->time[0] / 2, used);
}

/* Children count, and go on counting when they have exited. */
TEST_F(cpuacct, children)
{
	long long before, spent, last, began;
	struct burner burner;
	struct timespec ts;
	pid_t pid;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, A, -1));
	at_rest(burner.pid);
	before = usage(A);
	began = now();
	pid = ct_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* A member from here on; so are its children. */
		if (ct_enter(A))
			_exit(1);
		for (int i = 0; i < 3; i++) {
			pid = fork();
			if (pid) {
				ct_wait(pid);
				continue;
			}
			do {
				clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
			} while (ts.tv_nsec < 100 * MS);
			_exit(0);
		}
		_exit(0);
	}
	EXPECT_EQ(0, ct_wait(pid));
	spent = usage(A) - before;
	EXPECT_LE(300 * MS, spent);
	/* One at a time, and one that creates the other or waits. */
	EXPECT_GT(2 * (now() - began), spent);
	/* It stays when there is no member any more, once that has been run. */
	burner_end(&burner);
	began = now();
	do {
		last = usage(A);
		usleep(20000);
	} while (usage(A) != last && now() < began + CT_WAIT_MS * MS);
	EXPECT_EQ(last, usage(A));
	EXPECT_EQ(last, percpu_sum(A));
}

TEST_F(cpuacct, percpu)
{
	long long before[CPUS], after[CPUS];
	struct burner burner;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, A, 0));
	for (int cpu = CPUS - 1; cpu >= 0; cpu--) {
		long long used;
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		ASSERT_EQ(0, sched_setaffinity(burner.pid, sizeof(cpus),
					       &cpus));
		used = -at_rest(burner.pid);
		ASSERT_EQ(CPUS, usage_percpu(A, before, CPUS));
		used += burner_burn(&burner, BURN_USER, 50);
		ASSERT_EQ(CPUS, usage_percpu(A, after, CPUS));
		for (int i = 0; i < CPUS; i++) {
			EXPECT_EQ(i == cpu ? used : 0, after[i] - before[i])
				TH_LOG("CPU %d in column %d", cpu, i);
		}
		EXPECT_EQ(percpu_sum(A), usage(A));
	}
	burner_end(&burner);
}

/* Ticks of a CPU in user and in system mode since boot. */
static int cpu_ticks(int cpu, long long *user, long long *system)
{
	char key[16], buf[16384];
	long long nice, idle, iowait, irq, softirq;
	char *p;

	snprintf(key, sizeof(key), "cpu%d ", cpu);
	if (ct_read("/proc", "stat", buf, sizeof(buf)) < 0)
		return -1;
	p = strstr(buf, key);
	if (!p || sscanf(p + strlen(key), "%lld %lld %lld %lld %lld %lld %lld",
			 user, &nice, system, &idle, &iowait, &irq,
			 &softirq) != 7)
		return -1;
	*user += nice;
	*system += irq + softirq;
	return 0;
}

/*
 * Ticks: compared with those of the CPU that the burner has to itself, since
 * a virtual machine gets fewer than the time that goes by.
 */
TEST_F(cpuacct, stat)
{
	long long user[2], system[2], got[2], all[2];
	struct burner burner;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, A, 3));
	for (int mode = 0; mode < 2; mode++) {
		long long give_up = now() + 8000 * MS;

		ASSERT_EQ(0, cpu_ticks(3, &user[0], &system[0]));
		got[0] = -ct_read_key(A, "cpuacct.stat", "user");
		got[1] = -ct_read_key(A, "cpuacct.stat", "system");
		burner_go(&burner, mode ? BURN_SYSTEM : BURN_USER);
		do {
			usleep(50000);
			ASSERT_EQ(0, cpu_ticks(3, &user[1], &system[1]));
		} while (now() < give_up && (mode ? system[1] - system[0] :
					     user[1] - user[0]) < 60);
		burner_stop(&burner);
		got[0] += ct_read_key(A, "cpuacct.stat", "user");
		got[1] += ct_read_key(A, "cpuacct.stat", "system");
		ASSERT_EQ(0, cpu_ticks(3, &user[1], &system[1]));
		all[0] = user[1] - user[0];
		all[1] = system[1] - system[0];
		EXPECT_LE(60, all[mode]);
		EXPECT_LE(all[mode] * 7 / 10, got[mode]);
		for (int i = 0; i < 2; i++) {
			EXPECT_GE(all[i] + 2, got[i])
				TH_LOG("%s burner, %s ticks",
				       mode ? "system" : "user",
				       i ? "system" : "user");
		}
		/* One that reads all the time is in user mode at times. */
		EXPECT_LT(2 * got[!mode], got[mode]);
	}
	/* No member, no ticks. */
	ASSERT_EQ(0, ct_attach(MNT, burner.pid));
	got[0] = ct_read_key(A, "cpuacct.stat", "user");
	burner_burn(&burner, BURN_USER, 300);
	EXPECT_EQ(got[0], ct_read_key(A, "cpuacct.stat", "user"));
	burner_end(&burner);
}

/* One CPU, two CPUs, three tenths of one, none. */
TEST_F_TIMEOUT(cpuacct, load, 120)
{
	static const char * const conts[] = { A, B, C, MNT "/d" };
	static const int low[] = { 90, 180, 24, 0 };
	static const int high[] = { 103, 206, 38, 0 };
	struct burner burners[4];
	long long last[4] = {};
	int changes[4] = {}, intervals = 2;
	bool right = false;
	long long end;

	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, ct_mkdir(conts[i]));
		EXPECT_EQ(0, ct_read_num(conts[i], "cpuacct.load"));
	}
	burners[3].share = 30;
	ASSERT_EQ(0, burner_start(&burners[0], A, 1));
	ASSERT_EQ(0, burner_start(&burners[1], B, 2));
	ASSERT_EQ(0, burner_start(&burners[2], B, 3));
	ASSERT_EQ(0, burner_start(&burners[3], C, 0));
	for (int i = 0; i < 4; i++)
		burner_go(&burners[i], i < 3 ? BURN_USER : BURN_SHARE);
	/*
	 * Two intervals, so that the last complete one is a full one. A few more where
	 * the machine has had no processor for one of ours for part of it.
	 */
	for (end = now() + 21500 * MS; !right && intervals < 6; intervals++) {
		while (now() < end) {
			usleep(100000);
			for (int i = 0; i < 4; i++) {
				long long load = ct_read_num(conts[i], "cpuacct.load");

				changes[i] += load != last[i];
				last[i] = load;
			}
		}
		end += 10000 * MS;
		right = true;
		for (int i = 0; i < 4; i++)
			right &= low[i] <= last[i] && last[i] <= high[i];
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_LE(low[i], last[i])
			TH_LOG("%s", conts[i]);
		EXPECT_GE(high[i], last[i])
			TH_LOG("%s", conts[i]);
		/* At the end of an interval, and at no other time. */
		EXPECT_GE(intervals, changes[i]);
	}
	for (int i = 0; i < 4; i++)
		burner_end(&burners[i]);
	/* What they did in the interval that is under way comes, and goes. */
	for (int tenths = 0; tenths < 215; tenths++) {
		usleep(100000);
		if (!ct_read_num(A, "cpuacct.load") &&
		    !ct_read_num(B, "cpuacct.load") &&
		    !ct_read_num(C, "cpuacct.load"))
			break;
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, ct_read_num(conts[i], "cpuacct.load"));
	}
}

TEST_F(cpuacct, reset)
{
	static const char * const zeros[] = { "0", "0\n" };
	struct burner burner;
	long long time;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_mkdir(B));
	ASSERT_EQ(0, ct_mkdir(AB));
	ASSERT_EQ(0, burner_start(&burner, A, -1));
	for (int i = 0; i < 2; i++) {
		time = burner_burn(&burner, BURN_USER, 50);
		EXPECT_LE(50 * MS, usage(A));
		EXPECT_EQ(0, ct_write(A, "cpuacct.usage", zeros[i]));
		EXPECT_EQ(0, usage(A));
		EXPECT_EQ(0, percpu_sum(A));
		time = burner_burn(&burner, BURN_USER, 50) - time;
		EXPECT_EQ(time, usage(A));
		EXPECT_EQ(time, percpu_sum(A));
	}
	/* Others' are left alone. */
	ASSERT_EQ(0, ct_attach(AB, burner.pid));
	time = -at_rest(burner.pid);
	time += burner_burn(&burner, BURN_USER, 50);
	EXPECT_EQ(0, ct_write(A, "cpuacct.usage", "0"));
	EXPECT_EQ(0, ct_write(B, "cpuacct.usage", "0"));
	EXPECT_EQ(0, usage(A));
	EXPECT_EQ(time, usage(AB));
	/* While it runs: what is counted then is what comes after it. */
	burner_go(&burner, BURN_USER);
	for (int i = 0; i < 20; i++) {
		long long before, after;

		usleep(5000);
		before = cpu_time(burner.pid);
		EXPECT_EQ(0, ct_write(AB, "cpuacct.usage", "0"));
		after = usage(AB);
		EXPECT_LE(0, after);
		/* Its clock goes on just before it is charged, mostly by a tick. */
		EXPECT_GE(cpu_time(burner.pid) - before + 20 * MS, after);
	}
	burner_end(&burner);
}

TEST_F(cpuacct, reset_takes_0_only)
{
	static const char * const bad[] = {
		"1", "-1", "x", "0x", "0 0", "1\n", "00000001", "-0x1", "0,",
	};
	struct burner burner;
	long long time;
	int ret;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, A, -1));
	burner_burn(&burner, BURN_USER, 20);
	time = usage(A);
	EXPECT_LE(20 * MS, time);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(-EINVAL, ct_write(A, "cpuacct.usage", bad[i]))
			TH_LOG("'%s'", bad[i]);
	}
	ret = ct_write_bytes(A, "cpuacct.usage", "", 0);
	EXPECT_TRUE(ret == 0 || ret == -EINVAL);
	EXPECT_NE(0, ct_write_bytes(A, "cpuacct.usage", "0\0", 3));
	EXPECT_EQ(time, usage(A));
	for (int i = 1; i < FILES; i++) {
		EXPECT_NE(0, ct_write(A, files[i], "0"));
	}
	EXPECT_EQ(time, usage(A));
	EXPECT_EQ(time, percpu_sum(A));
	EXPECT_EQ(time, subtree(A));
	burner_end(&burner);
}

/* The subtree's is what all in it have used, those removed included. */
TEST_F(cpuacct, subtree_usage)
{
	static const char * const conts[] = { A, AB, ABC };
	long long time[3];
	struct burner burner;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_mkdir(conts[i]));
	}
	ASSERT_EQ(0, burner_start(&burner, NULL, -1));
	at_rest(burner.pid);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ct_attach(conts[i], burner.pid));
		time[i] = -at_rest(burner.pid);
		time[i] += burner_burn(&burner, BURN_USER, 30 + 20 * i);
		EXPECT_EQ(time[i], usage(conts[i]));
	}
	EXPECT_EQ(time[0], usage(A));
	EXPECT_EQ(time[0] + time[1] + time[2], subtree(A));
	EXPECT_EQ(time[1] + time[2], subtree(AB));
	EXPECT_EQ(time[2], subtree(ABC));
	ASSERT_EQ(0, ct_attach(MNT, burner.pid));
	ASSERT_EQ(0, ct_rmdir(ABC));
	EXPECT_EQ(time[0] + time[1] + time[2], subtree(A));
	EXPECT_EQ(time[1] + time[2], subtree(AB));
	/* A new one of the same name starts from nothing. */
	ASSERT_EQ(0, ct_mkdir(ABC));
	EXPECT_EQ(0, usage(ABC));
	EXPECT_EQ(0, subtree(ABC));
	ASSERT_EQ(0, ct_rmdir(ABC));
	ASSERT_EQ(0, ct_rmdir(AB));
	EXPECT_EQ(time[0], usage(A));
	EXPECT_EQ(time[0] + time[1] + time[2], subtree(A));
	burner_end(&burner);
}

/* What the root has got from removed children and not used itself. */
static long long removed_from_root(struct __test_metadata *_metadata,
				   long long expect)
{
	long long removed = 0, least = LLONG_MAX;

	/* What is used meanwhile cannot be told from it: as little as can be had. */
	for (int i = 0; i < 5; i++) {
		long long before = usage(MNT);
		long long all = subtree(MNT);
		long long after = usage(MNT);

		if (expect >= 0) {
			EXPECT_LE(before + expect, all);
			EXPECT_GE(after + expect, all);
		}
		if (after - before < least) {
			least = after - before;
			removed = all - after;
		}
	}
	return removed;
}

TEST_F(cpuacct, root)
{
	long long before, time, rest, percpu[CPUS];
	struct burner burner;

	before = usage(MNT);
	rest = removed_from_root(_metadata, -1);
	ASSERT_EQ(0, burner_start(&burner, NULL, -1));
	time = burner_burn(&burner, BURN_USER, 200);
	EXPECT_LE(before + time, usage(MNT));
	EXPECT_EQ(CPUS, usage_percpu(MNT, percpu, CPUS));
	EXPECT_LE(before, percpu_sum(MNT));
	/* A child's time is not the root's, but that of its subtree. */
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_attach(A, burner.pid));
	time = -at_rest(burner.pid);
	time += burner_burn(&burner, BURN_USER, 1000);
	EXPECT_EQ(time, usage(A));
	EXPECT_LT(rest + time - 100 * MS, removed_from_root(_metadata, -1));
	burner_end(&burner);
	time = usage(A);
	ASSERT_EQ(0, ct_rmdir(A));
	EXPECT_LT(rest + time - 100 * MS, removed_from_root(_metadata, -1));
	EXPECT_GT(rest + time + 500 * MS, removed_from_root(_metadata, -1));
}

TEST_F(cpuacct, removed)
{
	int fds[FILES];
	char buf[64];

	ASSERT_EQ(0, ct_mkdir(A));
	for (int i = 0; i < FILES; i++) {
		fds[i] = ct_open(A, files[i], i ? O_RDONLY : O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, ct_rmdir(A));
	for (int i = 0; i < FILES; i++) {
		EXPECT_EQ(-1, read(fds[i], buf, sizeof(buf)));
		EXPECT_EQ(ENODEV, errno);
	}
	EXPECT_EQ(-ENODEV, ct_fd_write(fds[0], "0"));
	for (int i = 0; i < FILES; i++)
		close(fds[i]);
}

/* Unmounted with a child it goes on counting. */
TEST_F(cpuacct, unmounted_with_child)
{
	struct burner burner;
	long long time;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, burner_start(&burner, A, -1));
	ASSERT_EQ(0, ct_umount(MNT));
	time = burner_burn(&burner, BURN_USER, 50);
	ASSERT_EQ(0, ct_mount("cpuacct", MNT));
	/* All but what it used before it was attached. */
	EXPECT_LE(50 * MS, usage(A));
	EXPECT_GE(time, usage(A));
	burner_end(&burner);
}

/*
 * Hole 60: the tick charges the idle tasks too, which no walk of the task list
 * reaches: mounted and unmounted on a machine that does nothing else.
 */
TEST_F_TIMEOUT(cpuacct, mounts_on_idle_machine, 120)
{
	struct ct_subsys row;

	ASSERT_EQ(0, ct_umount(MNT));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, ct_mount("cpuacct", MNT));
		if (i % 3 == 0) {
			ASSERT_EQ(0, ct_mkdir(A));
		}
		usleep(i % 10 * 1000);
		EXPECT_LE(0, usage(MNT));
		if (i % 3 == 0) {
			ASSERT_EQ(0, ct_rmdir(A));
		}
		ASSERT_EQ(0, ct_umount(MNT));
	}
	ASSERT_EQ(0, ct_subsys("cpuacct", &row));
	EXPECT_EQ(0, row.hierarchy);
	EXPECT_EQ(1, row.containers);
}

TEST_HARNESS_MAIN
