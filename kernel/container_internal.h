/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the grouping core (container.c) and the file system (container_fs.c)
 * of process containers share. Locks: see the head of container.c.
 */
#ifndef _KERNEL_CONTAINER_INTERNAL_H
#define _KERNEL_CONTAINER_INTERNAL_H

#include <linux/container.h>

struct file_system_type;

#define CONTAINER_ROOT_NAME_LEN	64

/* container.population of a removed container; failed attempts add to it. */
#define CONTAINER_DEAD		INT_MIN

/*
 * A container this deep gets no child. kernfs makes a path in a time that grows with
 * the square of the depth, with interrupts off.
 */
#define CONTAINER_MAX_DEPTH	1024

/**
 * struct containerfs_root - a hierarchy
 * @top: its root container; first, so that freeing it frees this
 * @node: entry of the list of active hierarchies; container_mutex
 * @subsys_mask: subsystems bound here. Changed under container_mutex with all
 *	attaches excluded, read under either, or without to be shown.
 * @hierarchy_id: in /proc files; 0 is the dummy hierarchy; constant
 * @nr_containers: including @top; container_mutex
 * @users: superblocks, and mounts in progress; container_mutex
 * @kf_root: the tree of files; constant while the hierarchy is active
 * @type: the type by which it was mounted first; constant
 * @watched: there has been an "events" file but the root's; changed under
 *	container_mutex, read without
 * @noprefix: control files have no subsystem prefix; constant
 * @name: empty if it has none; constant
 * @release_agent: NULL if none is set; kfree_const(); container_mutex and, in
 *	container_fs.c, agent_lock; read under either
 * @files: control files of subsystems in @top, struct root_file;
 *	container_mutex
 */
struct containerfs_root {
	struct container	top;
	struct list_head	node;
	unsigned long		subsys_mask;
	int			hierarchy_id;
	unsigned int		nr_containers;
	unsigned int		users;
	struct kernfs_root	*kf_root;
	struct file_system_type	*type;
	bool			watched;
	bool			noprefix;
	char			name[CONTAINER_ROOT_NAME_LEN];
	const char		*release_agent;
	struct list_head	files;
};

extern struct container_subsys *container_subsystems[];
extern struct containerfs_root container_dummy_root;

static inline bool container_subsys_from(struct container_subsys **ss, int *i,
					 unsigned long mask)
{
	mask >>= *i;
	if (!mask)
		return false;
	*i += __ffs(mask);
	*ss = container_subsystems[*i];
	return true;
}

/* Subsystem @ss with id @i, for each bit of @mask. */
#define for_each_subsys_in(ss, i, mask)					\
	for ((i) = 0; container_subsys_from(&(ss), &(i), mask); (i)++)

#define for_each_container_subsys(ss, i)				\
	for_each_subsys_in(ss, i, BIT(CONTAINER_SUBSYS_COUNT) - 1)

void container_init_struct(struct container *cont, struct containerfs_root *root,
			   struct container *parent);
struct container *container_create(struct container *parent);
void container_online(struct container *cont);
void container_discard(struct container *cont);
int container_remove(struct container *cont);
void container_get(struct container *cont);
void container_put(struct container *cont);

void container_rebind(struct containerfs_root *root, unsigned long mask);

int container_attach(struct container *cont, struct task_struct *task,
		     bool whole, const struct cred *cred);
void container_kill(struct container *top);

struct container *task_container_in(struct task_struct *task,
				    struct containerfs_root *root);
unsigned int container_task_iter_fill(struct container_task_iter *it,
				      struct pid_namespace *ns, pid_t *nrs,
				      unsigned int max);
unsigned int container_task_iter_fill_processes(struct container_task_iter *it,
						struct pid_namespace *ns,
						pid_t *nrs, unsigned int max);

/* In container_fs.c. */
void container_changed(struct container *cont);
struct container *container_clone_begin(struct container_subsys *ss, pid_t nr);
void container_clone_end(struct container *cont, bool used);

/*
 * Trace an event that has the path of a container, if anybody listens. @cont is
 * evaluated under rcu_read_lock(). @gfp: for a buffer of PATH_MAX bytes.
 */
#define trace_with_path_gfp(gfp, event, cont, ...)			\
do {									\
	if (trace_##event##_enabled()) {				\
		char *path_ = kmalloc(PATH_MAX, gfp);			\
									\
		rcu_read_lock();					\
		if (path_) {						\
			const struct container *cont_ = (cont);		\
									\
			if (!container_path(cont_, path_, PATH_MAX))	\
				trace_##event(cont_->root->hierarchy_id, \
					      path_, ##__VA_ARGS__);	\
		}							\
		rcu_read_unlock();					\
		kfree(path_);						\
	}								\
} while (0)

/* The same where one may sleep. */
#define trace_with_path(event, cont, ...)				\
	trace_with_path_gfp(GFP_KERNEL, event, cont, ##__VA_ARGS__)

#endif /* _KERNEL_CONTAINER_INTERNAL_H */
