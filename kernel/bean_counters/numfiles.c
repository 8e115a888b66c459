// SPDX-License-Identifier: GPL-2.0
/*
 * numfiles: the resource of BeanCounters that counts open files.
 *
 * A file is charged when it is allocated, to the container that its opener is
 * in, and stays charged there until it is freed, whoever has got it by then.
 * What the kernel opens for its own use and counts nowhere (backing files and
 * those that are not accounted) is not charged.
 *
 * Locking: f_bc is written before anybody else can see the file, and read when
 * nobody can any more. It is NULL in a file that is not charged, because it was
 * opened while the subsystem was not mounted, for example.
 */

#include <linux/bean_counters.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* Of a file that is opened beyond the barrier. */
static enum bc_severity open_severity(void)
{
	/* Nobody expects that what the kernel does for itself fails. */
	if (current->flags & PF_KTHREAD)
		return BC_FORCE;
	if (has_capability_noaudit(current, CAP_SYS_ADMIN))
		return BC_LIMIT;
	return BC_BARRIER;
}

/* Privileges are worth a look for those who need them only. */
static int charge_file(struct beancounter *bc)
{
	int ret;

	ret = bc_try_charge(bc, BC_NUMFILES, 1, BC_BARRIER);
	if (likely(ret != -ENOMEM))
		return ret;
	return bc_charge(bc, BC_NUMFILES, 1, open_severity());
}

int __bc_file_charge(struct file *file)
{
	struct beancounter *bc;
	int ret;

	rcu_read_lock();
	do {
		/* If its container is removed current has just been moved. */
		bc = task_bc(current);
		ret = charge_file(bc);
	} while (unlikely(ret == -ENODEV));
	rcu_read_unlock();
	if (unlikely(ret))
		return -EMFILE;
	file->f_bc = bc;
	return 0;
}
