// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test machine: mount what programs expect, run /job with a clean
 * serial line as its standard streams, look for memory leaks if the kernel can,
 * and send the verdict over a line of its own, which no console text can fake.
 *
 *   init SECONDS PROGRAM	run a program, for so long at most; not as PID 1
 *
 *   ttyS0  kernel console     ttyS1  the job's     ttyS2  the verdict
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *type, *dir;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "devpts", "/dev/pts" },
	{ "tmpfs", "/dev/shm" },
	{ "tmpfs", "/tmp" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
};

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t len = strlen(text);
	int ret = fd >= 0 && write(fd, text, len) == len ? 0 : -1;

	close(fd);
	return ret;
}

static void mount_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount("none", mounts[i].dir, mounts[i].type, 0, NULL))
			dprintf(1, "init: %s: %s\n", mounts[i].dir,
				strerror(errno));
	}
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
}

/* A line that passes bytes as they are, or, for people, a terminal. */
static void set_line(int fd, int terminal)
{
	struct termios tio;

	if (tcgetattr(fd, &tio))
		return;
	if (!terminal)
		cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	tcsetattr(fd, TCSANOW, &tio);
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * When the leader of a session exits its terminal is hung up, and what is not yet
 * sent is lost. So the leader is not the shell.
 */
static void lead_job(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		execl("/bin/sh", "sh", "/job", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(127);
	tcdrain(1);
	_exit(exit_code(status));
}

static int run_job(void)
{
	int terminal = !access("/interactive", F_OK);
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd;

		setsid();
		fd = open("/dev/ttyS1", O_RDWR);
		set_line(fd, terminal);
		ioctl(fd, TIOCSCTTY, 0);
		if (!terminal) {
			int null = open("/dev/null", O_RDONLY);

			dup2(null, 0);
			close(null);
		} else {
			dup2(fd, 0);
		}
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
		setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
		setenv("HOME", "/tmp", 1);
		setenv("TERM", "vt100", 1);
		if (chdir("/tmp"))
			_exit(127);
		lead_job();
	}
	/* Orphans are ours to wait for, too. */
	while (waitpid(-1, &status, 0) != pid)
		;
	return exit_code(status);
}

/* What kmemleak, if there is one, has to report goes to standard error. */
static const char *find_leaks(void)
{
	static const char file[] = "/sys/kernel/debug/kmemleak";
	char buf[4096];
	ssize_t len;
	int fd, found = 0;

	if (access(file, F_OK))
		return "unknown";
	/* Objects younger than five seconds are not reported. */
	sleep(6);
	if (put(file, "scan") || put(file, "scan"))
		return "unknown";
	fd = open(file, O_RDONLY);
	if (fd < 0)
		return "unknown";
	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		found = 1;
		if (write(2, buf, len) != len)
			break;
	}
	close(fd);
	if (len < 0)
		return "unknown";
	return found ? "some" : "none";
}

/* The kernel's record of warnings and the like. */
static int get_taint(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "r");
	int taint = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &taint) != 1)
		taint = -1;
	fclose(file);
	return taint;
}

/*
 * Unlike busybox's timeout it leaves no process behind that ends up to a second later,
 * in the middle of a test that counts processes.
 */
static int run_limited(int seconds, char **argv)
{
	const struct timespec limit = { .tv_sec = seconds };
	sigset_t set;
	int status;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		return 127;
	/* The signal cannot come from another child: there is one. */
	if (sigtimedwait(&set, NULL, &limit) < 0)
		kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid ? exit_code(status) : 127;
}

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc > 2 && getpid() != 1)
		return run_limited(atoi(argv[1]), argv + 2);
	mount_all();
	ret = run_job();
	fd = open("/dev/ttyS2", O_WRONLY);
	set_line(fd, 0);
	dprintf(fd, "job %d\n", ret);
	dprintf(fd, "leaks %s\n", find_leaks());
	dprintf(fd, "taint %d\n", get_taint());
	dprintf(fd, "done\n");
	tcdrain(fd);
	sync();
	/* QEMU is told not to reboot. */
	reboot(RB_AUTOBOOT);
	pause();
	return 0;
}
