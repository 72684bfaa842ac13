// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static const char *const options[] = {
	"systemd-run",
	"--quiet",
	"--collect",
	"--same-dir",
	"--property=Restart=on-failure",
	"--property=RestartSec=1",
	"--property=TimeoutStartSec=30",
	"--property=LimitNOFILE=65536",
	"--property=NoNewPrivileges=yes",
	"--property=ProtectSystem=full",
	"--property=ProtectKernelTunables=yes",
	"--property=ProtectKernelModules=yes",
	"--property=ProtectKernelLogs=yes",
	"--property=ProtectControlGroups=yes",
	"--property=ProtectHostname=yes",
	"--property=RestrictNamespaces=yes",
	"--property=RestrictRealtime=yes",
	"--property=RestrictSUIDSGID=yes",
	"--property=LockPersonality=yes",
	"--property=SystemCallArchitectures=native",
	"--property=UMask=0077",
};

#define NR_OPTIONS     (sizeof(options) / sizeof(options[0]))
#define PROPERTIES_MAX 32

bool unit_possible(void)
{
	return !access("/run/systemd/system", F_OK);
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

int unit_start(const char *name, const char *const *properties,
	       char *const *argv)
{
	const char *all[NR_OPTIONS + PROPERTIES_MAX + 3 + UNIT_ARGS_MAX];
	size_t nr = NR_OPTIONS, i;

	memcpy(all, options, sizeof(options));
	for (i = 0; properties[i] && i < PROPERTIES_MAX; i++)
		all[nr++] = properties[i];
	all[nr++] = "--unit";
	all[nr++] = name;
	all[nr++] = "--";
	for (i = 0; argv[i] && i < UNIT_ARGS_MAX - 1; i++)
		all[nr++] = argv[i];
	all[nr] = NULL;
	if (!run(all))
		return 0;
	show_journal(name);
	unit_stop(name);
	return -ECHILD;
}

void unit_stop(const char *name)
{
	const char *const argv[] = { "systemctl", "--quiet", "stop", name,
				     NULL };

	run(argv);
}
