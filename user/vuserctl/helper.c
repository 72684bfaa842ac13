// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

#ifndef PROC
#define PROC "/proc"
#endif

#define NAME "vuserd"

/* Whether a process is named NAME; @parent is set to its parent. */
static bool is_helper(pid_t pid, pid_t *parent)
{
	char path[64], text[512] = "", *name, *end;
	FILE *file;

	snprintf(path, sizeof(path), PROC "/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	/* PID (NAME) STATE PARENT ... */
	name = strchr(text, '(');
	end = strrchr(text, ')');
	return name && end && end - name - 1 == (int)strlen(NAME) &&
	       !strncmp(name + 1, NAME, strlen(NAME)) &&
	       sscanf(end + 1, " %*c %d", parent) == 1;
}

pid_t helper_find(void)
{
	DIR *dir = opendir(PROC);
	struct dirent *entry;
	pid_t parent, other, pid, found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = atoi(entry->d_name);
		if (is_helper(pid, &parent) && !is_helper(parent, &other))
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}
