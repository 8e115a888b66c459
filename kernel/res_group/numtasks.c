// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: a ResGroups controller of the number of tasks (threads).
 *
 *   shares	what is guaranteed to a container and its descendants, and what
 *		they can have at most, in parts of what the parent has. Beyond
 *		that, fork and clone fail with EAGAIN.
 *   stats	how many tasks there are in the subtree, and how many forks of
 *		members succeeded, failed for want of a share, and failed because
 *		of the fork rate
 *
 * Module parameters:
 *
 *   total_numtasks		what the root has; not below what is in use (EINVAL)
 *   forkrate			forks that the members of each container may make
 *				in an interval
 *   forkrate_interval		its length in seconds
 *
 * Attaching is not refused: the container may then have more than its share,
 * until tasks leave. Tasks in the root are counted and limited like all others,
 * while the subsystem is mounted. Kernel threads are never counted or refused.
 *
 * Locking: the groups are res_group.c's. A task carries a flag, PFA_NUMTASKS, that
 * tells whether it is charged to the container that it is in. It is set and
 * cleared by whoever creates the task, before that is visible; by its exit; and
 * with all attaches excluded when the subsystem is mounted or unmounted. The
 * last two may meet, so they use atomic operations: who sets or clears it charges
 * or uncharges. The counts for stats are atomic.
 */

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/container.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/res_group_rc.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <trace/events/container.h>

#include "../container_internal.h"

/**
 * struct numtasks - the state of a container in this subsystem
 * @rg: the tasks as units of ResGroups; first
 * @successes: tasks created
 * @failures: forks refused by the shares
 * @rate_failures: forks refused by the fork rate
 * @window: number of the interval (upper half) in which the last fork was made,
 *	and of forks in it (lower half)
 */
struct numtasks {
	struct res_group	rg;
	atomic_long_t		successes;
	atomic_long_t		failures;
	atomic_long_t		rate_failures;
	atomic64_t		window;
};

static struct res_controller numtasks_controller;

static struct numtasks numtasks_root = {
	.rg	= RES_GROUP_ROOT(&numtasks_controller),
};

/* Mounted. Changes under container_mutex. */
static bool numtasks_bound;

static int total_numtasks = INT_MAX;
static unsigned int forkrate = INT_MAX;
static unsigned int forkrate_interval = 1;

static struct numtasks *css_numtasks(struct container_subsys_state *css)
{
	return container_of(css, struct numtasks, rg.css);
}

static bool is_counted(struct task_struct *task)
{
	return test_bit(PFA_NUMTASKS, &task->atomic_flags);
}

/* If it returns true the caller uncharges. */
static bool uncount(struct task_struct *task)
{
	return test_and_clear_bit(PFA_NUMTASKS, &task->atomic_flags);
}

/*
 * Fork rate
 */

/* That of whose member current is; the state of a new task may be another. */
static struct numtasks *current_numtasks(void)
{
	return css_numtasks(task_subsys_state(current, numtasks_subsys_id));
}

/* The intervals begin at multiples of their length. */
static u32 current_interval(void)
{
	return div64_u64(get_jiffies_64(),
			 (u64)READ_ONCE(forkrate_interval) * HZ);
}

static bool within_rate(void)
{
	unsigned int rate = READ_ONCE(forkrate);
	struct numtasks *nt;
	u32 interval, forks;
	s64 window;

	if (likely(rate == INT_MAX))
		return true;
	interval = current_interval();
	guard(rcu)();
	nt = current_numtasks();
	window = atomic64_read(&nt->window);
	do {
		forks = upper_32_bits(window) == interval ?
			lower_32_bits(window) : 0;
		if (forks >= rate)
			return false;
	} while (!atomic64_try_cmpxchg(&nt->window, &window,
				       (u64)interval << 32 | (forks + 1)));
	return true;
}

/*
 * Fork and exit
 */

