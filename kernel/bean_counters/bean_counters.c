// SPDX-License-Identifier: GPL-2.0
/*
 * bc: BeanCounters, a subsystem of process containers that counts what the
 * members of a container hold of resources, and limits it. For each resource:
 *
 *   held	how much it is
 *   maxheld	the most it has been; writing 0 sets it to what is held
 *   minheld	the least it has been; writing 0 sets it to what is held
 *   barrier	above that, charges for ordinary tasks are refused
 *   limit	above that, charges for privileged tasks are refused
 *   failcnt	charges that were refused; writing 0 resets it
 *
 * Containers are independent of each other: what a container holds is not part
 * of what its parent does. A charge holds a reference to the container's state
 * until it is taken back, so the container cannot be removed before. The state
 * of the root lives for ever, and so keeps its charges when the subsystem is
 * unmounted.
 *
 * What a resource is counts for nothing here: it is a row of bc_resources[], and
 * its own code calls bc_charge() and bc_uncharge().
 *
 * Locking: a charge takes no lock. What is held is raised by a compare and
 * exchange that does not exceed the barrier or the limit, however many charges
 * there are at a time; a charge that has looked at one while it is lowered may
 * still be granted by its old value. barrier and limit are changed under
 * limits_lock.
 */

#include <linux/bean_counters.h>
#include <linux/bug.h>
#include <linux/container.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <trace/events/container.h>

#include "../container_internal.h"

/* The initial values of containers other than roots. */
#define DEFAULT_BARRIER	256
#define DEFAULT_LIMIT	512

enum bc_field {
	FIELD_HELD,
	FIELD_MAXHELD,
	FIELD_MINHELD,
	FIELD_BARRIER,
	FIELD_LIMIT,
	FIELD_FAILCNT,
	BC_FIELDS
};

/**
 * struct bc_resource_files - a resource as users see it
 * @name: in the names of its files
 * @files: its control files
 */
struct bc_resource_files {
	const char			*name;
	struct container_cftype		files[BC_FIELDS];
};

static struct bc_resource_files bc_resources[BC_RESOURCES];

/* True while the subsystem is mounted. */
DEFINE_STATIC_KEY_FALSE(bc_key);

/* Protects barrier and limit of all beancounters. */
static DEFINE_SPINLOCK(limits_lock);

static struct beancounter *css_bc(struct container_subsys_state *css)
{
	return container_of(css, struct beancounter, css);
}

/*
 * Charging
 */

/* It may have been raised by others meanwhile. */
void __bc_raise_maxheld(struct bc_resource_parm *parm, long held)
{
	long maxheld = atomic_long_read(&parm->maxheld);

	while (held > maxheld)
		if (atomic_long_try_cmpxchg(&parm->maxheld, &maxheld, held))
			break;
}

static void lower_minheld(struct bc_resource_parm *parm, long held)
{
	long minheld = atomic_long_read(&parm->minheld);

	while (unlikely(held < minheld))
		if (atomic_long_try_cmpxchg(&parm->minheld, &minheld, held))
			break;
}

/**
 * bc_charge - charge a resource
 * @bc: a beancounter that is not freed yet
 * @resource: the resource
 * @val: how much of it; at most LONG_MAX
 * @severity: up to where; BC_FORCE is not refused
 *
 * Context: Any but NMI, with @bc protected by RCU or a charge; with PREEMPT_RT,
 * one that may sleep, for a refusal that is traced has a path.
 * Return: 0, and then the charge, until bc_uncharge(), keeps the container from
 * being removed; -ENOMEM if it was refused, which is counted; -ENODEV if the
 * container is removed, so that the task that is charged for must be in another
 * one.
 */
int bc_charge(struct beancounter *bc, enum bc_resource resource,
	      unsigned long val, enum bc_severity severity)
{
	struct bc_resource_parm *parm = &bc->parms[resource];
	int ret = bc_try_charge(bc, resource, val, severity);

	if (ret == -ENOMEM) {
		atomic_long_inc(&parm->failcnt);
		trace_with_path_gfp(GFP_ATOMIC | __GFP_NOWARN,
				    container_charge_refused,
				    READ_ONCE(bc->css.container),
				    bc_resources[resource].name, current,
				    atomic_long_read(&parm->held),
				    bc_severity_max(parm, severity));
	}
	return ret;
}

