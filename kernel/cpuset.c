// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: a subsystem of process containers that binds threads to CPUs and
 * memory nodes. It stands behind include/linux/cpuset.h, and so replaces the
 * cgroup controller of that name for the scheduler and the page allocator.
 *
 *   cpus, mems			what the members shall use; lists like "0-3,6".
 *				Within the parent's (EACCES), not less than any
 *				child's (EBUSY), not empty while there are members
 *				(ENOSPC). Empty in a new cpuset, which therefore
 *				accepts no members yet (ENOSPC).
 *   cpu_exclusive		no sibling shares a CPU (EINVAL)
 *   mem_exclusive		no sibling shares a node (EINVAL), and as mem_hardwall
 *   mem_hardwall		kernel memory of the members does not come from
 *				outside either
 *   memory_*			see cpuset_memory.c
 *   sched_*			see cpuset_domains.c
 *   effective_cpus, _mems	what is in force: the configured ones that are online,
 *				or what is in force in the nearest ancestor when
 *				none of them is
 *
 * The configuration of a cpuset is kept whatever goes offline. What is in force
 * is a struct cpuset_placement, which never changes: a new one is published in
 * its place. Threads carry copies of it (task->cpus_mask, narrowed by what the
 * thread asked for itself, and task->mems_allowed), which are brought up to date
 * by place_task(). The calls of it come from three sides: whoever attached the
 * thread, whoever forked it, and whoever published a placement walks the
 * members. Two of them may be at work on the same thread at once. So each,
 * having applied a placement, looks again whether it is still the one for the
 * thread, and starts over if not. Applying takes locks of the thread, and
 * publishing and changing membership precede applying: of two that are at work,
 * the one that takes the lock last sees what the other one knew.
 *
 * Members of the root cpuset keep the CPUs they were started with (isolcpus=,
 * kernel threads, user-mode helpers): there is nothing to apply, unless the
 * thread has been elsewhere, which PFA_CPUSET_PLACED tells.
 *
 * Locks, outermost first:
 *
 *   cpus_read_lock()	keeps the set of active CPUs. The CPUs in force have an
 *			active one whenever it is held, save in the middle of a
 *			suspend, so that set_cpus_allowed_ptr() cannot fail for
 *			want of one.
 *   container_mutex	the tree; configurations and placements change under it
 *			with all attaches excluded, so holding the attach mutex
 *			of any one process is enough to read them.
 *   callback_mutex	cpuset_lock(): scheduling domains, and keeps threads from
 *			becoming or ceasing to be SCHED_DEADLINE while bandwidth is
 *			added up, and from then on until the members run on their
 *			new CPUs in their new domains
 *
 * Fork, attach and the page allocator take none of the mutexes here (attach of
 * a SCHED_DEADLINE thread takes callback_mutex). Placements are read under RCU;
 * who needs one for longer takes a reference. The scheduler calls
 * cpuset_cpus_allowed_fallback() with a thread's pi_lock held: RCU only.
 *
 * The CPU hotplug code calls cpuset_update_active_cpus() with cpus_write_lock()
 * held, and memory hotplug its notifier with mem_hotplug_lock, which are outside
 * of container_mutex too; nobody waits for hotplug with that mutex held. When they
 * return, the change is in force, but for policies and pages, which follow.
 */

#include <linux/capability.h>
#include <linux/container.h>
#include <linux/cpu.h>
#include <linux/cpuset.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/memory.h>
#include <linux/sched/signal.h>
#include <linux/sched/topology.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "cpuset_internal.h"

#define CPUSET_ROOT_FLAGS	(CPUSET_EXCLUSIVE_FLAGS |		\
				 BIT(CPUSET_SCHED_LOAD_BALANCE))

/* In force until cpuset_init_smp(). The second reference keeps it. */
static struct cpuset_placement boot_placement = {
	.refs	= REFCOUNT_INIT(2),
	.mems	= NODE_MASK_ALL,
};

struct cpuset top_cpuset = {
	.config.flags	= CPUSET_ROOT_FLAGS,
	.config.relax_domain_level = -1,
	.placement	= RCU_INITIALIZER(&boot_placement),
	.pressure.lock	= __SPIN_LOCK_UNLOCKED(top_cpuset.pressure.lock),
};

/* Nodes with memory that are not about to lose it; container_mutex. */
static nodemask_t memory_nodes;

/* The scheduler had to widen the affinity of some thread. */
static bool affinity_widened;

/* cpuset_init_smp() is over; container_mutex. */
static bool following_hotplug;

/*
 * Placements
 */

static struct cpuset_placement *alloc_placement(gfp_t gfp)
{
	struct cpuset_placement *pl;

	pl = kzalloc(offsetof(struct cpuset_placement, cpus) + cpumask_size(),
		     gfp);
	if (pl)
		refcount_set(&pl->refs, 1);
	return pl;
}

static void put_placement(struct cpuset_placement *pl)
{
	if (refcount_dec_and_test(&pl->refs))
		kfree_rcu(pl, rcu);
}

/*
 * The placement that @task shall have at this moment, and whether it is the
 * root's. With a reference.
 */
static struct cpuset_placement *get_task_placement(struct task_struct *task,
						   bool *root)
{
	struct cpuset_placement *pl;
	struct cpuset *cs;

	rcu_read_lock();
	/* One without references has been replaced. */
	do {
		cs = task_cpuset(task);
		pl = cpuset_placement(cs);
	} while (!refcount_inc_not_zero(&pl->refs));
	rcu_read_unlock();
	*root = cpuset_is_root(cs);
	return pl;
}

/*
 * Applying a placement to a thread
 */

/*
 * A thread whose own mask has no active CPU gets all active ones until
 * reset_widened_tasks() finds that it has.
 */