static int refuse(bool rate)
{
	struct numtasks *nt;

	rcu_read_lock();
	nt = current_numtasks();
	atomic_long_inc(rate ? &nt->rate_failures : &nt->failures);
	rcu_read_unlock();
	trace_with_path(container_fork_refused,
			task_container(current, numtasks_subsys_id), rate);
	return -EAGAIN;
}

static int numtasks_can_fork(struct container_subsys *ss,
			     struct container_subsys_state *css,
			     struct task_struct *task)
{
	struct res_group *rg = css_res_group(css);

	/* It is a copy of its creator. */
	clear_bit(PFA_NUMTASKS, &task->atomic_flags);
	if (task->flags & PF_KTHREAD)
		return 0;
	if (!rg->parent && !READ_ONCE(numtasks_bound))
		return 0;
	if (current->flags & PF_KTHREAD) {
		/* A release agent, say: nobody could be told, and tell it again. */
		res_group_charge_force(rg);
	} else if (res_group_charge(rg)) {
		return refuse(false);
	} else if (!within_rate()) {
		res_group_uncharge(rg);
		return refuse(true);
	}
	set_bit(PFA_NUMTASKS, &task->atomic_flags);
	return 0;
}

/*
 * The subsystem was mounted after can_fork, and @task joined after the members of
 * the root had been counted. It does not run yet.
 */
static void count_late(struct task_struct *task)
{
	struct container_subsys_state *css;

	container_lock();
	container_attach_exclude();
	rcu_read_lock();
	css = task_subsys_state(task, numtasks_subsys_id);
	rcu_read_unlock();
	if (numtasks_bound && !is_counted(task)) {
		/* It keeps css from being freed: it cannot leave. */
		res_group_charge_force(css_res_group(css));
		set_bit(PFA_NUMTASKS, &task->atomic_flags);
	}
	container_attach_allow();
	container_unlock();
}

static void numtasks_fork(struct container_subsys *ss,
			  struct container_subsys_state *css,
			  struct task_struct *task)
{
	if (likely(is_counted(task))) {
		/* Less than rcu_read_lock() takes. */
		rcu_read_lock_sched();
		atomic_long_inc(&current_numtasks()->successes);
		rcu_read_unlock_sched();
	} else if (READ_ONCE(numtasks_bound) && !(task->flags & PF_KTHREAD)) {
		count_late(task);
	}
}

/* A fork that failed is the same as an exit. */
static void numtasks_exit(struct container_subsys *ss,
			  struct container_subsys_state *css,
			  struct task_struct *task)
{
	if (uncount(task))
		res_group_uncharge(css_res_group(css));
}

/* The flag of the task cannot change meanwhile. */
static void numtasks_attach(struct container_subsys *ss,
			    struct container_subsys_state *css,
			    struct container_subsys_state *old,
			    struct task_struct *task, bool prepared)
{
	if (is_counted(task))
		res_group_move(css_res_group(old), css_res_group(css));
}

/*
 * Mounting
 */

/* Its exit may come before or after any step of this. */
static void count_task(struct task_struct *task)
{
	struct res_group *rg = &numtasks_root.rg;

	res_group_charge_force(rg);
	if (test_and_set_bit(PFA_NUMTASKS, &task->atomic_flags) ||
	    ((READ_ONCE(task->flags) & PF_EXITING) && uncount(task)))
		res_group_uncharge(rg);
}

/*
 * Who joins the root after its members have been walked finds numtasks_bound set
 * in numtasks_fork(), and the same for exit and container_watch_root(): joining
 * and leaving take the lock of the group as the walk does.
 */
static void numtasks_bind(struct container_subsys *ss,
			  struct container_subsys_state *css, bool bound)
{
	struct container_task_iter it;
	struct task_struct *task;

	css_res_group(css)->shares.child_shares_divisor = SHARE_DEFAULT_DIVISOR;
	WRITE_ONCE(numtasks_bound, bound);
	container_watch_root(ss);
	container_task_iter_start(css->container, &it);
	while ((task = container_task_iter_next(&it))) {
		if (bound && !(READ_ONCE(task->flags) & PF_KTHREAD))
			count_task(task);
		else if (!bound && uncount(task))
			res_group_uncharge(css_res_group(css));
		put_task_struct(task);
	}
	container_task_iter_end(&it);
}

