// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the container selftests; containers_util.h lists them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "containers_util.h"

#define CT_PATHS	16
#define CT_STACK	(64 * 1024)

/* The result of a system call as 0 or a count, or -errno. */
static int result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * Set-up and paths
 */

static pthread_key_t path_key;

static void make_path_key(void)
{
	pthread_key_create(&path_key, free);
}

/**
 * ct_path - build a path
 * @fmt: as for printf
 *
 * Return: one of 16 buffers of the calling thread, the oldest.
 */
const char *ct_path(const char *fmt, ...)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct {
		unsigned int next;
		char path[CT_PATHS][PATH_MAX];
	} *ring;
	va_list args;
	char *path;

	pthread_once(&once, make_path_key);
	ring = pthread_getspecific(path_key);
	if (!ring) {
		ring = calloc(1, sizeof(*ring));
		if (!ring)
			abort();
		pthread_setspecific(path_key, ring);
	}
	path = ring->path[ring->next++ % CT_PATHS];
	va_start(args, fmt);
	vsnprintf(path, PATH_MAX, fmt, args);
	va_end(args);
	return path;
}

/* Unmount whatever /proc/self/mounts shows of our file systems. */
static int umount_all(void)
{
	struct mntent *entry;
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	int ret = 0;

	if (!mounts)
		return -errno;
	while (!ret && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "container") ||
		    !strcmp(entry->mnt_type, "cpuset"))
			ret = result(umount2(entry->mnt_dir, MNT_DETACH));
	endmntent(mounts);
	return ret;
}

/* Kill the members of a container's subtree, with signals if "kill" fails. */
static int kill_members(const char *cont)
{
	struct ct_pids pids;
	size_t i;
	int ret;

	if (ct_write_num(cont, "kill", 1)) {
		ret = ct_read_pids(cont, "procs", &pids);
		if (ret)
			return ret;
		for (i = 0; i < pids.count; i++)
			kill(pids.pid[i], SIGKILL);
		ct_free_pids(&pids);
	}
	return ct_wait_populated(cont, 0);
}

/* Remove all containers of the hierarchy that is mounted at @dir. */
static int empty_hierarchy(const char *dir)
{
	struct dirent *entry;
	DIR *top = opendir(dir);
	int ret = 0;

	if (!top)
		return -errno;
	ct_enter(dir);
	while (!ret && (entry = readdir(top))) {
		const char *cont = ct_path("%s/%s", dir, entry->d_name);

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		ret = kill_members(cont);
		if (!ret)
			ret = ct_rmtree(cont);
		/* It may have removed itself. */
		if (ret == -ENOENT || ret == -ENODEV)
			ret = 0;
	}
	closedir(top);
	return ret;
}

/*
 * The LIST of the first line of /proc/self/container, its end cut off.
 * Return: the hierarchy's id, 0 if there is none, or -errno.
 */
static int first_hierarchy(char *list, size_t len)
{
	char line[256], *start;
	int ret = ct_proc_read(getpid(), "container", line, sizeof(line));

	if (ret <= 0)
		return ret;
	start = strchr(line, ':');
	if (!start)
		return -EIO;
	snprintf(list, len, "%.*s", (int)strcspn(start + 1, ":"), start + 1);
	return atoi(line);
}

/**
 * ct_reset - remove every container and hierarchy there is
 *
 * Unmounts all, mounts in turn each hierarchy that is still active because it
 * has children, kills the members of those, and removes them. The caller ends
 * up in the root containers.
 */
int ct_reset(void)
{
	long long end = now_ms() + CT_WAIT_MS;
	int id, last = 0, ret = umount_all();
	char list[200];

	while (!ret && (id = first_hierarchy(list, sizeof(list)))) {
		if (id < 0)
			return id;
		/* A release agent may be on its way out, with a path in use. */
		if (id == last && now_ms() > end)
			return -EBUSY;
		last = id;
		ret = ct_mount(ct_path("%s%s", strncmp(list, "name=", 5) ? "" :
				       "none,", list), CT_DIR "/.reset");
		if (!ret)
			ret = empty_hierarchy(CT_DIR "/.reset");
		if (!ret)
			ret = ct_umount(CT_DIR "/.reset");
	}
	return ret;
}