static void reset_cpus(struct task_struct *task)
{
	if (!set_cpus_allowed_ptr(task, task_cpu_possible_mask(task)))
		return;
	set_cpus_allowed_ptr(task, cpu_active_mask);
	WRITE_ONCE(affinity_widened, true);
}

/*
 * While a suspend takes CPUs away and brings them back placements stay as they are,
 * and there may be one without an active CPU.
 */
static void set_cpus(struct task_struct *task, const struct cpumask *cpus)
{
	if (set_cpus_allowed_ptr(task, cpus))
		WRITE_ONCE(affinity_widened, true);
}

/* For a 32-bit program on a machine where only some CPUs can run it. */
static void apply_possible_cpus(struct task_struct *task)
{
	cpumask_var_t cpus;

	/* Nobody could be told of a failure. */
	if (!alloc_cpumask_var(&cpus, GFP_KERNEL | __GFP_NOFAIL))
		return;
	cpuset_cpus_allowed(task, cpus);
	set_cpus(task, cpus);
	free_cpumask_var(cpus);
}

/* Does @task run on @cpus, as far as it does not want less? */
static bool cpus_in_place(struct task_struct *task, const struct cpumask *cpus)
{
	const struct cpumask *mask = &task->cpus_mask, *user;
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	user = task->user_cpus_ptr;
	if (task_cpuset_pinned(task))
		ret = cpumask_subset(mask, cpus);
	else if (user && cpumask_intersects(user, cpus))
		ret = cpumask_subset(mask, cpus) && cpumask_subset(mask, user) &&
		      cpumask_weight(mask) == cpumask_weight_and(cpus, user);
	else
		ret = cpumask_equal(mask, cpus);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return ret;
}

/* The scheduler narrows what it is given by the thread's own mask. */
static void apply_cpus(struct placing *p, struct cpuset_placement *pl, bool root)
{
	struct task_struct *task = p->task;

	if (READ_ONCE(task->flags) & PF_NO_SETAFFINITY)
		return;
	if (!root) {
		p->bound = true;
		if (cpus_in_place(task, &pl->cpus))
			return;
		if (likely(cpumask_subset(&pl->cpus, task_cpu_possible_mask(task))))
			set_cpus(task, &pl->cpus);
		else
			apply_possible_cpus(task);
		/* After that, for it may just be pinning itself to less. */
		task_clear_cpuset_pinned(task);
	} else if (p->bound || task_cpuset_placed(task)) {
		if (!task_cpuset_pinned(task)) {
			reset_cpus(task);
			/* As above. */
			task_clear_cpuset_pinned(task);
		}
		task_lock(task);
		task_clear_cpuset_placed(task);
		task_unlock(task);
	}
}

/*
 * Give @task, which is pinned, the CPUs and nodes of its cpuset. The caller
 * holds the CPU hotplug lock. Sleeps.
 */
static void place_task(struct task_struct *task)
{
	struct placing p = { .task = task };
	struct cpuset_placement *pl;
	bool root, noted, done;

	lockdep_assert_cpus_held();
	do {
		pl = get_task_placement(task, &root);
		noted = cpuset_apply_mems(&p, pl, root);
		apply_cpus(&p, pl, root);
		/* Pairs with the locks of @task that were taken in between. */
		done = noted && cpuset_task_has_placement(task, pl);
		if (done)
			cpuset_note_page_move(&p, pl);
		put_placement(pl);
	} while (!done);
}

/*
 * @child, which current has created, is in the root cpuset. Its affinity is a
 * copy of current's. That is right, whatever it is, unless it was copied while
 * current still had that of another cpuset. As the copy was not atomic, the
 * flag in it may be newer than the mask; so see whether current's own flag is
 * clear, and the mask the same, at one time. Any change of current's placement
 * moves the sequence count on.
 */
static bool root_child_in_place(struct task_struct *child)
{
	unsigned int seq = raw_read_seqcount(&current->mems_allowed_seq);
	bool same = !(seq & 1) && !task_cpuset_placed(child) &&
		    !task_cpuset_placed(current);

	/* Both pair with the locks of current that place_task() takes. */
	smp_rmb();
	same = same && cpumask_equal(&child->cpus_mask, &current->cpus_mask);
	/* As above. */
	smp_rmb();
	same = same && !task_cpuset_placed(current);
	/* Always, for KCSAN passes over all that is read between begin and end. */
	return !read_seqcount_retry(&current->mems_allowed_seq, seq) && same;
}

/*
 * Does @child, created by current and not running yet, have what its cpuset
 * asks for? No harm is done by a wrong no.
 */
static bool child_in_place(struct task_struct *child)
{
	struct cpuset_placement *pl;
	struct cpuset *cs;
	bool ret, root;

	/* Less than rcu_read_lock() takes. */
	rcu_read_lock_sched();
	cs = task_cpuset(child);
	pl = cpuset_placement(cs);
	root = cpuset_is_root(cs);
	ret = cpuset_mems_in_place(child, pl) &&
	      (root || (task_cpuset_placed(child) && cpus_in_place(child, &pl->cpus)));
	rcu_read_unlock_sched();
	/* Takes a lock that sleeps, with PREEMPT_RT. */
	return ret && (!root || root_child_in_place(child));
}

/*
 * Does @task, which has become a member of @cs, have all that it asks for? Whoever
 * is giving it something else at the same time has not had pi_lock yet, and looks
 * again after that, or is seen here to have done it. The attach mutex is held.
 */
static bool member_in_place(struct cpuset *cs, struct task_struct *task)
{
	struct cpuset_placement *pl = rcu_dereference_protected(cs->placement, true);

	return cs->parent && cpus_in_place(task, &pl->cpus) &&
	       task_cpuset_placed(task) && cpuset_mems_in_place(task, pl);
}

