// SPDX-License-Identifier: GPL-2.0
/*
 * ResGroups: groups that are charged units of a resource, with guarantees and
 * limits from their shares, and the control files of these.
 *
 * What holds at any time: of a group and all below it no more units are in use
 * than its limit, and less by what is guaranteed to groups below it that do not
 * use it. Charges by force and limits that are lowered may break that; then
 * nobody below gets another unit until it holds again.
 *
 * How that is done without a look at the ancestors. A group accounts some units
 * (own) with itself and its ancestors before they are used, under the controller's
 * lock, and has them in hand. Charging takes one out of the hand, uncharging puts
 * it back: one atomic operation on the group's own counter. When a limit is
 * reached, units in hand in one group may be what another one needs: they are
 * called back from the whole subtree below that limit, by making its groups
 * metered. The counter of a metered group is never above 0, so that all charges
 * and uncharges notice and go through the lock, which keeps the accounts exact
 * and the hand empty. The next charge to a group that finds plenty at all its
 * ancestors ends that for this group.
 *
 *			in_hand			own
 *	normal		own - in use, >= 0	>= in use
 *	metered		- in use, <= 0		in use, once the lock is free
 *
 * Locks, outermost first:
 *
 *   container_mutex	the tree, shares; guarantee and limit change under it too
 *   res_controller.lock	the accounts: all of struct res_group behind @in_hand.
 *			A fork takes it only when it finds no unit in hand.
 *
 * Trees are walked under RCU where container_mutex is not held. What is created
 * meanwhile has nothing in hand, and what has been removed is metered for ever.
 * (For the moment between its leaving the tree and res_group_remove() what a group
 * has in hand is not called back: a unit may be refused that is about to be free.)
 */

#include <linux/bug.h>
#include <linux/container.h>
#include <linux/kernfs.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/res_group_rc.h>
#include <linux/seq_file.h>
#include <linux/string.h>

/* So many units a group fetches at once, while there are plenty. */
#define HANDFUL		16

static struct res_group *container_res_group(struct container *cont, int id)
{
	return css_res_group(cont->subsys[id]);
}

/*
 * Group @rg is @top, then each group below it, parents first. Under RCU or
 * container_mutex; under RCU alone the root state may move to another hierarchy
 * meanwhile. Nothing at boot, before there are containers.
 */
#define for_each_group_below(rg, top)					\
	for (struct container *top_ = READ_ONCE((top)->css.container),	\
	     *pos_ = top_;						\
	     pos_ && ((rg) = pos_ == top_ ? (top) :			\
		      container_res_group(pos_, (top)->ctl->subsys_id));	\
	     pos_ = container_next_descendant_pre(pos_, top_))

/*
 * Accounts. res_controller.lock is held.
 */

static s64 reserved(const struct res_group *rg)
{
	return max_t(s64, rg->guarantee, rg->load);
}

/* Add to the load of @rg, and to that of its ancestors what they notice of it. */
static void add_load(struct res_group *rg, s64 load)
{
	for (; rg && load; rg = rg->parent) {
		s64 before = reserved(rg);

		rg->load += load;
		load = reserved(rg) - before;
	}
}

static void account(struct res_group *rg, int units)
{
	struct res_group *pos;

	rg->own += units;
	for (pos = rg; pos; pos = pos->parent)
		pos->used += units;
	add_load(rg, units);
}

static void set_guarantee(struct res_group *rg, int guarantee)
{
	s64 before = reserved(rg);

	rg->guarantee = guarantee;
	add_load(rg->parent, reserved(rg) - before);
}

/* The group whose limit one more unit in @rg would exceed; NULL: there is none. */
static struct res_group *find_obstacle(struct res_group *rg)
{
	s64 more = 1;

	for (; rg; rg = rg->parent) {
		s64 before = reserved(rg);

		if (rg->used >= rg->limit)
			return rg;
		/* What is within a guarantee is reserved already. */
		if (more && rg->load + more > rg->limit)
			return rg;
		more = max_t(s64, rg->guarantee, rg->load + more) - before;
	}
	return NULL;
}

