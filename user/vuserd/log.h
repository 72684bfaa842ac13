/* SPDX-License-Identifier: GPL-2.0 */
/* Log lines, for the journal or for a terminal. */
#ifndef VUSERD_LOG_H
#define VUSERD_LOG_H

#include <stdbool.h>
#include <systemd/sd-daemon.h>

/*
 * @plain: without priorities, which the journal reads from the start of each
 * line
 */
void log_open(bool plain, bool verbose);

/* Write one line.  @level is SD_ERR and so on; SD_DEBUG only if verbose. */
void log_line(const char *level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)   log_line(SD_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(SD_WARNING, __VA_ARGS__)
#define log_info(...)  log_line(SD_INFO, __VA_ARGS__)
#define log_debug(...) log_line(SD_DEBUG, __VA_ARGS__)

#endif /* VUSERD_LOG_H */