static void visit_members(struct cpuset *cs, void (*fn)(struct task_struct *task))
{
	struct container_task_iter it;
	struct task_struct *task;

	/* Before that there are init and kthreadd, which have what they need. */
	if (cpuset_is_root(cs) && following_hotplug)
		container_start();
	container_task_iter_start(cs->css.container, &it);
	while ((task = container_task_iter_next(&it))) {
		fn(task);
		put_task_struct(task);
	}
	container_task_iter_end(&it);
}

/*
 * Changing what is in force: prepared for a whole subtree, then published, then
 * applied. container_mutex is held and attaches are excluded, save where a
 * cpuset is new.
 */

static bool same_placement(const struct cpuset_placement *a,
			   const struct cpuset_placement *b)
{
	return a->flags == b->flags && nodes_equal(a->mems, b->mems) &&
	       cpumask_equal(&a->cpus, &b->cpus);
}

static void compute_placement(struct cpuset *cs, struct cpuset_placement *pl)
{
	struct cpuset_placement *up;

	pl->flags = cs->config.flags & CPUSET_PLACED_FLAGS;
	if (cpuset_is_root(cs)) {
		cpumask_copy(&pl->cpus, cpu_active_mask);
		pl->mems = memory_nodes;
		return;
	}
	up = cpuset_placement_next(cs->parent);
	if (!cpumask_and(&pl->cpus, cs->config.cpus, cpu_active_mask))
		cpumask_copy(&pl->cpus, &up->cpus);
	nodes_and(pl->mems, cs->config.mems, memory_nodes);
	if (nodes_empty(pl->mems))
		pl->mems = up->mems;
}

static int prepare_placement(struct cpuset *cs, gfp_t gfp)
{
	struct cpuset_placement *old = cpuset_placement_locked(cs);
	struct cpuset_placement *pl = alloc_placement(gfp);

	if (!pl)
		return -ENOMEM;
	compute_placement(cs, pl);
	if (old && same_placement(old, pl))
		kfree(pl);
	else
		cs->next = pl;
	return 0;
}

static void discard_placements(struct cpuset *top)
{
	struct container *pos;

	container_for_each_descendant_pre(pos, top->css.container) {
		struct cpuset *cs = container_cpuset(pos);

		kfree(cs->next);
		cs->next = NULL;
	}
}

/* Nothing is prepared if it fails. */
static int prepare_placements(struct cpuset *top, gfp_t gfp)
{
	struct container *pos;
	int ret;

	container_for_each_descendant_pre(pos, top->css.container) {
		ret = prepare_placement(container_cpuset(pos), gfp);
		if (ret) {
			discard_placements(top);
			return ret;
		}
	}
	return 0;
}

static void publish_placement(struct cpuset *cs)
{
	struct cpuset_placement *old = cpuset_placement_locked(cs);
	struct cpuset_placement *pl = cs->next;

	cs->next = NULL;
	cpuset_check_nodes_sane(&pl->mems);
	cpuset_begin_rebind(cs);
	/* Pairs with rcu_dereference() in cpuset_placement(). */
	rcu_assign_pointer(cs->placement, pl);
	/* The CPUs of the root concern no member, the rest does. */
	cs->republished = !cpuset_is_root(cs) || old->flags != pl->flags ||
			  !nodes_equal(old->mems, pl->mems);
	if (!cs->republished)
		cpuset_end_rebind(cs);
	put_placement(old);
}

/* Parents come first: what a child falls back to is never older than it. */
static void publish_placements(struct cpuset *top)
{
	struct container *pos;

	container_for_each_descendant_pre(pos, top->css.container)
		if (container_cpuset(pos)->next)
			publish_placement(container_cpuset(pos));

	container_for_each_descendant_pre(pos, top->css.container) {
		struct cpuset *cs = container_cpuset(pos);

		if (!cs->republished)
			continue;
		visit_members(cs, place_task);
		cs->republished = false;
		cpuset_end_rebind(cs);
	}
}

/*
 * Configuration
 */

static bool cpuset_has_members(const struct cpuset *cs)
{
	return atomic_read(&cs->css.container->population) > 0;
}

static bool config_is_empty(const struct cpuset_config *config)
{
	return cpumask_empty(config->cpus) || nodes_empty(config->mems);
}

static bool config_within(const struct cpuset_config *low,
			  const struct cpuset_config *high)
{
	return cpumask_subset(low->cpus, high->cpus) &&
	       nodes_subset(low->mems, high->mems) &&
	       !(low->flags & ~high->flags & CPUSET_EXCLUSIVE_FLAGS);
}

static bool configs_conflict(const struct cpuset_config *a,
			     const struct cpuset_config *b)
{
	unsigned long flags = a->flags | b->flags;

	if (test_bit(CPUSET_CPU_EXCLUSIVE, &flags) &&
	    cpumask_intersects(a->cpus, b->cpus))
		return true;
	return test_bit(CPUSET_MEM_EXCLUSIVE, &flags) &&
	       nodes_intersects(a->mems, b->mems);
}

/*
 * May @config become the configuration of @cs? -EBUSY: a child has more;
 * -EACCES: the parent has less; -EINVAL: a sibling is in the way; -ENOSPC:
 * there are members, which would have nothing.
 */
static int check_config(struct cpuset *cs, const struct cpuset_config *config)
{
	struct container *cont = cs->css.container, *pos;

	container_for_each_child_rcu(pos, cont)
		if (!config_within(&container_cpuset(pos)->config, config))
			return -EBUSY;
	if (!cs->parent)
		return 0;
	if (!config_within(config, &cs->parent->config))
		return -EACCES;
	container_for_each_child_rcu(pos, cont->parent)
		if (pos != cont &&
		    configs_conflict(&container_cpuset(pos)->config, config))
			return -EINVAL;
	if (config_is_empty(config) && cpuset_has_members(cs))
		return -ENOSPC;
	return 0;
}

