// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling domains: sched_load_balance and sched_relax_domain_level, seen in
 * /proc/schedstat and in the scheduler's debug files, and the bandwidth of
 * SCHED_DEADLINE threads in each domain.
 */
#include "../kselftest_harness.h"
#include "cpuset_util.h"
#include "race_util.h"

#define A	MNT "/a"
#define B	MNT "/b"
#define AA	MNT "/a/aa"
#define AB	MNT "/a/ab"

#define BALANCE	"cpuset.sched_load_balance"
#define LEVEL	"cpuset.sched_relax_domain_level"

/*
 * Three threads that want 65 per cent of a CPU each. A domain of two CPUs has
 * 190 per cent.
 */
#define WANT	65

static unsigned long long counted(int cpu)
{
	return cpuset_counted(cpu, WANT);
}

/* The root as it is after boot; each test begins with one domain. */
FIXTURE(domains) {
	pid_t pid[3];
};

FIXTURE_SETUP(domains)
{
	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, cpuset_machine());
	ASSERT_EQ(0, ct_mount("cpuset", MNT));
	ASSERT_EQ(ALL_CPUS, cpuset_domain(0));
	cpuset_wait_counted(0, WANT, 0);
	ASSERT_EQ(0, counted(0));
}

FIXTURE_TEARDOWN_PARENT(domains)
{
	EXPECT_EQ(0, cpus_restore());
	EXPECT_EQ(0, ct_reset());
	/* Unmounting leaves nothing behind. */
	EXPECT_EQ(ALL_CPUS, cpuset_domain(3));
}

/* The domain of each CPU. */
#define EXPECT_DOMAINS(d0, d1, d2, d3) do {				\
	EXPECT_EQ((unsigned long)(d0), cpuset_domain(0));		\
	EXPECT_EQ((unsigned long)(d1), cpuset_domain(1));		\
	EXPECT_EQ((unsigned long)(d2), cpuset_domain(2));		\
	EXPECT_EQ((unsigned long)(d3), cpuset_domain(3));		\
} while (0)

/* The flag files: what they are at first and what they take. */
TEST_F(domains, files)
{
	EXPECT_EQ(1, ct_read_num(MNT, BALANCE));
	EXPECT_EQ(-1, ct_read_num(MNT, LEVEL));
	ASSERT_EQ(0, ct_mkdir(A));
	EXPECT_EQ(1, ct_read_num(A, BALANCE));
	EXPECT_EQ(-1, ct_read_num(A, LEVEL));
	EXPECT_EQ(0, ct_write(A, BALANCE, "0"));
	EXPECT_EQ(0, ct_write(A, LEVEL, "0\n"));
	EXPECT_EQ(-EINVAL, ct_write(A, BALANCE, "2"));
	EXPECT_EQ(-EINVAL, ct_write(A, BALANCE, "-1"));
	EXPECT_EQ(-EINVAL, ct_write(A, LEVEL, "-2"));
	EXPECT_EQ(-EINVAL, ct_write(A, LEVEL, "1000"));
	EXPECT_EQ(-EINVAL, ct_write(A, LEVEL, "one"));
	EXPECT_EQ(0, ct_read_num(A, BALANCE));
	EXPECT_EQ(0, ct_read_num(A, LEVEL));
	/* Children do not inherit them. */
	ASSERT_EQ(0, ct_mkdir(AA));
	EXPECT_EQ(1, ct_read_num(AA, BALANCE));
	EXPECT_EQ(-1, ct_read_num(AA, LEVEL));
	EXPECT_EQ(0, ct_write(A, LEVEL, "-1"));
	EXPECT_EQ(-1, ct_read_num(A, LEVEL));
}

/* While the root is balanced, what is below makes no difference. */
TEST_F(domains, root_is_balanced)
{
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
	ASSERT_EQ(0, ct_write(A, BALANCE, "0"));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
}

