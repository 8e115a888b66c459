/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Process containers: grouping of threads for subsystems that account, place
 * or limit them. This header holds what subsystems and the hooks in fork and
 * exit use; what the core and its file system share with each other is in
 * kernel/container_internal.h, and the table of locks is at the head of
 * kernel/container.c.
 */
#ifndef _LINUX_CONTAINER_H
#define _LINUX_CONTAINER_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <uapi/linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct container;
struct container_group;
struct container_subsys;
struct containerfs_root;
struct cred;
struct kernel_clone_args;
struct kernfs_node;
struct kernfs_open_file;
struct pid;
struct pid_namespace;
struct seq_file;
struct ucounts;

#ifdef CONFIG_CONTAINERS

#define SUBSYS(_x) _x##_subsys_id,
enum container_subsys_id {
#include <linux/container_subsys.h>
	CONTAINER_SUBSYS_COUNT
};

#undef SUBSYS

/**
 * struct container_subsys_state - what every subsystem's state begins with
 * @container: the container this state belongs to. Constant, except that the
 *	root state of a subsystem moves to another hierarchy's root container
 *	when the subsystem is bound there; read it with READ_ONCE() where
 *	neither container_mutex nor a reference to a child state is held.
 * @refcnt: one for the container's existence, one for each container_css_get(). Frozen
 *	at 0 once the container is removed. Unused in root states, which live
 *	for ever.
 *
 * "css" for short. A subsystem embeds it in its own structure.
 */
struct container_subsys_state {
	struct container	*container;
	atomic_t		refcnt;
};

/**
 * struct container - a directory of a hierarchy
 * @root: the hierarchy; constant
 * @parent: NULL in a root container; constant, and pinned by this container
 * @subsys: this container's states, indexed by subsystem id; NULL for a
 *	subsystem of another hierarchy. Constant in all but root containers.
 * @sibling: entry of @parent->children; container_mutex, readers under RCU
 * @children: container_mutex, readers under RCU
 * @lock: protects @groups
 * @groups: links from the groups whose members are here; empty in a root
 *	container, where every group without a link to the hierarchy belongs
 * @population: number of groups linked here that have a member or are about
 *	to get one; CONTAINER_DEAD once the container is removed
 * @flags: bits of enum container_flags
 * @refs: lifetime of the structure: 1 for the directory, 1 for each child,
 *	group and pending notification
 * @kn: the directory; pinned
 * @events_kn: the file "events", NULL before somebody looks for it;
 *	container_mutex; valid as long as @kn is
 * @ucounts: the user whose it counts as, until it is removed; NULL if he was not
 *	limited
 * @uid: owner of the files; constant
 * @gid: group of the files; constant
 * @depth: number of ancestors; constant
 * @populated: what was last announced in "events", if anybody reads such a file
 *	in this hierarchy; container_mutex
 * @shown: what "events" has been read as since it was last notified: bits 0 and 1;
 *	container_mutex
 * @populated_children: children with @populated set; container_mutex
 * @notify: entry of the queue of containers that became empty or populated
 * @rcu: for freeing
 */
struct container {
	struct containerfs_root		*root;
	struct container		*parent;
	struct container_subsys_state	*subsys[CONTAINER_SUBSYS_COUNT];
	struct list_head		sibling;
	struct list_head		children;
	spinlock_t			lock;	/* protects groups */
	struct list_head		groups;
	atomic_t			population;
	unsigned long			flags;
	refcount_t			refs;
	struct kernfs_node		*kn;
	struct kernfs_node		*events_kn;
	struct ucounts			*ucounts;
	kuid_t				uid;
	kgid_t				gid;
	unsigned int			depth;
	bool				populated;
	u8				shown;
	unsigned int			populated_children;
	struct llist_node		notify;
	struct rcu_head			rcu;
};