/*
 * Make @config the configuration of @cs, and get the old one in exchange. The
 * CPU hotplug lock and container_mutex are held, attaches are excluded.
 * Returns 0, an error of check_config(), -EBUSY if deadline threads would not
 * have enough, or -ENOMEM.
 */
static int change_config(struct cpuset *cs, struct cpuset_config *config)
{
	struct domain_plan plan;
	int ret = check_config(cs, config);

	if (ret)
		return ret;
	swap(cs->config, *config);
	ret = prepare_placements(cs, GFP_KERNEL);
	if (ret)
		goto undo_config;
	ret = cpuset_plan_domains(&plan);
	if (ret)
		goto undo_placements;
	cpuset_lock();
	ret = cpuset_check_bandwidth(cs, &plan);
	if (ret)
		goto undo_plan;
	if (cpuset_is_root(cs))
		container_watch_root_forks(&cpuset_subsys);
	publish_placements(cs);
	cpuset_build_domains(&plan, false);
	cpuset_unlock();
	return 0;

undo_plan:
	cpuset_unlock();
	cpuset_discard_domains(&plan);
undo_placements:
	discard_placements(cs);
undo_config:
	swap(cs->config, *config);
	return ret;
}

static int copy_config(struct cpuset_config *to, const struct cpuset_config *from)
{
	if (!alloc_cpumask_var(&to->cpus, GFP_KERNEL))
		return -ENOMEM;
	cpumask_copy(to->cpus, from->cpus);
	to->mems = from->mems;
	to->flags = from->flags;
	to->relax_domain_level = from->relax_domain_level;
	return 0;
}

static void free_config(struct cpuset_config *config)
{
	free_cpumask_var(config->cpus);
}

/*
 * CPUs and memory come and go
 */

/* In the root only a mask of its own confines a thread. */
static void reset_root_member(struct task_struct *task)
{
	const cpumask_t *user;
	unsigned long flags;

	/* cpuset_cpus_allowed_fallback() has it away for a moment. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	user = task->user_cpus_ptr;
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	/* One that is set meanwhile needs no help. */
	if (user && !task_cpuset_pinned(task) &&
	    !(READ_ONCE(task->flags) & PF_NO_SETAFFINITY))
		reset_cpus(task);
}

/*
 * Threads that ran elsewhere for want of the CPUs they are allowed or asked for:
 * are those back? After a suspend they are, and no placement has changed.
 */
static void reset_widened_tasks(void)
{
	struct container *pos;

	if (!READ_ONCE(affinity_widened))
		return;
	WRITE_ONCE(affinity_widened, false);
	container_for_each_descendant_pre(pos, top_cpuset.css.container) {
		struct cpuset *cs = container_cpuset(pos);

		visit_members(cs, cpuset_is_root(cs) ? reset_root_member :
						       place_task);
	}
	/* The scheduler goes by where they were last, which may be another domain. */
	cpuset_recount_bandwidth();
}

/*
 * The scheduler widens affinities when a CPU is about to go offline. It may stay,
 * after all: sched_cpu_deactivate() can fail, and does not tell us.
 */
static void reset_widened_work(struct work_struct *work)
{
	cpuset_freeze();
	reset_widened_tasks();
	cpuset_thaw();
	/* It is the only one of its kind, and must not wait for a process. */
	cpuset_update_mms_later();
}

static DECLARE_WORK(widened_work, reset_widened_work);

static void queue_widened_work(struct irq_work *irq_work)
{
	schedule_work(&widened_work);
}

/*
 * From under pi_lock no work item can be queued. With PREEMPT_RT this must not wait
 * for the CPU's irq_work thread: on a CPU that goes offline that is parked, and then
 * nobody could queue it again.
 */
static struct irq_work widened_irq_work =
	IRQ_WORK_INIT_HARD(queue_widened_work);

/*
 * Bring all cpusets up to date; @nodes, if given, are those with memory. The
 * caller holds the CPU hotplug lock.
 */
static void follow_hotplug(const nodemask_t *nodes)
{
	container_lock();
	container_attach_exclude();
	cpumask_or(top_cpuset.config.cpus, top_cpuset.config.cpus,
		   cpu_present_mask);
	if (nodes)
		memory_nodes = *nodes;
	if (nodes && following_hotplug)
		container_watch_root_forks(&cpuset_subsys);
	nodes_or(top_cpuset.config.mems, top_cpuset.config.mems, memory_nodes);
	/* It has happened: there is nobody to whom an error could be returned. */
	prepare_placements(&top_cpuset, GFP_KERNEL | __GFP_NOFAIL);
	publish_placements(&top_cpuset);
	reset_widened_tasks();
	container_attach_allow();
	container_unlock();
}

/**
 * cpuset_update_active_cpus - the set of active CPUs has changed
 *
 * Called with cpus_write_lock() held. Sleeps.
 */
void cpuset_update_active_cpus(void)
{
	follow_hotplug(NULL);
	container_lock();
	cpuset_rebuild_domains(true);
	container_unlock();
	cpuset_update_mms_later();
}

/**
 * cpuset_force_rebuild - the next cpuset_update_active_cpus() shall rebuild the
 *	scheduling domains even if the CPUs are those it saw last
 *
 * It always does.
 */
void cpuset_force_rebuild(void)
{
}

/*
 * Called by memory hotplug with mem_hotplug_lock and cpus_read_lock() held. A node
 * that is going to lose its last memory is given up beforehand: members that have
 * no other would look for memory there in vain, and be killed for want of it.
 */
