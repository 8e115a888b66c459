// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: scheduling domains, and the bandwidth of SCHED_DEADLINE threads.
 *
 * The scheduler balances load among the CPUs of a domain. There is a domain for
 * each cpuset with sched_load_balance set, and one for all such cpusets that
 * have CPUs in common, directly or through others. As the root has it from the
 * start, that is one domain until its flag is cleared. CPUs of no such cpuset,
 * and those that isolcpus= names, are in no domain.
 *
 * Domains bound where SCHED_DEADLINE threads may run, and each admits as much of
 * their bandwidth as its CPUs have. CPUs in no domain count as one together. So
 * bandwidth is reserved in the new domain before a thread is attached, and a
 * change that would leave threads in too small a domain is refused.
 *
 * Locks: callback_mutex protects the layout and everything that depends on where
 * bandwidth is counted; dl_moves_lock protects the list of reservations.
 */

#include <linux/cpu.h>
#include <linux/cpuset.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched/deadline.h>
#include <linux/sched/isolation.h>
#include <linux/sched/signal.h>
#include <linux/sched/topology.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "cpuset_internal.h"

static DEFINE_MUTEX(callback_mutex);

/*
 * Has there ever been a SCHED_DEADLINE thread? One that ceases to be, or exits, keeps
 * its bandwidth until a timer fires.
 */
static bool deadline_seen __read_mostly;

/**
 * struct cpu_domain - the domain of a CPU
 * @first: its lowest CPU; NO_DOMAIN if it is in none
 * @level: relax_domain_level of the domain, in the entry of its lowest CPU
 */
struct cpu_domain {
	int	first;
	int	level;
};

#define NO_DOMAIN	(-1)

/* The layout, by CPU; callback_mutex. NULL until cpuset_init_domains(). */
static struct cpu_domain *cpu_domains;

/* It is not what the scheduler has; callback_mutex. */
static bool layout_lost;

/*
 * Planning domains. container_mutex and the CPU hotplug lock are held.
 */

static bool cpu_is_balanced(int cpu)
{
	return cpu_active(cpu) &&
	       cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_DOMAIN));
}

/* Meanwhile @first leads to the lowest CPU of a domain in one or more steps. */
static int lowest_cpu(const struct cpu_domain *cpus, int cpu)
{
	while (cpus[cpu].first != cpu)
		cpu = cpus[cpu].first;
	return cpu;
}

/* Put all CPUs of @mask into the same domain, with at least this level. */
static void join_cpus(struct cpu_domain *cpus, const struct cpumask *mask,
		      int level)
{
	int cpu, low, lowest = NO_DOMAIN;

	for_each_cpu(cpu, mask) {
		if (!cpu_is_balanced(cpu))
			continue;
		if (cpus[cpu].first == NO_DOMAIN)
			cpus[cpu].first = cpu;
		low = lowest_cpu(cpus, cpu);
		if (lowest == NO_DOMAIN)
			lowest = low;
		level = max(level, cpus[low].level);
		cpus[low].level = -1;
		cpus[max(low, lowest)].first = min(low, lowest);
		lowest = min(low, lowest);
	}
	if (lowest != NO_DOMAIN)
		cpus[lowest].level = level;
}

static struct cpu_domain *lay_out_domains(void)
{
	struct cpu_domain *cpus;
	struct container *pos;
	struct cpuset *cs;
	int cpu;

	cpus = kmalloc_array(nr_cpu_ids, sizeof(*cpus), GFP_KERNEL);
	if (!cpus)
		return NULL;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		cpus[cpu] = (struct cpu_domain) { NO_DOMAIN, -1 };

	container_for_each_descendant_pre(pos, top_cpuset.css.container) {
		cs = container_cpuset(pos);
		if (test_bit(CPUSET_SCHED_LOAD_BALANCE, &cs->config.flags))
			join_cpus(cpus, cs->config.cpus,
				  cs->config.relax_domain_level);
	}
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (cpus[cpu].first != NO_DOMAIN)
			cpus[cpu].first = lowest_cpu(cpus, cpu);
	return cpus;
}