/* Bits of container.flags, changed with atomic bit operations. */
enum container_flags {
	CONTAINER_NOTIFY_ON_RELEASE,
	CONTAINER_AUTO_DELETE,
	/* Has lost a member or child since it was last announced as empty. */
	CONTAINER_RELEASABLE,
	/* The same for members alone, until "events" is notified. */
	CONTAINER_VACATED,
	/* Has had a member. */
	CONTAINER_USED,
	/* Is on the queue of pending notifications. */
	CONTAINER_QUEUED,
	/* All of its files are there. */
	CONTAINER_POPULATED,
};

/**
 * struct container_subsys - a subsystem
 *
 * One is defined by each subsystem X under the name X_subsys. The callbacks
 * are optional save @create and @free.
 *
 * "Prepared" below means: cpus_read_lock() and, unless it says so, nothing
 * else is held that the callback may not take; it may sleep and allocate with
 * GFP_KERNEL. A callback named there with container_mutex is called with it
 * held.
 *
 * @create: allocate the state of @cont, which is not visible yet.
 *	@cont->parent's state is alive and is the same subsystem's; it is NULL
 *	once for each subsystem, at boot, for the state that is its root for
 *	ever. Returns the state or an ERR_PTR(). Prepared, container_mutex;
 *	at boot, without memory allocation if @early_init is set.
 * @destroy: @css's container is being removed: it has no members or children
 *	and will never have any. Undo what other containers or users can see;
 *	lockless readers may still hold @css. Prepared, container_mutex.
 * @free: free what @create returned. Nobody can reach @css any more; its parent
 *	still exists. After a grace period, in process context, nothing held.
 * @can_attach: may @task move into @css's container? Returns 0 or the error
 *	that attaching shall fail with, for the whole process if a process is
 *	moved. @cred are the credentials of whoever wants it; NULL: the kernel.
 *	May reserve what @attach needs. Prepared; no other attach of a thread of
 *	that process can run.
 * @cancel_attach: undo a successful @can_attach; the task has not moved, be
 *	it because of another subsystem's veto or because it exited.
 * @attach: @task has moved from state @old to state @css, neither of which
 *	can be freed during the call. Cannot fail. Called once for each move.
 *	@prepared tells whether @can_attach was called for @task and @css before;
 *	it was not for threads that were created while their process was moved,
 *	nor for the child of a task that is moved while it forks, which takes
 *	along what @can_fork charged. Prepared, like @can_attach.
 * @attached: an attach in which @attach may have been called is over. Sleeps;
 *	nothing is held.
 * @can_fork: may @task, which is being created by current and not visible
 *	yet, be created with state @css? Returns 0 or the error for fork.
 *	May sleep.
 * @cancel_fork: undo a successful @can_fork.
 * @fork: the new @task is a member with state @css, visible, and not running
 *	yet. It may be moved or killed meanwhile, like any member. May sleep.
 * @exit: the exiting @task, which is current, has left state @css. May sleep.
 *	An attach that it was part of is over: @attach or @cancel_attach comes
 *	first.
 * @populate: add control files to @css's container with
 *	container_add_files(), which makes those that are looked for. Called when
 *	the root container is bound, and for others whenever there may be a file
 *	to make. Returns 0 or an error. May sleep; container_mutex is held.
 * @post_clone: @css's container, which is in the tree but visible to no user, is
 *	made for a task that gets a new namespace: give it usable initial values.
 *	Returns 0 or the error that clone or unshare shall fail with. Prepared,
 *	container_mutex.
 * @bind: @css, the root state, now belongs to @css->container, the root
 *	container of a hierarchy, or, if @bound is false, of the dummy hierarchy.
 *	Prepared, container_mutex, and no attach is running.
 *
 * The callbacks @can_fork, @cancel_fork, @fork and @exit are made for tasks
 * outside the root state alone: those in the root, and so every task while
 * the subsystem is unbound, pay nothing. The exception is @fork, which from the
 * moment the subsystem first had a second container is called in the root
 * state too: a task may be moved back to the root while its child, copied from
 * it when it was elsewhere, is being created. container_watch_root_forks() has
 * the same effect, and container_watch_root() that of all four.
 *
 * @name: in mount options, file names and /proc/containers
 * @subsys_id: X_subsys_id
 * @early_init: create the root state at the very start of start_kernel()
 * @disabled: named in container_disable= at boot
 * @root: the hierarchy it is bound to; container_mutex
 * @root_css: the state of its root, as returned by @create at boot
 */
