// SPDX-License-Identifier: GPL-2.0
/* Which process is vuserd, by a /proc of the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../harness.h"

#define PROC "/tmp/test-helper"
#include "../../vuserctl/helper.c"

static void process(int pid, const char *name, int parent)
{
	char path[64];
	FILE *file;

	mkdir(PROC, 0755);
	snprintf(path, sizeof(path), PROC "/%d", pid);
	require(!mkdir(path, 0755));
	strcat(path, "/stat");
	file = fopen(path, "w");
	require(file);
	fprintf(file, "%d (%s) S %d 1 1 0\n", pid, name, parent);
	fclose(file);
}

static void end(void)
{
	check_eq(system("rm -r " PROC), 0);
}

TEST(vuserd_is_found_and_its_child_processes_are_not)
{
	process(1, "systemd", 0);
	process(20, "vuserd", 21);
	process(21, "vuserd", 1);
	process(22, "vuserd) S 1 (x", 1);
	check_eq(helper_find(), 21);
	end();
}

TEST(other_programs_are_not_found)
{
	process(1, "systemd", 0);
	process(20, "vuserdx", 1);
	process(21, "bash", 1);
	check_eq(helper_find(), 0);
	end();
}
