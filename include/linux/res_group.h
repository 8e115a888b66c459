/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ResGroups: dividing a resource among containers by shares. This header has
 * what describes a share; what a controller of a resource needs is in
 * res_group_rc.h.
 */
#ifndef _LINUX_RES_GROUP_H
#define _LINUX_RES_GROUP_H

#include <linux/types.h>

/* Values of shares that are no numbers. */
#define SHARE_UNCHANGED		(-1)	/* in what is written: leave it */
#define SHARE_UNSUPPORTED	(-2)	/* the root is nobody's part */
#define SHARE_DONT_CARE		(-3)

#define SHARE_DEFAULT_DIVISOR	100

/**
 * struct res_shares - the part of its parent's resource that a group may use
 * @min_shares: guaranteed: this many parts of the parent's guarantee. Nobody
 *	else can use them.
 * @max_shares: cap: this many parts of the parent's cap
 * @child_shares_divisor: number of parts that the children's shares are of
 */
struct res_shares {
	int	min_shares;
	int	max_shares;
	int	child_shares_divisor;
};

/**
 * struct res_shares_sum - the shares of a group's children taken together
 * @min_shares: their sum; "don't care" counts nothing
 * @max_shares: the largest of them, 0 if nobody cares
 */
struct res_shares_sum {
	s64	min_shares;
	int	max_shares;
};

int res_shares_parse(struct res_shares *shares, const char *name, char *buf);
int res_shares_check(const struct res_shares *shares,
		     const struct res_shares *parent,
		     const struct res_shares_sum *siblings,
		     const struct res_shares_sum *children);
int res_shares_part(int whole, int shares, int divisor);

#endif /* _LINUX_RES_GROUP_H */