struct container_subsys {
	struct container_subsys_state *(*create)(struct container_subsys *ss,
						 struct container *cont);
	void (*destroy)(struct container_subsys *ss,
			struct container_subsys_state *css);
	void (*free)(struct container_subsys *ss,
		     struct container_subsys_state *css);
	int (*can_attach)(struct container_subsys *ss,
			  struct container_subsys_state *css,
			  struct task_struct *task, const struct cred *cred);
	void (*cancel_attach)(struct container_subsys *ss,
			      struct container_subsys_state *css,
			      struct task_struct *task);
	void (*attach)(struct container_subsys *ss,
		       struct container_subsys_state *css,
		       struct container_subsys_state *old,
		       struct task_struct *task, bool prepared);
	void (*attached)(struct container_subsys *ss);
	int (*can_fork)(struct container_subsys *ss,
			struct container_subsys_state *css,
			struct task_struct *task);
	void (*cancel_fork)(struct container_subsys *ss,
			    struct container_subsys_state *css,
			    struct task_struct *task);
	void (*fork)(struct container_subsys *ss,
		     struct container_subsys_state *css,
		     struct task_struct *task);
	void (*exit)(struct container_subsys *ss,
		     struct container_subsys_state *css,
		     struct task_struct *task);
	int (*populate)(struct container_subsys *ss,
			struct container_subsys_state *css);
	int (*post_clone)(struct container_subsys *ss,
			  struct container_subsys_state *css);
	void (*bind)(struct container_subsys *ss,
		     struct container_subsys_state *css, bool bound);

	const char			*name;
	int				subsys_id;
	bool				early_init;
	bool				disabled;
	struct containerfs_root		*root;
	struct container_subsys_state	*root_css;
};

#define SUBSYS(_x) extern struct container_subsys _x##_subsys;
#include <linux/container_subsys.h>
#undef SUBSYS

/**
 * struct container_group - the states that threads with the same membership
 *	in every hierarchy share
 * @subsys: the state of each subsystem; constant
 * @refs: one for each member, move in progress, fork in progress and reader; not
 *	counted in init_container_group
 * @lock: protects @tasks, @active, @left, @kill_stamp, and task->containers and
 *	->container_kill_stamp of the members
 * @tasks: the members, and readers on their way; struct container_member
 * @active: number of members and reservations by moves in progress
 * @left: a member has left since it had none
 * @kill_stamp: when the container was last killed that those who are to join have for
 *	themselves; of a clock that counts container_kill()
 * @nonroot_mask: subsystems whose state is not that of the root; constant
 * @hash: entry in the table of groups
 * @rcu: for freeing
 * @unused: entry of the list of those that are to be freed
 * @key: sum of the hashes of its containers; constant
 * @nr_links: number of elements of @links; constant
 * @links: the containers of this group, in ascending order of their
 *	hierarchies' ids, root containers left out; constant
 */
struct container_group {
	struct container_subsys_state	*subsys[CONTAINER_SUBSYS_COUNT];
	refcount_t			refs;
	spinlock_t			lock;	/* protects the next four */
	struct list_head		tasks;
	unsigned int			active;
	bool				left;
	s64				kill_stamp;
	unsigned long			nonroot_mask;
	struct hlist_node		hash;
	union {
		struct rcu_head		rcu;
		struct llist_node	unused;
	};
	unsigned long			key;
	unsigned int			nr_links;
	struct container_link {
		struct list_head	node;
		struct container	*container;
		struct container_group	*group;
	} links[];
};

