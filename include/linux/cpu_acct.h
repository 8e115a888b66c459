/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hooks of the cpuacct subsystem of process containers in the scheduler.
 */
#ifndef _LINUX_CPU_ACCT_H
#define _LINUX_CPU_ACCT_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct task_struct;

#ifdef CONFIG_CONTAINER_CPUACCT

DECLARE_STATIC_KEY_FALSE(cpu_acct_key);

void __cpu_acct_charge(struct task_struct *task, u64 delta);
void __cpu_acct_charge_field(struct task_struct *task, int index, u64 delta);

/**
 * cpu_acct_charge - charge run time to the container of a task
 * @task: the task; the lock of its runqueue is held
 * @delta: nanoseconds
 */
static inline void cpu_acct_charge(struct task_struct *task, u64 delta)
{
	if (static_branch_unlikely(&cpu_acct_key))
		__cpu_acct_charge(task, delta);
}

/**
 * cpu_acct_charge_field - charge user or system time to the container of a task
 * @task: the task that runs on this CPU, or did just before it was switched from
 * @index: an enum cpu_usage_stat
 * @delta: nanoseconds
 *
 * Interrupts are disabled.
 */
static inline void cpu_acct_charge_field(struct task_struct *task, int index,
					 u64 delta)
{
	if (static_branch_unlikely(&cpu_acct_key))
		__cpu_acct_charge_field(task, index, delta);
}

#else /* !CONFIG_CONTAINER_CPUACCT */

static inline void cpu_acct_charge(struct task_struct *task, u64 delta) {}
static inline void cpu_acct_charge_field(struct task_struct *task, int index,
					 u64 delta) {}

#endif /* !CONFIG_CONTAINER_CPUACCT */

#endif /* _LINUX_CPU_ACCT_H */
