// SPDX-License-Identifier: GPL-2.0
/*
 * Control files: what they hold and accept, and that no read, write, offset
 * or length does harm. Where a test speaks of every file, it is every file of
 * the core and of all subsystems, in a root container and in another.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/acct.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "../kselftest_harness.h"
#include "containers_util.h"

#define T	CT_DIR "/t"
#define A	T "/a"

#define LONG_TIMEOUT	300
#define MAX_FILES	256
#define MAX_TEXT	65536

FIXTURE(files)
{
	/* Every file there is, and which of them have a mode for writing. */
	char file[MAX_FILES][NAME_MAX + 32];
	bool writable[MAX_FILES];
	int count;
	char before[MAX_TEXT];
	char after[MAX_TEXT];
};

/* Is this text one that changes by itself? Threads of the kernel come and go. */
static bool changes(const char *path)
{
	return strstr(path, "/cpuacct.") || !strcmp(path, T "/tasks") ||
	       !strcmp(path, T "/procs");
}

/* The tree of all tests: T, with all subsystems, and a, with a member. */
FIXTURE_SETUP(files)
{
	static const char *const dirs[] = { T, A };
	struct dirent *entry;
	struct stat st;
	unsigned int i;
	DIR *dir;

	ASSERT_EQ(0, ct_setup());
	ASSERT_EQ(0, ct_mount("all", T));
	ASSERT_EQ(0, ct_mkdir(A));
	ASSERT_EQ(0, ct_write(A, "cpuset.cpus", "0-1"));
	ASSERT_EQ(0, ct_write(A, "cpuset.mems", "0"));
	ASSERT_LT(0, ct_sleeper(A));

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		dir = opendir(dirs[i]);
		ASSERT_NE(NULL, dir);
		while ((entry = readdir(dir))) {
			if (entry->d_type != DT_REG)
				continue;
			ASSERT_GT(MAX_FILES, self->count);
			snprintf(self->file[self->count],
				 sizeof(self->file[0]), "%s/%s", dirs[i],
				 entry->d_name);
			ASSERT_EQ(0, stat(self->file[self->count], &st));
			self->writable[self->count++] = st.st_mode & 0222;
		}
		closedir(dir);
	}
	/* 7 of the core in the root, 6 in a; each subsystem has some. */
	ASSERT_LT(13 + 2 * 3, self->count);
}

FIXTURE_TEARDOWN_PARENT(files)
{
	EXPECT_EQ(0, ct_reset());
}

static int read_path(const char *path, char *buf)
{
	return ct_read(ct_path("%.*s", (int)(strrchr(path, '/') - path), path),
		       strrchr(path, '/') + 1, buf, MAX_TEXT);
}

/* One write(2) to a file; the number of bytes, or -errno. */
static long write_path(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, data, len);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/*
 * All files
 */

/* What has no mode for it cannot be opened for writing, not even by root. */
TEST_F(files, read_only)
{
	int i, writable = 0;

	for (i = 0; i < self->count; i++) {
		writable += self->writable[i];
		if (!self->writable[i])
			EXPECT_GT(0, open(self->file[i], O_WRONLY))
				TH_LOG("%s", self->file[i]);
	}
	/* notify_on_release, auto_delete, tasks, procs and kill at least. */
	EXPECT_LT(2 * 5, writable);
	EXPECT_LT(writable, self->count);
}

/* Hole 34: a write of no bytes does nothing. */
TEST_F(files, write_nothing)
{
	int i, had;
	long ret;

	for (i = 0; i < self->count; i++) {
		if (!self->writable[i])
			continue;
		had = read_path(self->file[i], self->before);
		ret = write_path(self->file[i], "", 0);
		EXPECT_TRUE(ret == 0 || ret == -EINVAL)
			TH_LOG("%s: %ld", self->file[i], ret);
		if (had < 0 || changes(self->file[i]))
			continue;
		EXPECT_EQ(had, read_path(self->file[i], self->after));
		EXPECT_STREQ(self->before, self->after);
	}
}