static int follow_memory(struct notifier_block *nb, unsigned long action,
			 void *arg)
{
	const struct memory_notify *change = arg;
	nodemask_t nodes = node_states[N_MEMORY];

	switch (action) {
	case MEM_GOING_OFFLINE:
		if (change->status_change_nid == NUMA_NO_NODE)
			return NOTIFY_OK;
		node_clear(change->status_change_nid, nodes);
		break;
	case MEM_ONLINE:
	case MEM_OFFLINE:
	case MEM_CANCEL_OFFLINE:
		break;
	default:
		return NOTIFY_OK;
	}
	follow_hotplug(&nodes);
	cpuset_update_mms_later();
	return NOTIFY_OK;
}

/**
 * cpuset_init - give the root cpuset its masks
 *
 * The root itself is older, see cpuset_create().
 *
 * Return: 0
 */
int __init cpuset_init(void)
{
	if (!zalloc_cpumask_var(&top_cpuset.config.cpus, GFP_KERNEL))
		panic("cpuset: no memory for the root cpuset\n");
	return 0;
}

/**
 * cpuset_init_smp - CPUs and memory are online, begin to follow them
 */
void __init cpuset_init_smp(void)
{
	cpuset_init_memory();
	cpus_read_lock();
	follow_hotplug(&node_states[N_MEMORY]);
	container_lock();
	cpuset_init_domains();
	following_hotplug = true;
	container_unlock();
	cpus_read_unlock();
	hotplug_memory_notifier(follow_memory, CPUSET_CALLBACK_PRI);
}

/*
 * For the scheduler
 */

/**
 * cpuset_cpus_allowed - the CPUs that a thread may be given
 * @task: the thread
 * @mask: where to put them; never empty
 *
 * In the root cpuset those that are offline are among them.
 */
void cpuset_cpus_allowed(struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *possible = task_cpu_possible_mask(task);
	struct cpuset *cs;

	rcu_read_lock();
	for (cs = task_cpuset(task); cs->parent; cs = cs->parent)
		if (cpumask_and(mask, &cpuset_placement(cs)->cpus, possible))
			break;
	if (!cs->parent)
		cpumask_copy(mask, possible);
	rcu_read_unlock();
}

/**
 * cpuset_set_cpus_allowed - give a thread of io_uring the CPUs that it is to have
 * @task: the thread: current, or one that current has created and does not run yet
 * @cpus: the CPUs. If there is none of the cpuset's among them: all of those, which
 *	is where it has started: without memory it stays there.
 * @pin: the thread keeps them as long as its cpuset, or the one it is moved to, has them
 *
 * Whoever changes the cpuset of @task, or moves it to another one, meanwhile gives it
 * CPUs after that; if that came before they were set here, the cpuset is seen to be
 * another. Sleeps.
 */
void cpuset_set_cpus_allowed(struct task_struct *task, const struct cpumask *cpus,
			     bool pin)
{
	cpumask_var_t allowed, mask;

	/* It is a copy of its creator. */
	task_clear_cpuset_pinned(task);
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL))
		return;
	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		goto free_allowed;
	cpuset_cpus_allowed(task, allowed);
	do {
		if (!cpumask_and(mask, allowed, cpus)) {
			cpumask_copy(mask, allowed);
			task_clear_cpuset_pinned(task);
		} else if (pin) {
			task_set_cpuset_pinned(task);
		}
		if (set_cpus_allowed_ptr(task, mask))
			task_clear_cpuset_pinned(task);
		cpumask_copy(mask, allowed);
		cpuset_cpus_allowed(task, allowed);
	} while (!cpumask_equal(mask, allowed));
	free_cpumask_var(mask);
free_allowed:
	free_cpumask_var(allowed);
}

/**
 * cpuset_check_affinity - a thread has been given a mask of its own
 * @task: the thread
 *
 * In force is what that has in common with the CPUs that the cpuset had a moment ago.
 * Whoever has changed those, or moved the thread, since may have given it the new ones
 * already, before this. Sleeps.
 */
void cpuset_check_affinity(struct task_struct *task)
{
	struct placing p = { .task = task };
	struct cpuset_placement *pl;
	bool root, done;

	task_clear_cpuset_pinned(task);
	do {
		pl = get_task_placement(task, &root);
		/* A kernel thread that is bound meanwhile has no mask of its own any more. */
		if (!root)
			apply_cpus(&p, pl, false);
		else if (!cpus_in_place(task, task_cpu_possible_mask(task)) &&
			 !(READ_ONCE(task->flags) & PF_NO_SETAFFINITY))
			reset_cpus(task);
		/* Pairs with pi_lock, as in place_task(). */
		done = cpuset_task_has_placement(task, pl);
		put_placement(pl);
	} while (!done);
}

/* Under RCU. */
static const struct cpumask *active_fallback(struct task_struct *task)
{
	const struct cpumask *possible = task_cpu_possible_mask(task);
	struct cpuset *cs;

	/* Who follows the hotplug gives back what the thread had. */
	WRITE_ONCE(affinity_widened, true);
	irq_work_queue(&widened_irq_work);
	for (cs = task_cpuset(task); cs->parent; cs = cs->parent) {
		const struct cpumask *cpus = &cpuset_placement(cs)->cpus;

		if (cpumask_subset(cpus, possible) &&
		    cpumask_intersects(cpus, cpu_active_mask))
			return cpus;
	}
	return possible;
}

/**
 * cpuset_cpus_allowed_fallback - widen the affinity of a thread that has no
 *	active CPU left
 * @task: the thread; its pi_lock is held, perhaps the lock of its rq too
 *
 * Return: true, the affinity has been changed.
 */
