/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the torture share. */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TOP		"/tort"
#define CGROUPS		TOP "/cg"
#define SHARED_FILE	"/dev/shm/torture"
#define PARAMETERS	"/sys/module/numtasks/parameters/"
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu%d/online"
#define CPUS		4
#define NODES		4
#define NOBODY		65534
/* Tasks that there may be in all. */
#define TOTAL		1000
#define NR_ERRNO	134
#define VICTIMS		128
#define SLOTS		48
#define MAX_SUBSYS	16
#define FAILURES_TOLD	100
/* A worker that does nothing for so long hangs. */
#define PROGRESS_MS	60000
/* What the kernel does in the background is over after so long. */
#define SETTLE_MS	30000
#define PF_KTHREAD	0x00200000

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What kind of text a control file takes. */
enum kind {
	READ_ONLY, PID, FLAG, ONE, AGENT, CPULIST, NODELIST, LEVEL, ZERO, SHARES,
	STATS, LIMIT,
};

#define NR_FILES	36

extern const struct control_file {
	const char *name;
	enum kind kind;
	const short *errors;
} files[NR_FILES];

/* Operations that are counted. */
enum op {
	OP_FORK, OP_THREAD, OP_EXEC, OP_UNSHARE, OP_CLONE, OP_MKDIR, OP_RMDIR, OP_RENAME,
	OP_MOUNT, OP_REMOUNT, OP_UMOUNT, OP_OPEN, OP_READ, OP_PROC, OP_EVENT,
	OP_MEMPOLICY, OP_AFFINITY, OP_DEADLINE, OP_HOTPLUG, OP_PARAMETER, OP_PASS, OP_HOLD,
	OP_AGENT, OP_CG_DIRECTORY, OP_CG_WRITE, OP_CG_FORK,
	/* The fuzzer's, beside those that are also above. */
	OP_F_OPEN, OP_F_READ, OP_F_WRITE, OP_F_SEEK, OP_F_POLL, OP_F_STAT, OP_F_DENTS,
	OP_F_MKDIR, OP_F_RMDIR, OP_F_RENAME, OP_F_UNLINK, OP_F_LINK, OP_F_CHMOD, OP_F_CHOWN,
	OP_F_XATTR, OP_F_STATFS, OP_F_HANDLE, OP_F_INOTIFY, OP_F_SPLICE, OP_F_MMAP,
	OP_F_IOCTL, OP_F_FLOCK, OP_F_TRUNCATE, OP_F_CLOSE, OP_F_UTIMES, OP_F_ACCESS,
	/* Then one for writing to each file. */
	OP_WRITE,
};

#define NR_OPS		(OP_WRITE + NR_FILES)

/* In memory that all processes share. */
struct shared {
	atomic_int stop;
	atomic_int failures;
	atomic_ulong operations;
	atomic_ulong inputs;
	atomic_ulong calls;
	atomic_int victim[VICTIMS];
	/* Mounts on each other at TOP/m*; about. */
	atomic_int stacked[3];
	unsigned long long seed;
	int round;
	/* Which of TOP/h0 and h1 a subsystem is in, or -1. */
	int nr_subsys;
	struct {
		char name[32];
		int place;
	} subsys[MAX_SUBSYS];
	/* By slot: when something was done last. */
	atomic_ullong progress[SLOTS];
	/* By kind of worker, operation, and errno. */
	atomic_uint count[24][NR_OPS][NR_ERRNO];
};

extern struct shared *shared;
extern __thread uint64_t rng;
extern int my_kind, my_slot;
extern const char *my_name;

/* A directory; that of a root container? */
struct place {
	char path[512];
	bool root;
};

/* common.c */
uint64_t mix(uint64_t z);
uint64_t next_random(void);
unsigned int below(unsigned int n);
bool one_in(unsigned int n);
unsigned long long now_ms(void);
void sleep_us(unsigned int us);
__attribute__((format(printf, 1, 2)))
void fail(const char *fmt, ...);
const char *op_name(unsigned int op);
__attribute__((format(printf, 3, 4)))
int did(unsigned int op, long ret, const char *fmt, ...);
void note_victim(pid_t pid);
pid_t pick_victim(void);
void begin_child(uint64_t seed, pid_t parent);
pid_t spawn_own(void);
pid_t spawn(void);
void reap(pid_t pid);
void reap_all(void);
int put(const char *path, const char *text);
int get(const char *path, char *buf, size_t size);
long long get_after(const char *path, const char *key);
void pick_root(struct place *p);
void append(struct place *p, const char *name);
void pick_below(struct place *p);
void pick(struct place *p);
const char *place_of(const char *name);
void pick_for(struct place *p, unsigned int f);
const char *number(void);
int make_text(char *buf, size_t size, enum kind kind);
int mutate(char *buf, int len, int size);
bool may_write(unsigned int f, bool root, const char *data, int len);
void write_file(const struct place *p, unsigned int f, bool mutated);
unsigned int file_index(const char *name);
int attach(const char *cont, const char *file, pid_t pid);
void furnish(const char *cont);
void enter(void);

/* workers.c: one step each */
void storm(void);
void attacher(void);
void directories(void);
void mounter(void);
void releases(void);
void writer(void);
void killer(void);
void reader(void);
void watcher(void);
void mempolicy(void);
void affinity(void);
void unsharer(void);
void hotplug(void);
void parameters(void);
void passer(void);
void numtasks_cap(void);
void numfiles_limit(void);
void still(void);
void cgrouper(void);

/* fuzz.c */
void fuzz(void);

#endif
