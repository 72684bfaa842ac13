/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exit statuses of all programs are those of sysexits.h. The man pages say what each
 * of them means.
 */
#ifndef COMMON_EXIT_STATUS_H
#define COMMON_EXIT_STATUS_H

#include <sysexits.h>

/**
 * exit_status - the exit status for an error
 * @error: -errno, or 0
 *
 * Return: EX_OK for 0, EX_OSERR for an error that has no status of its own.
 */
int exit_status(int error);

#endif /* COMMON_EXIT_STATUS_H */
