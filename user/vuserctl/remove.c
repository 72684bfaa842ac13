// SPDX-License-Identifier: GPL-2.0
/*
 * vuserctl remove: remove devices.
 *
 * The kernel asks a program that has the device open to close it, and waits for that
 * without a limit, also if the waiting process gets a signal. So where there is a limit, a
 * child process removes the device, and goes on when vuserctl has given up.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge.h"
#include "commands.h"
#include "holder.h"
#include "output.h"
#include "qemu.h"
#include "settings.h"
#include "sysfs.h"
#include "target.h"

/* Seconds that a program has to close the device before --force ends it. */
#define FORCE_DEFAULT 10
/* Milliseconds that a program has to end itself after SIGTERM, and after SIGKILL. */
#define TERM_MSEC 5000
#define KILL_MSEC 10000

enum {
	OPT_TIMEOUT = 512,
	OPT_FORCE,
};

static const struct opt options[] = {
	{ "timeout", OPT_TIMEOUT, "SECONDS", false,
	  "stop waiting for the program that has the device open; the device is removed when it closes the device" },
	{ "force", OPT_FORCE, NULL, false,
	  "end the programs that still have the device open after the timeout, 10 seconds by default" },
	{},
};

/**
 * struct removal - a run of this command
 * @limited: there is a limit
 * @seconds: the limit
 * @force: end the programs that have a device open at the limit
 */
struct removal {
	bool limited;
	uint32_t seconds;
	bool force;
};

/* Text about the processes of a device. */
#define TEXT_MAX 1024

static void name_holders(const struct holder_files *files, char text[TEXT_MAX])
{
	struct holder holders[HOLDER_MAX];

	holder_text(holders, holder_find(files, holders), text, TEXT_MAX);
}

static void say_who(const struct removal *removal,
		    const struct holder_files *files)
{
	char text[TEXT_MAX];

	name_holders(files, text);
	if (removal->force)
		ctl_say("%s has %s open and is ended in %u s unless the device is closed",
			text, files->uuid, removal->seconds);
	else
		ctl_say("%s has %s open: waiting until the device is closed; --force would end the program",
			text, files->uuid);
}

/* Remove a device, however long it takes; 0 or -errno. */
static int take_away(const struct vnl_dev *dev)
{
	int ret = sysfs_remove(dev->uuid);

	if (!ret) {
		bridge_stop(dev->uuid);
		qemu_stop(dev->uuid);
	}
	return ret;
}

/*
 * The child process. The caller of vuserctl may read its output until all writers have
 * closed it, and so for other files that were inherited: do not keep them open.
 */
static void child(const struct vnl_dev *dev)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	_exit(-take_away(dev));
}

/* Wait at most @msec for the child process; its result, or -ETIMEDOUT. */
static int wait_child(pid_t pid, int pidfd, int msec)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int status;

	if (poll(&pfd, 1, msec) != 1)
		return -ETIMEDOUT;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static void signal_holders(const struct holder_files *files, int sig)
{
	struct holder holders[HOLDER_MAX];
	size_t i, nr = holder_find(files, holders);

	for (i = 0; i < nr; i++) {
		/* The service manager keeps descriptors for services. */
		if (holders[i].pid == 1)
			continue;
		ctl_say("ending process %d (%s), which has %s open",
			holders[i].pid, holders[i].name, files->uuid);
		kill(holders[i].pid, sig);
	}
}

/* Remove a device within the limit; 0 or -errno. */
static int remove_limited(const struct removal *removal,
			  const struct vnl_dev *dev,
			  const struct holder_files *files)
{
	int msec = removal->seconds > INT_MAX / 1000 ? INT_MAX :
						       removal->seconds * 1000;
	int pidfd, ret;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		child(dev);
	pidfd = pid < 0 ? -1 : syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	ret = wait_child(pid, pidfd, msec);
	if (ret == -ETIMEDOUT && removal->force) {
		signal_holders(files, SIGTERM);
		ret = wait_child(pid, pidfd, TERM_MSEC);
	}
	if (ret == -ETIMEDOUT && removal->force) {
		signal_holders(files, SIGKILL);
		ret = wait_child(pid, pidfd, KILL_MSEC);
	}
	close(pidfd);
	return ret;
}

static int remove_one(const struct removal *removal, const struct vnl_dev *dev)
{
	struct holder_files files;
	char text[TEXT_MAX];
	int ret;

	holder_files(dev, &files);
	if (dev->state == VUSER_STATE_OPEN)
		say_who(removal, &files);
	ret = removal->limited ? remove_limited(removal, dev, &files) :
				 take_away(dev);
	if (!ret)
		return 0;
	if (ret == -ETIMEDOUT) {
		name_holders(&files, text);
		return ctl_fail(
			EX_TEMPFAIL,
			"%s still has %s open: the device is removed when it is closed",
			text, dev->uuid);
	}
	return ctl_fail(exit_status(ret), "cannot remove %s: %s", dev->uuid,
			exit_status(ret) == EX_NOPERM ?
				"permission denied, run vuserctl as root" :
				strerror(-ret));
}

static int parse(struct removal *removal, int argc, char **argv)
{
	struct option_parser parser;
	int key;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key == OPT_TIMEOUT) {
			removal->limited = true;
			if (settings_number(optarg, &removal->seconds))
				return ctl_fail(
					EX_USAGE,
					"--timeout: '%s' is not a number of seconds",
					optarg);
		} else if (key == OPT_FORCE) {
			removal->force = true;
		} else {
			return ctl_usage(&cmd_remove);
		}
	}
	if (removal->force && !removal->limited) {
		removal->limited = true;
		removal->seconds = FORCE_DEFAULT;
	}
	return optind == argc ? ctl_usage(&cmd_remove) : 0;
}

static struct json_object *result_json(const struct vnl_dev *dev, int status)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "uuid",
			       json_object_new_string(dev->uuid));
	json_object_object_add(object, "removed",
			       json_object_new_boolean(!status));
	return object;
}

static int remove_all(const struct ctl *ctl, const struct removal *removal,
		      const struct targets *targets)
{
	struct json_object *array = json_object_new_array();
	int ret, status = 0;
	size_t i;

	for (i = 0; i < targets->nr; i++) {
		ret = remove_one(removal, &targets->devs[i]);
		status = status ?: ret;
		json_object_array_add(array,
				      result_json(&targets->devs[i], ret));
	}
	if (ctl->json)
		output_array(array, targets->single);
	else
		json_object_put(array);
	return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct removal removal = {};
	struct targets targets;
	int status;

	status = parse(&removal, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	if (!status)
		status = remove_all(ctl, &removal, &targets);
	target_free(&targets);
	return status;
}

const struct command cmd_remove = {
	.name = "remove",
	.operands = "DEVICE...",
	.operand = CTL_DEVICES,
	.options = options,
	.what = "remove devices as soon as no program has them open",
	.run = run,
};