/* What the scheduler wants to know of the domains of @plan->cpus. */
static void describe_domains(struct domain_plan *plan)
{
	const struct cpu_domain *cpus = plan->cpus;
	unsigned int n = 0;
	int first, cpu;

	for (first = 0; first < nr_cpu_ids; first++) {
		if (cpus[first].first != first)
			continue;
		cpumask_clear(plan->masks[n]);
		for (cpu = first; cpu < nr_cpu_ids; cpu++)
			if (cpus[cpu].first == first)
				cpumask_set_cpu(cpu, plan->masks[n]);
		plan->attrs[n] = SD_ATTR_INIT;
		plan->attrs[n].relax_domain_level = cpus[first].level;
		n++;
	}
}

/**
 * cpuset_plan_domains - find out what scheduling domains there shall be
 * @plan: filled in
 *
 * According to what is configured: a cpuset that lives on its ancestor's CPUs,
 * for want of its own, has no domain. The CPU hotplug lock and container_mutex
 * are held. Sleeps.
 *
 * Return: 0, or -ENOMEM, when @plan is empty.
 */
int cpuset_plan_domains(struct domain_plan *plan)
{
	int cpu;

	*plan = (struct domain_plan) { .cpus = lay_out_domains() };
	if (!plan->cpus)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		plan->count += plan->cpus[cpu].first == cpu;
	plan->masks = alloc_sched_domains(plan->count);
	plan->attrs = kmalloc_array(plan->count, sizeof(*plan->attrs), GFP_KERNEL);
	if (!plan->masks || !plan->attrs) {
		cpuset_discard_domains(plan);
		*plan = (struct domain_plan) {};
		return -ENOMEM;
	}
	describe_domains(plan);
	return 0;
}

/**
 * cpuset_discard_domains - free a plan that is not carried out
 * @plan: from cpuset_plan_domains()
 */
void cpuset_discard_domains(struct domain_plan *plan)
{
	if (plan->masks)
		free_sched_domains(plan->masks, plan->count);
	kfree(plan->attrs);
	kfree(plan->cpus);
}

/*
 * SCHED_DEADLINE
 */

/**
 * inc_dl_tasks_cs - a thread becomes SCHED_DEADLINE
 * @task: the thread; its rq lock is held
 */
void inc_dl_tasks_cs(struct task_struct *task)
{
	if (unlikely(!READ_ONCE(deadline_seen)))
		WRITE_ONCE(deadline_seen, true);
}

/**
 * dec_dl_tasks_cs - a thread ceases to be SCHED_DEADLINE
 * @task: the thread
 *
 * See deadline_seen.
 */
void dec_dl_tasks_cs(struct task_struct *task)
{
}

/**
 * cpuset_lock - keep bandwidth of SCHED_DEADLINE threads from being moved
 *
 * Sleeps. Inside of every other sleeping lock here.
 */
void cpuset_lock(void)
{
	mutex_lock(&callback_mutex);
}

/**
 * cpuset_unlock - end what cpuset_lock() began
 */
void cpuset_unlock(void)
{
	mutex_unlock(&callback_mutex);
}

/**
 * struct dl_move - a SCHED_DEADLINE thread on its way
 * @node: entry of dl_moves
 * @task: the thread; pinned by whoever moves it
 * @to: some CPU of the domain in which bandwidth is reserved; NO_DOMAIN if it
 *	stays where it is
 * @bw: how much
 * @cpus: those that it had before
 */
struct dl_move {
	struct list_head	node;
	struct task_struct	*task;
	int			to;
	u64			bw;
	/* Last: only the first cpumask_size() bytes are allocated. */
	struct cpumask		cpus;
};

static DEFINE_SPINLOCK(dl_moves_lock);
static LIST_HEAD(dl_moves);

static int domain_of(int cpu)
{
	return cpu_domains[cpu].first;
}

static bool in_domain_of(int cpu, const struct cpumask *cpus)
{
	int other;

	for_each_cpu(other, cpus)
		if (domain_of(other) == domain_of(cpu))
			return true;
	return false;
}

static void recount_bandwidth(struct work_struct *work);
static DECLARE_DELAYED_WORK(recount_work, recount_bandwidth);

/*
 * What a thread gives up late, by a timer, it may give up in a domain in which it is
 * not counted: it has been moved since, or it has been waited for, and could not be
 * found when all were counted. By then there would be more than nothing missing, and
 * no thread admitted. So count again, after the longest period that is allowed by
 * default.
 */