extern struct container_group init_container_group;

/**
 * task_subsys_state - a task's state in a subsystem
 * @task: the task
 * @id: X_subsys_id
 *
 * The caller is in an RCU read-side critical section (to disable preemption or
 * interrupts is one), or holds the lock of the task's group. The state stays
 * allocated for as long, but the task may move to another at any moment.
 */
static inline struct container_subsys_state *
task_subsys_state(struct task_struct *task, int id)
{
	return rcu_dereference_check(task->containers,
		rcu_read_lock_any_held() ||
		lockdep_is_held(&rcu_access_pointer(task->containers)->lock))
		->subsys[id];
}

/**
 * task_container - the container of a task in a subsystem's hierarchy
 * @task: the task
 * @id: X_subsys_id
 *
 * Under RCU like task_subsys_state().
 */
static inline struct container *task_container(struct task_struct *task, int id)
{
	return READ_ONCE(task_subsys_state(task, id)->container);
}

void __container_css_put(struct container_subsys_state *css);

/**
 * container_css_get - take a reference to a state that keeps its container from being
 *	removed
 * @css: a state the caller knows to be alive, since it holds a reference
 *	already or because the container cannot be removed meanwhile (it has a
 *	member that cannot leave, or container_mutex is held)
 */
static inline void container_css_get(struct container_subsys_state *css)
{
	atomic_inc(&css->refcnt);
}

/**
 * container_css_tryget - take a reference to a state unless its container is removed
 * @css: a state that is not freed yet (the caller is in an RCU read-side
 *	critical section, for example)
 *
 * Return: true if the reference was taken.
 */
static inline bool container_css_tryget(struct container_subsys_state *css)
{
	return atomic_inc_not_zero(&css->refcnt);
}

/**
 * container_css_put - drop a reference taken with container_css_get() or container_css_tryget()
 * @css: the state
 *
 * Any context. The container may be removed, and so @css freed, as soon as
 * the last reference is gone.
 */
static inline void container_css_put(struct container_subsys_state *css)
{
	if (unlikely(!atomic_add_unless(&css->refcnt, -1, 2)))
		__container_css_put(css);
}

/**
 * container_is_removed - has the container been removed?
 * @cont: the container
 *
 * Stable only while container_mutex is held.
 */
bool container_is_removed(const struct container *cont);

/**
 * container_is_descendant - is a container below or equal to another?
 * @cont: the lower one
 * @ancestor: the upper one
 *
 * No locks needed, parents are constant; the caller pins @cont.
 */
bool container_is_descendant(const struct container *cont,
			     const struct container *ancestor);

void container_lock(void);
void container_unlock(void);
bool container_lock_live(struct container *cont);
bool container_lock_live_css(struct container_subsys_state *css);
#ifdef CONFIG_LOCKDEP
bool container_lock_is_held(void);
#else
static inline bool container_lock_is_held(void)
{
	return true;
}
#endif

void container_attach_exclude(void);
void container_attach_allow(void);
void container_start(void);
void container_watch_root_forks(struct container_subsys *ss);
void container_watch_root(struct container_subsys *ss);

/**
 * container_for_each_child_rcu - iterate over the children of a container
 * @pos: struct container * to use as the cursor
 * @cont: the container
 *
 * Under rcu_read_lock() or container_mutex. Under RCU alone children may come,
 * go, and be removed already.
 */
#define container_for_each_child_rcu(pos, cont)				\
	list_for_each_entry_rcu(pos, &(cont)->children, sibling,	\
				container_lock_is_held())

struct container *container_next_descendant_pre(struct container *pos,
						struct container *top);

/**
 * container_for_each_descendant_pre - walk a subtree, parents first
 * @pos: struct container * to use as the cursor
 * @top: where to start; visited first
 *
 * Under rcu_read_lock() or container_mutex.
 */
#define container_for_each_descendant_pre(pos, top)			\
	for ((pos) = (top); (pos);					\
	     (pos) = container_next_descendant_pre((pos), (top)))