static bool has_plenty(struct res_group *rg)
{
	for (; rg; rg = rg->parent)
		if (rg->load + HANDFUL > rg->limit)
			return false;
	return true;
}

static bool is_called_back(struct res_group *rg)
{
	for (; rg; rg = rg->parent)
		if (rg->called_back)
			return true;
	return false;
}

/* Have everything pass through the lock, and correct the accounts. */
static void meter(struct res_group *rg)
{
	if (!rg->metered) {
		rg->metered = true;
		atomic_sub(rg->own, &rg->in_hand);
	}
	account(rg, -atomic_read(&rg->in_hand) - rg->own);
}

static void unmeter(struct res_group *rg)
{
	struct res_group *pos;

	for (pos = rg; pos; pos = pos->parent)
		pos->called_back = false;
	if (rg->metered) {
		rg->metered = false;
		atomic_add(rg->own, &rg->in_hand);
	}
}

static void call_back(struct res_group *top)
{
	struct res_group *rg;

	rcu_read_lock();
	for_each_group_below(rg, top) {
		meter(rg);
		rg->called_back = true;
	}
	rcu_read_unlock();
}

/* Where limits are exceeded, nobody may find a unit in hand. */
static void call_back_if_exceeded(struct res_group *rg)
{
	if (rg->load > rg->limit && !rg->called_back)
		call_back(rg);
}

static void call_back_exceeded(struct res_group *rg)
{
	for (; rg; rg = rg->parent)
		call_back_if_exceeded(rg);
}

/*
 * Charging
 */

/* One unit more in use, which was in nobody's hand. The lock is held. */
static void charge_unit(struct res_group *rg)
{
	if (is_called_back(rg))
		meter(rg);
	account(rg, 1);
	if (rg->metered)
		atomic_dec(&rg->in_hand);
}

static int charge_scarce(struct res_group *rg, bool force)
{
	struct res_group *obstacle;

	for (;;) {
		obstacle = find_obstacle(rg);
		if (!obstacle || obstacle->called_back)
			break;
		call_back(obstacle);
	}
	if (obstacle && !force)
		return -EAGAIN;
	charge_unit(rg);
	if (obstacle)
		call_back_exceeded(rg);
	return 0;
}

/* Have some units in hand, of which one is in use now, if there is plenty. */
static bool take_handful(struct res_group *rg)
{
	if (rg->removed || !has_plenty(rg))
		return false;
	unmeter(rg);
	account(rg, HANDFUL);
	atomic_add(HANDFUL - 1, &rg->in_hand);
	return true;
}

/* Where it may be that there is no room for a unit in both. The lock is held. */
static void move_unit(struct res_group *from, struct res_group *to)
{
	account(from, -1);
	if (from->metered)
		atomic_inc(&from->in_hand);
	charge_unit(to);
	call_back_exceeded(to);
}

/**
 * res_group_move - move a unit that is charged to one group to another
 * @from: where it is charged
 * @to: where it shall be, even beyond limits; the caller keeps the memory of both
 *
 * It is never missed. For a moment it may count in both, and somebody else be
 * refused the last unit. May sleep.
 */
void res_group_move(struct res_group *from, struct res_group *to)
{
	struct res_controller *ctl = to->ctl;

	if (unlikely(atomic_dec_if_positive(&to->in_hand) < 0)) {
		mutex_lock(&ctl->lock);
		if (!take_handful(to)) {
			move_unit(from, to);
			mutex_unlock(&ctl->lock);
			return;
		}
		mutex_unlock(&ctl->lock);
	}
	res_group_uncharge(from);
}

/* There was no unit in hand. */
int __res_group_charge(struct res_group *rg, bool force)
{
	int ret = 0;

	mutex_lock(&rg->ctl->lock);
	if (!take_handful(rg))
		ret = charge_scarce(rg, force);
	mutex_unlock(&rg->ctl->lock);
	return ret;
}