TEST_F(domains, one_for_each_child)
{
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	/* A child that is not balanced leaves its CPUs alone. */
	ASSERT_EQ(0, ct_write(B, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0, 0);
	ASSERT_EQ(0, ct_write(B, BALANCE, "1"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	/* They follow the CPUs that are configured. */
	ASSERT_EQ(0, ct_write(B, "cpuset.cpus", "3"));
	EXPECT_DOMAINS(0x3, 0x3, 0, 0);
	ASSERT_EQ(0, ct_write(A, "cpuset.cpus", "0-2"));
	EXPECT_DOMAINS(0x7, 0x7, 0x7, 0);
	/* The domain goes with the cpuset. */
	ASSERT_EQ(0, ct_rmdir(A));
	EXPECT_DOMAINS(0, 0, 0, 0);
	/* One without CPUs has none. */
	ASSERT_EQ(0, ct_mkdir(A));
	EXPECT_DOMAINS(0, 0, 0, 0);
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "1"));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
}

TEST_F(domains, overlapping_ones_merge)
{
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	ASSERT_EQ(0, cpuset_make(A, 0x9, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0x6, ALL_MEMS));
	EXPECT_DOMAINS(0x9, 0x6, 0x6, 0x9);
	/* One that has CPUs of both joins them, and one after the other. */
	ASSERT_EQ(0, cpuset_make(MNT "/c", 0x3, ALL_MEMS));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
	ASSERT_EQ(0, ct_rmdir(MNT "/c"));
	EXPECT_DOMAINS(0x9, 0x6, 0x6, 0x9);
	ASSERT_EQ(0, ct_write(B, "cpuset.cpus", "0-1"));
	EXPECT_DOMAINS(0xb, 0xb, 0, 0xb);
}

TEST_F(domains, nested)
{
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	ASSERT_EQ(0, cpuset_make(A, 0xf, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(AA, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(AB, 0xc, ALL_MEMS));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
	ASSERT_EQ(0, ct_write(A, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	ASSERT_EQ(0, ct_write(A, BALANCE, "1"));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
}

TEST_F(domains, hotplug)
{
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0x8, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0, 0);
	ASSERT_EQ(0, ct_write(B, BALANCE, "0"));
	ASSERT_EQ(0, cpu_online(3, false));
	EXPECT_EQ(0x3UL, cpuset_domain(0));
	/* A cpuset that has to live on the CPUs of others does not join them. */
	ASSERT_EQ(0x7UL, cpuset_get(B, "cpuset.effective_cpus"));
	ASSERT_EQ(0, ct_write(B, BALANCE, "1"));
	EXPECT_EQ(0x3UL, cpuset_domain(0));
	EXPECT_EQ(0UL, cpuset_domain(2));
	ASSERT_EQ(0, ct_write(B, "cpuset.cpus", "2-3"));
	ASSERT_EQ(0, cpu_online(1, false));
	EXPECT_EQ(0UL, cpuset_domain(0));
	ASSERT_EQ(0, cpu_online(3, true));
	EXPECT_EQ(0xcUL, cpuset_domain(2));
	ASSERT_EQ(0, cpu_online(1, true));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
}

/* Does an idle CPU look for work in the others of its domain? */
static bool balances_when_idle(int cpu)
{
	char buf[512];
	const char *dir = ct_path("/sys/kernel/debug/sched/domains/cpu%d/domain0",
				  cpu);

	return ct_read(dir, "flags", buf, sizeof(buf)) > 0 &&
	       strstr(buf, "SD_BALANCE_NEWIDLE");
}

/* The highest level of the cpusets of a domain counts. */
TEST_F(domains, relax_level)
{
	int highest;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	ASSERT_EQ(0, ct_write("/sys/kernel/debug/sched", "verbose", "Y"));
	ASSERT_TRUE(balances_when_idle(0));
	ASSERT_TRUE(balances_when_idle(2));
	ASSERT_EQ(0, ct_write(A, LEVEL, "0"));
	EXPECT_FALSE(balances_when_idle(0));
	EXPECT_TRUE(balances_when_idle(2));
	ASSERT_EQ(0, cpuset_make(AA, 0x1, ALL_MEMS));
	highest = 20;
	while (ct_write_num(AA, LEVEL, highest) == -EINVAL && highest)
		highest--;
	ASSERT_LT(0, highest);
	EXPECT_TRUE(balances_when_idle(0));
	ASSERT_EQ(0, ct_write(AA, BALANCE, "0"));
	EXPECT_FALSE(balances_when_idle(0));
	ASSERT_EQ(0, ct_write(A, LEVEL, "-1"));
	EXPECT_TRUE(balances_when_idle(0));
	ASSERT_EQ(0, ct_write(B, BALANCE, "0"));
	EXPECT_FALSE(balances_when_idle(2));
	EXPECT_EQ(0, ct_write("/sys/kernel/debug/sched", "verbose", "N"));
}

/*
 * The level is for the whole domain, which may be the machine: it takes CAP_SYS_NICE
 * of who opened the file, not of its owner.
 */

static int level_of_own(void *unused)
{
	(void)unused;
	if (ct_become(CT_UID))
		return -EPROTO;
	/* It is his: what concerns nobody else he may write. */
	if (ct_mkdir(AA) || ct_write(AA, "cpuset.memory_migrate", "1"))
		return -EXDEV;
	return ct_write(AA, LEVEL, "0");
}

struct opener {
	uid_t opener;
	uid_t writer;
};

/* Open as one user, write as another; root gets its capabilities back. */
static int open_and_write_level(void *arg)
{
	struct opener *user = arg;
	int fd;

	if (seteuid(user->opener))
		return -EPROTO;
	fd = ct_open(AA, LEVEL, O_WRONLY);
	if (fd < 0)
		return -EXDEV;
	if (seteuid(0) || seteuid(user->writer))
		return -EPROTO;
	return ct_fd_write(fd, "0");
}

TEST_F(domains, level_takes_a_capability)
{
	struct opener user = { .opener = CT_UID, .writer = CT_UID };
	struct stat st;

	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, chown(A, CT_UID, CT_UID));
	EXPECT_EQ(-EPERM, ct_call(level_of_own, NULL));
	ASSERT_EQ(0, stat(AA "/" LEVEL, &st));
	EXPECT_EQ((uid_t)CT_UID, st.st_uid);
	EXPECT_EQ(-1, ct_read_num(AA, LEVEL));
	EXPECT_EQ(-EPERM, ct_call(open_and_write_level, &user));
	/* He has root do it, who has not opened the file. */
	user.writer = 0;
	EXPECT_EQ(-EPERM, ct_call(open_and_write_level, &user));
	EXPECT_EQ(-1, ct_read_num(AA, LEVEL));
	/* The other way round. */
	user = (struct opener){ .opener = 0, .writer = CT_UID };
	EXPECT_EQ(0, ct_call(open_and_write_level, &user));
	EXPECT_EQ(0, ct_read_num(AA, LEVEL));
	EXPECT_EQ(0, ct_write(AA, LEVEL, "-1"));
	EXPECT_EQ(-1, ct_read_num(AA, LEVEL));
}

/* Two burners that start on the same CPU of a domain are on two soon. */
TEST_F(domains, balancing)
{
	bool apart = false;
	uint64_t end;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	for (int i = 0; i < 2; i++) {
		/* *self is shared with the child. */
		pid_t pid = ct_fork();

		ASSERT_LE(0, pid);
		if (!pid)
			for (;;)
				;
		self->pid[i] = pid;
		ASSERT_EQ(0, cpuset_set_affinity(self->pid[i], 1));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, ct_attach(A, self->pid[i]));
		ASSERT_EQ(0, cpuset_set_affinity(self->pid[i], 0x3));
	}
	end = race_now() + CT_WAIT_MS * 1000000ULL;
	while (!apart && race_now() < end) {
		char stat[2][512];
		int cpu[2] = {};

		for (int i = 0; i < 2; i++) {
			char *p;

			ASSERT_LT(0, ct_proc_read(self->pid[i], "stat", stat[i],
						  sizeof(stat[i])));
			/* The 39th field; the second ends with ")". */
			p = strrchr(stat[i], ')');
			ASSERT_NE(NULL, p);
			for (int field = 2; field < 39; field++)
				p = strchr(p + 1, ' ');
			cpu[i] = atoi(p);
		}
		apart = cpu[0] != cpu[1];
	}
	EXPECT_TRUE(apart);
}

static void make_deadline(struct __test_metadata *_metadata, pid_t *pid)
{
	for (int i = 0; i < 3; i++) {
		pid[i] = ct_sleeper(NULL);
		ASSERT_LT(0, pid[i]);
		ASSERT_EQ(0, cpuset_set_deadline(pid[i], WANT));
	}
}

/*
 * A thread that ceases to be SCHED_DEADLINE keeps its bandwidth until it has had no
 * more than that: one that has run for BURN_MS, until KEPT_MS after it became
 * SCHED_DEADLINE.
 */
#define MS		1000000ULL
#define RUN_MS		1900
#define PERIOD_MS	4000
#define BURN_MS		1600
#define KEPT_MS		(BURN_MS * PERIOD_MS / RUN_MS)
/* What that is of a CPU, in per cent. */
#define KEPT		(100 * RUN_MS / PERIOD_MS)

static uint64_t thread_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* For a puppet. Returns until when, at least, its bandwidth is kept. */
static long cease_to_be_deadline(long arg)
{
	struct dl_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_DEADLINE,
		.sched_runtime = RUN_MS * MS,
		.sched_deadline = PERIOD_MS * MS,
		.sched_period = PERIOD_MS * MS,
	};
	struct sched_param param = {};
	uint64_t start = race_now(), end;

	(void)arg;
	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		return -errno;
	end = thread_time() + BURN_MS * MS;
	while (thread_time() < end)
		;
	if (sched_setscheduler(0, SCHED_OTHER, &param))
		return -errno;
	return start + KEPT_MS * MS;
}

/*
 * Domains are built anew meanwhile. In the new ones that bandwidth is not counted, and
 * still it is taken off there: less than nothing is in use, and nobody admitted, until
 * it is counted again. Before the other tests of deadline threads: the kernel that
 * failed here did count again once any had exited.
 */
TEST_F_TIMEOUT(domains, deadline_that_was, 120)
{
	struct puppet puppet = {};
	bool in_time = false;
	pid_t pid;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, puppet_start(&puppet));
	/* Who is slow tries again. */
	for (int i = 0; i < 5 && !in_time; i++) {
		long until = puppet_call(&puppet, cease_to_be_deadline, 0);
		bool kept = cpuset_counted(0, KEPT) == 1;

		ASSERT_LT(0, until);
		ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
		ASSERT_EQ(0, ct_write(MNT, BALANCE, "1"));
		in_time = kept && race_now() < (uint64_t)until;
		/* It is nothing at first, too; by then the timer has fired. */
		race_sleep_us(PERIOD_MS * 1000);
		cpuset_wait_counted(0, WANT, 0);
		ASSERT_EQ(0, counted(0));
	}
	ASSERT_TRUE(in_time);
	EXPECT_EQ(0, puppet_end(&puppet));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
	/* One that wants less than was missing, and the usual ones. */
	pid = ct_sleeper(NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, cpuset_set_deadline(pid, 10));
	make_deadline(_metadata, self->pid);
	EXPECT_EQ(3, counted(0));
}