/**
 * ct_setup - for FIXTURE_SETUP: a machine without containers, and CT_DIR
 *
 * ct_reset() is its counterpart for FIXTURE_TEARDOWN.
 */
int ct_setup(void)
{
	int ret = ct_mkdir(CT_DIR);

	if (ret && ret != -EEXIST)
		return ret;
	return ct_reset();
}

/*
 * Mounting
 */

/**
 * ct_mount_type - mount(2) a file system
 * @type: "container" or "cpuset"
 * @options: comma-separated; may be NULL
 * @dir: made if it is not there
 */
int ct_mount_type(const char *type, const char *options, const char *dir)
{
	int ret = ct_mkdir(dir);

	if (ret && ret != -EEXIST)
		return ret;
	return result(mount("none", dir, type, 0, options));
}

/**
 * ct_mount - mount(2) a container hierarchy
 * @options: comma-separated; may be NULL
 * @dir: made if it is not there
 */
int ct_mount(const char *options, const char *dir)
{
	return ct_mount_type("container", options, dir);
}

/**
 * ct_umount - undo one mount at a directory
 * @dir: it stays there
 */
int ct_umount(const char *dir)
{
	return result(umount2(dir, 0));
}

/**
 * ct_remount - mount(2) with MS_REMOUNT
 * @options: comma-separated; may be NULL
 * @dir: the mount point
 */
int ct_remount(const char *options, const char *dir)
{
	return result(mount("none", dir, "container", MS_REMOUNT, options));
}

/* The lines that are in a context's log, newlines between them. */
static void read_log(int fs, char *log, size_t len)
{
	size_t used = 0;
	ssize_t n;

	if (!len)
		return;
	log[0] = '\0';
	while (used + 1 < len &&
	       (n = read(fs, log + used, len - used - 1)) > 0) {
		used += n;
		log[used] = '\0';
	}
}

/* Hand the words of an option string to a context, as mount(8) does. */
static int set_options(int fs, const char *options)
{
	char *copy = strdup(options ? options : ""), *rest = copy, *word;
	int ret = 0;

	while (!ret && (word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		ret = result(fsconfig(fs, value ? FSCONFIG_SET_STRING :
				      FSCONFIG_SET_FLAG, word, value, 0));
	}
	free(copy);
	return ret;
}

/**
 * ct_fsopen - fsopen(2) and set options
 * @type: "container" or "cpuset"
 * @options: comma-separated; may be NULL
 * @log: receives the context's messages on failure
 * @len: of @log; may be 0
 *
 * Return: the context's descriptor, or -errno.
 */
int ct_fsopen(const char *type, const char *options, char *log, size_t len)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC);
	int ret;

	if (fs < 0)
		return -errno;
	ret = set_options(fs, options);
	if (!ret)
		return fs;
	read_log(fs, log, len);
	close(fs);
	return ret;
}

/**
 * ct_fscreate - make the superblock of a context
 * @fs: from ct_fsopen(); closed
 * @log: receives the context's messages on failure
 * @len: of @log; may be 0
 *
 * Return: the descriptor of a mount that is attached nowhere, or -errno.
 */
int ct_fscreate(int fs, char *log, size_t len)
{
	int ret = result(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));

	if (!ret)
		ret = result(fsmount(fs, FSMOUNT_CLOEXEC, 0));
	if (ret < 0)
		read_log(fs, log, len);
	close(fs);
	return ret;
}

/**
 * ct_fsmount - mount a container hierarchy with fsopen(2) and its fellows
 * @options: comma-separated; may be NULL
 * @dir: made if it is not there
 * @log: receives the context's messages on failure
 * @len: of @log; may be 0
 */
int ct_fsmount(const char *options, const char *dir, char *log, size_t len)
{
	int ret = ct_mkdir(dir);
	int fd;

	if (ret && ret != -EEXIST)
		return ret;
	fd = ct_fsopen("container", options, log, len);
	if (fd >= 0)
		fd = ct_fscreate(fd, log, len);
	if (fd < 0)
		return fd;
	ret = result(move_mount(fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH));
	close(fd);
	return ret;
}

/**
 * ct_fsremount - reconfigure with fspick(2)
 * @options: comma-separated; may be NULL
 * @dir: the mount point
 * @log: receives the context's messages on failure
 * @len: of @log; may be 0
 */
