// SPDX-License-Identifier: GPL-2.0
/*
 * Process containers: the file system.
 *
 * Hierarchies and how they are mounted, directories, control files, what is
 * told when a container becomes empty or populated, and the /proc files. The
 * table of locks is at the head of container.c; container_mutex protects all
 * that is here.
 *
 * The tree is kernfs's. kernfs calls us with a reference to the node that keeps
 * kernfs_remove() of this node waiting. Therefore kernfs_remove() is called
 * with no lock of ours held, after the container has been taken out of the tree
 * or its subsystem out of the hierarchy: calls that are still running find a
 * removed container and fail with ENODEV, or find the root state of an unbound
 * subsystem, which exists for ever.
 */

#include <linux/container.h>
#include <linux/cpu.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/idr.h>
#include <linux/init.h>
#include <linux/kernfs.h>
#include <linux/kmod.h>
#include <linux/magic.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "container_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/container.h>

/* A path, or a list of all CPUs. */
#define MAX_WRITE_LEN	(PATH_MAX + 6 * NR_CPUS)

#ifdef CONFIG_CPUSETS_CONTAINER
#define CPUSET_MASK	BIT(cpuset_subsys_id)
#else
#define CPUSET_MASK	0UL
#endif

/* The active hierarchies; container_mutex. */
static LIST_HEAD(containerfs_roots);
static DEFINE_IDA(hierarchy_ida);

static LLIST_HEAD(changed_list);

/*
 * Control files
 */

/**
 * of_container - the container that an open control file belongs to
 * @of: the open file, in one of its handlers
 */
struct container *of_container(struct kernfs_open_file *of)
{
	return of->kn->parent->priv;
}

/**
 * of_cftype - the description of an open control file
 * @of: the open file, in one of its handlers
 */
struct container_cftype *of_cftype(struct kernfs_open_file *of)
{
	return of->kn->priv;
}

/**
 * of_state - the state that an open control file of a subsystem belongs to
 * @of: the open file, in one of its handlers
 *
 * Return: the state; NULL for the core's own files.
 */
struct container_subsys_state *of_state(struct kernfs_open_file *of)
{
	struct container_subsys *ss = of_cftype(of)->ss;
	struct container *cont = of_container(of);

	if (!ss)
		return NULL;
	/* The subsystem may have been unbound while the file was open. */
	return cont->parent ? cont->subsys[ss->subsys_id] : ss->root_css;
}

/**
 * seq_state - of_state() for a seq_file handler
 * @sf: as passed to the handler
 */
struct container_subsys_state *seq_state(struct seq_file *sf)
{
	return of_state(sf->private);
}

/**
 * seq_cftype - of_cftype() for a seq_file handler
 * @sf: as passed to the handler
 */
struct container_cftype *seq_cftype(struct seq_file *sf)
{
	return of_cftype(sf->private);
}

/*
 * The owner of a file may give himself permissions for what it has no handler for.
 */
static int file_seq_show(struct seq_file *sf, void *v)
{
	struct container_cftype *cft = seq_cftype(sf);

	if (cft->seq_show)
		return cft->seq_show(sf, v);
	if (!cft->read_u64)
		return -EINVAL;
	seq_printf(sf, "%llu\n", cft->read_u64(seq_state(sf), cft));
	return 0;
}

/*
 * While a write goes on, a directory is not removed. One that moves the pages of a
 * process takes as long as somebody wants, and who removes the directory waits with
 * locks of the VFS, or is who sees to all containers that have become empty. Such a
 * write keeps the container instead. What was opened may be released meanwhile.
 */
static struct container *let_go_of_file(struct kernfs_open_file *of)
{
	struct container *cont = of_container(of);

	container_get(cont);
	kernfs_break_active_protection(of->kn);
	return cont;
}

static void take_file_back(struct kernfs_open_file *of, struct container *cont)
{
	kernfs_unbreak_active_protection(of->kn);
	container_put(cont);
}

static ssize_t call_write(struct kernfs_open_file *of, char *buf, size_t nbytes)
{
	struct container_cftype *cft = of_cftype(of);
	u64 val;

	if (cft->write)
		return cft->write(of, buf, nbytes);
	if (!cft->write_u64 || kstrtou64(strim(buf), 0, &val))
		return -EINVAL;
	return cft->write_u64(of_state(of), cft, val) ?: nbytes;
}

static ssize_t file_write(struct kernfs_open_file *of, char *buf, size_t nbytes,
			  loff_t off)
{
	struct container *cont;
	ssize_t ret;

	if (!nbytes || strlen(buf) != nbytes)
		return -EINVAL;
	/* A root is not removed, and its files are when their subsystem is unbound. */
	if (!(of_cftype(of)->flags & CONTAINER_FILE_SLOW_WRITE) ||
	    !of_container(of)->parent)
		return call_write(of, buf, nbytes);
	cont = let_go_of_file(of);
	ret = call_write(of, buf, nbytes);
	take_file_back(of, cont);
	return ret;
}

static const struct kernfs_ops file_ops = {
	.seq_show		= file_seq_show,
	.write			= file_write,
	.atomic_write_len	= MAX_WRITE_LEN,
};

static const struct kernfs_ops members_ops;

static umode_t file_mode(const struct container_cftype *cft)
{
	umode_t mode = cft->mode;

	if (mode)
		return mode;
	if (cft->read_u64 || cft->seq_show)
		mode |= 0444;
	if (cft->write_u64 || cft->write)
		mode |= 0200;
	return mode;
}

/**
 * struct root_file - a subsystem's file in a root container
 * @node: entry of containerfs_root.files; container_mutex
 * @kn: the file
 * @ss: its subsystem
 *
 * Kept so that the file can be removed when the subsystem is unbound.
 */
struct root_file {
	struct list_head	node;
	struct kernfs_node	*kn;
	struct container_subsys	*ss;
};

/*
 * A file is made when somebody looks for it, so that a container costs no more
 * than what is used of it. Which one populate callbacks are to make; NULL for all
 * of them. container_mutex.
 */
static const char *wanted_file;

/* Is the file that is named PREFIX.NAME, or NAME without @prefix, to be made? */
static bool file_is_wanted(const char *prefix, const char *name)
{
	const char *wanted = wanted_file;

	if (!wanted)
		return true;
	if (prefix) {
		size_t len = str_has_prefix(wanted, prefix);

		if (!len || wanted[len] != '.')
			return false;
		wanted += len + 1;
	}
	return !strcmp(wanted, name);
}

/*
 * Make a file that is wanted. Returns NULL if it is not, or is there. In a root
 * container it is hidden until kernfs_activate().
 */
static struct kernfs_node *make_file(struct container *cont, const char *prefix,
				     struct container_cftype *cft)
{
	static struct lock_class_key key;
	struct kernfs_node *kn;
	char name[64];