/* Bandwidth is counted in the domain where the thread is. */
TEST_F(domains, deadline_attach)
{
	pid_t *pid = self->pid;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	for (int i = 0; i < 3; i++) {
		pid[i] = ct_sleeper(i < 2 ? A : B);
		ASSERT_LT(0, pid[i]);
		ASSERT_EQ(0, cpuset_set_deadline(pid[i], WANT));
	}
	EXPECT_EQ(2, counted(1));
	EXPECT_EQ(1, counted(3));
	/* A third does not fit, however often it is tried. */
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(-EBUSY, ct_attach(A, pid[2]));
		ASSERT_EQ(-EBUSY, ct_attach_process(A, pid[2]));
	}
	EXPECT_EQ(2, counted(0));
	EXPECT_EQ(1, counted(2));
	/* To and fro. */
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, ct_attach(B, pid[0]));
		EXPECT_EQ(1, counted(0));
		EXPECT_EQ(2, counted(2));
		ASSERT_EQ(0, ct_attach(A, pid[0]));
	}
	EXPECT_EQ(2, counted(0));
	EXPECT_EQ(1, counted(2));
	EXPECT_EQ(-EBUSY, ct_attach(A, pid[2]));
	/* Nor may the domain shrink. */
	EXPECT_EQ(-EBUSY, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	ASSERT_EQ(0, ct_attach(B, pid[0]));
	EXPECT_EQ(0, ct_write(A, "cpuset.cpus", "0"));
	EXPECT_EQ(0x1UL, cpuset_affinity(pid[1]));
	EXPECT_EQ(2, counted(2));
	EXPECT_EQ(1, counted(0));
}

