/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the cpuset subsystem share: the cpusets themselves
 * (cpuset.c), memory (cpuset_memory.c), and scheduling domains with the
 * bandwidth of SCHED_DEADLINE threads in them (cpuset_domains.c). Locks: see the
 * head of cpuset.c.
 */
#ifndef _KERNEL_CPUSET_INTERNAL_H
#define _KERNEL_CPUSET_INTERNAL_H

#include <linux/container.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/nodemask.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

/* Bits of cpuset_config.flags. */
enum cpuset_flag {
	CPUSET_CPU_EXCLUSIVE,
	CPUSET_MEM_EXCLUSIVE,
	CPUSET_MEM_HARDWALL,
	CPUSET_MEMORY_MIGRATE,
	CPUSET_SPREAD_PAGE,
	CPUSET_SPREAD_SLAB,
	CPUSET_SCHED_LOAD_BALANCE,
	CPUSET_FLAGS
};

/* A child can have these only if its parent has. */
#define CPUSET_EXCLUSIVE_FLAGS	(BIT(CPUSET_CPU_EXCLUSIVE) |		\
				 BIT(CPUSET_MEM_EXCLUSIVE))
/* A new cpuset has them as its parent does. */
#define CPUSET_INHERITED_FLAGS	(BIT(CPUSET_SPREAD_PAGE) |		\
				 BIT(CPUSET_SPREAD_SLAB))
/* Those that are in force for members, in cpuset_placement.flags. */
#define CPUSET_PLACED_FLAGS	(BIT(CPUSET_MEMORY_MIGRATE) |		\
				 BIT(CPUSET_SPREAD_PAGE) |		\
				 BIT(CPUSET_SPREAD_SLAB))

/**
 * struct cpuset_placement - what is in force
 * @refs: 1 for the cpuset that has it, 1 for each user outside RCU
 * @rcu: for freeing
 * @flags: CPUSET_PLACED_FLAGS that are set
 * @mems: nodes; never empty
 * @cpus: CPUs; never empty. In the root cpuset: what is active, while its
 *	members may use all that are possible.
 *
 * Constant once published.
 */
struct cpuset_placement {
	refcount_t		refs;
	struct rcu_head		rcu;
	unsigned long		flags;
	nodemask_t		mems;
	/* Last: only the first cpumask_size() bytes are allocated. */
	struct cpumask		cpus;
};

/**
 * struct cpuset_config - what the user asked for
 * @cpus: in the root: every CPU that has been present
 * @mems: in the root: every node that has had memory
 * @flags: bits of enum cpuset_flag
 * @relax_domain_level: how far idle CPUs look for work; -1: the default
 */
struct cpuset_config {
	cpumask_var_t		cpus;
	nodemask_t		mems;
	unsigned long		flags;
	int			relax_domain_level;
};

/**
 * struct pressure_meter - a rate with a half-life
 * @lock: protects the rest
 * @second: of the boot clock, to which @rate is complete
 * @events: number of events since then
 * @rate: events per second, times 1000
 */
struct pressure_meter {
	spinlock_t		lock;	/* protects the rest */
	time64_t		second;
	u32			events;
	u32			rate;
};

/**
 * struct cpuset - the state of a container in this subsystem
 * @css: what the core knows of it
 * @parent: NULL in the root; constant, and lives longer than this one
 * @config: container_mutex with attaches excluded, unless it is new; read under
 *	either. Walls are looked for without.
 * @placement: what is in force; the same for writers, RCU for readers
 * @next: a placement about to be published; container_mutex
 * @republished: @placement is new, its members have the old one yet;
 *	container_mutex
 * @rebinding: number of those who are changing the nodes of members here
 * @pressure: direct reclaims of its members
 */
struct cpuset {
	struct container_subsys_state	css;
	struct cpuset			*parent;
	struct cpuset_config		config;
	struct cpuset_placement __rcu	*placement;
	struct cpuset_placement		*next;
	bool				republished;
	atomic_t			rebinding;
	struct pressure_meter		pressure;
};

