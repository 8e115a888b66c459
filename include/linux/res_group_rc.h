/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ResGroups: for controllers. A controller is a subsystem of containers that
 * fills in one struct res_controller, embeds a struct res_group in its states,
 * charges and uncharges it, and has the two files of RES_GROUP_FILES().
 * Locking and the idea are at the head of kernel/res_group/res_group.c.
 */
#ifndef _LINUX_RES_GROUP_RC_H
#define _LINUX_RES_GROUP_RC_H

#include <linux/atomic.h>
#include <linux/container.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/res_group.h>
#include <linux/types.h>

struct res_group;

/**
 * struct res_controller - a resource that is divided by shares
 * @name: in "res=NAME" and in "NAME: ..." of the file stats
 * @subsys_id: its subsystem
 * @root: the group that has all of it
 * @show_stats: print what stats shows below the current usage. Sleeps.
 * @reset_stats: zero what @show_stats counts. Sleeps.
 * @lock: protects what struct res_group says it does
 */
struct res_controller {
	const char		*name;
	int			subsys_id;
	struct res_group	*root;
	void (*show_stats)(struct res_group *rg, struct seq_file *sf);
	void (*reset_stats)(struct res_group *rg);
	struct mutex		lock;	/* protects the groups' accounts */
};

/**
 * struct res_group - what a controller's state begins with
 * @css: what the core knows of it
 * @ctl: the controller; constant
 * @parent: NULL in the root; lives longer than this one
 * @shares: container_mutex
 * @in_hand: units that may be charged without asking; if the group is metered,
 *	minus the units in use. No lock.
 * @metered: every charge and uncharge passes through @ctl->lock; as the rest
 *	below changed under @ctl->lock
 * @called_back: all groups of the subtree are metered, save new ones with
 *	nothing in use
 * @removed: stays metered
 * @own: units that are accounted with the ancestors for this group itself;
 *	never less than are in use
 * @used: @own of the whole subtree
 * @load: @own, and the children's use or guarantee, whichever is more of each
 * @guarantee: units that nobody else can use; also under container_mutex
 * @limit: units that the subtree can use; also under container_mutex
 */
struct res_group {
	struct container_subsys_state	css;
	struct res_controller		*ctl;
	struct res_group		*parent;
	struct res_shares		shares;
	atomic_t			in_hand;
	bool				metered;
	bool				called_back;
	bool				removed;
	int				own;
	int				used;
	s64				load;
	int				guarantee;
	int				limit;
};

/* The root's part of a static state: everything, of which there is no end. */
#define RES_GROUP_ROOT(_ctl) {						\
	.ctl		= (_ctl),					\
	.shares		= {						\
		.min_shares		= SHARE_UNSUPPORTED,		\
		.max_shares		= SHARE_UNSUPPORTED,		\
		.child_shares_divisor	= SHARE_DEFAULT_DIVISOR,	\
	},								\
	.guarantee	= INT_MAX,					\
	.limit		= INT_MAX,					\
}

/* Elements of a controller's table of control files. */
#define RES_GROUP_FILES							\
	{								\
		.name		= "shares",				\
		.seq_show	= res_group_shares_show,		\
		.write		= res_group_shares_write,		\
	},								\
	{								\
		.name		= "stats",				\
		.seq_show	= res_group_stats_show,			\
		.write		= res_group_stats_write,		\
	}

void res_group_init(struct res_group *rg, struct res_group *parent);
void res_group_remove(struct res_group *rg);
void res_group_free(struct res_group *rg);

void res_group_move(struct res_group *from, struct res_group *to);
int __res_group_charge(struct res_group *rg, bool force);
void __res_group_uncharge(struct res_group *rg);
int res_controller_set_total(struct res_controller *ctl, int total);

int res_group_shares_show(struct seq_file *sf, void *v);
ssize_t res_group_shares_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes);
int res_group_stats_show(struct seq_file *sf, void *v);
ssize_t res_group_stats_write(struct kernfs_open_file *of, char *buf,
			      size_t nbytes);

static inline struct res_group *css_res_group(struct container_subsys_state *css)
{
	return container_of(css, struct res_group, css);
}

/**
 * res_group_charge - charge one unit to a group
 * @rg: the group; the caller keeps its memory
 *
 * May sleep.
 *
 * Return: 0, or -EAGAIN if there is no unit that the group may have.
 */
static inline int res_group_charge(struct res_group *rg)
{
	if (likely(atomic_dec_if_positive(&rg->in_hand) >= 0))
		return 0;
	return __res_group_charge(rg, false);
}

/**
 * res_group_charge_force - charge one unit to a group even beyond its limit
 * @rg: the group; the caller keeps its memory
 *
 * Until use is below the limits again, nobody below the groups whose limit is
 * exceeded gets a unit otherwise. May sleep.
 */
static inline void res_group_charge_force(struct res_group *rg)
{
	if (unlikely(atomic_dec_if_positive(&rg->in_hand) < 0))
		__res_group_charge(rg, true);
}

/**
 * res_group_uncharge - give a unit back
 * @rg: the group it was charged to; the caller keeps its memory
 *
 * May sleep.
 */
static inline void res_group_uncharge(struct res_group *rg)
{
	/* Only in a metered group the sum is not positive. */
	if (unlikely(atomic_inc_return(&rg->in_hand) <= 0))
		__res_group_uncharge(rg);
}

#endif /* _LINUX_RES_GROUP_RC_H */
