// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: calls of all kinds on files and directories of containers, with
 * arguments of all kinds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "torture.h"

#define FUZZ_FDS	16

static struct {
	int fd;
	/* NR_FILES: no control file */
	unsigned int file;
	bool root;
} open_files[FUZZ_FDS];

static const char *const odd_names[] = {
	".", "..", "c0", "c1", "c2", "c3", "with space", "new\nline", "\xff\xfe", "\\", "tasks",
	"cpuset.cpus", "cpus", "a:b", "#", "%s%n", "c9", "c0/c1", "c0/..", "", "*",
};

static const char *fuzz_name(char *buf, size_t size)
{
	if (one_in(30)) {
		memset(buf, 'n', size - 1);
		buf[size - 1] = '\0';
		buf[one_in(2) ? 255 : 256] = '\0';
		return buf;
	}
	if (one_in(4))
		return odd_names[below(ARRAY_SIZE(odd_names))];
	snprintf(buf, size, "c%u", below(4));
	return buf;
}

/* A directory or file; which control file, or NR_FILES. */
static unsigned int fuzz_path(struct place *p)
{
	unsigned int f = NR_FILES;
	char name[300];

	if (one_in(3))
		pick_root(p);
	else
		pick(p);
	if (one_in(2)) {
		f = below(NR_FILES);
		if (one_in(2))
			pick_for(p, f);
		snprintf(name, sizeof(name), "/%s", files[f].name);
		/* As in a hierarchy without prefixes. */
		if (one_in(12) && !strncmp(name, "/cpuset.", 8))
			snprintf(name, sizeof(name), "/%s", files[f].name + 7);
		strncat(p->path, name, sizeof(p->path) - strlen(p->path) - 1);
	} else if (one_in(2)) {
		bool root = p->root;

		append(p, fuzz_name(name, sizeof(name)));
		/* ".." may be the root. */
		p->root = root || strstr(p->path, "..");
	}
	return f;
}

static void fuzz_open(void)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	static const int more[] = { O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW,
				    O_DIRECT, O_SYNC, O_NOATIME, O_TMPFILE, O_ASYNC };
	int flag = one_in(16) ? O_PATH : one_in(16) ? O_ACCMODE : flags[below(ARRAY_SIZE(flags))];
	unsigned int i = below(FUZZ_FDS), f;
	struct place p;

	f = fuzz_path(&p);
	flag |= O_NONBLOCK | O_CLOEXEC;
	while (one_in(6))
		flag |= more[below(ARRAY_SIZE(more))];
	if (open_files[i].fd >= 0)
		close(open_files[i].fd);
	open_files[i].fd = open(p.path, flag, 0644);
	open_files[i].file = f;
	open_files[i].root = p.root;
	did(OP_F_OPEN, open_files[i].fd, "%s %#x", p.path, flag);
}

/* Where a file that is open may be written to, and a text for it. */
static int fuzz_text(unsigned int i, char *buf, size_t size)
{
	unsigned int f = open_files[i].file;
	int len;

	/* Under another name it may be any file. */
	if (f == NR_FILES)
		return -1;
	len = make_text(buf, size, one_in(16) ? (enum kind)below(LIMIT + 1) : files[f].kind);
	if (one_in(2))
		buf[len++] = '\n';
	if (!(files[f].kind == SHARES && open_files[i].root))
		for (int n = below(4); n > 1; n--)
			len = mutate(buf, len, size - 1);
	return may_write(f, open_files[i].root, buf, len) ? len : -1;
}

static off_t fuzz_offset(void)
{
	static const off_t offsets[] = { 0, 1, 4095, 4096, 4097, 65536, -1, INT_MAX,
					 INT_MAX + 1LL, UINT_MAX, LLONG_MAX, LLONG_MIN };

	return one_in(2) ? below(100) : offsets[below(ARRAY_SIZE(offsets))];
}

