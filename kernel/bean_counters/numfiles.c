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

/* The container is full, or current has just been moved out of it or has left. */
static int charge_again(struct file *file)
{
	struct beancounter *bc;
	int ret;

	rcu_read_lock();
	do {
		/* If its container is removed current is in another one by now. */
		bc = task_bc(current);
		ret = bc_charge(bc, BC_NUMFILES, 1, open_severity());
	} while (ret == -ENODEV && !(current->flags & PF_EXITING));
	rcu_read_unlock();
	if (ret)
		return -EMFILE;
	file->f_bc = bc;
	return 0;
}

int __bc_file_charge(struct file *file)
{
	struct beancounter *bc;
	int ret;

	/* Less than rcu_read_lock() takes. */
	rcu_read_lock_sched();
	bc = task_bc(current);
	ret = bc_try_charge(bc, BC_NUMFILES, 1, BC_BARRIER);
	rcu_read_unlock_sched();
	/* Privileges are worth a look for those who need them only. */
	if (unlikely(ret))
		return charge_again(file);
	file->f_bc = bc;
	return 0;
}
