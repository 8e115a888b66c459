// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: the memory of the members. Which nodes they may allocate from, that
 * their memory policies and, if the cpuset wants it, their pages follow when the
 * nodes change, the spreading of page cache, and the meter of memory pressure.
 *
 * A thread has a copy of its nodes in task->mems_allowed, written with
 * task_lock() held and within mems_allowed_seq. What the page allocator calls
 * takes no lock but RCU. The memory of a process, its policies and pages, is seen to
 * by whoever changed a thread's nodes, after it has released every lock: mmap_lock
 * may be held for as long as the process, or a file system of its own, likes; moving
 * pages waits for I/O, and for work items that the kernel may have to fork for.
 * mm_updates_lock protects what is still to be done. Each pressure meter has a lock of
 * its own.
 */

#include <linux/capability.h>
#include <linux/cpuset.h>
#include <linux/hashtable.h>
#include <linux/init.h>
#include <linux/kernfs.h>
#include <linux/list.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "cpuset_internal.h"

/* See <linux/cpuset.h>: these two are switched in a certain order. */
DEFINE_STATIC_KEY_FALSE(cpusets_pre_enable_key);
DEFINE_STATIC_KEY_FALSE(cpusets_enabled_key);

/* Some cpuset has only nodes from which the kernel itself cannot allocate. */
DEFINE_STATIC_KEY_FALSE(cpusets_insane_config_key);

/* Are meters of memory pressure in use? */
int cpuset_memory_pressure_enabled __read_mostly;

/**
 * struct mm_update - a process whose memory is to follow its nodes
 * @hash: entry of mm_updates, from when it is noted down until it is done
 * @node: entry of mm_update_list until it is begun, then of a list of who does it
 * @mover: who has noted it down, and waits for it; NULL: nobody waits
 * @work: does it. Whoever noted it down may not be allowed to use those nodes.
 * @mm: the address space; the structure is pinned, not its memory
 * @mems: where its memory is to be. Whoever wants it elsewhere afterwards, and may be
 *	done sooner, changes it here too.
 * @bound: its policies are there
 * @migrate: its pages are to be moved too
 * @shared: those that others have mapped as well
 * @from: where the pages are, if @migrate
 */
struct mm_update {
	struct hlist_node	hash;
	struct list_head	node;
	struct task_struct	*mover;
	struct work_struct	work;
	struct mm_struct	*mm;
	nodemask_t		mems;
	bool			bound;
	bool			migrate;
	bool			shared;
	nodemask_t		from;
};

static DEFINE_SPINLOCK(mm_updates_lock);
static DEFINE_HASHTABLE(mm_updates, 8);
static LIST_HEAD(mm_update_list);

/* Of its own, for many of these may have to wait for long. */
static struct workqueue_struct *mm_update_wq;

/*
 * Applying a placement to a thread
 */

/*
 * The memory policies and pages of an mm follow the first thread of the process that
 * uses it, which is the leader as long as it lives. It may exit before its turn comes
 * to get @mems. So the others in its cpuset stand in for it, until it has them; the
 * pages are where it was, which need not be where they were.
 * Returns the mm if it follows the thread. Give it back by mmput_async(): the last
 * mmput() waits for I/O.
 */
static struct mm_struct *get_following_mm(struct placing *p, const nodemask_t *mems)
{
	struct task_struct *task = p->task;
	struct mm_struct *mm = NULL;
	struct task_struct *first;
	bool follows = false;

	rcu_read_lock();
	for_each_thread(task, first) {
		task_lock(first);
		if (!(READ_ONCE(first->flags) & (PF_EXITING | PF_KTHREAD)))
			mm = first->mm;
		follows = mm && (first == task ||
				 (task_cpuset(first) == task_cpuset(task) &&
				  !nodes_equal(first->mems_allowed, *mems)));
		if (follows)
			mmget(mm);
		if (follows && first != task)
			p->from = first->mems_allowed;
		task_unlock(first);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return follows ? mm : NULL;
}

static void mm_update_work(struct work_struct *work);

static struct mm_update *new_mm_update(struct mm_struct *mm)
{
	/* An attach that has been committed cannot fail any more. */
	struct mm_update *update = kzalloc(sizeof(*update), GFP_KERNEL | __GFP_NOFAIL);

	update->mover = current;
	INIT_WORK(&update->work, mm_update_work);
	mmgrab(mm);
	update->mm = mm;
	return update;
}

static void free_mm_update(struct mm_update *update)
{
	mmdrop(update->mm);
	kfree(update);
}

/* What current has noted down for @mm; mm_updates_lock is held. */
static struct mm_update *own_mm_update(struct mm_struct *mm)
{
	struct mm_update *update;