static void fuzz_io(int fd, unsigned int i)
{
	static char buf[70000];
	struct { unsigned long ino; char rest[1000]; } dents;
	size_t size = one_in(4) ? below(sizeof(buf)) : below(200);
	void *bad = one_in(2) ? (void *)8 : (void *)(~0UL << 30);
	struct pollfd pfd = { .fd = fd, .events = next_random() };
	void *map;
	int len;

	switch (below(14)) {
	case 0:
	case 1:
	case 2:
		did(OP_F_READ, read(fd, one_in(40) ? bad : buf, size), "%zu", size);
		break;
	case 3:
		did(OP_F_READ, pread(fd, buf, size, fuzz_offset()), "%zu", size);
		break;
	case 4:
	case 5:
	case 6:
		len = fuzz_text(i, buf, sizeof(buf));
		if (len >= 0) {
			atomic_fetch_add(&shared->inputs, 1);
			did(OP_F_WRITE, one_in(4) ? pwrite(fd, buf, len, fuzz_offset()) :
			    write(fd, one_in(40) ? bad : buf, len), "%s: \"%.*s\"",
			    files[open_files[i].file].name, len > 200 ? 200 : len, buf);
		}
		break;
	case 7:
		did(OP_F_SEEK, lseek(fd, fuzz_offset(), below(6)), " ");
		break;
	case 8:
		did(OP_F_POLL, poll(&pfd, 1, 0), " ");
		break;
	case 9:
		did(OP_F_DENTS, syscall(SYS_getdents64, fd, &dents, below(sizeof(dents))), " ");
		break;
	case 10:
		map = mmap(NULL, 4096, below(8), one_in(2) ? MAP_SHARED : MAP_PRIVATE, fd,
			   below(3) * 4096);
		did(OP_F_MMAP, map == MAP_FAILED ? -1 : 0, " ");
		if (map != MAP_FAILED)
			munmap(map, 4096);
		break;
	case 11:
		did(OP_F_IOCTL, ioctl(fd, one_in(2) ? FIONREAD : next_random(), buf), " ");
		break;
	case 12:
		did(OP_F_FLOCK, flock(fd, LOCK_NB | (one_in(2) ? LOCK_UN : one_in(2) ? LOCK_SH :
						     LOCK_EX)), " ");
		break;
	default:
		did(OP_F_TRUNCATE, ftruncate(fd, fuzz_offset()), " ");
	}
}