/*
 * Hole 36: writes of any length and content that make no sense anywhere are
 * refused, and change nothing. A release agent's path may be long.
 */
TEST_F_TIMEOUT(files, write_garbage, LONG_TIMEOUT)
{
	static const size_t lengths[] = {
		1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
		1023, 1024, 4094, 4095, 4096, 4097, 8191, 8192, 65536, 1 << 20,
	};
	char *garbage = malloc(1 << 20);
	unsigned int j;
	int i, had;
	long ret;

	memset(garbage, 'x', 1 << 20);
	for (i = 0; i < self->count; i++) {
		bool agent = strstr(self->file[i], "/release_agent");

		if (!self->writable[i])
			continue;
		had = read_path(self->file[i], self->before);
		for (j = 0; j < ARRAY_SIZE(lengths); j++) {
			ret = write_path(self->file[i], garbage, lengths[j]);
			if (agent && lengths[j] < PATH_MAX) {
				EXPECT_EQ((long)lengths[j], ret);
				continue;
			}
			EXPECT_GT(0, ret)
				TH_LOG("%s took %zu bytes", self->file[i],
				       lengths[j]);
		}
		if (agent || had < 0 || changes(self->file[i]))
			continue;
		EXPECT_EQ(had, read_path(self->file[i], self->after));
		EXPECT_STREQ(self->before, self->after)
			TH_LOG("%s has changed", self->file[i]);
	}
	free(garbage);
}

/* The same for texts with NULs in them, bytes above 127, and blanks alone. */
TEST_F(files, write_odd_text)
{
	static const struct {
		const char *text;
		size_t len;
	} odd[] = {
#define ODD(text) { text, sizeof(text) - 1 }
		ODD("\0"), ODD("0\0"), ODD("1\0"), ODD("1\0\n"), ODD("0\0000"),
		ODD("\n\0"), ODD("\0\n"), ODD("\0001"),
		ODD("1\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0"),
#undef ODD
	};
	unsigned int j;
	int i, had;

	for (i = 0; i < self->count; i++) {
		if (!self->writable[i])
			continue;
		had = read_path(self->file[i], self->before);
		for (j = 0; j < ARRAY_SIZE(odd); j++)
			EXPECT_EQ(-EINVAL, write_path(self->file[i],
						      odd[j].text, odd[j].len))
				TH_LOG("%s took odd text %u", self->file[i], j);
		if (!strstr(self->file[i], "/release_agent")) {
			EXPECT_GT(0, write_path(self->file[i], "\xff\xfe", 2))
				TH_LOG("%s", self->file[i]);
			EXPECT_GT(0, write_path(self->file[i],
						"\xc3\xa9\xe2\x82\xac", 5))
				TH_LOG("%s", self->file[i]);
		}
		if (had < 0 || changes(self->file[i]))
			continue;
		EXPECT_EQ(had, read_path(self->file[i], self->after));
		EXPECT_STREQ(self->before, self->after)
			TH_LOG("%s has changed", self->file[i]);
	}
}

/* Their owner may permit himself what there is no handler for: it is an error. */
TEST_F(files, permissions_beyond_handlers)
{
	struct stat st;
	int i, len;

	for (i = 0; i < self->count; i++) {
		ASSERT_EQ(0, stat(self->file[i], &st));
		ASSERT_EQ(0, chmod(self->file[i], 0666));
		len = read_path(self->file[i], self->before);
		if (st.st_mode & 0400) {
			EXPECT_LE(0, len) TH_LOG("%s", self->file[i]);
		} else {
			EXPECT_EQ(-EINVAL, len) TH_LOG("%s", self->file[i]);
		}
		if (!(st.st_mode & 0200)) {
			EXPECT_EQ(-EINVAL, write_path(self->file[i], "0", 1))
				TH_LOG("%s", self->file[i]);
		}
		ASSERT_EQ(0, chmod(self->file[i], st.st_mode & 07777));
	}
}

