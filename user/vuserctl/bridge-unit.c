// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge-unit.h"

/*
 * The restrictions are those of vuser-vhost@.service. With --listen, vuser-vhost creates
 * a socket at a path of the user, so most of the file system stays writable.
 */
static const char *const options[] = {
	"systemd-run",
	"--quiet",
	"--collect",
	"--same-dir",
	"--service-type=notify",
	"--property=Restart=on-failure",
	"--property=RestartSec=1",
	"--property=TimeoutStartSec=30",
	"--property=LimitNOFILE=65536",
	"--property=CapabilityBoundingSet=CAP_DAC_OVERRIDE",
	"--property=RestrictAddressFamilies=AF_UNIX",
	"--property=NoNewPrivileges=yes",
	"--property=ProtectSystem=full",
	"--property=ProtectHome=read-only",
	"--property=ProtectKernelTunables=yes",
	"--property=ProtectKernelModules=yes",
	"--property=ProtectKernelLogs=yes",
	"--property=ProtectControlGroups=yes",
	"--property=ProtectClock=yes",
	"--property=ProtectHostname=yes",
	"--property=PrivateDevices=yes",
	"--property=RestrictNamespaces=yes",
	"--property=RestrictRealtime=yes",
	"--property=RestrictSUIDSGID=yes",
	"--property=LockPersonality=yes",
	"--property=MemoryDenyWriteExecute=yes",
	"--property=SystemCallArchitectures=native",
	"--property=SystemCallFilter=@system-service",
	"--property=UMask=0077",
	"--unit",
};

#define NR_OPTIONS (sizeof(options) / sizeof(options[0]))
#define ARGS_MAX   64

bool bridge_unit_possible(void)
{
	return !access("/run/systemd/system", F_OK);
}

static void name_of(char name[64], const char *uuid)
{
	snprintf(name, 64, "vuser-vhost-%s.service", uuid);
}

/* Run a program and wait for it; 0 if it succeeds, otherwise -ECHILD. */
static int run(const char *const *argv)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* The output of vuserctl is for its caller. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && !status ? 0 : -ECHILD;
}

static void show_journal(const char *name)
{
	const char *const argv[] = { "journalctl", "--quiet",  "--no-pager",
				     "--lines=20", "--output", "cat",
				     "--unit",	   name,       NULL };

	run(argv);
}

int bridge_unit_start(const char *uuid, char *const *argv)
{
	const char *all[NR_OPTIONS + 2 + ARGS_MAX];
	size_t nr = 0, i;
	char name[64];

	name_of(name, uuid);
	memcpy(all, options, sizeof(options));
	nr = NR_OPTIONS;
	all[nr++] = name;
	all[nr++] = "--";
	for (i = 0; argv[i] && i < ARGS_MAX - 1; i++)
		all[nr++] = argv[i];
	all[nr] = NULL;
	if (!run(all))
		return 0;
	show_journal(name);
	bridge_unit_stop(uuid);
	return -ECHILD;
}

void bridge_unit_stop(const char *uuid)
{
	char name[64];
	const char *const argv[] = { "systemctl", "--quiet", "stop", name,
				     NULL };

	name_of(name, uuid);
	run(argv);
}