int ct_fsremount(const char *options, const char *dir, char *log, size_t len)
{
	int fs = fspick(AT_FDCWD, dir, FSPICK_CLOEXEC);
	int ret;

	if (fs < 0)
		return -errno;
	ret = set_options(fs, options);
	if (!ret)
		ret = result(fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL,
				      0));
	if (ret)
		read_log(fs, log, len);
	close(fs);
	return ret;
}

/**
 * ct_show_options - what /proc/mounts shows of a mount
 * @dir: the mount point
 * @buf: receives the options without those that every file system has
 * @len: of @buf
 */
int ct_show_options(const char *dir, char *buf, size_t len)
{
	struct mntent *entry;
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	int ret = -ENOENT;

	if (!mounts)
		return -errno;
	while ((entry = getmntent(mounts))) {
		char *word, *rest = entry->mnt_opts;

		if (strcmp(entry->mnt_dir, dir))
			continue;
		ret = 0;
		buf[0] = '\0';
		while ((word = strsep(&rest, ",")))
			if (strcmp(word, "rw") && strcmp(word, "relatime"))
				snprintf(buf + strlen(buf), len - strlen(buf),
					 "%s%s", buf[0] ? "," : "", word);
	}
	endmntent(mounts);
	return ret;
}

/*
 * Containers and their files
 */

/**
 * ct_mkdir - make a container
 * @cont: its path
 */
int ct_mkdir(const char *cont)
{
	return result(mkdir(cont, 0755));
}

/**
 * ct_rmdir - remove a container
 * @cont: its path
 */
int ct_rmdir(const char *cont)
{
	return result(rmdir(cont));
}

/* The name of a directory in an open directory; false if there is none. */
static bool first_subdir(int fd, char *name, size_t len)
{
	struct dirent *entry;
	DIR *dir = fdopendir(dup(fd));
	bool found = false;

	if (!dir)
		return false;
	rewinddir(dir);
	while (!found && (entry = readdir(dir)))
		found = entry->d_type == DT_DIR && strcmp(entry->d_name, ".") &&
			strcmp(entry->d_name, "..");
	if (found)
		snprintf(name, len, "%s", entry->d_name);
	closedir(dir);
	return found;
}

