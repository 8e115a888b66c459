// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: a subsystem of process containers that counts the CPU time that the
 * members of a container use.
 *
 *   usage		nanoseconds that members have run while they were members;
 *			writing 0 resets it
 *   usage_percpu	the same for each possible CPU, in a line
 *   stat		"user N" and "system N", in USER_HZ, as the tick sees it;
 *			not reset
 *   load		per cent of one CPU that was used over the last complete
 *			interval of ten seconds; the intervals are the same for
 *			all containers
 *   subtree_usage	nanoseconds of the container and all its descendants,
 *			those included that have been removed; not reset
 *
 * The scheduler charges the container of the running task and no other,
 * whatever the depth; subtrees are added up when they are read.
 *
 * Locking: the run time of a CPU is charged under the lock of its runqueue, user
 * and system time with interrupts disabled on the CPU itself, so each counter
 * has one writer at a time. Readers retry by a sequence count. What a reset
 * remembers is under reset_lock, and what removed children leave behind is added
 * atomically, while their removal and the walk over a subtree exclude each other
 * by container_mutex.
 *
 * Run time is charged when the scheduler looks, at the latest at the tick: what a
 * CPU used in the last tick of an interval may count in the next one's load. While
 * the subsystem is not mounted nothing is charged. Its root state lives for ever,
 * so the root's counts go on from one mount to the next.
 */

#include <linux/container.h>
#include <linux/cpu_acct.h>
#include <linux/jiffies.h>
#include <linux/kernel_stat.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/sched/cputime.h>
#include <linux/seq_file.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>

#define LOAD_INTERVAL	(10 * HZ)

DEFINE_STATIC_KEY_FALSE(cpu_acct_key);

/**
 * struct cpu_acct_counters - what members used on one CPU
 * @interval_seq: for readers of the next three
 * @interval_end: jiffies at which the current interval ends
 * @interval_start: @usage when it began
 * @last_usage: nanoseconds in the interval before that one
 * @usage_sync: for readers of @usage
 * @usage: nanoseconds in all
 * @times_sync: for readers of @user and @system
 * @user: nanoseconds in user mode
 * @system: nanoseconds in the kernel and in interrupts
 * @reset_usage: @usage when it was last reset; reset_lock
 */
struct cpu_acct_counters {
	seqcount_t		interval_seq;
	u64			interval_end;
	u64			interval_start;
	u64			last_usage;
	struct u64_stats_sync	usage_sync;
	u64_stats_t		usage;
	struct u64_stats_sync	times_sync;
	u64_stats_t		user;
	u64_stats_t		system;
	u64			reset_usage;
};

/**
 * struct cpu_acct - the state of a container in this subsystem
 * @css: what the core knows of it
 * @parent: NULL in the root; lives longer than this one
 * @counters: for each possible CPU
 * @removed: nanoseconds of descendants that have been removed
 * @folded: how much of this one has been added to the parent's @removed
 * @reset_usage: sum of the same of all @counters; reset_lock
 */
struct cpu_acct {
	struct container_subsys_state		css;
	struct cpu_acct				*parent;
	struct cpu_acct_counters __percpu	*counters;
	atomic64_t				removed;
	u64					folded;
	u64					reset_usage;
};

/* Protects all reset_usage. */
static DEFINE_SPINLOCK(reset_lock);

static struct cpu_acct *css_cpu_acct(struct container_subsys_state *css)
{
	return container_of(css, struct cpu_acct, css);
}

/*
 * Charging
 */

/* The intervals begin at multiples of their length. */
static void next_interval(struct cpu_acct_counters *counters, u64 now)
{
	u64 usage = u64_stats_read(&counters->usage);
	u32 into;

	raw_write_seqcount_begin(&counters->interval_seq);
	if (now - counters->interval_end < LOAD_INTERVAL)
		counters->last_usage = usage - counters->interval_start;
	else
		counters->last_usage = 0;
	counters->interval_start = usage;
	div_u64_rem(now, LOAD_INTERVAL, &into);
	counters->interval_end = now - into + LOAD_INTERVAL;
	raw_write_seqcount_end(&counters->interval_seq);
}

static void add_time(u64_stats_t *counter, u64 delta)
{
	/* A single instruction, but of an unsigned long. */
	if (IS_ENABLED(CONFIG_64BIT))
		u64_stats_add(counter, delta);
	else
		u64_stats_set(counter, u64_stats_read(counter) + delta);
}