	if (!file_is_wanted(prefix, cft->name))
		return NULL;
	scnprintf(name, sizeof(name), "%s%s%s", prefix ?: "", prefix ? "." : "",
		  cft->name);
	kn = cont->parent ? kernfs_find_and_get(cont->kn, name) : NULL;
	if (kn) {
		kernfs_put(kn);
		return NULL;
	}
	kn = __kernfs_create_file(cont->kn, name, file_mode(cft), cont->uid,
				  cont->gid, 0,
				  cft->flags & CONTAINER_FILE_MEMBERS ?
					&members_ops : &file_ops,
				  cft, NULL, &key);
	if (cont->parent && !IS_ERR(kn))
		kernfs_activate(kn);
	return kn;
}

/**
 * container_add_file - add a control file to a container
 * @cont: the container, in a populate callback
 * @ss: the subsystem the file belongs to, NULL for the core's own
 * @cft: the description of the file; lives for ever
 *
 * The file is named SUBSYS.NAME, unless the hierarchy wants no prefix. Nothing
 * happens if it is not the one that is looked for. container_mutex is held.
 *
 * Return: 0, -ENOMEM, or -EEXIST.
 */
int container_add_file(struct container *cont, struct container_subsys *ss,
		       struct container_cftype *cft)
{
	const char *prefix = ss && !cont->root->noprefix ? ss->name : NULL;
	struct root_file *file = NULL;
	struct kernfs_node *kn;

	if ((cft->flags & CONTAINER_FILE_ONLY_ROOT) && cont->parent)
		return 0;

	if (ss && !cont->parent) {
		file = kmalloc(sizeof(*file), GFP_KERNEL);
		if (!file)
			return -ENOMEM;
	}
	/* Others may be using the file in other containers, where it is set already. */
	if (cft->ss != ss)
		cft->ss = ss;
	kn = make_file(cont, prefix, cft);
	if (IS_ERR(kn)) {
		kfree(file);
		return PTR_ERR(kn);
	}
	if (file) {
		file->kn = kn;
		file->ss = ss;
		list_add(&file->node, &cont->root->files);
	}
	return 0;
}

/**
 * container_add_files - add control files to a container
 * @cont: the container, in a populate callback
 * @ss: the subsystem the files belong to
 * @cfts: their descriptions
 * @count: how many
 *
 * Return: 0, or an error of container_add_file(). The core removes what was
 * added.
 */
int container_add_files(struct container *cont, struct container_subsys *ss,
			struct container_cftype *cfts, int count)
{
	int i, ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = container_add_file(cont, ss, &cfts[i]);
	return ret;
}

/* Move the files of the subsystems in @mask off the list of @root to @files. */
static void take_root_files(struct containerfs_root *root, unsigned long mask,
			    struct list_head *files)
{
	struct root_file *file, *next;

	list_for_each_entry_safe(file, next, &root->files, node)
		if (mask & BIT(file->ss->subsys_id))
			list_move(&file->node, files);
}

/* Waits for the users of the files: no lock of ours is held. */
static void remove_root_files(struct list_head *files)
{
	struct root_file *file, *next;

	list_for_each_entry_safe(file, next, files, node) {
		kernfs_remove(file->kn);
		kfree(file);
	}
}

/*
 * The files "tasks" and "procs"
 */

/* So many ids are one record of the file. */
#define MEMBERS_BATCH	32

/**
 * struct members_file - an open file "tasks" or "procs"
 * @ns: the opener's pid namespace, in which written ids are looked up
 * @it: where reading is
 * @index: the number of the record that is shown next
 * @nr: the ids in it
 * @count: how many there are; less than MEMBERS_BATCH in the last record
 * @processes: the file is "procs"
 *
 * kernfs serialises the calls for one open file.
 */
struct members_file {
	struct pid_namespace		*ns;
	struct container_task_iter	it;
	loff_t				index;
	pid_t				nr[MEMBERS_BATCH];
	unsigned int			count;
	bool				processes;
};

enum { FILE_TASKS, FILE_PROCS };

static int members_open(struct kernfs_open_file *of)
{
	struct members_file *mf = kzalloc(sizeof(*mf), GFP_KERNEL);

	if (!mf)
		return -ENOMEM;
	mf->ns = get_pid_ns(task_active_pid_ns(current));
	mf->processes = of_cftype(of)->private == FILE_PROCS;
	mf->index = -1;
	of->priv = mf;
	return 0;
}

static void members_release(struct kernfs_open_file *of)
{
	struct members_file *mf = of->priv;

	container_task_iter_end(&mf->it);
	put_pid_ns(mf->ns);
	kfree(mf);
}

/* Ids are shown as the reader, who may have got the file passed, knows them. */
static void members_advance(struct members_file *mf)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	if (mf->count < MEMBERS_BATCH)
		mf->count = 0;
	else if (mf->processes)
		mf->count = container_task_iter_fill_processes(&mf->it, ns, mf->nr,
							       MEMBERS_BATCH);
	else
		mf->count = container_task_iter_fill(&mf->it, ns, mf->nr,
						     MEMBERS_BATCH);
	mf->index++;
}

static void *members_start(struct seq_file *sf, loff_t *ppos)
{
	struct kernfs_open_file *of = sf->private;
	struct members_file *mf = of->priv;

	if (!*ppos || *ppos != mf->index) {
		container_task_iter_end(&mf->it);
		container_task_iter_start(of_container(of), &mf->it);
		mf->index = -1;
		mf->count = MEMBERS_BATCH;
		do {
			members_advance(mf);
		} while (mf->count && mf->index < *ppos);
	}
	return mf->count ? mf : NULL;
}

static void *members_next(struct seq_file *sf, void *v, loff_t *ppos)
{
	struct members_file *mf = v;

	members_advance(mf);
	*ppos = mf->index;
	return mf->count ? mf : NULL;
}

static int members_show(struct seq_file *sf, void *v)
{
	struct members_file *mf = v;
	unsigned int i;

	for (i = 0; i < mf->count; i++) {
		seq_put_decimal_ull(sf, "", mf->nr[i]);
		seq_putc(sf, '\n');
	}
	return 0;
}

static struct task_struct *get_member(struct members_file *mf, int nr)
{
	struct task_struct *task;