/* Through a pipe, from or to a file. */
static void fuzz_splice(int fd, unsigned int i)
{
	char buf[4096];
	int pipes[2], null, len;

	if (did(OP_F_SPLICE, pipe2(pipes, O_NONBLOCK | O_CLOEXEC), "pipe"))
		return;
	if (one_in(2)) {
		did(OP_F_SPLICE, splice(fd, NULL, pipes[1], NULL, below(5000), SPLICE_F_NONBLOCK),
		    "out");
	} else if (one_in(2)) {
		len = fuzz_text(i, buf, sizeof(buf));
		if (len > 0 && write(pipes[1], buf, len) == len)
			did(OP_F_SPLICE, splice(pipes[0], NULL, fd, NULL, len, SPLICE_F_NONBLOCK),
			    "\"%.*s\"", len, buf);
	} else {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			did(OP_F_SPLICE, sendfile(null, fd, NULL, below(9000)), "sendfile");
		close(null);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void fuzz_xattr(const struct place *p, int fd)
{
	static const char *const names[] = { "user.x", "trusted.x", "security.x", "user.",
					     "system.posix_acl_access", "x", "user.long" };
	const char *name = names[below(ARRAY_SIZE(names))];
	char value[8192] = "";

	switch (below(4)) {
	case 0:
	case 1:
		did(OP_F_XATTR, one_in(2) ?
		    setxattr(p->path, name, value, below(one_in(8) ? 8192 : 64), below(3)) :
		    fsetxattr(fd, name, value, below(64), below(3)), "set %s", name);
		break;
	case 2:
		did(OP_F_XATTR, one_in(2) ? getxattr(p->path, name, value, below(100)) :
		    listxattr(p->path, value, below(100)), "get %s", name);
		break;
	default:
		did(OP_F_XATTR, removexattr(p->path, name), "remove %s", name);
	}
}

static void fuzz_tree(const struct place *p, int fd)
{
	struct {
		struct file_handle handle;
		char space[MAX_HANDLE_SZ];
	} h = { .handle.handle_bytes = below(MAX_HANDLE_SZ) };
	char name[300], to[900];
	struct statfs statfs_buf;
	struct stat stat_buf;
	uint32_t mask;
	int id, ret;

	snprintf(to, sizeof(to), "%s", p->path);
	snprintf(strrchr(to, '/'), sizeof(to) - strlen(to), "/%s", fuzz_name(name, sizeof(name)));
	switch (below(17)) {
	case 0:
	case 1:
		did(OP_F_MKDIR, mkdir(p->path, next_random() & 07777), "%s", p->path);
		break;
	case 2:
		did(OP_F_RMDIR, rmdir(p->path), "%s", p->path);
		break;
	case 3:
		did(OP_F_RENAME, syscall(SYS_renameat2, AT_FDCWD, p->path, AT_FDCWD, to,
					 one_in(8) ? below(8) : 0), "%s to %s", p->path, to);
		break;
	case 4:
		did(OP_F_UNLINK, unlink(p->path), "%s", p->path);
		break;
	case 5:
		ret = one_in(3) ? link(p->path, to) : one_in(2) ? symlink(p->path, to) :
			mknod(to, S_IFIFO | 0644, 0);
		did(OP_F_LINK, ret, "%s to %s", p->path, to);
		break;
	case 6:
		ret = one_in(2) ? chmod(p->path, next_random() & 07777) : fchmod(fd, 0644);
		did(OP_F_CHMOD, ret, "%s", p->path);
		break;
	case 7:
		ret = one_in(2) ? chown(p->path, one_in(2) ? 0 : NOBODY, -1) : fchown(fd, 0, 0);
		did(OP_F_CHOWN, ret, "%s", p->path);
		break;
	case 8:
	case 9:
		fuzz_xattr(p, fd);
		break;
	case 10:
		ret = one_in(2) ? statfs(p->path, &statfs_buf) : fstatfs(fd, &statfs_buf);
		did(OP_F_STATFS, ret, "%s", p->path);
		break;
	case 11:
		ret = name_to_handle_at(AT_FDCWD, p->path, &h.handle, &id, 0);
		if (!did(OP_F_HANDLE, ret, "%s", p->path)) {
			id = open_by_handle_at(fd, &h.handle, O_PATH | O_CLOEXEC);
			if (!did(OP_F_HANDLE, id, "open"))
				close(id);
		}
		break;
	case 12:
		id = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		mask = IN_MODIFY | (one_in(8) ? next_random() : next_random() & IN_ALL_EVENTS);
		if (id >= 0)
			did(OP_F_INOTIFY, inotify_add_watch(id, p->path, mask), "%s", p->path);
		close(id);
		break;
	case 13:
		ret = one_in(2) ? stat(p->path, &stat_buf) : fstat(fd, &stat_buf);
		did(OP_F_STAT, ret, "%s", p->path);
		break;
	case 14:
		did(OP_F_TRUNCATE, truncate(p->path, fuzz_offset()), "%s", p->path);
		break;
	case 15:
		did(OP_F_UTIMES, one_in(2) ? utimensat(AT_FDCWD, p->path, NULL, 0) :
		    futimens(fd, NULL), "%s", p->path);
		break;
	default:
		did(OP_F_ACCESS, access(p->path, below(8)), "%s", p->path);
	}
}

void fuzz(void)
{
	unsigned int i = below(FUZZ_FDS);
	static bool started;
	struct place p;

	for (int n = 0; !started && n < FUZZ_FDS; n++)
		open_files[n].fd = -1;
	started = true;
	atomic_fetch_add(&shared->calls, 1);
	switch (below(11)) {
	case 0:
	case 1:
	case 2:
		fuzz_open();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		if (open_files[i].fd < 0 && !one_in(20))
			fuzz_open();
		else
			fuzz_io(open_files[i].fd, i);
		break;
	case 7:
		if (one_in(3))
			fuzz_splice(open_files[i].fd, i);
		else if (one_in(8))
			mounter();
		else
			directories();
		break;
	case 8:
		if (open_files[i].fd < 0 && !one_in(20))
			return;
		did(OP_F_CLOSE, close(open_files[i].fd), " ");
		open_files[i].fd = -1;
		break;
	default:
		fuzz_path(&p);
		fuzz_tree(&p, open_files[i].fd);
	}
}