bool cpuset_cpus_allowed_fallback(struct task_struct *task)
{
	cpumask_t *user = task->user_cpus_ptr;

	lockdep_assert_held(&task->pi_lock);
	rcu_read_lock();
	/* It is for good that do_set_cpus_allowed() drops it; this is not. */
	task->user_cpus_ptr = NULL;
	task_clear_cpuset_pinned(task);
	do_set_cpus_allowed(task, active_fallback(task));
	task->user_cpus_ptr = user;
	rcu_read_unlock();
	return true;
}

/**
 * cpuset_cpu_is_isolated - is a CPU isolated by a cpuset?
 * @cpu: the CPU
 *
 * Return: false; that is for isolcpus= alone.
 */
bool cpuset_cpu_is_isolated(int cpu)
{
	return false;
}
EXPORT_SYMBOL_GPL(cpuset_cpu_is_isolated);

/*
 * For /proc
 */

/**
 * cpuset_task_status_allowed - lines of /proc/PID/status
 * @m: the file
 * @task: the thread
 */
void cpuset_task_status_allowed(struct seq_file *m, struct task_struct *task)
{
	seq_printf(m, "Mems_allowed:\t%*pb\nMems_allowed_list:\t%*pbl\n",
		   nodemask_pr_args(&task->mems_allowed),
		   nodemask_pr_args(&task->mems_allowed));
}

#ifdef CONFIG_PROC_PID_CPUSET
/**
 * proc_cpuset_show - /proc/PID/cpuset
 * @m: the file
 * @ns: pid namespace of the file system
 * @pid: whose it is
 * @task: the same
 *
 * Return: 0, -ENOMEM, or -ENAMETOOLONG.
 */
int proc_cpuset_show(struct seq_file *m, struct pid_namespace *ns,
		     struct pid *pid, struct task_struct *task)
{
	struct container *cont;
	bool removed;
	char *buf;
	int ret;

	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	rcu_read_lock();
	cont = READ_ONCE(task_cpuset(task)->css.container);
	ret = container_path(cont, buf, PATH_MAX);
	removed = container_is_removed(cont);
	rcu_read_unlock();
	if (!ret) {
		seq_puts(m, buf);
		seq_puts(m, removed ? " (deleted)\n" : "\n");
	}
	kfree(buf);
	return ret;
}
#endif

/*
 * Callbacks of the core
 */

static struct container_subsys_state *cpuset_create(struct container_subsys *ss,
						    struct container *cont)
{
	struct cpuset *cs;
	int ret;

	/* Before memory can be allocated. */
	if (!cont->parent)
		return &top_cpuset.css;

	cs = kzalloc(sizeof(*cs), GFP_KERNEL);
	if (!cs)
		return ERR_PTR(-ENOMEM);
	cs->parent = container_cpuset(cont->parent);
	cs->config.flags = cs->parent->config.flags & CPUSET_INHERITED_FLAGS;
	cs->config.flags |= BIT(CPUSET_SCHED_LOAD_BALANCE);
	cs->config.relax_domain_level = -1;
	spin_lock_init(&cs->pressure.lock);
	ret = -ENOMEM;
	if (!zalloc_cpumask_var(&cs->config.cpus, GFP_KERNEL))
		goto free_cs;
	ret = prepare_placement(cs, GFP_KERNEL);
	if (ret)
		goto free_cpus;
	RCU_INIT_POINTER(cs->placement, cs->next);
	cs->next = NULL;
	/* Changing code costs more than all the rest: once for each mount. */
	if (!cpusets_enabled())
		cpuset_inc();
	return &cs->css;

free_cpus:
	free_config(&cs->config);
free_cs:
	kfree(cs);
	return ERR_PTR(ret);
}

static void cpuset_destroy(struct container_subsys *ss,
			   struct container_subsys_state *css)
{
	if (!cpumask_empty(css_cpuset(css)->config.cpus)) {
		container_attach_exclude();
		cpuset_rebuild_domains(false);
		container_attach_allow();
	}
}

static void cpuset_free(struct container_subsys *ss,
			struct container_subsys_state *css)
{
	struct cpuset *cs = css_cpuset(css);

	put_placement(rcu_dereference_protected(cs->placement, true));
	free_config(&cs->config);
	kfree(cs);
}

/* The attach mutex that is held keeps configuration and placement as they are. */
static int cpuset_can_attach(struct container_subsys *ss,
			     struct container_subsys_state *css,
			     struct task_struct *task, const struct cred *cred)
{
	struct cpuset *cs = css_cpuset(css);
	int ret;

	if (cs->parent && config_is_empty(&cs->config))
		return -ENOSPC;
	ret = task_can_attach(task);
	if (!ret)
		ret = security_task_setscheduler(task);
	if (ret)
		return ret;
	return cpuset_reserve_bandwidth(task, cs->parent ?
			&rcu_dereference_protected(cs->placement, true)->cpus :
			cpu_possible_mask);
}

static void cpuset_cancel_attach(struct container_subsys *ss,
				 struct container_subsys_state *css,
				 struct task_struct *task)
{
	cpuset_return_bandwidth(task);
}

static void cpuset_attach(struct container_subsys *ss,
			  struct container_subsys_state *css,
			  struct container_subsys_state *old,
			  struct task_struct *task, bool prepared)
{
	struct cpuset *cs = css_cpuset(css);
	int cpu = task_cpu(task), home = cpuset_home_cpu(task);

	if (!member_in_place(cs, task)) {
		cpuset_begin_rebind(cs);
		place_task(task);
		cpuset_end_rebind(cs);
	}
	cpuset_use_bandwidth(task, cpu, home);
}

static void cpuset_attached(struct container_subsys *ss)
{
	cpuset_update_mms();
}

