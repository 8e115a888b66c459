// SPDX-License-Identifier: GPL-2.0
/*
 * Containers that become empty, under load: each is told of exactly once, be it
 * to a release agent, to one that removes it, or by its removal.
 */
#include <fcntl.h>
#include <limits.h>

#include "../kselftest_harness.h"
#include "race_util.h"

#define MNT	CT_DIR "/release"
#define LOAD	MNT "/load"
#define LOG	CT_DIR "/race_release.log"
/* Symbolic links to this program, which see agent_if_told(). */
#define AGENT		CT_DIR "/agent_log"
#define REMOVER		CT_DIR "/agent_remove"

#define WORKERS		3
#define LOADERS		2
/* Enough to be a crowd, and few enough for the memory of a small machine. */
#define CONTAINERS	1000

enum { COUNT_EMPTIED, COUNT_FORKED };

/* This program as the kernel calls it: log what was said, and obey. */
static void __attribute__((constructor)) agent_if_told(int argc, char **argv)
{
	bool remove = argc && !strcmp(argv[0], REMOVER);
	char line[PATH_MAX + 64];
	int fd, len;

	if (argc != 2 || (!remove && strcmp(argv[0], AGENT)))
		return;
	len = snprintf(line, sizeof(line), "%s\n", argv[1]);
	if (remove) {
		snprintf(line, sizeof(line), MNT "%s", argv[1]);
		if (rmdir(line))
			len = snprintf(line, sizeof(line), "%s: error %d\n",
				       argv[1], errno);
		else
			len = snprintf(line, sizeof(line), "%s\n", argv[1]);
	}
	fd = open(LOG, O_WRONLY | O_APPEND);
	if (fd < 0 || write(fd, line, len) != len)
		_exit(1);
	_exit(0);
}

/* What the agents have written; the caller frees it. */
static char *read_log(void)
{
	size_t size = CONTAINERS * 512;
	char *text = calloc(1, size);

	if (text && ct_read(CT_DIR, "race_release.log", text, size) < 0)
		text[0] = '\0';
	return text;
}

static int log_lines(void)
{
	char *text = read_log();
	int lines = 0;

	for (char *p = text; p && *p; p++)
		lines += *p == '\n';
	free(text);
	return lines;
}

/* How many times is this line in a text? */
static int times(const char *text, const char *line)
{
	size_t len = strlen(line);
	int found = 0;

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p += !!p)
		found += !strncmp(p, line, len) && p[len] == '\n';
	return found;
}

/* A hierarchy whose containers tell when they are empty. */
FIXTURE(race_release) {
	struct race *race;
};

FIXTURE_SETUP(race_release)
{
	char self_path[PATH_MAX] = "";

	ASSERT_EQ(0, ct_setup());
	ASSERT_LT(0, readlink("/proc/self/exe", self_path,
			      sizeof(self_path) - 1));
	unlink(AGENT);
	unlink(REMOVER);
	ASSERT_EQ(0, symlink(self_path, AGENT));
	ASSERT_EQ(0, symlink(self_path, REMOVER));
	close(open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	ASSERT_EQ(0, ct_mount("cpuacct,sample", MNT));
	ASSERT_EQ(0, ct_mkdir(LOAD));
	self->race = race_new(RACE_SECONDS);
	ASSERT_NE(NULL, self->race);
}

FIXTURE_TEARDOWN_PARENT(race_release)
{
	EXPECT_EQ(0, ct_reset());
	unlink(AGENT);
	unlink(REMOVER);
	unlink(LOG);
}

/* Forks and moves beside it all. */
static void loader(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			ct_enter(race_random(2) ? LOAD : MNT);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		race_count(race, COUNT_FORKED);
	}
}

static void start_load(struct __test_metadata *_metadata, struct race *race)
{
	for (int i = 0; i < LOADERS; i++) {
		ASSERT_LT(0, race_worker(race, loader, NULL));
	}
}

/* A member that comes and goes, in a way that differs. */
static int visit(const char *cont, unsigned int how)
{
	pid_t pid = how % 3 ? fork() : ct_sleeper(cont);
	int ret;

	if (pid < 0)
		return pid;
	if (!pid)
		_exit(how % 3 == 1 ? -ct_enter(cont) :
				     -ct_attach(cont, race_gettid()));
	ret = how % 3 ? ct_wait(pid) : ct_kill(pid);
	return how % 3 ? -ret : ret == 256 + SIGKILL ? 0 : -EPROTO;
}