/* The group is metered, or was a moment ago. */
void __res_group_uncharge(struct res_group *rg)
{
	mutex_lock(&rg->ctl->lock);
	if (rg->metered)
		meter(rg);
	mutex_unlock(&rg->ctl->lock);
}

/* res_controller.lock is held. Not always the same as @own. */
static int units_in_use(struct res_group *rg)
{
	int in_hand = atomic_read(&rg->in_hand);

	return rg->metered ? -in_hand : rg->own - in_hand;
}

/* Of the whole subtree. */
static int subtree_usage(struct res_group *top)
{
	struct res_group *rg;
	int usage = 0;

	mutex_lock(&top->ctl->lock);
	rcu_read_lock();
	for_each_group_below(rg, top)
		usage += units_in_use(rg);
	rcu_read_unlock();
	mutex_unlock(&top->ctl->lock);
	return usage;
}

/*
 * Shares
 */

/* container_mutex and res_controller.lock are held. */
static void apply_shares(struct res_group *rg)
{
	struct res_group *up = rg->parent;
	int min = rg->shares.min_shares, max = rg->shares.max_shares;
	int divisor;

	if (!up)
		return;
	divisor = up->shares.child_shares_divisor;
	rg->limit = max == SHARE_DONT_CARE ? up->limit :
		    res_shares_part(up->limit, max, divisor);
	set_guarantee(rg, min == SHARE_DONT_CARE ? 0 :
		      res_shares_part(up->guarantee, min, divisor));
}

/*
 * Shares of @top have changed, or the total: work out what that means for it and
 * all below it. container_mutex and res_controller.lock are held.
 */
static void apply_shares_below(struct res_group *top)
{
	struct res_group *rg;

	for_each_group_below(rg, top)
		apply_shares(rg);
	call_back_exceeded(top);
	for_each_group_below(rg, top)
		call_back_if_exceeded(rg);
}

/* The shares of the children of @rg but @except; container_mutex is held. */
static struct res_shares_sum sum_shares(struct res_group *rg,
					struct res_group *except)
{
	struct res_shares_sum sum = {};
	struct container *pos;

	container_for_each_child_rcu(pos, rg->css.container) {
		struct res_group *child = container_res_group(pos, rg->ctl->subsys_id);

		if (child == except)
			continue;
		sum.min_shares += max(child->shares.min_shares, 0);
		sum.max_shares = max(child->shares.max_shares, sum.max_shares);
	}
	return sum;
}

static void fill_in(int *share, int old)
{
	if (*share == SHARE_UNCHANGED)
		*share = old;
}

/* container_mutex is held. Returns 0 or -EINVAL, when nothing has changed. */
static int set_shares(struct res_group *rg, struct res_shares *shares)
{
	struct res_shares_sum children = sum_shares(rg, NULL), siblings = {};
	struct res_group *up = rg->parent;
	int ret;

	if (up)
		siblings = sum_shares(up, rg);
	fill_in(&shares->min_shares, rg->shares.min_shares);
	fill_in(&shares->max_shares, rg->shares.max_shares);
	fill_in(&shares->child_shares_divisor, rg->shares.child_shares_divisor);
	ret = res_shares_check(shares, up ? &up->shares : NULL, &siblings,
			       &children);
	if (ret)
		return ret;
	rg->shares = *shares;
	mutex_lock(&rg->ctl->lock);
	apply_shares_below(rg);
	mutex_unlock(&rg->ctl->lock);
	return 0;
}

/**
 * res_controller_set_total - change how much there is of a resource
 * @ctl: the controller
 * @total: units, at least 1
 *
 * Sleeps. No locks are held.
 *
 * Return: 0, or -EINVAL if more is in use.
 */