/*
 * Kernel threads are children of kthreadd, which is never moved. They are
 * created by CPU hotplug too, and must not wait for it.
 */
static void cpuset_fork(struct container_subsys *ss,
			struct container_subsys_state *css,
			struct task_struct *task)
{
	struct cpuset *cs = css_cpuset(css);

	if ((task->flags | current->flags) & PF_KTHREAD)
		return;
	if (likely(child_in_place(task)))
		return;

	/* Its copy of this flag may be older than that of the affinity. */
	task_set_cpuset_placed(task);
	cpus_read_lock();
	cpuset_begin_rebind(cs);
	place_task(task);
	cpuset_end_rebind(cs);
	cpus_read_unlock();
	cpuset_update_mms();
}

/* Unmounting gives the root, and so the machine, back what it began with. */
static void cpuset_bind(struct container_subsys *ss,
			struct container_subsys_state *css, bool bound)
{
	bool balanced = test_bit(CPUSET_SCHED_LOAD_BALANCE,
				 &top_cpuset.config.flags);

	if (bound)
		return;
	if (cpusets_enabled())
		cpuset_dec();
	top_cpuset.config.flags = CPUSET_ROOT_FLAGS;
	top_cpuset.config.relax_domain_level = -1;
	prepare_placements(&top_cpuset, GFP_KERNEL | __GFP_NOFAIL);
	publish_placements(&top_cpuset);
	cpuset_update_mms_later();
	/* Without memory to plan anything else, it is one domain. */
	cpuset_rebuild_domains(!balanced);
	WRITE_ONCE(cpuset_memory_pressure_enabled, 0);
}

/* The same CPUs and nodes as the parent, if no sibling has them exclusively. */
static int cpuset_post_clone(struct container_subsys *ss,
			     struct container_subsys_state *css)
{
	struct cpuset *cs = css_cpuset(css);
	struct cpuset_config config;
	int ret;

	ret = copy_config(&config, &cs->parent->config);
	if (ret)
		return ret;
	config.flags = cs->config.flags;
	config.relax_domain_level = cs->config.relax_domain_level;
	/*
	 * Nobody's namespace makes another scheduling domain. With the parent's CPUs
	 * and nodes that is in force which is in force there, as it has been since
	 * cpuset_create(), when there were none. So there is nothing else to change.
	 */
	__assign_bit(CPUSET_SCHED_LOAD_BALANCE, &config.flags,
		     test_bit(CPUSET_SCHED_LOAD_BALANCE, &cs->parent->config.flags));
	ret = check_config(cs, &config);
	if (!ret)
		swap(cs->config, config);
	free_config(&config);
	/* As for any cpuset in which there is nothing to run on. */
	return ret == -EINVAL ? -ENOSPC : ret;
}

/*
 * Control files
 */

/* What is not a flag: cft.private of a flag's file is its bit. */
enum cpuset_file {
	FILE_CPUS = CPUSET_FLAGS,
	FILE_MEMS,
	FILE_RELAX_LEVEL,
};

/* What is no list is -EINVAL, a CPU or node that cannot exist is -EACCES. */
static int parse_list(struct cpuset_config *config, unsigned int file,
		      const char *buf)
{
	int ret;

	if (file == FILE_CPUS)
		ret = cpulist_parse(buf, config->cpus);
	else
		ret = nodelist_parse(buf, config->mems);
	if (ret == -ERANGE)
		return -EACCES;
	return ret ? -EINVAL : 0;
}

/* Put what was written to a file, a list or a number, into @config. */
static int set_field(struct cpuset_config *config, unsigned int file,
		     const char *list, int val)
{
	switch (file) {
	case FILE_CPUS:
	case FILE_MEMS:
		return parse_list(config, file, list);
	case FILE_RELAX_LEVEL:
		config->relax_domain_level = val;
		return 0;
	default:
		__assign_bit(file, &config->flags, val);
		return 0;
	}
}

/* Returns 0, an error of change_config(), or -ENODEV: the container is removed. */
static int change_field(struct cpuset *cs, unsigned int file, const char *list,
			int val)
{
	struct cpuset_config config;
	int ret = -ENODEV;

	cpus_read_lock();
	if (!container_lock_live_css(&cs->css))
		goto unlock_cpus;
	ret = copy_config(&config, &cs->config);
	if (ret)
		goto unlock_containers;
	container_attach_exclude();
	ret = set_field(&config, file, list, val);
	if (!ret)
		ret = change_config(cs, &config);
	container_attach_allow();
	free_config(&config);
unlock_containers:
	container_unlock();
unlock_cpus:
	cpus_read_unlock();
	cpuset_update_mms();
	return ret;
}

static ssize_t cpuset_write_list(struct kernfs_open_file *of, char *buf,
				 size_t nbytes)
{
	struct cpuset *cs = css_cpuset(of_state(of));

	/* The root has what the machine has. */
	if (!cs->parent)
		return -EACCES;
	return change_field(cs, of_cftype(of)->private, strim(buf), 0) ?: nbytes;
}

static int cpuset_write_flag(struct container_subsys_state *css,
			     struct container_cftype *cft, u64 val)
{
	if (val > 1)
		return -EINVAL;
	return change_field(css_cpuset(css), cft->private, NULL, val);
}

static u64 cpuset_read_flag(struct container_subsys_state *css,
			    struct container_cftype *cft)
{
	bool set;

	/* What is there without the lock may yet be refused. */
	container_lock();
	set = test_bit(cft->private, &css_cpuset(css)->config.flags);
	container_unlock();
	return set;
}

static u64 cpuset_read_pressure(struct container_subsys_state *css,
				struct container_cftype *cft)
{
	return cpuset_pressure(&css_cpuset(css)->pressure);
}