/* A text that reaches into a page that is not there: EFAULT. */
TEST_F(files, write_short_page)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, had;
	long ret;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + 4096, 4096));
	memset(page, '1', 4096);
	for (i = 0; i < self->count; i++) {
		if (!self->writable[i])
			continue;
		had = read_path(self->file[i], self->before);
		ret = write_path(self->file[i], page + 4095, 10);
		EXPECT_EQ(-EFAULT, ret) TH_LOG("%s", self->file[i]);
		ret = write_path(self->file[i], page + 4096, 10);
		EXPECT_EQ(-EFAULT, ret) TH_LOG("%s", self->file[i]);
		if (had < 0 || changes(self->file[i]))
			continue;
		EXPECT_EQ(had, read_path(self->file[i], self->after));
		EXPECT_STREQ(self->before, self->after);
	}
	munmap(page, 4096);
}

/*
 * Hole 27: nothing that is written is taken for a descriptor, be it of a file that
 * could tell of events or of one of these here.
 */
TEST_F(files, no_descriptors)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), high, own, i;
	uint64_t count;

	ASSERT_LE(0, event);
	/* Numbers that are neither of a CPU nor of a node. */
	high = fcntl(event, F_DUPFD_CLOEXEC, 600);
	ASSERT_LE(600, high);
	for (i = 0; i < self->count; i++) {
		const char *text;

		if (!self->writable[i])
			continue;
		/* The file itself, as the one whose events one asks for. */
		own = open(self->file[i], O_WRONLY | O_CLOEXEC);
		ASSERT_LE(0, own);
		ASSERT_EQ(700, fcntl(own, F_DUPFD_CLOEXEC, 700));
		close(own);
		text = ct_path("%d 700 1", high);
		if (strstr(self->file[i], "/release_agent")) {
			close(700);
			continue;
		}
		EXPECT_GT(0, write_path(self->file[i], text, strlen(text)))
			TH_LOG("%s took '%s'", self->file[i], text);
		close(700);
	}
	/* Nobody has it but we, and nobody has told it anything. */
	ASSERT_LT(0, ct_sleeper(A));
	ASSERT_EQ(0, ct_write(A, "kill", "1"));
	EXPECT_EQ(0, ct_wait_populated(A, 0));
	EXPECT_EQ(-1, read(event, &count, sizeof(count)));
	EXPECT_EQ(EAGAIN, errno);
	close(high);
	close(event);
}

/* Hole 33: reading beyond the end, far beyond, and before the beginning. */
TEST_F(files, read_at_wild_offsets)
{
	int i, len, fd, rw;
	unsigned int j;

	for (i = 0; i < self->count; i++) {
		len = read_path(self->file[i], self->before);
		if (len < 0)
			continue;
		for (rw = 0; rw < 2; rw++) {
			const off_t offsets[] = {
				len, len + 1, len + 4095, 1 << 16,
				1LL << 31, (1LL << 31) + 1, (1LL << 32) - 1,
				1LL << 32, 1LL << 40, 1LL << 62,
			};

			fd = open(self->file[i], rw ? O_RDWR : O_RDONLY);
			if (fd < 0 && rw)
				continue;
			ASSERT_LE(0, fd);
			for (j = 0; j < ARRAY_SIZE(offsets); j++) {
				if (changes(self->file[i]) &&
				    offsets[j] < MAX_TEXT)
					continue;
				EXPECT_EQ(0, pread(fd, self->after, 4096,
						   offsets[j]))
					TH_LOG("%s at %lld", self->file[i],
					       (long long)offsets[j]);
				if (lseek(fd, offsets[j], SEEK_SET) < 0)
					continue;
				EXPECT_EQ(0, read(fd, self->after, 4096));
			}
			EXPECT_EQ(-1, pread(fd, self->after, 1, -1));
			EXPECT_EQ(EINVAL, errno);
			EXPECT_EQ(-1, lseek(fd, -1, SEEK_SET));
			/* And it can be read from its beginning after that. */
			memset(self->after, 0, 8192);
			if (changes(self->file[i])) {
				EXPECT_LT(0, pread(fd, self->after, 8191, 0));
			} else {
				EXPECT_EQ(len > 8191 ? 8191 : len,
					  pread(fd, self->after, 8191, 0));
			}
			close(fd);
		}
	}
}

