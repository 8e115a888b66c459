// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: the memory of the members. Which nodes they may allocate from, that
 * their memory policies and, if the cpuset wants it, their pages follow when the
 * nodes change, the spreading of page cache, and the meter of memory pressure.
 *
 * A thread has a copy of its nodes in task->mems_allowed, written with
 * task_lock() held and within mems_allowed_seq. What the page allocator calls
 * takes no lock but RCU. Pages are moved by whoever changed a thread's nodes,
 * after it has released every lock: that waits for I/O, and for work items that
 * the kernel may have to fork for. page_moves_lock protects the list of what is
 * still to be moved. Each pressure meter has a lock of its own.
 */

#include <linux/capability.h>
#include <linux/cpuset.h>
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
 * struct page_move - a process whose pages are to follow its nodes
 * @node: entry of page_moves
 * @mover: who will do it; NULL: the work item
 * @mm: the address space; the structure is pinned, not its memory
 * @from: where the pages are
 * @to: where they shall be
 */
struct page_move {
	struct list_head	node;
	struct task_struct	*mover;
	struct mm_struct	*mm;
	nodemask_t		from;
	nodemask_t		to;
};

static DEFINE_SPINLOCK(page_moves_lock);
static LIST_HEAD(page_moves);

/*
 * Applying a placement to a thread
 */

/*
 * The memory policies and pages of an mm follow the first thread of the process that
 * uses it, which is the leader as long as it lives. It may exit before its turn comes
 * to get @mems. So the others in its cpuset stand in for it, until it has them.
 * Returns the mm if it follows @task. Give it back by mmput_async(): the last mmput()
 * waits for I/O.
 */
static struct mm_struct *get_following_mm(struct task_struct *task,
					  const nodemask_t *mems)
{
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
		task_unlock(first);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return follows ? mm : NULL;
}

static void rebind_mm(struct task_struct *task, nodemask_t *mems)
{
	struct mm_struct *mm = get_following_mm(task, mems);

	if (!mm)
		return;
	mpol_rebind_mm(mm, mems);
	mmput_async(mm);
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
 * old or new nodes or both: if there is one word, never none. Sleeps.
 */
void cpuset_apply_mems(struct placing *p, struct cpuset_placement *pl,
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

	if (p->rebound)
		rebind_mm(task, &pl->mems);
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
 * cpuset_end_rebind - end what cpuset_begin_rebind() began
 * @cs: the cpuset
 */
void cpuset_end_rebind(struct cpuset *cs)
{
	/* As in cpuset_begin_rebind(). */
	smp_mb__before_atomic();
	atomic_dec(&cs->rebinding);
}

/*
 * Moving pages
 */

/* To do it twice is not the same: 0 to 1 and 1 to 2 would become 0 to 2. */
static bool page_move_is_noted(const struct mm_struct *mm)
{
	struct page_move *move;
	bool ret = false;

	spin_lock(&page_moves_lock);
	list_for_each_entry(move, &page_moves, node) {
		ret = move->mover == current && move->mm == mm;
		if (ret)
			break;
	}
	spin_unlock(&page_moves_lock);
	return ret;
}

/**
 * cpuset_note_page_move - have the pages of a process moved, if its cpuset wants it
 * @p: a thread that has got other nodes
 * @pl: where they are from, still in force
 *
 * current does it itself when it calls cpuset_move_pages().
 */
void cpuset_note_page_move(struct placing *p, const struct cpuset_placement *pl)
{
	struct page_move *move;
	struct mm_struct *mm;

	if (!p->rebound || !test_bit(CPUSET_MEMORY_MIGRATE, &pl->flags))
		return;
	mm = get_following_mm(p->task, &pl->mems);
	if (!mm)
		return;
	if (page_move_is_noted(mm)) {
		mmput_async(mm);
		return;
	}
	mmgrab(mm);
	mmput_async(mm);

	/* An attach that has been committed cannot fail any more. */
	move = kmalloc(sizeof(*move), GFP_KERNEL | __GFP_NOFAIL);
	move->mover = current;
	move->mm = mm;
	move->from = p->from;
	move->to = pl->mems;
	spin_lock(&page_moves_lock);
	list_add_tail(&move->node, &page_moves);
	spin_unlock(&page_moves_lock);
}

/* Move the pages that @mover has noted down. */
static void move_pages_of(struct task_struct *mover)
{
	struct page_move *move, *next;
	int flags = MPOL_MF_MOVE;
	LIST_HEAD(moves);

	spin_lock(&page_moves_lock);
	list_for_each_entry_safe(move, next, &page_moves, node)
		if (move->mover == mover)
			list_move_tail(&move->node, &moves);
	spin_unlock(&page_moves_lock);

	/* As migrate_pages(2) has it: for pages that others have as well. */
	if (!list_empty(&moves) && capable(CAP_SYS_NICE))
		flags = MPOL_MF_MOVE_ALL;
	list_for_each_entry_safe(move, next, &moves, node) {
		/* Who has exited meanwhile has no pages. */
		if (mmget_not_zero(move->mm)) {
			do_migrate_pages(move->mm, &move->from, &move->to, flags);
			mmput(move->mm);
		}
		mmdrop(move->mm);
		kfree(move);
	}
}

/**
 * cpuset_move_pages - move the pages that current has noted down
 *
 * When it returns they are where they belong, as far as they can be moved.
 * Sleeps, waits for I/O; the caller holds no lock.
 */
void cpuset_move_pages(void)
{
	/* Nobody else adds or removes what is ours. */
	if (unlikely(!list_empty_careful(&page_moves)))
		move_pages_of(current);
}

static void move_pages_work(struct work_struct *work)
{
	move_pages_of(NULL);
}

static DECLARE_WORK(page_moves_work, move_pages_work);

/**
 * cpuset_move_pages_later - have a work item move what current has noted down
 *
 * For callers that hold locks.
 */
void cpuset_move_pages_later(void)
{
	struct page_move *move;
	bool found = false;

	spin_lock(&page_moves_lock);
	list_for_each_entry(move, &page_moves, node) {
		if (move->mover == current) {
			move->mover = NULL;
			found = true;
		}
	}
	spin_unlock(&page_moves_lock);
	if (found)
		schedule_work(&page_moves_work);
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

/**
 * current_cpuset_is_being_rebound - is someone rebinding memory policies in
 *	current's cpuset?
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
	return ret;
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
