// SPDX-License-Identifier: GPL-2.0
/*
 * Start and end the QEMU of a device. QEMU becomes a daemon when its socket exists. Where
 * systemd manages the host, the daemon is a unit. Elsewhere the lock that QEMU holds on its
 * PID file names the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "lock.h"
#include "qemu.h"
#include "unit.h"

#define VARIABLE "VUSER_QEMU_SERVER"
#define PROGRAM	 "qemu-system-x86_64"
#ifndef DIRECTORY
#define DIRECTORY "/run/vuser-qemu"
#endif
#define OBJECT "x-vfio-user-server"

/* The paths and the words that depend on the device. */
struct words {
	char socket[128];
	char pid[128];
	char unit[128];
	char name[64];
	char device[4096];
	char object[256];
	char remove[256];
	char pid_file[256];
};

static void path_of(char path[128], const char *uuid, const char *suffix)
{
	snprintf(path, 128, DIRECTORY "/%s.%s", uuid, suffix);
}

static void make_words(struct words *words, const char *uuid, const char *model)
{
	path_of(words->socket, uuid, "sock");
	path_of(words->pid, uuid, "pid");
	path_of(words->unit, uuid, "unit");
	snprintf(words->name, sizeof(words->name), "vuser-qemu-%s.service",
		 uuid);
	snprintf(words->device, sizeof(words->device), "%s,id=vuser", model);
	snprintf(words->object, sizeof(words->object),
		 OBJECT ",id=server,type=unix,path=%s,device=vuser",
		 words->socket);
	snprintf(words->remove, sizeof(words->remove),
		 "--property=ExecStartPre=/bin/rm -f %s", words->socket);
	snprintf(words->pid_file, sizeof(words->pid_file),
		 "--property=PIDFile=%s", words->pid);
}

/* Make the command line. The arguments of the user come before the device that uses them. */
static void make_args(const struct words *words, const char *program,
		      const struct qemu *qemu, const char *argv[UNIT_ARGS_MAX])
{
	const char *const first[] = {
		program,    "-nodefaults",
		"-display", "none",
		"-machine", "x-remote,vfio-user=on,auto-shutdown=off",
	};
	const char *const last[] = {
		"-device",  words->device, "-object",	 words->object,
		"-pidfile", words->pid,	   "-daemonize", NULL,
	};

	memcpy(argv, first, sizeof(first));
	argv += sizeof(first) / sizeof(first[0]);
	memcpy(argv, qemu->args, qemu->nr * sizeof(*argv));
	memcpy(argv + qemu->nr, last, sizeof(last));
}

int qemu_add_arg(struct qemu *qemu, const char *arg)
{
	if (qemu->nr == QEMU_ARGS_MAX)
		return -E2BIG;
	qemu->args[qemu->nr++] = arg;
	return 0;
}

/* Start a program with its output at @fd, and wait for it; its wait status, or -errno. */
static int run(const char *const *argv, int fd)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return pid < 0 ? -errno : status;
}

/* Whether a file has a text in one of its lines. */
static bool contains(int fd, const char *text)
{
	FILE *file = fdopen(fd, "r");
	char line[256];
	bool found = false;

	if (!file) {
		close(fd);
		return false;
	}
	rewind(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	fclose(file);
	return found;
}

/* Check that the program can serve a device; 0 or an exit status. */
static int check_program(const char *program)
{
	const char *const argv[] = { program, "-object", "help", NULL };
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int status;

	if (fd < 0)
		return ctl_fail(EX_OSERR, "cannot create a file in /tmp: %s",
				strerror(errno));
	status = run(argv, fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		close(fd);
		return ctl_fail(
			EX_UNAVAILABLE,
			"cannot run %s: install a QEMU that has a vfio-user server, or give its path in " VARIABLE,
			program);
	}
	if (contains(fd, OBJECT))
		return 0;
	return ctl_fail(
		EX_UNAVAILABLE,
		"%s has no vfio-user server: give the path of a QEMU that was configured with --enable-vfio-user-server in " VARIABLE,
		program);
}

/* Start a unit of systemd. A file marks that the device has one; 0 or -errno. */
static int start_unit(const struct words *words, const char **argv)
{
	/*
	 * QEMU may use files of any user, network interfaces and other devices. So it does
	 * not get ProtectClock, which allows the devices of clocks only.
	 */
	const char *const properties[] = {
		"--service-type=forking",
		"--property=CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_NET_ADMIN CAP_CHOWN",
		words->remove,
		words->pid_file,
		NULL,
	};
	int fd = open(words->unit, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return unit_start(words->name, properties, (char *const *)argv);
}

/* Start a daemon without systemd; 0 or -ECHILD. */
static int start_daemon(const char **argv)
{
	return run(argv, STDERR_FILENO) ? -ECHILD : 0;
}

int qemu_start(const char *uuid, const struct qemu *qemu, char *endpoint,
	       size_t size)
{
	const char *program = getenv(VARIABLE) ?: PROGRAM;
	const char *argv[UNIT_ARGS_MAX];
	struct words words;
	int status;

	if (!qemu->model[0] || strchr("-,", qemu->model[0]) ||
	    strlen(qemu->model) > sizeof(words.device) / 2)
		return ctl_fail(
			EX_USAGE,
			"--qemu needs MODEL[,OPTION]..., for example edu, as for QEMU's -device");
	status = check_program(program);
	if (status)
		return status;
	make_words(&words, uuid, qemu->model);
	make_args(&words, program, qemu, argv);
	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return ctl_fail(exit_status(-errno),
				"cannot create " DIRECTORY ": %s",
				strerror(errno));
	if (unit_possible() ? start_unit(&words, argv) : start_daemon(argv)) {
		qemu_stop(uuid);
		return ctl_fail(EX_UNAVAILABLE,
				"QEMU did not start: no device was created");
	}
	snprintf(endpoint, size, "%s", words.socket);
	return 0;
}

void qemu_stop(const char *uuid)
{
	struct words words;

	make_words(&words, uuid, "");
	if (!access(words.unit, F_OK))
		unit_stop(words.name);
	lock_end_holder(words.pid, "QEMU");
	unlink(words.socket);
	unlink(words.pid);
	unlink(words.unit);
}