/*
 * One that got other CPUs because its cpuset has none of its own mask goes back to that
 * if it can, and is asked whether there is room.
 */
TEST_F(domains, deadline_own_mask)
{
	pid_t *pid = self->pid;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	for (int i = 0; i < 3; i++) {
		pid[i] = ct_sleeper(A);
		ASSERT_LT(0, pid[i]);
	}
	ASSERT_EQ(0, cpuset_set_affinity(pid[0], 0x3));
	ASSERT_EQ(0, cpuset_set_deadline(pid[0], WANT));
	ASSERT_EQ(0, ct_attach(B, pid[0]));
	EXPECT_EQ(0xcUL, cpuset_affinity(pid[0]));
	EXPECT_EQ(0, counted(0));
	EXPECT_EQ(1, counted(2));
	ASSERT_EQ(0, cpuset_set_deadline(pid[1], WANT));
	ASSERT_EQ(0, cpuset_set_deadline(pid[2], WANT));
	EXPECT_EQ(-EBUSY, ct_attach(MNT, pid[0]));
	EXPECT_EQ(2, counted(0));
	EXPECT_EQ(1, counted(2));
	ct_kill(pid[1]);
	cpuset_wait_counted(0, WANT, 1);
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(0, ct_attach(MNT, pid[0]));
		EXPECT_EQ(0x3UL, cpuset_affinity(pid[0]));
		EXPECT_EQ(2, counted(0));
		EXPECT_EQ(0, counted(2));
		EXPECT_EQ(0, ct_attach(B, pid[0]));
		EXPECT_EQ(1, counted(0));
		EXPECT_EQ(1, counted(2));
	}
}