/* Read so many bytes, or up to the end. */
static int read_piece(int fd, char *buf, int size)
{
	while (size > 0) {
		int len = read(fd, buf, size);

		if (len <= 0)
			return len ? -errno : 0;
		buf += len;
		size -= len;
	}
	return 0;
}

/* Hole 65: read byte by byte, or in pieces with lseek, it is the same. */
TEST_F_TIMEOUT(files, read_in_pieces, LONG_TIMEOUT)
{
	int i, len, fd, size, n;
	pid_t tid[200];

	/* Some members to show, in tasks and in procs. */
	ASSERT_LT(0, ct_process(A, 200, tid));
	for (i = 0; i < 50; i++)
		ASSERT_LT(0, ct_sleeper(A));

	for (i = 0; i < self->count; i++) {
		if (changes(self->file[i]))
			continue;
		len = read_path(self->file[i], self->before);
		if (len < 0)
			continue;
		fd = open(self->file[i], O_RDONLY);
		ASSERT_LE(0, fd);
		for (size = 1; size < 10; size += 2) {
			memset(self->after, 0, len + 16);
			ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
			n = 0;
			while (read(fd, self->after + n, size) > 0)
				n += size;
			EXPECT_STREQ(self->before, self->after)
				TH_LOG("%s by %d", self->file[i], size);
			/* dd skip=, from the end to the beginning. */
			memset(self->after, 0, len + 16);
			for (n = len / (7 * size) * 7 * size; n >= 0;
			     n -= 7 * size) {
				ASSERT_EQ(n, lseek(fd, n, SEEK_SET));
				ASSERT_EQ(0, read_piece(fd, self->after + n,
							7 * size));
			}
			EXPECT_STREQ(self->before, self->after)
				TH_LOG("%s in pieces", self->file[i]);
		}
		close(fd);
	}
}

/* Hole 65: at its end a file stays at its end, however often it is read. */
TEST_F(files, read_at_end)
{
	int i, j, fd;

	for (i = 0; i < self->count; i++) {
		fd = open(self->file[i], O_RDONLY);
		if (fd < 0)
			continue;
		while (read(fd, self->after, 512) > 0)
			;
		for (j = 0; j < 3; j++)
			EXPECT_EQ(0, read(fd, self->after, 512));
		EXPECT_LT(0, lseek(fd, 0, SEEK_CUR));
		close(fd);
	}
}

/* A buffer that cannot be written to: EFAULT, and no bytes are lost. */
TEST_F(files, read_bad_buffer)
{
	char *nowhere = mmap(NULL, 4096, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, len, fd;

	ASSERT_NE(MAP_FAILED, nowhere);
	for (i = 0; i < self->count; i++) {
		len = read_path(self->file[i], self->before);
		if (len <= 0)
			continue;
		fd = open(self->file[i], O_RDONLY);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-1, read(fd, nowhere, 4096));
		EXPECT_EQ(EFAULT, errno) TH_LOG("%s", self->file[i]);
		close(fd);
	}
}

/* Every file of a removed container, opened before: ENODEV, read or write. */
TEST_F(files, removed_container)
{
	int fd[MAX_FILES], i, j, count = 0;
	char byte;

	ASSERT_EQ(0, ct_mkdir(T "/x"));
	for (i = 0; i < self->count; i++) {
		const char *path = ct_path(T "/x/%s",
					   strrchr(self->file[i], '/') + 1);

		if (strncmp(self->file[i], A "/", strlen(A "/")))
			continue;
		for (j = 0; j < 2; j++) {
			fd[count] = open(path, j ? O_WRONLY : O_RDONLY);
			if (fd[count] >= 0)
				count++;
		}
	}
	ASSERT_LT(10, count);
	ASSERT_EQ(0, ct_rmdir(T "/x"));
	for (i = 0; i < count; i++) {
		int flags = fcntl(fd[i], F_GETFL) & O_ACCMODE;

		errno = 0;
		if (flags == O_WRONLY) {
			EXPECT_EQ(-1, write(fd[i], "1", 1));
			EXPECT_EQ(ENODEV, errno);
			continue;
		}
		EXPECT_EQ(-1, read(fd[i], &byte, 1));
		EXPECT_EQ(ENODEV, errno);
		EXPECT_EQ(-1, pread(fd[i], &byte, 1, 1000));
		EXPECT_EQ(ENODEV, errno);
	}
	for (i = 0; i < count; i++)
		EXPECT_EQ(0, close(fd[i]));
}

