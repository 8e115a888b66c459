// SPDX-License-Identifier: GPL-2.0
/*
 * Process containers: the grouping core.
 *
 * Threads are grouped in any number of hierarchies of containers. What a
 * thread belongs to is one pointer, task->containers, to a container_group
 * that all threads with the same membership in every hierarchy share. A group
 * never changes; a thread that moves gets another one, found by hash. A group
 * lists the containers it is in, save root containers: what it does not list
 * it is in the root of. So neither mounting nor unmounting a hierarchy touches
 * a group or a thread. The exception is the first mount: until then no thread is
 * a member of anything, and fork and exit have nothing to do; see container_start().
 *
 * The file system is in container_fs.c.
 *
 * Locks, outermost first:
 *
 *   cpus_read_lock()	held around everything that calls callbacks which may
 *			look at CPUs; see struct container_subsys
 *   container_mutex	trees (parent, children, names), hierarchies, which
 *			subsystem is bound where. Not on exit, nor to attach,
 *			nor on fork unless that makes a container or numtasks
 *			is being mounted.
 *   attach_mutexes	membership of the threads of one process, but for
 *			joining at fork and leaving at exit: whoever moves a
 *			thread holds the mutex its signal_struct hashes to.
 *			All of them: container_attach_exclude().
 *   group->lock	group->tasks, ->active, ->left, ->kill_stamp, and
 *			task->container_kill_stamp and task->containers of the
 *			members: the latter is written with the locks of both
 *			the old and the new group held. Two are taken in the
 *			order of their addresses.
 *   container->lock	container->groups
 *   bucket->lock	one chain of the table of groups
 *
 * No lock of ours is held while kernfs drains the users of a file
 * (kernfs_remove()), so a handler of a control file may take any of them.
 *
 * Lifetimes. A member holds a reference to its group, and a thread that has left
 * it holds it until it has run for the last time. A group holds one to
 * each container it lists, a container one to its parent. A container is
 * removed when its population, the number of its groups with members, is
 * changed from 0 to CONTAINER_DEAD; the structure and the subsystems' states
 * live until the last reference has gone and a grace period is over. Groups
 * are freed by RCU too, so that task_subsys_state() needs rcu_read_lock() only.
 *
 * How a process is moved without stopping its forks. A new thread becomes visible
 * in its thread group first and joins afterwards, in container_post_fork(), the
 * group that its creator is in at that moment, under that group's lock. Whoever
 * moves a process holds its attach mutex, moves the threads it has prepared, and
 * then walks the list of threads once, front to back, moving all that are still
 * in a group it moves from. No thread is left behind:
 *
 *   Threads are added at the end of the list only, so a creator X stands before
 *   the thread N it creates, and X cannot run before it has joined itself. If N
 *   joined the old group of X, under the lock of that group, then X had not been
 *   moved yet, which takes the same lock. So N was on the list before X was
 *   moved; the walk, which comes to the place of N after X was moved, sees N in
 *   its old group and moves it. If N had not joined when X was moved, it joins X
 *   in the new group. So does the first thread of a process, should it be moved
 *   before it has joined: the mover has it join first.
 *
 * The threads of a process cannot come to be in a group that the mover does not
 * know, since only joining and the holder of the attach mutex change groups. A
 * thread that starts in a container of its own (container_clone_begin()), and so
 * in another group than its creator, joins with the attach mutex held.
 *
 * A thread that exits while it is part of an attach waits for the end of it, so
 * that subsystems see the move before the exit.
 */

#include <linux/cpu.h>
#include <linux/container.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/init_task.h>
#include <linux/kernfs.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "container_internal.h"

static DEFINE_MUTEX(container_mutex);

#define ATTACH_MUTEX_BITS	5
static struct mutex attach_mutexes[1 << ATTACH_MUTEX_BITS];

/*
 * For each attach mutex the group that was last left empty by an attach, with a
 * reference, or NULL: whoever moves to and fro finds it again. None of a container
 * that has been removed.
 */
static struct container_group *spare_groups[1 << ATTACH_MUTEX_BITS];

#define GROUP_HASH_BITS		9
static struct group_bucket {
	spinlock_t		lock;	/* protects changes of head */
	struct hlist_head	head;
} group_table[1 << GROUP_HASH_BITS];

/* In the order of their ids. */
#define SUBSYS(_x) &_x##_subsys,
struct container_subsys *container_subsystems[] = {
#include <linux/container_subsys.h>
};

#undef SUBSYS

/* Hierarchy 0: where unbound subsystems are. */
struct containerfs_root container_dummy_root;

/* The group of all tasks that are in the root of every hierarchy. */
struct container_group init_container_group = {
	.lock		= __SPIN_LOCK_UNLOCKED(init_container_group.lock),
	.tasks		= LIST_HEAD_INIT(init_container_group.tasks),
};

/*
 * Subsystems whose fork callback is called in the root state as well. A bit,
 * once set, stays: a fork that began when there were other containers may
 * still be on its way when the last of them has gone.
 */
static unsigned long root_fork_mask __read_mostly;

/* The same for can_fork, cancel_fork and exit: container_watch_root(). */
static unsigned long root_charge_mask __read_mostly;

/* Counts container_kill(); container_mutex, forks read it without. It never wraps. */
static atomic64_t kill_clock = ATOMIC64_INIT(0);

/* Which subsystems have which callback. */
static struct {
	unsigned long		can_attach;
	unsigned long		attach;
	unsigned long		attached;
	unsigned long		can_fork;
	unsigned long		fork;
	unsigned long		exit;
} having __ro_after_init;

DEFINE_STATIC_KEY_FALSE(container_key);
DEFINE_STATIC_KEY_FALSE(container_exit_key);

static LLIST_HEAD(free_list);

/* Groups that container_task_dead() could not free. */
static LLIST_HEAD(unused_groups);

/**
 * container_lock - take container_mutex
 *
 * Keeps trees, names and hierarchies as they are. Sleeps. Comes inside
 * cpus_read_lock().
 */
void container_lock(void)
{
	mutex_lock(&container_mutex);
}

/**
 * container_unlock - release container_mutex
 */
void container_unlock(void)
{
	mutex_unlock(&container_mutex);
}

/**
 * container_lock_live - take container_mutex unless a container is removed
 * @cont: the container, which the caller has pinned
 *
 * Return: true with the mutex held, false without it if @cont is removed.
 */
bool container_lock_live(struct container *cont)
{
	mutex_lock(&container_mutex);
	if (likely(!container_is_removed(cont)))
		return true;
	mutex_unlock(&container_mutex);
	return false;
}

/**
 * container_lock_live_css - take container_mutex unless a state's container is
 *	removed, or its subsystem unbound
 * @css: the state, in a handler of one of its control files
 *
 * A root state moves to other root containers, which come and go, unless the
 * mutex is held.
 *
 * Return: true with the mutex held, false without it if the container is removed,
 * or the subsystem is in no hierarchy any more.
 */
bool container_lock_live_css(struct container_subsys_state *css)
{
	mutex_lock(&container_mutex);
	if (likely(css->container != &container_dummy_root.top &&
		   !container_is_removed(css->container)))
		return true;
	mutex_unlock(&container_mutex);
	return false;
}

#ifdef CONFIG_LOCKDEP
bool container_lock_is_held(void)
{
	return lockdep_is_held(&container_mutex);
}
#endif

/**
 * container_attach_exclude - keep every thread in its containers
 *
 * Waits for attaches in progress in every hierarchy and keeps new ones out
 * until container_attach_allow(). Forks and exits go on; a new thread joins
 * the containers of its creator. The caller holds container_mutex. Sleeps.
 */
void container_attach_exclude(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(attach_mutexes); i++)
		mutex_lock_nest_lock(&attach_mutexes[i], &container_mutex);
}

/**
 * container_attach_allow - end what container_attach_exclude() began
 */
void container_attach_allow(void)
{
	int i;

	for (i = ARRAY_SIZE(attach_mutexes) - 1; i >= 0; i--)
		mutex_unlock(&attach_mutexes[i]);
}

bool container_is_removed(const struct container *cont)
{
	return atomic_read(&cont->population) < 0;
}

bool container_is_descendant(const struct container *cont,
			     const struct container *ancestor)
{
	while (cont && cont != ancestor)
		cont = cont->parent;
	return cont;
}

/**
 * container_path - a container's path from the root of its hierarchy
 * @cont: the container, pinned by the caller
 * @buf: where to put the path, NUL-terminated
 * @buflen: size of @buf in bytes
 *
 * Any context but NMI; with PREEMPT_RT, one that may sleep. A container that is
 * renamed has one of its names.
 *
 * Return: 0, or -ENAMETOOLONG if the path is not at least one byte shorter than
 * what would fit.
 */
int container_path(const struct container *cont, char *buf, size_t buflen)
{
	int ret;

	if (!cont->parent)
		ret = strscpy(buf, "/", buflen);
	else
		ret = kernfs_path_from_node(cont->kn, NULL, buf, buflen);
	/* kernfs cuts what does not fit, and does not tell. */
	if (ret < 0 || ret + 1 >= buflen)
		return -ENAMETOOLONG;
	return 0;
}

/**
 * container_next_descendant_pre - step of container_for_each_descendant_pre()
 * @pos: where the walk is
 * @top: where it began
 *
 * Under container_mutex, or under RCU, when containers that are created or
 * removed meanwhile may or may not be visited.
 *
 * Return: the next container, NULL after the last.
 */