/**
 * bc_uncharge - take back a charge
 * @bc: what was charged; the caller must not use it afterwards
 * @resource: the resource
 * @val: as it was charged
 *
 * Context: Any. Takes no locks.
 */
void bc_uncharge(struct beancounter *bc, enum bc_resource resource,
		 unsigned long val)
{
	struct bc_resource_parm *parm = &bc->parms[resource];
	long held = atomic_long_sub_return(val, &parm->held);

	if (WARN_ON_ONCE(held < 0)) {
		atomic_long_set(&parm->held, 0);
		held = 0;
	}
	lower_minheld(parm, held);
	container_css_put(&bc->css);
}

/*
 * Control files
 */

/* What cft.private of a file is made of. */
#define BC_PRIVATE(_resource, _field)	((_resource) << 8 | (_field))

static struct bc_resource_parm *file_parm(struct container_subsys_state *css,
					  struct container_cftype *cft)
{
	return &css_bc(css)->parms[cft->private >> 8];
}

static enum bc_field file_field(struct container_cftype *cft)
{
	return cft->private & 0xff;
}

static u64 parm_read(struct container_subsys_state *css,
		     struct container_cftype *cft)
{
	struct bc_resource_parm *parm = file_parm(css, cft);

	switch (file_field(cft)) {
	case FIELD_HELD:
		return atomic_long_read(&parm->held);
	case FIELD_MAXHELD:
		return atomic_long_read(&parm->maxheld);
	case FIELD_MINHELD:
		return atomic_long_read(&parm->minheld);
	case FIELD_BARRIER:
		return READ_ONCE(parm->barrier);
	case FIELD_LIMIT:
		return READ_ONCE(parm->limit);
	default:
		return (unsigned long)atomic_long_read(&parm->failcnt);
	}
}

/*
 * A charge changes held and looks at maxheld then, with a full barrier between,
 * since held is changed by an atomic operation that returns a value. If it saw
 * the maxheld of before the reset, and left it alone, or if the reset overwrites
 * what it raised it to, its held is seen here after the barrier. So maxheld does
 * not stay below held. The same goes for minheld.
 */
static void reset_maxheld(struct bc_resource_parm *parm)
{
	atomic_long_set(&parm->maxheld, atomic_long_read(&parm->held));
	smp_mb(); /* see above */
	__bc_raise_maxheld(parm, atomic_long_read(&parm->held));
}

static void reset_minheld(struct bc_resource_parm *parm)
{
	atomic_long_set(&parm->minheld, atomic_long_read(&parm->held));
	smp_mb(); /* see reset_maxheld() */
	lower_minheld(parm, atomic_long_read(&parm->held));
}

static int parm_reset(struct container_subsys_state *css,
		      struct container_cftype *cft, u64 val)
{
	struct bc_resource_parm *parm = file_parm(css, cft);

	if (val)
		return -EINVAL;
	switch (file_field(cft)) {
	case FIELD_MAXHELD:
		reset_maxheld(parm);
		break;
	case FIELD_MINHELD:
		reset_minheld(parm);
		break;
	default:
		atomic_long_set(&parm->failcnt, 0);
		break;
	}
	return 0;
}

static int bound_write(struct container_subsys_state *css,
		       struct container_cftype *cft, u64 val)
{
	struct bc_resource_parm *parm = file_parm(css, cft);
	int ret = 0;

	spin_lock(&limits_lock);
	if (file_field(cft) == FIELD_BARRIER && val <= parm->limit)
		WRITE_ONCE(parm->barrier, val);
	else if (file_field(cft) == FIELD_LIMIT && val >= parm->barrier &&
		 val <= LONG_MAX)
		WRITE_ONCE(parm->limit, val);
	else
		ret = -EINVAL;
	spin_unlock(&limits_lock);
	return ret;
}