/*
 * Chains p/q/r: r loses its only member, its agent removes it, which leaves q
 * empty, and so on to the top.
 */
static void chain_maker(struct race *race, void *arg)
{
	int number = (long)arg;

	for (unsigned int i = 0; !race_over(race); i++) {
		char cont[3][96];
		int ret;

		snprintf(cont[0], sizeof(cont[0]), MNT "/p%d.%u", number, i);
		snprintf(cont[1], sizeof(cont[1]), "%.80s/q", cont[0]);
		snprintf(cont[2], sizeof(cont[2]), "%.80s/r", cont[1]);
		for (int c = 0; c < 3; c++) {
			ret = ct_mkdir(cont[c]);
			if (ret) {
				race_fail(race, "mkdir %s: %d", cont[c], ret);
				return;
			}
		}
		ret = visit(cont[2], i);
		if (ret)
			race_fail(race, "attach to %s: %d", cont[2], ret);
		ret = ct_wait_gone(cont[0]);
		if (ret)
			race_fail(race, "%s is still there: %d", cont[0], ret);
		race_count(race, COUNT_EMPTIED);
	}
}

/* Hole 49, under load. */
TEST_F_TIMEOUT(race_release, agent_removes, RACE_TIMEOUT)
{
	struct race *race = self->race;
	unsigned long emptied;
	char *text;

	race_need(race, COUNT_EMPTIED, 4);
	ASSERT_EQ(0, ct_write(MNT, "release_agent", REMOVER));
	ASSERT_EQ(0, ct_write(MNT, "notify_on_release", "1"));
	start_load(_metadata, race);
	for (long i = 0; i < WORKERS; i++) {
		ASSERT_LT(0, race_worker(race, chain_maker, (void *)i));
	}
	race_run(race);
	EXPECT_RACE(race);
	emptied = race->count[COUNT_EMPTIED];
	TH_LOG("%lu chains, %lu forks", emptied, race->count[COUNT_FORKED]);
	/* The last agents write after they have removed. */
	for (int i = 0; i < CT_WAIT_MS && log_lines() < (int)emptied * 3; i++)
		race_sleep_us(1000);
	EXPECT_EQ((int)emptied * 3, log_lines());
	text = read_log();
	EXPECT_EQ(NULL, strstr(text, "error"))
		TH_LOG("%.200s", strstr(text, "error"));
	for (long n = 0; n < WORKERS; n++) {
		unsigned int i;

		for (i = 0; i < emptied; i++) {
			int told = times(text, ct_path("/p%ld.%u", n, i));

			if (!told)
				break;
			EXPECT_EQ(1, told);
			EXPECT_EQ(1, times(text, ct_path("/p%ld.%u/q", n, i)));
			EXPECT_EQ(1, times(text, ct_path("/p%ld.%u/q/r", n,
							 i)));
		}
		EXPECT_LT(0U, i);
	}
	free(text);
	/* Only the load's is left. */
	EXPECT_EQ(0, ct_rmdir(LOAD));
	EXPECT_EQ(0, ct_umount(MNT));
}

/* Makes containers and leaves them empty; where they are is told to no one. */
static void emptier(struct race *race, void *arg)
{
	int number = (long)arg;

	for (unsigned int i = 0; !race_over(race) && i < CONTAINERS / WORKERS;
	     i++) {
		const char *cont = ct_path(MNT "/c%d.%u", number, i);
		int ret = ct_mkdir(cont);

		if (!ret)
			ret = visit(cont, i);
		if (ret)
			race_fail(race, "%s: %d", cont, ret);
		race_count(race, COUNT_EMPTIED);
	}
}

/* Waits until the log has this many lines. */
static int wait_for_log(int lines)
{
	uint64_t end = race_now() + RACE_JOIN_MS * 1000000ULL;

	while (log_lines() < lines) {
		if (race_now() >= end)
			return log_lines();
		race_sleep_us(5000);
	}
	return log_lines();
}