struct container *container_next_descendant_pre(struct container *pos,
						struct container *top)
{
	struct container *next;

	next = list_first_or_null_rcu(&pos->children, struct container, sibling);
	if (next)
		return next;
	for (; pos != top; pos = pos->parent) {
		next = list_entry_rcu(pos->sibling.next, struct container,
				      sibling);
		if (&next->sibling != &pos->parent->children)
			return next;
	}
	return NULL;
}

/* Drop what may be the last reference from container_css_get(). */
void __container_css_put(struct container_subsys_state *css)
{
	struct container *cont;

	/* Once it is given back @css may be freed. */
	rcu_read_lock();
	/*
	 * The last member will announce it when it leaves, for it sees the
	 * reference given back: both sides have a full barrier between their
	 * atomic operation and the look at the other's.
	 */
	if (atomic_dec_return(&css->refcnt) == 1) {
		cont = READ_ONCE(css->container);
		if (atomic_read(&cont->population) <= 0)
			container_changed(cont);
	}
	rcu_read_unlock();
}

/*
 * Containers
 */

void container_init_struct(struct container *cont, struct containerfs_root *root,
			   struct container *parent)
{
	cont->root = root;
	cont->parent = parent;
	cont->depth = parent ? parent->depth + 1 : 0;
	INIT_LIST_HEAD(&cont->sibling);
	INIT_LIST_HEAD(&cont->children);
	INIT_LIST_HEAD(&cont->groups);
	spin_lock_init(&cont->lock);
	refcount_set(&cont->refs, 1);
}

void container_get(struct container *cont)
{
	refcount_inc(&cont->refs);
}

static void container_free_states(struct container *cont)
{
	struct container_subsys *ss;
	int i;

	for_each_container_subsys(ss, i)
		if (cont->subsys[i])
			ss->free(ss, cont->subsys[i]);
}

static void container_free_work(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&free_list);
	struct container *cont, *next;

	llist_for_each_entry_safe(cont, next, list, notify) {
		struct container *parent = cont->parent;

		kernfs_put(cont->kn);
		if (!parent) {
			kfree(cont->root);
			continue;
		}
		container_free_states(cont);
		kfree(cont);
		container_put(parent);
	}
}

static DECLARE_WORK(free_work, container_free_work);

static void container_free_rcu(struct rcu_head *rcu)
{
	struct container *cont = container_of(rcu, struct container, rcu);

	if (llist_add(&cont->notify, &free_list))
		schedule_work(&free_work);
}

/* Drop a reference to @cont. Any context in which call_rcu() may be called. */
void container_put(struct container *cont)
{
	if (refcount_dec_and_test(&cont->refs))
		call_rcu(&cont->rcu, container_free_rcu);
}

static void container_destroy_states(struct container *cont)
{
	struct container_subsys *ss;
	int i;

	for (i = CONTAINER_SUBSYS_COUNT - 1; i >= 0; i--) {
		ss = container_subsystems[i];
		if (cont->subsys[i] && ss->destroy)
			ss->destroy(ss, cont->subsys[i]);
	}
}

static int container_create_states(struct container *cont)
{
	struct container_subsys_state *css;
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, cont->root->subsys_mask) {
		css = ss->create(ss, cont);
		if (IS_ERR(css))
			return PTR_ERR(css);
		css->container = cont;
		atomic_set(&css->refcnt, 1);
		cont->subsys[i] = css;
	}
	return 0;
}

/*
 * Each user's containers are counted, as his namespaces are, for a directory of his
 * own lets him make them. They count until they are removed, not until they are
 * freed: to keep what is left of a removed one he needs an open file.
 */
static int container_charge_user(struct container *cont)
{
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
		return 0;
	cont->ucounts = inc_ucount(current_user_ns(), current_euid(),
				   UCOUNT_CONTAINERS);
	return cont->ucounts ? 0 : -ENOSPC;
}

static void container_uncharge_user(struct container *cont)
{
	if (cont->ucounts)
		dec_ucount(cont->ucounts, UCOUNT_CONTAINERS);
}

/**
 * container_create - allocate a container with the states of its subsystems
 * @parent: its parent, alive
 *
 * cpus_read_lock() and container_mutex are held. Nobody sees the container
 * before container_online(); undo with container_discard().
 *
 * Return: the container or an ERR_PTR(): -ENOSPC if @parent is CONTAINER_MAX_DEPTH
 * levels deep, or current's user has as many containers as he may have; -ENOMEM; or a
 * subsystem's error.
 */
struct container *container_create(struct container *parent)
{
	struct container *cont;
	int ret;

	lockdep_assert_held(&container_mutex);

	if (parent->depth >= CONTAINER_MAX_DEPTH)
		return ERR_PTR(-ENOSPC);
	cont = kzalloc(sizeof(*cont), GFP_KERNEL);
	if (!cont)
		return ERR_PTR(-ENOMEM);
	container_get(parent);
	container_init_struct(cont, parent->root, parent);
	cont->flags = READ_ONCE(parent->flags) &
		      (BIT(CONTAINER_NOTIFY_ON_RELEASE) |
		       BIT(CONTAINER_AUTO_DELETE));

	ret = container_charge_user(cont);
	if (!ret)
		ret = container_create_states(cont);
	if (ret) {
		container_discard(cont);
		return ERR_PTR(ret);
	}
	return cont;
}

/**
 * container_watch_root_forks - have the fork callback called in the root, too
 * @ss: the subsystem; nothing happens if it has no such callback
 *
 * For good. container_mutex is held. Whoever walks the members of the root
 * afterwards meets every thread that has joined without the callback.
 */
void container_watch_root_forks(struct container_subsys *ss)
{
	if (ss->fork && !(root_fork_mask & BIT(ss->subsys_id)))
		WRITE_ONCE(root_fork_mask, root_fork_mask | BIT(ss->subsys_id));
}

/**
 * container_watch_root - have can_fork, cancel_fork, fork and exit called in the
 *	root, too
 * @ss: the subsystem
 *
 * For good, and at any moment of a fork: cancel_fork may be called for a child
 * for which can_fork was not, and exit for a task of which the subsystem has not
 * heard before. container_mutex is held.
 */
void container_watch_root(struct container_subsys *ss)
{
	container_watch_root_forks(ss);
	WRITE_ONCE(root_charge_mask, root_charge_mask | BIT(ss->subsys_id));
}

/**
 * container_online - put a complete container into its tree
 * @cont: from container_create(), under the same hold of container_mutex
 */
void container_online(struct container *cont)
{
	struct containerfs_root *root = cont->root;
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, root->subsys_mask)
		container_watch_root_forks(ss);
	root->nr_containers++;
	list_add_tail_rcu(&cont->sibling, &cont->parent->children);
}

/**
 * container_discard - undo container_create()
 * @cont: never made visible; container_mutex still held
 */
void container_discard(struct container *cont)
{
	container_destroy_states(cont);
	container_uncharge_user(cont);
	atomic_set(&cont->population, CONTAINER_DEAD);
	container_put(cont);
}

/* Does anyone but the container itself use a state? */
static bool container_has_users(const struct container *cont)
{
	int i;

	for (i = 0; i < CONTAINER_SUBSYS_COUNT; i++)
		if (cont->subsys[i] && atomic_read(&cont->subsys[i]->refcnt) > 1)
			return true;
	return false;
}

/* Freeze the references of all states, or of none if one is in use. */
static bool container_freeze_states(struct container *cont)
{
	int i;

	for (i = 0; i < CONTAINER_SUBSYS_COUNT; i++) {
		struct container_subsys_state *css = cont->subsys[i];

		if (!css || atomic_cmpxchg(&css->refcnt, 1, 0) == 1)
			continue;
		while (--i >= 0)
			if (cont->subsys[i])
				atomic_set(&cont->subsys[i]->refcnt, 1);
		return false;
	}
	return true;
}

static void drop_spare_groups(struct container *cont);

/**
 * container_remove - take an unused container out of its tree
 * @cont: not a root container
 *
 * cpus_read_lock() and container_mutex are held. The caller removes the
 * directory afterwards, without them, and drops the reference of the
 * directory with container_put().
 *
 * Return: 0; -ENODEV if it is removed already; -EBUSY if it has members,
 * children or a state in use.
 */
int container_remove(struct container *cont)
{
	int population;

	lockdep_assert_held(&container_mutex);

	/* Nobody who attaches meanwhile shall find it removed if it is to stay. */
	if (!list_empty(&cont->children) || container_has_users(cont))
		return -EBUSY;
	population = atomic_cmpxchg(&cont->population, 0, CONTAINER_DEAD);
	if (population)
		return population < 0 ? -ENODEV : -EBUSY;
	/* But it may have got a member, who used one and left. */
	if (!container_freeze_states(cont)) {
		atomic_sub(CONTAINER_DEAD, &cont->population);
		return -EBUSY;
	}
	list_del_rcu(&cont->sibling);
	cont->root->nr_containers--;
	drop_spare_groups(cont);
	container_destroy_states(cont);
	container_uncharge_user(cont);
	set_bit(CONTAINER_RELEASABLE, &cont->parent->flags);
	container_changed(cont->parent);
	return 0;
}

static void container_bind_state(struct container_subsys *ss, int i,
				 struct containerfs_root *root)
{
	struct container_subsys_state *css = ss->root_css;