/**
 * struct container_task_iter - a place in the members of a container
 *
 * Private to the functions below. It stays valid over sleeps, members that
 * leave, and any number of forks. If @kill_stamp is set, the members get it.
 */
struct container_task_iter {
	struct container	*cont;
	struct container_group	*group;
	struct container_member	cursor;
	unsigned int		bucket;
	s64			kill_stamp;
};

void container_task_iter_start(struct container *cont,
			       struct container_task_iter *it);
struct task_struct *container_task_iter_next(struct container_task_iter *it);
void container_task_iter_end(struct container_task_iter *it);

/* Flags of struct container_cftype. */
#define CONTAINER_FILE_ONLY_ROOT	BIT(0)	/* in root containers alone */
#define CONTAINER_FILE_MEMBERS		BIT(1)	/* the core's: lists members */
#define CONTAINER_FILE_SLOW_WRITE	BIT(2)	/* does not hold up a removal */

/**
 * struct container_cftype - a control file
 * @name: without the subsystem's prefix
 * @mode: permissions; 0: readable if it can be read, writable by the owner if
 *	it can be written
 * @flags: CONTAINER_FILE_*
 * @private: for the subsystem, to tell files with the same handlers apart
 * @read_u64: one number, printed with a newline
 * @seq_show: the file as text; css by seq_state()
 * @write_u64: one number, with or without a trailing newline. Returns 0 or an
 *	error.
 * @write: text, NUL-terminated, leading and trailing white space included;
 *	@buf may be changed. The css is of_state(@of). Returns @nbytes or an
 *	error. Writes reach the handler whole; those that are empty, have an
 *	embedded NUL, or are too long have been refused.
 * @ss: the subsystem, set by container_add_file()
 *
 * Handlers run without any container lock and may sleep and take
 * container_mutex. They can run while the container is being removed, but not
 * any more once its state is freed: a handler that changes something takes
 * container_lock_live_css() and fails with ENODEV without it. If that may take
 * long the file has CONTAINER_FILE_SLOW_WRITE: only the container is kept then.
 */
struct container_cftype {
	const char	*name;
	umode_t		mode;
	unsigned short	flags;
	unsigned int	private;
	u64 (*read_u64)(struct container_subsys_state *css, struct container_cftype *cft);
	int (*seq_show)(struct seq_file *sf, void *v);
	int (*write_u64)(struct container_subsys_state *css, struct container_cftype *cft,
			 u64 val);
	ssize_t (*write)(struct kernfs_open_file *of, char *buf, size_t nbytes);
	struct container_subsys	*ss;
};

int container_add_file(struct container *cont, struct container_subsys *ss,
		       struct container_cftype *cft);
int container_add_files(struct container *cont, struct container_subsys *ss,
			struct container_cftype *cfts, int count);
struct container *of_container(struct kernfs_open_file *of);
struct container_subsys_state *of_state(struct kernfs_open_file *of);
struct container_cftype *of_cftype(struct kernfs_open_file *of);
struct container_subsys_state *seq_state(struct seq_file *sf);
struct container_cftype *seq_cftype(struct seq_file *sf);

int container_path(const struct container *cont, char *buf, size_t buflen);

int container_init_early(void);
int container_init(void);

/* Threads join, and leave: from the first mount on. */
DECLARE_STATIC_KEY_FALSE(container_key);
DECLARE_STATIC_KEY_FALSE(container_exit_key);

int __container_can_fork(struct task_struct *child, struct kernel_clone_args *args);
void __container_cancel_fork(struct task_struct *child,
			     struct kernel_clone_args *args);
void __container_post_fork(struct task_struct *child,
			   struct kernel_clone_args *args);
void __container_exit(struct task_struct *task);
void __container_task_dead(struct task_struct *task);

/**
 * container_fork - begin to fork
 * @child: the new task, still a byte-wise copy of current
 */
