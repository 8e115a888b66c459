/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events of process containers. A path is relative to the root of the
 * hierarchy with the id given. Those with a path are recorded under
 * container_mutex, save container_attach, which follows the move, and refusals.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM container

#if !defined(_TRACE_CONTAINER_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_CONTAINER_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(container_path,

	TP_PROTO(int hierarchy_id, const char *path),

	TP_ARGS(hierarchy_id, path),

	TP_STRUCT__entry(
		__field(	int,	hierarchy_id	)
		__string(	path,	path		)
	),

	TP_fast_assign(
		__entry->hierarchy_id = hierarchy_id;
		__assign_str(path);
	),

	TP_printk("hierarchy=%d path=%s",
		  __entry->hierarchy_id, __get_str(path))
);

DEFINE_EVENT(container_path, container_mkdir,
	TP_PROTO(int hierarchy_id, const char *path),
	TP_ARGS(hierarchy_id, path)
);

DEFINE_EVENT(container_path, container_rmdir,
	TP_PROTO(int hierarchy_id, const char *path),
	TP_ARGS(hierarchy_id, path)
);

DEFINE_EVENT(container_path, container_rename,
	TP_PROTO(int hierarchy_id, const char *path),
	TP_ARGS(hierarchy_id, path)
);

DEFINE_EVENT(container_path, container_release,
	TP_PROTO(int hierarchy_id, const char *path),
	TP_ARGS(hierarchy_id, path)
);

TRACE_EVENT(container_attach,

	TP_PROTO(int hierarchy_id, const char *path, struct task_struct *task,
		 bool whole),

	TP_ARGS(hierarchy_id, path, task, whole),

	TP_STRUCT__entry(
		__field(	int,	hierarchy_id		)
		__string(	path,	path			)
		__field(	pid_t,	pid			)
		__array(	char,	comm,	TASK_COMM_LEN	)
		__field(	bool,	whole			)
	),

	TP_fast_assign(
		__entry->hierarchy_id = hierarchy_id;
		__assign_str(path);
		__entry->pid = task->pid;
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->whole = whole;
	),

	TP_printk("hierarchy=%d path=%s pid=%d comm=%s whole=%d",
		  __entry->hierarchy_id, __get_str(path), __entry->pid,
		  __entry->comm, __entry->whole)
);

TRACE_EVENT(container_fork_refused,

	TP_PROTO(int hierarchy_id, const char *path, bool rate),

	TP_ARGS(hierarchy_id, path, rate),

	TP_STRUCT__entry(
		__field(	int,	hierarchy_id		)
		__string(	path,	path			)
		__field(	pid_t,	pid			)
		__array(	char,	comm,	TASK_COMM_LEN	)
		__field(	bool,	rate			)
	),

	TP_fast_assign(
		__entry->hierarchy_id = hierarchy_id;
		__assign_str(path);
		__entry->pid = current->pid;
		memcpy(__entry->comm, current->comm, TASK_COMM_LEN);
		__entry->rate = rate;
	),

	TP_printk("hierarchy=%d path=%s pid=%d comm=%s rate=%d",
		  __entry->hierarchy_id, __get_str(path), __entry->pid,
		  __entry->comm, __entry->rate)
);

TRACE_EVENT(container_charge_refused,

	TP_PROTO(int hierarchy_id, const char *path, const char *resource,
		 struct task_struct *task, unsigned long held,
		 unsigned long limit),

	TP_ARGS(hierarchy_id, path, resource, task, held, limit),

	TP_STRUCT__entry(
		__field(	int,		hierarchy_id		)
		__string(	path,		path			)
		__string(	resource,	resource		)
		__field(	pid_t,		pid			)
		__array(	char,		comm,	TASK_COMM_LEN	)
		__field(	unsigned long,	held			)
		__field(	unsigned long,	limit			)
	),

	TP_fast_assign(
		__entry->hierarchy_id = hierarchy_id;
		__assign_str(path);
		__assign_str(resource);
		__entry->pid = task->pid;
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->held = held;
		__entry->limit = limit;
	),

	TP_printk("hierarchy=%d path=%s resource=%s pid=%d comm=%s held=%lu limit=%lu",
		  __entry->hierarchy_id, __get_str(path), __get_str(resource),
		  __entry->pid, __entry->comm, __entry->held, __entry->limit)
);

DECLARE_EVENT_CLASS(container_hierarchy,

	TP_PROTO(int hierarchy_id, unsigned long subsys_mask, const char *name),

	TP_ARGS(hierarchy_id, subsys_mask, name),

	TP_STRUCT__entry(
		__field(	int,		hierarchy_id	)
		__field(	unsigned long,	subsys_mask	)
		__string(	name,		name		)
	),

	TP_fast_assign(
		__entry->hierarchy_id = hierarchy_id;
		__entry->subsys_mask = subsys_mask;
		__assign_str(name);
	),

	TP_printk("hierarchy=%d subsys_mask=0x%lx name=%s",
		  __entry->hierarchy_id, __entry->subsys_mask,
		  __get_str(name))
);

DEFINE_EVENT(container_hierarchy, container_mount,
	TP_PROTO(int hierarchy_id, unsigned long subsys_mask, const char *name),
	TP_ARGS(hierarchy_id, subsys_mask, name)
);

DEFINE_EVENT(container_hierarchy, container_umount,
	TP_PROTO(int hierarchy_id, unsigned long subsys_mask, const char *name),
	TP_ARGS(hierarchy_id, subsys_mask, name)
);

DEFINE_EVENT(container_hierarchy, container_remount,
	TP_PROTO(int hierarchy_id, unsigned long subsys_mask, const char *name),
	TP_ARGS(hierarchy_id, subsys_mask, name)
);

#endif /* _TRACE_CONTAINER_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