	ss->root->top.subsys[i] = NULL;
	/* Marked for container_show_options(). */
	WRITE_ONCE(ss->root->subsys_mask, ss->root->subsys_mask & ~BIT(i));
	WRITE_ONCE(ss->root, root);
	WRITE_ONCE(root->subsys_mask, root->subsys_mask | BIT(i));
	root->top.subsys[i] = css;
	/* Pairs with the reads of it under RCU alone, which go on to what is in it. */
	smp_store_release(&css->container, &root->top);
	if (ss->bind)
		ss->bind(ss, css, root != &container_dummy_root);
}

/**
 * container_rebind - change the set of subsystems of a hierarchy
 * @root: has no container but its root
 * @mask: the subsystems it shall have; those it does not have are unbound now
 *
 * cpus_read_lock() and container_mutex are held.
 */
void container_rebind(struct containerfs_root *root, unsigned long mask)
{
	struct container_subsys *ss;
	int i;

	lockdep_assert_held(&container_mutex);

	container_attach_exclude();
	for_each_container_subsys(ss, i) {
		if (ss->root == root && !(mask & BIT(i)))
			container_bind_state(ss, i, &container_dummy_root);
		else if (ss->root != root && (mask & BIT(i)))
			container_bind_state(ss, i, root);
	}
	container_attach_allow();
}

/*
 * Groups
 */

static unsigned long link_key(const struct container *cont)
{
	return hash_long((unsigned long)cont, BITS_PER_LONG);
}

static struct container_link *group_link(struct container_group *group,
					 const struct containerfs_root *root)
{
	unsigned int i;

	for (i = 0; i < group->nr_links; i++)
		if (group->links[i].container->root == root)
			return &group->links[i];
	return NULL;
}

static struct container *group_container(struct container_group *group,
					 struct containerfs_root *root)
{
	struct container_link *link = group_link(group, root);

	return link ? link->container : &root->top;
}

/* The sum over the links does not depend on their order. */
static struct group_bucket *group_bucket(unsigned long key)
{
	return &group_table[hash_long(key, GROUP_HASH_BITS)];
}

/* References to the group of the root, which is static, are not counted. */
static void get_group_refs(struct container_group *group, unsigned int count)
{
	if (group != &init_container_group)
		refcount_add(count, &group->refs);
}

static void get_group(struct container_group *group)
{
	get_group_refs(group, 1);
}

static bool tryget_group(struct container_group *group)
{
	return group == &init_container_group ||
	       refcount_inc_not_zero(&group->refs);
}

/* Returns whether it was the last reference. */
static bool drop_group(struct container_group *group)
{
	return group != &init_container_group &&
	       refcount_dec_and_test(&group->refs);
}

static void free_group(struct container_group *group)
{
	struct group_bucket *bucket = group_bucket(group->key);
	unsigned int i;

	spin_lock(&bucket->lock);
	hlist_del_init_rcu(&group->hash);
	spin_unlock(&bucket->lock);

	for (i = 0; i < group->nr_links; i++) {
		struct container *cont = group->links[i].container;

		spin_lock(&cont->lock);
		list_del(&group->links[i].node);
		spin_unlock(&cont->lock);
		container_put(cont);
	}
	kfree_rcu(group, rcu);
}

static void put_group(struct container_group *group)
{
	if (drop_group(group))
		free_group(group);
}

/* Pin the group that @task is in. @task is current or pinned. */
static struct container_group *task_group_get(struct task_struct *task)
{
	struct container_group *group = rcu_access_pointer(task->containers);

	if (group == &init_container_group)
		return group;
	/* Less than rcu_read_lock() takes. */
	rcu_read_lock_sched();
	/* A group without references has been left by @task. */
	do {
		group = rcu_dereference_sched(task->containers);
	} while (!tryget_group(group));
	rcu_read_unlock_sched();
	return group;
}

/*
 * The group can only change to or from a locked one, and, like under RCU, is not
 * freed while it is locked. @task is current or pinned.
 */
static struct container_group *lock_task_group(struct task_struct *task)
	__acquires(&task->containers->lock)
{
	struct container_group *group = rcu_access_pointer(task->containers);

	/* This one is never freed. */
	if (group == &init_container_group) {
		spin_lock(&group->lock);
		if (likely(rcu_access_pointer(task->containers) == group))
			return group;
		spin_unlock(&group->lock);
	}
	rcu_read_lock();
	for (;;) {
		group = rcu_dereference(task->containers);
		spin_lock(&group->lock);
		if (likely(rcu_access_pointer(task->containers) == group))
			break;
		spin_unlock(&group->lock);
	}
	rcu_read_unlock();
	return group;
}

/**
 * struct moved_group - the group of threads that move to a container
 * @from: the group they are in
 * @to: the container
 * @pos: where among the links of @from that to @to's hierarchy is, or would be
 * @nr_links: number of links
 * @key: sum of the hashes of the containers
 */
struct moved_group {
	struct container_group	*from;
	struct container	*to;
	unsigned int		pos;
	unsigned int		nr_links;
	unsigned long		key;
};

/* The container of link @i. */
static struct container *moved_link(const struct moved_group *moved,
				    unsigned int i)
{
	struct container_group *from = moved->from;

	if (i < moved->pos)
		return from->links[i].container;
	if (i == moved->pos && moved->to->parent)
		return moved->to;
	/* From here on there are as many links as in @from. */
	return from->links[i + from->nr_links - moved->nr_links].container;
}

static bool group_matches(struct container_group *group,
			  const struct moved_group *moved)
{
	unsigned int i;

	if (group->key != moved->key || group->nr_links != moved->nr_links)
		return false;
	for (i = 0; i < group->nr_links; i++)
		if (group->links[i].container != moved_link(moved, i))
			return false;
	return true;
}

static struct container_group *find_group(struct group_bucket *bucket,
					  const struct moved_group *moved)
{
	struct container_group *group;

	hlist_for_each_entry_rcu(group, &bucket->head, hash,
				 lockdep_is_held(&bucket->lock))
		if (group_matches(group, moved) && tryget_group(group))
			return group;
	return NULL;
}

static void group_set_states(struct container_group *group,
			     struct container_group *from, struct container *to)
{
	unsigned long mask = to->root->subsys_mask;
	struct container_subsys *ss;
	int i;

	memcpy(group->subsys, from->subsys, sizeof(group->subsys));
	for_each_subsys_in(ss, i, mask)
		group->subsys[i] = to->subsys[i];
	if (to->parent)
		group->nonroot_mask = from->nonroot_mask | mask;
	else
		group->nonroot_mask = from->nonroot_mask & ~mask;
}

static struct container_group *alloc_group(const struct moved_group *moved,
					   gfp_t gfp)
{
	struct container_group *group;
	unsigned int i;

	group = kzalloc(struct_size(group, links, moved->nr_links), gfp);
	if (!group)
		return NULL;
	refcount_set(&group->refs, 1);
	spin_lock_init(&group->lock);
	INIT_LIST_HEAD(&group->tasks);
	group->key = moved->key;
	group->nr_links = moved->nr_links;
	group_set_states(group, moved->from, moved->to);

	for (i = 0; i < group->nr_links; i++) {
		struct container *cont = moved_link(moved, i);
		struct container_link *link = &group->links[i];

		container_get(cont);
		link->container = cont;
		link->group = group;
		spin_lock(&cont->lock);
		list_add_tail(&link->node, &cont->groups);
		spin_unlock(&cont->lock);
	}
	return group;
}

/**
 * get_group_moved - the group of threads that move from one to a container
 * @from: the group they are in; pinned
 * @to: the container; pinned
 * @gfp: how to allocate it
 *
 * Sleeps. If @from has no member that is kept from moving, containers of the
 * group may have been removed; group_occupy() tells. None may have been before
 * a subsystem last changed the hierarchy.
 *
 * Return: the group, pinned, or NULL if there is no memory for it.
 */
static struct container_group *get_group_moved(struct container_group *from,
					       struct container *to, gfp_t gfp)
{
	struct moved_group moved = {
		.from		= from,
		.to		= to,
		.nr_links	= from->nr_links,
		.key		= from->key,
	};
	struct container_group *group, *new;
	struct container *old = NULL;
	struct group_bucket *bucket;

	for (; moved.pos < from->nr_links; moved.pos++) {
		old = from->links[moved.pos].container;
		if (old->root->hierarchy_id >= to->root->hierarchy_id)
			break;
	}
	if (old && old->root == to->root) {
		moved.nr_links--;
		moved.key -= link_key(old);
	}
	if (to->parent) {
		moved.nr_links++;
		moved.key += link_key(to);
	}
	bucket = group_bucket(moved.key);

	/* Less than rcu_read_lock() takes. */
	rcu_read_lock_sched();
	group = find_group(bucket, &moved);
	rcu_read_unlock_sched();
	if (group)
		return group;

	new = alloc_group(&moved, gfp);
	if (!new)
		return NULL;
	spin_lock(&bucket->lock);
	group = find_group(bucket, &moved);
	if (!group)
		hlist_add_head_rcu(&new->hash, &bucket->head);
	spin_unlock(&bucket->lock);
	if (!group)
		return new;
	put_group(new);
	return group;
}

/*
 * @group has neither members nor reservations any more. If there were reservations
 * alone nobody has left. Under group->lock.
 */