/* Hole 75: under load each is told of once. */
TEST_F_TIMEOUT(race_release, told_once, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int emptied, found = 0;
	char *text;

	race_need(race, COUNT_EMPTIED, 11);
	ASSERT_EQ(0, ct_write(MNT, "release_agent", AGENT));
	ASSERT_EQ(0, ct_write(MNT, "notify_on_release", "1"));
	start_load(_metadata, race);
	for (long i = 0; i < WORKERS; i++) {
		ASSERT_LT(0, race_worker(race, emptier, (void *)i));
	}
	race_run(race);
	EXPECT_RACE(race);
	emptied = race->count[COUNT_EMPTIED];
	TH_LOG("%d emptied, %lu forks", emptied, race->count[COUNT_FORKED]);
	EXPECT_EQ(emptied, wait_for_log(emptied));
	/* One more, and what might have been told twice has been by then. */
	ASSERT_EQ(0, ct_mkdir(MNT "/last"));
	ASSERT_EQ(0, visit(MNT "/last", 1));
	EXPECT_EQ(emptied + 1, wait_for_log(emptied + 1));
	text = read_log();
	EXPECT_EQ(1, times(text, "/last"));
	for (long n = 0; n < WORKERS; n++) {
		for (unsigned int i = 0; i < CONTAINERS / WORKERS; i++) {
			const char *path = ct_path("/c%ld.%u", n, i);
			int told;

			if (ct_rmdir(ct_path(MNT "%s", path)))
				break;
			told = times(text, path);
			EXPECT_EQ(1, told)
				TH_LOG("%s", path);
			found++;
		}
	}
	free(text);
	EXPECT_EQ(emptied, found);
	/* Nor is anything told of those that have been removed. */
	ASSERT_EQ(0, ct_rmdir(MNT "/last"));
	ASSERT_EQ(0, ct_mkdir(MNT "/last"));
	ASSERT_EQ(0, visit(MNT "/last", 1));
	EXPECT_EQ(emptied + 2, wait_for_log(emptied + 2));
}

/*
 * Hole 75 without an agent: the kernel removes them. One in four is a parent
 * that has had its member before its children get theirs.
 */
static int make_mortal(const char *cont)
{
	int ret = ct_mkdir(cont);

	return ret ? ret : ct_write(cont, "auto_delete", "1");
}

static void mortals(struct race *race, void *arg)
{
	int number = (long)arg;

	for (unsigned int i = 0; !race_over(race); i++) {
		char top[64], child[96];
		int ret;

		snprintf(top, sizeof(top), MNT "/m%d.%u", number, i);
		snprintf(child, sizeof(child), "%s/child", top);
		ret = make_mortal(top);
		if (!ret && i % 4 == 0)
			ret = make_mortal(child);
		if (!ret)
			ret = visit(top, i);
		if (!ret && i % 4 == 0)
			/* It has a child, so it must be there still. */
			ret = access(top, F_OK) ? -errno : visit(child, i / 4);
		if (ret) {
			race_fail(race, "%s: %d", top, ret);
			return;
		}
		ret = ct_wait_gone(top);
		if (ret)
			race_fail(race, "%s is still there: %d", top, ret);
		race_count(race, COUNT_EMPTIED);
	}
}

TEST_F_TIMEOUT(race_release, auto_delete, RACE_TIMEOUT)
{
	struct race *race = self->race;
	struct ct_subsys row;

	race_need(race, COUNT_EMPTIED, 3);
	/* One that never has a member stays. */
	ASSERT_EQ(0, make_mortal(MNT "/never"));
	start_load(_metadata, race);
	for (long i = 0; i < WORKERS; i++) {
		ASSERT_LT(0, race_worker(race, mortals, (void *)i));
	}
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu gone, %lu forks", race->count[COUNT_EMPTIED],
	       race->count[COUNT_FORKED]);
	EXPECT_EQ(0, ct_subsys("cpuacct", &row));
	EXPECT_EQ(3, row.containers);
	EXPECT_EQ(0, ct_rmdir(MNT "/never"));
	EXPECT_EQ(0, ct_rmdir(LOAD));
	EXPECT_EQ(0, ct_umount(MNT));
	EXPECT_EQ(0, ct_subsys("cpuacct", &row));
	EXPECT_EQ(0, row.hierarchy);
}

/*
 * Newcomers against the removal of what they are about to enter: they are
 * either in a container that stays as long as they do, or were refused.
 */