/* Under the lock of the runqueue that @task is on. */
void __cpu_acct_charge(struct task_struct *task, u64 delta)
{
	struct cpu_acct_counters *counters;
	u64 now = get_jiffies_64();
	struct cpu_acct *ca;

	ca = css_cpu_acct(task_subsys_state(task, cpuacct_subsys_id));
	counters = per_cpu_ptr(ca->counters, task_cpu(task));
	if (unlikely(now >= counters->interval_end))
		next_interval(counters, now);
	u64_stats_update_begin(&counters->usage_sync);
	add_time(&counters->usage, delta);
	u64_stats_update_end(&counters->usage_sync);
}

/* With interrupts disabled. */
void __cpu_acct_charge_field(struct task_struct *task, int index, u64 delta)
{
	struct cpu_acct_counters *counters;
	u64_stats_t *field;
	struct cpu_acct *ca;

	ca = css_cpu_acct(task_subsys_state(task, cpuacct_subsys_id));
	counters = this_cpu_ptr(ca->counters);
	switch (index) {
	case CPUTIME_USER:
	case CPUTIME_NICE:
		field = &counters->user;
		break;
	case CPUTIME_SYSTEM:
	case CPUTIME_IRQ:
	case CPUTIME_SOFTIRQ:
		field = &counters->system;
		break;
	default:
		return;
	}
	u64_stats_update_begin(&counters->times_sync);
	add_time(field, delta);
	u64_stats_update_end(&counters->times_sync);
}

/*
 * Reading
 */

static u64 cpu_usage(struct cpu_acct_counters *counters)
{
	unsigned int start;
	u64 usage;

	do {
		start = u64_stats_fetch_begin(&counters->usage_sync);
		usage = u64_stats_read(&counters->usage);
	} while (u64_stats_fetch_retry(&counters->usage_sync, start));
	return usage;
}

/* What the members have used since the container was created. */
static u64 total_usage(struct cpu_acct *ca)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += cpu_usage(per_cpu_ptr(ca->counters, cpu));
	return total;
}

/* In the last complete interval that ended at or before @now. */
static u64 cpu_last_interval(struct cpu_acct_counters *counters, u64 now)
{
	u64 end, current_usage, last_usage;
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&counters->interval_seq);
		end = counters->interval_end;
		current_usage = cpu_usage(counters) - counters->interval_start;
		last_usage = counters->last_usage;
	} while (read_seqcount_retry(&counters->interval_seq, seq));

	/* Nothing has been charged since the interval ended? */
	if (now < end)
		return last_usage;
	return now - end < LOAD_INTERVAL ? current_usage : 0;
}

static u64 usage_read(struct container_subsys_state *css,
		      struct container_cftype *cft)
{
	struct cpu_acct *ca = css_cpu_acct(css);
	u64 usage;

	spin_lock(&reset_lock);
	usage = total_usage(ca) - ca->reset_usage;
	spin_unlock(&reset_lock);
	return usage;
}

static int usage_write(struct container_subsys_state *css,
		       struct container_cftype *cft, u64 val)
{
	struct cpu_acct *ca = css_cpu_acct(css);
	int cpu;

	if (val)
		return -EINVAL;
	spin_lock(&reset_lock);
	ca->reset_usage = 0;
	for_each_possible_cpu(cpu) {
		struct cpu_acct_counters *counters = per_cpu_ptr(ca->counters, cpu);

		counters->reset_usage = cpu_usage(counters);
		ca->reset_usage += counters->reset_usage;
	}
	spin_unlock(&reset_lock);
	return 0;
}

static int usage_percpu_show(struct seq_file *sf, void *v)
{
	struct cpu_acct *ca = css_cpu_acct(seq_state(sf));
	const char *separator = "";
	int cpu;

	spin_lock(&reset_lock);
	for_each_possible_cpu(cpu) {
		struct cpu_acct_counters *counters = per_cpu_ptr(ca->counters, cpu);

		seq_printf(sf, "%s%llu", separator,
			   cpu_usage(counters) - counters->reset_usage);
		separator = " ";
	}
	spin_unlock(&reset_lock);
	seq_putc(sf, '\n');
	return 0;
}

static int stat_show(struct seq_file *sf, void *v)
{
	struct cpu_acct *ca = css_cpu_acct(seq_state(sf));
	u64 user = 0, system = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cpu_acct_counters *counters = per_cpu_ptr(ca->counters, cpu);
		u64 cpu_user, cpu_system;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&counters->times_sync);
			cpu_user = u64_stats_read(&counters->user);
			cpu_system = u64_stats_read(&counters->system);
		} while (u64_stats_fetch_retry(&counters->times_sync, start));
		user += cpu_user;
		system += cpu_system;
	}
	seq_printf(sf, "user %llu\nsystem %llu\n", nsec_to_clock_t(user),
		   nsec_to_clock_t(system));
	return 0;
}