static void group_vacate(struct container_group *group)
{
	const unsigned long lost = BIT(CONTAINER_USED) | BIT(CONTAINER_RELEASABLE);
	bool left = group->left;
	unsigned int i;

	group->left = false;
	for (i = 0; i < group->nr_links; i++) {
		struct container *cont = group->links[i].container;

		/* As long as it is populated nobody clears them. */
		if (left && (READ_ONCE(cont->flags) & lost) != lost) {
			set_bit(CONTAINER_USED, &cont->flags);
			set_bit(CONTAINER_RELEASABLE, &cont->flags);
		}
		if (!atomic_dec_return(&cont->population)) {
			if (left)
				set_bit(CONTAINER_VACATED, &cont->flags);
			container_changed(cont);
		}
	}
}

/*
 * Count one more member, or future member, of @group. Fails if a container of
 * the group has been removed.
 */
static bool group_occupy(struct container_group *group)
{
	unsigned int i;
	int old;

	spin_lock(&group->lock);
	for (i = 0; !group->active && i < group->nr_links; i++) {
		struct container *cont = group->links[i].container;

		old = atomic_fetch_inc(&cont->population);
		if (old < 0)
			goto removed;
		if (!old)
			container_changed(cont);
	}
	group->active++;
	spin_unlock(&group->lock);
	return true;

removed:
	do {
		struct container *cont = group->links[i].container;

		if (!atomic_dec_return(&cont->population))
			container_changed(cont);
	} while (i-- > 0);
	spin_unlock(&group->lock);
	return false;
}

static void group_unoccupy(struct container_group *group)
{
	spin_lock(&group->lock);
	if (!--group->active)
		group_vacate(group);
	spin_unlock(&group->lock);
}

/*
 * Is @task a member, or yet to join or gone? Stable under its group's lock; who is
 * moved is a member throughout.
 */
static bool is_member(struct task_struct *task)
{
	return !list_empty(&task->container_member.node);
}

/* A member has been taken off the list of @group, whose lock is held. */
static void count_left(struct container_group *group)
{
	group->left = true;
	if (!--group->active)
		group_vacate(group);
}

/*
 * Members
 */

/* Has @task left its group for good? From then on it is seen in the roots. */
static bool has_left(struct task_struct *task)
{
	return !READ_ONCE(task->container_member.node.prev);
}

/* Under RCU, or with the task's group pinned. */
struct container *task_container_in(struct task_struct *task,
				    struct containerfs_root *root)
{
	if (has_left(task))
		return &root->top;
	return group_container(rcu_dereference(task->containers), root);
}

static bool group_in(struct container_group *group, struct container *cont)
{
	return group_container(group, cont->root) == cont;
}

/* Under RCU. */
static void drop_spare_group(struct container_group **spare,
			     struct container_group *group)
{
	if (cmpxchg(spare, group, NULL) == group)
		put_group(group);
}

/* @cont has been removed. */
static void drop_spare_groups(struct container *cont)
{
	struct container_group *group;
	int i;

	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(spare_groups); i++) {
		group = READ_ONCE(spare_groups[i]);
		if (group && group_in(group, cont))
			drop_spare_group(&spare_groups[i], group);
	}
	rcu_read_unlock();
}

/* A root container does not list its groups. @it->group is the last one. */
static struct container_group *next_root_group(struct container_task_iter *it)
{
	struct container_group *group = it->group;

	for (; it->bucket < ARRAY_SIZE(group_table); it->bucket++) {
		struct group_bucket *bucket = &group_table[it->bucket];

		spin_lock(&bucket->lock);
		group = group ?
			hlist_entry_safe(group->hash.next,
					 struct container_group, hash) :
			hlist_entry_safe(bucket->head.first,
					 struct container_group, hash);
		hlist_for_each_entry_from(group, hash) {
			if (group_in(group, it->cont) && tryget_group(group)) {
				spin_unlock(&bucket->lock);
				return group;
			}
		}
		spin_unlock(&bucket->lock);
	}
	return NULL;
}

static struct container_group *next_listed_group(struct container_task_iter *it)
{
	struct container_group *group = NULL;
	struct container *cont = it->cont;
	struct container_link *link;

	spin_lock(&cont->lock);
	link = it->group ? group_link(it->group, cont->root) :
	       list_entry(&cont->groups, struct container_link, node);
	list_for_each_entry_continue(link, &cont->groups, node) {
		if (tryget_group(link->group)) {
			group = link->group;
			break;
		}
	}
	spin_unlock(&cont->lock);
	return group;
}

/* Pin the group after it->group in it->group's place; NULL after the last. */
static struct container_group *next_group(struct container_task_iter *it)
{
	struct container_group *last = it->group;

	it->group = it->cont->parent ? next_listed_group(it) :
				       next_root_group(it);
	if (last)
		put_group(last);
	return it->group;
}

/* In container_member.next: the place is not a thread's but a reader's. */
#define NO_THREAD	((struct task_struct *)ERR_PTR(-ESRCH))

/* How many entries of a list are passed by before others get its lock. */
#define ITER_BATCH	32

/**
 * container_task_iter_start - begin to walk the members of a container
 * @cont: the container, pinned by the caller
 * @it: the iterator; end it with container_task_iter_end()
 *
 * A thread that is a member of the same groups from start to end is met
 * exactly once, whatever others do meanwhile. A thread that is moved in
 * another hierarchy meanwhile may be missed or met twice: who cannot have that
 * uses container_attach_exclude().
 */
void container_task_iter_start(struct container *cont,
			       struct container_task_iter *it)
{
	*it = (struct container_task_iter) {
		.cont		= cont,
		.cursor.next	= NO_THREAD,
	};
	INIT_LIST_HEAD(&it->cursor.node);
}

/* Is there a group to go on with? It is pinned then. */
static bool iter_more(struct container_task_iter *it)
{
	return !list_empty(&it->cursor.node) || next_group(it);
}

/* Go on in it->group. Returns the next place, with the lock held. */
static struct list_head *iter_resume(struct container_task_iter *it)
	__acquires(&it->group->lock)
{
	struct container_group *group = it->group;

	spin_lock(&group->lock);
	if (list_empty(&it->cursor.node))
		list_add(&it->cursor.node, &group->tasks);
	return it->cursor.node.next;
}

/* Be back at @pos, and release the lock; at the end of the list leave the group. */
static void iter_park(struct container_task_iter *it, struct list_head *pos)
	__releases(&it->group->lock)
{
	struct container_group *group = it->group;

	if (pos == &group->tasks)
		list_del_init(&it->cursor.node);
	else
		list_move_tail(&it->cursor.node, pos);
	spin_unlock(&group->lock);
}

/* The thread whose place is @pos; NULL if that is a reader's. */
static struct task_struct *member_at(struct list_head *pos)
{
	struct container_member *member =
		list_entry(pos, struct container_member, node);

	/* It may be unchained, or who was chained behind it, without this lock. */
	if (unlikely(READ_ONCE(member->next) == NO_THREAD))
		return NULL;
	return container_of(member, struct task_struct, container_member);
}

/**
 * container_task_iter_next - the next member of a container
 * @it: the iterator
 *
 * No spinlock is held. Sleeps. Return: the thread, for which the caller does
 * put_task_struct(), or NULL after the last, when nothing more may be done
 * with @it but to end it.
 */
struct task_struct *container_task_iter_next(struct container_task_iter *it)
{
	struct task_struct *task = NULL;
	struct list_head *pos;
	unsigned int left;

	while (!task && iter_more(it)) {
		pos = iter_resume(it);
		for (left = ITER_BATCH; left && !task && pos != &it->group->tasks;
		     left--, pos = pos->next)
			task = member_at(pos);
		if (task)
			get_task_struct(task);
		/* Whom it creates joins before this, further on in the list, or sees it. */
		if (task && it->kill_stamp)
			task->container_kill_stamp = it->kill_stamp;
		iter_park(it, pos);
		cond_resched();
	}
	return task;
}

/*
 * Is @task the member of @cont that stands for its process, the first of its
 * thread list? Nearly always that is the leader.
 */
static bool leads_process_in(struct task_struct *task, struct container *cont)
{
	struct task_struct *other;

	/* Not if another thread executes a program, and becomes it. */
	if (data_race(thread_group_leader(task)))
		return true;
	for_each_thread(task, other) {
		if (other == task)
			return true;
		/* Exited threads, seen as members of the root, do not count. */
		if (is_member(other) && task_container_in(other, cont->root) == cont)
			return false;
	}
	return true;
}

/**
 * container_task_iter_fill - the ids of the next members of a container
 * @it: the iterator
 * @ns: the pid namespace whose ids are wanted; who has none there is left out
 * @nrs: where to put the ids
 * @max: how many at most
 *
 * No spinlock is held. Sleeps. Return: how many; less than @max after the last, or 0
 * if current is to die, when nothing more may be done with @it but to end it.
 */
unsigned int container_task_iter_fill(struct container_task_iter *it,
				      struct pid_namespace *ns, pid_t *nrs,
				      unsigned int max)
{
	unsigned int count = 0, left;
	struct task_struct *task;
	struct list_head *pos;
	pid_t nr;

	while (count < max && iter_more(it)) {
		pos = iter_resume(it);
		/* Readers, and whoever has no id, take time as well. */
		for (left = ITER_BATCH; left && count < max && pos != &it->group->tasks;
		     left--, pos = pos->next) {
			task = member_at(pos);
			nr = task ? task_pid_nr_ns(task, ns) : 0;
			if (nr)
				nrs[count++] = nr;
		}
		iter_park(it, pos);
		if (fatal_signal_pending(current))
			return 0;
		cond_resched();
	}
	return count;
}