/*
 * Files and parameters
 */

static void numtasks_show_stats(struct res_group *rg, struct seq_file *sf)
{
	struct numtasks *nt = css_numtasks(&rg->css);

	seq_printf(sf,
		   "numtasks: Number of successes %lu\n"
		   "numtasks: Number of failures %lu\n"
		   "numtasks: Number of forkrate failures %lu\n",
		   (unsigned long)atomic_long_read(&nt->successes),
		   (unsigned long)atomic_long_read(&nt->failures),
		   (unsigned long)atomic_long_read(&nt->rate_failures));
}

static void numtasks_reset_stats(struct res_group *rg)
{
	struct numtasks *nt = css_numtasks(&rg->css);

	atomic_long_set(&nt->successes, 0);
	atomic_long_set(&nt->failures, 0);
	atomic_long_set(&nt->rate_failures, 0);
}

static struct res_controller numtasks_controller = {
	.name		= "numtasks",
	.subsys_id	= numtasks_subsys_id,
	.root		= &numtasks_root.rg,
	.show_stats	= numtasks_show_stats,
	.reset_stats	= numtasks_reset_stats,
	.lock		= __MUTEX_INITIALIZER(numtasks_controller.lock),
};

static struct container_cftype numtasks_files[] = {
	RES_GROUP_FILES,
};

static int set_total(const char *val, const struct kernel_param *kp)
{
	int total, ret;

	if (kstrtoint(val, 0, &total) || total < 1)
		return -EINVAL;
	ret = res_controller_set_total(&numtasks_controller, total);
	if (!ret)
		total_numtasks = total;
	return ret;
}

static const struct kernel_param_ops total_ops = {
	.set	= set_total,
	.get	= param_get_int,
};

static int set_positive(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, INT_MAX);
}

static const struct kernel_param_ops positive_ops = {
	.set	= set_positive,
	.get	= param_get_uint,
};

module_param_cb(total_numtasks, &total_ops, &total_numtasks, 0644);
module_param_cb(forkrate, &positive_ops, &forkrate, 0644);
module_param_cb(forkrate_interval, &positive_ops, &forkrate_interval, 0644);

/*
 * Callbacks of the core
 */

static struct container_subsys_state *
numtasks_create(struct container_subsys *ss, struct container *cont)
{
	struct numtasks *nt;

	if (!cont->parent)
		return &numtasks_root.rg.css;
	nt = kzalloc(sizeof(*nt), GFP_KERNEL);
	if (!nt)
		return ERR_PTR(-ENOMEM);
	res_group_init(&nt->rg, css_res_group(cont->parent->subsys[ss->subsys_id]));
	return &nt->rg.css;
}

static void numtasks_destroy(struct container_subsys *ss,
			     struct container_subsys_state *css)
{
	res_group_remove(css_res_group(css));
}

static void numtasks_free(struct container_subsys *ss,
			  struct container_subsys_state *css)
{
	res_group_free(css_res_group(css));
	kfree(css_numtasks(css));
}

static int numtasks_populate(struct container_subsys *ss,
			     struct container_subsys_state *css)
{
	return container_add_files(css->container, ss, numtasks_files,
				   ARRAY_SIZE(numtasks_files));
}

struct container_subsys numtasks_subsys = {
	.name		= "numtasks",
	.create		= numtasks_create,
	.destroy	= numtasks_destroy,
	.free		= numtasks_free,
	.attach		= numtasks_attach,
	.can_fork	= numtasks_can_fork,
	.cancel_fork	= numtasks_exit,
	.fork		= numtasks_fork,
	.exit		= numtasks_exit,
	.populate	= numtasks_populate,
	.bind		= numtasks_bind,
};