#define RECOUNT_DELAY	(5 * HZ)

/**
 * cpuset_recount_bandwidth - the bandwidth in use may be counted wrongly
 *
 * Any context that may take a lock of a work queue.
 */
void cpuset_recount_bandwidth(void)
{
	if (READ_ONCE(deadline_seen))
		mod_delayed_work(system_wq, &recount_work, RECOUNT_DELAY);
}

static bool is_deadline(struct task_struct *task)
{
	/* Changes at any moment unless cpuset_lock() is held. */
	return data_race(dl_task(task));
}

/*
 * The scheduler divides by the number of active CPUs of a domain. One that has none
 * admits nobody, and all is counted anew before it has. What is there already is
 * counted though there is no room.
 */
static void add_bandwidth(int cpu, u64 bw)
{
	if (in_domain_of(cpu, cpu_active_mask) && dl_bw_alloc(cpu, bw))
		cpuset_recount_bandwidth();
}

static void sub_bandwidth(int cpu, u64 bw)
{
	if (in_domain_of(cpu, cpu_active_mask))
		dl_bw_free(cpu, bw);
}

/**
 * cpuset_home_cpu - a CPU of the domain to which a thread belongs
 * @task: the thread
 *
 * Not always the one it was on last: if it sleeps since it was moved, or since
 * that CPU went offline, it has not been on its new ones yet.
 */
int cpuset_home_cpu(struct task_struct *task)
{
	int cpu = task_cpu(task), any;

	if (cpu_active(cpu) && cpumask_test_cpu(cpu, &task->cpus_mask))
		return cpu;
	/* Where it was while it is given others is as good. */
	any = data_race(cpumask_any_and(&task->cpus_mask, cpu_active_mask));
	return any < nr_cpu_ids ? any : cpu;
}

/*
 * Do the deadline threads of the domain of @cpu fit on @cpus? More may be
 * counted than will run there.
 */
static bool bandwidth_fits(int cpu, const struct cpumask *cpus)
{
	return cpuset_cpumask_can_shrink(cpumask_of(cpu), cpus);
}

/*
 * Where @task is going to run that is given @cpus, of which some are active: as in
 * __set_cpus_allowed_ptr(), its own mask counts if anything is left, unless it stays
 * where it is pinned. pi_lock is held.
 */
static void narrow_target(struct cpumask *target, struct task_struct *task,
			  const struct cpumask *cpus)
{
	const struct cpumask *user = task->user_cpus_ptr;

	if (task_cpuset_pinned(task) && cpumask_subset(&task->cpus_mask, cpus))
		cpumask_copy(target, &task->cpus_mask);
	else if (!user || !cpumask_and(target, cpus, user) ||
		 !cpumask_intersects(target, cpu_active_mask))
		cpumask_copy(target, cpus);
}

/* Reserve bandwidth for @task on @cpus, if that is not in the domain of @home. */
static struct dl_move *new_dl_move(struct task_struct *task, int home,
				   const struct cpumask *cpus)
{
	struct dl_move *move;
	cpumask_var_t target;
	unsigned long flags;
	int ret;

	if (!alloc_cpumask_var(&target, GFP_KERNEL))
		return ERR_PTR(-ENOMEM);
	move = kmalloc(offsetof(struct dl_move, cpus) + cpumask_size(), GFP_KERNEL);
	if (!move) {
		free_cpumask_var(target);
		return ERR_PTR(-ENOMEM);
	}
	move->task = task;
	move->to = NO_DOMAIN;
	move->bw = READ_ONCE(task->dl.dl_bw);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(&move->cpus, &task->cpus_mask);
	narrow_target(target, task, cpus);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (!in_domain_of(home, target)) {
		move->to = cpumask_any_and(target, cpu_active_mask);
		ret = dl_bw_alloc(move->to, move->bw);
	} else {
		ret = cpumask_subset(&move->cpus, target) ||
		      bandwidth_fits(home, target) ? 0 : -EBUSY;
	}
	free_cpumask_var(target);
	if (ret) {
		kfree(move);
		return ERR_PTR(ret);
	}
	return move;
}