/* Replace an open directory by one next to it in the tree. */
static int step(int *fd, const char *name)
{
	int ret = result(openat(*fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (ret < 0)
		return ret;
	close(*fd);
	*fd = ret;
	return 0;
}

/**
 * ct_rmtree - remove a container and those below it
 * @cont: its path
 *
 * The tree may be of any depth.
 */
int ct_rmtree(const char *cont)
{
	int fd = result(open(cont, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	char name[PATH_MAX];
	bool returned = false;
	int depth = 0, ret = 0;

	if (fd < 0)
		return fd;
	while (!ret) {
		if (first_subdir(fd, name, sizeof(name))) {
			ret = result(unlinkat(fd, name, AT_REMOVEDIR));
			if (ret == -EBUSY && !returned) {
				ret = step(&fd, name);
				depth++;
			} else {
				returned = false;
			}
		} else if (depth) {
			ret = step(&fd, "..");
			depth--;
			returned = true;
		} else {
			ret = ct_rmdir(cont);
			break;
		}
		if (ret == -ENOENT)
			ret = 0;
	}
	close(fd);
	return ret;
}

/**
 * ct_open - open a control file
 * @cont: its container
 * @file: its name
 * @flags: as for open(2); O_CLOEXEC is added
 *
 * Return: the descriptor, or -errno.
 */
int ct_open(const char *cont, const char *file, int flags)
{
	return result(open(ct_path("%s/%s", cont, file), flags | O_CLOEXEC));
}

/* Read to the end, or until the buffer is full but for a NUL. */
static int read_all(int fd, char *buf, size_t len)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, buf + used, len - 1 - used);
		if (n < 0)
			return -errno;
		used += n;
	} while (n && used < len - 1);
	buf[used] = '\0';
	return used;
}

/**
 * ct_read - read a whole control file
 * @cont: its container
 * @file: its name
 * @buf: receives the text, NUL-terminated
 * @len: of @buf
 *
 * Return: the length of the text, or -errno.
 */
int ct_read(const char *cont, const char *file, char *buf, size_t len)
{
	int fd = ct_open(cont, file, O_RDONLY);
	int ret;

	if (fd < 0)
		return fd;
	ret = read_all(fd, buf, len);
	close(fd);
	return ret;
}

/**
 * ct_write_bytes - write to a control file with one write(2)
 * @cont: its container
 * @file: its name
 * @data: what to write, NULs and all
 * @len: number of bytes
 *
 * Return: 0, -errno, or -EIO if only a part was written.
 */
int ct_write_bytes(const char *cont, const char *file, const void *data,
		   size_t len)
{
	int fd = ct_open(cont, file, O_WRONLY);
	ssize_t ret;

	if (fd < 0)
		return fd;
	ret = write(fd, data, len);
	if (ret < 0)
		ret = -errno;
	else
		ret = ret == (ssize_t)len ? 0 : -EIO;
	close(fd);
	return ret;
}

/**
 * ct_write - write a text to a control file
 * @cont: its container
 * @file: its name
 * @text: no newline is added
 */
int ct_write(const char *cont, const char *file, const char *text)
{
	return ct_write_bytes(cont, file, text, strlen(text));
}

/**
 * ct_write_num - write a number and a newline to a control file
 * @cont: its container
 * @file: its name
 * @num: the number
 */
int ct_write_num(const char *cont, const char *file, long long num)
{
	return ct_write(cont, file, ct_path("%lld\n", num));
}

/**
 * ct_fd_write - write a text to an open file with one write(2)
 * @fd: the file
 * @text: no newline is added
 */
int ct_fd_write(int fd, const char *text)
{
	ssize_t ret = write(fd, text, strlen(text));

	if (ret < 0)
		return -errno;
	return ret == (ssize_t)strlen(text) ? 0 : -EIO;
}

/**
 * ct_read_num - read a control file that consists of a number
 * @cont: its container
 * @file: its name
 *
 * Return: the number, or -errno; -EIO if there is something else.
 */
long long ct_read_num(const char *cont, const char *file)
{
	char buf[64], *end;
	int ret = ct_read(cont, file, buf, sizeof(buf));
	long long num;

	if (ret < 0)
		return ret;
	num = strtoll(buf, &end, 10);
	return end != buf && !strcmp(end, "\n") ? num : -EIO;
}

/**
 * ct_read_key - read a number from a control file of lines "KEY NUMBER"
 * @cont: its container
 * @file: its name
 * @key: which line
 *
 * Return: the number, or -errno; -ENOENT if there is no such line.
 */
long long ct_read_key(const char *cont, const char *file, const char *key)
{
	char buf[4096], *line, *save;
	int ret = ct_read(cont, file, buf, sizeof(buf));
	size_t len = strlen(key);

	if (ret < 0)
		return ret;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, len) && line[len] == ' ')
			return atoll(line + len + 1);
	return -ENOENT;
}

/*
 * Membership
 */

/**
 * ct_enter - move the calling process
 * @cont: where to
 */
int ct_enter(const char *cont)
{
	return ct_write(cont, "procs", "0");
}

/**
 * ct_attach - move a thread
 * @cont: where to
 * @tid: the thread
 */
int ct_attach(const char *cont, pid_t tid)
{
	return ct_write_num(cont, "tasks", tid);
}

/**
 * ct_attach_process - move a process
 * @cont: where to
 * @pid: the process
 */