/* Until what domains that are new have counted again later is over. */
static void settle(void)
{
	race_sleep_us(6000000);
}

static long last_cpu(long arg)
{
	(void)arg;
	return sched_getcpu();
}

/* One that was a deadline thread a moment ago gives up its bandwidth elsewhere. */
TEST_F_TIMEOUT(domains, deadline_that_was_attached, 120)
{
	struct puppet puppet = {};
	bool in_time = false;

	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	settle();
	ASSERT_EQ(0, puppet_start(&puppet));
	for (int i = 0; i < 5 && !in_time; i++) {
		long until;
		bool kept;

		ASSERT_EQ(0, ct_attach(A, puppet.pid));
		until = puppet_call(&puppet, cease_to_be_deadline, 0);
		kept = cpuset_counted(0, KEPT) == 1;
		ASSERT_LT(0, until);
		ASSERT_EQ(0, ct_attach(B, puppet.pid));
		ASSERT_LE(2, puppet_call(&puppet, last_cpu, 0));
		in_time = kept && race_now() < (uint64_t)until;
		race_sleep_us(PERIOD_MS * 1000);
		cpuset_wait_counted(0, KEPT, 0);
		cpuset_wait_counted(2, KEPT, 0);
		ASSERT_EQ(0, cpuset_counted(0, KEPT));
		ASSERT_EQ(0, cpuset_counted(2, KEPT));
	}
	ASSERT_TRUE(in_time);
	EXPECT_EQ(0, puppet_end(&puppet));
}

/* A domain with more than any part of it has is not split. */
TEST_F(domains, deadline_split)
{
	make_deadline(_metadata, self->pid);
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	EXPECT_EQ(-EBUSY, ct_write(MNT, BALANCE, "0"));
	EXPECT_EQ(1, ct_read_num(MNT, BALANCE));
	EXPECT_DOMAINS(0xf, 0xf, 0xf, 0xf);
	ct_kill(self->pid[0]);
	ct_kill(self->pid[1]);
	cpuset_wait_counted(0, WANT, 1);
	EXPECT_EQ(0, ct_write(MNT, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0xc, 0xc);
	/* And back: all of it is counted again. */
	EXPECT_EQ(0, ct_write(MNT, BALANCE, "1"));
	EXPECT_EQ(1, counted(0));
	ct_kill(self->pid[2]);
}

/* CPUs of no domain are one for this purpose. */
TEST_F(domains, deadline_unbalanced)
{
	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	ASSERT_EQ(0, cpuset_make(A, 0x3, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0xc, ALL_MEMS));
	ASSERT_EQ(0, ct_write(B, BALANCE, "0"));
	EXPECT_DOMAINS(0x3, 0x3, 0, 0);
	self->pid[0] = ct_sleeper(A);
	ASSERT_LT(0, self->pid[0]);
	ASSERT_EQ(0, cpuset_set_deadline(self->pid[0], WANT));
	EXPECT_EQ(1, counted(1));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, ct_attach(B, self->pid[0]));
		EXPECT_EQ(0, counted(1));
		EXPECT_EQ(1, counted(2));
		ASSERT_EQ(0, ct_attach(A, self->pid[0]));
		EXPECT_EQ(1, counted(1));
		EXPECT_EQ(0, counted(2));
	}
}

