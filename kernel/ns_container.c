// SPDX-License-Identifier: GPL-2.0
/*
 * ns: a subsystem of process containers for virtual servers. In a hierarchy that
 * has it, a task that gets a new namespace by clone, clone3 or unshare is put
 * into a new child of the container it was in, and so into a new container of
 * each subsystem that is mounted together with ns; see container_clone() and
 * container_can_fork(), which do that.
 *
 * A container is then a boundary: a task may be moved only to the container of
 * whoever moves it or to one below it, and only by who has CAP_SYS_ADMIN in the
 * initial user namespace, else EPERM. Who has opened the file is asked for the
 * capability, not who writes to it.
 *
 * There is nothing to lock: containers do not change their place in the tree.
 */

#include <linux/capability.h>
#include <linux/container.h>
#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

static struct container_subsys_state *ns_create(struct container_subsys *ss,
						struct container *cont)
{
	struct container_subsys_state *css = kzalloc(sizeof(*css), GFP_KERNEL);

	return css ?: ERR_PTR(-ENOMEM);
}

static void ns_free(struct container_subsys *ss,
		    struct container_subsys_state *css)
{
	kfree(css);
}

/* Without credentials the kernel moves current into a container made for it. */
static int ns_can_attach(struct container_subsys *ss,
			 struct container_subsys_state *css,
			 struct task_struct *task, const struct cred *cred)
{
	bool below;

	if (!cred)
		return 0;
	if (security_capable(cred, &init_user_ns, CAP_SYS_ADMIN, CAP_OPT_NONE))
		return -EPERM;
	rcu_read_lock();
	below = container_is_descendant(css->container,
					task_container(current, ns_subsys_id));
	rcu_read_unlock();
	return below ? 0 : -EPERM;
}

struct container_subsys ns_subsys = {
	.name		= "ns",
	.create		= ns_create,
	.free		= ns_free,
	.can_attach	= ns_can_attach,
};
