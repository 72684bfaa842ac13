// SPDX-License-Identifier: GPL-2.0
/* How vuserctl starts a QEMU. A script takes the place of QEMU. */
#include <stdarg.h>

#include "../harness.h"

#define DIRECTORY "/tmp/test-qemu"
#include "../../vuserctl/qemu.c"

#define SCRIPT DIRECTORY "/qemu"
#define UUID   "u"

/* The last error. */
static char said[1024];

void ctl_say(const char *fmt, ...)
{
	(void)fmt;
}

int ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return status;
}

/* Tests start no unit. */
bool unit_possible(void)
{
	return false;
}

int unit_start(const char *name, const char *const *properties,
	       char *const *argv)
{
	(void)name;
	(void)properties;
	(void)argv;
	return -ECHILD;
}

void unit_stop(const char *name)
{
	(void)name;
}

/* Put a script in the place of QEMU. */
static void install(const char *script)
{
	FILE *file;

	mkdir(DIRECTORY, 0755);
	file = fopen(SCRIPT, "we");
	require(file);
	fputs(script, file);
	require(!fclose(file) && !chmod(SCRIPT, 0755));
	setenv("VUSER_QEMU_SERVER", SCRIPT, 1);
}

static void clean(void)
{
	unlink(DIRECTORY "/arguments");
	unlink(SCRIPT);
	rmdir(DIRECTORY);
}

/* A script that has the server and writes its arguments to a file. */
#define HAS_SERVER                                               \
	"#!/bin/sh\n"                                            \
	"[ $2 = help ] && echo '  x-vfio-user-server' && exit\n" \
	"printf '%s\\n' \"$@\" > " DIRECTORY "/arguments\n"

/* Read the arguments of the script, each with a line end behind it. */
static const char *arguments(void)
{
	static char text[4096];
	FILE *file = fopen(DIRECTORY "/arguments", "re");

	require(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

TEST(qemu_gets_the_device_and_the_arguments_before_it)
{
	struct qemu qemu = { .model = "nvme,drive=disk" };
	char endpoint[128];

	install(HAS_SERVER);
	require(!qemu_add_arg(&qemu, "-blockdev"));
	require(!qemu_add_arg(&qemu, "driver=null-co,node-name=disk"));
	check_eq(qemu_start(UUID, &qemu, endpoint, sizeof(endpoint)), 0);
	check(!strcmp(endpoint, DIRECTORY "/u.sock"));
	check(!strcmp(
		arguments(),
		"-nodefaults\n-display\nnone\n-machine\n"
		"x-remote,vfio-user=on,auto-shutdown=off\n"
		"-blockdev\ndriver=null-co,node-name=disk\n"
		"-device\nnvme,drive=disk,id=vuser\n"
		"-object\nx-vfio-user-server,id=server,type=unix,path=" DIRECTORY
		"/u.sock,device=vuser\n"
		"-pidfile\n" DIRECTORY "/u.pid\n-daemonize\n"));
	clean();
}

TEST(qemu_without_a_server_is_refused)
{
	struct qemu qemu = { .model = "edu" };
	char endpoint[128];

	install("#!/bin/sh\necho '  x-remote-object'\n");
	check_eq(qemu_start(UUID, &qemu, endpoint, sizeof(endpoint)),
		 EX_UNAVAILABLE);
	check(strstr(said, SCRIPT " has no vfio-user server"));
	check(strstr(said, "VUSER_QEMU_SERVER"));
	clean();
}

TEST(missing_qemu_is_reported_with_the_next_step)
{
	struct qemu qemu = { .model = "edu" };
	char endpoint[128];

	setenv("VUSER_QEMU_SERVER", DIRECTORY "/none", 1);
	check_eq(qemu_start(UUID, &qemu, endpoint, sizeof(endpoint)),
		 EX_UNAVAILABLE);
	check(strstr(said, "cannot run " DIRECTORY "/none: install"));
}

TEST(qemu_that_refuses_the_device_is_reported)
{
	struct qemu qemu = { .model = "nonsense" };
	char endpoint[128];

	install(HAS_SERVER "exit 1\n");
	check_eq(qemu_start(UUID, &qemu, endpoint, sizeof(endpoint)),
		 EX_UNAVAILABLE);
	check(strstr(said, "no device was created"));
	clean();
}

TEST(model_that_is_an_option_or_empty_is_refused)
{
	static const char *const models[] = { "", "-S", ",x=1" };
	char endpoint[128];
	size_t i;

	for (i = 0; i < 3; i++) {
		struct qemu qemu = { .model = models[i] };

		check_eq(qemu_start(UUID, &qemu, endpoint, sizeof(endpoint)),
			 EX_USAGE);
	}
}

TEST(arguments_have_a_limit)
{
	struct qemu qemu = {};
	int i;

	for (i = 0; i < QEMU_ARGS_MAX; i++)
		check_eq(qemu_add_arg(&qemu, "x"), 0);
	check_eq(qemu_add_arg(&qemu, "x"), -E2BIG);
}