/* The row of a resource BC_@_id in bc_resources[]. */
#define BC_RESOURCE(_id, _name)						\
	.name = #_name,							\
	.files = {							\
		{							\
			.name		= #_name ".held",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_HELD), \
			.read_u64	= parm_read,			\
		},							\
		{							\
			.name		= #_name ".maxheld",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_MAXHELD), \
			.read_u64	= parm_read,			\
			.write_u64	= parm_reset,			\
		},							\
		{							\
			.name		= #_name ".minheld",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_MINHELD), \
			.read_u64	= parm_read,			\
			.write_u64	= parm_reset,			\
		},							\
		{							\
			.name		= #_name ".barrier",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_BARRIER), \
			.read_u64	= parm_read,			\
			.write_u64	= bound_write,			\
		},							\
		{							\
			.name		= #_name ".limit",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_LIMIT), \
			.read_u64	= parm_read,			\
			.write_u64	= bound_write,			\
		},							\
		{							\
			.name		= #_name ".failcnt",		\
			.private	= BC_PRIVATE(BC_##_id, FIELD_FAILCNT), \
			.read_u64	= parm_read,			\
			.write_u64	= parm_reset,			\
		},							\
	}

static struct bc_resource_files bc_resources[BC_RESOURCES] = {
	[BC_NUMFILES] = { BC_RESOURCE(NUMFILES, numfiles) },
};

/*
 * Callbacks of the core
 */

static void set_limits(struct beancounter *bc, long barrier, long limit)
{
	int i;

	spin_lock(&limits_lock);
	for (i = 0; i < BC_RESOURCES; i++) {
		WRITE_ONCE(bc->parms[i].barrier, barrier);
		WRITE_ONCE(bc->parms[i].limit, limit);
	}
	spin_unlock(&limits_lock);
}

static struct container_subsys_state *bc_create(struct container_subsys *ss,
						struct container *cont)
{
	struct beancounter *bc;

	bc = kzalloc(sizeof(*bc), GFP_KERNEL);
	if (!bc)
		return ERR_PTR(-ENOMEM);
	if (cont->parent)
		set_limits(bc, DEFAULT_BARRIER, DEFAULT_LIMIT);
	else
		set_limits(bc, LONG_MAX, LONG_MAX);
	return &bc->css;
}

static void bc_free(struct container_subsys *ss,
		    struct container_subsys_state *css)
{
	kfree(css_bc(css));
}

static int bc_populate(struct container_subsys *ss,
		       struct container_subsys_state *css)
{
	int i, ret = 0;

	for (i = 0; i < BC_RESOURCES && !ret; i++)
		ret = container_add_files(css->container, ss,
					  bc_resources[i].files, BC_FIELDS);
	return ret;
}

/* Whoever makes namespaces shall not get a higher limit by that. */
static int bc_post_clone(struct container_subsys *ss,
			 struct container_subsys_state *css)
{
	struct beancounter *bc = css_bc(css);
	struct beancounter *up =
		css_bc(css->container->parent->subsys[ss->subsys_id]);
	int i;

	spin_lock(&limits_lock);
	for (i = 0; i < BC_RESOURCES; i++) {
		WRITE_ONCE(bc->parms[i].barrier,
			   min(bc->parms[i].barrier, up->parms[i].barrier));
		WRITE_ONCE(bc->parms[i].limit,
			   min(bc->parms[i].limit, up->parms[i].limit));
	}
	spin_unlock(&limits_lock);
	return 0;
}

static void bc_bind(struct container_subsys *ss,
		    struct container_subsys_state *css, bool bound)
{
	if (bound) {
		/* A way out for those who locked themselves out of the root. */
		set_limits(css_bc(css), LONG_MAX, LONG_MAX);
		static_branch_enable_cpuslocked(&bc_key);
	} else {
		static_branch_disable_cpuslocked(&bc_key);
	}
}

struct container_subsys bc_subsys = {
	.name		= "bc",
	.create		= bc_create,
	.free		= bc_free,
	.populate	= bc_populate,
	.post_clone	= bc_post_clone,
	.bind		= bc_bind,
};