static pid_t busy_process(void)
{
	pid_t pid = ct_fork();

	if (!pid)
		for (;;)
			;
	return pid;
}

/*
 * A CPU with reserved bandwidth is not taken offline. Who had been pushed off it
 * meanwhile is back on it, and nowhere else, and so is the bandwidth.
 */
TEST_F_TIMEOUT(domains, refused_offline, 120)
{
	uint64_t end;

	ASSERT_EQ(0, ct_write(MNT, BALANCE, "0"));
	ASSERT_EQ(0, cpuset_make(A, 0x7, ALL_MEMS));
	ASSERT_EQ(0, cpuset_make(B, 0x8, ALL_MEMS));
	settle();
	for (int i = 0; i < 3; i++) {
		self->pid[i] = busy_process();
		ASSERT_LT(0, self->pid[i]);
	}
	ASSERT_EQ(0, ct_attach(B, self->pid[0]));
	ASSERT_EQ(0, cpuset_set_deadline(self->pid[0], WANT));
	/* One with a mask of its own, and one that has the cpuset's. */
	ASSERT_EQ(0, cpuset_set_affinity(self->pid[1], 0x8));
	ASSERT_EQ(0, ct_attach(B, self->pid[2]));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(-EBUSY, cpu_online(3, false));
		end = race_now() + CT_WAIT_MS * 1000000ULL;
		while ((cpuset_affinity(self->pid[1]) != 0x8 ||
			cpuset_affinity(self->pid[2]) != 0x8) &&
		       race_now() < end)
			race_sleep_us(1000);
		EXPECT_EQ(0x8UL, cpuset_affinity(self->pid[1]));
		EXPECT_EQ(0x8UL, cpuset_affinity(self->pid[2]));
	}
	cpuset_wait_counted(0, WANT, 0);
	EXPECT_EQ(0, counted(0));
	EXPECT_EQ(1, counted(3));
}

/* The CPU that a sleeping deadline thread was on last goes and comes back. */
TEST_F(domains, deadline_offline)
{
	int ready[2];
	char byte;

	ASSERT_EQ(0, pipe(ready));
	for (int i = 0; i < 2; i++) {
		pid_t pid = ct_fork();

		ASSERT_LE(0, pid);
		if (pid) {
			self->pid[i] = pid;
			continue;
		}
		byte = -cpuset_set_affinity(0, 0x8);
		if (!byte)
			byte = -cpuset_set_affinity(0, ALL_CPUS);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		ASSERT_EQ(0, byte);
	}
	/* Any of them may have been the first. */
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, cpuset_set_deadline(self->pid[i], WANT));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, cpu_online(3, false));
		EXPECT_EQ(2, counted(0));
		ASSERT_EQ(0, cpu_online(3, true));
		EXPECT_EQ(2, counted(0));
		EXPECT_EQ(2, counted(3));
	}
	close(ready[0]);
	close(ready[1]);
}

/*
 * Hole 72: hundreds of cpusets. Each write is one step, whatever there is.
 */
TEST_F_TIMEOUT(domains, many_cpusets, 120)
{
	for (int i = 0; i < 500; i++) {
		const char *cont = ct_path(MNT "/m%d", i);

		ASSERT_EQ(0, cpuset_make(cont, 1UL << i % CPUS, ALL_MEMS));
	}
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, ct_write(MNT, BALANCE, i & 1 ? "1" : "0"));
		ASSERT_EQ(i & 1 ? ALL_CPUS : 0, cpuset_domain(i % CPUS));
	}
	for (int i = 0; i < 500; i++)
		ASSERT_EQ(0, ct_rmdir(ct_path(MNT "/m%d", i)));
}

TEST_HARNESS_MAIN