/**
 * container_task_iter_fill_processes - the thread-group ids of the next processes
 *	with a member in a container, each once
 * @it: the iterator
 * @ns: as for container_task_iter_fill(), like the rest
 * @nrs: where to put the ids
 * @max: how many at most
 *
 * A process of which most threads are elsewhere takes a while, so no lock is held
 * meanwhile. Sleeps. Return: as container_task_iter_fill(); 0 if current is to die.
 */
unsigned int container_task_iter_fill_processes(struct container_task_iter *it,
						struct pid_namespace *ns,
						pid_t *nrs, unsigned int max)
{
	struct task_struct *task;
	unsigned int count = 0;
	pid_t nr;

	while (count < max && (task = container_task_iter_next(it))) {
		rcu_read_lock();
		nr = leads_process_in(task, it->cont) ? task_tgid_nr_ns(task, ns) : 0;
		rcu_read_unlock();
		put_task_struct(task);
		if (nr)
			nrs[count++] = nr;
		if (fatal_signal_pending(current))
			return 0;
	}
	return count;
}

/**
 * container_task_iter_end - end a walk, at any point of it
 * @it: the iterator
 */
void container_task_iter_end(struct container_task_iter *it)
{
	struct container_group *group = it->group;

	if (!group)
		return;
	spin_lock(&group->lock);
	list_del_init(&it->cursor.node);
	spin_unlock(&group->lock);
	put_group(group);
	it->group = NULL;
}

/*
 * Attaching
 */

/* Membership of the threads of @task's process changes under this mutex. */
static struct mutex *attach_mutex(struct task_struct *task)
{
	return &attach_mutexes[hash_ptr(task->signal, ATTACH_MUTEX_BITS)];
}

static void attach_states(struct task_struct *task, struct container_group *from,
			  struct container_group *to, bool prepared)
{
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, having.attach)
		if (from->subsys[i] != to->subsys[i])
			ss->attach(ss, to->subsys[i], from->subsys[i], task,
				   prepared);
}

/* No lock is held. */
static void tell_attached(void)
{
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, having.attached)
		ss->attached(ss);
}

/* In the order of their addresses. @a and @b are not the same. */
static void lock_groups(struct container_group *a, struct container_group *b)
	__acquires(&a->lock) __acquires(&b->lock)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
}

static void unlock_groups(struct container_group *a, struct container_group *b)
	__releases(&a->lock) __releases(&b->lock)
{
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
}

/*
 * Was the creator of @child killed since the fork began, wherever he was a member
 * then? Not so who left a container before it was killed, or came after that. The
 * lock of his group is held.
 */
static bool creator_killed_since_fork(struct task_struct *creator,
				      struct task_struct *child)
{
	return creator->container_kill_stamp > child->container_kill_stamp;
}

/* Ends a chain of threads; never on one itself. */
#define CHAIN_END	(&init_task)

/*
 * Put @child on the list of its group, whose lock is held, if it is still to
 * join and its creator, who is busy forking, is in this group. The creator is a
 * member, so the group has been occupied already. @killed is set if he was killed
 * since the fork began. Returns false if he is elsewhere.
 */
static bool join_group(struct container_group *group, struct task_struct *child,
		       bool *killed)
{
	struct task_struct *creator = READ_ONCE(child->container_member.next);

	if (is_member(child) || !creator)
		return true;
	if (rcu_access_pointer(creator->containers) != group)
		return false;
	*killed |= creator_killed_since_fork(creator, child);
	group->active++;
	list_add_tail(&child->container_member.node, &group->tasks);
	WRITE_ONCE(child->container_member.next, NULL);
	return true;
}

/* The container that a child who is yet to join @group has for itself. */
static struct container *cloned_container(struct container_group *group)
{
#ifdef CONFIG_CONTAINER_NS
	return group->subsys[ns_subsys_id]->container;
#else
	return NULL;
#endif
}

/*
 * Put @child, which starts in a container of its own, on the list of @group,
 * which has a reservation for it, if its creator is in group @base.
 */
static bool join_cloned_group(struct container_group *group,
			      struct container_group *base,
			      struct task_struct *child, bool *killed)
{
	struct task_struct *creator = child->container_member.next;
	bool joined;

	lock_groups(group, base);
	joined = rcu_access_pointer(creator->containers) == base;
	if (joined) {
		*killed |= creator_killed_since_fork(creator, child);
		list_add_tail(&child->container_member.node, &group->tasks);
		WRITE_ONCE(child->container_member.next, NULL);
		child->container_cloned = false;
	}
	unlock_groups(group, base);
	return joined;
}

/*
 * The group that @child, who is in a container of its own, is to have when its
 * creator is in group @base. In the other hierarchies it follows its creator. If
 * it is a thread of the same process it does so here too: the process has been
 * moved since can_fork, and its own container is not where the process is. Pinned.
 */
static struct container_group *follow_creator(struct task_struct *child,
					      struct container_group *group,
					      struct container_group *base)
{
	struct container *cont = cloned_container(group);

	if (child->signal == child->container_member.next->signal &&
	    group_container(base, cont->root) != cont->parent) {
		get_group(base);
		return base;
	}
	return get_group_moved(base, cont, GFP_KERNEL | __GFP_NOFAIL);
}

/*
 * join_newborn() for a child that starts in a container of its own. Killed is also
 * who keeps that, if it was killed with those above it after its creator had left.
 */
static void join_cloned(struct task_struct *child, bool *killed)
{
	struct container_group *group, *base, *next;
	bool joined = false, stamped;

	do {
		group = rcu_dereference_protected(child->containers, true);
		spin_lock(&group->lock);
		stamped = group->kill_stamp > child->container_kill_stamp;
		spin_unlock(&group->lock);

		base = task_group_get(child->container_member.next);
		next = follow_creator(child, group, base);
		*killed |= stamped && next != base;
		if (next == group) {
			joined = join_cloned_group(group, base, child, killed);
		} else if (next == base || group_occupy(next)) {
			rcu_assign_pointer(child->containers, next);
			attach_states(child, group, next, false);
			group_unoccupy(group);
			swap(group, next);
			child->container_cloned = group != base;
		}
		/* Otherwise the creator has been moved once more. */
		put_group(next);
		put_group(base);
	} while (!joined && child->container_cloned);
}

/*
 * Make @child, who is in group @from, a member of @to if it is still to join and its
 * creator is there. It waits to exit as long as it is chained: until it has taken
 * along what it was charged.
 */
static bool join_elsewhere(struct container_group *from, struct container_group *to,
			   struct task_struct *child, bool *killed)
{
	struct task_struct *creator;
	bool joined;

	lock_groups(from, to);
	creator = child->container_member.next;
	joined = creator && !is_member(child) &&
		 rcu_access_pointer(creator->containers) == to;
	if (joined) {
		*killed |= creator_killed_since_fork(creator, child);
		to->active++;
		list_add_tail(&child->container_member.node, &to->tasks);
		rcu_assign_pointer(child->containers, to);
		WRITE_ONCE(child->container_member.next, CHAIN_END);
	}
	unlock_groups(from, to);
	return joined;
}

/*
 * Join where the creator is. He may have @child join meanwhile, if he has been moved
 * back to the group that it is in, and then it may exit and drop that.
 */
static void join_creator(struct task_struct *child, bool *killed)
{
	struct container_group *group, *next;
	bool joined, moved = false;

	do {
		group = lock_task_group(child);
		joined = join_group(group, child, killed);
		if (!joined) {
			get_group(group);
			next = task_group_get(child->container_member.next);
		}
		spin_unlock(&group->lock);
		if (joined)
			return;

		moved = join_elsewhere(group, next, child, killed);
		if (moved) {
			attach_states(child, group, next, false);
			/* Pairs with container_exit(). */
			smp_store_release(&child->container_member.next, NULL);
			/* That of @child, who has the one to @next now. */
			next = group;
		}
		put_group(next);
		put_group(group);
	} while (!moved);
}

/*
 * Have @child join if it has not yet, though its creator is being moved while
 * it forks: the child follows it and takes along what can_fork charged. The
 * attach mutex of @child and cpus_read_lock() are held.
 */
static void join_newborn(struct task_struct *child)
{
	bool killed = false;

	if (likely(!READ_ONCE(child->container_member.next)))
		return;
	if (child->container_cloned)
		join_cloned(child, &killed);
	/* It may have given up its own container. */
	if (!child->container_cloned)
		join_creator(child, &killed);
	if (killed)
		do_send_sig_info(SIGKILL, SEND_SIG_PRIV, child, PIDTYPE_TGID);
}

/* Pinned threads, linked by task->container_member.next. */
struct thread_chain {
	struct task_struct	*head;
	struct task_struct	**tail;
};

enum { CHAIN_PREPARED, CHAIN_NEWCOMERS, NR_CHAINS };

/**
 * struct container_move - threads that move from one group to another
 * @node: entry of container_attachment.moves
 * @from: the group they are in
 * @to: the group they move to
 * @chains: CHAIN_PREPARED: those for which can_attach is called; CHAIN_NEWCOMERS:
 *	those that were created, and moved, after that
 * @occupied: @to is kept alive by a reservation
 */
struct container_move {
	struct list_head	node;
	struct container_group	*from;
	struct container_group	*to;
	struct thread_chain	chains[NR_CHAINS];
	bool			occupied;
};