int res_controller_set_total(struct res_controller *ctl, int total)
{
	struct res_group *root = ctl->root;
	int ret = 0;

	container_lock();
	mutex_lock(&ctl->lock);
	call_back(root);
	if (root->used > total) {
		ret = -EINVAL;
	} else {
		root->limit = total;
		root->guarantee = total;
		apply_shares_below(root);
	}
	mutex_unlock(&ctl->lock);
	container_unlock();
	return ret;
}

/*
 * Life of a group
 */

/**
 * res_group_init - set up a group
 * @rg: zeroed
 * @parent: its parent
 *
 * From the subsystem's create callback, with container_mutex held.
 */
void res_group_init(struct res_group *rg, struct res_group *parent)
{
	rg->ctl = parent->ctl;
	rg->parent = parent;
	rg->shares.min_shares = SHARE_DONT_CARE;
	rg->shares.max_shares = SHARE_DONT_CARE;
	rg->shares.child_shares_divisor = SHARE_DEFAULT_DIVISOR;
	rg->limit = parent->limit;
}

/**
 * res_group_remove - give back what a group has in hand and is guaranteed
 * @rg: the group; what is still charged to it is on the way back
 *
 * From the subsystem's destroy callback. Sleeps.
 */
void res_group_remove(struct res_group *rg)
{
	mutex_lock(&rg->ctl->lock);
	rg->removed = true;
	meter(rg);
	set_guarantee(rg, 0);
	mutex_unlock(&rg->ctl->lock);
}

/**
 * res_group_free - check that nothing of a group is left
 * @rg: the group
 *
 * From the subsystem's free callback, before the memory is freed.
 */
void res_group_free(struct res_group *rg)
{
	WARN_ON_ONCE(rg->load || atomic_read(&rg->in_hand));
}

/*
 * Control files
 */

/**
 * res_group_shares_show - handler of the control file "shares"
 * @sf: the file
 * @v: unused
 */
int res_group_shares_show(struct seq_file *sf, void *v)
{
	struct res_group *rg = css_res_group(seq_state(sf));
	struct res_shares shares;

	container_lock();
	shares = rg->shares;
	container_unlock();
	seq_printf(sf,
		   "res=%s,min_shares=%d,max_shares=%d,child_shares_divisor=%d\n",
		   rg->ctl->name, shares.min_shares, shares.max_shares,
		   shares.child_shares_divisor);
	return 0;
}

/**
 * res_group_shares_write - handler of the control file "shares"
 * @of: the file
 * @buf: what was written
 * @nbytes: its length
 *
 * Return: @nbytes; -EINVAL; -ENODEV if the container is removed.
 */
ssize_t res_group_shares_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes)
{
	struct res_group *rg = css_res_group(of_state(of));
	struct res_shares shares;
	int ret;

	ret = res_shares_parse(&shares, rg->ctl->name, strim(buf));
	if (ret)
		return ret;
	if (!container_lock_live_css(&rg->css))
		return -ENODEV;
	ret = set_shares(rg, &shares);
	container_unlock();
	return ret ?: nbytes;
}

/**
 * res_group_stats_show - handler of the control file "stats"
 * @sf: the file
 * @v: unused
 */
int res_group_stats_show(struct seq_file *sf, void *v)
{
	struct res_group *rg = css_res_group(seq_state(sf));

	seq_printf(sf, "%s: Current usage %d\n", rg->ctl->name, subtree_usage(rg));
	rg->ctl->show_stats(rg, sf);
	return 0;
}

/**
 * res_group_stats_write - handler of the control file "stats"
 * @of: the file
 * @buf: what was written
 * @nbytes: its length
 *
 * Return: @nbytes or -EINVAL.
 */
ssize_t res_group_stats_write(struct kernfs_open_file *of, char *buf,
			      size_t nbytes)
{
	struct res_group *rg = css_res_group(of_state(of));

	buf = strim(buf);
	if (strncmp(buf, "res=", 4) || strcmp(buf + 4, rg->ctl->name))
		return -EINVAL;
	rg->ctl->reset_stats(rg);
	return nbytes;
}