static void undo_dl_move(struct dl_move *move)
{
	if (move->to != NO_DOMAIN)
		sub_bandwidth(move->to, move->bw);
	kfree(move);
}

static struct dl_move *take_dl_move(struct task_struct *task)
{
	struct dl_move *move;

	spin_lock(&dl_moves_lock);
	list_for_each_entry(move, &dl_moves, node) {
		if (move->task == task) {
			list_del(&move->node);
			spin_unlock(&dl_moves_lock);
			return move;
		}
	}
	spin_unlock(&dl_moves_lock);
	return NULL;
}

/**
 * cpuset_reserve_bandwidth - may a thread be attached to a cpuset?
 * @task: the thread; pinned, the attach mutex of its process is held
 * @cpus: the CPUs of the cpuset
 *
 * Sleeps. What is reserved is given back by cpuset_return_bandwidth(), or made
 * use of, when the thread has got @cpus, by cpuset_use_bandwidth().
 *
 * Return: 0, always for a thread that is not SCHED_DEADLINE; -EBUSY if there is
 * not enough bandwidth; -ENOMEM.
 */
int cpuset_reserve_bandwidth(struct task_struct *task,
			     const struct cpumask *cpus)
{
	struct dl_move *move;
	int ret = 0;

	if (likely(!is_deadline(task)))
		return 0;
	cpuset_lock();
	if (!is_deadline(task))
		goto out;
	move = new_dl_move(task, cpuset_home_cpu(task), cpus);
	ret = PTR_ERR_OR_ZERO(move);
	if (ret)
		goto out;
	spin_lock(&dl_moves_lock);
	list_add(&move->node, &dl_moves);
	spin_unlock(&dl_moves_lock);
out:
	cpuset_unlock();
	return ret;
}

/**
 * cpuset_return_bandwidth - a thread is not attached after all
 * @task: the thread
 */
void cpuset_return_bandwidth(struct task_struct *task)
{
	struct dl_move *move;

	if (likely(list_empty_careful(&dl_moves)))
		return;
	move = take_dl_move(task);
	if (move)
		undo_dl_move(move);
}

/* Not in its caller, which would save registers for it each time. */
static noinline void use_bandwidth(struct task_struct *task, int cpu, int home)
{
	struct dl_move *move;
	bool taken;
	u64 bw;
	int now;

	cpuset_lock();
	move = take_dl_move(task);
	bw = READ_ONCE(task->dl.dl_bw);
	now = cpuset_home_cpu(task);
	if (!is_deadline(task) || !bw) {
		/* It was until a moment ago, and the timer is still to come. */
		if (bw)
			cpuset_recount_bandwidth();
		goto undo;
	}
	taken = !in_domain_of(cpu, &task->cpus_mask) &&
		!(move && cpumask_equal(&move->cpus, &task->cpus_mask));
	if (taken && domain_of(cpu) != domain_of(home)) {
		add_bandwidth(cpu, bw);
		taken = false;
	}
	if (domain_of(now) == domain_of(home)) {
		if (taken)
			add_bandwidth(home, bw);
		goto undo;
	}
	if (!taken)
		sub_bandwidth(home, bw);
	if (move && move->to != NO_DOMAIN && move->bw == bw &&
	    domain_of(move->to) == domain_of(now)) {
		kfree(move);
		cpuset_unlock();
		return;
	}
	add_bandwidth(now, bw);
undo:
	if (move)
		undo_dl_move(move);
	cpuset_unlock();
}

/**
 * cpuset_use_bandwidth - a thread has been attached
 * @task: the thread, which has the CPUs of the cpuset
 * @cpu: task_cpu() before
 * @home: cpuset_home_cpu() before
 *
 * The scheduler has taken its bandwidth off the domain of @cpu, unless the thread
 * may stay there. Usually that leaves what was reserved. Where it was counted in
 * another domain, or has not gone where it was to go, since it exits or has a mask
 * of its own, or has become SCHED_DEADLINE meanwhile, or wants more or less since,
 * put right what is wrong. Sleeps.
 */
void cpuset_use_bandwidth(struct task_struct *task, int cpu, int home)
{
	if (unlikely(is_deadline(task) || READ_ONCE(task->dl.dl_bw) ||
		     !list_empty_careful(&dl_moves)))
		use_bandwidth(task, cpu, home);
}

