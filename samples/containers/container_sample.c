// SPDX-License-Identifier: GPL-2.0
/*
 * A complete subsystem of process containers: it limits the number of members.
 *
 *   sample.members	how many threads the container has
 *   sample.limit	above that, attach and fork fail with EAGAIN
 *
 * Threads in the root are neither counted nor limited. A process that creates
 * threads while it is moved takes them along, beyond the limit if need be.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/container.h>
#include <linux/limits.h>
#include <linux/slab.h>

struct sample {
	struct container_subsys_state	css;
	atomic_t			members;
	int				limit;
};

static struct sample *css_sample(struct container_subsys_state *css)
{
	return container_of(css, struct sample, css);
}

static bool sample_is_root(struct container_subsys *ss, struct sample *s)
{
	return &s->css == ss->root_css;
}

/* Count one more member, unless that would be too many. */
static int sample_charge(struct container_subsys *ss, struct sample *s)
{
	int members = atomic_read(&s->members);

	if (sample_is_root(ss, s))
		return 0;
	do {
		if (members >= READ_ONCE(s->limit))
			return -EAGAIN;
	} while (!atomic_try_cmpxchg(&s->members, &members, members + 1));
	return 0;
}

static void sample_uncharge(struct container_subsys *ss, struct sample *s)
{
	if (!sample_is_root(ss, s))
		atomic_dec(&s->members);
}

static struct container_subsys_state *
sample_create(struct container_subsys *ss, struct container *cont)
{
	struct sample *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->limit = INT_MAX;
	return &s->css;
}

static void sample_free(struct container_subsys *ss,
			struct container_subsys_state *css)
{
	struct sample *s = css_sample(css);

	/* What was counted for an attach or a fork that failed, too, was given back. */
	WARN_ON_ONCE(atomic_read(&s->members));
	kfree(s);
}

static int sample_can_attach(struct container_subsys *ss,
			     struct container_subsys_state *css,
			     struct task_struct *task, const struct cred *cred)
{
	return sample_charge(ss, css_sample(css));
}

static void sample_cancel_attach(struct container_subsys *ss,
				 struct container_subsys_state *css,
				 struct task_struct *task)
{
	sample_uncharge(ss, css_sample(css));
}

static void sample_attach(struct container_subsys *ss,
			  struct container_subsys_state *css,
			  struct container_subsys_state *old,
			  struct task_struct *task, bool prepared)
{
	struct sample *s = css_sample(css);

	/* What can_attach was not asked about can no longer be refused. */
	if (!prepared && !sample_is_root(ss, s))
		atomic_inc(&s->members);
	sample_uncharge(ss, css_sample(old));
}

static int sample_can_fork(struct container_subsys *ss,
			   struct container_subsys_state *css,
			   struct task_struct *task)
{
	return sample_charge(ss, css_sample(css));
}

static void sample_cancel_fork(struct container_subsys *ss,
			       struct container_subsys_state *css,
			       struct task_struct *task)
{
	sample_uncharge(ss, css_sample(css));
}

static void sample_exit(struct container_subsys *ss,
			struct container_subsys_state *css,
			struct task_struct *task)
{
	sample_uncharge(ss, css_sample(css));
}

static u64 sample_members_read(struct container_subsys_state *css,
			       struct container_cftype *cft)
{
	return atomic_read(&css_sample(css)->members);
}

static u64 sample_limit_read(struct container_subsys_state *css,
			     struct container_cftype *cft)
{
	return READ_ONCE(css_sample(css)->limit);
}

static int sample_limit_write(struct container_subsys_state *css,
			      struct container_cftype *cft, u64 val)
{
	if (val > INT_MAX)
		return -EINVAL;
	WRITE_ONCE(css_sample(css)->limit, val);
	return 0;
}

static struct container_cftype sample_files[] = {
	{
		.name		= "members",
		.read_u64	= sample_members_read,
	},
	{
		.name		= "limit",
		.read_u64	= sample_limit_read,
		.write_u64	= sample_limit_write,
	},
};

static int sample_populate(struct container_subsys *ss,
			   struct container_subsys_state *css)
{
	return container_add_files(css->container, ss, sample_files,
				   ARRAY_SIZE(sample_files));
}

struct container_subsys sample_subsys = {
	.name		= "sample",
	.create		= sample_create,
	.free		= sample_free,
	.can_attach	= sample_can_attach,
	.cancel_attach	= sample_cancel_attach,
	.attach		= sample_attach,
	.can_fork	= sample_can_fork,
	.cancel_fork	= sample_cancel_fork,
	.exit		= sample_exit,
	.populate	= sample_populate,
};