/* Shells open with O_TRUNC and O_CREAT, and append: all of it is harmless. */
TEST_F(files, open_flags)
{
	static const int flags[] = {
		O_WRONLY | O_TRUNC, O_WRONLY | O_CREAT | O_TRUNC,
		O_WRONLY | O_APPEND, O_RDWR, O_WRONLY | O_SYNC,
	};
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = open(A "/notify_on_release", flags[i], 0644);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, ct_fd_write(fd, i % 2 ? "0\n" : "1\n"));
		close(fd);
		EXPECT_EQ(1 - i % 2, ct_read_num(A, "notify_on_release"));
	}
}

/* Nothing but containers can be made there, and no file removed or linked. */
TEST_F(files, no_other_files)
{
	EXPECT_EQ(-1, open(A "/new", O_WRONLY | O_CREAT, 0644));
	EXPECT_EQ(-1, unlink(A "/tasks"));
	EXPECT_EQ(-1, rmdir(A "/tasks"));
	EXPECT_EQ(ENOTDIR, errno);
	EXPECT_EQ(-1, mkdir(A "/tasks", 0755));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(-1, link(A "/tasks", A "/link"));
	EXPECT_EQ(-1, symlink("tasks", A "/link"));
	EXPECT_EQ(-1, mknod(A "/pipe", S_IFIFO | 0644, 0));
	EXPECT_EQ(-1, truncate(A "/tasks", 100) ? -1 : access(A "/new", F_OK));
	EXPECT_EQ(1, ct_count(A, "tasks"));
}