static int reserve_members(struct cpuset *cs, struct list_head *moves)
{
	struct container_task_iter it;
	struct task_struct *task;
	int ret = 0;

	container_task_iter_start(cs->css.container, &it);
	while (!ret && (task = container_task_iter_next(&it))) {
		if (is_deadline(task)) {
			struct dl_move *move;

			move = new_dl_move(task, cpuset_home_cpu(task),
					   &cs->next->cpus);
			ret = PTR_ERR_OR_ZERO(move);
			if (!ret)
				list_add(&move->node, moves);
		}
		put_task_struct(task);
	}
	container_task_iter_end(&it);
	return ret;
}

/*
 * Do members have enough on the CPUs that they are about to get? What those take
 * who change domains is reserved while the others are looked at; when they have
 * moved, everything is counted anew.
 */
static int check_members(struct cpuset *top)
{
	struct dl_move *move, *next;
	struct container *pos;
	LIST_HEAD(moves);
	int ret = 0;

	container_for_each_descendant_pre(pos, top->css.container) {
		struct cpuset *cs = container_cpuset(pos);
		const struct cpumask *old = &cpuset_placement_locked(cs)->cpus;

		if (!ret && cs->next && !cpumask_subset(old, &cs->next->cpus))
			ret = reserve_members(cs, &moves);
	}
	list_for_each_entry_safe(move, next, &moves, node)
		undo_dl_move(move);
	return ret;
}

/* Has a thread bandwidth in the domain of @cpu? */
static bool domain_is_used(int cpu)
{
	struct task_struct *process, *task;
	bool ret = false;

	rcu_read_lock();
	for_each_process_thread(process, task) {
		if (is_deadline(task) && READ_ONCE(task->dl.dl_bw) &&
		    domain_of(cpuset_home_cpu(task)) == domain_of(cpu)) {
			ret = true;
			goto unlock;
		}
	}
unlock:
	rcu_read_unlock();
	return ret;
}

/*
 * Have all threads of the present domain of @cpu enough in the one that it will
 * be in, should they all be there? They are, unless the domain is split.
 */
static bool domain_fits(const struct domain_plan *plan, int cpu,
			struct cpumask *new)
{
	bool split = false;
	int other;

	cpumask_clear(new);
	for_each_cpu(other, cpu_active_mask) {
		if (plan->cpus[other].first == plan->cpus[cpu].first)
			cpumask_set_cpu(other, new);
		else if (domain_of(other) == domain_of(cpu))
			split = true;
	}
	return !split || !domain_is_used(cpu) || bandwidth_fits(cpu, new);
}

static int check_domains(const struct domain_plan *plan)
{
	cpumask_var_t new;
	int cpu, ret = 0;

	if (!alloc_cpumask_var(&new, GFP_KERNEL))
		return -ENOMEM;
	for_each_cpu(cpu, cpu_active_mask) {
		if (!domain_fits(plan, cpu, new)) {
			ret = -EBUSY;
			break;
		}
	}
	free_cpumask_var(new);
	return ret;
}

/**
 * cpuset_check_bandwidth - is there room for deadline threads after a change?
 * @top: what is changed, with placements prepared for it and all below
 * @plan: the domains that there will be
 *
 * cpuset_lock() is held until the change is in force, so that no thread becomes
 * SCHED_DEADLINE uncounted: with fewer CPUs than its domain it cannot.
 * container_mutex and the CPU hotplug lock are held. Sleeps.
 *
 * Return: 0, -EBUSY if there is not, or -ENOMEM.
 */
int cpuset_check_bandwidth(struct cpuset *top, const struct domain_plan *plan)
{
	int ret;

	if (!READ_ONCE(deadline_seen))
		return 0;
	ret = check_members(top);
	return ret ?: check_domains(plan);
}

/*
 * Building domains
 */

/*
 * Count @task in its domain; the scheduler goes by the CPU it was on last. What
 * has exited gives up its bandwidth at once or, by the timer, a while later.
 */