int ct_attach_process(const char *cont, pid_t pid)
{
	return ct_write_num(cont, "procs", pid);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/**
 * ct_fd_read_pids - read the rest of an open tasks or procs file
 * @fd: the file
 * @pids: receives the numbers, for ct_free_pids()
 */
int ct_fd_read_pids(int fd, struct ct_pids *pids)
{
	size_t size = 0;
	FILE *stream;
	int pid, copy;

	pids->pid = NULL;
	pids->count = 0;
	copy = dup(fd);
	if (copy < 0)
		return -errno;
	stream = fdopen(copy, "r");
	if (!stream)
		return -errno;
	while (fscanf(stream, "%d\n", &pid) == 1) {
		if (pids->count == size) {
			size = size ? 2 * size : 64;
			pids->pid = realloc(pids->pid, size * sizeof(pid_t));
		}
		pids->pid[pids->count++] = pid;
	}
	if (!feof(stream)) {
		ct_free_pids(pids);
		fclose(stream);
		return -EIO;
	}
	fclose(stream);
	if (pids->count)
		qsort(pids->pid, pids->count, sizeof(pid_t), compare_pids);
	return 0;
}

/**
 * ct_read_pids - read a tasks or procs file
 * @cont: its container
 * @file: its name
 * @pids: receives the numbers, for ct_free_pids()
 */
int ct_read_pids(const char *cont, const char *file, struct ct_pids *pids)
{
	int fd = ct_open(cont, file, O_RDONLY);
	int ret;

	if (fd < 0)
		return fd;
	ret = ct_fd_read_pids(fd, pids);
	close(fd);
	return ret;
}

/**
 * ct_free_pids - free what ct_read_pids() returned
 * @pids: the numbers
 */
void ct_free_pids(struct ct_pids *pids)
{
	free(pids->pid);
	pids->pid = NULL;
	pids->count = 0;
}

/**
 * ct_settle - wait until what has been removed is freed
 *
 * A container is freed after its own grace period and those of all below.
 *
 * Return: 0 or -errno
 */
int ct_settle(void)
{
	for (int i = 0; i < 3; i++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			return -errno;
		usleep(100000);
	}
	return 0;
}

/**
 * ct_count - how many numbers are in a tasks or procs file?
 * @cont: its container
 * @file: its name
 */
int ct_count(const char *cont, const char *file)
{
	struct ct_pids pids;
	int ret = ct_read_pids(cont, file, &pids);

	if (ret)
		return ret;
	ret = pids.count;
	ct_free_pids(&pids);
	return ret;
}

/**
 * ct_has - how many times is a number in a tasks or procs file?
 * @cont: its container
 * @file: its name
 * @pid: the number
 */
int ct_has(const char *cont, const char *file, pid_t pid)
{
	struct ct_pids pids;
	int ret = ct_read_pids(cont, file, &pids);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < pids.count; i++)
		ret += pids.pid[i] == pid;
	ct_free_pids(&pids);
	return ret;
}

/**
 * ct_subsys - read a subsystem's row of /proc/containers
 * @name: the subsystem
 * @row: receives it
 *
 * Return: 0, or -ENOENT if there is no such row.
 */
int ct_subsys(const char *name, struct ct_subsys *row)
{
	char buf[4096], *line, *save;
	int ret = ct_read("/proc", "containers", buf, sizeof(buf));
	size_t len = strlen(name);

	if (ret < 0)
		return ret;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == '\t')
			return sscanf(line + len, "\t%d\t%d\t%d",
				      &row->hierarchy, &row->containers,
				      &row->enabled) == 3 ? 0 : -EIO;
	return -ENOENT;
}

/**
 * ct_proc_read - read a file of /proc/PID
 * @pid: the process or thread
 * @file: the file's name
 * @buf: receives the text, NUL-terminated
 * @len: of @buf
 *
 * Return: the length of the text, or -errno.
 */
int ct_proc_read(pid_t pid, const char *file, char *buf, size_t len)
{
	return ct_read(ct_path("/proc/%d", pid), file, buf, len);
}

/**
 * ct_container_of - a thread's container, from /proc/PID/container
 * @pid: the thread
 * @hierarchy: its LIST there
 * @buf: receives the path
 * @len: of @buf
 *
 * Return: 0, or -ENOENT if there is no such hierarchy.
 */