static u64 load_read(struct container_subsys_state *css,
		     struct container_cftype *cft)
{
	struct cpu_acct *ca = css_cpu_acct(css);
	u64 now = get_jiffies_64(), usage = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		usage += cpu_last_interval(per_cpu_ptr(ca->counters, cpu), now);
	return div64_u64(usage * 100, jiffies_to_nsecs(LOAD_INTERVAL));
}

static u64 subtree_usage_read(struct container_subsys_state *css,
			      struct container_cftype *cft)
{
	struct container *cont;
	u64 usage = 0;

	container_lock();
	container_for_each_descendant_pre(cont, css->container) {
		struct cpu_acct *ca = css_cpu_acct(cont->subsys[cpuacct_subsys_id]);

		usage += total_usage(ca) + atomic64_read(&ca->removed);
	}
	container_unlock();
	return usage;
}

static struct container_cftype cpuacct_files[] = {
	{
		.name		= "usage",
		.read_u64	= usage_read,
		.write_u64	= usage_write,
	},
	{
		.name		= "usage_percpu",
		.seq_show	= usage_percpu_show,
	},
	{
		.name		= "stat",
		.seq_show	= stat_show,
	},
	{
		.name		= "load",
		.read_u64	= load_read,
	},
	{
		.name		= "subtree_usage",
		.read_u64	= subtree_usage_read,
	},
};

/*
 * Callbacks of the core
 */

static struct container_subsys_state *cpuacct_create(struct container_subsys *ss,
						     struct container *cont)
{
	struct cpu_acct *ca;
	int cpu;

	ca = kzalloc(sizeof(*ca), GFP_KERNEL);
	if (!ca)
		return ERR_PTR(-ENOMEM);
	ca->counters = alloc_percpu(struct cpu_acct_counters);
	if (!ca->counters) {
		kfree(ca);
		return ERR_PTR(-ENOMEM);
	}
	for_each_possible_cpu(cpu) {
		struct cpu_acct_counters *counters = per_cpu_ptr(ca->counters, cpu);

		seqcount_init(&counters->interval_seq);
		u64_stats_init(&counters->usage_sync);
		u64_stats_init(&counters->times_sync);
	}
	if (cont->parent)
		ca->parent = css_cpu_acct(cont->parent->subsys[cpuacct_subsys_id]);
	return &ca->css;
}

/* Add to the parent what has not been added yet. */
static void fold_usage(struct cpu_acct *ca)
{
	u64 usage = total_usage(ca) + atomic64_read(&ca->removed);

	atomic64_add(usage - ca->folded, &ca->parent->removed);
	ca->folded = usage;
}

static void cpuacct_destroy(struct container_subsys *ss,
			    struct container_subsys_state *css)
{
	fold_usage(css_cpu_acct(css));
}

static void cpuacct_free(struct container_subsys *ss,
			 struct container_subsys_state *css)
{
	struct cpu_acct *ca = css_cpu_acct(css);

	/* The scheduler may have seen a member that had just left. */
	fold_usage(ca);
	free_percpu(ca->counters);
	kfree(ca);
}

/* Charge a running thread up to this moment, in the container it leaves. */
static int cpuacct_can_attach(struct container_subsys *ss,
			      struct container_subsys_state *css,
			      struct task_struct *task, const struct cred *cred)
{
	task_sched_runtime(task);
	return 0;
}

static int cpuacct_populate(struct container_subsys *ss,
			    struct container_subsys_state *css)
{
	return container_add_files(css->container, ss, cpuacct_files,
				   ARRAY_SIZE(cpuacct_files));
}

static void cpuacct_bind(struct container_subsys *ss,
			 struct container_subsys_state *css, bool bound)
{
	if (bound)
		static_branch_enable_cpuslocked(&cpu_acct_key);
	else
		static_branch_disable_cpuslocked(&cpu_acct_key);
}

struct container_subsys cpuacct_subsys = {
	.name		= "cpuacct",
	.create		= cpuacct_create,
	.destroy	= cpuacct_destroy,
	.free		= cpuacct_free,
	.can_attach	= cpuacct_can_attach,
	.populate	= cpuacct_populate,
	.bind		= cpuacct_bind,
};