static void count_bandwidth(struct task_struct *task)
{
	int cpu, home;
	u64 bw;

	/* One that exits only now is counted, as one that exits a moment later is. */
	if (READ_ONCE(task->exit_state) && !hrtimer_active(&task->dl.inactive_timer))
		return;
	dl_add_task_root_domain(task);
	if (likely(!is_deadline(task)))
		return;
	cpu = task_cpu(task);
	home = cpuset_home_cpu(task);
	/* The timer may clear it meanwhile. */
	bw = READ_ONCE(task->dl.dl_bw);
	if (domain_of(cpu) != domain_of(home) && !dl_bw_alloc(home, bw))
		sub_bandwidth(cpu, bw);
}

/*
 * partition_sched_domains() starts with no bandwidth in use, but for the CPUs
 * that are in no domain: there it adds to what they had.
 */
static void restore_bandwidth(void)
{
	struct task_struct *process, *task;

	dl_clear_root_domain(&def_root_domain);
	if (!READ_ONCE(deadline_seen))
		return;
	rcu_read_lock();
	for_each_process_thread(process, task)
		count_bandwidth(task);
	rcu_read_unlock();
}

/* Deadline threads may have moved between domains that stay as they are. */
static bool must_build(const struct domain_plan *plan)
{
	return plan->cpus &&
	       (layout_lost || READ_ONCE(deadline_seen) ||
		memcmp(plan->cpus, cpu_domains, nr_cpu_ids * sizeof(*plan->cpus)));
}

/* Domains that are there already are not touched, but for the bandwidth. */
static void build_domains(struct domain_plan *plan)
{
	mutex_lock(&sched_domains_mutex);
	if (plan->cpus)
		partition_sched_domains_locked(plan->count, plan->masks, plan->attrs);
	else
		partition_sched_domains_locked(1, NULL, NULL);
	layout_lost = !plan->cpus;
	if (plan->cpus)
		swap(cpu_domains, plan->cpus);
	restore_bandwidth();
	mutex_unlock(&sched_domains_mutex);
	kfree(plan->cpus);
}

/**
 * cpuset_build_domains - carry out a plan
 * @plan: from cpuset_plan_domains(), perhaps empty; consumed
 * @force: even if it is what there is
 *
 * Without a plan, for want of memory, what there is stays, or, if it cannot, the
 * CPUs are one domain for the time being. cpuset_lock(), container_mutex
 * and the CPU hotplug lock are held; CPU hotplug, which needs the same, cannot be
 * waited for by anyone who holds the latter. Sleeps.
 */
void cpuset_build_domains(struct domain_plan *plan, bool force)
{
	if (!force && !must_build(plan)) {
		cpuset_discard_domains(plan);
		return;
	}
	build_domains(plan);
	cpuset_recount_bandwidth();
}

static void recount_bandwidth(struct work_struct *work)
{
	struct domain_plan plan;

	cpuset_freeze();
	cpuset_plan_domains(&plan);
	if (plan.cpus) {
		cpuset_lock();
		build_domains(&plan);
		cpuset_unlock();
	} else {
		/* What there is stays until there is memory. */
		cpuset_discard_domains(&plan);
		cpuset_recount_bandwidth();
	}
	cpuset_thaw();
}

/**
 * cpuset_rebuild_domains - build the scheduling domains anew
 * @force: even if they are what there is
 *
 * After hotplug, changes of the topology, and removal of a cpuset, whose CPUs may
 * be left in no domain. container_mutex and the CPU hotplug lock are held, and no
 * attach is in progress, whose reservation would be lost. Sleeps.
 */
void cpuset_rebuild_domains(bool force)
{
	struct domain_plan plan;

	cpuset_plan_domains(&plan);
	cpuset_lock();
	cpuset_build_domains(&plan, force);
	cpuset_unlock();
}

/**
 * rebuild_sched_domains - the topology has changed
 *
 * Sleeps. No lock is held.
 */
void rebuild_sched_domains(void)
{
	cpuset_freeze();
	cpuset_rebuild_domains(true);
	cpuset_thaw();
}

/**
 * cpuset_init_domains - note what the scheduler has begun with
 */
void __init cpuset_init_domains(void)
{
	cpu_domains = lay_out_domains();
	if (!cpu_domains)
		panic("cpuset: no memory for scheduling domains\n");
}
