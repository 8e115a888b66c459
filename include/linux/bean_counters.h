/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BeanCounters, a subsystem of process containers that counts and limits what
 * the members of a container hold of resources: what a resource's code needs to
 * charge, and the hooks of those resources there are.
 */
#ifndef _LINUX_BEAN_COUNTERS_H
#define _LINUX_BEAN_COUNTERS_H

struct file;

#ifdef CONFIG_CONTAINER_BC

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/container.h>
#include <linux/fs.h>
#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/limits.h>

/* Each has a row in bc_resources[]. */
enum bc_resource {
	BC_NUMFILES,
	BC_RESOURCES
};

/**
 * enum bc_severity - up to where a charge is granted
 * @BC_BARRIER: to the barrier; for ordinary tasks
 * @BC_LIMIT: to the limit; for those that are privileged
 * @BC_FORCE: always; for what cannot be refused
 */
enum bc_severity {
	BC_BARRIER,
	BC_LIMIT,
	BC_FORCE
};

/**
 * struct bc_resource_parm - what a container holds of a resource
 * @held: how much it is now
 * @maxheld: the most it has been since it was reset
 * @minheld: the least it has been since it was reset
 * @failcnt: charges refused since it was reset
 * @barrier: at most @limit; changed under a lock, read without
 * @limit: at most LONG_MAX; changed under a lock, read without
 */
struct bc_resource_parm {
	atomic_long_t	held;
	atomic_long_t	maxheld;
	atomic_long_t	minheld;
	atomic_long_t	failcnt;
	long		barrier;
	long		limit;
};

/**
 * struct beancounter - the state of a container in this subsystem
 * @css: what the core knows of it; each charge holds a reference
 * @parms: by enum bc_resource
 */
struct beancounter {
	struct container_subsys_state	css;
	struct bc_resource_parm		parms[BC_RESOURCES];
};

DECLARE_STATIC_KEY_FALSE(bc_key);

/**
 * task_bc - the beancounter of a task's container
 * @task: the task
 *
 * Context: As for task_subsys_state().
 * Return: The beancounter, which stays allocated for as long as a state does.
 */
static inline struct beancounter *task_bc(struct task_struct *task)
{
	return container_of(task_subsys_state(task, bc_subsys_id),
			    struct beancounter, css);
}

int bc_charge(struct beancounter *bc, enum bc_resource resource,
	      unsigned long val, enum bc_severity severity);
void bc_uncharge(struct beancounter *bc, enum bc_resource resource,
		 unsigned long val);

void __bc_raise_maxheld(struct bc_resource_parm *parm, long held);

static inline long bc_severity_max(const struct bc_resource_parm *parm,
				   enum bc_severity severity)
{
	switch (severity) {
	case BC_BARRIER:
		return READ_ONCE(parm->barrier);
	case BC_LIMIT:
		return READ_ONCE(parm->limit);
	default:
		/* There is no resource of which one could hold as much. */
		return LONG_MAX;
	}
}

static inline bool bc_charge_held(struct bc_resource_parm *parm,
				  unsigned long val, enum bc_severity severity)
{
	long held = atomic_long_read(&parm->held);

	do {
		long max = bc_severity_max(parm, severity);

		if (held > max || val > max - held)
			return false;
	} while (!atomic_long_try_cmpxchg(&parm->held, &held, held + val));
	if (unlikely(held + (long)val > atomic_long_read(&parm->maxheld)))
		__bc_raise_maxheld(parm, held + val);
	return true;
}

/**
 * bc_try_charge - charge a resource, or find that it would be refused
 * @bc: a beancounter that is not freed yet
 * @resource: the resource
 * @val: how much of it; at most LONG_MAX
 * @severity: up to where
 *
 * For those that have another way when it is refused, which does not count as
 * a failure.
 *
 * Context: Any, with @bc protected by RCU or a charge. Takes no locks.
 * Return: 0, and then the charge, until bc_uncharge(), keeps the container from
 * being removed; -ENOMEM if it would be refused; -ENODEV if the container is
 * removed.
 */
static inline int bc_try_charge(struct beancounter *bc,
				enum bc_resource resource, unsigned long val,
				enum bc_severity severity)
{
	if (unlikely(!container_css_tryget(&bc->css)))
		return -ENODEV;
	if (likely(bc_charge_held(&bc->parms[resource], val, severity)))
		return 0;
	container_css_put(&bc->css);
	return -ENOMEM;
}

/*
 * numfiles
 */

int __bc_file_charge(struct file *file);

/**
 * bc_file_charge - charge a new file to the container of current
 * @file: the file, with f_bc NULL
 *
 * Context: Process context.
 * Return: 0, or -EMFILE if the container may not have another one.
 */
static inline int bc_file_charge(struct file *file)
{
	if (static_branch_unlikely(&bc_key))
		return __bc_file_charge(file);
	return 0;
}

/**
 * bc_file_uncharge - take back what bc_file_charge() charged, if anything
 * @file: the file, which is freed next and seen by nobody else
 *
 * Does not look at bc_key: files stay charged when the subsystem is unmounted.
 *
 * Context: Any.
 */
static inline void bc_file_uncharge(struct file *file)
{
	if (file->f_bc)
		bc_uncharge(file->f_bc, BC_NUMFILES, 1);
}

#else /* !CONFIG_CONTAINER_BC */

static inline int bc_file_charge(struct file *file) { return 0; }
static inline void bc_file_uncharge(struct file *file) {}

#endif /* !CONFIG_CONTAINER_BC */

#endif /* _LINUX_BEAN_COUNTERS_H */
