// SPDX-License-Identifier: GPL-2.0
/*
 * ResGroups: the arithmetic of shares. How they are written, which are valid
 * beside which others, and what part of a whole they are. Nothing here knows of
 * containers or takes a lock; whoever calls keeps the shares from changing.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/res_group.h>
#include <linux/string.h>

static int *shares_field(struct res_shares *shares, const char *key)
{
	if (!strcmp(key, "min_shares"))
		return &shares->min_shares;
	if (!strcmp(key, "max_shares"))
		return &shares->max_shares;
	if (!strcmp(key, "child_shares_divisor"))
		return &shares->child_shares_divisor;
	return NULL;
}

/**
 * res_shares_parse - understand what was written to a file "shares"
 * @shares: where to put it; fields that are not named get SHARE_UNCHANGED
 * @name: the controller's name
 * @buf: "res=NAME,min_shares=N,max_shares=N,child_shares_divisor=N", or any
 *	subset of that in any order, without white space around it; is changed
 *
 * Any context. Return: 0 or -EINVAL.
 */
int res_shares_parse(struct res_shares *shares, const char *name, char *buf)
{
	char *word, *value;
	int *field;
	bool named = false;

	shares->min_shares = SHARE_UNCHANGED;
	shares->max_shares = SHARE_UNCHANGED;
	shares->child_shares_divisor = SHARE_UNCHANGED;
	while ((word = strsep(&buf, ","))) {
		value = word;
		strsep(&value, "=");
		if (!value)
			return -EINVAL;
		if (!strcmp(word, "res")) {
			if (named || strcmp(value, name))
				return -EINVAL;
			named = true;
			continue;
		}
		field = shares_field(shares, word);
		if (!field || *field != SHARE_UNCHANGED ||
		    kstrtoint(value, 10, field))
			return -EINVAL;
	}
	return 0;
}

static bool min_is_valid(int min)
{
	return min >= 0 || min == SHARE_DONT_CARE;
}

static bool max_is_valid(int max)
{
	return max > 0 || max == SHARE_DONT_CARE;
}

/* What a group may have of what its parent has. */
static int check_own_shares(const struct res_shares *shares,
			    const struct res_shares *parent,
			    const struct res_shares_sum *siblings)
{
	int min = shares->min_shares, max = shares->max_shares;

	if (!min_is_valid(min) || !max_is_valid(max))
		return -EINVAL;
	if (max != SHARE_DONT_CARE &&
	    (max > parent->child_shares_divisor || min > max))
		return -EINVAL;
	if (min > 0 && min + siblings->min_shares > parent->child_shares_divisor)
		return -EINVAL;
	return 0;
}

/**
 * res_shares_check - may a group have these shares?
 * @shares: all fields are set
 * @parent: the parent's shares; NULL: the group is the root
 * @siblings: the shares of the parent's other children
 * @children: the shares of the group's own children
 *
 * Any context. Return: 0 or -EINVAL.
 */
int res_shares_check(const struct res_shares *shares,
		     const struct res_shares *parent,
		     const struct res_shares_sum *siblings,
		     const struct res_shares_sum *children)
{
	int divisor = shares->child_shares_divisor;

	if (divisor < 1 || children->min_shares > divisor ||
	    children->max_shares > divisor)
		return -EINVAL;
	if (parent)
		return check_own_shares(shares, parent, siblings);
	return shares->min_shares == SHARE_UNSUPPORTED &&
	       shares->max_shares == SHARE_UNSUPPORTED ? 0 : -EINVAL;
}

/**
 * res_shares_part - how much some shares of a whole are
 * @whole: in units, not negative
 * @shares: not negative, at most @divisor
 * @divisor: at least 1
 *
 * Any context. Return: the units, rounded down.
 */
int res_shares_part(int whole, int shares, int divisor)
{
	return div_u64((u64)whole * shares, divisor);
}