int ct_container_of(pid_t pid, const char *hierarchy, char *buf, size_t len)
{
	char lines[65536], *line, *save;
	int ret = ct_proc_read(pid, "container", lines, sizeof(lines));
	size_t list_len = strlen(hierarchy);

	if (ret < 0)
		return ret;
	for (line = strtok_r(lines, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *list = strchr(line, ':');

		if (!list++)
			return -EIO;
		if (!strncmp(list, hierarchy, list_len) &&
		    list[list_len] == ':') {
			snprintf(buf, len, "%s", list + list_len + 1);
			return 0;
		}
	}
	return -ENOENT;
}

/**
 * ct_is_in - does /proc/PID/container show this path?
 * @pid: the thread
 * @hierarchy: its LIST there
 * @path: as shown, from the hierarchy's root
 */
bool ct_is_in(pid_t pid, const char *hierarchy, const char *path)
{
	char buf[PATH_MAX + 16];

	return !ct_container_of(pid, hierarchy, buf, sizeof(buf)) &&
	       !strcmp(buf, path);
}

/*
 * Processes and threads
 */

/**
 * ct_fork - fork a child that is killed when the calling thread ends
 *
 * Return: as fork(2).
 */
pid_t ct_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/**
 * ct_wait - wait for a child to end
 * @pid: the child
 *
 * Return: its exit status, 256 + N if signal N killed it, or -errno.
 */
int ct_wait(pid_t pid)
{
	int status;
	pid_t ret;

	do {
		ret = waitpid(pid, &status, __WALL);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/**
 * ct_kill - kill a child and wait for its end
 * @pid: the child
 *
 * Return: as ct_wait(); 256 + SIGKILL is what one expects.
 */
int ct_kill(pid_t pid)
{
	if (kill(pid, SIGKILL))
		return -errno;
	return ct_wait(pid);
}

static void *wait_for_stop(void *arg)
{
	struct ct_threads *threads = arg;
	int i = __atomic_fetch_add(&threads->started, 1, __ATOMIC_SEQ_CST);

	threads->tid[i] = syscall(SYS_gettid);
	if (__atomic_add_fetch(&threads->ready, 1, __ATOMIC_SEQ_CST) ==
	    threads->count)
		ct_futex_wake(&threads->ready, threads->count);
	ct_futex_wait(&threads->stop, 0);
	return NULL;
}

/**
 * ct_threads_start - start threads that wait
 * @threads: receives them; for ct_threads_stop()
 * @count: how many
 *
 * Return: 0 once all have started and @threads->tid is filled in, or -errno;
 * then none is left.
 */
int ct_threads_start(struct ct_threads *threads, int count)
{
	pthread_attr_t attr;
	int i, ready, ret = 0;

	memset(threads, 0, sizeof(*threads));
	threads->thread = calloc(count, sizeof(*threads->thread));
	threads->tid = calloc(count, sizeof(*threads->tid));
	threads->count = count;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CT_STACK);
	for (i = 0; i < count && !ret; i++)
		ret = pthread_create(&threads->thread[i], &attr, wait_for_stop,
				     threads);
	pthread_attr_destroy(&attr);
	if (ret) {
		threads->count = i - 1;
		ct_threads_stop(threads);
		return -ret;
	}
	while ((ready = __atomic_load_n(&threads->ready, __ATOMIC_SEQ_CST)) !=
	       count)
		ct_futex_wait(&threads->ready, ready);
	return 0;
}

/**
 * ct_threads_stop - end threads and wait for it
 * @threads: from ct_threads_start()
 */
void ct_threads_stop(struct ct_threads *threads)
{
	int i;

	ct_futex_wake(&threads->stop, 1);
	for (i = 0; i < threads->count; i++)
		pthread_join(threads->thread[i], NULL);
	free(threads->thread);
	free(threads->tid);
}

/**
 * ct_process - make a child process with threads that wait
 * @cont: moved there before there are threads; NULL: stays where the caller is
 * @threads: number of threads, the first included
 * @tids: receives their ids, the first one's first; may be NULL
 *
 * Return: the process id, once all threads run, or -errno. It waits for being
 * killed.
 */
pid_t ct_process(const char *cont, int threads, pid_t *tids)
{
	struct ct_threads others;
	int *word = ct_shared(sizeof(int));
	pid_t *shared = ct_shared(threads * sizeof(pid_t));
	pid_t pid = ct_fork();
	int ret;

	if (!pid) {
		ret = cont ? ct_enter(cont) : 0;
		if (!ret && threads > 1)
			ret = ct_threads_start(&others, threads - 1);
		if (!ret) {
			shared[0] = getpid();
			if (threads > 1)
				memcpy(shared + 1, others.tid,
				       (threads - 1) * sizeof(pid_t));
		}
		ct_futex_wake(word, ret ? ret : 1);
		for (;;)
			pause();
	}
	if (pid < 0) {
		ret = -errno;
	} else {
		ct_futex_wait(word, 0);
		ret = *word;
		if (ret < 0)
			ct_kill(pid);
		else if (tids)
			memcpy(tids, shared, threads * sizeof(pid_t));
	}
	munmap(word, sizeof(int));
	munmap(shared, threads * sizeof(pid_t));
	return ret < 0 ? ret : pid;
}

/**
 * ct_sleeper - make a child process that waits for being killed
 * @cont: where it is moved; NULL: stays where the caller is
 *
 * Return: its process id, or -errno.
 */
pid_t ct_sleeper(const char *cont)
{
	return ct_process(cont, 1, NULL);
}

static void *tell_and_wait(void *word)
{
	ct_futex_wake(word, syscall(SYS_gettid));
	for (;;)
		pause();
	return NULL;
}

/* Wait until a thread has exited that nobody can wait for. */
static int wait_zombie(pid_t pid)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	long long end = now_ms() + CT_WAIT_MS;
	char stat[512];

	do {
		int ret = ct_proc_read(pid, "stat", stat, sizeof(stat));

		if (ret < 0)
			return ret;
		if (strstr(stat, ") Z "))
			return 0;
		nanosleep(&tick, NULL);
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

/**
 * ct_leaderless - make a child process whose first thread has exited
 * @cont: where it is
 * @tid: receives the id of its only thread, which waits
 *
 * Return: the process id, or -errno. It waits for being killed.
 */
pid_t ct_leaderless(const char *cont, pid_t *tid)
{
	int *word = ct_shared(sizeof(int));
	pid_t pid = ct_fork();
	pthread_t thread;
	int ret;

	if (!pid) {
		ret = ct_enter(cont);
		if (!ret)
			ret = -pthread_create(&thread, NULL, tell_and_wait,
					      word);
		if (ret)
			ct_futex_wake(word, ret);
		else
			ct_futex_wait(word, 0);
		/* Not exit(), which would end all threads. */
		syscall(SYS_exit, 0);
	}
	if (pid < 0)
		return -errno;
	ct_futex_wait(word, 0);
	*tid = *word;
	munmap(word, sizeof(int));
	ret = *tid < 0 ? *tid : wait_zombie(pid);
	if (ret)
		ct_kill(pid);
	return ret ? ret : pid;
}

/**
 * ct_call - call a function in a child process
 * @fn: the function
 * @arg: its argument
 *
 * For functions that change what cannot be changed back: credentials,
 * namespaces, memberships.
 *
 * Return: what @fn returned; -EPROTO if the child did not get that far.
 */
int ct_call(int (*fn)(void *arg), void *arg)
{
	int *ret = ct_shared(sizeof(int));
	int value, status;
	pid_t pid;

	*ret = -EPROTO;
	pid = ct_fork();
	if (!pid) {
		*ret = fn(arg);
		_exit(0);
	}
	status = pid < 0 ? -errno : ct_wait(pid);
	value = status ? -EPROTO : *ret;
	munmap(ret, sizeof(int));
	return value;
}

/**
 * ct_failing_clones - clone3(2) where it fails for reasons of its own
 * @count: how often, each
 *
 * Return: 0 if all failed as they should, else -EPROTO.
 */
int ct_failing_clones(int count)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t taken = 1;
	int ret = 0;

	while (count-- > 0) {
		/* A number that is in use. */
		args.set_tid = (unsigned long)&taken;
		args.set_tid_size = 1;
		if (syscall(SYS_clone3, &args, sizeof(args)) >= 0 ||
		    errno != EEXIST)
			ret = -EPROTO;
		args.set_tid_size = 0;
		args.set_tid = 0;
		/* A place for the descriptor that cannot be written to. */
		args.flags = CLONE_PIDFD;
		args.pidfd = 8;
		if (syscall(SYS_clone3, &args, sizeof(args)) >= 0 ||
		    errno != EFAULT)
			ret = -EPROTO;
		args.flags = 0;
		args.pidfd = 0;
	}
	return ret;
}

/**
 * ct_become - take another user's and group's ids, all three of each
 * @uid: for both
 *
 * Capabilities go with it. The process is still killed together with its
 * parent if it came from ct_fork().
 */
int ct_become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	return result(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

/**
 * ct_cpus - number of CPUs that are online
 */
int ct_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/*
 * Synchronisation
 */

/**
 * ct_shared - zeroed memory that is shared with later children
 * @size: in bytes
 */
void *ct_shared(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

/**
 * ct_futex_wait - wait until a word has another value
 * @word: may be in ct_shared() memory
 * @value: waits for as long as it has this one
 */
void ct_futex_wait(int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

/**
 * ct_futex_wake - give a word a value and wake all who wait at it
 * @word: may be in ct_shared() memory
 * @value: its new value
 */
void ct_futex_wake(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/*
 * Asynchronous things
 */

/**
 * ct_poll - wait for a file
 * @fd: the file
 * @events: as for poll(2)
 * @timeout_ms: how long at most
 *
 * Return: the events that are there, 0 when the time is over, or -errno.
 */
int ct_poll(int fd, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&pfd, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	return ret > 0 ? pfd.revents : result(ret);
}

/**
 * ct_wait_populated - wait for what "events" says
 * @cont: the container
 * @value: 0 or 1
 *
 * Return: 0, -errno, or -ETIMEDOUT.
 */
int ct_wait_populated(const char *cont, int value)
{
	long long end = now_ms() + CT_WAIT_MS, left;
	int fd = ct_open(cont, "events", O_RDONLY);
	char buf[256];
	int ret;

	if (fd < 0)
		return fd;
	for (;;) {
		ret = result(pread(fd, buf, sizeof(buf) - 1, 0));
		if (ret < 0)
			break;
		buf[ret] = '\0';
		ret = 0;
		if (strstr(buf, value ? "populated 1\n" : "populated 0\n"))
			break;
		ret = -ETIMEDOUT;
		left = end - now_ms();
		if (left <= 0)
			break;
		ct_poll(fd, POLLPRI, left);
	}
	close(fd);
	return ret;
}

/**
 * ct_wait_gone - wait until a container is removed by someone else
 * @cont: its path
 *
 * Return: 0, -errno, or -ETIMEDOUT.
 */
int ct_wait_gone(const char *cont)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	long long end = now_ms() + CT_WAIT_MS;
	struct stat st;

	while (!stat(cont, &st)) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		nanosleep(&tick, NULL);
	}
	return errno == ENOENT ? 0 : -errno;
}

/**
 * ct_agent_start - make a release agent
 * @agent: receives it; for ct_agent_end()
 * @name: tells it from others, at most 32 characters
 * @commands: shell commands to run before it tells of the call; its argument
 *	is "$1", and what they print is told in addition; may be ""
 */
int ct_agent_start(struct ct_agent *agent, const char *name,
		   const char *commands)
{
	const char *fifo = ct_path(CT_DIR "/%s.fifo", name);
	FILE *script;
	int ret;

	snprintf(agent->path, sizeof(agent->path), CT_DIR "/%s.agent", name);
	unlink(fifo);
	ret = result(mkfifo(fifo, 0600));
	if (ret)
		return ret;
	script = fopen(agent->path, "we");
	if (!script)
		return -errno;
	fprintf(script,
		"#!/bin/sh\nPATH=/bin:/sbin:/usr/bin:/usr/sbin\nexport PATH\n"
		"exec 1<>%s 2>&1\n%s\necho \"$1\"\n", fifo, commands);
	fchmod(fileno(script), 0755);
	fclose(script);
	/* For reading and writing: never at its end. */
	agent->fd = result(open(fifo, O_RDWR | O_CLOEXEC));
	return agent->fd < 0 ? agent->fd : 0;
}

/**
 * ct_agent_next - the next line that an agent has printed
 * @agent: the agent
 * @buf: receives it, without its newline
 * @len: of @buf
 * @timeout_ms: how long to wait for it; CT_WAIT_MS if it must come
 *
 * Return: 0, -errno, or -ETIMEDOUT.
 */
int ct_agent_next(struct ct_agent *agent, char *buf, size_t len,
		  int timeout_ms)
{
	size_t used = 0;
	int ret;

	for (;;) {
		ret = ct_poll(agent->fd, POLLIN, timeout_ms);
		if (ret <= 0)
			return ret ? ret : -ETIMEDOUT;
		if (read(agent->fd, buf + used, 1) != 1)
			return -errno;
		if (buf[used] == '\n')
			break;
		if (used + 1 < len)
			used++;
	}
	buf[used] = '\0';
	return 0;
}

/**
 * ct_agent_end - remove a release agent
 * @agent: from ct_agent_start()
 */
void ct_agent_end(struct ct_agent *agent)
{
	close(agent->fd);
	unlink(agent->path);
	strcpy(strrchr(agent->path, '.'), ".fifo");
	unlink(agent->path);
}