static u64 cpuset_read_pressure_enabled(struct container_subsys_state *css,
					struct container_cftype *cft)
{
	return READ_ONCE(cpuset_memory_pressure_enabled);
}

static int cpuset_write_pressure_enabled(struct container_subsys_state *css,
					 struct container_cftype *cft, u64 val)
{
	if (val > 1)
		return -EINVAL;
	/* Once it is unbound it stays disabled. */
	if (!container_lock_live_css(css))
		return -ENODEV;
	WRITE_ONCE(cpuset_memory_pressure_enabled, val);
	container_unlock();
	return 0;
}

static int cpuset_show_relax_level(struct seq_file *sf, void *v)
{
	struct cpuset *cs = css_cpuset(seq_state(sf));

	container_lock();
	seq_printf(sf, "%d\n", cs->config.relax_domain_level);
	container_unlock();
	return 0;
}

static ssize_t cpuset_write_relax_level(struct kernfs_open_file *of, char *buf,
					size_t nbytes)
{
	int level;

	/* The domain, for which the highest level counts, may be the whole machine. */
	if (!file_ns_capable(of->file, &init_user_ns, CAP_SYS_NICE))
		return -EPERM;
	/* One more than the highest means the whole machine. */
	if (kstrtoint(strim(buf), 0, &level) || level < -1 ||
	    level > sched_domain_level_max + 1)
		return -EINVAL;
	return change_field(css_cpuset(of_state(of)), FILE_RELAX_LEVEL, NULL,
			    level) ?: nbytes;
}

static void show_list(struct seq_file *sf, const struct cpumask *cpus,
		      const nodemask_t *mems)
{
	if (seq_cftype(sf)->private == FILE_CPUS)
		seq_printf(sf, "%*pbl\n", cpumask_pr_args(cpus));
	else
		seq_printf(sf, "%*pbl\n", nodemask_pr_args(mems));
}

static int cpuset_show_config(struct seq_file *sf, void *v)
{
	struct cpuset *cs = css_cpuset(seq_state(sf));

	container_lock();
	show_list(sf, cs->config.cpus, &cs->config.mems);
	container_unlock();
	return 0;
}

static int cpuset_show_effective(struct seq_file *sf, void *v)
{
	struct cpuset *cs = css_cpuset(seq_state(sf));
	struct cpuset_placement *pl;

	rcu_read_lock();
	pl = cpuset_placement(cs);
	show_list(sf, &pl->cpus, &pl->mems);
	rcu_read_unlock();
	return 0;
}

/* Whoever changes a cpuset sees to the memory of its members, which may take long. */
#define CPUSET_FLAG_FILE(_name, _flag) {				\
	.name		= _name,					\
	.flags		= CONTAINER_FILE_SLOW_WRITE,			\
	.private	= _flag,					\
	.read_u64	= cpuset_read_flag,				\
	.write_u64	= cpuset_write_flag,				\
}

static struct container_cftype cpuset_files[] = {
	{
		.name		= "cpus",
		.flags		= CONTAINER_FILE_SLOW_WRITE,
		.private	= FILE_CPUS,
		.seq_show	= cpuset_show_config,
		.write		= cpuset_write_list,
	},
	{
		.name		= "mems",
		.flags		= CONTAINER_FILE_SLOW_WRITE,
		.private	= FILE_MEMS,
		.seq_show	= cpuset_show_config,
		.write		= cpuset_write_list,
	},
	{
		.name		= "effective_cpus",
		.private	= FILE_CPUS,
		.seq_show	= cpuset_show_effective,
	},
	{
		.name		= "effective_mems",
		.private	= FILE_MEMS,
		.seq_show	= cpuset_show_effective,
	},
	CPUSET_FLAG_FILE("cpu_exclusive", CPUSET_CPU_EXCLUSIVE),
	CPUSET_FLAG_FILE("mem_exclusive", CPUSET_MEM_EXCLUSIVE),
	CPUSET_FLAG_FILE("mem_hardwall", CPUSET_MEM_HARDWALL),
	CPUSET_FLAG_FILE("memory_migrate", CPUSET_MEMORY_MIGRATE),
	CPUSET_FLAG_FILE("memory_spread_page", CPUSET_SPREAD_PAGE),
	CPUSET_FLAG_FILE("memory_spread_slab", CPUSET_SPREAD_SLAB),
	{
		.name		= "memory_pressure",
		.read_u64	= cpuset_read_pressure,
	},
	{
		.name		= "memory_pressure_enabled",
		.flags		= CONTAINER_FILE_ONLY_ROOT,
		.read_u64	= cpuset_read_pressure_enabled,
		.write_u64	= cpuset_write_pressure_enabled,
	},
	CPUSET_FLAG_FILE("sched_load_balance", CPUSET_SCHED_LOAD_BALANCE),
	{
		.name		= "sched_relax_domain_level",
		.flags		= CONTAINER_FILE_SLOW_WRITE,
		.seq_show	= cpuset_show_relax_level,
		.write		= cpuset_write_relax_level,
	},
};

static int cpuset_populate(struct container_subsys *ss,
			   struct container_subsys_state *css)
{
	return container_add_files(css->container, ss, cpuset_files,
				   ARRAY_SIZE(cpuset_files));
}

struct container_subsys cpuset_subsys = {
	.name		= "cpuset",
	.create		= cpuset_create,
	.destroy	= cpuset_destroy,
	.free		= cpuset_free,
	.can_attach	= cpuset_can_attach,
	.cancel_attach	= cpuset_cancel_attach,
	.attach		= cpuset_attach,
	.attached	= cpuset_attached,
	.fork		= cpuset_fork,
	.populate	= cpuset_populate,
	.post_clone	= cpuset_post_clone,
	.bind		= cpuset_bind,
	.early_init	= true,
};