static inline void container_fork(struct task_struct *child)
{
	RCU_INIT_POINTER(child->containers, &init_container_group);
	INIT_LIST_HEAD(&child->container_member.node);
	child->container_member.next = current;
	child->container_cloned = false;
}

/**
 * container_can_fork - ask the subsystems whether current may fork
 * @child: the new task, not visible yet, with its pid
 * @args: how it is created; passed on to container_cancel_fork() or
 *	container_post_fork()
 *
 * From here on @child is in a group, though not on its list. Sleeps. Idle tasks
 * are in no container.
 *
 * Return: 0, a subsystem's error, or one of container_clone().
 */
static inline int container_can_fork(struct task_struct *child,
				     struct kernel_clone_args *args)
{
	if (static_branch_unlikely(&container_key))
		return __container_can_fork(child, args);
	return 0;
}

/**
 * container_cancel_fork - the fork failed after container_can_fork()
 * @child: what would have been the new task; was never visible
 * @args: as passed to container_can_fork()
 */
static inline void container_cancel_fork(struct task_struct *child,
					 struct kernel_clone_args *args)
{
	if (static_branch_unlikely(&container_key))
		__container_cancel_fork(child, args);
}

/**
 * container_post_fork - join the creator's group
 * @child: the new task, which is visible but does not run yet
 * @args: as passed to container_can_fork()
 *
 * Sleeps.
 */
static inline void container_post_fork(struct task_struct *child,
				       struct kernel_clone_args *args)
{
	if (static_branch_unlikely(&container_key))
		__container_post_fork(child, args);
}

/**
 * container_exit - leave all containers
 * @task: current, which is exiting
 *
 * Before its parent can see that it has exited: as soon as the last member has
 * been waited for, a container can be removed. What is left is a reference to
 * the group, for the sake of those who charge its last steps, which
 * container_task_dead() drops. Sleeps.
 */
static inline void container_exit(struct task_struct *task)
{
	if (static_branch_unlikely(&container_exit_key))
		__container_exit(task);
}

/**
 * container_task_dead - a task that has exited has run for the last time
 * @task: the task, switched from
 *
 * Preemption is disabled.
 */
static inline void container_task_dead(struct task_struct *task)
{
	if (static_branch_unlikely(&container_exit_key))
		__container_task_dead(task);
}

/* Those that give the task a namespace of its own. */
#define CONTAINER_CLONE_FLAGS	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |	\
				 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |	\
				 CLONE_NEWCGROUP | CLONE_NEWTIME)

int container_clone(struct container_subsys *ss);

/**
 * container_unshare - unshare() is about to give current new namespaces
 * @flags: CLONE_*
 *
 * The last step that can fail. Sleeps.
 *
 * Return: 0, or an error of container_clone().
 */
static inline int container_unshare(unsigned long flags)
{
#ifdef CONFIG_CONTAINER_NS
	if (flags & CONTAINER_CLONE_FLAGS)
		return container_clone(&ns_subsys);
#endif
	return 0;
}

int proc_container_show(struct seq_file *sf, struct pid_namespace *ns,
			struct pid *pid, struct task_struct *task);

#else /* !CONFIG_CONTAINERS */

static inline int container_init_early(void) { return 0; }
static inline int container_init(void) { return 0; }
static inline void container_fork(struct task_struct *child) {}
static inline int container_can_fork(struct task_struct *child,
				     struct kernel_clone_args *args)
{
	return 0;
}

static inline int container_unshare(unsigned long flags) { return 0; }
static inline void container_cancel_fork(struct task_struct *child,
					 struct kernel_clone_args *args) {}
static inline void container_post_fork(struct task_struct *child,
				       struct kernel_clone_args *args) {}
static inline void container_exit(struct task_struct *task) {}
static inline void container_task_dead(struct task_struct *task) {}

#endif /* !CONFIG_CONTAINERS */

#endif /* _LINUX_CONTAINER_H */