	rcu_read_lock();
	task = current;
	if (nr)
		task = pid_task(find_pid_ns(nr, mf->ns),
				mf->processes ? PIDTYPE_TGID : PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

static ssize_t members_write(struct kernfs_open_file *of, char *buf,
			     size_t nbytes)
{
	struct members_file *mf = of->priv;
	bool processes = mf->processes;
	struct task_struct *task;
	struct container *cont;
	int nr, ret;

	/* Blanks around it are rare. */
	if ((kstrtoint(buf, 0, &nr) && kstrtoint(strim(buf), 0, &nr)) || nr < 0)
		return -EINVAL;
	task = get_member(mf, nr);
	if (!task)
		return -ESRCH;
	cont = let_go_of_file(of);
	/* The opener's credentials, for the writer may have been tricked. */
	ret = container_attach(cont, task, processes, of->file->f_cred);
	if (!ret)
		trace_with_path(container_attach, cont, task, processes);
	take_file_back(of, cont);
	put_task_struct(task);
	return ret ?: nbytes;
}

static const struct kernfs_ops members_ops = {
	.open			= members_open,
	.release		= members_release,
	.seq_start		= members_start,
	.seq_next		= members_next,
	.seq_show		= members_show,
	.write			= file_write,
	.atomic_write_len	= MAX_WRITE_LEN,
};

/*
 * The other files of the core
 */

/* No members, no children, no state in use. container_mutex is held. */
static bool container_empty(struct container *cont)
{
	int i;

	if (!list_empty(&cont->children) || atomic_read(&cont->population))
		return false;
	for (i = 0; i < CONTAINER_SUBSYS_COUNT; i++)
		if (cont->subsys[i] && atomic_read(&cont->subsys[i]->refcnt) != 1)
			return false;
	return true;
}

/*
 * Has @cont become empty since it was last asked? The flag is cleared before the
 * look: who leaves meanwhile sets it, whether or not it is set. container_mutex is
 * held.
 */
static bool container_take_release(struct container *cont)
{
	bool released = test_and_clear_bit(CONTAINER_RELEASABLE, &cont->flags);

	if (container_empty(cont))
		return released;
	if (released)
		set_bit(CONTAINER_RELEASABLE, &cont->flags);
	return false;
}

static int flag_show(struct seq_file *sf, void *v)
{
	struct container *cont = of_container(sf->private);

	seq_printf(sf, "%d\n", test_bit(seq_cftype(sf)->private, &cont->flags));
	return 0;
}

/* Returns 0 or 1, or -EINVAL. */
static int parse_flag(char *buf)
{
	unsigned int val;

	return kstrtouint(strim(buf), 0, &val) || val > 1 ? -EINVAL : val;
}

static ssize_t flag_write(struct kernfs_open_file *of, char *buf, size_t nbytes)
{
	struct container *cont = of_container(of);
	int bit = of_cftype(of)->private;
	int val = parse_flag(buf);

	if (val < 0)
		return val;
	container_lock();
	/* An agent is not told of what was before it was asked for. */
	if (bit == CONTAINER_NOTIFY_ON_RELEASE && val &&
	    !test_bit(bit, &cont->flags))
		container_take_release(cont);
	assign_bit(bit, &cont->flags, val);
	container_unlock();
	/* It may be empty already: now, or when whoever leaves sees the bit. */
	smp_mb();
	container_changed(cont);
	return nbytes;
}

static int events_show(struct seq_file *sf, void *v)
{
	struct container *top = of_container(sf->private), *cont;
	/* Init is in every hierarchy. */
	bool populated = !top->parent;

	container_lock();
	container_for_each_descendant_pre(cont, top) {
		if (populated)
			break;
		populated = atomic_read(&cont->population) > 0;
	}
	top->shown |= BIT(populated);
	container_unlock();
	seq_printf(sf, "populated %d\n", populated);
	return 0;
}

static ssize_t kill_write(struct kernfs_open_file *of, char *buf, size_t nbytes)
{
	if (parse_flag(buf) != 1)
		return -EINVAL;
	container_kill(of_container(of));
	return nbytes;
}

/*
 * Together with container_mutex for whoever changes a hierarchy's release agent.
 * Alone it is for show_options, which is called with namespace_sem held: nobody who
 * mounts shall have to wait for containers.
 */
static DEFINE_SPINLOCK(agent_lock);

static void swap_release_agent(struct containerfs_root *root, const char **agent)
{
	spin_lock(&agent_lock);
	swap(root->release_agent, *agent);
	spin_unlock(&agent_lock);
}

static int release_agent_show(struct seq_file *sf, void *v)
{
	struct container *cont = of_container(sf->private);

	container_lock();
	seq_printf(sf, "%s\n", cont->root->release_agent ?: "");
	container_unlock();
	return 0;
}

static ssize_t release_agent_write(struct kernfs_open_file *of, char *buf,
				   size_t nbytes)
{
	struct containerfs_root *root = of_container(of)->root;
	const char *agent = NULL;
	size_t len = nbytes;

	/* The kernel will run it with all privileges. */
	if (of->file->f_cred->user_ns != &init_user_ns ||
	    !file_ns_capable(of->file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (buf[len - 1] == '\n')
		buf[--len] = '\0';
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (len) {
		agent = kstrdup(buf, GFP_KERNEL);
		if (!agent)
			return -ENOMEM;
	}
	container_lock();
	swap_release_agent(root, &agent);
	container_unlock();
	kfree_const(agent);
	return nbytes;
}

static struct container_cftype core_files[] = {
	{
		.name		= "tasks",
		.mode		= 0644,
		.flags		= CONTAINER_FILE_MEMBERS,
		.private	= FILE_TASKS,
		.write		= members_write,
	},
	{
		.name		= "procs",
		.mode		= 0644,
		.flags		= CONTAINER_FILE_MEMBERS,
		.private	= FILE_PROCS,
		.write		= members_write,
	},
	{
		.name		= "notify_on_release",
		.private	= CONTAINER_NOTIFY_ON_RELEASE,
		.seq_show	= flag_show,
		.write		= flag_write,
	},
	{
		.name		= "auto_delete",
		.private	= CONTAINER_AUTO_DELETE,
		.seq_show	= flag_show,
		.write		= flag_write,
	},
	{
		.name		= "kill",
		.write		= kill_write,
	},
	{
		.name		= "release_agent",
		.flags		= CONTAINER_FILE_ONLY_ROOT,
		.seq_show	= release_agent_show,
		.write		= release_agent_write,
	},
};

static struct container_cftype events_file = {
	.name		= "events",
	.seq_show	= events_show,
};

/* A file that is not there has no readers. */
static void notify_events(struct container *cont)
{
	if (cont->events_kn)
		kernfs_notify(cont->events_kn);
	cont->shown = 0;
}

static bool container_populated(const struct container *cont)
{
	return cont->populated_children || atomic_read(&cont->population) > 0;
}

/*
 * Note, and tell, whether there are members in @cont and, as far as that is a change
 * there, in its ancestors. container_mutex is held.
 */
static void announce_change(struct container *cont)
{
	bool populated = container_populated(cont);

	while (cont->parent && populated != cont->populated) {
		cont->populated = populated;
		notify_events(cont);
		cont = cont->parent;
		cont->populated_children += populated ? 1 : -1;
		populated = container_populated(cont);
	}
}

/*
 * The population of @cont has changed, perhaps more than once. Members that came and
 * went, or went and came, are told of too. And who read "events" in the middle of it,
 * here or above, may have seen what is not so any more, though it is what had been
 * announced. container_mutex is held.
 */
static void announce(struct container *cont)
{
	bool populated = container_populated(cont);
	bool passed = test_and_clear_bit(CONTAINER_VACATED, &cont->flags) &&
		      populated == cont->populated;

	announce_change(cont);
	for (; cont->parent; cont = cont->parent) {
		if (passed || (cont->shown & BIT(!cont->populated)))
			notify_events(cont);
		passed = passed && !populated && !cont->parent->populated;
	}
}

/*
 * Somebody looks for the "events" of @cont, the new file @kn. From the first such
 * file in a hierarchy on changes are kept track of there. container_mutex is held.
 */
static void watch_events(struct container *cont, struct kernfs_node *kn)
{
	struct containerfs_root *root = cont->root;
	struct container *pos;

	if (!root->watched) {
		WRITE_ONCE(root->watched, true);
		/* Whoever changes a population before we look sees it. */
		smp_mb();
		container_for_each_descendant_pre(pos, &root->top)
			announce_change(pos);
	}
	cont->events_kn = kn;
}

static int populate_subsystems(struct container *cont, unsigned long mask)
{
	struct container_subsys *ss;
	int i, ret;

	for_each_subsys_in(ss, i, mask) {
		if (!ss->populate)
			continue;
		ret = ss->populate(ss, cont->subsys[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Make the files of @cont that are wanted. */
static int populate_container(struct container *cont)
{
	struct kernfs_node *kn;
	int ret;

	ret = container_add_files(cont, NULL, core_files, ARRAY_SIZE(core_files));
	if (ret)
		return ret;
	kn = make_file(cont, NULL, &events_file);
	if (IS_ERR(kn))
		return PTR_ERR(kn);
	if (kn && cont->parent)
		watch_events(cont, kn);
	return populate_subsystems(cont, cont->root->subsys_mask);
}

/* kernfs is about to look for @name in a directory, or for all if it is NULL. */
static int container_populate(struct kernfs_node *kn, const char *name)
{
	struct container *cont = kn->priv;
	int ret;

	if (test_bit(CONTAINER_POPULATED, &cont->flags) ||
	    !container_lock_live(cont))
		return 0;
	wanted_file = name;
	ret = populate_container(cont);
	wanted_file = NULL;
	if (!ret && !name)
		set_bit(CONTAINER_POPULATED, &cont->flags);
	container_unlock();
	return ret;
}

/*
 * Directories
 */

/* kernfs takes any name, but a line of /proc/PID/container is one container. */
static int check_name(const char *name)
{
	if (strchr(name, '\n'))
		return -EINVAL;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

/*
 * Give @cont a directory, hidden until kernfs_activate(). container_mutex is
 * held.
 */
static int make_dir(struct container *cont, const char *name, umode_t mode)
{
	struct kernfs_node *kn;

	kn = kernfs_create_dir_ns(cont->parent->kn, name, mode, cont->uid,
				  cont->gid, cont, NULL);
	if (IS_ERR(kn))
		return PTR_ERR(kn);
	kernfs_get(kn);
	cont->kn = kn;
	return 0;
}

static int make_container(struct container *parent, const char *name, umode_t mode)
{
	struct container *cont;
	int ret;

	cpus_read_lock();
	ret = -ENODEV;
	if (!container_lock_live(parent))
		goto out_cpus;
	cont = container_create(parent);
	ret = PTR_ERR_OR_ZERO(cont);
	if (ret)
		goto out_unlock;
	cont->uid = current_fsuid();
	cont->gid = current_fsgid();
	ret = make_dir(cont, name, mode);
	if (ret) {
		container_discard(cont);
		goto out_unlock;
	}
	container_online(cont);
	kernfs_activate(cont->kn);
	trace_with_path(container_mkdir, cont);
out_unlock:
	container_unlock();
out_cpus:
	cpus_read_unlock();
	return ret;
}

static void container_changed_work(struct work_struct *work);
static DECLARE_WORK(changed_work, container_changed_work);

static int container_mkdir(struct kernfs_node *parent_kn, const char *name,
			   umode_t mode)
{
	struct container *parent = parent_kn->priv;
	int ret;

	ret = check_name(name);
	if (ret)
		return ret;
	ret = make_container(parent, name, mode);
	if (ret != -EEXIST)
		return ret;
	/*
	 * The VFS does not see this name. It is of a container with auto_delete
	 * whose directory is just being removed, and will be free in a moment.
	 * The same may happen to the parent, which must not wait for us.
	 */
	container_get(parent);
	kernfs_break_active_protection(parent_kn);
	flush_work(&changed_work);
	kernfs_unbreak_active_protection(parent_kn);
	ret = make_container(parent, name, mode);
	container_put(parent);
	return ret;
}

/*
 * Remove a container and its directory, if it has @flags, as long as it is there.
 * @kn is the directory if it is pinned by a call of kernfs, which has to let go of it.
 */
static int container_delete(struct container *cont, struct kernfs_node *kn,
			    unsigned long flags)
{
	int ret = -EBUSY;

	cpus_read_lock();
	container_lock();
	if ((READ_ONCE(cont->flags) & flags) == flags)
		ret = container_remove(cont);
	if (!ret) {
		announce(cont);
		trace_with_path(container_rmdir, cont);
	}
	container_unlock();
	cpus_read_unlock();
	if (ret)
		return ret;

	if (kn)
		kernfs_break_active_protection(kn);
	kernfs_remove(cont->kn);
	if (kn)
		kernfs_unbreak_active_protection(kn);
	container_put(cont);
	return 0;
}

static int container_rmdir(struct kernfs_node *kn)
{
	int ret = container_delete(kn->priv, kn, 0);

	/* For auto_delete; the directory is on its way, too. */
	return ret == -ENODEV ? -ENOENT : ret;
}

/*
 * Containers of tasks with new namespaces
 */

static void containerfs_root_drop(struct containerfs_root *root, unsigned int n);

/* A container this deep gets no child by container_clone(). */
#define MAX_CLONE_DEPTH	64

static struct container *get_task_container(struct task_struct *task,
					    struct containerfs_root *root)
{
	struct container *cont;

	rcu_read_lock();
	/* A container without references has been left by @task. */
	do {
		cont = task_container_in(task, root);
	} while (!refcount_inc_not_zero(&cont->refs));
	rcu_read_unlock();
	return cont;
}

/* Find a name for @cont and make its directory; root's, whoever current is. */
static int make_cloned_dir(struct container *cont, pid_t nr)
{
	unsigned int suffix = 0;
	char name[32];
	int len, ret;

	len = scnprintf(name, sizeof(name), "%d", nr);
	while ((ret = make_dir(cont, name, 0755)) == -EEXIST)
		scnprintf(name + len, sizeof(name) - len, ".%u", ++suffix);
	return ret;
}

static int post_clone_states(struct container *cont)
{
	struct container_subsys *ss;
	int i, ret;

	for_each_subsys_in(ss, i, cont->root->subsys_mask) {
		if (!ss->post_clone)
			continue;
		ret = ss->post_clone(ss, cont->subsys[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Make a child of @parent that users do not see yet. What has been made of it, on
 * error too, is returned pinned in @contp. container_mutex is held.
 */
static int make_cloned(struct container *parent, pid_t nr, struct container **contp)
{
	struct container *cont;
	int ret;

	if (parent->depth >= MAX_CLONE_DEPTH)
		return -ENOSPC;

	cont = container_create(parent);
	if (IS_ERR(cont))
		return PTR_ERR(cont);
	container_get(cont);
	*contp = cont;
	/* Inherited, but it shall be there until container_clone_end(). */
	__clear_bit(CONTAINER_AUTO_DELETE, &cont->flags);
	ret = make_cloned_dir(cont, nr);
	if (ret) {
		container_discard(cont);
		return ret;
	}
	container_online(cont);
	ret = post_clone_states(cont);
	if (ret) {
		container_remove(cont);
		container_put(cont);
	}
	return ret;
}

/**
 * container_clone_begin - make a container for a task with a new namespace
 * @ss: in the hierarchy of which subsystem
 * @nr: what to name it by
 *
 * A child of the container that current is in, visible to no user. The caller
 * puts the task in and calls container_clone_end(). Sleeps. No locks are held.
 *
 * Return: the container, pinned; NULL if @ss is in no hierarchy; or an error of
 * container_clone().
 */
struct container *container_clone_begin(struct container_subsys *ss, pid_t nr)
{
	struct container *parent, *cont = NULL;
	int ret = 0;

	/* Looked at again with the mutex held. */
	if (READ_ONCE(ss->root) == &container_dummy_root)
		return NULL;

	cpus_read_lock();
	container_lock();
	if (ss->root == &container_dummy_root)
		goto unlock;
	for (;;) {
		parent = get_task_container(current, ss->root);
		if (!container_is_removed(parent))
			break;
		/* Removed after current was moved, so that is elsewhere now. */
		container_put(parent);
	}
	ret = make_cloned(parent, nr, &cont);
	container_put(parent);
unlock:
	container_unlock();
	cpus_read_unlock();
	if (!ret)
		return cont;

	/* The directory is not freed before @cont is. */
	if (cont) {
		kernfs_remove(cont->kn);
		container_put(cont);
	}
	return ERR_PTR(ret);
}

/**
 * container_clone_end - show a container to users, or remove it
 * @cont: from container_clone_begin(); not pinned any more afterwards
 * @used: the task is in it, or was; if not, nobody ever was
 *
 * Sleeps. No locks are held.
 */
void container_clone_end(struct container *cont, bool used)
{
	if (used) {
		container_lock();
		/* The task may have followed its creator elsewhere before it joined. */
		set_bit(CONTAINER_USED, &cont->flags);
		set_bit(CONTAINER_AUTO_DELETE, &cont->flags);
		kernfs_activate(cont->kn);
		trace_with_path(container_mkdir, cont);
		container_unlock();
		/*
		 * The task may have been killed and moved, or moved, already: by
		 * who has seen the bit, or before we look.
		 */
		smp_mb__after_atomic();
		container_changed(cont);
	} else {
		container_delete(cont, NULL, 0);
		/* The hierarchy may have been unmounted meanwhile. */
		containerfs_root_drop(cont->root, 0);
	}
	container_put(cont);
}

static int container_rename(struct kernfs_node *kn,
			    struct kernfs_node *new_parent, const char *new_name)
{
	struct container *cont = kn->priv;
	int ret;

	if (kernfs_type(kn) != KERNFS_DIR)
		return -ENOTDIR;
	if (kn->parent != new_parent)
		return -EIO;
	ret = check_name(new_name);
	if (ret)
		return ret;
	if (!container_lock_live(cont))
		return -ENODEV;
	ret = kernfs_rename(kn, new_parent, new_name);
	if (!ret)
		trace_with_path(container_rename, cont);
	container_unlock();
	return ret;
}

/*
 * What happens when a container becomes empty or populated
 */

static char *container_path_dup(struct container *cont)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);

	if (path && container_path(cont, path, PATH_MAX)) {
		kfree(path);
		path = NULL;
	}
	return path;
}

static void run_release_agent(char *agent, char *path)
{
	static char *envp[3] = {
		"HOME=/",
		"PATH=/sbin:/bin:/usr/sbin:/usr/bin",
		NULL
	};
	char *argv[3] = { agent, path, NULL };

	call_usermodehelper(agent, argv, envp, UMH_WAIT_EXEC);
}

/* Runs without any lock, so that the agent may remove the container. */
static void container_handle_change(struct container *cont)
{
	struct containerfs_root *root = cont->root;
	char *agent = NULL, *path = NULL;
	bool released, delete;

	container_lock();
	if (container_is_removed(cont)) {
		container_unlock();
		return;
	}
	announce(cont);
	released = container_take_release(cont);
	delete = test_bit(CONTAINER_AUTO_DELETE, &cont->flags) &&
		 test_bit(CONTAINER_USED, &cont->flags) && container_empty(cont);
	/* It may stay after all; who sees to that queues it again. */
	if (released && delete)
		set_bit(CONTAINER_RELEASABLE, &cont->flags);
	if (released)
		trace_with_path(container_release, cont);
	if (released && !delete && root->release_agent &&
	    test_bit(CONTAINER_NOTIFY_ON_RELEASE, &cont->flags)) {
		agent = kstrdup(root->release_agent, GFP_KERNEL);
		path = container_path_dup(cont);
	}
	container_unlock();

	if (delete) {
		/* It may be switched off, and that is an answer, until then. */
		container_delete(cont, NULL, BIT(CONTAINER_AUTO_DELETE));
		/* The last container of a hierarchy that is not mounted? */
		containerfs_root_drop(root, 0);
	} else if (agent && path) {
		run_release_agent(agent, path);
	}
	kfree(agent);
	kfree(path);
}

static void container_changed_work(struct work_struct *work)
{
	struct llist_node *list;
	struct container *cont, *next;

	list = llist_reverse_order(llist_del_all(&changed_list));
	llist_for_each_entry_safe(cont, next, list, notify) {
		/* Who queues it again changes the link that has just been read. */
		smp_mb__before_atomic();
		clear_bit(CONTAINER_QUEUED, &cont->flags);
		/* A change after this queues it again; one before is seen. */
		smp_mb__after_atomic();
		container_handle_change(cont);
		container_put(cont);
	}
}

/* Does anybody care that @cont may have become empty or populated? */
static bool change_matters(struct container *cont)
{
	if (READ_ONCE(cont->root->watched))
		return true;
	if (atomic_read(&cont->population) > 0)
		return false;
	return READ_ONCE(cont->flags) & (BIT(CONTAINER_NOTIFY_ON_RELEASE) |
					 BIT(CONTAINER_AUTO_DELETE)) ||
	       trace_container_release_enabled();
}

/**
 * container_changed - a container may have become empty or populated
 * @cont: the container; pinned, or under rcu_read_lock()
 *
 * Any context in which call_rcu() may be called. What follows is done in a
 * work item, outside all locks. There is a full barrier between the change and
 * this call.
 */
void container_changed(struct container *cont)
{
	if (!cont->parent || !change_matters(cont) ||
	    test_and_set_bit(CONTAINER_QUEUED, &cont->flags))
		return;
	if (!refcount_inc_not_zero(&cont->refs))
		return;
	if (llist_add(&cont->notify, &changed_list))
		queue_work(system_unbound_wq, &changed_work);
}

/*
 * Hierarchies
 */

/* The subsystems that can be mounted. */
static unsigned long enabled_subsystems(void)
{
	struct container_subsys *ss;
	unsigned long mask = 0;
	int i;

	for_each_container_subsys(ss, i)
		if (!ss->disabled)
			mask |= BIT(i);
	return mask;
}

static void show_subsystems(struct seq_file *sf, unsigned long mask,
			    const char *separator)
{
	struct container_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, mask) {
		seq_printf(sf, "%s%s", separator, ss->name);
		separator = ",";
	}
}

static int container_show_options(struct seq_file *sf,
				  struct kernfs_root *kf_root)
{
	struct container *top = kernfs_root_to_node(kf_root)->priv;
	struct containerfs_root *root = top->root;
	/* A remount that goes on may be half done. */
	unsigned long mask = READ_ONCE(root->subsys_mask);

	if (mask)
		show_subsystems(sf, mask, ",");
	else
		seq_puts(sf, ",none");
	if (root->noprefix)
		seq_puts(sf, ",noprefix");
	/* There is nothing to escape: see valid_hierarchy_name(). */
	if (root->name[0])
		seq_printf(sf, ",name=%s", root->name);
	spin_lock(&agent_lock);
	if (root->release_agent)
		seq_show_option(sf, "release_agent", root->release_agent);
	spin_unlock(&agent_lock);
	return 0;
}

static struct kernfs_syscall_ops container_syscall_ops = {
	.show_options	= container_show_options,
	.mkdir		= container_mkdir,
	.rmdir		= container_rmdir,
	.rename		= container_rename,
	.populate	= container_populate,
};

/**
 * struct container_fs_context - a mount or remount being set up
 * @kfc: kernfs's part; first, kernfs finds it by fs_context.fs_private
 * @mask: the subsystems that were named
 * @all: "all" was given
 * @none: "none" was given
 * @noprefix: "noprefix" was given
 * @type: "container" or "cpuset"
 * @name: "name=", or NULL
 * @release_agent: "release_agent=", or NULL
 * @default_agent: of a new hierarchy, without @release_agent; a constant, or NULL
 */
struct container_fs_context {
	struct kernfs_fs_context	kfc;
	unsigned long			mask;
	bool				all;
	bool				none;
	bool				noprefix;
	struct file_system_type		*type;
	const char			*name;
	const char			*release_agent;
	const char			*default_agent;
};

static struct container_fs_context *fc_context(struct fs_context *fc)
{
	return container_of(fc->fs_private, struct container_fs_context, kfc);
}

/* Undo containerfs_root_create(); also the last step of a hierarchy's life. */
static void containerfs_root_free(struct containerfs_root *root)
{
	remove_root_files(&root->files);
	kernfs_destroy_root(root->kf_root);
	ida_free(&hierarchy_ida, root->hierarchy_id);
	kfree_const(root->release_agent);
	container_put(&root->top);
}

static struct containerfs_root *
containerfs_root_alloc(const struct container_fs_context *ctx)
{
	struct containerfs_root *root;
	int ret = -ENOMEM;

	root = kzalloc(sizeof(*root), GFP_KERNEL);
	if (!root)
		goto out;
	container_init_struct(&root->top, root, NULL);
	INIT_LIST_HEAD(&root->files);
	root->nr_containers = 1;
	root->noprefix = ctx->noprefix;
	root->type = ctx->type;
	if (ctx->name)
		strscpy(root->name, ctx->name);
	root->release_agent = ctx->default_agent;
	ret = ida_alloc_min(&hierarchy_ida, 1, GFP_KERNEL);
	if (ret < 0)
		goto out_free;
	root->hierarchy_id = ret;
	root->kf_root = kernfs_create_root(&container_syscall_ops,
					   KERNFS_ROOT_CREATE_DEACTIVATED |
					   KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK,
					   &root->top);
	ret = PTR_ERR_OR_ZERO(root->kf_root);
	if (ret)
		goto out_ida;
	root->top.kn = kernfs_root_to_node(root->kf_root);
	kernfs_get(root->top.kn);
	return root;

out_ida:
	ida_free(&hierarchy_ida, root->hierarchy_id);
out_free:
	kfree(root);
out:
	return ERR_PTR(ret);
}

/* cpus_read_lock() and container_mutex are held. */
static struct containerfs_root *
containerfs_root_create(const struct container_fs_context *ctx)
{
	struct containerfs_root *root = containerfs_root_alloc(ctx);
	int ret;

	if (IS_ERR(root))
		return root;
	container_start();
	container_rebind(root, ctx->mask);
	ret = populate_container(&root->top);
	if (ret) {
		container_rebind(root, 0);
		/* Nothing of it was ever visible: nobody is waited for. */
		containerfs_root_free(root);
		return ERR_PTR(ret);
	}
	/* It has them all, and gets and loses some by remounts. */
	__set_bit(CONTAINER_POPULATED, &root->top.flags);
	kernfs_activate(root->top.kn);
	list_add_tail(&root->node, &containerfs_roots);
	return root;
}

/*
 * Drop @n uses of a hierarchy, by superblocks or mounts in progress, and tear it
 * down if there are no more and no containers but the root. The caller has a
 * use, or a reference to one of its containers.
 */
static void containerfs_root_drop(struct containerfs_root *root, unsigned int n)
{
	bool last;

	cpus_read_lock();
	container_lock();
	root->users -= n;
	last = !root->users && list_empty(&root->top.children) &&
	       !list_empty(&root->node);
	if (last) {
		container_rebind(root, 0);
		list_del_init(&root->node);
	}
	container_unlock();
	cpus_read_unlock();
	if (last)
		containerfs_root_free(root);
}

static bool same_name(const struct containerfs_root *root, const char *name)
{
	return name && !strcmp(root->name, name);
}

/*
 * The active hierarchy that @ctx describes; NULL if there is none yet; -EBUSY
 * if another one has a part of what it would consist of.
 */
static struct containerfs_root *
containerfs_root_find(struct fs_context *fc,
		      const struct container_fs_context *ctx)
{
	struct containerfs_root *root;

	list_for_each_entry(root, &containerfs_roots, node) {
		bool named = same_name(root, ctx->name);

		if (root->subsys_mask == ctx->mask &&
		    (named || (ctx->mask && !ctx->name))) {
			if (!ctx->noprefix || root->noprefix)
				return root;
			errorfc(fc, "this hierarchy has prefixes");
			return ERR_PTR(-EBUSY);
		}
		if (named || (root->subsys_mask & ctx->mask)) {
			errorfc(fc, "in use by hierarchy %d",
				root->hierarchy_id);
			return ERR_PTR(-EBUSY);
		}
	}
	return NULL;
}

/*
 * Mounting
 */

enum {
	OPT_ALL,
	OPT_NONE,
	OPT_NOPREFIX,
	OPT_NAME,
	OPT_RELEASE_AGENT,
};

static const struct fs_parameter_spec container_fs_parameters[] = {
	fsparam_flag("all",		OPT_ALL),
	fsparam_flag("none",		OPT_NONE),
	fsparam_flag("noprefix",	OPT_NOPREFIX),
	fsparam_string("name",		OPT_NAME),
	fsparam_string("release_agent",	OPT_RELEASE_AGENT),
	{}
};

static bool valid_hierarchy_name(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if (!isascii(*p) || (!isalnum(*p) && !strchr("._-", *p)))
			return false;
	return p != name && p - name < CONTAINER_ROOT_NAME_LEN;
}

static int parse_subsystem(struct fs_context *fc, struct fs_parameter *param)
{
	struct container_fs_context *ctx = fc_context(fc);
	struct container_subsys *ss;
	int i;

	for_each_container_subsys(ss, i) {
		if (strcmp(param->key, ss->name))
			continue;
		if (param->type != fs_value_is_flag)
			return invalfc(fc, "'%s' takes no value", param->key);
		if (ss->disabled)
			return invalfc(fc, "'%s' is disabled", param->key);
		ctx->mask |= BIT(i);
		return 0;
	}
	return invalfc(fc, "unknown subsystem or option '%s'", param->key);
}

/* Take over the string of an option that may be given twice if it is the same. */
static int parse_string(struct fs_context *fc, struct fs_parameter *param,
			const char **opt)
{
	if (*opt && strcmp(*opt, param->string))
		return invalfc(fc, "'%s' given twice", param->key);
	if (!*opt) {
		*opt = param->string;
		param->string = NULL;
	}
	return 0;
}

static int container_parse_param(struct fs_context *fc,
				 struct fs_parameter *param)
{
	struct container_fs_context *ctx = fc_context(fc);
	struct fs_parse_result result;
	int opt, ret;

	opt = fs_parse(fc, container_fs_parameters, param, &result);
	switch (opt) {
	case OPT_ALL:
		ctx->all = true;
		return 0;
	case OPT_NONE:
		ctx->none = true;
		return 0;
	case OPT_NOPREFIX:
		ctx->noprefix = true;
		return 0;
	case OPT_NAME:
		if (!valid_hierarchy_name(param->string))
			return invalfc(fc, "bad name '%s'", param->string);
		return parse_string(fc, param, &ctx->name);
	case OPT_RELEASE_AGENT:
		if (strlen(param->string) >= PATH_MAX)
			return invalfc(fc, "'release_agent' too long");
		return parse_string(fc, param, &ctx->release_agent);
	case -ENOPARAM:
		ret = vfs_parse_fs_param_source(fc, param);
		return ret == -ENOPARAM ? parse_subsystem(fc, param) : ret;
	default:
		return opt;
	}
}

/*
 * Check what the options are together, and fill in what they leave out. @named:
 * the hierarchy has a name, or is to get one.
 */
static int container_check_options(struct fs_context *fc, bool named)
{
	struct container_fs_context *ctx = fc_context(fc);

	/* Whoever opened the context, not only whoever completes it. */
	if (security_capable(fc->cred, &init_user_ns, CAP_SYS_ADMIN,
			     CAP_OPT_NONE))
		return -EPERM;
	if (ctx->none && (ctx->all || ctx->mask))
		return invalfc(fc, "'none' with a subsystem");
	if (!ctx->none && (ctx->all || !ctx->mask))
		ctx->mask |= enabled_subsystems();
	if (!ctx->mask && !ctx->none)
		return invalfc(fc, "no subsystem is enabled");
	if (!ctx->mask && !named)
		return invalfc(fc, "'none' needs 'name='");
	if (ctx->noprefix && (!CPUSET_MASK || ctx->mask != CPUSET_MASK))
		return invalfc(fc, "'noprefix' without cpuset alone");
	return 0;
}

/* A mount sets the agent, that of an active hierarchy too, if it names one. */
static void set_release_agent(struct containerfs_root *root,
			      struct container_fs_context *ctx)
{
	if (ctx->release_agent)
		swap_release_agent(root, &ctx->release_agent);
}

static int container_get_tree(struct fs_context *fc)
{
	struct container_fs_context *ctx = fc_context(fc);
	struct containerfs_root *root;
	int ret;

	ret = container_check_options(fc, ctx->name);
	if (ret)
		return ret;

	cpus_read_lock();
	container_lock();
	root = containerfs_root_find(fc, ctx);
	if (!root)
		root = containerfs_root_create(ctx);
	ret = PTR_ERR_OR_ZERO(root);
	if (!ret)
		root->users++;
	container_unlock();
	cpus_read_unlock();
	if (ret)
		return ret;

	/* kernfs looks for a superblock of this type. */
	put_filesystem(fc->fs_type);
	fc->fs_type = get_filesystem(root->type);
	ctx->kfc.root = root->kf_root;
	ctx->kfc.magic = CONTAINER_SUPER_MAGIC;
	ret = kernfs_get_tree(fc);
	if (!ret) {
		container_lock();
		set_release_agent(root, ctx);
		trace_container_mount(root->hierarchy_id, root->subsys_mask,
				      root->name);
		container_unlock();
	}
	/* A new superblock has taken over our use, even if it failed. */
	if (!ctx->kfc.new_sb_created)
		containerfs_root_drop(root, 1);
	return ret;
}

/*
 * Change the set of subsystems to @mask. On error nothing has changed. What
 * has to be removed is put on @files. cpus_read_lock() and container_mutex are
 * held.
 */
static int containerfs_root_change(struct fs_context *fc,
				   struct containerfs_root *root,
				   unsigned long mask, struct list_head *files)
{
	unsigned long old = root->subsys_mask, added = mask & ~old;
	struct container_subsys *ss;
	int i, ret;

	if (mask == old)
		return 0;
	if (!list_empty(&root->top.children))
		return -EBUSY;
	for_each_subsys_in(ss, i, added) {
		if (ss->root == &container_dummy_root)
			continue;
		errorfc(fc, "'%s' is in use", ss->name);
		return -EBUSY;
	}

	/* What those that go have in the root is lost: when nothing can fail any more. */
	container_rebind(root, old | mask);
	ret = populate_subsystems(&root->top, added);
	if (ret) {
		container_rebind(root, old);
		take_root_files(root, added, files);
		return ret;
	}
	container_rebind(root, mask);
	kernfs_activate(root->top.kn);
	take_root_files(root, old & ~mask, files);
	return 0;
}

static int container_reconfigure(struct fs_context *fc)
{
	struct container_fs_context *ctx = fc_context(fc);
	struct container *top =
		kernfs_root_to_node(kernfs_root_from_sb(fc->root->d_sb))->priv;
	struct containerfs_root *root = top->root;
	LIST_HEAD(files);
	int ret;

	if (ctx->name && !same_name(root, ctx->name))
		return invalfc(fc, "'name' cannot be changed");
	if (ctx->noprefix && !root->noprefix)
		return invalfc(fc, "'noprefix' cannot be changed");
	ctx->noprefix = root->noprefix;
	if (!ctx->mask && !ctx->all && !ctx->none) {
		/* s_umount is held: no other remount changes it. */
		ctx->mask = root->subsys_mask;
		ctx->none = !ctx->mask;
	}
	ret = container_check_options(fc, root->name[0]);
	if (ret)
		return ret;

	cpus_read_lock();
	container_lock();
	ret = containerfs_root_change(fc, root, ctx->mask, &files);
	if (!ret) {
		set_release_agent(root, ctx);
		trace_container_remount(root->hierarchy_id, root->subsys_mask,
					root->name);
	}
	container_unlock();
	cpus_read_unlock();
	remove_root_files(&files);
	return ret;
}

static void container_free_fc(struct fs_context *fc)
{
	struct container_fs_context *ctx = fc_context(fc);

	kernfs_free_fs_context(fc);
	kfree(ctx->name);
	kfree_const(ctx->release_agent);
	kfree(ctx);
}

static const struct fs_context_operations container_context_ops = {
	.free		= container_free_fc,
	.parse_param	= container_parse_param,
	.get_tree	= container_get_tree,
	.reconfigure	= container_reconfigure,
};

static int container_init_fs_context(struct fs_context *fc)
{
	struct container_fs_context *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	ctx->type = fc->fs_type;
	fc->fs_private = &ctx->kfc;
	fc->ops = &container_context_ops;
	fc->global = true;
	return 0;
}

static void container_kill_sb(struct super_block *sb)
{
	struct container *top =
		kernfs_root_to_node(kernfs_root_from_sb(sb))->priv;

	trace_container_umount(top->root->hierarchy_id, top->root->subsys_mask,
			       top->root->name);
	kernfs_kill_sb(sb);
	containerfs_root_drop(top->root, 1);
}

static struct file_system_type container_fs_type = {
	.name			= "container",
	.init_fs_context	= container_init_fs_context,
	.parameters		= container_fs_parameters,
	.kill_sb		= container_kill_sb,
};

#ifdef CONFIG_CPUSETS_CONTAINER
/*
 * The file system that cpusets had before there were containers: the same with
 * other defaults. It takes the options that /proc/mounts shows.
 */
static int cpuset_init_fs_context(struct fs_context *fc)
{
	struct container_fs_context *ctx;
	int ret;

	if (cpuset_subsys.disabled)
		return -ENODEV;
	ret = container_init_fs_context(fc);
	if (ret || fc->purpose == FS_CONTEXT_FOR_RECONFIGURE)
		return ret;
	ctx = fc_context(fc);
	ctx->mask = CPUSET_MASK;
	ctx->noprefix = true;
	ctx->default_agent = "/sbin/cpuset_release_agent";
	return 0;
}

static struct file_system_type cpuset_fs_type = {
	.name			= "cpuset",
	.init_fs_context	= cpuset_init_fs_context,
	.parameters		= container_fs_parameters,
	.kill_sb		= container_kill_sb,
};
#endif

/*
 * /proc
 */

static int containers_show(struct seq_file *sf, void *v)
{
	struct container_subsys *ss;
	int i;

	seq_puts(sf, "#subsys_name\thierarchy\tnum_containers\tenabled\n");
	container_lock();
	for_each_container_subsys(ss, i)
		seq_printf(sf, "%s\t%d\t%u\t%d\n", ss->name,
			   ss->root->hierarchy_id, ss->root->nr_containers,
			   !ss->disabled);
	container_unlock();
	return 0;
}

/* container_mutex is held. */
static int show_task_container(struct seq_file *sf, struct task_struct *task,
			       struct containerfs_root *root, char *path)
{
	struct container *cont;
	int ret;

	rcu_read_lock();
	cont = task_container_in(task, root);
	ret = container_path(cont, path, PATH_MAX);
	if (!ret) {
		seq_printf(sf, "%d:", root->hierarchy_id);
		if (root->subsys_mask)
			show_subsystems(sf, root->subsys_mask, "");
		else
			seq_printf(sf, "name=%s", root->name);
		seq_printf(sf, ":%s%s\n", path,
			   container_is_removed(cont) ? " (deleted)" : "");
	}
	rcu_read_unlock();
	return ret;
}

/**
 * proc_container_show - /proc/PID/container
 * @sf: where to
 * @ns: the pid namespace of the mount of /proc
 * @pid: whose
 * @task: the same
 *
 * Return: 0, -ENOMEM, or -ENAMETOOLONG for a path beyond PATH_MAX.
 */
int proc_container_show(struct seq_file *sf, struct pid_namespace *ns,
			struct pid *pid, struct task_struct *task)
{
	struct containerfs_root *root;
	char *path;
	int ret = 0;

	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	container_lock();
	list_for_each_entry(root, &containerfs_roots, node) {
		ret = show_task_container(sf, task, root, path);
		if (ret)
			break;
	}
	container_unlock();
	kfree(path);
	return ret;
}

static int __init container_disable(char *str)
{
	struct container_subsys *ss;
	char *name;
	int i;

	while ((name = strsep(&str, ","))) {
		for_each_container_subsys(ss, i)
			if (!strcmp(name, ss->name))
				ss->disabled = true;
	}
	return 1;
}
__setup("container_disable=", container_disable);

static int __init container_fs_init(void)
{
	int ret;

	ret = register_filesystem(&container_fs_type);
	if (ret)
		return ret;
#ifdef CONFIG_CPUSETS_CONTAINER
	ret = register_filesystem(&cpuset_fs_type);
	if (ret)
		return ret;
#endif
	return proc_create_single("containers", 0, NULL, containers_show) ?
		0 : -ENOMEM;
}
fs_initcall(container_fs_init);