static void newcomer(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		pid_t pid = fork();

		if (!pid) {
			int ret = ct_enter(MNT "/common");

			/* As long as this one is in it, it is there. */
			if (!ret && access(MNT "/common", F_OK))
				race_fail(race, "gone with a member");
			if (!ret && !ct_is_in(getpid(), "cpuacct,sample",
					      "/common"))
				race_fail(race, "not in it");
			if (ret && ret != -ENODEV && ret != -ENOENT)
				race_fail(race, "attach: %d", ret);
			if (!ret)
				race_count(race, COUNT_FORKED);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void remaker(struct race *race, void *arg)
{
	(void)arg;
	while (!race_over(race)) {
		int ret = ct_mkdir(MNT "/common");

		if (!ret) {
			ret = ct_write(MNT "/common", "auto_delete", "1");
			race_count(race, COUNT_EMPTIED);
		}
		/* It may have been made, entered, left and removed by now. */
		if (ret && ret != -EEXIST && ret != -ENODEV && ret != -ENOENT)
			race_fail(race, "mkdir: %d", ret);
		race_sleep_us(race_random(500));
	}
}

TEST_F_TIMEOUT(race_release, auto_delete_and_attach, RACE_TIMEOUT)
{
	struct race *race = self->race;
	int ret;

	race_need(race, COUNT_EMPTIED, 3);
	race_need(race, COUNT_FORKED, 3);
	for (int i = 0; i < 3; i++) {
		ASSERT_LT(0, race_worker(race, newcomer, NULL));
	}
	ASSERT_LT(0, race_worker(race, remaker, NULL));
	race_run(race);
	EXPECT_RACE(race);
	TH_LOG("%lu made, %lu entered", race->count[COUNT_EMPTIED],
	       race->count[COUNT_FORKED]);
	/* It is gone already, goes now, or was not entered any more. */
	ret = ct_rmdir(MNT "/common");
	EXPECT_TRUE(ret == 0 || ret == -ENOENT);
}

/* Dies when it is told to. */
static pid_t start_mortal(atomic_int *die)
{
	pid_t pid = ct_fork();

	if (pid)
		return pid;
	while (!atomic_load(die))
		continue;
	_exit(0);
}

/* A container whose would-be member died on the way has never had one. */
TEST_F_TIMEOUT(race_release, auto_delete_not_entered, RACE_TIMEOUT)
{
	struct race *race = self->race;
	unsigned int made = 0;
	char cont[64];
	pid_t pid;
	int ret;

	race_need(race, RACE_ROUNDS, 1);
	for (; !race_over(race) && made < CONTAINERS; made++) {
		snprintf(cont, sizeof(cont), MNT "/late%u", made);
		ASSERT_EQ(0, ct_mkdir(cont));
		ASSERT_EQ(0, ct_write(cont, "auto_delete", "1"));
		atomic_store(&race->paused, 0);
		pid = start_mortal(&race->paused);
		ASSERT_LT(0, pid);
		atomic_store(&race->paused, 1);
		/* Longer and longer: how long it takes to die is up to the machine. */
		race_sleep_us(race_random(200 * (1 + made / 16)));
		ret = ct_attach_process(cont, pid);
		ASSERT_TRUE(!ret || ret == -ESRCH) TH_LOG("%d", ret);
		ASSERT_EQ(0, ct_wait(pid));
		if (!ret) {
			ASSERT_EQ(0, ct_wait_gone(cont));
			continue;
		}
		race_count(race, RACE_ROUNDS);
		/* What may be going to remove it comes before this one's end. */
		ASSERT_EQ(0, ct_mkdir(MNT "/marker"));
		ASSERT_EQ(0, ct_write(MNT "/marker", "auto_delete", "1"));
		ASSERT_EQ(0, visit(MNT "/marker", 1));
		ASSERT_EQ(0, ct_wait_gone(MNT "/marker"));
		ASSERT_EQ(0, ct_rmdir(cont)) TH_LOG("%u", made);
	}
	TH_LOG("%u made, %lu not entered", made, race->count[RACE_ROUNDS]);
	EXPECT_LT(0UL, race->count[RACE_ROUNDS]);
	EXPECT_LT(race->count[RACE_ROUNDS], made);
}

TEST_HARNESS_MAIN