/**
 * struct container_attachment - an attach in progress
 * @cont: where to
 * @task: the thread, or any thread of the process
 * @whole: the whole process
 * @cred: who wants it; NULL: container_clone(), for who is in @cont's parent
 * @moves: struct container_move, one for each group threads are in
 * @first: the first of these
 * @unmapped: what chain_member() found
 * @done: a thread has been moved, or was there already
 */
struct container_attachment {
	struct container	*cont;
	struct task_struct	*task;
	bool			whole;
	const struct cred	*cred;
	struct list_head	moves;
	struct container_move	first;
	struct container_group	*unmapped;
	bool			done;
};

/* Chain @task, which cannot go away: it is a member, or RCU protects it. */
static void chain_task(struct thread_chain *chain, struct task_struct *task)
{
	get_task_struct(task);
	WRITE_ONCE(task->container_member.next, CHAIN_END);
	WRITE_ONCE(*chain->tail, task);
	chain->tail = &task->container_member.next;
}

static void init_chain(struct thread_chain *chain)
{
	chain->head = CHAIN_END;
	chain->tail = &chain->head;
}

/* Take the first thread off, and let go of it, who may wait to exit. */
static void unchain_task(struct task_struct **link)
{
	struct task_struct *task = *link;

	WRITE_ONCE(*link, task->container_member.next);
	/* Pairs with container_exit(). */
	smp_store_release(&task->container_member.next, NULL);
	put_task_struct(task);
}

static struct container_move *find_move(struct container_attachment *att,
					const struct container_group *from)
{
	struct container_move *move;

	list_for_each_entry(move, &att->moves, node)
		if (move->from == from)
			return move;
	return NULL;
}

/* Effective uid 0, or the thread's own real or saved uid, as V8 had it. */
static bool may_attach(const struct cred *cred, struct task_struct *task)
{
	const struct cred *tcred;
	bool may;

	if (!cred || uid_eq(cred->euid, GLOBAL_ROOT_UID))
		return true;
	rcu_read_lock();
	tcred = __task_cred(task);
	may = uid_eq(cred->euid, tcred->uid) || uid_eq(cred->euid, tcred->suid);
	rcu_read_unlock();
	return may;
}

/* A process takes along those of its threads that are exiting, as members. */
static bool passes_over(struct container_attachment *att,
			struct task_struct *task)
{
	return !att->whole && (READ_ONCE(task->flags) & PF_EXITING);
}

/*
 * Chain @task, if it is to be moved and is not chained yet. Returns 1, with the
 * group pinned, if no container_move knows of its group.
 */
static int chain_member(struct container_attachment *att,
			struct task_struct *task)
{
	struct container_group *group;
	struct container_move *move;
	struct container *cont;
	int ret = 0;

	/* Chained, or yet to join, and moved when all others have been if it does. */
	if (passes_over(att, task) || READ_ONCE(task->container_member.next))
		return 0;
	group = lock_task_group(task);
	if (!is_member(task))
		goto unlock;
	cont = group_container(group, att->cont->root);
	move = find_move(att, group);
	if (!att->cred && cont != att->cont->parent) {
		/* Moved since @cont was made: it is in the wrong place. */
		ret = -ESTALE;
	} else if (!may_attach(att->cred, task)) {
		ret = -EACCES;
	} else if (cont == att->cont) {
		att->done = true;
	} else if (move) {
		chain_task(&move->chains[CHAIN_PREPARED], task);
	} else {
		get_group(group);
		att->unmapped = group;
		ret = 1;
	}
unlock:
	spin_unlock(&group->lock);
	return ret;
}

static void free_move(struct container_attachment *att, struct container_move *move)
{
	if (move != &att->first)
		kfree(move);
}

static int add_move(struct container_attachment *att,
		    struct container_group *from)
{
	struct container_move *move = &att->first;
	int i;

	if (!list_empty(&att->moves))
		move = kmalloc(sizeof(*move), GFP_KERNEL);
	if (!move)
		goto out_put;
	move->to = get_group_moved(from, att->cont, GFP_KERNEL);
	if (!move->to)
		goto out_free;
	move->from = from;
	for (i = 0; i < NR_CHAINS; i++)
		init_chain(&move->chains[i]);
	move->occupied = false;
	list_add_tail(&move->node, &att->moves);
	return 0;

out_free:
	free_move(att, move);
out_put:
	put_group(from);
	return -ENOMEM;
}

/* Returns what chain_member() does, 0 if there is nothing more to be chained. */
static int chain_members(struct container_attachment *att)
{
	struct task_struct *task;
	int ret = 0;

	if (!att->whole)
		return chain_member(att, att->task);
	rcu_read_lock();
	for_each_thread(att->task, task) {
		ret = chain_member(att, task);
		if (ret)
			break;
	}
	rcu_read_unlock();
	return ret;
}

/* Find out who moves from where, and pin it all. */
static int prepare_moves(struct container_attachment *att)
{
	struct container_group *group = task_group_get(att->task);
	int ret = 0;

	/*
	 * Where this one is all of them are, most often. But the group of one that has
	 * left may have states of a container that is removed, in a subsystem that
	 * has changed the hierarchy since. With the attach mutex held none does.
	 */
	if (!is_member(att->task) || group_in(group, att->cont))
		put_group(group);
	else
		ret = add_move(att, group);
	while (!ret) {
		ret = chain_members(att);
		if (ret <= 0)
			break;
		ret = add_move(att, att->unmapped);
		/* But each may be in a container of its own. */
		cond_resched();
	}
	return ret;
}

#define for_each_chained(task, move)					\
	for ((task) = (move)->chains[CHAIN_PREPARED].head; (task) != CHAIN_END;	\
	     (task) = (task)->container_member.next)

/*
 * Undo can_attach, in the order in which it was called, up to but without that
 * of subsystem @last for thread @stop; all of it if @stop is NULL.
 */
static void cancel_states(struct container_attachment *att, int last,
			  struct task_struct *stop)
{
	struct container_subsys *ss;
	struct container_move *move;
	struct task_struct *task;
	int i;

	for_each_subsys_in(ss, i, att->cont->root->subsys_mask) {
		list_for_each_entry(move, &att->moves, node) {
			if (move->from->subsys[i] == move->to->subsys[i])
				continue;
			for_each_chained(task, move) {
				if (i == last && task == stop)
					return;
				if (ss->cancel_attach)
					ss->cancel_attach(ss, move->to->subsys[i],
							  task);
			}
		}
	}
}

static int prepare_states(struct container_attachment *att)
{
	struct container_subsys *ss;
	struct container_move *move;
	struct task_struct *task;
	int i, ret;

	for_each_subsys_in(ss, i,
			   att->cont->root->subsys_mask & having.can_attach) {
		list_for_each_entry(move, &att->moves, node) {
			if (move->from->subsys[i] == move->to->subsys[i])
				continue;
			for_each_chained(task, move) {
				ret = ss->can_attach(ss, move->to->subsys[i],
						     task, att->cred);
				if (ret) {
					cancel_states(att, i, task);
					return ret;
				}
			}
		}
	}
	return 0;
}

/*
 * Reserve a place in each new group, so that none of its containers can be
 * removed. Containers other than the one attached to have a member as long as
 * a thread is in the old group; if one is gone, so are all those threads.
 */
static int occupy_groups(struct container_attachment *att)
{
	struct container_move *move;

	list_for_each_entry(move, &att->moves, node) {
		move->occupied = group_occupy(move->to);
		if (!move->occupied && container_is_removed(att->cont))
			return -ENODEV;
	}
	return 0;
}

/*
 * Move @task if it is a member of move->from. The locks of both groups are held,
 * and put_moved() follows.
 */
static bool move_task(struct container_move *move, struct task_struct *task)
{
	struct container_group *to = move->to;

	if (rcu_access_pointer(task->containers) != move->from || !is_member(task))
		return false;
	list_move_tail(&task->container_member.node, &to->tasks);
	to->active++;
	/* Pairs with rcu_dereference() in task_subsys_state(). */
	rcu_assign_pointer(task->containers, to);
	/*
	 * Last: containers that are empty can be removed, and @task, which may
	 * preempt this with PREEMPT_RT, tries again until it is elsewhere.
	 */
	count_left(move->from);
	return true;
}

/*
 * Take over the references of @count threads that have been moved, and release the
 * locks.
 */
static void put_moved(struct container_move *move, unsigned int count)
	__releases(&move->from->lock) __releases(&move->to->lock)
{
	if (count)
		get_group_refs(move->to, count);
	unlock_groups(move->from, move->to);
	/* The move itself has one more. */
	if (count && move->from != &init_container_group)
		WARN_ON_ONCE(refcount_sub_and_test(count, &move->from->refs));
}

/* Move @task if it was created after the others were chained. */
static void move_newcomer(struct container_attachment *att,
			  struct task_struct *task)
{
	struct container_move *move = NULL;
	struct container_group *group;
	bool moved;

	/*
	 * Chained before, or yet to join. One that joined a group we move from
	 * before its creator was moved out of there is seen to have joined.
	 */
	if (READ_ONCE(task->container_member.next))
		return;
	group = lock_task_group(task);
	if (is_member(task))
		move = find_move(att, group);
	spin_unlock(&group->lock);
	if (!move || !move->occupied)
		return;

	lock_groups(move->from, move->to);
	moved = move_task(move, task);
	/* Before it can exit. */
	if (moved)
		chain_task(&move->chains[CHAIN_NEWCOMERS], task);
	put_moved(move, moved);
	att->done |= moved;
}