	hash_for_each_possible(mm_updates, update, hash, (unsigned long)mm)
		if (update->mm == mm && update->mover == current)
			return update;
	return NULL;
}

/* Tell all who are at work on @mm, or will be; mm_updates_lock is held. */
static void redirect_mm_updates(struct mm_struct *mm, const nodemask_t *mems)
{
	struct mm_update *update;

	hash_for_each_possible(mm_updates, update, hash, (unsigned long)mm) {
		if (update->mm == mm && !nodes_equal(update->mems, *mems)) {
			update->mems = *mems;
			update->bound = false;
		}
	}
}

/*
 * Note that the memory of the process is to follow the thread to where @pl says. current
 * has that done by cpuset_update_mms(). The last to note something for an address space
 * is right: if @pl is not in force any more nothing is noted, and false is returned. Who
 * publishes another one, or moves the thread, after that comes here later.
 */
static bool note_mm_update(struct placing *p, const struct cpuset_placement *pl)
{
	struct mm_struct *mm = get_following_mm(p, &pl->mems);
	struct mm_update *new;
	bool in_force;

	if (!mm)
		return true;
	new = new_mm_update(mm);
	mmput_async(mm);

	spin_lock(&mm_updates_lock);
	in_force = cpuset_task_has_placement(p->task, pl);
	if (in_force)
		redirect_mm_updates(mm, &pl->mems);
	if (in_force && !own_mm_update(mm)) {
		new->mems = pl->mems;
		hash_add(mm_updates, &new->hash, (unsigned long)mm);
		list_add_tail(&new->node, &mm_update_list);
		new = NULL;
	}
	spin_unlock(&mm_updates_lock);
	if (new)
		free_mm_update(new);
	return in_force;
}

static void apply_spread(struct task_struct *task, unsigned long flags)
{
	if (test_bit(CPUSET_SPREAD_PAGE, &flags))
		task_set_spread_page(task);
	else
		task_clear_spread_page(task);
	if (test_bit(CPUSET_SPREAD_SLAB, &flags))
		task_set_spread_slab(task);
	else
		task_clear_spread_slab(task);
}

/**
 * cpuset_apply_mems - give a thread the nodes of a placement
 * @p: the thread, and what has been done to it so far
 * @pl: the placement
 * @root: it is the root's
 *
 * The sequence count is moved on even if the nodes are the same: see
 * root_child_in_place(). Readers that do not use it see in each word of the mask
 * old or new nodes or both: if there is one word, never none. The memory of the
 * process follows when current calls cpuset_update_mms(). Sleeps.
 *
 * Return: false if @pl was not in force any more when that was to be noted down, even
 * if it is again: then this has to be done again.
 */
bool cpuset_apply_mems(struct placing *p, struct cpuset_placement *pl,
		       bool root)
{
	struct task_struct *task = p->task;
	unsigned long flags;

	task_lock(task);
	if (!root)
		task_set_cpuset_placed(task);
	apply_spread(task, pl->flags);
	local_irq_save(flags);
	write_seqcount_begin(&task->mems_allowed_seq);
	if (!nodes_equal(task->mems_allowed, pl->mems)) {
		if (!p->rebound)
			p->from = task->mems_allowed;
		nodes_or(task->mems_allowed, task->mems_allowed, pl->mems);
		mpol_rebind_task(task, &pl->mems);
		task->mems_allowed = pl->mems;
		p->rebound = true;
	}
	write_seqcount_end(&task->mems_allowed_seq);
	local_irq_restore(flags);
	task_unlock(task);

	return !p->rebound || note_mm_update(p, pl);
}

/**
 * cpuset_mems_in_place - has a thread what a placement says of memory?
 * @task: the thread
 * @pl: the placement
 *
 * Return: whether it has.
 */
bool cpuset_mems_in_place(struct task_struct *task,
			  const struct cpuset_placement *pl)
{
	/* Whoever changes them meanwhile looks again whether they are right. */
	return data_race(nodes_equal(task->mems_allowed, pl->mems)) &&
	       task_spread_page(task) == test_bit(CPUSET_SPREAD_PAGE, &pl->flags) &&
	       task_spread_slab(task) == test_bit(CPUSET_SPREAD_SLAB, &pl->flags);
}

/**
 * cpuset_begin_rebind - nodes of members are going to change
 * @cs: the cpuset; not freed before cpuset_end_rebind()
 *
 * Around any such change, and before a placement with new nodes can be seen:
 * see current_cpuset_is_being_rebound().
 */
void cpuset_begin_rebind(struct cpuset *cs)
{
	atomic_inc(&cs->rebinding);
	/* Pairs with mmap_lock and task_lock() of who copies a policy. */
	smp_mb__after_atomic();
}

/**
 * cpuset_end_rebind - all that is to be rebound has been, or is noted down
 * @cs: the cpuset
 */
void cpuset_end_rebind(struct cpuset *cs)
{
	/* As in cpuset_begin_rebind(), and with current_cpuset_is_being_rebound(). */
	smp_mb__before_atomic();
	atomic_dec(&cs->rebinding);
}

/*
 * The memory of processes
 */

/**
 * cpuset_note_page_move - have the pages of a process moved, if its cpuset wants it
 * @p: a thread to which cpuset_apply_mems() has given other nodes
 * @pl: where they are from, in force when that was done
 *
 * When its policies are seen to.
 */
void cpuset_note_page_move(struct placing *p, const struct cpuset_placement *pl)
{
	struct mm_update *update;
	struct mm_struct *mm;

	if (!p->rebound || !test_bit(CPUSET_MEMORY_MIGRATE, &pl->flags))
		return;
	mm = get_following_mm(p, &pl->mems);
	if (!mm)
		return;
	spin_lock(&mm_updates_lock);
	update = own_mm_update(mm);
	/* To do it twice is not the same: 0 to 1 and 1 to 2 would become 0 to 2. */
	if (update && !update->migrate) {
		update->migrate = true;
		update->from = p->from;
	}
	spin_unlock(&mm_updates_lock);
	mmput_async(mm);
}

/* Where the memory of @update is to be. */
static nodemask_t mm_update_target(struct mm_update *update)
{
	nodemask_t mems;

	spin_lock(&mm_updates_lock);
	mems = update->mems;
	spin_unlock(&mm_updates_lock);
	return mems;
}

/*
 * Policies are bound to @mems and, if @done, pages are there too. Returns whether that is
 * where they are to be: then there is nothing more to do.
 */
static bool mm_update_reached(struct mm_update *update, const nodemask_t *mems, bool done)
{
	bool reached;

	spin_lock(&mm_updates_lock);
	reached = nodes_equal(update->mems, *mems);
	update->bound = reached;
	if (reached && done)
		hash_del(&update->hash);
	spin_unlock(&mm_updates_lock);
	return reached;
}

static void update_mm(struct mm_update *update)
{
	/* Who has exited meanwhile has no memory. */
	bool alive = mmget_not_zero(update->mm);
	nodemask_t mems;

	do {
		do {
			mems = mm_update_target(update);
			if (alive)
				mpol_rebind_mm(update->mm, &mems);
		} while (!mm_update_reached(update, &mems, false));
		if (alive && update->migrate)
			do_migrate_pages(update->mm, &update->from, &mems,
					 update->shared ? MPOL_MF_MOVE_ALL :
							  MPOL_MF_MOVE);
		update->from = mems;
	} while (!mm_update_reached(update, &mems, true));
	if (alive)
		mmput(update->mm);
}

static void mm_update_work(struct work_struct *work)
{
	struct mm_update *update = container_of(work, struct mm_update, work);
	/* If somebody waits it is his. */
	bool own = !update->mover;

	update_mm(update);
	if (own)
		free_mm_update(update);
}

/* What current has noted down, for @mover to wait for, to list @own. */
static void take_mm_updates(struct list_head *own, struct task_struct *mover)
{
	struct mm_update *update, *next;

	spin_lock(&mm_updates_lock);
	list_for_each_entry_safe(update, next, &mm_update_list, node) {
		if (update->mover != current)
			continue;
		list_move_tail(&update->node, own);
		update->mover = mover;
	}
	spin_unlock(&mm_updates_lock);
}

/**
 * cpuset_update_mms - see to the memory of processes that current has noted down
 *
 * When it returns their policies are bound to their nodes and, where that is wanted,
 * their pages are there, as far as they can be moved; unless somebody else is at work on
 * the same process, who sees to that then. Sleeps, waits for I/O and for mmap_lock; the
 * caller holds no lock.
 */
void cpuset_update_mms(void)
{
	struct mm_update *update, *next;
	LIST_HEAD(own);

	/* Nobody else adds or removes what is current's. */
	if (likely(list_empty_careful(&mm_update_list)))
		return;
	take_mm_updates(&own, current);
	list_for_each_entry(update, &own, node) {
		/* As migrate_pages(2) has it. */
		update->shared = update->migrate && capable(CAP_SYS_NICE);
		queue_work(mm_update_wq, &update->work);
	}
	list_for_each_entry_safe(update, next, &own, node) {
		flush_work(&update->work);
		free_mm_update(update);
	}
}

/**
 * cpuset_update_mms_later - have work items do what current has noted down
 *
 * For callers that hold locks.
 */
void cpuset_update_mms_later(void)
{
	struct mm_update *update, *next;
	LIST_HEAD(own);

	take_mm_updates(&own, NULL);
	list_for_each_entry_safe(update, next, &own, node) {
		update->shared = true;
		queue_work(mm_update_wq, &update->work);
	}
}

/**
 * cpuset_init_memory - prepare for processes whose memory follows
 */
void __init cpuset_init_memory(void)
{
	mm_update_wq = alloc_workqueue("cpuset_memory", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!mm_update_wq)
		panic("cpuset: no memory for a workqueue\n");
}

/**
 * cpuset_check_nodes_sane - can the kernel allocate on nodes of a cpuset?
 * @mems: the nodes
 *
 * If not, the page allocator has to look closer from now on. The CPU hotplug
 * lock is held.
 */
void cpuset_check_nodes_sane(nodemask_t *mems)
{
	if (cpusets_insane_config() || !movable_only_nodes(mems))
		return;
	static_branch_enable_cpuslocked(&cpusets_insane_config_key);
	pr_info("cpuset: nodes %*pbl have no memory for the kernel, expect failing allocations\n",
		nodemask_pr_args(mems));
}

/*
 * For memory management
 */

/**
 * cpuset_init_current_mems_allowed - let the first task use every node
 */
void __init cpuset_init_current_mems_allowed(void)
{
	nodes_setall(current->mems_allowed);
}

/**
 * cpuset_mems_allowed - the nodes that a thread may use
 * @task: the thread
 *
 * Return: the nodes, never none.
 */
nodemask_t cpuset_mems_allowed(struct task_struct *task)
{
	nodemask_t mems;

	rcu_read_lock();
	mems = cpuset_placement(task_cpuset(task))->mems;
	rcu_read_unlock();
	return mems;
}

/**
 * cpuset_nodemask_valid_mems_allowed - may current use any of some nodes?
 * @nodemask: the nodes
 *
 * Return: whether it may.
 */
int cpuset_nodemask_valid_mems_allowed(nodemask_t *nodemask)
{
	return nodes_intersects(*nodemask, current->mems_allowed);
}

/**
 * cpuset_mems_allowed_intersects - may two threads use the same node?
 * @tsk1: one
 * @tsk2: the other
 *
 * Return: whether they may.
 */
int cpuset_mems_allowed_intersects(const struct task_struct *tsk1,
				   const struct task_struct *tsk2)
{
	/* A hint for the OOM killer. */
	return data_race(nodes_intersects(tsk1->mems_allowed, tsk2->mems_allowed));
}

/*
 * Is @node in the smallest cpuset around current from which not even the
 * kernel's own allocations escape?
 */
static bool node_inside_wall(int node)
{
	const unsigned long wall = BIT(CPUSET_MEM_EXCLUSIVE) |
				   BIT(CPUSET_MEM_HARDWALL);
	struct cpuset *cs;
	bool ret;

	rcu_read_lock();
	cs = task_cpuset(current);
	/* A wall that is being built, and may yet be refused, is one. */
	while (cs->parent && !(data_race(READ_ONCE(cs->config.flags)) & wall))
		cs = cs->parent;
	ret = node_isset(node, cpuset_placement(cs)->mems);
	rcu_read_unlock();
	return ret;
}

/**
 * cpuset_node_allowed - may current allocate on a node?
 * @node: the node
 * @gfp_mask: for what
 *
 * User memory (__GFP_HARDWALL) comes from the cpuset alone. Kernel memory may
 * come from the nearest cpuset above that is mem_exclusive or mem_hardwall, when
 * there is none in its own. Interrupts are not current's doing, and one that exits or has
 * been chosen by the OOM killer frees more than it takes. Any context.
 *
 * Return: whether it may.
 */
bool cpuset_node_allowed(int node, gfp_t gfp_mask)
{
	if (in_interrupt() || node_isset(node, current->mems_allowed) ||
	    unlikely(tsk_is_oom_victim(current)))
		return true;
	if (gfp_mask & __GFP_HARDWALL)
		return false;
	return (current->flags & PF_EXITING) || node_inside_wall(node);
}

/**
 * cpuset_mem_spread_node - the next node for a page cache page of current
 *
 * Return: one of the nodes it may use, each in its turn.
 */
int cpuset_mem_spread_node(void)
{
	int rotor = current->cpuset_mem_spread_rotor, node;
	unsigned int seq;

	/* Of more nodes than a word has bits none might be found in half a change. */
	do {
		seq = read_seqcount_begin(&current->mems_allowed_seq);
		if (rotor == NUMA_NO_NODE)
			node = node_random(&current->mems_allowed);
		else
			node = next_node_in(rotor, current->mems_allowed);
	} while (read_seqcount_retry(&current->mems_allowed_seq, seq));
	current->cpuset_mem_spread_rotor = node;
	return node;
}

/* Are the policies of @mm still to be bound to other nodes? */
static bool mm_is_to_be_bound(struct mm_struct *mm)
{
	struct mm_update *update;
	bool ret = false;

	spin_lock(&mm_updates_lock);
	hash_for_each_possible(mm_updates, update, hash, (unsigned long)mm)
		ret |= update->mm == mm && !update->bound;
	spin_unlock(&mm_updates_lock);
	return ret;
}

/**
 * current_cpuset_is_being_rebound - is someone rebinding memory policies in
 *	current's cpuset, or is to rebind those of its process?
 *
 * A policy that is copied meanwhile may be missed; who copies it rebinds it.
 *
 * Return: whether that is so.
 */
bool current_cpuset_is_being_rebound(void)
{
	bool ret;

	rcu_read_lock();
	ret = atomic_read(&task_cpuset(current)->rebinding);
	rcu_read_unlock();
	/* Pairs with cpuset_end_rebind(): what is noted down before that is seen. */
	smp_rmb();
	return ret || (current->mm && mm_is_to_be_bound(current->mm));
}

/*
 * Memory pressure
 */

/* A rate loses half of itself in ten seconds: 2^(-n / 10), times 2^16. */
static u32 decayed_rate(u32 rate, u64 seconds)
{
	static const u32 factor[10] = {
		65536, 61147, 57052, 53232, 49667,
		46341, 43238, 40342, 37641, 35120,
	};
	u32 tenths;

	seconds = div_u64_rem(seconds, ARRAY_SIZE(factor), &tenths);
	if (seconds >= 32)
		return 0;
	return (u64)(rate >> seconds) * factor[tenths] >> 16;
}

/* Count the events of the second that is over, if one is; meter->lock is held. */
static void advance_meter(struct pressure_meter *meter)
{
	time64_t now = ktime_get_boottime_seconds();
	time64_t passed = now - meter->second;
	u32 share = U32_MAX;

	if (passed <= 0)
		return;
	/* What a steady rate loses by decay in a second. */
	share -= decayed_rate(share, 1);
	meter->rate = decayed_rate(meter->rate, 1) +
		      mul_u64_u32_shr(meter->events * 1000ULL, share, 32);
	meter->rate = decayed_rate(meter->rate, passed - 1);
	meter->events = 0;
	meter->second = now;
}

/**
 * cpuset_pressure - the rate at which members of a cpuset enter direct reclaim
 * @meter: the cpuset's
 *
 * Return: times a second, times 1000, averaged with a half-life of ten seconds.
 */
u32 cpuset_pressure(struct pressure_meter *meter)
{
	u32 rate;

	spin_lock(&meter->lock);
	advance_meter(meter);
	rate = meter->rate;
	spin_unlock(&meter->lock);
	return rate;
}

/**
 * __cpuset_memory_pressure_bump - current is going to reclaim memory itself
 */
void __cpuset_memory_pressure_bump(void)
{
	struct pressure_meter *meter;

	rcu_read_lock();
	meter = &task_cpuset(current)->pressure;
	spin_lock(&meter->lock);
	advance_meter(meter);
	/* Far beyond what a machine can do in a second. */
	if (meter->events < 1000000)
		meter->events++;
	spin_unlock(&meter->lock);
	rcu_read_unlock();
}

/**
 * cpuset_print_current_mems_allowed - for the reports of the OOM killer and of
 *	failed allocations
 */
void cpuset_print_current_mems_allowed(void)
{
	struct container *cont;

	rcu_read_lock();
	cont = READ_ONCE(task_cpuset(current)->css.container);
	pr_cont(",cpuset=");
	if (cont->parent)
		pr_cont_kernfs_name(cont->kn);
	else
		pr_cont("/");
	pr_cont(",mems_allowed=%*pbl", nodemask_pr_args(&current->mems_allowed));
	rcu_read_unlock();
}
