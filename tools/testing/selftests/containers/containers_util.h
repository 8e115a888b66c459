/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the container selftests. A "cont" below is the path of a
 * container's directory, a "hierarchy" the LIST of a line of /proc/PID/container
 * ("cpuset,cpuacct" or "name=ID"). Unless it says otherwise a function returns
 * 0 (or a count) on success and -errno on failure, and prints nothing.
 */
#ifndef CONTAINERS_UTIL_H
#define CONTAINERS_UTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* statfs's f_type of a container file system. */
#define CT_MAGIC	0x27e0eb
/* Where the tests mount; made by ct_setup(). */
#define CT_DIR		"/tmp/ct"
/* An unprivileged user and group, and another. */
#define CT_UID		65534
#define CT_UID2		65533
/* Time after which something asynchronous is taken to have failed. */
#define CT_WAIT_MS	25000
/* Time in which something that must not happen is given a chance to. */
#define CT_IDLE_MS	200

/*
 * Set-up and paths
 */
int ct_setup(void);
int ct_reset(void);
const char *ct_path(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Mounting. dir is made if it is not there.
 */
int ct_mount(const char *options, const char *dir);
int ct_mount_type(const char *type, const char *options, const char *dir);
int ct_umount(const char *dir);
int ct_remount(const char *options, const char *dir);
int ct_fsopen(const char *type, const char *options, char *log, size_t len);
int ct_fscreate(int fs, char *log, size_t len);
int ct_fsmount(const char *options, const char *dir, char *log, size_t len);
int ct_fsremount(const char *options, const char *dir, char *log, size_t len);
int ct_show_options(const char *dir, char *buf, size_t len);

/*
 * Containers and their files
 */
int ct_mkdir(const char *cont);
int ct_rmdir(const char *cont);
int ct_rmtree(const char *cont);
int ct_open(const char *cont, const char *file, int flags);
int ct_read(const char *cont, const char *file, char *buf, size_t len);
int ct_write(const char *cont, const char *file, const char *text);
int ct_write_bytes(const char *cont, const char *file, const void *data,
		   size_t len);
int ct_write_num(const char *cont, const char *file, long long num);
long long ct_read_num(const char *cont, const char *file);
long long ct_read_key(const char *cont, const char *file, const char *key);
int ct_fd_write(int fd, const char *text);

/*
 * Membership
 */
int ct_enter(const char *cont);
int ct_attach(const char *cont, pid_t tid);
int ct_attach_process(const char *cont, pid_t pid);

/**
 * struct ct_pids - the numbers of a tasks or procs file, ascending
 * @pid: malloc'd array
 * @count: number of elements
 */
struct ct_pids {
	pid_t *pid;
	size_t count;
};

int ct_read_pids(const char *cont, const char *file, struct ct_pids *pids);
int ct_fd_read_pids(int fd, struct ct_pids *pids);
void ct_free_pids(struct ct_pids *pids);
int ct_count(const char *cont, const char *file);
int ct_settle(void);
int ct_has(const char *cont, const char *file, pid_t pid);

/**
 * struct ct_subsys - a row of /proc/containers
 * @hierarchy: 0 if it is not in any
 * @containers: number of containers
 * @enabled: 0 if it was disabled at boot
 */
struct ct_subsys {
	int hierarchy;
	int containers;
	int enabled;
};

int ct_subsys(const char *name, struct ct_subsys *row);
int ct_container_of(pid_t pid, const char *hierarchy, char *buf, size_t len);
bool ct_is_in(pid_t pid, const char *hierarchy, const char *path);
int ct_proc_read(pid_t pid, const char *file, char *buf, size_t len);

/*
 * Processes and threads
 */
pid_t ct_fork(void);
int ct_wait(pid_t pid);
int ct_kill(pid_t pid);
pid_t ct_sleeper(const char *cont);
pid_t ct_process(const char *cont, int threads, pid_t *tids);
pid_t ct_leaderless(const char *cont, pid_t *tid);
int ct_call(int (*fn)(void *arg), void *arg);
int ct_become(uid_t uid);
int ct_failing_clones(int count);
int ct_cpus(void);

/**
 * struct ct_threads - threads of the calling process that wait
 * @thread: the threads
 * @tid: their thread ids
 * @count: their number
 * @stop: futex word, set to 1 to end them
 * @started: counts those that have taken a place in @tid
 * @ready: counts those that have filled it in
 */
struct ct_threads {
	pthread_t *thread;
	pid_t *tid;
	int count;
	int stop;
	int started;
	int ready;
};

int ct_threads_start(struct ct_threads *threads, int count);
void ct_threads_stop(struct ct_threads *threads);

/*
 * Synchronisation between processes and threads
 */
void ct_futex_wait(int *word, int value);
void ct_futex_wake(int *word, int value);
void *ct_shared(size_t size);

/*
 * Asynchronous things, each with a bounded wait
 */
int ct_poll(int fd, short events, int timeout_ms);
int ct_wait_populated(const char *cont, int value);
int ct_wait_gone(const char *cont);

/**
 * struct ct_agent - a release agent that tells what it was called with
 * @path: the program, for release_agent
 * @fd: the pipe it writes its arguments to
 */
struct ct_agent {
	char path[64];
	int fd;
};

int ct_agent_start(struct ct_agent *agent, const char *name,
		   const char *commands);
int ct_agent_next(struct ct_agent *agent, char *buf, size_t len,
		  int timeout_ms);
void ct_agent_end(struct ct_agent *agent);

#endif