static void unchain_gone(struct container_attachment *att,
			 struct container_move *move, struct task_struct **link)
{
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, att->cont->root->subsys_mask)
		if (ss->cancel_attach &&
		    move->from->subsys[i] != move->to->subsys[i])
			ss->cancel_attach(ss, move->to->subsys[i], *link);
	unchain_task(link);
}

/* How many threads are moved before others get the locks of their groups. */
#define MOVE_BATCH	16

/* Move those that are chained. Who has exited comes off the chain. */
static void move_chained(struct container_attachment *att,
			 struct container_move *move)
{
	struct task_struct **link = &move->chains[CHAIN_PREPARED].head;
	unsigned int count;

	while (*link != CHAIN_END) {
		count = 0;
		if (move->occupied) {
			lock_groups(move->from, move->to);
			while (count < MOVE_BATCH && *link != CHAIN_END &&
			       move_task(move, *link)) {
				link = &(*link)->container_member.next;
				count++;
			}
			put_moved(move, count);
			att->done |= count > 0;
		}
		if (!count)
			unchain_gone(att, move, link);
	}
}

/* Cannot fail. */
static void commit_moves(struct container_attachment *att)
{
	struct container_move *move;
	struct task_struct *task;

	list_for_each_entry(move, &att->moves, node)
		move_chained(att, move);
	if (!att->whole)
		return;
	/* The walk of the proof at the head of this file. */
	rcu_read_lock();
	for_each_thread(att->task, task)
		move_newcomer(att, task);
	rcu_read_unlock();
}

/* Let go of @group, from which threads were moved. @mutex is held. */
static void put_left_group(struct container_group *group, struct mutex *mutex)
{
	struct container_group **spare = &spare_groups[mutex - attach_mutexes];
	struct container_group *old = group;
	unsigned int i;

	/* A hint: the group is kept for the next who may want it. */
	if (!data_race(group->active)) {
		rcu_read_lock();
		old = xchg(spare, group);
		/* Pairs with drop_spare_groups(), who looks after the removal. */
		for (i = 0; i < group->nr_links; i++)
			if (container_is_removed(group->links[i].container))
				drop_spare_group(spare, group);
		rcu_read_unlock();
	}
	if (old)
		put_group(old);
}

static void finish_moves(struct container_attachment *att, struct mutex *mutex,
			 bool moved)
{
	struct container_move *move, *next;
	struct task_struct **head;
	int i;

	list_for_each_entry_safe(move, next, &att->moves, node) {
		for (i = 0; i < NR_CHAINS; i++) {
			head = &move->chains[i].head;
			for (; *head != CHAIN_END; unchain_task(head))
				if (moved)
					attach_states(*head, move->from, move->to,
						      i == CHAIN_PREPARED);
		}
		if (move->occupied)
			group_unoccupy(move->to);
		put_left_group(move->from, mutex);
		put_group(move->to);
		free_move(att, move);
	}
}

/**
 * container_attach - move a thread or a process to a container
 * @cont: the container, pinned by the caller
 * @task: the thread, or any thread of the process; pinned
 * @whole: move all threads of the process, those being created included
 * @cred: the credentials of whoever wants it; NULL: container_clone()
 *
 * All threads move in all subsystems of the hierarchy, or none does. Sleeps.
 * No locks are held.
 *
 * Return: 0; -ESRCH if the thread (or every thread) is exiting; -EACCES if
 * @cred may not move it; -EINVAL for kthreadd, whose children belong in the
 * root, for those of them that have not started, and for those that are bound to
 * their CPUs; -ENODEV if @cont is removed;
 * -ESTALE without @cred if the thread is not in @cont's parent; -ENOMEM; or a
 * subsystem's veto.
 */
int container_attach(struct container *cont, struct task_struct *task,
		     bool whole, const struct cred *cred)
{
	struct container_attachment att;
	struct mutex *mutex = attach_mutex(task);
	bool committed = false;
	int ret;

	/*
	 * Bound, which they are before they start, are those that start user mode
	 * helpers, which belong in the root, too.
	 */
	if ((READ_ONCE(task->flags) & PF_KTHREAD) &&
	    (task == kthreadd_task || !kthread_has_started(task) ||
	     (READ_ONCE(task->flags) & PF_NO_SETAFFINITY)))
		return -EINVAL;

	/* The others are set before they are looked at; clearing them takes time. */
	att.cont = cont;
	att.task = task;
	att.whole = whole;
	att.cred = cred;
	att.done = false;
	INIT_LIST_HEAD(&att.moves);

	cpus_read_lock();
	mutex_lock(mutex);
	join_newborn(task);

	ret = prepare_moves(&att);
	if (ret)
		goto out;
	ret = container_is_removed(cont) ? -ENODEV : prepare_states(&att);
	if (ret)
		goto out;
	ret = occupy_groups(&att);
	if (ret) {
		cancel_states(&att, CONTAINER_SUBSYS_COUNT, NULL);
		goto out;
	}
	commit_moves(&att);
	committed = true;
	if (!att.done)
		ret = -ESRCH;
out:
	finish_moves(&att, mutex, committed);
	mutex_unlock(mutex);
	cpus_read_unlock();
	tell_attached();
	return ret;
}

/**
 * container_clone - move current into a new container, a child of the one it is in
 * @ss: in the hierarchy of which subsystem; if it is in none, nothing happens
 *
 * The container is named by the thread's id in the initial pid namespace, with a
 * suffix ".1", ".2" ... if that name is taken, belongs to root, and is removed
 * when it has become empty. Sleeps. No locks are held.
 *
 * Return: 0; -ENOMEM; -ENOSPC if containers would be nested too deeply, or current's
 * user has as many as he may have; or a subsystem's error. On error there is no
 * container, and the thread is where it was.
 */
int container_clone(struct container_subsys *ss)
{
	struct container *cont;
	int ret;

	do {
		cont = container_clone_begin(ss, current->pid);
		if (IS_ERR_OR_NULL(cont))
			return PTR_ERR_OR_ZERO(cont);
		ret = container_attach(cont, current, false, NULL);
		container_clone_end(cont, !ret);
		/* It may have been moved meanwhile; that is not undone. */
	} while (ret == -ESTALE);
	return ret;
}

/* For those who are to join @cont, which they have for themselves. */
static void stamp_cloned(struct container *cont, s64 stamp)
{
	struct container_task_iter it = { .cont = cont };
	struct container_group *group;

	while ((group = next_group(&it))) {
		if (cloned_container(group) != cont)
			continue;
		spin_lock(&group->lock);
		group->kill_stamp = stamp;
		spin_unlock(&group->lock);
	}
}

/**
 * container_kill - kill every process with a member in a subtree
 * @top: the container at its top, pinned by the caller
 *
 * Those being forked meanwhile are killed when they join. Kernel threads are
 * left alone. Sleeps.
 */
void container_kill(struct container *top)
{
	struct container_task_iter it;
	struct container *cont;
	struct task_struct *task;
	s64 stamp;

	container_lock();
	container_attach_exclude();
	stamp = atomic64_read(&kill_clock) + 1;
	container_for_each_descendant_pre(cont, top) {
		/*
		 * A fork that began before kill_clock is advanced below, and joins
		 * after its creator was met, sees the stamp of the creator, who may
		 * be a kernel thread.
		 */
		stamp_cloned(cont, stamp);
		container_task_iter_start(cont, &it);
		it.kill_stamp = stamp;
		while ((task = container_task_iter_next(&it))) {
			if (!(READ_ONCE(task->flags) & PF_KTHREAD))
				do_send_sig_info(SIGKILL, SEND_SIG_PRIV, task, PIDTYPE_TGID);
			put_task_struct(task);
		}
		container_task_iter_end(&it);
	}
	/* A fork that sees this sees the signal to its creator and fails. */
	atomic64_set_release(&kill_clock, stamp);
	container_attach_allow();
	container_unlock();
}

/*
 * Fork, exit, boot
 */

/**
 * container_start - have threads be members of their groups
 *
 * Called before anybody looks for members: when a hierarchy is mounted. For good.
 * cpus_read_lock() and container_mutex are held. Sleeps.
 */
void container_start(void)
{
	struct container_group *group = &init_container_group;
	struct task_struct *process, *task;

	lockdep_assert_held(&container_mutex);

	if (static_key_enabled(&container_key))
		return;
	/* The places of one key are not switched at once. Who joins is to leave. */
	static_branch_enable_cpuslocked(&container_exit_key);
	kick_all_cpus_sync();
	static_branch_enable_cpuslocked(&container_key);
	/*
	 * A thread whose creator looked at its key before this, when it was to
	 * join, is on the list of threads, as seen from here; and one that looked
	 * at its own when it was to leave has PF_EXITING set. All others look
	 * later, join unless they are members, and leave if they are.
	 */
	kick_all_cpus_sync();
	rcu_read_lock();
	for_each_process_thread(process, task) {
		spin_lock(&group->lock);
		if (!is_member(task) && !(READ_ONCE(task->flags) & PF_EXITING)) {
			group->active++;
			list_add_tail(&task->container_member.node, &group->tasks);
		}
		WRITE_ONCE(task->container_member.next, NULL);
		spin_unlock(&group->lock);
	}
	rcu_read_unlock();
}

static unsigned long can_fork_mask(struct container_group *group)
{
	return having.can_fork &
	       (group->nonroot_mask | READ_ONCE(root_charge_mask));
}