/* A mode and an owner that were given to a file stay there. */
TEST_F(files, mode_and_owner)
{
	struct stat st;

	ASSERT_EQ(0, stat(A "/tasks", &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0644, st.st_mode & 07777);
	ASSERT_EQ(0, chmod(A "/tasks", 0660));
	ASSERT_EQ(0, chown(A "/tasks", CT_UID, CT_UID2));
	ASSERT_EQ(0, ct_umount(T));
	ASSERT_EQ(0, ct_mount("all", T));
	ASSERT_EQ(0, stat(A "/tasks", &st));
	EXPECT_EQ(CT_UID, st.st_uid);
	EXPECT_EQ(CT_UID2, st.st_gid);
	EXPECT_EQ(0660, st.st_mode & 07777);
}

/*
 * Extended attributes, for who tags containers. Those of users are memory that
 * nobody is charged for (hole 38).
 */
TEST_F(files, xattrs)
{
	char value[16];

	EXPECT_EQ(0, setxattr(A, "trusted.test", "abc", 3, 0));
	EXPECT_EQ(3, getxattr(A, "trusted.test", value, sizeof(value)));
	EXPECT_EQ(0, memcmp(value, "abc", 3));
	EXPECT_EQ(0, removexattr(A, "trusted.test"));
	EXPECT_EQ(-1, getxattr(A, "trusted.test", value, sizeof(value)));
	EXPECT_EQ(ENODATA, errno);
	EXPECT_EQ(-1, setxattr(A, "user.test", "defg", 4, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, setxattr(A "/tasks", "user.test", "defg", 4, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

/* Hole 31: process accounting into a control file by tasks that exit. */
TEST_F(files, accounting_into_a_file)
{
	static const char *const files[] = {
		A "/tasks", A "/procs", A "/notify_on_release",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		/* Whether it is taken or not: nothing comes of it. */
		if (!acct(files[i])) {
			ct_kill(ct_sleeper(NULL));
			ct_kill(ct_sleeper(A));
			ASSERT_EQ(0, acct(NULL));
		}
		EXPECT_EQ(1, ct_count(A, "tasks"));
		EXPECT_EQ(0, ct_read_num(A, "notify_on_release"));
	}
}

/* Hole 28: handles of directories and files lead to what they are, or fail. */
TEST_F(files, file_handles)
{
	struct {
		struct file_handle head;
		char data[MAX_HANDLE_SZ];
	} dir, file;
	int mount = open(T, O_RDONLY | O_DIRECTORY), id, fd;
	struct stat st;

	ASSERT_LE(0, mount);
	dir.head.handle_bytes = MAX_HANDLE_SZ;
	file.head.handle_bytes = MAX_HANDLE_SZ;
	ASSERT_EQ(0, ct_mkdir(T "/x"));
	/* The file system may not have handles at all. */
	if (name_to_handle_at(AT_FDCWD, T "/x", &dir.head, &id, 0)) {
		EXPECT_EQ(EOPNOTSUPP, errno);
		close(mount);
		return;
	}
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, T "/x/tasks", &file.head, &id,
				       0));
	fd = open_by_handle_at(mount, &dir.head, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	close(fd);
	fd = open_by_handle_at(mount, &file.head, O_RDONLY);
	if (fd >= 0) {
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_TRUE(S_ISREG(st.st_mode));
		close(fd);
	}
	ASSERT_EQ(0, ct_rmdir(T "/x"));
	EXPECT_EQ(-1, open_by_handle_at(mount, &dir.head, O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open_by_handle_at(mount, &file.head, O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
	close(mount);
}

/* A handle as these trees make them where they do: the id of a node. */
static int open_forged(int mount, const char *path)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = {
		.head.handle_bytes = sizeof(handle.id),
		.head.handle_type = 0xfe,	/* FILEID_KERNFS */
	};
	struct stat st;

	if (stat(path, &st))
		return -1;
	handle.id = st.st_ino;
	return open_by_handle_at(mount, &handle.head, O_RDONLY);
}

/* Hole 28: ids of directories and of files, and what is no id, lead nowhere. */
TEST_F(files, forged_handles)
{
	int mount = open(T, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;

	ASSERT_LE(0, mount);
	for (i = 0; i < self->count; i++) {
		EXPECT_EQ(-1, open_forged(mount, self->file[i]))
			TH_LOG("%s", self->file[i]);
		EXPECT_EQ(ESTALE, errno);
	}
	EXPECT_EQ(-1, open_forged(mount, A));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open_forged(mount, "/proc/self"));
	EXPECT_EQ(ESTALE, errno);
	close(mount);
}

/*
 * The flags notify_on_release and auto_delete
 */

/* 0 or 1, with or without a newline; anything else is EINVAL. */
TEST_F(files, flags)
{
	static const char *const files[] = {
		"notify_on_release", "auto_delete"
	};
	static const char *const wrong[] = {
		"2", "-1", "x", "1x", "1 0", "", "\n", "10", "4294967296",
		"4294967297", "18446744073709551616", "true",
	};
	unsigned int i, j;

	ASSERT_EQ(0, ct_mkdir(T "/x"));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		EXPECT_EQ(0, ct_read_num(T "/x", files[i]));
		EXPECT_EQ(0, ct_write(T "/x", files[i], "1"));
		EXPECT_EQ(1, ct_read_num(T "/x", files[i]));
		EXPECT_EQ(0, ct_write(T "/x", files[i], "0\n"));
		EXPECT_EQ(0, ct_read_num(T "/x", files[i]));
		EXPECT_EQ(0, ct_write(T "/x", files[i], "1\n"));
		EXPECT_EQ(1, ct_read_num(T "/x", files[i]));
		for (j = 0; j < ARRAY_SIZE(wrong); j++) {
			EXPECT_EQ(-EINVAL, ct_write_bytes(T "/x", files[i],
							  wrong[j],
							  strlen(wrong[j])))
				TH_LOG("'%s' in %s", wrong[j], files[i]);
			EXPECT_EQ(1, ct_read_num(T "/x", files[i]));
		}
		EXPECT_EQ(0, ct_write(T "/x", files[i], "0"));
	}
}

/* A new container starts with its parent's notify_on_release. */
TEST_F(files, notify_on_release_is_inherited)
{
	ASSERT_EQ(0, ct_mkdir(T "/x"));
	ASSERT_EQ(0, ct_mkdir(T "/x/no"));
	ASSERT_EQ(0, ct_write(T "/x", "notify_on_release", "1"));
	ASSERT_EQ(0, ct_mkdir(T "/x/yes"));
	EXPECT_EQ(0, ct_read_num(T "/x/no", "notify_on_release"));
	EXPECT_EQ(1, ct_read_num(T "/x/yes", "notify_on_release"));
	ASSERT_EQ(0, ct_write(T "/x", "notify_on_release", "0"));
	EXPECT_EQ(1, ct_read_num(T "/x/yes", "notify_on_release"));
	ASSERT_EQ(0, ct_mkdir(T "/x/yes/yes"));
	EXPECT_EQ(1, ct_read_num(T "/x/yes/yes", "notify_on_release"));
}

/*
 * release_agent
 */

/* A path up to PATH_MAX - 1, empty for none, with or without a newline. */
TEST_F(files, release_agent)
{
	char path[PATH_MAX + 2];

	ASSERT_LE(0, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_STREQ("\n", self->after);
	ASSERT_EQ(0, ct_write(T, "release_agent", "/bin/one"));
	ASSERT_LT(0, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_STREQ("/bin/one\n", self->after);
	ASSERT_EQ(0, ct_write(T, "release_agent", "/bin/two words\n"));
	ASSERT_LT(0, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_STREQ("/bin/two words\n", self->after);

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[PATH_MAX - 1] = '\0';
	ASSERT_EQ(0, ct_write(T, "release_agent", path));
	ASSERT_EQ(PATH_MAX, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_EQ(0, memcmp(path, self->after, PATH_MAX - 1));
	/* The newline does not count. */
	path[1] = 'q';
	path[PATH_MAX - 1] = '\n';
	path[PATH_MAX] = '\0';
	ASSERT_EQ(0, ct_write(T, "release_agent", path));
	ASSERT_EQ(PATH_MAX, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_EQ(0, memcmp(path, self->after, PATH_MAX - 1));

	/* One byte more is refused, and the old one stays. */
	memset(path, 'r', sizeof(path));
	EXPECT_GT(0, ct_write_bytes(T, "release_agent", path, PATH_MAX));
	EXPECT_GT(0, ct_write_bytes(T, "release_agent", path, PATH_MAX + 1));
	ASSERT_EQ(PATH_MAX, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_EQ('q', self->after[1]);

	ASSERT_EQ(0, ct_write(T, "release_agent", "\n"));
	ASSERT_LE(0, ct_read(T, "release_agent", self->after, MAX_TEXT));
	EXPECT_STREQ("\n", self->after);
}

/*
 * events and kill
 */

/* events is not for writing, kill not for reading. */
TEST_F(files, one_way_files)
{
	char byte;
	int fd;

	EXPECT_GT(0, ct_write(A, "events", "populated 0"));
	EXPECT_EQ(1, ct_read_key(A, "events", "populated"));
	ASSERT_LT(0, ct_read(A, "events", self->after, MAX_TEXT));
	EXPECT_STREQ("populated 1\n", self->after);
	fd = ct_open(A, "kill", O_RDONLY);
	if (fd >= 0) {
		EXPECT_EQ(-1, read(fd, &byte, 1));
		close(fd);
	}
}

/* Nothing but 1 kills. */
TEST_F(files, kill_values)
{
	static const char *const wrong[] = {
		"0", "2", "-1", "9", "x", "1x", "1 1", "\n", "11",
		"4294967297",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, ct_write(A, "kill", wrong[i]))
			TH_LOG("value %u", i);
	EXPECT_EQ(1, ct_count(A, "tasks"));
	EXPECT_EQ(0, ct_write(A, "kill", "1\n"));
	EXPECT_EQ(256 + SIGKILL, ct_wait(-1));
}

TEST_HARNESS_MAIN