/**
 * struct placing - what place_task() has done to a thread
 * @task: the thread
 * @bound: has given it CPUs of a cpuset other than the root
 * @rebound: has changed its nodes
 * @from: the nodes that its process had before, if @rebound
 *
 * When it has to start over, someone else may have been at work in between, so
 * that the thread itself does not tell any more.
 */
struct placing {
	struct task_struct	*task;
	bool			bound;
	bool			rebound;
	nodemask_t		from;
};

extern struct cpuset top_cpuset;

static inline struct cpuset *css_cpuset(struct container_subsys_state *css)
{
	return container_of(css, struct cpuset, css);
}

static inline struct cpuset *container_cpuset(struct container *cont)
{
	return css_cpuset(cont->subsys[cpuset_subsys_id]);
}

/* Under RCU. */
static inline struct cpuset *task_cpuset(struct task_struct *task)
{
	return css_cpuset(task_subsys_state(task, cpuset_subsys_id));
}

static inline bool cpuset_is_root(const struct cpuset *cs)
{
	return cs == &top_cpuset;
}

/* Under RCU. */
static inline struct cpuset_placement *cpuset_placement(struct cpuset *cs)
{
	return rcu_dereference_check(cs->placement, rcu_read_lock_sched_held());
}

static inline bool cpuset_task_has_placement(struct task_struct *task,
					     const struct cpuset_placement *pl)
{
	bool ret;

	rcu_read_lock();
	ret = cpuset_placement(task_cpuset(task)) == pl;
	rcu_read_unlock();
	return ret;
}

/* Where placements cannot change: under container_mutex. */
static inline struct cpuset_placement *cpuset_placement_locked(struct cpuset *cs)
{
	return rcu_dereference_protected(cs->placement, container_lock_is_held());
}

/* What is going to be in force; container_mutex. */
static inline struct cpuset_placement *cpuset_placement_next(struct cpuset *cs)
{
	return cs->next ?: cpuset_placement_locked(cs);
}

/* Hold every cpuset and every thread where it is, as a change needs it. */
static inline void cpuset_freeze(void)
{
	cpus_read_lock();
	container_lock();
	container_attach_exclude();
}

static inline void cpuset_thaw(void)
{
	container_attach_allow();
	container_unlock();
	cpus_read_unlock();
}

/* In cpuset_memory.c. */
bool cpuset_apply_mems(struct placing *p, struct cpuset_placement *pl,
		       bool root);
bool cpuset_mems_in_place(struct task_struct *task,
			  const struct cpuset_placement *pl);
void cpuset_begin_rebind(struct cpuset *cs);
void cpuset_end_rebind(struct cpuset *cs);
void cpuset_check_nodes_sane(nodemask_t *mems);
void cpuset_note_page_move(struct placing *p, const struct cpuset_placement *pl);
void cpuset_update_mms(void);
void cpuset_update_mms_later(void);
void cpuset_init_memory(void);
u32 cpuset_pressure(struct pressure_meter *meter);

/* In cpuset_domains.c. */
struct cpu_domain;

/**
 * struct domain_plan - scheduling domains to be built
 * @cpus: the domain of each CPU
 * @count: number of domains
 * @masks: their CPUs
 * @attrs: their attributes
 */
struct domain_plan {
	struct cpu_domain		*cpus;
	unsigned int			count;
	cpumask_var_t			*masks;
	struct sched_domain_attr	*attrs;
};

int cpuset_plan_domains(struct domain_plan *plan);
void cpuset_discard_domains(struct domain_plan *plan);
void cpuset_build_domains(struct domain_plan *plan, bool force);
int cpuset_check_bandwidth(struct cpuset *top, const struct domain_plan *plan);
int cpuset_reserve_bandwidth(struct task_struct *task,
			     const struct cpumask *cpus);
void cpuset_return_bandwidth(struct task_struct *task);
int cpuset_home_cpu(struct task_struct *task);
void cpuset_use_bandwidth(struct task_struct *task, int cpu, int home);
void cpuset_recount_bandwidth(void);
void cpuset_rebuild_domains(bool force);
void cpuset_init_domains(void);

#endif /* _KERNEL_CPUSET_INTERNAL_H */