static void cancel_fork_states(struct task_struct *child,
			       struct container_group *group, int i)
{
	unsigned long mask = can_fork_mask(group);
	struct container_subsys *ss;

	while (--i >= 0) {
		ss = container_subsystems[i];
		if ((mask & BIT(i)) && ss->cancel_fork)
			ss->cancel_fork(ss, group->subsys[i], child);
	}
}

static int can_fork_states(struct task_struct *child,
			   struct container_group *group)
{
	struct container_subsys *ss;
	int i, ret;

	for_each_subsys_in(ss, i, can_fork_mask(group)) {
		ret = ss->can_fork(ss, group->subsys[i], child);
		if (ret) {
			cancel_fork_states(child, group, i);
			return ret;
		}
	}
	return 0;
}

#ifdef CONFIG_CONTAINER_NS
/*
 * Make a container for @child and reserve a place for it there. Returns the group
 * that it is in then, and the container in @contp; NULL if ns is not in any
 * hierarchy; -EAGAIN if current has been moved meanwhile.
 */
static struct container_group *get_cloned_group(struct task_struct *child,
						struct container **contp)
{
	struct container_group *group, *base;
	struct container *cont;
	bool occupied = false, stays;

	cont = container_clone_begin(&ns_subsys, child->pid);
	if (IS_ERR_OR_NULL(cont))
		return ERR_CAST(cont);
	base = task_group_get(current);
	group = get_group_moved(base, cont, GFP_KERNEL);
	if (group)
		occupied = group_occupy(group);
	/* From now on container_kill() finds the group. Was it too late before? */
	stays = occupied && rcu_access_pointer(current->containers) == base &&
		group_container(base, cont->root) == cont->parent;
	put_group(base);
	if (stays) {
		*contp = cont;
		return group;
	}
	if (occupied)
		group_unoccupy(group);
	container_clone_end(cont, false);
	if (!group)
		return ERR_PTR(-ENOMEM);
	put_group(group);
	return ERR_PTR(-EAGAIN);
}
#endif

/*
 * The group that @child starts in, pinned: current's, or, if it gets a new
 * namespace and ns is in a hierarchy, one with a container of its own.
 */
static struct container_group *get_child_group(struct task_struct *child,
					       struct kernel_clone_args *args)
{
	struct container_group *group = NULL;

#ifdef CONFIG_CONTAINER_NS
	if (unlikely(args->flags & CONTAINER_CLONE_FLAGS)) {
		do {
			group = get_cloned_group(child, &args->container);
		} while (group == ERR_PTR(-EAGAIN));
		child->container_cloned = args->container;
	}
#endif
	return group ?: task_group_get(current);
}

static void put_child_group(struct container_group *group,
			    struct kernel_clone_args *args)
{
	if (unlikely(args->container)) {
		group_unoccupy(group);
		container_clone_end(args->container, false);
	}
	put_group(group);
}

/* See container_can_fork(). */
int __container_can_fork(struct task_struct *child, struct kernel_clone_args *args)
{
	struct container_group *group;
	int ret;

	if (unlikely(!child->pid))
		return 0;

	/* Pairs with container_kill(): before the group is looked at. */
	child->container_kill_stamp = atomic64_read_acquire(&kill_clock);
	group = get_child_group(child, args);
	if (IS_ERR(group))
		return PTR_ERR(group);
	ret = can_fork_states(child, group);
	if (ret) {
		put_child_group(group, args);
		return ret;
	}
	RCU_INIT_POINTER(child->containers, group);
	return 0;
}

/* See container_cancel_fork(). */
void __container_cancel_fork(struct task_struct *child,
			     struct kernel_clone_args *args)
{
	struct container_group *group =
		rcu_dereference_protected(child->containers, true);

	if (unlikely(!child->pid))
		return;
	cancel_fork_states(child, group, CONTAINER_SUBSYS_COUNT);
	RCU_INIT_POINTER(child->containers, &init_container_group);
	put_child_group(group, args);
}

/* Have @child join in a way that needs the attach mutex. */
static void join_attached(struct task_struct *child)
{
	struct mutex *mutex = attach_mutex(child);

	cpus_read_lock();
	mutex_lock(mutex);
	join_newborn(child);
	mutex_unlock(mutex);
	cpus_read_unlock();
	tell_attached();
}

/* See container_post_fork(). */
void __container_post_fork(struct task_struct *child, struct kernel_clone_args *args)
{
	struct container_group *group;
	struct container_subsys *ss;
	bool killed = false, joined = false;
	unsigned long mask = having.fork;
	int i;

	if (unlikely(!child->pid))
		return;

	if (likely(!args->container)) {
		group = lock_task_group(child);
		joined = join_group(group, child, &killed);
		mask &= group->nonroot_mask | READ_ONCE(root_fork_mask);
		/* The child may be moved from now on. */
		if (joined && mask)
			get_group(group);
		spin_unlock(&group->lock);
	}
	if (unlikely(!joined)) {
		join_attached(child);
		mask = having.fork;
		if (mask)
			group = task_group_get(child);
	}
	if (unlikely(args->container))
		container_clone_end(args->container, true);
	if (unlikely(killed))
		do_send_sig_info(SIGKILL, SEND_SIG_PRIV, child, PIDTYPE_TGID);

	if (!mask)
		return;
	for_each_subsys_in(ss, i, mask)
		ss->fork(ss, group->subsys[i], child);
	put_group(group);
}

/* See container_exit(). */
void __container_exit(struct task_struct *task)
{
	struct container_group *group;
	struct container_subsys *ss;
	int i;

	group = lock_task_group(task);
	/* Not if it had begun to exit before container_start(). */
	if (likely(is_member(task))) {
		list_del_init(&task->container_member.node);
		count_left(group);
	}
	/* See has_left(). */
	WRITE_ONCE(task->container_member.node.prev, NULL);
	spin_unlock(&group->lock);

	/*
	 * Chained under the lock of the group: part of an attach. If not any more, what
	 * the attach did comes before the exit.
	 */
	if (unlikely(smp_load_acquire(&task->container_member.next))) {
		mutex_lock(attach_mutex(task));
		mutex_unlock(attach_mutex(task));
	}

	for_each_subsys_in(ss, i, having.exit & (group->nonroot_mask |
						 READ_ONCE(root_charge_mask)))
		ss->exit(ss, group->subsys[i], task);
}

static void free_unused_groups(struct work_struct *work)
{
	struct container_group *group, *next;

	llist_for_each_entry_safe(group, next, llist_del_all(&unused_groups),
				  unused)
		free_group(group);
}

static DECLARE_WORK(unused_groups_work, free_unused_groups);

/* See container_task_dead(). */
void __container_task_dead(struct task_struct *task)
{
	struct container_group *group =
		rcu_dereference_protected(task->containers, true);

	/* It has died of a fault on its way out, and stays what it was. */
	if (unlikely(!has_left(task)))
		return;
	RCU_INIT_POINTER(task->containers, &init_container_group);
	if (likely(!drop_group(group)))
		return;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		free_group(group);
	else if (llist_add(&group->unused, &unused_groups))
		/* The locks sleep there. */
		schedule_work(&unused_groups_work);
}

static void __init container_init_subsys(struct container_subsys *ss, int i)
{
	struct container_subsys_state *css = ss->create(ss, &container_dummy_root.top);

	/* There is no system to run without it. */
	if (IS_ERR(css))
		panic("container: no root state for %s: %ld\n", ss->name,
		      PTR_ERR(css));
	css->container = &container_dummy_root.top;
	atomic_set(&css->refcnt, 1);
	ss->subsys_id = i;
	ss->root = &container_dummy_root;
	ss->root_css = css;
	container_dummy_root.top.subsys[i] = css;
	container_dummy_root.subsys_mask |= BIT(i);
	having.can_attach |= ss->can_attach ? BIT(i) : 0;
	having.attach |= ss->attach ? BIT(i) : 0;
	having.attached |= ss->attached ? BIT(i) : 0;
	having.can_fork |= ss->can_fork ? BIT(i) : 0;
	having.fork |= ss->fork ? BIT(i) : 0;
	having.exit |= ss->exit ? BIT(i) : 0;
	init_container_group.subsys[i] = css;
}

/**
 * container_init_early - set up what the first tasks need
 *
 * At the start of start_kernel(): no memory allocation, no per-CPU data.
 *
 * Return: 0
 */
int __init container_init_early(void)
{
	struct container_subsys *ss;
	int i;

	container_init_struct(&container_dummy_root.top, &container_dummy_root,
			      NULL);
	container_dummy_root.nr_containers = 1;
	for (i = 0; i < ARRAY_SIZE(group_table); i++)
		spin_lock_init(&group_table[i].lock);
	for_each_container_subsys(ss, i)
		if (ss->early_init)
			container_init_subsys(ss, i);
	return 0;
}

/**
 * container_init - set up the rest, with memory allocation working
 *
 * Return: 0
 */
int __init container_init(void)
{
	struct container_subsys *ss;
	int i;

	for (i = 0; i < ARRAY_SIZE(attach_mutexes); i++)
		mutex_init(&attach_mutexes[i]);
	for_each_container_subsys(ss, i)
		if (!ss->early_init)
			container_init_subsys(ss, i);
	hlist_add_head_rcu(&init_container_group.hash,
			   &group_bucket(init_container_group.key)->head);
	return 0;
}
